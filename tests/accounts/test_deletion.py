"""Deleting an account: refused while it has contents, previewed by a dry run, and all or nothing."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.calls.model import Call, CallKey, RecordingState
from app.foundation.database import orm
from app.foundation.identifiers import Kind, new_id, parse_sid
from app.storage.model import AudioFormat, BucketVendor, RecordingConfig, StoredCredential
from tests.support.database_contents import changed, contents, tables
from tests.support.installation import Installation, Person, World, refusals
from tests.support.personas import add_people

ANSWER = "deletedId blockers { kind count }"
HELD = [{"kind": "API_KEYS", "count": 2}, {"kind": "APPLICATIONS", "count": 1}]
"""The own account has two keys (its user's and a read-only one) and an application."""


async def left_of(installation: Installation, account_id: str) -> dict[str, list[str]]:
    """The tables and columns that still contain the account's id, except the audit trail."""
    uuid = parse_sid(Kind.ACCOUNT, account_id)
    left: dict[str, list[str]] = {}
    async with installation.database() as connection:
        for table in set(await tables(connection)) - {"audit_events"}:
            for row in await connection.execute_query_dict(f'SELECT * FROM "{table}"'):
                for column, value in row.items():
                    if str(value) in (str(uuid), uuid.hex if uuid else ""):
                        left.setdefault(table, []).append(column)
    return left


async def test_an_account_with_keys_is_not_deleted_and_the_payload_lists_the_blockers(
    installation: Installation, provider: Person, world: World
) -> None:
    before = await left_of(installation, world["own"])
    payload = await provider.change("deleteAccount", ANSWER, id=world["own"])
    assert (payload["deletedId"], payload["blockers"]) == (None, HELD)
    assert refusals(payload) == [("IN_USE", ["id"])]
    assert await left_of(installation, world["own"]) == before


async def test_a_dry_run_returns_the_blockers_and_deletes_nothing(
    installation: Installation, provider: Person, world: World
) -> None:
    before = await left_of(installation, world["own"])
    for force in (False, True):
        payload = await provider.change("deleteAccount", ANSWER, id=world["own"], dryRun=True, force=force)
        assert payload == {"deletedId": None, "blockers": HELD, "userErrors": []}
    assert await left_of(installation, world["own"]) == before


async def test_revoked_keys_also_block_a_deletion(provider: Person, world: World) -> None:
    for key in ("account_user_key", "read_only_key"):
        await provider.change("revokeApiKey", "apiKey { id }", id=world[key])
    payload = await provider.change("deleteAccount", ANSWER, id=world["own"], dryRun=True)
    assert payload["blockers"] == HELD


async def test_a_forced_deletion_leaves_no_rows(installation: Installation, provider: Person, world: World) -> None:
    assert set(await left_of(installation, world["own"])) == {
        "accounts",
        "call_accounts",
        "api_keys",
        "recording_configs",
        "webhook_deliveries",
        "applications",
    }
    payload = await provider.change("deleteAccount", ANSWER, id=world["own"], force=True)
    assert payload == {"deletedId": world["own"], "blockers": HELD, "userErrors": []}
    assert await left_of(installation, world["own"]) == {}


async def test_a_forced_deletion_leaves_no_rows_of_the_contents(
    installation: Installation, provider: Person, world: World
) -> None:
    people = await add_people(installation)
    once = {"idempotencyKey": "one", "owner": {"accountId": world["own"]}}
    await provider.change("createApiKey", "token", name="made once", **once)
    await with_a_recorded_call(installation, world["own"])
    pointers = dict.fromkeys(("deviceCallingApplicationId", "siprecApplicationId"), world["own_application"])
    await provider.change("updateAccount", "account { id }", id=world["own"], **pointers)
    # Audit events outlive the account; idempotency keys keep the bare id for a day.
    kept = frozenset({"audit_events", "idempotency_records"})
    async with installation.database() as connection:
        before = await contents(connection, without=kept)
        account = str(parse_sid(Kind.ACCOUNT, world["own"]))
        users = {str(row["id"]) for row in before["users"] if str(row["account_id"]) == account}
        inside = {
            str(row["id"])
            for rows in before.values()
            for row in rows
            if str(row.get("account_id")) == account or str(row.get("user_id")) in users
        }
        # 3 keys, 2 users with one session each, an application, a configuration, a delivery, a call and its storage keys.
        assert len(inside) == 12
        selection = f"{ANSWER} contents {{ kind count }} recordingsStayIn"
        dry_run = await provider.change("deleteAccount", selection, id=world["own"], dryRun=True)
        counted = {blocker["kind"]: blocker["count"] for blocker in dry_run["blockers"]}
        assert counted == {"API_KEYS": 3, "APPLICATIONS": 1, "USERS": 2, "CALLS": 1}
        everything = {content["kind"]: content["count"] for content in dry_run["contents"]}
        assert everything.items() >= counted.items()
        assert sum(everything.values()) == len(inside)
        config = next(row for row in before["recording_configs"] if str(row["account_id"]) == account)
        assert dry_run["recordingsStayIn"] == config["bucket_name"] is not None
        assert changed(before, await contents(connection, without=kept)) == {}
        await provider.change("deleteAccount", ANSWER, id=world["own"], force=True)
        left = await contents(connection, without=kept)
        assert [row for rows in left.values() for row in rows if {str(value) for value in row.values()} & inside] == []
        untouched = {table: [row for row in rows if row not in left[table]] for table, rows in before.items()}
        assert {str(row["id"]) for rows in untouched.values() for row in rows} == inside | {account}
    for name in ("ann", "bob"):
        assert (await people[name].ask("{ viewer { scope } }")).status == 401


async def test_calls_block_a_deletion_and_are_deleted_with_their_storage_keys(
    installation: Installation, provider: Person, sibling_user: Person, world: World
) -> None:
    before = await left_of(installation, world["sibling"])
    await with_a_recorded_call(installation, world["own"])
    assert {"calls", "call_keys", "stored_credentials"} <= set(await left_of(installation, world["own"]))
    payload = await provider.change("deleteAccount", ANSWER, id=world["own"])
    assert payload["blockers"] == [*HELD, {"kind": "CALLS", "count": 1}]
    blockers = "2 API key(s) and 1 application(s) and 1 call(s)"
    message = f"The account still has {blockers}. Delete them too with `force: true`."
    assert payload["userErrors"][0]["message"] == message
    payload = await provider.change("deleteAccount", ANSWER, id=world["own"], force=True)
    assert payload["deletedId"] == world["own"]
    assert await left_of(installation, world["own"]) == {}
    assert await left_of(installation, world["sibling"]) == before


async def with_a_recorded_call(installation: Installation, account: str) -> None:
    account_id = parse_sid(Kind.ACCOUNT, account)
    async with installation.database():
        credential = await StoredCredential.create(
            account_id=account_id,
            vendor=BucketVendor.AWS_S3,
            access_key_id="AKIAIOSFODNN7EXAMPLE",
            secret_access_key=b"sealed",
            fingerprint=b"1",
        )
        call = await Call.create(
            account_id=account_id,
            gateway_call_id="one",
            started_at=datetime.now(UTC),
            recording_state=RecordingState.STORED,
            recording_format=AudioFormat.WAV,
            recording_size_bytes=44,
            recording_duration_ms=0,
            recording_vendor=BucketVendor.AWS_S3,
            recording_bucket="calls",
            recording_region="eu-central-1",
            recording_key="2026/01/31/CA.wav",
            recording_credential_id=credential.id,
        )
        await CallKey.create(id=call.id, account_id=account_id, gateway_call_id="one")


async def test_a_forced_deletion_changes_no_other_account(
    installation: Installation, provider: Person, world: World
) -> None:
    before = [await left_of(installation, world[place]) for place in ("sibling", "foreign")]
    await provider.change("deleteAccount", ANSWER, id=world["own"], force=True)
    assert [await left_of(installation, world[place]) for place in ("sibling", "foreign")] == before


async def test_an_account_without_keys_is_deleted_with_its_recording_configuration(
    installation: Installation, provider: Person
) -> None:
    made = await provider.change("createAccount", "account { id }", name="Short-lived", sipRealm="short.example.com")
    account_id = made["account"]["id"]
    await provider.change("updateRecordingConfig", "recordingConfig { id }", accountId=account_id, enabled=False)
    payload = await provider.change("deleteAccount", ANSWER, id=account_id)
    assert payload == {"deletedId": account_id, "blockers": [], "userErrors": []}
    assert await left_of(installation, account_id) == {}


async def test_a_deletion_frees_the_name_and_the_sip_realm(provider: Person, world: World) -> None:
    await provider.change("deleteAccount", ANSWER, id=world["own"], force=True)
    payload = await provider.change(
        "createAccount", "account { id }", name="Own customer", sipRealm="own.sip.example.com"
    )
    assert payload["userErrors"] == []


async def test_a_deleted_account_is_not_found(provider: Person, world: World) -> None:
    await provider.change("deleteAccount", ANSWER, id=world["own"], force=True)
    assert refusals(await provider.change("deleteAccount", ANSWER, id=world["own"])) == [("NOT_FOUND", ["id"])]
    answer = await provider.ask("query ($id: ID!) { account(id: $id) { id } }", id=world["own"])
    assert answer.only("account") is None


async def test_a_deletion_of_an_older_version_is_rejected(
    installation: Installation, provider: Person, world: World
) -> None:
    await provider.change("updateAccount", "account { id }", id=world["own"], name="Renamed")
    for more in ({}, {"dryRun": True}):
        payload = await provider.change("deleteAccount", ANSWER, id=world["own"], force=True, ifVersion=1, **more)
        assert payload["deletedId"] is None
        assert refusals(payload) == [("CONFLICT", ["ifVersion"])]
    payload = await provider.change("deleteAccount", ANSWER, id=world["own"], force=True, ifVersion=2)
    assert payload["deletedId"] == world["own"]


async def test_a_provider_deletes_nothing_of_another_provider(
    installation: Installation, provider: Person, world: World
) -> None:
    before = await left_of(installation, world["foreign"])
    payload = await provider.change("deleteAccount", ANSWER, id=world["foreign"], force=True)
    assert payload["blockers"] == []
    assert refusals(payload) == [("NOT_FOUND", ["id"])]
    assert await left_of(installation, world["foreign"]) == before


async def test_of_two_concurrent_deletions_one_finds_the_account(provider: Person, world: World) -> None:
    payloads = await asyncio.gather(
        *(provider.change("deleteAccount", ANSWER, id=world["own"], force=True) for _ in range(2))
    )
    assert sorted(refusals(payload) for payload in payloads) == [[], [("NOT_FOUND", ["id"])]]


async def test_objects_created_during_a_deletion_are_rejected_or_deleted_with_it(
    installation: Installation, provider: Person, world: World
) -> None:
    deletion = provider.change("deleteAccount", ANSWER, id=world["own"], force=True)
    keys = [
        provider.change("createApiKey", "apiKey { id }", name=f"Key {n}", owner={"accountId": world["own"]})
        for n in range(8)
    ]
    deleted, *made = await asyncio.gather(deletion, *keys)
    assert deleted["deletedId"] == world["own"]
    assert {str(refusals(payload)) for payload in made} <= {"[]", str([("NOT_FOUND", ["owner", "accountId"])])}
    assert await left_of(installation, world["own"]) == {}


async def test_a_deletion_waits_for_a_key_that_is_being_created(
    installation: Installation, provider: Person, world: World
) -> None:
    account_id = parse_sid(Kind.ACCOUNT, world["own"])
    other = await orm.single_connection(installation.settings)
    async with other.transaction():
        await other.execute(
            "INSERT INTO api_keys (id, scope, access_level, account_id, name, public_id, secret_hash, created_at,"
            " updated_at, version) VALUES ($1, 'ACCOUNT', 'FULL', $2, 'new', 'new', '', now(), now(), 1)",
            new_id(),
            account_id,
        )
        deletion = asyncio.create_task(provider.change("deleteAccount", ANSWER, id=world["own"], force=True))
        await asyncio.wait([deletion], timeout=0.3)
        assert not deletion.done()
    await other.close()
    assert (await deletion)["blockers"] == [{"kind": "API_KEYS", "count": 3}, HELD[1]]
    assert await left_of(installation, world["own"]) == {}


async def test_a_deletion_that_fails_is_rolled_back_completely(
    installation: Installation, provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await left_of(installation, world["own"])

    def breaks(**_: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(RecordingConfig, "filter", breaks)
    query = "mutation ($id: ID!) { deleteAccount(input: {id: $id, force: true}) { deletedId } }"
    answer = await provider.ask(query, id=world["own"])
    assert answer.codes == ["INTERNAL_SERVER_ERROR"]
    assert "disk" not in str(answer.body)
    assert await left_of(installation, world["own"]) == before


async def test_the_database_refuses_to_orphan_the_contents_of_an_account(
    installation: Installation, world: World
) -> None:
    async with installation.database():
        refused = 0
        for row in await Account.all():
            try:
                await Account.filter(id=row.id).delete()
            except Exception as error:  # noqa: BLE001  each driver has its own class for it
                refused += "foreign key" in str(error).lower()
        assert refused == await Account.all().count() == 3
        assert await ApiKey.filter(account_id__isnull=False).count() == 4
