"""The embedded PostgreSQL: for trying out, for `make run` and for tests. Production has a server of its own (DATABASE_URL).

Everything is below `DATA_DIR/postgres`. The server listens on a Unix socket alone, asks for a password, and ends with the process
that started it. One process at a time starts it; the others, such as workers and commands, find it by the notes in `DATA_DIR`.
"""

import atexit
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast
from urllib.parse import quote

from app.foundation.database.embedded_location import (
    LocalPostgresFailed,
    LocalPostgresMissing,
    Owner,
    Place,
    installed,
    major_version,
    programs,
)
from app.foundation.settings import Settings

__all__ = [
    "LocalPostgres",
    "LocalPostgresFailed",
    "LocalPostgresMissing",
    "running",
    "served",
    "start",
    "url_of",
    "used",
]

USER = DATABASE = "postgres"
_LOCK, _SHARED = "postgres.lock", "shared"
_READY_SECONDS = 60.0
_LOCK_SECONDS = 15.0
_STOP_SECONDS = 20.0
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class LocalPostgres:
    """A server that takes connections, until `stop`."""

    def __init__(self, place: Place, process: "subprocess.Popen[bytes]", lock: IO[str]) -> None:
        """See `start`."""
        self._place = place
        self._process = process
        self._lock = lock
        self.pid = process.pid
        atexit.register(self.stop)

    @property
    def home(self) -> str:
        """Where its data is."""
        return self._place.home

    def url(self, database: str = DATABASE) -> str:
        """For DATABASE_URL."""
        return _url(self._place, database)

    def send_signal(self, number: signal.Signals) -> None:
        """To the server's first process: SIGSTOP makes it take no connections, SIGCONT go on."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """Ends the server's sessions and the server. Stopping twice does nothing."""
        atexit.unregister(self.stop)
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._place.leave()
        self._lock.close()


def start(data_dir: Path, *, shared: bool = False, options: tuple[str, ...] = ()) -> LocalPostgres:
    """A shared one is found by `used`. An option is `name=value` of PostgreSQL's settings.

    The server ends with this process, and on Linux with the thread that starts it.
    Raises LocalPostgresMissing when it is not installed, LocalPostgresFailed when it does not start.
    """
    program = installed() / "postgres"
    owner = Owner.of_server()
    try:
        data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        lock = _locked(data_dir, f"{os.getpid()} {_SHARED if shared else ''}")
        try:
            place = Place.chosen(data_dir, owner, program)
            folder = programs(place, owner)
            _check_version(place.data)
            if not place.data.exists():
                _make(place, folder, owner)
            command = [str(folder / "postgres"), "-D", str(place.data), "-k", place.socket, "-h", ""]
            for option in options:
                command += ["-c", option]
            return LocalPostgres(place, _run(command, place, owner, lock), lock)
        except BaseException:
            lock.close()
            raise
    except OSError as error:
        raise LocalPostgresFailed(f"{error.filename or data_dir}: {error.strerror}") from error


def _run(command: list[str], place: Place, owner: Owner, lock: IO[str]) -> "subprocess.Popen[bytes]":
    # We hold the lock, which the processes of a server hold too: what an earlier one has left here is no server.
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    log = Path(place.home) / "postgres.log"
    log.touch(mode=0o600)
    with log.open("wb") as words:
        process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603 - a program of our own environment
            command,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            env={"LC_ALL": "C", "TZ": "UTC"},
            cwd="/",
            start_new_session=True,
            pass_fds=(lock.fileno(),),
            preexec_fn=_ending_with(os.getpid(), signal.SIGINT),  # noqa: PLW1509 - nothing is locked
            **owner.process,
        )
    deadline = time.monotonic() + _READY_SECONDS
    while not _is_ready(place.data / "postmaster.pid"):
        if process.poll() is not None:
            raise LocalPostgresFailed(f"The embedded PostgreSQL did not start: {_last_words(log)}")
        if time.monotonic() > deadline:
            process.kill()
            raise LocalPostgresFailed(f"The embedded PostgreSQL was not ready after {_READY_SECONDS:g} s; see {log}")
        time.sleep(0.02)
    return cast("subprocess.Popen[bytes]", process)


@contextmanager
def running(data_dir: Path, *, shared: bool = False) -> Iterator[LocalPostgres]:
    """A server for the time of the block. Raises LocalPostgresMissing and LocalPostgresFailed."""
    server = start(data_dir, shared=shared)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def served(settings: Settings) -> Iterator[None]:
    """The embedded database for as long as the block serves; none where DATABASE_URL names one. Raises as `running`."""
    if settings.is_embedded:
        with running(settings.data_dir, shared=True) as server:
            if not Path(server.home).is_relative_to(settings.data_dir.resolve()):
                print(f"The embedded database is in {server.home}, where its user can reach it.", file=sys.stderr)
            yield
    else:
        yield


@contextmanager
def used(settings: Settings) -> Iterator[None]:
    """For a command: the embedded database that another process serves, or one for the time of the block."""
    if settings.is_embedded and not _is_shared(settings.data_dir):
        with running(settings.data_dir):
            yield
    else:
        yield


def _is_shared(data_dir: Path) -> bool:
    path = data_dir / _LOCK
    if not path.exists():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read().split()[-1:] == [_SHARED]
    return False


def url_of(data_dir: Path) -> str:
    """Of the server that runs, or ran last, on this folder. Raises LocalPostgresFailed when none ever did."""
    place = Place.noted(data_dir)
    if place is None:
        raise LocalPostgresFailed(f"No embedded PostgreSQL has run in {data_dir}.")
    return _url(place, DATABASE)


def _url(place: Place, database: str) -> str:
    return f"postgres://{USER}:{place.password}@/{database}?host={quote(place.socket, safe='/')}"


def _locked(data_dir: Path, holder: str) -> IO[str]:
    """The lock of the folder, which ends with the last process that holds it. Raises LocalPostgresFailed."""
    path = data_dir / _LOCK
    path.touch(mode=0o600)
    file = path.open("r+")
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LocalPostgresFailed(
                    f"Process {file.read().split()[0]} uses the embedded PostgreSQL of {data_dir}. "
                    "Stop it, or set DATA_DIR."
                ) from None
            time.sleep(0.1)
        else:
            file.seek(0)
            file.truncate()
            file.write(holder)
            file.flush()
            return file


def _check_version(data: Path) -> None:
    """Raises LocalPostgresFailed for the data of another major version."""
    version = data / "PG_VERSION"
    if version.exists() and (found := version.read_text().strip()) != major_version():
        raise LocalPostgresFailed(
            f"{data} was made by PostgreSQL {found}; {major_version()} is installed. "
            "Move the data with pg_dump of that version, or set DATA_DIR."
        )


def _make(place: Place, folder: Path, owner: Owner) -> None:
    """Fills the folder of the data, as a whole or not at all. Raises LocalPostgresFailed."""
    making = Path(tempfile.mkdtemp(prefix="data-", dir=place.home))
    os.chown(making, owner.uid, owner.gid)
    password = making.with_suffix(".password")
    password.touch(mode=0o600)
    password.write_text(place.password)
    os.chown(password, owner.uid, owner.gid)
    command = [str(folder / "initdb"), "-D", str(making), "-U", USER, "--pwfile", str(password)]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run(  # type: ignore[call-overload]  # noqa: S603 - a program of our own environment
        command, env={"LC_ALL": "C"}, cwd="/", capture_output=True, text=True, check=False, **owner.process
    )
    password.unlink()
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip()).replace("\n", " ")[-300:]
        raise LocalPostgresFailed(f"The embedded PostgreSQL could not make its data: {reason}")
    making.rename(place.data)


def _is_ready(pid_file: Path) -> bool:
    # The eighth line is the state, which pg_ctl reads as well.
    try:
        lines = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if "FATAL" in line or "ERROR" in line]
    return lines[-1].partition("  ")[2].strip() if lines else f"see {log}"


def _ending_with(parent: int, number: signal.Signals) -> Callable[[], None] | None:
    """Runs in the child, as its user: has Linux send it a signal when its parent dies (prctl(2), PR_SET_PDEATHSIG)."""
    if _LIBC is None:
        return None

    def prepare() -> None:
        _LIBC.prctl(1, number)
        if os.getppid() != parent:
            os._exit(1)

    return prepare
