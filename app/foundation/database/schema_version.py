"""Compares the migrations that a database has with those of this code. Reads one table and does not load aerich."""

from pathlib import Path

import asyncpg
from tortoise import BaseDBAsyncClient
from tortoise.exceptions import OperationalError

APP = "models"


def _migrations_folder() -> Path:
    """`app/migrations` in an installed wheel; `migrations` next to `app` in a checkout."""
    app = Path(__file__).parents[2]
    packaged = app / "migrations"
    return packaged if packaged.is_dir() else app.parent / "migrations"


LOCATION = _migrations_folder()


class SchemaBehind(Exception):
    """The database lacks migrations that this code needs."""


class SchemaAhead(Exception):
    """The database was migrated by a newer version of this code."""


class MigrationFailed(Exception):
    """The database refused a statement of a migration; the migration was rolled back."""


async def check(db: BaseDBAsyncClient) -> None:
    """Raises SchemaBehind or SchemaAhead unless the database has exactly the migrations of this code."""
    refuse_newer(await applied(db))
    if behind := await missing(db):
        raise SchemaBehind(
            f"The database's schema is behind by {len(behind)} migration(s), from {behind[0]} on. "
            "Run: python -m app migrate"
        )


def known_migrations() -> list[str]:
    """The names of this code's migration files, in the order in which they are applied."""
    return sorted(
        (path.name for path in (LOCATION / APP).glob("[0-9]*_*.py")), key=lambda name: int(name.split("_")[0])
    )


async def applied(db: BaseDBAsyncClient) -> set[str]:
    """The names of the migration files that the database has."""
    try:
        rows = await db.execute_query_dict("SELECT version FROM aerich WHERE app = 'models'")
    except OperationalError as error:
        if isinstance(error.__cause__, asyncpg.UndefinedTableError):
            return set()  # an empty database
        raise
    return {row["version"] for row in rows}


async def missing(db: BaseDBAsyncClient) -> list[str]:
    """The names of the migration files that the database lacks, in their order."""
    present = await applied(db)
    return [name for name in known_migrations() if name not in present]


def refuse_newer(present: set[str]) -> None:
    """Raises SchemaAhead when a database has migrations that this code does not know."""
    unknown = sorted(present - set(known_migrations()))
    if unknown:
        raise SchemaAhead(
            f"The database was migrated by a newer version of this program ({unknown[-1]}). "
            "Start that version, or restore a backup from before the upgrade."
        )
