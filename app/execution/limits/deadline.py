"""The one deadline of a request: over its turn, its connections and statements, and a second executor.

Each of these has a limit of its own, and they add up: a client that has waited for a minute has gone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType

REQUEST_SECONDS = 12.0
# Of these at most, before anything runs.
AUTHENTICATION_SECONDS = 10.0
# With the time in which a mutation waits for a tenant's server, which has limits of its own.
LONGEST_SECONDS = 30.0
# What a mutation has at least, within LONGEST_SECONDS, to write down what the tenant's server has answered.
AFTER_PAUSE_SECONDS = 3.0


class Deadline:
    """Entered for the time of the work. When it has passed, the work is cancelled and TimeoutError raised."""

    def __init__(self, spent_seconds: float = 0.0) -> None:
        """`spent_seconds` is what the request has waited for already."""
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time() - spent_seconds
        self._timeout = asyncio.timeout_at(self._began + REQUEST_SECONDS)

    async def __aenter__(self) -> "Deadline":
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._timeout.__aexit__(kind, error, trace)

    @property
    def has_passed(self) -> bool:
        """Whether a TimeoutError is this one's."""
        return self._timeout.expired()

    def lift(self) -> None:
        """The answer begins: how long it takes is the client's part."""
        self._timeout.reschedule(None)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """What is waited for in the block counts for LONGEST_SECONDS alone."""
        left = (self._timeout.when() or 0.0) - self._loop.time()
        self._timeout.reschedule(self._began + LONGEST_SECONDS)
        try:
            yield
        finally:
            if not self._timeout.expired():
                again = self._loop.time() + max(left, AFTER_PAUSE_SECONDS)
                self._timeout.reschedule(min(self._began + LONGEST_SECONDS, again))
