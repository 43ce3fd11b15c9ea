"""One attempt on a spooled recording: store it, delete it, set it aside, or schedule the next attempt."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from app.accounts import lookup as accounts
from app.calls.model import Call, RecordingState
from app.foundation import metrics
from app.foundation.encryption import Keyring
from app.foundation.events import LiveEvents
from app.foundation.identifiers import Kind, sid_of
from app.recording import backoff, crash_recovery, lifecycle, storage_health
from app.recording import upload as sending
from app.recording.admission import current_refusal
from app.recording.backoff import UploadFault
from app.recording.metadata import RecordingMetadata
from app.recording.spool import Spool, SpooledRecording
from app.recording.upload import MultipartUpload, UploadState
from app.storage import credentials, uploads
from app.storage.credentials import Candidate
from app.storage.failures import StorageFailure
from app.storage.faults import code_for_metrics
from app.storage.model import RecordingError
from app.storage.s3 import Bucket, ObjectStorage

_log = structlog.get_logger("recording.upload")

NO_ROW = (RecordingState.NONE, 0)
_OTHER_RECORDING = "the call has another recording in this database"
FINAL_STATES = (RecordingState.STORED, RecordingState.DELETED)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Scheduled:
    """A recording in the spool, and when it is due."""

    owners: tuple[UUID, ...]
    attempts: int
    due: datetime
    is_cleanup: bool = False
    """Stored or deleted; only the bucket must be cleaned up."""

    def is_due(self, now: datetime) -> bool:
        return self.due != NEVER and backoff.is_due(self.due, now)


class RecordingProcessor:
    """Makes one attempt on a recording; its call's row and its upload state decide which."""

    def __init__(
        self,
        keyring: Keyring,
        storage: ObjectStorage,
        spool: Spool,
        live: LiveEvents,
        call_retention: timedelta,
        now: Callable[[], datetime],
        on_moved: Callable[[], None],
    ) -> None:
        """`on_moved` is called when a recording has moved to another call id."""
        self._keyring = keyring
        self._storage = storage
        self._spool = spool
        self._live = live
        self._call_retention = call_retention
        self._now = now
        self._on_moved = on_moved

    async def process(self, recording: SpooledRecording, upload: MultipartUpload | None) -> Scheduled | None:
        """Returns the next attempt's schedule; None if the recording has left the spool. Raises the database's errors."""
        metadata, state = recording.metadata, UploadState.of(recording)
        if state.is_deleted:
            return await self._delete(recording, state, upload)
        row_state, attempts, stored_bytes, key = await _read_row(metadata)
        if key not in (None, metadata.key):
            await self._set_aside(recording, state, _OTHER_RECORDING)
            return None
        if row_state is RecordingState.STORED:
            if recording.audio_bytes in (0, stored_bytes):
                return await self._remove_stored(recording, state, upload)
            if not state.is_adopted:
                await self._set_aside(recording, state, f"the bucket holds {stored_bytes} bytes of it")
                return None
            await lifecycle.mark_incomplete(self._live, metadata.call_id, metadata.account_id, key=metadata.key)
            row_state = RecordingState.STORING
        if row_state is RecordingState.DELETED:
            return await self._delete(recording, state, upload)
        if not crash_recovery.has_samples(recording):
            await self._finish_empty(recording, state)
            return None
        if row_state is RecordingState.NONE:
            if not await self._restore_call(recording, state):
                return await self._delete(recording, state, upload) if state.is_deleted else None
            row_state, attempts = RecordingState.STORING, state.attempts
        if row_state is RecordingState.FAILED:
            return Scheduled(metadata.owners, max(1, state.attempts), NEVER)
        if attempts < state.attempts:  # retryRecording was called
            state.attempts, state.first_failed_at, state.next_attempt_at = 0, None, None
        due = state.time("next_attempt_at")
        if due is not None and not backoff.is_due(due, self._now()):
            return Scheduled(metadata.owners, state.attempts, due)
        if row_state is RecordingState.RECORDING:
            await lifecycle.mark_storing(self._live, metadata.call_id, metadata.account_id, key=metadata.key)
        ended = await asyncio.to_thread(crash_recovery.recover, recording)
        try:
            return await self._upload(recording, state, upload, ended.duration_ms)
        except UploadFault as fault:
            return await self._save_fault(recording, state, fault)

    async def _upload(
        self, recording: SpooledRecording, state: UploadState, upload: MultipartUpload | None, duration_ms: int
    ) -> Scheduled | None:
        """Tries the candidate keys in order. Raises UploadFault of the last ones tried."""
        candidates = await sending.usable_keys(self._keyring, recording.metadata)
        for candidate in candidates:
            running_upload = upload if upload is not None and upload.target == candidate.target else None
            try:
                async with sending.open_bucket(self._storage, candidate.target) as bucket:
                    await sending.upload_recording(bucket, candidate.target, recording, state, running_upload)
                    return await self._finish_stored(bucket, candidate, recording, state, duration_ms)
            except StorageFailure as failure:
                fault = UploadFault.of(failure, candidate.target.region)
                if candidate is candidates[-1] or fault.is_transient:
                    raise fault from None
        raise AssertionError("usable_keys returns at least one candidate")

    async def _finish_stored(
        self, bucket: Bucket, candidate: Candidate, recording: SpooledRecording, state: UploadState, duration_ms: int
    ) -> Scheduled | None:
        """Marks the call STORED and removes the audio. Raises StorageFailure.

        Deletes the object if the call was deleted during the upload.
        """
        metadata, size = recording.metadata, recording.audio_bytes
        if not state.is_sent:
            state.is_sent = True
            await state.write(recording)
        if candidate.credential_id is None or candidate.target.region != metadata.region:
            await self._save_candidate(metadata, candidate)
        arguments = (self._live, metadata.call_id, metadata.account_id, size, duration_ms)
        if not await lifecycle.mark_stored(*arguments, key=metadata.key):
            row_state, _, _, key = await _read_row(metadata)
            # The database lost the row, or it belongs to another recording: the next attempt decides.
            if row_state not in FINAL_STATES or key != metadata.key:
                return Scheduled(metadata.owners, state.attempts, self._now())
            if row_state is RecordingState.DELETED:
                await uploads.delete(bucket, metadata.key)
        await asyncio.to_thread(recording.remove)
        await storage_health.mark_working(self._keyring, metadata.account_id, candidate.target)
        metrics.recording_stored()
        return None

    async def _restore_call(self, recording: SpooledRecording, state: UploadState) -> bool:
        """Creates the missing rows of the call again. Returns False when the recording must not be stored now.

        It is then set aside, marked as deleted with its account, or moved to the call's present id.
        """
        metadata = recording.metadata
        if metadata.started_at < self._now() - self._call_retention and not state.is_adopted:
            await self._set_aside(recording, state, "the call is older than CALL_DAYS and has no row")
            return False
        if metadata.without_database and not state.is_adopted and (reason := await current_refusal(metadata)):
            await self._set_aside(
                recording, state, f"the call began without the database; by its present settings: {reason}"
            )
            return False
        try:
            call_id = await lifecycle.restore_call(self._live, metadata, state.attempts)
        except lifecycle.AccountDeleted:
            if await accounts.was_deleted(metadata.account_id):
                state.is_deleted = state.keeps_object = True
            else:
                await self._set_aside(recording, state, "this database does not know the account")
            return False
        except lifecycle.AlreadyRecorded:
            await self._set_aside(recording, state, _OTHER_RECORDING)
            return False
        _log.warning("missing rows of a call created again", call_id=call_id.hex)
        if call_id == metadata.call_id:
            return True
        try:
            await asyncio.to_thread(recording.move_to, call_id)
            self._on_moved()
        except FileExistsError:
            await self._set_aside(recording, state, "the call has another recording in this spool")
        return False

    async def _set_aside(self, recording: SpooledRecording, state: UploadState, reason: str) -> None:
        metadata, state.aside = recording.metadata, reason
        await state.write(recording)
        await asyncio.to_thread(recording.set_aside)
        ids = {"call": sid_of(Kind.CALL, metadata.call_id), "account": sid_of(Kind.ACCOUNT, metadata.account_id)}
        _log.error("recording set aside: see `python -m app spool`", reason=reason, **ids)

    async def _finish_empty(self, recording: SpooledRecording, state: UploadState) -> None:
        """Handles a recording without audio: the gateway sent none, or this server lost it. The call's `error` says which."""
        metadata, ended, now = recording.metadata, recording.stream_end, self._now()
        query = (self._live, metadata.call_id, metadata.account_id)
        if ended is not None and not ended.samples and not ended.is_cut:
            await lifecycle.mark_empty(*query, now, key=metadata.key)
        elif await lifecycle.mark_failed(
            *query, lifecycle.audio_lost_error(now, self._spool.id), state.attempts, key=metadata.key
        ):
            metrics.upload_failed("disk", is_last=True)
            _log.error("all audio of a recording is lost", call=sid_of(Kind.CALL, metadata.call_id))
        await asyncio.to_thread(recording.remove)

    async def _save_candidate(self, metadata: RecordingMetadata, candidate: Candidate) -> None:
        """Saves the account's newer keys on the call: its old ones no longer open the bucket."""
        credential_id = await credentials.get_or_create(self._keyring, metadata.account_id, candidate.target)
        await (
            Call.filter(account_id=metadata.account_id, id=metadata.call_id, recording_key=metadata.key)
            .exclude(recording_state=RecordingState.DELETED)
            .update(recording_credential_id=credential_id, recording_region=candidate.target.region)
        )

    async def _save_fault(
        self, recording: SpooledRecording, state: UploadState, fault: UploadFault
    ) -> Scheduled | None:
        """Saves the fault to the call's row first, then to the state: a crash in between costs a delay, not an attempt."""
        metadata, now = recording.metadata, self._now()
        state.attempts += 1
        state.first_failed_at = state.first_failed_at or now.isoformat()
        due = backoff.next_attempt_at(state.attempts, fault.is_transient, state.time("first_failed_at") or now, now)
        state.next_attempt_at = due.isoformat() if due is not None else None
        error: RecordingError = {
            **fault.to_json(now),
            "next_attempt_at": state.next_attempt_at,
            "spool": self._spool.id,
        }
        arguments = (self._live, metadata.call_id, metadata.account_id, error, state.attempts)
        if due is None:
            await lifecycle.mark_failed(*arguments, key=metadata.key)
            await storage_health.mark_failing(metadata)
        else:
            await lifecycle.mark_retrying(*arguments, key=metadata.key)
        metrics.upload_failed(code_for_metrics(fault.s3_code), is_last=due is None)
        _log.warning(
            "a recording could not be stored",
            call_id=metadata.call_id.hex,
            code=fault.code.name,
            attempts=state.attempts,
            next_attempt_at=state.next_attempt_at,
        )
        await state.write(recording)
        return Scheduled(metadata.owners, state.attempts, due or NEVER)

    async def _remove_stored(
        self, recording: SpooledRecording, state: UploadState, upload: MultipartUpload | None
    ) -> Scheduled | None:
        """The bucket has the object: removes the audio, once no multipart upload is left open."""
        if state.upload_id is not None or state.is_beginning:
            fault = await self._clean_bucket(recording, state, upload, deletes=False)
            if fault is not None:
                return await self._reschedule_cleanup(recording, state, fault)
        await asyncio.to_thread(recording.remove)
        return None

    async def _delete(
        self, recording: SpooledRecording, state: UploadState, upload: MultipartUpload | None
    ) -> Scheduled | None:
        """Deletes a recording from the spool and the bucket. Keeps the object when its account was deleted."""
        # State first: a recording once deleted stays deleted, whichever dump the database is restored from.
        state.is_deleted = True
        await state.write(recording)
        metadata = recording.metadata
        if not state.keeps_object and await lifecycle.mark_deleted(
            metadata.call_id, metadata.account_id, key=metadata.key
        ):
            lifecycle.publish(self._live, metadata.call_id, metadata.account_id)
        # Drop the audio now, before the bucket answers: cleaning up needs the state only.
        await asyncio.to_thread(recording.truncate, 0)
        is_there = (state.is_sent or state.may_be_sent) and not state.keeps_object
        if state.upload_id is not None or state.is_beginning or is_there:
            fault = await self._clean_bucket(recording, state, upload, deletes=not state.keeps_object)
            if fault is not None:
                return await self._reschedule_cleanup(recording, state, fault)
        await asyncio.to_thread(recording.remove)
        return None

    async def _clean_bucket(
        self, recording: SpooledRecording, state: UploadState, upload: MultipartUpload | None, *, deletes: bool
    ) -> UploadFault | None:
        """Removes leftovers from the bucket with the first keys that permit it; returns the fault if none do."""
        metadata, fault = recording.metadata, None
        try:
            candidates = [candidate.target for candidate in await sending.usable_keys(self._keyring, metadata)]
        except UploadFault:
            if upload is None:
                _log.warning("an upload may remain in the bucket: its keys were removed", key=metadata.key)
                return None
            candidates = [upload.target]
        for target in candidates:
            try:
                async with sending.open_bucket(self._storage, target) as bucket:
                    await sending.abort_leftovers(bucket, recording, state)
                    if deletes:
                        await uploads.delete(bucket, metadata.key)
                    return None
            except StorageFailure as failure:
                fault = UploadFault.of(failure, target.region)
        return fault

    async def _reschedule_cleanup(
        self, recording: SpooledRecording, state: UploadState, fault: UploadFault
    ) -> Scheduled | None:
        """Schedules another clean-up of the bucket; gives up and removes the folder when no more attempts are left."""
        metadata, now = recording.metadata, self._now()
        state.attempts += 1
        state.first_failed_at = state.first_failed_at or now.isoformat()
        due = backoff.next_attempt_at(state.attempts, fault.is_transient, state.time("first_failed_at") or now, now)
        if due is None:
            _log.warning("a deleted object may remain in the bucket", key=metadata.key, code=fault.code.name)
            await asyncio.to_thread(recording.remove)
            return None
        await state.write(recording)
        return Scheduled(metadata.owners, 0, due, is_cleanup=True)


async def _read_row(metadata: RecordingMetadata) -> tuple[RecordingState, int, int | None, str | None]:
    """State, attempts, object size in bytes and object key from the call's row; state NONE without a row."""
    query = Call.filter(account_id=metadata.account_id, id=metadata.call_id)
    columns = ("recording_state", "recording_attempts", "recording_size_bytes", "recording_key")
    return await query.first().values_list(*columns) or (*NO_ROW, None, None)
