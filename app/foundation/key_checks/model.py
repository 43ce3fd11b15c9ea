"""The check hashes of the keys that this installation has been started with."""

from tortoise import fields
from tortoise.models import Model

from app.foundation.identifiers import new_id


class KeyCheck(Model):
    """`name` is HASH_KEY or a key of ENCRYPTION_KEYS; `check_hash` is from `Keyring.check_hashes`."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    name = fields.CharField(max_length=48)
    check_hash = fields.BinaryField()

    class Meta:
        table = "key_checks"
