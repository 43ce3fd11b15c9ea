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
from app.recording.admission import refusal_now
from app.recording.backoff import Fault
from app.recording.disk import fault_of, is_of_disk
from app.recording.spool import About, Spool, SpooledRecording
from app.recording.upload import InParts, State
from app.storage import credentials, uploads
from app.storage.credentials import Candidate
from app.storage.failures import StorageFailure, code_for_metrics
from app.storage.model import RecordingError
from app.storage.s3 import Bucket, ObjectStorage, StorageTarget

_log = structlog.get_logger("storing")

LOOK_EVERY_SECONDS = 5.0
AT_ONCE, AT_ONCE_EACH = 32, (8, 24)
"""Uploads that run at the same time in this process: in all, and for one account and one service provider, so that storages that
hang hold up their own accounts."""
# Recordings that are held and wait for one of these places, likewise; what is more is let go of, and found again.
_HELD, _HELD_EACH = 128, (32, 96)
_ROWS_AT_ONCE = 500
_UNKNOWN = (RecordingState.NONE, 0)
_ANOTHER = "the call has another recording in this database"
_OVER = (RecordingState.STORED, RecordingState.DELETED)


@dataclass
class _Growing:
    """A running call whose recording is large enough to be sent on."""

    upload: InParts | None = None
    task: "asyncio.Task[None] | None" = None
    next_size: int = uploads.IN_PARTS_FROM_BYTES
    """How long the audio must be for the next part, in bytes."""
    has_failed: bool = False
    """It is left alone until the call has ended."""


@dataclass(frozen=True)
class _Waiting:
    """A recording in the spool that is not due."""

    owners: tuple[UUID, ...]
    attempts: int
    due: datetime
    is_going: bool = False
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
        self._kept = timedelta(days=call_days)
        self._keyring = keyring
        self._storage = storage
        self._spool = spool
        self._live = live
        self._now = now
        self._growing: dict[UUID, _Growing] = {}
        self._held: set[UUID] = set()
        self._held_each: Counter[UUID] = Counter()
        self._waiting: dict[UUID, _Waiting] = {}
        self._told_of_disk: set[UUID] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._places_each: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()
        self._wake = asyncio.Event()
        # The owners that have recordings due beyond what may be held of them; None: beyond what may be held in all.
        self._behind: set[UUID | None] = set()
        self._context = contextvars.copy_context()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Looks through the spool for as long as the context lasts; what is under way then, the next process begins again."""
        self._context = contextvars.copy_context()
        looking = asyncio.create_task(self._look_for_ever())
        try:
            yield
        finally:
            tasks = [looking, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def grown(self, recording: SpooledRecording) -> None:
        """A running recording has become longer. Returns at once, and does nothing until a part is full."""
        size = recording.audio_bytes
        if size < uploads.IN_PARTS_FROM_BYTES:
            return
        growing = self._growing.setdefault(recording.about.call_id, _Growing())
        if size >= growing.next_size and growing.task is None and not growing.has_failed:
            growing.task = self._start(self._send_on(recording, growing))

    def ended(self, recording: SpooledRecording) -> None:
        """Takes over a recording whose stream has ended: stored, or let go of when there are too many. Returns at once."""
        growing = self._growing.pop(recording.about.call_id, None)
        if growing is None and self._falls_behind(recording.about.owners):
            recording.close()
            return
        self._hold(recording, growing)

    async def look(self) -> None:
        """Takes up what is due in the spool, as far as there are places. Raises what the database does when it is away."""
        there = await asyncio.to_thread(self._spool.waiting)
        for gone in self._waiting.keys() - set(there):
            del self._waiting[gone]
        self._told_of_disk.intersection_update(there)
        metrics.spooled(len(there), len(await asyncio.to_thread(self._spool.aside)))
        asked = await self._asked_for()
        now = self._now()
        self._behind.clear()
        for call_id in there:
            waiting = self._waiting.get(call_id)
            if call_id in self._held or (waiting is not None and not waiting.is_due(now) and call_id not in asked):
                continue
            if waiting is not None and self._falls_behind(waiting.owners):
                continue
            if len(self._held) >= _HELD:
                self._behind.add(None)
                return
            recording = await asyncio.to_thread(self._spool.open, call_id)
            if recording is not None:
                self._take(recording, now)

    async def settle(self) -> None:
        """Waits until nothing is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take(self, recording: SpooledRecording, now: datetime) -> None:
        """Works on it, or remembers whose it is until there is room for it."""
        about = recording.about
        if self._falls_behind(about.owners):
            recording.close()
            self._waiting.setdefault(about.call_id, _Waiting(about.owners, 0, now))
        else:
            self._hold(recording, None)

    def _falls_behind(self, owners: tuple[UUID, ...]) -> bool:
        """Whether a recording of these owners must wait until others are done with; then there is another look."""
        behind: list[UUID | None] = [owner for owner, most in _most_held(owners) if self._held_each[owner] >= most]
        if len(self._held) >= _HELD:
            behind.append(None)
        self._behind.update(behind)
        return bool(behind)

    def _hold(self, recording: SpooledRecording, growing: _Growing | None) -> None:
        self._held.add(recording.about.call_id)
        self._held_each.update(recording.about.owners)
        self._start(self._work(recording, growing))

    def _let_go(self, recording: SpooledRecording) -> None:
        about = recording.about
        recording.close()
        self._held.discard(about.call_id)
        has_room = None in self._behind and len(self._held) < _HELD // 2
        for owner, most in _most_held(about.owners):
            self._held_each[owner] -= 1
            has_room |= owner in self._behind and self._held_each[owner] < most // 2
            if not self._held_each[owner]:
                del self._held_each[owner]
        if has_room:
            self._wake.set()

    async def _look_for_ever(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001  the database is away, or the disk: the next look must still come
                reason = {"reason": error.strerror} if isinstance(error, OSError) and error.strerror else {}
                _log.warning("the spool was not looked through", error=type(error).__qualname__, **reason)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_SECONDS)

    async def _asked_for(self) -> set[UUID]:
        """Of what is not due: what a person wants tried again now, what is to go, and what the database does not know."""
        found: set[UUID] = set()
        ids = list(self._waiting)
        for begin in range(0, len(ids), _ROWS_AT_ONCE):
            some = {call_id: self._waiting[call_id] for call_id in ids[begin : begin + _ROWS_AT_ONCE]}
            rows = await Call.filter(
                id__in=list(some), account_id__in={each.owners[0] for each in some.values()}
            ).values_list("id", "recording_state", "recording_attempts")
            known = {call_id: (state, attempts) for call_id, state, attempts in rows}
            for call_id, waiting in some.items():
                state, attempts = known.get(call_id, _UNKNOWN)
                is_asked = state is RecordingState.STORING and attempts < waiting.attempts
                if is_asked or (state in (*_OVER, RecordingState.NONE) and not waiting.is_going):
                    found.add(call_id)
        return found

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        # Whoever calls may belong to a request, whose database connection is not for what outlives it.
        task = asyncio.get_running_loop().create_task(work, context=self._context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @asynccontextmanager
    async def _place(self, about: About) -> AsyncIterator[None]:
        async with AsyncExitStack() as held:
            for owner, most in zip(about.owners, AT_ONCE_EACH, strict=False):
                await held.enter_async_context(self._places_each.setdefault(owner, asyncio.Semaphore(most)))
            await held.enter_async_context(self._places)
            yield

    async def _send_on(self, recording: SpooledRecording, growing: _Growing) -> None:
        """Sends what is there of a running recording. When it fails, the whole is sent after the call."""
        about = recording.about
        try:
            async with self._place(about):
                target = (
                    growing.upload.target
                    if growing.upload
                    else (await sending.usable_keys(self._keyring, about))[0].target
                )
                async with sending.bucket_of(self._storage, target) as bucket:
                    await self._send_on_to(bucket, target, recording, growing)
        except Exception as error:  # noqa: BLE001  nothing is lost: all of it is tried again at the end of the call
            _log.warning("a running recording is not sent on", call_id=about.call_id.hex, error=_name(error))
            growing.upload, growing.has_failed = None, True
        finally:
            growing.task = None

    async def _send_on_to(
        self, bucket: Bucket, target: StorageTarget, recording: SpooledRecording, growing: _Growing
    ) -> None:
        state = State()
        growing.upload = growing.upload or await sending.begin(bucket, target, recording, state)
        try:
            size = recording.audio_bytes
            await sending.send_whole_parts(bucket, recording, growing.upload, size)
            growing.next_size = uploads.next_part_at(size)
        except (StorageFailure, OSError):
            state = State.of(recording)
            await sending.clear(bucket, recording, state)
            raise

    async def _work(self, recording: SpooledRecording, growing: _Growing | None) -> None:
        """One try, after which the recording is let go of."""
        about = recording.about
        try:
            if growing is not None and growing.task is not None:
                await asyncio.wait({growing.task})
            async with self._place(about):
                waiting = await self._try(recording, growing.upload if growing is not None else None)
        except Exception as error:  # noqa: BLE001  the audio stays where it is, and the next try must come
            self._tell_disk(about, error)
            if for_client(error) is None:
                _log.exception("a recording was not stored", call_id=about.call_id.hex)
            waiting = _Waiting(about.owners, 0, self._now() + backoff.WITHOUT_DATABASE)
        finally:
            self._let_go(recording)
        if waiting is not None:
            self._waiting[about.call_id] = waiting

    def _tell_disk(self, about: About, error: Exception) -> None:
        """Of a disk that fails the operator hears once for each recording, and an alarm each time."""
        if not is_of_disk(error):
            return
        fault = fault_of(error)
        metrics.upload_failed(fault.why, is_last=False)
        if about.call_id not in self._told_of_disk:
            self._told_of_disk.add(about.call_id)
            call = sid_of(Kind.CALL, about.call_id)
            _log.error("a recording cannot be stored", call=call, reason=fault.reason, advice=fault.advice)

    async def _try(self, recording: SpooledRecording, upload: InParts | None) -> _Waiting | None:
        """Answers when to look again; None: it is out of the spool. Raises what the database does."""
        about, state = recording.about, State.of(recording)
        if state.is_deleted:
            return await self._discard(recording, state, upload)
        now_is, attempts, stored_bytes, key = await _row(about)
        if key not in (None, about.key):
            await self._set_aside(recording, state, _ANOTHER)
            return None
        if now_is is RecordingState.STORED:
            if recording.audio_bytes in (0, stored_bytes):
                return await self._leave(recording, state, upload)
            if not state.is_adopted:
                await self._set_aside(recording, state, f"the bucket holds {stored_bytes} bytes of it")
                return None
            await lifecycle.again(self._live, about.call_id, about.account_id, key=about.key)
            now_is = RecordingState.STORING
        if now_is is RecordingState.DELETED:
            return await self._discard(recording, state, upload)
        if not crash_recovery.has_samples(recording):
            await self._nothing(recording, state)
            return None
        if now_is is RecordingState.NONE:
            if not await self._restored(recording, state):
                return await self._discard(recording, state, upload) if state.is_deleted else None
            now_is, attempts = RecordingState.STORING, state.attempts
        if now_is is RecordingState.FAILED:
            return _Waiting(about.owners, max(1, state.attempts), _NEVER)
        if attempts < state.attempts:  # a person has asked for it
            state.attempts, state.first_failed_at, state.next_attempt_at = 0, None, None
        due = state.time("next_attempt_at")
        if due is not None and not backoff.is_due(due, self._now()):
            return _Waiting(about.owners, state.attempts, due)
        if now_is is RecordingState.RECORDING:
            await lifecycle.storing(self._live, about.call_id, about.account_id, key=about.key)
        ended = await asyncio.to_thread(crash_recovery.recovered, recording)
        try:
            return await self._send(recording, state, upload, ended.duration_ms)
        except Fault as fault:
            return await self._note(recording, state, fault)

    async def _send(
        self, recording: SpooledRecording, state: State, upload: InParts | None, duration_ms: int
    ) -> _Waiting | None:
        """Raises Fault: that of the keys that were tried last."""
        ways = await sending.usable_keys(self._keyring, recording.about)
        for way in ways:
            going_on = upload if upload is not None and upload.target == way.target else None
            try:
                async with sending.bucket_of(self._storage, way.target) as bucket:
                    await sending.send(bucket, way.target, recording, state, going_on)
                    return await self._stored(bucket, way, recording, state, duration_ms)
            except StorageFailure as failure:
                fault = Fault.of(failure, way.target.region)
                if way is ways[-1] or fault.mends_itself:
                    raise fault from None
        raise AssertionError("there is always a way")

    async def _stored(
        self, bucket: Bucket, way: Candidate, recording: SpooledRecording, state: State, duration_ms: int
    ) -> _Waiting | None:
        """Says so, and lets go of the audio; what was deleted meanwhile is deleted in the bucket too. Raises StorageFailure."""
        about, size = recording.about, recording.audio_bytes
        if not state.is_sent:
            state.is_sent = True
            await state.write(recording)
        if way.credential_id is None or way.target.region != about.region:
            await self._remember(about, way)
        told = (self._live, about.call_id, about.account_id, size, duration_ms)
        if not await lifecycle.stored(*told, key=about.key):
            now_is, _, _, key = await _row(about)
            # The database has lost the row since, or it is another recording's: the next look decides.
            if now_is not in _OVER or key != about.key:
                return _Waiting(about.owners, state.attempts, self._now())
            if now_is is RecordingState.DELETED:
                await uploads.delete(bucket, about.key)
        await asyncio.to_thread(recording.remove)
        await storage_health.works(self._keyring, about.account_id, way.target)
        metrics.recording_stored()
        return None

    async def _restored(self, recording: SpooledRecording, state: State) -> bool:
        """Makes the rows of the call again, which the database has lost. False: the recording is no call's to be stored now.

        Then it is set aside, marked as deleted with its account, or left to be found under the id that its call has by now.
        """
        about = recording.about
        if about.started_at < self._now() - self._kept and not state.is_adopted:
            await self._set_aside(recording, state, "the call is older than CALL_DAYS, and its row is gone")
            return False
        if about.without_database and not state.is_adopted and (why := await refusal_now(about)):
            await self._set_aside(recording, state, f"the call began without the database; by the settings now: {why}")
            return False
        try:
            call_id = await lifecycle.restore(self._live, about, state.attempts)
        except lifecycle.AccountDeleted:
            if await accounts.was_deleted(about.account_id):
                state.is_deleted = state.keeps_object = True
            else:
                await self._set_aside(recording, state, "this database does not know the account")
            return False
        except lifecycle.RecordedAlready:
            await self._set_aside(recording, state, _ANOTHER)
            return False
        _log.warning("a call that the database had lost is there again", call_id=call_id.hex)
        if call_id == about.call_id:
            return True
        try:
            await asyncio.to_thread(recording.move_to, call_id)
            self._wake.set()
        except FileExistsError:
            await self._set_aside(recording, state, "the call has another recording in this spool")
        return False

    async def _set_aside(self, recording: SpooledRecording, state: State, why: str) -> None:
        about, state.aside = recording.about, why
        await state.write(recording)
        await asyncio.to_thread(recording.set_aside)
        ids = {"call": sid_of(Kind.CALL, about.call_id), "account": sid_of(Kind.ACCOUNT, about.account_id)}
        _log.error("a recording is set aside: see `python -m app spool`", reason=why, **ids)

    async def _nothing(self, recording: SpooledRecording, state: State) -> None:
        """There is nothing to store, and the call says why: the gateway sent not a sample, or all audio was lost here."""
        about, ended, now = recording.about, recording.ended, self._now()
        mine = (self._live, about.call_id, about.account_id)
        if ended is not None and not ended.samples and not ended.is_cut:
            await lifecycle.nothing(*mine, now, key=about.key)
        elif await lifecycle.failed(*mine, lifecycle.all_lost(now, self._spool.id), state.attempts, key=about.key):
            metrics.upload_failed("disk", is_last=True)
            _log.error("a recording has lost all its audio", call=sid_of(Kind.CALL, about.call_id))
        await asyncio.to_thread(recording.remove)

    async def _remember(self, about: About, way: Candidate) -> None:
        """The recording lies where only the account's newer keys reach it."""
        credential_id = await credentials.keep(self._keyring, about.account_id, way.target)
        await (
            Call.filter(account_id=about.account_id, id=about.call_id, recording_key=about.key)
            .exclude(recording_state=RecordingState.DELETED)
            .update(recording_credential_id=credential_id, recording_region=way.target.region)
        )

    async def _note(self, recording: SpooledRecording, state: State, fault: Fault) -> _Waiting | None:
        """What has failed, in the row first: a kill in between costs a wait, no try and no truth."""
        about, now = recording.about, self._now()
        state.attempts += 1
        state.first_failed_at = state.first_failed_at or now.isoformat()
        due = backoff.next_try(state.attempts, fault.mends_itself, state.time("first_failed_at") or now, now)
        state.next_attempt_at = due.isoformat() if due is not None else None
        error: RecordingError = {
            **fault.to_json(now),
            "next_attempt_at": state.next_attempt_at,
            "spool": self._spool.id,
        }
        told = (self._live, about.call_id, about.account_id, error, state.attempts)
        if due is None:
            await lifecycle.failed(*told, key=about.key)
            await storage_health.fails(about)
        else:
            await lifecycle.waits(*told, key=about.key)
        metrics.upload_failed(code_for_metrics(fault.code), is_last=due is None)
        _log.warning(
            "a recording was not stored",
            call_id=about.call_id.hex,
            code=fault.code,
            attempts=state.attempts,
            next_attempt_at=state.next_attempt_at,
        )
        await state.write(recording)
        return _Waiting(about.owners, state.attempts, due or _NEVER)

    async def _leave(self, recording: SpooledRecording, state: State, upload: InParts | None) -> _Waiting | None:
        """The bucket has it: the audio goes, once no upload of it is left open there."""
        if state.upload_id is not None or state.is_beginning:
            fault = await self._cleared(recording, state, upload, deletes=False)
            if fault is not None:
                return await self._later(recording, state, fault)
        await asyncio.to_thread(recording.remove)
        return None

    async def _discard(self, recording: SpooledRecording, state: State, upload: InParts | None) -> _Waiting | None:
        """A person has deleted it: nothing of it stays here, nor in the bucket, except what its account had stored there."""
        # On the disk first: whatever dump the database is restored from, what was deleted stays deleted.
        state.is_deleted = True
        await state.write(recording)
        about = recording.about
        if not state.keeps_object and await lifecycle.deleted(about.call_id, about.account_id, key=about.key):
            lifecycle.publish(self._live, about.call_id, about.account_id)
        # At once, whenever the bucket answers: the state is all that cleaning it up needs.
        await asyncio.to_thread(recording.cut, 0)
        is_there = (state.is_sent or state.may_be_sent) and not state.keeps_object
        if state.upload_id is not None or state.is_beginning or is_there:
            fault = await self._cleared(recording, state, upload, deletes=not state.keeps_object)
            if fault is not None:
                return await self._later(recording, state, fault)
        await asyncio.to_thread(recording.remove)
        return None

    async def _cleared(
        self, recording: SpooledRecording, state: State, upload: InParts | None, *, deletes: bool
    ) -> Fault | None:
        """Takes what is left of it out of the bucket, with whichever keys may do that; answers why it could not be done."""
        about, fault = recording.about, None
        try:
            ways = [way.target for way in await sending.usable_keys(self._keyring, about)]
        except Fault:
            if upload is None:
                _log.warning("what was sent may have stayed in the bucket: its keys are gone", key=about.key)
                return None
            ways = [upload.target]
        for target in ways:
            try:
                async with sending.bucket_of(self._storage, target) as bucket:
                    await sending.clear(bucket, recording, state)
                    if deletes:
                        await uploads.delete(bucket, about.key)
                    return None
            except StorageFailure as failure:
                fault = Fault.of(failure, target.region)
        return fault

    async def _later(self, recording: SpooledRecording, state: State, fault: Fault) -> _Waiting | None:
        """The bucket cannot be cleaned up now; when it never can, the folder goes all the same."""
        about, now = recording.about, self._now()
        state.attempts += 1
        state.first_failed_at = state.first_failed_at or now.isoformat()
        due = backoff.next_try(state.attempts, fault.mends_itself, state.time("first_failed_at") or now, now)
        if due is None:
            _log.warning("what was deleted may have stayed in the bucket", key=about.key, code=fault.code)
            await asyncio.to_thread(recording.remove)
            return None
        await state.write(recording)
        return _Waiting(about.owners, 0, due, is_going=True)


def _most_held(owners: tuple[UUID, ...]) -> Iterator[tuple[UUID, int]]:
    """How many recordings of each owner are held at most."""
    return zip(owners, _HELD_EACH, strict=False)


async def _row(about: About) -> tuple[RecordingState, int, int | None, str | None]:
    """What the call's row says, how many tries it knows of, and the object's length in bytes and key; without a row, NONE."""
    mine = Call.filter(account_id=about.account_id, id=about.call_id)
    columns = ("recording_state", "recording_attempts", "recording_size_bytes", "recording_key")
    return await mine.first().values_list(*columns) or (*_UNKNOWN, None, None)


def _name(error: BaseException) -> str:
    return str(error) if isinstance(error, StorageFailure | Fault) else type(error).__qualname__


_NEVER = datetime.max.replace(tzinfo=UTC)
