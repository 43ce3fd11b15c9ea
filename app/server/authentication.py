"""Authenticates requests: from the Authorization header, or a signed URL's SID, to a Viewer with its permissions.

One indexed lookup, cached for at most four seconds, and not beyond a revocation of the key, the session or any owner of it
(`foundation/revocations.py`). The worker that revokes, deactivates or moves something rejects its credentials at once. All other
workers do so within five seconds, even if no message reaches them.
"""

import asyncio
import functools
import hashlib
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tortoise.expressions import F

from app.api_keys import allowed_networks, token
from app.api_keys.allowed_networks import RefusedUses
from app.api_keys.last_use import LastUse
from app.api_keys.model import ApiKey
from app.foundation.access import Scope, Viewer, owner_is_active
from app.foundation.encryption import Keyring
from app.foundation.errors import Unauthenticated, for_client
from app.foundation.identifiers import Kind, parse_sid
from app.foundation.networks import Network
from app.foundation.permissions import LEVELS, AccessLevel, Permissions, permissions_of_level
from app.foundation.revocations import Revocations
from app.foundation.tokens import Form, Token
from app.users.credential_check import permissions_of_key
from app.users.model import Session
from app.users.sessions import viewer_of
from app.users.token import FORM as SESSION

CACHE_SECONDS = 4.0
_CACHED_CALLERS = 10_000
_REFUSAL = {
    token.FORM: "Invalid API key: unknown, expired, revoked or mistyped.",
    SESSION: "Invalid session: ended, or the token is mistyped. Log in again.",
}


@dataclass(frozen=True, slots=True)
class _Found:
    """The result of a lookup."""

    viewer: Viewer
    ends_at: datetime | None
    by_previous: bool = False
    refusal: str = ""
    allowed_networks: tuple[Network, ...] = ()
    creator_id: UUID | None = None
    """The user that created the key: the key is locked out together with this user, and has none but their permissions."""

    def depends_on(self) -> Iterator[UUID]:
        viewer = self.viewer
        owners = (viewer.account_id, viewer.service_provider_id)
        for one in (viewer.key_id, viewer.session_id, viewer.user_id, self.creator_id, *owners):
            if one is not None:
                yield one


@dataclass(frozen=True, slots=True)
class _Cached:
    found: _Found
    until: float
    # The number of revocations when the lookup began.
    revocations: int


LookUp = Callable[[str], Awaitable[_Found]]
"""Finds the caller of a credential, which is used from a client's address. Raises Unauthenticated."""


class Authentication:
    """Authenticates callers. One per process."""

    def __init__(
        self,
        keyring: Keyring,
        last_use: LastUse,
        revocations: Revocations,
        refused_uses: RefusedUses,
        timeout_seconds: float,
        idle: timedelta,
    ) -> None:
        """`idle` is how long a session may go unused."""
        self._keyring = keyring
        self._idle = idle
        self._timeout_seconds = timeout_seconds
        self._last_use = last_use
        self._revocations = revocations
        self._refused_uses = refused_uses
        # Keyed by a per-process keyed digest of the credential: no token stays in memory, and the lookup time reveals nothing
        # about digests that an attacker could choose.
        self._digest_key = os.urandom(32)
        self._cache: OrderedDict[bytes, _Cached] = OrderedDict()

    async def viewer(self, header: bytes | None, address: str, *, is_use: bool = True) -> Viewer | None:
        """The caller of the Authorization header (several headers are one, joined by commas); None without a header.

        `address` is the client's; a key with allowed networks is invalid elsewhere. Counts as a use of the key or session if
        `is_use`. Raises Unauthenticated, with the same message for every invalid credential, and ServiceUnavailable.
        """
        if header is None:
            return None
        text = _token_text(header)
        viewer, by_previous = await self._authenticate(
            b"token " + text.encode(), functools.partial(self._by_token, text), address
        )
        if not is_use:
            return viewer
        if viewer.key_id is not None:
            self._last_use.record(viewer.key_id, address, by_previous=by_previous)
        elif viewer.session_id is not None:
            self._last_use.record_session(viewer.session_id)
        return viewer

    async def named(self, actor: str, address: str) -> Viewer:
        """The caller with this SID of a key or a session, for a URL that this server has signed for it.

        `address` is the client's, as for `viewer`. Does not count as a use. Raises Unauthenticated when the key or session is no
        longer valid, and ServiceUnavailable.
        """
        look_up = functools.partial(self._by_sid, actor)
        viewer, _ = await self._authenticate(b"sid " + actor.encode(), look_up, address)
        return viewer

    async def _authenticate(self, credential: bytes, look_up: LookUp, address: str) -> tuple[Viewer, bool]:
        """The caller with this credential, and whether it used the secret before the last rotation.

        A key in a network that is not allowed is looked up, and rejected, like a wrong key: neither is answered from the cache.
        Tokens and SIDs have different prefixes: a header that contains a SID must not find the SID's cache entry.
        """
        digest = hashlib.blake2b(credential, key=self._digest_key, digest_size=32).digest()
        cached = self._cache.get(digest)
        if cached is not None and self._is_valid(cached, address):
            found = cached.found
        else:
            found = await self._look_up(functools.partial(look_up, address), digest)
        if found.ends_at is not None and found.ends_at <= datetime.now(UTC):
            raise Unauthenticated(found.refusal)
        return found.viewer, found.by_previous

    def _is_valid(self, cached: _Cached, address: str) -> bool:
        if cached.until < time.monotonic() or not allowed_networks.admit(cached.found.allowed_networks, address):
            return False
        return not self._revocations.any_revoked(cached.found.depends_on(), since=cached.revocations)

    async def _look_up(self, look_up: Callable[[], Awaitable[_Found]], digest: bytes) -> _Found:
        # Read before the lookup: a revocation during the lookup counts as a later one.
        began_at, revocations = time.monotonic(), self._revocations.count
        try:
            # The pool does not limit how long a caller waits for a connection.
            async with asyncio.timeout(self._timeout_seconds):
                found = await look_up()
        except Unauthenticated:
            raise
        except Exception as error:
            unavailable = for_client(error)
            if unavailable is None:
                raise
            raise unavailable from error
        if found.viewer.must_change_password:  # not cached, so that a new password takes effect at once
            return found
        self._cache[digest] = _Cached(found, began_at + CACHE_SECONDS, revocations)
        self._cache.move_to_end(digest)
        if len(self._cache) > _CACHED_CALLERS:
            self._cache.popitem(last=False)
        return found

    async def _by_token(self, text: str, address: str) -> _Found:
        form, token_ = _read(text)
        return await self._session(token_) if form is SESSION else await self._key(token_, address)

    async def _by_sid(self, actor: str, address: str) -> _Found:
        if (key_id := parse_sid(Kind.API_KEY, actor)) is not None:
            key = await _active_key(id=key_id)
            is_valid = key is not None and key.revoked_at is None and self._admits(key, address)
            permissions = await permissions_of_key(key) if key is not None and is_valid else None
            if key is not None and permissions is not None:
                return _found_key(key, _viewer_of_key(key, permissions, b"", key.expires_at))
        elif (session_id := parse_sid(Kind.SESSION, actor)) is not None:
            session = await _open_session(id=session_id)
            if session is not None and session.last_used_at + self._idle > datetime.now(UTC):
                return _Found(await _viewer_of_session(session), session.expires_at, refusal=_REFUSAL[SESSION])
        raise Unauthenticated

    async def _session(self, token_: Token) -> _Found:
        """The session's user. Raises Unauthenticated."""
        secret_hash, now = SESSION.secret_hash(self._keyring, token_), datetime.now(UTC)
        session = await _open_session(public_id=token_.public_id)
        is_correct = hmac.compare_digest(secret_hash, session.secret_hash if session else _NO_HASH)
        if session is None or not is_correct or session.last_used_at + self._idle <= now:
            raise Unauthenticated(_REFUSAL[SESSION])
        return _Found(await _viewer_of_session(session), session.expires_at, refusal=_REFUSAL[SESSION])

    def _admits(self, key: ApiKey, address: str) -> bool:
        """Whether the client's address is in a network of the key; audits the use otherwise."""
        if allowed_networks.admit(allowed_networks.of_key(key), address):
            return True
        self._refused_uses.record(key, address)
        return False

    async def _key(self, token_: Token, address: str) -> _Found:
        """The key, by its secret or by the one before the last rotation. Raises Unauthenticated."""
        secret_hash, now = token.secret_hash(self._keyring, token_), datetime.now(UTC)
        key = await _active_key(public_id=token_.public_id)
        # The same comparisons for an unknown id: the time does not reveal which ids exist.
        current = hmac.compare_digest(secret_hash, key.secret_hash if key else _NO_HASH)
        previous = hmac.compare_digest(secret_hash, (key.previous_secret_hash if key else None) or _NO_HASH)
        if key is None or key.revoked_at is not None or not (current or previous):
            raise Unauthenticated(_REFUSAL[token.FORM])
        if not self._admits(key, address):  # before any other statement, as for a wrong key
            raise Unauthenticated(_REFUSAL[token.FORM])
        permissions = await permissions_of_key(key)
        if permissions is None:
            raise Unauthenticated(_REFUSAL[token.FORM])
        ends = [key.expires_at] if key.expires_at else []
        if not current:
            if key.previous_secret_expires_at is None or key.previous_secret_expires_at <= now:
                raise Unauthenticated(_REFUSAL[token.FORM])
            ends.append(key.previous_secret_expires_at)
        viewer = _viewer_of_key(key, permissions, secret_hash, min(ends, default=None))
        return _found_key(key, viewer, by_previous=not current)


def _found_key(key: ApiKey, viewer: Viewer, *, by_previous: bool = False) -> _Found:
    return _Found(
        viewer,
        viewer.expires_at,
        by_previous,
        _REFUSAL[token.FORM],
        allowed_networks.of_key(key),
        key.created_by_user_id,
    )


async def _active_key(**which: object) -> ApiKey | None:
    """The key if its owner is active, with `run_by`, the provider that runs its account."""
    keys = ApiKey.filter(owner_is_active(), **which)
    return await keys.annotate(run_by=F("account__service_provider_id")).first()


async def _open_session(**which: object) -> Session | None:
    """The session if its user and the user's owner are active, with `run_by`, the provider that runs the account."""
    sessions = Session.filter(owner_is_active("user__"), user__active=True, **which)
    return await sessions.annotate(run_by=F("user__account__service_provider_id")).select_related("user").first()


async def _viewer_of_session(session: Session) -> Viewer:
    return await viewer_of(session.user, session, _run_by(session))


def _viewer_of_key(key: ApiKey, permissions: Permissions, secret_hash: bytes, expires_at: datetime | None) -> Viewer:
    return Viewer(
        scope=Scope(key.scope),
        permissions=permissions,
        key_id=key.id,
        name=key.name,
        account_id=key.account_id,
        service_provider_id=key.service_provider_id,
        expires_at=expires_at,
        secret_hash=secret_hash,
        provider_id=key.service_provider_id or _run_by(key),
        is_gateway=permissions_of_level(key.access_level, key.permissions) == LEVELS[AccessLevel.GATEWAY],
    )


def _run_by(row: ApiKey | Session) -> UUID | None:
    found: UUID | None = vars(row)["run_by"]
    return found


def _token_text(header: bytes) -> str:
    """The token in the header, normalized so that it is cached once. Raises Unauthenticated."""
    scheme, _, text = header.decode("latin-1").strip().partition(" ")
    if scheme.lower() != "bearer" or "," in text:
        raise Unauthenticated("Send one header: Authorization: Bearer vgk_…")
    return text.strip()


def _read(text: str) -> tuple[Form, Token]:
    """The key or session token. Raises Unauthenticated."""
    form = SESSION if text.startswith(SESSION.prefix) else token.FORM
    token_ = form.read(text)
    if token_ is None:
        raise Unauthenticated(_REFUSAL[form])
    return form, token_


_NO_HASH = bytes(32)
