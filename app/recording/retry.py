"""The manual retry of a recording that was not stored."""

from typing import Any

from app.audit.audited_update import update_row
from app.audit.conflicts import ObjectRule
from app.calls.model import Call, RecordingState
from app.foundation.context import Context
from app.foundation.encryption import CannotOpen
from app.foundation.events import Change, LiveEvent, LiveEvents
from app.foundation.user_errors import UserErrors
from app.recording import lookup
from app.recording.rules import CALLS, RecordingRule
from app.recording.spool import Spool
from app.storage.s3 import ObjectStorage, StorageFailure

_RETRY_NOW = {"recording_state": RecordingState.STORING, "recording_attempts": 0, "recording_error": None}

_NOTHING_TO_STORE = {
    RecordingState.NONE: RecordingRule.NOT_RECORDED,
    RecordingState.RECORDING: RecordingRule.RECORDING_NOT_ENDED,
    RecordingState.STORED: RecordingRule.RECORDING_STORED,
    RecordingState.DELETED: RecordingRule.RECORDING_DELETED,
}


async def retry(context: Context, call_id: str) -> Call:
    """Marks the call STORING; the server that holds the audio starts within seconds, with all attempts.

    A recording that waits for its next attempt starts at once; one that is already in the bucket becomes STORED.
    Raises UserErrors: NOT_FOUND; CONFLICT when there is nothing to store, or when this server has lost the audio or
    set it aside.
    """
    call = await CALLS.get(context, call_id)
    if call.recording_state in _NOTHING_TO_STORE:
        raise UserErrors.one(_NOTHING_TO_STORE[call.recording_state], "id")
    values = _RETRY_NOW
    spool = context.use(Spool)
    if not spool.has(call.id):
        if spool.set_aside_folder(call.id).is_dir():
            raise UserErrors.one(RecordingRule.RECORDING_SET_ASIDE, "id", call=call_id)
        values = await _values_without_audio(context, call)
    where = {"recording_state": call.recording_state}
    changed = await update_row(context, Call, call.id, values, where=where, account_id=call.account_id)
    if changed is None:
        await CALLS.get(context, call_id)
        raise UserErrors.one(ObjectRule.OBJECT_BUSY, "id", object="recording")
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
        raise UserErrors.one(RecordingRule.RECORDING_LOST, "id")
    return _RETRY_NOW
