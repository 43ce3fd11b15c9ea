"""Drafts a migration: what changed in the models, as statements for both databases, to be read and completed by a person.

aerich works the difference out for one dialect a process, so each dialect is asked in a process of its own; neither needs a
database. What aerich cannot say on SQLite (altering a column) is left as a note: such a change rebuilds the table by hand.
"""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from aerich.exceptions import NotSupportError
from aerich.migrate import Migrate
from aerich.utils import get_formatted_compressed_data, get_models_describe

from app import database, migrating, settings

_DATABASES = {"sqlite": "", "postgres": "postgres://nobody@127.0.0.1:1/none"}
_FILE = '''"""{title}.

One branch per dialect; statements run one by one inside the caller's transaction, and are safe to run again.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

STATEMENTS = {{
    "sqlite": [
{sqlite}
    ],
    "postgres": [
{postgres}
    ],
}}


async def upgrade(db: BaseDBAsyncClient) -> str:
    for statement in STATEMENTS[db.capabilities.dialect]:
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
    answers = {dialect: _ask(dialect) for dialect in _DATABASES}
    if not any(answer["statements"] for answer in answers.values()):
        return None
    number = int(str(answers["sqlite"]["number"]))
    folder = migrating.LOCATION / "models"
    path = folder / f"{number}_{datetime.now(UTC):%Y%m%d%H%M%S}_{name}.py"
    lines = {
        dialect: "\n".join(f"        {json.dumps(statement)}," for statement in answer["statements"])
        for dialect, answer in answers.items()
    }
    title = name.replace("_", " ").capitalize()
    path.write_text(_FILE.format(title=title, state=answers["sqlite"]["state"], **lines))
    return path


def _ask(dialect: str) -> dict[str, list[str]]:
    command = [sys.executable, "-m", "app.drafting", dialect]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  this very module
    answer: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return answer


async def _difference(dialect: str) -> dict[str, object]:
    chosen = settings.load(database_url="", workers=1)
    if dialect == "postgres":
        chosen = chosen.model_copy(update={"database_url": _DATABASES[dialect]})
    configuration = database.configuration(chosen, migrating=True)
    await Migrate.init(configuration, "models", str(migrating.LOCATION), offline=True)
    old, new = Migrate._last_version_content or {}, get_models_describe("models")
    statements: list[str] = []
    try:
        Migrate.diff_models(old, new, no_input=True)
        Migrate._merge_operators()
        statements = list(Migrate.upgrade_operators)
    except NotSupportError as error:
        statements = [f"-- by hand, rebuilding the table and its indexes: {error}"]
    last = await Migrate._get_last_version_num(offline=True)
    return {
        "statements": statements,
        "number": (last if last is not None else -1) + 1,
        "state": get_formatted_compressed_data(new),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_difference(sys.argv[1]))))
