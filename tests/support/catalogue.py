"""A database's tables, columns and constraints, read from its catalogue; and rows to fill it with."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from app.commands import migrate
from app.foundation.database import orm
from app.foundation.encryption import new_key_text
from app.foundation.settings import Settings
from tests.support.servers.postgres import Postgres

ENCRYPTION_KEYS, HASH_KEY = f"test:{new_key_text()}", new_key_text()
MakeSettings = Callable[[str], Settings]

ID = "0190b5c8-e5f0-7a3f-9c1d-{:012x}"
TIME = "2026-01-31 13:37:00+00:00"
TIMES = {"created_at": TIME, "updated_at": TIME, "version": 1}
# A row of each table, and one for each foreign key: every foreign key has a child.
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("service_providers", {"id": ID.format(1), "name": "Émile", "name_key": "émile", "active": True, **TIMES}),
    ("service_providers", {"id": ID.format(2), "name": "Two", "name_key": "two", "active": False, **TIMES}),
    (
        "accounts",
        {
            "id": ID.format(3),
            "service_provider_id": ID.format(1),
            "created_by_scope": "ADMIN",
            "created_by_user_id": ID.format(98),
            "created_by_key_id": ID.format(99),
            "name": "🎧",
            "name_key": "🎧",
            "active": True,
            "usage_unit": "SESSIONS",
            "usage_maximum": 7,
            "licensed_sessions": 3,
            "sip_realm": "own.sip.example.com",
            "webhook_secret": b"\x00\xff",
            "previous_webhook_secret": b"\x03",
            "previous_webhook_secret_expires_at": TIME,
            "registration_webhook_url": "https://hooks.example.com/é",
            "registration_webhook_method": "GET",
            "registration_webhook_username": "gateway",
            "registration_webhook_password": b"\x04",
            "queue_event_webhook_url": "https://hooks.example.com/queue",
            "queue_event_webhook_username": "gateway",
            "queue_event_webhook_password": b"\x05",
            **TIMES,
        },
    ),
    *(
        (
            "api_keys",
            {
                "id": ID.format(number),
                "scope": scope,
                "access_level": "FULL",
                "service_provider_id": provider,
                "account_id": account,
                "name": scope,
                "public_id": scope[:12],
                "secret_hash": b"\x01",
                "previous_secret_expires_at": TIME,
                "created_by_scope": "ADMIN",
                "created_by_key_id": ID.format(99),
                **TIMES,
            },
        )
        for number, scope, provider, account in (
            (4, "ADMIN", None, None),
            (5, "SERVICE_PROVIDER", ID.format(1), None),
            (6, "ACCOUNT", None, ID.format(3)),
        )
    ),
    *(
        (
            "users",
            {
                "id": ID.format(number),
                "scope": scope,
                "service_provider_id": provider,
                "account_id": account,
                "email": f"Ann@{scope}.example",
                "email_key": f"ann@{scope}.example".lower(),
                "name": "Ann 🎧",
                "role": "MANAGER",
                "password_hash": "$argon2id$",
                "password_set_at": TIME,
                "must_change_password": False,
                "active": True,
                "last_login_at": TIME,
                **TIMES,
            },
        )
        for number, scope, provider, account in (
            (11, "ADMIN", None, None),
            (12, "SERVICE_PROVIDER", ID.format(1), None),
            (13, "ACCOUNT", None, ID.format(3)),
        )
    ),
    (
        "sessions",
        {
            "id": ID.format(14),
            "user_id": ID.format(11),
            "public_id": "session",
            "secret_hash": b"\x03",
            "user_agent": "Firefox/1",
            "address": "192.0.2.1",
            "created_at": TIME,
            "last_used_at": TIME,
            "expires_at": TIME,
        },
    ),
    (
        "login_failures",
        {"id": ID.format(15), "subject": b"\x04", "network": "192.0.2.1", "tried_at": TIME},
    ),
    (
        "password_policies",
        {
            "id": ID.format(16),
            "minimum_length": 12,
            "needs_digit": True,
            "needs_symbol": False,
            "refuses_common": True,
            **TIMES,
        },
    ),
    (
        "recording_configs",
        {
            "id": ID.format(7),
            "account_id": ID.format(3),
            "enabled": True,
            "audio_format": "MP3",
            "bucket_vendor": "AWS_S3",
            "bucket_name": "calls",
            "region": "eu-central-1",
            "access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "secret_access_key": b"\x02",
            "secret_access_key_set_at": TIME,
            "s3_tags": '[{"name": "customer", "value": "é"}]',
            "record_all_calls": False,
            "fingerprint": "0" * 32,
            "storage_status": "UNVERIFIED",
            "storage_status_since": TIME,
            "last_verification": None,
            **TIMES,
        },
    ),
    (
        "audit_events",
        {
            "id": ID.format(8),
            "at": TIME,
            "scope": "ADMIN",
            "operation": "updateAccount",
            "object_kind": "AC",
            "object_id": ID.format(3),
            "account_id": ID.format(3),
            "after": '{"name": "é"}',
        },
    ),
    (
        "idempotency_records",
        {
            "id": ID.format(10),
            "actor_id": ID.format(4),
            "operation": "createAccount",
            "key": "é",
            "input_hash": b"\x01",
            "made_id": ID.format(3),
            "created_at": TIME,
        },
    ),
    ("key_checks", {"id": ID.format(21), "name": "HASH_KEY", "check_hash": b"\x05"}),
    ("audit_prunings", {"id": ID.format(9), "until": "2026-01-01 00:00:00+00:00"}),
    (
        "webhook_deliveries",
        {
            "id": ID.format(11),
            "account_id": ID.format(3),
            "kind": "REGISTRATION",
            "method": "GET",
            "url": "https://hooks.example.com/é?test=true",
            "request_headers": '[{"name": "Host", "value": "hooks.example.com"}]',
            "request_body": "",
            "status": None,
            "duration_ms": 5000,
            "reply": None,
            "reply_truncated": False,
            "code": "NO_RESPONSE",
            "reason": "The receiver did not answer within 5 seconds.",
            "created_at": TIME,
        },
    ),
    (
        "applications",
        {
            "id": ID.format(12),
            "account_id": ID.format(3),
            "name": "🎧 Hotline",
            "name_key": "🎧 hotline",
            "calling_webhook_url": "wss://hooks.example.com/calls",
            "calling_webhook_method": "POST",
            "calling_webhook_username": "gateway",
            "calling_webhook_password": b"\x03",
            "record_all_calls": False,
            **TIMES,
        },
    ),
    (
        "stored_credentials",
        {
            "id": ID.format(16),
            "account_id": ID.format(3),
            "vendor": "S3_COMPATIBLE",
            "endpoint_url": "https://s3.example.com",
            "access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "secret_access_key": b"\x05",
            "fingerprint": b"\x06",
            "created_at": TIME,
        },
    ),
    (
        "calls",
        {
            "id": ID.format(17),
            "account_id": ID.format(3),
            "application_id": ID.format(12),
            "gateway_call_id": "call@gateway",
            "direction": "INBOUND",
            "from_number": "+493012345",
            "to_number": "sip:é@example.com",
            "started_at": TIME,
            "answered_at": TIME,
            "ended_at": TIME,
            "sip_status": 200,
            "termination_reason": "caller hung up",
            "trunk": "Trunk é",
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "recording_state": "FAILED",
            "recording_format": "WAV",
            "recording_size_bytes": 5_000_000_000,
            "recording_duration_ms": 61_000,
            "recording_vendor": "S3_COMPATIBLE",
            "recording_endpoint_url": "https://s3.example.com",
            "recording_bucket": "calls",
            "recording_region": "eu-central-1",
            "recording_key": "2026/01/31/CA.wav",
            "recording_credential_id": ID.format(16),
            "recording_error": '{"code": "AccessDenied"}',
            "recording_attempts": 3,
            "start_reported": True,
            "updated_at": TIME,
        },
    ),
    (
        "call_keys",
        {"id": ID.format(17), "account_id": ID.format(3), "gateway_call_id": "call@gateway"},
    ),
]
# Tables whose rows come with those of others.
MADE_BY_TRIGGERS = {"call_accounts"}
# Rows that refer to each other: columns set once all rows exist.
POINTERS: list[tuple[str, str, str, str]] = [
    ("accounts", ID.format(3), column, ID.format(12))
    for column in ("device_calling_application_id", "siprec_application_id")
]
POINTERS.append(("accounts", ID.format(3), "owner_id", ID.format(11)))


@pytest.fixture
def make_settings(tmp_path: Path, postgres: Postgres) -> MakeSettings:
    """Settings of an empty database with the given name."""

    def make(name: str) -> Settings:
        url = postgres.create(f"{name}_{tmp_path.name[-40:]}")
        return Settings(data_dir=tmp_path, database_url=url, encryption_keys=ENCRYPTION_KEYS, hash_key=HASH_KEY)

    return make


@pytest.fixture
def empty(make_settings: MakeSettings) -> Settings:
    return make_settings("empty")


@pytest.fixture
async def migrated(empty: Settings) -> AsyncIterator[Any]:
    """An open database at the newest migration."""
    await migrate.migrate(empty)
    async with orm.opened(empty, migrating=True) as db:
        yield db


# Partitions have the columns and constraints of their table.
_NO_PARTITION = "NOT IN (SELECT relname FROM pg_class WHERE relispartition)"


async def columns(db: Any) -> dict[str, tuple[str, bool]]:
    """The type of each column, and whether it may be null, by `table.column`."""
    rows = await db.execute_query_dict(
        "SELECT table_name, column_name, data_type, character_maximum_length AS length, is_nullable "
        f"FROM information_schema.columns WHERE table_schema = 'public' AND table_name {_NO_PARTITION}"
    )
    return {
        f"{row['table_name']}.{row['column_name']}": (
            f"{row['data_type']}({row['length']})",
            row["is_nullable"] == "YES",
        )
        for row in rows
    }


async def tables(db: Any) -> set[str]:
    sql = f"SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename {_NO_PARTITION}"
    return {row["name"] for row in await db.execute_query_dict(sql)}


async def foreign_keys(db: Any) -> set[tuple[str, str, str, str]]:
    """Table, column, target table, and the action when the target is deleted."""
    rows = await db.execute_query_dict(
        "SELECT conrelid::regclass::text AS source, a.attname AS column, confrelid::regclass::text AS target, "
        "CASE confdeltype WHEN 'r' THEN 'RESTRICT' ELSE confdeltype::text END AS on_delete "
        "FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) "
        "WHERE contype = 'f' AND conparentid = 0"
    )
    return {(row["source"], row["column"], row["target"], row["on_delete"]) for row in rows}


async def named(db: Any) -> dict[str, dict[str, str]]:
    """Unique constraints, checks and other indexes by name, with their tables; without primary keys and their indexes."""
    indexes = await db.execute_query_dict(
        "SELECT c.relname AS name, i.indrelid::regclass::text AS table, i.indisunique AS is_unique "
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND NOT i.indisprimary AND NOT c.relispartition"
    )
    checks = await db.execute_query_dict(
        "SELECT conname AS name, conrelid::regclass::text AS table FROM pg_constraint "
        "WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND conislocal"
    )
    return {
        "UNIQUE": {row["name"]: row["table"] for row in indexes if row["is_unique"]},
        "CHECKS": {row["name"]: row["table"] for row in checks},
        "INDEXES": {row["name"]: row["table"] for row in indexes if not row["is_unique"]},
    }


async def insert(db: Any, table: str, values: dict[str, Any]) -> None:
    """Inserts a row by plain SQL, without the models and their checks."""
    names = ", ".join(values)
    # As literals, so that PostgreSQL reads them by the column's type.
    types = await columns(db)
    literals = [_literal(value, types[f"{table}.{name}"][0]) for name, value in values.items()]
    await db.execute_query(f"INSERT INTO {table} ({names}) VALUES ({', '.join(literals)})")


async def fill(db: Any, *, but: str = "") -> None:
    """Inserts ROWS and POINTERS, as far as their tables and columns exist; the table `but` stays empty."""
    there, has = await tables(db) - {but}, await columns(db)
    for table, values in ROWS:
        if table in there:
            await insert(db, table, {name: one for name, one in values.items() if f"{table}.{name}" in has})
    for table, row_id, column, target in POINTERS:
        if f"{table}.{column}" in has:
            await db.execute_query(f"UPDATE {table} SET {column} = '{target}' WHERE id = '{row_id}'")


def _literal(value: Any, type_: str) -> str:
    if value is None:
        return "NULL"
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value).replace("'", "''")
    return f"'{text}'::{type_.partition('(')[0]}"


async def contents(db: Any) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table except aerich's."""
    found = {}
    for table in sorted(await tables(db) - {"aerich"}):
        rows = await db.execute_query_dict(f"SELECT * FROM {table} ORDER BY id")
        found[table] = [dict(row) for row in rows]
    return found
