"""`python -m app maintain`: the daily maintenance of the database."""

import argparse
import asyncio
from datetime import UTC, datetime
from functools import partial

from app.audit import service as audit
from app.calls import partitions
from app.commands.operator_context import Commands, named_database, settings_with
from app.foundation import maintenance
from app.foundation.database import orm, schema_version
from app.foundation.events import LiveEvents
from app.foundation.idempotency import run_once
from app.foundation.outbound.guard import OutboundGate
from app.foundation.settings import Settings
from app.recording import lifecycle, lookup
from app.server.transport.serve import CannotStart
from app.storage.s3 import ObjectStorage

# Timeout for publishing its events to other processes before it exits.
_PUBLISH_SECONDS = 10.0


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "maintain",
        help="delete expired data, give up lost recordings and create the partitions of coming months; run it daily",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    chosen = settings_with(options)
    with named_database(chosen):
        print(f"{asyncio.run(_make_months(chosen))} months of calls created ahead")
        print(f"{asyncio.run(_give_up_lost(chosen))} recordings of lost servers given up")
        print(*(f"{count} {what} deleted" for what, count in asyncio.run(_delete_expired(chosen)).items()), sep="\n")
    try:
        maintenance.record_success(chosen.data_dir)
    except OSError as error:
        raise CannotStart(
            "The maintenance is done, but its time could not be written for the metrics "
            f"({error.strerror}: {error.filename}). Check DATA_DIR."
        ) from None


async def _make_months(chosen: Settings) -> int:
    # Without the time limits of a server: many rows may have to move.
    async with orm.opened(chosen, migrating=True) as db:
        await schema_version.check(db)
        return await partitions.create_partitions()


async def _give_up_lost(chosen: Settings) -> int:
    async with orm.opened(chosen) as db:
        await schema_version.check(db)
        live = LiveEvents(chosen.cache_url)
        storage = ObjectStorage(OutboundGate(chosen.outbound_allowed_hosts))
        find = partial(lookup.find_in_bucket, chosen.keyring(), storage)
        try:
            async with live.running():
                count = await lifecycle.fail_lost_recordings(live, datetime.now(UTC), find)
                await live.flush(_PUBLISH_SECONDS)
        finally:
            await storage.close()
        return count


async def _delete_expired(chosen: Settings) -> dict[str, int]:
    async with orm.opened(chosen) as db:
        await schema_version.check(db)
        return {
            "audit events": await audit.prune(chosen.audit_days),
            "idempotency records": await run_once.delete_expired(),
            **await partitions.delete_expired(chosen.call_days, chosen.call_key_days),
        }
