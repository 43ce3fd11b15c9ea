"""Test deliveries of an account's webhooks. The settings of webhooks are columns of accounts and applications."""

import enum
from typing import ClassVar
from uuid import UUID

import strawberry
from tortoise import fields
from tortoise.models import Model

from app.foundation.access import TenantScope, TenantScoped
from app.foundation.identifiers import new_id


@strawberry.enum(description="The webhooks of an account.")
class WebhookKind(enum.Enum):
    REGISTRATION = strawberry.enum_value(
        "REGISTRATION", description="Called when a SIP device registers, to accept or reject it."
    )
    QUEUE_EVENT = strawberry.enum_value("QUEUE_EVENT", description="Called when a caller enters or leaves a queue.")


@strawberry.enum(description="How a webhook is called.")
class WebhookMethod(enum.Enum):
    GET = strawberry.enum_value(
        "GET", description="The event is in the URL's query. The signature covers only the time, not the event."
    )
    POST = strawberry.enum_value("POST", description="The event is JSON in the body, which the signature covers.")


class WebhookDelivery(TenantScoped):
    """One call. `code` and `reason` say why it failed, and are null on success; `status` is null without a response.

    `request_headers` are `{name, value}`, with masked credentials.
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
    code = fields.CharField(max_length=32, null=True)
    reason = fields.TextField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    tenant_scope: ClassVar[TenantScope] = TenantScope(
        account="account_id", service_provider=("account__service_provider_id",)
    )

    class Meta:
        table = "webhook_deliveries"
