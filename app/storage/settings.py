"""The stored storage settings of an account, with the secret decrypted."""

from uuid import UUID

from app.foundation.encryption import Keyring
from app.storage.model import RecordingConfig
from app.storage.rules import StorageDraft, Tag

_TABLE, _COLUMN = "recording_configs", "secret_access_key"


def stored_draft(keyring: Keyring, config: RecordingConfig) -> StorageDraft:
    """Raises CannotOpen when the encryption key of the secret is missing."""
    return StorageDraft(
        vendor=config.bucket_vendor,
        endpoint_url=config.endpoint_url,
        bucket=config.bucket_name,
        region=config.region,
        access_key_id=config.access_key_id,
        secret_access_key=stored_secret(keyring, config),
        tags=tuple(Tag(tag["name"], tag["value"]) for tag in config.s3_tags),
    )


def stored_secret(keyring: Keyring, config: RecordingConfig) -> str | None:
    """None when there is none. Raises CannotOpen."""
    sealed = config.secret_access_key
    return keyring.open(sealed, table=_TABLE, column=_COLUMN, row=config.id) if sealed is not None else None


def seal_secret(keyring: Keyring, config_id: UUID, secret: str) -> bytes:
    return keyring.seal(secret, table=_TABLE, column=_COLUMN, row=config_id)
