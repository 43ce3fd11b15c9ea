"""`python -m app migration`: drafts a migration from the difference between the models and the newest file.

It needs no database.
"""

import argparse
import asyncio
from pathlib import Path

from app.commands.operator_context import Commands
from app.foundation import settings
from app.foundation.database import orm, schema_version

_NO_DATABASE = "postgres://unused@127.0.0.1:1/none"


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("migration", help="draft a migration from the models; for developers")
    parser.add_argument("name", help="what it does, such as add_something")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    path = draft(options.name)
    print(f"{path}: read it, and complete what models cannot say." if path else "The models have not changed.")


def draft(name: str) -> Path | None:
    """Writes the next file in `migrations/` and returns its path; None when the models have not changed."""
    return asyncio.run(_draft(name))


async def _draft(name: str) -> Path | None:
    from aerich import Command  # noqa: PLC0415  it takes 20 MB, which a server does not need

    chosen = settings.load(database_url="").model_copy(update={"database_url": _NO_DATABASE})
    configuration = orm.configuration(chosen, migrating=True)
    command = Command(configuration, app=schema_version.APP, location=str(schema_version.LOCATION))
    await command.init(offline=True)
    made = await command.migrate(name, no_input=True, offline=True)
    return schema_version.LOCATION / schema_version.APP / made if made else None
