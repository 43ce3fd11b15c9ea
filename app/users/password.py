"""Hashes and verifies passwords with Argon2id and OWASP's parameters, in two threads.

A hash takes about 30 ms of CPU time and 19 MiB. Never await these functions inside a transaction.
"""

import asyncio
import unicodedata
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from app.foundation.concurrency_limits import FairSlots, Quota, QuotaExceeded
from app.foundation.errors import RateLimited

# OWASP's Password Storage Cheat Sheet: Argon2id with m = 19 MiB, t = 2, p = 1.
MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
MAXIMUM_LENGTH = 256
# Per queue, half a second of work for both threads.
MAXIMUM_WAITING = 32
# Matches no password, with the same parameters: unknown users cost the same time.
DUMMY_HASH = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${'A' * 22}${'A' * 43}"

_hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
_threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")
# Separate queues, so that logins and password changes of authenticated callers do not delay each other.
LOGINS, CHANGES = FairSlots(MAXIMUM_WAITING), FairSlots(MAXIMUM_WAITING)

T = TypeVar("T")


@dataclass(frozen=True)
class Claim:
    """The queue a password waits in, and the callers whose share of it counts."""

    queue: FairSlots
    holders: tuple[tuple[Quota, Hashable | None], ...] = ()


async def hash_password(password: str, claim: Claim) -> str:
    """The encoded hash to store. Raises RateLimited if the queue, or a holder's share of it, is full."""
    return await _in_thread(claim, _hasher.hash, _bytes(password))


async def matches(password: str, stored: str | None, claim: Claim) -> bool:
    """Verifies a password. Without a stored hash it does the same work and returns False. Raises RateLimited."""
    return await _in_thread(claim, verify, stored or DUMMY_HASH, _bytes(password)) and stored is not None


def verify(stored: str, password: bytes) -> bool:
    try:
        return _hasher.verify(stored, password)
    except VerificationError:
        return False


def normalized(password: str) -> str:
    """NFKC, because keyboards differ: `é` is one code point or two."""
    # A longer text cannot be a password, and normalizing takes quadratic time in the marks on one letter.
    return unicodedata.normalize("NFKC", password) if len(password) <= MAXIMUM_LENGTH else password


def _bytes(password: str) -> bytes:
    return normalized(password).encode("utf-8", "surrogatepass")


async def _in_thread(claim: Claim, function: Callable[..., T], *arguments: object) -> T:
    if claim.queue.is_full:
        raise RateLimited(
            "Too many passwords are being checked at the moment. Try again in a few seconds.", retryAfterSeconds=5
        )
    with claim.queue.slot() as slot:
        try:
            for share, holder in claim.holders:
                slot.add(share, holder)
        except QuotaExceeded:
            message = "Too many of your passwords are being checked at the moment. Try again in a few seconds."
            raise RateLimited(message, retryAfterSeconds=5) from None
        return await asyncio.get_running_loop().run_in_executor(_threads, function, *arguments)
