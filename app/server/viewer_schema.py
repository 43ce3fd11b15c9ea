"""The caller in the schema: `viewer { scope … }`."""

import strawberry

from app.accounts.model import Account
from app.accounts.schema import Account as AccountType
from app.api_keys.model import ApiKey
from app.foundation.access import (
    IsAdmin,
    IsPerson,
    IsServiceProvider,
    MayCreateAccounts,
    MayManageApiKeys,
    MayManageUsers,
    OpenTo,
    Scope,
    Viewer,
)
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.foundation.graphql.page_loading import page
from app.foundation.graphql.pagination import DEFAULT_FIRST, NEWEST_FIRST, AfterArgument, Connection, FirstArgument
from app.foundation.graphql.registry import registry
from app.foundation.permissions import Permission, Role, in_order
from app.service_providers.model import ServiceProvider
from app.users.model import Session, User


@strawberry.type(name="Viewer", description="The authenticated caller: an API key or a user's session, and its owner.")
class ViewerType(fields.Backed[Viewer]):
    scope: Scope = strawberry.field(description="The scope of the caller: which objects it may act on.")
    role: Role | None = strawberry.field(description="The user's role; null for an API key.")
    permissions: list[Permission] = fields.per_viewer(
        lambda viewer: in_order(viewer.permissions),
        "What the caller may do within its scope now. A key never has more permissions than the person who created it.",
    )
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
        "ApiKey", "key_id", row=ApiKey, description="The API key that authenticated the request; null for a user."
    )
    user: fields.Node | None = fields.to_one(
        "User", "user_id", row=User, description="The user that authenticated the request; null for an API key."
    )
    session: fields.Node | None = fields.to_one(
        "Session",
        "session_id",
        row=Session,
        description="The session that authenticated the request; null for an API key.",
    )

    @fields.resolver(
        "The accounts that the caller owns, newest first; none for an API key. In them the caller has all permissions."
    )
    async def owned_accounts(
        self,
        info: Info,
        row: strawberry.Parent[Viewer],
        first: FirstArgument = DEFAULT_FIRST,
        after: AfterArgument = None,
    ) -> Connection[AccountType]:
        # A list: `owner_id=None` would match accounts without an owner.
        owned = row.visible(Account).filter(owner_id__in=[row.user_id] if row.user_id is not None else [])
        return AccountType.connection(await page(owned, NEWEST_FIRST, first, after))

    must_change_password: bool = strawberry.field(
        description="Whether the caller has to call `changePassword` before anything else. False for an API key."
    )
    can_create_account: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsServiceProvider, MayCreateAccounts]), "Whether the caller may create accounts."
    )
    can_create_service_provider: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsAdmin, MayCreateAccounts]), "Whether the caller may create service providers."
    )
    can_create_api_key: bool = fields.per_viewer(
        lambda viewer: viewer.may([MayManageApiKeys]), "Whether the caller may create API keys."
    )
    can_update_password_policy: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsAdmin, MayManageUsers]), "Whether the caller may change the password policy."
    )
    can_create_user: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsPerson, MayManageUsers]), "Whether the caller may create users."
    )


# The payload of `login` names it: a domain does not import this rank.
registry.types["Viewer"] = ViewerType


@strawberry.type
class ViewerQueries:
    @fields.resolver(
        "The authenticated caller.", declared=fields.CurrentCaller(), open_to=OpenTo.PASSWORD_CHANGE | OpenTo.GATEWAYS
    )
    def viewer(self, info: Info) -> ViewerType:
        return ViewerType.of(info.context.viewer)
