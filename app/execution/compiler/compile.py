"""Compiles an operation to a plan: the SELECTs it needs, and generated Python that shapes their rows into the response.

Declared fields (`foundation/graphql/fields.py`) become SELECTs. Other resolvers of root fields and of rows are called. Anything
else raises NotCompilable, and the reference executor runs the operation. Of a mutation, the payload of each field is compiled;
its resolver is called.

A plan depends on the document, the operation's name and the values of the variables in `@skip` and `@include`, never on a
caller: SQL is rendered for each scope when it is needed, with placeholders for the caller's ids.
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
    is_leaf_type,
)
from strawberry.types.field import StrawberryField

from app.execution.compiler.generated_code import GeneratedCode
from app.execution.compiler.pages import compile_page
from app.execution.compiler.query_plan import (
    COMPUTED_VALUES,
    PAYLOAD,
    ArgumentsOf,
    Call,
    Effect,
    NotCompilable,
    Owner,
    Plan,
    Root,
    Select,
)
from app.execution.compiler.selections import Selections
from app.execution.compiler.sources import ObjectSource, RootObjectSource, RowSource, Source
from app.execution.executor.permissions import DEFINITION, permissions_of, permissions_within
from app.execution.executor.resolvers import Resolver
from app.foundation.access import Requirement, TenantScoped
from app.foundation.graphql import declarations, lists
from app.foundation.graphql.registry import registry
from app.foundation.identifiers import Kind, sid_of

# The longest list that is not a page (tags, the steps of a storage test).
_LIST_VALUES = 10
# The time to decrypt a value, in plain values.
_DECRYPTED_VALUES = 50


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
    """The plans of a mutation's fields, by their response names. Raises NotCompilable."""
    root, selections = schema.mutation_type, Selections(fragments, included)
    if root is None:
        raise NotCompilable("a schema without mutations")
    found = selections.fields([operation.selection_set], root)
    return {name: Compiler(schema, selections, arguments).payload(root, nodes) for name, nodes in found.items()}


class Compiler:
    """Compiles one query, or the payload of one mutation field."""

    def __init__(self, schema: GraphQLSchema, selections: Selections, arguments: ArgumentsOf) -> None:
        self._schema = schema
        self.selections = selections
        self.arguments = arguments
        self.code = GeneratedCode()
        self._calls: list[Call] = []
        self._selects: list[Select] = []
        self._permissions: set[type[Requirement]] = set()
        # The SELECT whose rows are being shaped, and how often the current value can occur in one of its rows.
        self._current_select: Select | None = None
        self._repetitions = 1

    def query(self, operation: OperationDefinitionNode) -> Plan:
        root = self._schema.query_type
        if root is None:
            raise NotCompilable("a schema without queries")
        parts = []
        for name, nodes in self.selections.fields([operation.selection_set], root).items():
            is_typename = nodes[0].name.value == "__typename"
            parts.append(f"{name!r}: {repr(root.name) if is_typename else self._root_field(root, name, nodes)}")
        return self._plan(f"{{{', '.join(parts)}}}")

    def payload(self, root: GraphQLObjectType, nodes: list[FieldNode]) -> Plan:
        """The plan of one field of a mutation: its resolver, and how its payload is read."""
        if nodes[0].name.value == "__typename":
            return self._plan(repr(root.name))
        field, _, definition = self._field_of(root, nodes[0])
        guarded = frozenset[type[Requirement]]().union(*(permissions_within(each.type) for each in field.args.values()))
        effect = Effect(self._resolver(definition), self.arguments(field, nodes[0]), nodes, field, guarded)
        source = RootObjectSource(self, Owner(PAYLOAD), self._selects)
        return replace(self._plan(self._output(f"data[{PAYLOAD!r}]", nodes, field.type, source)), effect=effect)

    def _plan(self, response: str) -> Plan:
        shape, source = self.code.compiled(response)
        return Plan(self._calls, self._selects, frozenset(self._permissions), shape, source)

    def _field_of(self, parent: GraphQLObjectType, node: FieldNode) -> tuple[Any, Any, StrawberryField]:
        """The schema's field, its declaration and Strawberry's field; the plan needs its permissions from now on."""
        field = self._schema.get_field(parent, node.name.value)
        definition = field.extensions.get(DEFINITION) if field else None
        if field is None or not isinstance(definition, StrawberryField):
            raise NotCompilable(f"{parent.name}.{node.name.value}")
        permissions = permissions_of(field)
        if permissions and isinstance(field.type, GraphQLNonNull):
            raise NotCompilable(f"{parent.name}.{node.name.value} is guarded and cannot be null")
        self._permissions.update(permissions)
        return field, definition.metadata.get(declarations.DECLARED), definition

    # Root fields

    def _root_field(self, parent: GraphQLObjectType, name: str, nodes: list[FieldNode]) -> str:
        field, declared, definition = self._field_of(parent, nodes[0])
        if isinstance(declared, declarations.OneById):
            condition, value = self._object_by_id(declared, field, nodes, field.type)
            return f"({value} if {condition} else None)"
        if isinstance(declared, declarations.AnyById):
            return self._node_by_id(field, nodes)
        if isinstance(declared, lists.PageOfAll):
            select = self.select(declared.row, declared, self._selects)
            select.arguments = self.arguments(field, nodes[0])
            return f"{self.page(nodes, field.type, select)}(None)"
        if isinstance(declared, declarations.CurrentCaller):
            return self.shaped("viewer", nodes, field.type, RootObjectSource(self, Owner(None), self._selects))
        if declared is not None or definition.base_resolver is None:
            raise NotCompilable(name)
        label = f"c{self.code.number()}"
        self._calls.append(Call(label, self._resolver(definition), self.arguments(field, nodes[0])))
        return self._output(f"data[{label!r}]", nodes, field.type, RootObjectSource(self, Owner(label), self._selects))

    def _object_by_id(
        self, declared: declarations.OneById, field: GraphQLField, nodes: list[FieldNode], type_: GraphQLOutputType
    ) -> tuple[str, str]:
        """Two expressions: whether the object was found, and its shape."""
        select = self.select(declared.row, declared, self._selects)
        select.arguments = self.arguments(field, nodes[0])
        rows = f"data[{select.label!r}][None]"
        return rows, self.shaped(f"{rows}[0]", nodes, type_, RowSource(self, select, "b"))

    def _node_by_id(self, field: GraphQLField, nodes: list[FieldNode]) -> str:
        """A SELECT for each type with an id. An id belongs to one type; the SELECTs of the others do not run."""
        expression = "None"
        for kind, row in registry.rows.items():
            # Without the latter, the reference executor decides by the row.
            self._permissions.update((*registry.permissions[kind], *registry.of_others[kind]))
            type_ = assert_object_type(self._schema.type_map[registry.names[kind]])
            condition, value = self._object_by_id(declarations.OneById(row, kind), field, nodes, type_)
            expression = f"{value} if {condition} else {expression}"
        return f"({expression})"

    def _resolver(self, definition: StrawberryField) -> Resolver:
        return Resolver(definition, self._schema._strawberry_schema.config)  # type: ignore[attr-defined]

    def select(
        self, model: type[TenantScoped], root: Root, into: list[Select], *, by: str = "id", owner: Owner | None = None
    ) -> Select:
        """Adds a SELECT to the list `into`."""
        select = Select(model, root, label=f"l{self.code.number()}", by=by, owner=owner)
        into.append(select)
        return select

    # Shapes: expressions that make a part of the response from the row or object `r`

    def shaped(self, expression: str, nodes: list[FieldNode], type_: GraphQLOutputType, source: Source) -> str:
        """The shape of the expression's value."""
        return f"{self.code.function('r', self.shape(nodes, type_, source))}({expression})"

    def shape(self, nodes: list[FieldNode], type_: GraphQLOutputType, source: Source) -> str:
        type_ = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if not isinstance(type_, GraphQLObjectType):
            raise NotCompilable(f"{type_} has no fields of its own")
        parts = []
        outer = self._current_select
        self._current_select = source.select or outer
        for name, found in self.selections.below(nodes, type_).items():
            self._count_values(1)
            if found[0].name.value == "__typename":
                parts.append(f"{name!r}: {type_.name!r}")
            else:
                parts.append(f"{name!r}: {self._field(type_, found, source)}")
        self._current_select = outer
        return f"{{{', '.join(parts)}}}"

    def _count_values(self, values: int) -> None:
        """Adds values to those that the response has for each row of the current SELECT."""
        if self._current_select is not None:
            self._current_select.values_per_row += values * self._repetitions

    def _field(self, parent: GraphQLObjectType, nodes: list[FieldNode], source: Source) -> str:
        field, declared, definition = self._field_of(parent, nodes[0])
        if isinstance(declared, declarations.ToOne):
            return source.to_one(declared, nodes, field.type)
        if isinstance(declared, lists.PageOf):
            return source.page(declared, nodes, field)
        if isinstance(declared, declarations.CountOf):
            return source.count(declared)
        if isinstance(declared, declarations.FromRelated):
            return self._output(source.from_related(declared), nodes, field.type, ObjectSource(self))
        if isinstance(declared, declarations.Value):
            return self._value(declared, nodes, field.type, source)
        if isinstance(declared, declarations.Part):
            return self.shape(nodes, field.type, source.part(declared))
        if isinstance(declared, declarations.ResolvedFrom):
            called = source.call(declared, self._resolver(definition), field, nodes[0])
            return self._output(called, nodes, field.type, ObjectSource(self))
        if declared is None and definition.is_basic_field:
            return self._value(declarations.Value((definition.python_name,)), nodes, field.type, source)
        raise NotCompilable(f"{parent.name}.{nodes[0].name.value}")

    def _value(
        self, value: declarations.Value, nodes: list[FieldNode], type_: GraphQLOutputType, source: Source
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
        called = self.code.constant(make)
        self._count_values(_DECRYPTED_VALUES if value.needs == "context" else COMPUTED_VALUES)
        if value.needs == "viewer" and not arguments:
            return self._computed_once(f"{called}(viewer)", nodes, type_)
        if value.needs == "now":
            self.code.compute_once("now", f"{self.code.constant(_now)}()")
        needed = [value.needs] if value.needs else []
        return self._output(f"{called}({', '.join(needed + arguments)})", nodes, type_, ObjectSource(self))

    def _computed_once(self, expression: str, nodes: list[FieldNode], type_: GraphQLOutputType) -> str:
        name = f"v{self.code.number()}"
        self.code.compute_once(name, self._output(expression, nodes, type_, ObjectSource(self)))
        return name

    def _output(self, expression: str, nodes: list[FieldNode], type_: GraphQLOutputType, source: Source) -> str:
        """Converts a Python value to the response, by GraphQL type; `source` reads the fields of an object."""
        if isinstance(type_, GraphQLNonNull):
            return self.output_of(expression, nodes, type_.of_type, source, nullable=False)
        return self.output_of(expression, nodes, type_, source, nullable=True)

    def output_of(
        self, expression: str, nodes: list[FieldNode], type_: GraphQLOutputType, source: Source, *, nullable: bool
    ) -> str:
        if isinstance(type_, GraphQLList):
            item, outer = f"i{self.code.number()}", self._repetitions
            self._repetitions *= _LIST_VALUES
            output = f"[{self._output(item, nodes, type_.of_type, ObjectSource(self))} for {item} in {{}}]"
            self._repetitions = outer
        elif isinstance(type_, GraphQLEnumType):
            output = "{}._name_"  # the same as `name`, without the descriptor
        elif is_leaf_type(type_):
            if nullable or type_.name == "DateTime":
                return expression
            return f"{self.code.constant(_present)}({expression})"
        else:
            output = self.shaped("{}", nodes, type_, source)
        if not nullable:
            return output.replace("{}", expression)
        held = f"h{self.code.number()}"
        return f"(None if ({held} := {expression}) is None else {output.replace('{}', held)})"

    def page(self, nodes: list[FieldNode], type_: GraphQLOutputType, select: Select) -> str:
        return compile_page(self, nodes, type_, select)


def _now() -> datetime:
    return datetime.now(UTC)


def _present(value: object) -> object:
    """A value of a non-null field. Raises ValueError for null, which the reference executor reports."""
    if value is None:
        raise ValueError("null in a non-null field")
    return value
