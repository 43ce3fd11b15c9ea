"""What was sent to an account's webhooks to try them. The webhooks' settings are columns of the account."""

import enum
from typing import ClassVar
from uuid import UUID

import strawberry
from tortoise import fields
from tortoise.models import Model

from app.foundation.access import TenantScope, TenantScoped
from app.foundation.identifiers import new_id


@strawberry.enum(description="Which of an account's webhooks.")
class WebhookKind(enum.Enum):
    """By what they tell of."""

    REGISTRATION = strawberry.enum_value(
        "REGISTRATION", description="Called when a SIP device registers, to let it in or not."
    )
    QUEUE_EVENT = strawberry.enum_value("QUEUE_EVENT", description="Called when a caller enters or leaves a queue.")


@strawberry.enum(description="How a webhook is called.")
class WebhookMethod(enum.Enum):
    """HTTP's names."""

    GET = strawberry.enum_value(
        "GET", description="The event in the URL's query; the signature covers the time alone, not the event."
    )
    POST = strawberry.enum_value("POST", description="The event as JSON in the body, which the signature covers.")


class WebhookDelivery(TenantScoped):
    """One call. `reason` says why it did not succeed, and is null when it did; `status` is null when nobody answered.

    `request_headers` are `{name, value}`, those of basic auth without what they hold.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    account: fields.ForeignKeyRelation[Model] = fields.ForeignKeyField(
        "models.Account", related_name="webhook_deliveries", on_delete=fields.RESTRICT
    )
    account_id: UUID
    kind = fields.CharEnumField(WebhookKind, max_length=16)
    method = fields.CharEnumField(WebhookMethod, max_length=4)
    url = fields.TextField()
    request_headers: fields.JSONField[list[dict[str, str]]] = fields.JSONField()
    request_body = fields.TextField()
    status = fields.IntField(null=True)
    duration_ms = fields.IntField()
    reply = fields.TextField(null=True)
    reply_truncated = fields.BooleanField()
    reason = fields.TextField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    tenant_scope: ClassVar[TenantScope] = TenantScope(
        account="account_id", service_provider=("account__service_provider_id",)
    )

    class Meta:
        table = "webhook_deliveries"
