"""Serves: the port, uvicorn with our protocols and limits, and the supervisor of several workers."""

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

# Beyond these a worker answers 503, instead of becoming slow.
_CONCURRENT_REQUESTS = 1_000
_GRACEFUL_SECONDS = 10
# A worker that does not answer its supervisor for so long is killed, with its streams. uvicorn's default is 5, which a worker
# exceeds when it starts on a busy machine.
_HANG_SECONDS = 30
# How long the supervisor waits for one worker before it checks the next one, and signals.
_ANSWER_SECONDS = 0.5
# Between attempts to replace a worker that was never ready: each one costs seconds of CPU.
_RESTART_SECONDS = 5
# Per stream: its socket, its audio and its lock.
_FILES_PER_STREAM = 3
_OTHER_FILES = 2_048
# The longest WebSocket message: some seconds of audio.
_MESSAGE_BYTES = 1_048_576


_log = structlog.get_logger("serving")


class CannotStart(Exception):
    """The message is one line for the operator."""


def listen(chosen: Settings) -> None:
    """Serves until it is stopped. Raises CannotStart when the port is in use."""
    check_port(chosen)
    logging.configure(chosen.log_level)
    url = f"http://{chosen.host}:{chosen.port}/graphql"
    _log.info("serving", version=VERSION, url=url, workers=chosen.workers, database=chosen.database_display_name)
    _allow_files(chosen.recording_streams, chosen.live_connections)
    if chosen.listens_everywhere and not chosen.public_url:
        _log.warning("URLs of recordings work on this machine only: set PUBLIC_URL", base_url=chosen.base_url)
    config = uvicorn.Config(
        "app.server.asgi:worker",
        factory=True,
        host=chosen.host,
        port=chosen.port,
        workers=chosen.workers,
        http=_protocol(chosen),
        ws=StreamingProtocol,
        ws_max_size=_MESSAGE_BYTES,
        # Compressing audio and short messages costs more than sending them.
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        # uvicorn counts all connections, including streams and subscriptions, which are not requests.
        limit_concurrency=_CONCURRENT_REQUESTS + chosen.recording_streams + chosen.live_connections,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        timeout_worker_healthcheck=_HANG_SECONDS,
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
        sys.exit(STARTUP_FAILURE)  # uvicorn would exit with 0, as when it is stopped


def _serve_alone(config: uvicorn.Config) -> None:
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


class Supervisor(Multiprocess):
    """uvicorn's supervisor, which replaces a worker that dies.

    uvicorn's ends the server when a replacement fails; this one tries again. It also logs a death, removes the dead worker's
    gauges, and never waits long for one worker.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self.could_not_start = False
        """One of the first workers failed at its start, before any worker had served."""
        self._known: list[Process] = []
        self._answered_at: dict[Process, float] = {}
        self._ready: set[Process] = set()
        self._has_served = False
        self._replaced_at = 0.0

    def keep_subprocess_alive(self) -> None:
        """Called twice a second."""
        known = {*self._known, *self.processes}
        for index, worker in enumerate(self.processes):
            if self._is_healthy(worker):
                continue
            worker.kill()  # it may hang
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

    def _is_healthy(self, worker: Process) -> bool:
        if not worker.process.is_alive():
            return False
        now = time.monotonic()
        _forget_late_answers(worker)
        if worker.ping(_ANSWER_SECONDS):
            self._answered_at[worker] = now
            if worker not in self._ready and worker.is_ready(_ANSWER_SECONDS):
                self._ready.add(worker)
                self._has_served = True
        return now - self._answered_at.setdefault(worker, now) <= _HANG_SECONDS

    def _replace(self, index: int) -> None:
        self._replaced_at = time.monotonic()
        self.processes[index] = Process(self.config, self.sockets)
        self.processes[index].start()

    def _note_end(self, worker: Process) -> None:
        if worker.pid is not None:
            metrics.worker_ended(worker.pid)
        # A worker that received a signal to end (SIGHUP, SIGTTOU) ends by SIGTERM.
        if worker.exitcode not in (0, -signal.SIGTERM):
            _log.error("a worker has died", process=worker.pid, exit_code=worker.exitcode)


def _forget_late_answers(worker: Process) -> None:
    """Drops answers to pings that timed out: each would count as the answer to the next ping."""
    with suppress(OSError, EOFError):
        while worker.parent_conn.poll():
            worker.parent_conn.recv()


def _protocol(chosen: Settings) -> Any:
    """A factory of connections with shared slots. Each worker gets its own copy from the supervisor."""
    proxies = TrustedProxies(chosen.trusted_proxies)
    slots = WaitingConnections(_CONCURRENT_REQUESTS, chosen.connections_per_address, proxies)
    return partial(BoundedProtocol, slots=slots)


def _allow_files(streams: int, sockets: int) -> None:
    """Raises the limit of open files for this process and its children: a stream has three, and the usual limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _OTHER_FILES + _FILES_PER_STREAM * streams + sockets
    if hard != resource.RLIM_INFINITY and needed > hard:
        _log.warning("the limit of open files allows fewer concurrent recordings than RECORDING_STREAMS", limit=hard)
        needed = hard
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def check_port(chosen: Settings) -> None:
    """Raises CannotStart when the port is in use or not permitted."""
    with socket.socket(socket.AF_INET6 if ":" in chosen.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((chosen.host, chosen.port))
        except socket.gaierror:
            raise CannotStart(
                f"Cannot listen on {chosen.host}: this machine has no such address. Correct HOST."
            ) from None
        except OSError as error:
            raise CannotStart(
                f"Cannot listen on {chosen.host}:{chosen.port}: {error.strerror}. Choose another port with PORT=…"
            ) from None
