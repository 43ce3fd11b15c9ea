"""Migrations of an empty and a populated database, atomic and one at a time; no server serves an older or newer schema.

The catalogue of a migrated database is compared with the models plus the lists of `app/foundation/database/catalogue.py`.
"""

import asyncio
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from aerich.coder import decoder, encoder
from aerich.utils import decompress_dict, get_formatted_compressed_data, get_models_describe, import_py_file
from tortoise import Tortoise
from tortoise.exceptions import BaseORMException

from app.commands import draft_migration, migrate
from app.foundation.database import catalogue, orm, schema_version
from app.foundation.permissions import Role
from app.foundation.settings import Settings
from app.users.model import User
from tests.support.catalogue import (
    MADE_BY_TRIGGERS,
    ROWS,
    MakeSettings,
    columns,
    contents,
    empty,
    fill,
    foreign_keys,
    make_settings,
    migrated,
    named,
    tables,
)
from tests.support.commands import ended, ended_process, environment_of

pytestmark = pytest.mark.long

__all__ = ["empty", "make_settings", "migrated"]
FILES = schema_version.known_migrations()


async def test_migrate_brings_an_empty_database_to_the_newest_schema(empty: Settings) -> None:
    assert await migrate.migrate(empty) == FILES
    assert await migrate.migrate(empty) == []
    async with orm.opened(empty) as db:
        await schema_version.check(db)
        assert await tables(db) == {table for table, _ in ROWS} | MADE_BY_TRIGGERS | {"aerich"}


async def test_the_models_read_the_rows_of_every_table(migrated: Any) -> None:
    await fill(migrated)
    for model in Tortoise.apps["models"].values():
        if model._meta.db_table not in MADE_BY_TRIGGERS | {"aerich"}:
            rows = await model.all()
            assert len(rows) == len([table for table, _ in ROWS if table == model._meta.db_table])


async def test_a_migrated_database_has_the_columns_of_the_models(migrated: Any, make_settings: MakeSettings) -> None:
    found = await columns(migrated)
    async with orm.opened(make_settings("generated"), migrating=True) as db:
        await Tortoise.generate_schemas()
        expected = await columns(db)
    assert found == expected, "a column was added to the models or to the migrations alone; run `make migration`"


async def test_a_migrated_database_has_the_foreign_keys_of_the_models(migrated: Any) -> None:
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
    composite = {
        (table, column, target, "RESTRICT")
        for table, names, target in catalogue.FOREIGN_KEYS.values()
        for column in names
    }
    assert await foreign_keys(migrated) == expected | composite


async def test_a_migrated_database_has_the_listed_constraints_and_indexes(migrated: Any) -> None:
    assert await named(migrated) == {
        "UNIQUE": catalogue.UNIQUE,
        "CHECKS": catalogue.CHECKS,
        "INDEXES": catalogue.INDEXES,
    }


async def test_the_newest_file_records_the_present_models_for_aerich(migrated: Any) -> None:
    module = import_py_file(schema_version.LOCATION / "models" / FILES[-1])
    state = decompress_dict(module.MODELS_STATE)
    now = decoder(encoder(get_models_describe("models")))
    assert state == now, "the models have changed since the newest migration; run `make migration`"


BREAKS_HALF_WAY = """
from tortoise import BaseDBAsyncClient


async def upgrade(db: BaseDBAsyncClient) -> str:
    await db.execute_query("CREATE TABLE half_done (id INT NOT NULL)")
    await db.execute_query("ALTER TABLE accounts ADD COLUMN half_done INT")
    await db.execute_query("UPDATE service_providers SET name = 'half done'")
    await db.execute_query("INSERT INTO half_done (id) VALUES (NULL)")
    return ""
"""
ORPHANS = """
async def upgrade(db) -> str:
    return "DELETE FROM service_providers"
"""


@pytest.fixture
def more_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Adds a migration after the existing ones and returns its name."""

    def add(text: str) -> str:
        location = tmp_path / "migrations"
        shutil.copytree(schema_version.LOCATION, location, ignore=shutil.ignore_patterns("__pycache__"))
        (location / "models" / "90_20990101000000_next.py").write_text(text)
        monkeypatch.setattr(schema_version, "LOCATION", location)
        return "90_20990101000000_next.py"

    return add


EMPTY = """
async def upgrade(db) -> str:
    return ""

async def downgrade(db) -> str:
    return ""

MODELS_STATE = (
    {state}
)
"""


def test_a_draft_has_the_statements_between_the_newest_file_and_the_models(
    more_files: Callable[[str], str],
) -> None:
    state = decompress_dict(import_py_file(schema_version.LOCATION / "models" / FILES[-1]).MODELS_STATE)
    with ThreadPoolExecutor() as thread:  # each draft has an event loop of its own
        assert thread.submit(draft_migration.draft, "nothing").result() is None
        del state["models.KeyCheck"]
        more_files(EMPTY.format(state=get_formatted_compressed_data(state)))
        path = thread.submit(draft_migration.draft, "add_key_checks").result()
    assert path is not None
    assert path.name.startswith("91_")
    assert path.name.endswith("_add_key_checks.py")
    assert 'CREATE TABLE IF NOT EXISTS "key_checks"' in path.read_text()


IS_WRONG = """
async def upgrade(db) -> str:
    await db.execute_query("UPDATE service_providers SET name = 'half done'")
    raise ValueError("a mistake in the file")
"""


@pytest.mark.parametrize(
    "text", [BREAKS_HALF_WAY, ORPHANS, IS_WRONG], ids=["breaks half-way", "leaves orphans", "is wrong in Python"]
)
async def test_a_failed_migration_changes_nothing(empty: Settings, more_files: Callable[[str], str], text: str) -> None:
    await migrate.migrate(empty)
    async with orm.opened(empty) as db:
        await fill(db)
        before = await contents(db), await columns(db), await named(db)
    name = more_files(text)
    with pytest.raises(Exception, match=r"(?i)null|foreign|point at nothing|a mistake in the file"):
        await migrate.migrate(empty)
    async with orm.opened(empty) as db:
        assert (await contents(db), await columns(db), await named(db)) == before
        with pytest.raises(schema_version.SchemaBehind, match=name):
            await schema_version.check(db)


ADDS_A_COLUMN = """
async def upgrade(db) -> str:
    return "ALTER TABLE accounts ADD COLUMN region TEXT NOT NULL DEFAULT 'eu'; UPDATE accounts SET region = 'us'"
"""


async def test_a_later_migration_keeps_every_row(empty: Settings, more_files: Callable[[str], str]) -> None:
    await migrate.migrate(empty)
    async with orm.opened(empty) as db:
        await fill(db)
        before = await contents(db)
        pointing = {(table, column) for table, column, _, _ in await foreign_keys(db)}
    assert [table for table, rows in before.items() if not rows] == []
    for table, column in pointing:
        assert any(row[column] for row in before[table]), f"no row of ROWS fills {table}.{column}"
    assert await migrate.migrate(empty) == []
    name = more_files(ADDS_A_COLUMN)
    assert await migrate.migrate(empty) == [name]
    async with orm.opened(empty) as db:
        after = await contents(db)
    assert {row.pop("region") for row in after["accounts"]} == {"us"}
    assert {table: rows for table, rows in after.items() if table != "aerich"} == {
        table: rows for table, rows in before.items() if table != "aerich"
    }


async def test_users_from_before_roles_become_managers_and_keys_keep_their_level(
    empty: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / "migrations"
    shutil.copytree(
        schema_version.LOCATION, first, ignore=lambda _, names: {name for name in names if name in FILES[1:]}
    )
    with monkeypatch.context() as before:
        before.setattr(schema_version, "LOCATION", first)
        await migrate.migrate(empty)
        async with orm.opened(empty) as db:
            await fill(db)
    assert await migrate.migrate(empty) == FILES[1:]
    async with orm.opened(empty) as db:
        after = await contents(db)
    assert [(user["role"], user["permissions"]) for user in after["users"]] == [("MANAGER", None)] * 3
    assert {(key["access_level"], key["permissions"]) for key in after["api_keys"]} == {("FULL", None)}


async def test_of_concurrent_processes_one_migrates_and_the_others_wait(empty: Settings) -> None:
    answers = await asyncio.gather(*(ended_process(environment_of(empty), "migrate") for _ in range(3)))
    assert [code for code, _, _ in answers] == [0, 0, 0], answers
    applied = [line for _, out, _ in answers for line in out.splitlines() if line.startswith("applied ")]
    assert sorted(applied) == [f"applied {name}" for name in FILES]
    async with orm.opened(empty) as db:
        rows = await db.execute_query_dict("SELECT version FROM aerich")
        assert sorted(row["version"] for row in rows) == FILES


@pytest.mark.parametrize("state", ["empty", "ahead"])
async def test_a_server_rejects_a_schema_of_another_version(empty: Settings, state: str) -> None:
    if state == "ahead":
        await migrate.migrate(empty)
        async with orm.opened(empty) as db:
            await db.execute_query(
                "INSERT INTO aerich (version, app, content) VALUES ('99_20990101000000_newer.py', 'models', '{}')"
            )
    code, out, err = await ended(environment_of(empty), "serve")
    assert code == 1, err
    assert out == ""
    assert len(err.splitlines()) == 1, err
    words = (
        "newer version of this program (99_20990101000000_newer.py)" if state == "ahead" else "python -m app migrate"
    )
    assert words in err
    if state == "ahead":
        assert (await ended(environment_of(empty), "migrate"))[0] == 1


async def test_the_migration_of_roles_is_undone_only_while_all_users_are_managers(empty: Settings) -> None:
    await migrate.migrate(empty)
    name = next(each for each in FILES if each.endswith("roles_and_permissions.py"))
    undo = await import_py_file(schema_version.LOCATION / "models" / name).downgrade(None)
    async with orm.opened(empty) as db:
        await fill(db)
        await User.all().update(role=Role.VIEWER)
        with pytest.raises(BaseORMException, match="users_are_managers"):
            await db.execute_script(undo)
        await User.all().update(role=Role.MANAGER)
        await db.execute_script(undo)
