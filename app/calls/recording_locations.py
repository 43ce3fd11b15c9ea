"""Where recordings are stored, by the call's own columns, and which keys open the bucket."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from app.calls.model import Call
from app.foundation.context import Context
from app.foundation.encryption import Keyring
from app.storage.credentials import Location, candidates, candidates_of
from app.storage.model import RecordingConfig, StoredCredential
from app.storage.responses import S3Response
from app.storage.s3 import Bucket, ObjectStorage, StorageFailure, StorageTarget

# Signing is CPU-bound: yield to other tasks after this many.
_SIGNED_AT_ONCE = 10
_KEYS = ("id", "access_key_id", "secret_access_key")


async def targets_of(context: Context, calls: Iterable[Call]) -> dict[UUID, list[StorageTarget]]:
    """By call id: the bucket of the recording with the keys to try, those it was stored with first.

    The account's present keys follow if they are for the same bucket, because the first ones may be revoked. Empty
    when the stored keys were removed and the account uses another bucket. Raises CannotOpen.
    """
    rows = list(calls)
    visible = context.viewer.visible
    ids = {call.recording_credential_id for call in rows if call.recording_credential_id}
    stored = await visible(StoredCredential).filter(id__in=list(ids)).only(*_KEYS) if ids else []
    credentials: dict[UUID | None, StoredCredential] = {credential.id: credential for credential in stored}
    configured = visible(RecordingConfig).filter(account_id__in=list({call.account_id for call in rows}))
    present = await configured.only(*_KEYS, "account_id", "bucket_vendor", "endpoint_url", "bucket_name", "region")
    configs = {config.account_id: config for config in present}
    keyring = context.keyring
    return {
        call.id: _targets(keyring, call, credentials.get(call.recording_credential_id), configs.get(call.account_id))
        for call in rows
    }


async def targets_without_viewer(keyring: Keyring, call: Call) -> list[StorageTarget]:
    """As `targets_of` for one call, without a viewer, for the server itself. Raises CannotOpen."""
    location = _location(call)
    if location is None:
        return []
    found = await candidates_of(keyring, location, call.account_id, call.recording_credential_id)
    return [one.target for one in found]


@asynccontextmanager
async def request(
    storage: ObjectStorage, targets: Sequence[StorageTarget], operation: str, **parameters: object
) -> AsyncIterator[tuple[Bucket, S3Response]]:
    """The response of an operation with the first keys that the storage accepts, on an open connection.

    Raises StorageFailure. `targets` is not empty.
    """
    await storage.open()
    for target in targets:
        async with storage.client(target) as bucket:
            try:
                answer = await bucket.call(operation, **parameters)
            except StorageFailure as failure:
                if failure.http_status == 403 and target is not targets[-1]:
                    continue
                raise
            try:
                yield bucket, answer
            finally:
                if "Body" in answer:  # an unread body would occupy a connection of the shared client
                    answer["Body"].close()
            return


async def presigned_urls(
    context: Context, calls: Sequence[Call], wanted: Sequence[Mapping[str, object]], seconds: int
) -> list[str | None]:
    """Presigned GetObject URLs of the storages, one per call with its `wanted` parameters; makes no request.

    None when there is no key, or when the storage's address is not allowed.
    """
    storage = context.use(ObjectStorage)
    targets = await targets_of(context, calls)
    found: list[str | None] = [None] * len(calls)
    of_target: dict[StorageTarget, list[int]] = defaultdict(list)
    for position, call in enumerate(calls):
        if targets[call.id]:
            of_target[targets[call.id][0]].append(position)
    if of_target:
        await storage.open()
    for target, numbers in of_target.items():
        try:
            async with storage.client(target) as bucket:
                for number, position in enumerate(numbers, 1):
                    found[position] = await bucket.presigned_url(seconds, **wanted[position])
                    if number % _SIGNED_AT_ONCE == 0:
                        await asyncio.sleep(0)
        except StorageFailure:
            continue
    return found


def _targets(
    keyring: Keyring, call: Call, credential: StoredCredential | None, config: RecordingConfig | None
) -> list[StorageTarget]:
    location = _location(call)
    return [one.target for one in candidates(keyring, location, credential, config)] if location is not None else []


def _location(call: Call) -> Location | None:
    """None when the call has no recording."""
    if call.recording_vendor is None or call.recording_bucket is None or call.recording_region is None:
        return None
    return Location(call.recording_vendor, call.recording_endpoint_url, call.recording_bucket, call.recording_region)
