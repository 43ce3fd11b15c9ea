"""Access control: which fields a caller may use, and which rows are visible to it.

*Fields*: `fields.column(..., permissions=[IsAdmin])` puts a permission class of this module on a field. The class prints itself
into `schema.graphql` (`@requiresScope(anyOf: [ADMIN])`). It depends on the caller alone, so it is never decided per row.

*Rows*: never a permission. Every query starts from `viewer.visible(Model)`, so another tenant's row is reported exactly like one
that does not exist.
"""

import enum
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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


@strawberry.enum(description="The scope of a caller: whose objects are visible to it.")
class Scope(enum.Enum):
    """The three scopes, from widest to narrowest."""

    ADMIN = strawberry.enum_value("ADMIN", description="The whole installation.")
    SERVICE_PROVIDER = strawberry.enum_value(
        "SERVICE_PROVIDER", description="One service provider and the accounts that it runs for its customers."
    )
    ACCOUNT = strawberry.enum_value("ACCOUNT", description="One account: view and edit, never create or delete it.")


@strawberry.enum(description="How much of its scope an API key may use.")
class AccessLevel(enum.Enum):
    """The access levels of an API key."""

    FULL = strawberry.enum_value("FULL", description="Everything that the scope allows.")
    READ_ONLY = strawberry.enum_value("READ_ONLY", description="Only queries, and no secrets.")
    GATEWAY = strawberry.enum_value(
        "GATEWAY",
        description="For voice gateways: only `viewer`, `reportCalls` and the recording of calls (`/record`).",
    )


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
    variable_values: int | None = None
    """Maximum number of values in an operation's variables; None: the default limit."""

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
    {"requiredAccess": AccessLevel.READ_ONLY.name},
    variable_values=16_000,  # `reportCalls` takes 1,000 calls of 14 values each
)


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
    access_level: AccessLevel
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

    @property
    def restriction(self) -> Restriction | None:
        if self.must_change_password:
            return PASSWORD_CHANGE_REQUIRED
        return ONLY_FOR_GATEWAYS if self.access_level is AccessLevel.GATEWAY else None

    def may_know_who(self, scope: Scope) -> bool:
        """Whether this caller may see which key or user of this scope acted: only if the scope is not wider than its own."""
        widest_first = list(Scope)
        return widest_first.index(self.scope) <= widest_first.index(scope)

    def may(self, permissions: "Iterable[type[Requirement]]") -> bool:
        return all(permission.allows(self) for permission in permissions)


class Authenticator(Protocol):
    """Maps an Authorization header to a caller; implemented in `server/authentication.py`."""

    async def viewer(self, header: bytes | None, *, is_use: bool = True) -> Viewer | None:
        """The caller of an Authorization header; None without one. Raises Unauthenticated and ServiceUnavailable."""
        ...


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    description="Only callers of one of these scopes may use the field; others get FORBIDDEN.",
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
    locations=[Location.FIELD_DEFINITION],
    description="Only keys of this access level may use the field; others get FORBIDDEN.",
)
class RequiresAccess:
    """Prints an access level permission as `@requiresAccess`."""

    level: AccessLevel = strawberry.field(name="level", description="The access level that is needed.")


class Requirement(BasePermission):
    """A permission that depends on the caller alone: synchronous, pure, the same for every row."""

    _schema_directive: ClassVar[object]
    # The `extensions` of the FORBIDDEN error, and the permission's name in descriptions and messages.
    refusal: ClassVar[Mapping[str, object]]
    words: ClassVar[str]

    @classmethod
    @abstractmethod
    def allows(cls, viewer: Viewer | None) -> bool:
        """Whether the caller has this permission."""

    def has_permission(self, source: object, info: Any, **kwargs: object) -> bool:
        return self.allows(info.context.caller)

    def on_unauthorized(self) -> None:
        raise Forbidden(f"This field needs {self.words}.", **self.refusal)


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


class HasFullAccess(Requirement):
    """People and keys with the access level FULL: for secrets, changes, and outbound calls."""

    _schema_directive = RequiresAccess(level=AccessLevel.FULL)
    refusal: ClassVar[Mapping[str, object]] = {"requiredAccess": AccessLevel.FULL.name}
    words = "the access level FULL"

    @classmethod
    def allows(cls, viewer: Viewer | None) -> bool:
        return viewer is not None and viewer.access_level is AccessLevel.FULL


class IsPerson(Requirement):
    """People with a session: for passwords and sessions."""

    _schema_directive = RequiresPerson()
    refusal: ClassVar[Mapping[str, object]] = {"requiredCaller": "USER"}
    words = "a user's session"

    @classmethod
    def allows(cls, viewer: Viewer | None) -> bool:
        return viewer is not None and viewer.user_id is not None


class IsGateway(Requirement):
    """API keys of voice gateways."""

    _schema_directive = RequiresAccess(level=AccessLevel.GATEWAY)
    refusal: ClassVar[Mapping[str, object]] = {"requiredAccess": AccessLevel.GATEWAY.name}
    words = "the access level GATEWAY"

    @classmethod
    def allows(cls, viewer: Viewer | None) -> bool:
        return viewer is not None and viewer.access_level is AccessLevel.GATEWAY
