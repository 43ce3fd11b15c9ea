"""Limits on the number of objects of an owner: without them, one caller could fill the database."""

from typing import Any

from tortoise.queryset import QuerySet

from app.foundation.user_errors import UserErrorRule, UserErrors


async def check(objects: QuerySet[Any], maximum: int, rule: UserErrorRule, *path: str, **arguments: str) -> None:
    """Raises UserErrors for `rule` when there are `maximum` objects, which its message may name.

    Exact only if the calling transaction has locked the owner's row.
    """
    if await objects.count() >= maximum:
        raise UserErrors.one(rule, *path, maximum=maximum, **arguments)
