"""The embedded PostgreSQL, for trial runs, `make run` and tests. Production uses a server of its own (DATABASE_URL).

Its data is in `DATA_DIR/postgres`. The server listens only on a Unix socket, requires a password, and ends with the process that
started it. One process at a time starts it; workers and commands find it by the file `postgres.json` in `DATA_DIR`.
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
    ServerLocation,
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
    """A running server that accepts connections until `stop`."""

    def __init__(self, location: ServerLocation, process: "subprocess.Popen[bytes]", lock: IO[str]) -> None:
        self._location = location
        self._process = process
        self._lock = lock
        self.pid = process.pid
        atexit.register(self.stop)

    @property
    def home(self) -> str:
        """The folder with its data."""
        return self._location.home

    def url(self, database: str = DATABASE) -> str:
        """A URL for DATABASE_URL."""
        return _url(self._location, database)

    def send_signal(self, number: signal.Signals) -> None:
        """Signals the server's main process: after SIGSTOP it accepts no connections, until SIGCONT."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """Ends all sessions and the server. Idempotent."""
        atexit.unregister(self.stop)
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._location.remove_socket()
        self._lock.close()


def start(data_dir: Path, *, shared: bool = False, options: tuple[str, ...] = ()) -> LocalPostgres:
    """Starts the server. `used` finds a shared one; each option is a `name=value` of PostgreSQL's settings.

    The server ends with this process, and on Linux with the thread that starts it.
    Raises LocalPostgresMissing when it is not installed, LocalPostgresFailed when it does not start.
    """
    program = installed() / "postgres"
    owner = Owner.of_server()
    try:
        data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        lock = _locked(data_dir, f"{os.getpid()} {_SHARED if shared else ''}")
        try:
            location = ServerLocation.choose(data_dir, owner, program)
            folder = programs(location, owner)
            _check_version(location.data)
            if not location.data.exists():
                _init_data(location, folder, owner)
            command = [str(folder / "postgres"), "-D", str(location.data), "-k", location.socket, "-h", ""]
            for option in options:
                command += ["-c", option]
            return LocalPostgres(location, _run(command, location, owner, lock), lock)
        except BaseException:
            lock.close()
            raise
    except OSError as error:
        raise LocalPostgresFailed(f"{error.filename or data_dir}: {error.strerror}") from error


def _run(command: list[str], location: ServerLocation, owner: Owner, lock: IO[str]) -> "subprocess.Popen[bytes]":
    # Server processes hold the lock that we now hold, so no server runs and an existing file is stale.
    (location.data / "postmaster.pid").unlink(missing_ok=True)
    log = Path(location.home) / "postgres.log"
    log.touch(mode=0o600)
    with log.open("wb") as output:
        process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603 - a program of our own environment
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"LC_ALL": "C", "TZ": "UTC"},
            cwd="/",
            start_new_session=True,
            pass_fds=(lock.fileno(),),
            preexec_fn=_end_with_parent(os.getpid(), signal.SIGINT),  # noqa: PLW1509 - nothing is locked
            **owner.process,
        )
    deadline = time.monotonic() + _READY_SECONDS
    while not _is_ready(location.data / "postmaster.pid"):
        if process.poll() is not None:
            raise LocalPostgresFailed(f"The embedded PostgreSQL did not start: {_last_error(log)}")
        if time.monotonic() > deadline:
            process.kill()
            raise LocalPostgresFailed(f"The embedded PostgreSQL was not ready after {_READY_SECONDS:g} s; see {log}")
        time.sleep(0.02)
    return cast("subprocess.Popen[bytes]", process)


@contextmanager
def running(data_dir: Path, *, shared: bool = False) -> Iterator[LocalPostgres]:
    """A server that runs until the end of the block. Raises LocalPostgresMissing and LocalPostgresFailed."""
    server = start(data_dir, shared=shared)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def served(settings: Settings) -> Iterator[None]:
    """For a server: runs the embedded database during the block, unless DATABASE_URL is set. Raises as `running`."""
    if settings.is_embedded:
        with running(settings.data_dir, shared=True) as server:
            if not Path(server.home).is_relative_to(settings.data_dir.resolve()):
                print(f"The embedded database is in {server.home}, where its user can reach it.", file=sys.stderr)
            yield
    else:
        yield


@contextmanager
def used(settings: Settings) -> Iterator[None]:
    """For a command: uses the embedded database of a running server, or runs one during the block."""
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
    """The URL of the current or last server on this folder. Raises LocalPostgresFailed when there was none."""
    location = ServerLocation.read(data_dir)
    if location is None:
        raise LocalPostgresFailed(f"No embedded PostgreSQL has run in {data_dir}.")
    return _url(location, DATABASE)


def _url(location: ServerLocation, database: str) -> str:
    return f"postgres://{USER}:{location.password}@/{database}?host={quote(location.socket, safe='/')}"


def _locked(data_dir: Path, holder: str) -> IO[str]:
    """Locks the folder until the last process that inherits the lock ends. Raises LocalPostgresFailed."""
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
    """Raises LocalPostgresFailed when another major version made the data."""
    version = data / "PG_VERSION"
    if version.exists() and (found := version.read_text().strip()) != major_version():
        raise LocalPostgresFailed(
            f"{data} was made by PostgreSQL {found}; {major_version()} is installed. "
            "Move the data with pg_dump of that version, or set DATA_DIR."
        )


def _init_data(location: ServerLocation, folder: Path, owner: Owner) -> None:
    """Creates the data folder, whole or not at all. Raises LocalPostgresFailed."""
    making = Path(tempfile.mkdtemp(prefix="data-", dir=location.home))
    os.chown(making, owner.uid, owner.gid)
    password = making.with_suffix(".password")
    password.touch(mode=0o600)
    password.write_text(location.password)
    os.chown(password, owner.uid, owner.gid)
    command = [str(folder / "initdb"), "-D", str(making), "-U", USER, "--pwfile", str(password)]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run(  # type: ignore[call-overload]  # noqa: S603 - a program of our own environment
        command, env={"LC_ALL": "C"}, cwd="/", capture_output=True, text=True, check=False, **owner.process
    )
    password.unlink()
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip()).replace("\n", " ")[-300:]
        raise LocalPostgresFailed(f"The embedded PostgreSQL could not create its data: {reason}")
    making.rename(location.data)


def _is_ready(pid_file: Path) -> bool:
    # The eighth line is the state; pg_ctl reads it too.
    try:
        lines = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _last_error(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if "FATAL" in line or "ERROR" in line]
    return lines[-1].partition("  ")[2].strip() if lines else f"see {log}"


def _end_with_parent(parent: int, number: signal.Signals) -> Callable[[], None] | None:
    """Runs in the child: asks Linux for a signal when the parent dies (prctl(2), PR_SET_PDEATHSIG). None on other systems."""
    if _LIBC is None:
        return None

    def prepare() -> None:
        _LIBC.prctl(1, number)
        if os.getppid() != parent:
            os._exit(1)

    return prepare
