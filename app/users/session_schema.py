"""GraphQL types, queries and mutations of sessions. Only the payload of login contains a session's token."""

from datetime import datetime, timedelta
from typing import Annotated

import strawberry
from strawberry.types.base import StrawberryOptional

from app.foundation.access import IsPerson, MayManageUsers, OpenTo, Viewer
from app.foundation.context import Context, Info
from app.foundation.graphql import fields
from app.foundation.graphql.page_loading import page
from app.foundation.graphql.pagination import DEFAULT_FIRST, NEWEST_FIRST, AfterArgument, Connection, FirstArgument
from app.foundation.graphql.registry import Named
from app.foundation.identifiers import Kind, sid_of
from app.foundation.revocations import WHEN_REFUSED
from app.users import login_throttle, model, service, sessions
from app.users.schema import User
from app.users.user_agents import device


def _idle_ends_at(context: Context, last_used_at: datetime) -> datetime:
    return last_used_at + timedelta(minutes=context.resources.settings.session_idle_minutes)


@fields.node(
    Kind.SESSION,
    description="A person's login on one device. Callers without the permission MANAGE_USERS see only their own sessions.",
    is_callers_own=True,
    of_others=[MayManageUsers],
)
class Session(fields.Node[model.Session]):
    device: str = fields.computed(
        device, ["user_agent"], "The browser and system of the login, such as `Firefox on Linux`."
    )
    user_agent: str = fields.column("The User-Agent header of the login, at most 256 characters.")
    address: str = fields.column("The IP address of the login.")
    created_at: datetime = fields.column("When it was opened.")
    last_used_at: datetime = fields.column("When it was last used, to the minute. An idle session ends early.")
    expires_at: datetime = fields.column("The latest time at which it ends.")
    idle_ends_at: datetime = fields.decrypted(
        _idle_ends_at, ["last_used_at"], "When it ends if it is not used until then; `expiresAt` may be earlier."
    )

    @fields.resolver("Whether it is the caller's current session.", declared=fields.ResolvedFrom(("id",)))
    def current(self, info: Info, row: strawberry.Parent[model.Session]) -> bool:
        return row.id == info.context.viewer.session_id


@strawberry.type
class SessionQueries:
    @fields.resolver("The caller's open sessions, newest first.", permissions=[IsPerson])
    async def sessions(
        self, info: Info, first: FirstArgument = DEFAULT_FIRST, after: AfterArgument = None
    ) -> Connection[Session] | None:
        return Session.connection(await page(sessions.open_sessions(info.context), NEWEST_FIRST, first, after))


@strawberry.input(description="The credentials to log in with.")
class LoginInput:
    email: str = strawberry.field(description="The e-mail address.")
    password: str = strawberry.field(description="The password.")


@fields.payload()
class LoginPayload(fields.Payload):
    token: str | None = strawberry.field(
        default=None,
        description="The session's token, to send as `Authorization: Bearer …`. Returned only here.",
    )
    user: User | None = strawberry.field(default=None, description="The user who logged in.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="The latest time at which the session ends."
    )
    must_change_password: bool | None = strawberry.field(
        default=None, description="True: call `changePassword` first; until then, most other fields are FORBIDDEN."
    )
    viewer: Viewer | None = strawberry.field(
        default=None,
        graphql_type=StrawberryOptional(Named("Viewer")),  # type: ignore[arg-type]
        description="The caller of requests with the token. Without an `Authorization` header, select only what is the caller's "
        "own: not `account`, for example. Null if this request itself was authenticated by its header.",
    )


@fields.payload(errors="Errors; empty on success.")
class LogoutPayload(fields.Payload):
    logged_out: bool | None = strawberry.field(default=None, description="True: the session has ended.")


@strawberry.input(description="Which sessions to end.")
class LogoutEverywhereInput:
    keep_current: bool = strawberry.field(default=False, description="True: the current session stays open.")


@fields.payload()
class LogoutEverywherePayload(fields.Payload):
    ended: int | None = strawberry.field(default=None, description="The number of sessions ended.")


@strawberry.input(description="The session to end.")
class RevokeSessionInput:
    id: strawberry.ID = strawberry.field(description="A session of the caller, or of a user visible to the caller.")


@fields.payload()
class RevokeSessionPayload(fields.Payload):
    revoked_id: strawberry.ID | None = strawberry.field(default=None, description="Id of the ended session.")


@strawberry.input(description="The caller's current and new password.")
class ChangePasswordInput:
    current_password: str = strawberry.field(description="The current password.")
    new_password: str = strawberry.field(description="The new password. See `passwordPolicy` for its rules.")


@fields.payload()
class ChangePasswordPayload(fields.Payload):
    user: User | None = strawberry.field(default=None, description="The caller's user.")


@strawberry.type
class SessionMutations:
    @fields.mutation(
        "Opens a session with an e-mail address and a password. Needs no authentication: an invalid `Authorization` header is "
        "ignored unless other fields of the document need one. RATE_LIMITED after "
        f"{login_throttle.MAXIMUM_BY_EMAIL_AND_NETWORK} failures for one e-mail address from one network (an "
        f"IPv4 address or an IPv6 /64), {login_throttle.MAXIMUM_BY_NETWORK} for any addresses from one network, or "
        f"{login_throttle.MAXIMUM_BY_EMAIL} for one address from all networks, within 15 minutes. "
        "An IPv6 /56 has twice the limits of a network.",
        open_to=OpenTo.UNAUTHENTICATED | OpenTo.PASSWORD_CHANGE,
        permissions=(),
    )
    async def login(
        self, info: Info, input: Annotated[LoginInput, strawberry.argument(description="The credentials.")]
    ) -> LoginPayload:
        opened = await sessions.login(info.context, input.email, input.password)
        return LoginPayload(
            token=opened.token,
            user=User.of(opened.user),
            expires_at=opened.session.expires_at,
            must_change_password=opened.user.must_change_password,
            viewer=info.context.viewer if info.context.viewer.session_id == opened.session.id else None,
        )

    @fields.mutation(
        f"Ends the caller's session: its token is rejected {WHEN_REFUSED}.",
        permissions=[IsPerson],
        open_to=OpenTo.PASSWORD_CHANGE,
    )
    async def logout(self, info: Info) -> LogoutPayload:
        await sessions.logout(info.context)
        return LogoutPayload(logged_out=True)

    @fields.mutation(
        f"Ends all sessions of the caller: their tokens are rejected {WHEN_REFUSED}.", permissions=[IsPerson]
    )
    async def logout_everywhere(
        self, info: Info, input: Annotated[LogoutEverywhereInput, strawberry.argument(description="Which sessions.")]
    ) -> LogoutEverywherePayload:
        return LogoutEverywherePayload(
            ended=await sessions.logout_everywhere(info.context, keep_current=input.keep_current)
        )

    @fields.mutation(
        "Ends a session of the caller or, with the permission MANAGE_USERS, of another user: its token is rejected "
        f"{WHEN_REFUSED}.",
        permissions=(),
    )
    async def revoke_session(
        self, info: Info, input: Annotated[RevokeSessionInput, strawberry.argument(description="The session.")]
    ) -> RevokeSessionPayload:
        ended = await sessions.revoke_session(info.context, input.id)
        return RevokeSessionPayload(revoked_id=strawberry.ID(sid_of(Kind.SESSION, ended)))

    @fields.mutation(
        f"Changes the caller's password and ends their other sessions, whose tokens are rejected {WHEN_REFUSED}. "
        f"RATE_LIMITED after {login_throttle.MAXIMUM_BY_SESSION} wrong current passwords in one session within 15 minutes.",
        permissions=[IsPerson],
        open_to=OpenTo.PASSWORD_CHANGE,
    )
    async def change_password(
        self, info: Info, input: Annotated[ChangePasswordInput, strawberry.argument(description="The passwords.")]
    ) -> ChangePasswordPayload:
        user = await service.change_password(info.context, input.current_password, input.new_password)
        return ChangePasswordPayload(user=User.of(user))
