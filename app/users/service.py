"""Creates, updates, deactivates and deletes users, and sets their passwords.

Passwords are hashed and verified before a transaction begins, never inside one.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from strawberry import Some
from tortoise.expressions import Q, Subquery
from tortoise.transactions import in_transaction

from app.accounts.model import Account
from app.api_keys.owner import OwnerChoice, lock_owner
from app.audit import trail
from app.audit.audited_update import Columns, update_row
from app.audit.rows import Rows
from app.foundation import names, quotas
from app.foundation.access import Scope, Viewer
from app.foundation.concurrency_limits import Quota
from app.foundation.context import Context
from app.foundation.errors import Unauthenticated
from app.foundation.idempotency.run_once import run_once
from app.foundation.identifiers import Kind, new_id
from app.foundation.permissions import Permission, Role, permissions_of_role
from app.foundation.revocations import Revocations
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule, UserErrors, ValueRule
from app.users import affected_keys, email_addresses, login_throttle, password, policy, uniqueness
from app.users.affected_keys import AffectedKeys
from app.users.credential_check import highest_permissions, require_valid_credential
from app.users.grants import OF_USERS, check_grant, custom_permissions, require_permissions_of
from app.users.model import Session, User
from app.users.password import Claim
from app.users.sessions import check_password, lock_account
from app.users.uniqueness import UniqueConstraint

# How many accounts a refused deletion of their owner lists.
MAXIMUM_OWNED_SHOWN = 100
USERS = Rows(User, Kind.USER, "user")


class UserRule(UserErrorRule):
    EMAIL_TAKEN = (
        UserErrorCode.EMAIL_TAKEN,
        "Another user already has this e-mail address (upper and lower case count as the same).",
    )
    CURRENT_PASSWORD_WRONG = UserErrorCode.WRONG_CREDENTIALS, "The current password is wrong."
    PASSWORD_UNCHANGED = UserErrorCode.INVALID, "The new password must differ from the current one."
    PASSWORD_CHANGED_BY_ANOTHER_REQUEST = (
        UserErrorCode.CONFLICT,
        "The password was changed by another request. Try again.",
    )
    OWN_PASSWORD_RESET = UserErrorCode.INVALID, "Use changePassword for your own password; it asks for the current one."
    PASSWORD_ALREADY_SHOWN = (
        UserErrorCode.ALREADY_SHOWN,
        "An earlier request with this idempotency key created the user and returned the password, which is shown only once. "
        "Reset it to get a new one.",
    )
    USER_OWNS_ACCOUNTS = (
        UserErrorCode.IN_USE,
        "The user owns accounts ({count:,}). Transfer their ownership first, with `transferAccountOwnership`.",
    )
    LAST_ADMIN = (
        UserErrorCode.LAST_ADMIN,
        "This is the last active admin with the role MANAGER. Create or reactivate another one first.",
    )
    USER_HAS_API_KEYS = (
        UserErrorCode.IN_USE,
        "{count:,} API key(s) that this person created would stop or lose permissions. Let another person adopt them first, or "
        "accept it with `force: true`.",
    )
    USER_QUOTA = (
        UserErrorCode.LIMIT_REACHED,
        "The {owner} has {maximum:,} users, as many as this server allows. Delete one first.",
    )


_EMAIL = UniqueConstraint(
    "users_email_unique",
    "email",
    "email_key",
    UserRule.EMAIL_TAKEN,
)
T = TypeVar("T")


def _claim(viewer: Viewer) -> Claim:
    """Counts against the concurrency limits of the caller, its account, and the account's provider."""
    holders = ((Quota.CALLER, viewer.user_id), (Quota.ACCOUNT, viewer.account_id), (Quota.PROVIDER, viewer.provider_id))
    return Claim(password.CHANGES, holders)


async def change_password(context: Context, current: str, new: str) -> User:
    """Changes the caller's password and ends their other sessions. Raises UserErrors, all errors at once; RateLimited."""
    viewer, errors = context.viewer, ErrorCollector()
    user = await viewer.visible(User).get_or_none(id=viewer.user_id)
    session_id = viewer.session_id
    if user is None or session_id is None:
        raise Unauthenticated("The session has ended. Log in again.")
    claim = _claim(viewer)
    attempt = await login_throttle.begin_for_session(session_id)
    if not await check_password(attempt, current, user.password_hash, claim):
        await login_throttle.fail(attempt)
        errors.add(UserRule.CURRENT_PASSWORD_WRONG, "currentPassword")
        await trail.record(context, user, after={"refused": True})
    else:
        await login_throttle.withdraw(attempt)
    policy.check(await policy.current(), new, user.email, errors, "newPassword")
    if password.normalized(new) == password.normalized(current):
        errors.add(UserRule.PASSWORD_UNCHANGED, "newPassword")
    errors.raise_if_any()
    values = _password_columns(await password.hash_password(new, claim), must_change=False)
    async with in_transaction():
        # After a concurrent change or reset, `current` is no longer the current password.
        locked = await User.filter(id=user.id, password_hash=user.password_hash).select_for_update().get_or_none()
        if locked is None:
            raise UserErrors.one(UserRule.PASSWORD_CHANGED_BY_ANOTHER_REQUEST)
        await require_valid_credential(viewer)
        changed = USERS.require(await update_row(context, User, user.id, values))
        await Session.filter(user_id=user.id).exclude(id=viewer.session_id).delete()
        await login_throttle.clear_for_session(session_id)
    context.use(Revocations).announce(user.id)
    return changed


async def change_name(context: Context, name: str) -> User:
    """Changes the caller's own name. Raises UserErrors for an invalid name."""
    errors = ErrorCollector()
    values = _read(None, Some(name), errors)
    errors.raise_if_any()
    user_id = context.viewer.user_id
    changed = await update_row(context, User, user_id, values) if user_id is not None else None
    if changed is None:
        raise Unauthenticated("The session has ended. Log in again.")
    return changed


@dataclass(frozen=True)
class NewUser:
    """A user to create. Without a password, a temporary one is generated."""

    email: str
    name: str
    role: Role
    permissions: tuple[Permission, ...] | None = None
    """Only for the role CUSTOM."""
    owner: OwnerChoice = OwnerChoice()
    password: str | None = field(default=None, repr=False)


async def create(context: Context, new: NewUser, idempotency_key: str | None = None) -> tuple[User, str | None, bool]:
    """Creates a user whose password must be changed at the first login.

    Returns the user, the generated password (None if one was given), and whether the user is new: False if an earlier request
    with this idempotency key created it. Raises UserErrors, all errors at once; RateLimited.
    """
    first = policy.temporary_password(await policy.current()) if new.password is None else new.password
    visible, claim = context.viewer.visible(User), _claim(context.viewer)

    async def make() -> tuple[User, bool]:
        # Before the transaction that `run_once` opens: hashing is slow and must not hold locks.
        hashed = await password.hash_password(first if len(first) <= password.MAXIMUM_LENGTH else "", claim)
        return await run_once(context, idempotency_key, new, lambda: _create(context, new, hashed), visible)

    user, is_new = await _limit_disclosures(context, new.email, make)
    return user, first if new.password is None and is_new else None, is_new


async def _create(context: Context, new: NewUser, hashed: str) -> User:
    viewer, errors = context.viewer, ErrorCollector()
    values = _read(Some(new.email), Some(new.name), errors)
    values |= _role_columns(viewer, new.owner.scope_for(viewer), new.role, new.permissions, errors)
    await _check_email_taken(values, None, errors)
    if new.password is not None:
        policy.check(await policy.current(), new.password, new.email, errors, "password")
    password_columns = _password_columns(hashed, must_change=True)
    async with uniqueness.report_violations(context, User, [_EMAIL], values), in_transaction():
        owner = await lock_owner(viewer, new.owner, errors)
        await require_valid_credential(viewer)
        errors.raise_if_any()
        if owner.has_quota:
            existing, maximum = User.filter(**owner.columns), context.resources.settings.users_per_owner
            await quotas.check(existing, maximum, UserRule.USER_QUOTA, owner=owner.noun)
        user = await User.create(**values, **password_columns, **owner.columns, **trail.updated_by(context))
        await trail.record(context, user, after={**values, **owner.columns})
    return user


async def _limit_disclosures(context: Context, email: str, make: Callable[[], Awaitable[T]]) -> T:
    """Runs `make`, and audits and rate-limits its replies that an e-mail address is taken.

    Otherwise any caller could enumerate the users of the whole installation. Raises RateLimited, before `make` or in place of
    its error. Admins see all users and are not limited.
    """
    await uniqueness.check_disclosure_limit(context, User, {"email_key": email_addresses.email_key(email)})
    try:
        return await make()
    except UserErrors as invalid:
        if any(error.code is UserErrorCode.EMAIL_TAKEN for error in invalid.errors):
            await uniqueness.record_disclosure(context, {"email": email})
        raise


async def create_first_admin(email: str, name: str) -> str:
    """Creates an admin without a creator, for a new installation. Returns the password. Raises UserErrors."""
    errors = ErrorCollector()
    values = _read(Some(email), Some(name), errors)
    await _check_email_taken(values, None, errors)
    errors.raise_if_any()
    values["role"] = Role.MANAGER
    temporary = policy.temporary_password(await policy.current())
    hashed = await password.hash_password(temporary, Claim(password.CHANGES))
    async with in_transaction():
        user = await User.create(**values, **_password_columns(hashed, must_change=True), scope=Scope.ADMIN)
        await trail.record(None, user, after={**values, "scope": Scope.ADMIN})
    return temporary


@dataclass(frozen=True)
class UserPatch:
    """The fields to change. None keeps a field, Some(None) is an explicit null."""

    email: Some[str | None] | None = None
    name: Some[str | None] | None = None
    role: Some[Role | None] | None = None
    permissions: tuple[Permission, ...] | None = None
    """Only with the role CUSTOM."""
    if_version: int | None = None


async def update(context: Context, user_id: str, patch: UserPatch, *, force: bool) -> tuple[User | None, AffectedKeys]:
    """Changes the given fields. A loss of permissions that API keys have through this person needs `force`.

    Returns the user (None if nothing was changed for want of `force`) and the keys. Raises UserErrors: NOT_FOUND,
    PERMISSION_MISSING, CONFLICT, LAST_ADMIN and all invalid values; RateLimited.
    """
    email = patch.email.value if patch.email is not None else None
    if email is None:
        return await _update(context, user_id, patch, force)
    return await _limit_disclosures(context, email, lambda: _update(context, user_id, patch, force))


async def _update(context: Context, user_id: str, patch: UserPatch, force: bool) -> tuple[User | None, AffectedKeys]:
    errors = ErrorCollector()
    values = _read(patch.email, patch.name, errors)
    found = await USERS.get(context, user_id)
    role = patch.role.value if patch.role is not None else None
    if patch.role is not None and role is None:
        errors.add(ValueRule.NULL_NOT_ALLOWED, "role")
    elif role is not None or patch.permissions is not None:
        kept = found.permissions if patch.permissions is None else None
        values |= _role_columns(context.viewer, found.scope, role or found.role, patch.permissions, errors, kept)
    is_current = patch.if_version in (None, found.version)
    if not values or errors.found or not is_current:
        if is_current:
            await _check_email_taken(values, found.id, errors)
        await USERS.check_version(context, found, patch.if_version, errors)
        errors.raise_if_any()
        return found, AffectedKeys()
    keys = AffectedKeys()
    async with uniqueness.report_violations(context, User, [_EMAIL], values), in_transaction():
        user = await _locked(context, found, patch.if_version)
        if "role" in values and (user.role, user.permissions) != (found.role, found.permissions):
            raise await USERS.conflict(context, user, None)
        if values.get("role", user.role) is not Role.MANAGER:
            await _check_last_admin(user)
        if "role" in values:
            after = permissions_of_role(values["role"], values["permissions"])
            keys = await affected_keys.that_shrink(context.viewer, user, after)
            if keys.count and not force:
                return None, keys
        changed = USERS.require(await update_row(context, User, user.id, values))
    if "role" in values:
        context.use(Revocations).announce(user.id)
    return changed, keys


async def deactivate(
    context: Context, user_id: str, *, force: bool, if_version: int | None
) -> tuple[User | None, AffectedKeys]:
    """Deactivates a user, which permanently ends their sessions within 5 seconds. API keys that stop need `force`.

    Returns the user (None if nothing was changed for want of `force`) and the keys. Raises UserErrors: NOT_FOUND,
    PERMISSION_MISSING, CONFLICT, LAST_ADMIN.
    """
    found = await USERS.get(context, user_id)
    async with in_transaction():
        user = await _locked(context, found, if_version)
        if not user.active:
            return user, AffectedKeys()
        await _check_last_admin(user)
        keys = await affected_keys.that_stop(context.viewer, user)
        if keys.count and not force:
            return None, keys
        await Session.filter(user_id=user.id).delete()
        changed = USERS.require(await update_row(context, User, user.id, {"active": False}))
    context.use(Revocations).announce(user.id)
    return changed, keys


async def reactivate(context: Context, user_id: str, if_version: int | None) -> User:
    """Raises UserErrors: NOT_FOUND, PERMISSION_MISSING, CONFLICT."""
    found = await USERS.get(context, user_id)
    async with in_transaction():
        user = await _locked(context, found, if_version)
        changed = USERS.require(await update_row(context, User, user.id, {"active": True}))
    context.use(Revocations).announce(user.id)
    return changed


class UserOwnsAccounts(UserErrors):
    """A user who owns accounts cannot be deleted; `accounts` are the first of them."""

    def __init__(self, count: int, accounts: list[Account]) -> None:
        super().__init__(UserErrors.one(UserRule.USER_OWNS_ACCOUNTS, "id", count=count).errors)
        self.accounts = accounts


async def delete(
    context: Context, user_id: str, *, force: bool, if_version: int | None
) -> tuple[UUID | None, AffectedKeys]:
    """Deletes a user. API keys that stop need `force`.

    Returns the deleted id (None if nothing was deleted for want of `force`) and the keys. Raises UserErrors: NOT_FOUND,
    PERMISSION_MISSING, CONFLICT, LAST_ADMIN, and UserOwnsAccounts.
    """
    found = await USERS.get(context, user_id)
    async with in_transaction():
        user = await _locked(context, found, if_version)
        await _check_last_admin(user)
        await _check_owns_nothing(user)
        keys = await affected_keys.that_stop(context.viewer, user)
        if keys.count and not force:
            return None, keys
        await trail.record(context, user, before={"email": user.email, "name": user.name})
        await delete_all(Q(id=user.id))
    context.use(Revocations).announce(user.id)
    return user.id, keys


async def _check_owns_nothing(user: User) -> None:
    """Raises UserOwnsAccounts. The user is locked, so that no ownership is transferred to them."""
    owned = Account.filter(owner_id=user.id)
    if accounts := await owned.order_by("name_key").limit(MAXIMUM_OWNED_SHOWN):
        raise UserOwnsAccounts(await owned.count(), accounts)


async def delete_all(which: Q) -> int:
    """Deletes users and their sessions. Returns how many users.

    Runs in the caller's transaction, which must hold locks that prevent new matching users.
    """
    users = User.filter(which)
    await users.order_by("id").select_for_update().only("id")  # values_list() would drop FOR UPDATE
    await Session.filter(user_id__in=Subquery(users.values("id"))).delete()
    return await users.delete()


async def reset_password(context: Context, user_id: str, given: str | None) -> tuple[User, str | None]:
    """Gives another user a password that must be changed at the next login, and ends all their sessions.

    Returns the user and the generated password (None if one was `given`). Raises UserErrors.
    """
    viewer, errors = context.viewer, ErrorCollector()
    user = await USERS.get(context, user_id)
    if user.id == viewer.user_id:
        errors.add(UserRule.OWN_PASSWORD_RESET, "id")
    rules = await policy.current()
    if given is not None:
        policy.check(rules, given, user.email, errors, "password")
    errors.raise_if_any()
    temporary = policy.temporary_password(rules) if given is None else None
    hashed = await password.hash_password(given or temporary or "", _claim(viewer))
    values = _password_columns(hashed, must_change=True)
    async with in_transaction():
        await _locked(context, user)
        changed = USERS.require(await update_row(context, User, user.id, values))
        await Session.filter(user_id=user.id).delete()
    context.use(Revocations).announce(user.id)
    return changed, temporary


async def _locked(context: Context, found: User, if_version: int | None = None) -> User:
    """Locks the user until the transaction ends.

    Raises UserErrors: NOT_FOUND, CONFLICT, PERMISSION_MISSING for a user with more permissions than the caller;
    Unauthenticated, Forbidden.
    """
    if not await lock_account(context.viewer, found):
        raise USERS.not_found()
    if found.scope is Scope.ADMIN:
        # Lock all admins in one order. Of two who deactivate each other, the second waits and then is the last one.
        # Not values_list(), which would drop FOR UPDATE.
        await User.filter(scope=Scope.ADMIN, active=True).order_by("id").select_for_update()
    user = USERS.require(await User.filter(id=found.id).select_for_update().get_or_none())
    await require_valid_credential(context.viewer)
    require_permissions_of(context.viewer, user.scope, await highest_permissions(user), "user")
    await USERS.check_version(context, user, if_version)
    return user


async def _check_last_admin(user: User) -> None:
    """Raises UserErrors LAST_ADMIN. The caller has locked the active admins."""
    if user.scope is not Scope.ADMIN or not user.active or user.role is not Role.MANAGER:
        return
    if not await User.filter(scope=Scope.ADMIN, active=True, role=Role.MANAGER).exclude(id=user.id).exists():
        raise UserErrors.one(UserRule.LAST_ADMIN, "id")


def _read(email: Some[str | None] | None, name: Some[str | None] | None, errors: ErrorCollector) -> Columns:
    """The columns to write."""
    values: Columns = {}
    before = len(errors.found)
    if email is not None:
        checked = email_addresses.checked(email.value, errors, "email")
        if len(errors.found) == before:
            values |= {"email": checked, "email_key": email_addresses.email_key(checked)}
    before = len(errors.found)
    if name is not None:
        checked = names.checked(name.value, errors, "name")
        if len(errors.found) == before:
            values["name"] = checked
    return values


def _role_columns(
    viewer: Viewer,
    scope: Scope,
    role: Role,
    permissions: tuple[Permission, ...] | None,
    errors: ErrorCollector,
    kept: list[str] | None = None,
) -> Columns:
    """The columns to write; a user who stays CUSTOM has `kept` unless `permissions` are given.

    Errors go to `role` and `permissions`.
    """
    is_custom = role is Role.CUSTOM
    own = kept if is_custom and kept is not None else custom_permissions(is_custom, permissions, OF_USERS, errors)
    check_grant(viewer, scope, permissions_of_role(role, own), "user", errors, "permissions" if is_custom else "role")
    return {"role": role, "permissions": own}


def _password_columns(stored: str, *, must_change: bool) -> Columns:
    return {"password_hash": stored, "password_set_at": datetime.now(UTC), "must_change_password": must_change}


async def _check_email_taken(values: Columns, user_id: UUID | None, errors: ErrorCollector) -> None:
    """Reports a taken address together with the other errors. The constraint decides in the end."""
    key = values.get("email_key")
    if key and await User.filter(email_key=key).exclude(id=user_id or new_id()).exists():
        errors.found += _EMAIL.user_errors(values["email"]).errors
