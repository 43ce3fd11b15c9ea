"""Counts and clears an account's cached prompts."""

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

# The event loop holds only weak references to tasks.
_clearings: set[asyncio.Task[int]] = set()


def is_configured(context: Context) -> bool:
    return context.use(PromptCache).is_configured


async def prompt_count(context: Context, account_id: UUID) -> int:
    """The number of cached prompts of an account, batched with the others of the operation.

    Raises ServiceUnavailable, which is not retried within the operation.
    """
    count: int = await _loader(context).load(sid_of(Kind.ACCOUNT, account_id))
    return count


async def clear(context: Context, account_id: str) -> tuple[Account, int]:
    """Returns the account and the number of prompts removed. Raises UserErrors NOT_FOUND, ServiceUnavailable."""
    account = await ACCOUNTS.get(context, account_id, "accountId")
    if not is_configured(context):
        raise ServiceUnavailable("No prompt cache is configured. The server's operator can set CACHE_URL.")
    clearing = asyncio.create_task(_clear_and_audit(context, account))
    _clearings.add(clearing)
    clearing.add_done_callback(_clearings.discard)
    # A cancelled request does not stop the clearing: its audit event must say how many prompts were removed.
    return account, await asyncio.shield(clearing)


async def _clear_and_audit(context: Context, account: Account) -> int:
    sid = sid_of(Kind.ACCOUNT, account.id)
    try:
        count = await context.use(PromptCache).clear(sid)
        await trail.record(context, account, after={"cleared_count": count})
        return count
    except ServiceUnavailable as error:
        least = (error.extensions or {}).get("clearedCount")
        await trail.record(context, account, after={"cleared_count_at_least": least})
        raise
    finally:
        context.use(PromptCounts).invalidate(sid)
        _loader(context).clear_all()  # counts that this operation loaded before are out of date


def _loader(context: Context) -> DataLoader[str, int]:
    return context.loader("tts prompt counts", context.use(PromptCounts).of)
