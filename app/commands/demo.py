"""`python -m app demo`, which exists only in a checkout of the repository: the wheel does not have `app/demo`."""

import argparse

from app.commands.operator_context import Commands, settings_with
from app.server.transport.serve import CannotStart


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("demo", help="serve with a local S3 and demo data; for trying out")
    parser.add_argument("--port", type=int, help="port to listen on (PORT)")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    try:
        from app.demo import run as demo  # noqa: PLC0415  the wheel does not have it
    except ModuleNotFoundError as missing:
        if missing.name != "app.demo":
            raise
        raise CannotStart(
            "The demo is not part of the installed package. Run `make run` in a checkout of the repository."
        ) from None
    demo.run(settings_with(options, "port"))
