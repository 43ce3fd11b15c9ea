"""Sessions: login, logout, list and revocation."""

from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from app.accounts.lookup import ACCOUNTS
from app.accounts.model import Account
from app.audit import trail
from app.audit.conflicts import not_found
from app.foundation import metrics
from app.foundation.access import MayManageUsers, Scope, Viewer, owner_is_active
from app.foundation.concurrency_limits import Quota
from app.foundation.context import Context
from app.foundation.errors import RateLimited
from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.foundation.networks import network_of, site_of
from app.foundation.permissions import ALL, permissions_of_role
from app.foundation.revocations import Revocations
from app.foundation.settings import Settings
from app.foundation.user_errors import UserErrorCode, UserErrorRule, UserErrors
from app.users import email_addresses, login_throttle, password, token
from app.users.credential_check import highest_permissions, require_valid_credential
from app.users.grants import require_permissions_of
from app.users.model import MAXIMUM_USER_AGENT, Session, User
from app.users.password import Claim

# Per user; beyond it, a login ends the oldest session. Only programs that log in repeatedly reach it.
MAXIMUM_SESSIONS = 50


class LoginRule(UserErrorRule):
    EMAIL_OR_PASSWORD_WRONG = UserErrorCode.WRONG_CREDENTIALS, "The e-mail address or the password is wrong."


@dataclass(frozen=True)
class NewSession:
    """The result of a login. The token cannot be retrieved again."""

    user: User
    session: Session
    token: str


async def login(context: Context, email: str, given: str) -> NewSession:
    """Opens a session for a user with the right password.

    Raises UserErrors WRONG_CREDENTIALS, with the same message and after the same work for an unknown address, a wrong password
    and an inactive user. Raises RateLimited.
    """
    key = email_addresses.email_key(email)
    subject = login_throttle.email_subject(context.keyring, key)
    attempt = await login_throttle.begin(subject, context.address)
    user = await User.filter(owner_is_active(), email_key=key, active=True).first()
    is_right = await check_password(attempt, given, user.password_hash if user else None, _login_claim(context.address))
    if user is None or not is_right:
        await login_throttle.fail(attempt)
        metrics.login_failed()
        known = await User.filter(email_key=key).first()
        # Do not store a text that cannot be an address: it may be a password typed into the wrong field.
        await trail.record(context, known, after={"email": email.strip() if key else trail.HIDDEN, "refused": True})
        raise UserErrors.one(LoginRule.EMAIL_OR_PASSWORD_WRONG)
    made, now = token.FORM.make(), datetime.now(UTC)
    async with in_transaction():
        # Deactivation, reset and deletion lock the row too, so no session is created after them.
        user = await User.filter(id=user.id, password_hash=user.password_hash, active=True).select_for_update().first()
        if user is None:
            raise UserErrors.one(LoginRule.EMAIL_OR_PASSWORD_WRONG)
        ended_any = await _end_old_sessions(context.resources.settings, user.id, now)
        session = await Session.create(
            user_id=user.id,
            public_id=made.public_id,
            secret_hash=token.FORM.secret_hash(context.keyring, made),
            user_agent=context.user_agent.replace("\0", "")[:MAXIMUM_USER_AGENT],
            address=context.address[:64],
            last_used_at=now,
            expires_at=now + timedelta(days=context.resources.settings.session_days),
        )
        await User.filter(id=user.id).update(last_login_at=now)
        await login_throttle.clear(subject, context.address)
        # The event names the user as its actor, but the request is authenticated only after the commit.
        authenticated = copy(context)
        viewer = await viewer_of(user, session)
        authenticated.log_in(viewer)
        await trail.record(authenticated, user, after={"session": sid_of(Kind.SESSION, session.id)})
    if ended_any:
        context.use(Revocations).announce(user.id)
    user.last_login_at = now
    context.log_in(viewer)
    return NewSession(user, session, made.text)


async def check_password(attempt: login_throttle.Attempt, given: str, stored: str | None, claim: Claim) -> bool:
    """Verifies the password. An attempt rejected because the queue is full does not count as a failure."""
    try:
        return await password.matches(given, stored, claim)
    except RateLimited:
        await login_throttle.withdraw(attempt)
        raise


def _login_claim(address: str) -> Claim:
    network = network_of(address)
    # A client on a Unix socket has no address.
    holders = ((Quota.CALLER, network), (Quota.ACCOUNT, site_of(network))) if network else ()
    return Claim(password.LOGINS, holders)


async def viewer_of(user: User, session: Session, provider_id: UUID | None = None) -> Viewer:
    """The viewer of a session. `provider_id` runs the user's account; the login itself does not look it up."""
    permissions, owned = permissions_of_role(user.role, user.permissions), frozenset[UUID]()
    if permissions != ALL:
        ids: Any = await Account.filter(owner_id=user.id).values_list("id", flat=True)
        owned = frozenset(ids)
    if user.account_id in owned:  # it is the only account that they can own
        permissions, owned = ALL, frozenset()
    return Viewer(
        scope=Scope(user.scope),
        permissions=permissions,
        account_id=user.account_id,
        service_provider_id=user.service_provider_id,
        user_id=user.id,
        name=user.name,
        session_id=session.id,
        must_change_password=user.must_change_password,
        secret_hash=session.secret_hash,
        provider_id=user.service_provider_id or provider_id,
        role=user.role,
        owned_account_ids=owned,
    )


async def logout(context: Context) -> None:
    """Ends the caller's session. Does nothing if the session has ended already but is still cached."""
    async with in_transaction():
        if await Session.filter(id=context.viewer.session_id).delete():
            await _record_ended(context, 1)
    context.use(Revocations).announce(context.viewer.session_id)


async def logout_everywhere(context: Context, *, keep_current: bool) -> int:
    """Ends all sessions of the caller. Returns how many."""
    sessions = Session.filter(user_id=context.viewer.user_id)
    async with in_transaction():
        await require_valid_credential(context.viewer)
        count = await (sessions.exclude(id=context.viewer.session_id) if keep_current else sessions).delete()
        await _record_ended(context, count)
    context.use(Revocations).announce(context.viewer.user_id)
    return count


async def _record_ended(context: Context, count: int) -> None:
    viewer = context.viewer
    await trail.record(
        context,
        await User.get_or_none(id=viewer.user_id),
        after={"ended_sessions": count},
        account_id=viewer.account_id,
        service_provider_id=viewer.service_provider_id,
    )


def open_sessions(context: Context) -> QuerySet[Session]:
    """The caller's sessions that have not expired."""
    settings, now = context.resources.settings, datetime.now(UTC)
    idle = now - timedelta(minutes=settings.session_idle_minutes)
    own = context.viewer.visible(Session).filter(user_id=context.viewer.user_id)
    return own.filter(expires_at__gt=now, last_used_at__gt=idle)


async def revoke_session(context: Context, session_id: str) -> UUID:
    """Ends a session of the caller or of a visible user.

    Raises UserErrors: NOT_FOUND, PERMISSION_MISSING. Raises Forbidden for another user's session without MANAGE_USERS.
    """
    row_id = parse_sid(Kind.SESSION, session_id)
    session = await context.viewer.visible(Session).get_or_none(id=row_id) if row_id else None
    user = await User.get_or_none(id=session.user_id) if session is not None else None
    async with in_transaction():
        is_visible = user is not None and await lock_account(context.viewer, user)
        await require_valid_credential(context.viewer)
        if user is not None and is_visible and user.id != context.viewer.user_id:
            MayManageUsers.check(context.viewer, "Ending another user's session")
            require_permissions_of(context.viewer, user.scope, await highest_permissions(user), "user")
        if session is None or not is_visible or not await Session.filter(id=session.id).delete():
            raise not_found("session")
        await trail.record(context, user, before={"session": sid_of(Kind.SESSION, session.id)})
    context.use(Revocations).announce(session.id)
    return session.id


async def lock_account(viewer: Viewer, user: User) -> bool:
    """Locks the user's account, if any. False if the account is no longer visible to the caller."""
    return user.account_id is None or await ACCOUNTS.lock(viewer, user.account_id) is not None


async def _end_old_sessions(settings: Settings, user_id: UUID, now: datetime) -> bool:
    """Deletes the user's expired sessions and the oldest beyond MAXIMUM_SESSIONS. Returns whether any valid one ended."""
    own = Session.filter(user_id=user_id)
    idle = now - timedelta(minutes=settings.session_idle_minutes)
    await own.filter(Q(expires_at__lte=now) | Q(last_used_at__lte=idle)).delete()
    oldest = await own.order_by("-id").offset(MAXIMUM_SESSIONS - 1).limit(MAXIMUM_SESSIONS).values_list("id", flat=True)
    if oldest:
        await Session.filter(id__in=oldest).delete()
    return bool(oldest)
