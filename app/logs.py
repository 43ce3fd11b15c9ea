"""JSON logs, one object a line, on standard output.

What is logged is chosen field by field: no bodies, no variables, no headers, no query strings, and of exceptions the type
and the place but not the message, since those of databases and HTTP clients carry values.
"""

import logging
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = structlog.get_logger("http")


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
    logging.basicConfig(handlers=[_IntoStructlog()], level=max(number, logging.WARNING), force=True)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    # Tortoise logs every statement with its values at DEBUG.
    for name in ("tortoise", "tortoise.db_client", "aiosqlite", "botocore", "aiobotocore", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def frames_of(error: BaseException) -> list[str]:
    """Where an exception came from: the innermost eight frames, without values."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames]


class RequestLog:
    """ASGI middleware: a request id for each request, and one line for each when it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = scope["request_id"] = uuid4().hex
        about: dict[str, Any] = {}
        scope["log"] = about
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as error:  # noqa: BLE001  the last frame of a request: log it, and let the server answer 500
            about |= {"error": type(error).__qualname__, "frames": frames_of(error)}
            await _answer_500(answer, request_id)
        finally:
            _log.info(
                "request",
                request_id=request_id,
                method=scope["method"],
                path=scope["path"],
                status=status,
                duration_ms=round((time.perf_counter() - began) * 1000, 2),
                **about,
            )


async def _answer_500(send: Callable[[Message], Any], request_id: str) -> None:
    body = {
        "errors": [
            {
                "message": "Something went wrong on our side. Give the request id to whoever runs this server.",
                "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": request_id},
            }
        ]
    }
    headers = [(b"content-type", b"application/json; charset=utf-8")]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(body)})


class _IntoStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        fields = {"error": type(error).__qualname__, "frames": frames_of(error)} if error else {}
        # Arguments of a message are values; the message alone says what happened.
        structlog.get_logger().log(record.levelno, str(record.msg), logger=record.name, **fields)


def _dumps(event: Any, **_: Any) -> bytes:
    return orjson.dumps(event, default=str)
