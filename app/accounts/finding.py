"""One account by its id, for the services of all rooms: what is out of reach is not there."""

from uuid import UUID

from app.access import Viewer
from app.accounts.model import Account
from app.audit.model import AuditEvent
from app.audit.rows import Rows
from app.context import Context
from app.identifiers import Kind, read

ACCOUNTS = Rows(Account, Kind.ACCOUNT, "account")


async def lock(viewer: Viewer, account_id: UUID | None, *, no_key: bool = True) -> Account | None:
    """The account with a lock on its row; None when it is not within the caller's reach at that moment.

    Until the surrounding transaction ends, the account is neither changed nor moved to another provider nor deleted, and with
    `no_key=False` no row is added that refers to it. A row of an account is created, changed and deleted only under this lock:
    the account may have moved since the row was looked up. The account is locked before its rows, against deadlocks.
    """
    found = viewer.within_reach(Account).filter(id=account_id)
    return await found.select_for_update(no_key=no_key).get_or_none() if account_id else None


async def locked(context: Context, id: str, *path: str, no_key: bool = True) -> Account:
    """As `lock`, by the id that a client sent. Raises Mistakes NOT_FOUND under `path` (default: `id`)."""
    return ACCOUNTS.there(await lock(context.viewer, read(Kind.ACCOUNT, id), no_key=no_key), *path)


async def check_locked(context: Context, account_id: UUID) -> None:
    """As `lock`, for a row to be added. Raises Mistakes NOT_FOUND under `accountId`."""
    ACCOUNTS.there(await lock(context.viewer, account_id), "accountId")


async def provider_of_account(account_id: UUID) -> UUID | None:
    """None for an account that is not there any more."""
    account = await Account.get_or_none(id=account_id).only("service_provider_id")
    return account.service_provider_id if account is not None else None


async def was_deleted(account_id: UUID) -> bool:
    """Whether this database knows of the account's deletion: one that it has never known is not deleted."""
    deletions = AuditEvent.filter(object_kind=Kind.ACCOUNT.value, object_id=account_id, operation="deleteAccount")
    return await deletions.exists()
