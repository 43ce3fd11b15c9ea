"""Access control: which fields a caller may use, and which rows are visible to it.

*Fields*: `fields.column(..., permissions=[IsAdmin, MayViewSecrets])` puts permission classes of this module on a field. They are
printed in `schema.graphql` (`@requiresScope(anyOf: [ADMIN])`, `@requiresPermission(all: [VIEW_SECRETS])`). A permission class
depends on the caller alone, except for mixed callers: users of a provider or of the installation who own accounts and have more
permissions there than by their role. `permissions.py` has
the permissions, and their named sets: roles and access levels.

*Rows*: never a permission. Every query starts from `viewer.visible(Model)`, so another tenant's row is reported exactly like one
that does not exist.
"""

import enum
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar
from uuid import UUID

import strawberry
from strawberry.permission import BasePermission
from strawberry.schema_directive import Location
from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

from app.foundation.errors import Forbidden
from app.foundation.permissions import ALL, Permission, Permissions, Role, in_order


@strawberry.enum(description="The scope of a caller: whose objects are visible to it.")
class Scope(enum.Enum):
    """The three scopes, from widest to narrowest."""

    ADMIN = strawberry.enum_value("ADMIN", description="The whole installation.")
    SERVICE_PROVIDER = strawberry.enum_value(
        "SERVICE_PROVIDER", description="One service provider and the accounts that it runs for its customers."
    )
    ACCOUNT = strawberry.enum_value("ACCOUNT", description="One account: view and edit, never create or delete it.")


class OpenTo(enum.Flag):
    """Restricted callers, who may use only the root fields that are open to them."""

    UNAUTHENTICATED = enum.auto()
    PASSWORD_CHANGE = enum.auto()
    """Users whose password change is required."""
    GATEWAYS = enum.auto()


NOT_MARKED = OpenTo(0)


@dataclass(frozen=True)
class Restriction:
    """Restricts a caller to the root fields that are open to it."""

    open_to: OpenTo
    message: str
    extensions: Mapping[str, str]
    may_introspect: bool = True

    def refusal(self) -> Forbidden:
        return Forbidden(self.message, **self.extensions)


PASSWORD_CHANGE_REQUIRED = Restriction(
    OpenTo.PASSWORD_CHANGE,
    "Choose a new password first, with `changePassword`. Until then, the only other fields you may use are `viewer`, "
    "`passwordPolicy` and `logout`.",
    {"reason": "PASSWORD_CHANGE_REQUIRED"},
    may_introspect=False,
)
ONLY_FOR_GATEWAYS = Restriction(
    OpenTo.GATEWAYS,
    "A voice gateway's key may only query `viewer`, send `reportCalls` and record calls.",
    {"reason": "GATEWAY_KEY"},
)
VARIABLE_VALUES_OF_GATEWAYS = 16_000
"""Maximum number of values in an operation's variables: `reportCalls` takes 1,000 calls of 14 values each."""


@dataclass(frozen=True)
class TenantScope:
    """Which rows of a model are within a caller's tenant scope: column paths in Tortoise's notation.

    A row is visible to an account if the column at `account` holds the account's id, and to a provider if any column of
    `service_provider` holds the provider's id. A scope without a path sees no rows.
    """

    account: str | None
    service_provider: tuple[str, ...]
    owners: str = ""
    """For tables distributed by account: the table with one row per account, for LATERAL joins from it."""


def owner_is_active(path: str = "") -> Q:
    """Selects keys or users that have no owner or an active one; `path` is the relation path to them."""
    active = _where({f"{path}account__active": True, f"{path}account__service_provider__active": True})
    account = _where({f"{path}account_id__isnull": True}) | active
    provider = _where({f"{path}service_provider_id__isnull": True}) | _where({f"{path}service_provider__active": True})
    return provider & account


def _where(conditions: dict[str, Any]) -> Q:
    return Q(**conditions)


class TenantScoped(Model):
    """A model whose rows belong to tenants."""

    tenant_scope: ClassVar[TenantScope]
    sealed: ClassVar[tuple[str, ...]] = ()
    """The columns that `encryption.py` seals."""

    class Meta:
        abstract = True


M = TypeVar("M", bound=TenantScoped)


@dataclass(frozen=True, slots=True)
class Viewer:
    """An authenticated caller: an API key (`key_id`) or a person (`user_id` and `session_id`).

    Made by `server/authentication.py` before an operation runs; immutable.
    """

    scope: Scope
    permissions: Permissions
    """Its effective permissions: those of a user's role, or those of a key that its creator has too."""
    key_id: UUID | None = None
    account_id: UUID | None = None
    service_provider_id: UUID | None = None
    expires_at: datetime | None = None
    """When the key expires; keys that it creates expire no later. None for a person."""
    user_id: UUID | None = None
    name: str | None = None
    """The name of the key or the person, for the audit trail; None for commands."""
    session_id: UUID | None = None
    must_change_password: bool = False
    secret_hash: bytes = field(default=b"", repr=False)
    """The hash of the credential's secret; empty for commands."""
    provider_id: UUID | None = None
    """The provider itself, or the one of the caller's account: for concurrency limits."""
    role: Role | None = None
    """The user's role; None for a key."""
    is_gateway: bool = False
    """Whether it is a key that was granted ACT_AS_GATEWAY alone, which restricts it to the root fields for gateways.

    False for a key whose other permissions are lost with its creator's: it can still read settings, which needs no permission."""
    owned_account_ids: frozenset[UUID] = frozenset()
    """Of a mixed caller: the accounts in which it has ALL. Empty for all others, account users who own their account included."""
    as_owner_of: UUID | None = None
    """The owned account in which a mixed caller acts: `permissions` are those it has there."""

    def visible(self, model: type[M]) -> QuerySet[M]:
        """The rows of a model that are visible to this caller. Every query starts here."""
        if self.scope is Scope.ADMIN:
            return model.all()
        if self.scope is Scope.SERVICE_PROVIDER:
            paths, owner = model.tenant_scope.service_provider, self.service_provider_id
        else:
            paths, owner = (model.tenant_scope.account,) if model.tenant_scope.account else (), self.account_id
        if not paths:
            return model.filter(pk__in=[])
        return model.filter(Q(*(_where({path: owner}) for path in paths), join_type="OR"))

    def within_account(self, account_id: UUID | None) -> "Viewer":
        """This caller in an account: with all permissions if it is a mixed caller who owns the account."""
        if account_id is None or account_id not in self.owned_account_ids:
            return self
        return replace(self, permissions=ALL, as_owner_of=account_id)

    @property
    def restriction(self) -> Restriction | None:
        if self.must_change_password:
            return PASSWORD_CHANGE_REQUIRED
        return ONLY_FOR_GATEWAYS if self.is_gateway else None

    @property
    def variable_values(self) -> int | None:
        """Maximum number of values in an operation's variables; None: the default limit."""
        return VARIABLE_VALUES_OF_GATEWAYS if Permission.ACT_AS_GATEWAY in self.permissions else None

    def may_know_who(self, scope: Scope) -> bool:
        """Whether this caller may see which key or user of this scope acted: only if the scope is not wider than its own."""
        widest_first = list(Scope)
        return widest_first.index(self.scope) <= widest_first.index(scope)

    def may(self, permissions: "Iterable[type[Requirement]]") -> bool:
        # A loop: `all` over a generator costs twice as much, for each `viewerCan…` of a response.
        for permission in permissions:  # noqa: SIM110
            if not permission.allows(self):
                return False
        return True


def account_of(source: object) -> UUID | None:
    """The id of the account that owns a row or another object with an `account_id`; None if no own column holds it."""
    scope: TenantScope | None = getattr(source, "tenant_scope", None)
    path = scope.account if scope is not None else "account_id"
    return getattr(source, path, None) if path is not None and "__" not in path else None


class Authenticator(Protocol):
    """Maps an Authorization header to a caller; implemented in `server/authentication.py`."""

    async def viewer(self, header: bytes | None, address: str, *, is_use: bool = True) -> Viewer | None:
        """The caller of an Authorization header from a client's address; None without a header.

        Raises Unauthenticated and ServiceUnavailable.
        """
        ...


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    description="Only callers of one of these scopes may use the field; other callers get FORBIDDEN.",
)
class RequiresScope:
    """Prints a scope permission as `@requiresScope`."""

    any_of: list[Scope] = strawberry.field(name="anyOf", description="The scopes that may use the field.")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="Only users with a session may use the field; API keys get FORBIDDEN.",
)
class RequiresPerson:
    """Prints the permission IsPerson as `@requiresPerson`."""


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    description="Only callers with all of these permissions may use the field; other callers get FORBIDDEN.",
)
class RequiresPermission:
    """Prints the `May…` classes of a field as one `@requiresPermission`."""

    all: list[Permission] = strawberry.field(name="all", description="The permissions that are needed.")


class Requirement(BasePermission):
    """A permission that depends on the caller, and for mixed callers on whether they own the row's account."""

    _schema_directive: ClassVar[object]
    # The `extensions` of the FORBIDDEN error, and the permission's name in descriptions and messages.
    refusal: ClassVar[Mapping[str, object]]
    words: ClassVar[str]

    @classmethod
    @abstractmethod
    def allows(cls, viewer: Viewer | None) -> bool:
        """Whether the caller has this permission."""

    def has_permission(self, source: object, info: Any, **kwargs: object) -> bool:
        caller: Viewer | None = info.context.caller
        if caller is not None and caller.owned_account_ids:
            caller = caller.within_account(account_of(source))
        return self.allows(caller)

    def on_unauthorized(self) -> None:
        raise refusal_of("This field", [type(self)])

    @classmethod
    def check(cls, viewer: Viewer, what: str) -> None:
        """Raises Forbidden unless the caller meets this requirement. For operations that are not fields; `what` names them."""
        if not cls.allows(viewer):
            raise refusal_of(what, [cls])


def refusal_of(what: str, missing: Sequence[type[Requirement]], more: str = "", **extensions: object) -> Forbidden:
    """The Forbidden error for `what`, whose message and extensions name all missing requirements."""
    for one in missing:
        extensions |= one.refusal
    if permissions := [one.needed for one in missing if issubclass(one, _PermissionRequirement)]:
        extensions["requiredPermissions"] = [one.name for one in in_order(permissions)]
    words = " and ".join(dict.fromkeys(one.words for one in missing))
    return Forbidden(f"{what} needs {words}.{more}", **extensions)


class _ScopeRequirement(Requirement):
    scopes: ClassVar[tuple[Scope, ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        names = [scope.name for scope in cls.scopes]
        cls._schema_directive = RequiresScope(any_of=list(cls.scopes))
        cls.refusal = {"requiredScopes": names}
        cls.words = f"the scope {' or '.join(names)}"

    @classmethod
    def allows(cls, viewer: Viewer | None) -> bool:
        return viewer is not None and viewer.scope in cls.scopes


class IsAdmin(_ScopeRequirement):
    """Admins only."""

    scopes = (Scope.ADMIN,)


class IsServiceProvider(_ScopeRequirement):
    """Service providers and admins."""

    scopes = (Scope.ADMIN, Scope.SERVICE_PROVIDER)


class IsPerson(Requirement):
    """People with a session: for passwords and sessions."""

    _schema_directive = RequiresPerson()
    refusal: ClassVar[Mapping[str, object]] = {"requiredCaller": "USER"}
    words = "a user's session"

    @classmethod
    def allows(cls, viewer: Viewer | None) -> bool:
        return viewer is not None and viewer.user_id is not None


class _PermissionRequirement(Requirement):
    needed: ClassVar[Permission]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.refusal = {"requiredPermissions": [cls.needed.name]}
        cls.words = f"the permission {cls.needed.name}"

    @classmethod
    def allows(cls, viewer: Viewer | None) -> bool:
        return viewer is not None and cls.needed in viewer.permissions


class MayEditSettings(_PermissionRequirement):
    needed = Permission.EDIT_SETTINGS


class MayTestAndCallOut(_PermissionRequirement):
    needed = Permission.TEST_AND_CALL_OUT


class MayViewSecrets(_PermissionRequirement):
    needed = Permission.VIEW_SECRETS


class MayViewCalls(_PermissionRequirement):
    needed = Permission.VIEW_CALLS


class MayListenToRecordings(_PermissionRequirement):
    needed = Permission.LISTEN_TO_RECORDINGS


class MayDeleteRecordings(_PermissionRequirement):
    needed = Permission.DELETE_RECORDINGS


class MayManageApiKeys(_PermissionRequirement):
    needed = Permission.MANAGE_API_KEYS


class MayManageUsers(_PermissionRequirement):
    needed = Permission.MANAGE_USERS


class MayViewAuditTrail(_PermissionRequirement):
    needed = Permission.VIEW_AUDIT_TRAIL


class MayCreateAccounts(_PermissionRequirement):
    needed = Permission.CREATE_ACCOUNTS


class MayDeleteAccounts(_PermissionRequirement):
    needed = Permission.DELETE_ACCOUNTS


class MayActAsGateway(_PermissionRequirement):
    needed = Permission.ACT_AS_GATEWAY


def directives_of(permissions: Iterable[type[Requirement]]) -> list[object]:
    """The directives of a field: all of its `May…` classes make one."""
    classes = list(permissions)
    needed = [one.needed for one in classes if issubclass(one, _PermissionRequirement)]
    others = [one._schema_directive for one in classes if not issubclass(one, _PermissionRequirement)]
    return [*others, RequiresPermission(all=in_order(needed))] if needed else others
