"""The plans of one operation, made when it is run first: of a query as a whole, of a mutation for each payload."""

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
from app.execution.compiler.run import Runnable
from app.execution.compiler.selections import variables_of_directives
from app.execution.restrictions import Fragments
from app.execution.values import Arguments, JsonObject
from app.foundation.access import Viewer

# How many plans of one operation are kept, at most: one for each combination of the variables in @skip and @include.
MAXIMUM_PLANS = 16


Changes = dict[str, tuple[Effect | None, Arguments, Runnable]]
"""By the names in the answer: what is called, with which arguments, and what reads its payload; nothing for `__typename`."""


class Plans:
    """What cannot be compiled has no plan."""

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments, size: Size
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = fragments
        self._size = size
        self._made: dict[Hashable, dict[str, Runnable]] = {}

    def query(self, given: JsonObject | None, viewer: Viewer) -> tuple[Runnable, VariableValues] | None:
        """The plan that answers the query, with the variables that it was chosen by; None: the ordinary executor does."""
        values = self.variables.read(given or {})
        runnable = self._plans(values).get(_WHOLE) if values is not None else None
        return (
            (runnable, values) if runnable is not None and values is not None and runnable.is_open_to(viewer) else None
        )

    def mutation(self, given: JsonObject | None, viewer: Viewer) -> tuple[Changes, VariableValues] | None:
        """The plans of all fields of the mutation, with the variables that they were chosen by; None: the ordinary executor."""
        values = self.variables.read(given or {})
        plans = self._plans(values) if values is not None else {}
        if not plans or values is None or not all(each.is_open_to(viewer) for each in plans.values()):
            return None
        changes: Changes = {}
        for name, runnable in plans.items():
            effect = runnable.plan.effect
            try:
                arguments = effect.arguments(values) if effect is not None else {}
            except GraphQLError:  # the ordinary executor meets it again and reports it
                return None
            if effect is not None and effect.refuses(viewer, arguments):
                return None
            changes[name] = effect, arguments, runnable
        return changes, values

    def all(self) -> list[Runnable]:
        return [runnable for made in self._made.values() for runnable in made.values()]

    def _plans(self, values: VariableValues) -> dict[str, Runnable]:
        """By the names of payloads, or of the whole answer."""
        switches = tuple(values.coerced.get(name) for name in self._switches)
        if None in switches:
            return {}  # null for a condition that has a default: refused, where it stands
        made = self._made.get(switches)
        if made is None:
            if len(self._made) >= MAXIMUM_PLANS:
                return {}
            made = self._made[switches] = self._compiled(values)
        return made

    def _compiled(self, values: VariableValues) -> dict[str, Runnable]:
        def included(node: SelectionNode) -> bool:
            return all(_lets_in(directive, values) for directive in node.directives or ())

        what = self._schema, self._operation, self._fragments, included, arguments_of
        try:
            is_query = self._operation.operation.value == "query"
            plans = {_WHOLE: compile_query(*what)} if is_query else compile_payloads(*what)
        except NotCompilable:
            plans = {}
        return {name: Runnable(plan, self._size) for name, plan in plans.items()}

    @cached_property
    def _switches(self) -> tuple[str, ...]:
        return variables_of_directives(self._operation, self._fragments)

    @cached_property
    def variables(self) -> Variables:
        return Variables(self._schema, self._operation)


_WHOLE = ""


def _lets_in(directive: DirectiveNode, values: VariableValues) -> bool:
    """Whether a directive leaves its node in the selection."""
    given = next(iter(directive.arguments or ())).value
    if isinstance(given, VariableNode):
        on = bool(values.coerced.get(given.name.value, False))
    else:
        on = isinstance(given, BooleanValueNode) and given.value
    return on != (directive.name.value == "skip")
