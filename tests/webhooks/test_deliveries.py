"""Deliveries of webhook tests: kept for 30 days, within bounds, and deleted with their account."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.foundation.identifiers import Kind, parse_sid
from app.webhooks import retention, service
from app.webhooks.model import WebhookDelivery
from app.webhooks.retention import first_id_of, prune
from tests.support.installation import Installation, Person, World, refusals
from tests.support.waiting import until
from tests.webhooks.receiver import Receiver, answer
from tests.webhooks.test_delivery import point, send

LIST = (
    "query ($id: ID!, $first: Int = 20, $after: String) { account(id: $id) { webhookDeliveries(first: $first,"
    " after: $after) { totalCount nodes { id status reason createdAt account { id } } pageInfo { endCursor } } } }"
)


async def listed(person: Person, account_id: str, **page: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await person.ask(LIST, id=account_id, **page)).only("account")["webhookDeliveries"]
    return found


async def test_each_test_leaves_a_delivery_and_the_newest_is_first(
    account_user: Person, receiver: Receiver, world: World
) -> None:
    await point(account_user, world["own"], receiver.url)
    made = []
    for status in (204, 500):
        receiver.behaviour = answer(status, b"")
        made.append((await send(account_user, world["own"]))["id"])
    found = await listed(account_user, world["own"])
    assert [one["id"] for one in found["nodes"]] == [*reversed(made), world["own_delivery"]]
    assert [one["status"] for one in found["nodes"]] == [500, 204, 204]
    assert found["nodes"][0]["account"] == {"id": world["own"]}
    assert found["totalCount"] == 3
    first = await listed(account_user, world["own"], first=1)
    second = await listed(account_user, world["own"], first=1, after=first["pageInfo"]["endCursor"])
    assert [one["id"] for one in second["nodes"]] == made[:1]


async def test_a_delivery_of_another_tenant_is_not_found(account_user: Person, world: World) -> None:
    query = "query ($id: ID!) { node(id: $id) { id } }"
    for place in ("sibling", "foreign"):
        assert (await account_user.ask(query, id=world[f"{place}_delivery"])).body == {"data": {"node": None}}
    assert (await account_user.ask(query, id=world["own_delivery"])).only("node") == {"id": world["own_delivery"]}


async def test_a_read_only_key_sees_the_result_of_a_test_but_no_signature(read_only: Person, world: World) -> None:
    """The signature of a GET covers the time only: a reader could call the receiver in the gateway's name."""
    query = "query ($id: ID!) { node(id: $id) { ... on WebhookDelivery { status requestHeaders { value } } } }"
    found = await read_only.ask(query, id=world["own_delivery"])
    assert found.data == {"node": {"status": 204, "requestHeaders": None}}
    assert found.codes == ["FORBIDDEN"]


async def test_deliveries_are_deleted_with_their_account(
    provider: Person, installation: Installation, account_user: Person, receiver: Receiver, world: World
) -> None:
    await point(account_user, world["own"], receiver.url)
    await send(account_user, world["own"])
    answer_ = "deletedId blockers { kind }"
    dry = await provider.change("deleteAccount", answer_, id=world["own"], dryRun=True)
    assert [blocker["kind"] for blocker in dry["blockers"]] == ["API_KEYS", "APPLICATIONS"]
    await provider.change("deleteAccount", answer_, id=world["own"], force=True)
    async with installation.database():
        assert await WebhookDelivery.filter(account_id=parse_sid(Kind.ACCOUNT, world["own"])).count() == 0
        assert await WebhookDelivery.all().count() == 2


async def test_a_test_of_an_account_deleted_during_the_test_fails_as_not_found(
    provider: Person, receiver: Receiver, world: World
) -> None:
    await point(provider, world["own"], receiver.url)

    async def delete_first(writer: asyncio.StreamWriter) -> None:
        await provider.change("deleteAccount", "deletedId", id=world["own"], force=True)
        await answer()(writer)

    receiver.behaviour = delete_first
    payload = await provider.change("sendTestWebhook", "delivery { id }", accountId=world["own"], kind="REGISTRATION")
    assert refusals(payload) == [("NOT_FOUND", ["accountId"])]


async def old_delivery(account_id: str, age: timedelta, number: int = 0) -> WebhookDelivery:
    id_ = first_id_of(datetime.now(UTC) - age)
    return await WebhookDelivery.create(
        id=type(id_)(int=id_.int + number),
        account_id=parse_sid(Kind.ACCOUNT, account_id),
        kind="REGISTRATION",
        method="POST",
        url="https://hooks.example.com/",
        request_headers=[],
        request_body="",
        duration_ms=1,
        reply_truncated=False,
    )


async def test_only_deliveries_older_than_thirty_days_are_removed(
    installation: Installation, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BATCH_ROWS", 2)
    async with installation.database():
        for place in ("own", "foreign"):
            for number in range(3):
                await old_delivery(world[place], timedelta(days=30, minutes=1), number + 10 * (place == "own"))
        kept = await old_delivery(world["own"], timedelta(days=29, hours=23))
        assert await prune() == 6
        assert await prune() == 0
        assert await WebhookDelivery.all().count() == 4
        assert await WebhookDelivery.exists(id=kept.id)


async def test_a_server_removes_old_deliveries_automatically(
    installation: Installation, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PRUNE_EVERY_SECONDS", 0.02)

    async def three_are_left() -> bool:
        return await WebhookDelivery.all().count() <= 3

    async with installation.database():
        await old_delivery(world["own"], timedelta(days=31))
        async with retention.pruning():
            await until(three_are_left)


async def test_the_tests_of_an_account_are_limited_per_day(
    account_user: Person,
    sibling_user: Person,
    receiver: Receiver,
    installation: Installation,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "MAXIMUM_TESTS_PER_DAY", 2)
    for person, account_id in ((account_user, world["own"]), (sibling_user, world["sibling"])):
        await point(person, account_id, receiver.url)
    async with installation.database():
        await WebhookDelivery.filter(id=parse_sid(Kind.WEBHOOK_DELIVERY, world["own_delivery"])).delete()
        await old_delivery(world["own"], timedelta(hours=24, seconds=1))
    for _ in range(2):
        await send(account_user, world["own"])
    query = "mutation ($id: ID!) { sendTestWebhook(input: {accountId: $id, kind: REGISTRATION}) { delivery { id } } }"
    assert (await account_user.ask(query, id=world["own"])).codes == ["RATE_LIMITED"]
    assert len(receiver.received) == 2
    assert (await sibling_user.ask(query, id=world["sibling"])).codes == []
