"""Finds accounts by id, for the services of all domains."""

from uuid import UUID

from app.accounts.model import Account
from app.audit.model import AuditEvent
from app.audit.rows import Rows
from app.foundation.identifiers import Kind

ACCOUNTS = Rows(Account, Kind.ACCOUNT, "account")


async def provider_of_account(account_id: UUID) -> UUID | None:
    """None for an unknown or deleted account."""
    account = await Account.get_or_none(id=account_id).only("service_provider_id")
    return account.service_provider_id if account is not None else None


async def was_deleted(account_id: UUID) -> bool:
    """Whether this database recorded the account's deletion. False for an account that it never had."""
    deletions = AuditEvent.filter(object_kind=Kind.ACCOUNT.value, object_id=account_id, operation="deleteAccount")
    return await deletions.exists()
