"""JSON logs, one object a line, on standard output.

What is logged is chosen field by field: no bodies, no variables, no headers, no query strings, of a path nothing
that may be a key, and of exceptions the type and the place but not the message, since those of databases and HTTP clients carry
values.
"""

import functools
import logging
import os
import re
import sys
import time
import traceback
import warnings
from contextlib import suppress
from datetime import UTC, datetime
from typing import ClassVar, TextIO
from urllib.parse import quote

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.foundation import metrics
from app.foundation.errors import MASKED, ErrorCode, json_error


def configure(level: str) -> None:
    """For the whole process; libraries that use the standard library's logging are led into the same stream."""
    number = logging.getLevelName(level)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    RequestLog.lines = structlog.BytesLogger(sys.stdout.buffer)
    RequestLog.levels = frozenset({"info", "error"} if number <= logging.INFO else {"error"})
    logging.basicConfig(handlers=[_IntoStructlog()], level=max(number, logging.WARNING), force=True)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    if sys.unraisablehook is sys.__unraisablehook__:  # a test runner has its own
        sys.unraisablehook = _unraisable
        warnings.showwarning = _warned
    # Tortoise logs every statement with its values at DEBUG.
    for name in ("tortoise", "tortoise.db_client", "botocore", "aiobotocore", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def frames_of(error: BaseException) -> list[str]:
    """Where an exception came from: the innermost eight frames, without values."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames]


class RequestLog:
    """ASGI middleware: a request id for each request, and one line for each when it is answered."""

    # Where the lines go, one write each, as those of structlog, and which of them the log's level takes. Its chain of
    # processors would cost three times as much as to write one.
    lines: ClassVar[structlog.BytesLogger]
    levels: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = scope["request_id"] = os.urandom(16).hex()
        scope["log"] = {}
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode()), _NO_SNIFFING]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - began
            metrics.request(scope["path"], status, seconds, scope["log"].get("type", ""))
            self._write(scope, status, seconds)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One line at the end of the connection, with the status of its handshake (101: it was open)."""
        began = time.perf_counter()
        request_id = scope["request_id"] = os.urandom(16).hex()
        about = scope["log"] = {}
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] in _HANDSHAKES and not status:
                status = message.get("status") or _HANDSHAKES[message["type"]]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as error:  # noqa: BLE001  the server would close without a word
            about |= _about(error)
            with suppress(Exception):  # who is gone is not told
                await answer({"type": "websocket.close", "code": 1011})
        finally:
            metrics.websocket(status)
            self._write(scope, status, time.perf_counter() - began)

    def _write(self, scope: Scope, status: int, seconds: float) -> None:
        # A WebSocket may break long after its handshake.
        level = "error" if status >= 500 or "error" in scope["log"] else "info"
        if level in self.levels:
            self.lines.info(_line(scope, status, seconds, level))


class InternalErrors:
    """ASGI middleware: answers 500 to an HTTP request that fails, and leaves the cause to the request's line."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if scope["type"] != "http":
                raise
            scope["log"] |= _about(error)
            await _answer_500(send, scope["request_id"])


# Messages that answer a handshake, with the status that they stand for.
_HANDSHAKES = {"websocket.accept": 101, "websocket.http.response.start": 500, "websocket.close": 403}


# For every answer: no browser takes one for something else than its content type says.
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_LONGEST_PATH = 200
# Nothing in our paths is so long; a key or a signature is. An id has 34.
_SECRET = re.compile(r"[A-Za-z0-9_+=-]{37,}", re.ASCII)


@functools.lru_cache(maxsize=256)
def _shown(path: str) -> str:
    """A path as any client may write it: bounded, in ASCII, without what may be a key or a signature."""
    shown = _SECRET.sub("***", path)
    cut = shown if len(shown) <= _LONGEST_PATH else f"{shown[:_LONGEST_PATH]}..."
    return quote(cut, safe="/*", errors="replace")


def _line(scope: Scope, status: int, seconds: float, level: str) -> bytes:
    return _dumps(
        {
            "request_id": scope["request_id"],
            "method": scope.get("method", "GET"),
            "path": _shown(scope["path"]),
            "status": status,
            "duration_ms": round(seconds * 1000, 2),
            **scope["log"],
            "event": "request" if scope["type"] == "http" else "websocket",
            "level": level,
            "at": datetime.now(UTC),
        }
    )


async def _answer_500(send: Send, request_id: str) -> None:
    body = {"errors": [json_error(MASKED, {"code": ErrorCode.INTERNAL_SERVER_ERROR}, request_id)]}
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"vary", b"Authorization, Accept"),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(body)})


class _IntoStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith("Traceback "):
            return  # uvicorn's text of what ended the application's start: `main.lifespan` logs it
        error = record.exc_info[1] if record.exc_info else None
        # The arguments of a message are values; a message that comes without is cut where a value may begin.
        said = str(record.msg) if record.args else _VALUE.split(str(record.msg), maxsplit=1)[0].strip()
        structlog.get_logger().log(record.levelno, said, logger=record.name, **_about(error))


_VALUE = re.compile(r"""[\n:=('"<{\[]""")


def _unraisable(what: "sys.UnraisableHookArgs") -> None:
    """In the place of Python's, which prints the message: an exception where nobody can catch it, as in `__del__`."""
    structlog.get_logger().error("exception that nobody can catch", **_about(what.exc_value))


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """In the place of Python's, which prints the message."""
    place = "/".join(filename.split("/")[-2:])
    structlog.get_logger().warning("python warning", category=category.__qualname__, place=f"{place}:{lineno}")


def _about(error: BaseException | None) -> dict[str, object]:
    return {"error": type(error).__qualname__, "frames": frames_of(error)} if error else {}


def _dumps(event: object, **_: object) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z)
