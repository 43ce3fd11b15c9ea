"""The cache of documents: least recently used entries are evicted when all entries exceed a number of bytes.

An entry grows after it was added: plans and statements are compiled when an operation runs.
"""

from collections import OrderedDict
from typing import Generic, Protocol, TypeVar

from app.foundation import metrics

T = TypeVar("T")


class SizeObserver(Protocol):
    def grow(self, more: int) -> None:
        """Called when an entry has grown by so many bytes."""
        ...


class Size:
    """The size of one entry, in bytes."""

    def __init__(self) -> None:
        self.bytes = 0
        self._cache: SizeObserver | None = None

    def add(self, more: int) -> None:
        self.bytes += more
        if self._cache is not None:
            self._cache.grow(more)

    def count_in(self, cache: SizeObserver | None) -> None:
        """None for an evicted entry: it may still be in use, but no longer counts."""
        self._cache = cache


class Cache(Generic[T]):
    """Entries by the text of their document."""

    def __init__(self, maximum_bytes: int) -> None:
        self._maximum_bytes = maximum_bytes
        self._entries: OrderedDict[str, tuple[T, Size]] = OrderedDict()
        self.bytes = 0

    def get(self, text: str) -> T | None:
        found = self._entries.get(text)
        metrics.document_looked_up(hit=found is not None)
        if found is None:
            return None
        self._entries.move_to_end(text)
        return found[0]

    def put(self, text: str, entry: T, size: Size) -> None:
        self._entries[text] = entry, size
        size.count_in(self)
        metrics.documents_cached(+1, 0)
        self.grow(size.bytes)

    def grow(self, more: int) -> None:
        self.bytes += more
        metrics.documents_cached(0, more)
        while self.bytes > self._maximum_bytes and self._entries:
            _, (_, size) = self._entries.popitem(last=False)
            size.count_in(None)
            self.bytes -= size.bytes
            metrics.documents_cached(-1, -size.bytes)

    def entries(self) -> list[T]:
        return [entry for entry, _ in self._entries.values()]
