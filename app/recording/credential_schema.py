"""The GraphQL type and mutation of stored credentials."""

from datetime import datetime
from typing import Annotated

import strawberry

from app.accounts.model import Account as AccountRow
from app.foundation.access import HasFullAccess
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.foundation.identifiers import Kind, sid_of
from app.recording import credential_retention
from app.storage import model


@fields.node(
    Kind.STORED_CREDENTIAL,
    description="Keys that recordings of an account were stored with; kept, encrypted, as long as a recording needs them.",
)
class StoredCredential(fields.Node[model.StoredCredential]):
    vendor: model.BucketVendor = fields.column("Whose object storage they are for.")
    endpoint_url: str | None = fields.column("Where the S3-compatible server is; null for Amazon S3.")
    access_key_id_ending: str = fields.computed(
        lambda access_key_id: access_key_id[-4:], ["access_key_id"], "The last four characters of the access key ID."
    )
    created_at: datetime = fields.column("When a recording was stored with them first.")
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The account they belong to."
    )
    viewer_can_remove: bool = fields.per_viewer(
        lambda viewer: viewer.may([HasFullAccess]), "Whether the caller may remove them."
    )

    @fields.resolver(
        "Whether the account's recording configuration has these very keys.",
        declared=fields.Called(("account_id", "fingerprint")),
        weight=5,
    )
    async def is_current(self, info: Info, row: strawberry.Parent[model.StoredCredential]) -> bool:
        return await credential_retention.is_current(info.context, row)

    @fields.resolver(
        f"How many recordings need them, counted up to {credential_retention.MAXIMUM_COUNT}.",
        declared=fields.Called(("id",)),
        weight=10,
    )
    async def recording_count(self, info: Info, row: strawberry.Parent[model.StoredCredential]) -> int:
        return await credential_retention.recording_count(info.context, row.id)


@strawberry.input(description="Stored keys to be removed.")
class RemoveStoredCredentialInput:
    id: strawberry.ID = strawberry.field(description="The stored credential: `SC` and 32 hex digits.")
    force: bool = strawberry.field(
        default=False,
        description="True: remove them even when recordings need them; those then play only where the account's present "
        "keys open the same bucket.",
    )


@fields.payload("Nothing in a bucket is touched.", errors="Why nothing was removed; empty when it was done.")
class RemoveStoredCredentialPayload(fields.Payload):
    deleted_id: strawberry.ID | None = strawberry.field(default=None, description="The id that is no more.")


@strawberry.type
class StoredCredentialMutations:
    @fields.mutation(
        "Removes keys that recordings were stored with; refused, with their number, while recordings need them."
    )
    async def remove_stored_credential(
        self, info: Info, input: Annotated[RemoveStoredCredentialInput, strawberry.argument(description="Which.")]
    ) -> RemoveStoredCredentialPayload:
        removed = await credential_retention.remove(info.context, input.id, force=input.force)
        return RemoveStoredCredentialPayload(deleted_id=strawberry.ID(sid_of(Kind.STORED_CREDENTIAL, removed)))
