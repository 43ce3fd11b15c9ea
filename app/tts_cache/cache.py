"""The gateway's prompt cache on Valkey (or Redis): an account's entries counted and removed, in small steps.

An entry's key is `tts:<account id>:<sha1 of the prompt's parameters>`; the account's id is its SID, or its bare UUID with
hyphens, as many gateways know it. Both are the account's. The server does one
thing at a time, so every command here is short: SCAN looks at some hundred keys, UNLINK frees the memory beside.
"""

import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

import structlog
from valkey.asyncio import Valkey

from app.foundation.errors import ServiceUnavailable
from app.foundation.valkey import VALKEY_AWAY, valkey_client

# Keys that one SCAN looks at, and at most about as many that one UNLINK removes: a fifth of a millisecond of the server.
KEYS_AT_ONCE = 500
# Longest wait for a connection, and for each answer.
ANSWER_SECONDS = 2.0
# Longest count, and longest clearing: less than the deadline of a request, so that the answer says how far it came.
COUNT_SECONDS = 6.0
CLEAR_SECONDS = 8.0
# After a failure nobody waits for the cache for so long: everybody is told at once.
AWAY_SECONDS = 3.0

_AWAY = "The prompt cache does not answer. Try again in a moment."
_log = structlog.get_logger("tts_cache")


class PromptCache:
    """Connects for each walk anew: walks are rare, and a connection that was idle may be dead without showing it."""

    def __init__(self, url: str, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        """`url` is CACHE_URL; without one nothing is configured, and nothing but `is_configured` may be used."""
        self._url = url
        self._answer_seconds = answer_seconds
        self._away_until = 0.0

    @property
    def is_configured(self) -> bool:
        return bool(self._url)

    async def count(self, account_ids: Collection[str], *, seconds: float = COUNT_SECONDS) -> dict[str, int]:
        """How many entries each of these accounts (SIDs) has: one walk for all of them. Raises ServiceUnavailable.

        Exact for what is there from the beginning of the walk to its end.
        """
        # SCAN may tell a key twice while the server moves its table, so the keys are kept, not their number.
        found: dict[str, set[bytes]] = {account_id: set() for account_id in account_ids}
        owners = _owners(account_ids)
        deadline = time.monotonic() + seconds
        async with self._connection() as valkey:
            async for keys in _steps(valkey, _pattern(account_ids)):
                for key, owner in _of(owners, keys):
                    found[owner].add(key)
                if time.monotonic() > deadline:
                    raise ServiceUnavailable(
                        f"The prompt cache has too many entries to be counted in {seconds:g} seconds. "
                        "Ask for fewer accounts at once."
                    )
        return {account_id: len(keys) for account_id, keys in found.items()}

    async def clear(self, account_id: str, *, seconds: float = CLEAR_SECONDS) -> int:
        """Removes an account's entries and answers how many the server removed. What is written meanwhile may stay.

        Raises ServiceUnavailable; when some are gone by then, its `clearedCount` says how many at least.
        """
        cleared, owners = 0, _owners([account_id])
        deadline = time.monotonic() + seconds
        try:
            async with self._connection() as valkey:
                async for matching in _steps(valkey, _pattern([account_id])):
                    keys = [key for key, _ in _of(owners, matching)]
                    for start in range(0, len(keys), KEYS_AT_ONCE):
                        cleared += await valkey.unlink(*keys[start : start + KEYS_AT_ONCE])
                    if time.monotonic() > deadline:
                        raise ServiceUnavailable(f"There is more to clear than is done in {seconds:g} seconds.")
        except ServiceUnavailable as error:
            if cleared:
                raise _half_cleared(error, cleared) from None
            raise
        return cleared

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Valkey]:
        """Raises ServiceUnavailable for whatever goes wrong with the cache inside, and at once for a while after that."""
        if time.monotonic() < self._away_until:
            raise ServiceUnavailable(_AWAY)
        try:
            async with self._client() as valkey:
                yield valkey
        except VALKEY_AWAY as error:
            # Only the kind of error: its message can hold the address, and the address a password.
            _log.warning("the prompt cache does not answer", error=type(error).__qualname__)
            self._away_until = time.monotonic() + AWAY_SECONDS
            raise ServiceUnavailable(_AWAY) from None

    def _client(self) -> Valkey:
        return valkey_client(self._url, answer_seconds=self._answer_seconds)


async def _steps(valkey: Valkey, pattern: str) -> AsyncIterator[list[bytes]]:
    """The keys that match, some at a time."""
    cursor = -1
    while cursor != 0:
        cursor, keys = await valkey.scan(max(cursor, 0), match=pattern, count=KEYS_AT_ONCE)
        yield keys


def _owners(account_ids: Collection[str]) -> dict[bytes, str]:
    """The accounts by the ids that keys have: the SID and the bare UUID."""
    return {
        form.encode(): account_id for account_id in account_ids for form in (account_id, str(UUID(hex=account_id[2:])))
    }


def _of(owners: Mapping[bytes, str], keys: Iterable[bytes]) -> Iterator[tuple[bytes, str]]:
    """Of keys that match the pattern, those of these accounts, each with its owner."""
    for key in keys:
        parts = key.split(b":", 2)
        if len(parts) == 3 and parts[1] in owners:
            yield key, owners[parts[1]]


def _pattern(account_ids: Collection[str]) -> str:
    """What matches all entries of these accounts (SIDs), and little else: one pattern, so that one walk finds both forms.

    Each place allows the digits that the ids have there. Before the first digit a SID has its prefix, and between its groups a
    UUID has hyphens.
    """
    digits = zip(*(account_id[2:] for account_id in account_ids), strict=True)
    places = ["".join(sorted(set(each))) for each in digits]
    allowed = [place if len(place) == 1 else f"[{place}]" for place in places]
    groups = ("".join(allowed[start:end]) for start, end in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
    return f"tts:*{'*'.join(groups)}:*"


def _half_cleared(error: ServiceUnavailable, cleared: int) -> ServiceUnavailable:
    message = f"{error.message} At least {cleared:,} prompts are removed; clear again for the rest."
    return ServiceUnavailable(message, clearedCount=cleared)
