"""A worker's CPU for one byte of a recording: to store the shortest recording, and to play a byte of it."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from app.calls import recording_locations
from app.demo.local_s3 import Identity, LocalS3
from app.foundation.outbound.guard import OutboundGate
from app.storage import uploads
from app.storage.model import BucketVendor
from app.storage.s3 import ObjectStorage, StorageTarget
from app.storage.uploads import NewObject
from tests.bench import recording
from tests.bench.finding import Finding
from tests.bench.streaming import FRAME_SECONDS
from tests.support.installation import Person

AT_MOST_MS = 8.0
# The cheapest round counts: other work on the machine makes the same instructions take longer.
_ROUNDS, _TIMES = 8, 30
_BUCKET = "calls"
_ADMIN = Identity("admin", "benchadminkey", "benchadminsecret", ("Admin",))
_CALLS = "{ recentCalls { nodes { id recording { state } } } }"


async def measure() -> Finding:
    """The part `one-byte`: milliseconds of CPU of the storage client alone, and of a whole server."""
    found = {**await _of_the_client(), "played by a server": await _of_a_server()}
    lines = [f"one byte, {name}: {ms:.1f} ms of CPU, target at most {AT_MOST_MS:g} ms" for name, ms in found.items()]
    over = [line for line, ms in zip(lines, found.values(), strict=True) if ms > AT_MOST_MS]
    return Finding({"oneByte": found}, lines, over)


async def _of_the_client() -> dict[str, float]:
    """Uses an S3 server in another process, so that this process spends what a worker would."""
    with tempfile.TemporaryDirectory(prefix="accounts-bench-s3-") as folder:
        server = LocalS3(Path(folder), identities=(_ADMIN,)).start()
        try:
            server.create_bucket(_BUCKET)
            return await _measured(server)
        finally:
            server.stop()


async def _measured(server: LocalS3) -> dict[str, float]:
    storage = ObjectStorage(OutboundGate(["127.0.0.1"]))
    await storage.open()
    keys = (_ADMIN.access_key_id, _ADMIN.secret_access_key)
    target = StorageTarget(BucketVendor.S3_COMPATIBLE, server.endpoint, _BUCKET, server.region, *keys)

    async def store() -> None:
        what = NewObject(b"a", "one-byte", "audio/mpeg")
        async with storage.client(target, uploads.READ_SECONDS) as bucket:
            await uploads.put(bucket, what, 1)
            assert await uploads.object_size(bucket, what.key) == 1

    async def play() -> None:
        asked = recording_locations.request(storage, [target], "get_object", Key="one-byte", Range="bytes=0-0")
        async with asked as (bucket, answer):
            assert [chunk async for chunk in bucket.chunks(answer)] == [b"a"]

    try:
        return {"stored": await _cpu_ms(store), "played": await _cpu_ms(play)}
    finally:
        await storage.close()


async def _cpu_ms(work: Callable[[], Awaitable[None]]) -> float:
    """CPU of one run, after the client is ready."""
    await work()
    return await _cheapest(work, time.process_time)


async def _cheapest(work: Callable[[], Awaitable[None]], cpu_seconds: Callable[[], float]) -> float:
    rounds = []
    for _ in range(_ROUNDS):
        begun = cpu_seconds()
        for _ in range(_TIMES):
            await work()
        rounds.append((cpu_seconds() - begun) / _TIMES * 1000)
    return min(rounds)


async def _of_a_server() -> float:
    """CPU of an HTTP request for a byte of a stored recording, with authentication and the call's row."""
    async with recording.configured("WAV") as place:
        place.s3.answers.clear()
        gateways = place.streams("short")
        await gateways.open(1)
        await gateways.send(bytes(640), FRAME_SECONDS)
        await gateways.close()
        base, headers = f"http://127.0.0.1:{place.server.port}", {"Range": "bytes=0-0"}
        async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
            provider = Person(client, place.world.tokens["provider"])
            path = f"/recordings/{await _stored(provider)}"

            async def play() -> None:
                answer = await client.get(path, headers={**provider.headers, **headers})
                assert answer.status_code in {200, 206}, answer.text

            await play()
            return await _cheapest(play, place.server.cpu_seconds)


async def _stored(person: Person) -> str:
    async with asyncio.timeout(30):
        while True:
            nodes = (await person.ask(_CALLS)).data["recentCalls"]["nodes"]
            for call in nodes:
                if call["recording"]["state"] == "STORED":
                    return str(call["id"])
            await asyncio.sleep(0.1)
