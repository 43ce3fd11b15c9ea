"""The upload worker: schedules the recordings of the spool for upload.

    running call ── on_append ──> parts are uploaded early
         │ on_end                           ┌── stored: removed from the spool
         └──────────> an attempt ───────────┼── failed: retried after growing delays
    spool, every 5 s ─────^                 ├── failed permanently: FAILED, audio stays for retryRecording
    (left by a dead process, due,           ├── deleted by a person or with its account: removed
     requested by a person)                 └── unknown to the database: rows created again, or set aside

Audio leaves the spool only when the bucket has it or a person has deleted it. A missing row is no reason: the
database may be empty or restored from an older dump.

Every process has one worker; the worker that locks a recording processes it (`processing.py`). All state is also on
disk, because a process may be killed at any moment.
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

from app.calls.model import Call, RecordingState
from app.foundation import metrics
from app.foundation.encryption import Keyring
from app.foundation.errors import for_client
from app.foundation.events import LiveEvents
from app.foundation.identifiers import Kind, sid_of
from app.recording import backoff
from app.recording import upload as sending
from app.recording.backoff import UploadFault
from app.recording.disk import disk_fault, is_disk_error
from app.recording.metadata import RecordingMetadata
from app.recording.processing import FINAL_STATES, NO_ROW, RecordingProcessor, Scheduled
from app.recording.spool import Spool, SpooledRecording
from app.recording.upload import MultipartUpload, UploadState
from app.storage import uploads
from app.storage.failures import StorageFailure
from app.storage.s3 import Bucket, ObjectStorage, StorageTarget

_log = structlog.get_logger("recording.upload")

SCAN_EVERY_SECONDS = 5.0
MAX_UPLOADS, MAX_UPLOADS_PER_OWNER = 32, (8, 24)
"""Concurrent uploads of this process: in all, for one account, and for one service provider. A storage that hangs
delays its own tenants only.
"""
# The same limits for recordings that are locked and wait for an upload slot. Beyond them, a recording is unlocked and
# found by a later scan.
_MAX_ACQUIRED, _MAX_ACQUIRED_PER_OWNER = 128, (32, 96)
_ROWS_AT_ONCE = 500


@dataclass
class _EarlyUpload:
    """The early upload of a running call whose recording is large enough."""

    upload: MultipartUpload | None = None
    task: "asyncio.Task[None] | None" = None
    next_size: int = uploads.MULTIPART_FROM_BYTES
    """Length of the audio at which the next part is complete, in bytes."""
    has_failed: bool = False
    """No further early upload; the whole file is uploaded after the call."""


class UploadWorker:
    """One per process, as a context: `async with worker.running()`."""

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
        self._keyring = keyring
        self._storage = storage
        self._spool = spool
        self._live = live
        self._now = now
        self._early_uploads: dict[UUID, _EarlyUpload] = {}
        self._acquired: set[UUID] = set()
        self._acquired_per_owner: Counter[UUID] = Counter()
        self._scheduled: dict[UUID, Scheduled] = {}
        self._logged_disk_errors: set[UUID] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._upload_slots = asyncio.Semaphore(MAX_UPLOADS)
        self._owner_slots: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()
        self._wake = asyncio.Event()
        self._processor = RecordingProcessor(
            keyring, storage, spool, live, timedelta(days=call_days), now, self._wake.set
        )
        # Owners with due recordings beyond their limit; None stands for the limit of the process.
        self._deferred_owners: set[UUID | None] = set()
        self._context = contextvars.copy_context()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Scans the spool while the context is open. Uploads cancelled at the end are repeated by the next process."""
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
        """Uploads complete parts of a running recording early. Returns at once."""
        size = recording.audio_bytes
        if size < uploads.MULTIPART_FROM_BYTES:
            return
        early = self._early_uploads.setdefault(recording.metadata.call_id, _EarlyUpload())
        if size >= early.next_size and early.task is None and not early.has_failed:
            early.task = self._start(self._upload_early(recording, early))

    def on_end(self, recording: SpooledRecording) -> None:
        """Takes over a recording whose stream has ended; unlocks it when over the limit. Returns at once."""
        early = self._early_uploads.pop(recording.metadata.call_id, None)
        if early is None and self._is_over_limit(recording.metadata.owners):
            recording.close()
            return
        self._acquire(recording, early)

    async def scan(self) -> None:
        """Starts the due recordings of the spool, within the limits. Raises the database's errors."""
        call_ids = await asyncio.to_thread(self._spool.call_ids)
        for removed in self._scheduled.keys() - set(call_ids):
            del self._scheduled[removed]
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
        """Waits until no upload runs."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start_or_defer(self, recording: SpooledRecording, now: datetime) -> None:
        """Starts an attempt, or schedules it when its owners are over the limit."""
        metadata = recording.metadata
        if self._is_over_limit(metadata.owners):
            recording.close()
            self._scheduled.setdefault(metadata.call_id, Scheduled(metadata.owners, 0, now))
        else:
            self._acquire(recording, None)

    def _is_over_limit(self, owners: tuple[UUID, ...]) -> bool:
        """Whether a recording of these owners must wait; notes the owners, so that a release triggers a scan."""
        over: list[UUID | None] = [
            owner for owner, limit in _acquire_limits(owners) if self._acquired_per_owner[owner] >= limit
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
        for owner, limit in _acquire_limits(metadata.owners):
            self._acquired_per_owner[owner] -= 1
            has_room |= owner in self._deferred_owners and self._acquired_per_owner[owner] < limit // 2
            if not self._acquired_per_owner[owner]:
                del self._acquired_per_owner[owner]
        if has_room:
            self._wake.set()

    async def _scan_forever(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.scan()
            except Exception as error:  # noqa: BLE001  the database or the disk fails: the next scan must still run
                reason = {"reason": error.strerror} if isinstance(error, OSError) and error.strerror else {}
                _log.warning("scan of the spool failed", error=type(error).__qualname__, **reason)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), SCAN_EVERY_SECONDS)

    async def _find_requested(self) -> set[UUID]:
        """Recordings to process before they are due: to retry now, to delete, or without a row in the database."""
        found: set[UUID] = set()
        ids = list(self._scheduled)
        for begin in range(0, len(ids), _ROWS_AT_ONCE):
            batch = {call_id: self._scheduled[call_id] for call_id in ids[begin : begin + _ROWS_AT_ONCE]}
            rows = await Call.filter(
                id__in=list(batch), account_id__in={each.owners[0] for each in batch.values()}
            ).values_list("id", "recording_state", "recording_attempts")
            known = {call_id: (state, attempts) for call_id, state, attempts in rows}
            for call_id, scheduled in batch.items():
                state, attempts = known.get(call_id, NO_ROW)
                is_requested = state is RecordingState.STORING and attempts < scheduled.attempts
                if is_requested or (state in (*FINAL_STATES, RecordingState.NONE) and not scheduled.is_cleanup):
                    found.add(call_id)
        return found

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        # The caller may be a request; its database connection must not be used after its end.
        task = asyncio.get_running_loop().create_task(work, context=self._context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @asynccontextmanager
    async def _upload_slot(self, metadata: RecordingMetadata) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for owner, limit in zip(metadata.owners, MAX_UPLOADS_PER_OWNER, strict=False):
                await stack.enter_async_context(self._owner_slots.setdefault(owner, asyncio.Semaphore(limit)))
            await stack.enter_async_context(self._upload_slots)
            yield

    async def _upload_early(self, recording: SpooledRecording, early: _EarlyUpload) -> None:
        """Uploads complete parts of a running recording. After a failure, the whole file is uploaded after the call."""
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
        except Exception as error:  # noqa: BLE001  nothing is lost: the whole file is uploaded at the end of the call
            _log.warning(
                "early upload of a running recording failed", call_id=metadata.call_id.hex, error=error_name(error)
            )
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
        """Makes one attempt, then unlocks the recording."""
        metadata = recording.metadata
        try:
            if early is not None and early.task is not None:
                await asyncio.wait({early.task})
            async with self._upload_slot(metadata):
                scheduled = await self._processor.process(recording, early.upload if early is not None else None)
        except Exception as error:  # noqa: BLE001  the audio stays in the spool, and the next attempt must follow
            self._log_disk_error(metadata, error)
            if for_client(error) is None:
                _log.exception("attempt to store a recording failed", call_id=metadata.call_id.hex)
            scheduled = Scheduled(metadata.owners, 0, self._now() + backoff.DATABASE_DELAY)
        finally:
            self._release(recording)
        if scheduled is not None:
            self._scheduled[metadata.call_id] = scheduled

    def _log_disk_error(self, metadata: RecordingMetadata, error: Exception) -> None:
        """Counts every disk error; logs it once per recording."""
        if not is_disk_error(error):
            return
        fault = disk_fault(error)
        metrics.upload_failed(fault.why, is_last=False)
        if metadata.call_id not in self._logged_disk_errors:
            self._logged_disk_errors.add(metadata.call_id)
            call = sid_of(Kind.CALL, metadata.call_id)
            _log.error("a recording cannot be stored", call=call, reason=fault.reason, advice=fault.advice)


def _acquire_limits(owners: tuple[UUID, ...]) -> Iterator[tuple[UUID, int]]:
    """The owners, each with its limit of locked recordings."""
    return zip(owners, _MAX_ACQUIRED_PER_OWNER, strict=False)


def error_name(error: BaseException) -> str:
    return str(error) if isinstance(error, StorageFailure | UploadFault) else type(error).__qualname__
