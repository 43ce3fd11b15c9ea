"""The stored results of idempotency keys."""

from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from app.foundation.identifiers import new_id


class IdempotencyRecord(Model):
    """One per actor (an API key or a user), mutation and idempotency key; stored on success only, for 24 hours."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    actor_id = fields.UUIDField()
    operation = fields.CharField(max_length=64)
    key = fields.CharField(max_length=255)
    input_hash = fields.BinaryField()
    made_id: UUID | None = fields.UUIDField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "idempotency_records"
