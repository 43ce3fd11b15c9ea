"""What is done with the audit trail: nothing but forgetting what is very old."""

from datetime import UTC, datetime, timedelta

from tortoise.transactions import in_transaction

from app.audit.model import AuditEvent, AuditPruning


async def prune(days: int) -> int:
    """Deletes the events that are older than so many days, in one transaction; answers how many there were."""
    until = datetime.now(UTC) - timedelta(days=days)
    async with in_transaction():
        # The trigger lets only those go that such a row speaks of.
        pruning = await AuditPruning.create(until=until)
        deleted = await AuditEvent.filter(at__lt=until).delete()
        await pruning.delete()
    return deleted
