"""Events between workers over a real Valkey, also when it is away, hangs or carries malformed messages."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import pytest
from valkey.asyncio.client import Pipeline, PubSub

from app.foundation import events as live_module
from app.foundation import pubsub as exchange_module
from app.foundation.events import Change, EventsLost, Listener, LiveEvent, LiveEvents, TooSlow
from app.foundation.identifiers import Kind, new_id, sid_of
from tests.support.installation import Installation, Person, World
from tests.support.servers.valkey import PromptServer
from tests.support.waiting import until
from tests.support.websocket_clients import listening, served

pytestmark = pytest.mark.long


@pytest.fixture
def account() -> UUID:
    return new_id()


@asynccontextmanager
async def workers(url: str, account: UUID) -> AsyncIterator[tuple[LiveEvents, LiveEvents]]:
    """Two workers that exchange events."""
    one, other = LiveEvents(url), LiveEvents(url)
    async with one.running(), other.running():
        await connected(one, other)
        await connected(other, one)
        yield one, other


async def connected(teller: LiveEvents, hearer: LiveEvents) -> None:
    """Waits until an event of one worker reaches the other."""
    account = new_id()
    async with asyncio.timeout(30):
        while True:
            with hearer.subscribe(account) as listener, suppress(TimeoutError, EventsLost):
                teller.publish(LiveEvent(account, new_id(), Change.CALL))
                async with asyncio.timeout(0.1):
                    await listener.next()
                return


async def heard(listener: Listener, seconds: float = 5) -> LiveEvent:
    async with asyncio.timeout(seconds):
        return await listener.next()


async def nothing(listener: Listener) -> bool:
    try:
        await heard(listener, 0.3)
    except TimeoutError:
        return True
    return False


async def test_an_event_of_one_worker_reaches_every_worker_once(valkey: PromptServer, account: UUID) -> None:
    event = LiveEvent(account, new_id(), Change.RECORDING)
    async with workers(valkey.url, account) as (one, other):
        with one.subscribe(account) as here, other.subscribe(account) as there:
            one.publish(event)
            assert (await heard(here), await heard(there)) == (event, event)
            assert await nothing(here)
            assert await nothing(there)


async def test_a_listener_receives_no_events_of_another_account(valkey: PromptServer, account: UUID) -> None:
    async with workers(valkey.url, account) as (one, other):
        with other.subscribe(new_id()) as there:
            one.publish(LiveEvent(account, new_id(), Change.CALL))
            assert await nothing(there)


async def test_without_a_cache_events_reach_listeners_in_the_process(account: UUID) -> None:
    live = LiveEvents()
    async with live.running():
        with live.subscribe(account) as listener:
            live.publish(event := LiveEvent(account, new_id(), Change.CALL))
            assert await heard(listener) == event


async def ends(*listeners: Listener) -> bool:
    """Whether each is notified that events were lost."""
    for listener in listeners:
        with suppress(EventsLost):
            while await heard(listener, 30):
                pass
    return True


async def test_a_killed_valkey_slows_no_publisher_and_is_reconnected(valkey: PromptServer, account: UUID) -> None:
    async with workers(valkey.url, account) as (one, other):
        with one.subscribe(account) as here, other.subscribe(account) as there:
            await asyncio.to_thread(valkey.stop)
            assert await ends(here, there)
        with one.subscribe(account) as here, other.subscribe(account) as there:
            began = time.thread_time()
            for _ in range(1_000):
                one.publish(event := LiveEvent(account, new_id(), Change.CALL))
            assert time.thread_time() - began < 0.1
            while (await heard(here)) != event:
                pass
            await asyncio.to_thread(valkey.start)
            # They missed events during the outage.
            assert await ends(here, there)
            await connected(one, other)
            await connected(other, one)
        with one.subscribe(account) as here, other.subscribe(account) as there:
            one.publish(last := LiveEvent(account, new_id(), Change.CALL))
            while (await heard(here)) != last:
                pass
            while (await heard(there)) != last:
                pass


async def test_a_hanging_valkey_is_disconnected_and_reconnected(
    valkey: PromptServer, account: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workers(valkey.url, account) as (one, other):
        with monkeypatch.context() as patch, other.subscribe(account) as there:
            patch.setattr(exchange_module, "ANSWER_SECONDS", 0.2)
            patch.setattr(exchange_module, "SILENCE_SECONDS", 0.3)
            valkey.send_signal(signal.SIGSTOP)
            one.publish(LiveEvent(account, new_id(), Change.CALL))
            assert await ends(there)
        valkey.send_signal(signal.SIGCONT)
        await connected(one, other)
        with other.subscribe(account) as there:
            one.publish(last := LiveEvent(account, new_id(), Change.CALL))
            while (await heard(there, 30)) != last:
                pass


async def test_a_worker_whose_queue_overflowed_notifies_the_others(
    valkey: PromptServer, account: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_module, "MAXIMUM_WAITING", 10)
    async with workers(valkey.url, account) as (one, other):
        with other.subscribe(account) as there:
            one.publish(*(LiveEvent(account, new_id(), Change.CALL) for _ in range(11)))
            assert await ends(there)


async def test_a_subscriber_whose_events_were_lost_is_asked_to_list_again(
    installation: Installation, valkey: PromptServer, account_user: Person, world: World
) -> None:
    async with served(installation) as port, listening(port, account_user.token) as client:
        query = "subscription ($id: ID!) { callChanged(accountId: $id) { id } }"
        await client.subscribe(query, id=world["own"])
        live: LiveEvents = installation.resources.clients[LiveEvents]
        await until(lambda: live._listeners)
        await asyncio.to_thread(valkey.stop)
        assert await client.closed(30) == (1012, "events were lost: reconnect and list again")


async def test_a_silent_channel_keeps_its_connection(
    valkey: PromptServer, account: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ping = [], PubSub.ping

    async def counted(channels: PubSub) -> None:
        await ping(channels)
        asked.append(channels)

    monkeypatch.setattr(PubSub, "ping", counted)
    monkeypatch.setattr(exchange_module, "SILENCE_SECONDS", 0.1)
    async with workers(valkey.url, account) as (one, other):
        before = int(valkey.run("INFO", "stats")["total_connections_received"])
        await until(lambda: len(asked) >= 8)
        with other.subscribe(account) as there:
            one.publish(event := LiveEvent(account, new_id(), Change.CALL))
            assert await heard(there) == event
        assert int(valkey.run("INFO", "stats")["total_connections_received"]) == before + 1  # this question's own


async def test_a_malformed_message_is_ignored(valkey: PromptServer, account: UUID) -> None:
    call = sid_of(Kind.CALL, new_id())
    async with workers(valkey.url, account) as (one, other):
        with other.subscribe(account) as there:
            channel = f"live:{sid_of(Kind.ACCOUNT, account)}"
            for message in ("", "a b", f"w {call} nothing", f"w {call[2:]} call", f"w {call} call x", "x" * 10_000):
                valkey.run("PUBLISH", channel, message)
            valkey.run("PUBLISH", channel, b"\xff\xfe \x00 call")
            valkey.run("PUBLISH", "live:nobody", f"w {call} call")
            assert await nothing(there)
            one.publish(event := LiveEvent(account, new_id(), Change.CALL))
            assert await heard(there) == event


async def test_a_waiting_change_is_not_queued_twice(account: UUID) -> None:
    live, event = LiveEvents(), LiveEvent(account, new_id(), Change.CALL)
    with live.subscribe(account) as listener:
        live.publish(event, event)
        assert await heard(listener) == event
        assert await nothing(listener)
        live.publish(event)
        assert await heard(listener) == event


async def test_a_waiting_call_is_not_queued_twice_for_another_change(account: UUID) -> None:
    live, call = LiveEvents(), new_id()
    with live.subscribe(account) as listener, live.subscribe(account, {Change.RECORDING}) as of_recordings:
        live.publish(*(LiveEvent(account, call, change) for change in (Change.CALL, Change.RECORDING)))
        assert (await heard(listener)).call_id == call
        assert await nothing(listener)
        assert await heard(of_recordings) == LiveEvent(account, call, Change.RECORDING)


async def test_unwanted_changes_take_no_room_in_a_listeners_queue(
    account: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "MAXIMUM_WAITING", 3)
    live = LiveEvents()
    with live.subscribe(account, {Change.RECORDING}) as listener:
        live.publish(*(LiveEvent(account, new_id(), Change.CALL) for _ in range(5)))
        live.publish(event := LiveEvent(account, new_id(), Change.RECORDING))
        assert await heard(listener) == event


async def test_a_listener_with_a_full_queue_ends_as_too_slow(account: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "MAXIMUM_WAITING", 3)
    live = LiveEvents()
    with live.subscribe(account) as listener:
        live.publish(*(LiveEvent(account, new_id(), Change.CALL) for _ in range(3)))
        await heard(listener)
        live.publish(*(LiveEvent(account, new_id(), Change.CALL) for _ in range(2)))
        with pytest.raises(TooSlow):
            await heard(listener)


async def test_the_queue_of_outgoing_events_is_bounded(account: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_module, "MAXIMUM_WAITING", 10)
    live = LiveEvents("valkey://127.0.0.1:1/0")
    live.publish(*(LiveEvent(account, new_id(), Change.CALL) for _ in range(100)))
    assert live._exchange is not None
    assert len(live._exchange._waiting) == 10


async def test_a_full_queue_of_outgoing_events_drops_the_oldest(
    valkey: PromptServer, account: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_module, "MAXIMUM_WAITING", 10)
    events = [LiveEvent(account, new_id(), Change.CALL) for _ in range(18)]
    live = LiveEvents(valkey.url)
    exchange = live._exchange
    assert exchange is not None
    live.publish(*events[:8])

    async def fails(_: Any) -> None:
        live.publish(*events[8:])
        raise ConnectionResetError

    monkeypatch.setattr(Pipeline, "execute", fails)
    with pytest.raises(ConnectionResetError):
        await exchange._publish()
    assert list(exchange._waiting) == events[8:]
