"""Clients that keep a ledger of acknowledged writes and calls, and its verification after a fault."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from app.applications.model import Application
from app.calls.model import Call, RecordingState
from app.demo.local_s3 import LocalS3
from app.foundation.database import orm
from app.foundation.identifiers import Kind, parse_sid
from app.recording.audio import WAV_HEADER_BYTES
from tests.recording.real_server import RealServer
from tests.recording.upload_setup import s3_client

SAMPLE_RATE, FRAME_SECONDS = 8_000, 0.02
FRAME_BYTES = int(SAMPLE_RATE * FRAME_SECONDS) * 4
HANDSHAKE_REFUSED, CONNECTION_LOST = 503, 1006
SETTLED_SECONDS = 120


@dataclass
class Ledger:
    """Everything that the server has acknowledged."""

    writes: dict[str, str] = field(default_factory=dict)
    """The ids of applications, by name."""
    kept: dict[str, bytes] = field(default_factory=dict)
    """The audio of calls closed with 1000, by the gateway's ids."""
    codes: Counter[int] = field(default_factory=Counter)
    """How calls were closed; HANDSHAKE_REFUSED and CONNECTION_LOST too."""

    async def call(self, server: RealServer, key: str, name: str, account: str, seconds: float) -> int:
        """Records one whole call; returns its close code."""
        sent = bytearray()
        try:
            code = await _streamed(server, key, name, server.world[account], seconds, sent)
        except (OSError, InvalidHandshake, TimeoutError) as error:
            code = HANDSHAKE_REFUSED if isinstance(error, InvalidHandshake) else CONNECTION_LOST
        self.codes[code] += 1
        if code == 1000:
            self.kept[name] = bytes(sent)
        return code

    async def write(self, server: RealServer, name: str) -> bool:
        """Creates an application; returns whether it was acknowledged."""
        webhook = {"url": "https://hooks.example.com/calls"}
        with suppress(Exception):  # the fault: what is not acknowledged is not in the ledger
            made = await server.person("provider").change(
                "createApplication",
                "application { id }",
                accountId=server.world["own"],
                name=name,
                callingWebhook=webhook,
            )
            if made["application"]:
                self.writes[name] = made["application"]["id"]
                return True
        return False

    @asynccontextmanager
    async def writing(self, server: RealServer) -> AsyncIterator[None]:
        """Two clients write without a pause during the block."""
        is_over = asyncio.Event()

        async def write(client: int) -> None:
            number = 0
            while not is_over.is_set():
                number += 1
                if not await self.write(server, f"{client}-{number}"):
                    await asyncio.sleep(0.1)

        tasks = [asyncio.create_task(write(client)) for client in range(2)]
        try:
            yield
        finally:
            is_over.set()
            await asyncio.gather(*tasks)

    async def verify(self, server: RealServer, s3: LocalS3) -> None:
        """Asserts that everything acknowledged exists: writes in the database; audio in the bucket, byte for byte, and its row.

        Waits for uploads in progress. Afterwards the spool is empty, and no multipart upload is open.
        """
        rows = await self._stored(server)
        bucket: Any = s3_client(s3)
        for name, audio in self.kept.items():
            row = rows[name]
            stored = bucket.get_object(Bucket="calls", Key=row.recording_key)["Body"].read()
            assert stored[WAV_HEADER_BYTES:] == audio, name
            assert row.recording_size_bytes == len(stored), name
        assert bucket.list_multipart_uploads(Bucket="calls").get("Uploads", []) == []
        async with orm.opened(server.settings):
            there = set(await Application.all().values_list("id", flat=True))
        assert {parse_sid(Kind.APPLICATION, made) for made in self.writes.values()} <= there

    async def _stored(self, server: RealServer) -> dict[str, Call]:
        """The rows of all calls, after each recording is stored and the spool is empty."""
        rows: dict[str, Call] = {}

        async def is_settled() -> bool:
            nonlocal rows
            rows = await server.rows()
            await _hurry(server, rows)
            is_stored = {name for name, row in rows.items() if row.recording_state is RecordingState.STORED}
            return self.kept.keys() <= is_stored and not waiting(server)

        await until(
            is_settled, SETTLED_SECONDS, lambda: f"{_states(rows)}, spool {waiting(server)}\n{server.log[-3000:]}"
        )
        return rows


async def _hurry(server: RealServer, rows: dict[str, Call]) -> None:
    """Retries waiting recordings now, as a person would."""
    for row in rows.values():
        if row.recording_state in (RecordingState.STORING, RecordingState.FAILED) and row.recording_attempts:
            with suppress(Exception):
                call_id = f"{Kind.CALL.value}{row.id.hex}"
                await server.person("provider").change("retryRecording", "call { id }", id=call_id)


def waiting(server: RealServer) -> list[UUID]:
    """The calls with audio in the spool."""
    return [UUID(hex=path.name) for path in server.spool.iterdir() if not path.name.startswith(".") and path.is_dir()]


async def until(holds: Any, seconds: float, told: Any = lambda: "the condition was not met in time") -> None:
    """Polls until a deadline."""
    try:
        async with asyncio.timeout(seconds):
            while not await holds():
                await asyncio.sleep(0.25)
    except TimeoutError:
        raise AssertionError(told()) from None


def _states(rows: dict[str, Call]) -> dict[str, str]:
    return {name: row.recording_state.name for name, row in rows.items()}


async def _streamed(server: RealServer, key: str, name: str, account: str, seconds: float, sent: bytearray) -> int:
    options: Any = {"additional_headers": {"Authorization": f"Bearer {key}"}, "proxy": None, "ping_interval": None}
    options |= {"subprotocols": [Subprotocol("audio.jambonz.org")], "open_timeout": 30, "close_timeout": 30}
    audio = random.Random(name)
    # Not `async with`, which closes a second time.
    connection = await connect(f"ws://127.0.0.1:{server.port}/record", **options)
    with suppress(ConnectionClosed):
        await connection.send(json.dumps({"callSid": name, "accountSid": account, "sampleRate": SAMPLE_RATE}))
        for _ in range(round(seconds / FRAME_SECONDS)):
            piece = audio.randbytes(FRAME_BYTES)
            await connection.send(piece)
            sent += piece
            await asyncio.sleep(FRAME_SECONDS)
    await connection.close()
    closed = connection.protocol.close_rcvd
    return int(closed.code) if closed is not None else CONNECTION_LOST
