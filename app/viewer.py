"""The caller, as the graph shows it: `viewer { scope … }`."""

from typing import Any

import strawberry

from app import graph
from app.access import AccessLevel, HasFullAccess, IsServiceProvider, Scope
from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.context import Info
from app.service_providers.model import ServiceProvider


@strawberry.type(name="Viewer", description="Who asks: the key that came with the request, and whom it belongs to.")
class ViewerType:
    """Stands over access.Viewer."""

    scope: Scope = strawberry.field(description="Whose things the caller acts on.")
    access_level: AccessLevel = strawberry.field(description="How much of its scope the caller may use.")
    account: Any = graph.to_one(
        "Account", "account_id", row=Account, description="The caller's account; null for the other scopes."
    )
    service_provider: Any = graph.to_one(
        "ServiceProvider",
        "service_provider_id",
        row=ServiceProvider,
        description="The caller's service provider; null for the other scopes.",
    )
    api_key: Any = graph.to_one("ApiKey", "key_id", row=ApiKey, description="The key that came with the request.")
    viewer_can_create_account: bool = graph.per_viewer(
        lambda viewer: viewer.may([IsServiceProvider, HasFullAccess]), "Whether the caller may create accounts."
    )


@strawberry.type
class ViewerQueries:
    """Root fields."""

    @graph.resolver("Who asks.", declared=graph.Itself())
    def viewer(self, info: Info) -> ViewerType:
        return graph.shown(info.context.viewer)
