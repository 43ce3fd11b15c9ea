"""Where the values of a generated shape come from: a row of a SELECT, an object that a function made, or the caller."""

import enum
import functools
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any, Protocol

import orjson
from graphql import FieldNode, GraphQLField, GraphQLLeafType, GraphQLOutputType
from tortoise import fields

from app.execution.compiler.query_plan import ArgumentsOf, CallForEach, Join, Level, NotCompilable, Owner, Root
from app.execution.executor.direct_fields import coercer
from app.execution.executor.resolvers import Resolver
from app.execution.values import Row
from app.foundation.access import TenantScoped
from app.foundation.graphql import declarations, lists
from app.foundation.identifiers import Kind, sid_of


class Compiling(Protocol):
    """What a source asks of the compiler."""

    arguments: ArgumentsOf

    def number(self) -> int: ...
    def constant(self, value: object) -> str: ...
    def function(self, parameter: str, body: str | list[str]) -> str: ...
    def output_of(
        self, expression: str, nodes: list[FieldNode], type_: GraphQLOutputType, source: "Source", *, nullable: bool
    ) -> str: ...
    def shape(self, nodes: list[FieldNode], type_: GraphQLOutputType, source: "Source") -> str: ...
    def shaped(self, expression: str, nodes: list[FieldNode], type_: GraphQLOutputType, source: "Source") -> str: ...
    def page(self, nodes: list[FieldNode], type_: GraphQLOutputType, level: Level) -> str: ...
    def level(
        self, model: type[TenantScoped], root: Root, into: list[Level], *, by: str = "id", owner: Owner | None = None
    ) -> Level: ...


class Source:
    """Where a shape's values come from."""

    level: Level | None = None
    """The level whose rows they are, if it is one's."""

    def __init__(self, compiler: Compiling) -> None:
        self.compiler = compiler

    def column(self, name: str) -> str:
        """The expression of a column's Python value, as the ORM would give it."""
        raise NotImplementedError

    def leaf(self, name: str, type_: GraphQLLeafType, *, nullable: bool) -> str:
        """The expression of a column in the answer. What the database holds is of the column's type, and null if it may be."""
        return self.compiler.output_of(self.column(name), [], type_, self, nullable=True)

    def below(self, _name: str) -> "Source":
        """The source of the object in a column."""
        return OfObject(self.compiler)

    def sid(self, name: str, kind: Kind) -> str:
        return f"{self.compiler.constant(sid_of)}({self.compiler.constant(kind)}, {self.column(name)})"

    def part(self, declared: declarations.Part) -> "Source":
        """The source of an object that is made of some of the columns."""
        return _PartOf(self, declared.columns)

    def to_one(self, declared: declarations.ToOne, nodes: list[FieldNode], type_: GraphQLOutputType) -> str:
        raise NotCompilable("a to-one of a value")

    def beside(self, declared: declarations.FromRelated) -> str:
        """The expression of what is made of the row and of related rows."""
        values = [self.column(name) for name in declared.columns]
        values += [self.related(one.path, one.columns) for one in declared.related]
        return f"{self.compiler.constant(declared.make)}({', '.join(values)})"

    def related(self, path: tuple[declarations.ToOne, ...], columns: tuple[str, ...]) -> str:
        """The expression of an object with columns of the row at the end of a path; None when there is no such row."""
        raise NotCompilable("a row that is related to a value")

    def page(self, declared: lists.PageOf, nodes: list[FieldNode], made: GraphQLField) -> str:
        raise NotCompilable("a page of a value")

    def count(self, declared: declarations.CountOf) -> str:
        raise NotCompilable("a count of a value")

    def call(self, declared: declarations.ResolvedFrom, resolver: Resolver, made: GraphQLField, node: FieldNode) -> str:
        raise NotCompilable("a resolver of a value")


class _PartOf(Source):
    """Some columns of another source, by other names."""

    def __init__(self, whole: Source, columns: Mapping[str, str]) -> None:
        super().__init__(whole.compiler)
        self.level = whole.level
        self._whole = whole
        self._columns = columns

    def column(self, name: str) -> str:
        return self._whole.column(self._columns[name])

    def leaf(self, name: str, type_: GraphQLLeafType, *, nullable: bool) -> str:
        return self._whole.leaf(self._columns[name], type_, nullable=nullable)

    def call(self, declared: declarations.ResolvedFrom, resolver: Resolver, made: GraphQLField, node: FieldNode) -> str:
        if any(self._columns[name] != name for name in declared.columns):
            raise NotCompilable("a resolver of a part that calls its columns otherwise")
        return self._whole.call(declared, resolver, made, node)


class OfObject(Source):
    """A Python object that a function of ours made."""

    def column(self, name: str) -> str:
        return f"r.{name}"

    def leaf(self, name: str, type_: GraphQLLeafType, *, nullable: bool) -> str:
        return f"{self.compiler.constant(coercer(type_, nullable=nullable))}(r.{name})"


class OfKnownObject(OfObject):
    """The caller, or an object that can be found from a call's answer: what hangs from it are rows of their own."""

    def __init__(self, compiler: Compiling, owner: Owner, into: list[Level]) -> None:
        super().__init__(compiler)
        self._owner = owner
        self._into = into

    def below(self, name: str) -> Source:
        return OfKnownObject(self.compiler, self._owner / name, self._into)

    def to_one(self, declared: declarations.ToOne, nodes: list[FieldNode], type_: GraphQLOutputType) -> str:
        level = self._level(declared.row, None, declared.by, declared.key)
        rows = f"data[{level.slot!r}].get(None)"
        shaped = self.compiler.shaped(f"{rows}[0]", nodes, type_, OfLevel(self.compiler, level, "b"))
        return f"({shaped} if {rows} else None)"

    def related(self, path: tuple[declarations.ToOne, ...], columns: tuple[str, ...]) -> str:
        first, *more = path
        level = self._level(first.row, None, first.by, first.key)
        row = OfLevel(self.compiler, level, "b")
        made = self.compiler.function("r", row.related(tuple(more), columns))
        rows = f"data[{level.slot!r}].get(None)"
        return f"({made}({rows}[0]) if {rows} else None)"

    def page(self, declared: lists.PageOf, nodes: list[FieldNode], made: GraphQLField) -> str:
        level = self._level(declared.row, declared, declared.by, "id")
        level.arguments = self.compiler.arguments(made, nodes[0])
        return f"{self.compiler.page(nodes, made.type, level)}(r.id)"

    def count(self, declared: declarations.CountOf) -> str:
        level = self._level(declared.row, lists.PageOf(declared.row, by=declared.by), declared.by, "id")
        level.wants_rows, level.wants_count = False, True
        return f"data[{level.slot + 'n'!r}].get(r.id, 0)"

    def _level(self, model: type[TenantScoped], root: Root, by: str, key: str) -> Level:
        return self.compiler.level(model, root, self._into, by=by, owner=self._owner / key)


class OfLevel(Source):
    """A row of a SELECT; `alias` says whether its own columns are meant or those of what is joined to it."""

    level: Level

    def __init__(self, compiler: Compiling, level: Level, alias: str, model: type[TenantScoped] | None = None) -> None:
        super().__init__(compiler)
        self.level = level
        self._alias = alias
        self._model = model or level.model

    def column(self, name: str) -> str:
        column = self._model._meta.fields_map[name]
        raw = f"r[{self.level.index(self._alias, name)}]"
        if not _is_converted(column):
            return raw
        convert = self.compiler.constant(_converter(column))
        return f"(None if {raw} is None else {convert}({raw}))" if column.null else f"{convert}({raw})"

    def leaf(self, name: str, type_: GraphQLLeafType, *, nullable: bool) -> str:
        column = self._model._meta.fields_map[name]
        chosen: Iterable[enum.Enum] = getattr(column, "enum_type", ())
        if chosen and all(member.value == member.name for member in chosen):
            return f"r[{self.level.index(self._alias, name)}]"
        return super().leaf(name, type_, nullable=nullable)

    def sid(self, name: str, kind: Kind) -> str:
        raw = f"r[{self.level.index(self._alias, name)}]"
        return f"{kind.value!r} + {raw}.hex"

    def to_one(self, declared: declarations.ToOne, nodes: list[FieldNode], type_: GraphQLOutputType) -> str:
        joined = self._joined(declared)
        shape = self.compiler.shape(nodes, type_, joined)
        return f"(None if r[{joined.index('id')}] is None else {shape})"

    def related(self, path: tuple[declarations.ToOne, ...], columns: tuple[str, ...]) -> str:
        joined = self
        for to in path:
            joined = joined._joined(to)
        return f"(None if r[{joined.index('id')}] is None else {joined.object_of(columns)})"

    def _joined(self, declared: declarations.ToOne) -> "OfLevel":
        """The row beside, which is joined once however often it is needed."""
        level, wanted = self.level, (declared.row, declared.by, self._alias, declared.key)
        known = (join.alias for join in level.joins if (join.model, join.by, join.owner, join.key) == wanted)
        alias = next(known, None)
        if alias is None:
            alias = f"o{self.compiler.number()}"
            level.joins.append(Join(alias, *wanted))
        return OfLevel(self.compiler, level, alias, declared.row)

    def index(self, name: str) -> int:
        return self.level.index(self._alias, name)

    def object_of(self, columns: tuple[str, ...]) -> str:
        """The expression of an object that has these columns of the row, as the ORM would give them."""
        values = ", ".join(self.column(name) for name in columns)
        return f"{self.compiler.constant(_row_class(columns))}({values})"

    def page(self, declared: lists.PageOf, nodes: list[FieldNode], made: GraphQLField) -> str:
        child = self.compiler.level(declared.row, declared, self.level.children, by=declared.by)
        child.arguments = self.compiler.arguments(made, nodes[0])
        child.parent_index = self.level.index(self._alias, "id")
        return f"{self.compiler.page(nodes, made.type, child)}(r[{child.parent_index}])"

    def count(self, declared: declarations.CountOf) -> str:
        level, wanted = self.level, (declared, self._alias)
        name = next((name for name, known in level.counts.items() if known == wanted), None)
        if name is None:
            name = f"n{self.compiler.number()}"
            level.counts[name] = wanted
            level.index(self._alias, "id")
        return f"r[{level.index('', name)}]"

    def call(self, declared: declarations.ResolvedFrom, resolver: Resolver, made: GraphQLField, node: FieldNode) -> str:
        slot = f"c{self.compiler.number()}"
        key = self.level.index(self._alias, "id")
        row = _row_class(declared.columns)
        readers = [self._reader(name) for name in declared.columns]
        arguments = self.compiler.arguments(made, node)
        self.level.calls.append(
            CallForEach(slot, resolver, arguments, lambda values: row(*(read(values) for read in readers)), key)
        )
        return f"data[{slot!r}][r[{key}]]"

    def _reader(self, name: str) -> Callable[[Row], object]:
        index, column = self.level.index(self._alias, name), self._model._meta.fields_map[name]
        if not _is_converted(column):
            return itemgetter(index)
        convert = _converter(column)
        return lambda values: None if values[index] is None else convert(values[index])


@functools.cache
def _row_class(columns: tuple[str, ...]) -> Callable[..., object]:
    return namedtuple("row", columns)


def _is_converted(column: fields.Field[Any]) -> bool:
    return isinstance(column, fields.JSONField) or hasattr(column, "enum_type")


def _converter(column: fields.Field[Any]) -> Callable[[Any], object]:
    if isinstance(column, fields.JSONField):
        return orjson.loads
    chosen: type[enum.Enum] = getattr(column, "enum_type")  # noqa: B009  of enum fields alone
    return chosen
