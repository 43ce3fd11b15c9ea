"""The data of the demo: two service providers with five accounts, created by their users, so that the audit trail has names.

The users of the account Harbour Clinic manage it themselves; its service provider manages two other accounts. They belong to an
owner, who only views all else of the provider.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from strawberry import ID, Some
from valkey import Valkey

from app.accounts import service as accounts
from app.accounts.inputs import AccountPatch, Limit, NewAccount
from app.accounts.model import UsageUnit
from app.api_keys import service as api_keys
from app.api_keys.model import ApiKey
from app.api_keys.owner import OwnerChoice
from app.applications import service as applications
from app.applications.model import Application
from app.foundation.access import Scope, Viewer
from app.foundation.context import Context, Resources
from app.foundation.identifiers import Kind, sid_of
from app.foundation.permissions import ALL, AccessLevel, Role, permissions_of_role
from app.service_providers import service as providers
from app.service_providers.model import ServiceProvider
from app.storage import service as recording
from app.storage.inputs import RecordingConfigPatch
from app.storage.model import AudioFormat, BucketVendor
from app.storage.rules import Tag
from app.users import service as users
from app.users.model import User
from app.webhooks import service as webhooks
from app.webhooks.model import WebhookKind
from app.webhooks.rules import WebhookChange

PEOPLE = ("admin", "provider", "owner", "account", "editor", "listener")
NEWCOMER = "newcomer"
PASSWORD = "demo people talk"  # noqa: S105  of a server for trying out
BUCKET = "call-recordings"
TRY_HERE = "Harbour Clinic"
BANK = "Tidal Bank"
OWNED = (BANK, "Café Ångström 🎧")
HOTLINE, CARD_LOST = "Appointments ☎", "Card lost"
OTHER_PROVIDER = "Southern Cross Telecom"
_ACCOUNTS = {
    "Northern Voice": (TRY_HERE, BANK, "Café Ångström 🎧"),
    OTHER_PROVIDER: ("Alpine Rescue", "Kiwi Couriers"),
}
# Cached prompts of each account; those of the missing account have expired.
_PROMPTS = {TRY_HERE: 42, BANK: 1_280, "Café Ångström 🎧": 7, "Alpine Rescue": 3}
_A_DAY_SECONDS = 86_400


@dataclass
class DemoData:
    """The users that act, and the ids of the created objects, by name."""

    opened: Resources
    people: dict[str, Viewer] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def by(self, person: str, mutation: str) -> Context:
        """The context of a mutation, with which the audit trail records it."""
        context = Context(self.people[person], "demo", self.opened)
        context.begin(mutation)
        return context


def email_of(person: str) -> str:
    return f"{person}@demo.example"


async def is_empty() -> bool:
    """Whether the database has no service provider, user or API key."""
    return not (await ServiceProvider.exists() or await User.exists() or await ApiKey.exists())


async def fill(opened: Resources, storage: Mapping[str, str], reader: Mapping[str, str], receiver: str) -> DemoData:
    """`reader` has keys that may only read the bucket; `receiver` is the `address:port` of the receiver of webhooks."""
    demo = DemoData(opened, {"system": Viewer(Scope.ADMIN, ALL)})
    await _person(demo, "system", "admin", installation=True)
    for provider, customers in _ACCOUNTS.items():
        await _provider(demo, provider)
        for number, customer in enumerate(customers, 1):
            await _account(demo, provider, customer, number)
    await _person(demo, "admin", "provider", service_provider_id=demo.ids["Northern Voice"])
    await _person(demo, "provider", "owner", Role.VIEWER, service_provider_id=demo.ids["Northern Voice"])
    for owned in OWNED:
        transfer = demo.by("provider", "transferAccountOwnership")
        await accounts.transfer_ownership(transfer, demo.ids[owned], demo.ids["owner"], None)
    await _person(demo, "provider", "account", account_id=demo.ids[TRY_HERE])
    await _person(demo, "account", "editor", Role.EDITOR, account_id=demo.ids[TRY_HERE])
    await _person(demo, "account", "listener", Role.LISTENER, account_id=demo.ids[TRY_HERE])
    await _newcomer(demo)
    await _recordings(demo, storage, reader)
    await _applications(demo)
    await _webhooks(demo, f"http://{receiver}")
    return demo


async def _person(demo: DemoData, creator: str, name: str, role: Role = Role.MANAGER, **owner: Any) -> None:
    """Creates one of PEOPLE, whose password is PASSWORD and need not be changed."""
    context = demo.by(creator, "createUser")
    user, *_ = await users.create(
        context, users.NewUser(email_of(name), f"Demo {name}", role, owner=OwnerChoice(**owner), password=PASSWORD)
    )
    await User.filter(id=user.id).update(must_change_password=False)
    demo.ids[name] = sid_of(Kind.USER, user.id)
    demo.people[name] = Viewer(
        user.scope,
        permissions_of_role(user.role, user.permissions),
        account_id=user.account_id,
        service_provider_id=user.service_provider_id,
        user_id=user.id,
        role=user.role,
    )


async def _newcomer(demo: DemoData) -> None:
    """Creates a user of the clinic who has not logged in yet and must change the password first."""
    context = demo.by("account", "createUser")
    await users.create(context, users.NewUser(email_of(NEWCOMER), f"Demo {NEWCOMER}", Role.VIEWER, password=PASSWORD))


async def _provider(demo: DemoData, name: str) -> None:
    provider = await providers.create(demo.by("admin", "createServiceProvider"), name)
    demo.ids[name] = sid_of(Kind.SERVICE_PROVIDER, provider.id)


async def _account(demo: DemoData, provider: str, name: str, number: int) -> None:
    account = await accounts.create(
        demo.by("admin", "createAccount"),
        NewAccount(
            name=name,
            service_provider_id=demo.ids[provider],
            sip_realm=f"{name.partition(' ')[0]}.sip.example.com",
            usage_limit=Limit(UsageUnit.SESSIONS, 50 * number),
            licensed_sessions=25 * number,
        ),
    )
    demo.ids[name] = sid_of(Kind.ACCOUNT, account.id)


async def _recordings(demo: DemoData, storage: Mapping[str, str], reader: Mapping[str, str]) -> None:
    """Three configurations for the local S3 (one of them fails) and an untested one for AWS; one account has none."""
    wav = Some(AudioFormat.WAV)
    await _local(demo, "account", TRY_HERE, storage, storage, record_all_calls=Some(True), audio_format=wav)
    await _local(demo, "provider", BANK, storage, storage, s3_tags=Some((Tag("customer", BANK),)))
    # Fails intentionally: its key may only read the bucket.
    await _local(demo, "admin", "Alpine Rescue", storage, reader, record_all_calls=Some(True))
    aws = RecordingConfigPatch(
        bucket_vendor=Some(BucketVendor.AWS_S3),
        bucket_name=Some("kiwi-couriers-recordings"),
        region=Some("ap-southeast-6"),
    )
    await recording.update(demo.by("admin", "updateRecordingConfig"), demo.ids["Kiwi Couriers"], aws)


async def _local(
    demo: DemoData, person: str, name: str, storage: Mapping[str, str], keys: Mapping[str, str], **more: Any
) -> None:
    changes = RecordingConfigPatch(
        enabled=Some(True),
        bucket_vendor=Some(BucketVendor.S3_COMPATIBLE),
        endpoint_url=Some(storage["endpoint"]),
        bucket_name=Some(BUCKET),
        region=Some(storage["region"]),
        access_key_id=Some(keys["accessKeyId"]),
        secret_access_key=Some(keys["secretAccessKey"]),
        **more,
    )
    await recording.update(demo.by(person, "updateRecordingConfig"), demo.ids[name], changes)
    await recording.verify_stored(demo.by(person, "verifyStoredRecordingStorage"), demo.ids[name])


async def _applications(demo: DemoData) -> None:
    """Two of the clinic, for SIP devices and SIPREC calls, and one of the bank, the only one of its account that is recorded."""
    hotline = await _application(demo, "account", TRY_HERE, HOTLINE, "wss://bots.harbour.example.com/calls")
    desk = await _application(demo, "account", TRY_HERE, "Night desk", "https://hooks.harbour.example.com/night")
    await _application(
        demo,
        "provider",
        BANK,
        CARD_LOST,
        "https://hooks.tidal.example.com/calls",
        record_all_calls=Some(True),
    )
    patch = AccountPatch(
        device_calling_application_id=Some(ID(sid_of(Kind.APPLICATION, hotline.id))),
        siprec_application_id=Some(ID(sid_of(Kind.APPLICATION, desk.id))),
    )
    await accounts.update(demo.by("account", "updateAccount"), demo.ids[TRY_HERE], patch)


async def _application(demo: DemoData, person: str, account: str, name: str, url: str, **more: Any) -> Application:
    settings = applications.ApplicationPatch(name=Some(name), calling_webhook=Some(WebhookChange(url)), **more)
    new = applications.NewApplication(demo.ids[account], settings)
    made = await applications.create(demo.by(person, "createApplication"), new)
    demo.ids[name] = sid_of(Kind.APPLICATION, made.id)
    return made


async def _webhooks(demo: DemoData, receiver: str) -> None:
    """Two of the clinic that work and one of the bank whose address has moved; all are tested."""
    basic: dict[str, Any] = {"username": Some("gateway"), "password": Some("demo webhook")}
    clinic = AccountPatch(
        registration_webhook=Some(WebhookChange(f"{receiver}/registrations")),
        queue_event_webhook=Some(WebhookChange(f"{receiver}/queue-events", **basic)),
    )
    await _tested(demo, "account", TRY_HERE, clinic, WebhookKind.REGISTRATION, WebhookKind.QUEUE_EVENT)
    moved = AccountPatch(registration_webhook=Some(WebhookChange(f"{receiver}/moved/registrations")))
    await _tested(demo, "provider", BANK, moved, WebhookKind.REGISTRATION)


async def _tested(demo: DemoData, person: str, name: str, patch: AccountPatch, *kinds: WebhookKind) -> None:
    await accounts.update(demo.by(person, "updateAccount"), demo.ids[name], patch)
    for kind in kinds:
        await webhooks.send_test(demo.by(person, "sendTestWebhook"), demo.ids[name], kind)


async def keys(demo: DemoData) -> dict[str, str]:
    """Creates a key for each kind of caller and for each other account; returns the former."""
    made = {"admin": await api_keys.create_first_admin(demo.opened.keyring, "Demo admin")}
    provider = {"service_provider_id": demo.ids["Northern Voice"]}
    clinic = {"account_id": demo.ids[TRY_HERE]}
    made["serviceProvider"] = await _key(demo, "provider", "Portal", AccessLevel.FULL, **provider)
    made["gateway"] = await _key(demo, "provider", "Voice gateway", AccessLevel.GATEWAY, **provider)
    made["account"] = await _key(demo, "account", "Front desk", AccessLevel.FULL, **clinic)
    made["readOnly"] = await _key(demo, "account", "Dashboard", AccessLevel.READ_ONLY, **clinic)
    for name in (BANK, "Café Ångström 🎧", "Alpine Rescue", "Kiwi Couriers"):
        await _key(demo, "admin", "Front desk", AccessLevel.FULL, account_id=demo.ids[name])
    return made


async def _key(demo: DemoData, person: str, name: str, level: AccessLevel, **owner: Any) -> str:
    context = demo.by(person, "createApiKey")
    _, text = await api_keys.create(context, api_keys.NewApiKey(name, level, owner=OwnerChoice(**owner)))
    return str(text)  # the token, because the key is new


def cache_prompts(cache_url: str, ids: Mapping[str, str]) -> None:
    """Caches prompts as the gateway does. The local Valkey loses them when it ends, so each start caches all of them."""
    with Valkey.from_url(cache_url) as valkey:
        pipe = valkey.pipeline(transaction=False)
        for name, count in _PROMPTS.items():
            for number in range(count):
                spoken = f"Prompt {number} of {name}".encode()
                key = f"tts:{ids[name]}:{hashlib.sha1(spoken, usedforsecurity=False).hexdigest()}"
                pipe.set(key, json.dumps({"audio": base64.b64encode(spoken).decode()}), ex=_A_DAY_SECONDS)
        pipe.execute()
