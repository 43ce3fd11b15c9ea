"""GraphQL types, queries and mutations of users. Only payloads contain a temporary password, once."""

from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry
from strawberry import Maybe

from app.accounts.model import Account as AccountRow
from app.api_keys.owner import OwnerChoice
from app.api_keys.schema import ApiKey, OwnerInput
from app.audit.actor_schema import AuditActor, updated_by
from app.foundation import names
from app.foundation.access import IsAdmin, IsPerson, IsServiceProvider, MayManageUsers, Scope
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.foundation.graphql.pagination import DEFAULT_FIRST, AfterArgument, Connection, Containing, FirstArgument
from app.foundation.graphql.registry import Named
from app.foundation.idempotency.run_once import IDEMPOTENCY_KEY
from app.foundation.identifiers import Kind, sid_of
from app.foundation.permissions import ROLES, Permission, Role, in_order, permissions_of_role
from app.foundation.revocations import WHEN_REFUSED
from app.foundation.user_errors import UserError
from app.service_providers.model import ServiceProvider as ServiceProviderRow
from app.users import affected_keys, email_addresses, login_throttle, model, policy, service
from app.users.affected_keys import AffectedKeys
from app.users.grants import lacking


@fields.node(Kind.USER, description="A person, who logs in with an e-mail address and a password.", is_callers_own=True)
class User(fields.Node[model.User]):
    email: str = fields.column("The address to log in with; unique within the installation, ignoring case.")
    name: str = fields.column("The person's name.")
    scope: Scope = fields.column("The objects the person may act on. Never changes.")
    role: Role = fields.column("What the person may do within their scope.")
    permissions: list[Permission] = fields.computed(
        lambda role, own: in_order(permissions_of_role(role, own)),
        ["role", "permissions"],
        "The permissions of the role, or the user's own for CUSTOM. In accounts that the person owns they have all that a "
        "MANAGER has.",
    )
    active: bool = fields.column(
        "False: the person cannot log in and their sessions have ended. API keys that they created, or last rotated or adopted, "
        "are rejected within 5 seconds, until the person is reactivated or another person rotates or adopts the key."
    )
    must_change_password: bool = fields.column("Whether the person must change the password before anything else.")
    password_set_at: datetime = fields.column("When the password was last changed or reset.")
    last_login_at: datetime | None = fields.column("When the person last logged in; null: never.")
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The person's account, for the scope ACCOUNT."
    )
    service_provider: fields.Node | None = fields.to_one(
        "ServiceProvider",
        "service_provider_id",
        row=ServiceProviderRow,
        description="The person's service provider, for the scope SERVICE_PROVIDER.",
        permissions=[IsServiceProvider],
    )
    created_at: datetime = fields.column("When the user was created.")
    updated_at: datetime = fields.column("When the user was last changed.")
    updated_by: AuditActor | None = updated_by()
    version: int = fields.column(
        "Incremented by each change. Send it as `ifVersion` to avoid overwriting concurrent changes."
    )
    viewer_can_update: bool = fields.per_viewer(
        lambda viewer, scope, role, own: (
            viewer.may([MayManageUsers]) and not lacking(viewer, scope, permissions_of_role(role, own))
        ),
        "Whether the caller may change, deactivate and delete the user: whether it has all of the user's permissions.",
        columns=["scope", "role", "permissions"],
    )
    viewer_can_reset_password: bool = fields.per_viewer(
        lambda viewer, scope, role, own: (
            viewer.may([IsPerson, MayManageUsers]) and not lacking(viewer, scope, permissions_of_role(role, own))
        ),
        "Whether the caller may reset the password, unless it is the caller's own: whether the caller is a person who has all of "
        "the user's permissions.",
        columns=["scope", "role", "permissions"],
    )


@strawberry.input(description="Which users to list. Conditions are combined with AND; null means no condition.")
class UserFilter:
    scope: Scope | None = strawberry.field(default=None, description="Users of this scope.")
    email_contains: str | None = strawberry.field(
        default=None, description="Text contained in the e-mail address, ignoring case."
    )


_USERS = fields.PageOfAll(
    model.User,
    conditions={
        "scope": fields.Condition("scope"),
        "email_contains": fields.Condition(partial(Containing, "email_key"), email_addresses.search_key),
    },
    weights=fields.across_owners(fields.Weights(count=400, conditions={"scope": 500, "emailContains": 1_000})),
)


@strawberry.type(description="The limits of the inputs of users and of the password policy.")
class UserLimits:
    email_maximum: int = strawberry.field(
        default=email_addresses.MAXIMUM,
        description="Maximum length of an e-mail address, in characters (Unicode code points), after trimming.",
    )
    name_maximum: int = strawberry.field(
        default=names.MAXIMUM,
        description="Maximum length of a name, in characters (Unicode code points), after trimming.",
    )
    password_minimum_length_least: int = strawberry.field(
        default=policy.LOWEST_MINIMUM_LENGTH,
        description="The smallest `minimumLength` of the password policy, in characters.",
    )
    password_minimum_length_greatest: int = strawberry.field(
        default=policy.HIGHEST_MINIMUM_LENGTH,
        description="The largest `minimumLength` of the password policy, in characters.",
    )


@strawberry.type(description="A role, for forms.")
class RoleDescription:
    role: Role = strawberry.field(description="The role.")
    permissions: list[Permission] = strawberry.field(
        description="What its users may do; empty for CUSTOM, where each user has a list of their own."
    )
    description: str = strawberry.field(description="What it is for, as a sentence.")


@strawberry.type
class UserQueries:
    @fields.resolver("The roles that a user can have, the one with most permissions first.")
    def roles(self) -> list[RoleDescription]:
        return [
            RoleDescription(role=role, permissions=in_order(ROLES.get(role, ())), description=_DESCRIPTIONS[role.name])
            for role in Role
        ]

    @fields.resolver(
        "All users, newest first. Other callers use `users` of their owner.",
        permissions=[IsAdmin],
        declared=_USERS,
    )
    async def users(
        self,
        info: Info,
        first: FirstArgument = DEFAULT_FIRST,
        after: AfterArgument = None,
        filter: Annotated[UserFilter | None, strawberry.argument(description="Which users to list.")] = None,
    ) -> Connection[User] | None:
        return User.connection(await _USERS.answer(info.context, first, after, filter))


@strawberry.input(one_of=True, description="The owner of a new user: exactly one of the fields.")
class UserOwnerInput(OwnerInput):
    pass


_DESCRIPTIONS = {
    value.name: value.description or ""
    for value in Role.__strawberry_definition__.values  # type: ignore[attr-defined]
}
_TEMPORARY = (
    "A temporary password that satisfies the policy; by default one is generated and returned once. The user must change it at "
    "the first login."
)


@strawberry.input(description="The user to create.")
class CreateUserInput:
    email: str = strawberry.field(description="The address to log in with: at most 254 characters, unique.")
    name: str = strawberry.field(description="The person's name: 1 to 64 characters.")
    role: Role = strawberry.field(description="The role; `roles` lists the permissions of each.")
    permissions: list[Permission] | None = strawberry.field(
        default=None, description="The permissions, for the role CUSTOM only. An empty list allows reading settings."
    )
    owner: UserOwnerInput | None = strawberry.field(
        default=None, description="The user's owner, which determines the scope; the caller's own by default."
    )
    password: str | None = strawberry.field(default=None, description=_TEMPORARY)
    idempotency_key: str | None = strawberry.field(
        default=None, description=f"{IDEMPOTENCY_KEY} The password is not returned again."
    )

    def user(self) -> service.NewUser:
        owner = self.owner.choice() if self.owner else OwnerChoice()
        permissions = tuple(self.permissions) if self.permissions is not None else None
        return service.NewUser(self.email, self.name, self.role, permissions, owner, self.password)


@fields.payload()
class CreateUserPayload(fields.Payload):
    user: User | None = strawberry.field(default=None, description="The new user.")
    temporary_password: str | None = strawberry.field(
        default=None,
        description="The generated password for the first login. Returned only here; null if one was given.",
    )


@strawberry.type(description="An API key that stops or loses permissions with the person who created it.")
class AffectedApiKey:
    api_key: ApiKey = strawberry.field(description="The key.")
    stops: bool = strawberry.field(description="True: the key is rejected. False: it loses permissions.")
    missing_permissions: list[Permission] = strawberry.field(description="The permissions that the key loses.")


_FORCED = "also when API keys that this person created, directly or through another key, stop or lose permissions."
_AFFECTED = (
    "API keys that stop or lose permissions, or would without IN_USE: the newest "
    f"{affected_keys.MAXIMUM} of those that the caller sees."
)
_AFFECTED_COUNT = "The number of all such keys; null after other errors."


def _shown(keys: AffectedKeys) -> list[AffectedApiKey]:
    return [
        AffectedApiKey(api_key=ApiKey.of(one.key), stops=one.stops, missing_permissions=list(one.missing))
        for one in keys.keys
    ]


def _in_use(keys: AffectedKeys) -> UserError:
    return UserError.of(service.UserRule.USER_HAS_API_KEYS, "id", count=keys.count)


@strawberry.input(description="Changes to a user. Omitted fields keep their values.")
class UpdateUserInput:
    id: strawberry.ID = strawberry.field(description="The user.")
    email: Maybe[str | None] = strawberry.field(default=None, description="A new address: at most 254 characters.")
    name: Maybe[str | None] = strawberry.field(default=None, description="A new name: 1 to 64 characters.")
    role: Maybe[Role | None] = strawberry.field(default=None, description="A new role, effective within 5 seconds.")
    permissions: Maybe[list[Permission] | None] = strawberry.field(
        default=None, description="New permissions, for a user who has or gets the role CUSTOM."
    )
    force: bool = strawberry.field(default=False, description=f"True: {_FORCED}")
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the current version."
    )


@fields.payload()
class UpdateUserPayload(fields.Payload):
    user: User | None = strawberry.field(default=None, description="The user as it is now.")
    affected_api_keys: list[AffectedApiKey] = strawberry.field(default_factory=list, description=_AFFECTED)
    affected_api_key_count: int | None = strawberry.field(default=None, description=_AFFECTED_COUNT)


@strawberry.input(description="The caller's new name.")
class ChangeNameInput:
    name: str = strawberry.field(description="The new name: 1 to 64 characters.")


@fields.payload()
class ChangeNamePayload(fields.Payload):
    user: User | None = strawberry.field(default=None, description="The caller's user.")


@strawberry.input(description="The user to deactivate.")
class DeactivateUserInput:
    id: strawberry.ID = strawberry.field(description="The user.")
    force: bool = strawberry.field(default=False, description=f"True: {_FORCED}")
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the current version."
    )


@fields.payload()
class DeactivateUserPayload(fields.Payload):
    user: User | None = strawberry.field(default=None, description="The user as it is now.")
    affected_api_keys: list[AffectedApiKey] = strawberry.field(default_factory=list, description=_AFFECTED)
    affected_api_key_count: int | None = strawberry.field(default=None, description=_AFFECTED_COUNT)


@strawberry.input(description="The user to reactivate.")
class ReactivateUserInput:
    id: strawberry.ID = strawberry.field(description="The user.")
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the current version."
    )


@fields.payload()
class ReactivateUserPayload(fields.Payload):
    user: User | None = strawberry.field(default=None, description="The user as it is now.")


@strawberry.input(description="The user to delete.")
class DeleteUserInput:
    id: strawberry.ID = strawberry.field(description="The user.")
    force: bool = strawberry.field(default=False, description=f"True: {_FORCED}")
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the current version."
    )


@fields.payload()
class DeleteUserPayload(fields.Payload):
    deleted_id: strawberry.ID | None = strawberry.field(default=None, description="Id of the deleted user.")
    owned_accounts: list[AccountRow] = strawberry.field(
        graphql_type=list[Named("Account")],  # type: ignore[misc]
        default_factory=list,
        description="The accounts whose ownership has to be transferred first, by name: the first "
        f"{service.MAXIMUM_OWNED_SHOWN}.",
    )
    affected_api_keys: list[AffectedApiKey] = strawberry.field(default_factory=list, description=_AFFECTED)
    affected_api_key_count: int | None = strawberry.field(default=None, description=_AFFECTED_COUNT)


@strawberry.input(description="The user whose password to reset.")
class ResetPasswordInput:
    id: strawberry.ID = strawberry.field(description="The user.")
    password: str | None = strawberry.field(default=None, description=_TEMPORARY)


@fields.payload()
class ResetPasswordPayload(fields.Payload):
    user: User | None = strawberry.field(default=None, description="The user as it is now.")
    temporary_password: str | None = strawberry.field(
        default=None,
        description="The generated password for the next login. Returned only here; null if one was given.",
    )


_ALREADY_SHOWN = UserError.of(service.UserRule.PASSWORD_ALREADY_SHOWN, "idempotencyKey")


@strawberry.type
class UserMutations:
    @fields.mutation(
        "Creates a user with the owner's scope, which cannot exceed the caller's, and with a role whose permissions the caller "
        "has. For people only, because it returns a "
        "password. Replies that an e-mail address is taken are audited and limited: within 15 minutes "
        f"{login_throttle.MAXIMUM_DISCLOSURES} for one caller, {login_throttle.MAXIMUM_DISCLOSURES_BY_OWNER} for all callers "
        "of one account or service provider. After that every new address gets RATE_LIMITED. Admins are not limited.",
        permissions=[IsPerson, MayManageUsers],
    )
    async def create_user(
        self, info: Info, input: Annotated[CreateUserInput, strawberry.argument(description="The new user.")]
    ) -> CreateUserPayload:
        user, temporary, is_new = await service.create(info.context, input.user(), input.idempotency_key)
        errors = [] if is_new or input.password is not None else [_ALREADY_SHOWN]
        return CreateUserPayload(user=User.of(user), temporary_password=temporary, user_errors=errors)

    @fields.mutation(
        "Changes a user, and what they may do. Replies that an address is taken are limited as in `createUser`. Refused with "
        "IN_USE while API keys that the person created would lose permissions, unless `force` is true.",
        permissions=[MayManageUsers],
    )
    async def update_user(
        self, info: Info, input: Annotated[UpdateUserInput, strawberry.argument(description="The changes.")]
    ) -> UpdateUserPayload:
        given = input.permissions.value if input.permissions else None
        permissions = tuple(given) if given is not None else None
        patch = service.UserPatch(input.email, input.name, input.role, permissions, input.if_version)
        user, keys = await service.update(info.context, input.id, patch, force=input.force)
        return UpdateUserPayload(
            user=User.of(user) if user is not None else None,
            affected_api_keys=_shown(keys),
            affected_api_key_count=keys.count,
            user_errors=[] if user is not None else [_in_use(keys)],
        )

    @fields.mutation("Changes the caller's own name.", permissions=[IsPerson])
    async def change_name(
        self, info: Info, input: Annotated[ChangeNameInput, strawberry.argument(description="The new name.")]
    ) -> ChangeNamePayload:
        return ChangeNamePayload(user=User.of(await service.change_name(info.context, input.name)))

    @fields.mutation(
        f"Deactivates a user and ends their sessions: the tokens are rejected {WHEN_REFUSED}. Refused with IN_USE while API keys "
        "that the person created would stop, unless `force` is true.",
        permissions=[MayManageUsers],
    )
    async def deactivate_user(
        self, info: Info, input: Annotated[DeactivateUserInput, strawberry.argument(description="The user.")]
    ) -> DeactivateUserPayload:
        user, keys = await service.deactivate(info.context, input.id, force=input.force, if_version=input.if_version)
        return DeactivateUserPayload(
            user=User.of(user) if user is not None else None,
            affected_api_keys=_shown(keys),
            affected_api_key_count=keys.count,
            user_errors=[] if user is not None else [_in_use(keys)],
        )

    @fields.mutation(
        "Allows a deactivated user to log in again. Ended sessions stay ended.", permissions=[MayManageUsers]
    )
    async def reactivate_user(
        self, info: Info, input: Annotated[ReactivateUserInput, strawberry.argument(description="The user.")]
    ) -> ReactivateUserPayload:
        user = await service.reactivate(info.context, input.id, input.if_version)
        return ReactivateUserPayload(user=User.of(user))

    @fields.mutation(
        f"Deletes a user and their sessions: the tokens are rejected {WHEN_REFUSED}. Refused with IN_USE while the user owns "
        "accounts, and while API keys that the person created would stop, unless `force` is true.",
        permissions=[MayManageUsers],
    )
    async def delete_user(
        self, info: Info, input: Annotated[DeleteUserInput, strawberry.argument(description="The user.")]
    ) -> DeleteUserPayload:
        try:
            deleted, keys = await service.delete(info.context, input.id, force=input.force, if_version=input.if_version)
        except service.UserOwnsAccounts as refused:
            return DeleteUserPayload(owned_accounts=refused.accounts, user_errors=refused.errors)
        return DeleteUserPayload(
            deleted_id=strawberry.ID(sid_of(Kind.USER, deleted)) if deleted is not None else None,
            affected_api_keys=_shown(keys),
            affected_api_key_count=keys.count,
            user_errors=[] if deleted is not None else [_in_use(keys)],
        )

    @fields.mutation(
        "Gives another user a temporary password, which they must change at the next login, and ends their sessions: the tokens "
        f"are rejected {WHEN_REFUSED}.",
        permissions=[IsPerson, MayManageUsers],
    )
    async def reset_password(
        self,
        info: Info,
        input: Annotated[ResetPasswordInput, strawberry.argument(description="The user and the password.")],
    ) -> ResetPasswordPayload:
        user, temporary = await service.reset_password(info.context, input.id, input.password)
        return ResetPasswordPayload(user=User.of(user), temporary_password=temporary)
