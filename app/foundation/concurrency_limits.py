"""Concurrency limits for long-running work: slots, with quotas that keep one holder from taking all of them.

Not thread-safe: use from the event loop only.
"""

import enum
import math
from collections.abc import Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from uuid import UUID

from app.foundation.errors import RateLimited


class SlotCounts:
    """Counts the slots of each holder. Limits and their messages are up to the caller."""

    def __init__(self) -> None:
        # A plain dict: Counter implements deletion in Python, which is slower.
        self._of: dict[Hashable, int] = {}

    def of(self, holder: Hashable) -> int:
        return self._of.get(holder, 0)

    def total(self) -> int:
        return sum(self._of.values())

    def add(self, holder: Hashable) -> None:
        self._of[holder] = self._of.get(holder, 0) + 1

    def remove(self, holder: Hashable) -> None:
        left = self._of[holder] - 1
        if left:
            self._of[holder] = left
        else:
            del self._of[holder]

    @contextmanager
    def held(self, holder: Hashable) -> Iterator[None]:
        """Holds one more slot for this holder during the block."""
        self.add(holder)
        try:
            yield
        finally:
            self.remove(holder)


class Quota(enum.Enum):
    """The largest fraction of the slots that one holder of each kind may have."""

    CALLER = "key or session", Fraction(1, 4)
    ACCOUNT = "account", Fraction(1, 2)
    PROVIDER = "service provider", Fraction(3, 4)

    def __init__(self, words: str, fraction: Fraction) -> None:
        self.words = words
        self.fraction = fraction


class QuotaExceeded(Exception):
    """A holder has all the slots of its quota."""

    def __init__(self, quota: Quota, maximum: int) -> None:
        super().__init__(f"{maximum} slots of one {quota.words}")
        self.quota = quota
        self.maximum = maximum


class FairSlots:
    """A number of slots that no single caller, account or service provider can take all of."""

    def __init__(self, slots: int) -> None:
        """Fractional quotas are rounded up."""
        self._slots = slots
        self._maximum = {quota: math.ceil(slots * quota.fraction) for quota in Quota}
        self._held = SlotCounts()

    @property
    def total(self) -> int:
        """Number of slots currently held."""
        return self._held.of(None)

    @property
    def is_full(self) -> bool:
        """Not enforced by `slot`: each caller decides how to respond when no slot is free."""
        return self.total >= self._slots

    @contextmanager
    def slot(self) -> "Iterator[Slot]":
        """Holds one more slot until the end of the block."""
        with self._held.held(None), ExitStack() as held:
            yield Slot(self._held, self._maximum, held)

    @contextmanager
    def tenant_slot(self, account_id: UUID | None, service_provider_id: UUID | None, work: str) -> Iterator[None]:
        """Holds a slot counted against an account and its provider. Raises RateLimited if a quota of `work` is used up."""
        with self.slot() as slot:
            try:
                slot.add(Quota.ACCOUNT, account_id)
                slot.add(Quota.PROVIDER, service_provider_id)
            except QuotaExceeded as full:
                message = f"This {full.quota.words} has {work} running already. Try again when they have ended."
                raise RateLimited(message) from None
            yield


class Slot:
    """One slot. Holders are added to it as they become known: an owner may be known later than the caller."""

    def __init__(self, counts: SlotCounts, maximum: Mapping[Quota, int], held: ExitStack) -> None:
        self._counts = counts
        self._maximum = maximum
        self._held = held
        self._holders: set[tuple[Quota, Hashable]] = set()

    def add(self, quota: Quota, holder: Hashable | None) -> None:
        """Counts the slot against a holder, once. Does nothing for None (no such owner). Raises QuotaExceeded."""
        key = (quota, holder)
        if holder is None or key in self._holders:
            return
        if self._counts.of(key) >= self._maximum[quota]:
            raise QuotaExceeded(quota, self._maximum[quota])
        self._held.enter_context(self._counts.held(key))
        self._holders.add(key)
