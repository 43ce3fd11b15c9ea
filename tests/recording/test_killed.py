"""Kills the server, the storage or the database (kill -9) during ten recordings: saved audio and rows survive."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import soundfile

from app.calls.model import Call, RecordingState
from app.demo.local_s3 import LocalS3
from tests.recording.real_server import RealServer, StreamedCall
from tests.recording.upload_setup import s3_client
from tests.support.installation import World, seed
from tests.support.servers.fixtures import ADMIN, RECORDER
from tests.support.servers.postgres import Postgres
from tests.support.waiting import until

pytestmark = pytest.mark.long

SECONDS_MAY_BE_LOST = 1.0
# LAME holds back about two frames of 576 samples.
ENCODER_SECONDS = 0.15


@pytest.fixture
def fragile_s3(tmp_path: Path) -> Iterator[LocalS3]:
    """A real S3 of this test that can be killed and restarted."""
    server = LocalS3(tmp_path / "s3", identities=(ADMIN, RECORDER)).start()
    try:
        server.create_bucket("calls")
        yield server
    finally:
        server.stop()


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    url = postgres.create("killed")
    yield url
    postgres.drop(url)


@asynccontextmanager
async def served(folder: Path, url: str) -> AsyncIterator[RealServer]:
    folder.mkdir()
    server = RealServer(await seed(folder, url), folder, url)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


def ten_calls(world: World) -> list[StreamedCall]:
    """Six WAV and four MP3; two are large enough for early uploads."""
    own, sibling = world["own"], world["sibling"]
    calls = [StreamedCall(f"wav-{number}", own) for number in range(4)]
    calls += [StreamedCall(f"large-{number}", own, 48_000, times_real_time=20) for number in range(2)]
    return calls + [StreamedCall(f"mp3-{number}", sibling, 16_000) for number in range(4)]


@asynccontextmanager
async def streamed(server: RealServer, key: str, calls: list[StreamedCall]) -> AsyncIterator[None]:
    """Streams all calls at once; ends those that are still open at the end."""
    tasks = [asyncio.create_task(call.run(server, key)) for call in calls]
    try:
        async with asyncio.timeout(20):
            await asyncio.gather(*(call.has_begun.wait() for call in calls))
        yield
    finally:
        for call in calls:
            call.ending.set()
        await asyncio.gather(*tasks)


async def all_send(calls: list[StreamedCall], seconds: float) -> None:
    """Waits until each call that is not on hold has sent this much more audio."""
    await asyncio.gather(*(call.sends(seconds) for call in calls if not call.is_on_hold))


async def until_parts_go_ahead(client: Any) -> None:
    await until(lambda: client.list_multipart_uploads(Bucket="calls").get("Uploads"))


def check(calls: list[StreamedCall], rows: dict[str, Call], client: Any, until: float) -> None:
    """The bucket has all audio sent before that moment, the rows are right, and nothing else remains."""
    for call in calls:
        row = rows[call.name]
        assert row.recording_state is RecordingState.STORED
        stored = client.get_object(Bucket="calls", Key=row.recording_key)["Body"].read()
        assert len(stored) == row.recording_size_bytes
        heard, rate = soundfile.read(io.BytesIO(stored), dtype="int16", always_2d=True)
        assert row.recording_duration_ms is not None
        assert abs(len(heard) / rate - row.recording_duration_ms / 1000) < ENCODER_SECONDS
        if call.name.startswith("mp3"):
            wanted = call.sent_before(until) / 4 / call.sample_rate
            assert row.recording_duration_ms / 1000 > wanted - ENCODER_SECONDS, call.name
            continue
        assert bytes(call.sent).startswith(heard.tobytes()), call.name
        if call.times_real_time == 1:  # audio sent faster may still be in a socket
            assert heard.nbytes >= call.sent_before(until), call.name
        else:
            assert heard.nbytes >= 10 * 1024 * 1024, call.name
    assert client.list_multipart_uploads(Bucket="calls").get("Uploads", []) == []


async def test_a_killed_server_loses_at_most_the_last_second(
    tmp_path: Path, database_url: str, fragile_s3: LocalS3
) -> None:
    client = s3_client(fragile_s3)
    async with served(tmp_path / "server", database_url) as server:
        key = await server.record_to(fragile_s3, own="WAV", sibling="MP3")
        calls = ten_calls(server.world)
        async with streamed(server, key, calls):
            await until_parts_go_ahead(client)
            for call in calls:  # streams faster than real time make the server write more often
                call.is_on_hold = call.times_real_time > 1
            await all_send(calls, 2)
            server.kill()
            killed_at = time.monotonic()
        rows = await server.rows()
        assert {call.recording_state for call in rows.values()} == {RecordingState.RECORDING}
        assert client.list_multipart_uploads(Bucket="calls")["Uploads"], (
            "no early upload was in progress: the test proves nothing"
        )
        await server.start()
        rows = await server.until("STORED", 25, len(calls))
        check(calls, rows, client, killed_at - SECONDS_MAY_BE_LOST)
        assert [path.name for path in server.spool.iterdir() if not path.name.startswith(".")] == []


async def test_audio_waits_for_an_unreachable_storage_and_is_stored_later(
    tmp_path: Path, database_url: str, fragile_s3: LocalS3
) -> None:
    async with served(tmp_path / "server", database_url) as server:
        key = await server.record_to(fragile_s3, own="WAV", sibling="MP3")
        calls = ten_calls(server.world)
        async with streamed(server, key, calls):
            await until_parts_go_ahead(s3_client(fragile_s3))
            fragile_s3.stop()
            await all_send(calls, 1)
        ended_at = time.monotonic()
        await server.until("STORING", 60, len(calls))

        async def have_been_tried() -> bool:
            return all(call.recording_attempts > 0 for call in (await server.rows()).values())

        await until(have_been_tried)
        rows = await server.rows()
        assert {call.recording_state for call in rows.values()} == {RecordingState.STORING}
        fragile_s3._port = int(fragile_s3.endpoint.rpartition(":")[2])
        fragile_s3.start()
        rows = await server.until("STORED", 40, len(calls))
        check(calls, rows, s3_client(fragile_s3), ended_at)


async def test_recording_continues_without_the_database_and_rows_follow_later(
    tmp_path: Path, fragile_s3: LocalS3
) -> None:
    with Postgres() as postgres:
        async with served(tmp_path / "server", postgres.create("killed")) as server:
            key = await server.record_to(fragile_s3, own="WAV", sibling="MP3")
            calls = ten_calls(server.world)
            async with streamed(server, key, calls):
                await until_parts_go_ahead(s3_client(fragile_s3))
                postgres.kill()
                await all_send(calls, 1)
            ended_at = time.monotonic()
            await until(lambda: server.log.count("a call stays RECORDING for now") == len(calls))
            postgres.start()
            rows = await server.until("STORED", 40, len(calls))
            check(calls, rows, s3_client(fragile_s3), ended_at)
