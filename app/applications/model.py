"""The table of applications."""

from typing import ClassVar
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from app.audit.model import Versioned
from app.foundation.access import TenantScope
from app.foundation.identifiers import new_id
from app.webhooks.model import WebhookMethod


class Application(Versioned):
    """CHECK constraints tie each webhook's user name to its password, and both to its URL. Passwords are encrypted."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    account: fields.ForeignKeyRelation[Model] = fields.ForeignKeyField(
        "models.Account", related_name="applications", on_delete=fields.RESTRICT
    )
    account_id: UUID
    name = fields.CharField(max_length=64)
    name_key = fields.TextField()
    calling_webhook_url = fields.CharField(max_length=2048)
    calling_webhook_method = fields.CharEnumField(WebhookMethod, max_length=4)
    calling_webhook_username = fields.CharField(max_length=255, null=True)
    calling_webhook_password = fields.BinaryField(null=True)
    call_status_webhook_url = fields.CharField(max_length=2048, null=True)
    call_status_webhook_method = fields.CharEnumField(WebhookMethod, max_length=4, null=True)
    call_status_webhook_username = fields.CharField(max_length=255, null=True)
    call_status_webhook_password = fields.BinaryField(null=True)
    record_all_calls = fields.BooleanField(default=False)
    created_at = fields.DatetimeField(auto_now_add=True)

    sealed: ClassVar[tuple[str, ...]] = ("calling_webhook_password", "call_status_webhook_password")
    tenant_scope: ClassVar[TenantScope] = TenantScope(
        account="account_id", service_provider=("account__service_provider_id",)
    )

    class Meta:
        table = "applications"
