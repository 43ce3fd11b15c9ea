"""Logins and sessions of people. A session's token stands on the payload of login alone, once."""

from datetime import datetime
from typing import Annotated

import strawberry

from app.foundation.access import IsPerson, OpenTo
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.foundation.graphql.pagination import (
    DEFAULT_FIRST,
    NEWEST_FIRST,
    AfterArgument,
    Connection,
    FirstArgument,
    page,
)
from app.foundation.identifiers import Kind, sid_of
from app.foundation.revocations import WHEN_REFUSED
from app.users import login_throttle, model, service, sessions
from app.users.schema import User
from app.users.user_agents import device


@fields.node(Kind.SESSION, description="A login on one device, until it ends.", is_callers_own=True)
class Session(fields.Node[model.Session]):
    device: str = fields.computed(
        device, ["user_agent"], "What it was opened with, in a few words: `Firefox on Linux`."
    )
    user_agent: str = fields.column("The User-Agent header with which it was opened, at most 256 characters.")
    address: str = fields.column("The network address from which it was opened.")
    created_at: datetime = fields.column("When it was opened.")
    last_used_at: datetime = fields.column(
        "The minute in which it was used last. It ends when it is idle for too long."
    )
    expires_at: datetime = fields.column("When it ends, however much it is used.")

    @fields.resolver("Whether it is the session that asks.", declared=fields.Called(("id",)))
    def current(self, info: Info, row: strawberry.Parent[model.Session]) -> bool:
        return row.id == info.context.viewer.session_id


@strawberry.type
class SessionQueries:
    @fields.resolver("The caller's own sessions that are open, newest first.", permissions=[IsPerson])
    async def sessions(
        self, info: Info, first: FirstArgument = DEFAULT_FIRST, after: AfterArgument = None
    ) -> Connection[Session] | None:
        return Session.connection(await page(sessions.open_sessions(info.context), NEWEST_FIRST, first, after))


@strawberry.input(description="Who logs in.")
class LoginInput:
    email: str = strawberry.field(description="The e-mail address.")
    password: str = strawberry.field(description="The password.")


@fields.payload()
class LoginPayload(fields.Payload):
    token: str | None = strawberry.field(
        default=None,
        description="The session's token, to be sent as `Authorization: Bearer …`. Returned only here.",
    )
    user: User | None = strawberry.field(default=None, description="Who has logged in.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="When the session ends, however much it is used."
    )
    must_change_password: bool | None = strawberry.field(
        default=None, description="True: nothing is open before `changePassword`."
    )


@fields.payload(errors="What is wrong; empty when it was done.")
class LogoutPayload(fields.Payload):
    logged_out: bool | None = strawberry.field(default=None, description="True: the session has ended.")


@strawberry.input(description="Which sessions end.")
class LogoutEverywhereInput:
    keep_current: bool = strawberry.field(default=False, description="True: the session that asks stays open.")


@fields.payload()
class LogoutEverywherePayload(fields.Payload):
    ended: int | None = strawberry.field(default=None, description="How many sessions have ended.")


@strawberry.input(description="A session to be ended.")
class RevokeSessionInput:
    id: strawberry.ID = strawberry.field(description="The session: one's own, or of a user within reach.")


@fields.payload()
class RevokeSessionPayload(fields.Payload):
    revoked_id: strawberry.ID | None = strawberry.field(default=None, description="The session that has ended.")


@strawberry.input(description="A new password for whoever asks.")
class ChangePasswordInput:
    current_password: str = strawberry.field(description="The present password.")
    new_password: str = strawberry.field(description="The new one; `passwordPolicy` tells what it has to be.")


@fields.payload()
class ChangePasswordPayload(fields.Payload):
    user: User | None = strawberry.field(default=None, description="Whose password it is.")


@strawberry.type
class SessionMutations:
    @fields.mutation(
        "Opens a session with an e-mail address and a password. Needs no key; an `Authorization` header that does not "
        "authenticate is ignored unless the document has other fields that need one. RATE_LIMITED after "
        f"{login_throttle.MAXIMUM_BY_EMAIL_AND_NETWORK} failures for one e-mail address from one network (an "
        f"IPv4 address or an IPv6 /64), {login_throttle.MAXIMUM_BY_NETWORK} for any addresses from one network, or "
        f"{login_throttle.MAXIMUM_BY_EMAIL} for one address from all networks, within 15 minutes; "
        "one IPv6 /56 has twice the limits of a network.",
        open_to=OpenTo.UNAUTHENTICATED | OpenTo.PASSWORD_CHANGE,
    )
    async def login(
        self, info: Info, input: Annotated[LoginInput, strawberry.argument(description="Who.")]
    ) -> LoginPayload:
        entered = await sessions.login(info.context, input.email, input.password)
        return LoginPayload(
            token=entered.token,
            user=User.of(entered.user),
            expires_at=entered.session.expires_at,
            must_change_password=entered.user.must_change_password,
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
        self, info: Info, input: Annotated[LogoutEverywhereInput, strawberry.argument(description="Which.")]
    ) -> LogoutEverywherePayload:
        return LogoutEverywherePayload(
            ended=await sessions.logout_everywhere(info.context, keep_current=input.keep_current)
        )

    @fields.mutation(f"Ends a session: its token is rejected {WHEN_REFUSED}.")
    async def revoke_session(
        self, info: Info, input: Annotated[RevokeSessionInput, strawberry.argument(description="Which.")]
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
        self, info: Info, input: Annotated[ChangePasswordInput, strawberry.argument(description="Old and new.")]
    ) -> ChangePasswordPayload:
        user = await service.change_password(info.context, input.current_password, input.new_password)
        return ChangePasswordPayload(user=User.of(user))
