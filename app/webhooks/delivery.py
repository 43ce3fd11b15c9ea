"""Calling a webhook: signed, over the one outbound gate, within five seconds, and following nothing.

`WebhookSender.send` answers what was sent and what came back, or one plain sentence on why nothing did; it never raises for
what is wrong with the receiver. Nothing of this server's environment (proxies, `.netrc`, cookies) takes part.
"""

import asyncio
import base64
import codecs
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from yarl import URL

from app.foundation.concurrency_limits import FairSlots
from app.foundation.errors import RateLimited
from app.foundation.outbound.failure_kind import FailureKind
from app.foundation.outbound.guard import OutboundGate, OutboundRefused
from app.webhooks import signing
from app.webhooks.model import WebhookMethod
from app.webhooks.samples import Event

if TYPE_CHECKING:
    from app.webhooks.request import Client

TOTAL_SECONDS = 5.0
CONNECT_SECONDS = 3.0
MAXIMUM_REPLY_BYTES = 2048
MAXIMUM_CALLS = 32


@dataclass(frozen=True)
class OutgoingCall:
    """What to send, and where to."""

    method: WebhookMethod
    url: str
    event: Event
    secrets: Sequence[str] = field(repr=False)
    """All of them sign, the newest first."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass
class Delivery:
    """What was sent and what came back. It holds no secret: what basic auth sends is left out, in the reply too."""

    url: str
    request_headers: dict[str, str]
    request_body: str
    duration_ms: int = 0
    status: int | None = None
    reply: str | None = None
    """The first 2 KiB; bytes that are no UTF-8, and NUL, are U+FFFD. None when nobody answered."""
    reply_truncated: bool = False
    reason: str | None = None
    """Why it did not succeed, as a sentence; None when it did."""


class WebhookSender:
    """Calls webhooks, of which no account and no service provider takes all slots. `close` it at the end."""

    def __init__(self, gate: OutboundGate, *, total_seconds: float = TOTAL_SECONDS) -> None:
        self._gate = gate
        self._total_seconds = total_seconds
        self._client: Client | None = None
        self._opening = asyncio.Lock()
        self._slots = FairSlots(MAXIMUM_CALLS)

    async def open(self) -> "Client":
        """The HTTP client, loaded when it is needed first, in a thread, so that nobody else waits for it."""
        async with self._opening:
            if self._client is None:
                client = await asyncio.to_thread(_load_client)
                self._client = client(self._gate, CONNECT_SECONDS, MAXIMUM_CALLS)
        return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
        self._client = None

    async def send(self, call: OutgoingCall, account_id: UUID, service_provider_id: UUID) -> Delivery:
        """Calls once. Raises RateLimited when the account, its service provider, or all of them have too many calls running."""
        if self._slots.is_full:
            raise RateLimited("Too many webhook tests are running. Try again in a few seconds.")
        with self._slots.tenant_slot(account_id, service_provider_id, "webhook tests"):
            client = await self.open()
            url, body = _request(call)
            headers = _headers(call, url, body, int(time.time()))
            shown = {name: "Basic …" if name == "Authorization" else value for name, value in headers.items()}
            delivery = Delivery(str(url), shown, body.decode())
            begun = time.monotonic()
            try:
                # An address without a name never reaches the resolver.
                if reason := self._gate.judge_text(url.host or "", url.port):
                    raise OutboundRefused(reason)
                async with asyncio.timeout(self._total_seconds):
                    await self._exchange(client, call, url, headers, body, delivery)
            except Exception as error:  # noqa: BLE001 - a hostile answer makes the HTTP client raise anything
                delivery.reason = self._explain(client, error, delivery)
            delivery.duration_ms = round((time.monotonic() - begun) * 1000)
            return delivery

    async def _exchange(
        self,
        client: "Client",
        call: OutgoingCall,
        url: URL,
        headers: Mapping[str, str],
        body: bytes,
        delivery: Delivery,
    ) -> None:
        """Sends, and fills in what comes back, as far as it comes."""
        async with client.response(call.method.name, url, body, headers) as response:
            delivery.status = response.status
            delivery.reason = _status_reason(response.status)
            content, has_ended = b"", False
            try:
                while len(content) <= MAXIMUM_REPLY_BYTES and not has_ended:
                    chunk = await response.content.read(1024)
                    content, has_ended = content + chunk, not chunk
            finally:
                # What came before the reply broke off is shown. The rest of a long one is not read.
                shown = _redacted_reply(content, _secrets(call, headers), has_ended=has_ended)
                delivery.reply, delivery.reply_truncated = shown
                response.close()

    def _explain(self, client: "Client", error: Exception, delivery: Delivery) -> str:
        if delivery.status is not None:
            seconds = f" within {self._total_seconds:g} seconds" if isinstance(error, TimeoutError) else ""
            return delivery.reason or f"The receiver answered {delivery.status}, but its reply does not end{seconds}."
        if isinstance(error, TimeoutError) and not client.is_connect_timeout(error):
            return f"The receiver did not answer within {self._total_seconds:g} seconds. Answer first, and work then."
        kind, reason = client.kind_of(error)
        return reason or _REASONS[kind]


def _request(call: OutgoingCall) -> tuple[URL, bytes]:
    """Where to, and the body: the event goes into the query of a GET."""
    url = URL(call.url).with_fragment(None)
    if call.method is WebhookMethod.POST:
        return url, json.dumps(call.event, separators=(",", ":"), ensure_ascii=False).encode()
    values = {name: value if isinstance(value, str) else json.dumps(value) for name, value in call.event.items()}
    return url.extend_query(values), b""


def _headers(call: OutgoingCall, url: URL, body: bytes, at: int) -> dict[str, str]:
    """All headers of the request, so that what is shown is what was sent."""
    headers = {
        "Host": url.host_port_subcomponent or "",
        "User-Agent": "voice-gateway-accounts",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if body:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    if call.username is not None:
        pair = f"{call.username}:{call.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return {**headers, signing.HEADER: signing.signature(call.secrets, body, at)}


def _secrets(call: OutgoingCall, headers: Mapping[str, str]) -> list[str]:
    """What no reply may bring back in clear. What stands behind `Basic` is hidden by itself, wherever it stands."""
    whole = headers.get("Authorization", "")
    return [one for one in (whole.removeprefix("Basic "), whole, call.password, *call.secrets) if one]


def _redacted_reply(content: bytes, secrets: Sequence[str], *, has_ended: bool) -> tuple[str, bool]:
    """The beginning of a reply, without the secrets that it repeats, and whether that is not all of what came.

    Hidden before anything is cut off: half a secret would not be found. Of a reply that goes on, the end is left out where a
    secret may begin.
    """
    hidden = content
    for secret in secrets:
        hidden = hidden.replace(secret.encode(), "•••".encode())
    if not has_ended:
        hidden = hidden[
            : len(hidden) - max((_partial_secret_length(hidden, one.encode()) for one in secrets), default=0)
        ]
    return _decode(hidden), max(len(content), len(hidden)) > MAXIMUM_REPLY_BYTES


def _partial_secret_length(content: bytes, secret: bytes) -> int:
    """How many bytes at the end may be the beginning of a secret."""
    return next((length for length in range(len(secret) - 1, 0, -1) if content.endswith(secret[:length])), 0)


def _decode(content: bytes) -> str:
    """The beginning of a reply. A letter that its end cuts in two is left out; PostgreSQL's texts hold no NUL."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    is_whole = len(content) <= MAXIMUM_REPLY_BYTES
    return decoder.decode(content[:MAXIMUM_REPLY_BYTES], final=is_whole).replace("\0", "\ufffd")


def _status_reason(status: int) -> str | None:
    """One sentence on what to fix; None for a success."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return (
            f"The receiver sends calls on to another address (HTTP {status}), which is not followed. "
            "Enter the address that it sends them to."
        )
    if status >= 500:
        return f"The receiver has a fault of its own (HTTP {status}): look into its log."
    return _STATUS.get(status) or f"The receiver refused the call with HTTP {status}: look into its log."


_STATUS = {
    401: "The receiver refused the call (HTTP 401): check the user name and the password, or how it checks the signature.",
    403: "The receiver refused the call (HTTP 403): check the user name and the password, or how it checks the signature.",
    404: "The receiver has nothing at this address (HTTP 404): check the path of the URL.",
    405: "The receiver does not take this method (HTTP 405): choose the other one, or check the path of the URL.",
    410: "The receiver has nothing at this address any more (HTTP 410): check the path of the URL.",
    415: "The receiver does not take JSON (HTTP 415).",
    429: "The receiver gets too many calls (HTTP 429). Try again later.",
}
_REASONS = {
    FailureKind.REFUSED_ADDRESS: "The address is not public. Give a host that is public.",
    FailureKind.UNKNOWN_HOST: "The host name is not known: check the spelling of the URL.",
    FailureKind.CONNECTION_REFUSED: "Nothing listens at this host and port: check the URL.",
    FailureKind.UNREACHABLE: "There is no way to this host: check the URL, or the firewall in between.",
    FailureKind.CONNECT_TIMEOUT: f"No connection comes about within {CONNECT_SECONDS:g} seconds: check host and port, "
    "whether it wants http or https, and the firewall in between.",
    FailureKind.TLS: "No trusted encrypted connection comes about: check that the receiver really speaks https, and that "
    "its certificate is valid, for this host name and from a public authority.",
    FailureKind.CLOSED: "The receiver ends the connection without an answer: check the port, and whether it wants http or "
    "https.",
    FailureKind.NOT_S3: "The answer is not one of HTTP: check the port, and whether it wants http or https.",
}


def _load_client() -> "type[Client]":
    from app.webhooks import request  # noqa: PLC0415  aiohttp's memory, for those who call webhooks alone

    return request.Client
