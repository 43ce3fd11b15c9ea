"""The secret that signs an account's webhook calls: made, sealed, opened and rotated."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tortoise.transactions import in_transaction

from app.accounts.lookup import ACCOUNTS
from app.accounts.model import Account
from app.audit.audited_update import Columns, change
from app.audit.secret_reads import SecretReads
from app.foundation.context import Context
from app.foundation.encryption import Keyring
from app.foundation.errors import UserErrorCode, UserErrors

MAXIMUM_OVERLAP_HOURS = 720
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def new() -> str:
    return "wh_secret_" + "".join(secrets.choice(_BASE58) for _ in range(22))


def sealed(keyring: Keyring, account_id: UUID, secret: str, column: str = "webhook_secret") -> bytes:
    return keyring.seal(secret, table="accounts", column=column, row=account_id)


def opened(keyring: Keyring, account_id: UUID, sealed: bytes, column: str = "webhook_secret") -> str:
    return keyring.open(sealed, table="accounts", column=column, row=account_id)


def shown(context: Context, account_id: UUID, sealed: bytes) -> str:
    """Opens the secret for the caller, which is audited."""
    context.use(SecretReads).note(context, Account, account_id, "webhookSecret")
    return opened(context.keyring, account_id, sealed)


async def rotate(context: Context, account_id: str, if_version: int | None, overlap_hours: int) -> Account:
    """A new secret; the old one signs too for `overlap_hours` (0: nothing any more), and one from before it no longer.

    Raises UserErrors: NOT_FOUND, CONFLICT, OUT_OF_RANGE.
    """
    if not 0 <= overlap_hours <= MAXIMUM_OVERLAP_HOURS:
        message = f"The overlap is 0 to {MAXIMUM_OVERLAP_HOURS} hours."
        raise UserErrors.one(UserErrorCode.OUT_OF_RANGE, message, "overlapHours")
    async with in_transaction():
        # Of two that rotate at once, the second replaces the first one's secret, so that both get a secret that signs.
        account = await ACCOUNTS.locked(context, account_id, "accountId")
        ACCOUNTS.check_version(account.version, if_version)
        return ACCOUNTS.there(await change(context, Account, account.id, _rotated(context, account, overlap_hours)))


def _rotated(context: Context, account: Account, overlap_hours: int) -> Columns:
    previous, expires_at = None, None
    if overlap_hours:
        old = opened(context.keyring, account.id, account.webhook_secret)
        previous = sealed(context.keyring, account.id, old, "previous_webhook_secret")
        expires_at = datetime.now(UTC) + timedelta(hours=overlap_hours)
    return {
        "webhook_secret": sealed(context.keyring, account.id, new()),
        "previous_webhook_secret": previous,
        "previous_webhook_secret_expires_at": expires_at,
    }
