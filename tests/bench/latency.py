"""The 99th percentile of latency at 64 connections, as a ratio to the handwritten server."""

import random
import statistics

from tests.bench.client import load, request
from tests.bench.finding import Finding
from tests.bench.installation import HANDWRITTEN, SHIPPED, Installation
from tests.bench.workloads import workloads

AT_MOST = 1.3
_CONNECTIONS, _WORKLOAD = 64, "W2"


async def measure(installation: Installation) -> Finding:
    """The medians of the ratio and of both servers' latencies in milliseconds."""
    body = next(each for each in workloads(installation.seeded) if each.name == _WORKLOAD).bodies()[0]
    order, rounds = random.Random(1), []
    for _ in range(installation.rounds):
        names = [SHIPPED, HANDWRITTEN]
        order.shuffle(names)
        rounds.append({name: await _p99_ms(installation, name, body) for name in names})
    ratio = statistics.median(each[SHIPPED] / each[HANDWRITTEN] for each in rounds)
    waits = {name: statistics.median(each[name] for each in rounds) for name in (SHIPPED, HANDWRITTEN)}
    line = (
        f"p99 of {_WORKLOAD} at {_CONNECTIONS} connections: shipped {waits[SHIPPED]:.1f} ms, "
        f"by hand {waits[HANDWRITTEN]:.1f} ms: ratio {ratio:.2f}, target at most {AT_MOST}"
    )
    missed = [f"p99 ratio: {ratio:.2f}, target at most {AT_MOST}"] if ratio > AT_MOST else []
    return Finding({"p99Ratio": ratio, "p99Ms": waits}, [line], missed)


async def _p99_ms(installation: Installation, name: str, body: bytes) -> float:
    port = installation.server(name).port
    raws = [request(port, installation.seeded.admin_key, body)]
    await load(port, raws, installation.seconds / 5, connections=_CONNECTIONS)
    done = await load(port, raws, installation.seconds, connections=_CONNECTIONS)
    return statistics.quantiles(done.waits, n=100)[98] * 1000
