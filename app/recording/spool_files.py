"""The small files of the spool: identity, locks, and JSON that can be written on a full disk."""

import contextlib
import errno
import json
import os
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from app.recording.metadata import Json, RecordingMetadata

# Readable by this server's Unix user alone: audio and call data.
FOLDER_MODE, FILE_MODE = 0o700, 0o600
# Space reserved with blanks: without it, on a full disk no upload could note its state, and the disk would never
# empty.
RESERVED = " " * 1_024


def read_state(folder: Path) -> Json | None:
    """The state last written to a recording's folder; None before the first."""
    return read_json(folder / "state.json")


def spool_id(path: Path) -> str:
    """The spool's id, kept in a file; if several processes create it at once, one wins."""
    with contextlib.suppress(FileExistsError):
        new = path.with_name(f".id-{os.getpid()}")
        write_text(new, uuid4().hex)
        os.link(new, path)
    path.with_name(f".id-{os.getpid()}").unlink(missing_ok=True)
    return path.read_text()


def open_lock(folder: Path) -> int:
    return os.open(folder / "lock", os.O_RDWR | os.O_CREAT, FILE_MODE)


def parse_call_id(name: str) -> UUID | None:
    try:
        return UUID(hex=name)
    except ValueError:
        return None


def owners_in(folder: Path) -> tuple[UUID, ...]:
    """Owners of the recording in a folder; empty when unreadable."""
    try:
        return RecordingMetadata.from_json(json.loads((folder / "about.json").read_bytes())).owners
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def overwrite_json(path: Path, value: Json) -> None:
    """Overwrites in place, which needs no free space. Only the lock's holder uses the file, so no reader sees half of it."""
    data = json.dumps(value).encode().ljust(len(RESERVED))
    file = os.open(path, os.O_WRONLY | os.O_CREAT, FILE_MODE)
    try:
        if os.pwrite(file, data, 0) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(file, len(data))
    finally:
        os.close(file)


def replace_json(path: Path, value: Json) -> None:
    """Replaces the file atomically."""
    new = path.with_name(f".{path.name}")
    write_text(new, json.dumps(value))
    new.replace(path)


def write_text(path: Path, text: str) -> None:
    with open(path, "w", opener=partial(os.open, mode=FILE_MODE)) as file:
        file.write(text)


def read_json(path: Path) -> Json | None:
    try:
        return dict(json.loads(path.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
