"""Webhook tests: the request, the result, and receivers that misbehave."""

import asyncio
import base64
import json
import socket
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.foundation.concurrency_limits import FairSlots
from app.foundation.identifiers import Kind, new_id, parse_sid, sid_of
from app.foundation.outbound.guard import OutboundGate, Refusal
from app.webhooks import delivery
from app.webhooks.delivery import WebhookSender
from app.webhooks.signing import is_genuine
from tests.support.installation import Installation, Person, World, refusals
from tests.webhooks import receiver as receivers
from tests.webhooks.receiver import Receiver, answer, raw, self_signed, trusted

# Later replies do not arrive.
PATIENCE_SECONDS = 60
SHOWN = (
    "delivery { id kind method url requestHeaders { name value } requestBody succeeded status durationMs reply"
    " replyTruncated code reason }"
)


async def point(person: Person, account_id: str, url: str, field: str = "registrationWebhook", **more: Any) -> None:
    payload = await person.change("updateAccount", "account { id }", id=account_id, **{field: {"url": url, **more}})
    assert payload["userErrors"] == []


async def send(person: Person, account_id: str, kind: str = "REGISTRATION") -> dict[str, Any]:
    payload = await person.change("sendTestWebhook", SHOWN, accountId=account_id, kind=kind)
    assert payload["userErrors"] == []
    found: dict[str, Any] = payload["delivery"]
    return found


async def tried(person: Person, account_id: str, receiver: Receiver, behaviour: receivers.Behaviour) -> dict[str, Any]:
    """The result of a call to a receiver with this behaviour."""
    receiver.behaviour = behaviour
    await point(person, account_id, receiver.url)
    return await send(person, account_id)


@pytest.fixture
async def hurried(installation: Installation) -> None:
    """Calls are limited to half a second instead of five."""
    installation.resources.clients[WebhookSender]._total_seconds = 0.5


async def test_a_test_posts_a_signed_sample_event_and_returns_the_request(
    account_user: Person, receiver: Receiver, world: World
) -> None:
    await point(account_user, world["own"], f"{receiver.url}?a=b%20c#fragment")
    done = await send(account_user, world["own"])
    (got,) = receiver.received
    assert (got.method, got.target) == ("POST", "/hook?a=b%20c")
    assert {one["name"]: one["value"] for one in done["requestHeaders"]} == got.headers
    assert done["requestBody"] == got.body.decode()
    secret = (await account_user.ask("{ viewer { account { webhookSecret } } }")).only("viewer")["account"]
    header, now = got.headers["Jambonz-Signature"], datetime.now(UTC).timestamp()
    assert is_genuine(secret["webhookSecret"], header, got.body, now)
    event = json.loads(got.body)
    assert event["test"] is True
    assert (event["kind"], event["accountId"], event["deliveryId"]) == ("REGISTRATION", world["own"], done["id"])
    assert event["realm"] == "own.sip.example.com"
    assert got.headers["Content-Type"] == "application/json"
    values = {
        name: done[name]
        for name in ("kind", "method", "succeeded", "status", "reply", "replyTruncated", "code", "reason")
    }
    assert values == {
        "kind": "REGISTRATION",
        "method": "POST",
        "succeeded": True,
        "status": 200,
        "reply": "thanks",
        "replyTruncated": False,
        "code": None,
        "reason": None,
    }
    assert 0 <= done["durationMs"] < 5000


async def test_each_kind_goes_to_its_own_webhook(account_user: Person, receiver: Receiver, world: World) -> None:
    await point(account_user, world["own"], f"{receiver.url}/queue", "queueEventWebhook")
    done = await send(account_user, world["own"], "QUEUE_EVENT")
    (got,) = receiver.received
    assert (got.target, json.loads(got.body)["event"], done["kind"]) == ("/hook/queue", "join", "QUEUE_EVENT")


async def test_a_get_carries_the_event_in_its_query_and_signs_the_time(
    account_user: Person, receiver: Receiver, world: World
) -> None:
    await point(account_user, world["own"], f"{receiver.url}?a=b%2Fc&a=d", method="GET")
    done = await send(account_user, world["own"])
    (got,) = receiver.received
    assert (got.method, got.body, done["requestBody"]) == ("GET", b"", "")
    query = parse_qs(urlsplit(got.target).query)
    assert (query["a"], query["test"], query["deliveryId"]) == (["b/c", "d"], ["true"], [done["id"]])
    assert done["url"].endswith(got.target)
    assert "Content-Type" not in got.headers
    secret = (await account_user.ask("{ viewer { account { webhookSecret } } }")).only("viewer")["account"]
    assert is_genuine(secret["webhookSecret"], got.headers["Jambonz-Signature"], b"", datetime.now(UTC).timestamp())


async def test_basic_authentication_is_sent_and_never_returned(
    account_user: Person, receiver: Receiver, installation: Installation, world: World
) -> None:
    credentials = {"username": "Gäteway", "password": "corréct 🎧"}
    await point(account_user, world["own"], receiver.url, **credentials)
    done = await send(account_user, world["own"])
    sent = receiver.received[0].headers["Authorization"]
    assert base64.b64decode(sent.removeprefix("Basic ")).decode() == "Gäteway:corréct 🎧"
    assert {"name": "Authorization", "value": "Basic …"} in done["requestHeaders"]
    async with installation.database() as connection:
        rows = [dict(row) for row in await connection.execute_query_dict("SELECT * FROM webhook_deliveries")]
    for secret in (sent.removeprefix("Basic "), "corréct"):
        assert secret not in str(done)
        assert secret not in str(rows)


async def test_a_missing_webhook_cannot_be_tested(account_user: Person, world: World) -> None:
    payload = await account_user.change("sendTestWebhook", SHOWN, accountId=world["own"], kind="QUEUE_EVENT")
    assert refusals(payload) == [("NOT_FOUND", ["kind"])]


async def test_another_tenants_webhook_cannot_be_tested(
    account_user: Person, provider: Person, receiver: Receiver, admin: Person, world: World
) -> None:
    for place in ("sibling", "foreign"):
        await point(admin, world[place], receiver.url)
    nowhere = sid_of(Kind.ACCOUNT, new_id())
    for person, places in ((account_user, ("sibling", "foreign")), (provider, ("foreign",))):
        for id_ in (*(world[place] for place in places), nowhere, world["own_delivery"], "", "AC\0"):
            payload = await person.change("sendTestWebhook", SHOWN, accountId=id_, kind="REGISTRATION")
            assert refusals(payload) == [("NOT_FOUND", ["accountId"])]
    assert receiver.received == []


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, "CALL_REFUSED", "The receiver refused the call (HTTP 400): check its log."),
        (
            401,
            "CREDENTIALS_REFUSED",
            "The receiver refused the credentials (HTTP 401): check the user name and the password, or how it checks the "
            "signature.",
        ),
        (404, "PATH_NOT_FOUND", "The receiver has nothing at this address (HTTP 404): check the path of the URL."),
        (
            405,
            "METHOD_REFUSED",
            "The receiver does not accept this method (HTTP 405): choose the other one, or check the path of the URL.",
        ),
        (
            415,
            "JSON_REFUSED",
            "The receiver does not accept JSON (HTTP 415): check the path of the URL, and what it expects there.",
        ),
        (429, "TOO_MANY_CALLS", "The receiver got too many calls (HTTP 429): try again later."),
        (503, "RECEIVER_FAILED", "The receiver failed (HTTP 503): check its log."),
    ],
)
async def test_a_refusal_of_the_receiver_is_reported_with_status_and_reply(
    account_user: Person, receiver: Receiver, world: World, status: int, code: str, reason: str
) -> None:
    done = await tried(account_user, world["own"], receiver, answer(status, b"no"))
    assert (done["succeeded"], done["status"], done["reply"]) == (False, status, "no")
    assert (done["code"], done["reason"]) == (code, reason)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_the_metadata_service_is_not_followed(
    account_user: Person, receiver: Receiver, world: World, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []
    real = OutboundGate.judge_text

    def noting(gate: OutboundGate, address: str, port: int | None = None) -> Refusal | None:
        judged.append(address)
        return real(gate, address, port)

    monkeypatch.setattr(OutboundGate, "judge_text", noting)
    redirect = answer(status, Location="http://169.254.169.254/latest/meta-data")
    done = await tried(account_user, world["own"], receiver, redirect)
    assert (done["succeeded"], done["status"]) == (False, status)
    assert "not followed" in done["reason"]
    assert "169.254" not in str(done)
    assert len(receiver.received) == 1
    assert set(judged) == {"127.0.0.1"}


async def test_a_redirect_to_another_path_is_not_followed(
    account_user: Person, receiver: Receiver, world: World
) -> None:
    done = await tried(account_user, world["own"], receiver, answer(302, Location="/elsewhere"))
    assert done["status"] == 302
    assert [one.target for one in receiver.received] == ["/hook"]


async def test_a_long_reply_is_read_up_to_two_kibibytes(account_user: Person, receiver: Receiver, world: World) -> None:
    written = []

    async def send_much(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n")
        for _ in range(640):
            writer.write(b"a" * 16384)
            await writer.drain()
            written.append(16384)

    done = await tried(account_user, world["own"], receiver, send_much)
    assert (done["succeeded"], done["reply"], done["replyTruncated"]) == (True, "a" * 2048, True)
    assert sum(written) < 10485760


@pytest.mark.parametrize(
    ("body", "reply", "truncated"),
    [
        (b"", "", False),
        (b"a" * 2048, "a" * 2048, False),
        (b"a" * 2049, "a" * 2048, True),
        (b"\xff\xfe ok \x00", "�� ok �", False),
        ("🎧".encode() * 600, "🎧" * 512, True),
        (b"a" + "🎧".encode() * 600, "a" + "🎧" * 511, True),
        (b"cut \xf0\x9f", "cut �", False),
        (b"\x1f\x8b\x08\x00", "\x1f�\x08�", False),
    ],
)
async def test_a_reply_is_shown_as_text_whatever_its_bytes_are(
    account_user: Person, receiver: Receiver, world: World, body: bytes, reply: str, truncated: bool
) -> None:
    done = await tried(account_user, world["own"], receiver, answer(200, body, Content_Encoding="gzip"))
    assert (done["reply"], done["replyTruncated"], done["succeeded"]) == (reply, truncated, True)


@pytest.mark.parametrize(
    ("behaviour", "status", "code", "words"),
    [
        (receivers.hang, None, "NO_RESPONSE", "did not respond in time (within 0.5 seconds): respond before"),
        (receivers.reset, None, "CONNECTION_CLOSED", "without a response"),
        (raw(b""), None, "CONNECTION_CLOSED", "without a response"),
        (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), None, "INVALID_RESPONSE", "is not HTTP:"),
        (raw(b"HTTP/1.1 99999999 OK\r\n\r\n"), None, "INVALID_RESPONSE", "is not HTTP:"),
        (receivers.endless_headers, None, "INVALID_RESPONSE", "is not HTTP:"),
        (
            raw(b"HTTP/1.1 102 Processing\r\n\r\n" * 17 + b"HTTP/1.1 200 OK\r\n\r\n"),
            *(None, "INVALID_RESPONSE", "is not HTTP:"),
        ),
        (receivers.drip, 200, "REPLY_UNFINISHED", "does not end (within 0.5 seconds): send"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), 200, "REPLY_UNFINISHED", "does not end: send"),
        (
            raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            *(None, "INVALID_RESPONSE", "is not HTTP:"),
        ),
    ],
    ids=[
        "hangs",
        "resets",
        "closes",
        "SSH",
        "no status",
        "endless headers",
        "endless interim answers",
        "drips",
        "breaks off",
        "wrong chunk",
    ],
)
@pytest.mark.usefixtures("hurried")
async def test_a_receiver_that_misbehaves_gets_a_plain_reason(
    account_user: Person,
    receiver: Receiver,
    world: World,
    behaviour: receivers.Behaviour,
    status: int | None,
    code: str,
    words: str,
) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        done = await tried(account_user, world["own"], receiver, behaviour)
    assert (done["succeeded"], done["status"], done["code"]) == (False, status, code)
    assert words in done["reason"]
    assert (done["reply"] is None) == (status is None)


async def test_a_receiver_may_send_100_continue_first(account_user: Person, receiver: Receiver, world: World) -> None:
    patient = raw(b"HTTP/1.1 102 Processing\r\n\r\n" * 16 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    done = await tried(account_user, world["own"], receiver, patient)
    assert (done["status"], done["reply"]) == (200, "ok")


async def test_a_call_ends_within_five_seconds(installation: Installation) -> None:
    assert delivery.TOTAL_SECONDS == 5
    assert installation.resources.clients[WebhookSender]._total_seconds == 5


async def test_a_closed_port_is_reported(account_user: Person, world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    await point(account_user, world["own"], f"http://127.0.0.1:{port}/")
    done = await send(account_user, world["own"])
    assert (done["code"], done["reason"]) == (
        "CONNECTION_REFUSED",
        "Nothing listens at the host and port of the receiver: check both.",
    )
    answer = await account_user.ask("{ auditEvents(first: 1) { nodes { operation changes { field after } } } }")
    (event,) = answer.only("auditEvents")["nodes"]
    assert {"field": "code", "after": '"CONNECTION_REFUSED"'} in event["changes"]


async def test_an_untrusted_certificate_ends_the_call(account_user: Person, world: World, tmp_path: Path) -> None:
    async with Receiver(self_signed(tmp_path)) as receiver:
        await point(account_user, world["own"], receiver.url)
        done = await send(account_user, world["own"])
        assert receiver.received == []
    assert (done["status"], done["code"]) == (None, "TLS")


async def test_an_authority_that_the_operating_system_trusts_is_trusted_for_webhooks(
    account_user: Person, world: World, tmp_path: Path
) -> None:
    certificate = self_signed(tmp_path)
    with trusted(certificate):
        async with Receiver(certificate) as receiver:
            await point(account_user, world["own"], receiver.url)
            assert (await send(account_user, world["own"]))["status"] == 200


async def test_a_plain_http_receiver_at_an_https_url_is_reported(
    account_user: Person, receiver: Receiver, world: World
) -> None:
    await point(account_user, world["own"], receiver.url.replace("http:", "https:"))
    assert (await send(account_user, world["own"]))["code"] == "TLS"


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        (["10.0.0.7"], "a private address"),
        (["169.254.169.254"], "the metadata service"),
        (["127.0.0.1"], "a loopback address"),
        (["93.184.215.14", "192.168.1.1"], "a private address"),
        (["::ffff:10.0.0.7"], "a private address"),
        (["fd00:ec2::254"], "the metadata service"),
    ],
)
async def test_a_name_with_a_private_address_is_refused_at_the_call(
    account_user: Person, world: World, monkeypatch: pytest.MonkeyPatch, addresses: list[str], words: str
) -> None:
    await point(account_user, world["own"], "http://hooks.example.com:8080/")

    def resolve(_host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        return [
            (families[":" in one], socket.SOCK_STREAM, 6, "", (one, port, 0, 0) if ":" in one else (one, port))
            for one in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    done = await send(account_user, world["own"])
    monkeypatch.undo()
    assert (done["status"], done["code"]) == (None, "ADDRESS_NOT_PUBLIC")
    assert words in done["reason"]
    assert not any(address in str(done) for address in addresses)


async def test_an_address_no_longer_allowed_by_the_operator_is_refused_at_the_call(
    account_user: Person, receiver: Receiver, installation: Installation, world: World
) -> None:
    await point(account_user, world["own"], receiver.url)
    sender = WebhookSender(OutboundGate())
    await sender.open()
    installation.resources.clients[WebhookSender] = sender  # type: ignore[index]
    done = await send(account_user, world["own"])
    await sender.close()
    assert "loopback" in done["reason"]
    assert receiver.received == []


async def test_an_unknown_name_is_reported(account_user: Person, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    await point(account_user, world["own"], "https://hoks.example.com/")
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    done = await send(account_user, world["own"])
    assert (done["code"], done["reason"]) == (
        "UNKNOWN_HOST",
        "The host name of the receiver cannot be resolved: check the URL.",
    )


async def test_the_servers_environment_is_ignored(
    account_user: Person, receiver: Receiver, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login root password toor")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HOME", str(tmp_path))
    await tried(account_user, world["own"], receiver, answer(200, Set_Cookie="session=1"))
    await send(account_user, world["own"])
    assert len(receiver.received) == 2
    assert not any({"Cookie", "Authorization"} & one.headers.keys() for one in receiver.received)


async def test_no_account_and_no_provider_takes_all_slots(
    installation: Installation, admin: Person, receiver: Receiver, world: World
) -> None:
    sender = installation.resources.clients[WebhookSender]
    sender._slots = FairSlots(4)
    own, sibling, foreign = (world[name] for name in ("own", "sibling", "foreign"))
    for account_id in (own, sibling, foreign):
        await point(admin, account_id, receiver.url)
    query = (
        "mutation ($id: ID!) { sendTestWebhook(input: {accountId: $id, kind: REGISTRATION}) { delivery { reason } } }"
    )

    provider_id = parse_sid(Kind.SERVICE_PROVIDER, world["provider"])
    with ExitStack() as running:
        for account_id in (own, own, sibling):
            running.enter_context(
                sender._slots.tenant_slot(parse_sid(Kind.ACCOUNT, account_id), provider_id, "webhook tests")
            )
        for account_id, owner in ((own, "account"), (sibling, "service provider")):
            (error,) = (await admin.ask(query, id=account_id)).errors
            assert error["extensions"]["code"] == "RATE_LIMITED"
            assert f"This {owner} has webhook tests running already." in error["message"]
        assert (await admin.ask(query, id=foreign)).codes == []
    assert (await admin.ask(query, id=own)).codes == []


async def test_a_read_only_key_sends_nothing(
    read_only: Person, receiver: Receiver, admin: Person, world: World
) -> None:
    await point(admin, world["own"], receiver.url)
    query = "mutation ($id: ID!) { sendTestWebhook(input: {accountId: $id, kind: REGISTRATION}) { delivery { id } } }"
    assert (await read_only.ask(query, id=world["own"])).codes == ["FORBIDDEN"]
    assert receiver.received == []


LOGIN = {"username": "gateway", "password": "correct-horse-battery"}
SENT = base64.b64encode(b"gateway:correct-horse-battery")
PARTS = ("correct", "correct-h", SENT[:8].decode(), "wh_sec")


def echoed(secret: bytes, before: int, *, ends: bool = True) -> receivers.Behaviour:
    """Answers with a secret after this many bytes; an incomplete reply announces more than it sends."""
    body = b"-" * before + secret
    if ends:
        return answer(200, body)

    async def send_some(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + body)
        await writer.drain()
        await asyncio.Event().wait()

    return send_some


@pytest.mark.parametrize("ends", [True, False], ids=["ends", "does not end"])
@pytest.mark.parametrize("secret", [LOGIN["password"].encode(), SENT, b"Basic " + SENT, b"the webhook's"])
@pytest.mark.parametrize("before", [0, 2035, 2047])
@pytest.mark.usefixtures("hurried")
async def test_a_secret_in_a_reply_is_masked(
    account_user: Person,
    receiver: Receiver,
    installation: Installation,
    world: World,
    before: int,
    secret: bytes,
    ends: bool,
) -> None:
    await point(account_user, world["own"], receiver.url, **LOGIN)
    if secret == b"the webhook's":
        account = (await account_user.ask("{ viewer { account { webhookSecret } } }")).only("viewer")["account"]
        secret = account["webhookSecret"].encode()
    receiver.behaviour = echoed(secret, before, ends=ends)
    done = await send(account_user, world["own"])
    assert done["reply"].startswith("-" * before)
    assert ("•" in done["reply"]) == (before < 2040)
    assert len(done["reply"].encode()) <= 2048
    async with installation.database() as connection:
        rows = [dict(row) for row in await connection.execute_query_dict("SELECT * FROM webhook_deliveries")]
    for part in PARTS:
        assert part not in str(done)
        assert part not in str(rows)


@pytest.mark.parametrize("known", [1, 5, 20])
@pytest.mark.parametrize("secret", [LOGIN["password"].encode(), SENT, b"Basic " + SENT])
@pytest.mark.parametrize("before", [0, 3000])
@pytest.mark.usefixtures("hurried")
async def test_a_partial_secret_at_the_end_of_a_reply_is_omitted(
    account_user: Person, receiver: Receiver, world: World, before: int, secret: bytes, known: int
) -> None:
    await point(account_user, world["own"], receiver.url, **LOGIN)
    receiver.behaviour = echoed(b"said: " + secret[:known], before, ends=False)
    done = await send(account_user, world["own"])
    assert done["reply"] == ("-" * before + "said: ")[:2048]
    assert done["replyTruncated"] == (before > 2048)


async def test_a_complete_reply_is_not_shortened(account_user: Person, receiver: Receiver, world: World) -> None:
    await point(account_user, world["own"], receiver.url, **LOGIN)
    receiver.behaviour = answer(200, b"Basic c")
    assert (await send(account_user, world["own"]))["reply"] == "Basic c"


def test_masking_does_not_mark_a_reply_as_truncated() -> None:
    text, is_truncated = delivery._redacted_reply(b"a" * 1000, ["a"], has_ended=True)
    assert (len(text.encode()) <= 2048, is_truncated, set(text)) == (True, True, {"•"})
