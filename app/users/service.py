"""What is done with people: they are let in and go, and are managed by those above and beside them.

Long because it is all that is done with one noun, each change in one function and one transaction. Passwords are hashed and
compared before a transaction begins, never within.
"""

from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from strawberry import Some
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from app import names, quotas
from app.access import AccessLevel, Scope, Viewer, owner_is_active
from app.accounts import finding as accounts
from app.api_keys.service import lock_owner
from app.audit import trail
from app.audit.changing import change, conflict
from app.context import Context
from app.database import violated_constraint
from app.errors import Mistakes, Problems, RateLimited, Unauthenticated, UserErrorCode
from app.idempotency.once import once
from app.identifiers import Kind, new_id, read, show
from app.networks import network_of, site_of
from app.revocations import Revocations
from app.settings import Settings
from app.shares import Share
from app.users import emails, password, policy, taken, token, tries
from app.users.model import MAXIMUM_USER_AGENT, THE_POLICY, PasswordPolicy, Session, User
from app.users.password import Claim
from app.users.standing import still_let_in

# More are a program that logs in again and again; its oldest sessions end.
MAXIMUM_SESSIONS = 50
_WRONG = "The e-mail address or the password is wrong."

T = TypeVar("T")


@dataclass(frozen=True)
class Entered:
    """Somebody who was let in, with the session's token, which is not to be had again."""

    user: User
    session: Session
    token: str


async def login(context: Context, email: str, given: str) -> Entered:
    """A session for whoever knows a password.

    Raises Mistakes WRONG_CREDENTIALS, in the same words and after the same work for an unknown address, a wrong password and
    somebody who is not active; and RateLimited.
    """
    key = emails.email_key(email)
    subject = tries.subject_of(context.keyring, key)
    tried = await tries.begin(subject, context.address)
    user = await User.filter(owner_is_active(), email_key=key, active=True).first()
    is_right = await _matches(tried, given, user.password_hash if user else None, _login_claim(context.address))
    if user is None or not is_right:
        await tries.fail(tried)
        known = await User.filter(email_key=key).first()
        # People type passwords there too: what can be no address is not kept.
        await trail.note(context, known, after={"email": email.strip() if key else trail.HIDDEN, "refused": True})
        raise Mistakes.one(UserErrorCode.WRONG_CREDENTIALS, _WRONG)
    made, now = token.FORM.make(), datetime.now(UTC)
    async with in_transaction():
        # Whoever deactivates, resets or deletes locks the row too: no session comes in behind them.
        user = await User.filter(id=user.id, password_hash=user.password_hash, active=True).select_for_update().first()
        if user is None:
            raise Mistakes.one(UserErrorCode.WRONG_CREDENTIALS, _WRONG)
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
        await tries.forget(subject, context.address)
        # Nobody is let in before the session is there for good; its event is already theirs.
        theirs = copy(context)
        theirs.let_in(viewer_of(user, session))
        await trail.note(theirs, user, after={"session": show(Kind.SESSION, session.id)})
    if has_ended_some:
        context.use(Revocations).announce(user.id)
    user.last_login_at = now
    context.let_in(viewer_of(user, session))
    return Entered(user, session, made.text)


async def _matches(tried: tries.Try, given: str, stored: str | None, claim: Claim) -> bool:
    """Whether it is the password. A try that nobody has time to look at is no failure, and is taken back."""
    try:
        return await password.matches(given, stored, claim)
    except RateLimited:
        await tries.take_back(tried)
        raise


def _login_claim(address: str) -> Claim:
    network = network_of(address)
    # A Unix socket has no address.
    holders = ((Share.CALLER, network), (Share.ACCOUNT, site_of(network))) if network else ()
    return Claim(password.LOGINS, holders)


def _claim(viewer: Viewer) -> Claim:
    """Of the caller, its account, and the provider across its accounts."""
    holders = ((Share.CALLER, viewer.user_id), (Share.ACCOUNT, viewer.account_id), (Share.PROVIDER, viewer.provider_id))
    return Claim(password.CHANGES, holders)


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
        await still_let_in(context.viewer)
        count = await (sessions.exclude(id=context.viewer.session_id) if keep_current else sessions).delete()
        await _note_ended(context, count)
    context.use(Revocations).announce(context.viewer.user_id)
    return count


async def _note_ended(context: Context, count: int) -> None:
    viewer = context.viewer
    await trail.note(
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
    own = context.viewer.within_reach(Session).filter(user_id=context.viewer.user_id)
    return own.filter(expires_at__gt=now, last_used_at__gt=idle)


async def revoke_session(context: Context, session_id: str) -> UUID:
    """Ends a session of one's own, or of somebody within reach. Raises Mistakes: NOT_FOUND."""
    row_id = read(Kind.SESSION, session_id)
    session = await context.viewer.within_reach(Session).get_or_none(id=row_id) if row_id else None
    user = await User.get_or_none(id=session.user_id) if session is not None else None
    async with in_transaction():
        is_there = user is not None and await _lock_account(context.viewer, user)
        await still_let_in(context.viewer)
        if session is None or not is_there or not await Session.filter(id=session.id).delete():
            raise Mistakes.one(UserErrorCode.NOT_FOUND, "There is no such session.", "id")
        await trail.note(context, user, before={"session": show(Kind.SESSION, session.id)})
    context.use(Revocations).announce(session.id)
    return session.id


async def change_password(context: Context, current: str, new: str) -> User:
    """A new password for whoever asks; their other sessions end. Raises Mistakes, all of them at once, and RateLimited."""
    viewer, problems = context.viewer, Problems()
    user = await viewer.within_reach(User).get_or_none(id=viewer.user_id)
    session_id = viewer.session_id
    if user is None or session_id is None:
        raise Unauthenticated("The session has ended. Log in again.")
    claim = _claim(viewer)
    tried = await tries.begin_in_session(session_id)
    if not await _matches(tried, current, user.password_hash, claim):
        await tries.fail(tried)
        problems.add(UserErrorCode.WRONG_CREDENTIALS, "This is not the present password.", "currentPassword")
        await trail.note(context, user, after={"refused": True})
    else:
        await tries.take_back(tried)
    policy.check(await policy.current(), new, user.email, problems, "newPassword")
    if password.normalized(new) == password.normalized(current):
        problems.add(UserErrorCode.INVALID, "The new password is the present one; choose another.", "newPassword")
    problems.raise_if_any()
    values = _password_values(await password.hashed(new, claim), must_change=False)
    async with in_transaction():
        # Of two who change it at once, and after a reset, the other's password is the present one.
        locked = await User.filter(id=user.id, password_hash=user.password_hash).select_for_update().get_or_none()
        if locked is None:
            message = "The password was changed in this moment by somebody else; try again."
            raise Mistakes.one(UserErrorCode.CONFLICT, message)
        await still_let_in(viewer)
        changed = _there(await change(context, User, user.id, values))
        await Session.filter(user_id=user.id).exclude(id=viewer.session_id).delete()
        await tries.forget_in_session(session_id)
    context.use(Revocations).announce(user.id)
    return changed


async def create(
    context: Context,
    *,
    email: str,
    name: str,
    given: str | None,
    account_id: str | None = None,
    service_provider_id: str | None = None,
    installation: bool | None = None,
    idempotency_key: str | None = None,
) -> tuple[User, str | None, bool]:
    """Somebody new, for an owner within reach (by default the caller's own), with a password that must be changed.

    Answers the password too, unless it was `given`, and whether the user is new: not when made before under this idempotency
    key. Raises Mistakes, all of them at once, and RateLimited.
    """
    asked: dict[str, Any] = {
        "email": email,
        "name": name,
        "given": given,
        "account_id": account_id,
        "service_provider_id": service_provider_id,
        "installation": installation,
    }
    rules = await policy.current()
    first = policy.temporary(rules) if given is None else given
    reachable, claim = context.viewer.within_reach(User), _claim(context.viewer)

    async def make() -> tuple[User, bool]:
        # Before the transaction that `once` opens: it takes long, and nobody else is to wait for it.
        hashed = await password.hashed(first if len(first) <= password.MAXIMUM_LENGTH else "", claim)
        return await once(context, idempotency_key, asked, lambda: _create(context, hashed, **asked), reachable)

    user, is_new = await _telling_who_is_there(context, email, make)
    return user, first if given is None and is_new else None, is_new


async def _create(
    context: Context,
    hashed: str,
    *,
    email: str,
    name: str,
    given: str | None,
    account_id: str | None,
    service_provider_id: str | None,
    installation: bool | None,
) -> User:
    viewer, problems = context.viewer, Problems()
    values = _read(Some(email), Some(name), problems)
    await _find_taken(values, None, problems)
    rules = await policy.current()
    if given is not None:
        policy.check(rules, given, email, problems, "password")
    secret = _password_values(hashed, must_change=True)
    try:
        async with in_transaction():
            owner = await lock_owner(viewer, account_id, service_provider_id, installation, problems)
            await still_let_in(viewer)
            problems.raise_if_any()
            if owner.has_quota:
                there, maximum = User.filter(**owner.columns), context.opened.settings.users_per_owner
                await quotas.check(there, maximum, f"The {owner.words} has {maximum:,} users", "Delete one first.")
            user = await User.create(**values, **secret, **owner.columns)
            await trail.note(context, user, after={**values, **owner.columns})
    except IntegrityError as error:
        if violated_constraint(error) == "users_email_unique":
            raise _email_taken() from None
        raise
    return user


async def _telling_who_is_there(context: Context, email: str, make: Callable[[], Awaitable[T]]) -> T:
    """What `make` does; that somebody has the address is told to the audit trail too, and only so often.

    Otherwise anybody could learn who has a login in the whole installation, at no cost and leaving no trace. Raises
    RateLimited, before anything is done or in place of what would be told. Admins see everybody: for them there is no limit.
    """
    await taken.check(context)
    try:
        return await make()
    except Mistakes as mistakes:
        if any(error.code is UserErrorCode.EMAIL_TAKEN for error in mistakes.errors):
            await taken.note(context, {"email": email})
        raise


async def create_first_admin(email: str, name: str) -> str:
    """An admin that nobody made: how an installation begins, from the command line. Answers the password.

    Raises Mistakes.
    """
    problems = Problems()
    values = _read(Some(email), Some(name), problems)
    await _find_taken(values, None, problems)
    problems.raise_if_any()
    shown = policy.temporary(await policy.current())
    secret = _password_values(await password.hashed(shown, Claim(password.CHANGES)), must_change=True)
    async with in_transaction():
        user = await User.create(**values, **secret, scope=Scope.ADMIN)
        await trail.note(None, user, after={**values, "scope": Scope.ADMIN})
    return shown


async def update(
    context: Context,
    user_id: str,
    if_version: int | None,
    *,
    email: Some[str | None] | None,
    name: Some[str | None] | None,
) -> User:
    """Changes what is given. Raises Mistakes: NOT_FOUND, CONFLICT, or all that is wrong with the values; and RateLimited."""

    async def make() -> User:
        return await _update(context, user_id, if_version, email, name)

    if email is None or email.value is None or await _is_theirs(context, user_id, email.value):
        return await make()
    return await _telling_who_is_there(context, email.value, make)


async def _is_theirs(context: Context, user_id: str, email: str) -> bool:
    """Whether a user within reach has this address already: that tells nobody who else is there."""
    row_id, key = read(Kind.USER, user_id), emails.email_key(email)
    return bool(row_id and key) and await context.viewer.within_reach(User).filter(id=row_id, email_key=key).exists()


async def _update(
    context: Context,
    user_id: str,
    if_version: int | None,
    email: Some[str | None] | None,
    name: Some[str | None] | None,
) -> User:
    problems = Problems()
    values = _read(email, name, problems)
    if values and not problems.found:
        try:
            async with in_transaction():
                changed = await _change(context, user_id, if_version, values)
                await still_let_in(context.viewer)  # once the row is locked
        except IntegrityError as error:
            if violated_constraint(error) != "users_email_unique":
                raise
            raise _email_taken() from None
        if changed is not None:
            return changed
    user = await within_reach(context, user_id)
    if if_version is not None and if_version != user.version:
        problems.found += _conflict(if_version).errors
    else:
        await _find_taken(values, user.id, problems)
    problems.raise_if_any()
    if values:  # what stood in the way when it was tried is gone since
        raise _conflict(if_version)
    return user


async def set_active(context: Context, user_id: str, active: bool, if_version: int | None) -> User:
    """Deactivated, their sessions end within 5 s, for good. Raises Mistakes: NOT_FOUND, CONFLICT, LAST_ADMIN."""
    found = await within_reach(context, user_id)
    async with in_transaction():
        user = await _locked(context.viewer, found)
        await still_let_in(context.viewer)
        if if_version not in (None, user.version):
            raise _conflict(if_version)
        if user.active == active:
            return user
        if not active:
            await _keep_an_admin(user)
            await Session.filter(user_id=user.id).delete()
        changed = _there(await change(context, User, user.id, {"active": active}))
    context.use(Revocations).announce(user.id)
    return changed


async def delete(context: Context, user_id: str, if_version: int | None) -> UUID:
    """Raises Mistakes: NOT_FOUND, CONFLICT, LAST_ADMIN."""
    found = await within_reach(context, user_id)
    async with in_transaction():
        user = await _locked(context.viewer, found)
        await still_let_in(context.viewer)
        if if_version not in (None, user.version):
            raise _conflict(if_version)
        await _keep_an_admin(user)
        await trail.note(context, user, before={"email": user.email, "name": user.name})
        await delete_all(Q(id=user.id))
    context.use(Revocations).announce(user.id)
    return user.id


async def delete_all(which: Q) -> int:
    """Users with their sessions, as part of the caller's transaction, who lets none be added; answers how many."""
    users = User.filter(which)
    await users.order_by("id").select_for_update().only("id")  # a list of values would leave the lock out
    await Session.filter(user_id__in=Subquery(users.values("id"))).delete()
    return await users.delete()


async def reset_password(context: Context, user_id: str, given: str | None) -> tuple[User, str | None]:
    """A password that must be changed, for somebody else within reach; all their sessions end.

    Answers the password too, unless it was `given`. Raises Mistakes.
    """
    viewer, problems = context.viewer, Problems()
    user = await within_reach(context, user_id)
    if user.id == viewer.user_id:
        message = "Your own password is changed with changePassword, which asks for the present one."
        problems.add(UserErrorCode.INVALID, message, "id")
    rules = await policy.current()
    if given is not None:
        policy.check(rules, given, user.email, problems, "password")
    problems.raise_if_any()
    shown = policy.temporary(rules) if given is None else None
    values = _password_values(await password.hashed(given or shown or "", _claim(viewer)), must_change=True)
    async with in_transaction():
        await _locked(viewer, user)
        await still_let_in(viewer)
        changed = _there(await change(context, User, user.id, values))
        await Session.filter(user_id=user.id).delete()
    context.use(Revocations).announce(user.id)
    return changed, shown


async def update_policy(
    context: Context,
    if_version: int | None,
    *,
    minimum_length: Some[int | None] | None,
    needs_digit: Some[bool | None] | None,
    needs_symbol: Some[bool | None] | None,
    refuses_common: Some[bool | None] | None,
) -> PasswordPolicy:
    """Holds for passwords chosen from now on. Raises Mistakes: REQUIRED, OUT_OF_RANGE, CONFLICT."""
    given = {
        "minimumLength": ("minimum_length", minimum_length),
        "needsDigit": ("needs_digit", needs_digit),
        "needsSymbol": ("needs_symbol", needs_symbol),
        "refusesCommon": ("refuses_common", refuses_common),
    }
    problems = Problems()
    values: dict[str, Any] = {}
    for name, (column, one) in given.items():
        if one is not None and one.value is None:
            problems.add(UserErrorCode.REQUIRED, "A rule of the policy cannot be cleared.", name)
        elif one is not None:
            values[column] = one.value
    least, largest = policy.LEAST_MINIMUM, policy.LARGEST_MINIMUM
    if not least <= values.get("minimum_length", least) <= largest:
        message = f"The shortest password has {least} to {largest} characters."
        problems.add(UserErrorCode.OUT_OF_RANGE, message, "minimumLength")
    problems.raise_if_any()
    row, _ = await PasswordPolicy.get_or_create(id=THE_POLICY)
    if not values and if_version in (None, row.version):
        return row
    changed: PasswordPolicy | None = await change(context, PasswordPolicy, THE_POLICY, values, if_version=if_version)
    if changed is None:
        raise conflict("password policy", if_version)
    return changed


async def within_reach(context: Context, user_id: str) -> User:
    """Raises Mistakes NOT_FOUND: in the same words for another tenant's."""
    row_id = read(Kind.USER, user_id)
    return _there(await context.viewer.within_reach(User).get_or_none(id=row_id) if row_id else None)


async def _locked(viewer: Viewer, found: User) -> User:
    """The row, which no other transaction changes until this one ends. Raises Mistakes: NOT_FOUND."""
    if not await _lock_account(viewer, found):
        raise _not_found()
    if found.scope is Scope.ADMIN:
        # All of them in one order: of two admins who deactivate each other, the second waits and then finds itself last.
        # Whole rows: a list of values would leave the lock out.
        await User.filter(scope=Scope.ADMIN, active=True).order_by("id").select_for_update()
    return _there(await User.filter(id=found.id).select_for_update().get_or_none())


async def _lock_account(viewer: Viewer, user: User) -> bool:
    """Locks the account of a user who has one; False when it is not within reach any more."""
    return user.account_id is None or await accounts.lock(viewer, user.account_id) is not None


async def _keep_an_admin(user: User) -> None:
    """Raises Mistakes LAST_ADMIN. The active admins are locked."""
    if user.scope is not Scope.ADMIN or not user.active:
        return
    if not await User.filter(scope=Scope.ADMIN, active=True).exclude(id=user.id).exists():
        message = "This is the last active admin; make or reactivate another one first."
        raise Mistakes.one(UserErrorCode.LAST_ADMIN, message, "id")


async def _end_old_sessions(settings: Settings, user_id: UUID, now: datetime) -> bool:
    """Those that let nobody in any more, and the oldest of too many; answers whether there were such."""
    own = Session.filter(user_id=user_id)
    idle = now - timedelta(minutes=settings.session_idle_minutes)
    await own.filter(Q(expires_at__lte=now) | Q(last_used_at__lte=idle)).delete()
    oldest = await own.order_by("-id").offset(MAXIMUM_SESSIONS - 1).limit(MAXIMUM_SESSIONS).values_list("id", flat=True)
    if oldest:
        await Session.filter(id__in=oldest).delete()
    return bool(oldest)


def _read(email: Some[str | None] | None, name: Some[str | None] | None, problems: Problems) -> dict[str, Any]:
    """The columns to write; what is wrong goes to `problems`."""
    values: dict[str, Any] = {}
    before = len(problems.found)
    if email is not None:
        checked = emails.checked(email.value, problems, "email")
        if len(problems.found) == before:
            values |= {"email": checked, "email_key": emails.email_key(checked)}
    before = len(problems.found)
    if name is not None:
        checked = names.checked(name.value, problems, "name")
        if len(problems.found) == before:
            values["name"] = checked
    return values


def _password_values(stored: str, *, must_change: bool) -> dict[str, Any]:
    return {"password_hash": stored, "password_set_at": datetime.now(UTC), "must_change_password": must_change}


async def _find_taken(values: dict[str, Any], user_id: UUID | None, problems: Problems) -> None:
    """Tells a taken address beside all else that is wrong; the constraint holds it all the same."""
    key = values.get("email_key")
    if key and await User.filter(email_key=key).exclude(id=user_id or new_id()).exists():
        problems.found += _email_taken().errors


def _email_taken() -> Mistakes:
    message = "Somebody has this e-mail address already (upper and lower case count as the same)."
    return Mistakes.one(UserErrorCode.EMAIL_TAKEN, message, "email")


def _there(user: User | None) -> User:
    if user is None:
        raise _not_found()
    return user


def _not_found() -> Mistakes:
    return Mistakes.one(UserErrorCode.NOT_FOUND, "There is no such user.", "id")


def _conflict(if_version: int | None) -> Mistakes:
    return conflict("user", if_version)


async def _change(context: Context, user_id: str, if_version: int | None, values: dict[str, Any]) -> User | None:
    """None when no user matched: see `app/audit/changing.py`."""
    row_id = read(Kind.USER, user_id)
    return await change(context, User, row_id, values, if_version=if_version) if row_id else None
