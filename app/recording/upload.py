"""One attempt to upload a recording, in one request or in parts, and the clean-up after earlier attempts.

The recording's `state.json` holds what the next attempt must know. A multipart upload is noted there before its first
part is sent, so that any later process can abort it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import structlog

from app.calls.recording_faults import RecordingFault
from app.foundation.encryption import CannotOpen, Keyring
from app.recording.backoff import PERMANENT_FAULT_ATTEMPTS, UploadFault
from app.recording.disk import disk_fault
from app.recording.metadata import RecordingMetadata
from app.recording.spool import SpooledRecording
from app.storage import credentials, uploads
from app.storage.credentials import Candidate, Location
from app.storage.failures import StorageFailure
from app.storage.faults import StorageFault
from app.storage.model import CONTENT_TYPES, AudioFormat
from app.storage.s3 import Bucket, ObjectStorage, StorageTarget
from app.storage.uploads import NewObject

_log = structlog.get_logger("recording.upload")

_NOT_IMPLEMENTED = 501


@dataclass
class UploadState:
    """The results of earlier attempts; stored in `state.json`."""

    attempts: int = 0
    """Number of failed attempts."""
    first_failed_at: str | None = None
    next_attempt_at: str | None = None
    is_beginning: bool = False
    """A multipart upload may exist whose id this server never received."""
    upload_id: str | None = None
    may_be_sent: bool = False
    """The object may exist without a confirmation: a response can get lost, and a process can die before it arrives."""
    is_sent: bool = False
    """The storage confirmed the object."""
    is_deleted: bool = False
    """A person deleted the recording or its account: remove it, whatever the database says now."""
    keeps_object: bool = False
    """The account was deleted; objects in its bucket stay."""
    aside: str | None = None
    """Why the recording was set aside."""
    is_adopted: bool = False
    """An operator adopted the recording: store it without further checks."""

    @classmethod
    def of(cls, recording: SpooledRecording) -> "UploadState":
        return cls.from_json(recording.read_state())

    @classmethod
    def from_json(cls, stored: dict[str, Any] | None) -> "UploadState":
        stored = stored or {}
        return cls(**{name: stored[name] for name in cls.__dataclass_fields__ if name in stored})

    async def write(self, recording: SpooledRecording) -> None:
        """Raises OSError."""
        await asyncio.to_thread(recording.write_state, asdict(self))

    def time(self, name: str) -> datetime | None:
        text = getattr(self, name)
        return datetime.fromisoformat(text) if text else None


@dataclass
class MultipartUpload:
    """A multipart upload begun by this process."""

    target: StorageTarget
    upload_id: str
    etags: dict[int, str] = field(default_factory=dict)


async def usable_keys(keyring: Keyring, metadata: RecordingMetadata) -> list[Candidate]:
    """Keys to upload with: those of the recording, then the account's present ones for the same bucket.

    Raises UploadFault when there are none.
    """
    location = Location(metadata.vendor, metadata.endpoint_url, metadata.bucket, metadata.region, metadata.tags)
    found: list[Candidate] = []
    with suppress(CannotOpen):
        found = await credentials.candidates_of(keyring, location, metadata.account_id, metadata.credential_id)
    if not found:
        raise UploadFault(RecordingFault.KEYS_REMOVED)
    return found


def _source_of(recording: SpooledRecording) -> NewObject:
    metadata = recording.metadata
    return NewObject(recording.audio_path, metadata.key, CONTENT_TYPES[metadata.format], metadata.tags)


@asynccontextmanager
async def open_bucket(storage: ObjectStorage, target: StorageTarget) -> AsyncIterator[Bucket]:
    """Opens the bucket with the timeouts of uploads. Raises StorageFailure."""
    await storage.open()
    async with storage.client(target, uploads.READ_SECONDS) as bucket:
        yield bucket


async def begin_multipart(
    bucket: Bucket, target: StorageTarget, recording: SpooledRecording, state: UploadState
) -> MultipartUpload:
    """Begins a multipart upload and notes it in the state before anything is sent. Raises StorageFailure and OSError."""
    state.is_beginning = True
    await state.write(recording)
    upload_id = await uploads.begin(bucket, _source_of(recording))
    try:
        state.upload_id, state.is_beginning = upload_id, False
        await state.write(recording)
    except OSError:
        await _abort(bucket, recording.metadata.key, upload_id)
        raise
    return MultipartUpload(target, upload_id)


async def upload_whole_parts(bucket: Bucket, recording: SpooledRecording, upload: MultipartUpload, size: int) -> None:
    """Uploads the complete parts of a growing file, except the first of a WAV: its header is not final.

    Raises StorageFailure and OSError.
    """
    for part in _new_parts(recording, upload, size):
        upload.etags[part.number] = await uploads.send_part(bucket, _source_of(recording), upload.upload_id, part)


def _new_parts(recording: SpooledRecording, upload: MultipartUpload | None, size: int) -> list[uploads.Part]:
    """Complete parts that are not uploaded yet, of a growing file that has this size now."""
    sent = upload.etags if upload is not None else {}
    first = 2 if recording.metadata.format is AudioFormat.WAV else 1
    return [part for part in uploads.full_parts(size) if part.number >= first and part.number not in sent]


async def upload_recording(
    bucket: Bucket,
    target: StorageTarget,
    recording: SpooledRecording,
    state: UploadState,
    upload: MultipartUpload | None,
) -> None:
    """Uploads the finished file, continuing a multipart upload of this process if there is one.

    Raises StorageFailure and UploadFault; an unfinished upload is then aborted, or noted in the state.
    """
    try:
        await _upload(bucket, target, recording, state, upload)
    except OSError as error:
        code, advice = RecordingFault.SPOOL_UNREADABLE, f"For the operator of this server: {disk_fault(error).advice}"
        message = f"{code.happened}: {error.strerror}."
        raise UploadFault(code, message=message, advice=advice, transient=True) from error


async def _upload(
    bucket: Bucket,
    target: StorageTarget,
    recording: SpooledRecording,
    state: UploadState,
    upload: MultipartUpload | None,
) -> None:
    source, size = _source_of(recording), recording.audio_bytes
    if upload is None:
        await abort_leftovers(bucket, recording, state)
        if (state.is_sent or state.may_be_sent) and await uploads.object_size(bucket, source.key) == size:
            return
    if upload is None and size < uploads.MULTIPART_FROM_BYTES:
        await _note_object_may_exist(recording, state)
        await uploads.put(bucket, source, size)
    else:
        await _upload_in_parts(bucket, target, recording, state, upload)
    found = await uploads.object_size(bucket, source.key)
    if found is not None and found != size:
        message = f"The storage took {size} bytes and holds {found}."
        code = StorageFault.DATA_LOST
        raise UploadFault(code, message=message, advice=code.advice(), transient=True)


async def abort_leftovers(bucket: Bucket, recording: SpooledRecording, state: UploadState) -> None:
    """Aborts multipart uploads of earlier attempts or processes. Raises StorageFailure when the outcome is unknown."""
    key = recording.metadata.key
    if state.is_beginning:
        await _abort_unknown_uploads(bucket, key, state)
        state.is_beginning = False
        await state.write(recording)
    if state.upload_id is not None:
        try:
            await uploads.abort(bucket, key, state.upload_id)
        except StorageFailure as failure:
            if not failure.is_definite_refusal:
                raise
            _log.warning("a multipart upload could not be aborted and remains", key=key, code=failure.code)
        state.upload_id = None
        await state.write(recording)


async def _abort_unknown_uploads(bucket: Bucket, key: str, state: UploadState) -> None:
    """Aborts all uploads of this key, whatever their ids. Raises StorageFailure when a retry may succeed."""
    try:
        for upload_id in await uploads.open_uploads(bucket, key):
            await uploads.abort(bucket, key, upload_id)
    except StorageFailure as failure:
        # Storing does not need the permission to list, and servers without listing respond with various errors.
        is_final = failure.is_definite_refusal or failure.http_status == _NOT_IMPLEMENTED
        if not is_final and state.attempts < PERMANENT_FAULT_ATTEMPTS:
            raise
        _log.warning("a multipart upload may remain: the storage does not list it", key=key, code=failure.code)


async def _upload_in_parts(
    bucket: Bucket,
    target: StorageTarget,
    recording: SpooledRecording,
    state: UploadState,
    upload: MultipartUpload | None,
) -> None:
    source, size = _source_of(recording), recording.audio_bytes
    upload = upload or await begin_multipart(bucket, target, recording, state)
    try:
        parts = [part for part in uploads.parts_of(size) if part.number not in upload.etags]
        for part in parts:
            upload.etags[part.number] = await uploads.send_part(bucket, source, upload.upload_id, part)
        await _note_object_may_exist(recording, state)
        await _complete(bucket, source, upload, size)
    except (StorageFailure, OSError):
        with suppress(StorageFailure):  # the state keeps it for the next attempt
            await abort_leftovers(bucket, recording, state)
        raise
    state.upload_id, state.is_sent = None, True
    await state.write(recording)


async def _note_object_may_exist(recording: SpooledRecording, state: UploadState) -> None:
    """Notes the object before the request that creates it: a deletion then looks for it. Raises OSError."""
    if not state.may_be_sent:
        state.may_be_sent = True
        await state.write(recording)


async def _complete(bucket: Bucket, source: NewObject, upload: MultipartUpload, size: int) -> None:
    """Completes the upload. A lost response counts as success if the object is there. Raises StorageFailure."""
    try:
        await uploads.complete(bucket, source, upload.upload_id, upload.etags)
    except StorageFailure:
        with suppress(StorageFailure):
            if size and await uploads.object_size(bucket, source.key) == size:
                return
        raise


async def _abort(bucket: Bucket, key: str, upload_id: str) -> None:
    with suppress(StorageFailure):
        await uploads.abort(bucket, key, upload_id)
