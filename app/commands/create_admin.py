"""`python -m app create-admin`: creates an admin's API key or user, and prints its credential once."""

import argparse
import asyncio
import sys

from app.api_keys import service as api_keys
from app.commands import migrate
from app.commands.operator_context import Commands, named_database, settings_with
from app.commands.reencrypt import check_keys
from app.foundation.database import orm, schema_version
from app.foundation.settings import Settings
from app.foundation.user_errors import UserErrors
from app.server.transport.serve import CannotStart
from app.users import service as users


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "create-admin", help="create an admin, an API key or with --email a user, and print its credential"
    )
    parser.add_argument("--name", default="admin", help="the name of the key or the user (default: admin)")
    parser.add_argument("--email", help="create a user with this e-mail address and a temporary password")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    chosen = settings_with(options)
    try:
        with named_database(chosen):
            print(asyncio.run(_create(chosen, options.email, options.name)))
    except UserErrors as errors:
        raise CannotStart("\n".join(error.message for error in errors.errors)) from None
    if options.email is not None:
        print("This password is shown once. Log in with it, and choose your own.", file=sys.stderr)
    else:
        print("This key is shown once. Send it as: Authorization: Bearer <key>", file=sys.stderr)


async def _create(chosen: Settings, email: str | None, name: str) -> str:
    import app.server.schema  # noqa: F401, PLC0415  it registers the audit names of all types; `serve` loads it in the workers

    if chosen.is_embedded:
        await migrate.migrate(chosen)
    async with orm.opened(chosen) as db:
        await schema_version.check(db)
        await check_keys(chosen.keyring())
        if email is not None:
            return await users.create_first_admin(email, name)
        return await api_keys.create_first_admin(chosen.keyring(), name)
