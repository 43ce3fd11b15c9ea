"""Runs plans: the SELECTs one after the other over one connection, with SQL that is rendered once and cached.

A plan only reads: a query, or the payload that a mutation's resolver returned. When a plan fails (an invalid cursor, a database
that does not answer, an invalid value), the reference executor reads the same and reports the error.
"""

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, TypeVar, cast
from uuid import UUID

import structlog
from graphql.execution.values import VariableValues
from strawberry.utils.str_converters import to_camel_case, to_snake_case
from tortoise.context import require_context

from app.execution.cache import Size
from app.execution.compiler.query_plan import PAYLOAD, CallForEach, Found, Owner, Plan, Select
from app.execution.compiler.sql import Conditions, Renderer, with_page
from app.execution.values import Arguments, Row
from app.foundation.access import Viewer
from app.foundation.context import Context
from app.foundation.database import pool
from app.foundation.database.sql_templates import Statement, values_of
from app.foundation.errors import is_database_away
from app.foundation.graphql import declarations, lists
from app.foundation.graphql.pagination import Order, checked_first
from app.foundation.identifiers import parse_sid

T = TypeVar("T")
Fetch = Callable[..., Awaitable[Sequence[Row]]]
Statements = tuple[Statement | None, Statement | None]

# Cached per plan: one statement for each SELECT, scope and shape of arguments.
MAXIMUM_STATEMENTS = 64
# Values of a response, computed from the page sizes. Shaping them blocks the event loop, for about 20 ms at this number. Larger
# responses go to the reference executor, which counts its work and yields to the event loop.
MAXIMUM_VALUES = 100_000


# Memory of a plan, of a character of its source and of a statement, measured (`tests/execution/test_document_cache.py`).
_OF_PLAN, _OF_SOURCE, _OF_STATEMENT = 4_000, 12, 1_200


class TooManyValues(Exception):
    """The response can have more than MAXIMUM_VALUES."""


async def run_or_fall_back(by_plan: Awaitable[T], by_reference: Callable[[], Awaitable[T]], request_id: str) -> T:
    """The plan's response, or that of the reference executor when the plan fails.

    When the database did not answer the plan, the reference executor fails at once instead of asking it again.
    """
    try:
        return await by_plan
    except Exception as error:  # noqa: BLE001  a plan changes nothing, so the other executor may read again
        _log.debug("plan failed, the reference executor runs", request_id=request_id, error=type(error).__qualname__)
        is_away = is_database_away(error)
    with pool.fail_fast() if is_away else nullcontext():
        return await by_reference()


class CompiledPlan:
    """A plan with its cache of statements."""

    def __init__(self, plan: Plan, size: Size) -> None:
        """`size` belongs to the document's cache entry, which grows with each statement."""
        self.plan = plan
        self._size = size
        self._open_to: dict[Hashable, bool] = {}
        self._statements: dict[Hashable, Statements] = {}
        self._many_owners: dict[Hashable, Statement | None] = {}
        size.add(_OF_PLAN + _OF_SOURCE * len(plan.source))

    async def run(self, context: Context, variables: VariableValues, payload: object = None) -> Any:
        """The data of the query, or of the payload. Raises TooManyValues, and whatever fails."""
        if self.plan.reads_payload_alone:
            return self.plan.shape(context.viewer, context, {PAYLOAD: payload}, {})
        run = _PlanRun(self, context, variables, payload)
        run.weigh(self.plan.selects)
        return await run.result()

    def is_open_to(self, viewer: Viewer) -> bool:
        """Whether the caller has all of the plan's permissions, in every row. Cached by what permissions depend on."""
        if viewer.owned_account_ids:  # its permissions depend on the row
            return False
        caller = (viewer.scope, viewer.permissions, viewer.user_id is not None)
        known = self._open_to.get(caller)
        if known is None:
            known = self._open_to[caller] = viewer.may(self.plan.permissions)
        return known

    def statements(
        self,
        select: Select,
        viewer: Viewer,
        order: Order | None,
        conditions: Conditions,
        is_after: bool,
        single: bool,
        many_owners: bool,
    ) -> Statements:
        """The statements for rows and for the count; None for the one that is not selected."""
        key = (select.label, viewer.scope, order and order.name, conditions, is_after, single, many_owners)
        return self._statements.get(key) or self._keep(
            key, Renderer(select, viewer).statements(order, conditions, is_after, single, many_owners)
        )

    def with_page(
        self, select: Select, page: Select, viewer: Viewer, order: Order | None, conditions: Conditions, is_after: bool
    ) -> Statement:
        """The one statement for an object and its page (`Select.page`)."""
        key = (select.label, viewer.scope, order and order.name, conditions, is_after)
        known = self._statements.get(key) or self._keep(
            key, (with_page(select, page, viewer, order, conditions, is_after), None)
        )
        return cast(Statement, known[0])

    def _keep(self, key: Hashable, statements: Statements) -> Statements:
        if len(self._statements) >= MAXIMUM_STATEMENTS:
            self._size.add(-sum(map(_bytes_of, self._statements.values())))
            self._statements.clear()
        self._statements[key] = statements
        self._size.add(_bytes_of(statements))
        return statements

    def many_owners(self, select: Select, viewer: Viewer, is_first: bool) -> Statement | None:
        """The statement that returns a row if a page spans many owners."""
        key = (select.label, viewer.scope, is_first)
        known = self._many_owners.get(key)
        if known is None:
            known = self._many_owners[key] = Renderer(select, viewer).many_owners(is_first)
            self._size.add(_bytes_of((known,)))
        return known


def _bytes_of(statements: Iterable[Statement | None]) -> int:
    """Memory of the statements in bytes; the driver keeps a second copy of each text."""
    return sum(_OF_STATEMENT + 2 * len(each.text) for each in statements if each is not None)


_log = structlog.get_logger("execution")


class _PlanRun:
    """One run of a plan: its arguments, the values of placeholders, and the rows found so far."""

    def __init__(self, compiled: CompiledPlan, context: Context, variables: VariableValues, payload: object) -> None:
        self._compiled = compiled
        self._client: Any = require_context().connections.get("default")
        self._context = context
        self._viewer = viewer = context.viewer
        self._variables = variables
        self._values: dict[str, object] = dict(values_of(viewer))
        self._values_left = MAXIMUM_VALUES
        self._arguments: dict[str, Arguments] = {}
        self._to_call: list[tuple[CallForEach, list[Row]]] = []
        self.data: Found = {PAYLOAD: payload}
        self.given: dict[str, Arguments] = {}

    def weigh(self, selects: list[Select], above: int = 1) -> None:
        """Reads all arguments. Raises TooManyValues, before any statement runs, when the response could have too many values.

        `above` is the maximum number of parent rows.
        """
        for select in selects:
            arguments = self._arguments[select.label] = select.arguments(self._variables) if select.arguments else {}
            rows = above * checked_first(arguments["first"]) if "first" in arguments else above
            self._values_left -= rows * select.values_per_row
            if self._values_left < 0:
                raise TooManyValues
            self.weigh(select.children, rows)

    async def result(self) -> Any:
        plan = self._compiled.plan
        for call in plan.calls:
            result = call.resolver.call(None, self._context, call.arguments(self._variables))
            self.data[call.label] = await result if inspect.isawaitable(result) else result
        if plan.selects:
            async with self._client.acquire_connection() as connection:
                fetch = connection.fetch
                if self._client.log.isEnabledFor(logging.DEBUG):
                    fetch = _logged(fetch, self._client.log)
                for select in plan.selects:
                    await self._load_root(select, fetch)
        # After the connection is released: resolvers acquire their own, and could wait for this one forever.
        while self._to_call:
            await self._call_for_each(*self._to_call.pop())
        return plan.shape(self._viewer, self._context, self.data, self.given)

    async def _call_for_each(self, call: CallForEach, rows: list[Row]) -> None:
        arguments = call.arguments(self._variables)
        sources = {row[call.key_index]: call.source(row) for row in rows if row[call.key_index] is not None}
        results = [call.resolver.call(source, self._context, arguments) for source in sources.values()]
        awaited = [result for result in results if inspect.isawaitable(result)]
        if awaited:
            results = await asyncio.gather(*awaited, return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result
        self.data[call.label] = dict(zip(sources, results, strict=True))

    async def _load_root(self, select: Select, fetch: Fetch) -> None:
        if select.owner is None:
            await self._load(select, fetch, None)
            return
        owner = self._owner_at(select.owner)
        if owner is None:
            self.data[select.label], self.data[f"{select.label}n"] = {}, {}
        elif select.root is None:
            self._values[f"{select.label}.owner"] = owner
            await self._load(select, fetch, None)
        else:
            await self._load(select, fetch, [owner])

    def _owner_at(self, owner: Owner) -> object:
        found = self._viewer if owner.call is None else self.data[owner.call]
        for name in owner.path:
            found = getattr(found, name) if found is not None else None
        return found

    async def _load(self, select: Select, fetch: Any, owners: Sequence[object] | None) -> None:
        """Loads the rows of a SELECT, and those nested below."""
        label, page = select.label, select.page
        order, conditions, is_after, first, can_match = self._page_arguments(select, owners)
        if not can_match:
            return
        if page is not None:
            page_order, page_conditions, is_after, first, can_match = self._page_arguments(
                page, [self._values[f"{label}.id"]]
            )
            if can_match:
                statement = self._compiled.with_page(select, page, self._viewer, page_order, page_conditions, is_after)
                rows = await fetch(statement.text, *statement.arguments(self._values))
                await self._keep_with_page(select, page, rows, first, fetch)
                return
        single = owners is not None and len(owners) == 1
        many_owners = await self._has_many_owners(select, conditions, fetch, is_first=not is_after and not conditions)
        rows_of, number_of = self._compiled.statements(
            select, self._viewer, order, conditions, is_after, single, many_owners
        )
        if number_of is not None:
            counted = await fetch(number_of.text, *number_of.arguments(self._values))
            self.data[f"{label}n"] = {row[0]: row[1] for row in counted} if owners else {None: counted[0][1]}
        if rows_of is not None:
            rows = await fetch(rows_of.text, *rows_of.arguments(self._values))
            await self._keep(select, rows, owners, first, fetch)

    def _page_arguments(
        self, select: Select, owners: Sequence[object] | None
    ) -> tuple[Order | None, Conditions, bool, int, bool]:
        """Order, conditions, whether there is a cursor, `first`, and whether any row can match."""
        label, root = select.label, select.root
        self.data[label], self.data[f"{label}n"] = {}, {}
        arguments = self._arguments[label]
        if owners is not None:
            self._values[f"{label}.owner"], self._values[f"{label}.owners"] = owners[0], list(owners)
        if root is None:
            return None, (), False, 0, True
        if isinstance(root, declarations.OneById):
            row_id = self._values[f"{label}.id"] = parse_sid(root.kind, arguments["id"])
            self.data[label] = {None: ()}
            return None, (), False, 0, row_id is not None
        first, after = arguments["first"], arguments.get("after")
        order = root.order(_object(arguments.get("orderBy")))
        if after is not None:
            self._values[f"{label}.value"], self._values[f"{label}.after"] = order.read(after)
        self._values[f"{label}.limit"] = first + 1
        self.given[label] = {"first": first, "after": after, "order": order}
        conditions = self._conditions(label, root, arguments.get("filter") or {})
        return order, conditions or (), after is not None, first, conditions is not None

    async def _has_many_owners(self, select: Select, conditions: Conditions, fetch: Fetch, *, is_first: bool) -> bool:
        root = select.root
        if not isinstance(root, lists.PageOfAll) or not root.may_have_many_owners(self._viewer.scope, conditions):
            return False
        found = self._compiled.many_owners(select, self._viewer, is_first)
        return found is not None and bool(await fetch(found.text, *found.arguments(self._values)))

    async def _keep(
        self, select: Select, rows: Sequence[Row], owners: Sequence[object] | None, first: int, fetch: Fetch
    ) -> None:
        groups: dict[object, Sequence[Row]] = {None: rows} if rows or owners is None else {}
        if owners is not None and len(owners) == 1:
            groups = {owners[0]: rows}
        elif owners is not None:
            at = select.index("b", select.by)
            of_each: dict[object, list[Row]] = {}
            for row in rows:
                of_each.setdefault(row[at], []).append(row)
            groups = {**of_each}
        self.data[select.label] = groups
        if not (select.children or select.calls):
            return
        shown = [row for group in groups.values() for row in (group[:first] if first else group)]
        self._to_call += [(call, shown) for call in select.calls]
        for child in select.children:
            at = child.parent_index
            below = dict.fromkeys(row[at] for row in shown if row[at] is not None)
            if below:
                await self._load(child, fetch, list(below))
            else:
                self.data[child.label], self.data[f"{child.label}n"] = {}, {}

    async def _keep_with_page(
        self, select: Select, page: Select, rows: Sequence[Row], first: int, fetch: Fetch
    ) -> None:
        at = next((number for number, row in enumerate(rows) if row[-1]), None)
        if at is None:
            return
        one = rows[at][page.column_count :]
        self.data[select.label] = {None: [one]}
        self._to_call += [(call, [one]) for call in select.calls]
        await self._keep(page, [*rows[:at], *rows[at + 1 :]], [self._values[f"{select.label}.id"]], first, fetch)

    def _conditions(self, label: str, root: lists.Listed, given: Arguments) -> Conditions | None:
        """The conditions that are set; None when no row can match."""
        if not given:
            return ()
        conditions: list[tuple[str, object]] = []
        values = {name: given.get(_camel(name)) for name in root.conditions}
        root.check(values)
        for name, condition in root.conditions.items():
            value = values[name]
            if value is None:
                continue
            value = condition.prepare(value)
            if value is None:
                return None
            if isinstance(value, str | UUID):
                self._values[f"{label}.{name}"] = value
                conditions.append((name, type(value).__name__))
            else:
                conditions.append((name, value))  # few distinct values: one statement for each
        return tuple(conditions)


# Cached: the schema has few names, and each conversion runs a regular expression.
_camel, _snake = functools.cache(to_camel_case), functools.cache(to_snake_case)


def _object(given: Arguments | None) -> SimpleNamespace | None:
    return SimpleNamespace(**{_snake(name): value for name, value in given.items()}) if given else None


def _logged(fetch: Fetch, log: logging.Logger) -> Fetch:
    """Logs each statement to the logger of Tortoise's own statements."""

    async def log_and_fetch(text: str, *arguments: object) -> Sequence[Row]:
        log.debug("%s: %s", text, list(arguments))
        return await fetch(text, *arguments)

    return log_and_fetch
