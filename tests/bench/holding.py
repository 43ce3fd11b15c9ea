"""Clients that hold connections and send little: the effect on other clients, and a worker's memory during and after."""

import asyncio
import json
import resource
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from tests.bench.finding import Finding
from tests.bench.serving import OURS, ServerProcess
from tests.support.installation import World, seed
from tests.support.servers.postgres import Postgres

HALF_OPEN, BODIES, ADDRESSES, OTHERS = 3_050, 400, 7, 80
ANSWERED_MS, GROWN_MB, STAYS_MB = 500, 100, 60
_HALF = b"POST /graphql HTTP/1.1\r\nHost: a\r\nX-Slow:"
_BODY_BYTES = 1_048_576
_SOCKETS_OF_ADDRESS = 30


async def measure() -> Finding:
    """The part `holding`: each attack on a shipped worker of its own."""
    _allow_files()
    numbers: dict[str, Any] = {}
    lines, missed = [], []
    for name, attack in {
        f"{HALF_OPEN} half-open requests of one address": _half_open,
        f"{BODIES} incomplete bodies without a key": lambda *given: _bodies(*given, key=""),
        f"{BODIES} incomplete bodies with one key": lambda server, world: _bodies(
            server, world, key=world.tokens["account_user"]
        ),
        f"silent WebSockets of {ADDRESSES} addresses": _silent_sockets,
    }.items():
        async with _worker() as (server, world):
            numbers[name], wrong = await attack(server, world)
        lines.append(f"{name}: " + ", ".join(f"{key} {value}" for key, value in numbers[name].items()))
        missed += [f"{name}: {each}" for each in wrong]
    return Finding({"holding": numbers}, lines, missed)


Result = tuple[dict[str, Any], list[str]]


async def _half_open(server: ServerProcess, _: World) -> Result:
    async with _held(server.port, HALF_OPEN, _HALF):
        await asyncio.sleep(1)
        answered = {}
        for address in ("127.0.0.1", "127.0.0.2"):
            for path in ("/healthz", "/readyz", "/graphql?query=%7B__typename%7D"):
                answered[f"{path[:8]} from {address}"] = await _asked(server.port, path, address)
    wrong = [f"{what}: {said}" for what, said in answered.items() if not _is_good(said)]
    return {what: f"{status} in {ms:.0f} ms" for what, (status, ms) in answered.items()}, wrong


async def _bodies(server: ServerProcess, _: World, *, key: str) -> Result:
    before = server.resident_mb()
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{authorization}"
        f"Content-Length: {_BODY_BYTES}\r\n\r\n"
    )
    begun = head.encode() + b" " * (_BODY_BYTES - 100)
    peak = 0.0
    async with _held(server.port, BODIES, begun):
        for _number in range(20):
            peak = max(peak, server.resident_mb())
            await asyncio.sleep(0.1)
        status, ms = await _asked(server.port, "/healthz", "127.0.0.2")
    await asyncio.sleep(1)
    grown, stays = peak - before, server.resident_mb() - before
    wrong = [f"{grown:.0f} MB more"] if grown > GROWN_MB else []
    wrong += [f"{stays:.0f} MB stay"] if stays > STAYS_MB else []
    return {"grown MB": round(grown), "stay MB": round(stays), "healthz": f"{status} in {ms:.0f} ms"}, wrong


async def _silent_sockets(server: ServerProcess, world: World) -> Result:
    url = f"ws://127.0.0.1:{server.port}/graphql"

    async def silent(address: str) -> None:
        while True:
            with suppress(WebSocketException, OSError):
                async with connect(url, subprotocols=[_SUBPROTOCOL], local_addr=(address, 0)) as held:
                    await held.wait_closed()
            await asyncio.sleep(0.05)

    attackers = [
        asyncio.create_task(silent(f"127.0.1.{number}"))
        for number in range(1, ADDRESSES + 1)
        for _ in range(_SOCKETS_OF_ADDRESS)
    ]
    await asyncio.sleep(2)
    served = sum([await _acknowledged(url, world.tokens["admin"], number) for number in range(OTHERS)])
    for attacker in attackers:
        attacker.cancel()
    await asyncio.gather(*attackers, return_exceptions=True)
    return {"of 80 others acknowledged": served}, [f"{served} served"] if served < OTHERS else []


async def _acknowledged(url: str, key: str, number: int) -> bool:
    init = {"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}}
    with suppress(WebSocketException, OSError):
        async with connect(url, subprotocols=[_SUBPROTOCOL], local_addr=(f"127.0.2.{number + 1}", 0)) as client:
            await client.send(json.dumps(init))
            return "connection_ack" in str(await client.recv())
    return False


_SUBPROTOCOL = Subprotocol("graphql-transport-ws")


@asynccontextmanager
async def _worker() -> AsyncIterator[tuple[ServerProcess, World]]:
    with Postgres() as postgres, tempfile.TemporaryDirectory(prefix="accounts-bench-") as name:
        url, folder = postgres.create("holding"), Path(name)
        world = await seed(folder, url)
        environment = {
            "DATABASE_URL": url,
            "DATA_DIR": name,
            "ENCRYPTION_KEYS": world.encryption_keys,
            "HASH_KEY": world.hash_key,
            "ANONYMOUS_INTROSPECTION": "1",
        }
        with ServerProcess("holding", OURS, environment, folder / "log") as server:
            await _asked(server.port, "/readyz", "127.0.0.1")
            yield server, world


@asynccontextmanager
async def _held(port: int, count: int, begun: bytes) -> AsyncIterator[None]:
    """Opens `count` connections with an unfinished request."""
    writers = []
    try:
        for _ in range(count):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begun)
            writers.append(writer)
        yield
    finally:
        for writer in writers:
            writer.transport.abort()


async def _asked(port: int, path: str, address: str) -> tuple[int, float]:
    """The status of a response (0: none within 10 s), and its time in milliseconds."""
    began = time.perf_counter()
    status = 0
    with suppress(OSError, TimeoutError, IndexError):
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
            writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            status = int((await reader.read()).split(b" ", 2)[1])
            writer.close()
    return status, (time.perf_counter() - began) * 1_000


def _is_good(said: tuple[int, float]) -> bool:
    status, ms = said
    return status == 200 and ms < ANSWERED_MS


def _allow_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
