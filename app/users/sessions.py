"""Sessions of people: opened by a login, listed, and ended."""

from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from app.accounts.lookup import ACCOUNTS
from app.audit import trail
from app.foundation import metrics
from app.foundation.access import AccessLevel, Scope, Viewer, owner_is_active
from app.foundation.concurrency_limits import Share
from app.foundation.context import Context
from app.foundation.errors import RateLimited, UserErrorCode, UserErrors
from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.foundation.networks import network_of, site_of
from app.foundation.revocations import Revocations
from app.foundation.settings import Settings
from app.users import email_addresses, login_throttle, password, token
from app.users.credential_check import still_authenticated
from app.users.model import MAXIMUM_USER_AGENT, Session, User
from app.users.password import Claim

# More are a program that logs in again and again; its oldest sessions end.
MAXIMUM_SESSIONS = 50
_WRONG = "The e-mail address or the password is wrong."


@dataclass(frozen=True)
class LoggedIn:
    """Somebody who was let in, with the session's token, which is not to be had again."""

    user: User
    session: Session
    token: str


async def login(context: Context, email: str, given: str) -> LoggedIn:
    """A session for whoever knows a password.

    Raises UserErrors WRONG_CREDENTIALS, in the same words and after the same work for an unknown address, a wrong password and
    somebody who is not active; and RateLimited.
    """
    key = email_addresses.email_key(email)
    subject = login_throttle.subject_of(context.keyring, key)
    tried = await login_throttle.begin(subject, context.address)
    user = await User.filter(owner_is_active(), email_key=key, active=True).first()
    is_right = await matches(tried, given, user.password_hash if user else None, _login_claim(context.address))
    if user is None or not is_right:
        await login_throttle.fail(tried)
        metrics.login_failed()
        known = await User.filter(email_key=key).first()
        # People type passwords there too: what can be no address is not kept.
        await trail.record(context, known, after={"email": email.strip() if key else trail.HIDDEN, "refused": True})
        raise UserErrors.one(UserErrorCode.WRONG_CREDENTIALS, _WRONG)
    made, now = token.FORM.make(), datetime.now(UTC)
    async with in_transaction():
        # Whoever deactivates, resets or deletes locks the row too: no session comes in behind them.
        user = await User.filter(id=user.id, password_hash=user.password_hash, active=True).select_for_update().first()
        if user is None:
            raise UserErrors.one(UserErrorCode.WRONG_CREDENTIALS, _WRONG)
        has_ended_some = await _end_old_sessions(context.opened.settings, user.id, now)
        session = await Session.create(
            user_id=user.id,
            public_id=made.public_id,
            secret_hash=token.FORM.secret_hash(context.keyring, made),
            user_agent=context.user_agent.replace("\0", "")[:MAXIMUM_USER_AGENT],
            address=context.address[:64],
            last_used_at=now,
            expires_at=now + timedelta(days=context.opened.settings.session_days),
        )
        await User.filter(id=user.id).update(last_login_at=now)
        await login_throttle.forget(subject, context.address)
        # Nobody is let in before the session is there for good; its event is already theirs.
        theirs = copy(context)
        theirs.let_in(viewer_of(user, session))
        await trail.record(theirs, user, after={"session": sid_of(Kind.SESSION, session.id)})
    if has_ended_some:
        context.use(Revocations).announce(user.id)
    user.last_login_at = now
    context.let_in(viewer_of(user, session))
    return LoggedIn(user, session, made.text)


async def matches(tried: login_throttle.LoginAttempt, given: str, stored: str | None, claim: Claim) -> bool:
    """Whether it is the password. A try that nobody has time to look at is no failure, and is taken back."""
    try:
        return await password.matches(given, stored, claim)
    except RateLimited:
        await login_throttle.withdraw(tried)
        raise


def _login_claim(address: str) -> Claim:
    network = network_of(address)
    # A Unix socket has no address.
    holders = ((Share.CALLER, network), (Share.ACCOUNT, site_of(network))) if network else ()
    return Claim(password.LOGINS, holders)


def viewer_of(user: User, session: Session, provider_id: UUID | None = None) -> Viewer:
    """The person of a session. `provider_id` runs the person's account; not looked up for the operation that logs in."""
    return Viewer(
        scope=Scope(user.scope),
        access_level=AccessLevel.FULL,
        account_id=user.account_id,
        service_provider_id=user.service_provider_id,
        user_id=user.id,
        session_id=session.id,
        must_change_password=user.must_change_password,
        secret_hash=session.secret_hash,
        provider_id=user.service_provider_id or provider_id,
    )


async def logout(context: Context) -> None:
    """Ends the session that asks; one that has ended already, and is still remembered, changes nothing."""
    async with in_transaction():
        if await Session.filter(id=context.viewer.session_id).delete():
            await _note_ended(context, 1)
    context.use(Revocations).announce(context.viewer.session_id)


async def logout_everywhere(context: Context, *, keep_current: bool) -> int:
    """Ends all sessions of whoever asks; answers how many."""
    sessions = Session.filter(user_id=context.viewer.user_id)
    async with in_transaction():
        await still_authenticated(context.viewer)
        count = await (sessions.exclude(id=context.viewer.session_id) if keep_current else sessions).delete()
        await _note_ended(context, count)
    context.use(Revocations).announce(context.viewer.user_id)
    return count


async def _note_ended(context: Context, count: int) -> None:
    viewer = context.viewer
    await trail.record(
        context,
        await User.get_or_none(id=viewer.user_id),
        after={"ended_sessions": count},
        account_id=viewer.account_id,
        service_provider_id=viewer.service_provider_id,
    )


def open_sessions(context: Context) -> QuerySet[Session]:
    """The sessions of whoever asks that let in."""
    settings, now = context.opened.settings, datetime.now(UTC)
    idle = now - timedelta(minutes=settings.session_idle_minutes)
    own = context.viewer.visible(Session).filter(user_id=context.viewer.user_id)
    return own.filter(expires_at__gt=now, last_used_at__gt=idle)


async def revoke_session(context: Context, session_id: str) -> UUID:
    """Ends a session of one's own, or of somebody within reach. Raises UserErrors: NOT_FOUND."""
    row_id = parse_sid(Kind.SESSION, session_id)
    session = await context.viewer.visible(Session).get_or_none(id=row_id) if row_id else None
    user = await User.get_or_none(id=session.user_id) if session is not None else None
    async with in_transaction():
        is_there = user is not None and await lock_account(context.viewer, user)
        await still_authenticated(context.viewer)
        if session is None or not is_there or not await Session.filter(id=session.id).delete():
            raise UserErrors.one(UserErrorCode.NOT_FOUND, "There is no such session.", "id")
        await trail.record(context, user, before={"session": sid_of(Kind.SESSION, session.id)})
    context.use(Revocations).announce(session.id)
    return session.id


async def lock_account(viewer: Viewer, user: User) -> bool:
    """Locks the account of a user who has one; False when it is not within reach any more."""
    return user.account_id is None or await ACCOUNTS.lock(viewer, user.account_id) is not None


async def _end_old_sessions(settings: Settings, user_id: UUID, now: datetime) -> bool:
    """Those that let nobody in any more, and the oldest of too many; answers whether there were such."""
    own = Session.filter(user_id=user_id)
    idle = now - timedelta(minutes=settings.session_idle_minutes)
    await own.filter(Q(expires_at__lte=now) | Q(last_used_at__lte=idle)).delete()
    oldest = await own.order_by("-id").offset(MAXIMUM_SESSIONS - 1).limit(MAXIMUM_SESSIONS).values_list("id", flat=True)
    if oldest:
        await Session.filter(id__in=oldest).delete()
    return bool(oldest)
