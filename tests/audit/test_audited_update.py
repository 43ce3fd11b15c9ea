"""The audited update: one statement, within the tenant scope, that returns the updated row."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from tortoise.exceptions import IntegrityError
from tortoise.models import Model
from tortoise.transactions import in_transaction

from app.accounts.model import Account, UsageUnit
from app.api_keys.model import ApiKey
from app.audit import rows
from app.audit.audited_update import update_row
from app.audit.model import ACTOR_COLUMNS
from app.foundation.access import Scope, Viewer
from app.foundation.context import Context
from app.foundation.database.errors import violated_constraint
from app.foundation.identifiers import Kind, new_id, parse_sid
from app.foundation.permissions import ALL, AccessLevel
from app.service_providers.model import ServiceProvider
from app.storage.model import AudioFormat, RecordingConfig, StorageStatus
from tests.support.installation import Installation, Person, World, refusals
from tests.support.messages import SELECTION
from tests.support.statements import recorded
from tests.support.waiting import until

ROWS: dict[type[Model], tuple[Kind, str]] = {
    Account: (Kind.ACCOUNT, "{}"),
    ApiKey: (Kind.API_KEY, "{}_user_key"),
    RecordingConfig: (Kind.RECORDING_CONFIG, "{}_recording"),
}
TIME = datetime(2031, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
# Each kind of column: texts, numbers, enums, JSON, bytes, times and ids, and null for most of them.
CHANGES: list[tuple[type[Model], dict[str, Any]]] = [
    (ServiceProvider, {"name": "Ünï ' \" $1 ? %", "name_key": "x", "active": False}),
    (Account, {"name": "*", "name_key": "*", "usage_unit": UsageUnit.MINUTES, "usage_maximum": 2**31 - 1}),
    (Account, {"sip_realm": None, "webhook_secret": b"\0\xff", "active": False}),
    (ApiKey, {"expires_at": TIME, "previous_secret_hash": b"\1", "created_by_key_id": UUID(int=7)}),
    (ApiKey, {"expires_at": None, "previous_secret_hash": None, "created_by_key_id": None, "created_by_scope": None}),
    (ApiKey, {"created_by_scope": Scope.ACCOUNT, "access_level": AccessLevel.READ_ONLY}),
    (RecordingConfig, {"s3_tags": [{"name": "a", "value": "ä"}], "last_verification": {"steps": [1, None]}}),
    (RecordingConfig, {"s3_tags": [], "last_verification": None, "bucket_vendor": None, "enabled": False}),
    (RecordingConfig, {"audio_format": AudioFormat.WAV, "storage_status": StorageStatus.FAILING}),
    (RecordingConfig, {"storage_status_since": TIME, "enabled": False, "endpoint_url": "https://s3.example.com"}),
]


UPDATE = ["WITH"]


@pytest.fixture
async def database(installation: Installation) -> AsyncIterator[Any]:
    async with installation.database() as connection:
        yield connection


def context_of(installation: Installation, world: World, person: str) -> Context:
    return Context(viewer_of(world, person), "request", installation.resources)


def viewer_of(world: World, person: str) -> Viewer:
    if person == "admin":
        return Viewer(Scope.ADMIN, ALL, new_id())
    if person == "provider":
        provider_id = parse_sid(Kind.SERVICE_PROVIDER, world["provider"])
        return Viewer(Scope.SERVICE_PROVIDER, ALL, new_id(), service_provider_id=provider_id)
    return Viewer(Scope.ACCOUNT, ALL, new_id(), account_id=parse_sid(Kind.ACCOUNT, world["own"]))


def row_of(world: World, model: type[Model], place: str) -> UUID:
    kind, name = ROWS[model]
    row_id = parse_sid(kind, world[name.format("account" if (model, place) == (ApiKey, "own") else place)])
    assert row_id is not None
    return row_id


@pytest.mark.parametrize(
    ("mutation", "selection", "input", "statements"),
    [
        ("updateAccount", "account { name version }", {"id": "own", "name": "Renamed"}, UPDATE),
        ("updateAccount", "account { sipRealm }", {"id": "own", "sipRealm": None, "ifVersion": 1}, UPDATE),
        ("updateAccount", "account { name }", {"id": "own"}, ["SELECT"]),
        ("setAccountActive", "account { active }", {"id": "own", "active": False}, UPDATE),
        ("rotateWebhookSecret", "account { webhookSecret }", {"id": "own"}, ["SELECT", *UPDATE]),
        (
            "updateAccount",
            "account { id }",
            {"id": "own", "name": "Renamed", "registrationWebhook": None, "queueEventWebhook": None},
            ["SELECT", *UPDATE],
        ),
        # Those before the update find the key, lock its account, check the caller's credential, and lock the key.
        ("updateApiKey", "apiKey { name }", {"id": "account_user_key", "name": "Renamed"}, [*["SELECT"] * 4, *UPDATE]),
        ("revokeApiKey", "apiKey { revokedAt }", {"id": "account_user_key"}, [*["SELECT"] * 4, *UPDATE]),
        (
            "updateRecordingConfig",
            "recordingConfig { id }",
            {"accountId": "own", "enabled": False},
            ["SELECT", "SELECT", *UPDATE],
        ),
    ],
)
async def test_an_update_takes_one_statement(
    provider: Person,
    world: World,
    mutation: str,
    selection: str,
    input: dict[str, Any],
    statements: list[str],
) -> None:
    await provider.ask("{ viewer { scope } }")  # fills the authentication cache
    given = {name: world.ids.get(value, value) if isinstance(value, str) else value for name, value in input.items()}
    with recorded() as sent:
        payload = await provider.change(mutation, selection, **given)
    assert refusals(payload) == []
    assert [text.split()[0] for text, _ in sent if text.split()[0] not in ("BEGIN", "COMMIT")] == statements


async def test_all_errors_of_an_update_are_returned_together(provider: Person, world: World) -> None:
    sibling = {"name": "SIBLING customer", "sipRealm": "sibling.sip.example.com"}
    payload = await provider.change("updateAccount", "account { id }", id=world["own"], **sibling)
    assert refusals(payload) == [("NAME_TAKEN", ["name"])]
    mixed = {**sibling, "sipRealm": "nowhere"}
    payload = await provider.change("updateAccount", "account { id }", id=world["own"], **mixed)
    assert refusals(payload) == [("INVALID", ["sipRealm"])]
    payload = await provider.change("updateAccount", "account { id }", id=world["own"], ifVersion=7, **mixed)
    assert refusals(payload) == [("INVALID", ["sipRealm"]), ("CONFLICT", ["ifVersion"])]
    payload = await provider.change("updateAccount", "account { id }", id=world["foreign"], **mixed)
    assert refusals(payload) == [("NOT_FOUND", ["id"])]


async def test_an_account_that_becomes_visible_during_the_update_is_a_conflict(
    provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_early(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr(rows, "update_row", too_early)
    payload = await provider.change("setAccountActive", SELECTION, id=world["own"], active=False)
    assert payload["userErrors"] == [
        {
            "rule": "OBJECT_BUSY",
            "code": "CONFLICT",
            "field": ["ifVersion"],
            "message": "The account is being changed by other requests; try again.",
            "arguments": [{"name": "object", "value": "account"}],
        }
    ]


@pytest.mark.parametrize("model", ROWS)
@pytest.mark.parametrize(
    ("person", "reached"),
    [("admin", ["own", "sibling", "foreign"]), ("provider", ["own", "sibling"]), ("account_user", ["own"])],
)
async def test_only_visible_rows_are_updated(
    database: Any, installation: Installation, world: World, model: type[Any], person: str, reached: list[str]
) -> None:
    for place in ("own", "sibling", "foreign"):
        row_id = row_of(world, model, place)
        before = (await model.get(id=row_id)).version
        changed = await update_row(context_of(installation, world, person), model, row_id, {"created_at": TIME})
        assert (changed is not None) == (place in reached)
        assert (await model.get(id=row_id)).version - before == (place in reached)
    assert await update_row(context_of(installation, world, person), model, new_id(), {"created_at": TIME}) is None


async def test_an_account_cannot_update_a_service_provider(
    database: Any, installation: Installation, world: World
) -> None:
    provider_id = parse_sid(Kind.SERVICE_PROVIDER, world["provider"])
    assert provider_id is not None
    assert (
        await update_row(
            context_of(installation, world, "account_user"), ServiceProvider, provider_id, {"name": "Mine"}
        )
        is None
    )
    assert (await ServiceProvider.get(id=provider_id)).name == "Northern Voice"


@pytest.mark.parametrize(("model", "values"), CHANGES)
async def test_the_returned_row_equals_the_stored_one(
    database: Any, installation: Installation, world: World, model: type[Any], values: dict[str, Any]
) -> None:
    provider_id = parse_sid(Kind.SERVICE_PROVIDER, world["provider"])
    row_id = provider_id if model is ServiceProvider else row_of(world, model, "own")
    assert row_id is not None
    before = await model.get(id=row_id)
    with recorded() as sent:
        changed = await update_row(context_of(installation, world, "provider"), model, row_id, values, if_version=1)
    assert changed is not None
    assert vars(changed) == vars(await model.get(id=row_id))
    assert {name: getattr(changed, name) for name in values} == values
    assert changed.version == 2
    assert changed.updated_at > before.updated_at
    untouched = model._meta.db_fields - {*values, *ACTOR_COLUMNS, "version", "updated_at"}
    assert {name: getattr(changed, name) for name in untouched} == {name: getattr(before, name) for name in untouched}
    text = " ".join(text for text, _ in sent)
    assert not any(sign in text for sign in ("Ünï", "*", "MINUTES", "s3.example.com", "2031", "FAILING"))


async def test_the_returned_row_can_be_saved_like_one_that_was_read(
    database: Any, installation: Installation, world: World
) -> None:
    account = await update_row(
        context_of(installation, world, "admin"), Account, row_of(world, Account, "own"), {"name": "Renamed"}
    )
    assert account is not None
    account.usage_maximum = 5
    await account.save()
    assert (await Account.get(id=account.id)).usage_maximum == 5
    assert await Account.all().count() == 3


async def test_conditions_on_the_row_are_part_of_the_update(
    database: Any, installation: Installation, world: World
) -> None:
    context, key_id = context_of(installation, world, "provider"), row_of(world, ApiKey, "own")
    open_ones = {"revoked_at__isnull": True}
    assert await update_row(context, ApiKey, key_id, {"revoked_at": TIME}, where=open_ones) is not None
    assert await update_row(context, ApiKey, key_id, {"revoked_at": None}, where=open_ones) is None
    assert (await ApiKey.get(id=key_id)).revoked_at == TIME


async def test_an_update_is_rolled_back_with_its_transaction(
    database: Any, installation: Installation, world: World
) -> None:
    context, account_id = context_of(installation, world, "provider"), row_of(world, Account, "own")
    with suppress(RuntimeError):
        async with in_transaction():
            await update_row(context, Account, account_id, {"name": "Renamed"})
            assert (await Account.get(id=account_id)).name == "Renamed"
            raise RuntimeError
    assert (await Account.get(id=account_id)).name == "Own customer"


async def test_a_violated_constraint_is_named(database: Any, installation: Installation, world: World) -> None:
    context, account_id = context_of(installation, world, "provider"), row_of(world, Account, "own")
    for values, constraint in (
        ({"name_key": "sibling customer"}, "accounts_name_unique"),
        ({"sip_realm": "foreign.sip.example.com"}, "accounts_sip_realm_unique"),
        ({"usage_maximum": -1}, "accounts_limits_check"),
    ):
        with pytest.raises(IntegrityError) as refused:
            await update_row(context, Account, account_id, values)
        assert violated_constraint(refused.value) == constraint


@pytest.mark.parametrize("model", ROWS)
async def test_an_update_that_waited_for_another_does_not_overwrite_it(
    database: Any, installation: Installation, world: World, model: type[Any]
) -> None:
    context, row_id = context_of(installation, world, "provider"), row_of(world, model, "own")
    begun = asyncio.Event()

    async def second() -> Model | None:
        await begun.wait()
        return await update_row(context, model, row_id, {"created_at": TIME}, if_version=1)

    waiting = asyncio.create_task(second())
    async with in_transaction() as first:
        assert await update_row(context, model, row_id, {"created_at": datetime.now(UTC)}, if_version=1) is not None
        begun.set()
        await until(
            lambda: first.execute_query_dict("SELECT pid FROM pg_locks WHERE NOT granted")
        )  # the second update waits for the row
        assert not waiting.done()
    assert await waiting is None
    assert (await model.get(id=row_id)).version == 2


async def test_parallel_updates_each_increment_the_version(
    database: Any, installation: Installation, world: World
) -> None:
    context, key_id = context_of(installation, world, "provider"), row_of(world, ApiKey, "own")
    changed = await asyncio.gather(*(update_row(context, ApiKey, key_id, {"name": f"Number {n}"}) for n in range(10)))
    assert sorted(key.version for key in changed if key) == list(range(2, 12))
    assert {key.name: key.version for key in changed if key}[(await ApiKey.get(id=key_id)).name] == 11


async def test_of_parallel_renames_to_one_name_one_succeeds(provider: Person, world: World) -> None:
    payloads = await asyncio.gather(
        *(
            provider.change("updateAccount", "account { id }", id=world[place], name="One")
            for place in ("own", "sibling")
        )
    )
    assert sorted(refusals(payload) for payload in payloads) == [[], [("NAME_TAKEN", ["name"])]]
