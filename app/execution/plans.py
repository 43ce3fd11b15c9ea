"""Running plans: statements rendered once for each scope and shape of arguments, rows loaded level by level, one connection.

A plan only reads. So whatever goes wrong while it runs (a cursor that is none, a database that is away, a value that does
not fit) is no answer: the ordinary executor runs the operation from its start and says what is wrong.
"""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
)
from graphql.execution.values import VariableValues
from strawberry.utils.str_converters import to_camel_case, to_snake_case
from tortoise import connections

from app import graph
from app.access import Viewer
from app.context import Context
from app.execution.compiling import compile_operation, variables_of_directives
from app.execution.inputs import Variables, arguments_of
from app.execution.levels import Level, NotCompilable, Plan
from app.execution.writing import Writer
from app.identifiers import read
from app.paging import Order, checked_first
from app.statements import Statement

# How often one operation is compiled, at most: once for each combination of the variables in @skip and @include.
MAXIMUM_PLANS = 16
# Statements of one level, one for each scope and shape of its arguments.
MAXIMUM_STATEMENTS = 64
# Values in an answer, at most, by the sizes of pages that were asked: their rows are shaped without a pause, which takes
# some 20 ms for so many. What can be larger is left to the ordinary executor, which counts and pauses.
MAXIMUM_VALUES = 100_000


class TooMuch(Exception):
    """The answer can have more values than are made without a pause."""


class Plans:
    """The plans of all operations, bounded by number and by the length of their sources; the least used go first."""

    def __init__(self, *, maximum: int = 1_000, maximum_characters: int = 2_000_000) -> None:
        self._maximum = maximum
        self._maximum_characters = maximum_characters
        self._characters = 0
        self._known: OrderedDict[Any, _Runnable | None] = OrderedDict()

    def __contains__(self, key: Any) -> bool:
        return key in self._known

    def __getitem__(self, key: Any) -> "_Runnable | None":
        self._known.move_to_end(key)
        return self._known[key]

    def __setitem__(self, key: Any, plan: "_Runnable | None") -> None:
        self._known[key] = plan
        self._characters += _length(plan)
        while len(self._known) > self._maximum or self._characters > self._maximum_characters:
            _, forgotten = self._known.popitem(last=False)
            self._characters -= _length(forgotten)

    def all(self) -> "list[_Runnable]":
        """Those that can run."""
        return [plan for plan in self._known.values() if plan is not None]


def _length(plan: "_Runnable | None") -> int:
    return len(plan.plan.source) if plan is not None else 100


class CompiledOperation:
    """One operation of a document, compiled when it runs first."""

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, Any], plans: Plans
    ) -> None:
        self._schema = schema
        self._plans = plans
        self._made = 0
        self._operation = operation
        self._fragments = fragments
        self._switches = variables_of_directives(operation, fragments)
        self._variables = Variables(schema, operation)

    async def run(self, context: Context, variables: dict[str, Any] | None) -> dict[str, Any] | None:
        """The answer's data; None when the ordinary executor is to answer."""
        values = self._variables.read(variables or {})
        if values is None:
            return None
        client = connections.get("default")
        dialect = client.capabilities.dialect
        key = (self, dialect, tuple(values.coerced.get(name) for name in self._switches))
        if key in self._plans:
            plan = self._plans[key]
        elif self._made < MAXIMUM_PLANS:
            self._made += 1
            plan = self._plans[key] = self._compiled(dialect, values)
        else:
            return None
        viewer = context.viewer
        if plan is None or not plan.is_open_to(viewer):
            return None
        return await plan.run(client, context, viewer, values)

    def _compiled(self, dialect: str, values: VariableValues) -> "_Runnable | None":
        def included(node: Any) -> bool:
            for directive in node.directives or ():
                if directive.name.value in ("skip", "include"):
                    given = directive.arguments[0].value
                    on = values.coerced.get(given.name.value, False) if isinstance(given, VariableNode) else given.value
                    if bool(on) == (directive.name.value == "skip"):
                        return False
            return True

        try:
            plan = compile_operation(self._schema, self._operation, self._fragments, included, arguments_of, dialect)
        except NotCompilable:
            return None
        return _Runnable(plan, dialect)


class _Runnable:
    """A plan with its statements."""

    def __init__(self, plan: Plan, dialect: str) -> None:
        self.plan = plan
        self._dialect = dialect
        self._open_to: dict[Any, bool] = {}
        self._statements: dict[Any, tuple[Statement | None, Statement | None]] = {}

    async def run(self, client: Any, context: Context, viewer: Viewer, values: Any) -> dict[str, Any]:
        run = _Run(self, context, viewer, values)
        run.weigh(self.plan.levels)
        async with client.acquire_connection() as connection:
            fetch = connection.fetch if self._dialect == "postgres" else _sqlite_fetch(connection)
            if client.log.isEnabledFor(logging.DEBUG):
                fetch = _logged(fetch, client.log)
            for level in self.plan.levels:
                await run.load(level, fetch, None)
        return self.plan.shape(viewer, context, run.data, run.given)

    def is_open_to(self, viewer: Viewer) -> bool:
        """Whether the caller may use all of it: permissions depend on these two alone, and are decided once for them."""
        caller = (viewer.scope, viewer.access_level)
        known = self._open_to.get(caller)
        if known is None:
            known = self._open_to[caller] = viewer.may(self.plan.permissions)
        return known

    def statements(
        self, level: Level, viewer: Viewer, order: Order | None, asked: tuple[Any, ...], is_after: bool, single: bool
    ) -> tuple[Statement | None, Statement | None]:
        """The statements for the rows and for their number; None for what is not asked."""
        key = (level.slot, viewer.scope, order and order.name, asked, is_after, single)
        known = self._statements.get(key)
        if known is None:
            if len(self._statements) >= MAXIMUM_STATEMENTS:
                self._statements.clear()
            known = Writer(level, viewer, self._dialect).statements(order, asked, is_after, single)
            self._statements[key] = known
        return known


class _Run:
    """One run of a plan: arguments, values for the slots, and the rows as they come."""

    def __init__(self, runnable: _Runnable, context: Context, viewer: Viewer, variables: Any) -> None:
        self._runnable = runnable
        self._context = context
        self._viewer = viewer
        self._variables = variables
        self._values: dict[str, Any] = {
            "viewer.key_id": viewer.key_id,
            "viewer.account_id": viewer.account_id,
            "viewer.service_provider_id": viewer.service_provider_id,
        }
        self._values_left = MAXIMUM_VALUES
        self._arguments: dict[str, dict[str, Any]] = {}
        self.data: dict[str, dict[Any, Any]] = {}
        self.given: dict[str, dict[str, Any]] = {}

    def weigh(self, levels: list[Level], above: int = 1) -> None:
        """Reads all arguments, and raises TooMuch before any statement when the answer could have too many values.

        `above` is how many rows there can be that these levels hang from.
        """
        for level in levels:
            arguments = self._arguments[level.slot] = level.arguments(self._variables) if level.arguments else {}
            rows = above * checked_first(arguments["first"]) if "first" in arguments else above
            self._values_left -= rows * level.width
            if self._values_left < 0:
                raise TooMuch
            self.weigh(level.children, rows)

    async def load(self, level: Level, fetch: Any, owners: Sequence[Any] | None) -> None:
        """Loads a level and what is nested below it."""
        slot, root = level.slot, level.root
        self.data[slot], self.data[f"{slot}n"] = {}, {}
        arguments = self._arguments[slot]
        order, is_after, asked, first = None, False, (), 0
        if root is None:
            if self._values[level.owner] is None:
                return
        elif isinstance(root, graph.OneById):
            row_id = read(root.kind, arguments["id"])
            self.data[slot] = {None: ()}
            if row_id is None:
                return
            self._values[f"{slot}.id"] = row_id
        else:
            first = arguments["first"]
            order = root.order if isinstance(root, graph.PageOf) else root.order(_object(arguments.get("orderBy")))
            after = arguments.get("after")
            is_after = after is not None
            if after is not None:
                self._values[f"{slot}.value"], self._values[f"{slot}.after"] = order.read(after)
            self._values[f"{slot}.limit"] = first + 1
            self.given[slot] = {"first": first, "after": after, "order": order}
            if isinstance(root, graph.PageOfAll):
                found = self._conditions(slot, root, arguments.get("filter") or {})
                if found is None:
                    self.data[f"{slot}n"] = {None: 0}
                    return
                asked = found
        single = owners is not None and len(owners) == 1
        if owners is not None:
            self._values |= {f"{slot}.owner": owners[0], f"{slot}.owners": list(owners)}
        rows_of, number_of = self._runnable.statements(level, self._viewer, order, asked, is_after, single)
        if number_of is not None:
            counted = await fetch(number_of.text, *number_of.arguments(self._values))
            self.data[f"{slot}n"] = {row[0]: row[1] for row in counted} if owners else {None: counted[0][1]}
        if rows_of is not None:
            rows = await fetch(rows_of.text, *rows_of.arguments(self._values))
            await self._keep(level, rows, owners, first, fetch)

    async def _keep(self, level: Level, rows: Any, owners: Sequence[Any] | None, first: int, fetch: Any) -> None:
        groups: dict[Any, Any] = {None: rows} if rows or owners is None else {}
        if owners is not None and len(owners) == 1:
            groups = {owners[0]: rows}
        elif owners is not None:
            at = level.index("b", level.by)
            groups = {}
            for row in rows:
                groups.setdefault(row[at], []).append(row)
        self.data[level.slot] = groups
        for child in level.children:
            at = child.parent_index
            below: dict[Any, None] = {}
            for group in groups.values():
                for row in group[:first] if first else group:
                    if row[at] is not None:
                        below[row[at]] = None
            if below:
                await self.load(child, fetch, list(below))
            else:
                self.data[child.slot], self.data[f"{child.slot}n"] = {}, {}

    def _conditions(self, slot: str, root: graph.PageOfAll, given: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Which conditions are asked, and of which kind; None when nothing can match."""
        asked: list[tuple[str, Any]] = []
        for name, condition in root.conditions.items():
            value = given.get(to_camel_case(name))
            if value is None:
                continue
            value = condition.prepare(value)
            if value is None:
                return None
            if isinstance(value, str | UUID):
                self._values[f"{slot}.{name}"] = value
                asked.append((name, type(value).__name__))
            else:
                asked.append((name, value))  # few values, a statement for each
        return tuple(asked)


def _object(given: Mapping[str, Any] | None) -> Any:
    return SimpleNamespace(**{to_snake_case(name): value for name, value in given.items()}) if given else None


def _logged(fetch: Any, log: logging.Logger) -> Any:
    """Says each statement where Tortoise says its own."""

    async def say_and_fetch(text: str, *arguments: Any) -> Any:
        log.debug("%s: %s", text, list(arguments))
        return await fetch(text, *arguments)

    return say_and_fetch


def _sqlite_fetch(connection: Any) -> Any:
    async def fetch(text: str, *arguments: Any) -> Any:
        return list(await connection.execute_fetchall(text, arguments))

    return fetch
