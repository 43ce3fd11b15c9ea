"""Workers of `python -m app serve` that die, hang or cannot start, and a supervisor that is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import psutil
import pytest
from structlog.testing import capture_logs
from uvicorn.config import STARTUP_FAILURE

from app.foundation.database import orm, schema_version
from app.foundation.database.schema_version import SchemaBehind
from app.server import worker_process
from app.server.transport import serve
from tests.recording.real_server import RealServer
from tests.server.test_workers import events
from tests.server.test_workers import serving as served
from tests.support import waiting
from tests.support.servers.postgres import Postgres

pytestmark = pytest.mark.long

PATIENCE_SECONDS = 120
READ = "{ accounts { totalCount } }"


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A database server that the test can stop and start."""
    with Postgres() as server:
        yield server


async def until(holds: Callable[[], Awaitable[bool]], server: RealServer) -> None:
    try:
        await waiting.until(holds, seconds=PATIENCE_SECONDS)
    except AssertionError:
        raise AssertionError(server.log[-5000:]) from None


async def is_served(server: RealServer) -> bool:
    with suppress(Exception):  # a connection to a worker that was just killed
        return (await server.person("provider").ask(READ)).errors == []
    return False


def waits(server: RealServer, reason: str) -> Callable[[], Awaitable[bool]]:
    """Whether a worker has logged that it waits for the database, and why."""

    async def has_said() -> bool:
        said = [entry["reason"] for entry in events(server, "a worker waits for the database before it serves")]
        return any(reason in one for one in said)

    return has_said


@pytest.mark.timeout(600)
async def test_a_worker_that_dies_while_the_database_is_unavailable_is_replaced_afterwards(
    tmp_path: Path, own_postgres: Postgres
) -> None:
    async with served(tmp_path, own_postgres.create("fragile"), WORKERS="2") as server:
        server.client.headers["Connection"] = "close"
        own_postgres.stop()
        killed, survivor = server.workers
        os.kill(killed, signal.SIGKILL)
        await until(waits(server, "does not answer"), server)
        await until(lambda: is_alive(server), server)  # the other worker is
        own_postgres.start()
        await until(lambda: is_served(server), server)
        (replacement,) = set(server.workers) - {killed, survivor}
        await until(lambda: serves_alone(server, replacement), server)
        assert "Traceback" not in server.log


async def is_alive(server: RealServer) -> bool:
    with suppress(Exception):
        return (await server.client.get("/healthz")).status_code == 200
    return False


async def serves_alone(server: RealServer, worker: int) -> bool:
    """Whether a worker answers while the others are stopped."""
    others = [pid for pid in server.workers if pid != worker]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        return await is_alive(server)
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.timeout(600)
async def test_the_other_workers_serve_while_a_replacement_waits_for_its_schema(
    tmp_path: Path, own_postgres: Postgres
) -> None:
    async with served(tmp_path, own_postgres.create("newer"), WORKERS="2") as server:
        connection = await orm.single_connection(server.settings)
        await connection.execute(
            "INSERT INTO aerich (version, app, content) VALUES ('99_29990101000000_later.py', 'models', '{}')"
        )
        os.kill(server.workers[0], signal.SIGKILL)
        await until(waits(server, "99_29990101000000_later.py"), server)
        await until(lambda: is_served(server), server)
        # A waiting worker ends at once when it is signalled.
        assert server.stop() == 0
        await connection.close()


@pytest.mark.timeout(600)
async def test_workers_end_with_a_supervisor_that_is_killed(tmp_path: Path, own_postgres: Postgres) -> None:
    async with served(tmp_path, own_postgres.create("killed"), WORKERS="2") as server:
        workers = [psutil.Process(pid) for pid in server.workers]
        assert len(workers) == 2
        assert server._process is not None
        server._process.kill()

        async def have_ended() -> bool:
            return not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)

        try:
            await until(have_ended, server)
        finally:
            for worker in workers:
                with suppress(psutil.NoSuchProcess):
                    worker.kill()


WAITING_WORKER = """
import asyncio, signal
import uvicorn
from app.server import worker_process

class Away:
    async def execute_query_dict(self, query):
        raise ConnectionRefusedError

server = uvicorn.Server(uvicorn.Config("app.server.asgi:worker", factory=True))
with server.capture_signals():
    signal.raise_signal(signal.SIGTERM)  # as the supervisor does, or its end, while the worker imports the application
    asyncio.run(worker_process.wait_for_database(Away()))
"""


def test_a_worker_signalled_before_it_waits_for_the_database_ends() -> None:
    ended = subprocess.run([sys.executable, "-c", WAITING_WORKER], check=False, timeout=PATIENCE_SECONDS)
    assert ended.returncode == -signal.SIGTERM


async def test_a_worker_that_waits_for_the_database_backs_off_and_logs_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reasons = [ConnectionRefusedError(), asyncpg.TooManyConnectionsError("too many clients"), SchemaBehind("behind")]
    failures, paused = iter([*reasons, *[TimeoutError()] * 4]), list[float]()

    async def check(_: Any) -> None:
        for error in failures:
            raise error

    async def sleep(seconds: float) -> None:
        paused.append(seconds)

    monkeypatch.setattr(schema_version, "check", check)
    monkeypatch.setattr(worker_process, "asyncio", SimpleNamespace(sleep=sleep))
    before = signal.getsignal(signal.SIGTERM)
    with capture_logs() as logs:
        await worker_process.wait_for_database(Any)  # type: ignore[arg-type]
    assert paused == [0.5, 1, 2, 4, 8, 10, 10]
    assert [entry["reason"] for entry in logs][:4] == [
        "The database does not answer (ConnectionRefusedError).",
        "The database refuses: too many clients.",
        "behind",
        "The database does not answer (TimeoutError).",
    ]
    assert signal.getsignal(signal.SIGTERM) is before


class FakeWorker:
    """The interface of a worker's process for the supervisor."""

    def __init__(self, exit_code: int | None = None, *, answers: bool = True) -> None:
        self.exitcode, self.answers, self.pid = exit_code, answers, None
        self.process = SimpleNamespace(is_alive=lambda: self.exitcode is None)
        self.late: list[bool] = []
        """Answers to pings that timed out."""
        self.parent_conn = SimpleNamespace(poll=lambda: bool(self.late), recv=self.late.pop)

    def ping(self, timeout: float) -> bool:
        return self.answers or bool(self.late and self.late.pop())

    def is_ready(self, timeout: float) -> bool:
        return self.answers

    def is_alive(self, timeout: float) -> bool:
        return self.exitcode is None and self.answers

    def start(self) -> None: ...

    def join(self) -> None: ...

    def kill(self) -> None:
        if self.exitcode is None:
            self.exitcode = -signal.SIGKILL


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of the supervisor, which a test sets."""
    moved = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(serve, "time", SimpleNamespace(monotonic=lambda: moved.now), raising=False)
    return moved


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> serve.Supervisor:
    """Two serving workers; a replacement is one more."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(serve, "Process", lambda *_: FakeWorker())
    monkeypatch.setattr("uvicorn.supervisors.multiprocess.Process", lambda *_: FakeWorker())
    config: Any = SimpleNamespace(workers=2, timeout_worker_healthcheck=30)
    made = serve.Supervisor(config, [])
    made.processes = [FakeWorker(), FakeWorker()]  # type: ignore[list-item]
    made.keep_subprocess_alive()
    return made


def test_a_worker_is_killed_only_after_30_seconds_without_an_answer(
    supervisor: serve.Supervisor, clock: SimpleNamespace
) -> None:
    worker: Any = supervisor.processes[0]
    worker.answers = False
    for seconds, is_there in ((5, True), (29, True), (31, False)):
        clock.now = 1000.0 + seconds
        supervisor.keep_subprocess_alive()
        assert (supervisor.processes[0] is worker) == is_there, seconds


def test_a_worker_that_stalls_repeatedly_but_answers_in_between_is_not_killed(
    supervisor: serve.Supervisor, clock: SimpleNamespace
) -> None:
    worker: Any = supervisor.processes[0]
    for step in range(1, 10):
        clock.now = 1000.0 + 20 * step
        worker.answers = step % 2 == 0
        supervisor.keep_subprocess_alive()
        assert supervisor.processes[0] is worker


def test_late_answers_do_not_make_a_hanging_worker_look_healthy(
    supervisor: serve.Supervisor, clock: SimpleNamespace
) -> None:
    worker: Any = supervisor.processes[0]
    worker.answers = False
    worker.late.extend([True] * 50)
    for seconds in (1, 15, 32):
        clock.now = 1000.0 + seconds
        supervisor.keep_subprocess_alive()
    assert supervisor.processes[0] is not worker


@pytest.mark.parametrize("exit_code", [STARTUP_FAILURE, 1, -signal.SIGKILL])
def test_a_replacement_that_cannot_start_is_retried_every_5_seconds(
    supervisor: serve.Supervisor, clock: SimpleNamespace, exit_code: int
) -> None:
    replaced_at, serves = [], supervisor.processes[1]
    for _ in range(31):
        worker: Any = supervisor.processes[0]
        worker.exitcode = exit_code
        supervisor.keep_subprocess_alive()
        if supervisor.processes[0] is not worker:
            replaced_at.append(clock.now - 1000.0)
        clock.now += 0.5
    assert not supervisor.should_exit.is_set()
    assert supervisor.processes[1] is serves
    assert replaced_at == [0, 5, 10, 15]


def test_a_server_ends_when_none_of_its_workers_can_start(
    monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    config: Any = SimpleNamespace(workers=2, timeout_worker_healthcheck=30)
    supervisor = serve.Supervisor(config, [])
    supervisor.processes = [FakeWorker(STARTUP_FAILURE), FakeWorker(STARTUP_FAILURE)]  # type: ignore[list-item]
    supervisor.keep_subprocess_alive()
    assert supervisor.should_exit.is_set()
