"""A database without the rows of a spooled recording, from an older dump or empty. No audio is deleted."""

import asyncio
import errno
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from app.accounts.model import Account
from app.calls.keys import claim_call_id
from app.calls.model import Call, CallDirection, CallKey, RecordingState
from app.foundation.encryption import CannotOpen
from app.foundation.identifiers import Kind, new_id, parse_sid, sid_of
from app.foundation.user_errors import UserErrors
from app.recording import lifecycle, lookup, processing, retry, upload_worker
from app.recording import set_aside as aside
from app.recording.metadata import StreamEnd
from app.recording.spool import SpooledRecording
from app.storage.model import AudioFormat, StoredCredential
from tests.recording.recorded import target_in
from tests.recording.test_lost import env, s3
from tests.recording.test_upload_worker import told_of
from tests.recording.upload_setup import UploadEnvironment, full_disk, noise
from tests.server.test_metrics import metrics, number
from tests.support.commands import ended, environment_of
from tests.support.installation import Person
from tests.support.servers.scripted_s3 import Request, ScriptedS3, error

__all__ = ["env", "s3"]

PCM = noise(32_000)


async def lose(call_id: UUID) -> None:
    """Like an older dump: no row, no id, no key."""
    await Call.filter(id=call_id).delete()
    await CallKey.filter(id=call_id).delete()
    await StoredCredential.all().delete()


async def lose_account(env: UploadEnvironment, call_id: UUID) -> None:
    """Like an empty database: the account is missing and was never deleted."""
    await lose(call_id)
    recording = env.spool.open(call_id)
    assert recording is not None
    metadata = replace(recording.metadata, account_id=new_id(), credential_id=new_id())
    env.spool.folder(call_id).joinpath("about.json").write_text(json.dumps(metadata.to_json()))
    recording.close()


def stored(s3: ScriptedS3) -> list[bytes]:
    return [body[44:] for body in s3.objects.values()]


async def test_a_missing_call_is_created_again_and_its_recording_stored(
    env: UploadEnvironment, s3: ScriptedS3, account_user: Person
) -> None:
    call_id = await env.recorded(PCM)
    before = await env.call(call_id)
    await lose(call_id)
    await env.scan()
    call = await env.call(call_id)
    assert (call.recording_state, call.recording_key) == (RecordingState.STORED, before.recording_key)
    assert (call.gateway_call_id, call.started_at) == (before.gateway_call_id, before.started_at)
    assert stored(s3) == [PCM]
    assert env.spool.call_ids() == []
    assert (await told_of(account_user, call_id))["state"] == "STORED"


async def test_facts_from_the_stream_are_restored_with_the_call(env: UploadEnvironment) -> None:
    call_id = await env.recorded(PCM)
    recording = env.spool.open(call_id)
    assert recording is not None
    said: dict[str, Any] = {
        "from_number": "+4930123456",
        "to_number": "+49301000",
        "trace_id": "4bf92f35",
        "application_id": new_id(),
    }
    metadata = replace(recording.metadata, direction=CallDirection.INBOUND, **said)
    env.spool.folder(call_id).joinpath("about.json").write_text(json.dumps(metadata.to_json()))
    recording.close()
    await lose(call_id)
    await env.scan()
    call = await env.call(call_id)
    assert {name: getattr(call, name) for name in said} == said
    assert call.direction is CallDirection.INBOUND


async def test_a_call_known_by_reports_only_gets_its_recording_back(env: UploadEnvironment, s3: ScriptedS3) -> None:
    """The dump is from between the report of the call and the beginning of its recording."""
    call_id = await env.recorded(PCM)
    places = {f"recording_{name}": None for name in ("key", "bucket", "region", "vendor", "format", "credential_id")}
    await Call.filter(id=call_id).update(recording_state=RecordingState.NONE, from_number="+4930", **places)
    await env.scan()
    call = await env.call(call_id)
    assert (call.recording_state, call.from_number) == (RecordingState.STORED, "+4930")
    assert stored(s3) == [PCM]


async def test_a_call_that_was_reported_again_keeps_its_new_id(env: UploadEnvironment, s3: ScriptedS3) -> None:
    call_id = await env.recorded(PCM)
    known = await env.call(call_id)
    await lose(call_id)
    again = await claim_call_id(env.account_id, known.gateway_call_id, new_id())
    await Call.create(
        id=again, account_id=env.account_id, gateway_call_id=known.gateway_call_id, started_at=known.started_at
    )
    await env.scan()
    await env.scan()
    call = await env.call(again)
    assert (call.recording_state, call.recording_key) == (RecordingState.STORED, known.recording_key)
    assert not await Call.filter(id=call_id).exists()
    assert (stored(s3), env.spool.call_ids()) == ([PCM], [])


async def test_a_row_lost_while_the_recording_waits_is_created_again_with_its_attempts(
    env: UploadEnvironment, s3: ScriptedS3
) -> None:
    s3.answers["put"] = error(503, "SlowDown")
    call_id = await env.recorded(PCM)
    for _ in range(3):
        await env.later(minutes=20)
    tries = (await env.call(call_id)).recording_attempts
    await lose(call_id)
    await env.scan()
    call = await env.call(call_id)
    assert (call.recording_state, call.recording_attempts) == (RecordingState.STORING, tries)
    s3.answers.clear()
    await env.later(hours=1)
    assert (await env.call(call_id)).recording_state is RecordingState.STORED


async def test_an_object_is_not_deleted_because_its_row_is_missing(env: UploadEnvironment, s3: ScriptedS3) -> None:
    call_id = await env.recorded(PCM)

    async def lose_during(request: Request, writer: asyncio.StreamWriter) -> None:
        await lose(call_id)
        await s3.send(s3.work(request), request, writer)

    s3.answers["put"] = lose_during
    await env.scan()
    s3.answers.clear()
    await env.later(seconds=1)
    assert "delete" not in s3.calls
    assert stored(s3) == [PCM]
    assert (await env.call(call_id)).recording_state is RecordingState.STORED
    assert env.spool.call_ids() == []


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Events that uploads log as errors."""
    found: list[str] = []
    log = SimpleNamespace(error=lambda event, **_: found.append(event), warning=lambda *_, **__: None)
    for module in (processing, upload_worker):
        monkeypatch.setattr(module, "_log", log)
    return found


async def test_a_disk_that_cannot_be_written_is_an_error_once_for_each_recording_and_counts_each_time(
    env: UploadEnvironment, admin: Person, monkeypatch: pytest.MonkeyPatch, errors: list[str]
) -> None:
    call_id = await env.recorded(PCM)
    await lose_account(env, call_id)
    count = 'vga_recording_upload_failures_total{code="disk"}'
    before = number((await metrics(admin)).text, count)

    def read_only(*_: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(SpooledRecording, "write_state", read_only)
    for _ in range(3):
        await env.later(minutes=1)
    assert errors == ["a recording cannot be stored"]
    assert number((await metrics(admin)).text, count) - before == 3
    assert env.spool.call_ids() == [call_id]


@pytest.mark.parametrize(
    "away", [ConnectionRefusedError(111, "refused"), OSError(errno.EHOSTUNREACH, "no route"), TimeoutError()]
)
async def test_a_database_outage_is_not_logged_as_a_disk_error(
    env: UploadEnvironment, monkeypatch: pytest.MonkeyPatch, errors: list[str], away: OSError
) -> None:
    await env.recorded(PCM)

    async def ask(*_: Any) -> None:
        raise away

    monkeypatch.setattr(processing, "_read_row", ask)
    await env.scan()
    assert errors == []


@pytest.mark.parametrize("has_sent", [True, False])
async def test_a_recording_of_an_unknown_account_is_set_aside_with_an_error_and_counts(
    env: UploadEnvironment, s3: ScriptedS3, admin: Person, errors: list[str], has_sent: bool
) -> None:
    call_id = await env.recorded(PCM)
    if has_sent:
        s3.answers["head"] = error(503, "SlowDown")
        await env.scan()
        await env.later(seconds=1)
    await lose_account(env, call_id)
    await env.later(minutes=2)
    assert (env.spool.call_ids(), env.spool.set_aside_ids()) == ([], [call_id])
    assert env.spool.set_aside_folder(call_id).joinpath("audio").read_bytes()[44:] == PCM
    assert len(s3.objects) == has_sent
    assert errors == ["recording set aside: see `python -m app spool`"]
    await env.scan()
    assert number((await metrics(admin)).text, "vga_recording_spool_set_aside") == 1


async def test_a_deleted_recording_stays_deleted_after_a_restore_of_the_database(
    env: UploadEnvironment, s3: ScriptedS3
) -> None:
    """Its object could not be deleted before a dump without the deletion was restored."""
    call_id = await env.recorded(PCM)
    s3.answers |= {"head": error(503, "SlowDown"), "delete": error(503, "SlowDown")}
    await env.scan()
    assert await lifecycle.mark_deleted(call_id, env.account_id)
    await env.later(minutes=30)
    await Call.filter(id=call_id).update(recording_state=RecordingState.STORING)
    s3.answers.clear()
    await env.later(hours=1)
    assert (s3.objects, env.spool.call_ids()) == ({}, [])
    assert (await env.call(call_id)).recording_state is RecordingState.DELETED


async def test_objects_of_a_deleted_account_stay_in_its_bucket(
    env: UploadEnvironment, s3: ScriptedS3, provider: Person
) -> None:
    call_id = await env.recorded(PCM)
    s3.answers["head"] = error(503, "SlowDown")
    await env.scan()
    assert len(s3.objects) == 1
    await provider.change("deleteAccount", "deletedId", id=env.installation.world["own"], force=True)
    await env.later(minutes=30)
    assert not await Account.filter(id=env.account_id).exists()
    assert (env.spool.call_ids(), env.spool.set_aside_ids()) == ([], [])
    assert "delete" not in s3.calls
    assert call_id.hex in next(iter(s3.objects))


async def test_an_account_that_moved_keeps_its_recordings(
    env: UploadEnvironment, s3: ScriptedS3, admin: Person
) -> None:
    call_id = await env.recorded(PCM)
    world = env.installation.world
    moved = await admin.change(
        "moveAccount", "account { id }", id=world["own"], serviceProviderId=world["other_provider"]
    )
    assert moved["userErrors"] == []
    await lose(call_id)
    await env.scan()
    assert (await env.call(call_id)).recording_state is RecordingState.STORED
    assert stored(s3) == [PCM]


async def test_a_call_beyond_the_retention_period_is_set_aside(env: UploadEnvironment) -> None:
    call_id = await env.recorded(PCM)
    await lose(call_id)
    await env.later(days=401)
    assert not await Call.filter(id=call_id).exists()
    assert env.spool.set_aside_ids() == [call_id]


async def begun_without_database(env: UploadEnvironment, call_id: UUID) -> None:
    """Begun during a database outage: there is no row, and the settings are cached ones."""
    await lose(call_id)
    path = env.spool.folder(call_id) / "about.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "without_database": True}))


async def test_a_recording_begun_without_the_database_is_stored_if_the_settings_still_record_it(
    env: UploadEnvironment, s3: ScriptedS3
) -> None:
    await env.record_all_calls()
    await begun_without_database(env, await env.recorded(PCM))
    await env.scan()
    assert (stored(s3), env.spool.call_ids(), env.spool.set_aside_ids()) == ([PCM], [], [])


async def test_a_recording_begun_without_the_database_is_set_aside_if_recording_is_disabled(
    env: UploadEnvironment, s3: ScriptedS3
) -> None:
    call_id = await env.recorded(PCM)
    await begun_without_database(env, call_id)
    await env.scan()
    assert (s3.requests, env.spool.set_aside_ids(), await Call.all().count()) == ([], [call_id], 0)
    assert "turn on `recordAllCalls`" in next(aside.list_set_aside(env.spool)).reason
    await adopted(env)
    assert (stored(s3), env.spool.set_aside_ids()) == ([PCM], [])


async def test_a_recording_begun_without_the_database_is_set_aside_if_its_account_is_suspended(
    env: UploadEnvironment, s3: ScriptedS3
) -> None:
    await env.record_all_calls()
    call_id = await env.recorded(PCM)
    await begun_without_database(env, call_id)
    await Account.filter(id=env.account_id).update(active=False)
    await env.scan()
    assert (s3.requests, env.spool.set_aside_ids()) == ([], [call_id])
    assert "the account is suspended" in next(aside.list_set_aside(env.spool)).reason


async def test_a_second_recording_of_a_call_is_set_aside(env: UploadEnvironment, s3: ScriptedS3) -> None:
    call_id = await env.recorded(PCM)
    known = await env.call(call_id)
    await lose(call_id)
    facts = lifecycle.CallFacts(env.account_id, known.gateway_call_id, datetime.now(UTC))
    target = target_in("calls")
    again = await lifecycle.begin(env.keyring, env.live, facts, target, AudioFormat.WAV)
    await env.scan()
    assert env.spool.set_aside_ids() == [call_id]
    assert (await env.call(again.id)).recording_state is RecordingState.RECORDING


async def test_audio_of_a_partial_object_is_set_aside(env: UploadEnvironment) -> None:
    """A retry on another machine has found an object that its storage has truncated."""
    call_id = await with_a_part_in_its_bucket(env)
    assert (env.spool.call_ids(), env.spool.set_aside_ids()) == ([], [call_id])


async def test_a_retry_of_a_recording_set_aside_names_the_command(env: UploadEnvironment, s3: ScriptedS3) -> None:
    s3.answers["put"] = error(503, "SlowDown")
    call_id = await env.recorded(PCM)
    await env.scan()
    env.spool.folder(call_id).joinpath("about.json").write_text("{")
    await env.later(minutes=5)
    call = sid_of(Kind.CALL, call_id)
    with pytest.raises(UserErrors) as refused:
        await retry.retry(env.context, call)
    (refusal,) = refused.value.errors
    assert (refusal.rule.name, refusal.message) == (
        "RECORDING_SET_ASIDE",
        f"The audio is set aside in this server's spool. For its operator: `python -m app spool --adopt {call}`.",
    )


async def test_a_retry_does_not_use_keys_that_cannot_be_decrypted(
    env: UploadEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_id = await env.recorded(PCM)
    recording = env.spool.open(call_id)
    assert recording is not None
    recording.remove()
    await lifecycle.mark_storing(env.live, call_id, env.account_id)

    async def cannot(*_: Any) -> None:
        raise CannotOpen("No key.")

    monkeypatch.setattr(lookup, "find_in_bucket", cannot)
    call = await retry.retry(env.context, sid_of(Kind.CALL, call_id))
    assert call.recording_state is RecordingState.STORING


# The command.


async def spool(env: UploadEnvironment, *options: str) -> tuple[int | None, str, str]:
    environment = environment_of(env.installation.settings, SPOOL_DIR=str(env.folder))
    status, printed, wrong = await ended(environment, "spool", *options)
    return status, printed, wrong.partition("\n")[2]


async def set_aside(env: UploadEnvironment) -> UUID:
    call_id = await env.recorded(PCM)
    await lose_account(env, call_id)
    await env.scan()
    return call_id


async def test_the_command_lists_set_aside_recordings_and_adopts_them_for_another_account(
    env: UploadEnvironment, s3: ScriptedS3
) -> None:
    assert await spool(env) == (0, "Nothing is set aside.\n", "")
    call_id = await set_aside(env)
    call, own = sid_of(Kind.CALL, call_id), env.installation.world["own"]
    status, printed, _ = await spool(env)
    assert (status, printed.count("\n")) == (0, 1)
    assert printed.startswith(f"{call}: account AC")
    assert "32044 bytes; this database does not know the account" in printed
    status, _, wrong = await spool(env, "--adopt", call)
    assert status == 1
    assert wrong.startswith("This database does not know the account AC")
    assert (await spool(env, "--adopt", call, "--account", own))[0] == 0
    await env.scan()
    assert (await env.call(call_id)).recording_state is RecordingState.STORED
    assert (stored(s3), env.spool.call_ids(), env.spool.set_aside_ids()) == ([PCM], [], [])


async def test_the_command_discards_a_recording_only_with_yes(env: UploadEnvironment) -> None:
    call_id = await set_aside(env)
    call = sid_of(Kind.CALL, call_id)
    status, _, wrong = await spool(env, "--discard", call)
    assert (status, env.spool.set_aside_ids()) == (1, [call_id])
    assert "This would delete it; there may be no other copy. To do it, add --yes." in wrong
    assert (await spool(env, "--discard", call, "--yes"))[:2] == (0, f"{call} is deleted.\n")
    assert env.spool.set_aside_ids() == []
    status, _, wrong = await spool(env, "--discard", call, "--yes")
    assert (status, wrong.startswith(f"No recording of a call {call} is set aside here.")) == (1, True)


async def test_the_command_lists_and_discards_unreadable_recordings(env: UploadEnvironment) -> None:
    call_id = await env.recorded(PCM)
    env.spool.folder(call_id).joinpath("about.json").write_text('{"call_id"')
    await env.scan()
    call = sid_of(Kind.CALL, call_id)
    assert "its about.json cannot be read" in (await spool(env))[1]
    status, _, wrong = await spool(env, "--adopt", call)
    assert (status, "repair the file first" in wrong) == (1, True)
    assert (await spool(env, "--discard", call, "--yes"))[0] == 0


async def adopted(env: UploadEnvironment, account_id: UUID | None = None) -> None:
    """Adopts all recordings that are set aside, and stores them as far as possible."""
    for one in aside.list_set_aside(env.spool):
        await aside.adopt(env.spool, one, account_id)
    await env.scan()
    await env.later(seconds=1)


async def test_a_call_beyond_the_retention_period_is_stored_when_adopted(
    env: UploadEnvironment, s3: ScriptedS3
) -> None:
    call_id = await env.recorded(PCM)
    await lose(call_id)
    await env.later(days=401)
    await adopted(env)
    assert (env.spool.call_ids(), env.spool.set_aside_ids(), stored(s3)) == ([], [], [PCM])
    assert (await env.call(call_id)).recording_state is RecordingState.STORED


async def with_a_part_in_its_bucket(env: UploadEnvironment) -> UUID:
    call_id = await env.recorded(PCM)
    found = {"recording_size_bytes": 20_000, "recording_duration_ms": 600}
    await Call.filter(id=call_id).update(recording_state=RecordingState.STORED, **found)
    await env.scan()
    assert env.spool.set_aside_ids() == [call_id]
    return call_id


async def test_adopting_a_recording_replaces_its_partial_object(env: UploadEnvironment, s3: ScriptedS3) -> None:
    call_id = await with_a_part_in_its_bucket(env)
    await adopted(env)
    assert (env.spool.call_ids(), env.spool.set_aside_ids(), stored(s3)) == ([], [], [PCM])
    call = await env.call(call_id)
    assert (call.recording_state, call.recording_size_bytes) == (RecordingState.STORED, 32_044)


async def test_a_recording_whose_call_has_another_recording_cannot_be_adopted(env: UploadEnvironment) -> None:
    call_id = await env.recorded(PCM)
    await recorded_again(env, call_id)
    await env.scan()
    with pytest.raises(aside.CannotAdopt, match=r"another recording in this database.*/audio"):
        await adopted(env)
    assert env.spool.set_aside_ids() == [call_id]
    assert next(aside.list_set_aside(env.spool)).reason == "the call has another recording in this database"


async def test_a_recording_is_not_adopted_for_another_account_than_that_of_its_call(
    env: UploadEnvironment, s3: ScriptedS3
) -> None:
    call_id = await with_a_part_in_its_bucket(env)
    world = env.installation.world
    with pytest.raises(aside.CannotAdopt, match=f"the account {world['own']}'s"):
        await adopted(env, UUID(str(parse_sid(Kind.ACCOUNT, world["sibling"]))))
    assert await Call.filter(id=call_id).count() == 1
    await Call.filter(id=call_id).delete()  # its CallKey exists, so a report would create the row again
    with pytest.raises(aside.CannotAdopt, match=f"the account {world['own']}'s"):
        await adopted(env, UUID(str(parse_sid(Kind.ACCOUNT, world["sibling"]))))


@pytest.mark.parametrize("has_failed", [False, True])
async def test_an_unreadable_recording_can_be_adopted_once_its_file_is_repaired(
    env: UploadEnvironment, s3: ScriptedS3, has_failed: bool
) -> None:
    call_id = await env.recorded(PCM)
    if has_failed:
        await lifecycle.mark_failed(env.live, call_id, env.account_id, {"message": "Refused."}, 6)
    metadata = env.spool.folder(call_id) / "about.json"
    whole = metadata.read_text()
    metadata.write_text('{"call_id"')
    await env.scan()
    # A newer version may have more fields.
    env.spool.set_aside_folder(call_id).joinpath("about.json").write_text(whole.replace("{", '{"more": 1, ', 1))
    await adopted(env)
    assert (env.spool.call_ids(), env.spool.set_aside_ids(), stored(s3)) == ([], [], [PCM])


async def test_recordings_set_aside_by_an_older_version_are_listed_counted_and_adopted(
    env: UploadEnvironment, s3: ScriptedS3, admin: Person
) -> None:
    call_id = await env.recorded(PCM)
    env.spool.folder(call_id).rename(env.folder / f".broken-{call_id.hex}")
    await env.scan()
    assert number((await metrics(admin)).text, "vga_recording_spool_set_aside") == 1
    await adopted(env)
    assert (env.spool.call_ids(), env.spool.set_aside_ids(), stored(s3)) == ([], [], [PCM])


async def test_adopting_on_a_full_disk_changes_nothing(env: UploadEnvironment) -> None:
    call_id = await set_aside(env)
    before = next(aside.list_set_aside(env.spool))
    with full_disk(env.folder), pytest.raises(aside.CannotAdopt, match="No space left"):
        await aside.adopt(env.spool, before, env.account_id)
    assert next(aside.list_set_aside(env.spool)) == before
    env.spool.folder(call_id).mkdir()
    with pytest.raises(aside.CannotAdopt, match="The spool has a recording of this call already"):
        await aside.adopt(env.spool, before, env.account_id)
    assert next(aside.list_set_aside(env.spool)) == before


async def test_the_command_adopts_all_recordings_that_can_be_adopted(env: UploadEnvironment, s3: ScriptedS3) -> None:
    await set_aside(env)
    unreadable = await env.recorded(noise(2_000))
    env.spool.folder(unreadable).joinpath("about.json").write_text("{")
    await env.scan()
    status, printed, wrong = await spool(env, "--adopt", "all", "--account", env.installation.world["own"])
    assert (status, printed.count("is back in the spool")) == (1, 1)
    assert wrong.startswith(f"{sid_of(Kind.CALL, unreadable)}: about.json cannot be read")
    await env.scan()
    assert (stored(s3), env.spool.set_aside_ids()) == ([PCM], [unreadable])


# Recordings that are already in their bucket.


@pytest.mark.parametrize("form", [AudioFormat.WAV, AudioFormat.MP3])
async def test_a_recording_in_its_bucket_is_not_failed_as_lost(
    env: UploadEnvironment, s3: ScriptedS3, form: AudioFormat
) -> None:
    call_id = await env.recorded(PCM, form)
    await env.scan()
    whole = await env.call(call_id)
    await as_in_an_older_dump(call_id, RecordingState.STORING)
    assert await lifecycle.fail_lost_recordings(env.live, datetime.now(UTC), env.find) == 0
    call = await env.call(call_id)
    assert (call.recording_state, call.recording_size_bytes) == (RecordingState.STORED, whole.recording_size_bytes)
    assert call.recording_duration_ms == whole.recording_duration_ms


async def as_in_an_older_dump(call_id: UUID, state: RecordingState, **more: Any) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    sizes = {"recording_size_bytes": None, "recording_duration_ms": None}
    await Call.filter(id=call_id).update(recording_state=state, updated_at=old, **sizes, **more)


async def test_an_unreachable_storage_is_asked_again_for_a_month(env: UploadEnvironment, s3: ScriptedS3) -> None:
    call_id = await env.recorded(PCM)
    await env.scan()
    await as_in_an_older_dump(call_id, RecordingState.RECORDING)
    s3.answers["head"] = error(503, "SlowDown")
    old = datetime(2020, 1, 1, tzinfo=UTC)
    assert await lifecycle.fail_lost_recordings(env.live, old.replace(day=30), env.find) == 0
    assert (await env.call(call_id)).recording_state is RecordingState.RECORDING
    assert await lifecycle.fail_lost_recordings(env.live, old.replace(month=3), env.find) == 1


async def test_a_failing_storage_is_asked_once_per_run(env: UploadEnvironment, s3: ScriptedS3) -> None:
    for _ in range(3):
        await as_in_an_older_dump(await env.recorded(PCM), RecordingState.RECORDING)
    s3.answers["head"] = error(503, "SlowDown")
    old = datetime(2020, 1, 1, tzinfo=UTC)
    assert await lifecycle.fail_lost_recordings(env.live, old.replace(day=30), env.find) == 0
    assert s3.calls.count("head") == 1
    assert await lifecycle.fail_lost_recordings(env.live, old.replace(month=3), env.find) == 3


async def test_a_retry_finds_a_recording_that_is_already_in_its_bucket(
    env: UploadEnvironment, account_user: Person, provider: Person
) -> None:
    call_id = await env.recorded(PCM)
    await env.scan()
    failed = {"code": "BUSY", "message": "Busy.", "advice": "Wait.", "spool": env.spool.id}
    await as_in_an_older_dump(call_id, RecordingState.FAILED, recording_error=failed)
    call = await retry.retry(env.context, sid_of(Kind.CALL, call_id))
    assert (call.recording_state, call.recording_size_bytes) == (RecordingState.STORED, 32_044)
    assert (await told_of(account_user, call_id))["error"] is None


async def test_an_object_that_may_exist_is_looked_up_before_another_upload(
    env: UploadEnvironment, s3: ScriptedS3
) -> None:
    call_id = await env.recorded(PCM)
    s3.answers["head"] = error(503, "SlowDown")
    await env.scan()
    s3.answers.clear()
    await env.later(minutes=1)
    assert s3.calls.count("put") == 1
    assert (await env.call(call_id)).recording_state is RecordingState.STORED


# Recordings without audio.


@pytest.mark.parametrize("form", [AudioFormat.WAV, AudioFormat.MP3])
async def test_a_stream_without_audio_leaves_no_recording_and_the_call_says_why(
    env: UploadEnvironment, s3: ScriptedS3, account_user: Person, form: AudioFormat
) -> None:
    call_id = await env.recorded(b"", form)
    await env.scan()
    shown = await told_of(account_user, call_id)
    assert (shown["state"], shown["error"]["code"]) == ("NONE", "NO_AUDIO")
    query = "query ($with: Boolean!) { recentCalls(filter: {hasRecording: $with}) { nodes { id } } }"
    found = {has: (await account_user.ask(query, **{"with": has})).data for has in (True, False)}
    assert {has: bool(answer["recentCalls"]["nodes"]) for has, answer in found.items()} == {True: False, False: True}
    assert (s3.requests, env.spool.call_ids()) == ([], [])
    call = await env.call(call_id)
    assert call.recording_error is not None
    assert "without sending any audio" in call.recording_error["message"]


@pytest.mark.parametrize("form", [AudioFormat.WAV, AudioFormat.MP3])
@pytest.mark.parametrize("how", ["killed", "disk full", "power failure"])
async def test_a_recording_whose_audio_this_server_lost_is_failed(
    env: UploadEnvironment, s3: ScriptedS3, account_user: Person, form: AudioFormat, how: str
) -> None:
    recording = await env.running(form)
    if how == "disk full":
        recording.finish(StreamEnd(datetime.now(UTC), 0, 0, is_cut=True))
    elif how == "power failure":
        recording.append(PCM)
        recording.finish(StreamEnd(datetime.now(UTC), 1_000, 8_000))
        recording.truncate(0)
    recording.close()
    call_id = recording.metadata.call_id
    await env.scan()
    assert (await told_of(account_user, call_id))["state"] == "FAILED"
    error = (await env.call(call_id)).recording_error
    assert error is not None
    assert "lost on this server" in error["message"]
    assert (s3.requests, env.spool.call_ids()) == ([], [])
    with pytest.raises(UserErrors) as refused:
        await retry.retry(env.context, sid_of(Kind.CALL, call_id))
    (refusal,) = refused.value.errors
    assert (refusal.rule.name, refusal.message) == (
        "RECORDING_LOST",
        "This server's spool no longer has the audio: there is nothing left to store.",
    )


async def test_a_recording_without_audio_creates_no_missing_rows(env: UploadEnvironment, s3: ScriptedS3) -> None:
    call_id = await env.recorded(b"")
    await lose(call_id)
    await env.scan()
    assert (env.spool.call_ids(), await Call.all().count(), s3.requests) == ([], 0, [])


# Two servers, each with a recording of the same call.


async def as_only_reported(call_id: UUID) -> str:
    """The row of a call whose recording began after the dump; returns the gateway's id of the call."""
    places = {f"recording_{name}": None for name in ("key", "bucket", "region", "vendor", "format", "credential_id")}
    await Call.filter(id=call_id).update(recording_state=RecordingState.NONE, **places)
    return (await Call.get(id=call_id)).gateway_call_id


async def recorded_again(env: UploadEnvironment, call_id: UUID) -> str | None:
    """The gateway streams the call to another server; returns the key of that recording."""
    facts = lifecycle.CallFacts(env.account_id, await as_only_reported(call_id), datetime.now(UTC))
    again = await lifecycle.begin(env.keyring, env.live, facts, target_in("calls"), AudioFormat.WAV)
    assert again.id == call_id
    return again.recording_key


async def test_two_recordings_of_a_call_have_two_objects(env: UploadEnvironment) -> None:
    call_id = await env.recorded(PCM)
    first = (await env.call(call_id)).recording_key
    assert await recorded_again(env, call_id) != first


@pytest.mark.parametrize("pcm", [PCM, b""])
async def test_a_call_recorded_by_another_server_is_left_to_that_server(
    env: UploadEnvironment, s3: ScriptedS3, pcm: bytes
) -> None:
    call_id = await env.recorded(pcm)
    key = await recorded_again(env, call_id)
    await env.scan()
    assert (env.spool.call_ids(), env.spool.set_aside_ids(), s3.requests) == ([], [call_id], [])
    call = await env.call(call_id)
    assert (call.recording_state, call.recording_key) == (RecordingState.RECORDING, key)


async def test_a_call_recorded_by_another_server_since_the_upload_began_is_left_to_that_server(
    env: UploadEnvironment, s3: ScriptedS3
) -> None:
    call_id = await env.recorded(PCM)

    async def record_during(request: Request, writer: asyncio.StreamWriter) -> None:
        await recorded_again(env, call_id)
        await s3.send(s3.work(request), request, writer)

    s3.answers["put"] = record_during
    await env.scan()
    await env.later(seconds=1)
    assert env.spool.set_aside_ids() == [call_id]
    assert (await env.call(call_id)).recording_state is RecordingState.RECORDING


async def test_deleting_a_recording_keeps_another_recording_of_its_call(env: UploadEnvironment, s3: ScriptedS3) -> None:
    call_id = await env.recorded(PCM)
    s3.answers |= {"head": error(503, "SlowDown"), "delete": error(503, "SlowDown")}
    await env.scan()
    assert await lifecycle.mark_deleted(call_id, env.account_id)
    await env.later(minutes=30)
    key = await recorded_again(env, call_id)
    s3.answers.clear()
    await env.later(hours=1)
    assert (s3.objects, env.spool.call_ids()) == ({}, [])
    call = await env.call(call_id)
    assert (call.recording_state, call.recording_key) == (RecordingState.RECORDING, key)
