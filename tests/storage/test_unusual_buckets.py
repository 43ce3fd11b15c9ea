"""Unusual buckets: the storage test finds the same errors as recordings, with the same advice."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.calls.model import RecordingState
from app.calls.recording_faults import RECORDING_CODES
from app.storage import responses, uploads
from app.storage.faults import diagnose
from app.storage.model import AudioFormat, BucketVendor, RecordingConfig, RecordingError
from app.storage.rules import StorageDraft
from app.storage.s3 import StorageTarget
from app.storage.settings import stored_draft
from app.storage.verification import StorageVerdict, StorageVerifier, VerificationResult
from tests.recording.upload_setup import UploadEnvironment, noise
from tests.storage.conftest import statuses, step
from tests.support.servers import scripted_s3 as scripts
from tests.support.servers.fixtures import RECORDER
from tests.support.servers.scripted_s3 import Answer, Expect, Request, ScriptedS3, error
from tests.webhooks.receiver import self_signed, trusted

SMALL, LARGE = 320_000, 2 * uploads.PART_BYTES + 100_000
Scripted = tuple[UploadEnvironment, ScriptedS3]


async def settings_of(env: UploadEnvironment) -> StorageDraft:
    return stored_draft(env.keyring, await RecordingConfig.get(account_id=env.account_id))


async def both(
    verifier: StorageVerifier, env: UploadEnvironment, size: int = SMALL
) -> tuple[VerificationResult, RecordingError | None]:
    """The result of the storage test, and the error of a recording of this size; None once it is stored."""
    result = await verifier.verify(await settings_of(env))
    call_id = await env.recorded(noise(size), AudioFormat.MP3)
    await env.scan()
    call = await env.call(call_id)
    assert (call.recording_error is None) == (call.recording_state is RecordingState.STORED)
    return result, call.recording_error


# --- The same requests ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expect", Expect)
@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_servers_get_the_body_however_they_treat_expect_headers(
    verifier: StorageVerifier, scripted: Scripted, expect: Expect, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "READ_SECONDS", 2.0)
    env, s3 = scripted
    s3.expect = expect
    result, failure = await both(verifier, env, size)
    assert (result.verdict, failure) == (StorageVerdict.WORKING, None)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_bucket_with_object_lock_gets_the_checksum_that_it_requires(
    verifier: StorageVerifier, scripted: Scripted, size: int
) -> None:
    env, s3 = scripted
    required = (
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"
    )
    s3.answers["put"] = lambda request: (
        None if "content-md5" in request.headers else error(400, "InvalidRequest", required)
    )
    result, failure = await both(verifier, env, size)
    assert (result.verdict, failure) == (StorageVerdict.WORKING, None)


async def test_a_storage_test_sends_the_requests_that_recordings_send(
    verifier: StorageVerifier, scripted: Scripted
) -> None:
    env, s3 = scripted
    await verifier.verify(await settings_of(env))
    tested = shapes(s3.requests)
    s3.requests.clear()
    for size in (SMALL, LARGE):
        await env.recorded(noise(size), AudioFormat.MP3)
    await env.scan()
    s3.answers["put"] = lambda request: error(403, "AccessDenied") if request.query.get("partNumber") == "2" else None
    await env.recorded(noise(LARGE), AudioFormat.MP3)
    await env.scan()
    s3.answers.clear()
    async with env.storage.client(StorageTarget.of(await settings_of(env))) as bucket:
        await uploads.delete(bucket, "key")
    recorded = shapes(s3.requests)
    assert set(tested) - set(recorded) == {"bucket", "tags", "get"}, "what only a storage test needs"
    assert set(recorded) - set(tested) == {"complete"}
    same = tested.keys() & recorded.keys()
    assert same == {"put", "part", "create", "abort", "head", "delete"}
    assert {call: tested[call] for call in same} == {call: recorded[call] for call in same}


VARYING = {"content-length", "content-md5", "x-amz-date", "x-amz-content-sha256", "amz-sdk-invocation-id"}


def shapes(requests: list[Request]) -> dict[str, dict[str, str]]:
    """The form of each kind of request, without the values of single objects: header names and query names."""
    found: dict[str, dict[str, str]] = {}
    for request in requests:
        call = {"put": "part", "create": "complete"}.get(request.call, request.call)
        call = call if "uploadId" in request.query else request.call
        headers = {name: "" if name in VARYING else value for name, value in request.headers.items()}
        headers["authorization"] = re.sub(r"Signature=.*", "", headers["authorization"])
        shape = {**headers, "query": " ".join(sorted(request.query))}
        assert found.setdefault(call, shape) == shape
    return found


# --- What servers say -------------------------------------------------------------------------------------------------

_USER = "User: arn:aws:iam::123456789012:user/a-rather-long-name-for-recordings is not authorized to perform:"
_OBJECT = '"arn:aws:s3:::calls/.voice-gateway-probe/0a1b2c3d4e5f.txt"'
MESSAGES = {
    "the encryption key": (
        error(
            403,
            "AccessDenied",
            f"{_USER} kms:GenerateDataKey on this resource because no resource-based policy allows it",
        ),
        "in that of the encryption key (kms:GenerateDataKey is denied).",
    ),
    "the encryption key, briefly": (error(403, "AccessDenied", "kms:Decrypt denied"), "(kms:Decrypt is denied)"),
    "an explicit deny": (
        error(
            403,
            "AccessDenied",
            f"{_USER} s3:PutObject on resource: {_OBJECT} with an explicit deny in a resource-based policy",
        ),
        "change the Deny of s3:PutObject for this access key in a resource-based policy.",
    ),
    "an explicit deny of the organisation": (
        error(403, "AccessDenied", f"{_USER} s3:PutObject with an explicit deny in a service control policy"),
        "change the Deny of s3:PutObject for this access key in a service control policy.",
    ),
    "an explicit deny of a key's use": (
        error(403, "AccessDenied", f"{_USER} kms:GenerateDataKey with an explicit deny in an identity-based policy"),
        "change the Deny of kms:GenerateDataKey for this access key in an identity-based policy.",
    ),
    "an explicit deny of a boundary": (
        error(403, "AccessDenied", f"{_USER} s3:PutObject with an explicit deny in a permissions boundary"),
        "change the Deny of s3:PutObject for this access key in a permissions boundary.",
    ),
    "an explicit deny of the network": (
        error(403, "AccessDenied", f"{_USER} s3:PutObject with an explicit deny in a VPC endpoint policy"),
        "change the Deny of s3:PutObject for this access key in a VPC endpoint policy.",
    ),
    "an explicit deny without a policy": (
        error(403, "AccessDenied", "Explicit deny"),
        "which overrides permissions: change the Deny of this access key in a policy.",
    ),
    "no tags": (
        error(400, "InvalidArgument", "Unsupported header 'x-amz-tagging' received for this API call."),
        "does not support S3 tags: remove them",
    ),
    "a key of another length": (
        error(400, "InvalidArgument", "Credential access key has length 25, should be 32"),
        "does not accept this access key ID",
    ),
    "another region": (
        error(400, "InvalidRegionName", "The region name 'us-east-1' is not valid. Must be one of: wnam, enam, auto"),
        "for Cloudflare R2, choose auto",
    ),
    "something that only it knows": (
        error(400, "CapExceeded", "Cannot upload files, storage cap exceeded."),
        "or ask its operator. The storage says: “Cannot upload files, storage cap exceeded.”",
    ),
    "an argument": (error(400, "InvalidArgument", "Bad \u202ewidth\n\n of line"), "says: “Bad width of line”"),
    "nothing": (error(400, "CapExceeded"), "look up CapExceeded (HTTP 400) in its documentation"),
}


@pytest.mark.parametrize("case", MESSAGES)
async def test_the_storage_test_and_the_recording_give_the_same_advice(
    verifier: StorageVerifier, scripted: Scripted, case: str
) -> None:
    env, s3 = scripted
    answer, words = MESSAGES[case]
    s3.answers = {"put": answer, "create": answer}
    for size in (SMALL, LARGE):
        result, failure = await both(verifier, env, size)
        assert failure is not None
        assert words in failure["advice"]
        assert step(result, "WRITE").advice == failure["advice"]
        assert step(result, "WRITE").code is RECORDING_CODES[failure["code"]]
        assert result.verdict is StorageVerdict.FAILING
    assert (step(result, "REGION").status.name == "FAILED") == (case == "another region")


@pytest.mark.parametrize(
    ("call", "name"), [("get", "READ"), ("create", "MULTIPART"), ("tags", "TAGS"), ("delete", "DELETE")]
)
@pytest.mark.parametrize("case", ["the encryption key", "an explicit deny"])
async def test_each_step_names_the_policy_that_denies(
    verifier: StorageVerifier, scripted: Scripted, call: str, name: str, case: str
) -> None:
    env, s3 = scripted
    answer, words = MESSAGES[case]
    s3.answers[call] = answer
    assert words in (step(await verifier.verify(await settings_of(env)), name).advice or "")


SAID = {
    "plain": ("No room.", "No room."),
    "control characters": ("No\x07 \x1b[31mroom\u200b\n\tleft\u2028here", "No [31mroom left here"),
    "the secret": ("hunter2 is wrong, as is hunter%2F3", "*** is wrong, as is ***"),
    "the key id": ("key id-of-the-key", "key ***"),
    "a signature": (f"got {'0a1b' * 16}, AWS4-HMAC-SHA256", "got ***, AWS4-HMAC-SHA256"),
    "a mask": (" ******** ", None),
    "nothing": ("\n", None),
}


@pytest.mark.parametrize("case", SAID)
def test_a_servers_message_is_cleaned(case: str) -> None:
    said, cleaned = SAID[case]
    response = {"Error": {"Code": "Odd", "Message": said}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    assert responses.failure(response, ("hunter2", "hunter/3", "id-of-the-key")).message == cleaned


def test_a_servers_message_is_shortened() -> None:
    response = {"Error": {"Code": "Odd", "Message": "no " * 5_000}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    found = diagnose(responses.failure(response)).advice
    assert len(found) < 350
    assert found.endswith("…”")


async def test_secrets_in_a_servers_message_are_masked(verifier: StorageVerifier, scripted: Scripted) -> None:
    env, s3 = scripted
    said = f"Key {RECORDER.access_key_id} with {RECORDER.secret_access_key} is odd"
    s3.answers = dict.fromkeys(("put", "create"), error(400, "Odd", said))
    result, failure = await both(verifier, env)
    assert "“Key *** with *** is odd”" in (step(result, "WRITE").advice or "")
    assert RECORDER.secret_access_key not in repr(result) + repr(failure)


# --- Verdicts ---------------------------------------------------------------------------------------------------------


def of_parts(answer: Answer) -> Callable[[Request], Answer | None]:
    return lambda request: answer if "uploadId" in request.query else None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (error(403, "AccessDenied"), "may not upload in parts"),
        (error(400, "EntityTooSmall", "Parts have 8 MB."), "says: “Parts have 8 MB.”"),
        (Answer(), "is not S3's"),
    ],
)
async def test_a_storage_that_refuses_parts_fails(
    verifier: StorageVerifier, scripted: Scripted, answer: Answer, words: str
) -> None:
    env, s3 = scripted
    s3.answers["put"] = of_parts(answer)
    result, failure = await both(verifier, env, LARGE)
    assert statuses(result) == "PPSPPPFP"
    assert words in (step(result, "MULTIPART").advice or "")
    assert result.verdict is StorageVerdict.FAILING
    assert failure is not None
    assert s3.uploads == {}


@pytest.mark.parametrize("calls", [("get",), ("head",), ("get", "head")])
async def test_a_storage_that_loses_objects_fails(
    verifier: StorageVerifier, scripted: Scripted, calls: tuple[str, ...]
) -> None:
    env, s3 = scripted
    s3.answers = dict.fromkeys(calls, error(404, "NoSuchKey"))
    result = await verifier.verify(await settings_of(env))
    assert result.verdict is StorageVerdict.FAILING
    assert step(result, "WRITE").status.name == "FAILED"
    assert "lost data that it had confirmed" in (step(result, "WRITE").advice or "")
    assert s3.objects == {}


async def test_a_storage_that_truncates_objects_fails(verifier: StorageVerifier, scripted: Scripted) -> None:
    env, s3 = scripted
    s3.answers["head"] = Answer(body=b"half")
    result, failure = await both(verifier, env)
    assert result.verdict is StorageVerdict.FAILING
    assert "holds 4" in (step(result, "WRITE").advice or "")
    assert "lost data that it had confirmed" in (failure or {})["advice"]


# --- Endpoints --------------------------------------------------------------------------------------------------------


async def test_an_authority_that_the_operating_system_trusts_is_trusted_for_storages(
    verifier: StorageVerifier, scripted: Scripted, tmp_path: Path
) -> None:
    env, _ = scripted
    certificate = self_signed(tmp_path)
    with trusted(certificate):
        async with ScriptedS3(scripts.tls_of(certificate)) as s3:
            await env.configure(s3.endpoint)
            result, failure = await both(verifier, env)
            assert (result.verdict, failure) == (StorageVerdict.WORKING, None)


@pytest.mark.parametrize("host", ["calls.s3.example.com", "CALLS.s3.example.com:9000"])
async def test_an_endpoint_that_begins_with_the_buckets_name_is_a_warning(verifier: StorageVerifier, host: str) -> None:
    draft = StorageDraft(BucketVendor.S3_COMPATIBLE, f"https://{host}", "calls", "auto", "key", "secret")
    (warning,) = (await verifier.verify(replace(draft, region="no region"))).warnings
    assert "begins with the bucket's name" in warning
    assert (await verifier.verify(replace(draft, region="no region", bucket="call"))).warnings == []
