"""What is done with an account's cached prompts: counted, cleared."""

import asyncio
from uuid import UUID

from strawberry.dataloader import DataLoader

from app.accounts.lookup import ACCOUNTS
from app.accounts.model import Account
from app.audit import trail
from app.foundation.context import Context
from app.foundation.errors import ServiceUnavailable
from app.foundation.identifiers import Kind, sid_of
from app.tts_cache.cache import PromptCache
from app.tts_cache.counts import PromptCounts

# The event loop alone would not keep them.
_clearings: set[asyncio.Task[int]] = set()


def is_configured(context: Context) -> bool:
    """Whether this installation has a prompt cache at all."""
    return context.use(PromptCache).is_configured


async def prompt_count(context: Context, account_id: UUID) -> int:
    """How many prompts of an account within reach are cached; counted once for all that the operation asks.

    Raises ServiceUnavailable. Within one operation a failure is not tried again.
    """
    count: int = await _loader(context).load(sid_of(Kind.ACCOUNT, account_id))
    return count


async def clear(context: Context, account_id: str) -> tuple[Account, int]:
    """The account, and how many cached prompts were removed. Raises UserErrors NOT_FOUND, ServiceUnavailable."""
    account = await ACCOUNTS.get(context, account_id, "accountId")
    if not is_configured(context):
        raise ServiceUnavailable("No prompt cache is configured: whoever runs this server can set CACHE_URL.")
    clearing = asyncio.create_task(_clear_and_note(context, account))
    _clearings.add(clearing)
    clearing.add_done_callback(_clearings.discard)
    # What is removed stays removed when the request is cancelled: the clearing goes on to its own limit, and is noted.
    return account, await asyncio.shield(clearing)


async def _clear_and_note(context: Context, account: Account) -> int:
    sid = sid_of(Kind.ACCOUNT, account.id)
    try:
        count = await context.use(PromptCache).clear(sid)
        await trail.record(context, account, after={"cleared_count": count})
        return count
    except ServiceUnavailable as cut_short:
        least = (cut_short.extensions or {}).get("clearedCount")
        await trail.record(context, account, after={"cleared_count_at_least": least})
        raise
    finally:
        context.use(PromptCounts).forget(sid)
        _loader(context).clear_all()  # what the operation has shown before is no longer so


def _loader(context: Context) -> DataLoader[str, int]:
    return context.loader("tts prompt counts", context.use(PromptCounts).of)
