"""Bulk rows, for tests of large tables."""

import base64
from typing import Any
from uuid import UUID

import orjson

from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.foundation import names
from app.foundation.identifiers import Kind, new_id, parse_sid
from app.service_providers.model import ServiceProvider
from tests.support.installation import World


async def fill(connection: Any, world: World, *, providers: int = 1000, accounts: int = 2000) -> None:
    """Adds providers, accounts of the provider `provider`, and a key for each account."""
    await ServiceProvider.bulk_create(
        ServiceProvider(name=f"Provider {n}", name_key=names.key(f"Provider {n}")) for n in range(providers)
    )
    owner = parse_sid(Kind.SERVICE_PROVIDER, world["provider"])
    made = [
        Account(
            id=new_id(),
            service_provider_id=owner,
            name=f"Crowd {n:05}",
            name_key=names.key(f"Crowd {n:05}"),
            webhook_secret=b"",
        )
        for n in range(accounts)
    ]
    await Account.bulk_create(made)
    await ApiKey.bulk_create(
        ApiKey(
            scope="ACCOUNT",
            access_level="FULL",
            account_id=account.id,
            name="crowd",
            public_id=f"{n:012}",
            secret_hash=new_id().bytes * 2,
        )
        for n, account in enumerate(made)
    )
    await connection.execute_query("ANALYZE")


async def multiply(connection: Any, provider: UUID, account: UUID, *, accounts: int, providers: int = 1000) -> None:
    """Creates a large installation within seconds.

    Half of the accounts belong to the provider, with unique names; the others belong to more providers, ten accounts to a name.
    One account in eleven is suspended. Each has three keys and a disabled recording configuration, with the status FAILING for
    one in 999 and WORKING for one in 20. The given account and provider, and the installation, each have as many keys as there
    are accounts.
    """
    for sql in _ROWS:
        await connection.execute_query(sql.format(provider=provider, account=account, n=accounts, providers=providers))
    await connection.execute_query("VACUUM ANALYZE")


def moved(cursor: str, row_id: UUID, value: str | None = None) -> str:
    """A cursor of the same order at another row."""
    order, _, _ = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return base64.urlsafe_b64encode(orjson.dumps([order, value, row_id.hex])).decode().rstrip("=")


def _id(kind: int, number: str) -> str:
    """An id that grows with the number, like ids of rows created in this order."""
    return (
        f"(lpad(to_hex(1700000000000 + {number}), 12, '0') || '7{kind:03}8' || lpad(to_hex({number}), 15, '0'))::uuid"
    )


def _keys(kind: int, scope: str, owner: str, of: str, number: str, rows: str) -> str:
    return (
        "INSERT INTO api_keys"
        f" (id, scope, access_level, {owner}, name, public_id, secret_hash, created_at, updated_at, version)"
        f" SELECT {_id(kind, number)}, '{scope}', 'FULL', {of}, 'crowd', '{kind}' || lpad(to_hex({number}), 12, '0'),"
        f" '', now(), now(), 1 FROM {rows}"
    )


_ROWS = (
    "INSERT INTO service_providers (id, name, name_key, active, created_at, updated_at, version)"
    f" SELECT {_id(1, 'p')}, 'Voice ' || p, 'voice ' || p, true, now(), now(), 1"
    " FROM generate_series(0, {providers} - 1) p",
    "INSERT INTO accounts (id, service_provider_id, name, name_key, active, usage_unit, usage_maximum,"
    " licensed_sessions, webhook_secret, created_at, updated_at, version)"
    f" SELECT {_id(2, 'a')}, CASE a % 2 WHEN 0 THEN '{{provider}}' ELSE {_id(1, 'a / 2 % {providers}')} END,"
    " 'Crowd ' || name, 'crowd ' || name, a % 11 > 0, 'SESSIONS', 0, 0, '', now(), now(), 1"
    " FROM generate_series(1, {n}) a,"
    " LATERAL (SELECT md5((CASE a % 2 WHEN 0 THEN a ELSE -a / 20 END)::text)) named(name)",
    "INSERT INTO recording_configs (id, account_id, enabled, audio_format, s3_tags, record_all_calls, fingerprint,"
    " storage_status, storage_status_since, created_at, updated_at, version)"
    f" SELECT {_id(3, 'a')}, {_id(2, 'a')}, false, 'MP3', '[]', false, '',"
    " CASE WHEN a % 999 = 1 THEN 'FAILING' WHEN a % 20 = 2 THEN 'WORKING' ELSE 'UNVERIFIED' END, now(), now(), now(), 1"
    " FROM generate_series(1, {n}) a",
    _keys(4, "ACCOUNT", "account_id", _id(2, "k / 3"), "k", "generate_series(3, {n} * 3 + 2) k"),
    _keys(5, "ACCOUNT", "account_id", "'{account}'", "k", "generate_series(1, {n}) k"),
    _keys(6, "SERVICE_PROVIDER", "service_provider_id", "'{provider}'", "k", "generate_series(1, {n}) k"),
    _keys(7, "ADMIN", "account_id", "NULL", "k", "generate_series(1, {n}) k"),
)
