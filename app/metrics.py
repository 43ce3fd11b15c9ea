"""What is counted, for Prometheus: `GET /metrics` with an admin's key.

Each worker counts for itself. With several, set PROMETHEUS_MULTIPROC_DIR to an empty folder that they share: then each of
them tells the numbers of all (prometheus-client's multiprocess mode).
"""

import functools
import os
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).mkdir(
        parents=True, exist_ok=True
    )  # counters write there as they are made

_REQUESTS = Counter("http_requests", "HTTP requests, by the status of their answers.", ["status"])
_OPERATIONS = Counter("operations", "GraphQL operations that ran, by type and by way.", ["type", "way"])
_SECONDS = Histogram(
    "http_request_seconds",
    "How long requests took, in seconds.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)


def request(status: int, seconds: float) -> None:
    _requests(status).inc()
    _SECONDS.observe(seconds)


def operation(type_: str, way: str) -> None:
    """`way` is `compiled` or `ordinary`."""
    _operations(type_, way).inc()


# To find a counter by its labels costs more than to count.
@functools.cache
def _requests(status: int) -> Counter:
    return _REQUESTS.labels(status)


@functools.cache
def _operations(type_: str, way: str) -> Counter:
    return _OPERATIONS.labels(type_, way)


def exposition() -> bytes:
    """All numbers in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
