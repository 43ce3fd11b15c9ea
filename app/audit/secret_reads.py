"""Who has seen a secret: noted in memory, written together every second, off the request path.

What was noted in the last second before a process is killed is lost; a worker that is stopped writes it first.
"""

from contextlib import AbstractAsyncContextManager
from uuid import UUID

from tortoise import connections

from app.audit import trail
from app.foundation.access import TenantScoped
from app.foundation.context import Context
from app.foundation.periodic import repeated

WRITE_EVERY_SECONDS = 1.0
# With the database away no more than so many are kept, at about 1 kB each.
MAXIMUM_WAITING = 20_000


class SecretReads:
    """One event for each operation and account. One per process."""

    def __init__(self) -> None:
        self._waiting: list[dict[str, object]] = []

    def record(self, context: Context, model: type[TenantScoped], account_id: UUID, secret: str) -> None:
        """An account's secret is shown to the caller; `secret` is its field in the graph."""
        if (account_id, secret) in context.shown_secrets or len(self._waiting) >= MAXIMUM_WAITING:
            return
        context.shown_secrets.add((account_id, secret))
        event = trail.new_event(context, model, account_id)
        self.add({**event, "operation": f"read {secret}", "account_id": account_id})

    def add(self, event: dict[str, object]) -> None:
        """Writes an event with the others; while too many wait, it is lost."""
        if len(self._waiting) < MAXIMUM_WAITING:
            self._waiting.append(event)

    def flush_regularly(self) -> AbstractAsyncContextManager[None]:
        """Writes in the background for as long as the context lasts, and once more at its end. What fails is kept."""
        return repeated(self.flush, WRITE_EVERY_SECONDS, "secret reads not written yet", at_the_end=True)

    async def flush(self) -> None:
        """Writes what was noted since the last time."""
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
