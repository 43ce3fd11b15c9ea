"""What one operation carries from field to field."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from app.foundation.access import Viewer
from app.foundation.encryption import Keyring
from app.foundation.errors import Unauthenticated
from app.foundation.settings import Settings

K = TypeVar("K")
T = TypeVar("T")

SERVER = "server"
"""The operation of what the commands of this server do."""


@dataclass(frozen=True)
class Resources:
    """What the process opened at its start: settings, keys, and the clients of other servers by their type."""

    settings: Settings
    keyring: Keyring
    clients: Mapping[type, Any]


async def _let_in() -> None:
    """Callers that no request names, such as the commands of this server, are never revoked."""


def no_limit(_rows: int) -> None:
    """A plan has no such limit: it makes no objects of rows."""


@dataclass(slots=True)
class Context:
    """Made for each operation; loaders live exactly as long, so nothing of one caller is shown to another."""

    caller: Viewer | None
    request_id: str
    opened: Resources
    operation: str = SERVER
    """The mutation that runs."""
    shown_secrets: set[Hashable] = field(default_factory=set)
    """Which secrets this operation has shown: each is told to the audit trail once."""
    address: str = ""
    """The client's network address; empty where there is none, as for the commands of this server."""
    user_agent: str = ""
    loading: Callable[[int], None] = no_limit
    """Called with the number of rows that the ORM is about to make; raises BadUserInput when they are too many."""
    without_slot: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Entered by a mutation while it waits for a server of a tenant: its slot (`execution/slots.py`) is free meanwhile."""
    still_authenticated: Callable[[], Awaitable[object]] = _let_in
    """Asked after a wait for the slot. Raises what refuses a caller whose key or session was closed meanwhile."""
    _has_logged_in: bool = False
    _loaders: dict[Hashable, DataLoader[Any, Any]] = field(default_factory=dict)

    @property
    def viewer(self) -> Viewer:
        """Who asks. Raises Unauthenticated when nobody does."""
        if self.caller is None:
            raise Unauthenticated
        return self.caller

    def begin(self, mutation: str) -> None:
        """A mutation of the operation begins: what was loaded before may be different when it has run."""
        self.operation = mutation
        self._loaders.clear()

    def let_in(self, viewer: Viewer) -> None:
        """Who has just logged in reads the answer to it. Whoever had come with a key or a session stays who they are."""
        if self.caller is None or self._has_logged_in:
            self.caller, self._has_logged_in = viewer, True

    @property
    def keyring(self) -> Keyring:
        return self.opened.keyring

    def use(self, client: type[T]) -> T:
        """The process's one client of this type, opened at start-up."""
        found: T = self.opened.clients[client]
        return found

    def loader(self, key: Hashable, load: Callable[[list[K]], Awaitable[list[T]]]) -> DataLoader[K, T]:
        """The loader known by `key`, made with `load` when it is asked for the first time."""
        loader = self._loaders.get(key)
        if loader is None:
            loader = self._loaders[key] = _Loader(load_fn=load)
        return loader


class _Loader(DataLoader[K, T]):
    """What is loaded is shared by all who wait for it.

    graphql-core cancels the fields beside one that failed; without the shield, that would cancel the others' wait too.
    """

    def load(self, key: K) -> Awaitable[T]:
        return asyncio.shield(super().load(key))


Info = strawberry.Info[Context, None]
