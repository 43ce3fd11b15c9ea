"""Storage health by real recordings: FAILING after one could not be stored, WORKING after one was.

A verification says more and takes precedence: only a status set here is reset here.
"""

from datetime import UTC, datetime
from uuid import UUID

from app.foundation.encryption import Keyring
from app.recording.metadata import RecordingMetadata
from app.storage.model import RecordingConfig, StorageStatus
from app.storage.rules import StorageDraft
from app.storage.s3 import StorageTarget
from app.storage.verification import StorageVerdict, fingerprint


async def mark_failing(metadata: RecordingMetadata) -> None:
    """A recording failed permanently. Ignored when the configuration names another bucket by now."""
    same_bucket = RecordingConfig.filter(
        account_id=metadata.account_id,
        bucket_vendor=metadata.vendor,
        endpoint_url=metadata.endpoint_url,
        bucket_name=metadata.bucket,
        region=metadata.region,
    )
    await same_bucket.exclude(storage_status=StorageStatus.FAILING).update(
        storage_status=StorageStatus.FAILING, storage_status_since=datetime.now(UTC)
    )


async def mark_working(keyring: Keyring, account_id: UUID, target: StorageTarget) -> None:
    """A recording was stored. With exactly the account's present settings, this proves them as a verification does."""
    config = await RecordingConfig.get_or_none(account_id=account_id, storage_status=StorageStatus.FAILING)
    if config is None or (config.last_verification or {}).get("verdict") == StorageVerdict.FAILING.value:
        return
    draft = StorageDraft(
        vendor=target.vendor,
        endpoint_url=target.endpoint_url,
        bucket=target.bucket,
        region=target.region,
        access_key_id=target.access_key_id,
        secret_access_key=target.secret_access_key,
        tags=target.tags,
    )
    proved = fingerprint(keyring, draft)
    await RecordingConfig.filter(id=config.id, fingerprint=proved, storage_status=StorageStatus.FAILING).update(
        storage_status=StorageStatus.WORKING, storage_status_since=datetime.now(UTC)
    )
