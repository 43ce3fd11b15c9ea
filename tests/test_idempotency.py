"""A create that is sent again with its idempotency key makes nothing again."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.idempotency import once
from app.idempotency.model import IdempotencyRecord
from tests.installation import Installation, Person, World, refusals

CREATES: list[tuple[str, str, dict[str, Any]]] = [
    ("createAccount", "account { id }", {"name": "New 🎧"}),
    ("createApiKey", "apiKey { id }", {"name": "New 🎧"}),
]


def made(payload: dict[str, Any]) -> str:
    return str(next(value for name, value in payload.items() if name != "userErrors")["id"])


@pytest.mark.parametrize(("mutation", "selection", "given"), CREATES)
async def test_a_repeat_answers_what_was_made_first(
    provider: Person, mutation: str, selection: str, given: dict[str, Any]
) -> None:
    first = await provider.change(mutation, selection, **given, idempotencyKey="one")
    again = await provider.change(mutation, selection, **given, idempotencyKey="one")
    assert refusals(first) == []
    assert refusals(again) == ([("ALREADY_SHOWN", ["idempotencyKey"])] if mutation == "createApiKey" else [])
    assert made(again) == made(first)


async def test_a_service_provider_is_made_once(admin: Person) -> None:
    ids = [
        made(await admin.change("createServiceProvider", "serviceProvider { id }", name="Third", idempotencyKey="one"))
        for _ in range(2)
    ]
    assert ids[0] == ids[1]


async def test_the_text_of_a_key_is_shown_once(provider: Person) -> None:
    first = await provider.change("createApiKey", "token", name="key", idempotencyKey="one")
    again = await provider.change("createApiKey", "token", name="key", idempotencyKey="one")
    assert first["token"].startswith("vgk_")
    assert again["token"] is None


async def test_a_repeat_with_another_input_is_refused(provider: Person) -> None:
    await provider.change("createAccount", "account { id }", name="New", idempotencyKey="one")
    other = await provider.change("createAccount", "account { id }", name="Newer", idempotencyKey="one")
    assert refusals(other) == [("CONFLICT", ["idempotencyKey"])]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "\0"])
async def test_what_is_no_key_is_refused(provider: Person, key: str) -> None:
    payload = await provider.change("createAccount", "account { id }", name="New", idempotencyKey=key)
    assert refusals(payload) == [("INVALID", ["idempotencyKey"])]


async def test_repeats_at_once_make_one(provider: Person) -> None:
    payloads = await asyncio.gather(
        *(provider.change("createAccount", "account { id }", name="New", idempotencyKey="one") for _ in range(8))
    )
    assert [refusals(payload) for payload in payloads] == [[]] * 8
    assert len({made(payload) for payload in payloads}) == 1


async def test_what_was_refused_may_be_sent_again_mended(provider: Person) -> None:
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


async def test_what_was_made_and_is_no_more_is_not_made_again(provider: Person) -> None:
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
        assert await once.forget() == 1
