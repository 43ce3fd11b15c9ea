"""Audit events: changes, logins, tests, playbacks and reads of secrets. They are never updated. And who last changed a row.

Events have no foreign keys and outlive the objects they describe.
"""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from app.foundation.access import Scope, TenantScope, TenantScoped
from app.foundation.identifiers import new_id


class AuditEvent(TenantScoped):
    """A trigger rejects every UPDATE, and every DELETE except of events older than an AuditPruning allows.

    `service_provider_id` is the account's provider at the time of the event. For a move it is the new provider, and
    `former_service_provider_id` the old one. `object_kind` is the prefix of the object's SID. The names are those at the time;
    for a command `actor_name` is null. `object_version` is the version that an update made.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    at = fields.DatetimeField()
    scope = fields.CharEnumField(Scope, max_length=16, null=True)
    key_id = fields.UUIDField(null=True)
    user_id = fields.UUIDField(null=True)
    actor_name = fields.CharField(max_length=64, null=True)
    operation = fields.CharField(max_length=64)
    object_kind = fields.CharField(max_length=2, null=True)
    object_id = fields.UUIDField(null=True)
    object_name = fields.CharField(max_length=64, null=True)
    object_version = fields.IntField(null=True)
    account_id = fields.UUIDField(null=True)
    service_provider_id = fields.UUIDField(null=True)
    former_service_provider_id = fields.UUIDField(null=True)
    before: fields.JSONField[dict[str, object] | None] = fields.JSONField(null=True)
    after: fields.JSONField[dict[str, object] | None] = fields.JSONField(null=True)
    request_id = fields.CharField(max_length=64, null=True)
    address = fields.CharField(max_length=64, null=True)

    tenant_scope: ClassVar[TenantScope] = TenantScope(
        account="account_id", service_provider=("service_provider_id", "former_service_provider_id")
    )

    class Meta:
        table = "audit_events"


class Versioned(TenantScoped):
    """A model whose rows name their last change: `audited_update.py` writes all these columns together.

    The newest audit event cannot say who changed a row: it may be a read or a login, and old events are pruned.
    `updated_by_*` are null for a command of the server. They are no foreign keys, because they outlive the actor.
    """

    updated_at = fields.DatetimeField(auto_now=True)
    updated_by_scope = fields.CharEnumField(Scope, max_length=16, null=True)
    updated_by_key_id = fields.UUIDField(null=True)
    updated_by_user_id = fields.UUIDField(null=True)
    updated_by_name = fields.CharField(max_length=64, null=True)
    version = fields.IntField(default=1)

    class Meta:
        abstract = True


ACTOR_COLUMNS = ("updated_by_scope", "updated_by_key_id", "updated_by_user_id", "updated_by_name")


class AuditPruning(Model):
    """Exists only inside the transaction in which `python -m app maintain` deletes events older than `until`."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    until = fields.DatetimeField()

    class Meta:
        table = "audit_prunings"
