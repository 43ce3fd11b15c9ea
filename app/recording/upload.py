"""One try to bring a recording from the spool to its bucket: with which keys, in which parts, and what is cleaned up.

What a try leaves behind for the next one, in this process or after its end, stands in the recording's `state.json`: above
all the upload in parts, noted before its first part is sent, so that whoever comes next can give it up.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import structlog

from app.foundation.encryption import CannotOpen, Keyring
from app.recording.backoff import PERMANENT_FAULT_ATTEMPTS, UploadFault
from app.recording.disk import disk_fault
from app.recording.metadata import RecordingMetadata
from app.recording.spool import SpooledRecording
from app.storage import credentials, uploads
from app.storage.credentials import Candidate, Location
from app.storage.failures import LOSES_DATA, StorageFailure
from app.storage.model import CONTENT_TYPES, AudioFormat
from app.storage.s3 import Bucket, ObjectStorage, StorageTarget
from app.storage.uploads import NewObject

_log = structlog.get_logger("recording.upload")

_NOT_IMPLEMENTED = 501


@dataclass
class UploadState:
    """What is known of the tries so far; kept in `state.json`."""

    attempts: int = 0
    """That have failed."""
    first_failed_at: str | None = None
    next_attempt_at: str | None = None
    is_beginning: bool = False
    """An upload may have been begun whose id nobody has heard."""
    upload_id: str | None = None
    may_be_sent: bool = False
    """The object may be there, whatever the storage has said: an answer can get lost, and a process can die before it."""
    is_sent: bool = False
    """The object is there, as far as the storage has said."""
    is_deleted: bool = False
    """A person has deleted the recording or its account: it goes, whatever the database says by now."""
    keeps_object: bool = False
    """The account was deleted, and what is in its bucket stays."""
    aside: str | None = None
    """Why the recording was set aside."""
    is_adopted: bool = False
    """An operator wants it stored all the same."""

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
    """An upload in parts that this process has begun."""

    target: StorageTarget
    upload_id: str
    etags: dict[int, str] = field(default_factory=dict)


async def usable_keys(keyring: Keyring, metadata: RecordingMetadata) -> list[Candidate]:
    """The keys that the recording was begun with, then the account's present ones, if they are others for the same bucket.

    Raises Fault when there are none.
    """
    location = Location(metadata.vendor, metadata.endpoint_url, metadata.bucket, metadata.region, metadata.tags)
    found: list[Candidate] = []
    with suppress(CannotOpen):
        found = await credentials.candidates_of(keyring, location, metadata.account_id, metadata.credential_id)
    if not found:
        message = "The keys that the recording was to be stored with are gone."
        raise UploadFault(message, "Enter keys for this bucket in the recording configuration, then try again.")
    return found


def _source_of(recording: SpooledRecording) -> NewObject:
    metadata = recording.metadata
    return NewObject(recording.audio_path, metadata.key, CONTENT_TYPES[metadata.format], metadata.tags)


@asynccontextmanager
async def open_bucket(storage: ObjectStorage, target: StorageTarget) -> AsyncIterator[Bucket]:
    """With the timeouts of uploads. Raises StorageFailure."""
    await storage.open()
    async with storage.client(target, uploads.READ_SECONDS) as bucket:
        yield bucket


async def begin_multipart(
    bucket: Bucket, target: StorageTarget, recording: SpooledRecording, state: UploadState
) -> MultipartUpload:
    """A new upload in parts, which the state knows of before anything is sent. Raises StorageFailure and OSError."""
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
    """Sends what is there as whole parts of a file that grows; not the first of a WAV, whose header is not final.

    Raises StorageFailure and OSError.
    """
    for part in _new_parts(recording, upload, size):
        upload.etags[part.number] = await uploads.send_part(bucket, _source_of(recording), upload.upload_id, part)


def _new_parts(recording: SpooledRecording, upload: MultipartUpload | None, size: int) -> list[uploads.Part]:
    """What may be sent by now of a file that has this size and grows."""
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
    """Brings the finished file into the bucket, going on with an upload of this process if there is one.

    Raises StorageFailure and Fault; what was begun is given up then, or stands in the state.
    """
    try:
        await _upload(bucket, target, recording, state, upload)
    except OSError as error:
        message = f"This server could not read the recording from its spool: {error.strerror}."
        raise UploadFault(
            message, f"For the operator of this server: {disk_fault(error).advice}", transient=True
        ) from error


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
        raise UploadFault(
            f"The storage took {size} bytes and holds {found}.",
            LOSES_DATA,
            transient=True,
        )


async def abort_leftovers(bucket: Bucket, recording: SpooledRecording, state: UploadState) -> None:
    """Gives up what an earlier process, or an earlier try, has begun. Raises StorageFailure when nobody answers."""
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
            _log.warning("an upload in parts could not be given up and stays", key=key, code=failure.code)
        state.upload_id = None
        await state.write(recording)


async def _abort_unknown_uploads(bucket: Bucket, key: str, state: UploadState) -> None:
    """All uploads of this key, whatever their ids. Raises StorageFailure when that may go better the next time."""
    try:
        for upload_id in await uploads.open_uploads(bucket, key):
            await uploads.abort(bucket, key, upload_id)
    except StorageFailure as failure:
        # The right to list is no right that storing needs, and a server that cannot list may answer anything.
        is_final = failure.is_definite_refusal or failure.http_status == _NOT_IMPLEMENTED
        if not is_final and state.attempts < PERMANENT_FAULT_ATTEMPTS:
            raise
        _log.warning("an upload in parts may stay: the storage does not tell of it", key=key, code=failure.code)


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
        with suppress(StorageFailure):  # the state keeps it for the next try
            await abort_leftovers(bucket, recording, state)
        raise
    state.upload_id, state.is_sent = None, True
    await state.write(recording)


async def _note_object_may_exist(recording: SpooledRecording, state: UploadState) -> None:
    """Before the request that makes the object: whoever deletes the recording looks for it. Raises OSError."""
    if not state.may_be_sent:
        state.may_be_sent = True
        await state.write(recording)


async def _complete(bucket: Bucket, source: NewObject, upload: MultipartUpload, size: int) -> None:
    """An answer that got lost does not make the object undone. Raises StorageFailure."""
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
