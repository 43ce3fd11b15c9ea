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
from app.recording.backoff import TRIES_FOR_A_PERSON, Fault
from app.recording.disk import fault_of
from app.recording.spool import About, SpooledRecording
from app.storage import credentials, uploads
from app.storage.credentials import Candidate, Location
from app.storage.failures import LOSES_DATA, StorageFailure
from app.storage.model import CONTENT_TYPES, AudioFormat
from app.storage.s3 import Bucket, ObjectStorage, StorageTarget
from app.storage.uploads import Outgoing

_log = structlog.get_logger("storing")

_NOT_IMPLEMENTED = 501


@dataclass
class State:
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
    def of(cls, recording: SpooledRecording) -> "State":
        return cls.from_json(recording.read_state())

    @classmethod
    def from_json(cls, stored: dict[str, Any] | None) -> "State":
        stored = stored or {}
        return cls(**{name: stored[name] for name in cls.__dataclass_fields__ if name in stored})

    async def write(self, recording: SpooledRecording) -> None:
        """Raises OSError."""
        await asyncio.to_thread(recording.write_state, asdict(self))

    def time(self, name: str) -> datetime | None:
        text = getattr(self, name)
        return datetime.fromisoformat(text) if text else None


@dataclass
class InParts:
    """An upload in parts that this process has begun."""

    target: StorageTarget
    upload_id: str
    etags: dict[int, str] = field(default_factory=dict)


async def usable_keys(keyring: Keyring, about: About) -> list[Candidate]:
    """The keys that the recording was begun with, then the account's present ones, if they are others for the same bucket.

    Raises Fault when there are none.
    """
    location = Location(about.vendor, about.endpoint_url, about.bucket, about.region, about.tags)
    found: list[Candidate] = []
    with suppress(CannotOpen):
        found = await credentials.candidates_of(keyring, location, about.account_id, about.credential_id)
    if not found:
        message = "The keys that the recording was to be stored with are gone."
        raise Fault(message, "Enter keys for this bucket in the recording configuration, then try again.")
    return found


def outgoing(recording: SpooledRecording) -> Outgoing:
    about = recording.about
    return Outgoing(recording.audio_path, about.key, CONTENT_TYPES[about.format], about.tags)


@asynccontextmanager
async def bucket_of(storage: ObjectStorage, target: StorageTarget) -> AsyncIterator[Bucket]:
    """With the timeouts of uploads. Raises StorageFailure."""
    await storage.open()
    async with storage.client(target, uploads.READ_SECONDS) as bucket:
        yield bucket


async def begin(bucket: Bucket, target: StorageTarget, recording: SpooledRecording, state: State) -> InParts:
    """A new upload in parts, which the state knows of before anything is sent. Raises StorageFailure and OSError."""
    state.is_beginning = True
    await state.write(recording)
    upload_id = await uploads.begin(bucket, outgoing(recording))
    try:
        state.upload_id, state.is_beginning = upload_id, False
        await state.write(recording)
    except OSError:
        await _abort(bucket, recording.about.key, upload_id)
        raise
    return InParts(target, upload_id)


async def send_whole_parts(bucket: Bucket, recording: SpooledRecording, upload: InParts, size: int) -> None:
    """Sends what is there as whole parts of a file that grows; not the first of a WAV, whose header is not final.

    Raises StorageFailure and OSError.
    """
    for part in growing_parts(recording, upload, size):
        upload.etags[part.number] = await uploads.send(bucket, outgoing(recording), upload.upload_id, part)


def growing_parts(recording: SpooledRecording, upload: InParts | None, size: int) -> list[uploads.Part]:
    """What may be sent by now of a file that has this size and grows."""
    sent = upload.etags if upload is not None else {}
    first = 2 if recording.about.format is AudioFormat.WAV else 1
    return [part for part in uploads.full_parts(size) if part.number >= first and part.number not in sent]


async def send(
    bucket: Bucket, target: StorageTarget, recording: SpooledRecording, state: State, upload: InParts | None
) -> None:
    """Brings the finished file into the bucket, going on with an upload of this process if there is one.

    Raises StorageFailure and Fault; what was begun is given up then, or stands in the state.
    """
    try:
        await _send(bucket, target, recording, state, upload)
    except OSError as error:
        message = f"This server could not read the recording from its spool: {error.strerror}."
        raise Fault(message, f"For the operator of this server: {fault_of(error).advice}", mends=True) from error


async def _send(
    bucket: Bucket, target: StorageTarget, recording: SpooledRecording, state: State, upload: InParts | None
) -> None:
    what, size = outgoing(recording), recording.audio_bytes
    if upload is None:
        await clear(bucket, recording, state)
        if (state.is_sent or state.may_be_sent) and await uploads.size_of(bucket, what.key) == size:
            return
    if upload is None and size < uploads.IN_PARTS_FROM_BYTES:
        await _note_sending(recording, state)
        await uploads.put(bucket, what, size)
    else:
        await _send_in_parts(bucket, target, recording, state, upload)
    found = await uploads.size_of(bucket, what.key)
    if found is not None and found != size:
        raise Fault(
            f"The storage took {size} bytes and holds {found}.",
            LOSES_DATA,
            mends=True,
        )


async def clear(bucket: Bucket, recording: SpooledRecording, state: State) -> None:
    """Gives up what an earlier process, or an earlier try, has begun. Raises StorageFailure when nobody answers."""
    key = recording.about.key
    if state.is_beginning:
        await _give_up_unheard(bucket, key, state)
        state.is_beginning = False
        await state.write(recording)
    if state.upload_id is not None:
        try:
            await uploads.abort(bucket, key, state.upload_id)
        except StorageFailure as failure:
            if not failure.is_settled:
                raise
            _log.warning("an upload in parts could not be given up and stays", key=key, code=failure.code)
        state.upload_id = None
        await state.write(recording)


async def _give_up_unheard(bucket: Bucket, key: str, state: State) -> None:
    """All uploads of this key, whatever their ids. Raises StorageFailure when that may go better the next time."""
    try:
        for upload_id in await uploads.open_uploads(bucket, key):
            await uploads.abort(bucket, key, upload_id)
    except StorageFailure as failure:
        # The right to list is no right that storing needs, and a server that cannot list may answer anything.
        is_final = failure.is_settled or failure.http_status == _NOT_IMPLEMENTED
        if not is_final and state.attempts < TRIES_FOR_A_PERSON:
            raise
        _log.warning("an upload in parts may stay: the storage does not tell of it", key=key, code=failure.code)


async def _send_in_parts(
    bucket: Bucket, target: StorageTarget, recording: SpooledRecording, state: State, upload: InParts | None
) -> None:
    what, size = outgoing(recording), recording.audio_bytes
    upload = upload or await begin(bucket, target, recording, state)
    try:
        parts = [part for part in uploads.parts_of(size) if part.number not in upload.etags]
        for part in parts:
            upload.etags[part.number] = await uploads.send(bucket, what, upload.upload_id, part)
        await _note_sending(recording, state)
        await _complete(bucket, what, upload, size)
    except (StorageFailure, OSError):
        with suppress(StorageFailure):  # the state keeps it for the next try
            await clear(bucket, recording, state)
        raise
    state.upload_id, state.is_sent = None, True
    await state.write(recording)


async def _note_sending(recording: SpooledRecording, state: State) -> None:
    """Before the request that makes the object: whoever deletes the recording looks for it. Raises OSError."""
    if not state.may_be_sent:
        state.may_be_sent = True
        await state.write(recording)


async def _complete(bucket: Bucket, what: Outgoing, upload: InParts, size: int) -> None:
    """An answer that got lost does not make the object undone. Raises StorageFailure."""
    try:
        await uploads.complete(bucket, what, upload.upload_id, upload.etags)
    except StorageFailure:
        with suppress(StorageFailure):
            if size and await uploads.size_of(bucket, what.key) == size:
                return
        raise


async def _abort(bucket: Bucket, key: str, upload_id: str) -> None:
    with suppress(StorageFailure):
        await uploads.abort(bucket, key, upload_id)
