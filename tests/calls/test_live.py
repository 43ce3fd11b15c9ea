"""Subscriptions to calls and recordings over a WebSocket, visible to callers who see the account only."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from app.calls import live_schema
from app.calls.model import Call
from app.execution.limits import deadline
from app.execution.operations import Operations
from app.foundation import events as live_module
from app.foundation.events import Change, LiveEvent, LiveEvents
from app.foundation.identifiers import Kind, new_id, parse_sid
from app.foundation.permissions import Role
from app.server.graphql_ws import CHECK_SECONDS
from app.users.model import User
from tests.calls.conftest import at, gateway_of, report
from tests.support.installation import Installation, Person, World
from tests.support.loop_clock import pass_seconds
from tests.support.personas import add_people, make_owner
from tests.support.servers.valkey import PromptServer
from tests.support.websocket_clients import Client, listening, opened, served, until_heard, until_no_listeners

CHANGED = """subscription ($account: ID!) { callChanged(accountId: $account) {
    id gatewayCallId from sipStatus answeredAt endedAt account { name } recording { state } } }"""
RECORDING = "subscription ($account: ID!) { recordingStateChanged(accountId: $account) { gatewayCallId } }"


@pytest.fixture
async def port(installation: Installation) -> AsyncIterator[int]:
    async with served(installation) as port:
        yield port


async def begun(client: Client, installation: Installation, account: str, query: str = CHANGED) -> str:
    id_ = await client.subscribe(query, account=account)
    await until_heard(installation, account)
    return id_


async def next_call(client: Client, field: str = "callChanged") -> dict[str, Any]:
    """The call in the next message."""
    heard = await client.hear()
    assert heard["type"] == "next", heard
    assert "errors" not in heard["payload"], heard
    call: dict[str, Any] = heard["payload"]["data"][field]
    return call


def event_of(call: Call, change: Change = Change.CALL) -> LiveEvent:
    return LiveEvent(call.account_id, call.id, change)


async def call_of(installation: Installation, name: str) -> Call:
    async with installation.database():
        return await Call.get(gateway_call_id=name)


async def test_an_account_user_gets_events_of_reported_calls(
    installation: Installation, port: int, account_user: Person, gateway: Person, world: World
) -> None:
    async with listening(port, account_user.token) as client:
        await begun(client, installation, world["own"])
        await report(
            gateway, {"accountId": world["own"], "callId": "one", "from": "+49301", "startedAt": at(seconds=9)}
        )
        call = await next_call(client)
        assert call["id"].startswith("CA")
        expected = {"gatewayCallId": "one", "from": "+49301", "endedAt": None, "account": {"name": "Own customer"}}
        assert expected.items() <= call.items()
        assert call["recording"] == {"state": "NONE"}
        await report(gateway, {"accountId": world["own"], "callId": "one", "sipStatus": 200, "endedAt": at(seconds=1)})
        after = await next_call(client)
        assert (after["id"], after["sipStatus"]) == (call["id"], 200)
        assert after["endedAt"] is not None


@pytest.mark.parametrize("person", ["read_only", "provider", "admin"])
async def test_all_callers_who_see_the_account_get_its_events(
    installation: Installation, port: int, gateway: Person, world: World, person: str
) -> None:
    async with listening(port, installation.person(person).token) as client:
        await begun(client, installation, world["own"])
        await report(gateway, {"accountId": world["own"], "callId": "one"})
        assert (await next_call(client))["gatewayCallId"] == "one"


async def test_events_of_a_sibling_account_are_not_sent(
    installation: Installation, port: int, account_user: Person, gateway: Person, world: World
) -> None:
    async with listening(port, account_user.token) as client:
        await begun(client, installation, world["own"])
        await report(gateway, {"accountId": world["sibling"], "callId": "one"})
        assert await client.hears_nothing()


async def test_subscribing_to_an_account_of_another_tenant_fails_as_not_found(
    port: int, account_user: Person, provider: Person, world: World
) -> None:
    words = set()
    for person, accounts in ((account_user, ("sibling", "foreign")), (provider, ("foreign",))):
        async with listening(port, person.token) as client:
            for account in (*(world[name] for name in accounts), "AC" + "0" * 32, "nobody", world["provider"]):
                answer = await client.ask(CHANGED, account=account)
                assert answer["type"] == "error"
                assert answer["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"
                words.add(answer["payload"][0]["message"])
    assert words == {"There is no such account."}


async def test_a_gateway_may_not_subscribe(port: int, gateway: Person, world: World) -> None:
    async with listening(port, gateway.token) as client:
        answer = await client.ask(CHANGED, account=world["own"])
        assert answer["payload"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_subscribing_requires_a_password_change_first_if_one_is_due(
    installation: Installation, port: int, world: World
) -> None:
    people = await add_people(installation, "ann")
    async with installation.database():
        await User.filter(id=parse_sid(Kind.USER, people.ids["ann"])).update(must_change_password=True)
    async with listening(port, people.tokens["ann"]) as client:
        answer = await client.ask(CHANGED, account=world["own"])
        assert answer["payload"][0]["extensions"]["reason"] == "PASSWORD_CHANGE_REQUIRED"
        assert (await client.ask("{ viewer { mustChangePassword } }"))["type"] == "next"


async def test_recording_states_have_a_subscription_of_their_own(
    installation: Installation, port: int, account_user: Person, gateway: Person, world: World
) -> None:
    live = installation.resources.clients[LiveEvents]
    async with listening(port, account_user.token) as client:
        await begun(client, installation, world["own"], RECORDING)
        await report(gateway, {"accountId": world["own"], "callId": "one"})
        assert await client.hears_nothing()
        live.publish(event_of(await call_of(installation, "one"), Change.RECORDING))
        assert await next_call(client, "recordingStateChanged") == {"gatewayCallId": "one"}
        id_ = await client.subscribe(CHANGED, account=world["own"])
        await until_heard(installation, world["own"], 2)
        live.publish(event_of(await call_of(installation, "one"), Change.RECORDING))
        assert {(await client.hear())["id"] for _ in range(2)} >= {id_}


async def test_events_of_deleted_or_invisible_calls_are_skipped(
    installation: Installation, port: int, account_user: Person, gateway: Person, world: World
) -> None:
    await report(gateway, {"accountId": world["sibling"], "callId": "of-another"})
    live, account = installation.resources.clients[LiveEvents], parse_sid(Kind.ACCOUNT, world["own"])
    assert account is not None
    async with listening(port, account_user.token) as client:
        await begun(client, installation, world["own"])
        foreign = await call_of(installation, "of-another")
        live.publish(LiveEvent(account, new_id(), Change.CALL), LiveEvent(account, foreign.id, Change.CALL))
        live.publish(event_of(foreign))
        assert await client.hears_nothing()
        await report(gateway, {"accountId": world["own"], "callId": "one"})
        assert (await next_call(client))["gatewayCallId"] == "one"


async def test_a_completed_subscription_is_released(
    installation: Installation, port: int, account_user: Person, gateway: Person, world: World
) -> None:
    async with listening(port, account_user.token) as client:
        id_ = await begun(client, installation, world["own"])
        await client.say(type="complete", id=id_)
        await until_no_listeners(installation)
        await report(gateway, {"accountId": world["own"], "callId": "one"})
        assert await client.hears_nothing()
        assert await begun(client, installation, world["own"])
    await until_no_listeners(installation)


async def test_revoking_a_key_ends_its_subscriptions(
    installation: Installation, port: int, provider: Person, account_user: Person, world: World
) -> None:
    async with listening(port, account_user.token) as client, listening(port, account_user.token) as idle:
        await begun(client, installation, world["own"])
        revoked = await provider.change("revokeApiKey", "apiKey { id }", id=world["account_user_key"])
        assert revoked["userErrors"] == []
        assert (await client.closed())[0] == 4401
        assert (await idle.closed())[0] == 4401
    await until_no_listeners(installation)


async def test_ending_a_session_ends_its_subscriptions(installation: Installation, port: int, world: World) -> None:
    people = await add_people(installation, "ann")
    async with listening(port, people.tokens["ann"]) as client:
        await begun(client, installation, world["own"])
        assert (await client.ask("mutation { logout { userErrors { code } } }"))["type"] == "next"
        assert (await client.closed())[0] == 4401


async def test_a_subscription_does_not_count_as_use_of_a_session(
    installation: Installation, port: int, world: World
) -> None:
    people = await add_people(installation, "ann")
    last_use = installation.app.state.server.state.authentication._last_use
    async with listening(port, people.tokens["ann"]) as client:
        await begun(client, installation, world["own"])
        noted: list[Any] = []
        last_use.record_session = noted.append
        for _ in range(3):
            await pass_seconds(CHECK_SECONDS)
            await client.say(type="ping")
            await client.hear()
        assert noted == []
        await client.ask("{ viewer { scope } }")
        assert len(noted) == 1


async def test_moving_the_account_ends_the_subscription(
    installation: Installation,
    port: int,
    provider: Person,
    admin: Person,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_schema, "ACCESS_CHECK_SECONDS", 0.3)
    async with listening(port, provider.token) as client, listening(port, admin.token) as of_admin:
        id_ = await begun(client, installation, world["own"])
        await of_admin.subscribe(CHANGED, account=world["own"])
        await until_heard(installation, world["own"], 2)
        moved = await admin.change(
            "moveAccount", "account { id }", id=world["own"], serviceProviderId=world["other_provider"]
        )
        assert moved["userErrors"] == []
        ended = await client.hear()
        assert (ended["id"], ended["type"]) == (id_, "error")
        assert ended["payload"][0]["message"] == "There is no such account."
        assert await of_admin.hears_nothing(0.6)  # who still reaches it goes on


async def test_no_event_of_a_moved_account_is_sent_before_the_end(
    installation: Installation, port: int, provider: Person, admin: Person, world: World
) -> None:
    other_gateway = await gateway_of(installation, serviceProviderId=world["other_provider"])
    async with listening(port, provider.token) as client:
        await begun(client, installation, world["own"])
        await admin.change("moveAccount", "account { id }", id=world["own"], serviceProviderId=world["other_provider"])
        await report(other_gateway, {"accountId": world["own"], "callId": "after"})
        heard = await client.hear()
        assert heard["type"] == "error"


async def test_a_slow_subscriber_is_closed(
    installation: Installation, port: int, account_user: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "MAXIMUM_WAITING", 20)
    live, account = installation.resources.clients[LiveEvents], parse_sid(Kind.ACCOUNT, world["own"])
    assert account is not None
    async with listening(port, account_user.token) as client:
        await begun(client, installation, world["own"])
        live.publish(*(LiveEvent(account, new_id(), Change.CALL) for _ in range(50)))
        assert await client.closed() == (1013, "too slow")
    await until_no_listeners(installation)


async def test_a_batch_of_a_thousand_reports_sends_all_events(
    installation: Installation, port: int, account_user: Person, gateway: Person, world: World
) -> None:
    async with listening(port, account_user.token) as client:
        await begun(client, installation, world["own"], RECORDING.replace("recordingStateChanged", "callChanged"))
        await report(gateway, *({"accountId": world["own"], "callId": f"c{number}"} for number in range(1_000)))
        heard = {(await next_call(client))["gatewayCallId"] for _ in range(1_000)}
    assert heard == {f"c{number}" for number in range(1_000)}


@pytest.mark.settings(operations_per_caller=20)
async def test_few_events_are_resolved_concurrently(
    installation: Installation,
    port: int,
    account_user: Person,
    gateway: Person,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of_event, running, most, four = Operations._run_event, 0, 0, asyncio.Event()

    async def counted(self: Operations, *arguments: Any) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 4:
            four.set()
        await four.wait()
        try:
            return await of_event(self, *arguments)
        finally:
            running -= 1

    monkeypatch.setattr(Operations, "_run_event", counted)
    async with listening(port, account_user.token) as client:
        for _ in range(20):
            await client.subscribe(CHANGED, account=world["own"])
        await until_heard(installation, world["own"], 20)
        await report(gateway, *({"accountId": world["own"], "callId": f"c{number}"} for number in range(3)))
        for _ in range(60):
            await next_call(client)
    assert most == 4


async def test_an_error_of_one_event_is_masked_and_the_next_event_follows(
    installation: Installation,
    port: int,
    account_user: Person,
    gateway: Person,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with listening(port, account_user.token) as client:
        await begun(client, installation, world["own"])
        with monkeypatch.context() as broken:
            broken.setattr(Call, "tenant_scope", None)
            await report(gateway, {"accountId": world["own"], "callId": "one"})
            heard = await client.hear()
        assert heard["type"] == "next"
        assert heard["payload"]["data"] == {"callChanged": None}
        assert heard["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        await report(gateway, {"accountId": world["own"], "callId": "two"})
        assert (await next_call(client))["gatewayCallId"] == "two"


async def test_an_event_beyond_the_deadline_is_an_error_and_the_next_event_follows(
    installation: Installation,
    port: int,
    account_user: Person,
    gateway: Person,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account_id = parse_sid(Kind.ACCOUNT, world["own"])
    assert account_id is not None
    async with listening(port, account_user.token) as client:
        await begun(client, installation, world["own"])
        with monkeypatch.context() as late:
            late.setattr(deadline, "REQUEST_SECONDS", 0)
            installation.resources.clients[LiveEvents].publish(LiveEvent(account_id, new_id(), Change.CALL))
            heard = await client.hear()
        assert heard["payload"]["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        await report(gateway, {"accountId": world["own"], "callId": "two"})
        assert (await next_call(client))["gatewayCallId"] == "two"


async def test_a_required_password_change_ends_the_subscription(
    installation: Installation, port: int, gateway: Person, world: World, wait: Callable[[float], None]
) -> None:
    people = await add_people(installation, "ann")
    async with listening(port, people.tokens["ann"]) as client:
        await begun(client, installation, world["own"])
        async with installation.database():
            await User.filter(id=parse_sid(Kind.USER, people.ids["ann"])).update(must_change_password=True)
        wait(60)
        await report(gateway, {"accountId": world["own"], "callId": "one"})
        answer = await client.hear()
        assert (answer["type"], answer["payload"][0]["extensions"]["reason"]) == ("error", "PASSWORD_CHANGE_REQUIRED")
        await until_no_listeners(installation)


@pytest.mark.parametrize("query", [CHANGED, RECORDING])
@pytest.mark.parametrize("of", ["person", "key of the person"])
async def test_withdrawing_view_calls_ends_the_subscription(
    installation: Installation,
    port: int,
    gateway: Person,
    world: World,
    wait: Callable[[float], None],
    query: str,
    of: str,
) -> None:
    people = await add_people(installation, "ann")
    made = await people["ann"].change("createApiKey", "token", name="Ann's own", accessLevel="READ_ONLY")
    async with listening(port, people.tokens["ann"] if of == "person" else made["token"]) as client:
        await begun(client, installation, world["own"], query)
        async with installation.database():
            user = User.filter(id=parse_sid(Kind.USER, people.ids["ann"]))
            await user.update(role=Role.CUSTOM, permissions=["EDIT_SETTINGS"])
        wait(60)
        await report(gateway, {"accountId": world["own"], "callId": "one"})
        if query is CHANGED:
            event = await client.hear()
            assert (event["type"], event["payload"]["data"]) == ("next", {"callChanged": None})
            assert event["payload"]["errors"][0]["extensions"]["requiredPermissions"] == ["VIEW_CALLS"]
        ended = await client.hear()
        assert (ended["type"], ended["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")
        await until_no_listeners(installation)


async def test_an_owner_subscribes_to_the_owned_account_until_the_ownership_ends(
    installation: Installation, port: int, gateway: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_schema, "ACCESS_CHECK_SECONDS", 0.3)
    people = await add_people(installation, "vera", "boss")
    await make_owner(people, "vera")
    async with installation.database():
        await User.filter(name="Vera").update(role=Role.CUSTOM, permissions=[])
    async with listening(port, people.tokens["vera"]) as client:
        await begun(client, installation, world["own"])
        await report(gateway, {"accountId": world["own"], "callId": "one"})
        assert (await next_call(client))["gatewayCallId"] == "one"
        await client.subscribe(CHANGED, account=world["sibling"])
        refused = await client.hear()
        assert refused["payload"][0]["extensions"]["requiredPermissions"] == ["VIEW_CALLS"]
        given = {"id": world["own"], "ownerId": people.ids["boss"]}
        assert (await people["boss"].change("transferAccountOwnership", "__typename", **given))["userErrors"] == []
        await report(gateway, {"accountId": world["own"], "callId": "two"})
        heard = await client.hear()
        errors = heard["payload"]["errors"] if heard["type"] == "next" else heard["payload"]
        assert errors[0]["extensions"]["requiredPermissions"] == ["VIEW_CALLS"]


async def test_subscribing_needs_the_permission_to_view_calls(
    installation: Installation, port: int, account_user: Person, world: World
) -> None:
    made = await account_user.change(
        "createApiKey", "token", name="Settings", accessLevel="CUSTOM", permissions=["EDIT_SETTINGS"]
    )
    async with listening(port, made["token"]) as client:
        answer = await client.ask(f'subscription {{ callChanged(accountId: "{world["own"]}") {{ id }} }}')
        assert "FORBIDDEN" in str(answer["payload"])


async def test_events_of_other_workers_are_sent(
    template: World,
    valkey: PromptServer,
    installation: Installation,
    port: int,
    account_user: Person,
    gateway: Person,
    world: World,
    tmp_path: Any,
) -> None:
    """The other worker has a process of its own in production, and the same database here."""
    settings = installation.settings
    second = Installation.started(template, tmp_path, settings.database_url, cache_url=valkey.url)
    async with second as other, listening(port, account_user.token) as client:
        await begun(client, installation, world["own"])
        reporter = other.holder(gateway.token or "")
        for attempt in range(50):
            await report(reporter, {"accountId": world["own"], "callId": f"try{attempt}"})
            if not await client.hears_nothing(0.1):
                break
        else:
            pytest.fail("the other worker was not heard")
        await report(reporter, {"accountId": world["own"], "callId": "of-the-other"})
        assert (await next_call(client))["gatewayCallId"] == "of-the-other"
        assert await client.hears_nothing()
        await report(gateway, {"accountId": world["own"], "callId": "own"})
        assert (await next_call(client))["gatewayCallId"] == "own"
        assert await client.hears_nothing()


async def test_an_unauthenticated_caller_gets_no_events(port: int) -> None:
    async with opened(port) as client:
        await client.subscribe(CHANGED, account="AC" + "0" * 32)
        assert (await client.closed())[0] == 4401
