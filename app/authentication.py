"""Authorization header -> Viewer, before any resolver runs.

One indexed lookup, whose result is kept for at most four seconds: whatever is revoked, deactivated or moved is closed in
every worker within five, without a message between them.
"""

import asyncio
import hmac
import time
from collections import OrderedDict
from datetime import UTC, datetime

from tortoise.expressions import Q

from app.access import Scope, Viewer
from app.api_keys import token
from app.api_keys.last_use import LastUse
from app.api_keys.model import ApiKey
from app.encryption import Keyring
from app.errors import Unauthenticated

CACHE_SECONDS = 4.0
_CACHED_KEYS = 10_000
_REFUSAL = "The API key lets nobody in: it is unknown, expired, revoked or mistyped."


class Authentication:
    """Lets callers in. One per process."""

    def __init__(self, keyring: Keyring, last_use: LastUse, timeout_seconds: float) -> None:
        self._keyring = keyring
        self._timeout_seconds = timeout_seconds
        self._last_use = last_use
        self._known: OrderedDict[bytes, tuple[float, Viewer, bool]] = OrderedDict()

    async def viewer(self, headers: list[str]) -> Viewer | None:
        """Who asks, by the request's Authorization headers; None without one.

        Raises Unauthenticated for a header that lets nobody in, always in the same words.
        """
        if not headers:
            return None
        scheme, _, text = headers[0].strip().partition(" ")
        if len(headers) > 1 or scheme.lower() != "bearer":
            raise Unauthenticated("Send one header: Authorization: Bearer vgk_…")
        shown = token.read(text.strip())
        if shown is None:
            raise Unauthenticated(_REFUSAL)
        digest = token.secret_hash(self._keyring, shown)
        known = self._cached(digest)
        if known is None:
            # The pool has no limit of its own on how long somebody waits for a connection.
            async with asyncio.timeout(self._timeout_seconds):
                known = await self._look_up(shown, digest)
        viewer, by_previous = known
        if viewer.expires_at is not None and viewer.expires_at <= datetime.now(UTC):
            raise Unauthenticated(_REFUSAL)
        self._last_use.note(viewer.key_id, by_previous=by_previous)
        return viewer

    def _cached(self, digest: bytes) -> tuple[Viewer, bool] | None:
        known = self._known.get(digest)
        if known is None or known[0] < time.monotonic():
            return None
        return known[1], known[2]

    async def _look_up(self, shown: token.Token, digest: bytes) -> tuple[Viewer, bool]:
        asked_at = time.monotonic()  # before the question: what changes while it is answered counts as later
        now = datetime.now(UTC)
        key = await (
            ApiKey.filter(public_id=shown.public_id)
            # An owner that is not active closes its keys; the rows above a key of the installation are null.
            .filter(Q(service_provider_id__isnull=True) | Q(service_provider__active=True))
            .filter(Q(account_id__isnull=True) | Q(account__active=True, account__service_provider__active=True))
            .first()
        )
        # The same comparisons for an unknown id, so that time does not tell which ids exist.
        current = hmac.compare_digest(digest, key.secret_hash if key else _NOBODY)
        previous = hmac.compare_digest(digest, (key.previous_secret_hash if key else None) or _NOBODY)
        if key is None or key.revoked_at is not None or not (current or previous):
            raise Unauthenticated(_REFUSAL)
        ends = [key.expires_at] if key.expires_at else []
        if not current:
            if key.previous_secret_expires_at is None or key.previous_secret_expires_at <= now:
                raise Unauthenticated(_REFUSAL)
            ends.append(key.previous_secret_expires_at)
        viewer = Viewer(
            scope=Scope(key.scope),
            access_level=key.access_level,
            key_id=key.id,
            account_id=key.account_id,
            service_provider_id=key.service_provider_id,
            expires_at=min(ends, default=None),
            secret_hash=digest,
        )
        self._known[digest] = (asked_at + CACHE_SECONDS, viewer, not current)
        self._known.move_to_end(digest)
        if len(self._known) > _CACHED_KEYS:
            self._known.popitem(last=False)
        return viewer, not current


_NOBODY = bytes(32)
