"""The plans of operations: made when an operation runs first, bounded, and run if the caller may use all of them."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLSchema, OperationDefinitionNode, VariableNode
from graphql.execution.values import VariableValues
from tortoise import connections

from app.context import Context
from app.execution.compiling import compile_operation
from app.execution.inputs import Variables, arguments_of
from app.execution.levels import NotCompilable
from app.execution.running import NOTHING_RAN, Finished, Runnable, Unfinished
from app.execution.selections import variables_of_directives

# How many plans of one operation are kept, at most: one for each combination of the variables in @skip and @include.
MAXIMUM_PLANS = 16


class Plans:
    """The plans of all operations, bounded by number and by the length of their sources; the least used go first."""

    def __init__(self, *, maximum: int = 1_000, maximum_characters: int = 2_000_000) -> None:
        self._maximum = maximum
        self._maximum_characters = maximum_characters
        self._characters = 0
        self._known: OrderedDict[Any, Runnable | None] = OrderedDict()

    def __contains__(self, key: Any) -> bool:
        return key in self._known

    def __getitem__(self, key: Any) -> Runnable | None:
        self._known.move_to_end(key)
        return self._known[key]

    def __setitem__(self, key: Any, plan: Runnable | None) -> None:
        self._known[key] = plan
        self._characters += _length(plan)
        while len(self._known) > self._maximum or self._characters > self._maximum_characters:
            _, forgotten = self._known.popitem(last=False)
            self._characters -= _length(forgotten)

    def all(self) -> list[Runnable]:
        """Those that can run."""
        return [plan for plan in self._known.values() if plan is not None]


def _length(plan: Runnable | None) -> int:
    return len(plan.plan.source) if plan is not None else 100


class CompiledOperation:
    """One operation of a document, compiled when it runs first."""

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, Any], plans: Plans
    ) -> None:
        self._schema = schema
        self._plans = plans
        self._keys: list[Any] = []
        self._operation = operation
        self._fragments = fragments
        self._switches = variables_of_directives(operation, fragments)
        self._variables = Variables(schema, operation)

    async def run(self, context: Context, variables: dict[str, Any] | None) -> Finished | Unfinished:
        """Unfinished is what the ordinary executor is to answer."""
        values = self._variables.read(variables or {})
        if values is None:
            return NOTHING_RAN
        if any(values.coerced.get(name) is None for name in self._switches):
            return NOTHING_RAN  # null for a condition that has a default: refused, where it stands
        client = connections.get("default")
        runnable = self._runnable(values)
        if runnable is None or not runnable.is_open_to(context.viewer):
            return NOTHING_RAN
        return await runnable.run(client, context, values)

    def _runnable(self, values: VariableValues) -> Runnable | None:
        """None when there is no plan for it, or there are too many."""
        key = (self, tuple(values.coerced.get(name) for name in self._switches))
        if key in self._plans:
            return self._plans[key]
        self._keys = [known for known in self._keys if known in self._plans]
        if len(self._keys) >= MAXIMUM_PLANS:
            return None
        self._keys.append(key)
        runnable = self._plans[key] = self._compiled(values)
        return runnable

    def _compiled(self, values: VariableValues) -> Runnable | None:
        def included(node: Any) -> bool:
            for directive in node.directives or ():
                if directive.name.value in ("skip", "include"):
                    given = directive.arguments[0].value
                    on = values.coerced.get(given.name.value, False) if isinstance(given, VariableNode) else given.value
                    if bool(on) == (directive.name.value == "skip"):
                        return False
            return True

        try:
            plan = compile_operation(self._schema, self._operation, self._fragments, included, arguments_of)
        except NotCompilable:
            return None
        return Runnable(plan)
