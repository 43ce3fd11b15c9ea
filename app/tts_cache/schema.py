"""What is shown of an account's cached prompts, and the button that clears them."""

from typing import Annotated
from uuid import UUID

import strawberry

from app.accounts.model import Account as AccountRow
from app.foundation.access import HasFullAccess
from app.foundation.context import Context, Info
from app.foundation.graphql import fields
from app.tts_cache import service


@strawberry.type(description="The cached prompts of an account: audio that text-to-speech has made before.")
class TtsCache:
    """A value."""

    configured: bool = strawberry.field(description="Whether this installation has a prompt cache.")
    prompt_count: int | None = strawberry.field(
        description="How many prompts are cached, at most 10 seconds ago; null when no cache is configured."
    )
    viewer_can_clear: bool = fields.per_viewer(
        lambda viewer: viewer.may([HasFullAccess]), "Whether the caller may clear the cache."
    )


async def cache_of(context: Context, account_id: UUID) -> TtsCache:
    """Raises ServiceUnavailable when there is a cache that does not answer."""
    if not service.is_configured(context):
        return TtsCache(configured=False, prompt_count=None)
    return TtsCache(configured=True, prompt_count=await service.prompt_count(context, account_id))


@strawberry.input(description="An account whose cached prompts are removed.")
class ClearTtsCacheInput:
    """Input of clearTtsCache."""

    account_id: strawberry.ID = strawberry.field(description="The account.")


@fields.payload(errors="Why nothing was removed; empty when it was done.")
class ClearTtsCachePayload(fields.Payload):
    cleared_count: int | None = strawberry.field(
        default=None, description="How many prompts were removed: as many as the cache says it let go."
    )
    account_id: strawberry.Private[UUID | None] = None
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The account; its cached prompts are counted anew."
    )


@strawberry.type
class TtsCacheMutations:
    """Root fields."""

    @fields.mutation(
        "Removes an account's cached prompts, so that the gateway makes them anew. What it caches meanwhile may stay."
    )
    async def clear_tts_cache(
        self, info: Info, input: Annotated[ClearTtsCacheInput, strawberry.argument(description="Which account.")]
    ) -> ClearTtsCachePayload:
        account, cleared = await service.clear(info.context, input.account_id)
        return ClearTtsCachePayload(cleared_count=cleared, account_id=account.id)
