"""Places for work that takes long, and who has them: so that one does not take the places of all others."""

import enum
import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from uuid import UUID


class Shares:
    """Changed by the event loop alone. How many places there are, and what is said without one, is its users' matter."""

    def __init__(self) -> None:
        self._of: Counter[Hashable] = Counter()

    def of(self, who: Hashable) -> int:
        """How many places somebody has now."""
        return self._of[who]

    def total(self) -> int:
        """How many are taken."""
        return self._of.total()

    @contextmanager
    def place(self, who: Hashable) -> Iterator[None]:
        """One more for the time of the block."""
        self._of[who] += 1
        try:
            yield
        finally:
            self._of[who] -= 1
            if not self._of[who]:
                del self._of[who]


class Share(enum.Enum):
    """Who holds a part of the slots, and the largest part."""

    CALLER = "key or session", Fraction(1, 4)
    ACCOUNT = "account", Fraction(1, 2)
    PROVIDER = "service provider", Fraction(3, 4)

    def __init__(self, words: str, part: Fraction) -> None:
        self.words = words
        self.part = part


class ShareFull(Exception):
    """A caller or an owner holds as many slots as one may."""

    def __init__(self, share: Share, maximum: int) -> None:
        super().__init__(f"{maximum} slots of one {share.words}")
        self.share = share
        self.maximum = maximum


class FairSlots:
    """Slots that no caller, account or service provider takes all of. The total is not bounded here."""

    def __init__(self, slots: int) -> None:
        """`slots` is the number of which the shares are parts, rounded up."""
        self._maximum = {share: math.ceil(slots * share.part) for share in Share}
        self._of: Counter[tuple[Share, UUID]] = Counter()
        self._total = 0

    @property
    def total(self) -> int:
        """Slots that are held now."""
        return self._total

    @contextmanager
    def slot(self) -> "Iterator[Slot]":
        """One more slot until the end of the block."""
        slot = Slot(self._of, self._maximum)
        self._total += 1
        try:
            yield slot
        finally:
            self._total -= 1
            slot.release()


class Slot:
    """Counts for those who were added: an owner may be known later than the caller."""

    def __init__(self, of: Counter[tuple[Share, UUID]], maximum: Mapping[Share, int]) -> None:
        self._of = of
        self._maximum = maximum
        self._held: set[tuple[Share, UUID]] = set()

    def add(self, share: Share, holder_id: UUID | None) -> None:
        """None is for callers without such an owner. Adding a holder twice counts once. Raises ShareFull."""
        if holder_id is None or (share, holder_id) in self._held:
            return
        if self._of[share, holder_id] >= self._maximum[share]:
            raise ShareFull(share, self._maximum[share])
        self._of[share, holder_id] += 1
        self._held.add((share, holder_id))

    def release(self) -> None:
        for held in self._held:
            self._of[held] -= 1
            if not self._of[held]:
                del self._of[held]
        self._held.clear()
