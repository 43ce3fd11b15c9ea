"""The permissions of callers, and the sets that have names: roles of users and access levels of API keys."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import strawberry


@strawberry.enum(description="What a caller may do within its scope. Reading settings needs no permission.")
class Permission(enum.Enum):
    """The permissions of callers."""

    # Enum's own hash is a Python function, and permissions are looked up for every row that has a `viewerCan…` field.
    __hash__ = object.__hash__

    EDIT_SETTINGS = strawberry.enum_value(
        "EDIT_SETTINGS",
        description="Change the settings of accounts, applications, recording and service providers; suspend and move them. A "
        "caller can point recordings and webhooks at a server of their own, and so receive what is sent there.",
    )
    TEST_AND_CALL_OUT = strawberry.enum_value(
        "TEST_AND_CALL_OUT",
        description="Test storages and webhooks, and retry recordings: all of them call other servers. A test of a GET webhook "
        "sends a signature that covers the time alone: its receiver can send other GETs with it for 300 seconds.",
    )
    VIEW_SECRETS = strawberry.enum_value(
        "VIEW_SECRETS", description="Read webhook secrets, and signatures and replies of webhook tests."
    )
    VIEW_CALLS = strawberry.enum_value("VIEW_CALLS", description="See calls and the state of their recordings.")
    LISTEN_TO_RECORDINGS = strawberry.enum_value(
        "LISTEN_TO_RECORDINGS", description="Play and download the audio of recordings."
    )
    DELETE_RECORDINGS = strawberry.enum_value("DELETE_RECORDINGS", description="Delete recordings.")
    MANAGE_API_KEYS = strawberry.enum_value(
        "MANAGE_API_KEYS", description="Create, change, rotate, revoke and adopt API keys."
    )
    MANAGE_USERS = strawberry.enum_value(
        "MANAGE_USERS",
        description="Create, change, deactivate and delete users, reset their passwords and end their sessions.",
    )
    VIEW_AUDIT_TRAIL = strawberry.enum_value("VIEW_AUDIT_TRAIL", description="Read the audit trail.")
    CREATE_ACCOUNTS = strawberry.enum_value("CREATE_ACCOUNTS", description="Create accounts and service providers.")
    DELETE_ACCOUNTS = strawberry.enum_value(
        "DELETE_ACCOUNTS",
        description="Delete accounts and service providers. With `force`, an account's users and API keys too, whatever they may "
        "do.",
    )
    ACT_AS_GATEWAY = strawberry.enum_value(
        "ACT_AS_GATEWAY", description="Report and record calls as a voice gateway; held by API keys only."
    )


Permissions = frozenset[Permission]
ALL: Permissions = frozenset(Permission) - {Permission.ACT_AS_GATEWAY}
"""Every permission that a user can have."""


@strawberry.enum(description="What a user may do within their scope: a named set of permissions.")
class Role(enum.Enum):
    """The roles of users."""

    MANAGER = strawberry.enum_value("MANAGER", description="Everything, including users, API keys and secrets.")
    EDITOR = strawberry.enum_value(
        "EDITOR",
        description="Settings, tests, calls, recordings and the audit trail; no users, API keys or secrets.",
    )
    LISTENER = strawberry.enum_value("LISTENER", description="Settings, calls and their recordings. Changes nothing.")
    VIEWER = strawberry.enum_value("VIEWER", description="Settings and calls without their audio. Changes nothing.")
    CUSTOM = strawberry.enum_value("CUSTOM", description="The user's own list of permissions.")


@strawberry.enum(description="What an API key may do within its scope: a named set of permissions.")
class AccessLevel(enum.Enum):
    """The access levels of API keys."""

    FULL = strawberry.enum_value("FULL", description="Everything that a MANAGER of the scope may do.")
    READ_ONLY = strawberry.enum_value(
        "READ_ONLY",
        description="Settings, calls, recordings and the audit trail. Changes nothing, and reads no secrets.",
    )
    GATEWAY = strawberry.enum_value(
        "GATEWAY",
        description="For voice gateways: only `viewer`, `reportCalls` and the recording of calls (`/record`).",
    )
    CUSTOM = strawberry.enum_value("CUSTOM", description="The key's own list of permissions.")


ROLES: Mapping[Role, Permissions] = {
    Role.MANAGER: ALL,
    Role.EDITOR: frozenset(
        {
            Permission.EDIT_SETTINGS,
            Permission.TEST_AND_CALL_OUT,
            Permission.VIEW_CALLS,
            Permission.LISTEN_TO_RECORDINGS,
            Permission.DELETE_RECORDINGS,
            Permission.VIEW_AUDIT_TRAIL,
        }
    ),
    Role.LISTENER: frozenset({Permission.VIEW_CALLS, Permission.LISTEN_TO_RECORDINGS}),
    Role.VIEWER: frozenset({Permission.VIEW_CALLS}),
}
"""The permissions of each role except CUSTOM."""
LEVELS: Mapping[AccessLevel, Permissions] = {
    AccessLevel.FULL: ALL,
    AccessLevel.READ_ONLY: frozenset(
        {Permission.VIEW_CALLS, Permission.LISTEN_TO_RECORDINGS, Permission.VIEW_AUDIT_TRAIL}
    ),
    AccessLevel.GATEWAY: frozenset({Permission.ACT_AS_GATEWAY}),
}
"""The permissions of each access level except CUSTOM."""


def permissions_of_role(role: Role, own: Sequence[str] | None) -> Permissions:
    """`own` is the stored list of a CUSTOM role."""
    return _granted(ROLES.get(role), own)


def permissions_of_level(level: AccessLevel, own: Sequence[str] | None) -> Permissions:
    """`own` is the stored list of a CUSTOM level."""
    return _granted(LEVELS.get(level), own)


def within(permissions: Permissions, creators: Permissions) -> Permissions:
    """The permissions of an API key whose creator has these; ACT_AS_GATEWAY does not depend on the creator."""
    return _interned(permissions & (creators | {Permission.ACT_AS_GATEWAY}))


def in_order(permissions: Iterable[Permission]) -> list[Permission]:
    """Without duplicates, in the order of the enum."""
    found = set(permissions)
    return [one for one in Permission if one in found]


def _granted(fixed: Permissions | None, own: Sequence[str] | None) -> Permissions:
    if fixed is not None:
        return fixed
    # Names of a newer version, before a downgrade, grant nothing.
    return _interned(frozenset(Permission[name] for name in own or () if name in Permission.__members__))


@lru_cache(maxsize=1_024)
def _interned(permissions: Permissions) -> Permissions:
    """Equal sets become one object, which the caches keyed by permissions compare by identity."""
    return permissions
