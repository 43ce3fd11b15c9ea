"""What becomes of a call's recording, in the database: begun, on its way, stored or failed, deleted.

Each change is one UPDATE that names the states it may follow, so that whoever comes late changes nothing; a deleted recording
stays deleted. Listeners are told after the change is committed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from app.calls.keys import call_ids
from app.calls.model import Call, CallDirection, RecordingState
from app.database import lacks_owner
from app.encryption import Keyring
from app.identifiers import Kind, show
from app.live import Change, LiveEvent, LiveEvents
from app.recording import credentials
from app.recording.model import AudioFormat
from app.recording.storage import StorageTarget

LOST_AFTER = timedelta(days=3)
"""Three times as long as a storage is tried, and as a call goes on without a word in its row."""
_RUNNING = (RecordingState.RECORDING, RecordingState.STORING)
_LOST_AT_ONCE = 1_000


class RecordedAlready(Exception):
    """The call is being recorded, or was."""


class AccountGone(Exception):
    """The account was deleted meanwhile."""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What a stream says of its call; None for what it does not say."""

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
    form: AudioFormat,
    hold: Callable[[Call, UUID], Awaitable[None]] | None = None,
) -> Call:
    """The call, from now on RECORDING, with the place where its recording goes; made if it is new.

    What was known of the call stays; what was not is taken from the facts. `hold` gets the call and the id of its stored
    credential just before all of that is committed: no call is RECORDING without a place for its audio. It must not wait for
    the network; what it raises undoes all. Raises RecordedAlready and AccountGone.
    """
    try:
        async with in_transaction() as client:
            if client.capabilities.dialect == "postgres":
                # Before its rows, in the order of a deletion of the account: a new call would ask for this lock after them.
                statement = "SELECT id FROM accounts WHERE id = $1 FOR KEY SHARE"
                await client.execute_query(statement, [facts.account_id])
            credential_id = await credentials.keep(keyring, facts.account_id, target)
            call = await _known(facts)
            if call.recording_state is not RecordingState.NONE:
                raise RecordedAlready
            values = {**_news(call, facts), **_place(call, target, form), "recording_credential_id": credential_id}
            values |= {"recording_state": RecordingState.RECORDING, "updated_at": datetime.now(UTC)}
            await Call.filter(account_id=call.account_id, id=call.id).update(**values)
            call.update_from_dict(values)
            if hold is not None:
                await hold(call, credential_id)
    except IntegrityError as error:
        if lacks_owner(error):
            raise AccountGone from None
        raise
    tell(live, call.id, call.account_id)
    return call


async def goes_on(call_id: UUID, account_id: UUID) -> None:
    """It is still RECORDING, after so long a time that it could be taken for lost. No listener is told."""
    mine = Call.filter(account_id=account_id, id=call_id, recording_state=RecordingState.RECORDING)
    await mine.update(updated_at=datetime.now(UTC))


async def storing(live: LiveEvents, call_id: UUID, account_id: UUID) -> bool:
    """All audio is here, and on its way to the bucket; after a failure it is tried again. False: it may not."""
    allowed = (*_RUNNING, RecordingState.FAILED)
    return await _change(live, call_id, account_id, allowed, RecordingState.STORING, recording_error=None)


async def stored(live: LiveEvents, call_id: UUID, account_id: UUID, size_bytes: int, duration_ms: int) -> bool:
    """It is in the bucket. False: it may not, as when it was deleted meanwhile."""
    values = {"recording_size_bytes": size_bytes, "recording_duration_ms": duration_ms, "recording_error": None}
    allowed = (*_RUNNING, RecordingState.FAILED)
    return await _change(live, call_id, account_id, allowed, RecordingState.STORED, **values)


async def waits(live: LiveEvents, call_id: UUID, account_id: UUID, error: dict[str, Any], attempts: int) -> None:
    """So many tries have failed, the last as `error` tells (code, http_status, message, advice, at); there will be more."""
    mine = Call.filter(account_id=account_id, id=call_id, recording_state__in=list(_RUNNING))
    if await mine.update(recording_error=error, recording_attempts=attempts, updated_at=datetime.now(UTC)):
        live.publish(LiveEvent(account_id, call_id, Change.CALL))


async def failed(live: LiveEvents, call_id: UUID, account_id: UUID, error: dict[str, Any], attempts: int) -> bool:
    """It could not be stored; of the last try, `error` tells as above. False: it may not."""
    values = {"recording_error": error, "recording_attempts": attempts}
    return await _change(live, call_id, account_id, _RUNNING, RecordingState.FAILED, **values)


async def give_up_lost(live: LiveEvents, now: datetime) -> int:
    """FAILED, and why: what is on its way and nobody has told of for LOST_AFTER, as its machine did not. Answers how many.

    Whoever brings the audio back may have it stored with `retryRecording`; a call that still runs is stored when it ends.
    """
    before, count = now - LOST_AFTER, 0
    # As text, which is what the index of what is on its way is asked with. The time is made here.
    states = ", ".join(f"'{state.value}'" for state in _RUNNING)
    lost = (
        f"SELECT * FROM calls WHERE recording_state IN ({states}) AND updated_at < '{before.isoformat(' ')}' "  # noqa: S608
        f"ORDER BY account_id, id LIMIT {_LOST_AT_ONCE}"
    )
    calls: list[Call]
    while calls := await Call.raw(lost):
        for call in calls:
            values = {"recording_error": _lost(call, now), "updated_at": now}
            mine = Call.filter(account_id=call.account_id, id=call.id, recording_state__in=list(_RUNNING))
            if await mine.filter(updated_at__lt=before).update(recording_state=RecordingState.FAILED, **values):
                count += 1
                tell(live, call.id, call.account_id)
    return count


async def deleted(call_id: UUID, account_id: UUID) -> bool:
    """Its object is gone, or will never be; the call keeps where it was. False: there was none, or it is deleted already.

    Takes part in a surrounding transaction, so it tells no listener: `tell` them when that is committed.
    """
    allowed = (*_RUNNING, RecordingState.STORED, RecordingState.FAILED)
    return await _update(call_id, account_id, allowed, RecordingState.DELETED, recording_error=None)


def tell(live: LiveEvents, call_id: UUID, account_id: UUID) -> None:
    """Tells listeners that the recording has another state than before."""
    live.publish(LiveEvent(account_id, call_id, Change.RECORDING))


def _lost(call: Call, now: datetime) -> dict[str, Any]:
    """As `failed` takes it; with the spool that the last try was from, if there was one."""
    since = f"{call.updated_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return {
        "code": None,
        "http_status": None,
        "message": f"The audio is not here: the server that held it has told nothing of it since {since}.",
        "advice": "Ask the operator to bring that server back, with the disk of its spool: then `retryRecording` stores the "
        "audio. If the disk is lost, so is the audio.",
        "at": now.astimezone(UTC).isoformat(),
        "next_attempt_at": None,
        "spool": (call.recording_error or {}).get("spool"),
    }


async def _change(
    live: LiveEvents,
    call_id: UUID,
    account_id: UUID,
    allowed: tuple[RecordingState, ...],
    state: RecordingState,
    **values: Any,
) -> bool:
    done = await _update(call_id, account_id, allowed, state, **values)
    if done:
        tell(live, call_id, account_id)
    return done


async def _update(
    call_id: UUID, account_id: UUID, allowed: tuple[RecordingState, ...], state: RecordingState, **values: Any
) -> bool:
    mine = Call.filter(account_id=account_id, id=call_id, recording_state__in=list(allowed))
    return await mine.update(recording_state=state, updated_at=datetime.now(UTC), **values) > 0


async def _known(facts: CallFacts) -> Call:
    """The call's row, locked; made if it is new."""
    ids = await call_ids(facts.account_id, {facts.gateway_call_id: facts.started_at})
    call_id = ids[facts.gateway_call_id]
    new = Call(
        id=call_id,
        account_id=facts.account_id,
        gateway_call_id=facts.gateway_call_id,
        started_at=facts.started_at,
    )
    await Call.bulk_create([new], ignore_conflicts=True)
    return await Call.filter(account_id=facts.account_id, id=call_id).select_for_update().get()


def _news(call: Call, facts: CallFacts) -> dict[str, Any]:
    names = ("application_id", "direction", "from_number", "to_number", "trace_id")
    told = {name: getattr(facts, name) for name in names}
    return {name: value for name, value in told.items() if value is not None and getattr(call, name) is None}


def _place(call: Call, target: StorageTarget, form: AudioFormat) -> dict[str, Any]:
    """Where the recording goes: by the UTC start of the call and our id, since a gateway's is unique in its account only."""
    day = call.started_at.astimezone(UTC).strftime("%Y/%m/%d")
    return {
        "recording_format": form,
        "recording_vendor": target.vendor,
        "recording_endpoint_url": target.endpoint_url,
        "recording_bucket": target.bucket,
        "recording_region": target.region,
        "recording_key": f"{day}/{show(Kind.CALL, call.id)}.{form.name.lower()}",
    }
