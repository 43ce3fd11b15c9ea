"""Authorization header -> Viewer, before any resolver runs.

One indexed lookup, whose result is kept for at most four seconds, and not beyond a revocation of anything that it rests on
(`revocations.py`): what is revoked, deactivated or moved is refused at once by the worker that did it, and by every other within
five seconds, whether a message reaches it or not.
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

from app.api_keys import token
from app.api_keys.last_use import LastUse
from app.api_keys.model import ApiKey
from app.foundation.access import Scope, Viewer, owner_is_active
from app.foundation.encryption import Keyring
from app.foundation.errors import Unauthenticated, for_client
from app.foundation.identifiers import Kind, parse_sid
from app.foundation.revocations import Revocations
from app.foundation.tokens import Form, Token
from app.users.credential_check import has_active_creator
from app.users.model import Session
from app.users.sessions import viewer_of
from app.users.token import FORM as SESSION

CACHE_SECONDS = 4.0
_CACHED_KEYS = 10_000
_REFUSAL = {
    token.FORM: "The API key lets nobody in: it is unknown, expired, revoked or mistyped.",
    SESSION: "The session lets nobody in: it has ended, or the token is mistyped. Log in again.",
}


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found of a token, or of whom an address names."""

    viewer: Viewer
    ends_at: datetime | None
    by_previous: bool = False
    refusal: str = ""
    maker: UUID | None = None
    """The user with whom a key is closed."""

    def rests_on(self) -> Iterator[UUID]:
        viewer = self.viewer
        owners = (viewer.account_id, viewer.service_provider_id)
        for one in (viewer.key_id, viewer.session_id, viewer.user_id, self.maker, *owners):
            if one is not None:
                yield one


@dataclass(frozen=True, slots=True)
class _Remembered:
    known: _Known
    until: float
    # How many revocations there had been when the look-up began.
    revocations: int


LookUp = Callable[[], Awaitable[_Known]]
"""Finds out who asks."""


class Authentication:
    """Lets callers in. One per process."""

    def __init__(
        self, keyring: Keyring, last_use: LastUse, revocations: Revocations, timeout_seconds: float, idle: timedelta
    ) -> None:
        """`idle` is how long a session may go unused."""
        self._keyring = keyring
        self._idle = idle
        self._timeout_seconds = timeout_seconds
        self._last_use = last_use
        self._revocations = revocations
        # By a digest of the whole sign under a key of this process: no token is kept, and nobody can choose a digest
        # so that the time to find it would tell something.
        self._digest_key = os.urandom(32)
        self._known: OrderedDict[bytes, _Remembered] = OrderedDict()

    async def viewer(self, header: bytes | None, *, is_use: bool = True) -> Viewer | None:
        """Who asks, by the request's Authorization header (several are one, joined by commas); None without one.

        It counts as a use of the key or session, unless it only looks whether somebody may still be there.
        Raises Unauthenticated for a header that lets nobody in, always in the same words, and ServiceUnavailable.
        """
        if header is None:
            return None
        text = _token_text(header)
        viewer, by_previous = await self._let_in(b"shown " + text.encode(), functools.partial(self._shown, text))
        if not is_use:
            return viewer
        if viewer.key_id is not None:
            self._last_use.record(viewer.key_id, by_previous=by_previous)
        elif viewer.session_id is not None:
            self._last_use.record_session(viewer.session_id)
        return viewer

    async def named(self, actor: str) -> Viewer:
        """Whom a key's or a session's SID names, for an address that this server has signed in their name.

        Does not count as a use of it. Raises Unauthenticated when it lets nobody in any more, and ServiceUnavailable.
        """
        viewer, _ = await self._let_in(b"named " + actor.encode(), functools.partial(self._named, actor))
        return viewer

    async def _let_in(self, sign: bytes, look_up: LookUp) -> tuple[Viewer, bool]:
        """Who asks with this sign, and whether by a secret that was rotated.

        Signs of different kinds begin differently: a header that spells what an address names must not be known by it.
        """
        digest = hashlib.blake2b(sign, key=self._digest_key, digest_size=32).digest()
        remembered = self._known.get(digest)
        if remembered is not None and self._holds(remembered):
            known = remembered.known
        else:
            known = await self._find(look_up, digest)
        if known.ends_at is not None and known.ends_at <= datetime.now(UTC):
            raise Unauthenticated(known.refusal)
        return known.viewer, known.by_previous

    def _holds(self, remembered: _Remembered) -> bool:
        if remembered.until < time.monotonic():
            return False
        return not self._revocations.any_revoked(remembered.known.rests_on(), since=remembered.revocations)

    async def _find(self, look_up: LookUp, digest: bytes) -> _Known:
        # Before the question: what changes while it is answered counts as later.
        asked_at, revocations = time.monotonic(), self._revocations.count
        try:
            # The pool has no limit of its own on how long somebody waits for a connection.
            async with asyncio.timeout(self._timeout_seconds):
                known = await look_up()
        except Unauthenticated:
            raise
        except Exception as error:
            away = for_client(error)
            if away is None:
                raise
            raise away from error
        if known.viewer.must_change_password:  # who has just chosen one is not kept waiting
            return known
        self._known[digest] = _Remembered(known, asked_at + CACHE_SECONDS, revocations)
        self._known.move_to_end(digest)
        if len(self._known) > _CACHED_KEYS:
            self._known.popitem(last=False)
        return known

    async def _shown(self, text: str) -> _Known:
        form, shown = _read(text)
        return await (self._session if form is SESSION else self._key)(shown)

    async def _named(self, actor: str) -> _Known:
        if (key_id := parse_sid(Kind.API_KEY, actor)) is not None:
            key = await _active_key(id=key_id)
            if key is not None and key.revoked_at is None and await has_active_creator(key):
                refusal = _REFUSAL[token.FORM]
                return _Known(_viewer_by(key, b""), key.expires_at, refusal=refusal, maker=key.created_by_user_id)
        elif (session_id := parse_sid(Kind.SESSION, actor)) is not None:
            session = await _open_session(id=session_id)
            if session is not None and session.last_used_at + self._idle > datetime.now(UTC):
                return _Known(_person_of(session), session.expires_at, refusal=_REFUSAL[SESSION])
        raise Unauthenticated

    async def _session(self, shown: Token) -> _Known:
        """Whose session this is. Raises Unauthenticated."""
        secret_hash, now = SESSION.secret_hash(self._keyring, shown), datetime.now(UTC)
        session = await _open_session(public_id=shown.public_id)
        is_right = hmac.compare_digest(secret_hash, session.secret_hash if session else _NOBODY)
        if session is None or not is_right or session.last_used_at + self._idle <= now:
            raise Unauthenticated(_REFUSAL[SESSION])
        return _Known(_person_of(session), session.expires_at, refusal=_REFUSAL[SESSION])

    async def _key(self, shown: Token) -> _Known:
        """Who holds this key, by its secret or the one before the last rotation. Raises Unauthenticated."""
        secret_hash, now = token.secret_hash(self._keyring, shown), datetime.now(UTC)
        key = await _active_key(public_id=shown.public_id)
        # The same comparisons for an unknown id, so that time does not tell which ids exist.
        current = hmac.compare_digest(secret_hash, key.secret_hash if key else _NOBODY)
        previous = hmac.compare_digest(secret_hash, (key.previous_secret_hash if key else None) or _NOBODY)
        if key is None or key.revoked_at is not None or not (current or previous):
            raise Unauthenticated(_REFUSAL[token.FORM])
        if not await has_active_creator(key):
            raise Unauthenticated(_REFUSAL[token.FORM])
        ends = [key.expires_at] if key.expires_at else []
        if not current:
            if key.previous_secret_expires_at is None or key.previous_secret_expires_at <= now:
                raise Unauthenticated(_REFUSAL[token.FORM])
            ends.append(key.previous_secret_expires_at)
        viewer = _viewer_by(key, secret_hash, min(ends, default=None))
        return _Known(viewer, viewer.expires_at, not current, _REFUSAL[token.FORM], key.created_by_user_id)


async def _active_key(**which: object) -> ApiKey | None:
    """With `run_by`, the provider that runs its account.

    An owner that is not active closes its keys; the rows above a key of the installation are null.
    """
    keys = ApiKey.filter(owner_is_active(), **which)
    return await keys.annotate(run_by=F("account__service_provider_id")).first()


async def _open_session(**which: object) -> Session | None:
    """With `run_by`, as a key. Who is not active, or whose owner is not, is closed with all sessions."""
    sessions = Session.filter(owner_is_active("user__"), user__active=True, **which)
    return await sessions.annotate(run_by=F("user__account__service_provider_id")).select_related("user").first()


def _person_of(session: Session) -> Viewer:
    return viewer_of(session.user, session, _run_by(session))


def _viewer_by(key: ApiKey, secret_hash: bytes, expires_at: datetime | None = None) -> Viewer:
    return Viewer(
        scope=Scope(key.scope),
        access_level=key.access_level,
        key_id=key.id,
        account_id=key.account_id,
        service_provider_id=key.service_provider_id,
        expires_at=expires_at,
        secret_hash=secret_hash,
        provider_id=key.service_provider_id or _run_by(key),
    )


def _run_by(row: ApiKey | Session) -> UUID | None:
    found: UUID | None = vars(row)["run_by"]
    return found


def _token_text(header: bytes) -> str:
    """However the header is spelled, so that it is remembered once. Raises Unauthenticated."""
    scheme, _, text = header.decode("latin-1").strip().partition(" ")
    if scheme.lower() != "bearer" or "," in text:
        raise Unauthenticated("Send one header: Authorization: Bearer vgk_…")
    return text.strip()


def _read(text: str) -> tuple[Form, Token]:
    """The key or session token. Raises Unauthenticated."""
    form = SESSION if text.startswith(SESSION.prefix) else token.FORM
    shown = form.read(text)
    if shown is None:
        raise Unauthenticated(_REFUSAL[form])
    return form, shown


_NOBODY = bytes(32)
