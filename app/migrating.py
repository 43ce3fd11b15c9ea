"""Bringing a database to the schema of this code, and telling when it is not there.

The files in `migrations/` are aerich's. Two things differ from aerich's own command line: each file runs in one transaction
together with its version row, and a lock lets one of several starting processes migrate while the others wait.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from pkgutil import ModuleInfo
from types import ModuleType

import asyncpg
from aerich.migrate import Migrate
from aerich.models import Aerich
from aerich.utils import get_models_describe, import_py_module
from tortoise import BaseDBAsyncClient
from tortoise.context import TortoiseContext
from tortoise.exceptions import OperationalError
from tortoise.transactions import in_transaction

from app import database
from app.calls import partitions
from app.settings import Settings

LOCATION = Path(__file__).parent.parent / "migrations"
_APP = "models"
# Any constant will do; it names our advisory lock within the database.
_ADVISORY_LOCK = 0x5647_4143


class SchemaBehind(Exception):
    """The database lacks migrations that this code needs."""


class SchemaAhead(Exception):
    """The database was migrated by a newer version of this code."""


class MigrationFailed(Exception):
    """The database refused a statement of a migration, which was not kept."""


async def migrate(settings: Settings, *, until: str | None = None) -> list[str]:
    """Applies what is missing, each file atomically, and answers the names of the files applied.

    Stops after the file `until`, if given. Raises SchemaAhead when the database is newer than the code, and MigrationFailed.
    """
    async with opened(settings, migrating=True) as db, _advisory_lock(settings):
        applied = await _apply(db, until)
        if until is None:
            await partitions.make_months()
        return applied


async def check(db: BaseDBAsyncClient) -> None:
    """Raises SchemaBehind or SchemaAhead unless the database has exactly the migrations of this code."""
    applied, known = await _applied(db), [name for name, _ in _files()]
    _refuse_newer(applied, known)
    missing = [name for name in known if name not in applied]
    if missing:
        raise SchemaBehind(
            f"The database's schema is behind by {len(missing)} migration(s), from {missing[0]} on. "
            "Run: python -m app migrate"
        )


@asynccontextmanager
async def opened(settings: Settings, *, migrating: bool = False) -> AsyncIterator[BaseDBAsyncClient]:
    """The database without the server around it: for migrations and for the commands of `python -m app`."""
    # A context of its own, so that one that is open already (a server's, in a test) stays as it is.
    async with TortoiseContext() as context:
        await context.init(config=database.configuration(settings, migrating=migrating))
        yield context.db()


def _files() -> list[tuple[str, ModuleInfo]]:
    Migrate.app = _APP
    Migrate.migrate_location = LOCATION / _APP
    return [(f"{module.name}.py", module) for module in Migrate.get_all_version_modules()]


async def _apply(db: BaseDBAsyncClient, until: str | None) -> list[str]:
    files = _files()
    applied = await _applied(db)
    _refuse_newer(applied, [name for name, _ in files])
    done = []
    for name, module in files:
        if name not in applied:
            try:
                await _apply_one(name, import_py_module(module))
            except Exception as error:
                refusal = database.refusal_of(error)
                if refusal is None:
                    raise
                raise MigrationFailed(f"Nothing of {name} was kept: the database refuses. {refusal}") from error
            done.append(name)
        if until is not None and name.startswith(until):
            break
    return done


async def _apply_one(name: str, file: ModuleType) -> None:
    async with in_transaction("default") as transaction:
        script = await file.upgrade(transaction)
        if script.strip():
            raise RuntimeError(f"{name} answers a script; run its statements one by one, so that it stays atomic")
        # aerich compares the newest of these states with the models when it writes the next migration.
        await Aerich.create(version=name, app=_APP, content=get_models_describe(_APP), using_db=transaction)


async def _applied(db: BaseDBAsyncClient) -> set[str]:
    try:
        rows = await db.execute_query_dict("SELECT version FROM aerich WHERE app = 'models'")
    except OperationalError as error:
        if isinstance(error.__cause__, asyncpg.UndefinedTableError):
            return set()  # an empty database
        raise
    return {row["version"] for row in rows}


def _refuse_newer(applied: set[str], known: list[str]) -> None:
    unknown = sorted(applied - set(known))
    if unknown:
        raise SchemaAhead(
            f"The database was migrated by a newer version of this program ({unknown[-1]}). "
            "Start that version, or restore a backup from before the upgrade."
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
