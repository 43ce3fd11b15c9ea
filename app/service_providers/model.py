"""A service provider: who runs accounts for customers."""

from typing import ClassVar

from tortoise import fields

from app.foundation.access import TenantScope, TenantScoped
from app.foundation.identifiers import new_id


class ServiceProvider(TenantScoped):
    """`name_key` is what makes names that look the same equal; see `app/foundation/names.py`."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    name = fields.CharField(max_length=64)
    name_key = fields.TextField()
    active = fields.BooleanField(default=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)
    version = fields.IntField(default=1)

    tenant_scope: ClassVar[TenantScope] = TenantScope(account=None, service_provider=("id",))

    class Meta:
        table = "service_providers"
