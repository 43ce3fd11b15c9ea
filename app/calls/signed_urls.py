"""Signed URLs of recordings, valid for an hour, and the audit of playbacks.

A browser's audio element sends no Authorization header. A signed URL therefore names its creator by the SID of a key
or session, signed together with the call and the expiry. It is valid only as long as that key or session.
"""

import hmac
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from app.audit import trail
from app.audit.secret_reads import SecretReads
from app.calls import recording_locations
from app.calls.model import Call, RecordingState
from app.foundation.access import Viewer
from app.foundation.context import Context
from app.foundation.encryption import Keyring
from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.storage.model import CONTENT_TYPES, AudioFormat

URL_SECONDS = 3_600
STORAGE_URL_SECONDS = 900
"""Shorter, because it cannot be revoked: the storage does not know our keys."""
OPERATION = "playRecording"
# Pairs of caller and call. The least recent are dropped, and audited again if they continue.
_MAXIMUM_ENTRIES = 50_000
_PURPOSE = "address of a recording"
_SECONDS_AN_HOUR = 3_600


def recording_url(context: Context, call_id: UUID, account_id: UUID, audio_format: AudioFormat | None = None) -> str:
    """The signed URL of a recording: valid for URL_SECONDS, and no longer than the caller's key or session."""
    suffix = f".{audio_format.name.lower()}" if audio_format else ""
    return f"{_base(context, call_id)}{suffix}?{_signed_query(context, call_id, account_id)}"


def player_url(context: Context, call_id: UUID, account_id: UUID) -> str:
    """The URL of the player page, valid as long."""
    return f"{_base(context, call_id)}/player?{_signed_query(context, call_id, account_id)}"


async def storage_url(context: Context, call: Call) -> str | None:
    """A presigned URL of the storage, valid for STORAGE_URL_SECONDS. Batched over the rows of a response.

    None unless the recording is STORED and a key for it is kept. Returning it counts as a playback.
    """
    if call.recording_state is not RecordingState.STORED:
        return None

    async def load(rows: list[_CallRow]) -> list[str | None]:
        return await _presigned(context, [each.call for each in rows])

    url = await context.loader("storage addresses", load).load(_CallRow(call.id, call))
    if url is not None and context.use(PlaybackEvents).is_new(context.viewer, call.id):
        event = {**trail.new_event(context, Call, call.id), "operation": OPERATION, "account_id": call.account_id}
        context.use(SecretReads).add(event)
    return url


@dataclass(frozen=True)
class _CallRow:
    """A call that compares equal by its id."""

    id: UUID
    call: Call = field(compare=False)


@dataclass(frozen=True)
class SignedUrl:
    """The content of a signed URL whose signature is valid."""

    account_id: UUID
    actor: str
    """The SID of the key or the session that it was made for."""


def verify_url(keyring: Keyring, call_id: UUID, query: Mapping[str, str]) -> SignedUrl | None:
    """None when the URL was not signed for this call, or has expired."""
    account_id, actor, end = (
        parse_sid(Kind.ACCOUNT, query.get("account", "")),
        query.get("for", ""),
        query.get("expires", ""),
    )
    expected = _signature(keyring, call_id, account_id or UUID(int=0), actor, end)
    # Compare bytes: a text with non-ASCII characters cannot be compared.
    is_right = hmac.compare_digest(expected.encode(), query.get("signature", "").encode(errors="replace"))
    if not is_right or account_id is None or int(end) <= time.time():
        return None
    return SignedUrl(account_id, actor)


class PlaybackEvents:
    """Audits each playback of a call by a caller once an hour. One per process."""

    def __init__(self) -> None:
        self._hours: OrderedDict[tuple[UUID | None, UUID], int] = OrderedDict()

    def is_new(self, viewer: Viewer, call_id: UUID) -> bool:
        """Whether this is the first playback in this hour; registers it."""
        key, hour = (viewer.key_id or viewer.user_id, call_id), int(time.time()) // _SECONDS_AN_HOUR
        if self._hours.get(key) == hour:
            return False
        self._hours[key] = hour
        self._hours.move_to_end(key)
        if len(self._hours) > _MAXIMUM_ENTRIES:
            self._hours.popitem(last=False)
        return True

    async def record(self, context: Context, call: Call) -> None:
        """Audits the playback before any audio is sent."""
        if self.is_new(context.viewer, call.id):
            try:
                await trail.record(context, call)
            except BaseException:
                self._hours.pop((context.viewer.key_id or context.viewer.user_id, call.id), None)
                raise


def file_name(call: Call, *, with_numbers: bool = True) -> str:
    """The file name of a download: start, caller and callee, with safe characters only."""
    numbers = [_safe(call.from_number), _safe(call.to_number)] if with_numbers else []
    parts = [f"{call.started_at:%Y-%m-%d_%H-%M-%S}", *numbers]
    return f"{'_'.join(filter(None, parts))}.{suffix_of(call)}"


def suffix_of(call: Call) -> str:
    return call.recording_format.name.lower() if call.recording_format else ""


def content_type(call: Call) -> str:
    return CONTENT_TYPES[call.recording_format or AudioFormat.MP3]


def _base(context: Context, call_id: UUID) -> str:
    return f"{context.resources.settings.base_url}/recordings/{sid_of(Kind.CALL, call_id)}"


def _signed_query(context: Context, call_id: UUID, account_id: UUID) -> str:
    viewer, end = context.viewer, str(int(time.time()) + URL_SECONDS)
    actor = sid_of(Kind.API_KEY, viewer.key_id) if viewer.key_id else ""
    if viewer.session_id is not None:
        actor = sid_of(Kind.SESSION, viewer.session_id)
    signature = _signature(context.keyring, call_id, account_id, actor, end)
    account = sid_of(Kind.ACCOUNT, account_id)
    return urlencode({"account": account, "expires": end, "for": actor, "signature": signature})


def _signature(keyring: Keyring, call_id: UUID, account_id: UUID, actor: str, end: str) -> str:
    payload = "\0".join((call_id.hex, account_id.hex, actor, end))
    return keyring.keyed_hash(_PURPOSE, payload.encode(errors="replace")).hex()


async def _presigned(context: Context, calls: list[Call]) -> list[str | None]:
    wanted: list[Any] = [
        {
            "Key": call.recording_key,
            "ResponseContentType": content_type(call),
            "ResponseContentDisposition": f'inline; filename="{file_name(call)}"',
        }
        for call in calls
    ]
    return await recording_locations.presigned_urls(context, calls, wanted, STORAGE_URL_SECONDS)


def _safe(number: str | None) -> str:
    return "".join(sign for sign in number or "" if sign.isascii() and (sign.isalnum() or sign == "+"))[:32]
