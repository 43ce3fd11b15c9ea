"""What `make run` shows: a small story, told by the people who act in it, so that the audit trail has their names.

Two service providers with five accounts: three of one, whom the provider looks after, and one of these, the Harbour Clinic, that
looks after itself. It is told once, to an empty database: what people do to it afterwards stays as they have made it.
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
from app.foundation.access import AccessLevel, Scope, Viewer
from app.foundation.context import Context, Resources
from app.foundation.identifiers import Kind, sid_of
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

PEOPLE = ("admin", "provider", "account")
NEWCOMER = "newcomer"
PASSWORD = "demo people talk"  # noqa: S105  of a server that is for trying out
BUCKET = "call-recordings"
TRY_HERE = "Harbour Clinic"
BANK = "Tidal Bank"
HOTLINE, CARD_LOST = "Appointments ☎", "Card lost"
OTHER_PROVIDER = "Southern Cross Telecom"
_ACCOUNTS = {
    "Northern Voice": (TRY_HERE, BANK, "Café Ångström 🎧"),
    OTHER_PROVIDER: ("Alpine Rescue", "Kiwi Couriers"),
}
# How many prompts the gateway would have cached; those of the account that is left out have expired.
_PROMPTS = {TRY_HERE: 42, BANK: 1_280, "Café Ångström 🎧": 7, "Alpine Rescue": 3}
_A_DAY_SECONDS = 86_400


@dataclass
class Story:
    """Who acts, and the ids of what they made, by name."""

    opened: Resources
    people: dict[str, Viewer] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def by(self, person: str, mutation: str) -> Context:
        """Somebody who does one thing, as the audit trail will tell it."""
        context = Context(self.people[person], "demo", self.opened)
        context.begin(mutation)
        return context


def email_of(person: str) -> str:
    return f"{person}@demo.example"


async def is_empty() -> bool:
    """Whether nobody has made anything in the open database yet."""
    return not (await ServiceProvider.exists() or await User.exists() or await ApiKey.exists())


async def fill(opened: Resources, storage: Mapping[str, str], reader: Mapping[str, str], receiver: str) -> Story:
    """`reader` are the keys of somebody who may only read the bucket; `receiver` is where webhooks are taken."""
    story = Story(opened, {"nobody": Viewer(Scope.ADMIN, AccessLevel.FULL)})
    await _person(story, "nobody", "admin", installation=True)
    for provider, customers in _ACCOUNTS.items():
        await _provider(story, provider)
        for number, customer in enumerate(customers, 1):
            await _account(story, provider, customer, number)
    await _person(story, "admin", "provider", service_provider_id=story.ids["Northern Voice"])
    await _person(story, "provider", "account", account_id=story.ids[TRY_HERE])
    await _newcomer(story)
    await _recordings(story, storage, reader)
    await _applications(story)
    await _webhooks(story, f"http://{receiver}")
    return story


async def _person(story: Story, maker: str, name: str, **owner: Any) -> None:
    """One of PEOPLE; their password is PASSWORD, and need not be changed."""
    context = story.by(maker, "createUser")
    user, *_ = await users.create(
        context, users.NewUser(email_of(name), f"Demo {name}", OwnerChoice(**owner), PASSWORD)
    )
    await User.filter(id=user.id).update(must_change_password=False)
    story.people[name] = Viewer(
        user.scope,
        AccessLevel.FULL,
        account_id=user.account_id,
        service_provider_id=user.service_provider_id,
        user_id=user.id,
    )


async def _newcomer(story: Story) -> None:
    """Somebody of the clinic who has not logged in yet, and must change the password first."""
    context = story.by("account", "createUser")
    await users.create(context, users.NewUser(email_of(NEWCOMER), f"Demo {NEWCOMER}", password=PASSWORD))


async def _provider(story: Story, name: str) -> None:
    provider = await providers.create(story.by("admin", "createServiceProvider"), name)
    story.ids[name] = sid_of(Kind.SERVICE_PROVIDER, provider.id)


async def _account(story: Story, provider: str, name: str, number: int) -> None:
    account = await accounts.create(
        story.by("admin", "createAccount"),
        NewAccount(
            name=name,
            service_provider_id=story.ids[provider],
            sip_realm=f"{name.partition(' ')[0]}.sip.example.com",
            usage_limit=Limit(UsageUnit.SESSIONS, 50 * number),
            licensed_sessions=25 * number,
        ),
    )
    story.ids[name] = sid_of(Kind.ACCOUNT, account.id)


async def _recordings(story: Story, storage: Mapping[str, str], reader: Mapping[str, str]) -> None:
    """Three that work or not against the local S3, one for AWS that is not proved yet, and one account with none."""
    wav = Some(AudioFormat.WAV)
    await _local(story, "account", TRY_HERE, storage, storage, record_all_calls=Some(True), audio_format=wav)
    await _local(story, "provider", BANK, storage, storage, s3_tags=Some((Tag("customer", BANK),)))
    # Fails on purpose: its key may only read the bucket.
    await _local(story, "admin", "Alpine Rescue", storage, reader, record_all_calls=Some(True))
    aws = RecordingConfigPatch(
        bucket_vendor=Some(BucketVendor.AWS_S3),
        bucket_name=Some("kiwi-couriers-recordings"),
        region=Some("ap-southeast-6"),
    )
    await recording.update(story.by("admin", "updateRecordingConfig"), story.ids["Kiwi Couriers"], aws)


async def _local(
    story: Story, person: str, name: str, storage: Mapping[str, str], keys: Mapping[str, str], **more: Any
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
    await recording.update(story.by(person, "updateRecordingConfig"), story.ids[name], changes)
    await recording.verify_stored(story.by(person, "verifyStoredRecordingStorage"), story.ids[name])


async def _applications(story: Story) -> None:
    """Two of the clinic, one for SIP devices and one for SIPREC calls, and one of another account that alone is recorded."""
    hotline = await _application(story, "account", TRY_HERE, HOTLINE, "wss://bots.harbour.example.com/calls")
    desk = await _application(story, "account", TRY_HERE, "Night desk", "https://hooks.harbour.example.com/night")
    await _application(
        story,
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
    await accounts.update(story.by("account", "updateAccount"), story.ids[TRY_HERE], patch)


async def _application(story: Story, person: str, account: str, name: str, url: str, **more: Any) -> Application:
    settings = applications.ApplicationPatch(name=Some(name), calling_webhook=Some(WebhookChange(url)), **more)
    new = applications.NewApplication(story.ids[account], settings)
    made = await applications.create(story.by(person, "createApplication"), new)
    story.ids[name] = sid_of(Kind.APPLICATION, made.id)
    return made


async def _webhooks(story: Story, receiver: str) -> None:
    """Two of the clinic that are taken, and one of another account that leads to where nobody is any more; all are tested."""
    basic: dict[str, Any] = {"username": Some("gateway"), "password": Some("demo webhook")}
    clinic = AccountPatch(
        registration_webhook=Some(WebhookChange(f"{receiver}/registrations")),
        queue_event_webhook=Some(WebhookChange(f"{receiver}/queue-events", **basic)),
    )
    await _tested(story, "account", TRY_HERE, clinic, WebhookKind.REGISTRATION, WebhookKind.QUEUE_EVENT)
    moved = AccountPatch(registration_webhook=Some(WebhookChange(f"{receiver}/moved/registrations")))
    await _tested(story, "provider", BANK, moved, WebhookKind.REGISTRATION)


async def _tested(story: Story, person: str, name: str, patch: AccountPatch, *kinds: WebhookKind) -> None:
    await accounts.update(story.by(person, "updateAccount"), story.ids[name], patch)
    for kind in kinds:
        await webhooks.send_test(story.by(person, "sendTestWebhook"), story.ids[name], kind)


async def keys(story: Story) -> dict[str, str]:
    """A new key for each kind of caller, and one on each other account."""
    made = {"admin": await api_keys.create_first_admin(story.opened.keyring, "Demo admin")}
    provider = {"service_provider_id": story.ids["Northern Voice"]}
    clinic = {"account_id": story.ids[TRY_HERE]}
    made["serviceProvider"] = await _key(story, "provider", "Portal", AccessLevel.FULL, **provider)
    made["gateway"] = await _key(story, "provider", "Voice gateway", AccessLevel.GATEWAY, **provider)
    made["account"] = await _key(story, "account", "Front desk", AccessLevel.FULL, **clinic)
    made["readOnly"] = await _key(story, "account", "Dashboard", AccessLevel.READ_ONLY, **clinic)
    for name in (BANK, "Café Ångström 🎧", "Alpine Rescue", "Kiwi Couriers"):
        await _key(story, "admin", "Front desk", AccessLevel.FULL, account_id=story.ids[name])
    return made


async def _key(story: Story, person: str, name: str, level: AccessLevel, **owner: Any) -> str:
    context = story.by(person, "createApiKey")
    _, text = await api_keys.create(context, api_keys.NewApiKey(name, level, owner=OwnerChoice(**owner)))
    return str(text)  # shown, since it is new


def cache_prompts(cache_url: str, ids: Mapping[str, str]) -> None:
    """Caches prompts as the gateway does. The local Valkey keeps nothing, so they are all there again after a start."""
    with Valkey.from_url(cache_url) as valkey:
        pipe = valkey.pipeline(transaction=False)
        for name, count in _PROMPTS.items():
            for number in range(count):
                spoken = f"Prompt {number} of {name}".encode()
                key = f"tts:{ids[name]}:{hashlib.sha1(spoken, usedforsecurity=False).hexdigest()}"
                pipe.set(key, json.dumps({"audio": base64.b64encode(spoken).decode()}), ex=_A_DAY_SECONDS)
        pipe.execute()
