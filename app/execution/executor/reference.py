"""graphql-core's executor with four things of ours.

* A field's permissions depend on the caller alone, so they are decided once for each place in the document and not for
  each row. What is denied is null in every row, with one error; no resolver of it runs.
* Input fields that not everybody may send are checked before a mutation's resolver runs, on what is present.
* A field whose value is on the row is read and coerced right here: no resolver chain, no `info`, no path object.
  Objects that are on the row, or loaded by its key, still skip Strawberry's chain (`DirectResolvers`).
* An operation may do so much work, and then ends: what multiplies (pages within pages, the types of the types of a
  schema) cannot hold up the others.

Everything else, and whatever goes wrong with a row, takes graphql-core's own way.
"""

from collections.abc import Awaitable
from dataclasses import dataclass, field

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationType,
    located_error,
)
from graphql.execution.collect_fields import DeferUsage, FieldDetailsList, GroupedFieldSet
from graphql.execution.incremental import DeliveryGroup
from graphql.execution.values import get_argument_values
from graphql.pyutils import AwaitableOrValue, Path, RefMap
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.execution.executor.direct_fields import Read, reader
from app.execution.executor.permissions import definition_of, permissions_of, permissions_within, refused_inputs
from app.foundation.access import Requirement
from app.foundation.context import no_limit
from app.foundation.errors import BadUserInput, Forbidden
from app.foundation.graphql.declarations import LOAD

_Position = RefMap[DeferUsage, DeliveryGroup] | None
_Selected = list[tuple[str, Read | None, FieldDetailsList | None]]
"""By their names in the answer: what reads the field from its row, or what is walked; neither for what is denied."""

# Work, in the time that it takes to read a plain field (about half a microsecond).
MAXIMUM_WORK = 140_000
_ORDINARY_WORK = 20
_LOAD_WORK = 40
_ASYNC_WORK = 120
_ERROR_WORK = 100
# Rows that the ORM makes objects of. Loaded and shown, one takes about 0.1 ms of CPU: the whole limit half a second.
MAXIMUM_ROWS = 5_000


@dataclass(slots=True)
class Left:
    """What an operation may still do, in however many parts it is run."""

    work: int = field(default_factory=lambda: MAXIMUM_WORK)
    rows: int = field(default_factory=lambda: MAXIMUM_ROWS)


class Executor(StrawberryGraphQLCoreExecutionContext):
    """One operation, or a part of it."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        # By the identity of the grouped field set, which graphql-core keeps alive and the same for all rows.
        self._plans: dict[int, tuple[GroupedFieldSet, _Selected, int]] = {}
        self.left = Left()
        # Set when the operation ended for too much work; then its data is not to be shown.
        self.exhausted: BadUserInput | None = None
        self.context_value.count_rows = self._load

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: object,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: _Position,
    ) -> AwaitableOrValue[dict[str, object]]:
        known = self._plans.get(id(grouped_field_set))
        if known is None:
            plan = self._plan(parent_type, path, grouped_field_set)
            work = sum(self._work(parent_type, walked) if walked is not None else 1 for *_, walked in plan)
            self._plans[id(grouped_field_set)] = (grouped_field_set, plan, work)
        else:
            _, plan, work = known
        if not self._can_afford(work):
            return {}
        results: dict[str, object] = {}
        ordinary: GroupedFieldSet = {}
        for response_name, read, walked in plan:
            results[response_name] = None
            if read is not None:
                try:
                    results[response_name] = read(source_value)
                except Exception:  # noqa: BLE001  the ordinary way meets it again and reports it
                    ordinary[response_name] = grouped_field_set[response_name]
            elif walked is not None:
                ordinary[response_name] = walked
        if not ordinary:
            return results
        rest = super().execute_fields(parent_type, source_value, path, ordinary, position_context)
        if not isinstance(rest, dict):
            return _joined(results, rest)
        results.update(rest)
        return results

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: object,
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: _Position,
    ) -> AwaitableOrValue[object]:
        """One field by the ordinary way. The fields of a mutation come here directly, one after the other."""
        if self.exhausted is not None:
            return None
        node = field_details_list[0].node
        field = self.schema.get_field(parent_type, node.name.value)
        if field is not None and self.operation.operation is OperationType.MUTATION and path.prev is None:
            refusal = self._refusal(parent_type, node.name.value, field) or self._input_refusal(field, node)
            if refusal is not None:
                self._refuse(refusal, field_details_list, path)
                return None
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

    def handle_field_error(
        self, raw_error: Exception, return_type: GraphQLOutputType, field_details_list: FieldDetailsList, path: Path
    ) -> None:
        """As graphql-core's, until there were too many."""
        if not self._can_afford(_ERROR_WORK):
            return
        error = located_error(raw_error, [details.node for details in field_details_list], path.as_list())
        if not (self.error_propagation and isinstance(return_type, GraphQLNonNull)):
            self.collected_errors.add(error, path)
            return
        try:
            raise error
        finally:
            del error  # an error whose own frame holds it stays until the garbage collector comes by

    def release(self) -> None:
        """Opens the circles that hold an executor, and all it has made, until the garbage collector comes by.

        Call it when the errors have been told: the frames of each lead back to the executor.
        """
        self.async_helpers = None  # type: ignore[assignment]
        self.context_value.count_rows = no_limit
        for error in self.collected_errors.errors:
            told: BaseException | None = error
            while told is not None:
                told.__traceback__ = told.__context__ = None
                told = getattr(told, "original_error", None)

    def _load(self, rows: int) -> None:
        """Raises BadUserInput when the operation has ended."""
        self.left.rows -= rows
        if self.left.rows < 0:
            self._exhaust()
        if self.exhausted is not None:
            raise self.exhausted

    def _can_afford(self, work: int) -> bool:
        """Counts work that is about to be done; False when the operation has ended.

        It ends without an exception: what is under way comes to nothing by itself, and the answer shows none of it.
        Thousands of cancelled fields would be thousands of tracebacks, which only the garbage collector can free.
        """
        self.left.work -= work
        if self.left.work < 0:
            self._exhaust()
        return self.exhausted is None

    def _exhaust(self) -> None:
        if self.exhausted is None:
            self.exhausted = BadUserInput("The operation asks for too much at once: ask for fewer fields or rows.")

    def _plan(self, parent_type: GraphQLObjectType, path: Path | None, grouped_field_set: GroupedFieldSet) -> _Selected:
        plan: _Selected = []
        for response_name, field_details_list in grouped_field_set.items():
            name = field_details_list[0].node.name.value
            field = self.schema.get_field(parent_type, name)
            refusal = self._refusal(parent_type, name, field) if field is not None else None
            if refusal is not None and field is not None and isinstance(field.type, GraphQLNonNull):
                plan.append((response_name, None, field_details_list))  # its resolver refuses, and empties the row
            elif refusal is not None:
                self._refuse(refusal, field_details_list, Path(path, response_name, parent_type.name))
                plan.append((response_name, None, None))
            elif field is not None and (read := reader(parent_type, field, self.context_value)) is not None:
                plan.append((response_name, read, None))
            else:
                plan.append((response_name, None, field_details_list))
        return plan

    def _work(self, parent_type: GraphQLObjectType, field_details_list: FieldDetailsList) -> int:
        field = self.schema.get_field(parent_type, field_details_list[0].node.name.value)
        definition = definition_of(field) if field is not None else None
        if definition is None or not definition.is_async:
            return _ORDINARY_WORK
        return _LOAD_WORK if LOAD in definition.metadata else _ASYNC_WORK

    def _refusal(self, parent_type: GraphQLObjectType, name: str, field: GraphQLField) -> Forbidden | None:
        for permission in permissions_of(field):
            if not permission.allows(self.context_value.caller):
                return Forbidden(f"{parent_type.name}.{name} needs {permission.words}.", **permission.refusal)
        return None

    def _input_refusal(self, field: GraphQLField, node: FieldNode) -> Forbidden | None:
        caller = self.context_value.caller
        needed = [permission for argument in field.args.values() for permission in permissions_within(argument.type)]
        if all(permission.allows(caller) for permission in needed):
            return None
        try:
            arguments = get_argument_values(field, node, self.variable_values, hide_suggestions=True)
        except GraphQLError:
            return None  # the ordinary way meets it again and reports it
        refused: list[tuple[str, type[Requirement]]] = []
        for name, value in arguments.items():
            for path, permission in refused_inputs(field.args[name].type, value, caller, ()):
                refused.append((".".join(path), permission))
        if not refused:
            return None
        names = [name for name, _ in refused]
        return Forbidden(
            f"{', '.join(names)} may not be set by this caller: needs {refused[0][1].words}. Nothing was changed.",
            inputFields=names,
            **refused[0][1].refusal,
        )

    def _refuse(self, refusal: Forbidden, field_details_list: FieldDetailsList, path: Path) -> None:
        nodes = [details.node for details in field_details_list]
        self.collected_errors.add(located_error(refusal, nodes, path.as_list()), path)


async def _joined(results: dict[str, object], rest: Awaitable[dict[str, object]]) -> dict[str, object]:
    results.update(await rest)
    return results
