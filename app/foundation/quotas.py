"""Limits on the number of objects of an owner: without one, a single caller could fill the database."""

from typing import Any

from tortoise.queryset import QuerySet

from app.foundation.errors import UserErrorCode, UserErrors


async def check(objects: QuerySet[Any], maximum: int, fact: str, advice: str, *path: str) -> None:
    """Raises UserErrors LIMIT_REACHED, with the message `fact` and `advice`, when there are `maximum` objects.

    Exact only if the calling transaction has locked the owner's row.
    """
    if await objects.count() >= maximum:
        raise UserErrors.one(UserErrorCode.LIMIT_REACHED, f"{fact}, as many as this server allows. {advice}", *path)
