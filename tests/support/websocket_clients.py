"""Clients of the WebSocket at `/graphql`, on a real socket of a real server."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.foundation.events import Change, LiveEvent, LiveEvents
from app.foundation.identifiers import Kind, parse_sid
from app.server.transport.http import BoundedProtocol
from app.server.transport.websocket import StreamingProtocol
from tests.support.installation import Answer, Installation
from tests.support.waiting import until

SUBPROTOCOL = "graphql-transport-ws"


@asynccontextmanager
async def served(installation: Installation, limit: int | None = None) -> AsyncIterator[int]:
    """Serves the installation as `app/server/transport/serve.py` does; yields the port."""
    options: dict[str, Any] = {"http": BoundedProtocol, "ws": StreamingProtocol, "ws_max_size": 1_048_576}
    quiet: dict[str, Any] = {"ws_per_message_deflate": False, "log_config": None, "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(installation.app, port=0, limit_concurrency=limit, **options, **quiet))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


class Client:
    """Speaks graphql-transport-ws, message by message."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._ids = itertools.count(1)

    async def say(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def hear(self, seconds: float = 5) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            heard: dict[str, Any] = json.loads(await self.connection.recv())
        return heard

    async def hears_nothing(self, seconds: float = 0.5) -> bool:
        try:
            await self.hear(seconds)
        except TimeoutError:
            return True
        return False

    async def begin(self, token: str) -> None:
        await self.say(type="connection_init", payload={"authorization": f"Bearer {token}"})
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, query: str, id_: str = "", /, **variables: Any) -> str:
        """The operation's id, of the client's choice or a new one."""
        id_ = id_ or str(next(self._ids))
        await self.say(type="subscribe", id=id_, payload={"query": query, "variables": variables})
        return id_

    async def ask(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The last `next` message of a query or mutation before `complete`, or the error."""
        id_ = await self.subscribe(query, **variables)
        answer = await self.hear(30)
        assert answer["id"] == id_
        if answer["type"] == "next":
            assert await self.hear() == {"id": id_, "type": "complete"}
        return answer

    async def closed(self, seconds: float = 10) -> tuple[int, str]:
        """The code and reason with which the server closes."""
        async with asyncio.timeout(seconds):
            await self.connection.wait_closed()
        assert self.connection.protocol.close_rcvd is not None, "the server hung up without a word"
        return self.connection.protocol.close_rcvd.code, self.connection.protocol.close_rcvd.reason


@asynccontextmanager
async def opened(port: int, **options: Any) -> AsyncIterator[Client]:
    """A client that has sent no message yet."""
    given = {"subprotocols": [Subprotocol(SUBPROTOCOL)], "close_timeout": 1, **options}
    async with connect(f"ws://127.0.0.1:{port}/graphql", **given) as connection:
        yield Client(connection)


@asynccontextmanager
async def listening(port: int, token: str | None) -> AsyncIterator[Client]:
    """An authenticated client."""
    assert token is not None
    async with opened(port) as client:
        await client.begin(token)
        yield client


async def first_event(
    installation: Installation, token: str | None, query: str, variables: dict[str, Any], event: tuple[str, str]
) -> Answer:
    """The first event of a subscription without a network, while this account's call changes all the time."""
    said: asyncio.Queue[Any] = asyncio.Queue()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    scope = {"type": "websocket", "path": "/graphql", "headers": [], "subprotocols": [SUBPROTOCOL], "extensions": {}}
    task = asyncio.create_task(installation.app(scope, said.get, heard.put))
    payload = {"authorization": f"Bearer {token}"} if token else {}
    subscribe = {"type": "subscribe", "id": "1", "payload": {"query": query, "variables": variables}}
    said.put_nowait({"type": "websocket.connect"})
    for message in ({"type": "connection_init", "payload": payload}, subscribe):
        said.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
    account, call = parse_sid(Kind.ACCOUNT, event[0]), parse_sid(Kind.CALL, event[1])
    assert account is not None
    assert call is not None
    try:
        while True:
            installation.resources.clients[LiveEvents].publish(LiveEvent(account, call, Change.RECORDING))
            with suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    answer = _answer_in(await heard.get())
                if answer is not None:
                    return answer
    finally:
        said.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await task


def _answer_in(message: dict[str, Any]) -> Answer | None:
    if message["type"] == "websocket.close":
        assert message["code"] == 4401, message
        return Answer(401, httpx.Headers(), {"errors": [{"extensions": {"code": "UNAUTHENTICATED"}}]})
    told = json.loads(message.get("text") or "{}")
    if told.get("type") == "error":
        return Answer(200, httpx.Headers(), {"errors": told["payload"]})
    return Answer(200, httpx.Headers(), told["payload"]) if told.get("type") == "next" else None


async def until_heard(installation: Installation, account: str, count: int = 1) -> None:
    """Waits for this many listeners of an account: the protocol does not confirm the start of a subscription."""
    live, account_id = installation.resources.clients[LiveEvents], parse_sid(Kind.ACCOUNT, account)

    def waiting() -> int:  # it has looked at the account then
        return sum(bool(each._waiting._getters) for each in live._listeners.get(account_id, ()))

    await until(lambda: waiting() >= count)


async def until_no_listeners(installation: Installation) -> None:
    live = installation.resources.clients[LiveEvents]
    await until(lambda: not live._listeners)
