"""The spool: recordings on a local disk, each locked by one process."""

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from app.foundation.concurrency_limits import Quota
from app.recording.audio import Wav
from app.recording.crash_recovery import recover
from app.recording.metadata import RecordingMetadata, StreamEnd
from app.recording.spool import Spool
from app.storage.model import AudioFormat, BucketVendor
from app.storage.rules import Tag
from tests.recording.upload_setup import full_disk


def metadata() -> RecordingMetadata:
    return RecordingMetadata(
        call_id=uuid4(),
        account_id=uuid4(),
        gateway_call_id="a@b",
        format=AudioFormat.MP3,
        sample_rate=8000,
        channels=2,
        started_at=datetime.now(UTC),
        vendor=BucketVendor.AWS_S3,
        endpoint_url=None,
        bucket="recordings",
        region="eu-central-1",
        key="2026/01/02/CA00.mp3",
        credential_id=uuid4(),
        tags=(Tag("customer", "Größe"),),
    )


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", 400_000)


def test_another_process_reads_the_same_recording(spool: Spool, tmp_path: Path) -> None:
    expected, ended = metadata(), StreamEnd(datetime.now(UTC), 1_500, 12_000)
    recording = spool.create(expected)
    recording.append(b"abc")
    recording.append(bytearray(b"def"))
    recording.overwrite(1, b"XY")
    recording.write_state({"attempts": 2})
    recording.finish(ended)
    recording.close()
    other = Spool(tmp_path / "spool", 1_000)
    assert other.call_ids() == [expected.call_id]
    found = other.open(expected.call_id)
    assert found is not None
    assert (found.metadata, found.stream_end, found.read_state()) == (expected, ended, {"attempts": 2})
    assert (found.audio_path.read_bytes(), found.audio_bytes, found.read(2, 2)) == (b"aXYdef", 6, b"Yd")


def test_a_recording_is_locked_by_one_process(spool: Spool) -> None:
    expected = metadata()
    recording = spool.create(expected)
    assert spool.call_ids() == [expected.call_id]
    assert spool.open(expected.call_id) is None
    with pytest.raises(FileExistsError):
        spool.create(expected)
    recording.close()
    again = spool.open(expected.call_id)
    assert again is not None
    again.remove()
    assert (spool.call_ids(), spool.open(expected.call_id)) == ([], None)


def test_a_recovered_recording_ends_at_its_last_write(spool: Spool) -> None:
    recording = spool.create(replace(metadata(), format=AudioFormat.WAV))
    recording.append(Wav(8_000, 2).begin() + bytes(32_000))
    os.utime(recording.audio_path, (1_000_000_000,) * 2)
    assert recover(recording).ended_at == datetime.fromtimestamp(1_000_000_000, UTC)


def test_a_killed_process_releases_its_locks(spool: Spool, tmp_path: Path) -> None:
    expected = metadata()
    spool.create(expected).close()
    before_commit = (
        "import sys, uuid, pathlib; from app.recording.spool import Spool\n"
        "held = Spool(pathlib.Path(sys.argv[1]), 1).open(uuid.UUID(sys.argv[2]))\n"
        "held.append(b'abc'); print(held is not None, flush=True); sys.stdin.read()"
    )
    arguments = [sys.executable, "-c", before_commit, str(tmp_path / "spool"), str(expected.call_id)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert spool.open(expected.call_id) is None
        process.kill()
    found = spool.open(expected.call_id)
    assert found is not None
    assert found.stream_end is None
    assert found.audio_path.read_bytes() == b"abc"


def test_the_spool_is_full_at_its_limit_and_not_after_a_removal(spool: Spool) -> None:
    recording = spool.create(metadata())
    assert not spool.is_full
    recording.append(bytes(400_000))
    assert spool.is_full
    recording.remove()
    assert spool.size_bytes() == 0


def test_short_recordings_count_with_the_size_of_their_folders(spool: Spool) -> None:
    for _ in range(4):
        spool.create(metadata()).append(b"x")
    counted = spool.size_bytes()
    assert 4 * 16_384 < counted < 4 * 32_768
    spool.measure()
    assert spool.size_bytes() == counted


def test_measuring_finds_the_free_space_and_the_recording_that_has_waited_longest(spool: Spool) -> None:
    spool.measure()
    assert spool.oldest_waiting_seconds == 0
    for waited, is_set_aside in ((300, False), (700, False), (5_000, True)):
        one = metadata()
        spool.create(one).close()
        folder = spool.folder(one.call_id)
        os.utime(folder / "audio", (0, time.time() - waited))
        if is_set_aside:
            folder.rename(spool.set_aside_folder(one.call_id))
    spool.measure()
    assert 700 <= spool.oldest_waiting_seconds < 760
    assert 0 < spool.free_bytes <= shutil.disk_usage(spool.folder(uuid4()).parent).total


def test_audio_added_by_other_processes_is_measured(spool: Spool, tmp_path: Path) -> None:
    Spool(tmp_path / "spool", 1).create(metadata()).append(bytes(5_000))
    assert spool.size_bytes() == 0
    spool.measure()
    assert spool.size_bytes() > 5_000


def test_an_account_has_a_quarter_of_the_spool_across_processes(spool: Spool, tmp_path: Path) -> None:
    mine, other = metadata(), metadata()
    recording = spool.create(mine)
    recording.append(bytes(100_000 - spool.size_bytes() - 1))
    assert full_share(spool, mine) is None
    recording.append(bytes(1))
    assert [full_share(spool, one) for one in (mine, other)] == [Quota.ACCOUNT, None]
    recording.remove()
    assert full_share(spool, mine) is None
    Spool(tmp_path / "spool", 1).create(other).append(bytes(100_000))
    for _ in range(2):
        spool.measure()
        assert [full_share(spool, one) for one in (mine, other)] == [None, Quota.ACCOUNT]


def test_a_provider_has_three_quarters_of_the_spool_across_accounts_and_processes(spool: Spool, tmp_path: Path) -> None:
    provider = uuid4()
    *mine, empty = [replace(metadata(), service_provider_id=provider) for _ in range(5)]
    other = replace(metadata(), service_provider_id=uuid4())
    recordings = [spool.create(one) for one in mine]
    for recording in recordings[:3]:
        recording.append(bytes(60_000))
    recordings[3].append(bytes(299_999 - spool.size_bytes()))
    assert full_share(spool, empty) is None
    recordings[3].append(bytes(1))
    assert [full_share(spool, one) for one in (empty, other)] == [Quota.PROVIDER, None]
    another = Spool(tmp_path / "spool", 400_000)
    assert [full_share(another, one) for one in (empty, other)] == [Quota.PROVIDER, None]
    recordings[0].remove()
    assert full_share(spool, empty) is None
    another.measure()
    assert full_share(another, empty) is None


def full_share(spool: Spool, expected: RecordingMetadata) -> Quota | None:
    return spool.full_share(expected.account_id, expected.service_provider_id)


def test_metadata_without_a_provider_from_an_older_version_is_read(spool: Spool, tmp_path: Path) -> None:
    expected = metadata()
    spool.create(expected).close()
    file = tmp_path / "spool" / expected.call_id.hex / "about.json"
    stored = json.loads(file.read_text())
    assert stored.pop("service_provider_id", "missing") is None
    file.write_text(json.dumps(stored))
    spool.measure()
    found = spool.open(expected.call_id)
    assert found is not None
    assert found.metadata == expected


def test_the_audio_can_be_truncated(spool: Spool) -> None:
    recording = spool.create(metadata())
    recording.append(b"abcdef")
    recording.truncate(4)
    recording.append(b"XY")
    assert recording.audio_path.read_bytes() == b"abcdXY"


def test_a_partial_write_on_a_full_disk_is_undone(spool: Spool, tmp_path: Path) -> None:
    expected = metadata()
    recording = spool.create(expected)
    recording.append(bytes(4_000))
    with full_disk(tmp_path), pytest.raises(OSError, match="No space"):
        recording.append(bytes(1_000))
    recording.close()
    again = spool.open(expected.call_id)
    assert again is not None
    assert again.audio_bytes == 4_000


def test_a_failed_creation_leaves_no_open_files_and_no_folder(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, opened = metadata(), os.open
    open_files = len(os.listdir("/proc/self/fd"))
    for limit in range(4):
        left = limit

        def open_file(*given: Any, **options: Any) -> int:
            nonlocal left
            left -= 1
            if left == -1:
                raise OSError(errno.EMFILE, "Too many open files")
            return opened(*given, **options)

        with monkeypatch.context() as patched:
            patched.setattr(os, "open", open_file)
            with pytest.raises(OSError, match="Too many open files"):
                spool.create(expected)
        assert len(os.listdir("/proc/self/fd")) == open_files
        assert [path.name for path in (tmp_path / "spool").iterdir() if path.is_dir()] == []
    assert spool.create(expected).audio_bytes == 0


def test_a_late_write_does_not_reach_another_file(spool: Spool, tmp_path: Path) -> None:
    recording = spool.create(metadata())
    recording.append(b"abc")
    recording.close()
    others = [tmp_path / name for name in "ab"]
    with ExitStack() as opened:
        for path in others:
            opened.enter_context(path.open("w+b"))
        changes: list[Callable[[], object]] = [
            lambda: recording.overwrite(0, b"xyz"),
            lambda: recording.truncate(1),
            lambda: recording.append(b"x"),
        ]
        for change in changes:
            with pytest.raises(OSError, match="Bad file descriptor"):
                change()
    assert [path.read_bytes() for path in others] == [b"", b""]


def test_stale_incomplete_folders_are_removed_and_recent_ones_are_not(spool: Spool, tmp_path: Path) -> None:
    old, young = tmp_path / "spool" / f".new-{uuid4().hex}-1", tmp_path / "spool" / f".gone-{uuid4().hex}-1"
    for folder in (old, young):
        folder.mkdir()
        (folder / "audio").write_bytes(b"x")
    os.utime(old, (time.time() - 3_600,) * 2)
    spool.measure()
    assert (old.exists(), young.exists(), spool.call_ids()) == (False, True, [])


@pytest.mark.parametrize("content", ['{"call_id"', "[]", "null", '"call_id"', "{}"])
def test_an_unreadable_recording_is_set_aside_and_does_not_block_others(
    spool: Spool, tmp_path: Path, content: str
) -> None:
    good, bad = metadata(), metadata()
    for expected in (good, bad):
        spool.create(expected).close()
    (tmp_path / "spool" / bad.call_id.hex / "about.json").write_text(content)
    assert spool.open(bad.call_id) is None
    assert spool.call_ids() == [good.call_id]
    assert (tmp_path / "spool" / f".aside-{bad.call_id.hex}" / "audio").exists()


def test_files_of_a_newer_version_are_read(spool: Spool, tmp_path: Path) -> None:
    expected, ended = metadata(), StreamEnd(datetime.now(UTC), 1_500, 12_000)
    recording = spool.create(expected)
    recording.finish(ended)
    recording.close()
    for name in ("about.json", "ended.json"):
        path = tmp_path / "spool" / expected.call_id.hex / name
        path.write_text(path.read_text().replace("{", '{"of_tomorrow": 1, ', 1))
    again = spool.open(expected.call_id)
    assert again is not None
    assert (again.metadata, again.stream_end) == (expected, ended)


def test_the_spool_holds_no_secret(spool: Spool) -> None:
    names = metadata().to_json().keys()
    assert not [name for name in names if "secret" in name or "access_key" in name]
    assert RecordingMetadata.from_json(replace(metadata(), tags=()).to_json()).tags == ()


def test_other_users_of_the_machine_cannot_read_the_spool(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        (tmp_path / "spool").mkdir()
        recording = Spool(tmp_path / "spool", 1_000).create(metadata())
        recording.append(b"abc")
        recording.write_state({"attempts": 2})
        recording.finish(StreamEnd(datetime.now(UTC), 1_500, 12_000))
    finally:
        os.umask(mask)
    found = [tmp_path / "spool", *(tmp_path / "spool").rglob("*")]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in found} == {
        path.name: "0o700" if path.is_dir() else "0o600" for path in found
    }
    assert len(found) == 8


@pytest.mark.parametrize("name", ["audio", "about.json", "lock"])
def test_a_folder_instead_of_a_file_is_logged_once_and_does_not_block_others(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    expected: list[str] = []
    monkeypatch.setattr("app.recording.spool._log", SimpleNamespace(error=lambda text, **_: expected.append(text)))
    bad = metadata()
    spool.create(bad).close()
    (tmp_path / "spool" / bad.call_id.hex / name).unlink()
    (tmp_path / "spool" / bad.call_id.hex / name).mkdir()
    open_files = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        assert spool.open(bad.call_id) is None
    assert (len(expected), len(os.listdir("/proc/self/fd"))) == (1, open_files)
    assert spool.call_ids() == []


def test_a_recording_that_cannot_be_opened_is_logged_once_and_stays(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: list[str] = []
    monkeypatch.setattr("app.recording.spool._log", SimpleNamespace(error=lambda text, **_: expected.append(text)))
    one = metadata()
    spool.create(one).close()

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    open_files = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patched:
        patched.setattr("app.recording.spool.SpooledRecording", broken)
        for _ in range(3):
            assert spool.open(one.call_id) is None
    assert (len(expected), len(os.listdir("/proc/self/fd"))) == (1, open_files)
    assert spool.open(one.call_id) is not None
