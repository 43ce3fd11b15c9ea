"""What is shown of API keys. A key's text stands on the payloads of create and rotate alone."""

import enum
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import Maybe

from app.accounts.model import Account as AccountRow
from app.api_keys import model, service, token
from app.api_keys.owner import OwnerChoice
from app.foundation import names
from app.foundation.access import AccessLevel, HasFullAccess, IsAdmin, IsServiceProvider, Scope
from app.foundation.context import Context, Info
from app.foundation.errors import UserError, UserErrorCode
from app.foundation.graphql import fields
from app.foundation.graphql.pagination import DEFAULT_FIRST, AfterArgument, Connection, FirstArgument
from app.foundation.idempotency.run_once import ONCE
from app.foundation.identifiers import Kind, sid_of
from app.foundation.revocations import WHEN_REFUSED
from app.service_providers.model import ServiceProvider as ServiceProviderRow


@strawberry.enum(description="Whether a key lets anybody in.")
class ApiKeyStatus(enum.Enum):
    ACTIVE = strawberry.enum_value(
        "ACTIVE", description="It lets its holder in, as long as its account and service provider are active."
    )
    EXPIRED = strawberry.enum_value("EXPIRED", description="Its time is over.")
    REVOKED = strawberry.enum_value("REVOKED", description="Somebody closed it, for ever.")


@strawberry.type(description="Who made a key: a person, another key, or a person by a key that they had made.")
class ApiKeyMaker:
    scope: Scope = strawberry.field(
        description="The scope of the person who made this key; where there is none, of the key that did."
    )
    api_key_id: strawberry.ID | None = strawberry.field(
        description="The key that asked; null when a person did. It may be gone, or out of the caller's reach; null too "
        "for callers of a narrower scope than `scope`."
    )
    user_id: strawberry.ID | None = strawberry.field(
        description="The person who asked, or who had made the key that asked; null when nobody had. They may be gone, or "
        "out of the caller's reach; null too for callers of a narrower scope than `scope`."
    )


def _status(now: datetime, revoked_at: datetime | None, expires_at: datetime | None) -> ApiKeyStatus:
    if revoked_at is not None:
        return ApiKeyStatus.REVOKED
    if expires_at is not None and expires_at <= now:
        return ApiKeyStatus.EXPIRED
    return ApiKeyStatus.ACTIVE


def _maker(context: Context, scope: Scope | None, key_id: UUID | None, user_id: UUID | None) -> ApiKeyMaker | None:
    if scope is None or (key_id is None and user_id is None):
        return None
    if not context.viewer.may_know_who(scope):
        return ApiKeyMaker(scope=scope, api_key_id=None, user_id=None)
    return ApiKeyMaker(
        scope=scope,
        api_key_id=strawberry.ID(sid_of(Kind.API_KEY, key_id)) if key_id else None,
        user_id=strawberry.ID(sid_of(Kind.USER, user_id)) if user_id else None,
    )


@fields.node(Kind.API_KEY, description="What a program shows to be let in: `Authorization: Bearer vgk_…`.")
class ApiKey(fields.Node[model.ApiKey]):
    name: str = fields.column("What it is for, in its owner's words.")
    public_id: str = fields.column(
        f"The part of the key's text after `{token.PREFIX}`: tells which key a text is, and lets nobody in."
    )
    scope: Scope = fields.column("Whose things it acts on; fixed.")
    access_level: AccessLevel = fields.column("How much of its scope it may use; fixed.")
    status: ApiKeyStatus = fields.timed(_status, ["revoked_at", "expires_at"], "Whether it lets anybody in.")
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The account that it belongs to, for the scope ACCOUNT."
    )
    service_provider: fields.Node | None = fields.to_one(
        "ServiceProvider",
        "service_provider_id",
        row=ServiceProviderRow,
        description="The service provider that it belongs to, for the scope SERVICE_PROVIDER.",
        permissions=[IsServiceProvider],
    )
    created_by: ApiKeyMaker | None = fields.decrypted(
        _maker,
        ["created_by_scope", "created_by_key_id", "created_by_user_id"],
        "Who made it, or rotated it last; null for one made on the server. A key lets nobody in while the person who made "
        "it, or the key that made it, is deactivated, nor when they are deleted: rotate it first, and it is yours.",
    )
    expires_at: datetime | None = fields.column("When it stops to let anybody in; null: never.")
    revoked_at: datetime | None = fields.column("When somebody closed it; null: not closed.")
    last_used_at: datetime | None = fields.column("The minute in which it was used last; null: never.")
    rotated_at: datetime | None = fields.column("When its secret was replaced last; null: never.")
    previous_secret_expires_at: datetime | None = fields.column(
        "Until when the secret before still lets in; null: none does."
    )
    previous_secret_last_used_at: datetime | None = fields.column(
        "The minute in which the secret before was used last since the rotation: null when nothing needs it any more."
    )
    created_at: datetime = fields.column("When it was created.")
    updated_at: datetime = fields.column("When its name or secret was changed last.")
    version: int = fields.column(
        "Incremented by each change. Send it as `ifVersion` to avoid overwriting concurrent changes."
    )
    viewer_can_update: bool = fields.per_viewer(
        lambda viewer: viewer.may([HasFullAccess]), "Whether the caller may rename, rotate and revoke the key."
    )


_KEYS_OF_INSTALLATION = fields.PageOfAll(model.ApiKey, always={"scope": Scope.ADMIN})


@strawberry.type(description="The limits of an API key's inputs.")
class ApiKeyLimits:
    name_maximum: int = strawberry.field(
        default=names.MAXIMUM,
        description="Maximum length of a name, in characters (Unicode code points), after trimming.",
    )
    overlap_hours_maximum: int = strawberry.field(
        default=service.MAXIMUM_OVERLAP_HOURS, description="The greatest `overlapHours` of a rotation; the least is 0."
    )
    expires_at_maximum: datetime | None = fields.per_viewer(
        lambda viewer: viewer.expires_at,
        "The latest `expiresAt` that the caller may give, since no key outlives its maker; null: any time to come.",
    )


@strawberry.type
class ApiKeyQueries:
    @fields.resolver(
        "The keys of the installation itself (scope ADMIN), newest first; others are on their owners.",
        permissions=[IsAdmin],
        declared=_KEYS_OF_INSTALLATION,
    )
    async def api_keys(
        self, info: Info, first: FirstArgument = DEFAULT_FIRST, after: AfterArgument = None
    ) -> Connection[ApiKey] | None:
        return ApiKey.connection(await _KEYS_OF_INSTALLATION.answer(info.context, first, after))


@strawberry.input
class OwnerInput:
    """Whom something new belongs to: exactly one of the fields."""

    account_id: Maybe[strawberry.ID] = strawberry.field(default=None, description="An account within reach.")
    service_provider_id: Maybe[strawberry.ID] = fields.guarded(
        "A service provider within reach.", permissions=[IsServiceProvider]
    )
    installation: Maybe[bool] = fields.guarded("True: the installation itself.", permissions=[IsAdmin])

    def choice(self) -> OwnerChoice:
        return OwnerChoice(
            account_id=self.account_id.value if self.account_id else None,
            service_provider_id=self.service_provider_id.value if self.service_provider_id else None,
            installation=self.installation.value if self.installation else None,
        )


@strawberry.input(one_of=True, description="Whom a new key belongs to.")
class ApiKeyOwnerInput(OwnerInput):
    """Exactly one of the fields."""


@strawberry.input(description="An API key to be created.")
class CreateApiKeyInput:
    name: str = strawberry.field(description="What it is for: 1 to 64 characters.")
    owner: ApiKeyOwnerInput | None = strawberry.field(
        default=None, description="Whom it belongs to; by default whom the caller belongs to."
    )
    access_level: AccessLevel = strawberry.field(
        default=AccessLevel.FULL, description="How much of the owner's scope it may use."
    )
    expires_at: datetime | None = strawberry.field(
        default=None,
        description="When it stops to let anybody in. By default as late as its maker's, or never.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=f"{ONCE} The text is not shown again.")

    def key(self) -> service.NewApiKey:
        owner = self.owner.choice() if self.owner else OwnerChoice()
        return service.NewApiKey(self.name, self.access_level, self.expires_at, owner)


@fields.payload()
class CreateApiKeyPayload(fields.Payload):
    api_key: ApiKey | None = strawberry.field(default=None, description="The new key.")
    token: str | None = strawberry.field(
        default=None, description="Its text, to be sent as `Authorization: Bearer …`. Returned only here."
    )


@strawberry.input(description="Changes to an API key. Omitted fields keep their values.")
class UpdateApiKeyInput:
    id: strawberry.ID = strawberry.field(description="The key.")
    name: Maybe[str | None] = strawberry.field(default=None, description="A new name: 1 to 64 characters.")
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the current version."
    )


@fields.payload()
class UpdateApiKeyPayload(fields.Payload):
    api_key: ApiKey | None = strawberry.field(default=None, description="The key as it is now.")


@strawberry.input(description="An API key to be closed.")
class RevokeApiKeyInput:
    id: strawberry.ID = strawberry.field(description="The key.")


@fields.payload()
class RevokeApiKeyPayload(fields.Payload):
    api_key: ApiKey | None = strawberry.field(default=None, description="The key as it is now.")


@strawberry.input(description="An API key that gets a new secret.")
class RotateApiKeyInput:
    id: strawberry.ID = strawberry.field(description="The key.")
    overlap_hours: int = strawberry.field(
        default=24,
        description=f"For how many hours the old secret stays valid, 0 to {service.MAXIMUM_OVERLAP_HOURS}; 0 closes it.",
    )


@fields.payload()
class RotateApiKeyPayload(fields.Payload):
    api_key: ApiKey | None = strawberry.field(default=None, description="The key as it is now.")
    token: str | None = strawberry.field(
        default=None,
        description="Its new text, to be sent as `Authorization: Bearer …`. Returned only here.",
    )


_ALREADY_SHOWN = UserError(
    code=UserErrorCode.ALREADY_SHOWN,
    message="The key was made before under this idempotency key; its text was shown then, and is not to be had again.",
    field=["idempotencyKey"],
)


@strawberry.type
class ApiKeyMutations:
    @fields.mutation("Creates an API key and shows its text, once.")
    async def create_api_key(
        self, info: Info, input: Annotated[CreateApiKeyInput, strawberry.argument(description="The key to be.")]
    ) -> CreateApiKeyPayload:
        key, text = await service.create(info.context, input.key(), input.idempotency_key)
        errors = [] if text is not None else [_ALREADY_SHOWN]
        return CreateApiKeyPayload(api_key=ApiKey.of(key), token=text, user_errors=errors)

    @fields.mutation("Renames an API key.")
    async def update_api_key(
        self, info: Info, input: Annotated[UpdateApiKeyInput, strawberry.argument(description="The changes.")]
    ) -> UpdateApiKeyPayload:
        patch = service.ApiKeyPatch(input.name, input.if_version)
        key = await service.update(info.context, input.id, patch)
        return UpdateApiKeyPayload(api_key=ApiKey.of(key))

    @fields.mutation(f"Permanently revokes an API key: it is rejected {WHEN_REFUSED}. Repeating it changes nothing.")
    async def revoke_api_key(
        self, info: Info, input: Annotated[RevokeApiKeyInput, strawberry.argument(description="Which key.")]
    ) -> RevokeApiKeyPayload:
        return RevokeApiKeyPayload(api_key=ApiKey.of(await service.revoke(info.context, input.id)))

    @fields.mutation(
        "Gives an API key a new token, which is shown once. The old token stays valid for `overlapHours`. With 0 it is rejected "
        f"{WHEN_REFUSED}, as is always a token that an earlier rotation kept valid."
    )
    async def rotate_api_key(
        self, info: Info, input: Annotated[RotateApiKeyInput, strawberry.argument(description="Which key, and how.")]
    ) -> RotateApiKeyPayload:
        key, text = await service.rotate(info.context, input.id, input.overlap_hours)
        return RotateApiKeyPayload(api_key=ApiKey.of(key), token=text)
