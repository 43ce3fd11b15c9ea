"""Delivery of webhook calls: signed, through the outbound gate, within five seconds, without following redirects.

`WebhookSender.send` returns what was sent and received, or a sentence on why the call failed; it never raises for
errors of the receiver. It ignores this server's environment (proxies, `.netrc`, cookies).
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
from app.webhooks.faults import DeliveryFault, ReceiverFault
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
    """A webhook call to send."""

    method: WebhookMethod
    url: str
    event: Event
    secrets: Sequence[str] = field(repr=False)
    """All of them sign, the newest first."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass
class Delivery:
    """What was sent and received, without secrets: credentials of basic authentication are masked, in the reply too."""

    url: str
    request_headers: dict[str, str]
    request_body: str
    duration_ms: int = 0
    status: int | None = None
    reply: str | None = None
    """The first 2 KiB; invalid UTF-8 and NUL become U+FFFD. None without a response."""
    reply_truncated: bool = False
    fault: DeliveryFault | None = None
    """Why the call failed; None on success."""


class WebhookSender:
    """Sends webhook calls, with slots shared fairly by accounts and service providers. Call `close` at the end."""

    def __init__(self, gate: OutboundGate, *, total_seconds: float = TOTAL_SECONDS) -> None:
        self._gate = gate
        self._total_seconds = total_seconds
        self._client: Client | None = None
        self._opening = asyncio.Lock()
        self._slots = FairSlots(MAXIMUM_CALLS)

    async def open(self) -> "Client":
        """The HTTP client, loaded in a thread when it is first needed."""
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
        """Sends one call. Raises RateLimited when the account, its provider or this worker has too many running."""
        if self._slots.is_full:
            raise RateLimited("Too many webhook tests are running. Try again in a few seconds.")
        with self._slots.tenant_slot(account_id, service_provider_id, "webhook tests"):
            client = await self.open()
            url, body = _request(call)
            headers = _headers(call, url, body, int(time.time()))
            shown = {name: "Basic …" if name == "Authorization" else value for name, value in headers.items()}
            delivery = Delivery(str(url), shown, body.decode())
            started = time.monotonic()
            try:
                # The resolver never sees a host that is an IP address.
                if refusal := self._gate.judge_text(url.host or "", url.port):
                    raise OutboundRefused(refusal.reason)
                async with asyncio.timeout(self._total_seconds):
                    await self._exchange(client, call, url, headers, body, delivery)
            except Exception as error:  # noqa: BLE001 - a hostile response makes the HTTP client raise anything
                delivery.fault = self._explain(client, error, delivery)
            delivery.duration_ms = round((time.monotonic() - started) * 1000)
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
        """Sends the request and fills in the response as far as it arrives."""
        async with client.response(call.method.name, url, body, headers) as response:
            delivery.status = response.status
            delivery.fault = DeliveryFault.of_status(response.status)
            content, has_ended = b"", False
            try:
                while len(content) <= MAXIMUM_REPLY_BYTES and not has_ended:
                    chunk = await response.content.read(1024)
                    content, has_ended = content + chunk, not chunk
            finally:
                # Keep the part that arrived before the reply broke off. The rest of a long reply is not read.
                shown = _redacted_reply(content, _secrets(call, headers), has_ended=has_ended)
                delivery.reply, delivery.reply_truncated = shown
                response.close()

    def _explain(self, client: "Client", error: Exception, delivery: Delivery) -> DeliveryFault:
        limit = f" (within {self._total_seconds:g} seconds)" if isinstance(error, TimeoutError) else ""
        if delivery.status is not None:
            return delivery.fault or DeliveryFault.of(ReceiverFault.REPLY_UNFINISHED, limit)
        if isinstance(error, TimeoutError) and not client.is_connect_timeout(error):
            return DeliveryFault.of(FailureKind.NO_RESPONSE, limit)
        kind, reason = client.kind_of(error)
        return DeliveryFault(kind, reason) if reason else DeliveryFault.of(kind)


def _request(call: OutgoingCall) -> tuple[URL, bytes]:
    """The URL and the body; a GET has the event in its query."""
    url = URL(call.url).with_fragment(None)
    if call.method is WebhookMethod.POST:
        return url, json.dumps(call.event, separators=(",", ":"), ensure_ascii=False).encode()
    values = {name: value if isinstance(value, str) else json.dumps(value) for name, value in call.event.items()}
    return url.extend_query(values), b""


def _headers(call: OutgoingCall, url: URL, body: bytes, at: int) -> dict[str, str]:
    """All headers of the request, so that the recorded ones are those sent."""
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
    """Secrets to mask in a reply. Basic credentials are masked with and without their scheme."""
    whole = headers.get("Authorization", "")
    return [one for one in (whole.removeprefix("Basic "), whole, call.password, *call.secrets) if one]


def _redacted_reply(content: bytes, secrets: Sequence[str], *, has_ended: bool) -> tuple[str, bool]:
    """The beginning of a reply with masked secrets, and whether it was longer.

    Masks before truncating, since a partial secret would not be found. If the reply continues, omits a tail that may begin a
    secret.
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
    """The beginning of a reply. Omits a character that is cut off; replaces NUL, which PostgreSQL cannot store."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    is_whole = len(content) <= MAXIMUM_REPLY_BYTES
    return decoder.decode(content[:MAXIMUM_REPLY_BYTES], final=is_whole).replace("\0", "\ufffd")


def _load_client() -> "type[Client]":
    from app.webhooks import request  # noqa: PLC0415  aiohttp's memory, needed only to call webhooks

    return request.Client
