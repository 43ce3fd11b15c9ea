"""A stream closed with 1000 is saved, whatever the database does; other streams are closed with another code."""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from app.recording import ingest, lifecycle
from app.recording.spool import SpooledRecording
from tests.recording.gateways import Gateway, gateway_of
from tests.support.installation import Installation, Person, World
from tests.support.waiting import until

AUDIO = bytes(range(256)) * 10
DATABASE_AWAY = (1013, "the database does not answer: try again later")


@pytest.fixture
async def gateway(installation: Installation, world: World, provider: Person) -> AsyncIterator[Gateway]:
    """A provider's gateway; the own account records all calls, as WAV."""
    async with gateway_of(installation, world, provider) as made:
        yield made


@pytest.fixture
def stalled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database answers nothing until the end of the test, like a stopped server (SIGSTOP)."""
    is_over = asyncio.Event()

    async def never(*_: Any, **__: Any) -> None:
        await is_over.wait()
        raise TimeoutError

    monkeypatch.setattr(ingest, "DATABASE_SECONDS", 0.2)
    for place, name in ((ingest, "admit"), (lifecycle, "begin"), (lifecycle, "mark_storing")):
        monkeypatch.setattr(place, name, never)
    yield
    is_over.set()


async def ended(gateway: Gateway, call: str, audio: bytes = AUDIO, **fields: Any) -> tuple[int, str]:
    """How the server closes a call that its gateway ended with 1000."""
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame(call, **fields))
        await connection.send(audio)
        return await closed_by(connection)


async def closed_by(connection: ClientConnection) -> tuple[int, str]:
    await connection.close()
    assert connection.protocol.close_rcvd is not None, "the server hung up without a word"
    return connection.protocol.close_rcvd.code, connection.protocol.close_rcvd.reason


async def test_a_short_call_is_in_the_spool_when_it_is_closed_with_1000(gateway: Gateway) -> None:
    assert await ended(gateway, "a") == (1000, "")
    assert (await gateway.spooled("a")).read(44, 10**6) == AUDIO


async def test_a_short_call_is_recorded_while_the_database_is_stalled(
    gateway: Gateway, request: pytest.FixtureRequest
) -> None:
    assert await ended(gateway, "before") == (1000, "")
    await gateway.idle()
    request.getfixturevalue("stalled")
    given: dict[str, Any] = {"from": "+4930123456", "to": "+49301000", "direction": "inbound"}
    codes = await asyncio.gather(*(ended(gateway, f"during-{number}", **given) for number in range(3)))
    assert codes == [(1000, "")] * 3
    waiting = gateway.spool.call_ids()
    assert len(waiting) == 4
    for call_id in waiting[1:]:
        metadata = gateway.spool.folder(call_id).joinpath("about.json").read_text()
        assert '"during-' in metadata
        assert '"+4930123456"' in metadata
        assert '"without_database": true' in metadata
        assert gateway.spool.folder(call_id).joinpath("audio").read_bytes()[44:] == AUDIO


@pytest.mark.usefixtures("stalled")
async def test_a_call_that_cannot_be_recorded_is_not_closed_with_1000(gateway: Gateway) -> None:
    assert await ended(gateway, "a") == DATABASE_AWAY
    assert gateway.spool.call_ids() == []


async def test_cached_admissions_apply_to_the_same_account_and_caller_only(
    gateway: Gateway, world: World, account_user: Person, request: pytest.FixtureRequest
) -> None:
    assert await ended(gateway, "before") == (1000, "")
    made = await account_user.change("createApiKey", "token", name="gateway", accessLevel="GATEWAY")
    async with gateway.opened(made["token"]):  # so that the server has cached this key
        pass
    request.getfixturevalue("stalled")
    assert await ended(gateway, "a", accountSid=world["sibling"]) == DATABASE_AWAY
    assert await ended(gateway, "b", applicationSid=world["own_application"]) == DATABASE_AWAY
    gateway.key = made["token"]
    assert await ended(gateway, "c") == DATABASE_AWAY


async def test_a_refusal_invalidates_the_cached_admission(
    gateway: Gateway, world: World, provider: Person, request: pytest.FixtureRequest
) -> None:
    assert await ended(gateway, "before") == (1000, "")
    off = {"accountId": world["own"], "recordAllCalls": False}
    assert (await provider.change("updateRecordingConfig", "recordingConfig { id }", **off))["userErrors"] == []
    assert (await ended(gateway, "not-wanted"))[0] == 4406
    request.getfixturevalue("stalled")
    assert await ended(gateway, "a") == DATABASE_AWAY


async def test_a_closed_stream_releases_its_slot_while_the_database_is_stalled(
    gateway: Gateway, request: pytest.FixtureRequest
) -> None:
    assert await ended(gateway, "before") == (1000, "")
    await gateway.idle()
    request.getfixturevalue("stalled")
    assert await ended(gateway, "during") == (1000, "")
    slots = gateway.recording_ingest._slots
    await until(lambda: not slots.total)
    assert gateway.server.server_state.tasks  # the row is not updated yet


async def test_the_server_answers_with_the_gateways_close_code(gateway: Gateway) -> None:
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("a"))
        await connection.send(AUDIO)
        await connection.close(1001, "going away")
        assert connection.protocol.close_rcvd is not None
        assert connection.protocol.close_rcvd.code == 1001


async def test_a_gateway_that_closes_before_the_first_frame_gets_an_answer(gateway: Gateway) -> None:
    async with gateway.opened() as connection:
        assert await closed_by(connection) == (1000, "")


@pytest.mark.parametrize("step", ["append", "finish"])
async def test_a_call_whose_end_cannot_be_written_is_not_closed_with_1000(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    begun, made = asyncio.Event(), SpooledRecording.append

    def full(recording: SpooledRecording, *given: Any) -> None:
        if begun.is_set() and given[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        made(recording, *given)

    monkeypatch.setattr(SpooledRecording, step, full)
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("a"))
        await until(gateway.spool.call_ids)
        begun.set()
        await connection.send(AUDIO)
        reason = "the disk of the spool is full: the recording ends here"
        assert await closed_by(connection) == (1011, reason)
    if step == "append":
        end = (await gateway.spooled("a")).stream_end
        assert end is not None
        assert (end.samples, end.is_cut) == (0, True)


async def test_a_call_that_lost_audio_while_it_ended_is_not_closed_with_1000(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk takes the last piece after it refused the one before; both results arrive at the same time."""
    fails, writes, goes_on, made = asyncio.Event(), threading.Event(), threading.Event(), SpooledRecording.append

    def full_once(recording: SpooledRecording, *given: Any) -> None:
        if fails.is_set() and not writes.is_set():
            writes.set()
            goes_on.wait(10)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        made(recording, *given)

    monkeypatch.setattr(SpooledRecording, "append", full_once)
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("a"))
        await until(gateway.spool.call_ids)
        fails.set()
        await connection.send(AUDIO)
        await until(writes.is_set)
        await connection.send(AUDIO)
        closing = asyncio.create_task(closed_by(connection))
        (stream,) = gateway.recording_ingest._streams
        await until(lambda: stream.ending is not None)
        goes_on.set()
        assert await closing == (1011, "the disk of the spool is full: the recording ends here")
