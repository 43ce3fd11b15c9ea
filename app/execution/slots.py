"""How many operations of one caller, and of one owner, run at once in this worker: the rest wait in order.

Without it a dozen slow operations of one key hold all connections of the pool, and all other callers wait for them. A front
end that sends ten queries at once gets ten answers: they wait for each other, and only what waits too long is refused.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

from app import metrics
from app.context import Context
from app.errors import RateLimited
from app.networks import network_of
from app.shares import Shares

# Of all keys and people of an account, or of a provider, together: so many times as many as of one caller.
CALLERS_OF_OWNER = 2
MAXIMUM_WAITING = 100
WAIT_SECONDS = 10.0
RETRY_SECONDS = 1


@dataclass(eq=False)
class _Waiting:
    caller: Hashable
    turn: asyncio.Future[ExitStack]


class OperationSlots:
    """Changed by the event loop alone."""

    def __init__(self, of_caller: int) -> None:
        self._of_caller = of_caller
        self._of_owner = of_caller * CALLERS_OF_OWNER
        self._running, self._waiting = Shares(), Shares()
        # By owner, first come first served among those whose callers have a slot left.
        self._queues: dict[Hashable, dict[_Waiting, None]] = {}

    @asynccontextmanager
    async def slot(self, context: Context, *, is_event: bool = False) -> AsyncIterator[None]:
        """One of the caller's slots for the time of the block.

        Raises RateLimited when too many of the caller's operations wait already, or after WAIT_SECONDS. An event of a
        subscription waits as long as it takes, since it would be lost; how many there can be is bounded by the subscriptions.
        """
        caller, owner = _caller_of(context)
        held = self._take(caller, owner) if self._fits(caller, owner) else await self._turn(caller, owner, is_event)
        try:
            yield
        finally:
            self._release(held, owner)

    def _fits(self, caller: Hashable, owner: Hashable) -> bool:
        return self._running.of(caller) < self._of_caller and self._running.of(owner) < self._of_owner

    def _take(self, caller: Hashable, owner: Hashable) -> ExitStack:
        held = ExitStack()
        held.enter_context(self._running.place(caller))
        held.enter_context(self._running.place(owner))
        return held

    def _release(self, held: ExitStack, owner: Hashable) -> None:
        """Hands the slot on before anything else runs, so that no newcomer overtakes those that wait."""
        held.close()
        queue = self._queues.get(owner, {})
        for waiting in [*queue]:
            if self._fits(waiting.caller, owner):
                del queue[waiting]
                waiting.turn.set_result(self._take(waiting.caller, owner))
        if not queue:
            self._queues.pop(owner, None)

    async def _turn(self, caller: Hashable, owner: Hashable, is_event: bool) -> ExitStack:
        if not is_event and self._waiting.of(caller) >= MAXIMUM_WAITING:
            raise _refusal(f"{MAXIMUM_WAITING} wait already")
        waiting = _Waiting(caller, asyncio.get_running_loop().create_future())
        self._queues.setdefault(owner, {})[waiting] = None
        try:
            with self._waiting.place(caller):
                async with asyncio.timeout(None if is_event else WAIT_SECONDS):
                    return await waiting.turn
        except BaseException as error:
            if waiting.turn.done() and not waiting.turn.cancelled():
                self._release(waiting.turn.result(), owner)  # it came too late
            else:
                self._queues.get(owner, {}).pop(waiting, None)
            if isinstance(error, TimeoutError):
                raise _refusal(f"this one waited {WAIT_SECONDS:g} s for its turn") from None
            raise


def _caller_of(context: Context) -> tuple[Hashable, Hashable]:
    """The caller and its owner. Who has not logged in is known by the network; an owner of its own is who has none."""
    viewer = context.caller
    if viewer is None:
        network = network_of(context.address)
        return ("network", network), ("owner", network)
    caller = viewer.key_id or viewer.user_id
    return caller, ("owner", viewer.account_id or viewer.service_provider_id or caller)


def _refusal(why: str) -> RateLimited:
    metrics.operation_refused()
    return RateLimited(
        f"Too many operations of this caller at once: {why}. Try again.", retryAfterSeconds=RETRY_SECONDS
    )
