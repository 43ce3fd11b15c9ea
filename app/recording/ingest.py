"""Recording ingest: moves the audio of running calls from gateway streams to the spool.

Arriving audio goes to its stream's buffer. Twice a second a few threads encode and write all buffers, so a killed
process loses half a second of audio. The server stops reading a stream whose buffer is full (settings still being
looked up, slow disk) until there is room.

Per cycle we write at most as much audio as real time has elapsed since the stream's last cycle, and at least one
second. Faster streams use idle threads only and never delay others. Recordings begin and end in other threads: a
beginning recording holds a transaction, which must not wait for audio.

An outage of the database does not stop recording. If it does not answer, the settings of the account's last call on
this server apply for a while (`AdmissionCache`), and `processing.py` creates the missing rows later. A stream with
unknown settings is refused.
"""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar
from uuid import UUID

import structlog

from app.calls.model import Call
from app.foundation import metrics
from app.foundation.access import Viewer
from app.foundation.concurrency_limits import FairSlots, Quota, QuotaExceeded, Slot
from app.foundation.encryption import CannotOpen, Keyring
from app.foundation.errors import for_client, is_database_away, is_statement_aborted
from app.foundation.events import LiveEvents
from app.foundation.identifiers import Kind, sid_of
from app.foundation.settings import Settings
from app.recording import lifecycle
from app.recording.admission import NO_SUCH_ACCOUNT, AdmissionCache, Admitted, admit, refusals_of_closed_accounts
from app.recording.audio import new_encoder
from app.recording.audio_stream import AudioStream, Failure, error_fields, finish_stream, write_streams
from app.recording.disk import disk_fault
from app.recording.metadata import RecordingMetadata
from app.recording.spool import Spool, SpooledRecording
from app.recording.stream import CloseCode, FirstFrame, Refused

WRITE_EVERY_SECONDS = 0.5
CHECK_ACCOUNTS_EVERY_SECONDS = 4.0
"""Short enough that, with the query, calls of a suspended account end within 5 s."""
TOUCH_CALLS_EVERY_SECONDS = 86_400.0
"""A row that stays RECORDING without an update for days counts as lost (`app/recording/lifecycle.py`)."""
_MEASURE_EVERY_SECONDS = 10.0
_BEGIN_SECONDS = 10.0
DATABASE_SECONDS = 4.0
"""How long the beginning of a stream waits for the database. A gateway that ends its call waits for our close,
usually 10 s or more.
"""
_THREADS = min(os.cpu_count() or 1, 8)
_SHARE_FULL = "the {} has used its share of the spool: retry later or on another server"
_NO_KEY = "this server cannot decrypt the account's storage keys (ENCRYPTION_KEYS): retry later or on another server"
_DATABASE_AWAY = "the database does not answer: try again later"
_OVERFULL = "the spool is overfull: the recording ends here"
_log = structlog.get_logger("recording.ingest")
T = TypeVar("T")


class RecordingSink(Protocol):
    """Receives recordings from ingest to upload them."""

    def on_append(self, recording: SpooledRecording) -> None:
        """Called after audio was appended to a running recording. Returns at once."""
        ...

    def on_end(self, recording: SpooledRecording) -> None:
        """Called when a recording is complete; the sink owns it from now on. Returns at once."""
        ...


class SpoolBroken(Exception):
    """The spool cannot take a recording."""

    def __init__(self, why: OSError) -> None:
        super().__init__(why.strerror)
        self.why = why


class RecordingIngest:
    """All recording streams of this process."""

    def __init__(
        self, settings: Settings, keyring: Keyring, spool: Spool, live: LiveEvents, sink: RecordingSink | None = None
    ) -> None:
        """Without a sink, recordings stay in the spool."""
        self._keyring = keyring
        self._spool = spool
        self._live = live
        self._sink = sink
        self._slots = FairSlots(settings.recording_streams)
        self._admissions = AdmissionCache()
        self._streams: set[AudioStream] = set()
        self._threads, self._beginning, self._ending = (
            ThreadPoolExecutor(_THREADS, thread_name_prefix=f"ingest-{work}") for work in ("writes", "begins", "ends")
        )
        self._writing: asyncio.Future[list[list[Failure]]] | None = None
        self._wake = asyncio.Event()
        self._is_ending = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Writes in the background while the context is open; ends all open streams when it closes."""
        # Start all threads now: if the machine later refuses new threads, open recordings still end.
        pools = (self._threads, self._beginning, self._ending)
        have_begun = threading.Barrier(_THREADS * len(pools))
        waiting = partial(have_begun.wait, _BEGIN_SECONDS)
        await asyncio.gather(*(_in_thread(pool, waiting) for pool in pools for _ in range(_THREADS)))
        task = asyncio.create_task(self._write_forever())
        background = [asyncio.create_task(work()) for work in (self._check_calls_forever, self._measure_forever)]
        try:
            yield
        finally:
            for each in background:
                each.cancel()
            # Do not cancel: writing threads would continue, and later audio would be written first.
            self._is_ending = True
            self._wake.set()
            await asyncio.gather(task, *background, return_exceptions=True)
            streams = list(self._streams)
            await asyncio.gather(*(self.end(stream) for stream in streams))
            await asyncio.gather(*(self.wait_for_handover(stream) for stream in streams))
            for pool in pools:
                pool.shutdown()

    @contextmanager
    def slot(self, viewer: Viewer) -> Iterator[Slot]:
        """Holds one stream slot. Raises Refused when all slots are taken or the spool is full.

        The slot counts for the owners of the key. `begin` adds the owners of the call, because a provider's key may
        name any of its accounts.
        """
        if self._slots.is_full:
            raise self._refuse(
                "streams", "this server records its maximum number of calls: retry later or on another server"
            )
        if self._spool.is_full:
            raise self._refuse("spool", "the spool is full: retry later or on another server")
        with self._slots.slot() as slot:
            self._add(slot, viewer.account_id, viewer.provider_id)
            metrics.recording_streams(+1)
            try:
                yield slot
            finally:
                metrics.recording_streams(-1)

    def _add(self, slot: Slot, account_id: UUID | None, service_provider_id: UUID | None) -> None:
        """Raises Refused."""
        try:
            slot.add(Quota.ACCOUNT, account_id)
            slot.add(Quota.PROVIDER, service_provider_id)
        except QuotaExceeded as full:
            full_for = f"this server records its maximum number of calls of one {full.quota.words}"
            raise self._refuse(
                "streams", f"{full_for}: retry later or on another server", account_id=account_id
            ) from None

    def stream(self, first: FirstFrame) -> AudioStream:
        """A buffer for the audio that arrives while `begin` runs."""
        return AudioStream(first, self._wake.set)

    async def begin(self, viewer: Viewer, slot: Slot, stream: AudioStream) -> RecordingMetadata:
        """Decides whether the call is recorded, and creates the recording. Raises Refused."""
        account_id = stream.first.account_id
        try:
            stream.recording = await self._begin_within_timeout(viewer, slot, stream)
        except lifecycle.AlreadyRecorded:
            raise Refused(CloseCode.ALREADY_RECORDED, "the call is being recorded or was recorded before") from None
        except lifecycle.AccountDeleted:
            raise Refused(CloseCode.NOT_FOUND, NO_SUCH_ACCOUNT) from None
        except SpoolBroken as failure:
            fault = disk_fault(failure.why)
            raise self._refuse(fault.why, f"{fault.reason}: retry later or on another server", failure.why) from failure
        except CannotOpen as error:
            raise self._refuse("keys", _NO_KEY, error, account_id=account_id) from error
        except Exception as error:
            if for_client(error) is None:
                raise
            raise self._refuse("database", _DATABASE_AWAY, account_id=account_id) from error
        self._streams.add(stream)
        return stream.recording.metadata

    async def end(self, stream: AudioStream) -> Exception | None:
        """Writes the remaining audio and ends the recording; it is then complete in the spool, whatever fails later.

        Returns the first error of writing, or None. Repeated calls return the same result.
        """
        if stream.ending is None:
            if stream not in self._streams:
                return None
            self._streams.discard(stream)
            stream.ending = asyncio.create_task(self._end(stream))
        return await asyncio.shield(stream.ending)

    async def wait_for_handover(self, stream: AudioStream) -> None:
        """Waits until the call's row is updated and the sink owns the recording."""
        if stream.handover is not None:
            await asyncio.shield(stream.handover)

    async def _end(self, stream: AudioStream) -> Exception | None:
        if self._writing is not None:  # it may be writing this stream's audio
            await asyncio.wait([self._writing])
        recording, error = await _in_thread(self._ending, partial(finish_stream, stream, stream.remaining_audio()))
        stream.handover = asyncio.create_task(self._hand_over(recording))
        # Prefer an error of an earlier write that occurred while this end was pending.
        return stream.failure.result() if stream.is_unwritable else error

    async def _hand_over(self, recording: SpooledRecording) -> None:
        try:
            await self._mark_storing(recording)
        finally:
            if self._sink is not None:
                self._sink.on_end(recording)
            else:
                recording.close()

    async def _begin_within_timeout(self, viewer: Viewer, slot: Slot, stream: AudioStream) -> SpooledRecording:
        """Begins with the database, or without it when it does not answer in time.

        Does not wait for a cancelled statement that hangs: its server may never answer the cancellation.
        """
        beginning = asyncio.create_task(self._begin_with_database(viewer, slot, stream))
        beginning.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            await asyncio.wait([beginning], timeout=DATABASE_SECONDS)
        finally:
            stream.database_may_begin = False
            is_late = beginning.cancel()
        error = TimeoutError() if is_late else beginning.exception()
        if error is None:
            return beginning.result()
        if _is_database_down(error):
            return await self._begin_without_database(viewer, slot, stream, error)
        if stream.creating is not None and not stream.creating.exception():
            stream.creating.result().close()
        raise error

    async def _begin_with_database(self, viewer: Viewer, slot: Slot, stream: AudioStream) -> SpooledRecording:
        try:
            admitted = await admit(viewer, self._keyring, stream.first)
        except Refused:
            self._admissions.discard(viewer, stream.first)
            raise
        self._check_shares(slot, stream, admitted)
        encoded: list[SpooledRecording] = []

        async def before_commit(call: Call, credential_id: UUID) -> None:
            if not stream.database_may_begin:
                raise TimeoutError
            self._start_creating(stream, _metadata_of(stream.first, call, credential_id, admitted))
            encoded.append(await self._created(stream))
            self._admissions.put(viewer, stream.first, admitted, credential_id)

        await lifecycle.begin(
            self._keyring, self._live, admitted.facts, admitted.target, admitted.audio_format, before_commit
        )
        return encoded[0]

    async def _begin_without_database(
        self, viewer: Viewer, slot: Slot, stream: AudioStream, error: BaseException
    ) -> SpooledRecording:
        """Begins with the cached settings of the account's last call.

        Keeps a recording that the database attempt already created, because its transaction may have committed.
        Raises Refused, SpoolBroken, and the database's error when nothing is cached.
        """
        if stream.creating is not None:
            return await self._created(stream)
        known = self._admissions.get(viewer, stream.first)
        if known is None:
            raise error
        admitted, credential_id = known
        self._check_shares(slot, stream, admitted)
        call = lifecycle.unsaved_call(admitted.facts, admitted.target, admitted.audio_format)
        _log.warning("a call is recorded without the database", call_id=call.id.hex, **error_fields(error))
        metadata = _metadata_of(stream.first, call, credential_id, admitted)
        self._start_creating(stream, replace(metadata, without_database=True))
        return await self._created(stream)

    def _start_creating(self, stream: AudioStream, metadata: RecordingMetadata) -> None:
        stream.creating = asyncio.ensure_future(
            _in_thread(self._beginning, partial(self._create_files, stream, metadata))
        )

    async def _created(self, stream: AudioStream) -> SpooledRecording:
        """The stream's recording, once its creation has finished. Raises SpoolBroken and AlreadyRecorded."""
        if stream.creating is None:
            raise RuntimeError("the recording is not being created")
        try:
            return await asyncio.shield(stream.creating)
        except FileExistsError:
            raise lifecycle.AlreadyRecorded from None
        except OSError as error:
            raise SpoolBroken(error) from error

    def _check_shares(self, slot: Slot, stream: AudioStream, admitted: Admitted) -> None:
        """Raises Refused."""
        self._add(slot, stream.first.account_id, admitted.service_provider_id)
        if share := self._spool.full_share(stream.first.account_id, admitted.service_provider_id):
            raise self._refuse("spool", _SHARE_FULL.format(share.words), account_id=stream.first.account_id)

    def _create_files(self, stream: AudioStream, metadata: RecordingMetadata) -> SpooledRecording:
        recording = self._spool.create(metadata)
        stream.new_encoder = new_encoder(metadata.format, metadata.sample_rate, metadata.channels)
        try:
            recording.append(stream.new_encoder.begin())
        except OSError:
            recording.remove()
            raise
        return recording

    async def _mark_storing(self, recording: SpooledRecording) -> None:
        metadata = recording.metadata
        try:
            await lifecycle.mark_storing(self._live, metadata.call_id, metadata.account_id, key=metadata.key)
        except Exception as error:  # noqa: BLE001  the uploader sets STORED or FAILED later from any state
            _log.warning("a call stays RECORDING for now", call_id=metadata.call_id.hex, **error_fields(error))

    async def _write_forever(self) -> None:
        while not self._is_ending:
            started = time.monotonic()
            self._wake.clear()
            try:
                await self._write_all()
            except Exception:  # noqa: BLE001  if this task ended, all audio would be lost unnoticed
                _log.exception("a cycle of writing audio failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(max(started + WRITE_EVERY_SECONDS - time.monotonic(), 0)):
                    await self._wake.wait()

    async def _check_calls_forever(self) -> None:
        while True:
            await asyncio.sleep(CHECK_ACCOUNTS_EVERY_SECONDS)
            try:
                await self._end_streams_of_closed_accounts()
                await self._touch_long_calls()
            except Exception as error:  # noqa: BLE001  calls continue; the next check finds suspended accounts
                if for_client(error) is None:
                    _log.exception("check of running calls failed")

    async def _end_streams_of_closed_accounts(self) -> None:
        """Raises the database's errors."""
        running = {stream.first.account_id for stream in self._streams}
        refusals = await refusals_of_closed_accounts(running) if running else {}
        for stream in self._streams:
            if stream.first.account_id in refusals and not stream.failure.done():
                stream.failure.set_result(refusals[stream.first.account_id])

    async def _touch_long_calls(self) -> None:
        """Updates the rows of long calls so that they do not count as lost. Raises the database's errors."""
        since = time.monotonic() - TOUCH_CALLS_EVERY_SECONDS
        for stream in [stream for stream in self._streams if stream.touched_at < since]:
            if stream.recording is not None:
                await lifecycle.touch(stream.recording.metadata.call_id, stream.first.account_id)
            stream.touched_at = time.monotonic()

    async def _measure_forever(self) -> None:
        """A task of its own: measuring a large spool takes seconds, and writing must not wait."""
        while True:
            await asyncio.sleep(_MEASURE_EVERY_SECONDS)
            try:
                await asyncio.to_thread(self._spool.measure)
            except OSError as error:
                _log.error("measuring the spool failed", **error_fields(error))
            metrics.spool_measured(self._spool.size_bytes(), self._spool.free_bytes, self._spool.oldest_waiting_seconds)
            self._end_over_quota()

    async def _write_all(self) -> None:
        work = [(stream, stream.next_audio()) for stream in self._streams if stream.has_audio]
        parts = [part for number in range(_THREADS) if (part := work[number::_THREADS])]
        if not parts:
            return
        self._writing = asyncio.gather(*(_in_thread(self._threads, partial(write_streams, part)) for part in parts))
        try:
            failed = [failure for failures in await self._writing for failure in failures]
        finally:
            self._writing = None
        for stream, error in failed:
            self._fail(stream, error)
        for stream, _ in work:
            if self._sink is not None and stream.recording is not None and stream in self._streams:
                self._sink.on_append(stream.recording)
        self._end_over_quota()
        if any(stream.is_full for stream in self._streams if not stream.failure.done()):
            self._wake.set()

    def _end_over_quota(self) -> None:
        for stream in self._streams:
            if not stream.failure.done() and (reason := self._over_quota_reason(stream)):
                stream.failure.set_result(self._refuse("spool", reason, account_id=stream.first.account_id))

    def _over_quota_reason(self, stream: AudioStream) -> str | None:
        if self._spool.is_overfull:
            return _OVERFULL
        metadata = stream.recording.metadata if stream.recording is not None else None
        share = (
            self._spool.full_share(metadata.account_id, metadata.service_provider_id) if metadata is not None else None
        )
        return _SHARE_FULL.format(share.words) if share is not None else None

    def _fail(self, stream: AudioStream, error: Exception) -> None:
        metrics.recording_rejected(disk_fault(error).why)
        _log.error("a recording ends early", **error_fields(error))
        if not stream.failure.done():
            stream.failure.set_result(error)

    def _refuse(
        self, why: str, reason: str, error: Exception | None = None, *, account_id: UUID | None = None
    ) -> Refused:
        """Logs, counts and returns a Refused for a call that should be recorded but is not, or only in part."""
        metrics.recording_rejected(why)
        numbers = {"streams": self._slots.total, "spool_bytes": self._spool.size_bytes()}
        account = {"account": sid_of(Kind.ACCOUNT, account_id)} if account_id else {}
        _log.error("a call is not recorded", why=why, **numbers, **account, **error_fields(error))
        return Refused(CloseCode.TRY_AGAIN_LATER, reason)


def _is_database_down(error: BaseException) -> bool:
    """Whether the database did not answer in time. False for one that answers but refuses writes."""
    return not isinstance(error, SpoolBroken | CannotOpen) and (is_database_away(error) or is_statement_aborted(error))


async def _in_thread(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


def _metadata_of(first: FirstFrame, call: Call, credential_id: UUID, admitted: Admitted) -> RecordingMetadata:
    if call.recording_key is None:
        raise RuntimeError("the call has no destination for its recording")
    return RecordingMetadata(
        call_id=call.id,
        account_id=call.account_id,
        gateway_call_id=call.gateway_call_id,
        format=admitted.audio_format,
        sample_rate=first.sample_rate,
        channels=first.channels,
        started_at=call.started_at,
        vendor=admitted.target.vendor,
        endpoint_url=admitted.target.endpoint_url,
        bucket=admitted.target.bucket,
        region=admitted.target.region,
        key=call.recording_key,
        credential_id=credential_id,
        tags=admitted.target.tags,
        service_provider_id=admitted.service_provider_id,
        application_id=call.application_id,
        direction=call.direction,
        from_number=call.from_number,
        to_number=call.to_number,
        trace_id=call.trace_id,
    )
