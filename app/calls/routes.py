"""Recordings over plain HTTP: the audio and the player page, by a signed URL or the API's authentication."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.accounts.lookup import provider_of_account
from app.calls import recording_locations, signed_urls
from app.calls.model import Call, RecordingState
from app.calls.playback import RangeRequest, RecordingResponse
from app.calls.player.page import Player
from app.foundation.access import MayListenToRecordings, MayViewCalls, Viewer
from app.foundation.concurrency_limits import FairSlots, Quota, QuotaExceeded
from app.foundation.context import Context, Resources
from app.foundation.errors import ErrorCode, ServiceUnavailable, Unauthenticated, for_client, json_error
from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.foundation.networks import client_address
from app.storage.faults import diagnose
from app.storage.s3 import ObjectStorage, StorageFailure

# Concurrent playbacks of a worker: a quarter for one key or person, half for one account, three quarters for one
# provider. Each uses its own connection, for as long as the account's storage takes.
PLAYBACK_SLOTS = FairSlots(200)
_RETRY_AFTER = {"Retry-After": "5"}
_NAME = re.compile(r"(CA[0-9a-f]{32})(\.mp3|\.wav)?", re.ASCII)
_NOT_FOUND = "There is no such recording."
_INVALID_URL = "This URL is expired, revoked or incomplete. Request a new one."
_OBJECT_MISSING = "The recording is no longer in the bucket: it was deleted there."
_NOT_YET = {
    RecordingState.RECORDING: "The call is still being recorded. Try again when it has ended.",
    RecordingState.STORING: "The recording is being uploaded. Try again in a moment.",
    RecordingState.FAILED: "The recording could not be stored. The call's `recording { error }` says why.",
}


class Authentication(Protocol):
    """Authenticates callers."""

    async def viewer(self, header: bytes | None, address: str) -> Viewer | None:
        """The caller of an Authorization header from a client's address. Raises Unauthenticated and ServiceUnavailable."""

    async def named(self, actor: str, address: str) -> Viewer:
        """The caller with this SID of a key or session. Raises Unauthenticated and ServiceUnavailable."""


class ServerState(Protocol):
    """Resources of the running server."""

    resources: Resources
    authentication: Authentication


class Refused(Exception):
    """Ends the request with this error response."""

    def __init__(
        self,
        status: int,
        message: str,
        code: ErrorCode = ErrorCode.BAD_USER_INPUT,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.headers = status, message, code, headers or {}


@dataclass(frozen=True)
class _RequestedCall:
    call: Call
    context: Context

    @property
    def shows_numbers(self) -> bool:
        """Listening alone shows no more of the call than its audio."""
        return MayViewCalls.allows(self.context.viewer.within_account(self.call.account_id))


class Recordings:
    """`server_state` returns the resources once the server has started."""

    def __init__(self, server_state: Callable[[], Any]) -> None:
        self._server_state = server_state
        self._player = Player()

    def routes(self) -> list[Route]:
        return [
            Route("/recordings/player/{name}", self._player.asset, methods=["GET"]),
            Route("/recordings/{name}", self.audio, methods=["GET"]),
            Route("/recordings/{name}/player", self.player, methods=["GET"]),
        ]

    async def audio(self, request: Request) -> ASGIApp:
        """GET and HEAD of the audio, with single ranges."""
        try:
            found = await self._requested_call(request)
            return await _with_slot(request, found, await self._recording_response(request, found))
        except Refused as refused:
            return _error_response(request, refused)

    async def player(self, request: Request) -> Response:
        """The player page, or a page with the reason why there is none."""
        try:
            found = await self._requested_call(request)
            if found.call.recording_state is not RecordingState.STORED:
                raise _not_stored(found.call)
        except Refused as refused:
            return self._player.refusal(refused.status, refused.message, refused.headers)
        # Reuse the page's signature with its expiry: reloading the page must not extend it.
        query = request.url.query
        if "signature" not in request.query_params:
            query = urlsplit(signed_urls.recording_url(found.context, found.call.id, found.call.account_id)).query
        name = f"{sid_of(Kind.CALL, found.call.id)}.{signed_urls.suffix_of(found.call)}"
        return self._player.page(found.call, f"../{name}?{query}", with_numbers=found.shows_numbers)

    async def _requested_call(self, request: Request) -> _RequestedCall:
        """The requested call, if visible to the caller. Raises Refused."""
        server_state: ServerState = self._server_state()
        match = _NAME.fullmatch(request.path_params["name"])
        call_id = parse_sid(Kind.CALL, match[1]) if match else None
        try:
            viewer, account_id = await self._caller(server_state, request, call_id)
            of_account = {"account_id": account_id} if account_id is not None else {}
            call = await viewer.visible(Call).get_or_none(id=call_id, **of_account) if call_id else None
            listener = viewer.within_account(call.account_id if call is not None else None)
            if viewer.must_change_password or not MayListenToRecordings.allows(listener):
                message = f"Playing recordings needs {MayListenToRecordings.words}."
                raise Refused(403, message, ErrorCode.FORBIDDEN)
        except Refused:
            raise
        except Unauthenticated as refused:
            raise Refused(401, refused.message, ErrorCode.UNAUTHENTICATED, {"WWW-Authenticate": "Bearer"}) from None
        except Exception as error:
            if (unavailable := _unavailable(error)) is None:
                raise
            raise unavailable from error
        if call is None or call.recording_state is RecordingState.NONE:
            raise Refused(404, _NOT_FOUND)
        context = Context(
            viewer,
            request.scope["request_id"],
            server_state.resources,
            operation=signed_urls.OPERATION,
            address=client_address(request.scope),
        )
        return _RequestedCall(call, context)

    async def _caller(
        self, server_state: ServerState, request: Request, call_id: UUID | None
    ) -> tuple[Viewer, UUID | None]:
        """The caller, and the call's account if the URL is signed. Raises Refused, Unauthenticated."""
        query, address = request.query_params, client_address(request.scope)
        if "signature" not in query:
            given = request.headers.getlist("authorization")
            header = ", ".join(given).encode("latin-1") if given else None
            viewer = await server_state.authentication.viewer(header, address)
            if viewer is None:
                raise Unauthenticated
            return viewer, None
        signed = signed_urls.verify_url(server_state.resources.keyring, call_id, query) if call_id else None
        if signed is None:
            raise Refused(403, _INVALID_URL, ErrorCode.FORBIDDEN)
        try:
            return await server_state.authentication.named(signed.actor, address), signed.account_id
        except Unauthenticated:  # revoked since the URL was signed
            raise Refused(403, _INVALID_URL, ErrorCode.FORBIDDEN) from None

    async def _recording_response(self, request: Request, found: _RequestedCall) -> RecordingResponse:
        call, context = found.call, found.context
        if call.recording_state is not RecordingState.STORED or call.recording_key is None:
            raise _not_stored(call)
        try:
            targets = (await recording_locations.targets_of(context, [call]))[call.id]
        except Exception as error:
            if (unavailable := _unavailable(error)) is None:
                raise
            raise unavailable from error
        if not targets:
            message = (
                "The keys that the recording was stored with were removed, and the account uses another bucket now."
            )
            raise Refused(502, message, ErrorCode.SERVICE_UNAVAILABLE)
        disposition = "attachment" if request.query_params.get("download") else "inline"
        file_name = signed_urls.file_name(call, with_numbers=found.shows_numbers)
        headers = {
            "Content-Type": signed_urls.content_type(call),
            "Content-Disposition": f'{disposition}; filename="{file_name}"',
            "Accept-Ranges": "bytes",
            "Cache-Control": "private, no-cache",
            "Referrer-Policy": "no-referrer",
        }

        def refuse(failure: StorageFailure, headers: dict[str, str]) -> Response:
            return _error_response(request, _storage_refusal(failure, headers))

        async def on_start() -> None:
            await context.use(signed_urls.PlaybackEvents).record(context, call)

        return RecordingResponse(
            context.use(ObjectStorage),
            targets,
            call.recording_key,
            RangeRequest.of(request.method, request.headers),
            headers,
            refuse,
            on_start,
            request.scope["log"],
        )


async def _with_slot(request: Request, found: _RequestedCall, response: RecordingResponse) -> ASGIApp:
    """Holds one of PLAYBACK_SLOTS while the recording is sent. Raises Refused."""
    viewer, account_id = found.context.viewer, found.call.account_id
    try:
        provider_id = await provider_of_account(account_id)
    except Exception as error:
        if (unavailable := _unavailable(error)) is None:
            raise
        raise unavailable from error

    async def send_with_slot(scope: Scope, receive: Receive, send: Send) -> None:
        answer: ASGIApp = response
        with ExitStack() as stack:
            try:
                if PLAYBACK_SLOTS.is_full:
                    message = "This worker is sending its maximum number of recordings. Try again in a moment."
                    raise Refused(503, message, ErrorCode.SERVICE_UNAVAILABLE, _RETRY_AFTER)
                slot = stack.enter_context(PLAYBACK_SLOTS.slot())
                slot.add(Quota.CALLER, viewer.key_id or viewer.user_id)
                slot.add(Quota.ACCOUNT, account_id)
                slot.add(Quota.PROVIDER, provider_id)
            except QuotaExceeded as full:
                message = f"This worker is already sending {full.maximum} recordings of one {full.quota.words}. Try again later."
                answer = _error_response(request, Refused(429, message, ErrorCode.RATE_LIMITED, _RETRY_AFTER))
            except Refused as refused:
                answer = _error_response(request, refused)
            await answer(scope, receive, send)

    return send_with_slot


def _unavailable(error: Exception) -> Refused | None:
    """A 503 if a backend does not answer or an encryption key is missing; None for other errors."""
    unavailable = for_client(error)
    return (
        Refused(503, unavailable.message, ErrorCode.SERVICE_UNAVAILABLE)
        if isinstance(unavailable, ServiceUnavailable)
        else None
    )


def _not_stored(call: Call) -> Refused:
    if call.recording_state is RecordingState.DELETED:
        return Refused(410, "The recording was deleted.")
    return Refused(409, f"{_NOT_YET[call.recording_state]} Its state is {call.recording_state.value}.")


def _storage_refusal(failure: StorageFailure, headers: dict[str, str]) -> Refused:
    if failure.http_status == 416:
        return Refused(416, "The range begins after the end of the recording.", ErrorCode.BAD_USER_INPUT, headers)
    if failure.code == "NoSuchKey" or (failure.http_status == 404 and failure.code is None):
        return Refused(404, _OBJECT_MISSING)
    what = f" ({failure.code})" if failure.code else ""
    message = f"The storage did not return the recording{what}. {diagnose(failure).advice}"
    return Refused(502, message, ErrorCode.SERVICE_UNAVAILABLE)


def _error_response(request: Request, refused: Refused) -> Response:
    """JSON, like every error of this server."""
    error = json_error(refused.message, {"code": str(refused.code)}, request.scope["request_id"])
    headers = {**refused.headers, "Cache-Control": "no-store"}
    return Response(orjson.dumps({"errors": [error]}), refused.status, headers, "application/json; charset=utf-8")
