"""A digest of each key that this installation has been started with."""

from tortoise import fields
from tortoise.models import Model


class KeyCheck(Model):
    """`name` is that of a key in ENCRYPTION_KEYS, or HASH_KEY; `check_hash` is `Keyring.check_hashes`' for its value."""

    name = fields.CharField(max_length=48, primary_key=True)
    check_hash = fields.BinaryField()

    class Meta:
        table = "key_checks"
