"""State changes of a call's recording in the database, and their events."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.calls.model import Call, CallDirection, RecordingState
from app.foundation.events import Change, LiveEvents
from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.recording import lifecycle
from app.recording.lifecycle import AccountDeleted, AlreadyRecorded, CallFacts
from app.storage.model import AudioFormat, BucketVendor, StoredCredential
from app.storage.s3 import StorageTarget
from tests.support.installation import Installation, World
from tests.support.waiting import until

TARGET = StorageTarget(BucketVendor.AWS_S3, None, "own-recordings", "eu-central-1", "AKIAIOSFODNN7EXAMPLE", "hidden")
START = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)


def own(world: World) -> UUID:
    found = parse_sid(Kind.ACCOUNT, world["own"])
    assert found
    return found


async def begin(installation: Installation, live: LiveEvents, account: UUID, **facts: object) -> Call:
    told = CallFacts(**{"account_id": account, "gateway_call_id": "gateway-1", "started_at": START, **facts})  # type: ignore[arg-type]
    return await lifecycle.begin(installation.resources.keyring, live, told, TARGET, AudioFormat.WAV)


async def test_a_recording_creates_an_unreported_call(installation: Installation, world: World) -> None:
    account = own(world)
    async with installation.database():
        live = LiveEvents()
        with live.subscribe(account) as listener:
            call = await begin(installation, live, account, from_number="+1", direction=CallDirection.INBOUND)
            event = await listener.next()
        stored = await Call.get(id=call.id)
    assert (event.call_id, event.change) == (call.id, Change.RECORDING)
    assert (stored.recording_state, stored.started_at, stored.from_number) == (RecordingState.RECORDING, START, "+1")
    assert stored.direction is CallDirection.INBOUND
    # The UTC start of the call and our id, whatever the gateway's id is.
    assert re.fullmatch(rf"2026/03/01/{sid_of(Kind.CALL, call.id)}-[0-9a-f]{{8}}\.wav", str(stored.recording_key))
    assert stored.recording_bucket == "own-recordings"


async def test_reported_facts_of_a_call_stay(installation: Installation, world: World) -> None:
    account, live = own(world), LiveEvents()
    async with installation.database():
        first = await begin(installation, live, account, from_number="+1", trace_id="t")
        await Call.filter(id=first.id).update(
            recording_state=RecordingState.NONE,
            started_at=START - timedelta(days=1),
            **dict.fromkeys(
                (
                    *("recording_key", "recording_bucket", "recording_region", "recording_vendor"),
                    "recording_format",
                )
            ),
        )
        again = await begin(installation, live, account, from_number="+2", to_number="+3")
        stored = await Call.get(id=first.id)
        assert await StoredCredential.all().count() == 1
    assert again.id == first.id
    assert (stored.from_number, stored.to_number, stored.trace_id) == ("+1", "+3", "t")
    assert str(stored.recording_key).startswith(f"2026/02/28/{sid_of(Kind.CALL, first.id)}-")


async def test_a_call_is_recorded_once(installation: Installation, world: World) -> None:
    live = LiveEvents()
    async with installation.database():
        await begin(installation, live, own(world))
        with pytest.raises(AlreadyRecorded):
            await begin(installation, live, own(world))
        with pytest.raises(AccountDeleted):
            await begin(installation, live, uuid4())


async def test_recording_states_follow_their_order_and_end_with_deleted(
    installation: Installation, world: World
) -> None:
    account, live = own(world), LiveEvents()
    async with installation.database():
        mine = ((await begin(installation, live, account)).id, account)
        assert await lifecycle.mark_storing(live, *mine)
        assert await lifecycle.mark_failed(live, *mine, {"code": "AccessDenied"}, 6)
        assert not await lifecycle.mark_failed(live, *mine, {"code": "AccessDenied"}, 6)
        assert (await Call.get(id=mine[0])).recording_error == {"code": "AccessDenied"}
        assert await lifecycle.mark_storing(live, *mine)
        assert await lifecycle.mark_stored(live, *mine, size_bytes=44, duration_ms=5)
        assert not await lifecycle.mark_storing(live, *mine)
        call = await Call.get(id=mine[0])
        assert (call.recording_state, call.recording_size_bytes, call.recording_error) == (
            RecordingState.STORED,
            44,
            None,
        )
        assert await lifecycle.mark_deleted(*mine)
        with live.subscribe(account) as listener:
            assert not await lifecycle.mark_deleted(*mine)
            assert not await lifecycle.mark_stored(live, *mine, size_bytes=44, duration_ms=5)
            assert not await lifecycle.mark_failed(live, *mine, {}, 6)
            await lifecycle.mark_retrying(live, *mine, {}, 1)
            assert listener._waiting.empty()
        call = await Call.get(id=mine[0])
    assert call.recording_state is RecordingState.DELETED
    assert call.recording_key is not None  # a deleted recording keeps its location


async def test_a_beginning_recording_does_not_deadlock_with_the_deletion_of_its_account(
    installation: Installation, world: World
) -> None:
    """Both lock the account before the stored credential (deadlock)."""
    live, account = LiveEvents(), own(world)
    connection = await asyncpg.connect(installation.settings.database_url)
    try:
        async with installation.database():
            await begin(installation, live, account)
            async with connection.transaction():
                await connection.execute("SELECT FROM call_accounts WHERE id = $1 FOR UPDATE", account)
                begun = asyncio.create_task(begin(installation, live, account, gateway_call_id="gateway-2"))
                await until(lambda: connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
                credentials = "SELECT FROM stored_credentials WHERE account_id = $1 FOR UPDATE NOWAIT"
                assert len(await connection.fetch(credentials, account)) == 1
            assert (await begun).gateway_call_id == "gateway-2"
    finally:
        await connection.close()
