"""Passwords, hashed and compared: Argon2id with OWASP's parameters, off the event loop, two at a time.

A hash takes some 30 ms of a processor and 19 MiB. Nothing here may be awaited within a transaction.
"""

import asyncio
import unicodedata
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from app.foundation.concurrency_limits import FairSlots, Share, ShareFull
from app.foundation.errors import RateLimited

# OWASP's Password Storage Cheat Sheet: Argon2id with m = 19 MiB, t = 2, p = 1.
MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
MAXIMUM_LENGTH = 256
# Half a second of work for the two threads together, in each queue.
MAXIMUM_WAITING = 32
# Parameters as of any other, and nobody's password: to do the same work for somebody who is not there.
DUMMY_HASH = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${'A' * 22}${'A' * 43}"

_hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
_threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")
# Passwords that wait and are worked on: logins do not wait for the changes of authenticated callers, nor these for logins.
LOGINS, CHANGES = FairSlots(MAXIMUM_WAITING), FairSlots(MAXIMUM_WAITING)

T = TypeVar("T")


@dataclass(frozen=True)
class Claim:
    """The queue that a password waits in, and those whose share it takes there."""

    queue: FairSlots
    holders: tuple[tuple[Share, Hashable | None], ...] = ()


async def hash_password(password: str, claim: Claim) -> str:
    """What is stored of a password. Raises RateLimited when too many wait, or too many of one owner."""
    return await _in_thread(claim, _hasher.hash, _bytes(password))


async def matches(password: str, stored: str | None, claim: Claim) -> bool:
    """Whether this is the password; without a stored one the same work, and False. Raises RateLimited, as `hashed` does."""
    return await _in_thread(claim, verify, stored or DUMMY_HASH, _bytes(password)) and stored is not None


def verify(stored: str, password: bytes) -> bool:
    try:
        return _hasher.verify(stored, password)
    except VerificationError:
        return False


def normalized(password: str) -> str:
    """The same text on every keyboard: `é` is one character or two."""
    # No longer one is anybody's, and normalising takes time by the square of the marks on one letter.
    return unicodedata.normalize("NFKC", password) if len(password) <= MAXIMUM_LENGTH else password


def _bytes(password: str) -> bytes:
    return normalized(password).encode("utf-8", "surrogatepass")


async def _in_thread(claim: Claim, function: Callable[..., T], *arguments: object) -> T:
    if claim.queue.is_full:
        raise RateLimited("Too many people log in at this moment. Try again in a few seconds.", retryAfterSeconds=5)
    with claim.queue.slot() as slot:
        try:
            for share, holder in claim.holders:
                slot.add(share, holder)
        except ShareFull:
            message = "You have passwords in work already. Try again when they are done, in a few seconds."
            raise RateLimited(message, retryAfterSeconds=5) from None
        return await asyncio.get_running_loop().run_in_executor(_threads, function, *arguments)
