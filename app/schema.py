"""The whole graph, put together from what each room offers; printed to ../schema.graphql."""

from typing import Annotated

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types

from app import graph
from app.accounts.schema import AccountMutations, AccountQueries
from app.api_keys.schema import ApiKeyMutations, ApiKeyQueries
from app.context import Info
from app.identifiers import kind_of, read
from app.recording.schema import RecordingMutations, RecordingQueries
from app.service_providers.schema import ServiceProviderMutations, ServiceProviderQueries
from app.viewer import ViewerQueries


@strawberry.type
class NodeQueries:
    """Root fields."""

    @graph.resolver("Any object by its id; null when there is none within reach.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Two letters and 32 hex digits.")],
    ) -> graph.Node | None:
        kind = kind_of(id)
        row_id = read(kind, id) if kind else None
        if kind is None or row_id is None:
            return None
        return graph.shown(await info.context.viewer.within_reach(graph.registry.rows[kind]).get_or_none(id=row_id))


Query = merge_types(
    "Query",
    (ViewerQueries, NodeQueries, AccountQueries, ServiceProviderQueries, ApiKeyQueries, RecordingQueries),
)
Mutation = merge_types("Mutation", (AccountMutations, ServiceProviderMutations, ApiKeyMutations, RecordingMutations))

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    types=list(graph.registry.types.values()),
    config=StrawberryConfig(auto_camel_case=True),
)


def printed() -> str:
    """What `schema.graphql` holds."""
    return f"{schema.as_str()}\n"


if __name__ == "__main__":
    print(printed(), end="")
