"""Running plans: rows loaded level by level over one connection, by statements that are rendered once and kept.

A plan only reads: a query, or the payload that a mutation's resolver has answered. Whatever goes wrong while it runs (a cursor
that is none, a database that is away, a value that does not fit) is no answer: the ordinary executor reads the same and says
what is wrong.
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
from app.execution.compiler.query_plan import PAYLOAD, CallForEach, Found, Level, Owner, Plan
from app.execution.compiler.sql import Asked, Writer, with_page
from app.execution.values import Arguments, Row
from app.foundation.access import Viewer
from app.foundation.context import Context
from app.foundation.database import pool
from app.foundation.database.sql_templates import Statement, values_of
from app.foundation.errors import is_database_away
from app.foundation.graphql import declarations, lists
from app.foundation.graphql.pagination import Order, checked_first
from app.foundation.identifiers import parse_sid as read_id

T = TypeVar("T")
Fetch = Callable[..., Awaitable[Sequence[Row]]]
Statements = tuple[Statement | None, Statement | None]

# Statements of one level, one for each scope and shape of its arguments.
MAXIMUM_STATEMENTS = 64
# Values in an answer, at most, by the sizes of pages that were asked: their rows are shaped without a pause, which takes
# some 20 ms for so many. What can be larger is left to the ordinary executor, which counts and pauses.
MAXIMUM_VALUES = 100_000


# What a plan, a character of its source and a statement hold in bytes, measured (`tests/execution/test_document_cache.py`).
_OF_PLAN, _OF_SOURCE, _OF_STATEMENT = 4_000, 12, 1_200


class TooMuch(Exception):
    """The answer can have more values than are made without a pause."""


async def read(by_plan: Awaitable[T], otherwise: Callable[[], Awaitable[T]], request_id: str) -> T:
    """What a plan reads, or, when that fails, what the ordinary executor does: it meets the failure again and says what it is.

    A database that did not answer is not asked again.
    """
    try:
        return await by_plan
    except Exception as error:  # noqa: BLE001  reading has changed nothing
        _log.debug("fell back", request_id=request_id, error=type(error).__qualname__)
        is_away = is_database_away(error)
    with pool.fail_fast() if is_away else nullcontext():
        return await otherwise()


class Runnable:
    """A plan with its statements."""

    def __init__(self, plan: Plan, size: Size) -> None:
        """`size` is that of the document's entry in the cache."""
        self.plan = plan
        self._size = size
        self._open_to: dict[Hashable, bool] = {}
        self._statements: dict[Hashable, Statements] = {}
        self._many_owners: dict[Hashable, Statement | None] = {}
        size.add(_OF_PLAN + _OF_SOURCE * len(plan.source))

    async def run(self, context: Context, variables: VariableValues, payload: object = None) -> Any:
        """The answer to the query, or what is selected of the payload."""
        run = _Run(self, context, variables, payload)
        run.weigh(self.plan.levels)
        return await run.answer()

    def is_open_to(self, viewer: Viewer) -> bool:
        """Whether the caller may use all of it: permissions depend on these alone, and are decided once for them."""
        caller = (viewer.scope, viewer.access_level, viewer.user_id is not None)
        known = self._open_to.get(caller)
        if known is None:
            known = self._open_to[caller] = viewer.may(self.plan.permissions)
        return known

    def statements(
        self,
        level: Level,
        viewer: Viewer,
        order: Order | None,
        asked: Asked,
        is_after: bool,
        single: bool,
        many_owners: bool,
    ) -> Statements:
        """The statements for the rows and for their number; None for what is not asked."""
        key = (level.slot, viewer.scope, order and order.name, asked, is_after, single, many_owners)
        return self._statements.get(key) or self._keep(
            key, Writer(level, viewer).statements(order, asked, is_after, single, many_owners)
        )

    def with_page(
        self, level: Level, page: Level, viewer: Viewer, order: Order | None, asked: Asked, is_after: bool
    ) -> Statement:
        """The statement for an object and its page (`Level.page`)."""
        key = (level.slot, viewer.scope, order and order.name, asked, is_after)
        known = self._statements.get(key) or self._keep(
            key, (with_page(level, page, viewer, order, asked, is_after), None)
        )
        return cast(Statement, known[0])

    def _keep(self, key: Hashable, statements: Statements) -> Statements:
        if len(self._statements) >= MAXIMUM_STATEMENTS:
            self._size.add(-sum(map(_held, self._statements.values())))
            self._statements.clear()
        self._statements[key] = statements
        self._size.add(_held(statements))
        return statements

    def many_owners(self, level: Level, viewer: Viewer, is_first: bool) -> Statement | None:
        """Selects a row when the owners that are asked for a page are many."""
        key = (level.slot, viewer.scope, is_first)
        known = self._many_owners.get(key)
        if known is None:
            known = self._many_owners[key] = Writer(level, viewer).many_owners(is_first)
            self._size.add(_held((known,)))
        return known


def _held(statements: Iterable[Statement | None]) -> int:
    """How many bytes statements hold; the driver keeps their texts too."""
    return sum(_OF_STATEMENT + 2 * len(each.text) for each in statements if each is not None)


_log = structlog.get_logger("execution")


class _Run:
    """One run of a plan: arguments, values for the slots, and what is found as it comes."""

    def __init__(self, runnable: Runnable, context: Context, variables: VariableValues, payload: object) -> None:
        self._runnable = runnable
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

    async def answer(self) -> Any:
        plan = self._runnable.plan
        for call in plan.calls:
            answer = call.resolver.call(None, self._context, call.arguments(self._variables))
            self.data[call.slot] = await answer if inspect.isawaitable(answer) else answer
        if plan.levels:
            async with self._client.acquire_connection() as connection:
                fetch = connection.fetch
                if self._client.log.isEnabledFor(logging.DEBUG):
                    fetch = _logged(fetch, self._client.log)
                for level in plan.levels:
                    await self._load_root(level, fetch)
        # Without a connection of ours: resolvers take their own, and might wait for this one.
        while self._to_call:
            await self._call_for_each(*self._to_call.pop())
        return plan.shape(self._viewer, self._context, self.data, self.given)

    async def _call_for_each(self, call: CallForEach, rows: list[Row]) -> None:
        arguments = call.arguments(self._variables)
        sources = {row[call.key_index]: call.source(row) for row in rows if row[call.key_index] is not None}
        answers = [call.resolver.call(source, self._context, arguments) for source in sources.values()]
        awaited = [answer for answer in answers if inspect.isawaitable(answer)]
        if awaited:
            answers = await asyncio.gather(*awaited, return_exceptions=True)
            for answer in answers:
                if isinstance(answer, BaseException):
                    raise answer
        self.data[call.slot] = dict(zip(sources, answers, strict=True))

    async def _load_root(self, level: Level, fetch: Fetch) -> None:
        if level.owner is None:
            await self._load(level, fetch, None)
            return
        owner = self._owner_at(level.owner)
        if owner is None:
            self.data[level.slot], self.data[f"{level.slot}n"] = {}, {}
        elif level.root is None:
            self._values[f"{level.slot}.owner"] = owner
            await self._load(level, fetch, None)
        else:
            await self._load(level, fetch, [owner])

    def _owner_at(self, owner: Owner) -> object:
        found = self._viewer if owner.call is None else self.data[owner.call]
        for name in owner.path:
            found = getattr(found, name) if found is not None else None
        return found

    async def _load(self, level: Level, fetch: Any, owners: Sequence[object] | None) -> None:
        """Loads a level and what is nested below it."""
        slot, page = level.slot, level.page
        order, asked, is_after, first, can_match = self._how(level, owners)
        if not can_match:
            return
        if page is not None:
            of_page, among, is_after, first, can_match = self._how(page, [self._values[f"{slot}.id"]])
            if can_match:
                statement = self._runnable.with_page(level, page, self._viewer, of_page, among, is_after)
                rows = await fetch(statement.text, *statement.arguments(self._values))
                await self._keep_with_page(level, page, rows, first, fetch)
                return
        single = owners is not None and len(owners) == 1
        many_owners = await self._has_many_owners(level, asked, fetch, is_first=not is_after and not asked)
        rows_of, number_of = self._runnable.statements(level, self._viewer, order, asked, is_after, single, many_owners)
        if number_of is not None:
            counted = await fetch(number_of.text, *number_of.arguments(self._values))
            self.data[f"{slot}n"] = {row[0]: row[1] for row in counted} if owners else {None: counted[0][1]}
        if rows_of is not None:
            rows = await fetch(rows_of.text, *rows_of.arguments(self._values))
            await self._keep(level, rows, owners, first, fetch)

    def _how(self, level: Level, owners: Sequence[object] | None) -> tuple[Order | None, Asked, bool, int, bool]:
        """In which order, under which conditions, whether after a cursor, how many, and whether any row can match."""
        slot, root = level.slot, level.root
        self.data[slot], self.data[f"{slot}n"] = {}, {}
        arguments = self._arguments[slot]
        if owners is not None:
            self._values[f"{slot}.owner"], self._values[f"{slot}.owners"] = owners[0], list(owners)
        if root is None:
            return None, (), False, 0, True
        if isinstance(root, declarations.OneById):
            row_id = self._values[f"{slot}.id"] = read_id(root.kind, arguments["id"])
            self.data[slot] = {None: ()}
            return None, (), False, 0, row_id is not None
        first, after = arguments["first"], arguments.get("after")
        order = root.order(_object(arguments.get("orderBy")))
        if after is not None:
            self._values[f"{slot}.value"], self._values[f"{slot}.after"] = order.read(after)
        self._values[f"{slot}.limit"] = first + 1
        self.given[slot] = {"first": first, "after": after, "order": order}
        asked = self._conditions(slot, root, arguments.get("filter") or {})
        return order, asked or (), after is not None, first, asked is not None

    async def _has_many_owners(self, level: Level, asked: Asked, fetch: Fetch, *, is_first: bool) -> bool:
        root = level.root
        if not isinstance(root, lists.PageOfAll) or not root.may_have_many_owners(self._viewer.scope, asked):
            return False
        found = self._runnable.many_owners(level, self._viewer, is_first)
        return found is not None and bool(await fetch(found.text, *found.arguments(self._values)))

    async def _keep(
        self, level: Level, rows: Sequence[Row], owners: Sequence[object] | None, first: int, fetch: Fetch
    ) -> None:
        groups: dict[object, Sequence[Row]] = {None: rows} if rows or owners is None else {}
        if owners is not None and len(owners) == 1:
            groups = {owners[0]: rows}
        elif owners is not None:
            at = level.index("b", level.by)
            of_each: dict[object, list[Row]] = {}
            for row in rows:
                of_each.setdefault(row[at], []).append(row)
            groups = {**of_each}
        self.data[level.slot] = groups
        if not (level.children or level.calls):
            return
        shown = [row for group in groups.values() for row in (group[:first] if first else group)]
        self._to_call += [(call, shown) for call in level.calls]
        for child in level.children:
            at = child.parent_index
            below = dict.fromkeys(row[at] for row in shown if row[at] is not None)
            if below:
                await self._load(child, fetch, list(below))
            else:
                self.data[child.slot], self.data[f"{child.slot}n"] = {}, {}

    async def _keep_with_page(self, level: Level, page: Level, rows: Sequence[Row], first: int, fetch: Fetch) -> None:
        at = next((number for number, row in enumerate(rows) if row[-1]), None)
        if at is None:
            return
        one = rows[at][page.row_width :]
        self.data[level.slot] = {None: [one]}
        self._to_call += [(call, [one]) for call in level.calls]
        await self._keep(page, [*rows[:at], *rows[at + 1 :]], [self._values[f"{level.slot}.id"]], first, fetch)

    def _conditions(self, slot: str, root: lists.Listed, given: Arguments) -> Asked | None:
        """Which conditions are asked, and of which kind; None when nothing can match."""
        if not given:
            return ()
        asked: list[tuple[str, object]] = []
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
                self._values[f"{slot}.{name}"] = value
                asked.append((name, type(value).__name__))
            else:
                asked.append((name, value))  # few values, a statement for each
        return tuple(asked)


# Of few names, those of the schema: their regular expressions cost more than what the names are needed for.
_camel, _snake = functools.cache(to_camel_case), functools.cache(to_snake_case)


def _object(given: Arguments | None) -> SimpleNamespace | None:
    return SimpleNamespace(**{_snake(name): value for name, value in given.items()}) if given else None


def _logged(fetch: Fetch, log: logging.Logger) -> Fetch:
    """Says each statement where Tortoise says its own."""

    async def say_and_fetch(text: str, *arguments: object) -> Sequence[Row]:
        log.debug("%s: %s", text, list(arguments))
        return await fetch(text, *arguments)

    return say_and_fetch
