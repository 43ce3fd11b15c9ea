"""The spool: one folder per recording on a local disk, from the first audio until the bucket has it.

    <call id, 32 hex digits>/
        about.json    owner, destination and facts of the call; no secret
        audio         the file as it will be stored; grows during the call
        ended.json    how the stream ended; blank before, and after a crash
        state.json    state of the upload; blank before the first attempt
        lock          locked (flock) by the process that records or uploads; the lock ends with the process

A folder appears locked and disappears as a whole, both by rename. Workers of one machine share the spool; the worker
that holds the lock processes the recording. A recording that cannot be stored is set aside under a name with a dot
(`set_aside.py` lists, adopts and discards these). Space for files that are written later is reserved at creation, so
that a full disk can be emptied. Nothing is synced to disk: the spool survives the process, not the machine.
"""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

import structlog

from app.foundation.concurrency_limits import Quota
from app.recording.metadata import Json, RecordingMetadata, StreamEnd
from app.recording.spool_files import (
    FILE_MODE,
    FOLDER_MODE,
    RESERVED,
    open_lock,
    overwrite_json,
    owners_in,
    parse_call_id,
    read_json,
    read_state,
    replace_json,
    spool_id,
    write_text,
)

_log = structlog.get_logger("recording.spool")

# Prefixes of folders that are being created or removed. Other processes ignore them.
_MAKING, _REMOVING = ".new-", ".gone-"
# Folders that workers ignore: only an operator's command moves or removes them.
_SET_ASIDE = ".aside-"
# The prefix that older versions used.
_SET_ASIDE_BEFORE = ".broken-"
# Shares of the spool for one account and for the accounts of one service provider: a failing storage must not block
# the recordings of other tenants.
_QUOTAS = {Quota.ACCOUNT: 0.25, Quota.PROVIDER: 0.75}
# Size of a folder with its files except the audio, so that many short recordings count correctly.
_FOLDER_BYTES = 20_480
# New recordings are refused at the limit; running ones may exceed it by this factor before they are ended.
_HARD_LIMIT = 1.1
# A folder still being created or removed after this time was left by a dead process.
_STALE_SECONDS = 60


class Spool:
    """The folder of all recordings that are not in their buckets yet. Methods raise OSError when the disk fails."""

    def __init__(self, path: Path, maximum_bytes: int) -> None:
        """Creates the folder if it is missing."""
        self._path = path
        self._maximum_bytes = maximum_bytes
        self._counter_lock = threading.Lock()
        self._bytes = 0
        self._bytes_of: Counter[UUID] = Counter()
        self._owners: dict[str, tuple[UUID, ...]] = {}
        self.free_bytes = 0
        """On the disk, when `measure` last ran."""
        self.oldest_waiting_seconds = 0.0
        """Since the last audio of the recording that has waited longest, when `measure` last ran."""
        self._logged: set[UUID] = set()
        path.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(PermissionError):  # the folder belongs to another user; the folders in it stay private
            path.chmod(FOLDER_MODE)
        self.id = spool_id(path / ".id")
        """Identifies this spool among those of other machines."""
        self.measure()

    def size_bytes(self) -> int:
        """As last measured, plus what this process has added and removed since."""
        return self._bytes

    @property
    def is_full(self) -> bool:
        """Whether new recordings are refused."""
        return self._bytes >= self._maximum_bytes

    @property
    def is_overfull(self) -> bool:
        """Whether running recordings are ended too."""
        return self._bytes > self._maximum_bytes * _HARD_LIMIT

    def full_share(self, account_id: UUID, service_provider_id: UUID | None) -> Quota | None:
        """The owner whose share is used up, if any: a quarter of the spool for an account, three quarters for a provider."""
        for share, owner_id in ((Quota.ACCOUNT, account_id), (Quota.PROVIDER, service_provider_id)):
            if owner_id is not None and self._bytes_of[owner_id] >= self._maximum_bytes * _QUOTAS[share]:
                return share
        return None

    def measure(self) -> None:
        """Measures the spool, which other workers change too, and removes folders left by dead processes.

        Reads the whole folder: call it in a thread, at intervals.
        """
        found = 0
        bytes_of: Counter[UUID] = Counter()
        owners: dict[str, tuple[UUID, ...]] = {}
        now = oldest = time.time()
        for entry in self._entries():
            with contextlib.suppress(FileNotFoundError):  # removed since the listing
                if entry.name.startswith((_MAKING, _REMOVING)) and entry.stat().st_mtime < time.time() - _STALE_SECONDS:
                    shutil.rmtree(entry.path, ignore_errors=True)
                    continue
                audio = (Path(entry.path) / "audio").stat()
                size = _FOLDER_BYTES + audio.st_size
                if not entry.name.startswith("."):
                    oldest = min(oldest, audio.st_mtime)
                found += size
                owners[entry.name] = self._owners.get(entry.name) or owners_in(Path(entry.path))
                for owner_id in owners[entry.name]:
                    bytes_of[owner_id] += size
        with self._counter_lock:
            self._bytes, self._bytes_of, self._owners = found, bytes_of, owners
        self.free_bytes = shutil.disk_usage(self._path).free
        self.oldest_waiting_seconds = now - oldest

    def create(self, metadata: RecordingMetadata) -> "SpooledRecording":
        """Creates a recording, locked by this process. Raises FileExistsError if the call has one already."""
        folder, new_folder = (
            self.folder(metadata.call_id),
            self._path / f"{_MAKING}{metadata.call_id.hex}-{os.getpid()}",
        )
        new_folder.mkdir(FOLDER_MODE)
        lock, recording = -1, None
        try:
            lock = open_lock(new_folder)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            replace_json(new_folder / "about.json", metadata.to_json())
            for name in ("state.json", "ended.json"):
                write_text(new_folder / name, RESERVED)
            recording = SpooledRecording(self, new_folder, metadata, lock)
            # Renaming onto a folder that is not empty fails.
            new_folder.rename(folder)
            self.add_bytes(metadata, _FOLDER_BYTES)
        except OSError as error:
            if recording is not None:
                recording.close()
            elif lock >= 0:
                os.close(lock)
            shutil.rmtree(new_folder, ignore_errors=True)
            if folder.exists():
                raise FileExistsError(f"{metadata.call_id} is in the spool already") from error
            raise
        recording.set_folder(folder)
        return recording

    def call_ids(self) -> list[UUID]:
        """The calls with a recording here, locked or not; oldest first."""
        names = (entry.name for entry in self._entries() if not entry.name.startswith("."))
        return sorted(found for name in names if (found := parse_call_id(name)) is not None)

    def has(self, call_id: UUID) -> bool:
        """Whether the recording is here, locked or not."""
        return self.folder(call_id).is_dir()

    def open(self, call_id: UUID) -> "SpooledRecording | None":
        """Locks and opens a recording. None if another process holds it, or if it is missing or unreadable."""
        folder, lock = self.folder(call_id), -1
        try:
            lock = open_lock(folder)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The previous holder may have removed the folder between opening and locking.
            if os.stat(folder / "lock").st_ino == os.fstat(lock).st_ino:
                metadata = RecordingMetadata.from_json(json.loads((folder / "about.json").read_bytes()))
                return SpooledRecording(self, folder, metadata, lock)
        except (BlockingIOError, FileNotFoundError):
            pass
        except (ValueError, KeyError, TypeError, IsADirectoryError, NotADirectoryError):
            _log.error("unreadable recording set aside", call_id=call_id.hex)
            with contextlib.suppress(OSError):  # the next scan finds and logs it again
                folder.rename(self.set_aside_folder(call_id))
        except OSError as error:
            self._log_once(call_id, error)
        if lock >= 0:
            os.close(lock)
        return None

    def add_bytes(self, metadata: RecordingMetadata, more: int) -> None:
        """Adds to the size of the spool and of its owners; negative to subtract."""
        with self._counter_lock:
            self._bytes += more
            for owner_id in metadata.owners:
                self._bytes_of[owner_id] += more

    def _log_once(self, call_id: UUID, error: OSError) -> None:
        """Logs once per recording: it stays in the spool, and each scan tries again, since the disk may recover."""
        if call_id not in self._logged:
            self._logged.add(call_id)
            _log.error("a recording in the spool cannot be opened", call_id=call_id.hex, reason=error.strerror)

    def set_aside_ids(self) -> list[UUID]:
        """The calls whose recordings are set aside; oldest first."""
        names = (entry.name for entry in self._entries() if entry.name.startswith((_SET_ASIDE, _SET_ASIDE_BEFORE)))
        return sorted({found for name in names if (found := parse_call_id(name.partition("-")[2])) is not None})

    def set_aside_folder(self, call_id: UUID) -> Path:
        """The folder of a recording that is or will be set aside."""
        older = self._path / f"{_SET_ASIDE_BEFORE}{call_id.hex}"
        return older if older.is_dir() else self._path / f"{_SET_ASIDE}{call_id.hex}"

    def restore_set_aside(self, metadata: RecordingMetadata, state: Json) -> None:
        """Returns a set-aside recording to the workers, with new metadata and a new state.

        Raises OSError, and then it stays set aside; FileExistsError when the spool has another recording of the call.
        """
        folder, target = self.set_aside_folder(metadata.call_id), self.folder(metadata.call_id)
        lock = open_lock(folder)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if target.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            replace_json(folder / "about.json", metadata.to_json())
            overwrite_json(folder / "state.json", state)
            folder.rename(target)
        finally:
            os.close(lock)

    def folder(self, call_id: UUID) -> Path:
        """The folder of a recording that workers process."""
        return self._path / call_id.hex

    def _entries(self) -> "Iterator[os.DirEntry[str]]":
        with os.scandir(self._path) as entries:
            yield from (entry for entry in entries if entry.is_dir(follow_symlinks=False))


class SpooledRecording:
    """One recording, locked by this process until `close` or `remove`. Not thread-safe."""

    def __init__(self, spool: Spool, folder: Path, metadata: RecordingMetadata, lock: int) -> None:
        self.metadata = metadata
        self.set_folder(folder)
        self._spool = spool
        self._lock = lock
        self._audio = os.open(self.audio_path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        self.audio_bytes = os.fstat(self._audio).st_size
        """Current length of the audio."""

    def set_folder(self, folder: Path) -> None:
        self._folder = folder
        self.audio_path = folder / "audio"

    def append(self, data: bytes | bytearray) -> None:
        """Appends audio. Raises OSError, such as for a full disk; the file is then unchanged."""
        try:
            self.overwrite(self.audio_bytes, data)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._audio, self.audio_bytes)
            raise
        self.audio_bytes += len(data)
        self._spool.add_bytes(self.metadata, len(data))

    def overwrite(self, offset: int, data: bytes | bytearray) -> None:
        """Writes at an offset: a header whose sizes are known only at the end."""
        left = memoryview(data)
        while left:
            written = os.pwrite(self._audio, left, offset)
            left, offset = left[written:], offset + written

    def truncate(self, length: int) -> None:
        """Truncates the audio to this length: a crash may leave part of a frame."""
        os.ftruncate(self._audio, length)
        self._spool.add_bytes(self.metadata, length - self.audio_bytes)
        self.audio_bytes = length

    def read(self, offset: int, length: int) -> bytes:
        """Reads a range of the audio; shorter at the end of the file."""
        pieces = []
        while length and (piece := os.pread(self._audio, length, offset)):
            pieces.append(piece)
            offset, length = offset + len(piece), length - len(piece)
        return b"".join(pieces)

    def finish(self, ended: StreamEnd) -> None:
        """Records that the stream ended normally and all audio is in the spool."""
        overwrite_json(self._folder / "ended.json", {**asdict(ended), "ended_at": ended.ended_at.isoformat()})

    @property
    def stream_end(self) -> StreamEnd | None:
        """None during the call, and after a crash."""
        stored = read_json(self._folder / "ended.json")
        if stored is None:
            return None
        known = {name: stored[name] for name in StreamEnd.__dataclass_fields__ if name in stored}
        return StreamEnd(**{**known, "ended_at": datetime.fromisoformat(stored["ended_at"])})

    def read_state(self) -> Json | None:
        """The last state written; None before the first."""
        return read_state(self._folder)

    def write_state(self, state: Json) -> None:
        overwrite_json(self._folder / "state.json", state)

    def remove(self) -> None:
        """Removes the recording from the spool and unlocks it."""
        removed = self._folder.with_name(f"{_REMOVING}{self._folder.name}-{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            self._folder.rename(removed)
            self._spool.add_bytes(self.metadata, -self.audio_bytes - _FOLDER_BYTES)
        self.close()
        shutil.rmtree(removed, ignore_errors=True)

    def set_aside(self) -> None:
        """Hides the recording from the workers, with all its audio. Raises OSError."""
        self._move(self._spool.set_aside_folder(self.metadata.call_id))

    def move_to(self, call_id: UUID) -> None:
        """Assigns the recording to another id of its call. Raises OSError, also when that call has a recording here.

        Close it afterwards: the next process that opens it finds it under the new id. Its object keeps its key.
        """
        self._move(self._spool.folder(call_id))
        replace_json(self._folder / "about.json", replace(self.metadata, call_id=call_id).to_json())

    def _move(self, folder: Path) -> None:
        if folder != self._folder:
            self._folder.rename(folder)
            self.set_folder(folder)

    def close(self) -> None:
        """Unlocks the recording for other processes. Safe to call again."""
        if self._lock >= 0:
            os.close(self._audio)
            os.close(self._lock)
            # A late thread must not write to a file that reuses the descriptor.
            self._audio = self._lock = -1
