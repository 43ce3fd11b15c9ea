"""Whether what let a caller in still does, asked of the database and not of what is remembered for some seconds."""

from datetime import UTC, datetime

from tortoise.expressions import Q

from app.access import Viewer
from app.api_keys.model import ApiKey
from app.errors import Unauthenticated
from app.users.model import Session


async def still_let_in(viewer: Viewer) -> None:
    """Raises Unauthenticated when the caller's key or session was closed within the seconds for which it is remembered.

    Otherwise it could still make itself something that lasts.
    """
    if not viewer.secret_hash:
        return
    if viewer.session_id is not None:
        sessions = Session.filter(id=viewer.session_id, expires_at__gt=datetime.now(UTC), user__active=True)
        if not await sessions.exists():
            raise Unauthenticated("The session has ended. Log in again.")
        return
    current = Q(secret_hash=viewer.secret_hash)
    previous = Q(previous_secret_hash=viewer.secret_hash, previous_secret_expires_at__gt=datetime.now(UTC))
    if not await ApiKey.filter(current | previous, id=viewer.key_id, revoked_at__isnull=True).exists():
        raise Unauthenticated("The API key lets nobody in any more.")
