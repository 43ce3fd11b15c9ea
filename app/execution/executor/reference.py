"""The reference executor: graphql-core's, with six additions.

* Permissions of a field depend on the caller alone, so they are decided once per selection instead of once per row. A denied
  field is null in every row, with one error, and its resolver does not run.
* For a mixed caller, who owns accounts (`foundation/access.py`), a field that the role denies is decided per row, and a
  mutation according to the account of the object that its input names (`foundation/graphql/named_account.py`).
* Permissions of input fields are checked before a mutation's resolver runs, for those that the input contains.
* A leaf field whose value is on the row is read and coerced here: no resolver chain, no `info`, no path object. Objects on the
  row, or loaded by its key, skip Strawberry's chain (`DirectResolvers`).
* Introspection describes each type once per selection, which halves its time: fields refer to the same few types.
* An operation has a limit of work, so fields that multiply (pages within pages, introspection) cannot block other operations.

graphql-core resolves all other fields, and every field that fails for a row.
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
    introspection_types,
    located_error,
)
from graphql.execution.collect_fields import DeferUsage, FieldDetailsList, GroupedFieldSet
from graphql.execution.incremental import DeliveryGroup
from graphql.execution.values import get_argument_values
from graphql.pyutils import AwaitableOrValue, Path, RefMap, is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.execution.executor.direct_fields import Read, reader
from app.execution.executor.permissions import definition_of, permissions_of, permissions_within, refused_inputs
from app.foundation.access import Requirement, Viewer, account_of, refusal_of
from app.foundation.context import no_limit
from app.foundation.errors import BadUserInput, Forbidden
from app.foundation.graphql.declarations import LOAD
from app.foundation.graphql.named_account import named_account

_Position = RefMap[DeferUsage, DeliveryGroup] | None
_Selected = list[tuple[str, Read | None, FieldDetailsList | None]]
"""By response name: how to read the field from its row, or the details for graphql-core; neither for a denied field."""

_INTROSPECTED_TYPE = introspection_types["__Type"]

# One unit of work is the time to read a plain field, about 0.5 µs.
MAXIMUM_WORK = 200_000
_RESOLVER_WORK = 20
_LOAD_WORK = 40
_ASYNC_WORK = 120
_ERROR_WORK = 100
# Rows that become ORM objects. Loading and resolving one takes about 0.1 ms of CPU, all of them half a second.
MAXIMUM_ROWS = 5_000


@dataclass(slots=True)
class WorkBudget:
    """The work and the rows that an operation has left; all parts of a mutation share one budget."""

    work: int = field(default_factory=lambda: MAXIMUM_WORK)
    rows: int = field(default_factory=lambda: MAXIMUM_ROWS)


class ReferenceExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation, or one field of a mutation."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        # Keyed by `id()` of the grouped field set, which graphql-core keeps alive and reuses for all rows.
        self._selected: dict[int, tuple[GroupedFieldSet, _Selected, int]] = {}
        # Introspected types with their work, by the `id()` of the grouped field set and the type's name, such as `[ID!]!`.
        self._described: dict[tuple[int, str], tuple[AwaitableOrValue[dict[str, object]], int]] = {}
        self.budget = WorkBudget()
        # Set when the operation exceeds its work limit; its data is then discarded.
        self.exhausted: BadUserInput | None = None
        self.context_value.count_rows = self._count_rows
        # By the `id()` of field details: the fields of rows that were denied to a mixed caller, each reported once.
        self._reported: set[int] = set()

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: object,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: _Position,
    ) -> AwaitableOrValue[dict[str, object]]:
        if parent_type is not _INTROSPECTED_TYPE:
            return self._execute_fields(parent_type, source_value, path, grouped_field_set, position_context)
        key = id(grouped_field_set), str(source_value)
        known = self._described.get(key)
        if known is not None:
            # Each repetition adds the description to the response again, so it costs the same work as the first.
            description, work = known
            return description if self._can_afford(work) else {}
        before = self.budget.work
        description = self._execute_fields(parent_type, source_value, path, grouped_field_set, position_context)
        self._described[key] = description, before - self.budget.work
        return description

    def _execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: object,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: _Position,
    ) -> AwaitableOrValue[dict[str, object]]:
        known = self._selected.get(id(grouped_field_set))
        if known is None:
            selected = self._select(parent_type, path, grouped_field_set)
            work = sum(self._work(parent_type, details) if details is not None else 1 for *_, details in selected)
            self._selected[id(grouped_field_set)] = (grouped_field_set, selected, work)
        else:
            _, selected, work = known
        if not self._can_afford(work):
            return {}
        results: dict[str, object] = {}
        unresolved: GroupedFieldSet = {}
        for response_name, read, details in selected:
            results[response_name] = None
            if read is not None:
                try:
                    results[response_name] = read(source_value)
                except Exception:  # noqa: BLE001  graphql-core resolves it again and reports the error
                    unresolved[response_name] = grouped_field_set[response_name]
            elif details is not None:
                unresolved[response_name] = details
        if not unresolved:
            return results
        rest = super().execute_fields(parent_type, source_value, path, unresolved, position_context)
        if not isinstance(rest, dict):
            return _merged(results, rest)
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
        """Resolves one field as graphql-core does. The root fields of a mutation come here directly, one after the other."""
        if self.exhausted is not None:
            return None
        node = field_details_list[0].node
        field = self.schema.get_field(parent_type, node.name.value)
        caller = self.context_value.caller
        is_mixed = caller is not None and bool(caller.owned_account_ids)
        if field is not None and self.operation.operation is OperationType.MUTATION and path.prev is None:
            if is_mixed:
                return self._mutate_as_owner(parent_type, source, field, field_details_list, path, position_context)
            refusal = self._refusal(parent_type, node.name.value, field, caller)
            refusal = refusal or self._input_refusal(field, node, caller)
            if refusal is not None:
                self._refuse(refusal, field_details_list, path)
                return None
        elif field is not None and is_mixed and not isinstance(field.type, GraphQLNonNull):
            refusal = self._refusal(parent_type, node.name.value, field, caller.within_account(account_of(source)))
            if refusal is not None:
                if id(field_details_list) not in self._reported:
                    self._reported.add(id(field_details_list))
                    self._refuse(refusal, field_details_list, path)
                return None
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

    async def _mutate_as_owner(
        self,
        parent_type: GraphQLObjectType,
        source: object,
        field: GraphQLField,
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: _Position,
    ) -> object:
        """A mutation of a mixed caller, with all permissions if the input names an object of an account that it owns."""
        context, node = self.context_value, field_details_list[0].node
        try:
            arguments = get_argument_values(field, node, self.variable_values, hide_suggestions=True)
        except GraphQLError:
            arguments = {}  # graphql-core reads it again and reports the error
        caller = context.viewer.within_account(await named_account(arguments.get("input")))
        refusal = self._refusal(parent_type, node.name.value, field, caller)
        refusal = refusal or self._input_refusal(field, node, caller)
        if refusal is not None:
            self._refuse(refusal, field_details_list, path)
            return None
        context.as_owner = caller if caller.as_owner_of is not None else None
        try:
            result = super().execute_field(parent_type, source, field_details_list, path, position_context)
            return await result if is_awaitable(result) else result
        finally:
            context.as_owner = None

    def handle_field_error(
        self, raw_error: Exception, return_type: GraphQLOutputType, field_details_list: FieldDetailsList, path: Path
    ) -> None:
        """Like graphql-core's, until the errors exceed the work limit."""
        if not self._can_afford(_ERROR_WORK):
            return
        error = located_error(raw_error, [details.node for details in field_details_list], path.as_list())
        if not (self.error_propagation and isinstance(return_type, GraphQLNonNull)):
            self.collected_errors.add(error, path)
            return
        try:
            raise error
        finally:
            del error  # otherwise its frame and the error hold each other until garbage collection

    def release(self) -> None:
        """Breaks the reference cycles that would hold the executor and all its data until garbage collection.

        Call it when the errors have been formatted: their tracebacks refer to the executor.
        """
        self.async_helpers = None  # type: ignore[assignment]
        self.context_value.count_rows = no_limit
        for error in self.collected_errors.errors:
            cause: BaseException | None = error
            while cause is not None:
                cause.__traceback__ = cause.__context__ = None
                cause = getattr(cause, "original_error", None)

    def _count_rows(self, rows: int) -> None:
        """Counts rows. Raises BadUserInput when the limit is exceeded."""
        self.budget.rows -= rows
        if self.budget.rows < 0:
            self._exhaust()
        if self.exhausted is not None:
            raise self.exhausted

    def _can_afford(self, work: int) -> bool:
        """Counts work about to be done; False when the limit is exceeded.

        No exception is raised: running fields end by themselves, and their data is discarded. Thousands of cancelled fields
        would be thousands of tracebacks, which only the garbage collector can free.
        """
        self.budget.work -= work
        if self.budget.work < 0:
            self._exhaust()
        return self.exhausted is None

    def _exhaust(self) -> None:
        if self.exhausted is None:
            self.exhausted = BadUserInput("The operation selects too much: select fewer fields or rows.")

    def _select(
        self, parent_type: GraphQLObjectType, path: Path | None, grouped_field_set: GroupedFieldSet
    ) -> _Selected:
        selected: _Selected = []
        for response_name, field_details_list in grouped_field_set.items():
            name = field_details_list[0].node.name.value
            field = self.schema.get_field(parent_type, name)
            caller = self.context_value.caller
            refusal = self._refusal(parent_type, name, field, caller) if field is not None else None
            is_mixed = caller is not None and bool(caller.owned_account_ids)
            if refusal is not None and field is not None and (is_mixed or isinstance(field.type, GraphQLNonNull)):
                # `execute_field` decides it per row, or its resolver refuses and the row becomes null.
                selected.append((response_name, None, field_details_list))
            elif refusal is not None:
                self._refuse(refusal, field_details_list, Path(path, response_name, parent_type.name))
                selected.append((response_name, None, None))
            elif field is not None and (read := reader(parent_type, field, self.context_value)) is not None:
                selected.append((response_name, read, None))
            else:
                selected.append((response_name, None, field_details_list))
        return selected

    def _work(self, parent_type: GraphQLObjectType, field_details_list: FieldDetailsList) -> int:
        field = self.schema.get_field(parent_type, field_details_list[0].node.name.value)
        definition = definition_of(field) if field is not None else None
        if definition is None or not definition.is_async:
            return _RESOLVER_WORK
        return _LOAD_WORK if LOAD in definition.metadata else _ASYNC_WORK

    def _refusal(
        self, parent_type: GraphQLObjectType, name: str, field: GraphQLField, caller: Viewer | None
    ) -> Forbidden | None:
        missing = [one for one in permissions_of(field) if not one.allows(caller)]
        return refusal_of(f"{parent_type.name}.{name}", missing) if missing else None

    def _input_refusal(self, field: GraphQLField, node: FieldNode, caller: Viewer | None) -> Forbidden | None:
        needed = [permission for argument in field.args.values() for permission in permissions_within(argument.type)]
        if all(permission.allows(caller) for permission in needed):
            return None
        try:
            arguments = get_argument_values(field, node, self.variable_values, hide_suggestions=True)
        except GraphQLError:
            return None  # graphql-core reads it again and reports the error
        refused: list[tuple[str, type[Requirement]]] = []
        for name, value in arguments.items():
            for path, permission in refused_inputs(field.args[name].type, value, caller, ()):
                refused.append((".".join(path), permission))
        if not refused:
            return None
        names = list(dict.fromkeys(name for name, _ in refused))
        return refusal_of(
            f"This caller may not set {', '.join(names)}:",
            [one for _, one in refused],
            " Nothing was changed.",
            inputFields=names,
        )

    def _refuse(self, refusal: Forbidden, field_details_list: FieldDetailsList, path: Path) -> None:
        nodes = [details.node for details in field_details_list]
        self.collected_errors.add(located_error(refusal, nodes, path.as_list()), path)


async def _merged(results: dict[str, object], rest: Awaitable[dict[str, object]]) -> dict[str, object]:
    results.update(await rest)
    return results
