"""The shipped server in a process that can be killed, and calls streamed to it."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.calls.model import Call
from app.demo.local_s3 import LocalS3, free_ports
from app.foundation.database import orm
from app.foundation.settings import Settings
from tests.recording.upload_setup import noise
from tests.support.commands import is_ready
from tests.support.installation import Person, World, settings_of
from tests.support.servers.fixtures import RECORDER
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def _stopped(processes: Iterable[int]) -> Iterator[None]:
    """These processes are stopped (SIGSTOP) during the block."""
    stopped = list(processes)
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)


class RealServer:
    """`python -m app serve`, with one worker by default, on a free port that stays the same."""

    def __init__(self, world: World, folder: Path, url: str, **environment: str) -> None:
        self.world = world
        self.port = free_ports(1)[0]
        self.spool = folder / "spool"
        self.settings: Settings = settings_of(world, folder, url, port=self.port)
        self._log = folder / "server.log"
        self._environment = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(folder),
            "TMPDIR": str(folder),  # of the supervisor, which is killed before it removes its folder
            "DATABASE_URL": url,
            "DATABASE_TIMEOUT_SECONDS": "3",
            "ENCRYPTION_KEYS": world.encryption_keys,
            "HASH_KEY": world.hash_key,
            "OUTBOUND_ALLOWED_HOSTS": "127.0.0.1",
            "PORT": str(self.port),
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False)

    async def start(self, **environment: str) -> None:
        self._environment |= environment
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        await self._until_ready()
        workers = self.workers
        for worker in (
            workers if len(workers) > 1 else ()
        ):  # it is ready with the first worker, while others still start
            with _stopped(other for other in workers if other != worker):
                await self._until_ready()

    async def _until_ready(self) -> None:
        async def says_so() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self.log[-3000:]
            # A connection of its own, which any worker may accept.
            async with httpx.AsyncClient(base_url=self.client.base_url, trust_env=False) as client:
                return await is_ready(client)

        await until(says_so, seconds=120)

    def kill(self) -> None:
        """As `kill -9` does, for all its processes."""
        if self._process is not None and self._process.poll() is None:
            workers = self.workers
            self._process.kill()
            self._process.wait()
            for worker in workers:  # kill workers before they end in order, as they do without a supervisor
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)

    def stop(self) -> int:
        """Stops it like a service manager; returns the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(120)

    @property
    def workers(self) -> list[int]:
        """The process ids of its workers."""
        assert self._process is not None
        supervisor = self._process.pid
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]

    async def close(self) -> None:
        self.kill()
        await self.client.aclose()

    @property
    def log(self) -> str:
        return self._log.read_text()

    def person(self, name: str) -> Person:
        return Person(self.client, self.world.tokens[name])

    async def record_to(self, s3: LocalS3, **formats: str) -> str:
        """Lets accounts record all calls to a bucket (`own="WAV"`); returns a gateway's key."""
        provider = self.person("provider")
        for account, form in formats.items():
            given = {
                "bucketVendor": "S3_COMPATIBLE",
                "endpointUrl": s3.endpoint,
                "bucketName": "calls",
                "region": "us-east-1",
                "accessKeyId": RECORDER.access_key_id,
                "secretAccessKey": RECORDER.secret_access_key,
                "enabled": True,
                "recordAllCalls": True,
                "audioFormat": form,
            }
            payload = await provider.change(
                "updateRecordingConfig", "recordingConfig { id }", accountId=self.world[account], **given
            )
            assert payload["userErrors"] == []
        made = await provider.change("createApiKey", "token", name="gateway", accessLevel="GATEWAY")
        return str(made["token"])

    async def rows(self) -> dict[str, Call]:
        """Calls by the gateway's ids, read directly from the database."""
        async with orm.opened(self.settings):
            return {call.gateway_call_id: call for call in await Call.all()}

    async def until(self, what: str, seconds: float, count: int) -> dict[str, Call]:
        """Waits until this many recordings are in that state."""
        rows: dict[str, Call] = {}

        async def are_there() -> bool:
            nonlocal rows
            rows = await self.rows()
            return sum(call.recording_state.name == what for call in rows.values()) >= count

        try:
            await until(are_there, seconds=seconds)
        except AssertionError as late:
            states = {name: call.recording_state.value for name, call in rows.items()}
            late.add_note(f"not {count} {what}: {states}\n{self.log[-3000:]}")
            raise
        return rows


@dataclass
class StreamedCall:
    """A call streamed to a server frame by frame, until the server or the test ends it."""

    name: str
    account: str
    sample_rate: int = 8000
    times_real_time: int = 1
    sent: bytearray = field(default_factory=bytearray)
    sent_at: list[tuple[float, int]] = field(default_factory=list)
    """When this many bytes had been sent."""
    is_on_hold: bool = False
    """Sends nothing more; the stream stays open."""
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, server: RealServer, key: str) -> None:
        options: Any = {"additional_headers": {"Authorization": f"Bearer {key}"}, "proxy": None, "ping_interval": None}
        protocol = [Subprotocol("audio.jambonz.org")]
        with contextlib.suppress(ConnectionClosed):
            async with connect(f"ws://127.0.0.1:{server.port}/record", subprotocols=protocol, **options) as socket:
                first = {"callSid": self.name, "accountSid": self.account, "sampleRate": self.sample_rate}
                await socket.send(json.dumps(first))
                await self._send(socket)

    async def _send(self, socket: Any) -> None:
        seconds = 0.02
        audio = noise(round(self.sample_rate * seconds) * 4 * 50 * self.times_real_time)
        size, begun, number = len(audio) // 50, time.monotonic(), 0
        while not self.ending.is_set():
            if self.is_on_hold:
                await self.ending.wait()
                return
            piece = audio[number % 50 * size :][:size]
            await socket.send(piece)
            self.sent += piece
            self.sent_at.append((time.monotonic(), len(self.sent)))
            number += 1
            # In real time, like a gateway.
            await asyncio.sleep(max(0, begun + number * seconds - time.monotonic()))
            if number == 5:
                self.has_begun.set()

    async def sends(self, seconds: float) -> None:
        """Waits until it has sent this much more audio, in real time."""
        enough = len(self.sent) + seconds * self.sample_rate * 4
        await until(lambda: len(self.sent) >= enough)

    def sent_before(self, moment: float) -> int:
        """How many bytes had been sent by then."""
        return max((size for at, size in self.sent_at if at <= moment), default=0)
