"""Recordings set aside in the spool, for the operator's command: list, adopt, discard.

spool ── rows cannot be created again ──> set aside ── adopt ────> spool
                                              └────── discard ──> deleted
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from uuid import UUID

from tortoise.expressions import Q

from app.accounts import lookup as accounts
from app.calls.model import Call, CallKey
from app.foundation.events import LiveEvents
from app.foundation.identifiers import Kind, sid_of
from app.recording import lifecycle
from app.recording.metadata import RecordingMetadata
from app.recording.spool import Spool
from app.recording.spool_files import read_state
from app.recording.upload import UploadState

_UNREADABLE = "its about.json cannot be read"


class CannotAdopt(Exception):
    """The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class SetAsideRecording:
    """A recording that was set aside; `metadata` is None when it cannot be read."""

    call_id: UUID
    metadata: RecordingMetadata | None
    reason: str
    audio_bytes: int
    folder: Path

    @property
    def summary(self) -> str:
        """One line for the operator."""
        metadata = self.metadata
        owner = (
            f"account {sid_of(Kind.ACCOUNT, metadata.account_id)}, begun {metadata.started_at:%Y-%m-%d %H:%M} UTC, "
            if metadata
            else ""
        )
        return f"{sid_of(Kind.CALL, self.call_id)}: {owner}{self.audio_bytes} bytes; {self.reason} ({self.folder})"


def list_set_aside(spool: Spool) -> Iterator[SetAsideRecording]:
    """All of them, oldest first."""
    for call_id in spool.set_aside_ids():
        folder = spool.set_aside_folder(call_id)
        metadata = _read_metadata(folder)
        reason = UploadState.from_json(read_state(folder)).aside or "it could not be read" if metadata else _UNREADABLE
        audio = folder / "audio"
        yield SetAsideRecording(call_id, metadata, reason, audio.stat().st_size if audio.is_file() else 0, folder)


async def adopt(spool: Spool, recording: SetAsideRecording, account_id: UUID | None) -> None:
    """Returns a recording to the workers, which create its rows and store it; optionally for another account.

    Raises CannotAdopt.
    """
    if recording.metadata is None:
        raise CannotAdopt(f"{_UNREADABLE[4:]}: repair the file first ({recording.folder}), or discard the recording.")
    owner_id = account_id or recording.metadata.account_id
    provider_id = await accounts.provider_of_account(owner_id)
    if provider_id is None:
        owner = sid_of(Kind.ACCOUNT, owner_id)
        raise CannotAdopt(
            f"This database does not know the account {owner}: restore it, or name another with --account."
        )
    metadata = replace(recording.metadata, account_id=owner_id, service_provider_id=provider_id)
    await _check_rows(recording, metadata)
    # It may be FAILED. This command publishes no event; the worker's next change does.
    await lifecycle.mark_storing(LiveEvents(), metadata.call_id, metadata.account_id, key=metadata.key)
    # Start at once, with all attempts.
    state = replace(
        UploadState.from_json(read_state(recording.folder)),
        aside=None,
        is_adopted=True,
        attempts=0,
        first_failed_at=None,
    )
    try:
        spool.restore_set_aside(metadata, asdict(replace(state, next_attempt_at=None)))
    except FileExistsError:
        raise CannotAdopt("The spool has a recording of this call already.") from None
    except BlockingIOError:
        raise CannotAdopt("Another command works on this recording.") from None
    except OSError as error:
        raise CannotAdopt(f"{recording.folder} cannot be written: {error.strerror}.") from None


async def _check_rows(recording: SetAsideRecording, metadata: RecordingMetadata) -> None:
    """Raises CannotAdopt when the call belongs to another account, or has another recording."""
    for rows in (Call, CallKey):
        other = await rows.filter(id=metadata.call_id).exclude(account_id=metadata.account_id).first()
        if other is not None:
            raise CannotAdopt(
                f"The call is the account {sid_of(Kind.ACCOUNT, other.account_id)}'s: adopt it without --account."
            )
    same = Q(id=metadata.call_id) | Q(gateway_call_id=metadata.gateway_call_id)
    found = await Call.filter(same, account_id=metadata.account_id).only("id", "recording_key")
    if any(call.recording_key not in (None, metadata.key) for call in found):
        raise CannotAdopt(
            "The call has another recording in this database, and a call has one: copy "
            f"{recording.folder / 'audio'} to where you need it, then discard the recording."
        )


def discard(recording: SetAsideRecording) -> None:
    """Deletes the recording: there may be no other copy of it."""
    shutil.rmtree(recording.folder)


def _read_metadata(folder: Path) -> RecordingMetadata | None:
    try:
        return RecordingMetadata.from_json(json.loads((folder / "about.json").read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
