"""The deadline of a request: it covers waiting for a slot, connections, statements, and a second executor.

Each of these has a limit of its own, but their sum could be a minute, and clients do not wait that long.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType

REQUEST_SECONDS = 12.0
# The part of REQUEST_SECONDS that authentication may take.
AUTHENTICATION_SECONDS = 10.0
# Including the time that a mutation waits for a tenant's server, which has limits of its own.
LONGEST_SECONDS = 30.0
# The least that a mutation has left, within LONGEST_SECONDS, to store the result of the tenant's server.
AFTER_PAUSE_SECONDS = 3.0


class Deadline:
    """A context manager: after the deadline it cancels the work in its block and raises TimeoutError."""

    def __init__(self, spent_seconds: float = 0.0) -> None:
        """`spent_seconds` of the deadline have passed already."""
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
        """Whether this deadline raised the TimeoutError."""
        return self._timeout.expired()

    def lift(self) -> None:
        """Ends the deadline when the response begins: the client determines how long it takes."""
        self._timeout.reschedule(None)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Stops the deadline for the block; only LONGEST_SECONDS still applies."""
        left = (self._timeout.when() or 0.0) - self._loop.time()
        self._timeout.reschedule(self._began + LONGEST_SECONDS)
        try:
            yield
        finally:
            if not self._timeout.expired():
                again = self._loop.time() + max(left, AFTER_PAUSE_SECONDS)
                self._timeout.reschedule(min(self._began + LONGEST_SECONDS, again))
