"""The table of API keys. Of the secret part it holds a keyed hash only."""

from typing import ClassVar
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from app.audit.model import Versioned
from app.foundation.access import Scope, TenantScope
from app.foundation.identifiers import new_id
from app.foundation.permissions import AccessLevel


class ApiKey(Versioned):
    """CHECK constraints tie `scope` to the owner columns: none for ADMIN, exactly its own for the other scopes; and
    `permissions` to the access level CUSTOM.

    `allowed_networks` are in CIDR notation; null: everywhere. After a rotation `previous_secret_hash` is accepted until
    `previous_secret_expires_at`. `created_by_*` are no foreign keys, because they outlive the creator.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    scope = fields.CharEnumField(Scope, max_length=16)
    access_level = fields.CharEnumField(AccessLevel, max_length=16)
    permissions: fields.Field[list[str] | None] = fields.JSONField(null=True)
    service_provider: fields.ForeignKeyNullableRelation[Model] = fields.ForeignKeyField(
        "models.ServiceProvider", related_name="api_keys", on_delete=fields.RESTRICT, null=True
    )
    service_provider_id: UUID | None
    account: fields.ForeignKeyNullableRelation[Model] = fields.ForeignKeyField(
        "models.Account", related_name="api_keys", on_delete=fields.RESTRICT, null=True
    )
    account_id: UUID | None
    name = fields.CharField(max_length=64)
    public_id = fields.CharField(max_length=16)
    secret_hash = fields.BinaryField()
    previous_secret_hash = fields.BinaryField(null=True)
    previous_secret_expires_at = fields.DatetimeField(null=True)
    previous_secret_last_used_at = fields.DatetimeField(null=True)
    rotated_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)
    last_used_at = fields.DatetimeField(null=True)
    last_used_address = fields.CharField(max_length=64, null=True)
    allowed_networks: fields.Field[list[str] | None] = fields.JSONField(null=True)
    created_by_scope = fields.CharEnumField(Scope, max_length=16, null=True)
    created_by_key_id = fields.UUIDField(null=True)
    created_by_user_id = fields.UUIDField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    # Clients see when a secret was set and when it expires; the creator is not a setting.
    audit_names: ClassVar[dict[str, str | None]] = {
        "secret_hash": None,
        "previous_secret_hash": None,
        "created_by_scope": None,
        "created_by_key_id": None,
        "created_by_user_id": None,
    }
    tenant_scope: ClassVar[TenantScope] = TenantScope(
        account="account_id", service_provider=("service_provider_id", "account__service_provider_id")
    )

    class Meta:
        table = "api_keys"
