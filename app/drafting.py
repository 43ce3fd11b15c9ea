"""Drafts a migration: what changed in the models, as statements to be read and completed by a person.

aerich works the difference out from the state in the newest file, and needs no database for it.
"""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

from aerich.migrate import Migrate
from aerich.utils import get_formatted_compressed_data, get_models_describe

from app import database, schema_version, settings

_NO_DATABASE = "postgres://nobody@127.0.0.1:1/none"
_FILE = '''"""{title}.

Statements run one by one inside the caller's transaction, and are safe to run again.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

STATEMENTS = [
{statements}
]


async def upgrade(db: BaseDBAsyncClient) -> str:
    for statement in STATEMENTS:
        await db.execute_query(statement)
    return ""


async def downgrade(db: BaseDBAsyncClient) -> str:
    raise NotImplementedError("restore a backup")


MODELS_STATE = (
    {state}
)
'''


def draft(name: str) -> Path | None:
    """Writes the next file in `migrations/` and answers its path; None when the models have not changed."""
    return asyncio.run(_draft(name))


async def _draft(name: str) -> Path | None:
    chosen = settings.load(database_url="").model_copy(update={"database_url": _NO_DATABASE})
    configuration = database.configuration(chosen, migrating=True)
    await Migrate.init(configuration, "models", str(schema_version.LOCATION), offline=True)
    old, new = Migrate._last_version_content or {}, get_models_describe("models")
    Migrate.diff_models(old, new, no_input=True)
    Migrate._merge_operators()
    if not Migrate.upgrade_operators:
        return None
    last = await Migrate._get_last_version_num(offline=True)
    number = (last if last is not None else -1) + 1
    path = schema_version.LOCATION / "models" / f"{number}_{datetime.now(UTC):%Y%m%d%H%M%S}_{name}.py"
    statements = "\n".join(f"    {json.dumps(statement)}," for statement in Migrate.upgrade_operators)
    title = name.replace("_", " ").capitalize()
    path.write_text(_FILE.format(title=title, state=get_formatted_compressed_data(new), statements=statements))
    return path
