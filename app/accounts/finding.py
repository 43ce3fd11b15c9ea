"""One account by its id, for the services of all rooms: what is out of reach is not there."""

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


def not_found(*path: str) -> Mistakes:
    return Mistakes.one(UserErrorCode.NOT_FOUND, "There is no such account.", *path)
