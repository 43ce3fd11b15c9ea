"""The faults: processes that are killed or frozen, databases that are exchanged, a disk that is full."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import psutil

from app.demo.local_s3 import LocalS3
from tests.support.servers.postgres import Postgres


class DurablePostgres(Postgres):
    """Keeps what it has acknowledged when its processes are killed, as in production."""

    options: tuple[str, ...] = ("fsync=off", "max_connections=200")

    @property
    def pids(self) -> list[int]:
        """The server's process and those of its sessions."""
        first = psutil.Process(self.pid)
        return [first.pid, *(child.pid for child in first.children())]

    def dump(self, name: str, into: str) -> None:
        """A copy of a database that nothing is connected to."""
        self.run(f'CREATE DATABASE "{into}" TEMPLATE "{name}"')

    def exchange(self, name: str, other: str, away: str) -> None:
        """Another database under this name from now on, under the feet of those who are connected; the old one is `away`."""
        self.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        self.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
        self.run(f'ALTER DATABASE "{name}" RENAME TO "{away}"')
        self.run(f'ALTER DATABASE "{away}" ALLOW_CONNECTIONS true')
        self.run(f'ALTER DATABASE "{other}" RENAME TO "{name}"')


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Processes that answer nothing, with their connections open (SIGSTOP)."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            with suppress(ProcessLookupError):  # a session whose client has gone
                os.kill(pid, signal.SIGCONT)


@contextmanager
def stopped(s3: LocalS3) -> Iterator[None]:
    """A storage that refuses connections, and comes back at the same address with what it had."""
    s3.stop()
    try:
        yield
    finally:
        s3._port = urlsplit(s3.endpoint).port
        s3.start()
