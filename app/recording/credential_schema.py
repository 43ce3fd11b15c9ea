"""What is shown of the keys that recordings were stored with."""

from datetime import datetime
from typing import Annotated

import strawberry

from app import graph
from app.access import HasFullAccess
from app.accounts.model import Account as AccountRow
from app.context import Info
from app.identifiers import Kind, show
from app.recording import model, retiring


@graph.node(
    Kind.STORED_CREDENTIAL,
    description="Keys that recordings of an account were stored with; kept, encrypted, as long as a recording needs them.",
)
class StoredCredential(graph.Node[model.StoredCredential]):
    """The secret is shown nowhere."""

    vendor: model.BucketVendor = graph.column("Whose object storage they are for.")
    endpoint_url: str | None = graph.column("Where the S3-compatible server is; null for Amazon S3.")
    access_key_id_ending: str = graph.computed(
        lambda access_key_id: access_key_id[-4:], ["access_key_id"], "The last four characters of the access key ID."
    )
    created_at: datetime = graph.column("When a recording was stored with them first.")
    account: graph.Node | None = graph.to_one(
        "Account", "account_id", row=AccountRow, description="The account they belong to."
    )
    viewer_can_remove: bool = graph.per_viewer(
        lambda viewer: viewer.may([HasFullAccess]), "Whether the caller may remove them."
    )

    @graph.resolver(
        "Whether the account's recording configuration has these very keys.",
        declared=graph.Called(("account_id", "fingerprint")),
        weight=5,
    )
    async def is_current(self, info: Info, row: strawberry.Parent[model.StoredCredential]) -> bool:
        return await retiring.is_current(info.context, row)

    @graph.resolver(
        f"How many recordings need them, counted up to {retiring.MAXIMUM_COUNT}.",
        declared=graph.Called(("id",)),
        weight=10,
    )
    async def recording_count(self, info: Info, row: strawberry.Parent[model.StoredCredential]) -> int:
        return await retiring.recording_count(info.context, row.id)


@strawberry.input(description="Stored keys to be removed.")
class RemoveStoredCredentialInput:
    """Input of removeStoredCredential."""

    id: strawberry.ID = strawberry.field(description="The stored credential: `SC` and 32 hex digits.")
    force: bool = strawberry.field(
        default=False,
        description="True: remove them even when recordings need them; those then play only where the account's present "
        "keys open the same bucket.",
    )


@graph.payload("Nothing in a bucket is touched.", errors="Why nothing was removed; empty when it was done.")
class RemoveStoredCredentialPayload(graph.Payload):
    deleted_id: strawberry.ID | None = strawberry.field(default=None, description="The id that is no more.")


@strawberry.type
class StoredCredentialMutations:
    """Root fields."""

    @graph.mutation(
        "Removes keys that recordings were stored with; refused, with their number, while recordings need them."
    )
    async def remove_stored_credential(
        self, info: Info, input: Annotated[RemoveStoredCredentialInput, strawberry.argument(description="Which.")]
    ) -> RemoveStoredCredentialPayload:
        removed = await retiring.remove(info.context, input.id, force=input.force)
        return RemoveStoredCredentialPayload(deleted_id=strawberry.ID(show(Kind.STORED_CREDENTIAL, removed)))
