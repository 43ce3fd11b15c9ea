"""Recordings that were set aside in the spool, for the operator: what they are, back to the workers, or deleted.

spool ── rows cannot be made again ──> set aside ── adopt ──> spool
                                           └────── discard ──> gone
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from app.accounts import finding as accounts
from app.identifiers import Kind, show
from app.recording.spool import About, Spool

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
            f"account {show(Kind.ACCOUNT, about.account_id)}, begun {about.started_at:%Y-%m-%d %H:%M} UTC, "
            if about
            else ""
        )
        return f"{show(Kind.CALL, self.call_id)}: {whose}{self.audio_bytes} bytes; {self.reason} ({self.folder})"


def listed(spool: Spool) -> Iterator[Aside]:
    """All of them, oldest first."""
    for call_id in spool.aside():
        folder = spool.aside_folder(call_id)
        try:
            about, reason = About.from_json(json.loads((folder / "about.json").read_bytes())), _reason(folder)
        except (OSError, ValueError, KeyError, TypeError):
            about, reason = None, _UNREADABLE
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
        owner = show(Kind.ACCOUNT, owner_id)
        raise CannotAdopt(
            f"This database does not know the account {owner}: restore it, or name another with --account."
        )
    about = replace(one.about, account_id=owner_id, service_provider_id=provider_id)
    (one.folder / "about.json").write_text(json.dumps(about.to_json()))
    try:
        one.folder.rename(spool.folder(one.call_id))
    except OSError as error:
        raise CannotAdopt(f"The spool has a recording of this call already ({error.strerror}).") from None


def discard(one: Aside) -> None:
    """Deletes the recording: there may be no other copy of it."""
    shutil.rmtree(one.folder)


def _reason(folder: Path) -> str:
    return str(json.loads((folder / "state.json").read_bytes()).get("aside") or _UNREADABLE)
