"""Who may use which field, and reach which row.

*Which field* is said on the field: `graph.column(..., permissions=[IsAdmin])` puts a permission class from here on it. The
class prints itself into `schema.graphql` (`@requiresScope(anyOf: [ADMIN])`), depends on the caller alone, and is
therefore decided once per operation.

*Which row* is never a matter of a permission: every query starts from `viewer.visible(Model)`, so what another
tenant owns is not there, in the same words as what does not exist.
"""

import enum
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


@strawberry.enum(description="Whose things a caller acts on.")
class Scope(enum.Enum):
    """The three scopes, from widest to narrowest."""

    ADMIN = strawberry.enum_value("ADMIN", description="The whole installation.")
    SERVICE_PROVIDER = strawberry.enum_value(
        "SERVICE_PROVIDER", description="One service provider and the accounts that it runs for its customers."
    )
    ACCOUNT = strawberry.enum_value("ACCOUNT", description="One account: view and edit, never create or delete it.")


@strawberry.enum(description="How much of its scope an API key may use.")
class AccessLevel(enum.Enum):
    """The levels of an API key."""

    FULL = strawberry.enum_value("FULL", description="Everything that the scope may do.")
    READ_ONLY = strawberry.enum_value("READ_ONLY", description="Queries alone, and no secrets.")
    GATEWAY = strawberry.enum_value(
        "GATEWAY",
        description="A voice gateway's: `viewer`, `reportCalls` and the recording of calls (`/record`), and nothing else.",
    )


class OpenTo(enum.Flag):
    """Callers that may use marked root fields only; a root field names those that it is open to."""

    UNAUTHENTICATED = enum.auto()
    PASSWORD_CHANGE = enum.auto()
    """People who have to choose a new password first."""
    GATEWAYS = enum.auto()


NOT_MARKED = OpenTo(0)


@dataclass(frozen=True)
class Restriction:
    """Limits a caller to the root fields that are open to it."""

    open_to: OpenTo
    message: str
    extensions: Mapping[str, str]
    may_introspect: bool = True
    variable_values: int | None = None
    """How many values its variables may have, where that is not the usual number."""

    def refusal(self) -> Forbidden:
        return Forbidden(self.message, **self.extensions)


PASSWORD_CHANGE_REQUIRED = Restriction(
    OpenTo.PASSWORD_CHANGE,
    "Choose a new password first, with `changePassword`; until then only `viewer`, `passwordPolicy` and `logout` "
    "are open beside it.",
    {"reason": "PASSWORD_CHANGE_REQUIRED"},
    may_introspect=False,
)
ONLY_FOR_GATEWAYS = Restriction(
    OpenTo.GATEWAYS,
    "A voice gateway's key may ask `viewer` for itself, send `reportCalls` and record calls, and nothing else.",
    {"requiredAccess": AccessLevel.READ_ONLY.name},
    variable_values=16_000,  # `reportCalls` takes 1,000 calls of 14 values each
)


@dataclass(frozen=True)
class TenantScope:
    """How rows of a model hang from their owners: column paths in Tortoise's notation.

    An actor of the account scope reaches a row when the column at `account` holds its account's id; a service provider
    when any column of `service_provider` holds its own. A scope with no path reaches nothing.
    """

    account: str | None
    service_provider: tuple[str, ...]
    owners: str = ""
    """Of rows that may be distributed by account: the table with a row for each account, from which a LATERAL over them hangs."""


def owner_is_active(path: str = "") -> Q:
    """Rows of keys or users whose owner is active, or who belong to the installation; `path` leads to them."""
    active = _where({f"{path}account__active": True, f"{path}account__service_provider__active": True})
    account = _where({f"{path}account_id__isnull": True}) | active
    provider = _where({f"{path}service_provider_id__isnull": True}) | _where({f"{path}service_provider__active": True})
    return provider & account


def _where(conditions: dict[str, Any]) -> Q:
    return Q(**conditions)


class TenantScoped(Model):
    """A model that says how its rows are reached."""

    tenant_scope: ClassVar[TenantScope]
    sealed: ClassVar[tuple[str, ...]] = ()
    """The columns that `encryption.py` seals."""

    class Meta:
        abstract = True


M = TypeVar("M", bound=TenantScoped)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: a key (`key_id`) or a person (`user_id` and `session_id`).

    Made by `authentication.py` before anything runs; never changes within an operation.
    """

    scope: Scope
    access_level: AccessLevel
    key_id: UUID | None = None
    account_id: UUID | None = None
    service_provider_id: UUID | None = None
    expires_at: datetime | None = None
    """When the key ends, and with it all that it may make; null for a person, who outlives each session."""
    user_id: UUID | None = None
    session_id: UUID | None = None
    must_change_password: bool = False
    secret_hash: bytes = field(default=b"", repr=False)
    """Of the secret that let the caller in; empty for the commands of this server."""
    provider_id: UUID | None = None
    """The provider itself, or the one that runs the caller's account: for shares of what a worker has."""

    def visible(self, model: type[M]) -> QuerySet[M]:
        """The rows of a model that this caller may see and change at all. Every query starts here."""
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
        """Whether this caller is told who of a scope did something: those of a wider one are not told to the narrower."""
        widest_first = list(Scope)
        return widest_first.index(self.scope) <= widest_first.index(scope)

    def may(self, permissions: "Iterable[type[Requirement]]") -> bool:
        return all(permission.allows(self) for permission in permissions)


class Authenticator(Protocol):
    """What makes a viewer of a request."""

    async def viewer(self, header: bytes | None, *, is_use: bool = True) -> Viewer | None:
        """By the Authorization header; None without one. Raises Unauthenticated and ServiceUnavailable."""
        ...


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    description="Only callers of one of these scopes may use the field; others get FORBIDDEN.",
)
class RequiresScope:
    """Prints a scope permission into the SDL."""

    any_of: list[Scope] = strawberry.directive_field(name="anyOf")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="Only people may use the field, with the token of their session; API keys get FORBIDDEN.",
)
class RequiresPerson:
    """Prints into the SDL that a field is for people."""


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="Only keys of this access level may use the field; others get FORBIDDEN.",
)
class RequiresAccess:
    """Prints an access level permission into the SDL."""

    level: AccessLevel


class Requirement(BasePermission):
    """A permission that depends on the caller alone: synchronous, pure, the same for every row."""

    _schema_directive: ClassVar[object]
    # What the refusal carries in `extensions`, and how the description of the field says it.
    refusal: ClassVar[Mapping[str, object]]
    words: ClassVar[str]

    @classmethod
    def allows(cls, viewer: Viewer | None) -> bool:
        raise NotImplementedError

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
    """Admins alone."""

    scopes = (Scope.ADMIN,)


class IsServiceProvider(_ScopeRequirement):
    """Service providers and admins."""

    scopes = (Scope.ADMIN, Scope.SERVICE_PROVIDER)


class HasFullAccess(Requirement):
    """Keys that are not limited to reading: for secrets, and for everything that changes or dials out."""

    _schema_directive = RequiresAccess(level=AccessLevel.FULL)
    refusal: ClassVar[Mapping[str, object]] = {"requiredAccess": AccessLevel.FULL.name}
    words = "the access level FULL"

    @classmethod
    def allows(cls, viewer: Viewer | None) -> bool:
        return viewer is not None and viewer.access_level is AccessLevel.FULL


class IsPerson(Requirement):
    """People, by the token of a session: for passwords and sessions, which are no program's."""

    _schema_directive = RequiresPerson()
    refusal: ClassVar[Mapping[str, object]] = {"requiredCaller": "USER"}
    words = "a person who has logged in"

    @classmethod
    def allows(cls, viewer: Viewer | None) -> bool:
        return viewer is not None and viewer.user_id is not None


class IsGateway(Requirement):
    """Keys of voice gateways: for what a gateway reports."""

    _schema_directive = RequiresAccess(level=AccessLevel.GATEWAY)
    refusal: ClassVar[Mapping[str, object]] = {"requiredAccess": AccessLevel.GATEWAY.name}
    words = "the access level GATEWAY"

    @classmethod
    def allows(cls, viewer: Viewer | None) -> bool:
        return viewer is not None and viewer.access_level is AccessLevel.GATEWAY
