"""The text form of an API key: `vgk_` + public id + `_` + secret + checksum.

The prefix is what scanners of leaked secrets look for; never change it. The public id (12 characters) is looked up; the
secret (32 random bytes, 43 characters) is known as a keyed hash alone; the checksum (6 characters, CRC-32 of all before
it) tells a typing slip from a revoked key without asking the database. All in base62.
"""

import secrets
import zlib
from dataclasses import dataclass, field

from app.encryption import Keyring

PREFIX = "vgk_"
PUBLIC_ID_LENGTH = 12
_SECRET_LENGTH = 43
_CHECKSUM_LENGTH = 6
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS = frozenset(_ALPHABET)


@dataclass(frozen=True)
class Token:
    """A whole key, secret included. It exists in memory alone, and is shown once."""

    public_id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        body = f"{PREFIX}{self.public_id}_{self.secret}"
        return body + _checksum(body)


def make(public_id: str | None = None) -> Token:
    """A fresh key; with a public id, a fresh secret for the key that has it."""
    return Token(
        public_id or "".join(secrets.choice(_ALPHABET) for _ in range(PUBLIC_ID_LENGTH)),
        _base62(int.from_bytes(secrets.token_bytes(32)), _SECRET_LENGTH),
    )


def read(text: str) -> Token | None:
    """The parts of a key, or None when the text is no key of ours: wrong form, or a checksum that does not fit."""
    body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    public_id, separator, secret = body.removeprefix(PREFIX).partition("_")
    if not (body.startswith(PREFIX) and separator and len(public_id) == PUBLIC_ID_LENGTH):
        return None
    if len(secret) != _SECRET_LENGTH or not _DIGITS.issuperset(public_id + secret) or checksum != _checksum(body):
        return None
    return Token(public_id, secret)


def secret_hash(keyring: Keyring, token: Token) -> bytes:
    """What is stored of the secret, bound to its public id. 256 random bits need no slow hash."""
    return keyring.keyed_hash("api-key", f"{token.public_id}.{token.secret}".encode())


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
