"""Who grants what: no caller creates, changes or closes a user or an API key that has permissions the caller lacks."""

from collections.abc import Sequence

from app.foundation.access import Scope, Viewer
from app.foundation.permissions import ALL, Permission, Permissions, in_order
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule


class GrantRule(UserErrorRule):
    PERMISSION_MISSING = (
        UserErrorCode.PERMISSION_MISSING,
        "The {noun} has, or would get, permissions that you do not have: {permissions}.",
    )
    CUSTOM_PERMISSIONS_REQUIRED = UserErrorCode.REQUIRED, "CUSTOM needs a list of permissions."
    PERMISSIONS_WITHOUT_CUSTOM = (
        UserErrorCode.INVALID,
        "A list of permissions can only be given together with CUSTOM. Omit it for the others.",
    )
    PERMISSION_OF_KEYS = UserErrorCode.INVALID, "Only API keys can have the permission ACT_AS_GATEWAY."


def lacking(viewer: Viewer, scope: Scope, permissions: Permissions) -> Permissions:
    """The permissions that the caller lacks to grant them to a user or key of the scope, or to change one that has them.

    ACT_AS_GATEWAY is exempt: no person has it, and every caller that manages keys may grant it. CREATE_ACCOUNTS and
    DELETE_ACCOUNTS are exempt in the scope ACCOUNT, where they have no effect.
    """
    exempt = {Permission.ACT_AS_GATEWAY}
    if scope is Scope.ACCOUNT:
        exempt |= {Permission.CREATE_ACCOUNTS, Permission.DELETE_ACCOUNTS}
    return permissions - viewer.permissions - exempt


def check_grant(
    viewer: Viewer, scope: Scope, permissions: Permissions, noun: str, errors: ErrorCollector, *path: str
) -> None:
    """Adds PERMISSION_MISSING at `path` if the caller lacks any of these permissions, held before or after the change."""
    missing = in_order(lacking(viewer, scope, permissions))
    if missing:
        names = ", ".join(one.name for one in missing)
        errors.add(GrantRule.PERMISSION_MISSING, *path, noun=noun, permissions=names)


def require_permissions_of(viewer: Viewer, scope: Scope, permissions: Permissions, noun: str) -> None:
    """Raises UserErrors PERMISSION_MISSING at `id` unless the caller has all of these permissions of an existing user or key."""
    errors = ErrorCollector()
    check_grant(viewer, scope, permissions, noun, errors, "id")
    errors.raise_if_any()


def custom_permissions(
    is_custom: bool, given: Sequence[Permission] | None, allowed: Permissions, errors: ErrorCollector
) -> list[str] | None:
    """The list to store for the role or access level CUSTOM; None for all others, and for a missing list, which is an error."""
    if is_custom and given is None:
        errors.add(GrantRule.CUSTOM_PERMISSIONS_REQUIRED, "permissions")
    elif given is not None and not is_custom:
        errors.add(GrantRule.PERMISSIONS_WITHOUT_CUSTOM, "permissions")
    elif given is not None and not allowed.issuperset(given):
        errors.add(GrantRule.PERMISSION_OF_KEYS, "permissions")
    return [one.name for one in in_order(given)] if is_custom and given is not None else None


OF_USERS: Permissions = ALL
OF_KEYS: Permissions = frozenset(Permission)
