"""Server processes with one worker each, and their CPU and memory."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import psutil

ROOT = Path(__file__).resolve().parents[2]
OURS = ("-m", "app", "serve")
BY_HAND = ("-m", "tests.bench.handwritten")
_INHERITED = {"PATH", "HOME", "LANG"}


class ServerProcess:
    """A context manager for a server on a free port of the loopback; ready when entered."""

    def __init__(self, name: str, arguments: tuple[str, ...], environment: dict[str, str], log: Path) -> None:
        self.name = name
        self._arguments = arguments
        self._environment = environment
        self._log = log
        self.port = 0
        self.resident_at_start_mb = 0.0

    def __enter__(self) -> "ServerProcess":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        inherited = {name: value for name, value in os.environ.items() if name in _INHERITED}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments],
                cwd=ROOT,
                env={**inherited, **self._environment, "PORT": str(self.port)},
                stdout=log,
                stderr=log,
            )
        self._wait()
        self.resident_at_start_mb = self.resident_mb()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def cpu_seconds(self) -> float:
        """CPU seconds of the process and its children since they began."""
        times = [each.cpu_times() for each in self._processes()]
        return float(sum(each.user + each.system for each in times))

    def resident_mb(self) -> float:
        """Resident memory of the process and its children, in MB of 10^6 bytes."""
        return float(sum(each.memory_info().rss for each in self._processes()) / 1_000_000)

    def private_mb(self) -> float:
        """The part of `resident_mb` that no other process shares (as it does pages of libraries), in MB of 10^6 bytes."""
        return float(sum(each.memory_full_info().uss for each in self._processes()) / 1_000_000)

    def _processes(self) -> list[psutil.Process]:
        process = psutil.Process(self._process.pid)
        return [process, *process.children(recursive=True)]

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} did not start:\n{self._log.read_text()[-2000:]}") from None
                time.sleep(0.05)
