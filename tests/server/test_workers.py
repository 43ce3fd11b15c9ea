"""`python -m app serve` as operators run it: its metrics, its workers when one is killed, and its end."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.calls.model import Call, RecordingState
from app.demo.local_s3 import LocalS3
from app.foundation.metrics import shared_by_workers
from app.recording.audio import WAV_HEADER_BYTES
from tests.recording.real_server import RealServer, StreamedCall
from tests.server.test_metrics import METRICS_TOKEN, metrics
from tests.support import waiting
from tests.support.installation import Person, seed
from tests.support.servers.postgres import Postgres

pytestmark = pytest.mark.long

Samples = dict[tuple[str, tuple[str, ...]], float]
"""Values by sample name and label values."""


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    url = postgres.create("workers")
    yield url
    postgres.drop(url)


@asynccontextmanager
async def serving(folder: Path, url: str, **environment: str) -> AsyncIterator[RealServer]:
    world = await seed(folder, url)
    server = RealServer(world, folder, url, METRICS_TOKEN=METRICS_TOKEN, **environment)
    try:
        await server.start()
        yield server
    finally:
        await server.close()


async def samples(server: RealServer) -> Samples:
    text = (await metrics(Person(server.client, METRICS_TOKEN))).text
    families = text_string_to_metric_families(text)
    return {(one.name, tuple(one.labels.values())): one.value for family in families for one in family.samples}


async def until(server: RealServer, holds: Callable[[Samples], bool]) -> None:
    """Ignores lost connections: workers start and end."""
    seen: Any = None

    async def held() -> bool:
        nonlocal seen
        with contextlib.suppress(Exception):
            seen = await samples(server)
            return holds(seen)
        return False

    try:
        await waiting.until(held, seconds=120)
    except AssertionError:
        raise AssertionError(f"the condition was not met in time: {seen}") from None


async def streams(server: RealServer, count: int, stack: AsyncExitStack) -> list[ClientConnection]:
    """Gateways that have connected but not described their calls."""
    made = await server.person("provider").change("createApiKey", "token", name="gateway", accessLevel="GATEWAY")
    options: Any = {"additional_headers": {"Authorization": f"Bearer {made['token']}"}, "proxy": None}
    address, protocols = f"ws://127.0.0.1:{server.port}/record", [Subprotocol("audio.jambonz.org")]
    return [await stack.enter_async_context(connect(address, subprotocols=protocols, **options)) for _ in range(count)]


def events(server: RealServer, name: str) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return [entry for entry in entries if entry["event"] == name]


EVERY_COUNTER = [
    *product(
        ["vga_recording_rejections_total"],
        ["unauthenticated", "forbidden", "protocol", "database", "streams", "spool", "disk", "keys", "error"],
    ),
    *product(["vga_recordings_total"], ["stored", "failed"]),
    *product(["vga_recording_upload_failures_total"], ["AccessDenied", "NoSuchBucket", "SlowDown", "none", "other"]),
    *product(["vga_http_requests_total"], ["500", "502", "503"]),
    *product(["vga_graphql_operations_total"], ["compiled", "reference"], ["query", "mutation", "subscription"]),
]


@pytest.mark.timeout(600)
async def test_metrics_begin_at_0_count_all_workers_and_omit_dead_ones(tmp_path: Path, database_url: str) -> None:
    """One server for all tests: a worker takes seconds to start."""
    workers = 2 if database_url else 1
    folder = tmp_path / "metrics"
    folder.mkdir()
    old = folder / "gauge_livesum_1.db"
    old.write_bytes(b"left by a server that was killed")
    async with (
        serving(tmp_path, database_url, WORKERS=str(workers), PROMETHEUS_MULTIPROC_DIR=str(folder)) as server,
        AsyncExitStack() as stack,
    ):
        first = await samples(server)
        assert not old.exists()
        assert list(folder.glob("*.db"))
        assert {first[name, tuple(labels)] for name, *labels in EVERY_COUNTER} == {0}
        assert first["vga_graphql_operations_rejected_total", ()] == first["vga_recording_streams", ()] == 0
        server.client.headers["Connection"] = "close"  # each request may go to another worker
        for number in range(1, 11):
            await server.client.get("/nowhere")
            assert (await samples(server))["vga_http_requests_total", ("404",)] == number
        if workers > 1:
            await kill_workers(server, stack)


async def kill_workers(server: RealServer, stack: AsyncExitStack) -> None:
    await streams(server, 4, stack)
    await until(server, lambda seen: seen["vga_recording_streams", ()] == 4)
    killed = server.workers
    assert len(killed) == 2
    for process_id in killed:
        os.kill(process_id, signal.SIGKILL)
    await until(server, lambda seen: seen["vga_recording_streams", ()] == 0)
    assert {
        (entry["process"], entry["exit_code"], entry["level"]) for entry in events(server, "a worker has died")
    } == {(process_id, -signal.SIGKILL, "error") for process_id in killed}


@pytest.mark.parametrize("name", ["accounts.db", "gauges.db", "notes.txt"])
def test_only_metrics_files_are_removed_from_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    ours = [tmp_path / f"{kind}_7.db" for kind in ("counter", "histogram", "gauge_livesum", "gauge_livemax")]
    for file in (*ours, tmp_path / name):
        file.touch()
    with shared_by_workers(2):
        assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.timeout(600)
async def test_a_stopped_server_ends_its_streams_and_stores_their_audio(
    tmp_path: Path, database_url: str, local_s3: LocalS3
) -> None:
    workers = "2" if database_url else "1"
    async with serving(tmp_path, database_url, WORKERS=workers) as server:
        key = await server.record_to(local_s3, own="WAV", sibling="WAV")
        calls = [
            StreamedCall(f"{place}-{number}", server.world[place])
            for place in ("own", "sibling")
            for number in range(3)
        ]
        streaming = [asyncio.create_task(call.run(server, key)) for call in calls]
        await until(server, lambda seen: seen["vga_recording_streams", ()] == len(calls))
        rows = await server.until("RECORDING", 120, len(calls))
        heard = await heard_of(server, rows)
        assert server.stop() == (0 if workers == "2" else -signal.SIGTERM)
        await asyncio.gather(*streaming)  # each was closed by the server
        rows = await server.rows()
        assert {row.recording_state for row in rows.values()} <= {RecordingState.STORING, RecordingState.STORED}
        await server.start(WORKERS="1")
        rows = await server.until("STORED", 120, len(calls))
        assert {name for name, row in rows.items() if (row.recording_size_bytes or 0) < heard[name]} == set()
        await until(server, lambda seen: seen["vga_recording_spool_recordings", ()] == 0)


async def heard_of(server: RealServer, rows: dict[str, Call]) -> dict[str, int]:
    """The bytes of each call in the spool, once all calls have audio."""
    files = {name: server.spool / row.id.hex / "audio" for name, row in rows.items()}

    def sizes() -> dict[str, int]:
        found = {name: file.stat().st_size for name, file in files.items()}
        return found if min(found.values()) > WAV_HEADER_BYTES else {}

    return await waiting.until(sizes, seconds=120)
