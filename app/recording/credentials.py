"""The keys that recordings were stored with: kept, sealed, as long as a recording needs them."""

from uuid import UUID

from app.encryption import Keyring
from app.identifiers import new_id
from app.recording.model import StoredCredential
from app.recording.storage import StorageTarget

_TABLE, _COLUMN = "stored_credentials", "secret_access_key"


async def keep(keyring: Keyring, account_id: UUID, target: StorageTarget) -> UUID:
    """The id of the credential with which this account stores there; of several at once, all get the same.

    Takes part in a surrounding transaction. Raises IntegrityError when the account is no more.
    """
    known = fingerprint(
        keyring, target.vendor.name, target.endpoint_url, target.access_key_id, target.secret_access_key
    )
    mine = StoredCredential.filter(account_id=account_id, fingerprint=known)
    # Held until the recording speaks of it, so that nobody removes it in between as one that nothing needs.
    found = await mine.select_for_update().first()
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
        found = await mine.select_for_update().get()
    return found.id


def fingerprint(keyring: Keyring, vendor: str, endpoint_url: str | None, access_key_id: str, secret: str) -> bytes:
    """What tells credentials apart, without telling them."""
    parts = (vendor, endpoint_url or "", access_key_id, secret)
    return keyring.keyed_hash("stored credential", "\0".join(parts).encode())


def secret_of(keyring: Keyring, credential: StoredCredential) -> str:
    """Raises CannotOpen."""
    return keyring.open(credential.secret_access_key, table=_TABLE, column=_COLUMN, row=credential.id)
