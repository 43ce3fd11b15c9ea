"""The measured installation: a PostgreSQL with a filled database, and servers that start on demand."""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from app.foundation.encryption import new_key_text
from app.foundation.settings import Settings
from tests.bench.seeding import Seeded, seed
from tests.bench.serving import BY_HAND, OURS, ServerProcess
from tests.support.servers.postgres import Postgres

HANDWRITTEN, SHIPPED, COMPILED, REFERENCE = "handwritten", "shipped", "compiled", "reference"
# The servers by name: the command, and how it differs from the shipped one.
SERVERS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    HANDWRITTEN: (BY_HAND, {}),
    SHIPPED: (OURS, {}),
    COMPILED: (OURS, {"LOG_LEVEL": "ERROR"}),
    REFERENCE: (OURS, {"COMPILED_OPERATIONS": "off"}),
}
# Their descriptions in the table.
MEANINGS = {
    SHIPPED: "python -m app serve as it ships: log lines, request ids, metrics",
    COMPILED: "shipped with LOG_LEVEL=ERROR, which leaves out the log line of each request; ids, metrics, limits stay",
    REFERENCE: "shipped with COMPILED_OPERATIONS=off: the reference executor answers all queries",
}


@dataclass
class Installation:
    """The seeded database, and how long and how often to measure."""

    seeded: Seeded
    seconds: float
    rounds: int
    postgresql: str
    _environment: dict[str, str]
    _folder: Path
    _running: contextlib.ExitStack
    _servers: dict[str, ServerProcess] = field(default_factory=dict)

    def server(self, name: str) -> ServerProcess:
        """The running server of this name, one of `SERVERS`."""
        if name not in self._servers:
            arguments, more = SERVERS[name]
            process = ServerProcess(name, arguments, {**self._environment, **more}, self._folder / f"{name}.log")
            self._servers[name] = self._running.enter_context(process)
        return self._servers[name]


@asynccontextmanager
async def opened(seconds: float, rounds: int) -> AsyncIterator[Installation]:
    """An installation during the block."""
    with (
        Postgres() as postgres,
        tempfile.TemporaryDirectory(prefix="accounts-bench-") as name,
        contextlib.ExitStack() as running,
    ):
        url, folder = postgres.create("bench"), Path(name)
        encryption_keys, hash_key = f"bench:{new_key_text()}", new_key_text()
        settings = Settings(data_dir=folder, database_url=url, encryption_keys=encryption_keys, hash_key=hash_key)
        seeded = await seed(settings)
        environment = {
            "DATABASE_URL": url,
            "DATA_DIR": name,
            "ENCRYPTION_KEYS": encryption_keys,
            "HASH_KEY": hash_key,
        }
        yield Installation(seeded, seconds, rounds, await _version(url), environment, folder, running)


async def _version(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()
