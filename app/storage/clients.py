"""Cache of SDK clients: creating one takes 20 ms of CPU, a request on an existing one 2 ms."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

MAXIMUM_CLIENTS = 64
"""Per process; each holds 0.4 MB."""


@dataclass
class _Entry:
    client: Any
    closing: AsyncExitStack
    users: int = 0
    is_evicted: bool = False


class ClientCache:
    """At most `maximum` clients by key. The least recently used is closed as soon as its last user leaves.

    A key must include everything a client is created with: above all endpoint and credentials.
    """

    def __init__(self, maximum: int = MAXIMUM_CLIENTS) -> None:
        self._maximum = maximum
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._create_lock = asyncio.Lock()

    @asynccontextmanager
    async def client(self, key: Hashable, make: Callable[[], AbstractAsyncContextManager[Any]]) -> AsyncIterator[Any]:
        """The client of this key, created by `make` if missing."""
        entry = await self._entry(key, make)
        entry.users += 1
        try:
            while len(self._entries) > self._maximum:
                await self._evict(next(iter(self._entries)))
            yield entry.client
        finally:
            entry.users -= 1
            if entry.is_evicted and not entry.users:
                await entry.closing.aclose()

    async def close(self) -> None:
        """Closes all clients; those in use as soon as their users leave."""
        for key in list(self._entries):
            await self._evict(key)

    async def _entry(self, key: Hashable, make: Callable[[], AbstractAsyncContextManager[Any]]) -> _Entry:
        async with self._create_lock:
            if key not in self._entries:
                closing = AsyncExitStack()
                self._entries[key] = _Entry(await closing.enter_async_context(make()), closing)
            self._entries.move_to_end(key)
            return self._entries[key]

    async def _evict(self, key: Hashable) -> None:
        entry = self._entries.pop(key)
        entry.is_evicted = True
        if not entry.users:
            await entry.closing.aclose()
