"""Recordings on their way: a folder for each on a local disk, from the first audio to the bucket.

    <call id, 32 hex digits>/
        about.json    whose it is and where it goes; no secret
        audio         the file as it will be stored, growing while the call runs
        ended.json    when the stream ended in order; blank before, and after a crash
        state.json    how far the upload is; blank before the first try
        lock          held (flock) by the process that records or stores it; a process that dies lets go of it

A folder appears with its lock held and goes as a whole, by being renamed. One that cannot be stored is set aside under a name
with a dot (`set_aside.py` lists, adopts and discards these). Several workers of one machine share the spool:
who gets the lock works on the recording. What is written later has its place from the beginning, so that a full disk can be
emptied. Nothing is synced to the disk: it survives the process, not the machine.

Long because all that touches its folders stays in one place.
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

from app.foundation.concurrency_limits import Share
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

# Folders that are being made or removed; nobody but who does it looks into them.
_MAKING, _REMOVING = ".new-", ".gone-"
# Folders that no worker stores: only an operator's command moves or removes them.
_SET_ASIDE = ".aside-"
# The same, by an older version.
_SET_ASIDE_BEFORE = ".broken-"
# Of the spool, for one account and for the accounts of one service provider: no other goes unrecorded for a storage that is
# not its own.
_QUOTAS = {Share.ACCOUNT: 0.25, Share.PROVIDER: 0.75}
# On the disk, of a recording's folder and its files but the audio; so that a great many short ones count for what they are.
_FOLDER_BYTES = 20_480
# Of what it may hold: running calls may grow over that by so much before they are ended.
_HARD_LIMIT = 1.1
# A folder that is still being made or removed after this time was left so by a process that is no more.
_STALE_SECONDS = 60


class Spool:
    """The folder with all recordings that are on their way. Raises OSError where the disk does."""

    def __init__(self, path: Path, maximum_bytes: int) -> None:
        """Makes the folder where it is missing."""
        self._path = path
        self._maximum_bytes = maximum_bytes
        self._counter_lock = threading.Lock()
        self._bytes = 0
        self._bytes_of: Counter[UUID] = Counter()
        self._owners: dict[str, tuple[UUID, ...]] = {}
        self._logged: set[UUID] = set()
        path.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(PermissionError):  # another's folder; what is in it is closed all the same
            path.chmod(FOLDER_MODE)
        self.id = spool_id(path / ".id")
        """Tells this spool from those of other machines."""
        self.measure()

    def size_bytes(self) -> int:
        """In bytes: as measured last, and what this process has added or removed since."""
        return self._bytes

    @property
    def is_full(self) -> bool:
        """New recordings are refused."""
        return self._bytes >= self._maximum_bytes

    @property
    def is_overfull(self) -> bool:
        """Running recordings are ended too."""
        return self._bytes > self._maximum_bytes * _HARD_LIMIT

    def full_share(self, account_id: UUID, service_provider_id: UUID | None) -> Share | None:
        """Which of the two has as much here, running and waiting, as one may: a quarter of the whole, and three."""
        for share, owner_id in ((Share.ACCOUNT, account_id), (Share.PROVIDER, service_provider_id)):
            if owner_id is not None and self._bytes_of[owner_id] >= self._maximum_bytes * _QUOTAS[share]:
                return share
        return None

    def measure(self) -> None:
        """Counts anew, since other workers add and remove too, and removes what dead processes left half made.

        Reads the whole folder: for a thread, now and then.
        """
        found = 0
        bytes_of: Counter[UUID] = Counter()
        owners: dict[str, tuple[UUID, ...]] = {}
        for entry in self._entries():
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                if entry.name.startswith((_MAKING, _REMOVING)) and entry.stat().st_mtime < time.time() - _STALE_SECONDS:
                    shutil.rmtree(entry.path, ignore_errors=True)
                    continue
                size = _FOLDER_BYTES + (Path(entry.path) / "audio").stat().st_size
                found += size
                owners[entry.name] = self._owners.get(entry.name) or owners_in(Path(entry.path))
                for owner_id in owners[entry.name]:
                    bytes_of[owner_id] += size
        with self._counter_lock:
            self._bytes, self._bytes_of, self._owners = found, bytes_of, owners

    def create(self, metadata: RecordingMetadata) -> "SpooledRecording":
        """A new recording, held by this process. Raises FileExistsError when there is one of this call."""
        folder, making = self.folder(metadata.call_id), self._path / f"{_MAKING}{metadata.call_id.hex}-{os.getpid()}"
        making.mkdir(FOLDER_MODE)
        lock, recording = -1, None
        try:
            lock = open_lock(making)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            replace_json(making / "about.json", metadata.to_json())
            for name in ("state.json", "ended.json"):
                write_text(making / name, RESERVED)
            recording = SpooledRecording(self, making, metadata, lock)
            # Renaming onto a folder that is not empty is refused.
            making.rename(folder)
            self.add_bytes(metadata, _FOLDER_BYTES)
        except OSError as error:
            if recording is not None:
                recording.close()
            elif lock >= 0:
                os.close(lock)
            shutil.rmtree(making, ignore_errors=True)
            if folder.exists():
                raise FileExistsError(f"{metadata.call_id} is in the spool already") from error
            raise
        recording.set_folder(folder)
        return recording

    def call_ids(self) -> list[UUID]:
        """The calls whose recordings are here, held by somebody or not; oldest first."""
        names = (entry.name for entry in self._entries() if not entry.name.startswith("."))
        return sorted(found for name in names if (found := parse_call_id(name)) is not None)

    def has(self, call_id: UUID) -> bool:
        """Whether the recording is here, held by somebody or not."""
        return self.folder(call_id).is_dir()

    def open(self, call_id: UUID) -> "SpooledRecording | None":
        """A recording that is here, held by this process from now on; None when another holds it, it is gone, or unreadable."""
        folder, lock = self.folder(call_id), -1
        try:
            lock = open_lock(folder)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have removed the folder between the two lines above.
            if os.stat(folder / "lock").st_ino == os.fstat(lock).st_ino:
                metadata = RecordingMetadata.from_json(json.loads((folder / "about.json").read_bytes()))
                return SpooledRecording(self, folder, metadata, lock)
        except (BlockingIOError, FileNotFoundError):
            pass
        except (ValueError, KeyError, TypeError, IsADirectoryError, NotADirectoryError):
            _log.error("a recording in the spool cannot be read: set aside", call_id=call_id.hex)
            with contextlib.suppress(OSError):  # it is met, and told, again
                folder.rename(self.set_aside_folder(call_id))
        except OSError as error:
            self._log_once(call_id, error)
        if lock >= 0:
            os.close(lock)
        return None

    def add_bytes(self, metadata: RecordingMetadata, more: int) -> None:
        """For recordings, which tell how they grow and go; in bytes."""
        with self._counter_lock:
            self._bytes += more
            for owner_id in metadata.owners:
                self._bytes_of[owner_id] += more

    def _log_once(self, call_id: UUID, error: OSError) -> None:
        """The disk may give it later: it stays where it is, and is asked for again and again."""
        if call_id not in self._logged:
            self._logged.add(call_id)
            _log.error("a recording in the spool cannot be opened now", call_id=call_id.hex, reason=error.strerror)

    def set_aside_ids(self) -> list[UUID]:
        """The calls whose recordings were set aside; oldest first."""
        names = (entry.name for entry in self._entries() if entry.name.startswith((_SET_ASIDE, _SET_ASIDE_BEFORE)))
        return sorted({found for name in names if (found := parse_call_id(name.partition("-")[2])) is not None})

    def set_aside_folder(self, call_id: UUID) -> Path:
        """Where a recording lies that was set aside, or will."""
        broken = self._path / f"{_SET_ASIDE_BEFORE}{call_id.hex}"
        return broken if broken.is_dir() else self._path / f"{_SET_ASIDE}{call_id.hex}"

    def restore_set_aside(self, metadata: RecordingMetadata, state: Json) -> None:
        """Gives the workers what was set aside, with these contents of its files. Raises OSError: it stays set aside then.

        FileExistsError where the spool has a recording of this call by now.
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
        """Where a recording lies that workers store."""
        return self._path / call_id.hex

    def _entries(self) -> "Iterator[os.DirEntry[str]]":
        with os.scandir(self._path) as entries:
            yield from (entry for entry in entries if entry.is_dir(follow_symlinks=False))


class SpooledRecording:
    """One recording, held by this process until `close` or `remove`. One thread at a time uses it."""

    def __init__(self, spool: Spool, folder: Path, metadata: RecordingMetadata, lock: int) -> None:
        self.metadata = metadata
        self.set_folder(folder)
        self._spool = spool
        self._lock = lock
        self._audio = os.open(self.audio_path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        self.audio_bytes = os.fstat(self._audio).st_size
        """How long the audio is by now."""

    def set_folder(self, folder: Path) -> None:
        """From now on."""
        self._folder = folder
        self.audio_path = folder / "audio"

    def append(self, data: bytes | bytearray) -> None:
        """Raises OSError, such as for a full disk; nothing of it is there then."""
        try:
            self.overwrite(self.audio_bytes, data)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._audio, self.audio_bytes)
            raise
        self.audio_bytes += len(data)
        self._spool.add_bytes(self.metadata, len(data))

    def overwrite(self, offset: int, data: bytes | bytearray) -> None:
        """Writes at a place of the audio: a header whose sizes are known at last."""
        left = memoryview(data)
        while left:
            written = os.pwrite(self._audio, left, offset)
            left, offset = left[written:], offset + written

    def truncate(self, length: int) -> None:
        """Takes off what is beyond a length in bytes: a piece of a frame that a crash has left."""
        os.ftruncate(self._audio, length)
        self._spool.add_bytes(self.metadata, length - self.audio_bytes)
        self.audio_bytes = length

    def read(self, offset: int, length: int) -> bytes:
        """A piece of the audio; shorter at its end."""
        pieces = []
        while length and (piece := os.pread(self._audio, length, offset)):
            pieces.append(piece)
            offset, length = offset + len(piece), length - len(piece)
        return b"".join(pieces)

    def finish(self, ended: StreamEnd) -> None:
        """The stream has ended in order, and all audio is here."""
        overwrite_json(self._folder / "ended.json", {**asdict(ended), "ended_at": ended.ended_at.isoformat()})

    @property
    def stream_end(self) -> StreamEnd | None:
        """None while the call runs, and after a crash."""
        stored = read_json(self._folder / "ended.json")
        if stored is None:
            return None
        known = {name: stored[name] for name in StreamEnd.__dataclass_fields__ if name in stored}
        return StreamEnd(**{**known, "ended_at": datetime.fromisoformat(stored["ended_at"])})

    def read_state(self) -> Json | None:
        """What `write_state` wrote last; None before that."""
        return read_state(self._folder)

    def write_state(self, state: Json) -> None:
        """JSON types only."""
        overwrite_json(self._folder / "state.json", state)

    def remove(self) -> None:
        """Takes the recording out of the spool, and lets go of it."""
        gone = self._folder.with_name(f"{_REMOVING}{self._folder.name}-{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            self._folder.rename(gone)
            self._spool.add_bytes(self.metadata, -self.audio_bytes - _FOLDER_BYTES)
        self.close()
        shutil.rmtree(gone, ignore_errors=True)

    def set_aside(self) -> None:
        """Takes it away from the workers, with all its audio. Raises OSError."""
        self._move(self._spool.set_aside_folder(self.metadata.call_id))

    def move_to(self, call_id: UUID) -> None:
        """It is the recording of a call that the database knows by another id. Raises OSError, also where that has one here.

        To be let go of then: who opens it next finds it as that call's. Its object keeps its key.
        """
        self._move(self._spool.folder(call_id))
        replace_json(self._folder / "about.json", replace(self.metadata, call_id=call_id).to_json())

    def _move(self, folder: Path) -> None:
        if folder != self._folder:
            self._folder.rename(folder)
            self.set_folder(folder)

    def close(self) -> None:
        """Lets go of it: another process may take it. May be called again."""
        if self._lock >= 0:
            os.close(self._audio)
            os.close(self._lock)
            # A thread that is late must not write into what has got the same number since.
            self._audio = self._lock = -1
