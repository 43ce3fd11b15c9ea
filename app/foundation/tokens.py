"""Tokens of API keys and sessions: prefix + public id + `_` + secret + checksum, in base62.

The prefix names the kind of token and is what scanners for leaked secrets look for: never change one. The public id (12
characters) is looked up. Only a keyed hash of the secret (32 random bytes, 43 characters) is stored. The checksum (6 characters,
CRC-32 of the rest) detects a mistyped token without a database query.
"""

import secrets
import zlib
from dataclasses import dataclass, field

from app.foundation.encryption import Keyring

PUBLIC_ID_LENGTH = 12
_SECRET_LENGTH = 43
_CHECKSUM_LENGTH = 6
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS = frozenset(_ALPHABET)


@dataclass(frozen=True)
class Token:
    """A whole token with its secret. It exists only in memory and is shown once."""

    prefix: str
    public_id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        body = f"{self.prefix}{self.public_id}_{self.secret}"
        return body + _checksum(body)


@dataclass(frozen=True)
class Form:
    """A kind of token: its prefix, and the purpose under which its secrets are hashed."""

    prefix: str
    purpose: str

    def make(self, public_id: str | None = None) -> Token:
        """A new token; with a public id, a new secret for an existing one."""
        return Token(
            self.prefix,
            public_id or "".join(secrets.choice(_ALPHABET) for _ in range(PUBLIC_ID_LENGTH)),
            _base62(int.from_bytes(secrets.token_bytes(32)), _SECRET_LENGTH),
        )

    def read(self, text: str) -> Token | None:
        """Parses a token. Returns None for another kind, a wrong form or a wrong checksum."""
        body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
        public_id, separator, secret = body.removeprefix(self.prefix).partition("_")
        if not (body.startswith(self.prefix) and separator and len(public_id) == PUBLIC_ID_LENGTH):
            return None
        if len(secret) != _SECRET_LENGTH or not _DIGITS.issuperset(public_id + secret) or checksum != _checksum(body):
            return None
        return Token(self.prefix, public_id, secret)

    def secret_hash(self, keyring: Keyring, token: Token) -> bytes:
        """The stored hash of the secret, bound to its public id. 256 random bits need no slow hash."""
        return keyring.keyed_hash(self.purpose, f"{token.public_id}.{token.secret}".encode())


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
