"""graphql-core's executor with four things of ours.

* A field's permissions depend on the caller alone, so they are decided once for each place in the document and not for
  each row. What is denied is null in every row, with one error; no resolver of it runs.
* Input fields that not everybody may send are checked before a mutation's resolver runs, on what is present.
* A field whose value is on the row is read and coerced right here: no resolver chain, no `info`, no path object.
* An operation may do so much work, and then ends: what multiplies (pages within pages, the types of the types of a
  schema) cannot hold up the others.

Everything else, and whatever goes wrong with a row, takes graphql-core's own way.
"""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    OperationType,
    Undefined,
    is_introspection_type,
    is_leaf_type,
    located_error,
)
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

from app.access import Requirement
from app.errors import BadUserInput, Forbidden
from app.graph import PER_VIEWER, PERMISSIONS, READ

_DEFINITION = "strawberry-definition"
# How a field of a selection set is answered.
_DENIED, _READ, _ORDINARY = range(3)

# Work, in the time that it takes to read a plain field (about half a microsecond).
MAXIMUM_WORK = 120_000
_ORDINARY_WORK = 20
_ERROR_WORK = 100


class Executor(StrawberryGraphQLCoreExecutionContext):
    """One operation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # By the identity of the grouped field set, which graphql-core keeps alive and the same for all rows.
        self._plans: dict[int, tuple[Any, list[tuple[str, int, Any]], int]] = {}
        self._work_left = MAXIMUM_WORK
        # Set when the operation ended for too much work; then its data is not to be shown.
        self.exhausted: BadUserInput | None = None

    def execute_fields(
        self, parent_type: GraphQLObjectType, source_value: Any, path: Path | None, grouped_field_set: Any, context: Any
    ) -> Any:
        known = self._plans.get(id(grouped_field_set))
        if known is None:
            plan = self._plan(parent_type, path, grouped_field_set)
            work = sum(_ORDINARY_WORK if way == _ORDINARY else 1 for _, way, _ in plan)
            self._plans[id(grouped_field_set)] = (grouped_field_set, plan, work)
        else:
            _, plan, work = known
        self._spend(work)
        results: dict[str, Any] = {}
        ordinary: dict[str, Any] = {}
        for response_name, way, how in plan:
            if way == _READ:
                try:
                    results[response_name] = how(source_value)
                except Exception:  # noqa: BLE001  the ordinary way meets it again and reports it
                    ordinary[response_name] = grouped_field_set[response_name]
                    results[response_name] = None
            else:
                results[response_name] = None
                if way == _ORDINARY:
                    ordinary[response_name] = how
        if not ordinary:
            return results
        rest = super().execute_fields(parent_type, source_value, path, ordinary, context)
        if not isinstance(rest, dict):
            return _joined(results, rest)
        results.update(rest)
        return results

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_details_list: Any, path: Path, context: Any
    ) -> Any:
        """One field by the ordinary way. The fields of a mutation come here directly, one after the other."""
        node = field_details_list[0].node
        field = self.schema.get_field(parent_type, node.name.value)
        if field is not None and self.operation.operation is OperationType.MUTATION and path.prev is None:
            refusal = self._refusal(parent_type, node.name.value, field) or self._input_refusal(field, node)
            if refusal is not None:
                self._refuse(refusal, field_details_list, path)
                return None
        return super().execute_field(parent_type, source, field_details_list, path, context)

    def handle_field_error(self, raw_error: Exception, return_type: Any, field_details_list: Any, path: Path) -> None:
        """Notes the error of a field; the one for too much work is passed on, up to the root."""
        self._spend(_ERROR_WORK)
        super().handle_field_error(raw_error, return_type, field_details_list, path)

    def _spend(self, work: int) -> None:
        self._work_left -= work
        if self._work_left < 0:
            if self.exhausted is None:
                self.exhausted = BadUserInput("The operation asks for too much at once: ask for fewer fields or rows.")
            raise self.exhausted

    def _plan(
        self, parent_type: GraphQLObjectType, path: Path | None, grouped_field_set: Any
    ) -> list[tuple[str, int, Any]]:
        plan: list[tuple[str, int, Any]] = []
        for response_name, field_details_list in grouped_field_set.items():
            name = field_details_list[0].node.name.value
            field = self.schema.get_field(parent_type, name)
            refusal = self._refusal(parent_type, name, field) if field is not None else None
            if refusal is not None and field is not None and isinstance(field.type, GraphQLNonNull):
                plan.append((response_name, _ORDINARY, field_details_list))  # its resolver refuses, and empties the row
            elif refusal is not None:
                self._refuse(refusal, field_details_list, Path(path, response_name, parent_type.name))
                plan.append((response_name, _DENIED, None))
            elif field is not None and (read := _reader(parent_type, field, self.context_value)) is not None:
                plan.append((response_name, _READ, read))
            else:
                plan.append((response_name, _ORDINARY, field_details_list))
        return plan

    def _refusal(self, parent_type: GraphQLObjectType, name: str, field: GraphQLField) -> Forbidden | None:
        for permission in permissions_of(field):
            if not permission.allows(self.context_value.caller):
                return Forbidden(f"{parent_type.name}.{name} needs {permission.words}.", **permission.refusal)
        return None

    def _input_refusal(self, field: GraphQLField, node: Any) -> Forbidden | None:
        if not any(_is_guarded(argument.type, set()) for argument in field.args.values()):
            return None
        try:
            arguments = get_argument_values(field, node, self.variable_values)
        except GraphQLError:
            return None  # the ordinary way meets it again and reports it
        refused: list[tuple[str, type[Requirement]]] = []
        for name, value in arguments.items():
            for path, permission in _refused_inputs(field.args[name].type, value, self.context_value.caller, ()):
                refused.append((".".join(path), permission))
        if not refused:
            return None
        names = [name for name, _ in refused]
        return Forbidden(
            f"{', '.join(names)} may not be set by this caller: needs {refused[0][1].words}. Nothing was changed.",
            inputFields=names,
            **refused[0][1].refusal,
        )

    def _refuse(self, refusal: Forbidden, field_details_list: Any, path: Path) -> None:
        nodes = [details.node for details in field_details_list]
        self.collected_errors.add(located_error(refusal, nodes, path.as_list()), path)


def permissions_of(field: Any) -> tuple[type[Requirement], ...]:
    """The permission classes on a field or input field of the built schema."""
    definition = field.extensions.get(_DEFINITION)
    if not isinstance(definition, StrawberryField):
        return ()
    found: tuple[type[Requirement], ...] = definition.metadata.get(PERMISSIONS, ())
    return found


async def _joined(results: dict[str, Any], rest: Any) -> dict[str, Any]:
    results.update(await rest)
    return results


def _reader(parent_type: GraphQLObjectType, field: GraphQLField, context: Any) -> Callable[[Any], Any] | None:
    """Reads and coerces a leaf field from its row; None for a field that must take the ordinary way."""
    leaf = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    if not is_leaf_type(leaf) or field.args:
        return None
    read = _read_of(parent_type, field, context)
    if read is None:
        return None
    coerce, nullable, plain = leaf.coerce_output_value, leaf is field.type, _PLAIN.get(leaf.name)

    def answer(source: Any) -> Any:
        value = read(source)
        if value.__class__ is plain:
            return value
        if value is None:
            if nullable:
                return None
            raise TypeError("null in a non-null field")
        return coerce(value)

    return answer


def _read_of(parent_type: GraphQLObjectType, field: GraphQLField, context: Any) -> Callable[[Any], Any] | None:
    definition = field.extensions.get(_DEFINITION)
    if not isinstance(definition, StrawberryField):
        resolve = field.resolve
        # The leaves of introspection: graphql-core's own resolvers, none of which looks at `info`.
        if resolve is None or not is_introspection_type(parent_type):
            return None
        return lambda source: resolve(source, None)
    per_viewer = definition.metadata.get(PER_VIEWER)
    if per_viewer is not None:
        viewer = context.viewer
        return lambda source: per_viewer(viewer, source)
    read: Callable[[Any], Any] | None = definition.metadata.get(READ)
    if read is None and definition.is_basic_field:
        return attrgetter(definition.python_name)
    return read


# Values of these classes are their own output; every other value is coerced. (Int is left out: it has a range.)
_PLAIN: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}


def _refused_inputs(
    type_: GraphQLInputType, value: Any, caller: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], type[Requirement]]]:
    named = _unwrapped(type_)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _refused_inputs(named, item, caller, (*path, str(index)))
    elif isinstance(named, GraphQLInputObjectType) and isinstance(value, dict):
        for name, field in named.fields.items():
            given = value.get(field.out_name or name, Undefined)
            if given is Undefined:
                continue
            for permission in permissions_of(field):
                if not permission.allows(caller):
                    yield (*path, name), permission
            yield from _refused_inputs(field.type, given, caller, (*path, name))


def _is_guarded(type_: GraphQLInputType, seen: set[str]) -> bool:
    named = _unwrapped(type_)
    if not isinstance(named, GraphQLInputObjectType) or named.name in seen:
        return False
    seen.add(named.name)
    return any(permissions_of(field) or _is_guarded(field.type, seen) for field in named.fields.values())


def _unwrapped(type_: Any) -> Any:
    while isinstance(type_, GraphQLNonNull | GraphQLList):
        type_ = type_.of_type
    return type_
