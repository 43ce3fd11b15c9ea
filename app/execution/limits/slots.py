"""Limits how many operations of one caller, and of one owner, run at once in this worker: the rest wait.

Without it a dozen slow operations of one key hold all connections of the pool, and all other callers wait for them. A front
end that sends ten queries at once gets ten answers: they wait for each other, and only what waits too long is refused. The
callers of one provider's accounts take turns, so that a program's hundred operations do not keep a person waiting.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from app.foundation import metrics
from app.foundation.concurrency_limits import SlotCounts
from app.foundation.context import Context
from app.foundation.errors import RateLimited
from app.foundation.networks import network_of

# Of all keys and people of an account together, and of all accounts of a provider: so many times as many as of one caller.
CALLERS_OF_OWNER = 2
CALLERS_OF_PROVIDER = 3
MAXIMUM_WAITING = 100
WAIT_SECONDS = 10.0
RETRY_SECONDS = 1


class _Holders(NamedTuple):
    """For whom an operation counts, from the narrowest to the widest."""

    caller: Hashable
    owner: Hashable
    provider: Hashable


@dataclass(slots=True)
class _Held:
    """A slot, which may be given up and taken again."""

    holders: _Holders
    is_held: bool = True


_Turn = asyncio.Future[_Held]


class OperationSlots:
    """Changed by the event loop alone."""

    def __init__(self, of_caller: int) -> None:
        self._of_caller = of_caller
        self._of_owner = of_caller * CALLERS_OF_OWNER
        self._of_provider = of_caller * CALLERS_OF_PROVIDER
        self._running, self._waiting = SlotCounts(), SlotCounts()
        # By provider and caller; the caller whose turn comes next is the first.
        self._queues: dict[Hashable, dict[_Holders, dict[_Turn, None]]] = {}

    def slot(
        self,
        context: Context,
        outside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
        *,
        is_event: bool = False,
    ) -> "Slot":
        """One of the caller's slots for the time of the block, but for that of `context.without_slot()`, which enters `outside`.

        Raises RateLimited when too many of the caller's operations wait already, or after WAIT_SECONDS, and what
        `context.recheck_credential` does for a caller who was revoked while it waited. An event of a
        subscription waits as long as it takes, since it would be lost; how many there can be is bounded by the subscriptions.
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
        except Exception:  # other fields may still run; those of a cancelled operation do not
            held.is_held = (await self._acquire(held.holders, may_refuse=False)).is_held
            raise
        held.is_held = (await self._acquire(held.holders, may_refuse=False)).is_held

    async def _acquire(self, holders: _Holders, *, may_refuse: bool) -> _Held:
        if self._fits(holders):
            return self._take(holders)
        if may_refuse and self._waiting.of(holders.caller) >= MAXIMUM_WAITING:
            raise _refusal(f"{MAXIMUM_WAITING} wait already")
        return await self._turn(holders, may_refuse=may_refuse)

    def _fits(self, holders: _Holders) -> bool:
        return (
            self._running.of(holders.caller) < self._of_caller
            and self._running.of(holders.owner) < self._of_owner
            and self._running.of(holders.provider) < self._of_provider
        )

    def _take(self, holders: _Holders) -> _Held:
        for holder in (holders.caller, holders.owner, holders.provider):
            self._running.add(holder)
        return _Held(holders)

    def _release(self, held: _Held) -> None:
        """Hands the slot on before anything else runs, so that no newcomer overtakes those that wait.

        Does nothing when the slot is released already.
        """
        if not held.is_held:
            return
        held.is_held, holders = False, held.holders
        for holder in (holders.caller, holders.owner, holders.provider):
            self._running.remove(holder)
        callers = self._queues.get(holders.provider, {})
        for waiting, turns in callers.items():
            # The task of a cancelled turn has not run yet.
            turn = next((one for one in turns if not one.done()), None)
            if turn is not None and self._fits(waiting):
                turn.set_result(self._take(waiting))
                callers[waiting] = callers.pop(waiting)  # behind the others
                break

    async def _turn(self, holders: _Holders, *, may_refuse: bool) -> _Held:
        turn: _Turn = asyncio.get_running_loop().create_future()
        try:
            with self._waiting.held(holders.caller), self._queued(turn, holders):
                async with asyncio.timeout(WAIT_SECONDS if may_refuse else None):
                    return await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._release(turn.result())  # it came too late
            if isinstance(error, TimeoutError):
                raise _refusal(f"this one waited {WAIT_SECONDS:g} s for its turn") from None
            raise

    @contextmanager
    def _queued(self, turn: _Turn, holders: _Holders) -> Iterator[None]:
        callers = self._queues.setdefault(holders.provider, {})
        callers.setdefault(holders, {})[turn] = None
        try:
            yield
        finally:
            del callers[holders][turn]
            if not callers[holders]:
                del callers[holders]
            if not callers:
                del self._queues[holders.provider]


class Slot:
    """A class of its own: entered for each operation, which a generator makes three times as expensive."""

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
        slots, holders = self._slots, _holders_of(self._context)
        must_wait = not slots._fits(holders)
        self._held = await slots._acquire(holders, may_refuse=not self._is_event) if must_wait else slots._take(holders)
        self._context.without_slot = partial(slots._without, self._held, self._outside)
        if must_wait:
            try:
                await self._context.recheck_credential()
            except BaseException:
                slots._release(self._held)
                raise

    async def __aexit__(self, *_: object) -> None:
        self._slots._release(self._held)


def _holders_of(context: Context) -> _Holders:
    """Who has not logged in is known by the network. A caller without an owner, or without a provider, is its own."""
    viewer = context.caller
    caller = (viewer.key_id or viewer.user_id) if viewer is not None else network_of(context.address)
    owner = (viewer.account_id or viewer.service_provider_id or caller) if viewer is not None else caller
    provider = (viewer.provider_id or owner) if viewer is not None else caller
    return _Holders(("caller", caller), ("owner", owner), ("provider", provider))


def _refusal(why: str) -> RateLimited:
    metrics.operation_rejected()
    return RateLimited(
        f"Too many operations of this caller at once: {why}. Try again.", retryAfterSeconds=RETRY_SECONDS
    )
