"""What is shown of calls."""

from typing import Any

from app import graph
from app.calls import listening, model
from app.context import Info
from app.identifiers import Kind


@graph.node(Kind.CALL, row=model.Call, description="A call of an account.")
class Call(graph.Node):
    """Stands over rows of model.Call."""

    recording_state: model.RecordingState = graph.column("What became of its recording.")
    url: str | None = graph.opened(
        listening.address_of, ["id", "account_id"], "Where the caller can hear it, for an hour."
    )

    @graph.resolver("The storage's own address.", declared=graph.Called(("id",)))
    async def storage_url(self, info: Info) -> str | None:
        row: Any = self
        return await listening.storage_address_of(info.context, row)
