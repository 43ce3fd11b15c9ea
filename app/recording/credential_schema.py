"""The GraphQL type and mutation of stored credentials."""

from datetime import datetime
from typing import Annotated

import strawberry

from app.accounts.model import Account as AccountRow
from app.foundation.access import MayEditSettings
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.foundation.identifiers import Kind, sid_of
from app.recording import credential_retention
from app.storage import model


@fields.node(
    Kind.STORED_CREDENTIAL,
    description="Storage keys that an account's recordings were stored with; kept encrypted while recordings use them.",
)
class StoredCredential(fields.Node[model.StoredCredential]):
    vendor: model.BucketVendor = fields.column("The vendor of the object storage.")
    endpoint_url: str | None = fields.column("The URL of the S3-compatible server; null for Amazon S3.")
    access_key_id_ending: str = fields.computed(
        lambda access_key_id: access_key_id[-4:], ["access_key_id"], "The last four characters of the access key ID."
    )
    created_at: datetime = fields.column("When a recording first used them.")
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The account that owns them."
    )
    viewer_can_remove: bool = fields.per_viewer(
        lambda viewer: viewer.may([MayEditSettings]), "Whether the caller may remove them."
    )

    @fields.resolver(
        "Whether the account's recording configuration has the same keys.",
        declared=fields.ResolvedFrom(("account_id", "fingerprint")),
        weight=5,
    )
    async def is_current(self, info: Info, row: strawberry.Parent[model.StoredCredential]) -> bool:
        return await credential_retention.is_current(info.context, row)

    @fields.resolver(
        f"How many recordings use them, counted up to {credential_retention.MAXIMUM_COUNT}.",
        declared=fields.ResolvedFrom(("id",)),
        weight=10,
    )
    async def recording_count(self, info: Info, row: strawberry.Parent[model.StoredCredential]) -> int:
        return await credential_retention.recording_count(info.context, row.id)


@strawberry.input(description="The stored keys to remove.")
class RemoveStoredCredentialInput:
    id: strawberry.ID = strawberry.field(description="The stored credential: `SC` and 32 hex digits.")
    force: bool = strawberry.field(
        default=False,
        description="True: remove them even while recordings use them; those then play only if the account's present "
        "keys open the same bucket.",
    )


@fields.payload("Objects in buckets stay.", errors="Why nothing was removed; empty on success.")
class RemoveStoredCredentialPayload(fields.Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="Id of the removed stored credential."
    )


@strawberry.type
class StoredCredentialMutations:
    @fields.mutation(
        "Removes stored keys. Fails with IN_USE and the number of recordings while recordings use them.",
        permissions=[MayEditSettings],
    )
    async def remove_stored_credential(
        self,
        info: Info,
        input: Annotated[RemoveStoredCredentialInput, strawberry.argument(description="The stored credential.")],
    ) -> RemoveStoredCredentialPayload:
        removed = await credential_retention.remove(info.context, input.id, force=input.force)
        return RemoveStoredCredentialPayload(deleted_id=strawberry.ID(sid_of(Kind.STORED_CREDENTIAL, removed)))
