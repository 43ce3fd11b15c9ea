"""Limits the concurrent operations of a caller, an owner and a provider in this worker; further ones wait.

Otherwise a dozen slow operations of one key could hold all connections of the pool. A front end that sends ten queries at once
gets ten responses: they wait for each other, and only those that wait too long are refused. Waiting callers of one provider
take turns, so a program with a hundred operations does not delay a person.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from app.foundation import metrics
from app.foundation.concurrency_limits import SlotCounts
from app.foundation.context import Context
from app.foundation.errors import RateLimited
from app.foundation.networks import network_of

# Multiples of the limit per caller: for all callers of one owner, and for a provider with all its accounts.
CALLERS_OF_OWNER = 2
CALLERS_OF_PROVIDER = 3
MAXIMUM_WAITING = 100
WAIT_SECONDS = 10.0
RETRY_SECONDS = 1


class _SlotOwners(NamedTuple):
    """The limits that an operation counts against, from the narrowest to the widest."""

    caller: Hashable
    owner: Hashable
    provider: Hashable


@dataclass(slots=True)
class _Held:
    """A slot; it can be released and acquired again."""

    owners: _SlotOwners
    is_held: bool = True


_Turn = asyncio.Future[_Held]


class OperationSlots:
    """Used from the event loop only."""

    def __init__(self, per_caller: int) -> None:
        self._per_caller = per_caller
        self._per_owner = per_caller * CALLERS_OF_OWNER
        self._per_provider = per_caller * CALLERS_OF_PROVIDER
        self._running, self._waiting = SlotCounts(), SlotCounts()
        # By provider and caller; the first caller has the next turn.
        self._queues: dict[Hashable, dict[_SlotOwners, dict[_Turn, None]]] = {}

    def slot(
        self,
        context: Context,
        outside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
        *,
        is_event: bool = False,
    ) -> "Slot":
        """Holds a slot for the block, except within `context.without_slot()`, which enters `outside` instead.

        After a wait the context has the caller as it is then. Raises RateLimited when MAXIMUM_WAITING operations of the caller
        are waiting, or after WAIT_SECONDS, and what `context.refresh_caller` raises for a caller that was revoked while it
        waited. An event of a subscription waits without limit, since it would be lost otherwise; the limit of subscriptions
        bounds how many events wait.
        """
        return Slot(self, context, outside, is_event)

    @asynccontextmanager
    async def _without(
        self, held: _Held, outside: Callable[[], AbstractAsyncContextManager[None]]
    ) -> AsyncIterator[None]:
        self._release(held)
        try:
            async with outside():
                yield
        except Exception:  # other fields may still run, unless the operation is cancelled
            held.is_held = (await self._acquire(held.owners, may_raise=False)).is_held
            raise
        held.is_held = (await self._acquire(held.owners, may_raise=False)).is_held

    async def _acquire(self, owners: _SlotOwners, *, may_raise: bool) -> _Held:
        if self._fits(owners):
            return self._take(owners)
        if may_raise and self._waiting.of(owners.caller) >= MAXIMUM_WAITING:
            raise _refusal(f"{MAXIMUM_WAITING} are waiting already")
        return await self._turn(owners, may_raise=may_raise)

    def _fits(self, owners: _SlotOwners) -> bool:
        return (
            self._running.of(owners.caller) < self._per_caller
            and self._running.of(owners.owner) < self._per_owner
            and self._running.of(owners.provider) < self._per_provider
        )

    def _take(self, owners: _SlotOwners) -> _Held:
        for owner in owners:
            self._running.add(owner)
        return _Held(owners)

    def _release(self, held: _Held) -> None:
        """Gives the slot to the next waiting operation at once, so that no new operation overtakes it.

        Does nothing if the slot is released already.
        """
        if not held.is_held:
            return
        held.is_held, owners = False, held.owners
        for owner in owners:
            self._running.remove(owner)
        callers = self._queues.get(owners.provider, {})
        for waiting, turns in callers.items():
            # A cancelled turn is still listed until its task runs.
            turn = next((one for one in turns if not one.done()), None)
            if turn is not None and self._fits(waiting):
                turn.set_result(self._take(waiting))
                callers[waiting] = callers.pop(waiting)  # behind the others
                break

    async def _turn(self, owners: _SlotOwners, *, may_raise: bool) -> _Held:
        loop = asyncio.get_running_loop()
        turn: _Turn = loop.create_future()
        # A timer instead of `asyncio.timeout`, which costs twice as much: a busy client waits for every operation.
        timer = loop.call_later(WAIT_SECONDS, _end_wait, turn) if may_raise else None
        callers = self._queues.setdefault(owners.provider, {})
        callers.setdefault(owners, {})[turn] = None
        self._waiting.add(owners.caller)
        try:
            return await turn
        except BaseException:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._release(turn.result())  # granted, and then cancelled
            raise
        finally:
            if timer is not None:
                timer.cancel()
            self._waiting.remove(owners.caller)
            del callers[owners][turn]
            if not callers[owners]:
                del callers[owners]
            if not callers:
                del self._queues[owners.provider]


def _end_wait(turn: _Turn) -> None:
    if not turn.done():
        turn.set_exception(_refusal(f"this one waited {WAIT_SECONDS:g} s for a slot"))


class Slot:
    """A class, since a generator-based context manager costs three times as much per operation."""

    def __init__(
        self,
        slots: OperationSlots,
        context: Context,
        outside: Callable[[], AbstractAsyncContextManager[None]],
        is_event: bool,
    ) -> None:
        self._slots = slots
        self._context = context
        self._outside = outside
        self._is_event = is_event

    async def __aenter__(self) -> None:
        slots, owners = self._slots, _owners_of(self._context)
        must_wait = not slots._fits(owners)
        self._held = await slots._acquire(owners, may_raise=not self._is_event) if must_wait else slots._take(owners)
        self._context.without_slot = partial(slots._without, self._held, self._outside)
        if must_wait:
            try:
                await self._context.refresh_caller()
            except BaseException:
                slots._release(self._held)
                raise

    async def __aexit__(self, *_: object) -> None:
        self._slots._release(self._held)


def _owners_of(context: Context) -> _SlotOwners:
    """An unauthenticated caller is identified by its network. Missing owners and providers fall back to the caller."""
    viewer = context.caller
    caller = (viewer.key_id or viewer.user_id) if viewer is not None else network_of(context.address)
    owner = (viewer.account_id or viewer.service_provider_id or caller) if viewer is not None else caller
    provider = (viewer.provider_id or owner) if viewer is not None else caller
    return _SlotOwners(("caller", caller), ("owner", owner), ("provider", provider))


def _refusal(why: str) -> RateLimited:
    metrics.operation_rejected()
    return RateLimited(
        f"Too many concurrent operations of this caller: {why}. Try again.", retryAfterSeconds=RETRY_SECONDS
    )
