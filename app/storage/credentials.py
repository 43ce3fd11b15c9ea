"""Stored credentials: the keys recordings were stored with, encrypted, and the keys to try for a bucket."""

from dataclasses import dataclass, replace
from uuid import UUID

from app.foundation.encryption import CannotOpen, Keyring
from app.foundation.identifiers import new_id
from app.storage.model import BucketVendor, RecordingConfig, StoredCredential
from app.storage.rules import Tag
from app.storage.s3 import StorageTarget
from app.storage.settings import stored_secret

_TABLE, _COLUMN = "stored_credentials", "secret_access_key"


@dataclass(frozen=True)
class Location:
    """The bucket of a recording, without keys."""

    vendor: BucketVendor
    endpoint_url: str | None
    bucket: str
    region: str
    tags: tuple[Tag, ...] = ()

    def target(self, access_key_id: str, secret: str) -> StorageTarget:
        return StorageTarget(self.vendor, self.endpoint_url, self.bucket, self.region, access_key_id, secret, self.tags)

    def matches(self, config: RecordingConfig) -> bool:
        configured = (config.bucket_vendor, config.endpoint_url, config.bucket_name)
        return configured == (self.vendor, self.endpoint_url, self.bucket)


@dataclass(frozen=True)
class Candidate:
    """Keys that may open a bucket; `credential_id` is None for the account's present keys."""

    target: StorageTarget
    credential_id: UUID | None


def candidates(
    keyring: Keyring, location: Location, credential: StoredCredential | None, config: RecordingConfig | None
) -> list[Candidate]:
    """The keys to try, those that a recording was stored with first.

    The account's present keys follow if they are for the same bucket: the first ones may be revoked. Raises
    CannotOpen when there are keys and none can be decrypted.
    """
    found: list[Candidate] = []
    lost: CannotOpen | None = None
    if credential is not None:
        try:
            stored = location.target(credential.access_key_id, open_secret(keyring, credential))
            found.append(Candidate(stored, credential.id))
        except CannotOpen as error:
            lost = error
    if config is not None and location.matches(config) and config.access_key_id is not None:
        try:
            present = location.target(config.access_key_id, stored_secret(keyring, config) or "")
            present = replace(present, region=config.region or location.region)
            if all(one.target != present for one in found):
                found.append(Candidate(present, None))
        except CannotOpen as error:
            lost = error
    if not found and lost is not None:
        raise lost
    return found


async def candidates_of(
    keyring: Keyring, location: Location, account_id: UUID, credential_id: UUID | None
) -> list[Candidate]:
    """As `candidates`, with the account's present rows, for the server itself."""
    credential = await StoredCredential.get_or_none(account_id=account_id, id=credential_id)
    config = await RecordingConfig.get_or_none(account_id=account_id)
    return candidates(keyring, location, credential, config)


async def get_or_create(keyring: Keyring, account_id: UUID, target: StorageTarget) -> UUID:
    """The id of the account's credential with these keys; created if missing. Concurrent callers get the same id.

    Takes part in a surrounding transaction. Raises IntegrityError when the account does not exist.
    """
    known = fingerprint(
        keyring, target.vendor.name, target.endpoint_url, target.access_key_id, target.secret_access_key
    )
    query = StoredCredential.filter(account_id=account_id, fingerprint=known)
    # Lock it until the recording refers to it, so that it is not removed as unused in between.
    found = await query.select_for_update().first()
    if found is None:
        row_id = new_id()
        row = StoredCredential(
            id=row_id,
            account_id=account_id,
            vendor=target.vendor,
            endpoint_url=target.endpoint_url,
            access_key_id=target.access_key_id,
            secret_access_key=keyring.seal(target.secret_access_key, table=_TABLE, column=_COLUMN, row=row_id),
            fingerprint=known,
        )
        await StoredCredential.bulk_create([row], ignore_conflicts=True)
        found = await query.select_for_update().get()
    return found.id


def fingerprint(keyring: Keyring, vendor: str, endpoint_url: str | None, access_key_id: str, secret: str) -> bytes:
    """A keyed hash that identifies credentials without revealing them."""
    parts = (vendor, endpoint_url or "", access_key_id, secret)
    return keyring.keyed_hash("stored credential", "\0".join(parts).encode())


def open_secret(keyring: Keyring, credential: StoredCredential) -> str:
    """Raises CannotOpen."""
    return keyring.open(credential.secret_access_key, table=_TABLE, column=_COLUMN, row=credential.id)
