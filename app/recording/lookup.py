"""Looks for a recording in its bucket when its row does not say STORED, such as after the restore of an older dump."""

from datetime import timedelta

from app.calls import recording_locations
from app.calls.model import Call
from app.foundation.encryption import Keyring
from app.recording import audio
from app.recording.lifecycle import StoredObject
from app.storage.s3 import ObjectStorage, StorageFailure

# Storing recordings needs no permission to read them.
_NO_READ_PERMISSION = {401, 403, 405, 501}


async def find_in_bucket(keyring: Keyring, storage: ObjectStorage, call: Call) -> StoredObject | None:
    """The object of a call's recording; None when there is none, or when no key of the account may read it.

    Raises StorageFailure when the storage cannot tell now, and CannotOpen.
    """
    targets = await recording_locations.targets_without_viewer(keyring, call)
    if not targets:
        return None
    key = str(call.recording_key)
    try:
        async with recording_locations.request(storage, targets, "head_object", Key=key) as (bucket, answer):
            size = int(answer.get("ContentLength", 0))
            begin, _ = await bucket.read(key, audio.WAV_HEADER_BYTES) if size else (b"", {})
    except StorageFailure as failure:
        if failure.http_status == 404 or failure.http_status in _NO_READ_PERMISSION:
            return None
        raise
    return StoredObject(size, audio.duration_of_file(begin, size) // timedelta(milliseconds=1)) if size else None
