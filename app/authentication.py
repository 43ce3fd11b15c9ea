"""Authorization header -> Viewer, before any resolver runs.

One indexed lookup, whose result is kept for at most four seconds: whatever is revoked, deactivated or moved is closed in
every worker within five, without a message between them.
"""

import asyncio
import hashlib
import hmac
import os
import time
from collections import OrderedDict
from datetime import UTC, datetime

from tortoise.expressions import Q

from app.access import Scope, Viewer
from app.api_keys import token
from app.api_keys.last_use import LastUse
from app.api_keys.model import ApiKey
from app.encryption import Keyring
from app.errors import Unauthenticated, for_client

CACHE_SECONDS = 4.0
_CACHED_KEYS = 10_000
_REFUSAL = "The API key lets nobody in: it is unknown, expired, revoked or mistyped."


class Authentication:
    """Lets callers in. One per process."""

    def __init__(self, keyring: Keyring, last_use: LastUse, timeout_seconds: float) -> None:
        self._keyring = keyring
        self._timeout_seconds = timeout_seconds
        self._last_use = last_use
        # By a digest of the whole header under a key of this process: no token is kept, and nobody can choose a digest
        # so that the time to find it would tell something.
        self._digest_key = os.urandom(32)
        self._known: OrderedDict[bytes, tuple[float, Viewer, bool]] = OrderedDict()

    async def viewer(self, header: bytes | None) -> Viewer | None:
        """Who asks, by the request's Authorization header (several are one, joined by commas); None without one.

        Raises Unauthenticated for a header that lets nobody in, always in the same words, and ServiceUnavailable.
        """
        if header is None:
            return None
        digest = hashlib.blake2b(header, key=self._digest_key, digest_size=32).digest()
        known = self._known.get(digest)
        if known is None or known[0] < time.monotonic():
            known = await self._find(header, digest)
        _, viewer, by_previous = known
        if viewer.expires_at is not None and viewer.expires_at <= datetime.now(UTC):
            raise Unauthenticated(_REFUSAL)
        self._last_use.note(viewer.key_id, by_previous=by_previous)
        return viewer

    async def _find(self, header: bytes, digest: bytes) -> tuple[float, Viewer, bool]:
        asked_at = time.monotonic()  # before the question: what changes while it is answered counts as later
        shown = _read(header)
        try:
            # The pool has no limit of its own on how long somebody waits for a connection.
            async with asyncio.timeout(self._timeout_seconds):
                viewer, by_previous = await self._look_up(shown)
        except Unauthenticated:
            raise
        except Exception as error:
            away = for_client(error)
            if away is None:
                raise
            raise away from error
        known = self._known[digest] = (asked_at + CACHE_SECONDS, viewer, by_previous)
        self._known.move_to_end(digest)
        if len(self._known) > _CACHED_KEYS:
            self._known.popitem(last=False)
        return known

    async def _look_up(self, shown: token.Token) -> tuple[Viewer, bool]:
        """Who holds this key, and whether by the secret before the last rotation. Raises Unauthenticated."""
        secret_hash, now = token.secret_hash(self._keyring, shown), datetime.now(UTC)
        key = await (
            ApiKey.filter(public_id=shown.public_id)
            # An owner that is not active closes its keys; the rows above a key of the installation are null.
            .filter(Q(service_provider_id__isnull=True) | Q(service_provider__active=True))
            .filter(Q(account_id__isnull=True) | Q(account__active=True, account__service_provider__active=True))
            .first()
        )
        # The same comparisons for an unknown id, so that time does not tell which ids exist.
        current = hmac.compare_digest(secret_hash, key.secret_hash if key else _NOBODY)
        previous = hmac.compare_digest(secret_hash, (key.previous_secret_hash if key else None) or _NOBODY)
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
            secret_hash=secret_hash,
        )
        return viewer, not current


def _read(header: bytes) -> token.Token:
    """The key in a header. Raises Unauthenticated."""
    scheme, _, text = header.decode("latin-1").strip().partition(" ")
    if scheme.lower() != "bearer" or "," in text:
        raise Unauthenticated("Send one header: Authorization: Bearer vgk_…")
    shown = token.read(text.strip())
    if shown is None:
        raise Unauthenticated(_REFUSAL)
    return shown


_NOBODY = bytes(32)
