"""A proxy in front of PostgreSQL that can stop answering while it still accepts connections and data."""

import asyncio
import contextlib
from types import TracebackType
from urllib.parse import parse_qs, quote, urlsplit


class SwallowingProxy:
    """Runs in the event loop of the test."""

    def __init__(self, url: str) -> None:
        """`url` is that of a database behind a Unix socket."""
        parts = urlsplit(url)
        self._parts = parts
        self._socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.{parts.port or 5432}"
        self._tasks: set[asyncio.Task[None]] = set()
        self.swallows = False

    async def __aenter__(self) -> "SwallowingProxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        port = self._server.sockets[0].getsockname()[1]
        user, password = quote(self._parts.username or ""), quote(self._parts.password or "")
        return f"postgres://{user}:{password}@127.0.0.1:{port}{self._parts.path}?sslmode=disable"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            behind = await asyncio.open_unix_connection(self._socket)
            await asyncio.gather(self._forward(reader, behind[1]), self._forward(behind[0], writer))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            while data := await reader.read(65_536):
                if not self.swallows:
                    writer.write(data)
                    await writer.drain()
