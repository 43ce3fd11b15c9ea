"""`python -m app migrate`: migrates a database to this version's schema, with the files in `migrations/`.

aerich applies each file in one transaction together with its version row. We add a lock, so that of several processes one
migrates while the others wait, and reject a database that is newer than the code.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.calls import partitions
from app.commands.operator_context import Commands, named_database, settings_with
from app.foundation.database import orm, schema_version
from app.foundation.database.errors import refusal_of
from app.foundation.settings import Settings

# An arbitrary constant: the id of our advisory lock in the database.
_ADVISORY_LOCK = 0x5647_4143


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("migrate", help="bring the database to this version's schema; the deploy step")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    chosen = settings_with(options)
    with named_database(chosen):
        applied = asyncio.run(migrate(chosen))
    print(*(f"applied {name}" for name in applied), sep="\n") if applied else print("The schema is up to date.")


async def migrate(settings: Settings) -> list[str]:
    """Applies the missing files, each atomically, and returns their names.

    Raises SchemaAhead when the database is newer than the code, and MigrationFailed.
    """
    from aerich import Command  # noqa: PLC0415  it takes 20 MB, which a server does not need
    from aerich.migrate import Migrate  # noqa: PLC0415  as above

    async with orm.opened(settings, migrating=True) as db, _advisory_lock(settings):
        schema_version.refuse_newer(await schema_version.applied(db))
        command = Command(orm.configuration(settings, migrating=True), app=schema_version.APP)
        Migrate.migrate_location = schema_version.LOCATION / schema_version.APP
        try:
            done = await command.upgrade()
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            name = (await schema_version.missing(db))[0]
            raise schema_version.MigrationFailed(
                f"Nothing of {name} was kept: the database refuses. {refusal}"
            ) from error
        await partitions.create_partitions()
        return done


@asynccontextmanager
async def _advisory_lock(settings: Settings) -> AsyncIterator[None]:
    # On a connection of its own: the session that takes the lock owns it, and the pool changes sessions.
    connection = await orm.single_connection(settings)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _ADVISORY_LOCK)
        yield
    finally:
        await connection.close()
