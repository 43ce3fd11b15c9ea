"""The secret that signs an account's webhook calls: generated, encrypted, decrypted and rotated."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tortoise.transactions import in_transaction

from app.accounts.lookup import ACCOUNTS
from app.accounts.model import Account
from app.audit.audited_update import Columns, update_row
from app.audit.secret_reads import SecretReads
from app.foundation.context import Context
from app.foundation.encryption import Keyring
from app.foundation.secret_overlap import check_overlap

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def generate() -> str:
    return "wh_secret_" + "".join(secrets.choice(_BASE58) for _ in range(22))


def encrypt(keyring: Keyring, account_id: UUID, secret: str, column: str = "webhook_secret") -> bytes:
    return keyring.seal(secret, table="accounts", column=column, row=account_id)


def decrypt(keyring: Keyring, account_id: UUID, encrypted: bytes, column: str = "webhook_secret") -> str:
    return keyring.open(encrypted, table="accounts", column=column, row=account_id)


def reveal(context: Context, account_id: UUID, name: str, encrypted: bytes) -> str:
    """Decrypts the secret for the caller and audits the read."""
    context.use(SecretReads).record(context, Account, account_id, name, "webhookSecret")
    return decrypt(context.keyring, account_id, encrypted)


async def rotate(context: Context, account_id: str, if_version: int | None, overlap_hours: int) -> Account:
    """Replaces the secret. The old one also signs for `overlap_hours`; an even older one stops signing immediately.

    Raises UserErrors: NOT_FOUND, CONFLICT, OUT_OF_RANGE.
    """
    check_overlap(overlap_hours)
    async with in_transaction():
        # Concurrent rotations run one after the other, so that each returns a secret that signs.
        account = await ACCOUNTS.get_locked(context, account_id)
        await ACCOUNTS.check_version(context, account, if_version)
        return ACCOUNTS.require(
            await update_row(context, Account, account.id, _rotated(context, account, overlap_hours))
        )


def _rotated(context: Context, account: Account, overlap_hours: int) -> Columns:
    previous, expires_at = None, None
    if overlap_hours:
        old = decrypt(context.keyring, account.id, account.webhook_secret)
        previous = encrypt(context.keyring, account.id, old, "previous_webhook_secret")
        expires_at = datetime.now(UTC) + timedelta(hours=overlap_hours)
    return {
        "webhook_secret": encrypt(context.keyring, account.id, generate()),
        "previous_webhook_secret": previous,
        "previous_webhook_secret_expires_at": expires_at,
    }
