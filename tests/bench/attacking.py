"""How long attacks take, and how long another client waits during them."""

import asyncio
import contextlib
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tests.bench.client import Bystander, Connection, request
from tests.bench.finding import Finding
from tests.bench.installation import SHIPPED, Installation
from tests.execution import attacks

TIMES = 5
ANSWER_MS, WAIT_MS = 100, 150

_ROWS = {
    "as many rows as are allowed": "{accounts(first:100){nodes{apiKeys(first:100){nodes{account{id}}}}}}",
    "an error for each of 9,500 rows": "{accounts(first:100){nodes{"
    + " ".join(f"a{i}:apiKeys(first:0){{nodes{{id}}}}" for i in range(95))
    + "}}}",
}


async def measure(installation: Installation) -> Finding:
    """The attacks on a shipped server, with an admin's key."""
    server = installation.server(SHIPPED)
    results = await _attack(server.port, installation.seeded.admin_key)
    resident = server.resident_mb()
    lines = [f"{'attack':62} {'answered in ms':>15} {'another waits ms':>17}"]
    missed = []
    for each in results:
        answered = "-" if each["answer_ms"] is None else f"{each['answer_ms']:.1f}"
        lines.append(f"{each['attack']:62} {answered:>15} {each['longest_wait_ms']:17.1f}")
        if (each["answer_ms"] or 0) >= ANSWER_MS or each["longest_wait_ms"] >= WAIT_MS:
            missed.append(f"attack: {each['attack']}: {answered} ms, another waits {each['longest_wait_ms']:.1f} ms")
    lines.append(f"{'targets':62} {'<' + str(ANSWER_MS):>15} {'<' + str(WAIT_MS):>17}")
    lines.append(f"resident memory of a worker after all of them: {resident:.0f} MB")
    return Finding({"attacks": results, "rssAfterAttacksMb": resident}, lines, missed)


async def _attack(port: int, key: str) -> list[Any]:
    """Each attack's median time and the longest wait of a second client, in milliseconds."""
    bystander = Bystander(port, request(port, key, b'{"query":"{viewer{scope}}"}'))
    asking = asyncio.create_task(bystander.run())
    results = []
    try:
        for name, do in _all(port, key).items():
            await asyncio.sleep(0.05)
            bystander.take()
            taken = [await do(number) for number in range(TIMES)]
            await asyncio.sleep(0.02)
            timed = [seconds for seconds in taken if seconds is not None]
            results.append(
                {
                    "attack": name,
                    "answer_ms": statistics.median(timed) * 1000 if timed else None,
                    "longest_wait_ms": max(bystander.take()) * 1000,
                }
            )
            if asking.done():
                asking.result()
    finally:
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
    return results


def _all(port: int, key: str) -> dict[str, Callable[[int], Awaitable[float | None]]]:
    documents = {**attacks.REFUSED, **attacks.ALLOWED, **attacks.ENDED, **_ROWS}

    def ask(text: str) -> Callable[[int], Awaitable[float]]:
        async def once(number: int) -> float:
            # A different text each time, so that no response comes from a cache.
            operation = {"operationName": "wanted"} if text.startswith("query wanted") else {}
            body = json.dumps({"query": f"{text}#{number}", **operation}).encode()
            return await _timed(port, request(port, key, body))

        return once

    ids = "".join(f"$v{i}:ID " for i in range(300))
    variables = {f"v{i}": "x" * 700 for i in range(300)}
    used = " ".join(f"f{i}:account(id:$v{i}){{id}}" for i in range(90))
    bodies = {
        "a body of 10 MB": b" " * 10_000_000,
        "JSON nested 100,000 levels": b"[" * 100_000 + b"]" * 100_000,
        "variables nested 1,000 levels": b'{"query":"query($a:ID!){account(id:$a){id}}","variables":{"a":%s}}'
        % (b"[" * 900 + b"]" * 900),
        "200 kB of undeclared variables": json.dumps(
            {"query": "{__typename}", "variables": {f"v{i}": i for i in range(14_000)}}
        ).encode(),
        "300 variables of 700 letters": json.dumps(
            {"query": f"query({ids}){{{used}}}", "variables": variables}
        ).encode(),
        "a list of 60,000 ids": json.dumps(
            {"query": "query($a:[ID!]){account(id:$a){id}}", "variables": {"a": [1] * 60_000}}
        ).encode(),
        "a list of 60,000 wrong values": json.dumps(
            {
                "query": "mutation($i:VerifyRecordingStorageInput!){verifyRecordingStorage(input:$i){__typename}}",
                "variables": {"i": {"s3Tags": [1] * 60_000}},
            }
        ).encode(),
    }
    found: dict[str, Callable[[int], Awaitable[float | None]]] = {name: ask(text) for name, text in documents.items()}
    for name, body in bodies.items():
        found[name] = lambda _number, body=body: _timed(port, request(port, key, body))  # type: ignore[misc]
    found["a body of 10 MB without a length"] = lambda _number: _chunked(port, key)
    found["20 bodies that trickle in"] = lambda _number: _trickled(port, key)
    return found


async def _timed(port: int, raw: bytes) -> float:
    async with Connection(port) as connection:
        begun = time.perf_counter()
        status, _ = await connection.ask(raw)
        assert status < 500, status
        return time.perf_counter() - begun


async def _chunked(port: int, key: str) -> float:
    head = request(port, key, b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    async with Connection(port) as connection:
        begun = time.perf_counter()
        connection.writer.write(head)
        for _ in range(160):
            connection.writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        status, _ = await connection.answer()
        assert status == 413, status
        return time.perf_counter() - begun


async def _trickled(port: int, key: str) -> None:
    """Sends bodies byte by byte: their responses are not awaited, but other clients must not wait."""
    head = request(port, key, b" " * 1_000)[:-1_000]
    connections = [await Connection(port).__aenter__() for _ in range(20)]
    for connection in connections:
        connection.writer.write(head)
    for _ in range(10):
        for connection in connections:
            connection.writer.write(b" ")
        await asyncio.sleep(0.01)
    for connection in connections:
        connection.writer.close()
