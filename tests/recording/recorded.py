"""Calls with recordings in a bucket of a real S3, created without the application."""

import asyncio
import io
import math
import struct
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
import httpx
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError

from app.calls.keys import id_at
from app.calls.model import Call, CallDirection, RecordingState
from app.calls.signed_urls import player_url, recording_url
from app.demo.local_s3 import REGION, LocalS3
from app.foundation.context import Context
from app.foundation.identifiers import Kind, new_id, parse_sid, sid_of
from app.storage import credentials
from app.storage.model import AudioFormat, BucketVendor, RecordingConfig, StoredCredential
from app.storage.s3 import StorageTarget
from tests.support.installation import Installation, Person
from tests.support.waiting import until

STARTED = datetime(2026, 1, 31, 13, 37, tzinfo=UTC)


def wav(seconds: float = 1, hertz: int = 8000) -> bytes:
    """Two tones: 440 Hz on the left, and 660 Hz with half the amplitude on the right."""
    frames = bytearray()
    for number in range(round(seconds * hertz)):
        time = number / hertz
        left, right = math.sin(math.tau * 440 * time), 0.5 * math.sin(math.tau * 660 * time)
        frames += struct.pack("<hh", round(20_000 * left), round(20_000 * right))
    return _file(bytes(frames), hertz)


def conversation(seconds: int, hertz: int = 8000) -> bytes:
    """Two speakers who take turns: each is silent while the other speaks, in phrases with gaps."""
    frames = bytearray()
    for number in range(seconds * hertz):
        time = number / hertz
        turn, word = (
            int(time / 2.5) % 2,
            abs(math.sin(math.pi * 1.7 * time)) * (0.45 + 0.55 * abs(math.sin(2.3 * time))),
        )
        sound = round(22_000 * word * math.sin(math.tau * 180 * time + 3 * math.sin(math.tau * 7 * time)))
        frames += struct.pack("<hh", 0 if turn else sound, sound if turn else 0)
    return _file(bytes(frames), hertz)


def _file(frames: bytes, hertz: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(2)
        made.setsampwidth(2)
        made.setframerate(hertz)
        made.writeframes(frames)
    return file.getvalue()


def target_in(s3: LocalS3 | str, bucket: str = "calls", *keys: str, region: str = REGION) -> StorageTarget:
    endpoint = s3 if isinstance(s3, str) else s3.endpoint
    key_id, secret = keys or ("recorderkey", "recordersecret")
    return StorageTarget(BucketVendor.S3_COMPATIBLE, endpoint, bucket, region, key_id, secret)


def client_of(target: StorageTarget) -> Any:
    """A client of the tests' own."""
    return boto3.client(
        "s3",
        endpoint_url=target.endpoint,
        region_name=target.region,
        aws_access_key_id=target.access_key_id,
        aws_secret_access_key=target.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )


@dataclass
class Recorded:
    """A call with its recording."""

    installation: Installation
    call: Call
    target: StorageTarget
    audio: bytes

    @property
    def id(self) -> str:
        return sid_of(Kind.CALL, self.call.id)

    @property
    def path(self) -> str:
        return f"/recordings/{self.id}"

    async def context(self, person: Person) -> Context:
        server = self.installation.app.state.server
        viewer = await server.state.authentication.viewer(person.headers["Authorization"].encode(), "127.0.0.1")
        return Context(viewer, "test", self.installation.resources)

    async def address(self, person: Person, *, player: bool = False) -> str:
        """The signed URL that this person gets, without the host."""
        make = player_url if player else recording_url
        async with self.installation.database():
            made = make(await self.context(person), self.call.id, self.call.account_id)
        return made.removeprefix(self.installation.settings.base_url)

    async def now(self) -> Call:
        async with self.installation.database():
            return await Call.get(id=self.call.id)

    def is_in_bucket(self) -> bool:
        try:
            client_of(self.target).head_object(Bucket=self.target.bucket, Key=self.call.recording_key)
        except ClientError:
            return False
        return True


async def recorded(
    installation: Installation,
    target: StorageTarget,
    *,
    of: str = "own",
    audio: bytes | None = None,
    audio_format: AudioFormat = AudioFormat.WAV,
    **changed: Any,
) -> Recorded:
    """A call of an account with a recording in a bucket; `changed` sets other columns, such as its state."""
    content, account_id = wav() if audio is None else audio, parse_sid(Kind.ACCOUNT, installation.world[of])
    assert account_id is not None
    call_id = id_at(STARTED)
    key = f"2026/01/31/{sid_of(Kind.CALL, call_id)}.{audio_format.name.lower()}"
    client = client_of(target)
    await asyncio.to_thread(client.put_object, Bucket=target.bucket, Key=key, Body=content)
    async with installation.database():
        credential_id = await credentials.get_or_create(installation.resources.keyring, account_id, target)
        values: dict[str, Any] = {
            "direction": CallDirection.INBOUND,
            "from_number": "+4930123456",
            "to_number": "+4989654321",
            "recording_state": RecordingState.STORED,
            "recording_format": audio_format,
            "recording_size_bytes": len(content),
            "recording_duration_ms": 1_000,
            "recording_vendor": target.vendor,
            "recording_endpoint_url": target.endpoint_url,
            "recording_bucket": target.bucket,
            "recording_region": target.region,
            "recording_key": key,
            "recording_credential_id": credential_id,
        }
        call = await Call.create(
            id=call_id,
            account_id=account_id,
            gateway_call_id=new_id().hex,
            started_at=STARTED,
            **{**values, **changed},
        )
    return Recorded(installation, call, target, content)


async def configure(installation: Installation, target: StorageTarget, of: str = "own") -> None:
    """Configures the storage of an account."""
    account_id = parse_sid(Kind.ACCOUNT, installation.world[of])
    async with installation.database():
        config = await RecordingConfig.get(account_id=account_id)
        config.bucket_vendor, config.endpoint_url = target.vendor, target.endpoint_url
        config.bucket_name, config.region = target.bucket, target.region
        config.access_key_id = target.access_key_id
        config.secret_access_key = installation.resources.keyring.seal(
            target.secret_access_key, table="recording_configs", column="secret_access_key", row=config.id
        )
        await config.save()


async def count_stored_credentials(installation: Installation) -> int:
    async with installation.database():
        return await StoredCredential.all().count()


@asynccontextmanager
async def served(installation: Installation) -> AsyncIterator[httpx.AsyncClient]:
    """The application in a real uvicorn server."""
    from app.server.transport.http import BoundedProtocol

    config = uvicorn.Config(
        installation.app, port=0, http=BoundedProtocol, lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        await running
