"""Running plans: rows loaded level by level over one connection, by statements that are rendered once and kept.

A query's plan only reads. Whatever goes wrong while it runs (a cursor that is none, a database that is away, a value that
does not fit) is no answer: the ordinary executor runs the operation from its start and says what is wrong. A mutation's plan
calls its resolvers, which change things: when something goes wrong then, what they have answered is handed on, and the
ordinary executor goes on from there.
"""

import asyncio
import inspect
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from strawberry.utils.str_converters import to_camel_case, to_snake_case

from app import graph
from app.access import Viewer
from app.context import Context
from app.errors import is_database_away
from app.execution.guards import refused_inputs
from app.execution.levels import Call, CallForEach, Level, Owner, Plan, Step
from app.execution.writing import Writer
from app.identifiers import read
from app.paging import Order, checked_first
from app.statements import Statement, values_of

# Statements of one level, one for each scope and shape of its arguments.
MAXIMUM_STATEMENTS = 64
# Values in an answer, at most, by the sizes of pages that were asked: their rows are shaped without a pause, which takes
# some 20 ms for so many. What can be larger is left to the ordinary executor, which counts and pauses.
MAXIMUM_VALUES = 100_000


class TooMuch(Exception):
    """The answer can have more values than are made without a pause."""


@dataclass(frozen=True)
class Outcome:
    """What a resolver with effects came to: its answer, or what it raised; and what was made of the answer, if it was."""

    answer: Any = None
    error: Exception | None = None
    shown: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Finished:
    """The whole answer."""

    data: dict[str, Any]


@dataclass(frozen=True)
class Unfinished:
    """What is left to the ordinary executor; it must not call again what has an outcome, by its name in the answer."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    without_database: bool = False
    """The database did not answer: it is not asked again."""


NOTHING_RAN = Unfinished()


class Runnable:
    """A plan with its statements."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._open_to: dict[Any, bool] = {}
        self._statements: dict[Any, tuple[Statement | None, Statement | None]] = {}
        self._many_owners: dict[Any, Statement | None] = {}

    async def run(self, client: Any, context: Context, variables: Any) -> Finished | Unfinished:
        """Raises whatever goes wrong before something was changed."""
        plan, run = self.plan, _Run(self, client, context, variables)
        for step in plan.steps:
            run.weigh(step.levels)
        if not all(run.may_send(call) for step in plan.steps for call in step.calls):
            return NOTHING_RAN
        try:
            return Finished(await run.answer(plan))
        except Exception as error:
            is_away = is_database_away(error)
            if not plan.changes and not is_away:
                raise
            return Unfinished(run.outcomes, is_away)

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
        asked: tuple[Any, ...],
        is_after: bool,
        single: bool,
        many_owners: bool,
    ) -> tuple[Statement | None, Statement | None]:
        """The statements for the rows and for their number; None for what is not asked."""
        key = (level.slot, viewer.scope, order and order.name, asked, is_after, single, many_owners)
        known = self._statements.get(key)
        if known is None:
            if len(self._statements) >= MAXIMUM_STATEMENTS:
                self._statements.clear()
            known = Writer(level, viewer).statements(order, asked, is_after, single, many_owners)
            self._statements[key] = known
        return known

    def many_owners(self, level: Level, viewer: Viewer, is_first: bool) -> Statement | None:
        """Selects a row when the owners that are asked for a page are many."""
        key = (level.slot, viewer.scope, is_first)
        known = self._many_owners.get(key)
        if known is None:
            known = self._many_owners[key] = Writer(level, viewer).many_owners(is_first)
        return known


class _Run:
    """One run of a plan: arguments, values for the slots, and what is found as it comes."""

    def __init__(self, runnable: Runnable, client: Any, context: Context, variables: Any) -> None:
        self._runnable = runnable
        self._client = client
        self._context = context
        self._viewer = viewer = context.viewer
        self._variables = variables
        self._values: dict[str, Any] = dict(values_of(viewer))
        self._values_left = MAXIMUM_VALUES
        self._arguments: dict[str, dict[str, Any]] = {}
        self._to_call: list[tuple[CallForEach, list[Any]]] = []
        self.outcomes: dict[str, Outcome] = {}
        # By slots: a call's answer, the answers of a call for each row, a level's rows by their owners.
        self.data: dict[str, Any] = {}
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

    def may_send(self, call: Call) -> bool:
        """Reads the call's arguments; whether the caller may send all that is in them."""
        arguments = self._arguments[call.slot] = call.arguments(self._variables)
        if self._viewer.may(call.input_permissions):
            return True
        types = call.field.args
        return not any(
            True for name, value in arguments.items() for _ in refused_inputs(types[name].type, value, self._viewer, ())
        )

    async def answer(self, plan: Plan) -> dict[str, Any]:
        """Step by step: what one of them answers is read before the next one changes something."""
        answer: dict[str, Any] = {}
        shapes = plan.shapes(self._viewer, self._context, self.data, self.given)
        for step, shape in zip(plan.steps, shapes, strict=True):
            await self._take(step)
            answer |= (shown := shape())
            for call in step.calls:
                self.outcomes[call.response_name] = Outcome(shown=(shown[call.response_name],))
        return answer

    async def _take(self, step: Step) -> None:
        for call in step.calls:
            await self._call(call)
        if step.levels:
            async with self._client.acquire_connection() as connection:
                fetch = connection.fetch
                if self._client.log.isEnabledFor(logging.DEBUG):
                    fetch = _logged(fetch, self._client.log)
                for level in step.levels:
                    await self._load_root(level, fetch)
        # Without a connection of ours: resolvers take their own, and might wait for this one.
        while self._to_call:
            await self._call_for_each(*self._to_call.pop())

    async def _call(self, call: Call) -> None:
        try:
            answer = call.resolver.call(None, self._context, self._arguments[call.slot])
            if inspect.isawaitable(answer):
                answer = await answer
        except Exception as error:
            self.outcomes[call.response_name] = Outcome(error=error)
            raise
        self.outcomes[call.response_name] = Outcome(answer)
        self.data[call.slot] = answer

    async def _call_for_each(self, call: CallForEach, rows: list[Any]) -> None:
        arguments = call.arguments(self._variables)
        sources = {row[call.key_index]: call.source(row) for row in rows if row[call.key_index] is not None}
        answers = [call.resolver.call(source, self._context, arguments) for source in sources.values()]
        if answers and inspect.isawaitable(answers[0]):
            answers = await asyncio.gather(*answers, return_exceptions=True)
            for answer in answers:
                if isinstance(answer, BaseException):
                    raise answer
        self.data[call.slot] = dict(zip(sources, answers, strict=True))

    async def _load_root(self, level: Level, fetch: Any) -> None:
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

    def _owner_at(self, owner: Owner) -> Any:
        found = self._viewer if owner.call is None else self.data[owner.call]
        for name in owner.path:
            found = getattr(found, name) if found is not None else None
        return found

    async def _load(self, level: Level, fetch: Any, owners: Sequence[Any] | None) -> None:
        """Loads a level and what is nested below it."""
        slot, root = level.slot, level.root
        self.data[slot], self.data[f"{slot}n"] = {}, {}
        arguments = self._arguments[slot]
        order, is_after, asked, first = None, False, (), 0
        if isinstance(root, graph.OneById):
            row_id = read(root.kind, arguments["id"])
            self.data[slot] = {None: ()}
            if row_id is None:
                return
            self._values[f"{slot}.id"] = row_id
        elif root is not None:
            first = arguments["first"]
            order = root.order(_object(arguments.get("orderBy")))
            after = arguments.get("after")
            is_after = after is not None
            if after is not None:
                self._values[f"{slot}.value"], self._values[f"{slot}.after"] = order.read(after)
            self._values[f"{slot}.limit"] = first + 1
            self.given[slot] = {"first": first, "after": after, "order": order}
            found = self._conditions(slot, root, arguments.get("filter") or {})
            if found is None:
                return
            asked = found
        single = owners is not None and len(owners) == 1
        if owners is not None:
            self._values |= {f"{slot}.owner": owners[0], f"{slot}.owners": list(owners)}
        many_owners = await self._has_many_owners(level, asked, fetch, is_first=not is_after and not asked)
        rows_of, number_of = self._runnable.statements(level, self._viewer, order, asked, is_after, single, many_owners)
        if number_of is not None:
            counted = await fetch(number_of.text, *number_of.arguments(self._values))
            self.data[f"{slot}n"] = {row[0]: row[1] for row in counted} if owners else {None: counted[0][1]}
        if rows_of is not None:
            rows = await fetch(rows_of.text, *rows_of.arguments(self._values))
            await self._keep(level, rows, owners, first, fetch)

    async def _has_many_owners(self, level: Level, asked: tuple[Any, ...], fetch: Any, *, is_first: bool) -> bool:
        root = level.root
        if not isinstance(root, graph.PageOfAll) or not root.may_have_many_owners(self._viewer.scope, asked):
            return False
        found = self._runnable.many_owners(level, self._viewer, is_first)
        return found is not None and bool(await fetch(found.text, *found.arguments(self._values)))

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

    def _conditions(self, slot: str, root: graph.Listed, given: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Which conditions are asked, and of which kind; None when nothing can match."""
        asked: list[tuple[str, Any]] = []
        values = {name: given.get(to_camel_case(name)) for name in root.conditions}
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


def _object(given: Mapping[str, Any] | None) -> Any:
    return SimpleNamespace(**{to_snake_case(name): value for name, value in given.items()}) if given else None


def _logged(fetch: Any, log: logging.Logger) -> Any:
    """Says each statement where Tortoise says its own."""

    async def say_and_fetch(text: str, *arguments: Any) -> Any:
        log.debug("%s: %s", text, list(arguments))
        return await fetch(text, *arguments)

    return say_and_fetch
