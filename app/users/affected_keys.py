"""Finds the API keys that a user's deactivation, deletion or loss of permissions invalidates or restricts.

These are keys that the user created, directly or through another key, or last rotated or adopted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tortoise.expressions import Q

from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.foundation.access import Viewer
from app.foundation.permissions import (
    ALL,
    LEVELS,
    AccessLevel,
    Permission,
    Permissions,
    in_order,
    permissions_of_level,
    permissions_of_role,
    within,
)
from app.users.model import User

MAXIMUM = 100


@dataclass(frozen=True)
class AffectedKey:
    key: ApiKey
    stops: bool
    missing: Sequence[Permission]


@dataclass(frozen=True)
class AffectedKeys:
    """The newest MAXIMUM affected keys, and the number of all."""

    keys: Sequence[AffectedKey] = ()
    count: int = 0


async def that_stop(viewer: Viewer, creator: User) -> AffectedKeys:
    """The keys that stop when this user is deactivated or deleted. Keys of an inactive user are rejected already."""
    return await _affected(viewer, creator, None) if creator.active else AffectedKeys()


async def that_shrink(viewer: Viewer, creator: User, permissions: Permissions) -> AffectedKeys:
    """The keys that lose permissions when these become the user's own."""
    return await _affected(viewer, creator, permissions) if creator.active else AffectedKeys()


async def _affected(viewer: Viewer, creator: User, permissions: Permissions | None) -> AffectedKeys:
    """`permissions` are the new ones of the creator; None: all of the keys stop."""
    before = permissions_of_role(creator.role, creator.permissions)
    keys = viewer.visible(ApiKey).filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=datetime.now(UTC)),
        created_by_user_id=creator.id,
        revoked_at__isnull=True,
    )
    if permissions is not None:
        lost = before - permissions
        if not lost:
            return AffectedKeys()
        levels = [level for level, held in LEVELS.items() if held & lost]
        custom = Q(*(Q(permissions__contains=[one.name]) for one in lost), join_type="OR")
        # In accounts that the creator owns, the creator keeps all permissions whatever the role.
        keys = keys.filter(~Q(account__owner_id=creator.id) | Q(account__owner_id__isnull=True))
        keys = keys.filter(Q(access_level__in=levels) | (Q(access_level=AccessLevel.CUSTOM) & custom))
    newest = await keys.order_by("-id").limit(MAXIMUM)
    count = len(newest) if len(newest) < MAXIMUM else await keys.count()
    accounts = {key.account_id for key in newest if key.account_id is not None}
    owned = set(await Account.filter(id__in=accounts, owner_id=creator.id).values_list("id", flat=True))
    return AffectedKeys(
        [_of_key(key, ALL if key.account_id in owned else before, permissions) for key in newest], count
    )


def _of_key(key: ApiKey, before: Permissions, after: Permissions | None) -> AffectedKey:
    """`before` are the creator's permissions where the key acts."""
    has = within(permissions_of_level(key.access_level, key.permissions), before)
    return AffectedKey(key, after is None, in_order(has if after is None else has - within(has, after)))
