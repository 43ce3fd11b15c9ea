"""`/record`: the WebSocket on which a gateway streams a call's audio.

The key is checked when a stream begins; a later revocation does not end running streams.
"""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.foundation import metrics
from app.foundation.access import MayActAsGateway, Viewer
from app.foundation.concurrency_limits import Slot
from app.foundation.errors import BadUserInput, ClientError, Forbidden, ServiceUnavailable, Unauthenticated, json_error
from app.foundation.identifiers import Kind, sid_of
from app.recording.audio_stream import AudioStream
from app.recording.disk import disk_fault
from app.recording.ingest import RecordingIngest
from app.recording.stream import (
    DIVERT,
    FIRST_AUDIO_SECONDS,
    FIRST_FRAME_SECONDS,
    HOLD_CLOSE,
    SUBPROTOCOL,
    CloseCode,
    FirstFrame,
    Refused,
)

Authenticate = Callable[[bytes | None], Awaitable[Viewer | None]]
"""Authenticates an Authorization header. Raises Unauthenticated and ServiceUnavailable."""


async def record(websocket: WebSocket, authenticate: Authenticate, ingest: RecordingIngest) -> None:
    """Records one call's audio, from the handshake to the end of the stream."""
    try:
        await _record(websocket, authenticate, ingest)
    except WebSocketDisconnect:
        raise
    except Exception:
        metrics.recording_rejected("error")
        raise


async def _record(websocket: WebSocket, authenticate: Authenticate, ingest: RecordingIngest) -> None:
    try:
        viewer = await _gateway(websocket, authenticate)
    except ClientError as refused:
        await _reject_handshake(websocket, refused)
        return
    if SUBPROTOCOL not in websocket.scope["subprotocols"]:
        await _reject_handshake(websocket, BadUserInput(f"Ask for the sub-protocol {SUBPROTOCOL}."))
        return
    websocket.scope["extensions"][HOLD_CLOSE]()
    await websocket.accept(subprotocol=SUBPROTOCOL)
    try:
        with ingest.slot(viewer) as slot:
            stream = await _record_stream(websocket, viewer, ingest, slot)
        # Outside the slot: if the database does not answer, this waits until its timeout.
        if stream is not None:
            await ingest.wait_for_handover(stream)
    except Refused as refused:
        websocket.scope["log"]["close_code"] = int(refused.code)
        websocket.scope["log"]["close_reason"] = refused.reason
        await _close(websocket, refused.code, refused.reason)


async def _gateway(websocket: WebSocket, authenticate: Authenticate) -> Viewer:
    """Raises ClientError: Unauthenticated, Forbidden or ServiceUnavailable."""
    given = [value for name, value in websocket.scope["headers"] if name == b"authorization"]
    viewer = await authenticate(_bearer(b", ".join(given)) if given else None)
    if viewer is None:
        raise Unauthenticated(
            "Send an API key with the permission ACT_AS_GATEWAY: Authorization: Basic … or Bearer vgk_…"
        )
    MayActAsGateway.check(viewer, "/record")
    return viewer


def _bearer(header: bytes) -> bytes:
    """Turns basic credentials into a bearer token: the key is the password or the user name. Other schemes stay."""
    scheme, _, text = header.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return header
    try:
        user, _, password = base64.b64decode(text.strip(), validate=True).partition(b":")
    except binascii.Error:
        return header
    return b"Bearer " + (password if password.startswith(b"vgk_") or not user.startswith(b"vgk_") else user)


async def _reject_handshake(websocket: WebSocket, refused: ClientError) -> None:
    """Answers the handshake with an HTTP error."""
    status, why = _DENIALS.get(type(refused), (400, "protocol"))
    metrics.recording_rejected(why)
    body = {"errors": [json_error(refused.message, refused.extensions, websocket.scope["request_id"])]}
    headers = {"WWW-Authenticate": 'Basic realm="recordings", Bearer'} if status == 401 else {}
    await websocket.send_denial_response(JSONResponse(body, status, headers))


_DENIALS: dict[type[ClientError], tuple[int, str]] = {
    Unauthenticated: (401, "unauthenticated"),
    Forbidden: (403, "forbidden"),
    ServiceUnavailable: (503, "database"),
}
"""The HTTP status of the response, and the reason for metrics."""


async def _close(websocket: WebSocket, code: int, reason: str = "") -> None:
    """Closes the connection; also completes a close that the client began."""
    with suppress(WebSocketDisconnect):  # the client has disconnected
        await websocket.close(code, reason)


async def _record_stream(
    websocket: WebSocket, viewer: Viewer, ingest: RecordingIngest, slot: Slot
) -> AudioStream | None:
    """Records the stream until its end. None when the gateway left before the first frame. Raises Refused."""
    first = await _first_frame(websocket)
    if first is None:
        await _close(websocket, CloseCode.SAVED)
        return None
    stream = ingest.stream(first)
    # From here on audio goes to the stream's buffer as it arrives, while the call's settings are looked up.
    stream.on_room = websocket.scope["extensions"][DIVERT](stream.receive)
    recorded = await ingest.begin(viewer, slot, stream)
    log_fields = websocket.scope["log"]
    log_fields |= {"call": sid_of(Kind.CALL, recorded.call_id), "account": sid_of(Kind.ACCOUNT, recorded.account_id)}
    silent = Refused(CloseCode.TIMED_OUT, f"no audio came within {FIRST_AUDIO_SECONDS:g} s")
    silence = asyncio.get_running_loop().call_later(FIRST_AUDIO_SECONDS, stream.end_if_silent, silent)
    try:
        code = await _wait_for_end(websocket, stream)
    finally:
        silence.cancel()
        lost = await ingest.end(stream)
        log_fields["audio_seconds"] = round(stream.samples / first.sample_rate, 2)
    if lost is not None:
        raise _disk_refusal(lost)
    await _close(websocket, CloseCode.SAVED if code in _NO_CODES else code)
    return stream


def _disk_refusal(error: Exception) -> Refused:
    return Refused(CloseCode.INTERNAL_ERROR, f"{disk_fault(error).reason}: the recording ends here")


# Codes of connections that ended without a close frame, or with an empty one; no close frame may hold them (RFC 6455,
# 7.4.1).
_NO_CODES = {1005, 1006, 1015}


async def _first_frame(websocket: WebSocket) -> FirstFrame | None:
    """None when the gateway has disconnected. Raises Refused."""
    try:
        async with asyncio.timeout(FIRST_FRAME_SECONDS):
            message = await websocket.receive()
    except TimeoutError:
        raise Refused(CloseCode.TIMED_OUT, f"no first frame came within {FIRST_FRAME_SECONDS:g} s") from None
    if message["type"] == "websocket.disconnect":
        return None
    if message.get("text") is None:
        raise Refused(CloseCode.BAD_FRAME, "the first frame must be a JSON text about the call; audio follows it")
    return FirstFrame.read(message["text"])


async def _wait_for_end(websocket: WebSocket, stream: AudioStream) -> int:
    """Waits until the client closes; returns its close code. Raises Refused.

    Text frames between the audio are events of the call, such as DTMF, and are ignored.
    """
    while True:
        message = asyncio.ensure_future(websocket.receive())
        either: list[asyncio.Future[Any]] = [message, stream.failure]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if stream.failure.done():
            message.cancel()
            why = stream.failure.result()
            raise why if isinstance(why, Refused) else _disk_refusal(why)
        if message.result()["type"] == "websocket.disconnect":
            code = int(message.result().get("code") or CloseCode.SAVED)
            websocket.scope["log"]["close_code"] = code
            return code
