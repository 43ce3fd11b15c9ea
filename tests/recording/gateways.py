"""A voice gateway that streams calls to a real server on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.calls.model import Call
from app.foundation.identifiers import Kind, parse_sid
from app.recording.audio_stream import AudioStream
from app.recording.ingest import RecordingIngest
from app.recording.spool import Spool, SpooledRecording
from app.recording.upload_worker import UploadWorker
from app.server.transport.http import BoundedProtocol
from app.server.transport.websocket import StreamingProtocol
from tests.support.installation import Installation, Person, World
from tests.support.waiting import until

FRAME_SECONDS = 0.02


@dataclass
class Gateway:
    """A gateway: the server to stream to, its key, and the fields of its first frames."""

    installation: Installation
    server: uvicorn.Server
    key: str
    account: str
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def port(self) -> int:
        found: int = self.server.servers[0].sockets[0].getsockname()[1]
        return found

    @property
    def spool(self) -> Spool:
        found: Spool = self.installation.resources.clients[Spool]
        return found

    @property
    def recording_ingest(self) -> RecordingIngest:
        found: RecordingIngest = self.installation.resources.clients[RecordingIngest]
        return found

    @asynccontextmanager
    async def opened(
        self, key: str | None = None, path: str = "/record", **options: Any
    ) -> AsyncIterator[ClientConnection]:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        given = {"additional_headers": headers, "subprotocols": [Subprotocol("audio.jambonz.org")], **options}
        async with connect(f"ws://127.0.0.1:{self.port}{path}", **given) as connection:
            yield connection

    def first_frame(self, call: str, **fields: Any) -> str:
        return json.dumps({"callSid": call, "accountSid": self.account, **fields})

    async def stream(self, call: str, audio: bytes, *, frame_bytes: int = 640, **fields: Any) -> None:
        """Streams one call from its beginning to its end, as fast as possible."""
        async with self.opened() as connection:
            await connection.send(self.first_frame(call, **fields))
            for start in range(0, len(audio), frame_bytes):
                await connection.send(audio[start : start + frame_bytes])
        await self.idle()

    async def refused(self, first: str | bytes | None = None, **options: Any) -> tuple[int, str]:
        """The close code and reason of a stream that is refused after its first frame."""
        async with self.opened(**options) as connection:
            if first is not None:
                await connection.send(first)
            return await closed(connection)

    async def idle(self) -> None:
        """Waits until no stream is open."""
        await until(lambda: not self.server.server_state.tasks)

    async def running(self, call: str, *, arrived: int = 0, written: int = 0) -> AudioStream:
        """The stream of a recorded call, with this many bytes arrived and this many in the spool."""

        def found() -> AudioStream | None:
            for stream in self.recording_ingest._streams:
                in_spool = stream.samples * stream.first.frame_bytes
                is_here = in_spool + len(stream._buffer) >= arrived and in_spool >= written
                if stream.first.gateway_call_id == call and is_here:
                    return stream
            return None

        stream = await until(found)
        assert stream is not None
        return stream

    async def call(self, gateway_call_id: str) -> Call:
        async with self.installation.database():
            return await Call.get(gateway_call_id=gateway_call_id)

    async def spooled(self, gateway_call_id: str) -> SpooledRecording:
        found = self.spool.open((await self.call(gateway_call_id)).id)
        assert found is not None, "the recording is locked or missing"
        return found


async def closed(connection: ClientConnection) -> tuple[int, str]:
    """The code and reason of the server's close."""
    async with asyncio.timeout(10):
        await connection.wait_closed()
    assert connection.protocol.close_rcvd is not None, "the server disconnected without a close frame"
    return connection.protocol.close_rcvd.code, connection.protocol.close_rcvd.reason


@asynccontextmanager
async def gateway_of(
    installation: Installation, world: World, person: Person, *, records_all: bool = True, form: str = "WAV"
) -> AsyncIterator[Gateway]:
    """A gateway with a key of this person, and an own account that records (or not) all calls."""
    made = await person.change("createApiKey", "token", name="gateway", accessLevel="GATEWAY")
    assert made["userErrors"] == []
    wanted = {"accountId": world["own"], "recordAllCalls": records_all, "audioFormat": form}
    assert (await person.change("updateRecordingConfig", "recordingConfig { id }", **wanted))["userErrors"] == []
    # Recordings stay in the spool, so that tests can read them.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(UploadWorker, "on_end", lambda _, recording: recording.close())
        patch.setattr(UploadWorker, "scan", lambda _: asyncio.sleep(0))
        async with _listening(installation) as server:
            yield Gateway(installation, server, made["token"], world["own"])


@asynccontextmanager
async def _listening(installation: Installation) -> AsyncIterator[uvicorn.Server]:
    # As `app/server/transport/serve.py` has it.
    options: dict[str, Any] = {"http": BoundedProtocol, "ws": StreamingProtocol, "ws_max_size": 1_048_576}
    quiet: dict[str, Any] = {
        "ws_per_message_deflate": False,
        "log_config": None,
        "server_header": False,
        "lifespan": "off",
    }
    server = uvicorn.Server(uvicorn.Config(installation.app, port=0, **options, **quiet))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield server
    finally:
        server.should_exit = True
        await task


def uuid_of(account: str) -> str:
    found = parse_sid(Kind.ACCOUNT, account)
    assert found is not None
    return str(found)
