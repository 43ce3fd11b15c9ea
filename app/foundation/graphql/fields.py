"""How a domain declares its GraphQL types; the names that a domain's `schema` needs, from the modules of this package.

A type is backed by rows of one model; each field declares where its value comes from:

    @fields.node(Kind.ACCOUNT, description="…")
    class Account(fields.Node[model.Account]):
        name: str = fields.column("A unique account name.")
        licensed_sessions: int | None = fields.column("…", permissions=[IsAdmin])
        usage_limit: UsageLimit | None = fields.part(
            UsageLimit, {"unit": "usage_unit", "maximum": "usage_maximum"}, "…", permissions=[IsAdmin]
        )
        service_provider: fields.Node | None = fields.to_one("ServiceProvider", "service_provider_id", row=ServiceProvider, …)
        api_keys: Connection[ApiKey] = fields.page("account_id", row=model.ApiKey, order=NEWEST_FIRST, …)

From this one declaration come the Strawberry field, its permissions and description, its loader and its compiled form.
A type names its container (an account's provider) by string: `registry.py` resolves it when the schema is built.
"""

from app.foundation.graphql.columns import column, computed, decrypted, part, per_viewer, time_dependent
from app.foundation.graphql.declarations import (
    MAXIMUM_IDS,
    AnyById,
    BigInt,
    CurrentCaller,
    OneById,
    Related,
    ResolvedFrom,
    ToOne,
    objects_by_ids,
)
from app.foundation.graphql.lists import Condition, Listed, Owners, PageOf, PageOfAll, Weights, across_owners
from app.foundation.graphql.mutations import Payload, mutation, payload
from app.foundation.graphql.nodes import Backed, Node, node
from app.foundation.graphql.relations import count, from_related, page, to_one
from app.foundation.graphql.resolvers import guarded, resolver
from app.foundation.graphql.subscriptions import subscription

__all__ = [
    "MAXIMUM_IDS",
    "AnyById",
    "Backed",
    "BigInt",
    "Condition",
    "CurrentCaller",
    "Listed",
    "Node",
    "OneById",
    "Owners",
    "PageOf",
    "PageOfAll",
    "Payload",
    "Related",
    "ResolvedFrom",
    "ToOne",
    "Weights",
    "across_owners",
    "column",
    "computed",
    "count",
    "decrypted",
    "from_related",
    "guarded",
    "mutation",
    "node",
    "objects_by_ids",
    "page",
    "part",
    "payload",
    "per_viewer",
    "resolver",
    "subscription",
    "time_dependent",
    "to_one",
]
