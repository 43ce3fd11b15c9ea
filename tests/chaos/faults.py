"""The faults: killed and frozen processes, exchanged databases, unreachable storage."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import psutil

from app.demo.local_s3 import LocalS3
from tests.support.servers.postgres import Postgres


class DurablePostgres(Postgres):
    """Keeps acknowledged writes when its processes are killed, as in production."""

    options: tuple[str, ...] = ("fsync=off", "max_connections=200")

    @property
    def pids(self) -> list[int]:
        """The processes of the server and its sessions."""
        first = psutil.Process(self.pid)
        return [first.pid, *(child.pid for child in first.children())]

    def dump(self, name: str, into: str) -> None:
        """Copies a database without connections."""
        self.run(f'CREATE DATABASE "{into}" TEMPLATE "{name}"')

    def exchange(self, name: str, other: str, away: str) -> None:
        """Replaces the database of this name by another while clients are connected; the old one is renamed to `away`."""
        self.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        self.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
        self.run(f'ALTER DATABASE "{name}" RENAME TO "{away}"')
        self.run(f'ALTER DATABASE "{away}" ALLOW_CONNECTIONS true')
        self.run(f'ALTER DATABASE "{other}" RENAME TO "{name}"')


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Freezes processes with open connections (SIGSTOP)."""
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
    """Stops a storage during the block; it starts again at the same address with the same data."""
    s3.stop()
    try:
        yield
    finally:
        s3._port = urlsplit(s3.endpoint).port
        s3.start()
