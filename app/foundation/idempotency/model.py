"""What was made under a client's idempotency key, so that a repeat makes nothing again."""

from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from app.foundation.identifiers import new_id


class IdempotencyRecord(Model):
    """Of one actor (a key or a user), one mutation and one key of the client's; kept on success only, for 24 hours."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    actor_id = fields.UUIDField()
    operation = fields.CharField(max_length=64)
    key = fields.CharField(max_length=255)
    input_hash = fields.BinaryField()
    made_id: UUID | None = fields.UUIDField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "idempotency_records"
