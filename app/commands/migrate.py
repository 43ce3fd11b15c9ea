"""Brings a database to the schema of this code, with the files in `migrations/`.

aerich applies each file in one transaction together with its version row. What it lacks: a lock, with which one of several
processes that start at once migrates while the others wait, and the refusal of a database that is newer than the code.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aerich import Command
from aerich.migrate import Migrate

from app.calls import partitions
from app.foundation.database import orm, schema_version
from app.foundation.settings import Settings

# Any constant will do; it names our advisory lock within the database.
_ADVISORY_LOCK = 0x5647_4143


async def migrate(settings: Settings) -> list[str]:
    """Applies what is missing, each file atomically, and answers the names of the files applied.

    Raises SchemaAhead when the database is newer than the code, and MigrationFailed.
    """
    async with orm.opened(settings, migrating=True) as db, _advisory_lock(settings):
        schema_version.refuse_newer(await schema_version.applied(db))
        command = Command(orm.configuration(settings, migrating=True), app=schema_version.APP)
        Migrate.migrate_location = schema_version.LOCATION / schema_version.APP
        try:
            done = await command.upgrade()
        except Exception as error:
            refusal = orm.refusal_of(error)
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
    # On a connection of its own: the lock belongs to the session that took it, and the pool changes sessions.
    keeper = await orm.single_connection(settings)
    try:
        await keeper.execute("SELECT pg_advisory_lock($1)", _ADVISORY_LOCK)
        yield
    finally:
        await keeper.close()
