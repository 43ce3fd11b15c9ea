"""How many objects an owner may have: without a limit, one caller fills the database."""

from typing import Any

from tortoise.queryset import QuerySet

from app.foundation.errors import UserErrorCode, UserErrors


async def check(objects: QuerySet[Any], maximum: int, fact: str, advice: str, *path: str) -> None:
    """Raises UserErrors LIMIT_REACHED, in the words of `fact` and `advice`, when there are `maximum` objects.

    Exact where the caller has locked the row of their owner.
    """
    if await objects.count() >= maximum:
        raise UserErrors.one(UserErrorCode.LIMIT_REACHED, f"{fact}, as many as this server allows. {advice}", *path)
