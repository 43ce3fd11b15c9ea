"""GraphQL over a WebSocket at `/graphql`: the sub-protocol graphql-transport-ws, as the package graphql-ws specifies it.

A connection is authenticated by the handshake's `Authorization` header or by `connection_init {authorization: "Bearer …"}`, where
browsers put it; both must be the same if both are there. It lasts as long as these credentials are valid, which is checked every
half a second and at each event. Queries and mutations are run as over HTTP; subscriptions by
`Operations.subscribe`. How a connection ends is in `CloseCode`; protocol pings of the server below (each 20 s) find who is gone.

What is sent is never buffered without end: whoever wants to send waits until the network has taken all before, and a client
that does not read is closed by `app/server/transport/websocket.py`.

Long because it is one protocol from its first message to its last, with all that a client may do wrong in between.
"""

import asyncio
import enum
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Any
from uuid import UUID

import orjson
import structlog
from graphql import OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from app.execution.operations import Operations
from app.execution.responses import Answer, Request
from app.execution.values import JsonObject
from app.foundation.access import Authenticator, Viewer
from app.foundation.context import Context, Resources
from app.foundation.errors import ErrorCode, RateLimited, ServiceUnavailable, Unauthenticated, json_error
from app.foundation.events import EventsLost, TooSlow
from app.server import graphql_protocol
from app.server.graphql_http import note
from app.server.transport.http import HANG_UP, LET_IN

SUBPROTOCOL = "graphql-transport-ws"
# From the handshake to connection_init.
INIT_SECONDS = 5.0
# Of a message until then: a token and a few words about the client.
FIRST_MESSAGE_BYTES = 8_192
# How often it is looked at whether the caller is let in still; Authentication remembers it for 4 s.
CHECK_SECONDS = 0.5
# Operations of one connection that run or wait to be sent.
MAXIMUM_OPERATIONS = 50
# Of one key or person, over all its connections to this worker.
MAXIMUM_SUBSCRIPTIONS = 50
_LONGEST_ID = 200
# What a close frame has room for (RFC 6455, 5.5).
_REASON_BYTES = 123

_EVICTED = "too many connections wait for connection_init: send it at once, or Authorization with the handshake"
Admit = Callable[[Viewer], Awaitable[None]]
"""Gives an authenticated caller one of the slots. Raises RateLimited and ServiceUnavailable."""

_log = structlog.get_logger("websocket")


class CloseCode(enum.IntEnum):
    """Why the server closes. Clients of graphql-ws try again after 1012 (also when the server stops), 1013 and 4408 alone."""

    TOO_LARGE = 1009
    LIST_AGAIN = 1012
    TRY_AGAIN_LATER = 1013
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    NO_SUBPROTOCOL = 4406
    NO_INIT = 4408
    DUPLICATE_ID = 4409
    INIT_AGAIN = 4429


class Closed(Exception):
    """The server closes the connection."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_REASON_BYTES].decode(errors="ignore")


class Connection:
    """One client, from the handshake to the end."""

    def __init__(
        self,
        websocket: WebSocket,
        operations: Operations,
        authentication: Authenticator,
        opened: Resources,
        subscriptions: Counter[UUID | None],
    ) -> None:
        """`subscriptions` are those of all connections."""
        self._subscriptions = subscriptions
        self._websocket = websocket
        self._operations = operations
        self._authentication = authentication
        self._opened = opened
        self._longest = FIRST_MESSAGE_BYTES
        self._header = b""
        self._awaits_init = True
        self._is_evicted = False
        self._patience: asyncio.Timeout | None = None
        self._sending = asyncio.Lock()
        self._tasks: asyncio.TaskGroup
        # By the ids that the client gave, while answers to them may be sent.
        self._running: dict[str, _Running] = {}
        # All that run, also those to which nothing may be sent any more. One can end before it has begun.
        self._places: set[asyncio.Task[None]] = set()
        # Mutations are finished, whoever has gone meanwhile.
        self._mutations: set[asyncio.Task[Answer]] = set()

    @property
    def is_waiting(self) -> bool:
        """For connection_init."""
        return self._awaits_init and not self.is_unread

    @property
    def is_unread(self) -> bool:
        return self._sending.locked()

    def evict(self) -> None:
        self._is_evicted = True
        if self.is_unread and (hang_up := self._websocket.scope["extensions"].get(HANG_UP)) is not None:
            hang_up()  # to close would wait for the client to read
        elif self._patience is not None and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time())

    async def authenticate(self, header: bytes, admit: Admit) -> None:
        """Once. Raises Unauthenticated, RateLimited and ServiceUnavailable."""
        caller = await self._authentication.viewer(header)
        if caller is None:
            raise Unauthenticated
        await admit(caller)
        self._header = header
        self._websocket.scope["log"]["scope"] = caller.scope.value

    async def run(self, admit: Admit) -> None:
        """Until one of both closes."""
        about = self._websocket.scope["log"]
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await self._begin(admit)
                self._tasks.create_task(self._watch())
                while True:
                    await self._take(await self._message())
        except* WebSocketDisconnect as gone:
            about["close_code"] = gone.exceptions[0].code  # type: ignore[union-attr]
        except* Closed as several:
            closed: Any = several.exceptions[0]
            about |= {"close_code": int(closed.code), "close_reason": closed.reason}
            with suppress(WebSocketDisconnect):
                if self._websocket.client_state is WebSocketState.CONNECTED:
                    await self._websocket.close(closed.code, closed.reason)
        finally:
            await asyncio.gather(*self._mutations, return_exceptions=True)

    async def _begin(self, admit: Admit) -> None:
        """Authenticates the client, unless its handshake did. Raises Closed."""
        given = _authorization((await self._init()).get("payload"))
        if not self._header:
            await self._authenticate(given, admit)
        elif given not in (b"", self._header):
            raise Closed(CloseCode.UNAUTHORIZED, "connection_init carries another authorization than the handshake")
        self._longest = self._opened.settings.max_body_bytes
        if (of_server := self._websocket.scope["extensions"].get(LET_IN)) is not None:
            of_server()
        await self._send({"type": "connection_ack"})

    async def _authenticate(self, given: bytes, admit: Admit) -> None:
        """By connection_init. Raises Closed."""
        if not given:
            raise Closed(CloseCode.UNAUTHORIZED, 'Send connection_init with {"authorization": "Bearer …"}')
        try:
            await self.authenticate(given, admit)
        except Unauthenticated as refused:
            raise Closed(CloseCode.UNAUTHORIZED, refused.message) from None
        except (RateLimited, ServiceUnavailable) as refused:
            raise Closed(CloseCode.TRY_AGAIN_LATER, refused.message) from None

    async def _init(self) -> JsonObject:
        """The message connection_init. Raises Closed."""
        try:
            async with asyncio.timeout(0 if self._is_evicted else INIT_SECONDS) as self._patience:
                while (message := await self._message())["type"] != "connection_init":
                    if message["type"] == "subscribe":
                        raise Closed(CloseCode.UNAUTHORIZED, "Send connection_init first")
                    await self._take(message)
        except TimeoutError:
            if self._is_evicted:
                raise Closed(CloseCode.TRY_AGAIN_LATER, _EVICTED) from None
            raise Closed(CloseCode.NO_INIT, f"connection_init did not come within {INIT_SECONDS:g} s") from None
        finally:
            self._awaits_init = False
        return message

    async def _watch(self) -> None:
        """Closes when the caller is let in no more, and tells subscriptions what has become of them. Raises Closed."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            with suppress(ServiceUnavailable):  # nothing is read from a database that is away
                caller = await self._caller()
                for running in self._running.values():
                    if running.type is OperationType.SUBSCRIPTION:
                        running.context.caller = caller

    async def _caller(self, *, is_use: bool = False) -> Viewer:
        """Who is let in by what the client showed. Raises Closed and ServiceUnavailable."""
        try:
            caller = await self._authentication.viewer(self._header, is_use=is_use)
        except Unauthenticated as refused:
            raise Closed(CloseCode.UNAUTHORIZED, refused.message) from None
        if caller is None:
            raise Closed(CloseCode.UNAUTHORIZED, Unauthenticated().message)
        return caller

    async def _message(self) -> JsonObject:
        """The next one, with what its type needs. Raises Closed and WebSocketDisconnect."""
        received = await self._websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005))
        text = received.get("text")
        if text is None:
            raise Closed(CloseCode.BAD_MESSAGE, "Messages are JSON texts")
        if len(text) > self._longest:
            raise Closed(CloseCode.TOO_LARGE, f"A message may have {self._longest} bytes at most")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Closed(CloseCode.BAD_MESSAGE, "The message is not valid JSON") from None
        mistake = _mistake(message)
        if mistake is not None:
            raise Closed(CloseCode.BAD_MESSAGE, mistake)
        read: JsonObject = message
        return read

    async def _take(self, message: JsonObject) -> None:
        """Raises Closed."""
        match message["type"]:
            case "subscribe":
                await self._start(message["id"], message["payload"])
            case "complete":
                running = self._running.pop(message["id"], None)
                # A mutation is finished, and nothing is said of it.
                if running is not None and running.task is not None and running.type is not OperationType.MUTATION:
                    running.task.cancel()
                    await asyncio.wait([running.task], timeout=1)  # its place is free for the next one
            case "ping":
                try:
                    await self._send({"type": "pong", **_payload_of(message)})
                except orjson.JSONEncodeError:  # what is nested deeply is read, and cannot be written
                    raise Closed(CloseCode.BAD_MESSAGE, "The payload is nested too deeply") from None
            case "connection_init":
                raise Closed(CloseCode.INIT_AGAIN, "connection_init was sent before")

    async def _start(self, id_: str, payload: JsonObject) -> None:
        if id_ in self._running:
            raise Closed(CloseCode.DUPLICATE_ID, f"Subscriber for {id_} already exists")
        try:
            request = graphql_protocol.checked(payload)
        except graphql_protocol.BadRequest as bad:
            raise Closed(CloseCode.BAD_MESSAGE, bad.message) from None
        if len(self._places) >= MAXIMUM_OPERATIONS:
            error = _one_too_many(f"{MAXIMUM_OPERATIONS} operations of a connection")
            await self._send({"id": id_, "type": "error", "payload": [error]})
            return
        running = self._running[id_] = _Running(self._context(None), self._operations.type_of(request))
        running.task = self._tasks.create_task(self._run(id_, running, request))
        self._places.add(running.task)
        running.task.add_done_callback(self._places.discard)

    def _context(self, caller: Viewer | None, request_id: str = "") -> Context:
        scope = self._websocket.scope
        agent = self._websocket.headers.get("user-agent", "")
        address = (scope.get("client") or ("",))[0]
        return Context(
            caller,
            request_id or os.urandom(16).hex(),
            self._opened,
            address=address,
            user_agent=agent,
            recheck_credential=self._caller,
        )

    async def _run(self, id_: str, running: "_Running", request: Request) -> None:
        """One operation, from its message to the last that is sent for it. Raises Closed and WebSocketDisconnect."""
        began, context = time.perf_counter(), running.context
        about: JsonObject = {}
        try:
            context.caller = await self._caller(is_use=True)
            if running.type is OperationType.SUBSCRIPTION:
                with self._subscription(context.caller) as is_one_too_many:
                    last = is_one_too_many or await self._listen(id_, running, request, about)
            else:
                last = await self._answer(request, context, is_mutation=running.type is OperationType.MUTATION)
            note(about, context.caller, last)
            await self._end(id_, running, last)
        except ServiceUnavailable as away:
            error = json_error(away.message, away.extensions, context.request_id)
            await self._end(id_, running, Answer(executed=False, errors=[error]))
        except TooSlow:
            raise Closed(CloseCode.TRY_AGAIN_LATER, "too slow") from None
        except EventsLost:
            raise Closed(CloseCode.LIST_AGAIN, "events were lost: connect and list again") from None
        finally:
            if self._running.get(id_) is running:
                del self._running[id_]
            connection = self._websocket.scope["request_id"]
            duration = round((time.perf_counter() - began) * 1000, 2)
            _log.info("operation", request_id=context.request_id, connection=connection, duration_ms=duration, **about)

    async def _answer(self, request: Request, context: Context, *, is_mutation: bool) -> Answer:
        if not is_mutation:
            return await self._operations.run(request, context)
        mutation = asyncio.create_task(self._operations.run(request, context))
        self._mutations.add(mutation)
        mutation.add_done_callback(self._mutations.discard)
        return await asyncio.shield(mutation)

    @contextmanager
    def _subscription(self, caller: Viewer) -> Iterator[Answer | None]:
        """Holds one of the caller's places until the end of the block; gives what is said when there is none."""
        who = caller.key_id or caller.user_id
        if self._subscriptions[who] >= MAXIMUM_SUBSCRIPTIONS:
            yield Answer(executed=False, errors=[_one_too_many(f"{MAXIMUM_SUBSCRIPTIONS} subscriptions of a caller")])
            return
        self._subscriptions[who] += 1
        try:
            yield None
        finally:
            self._subscriptions[who] -= 1
            if not self._subscriptions[who]:
                del self._subscriptions[who]

    async def _listen(self, id_: str, running: "_Running", request: Request, about: JsonObject) -> Answer:
        """Sends what a subscription tells; returns why it has ended. Raises Closed, ServiceUnavailable and EventsLost."""

        async def renewed() -> Context:
            return self._context(await self._caller(), running.context.request_id)

        answers = await self._operations.subscribe(request, running.context, renewed)
        if isinstance(answers, Answer):
            return answers
        about |= {"type": "subscription", "events": 0}
        async with aclosing(answers):
            async for answer in answers:
                if not answer.executed:
                    return answer
                about["events"] += 1
                await self._send({"id": id_, "type": "next", "payload": answer.body()})
        return Answer(executed=True)

    async def _end(self, id_: str, running: "_Running", last: Answer) -> None:
        """Tells the client the answer and that nothing follows; nothing when it does not want it any more."""
        if self._running.get(id_) is not running:
            return
        del self._running[id_]  # the client may use it again as soon as it has read this
        if not last.executed:
            await self._send({"id": id_, "type": "error", "payload": last.errors})
            return
        if last.data is not None or last.errors:
            await self._send({"id": id_, "type": "next", "payload": last.body()})
        await self._send({"id": id_, "type": "complete"})

    async def _send(self, message: JsonObject) -> None:
        """Raises WebSocketDisconnect."""
        async with self._sending:  # one at a time: uvicorn lets all who wait write at once
            await self._websocket.send_text(orjson.dumps(message).decode())


class _Running:
    """An operation of a connection."""

    def __init__(self, context: Context, type_: OperationType | None) -> None:
        """`type_` is None for a request that is wrong."""
        self.context = context
        self.type = type_
        self.task: asyncio.Task[None] | None = None


def _one_too_many(allowed: str) -> JsonObject:
    return {"message": f"At most {allowed} run at once.", "extensions": {"code": str(ErrorCode.RATE_LIMITED)}}


def _authorization(payload: JsonObject | None) -> bytes:
    """The Authorization header in the payload of connection_init, however its name is written; empty without one."""
    for name, value in (payload or {}).items():
        if name.lower() == "authorization" and isinstance(value, str):
            return value.encode("latin-1", "replace")
    return b""


def _mistake(message: object) -> str | None:
    """What is wrong with the form of a message; None: nothing."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message is an object with a type"
    type_, payload = message["type"], message.get("payload")
    if type_ not in ("connection_init", "ping", "pong", "subscribe", "complete"):
        return "Clients send connection_init, ping, pong, subscribe and complete"
    if type_ in ("subscribe", "complete"):
        id_ = message.get("id")
        if not isinstance(id_, str) or not 0 < len(id_) <= _LONGEST_ID:
            return f"{type_} needs an id of 1 to {_LONGEST_ID} characters"
    if type_ == "subscribe" and not isinstance(payload, dict):
        return "subscribe needs a payload"
    if type_ != "complete" and payload is not None and not isinstance(payload, dict):
        return "A payload is an object"
    return None


def _payload_of(message: JsonObject) -> JsonObject:
    return {"payload": message["payload"]} if message.get("payload") is not None else {}
