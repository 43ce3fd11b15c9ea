"""Places for work that takes long, and who has them: so that one does not take the places of all others."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


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
