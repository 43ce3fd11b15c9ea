"""The concurrent operations of a caller: how many run, which ones wait, and which are refused."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import pytest

from app.api_keys.model import ApiKey
from app.calls.model import Call
from app.execution.limits import slots
from app.execution.limits.slots import OperationSlots
from app.execution.operations import Operations
from app.foundation.access import Scope, Viewer
from app.foundation.context import Context, Resources
from app.foundation.errors import RateLimited
from app.foundation.events import Change, LiveEvent, LiveEvents
from app.foundation.identifiers import Kind, parse_sid
from app.foundation.permissions import ALL, Role
from app.foundation.revocations import Revocations
from app.foundation.settings import Settings
from app.storage.verification import StorageVerifier
from app.users.model import User
from tests.calls.conftest import at, gateway_of, report
from tests.server.test_metrics import metrics, number
from tests.support.installation import Installation, Person, World
from tests.support.personas import add_people
from tests.support.waiting import until
from tests.support.websocket_clients import listening, served, until_heard

QUERY = "{ viewer { scope } }"
OF_CALLER = 3
# A longer wait means that it will not happen.
PATIENCE_SECONDS = 30
T = TypeVar("T")


class Gate:
    """Holds running operations until it opens."""

    def __init__(self) -> None:
        self.running = Counter[str]()
        self.most = Counter[str]()
        self._open = asyncio.Event()
        self._changed = asyncio.Condition()

    async def hold(self, who: str) -> None:
        self.running[who] += 1
        self.most[who] = max(self.most[who], self.running[who])
        async with self._changed:
            self._changed.notify_all()
        await self._open.wait()
        self.running[who] -= 1

    async def wait_for(self, count: int) -> None:
        """Waits until so many operations run."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: self.running.total() >= count)

    def open(self) -> None:
        self._open.set()

    async def past(self, asked: Awaitable[T]) -> T:
        """The responses while the gate is open."""
        self._open.set()
        answered = await asked
        self._open.clear()
        return answered


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate, answer = Gate(), Operations._run

    async def held(self: Operations, operation: Any, request: Any, context: Any) -> Any:
        await gate.hold(str(context.caller.key_id or context.caller.user_id) if context.caller else context.address)
        return await answer(self, operation, request, context)

    monkeypatch.setattr(Operations, "_run", held)
    return gate


async def settled(installation: Installation, waiting: int) -> None:
    """Waits until so many operations wait for a slot."""
    operation_slots = installation.app.state.server._operations._slots
    async with asyncio.timeout(PATIENCE_SECONDS):
        while operation_slots._waiting.total() != waiting:
            await asyncio.sleep(0)


async def test_ten_concurrent_queries_of_a_front_end_get_ten_responses(
    installation: Installation, gate: Gate, provider: Person
) -> None:
    asked = [asyncio.create_task(provider.ask(QUERY)) for _ in range(10)]
    await gate.wait_for(OF_CALLER)
    await settled(installation, 10 - OF_CALLER)
    gate.open()
    answers = await asyncio.gather(*asked)
    assert [answer.only("viewer")["scope"] for answer in answers] == ["SERVICE_PROVIDER"] * 10
    assert set(gate.most.values()) == {OF_CALLER}


async def test_a_waiting_operation_does_not_run_after_its_caller_is_revoked(
    installation: Installation, gate: Gate, account_user: Person, world: World
) -> None:
    asked = [asyncio.create_task(account_user.ask(QUERY)) for _ in range(OF_CALLER + 1)]
    await gate.wait_for(OF_CALLER)
    await settled(installation, 1)
    key_id = parse_sid(Kind.API_KEY, world["account_user_key"])
    async with installation.database():
        await ApiKey.filter(id=key_id).update(revoked_at=datetime.now(UTC))
    installation.resources.clients[Revocations].announce(key_id)
    gate.open()
    answers = await asyncio.gather(*asked)
    assert sorted(answer.codes for answer in answers) == [*([[]] * OF_CALLER), ["UNAUTHENTICATED"]]


async def test_another_caller_does_not_wait(
    installation: Installation, gate: Gate, provider: Person, other_provider: Person
) -> None:
    asked = [asyncio.create_task(provider.ask(QUERY)) for _ in range(10)]
    await gate.wait_for(OF_CALLER)
    asked.append(asyncio.create_task(other_provider.ask(QUERY)))
    await gate.wait_for(OF_CALLER + 1)
    gate.open()
    assert all(answer.only("viewer") for answer in await asyncio.gather(*asked))


async def test_the_keys_of_an_account_share_twice_as_many_slots(
    installation: Installation, gate: Gate, account_user: Person, provider: Person, sibling_user: Person
) -> None:
    made = [await gate.past(account_user.change("createApiKey", "token", name=f"key {n}")) for n in range(4)]
    holders = [installation.holder(each["token"]) for each in made]
    asked = [asyncio.create_task(holder.ask(QUERY)) for holder in holders for _ in range(2)]
    await gate.wait_for(2 * OF_CALLER)
    await settled(installation, 2)
    asked.append(asyncio.create_task(sibling_user.ask(QUERY)))
    await gate.wait_for(2 * OF_CALLER + 1)
    gate.open()
    assert all(answer.only("viewer") for answer in await asyncio.gather(*asked))


async def test_an_operation_behind_too_many_waiting_ones_is_refused_with_retry_after(
    installation: Installation, gate: Gate, admin: Person, provider: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "MAXIMUM_WAITING", 2)
    asked = [asyncio.create_task(provider.ask(QUERY)) for _ in range(OF_CALLER + 2)]
    await gate.wait_for(OF_CALLER)
    await settled(installation, 2)
    response = await _post(provider)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
    (error,) = response.json()["errors"]
    assert "data" not in response.json()
    assert error["message"] == "Too many concurrent operations of this caller: 2 are waiting already. Try again."
    assert (error["extensions"]["code"], error["extensions"]["retryAfterSeconds"]) == ("RATE_LIMITED", 1)
    gate.open()
    assert all(answer.only("viewer") for answer in await asyncio.gather(*asked))
    assert number((await metrics(admin)).text, "vga_graphql_operations_rejected_total") >= 1


async def test_an_operation_that_waits_too_long_is_refused_and_takes_no_slot(
    installation: Installation, gate: Gate, provider: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "WAIT_SECONDS", 0)
    asked = [asyncio.create_task(provider.ask(QUERY)) for _ in range(OF_CALLER)]
    await gate.wait_for(OF_CALLER)
    refused = await provider.ask(QUERY)
    assert refused.codes == ["RATE_LIMITED"]
    gate.open()
    await asyncio.gather(*asked)
    assert (await provider.ask(QUERY)).only("viewer")


async def test_a_cancelled_operation_leaves_its_turn_to_the_next(
    installation: Installation, gate: Gate, provider: Person
) -> None:
    asked = [asyncio.create_task(provider.ask(QUERY)) for _ in range(OF_CALLER)]
    await gate.wait_for(OF_CALLER)
    given_up = asyncio.create_task(provider.ask(QUERY))
    await settled(installation, 1)
    given_up.cancel()
    await asyncio.wait([given_up])
    gate.open()
    await asyncio.gather(*asked)
    assert (await provider.ask(QUERY)).only("viewer")
    assert installation.app.state.server._operations._slots._running.total() == 0


async def test_unauthenticated_callers_share_the_slots_of_their_network(gate: Gate, stranger: Person) -> None:
    asked = [asyncio.create_task(stranger.ask("{ passwordPolicy { minimumLength } }")) for _ in range(10)]
    await gate.wait_for(OF_CALLER)
    gate.open()
    assert all(answer.only("passwordPolicy") for answer in await asyncio.gather(*asked))
    assert set(gate.most.values()) == {OF_CALLER}


@pytest.fixture
async def port(installation: Installation) -> AsyncIterator[int]:
    async with served(installation) as port:
        yield port


async def test_operations_over_a_websocket_and_over_http_share_slots(
    installation: Installation, port: int, gate: Gate, provider: Person
) -> None:
    async with listening(port, provider.token) as client:
        for _ in range(2):
            await client.subscribe(QUERY)
        asked = [asyncio.create_task(provider.ask(QUERY)) for _ in range(2)]
        await gate.wait_for(OF_CALLER)
        await settled(installation, 1)
        gate.open()
        assert all(answer.only("viewer") for answer in await asyncio.gather(*asked))
        heard = [await client.hear() for _ in range(4)]
    assert [message["type"] for message in heard].count("complete") == 2


async def test_an_event_of_a_subscription_waits_for_a_slot_and_is_not_lost(
    installation: Installation, port: int, gate: Gate, account_user: Person, provider: Person, world: World
) -> None:
    gateway = await gate.past(gateway_of(installation, serviceProviderId=world["provider"]))
    await gate.past(report(gateway, {"accountId": world["own"], "callId": "one", "startedAt": at(seconds=9)}))
    async with installation.database():
        call = await Call.get(gateway_call_id="one")
    async with listening(port, account_user.token) as client:
        await client.subscribe(
            f'subscription {{ callChanged(accountId: "{world["own"]}") {{ gatewayCallId }} }}', "calls"
        )
        await until_heard(installation, world["own"])
        asked = [asyncio.create_task(account_user.ask(QUERY)) for _ in range(OF_CALLER)]
        await gate.wait_for(OF_CALLER)
        installation.resources.clients[LiveEvents].publish(LiveEvent(call.account_id, call.id, Change.CALL))
        await settled(installation, 1)
        gate.open()
        assert (await client.hear())["payload"] == {"data": {"callChanged": {"gatewayCallId": "one"}}}
        await asyncio.gather(*asked)


async def _post(person: Person) -> httpx.Response:
    return await person.client.post("/graphql", json={"query": QUERY}, headers=person.headers)


def context_of(key_id: UUID, account_id: UUID, provider_id: UUID | None = None) -> Context:
    viewer = Viewer(Scope.ACCOUNT, ALL, key_id, account_id=account_id, provider_id=provider_id)
    return Context(viewer, "", Resources(Any, Any, {}))  # type: ignore[arg-type]


@pytest.mark.parametrize("is_given_up_first", [True, False])
async def test_a_slot_released_while_its_successor_is_cancelled_is_not_lost(*, is_given_up_first: bool) -> None:
    operation_slots, context = OperationSlots(1), context_of(uuid4(), uuid4())
    async with AsyncExitStack() as waiting:
        async with operation_slots.slot(context):
            successor = asyncio.create_task(waiting.enter_async_context(operation_slots.slot(context)))
            await asyncio.sleep(0)
            if is_given_up_first:
                successor.cancel()
        successor.cancel()
        with pytest.raises(asyncio.CancelledError):
            await successor
    async with asyncio.timeout(PATIENCE_SECONDS), operation_slots.slot(context):
        pass
    assert operation_slots._running.total() == 0


async def test_the_callers_of_an_owner_take_turns() -> None:
    operation_slots, account, order = OperationSlots(1), uuid4(), list[str]()
    callers = {name: context_of(uuid4(), account) for name in ("first", "second", "third")}

    async def run(name: str) -> None:
        async with operation_slots.slot(callers[name]):
            order.append(name)
            await asyncio.sleep(0)

    async with AsyncExitStack() as held:
        for name in ("first", "second"):
            await held.enter_async_context(operation_slots.slot(callers[name]))
        names = ["first"] * 3 + ["second"] * 3 + ["third"]
        asked = [asyncio.create_task(run(name)) for name in names]
        await asyncio.sleep(0)
    await asyncio.gather(*asked)
    assert order.index("third") < 3, order
    assert sorted(order) == sorted(names)


async def test_the_accounts_of_a_provider_together_leave_connections_for_other_providers() -> None:
    operation_slots, provider = OperationSlots(OF_CALLER), uuid4()
    running: list[int] = []

    async def run(number: int, done: asyncio.Event) -> None:
        async with operation_slots.slot(context_of(uuid4(), uuid4(), provider)):
            running.append(number)
            await done.wait()

    done = asyncio.Event()
    asked = [asyncio.create_task(run(number, done)) for number in range(20)]
    await asyncio.sleep(0)
    assert len(running) == OF_CALLER * slots.CALLERS_OF_PROVIDER < Settings().database_pool_size
    async with asyncio.timeout(PATIENCE_SECONDS), operation_slots.slot(context_of(uuid4(), uuid4(), uuid4())):
        pass
    done.set()
    await asyncio.gather(*asked)
    assert sorted(running) == list(range(20))


async def test_an_operation_that_waits_for_another_server_releases_its_slot(
    installation: Installation, provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, testing = asyncio.Event(), asyncio.Semaphore(0)
    verify = StorageVerifier.verify

    async def hang(self: StorageVerifier, *arguments: Any) -> Any:
        testing.release()
        await answers.wait()
        return await verify(self, *arguments)

    monkeypatch.setattr(StorageVerifier, "verify", hang)
    tests = [
        asyncio.create_task(
            provider.change("verifyRecordingStorage", "verification { verdict }", accountId=world["own"])
        )
        for _ in range(OF_CALLER)
    ]
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in tests:
            await testing.acquire()
        assert (await provider.ask(QUERY)).only("viewer")
    answers.set()
    assert [payload["verification"]["verdict"] for payload in await asyncio.gather(*tests)] == ["FAILING"] * OF_CALLER
    assert installation.app.state.server._operations._slots._running.total() == 0


@pytest.mark.parametrize("error", [RateLimited("full"), None])
async def test_an_operation_waits_for_a_slot_again_when_another_server_has_answered(error: RateLimited | None) -> None:
    operation_slots, context = OperationSlots(1), context_of(uuid4(), uuid4())
    other = replace(context)
    going_on, ended = asyncio.Event(), asyncio.Event()

    async def operation() -> None:
        async with operation_slots.slot(context):
            with suppress(RateLimited):
                async with context.without_slot():
                    await going_on.wait()
                    if error is not None:
                        raise error
            ended.set()

    running = asyncio.create_task(operation())
    await asyncio.sleep(0)
    async with operation_slots.slot(other):
        going_on.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not ended.is_set()
    await running
    assert ended.is_set()
    assert operation_slots._running.total() == 0


async def test_an_operation_that_ends_while_it_waits_for_another_server_gives_its_slot_back_once() -> None:
    operation_slots, context = OperationSlots(1), context_of(uuid4(), uuid4())

    async def operation() -> None:
        async with operation_slots.slot(context), context.without_slot():
            await asyncio.Event().wait()

    running = asyncio.create_task(operation())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    async with operation_slots.slot(replace(context)):
        assert operation_slots._running.total() == 3  # of the caller, its owner and its provider


async def test_an_operation_that_waited_for_a_slot_runs_with_the_permissions_that_its_caller_has_then(
    installation: Installation, gate: Gate
) -> None:
    people = await add_people(installation, "edda")
    document = "{ auditEvents { totalCount } }"
    asked = [asyncio.create_task(people["edda"].ask(document)) for _ in range(OF_CALLER + 1)]
    await gate.wait_for(OF_CALLER)
    await settled(installation, 1)
    await demote(installation, people.ids["edda"], Role.VIEWER)
    gate.open()
    answers = await asyncio.gather(*asked)
    assert sorted(answer.codes for answer in answers) == [*([[]] * OF_CALLER), ["FORBIDDEN"]]


async def test_an_operation_that_waited_for_a_slot_does_not_run_once_its_caller_must_change_the_password(
    installation: Installation, gate: Gate
) -> None:
    people = await add_people(installation, "ann")
    document = "{ auditEvents { totalCount } }"
    asked = [asyncio.create_task(people["ann"].ask(document)) for _ in range(OF_CALLER + 1)]
    await gate.wait_for(OF_CALLER)
    await settled(installation, 1)
    await demote(installation, people.ids["ann"], Role.MANAGER, must_change_password=True)
    gate.open()
    refused = [answer for answer in await asyncio.gather(*asked) if answer.codes]
    assert [one.errors[0]["extensions"].get("reason") for one in refused] == ["PASSWORD_CHANGE_REQUIRED"]


async def test_an_event_that_waited_for_other_events_is_sent_with_the_permissions_that_its_caller_has_then(
    installation: Installation, port: int, provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = await add_people(installation, "ann", "edda")
    gateway = await gateway_of(installation, serviceProviderId=world["provider"])
    await report(gateway, {"accountId": world["own"], "callId": "one", "startedAt": at(seconds=9)})
    async with installation.database():
        call = await Call.get(gateway_call_id="one")
    events = asyncio.Semaphore(0)
    monkeypatch.setattr(installation.app.state.server._operations, "_concurrent_events", events)
    async with listening(port, people.tokens["edda"]) as client:
        await client.subscribe(f'subscription {{ callChanged(accountId: "{world["own"]}") {{ gatewayCallId }} }}')
        await until_heard(installation, world["own"])
        installation.resources.clients[LiveEvents].publish(LiveEvent(call.account_id, call.id, Change.CALL))
        await until(events.locked)
        await until(lambda: bool(events._waiters))
        await demote(installation, people.ids["edda"], Role.CUSTOM, permissions=[])
        events.release()
        error = (await client.hear())["payload"]["errors"][0]
        assert error["extensions"]["requiredPermissions"] == ["VIEW_CALLS"]


async def demote(installation: Installation, user: str, role: Role, **columns: Any) -> None:
    """As another worker does."""
    user_id = parse_sid(Kind.USER, user)
    async with installation.database():
        await User.filter(id=user_id).update(role=role, **columns)
    installation.resources.clients[Revocations].announce(user_id)
