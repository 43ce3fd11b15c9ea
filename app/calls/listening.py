"""Addresses under which a recording can be heard."""

from uuid import UUID

from app.calls.model import Call
from app.context import Context
from app.identifiers import Kind, show
from app.recording.model import AudioFormat


def address_of(context: Context, call_id: UUID, account_id: UUID, audio_format: AudioFormat | None = None) -> str:
    suffix = f".{str(audio_format.value).lower()}" if audio_format else ""
    return f"{context.opened.settings.base_url}/recordings/{show(Kind.CALL, call_id)}{suffix}"


def player_address_of(context: Context, call_id: UUID, account_id: UUID) -> str:
    return f"{context.opened.settings.base_url}/recordings/{show(Kind.CALL, call_id)}/player"


async def storage_address_of(context: Context, call: Call) -> str | None:
    return None
