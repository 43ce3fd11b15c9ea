"""Shared by commands: settings with the command's options, and the name of the database that they change."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.foundation import settings
from app.foundation.database import embedded
from app.foundation.settings import Settings

Commands = Any
"""What `add_subparsers` returns; argparse has no public name for its type."""


def settings_with(options: argparse.Namespace, *names: str) -> Settings:
    """The settings. The named options are set in the environment first, where worker processes read them too."""
    given = {name.upper(): getattr(options, name) for name in names}
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
    return settings.load()


@contextmanager
def named_database(chosen: Settings) -> Iterator[None]:
    """Prints which database the command uses, and starts the embedded one if it is not running.

    On standard error, so that a key on standard output can be piped.
    """
    print(f"Database: {chosen.database_display_name}", file=sys.stderr, flush=True)
    with embedded.used(chosen):
        yield
