"""The table of service providers."""

from typing import ClassVar

from tortoise import fields

from app.audit.model import Versioned
from app.foundation.access import TenantScope
from app.foundation.identifiers import new_id


class ServiceProvider(Versioned):
    """`name_key` is the normalized name that the unique constraint compares; see `app/foundation/names.py`."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    name = fields.CharField(max_length=64)
    name_key = fields.TextField()
    active = fields.BooleanField(default=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    tenant_scope: ClassVar[TenantScope] = TenantScope(account=None, service_provider=("id",))

    class Meta:
        table = "service_providers"
