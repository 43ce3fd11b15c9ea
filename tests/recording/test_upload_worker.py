"""Uploads from the spool to a real S3 server: in one request or in parts, with tags, with retries, never partially."""

import asyncio
import errno
import io
import os
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.calls.model import Call, RecordingState
from app.demo.local_s3 import LocalS3
from app.foundation.identifiers import Kind, sid_of
from app.foundation.outbound.failure_kind import FailureKind
from app.foundation.user_errors import UserErrorCode, UserErrors
from app.recording import backoff, lifecycle, retry, upload_worker
from app.recording.backoff import UploadFault
from app.storage import uploads
from app.storage.failures import StorageFailure
from app.storage.model import AudioFormat, RecordingConfig, StorageStatus, StoredCredential
from app.storage.s3 import ObjectStorage
from tests.recording.upload_setup import TAGS, UploadEnvironment, full_disk, noise, open_environment, pcm_of, s3_client
from tests.server.test_metrics import metrics, number
from tests.support.installation import Installation, Person
from tests.support.servers.fixtures import EARLY, RECORDER
from tests.support.servers.scripted_s3 import Answer, Request, ScriptedS3, error, reset
from tests.support.waiting import until

PART = uploads.PART_BYTES
LARGE = 2 * PART + 100_000


@pytest.fixture
async def env(
    installation: Installation, tmp_path: Path, local_s3: LocalS3, storage: ObjectStorage
) -> AsyncIterator[UploadEnvironment]:
    """Uploads to the real server, to the bucket `calls`."""
    async with open_environment(installation, tmp_path / "rooms-spool", storage) as env:
        await env.configure(local_s3.endpoint)
        yield env


@pytest.fixture
def s3(local_s3: LocalS3) -> Iterator[Any]:
    """The content of the bucket; each test leaves whole objects only."""
    client = s3_client(local_s3)
    yield client
    assert client.list_multipart_uploads(Bucket="calls").get("Uploads", []) == []
    for each in client.list_objects_v2(Bucket="calls").get("Contents", []):
        client.delete_object(Bucket="calls", Key=each["Key"])


def content(s3: Any, key: str | None) -> bytes:
    found: bytes = s3.get_object(Bucket="calls", Key=key)["Body"].read()
    return found


def keys(s3: Any) -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket="calls").get("Contents", [])]


async def test_a_short_recording_is_stored_with_one_request_with_tags_and_type(
    env: UploadEnvironment, s3: Any, tmp_path: Path
) -> None:
    pcm = noise(320_000)
    call_id = await env.recorded(pcm)
    with env.told() as told:
        await env.scan()
    call = await env.call(call_id)
    assert (call.recording_state, call.recording_size_bytes, call.recording_duration_ms) == (
        RecordingState.STORED,
        320_044,
        10_000,
    )
    assert told == ["recording", "recording"]
    (tmp_path / "heard.wav").write_bytes(content(s3, call.recording_key))
    assert pcm_of(tmp_path / "heard.wav") == (pcm, 10_000)
    assert s3.head_object(Bucket="calls", Key=call.recording_key)["ContentType"] == "audio/wav"
    tags = s3.get_object_tagging(Bucket="calls", Key=call.recording_key)["TagSet"]
    assert sorted((tag["Key"], tag["Value"]) for tag in tags) == sorted((tag.name, tag.value) for tag in TAGS)
    assert env.spool.call_ids() == []
    assert env.spool.size_bytes() == 0


@pytest.mark.parametrize("form", [AudioFormat.WAV, AudioFormat.MP3])
async def test_a_long_recording_is_stored_in_parts_with_tags_and_type(
    env: UploadEnvironment, s3: Any, form: AudioFormat
) -> None:
    call_id = await env.recorded(noise(LARGE), form)
    await env.scan()
    call = await env.call(call_id)
    assert call.recording_state is RecordingState.STORED
    stored = content(s3, call.recording_key)
    assert stored.endswith(noise(LARGE))
    assert len(stored) == call.recording_size_bytes
    head = s3.head_object(Bucket="calls", Key=call.recording_key)
    assert head["ContentType"] == ("audio/wav" if form is AudioFormat.WAV else "audio/mpeg")
    assert head["ETag"].strip('"').endswith("-3")
    assert len(s3.get_object_tagging(Bucket="calls", Key=call.recording_key)["TagSet"]) == len(TAGS)


async def test_parts_of_a_running_call_are_uploaded_early_and_the_first_of_a_wav_last(
    env: UploadEnvironment, s3: Any, tmp_path: Path
) -> None:
    pcm = noise(3 * PART)
    recording = await env.running()
    sent: list[tuple[int, ...]] = []
    for begin in range(0, len(pcm), PART):
        recording.append(pcm[begin : begin + PART])
        env.worker.on_append(recording)
        await env.worker.wait_until_idle()
        early = env.worker._early_uploads.get(recording.metadata.call_id)
        sent.append(tuple(early.upload.etags) if early and early.upload else ())
    assert sent == [(), (2,), (2, 3)]
    recording.append(pcm[:1000])
    env.end(recording)
    env.worker.on_end(recording)
    await env.worker.wait_until_idle()
    call = await env.call(recording.metadata.call_id)
    assert call.recording_state is RecordingState.STORED
    (tmp_path / "heard.wav").write_bytes(content(s3, call.recording_key))
    assert pcm_of(tmp_path / "heard.wav")[0] == pcm + pcm[:1000]
    assert env.spool.call_ids() == []


async def test_an_upload_of_a_killed_process_is_aborted_and_the_whole_file_stored(
    env: UploadEnvironment, s3: Any, tmp_path: Path
) -> None:
    pcm = noise(2 * PART + 3)
    recording = await env.running()
    recording.append(pcm)
    env.worker.on_append(recording)
    await env.worker.wait_until_idle()
    assert len(s3.list_multipart_uploads(Bucket="calls")["Uploads"]) == 1
    recording.close()  # the kernel releases the locks of a dead process
    await env.scan(env.another_worker())
    call = await env.call(recording.metadata.call_id)
    assert call.recording_state is RecordingState.STORED
    (tmp_path / "heard.wav").write_bytes(content(s3, call.recording_key))
    heard, duration_ms = pcm_of(tmp_path / "heard.wav")
    assert heard == pcm[: len(pcm) // 4 * 4]
    assert call.recording_duration_ms == duration_ms == len(heard) // 32


async def test_an_upload_whose_id_was_lost_is_found_and_aborted(env: UploadEnvironment, s3: Any) -> None:
    call_id = await env.recorded(noise(LARGE))
    recording = env.spool.open(call_id)
    assert recording is not None
    recording.write_state({"is_beginning": True})
    s3.create_multipart_upload(Bucket="calls", Key=recording.metadata.key)
    recording.close()
    await env.scan()
    assert (await env.call(call_id)).recording_state is RecordingState.STORED
    assert s3.list_multipart_uploads(Bucket="calls").get("Uploads", []) == []


async def test_a_recording_locked_by_another_process_is_skipped(env: UploadEnvironment, s3: Any) -> None:
    recording = await env.running()
    recording.append(noise(32_000))
    await env.scan()
    assert (await env.call(recording.metadata.call_id)).recording_state is RecordingState.RECORDING
    recording.close()
    await env.scan()
    assert (await env.call(recording.metadata.call_id)).recording_state is RecordingState.STORED


@pytest.mark.parametrize("size", [320_000, LARGE])
@pytest.mark.parametrize("ended", [True, False])
async def test_recordings_on_a_full_disk_are_stored_and_removed(
    env: UploadEnvironment, s3: Any, size: int, ended: bool
) -> None:
    call_id = await env.recorded(noise(size), ended=ended)
    with full_disk(env.folder):
        await env.scan()
    assert (await env.call(call_id)).recording_state is RecordingState.STORED
    assert env.spool.call_ids() == []


async def test_delays_grow_and_end_on_a_full_disk(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    s3.answers["put"] = error(403, "AccessDenied")
    call_id = await env.recorded(noise(320_000))
    with full_disk(env.folder):
        for _ in backoff.DELAYS:
            await env.later(hours=1)
    assert (await env.call(call_id)).recording_state is RecordingState.FAILED


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.EMFILE, "Raise the limit of open files"),
        (errno.EIO, "Check the disk of this server's spool."),
    ],
)
async def test_a_recording_that_cannot_be_read_reports_the_cause(
    env: UploadEnvironment, monkeypatch: pytest.MonkeyPatch, code: int, advice: str
) -> None:
    call_id = await env.recorded(noise(32_000))

    def refuse(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(uploads, "_Piece", refuse)
        await env.scan()
    error = (await env.call(call_id)).recording_error
    assert error is not None
    assert error["message"] == f"This server could not read the recording from its spool: {os.strerror(code)}."
    assert advice in error["advice"]


async def test_a_busy_storage_is_retried_for_a_day(scripted: tuple[UploadEnvironment, ScriptedS3]) -> None:
    env, s3 = scripted
    s3.answers["put"] = error(503, "SlowDown")
    call_id = await env.recorded(noise(32_000))
    begun, tries = env.time, 0
    await env.scan()
    while (call := await env.call(call_id)).recording_state is not RecordingState.FAILED:
        assert call.recording_state is RecordingState.STORING
        assert tries < 60, "it never ends"
        tries += 1
        await env.later(seconds=1)  # not due yet: no request is made
        assert s3.calls.count("put") == call.recording_attempts
        await env.later(hours=1, minutes=13)
    assert timedelta(hours=22) <= env.time - begun <= timedelta(hours=26)
    assert call.recording_error is not None
    told = {name: call.recording_error[name] for name in ("code", "s3_code", "http_status", "message")}
    assert told == {
        "code": "BUSY",
        "s3_code": "SlowDown",
        "http_status": 503,
        "message": "The storage answered SlowDown (HTTP 503).",
    }
    assert "overloaded" in call.recording_error["advice"]
    assert env.spool.call_ids() == [call_id]


async def test_a_waiting_recording_says_why_and_until_when(
    scripted: tuple[UploadEnvironment, ScriptedS3], account_user: Person
) -> None:
    env, s3 = scripted
    s3.answers["put"] = error(403, "AccessDenied")
    call_id = await env.recorded(noise(32_000))
    with env.told() as told:
        await env.scan()
    assert told == ["recording", "call"], "events: the upload has begun, and it has to wait"
    waiting = await told_of(account_user, call_id)
    assert (waiting["state"], waiting["error"]["code"]) == ("STORING", "ACCESS_DENIED")
    assert waiting["error"]["s3Code"] == "AccessDenied"
    assert "extend its policy" in waiting["error"]["advice"]
    wait = datetime.fromisoformat(waiting["error"]["nextTryAt"]) - datetime.fromisoformat(waiting["error"]["at"])
    assert 0.8 * backoff.DELAYS[0] <= wait <= 1.2 * backoff.DELAYS[0]
    for _ in backoff.DELAYS:
        await env.later(hours=1)
    failed = await told_of(account_user, call_id)
    assert (failed["state"], failed["error"]["code"], failed["error"]["nextTryAt"]) == ("FAILED", "ACCESS_DENIED", None)


async def told_of(person: Person, call_id: UUID) -> Any:
    query = "query ($id: ID!) { node(id: $id) { ... on Call { recording { state error { code s3Code advice at nextTryAt } } } } }"
    answer = await person.ask(query, id=sid_of(Kind.CALL, call_id))
    return answer.data["node"]["recording"]


async def test_invented_error_codes_do_not_add_metric_labels(
    scripted: tuple[UploadEnvironment, ScriptedS3], admin: Person
) -> None:
    env, s3 = scripted
    other, known = (f'vga_recording_upload_failures_total{{code="{code}"}}' for code in ("other", "SlowDown"))
    before = (await metrics(admin)).text
    for code in ("MadeUpOnce", "MadeUpTwice", "SlowDown"):
        s3.answers["put"] = error(503, code)
        await env.recorded(noise(1_000))
        await env.scan()
    told = (await metrics(admin)).text
    assert "MadeUp" not in told
    assert number(told, other) - number(before, other) == 2
    assert number(told, known) - number(before, known) == 1


async def test_delays_grow_until_a_success(scripted: tuple[UploadEnvironment, ScriptedS3]) -> None:
    env, s3 = scripted
    s3.answers["put"] = error(500, "InternalError")
    call_id = await env.recorded(noise(32_000))
    await env.scan()
    waits = []
    for _ in range(3):
        before, tried = env.time, s3.calls.count("put")
        while s3.calls.count("put") == tried:
            await env.later(seconds=1)
        waits.append((env.time - before).total_seconds())
    for wait, planned in zip(waits, backoff.DELAYS, strict=False):
        assert 0.8 * planned.total_seconds() <= wait <= 1.2 * planned.total_seconds() + 1
    s3.answers.clear()
    await env.later(minutes=6)
    call = await env.call(call_id)
    assert (call.recording_state, call.recording_error) == (RecordingState.STORED, None)
    assert s3.objects["/calls/" + str(call.recording_key)].endswith(noise(32_000))


async def test_delays_continue_after_a_restart(scripted: tuple[UploadEnvironment, ScriptedS3]) -> None:
    env, s3 = scripted
    s3.answers["put"] = error(503, "SlowDown")
    await env.recorded(noise(32_000))
    await env.scan()
    await env.scan(env.another_worker())
    assert s3.calls.count("put") == 1
    env.time += timedelta(seconds=7)
    await env.scan(env.another_worker())
    assert s3.calls.count("put") == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (error(404, "NoSuchBucket"), "There is no bucket with this name"),
        (error(403, "AccessDenied"), "extend its policy"),
        (error(403, "InvalidAccessKeyId"), "does not know this access key ID"),
        (error(403, "SignatureDoesNotMatch"), "enter the secret again"),
        (error(301, "PermanentRedirect", headers={"x-amz-bucket-region": "eu-west-1"}), "choose eu-west-1"),
    ],
)
async def test_a_permanent_fault_fails_within_half_an_hour_with_advice(
    scripted: tuple[UploadEnvironment, ScriptedS3], answer: Answer, words: str
) -> None:
    env, s3 = scripted
    s3.answers["put"] = answer
    call_id = await env.recorded(noise(32_000))
    with env.told() as told:
        await env.scan()
        for _ in range(len(backoff.DELAYS) - 1):
            assert (await env.call(call_id)).recording_state is RecordingState.STORING
            await env.later(minutes=19)
    call = await env.call(call_id)
    assert call.recording_state is RecordingState.FAILED
    assert call.recording_error is not None
    assert words in call.recording_error["advice"]
    assert told[-1] == "recording"
    config = await RecordingConfig.get(account_id=env.account_id)
    assert config.storage_status is StorageStatus.FAILING
    assert config.storage_status_since is not None


async def test_a_failure_does_not_affect_a_configuration_for_another_bucket(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    s3.answers["put"] = error(404, "NoSuchBucket")
    call_id = await env.recorded(noise(32_000))
    await env.configure(s3.endpoint, bucket_name="other-calls")
    for _ in backoff.DELAYS:
        await env.later(hours=1)
    assert (await env.call(call_id)).recording_state is RecordingState.FAILED
    config = await RecordingConfig.get(account_id=env.account_id)
    assert config.storage_status is StorageStatus.UNVERIFIED


async def test_a_successful_retry_marks_the_storage_as_working(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    s3.answers["put"] = error(404, "NoSuchBucket")
    call_id = await env.recorded(noise(32_000))
    for _ in backoff.DELAYS:
        await env.later(hours=1)
    tried = s3.calls.count("put")
    await env.later(hours=48)
    assert s3.calls.count("put") == tried, "a permanent failure is not retried"
    s3.answers.clear()
    asked = await retry.retry(env.context, sid_of(Kind.CALL, call_id))
    assert (asked.recording_state, asked.recording_error) == (RecordingState.STORING, None)
    await env.scan()
    assert (await env.call(call_id)).recording_state is RecordingState.STORED
    assert (await RecordingConfig.get(account_id=env.account_id)).storage_status is StorageStatus.WORKING
    assert env.spool.call_ids() == []


async def test_a_retry_resets_the_attempts_in_any_process(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    s3.answers["put"] = error(404, "NoSuchBucket")
    call_id = await env.recorded(noise(32_000))
    for _ in backoff.DELAYS:
        await env.later(hours=1)
    await retry.retry(env.context, sid_of(Kind.CALL, call_id))
    await env.scan(env.another_worker())
    call = await env.call(call_id)
    assert (call.recording_state, call.recording_attempts) == (RecordingState.STORING, 1)


async def test_a_retry_of_a_waiting_recording_starts_at_once(scripted: tuple[UploadEnvironment, ScriptedS3]) -> None:
    env, s3 = scripted
    s3.answers["put"] = error(503, "SlowDown")
    call_id = await env.recorded(noise(32_000))
    for _ in range(5):
        await env.later(minutes=20)
    s3.answers.clear()
    await env.later(seconds=1)
    assert (await env.call(call_id)).recording_state is RecordingState.STORING
    await retry.retry(env.context, sid_of(Kind.CALL, call_id))
    await env.scan()
    assert (await env.call(call_id)).recording_state is RecordingState.STORED


async def test_a_retry_without_the_audio_is_refused(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    s3.answers["put"] = error(404, "NoSuchBucket")
    call_id = await env.recorded(noise(32_000))
    for _ in backoff.DELAYS:
        await env.later(hours=1)
    recording = env.spool.open(call_id)
    assert recording is not None
    recording.remove()
    with pytest.raises(UserErrors, match="This server's spool no longer has the audio"):
        await retry.retry(env.context, sid_of(Kind.CALL, call_id))
    assert (await env.call(call_id)).recording_state is RecordingState.FAILED


@pytest.mark.parametrize("state", [RecordingState.RECORDING, RecordingState.STORED, RecordingState.DELETED])
async def test_only_failed_or_waiting_recordings_can_be_retried(
    scripted: tuple[UploadEnvironment, ScriptedS3], state: RecordingState
) -> None:
    env, _ = scripted
    call_id = await env.recorded(noise(32_000))
    await Call.filter(id=call_id).update(
        recording_state=state, recording_size_bytes=32_044, recording_duration_ms=1_000
    )
    with pytest.raises(UserErrors) as refused:
        await retry.retry(env.context, sid_of(Kind.CALL, call_id))
    assert refused.value.errors[0].code is UserErrorCode.CONFLICT
    assert (await env.call(call_id)).recording_state is state


async def test_newer_keys_of_the_same_bucket_are_tried_and_saved(
    env: UploadEnvironment, s3: Any, local_s3: LocalS3
) -> None:
    await env.configure(local_s3.endpoint, access_key_id=EARLY.access_key_id, secret_access_key=EARLY.secret_access_key)
    call_id = await env.recorded(noise(32_000))
    await env.scan()
    call = await env.call(call_id)
    assert (call.recording_state, call.recording_attempts) == (RecordingState.STORING, 1)
    await env.configure(local_s3.endpoint)
    await env.later(minutes=1)
    call = await env.call(call_id)
    assert call.recording_state is RecordingState.STORED
    kept = await StoredCredential.get(id=call.recording_credential_id)
    assert kept.access_key_id == RECORDER.access_key_id


async def test_keys_for_another_server_are_never_used(scripted: tuple[UploadEnvironment, ScriptedS3]) -> None:
    env, s3 = scripted
    s3.answers["put"] = error(403, "AccessDenied")
    await env.recorded(noise(32_000))
    async with ScriptedS3() as other:
        await env.configure(other.endpoint, access_key_id="otherkey", secret_access_key="othersecret")
        await env.scan()
        assert other.requests == []
    assert s3.calls.count("put") == 1


@pytest.mark.parametrize("part", [1, 2, 3])
async def test_a_failed_part_aborts_the_upload(scripted: tuple[UploadEnvironment, ScriptedS3], part: int) -> None:
    env, s3 = scripted

    def refuse(request: Request) -> Answer | None:
        return error(503, "SlowDown") if request.query.get("partNumber") == str(part) else None

    s3.answers["put"] = refuse
    call_id = await env.recorded(noise(LARGE))
    await env.scan()
    assert s3.calls == ["create", *(["put"] * part), "abort"]
    assert s3.uploads == {}
    assert (await env.call(call_id)).recording_state is RecordingState.STORING


async def test_an_upload_that_could_not_be_aborted_is_aborted_at_the_next_attempt(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    s3.answers["put"] = s3.answers["abort"] = error(503, "SlowDown")
    await env.recorded(noise(LARGE))
    await env.scan()
    assert len(s3.uploads) == 1
    del s3.answers["abort"]
    await env.later(seconds=10)
    assert s3.calls[-4:] == ["abort", "create", "put", "abort"]
    assert s3.uploads == {}


async def test_an_error_in_a_response_of_status_200_is_an_error(scripted: tuple[UploadEnvironment, ScriptedS3]) -> None:
    env, s3 = scripted

    def refuse(request: Request) -> Answer | None:
        if "uploadId" not in request.query:
            return None
        return Answer(200, error(500, "InternalError").body, {"Content-Type": "application/xml"})

    s3.answers["create"] = refuse
    call_id = await env.recorded(noise(LARGE))
    await env.scan()
    call = await env.call(call_id)
    assert (call.recording_state, call.recording_attempts) == (RecordingState.STORING, 1)
    assert s3.uploads == {}


async def test_an_object_smaller_than_the_upload_is_a_fault(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    s3.answers["head"] = Answer(200, b"", {"x-unused": ""})  # no length: 0 bytes
    call_id = await env.recorded(noise(32_000))
    await env.scan()
    call = await env.call(call_id)
    assert call.recording_state is RecordingState.STORING
    assert call.recording_error is not None
    assert call.recording_error["message"] == "The storage took 32044 bytes and holds 0."


async def test_storing_needs_no_permission_to_read(scripted: tuple[UploadEnvironment, ScriptedS3]) -> None:
    env, s3 = scripted
    s3.answers["head"] = error(403, "AccessDenied")
    call_id = await env.recorded(noise(LARGE))
    await env.scan()
    assert (await env.call(call_id)).recording_state is RecordingState.STORED


async def test_every_body_carries_its_md5(scripted: tuple[UploadEnvironment, ScriptedS3]) -> None:
    env, s3 = scripted
    await env.recorded(noise(LARGE))
    await env.recorded(noise(1000))
    await env.scan()
    puts = [request for request in s3.requests if request.call == "put"]
    assert len(puts) == 4
    for request in puts:
        assert request.headers["content-md5"] == uploads._md5(_in_memory(request.body))


def _in_memory(body: bytes) -> Any:
    return io.BytesIO(body)


async def test_a_recording_deleted_while_it_waits_leaves_nothing(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    s3.answers["put"] = error(503, "SlowDown")
    call_id = await env.recorded(noise(32_000))
    await env.scan()
    await Call.filter(id=call_id).update(recording_state=RecordingState.DELETED)
    await env.scan()
    assert env.spool.call_ids() == []
    assert s3.calls.count("put") == 1
    assert (await env.call(call_id)).recording_state is RecordingState.DELETED


async def test_a_recording_deleted_during_its_upload_is_deleted_in_the_bucket(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    call_id = await env.recorded(noise(32_000))

    async def delete_during(request: Request, writer: asyncio.StreamWriter) -> None:
        await Call.filter(id=call_id).update(recording_state=RecordingState.DELETED)
        await s3.send(s3.work(request), request, writer)

    s3.answers["put"] = delete_during
    await env.scan()
    assert s3.objects == {}
    assert s3.calls[-1] == "delete"
    assert env.spool.call_ids() == []
    assert (await env.call(call_id)).recording_state is RecordingState.DELETED


async def test_a_deletion_aborts_the_multipart_upload(env: UploadEnvironment, s3: Any) -> None:
    recording = await env.running()
    recording.append(noise(LARGE))
    env.worker.on_append(recording)
    await env.worker.wait_until_idle()
    assert len(s3.list_multipart_uploads(Bucket="calls")["Uploads"]) == 1
    await Call.filter(id=recording.metadata.call_id).update(recording_state=RecordingState.DELETED)
    env.end(recording)
    env.worker.on_end(recording)
    await env.worker.wait_until_idle()
    assert env.spool.call_ids() == []
    assert keys(s3) == []


async def test_deleting_an_account_removes_its_recordings_and_uploads(
    env: UploadEnvironment, s3: Any, provider: Person
) -> None:
    recording = await env.running()
    recording.append(noise(LARGE))
    env.worker.on_append(recording)
    await env.worker.wait_until_idle()
    deleted = await provider.change("deleteAccount", "deletedId", id=env.installation.world["own"], force=True)
    assert deleted["deletedId"]
    env.end(recording)
    env.worker.on_end(recording)
    await env.worker.wait_until_idle()
    assert (env.spool.call_ids(), env.spool.set_aside_ids()) == ([], [])


async def test_a_recording_already_stored_is_only_removed_from_the_spool(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    call_id = await env.recorded(noise(32_000))
    await Call.filter(id=call_id).update(
        recording_state=RecordingState.STORED, recording_size_bytes=32_044, recording_duration_ms=1_000
    )
    await env.scan()
    assert env.spool.call_ids() == []
    assert s3.requests == []


async def test_a_recording_uploaded_before_a_database_outage_is_not_uploaded_twice(
    scripted: tuple[UploadEnvironment, ScriptedS3], monkeypatch: pytest.MonkeyPatch
) -> None:
    env, s3 = scripted
    call_id = await env.recorded(noise(32_000))

    async def away(*_: Any) -> bool:
        raise ConnectionRefusedError

    def length(request: Request) -> Answer | None:
        body = s3.objects.get(request.path)
        return Answer(200, body) if body is not None else error(404, "NotFound")

    s3.answers["head"] = length
    with monkeypatch.context() as patch:
        patch.setattr("app.recording.lifecycle.mark_stored", away)
        await env.scan()
    call = await env.call(call_id)
    assert (call.recording_state, call.recording_attempts) == (RecordingState.STORING, 0)
    await env.scan()
    assert s3.calls.count("put") == 1, "it is not due yet"
    await env.later(seconds=16)
    assert (await env.call(call_id)).recording_state is RecordingState.STORED
    assert s3.calls.count("put") == 1


async def test_a_hanging_storage_does_not_delay_other_accounts(scripted: tuple[UploadEnvironment, ScriptedS3]) -> None:
    env, s3 = scripted
    going, busy = asyncio.Event(), 0

    async def hang(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal busy
        busy += 1
        await going.wait()
        await s3.send(s3.work(request), request, writer)

    s3.answers["put"] = hang
    for _ in range(20):
        await env.recorded(noise(1000))
    looking = asyncio.create_task(env.scan())
    await until(lambda: busy >= 8 and len(env.worker._owner_slots[env.account_id]._waiters or ()) == 12)
    assert busy == 8
    going.set()
    await looking
    assert await Call.filter(recording_state=RecordingState.STORED).count() == 20


async def test_a_hanging_storage_with_many_recordings_does_not_delay_other_accounts(
    scripted: tuple[UploadEnvironment, ScriptedS3], monkeypatch: pytest.MonkeyPatch
) -> None:
    env, s3 = scripted
    monkeypatch.setattr(upload_worker, "_MAX_ACQUIRED", 16)
    monkeypatch.setattr(upload_worker, "_MAX_ACQUIRED_PER_OWNER", (9, 16))
    monkeypatch.setattr(upload_worker, "SCAN_EVERY_SECONDS", 0.2)
    going = asyncio.Event()

    async def hang(request: Request, writer: asyncio.StreamWriter) -> None:
        if not request.path.startswith("/other"):
            await going.wait()
        await s3.send(s3.work(request), request, writer)

    s3.answers["put"] = hang
    for _ in range(20):
        await env.recorded(noise(1000))
    other = await env.of_another_account(s3.endpoint, bucket="other")
    async with env.worker.running():
        await until(lambda: not env.spool.has(other))
        going.set()
        await until(lambda: not env.spool.call_ids())
    assert await Call.filter(recording_state=RecordingState.STORED).count() == 21


async def test_hanging_storages_of_one_provider_do_not_delay_other_providers(
    scripted: tuple[UploadEnvironment, ScriptedS3], monkeypatch: pytest.MonkeyPatch
) -> None:
    env, s3 = scripted
    monkeypatch.setattr(upload_worker, "MAX_UPLOADS", 6)
    monkeypatch.setattr(upload_worker, "MAX_UPLOADS_PER_OWNER", (3, 4))
    monkeypatch.setattr(upload_worker, "_MAX_ACQUIRED", 10)
    monkeypatch.setattr(upload_worker, "_MAX_ACQUIRED_PER_OWNER", (9, 9))
    monkeypatch.setattr(upload_worker, "SCAN_EVERY_SECONDS", 0.2)
    going, most, busy = asyncio.Event(), 0, 0

    async def hang(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal most, busy
        if not request.path.startswith("/foreign"):
            most, busy = max(most, busy + 1), busy + 1
            await going.wait()
            busy -= 1
        await s3.send(s3.work(request), request, writer)

    s3.answers["put"] = hang
    for _ in range(6):
        await env.recorded(noise(1000))
        await env.of_another_account(s3.endpoint, bucket="sibling")
    foreign = await env.of_another_account(s3.endpoint, bucket="foreign", place="foreign")
    env.worker = env.another_worker()
    async with env.worker.running():
        await until(lambda: busy >= 4 and not env.spool.has(foreign))
        going.set()
        await until(lambda: not env.spool.call_ids())
    assert most == 4
    assert await Call.filter(recording_state=RecordingState.STORED).count() == 13


async def test_an_upload_with_an_unknown_id_is_searched_until_the_storage_responds(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    call_id = await env.recorded(noise(LARGE))
    recording = env.spool.open(call_id)
    assert recording is not None
    recording.write_state({"is_beginning": True})
    recording.close()
    s3.uploads["lost"] = f"/calls/{recording.metadata.key}"
    s3.answers["uploads"] = error(503, "SlowDown")
    await env.scan()
    assert (await env.call(call_id)).recording_state is RecordingState.STORING
    s3.answers["uploads"] = Answer(
        body=f"<ListMultipartUploadsResult><Upload><Key>{recording.metadata.key}</Key><UploadId>lost</UploadId></Upload>"
        "</ListMultipartUploadsResult>".encode()
    )
    await env.later(seconds=10)
    assert (await env.call(call_id)).recording_state is RecordingState.STORED
    assert s3.uploads == {}


@pytest.mark.parametrize("answer", [error(403, "AccessDenied"), error(501, "NotImplemented")])
async def test_storing_needs_no_permission_to_list_uploads(
    scripted: tuple[UploadEnvironment, ScriptedS3], answer: Answer
) -> None:
    env, s3 = scripted
    call_id = await env.recorded(noise(LARGE))
    recording = env.spool.open(call_id)
    assert recording is not None
    recording.write_state({"is_beginning": True})
    recording.close()
    s3.answers["uploads"] = answer
    await env.scan()
    assert (await env.call(call_id)).recording_state is RecordingState.STORED


async def test_a_storage_that_fails_to_list_uploads_stores_in_the_end(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    call_id = await env.recorded(noise(LARGE))
    recording = env.spool.open(call_id)
    assert recording is not None
    recording.write_state({"is_beginning": True})
    recording.close()
    s3.answers["uploads"] = Answer(body=b"?")
    await env.scan()
    for _ in backoff.DELAYS:
        await env.later(hours=2)
    assert (await env.call(call_id)).recording_state is RecordingState.STORED


async def test_a_temporarily_wrong_clock_delays_no_attempt(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    s3.answers["put"] = error(503, "SlowDown")
    call_id = await env.recorded(noise(32_000))
    await env.later(days=400)
    s3.answers.clear()
    await env.later(days=-400)
    assert (await env.call(call_id)).recording_state is RecordingState.STORED


async def test_newer_keys_delete_the_object_of_a_deleted_recording(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    call_id = await env.recorded(noise(32_000))
    s3.answers["head"] = error(503, "SlowDown")
    await env.scan()
    assert len(s3.objects) == 1
    await env.configure(s3.endpoint, access_key_id="newkey", secret_access_key="newsecret")
    s3.answers = {
        "delete": lambda request: None if "newkey" in request.headers["authorization"] else error(403, "AccessDenied")
    }
    assert await lifecycle.mark_deleted(call_id, env.account_id)
    await env.scan()
    assert (s3.objects, env.spool.call_ids()) == ({}, [])


def test_ten_thousand_parts_hold_275_gb() -> None:
    parts = uploads.parts_of(270 * 10**9)
    assert len(parts) <= 10_000
    assert all(part.size >= PART for part in parts[:-1])
    assert sum(part.size for part in parts) == 270 * 10**9
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert uploads.next_part_at(0) == PART
    assert uploads.next_part_at(PART) == 2 * PART


@pytest.mark.parametrize(
    ("failure", "transient"),
    [
        (StorageFailure(FailureKind.CONNECTION_REFUSED), True),
        (StorageFailure(FailureKind.NO_RESPONSE), True),
        (StorageFailure(http_status=502), True),
        (StorageFailure(code="NoSuchUpload", http_status=404), True),
        (StorageFailure(code="AccessDenied", http_status=403), False),
        (StorageFailure(FailureKind.ADDRESS_NOT_PUBLIC, reason="No."), False),
    ],
)
def test_transient_faults_are_distinguished_from_permanent_ones(failure: StorageFailure, transient: bool) -> None:
    assert UploadFault.of(failure, "us-east-1").is_transient is transient


# Deleted before the storage confirmed the object.


@pytest.mark.parametrize("size", [320_000, LARGE])
async def test_an_object_whose_response_was_lost_is_deleted_with_its_recording(
    scripted: tuple[UploadEnvironment, ScriptedS3], size: int
) -> None:
    env, s3 = scripted
    call_id = await env.recorded(noise(size))

    async def stored_without_response(request: Request, writer: asyncio.StreamWriter) -> None:
        answer = s3.work(request)
        if request.method == "POST" and "uploadId" not in request.query:
            await s3.send(answer, request, writer)
        else:
            await reset(request, writer)

    s3.answers |= {"put" if size < uploads.MULTIPART_FROM_BYTES else "create": stored_without_response, "head": reset}
    await env.scan()
    assert len(s3.objects) == 1
    s3.answers.clear()
    assert await lifecycle.mark_deleted(call_id, env.account_id)
    await env.later(minutes=30)
    assert (s3.objects, env.spool.call_ids()) == ({}, [])


async def test_an_object_of_a_process_killed_before_the_response_is_deleted_with_its_recording(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    call_id = await env.recorded(noise(320_000))
    is_stored = asyncio.Event()

    async def stored_without_response_then_hang(request: Request, writer: asyncio.StreamWriter) -> None:
        s3.work(request)
        is_stored.set()
        await asyncio.Event().wait()

    s3.answers["put"] = stored_without_response_then_hang
    async with env.worker.running():
        await is_stored.wait()
    s3.answers.clear()
    assert len(s3.objects) == 1
    assert await lifecycle.mark_deleted(call_id, env.account_id)
    await env.scan(env.another_worker())
    assert (s3.objects, env.spool.call_ids()) == ({}, [])


async def test_the_audio_of_a_deleted_recording_leaves_the_disk_even_if_the_bucket_refuses(
    scripted: tuple[UploadEnvironment, ScriptedS3],
) -> None:
    env, s3 = scripted
    call_id = await env.recorded(noise(320_000))
    s3.answers |= {"head": error(503, "SlowDown"), "delete": error(503, "SlowDown")}
    await env.scan()
    assert len(s3.objects) == 1
    assert await lifecycle.mark_deleted(call_id, env.account_id)
    await env.later(minutes=30)
    assert len(s3.objects) == 1
    assert [path for path in (env.folder / call_id.hex).iterdir() if path.stat().st_size > 2_000] == []
    assert env.spool.size_bytes() < 32_000
    s3.answers.clear()
    await env.later(hours=1)
    assert (s3.objects, env.spool.call_ids()) == ({}, [])
