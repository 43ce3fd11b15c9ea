"""The target of the faults: the shipped server with its own PostgreSQL and S3, and accounts that record."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.demo.local_s3 import LocalS3
from tests.chaos.faults import DurablePostgres
from tests.chaos.ledger import Ledger
from tests.recording.real_server import RealServer
from tests.recording.test_killed import fragile_s3
from tests.support.installation import seed

__all__ = ["fragile_s3"]

DATABASE = "chaos"


@dataclass
class Ground:
    """A server that records the calls of two accounts to a bucket, and the servers that it uses."""

    server: RealServer
    postgres: DurablePostgres
    s3: LocalS3
    key: str
    """A gateway's API key."""
    ledger: Ledger = field(default_factory=Ledger)

    async def call(self, name: str, seconds: float = 2.0, account: str = "own") -> int:
        return await self.ledger.call(self.server, self.key, name, account, seconds)

    async def verify(self) -> None:
        await self.ledger.verify(self.server, self.s3)


@pytest.fixture
def postgres_of_its_own() -> Iterator[DurablePostgres]:
    with DurablePostgres() as server:
        yield server


@pytest.fixture
async def ground(
    postgres_of_its_own: DurablePostgres, fragile_s3: LocalS3, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Ground]:
    """The marker `environment(...)` changes environment variables."""
    marker = request.node.get_closest_marker("environment")
    url = postgres_of_its_own.create(DATABASE)
    folder = tmp_path / "server"
    folder.mkdir()
    given = {"DATABASE_TIMEOUT_SECONDS": "10", **(marker.kwargs if marker else {})}
    if "valkey" in request.fixturenames:
        given["CACHE_URL"] = request.getfixturevalue("valkey").url
    server = RealServer(await seed(folder, url), folder, url, **given)
    if "small_disk" in request.fixturenames:
        request.getfixturevalue("small_disk")(server.spool)
    try:
        await server.start()
        key = await server.record_to(fragile_s3, own="WAV", sibling="WAV")
        yield Ground(server, postgres_of_its_own, fragile_s3, key)
    finally:
        await server.close()
