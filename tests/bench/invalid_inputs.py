"""What requests with invalid input cost, by kind: CPU for each kB, CPU in all, and how long another client waits.

`make test` counts the work that the same requests make.
"""

import asyncio
import contextlib
import json
from typing import Any

from tests.bench.client import Bystander, Connection, request
from tests.bench.finding import Finding
from tests.bench.installation import SHIPPED, Installation
from tests.bench.serving import ServerProcess
from tests.execution.invalid_inputs import ANONYMOUS, CALLER, Body, invalid

MS_PER_KB, ANONYMOUS_MS, WAIT_MS = 2, 60, 150
# The system counts CPU in steps of 10 ms.
TIMES_FOR_CPU, TIMES_FOR_WAITS = 10, 2
_SHOWN = 15


async def measure(installation: Installation) -> Finding:
    """The requests on a server as it ships, without a key and as an admin."""
    server, key = installation.server(SHIPPED), installation.seeded.admin_key
    kinds = {f"{name}, no key": (None, body) for name, body in invalid(ANONYMOUS).items()}
    kinds |= {name: (key, body) for name, body in invalid(CALLER).items()}
    found = [await _cpu(server, name, *kind) for name, kind in kinds.items()]
    async with _bystander(server, key) as bystander:
        for each in found:
            await _ask(server, *kinds[each["input"]], TIMES_FOR_WAITS)
            each["waitMs"] = max(bystander.take(), default=0) * 1000
    found.sort(key=lambda each: each["msPerKb"], reverse=True)
    lines = [
        f"{f'invalid input, {len(found)} kinds':66} {'kB':>6} {'CPU ms':>7} {'per kB':>7} {'another waits ms':>17}"
    ]
    lines += [
        f"{each['input']:66} {each['kB']:6.1f} {each['ms']:7.1f} {each['msPerKb']:7.2f} {each['waitMs']:17.1f}"
        for each in found[:_SHOWN]
    ]
    most = [max(each[name] for each in found) for name in ("ms", "msPerKb", "waitMs")]
    lines.append(f"{'the most of all kinds':73} {most[0]:7.1f} {most[1]:7.2f} {most[2]:17.1f}")
    lines.append(f"{'targets (in all: without a key)':73} {ANONYMOUS_MS:>7} {MS_PER_KB:>7} {WAIT_MS:>17}")
    return Finding({"invalidInputs": found}, lines, [missed for each in found for missed in _missed(each)])


async def _cpu(server: ServerProcess, name: str, key: str | None, body: Body) -> dict[str, Any]:
    before = server.cpu_seconds()
    size = await _ask(server, key, body, TIMES_FOR_CPU)
    ms = (server.cpu_seconds() - before) * 1000 / TIMES_FOR_CPU
    return {"input": name, "hasKey": key is not None, "kB": size / 1024, "ms": ms, "msPerKb": ms / max(1, size / 1024)}


async def _ask(server: ServerProcess, key: str | None, body: Body, times: int) -> int:
    """Sends the body with another text each time, so that no answer comes from a cache. Returns its length."""
    async with Connection(server.port) as connection:
        for number in range(times):
            raw = json.dumps({**body, "query": f"{body['query']}#{times}.{number}"}).encode()
            sent = request(server.port, key or "", raw)
            if key is None:
                sent = sent.replace(b"Authorization: Bearer \r\n", b"", 1)
            status, _ = await connection.ask(sent)
            assert status < 500, status
    return len(raw)


@contextlib.asynccontextmanager
async def _bystander(server: ServerProcess, key: str) -> Any:
    bystander = Bystander(server.port, request(server.port, key, b'{"query":"{viewer{scope}}"}'))
    asking = asyncio.create_task(bystander.run())
    try:
        yield bystander
    finally:
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking


def _missed(each: dict[str, Any]) -> list[str]:
    over = {
        f"{each['msPerKb']:.2f} ms of CPU per kB": each["msPerKb"] > MS_PER_KB,
        f"{each['ms']:.1f} ms of CPU": not each["hasKey"] and each["ms"] > ANONYMOUS_MS,
        f"another waits {each['waitMs']:.1f} ms": each["waitMs"] > WAIT_MS,
    }
    return [f"invalid input: {each['input']}: {what}" for what, is_over in over.items() if is_over]
