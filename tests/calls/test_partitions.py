"""Monthly partitions: created ahead, without loss when one is created late, and dropped when old."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.calls import keys, partitions
from app.calls.model import Call, CallKey, RecordingState
from app.commands import command_line
from app.demo.local_s3 import LocalS3
from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.storage.model import AudioFormat, BucketVendor, StoredCredential
from tests.calls.conftest import at, report
from tests.recording.recorded import recorded, target_in
from tests.support.installation import Installation, Person, World
from tests.support.waiting import until

INSERT = """INSERT INTO calls (id, account_id, gateway_call_id, started_at, recording_state, recording_attempts, updated_at)
    VALUES ($1, $2, 'one', $3, 'NONE', 0, $3) RETURNING id"""
NOTED = "UPDATE call_accounts SET newest_month = id WHERE id = $1"
PLACE = {
    "recording_state": RecordingState.STORED,
    "recording_format": AudioFormat.WAV,
    "recording_size_bytes": 44,
    "recording_duration_ms": 0,
    "recording_vendor": BucketVendor.AWS_S3,
    "recording_bucket": "calls",
    "recording_region": "eu-central-1",
    "recording_key": "key",
}


def own(world: World) -> UUID:
    found = parse_sid(Kind.ACCOUNT, world["own"])
    assert found is not None
    return found


async def call_at(world: World, time: datetime, **values: Any) -> UUID:
    """A call that began then, with its key."""
    row_id = keys.id_at(time)
    await Call.create(id=row_id, account_id=own(world), gateway_call_id=row_id.hex, started_at=time, **values)
    await CallKey.create(id=row_id, account_id=own(world), gateway_call_id=row_id.hex)
    return row_id


async def place_of(database: Any, row_id: UUID) -> str:
    """The partition of a call."""
    rows = await database.execute_query_dict(
        f"SELECT tableoid::regclass::text AS place FROM calls WHERE id = '{row_id}'"
    )
    return str(rows[0]["place"])


def name_of(time: datetime) -> str:
    return f"calls_{time:%Y_%m}"


async def test_a_new_database_has_partitions_for_this_month_and_the_next_three(
    installation: Installation, world: World
) -> None:
    now = datetime.now(UTC)
    async with installation.database() as database:
        for days in (0, 31, 62):
            time = now.replace(day=15) + timedelta(days=days)
            assert await place_of(database, await call_at(world, time)) == name_of(time)
        assert await place_of(database, await call_at(world, now - timedelta(days=100))) == "calls_default"
        assert await partitions.create_partitions() == 0
        assert await partitions.create_partitions(now.replace(day=1) + timedelta(days=32)) == 1


async def test_rows_of_the_default_partition_move_to_a_new_month(installation: Installation, world: World) -> None:
    then = datetime.now(UTC).replace(day=15) + timedelta(days=400)
    async with installation.database() as database:
        late, other = await call_at(world, then), await call_at(world, then + timedelta(days=365))
        before = await Call.filter(id=late).values()
        assert await place_of(database, late) == "calls_default"
        assert await partitions.create_partitions(then) == 4
        assert await place_of(database, late) == name_of(then)
        assert await place_of(database, other) == "calls_default"
        assert await Call.filter(id=late).values() == before


async def test_reports_continue_while_their_month_is_created_and_none_is_lost(
    installation: Installation, gateway: Person, world: World
) -> None:
    this_month = name_of(datetime.now(UTC))
    async with installation.database() as database:
        # Without maintenance, new rows go to the default partition.
        await database.execute_query(f"DROP TABLE {this_month}")
        sent = 0

        async def go_on(number: int) -> None:
            nonlocal sent
            for turn in range(12):
                rows = [{"accountId": world["own"], "callId": f"{number}-{turn}-{each}"} for each in range(5)]
                assert (await report(gateway, *rows))["acceptedCount"] == 5
                sent += 5

        reporting = asyncio.gather(*(go_on(number) for number in range(4)))
        await until(lambda: sent)
        assert await partitions.create_partitions() == 1
        await reporting
        assert await Call.all().count() == sent == 240
        counted = await database.execute_query_dict(f"SELECT COUNT(*) AS n FROM {this_month}")
        assert counted[0]["n"] == 240


@pytest.mark.parametrize(
    "before", ["", "LOCK TABLE stored_credentials IN ROW EXCLUSIVE MODE"], ids=["report", "recording"]
)
async def test_creating_a_month_does_not_deadlock_with_a_new_call(
    installation: Installation, world: World, before: str
) -> None:
    """Both lock stored credentials, then the account, then the calls (deadlock)."""
    now, adding = datetime.now(UTC), await asyncpg.connect(installation.settings.database_url)
    await adding.execute(f"SET lock_timeout = '500ms'; DROP TABLE {name_of(now)}")
    async with installation.database() as database:
        async with adding.transaction():
            await (adding.execute(before) if before else adding.execute(NOTED, own(world)))
            month = asyncio.create_task(partitions.create_partitions())
            await until(lambda: adding.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
            await adding.execute(NOTED, own(world))
            call_id = await adding.fetchval(INSERT, keys.id_at(now), own(world), now)
        assert await month == 1
        assert await place_of(database, call_id) == name_of(now)
    await adding.close()


@pytest.mark.parametrize("mutation", ["deleteRecording", "removeStoredCredential", "deleteAccount"])
async def test_creating_a_month_does_not_deadlock_with_a_deletion(
    installation: Installation,
    admin: Person,
    world: World,
    local_s3: LocalS3,
    monkeypatch: pytest.MonkeyPatch,
    mutation: str,
) -> None:
    """Both lock stored credentials before the calls (deadlock)."""
    monkeypatch.setattr(partitions, "_ATTEMPTS", 1)
    call = await recorded(installation, target_in(local_s3))
    credential_id = call.call.recording_credential_id
    assert credential_id is not None
    inputs: dict[str, dict[str, Any]] = {
        "deleteRecording": {"id": call.id},
        "removeStoredCredential": {"id": sid_of(Kind.STORED_CREDENTIAL, credential_id), "force": True},
        "deleteAccount": {"id": world["own"], "force": True},
    }
    other = await asyncpg.connect(installation.settings.database_url)

    async def are_waiting(number: int) -> bool:
        # Not `pg_stat_activity`, whose rows stay the same until the transaction ends.
        return bool(await other.fetchval("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted") == number)

    async with installation.database():
        async with other.transaction():
            await other.execute("SELECT FROM calls WHERE id = $1 FOR UPDATE", call.call.id)
            deletion = asyncio.create_task(admin.change(mutation, "__typename", **inputs[mutation]))
            await until(lambda: are_waiting(1))
            month = asyncio.create_task(partitions.create_partitions(call.call.started_at))
            await until(lambda: are_waiting(2))
        assert (await deletion)["userErrors"] == []
        assert await month == 4
    await other.close()


async def test_months_can_be_created_and_dropped_concurrently(installation: Installation, world: World) -> None:
    now = datetime.now(UTC)
    later = now.replace(day=1) + timedelta(days=63)
    async with installation.database() as database:
        assert sum(await asyncio.gather(*(partitions.create_partitions(later) for _ in range(3)))) == 2
        await partitions.create_partitions(now.replace(day=1) - timedelta(days=200))
        gone = await asyncio.gather(*(partitions.delete_expired(31, 31) for _ in range(3)))
        assert sum(each["months of calls"] for each in gone) >= 4
        assert await place_of(database, await call_at(world, later)) == name_of(later)


async def test_calls_beyond_the_retention_period_are_deleted_with_their_keys(
    installation: Installation, world: World
) -> None:
    now = datetime.now(UTC)
    async with installation.database() as database:
        await partitions.create_partitions(now - timedelta(days=150))
        # The month that contains the retention limit is kept whole.
        for days in (150, 149, 0):
            await call_at(world, now - timedelta(days=days))
        old = await call_at(world, now - timedelta(days=500))
        forgotten = await partitions.delete_expired(90, 90)
        assert await Call.all().count() == await CallKey.all().count() == 1
        assert not await Call.filter(id=old).exists()
        assert forgotten["ids of calls"] == 3
        assert forgotten["months of calls"] >= 1
        rows = await database.execute_query_dict("SELECT COUNT(*) AS n FROM calls_default")
        assert rows[0]["n"] == 0


async def test_calls_are_found_after_their_keys_are_deleted(
    installation: Installation, gateway: Person, account_user: Person, world: World
) -> None:
    call = {"accountId": world["own"], "callId": "one", "startedAt": at(days=40)}
    for reported in (call, call | {"callId": "two", "startedAt": at(days=20)}):
        assert (await report(gateway, reported))["acceptedCount"] == 1
    async with installation.database():
        assert (await partitions.delete_expired(400, 30))["ids of calls"] == 1
        assert [key.gateway_call_id for key in await CallKey.all()] == ["two"]
    query = '{ account(id: "$own") { recentCalls(filter: {gatewayCallId: "one"}) { nodes { gatewayCallId } } } }'
    found = (await account_user.ask(query.replace("$own", world["own"]))).only("account")
    assert found["recentCalls"]["nodes"] == [{"gatewayCallId": "one"}]
    # A report this late creates another call.
    await report(gateway, call)
    await report(gateway, call | {"callId": "two"})
    async with installation.database():
        assert sorted(call.gateway_call_id for call in await Call.all()) == ["one", "one", "two"]


async def test_a_stored_credential_is_deleted_with_the_last_call_that_uses_it(
    installation: Installation, world: World
) -> None:
    now = datetime.now(UTC)
    async with installation.database():
        credentials = [
            await StoredCredential.create(
                account_id=own(world),
                vendor=BucketVendor.AWS_S3,
                access_key_id="AKIAIOSFODNN7EXAMPLE",
                secret_access_key=b"sealed",
                fingerprint=bytes([number]),
            )
            for number in range(4)
        ]
        needed, of_old_call, of_nothing, new = (credential.id for credential in credentials)
        await StoredCredential.exclude(id=new).update(created_at=now - timedelta(days=2))
        await call_at(world, now, **PLACE, recording_credential_id=needed)
        await call_at(world, now - timedelta(days=500), **PLACE, recording_credential_id=of_old_call)
        assert (await partitions.delete_expired(400, 400))["keys of recordings"] == 2
        assert set(await StoredCredential.all().values_list("id", flat=True)) == {needed, new}
        assert of_nothing not in {needed, new}


def test_maintenance_creates_months_and_deletes_old_calls(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    for name in ("DATABASE_URL", "ENCRYPTION_KEYS", "HASH_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert command_line.main(["migrate"]) == 0
    assert command_line.main(["maintain"]) == 0
    told = capsys.readouterr().out
    assert "0 months of calls created ahead" in told
    assert "0 calls deleted" in told
