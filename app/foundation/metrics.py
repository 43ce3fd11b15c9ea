"""Prometheus metrics: `GET /metrics`.

Workers of one server share their numbers in the files of a folder (prometheus-client's multiprocess mode): each worker returns
the numbers of all. Only a serving process creates metrics, and with them files.
"""

import functools
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

# The values of labels. Each exists from the start, at 0: `increase()` misses the first event of a counter that appears with it.
_STATUSES = (101, 200, 400, 401, 403, 404, 500, 502, 503)
_TYPES, _EXECUTORS = ("query", "mutation", "subscription"), ("compiled", "reference")
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
    def __init__(self) -> None:
        self.requests = Counter("http_requests", "HTTP requests, by the status of their responses.", ["status"])
        self.operations = Counter(
            "operations", "GraphQL operations that ran, by type and executor.", ["type", "executor"]
        )
        self.operations_refused = Counter(
            "operation_refusals", "GraphQL operations that were refused because their caller had too many at once."
        )
        self.seconds = Histogram(
            "http_request_seconds",
            "Duration of requests, in seconds.",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
        )
        self.documents = Gauge("graphql_documents", "Cached GraphQL documents.", multiprocess_mode="livesum")
        self.documents_bytes = Gauge(
            "graphql_documents_bytes",
            "Memory of cached documents with their plans, in bytes.",
            multiprocess_mode="livesum",
        )
        self.documents_lookups = Counter(
            "graphql_documents_lookups", "Lookups in the document cache: hit or miss.", ["result"]
        )
        self.websockets = Gauge("graphql_websockets", "Open WebSockets on /graphql.", multiprocess_mode="livesum")
        self.streams = Gauge("recording_streams", "Running recordings.", multiprocess_mode="livesum")
        self.refused = Counter(
            "recording_refusals", "Recordings that this server refused or broke off, by reason.", ["why"]
        )
        # Per machine: its workers share the spool and report the same values.
        self.spool = Gauge("recording_spool_bytes", "Bytes waiting in the spool.", multiprocess_mode="livemax")
        self.spooled = Gauge(
            "recording_spool_recordings",
            "Recordings in the spool: running, waiting for upload, failed.",
            multiprocess_mode="livemax",
        )
        self.aside = Gauge(
            "recording_spool_set_aside",
            "Recordings in the spool that no worker uploads: `python -m app spool` lists them.",
            multiprocess_mode="livemax",
        )
        self.recordings = Counter("recordings", "Finished recordings: stored or failed.", ["end"])
        self.storing_failures = Counter(
            "recording_storing_failures", "Failed attempts to upload a recording, by S3's error code.", ["code"]
        )
        self.clock_differences = Counter(
            "storage_clock_differences", "Requests that a storage refused because of this server's clock."
        )
        for counter, values in (
            (self.requests, _STATUSES),
            (self.refused, _REFUSALS),
            (self.recordings, _ENDS),
            (self.documents_lookups, _RESULTS),
        ):
            for value in values:
                counter.labels(value)
        for type_, executor in product(_TYPES, _EXECUTORS):
            self.operations.labels(type_, executor)


# Created at first use, which is `start`: commands that import this module create no files.
_metrics = functools.cache(_Metrics)


@contextmanager
def shared_between_workers(workers: int) -> Iterator[None]:
    """For the process that starts the workers: provides their shared folder, without numbers of earlier runs, in the block.

    With several workers it is a temporary folder, unless PROMETHEUS_MULTIPROC_DIR names one.
    """
    if _FOLDER in os.environ:
        folder = Path(os.environ[_FOLDER])
        folder.mkdir(parents=True, exist_ok=True)
        # By name: the folder may contain a database too.
        for file in (file for kind in _KINDS_OF_FILES for file in folder.glob(f"{kind}_*.db")):
            file.unlink()
        yield
    elif workers > 1:
        with TemporaryDirectory(prefix="metrics-") as made:
            os.environ[_FOLDER] = made  # the workers inherit it
            try:
                yield
            finally:
                del os.environ[_FOLDER]
    else:
        yield


def start(upload_codes: Iterable[str]) -> None:
    """For a serving process. `upload_codes` are all codes that `recording_failed` may get."""
    for code in upload_codes:
        _metrics().storing_failures.labels(code)


def worker_ended(process_id: int) -> None:
    """For the process that starts the workers: removes the gauges of an ended worker."""
    multiprocess.mark_process_dead(process_id)  # type: ignore[no-untyped-call]


def request(status: int, seconds: float) -> None:
    _requests(status).inc()
    _metrics().seconds.observe(seconds)


def websocket(status: int) -> None:
    """Counts an ended connection by the status of its handshake. Its duration is no response time."""
    _requests(status).inc()


def operation(type_: str, executor: str) -> None:
    """`executor` is `compiled` or `reference`."""
    _operations(type_, executor).inc()


def operation_refused() -> None:
    _metrics().operations_refused.inc()


def document_looked_up(*, hit: bool) -> None:
    _lookups("hit" if hit else "miss").inc()


def documents_cached(more: int, more_bytes: int) -> None:
    """Changes the gauge; negative to decrease."""
    _metrics().documents.inc(more)
    _metrics().documents_bytes.inc(more_bytes)


def websockets(more: int) -> None:
    """Changes the gauge; negative to decrease."""
    _metrics().websockets.inc(more)


def recording_streams(more: int) -> None:
    """Changes the gauge; negative to decrease."""
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


def recording_failed(code: str, *, is_final: bool) -> None:
    """Counts a failed attempt; `is_final` when it was the last."""
    _metrics().storing_failures.labels(code).inc()
    if is_final:
        _metrics().recordings.labels("failed").inc()


def storage_clock_difference() -> None:
    _metrics().clock_differences.inc()


# Finding a counter by its labels costs more than counting.
@functools.cache
def _requests(status: int) -> Counter:
    return _metrics().requests.labels(status)


@functools.cache
def _lookups(result: str) -> Counter:
    return _metrics().documents_lookups.labels(result)


@functools.cache
def _operations(type_: str, executor: str) -> Counter:
    return _metrics().operations.labels(type_, executor)


def exposition() -> bytes:
    """All metrics in Prometheus' text format."""
    if _FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
