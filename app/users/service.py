"""What is done with users: created, changed, deactivated and deleted, and given passwords.

Passwords are hashed and compared before a transaction begins, never within.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from strawberry import Some
from strawberry.utils.str_converters import to_camel_case
from tortoise.expressions import Q, Subquery
from tortoise.transactions import in_transaction

from app.api_keys.owner import OwnerChoice, lock_owner
from app.audit import trail
from app.audit.audited_update import Columns, change, conflict
from app.audit.rows import Rows
from app.foundation import names, quotas
from app.foundation.access import Scope, Viewer
from app.foundation.concurrency_limits import Share
from app.foundation.context import Context
from app.foundation.errors import ErrorCollector, Unauthenticated, UserErrorCode, UserErrors
from app.foundation.idempotency.run_once import once
from app.foundation.identifiers import Kind, new_id
from app.foundation.revocations import Revocations
from app.users import email_addresses, login_throttle, password, policy, uniqueness
from app.users.credential_check import still_authenticated
from app.users.model import THE_POLICY, PasswordPolicy, Session, User
from app.users.password import Claim
from app.users.sessions import lock_account, matches
from app.users.uniqueness import Unique

USERS = Rows(User, Kind.USER, "user")
_EMAIL = Unique(
    "users_email_unique",
    "email",
    "email_key",
    UserErrorCode.EMAIL_TAKEN,
    "Somebody has this e-mail address already (upper and lower case count as the same).",
)
T = TypeVar("T")


def _claim(viewer: Viewer) -> Claim:
    """Of the caller, its account, and the provider across its accounts."""
    holders = ((Share.CALLER, viewer.user_id), (Share.ACCOUNT, viewer.account_id), (Share.PROVIDER, viewer.provider_id))
    return Claim(password.CHANGES, holders)


async def change_password(context: Context, current: str, new: str) -> User:
    """A new password for whoever asks; their other sessions end. Raises UserErrors, all of them at once, and RateLimited."""
    viewer, problems = context.viewer, ErrorCollector()
    user = await viewer.visible(User).get_or_none(id=viewer.user_id)
    session_id = viewer.session_id
    if user is None or session_id is None:
        raise Unauthenticated("The session has ended. Log in again.")
    claim = _claim(viewer)
    tried = await login_throttle.begin_in_session(session_id)
    if not await matches(tried, current, user.password_hash, claim):
        await login_throttle.fail(tried)
        problems.add(UserErrorCode.WRONG_CREDENTIALS, "This is not the present password.", "currentPassword")
        await trail.record(context, user, after={"refused": True})
    else:
        await login_throttle.withdraw(tried)
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
            raise UserErrors.one(UserErrorCode.CONFLICT, message)
        await still_authenticated(viewer)
        changed = USERS.there(await change(context, User, user.id, values))
        await Session.filter(user_id=user.id).exclude(id=viewer.session_id).delete()
        await login_throttle.forget_in_session(session_id)
    context.use(Revocations).announce(user.id)
    return changed


@dataclass(frozen=True)
class NewUser:
    """A user to be created. Without a password, one is made."""

    email: str
    name: str
    owner: OwnerChoice = OwnerChoice()
    password: str | None = field(default=None, repr=False)


async def create(context: Context, new: NewUser, idempotency_key: str | None = None) -> tuple[User, str | None, bool]:
    """Somebody new, for an owner within reach (by default the caller's own), with a password that must be changed.

    Answers the password too, unless it was given, and whether the user is new: not when made before under this idempotency
    key. Raises UserErrors, all of them at once, and RateLimited.
    """
    first = policy.temporary(await policy.current()) if new.password is None else new.password
    reachable, claim = context.viewer.visible(User), _claim(context.viewer)

    async def make() -> tuple[User, bool]:
        # Before the transaction that `once` opens: it takes long, and nobody else is to wait for it.
        hashed = await password.hashed(first if len(first) <= password.MAXIMUM_LENGTH else "", claim)
        return await once(context, idempotency_key, new, lambda: _create(context, new, hashed), reachable)

    user, is_new = await _telling_who_is_there(context, new.email, make)
    return user, first if new.password is None and is_new else None, is_new


async def _create(context: Context, new: NewUser, hashed: str) -> User:
    viewer, problems = context.viewer, ErrorCollector()
    values = _read(Some(new.email), Some(new.name), problems)
    await _find_taken(values, None, problems)
    if new.password is not None:
        policy.check(await policy.current(), new.password, new.email, problems, "password")
    secret = _password_values(hashed, must_change=True)
    async with uniqueness.answered(context, User, [_EMAIL], values), in_transaction():
        owner = await lock_owner(viewer, new.owner, problems)
        await still_authenticated(viewer)
        problems.raise_if_any()
        if owner.has_quota:
            there, maximum = User.filter(**owner.columns), context.opened.settings.users_per_owner
            await quotas.check(there, maximum, f"The {owner.words} has {maximum:,} users", "Delete one first.")
        user = await User.create(**values, **secret, **owner.columns)
        await trail.record(context, user, after={**values, **owner.columns})
    return user


async def _telling_who_is_there(context: Context, email: str, make: Callable[[], Awaitable[T]]) -> T:
    """What `make` does; that somebody has the address is told to the audit trail too, and only so often.

    Otherwise anybody could learn who has a login in the whole installation, at no cost and leaving no trace. Raises
    RateLimited, before anything is done or in place of what would be told. Admins see everybody: for them there is no limit.
    """
    await uniqueness.check(context, User, {"email_key": email_addresses.email_key(email)})
    try:
        return await make()
    except UserErrors as mistakes:
        if any(error.code is UserErrorCode.EMAIL_TAKEN for error in mistakes.errors):
            await uniqueness.note(context, {"email": email})
        raise


async def create_first_admin(email: str, name: str) -> str:
    """An admin that nobody made: how an installation begins, from the command line. Answers the password.

    Raises UserErrors.
    """
    problems = ErrorCollector()
    values = _read(Some(email), Some(name), problems)
    await _find_taken(values, None, problems)
    problems.raise_if_any()
    shown = policy.temporary(await policy.current())
    secret = _password_values(await password.hashed(shown, Claim(password.CHANGES)), must_change=True)
    async with in_transaction():
        user = await User.create(**values, **secret, scope=Scope.ADMIN)
        await trail.record(None, user, after={**values, "scope": Scope.ADMIN})
    return shown


@dataclass(frozen=True)
class UserPatch:
    """What an input changes; None is what it leaves out, Some(None) an explicit null."""

    email: Some[str | None] | None = None
    name: Some[str | None] | None = None
    if_version: int | None = None


async def update(context: Context, user_id: str, patch: UserPatch) -> User:
    """Changes what is given. Raises UserErrors: NOT_FOUND, CONFLICT, or all that is wrong with the values; and RateLimited."""
    email = patch.email.value if patch.email is not None else None
    if email is None:
        return await _update(context, user_id, patch)
    return await _telling_who_is_there(context, email, lambda: _update(context, user_id, patch))


async def _update(context: Context, user_id: str, patch: UserPatch) -> User:
    problems = ErrorCollector()
    values = _read(patch.email, patch.name, problems)
    if values and not problems.found:
        async with uniqueness.answered(context, User, [_EMAIL], values), in_transaction():
            changed = await USERS.change(context, user_id, values, if_version=patch.if_version)
            await still_authenticated(context.viewer)  # once the row is locked
        if changed is not None:
            return changed
    user = await USERS.get(context, user_id)
    if patch.if_version in (None, user.version):
        await _find_taken(values, user.id, problems)
    USERS.check_version(user.version, patch.if_version, problems)
    problems.raise_if_any()
    if values:  # what prevented the change has gone since
        raise USERS.conflict(patch.if_version)
    return user


async def set_active(context: Context, user_id: str, active: bool, if_version: int | None) -> User:
    """Deactivated, their sessions end within 5 s, for good. Raises UserErrors: NOT_FOUND, CONFLICT, LAST_ADMIN."""
    found = await USERS.get(context, user_id)
    async with in_transaction():
        user = await _locked(context, found, if_version)
        if user.active == active:
            return user
        if not active:
            await _keep_an_admin(user)
            await Session.filter(user_id=user.id).delete()
        changed = USERS.there(await change(context, User, user.id, {"active": active}))
    context.use(Revocations).announce(user.id)
    return changed


async def delete(context: Context, user_id: str, if_version: int | None) -> UUID:
    """Raises UserErrors: NOT_FOUND, CONFLICT, LAST_ADMIN."""
    found = await USERS.get(context, user_id)
    async with in_transaction():
        user = await _locked(context, found, if_version)
        await _keep_an_admin(user)
        await trail.record(context, user, before={"email": user.email, "name": user.name})
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

    Answers the password too, unless it was `given`. Raises UserErrors.
    """
    viewer, problems = context.viewer, ErrorCollector()
    user = await USERS.get(context, user_id)
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
        await _locked(context, user)
        changed = USERS.there(await change(context, User, user.id, values))
        await Session.filter(user_id=user.id).delete()
    context.use(Revocations).announce(user.id)
    return changed, shown


@dataclass(frozen=True)
class PasswordPolicyPatch:
    """What an input changes; None is what it leaves out, Some(None) an explicit null."""

    minimum_length: Some[int | None] | None = None
    needs_digit: Some[bool | None] | None = None
    needs_symbol: Some[bool | None] | None = None
    refuses_common: Some[bool | None] | None = None
    if_version: int | None = None


async def update_policy(context: Context, patch: PasswordPolicyPatch) -> PasswordPolicy:
    """Holds for passwords chosen from now on. Raises UserErrors: REQUIRED, OUT_OF_RANGE, CONFLICT."""
    problems = ErrorCollector()
    values: Columns = {}
    for column in ("minimum_length", "needs_digit", "needs_symbol", "refuses_common"):
        given = getattr(patch, column)
        if given is not None and given.value is None:
            problems.add(UserErrorCode.REQUIRED, "A rule of the policy cannot be cleared.", to_camel_case(column))
        elif given is not None:
            values[column] = given.value
    least, largest = policy.LEAST_MINIMUM, policy.LARGEST_MINIMUM
    if not least <= values.get("minimum_length", least) <= largest:
        message = f"The shortest password has {least} to {largest} characters."
        problems.add(UserErrorCode.OUT_OF_RANGE, message, "minimumLength")
    problems.raise_if_any()
    row, _ = await PasswordPolicy.get_or_create(id=THE_POLICY)
    if not values and patch.if_version in (None, row.version):
        return row
    changed = await change(context, PasswordPolicy, THE_POLICY, values, if_version=patch.if_version)
    if changed is None:
        raise conflict("password policy", patch.if_version)
    return changed


async def _locked(context: Context, found: User, if_version: int | None = None) -> User:
    """The row, which no other transaction changes until this one ends.

    Raises UserErrors: NOT_FOUND, CONFLICT; Unauthenticated.
    """
    if not await lock_account(context.viewer, found):
        raise USERS.not_found()
    if found.scope is Scope.ADMIN:
        # All of them in one order: of two admins who deactivate each other, the second waits and then finds itself last.
        # Whole rows: a list of values would leave the lock out.
        await User.filter(scope=Scope.ADMIN, active=True).order_by("id").select_for_update()
    user = USERS.there(await User.filter(id=found.id).select_for_update().get_or_none())
    await still_authenticated(context.viewer)
    USERS.check_version(user.version, if_version)
    return user


async def _keep_an_admin(user: User) -> None:
    """Raises UserErrors LAST_ADMIN. The active admins are locked."""
    if user.scope is not Scope.ADMIN or not user.active:
        return
    if not await User.filter(scope=Scope.ADMIN, active=True).exclude(id=user.id).exists():
        message = "This is the last active admin; make or reactivate another one first."
        raise UserErrors.one(UserErrorCode.LAST_ADMIN, message, "id")


def _read(email: Some[str | None] | None, name: Some[str | None] | None, problems: ErrorCollector) -> Columns:
    """The columns to write; what is wrong goes to `problems`."""
    values: Columns = {}
    before = len(problems.found)
    if email is not None:
        checked = email_addresses.checked(email.value, problems, "email")
        if len(problems.found) == before:
            values |= {"email": checked, "email_key": email_addresses.email_key(checked)}
    before = len(problems.found)
    if name is not None:
        checked = names.checked(name.value, problems, "name")
        if len(problems.found) == before:
            values["name"] = checked
    return values


def _password_values(stored: str, *, must_change: bool) -> Columns:
    return {"password_hash": stored, "password_set_at": datetime.now(UTC), "must_change_password": must_change}


async def _find_taken(values: Columns, user_id: UUID | None, problems: ErrorCollector) -> None:
    """Tells a taken address beside all else that is wrong; the constraint holds it all the same."""
    key = values.get("email_key")
    if key and await User.filter(email_key=key).exclude(id=user_id or new_id()).exists():
        problems.found += _EMAIL.mistake(values["email"]).errors
