"""The plans of one operation, compiled when it first runs: one for a query, one for each field of a mutation."""

from collections.abc import Hashable
from functools import cached_property

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionNode,
    VariableNode,
)
from graphql.execution.values import VariableValues

from app.execution.cache import Size
from app.execution.compiler.arguments import Variables, arguments_of
from app.execution.compiler.compile import compile_payloads, compile_query
from app.execution.compiler.query_plan import Effect, NotCompilable
from app.execution.compiler.run import CompiledPlan
from app.execution.compiler.selections import variables_of_directives
from app.execution.restrictions import Fragments
from app.execution.values import Arguments, JsonObject
from app.foundation.access import Viewer

# Per operation: one plan for each combination of the variables in @skip and @include.
MAXIMUM_PLANS = 16


MutationPlans = dict[str, tuple[Effect | None, Arguments, CompiledPlan]]
"""By response name: the resolver to call (None for `__typename`), its arguments, and the plan that reads its payload."""


class Plans:
    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments, size: Size
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = fragments
        self._size = size
        self._made: dict[Hashable, dict[str, CompiledPlan]] = {}

    def query(self, given: JsonObject | None, viewer: Viewer) -> tuple[CompiledPlan, VariableValues] | None:
        """The query's plan and its coerced variables; None when the reference executor has to run it."""
        values = self.variables.read(given or {})
        plan = self._plans(values).get(_WHOLE) if values is not None else None
        return (plan, values) if plan is not None and values is not None and plan.is_open_to(viewer) else None

    def mutation(self, given: JsonObject | None, viewer: Viewer) -> tuple[MutationPlans, VariableValues] | None:
        """The plans of all fields and the coerced variables; None when the reference executor has to run the mutation."""
        values = self.variables.read(given or {})
        plans = self._plans(values) if values is not None else {}
        if not plans or values is None or not all(each.is_open_to(viewer) for each in plans.values()):
            return None
        chosen: MutationPlans = {}
        for name, compiled in plans.items():
            effect = compiled.plan.effect
            try:
                arguments = effect.arguments(values) if effect is not None else {}
            except GraphQLError:  # the reference executor reports it
                return None
            if effect is not None and effect.refuses(viewer, arguments):
                return None
            chosen[name] = effect, arguments, compiled
        return chosen, values

    def all(self) -> list[CompiledPlan]:
        return [plan for plans in self._made.values() for plan in plans.values()]

    def _plans(self, values: VariableValues) -> dict[str, CompiledPlan]:
        """By response name; a query has one plan, named `_WHOLE`. Empty when the operation cannot be compiled."""
        switches = tuple(values.coerced.get(name) for name in self._switches)
        if None in switches:
            return {}  # null for a condition that has a default: the reference executor reports it
        made = self._made.get(switches)
        if made is None:
            if len(self._made) >= MAXIMUM_PLANS:
                return {}
            made = self._made[switches] = self._compiled(values)
        return made

    def _compiled(self, values: VariableValues) -> dict[str, CompiledPlan]:
        def included(node: SelectionNode) -> bool:
            return all(_keeps(directive, values) for directive in node.directives or ())

        what = self._schema, self._operation, self._fragments, included, arguments_of
        try:
            is_query = self._operation.operation.value == "query"
            plans = {_WHOLE: compile_query(*what)} if is_query else compile_payloads(*what)
        except NotCompilable:
            plans = {}
        return {name: CompiledPlan(plan, self._size) for name, plan in plans.items()}

    @cached_property
    def _switches(self) -> tuple[str, ...]:
        return variables_of_directives(self._operation, self._fragments)

    @cached_property
    def variables(self) -> Variables:
        return Variables(self._schema, self._operation)


_WHOLE = ""


def _keeps(directive: DirectiveNode, values: VariableValues) -> bool:
    """Whether a directive keeps its node in the selection."""
    given = next(iter(directive.arguments or ())).value
    if isinstance(given, VariableNode):
        on = bool(values.coerced.get(given.name.value, False))
    else:
        on = isinstance(given, BooleanValueNode) and given.value
    return on != (directive.name.value == "skip")
