"""`python -m app serve`: checks the schema and the keys, then serves until it is stopped."""

import argparse
import asyncio
import sys

from app.api_keys.model import ApiKey
from app.commands import migrate
from app.commands.operator_context import Commands, settings_with
from app.commands.reencrypt import check_keys
from app.foundation.access import Scope
from app.foundation.database import embedded, orm, schema_version
from app.foundation.settings import Settings
from app.server.transport.serve import listen
from app.users.model import User


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("serve", help="serve the API; settings come from the environment")
    parser.add_argument("--host", help="address to listen on (HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (PORT)")
    parser.add_argument("--workers", type=int, help="worker processes (WORKERS)")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    chosen = settings_with(options, "host", "port", "workers")
    with embedded.served(chosen):
        asyncio.run(_prepare(chosen))
        listen(chosen)


async def _prepare(chosen: Settings) -> None:
    """Raises unless the database has this version's schema and the keys are those of the stored secrets."""
    if chosen.is_embedded:
        await migrate.migrate(chosen)
    keyring = chosen.keyring()
    async with orm.opened(chosen) as db:
        await schema_version.check(db)
        await check_keys(keyring)
        keys = ApiKey.filter(scope=Scope.ADMIN, revoked_at__isnull=True)
        if not await keys.exists() and not await User.filter(scope=Scope.ADMIN, active=True).exists():
            print("There is no admin yet. Create the first one with: python -m app create-admin", file=sys.stderr)
