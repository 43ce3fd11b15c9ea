"""Recordings whose server is lost: `maintain` fails them after days without an update, and what may follow."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tortoise import connections

from app.calls.model import Call, RecordingState
from app.foundation.access import Scope, Viewer
from app.foundation.events import Change, LiveEvent, LiveEvents
from app.foundation.identifiers import Kind, new_id, sid_of
from app.foundation.outbound.guard import OutboundGate
from app.foundation.permissions import LEVELS, AccessLevel
from app.foundation.user_errors import UserErrors
from app.recording import ingest, lifecycle, retry
from app.recording.stream import FirstFrame
from app.storage.model import RecordingError
from app.storage.s3 import ObjectStorage
from tests.recording.test_upload_worker import told_of
from tests.recording.upload_setup import UploadEnvironment, noise, open_environment
from tests.support.commands import run
from tests.support.installation import Installation, Person
from tests.support.servers.scripted_s3 import ScriptedS3
from tests.support.servers.valkey import PromptServer
from tests.support.statements import plan, recorded
from tests.support.waiting import until


@pytest.fixture
async def s3() -> AsyncIterator[ScriptedS3]:
    async with ScriptedS3() as server:
        yield server


@pytest.fixture
async def env(installation: Installation, tmp_path: Path, s3: ScriptedS3) -> AsyncIterator[UploadEnvironment]:
    storage = ObjectStorage(OutboundGate(["127.0.0.1"]))
    async with open_environment(installation, tmp_path / "rooms-spool", storage) as env:
        await env.configure(s3.endpoint)
        yield env
    await storage.close()


async def set_last_update(call_id: UUID, **ago: float) -> datetime:
    """The call's row has not been updated since."""
    then = datetime.now(UTC) - timedelta(**ago)
    await Call.filter(id=call_id).update(updated_at=then)
    return then


async def has_updates_since(env: UploadEnvironment, call_id: UUID, then: datetime) -> bool:
    return (await env.call(call_id)).updated_at > then


@pytest.mark.parametrize("state", [RecordingState.RECORDING, RecordingState.STORING])
async def test_a_recording_without_updates_for_three_days_fails_with_the_reason(
    env: UploadEnvironment, account_user: Person, state: RecordingState
) -> None:
    lost, fresh = await env.recorded(noise(32_000)), await env.recorded(noise(32_000))
    await Call.all().update(recording_state=state)
    then = await set_last_update(lost, days=3, minutes=1)
    await set_last_update(fresh, days=2, hours=23)
    with env.told() as told:
        assert await lifecycle.fail_lost_recordings(env.live, datetime.now(UTC), env.find) == 1
        assert await lifecycle.fail_lost_recordings(env.live, datetime.now(UTC), env.find) == 0
    assert told == ["recording"]
    assert (await env.call(fresh)).recording_state is state
    shown = await told_of(account_user, lost)
    assert (shown["state"], shown["error"]["code"], shown["error"]["nextTryAt"]) == ("FAILED", "SERVER_SILENT", None)
    assert "retryRecording" in shown["error"]["advice"]
    error = (await env.call(lost)).recording_error
    assert error is not None
    assert f"since {then:%Y-%m-%d %H:%M} UTC" in error["message"]


async def test_finished_recordings_are_not_failed(env: UploadEnvironment) -> None:
    call_id = await env.recorded(noise(32_000))
    await env.scan()
    await set_last_update(call_id, days=100)
    assert await lifecycle.fail_lost_recordings(env.live, datetime.now(UTC), env.find) == 0
    assert (await env.call(call_id)).recording_state is RecordingState.STORED


async def test_a_lost_recording_whose_audio_reappears_is_stored_by_a_retry(
    env: UploadEnvironment, s3: ScriptedS3
) -> None:
    call_id = await env.recorded(noise(32_000))
    await set_last_update(call_id, days=4)
    await lifecycle.fail_lost_recordings(env.live, datetime.now(UTC), env.find)
    await env.scan()
    assert (s3.objects, env.spool.call_ids()) == ({}, [call_id])
    await retry.retry(env.context, sid_of(Kind.CALL, call_id))
    await env.scan()
    assert (await env.call(call_id)).recording_state is RecordingState.STORED


async def test_a_retried_recording_without_audio_fails_again(env: UploadEnvironment) -> None:
    call_id = await env.recorded(noise(32_000))
    for _ in range(2):
        await set_last_update(call_id, days=4)
        assert await lifecycle.fail_lost_recordings(env.live, datetime.now(UTC), env.find) == 1
        await retry.retry(env.context, sid_of(Kind.CALL, call_id))


async def test_a_recording_whose_audio_this_server_no_longer_has_cannot_be_retried(
    env: UploadEnvironment, s3: ScriptedS3
) -> None:
    call_id = await env.recorded(noise(32_000))
    error = RecordingError(message="Busy.", advice="Wait.", spool=env.spool.id)
    await lifecycle.mark_retrying(env.live, call_id, env.account_id, error, 1)
    await set_last_update(call_id, days=4)
    await lifecycle.fail_lost_recordings(env.live, datetime.now(UTC), env.find)
    recording = env.spool.open(call_id)
    assert recording is not None
    recording.remove()
    with pytest.raises(UserErrors, match="This server's spool no longer has the audio"):
        await retry.retry(env.context, sid_of(Kind.CALL, call_id))


async def test_a_call_that_ends_after_its_recording_failed_is_stored(env: UploadEnvironment) -> None:
    recording = await env.running()
    recording.append(noise(32_000))
    await set_last_update(recording.metadata.call_id, days=4)
    assert await lifecycle.fail_lost_recordings(env.live, datetime.now(UTC), env.find) == 1
    env.end(recording)
    await lifecycle.mark_storing(env.live, recording.metadata.call_id, env.account_id)
    env.worker.on_end(recording)
    await env.worker.wait_until_idle()
    assert (await env.call(recording.metadata.call_id)).recording_state is RecordingState.STORED


async def test_a_call_that_lasts_for_days_does_not_count_as_lost(
    env: UploadEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "CHECK_ACCOUNTS_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(ingest, "TOUCH_CALLS_EVERY_SECONDS", 0.0)
    await env.record_all_calls()
    mine = ingest.RecordingIngest(env.installation.settings, env.keyring, env.spool, env.live)
    async with mine.running():
        stream = mine.stream(FirstFrame("long", env.account_id))
        viewer = Viewer(Scope.ADMIN, LEVELS[AccessLevel.GATEWAY])
        with mine.slot(viewer) as slot:
            call = await mine.begin(viewer, slot, stream)
        then = await set_last_update(call.call_id, days=4)
        await until(lambda: has_updates_since(env, call.call_id, then))
        assert await lifecycle.fail_lost_recordings(env.live, datetime.now(UTC), env.find) == 0


async def test_the_search_for_lost_recordings_uses_its_index(env: UploadEnvironment) -> None:
    with recorded() as statements:
        await lifecycle.fail_lost_recordings(env.live, datetime.now(UTC), env.find)
    (statement,) = (one for one in statements if "SELECT" in one[0])
    connection = connections.get("default")
    of_parts = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'calls_underway'::regclass"
    names = {row["name"] for row in await connection.execute_query_dict(of_parts)}
    found = await plan(connection, statement)
    assert any(name in found for name in names), found


@asynccontextmanager
async def hearing(live: LiveEvents) -> AsyncIterator[None]:
    """Runs the block once events of other processes arrive."""
    assert live._exchange is not None
    hears, hear = asyncio.Event(), live._exchange._handle

    def heard(message: Mapping[str, Any]) -> None:
        hears.set()  # the first message of Valkey confirms the subscription
        hear(message)

    live._exchange._handle = heard  # type: ignore[method-assign]
    async with live.running():
        await hears.wait()
        yield


async def test_maintain_fails_lost_recordings_and_notifies_subscribers(
    env: UploadEnvironment, valkey: PromptServer
) -> None:
    call_id = await env.recorded(noise(32_000))
    await set_last_update(call_id, days=4)
    live = LiveEvents(valkey.url)
    async with hearing(live):
        with live.subscribe(env.account_id) as listener:
            printed = await run(env.installation, "maintain", CACHE_URL=valkey.url, OUTBOUND_ALLOWED_HOSTS="127.0.0.1")
            assert "1 recordings of lost servers given up" in printed.splitlines()
            async with asyncio.timeout(5):
                assert (await listener.next()).call_id == call_id
    assert (await env.call(call_id)).recording_state is RecordingState.FAILED


async def test_a_short_command_publishes_its_events_before_it_ends(valkey: PromptServer) -> None:
    hears, tells, event = (
        LiveEvents(valkey.url),
        LiveEvents(valkey.url),
        LiveEvent(new_id(), new_id(), Change.RECORDING),
    )
    async with hearing(hears):
        with hears.subscribe(event.account_id) as listener:
            async with tells.running():
                tells.publish(event)
                await tells.flush(5)
            async with asyncio.timeout(5):
                assert await listener.next() == event
