"""The context of one operation: the caller, the process's resources, and the data loaders."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
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
"""The operation name of what commands do."""


@dataclass(frozen=True)
class Resources:
    """What a process opens at start-up: settings, keys, and clients by their types."""

    settings: Settings
    keyring: Keyring
    clients: Mapping[type, Any]


def no_limit(_rows: int) -> None:
    """Compiled plans have no row limit: they make no ORM objects."""


@dataclass(slots=True)
class Context:
    """One per operation, with its loaders: callers never share loaded rows."""

    caller: Viewer | None
    request_id: str
    resources: Resources
    operation: str = SERVER
    """The running mutation."""
    shown_secrets: set[Hashable] = field(default_factory=set)
    """The secrets that this operation has shown: each is audited once."""
    address: str = ""
    """The client's network address; empty for commands."""
    user_agent: str = ""
    count_rows: Callable[[int], None] = no_limit
    """Called with the number of rows that the ORM is about to load. Raises BadUserInput when they are too many."""
    without_slot: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Entered by a mutation while it waits for a tenant's server: releases its slot (`execution/limits/slots.py`)."""
    recheck_credential: Callable[[], Awaitable[Viewer | None]] | None = None
    """Returns the caller as it is now. Raises Unauthenticated when the credential was revoked. None without a credential."""
    as_owner: Viewer | None = None
    """The mixed caller of the running mutation, with its permissions in the account that the input names."""
    _has_logged_in: bool = False
    _loaders: dict[Hashable, DataLoader[Any, Any]] = field(default_factory=dict)

    @property
    def viewer(self) -> Viewer:
        """The authenticated caller. Raises Unauthenticated without one."""
        if self.caller is None:
            raise Unauthenticated
        return self.caller

    async def refresh_caller(self) -> None:
        """Updates the caller after a wait, in which it may have lost permissions. Raises Unauthenticated if it was revoked."""
        if self.recheck_credential is not None:
            self.caller = await self.recheck_credential()

    def begin(self, mutation: str) -> None:
        """Begins a mutation of the operation, and forgets loaded rows: the mutation may change them."""
        self.operation = mutation
        self._loaders.clear()

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Makes `as_owner` the caller during a mutation's effect. Its payload is read with the permissions of each row."""
        caller = self.caller
        if self.as_owner is None:
            yield
            return
        self.caller = self.as_owner
        try:
            yield
        finally:
            self.caller = caller

    def log_in(self, viewer: Viewer) -> None:
        """Makes a user who just logged in the caller of the rest of the operation, unless it came with a credential."""
        if self.caller is None or self._has_logged_in:
            self.caller, self._has_logged_in = viewer, True

    @property
    def keyring(self) -> Keyring:
        return self.resources.keyring

    def use(self, client: type[T]) -> T:
        """The process's client of this type, opened at start-up."""
        found: T = self.resources.clients[client]
        return found

    def loader(self, key: Hashable, load: Callable[[list[K]], Awaitable[list[T]]]) -> DataLoader[K, T]:
        """The loader of this key, created with `load` at first use."""
        loader = self._loaders.get(key)
        if loader is None:
            loader = self._loaders[key] = _Loader(load_fn=load)
        return loader


class _Loader(DataLoader[K, T]):
    """A loader whose results several fields may await.

    graphql-core cancels sibling fields of one that failed; the shield keeps that from cancelling the load for other fields.
    """

    def load(self, key: K) -> Awaitable[T]:
        return asyncio.shield(super().load(key))


Info = strawberry.Info[Context, None]
