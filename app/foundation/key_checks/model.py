"""A digest of each key that this installation has been started with."""

from tortoise import fields
from tortoise.models import Model

from app.foundation.identifiers import new_id


class KeyCheck(Model):
    """`name` is that of a key in ENCRYPTION_KEYS, or HASH_KEY; `check_hash` is `Keyring.check_hashes`' for its value."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    name = fields.CharField(max_length=48)
    check_hash = fields.BinaryField()

    class Meta:
        table = "key_checks"
