"""The GraphQL schema, merged from the domains. `python -m app.server.schema` prints it."""

import re
from datetime import datetime
from functools import cache
from operator import methodcaller
from typing import Annotated

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types
from strawberry.types import get_object_definition

from app.accounts.mutation_schema import AccountMutations
from app.accounts.schema import AccountQueries
from app.api_keys.schema import ApiKeyMutations, ApiKeyQueries
from app.applications.schema import ApplicationMutations, ApplicationQueries
from app.audit.schema import AuditQueries
from app.calls.live_schema import CallSubscriptions
from app.calls.schema import CallMutations, CallQueries
from app.foundation.context import Info
from app.foundation.errors import ErrorCode
from app.foundation.graphql import fields
from app.foundation.graphql.registry import registry
from app.recording.call_schema import CallRecordingMutations
from app.recording.credential_schema import StoredCredentialMutations
from app.server.limits_schema import LimitQueries
from app.server.viewer_schema import ViewerQueries
from app.service_providers.schema import ServiceProviderMutations, ServiceProviderQueries
from app.storage.options_schema import RecordingQueries
from app.storage.schema import RecordingMutations
from app.tts_cache.schema import TtsCacheMutations
from app.users.policy_schema import PasswordPolicyMutations, PasswordPolicyQueries
from app.users.schema import UserMutations, UserQueries
from app.users.session_schema import SessionMutations, SessionQueries
from app.webhooks.schema import WebhookMutations


@strawberry.type
class NodeQueries:
    @fields.resolver(
        "Any object by its id; null if no such object is visible to the caller.", declared=fields.AnyById()
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Two letters and 32 hex digits.")],
    ) -> fields.Node | None:
        return fields.Node.of(await fields.AnyById().answer(info.context, id))

    @fields.resolver(
        f"Objects of any types by their ids, at most {fields.MAXIMUM_IDS}, in the order of the ids; null for each that is not "
        "visible to the caller, with an error for each that needs a permission."
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="The ids, each as for `node`.")],
    ) -> list[fields.Node | None]:
        return [fields.Node.of(each) for each in await fields.objects_by_ids(info.context, ids)]


Query = merge_types(
    "Query",
    (
        ViewerQueries,
        NodeQueries,
        LimitQueries,
        AccountQueries,
        ServiceProviderQueries,
        ApplicationQueries,
        ApiKeyQueries,
        RecordingQueries,
        UserQueries,
        SessionQueries,
        PasswordPolicyQueries,
        AuditQueries,
        CallQueries,
    ),
)
Mutation = merge_types(
    "Mutation",
    (
        AccountMutations,
        ServiceProviderMutations,
        ApplicationMutations,
        ApiKeyMutations,
        RecordingMutations,
        StoredCredentialMutations,
        CallRecordingMutations,
        SessionMutations,
        UserMutations,
        PasswordPolicyMutations,
        TtsCacheMutations,
        WebhookMutations,
        CallMutations,
    ),
)

Subscription = merge_types("Subscription", (CallSubscriptions,))

# `merge_types` takes no descriptions.
for _root, _description in (
    (Query, "Reads data. No query changes anything. Only `ttsCache` calls another server, the prompt cache."),
    (
        Mutation,
        "Changes data, or calls other servers. Errors of an input are in `userErrors` of the payload.",
    ),
    (Subscription, "Sends events as they happen, over a WebSocket (graphql-transport-ws)."),
):
    get_object_definition(_root, strict=True).description = _description

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _read_time(value: object) -> datetime:
    """Raises GraphQLError for a value that RFC 3339 does not allow."""
    try:
        if not isinstance(value, str) or not _TIME.fullmatch(value):
            raise ValueError
        return datetime.fromisoformat(value.upper())
    except ValueError:
        raise GraphQLError("Invalid time: write it with its offset, such as 2026-01-31T13:37:00Z.") from None


_DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="A time with its offset (RFC 3339). Responses are in UTC: `2026-01-31T13:37:00+00:00`.",
    specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
    serialize=methodcaller("isoformat"),
    parse_value=_read_time,
)

_BIG_INT = strawberry.scalar(
    name="BigInt",
    description="An integer of up to 2^53, such as a number of bytes.",
    specified_by_url="https://scalars.graphql.org/jakobmerrild/long.html",
    serialize=int,
)

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[*registry.types.values(), ErrorCode],
    config=StrawberryConfig(auto_camel_case=True, scalar_map={datetime: _DATE_TIME, fields.BigInt: _BIG_INT}),
)

# Strawberry drops the descriptions of a directive's arguments.
for _directive in schema._schema.directives:
    _declared = _directive.extensions.get("strawberry-definition")
    for _argument in _declared.fields if _declared is not None else ():
        _directive.args[_argument.graphql_name].description = _argument.description


@cache
def printed() -> str:
    """The content of `schema.graphql`."""
    return f"{schema.as_str()}\n"


if __name__ == "__main__":
    print(printed(), end="")
