"""What is counted, for Prometheus: `GET /metrics` with an admin's key.

Each worker counts for itself. With several, set PROMETHEUS_MULTIPROC_DIR to an empty folder that they share: then each of
them tells the numbers of all (prometheus-client's multiprocess mode).
"""

import functools
import os
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).mkdir(
        parents=True, exist_ok=True
    )  # counters write there as they are made

_REQUESTS = Counter("http_requests", "HTTP requests, by the status of their answers.", ["status"])
_OPERATIONS = Counter("operations", "GraphQL operations that ran, by type and by way.", ["type", "way"])
_OPERATIONS_REFUSED = Counter(
    "operation_refusals", "GraphQL operations that were refused since their caller had too many at once."
)
_SECONDS = Histogram(
    "http_request_seconds",
    "How long requests took, in seconds.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
_WEBSOCKETS = Gauge("graphql_websockets", "WebSockets on /graphql that are open.", multiprocess_mode="livesum")
_STREAMS = Gauge("recording_streams", "Calls that are being recorded.", multiprocess_mode="livesum")
_REFUSED = Counter("recording_refusals", "Recordings that were lost or cut short by this server, by why.", ["why"])
_SPOOL = Gauge("recording_spool_bytes", "What waits in the spool, in bytes.", multiprocess_mode="livemax")
# Of the machine: its workers share the spool, and any of them tells the same.
_SPOOLED = Gauge(
    "recording_spool_recordings", "Recordings in the spool: running, on their way, failed.", multiprocess_mode="livemax"
)
_RECORDINGS = Counter("recordings", "Recordings that came to an end, by it: stored or failed.", ["end"])
_STORING_FAILURES = Counter(
    "recording_storing_failures", "Tries to store a recording that failed, by S3's code.", ["code"]
)


def request(status: int, seconds: float) -> None:
    _requests(status).inc()
    _SECONDS.observe(seconds)


def websocket(status: int) -> None:
    """A connection that has ended, by the status of its handshake; how long it was open is no response time."""
    _requests(status).inc()


def operation(type_: str, way: str) -> None:
    """`way` is `compiled` or `ordinary`."""
    _operations(type_, way).inc()


def operation_refused() -> None:
    _OPERATIONS_REFUSED.inc()


def websockets(more: int) -> None:
    """More or, below 0, fewer than before."""
    _WEBSOCKETS.inc(more)


def recording_streams(more: int) -> None:
    """More or, below 0, fewer than before."""
    _STREAMS.inc(more)


def recording_refused(why: str) -> None:
    """`why` is `streams`, `spool`, `disk` or `database`."""
    _REFUSED.labels(why).inc()


def spool_bytes(count: int) -> None:
    _SPOOL.set(count)


def spooled(count: int) -> None:
    _SPOOLED.set(count)


def recording_stored() -> None:
    _RECORDINGS.labels("stored").inc()


def recording_failed(code: str, *, for_good: bool) -> None:
    """One try; `for_good` when it was the last."""
    _STORING_FAILURES.labels(code).inc()
    if for_good:
        _RECORDINGS.labels("failed").inc()


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
