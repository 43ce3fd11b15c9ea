"""Recordings that were set aside in the spool, for the operator: what they are, back to the workers, or deleted.

spool ── rows cannot be made again ──> set aside ── adopt ──> spool
                                           └────── discard ──> gone
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
from app.recording.spool import About, Spool, read_state
from app.recording.upload import State

_UNREADABLE = "its about.json cannot be read"


class CannotAdopt(Exception):
    """The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Aside:
    """A recording that was set aside; `about` is None where that cannot be read."""

    call_id: UUID
    about: About | None
    reason: str
    audio_bytes: int
    folder: Path

    @property
    def words(self) -> str:
        """One line for the operator."""
        about = self.about
        whose = (
            f"account {sid_of(Kind.ACCOUNT, about.account_id)}, begun {about.started_at:%Y-%m-%d %H:%M} UTC, "
            if about
            else ""
        )
        return f"{sid_of(Kind.CALL, self.call_id)}: {whose}{self.audio_bytes} bytes; {self.reason} ({self.folder})"


def listed(spool: Spool) -> Iterator[Aside]:
    """All of them, oldest first."""
    for call_id in spool.aside():
        folder = spool.aside_folder(call_id)
        about = _about(folder)
        reason = State.from_json(read_state(folder)).aside or "it could not be read" if about else _UNREADABLE
        audio = folder / "audio"
        yield Aside(call_id, about, reason, audio.stat().st_size if audio.is_file() else 0, folder)


async def adopt(spool: Spool, one: Aside, account_id: UUID | None) -> None:
    """Gives it back to the workers, who make its rows and store it; as another account's, if one is named.

    Raises CannotAdopt.
    """
    if one.about is None:
        raise CannotAdopt(f"{_UNREADABLE[4:]}: put the file in order first ({one.folder}), or discard the recording.")
    owner_id = account_id or one.about.account_id
    provider_id = await accounts.provider_of_account(owner_id)
    if provider_id is None:
        owner = sid_of(Kind.ACCOUNT, owner_id)
        raise CannotAdopt(
            f"This database does not know the account {owner}: restore it, or name another with --account."
        )
    about = replace(one.about, account_id=owner_id, service_provider_id=provider_id)
    await _check_rows(one, about)
    # It may have FAILED before. Of the command no listener hears; of what the worker makes of it, all do.
    await lifecycle.storing(LiveEvents(), about.call_id, about.account_id, key=about.key)
    # Tried at once, and with all its tries.
    state = replace(
        State.from_json(read_state(one.folder)), aside=None, is_adopted=True, attempts=0, first_failed_at=None
    )
    try:
        spool.bring_back(about, asdict(replace(state, next_attempt_at=None)))
    except FileExistsError:
        raise CannotAdopt("The spool has a recording of this call already.") from None
    except BlockingIOError:
        raise CannotAdopt("Another command works on this recording.") from None
    except OSError as error:
        raise CannotAdopt(f"{one.folder} cannot be written: {error.strerror}.") from None


async def _check_rows(one: Aside, about: About) -> None:
    """Raises CannotAdopt where the call is another account's here, or has another recording."""
    for rows in (Call, CallKey):
        other = await rows.filter(id=about.call_id).exclude(account_id=about.account_id).first()
        if other is not None:
            raise CannotAdopt(
                f"The call is the account {sid_of(Kind.ACCOUNT, other.account_id)}'s: adopt it without --account."
            )
    same = Q(id=about.call_id) | Q(gateway_call_id=about.gateway_call_id)
    found = await Call.filter(same, account_id=about.account_id).only("id", "recording_key")
    if any(call.recording_key not in (None, about.key) for call in found):
        raise CannotAdopt(
            f"The call has another recording in this database, and a call has one: copy {one.folder / 'audio'} to where you "
            "need it, then discard the recording."
        )


def discard(one: Aside) -> None:
    """Deletes the recording: there may be no other copy of it."""
    shutil.rmtree(one.folder)


def _about(folder: Path) -> About | None:
    try:
        return About.from_json(json.loads((folder / "about.json").read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
