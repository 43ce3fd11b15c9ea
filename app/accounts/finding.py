"""One account by its id, for the services of all rooms: what is out of reach is not there."""

from uuid import UUID

from app.access import Viewer
from app.accounts.model import Account
from app.context import Context
from app.errors import Mistakes, UserErrorCode
from app.identifiers import Kind, read


async def within_reach(context: Context, account_id: str, *path: str) -> Account:
    """The account, or Mistakes NOT_FOUND under `path` (default: `id`): in the same words for another tenant's."""
    row_id = read(Kind.ACCOUNT, account_id)
    account = await context.viewer.within_reach(Account).get_or_none(id=row_id) if row_id else None
    if account is None:
        raise not_found(*(path or ("id",)))
    return account


async def lock(viewer: Viewer, account_id: UUID | None, *, no_key: bool = True) -> Account | None:
    """The account with a lock on its row; None when it is not within the caller's reach at that moment.

    Until the surrounding transaction ends, the account is neither changed nor moved to another provider nor deleted, and with
    `no_key=False` no row is added that refers to it. A row of an account is created, changed and deleted only under this lock:
    the account may have moved since the row was looked up. The account is locked before its rows, against deadlocks.
    """
    found = viewer.within_reach(Account).filter(id=account_id)
    return await found.select_for_update(no_key=no_key).get_or_none() if account_id else None


async def provider_of_account(account_id: UUID) -> UUID | None:
    """None for an account that is not there any more."""
    account = await Account.get_or_none(id=account_id).only("service_provider_id")
    return account.service_provider_id if account is not None else None


def not_found(*path: str) -> Mistakes:
    return Mistakes.one(UserErrorCode.NOT_FOUND, "There is no such account.", *path)
