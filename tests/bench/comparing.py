"""Our server and the handwritten one take turns; what counts is the ratio within a round."""

import json
import random
import statistics
from typing import Any

from tests.bench.cases import Case
from tests.bench.client import Connection, load, request
from tests.bench.serving import ServerProcess

ROUNDS = 7


async def compare(ours: ServerProcess, other: ServerProcess, cases: list[Case], key: str, seconds: float) -> list[Any]:
    """CPU seconds per request and requests per second of both, for each case; `seconds` are those of one turn."""
    results = []
    order = random.Random(1)
    for case in cases:
        raws = {server.name: request(server.port, key, case.json) for server in (ours, other)}
        size = await _check_equal(ours, other, raws)
        rounds: list[dict[str, tuple[float, float]]] = []
        for _ in range(ROUNDS):
            servers = [ours, other]
            order.shuffle(servers)
            rounds.append({each.name: await _turn(each, raws[each.name], seconds) for each in servers})
        results.append(
            {
                "case": case.name,
                "title": case.title,
                "answer_bytes": size,
                "at_most": case.at_most,
                "cpu_ratio": _median(each[ours.name][0] / each[other.name][0] for each in rounds),
                "rate_ratio": _median(each[other.name][1] / each[ours.name][1] for each in rounds),
                "cpu_ms": {name: _median(each[name][0] * 1000 for each in rounds) for name in raws},
                "requests_per_second": {name: _median(each[name][1] for each in rounds) for name in raws},
            }
        )
    return results


async def _turn(server: ServerProcess, raw: bytes, seconds: float) -> tuple[float, float]:
    await load(server.port, raw, seconds / 5)
    before = server.cpu_seconds()
    count, taken = await load(server.port, raw, seconds)
    return (server.cpu_seconds() - before) / count, count / taken


async def _check_equal(ours: ServerProcess, other: ServerProcess, raws: dict[str, bytes]) -> int:
    """Raises AssertionError unless both answer the same JSON; answers how many bytes ours has."""
    answers = {}
    for server in (ours, other):
        async with Connection(server.port) as connection:
            status, body = await connection.ask(raws[server.name])
        assert status == 200, (server.name, status, body[:500])
        answers[server.name] = body
    one, two = json.loads(answers[ours.name]), json.loads(answers[other.name])
    assert "errors" not in one, one["errors"]
    assert one == two, f"the servers do not answer the same:\n{one}\n{two}"
    assert len(answers[ours.name]) == len(answers[other.name])
    return len(answers[ours.name])


def _median(values: Any) -> float:
    return statistics.median(values)
