"""Counts and removes an account's entries in the gateway's prompt cache on Valkey (or Redis), in small steps.

An entry's key is `tts:<account id>:<sha1 of the prompt's parameters>`. Gateways write the account's id as its SID or as a bare
UUID with hyphens; both count. Valkey runs one command at a time, so every command is short: SCAN visits a few hundred keys,
UNLINK frees memory in the background.
"""

import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from app.foundation.errors import ServiceUnavailable
from app.foundation.valkey import valkey_away, valkey_client

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

# Keys per SCAN and, at most, per UNLINK: about 0.2 ms of the server's time.
KEYS_PER_COMMAND = 500
# Timeout of connecting, and of each reply.
ANSWER_SECONDS = 2.0
# Time limits below the deadline of a request, so that the response can say how far the work came.
COUNT_SECONDS = 6.0
CLEAR_SECONDS = 8.0
# After a failure, requests fail immediately for this long.
BACKOFF_SECONDS = 3.0

_UNREACHABLE = "The prompt cache does not answer. Try again in a moment."
_log = structlog.get_logger("tts_cache")


class PromptCache:
    """Opens a connection per scan: scans are rare, and an idle connection may be dead without notice."""

    def __init__(self, url: str, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        """`url` is CACHE_URL. If it is empty, use nothing but `is_configured`."""
        self._url = url
        self._answer_seconds = answer_seconds
        self._unreachable_until = 0.0

    @property
    def is_configured(self) -> bool:
        return bool(self._url)

    async def count(self, account_ids: Collection[str], *, seconds: float = COUNT_SECONDS) -> dict[str, int]:
        """The number of entries per account (SIDs), in one scan. Raises ServiceUnavailable.

        Counts every entry that exists during the whole scan; one written or removed during it may be counted.
        """
        # SCAN may return a key twice while the server resizes its table.
        found: dict[str, set[bytes]] = {account_id: set() for account_id in account_ids}
        owners = _owners(account_ids)
        deadline = time.monotonic() + seconds
        async with self._connection() as valkey:
            async for keys in _scan(valkey, _pattern(account_ids)):
                for key, owner in _owned(owners, keys):
                    found[owner].add(key)
                if time.monotonic() > deadline:
                    raise ServiceUnavailable(
                        f"The prompt cache has too many entries to be counted in {seconds:g} seconds. "
                        "Ask for fewer accounts at once."
                    )
        return {account_id: len(keys) for account_id, keys in found.items()}

    async def clear(self, account_id: str, *, seconds: float = CLEAR_SECONDS) -> int:
        """Removes an account's entries and returns how many. Entries written during the scan may remain.

        Raises ServiceUnavailable. If entries were removed before the failure, its `clearedCount` is the least number of them.
        """
        cleared, owners = 0, _owners([account_id])
        deadline = time.monotonic() + seconds
        try:
            async with self._connection() as valkey:
                async for matching in _scan(valkey, _pattern([account_id])):
                    keys = [key for key, _ in _owned(owners, matching)]
                    for start in range(0, len(keys), KEYS_PER_COMMAND):
                        cleared += await valkey.unlink(*keys[start : start + KEYS_PER_COMMAND])
                    if time.monotonic() > deadline:
                        raise ServiceUnavailable(f"Clearing the prompt cache took longer than {seconds:g} seconds.")
        except ServiceUnavailable as error:
            if cleared:
                raise _partly_cleared(error, cleared) from None
            raise
        return cleared

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[Valkey]":
        """Turns cache failures inside the context into ServiceUnavailable, and raises it immediately during the backoff."""
        if time.monotonic() < self._unreachable_until:
            raise ServiceUnavailable(_UNREACHABLE)
        try:
            async with self._client() as valkey:
                yield valkey
        except valkey_away() as error:
            # Log only the class: the message can contain the URL with its password.
            _log.warning("prompt cache unreachable", error=type(error).__qualname__)
            self._unreachable_until = time.monotonic() + BACKOFF_SECONDS
            raise ServiceUnavailable(_UNREACHABLE) from None

    def _client(self) -> "Valkey":
        return valkey_client(self._url, answer_seconds=self._answer_seconds)


async def _scan(valkey: "Valkey", pattern: str) -> AsyncIterator[list[bytes]]:
    cursor = -1
    while cursor != 0:
        cursor, keys = await valkey.scan(max(cursor, 0), match=pattern, count=KEYS_PER_COMMAND)
        yield keys


def _owners(account_ids: Collection[str]) -> dict[bytes, str]:
    """The accounts by both forms of their ids in keys: SID and bare UUID."""
    return {
        form.encode(): account_id for account_id in account_ids for form in (account_id, str(UUID(hex=account_id[2:])))
    }


def _owned(owners: Mapping[bytes, str], keys: Iterable[bytes]) -> Iterator[tuple[bytes, str]]:
    """The keys of these accounts, each with its account. The pattern also matches keys of other accounts."""
    for key in keys:
        parts = key.split(b":", 2)
        if len(parts) == 3 and parts[1] in owners:
            yield key, owners[parts[1]]


def _pattern(account_ids: Collection[str]) -> str:
    """A glob that matches all entries of these accounts (SIDs) and few others, for one scan.

    Each position allows the digits that the ids have there. `*` stands for the prefix of a SID and for the hyphens of a UUID.
    """
    digits = zip(*(account_id[2:] for account_id in account_ids), strict=True)
    positions = ["".join(sorted(set(each))) for each in digits]
    allowed = [position if len(position) == 1 else f"[{position}]" for position in positions]
    groups = ("".join(allowed[start:end]) for start, end in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
    return f"tts:*{'*'.join(groups)}:*"


def _partly_cleared(error: ServiceUnavailable, cleared: int) -> ServiceUnavailable:
    message = f"{error.message} At least {cleared:,} prompts were removed. Clear again to remove the rest."
    return ServiceUnavailable(message, clearedCount=cleared)
