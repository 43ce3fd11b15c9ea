"""Audit events of secrets shown to a caller, collected in memory and written every second, off the request path.

A killed process loses its last second of events. A worker that shuts down writes them first.
"""

from contextlib import AbstractAsyncContextManager
from uuid import UUID

from tortoise import connections

from app.audit import trail
from app.foundation.access import TenantScoped
from app.foundation.context import Context
from app.foundation.periodic import repeated

WRITE_EVERY_SECONDS = 1.0
# The most events kept while the database is unreachable, at about 1 kB each.
MAXIMUM_WAITING = 20_000


class SecretReads:
    """One event per operation, account and secret. One instance per process."""

    def __init__(self) -> None:
        self._waiting: list[dict[str, object]] = []

    def record(self, context: Context, model: type[TenantScoped], account_id: UUID, name: str, secret: str) -> None:
        """Records that the caller reads a secret of the account with this name. `secret` is the name of its field."""
        if (account_id, secret) in context.shown_secrets or len(self._waiting) >= MAXIMUM_WAITING:
            return
        context.shown_secrets.add((account_id, secret))
        event = trail.new_event(context, model, account_id)
        self.add({**event, "operation": f"read {secret}", "object_name": name, "account_id": account_id})

    def add(self, event: dict[str, object]) -> None:
        """Adds any event to the next batch. Drops it when MAXIMUM_WAITING events wait."""
        if len(self._waiting) < MAXIMUM_WAITING:
            self._waiting.append(event)

    def flush_regularly(self) -> AbstractAsyncContextManager[None]:
        """Flushes in the background while the context is open, and once when it closes. A failed batch is retried."""
        return repeated(self.flush, WRITE_EVERY_SECONDS, "secret reads not written yet", at_the_end=True)

    async def flush(self) -> None:
        if not self._waiting:
            return
        client, events = connections.get("default"), self._waiting
        self._waiting = []
        try:
            rows = [[event.get(name) for name in trail.COLUMNS] for event in events]
            await client.execute_many(trail.INSERT, rows)
        except BaseException:
            self._waiting = events + self._waiting
            raise
