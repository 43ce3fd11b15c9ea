"""Sample events in the form of the gateway's, marked as a test."""

from datetime import datetime
from uuid import UUID

from app.foundation.identifiers import Kind, sid_of
from app.webhooks.model import WebhookKind

Event = dict[str, object]


def sample(kind: WebhookKind, account_id: UUID, delivery_id: UUID, sip_realm: str | None, now: datetime) -> Event:
    """An event with invented values, except its ids, its time and the realm."""
    about: Event = {
        "kind": kind.value,
        "test": True,
        "deliveryId": sid_of(Kind.WEBHOOK_DELIVERY, delivery_id),
        "accountId": sid_of(Kind.ACCOUNT, account_id),
        "sentAt": now.isoformat(timespec="seconds"),
    }
    match kind:
        case WebhookKind.REGISTRATION:
            realm = sip_realm or "sip.example.com"
            return {**about, "method": "REGISTER", "username": "6001", "realm": realm, "expires": 3600}
        case WebhookKind.QUEUE_EVENT:
            return {**about, "event": "join", "queue": "support", "length": 1, "from": "+15005550006"}
