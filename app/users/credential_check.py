"""Checks the caller's credential against the database, bypassing the authentication cache, which may be 5 seconds old."""

from datetime import UTC, datetime
from uuid import UUID

from tortoise.expressions import Q

from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.audit.audited_update import Columns
from app.foundation.access import Viewer, owner_is_active
from app.foundation.errors import Forbidden, Unauthenticated
from app.foundation.permissions import ALL, Permissions, in_order, permissions_of_level, permissions_of_role, within
from app.users.model import Session, User


async def require_valid_credential(viewer: Viewer) -> None:
    """Raises Unauthenticated if the caller's key or session has been revoked, or its account or provider suspended.

    Raises Forbidden if the caller has lost a permission since it was authenticated. Without this check such a caller could
    create a lasting credential while the cache still accepts it. Call it inside the transaction, after locking the row to
    change: a caller that waited for its own deactivation is then rejected.
    """
    if not viewer.secret_hash:
        return
    if viewer.session_id is not None:
        sessions = Session.filter(owner_is_active("user__"), id=viewer.session_id, user__active=True)
        session = await sessions.filter(expires_at__gt=datetime.now(UTC)).select_related("user").first()
        if session is None:
            raise Unauthenticated("The session has ended. Log in again.")
        account_id = viewer.as_owner_of or viewer.account_id
        _check_unchanged(viewer, await permissions_within(session.user, account_id))
        return
    current = Q(secret_hash=viewer.secret_hash)
    previous = Q(previous_secret_hash=viewer.secret_hash, previous_secret_expires_at__gt=datetime.now(UTC))
    keys = ApiKey.filter(owner_is_active(), current | previous, id=viewer.key_id, revoked_at__isnull=True)
    key = await keys.first()
    permissions = await permissions_of_key(key) if key is not None else None
    if permissions is None:
        raise Unauthenticated("The API key is no longer valid.")
    _check_unchanged(viewer, permissions)


def _check_unchanged(viewer: Viewer, now: Permissions) -> None:
    lost = [one.name for one in in_order(viewer.permissions - now)]
    if lost:
        message = "Your permissions have changed. Load the page again."
        raise Forbidden(message, requiredPermissions=lost)


async def permissions_of_key(key: ApiKey) -> Permissions | None:
    """The permissions of a key: those of its access level that its creator has now. None if the creator is not active.

    Otherwise a deactivated or demoted user keeps access through keys they created, directly or via another key. Rotating a key
    makes the caller its creator. A key without a person as creator has all permissions of its access level.
    """
    own = permissions_of_level(key.access_level, key.permissions)
    if key.created_by_user_id is None:
        return own
    creator = await User.filter(owner_is_active(), id=key.created_by_user_id, active=True).first()
    return within(own, await permissions_within(creator, key.account_id)) if creator is not None else None


async def permissions_within(user: User, account_id: UUID | None) -> Permissions:
    """The permissions of a user in an account, whose owner has ALL; by their role alone outside an account."""
    by_role = permissions_of_role(user.role, user.permissions)
    if account_id is None or by_role == ALL:
        return by_role
    return ALL if await Account.filter(id=account_id, owner_id=user.id).exists() else by_role


async def highest_permissions(user: User) -> Permissions:
    """The permissions that a caller needs to change the user: ALL for a user who owns an account."""
    by_role = permissions_of_role(user.role, user.permissions)
    return ALL if by_role != ALL and await Account.filter(owner_id=user.id).exists() else by_role


async def creator_columns(viewer: Viewer) -> Columns:
    """The `created_by` columns of a key that the caller creates or rotates. A calling key passes on its own creator."""
    scope, user_id = viewer.scope, viewer.user_id
    calling_key = await ApiKey.get_or_none(id=viewer.key_id) if viewer.key_id is not None else None
    if calling_key is not None and calling_key.created_by_user_id is not None:
        # The person's own scope, so that callers of a narrower one do not see who it is.
        scope, user_id = calling_key.created_by_scope or scope, calling_key.created_by_user_id
    return {"created_by_scope": scope, "created_by_key_id": viewer.key_id, "created_by_user_id": user_id}
