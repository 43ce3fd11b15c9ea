"""What is shown of service providers."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from app import graph
from app.access import HasFullAccess, IsAdmin, IsServiceProvider
from app.api_keys.model import ApiKey as ApiKeyRow
from app.api_keys.schema import ApiKey
from app.context import Info
from app.errors import UserError
from app.identifiers import Kind
from app.paging import DEFAULT_FIRST, NEWEST_FIRST, AfterArgument, Connection, FirstArgument, Order
from app.service_providers import model, service
from app.users.model import User as UserRow
from app.users.schema import User

BY_NAME = Order("name", "name_key")


@graph.node(
    Kind.SERVICE_PROVIDER,
    row=model.ServiceProvider,
    description="Who runs accounts for customers. Callers of the account scope do not see it.",
)
class ServiceProvider(graph.Node):
    """Stands over rows of model.ServiceProvider."""

    name: str = graph.column("Its name, unique within the installation.")
    active: bool = graph.column("False closes every key and session under it, its accounts' too, within 5 seconds.")
    created_at: datetime = graph.column("When it was created.")
    updated_at: datetime = graph.column("When it was changed last.")
    version: int = graph.column(
        "Grows by one with each change; send it as `ifVersion` to be safe from others' changes."
    )
    api_keys: Connection[ApiKey] | None = graph.page(
        "service_provider_id",
        row=ApiKeyRow,
        order=NEWEST_FIRST,
        description="The provider's own keys, newest first; those of its accounts are on the accounts.",
        permissions=[IsServiceProvider],
    )
    users: Connection[User] | None = graph.page(
        "service_provider_id",
        row=UserRow,
        order=NEWEST_FIRST,
        description="The provider's own users, newest first; those of its accounts are on the accounts.",
        permissions=[IsServiceProvider],
    )
    user_count: int | None = graph.count(
        "service_provider_id",
        row=UserRow,
        description="How many users of its own the provider has, deactivated ones too.",
        permissions=[IsServiceProvider],
    )
    viewer_can_create_account: bool = graph.per_viewer(
        lambda viewer: viewer.may([IsServiceProvider, HasFullAccess]),
        "Whether the caller may create accounts of this provider.",
    )


_PROVIDER = graph.OneById(model.ServiceProvider, Kind.SERVICE_PROVIDER)
_PROVIDERS = graph.PageOfAll(model.ServiceProvider, order=lambda _given: BY_NAME, order_columns=("name_key",))


@strawberry.type
class ServiceProviderQueries:
    """Root fields."""

    @graph.resolver(
        "One service provider by its id; null when there is none within reach.",
        permissions=[IsServiceProvider],
        declared=_PROVIDER,
    )
    async def service_provider(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="`SP` and 32 hex digits.")]
    ) -> ServiceProvider | None:
        return graph.shown(await _PROVIDER.answer(info.context, id))

    @graph.resolver(
        "The service providers within reach, by name.", permissions=[IsServiceProvider], declared=_PROVIDERS
    )
    async def service_providers(
        self, info: Info, first: FirstArgument = DEFAULT_FIRST, after: AfterArgument = None
    ) -> Connection[ServiceProvider] | None:
        return graph.shown(await _PROVIDERS.answer(info.context, first, after))


@strawberry.input(description="A service provider to be created.")
class CreateServiceProviderInput:
    """Input of createServiceProvider."""

    name: str = strawberry.field(description="1 to 64 characters, unique within the installation.")


@strawberry.type(description="What createServiceProvider answers.")
class CreateServiceProviderPayload:
    """Payload of createServiceProvider."""

    service_provider: ServiceProvider | None = strawberry.field(default=None, description="The new service provider.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="What is wrong with the input; empty when it was done."
    )


@strawberry.type
class ServiceProviderMutations:
    """Root fields."""

    @graph.mutation("Creates a service provider.", permissions=[IsAdmin])
    async def create_service_provider(
        self,
        info: Info,
        input: Annotated[CreateServiceProviderInput, strawberry.argument(description="The service provider to be.")],
    ) -> CreateServiceProviderPayload:
        provider: Any = await service.create(info.context, input.name)
        return CreateServiceProviderPayload(service_provider=provider)
