"""Migrations: from empty, from a populated database, atomic, one at a time, and never served behind or ahead of the code.

All of it on the database of the run. What a migrated database has is compared with what the models say plus the lists of
`app/database.py`.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aerich.coder import decoder
from aerich.utils import decompress_dict, get_models_describe, import_py_module
from tortoise import Tortoise

from app import database, migrating
from app.encryption import new_key_text
from app.settings import Settings
from tests.servers.postgres import Postgres

ENCRYPTION_KEYS, HASH_KEY = f"test:{new_key_text()}", new_key_text()
FILES = [name for name, _ in migrating._files()]
MakeSettings = Callable[[str], Settings]

ID = "0190b5c8-e5f0-7a3f-9c1d-{:012x}"
TIME = "2026-01-31 13:37:00+00:00"
TIMES = {"created_at": TIME, "updated_at": TIME, "version": 1}
# A row of each table and, where a column may point at another table, one that does: each foreign key has a child.
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("service_providers", {"id": ID.format(1), "name": "Émile", "name_key": "émile", "active": True, **TIMES}),
    ("service_providers", {"id": ID.format(2), "name": "Two", "name_key": "two", "active": False, **TIMES}),
    (
        "accounts",
        {
            "id": ID.format(3),
            "service_provider_id": ID.format(1),
            "name": "🎧",
            "name_key": "🎧",
            "active": True,
            "usage_unit": "SESSIONS",
            "usage_maximum": 7,
            "licensed_sessions": 3,
            "sip_realm": "own.sip.example.com",
            "webhook_secret": b"\x00\xff",
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
]


@pytest.fixture
def make_settings(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> MakeSettings:
    """Settings of an empty database with the given name."""

    def make(name: str) -> Settings:
        if backend == "postgres":
            server: Postgres = request.getfixturevalue("postgres")
            url = server.create(f"{name}_{tmp_path.name[-40:]}")
        else:
            (tmp_path / name).mkdir()
            url = f"sqlite://{tmp_path}/{name}/test.sqlite3"
        return Settings(data_dir=tmp_path, database_url=url, encryption_keys=ENCRYPTION_KEYS, hash_key=HASH_KEY)

    return make


@pytest.fixture
def empty(make_settings: MakeSettings) -> Settings:
    return make_settings("empty")


@pytest.fixture
async def migrated(empty: Settings) -> AsyncIterator[Any]:
    """A database at the newest migration, opened."""
    await migrating.migrate(empty)
    async with migrating.opened(empty) as db:
        yield db


def is_sqlite(db: Any) -> bool:
    return bool(db.capabilities.dialect == "sqlite")


async def columns(db: Any) -> dict[str, tuple[str, bool]]:
    """The type of each column, and whether it may be null, by `table.column`."""
    if is_sqlite(db):
        found = {}
        for table in await tables(db):
            for row in await db.execute_query_dict(f"PRAGMA table_info({table})"):
                found[f"{table}.{row['name']}"] = (row["type"].replace(" ", ""), not row["notnull"])
        return found
    rows = await db.execute_query_dict(
        "SELECT table_name, column_name, data_type, character_maximum_length AS length, is_nullable "
        "FROM information_schema.columns WHERE table_schema = 'public'"
    )
    return {
        f"{row['table_name']}.{row['column_name']}": (f"{row['data_type']}({row['length']})", row["is_nullable"] == "YES")
        for row in rows
    }


async def tables(db: Any) -> set[str]:
    if is_sqlite(db):
        sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    else:
        sql = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    return {row["name"] for row in await db.execute_query_dict(sql)}


async def foreign_keys(db: Any) -> set[tuple[str, str, str, str]]:
    """Table, column, the table that it points at, and what happens to the row when its target is deleted."""
    if is_sqlite(db):
        return {
            (table, row["from"], row["table"], row["on_delete"])
            for table in await tables(db)
            for row in await db.execute_query_dict(f"PRAGMA foreign_key_list({table})")
        }
    rows = await db.execute_query_dict(
        "SELECT conrelid::regclass::text AS source, a.attname AS column, confrelid::regclass::text AS target, "
        "CASE confdeltype WHEN 'r' THEN 'RESTRICT' ELSE confdeltype::text END AS on_delete "
        "FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) "
        "WHERE contype = 'f'"
    )
    return {(row["source"], row["column"], row["target"], row["on_delete"]) for row in rows}


async def named(db: Any) -> dict[str, dict[str, str]]:
    """Uniques, checks and other indexes with their tables, by name; primary keys and what they need left out."""
    if is_sqlite(db):
        rows = await db.execute_query_dict("SELECT type, name, tbl_name, sql FROM sqlite_master")
        indexes = [row for row in rows if row["type"] == "index" and not row["name"].startswith("sqlite_autoindex")]
        checks = {
            part.split()[0]: row["name"]
            for row in rows
            if row["type"] == "table"
            for part in row["sql"].split("CONSTRAINT ")[1:]
        }
        return {
            "UNIQUE": {row["name"]: row["tbl_name"] for row in indexes if "UNIQUE INDEX" in row["sql"]},
            "CHECKS": checks,
            "INDEXES": {row["name"]: row["tbl_name"] for row in indexes if "UNIQUE INDEX" not in row["sql"]},
        }
    indexes = await db.execute_query_dict(
        "SELECT c.relname AS name, i.indrelid::regclass::text AS table, i.indisunique AS is_unique "
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND NOT i.indisprimary"
    )
    checks = await db.execute_query_dict(
        "SELECT conname AS name, conrelid::regclass::text AS table FROM pg_constraint "
        "WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
    )
    return {
        "UNIQUE": {row["name"]: row["table"] for row in indexes if row["is_unique"]},
        "CHECKS": {row["name"]: row["table"] for row in checks},
        "INDEXES": {row["name"]: row["table"] for row in indexes if not row["is_unique"]},
    }


async def insert(db: Any, table: str, values: dict[str, Any]) -> None:
    known = {name.partition(".")[2]: type_ for name, (type_, _) in (await columns(db)).items() if name.startswith(f"{table}.")}
    names = ", ".join(values)
    if is_sqlite(db):
        marks = ", ".join("?" for _ in values)
        await db.execute_query(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))
        return
    # As literals, so that PostgreSQL reads them by the column's type.
    literals = [_literal(value, known[name]) for name, value in values.items()]
    await db.execute_query(f"INSERT INTO {table} ({names}) VALUES ({', '.join(literals)})")


def _literal(value: Any, type_: str) -> str:
    if value is None:
        return "NULL"
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value).replace("'", "''")
    return f"'{text}'::{type_.partition('(')[0]}"


async def contents(db: Any) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for table in sorted(await tables(db) - {"aerich"}):
        rows = await db.execute_query_dict(f"SELECT * FROM {table} ORDER BY id")
        found[table] = [dict(row) for row in rows]
    return found


async def test_an_empty_database_is_brought_to_the_newest_schema(empty: Settings) -> None:
    assert await migrating.migrate(empty) == FILES
    assert await migrating.migrate(empty) == []
    async with migrating.opened(empty) as db:
        await migrating.check(db)
        assert await tables(db) == {table for table, _ in ROWS} | {"aerich"}


@pytest.mark.parametrize("number", range(1, len(FILES)))
async def test_a_migration_keeps_every_row_of_the_schema_before_it(empty: Settings, number: int) -> None:
    await migrating.migrate(empty, until=FILES[number - 1])
    async with migrating.opened(empty) as db:
        there = await tables(db)
        for table, values in ROWS:
            if table in there:
                await insert(db, table, values)
        before = await contents(db)
        pointing = {(table, column) for table, column, _, _ in await foreign_keys(db)}
    assert [table for table, rows in before.items() if not rows] == []
    for table, column in pointing:
        assert any(row[column] for row in before[table]), f"no row of ROWS fills {table}.{column}"
    await migrating.migrate(empty, until=FILES[number])
    async with migrating.opened(empty) as db:
        after = await contents(db)
    for table, rows in before.items():
        assert len(after[table]) == len(rows), table
        for old, new in zip(rows, after[table], strict=True):
            assert {name: new[name] for name in old.keys() & new.keys()} == {
                name: value for name, value in old.items() if name in new
            }


async def test_every_table_takes_its_rows_and_the_models_read_them(migrated: Any) -> None:
    for table, values in ROWS:
        await insert(migrated, table, values)
    for model in Tortoise.apps["models"].values():
        if model._meta.db_table != "aerich":
            rows = await model.all()
            assert len(rows) == len([table for table, _ in ROWS if table == model._meta.db_table])


async def test_a_migrated_database_has_the_columns_that_the_models_say(
    migrated: Any, make_settings: MakeSettings
) -> None:
    found = await columns(migrated)
    async with migrating.opened(make_settings("generated")) as db:
        await Tortoise.generate_schemas()
        expected = await columns(db)
    assert found == expected, "a column was added to the models or to the migrations alone; run `make migration`"


async def test_a_migrated_database_has_the_foreign_keys_that_the_models_say(migrated: Any) -> None:
    expected = {
        (
            model._meta.db_table,
            field.source_field,
            field.related_model._meta.db_table,
            str(getattr(field.on_delete, "value", field.on_delete)),
        )
        for model in Tortoise.apps["models"].values()
        for name in model._meta.fk_fields
        for field in [model._meta.fields_map[name]]
    }
    assert await foreign_keys(migrated) == expected


async def test_a_migrated_database_has_the_constraints_and_indexes_that_are_listed(migrated: Any) -> None:
    assert await named(migrated) == {
        "UNIQUE": {name: table for name, (table, _) in database.UNIQUE.items()},
        "CHECKS": database.CHECKS,
        "INDEXES": database.INDEXES,
    }


async def test_the_newest_file_tells_aerich_of_the_models_as_they_are(migrated: Any) -> None:
    module = import_py_module(migrating._files()[-1][1])
    state = decompress_dict(module.MODELS_STATE)
    now = decoder(__import__("json").dumps(get_models_describe("models"), default=str))
    assert state == now, "the models have changed since the newest migration; run `make migration`"


async def test_every_file_can_be_run_again(migrated: Any) -> None:
    for table, values in ROWS:
        await insert(migrated, table, values)
    before = await contents(migrated), await columns(migrated), await named(migrated)
    for _, module in migrating._files():
        assert await import_py_module(module).upgrade(migrated) == ""
    assert (await contents(migrated), await columns(migrated), await named(migrated)) == before


BREAKS_HALF_WAY = '''
from tortoise import BaseDBAsyncClient


async def upgrade(db: BaseDBAsyncClient) -> str:
    await db.execute_query("CREATE TABLE half_done (id INT NOT NULL)")
    await db.execute_query("ALTER TABLE accounts ADD COLUMN half_done INT")
    await db.execute_query("UPDATE service_providers SET name = 'half done'")
    await db.execute_query("INSERT INTO half_done (id) VALUES (NULL)")
    return ""
'''
ORPHANS = '''
async def upgrade(db) -> str:
    await db.execute_query("DELETE FROM service_providers")
    return ""
'''


@pytest.fixture
def more_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Adds a migration after those that are there; answers its name."""

    def add(text: str) -> str:
        location = tmp_path / "migrations"
        shutil.copytree(migrating.LOCATION, location, ignore=shutil.ignore_patterns("__pycache__"))
        (location / "models" / "90_20990101000000_next.py").write_text(text)
        monkeypatch.setattr(migrating, "LOCATION", location)
        return "90_20990101000000_next.py"

    return add


@pytest.mark.parametrize("text", [BREAKS_HALF_WAY, ORPHANS], ids=["breaks half-way", "leaves orphans"])
async def test_a_migration_that_fails_leaves_nothing(
    empty: Settings, more_files: Callable[[str], str], text: str
) -> None:
    await migrating.migrate(empty)
    async with migrating.opened(empty) as db:
        for table, values in ROWS:
            await insert(db, table, values)
        before = await contents(db), await columns(db), await named(db)
    name = more_files(text)
    with pytest.raises(Exception, match=r"(?i)null|foreign|point at nothing"):
        await migrating.migrate(empty)
    async with migrating.opened(empty) as db:
        assert (await contents(db), await columns(db), await named(db)) == before
        with pytest.raises(migrating.SchemaBehind, match=name):
            await migrating.check(db)


async def test_a_migration_that_answers_a_script_is_refused(empty: Settings, more_files: Callable[[str], str]) -> None:
    more_files('async def upgrade(db) -> str:\n    return "CREATE TABLE a (id INT); CREATE TABLE b (id INT)"')
    with pytest.raises(RuntimeError, match="run its statements one by one"):
        await migrating.migrate(empty)


async def command(settings: Settings, *words: str) -> tuple[int, str, str]:
    """Runs `python -m app …` on these settings; answers its exit code and what it printed."""
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "ENCRYPTION_KEYS": settings.encryption_keys,
        "HASH_KEY": settings.hash_key,
        "PORT": "18099",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        cwd=migrating.LOCATION.parent,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(), err.decode()


async def test_of_processes_that_start_at_once_one_migrates_and_the_others_wait(empty: Settings) -> None:
    answers = await asyncio.gather(*(command(empty, "migrate") for _ in range(3)))
    assert [code for code, _, _ in answers] == [0, 0, 0], answers
    applied = [line for _, out, _ in answers for line in out.splitlines() if line.startswith("applied ")]
    assert sorted(applied) == [f"applied {name}" for name in FILES]
    async with migrating.opened(empty) as db:
        rows = await db.execute_query_dict("SELECT version FROM aerich")
        assert sorted(row["version"] for row in rows) == FILES


@pytest.mark.parametrize("state", ["empty", "behind", "ahead"])
async def test_a_database_that_is_not_of_this_version_is_not_served(empty: Settings, state: str) -> None:
    if state != "empty":
        await migrating.migrate(empty, until=FILES[0] if state == "behind" else None)
    if state == "ahead":
        async with migrating.opened(empty) as db:
            await db.execute_query(
                "INSERT INTO aerich (version, app, content) VALUES ('99_20990101000000_newer.py', 'models', '{}')"
            )
    code, out, err = await command(empty, "serve")
    assert code == 1, err
    assert out == ""
    assert len(err.splitlines()) == 1, err
    words = "newer version of this program (99_20990101000000_newer.py)" if state == "ahead" else "python -m app migrate"
    assert words in err
    if state == "ahead":
        assert (await command(empty, "migrate"))[0] == 1
