"""Listening: the port, uvicorn with the limits that it lacks by default, and the supervisor of several workers."""

import resource
import signal
import socket
import sys
import time
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from app.foundation import logging, metrics
from app.foundation.networks import TrustedProxies
from app.foundation.settings import Settings
from app.foundation.version import VERSION
from app.server.transport.http import BoundedProtocol
from app.server.transport.waiting_connections import WaitingConnections
from app.server.transport.websocket import StreamingProtocol

# Beyond these a worker answers 503 by itself instead of falling behind.
_CONCURRENT_REQUESTS = 1_000
_GRACEFUL_SECONDS = 10
# A worker that does not answer its supervisor for so long is killed, with the streams that it has. On a busy machine one that
# is only about to start takes more than uvicorn's 5.
_SILENT_SECONDS = 30
# How long the supervisor waits for an answer before it looks at the next worker, and at signals.
_ANSWER_SECONDS = 0.5
# Between two attempts to replace a worker that has never been ready: each costs seconds of CPU.
_RESTART_SECONDS = 5
# Its socket, its audio and its lock.
_FILES_OF_A_STREAM = 3
_FILES_BESIDE_STREAMS = 2_048
# The longest WebSocket message that is taken: some seconds of audio.
_MESSAGE_BYTES = 1_048_576


_log = structlog.get_logger("serving")


class CannotStart(Exception):
    """One clear line why."""


def listen(chosen: Settings) -> None:
    """Serves until it is stopped. Raises CannotStart when the port is in use."""
    check_port(chosen)
    logging.configure(chosen.log_level)
    url = f"http://{chosen.host}:{chosen.port}/graphql"
    _log.info("serving", version=VERSION, url=url, workers=chosen.workers, database=chosen.database_display_name)
    _allow_files(chosen.recording_streams, chosen.live_connections)
    if chosen.listens_everywhere and not chosen.public_url:
        _log.warning("recordings' addresses work on this machine only: set PUBLIC_URL", base_url=chosen.base_url)
    config = uvicorn.Config(
        "app.server.asgi:worker",
        factory=True,
        host=chosen.host,
        port=chosen.port,
        workers=chosen.workers,
        http=_protocol(chosen),
        ws=StreamingProtocol,
        ws_max_size=_MESSAGE_BYTES,
        # Audio and short messages: to compress them costs more than to send them.
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        # Uvicorn counts all connections; those that stream calls or listen to them are no requests.
        limit_concurrency=_CONCURRENT_REQUESTS + chosen.recording_streams + chosen.live_connections,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        timeout_worker_healthcheck=_SILENT_SECONDS,
    )
    with metrics.shared_by_workers(chosen.workers), suppress(KeyboardInterrupt):
        if chosen.workers > 1:
            _serve_with_workers(config)
        else:
            _serve_alone(config)


def _serve_with_workers(config: uvicorn.Config) -> None:
    supervisor = Supervisor(config, [config.bind_socket()])
    supervisor.run()
    if supervisor.could_not_start:
        sys.exit(STARTUP_FAILURE)  # uvicorn would end with 0, as when it is stopped


def _serve_alone(config: uvicorn.Config) -> None:
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


class Supervisor(Multiprocess):
    """Uvicorn's, which replaces a worker that dies; one that cannot be replaced now ends the server in uvicorn's, and not here.

    It also logs a death and removes the dead worker's gauges, and waits for no single worker.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self.could_not_start = False
        """None of the first workers could."""
        self._known: list[Process] = []
        self._answered_at: dict[Process, float] = {}
        self._ready: set[Process] = set()
        self._has_served = False
        self._replaced_at = 0.0

    def keep_subprocess_alive(self) -> None:
        """Called twice a second."""
        known = {*self._known, *self.processes}
        for index, worker in enumerate(self.processes):
            if self._is_well(worker):
                continue
            worker.kill()  # one that does not answer
            worker.join()
            if worker.exitcode == STARTUP_FAILURE and not self._has_served:
                self.could_not_start = True
                self.should_exit.set()
                return
            if worker in self._ready or time.monotonic() >= self._replaced_at + _RESTART_SECONDS:
                self._replace(index)
        self._known = list(self.processes)
        for worker in known.difference(self._known):
            self._answered_at.pop(worker, None)
            self._ready.discard(worker)
            self._note_end(worker)

    def _is_well(self, worker: Process) -> bool:
        if not worker.process.is_alive():
            return False
        now = time.monotonic()
        _forget_late_answers(worker)
        if worker.ping(_ANSWER_SECONDS):
            self._answered_at[worker] = now
            if worker not in self._ready and worker.is_ready(_ANSWER_SECONDS):
                self._ready.add(worker)
                self._has_served = True
        return now - self._answered_at.setdefault(worker, now) <= _SILENT_SECONDS

    def _replace(self, index: int) -> None:
        self._replaced_at = time.monotonic()
        self.processes[index] = Process(self.config, self.sockets)
        self.processes[index].start()

    def _note_end(self, worker: Process) -> None:
        if worker.pid is not None:
            metrics.worker_ended(worker.pid)
        # One that was asked to end (SIGHUP, SIGTTOU) ends by this signal.
        if worker.exitcode not in (0, -signal.SIGTERM):
            _log.error("a worker has died", process=worker.pid, exit_code=worker.exitcode)


def _forget_late_answers(worker: Process) -> None:
    """Those to pings that were given up: each would be taken for the answer to the next ping."""
    with suppress(OSError, EOFError):
        while worker.parent_conn.poll():
            worker.parent_conn.recv()


def _protocol(chosen: Settings) -> Any:
    """Makes connections that share their slots within a worker, which gets them empty from its supervisor."""
    proxies = TrustedProxies(chosen.trusted_proxies)
    slots = WaitingConnections(_CONCURRENT_REQUESTS, chosen.connections_per_address, proxies)
    return partial(BoundedProtocol, slots=slots)


def _allow_files(streams: int, sockets: int) -> None:
    """Raises this process's limit of open files, and its children's: a stream has three, and the usual limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _FILES_BESIDE_STREAMS + _FILES_OF_A_STREAM * streams + sockets
    if hard != resource.RLIM_INFINITY and needed > hard:
        _log.warning(
            "fewer calls can be recorded at once than RECORDING_STREAMS: too few files may be open", limit=hard
        )
        needed = hard
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def check_port(chosen: Settings) -> None:
    """Raises CannotStart when the port is in use or may not be listened on."""
    with socket.socket(socket.AF_INET6 if ":" in chosen.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((chosen.host, chosen.port))
        except socket.gaierror:
            raise CannotStart(f"Cannot listen on {chosen.host}: there is no such address. HOST is wrong.") from None
        except OSError as error:
            raise CannotStart(
                f"Cannot listen on {chosen.host}:{chosen.port}: {error.strerror}. Choose another port with PORT=…"
            ) from None
