"""Drafts a migration: aerich compares the models with the state in the newest file. No database is needed."""

import asyncio
from pathlib import Path

from aerich import Command

from app.foundation import settings
from app.foundation.database import orm, schema_version

_NO_DATABASE = "postgres://nobody@127.0.0.1:1/none"


def draft(name: str) -> Path | None:
    """Writes the next file in `migrations/` and answers its path; None when the models have not changed."""
    return asyncio.run(_draft(name))


async def _draft(name: str) -> Path | None:
    chosen = settings.load(database_url="").model_copy(update={"database_url": _NO_DATABASE})
    configuration = orm.configuration(chosen, migrating=True)
    command = Command(configuration, app=schema_version.APP, location=str(schema_version.LOCATION))
    await command.init(offline=True)
    made = await command.migrate(name, no_input=True, offline=True)
    return schema_version.LOCATION / schema_version.APP / made if made else None
