"""State changes of a call's recording in the database. Each function is one transition.

Each transition is one UPDATE that names the states it may follow, so that a late one changes nothing; a deleted
recording stays deleted. A server that holds audio also passes the key of its object: after the restore of an older
dump, the row may belong to another recording. Subscribers get an event after the commit.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from app.calls.keys import advance_newest_month, claim_call_id, get_or_create_call_ids, id_at
from app.calls.model import Call, CallDirection, RecordingState
from app.calls.recording_faults import RecordingFault
from app.foundation.encryption import CannotOpen, Keyring
from app.foundation.events import Change, LiveEvent, LiveEvents
from app.foundation.identifiers import Kind, sid_of
from app.recording.backoff import UploadFault
from app.recording.metadata import RecordingMetadata
from app.storage import credentials
from app.storage.model import AudioFormat, BucketVendor, RecordingError, StoredCredential
from app.storage.s3 import StorageFailure, StorageTarget

LOST_AFTER = timedelta(days=3)
"""Three times the retry period of a storage, and three times the interval in which long calls update their row."""
UNREACHABLE_AFTER = timedelta(days=30)
"""A recording whose bucket was unreachable for this long is FAILED without asking again."""
_IN_PROGRESS = (RecordingState.RECORDING, RecordingState.STORING)
_LOST_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A recording in its bucket."""

    size_bytes: int
    duration_ms: int


class AlreadyRecorded(Exception):
    """The call is being recorded, or was recorded before."""


class AccountDeleted(Exception):
    """The account does not exist in this database: deleted, or never created."""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """Facts about a call from its stream's first frame; None for missing ones."""

    account_id: UUID
    gateway_call_id: str
    started_at: datetime
    application_id: UUID | None = None
    direction: CallDirection | None = None
    from_number: str | None = None
    to_number: str | None = None
    trace_id: str | None = None


async def begin(
    keyring: Keyring,
    live: LiveEvents,
    facts: CallFacts,
    target: StorageTarget,
    audio_format: AudioFormat,
    before_commit: Callable[[Call, UUID], Awaitable[None]] | None = None,
) -> Call:
    """Marks the call RECORDING, with the destination of its recording; creates the call if it is new.

    Known facts of the call stay; missing ones are filled in. `before_commit` gets the call and the id of its stored
    credential: no call may be RECORDING before the spool holds its files. It must not wait for the network; an
    exception rolls everything back. Raises AlreadyRecorded and AccountDeleted.
    """
    async with _locked_account(facts.account_id) as newest_month:
        credential_id = await credentials.get_or_create(keyring, facts.account_id, target)
        ids = await get_or_create_call_ids(facts.account_id, {facts.gateway_call_id: facts.started_at})
        await advance_newest_month(facts.account_id, ids[facts.gateway_call_id], newest_month)
        call = await _locked(facts, ids[facts.gateway_call_id])
        if call.recording_state is not RecordingState.NONE:
            raise AlreadyRecorded
        destination = _Destination.of(call, target, audio_format)
        await _write_recording(call, facts, destination, RecordingState.RECORDING, credential_id, recording_error=None)
        if before_commit is not None:
            await before_commit(call, credential_id)
    publish(live, call.id, call.account_id)
    return call


def unsaved_call(facts: CallFacts, target: StorageTarget, audio_format: AudioFormat) -> Call:
    """The call as `begin` would create it, but not saved: for use while the database does not answer."""
    call = Call(id=id_at(facts.started_at), account_id=facts.account_id, gateway_call_id=facts.gateway_call_id)
    call.started_at = facts.started_at
    call.update_from_dict({**_missing_facts(call, facts), **_Destination.of(call, target, audio_format).columns})
    return call


async def restore_call(live: LiveEvents, metadata: RecordingMetadata, attempts: int) -> UUID:
    """Creates the missing rows of a spooled call, as STORING; returns the call's id in the database.

    The id differs from the old one if the gateway reported the call after the database had lost it. Raises
    AccountDeleted, and AlreadyRecorded when the call has another recording now.
    """
    facts = CallFacts(**{name: getattr(metadata, name) for name in CallFacts.__dataclass_fields__})
    async with _locked_account(metadata.account_id) as newest_month:
        call_id = await claim_call_id(metadata.account_id, metadata.gateway_call_id, metadata.call_id)
        await advance_newest_month(metadata.account_id, call_id, newest_month)
        call = await _locked(facts, call_id)
        if call.recording_state is not RecordingState.NONE:
            if call.recording_key == metadata.key:  # another worker was faster
                return call_id
            raise AlreadyRecorded
        kept = StoredCredential.filter(id=metadata.credential_id, account_id=metadata.account_id)
        credential_id = metadata.credential_id if await kept.select_for_update().get_or_none() else None
        destination = _Destination(
            metadata.format, metadata.vendor, metadata.endpoint_url, metadata.bucket, metadata.region, metadata.key
        )
        more = {"recording_attempts": attempts, "recording_error": None}
        await _write_recording(call, facts, destination, RecordingState.STORING, credential_id, **more)
    publish(live, call_id, metadata.account_id)
    return call_id


async def touch(call_id: UUID, account_id: UUID) -> None:
    """Updates the row of a long call that is still RECORDING, so that it does not count as lost. Publishes no event."""
    query = Call.filter(account_id=account_id, id=call_id, recording_state=RecordingState.RECORDING)
    await query.update(updated_at=datetime.now(UTC))


async def mark_storing(live: LiveEvents, call_id: UUID, account_id: UUID, *, key: str | None = None) -> bool:
    """All audio is in the spool; uploads follow. Also after a failure. Returns False if the state does not allow it."""
    allowed = (*_IN_PROGRESS, RecordingState.FAILED)
    return await _change(live, call_id, account_id, allowed, RecordingState.STORING, key, recording_error=None)


async def mark_stored(
    live: LiveEvents, call_id: UUID, account_id: UUID, size_bytes: int, duration_ms: int, *, key: str | None = None
) -> bool:
    """The object is in the bucket. Returns False if the state does not allow it, such as after a deletion."""
    values = {"recording_size_bytes": size_bytes, "recording_duration_ms": duration_ms, "recording_error": None}
    allowed = (*_IN_PROGRESS, RecordingState.FAILED)
    return await _change(live, call_id, account_id, allowed, RecordingState.STORED, key, **values)


async def mark_incomplete(live: LiveEvents, call_id: UUID, account_id: UUID, *, key: str) -> bool:
    """The bucket holds only part of the recording; it is uploaded again. Returns False if the state does not allow it."""
    values = {"recording_size_bytes": None, "recording_duration_ms": None}
    return await _change(live, call_id, account_id, (RecordingState.STORED,), RecordingState.STORING, key, **values)


async def mark_empty(live: LiveEvents, call_id: UUID, account_id: UUID, now: datetime, *, key: str) -> None:
    """The stream ended without audio: there is no recording, and the call's error says so."""
    values = {
        **dict.fromkeys(_Destination.column_names),
        "recording_credential_id": None,
        "recording_error": UploadFault(RecordingFault.NO_AUDIO).to_json(now),
    }
    allowed = (*_IN_PROGRESS, RecordingState.FAILED)
    await _change(live, call_id, account_id, allowed, RecordingState.NONE, key, **values)


async def mark_retrying(
    live: LiveEvents, call_id: UUID, account_id: UUID, error: RecordingError, attempts: int, *, key: str | None = None
) -> None:
    """An attempt failed and another will follow. `error` describes the last one (code, http_status, message, advice, at)."""
    query = _call_in(call_id, account_id, _IN_PROGRESS, key)
    if await query.update(recording_error=error, recording_attempts=attempts, updated_at=datetime.now(UTC)):
        live.publish(LiveEvent(account_id, call_id, Change.CALL))


async def mark_failed(
    live: LiveEvents, call_id: UUID, account_id: UUID, error: RecordingError, attempts: int, *, key: str | None = None
) -> bool:
    """No more attempts. `error` describes the last one. Returns False if the state does not allow it."""
    values = {"recording_error": error, "recording_attempts": attempts}
    return await _change(live, call_id, account_id, _IN_PROGRESS, RecordingState.FAILED, key, **values)


async def fail_lost_recordings(
    live: LiveEvents, now: datetime, find: Callable[[Call], Awaitable[StoredObject | None]]
) -> int:
    """Marks recordings FAILED that their server has not updated for LOST_AFTER. Returns their number.

    `find` looks for the object: a recording that is in its bucket becomes STORED, as after the restore of an older
    dump. It raises StorageFailure and CannotOpen when the outcome is unknown. The recording then waits for the next
    run, up to UNREACHABLE_AFTER, and other recordings in that bucket are not looked up in this run. If the audio
    reappears, `retryRecording` stores it; a call that still runs is stored when it ends.
    """
    count = 0
    failing: set[tuple[str | UUID | None, ...]] = set()
    async for call in _lost_calls(now - LOST_AFTER):
        target = (call.recording_endpoint_url, call.recording_bucket, call.recording_credential_id)
        found, is_known = None, target not in failing
        try:
            found = await find(call) if is_known else None
        except (StorageFailure, CannotOpen):
            failing.add(target)
            is_known = False
        if not is_known and call.updated_at > now - UNREACHABLE_AFTER:
            continue
        if found is not None:
            sizes = (found.size_bytes, found.duration_ms)
            await mark_stored(live, call.id, call.account_id, *sizes, key=call.recording_key)
            continue
        values = {"recording_error": _lost_error(call, now), "updated_at": now}
        query = Call.filter(account_id=call.account_id, id=call.id, recording_state__in=list(_IN_PROGRESS))
        if await query.filter(updated_at__lt=now - LOST_AFTER).update(recording_state=RecordingState.FAILED, **values):
            count += 1
            publish(live, call.id, call.account_id)
    return count


async def _lost_calls(before: datetime) -> AsyncIterator[Call]:
    # States as literals, so that the partial index on recordings in progress applies. All values are our own.
    states = ", ".join(f"'{state.value}'" for state in _IN_PROGRESS)
    after = (UUID(int=0), UUID(int=0))
    while True:
        lost = (
            f"SELECT * FROM calls WHERE recording_state IN ({states}) AND updated_at < '{before.isoformat(' ')}' "  # noqa: S608
            f"AND (account_id, id) > ('{after[0]}', '{after[1]}') ORDER BY account_id, id LIMIT {_LOST_AT_ONCE}"
        )
        calls: list[Call] = await Call.raw(lost)
        for call in calls:
            yield call
        if len(calls) < _LOST_AT_ONCE:
            return
        after = (calls[-1].account_id, calls[-1].id)


async def mark_deleted(call_id: UUID, account_id: UUID, *, key: str | None = None) -> bool:
    """The object is deleted, or will never exist. Returns False if there is no recording or it is deleted already.

    Takes part in a surrounding transaction and publishes no event: call `publish` after the commit.
    """
    allowed = (*_IN_PROGRESS, RecordingState.STORED, RecordingState.FAILED)
    return await _update(call_id, account_id, allowed, RecordingState.DELETED, key, recording_error=None)


def publish(live: LiveEvents, call_id: UUID, account_id: UUID) -> None:
    """Notifies subscribers of the recording's new state."""
    live.publish(LiveEvent(account_id, call_id, Change.RECORDING))


def audio_lost_error(now: datetime, spool: str) -> RecordingError:
    """For `mark_failed`: the audio never reached the server's disk, or did not survive there."""
    return {**UploadFault(RecordingFault.AUDIO_LOST).to_json(now), "spool": spool}


def _lost_error(call: Call, now: datetime) -> RecordingError:
    """Error of a lost recording, with the spool of the last attempt, if any."""
    code = RecordingFault.SERVER_SILENT
    message = f"{code.happened} (since {call.updated_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC)."
    error = UploadFault(code, message=message).to_json(now)
    return {**error, "spool": (call.recording_error or {}).get("spool")}


async def _change(
    live: LiveEvents,
    call_id: UUID,
    account_id: UUID,
    allowed: tuple[RecordingState, ...],
    state: RecordingState,
    key: str | None,
    **values: object,
) -> bool:
    changed = await _update(call_id, account_id, allowed, state, key, **values)
    if changed:
        publish(live, call_id, account_id)
    return changed


def _call_in(call_id: UUID, account_id: UUID, allowed: tuple[RecordingState, ...], key: str | None) -> QuerySet[Call]:
    """The call in one of these states; with a key, only while its recording has that key."""
    query = Call.filter(account_id=account_id, id=call_id, recording_state__in=list(allowed))
    return query.filter(recording_key=key) if key is not None else query


async def _update(
    call_id: UUID,
    account_id: UUID,
    allowed: tuple[RecordingState, ...],
    state: RecordingState,
    key: str | None,
    **values: object,
) -> bool:
    query = _call_in(call_id, account_id, allowed, key)
    return await query.update(recording_state=state, updated_at=datetime.now(UTC), **values) > 0


@asynccontextmanager
async def _locked_account(account_id: UUID) -> AsyncIterator[UUID | None]:
    """A transaction that locks the account; yields the month of its newest call. Raises AccountDeleted."""
    async with in_transaction() as client:
        # Lock the account before its rows, in the order of an account deletion: inserting a call takes this lock
        # later (deadlock).
        statement = "SELECT newest_month FROM call_accounts WHERE id = $1 FOR KEY SHARE"
        found = await client.execute_query_dict(statement, [account_id])
        if not found:
            raise AccountDeleted
        yield found[0]["newest_month"]


async def _locked(facts: CallFacts, call_id: UUID) -> Call:
    """The call's row, locked; created if missing."""
    new = Call(
        id=call_id,
        account_id=facts.account_id,
        gateway_call_id=facts.gateway_call_id,
        started_at=facts.started_at,
    )
    await Call.bulk_create([new], ignore_conflicts=True)
    return await Call.filter(account_id=facts.account_id, id=call_id).select_for_update().get()


def _missing_facts(call: Call, facts: CallFacts) -> dict[str, object]:
    names = ("application_id", "direction", "from_number", "to_number", "trace_id")
    reported = {name: getattr(facts, name) for name in names}
    return {name: value for name, value in reported.items() if value is not None and getattr(call, name) is None}


@dataclass(frozen=True, slots=True)
class _Destination:
    """The bucket and key of a recording."""

    audio_format: AudioFormat
    vendor: BucketVendor
    endpoint_url: str | None
    bucket: str
    region: str
    key: str

    column_names: ClassVar[tuple[str, ...]] = tuple(
        f"recording_{name}" for name in ("format", "vendor", "endpoint_url", "bucket", "region", "key")
    )
    """These columns are all null when there is no recording."""

    @classmethod
    def of(cls, call: Call, target: StorageTarget, audio_format: AudioFormat) -> "_Destination":
        """The key holds the call's UTC date and our id: a gateway's id is unique within its account only.

        Random digits keep two servers apart that record the same call after the database lost it: neither may
        overwrite or delete the other's object.
        """
        day = call.started_at.astimezone(UTC).strftime("%Y/%m/%d")
        key = f"{day}/{sid_of(Kind.CALL, call.id)}-{secrets.token_hex(4)}.{audio_format.name.lower()}"
        return cls(audio_format, target.vendor, target.endpoint_url, target.bucket, target.region, key)

    @property
    def columns(self) -> dict[str, object]:
        return dict(zip(self.column_names, astuple(self), strict=True))


async def _write_recording(
    call: Call,
    facts: CallFacts,
    destination: _Destination,
    state: RecordingState,
    credential_id: UUID | None,
    **more: object,
) -> None:
    values = {**_missing_facts(call, facts), **destination.columns, "recording_credential_id": credential_id, **more}
    values |= {"recording_state": state, "updated_at": datetime.now(UTC)}
    await Call.filter(account_id=call.account_id, id=call.id).update(**values)
    call.update_from_dict(values)
