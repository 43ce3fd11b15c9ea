"""`python -m app spool`: lists, adopts or discards the recordings that this server has set aside."""

import argparse
import asyncio
import sys

from app.commands.operator_context import Commands, settings_with
from app.foundation.database import embedded, orm, schema_version
from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.foundation.settings import Settings
from app.recording import set_aside
from app.recording.spool import Spool
from app.server.transport.serve import CannotStart


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "spool", help="list, adopt or discard the recordings that this server has set aside in its spool"
    )
    parser.add_argument("--adopt", metavar="CALL", help="give this recording, or all, back to the workers for upload")
    parser.add_argument("--account", help="with --adopt: the id of the account that owns it from now on")
    parser.add_argument("--discard", metavar="CALL", help="delete this recording; there may be no other copy")
    parser.add_argument("--yes", action="store_true", help="with --discard: do it")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    chosen = settings_with(options)
    print(f"Spool: {chosen.spool}", file=sys.stderr, flush=True)
    spool = Spool(chosen.spool, chosen.spool_megabytes * 1_000_000)
    found = {sid_of(Kind.CALL, one.call_id): one for one in set_aside.list_set_aside(spool)}
    wanted = options.adopt or options.discard
    if wanted and wanted not in found and options.adopt != "all":
        raise CannotStart(f"No recording of a call {wanted} is set aside here. Without options, all are listed.")
    if options.adopt:
        adopted = list(found.values()) if options.adopt == "all" else [found[wanted]]
        with embedded.used(chosen):
            asyncio.run(_adopt(chosen, spool, adopted, options.account))
    elif options.discard and options.yes:
        set_aside.discard(found[wanted])
        print(f"{wanted} is deleted.")
    elif options.discard:
        raise CannotStart(
            f"{found[wanted].summary}\nThis would delete it; there may be no other copy. To do it, add --yes."
        )
    else:
        print(*(one.summary for one in found.values()) if found else ["Nothing is set aside."], sep="\n")


async def _adopt(
    chosen: Settings, spool: Spool, wanted: list[set_aside.SetAsideRecording], account: str | None
) -> None:
    """Adopts all that can be adopted, then raises CannotStart for the others."""
    account_id = parse_sid(Kind.ACCOUNT, account) if account else None
    if account and account_id is None:
        raise CannotStart(f"--account {account}: an account's id is AC and 32 hex digits.")
    async with orm.opened(chosen) as db:
        await schema_version.check(db)
        refusals = []
        for one in wanted:
            call = sid_of(Kind.CALL, one.call_id)
            try:
                await set_aside.adopt(spool, one, account_id)
                print(f"{call} is back in the spool: the server uploads it within seconds.")
            except set_aside.CannotAdopt as cannot:
                refusals.append(f"{call}: {cannot}" if len(wanted) > 1 else str(cannot))
    if refusals:
        raise CannotStart("\n".join(refusals))
