"""Whether what let a caller in still does, asked of the database and not of what is remembered for some seconds."""

from datetime import UTC, datetime

from tortoise.expressions import Q

from app.api_keys.model import ApiKey
from app.audit.audited_update import Columns
from app.foundation.access import Viewer, owner_is_active
from app.foundation.errors import Unauthenticated
from app.users.model import Session, User


async def require_valid_credential(viewer: Viewer) -> None:
    """Raises Unauthenticated when the caller's key or session was closed within the seconds for which it is remembered,
    itself or with its account or service provider.

    Otherwise it could still make itself something that lasts. Asked within the transaction of the change, and once the row
    that changes is locked: whoever waited for their own deactivation to end is told.
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
        raise Unauthenticated("The API key lets nobody in any more.")


async def has_active_creator(key: ApiKey) -> bool:
    """Whether the person who made a key is active; a key that no person made has nobody to lose.

    Else whoever is shown the door would still hold the keys that they made for themselves, or by a key of theirs. Who rotates
    a key makes it theirs.
    """
    maker = key.created_by_user_id
    return maker is None or await User.filter(id=maker, active=True).exists()


async def creator_columns(viewer: Viewer) -> Columns:
    """The columns of a key that tell who makes or rotates it now: a key that asks stands for the person who made it."""
    scope, user_id = viewer.scope, viewer.user_id
    asker = await ApiKey.get_or_none(id=viewer.key_id) if viewer.key_id is not None else None
    if asker is not None and asker.created_by_user_id is not None:
        # The person's own scope, so that no narrower one is told who they are.
        scope, user_id = asker.created_by_scope or scope, asker.created_by_user_id
    return {"created_by_scope": scope, "created_by_key_id": viewer.key_id, "created_by_user_id": user_id}
