"""Counters and gauges for Prometheus: `GET /metrics`.

The several workers of one server count together, in files of a folder that they share (prometheus-client's multiprocess mode):
each of them answers the numbers of all. Only a process that serves makes metrics, and with them files.
"""

import functools
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from app.foundation.version import VERSION

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

# The values of labels. Each exists from the start, at 0: `increase()` does not see an event that brings its counter with it.
_STATUSES = (101, 200, 400, 401, 403, 404, 500, 502, 503)
_TYPES, _WAYS = ("query", "mutation", "subscription"), ("compiled", "ordinary")
_REFUSALS = (
    "unauthenticated",
    "forbidden",
    "protocol",
    "database",
    "streams",
    "spool",
    "disk",
    "files",
    "keys",
    "error",
)
_ENDS = ("stored", "failed")
_RESULTS = ("hit", "miss")
_KINDS_OF_FILES = ("counter", "gauge_*", "histogram")


class _Metrics:
    """All of them."""

    def __init__(self) -> None:
        self.build = Gauge(
            "vga_build_info", "1 for the version of this server.", ["version"], multiprocess_mode="livemax"
        )
        self.requests = Counter("http_requests", "HTTP requests, by the status of their answers.", ["status"])
        self.operations = Counter("operations", "GraphQL operations that ran, by type and by way.", ["type", "way"])
        self.operations_refused = Counter(
            "operation_refusals", "GraphQL operations that were refused since their caller had too many at once."
        )
        self.seconds = Histogram(
            "http_request_seconds",
            "How long requests took, in seconds.",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
        )
        self.documents = Gauge("graphql_documents", "GraphQL documents that are cached.", multiprocess_mode="livesum")
        self.documents_bytes = Gauge(
            "graphql_documents_bytes", "What cached documents hold, with their plans.", multiprocess_mode="livesum"
        )
        self.documents_lookups = Counter(
            "graphql_documents_lookups", "Look-ups of GraphQL documents in the cache: hit or miss.", ["result"]
        )
        self.websockets = Gauge(
            "graphql_websockets", "WebSockets on /graphql that are open.", multiprocess_mode="livesum"
        )
        self.streams = Gauge("recording_streams", "Calls that are being recorded.", multiprocess_mode="livesum")
        self.refused = Counter(
            "recording_refusals", "Calls that this server refused to record, or not to their end, by why.", ["why"]
        )
        # Of the machine: its workers share the spool, and any of them tells the same.
        self.spool = Gauge("recording_spool_bytes", "What waits in the spool, in bytes.", multiprocess_mode="livemax")
        self.spooled = Gauge(
            "recording_spool_recordings",
            "Recordings in the spool: running, on their way, failed.",
            multiprocess_mode="livemax",
        )
        self.aside = Gauge(
            "recording_spool_set_aside",
            "Recordings in the spool that no worker stores: `python -m app spool` lists them.",
            multiprocess_mode="livemax",
        )
        self.recordings = Counter("recordings", "Recordings that came to an end, by it: stored or failed.", ["end"])
        self.storing_failures = Counter(
            "recording_storing_failures", "Tries to store a recording that failed, by S3's code.", ["code"]
        )
        self.clock_differences = Counter(
            "storage_clock_differences", "Requests that a storage refused because of the time that this server has."
        )
        for counter, values in (
            (self.requests, _STATUSES),
            (self.refused, _REFUSALS),
            (self.recordings, _ENDS),
            (self.documents_lookups, _RESULTS),
        ):
            for value in values:
                counter.labels(value)
        for type_, way in product(_TYPES, _WAYS):
            self.operations.labels(type_, way)


# At first use, which is `start`: what is imported by commands makes no files.
_metrics = functools.cache(_Metrics)


@contextmanager
def counted_together(workers: int) -> Iterator[None]:
    """For the process that starts the workers: the folder that they share, without earlier numbers, in the context.

    With several workers it is a temporary one, unless PROMETHEUS_MULTIPROC_DIR names one.
    """
    if _FOLDER in os.environ:
        folder = Path(os.environ[_FOLDER])
        folder.mkdir(parents=True, exist_ok=True)
        # By name: the folder may hold a database as well.
        for file in (file for kind in _KINDS_OF_FILES for file in folder.glob(f"{kind}_*.db")):
            file.unlink()
        yield
    elif workers > 1:
        with TemporaryDirectory(prefix="metrics-") as made:
            os.environ[_FOLDER] = made  # of the workers too
            try:
                yield
            finally:
                del os.environ[_FOLDER]
    else:
        yield


def start(storing_codes: Iterable[str]) -> None:
    """For a process that serves; `storing_codes` are all that `recording_failed` may be called with."""
    _metrics().build.labels(VERSION).set(1)
    for code in storing_codes:
        _metrics().storing_failures.labels(code)


def worker_ended(process_id: int) -> None:
    """For the process that starts the workers: the gauges of one that has ended count no more."""
    multiprocess.mark_process_dead(process_id)  # type: ignore[no-untyped-call]


def request(status: int, seconds: float) -> None:
    _requests(status).inc()
    _metrics().seconds.observe(seconds)


def websocket(status: int) -> None:
    """A connection that has ended, by the status of its handshake; how long it was open is no response time."""
    _requests(status).inc()


def operation(type_: str, way: str) -> None:
    """`way` is `compiled` or `ordinary`."""
    _operations(type_, way).inc()


def operation_refused() -> None:
    _metrics().operations_refused.inc()


def document_looked_up(*, hit: bool) -> None:
    _lookups("hit" if hit else "miss").inc()


def documents_cached(more: int, more_bytes: int) -> None:
    """More or, below 0, fewer than before."""
    _metrics().documents.inc(more)
    _metrics().documents_bytes.inc(more_bytes)


def websockets(more: int) -> None:
    """More or, below 0, fewer than before."""
    _metrics().websockets.inc(more)


def recording_streams(more: int) -> None:
    """More or, below 0, fewer than before."""
    _metrics().streams.inc(more)


def recording_refused(why: str) -> None:
    """`why` is one of `_REFUSALS`."""
    _metrics().refused.labels(why).inc()


def spool_bytes(count: int) -> None:
    _metrics().spool.set(count)


def spooled(count: int, set_aside: int) -> None:
    _metrics().spooled.set(count)
    _metrics().aside.set(set_aside)


def recording_stored() -> None:
    _metrics().recordings.labels("stored").inc()


def recording_failed(code: str, *, for_good: bool) -> None:
    """One try; `for_good` when it was the last."""
    _metrics().storing_failures.labels(code).inc()
    if for_good:
        _metrics().recordings.labels("failed").inc()


def storage_clock_difference() -> None:
    _metrics().clock_differences.inc()


# To find a counter by its labels costs more than to count.
@functools.cache
def _requests(status: int) -> Counter:
    return _metrics().requests.labels(status)


@functools.cache
def _lookups(result: str) -> Counter:
    return _metrics().documents_lookups.labels(result)


@functools.cache
def _operations(type_: str, way: str) -> Counter:
    return _metrics().operations.labels(type_, way)


def exposition() -> bytes:
    """All numbers in Prometheus' text format."""
    if _FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
