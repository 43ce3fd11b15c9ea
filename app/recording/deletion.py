"""Deletes a recording: first the object, then the call's state changes. The call itself stays."""

from collections.abc import Mapping
from dataclasses import dataclass

from tortoise.transactions import in_transaction

from app.audit.audited_update import update_row
from app.audit.conflicts import ObjectRule
from app.calls import recording_locations
from app.calls.model import Call, RecordingState
from app.calls.partitions import hold_months
from app.foundation.context import Context
from app.foundation.events import LiveEvents
from app.foundation.user_errors import UserErrors
from app.recording import credential_retention, lifecycle
from app.recording.rules import CALLS, RecordingRule
from app.storage.faults import Diagnosis, ProbeFault, denial, diagnose
from app.storage.s3 import Bucket, ObjectStorage, StorageFailure

# How often a deletion tries again when the recording's state changes concurrently.
_ATTEMPTS = 3
_LISTED_VERSIONS = 10


@dataclass(frozen=True)
class DeletionResult:
    call: Call
    kept_versions: bool | None
    """Whether the bucket keeps older versions of the object; None when no object was deleted."""


async def delete(context: Context, call_id: str) -> DeletionResult:
    """Deletes the recording of a call. Deleting again changes nothing and publishes no event.

    For a recording that is not stored yet, the server that holds it deletes it within seconds. If this process dies
    after the object is deleted, the row says STORED, and deleting again completes it. Raises UserErrors: NOT_FOUND;
    CONFLICT if the call was not recorded or still is; STORAGE_REFUSED, and then nothing has changed.
    """
    for _ in range(_ATTEMPTS):
        call = await CALLS.get(context, call_id)
        if call.recording_state is RecordingState.NONE:
            raise UserErrors.one(RecordingRule.NOT_RECORDED, "id")
        if call.recording_state is RecordingState.DELETED:
            return DeletionResult(call, None)
        if call.recording_state is RecordingState.RECORDING:
            raise UserErrors.one(RecordingRule.RECORDING_NOT_ENDED, "id")
        kept = await _delete_object(context, call) if call.recording_state is RecordingState.STORED else None
        changed = await _mark_deleted(context, call)
        if changed is not None:
            lifecycle.publish(context.use(LiveEvents), call.id, call.account_id)
            return DeletionResult(changed, kept)
    raise UserErrors.one(ObjectRule.OBJECT_BUSY, "id", object="recording")


async def _mark_deleted(context: Context, call: Call) -> Call | None:
    """Marks the call DELETED; returns None when the recording's state has changed."""
    values = {"recording_state": RecordingState.DELETED, "recording_error": None}
    if call.recording_state is not RecordingState.STORED:
        # The server that holds the audio may need the keys to abort an upload.
        return await _change(context, call, values)
    values["recording_credential_id"] = None
    async with in_transaction():
        await hold_months()
        if call.recording_credential_id is not None:
            await credential_retention.lock(call.account_id, call.recording_credential_id)
        changed = await _change(context, call, values)
        if changed is not None and call.recording_credential_id is not None:
            await credential_retention.delete_if_unused(context, call.account_id, call.recording_credential_id)
    return changed


async def _change(context: Context, call: Call, values: Mapping[str, object]) -> Call | None:
    where = {"recording_state": call.recording_state}
    return await update_row(context, Call, call.id, values, where=where, account_id=call.account_id)


async def _delete_object(context: Context, call: Call) -> bool:
    """Whether older versions of the object are kept. A missing bucket counts as deleted. Raises UserErrors STORAGE_REFUSED."""
    key, targets = str(call.recording_key), (await recording_locations.targets_of(context, [call]))[call.id]
    if not targets:
        raise UserErrors.one(RecordingRule.RECORDING_KEYS_REMOVED, "id")
    try:
        async with recording_locations.request(context.use(ObjectStorage), targets, "delete_object", Key=key) as (
            bucket,
            answer,
        ):
            return bool(answer.get("DeleteMarker")) and await _keeps_versions(bucket, key)
    except StorageFailure as failure:
        if failure.code == "NoSuchBucket":
            return False  # the bucket itself was deleted
        found = diagnose(failure)
        if failure.is_denied:
            found = denial(failure) or Diagnosis.of(ProbeFault.DELETE_DENIED)
        said = "no response" if failure.kind else failure.answer
        values = {"code": found.code.name, "answer": said, "advice": found.advice}
        raise UserErrors.one(RecordingRule.RECORDING_NOT_DELETED, "id", **values) from None


async def _keeps_versions(bucket: Bucket, key: str) -> bool:
    """Whether versions of exactly this key exist. True if the keys may not list them, since the bucket is versioned."""
    try:
        answer = await bucket.call("list_object_versions", Prefix=key, MaxKeys=_LISTED_VERSIONS)
    except StorageFailure:
        return True
    return any(version.get("Key") == key for version in answer.get("Versions", []))
