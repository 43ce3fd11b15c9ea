"""The manual retry of a recording that was not stored."""

from typing import Any

from app.audit.audited_update import update_row
from app.calls.model import Call, RecordingState
from app.foundation.context import Context
from app.foundation.encryption import CannotOpen
from app.foundation.events import Change, LiveEvent, LiveEvents
from app.foundation.identifiers import Kind, parse_sid
from app.foundation.user_errors import UserErrorCode, UserErrors
from app.recording import lookup
from app.recording.spool import Spool
from app.storage.s3 import ObjectStorage, StorageFailure

_RETRY_NOW = {"recording_state": RecordingState.STORING, "recording_attempts": 0, "recording_error": None}

_IS_SET_ASIDE = "The audio is set aside in this server's spool. For its operator: `python -m app spool --adopt {}`."


async def retry(context: Context, call_id: str) -> Call:
    """Marks the call STORING; the server that holds the audio starts within seconds, with all attempts.

    A recording that waits for its next attempt starts at once; one that is already in the bucket becomes STORED.
    Raises UserErrors: NOT_FOUND; CONFLICT when there is nothing to store, or when this server has lost the audio or
    set it aside.
    """
    call = await _found(context, call_id)
    if call.recording_state not in (RecordingState.FAILED, RecordingState.STORING):
        raise _conflict(_REASONS.get(call.recording_state, "The recording is stored already."))
    values = _RETRY_NOW
    spool = context.use(Spool)
    if not spool.has(call.id):
        if spool.set_aside_folder(call.id).is_dir():
            raise _conflict(_IS_SET_ASIDE.format(call_id))
        values = await _values_without_audio(context, call)
    where = {"recording_state": call.recording_state}
    changed = await update_row(context, Call, call.id, values, where=where, account_id=call.account_id)
    if changed is None:
        await _found(context, call_id)
        raise _conflict("The recording changed at the same time; load the call again.")
    context.use(LiveEvents).publish(LiveEvent(call.account_id, call.id, Change.RECORDING))
    return changed


async def _values_without_audio(context: Context, call: Call) -> dict[str, Any]:
    """The values of a recording that is not in this spool. Raises UserErrors CONFLICT when the audio no longer exists."""
    try:
        found = await lookup.find_in_bucket(context.keyring, context.use(ObjectStorage), call)
    except (StorageFailure, CannotOpen):
        found = None
    if found is not None:
        sizes = {"recording_size_bytes": found.size_bytes, "recording_duration_ms": found.duration_ms}
        return {"recording_state": RecordingState.STORED, "recording_error": None, **sizes}
    if context.use(Spool).id == (call.recording_error or {}).get("spool"):
        raise _conflict("This server's spool no longer has the audio: there is nothing left to store.")
    return _RETRY_NOW


async def _found(context: Context, call_id: str) -> Call:
    row_id = parse_sid(Kind.CALL, call_id)
    call = await context.viewer.visible(Call).get_or_none(id=row_id) if row_id else None
    if call is None:
        raise UserErrors.one(UserErrorCode.NOT_FOUND, "There is no such call.", "callId")
    return call


def _conflict(message: str) -> UserErrors:
    return UserErrors.one(UserErrorCode.CONFLICT, message, "callId")


_REASONS = {
    RecordingState.NONE: "The call was not recorded.",
    RecordingState.RECORDING: "The call is still being recorded.",
    RecordingState.DELETED: "The recording was deleted.",
}
