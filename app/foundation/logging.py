"""JSON logs on standard output, one object per line.

Each logged field is chosen: no bodies, variables, headers or query strings. Paths lose what may be a key. Exceptions are logged
by type and stack frames, without their messages: those of databases and HTTP clients contain values.
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
    """Configures the whole process. The standard library's logging goes to the same stream."""
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
    """The innermost eight stack frames of an exception, without values."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames]


class RequestLog:
    """ASGI middleware: gives each request an id, and logs one line when it is answered."""

    # The stream, with one write per line, and the levels that are logged. structlog's processors would cost three times as
    # much as writing a line.
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
        """Logs one line at the end of the connection, with the status of its handshake (101: accepted)."""
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
        except Exception as error:  # noqa: BLE001  the server would close without a code
            about |= _about(error)
            with suppress(Exception):  # the client may be gone
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
    """ASGI middleware: answers a failed HTTP request with 500, and adds the cause to the request's log line."""

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


# Messages that answer a handshake, with their statuses.
_HANDSHAKES = {"websocket.accept": 101, "websocket.http.response.start": 500, "websocket.close": 403}


# On every response: no browser guesses another content type.
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_LONGEST_PATH = 200
# Longer than anything in our paths (an id has 34 characters): a key or a signature.
_SECRET = re.compile(r"[A-Za-z0-9_+=-]{37,}", re.ASCII)


@functools.lru_cache(maxsize=256)
def _shown(path: str) -> str:
    """A client's path for the log: bounded, in ASCII, without what may be a key or a signature."""
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
    body = {"errors": [json_error(MASKED, {"code": str(ErrorCode.INTERNAL_SERVER_ERROR)}, request_id)]}
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
            return  # uvicorn's traceback of a failed start: `server/asgi.py` logs it
        error = record.exc_info[1] if record.exc_info else None
        # Arguments of a message are values and stay out. A message without arguments is cut where a value may begin.
        text = str(record.msg) if record.args else _VALUE.split(str(record.msg), maxsplit=1)[0].strip()
        structlog.get_logger().log(record.levelno, text, logger=record.name, **_about(error))


_VALUE = re.compile(r"""[\n:=('"<{\[]""")


def _unraisable(what: "sys.UnraisableHookArgs") -> None:
    """Replaces Python's hook, which prints the message, for exceptions that cannot be caught, such as in `__del__`."""
    structlog.get_logger().error("unraisable exception", **_about(what.exc_value))


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Replaces Python's hook, which prints the message."""
    place = "/".join(filename.split("/")[-2:])
    structlog.get_logger().warning("python warning", category=category.__qualname__, place=f"{place}:{lineno}")


def _about(error: BaseException | None) -> dict[str, object]:
    return {"error": type(error).__qualname__, "frames": frames_of(error)} if error else {}


def _dumps(event: object, **_: object) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z)
