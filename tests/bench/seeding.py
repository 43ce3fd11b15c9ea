"""A database of a realistic size, filled by COPY: accounts with a recording configuration and three keys each.

Another account has thousands of keys.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from app.api_keys import service as api_keys
from app.api_keys import token
from app.commands import migrate
from app.foundation import names
from app.foundation.database import orm
from app.foundation.encryption import Keyring
from app.foundation.identifiers import Kind, new_id, sid_of
from app.foundation.settings import Settings

PROVIDERS, ACCOUNTS, KEYS_EACH, KEYS_OF_THE_BIG_ONE = 10, 10_000, 3, 5_000
# Multiples of the connections of a load, so that each connection has its own accounts.
_READ, _WRITTEN = 128, 128
_NOW = datetime.now(UTC)

Row = dict[str, Any]


@dataclass(frozen=True)
class Seeded:
    """The ids and keys for the requests."""

    admin_key: str
    account_key: str
    """Of the first of `read_account_ids`."""
    read_account_ids: list[str]
    written_account_ids: list[str]
    big_account_id: str
    key_ids_in_the_middle: list[UUID]


async def seed(settings: Settings, accounts: int = ACCOUNTS) -> Seeded:
    """Migrates and fills an empty PostgreSQL database."""
    await migrate.migrate(settings)
    keyring = settings.keyring()
    async with orm.opened(settings):
        admin_key = await api_keys.create_first_admin(keyring, "bench")
    providers = [_provider(number) for number in range(PROVIDERS)]
    rows = [_account(number, providers[number % PROVIDERS], keyring) for number in range(accounts)]
    # Far from both ends; the page shows the newest.
    read, written, big = rows[1000 : 1000 + _READ], rows[2000 : 2000 + _WRITTEN], rows[3000]
    keys_of_the_big_one = [_key(big, number) for number in range(KEYS_OF_THE_BIG_ONE)]
    account_key, text = _usable_key(read[0], keyring)
    keys = (_key(account, number) for account in rows for number in range(KEYS_EACH))
    connection = await asyncpg.connect(settings.database_url)
    try:
        await _copy(connection, "service_providers", iter(providers))
        await _copy(connection, "accounts", iter(rows))
        await _copy(connection, "recording_configs", (_config(account, keyring) for account in rows))
        await _copy(connection, "api_keys", itertools.chain(keys, keys_of_the_big_one, (account_key,)))
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    middle = len(keys_of_the_big_one) // 2
    return Seeded(
        admin_key,
        text,
        _ids(read),
        _ids(written),
        _ids([big])[0],
        [row["id"] for row in keys_of_the_big_one[middle : middle + 16]],
    )


async def _copy(connection: asyncpg.Connection, table: str, rows: Iterator[Row]) -> None:
    first = next(rows)
    records = (tuple(row.values()) for row in itertools.chain((first,), rows))
    await connection.copy_records_to_table(table, columns=list(first), records=records)


def _ids(accounts: list[Row]) -> list[str]:
    return [sid_of(Kind.ACCOUNT, account["id"]) for account in accounts]


def _provider(number: int) -> Row:
    name = f"Provider {number}"
    return _saved({"id": new_id(), "name": name, "name_key": names.key(name), "active": True})


def _account(number: int, provider: Row, keyring: Keyring) -> Row:
    row_id, name = new_id(), f"Customer {number:05d} – Sprachdienste"
    secret = keyring.seal(f"whs_{number:040d}", table="accounts", column="webhook_secret", row=row_id)
    return _saved(
        {
            "id": row_id,
            "service_provider_id": provider["id"],
            "name": name,
            "name_key": names.key(name),
            "active": True,
            "usage_unit": "MINUTES" if number % 3 else "SESSIONS",
            "usage_maximum": number,
            "licensed_sessions": number % 50,
            "sip_realm": f"c{number}.sip.example.com" if number % 4 else None,
            "webhook_secret": secret,
        }
    )


def _config(account: Row, keyring: Keyring) -> Row:
    row_id = new_id()
    tags = [{"name": "customer", "value": account["name"]}, {"name": "tier", "value": "gold"}]
    return _saved(
        {
            "id": row_id,
            "account_id": account["id"],
            "enabled": True,
            "audio_format": "MP3",
            "bucket_vendor": "AWS_S3",
            "bucket_name": f"recordings-{row_id.hex[-12:]}",
            "region": "eu-central-1",
            "access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "secret_access_key": keyring.seal(
                "s3cret", table="recording_configs", column="secret_access_key", row=row_id
            ),
            "secret_access_key_set_at": _NOW,
            "s3_tags": orjson.dumps(tags).decode(),
            "record_all_calls": False,
            "fingerprint": keyring.keyed_hash("bench", row_id.bytes).hex()[:32],
            "storage_status": "UNVERIFIED",
            "storage_status_since": _NOW,
        }
    )


def _key(account: Row, number: int) -> Row:
    row_id = new_id()
    return _saved(
        {
            "id": row_id,
            "scope": "ACCOUNT",
            "access_level": "READ_ONLY" if number else "FULL",
            "account_id": account["id"],
            "name": f"Key {number}",
            "public_id": row_id.hex[-16:],
            "secret_hash": row_id.bytes * 2,
            "expires_at": _NOW + timedelta(days=365) if number else None,
        }
    )


def _usable_key(account: Row, keyring: Keyring) -> tuple[Row, str]:
    """A valid API key, and its text."""
    made = token.make()
    hashed = token.secret_hash(keyring, made)
    return {**_key(account, 0), "public_id": made.public_id, "secret_hash": hashed}, made.text


def _saved(row: Row) -> Row:
    return {**row, "created_at": _NOW, "updated_at": _NOW, "version": 1}
