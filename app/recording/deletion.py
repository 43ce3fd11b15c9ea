"""Deleting a recording: the object goes first, then the call says so. Never another key, and never the call itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from tortoise.transactions import in_transaction

from app.audit.audited_update import change
from app.calls import recording_locations
from app.calls.model import Call, RecordingState
from app.calls.partitions import hold_months
from app.foundation.context import Context
from app.foundation.errors import UserErrorCode, UserErrors
from app.foundation.events import LiveEvents
from app.foundation.identifiers import Kind, parse_sid
from app.recording import credential_retention, lifecycle
from app.storage.failures import advice
from app.storage.s3 import Bucket, ObjectStorage, StorageFailure

# How often a deletion looks again because the recording got another state meanwhile.
_ATTEMPTS = 3
_LISTED_VERSIONS = 10


@dataclass(frozen=True)
class DeletionResult:
    """What became of it."""

    call: Call
    kept_versions: bool | None
    """Whether the bucket keeps older versions of the object; None when no object was deleted."""


async def delete(context: Context, call_id: str) -> DeletionResult:
    """Deletes the recording of a call. One that was deleted already stays so, without another event.

    What waits for its storage is deleted by the machine that holds it, within seconds. When it is killed between the object and
    the row, the row says STORED; to delete it again does the rest. Raises UserErrors: NOT_FOUND; CONFLICT while the call is
    being recorded; STORAGE_REFUSED, and then nothing was changed.
    """
    for _ in range(_ATTEMPTS):
        call = await _found(context, call_id)
        if call.recording_state is RecordingState.DELETED:
            return DeletionResult(call, None)
        if call.recording_state is RecordingState.RECORDING:
            raise _conflict("The call is still being recorded: delete the recording when the call has ended.")
        kept = await _delete_object(context, call) if call.recording_state is RecordingState.STORED else None
        changed = await _mark_deleted(context, call)
        if changed is not None:
            lifecycle.publish(context.use(LiveEvents), call.id, call.account_id)
            return DeletionResult(changed, kept)
    raise _conflict("The recording keeps changing; try again in a moment.")


async def _found(context: Context, call_id: str) -> Call:
    row_id = parse_sid(Kind.CALL, call_id)
    call = await context.viewer.visible(Call).get_or_none(id=row_id) if row_id else None
    if call is None:
        raise UserErrors.one(UserErrorCode.NOT_FOUND, "There is no such call within your reach.", "callId")
    if call.recording_state is RecordingState.NONE:
        raise UserErrors.one(UserErrorCode.NOT_FOUND, "The call was not recorded.", "callId")
    return call


async def _mark_deleted(context: Context, call: Call) -> Call | None:
    """The call with its tombstone; None when the recording has another state by now."""
    values = {"recording_state": RecordingState.DELETED, "recording_error": None}
    if call.recording_state is not RecordingState.STORED:
        # Whoever holds the audio may have to undo an upload, with the keys.
        return await _change(context, call, values)
    values["recording_credential_id"] = None
    async with in_transaction():
        await hold_months()
        changed = await _change(context, call, values)
        if changed is not None and call.recording_credential_id is not None:
            await credential_retention.delete_if_unused(context, call.account_id, call.recording_credential_id)
    return changed


async def _change(context: Context, call: Call, values: Mapping[str, object]) -> Call | None:
    where = {"recording_state": call.recording_state}
    return await change(context, Call, call.id, values, where=where, account_id=call.account_id)


async def _delete_object(context: Context, call: Call) -> bool:
    """Whether older versions of the object are kept; what has gone with its bucket is gone. Raises UserErrors STORAGE_REFUSED."""
    key, targets = str(call.recording_key), (await recording_locations.targets_of(context, [call]))[call.id]
    if not targets:
        raise _refused("The keys that it was stored with were removed, and the account uses another bucket now.")
    try:
        async with recording_locations.request(context.use(ObjectStorage), targets, "delete_object", Key=key) as (
            bucket,
            answer,
        ):
            return bool(answer.get("DeleteMarker")) and await _keeps_versions(bucket, key)
    except StorageFailure as failure:
        if failure.code == "NoSuchBucket":
            return False  # nothing of it is left
        code = f" ({failure.code})" if failure.code else ""
        what = advice(failure)
        if failure.is_denied:
            what = "The key may not delete objects: allow it s3:DeleteObject."
        raise _refused(f"The storage did not delete the recording{code}. {what}") from None


async def _keeps_versions(bucket: Bucket, key: str) -> bool:
    """Whether there are versions of exactly this key. Where the keys may not look: there are, as the bucket keeps versions."""
    try:
        answer = await bucket.call("list_object_versions", Prefix=key, MaxKeys=_LISTED_VERSIONS)
    except StorageFailure:
        return True
    return any(version.get("Key") == key for version in answer.get("Versions", []))


def _conflict(message: str) -> UserErrors:
    return UserErrors.one(UserErrorCode.CONFLICT, message, "callId")


def _refused(message: str) -> UserErrors:
    return UserErrors.one(UserErrorCode.STORAGE_REFUSED, message, "callId")
