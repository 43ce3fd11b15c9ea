"""Where a generated shape takes its values from: a row of a SELECT, a Python object, or the caller."""

import enum
import functools
from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any, Protocol

import orjson
from graphql import FieldNode, GraphQLField, GraphQLLeafType, GraphQLOutputType
from tortoise import fields

from app.execution.compiler.generated_code import GeneratedCode
from app.execution.compiler.query_plan import ArgumentsOf, CallForEach, Join, NotCompilable, Owner, Root, Select
from app.execution.executor.direct_fields import coercer
from app.execution.executor.resolvers import Resolver
from app.execution.values import Row
from app.foundation.access import TenantScoped
from app.foundation.graphql import declarations, lists
from app.foundation.identifiers import Kind, sid_of


class SourceCompiler(Protocol):
    """The part of the compiler that sources use."""

    arguments: ArgumentsOf
    code: GeneratedCode

    def output_of(
        self, expression: str, nodes: list[FieldNode], type_: GraphQLOutputType, source: "Source", *, nullable: bool
    ) -> str: ...
    def shape(self, nodes: list[FieldNode], type_: GraphQLOutputType, source: "Source") -> str: ...
    def shaped(self, expression: str, nodes: list[FieldNode], type_: GraphQLOutputType, source: "Source") -> str: ...
    def page(self, nodes: list[FieldNode], type_: GraphQLOutputType, select: Select) -> str: ...
    def select(
        self, model: type[TenantScoped], root: Root, into: list[Select], *, by: str = "id", owner: Owner | None = None
    ) -> Select: ...


class Source(ABC):
    select: Select | None = None
    """The SELECT whose rows the values come from; None for Python objects."""

    def __init__(self, compiler: SourceCompiler) -> None:
        self.compiler = compiler

    @abstractmethod
    def column(self, name: str) -> str:
        """The expression of a column's value, converted as the ORM does."""

    def leaf(self, name: str, type_: GraphQLLeafType, *, nullable: bool) -> str:
        """The expression of a column in the response. The database guarantees its type, and whether it can be null."""
        return self.compiler.output_of(self.column(name), [], type_, self, nullable=True)

    def below(self, _name: str) -> "Source":
        """The source of the object in a column."""
        return ObjectSource(self.compiler)

    def sid(self, name: str, kind: Kind) -> str:
        return f"{self.compiler.code.constant(sid_of)}({self.compiler.code.constant(kind)}, {self.column(name)})"

    def part(self, declared: declarations.Part) -> "Source":
        """The source of an object built from some of the columns, which it knows by other names."""
        return _PartSource(self, declared.columns)

    def to_one(self, declared: declarations.ToOne, nodes: list[FieldNode], type_: GraphQLOutputType) -> str:
        raise NotCompilable("a to-one of a value")

    def from_related(self, declared: declarations.FromRelated) -> str:
        """The expression of a value computed from the row and related rows."""
        values = [self.column(name) for name in declared.columns]
        values += [self.related(one.path, one.columns) for one in declared.related]
        return f"{self.compiler.code.constant(declared.make)}({', '.join(values)})"

    def related(self, path: tuple[declarations.ToOne, ...], columns: tuple[str, ...]) -> str:
        """The expression of an object with columns of the row at the end of a path; None without such a row."""
        raise NotCompilable("a row that is related to a value")

    def page(self, declared: lists.PageOf, nodes: list[FieldNode], field: GraphQLField) -> str:
        raise NotCompilable("a page of a value")

    def count(self, declared: declarations.CountOf) -> str:
        raise NotCompilable("a count of a value")

    def call(
        self, declared: declarations.ResolvedFrom, resolver: Resolver, field: GraphQLField, node: FieldNode
    ) -> str:
        raise NotCompilable("a resolver of a value")


class _PartSource(Source):
    """Some columns of another source, under other names."""

    def __init__(self, whole: Source, columns: Mapping[str, str]) -> None:
        super().__init__(whole.compiler)
        self.select = whole.select
        self._whole = whole
        self._columns = columns

    def column(self, name: str) -> str:
        return self._whole.column(self._columns[name])

    def leaf(self, name: str, type_: GraphQLLeafType, *, nullable: bool) -> str:
        return self._whole.leaf(self._columns[name], type_, nullable=nullable)

    def call(
        self, declared: declarations.ResolvedFrom, resolver: Resolver, field: GraphQLField, node: FieldNode
    ) -> str:
        if any(self._columns[name] != name for name in declared.columns):
            raise NotCompilable("a resolver of a part that has other names for its columns")
        return self._whole.call(declared, resolver, field, node)


class ObjectSource(Source):
    """A Python object that a resolver or a computed value returned."""

    def column(self, name: str) -> str:
        return f"r.{name}"

    def leaf(self, name: str, type_: GraphQLLeafType, *, nullable: bool) -> str:
        return f"{self.compiler.code.constant(coercer(type_, nullable=nullable))}(r.{name})"


class RootObjectSource(ObjectSource):
    """The caller, or an object in a call's result. Its related rows are loaded by separate SELECTs."""

    def __init__(self, compiler: SourceCompiler, owner: Owner, into: list[Select]) -> None:
        super().__init__(compiler)
        self._owner = owner
        self._into = into

    def below(self, name: str) -> Source:
        return RootObjectSource(self.compiler, self._owner / name, self._into)

    def to_one(self, declared: declarations.ToOne, nodes: list[FieldNode], type_: GraphQLOutputType) -> str:
        select = self._select(declared.row, None, declared.by, declared.key)
        rows = f"data[{select.label!r}].get(None)"
        shaped = self.compiler.shaped(f"{rows}[0]", nodes, type_, RowSource(self.compiler, select, "b"))
        return f"({shaped} if {rows} else None)"

    def related(self, path: tuple[declarations.ToOne, ...], columns: tuple[str, ...]) -> str:
        first, *more = path
        select = self._select(first.row, None, first.by, first.key)
        row = RowSource(self.compiler, select, "b")
        read = self.compiler.code.function("r", row.related(tuple(more), columns))
        rows = f"data[{select.label!r}].get(None)"
        return f"({read}({rows}[0]) if {rows} else None)"

    def page(self, declared: lists.PageOf, nodes: list[FieldNode], field: GraphQLField) -> str:
        select = self._select(declared.row, declared, declared.by, "id")
        select.arguments = self.compiler.arguments(field, nodes[0])
        return f"{self.compiler.page(nodes, field.type, select)}(r.id)"

    def count(self, declared: declarations.CountOf) -> str:
        select = self._select(declared.row, lists.PageOf(declared.row, by=declared.by), declared.by, "id")
        select.wants_rows, select.wants_count = False, True
        return f"data[{select.label + 'n'!r}].get(r.id, 0)"

    def _select(self, model: type[TenantScoped], root: Root, by: str, key: str) -> Select:
        return self.compiler.select(model, root, self._into, by=by, owner=self._owner / key)


class RowSource(Source):
    """A row of a SELECT, or a row joined to it: `alias` says which."""

    select: Select

    def __init__(
        self, compiler: SourceCompiler, select: Select, alias: str, model: type[TenantScoped] | None = None
    ) -> None:
        super().__init__(compiler)
        self.select = select
        self._alias = alias
        self._model = model or select.model

    def column(self, name: str) -> str:
        column = self._model._meta.fields_map[name]
        raw = f"r[{self.select.index(self._alias, name)}]"
        if not _is_converted(column):
            return raw
        convert = self.compiler.code.constant(_converter(column))
        return f"(None if {raw} is None else {convert}({raw}))" if column.null else f"{convert}({raw})"

    def leaf(self, name: str, type_: GraphQLLeafType, *, nullable: bool) -> str:
        column = self._model._meta.fields_map[name]
        members: Iterable[enum.Enum] = getattr(column, "enum_type", ())
        if members and all(member.value == member.name for member in members):
            return f"r[{self.select.index(self._alias, name)}]"
        return super().leaf(name, type_, nullable=nullable)

    def sid(self, name: str, kind: Kind) -> str:
        raw = f"r[{self.select.index(self._alias, name)}]"
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

    def _joined(self, declared: declarations.ToOne) -> "RowSource":
        """The related row. It is joined once, however often it is selected."""
        select, wanted = self.select, (declared.row, declared.by, self._alias, declared.key)
        known = (join.alias for join in select.joins if (join.model, join.by, join.owner, join.key) == wanted)
        alias = next(known, None)
        if alias is None:
            alias = f"o{self.compiler.code.number()}"
            select.joins.append(Join(alias, *wanted))
        return RowSource(self.compiler, select, alias, declared.row)

    def index(self, name: str) -> int:
        return self.select.index(self._alias, name)

    def object_of(self, columns: tuple[str, ...]) -> str:
        """The expression of an object with these columns of the row, converted as the ORM does."""
        values = ", ".join(self.column(name) for name in columns)
        return f"{self.compiler.code.constant(_row_class(columns))}({values})"

    def page(self, declared: lists.PageOf, nodes: list[FieldNode], field: GraphQLField) -> str:
        child = self.compiler.select(declared.row, declared, self.select.children, by=declared.by)
        child.arguments = self.compiler.arguments(field, nodes[0])
        child.parent_index = self.select.index(self._alias, "id")
        return f"{self.compiler.page(nodes, field.type, child)}(r[{child.parent_index}])"

    def count(self, declared: declarations.CountOf) -> str:
        select, wanted = self.select, (declared, self._alias)
        name = next((name for name, known in select.counts.items() if known == wanted), None)
        if name is None:
            name = f"n{self.compiler.code.number()}"
            select.counts[name] = wanted
            select.index(self._alias, "id")
        return f"r[{select.index('', name)}]"

    def call(
        self, declared: declarations.ResolvedFrom, resolver: Resolver, field: GraphQLField, node: FieldNode
    ) -> str:
        label = f"c{self.compiler.code.number()}"
        key = self.select.index(self._alias, "id")
        row = _row_class(declared.columns)
        readers = [self._reader(name) for name in declared.columns]
        arguments = self.compiler.arguments(field, node)
        self.select.calls.append(
            CallForEach(label, resolver, arguments, lambda values: row(*(read(values) for read in readers)), key)
        )
        return f"data[{label!r}][r[{key}]]"

    def _reader(self, name: str) -> Callable[[Row], object]:
        index, column = self.select.index(self._alias, name), self._model._meta.fields_map[name]
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
    members: type[enum.Enum] = getattr(column, "enum_type")  # noqa: B009  only enum fields have it
    return members
