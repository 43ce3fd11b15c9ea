"""What is shown of people. A session's token and a temporary password stand on payloads alone, once.

Long because the contract of one noun stays in one place: its types, inputs, payloads and root fields, nearly all declarations.
"""

from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry
from strawberry import Maybe

from app import graph, names
from app.access import HasFullAccess, IsAdmin, IsPerson, IsServiceProvider, Scope
from app.accounts.model import Account as AccountRow
from app.context import Info
from app.errors import UserError, UserErrorCode
from app.idempotency.once import ONCE
from app.identifiers import Kind, show
from app.paging import DEFAULT_FIRST, NEWEST_FIRST, AfterArgument, Connection, Containing, FirstArgument, page
from app.revocations import WHEN_REFUSED
from app.service_providers.model import ServiceProvider as ServiceProviderRow
from app.users import emails, model, password, policy, service, tries
from app.users.devices import device


@graph.node(Kind.USER, description="A person, who logs in with an e-mail address and a password.")
class User(graph.Node[model.User]):
    email: str = graph.column("The address to log in with; unique in the installation, upper and lower case being one.")
    name: str = graph.column("The person's name.")
    scope: Scope = graph.column("Whose things the person acts on; fixed.")
    active: bool = graph.column(
        "False: the person cannot log in, and every session, and every API key that they made or rotated last, is closed "
        "within 5 seconds, until they are active again. Who rotates such a key makes it theirs."
    )
    must_change_password: bool = graph.column("Whether a new password has to be chosen before anything else.")
    password_set_at: datetime = graph.column("When the password was chosen or reset last.")
    last_login_at: datetime | None = graph.column("When the person logged in last; null: never.")
    account: graph.Node | None = graph.to_one(
        "Account", "account_id", row=AccountRow, description="The person's account, for the scope ACCOUNT."
    )
    service_provider: graph.Node | None = graph.to_one(
        "ServiceProvider",
        "service_provider_id",
        row=ServiceProviderRow,
        description="The person's service provider, for the scope SERVICE_PROVIDER.",
        permissions=[IsServiceProvider],
    )
    created_at: datetime = graph.column("When the user was created.")
    updated_at: datetime = graph.column("When the user was changed last.")
    version: int = graph.column(
        "Grows by one with each change; send it as `ifVersion` to be safe from others' changes."
    )
    viewer_can_update: bool = graph.per_viewer(
        lambda viewer: viewer.may([HasFullAccess]), "Whether the caller may change, deactivate and delete the user."
    )
    viewer_can_reset_password: bool = graph.per_viewer(
        lambda viewer: viewer.may([IsPerson, HasFullAccess]), "Whether the caller may reset passwords of others."
    )


@graph.node(Kind.SESSION, description="A login on one device, until it ends.")
class Session(graph.Node[model.Session]):
    device: str = graph.computed(device, ["user_agent"], "What it was opened with, in a few words: `Firefox on Linux`.")
    user_agent: str = graph.column("The User-Agent header with which it was opened, at most 256 characters.")
    address: str = graph.column("The network address from which it was opened.")
    created_at: datetime = graph.column("When it was opened.")
    last_used_at: datetime = graph.column("The minute in which it was used last. It ends when it is idle for too long.")
    expires_at: datetime = graph.column("When it ends, however much it is used.")

    @graph.resolver("Whether it is the session that asks.", declared=graph.Called(("id",)))
    def current(self, info: Info, row: strawberry.Parent[model.Session]) -> bool:
        return row.id == info.context.viewer.session_id


@strawberry.type(description="What passwords have to be.")
class PasswordPolicy(graph.Backed[model.PasswordPolicy]):
    minimum_length: int = strawberry.field(description="The shortest password, in characters.")
    needs_digit: bool = strawberry.field(description="Whether a digit is needed.")
    needs_symbol: bool = strawberry.field(description="Whether something that is neither letter nor digit is needed.")
    refuses_common: bool = strawberry.field(description="Whether the commonest passwords are refused.")
    version: int = strawberry.field(description="Grows by one with each change; send it as `ifVersion`.")

    @graph.resolver("The longest password, in characters.")
    def maximum_length(self) -> int:
        return password.MAXIMUM_LENGTH

    @graph.resolver("All rules as sentences for a person, to be shown beside the form.")
    def rules(self, row: strawberry.Parent[model.PasswordPolicy]) -> list[str]:
        return policy.sentences(row)


@strawberry.input(description="Which users to list; conditions are joined with and.")
class UserFilter:
    """Absent or null: no condition."""

    scope: Scope | None = strawberry.field(default=None, description="Users of this scope.")
    email_contains: str | None = strawberry.field(
        default=None, description="Text within the e-mail address; upper and lower case count as the same."
    )


_USERS = graph.PageOfAll(
    model.User,
    conditions={
        "scope": graph.Condition("scope"),
        "email_contains": graph.Condition(partial(Containing, "email_key"), emails.searched),
    },
    weights=graph.across_owners(graph.Weights(count=400, conditions={"scope": 500, "emailContains": 1_000})),
)


@strawberry.type(description="The limits of a user's inputs, and of the password policy's.")
class UserLimits:
    """Constants."""

    email_maximum: int = strawberry.field(
        default=emails.MAXIMUM, description="Characters (code points) of an e-mail address, spaces around it left out."
    )
    name_maximum: int = strawberry.field(
        default=names.MAXIMUM, description="Characters (code points) of a name, spaces around it left out."
    )
    password_minimum_length_least: int = strawberry.field(
        default=policy.LEAST_MINIMUM, description="The least `minimumLength` of the password policy, in characters."
    )
    password_minimum_length_greatest: int = strawberry.field(
        default=policy.LARGEST_MINIMUM,
        description="The greatest `minimumLength` of the password policy, in characters.",
    )


@strawberry.type
class UserQueries:
    """Root fields."""

    @graph.resolver(
        "All users, newest first; others see theirs on their owners.", permissions=[IsAdmin], declared=_USERS
    )
    async def users(
        self,
        info: Info,
        first: FirstArgument = DEFAULT_FIRST,
        after: AfterArgument = None,
        filter: Annotated[UserFilter | None, strawberry.argument(description="Which users.")] = None,
    ) -> Connection[User] | None:
        return User.connection(await _USERS.answer(info.context, first, after, filter))

    @graph.resolver("The caller's own sessions that are open, newest first.", permissions=[IsPerson])
    async def sessions(
        self, info: Info, first: FirstArgument = DEFAULT_FIRST, after: AfterArgument = None
    ) -> Connection[Session] | None:
        return Session.connection(await page(service.open_sessions(info.context), NEWEST_FIRST, first, after))

    @graph.resolver("What passwords have to be. Needs no key.")
    async def password_policy(self) -> PasswordPolicy:
        return PasswordPolicy.of(await policy.current())


@strawberry.input(description="Who logs in.")
class LoginInput:
    """Input of login."""

    email: str = strawberry.field(description="The e-mail address.")
    password: str = strawberry.field(description="The password.")


@graph.payload()
class LoginPayload(graph.Payload):
    token: str | None = strawberry.field(
        default=None,
        description="The session's token, to be sent as `Authorization: Bearer …`. Shown here once and never again.",
    )
    user: User | None = strawberry.field(default=None, description="Who has logged in.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="When the session ends, however much it is used."
    )
    must_change_password: bool | None = strawberry.field(
        default=None, description="True: nothing is open before `changePassword`."
    )


@graph.payload(errors="What is wrong; empty when it was done.")
class LogoutPayload(graph.Payload):
    logged_out: bool | None = strawberry.field(default=None, description="True: the session has ended.")


@strawberry.input(description="Which sessions end.")
class LogoutEverywhereInput:
    """Input of logoutEverywhere."""

    keep_current: bool = strawberry.field(default=False, description="True: the session that asks stays open.")


@graph.payload()
class LogoutEverywherePayload(graph.Payload):
    ended: int | None = strawberry.field(default=None, description="How many sessions have ended.")


@strawberry.input(description="A session to be ended.")
class RevokeSessionInput:
    """Input of revokeSession."""

    id: strawberry.ID = strawberry.field(description="The session: one's own, or of a user within reach.")


@graph.payload()
class RevokeSessionPayload(graph.Payload):
    revoked_id: strawberry.ID | None = strawberry.field(default=None, description="The session that has ended.")


@strawberry.input(description="A new password for whoever asks.")
class ChangePasswordInput:
    """Input of changePassword."""

    current_password: str = strawberry.field(description="The present password.")
    new_password: str = strawberry.field(description="The new one; `passwordPolicy` tells what it has to be.")


@graph.payload()
class ChangePasswordPayload(graph.Payload):
    user: User | None = strawberry.field(default=None, description="Whose password it is.")


@strawberry.input(one_of=True, description="Whom a new user belongs to.")
class UserOwnerInput:
    """Exactly one of the fields."""

    account_id: Maybe[strawberry.ID] = strawberry.field(default=None, description="An account within reach.")
    service_provider_id: Maybe[strawberry.ID] = graph.guarded(
        "A service provider within reach.", permissions=[IsServiceProvider]
    )
    installation: Maybe[bool] = graph.guarded("True: the installation itself.", permissions=[IsAdmin])


_TEMPORARY = "A temporary password by the policy; without it one is made and shown once. It must be changed at first."


@strawberry.input(description="A user to be created.")
class CreateUserInput:
    """Input of createUser."""

    email: str = strawberry.field(description="The address to log in with: at most 254 characters, unique.")
    name: str = strawberry.field(description="The person's name: 1 to 64 characters.")
    owner: UserOwnerInput | None = strawberry.field(
        default=None, description="Whom the user belongs to, which is the scope; by default whom the caller belongs to."
    )
    password: str | None = strawberry.field(default=None, description=_TEMPORARY)
    idempotency_key: str | None = strawberry.field(default=None, description=f"{ONCE} No password is shown again.")


@graph.payload()
class CreateUserPayload(graph.Payload):
    user: User | None = strawberry.field(default=None, description="The new user.")
    temporary_password: str | None = strawberry.field(
        default=None, description="The password to log in with at first; shown here once. Null when it was given."
    )


@strawberry.input(description="Changes to a user; what is left out stays as it is.")
class UpdateUserInput:
    """Input of updateUser."""

    id: strawberry.ID = strawberry.field(description="The user.")
    email: Maybe[str | None] = strawberry.field(default=None, description="A new address: at most 254 characters.")
    name: Maybe[str | None] = strawberry.field(default=None, description="A new name: 1 to 64 characters.")
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the version."
    )


@graph.payload()
class UpdateUserPayload(graph.Payload):
    user: User | None = strawberry.field(default=None, description="The user as it is now.")


@strawberry.input(description="A user to be deactivated.")
class DeactivateUserInput:
    """Input of deactivateUser."""

    id: strawberry.ID = strawberry.field(description="The user.")
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the version."
    )


@graph.payload()
class DeactivateUserPayload(graph.Payload):
    user: User | None = strawberry.field(default=None, description="The user as it is now.")


@strawberry.input(description="A user to be reactivated.")
class ReactivateUserInput:
    """Input of reactivateUser."""

    id: strawberry.ID = strawberry.field(description="The user.")
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the version."
    )


@graph.payload()
class ReactivateUserPayload(graph.Payload):
    user: User | None = strawberry.field(default=None, description="The user as it is now.")


@strawberry.input(description="A user to be deleted.")
class DeleteUserInput:
    """Input of deleteUser."""

    id: strawberry.ID = strawberry.field(description="The user.")
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the version."
    )


@graph.payload()
class DeleteUserPayload(graph.Payload):
    deleted_id: strawberry.ID | None = strawberry.field(default=None, description="The user that is gone.")


@strawberry.input(description="A user who gets a new password from somebody else.")
class ResetPasswordInput:
    """Input of resetPassword."""

    id: strawberry.ID = strawberry.field(description="The user.")
    password: str | None = strawberry.field(default=None, description=_TEMPORARY)


@graph.payload()
class ResetPasswordPayload(graph.Payload):
    user: User | None = strawberry.field(default=None, description="The user as it is now.")
    temporary_password: str | None = strawberry.field(
        default=None, description="The password to log in with at first; shown here once. Null when it was given."
    )


@strawberry.input(description="Changes to the password policy; what is left out stays as it is.")
class UpdatePasswordPolicyInput:
    """Input of updatePasswordPolicy."""

    minimum_length: Maybe[int | None] = strawberry.field(
        default=None,
        description=f"The shortest password: {policy.LEAST_MINIMUM} to {policy.LARGEST_MINIMUM} characters.",
    )
    needs_digit: Maybe[bool | None] = strawberry.field(default=None, description="Whether a digit is needed.")
    needs_symbol: Maybe[bool | None] = strawberry.field(
        default=None, description="Whether something that is neither letter nor digit is needed."
    )
    refuses_common: Maybe[bool | None] = strawberry.field(
        default=None, description="Whether the commonest passwords are refused."
    )
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the version."
    )


@graph.payload()
class UpdatePasswordPolicyPayload(graph.Payload):
    password_policy: PasswordPolicy | None = strawberry.field(default=None, description="The policy as it is now.")


_ALREADY_SHOWN = UserError(
    code=UserErrorCode.ALREADY_SHOWN,
    message="The user was made before under this idempotency key; the password was shown then. Reset it for another one.",
    field=["idempotencyKey"],
)


@strawberry.type
class UserMutations:
    """Root fields."""

    @graph.mutation(
        "Opens a session with an e-mail address and a password. Needs no key; an `Authorization` header that does not "
        "authenticate is ignored unless the document has other fields that need one. RATE_LIMITED after "
        f"{tries.MAXIMUM_BY_EMAIL_AND_NETWORK} failures for one e-mail address from one network (an IPv4 address or an IPv6 "
        f"/64), {tries.MAXIMUM_BY_NETWORK} for any addresses from one network, or {tries.MAXIMUM_BY_EMAIL} for one address from "
        "all networks, within 15 minutes; one IPv6 /56 has twice the limits of a network.",
        open_to_anybody=True,
    )
    async def login(
        self, info: Info, input: Annotated[LoginInput, strawberry.argument(description="Who.")]
    ) -> LoginPayload:
        entered = await service.login(info.context, input.email, input.password)
        return LoginPayload(
            token=entered.token,
            user=User.of(entered.user),
            expires_at=entered.session.expires_at,
            must_change_password=entered.user.must_change_password,
        )

    @graph.mutation(f"Ends the caller's session: its token is rejected {WHEN_REFUSED}.", permissions=[IsPerson])
    async def logout(self, info: Info) -> LogoutPayload:
        await service.logout(info.context)
        return LogoutPayload(logged_out=True)

    @graph.mutation(
        f"Ends all sessions of the caller: their tokens are rejected {WHEN_REFUSED}.", permissions=[IsPerson]
    )
    async def logout_everywhere(
        self, info: Info, input: Annotated[LogoutEverywhereInput, strawberry.argument(description="Which.")]
    ) -> LogoutEverywherePayload:
        return LogoutEverywherePayload(
            ended=await service.logout_everywhere(info.context, keep_current=input.keep_current)
        )

    @graph.mutation(f"Ends a session: its token is rejected {WHEN_REFUSED}.")
    async def revoke_session(
        self, info: Info, input: Annotated[RevokeSessionInput, strawberry.argument(description="Which.")]
    ) -> RevokeSessionPayload:
        ended = await service.revoke_session(info.context, input.id)
        return RevokeSessionPayload(revoked_id=strawberry.ID(show(Kind.SESSION, ended)))

    @graph.mutation(
        f"Changes the caller's password and ends their other sessions, whose tokens are rejected {WHEN_REFUSED}. "
        f"RATE_LIMITED after {tries.MAXIMUM_BY_SESSION} wrong current passwords in one session within 15 minutes.",
        permissions=[IsPerson],
    )
    async def change_password(
        self, info: Info, input: Annotated[ChangePasswordInput, strawberry.argument(description="Old and new.")]
    ) -> ChangePasswordPayload:
        user = await service.change_password(info.context, input.current_password, input.new_password)
        return ChangePasswordPayload(user=User.of(user))

    @graph.mutation(
        "Creates a user with the scope of the owner, which is never above the caller's. For people only, since it returns a "
        "password. Answers that an e-mail address is taken are audited, and limited within 15 minutes: "
        f"{tries.MAXIMUM_TAKEN} for one caller, {tries.MAXIMUM_TAKEN_BY_OWNER} for all callers of one account or service "
        "provider. Beyond, every new address gets RATE_LIMITED. Admins are not limited.",
        permissions=[IsPerson],
    )
    async def create_user(
        self, info: Info, input: Annotated[CreateUserInput, strawberry.argument(description="The user to be.")]
    ) -> CreateUserPayload:
        owner = input.owner or UserOwnerInput()
        user, shown, is_new = await service.create(
            info.context,
            email=input.email,
            name=input.name,
            given=input.password,
            account_id=owner.account_id.value if owner.account_id else None,
            service_provider_id=owner.service_provider_id.value if owner.service_provider_id else None,
            installation=owner.installation.value if owner.installation else None,
            idempotency_key=input.idempotency_key,
        )
        errors = [] if is_new or input.password is not None else [_ALREADY_SHOWN]
        return CreateUserPayload(user=User.of(user), temporary_password=shown, user_errors=errors)

    @graph.mutation(
        "Changes the name or the e-mail address of a user. Answers that an address is taken count as in `createUser`."
    )
    async def update_user(
        self, info: Info, input: Annotated[UpdateUserInput, strawberry.argument(description="The changes.")]
    ) -> UpdateUserPayload:
        user = await service.update(info.context, input.id, input.if_version, email=input.email, name=input.name)
        return UpdateUserPayload(user=User.of(user))

    @graph.mutation(f"Deactivates a user and ends their sessions: the tokens are rejected {WHEN_REFUSED}.")
    async def deactivate_user(
        self, info: Info, input: Annotated[DeactivateUserInput, strawberry.argument(description="Whom.")]
    ) -> DeactivateUserPayload:
        user = await service.set_active(info.context, input.id, False, input.if_version)
        return DeactivateUserPayload(user=User.of(user))

    @graph.mutation("Opens the login of a user again; sessions that were ended stay so.")
    async def reactivate_user(
        self, info: Info, input: Annotated[ReactivateUserInput, strawberry.argument(description="Whom.")]
    ) -> ReactivateUserPayload:
        user = await service.set_active(info.context, input.id, True, input.if_version)
        return ReactivateUserPayload(user=User.of(user))

    @graph.mutation(f"Deletes a user and their sessions: the tokens are rejected {WHEN_REFUSED}.")
    async def delete_user(
        self, info: Info, input: Annotated[DeleteUserInput, strawberry.argument(description="Whom.")]
    ) -> DeleteUserPayload:
        deleted = await service.delete(info.context, input.id, input.if_version)
        return DeleteUserPayload(deleted_id=strawberry.ID(show(Kind.USER, deleted)))

    @graph.mutation(
        "Gives another user a temporary password, which they must change first, and ends their sessions: the tokens are "
        f"rejected {WHEN_REFUSED}.",
        permissions=[IsPerson],
    )
    async def reset_password(
        self, info: Info, input: Annotated[ResetPasswordInput, strawberry.argument(description="Whose.")]
    ) -> ResetPasswordPayload:
        user, shown = await service.reset_password(info.context, input.id, input.password)
        return ResetPasswordPayload(user=User.of(user), temporary_password=shown)

    @graph.mutation("Changes what passwords have to be, from now on.", permissions=[IsAdmin])
    async def update_password_policy(
        self, info: Info, input: Annotated[UpdatePasswordPolicyInput, strawberry.argument(description="The changes.")]
    ) -> UpdatePasswordPolicyPayload:
        changed = await service.update_policy(
            info.context,
            input.if_version,
            minimum_length=input.minimum_length,
            needs_digit=input.needs_digit,
            needs_symbol=input.needs_symbol,
            refuses_common=input.refuses_common,
        )
        return UpdatePasswordPolicyPayload(password_policy=PasswordPolicy.of(changed))
