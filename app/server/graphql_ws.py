"""GraphQL over a WebSocket at `/graphql`: the sub-protocol graphql-transport-ws, as specified by the package graphql-ws.

A connection is authenticated by the handshake's `Authorization` header or, from browsers, by
`connection_init {authorization: "Bearer …"}`; if both are sent, they must be equal. It lasts as long as the credential is valid,
which is checked every half second and at each event. Queries and mutations run as over HTTP, subscriptions by
`Operations.subscribe`. `CloseCode` lists the reasons to close; uvicorn's protocol pings (every 20 s) detect lost clients.

Memory for unsent messages is limited: a message waits until the network has taken all before it, and
`app/server/transport/websocket.py` closes clients that do not read.
"""

import asyncio
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
from app.execution.responses import GraphQLRequest, GraphQLResponse
from app.execution.values import JsonObject
from app.foundation.access import Authenticator, Viewer
from app.foundation.context import Context, Resources
from app.foundation.errors import ErrorCode, RateLimited, ServiceUnavailable, Unauthenticated, json_error
from app.foundation.events import EventsLost, TooSlow
from app.foundation.networks import client_address
from app.server import graphql_protocol
from app.server.graphql_http import record
from app.server.graphql_ws_messages import CloseCode, Closed, authorization_of, parsed, pong
from app.server.transport.http import ABORT, AUTHENTICATED

SUBPROTOCOL = "graphql-transport-ws"
# The time from the handshake to connection_init.
INIT_SECONDS = 5.0
# The longest message before authentication: a token and a few parameters.
FIRST_MESSAGE_BYTES = 8_192
# The interval between checks of the credential; Authentication caches it for 4 s.
CHECK_SECONDS = 0.5
# Per connection: operations that run, or whose responses wait to be sent.
MAXIMUM_OPERATIONS = 50
# Per key or user, over all connections to this worker.
MAXIMUM_SUBSCRIPTIONS = 50

_EVICTED = "too many connections wait for connection_init: send it at once, or send Authorization with the handshake"
Admit = Callable[[Viewer], Awaitable[None]]
"""Acquires a slot for an authenticated caller. Raises RateLimited and ServiceUnavailable."""

_log = structlog.get_logger("websocket")


class Connection:
    """One client's connection, from the handshake to its close."""

    def __init__(
        self,
        websocket: WebSocket,
        operations: Operations,
        authentication: Authenticator,
        resources: Resources,
        subscriptions: Counter[UUID | None],
    ) -> None:
        """`subscriptions` counts those of all connections, by key or user."""
        self._subscriptions = subscriptions
        self._websocket = websocket
        self._address = client_address(websocket.scope)
        self._operations = operations
        self._authentication = authentication
        self._resources = resources
        self._longest = FIRST_MESSAGE_BYTES
        self._header = b""
        self._awaits_init = True
        self._is_evicted = False
        self._init_timeout: asyncio.Timeout | None = None
        self._sending = asyncio.Lock()
        self._tasks: asyncio.TaskGroup
        # Operations by the client's ids, while their responses may be sent.
        self._running: dict[str, _RunningOperation] = {}
        # All running tasks, including those whose responses are no longer sent. A task can end before it has begun.
        self._operation_tasks: set[asyncio.Task[None]] = set()
        # Mutations run to their end, even when the client has disconnected.
        self._mutations: set[asyncio.Task[GraphQLResponse]] = set()

    @property
    def is_waiting(self) -> bool:
        """Whether the client has to send connection_init."""
        return self._awaits_init and not self.is_unread

    @property
    def is_unread(self) -> bool:
        """Whether the client has to read what was sent."""
        return self._sending.locked()

    def evict(self) -> None:
        self._is_evicted = True
        if self.is_unread and (abort := self._websocket.scope["extensions"].get(ABORT)) is not None:
            abort()  # closing would wait for the client to read
        elif self._init_timeout is not None and not self._init_timeout.expired():
            self._init_timeout.reschedule(asyncio.get_running_loop().time())

    async def authenticate(self, header: bytes, admit: Admit) -> None:
        """Call it once. Raises Unauthenticated, RateLimited and ServiceUnavailable."""
        caller = await self._authentication.viewer(header, self._address)
        if caller is None:
            raise Unauthenticated
        await admit(caller)
        self._header = header
        self._websocket.scope["log"]["scope"] = caller.scope.value

    async def run(self, admit: Admit) -> None:
        """Serves the connection until the client or the server closes it."""
        log_fields = self._websocket.scope["log"]
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await self._begin(admit)
                self._tasks.create_task(self._watch())
                while True:
                    await self._handle(await self._message())
        except* WebSocketDisconnect as gone:
            log_fields["close_code"] = gone.exceptions[0].code  # type: ignore[union-attr]
        except* Closed as several:
            closed: Any = several.exceptions[0]
            log_fields |= {"close_code": int(closed.code), "close_reason": closed.reason}
            with suppress(WebSocketDisconnect):
                if self._websocket.client_state is WebSocketState.CONNECTED:
                    await self._websocket.close(closed.code, closed.reason)
        finally:
            await asyncio.gather(*self._mutations, return_exceptions=True)

    async def _begin(self, admit: Admit) -> None:
        """Reads connection_init, and authenticates by it unless the handshake did. Raises Closed."""
        given = authorization_of((await self._init()).get("payload"))
        if not self._header:
            await self._authenticate(given, admit)
        elif given not in (b"", self._header):
            raise Closed(CloseCode.UNAUTHORIZED, "connection_init carries another authorization than the handshake")
        self._longest = self._resources.settings.max_body_bytes
        if (mark_authenticated := self._websocket.scope["extensions"].get(AUTHENTICATED)) is not None:
            mark_authenticated()
        await self._send({"type": "connection_ack"})

    async def _authenticate(self, given: bytes, admit: Admit) -> None:
        """Authenticates by connection_init. Raises Closed."""
        if not given:
            raise Closed(CloseCode.UNAUTHORIZED, 'Send connection_init with {"authorization": "Bearer …"}')
        try:
            await self.authenticate(given, admit)
        except Unauthenticated as error:
            raise Closed(CloseCode.UNAUTHORIZED, error.message) from None
        except (RateLimited, ServiceUnavailable) as error:
            raise Closed(CloseCode.TRY_AGAIN_LATER, error.message) from None

    async def _init(self) -> JsonObject:
        """The message connection_init. Raises Closed."""
        try:
            async with asyncio.timeout(0 if self._is_evicted else INIT_SECONDS) as self._init_timeout:
                while (message := await self._message())["type"] != "connection_init":
                    if message["type"] == "subscribe":
                        raise Closed(CloseCode.UNAUTHORIZED, "Send connection_init first")
                    await self._handle(message)
        except TimeoutError:
            if self._is_evicted:
                raise Closed(CloseCode.TRY_AGAIN_LATER, _EVICTED) from None
            raise Closed(CloseCode.NO_INIT, f"connection_init did not come within {INIT_SECONDS:g} s") from None
        finally:
            self._awaits_init = False
        return message

    async def _watch(self) -> None:
        """Checks the credential regularly, and updates the caller of subscriptions. Raises Closed when it is invalid."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            with suppress(ServiceUnavailable):  # the database does not answer: the last result remains
                caller = await self._caller()
                for operation in self._running.values():
                    if operation.type is OperationType.SUBSCRIPTION:
                        operation.context.caller = caller

    async def _caller(self, *, is_use: bool = False) -> Viewer:
        """The caller with the client's credential. Raises Closed and ServiceUnavailable."""
        try:
            caller = await self._authentication.viewer(self._header, self._address, is_use=is_use)
        except Unauthenticated as error:
            raise Closed(CloseCode.UNAUTHORIZED, error.message) from None
        if caller is None:
            raise Closed(CloseCode.UNAUTHORIZED, Unauthenticated().message)
        return caller

    async def _message(self) -> JsonObject:
        """The client's next message. Raises Closed and WebSocketDisconnect."""
        received = await self._websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005))
        return parsed(received.get("text"), self._longest)

    async def _handle(self, message: JsonObject) -> None:
        """Raises Closed."""
        match message["type"]:
            case "subscribe":
                await self._start(message["id"], message["payload"])
            case "complete":
                operation = self._running.pop(message["id"], None)
                # A mutation runs to its end, but its response is not sent.
                if (
                    operation is not None
                    and operation.task is not None
                    and operation.type is not OperationType.MUTATION
                ):
                    operation.task.cancel()
                    await asyncio.wait([operation.task], timeout=1)  # so that its slot is free for the next operation
            case "ping":
                try:
                    await self._send(pong(message))
                except orjson.JSONEncodeError:  # orjson reads deeper nesting than it writes
                    raise Closed(CloseCode.BAD_MESSAGE, "The payload is nested too deeply") from None
            case "connection_init":
                raise Closed(CloseCode.INIT_AGAIN, "connection_init was sent before")

    async def _start(self, id_: str, payload: JsonObject) -> None:
        if id_ in self._running:
            raise Closed(CloseCode.DUPLICATE_ID, f"Subscriber for {id_} already exists")
        try:
            request = graphql_protocol.to_request(payload)
        except graphql_protocol.BadRequest as bad:
            raise Closed(CloseCode.BAD_MESSAGE, bad.message) from None
        if len(self._operation_tasks) >= MAXIMUM_OPERATIONS:
            error = _limit_error(f"{MAXIMUM_OPERATIONS} operations of a connection")
            await self._send({"id": id_, "type": "error", "payload": [error]})
            return
        operation = self._running[id_] = _RunningOperation(self._context(None), self._operations.type_of(request))
        operation.task = self._tasks.create_task(self._run(id_, operation, request))
        self._operation_tasks.add(operation.task)
        operation.task.add_done_callback(self._operation_tasks.discard)

    def _context(self, caller: Viewer | None, request_id: str = "") -> Context:
        agent = self._websocket.headers.get("user-agent", "")
        return Context(
            caller,
            request_id or os.urandom(16).hex(),
            self._resources,
            address=self._address,
            user_agent=agent,
            recheck_credential=self._caller,
        )

    async def _run(self, id_: str, operation: "_RunningOperation", request: GraphQLRequest) -> None:
        """Runs one operation and sends its messages. Raises Closed and WebSocketDisconnect."""
        began, context = time.perf_counter(), operation.context
        log_fields: JsonObject = {}
        try:
            context.caller = await self._caller(is_use=True)
            if operation.type is OperationType.SUBSCRIPTION:
                with self._subscription(context.caller) as limit_error:
                    last = limit_error or await self._subscribe(id_, operation, request, log_fields)
            else:
                last = await self._run_once(request, context, is_mutation=operation.type is OperationType.MUTATION)
            record(log_fields, context.caller, last)
            await self._end(id_, operation, last)
        except ServiceUnavailable as error:
            formatted = json_error(error.message, error.extensions, context.request_id)
            await self._end(id_, operation, GraphQLResponse(executed=False, errors=[formatted]))
        except TooSlow:
            raise Closed(CloseCode.TRY_AGAIN_LATER, "too slow") from None
        except EventsLost:
            raise Closed(CloseCode.LIST_AGAIN, "events were lost: reconnect and list again") from None
        finally:
            if self._running.get(id_) is operation:
                del self._running[id_]
            connection = self._websocket.scope["request_id"]
            duration = round((time.perf_counter() - began) * 1000, 2)
            _log.info(
                "operation", request_id=context.request_id, connection=connection, duration_ms=duration, **log_fields
            )

    async def _run_once(self, request: GraphQLRequest, context: Context, *, is_mutation: bool) -> GraphQLResponse:
        if not is_mutation:
            return await self._operations.run(request, context)
        mutation = asyncio.create_task(self._operations.run(request, context))
        self._mutations.add(mutation)
        mutation.add_done_callback(self._mutations.discard)
        return await asyncio.shield(mutation)

    @contextmanager
    def _subscription(self, caller: Viewer) -> Iterator[GraphQLResponse | None]:
        """Holds one of the caller's subscription slots for the block; yields the request error when none is free."""
        who = caller.key_id or caller.user_id
        if self._subscriptions[who] >= MAXIMUM_SUBSCRIPTIONS:
            yield GraphQLResponse(
                executed=False, errors=[_limit_error(f"{MAXIMUM_SUBSCRIPTIONS} subscriptions of a caller")]
            )
            return
        self._subscriptions[who] += 1
        try:
            yield None
        finally:
            self._subscriptions[who] -= 1
            if not self._subscriptions[who]:
                del self._subscriptions[who]

    async def _subscribe(
        self, id_: str, operation: "_RunningOperation", request: GraphQLRequest, log_fields: JsonObject
    ) -> GraphQLResponse:
        """Sends the events of a subscription; returns its last response. Raises Closed, ServiceUnavailable and EventsLost."""

        async def new_context() -> Context:
            return self._context(await self._caller(), operation.context.request_id)

        responses = await self._operations.subscribe(request, operation.context, new_context)
        if isinstance(responses, GraphQLResponse):
            return responses
        log_fields |= {"type": "subscription", "events": 0}
        async with aclosing(responses):
            async for response in responses:
                if not response.executed:
                    return response
                log_fields["events"] += 1
                await self._send({"id": id_, "type": "next", "payload": response.body()})
        return GraphQLResponse(executed=True)

    async def _end(self, id_: str, operation: "_RunningOperation", last: GraphQLResponse) -> None:
        """Sends the last response and `complete`; nothing if the client has completed the operation."""
        if self._running.get(id_) is not operation:
            return
        del self._running[id_]  # the client may reuse the id once it has read the message
        if not last.executed:
            await self._send({"id": id_, "type": "error", "payload": last.errors})
            return
        if last.data is not None or last.errors:
            await self._send({"id": id_, "type": "next", "payload": last.body()})
        await self._send({"id": id_, "type": "complete"})

    async def _send(self, message: JsonObject) -> None:
        """Raises WebSocketDisconnect."""
        async with self._sending:  # one at a time: uvicorn would resume all waiting writers at once
            await self._websocket.send_text(orjson.dumps(message).decode())


class _RunningOperation:
    """An operation of a connection."""

    def __init__(self, context: Context, type_: OperationType | None) -> None:
        """`type_` is None for an invalid request."""
        self.context = context
        self.type = type_
        self.task: asyncio.Task[None] | None = None


def _limit_error(allowed: str) -> JsonObject:
    return {"message": f"At most {allowed} may run at once.", "extensions": {"code": str(ErrorCode.RATE_LIMITED)}}
