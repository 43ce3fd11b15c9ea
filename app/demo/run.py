"""`make run`: serves demo data with a local S3, a local Valkey and a local receiver of webhooks.

The first start fills an empty embedded database, prints the credentials and writes them to `demo.json` for scripts. Later starts
read the ids from `demo.json` and change no data.
"""

import asyncio
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import app.server.schema  # noqa: F401  registers the audit names of all types
from app.commands import migrate
from app.demo import data
from app.demo.calls import DemoCalls
from app.demo.data import BUCKET, NEWCOMER, OTHER_PROVIDER, PASSWORD, PEOPLE, TRY_HERE, email_of
from app.demo.local_receiver import LocalReceiver
from app.demo.local_s3 import Identity, LocalS3, LocalS3Failed, LocalS3Missing
from app.demo.local_valkey import LocalValkey, LocalValkeyFailed, LocalValkeyMissing
from app.foundation import settings
from app.foundation.context import Resources
from app.foundation.database import embedded, orm, schema_version
from app.foundation.outbound.guard import OutboundGate
from app.foundation.revocations import Revocations
from app.foundation.settings import Settings
from app.server.transport.serve import CannotStart, check_port, listen
from app.storage.s3 import ObjectStorage
from app.storage.verification import StorageVerifier
from app.webhooks.delivery import WebhookSender


def run(chosen: Settings) -> None:
    """Serves the demo on the embedded database until it is stopped. Raises CannotStart."""
    if not chosen.is_embedded:
        raise CannotStart("The demo fills a database of its own: unset DATABASE_URL, or use: python -m app serve")
    check_port(chosen)
    chosen.data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    notes = chosen.data_dir / "demo.json"
    known = json.loads(notes.read_text()) if notes.exists() else {}
    storage = known.get("s3") or _new_storage()
    s3 = _start_s3(chosen.data_dir / "s3", storage)
    # At the previous port if it is free, so that the accounts' webhooks still lead to it.
    receiver = LocalReceiver(_port_of(known.get("receiver"))).start()
    valkey, database = LocalValkey(), ExitStack()
    try:
        _start_valkey(valkey)
        storage = {
            "endpoint": s3.endpoint,
            "bucket": BUCKET,
            "region": s3.region,
            "accessKeyId": storage["accessKeyId"],
            "secretAccessKey": storage["secretAccessKey"],
        }
        os.environ |= {
            "GRAPHIQL": "1",
            "ANONYMOUS_INTROSPECTION": "1",
            "OUTBOUND_ALLOWED_HOSTS": f"{s3.endpoint.removeprefix('http://')},{receiver.host}",
            "CACHE_URL": valkey.url,
            "PORT": str(chosen.port),
            # As in production.
            "WORKERS": os.environ.get("WORKERS", "2"),
        }
        serving = settings.load()
        database.enter_context(embedded.served(serving))
        keys, ids = asyncio.run(_fill(serving, known, storage, receiver.host))
        data.cache_prompts(valkey.url, ids)
        graphql = f"http://{serving.host}:{serving.port}/graphql"
        people = {
            "emails": [email_of(person) for person in PEOPLE],
            "newcomer": email_of(NEWCOMER),
            "password": PASSWORD,
        }
        noted = {"graphql": graphql, "keys": keys, "people": people, "ids": ids, "s3": storage, "cache": valkey.url}
        made = {"calls": known["calls"]} if "calls" in known else {}
        _write(notes, {**noted, "receiver": f"http://{receiver.host}", **made})
        _print_guide(graphql, keys, storage, ids, known.get("calls", {}))
        for name, before, now in (
            ("S3", known.get("s3", {}).get("endpoint"), storage["endpoint"]),
            ("receiver of webhooks", known.get("receiver"), f"http://{receiver.host}"),
        ):
            if before not in (None, now):
                print(
                    f"The local {name} has moved from {before} to {now}; the accounts still name the old address.",
                    flush=True,
                )
        # In the background, because they need the server that starts to listen below.
        DemoCalls(f"ws://{serving.host}:{serving.port}", notes).start()
        listen(serving)
    finally:
        database.close()
        valkey.stop()
        receiver.stop()
        s3.stop()


def _start_valkey(valkey: LocalValkey) -> None:
    try:
        valkey.start()
    except (LocalValkeyMissing, LocalValkeyFailed) as error:
        raise CannotStart(str(error)) from None


def _new_storage() -> dict[str, str]:
    return {"accessKeyId": f"DEMO{secrets.token_hex(8).upper()}", "secretAccessKey": secrets.token_urlsafe(30)}


def _reader(storage: dict[str, str]) -> dict[str, str]:
    """A second identity, which may only read the bucket. Derived from the first, so `demo.json` need not store it."""
    digest = hashlib.sha256(f"reader:{storage['secretAccessKey']}".encode()).hexdigest()
    return {"accessKeyId": f"READ{digest[:16].upper()}", "secretAccessKey": digest[16:56]}


def _port_of(url: str | None) -> int | None:
    return int(url.rpartition(":")[2]) if url else None


def _start_s3(folder: Path, storage: dict[str, str]) -> LocalS3:
    reader = _reader(storage)
    identities = (
        Identity.of_bucket("demo", storage["accessKeyId"], storage["secretAccessKey"], BUCKET),
        Identity("reader", reader["accessKeyId"], reader["secretAccessKey"], (f"Read:{BUCKET}", f"List:{BUCKET}")),
    )
    # The previous port, so that noted addresses stay valid; another one if it is in use.
    before = _port_of(storage.get("endpoint"))
    try:
        for port in (before, None):
            s3 = LocalS3(folder, port, identities)
            try:
                s3.start()
            except LocalS3Failed:
                s3.stop()
                if port is None:
                    raise
                continue
            s3.create_bucket(BUCKET)
            return s3
    except LocalS3Missing as error:
        raise CannotStart(str(error)) from None
    except LocalS3Failed as error:
        raise CannotStart(f"{error}. If another `make run` uses {folder.parent}, stop it, or set DATA_DIR.") from None
    raise AssertionError("unreachable")


async def _fill(
    chosen: Settings, known: Mapping[str, Any], storage: dict[str, str], receiver: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Fills an empty database. Returns a key for each kind of caller, and the ids of the created objects by name.

    `known` is the content of `demo.json`. Raises CannotStart for a database that the demo has not filled.
    """
    await migrate.migrate(chosen)
    async with orm.opened(chosen) as db:
        await schema_version.check(db)
        if await data.is_empty():
            return await _create_data(chosen, storage, receiver)
    if "gateway" not in known.get("keys", {}):
        raise CannotStart(
            f"{chosen.data_dir} has a database that the demo has not filled, or not completely. "
            "Name another folder with DATA_DIR=…, or remove this one."
        )
    return known["keys"], known["ids"]


async def _create_data(
    chosen: Settings, storage: dict[str, str], receiver: str
) -> tuple[dict[str, str], dict[str, str]]:
    keyring = chosen.keyring()
    gate = OutboundGate(chosen.outbound_allowed_hosts)
    s3, webhooks = ObjectStorage(gate), WebhookSender(gate)
    verifier = StorageVerifier(s3, gate, keyring, chosen.verifications_at_once)
    clients: dict[type, object] = {OutboundGate: gate, ObjectStorage: s3, StorageVerifier: verifier}
    clients |= {WebhookSender: webhooks, Revocations: Revocations()}
    await s3.open()
    await webhooks.open()
    try:
        filled = await data.fill(Resources(chosen, keyring, clients), storage, _reader(storage), receiver)
        return await data.keys(filled), filled.ids
    finally:
        await verifier.close()
        await webhooks.close()
        await s3.close()


def _python() -> str:
    """The path of Python, relative to the working directory if possible."""
    here = Path(sys.executable)
    return str(here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here)


def _write(path: Path, what: Mapping[str, object]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(what, indent=2) + "\n")


def _print_guide(
    graphql: str, keys: dict[str, str], s3: dict[str, str], ids: dict[str, str], recorded: dict[str, str]
) -> None:
    prefilled = urlencode(
        {
            "accountId": ids[TRY_HERE],
            "serviceProviderId": ids[OTHER_PROVIDER],
            "email": email_of("account"),
            "ownerId": ids["account"],
            "bucketVendor": "S3_COMPATIBLE",
            "endpointUrl": s3["endpoint"],
            "bucketName": s3["bucket"],
            "region": s3["region"],
            "accessKeyId": s3["accessKeyId"],
            **({"callId": recorded[TRY_HERE]} if recorded else {}),
        }
    )
    lines = [
        "",
        f"GraphiQL           {graphql}",
        f"  examples filled  {graphql}#{prefilled}",
        "",
        "Keys               Authorization: Bearer …",
        f"  admin            {keys['admin']}",
        f"  service provider {keys['serviceProvider']}",
        f"  account          {keys['account']}",
        f"  read only        {keys['readOnly']}",
        f"  voice gateway    {keys['gateway']}",
        "",
        f"People             {', '.join(email_of(person) for person in PEOPLE)}",
        f"  new here         {email_of(NEWCOMER)}, who must choose a new password first",
        f"  password         {PASSWORD}, for all of them at first",
        "",
        "A bucket to try    S3_COMPATIBLE",
        f"  endpoint         {s3['endpoint']}",
        f"  bucket, region   {s3['bucket']}, {s3['region']}",
        f"  access key ID    {s3['accessKeyId']}",
        f"  secret           {s3['secretAccessKey']}",
        "",
        f"An account to try  {ids[TRY_HERE]}",
        "Calls              appear in a moment; to simulate more while this runs:",
        f"  {_python()} -m app simulate-calls --url {graphql} --key {keys['gateway']} --account {ids[TRY_HERE]}",
        "Stop with Ctrl-C.",
        "",
    ]
    print("\n".join(lines), flush=True)
