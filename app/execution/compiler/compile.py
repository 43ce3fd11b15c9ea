"""From an operation to a plan: which SELECTs it needs, and generated Python that turns their rows into the answer.

What is declared (`fields.py`) becomes SELECTs, other resolvers of a query's root fields and of rows are called; anything else
raises NotCompilable, and the ordinary executor answers. Of a mutation the resolvers are called, and reading their payloads is
compiled.
A plan depends on the document, the operation's name and the values of the variables in `@skip` and `@include`. It holds
nothing of a viewer: the statements are rendered for each scope when they are needed, with slots for the viewer's ids.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionNode,
    assert_object_type,
    get_nullable_type,
    is_leaf_type,
)
from strawberry.types.field import StrawberryField

from app.execution.compiler.query_plan import (
    PAYLOAD,
    ArgumentsOf,
    Call,
    Effect,
    Level,
    NotCompilable,
    Owner,
    Plan,
    Root,
)
from app.execution.compiler.selections import Selections
from app.execution.compiler.sources import OfKnownObject, OfLevel, OfObject, Source
from app.execution.executor.permissions import DEFINITION, permissions_of, permissions_within
from app.execution.executor.resolvers import Resolver
from app.foundation.access import Requirement, TenantScoped
from app.foundation.graphql import declarations, lists
from app.foundation.graphql.registry import registry
from app.foundation.identifiers import Kind, sid_of

# How many values a list of ours has at most that is no page (tags, the steps of a storage test).
_LIST_VALUES = 10
# In the time that it takes to make a plain value: what a function makes of columns, and a secret that is opened.
_MADE_VALUES = 5
_OPENED_VALUES = 50


Included = Callable[[SelectionNode], bool]
"""Whether a node is selected, by its @skip and @include."""


def compile_query(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    included: Included,
    arguments: ArgumentsOf,
) -> Plan:
    """Raises NotCompilable."""
    return Compiler(schema, Selections(fragments, included), arguments).query(operation)


def compile_payloads(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    included: Included,
    arguments: ArgumentsOf,
) -> dict[str, Plan]:
    """What calls the fields of a mutation and reads their payloads, by their names in the answer. Raises NotCompilable."""
    root, selections = schema.mutation_type, Selections(fragments, included)
    if root is None:
        raise NotCompilable("a schema without mutations")
    found = selections.fields([operation.selection_set], root)
    return {name: Compiler(schema, selections, arguments).payload(root, nodes) for name, nodes in found.items()}


class Compiler:
    def __init__(self, schema: GraphQLSchema, selections: Selections, arguments: ArgumentsOf) -> None:
        self._schema = schema
        self._selections = selections
        self.arguments = arguments
        self._calls: list[Call] = []
        self._levels: list[Level] = []
        self._permissions: set[type[Requirement]] = set()
        self._constants: dict[str, object] = {}
        self._functions: list[str] = []
        self._once: dict[str, str] = {}
        self._numbers = 0
        # The level whose rows the shape that is being made is made of.
        self._inside: Level | None = None
        # How often it can be within one of them, since it is in lists.
        self._times = 1

    def query(self, operation: OperationDefinitionNode) -> Plan:
        root = self._schema.query_type
        if root is None:
            raise NotCompilable("a schema without queries")
        parts = []
        for name, nodes in self._selections.fields([operation.selection_set], root).items():
            is_typename = nodes[0].name.value == "__typename"
            parts.append(f"{name!r}: {repr(root.name) if is_typename else self._root(root, name, nodes)}")
        return self._plan(f"{{{', '.join(parts)}}}")

    def payload(self, root: GraphQLObjectType, nodes: list[FieldNode]) -> Plan:
        """Of what a mutation's resolver answers."""
        if nodes[0].name.value == "__typename":
            return self._plan(repr(root.name))
        made, _, definition = self._declared(root, nodes[0])
        guarded = frozenset[type[Requirement]]().union(*(permissions_within(each.type) for each in made.args.values()))
        effect = Effect(self._resolver(definition), self.arguments(made, nodes[0]), nodes, made, guarded)
        source = OfKnownObject(self, Owner(PAYLOAD), self._levels)
        return replace(self._plan(self._output(f"data[{PAYLOAD!r}]", nodes, made.type, source)), effect=effect)

    def _plan(self, answer: str) -> Plan:
        lines = [
            "def shape(viewer, context, data, given):",
            *(f"    {line}" for line in self._once.values()),
            *(f"    {line}" for function in self._functions for line in function.splitlines()),
            f"    return {answer}",
        ]
        source = "\n".join(lines) + "\n"
        namespace = dict(self._constants)
        exec(compile(source, "<plan>", "exec"), namespace)  # noqa: S102  made of declarations and numbers alone
        # Taken out of its own globals, so that a plan that is forgotten is freed at once.
        shape: Any = namespace.pop("shape")
        return Plan(self._calls, self._levels, frozenset(self._permissions), shape, source)

    def _declared(self, parent: GraphQLObjectType, node: FieldNode) -> tuple[Any, Any, StrawberryField]:
        made = self._schema.get_field(parent, node.name.value)
        definition = made.extensions.get(DEFINITION) if made else None
        if made is None or not isinstance(definition, StrawberryField):
            raise NotCompilable(f"{parent.name}.{node.name.value}")
        permissions = permissions_of(made)
        if permissions and isinstance(made.type, GraphQLNonNull):
            raise NotCompilable(f"{parent.name}.{node.name.value} is guarded and cannot be null")
        self._permissions.update(permissions)
        return made, definition.metadata.get(declarations.DECLARED), definition

    # Root fields

    def _root(self, parent: GraphQLObjectType, name: str, nodes: list[FieldNode]) -> str:
        made, declared, definition = self._declared(parent, nodes[0])
        if isinstance(declared, declarations.OneById):
            condition, value = self._one(declared, made, nodes, made.type)
            return f"({value} if {condition} else None)"
        if isinstance(declared, declarations.AnyById):
            return self._any(made, nodes)
        if isinstance(declared, lists.PageOfAll):
            level = self.level(declared.row, declared, self._levels)
            level.arguments = self.arguments(made, nodes[0])
            return f"{self.page(nodes, made.type, level)}(None)"
        if isinstance(declared, declarations.CurrentCaller):
            return self.shaped("viewer", nodes, made.type, OfKnownObject(self, Owner(None), self._levels))
        if declared is not None or definition.base_resolver is None:
            raise NotCompilable(name)
        slot = f"c{self.number()}"
        self._calls.append(Call(slot, self._resolver(definition), self.arguments(made, nodes[0])))
        return self._output(f"data[{slot!r}]", nodes, made.type, OfKnownObject(self, Owner(slot), self._levels))

    def _one(
        self, declared: declarations.OneById, made: GraphQLField, nodes: list[FieldNode], type_: GraphQLOutputType
    ) -> tuple[str, str]:
        """Whether it was found, and what it is then."""
        level = self.level(declared.row, declared, self._levels)
        level.arguments = self.arguments(made, nodes[0])
        rows = f"data[{level.slot!r}][None]"
        return rows, self.shaped(f"{rows}[0]", nodes, type_, OfLevel(self, level, "b"))

    def _any(self, made: GraphQLField, nodes: list[FieldNode]) -> str:
        """A level for each type that it can be; an id is that of one of them, and the others are not asked."""
        expression = "None"
        for kind, row in registry.rows.items():
            type_ = assert_object_type(self._schema.type_map[registry.names[kind]])
            condition, value = self._one(declarations.OneById(row, kind), made, nodes, type_)
            expression = f"{value} if {condition} else {expression}"
        return f"({expression})"

    def _resolver(self, definition: StrawberryField) -> Resolver:
        return Resolver(definition, self._schema._strawberry_schema.config)  # type: ignore[attr-defined]

    def level(
        self, model: type[TenantScoped], root: Root, into: list[Level], *, by: str = "id", owner: Owner | None = None
    ) -> Level:
        level = Level(model, root, slot=f"l{self.number()}", by=by, owner=owner)
        into.append(level)
        return level

    # Shapes: expressions that make a part of the answer of the row or object `r`

    def shaped(self, expression: str, nodes: list[FieldNode], type_: GraphQLOutputType, source: "Source") -> str:
        """The shape of what the expression gives."""
        return f"{self.function('r', self.shape(nodes, type_, source))}({expression})"

    def shape(self, nodes: list[FieldNode], type_: GraphQLOutputType, source: "Source") -> str:
        type_ = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if not isinstance(type_, GraphQLObjectType):
            raise NotCompilable(f"{type_} has no fields of its own")
        parts = []
        outside = self._inside
        self._inside = source.level or outside
        for name, found in self._selections.below(nodes, type_).items():
            self._weigh(1)
            if found[0].name.value == "__typename":
                parts.append(f"{name!r}: {type_.name!r}")
            else:
                parts.append(f"{name!r}: {self._field(type_, found, source)}")
        self._inside = outside
        return f"{{{', '.join(parts)}}}"

    def _weigh(self, values: int) -> None:
        """Notes how many values more are made of each row of the level that the shape is made of."""
        if self._inside is not None:
            self._inside.width += values * self._times

    def _field(self, parent: GraphQLObjectType, nodes: list[FieldNode], source: "Source") -> str:
        made, declared, definition = self._declared(parent, nodes[0])
        if isinstance(declared, declarations.ToOne):
            return source.to_one(declared, nodes, made.type)
        if isinstance(declared, lists.PageOf):
            return source.page(declared, nodes, made)
        if isinstance(declared, declarations.CountOf):
            return source.count(declared)
        if isinstance(declared, declarations.FromRelated):
            return self._output(source.beside(declared), nodes, made.type, OfObject(self))
        if isinstance(declared, declarations.Value):
            return self._value(declared, nodes, made.type, source)
        if isinstance(declared, declarations.Part):
            return self.shape(nodes, made.type, source.part(declared))
        if isinstance(declared, declarations.ResolvedFrom):
            called = source.call(declared, self._resolver(definition), made, nodes[0])
            return self._output(called, nodes, made.type, OfObject(self))
        if declared is None and definition.is_basic_field:
            return self._value(declarations.Value((definition.python_name,)), nodes, made.type, source)
        raise NotCompilable(f"{parent.name}.{nodes[0].name.value}")

    def _value(
        self, value: declarations.Value, nodes: list[FieldNode], type_: GraphQLOutputType, source: "Source"
    ) -> str:
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if value.make is None and is_leaf_type(inner):
            return source.leaf(value.columns[0], inner, nullable=inner is type_)
        make = value.make
        if isinstance(make, functools.partial) and make.func is sid_of and isinstance(make.args[0], Kind):
            return source.sid(value.columns[0], make.args[0])
        arguments = [source.column(column) for column in value.columns]
        if make is None:
            return self._output(arguments[0], nodes, type_, source.below(value.columns[0]))
        called = self.constant(make)
        self._weigh(_OPENED_VALUES if value.needs == "context" else _MADE_VALUES)
        if value.needs == "viewer":
            return self._computed_once(f"{called}(viewer)", nodes, type_)
        if value.needs == "now":
            self._once["now"] = f"now = {self.constant(_now)}()"
        needed = [value.needs] if value.needs else []
        return self._output(f"{called}({', '.join(needed + arguments)})", nodes, type_, OfObject(self))

    def _computed_once(self, expression: str, nodes: list[FieldNode], type_: GraphQLOutputType) -> str:
        name = f"v{self.number()}"
        self._once[name] = f"{name} = {self._output(expression, nodes, type_, OfObject(self))}"
        return name

    def _output(self, expression: str, nodes: list[FieldNode], type_: GraphQLOutputType, source: Source) -> str:
        """What a Python value is in the answer, by its GraphQL type; `source` is what an object there is read as."""
        if isinstance(type_, GraphQLNonNull):
            return self.output_of(expression, nodes, type_.of_type, source, nullable=False)
        return self.output_of(expression, nodes, type_, source, nullable=True)

    def output_of(
        self, expression: str, nodes: list[FieldNode], type_: GraphQLOutputType, source: Source, *, nullable: bool
    ) -> str:
        if isinstance(type_, GraphQLList):
            item, outside = f"i{self.number()}", self._times
            self._times *= _LIST_VALUES
            made = f"[{self._output(item, nodes, type_.of_type, OfObject(self))} for {item} in {{}}]"
            self._times = outside
        elif isinstance(type_, GraphQLEnumType):
            made = "{}._name_"  # what `name` answers, without the descriptor in between
        elif is_leaf_type(type_):
            return expression if nullable or type_.name == "DateTime" else f"{self.constant(_present)}({expression})"
        else:
            made = self.shaped("{}", nodes, type_, source)
        if not nullable:
            return made.replace("{}", expression)
        held = f"h{self.number()}"
        return f"(None if ({held} := {expression}) is None else {made.replace('{}', held)})"

    # Pages

    def page(self, nodes: list[FieldNode], type_: GraphQLOutputType, level: Level) -> str:
        """The generated function from an owner (None for a root page) to its page."""
        level.wants_rows = False
        page, parts = assert_object_type(get_nullable_type(type_)), []
        for name, found in self._selections.below(nodes, page).items():
            parts.append(f"{name!r}: {self._page_field(page, found, level)}")
        slot = level.slot
        body = [
            f"rows = data[{slot!r}].get(o, ())" if level.wants_rows else "rows = ()",
            f"first = given[{slot!r}]['first']",
            "more = len(rows) > first",
            "if more: rows = rows[:first]",
            f"return {{{', '.join(parts)}}}",
        ]
        return self.function("o", body)

    def _page_field(self, type_: GraphQLObjectType, nodes: list[FieldNode], level: Level) -> str:
        name, source = nodes[0].name.value, OfLevel(self, level, "b")
        if name == "__typename":
            return repr(type_.name)
        if name == "totalCount":
            level.wants_count = True
            return f"data[{level.slot + 'n'!r}].get(o, 0)"
        level.wants_rows = True
        made = type_.fields[name]
        if name == "nodes":
            return f"[{self.shape(nodes, made.type.of_type.of_type, source)} for r in rows]"
        if name == "edges":
            edge = made.type.of_type.of_type.of_type
            parts = []
            level.width += len(self._selections.below(nodes, edge)) * _MADE_VALUES
            for answer, found in self._selections.below(nodes, edge).items():
                field_name = found[0].name.value
                if field_name == "__typename":
                    parts.append(f"{answer!r}: {edge.name!r}")
                elif field_name == "cursor":
                    parts.append(f"{answer!r}: {self._cursor(source, level)}")
                else:
                    parts.append(f"{answer!r}: {self.shape(found, edge.fields['node'].type, source)}")
            return f"[{{{', '.join(parts)}}} for r in rows]"
        if name == "pageInfo":
            return self._page_info(nodes, made.type, source, level)
        raise NotCompilable(f"{type_.name}.{name}")

    def _page_info(self, nodes: list[FieldNode], type_: GraphQLOutputType, source: "Source", level: Level) -> str:
        info = assert_object_type(get_nullable_type(type_))
        cursor = self.function("r", self._cursor(source, level))
        values = {
            "__typename": repr(info.name),
            "hasNextPage": "more",
            "hasPreviousPage": f"given[{level.slot!r}]['after'] is not None",
            "startCursor": f"{cursor}(rows[0]) if rows else None",
            "endCursor": f"{cursor}(rows[-1]) if rows else None",
        }
        found = self._selections.below(nodes, info).items()
        parts = [f"{name!r}: {values[fields[0].name.value]}" for name, fields in found]
        return f"{{{', '.join(parts)}}}"

    def _cursor(self, source: "Source", level: Level) -> str:
        """The order is known when the operation runs (it may come from a variable), so all its columns are loaded."""
        columns = _order_columns(level)
        values = ", ".join(f"{column!r}: {source.column(column)}" for column in columns)
        return f"given[{level.slot!r}]['order'].cursor_of({{{values}}}, {source.column('id')})"

    # Names and numbers

    def function(self, parameter: str, body: str | list[str]) -> str:
        name = f"f{self.number()}"
        lines = body if isinstance(body, list) else [f"return {body}"]
        self._functions.append("\n".join([f"def {name}({parameter}):", *(f"    {line}" for line in lines)]))
        return name

    def constant(self, value: object) -> str:
        for name, known in self._constants.items():
            if known is value:
                return name
        name = f"k{self.number()}"
        self._constants[name] = value
        return name

    def number(self) -> int:
        self._numbers += 1
        return self._numbers


def _order_columns(level: Level) -> tuple[str, ...]:
    return level.root.order_columns if isinstance(level.root, lists.Listed) else ()


def _now() -> datetime:
    return datetime.now(UTC)


def _present(value: object) -> object:
    """A value of a non-null field. Raises ValueError without one, which the ordinary executor reports properly."""
    if value is None:
        raise ValueError("null in a non-null field")
    return value
