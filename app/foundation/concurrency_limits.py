"""Places for work that takes long, and who has them: so that one does not take the places of all others."""

import enum
import math
from collections.abc import Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from uuid import UUID

from app.foundation.errors import RateLimited


class Shares:
    """Changed by the event loop alone. How many places there are, and what is said without one, is its users' matter."""

    def __init__(self) -> None:
        # Not a Counter, which deletes in Python.
        self._of: dict[Hashable, int] = {}

    def of(self, who: Hashable) -> int:
        """How many places somebody has now."""
        return self._of.get(who, 0)

    def total(self) -> int:
        """How many are taken."""
        return sum(self._of.values())

    def add(self, who: Hashable) -> None:
        """One more, until `remove`."""
        self._of[who] = self._of.get(who, 0) + 1

    def remove(self, who: Hashable) -> None:
        """One less."""
        left = self._of[who] - 1
        if left:
            self._of[who] = left
        else:
            del self._of[who]

    @contextmanager
    def place(self, who: Hashable) -> Iterator[None]:
        """One more for the time of the block."""
        self.add(who)
        try:
            yield
        finally:
            self.remove(who)


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
    """Slots that no caller, account or service provider takes all of."""

    def __init__(self, slots: int) -> None:
        """The shares are parts of `slots`, rounded up."""
        self._slots = slots
        self._maximum = {share: math.ceil(slots * share.part) for share in Share}
        self._held = Shares()

    @property
    def total(self) -> int:
        """Slots that are held now."""
        return self._held.of(None)

    @property
    def is_full(self) -> bool:
        """Not enforced by `slot`: what is said then, and to whom, differs."""
        return self.total >= self._slots

    @contextmanager
    def slot(self) -> "Iterator[Slot]":
        """One more slot until the end of the block."""
        with self._held.place(None), ExitStack() as held:
            yield Slot(self._held, self._maximum, held)

    @contextmanager
    def tenant_slot(self, account_id: UUID | None, service_provider_id: UUID | None, work: str) -> Iterator[None]:
        """A slot that counts for an account and its service provider. Raises RateLimited when one has its share of `work`."""
        with self.slot() as slot:
            try:
                slot.add(Share.ACCOUNT, account_id)
                slot.add(Share.PROVIDER, service_provider_id)
            except ShareFull as full:
                message = f"This {full.share.words} has {work} running already. Try again when they have ended."
                raise RateLimited(message) from None
            yield


class Slot:
    """Counts for those who were added: an owner may be known later than the caller."""

    def __init__(self, shares: Shares, maximum: Mapping[Share, int], held: ExitStack) -> None:
        self._shares = shares
        self._maximum = maximum
        self._held = held
        self._holders: set[tuple[Share, Hashable]] = set()

    def add(self, share: Share, holder: Hashable | None) -> None:
        """None is for callers without such an owner. Adding a holder twice counts once. Raises ShareFull."""
        key = (share, holder)
        if holder is None or key in self._holders:
            return
        if self._shares.of(key) >= self._maximum[share]:
            raise ShareFull(share, self._maximum[share])
        self._held.enter_context(self._shares.place(key))
        self._holders.add(key)
