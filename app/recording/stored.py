"""The stored storage settings of an account, with the secret opened."""

from app.encryption import Keyring
from app.recording.model import RecordingConfig
from app.recording.rules import StorageDraft, Tag


def stored_draft(keyring: Keyring, config: RecordingConfig) -> StorageDraft:
    """Raises CannotOpen when the key that sealed the secret is not there any more."""
    secret = None
    if config.secret_access_key is not None:
        secret = keyring.open(
            config.secret_access_key, table="recording_configs", column="secret_access_key", row=config.id
        )
    return StorageDraft(
        vendor=config.bucket_vendor,
        endpoint_url=config.endpoint_url,
        bucket=config.bucket_name,
        region=config.region,
        access_key_id=config.access_key_id,
        secret_access_key=secret,
        tags=tuple(Tag(tag["name"], tag["value"]) for tag in config.s3_tags),
    )
