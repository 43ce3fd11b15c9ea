"""A server with things to look at: `make run`. No part of production.

Starts a local S3 and a local Valkey, fills the embedded database with two service providers and five accounts and the cache
with prompts, prints how to get in (and writes the same to `demo.json` for scripts), and serves until it is stopped.
"""

import asyncio
import base64
import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import strawberry
from strawberry import Some
from valkey import Valkey

from app import migrating, names, settings
from app.access import AccessLevel, Scope, Viewer
from app.accounts import inputs
from app.accounts import service as accounts
from app.accounts.model import Account, UsageUnit
from app.api_keys import service as api_keys
from app.api_keys import token
from app.api_keys.model import ApiKey
from app.applications import service as applications
from app.applications.model import Application
from app.context import Context, Opened
from app.encryption import Keyring
from app.identifiers import Kind, new_id, show
from app.local_s3 import Identity, LocalS3, LocalS3Failed, LocalS3Missing
from app.local_valkey import LocalValkey, LocalValkeyFailed, LocalValkeyMissing
from app.outbound import OutboundGate
from app.recording import service as recording
from app.recording.model import BucketVendor, RecordingConfig
from app.recording.rules import Tag
from app.recording.storage import ObjectStorage
from app.recording.verification import StorageVerifier
from app.service_providers import service as providers
from app.service_providers.model import ServiceProvider
from app.serving import CannotStart, check_port, listen
from app.settings import Settings
from app.users import service as users
from app.users.model import User
from app.webhooks.rules import WebhookChange

BUCKET = "call-recordings"
PASSWORD = "demo people talk"  # noqa: S105  of a server that is for trying out
_ACCOUNTS = {
    "Northern Voice": ("Harbour Clinic", "Tidal Bank", "Café Ångström 🎧"),
    "Southern Cross Telecom": ("Alpine Rescue", "Kiwi Couriers"),
}
# How many prompts the gateway would have cached; those of the account that is left out have expired.
_PROMPTS = {"Harbour Clinic": 42, "Tidal Bank": 1_280, "Café Ångström 🎧": 7, "Alpine Rescue": 3}
_A_DAY_SECONDS = 86_400


def run(chosen: Settings) -> None:
    """Serves the demo on the embedded database until it is stopped. Raises CannotStart."""
    if not chosen.is_embedded:
        raise CannotStart("The demo fills a database of its own: unset DATABASE_URL, or use: python -m app serve")
    check_port(chosen)
    chosen.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    notes = chosen.data_dir / "demo.json"
    known = json.loads(notes.read_text()) if notes.exists() else {}
    storage = known.get("s3") or _new_storage()
    s3 = _start_s3(chosen.data_dir / "s3", storage)
    valkey = LocalValkey()
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
            "OUTBOUND_ALLOWED_HOSTS": s3.endpoint.removeprefix("http://"),
            "CACHE_URL": valkey.url,
            "PORT": str(chosen.port),
        }
        serving = settings.load()
        keys, account_id = asyncio.run(_fill(serving, known.get("keys", {}), storage))
        graphql = f"http://{serving.host}:{serving.port}/graphql"
        _write(notes, {"graphql": graphql, "keys": keys, "s3": storage, "cache": valkey.url})
        _tell(graphql, keys, storage, account_id)
        listen(serving)
    finally:
        valkey.stop()
        s3.stop()


def _start_valkey(valkey: LocalValkey) -> None:
    try:
        valkey.start()
    except (LocalValkeyMissing, LocalValkeyFailed) as error:
        raise CannotStart(str(error)) from None


def _new_storage() -> dict[str, str]:
    return {"accessKeyId": f"DEMO{secrets.token_hex(8).upper()}", "secretAccessKey": secrets.token_urlsafe(30)}


def _reader(storage: dict[str, str]) -> dict[str, str]:
    """A second identity, which may only read the bucket; made from the first, so that it needs no notes of its own."""
    digest = hashlib.sha256(f"reader:{storage['secretAccessKey']}".encode()).hexdigest()
    return {"accessKeyId": f"READ{digest[:16].upper()}", "secretAccessKey": digest[16:56]}


def _start_s3(folder: Path, storage: dict[str, str]) -> LocalS3:
    reader = _reader(storage)
    identities = (
        Identity.of_bucket("demo", storage["accessKeyId"], storage["secretAccessKey"], BUCKET),
        Identity("reader", reader["accessKeyId"], reader["secretAccessKey"], (f"Read:{BUCKET}", f"List:{BUCKET}")),
    )
    # The port of the last time, so that addresses that people have noted stay right; another one if it is taken.
    before = int(storage["endpoint"].rpartition(":")[2]) if "endpoint" in storage else None
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


async def _fill(chosen: Settings, keys: dict[str, str], storage: dict[str, str]) -> tuple[dict[str, str], str]:
    """Makes what is not there yet. Answers one key for each kind of caller, and the id of the account to try things on."""
    await migrating.migrate(chosen)
    keyring = chosen.keyring()
    gate = OutboundGate(chosen.outbound_allowed_hosts)
    s3 = ObjectStorage(gate)
    verifier = StorageVerifier(s3, gate, keyring, chosen.verifications_at_once)
    async with migrating.opened(chosen) as database:
        await migrating.check(database)
        await s3.open()
        try:
            opened = Opened(chosen, keyring, {OutboundGate: gate, ObjectStorage: s3, StorageVerifier: verifier})
            context = Context(Viewer(Scope.ADMIN, AccessLevel.FULL, new_id()), "demo", opened)
            ids = await _accounts(context)
            await _recordings(context, ids, storage)
            _prompts(chosen.cache_url, ids)
            await _applications(context, ids)
            await _people(context, ids)
            if not await _all_let_in(keyring, keys):
                if keys:
                    print("The keys of last time let nobody in any more; these are new.", flush=True)
                keys = await _keys(context, ids)
        finally:
            await verifier.close()
            await s3.close()
    return keys, ids["Harbour Clinic"]


async def _accounts(context: Context) -> dict[str, str]:
    ids = {}
    for provider_name, account_names in _ACCOUNTS.items():
        provider = await ServiceProvider.get_or_none(name_key=names.key(provider_name))
        provider = provider or await providers.create(context, provider_name)
        ids[provider_name] = show(Kind.SERVICE_PROVIDER, provider.id)
        for number, name in enumerate(account_names, 1):
            account = await Account.get_or_none(service_provider_id=provider.id, name_key=names.key(name))
            if account is None:
                account = await accounts.create(
                    context,
                    service_provider_id=ids[provider_name],
                    name=name,
                    sip_realm=f"{name.split()[0]}.sip.example.com",
                    usage_limit=inputs.Limit(UsageUnit.SESSIONS, 50 * number),
                    licensed_sessions=25 * number,
                )
            ids[name] = show(Kind.ACCOUNT, account.id)
    return ids


async def _recordings(context: Context, ids: dict[str, str], storage: dict[str, str]) -> None:
    """Three that work or not against the local S3, one for AWS that is not proved yet, and one account with none."""
    await _local(context, ids["Harbour Clinic"], storage, storage, record_all_calls=Some(True))
    await _local(context, ids["Tidal Bank"], storage, storage, s3_tags=Some((Tag("customer", "Tidal Bank"),)))
    # Fails on purpose: its key may only read the bucket.
    await _local(context, ids["Alpine Rescue"], storage, _reader(storage), record_all_calls=Some(True))
    if not await RecordingConfig.filter(account__name_key=names.key("Kiwi Couriers")).exists():
        aws = recording.Changes(
            bucket_vendor=Some(BucketVendor.AWS_S3),
            bucket_name=Some("kiwi-couriers-recordings"),
            region=Some("ap-southeast-6"),
        )
        await recording.update(context, ids["Kiwi Couriers"], None, aws)


def _prompts(cache_url: str, ids: dict[str, str]) -> None:
    """Caches prompts as the gateway does. The local Valkey keeps nothing, so they are all there again after a start."""
    with Valkey.from_url(cache_url) as valkey:
        pipe = valkey.pipeline(transaction=False)
        for name, count in _PROMPTS.items():
            for number in range(count):
                spoken = f"Prompt {number} of {name}".encode()
                key = f"tts:{ids[name]}:{hashlib.sha1(spoken, usedforsecurity=False).hexdigest()}"
                pipe.set(key, json.dumps({"audio": base64.b64encode(spoken).decode()}), ex=_A_DAY_SECONDS)
        pipe.execute()


async def _applications(context: Context, ids: dict[str, str]) -> None:
    """Two of one account, which uses one for SIP devices, and one of another that alone is recorded."""
    hotline = await _application(
        context, ids["Harbour Clinic"], "Appointments ☎", "wss://bots.harbour.example.com/calls"
    )
    await _application(context, ids["Harbour Clinic"], "Night desk", "https://hooks.harbour.example.com/night")
    await _application(
        context, ids["Tidal Bank"], "Card lost", "https://hooks.tidal.example.com/calls", record_all_calls=Some(True)
    )
    clinic = await accounts.within_reach(context, ids["Harbour Clinic"])
    if hotline is not None and clinic.device_calling_application_id is None:
        pointer: Some[strawberry.ID | None] = Some(strawberry.ID(show(Kind.APPLICATION, hotline.id)))
        await accounts.update(
            context,
            ids["Harbour Clinic"],
            None,
            name=None,
            sip_realm=None,
            usage_limit=None,
            licensed_sessions=None,
            webhooks={},
            device_calling_application_id=pointer,
        )


async def _application(context: Context, account_id: str, name: str, url: str, **more: Any) -> Application | None:
    """None when it was there already."""
    account = await accounts.within_reach(context, account_id)
    if await Application.filter(account_id=account.id, name_key=names.key(name)).exists():
        return None
    webhook: Some[WebhookChange | None] = Some(WebhookChange(url))
    return await applications.create(
        context, account_id, applications.Changes(name=Some(name), calling_webhook=webhook, **more)
    )


async def _local(context: Context, account_id: str, storage: dict[str, str], keys: dict[str, str], **more: Any) -> None:
    account = await accounts.within_reach(context, account_id)
    stored = await RecordingConfig.get_or_none(account_id=account.id)
    if stored is not None and stored.endpoint_url == storage["endpoint"]:
        return
    changes = recording.Changes(
        enabled=Some(True),
        bucket_vendor=Some(BucketVendor.S3_COMPATIBLE),
        endpoint_url=Some(storage["endpoint"]),
        bucket_name=Some(BUCKET),
        region=Some(storage["region"]),
        access_key_id=Some(keys["accessKeyId"]),
        secret_access_key=Some(keys["secretAccessKey"]),
        **more,
    )
    await recording.update(context, account_id, None, changes)
    await recording.verify_stored(context, account_id)


async def _keys(context: Context, ids: dict[str, str]) -> dict[str, str]:
    """One key for each kind of caller, and one on each account, as far as they are missing."""
    keys = {"admin": await api_keys.create_first_admin(context.keyring, "Demo admin")}
    callers: list[tuple[str, str, AccessLevel, dict[str, Any]]] = [
        ("serviceProvider", "Portal", AccessLevel.FULL, {"service_provider_id": ids["Northern Voice"]}),
        ("account", "Front desk", AccessLevel.FULL, {"account_id": ids["Harbour Clinic"]}),
        ("readOnly", "Dashboard", AccessLevel.READ_ONLY, {"account_id": ids["Harbour Clinic"]}),
    ]
    for caller, name, level, owner in callers:
        _, text = await api_keys.create(context, name=name, access_level=level, expires_at=None, **owner)
        keys[caller] = str(text)  # shown, since it is new
    for name in ("Tidal Bank", "Café Ångström 🎧", "Alpine Rescue", "Kiwi Couriers"):
        if not await ApiKey.filter(account__name_key=names.key(name)).exists():
            await api_keys.create(
                context, name="Front desk", access_level=AccessLevel.FULL, expires_at=None, account_id=ids[name]
            )
    return keys


async def _people(context: Context, ids: dict[str, str]) -> None:
    """One person of each scope, as far as they are missing; their password is PASSWORD, and need not be changed."""
    owners: dict[str, dict[str, Any]] = {
        "admin": {"installation": True},
        "provider": {"service_provider_id": ids["Northern Voice"]},
        "account": {"account_id": ids["Harbour Clinic"]},
    }
    for name, owner in owners.items():
        email = f"{name}@demo.example"
        if not await User.filter(email_key=email).exists():
            made, *_ = await users.create(context, email=email, name=f"Demo {name}", given=PASSWORD, **owner)
            await User.filter(id=made.id).update(must_change_password=False)


async def _all_let_in(keyring: Keyring, keys: dict[str, str]) -> bool:
    """Whether the noted keys are those of this database."""
    for text in keys.values():
        shown = token.read(text)
        if shown is None:
            return False
        digest = token.secret_hash(keyring, shown)
        if not await ApiKey.filter(public_id=shown.public_id, secret_hash=digest, revoked_at__isnull=True).exists():
            return False
    return bool(keys)


def _write(path: Path, what: dict[str, Any]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(what, indent=2) + "\n")


def _tell(graphql: str, keys: dict[str, str], s3: dict[str, str], account_id: str) -> None:
    prefilled = urlencode(
        {
            "accountId": account_id,
            "bucketVendor": "S3_COMPATIBLE",
            "endpointUrl": s3["endpoint"],
            "bucketName": s3["bucket"],
            "region": s3["region"],
            "accessKeyId": s3["accessKeyId"],
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
        "",
        f"People             {', '.join(f'{name}@demo.example' for name in ('admin', 'provider', 'account'))}",
        f"  password         {PASSWORD}",
        "",
        "A bucket to try    S3_COMPATIBLE",
        f"  endpoint         {s3['endpoint']}",
        f"  bucket, region   {s3['bucket']}, {s3['region']}",
        f"  access key ID    {s3['accessKeyId']}",
        f"  secret           {s3['secretAccessKey']}",
        "",
        f"An account to try  {account_id}",
        "Stop with Ctrl-C.",
        "",
    ]
    print("\n".join(lines), flush=True)
