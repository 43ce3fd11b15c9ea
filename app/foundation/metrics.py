"""Metrics in Prometheus' text format, for `GET /metrics`.

The workers of one server count in files of a shared folder (prometheus-client's multiprocess mode), so each worker exports the
sums of all. Only a process that serves creates metrics, and with them these files.
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

# Label values. Each exists at 0 from the start, because `increase()` misses an increment that creates its series.
_STATUSES = (101, 200, 400, 401, 403, 404, 500, 502, 503)
_ROUTES = frozenset({"/graphql", "/schema.graphql", "/recordings", "/record", "/metrics", "/healthz", "/readyz"})
_OTHER_ROUTES = "other"
_OPERATION_TYPES, _EXECUTORS = ("query", "mutation", "subscription"), ("compiled", "reference")
_REJECTION_REASONS = (
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
_OUTCOMES = ("stored", "failed")
_LOOKUP_RESULTS = ("hit", "miss")
_FILE_KINDS = ("counter", "gauge_*", "histogram")


class _Metrics:
    """Gauges are sums over the workers or, with `livemax`, a value of the machine that each worker measures."""

    def __init__(self) -> None:
        self.build_info = Gauge(
            "vga_build_info", "1 for the version of this server.", ["version"], multiprocess_mode="livemax"
        )
        self.requests = Counter(
            "vga_http_requests_total", "HTTP requests and WebSocket handshakes, by status.", ["status"]
        )
        self.request_duration = Histogram(
            "vga_http_request_duration_seconds",
            "Duration of HTTP requests, by route and, on /graphql, by the type of the operation.",
            ["route", "operation_type"],
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
        )
        self.operations = Counter(
            "vga_graphql_operations_total",
            "Executed GraphQL operations, by type and executor.",
            ["operation_type", "executor"],
        )
        self.operations_rejected = Counter(
            "vga_graphql_operations_rejected_total",
            "GraphQL operations rejected because their caller ran too many at once.",
        )
        self.errors = Counter(
            "vga_graphql_errors_total", "Errors in GraphQL responses, by `extensions.code`.", ["code"]
        )
        self.cached_documents = Gauge(
            "vga_graphql_cached_documents", "Cached GraphQL documents.", multiprocess_mode="livesum"
        )
        self.cached_documents_bytes = Gauge(
            "vga_graphql_cached_documents_bytes",
            "Memory of the cached GraphQL documents and their plans.",
            multiprocess_mode="livesum",
        )
        self.document_lookups = Counter(
            "vga_graphql_document_lookups_total", "Look-ups of GraphQL documents in the cache, by result.", ["result"]
        )
        self.websockets = Gauge("vga_graphql_websockets", "Open WebSockets on /graphql.", multiprocess_mode="livesum")
        self.login_failures = Counter(
            "vga_login_failures_total", "Logins with an unknown e-mail address or a wrong password."
        )
        self.pool_in_use = Gauge(
            "vga_database_pool_connections_in_use",
            "Database connections that a request or a background task holds.",
            multiprocess_mode="livesum",
        )
        self.pool_waiting = Gauge(
            "vga_database_pool_waiting",
            "Requests and background tasks that wait for a database connection.",
            multiprocess_mode="livesum",
        )
        self.recording_streams = Gauge(
            "vga_recording_streams", "Calls that are being recorded.", multiprocess_mode="livesum"
        )
        self.recordings_rejected = Counter(
            "vga_recording_rejections_total",
            "Calls whose recording was rejected or ended early, by reason.",
            ["reason"],
        )
        self.spool_bytes = Gauge("vga_recording_spool_bytes", "Size of the spool.", multiprocess_mode="livemax")
        self.spool_free_bytes = Gauge(
            "vga_recording_spool_free_bytes", "Free space on the disk of the spool.", multiprocess_mode="livemax"
        )
        self.oldest_waiting = Gauge(
            "vga_recording_oldest_waiting_seconds",
            "Time since the last audio of the recording that has waited longest in the spool.",
            multiprocess_mode="livemax",
        )
        self.spooled = Gauge(
            "vga_recording_spool_recordings",
            "Recordings in the spool: running, waiting for their storage, or FAILED.",
            multiprocess_mode="livemax",
        )
        self.set_aside = Gauge(
            "vga_recording_spool_set_aside",
            "Recordings in the spool that no worker uploads; `python -m app spool` lists them.",
            multiprocess_mode="livemax",
        )
        self.recordings = Counter("vga_recordings_total", "Recordings that ended, by outcome.", ["outcome"])
        self.upload_failures = Counter(
            "vga_recording_upload_failures_total",
            "Failed attempts to upload a recording, by the storage's error code.",
            ["code"],
        )
        self.clock_differences = Counter(
            "vga_storage_clock_differences_total",
            "Requests that a storage rejected because its clock differs from this server's.",
        )
        self.maintained_at = Gauge(
            "vga_maintain_last_success_timestamp_seconds",
            "Unix time of the last successful `python -m app maintain` with this DATA_DIR; 0: none.",
            multiprocess_mode="livemax",
        )
        for counter, values in (
            (self.requests, _STATUSES),
            (self.recordings_rejected, _REJECTION_REASONS),
            (self.recordings, _OUTCOMES),
            (self.document_lookups, _LOOKUP_RESULTS),
        ):
            for value in values:
                counter.labels(value)
        for operation_type, executor in product(_OPERATION_TYPES, _EXECUTORS):
            self.operations.labels(operation_type, executor)


# Created by `start`, so that importing this module creates no files.
_metrics = functools.cache(_Metrics)


@contextmanager
def shared_by_workers(count: int) -> Iterator[None]:
    """Provides the workers' shared folder, without earlier metrics. For the process that starts them.

    With several workers it is a temporary folder, unless PROMETHEUS_MULTIPROC_DIR names one.
    """
    if _FOLDER in os.environ:
        folder = Path(os.environ[_FOLDER])
        folder.mkdir(parents=True, exist_ok=True)
        # Delete by name: the folder may also contain a database.
        for file in (file for kind in _FILE_KINDS for file in folder.glob(f"{kind}_*.db")):
            file.unlink()
        yield
    elif count > 1:
        with TemporaryDirectory(prefix="metrics-") as made:
            os.environ[_FOLDER] = made  # the workers inherit it
            try:
                yield
            finally:
                del os.environ[_FOLDER]
    else:
        yield


def start(error_codes: Iterable[str], upload_codes: Iterable[str]) -> None:
    """Creates all metrics in a process that serves.

    `upload_codes` are the values that `upload_failed` accepts, `error_codes` those of `graphql_error`.
    """
    _metrics().build_info.labels(VERSION).set(1)
    for code in error_codes:
        _metrics().errors.labels(code)
    for code in upload_codes:
        _metrics().upload_failures.labels(code)


def worker_ended(process_id: int) -> None:
    """Removes the gauges of a worker that has ended. For the process that starts the workers."""
    multiprocess.mark_process_dead(process_id)  # type: ignore[no-untyped-call]


def request(path: str, status: int, seconds: float, operation_type: str = "") -> None:
    _requests(status).inc()
    route = f"/{path[1:].partition('/')[0]}"
    _request_durations(route if route in _ROUTES else _OTHER_ROUTES, operation_type).observe(seconds)


def websocket(status: int) -> None:
    """Counts an ended connection by the status of its handshake. Its duration is not observed: it is no response time."""
    _requests(status).inc()


def operation(operation_type: str, executor: str) -> None:
    """`executor` is `compiled` or `reference`."""
    _operations(operation_type, executor).inc()


def operation_rejected() -> None:
    _metrics().operations_rejected.inc()


def graphql_error(code: str) -> None:
    _metrics().errors.labels(code).inc()


def document_looked_up(*, hit: bool) -> None:
    _document_lookups("hit" if hit else "miss").inc()


def documents_cached(count: int, size_bytes: int) -> None:
    """Adds to both gauges; negative numbers subtract."""
    _metrics().cached_documents.inc(count)
    _metrics().cached_documents_bytes.inc(size_bytes)


def websockets(count: int) -> None:
    """Adds to the gauge; a negative number subtracts."""
    _metrics().websockets.inc(count)


def login_failed() -> None:
    _metrics().login_failures.inc()


def database_pool(in_use: int, waiting: int) -> None:
    _metrics().pool_in_use.set(in_use)
    _metrics().pool_waiting.set(waiting)


def recording_streams(count: int) -> None:
    """Adds to the gauge; a negative number subtracts."""
    _metrics().recording_streams.inc(count)


def recording_rejected(reason: str) -> None:
    """`reason` is one of `_REJECTION_REASONS`."""
    _metrics().recordings_rejected.labels(reason).inc()


def spool_measured(size_bytes: int, free_bytes: int, oldest_waiting_seconds: float) -> None:
    _metrics().spool_bytes.set(size_bytes)
    _metrics().spool_free_bytes.set(free_bytes)
    _metrics().oldest_waiting.set(oldest_waiting_seconds)


def spooled(count: int, set_aside: int) -> None:
    _metrics().spooled.set(count)
    _metrics().set_aside.set(set_aside)


def recording_stored() -> None:
    _metrics().recordings.labels("stored").inc()


def upload_failed(code: str, *, is_last: bool) -> None:
    """Counts an attempt; after the last one the recording is FAILED."""
    _metrics().upload_failures.labels(code).inc()
    if is_last:
        _metrics().recordings.labels("failed").inc()


def storage_clock_difference() -> None:
    _metrics().clock_differences.inc()


# A look-up by label costs more than the increment.
@functools.cache
def _requests(status: int) -> Counter:
    return _metrics().requests.labels(status)


@functools.cache
def _request_durations(route: str, operation_type: str) -> Histogram:
    return _metrics().request_duration.labels(route, operation_type)


@functools.cache
def _document_lookups(result: str) -> Counter:
    return _metrics().document_lookups.labels(result)


@functools.cache
def _operations(operation_type: str, executor: str) -> Counter:
    return _metrics().operations.labels(operation_type, executor)


def exposition(maintained_at: float) -> bytes:
    """All metrics in Prometheus' text format. `maintained_at` is the Unix time of the last `maintain`; 0: none."""
    _metrics().maintained_at.set(maintained_at)
    if _FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
