"""Recording calls: streams per core in real time, and memory per stream."""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.recording.audio import Mp3
from tests.bench import calls
from tests.bench.client import Bystander, request
from tests.bench.finding import Finding
from tests.bench.serving import OURS, ServerProcess
from tests.bench.streaming import FRAME_SECONDS, Streams
from tests.recording.sounds import speech
from tests.support.installation import Person, World, seed
from tests.support.servers.postgres import Postgres
from tests.support.servers.scripted_s3 import Request, ScriptedS3

SAMPLE_RATE = 8_000
MP3_AT_LEAST, LESS_THAN_MB_EACH, IDLE_AT_MOST = 0.7, 8.0, 2.0
_STREAMS = {"WAV": 200, "MP3": 60}
_SECONDS, _ROUNDS = 6.0, 5
# Each stream is long enough for multipart uploads, to an S3 that takes this long for each part.
_LARGE, _LARGE_SECONDS, _LARGE_RATE, _TIMES_REAL_TIME, _PART_SECONDS = 16, 10.0, 48_000, 10, 0.1
_IDLE = 1_000
_ASKED = b'{"query":"{ viewer { scope } }"}'


async def measure() -> Finding:
    """The part `recording`."""
    found = await streams()
    lines = [
        f"WAV: {found['wav']['streamsPerCore']:.0f} streams in real time per core, "
        f"{found['wav']['cpuMsPerSecond']:.2f} ms of CPU per second of audio",
        f"MP3: {found['mp3']['streamsPerCore']:.0f} streams in real time per core, "
        f"{found['mp3']['cpuMsPerSecond']:.2f} ms of CPU per second; lameenc alone {found['lameenc']['streamsPerCore']:.0f}: "
        f"{found['mp3OfLameenc']:.0%}, target at least {MP3_AT_LEAST:.0%}",
        f"memory of a stream at 8 kHz: WAV {found['wav']['mbEach']:.2f} MB, MP3 {found['mp3']['mbEach']:.2f} MB",
        f"memory of a stream during part uploads, {_PART_SECONDS * 1000:.0f} ms each: "
        f"{found['large']['mbEach']:.2f} MB, target under {LESS_THAN_MB_EACH:g} MB",
        f"{_IDLE} idle streams: {found['idle']['mbEach'] * 1000:.0f} kB each; the API's response time is "
        f"{found['idle']['ratio']:.2f} times that without them, target at most {IDLE_AT_MOST:g}",
    ]
    over = {
        1: found["mp3OfLameenc"] < MP3_AT_LEAST,
        3: found["large"]["mbEach"] >= LESS_THAN_MB_EACH,
        4: found["idle"]["ratio"] > IDLE_AT_MOST,
    }
    listed = await calls.measure()
    return Finding(
        {"recording": {**found, **listed.numbers["recording"]}},
        [*lines, *listed.lines],
        [*(lines[number] for number, is_over in over.items() if is_over), *listed.missed],
    )


async def streams() -> dict[str, Any]:
    """The costs of streams by measurement; memory in MB of 10^6 bytes."""
    found: dict[str, Any] = {}
    for form in _STREAMS:
        async with configured(form) as place:
            found[form.lower()] = await _in_real_time(place, form)
    alone = [each["lameencMsPerSecond"] for each in found["mp3"]["rounds"]]
    found["lameenc"] = {"cpuMsPerSecond": statistics.median(alone), "streamsPerCore": 1000 / statistics.median(alone)}
    found["mp3OfLameenc"] = statistics.median(
        each["lameencMsPerSecond"] / each["cpuMsPerSecond"] for each in found["mp3"]["rounds"]
    )
    async with configured("WAV") as place:
        found["large"] = await _with_parts(place)
    async with configured("WAV") as place:
        found["idle"] = await _idle(place)
    return found


@dataclass
class _Recorder:
    """A server whose account `own` records all calls, and a gateway's key."""

    server: ServerProcess
    s3: ScriptedS3
    key: str
    world: World

    def streams(self, name: str, sample_rate: int = SAMPLE_RATE) -> Streams:
        return Streams(self.server.port, self.key, self.world["own"], sample_rate, name)


@asynccontextmanager
async def configured(form: str) -> AsyncIterator[_Recorder]:
    async with ScriptedS3() as s3:
        s3.answers["put"] = _slow
        with Postgres() as postgres, tempfile.TemporaryDirectory(prefix="accounts-bench-") as name:
            url = postgres.create("recording")
            world = await seed(Path(name), url)
            environment = {
                "DATABASE_URL": url,
                "DATA_DIR": name,
                "ENCRYPTION_KEYS": world.encryption_keys,
                "HASH_KEY": world.hash_key,
                "OUTBOUND_ALLOWED_HOSTS": "127.0.0.1",
                # All streams are of one account, which may have half of the limit.
                "RECORDING_STREAMS": str(2 * _IDLE),
            }
            with ServerProcess("recording", OURS, environment, Path(name) / "server.log") as server:
                yield _Recorder(server, s3, await _configured(server, world, s3, form), world)


async def _configured(server: ServerProcess, world: World, s3: ScriptedS3, form: str) -> str:
    """A gateway's key."""
    given = {"bucketVendor": "S3_COMPATIBLE", "endpointUrl": s3.endpoint, "bucketName": "calls", "region": "us-east-1"}
    keys = {"accessKeyId": "benchkey", "secretAccessKey": "benchsecret"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        provider = Person(client, world.tokens["provider"])
        switches = {"enabled": True, "recordAllCalls": True, "audioFormat": form}
        saved = await provider.change(
            "updateRecordingConfig", "recordingConfig { id }", accountId=world["own"], **given, **keys, **switches
        )
        assert saved["userErrors"] == []
        made = await provider.change("createApiKey", "token", name="gateway", accessLevel="GATEWAY")
        return str(made["token"])


async def _in_real_time(place: _Recorder, form: str) -> dict[str, Any]:
    """The server's CPU time for a second of one call's audio, without its idle CPU."""
    audio, count, server = speech(SAMPLE_RATE, 2, 4).tobytes(), _STREAMS[form], place.server
    gateways = place.streams(form)
    await warmed_up(place)
    before_mb = server.resident_mb()
    await gateways.open(count)
    await gateways.send(audio, 2)
    rounds = []
    for _ in range(_ROUNDS):
        alone = _lameenc_ms_per_second(audio) if form == "MP3" else 0.0
        idle = await _cpu_of(server, asyncio.sleep(_SECONDS / 2)) * 2
        used = await _cpu_of(server, gateways.send(audio, _SECONDS))
        rounds.append({"cpuMsPerSecond": (used - idle) / count / _SECONDS * 1000, "lameencMsPerSecond": alone})
    each_mb = (server.resident_mb() - before_mb) / count
    await gateways.close()
    milliseconds = statistics.median(each["cpuMsPerSecond"] for each in rounds)
    return {
        "streams": count,
        "cpuMsPerSecond": milliseconds,
        "streamsPerCore": 1000 / milliseconds,
        "mbEach": each_mb,
        "rounds": rounds,
    }


def _lameenc_ms_per_second(audio: bytes) -> float:
    """The CPU time of the encoder alone, in one thread, for all audio at once."""
    lame, begun = Mp3(SAMPLE_RATE, 2), time.process_time()
    lame.encode(audio)
    lame.end()
    return (time.process_time() - begun) * 1000 / (len(audio) / SAMPLE_RATE / 4)


async def _with_parts(place: _Recorder) -> dict[str, Any]:
    """The largest memory per stream during part uploads, above the server's memory before."""
    await warmed_up(place)
    audio, server = speech(_LARGE_RATE, 2, 2).tobytes(), place.server
    before_mb, gateways = server.resident_mb(), place.streams("large", _LARGE_RATE)
    parts_before = place.s3.calls.count("put")
    await gateways.open(_LARGE)
    watched: list[float] = []
    watching = asyncio.create_task(_watch(server, watched))
    await gateways.send(audio, _LARGE_SECONDS, _TIMES_REAL_TIME)
    parts = place.s3.calls.count("put") - parts_before
    await gateways.close()
    await asyncio.sleep(2)
    watching.cancel()
    assert parts >= _LARGE, "no part went ahead: nothing was measured"
    return {"streams": _LARGE, "partsWhileStreaming": parts, "mbEach": (max(watched) - before_mb) / _LARGE}


async def _idle(place: _Recorder) -> dict[str, Any]:
    """The memory of idle streams, and the API's response time with them."""
    await warmed_up(place)
    server = place.server
    asking = Bystander(server.port, request(server.port, place.world.tokens["provider"], _ASKED))
    task = asyncio.create_task(asking.run())
    try:
        await asyncio.sleep(1)
        asking.take()
        await asyncio.sleep(3)
        without, before_mb = statistics.median(asking.take()), server.resident_mb()
        gateways = place.streams("idle")
        for _ in range(10):
            await gateways.open(_IDLE // 10)
            await gateways.send(bytes(640), FRAME_SECONDS)  # a stream that never sends audio is ended
        await asyncio.sleep(1)
        asking.take()
        await asyncio.sleep(3)
        with_idle, after_mb = statistics.median(asking.take()), server.resident_mb()
    finally:
        task.cancel()
    await gateways.close()
    return {
        "streams": _IDLE,
        "mbEach": (after_mb - before_mb) / _IDLE,
        "msWithout": without * 1000,
        "msWithIdle": with_idle * 1000,
        "ratio": with_idle / without,
    }


async def warmed_up(place: _Recorder) -> None:
    """Stores a recording, so that the server has loaded the SDK."""
    gateways = place.streams(f"warm-{os.urandom(2).hex()}")
    await gateways.open(2)
    await gateways.send(speech(SAMPLE_RATE, 2, 1).tobytes(), 1)
    await gateways.close()
    async with asyncio.timeout(20):
        while place.s3.calls.count("put") < 2:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)


async def _cpu_of(server: ServerProcess, work: Any) -> float:
    before = server.cpu_seconds()
    await work
    return server.cpu_seconds() - before


async def _watch(server: ServerProcess, found: list[float]) -> None:
    while True:
        found.append(server.resident_mb())
        await asyncio.sleep(0.05)


async def _slow(request: Request, writer: asyncio.StreamWriter) -> None:
    """Answers after a while, and stores nothing."""
    request.body = b""
    await asyncio.sleep(_PART_SECONDS)
    writer.write(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 0\r\n\r\n')
    await writer.drain()
