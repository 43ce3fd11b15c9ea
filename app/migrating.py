"""Brings a database to the schema of this code.

The files in `migrations/` are aerich's. Two things differ from aerich's own command line: each file runs in one transaction
together with its version row, and a lock lets one of several starting processes migrate while the others wait.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aerich.migrate import Migrate
from aerich.models import Aerich
from aerich.utils import get_models_describe, import_py_module
from tortoise import BaseDBAsyncClient
from tortoise.transactions import in_transaction

from app import database, schema_version
from app.calls import partitions
from app.settings import Settings

# Any constant will do; it names our advisory lock within the database.
_ADVISORY_LOCK = 0x5647_4143


async def migrate(settings: Settings, *, until: str | None = None) -> list[str]:
    """Applies what is missing, each file atomically, and answers the names of the files applied.

    Stops after the file `until`, if given. Raises SchemaAhead when the database is newer than the code, and MigrationFailed.
    """
    async with database.opened(settings, migrating=True) as db, _advisory_lock(settings):
        applied = await _apply(db, until)
        if until is None:
            await partitions.make_months()
        return applied


def _files() -> list[tuple[str, Any]]:
    Migrate.app = schema_version.APP
    Migrate.migrate_location = schema_version.LOCATION / schema_version.APP
    return [(f"{module.name}.py", module) for module in Migrate.get_all_version_modules()]


async def _apply(db: BaseDBAsyncClient, until: str | None) -> list[str]:
    present = await schema_version.applied(db)
    schema_version.refuse_newer(present)
    done = []
    for name, module in _files():
        if name not in present:
            try:
                await _apply_one(name, import_py_module(module))
            except Exception as error:
                refusal = database.refusal_of(error)
                if refusal is None:
                    raise
                raise schema_version.MigrationFailed(
                    f"Nothing of {name} was kept: the database refuses. {refusal}"
                ) from error
            done.append(name)
        if until is not None and name.startswith(until):
            break
    return done


async def _apply_one(name: str, file: Any) -> None:
    async with in_transaction("default") as transaction:
        script = await file.upgrade(transaction)
        if script.strip():
            raise RuntimeError(f"{name} answers a script; run its statements one by one, so that it stays atomic")
        # aerich compares the newest of these states with the models when it writes the next migration.
        await Aerich.create(
            version=name, app=schema_version.APP, content=get_models_describe(schema_version.APP), using_db=transaction
        )


@asynccontextmanager
async def _advisory_lock(settings: Settings) -> AsyncIterator[None]:
    # On a connection of its own: the lock belongs to the session that took it, and the pool changes sessions.
    keeper = await database.single_connection(settings)
    try:
        await keeper.execute("SELECT pg_advisory_lock($1)", _ADVISORY_LOCK)
        yield
    finally:
        await keeper.close()
