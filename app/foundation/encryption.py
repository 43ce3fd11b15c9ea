"""Secrets at rest: AES-256-GCM bound to table, column and row; keyed hashes of secrets that are only compared.

A sealed secret is `version (1) | key id length (1) | key id | nonce (12) | ciphertext and tag`. Its associated data is
table, column and row id, so a ciphertext copied to another row does not open. Each blob names the key that sealed it,
so keys can be rotated: the first key of the keyring seals, all of them open.
"""

import base64
import binascii
import hashlib
import hmac
import os
from typing import TypedDict
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HASH_KEY = "HASH_KEY"
_VERSION = 1
_NONCE_BYTES = 12
KEY_BYTES = 32


class CannotOpen(Exception):
    """A sealed secret cannot be decrypted: unknown key, copied from another row, or damaged."""


class KeyMissing(CannotOpen):
    """The keyring lacks the key that sealed a secret. The operator can add it again; a damaged secret is lost."""


class SecretLocation(TypedDict):
    table: str
    column: str
    row: UUID


class Keyring:
    """The keys of this installation. `str()` and `repr()` show only key ids."""

    def __init__(self, encryption_keys: dict[str, bytes], hash_key: bytes) -> None:
        """The first of `encryption_keys` (id -> 32 bytes) seals; the others only open.

        `hash_key` must never change: only hashes of API keys are stored, and they cannot be recomputed with another key.
        """
        self._ciphers = {key_id: AESGCM(key) for key_id, key in encryption_keys.items()}
        self.active_key_id = next(iter(encryption_keys))
        self._hash_key = hash_key
        keys = {encryption_key_name(key_id): key for key_id, key in encryption_keys.items()} | {HASH_KEY: hash_key}
        self._check_hashes = {
            name: hmac.digest(key, b"which key this is", hashlib.sha256) for name, key in keys.items()
        }

    def __repr__(self) -> str:
        return f"<Keyring {', '.join(self._ciphers)}>"

    def seal(self, secret: str, *, table: str, column: str, row: UUID) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        key_id = self.active_key_id.encode()
        sealed = self._ciphers[self.active_key_id].encrypt(nonce, secret.encode(), _associated_data(table, column, row))
        return bytes([_VERSION, len(key_id)]) + key_id + nonce + sealed

    def is_current(self, blob: bytes) -> bool:
        """Whether the active key sealed a blob."""
        return _split(blob)[0] == self.active_key_id

    def missing_key(self, blob: bytes) -> str | None:
        """The id of the key that sealed a blob, if this keyring lacks it. Raises CannotOpen for a malformed blob."""
        key_id, _ = _split(blob)
        return None if key_id in self._ciphers else key_id

    def open(self, blob: bytes, *, table: str, column: str, row: UUID) -> str:
        """Raises CannotOpen when the blob was sealed for another row or was changed; KeyMissing for an unknown key."""
        key_id, rest = _split(blob)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise KeyMissing(f"sealed with key {key_id!r}, which the keyring does not have")
        try:
            return cipher.decrypt(
                rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _associated_data(table, column, row)
            ).decode()
        except InvalidTag:
            raise CannotOpen(f"{table}.{column} of row {row} does not open: moved or damaged") from None

    def can_open(self, blob: bytes, *, table: str, column: str, row: UUID) -> bool:
        try:
            self.open(blob, table=table, column=column, row=row)
        except CannotOpen:
            return False
        return True

    def check_hashes(self) -> dict[str, bytes]:
        """An HMAC under each key, by key name: detects a changed key without revealing it."""
        return dict(self._check_hashes)

    def keyed_hash(self, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA256 (RFC 2104) under the hash key, 32 bytes; `purpose` separates its uses."""
        return hmac.digest(self._hash_key, purpose.encode() + b"\0" + data, hashlib.sha256)


def encryption_key_name(key_id: str) -> str:
    """The name of an encryption key in messages and in `key_checks`, where the hash key is HASH_KEY."""
    return f"ENCRYPTION_KEYS {key_id}"


def key_id_of(blob: bytes) -> str:
    """The id of the key that sealed a blob. Raises CannotOpen for a malformed blob."""
    return _split(blob)[0]


def key_from_text(text: str) -> bytes:
    """A key from its base64 form. Raises ValueError when it is not 32 bytes of base64."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"has {len(key)} bytes instead of {KEY_BYTES}")
    return key


def new_key_text() -> str:
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def _associated_data(table: str, column: str, row: UUID) -> bytes:
    return f"{table}.{column}.{row.hex}".encode()


def _split(blob: bytes) -> tuple[str, bytes]:
    if len(blob) < 2 or blob[0] != _VERSION:
        raise CannotOpen("not a sealed secret of this version")
    end = 2 + blob[1]
    if len(blob) < end + _NONCE_BYTES:
        raise CannotOpen("cut off")
    return blob[2:end].decode(errors="replace"), blob[end:]
