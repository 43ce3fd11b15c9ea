"""The storage test against scripted responses that no local server gives. Each error has its own plain advice."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from app.foundation.errors import RateLimited
from app.foundation.outbound.failure_kind import FailureKind
from app.foundation.outbound.guard import OutboundGate
from app.storage import regions, verification
from app.storage.aws_sdk import MAX_ANSWER_BYTES
from app.storage.failures import StorageFailure
from app.storage.faults import STEP_CODES
from app.storage.model import BucketVendor
from app.storage.rules import StorageDraft, Tag
from app.storage.s3 import ObjectStorage, StorageTarget
from app.storage.verification import StorageVerdict, StorageVerifier
from tests.storage.conftest import statuses, step
from tests.support.loop_clock import pass_seconds
from tests.support.servers import scripted_s3 as scripts
from tests.support.servers.scripted_s3 import Answer, Request, ScriptedS3, error
from tests.support.waiting import until

# Later responses do not arrive.
PATIENCE_SECONDS = 60


def draft_of(server: ScriptedS3, **changes: Any) -> StorageDraft:
    values: dict[str, Any] = {
        "vendor": BucketVendor.S3_COMPATIBLE,
        "endpoint_url": server.endpoint,
        "bucket": "calls",
        "region": "us-east-1",
        "access_key_id": "key",
        "secret_access_key": "hunter2",
        "tags": (Tag("team", "voice"),),
    }
    return StorageDraft(**{**values, **changes})


@pytest.fixture
async def s3() -> AsyncIterator[ScriptedS3]:
    """A scripted S3 in which no test may leave a probe or an open upload."""
    async with ScriptedS3() as server:
        yield server
        assert server.objects == {}
        assert server.uploads == {}


async def test_the_scripted_server_works_by_default(verifier: StorageVerifier, s3: ScriptedS3) -> None:
    result = await verifier.verify(draft_of(s3))
    assert statuses(result) == "PPSPPPPP"
    assert sorted(s3.calls) == sorted(["bucket", "put", "head", "tags", "get", "create", "put", "abort", "delete"])
    assert s3.calls[:3] == ["bucket", "put", "head"]
    assert s3.calls[-1] == "delete"


# --- Wrong regions ----------------------------------------------------------------------------------------------------

MALFORMED = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"
INCOMPATIBLE = (
    "The eu-west-1 location constraint is incompatible for the region specific endpoint this request was sent to."
)
WRONG_REGIONS = {
    "301": error(301, "PermanentRedirect", headers={"x-amz-bucket-region": "eu-west-1"}, Endpoint="s3.eu-west-1.x"),
    "400 malformed": error(400, "AuthorizationHeaderMalformed", MALFORMED, Region="eu-west-1"),
    "400 malformed, in the message": error(400, "AuthorizationHeaderMalformed", MALFORMED),
    "400 location": error(400, "IllegalLocationConstraintException", INCOMPATIBLE),
}


@pytest.mark.parametrize("answer", WRONG_REGIONS.values(), ids=WRONG_REGIONS)
async def test_each_form_of_a_wrong_region_response_names_both_regions(
    verifier: StorageVerifier, s3: ScriptedS3, answer: Answer
) -> None:
    s3.answers = {"bucket": Answer(answer.status), "put": answer}
    result = await verifier.verify(draft_of(s3))
    assert result.verdict is StorageVerdict.FAILING
    assert statuses(result) == "PPFFSSSS"
    sentence = step(result, "REGION").advice or ""
    assert "eu-west-1" in sentence
    assert "us-east-1" in sentence
    assert s3.calls == ["bucket", "put"]


async def test_a_redirect_without_a_region_names_the_configured_one(verifier: StorageVerifier, s3: ScriptedS3) -> None:
    s3.answers = {"bucket": Answer(301), "put": error(301, "PermanentRedirect")}
    result = await verifier.verify(draft_of(s3))
    assert statuses(result) == "PPFFSSSS"
    assert step(result, "REGION").advice == (
        "The bucket is not in the configured region: choose the region in which it was created instead of us-east-1."
    )
    assert step(result, "REGION").code is STEP_CODES["WRONG_REGION"]


@pytest.mark.parametrize("status", [200, 301, 400, 403])
async def test_the_region_in_the_head_is_compared_whatever_its_status(
    make_verifier: Callable[..., Any], s3: ScriptedS3, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", s3.port))]
    monkeypatch.setattr(regions, "endpoint", lambda _: f"http://s3.example.com:{s3.port}")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    verifier = await make_verifier(allowed=("calls.s3.example.com",))
    s3.answers["bucket"] = Answer(status, headers={"x-amz-bucket-region": "eu-west-1"})
    aws = {"vendor": BucketVendor.AWS_S3, "endpoint_url": None, "access_key_id": "AKIA0000000000000000"}
    result = await verifier.verify(draft_of(s3, **aws))
    assert statuses(result) == "PPFSSSSS"
    assert result.verdict is StorageVerdict.FAILING
    assert "eu-west-1" in (step(result, "REGION").advice or "")
    assert s3.calls == ["bucket"]


@pytest.mark.parametrize("status", [200, 301, 400, 403])
async def test_a_server_that_names_another_region_and_works_is_a_warning(
    verifier: StorageVerifier, s3: ScriptedS3, status: int
) -> None:
    s3.answers["bucket"] = Answer(status, headers={"x-amz-bucket-region": "eu-west-1"})
    result = await verifier.verify(draft_of(s3))
    assert statuses(result) == "PPSPPPPP"
    assert result.verdict is StorageVerdict.WORKING
    (warning,) = [each for each in result.warnings if "region" in each]
    assert "eu-west-1" in warning
    assert "us-east-1" in warning
    assert step(result, "REGION").advice == warning


async def test_a_server_that_names_another_region_and_refuses_fails_the_region(
    verifier: StorageVerifier, s3: ScriptedS3
) -> None:
    s3.answers["bucket"] = Answer(403, headers={"x-amz-bucket-region": "eu-west-1"})
    s3.answers["put"] = error(403, "SignatureDoesNotMatch")
    result = await verifier.verify(draft_of(s3))
    assert statuses(result) == "PPFFSSSS"
    assert "choose eu-west-1" in (step(result, "REGION").advice or "")


async def test_the_right_region_passes(verifier: StorageVerifier, s3: ScriptedS3) -> None:
    s3.answers["bucket"] = Answer(403, headers={"x-amz-bucket-region": "us-east-1"})
    result = await verifier.verify(draft_of(s3))
    assert statuses(result) == "PPPPPPPP"
    assert result.verdict is StorageVerdict.WORKING


# --- What S3 says in words --------------------------------------------------------------------------------------------

SENTENCES = {
    "RequestTimeTooSkewed": (403, "CLOCK_SKEW", "clocks"),
    "SlowDown": (503, "BUSY", "is overloaded or failing"),
    "InternalError": (500, "BUSY", "is overloaded or failing"),
    "InvalidAccessKeyId": (403, "ACCESS_KEY_ID_UNKNOWN", "does not know this access key ID"),
    "SignatureDoesNotMatch": (403, "WRONG_SECRET_ACCESS_KEY", "secret access key"),
    "AccessDenied": (403, "WRITE_DENIED", "may not write"),
    "ExpiredToken": (400, "TEMPORARY_KEY", "expired"),
    "InvalidToken": (400, "TEMPORARY_KEY", "session token"),
    "NoSuchBucket": (404, "BUCKET_NOT_FOUND", "no bucket with this name"),
    "InvalidTag": (400, "TAGS_REFUSED", "S3 tags"),
    "BadRequest": (400, "TAGS_REFUSED", "S3 tags"),
    "AllAccessDisabled": (403, "WRITE_DENIED", "may not write"),
    "AccountProblem": (403, "STORAGE_ACCOUNT_SUSPENDED", "suspended"),
    "KMS.DisabledException": (400, "ENCRYPTION_KEY_UNUSABLE", "encryption key"),
    "TemporaryRedirect": (307, "REDIRECTED_FOR_NOW", "just created"),
    "RequestHeaderSectionTooLarge": (400, "TAGS_TOO_LONG", "too long for one request"),
    "MethodNotAllowed": (405, "CALL_UNSUPPORTED", "does not support this S3 call"),
    "SomethingNew": (
        418,
        "REFUSED",
        "The storage refused the request: look up SomethingNew (HTTP 418) in its documentation, or ask its operator. "
        "The storage says: “server's words”",
    ),
}


@pytest.mark.parametrize("code", SENTENCES)
async def test_each_s3_error_of_the_put_has_its_own_advice(
    verifier: StorageVerifier, s3: ScriptedS3, code: str
) -> None:
    status, stable, words = SENTENCES[code]
    s3.answers = {"bucket": Answer(status if status != 404 else 403), "put": error(status, code, "server's words")}
    result = await verifier.verify(draft_of(s3))
    write = step(result, "WRITE")
    assert (write.s3_code, write.http_status) == (code, status)
    assert write.code is STEP_CODES[stable]
    assert words in (write.advice or "")
    assert ("server's words" in repr(result)) == (code == "SomethingNew")
    assert statuses(result)[4:] == "SSSS"
    assert result.verdict is StorageVerdict.FAILING
    assert result.leftover_key is None


async def test_busy_storage_is_not_blamed_on_the_settings(verifier: StorageVerifier, s3: ScriptedS3) -> None:
    s3.answers = {"bucket": Answer(503), "put": error(503, "SlowDown")}
    result = await verifier.verify(draft_of(s3))
    assert "try again" in (step(result, "WRITE").advice or "")
    # A server error may still have stored the probe.
    assert s3.calls == ["bucket", "put", "delete"]


async def test_a_missing_bucket_found_by_the_put_fails_reach(verifier: StorageVerifier, s3: ScriptedS3) -> None:
    s3.answers = {"bucket": Answer(403), "put": error(404, "NoSuchBucket")}
    assert statuses(await verifier.verify(draft_of(s3))) == "PFSFSSSS"


async def test_missing_tags_fail_only_their_step(verifier: StorageVerifier, s3: ScriptedS3) -> None:
    s3.answers["tags"] = Answer(body=b"<Tagging><TagSet></TagSet></Tagging>")
    result = await verifier.verify(draft_of(s3))
    assert statuses(result) == "PPSPFPPP"
    assert "ignores tags" in (step(result, "TAGS").advice or "")


async def test_other_bytes_than_written_cannot_be_played(verifier: StorageVerifier, s3: ScriptedS3) -> None:
    s3.answers["get"] = Answer(body=b"<html>It works!</html>")
    result = await verifier.verify(draft_of(s3))
    assert statuses(result) == "PPSPPFPP"
    assert not result.can_play


async def test_malformed_codes_and_request_ids_are_not_repeated(verifier: StorageVerifier, s3: ScriptedS3) -> None:
    strange = {"x-amz-request-id": "<script>alert(1)</script>", "x-amz-bucket-region": "us-east-1; drop"}
    s3.answers = {"bucket": Answer(200, headers=strange), "put": error(403, "<b>x</b>" * 9, headers=strange)}
    result = await verifier.verify(draft_of(s3))
    assert "script" not in repr(result)
    assert "drop" not in repr(result)
    assert step(result, "WRITE").s3_code is None


async def test_a_leftover_is_named_when_deleting_fails_at_the_server(verifier: StorageVerifier) -> None:
    async with ScriptedS3() as s3:
        s3.answers["delete"] = error(500, "InternalError")
        result = await verifier.verify(draft_of(s3))
        assert statuses(result) == "PPSPPPPF"
        assert f"/calls/{result.leftover_key}" in s3.objects
        assert s3.calls.count("delete") == 2


# --- Peers that behave badly ------------------------------------------------------------------------------------------

BAD_ANSWERS = {
    "never answers": (scripts.hang, "NO_RESPONSE"),
    "resets": (scripts.reset, "CONNECTION_CLOSED"),
    "closes": (scripts.close, "CONNECTION_CLOSED"),
    "no HTTP": (scripts.raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "INVALID_RESPONSE"),
    "half an answer": (scripts.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), ""),
    "never comes to its answer": (scripts.raw(b"HTTP/1.1 102 Processing\r\n\r\n" * 5_000), "INVALID_RESPONSE"),
    "drips headers": (scripts.drip_headers, "STEP_TIMED_OUT"),
}


@pytest.fixture
async def fast(make_verifier: Callable[..., Any]) -> StorageVerifier:
    """A verifier with a tenth of the usual time limits."""
    verifier: StorageVerifier = await make_verifier(read_seconds=0.4, step_seconds=0.8, cleanup_seconds=0.2)
    return verifier


@pytest.mark.parametrize("peer", [name for name in BAD_ANSWERS if name != "half an answer"])
async def test_a_misbehaving_server_fails_reach(fast: StorageVerifier, s3: ScriptedS3, peer: str) -> None:
    behaviour, code = BAD_ANSWERS[peer]
    s3.answers["bucket"] = behaviour
    async with asyncio.timeout(PATIENCE_SECONDS):
        result = await fast.verify(draft_of(s3))
    assert statuses(result) == "PFSSSSSS"
    assert step(result, "REACH").code is STEP_CODES[code]
    assert result.leftover_key is None


@pytest.mark.parametrize("call", ["put", "tags", "get", "create", "abort", "delete"])
@pytest.mark.parametrize("peer", BAD_ANSWERS)
async def test_a_server_that_misbehaves_later_still_gives_a_result_in_time(
    fast: StorageVerifier, peer: str, call: str
) -> None:
    async with ScriptedS3() as s3:
        s3.answers[call] = BAD_ANSWERS[peer][0]
        async with asyncio.timeout(PATIENCE_SECONDS):
            result = await fast.verify(draft_of(s3))
        assert [found.status.name for found in result.steps].count("FAILED") >= 1
        assert all(bool(found.code) == bool(found.advice) for found in result.steps)
        assert all(found.code for found in result.steps if found.status.name != "PASSED")
        if call == "delete":
            assert f"/calls/{result.leftover_key}" in s3.objects
        else:
            assert s3.objects == {}
        if call == "abort":
            assert any("may remain open" in warning for warning in result.warnings)
        else:
            assert s3.uploads == {}


@pytest.mark.parametrize("call", ["put", "tags", "create", "delete"])
async def test_an_endless_response_is_cut_off(verifier: StorageVerifier, call: str) -> None:
    async with ScriptedS3() as s3:
        s3.answers[call] = scripts.endless_body
        async with asyncio.timeout(PATIENCE_SECONDS):
            result = await verifier.verify(draft_of(s3))
        name = {"put": "WRITE", "tags": "TAGS", "create": "MULTIPART", "delete": "DELETE"}[call]
        assert "is not S3's" in (step(result, name).advice or "")


async def test_an_endless_object_fails_the_read(verifier: StorageVerifier, s3: ScriptedS3) -> None:
    s3.answers["get"] = scripts.endless_object
    result = await verifier.verify(draft_of(s3))
    assert "differs from the one written" in (step(result, "READ").advice or "")


async def test_a_slow_body_is_ended_by_the_time_limit_of_the_test(fast: StorageVerifier, s3: ScriptedS3) -> None:
    s3.answers["put"] = scripts.drip_body
    result = await fast.verify(draft_of(s3))
    assert statuses(result) == "PPSFSSSS"
    assert "0.8 seconds" in (step(result, "WRITE").advice or "")
    assert s3.calls == ["bucket", "put", "delete"]


async def test_deeply_nested_xml_is_not_an_s3_response(verifier: StorageVerifier, s3: ScriptedS3) -> None:
    deep = b"<a>" * 20000 + b"</a>" * 20000
    assert len(deep) < MAX_ANSWER_BYTES
    s3.answers["put"] = Answer(400, deep)
    result = await verifier.verify(draft_of(s3))
    assert statuses(result) == "PPSFSSSS"


async def test_a_stored_put_without_a_response_is_cleaned_up(fast: StorageVerifier, s3: ScriptedS3) -> None:
    async def store_and_hang(request: Request, _: asyncio.StreamWriter) -> None:
        s3.work(request)
        await asyncio.Event().wait()

    s3.answers["put"] = store_and_hang
    result = await fast.verify(draft_of(s3))
    assert statuses(result) == "PPSFSSSS"
    assert result.leftover_key is None


async def test_an_upload_begun_without_a_response_is_found_and_aborted(fast: StorageVerifier, s3: ScriptedS3) -> None:
    async def begin_and_hang(request: Request, _: asyncio.StreamWriter) -> None:
        s3.work(request)
        await asyncio.Event().wait()

    s3.answers["create"] = begin_and_hang
    result = await fast.verify(draft_of(s3))
    assert step(result, "MULTIPART").status.name == "FAILED"
    assert "abort" in s3.calls
    assert not any("remain open" in warning for warning in result.warnings)


async def test_the_default_limit_gives_a_slow_server_eight_seconds(verifier: StorageVerifier) -> None:
    sent, loop = 0, asyncio.get_running_loop()

    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            writer.write(b"a")
            await writer.drain()
            sent += 1
            await asyncio.sleep(0.05)  # the server must tolerate the slowness itself

    async with ScriptedS3() as s3:
        s3.answers = dict.fromkeys(("put", "delete"), drip)
        begun = loop.time()
        verifying = asyncio.create_task(verifier.verify(draft_of(s3)))
        await until(lambda: "put" in s3.calls)
        while "delete" not in s3.calls:
            await pass_seconds(1)
            before = sent
            await until(lambda: sent > before + 2 or "delete" in s3.calls)  # noqa: B023  a socket may not be silent for longer
        assert loop.time() - begun > 7.9
        await pass_seconds(2)
        result = await asyncio.wait_for(verifying, PATIENCE_SECONDS)
        assert f"/calls/{result.leftover_key}" == s3.requests[-1].path


# --- No server at all -------------------------------------------------------------------------------------------------


async def test_a_closed_port_is_reported_at_once(verifier: StorageVerifier) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        result = await verifier.verify(draft_of(ScriptedS3(), endpoint_url=url))
    assert "Nothing listens" in (step(result, "REACH").advice or "")


async def test_an_unknown_host_name_is_reported(
    verifier: StorageVerifier, s3: ScriptedS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    result = await verifier.verify(draft_of(s3, endpoint_url="http://s3.example.com"))
    assert "host name of the storage cannot be resolved" in (step(result, "REACH").advice or "")


async def test_a_name_with_a_private_address_is_refused_before_any_connection(
    verifier: StorageVerifier, s3: ScriptedS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = ("127.0.0.1", s3.port)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    result = await verifier.verify(draft_of(s3, endpoint_url=f"http://s3.example.com:{s3.port}"))
    assert statuses(result) == "PFSSSSSS"
    assert "resolves to a loopback address" in (step(result, "REACH").advice or "")
    assert s3.connections == 0


async def test_a_plain_http_server_at_an_https_url_is_reported(verifier: StorageVerifier, s3: ScriptedS3) -> None:
    result = await verifier.verify(draft_of(s3, endpoint_url=s3.endpoint.replace("http:", "https:")))
    assert "TLS handshake with the storage failed" in (step(result, "REACH").advice or "")


async def test_an_untrusted_certificate_is_refused(verifier: StorageVerifier, tmp_path: Path) -> None:
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    subprocess.run([*made, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        result = await verifier.verify(draft_of(ScriptedS3(), endpoint_url=url))
    assert "certificate" in (step(result, "REACH").advice or "")


@pytest.mark.parametrize("location", ["http://127.0.0.1:{port}/calls", "http://169.254.169.254/latest", "//127.1/"])
async def test_a_redirect_is_not_followed(verifier: StorageVerifier, s3: ScriptedS3, location: str) -> None:
    async with ScriptedS3() as elsewhere:
        headers = {"Location": location.format(port=elsewhere.port)}
        s3.answers = {"bucket": Answer(307, headers=headers), "put": Answer(307, headers=headers)}
        result = await verifier.verify(draft_of(s3))
        assert elsewhere.connections == 0
    assert s3.calls == ["bucket", "put"]
    assert "redirects to another address" in (step(result, "WRITE").advice or "")


async def test_a_client_refuses_a_private_endpoint_before_any_connection(s3: ScriptedS3) -> None:
    storage = ObjectStorage(OutboundGate())
    await storage.open()
    target = StorageTarget.of(draft_of(s3))
    with pytest.raises(StorageFailure) as refused:
        async with storage.client(target):
            pass
    assert refused.value.kind is FailureKind.ADDRESS_NOT_PUBLIC
    assert "hunter2" not in repr(target)


async def test_independent_steps_run_concurrently(verifier: StorageVerifier, s3: ScriptedS3) -> None:
    running = most = 0

    together = asyncio.Barrier(3)

    async def with_others(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if request.call in {"tags", "get", "create"}:
            await together.wait()
        running -= 1
        await s3.send(s3.work(request), request, writer)

    s3.answers = dict.fromkeys(("bucket", "put", "tags", "get", "create", "abort", "delete"), with_others)
    result = await verifier.verify(draft_of(s3))
    assert statuses(result) == "PPSPPPPP"
    assert most == 3, "tags, read and multipart, once the probe is written"


# --- Places -----------------------------------------------------------------------------------------------------------


async def test_tests_beyond_the_limit_wait(
    make_verifier: Callable[..., Any], s3: ScriptedS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier, now, may_end = await make_verifier(at_once=2), 0.0, asyncio.Semaphore(0)

    async def ends_when_it_may(_: Request, writer: asyncio.StreamWriter) -> None:
        await may_end.acquire()
        writer.write(b"HTTP/1.1 404 -\r\nContent-Length: 0\r\n\r\n")

    monkeypatch.setattr(verification, "time", SimpleNamespace(monotonic=lambda: now))
    s3.answers["bucket"] = ends_when_it_may
    running = [asyncio.create_task(verifier.verify(draft_of(s3))) for _ in range(6)]
    for ended in (0, 2, 4):
        await until(lambda: len(s3.requests) == ended + 2)  # noqa: B023  the loop waits for it
        now += 0.2
        may_end.release()
        may_end.release()
    results = await asyncio.gather(*running)
    assert s3.most_open == 2
    assert sorted(result.waited_ms for result in results) == [0, 0, 200, 200, 400, 400]


async def test_a_test_that_waits_too_long_is_refused(make_verifier: Callable[..., Any], s3: ScriptedS3) -> None:
    verifier = await make_verifier(at_once=1, wait_seconds=0.1, read_seconds=0.5)
    s3.answers["bucket"] = scripts.hang
    first = asyncio.create_task(verifier.verify(draft_of(s3)))
    await asyncio.sleep(0)
    with pytest.raises(RateLimited, match="Try again"):
        await verifier.verify(draft_of(s3))
    assert statuses(await verifier.verify(StorageDraft())) == "FSSSSSSS"
    assert statuses(await first) == "PFSSSSSS"
    s3.answers = {}
    assert statuses(await verifier.verify(draft_of(s3))) == "PPSPPPPP"


async def test_the_queue_is_bounded(make_verifier: Callable[..., Any], s3: ScriptedS3) -> None:
    verifier = await make_verifier(at_once=1, wait_seconds=0.3, read_seconds=0.4)
    s3.answers["bucket"] = scripts.hang
    outcomes = [asyncio.create_task(verifier.verify(draft_of(s3))) for _ in range(8)]
    done, _ = await asyncio.wait(outcomes, timeout=0.15)
    assert len(done) == 3
    results = await asyncio.gather(*outcomes, return_exceptions=True)
    assert sum(isinstance(result, RateLimited) for result in results) == 7


async def test_a_cancelled_test_removes_its_probe_and_releases_its_slot(
    make_verifier: Callable[..., Any], s3: ScriptedS3
) -> None:
    verifier = await make_verifier(at_once=1, wait_seconds=0)
    s3.answers["get"] = s3.answers["abort"] = scripts.hang
    task = asyncio.create_task(verifier.verify(draft_of(s3)))
    await until(lambda: {"get", "abort"} <= set(s3.calls))
    s3.answers = {}
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert s3.objects == {}
    assert s3.uploads == {}
    assert statuses(await verifier.verify(draft_of(s3))) == "PPSPPPPP"


async def test_closing_the_verifier_cleans_up_running_tests(make_verifier: Callable[..., Any], s3: ScriptedS3) -> None:
    verifier = await make_verifier()
    s3.answers["get"] = scripts.hang
    task = asyncio.create_task(verifier.verify(draft_of(s3)))
    await until(lambda: "get" in s3.calls)
    await verifier.close()
    assert s3.objects == {}
    await asyncio.wait({task})
    assert task.cancelled()


async def test_one_account_does_not_take_all_test_slots(make_verifier: Callable[..., Any], s3: ScriptedS3) -> None:
    verifier = await make_verifier(at_once=8, read_seconds=0.5)
    s3.answers["bucket"] = scripts.hang
    one, another = uuid4(), uuid4()
    of_one = [asyncio.create_task(verifier.verify(draft_of(s3), one)) for _ in range(20)]
    await until_some_are_refused(of_one, 16)
    await until(lambda: s3.calls == ["bucket"] * 4)
    s3.answers = {}
    assert statuses(await verifier.verify(draft_of(s3), another)) == "PPSPPPPP"
    outcomes = await asyncio.gather(*of_one, return_exceptions=True)
    assert sum(isinstance(outcome, RateLimited) for outcome in outcomes) == 16
    assert statuses(await verifier.verify(draft_of(s3), one)) == "PPSPPPPP", "its share is free again"


async def test_the_accounts_of_one_provider_do_not_take_all_test_slots(
    make_verifier: Callable[..., Any], s3: ScriptedS3
) -> None:
    verifier = await make_verifier(at_once=8, read_seconds=0.5)
    s3.answers["bucket"] = scripts.hang
    provider, accounts = uuid4(), [uuid4() for _ in range(4)]
    of_one = [asyncio.create_task(verifier.verify(draft_of(s3), account, provider)) for account in accounts * 2]
    refused = await until_some_are_refused(of_one, 2)
    assert {str(outcome.exception()) for outcome in refused} == {
        "This service provider has storage tests running already. Try again when they have ended."
    }
    s3.answers = {}
    assert statuses(await verifier.verify(draft_of(s3), uuid4(), uuid4())) == "PPSPPPPP"
    await asyncio.gather(*of_one, return_exceptions=True)
    assert statuses(await verifier.verify(draft_of(s3), accounts[0], provider)) == "PPSPPPPP", "its share is free again"


async def until_some_are_refused(tasks: list[asyncio.Task[Any]], count: int) -> list[asyncio.Task[Any]]:
    await until(lambda: sum(task.done() for task in tasks) >= count)
    return [task for task in tasks if task.done()]
