"""From the spool to the buckets: what has ended, what grows large while it grows, and again what has failed.

    running call ── grown ──> parts go ahead
         │ ended                              ┌── stored: out of the spool
         └──────────> a try ──────────────────┼── failed: again, after longer and longer waits
    the spool, every 5 s ─────^               ├── failed for good: FAILED, and the audio stays for retryRecording
    (what a dead process left, what is due,   ├── deleted by a person, or with its account: nothing stays
     what a person asked for)                 └── unknown to the database: its rows are made again, or it is set aside

Audio leaves the spool when the bucket has it or when a person has deleted it, and for no other reason: a database that was
restored from an older dump, or is empty, knows nothing of it.

Every process of every machine has one of these; who gets the lock of a recording in the spool works on it. Nothing of it is
kept in memory alone: a process may be killed at any moment.

Long because the life of one waiting recording is told in one place.
"""

import asyncio
import contextvars
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import structlog

from app.accounts import lookup as accounts
from app.calls.model import Call, RecordingState
from app.foundation import metrics
from app.foundation.encryption import Keyring
from app.foundation.errors import for_client
from app.foundation.events import LiveEvents
from app.foundation.identifiers import Kind, sid_of
from app.recording import backoff, crash_recovery, lifecycle, storage_health
from app.recording import upload as sending
from app.recording.admission import current_refusal
from app.recording.backoff import UploadFault
from app.recording.disk import disk_fault, is_disk_error
from app.recording.spool import RecordingMetadata, Spool, SpooledRecording
from app.recording.upload import MultipartUpload, UploadState
from app.storage import credentials, uploads
from app.storage.credentials import Candidate
from app.storage.failures import StorageFailure, code_for_metrics
from app.storage.model import RecordingError
from app.storage.s3 import Bucket, ObjectStorage, StorageTarget

_log = structlog.get_logger("recording.upload")

SCAN_EVERY_SECONDS = 5.0
MAX_UPLOADS, MAX_UPLOADS_PER_OWNER = 32, (8, 24)
"""Uploads that run at the same time in this process: in all, and for one account and one service provider, so that storages that
hang hold up their own accounts."""
# Recordings that are held and wait for one of these places, likewise; what is more is let go of, and found again.
_MAX_ACQUIRED, _MAX_ACQUIRED_PER_OWNER = 128, (32, 96)
_ROWS_AT_ONCE = 500
_NO_ROW = (RecordingState.NONE, 0)
_OTHER_RECORDING = "the call has another recording in this database"
_FINAL_STATES = (RecordingState.STORED, RecordingState.DELETED)


@dataclass
class _EarlyUpload:
    """A running call whose recording is large enough to be sent on."""

    upload: MultipartUpload | None = None
    task: "asyncio.Task[None] | None" = None
    next_size: int = uploads.MULTIPART_FROM_BYTES
    """How long the audio must be for the next part, in bytes."""
    has_failed: bool = False
    """It is left alone until the call has ended."""


@dataclass(frozen=True)
class _Scheduled:
    """A recording in the spool that is not due."""

    owners: tuple[UUID, ...]
    attempts: int
    due: datetime
    is_cleanup: bool = False
    """It was stored or deleted; the bucket is to be cleaned up."""

    def is_due(self, now: datetime) -> bool:
        return self.due != _NEVER and backoff.is_due(self.due, now)


class UploadWorker:
    """One per process, as a context: `async with storer.running()`."""

    def __init__(
        self,
        keyring: Keyring,
        storage: ObjectStorage,
        spool: Spool,
        live: LiveEvents,
        call_days: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`call_days` is how long the database keeps calls."""
        self._call_retention = timedelta(days=call_days)
        self._keyring = keyring
        self._storage = storage
        self._spool = spool
        self._live = live
        self._now = now
        self._early_uploads: dict[UUID, _EarlyUpload] = {}
        self._acquired: set[UUID] = set()
        self._acquired_per_owner: Counter[UUID] = Counter()
        self._scheduled: dict[UUID, _Scheduled] = {}
        self._logged_disk_errors: set[UUID] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._upload_slots = asyncio.Semaphore(MAX_UPLOADS)
        self._owner_slots: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()
        self._wake = asyncio.Event()
        # The owners that have recordings due beyond what may be held of them; None: beyond what may be held in all.
        self._deferred_owners: set[UUID | None] = set()
        self._context = contextvars.copy_context()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Looks through the spool for as long as the context lasts; what is under way then, the next process begins again."""
        self._context = contextvars.copy_context()
        scanning = asyncio.create_task(self._scan_forever())
        try:
            yield
        finally:
            tasks = [scanning, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def on_append(self, recording: SpooledRecording) -> None:
        """A running recording has become longer. Returns at once, and does nothing until a part is full."""
        size = recording.audio_bytes
        if size < uploads.MULTIPART_FROM_BYTES:
            return
        early = self._early_uploads.setdefault(recording.metadata.call_id, _EarlyUpload())
        if size >= early.next_size and early.task is None and not early.has_failed:
            early.task = self._start(self._upload_early(recording, early))

    def on_end(self, recording: SpooledRecording) -> None:
        """Takes over a recording whose stream has ended: stored, or let go of when there are too many. Returns at once."""
        early = self._early_uploads.pop(recording.metadata.call_id, None)
        if early is None and self._is_over_limit(recording.metadata.owners):
            recording.close()
            return
        self._acquire(recording, early)

    async def scan(self) -> None:
        """Takes up what is due in the spool, as far as there are places. Raises what the database does when it is away."""
        call_ids = await asyncio.to_thread(self._spool.call_ids)
        for gone in self._scheduled.keys() - set(call_ids):
            del self._scheduled[gone]
        self._logged_disk_errors.intersection_update(call_ids)
        metrics.spooled(len(call_ids), len(await asyncio.to_thread(self._spool.set_aside_ids)))
        requested = await self._find_requested()
        now = self._now()
        self._deferred_owners.clear()
        for call_id in call_ids:
            scheduled = self._scheduled.get(call_id)
            if call_id in self._acquired or (
                scheduled is not None and not scheduled.is_due(now) and call_id not in requested
            ):
                continue
            if scheduled is not None and self._is_over_limit(scheduled.owners):
                continue
            if len(self._acquired) >= _MAX_ACQUIRED:
                self._deferred_owners.add(None)
                return
            recording = await asyncio.to_thread(self._spool.open, call_id)
            if recording is not None:
                self._start_or_defer(recording, now)

    async def wait_until_idle(self) -> None:
        """Waits until nothing is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start_or_defer(self, recording: SpooledRecording, now: datetime) -> None:
        """Works on it, or remembers whose it is until there is room for it."""
        metadata = recording.metadata
        if self._is_over_limit(metadata.owners):
            recording.close()
            self._scheduled.setdefault(metadata.call_id, _Scheduled(metadata.owners, 0, now))
        else:
            self._acquire(recording, None)

    def _is_over_limit(self, owners: tuple[UUID, ...]) -> bool:
        """Whether a recording of these owners must wait until others are done with; then there is another look."""
        over: list[UUID | None] = [
            owner for owner, most in _acquire_limits(owners) if self._acquired_per_owner[owner] >= most
        ]
        if len(self._acquired) >= _MAX_ACQUIRED:
            over.append(None)
        self._deferred_owners.update(over)
        return bool(over)

    def _acquire(self, recording: SpooledRecording, early: _EarlyUpload | None) -> None:
        self._acquired.add(recording.metadata.call_id)
        self._acquired_per_owner.update(recording.metadata.owners)
        self._start(self._run(recording, early))

    def _release(self, recording: SpooledRecording) -> None:
        metadata = recording.metadata
        recording.close()
        self._acquired.discard(metadata.call_id)
        has_room = None in self._deferred_owners and len(self._acquired) < _MAX_ACQUIRED // 2
        for owner, most in _acquire_limits(metadata.owners):
            self._acquired_per_owner[owner] -= 1
            has_room |= owner in self._deferred_owners and self._acquired_per_owner[owner] < most // 2
            if not self._acquired_per_owner[owner]:
                del self._acquired_per_owner[owner]
        if has_room:
            self._wake.set()

    async def _scan_forever(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.scan()
            except Exception as error:  # noqa: BLE001  the database is away, or the disk: the next look must still come
                reason = {"reason": error.strerror} if isinstance(error, OSError) and error.strerror else {}
                _log.warning("the spool was not looked through", error=type(error).__qualname__, **reason)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), SCAN_EVERY_SECONDS)

    async def _find_requested(self) -> set[UUID]:
        """Of what is not due: what a person wants tried again now, what is to go, and what the database does not know."""
        found: set[UUID] = set()
        ids = list(self._scheduled)
        for begin in range(0, len(ids), _ROWS_AT_ONCE):
            batch = {call_id: self._scheduled[call_id] for call_id in ids[begin : begin + _ROWS_AT_ONCE]}
            rows = await Call.filter(
                id__in=list(batch), account_id__in={each.owners[0] for each in batch.values()}
            ).values_list("id", "recording_state", "recording_attempts")
            known = {call_id: (state, attempts) for call_id, state, attempts in rows}
            for call_id, scheduled in batch.items():
                state, attempts = known.get(call_id, _NO_ROW)
                is_requested = state is RecordingState.STORING and attempts < scheduled.attempts
                if is_requested or (state in (*_FINAL_STATES, RecordingState.NONE) and not scheduled.is_cleanup):
                    found.add(call_id)
        return found

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        # Whoever calls may belong to a request, whose database connection is not for what outlives it.
        task = asyncio.get_running_loop().create_task(work, context=self._context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @asynccontextmanager
    async def _upload_slot(self, metadata: RecordingMetadata) -> AsyncIterator[None]:
        async with AsyncExitStack() as held:
            for owner, most in zip(metadata.owners, MAX_UPLOADS_PER_OWNER, strict=False):
                await held.enter_async_context(self._owner_slots.setdefault(owner, asyncio.Semaphore(most)))
            await held.enter_async_context(self._upload_slots)
            yield

    async def _upload_early(self, recording: SpooledRecording, early: _EarlyUpload) -> None:
        """Sends what is there of a running recording. When it fails, the whole is sent after the call."""
        metadata = recording.metadata
        try:
            async with self._upload_slot(metadata):
                target = (
                    early.upload.target
                    if early.upload
                    else (await sending.usable_keys(self._keyring, metadata))[0].target
                )
                async with sending.open_bucket(self._storage, target) as bucket:
                    await self._upload_new_parts(bucket, target, recording, early)
        except Exception as error:  # noqa: BLE001  nothing is lost: all of it is tried again at the end of the call
            _log.warning("a running recording is not sent on", call_id=metadata.call_id.hex, error=_error_name(error))
            early.upload, early.has_failed = None, True
        finally:
            early.task = None

    async def _upload_new_parts(
        self, bucket: Bucket, target: StorageTarget, recording: SpooledRecording, early: _EarlyUpload
    ) -> None:
        state = UploadState()
        early.upload = early.upload or await sending.begin_multipart(bucket, target, recording, state)
        try:
            size = recording.audio_bytes
            await sending.upload_whole_parts(bucket, recording, early.upload, size)
            early.next_size = uploads.next_part_at(size)
        except (StorageFailure, OSError):
            state = UploadState.of(recording)
            await sending.abort_leftovers(bucket, recording, state)
            raise

    async def _run(self, recording: SpooledRecording, early: _EarlyUpload | None) -> None:
        """One try, after which the recording is let go of."""
        metadata = recording.metadata
        try:
            if early is not None and early.task is not None:
                await asyncio.wait({early.task})
            async with self._upload_slot(metadata):
                scheduled = await self._process(recording, early.upload if early is not None else None)
        except Exception as error:  # noqa: BLE001  the audio stays where it is, and the next try must come
            self._log_disk_error(metadata, error)
            if for_client(error) is None:
                _log.exception("a recording was not stored", call_id=metadata.call_id.hex)
            scheduled = _Scheduled(metadata.owners, 0, self._now() + backoff.DATABASE_DELAY)
        finally:
            self._release(recording)
        if scheduled is not None:
            self._scheduled[metadata.call_id] = scheduled

    def _log_disk_error(self, metadata: RecordingMetadata, error: Exception) -> None:
        """Of a disk that fails the operator hears once for each recording, and an alarm each time."""
        if not is_disk_error(error):
            return
        fault = disk_fault(error)
        metrics.recording_failed(fault.why, for_good=False)
        if metadata.call_id not in self._logged_disk_errors:
            self._logged_disk_errors.add(metadata.call_id)
            call = sid_of(Kind.CALL, metadata.call_id)
            _log.error("a recording cannot be stored", call=call, reason=fault.reason, advice=fault.advice)

    async def _process(self, recording: SpooledRecording, upload: MultipartUpload | None) -> _Scheduled | None:
        """Answers when to look again; None: it is out of the spool. Raises what the database does."""
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
            return _Scheduled(metadata.owners, max(1, state.attempts), _NEVER)
        if attempts < state.attempts:  # a person has asked for it
            state.attempts, state.first_failed_at, state.next_attempt_at = 0, None, None
        due = state.time("next_attempt_at")
        if due is not None and not backoff.is_due(due, self._now()):
            return _Scheduled(metadata.owners, state.attempts, due)
        if row_state is RecordingState.RECORDING:
            await lifecycle.mark_storing(self._live, metadata.call_id, metadata.account_id, key=metadata.key)
        ended = await asyncio.to_thread(crash_recovery.recover, recording)
        try:
            return await self._upload(recording, state, upload, ended.duration_ms)
        except UploadFault as fault:
            return await self._save_fault(recording, state, fault)

    async def _upload(
        self, recording: SpooledRecording, state: UploadState, upload: MultipartUpload | None, duration_ms: int
    ) -> _Scheduled | None:
        """Raises Fault: that of the keys that were tried last."""
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
        raise AssertionError("there is always a way")

    async def _finish_stored(
        self, bucket: Bucket, candidate: Candidate, recording: SpooledRecording, state: UploadState, duration_ms: int
    ) -> _Scheduled | None:
        """Says so, and lets go of the audio; what was deleted meanwhile is deleted in the bucket too. Raises StorageFailure."""
        metadata, size = recording.metadata, recording.audio_bytes
        if not state.is_sent:
            state.is_sent = True
            await state.write(recording)
        if candidate.credential_id is None or candidate.target.region != metadata.region:
            await self._save_candidate(metadata, candidate)
        arguments = (self._live, metadata.call_id, metadata.account_id, size, duration_ms)
        if not await lifecycle.mark_stored(*arguments, key=metadata.key):
            row_state, _, _, key = await _read_row(metadata)
            # The database has lost the row since, or it is another recording's: the next look decides.
            if row_state not in _FINAL_STATES or key != metadata.key:
                return _Scheduled(metadata.owners, state.attempts, self._now())
            if row_state is RecordingState.DELETED:
                await uploads.delete(bucket, metadata.key)
        await asyncio.to_thread(recording.remove)
        await storage_health.mark_working(self._keyring, metadata.account_id, candidate.target)
        metrics.recording_stored()
        return None

    async def _restore_call(self, recording: SpooledRecording, state: UploadState) -> bool:
        """Makes the rows of the call again, which the database has lost. False: the recording is no call's to be stored now.

        Then it is set aside, marked as deleted with its account, or left to be found under the id that its call has by now.
        """
        metadata = recording.metadata
        if metadata.started_at < self._now() - self._call_retention and not state.is_adopted:
            await self._set_aside(recording, state, "the call is older than CALL_DAYS, and its row is gone")
            return False
        if metadata.without_database and not state.is_adopted and (reason := await current_refusal(metadata)):
            await self._set_aside(
                recording, state, f"the call began without the database; by the settings now: {reason}"
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
        _log.warning("a call that the database had lost is there again", call_id=call_id.hex)
        if call_id == metadata.call_id:
            return True
        try:
            await asyncio.to_thread(recording.move_to, call_id)
            self._wake.set()
        except FileExistsError:
            await self._set_aside(recording, state, "the call has another recording in this spool")
        return False

    async def _set_aside(self, recording: SpooledRecording, state: UploadState, reason: str) -> None:
        metadata, state.aside = recording.metadata, reason
        await state.write(recording)
        await asyncio.to_thread(recording.set_aside)
        ids = {"call": sid_of(Kind.CALL, metadata.call_id), "account": sid_of(Kind.ACCOUNT, metadata.account_id)}
        _log.error("a recording is set aside: see `python -m app spool`", reason=reason, **ids)

    async def _finish_empty(self, recording: SpooledRecording, state: UploadState) -> None:
        """There is nothing to store, and the call says why: the gateway sent not a sample, or all audio was lost here."""
        metadata, ended, now = recording.metadata, recording.stream_end, self._now()
        mine = (self._live, metadata.call_id, metadata.account_id)
        if ended is not None and not ended.samples and not ended.is_cut:
            await lifecycle.mark_empty(*mine, now, key=metadata.key)
        elif await lifecycle.mark_failed(
            *mine, lifecycle.audio_lost_error(now, self._spool.id), state.attempts, key=metadata.key
        ):
            metrics.recording_failed("disk", for_good=True)
            _log.error("a recording has lost all its audio", call=sid_of(Kind.CALL, metadata.call_id))
        await asyncio.to_thread(recording.remove)

    async def _save_candidate(self, metadata: RecordingMetadata, candidate: Candidate) -> None:
        """The recording lies where only the account's newer keys reach it."""
        credential_id = await credentials.get_or_create(self._keyring, metadata.account_id, candidate.target)
        await (
            Call.filter(account_id=metadata.account_id, id=metadata.call_id, recording_key=metadata.key)
            .exclude(recording_state=RecordingState.DELETED)
            .update(recording_credential_id=credential_id, recording_region=candidate.target.region)
        )

    async def _save_fault(
        self, recording: SpooledRecording, state: UploadState, fault: UploadFault
    ) -> _Scheduled | None:
        """What has failed, in the row first: a kill in between costs a wait, no try and no truth."""
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
        metrics.recording_failed(code_for_metrics(fault.code), for_good=due is None)
        _log.warning(
            "a recording was not stored",
            call_id=metadata.call_id.hex,
            code=fault.code,
            attempts=state.attempts,
            next_attempt_at=state.next_attempt_at,
        )
        await state.write(recording)
        return _Scheduled(metadata.owners, state.attempts, due or _NEVER)

    async def _remove_stored(
        self, recording: SpooledRecording, state: UploadState, upload: MultipartUpload | None
    ) -> _Scheduled | None:
        """The bucket has it: the audio goes, once no upload of it is left open there."""
        if state.upload_id is not None or state.is_beginning:
            fault = await self._clean_bucket(recording, state, upload, deletes=False)
            if fault is not None:
                return await self._reschedule_cleanup(recording, state, fault)
        await asyncio.to_thread(recording.remove)
        return None

    async def _delete(
        self, recording: SpooledRecording, state: UploadState, upload: MultipartUpload | None
    ) -> _Scheduled | None:
        """A person has deleted it: nothing of it stays here, nor in the bucket, except what its account had stored there."""
        # On the disk first: whatever dump the database is restored from, what was deleted stays deleted.
        state.is_deleted = True
        await state.write(recording)
        metadata = recording.metadata
        if not state.keeps_object and await lifecycle.mark_deleted(
            metadata.call_id, metadata.account_id, key=metadata.key
        ):
            lifecycle.publish(self._live, metadata.call_id, metadata.account_id)
        # At once, whenever the bucket answers: the state is all that cleaning it up needs.
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
        """Takes what is left of it out of the bucket, with whichever keys may do that; answers why it could not be done."""
        metadata, fault = recording.metadata, None
        try:
            candidates = [candidate.target for candidate in await sending.usable_keys(self._keyring, metadata)]
        except UploadFault:
            if upload is None:
                _log.warning("what was sent may have stayed in the bucket: its keys are gone", key=metadata.key)
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
    ) -> _Scheduled | None:
        """The bucket cannot be cleaned up now; when it never can, the folder goes all the same."""
        metadata, now = recording.metadata, self._now()
        state.attempts += 1
        state.first_failed_at = state.first_failed_at or now.isoformat()
        due = backoff.next_attempt_at(state.attempts, fault.is_transient, state.time("first_failed_at") or now, now)
        if due is None:
            _log.warning("what was deleted may have stayed in the bucket", key=metadata.key, code=fault.code)
            await asyncio.to_thread(recording.remove)
            return None
        await state.write(recording)
        return _Scheduled(metadata.owners, 0, due, is_cleanup=True)


def _acquire_limits(owners: tuple[UUID, ...]) -> Iterator[tuple[UUID, int]]:
    """How many recordings of each owner are held at most."""
    return zip(owners, _MAX_ACQUIRED_PER_OWNER, strict=False)


async def _read_row(metadata: RecordingMetadata) -> tuple[RecordingState, int, int | None, str | None]:
    """What the call's row says, how many tries it knows of, and the object's length in bytes and key; without a row, NONE."""
    mine = Call.filter(account_id=metadata.account_id, id=metadata.call_id)
    columns = ("recording_state", "recording_attempts", "recording_size_bytes", "recording_key")
    return await mine.first().values_list(*columns) or (*_NO_ROW, None, None)


def _error_name(error: BaseException) -> str:
    return str(error) if isinstance(error, StorageFailure | UploadFault) else type(error).__qualname__


_NEVER = datetime.max.replace(tzinfo=UTC)
