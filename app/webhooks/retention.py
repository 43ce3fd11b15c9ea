"""Deliveries are kept for 30 days: every worker removes older ones when it starts, and once an hour."""

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.foundation.periodic import repeated
from app.webhooks.model import WebhookDelivery

KEEP_FOR = timedelta(days=30)
PRUNE_EVERY_SECONDS = 3600.0
# One statement's worth, so that none holds locks for long.
_BATCH_ROWS = 1000


async def prune() -> int:
    """Removes what is older than 30 days, and answers how many that were."""
    removed, oldest_kept = 0, first_id_of(datetime.now(UTC) - KEEP_FOR)
    while ids := await WebhookDelivery.filter(id__lt=oldest_kept).order_by("id").limit(_BATCH_ROWS).values_list("id"):
        removed += await WebhookDelivery.filter(id__in=[row[0] for row in ids]).delete()
    return removed


def first_id_of(moment: datetime) -> UUID:
    """The smallest id that can be made at a moment: ids are UUIDv7, and begin with the milliseconds since 1970."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def pruning() -> AbstractAsyncContextManager[None]:
    """Prunes in the background for as long as the context lasts."""
    return repeated(prune, PRUNE_EVERY_SECONDS, "old webhook deliveries not removed")
