"""GraphQL types, queries and mutations of API keys. Only the payloads of create and rotate contain a key's token."""

import enum
from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import Maybe

from app.accounts.model import Account as AccountRow
from app.api_keys import allowed_networks, model, service, token
from app.api_keys.owner import OwnerChoice
from app.audit.actor_schema import AuditActor, Creator, created_by, updated_by
from app.foundation import names
from app.foundation.access import IsAdmin, IsPerson, IsServiceProvider, MayManageApiKeys, Scope
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.foundation.graphql.pagination import DEFAULT_FIRST, AfterArgument, Connection, FirstArgument
from app.foundation.idempotency.run_once import IDEMPOTENCY_KEY
from app.foundation.identifiers import Kind
from app.foundation.permissions import AccessLevel, Permission, in_order, permissions_of_level
from app.foundation.revocations import WHEN_REFUSED
from app.foundation.secret_overlap import MAXIMUM_OVERLAP_HOURS, overlap_end
from app.foundation.user_errors import UserError
from app.service_providers.model import ServiceProvider as ServiceProviderRow
from app.users.grants import lacking


@strawberry.enum(description="Whether a key is valid.")
class ApiKeyStatus(enum.Enum):
    ACTIVE = strawberry.enum_value(
        "ACTIVE", description="Valid while its creator, its account and its service provider are active."
    )
    EXPIRED = strawberry.enum_value("EXPIRED", description="Past its expiry.")
    REVOKED = strawberry.enum_value("REVOKED", description="Permanently revoked.")


def _status(now: datetime, revoked_at: datetime | None, expires_at: datetime | None) -> ApiKeyStatus:
    if revoked_at is not None:
        return ApiKeyStatus.REVOKED
    if expires_at is not None and expires_at <= now:
        return ApiKeyStatus.EXPIRED
    return ApiKeyStatus.ACTIVE


@fields.node(Kind.API_KEY, description="A credential for programs: `Authorization: Bearer vgk_…`.")
class ApiKey(fields.Node[model.ApiKey]):
    name: str = fields.column("Display name, for example the key's purpose.")
    public_id: str = fields.column(
        f"The part of the token after `{token.PREFIX}`. Identifies the key and is not secret."
    )
    scope: Scope = fields.column("The objects it may act on. Never changes.")
    access_level: AccessLevel = fields.column(
        "What it may do within its scope. Changes only when `moveAccount` releases the key from its creator."
    )
    permissions: list[Permission] = fields.computed(
        lambda level, own: in_order(permissions_of_level(level, own)),
        ["access_level", "permissions"],
        "The permissions granted to it. It has those of them that its creator has now: as the caller, `viewer { permissions }`.",
    )
    status: ApiKeyStatus = fields.time_dependent(_status, ["revoked_at", "expires_at"], "Whether it is valid.")
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="Its account, for the scope ACCOUNT."
    )
    service_provider: fields.Node | None = fields.to_one(
        "ServiceProvider",
        "service_provider_id",
        row=ServiceProviderRow,
        description="Its service provider, for the scope SERVICE_PROVIDER.",
        permissions=[IsServiceProvider],
    )
    created_by: Creator | None = created_by(
        "Who created it, or last rotated or adopted it; null for a key created on the server's command line. The key is rejected "
        "while this person is deactivated, and once they are deleted. Rotating or adopting a key makes the caller its creator.",
    )
    expires_at: datetime | None = fields.column("When it expires; null: never.")
    revoked_at: datetime | None = fields.column("When it was revoked; null: not revoked.")
    allowed_networks: list[str] = fields.computed(
        lambda networks: networks or [],
        ["allowed_networks"],
        "The networks from which it may be used, in CIDR notation; empty: everywhere. Elsewhere it looks like an unknown key.",
    )
    last_used_at: datetime | None = fields.column("When it was last used, to the minute; null: never.")
    last_used_address: str | None = fields.column(
        "The client's IP address at the last use; null: never used, or over a Unix socket."
    )
    rotated_at: datetime | None = fields.column("When its secret was last replaced; null: never.")
    previous_secret_expires_at: datetime | None = fields.time_dependent(
        overlap_end,
        ["previous_secret_expires_at"],
        "Until when the previous secret is valid; null: it no longer is, or there is none.",
    )
    previous_secret_last_used_at: datetime | None = fields.column(
        "When the previous secret was last used since the rotation, to the minute; null: not used since."
    )
    created_at: datetime = fields.column("When it was created.")
    updated_at: datetime = fields.column(
        "When it was last changed: its name, networks, secret or creator, or by its revocation."
    )
    updated_by: AuditActor | None = updated_by()
    version: int = fields.column(
        "Incremented by each change. Send it as `ifVersion` to avoid overwriting concurrent changes."
    )
    viewer_can_update: bool = fields.per_viewer(
        lambda viewer, scope, level, own: (
            viewer.may([MayManageApiKeys]) and not lacking(viewer, scope, permissions_of_level(level, own))
        ),
        "Whether the caller may change, rotate and revoke the key: whether it has all of the key's permissions.",
        columns=["scope", "access_level", "permissions"],
    )
    viewer_can_adopt: bool = fields.per_viewer(
        lambda viewer, scope, level, own: (
            viewer.may([IsPerson, MayManageApiKeys]) and not lacking(viewer, scope, permissions_of_level(level, own))
        ),
        "Whether the caller may adopt the key: whether the caller is a person who has all of the key's permissions.",
        columns=["scope", "access_level", "permissions"],
    )


_KEYS_OF_INSTALLATION = fields.PageOfAll(model.ApiKey, always={"scope": Scope.ADMIN})


@strawberry.type(description="The limits of an API key's inputs.")
class ApiKeyLimits:
    name_maximum: int = strawberry.field(
        default=names.MAXIMUM,
        description="Maximum length of a name, in characters (Unicode code points), after trimming.",
    )
    overlap_hours_maximum: int = strawberry.field(
        default=MAXIMUM_OVERLAP_HOURS,
        description="The largest `overlapHours` of a rotation; the smallest is 0.",
    )
    allowed_networks_maximum: int = strawberry.field(
        default=allowed_networks.MAXIMUM, description="Maximum number of `allowedNetworks`."
    )
    expires_at_maximum: datetime | None = fields.per_viewer(
        lambda viewer: viewer.expires_at,
        "The latest `expiresAt` allowed for the caller, because no key outlives its creator; null: any future time.",
    )


@strawberry.type
class ApiKeyQueries:
    @fields.resolver(
        "API keys of the installation (scope ADMIN), newest first. For other keys, see `apiKeys` of their owners.",
        permissions=[IsAdmin],
        declared=_KEYS_OF_INSTALLATION,
    )
    async def api_keys(
        self, info: Info, first: FirstArgument = DEFAULT_FIRST, after: AfterArgument = None
    ) -> Connection[ApiKey] | None:
        return ApiKey.connection(await _KEYS_OF_INSTALLATION.answer(info.context, first, after))


@strawberry.input
class OwnerInput:
    account_id: Maybe[strawberry.ID] = strawberry.field(default=None, description="An account visible to the caller.")
    service_provider_id: Maybe[strawberry.ID] = fields.guarded(
        "A service provider visible to the caller.", permissions=[IsServiceProvider]
    )
    installation: Maybe[bool] = fields.guarded("True: the installation itself.", permissions=[IsAdmin])

    def choice(self) -> OwnerChoice:
        return OwnerChoice(
            account_id=self.account_id.value if self.account_id else None,
            service_provider_id=self.service_provider_id.value if self.service_provider_id else None,
            installation=self.installation.value if self.installation else None,
        )


@strawberry.input(one_of=True, description="The owner of a new key: exactly one of the fields.")
class ApiKeyOwnerInput(OwnerInput):
    pass


_ALLOWED_NETWORKS = (
    "The networks from which it may be used: IPv4 or IPv6 in CIDR notation, such as `192.0.2.0/24`, or single addresses; at "
    f"most {allowed_networks.MAXIMUM}. Null or empty: everywhere."
)


@strawberry.input(description="The API key to create.")
class CreateApiKeyInput:
    name: str = strawberry.field(description="Display name, for example the key's purpose: 1 to 64 characters.")
    owner: ApiKeyOwnerInput | None = strawberry.field(
        default=None, description="Its owner; the caller's own by default."
    )
    access_level: AccessLevel = strawberry.field(
        default=AccessLevel.FULL,
        description="What it may do within the owner's scope. The caller must have all of its permissions, except "
        "ACT_AS_GATEWAY.",
    )
    permissions: list[Permission] | None = strawberry.field(
        default=None, description="The permissions, for the access level CUSTOM only."
    )
    expires_at: datetime | None = strawberry.field(
        default=None,
        description="When it expires. Default: the expiry of the calling key; for users, never.",
    )
    allowed_networks: list[str] | None = strawberry.field(default=None, description=_ALLOWED_NETWORKS)
    idempotency_key: str | None = strawberry.field(
        default=None, description=f"{IDEMPOTENCY_KEY} The token is not returned again."
    )

    def key(self) -> service.NewApiKey:
        owner = self.owner.choice() if self.owner else OwnerChoice()
        permissions = tuple(self.permissions) if self.permissions is not None else None
        networks = tuple(self.allowed_networks) if self.allowed_networks is not None else None
        return service.NewApiKey(self.name, self.access_level, self.expires_at, owner, permissions, networks)


@fields.payload()
class CreateApiKeyPayload(fields.Payload):
    api_key: ApiKey | None = strawberry.field(default=None, description="The new key.")
    token: str | None = strawberry.field(
        default=None, description="Its token, to send as `Authorization: Bearer …`. Returned only here."
    )


@strawberry.input(description="Changes to an API key. Omitted fields keep their values.")
class UpdateApiKeyInput:
    id: strawberry.ID = strawberry.field(description="The key.")
    name: Maybe[str | None] = strawberry.field(default=None, description="A new name: 1 to 64 characters.")
    allowed_networks: Maybe[list[str] | None] = strawberry.field(
        default=None, description=f"{_ALLOWED_NETWORKS} Effective within 5 seconds."
    )
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the current version."
    )


@fields.payload()
class UpdateApiKeyPayload(fields.Payload):
    api_key: ApiKey | None = strawberry.field(default=None, description="The key as it is now.")


@strawberry.input(description="The API key to revoke.")
class RevokeApiKeyInput:
    id: strawberry.ID = strawberry.field(description="The key.")


@fields.payload()
class RevokeApiKeyPayload(fields.Payload):
    api_key: ApiKey | None = strawberry.field(default=None, description="The key as it is now.")


@strawberry.input(description="The API key to adopt.")
class AdoptApiKeyInput:
    id: strawberry.ID = strawberry.field(description="The key.")


@fields.payload()
class AdoptApiKeyPayload(fields.Payload):
    api_key: ApiKey | None = strawberry.field(default=None, description="The key as it is now.")


@strawberry.input(description="The API key to rotate.")
class RotateApiKeyInput:
    id: strawberry.ID = strawberry.field(description="The key.")
    overlap_hours: int = strawberry.field(
        default=24,
        description=f"For how many hours the old token stays valid, 0 to {MAXIMUM_OVERLAP_HOURS}. With 0 it is "
        "rejected immediately, and so it is if the key's creator is not active or lacks some of its permissions.",
    )


@fields.payload()
class RotateApiKeyPayload(fields.Payload):
    api_key: ApiKey | None = strawberry.field(default=None, description="The key as it is now.")
    token: str | None = strawberry.field(
        default=None,
        description="Its new token, to send as `Authorization: Bearer …`. Returned only here.",
    )


_ALREADY_SHOWN = UserError.of(service.ApiKeyRule.TOKEN_ALREADY_SHOWN, "idempotencyKey")


@strawberry.type
class ApiKeyMutations:
    @fields.mutation("Creates an API key and returns its token, once.", permissions=[MayManageApiKeys])
    async def create_api_key(
        self, info: Info, input: Annotated[CreateApiKeyInput, strawberry.argument(description="The new key.")]
    ) -> CreateApiKeyPayload:
        key, text = await service.create(info.context, input.key(), input.idempotency_key)
        errors = [] if text is not None else [_ALREADY_SHOWN]
        return CreateApiKeyPayload(api_key=ApiKey.of(key), token=text, user_errors=errors)

    @fields.mutation(
        "Changes the name of an API key, or the networks from which it may be used.", permissions=[MayManageApiKeys]
    )
    async def update_api_key(
        self, info: Info, input: Annotated[UpdateApiKeyInput, strawberry.argument(description="The changes.")]
    ) -> UpdateApiKeyPayload:
        patch = service.ApiKeyPatch(input.name, input.allowed_networks, input.if_version)
        key = await service.update(info.context, input.id, patch)
        return UpdateApiKeyPayload(api_key=ApiKey.of(key))

    @fields.mutation(
        f"Permanently revokes an API key: it is rejected {WHEN_REFUSED}. Repeating it changes nothing.",
        permissions=[MayManageApiKeys],
    )
    async def revoke_api_key(
        self, info: Info, input: Annotated[RevokeApiKeyInput, strawberry.argument(description="The key.")]
    ) -> RevokeApiKeyPayload:
        return RevokeApiKeyPayload(api_key=ApiKey.of(await service.revoke(info.context, input.id)))

    @fields.mutation(
        "Gives an API key a new token, returned once. The old one stays valid for `overlapHours`; with 0 it is rejected "
        f"{WHEN_REFUSED}. So is any token that an earlier rotation kept valid, and the old one of a key whose creator is not "
        "active or lacks some of its permissions: `previousSecretExpiresAt` is then null.",
        permissions=[MayManageApiKeys],
    )
    async def rotate_api_key(
        self,
        info: Info,
        input: Annotated[RotateApiKeyInput, strawberry.argument(description="The key and the overlap.")],
    ) -> RotateApiKeyPayload:
        key, text = await service.rotate(info.context, input.id, input.overlap_hours)
        return RotateApiKeyPayload(api_key=ApiKey.of(key), token=text)

    @fields.mutation(
        "Makes the caller the creator of an API key, all of whose permissions the caller has. The token stays the same, and no "
        "longer stops when the former creator is deactivated. Rotate the key instead if that person may still know the token.",
        permissions=[IsPerson, MayManageApiKeys],
    )
    async def adopt_api_key(
        self, info: Info, input: Annotated[AdoptApiKeyInput, strawberry.argument(description="The key.")]
    ) -> AdoptApiKeyPayload:
        return AdoptApiKeyPayload(api_key=ApiKey.of(await service.adopt(info.context, input.id)))
