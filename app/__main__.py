"""python -m app serve | migrate | create-admin | maintain | spool | rewrap-secrets | …: see --help."""

import argparse
import asyncio
import os
import sys
from datetime import UTC, datetime
from functools import partial

from app.api_keys import service as api_keys
from app.api_keys.model import ApiKey
from app.audit import service as audit
from app.calls import partitions
from app.commands import reencrypt
from app.foundation import settings
from app.foundation.access import Scope
from app.foundation.database import embedded, orm, schema_version
from app.foundation.database.embedded import LocalPostgresFailed, LocalPostgresMissing
from app.foundation.encryption import CannotOpen, Keyring, encryption_key_name
from app.foundation.errors import UserErrors, for_client
from app.foundation.events import LiveEvents
from app.foundation.idempotency import run_once
from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.foundation.key_checks import service as key_checks
from app.foundation.outbound.guard import OutboundGate
from app.foundation.settings import Settings, WrongSettings
from app.recording import lifecycle, lookup, set_aside
from app.recording.spool import Spool
from app.server.transport.serve import CannotStart, listen
from app.storage.s3 import ObjectStorage
from app.users import service as users
from app.users.model import User

# How long `maintain` waits for listeners of other processes to be told.
_TELLING_SECONDS = 10.0


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
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
    ) as stop:
        print(stop, file=sys.stderr)
        return 1
    except CannotOpen as error:
        # It names a key's id, or a row.
        advice = "Check ENCRYPTION_KEYS; if a key is lost, see: python -m app discard-secrets --help"
        print(f"A stored secret does not open: {error}. {advice}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if refusal := orm.refusal_of(error):
            # It names a user, a database or a table, and never a password.
            print(f"{settings.load().database_place} refuses: {refusal}", file=sys.stderr)
            return 1
        if for_client(error) is None:
            raise
        print(_unreachable(settings.load(), error), file=sys.stderr)
        return 1
    return 0


def _unreachable(chosen: Settings, error: Exception) -> str:
    """One line of a database that does not answer: which one, why, and which variable to look at."""
    cause = error if isinstance(error, OSError) else error.__cause__ or error
    is_file = isinstance(cause, OSError) and cause.filename
    reason = f"{cause.strerror}: {cause.filename}" if is_file else str(cause) or type(cause).__name__  # type: ignore[attr-defined]
    variable = "DATA_DIR" if chosen.is_embedded else "DATABASE_URL"
    return f"{chosen.database_place} does not answer ({reason}). Check {variable}."


def _name_database(chosen: Settings) -> None:
    """Tells which one it is before anything is done to it; on standard error, so that keys can be piped."""
    print(f"Database: {chosen.database_place}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app", description="The accounts API of a voice gateway.")
    commands = parser.add_subparsers(required=True, metavar="command")
    serve = commands.add_parser("serve", help="serve the API; settings come from the environment")
    serve.add_argument("--host", help="address to listen on (HOST)")
    serve.add_argument("--port", type=int, help="port to listen on (PORT)")
    serve.add_argument("--workers", type=int, help="worker processes (WORKERS)")
    serve.set_defaults(run=_serve)
    migrate = commands.add_parser("migrate", help="bring the database to this version's schema; the deploy step")
    migrate.set_defaults(run=_migrate)
    create = commands.add_parser(
        "create-admin", help="make an admin, an API key or with --email a user, and print how to get in"
    )
    create.add_argument("--name", default="admin", help="the name of the key or the user (default: admin)")
    create.add_argument("--email", help="make a user with this e-mail address, who must change the password at first")
    create.set_defaults(run=_create_admin)
    maintain = commands.add_parser(
        "maintain",
        help="forget what is too old, give up what is lost, and make room for the calls to come; for a daily timer",
    )
    maintain.set_defaults(run=_maintain)
    rewrap = commands.add_parser("rewrap-secrets", help="seal all secrets again with the first of ENCRYPTION_KEYS")
    rewrap.set_defaults(run=_rewrap)
    spool = commands.add_parser(
        "spool", help="recordings that this server set aside in its spool: list, adopt or discard them"
    )
    spool.add_argument("--adopt", metavar="CALL", help="give this one, or all, back to the workers, who store it")
    spool.add_argument("--account", help="with --adopt: the id of the account that it is stored for from now on")
    spool.add_argument("--discard", metavar="CALL", help="delete this one; there may be no other copy")
    spool.add_argument("--yes", action="store_true", help="with --discard: do it")
    spool.set_defaults(run=_spool)
    discard = commands.add_parser(
        "discard-secrets",
        help="discard what a lost key has made, so that the server starts without it; says what, and with --yes does it",
        description="Discards what a lost key has made: with --encryption-key the secrets that it sealed (an account gets a new "
        "webhook secret; passwords of webhooks and keys of storages are removed, and their recordings disabled), with --hash-key "
        "all API keys and sessions. ENCRYPTION_KEYS and HASH_KEY are the new ones. Without --yes it only counts. "
        "When both are lost, begin with --encryption-key.",
    )
    which = discard.add_mutually_exclusive_group(required=True)
    which.add_argument("--encryption-key", metavar="ID", help="the id of the lost key in ENCRYPTION_KEYS")
    which.add_argument("--hash-key", action="store_true", help="HASH_KEY is lost")
    discard.add_argument("--yes", action="store_true", help="discard them")
    discard.set_defaults(run=_discard)
    migration = commands.add_parser("migration", help="draft a migration from the models")
    migration.add_argument("name", help="what it does, such as add_something")
    migration.set_defaults(run=_migration)
    demo = commands.add_parser("demo", help="serve with a local S3 and demo data; for trying out")
    demo.add_argument("--port", type=int, help="port to listen on (PORT)")
    demo.set_defaults(run=_demo)
    simulate = commands.add_parser("simulate-calls", help="act as a voice gateway against a running server")
    simulate.add_argument("--url", default="http://127.0.0.1:8000", help="the server (default: http://127.0.0.1:8000)")
    simulate.add_argument("--key", required=True, help="an API key of the access level GATEWAY")
    simulate.add_argument("--account", required=True, help="the id of the account whose calls these are")
    simulate.add_argument("--application", help="the id of the application that answers them")
    simulate.add_argument("--streams", type=int, default=5, help="how many calls at once (default: 5)")
    simulate.add_argument("--seconds", type=float, default=10.0, help="how long they are talked (default: 10)")
    simulate.add_argument("--rate", type=int, default=8000, help="samples a second (default: 8000)")
    simulate.add_argument("--faster", type=float, default=1.0, help="how many times as fast as in reality")
    simulate.set_defaults(run=_simulate)
    return parser


def _serve(options: argparse.Namespace) -> None:
    chosen = _chosen(options, "host", "port", "workers")
    with embedded.served(chosen):
        asyncio.run(_prepare(chosen))
        listen(chosen)


async def _prepare(chosen: Settings) -> None:
    """What must be so before anybody listens: the schema of this version, and the keys of what is stored."""
    if chosen.is_embedded:
        await _migrated(chosen)
    keyring = chosen.keyring()
    async with orm.opened(chosen) as db:
        await schema_version.check(db)
        await _check_keys(keyring)
        keys = ApiKey.filter(scope=Scope.ADMIN, revoked_at__isnull=True)
        if not await keys.exists() and not await User.filter(scope=Scope.ADMIN, active=True).exists():
            print("There is no admin yet. Make the first one with: python -m app create-admin", file=sys.stderr)


async def _migrated(chosen: Settings) -> list[str]:
    from app.commands import migrate as migrating  # noqa: PLC0415  aerich takes 20 MB, which a server has no other use for

    return await migrating.migrate(chosen)


async def _check_keys(keyring: Keyring) -> None:
    """Raises CannotStart when a key is missing, or is not the one of before."""
    missing = await reencrypt.missing_keys(keyring)
    if missing:
        raise CannotStart(
            f"ENCRYPTION_KEYS lacks keys that secrets in the database are sealed with: {', '.join(map(repr, missing))}. "
            "Put them back, behind the others; if one is lost, see: python -m app discard-secrets --help"
        )
    # A key that is known to be right may have sealed nothing but damaged secrets.
    right = await key_checks.right_keys(keyring)
    opens_nothing = [encryption_key_name(key_id) for key_id in await reencrypt.wrong_keys(keyring)]
    _refuse([*await key_checks.wrong_keys(keyring), *(name for name in opens_nothing if name not in right)])
    await key_checks.remember(keyring)
    # Another server may have started at the same time, with another value.
    _refuse(await key_checks.wrong_keys(keyring))


def _refuse(wrong: list[str]) -> None:
    if wrong:
        raise CannotStart(
            f"These keys have other values than the database was used with: {', '.join(dict.fromkeys(wrong))}. "
            "Put the right values back; if one is lost, see: python -m app discard-secrets --help"
        )


def _discard(options: argparse.Namespace) -> None:
    from app.commands import discard_secrets  # noqa: PLC0415  only this command needs it
    from app.server import schema  # noqa: F401, PLC0415  the schema names each object to the audit trail

    chosen = _chosen(options)
    _name_database(chosen)

    async def discard() -> dict[str, int]:
        # Without the limits of those who serve: what one key has made may be much.
        async with orm.opened(chosen, migrating=True) as db:
            await schema_version.check(db)
            work = discard_secrets.Discarding(chosen, chosen.keyring(), really=options.yes)
            return await (work.of_hash_key() if options.hash_key else work.of_encryption_key(options.encryption_key))

    with embedded.used(chosen):
        counts = asyncio.run(discard())
    for name, count in counts.items():
        print(f"{count} {name}{' discarded' if options.yes else ''}")
    if not counts:
        print("This key has made nothing that is lost.")
    elif not options.yes:
        print("Nothing was changed. Add --yes to discard these.")


def _migrate(options: argparse.Namespace) -> None:
    chosen = _chosen(options)
    _name_database(chosen)
    with embedded.used(chosen):
        applied = asyncio.run(_migrated(chosen))
    print(*(f"applied {name}" for name in applied), sep="\n") if applied else print("The schema is up to date.")


def _migration(options: argparse.Namespace) -> None:
    from app.commands import draft_migration  # noqa: PLC0415  only development needs it

    path = draft_migration.draft(options.name)
    print(f"{path}: read it, and complete what models cannot say." if path else "The models have not changed.")


def _create_admin(options: argparse.Namespace) -> None:
    import app.server.schema  # noqa: F401, PLC0415  tells the trail of which kind each object is; no other command asks

    chosen = _chosen(options)
    _name_database(chosen)

    async def create() -> str:
        if chosen.is_embedded:
            await _migrated(chosen)
        async with orm.opened(chosen) as db:
            await schema_version.check(db)
            await _check_keys(chosen.keyring())
            if options.email is not None:
                return await users.create_first_admin(options.email, options.name)
            return await api_keys.create_first_admin(chosen.keyring(), options.name)

    try:
        with embedded.used(chosen):
            print(asyncio.run(create()))
    except UserErrors as mistakes:
        raise CannotStart("\n".join(error.message for error in mistakes.errors)) from None
    if options.email is not None:
        print("This is shown once. Log in with it, and choose a password of your own.", file=sys.stderr)
    else:
        print("This is shown once. Send it as: Authorization: Bearer <key>", file=sys.stderr)


def _maintain(options: argparse.Namespace) -> None:
    chosen = _chosen(options)
    _name_database(chosen)

    async def make_months() -> int:
        # Without the limits of those who serve: what has to be moved may be much.
        async with orm.opened(chosen, migrating=True) as db:
            await schema_version.check(db)
            return await partitions.create_partitions()

    async def maintain() -> dict[str, int]:
        async with orm.opened(chosen) as db:
            await schema_version.check(db)
            return {
                "audit events": await audit.prune(chosen.audit_days),
                "idempotency records": await run_once.forget(),
                **await partitions.delete_expired(chosen.call_days, chosen.call_key_days),
            }

    async def give_up_lost() -> int:
        async with orm.opened(chosen) as db:
            await schema_version.check(db)
            live = LiveEvents(chosen.cache_url)
            storage = ObjectStorage(OutboundGate(chosen.outbound_allowed_hosts))
            find = partial(lookup.find_in_bucket, chosen.keyring(), storage)
            try:
                async with live.running():
                    count = await lifecycle.fail_lost_recordings(live, datetime.now(UTC), find)
                    await live.told(_TELLING_SECONDS)
            finally:
                await storage.close()
            return count

    with embedded.used(chosen):
        print(f"{asyncio.run(make_months())} months of calls made ahead")
        print(f"{asyncio.run(give_up_lost())} recordings given up whose server is lost")
        print(*(f"{count} {what} forgotten" for what, count in asyncio.run(maintain()).items()), sep="\n")


def _rewrap(options: argparse.Namespace) -> None:
    chosen = _chosen(options)
    _name_database(chosen)

    async def rewrap() -> int:
        async with orm.opened(chosen) as db:
            await schema_version.check(db)
            keyring = chosen.keyring()
            await _check_keys(keyring)
            return await reencrypt.rewrap(keyring)

    with embedded.used(chosen):
        count = asyncio.run(rewrap())
    print(f"{count} secrets sealed again with the newest key; older keys may leave ENCRYPTION_KEYS")


def _spool(options: argparse.Namespace) -> None:
    chosen = _chosen(options)
    print(f"Spool: {chosen.spool}", file=sys.stderr, flush=True)
    spool = Spool(chosen.spool, chosen.spool_megabytes * 1_000_000)
    found = {sid_of(Kind.CALL, one.call_id): one for one in set_aside.list_set_aside(spool)}
    wanted = options.adopt or options.discard
    if options.adopt == "all":
        asyncio.run(_adopt(chosen, spool, list(found.values()), options.account))
        return
    if wanted and wanted not in found:
        raise CannotStart(f"No recording of a call {wanted} was set aside here. Without options, all are listed.")
    if options.adopt:
        with embedded.used(chosen):
            asyncio.run(_adopt(chosen, spool, [found[wanted]], options.account))
    elif options.discard and options.yes:
        set_aside.discard(found[wanted])
        print(f"{wanted} is deleted.")
    elif options.discard:
        raise CannotStart(f"{found[wanted].summary}\nThis would be deleted, without another copy. To do it, add --yes.")
    else:
        print(*(one.summary for one in found.values()) if found else ["Nothing is set aside."], sep="\n")


async def _adopt(
    chosen: Settings, spool: Spool, wanted: list[set_aside.SetAsideRecording], account: str | None
) -> None:
    """Raises CannotStart, after all others, where one cannot be adopted."""
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
                print(f"{call} is back in the spool: the server stores it within seconds.")
            except set_aside.CannotAdopt as cannot:
                refusals.append(f"{call}: {cannot}" if len(wanted) > 1 else str(cannot))
    if refusals:
        raise CannotStart("\n".join(refusals))


def _demo(options: argparse.Namespace) -> None:
    from app.demo import run as demo  # noqa: PLC0415  only trying out needs it

    demo.run(_chosen(options, "port"))


def _simulate(options: argparse.Namespace) -> None:
    from app.commands import simulate_calls  # noqa: PLC0415  only trying out needs it

    simulation = simulate_calls.Simulation(
        url=options.url,
        key=options.key,
        account=options.account,
        application=options.application,
        streams=options.streams,
        seconds=options.seconds,
        sample_rate=options.rate,
        faster=options.faster,
    )
    failed = asyncio.run(simulate_calls.run(simulation))
    if failed:
        raise CannotStart(f"{failed} of {options.streams} calls were not recorded.")


def _chosen(options: argparse.Namespace, *names: str) -> Settings:
    """The settings; options go into the environment, where the processes of workers find theirs too."""
    given = {name.upper(): getattr(options, name) for name in names}
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
    return settings.load()


if __name__ == "__main__":
    sys.exit(main())
