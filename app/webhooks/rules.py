"""What a webhook may be."""

from dataclasses import dataclass

from strawberry import Some

from app.webhooks.model import WebhookMethod

MAXIMUM_CREDENTIAL = 255


@dataclass(frozen=True)
class WebhookChange:
    """What an input gives of a webhook; None is what it leaves out, Some(None) is an explicit null."""

    url: str
    method: Some[WebhookMethod | None] | None = None
    username: Some[str | None] | None = None
    password: Some[str | None] | None = None
