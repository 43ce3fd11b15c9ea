"""GraphQL types and mutations of an account's cached prompts."""

from typing import Annotated
from uuid import UUID

import strawberry

from app.accounts.model import Account as AccountRow
from app.foundation.access import MayEditSettings
from app.foundation.context import Context, Info
from app.foundation.graphql import fields
from app.tts_cache import service


@strawberry.type(description="An account's cached prompts: audio that text-to-speech has generated.")
class TtsCache:
    account_id: strawberry.Private[UUID]
    configured: bool = strawberry.field(description="Whether this installation has a prompt cache.")
    prompt_count: int | None = strawberry.field(
        description="The number of cached prompts, at most 10 seconds old; null when no cache is configured."
    )
    viewer_can_clear: bool = fields.per_viewer(
        lambda viewer: viewer.may([MayEditSettings]), "Whether the caller may clear the cache."
    )


async def cache_of(context: Context, account_id: UUID) -> TtsCache:
    """Raises ServiceUnavailable if the cache is configured but unreachable."""
    if not service.is_configured(context):
        return TtsCache(account_id=account_id, configured=False, prompt_count=None)
    count = await service.prompt_count(context, account_id)
    return TtsCache(account_id=account_id, configured=True, prompt_count=count)


@strawberry.input(description="The account whose cached prompts to remove.")
class ClearTtsCacheInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")


@fields.payload(errors="Why nothing was removed; empty on success.")
class ClearTtsCachePayload(fields.Payload):
    cleared_count: int | None = strawberry.field(
        default=None, description="The number of prompts removed, as reported by the cache."
    )
    account_id: strawberry.Private[UUID | None] = None
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The account, with a fresh count of its cached prompts."
    )


@strawberry.type
class TtsCacheMutations:
    @fields.mutation(
        "Removes an account's cached prompts, so that the gateway generates them again. Prompts cached during the removal may "
        "remain.",
        permissions=[MayEditSettings],
    )
    async def clear_tts_cache(
        self, info: Info, input: Annotated[ClearTtsCacheInput, strawberry.argument(description="The account.")]
    ) -> ClearTtsCachePayload:
        account, cleared = await service.clear(info.context, input.account_id)
        return ClearTtsCachePayload(cleared_count=cleared, account_id=account.id)
