"""Retention of deliveries: every worker removes those older than 30 days at its start and once an hour."""

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.foundation.periodic import repeated
from app.webhooks.model import WebhookDelivery

KEEP_FOR = timedelta(days=30)
PRUNE_EVERY_SECONDS = 3600.0
# Rows per statement, so that no statement holds locks for long.
_BATCH_ROWS = 1000


async def prune() -> int:
    """Removes deliveries older than 30 days; returns their number."""
    removed, oldest_kept = 0, first_id_of(datetime.now(UTC) - KEEP_FOR)
    while ids := await WebhookDelivery.filter(id__lt=oldest_kept).order_by("id").limit(_BATCH_ROWS).values_list("id"):
        removed += await WebhookDelivery.filter(id__in=[row[0] for row in ids]).delete()
    return removed


def first_id_of(moment: datetime) -> UUID:
    """The smallest id of a moment: ids are UUIDv7, which begin with the milliseconds since 1970."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def pruning() -> AbstractAsyncContextManager[None]:
    """Prunes in the background while the context is open."""
    return repeated(prune, PRUNE_EVERY_SECONDS, "old webhook deliveries not removed")
