"""Checks the caller's credential against the database, bypassing the authentication cache of a few seconds."""

from datetime import UTC, datetime

from tortoise.expressions import Q

from app.api_keys.model import ApiKey
from app.audit.audited_update import Columns
from app.foundation.access import Viewer, owner_is_active
from app.foundation.errors import Unauthenticated
from app.users.model import Session, User


async def require_valid_credential(viewer: Viewer) -> None:
    """Raises Unauthenticated if the caller's key or session has been revoked, or its account or provider suspended.

    Without this check a revoked caller could create a lasting credential while the cache still accepts it. Call it inside the
    transaction, after locking the row to change: a caller that waited for its own deactivation is then rejected.
    """
    if not viewer.secret_hash:
        return
    if viewer.session_id is not None:
        sessions = Session.filter(owner_is_active("user__"), id=viewer.session_id, user__active=True)
        if not await sessions.filter(expires_at__gt=datetime.now(UTC)).exists():
            raise Unauthenticated("The session has ended. Log in again.")
        return
    current = Q(secret_hash=viewer.secret_hash)
    previous = Q(previous_secret_hash=viewer.secret_hash, previous_secret_expires_at__gt=datetime.now(UTC))
    keys = ApiKey.filter(owner_is_active(), current | previous, id=viewer.key_id, revoked_at__isnull=True)
    key = await keys.first()
    if key is None or not await has_active_creator(key):
        raise Unauthenticated("The API key is no longer valid.")


async def has_active_creator(key: ApiKey) -> bool:
    """Whether the person who created a key is active. True for a key that no person created.

    Otherwise a deactivated user keeps access through keys they created, directly or via another key. Rotating a key makes the
    caller its creator.
    """
    user_id = key.created_by_user_id
    return user_id is None or await User.filter(id=user_id, active=True).exists()


async def creator_columns(viewer: Viewer) -> Columns:
    """The `created_by` columns of a key that the caller creates or rotates. A calling key passes on its own creator."""
    scope, user_id = viewer.scope, viewer.user_id
    calling_key = await ApiKey.get_or_none(id=viewer.key_id) if viewer.key_id is not None else None
    if calling_key is not None and calling_key.created_by_user_id is not None:
        # The person's own scope, so that callers of a narrower one do not see who it is.
        scope, user_id = calling_key.created_by_scope or scope, calling_key.created_by_user_id
    return {"created_by_scope": scope, "created_by_key_id": viewer.key_id, "created_by_user_id": user_id}
