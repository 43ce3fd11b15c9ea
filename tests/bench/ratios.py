"""Our servers and the handwritten one take turns. Ratios are within a round: 1.00 is as fast as the handwritten server."""

import json
import random
import statistics
from collections.abc import Callable
from typing import Any

from app.foundation.settings import Settings
from tests.bench.client import Connection, load, request
from tests.bench.finding import Finding
from tests.bench.installation import COMPILED, HANDWRITTEN, MEANINGS, REFERENCE, SERVERS, SHIPPED, Installation
from tests.bench.serving import ServerProcess
from tests.bench.workloads import LEAST_MEAN, Workload, workloads

_OURS = (COMPILED, SHIPPED, REFERENCE)
# As many as one key may run at once. With one more, each request would wait for a slot; the handwritten server has no such limit.
_CONNECTIONS = Settings.model_fields["operations_per_caller"].default

# By server: CPU seconds per request, and requests per second.
Round = dict[str, tuple[float, float]]


async def measure(installation: Installation) -> Finding:
    """Measures all workloads. Raises AssertionError when the servers' responses differ."""
    asked = workloads(installation.seeded)
    order, rounds, sizes = random.Random(1), {}, {}
    for workload in asked:
        raws = _requests(installation, workload)
        sizes[workload.name] = await _check_equal(installation, raws, workload.differing)
        rounds[workload.name] = [await _round(installation, raws, order) for _ in range(installation.rounds)]
    numbers: dict[str, Any] = {
        "ratios": _of_each(rounds, lambda by_hand, ours: by_hand[0] / ours[0]),
        "rateRatios": _of_each(rounds, lambda by_hand, ours: ours[1] / by_hand[1]),
        "cpuMs": _medians(rounds, lambda turn: turn[0] * 1000),
        "requestsPerSecond": _medians(rounds, lambda turn: turn[1]),
        "answerBytes": sizes,
    }
    numbers["geometricMean"] = statistics.geometric_mean(numbers["ratios"][each.name][SHIPPED] for each in asked)
    return Finding(numbers, _lines(asked, numbers), _missed(asked, numbers))


def _requests(installation: Installation, workload: Workload) -> dict[str, list[bytes]]:
    key, bodies = installation.seeded.admin_key, workload.bodies()
    return {name: [request(installation.server(name).port, key, body) for body in bodies] for name in SERVERS}


async def _round(installation: Installation, raws: dict[str, list[bytes]], order: random.Random) -> Round:
    names = list(raws)
    order.shuffle(names)
    return {name: await _turn(installation.server(name), raws[name], installation.seconds) for name in names}


async def _turn(server: ServerProcess, raws: list[bytes], seconds: float) -> tuple[float, float]:
    await load(server.port, raws, seconds / 5, connections=_CONNECTIONS)
    before = server.cpu_seconds()
    done = await load(server.port, raws, seconds, connections=_CONNECTIONS)
    return (server.cpu_seconds() - before) / done.count, done.count / done.seconds


async def _check_equal(installation: Installation, raws: dict[str, list[bytes]], differing: frozenset[str]) -> int:
    """Raises AssertionError unless all servers return the same JSON; returns the size of the last response in bytes."""
    number_of_requests = len(raws[HANDWRITTEN])
    size = 0
    for number in {0, number_of_requests // 2, number_of_requests - 1}:
        answers = {}
        for name, requests in raws.items():
            async with Connection(installation.server(name).port) as connection:
                status, body = await connection.ask(requests[number])
            assert status == 200, (name, status, body[:500])
            # As text, so that the order of the fields counts too.
            answers[name] = json.dumps(_without(json.loads(body), differing))
            size = len(body)
        assert '"errors"' not in answers[SHIPPED], answers[SHIPPED]
        for name, answer in answers.items():
            assert answer == answers[HANDWRITTEN], f"{name} answers:\n{answer}\nhandwritten:\n{answers[HANDWRITTEN]}"
    return size


def _without(value: Any, fields: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {name: None if name in fields else _without(inner, fields) for name, inner in value.items()}
    return [_without(inner, fields) for inner in value] if isinstance(value, list) else value


def _of_each(
    rounds: dict[str, list[Round]], ratio: Callable[[tuple[float, float], tuple[float, float]], float]
) -> dict[str, dict[str, float]]:
    return {
        workload: {name: statistics.median(ratio(each[HANDWRITTEN], each[name]) for each in found) for name in _OURS}
        for workload, found in rounds.items()
    }


def _medians(
    rounds: dict[str, list[Round]], number: Callable[[tuple[float, float]], float]
) -> dict[str, dict[str, float]]:
    return {
        workload: {name: statistics.median(number(each[name]) for each in found) for name in SERVERS}
        for workload, found in rounds.items()
    }


def _missed(asked: list[Workload], numbers: dict[str, Any]) -> list[str]:
    missed = []
    for each in asked:
        for server, least in ((SHIPPED, each.least_shipped), (REFERENCE, each.least_reference)):
            ratio = numbers["ratios"][each.name][server]
            if ratio < least:
                missed.append(f"{each.name} {server}: {ratio:.2f}, target {least:.2f}")
    if numbers["geometricMean"] < LEAST_MEAN:
        missed.append(f"geometric mean: {numbers['geometricMean']:.2f}, target {LEAST_MEAN:.2f}")
    return missed


def _lines(asked: list[Workload], numbers: dict[str, Any]) -> list[str]:
    least = {
        "target, shipped": {each.name: each.least_shipped for each in asked},
        "target, reference": {each.name: each.least_reference for each in asked},
    }
    return [
        *(f"{each.name}: {each.title}" for each in asked),
        *(f"{name}: {meaning}" for name, meaning in MEANINGS.items()),
        "",
        *_table("CPU by hand / ours", asked, {**_by_server(numbers["ratios"], _OURS), **least}, 2),
        f"geometric mean, shipped: {numbers['geometricMean']:.2f}, target {LEAST_MEAN:.2f}",
        "",
        *_table("rate ours / by hand", asked, _by_server(numbers["rateRatios"], _OURS), 2),
        "",
        *_table("CPU ms per request", asked, _by_server(numbers["cpuMs"], tuple(SERVERS)), 3),
        "",
        *_table("requests/s", asked, _by_server(numbers["requestsPerSecond"], tuple(SERVERS)), 0),
    ]


def _by_server(numbers: dict[str, dict[str, float]], names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    return {name: {workload: of_servers[name] for workload, of_servers in numbers.items()} for name in names}


def _table(title: str, asked: list[Workload], rows: dict[str, dict[str, float]], digits: int) -> list[str]:
    head = f"{title:20}" + "".join(f"{each.name:>8}" for each in asked)
    return [
        head,
        *(f"{name:20}" + "".join(f"{row[each.name]:8.{digits}f}" for each in asked) for name, row in rows.items()),
    ]
