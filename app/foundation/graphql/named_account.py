"""Looks up the account of the object that a mutation's input names: a mixed caller has all permissions in accounts it owns."""

from typing import Any
from uuid import UUID

from app.foundation.graphql.registry import registry
from app.foundation.identifiers import kind_of, parse_sid


async def named_account(given: Any) -> UUID | None:
    """The account of the object that an input names in `id`, `accountId` or `owner.accountId`.

    None if the input names no object, the object does not exist, or it belongs to no account.
    """
    if not isinstance(given, dict):
        return None
    owner = given.get("owner")
    text = given.get("id") or given.get("accountId") or (owner.get("accountId") if isinstance(owner, dict) else None)
    kind = kind_of(text) if isinstance(text, str) else None
    path = registry.rows[kind].tenant_scope.account if kind is not None else None
    if kind is None or path is None:
        return None
    found: Any = await registry.rows[kind].filter(id=parse_sid(kind, str(text))).values_list(path, flat=True)
    return found[0] if found else None
