"""The command line: chooses the command, and turns errors that an operator can fix into one line and an exit code."""

import argparse
import sys

from app.commands import (
    create_admin,
    demo,
    discard_secrets,
    draft_migration,
    maintain,
    migrate,
    reencrypt,
    serve,
    simulate_calls,
    spool,
)
from app.foundation import settings
from app.foundation.database import schema_version
from app.foundation.database.embedded import LocalPostgresFailed, LocalPostgresMissing
from app.foundation.database.errors import refusal_of
from app.foundation.encryption import CannotOpen
from app.foundation.errors import for_client
from app.foundation.settings import Settings, WrongSettings
from app.foundation.version import VERSION
from app.server.transport.serve import CannotStart

_COMMANDS = (
    serve,
    migrate,
    create_admin,
    maintain,
    reencrypt,
    spool,
    discard_secrets,
    draft_migration,
    demo,
    simulate_calls,
)


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 2 for wrong settings, 1 for other errors that an operator can fix."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except WrongSettings as wrong:
        print("These settings are wrong:", *(f"  {problem}" for problem in wrong.problems), sep="\n", file=sys.stderr)
        return 2
    except (
        CannotStart,
        schema_version.SchemaBehind,
        schema_version.SchemaAhead,
        schema_version.MigrationFailed,
        LocalPostgresMissing,
        LocalPostgresFailed,
    ) as error:
        print(error, file=sys.stderr)
        return 1
    except CannotOpen as error:
        # The message names a key id or a row, and no secret.
        advice = "Check ENCRYPTION_KEYS; if a key is lost, see: python -m app discard-secrets --help"
        print(f"A stored secret cannot be decrypted: {error}. {advice}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if refusal := refusal_of(error):
            # The refusal names a user, a database or a table, and never a password.
            print(f"{settings.load().database_display_name} refuses: {refusal}", file=sys.stderr)
            return 1
        if for_client(error) is None:
            raise
        print(_unreachable(settings.load(), error), file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m app", description="The accounts API of a voice gateway.")
    made.add_argument("--version", action="version", version=VERSION)
    commands = made.add_subparsers(required=True, metavar="command")
    for command in _COMMANDS:
        command.add_to(commands)
    return made


def _unreachable(chosen: Settings, error: Exception) -> str:
    """One line about a database that does not answer: which one, why, and which variable to check."""
    cause = error if isinstance(error, OSError) else error.__cause__ or error
    is_file = isinstance(cause, OSError) and cause.filename
    reason = f"{cause.strerror}: {cause.filename}" if is_file else str(cause) or type(cause).__name__  # type: ignore[attr-defined]
    variable = "DATA_DIR" if chosen.is_embedded else "DATABASE_URL"
    return f"{chosen.database_display_name} does not answer ({reason}). Check {variable}."
