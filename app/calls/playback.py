"""Playback: streams an object from the storage to a client, at the client's speed and without storing it.

When the client disconnects, the connection to the storage is closed. When the storage fails half-way, the client's
connection is cut, so that a partial recording never looks complete.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.calls import recording_locations
from app.storage.responses import S3Response
from app.storage.s3 import Bucket, ObjectStorage, StorageFailure, StorageTarget

# nginx's code for logs and metrics: the client does not see it, and it does not count as a server error.
_CLIENT_CLOSED = 499
_RANGE = re.compile(r"bytes=([0-9]{1,18})?-([0-9]{1,18})?", re.ASCII)
_CONTENT_RANGE = re.compile(r"bytes [0-9]{1,18}-[0-9]{1,18}/[0-9]{1,18}", re.ASCII)
_ETAG = re.compile(r'"[!#-~]{1,128}"', re.ASCII)


@dataclass(frozen=True)
class RangeRequest:
    """The range and conditions of a request. Other values of these headers are ignored (RFC 9110, 13 and 14)."""

    is_head: bool = False
    range: str | None = None
    """A single byte range in S3's form. A request for several ranges gets the whole object, which the RFC allows."""
    if_range: str | None = None
    if_none_match: str | None = None

    @classmethod
    def of(cls, method: str, headers: Mapping[str, str]) -> "RangeRequest":
        wanted = _single_range(headers.get("range", "")) if method == "GET" else None
        if_range = headers.get("if-range")
        if if_range is not None and not _ETAG.fullmatch(if_range):
            wanted = None  # a date or a weak tag cannot prove equality
        if wanted is None:
            if_range = None
        tag = headers.get("if-none-match", "").strip()
        return cls(method == "HEAD", wanted, if_range, tag if _ETAG.fullmatch(tag) else None)


ErrorResponse = Callable[[StorageFailure, dict[str, str]], Response]
"""Builds the response for a failure of the storage, with these headers."""


@dataclass
class RecordingResponse:
    """Responds with the object of `key`; `on_start` is awaited before the first byte of it is sent."""

    storage: ObjectStorage
    targets: Sequence[StorageTarget]
    key: str
    range_request: RangeRequest
    headers: dict[str, str]
    error_response: ErrorResponse
    on_start: Callable[[], Awaitable[None]]
    log_fields: dict[str, object] = field(default_factory=dict)
    """More fields of the request's log line."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def tracked_send(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        answering = asyncio.create_task(self._answer(scope, receive, tracked_send))
        disconnect = asyncio.create_task(_wait_for_disconnect(receive))
        try:
            await asyncio.wait((answering, disconnect), return_when=asyncio.FIRST_COMPLETED)
        finally:
            disconnect.cancel()
            answering.cancel()  # no effect if done
            await asyncio.gather(answering, disconnect, return_exceptions=True)
        if not answering.cancelled():
            answering.result()
        elif not has_begun:
            await Response(status_code=_CLIENT_CLOSED)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._play_range(send)
        except StorageFailure as failure:
            await (await self._refusal(failure))(scope, receive, send)

    async def _play_range(self, send: Send) -> None:
        """Raises StorageFailure before anything is sent."""
        given = {
            "Range": self.range_request.range,
            "IfNoneMatch": self.range_request.if_none_match,
            "IfMatch": self.range_request.if_range,
        }
        try:
            await self._play(send, {name: value for name, value in given.items() if value})
        except StorageFailure as failure:
            if failure.http_status != 412 or not self.range_request.if_range:
                raise
            await self._play(send, {})  # the object has changed: send all of it

    async def _refusal(self, failure: StorageFailure) -> Response:
        if failure.http_status == 304:
            return Response(status_code=304, headers={**self.headers, "ETag": self.range_request.if_none_match or ""})
        if failure.http_status == 416:
            return self.error_response(failure, {"Content-Range": f"bytes */{await self._size()}"})
        return self.error_response(failure, {})

    async def _play(self, send: Send, parameters: dict[str, str]) -> None:
        """Raises StorageFailure before anything is sent."""
        operation = "head_object" if self.range_request.is_head else "get_object"
        async with recording_locations.request(self.storage, self.targets, operation, Key=self.key, **parameters) as (
            bucket,
            answer,
        ):
            if self.range_request.is_head:
                await send(self._start(answer))
                await send({"type": "http.response.body", "body": b""})
                return
            await self.on_start()
            await send(self._start(answer))
            await self._send_all(bucket, answer, send)

    async def _send_all(self, bucket: Bucket, answer: S3Response, send: Send) -> None:
        try:
            async with aclosing(bucket.chunks(answer)) as chunks:
                async for chunk in chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except StorageFailure as failure:
            # Without a final message, the server cuts the connection.
            self.log_fields["cut_off"] = str(failure)
            return
        await send({"type": "http.response.body", "body": b""})

    def _start(self, answer: S3Response) -> Message:
        status, headers = 200, dict(self.headers)
        content_range, tag = str(answer.get("ContentRange", "")), str(answer.get("ETag", ""))
        if answer["ResponseMetadata"]["HTTPStatusCode"] == 206 and _CONTENT_RANGE.fullmatch(content_range):
            status, headers["Content-Range"] = 206, content_range
        if _ETAG.fullmatch(tag):
            headers["ETag"] = tag
        if "ContentLength" in answer:
            headers["Content-Length"] = str(answer["ContentLength"])
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        return {"type": "http.response.start", "status": status, "headers": raw}

    async def _size(self) -> str:
        try:
            async with recording_locations.request(self.storage, self.targets, "head_object", Key=self.key) as (
                _,
                answer,
            ):
                return str(int(answer["ContentLength"]))
        except StorageFailure:
            return "*"


async def _wait_for_disconnect(receive: Receive) -> None:
    """Returns when the client has disconnected; ignores its other messages."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _single_range(header: str) -> str | None:
    match = _RANGE.fullmatch(header.strip().lower())
    if match is None or not (match[1] or match[2]):
        return None
    if match[1] and match[2] and int(match[1]) > int(match[2]):
        return None
    return match[0]
