"""The caller, as the graph shows it: `viewer { scope … }`."""

import strawberry

from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.foundation.access import (
    AccessLevel,
    HasFullAccess,
    IsAdmin,
    IsPerson,
    IsServiceProvider,
    OpenTo,
    Scope,
    Viewer,
)
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.service_providers.model import ServiceProvider
from app.users.model import Session, User


@strawberry.type(name="Viewer", description="Who asks: the key or the person, and whom they belong to.")
class ViewerType(fields.Backed[Viewer]):
    scope: Scope = strawberry.field(description="Whose things the caller acts on.")
    access_level: AccessLevel = strawberry.field(description="How much of its scope the caller may use.")
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=Account, description="The caller's account; null for the other scopes."
    )
    service_provider: fields.Node | None = fields.to_one(
        "ServiceProvider",
        "service_provider_id",
        row=ServiceProvider,
        description="The caller's service provider; null for the other scopes.",
    )
    api_key: fields.Node | None = fields.to_one(
        "ApiKey", "key_id", row=ApiKey, description="The key that asks; null for a person."
    )
    user: fields.Node | None = fields.to_one(
        "User", "user_id", row=User, description="The person who asks; null for a key."
    )
    session: fields.Node | None = fields.to_one(
        "Session", "session_id", row=Session, description="The session that asks; null for a key."
    )
    must_change_password: bool = strawberry.field(
        description="True: nothing is open before `changePassword`. False for a key."
    )
    viewer_can_create_account: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsServiceProvider, HasFullAccess]), "Whether the caller may create accounts."
    )
    viewer_can_create_service_provider: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsAdmin, HasFullAccess]), "Whether the caller may create service providers."
    )
    viewer_can_create_api_key: bool = fields.per_viewer(
        lambda viewer: viewer.may([HasFullAccess]), "Whether the caller may create API keys."
    )
    viewer_can_update_password_policy: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsAdmin, HasFullAccess]), "Whether the caller may change what passwords have to be."
    )
    viewer_can_create_user: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsPerson, HasFullAccess]), "Whether the caller may create users."
    )


@strawberry.type
class ViewerQueries:
    """Root fields."""

    @fields.resolver("Who asks.", declared=fields.CurrentCaller(), open_to=OpenTo.PASSWORD_CHANGE | OpenTo.GATEWAYS)
    def viewer(self, info: Info) -> ViewerType:
        return ViewerType.of(info.context.viewer)
