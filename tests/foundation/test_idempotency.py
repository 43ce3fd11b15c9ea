"""A create that is repeated with its idempotency key creates nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.foundation.idempotency import run_once
from app.foundation.idempotency.model import IdempotencyRecord
from tests.invariants.schema_walk import (
    MUTATIONS,
    Input,
    input_type,
    inputs,
    leaves,
    replaced,
    send,
    user_errors_of,
    with_everything,
)
from tests.support.database_contents import changed, contents
from tests.support.fault_injection import failing
from tests.support.installation import Answer, Installation, Person, World, refusals
from tests.support.personas import add_people

CREATES: list[tuple[str, str, dict[str, Any]]] = [
    ("createAccount", "account { id }", {"name": "New 🎧"}),
    ("createApiKey", "apiKey { id }", {"name": "New 🎧"}),
]


def made(payload: dict[str, Any]) -> str:
    return str(next(value for name, value in payload.items() if name != "userErrors")["id"])


@pytest.mark.parametrize(("mutation", "selection", "given"), CREATES)
async def test_a_repeat_returns_the_first_object(
    provider: Person, mutation: str, selection: str, given: dict[str, Any]
) -> None:
    first = await provider.change(mutation, selection, **given, idempotencyKey="one")
    again = await provider.change(mutation, selection, **given, idempotencyKey="one")
    assert refusals(first) == []
    assert refusals(again) == ([("ALREADY_SHOWN", ["idempotencyKey"])] if mutation == "createApiKey" else [])
    assert made(again) == made(first)


async def test_a_service_provider_is_created_once(admin: Person) -> None:
    ids = [
        made(await admin.change("createServiceProvider", "serviceProvider { id }", name="Third", idempotencyKey="one"))
        for _ in range(2)
    ]
    assert ids[0] == ids[1]


async def test_a_repeated_request_does_not_return_the_token_again(provider: Person) -> None:
    first = await provider.change("createApiKey", "token", name="key", idempotencyKey="one")
    again = await provider.change("createApiKey", "token", name="key", idempotencyKey="one")
    assert first["token"].startswith("vgk_")
    assert again["token"] is None


async def test_a_repeat_with_another_input_is_refused(provider: Person) -> None:
    await provider.change("createAccount", "account { id }", name="New", idempotencyKey="one")
    other = await provider.change("createAccount", "account { id }", name="Newer", idempotencyKey="one")
    assert refusals(other) == [("CONFLICT", ["idempotencyKey"])]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "\0"])
async def test_a_malformed_key_is_refused(provider: Person, key: str) -> None:
    payload = await provider.change("createAccount", "account { id }", name="New", idempotencyKey=key)
    assert refusals(payload) == [("INVALID", ["idempotencyKey"])]


async def test_concurrent_repeats_create_one_object(provider: Person) -> None:
    payloads = await asyncio.gather(
        *(provider.change("createAccount", "account { id }", name="New", idempotencyKey="one") for _ in range(8))
    )
    assert [refusals(payload) for payload in payloads] == [[]] * 8
    assert len({made(payload) for payload in payloads}) == 1


async def test_a_refused_input_may_be_sent_again_corrected(provider: Person) -> None:
    refused = await provider.change("createAccount", "account { id }", name="Own customer", idempotencyKey="one")
    assert refusals(refused) == [("NAME_TAKEN", ["name"])]
    mended = await provider.change("createAccount", "account { id }", name="New", idempotencyKey="one")
    assert refusals(mended) == []


async def test_a_key_belongs_to_its_actor_and_its_mutation(provider: Person, other_provider: Person) -> None:
    ids = {
        made(await person.change("createAccount", "account { id }", name="New", idempotencyKey="one"))
        for person in (provider, other_provider)
    }
    ids.add(made(await provider.change("createApiKey", "apiKey { id }", name="New", idempotencyKey="one")))
    assert len(ids) == 3


async def test_a_deleted_object_is_not_created_again(provider: Person) -> None:
    account = made(await provider.change("createAccount", "account { id }", name="New", idempotencyKey="one"))
    await provider.change("deleteAccount", "deletedId", id=account, force=True)
    again = await provider.change("createAccount", "account { id }", name="New", idempotencyKey="one")
    assert refusals(again) == [("CONFLICT", ["idempotencyKey"])]


async def test_after_a_day_a_key_is_free_again(installation: Installation, provider: Person, world: World) -> None:
    await provider.change("createAccount", "account { id }", name="New", idempotencyKey="one")
    async with installation.database():
        record = await IdempotencyRecord.get()
        await IdempotencyRecord.filter(id=record.id).update(created_at=record.created_at - timedelta(hours=25))
    again = await provider.change("createAccount", "account { id }", name="Newer", idempotencyKey="one")
    assert refusals(again) == []
    async with installation.database():
        await IdempotencyRecord.all().update(created_at=record.created_at - timedelta(hours=25))
        assert await run_once.delete_expired() == 1


async def test_for_a_day_a_key_is_remembered(installation: Installation, provider: Person) -> None:
    first = await provider.change("createAccount", "account { id }", name="New", idempotencyKey="one")
    async with installation.database():
        record = await IdempotencyRecord.get()
        nearly = record.created_at - timedelta(hours=23, minutes=59)
        await IdempotencyRecord.filter(id=record.id).update(created_at=nearly)
        assert await run_once.delete_expired() == 0
    again = await provider.change("createAccount", "account { id }", name="New", idempotencyKey="one")
    assert made(again) == made(first)


ALL_CREATES = sorted(name for name in MUTATIONS if name.startswith("create"))


def object_of(mutation: str) -> str:
    name = mutation.removeprefix("create")
    return name[0].lower() + name[1:]


@pytest.fixture
async def whole(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Input]]:
    """For each create, inputs with all of its fields, and a persona that may send them."""
    world, people = await with_everything(installation), await add_people(installation)
    monkeypatch.setitem(installation.world.tokens, "root", people.tokens["root"])  # the world is every test's
    return {name: inputs(world, people)[name] for name in ALL_CREATES}


async def ask_to_make(installation: Installation, mutation: str, given: Input) -> Answer:
    answer = await send(installation.person("root"), mutation, given, f"{object_of(mutation)} {{ id }}")
    assert answer.errors == [], answer.errors
    return answer


@pytest.mark.parametrize("mutation", ALL_CREATES)
async def test_every_create_is_done_once_for_a_key(
    installation: Installation, whole: dict[str, list[Input]], mutation: str
) -> None:
    table = {"createServiceProvider": "service_providers", "createApiKey": "api_keys"}.get(
        mutation, f"{object_of(mutation)}s"
    )
    for number, values in enumerate(whole[mutation]):
        given = {**values, "idempotencyKey": f"key {number}"}
        if mutation == "createUser":
            given["email"] = f"n{number}@people.example.com"
        async with installation.database() as connection:
            before = await contents(connection)
            answers = await asyncio.gather(*(ask_to_make(installation, mutation, given) for _ in range(4)))
            assert len({made(answer.only(mutation)) for answer in answers}) == 1
            codes = {code for answer in answers for code, _ in user_errors_of(answer, mutation)}
            assert codes <= {"ALREADY_SHOWN"}, codes
            after = await contents(connection)
            others = {"idempotency_records", "audit_events", "password_policies", "call_accounts"}
            assert set(changed(before, after)) <= {table, *others}
            assert len(after[table]) == len(before[table]) + 1
            assert len(after["audit_events"]) == len(before["audit_events"]) + 1


@pytest.mark.parametrize("mutation", ALL_CREATES)
async def test_a_repeat_with_any_other_field_is_refused(
    installation: Installation, whole: dict[str, list[Input]], mutation: str
) -> None:
    given = {**whole[mutation][0], "idempotencyKey": "one"}
    assert user_errors_of(await ask_to_make(installation, mutation, given), mutation) == []
    others = {"String": "x.example.com", "Int": 9, "Boolean": False, "AccessLevel": "READ_ONLY", "WebhookMethod": "GET"}
    others |= {"Role": "VIEWER", "Permission": "EDIT_SETTINGS"}
    others |= {"UsageUnit": "SESSIONS", "DateTime": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    async with installation.database() as connection:
        before = await contents(connection)
        for path, kind, value in leaves(input_type(mutation), given):
            if path == ("idempotencyKey",):
                continue
            other = {"SP": installation.world["other_provider"], "AC": installation.world["sibling"]}.get(
                str(value)[:2]
            )
            if path[-1] in ("url", "email"):
                other = "https://other.example.com" if path[-1] == "url" else "other@people.example.com"
            if path[-1] == "password":
                other = "quite another secret"
            sent = {**replaced(given, path, other or others[kind]), "idempotencyKey": "one"}
            answer = await ask_to_make(installation, mutation, sent)
            assert user_errors_of(answer, mutation) == [("CONFLICT", ["idempotencyKey"])], (path, answer.body)
        assert changed(before, await contents(connection)) == {}


@pytest.mark.parametrize("mutation", ALL_CREATES)
async def test_a_create_and_its_record_share_one_transaction(
    installation: Installation, whole: dict[str, list[Input]], mutation: str
) -> None:
    given = {**whole[mutation][0], "idempotencyKey": "one"}
    excluded = frozenset({"password_policies"})
    async with installation.database() as connection:
        before = await contents(connection, without=excluded)
        for number in range(1, 100):
            await installation.person("root").ask("{ __typename }")  # who asks is remembered for some seconds
            with failing(number) as left:
                answer = await send(installation.person("root"), mutation, given)
            if left[0] > 0:
                break
            assert answer.codes == ["INTERNAL_SERVER_ERROR"], number
            assert changed(before, await contents(connection, without=excluded)) == {}, number
        assert user_errors_of(answer, mutation) == []
        assert number > 5, "the record, the object and the event are all written"


def test_every_create_takes_a_key() -> None:
    assert all("idempotencyKey" in input_type(name).fields for name in ALL_CREATES)
    assert {name for name in MUTATIONS if input_type(name) and "idempotencyKey" in input_type(name).fields} == set(
        ALL_CREATES
    )
