"""Retention of audit events."""

from datetime import UTC, datetime, timedelta

from tortoise.transactions import in_transaction

from app.audit.model import AuditEvent, AuditPruning


async def prune(days: int) -> int:
    """Deletes events older than `days`, in one transaction. Returns how many."""
    until = datetime.now(UTC) - timedelta(days=days)
    async with in_transaction():
        # The trigger rejects deletions that no such row allows.
        pruning = await AuditPruning.create(until=until)
        deleted = await AuditEvent.filter(at__lt=until).delete()
        await pruning.delete()
    return deleted
