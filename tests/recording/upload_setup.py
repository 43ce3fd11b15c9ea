"""A spool, an upload worker with a clock controlled by the test, and an account whose calls are recorded."""

import errno
import os
import random
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
import pytest
from strawberry import Some

from app.accounts.model import Account
from app.calls.model import Call
from app.demo.local_s3 import LocalS3
from app.foundation.access import Scope, Viewer
from app.foundation.context import Context, Resources
from app.foundation.events import LiveEvents
from app.foundation.identifiers import Kind, new_id, parse_sid
from app.foundation.outbound.guard import OutboundGate
from app.foundation.permissions import ALL
from app.recording import audio, lifecycle, lookup
from app.recording.metadata import RecordingMetadata, StreamEnd
from app.recording.spool import Spool, SpooledRecording
from app.recording.upload_worker import UploadWorker
from app.storage import service
from app.storage.inputs import RecordingConfigPatch
from app.storage.model import AudioFormat, BucketVendor, RecordingConfig
from app.storage.rules import Tag
from app.storage.s3 import ObjectStorage, StorageTarget
from app.storage.settings import stored_draft
from tests.support.installation import Installation
from tests.support.servers.fixtures import ADMIN, RECORDER

_BLOCK_BYTES = 4_096
TAGS = (Tag("team", "voice + more"), Tag("Größe", "l"))


def _patch(values: dict[str, Any]) -> RecordingConfigPatch:
    given: dict[str, Any] = {name: Some(value) for name, value in values.items()}
    return RecordingConfigPatch(**given)


class UploadEnvironment:
    """The environment of an upload test."""

    def __init__(self, installation: Installation, folder: Path, storage: ObjectStorage) -> None:
        self.installation = installation
        self.keyring = installation.resources.keyring
        self.account_id = UUID(str(parse_sid(Kind.ACCOUNT, installation.world["own"])))
        self.live = LiveEvents()
        self.storage = storage
        self.folder = folder
        self.spool = Spool(folder, 10**10)
        self.time = datetime.now(UTC)
        self.worker = self.another_worker()
        self._numbers = iter(range(1_000))

    def another_worker(self) -> UploadWorker:
        """Another worker, as in a process that starts later or runs in parallel."""
        return UploadWorker(self.keyring, self.storage, self.spool, self.live, 400, now=lambda: self.time)

    @property
    def context(self) -> Context:
        clients: dict[type, Any] = {OutboundGate: OutboundGate(["127.0.0.1"]), Spool: self.spool, LiveEvents: self.live}
        clients[ObjectStorage] = self.storage
        opened = Resources(self.installation.settings, self.keyring, clients)
        return Context(Viewer(Scope.ADMIN, ALL, new_id()), "test", opened, operation="retryRecording")

    async def find(self, call: Call) -> lifecycle.StoredObject | None:
        """Looks for a recording in its bucket, like `maintain`."""
        await self.storage.open()
        return await lookup.find_in_bucket(self.keyring, self.storage, call)

    async def configure(self, endpoint: str, **changed: Any) -> None:
        """Configures the storage of the own account."""
        values: dict[str, Any] = {
            "bucket_vendor": BucketVendor.S3_COMPATIBLE,
            "endpoint_url": endpoint,
            "bucket_name": "calls",
            "region": "us-east-1",
            "access_key_id": RECORDER.access_key_id,
            "secret_access_key": RECORDER.secret_access_key,
            "s3_tags": TAGS,
            "enabled": True,
            **changed,
        }
        await service.update(self.context, self.installation.world["own"], _patch(values))

    async def recorded(self, pcm: bytes, form: AudioFormat = AudioFormat.WAV, *, ended: bool = True) -> UUID:
        """An ended call with this much audio (8 kHz stereo) in the spool, unlocked."""
        recording = await self.running(form)
        recording.append(pcm)
        if ended:
            self.end(recording)
        recording.close()
        return recording.metadata.call_id

    async def record_all_calls(self) -> None:
        """Records all calls of the own account."""
        changes = RecordingConfigPatch(record_all_calls=Some(True))
        await service.update(self.context, self.installation.world["own"], changes)

    async def of_another_account(self, endpoint: str, bucket: str, place: str = "sibling") -> UUID:
        """Such a call of the sibling or the foreign account, which uses this bucket."""
        account, own = self.installation.world[place], self.account_id
        changes = {"endpoint_url": endpoint, "bucket_name": bucket, "bucket_vendor": BucketVendor.S3_COMPATIBLE}
        keys = {"access_key_id": "sibling", "secret_access_key": "secret", "region": "us-east-1", "enabled": True}
        await service.update(self.context, account, _patch({**changes, **keys}))
        self.account_id = UUID(str(parse_sid(Kind.ACCOUNT, account)))
        try:
            return await self.recorded(noise(1000))
        finally:
            self.account_id = own

    async def running(self, form: AudioFormat = AudioFormat.WAV) -> SpooledRecording:
        """A call that is being recorded, locked as by ingest."""
        config = await RecordingConfig.get(account_id=self.account_id)
        target = StorageTarget.of(stored_draft(self.keyring, config))
        account = await Account.get(id=self.account_id)
        facts = lifecycle.CallFacts(self.account_id, f"gateway-{next(self._numbers)}", datetime.now(UTC))
        held: list[SpooledRecording] = []

        async def before_commit(call: Call, credential_id: UUID) -> None:
            metadata = _metadata_of(call, target, form, credential_id)
            held.append(self.spool.create(replace(metadata, service_provider_id=account.service_provider_id)))

        await lifecycle.begin(self.keyring, self.live, facts, target, form, before_commit)
        if form is AudioFormat.WAV:
            held[0].append(audio.Wav(8000, 2).begin())
        return held[0]

    def end(self, recording: SpooledRecording) -> None:
        metadata, size = recording.metadata, recording.audio_bytes
        recording.overwrite(0, audio.new_encoder(metadata.format, metadata.sample_rate, metadata.channels).header(size))
        length = audio.duration_of(metadata.format, metadata.sample_rate, metadata.channels, size)
        recording.finish(StreamEnd(datetime.now(UTC), length // timedelta(milliseconds=1), 0))

    async def scan(self, worker: UploadWorker | None = None) -> None:
        """Scans the spool once and waits for all uploads."""
        one = worker or self.worker
        await one.scan()
        await one.wait_until_idle()

    async def later(self, **time: float) -> None:
        """Advances the clock and scans."""
        self.time += timedelta(**time)
        await self.scan()

    async def call(self, call_id: UUID) -> Call:
        return await Call.get(account_id=self.account_id, id=call_id)

    @contextmanager
    def told(self) -> Iterator[list[str]]:
        """The events of the own account, as they are published."""
        found: list[str] = []
        with self.live.subscribe(self.account_id) as listener:
            listener.put = lambda event: found.append(event.change.value)  # type: ignore[method-assign]
            yield found


@asynccontextmanager
async def open_environment(
    installation: Installation, folder: Path, storage: ObjectStorage
) -> AsyncIterator[UploadEnvironment]:
    async with installation.database():
        yield UploadEnvironment(installation, folder, storage)


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """On a full disk, no file can be created and none can grow into another block."""
    opened, written = os.open, os.pwrite

    def full() -> OSError:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def open_file(path: Any, flags: int, *rest: Any, **options: Any) -> int:
        if flags & os.O_CREAT and Path(path).is_relative_to(folder) and not Path(path).exists():
            raise full()
        return opened(path, flags, *rest, **options)

    def write(file: int, data: Any, offset: int) -> int:
        env = -(-os.fstat(file).st_size // _BLOCK_BYTES) * _BLOCK_BYTES - offset
        if env <= 0:
            raise full()
        return written(file, data[:env], offset)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_file)
        patch.setattr(os, "pwrite", write)
        yield


def noise(size: int) -> bytes:
    """Non-repeating audio of whole samples."""
    return random.Random(size).randbytes(size)


def s3_client(server: LocalS3) -> Any:
    """A caller with all permissions."""
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=ADMIN.access_key_id,
        aws_secret_access_key=ADMIN.secret_access_key,
    )


def pcm_of(path: Path) -> tuple[bytes, int]:
    """The samples of a WAV file, and the duration in its header in milliseconds."""
    with wave.open(str(path)) as file:
        length = file.getnframes()
        return file.readframes(length), length * 1000 // file.getframerate()


def _metadata_of(call: Call, target: StorageTarget, form: AudioFormat, credential_id: UUID) -> RecordingMetadata:
    assert call.recording_key is not None
    return RecordingMetadata(
        call_id=call.id,
        account_id=call.account_id,
        gateway_call_id=call.gateway_call_id,
        format=form,
        sample_rate=8000,
        channels=2,
        started_at=call.started_at,
        vendor=target.vendor,
        endpoint_url=target.endpoint_url,
        bucket=target.bucket,
        region=target.region,
        key=call.recording_key,
        credential_id=credential_id,
        tags=target.tags,
    )
