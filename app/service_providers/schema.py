"""GraphQL types, queries and mutations of service providers."""

import enum
from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import Maybe

from app.accounts.model import Account as AccountRow
from app.api_keys.model import ApiKey as ApiKeyRow
from app.api_keys.schema import ApiKey
from app.audit.actor_schema import AuditActor, updated_by
from app.foundation import names
from app.foundation.access import IsAdmin, IsServiceProvider, MayCreateAccounts, MayDeleteAccounts, MayEditSettings
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.foundation.graphql.pagination import (
    DEFAULT_FIRST,
    NEWEST_FIRST,
    AfterArgument,
    Connection,
    FirstArgument,
    Order,
)
from app.foundation.idempotency.run_once import IDEMPOTENCY_KEY
from app.foundation.identifiers import Kind, sid_of
from app.foundation.user_errors import UserError
from app.service_providers import model, service
from app.users.model import User as UserRow
from app.users.schema import User

BY_NAME = Order("name", "name_key")
_IF_VERSION = "Fails with CONFLICT unless this is the current version."


@fields.node(
    Kind.SERVICE_PROVIDER,
    description="An organization that runs accounts for its customers. Not visible to callers of the scope ACCOUNT.",
)
class ServiceProvider(fields.Node[model.ServiceProvider]):
    name: str = fields.column("Its name, unique within the installation.")
    active: bool = fields.column(
        "False: the provider is suspended, and all its keys and sessions and those of its accounts are rejected within "
        "5 seconds."
    )
    created_at: datetime = fields.column("When it was created.")
    updated_at: datetime = fields.column("When it was last changed.")
    updated_by: AuditActor | None = updated_by()
    version: int = fields.column(
        "Incremented by each change. Send it as `ifVersion` to avoid overwriting concurrent changes."
    )
    api_keys: Connection[ApiKey] | None = fields.page(
        "service_provider_id",
        row=ApiKeyRow,
        order=NEWEST_FIRST,
        description="The provider's own API keys, newest first. For keys of its accounts, see `Account.apiKeys`.",
        permissions=[IsServiceProvider],
    )
    accounts: Connection[fields.Node] = fields.page(
        "service_provider_id",
        row=AccountRow,
        order=BY_NAME,
        target="Account",
        description="The accounts that it runs, by name. The root field `accounts` has filters and orders.",
        weights=fields.across_owners(fields.Weights(count=300)),
    )
    account_count: int = fields.count(
        "service_provider_id",
        row=AccountRow,
        description="The number of its accounts, including suspended ones.",
        weight=100,
    )
    api_key_count: int = fields.count(
        "service_provider_id",
        row=ApiKeyRow,
        description="The number of its own API keys, including revoked and expired ones.",
    )
    viewer_can_update: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsServiceProvider, MayEditSettings]), "Whether the caller may rename the provider."
    )
    viewer_can_set_active: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsAdmin, MayEditSettings]), "Whether the caller may suspend and resume the provider."
    )
    viewer_can_delete: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsAdmin, MayDeleteAccounts]), "Whether the caller may delete the provider."
    )
    users: Connection[User] | None = fields.page(
        "service_provider_id",
        row=UserRow,
        order=NEWEST_FIRST,
        description="The provider's own users, newest first. For users of its accounts, see `Account.users`.",
        permissions=[IsServiceProvider],
    )
    user_count: int | None = fields.count(
        "service_provider_id",
        row=UserRow,
        description="The number of its own users, including deactivated ones.",
        permissions=[IsServiceProvider],
    )
    viewer_can_create_account: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsServiceProvider, MayCreateAccounts]),
        "Whether the caller may create accounts of this provider.",
    )


_PROVIDER = fields.OneById(model.ServiceProvider, Kind.SERVICE_PROVIDER)
_PROVIDERS = fields.PageOfAll(model.ServiceProvider, order=lambda _given: BY_NAME, order_columns=("name_key",))


@strawberry.type(description="The limits of a service provider's inputs.")
class ServiceProviderLimits:
    name_maximum: int = strawberry.field(
        default=names.MAXIMUM,
        description="Maximum length of a name, in characters (Unicode code points), after trimming.",
    )


@strawberry.type
class ServiceProviderQueries:
    @fields.resolver(
        "One service provider by its id; null if none is visible to the caller.",
        permissions=[IsServiceProvider],
        declared=_PROVIDER,
    )
    async def service_provider(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="`SP` and 32 hex digits.")]
    ) -> ServiceProvider | None:
        return ServiceProvider.of(await _PROVIDER.answer(info.context, id))

    @fields.resolver(
        "Service providers visible to the caller, by name.", permissions=[IsServiceProvider], declared=_PROVIDERS
    )
    async def service_providers(
        self, info: Info, first: FirstArgument = DEFAULT_FIRST, after: AfterArgument = None
    ) -> Connection[ServiceProvider] | None:
        return ServiceProvider.connection(await _PROVIDERS.answer(info.context, first, after))


@strawberry.input(description="The service provider to create.")
class CreateServiceProviderInput:
    name: str = strawberry.field(description=f"1 to {names.MAXIMUM} characters, unique within the installation.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@fields.payload()
class CreateServiceProviderPayload(fields.Payload):
    service_provider: ServiceProvider | None = strawberry.field(default=None, description="The new service provider.")


@strawberry.input(description="Changes to a service provider. Omitted fields keep their values.")
class UpdateServiceProviderInput:
    id: strawberry.ID = strawberry.field(description="The service provider.")
    name: Maybe[str | None] = strawberry.field(
        default=None, description=f"A new name: 1 to {names.MAXIMUM} characters."
    )
    if_version: int | None = strawberry.field(default=None, description=_IF_VERSION)


@fields.payload()
class UpdateServiceProviderPayload(fields.Payload):
    service_provider: ServiceProvider | None = strawberry.field(
        default=None, description="The service provider as it is now."
    )


@strawberry.input(description="The service provider to suspend or resume.")
class SetServiceProviderActiveInput:
    id: strawberry.ID = strawberry.field(description="The service provider.")
    active: bool = strawberry.field(
        description="False: all its keys and sessions and those of its accounts are rejected within 5 seconds."
    )
    if_version: int | None = strawberry.field(default=None, description=_IF_VERSION)


@fields.payload()
class SetServiceProviderActivePayload(fields.Payload):
    service_provider: ServiceProvider | None = strawberry.field(
        default=None, description="The service provider as it is now."
    )


@strawberry.enum(description="What can block the deletion of a service provider.")
class ServiceProviderDeletionBlockerKind(enum.Enum):
    ACCOUNTS = strawberry.enum_value(
        "ACCOUNTS",
        description="Accounts, including suspended ones. `force` does not delete them: move or delete them first.",
    )
    API_KEYS = strawberry.enum_value(
        "API_KEYS", description="The provider's own API keys, including revoked and expired ones. `force` deletes them."
    )
    USERS = strawberry.enum_value(
        "USERS", description="The provider's own users, including deactivated ones. `force` deletes them."
    )


@strawberry.type(description="A kind of object that blocks the deletion of a service provider.")
class ServiceProviderDeletionBlocker:
    kind: ServiceProviderDeletionBlockerKind = strawberry.field(description="The kind of object.")
    count: int = strawberry.field(description="The number of objects.")


@strawberry.input(description="The service provider to delete.")
class DeleteServiceProviderInput:
    id: strawberry.ID = strawberry.field(description="The service provider.")
    dry_run: bool = strawberry.field(
        default=False, description="True: return what blocks the deletion, and delete nothing."
    )
    force: bool = strawberry.field(
        default=False, description="True: also delete its keys and users. Accounts always block the deletion."
    )
    if_version: int | None = strawberry.field(default=None, description=_IF_VERSION)


@fields.payload(errors="Why nothing was deleted; empty after a deletion or a dry run.")
class DeleteServiceProviderPayload(fields.Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="Id of the deleted object; null if nothing was deleted, as after a dry run."
    )
    blockers: list[ServiceProviderDeletionBlocker] = strawberry.field(
        default_factory=list, description="What blocks the deletion, or blocked it before `force`."
    )


def _blockers(found: service.Blockers) -> list[ServiceProviderDeletionBlocker]:
    kinds = ServiceProviderDeletionBlockerKind
    counts = {kinds.ACCOUNTS: found.accounts, kinds.API_KEYS: found.api_keys, kinds.USERS: found.users}
    return [ServiceProviderDeletionBlocker(kind=kind, count=count) for kind, count in counts.items() if count]


def _in_use(found: service.Blockers) -> UserError:
    if found.accounts:
        return UserError.of(service.ServiceProviderRule.SERVICE_PROVIDER_HAS_ACCOUNTS, "id", accounts=found.accounts)
    counts = {"API key(s)": found.api_keys, "user(s)": found.users}
    summary = " and ".join(f"{count} {noun}" for noun, count in counts.items() if count)
    return UserError.of(service.ServiceProviderRule.SERVICE_PROVIDER_IN_USE, "id", contents=summary)


@strawberry.type
class ServiceProviderMutations:
    @fields.mutation("Creates a service provider.", permissions=[IsAdmin, MayCreateAccounts])
    async def create_service_provider(
        self,
        info: Info,
        input: Annotated[CreateServiceProviderInput, strawberry.argument(description="The new service provider.")],
    ) -> CreateServiceProviderPayload:
        provider = await service.create(info.context, input.name, input.idempotency_key)
        return CreateServiceProviderPayload(service_provider=ServiceProvider.of(provider))

    @fields.mutation(
        "Changes the given fields of a service provider. For service providers, replies that a name is taken are audited and "
        "rate-limited, together with those of `createUser`.",
        permissions=[IsServiceProvider, MayEditSettings],
    )
    async def update_service_provider(
        self,
        info: Info,
        input: Annotated[UpdateServiceProviderInput, strawberry.argument(description="The changes.")],
    ) -> UpdateServiceProviderPayload:
        patch = service.ServiceProviderPatch(input.name, input.if_version)
        provider = await service.update(info.context, input.id, patch)
        return UpdateServiceProviderPayload(service_provider=ServiceProvider.of(provider))

    @fields.mutation(
        "Suspends or resumes a service provider with all its accounts.", permissions=[IsAdmin, MayEditSettings]
    )
    async def set_service_provider_active(
        self,
        info: Info,
        input: Annotated[
            SetServiceProviderActiveInput, strawberry.argument(description="The provider and its new state.")
        ],
    ) -> SetServiceProviderActivePayload:
        provider = await service.set_active(info.context, input.id, input.active, input.if_version)
        return SetServiceProviderActivePayload(service_provider=ServiceProvider.of(provider))

    @fields.mutation(
        "Deletes a service provider. Refused with IN_USE and the list of blockers while it has accounts, and while it has keys "
        "or users unless `force` is true.",
        permissions=[IsAdmin, MayDeleteAccounts],
    )
    async def delete_service_provider(
        self,
        info: Info,
        input: Annotated[DeleteServiceProviderInput, strawberry.argument(description="The provider and the options.")],
    ) -> DeleteServiceProviderPayload:
        deleted, found = await service.delete(
            info.context, input.id, dry_run=input.dry_run, force=input.force, if_version=input.if_version
        )
        if deleted is None and not input.dry_run:
            return DeleteServiceProviderPayload(blockers=_blockers(found), user_errors=[_in_use(found)])
        return DeleteServiceProviderPayload(
            deleted_id=strawberry.ID(sid_of(Kind.SERVICE_PROVIDER, deleted)) if deleted else None,
            blockers=_blockers(found),
        )
