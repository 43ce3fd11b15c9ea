"""The table of accounts."""

import enum
from typing import ClassVar
from uuid import UUID

import strawberry
from tortoise import fields

from app.audit.model import Versioned
from app.foundation.access import Scope, TenantScope
from app.foundation.identifiers import new_id
from app.service_providers.model import ServiceProvider
from app.webhooks.model import WebhookMethod


@strawberry.enum(description="What a usage limit counts.")
class UsageUnit(enum.Enum):
    SESSIONS = strawberry.enum_value("SESSIONS", description="Concurrent calls.")
    MINUTES = strawberry.enum_value("MINUTES", description="Minutes of calls.")


class Account(Versioned):
    """Secrets and passwords are encrypted (`app/foundation/encryption.py`). A `usage_maximum` of 0 means unlimited.

    `created_by_*` are no foreign keys, because accounts outlive their creators. CHECK constraints tie the previous webhook secret
    to its expiry, a webhook's user name to its password, and both to its URL.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    service_provider: fields.ForeignKeyRelation[ServiceProvider] = fields.ForeignKeyField(
        "models.ServiceProvider", related_name="accounts", on_delete=fields.RESTRICT
    )
    service_provider_id: UUID
    # A foreign key to users by hand: Tortoise supports no tables that refer to each other.
    owner_id = fields.UUIDField(null=True)
    name = fields.CharField(max_length=64)
    name_key = fields.TextField()
    active = fields.BooleanField(default=True)
    usage_unit = fields.CharEnumField(UsageUnit, max_length=8, default=UsageUnit.SESSIONS)
    usage_maximum = fields.IntField(default=0)
    licensed_sessions = fields.IntField(default=0)
    sip_realm = fields.CharField(max_length=132, null=True)
    webhook_secret = fields.BinaryField()
    previous_webhook_secret = fields.BinaryField(null=True)
    previous_webhook_secret_expires_at = fields.DatetimeField(null=True)
    registration_webhook_url = fields.CharField(max_length=2048, null=True)
    registration_webhook_method = fields.CharEnumField(WebhookMethod, max_length=4, null=True)
    registration_webhook_username = fields.CharField(max_length=255, null=True)
    registration_webhook_password = fields.BinaryField(null=True)
    queue_event_webhook_url = fields.CharField(max_length=2048, null=True)
    queue_event_webhook_username = fields.CharField(max_length=255, null=True)
    queue_event_webhook_password = fields.BinaryField(null=True)
    # Composite foreign keys restrict these to applications of this account (`app/foundation/database/catalogue.py`).
    device_calling_application_id = fields.UUIDField(null=True)
    siprec_application_id = fields.UUIDField(null=True)
    created_by_scope = fields.CharEnumField(Scope, max_length=16, null=True)
    created_by_key_id = fields.UUIDField(null=True)
    created_by_user_id = fields.UUIDField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    sealed: ClassVar[tuple[str, ...]] = (
        "webhook_secret",
        "previous_webhook_secret",
        "registration_webhook_password",
        "queue_event_webhook_password",
    )
    # The previous secret changes with `webhook_secret`, and clients see its expiry only; the creator is not a setting.
    audit_names: ClassVar[dict[str, str | None]] = {
        "previous_webhook_secret": None,
        "created_by_scope": None,
        "created_by_key_id": None,
        "created_by_user_id": None,
    }
    tenant_scope: ClassVar[TenantScope] = TenantScope(account="id", service_provider=("service_provider_id",))

    class Meta:
        table = "accounts"
