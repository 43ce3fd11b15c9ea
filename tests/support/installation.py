"""An installation with two providers and three accounts, and its callers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from strawberry import Some
from tortoise import BaseDBAsyncClient
from tortoise.context import TortoiseContext, _current_context

from app.accounts import service as accounts
from app.accounts.inputs import NewAccount
from app.accounts.model import Account
from app.api_keys import service as api_keys
from app.api_keys.owner import OwnerChoice
from app.applications import service as applications
from app.audit.model import AuditEvent
from app.audit.secret_reads import SecretReads
from app.commands import migrate
from app.foundation.access import Scope, Viewer
from app.foundation.context import Context, Resources
from app.foundation.database import orm as database
from app.foundation.encryption import new_key_text
from app.foundation.identifiers import Kind, new_id, parse_sid, sid_of
from app.foundation.outbound.guard import OutboundGate
from app.foundation.permissions import ALL, AccessLevel
from app.foundation.settings import Settings
from app.server.asgi import create_app
from app.server.lifespan import Server
from app.service_providers import service as providers
from app.storage import service as recording
from app.storage.inputs import RecordingConfigPatch
from app.storage.model import BucketVendor
from app.storage.rules import Tag
from app.webhooks.model import WebhookDelivery, WebhookKind, WebhookMethod
from app.webhooks.rules import WebhookChange


@dataclass
class World:
    """The seeded data: ids by name, and API keys by caller."""

    folder: Path
    encryption_keys: str
    hash_key: str
    ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.ids[name]


@dataclass
class Answer:
    """An HTTP response."""

    status: int
    headers: httpx.Headers
    body: dict[str, Any]

    @property
    def data(self) -> Any:
        return self.body.get("data")

    @property
    def errors(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body.get("errors", [])
        return found

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]

    def only(self, name: str) -> Any:
        """The value of a root field in a response without errors."""
        assert not self.errors, self.errors
        return self.data[name]


class Person:
    """A caller: `await admin.ask(query, variable=value)`."""

    def __init__(self, client: httpx.AsyncClient, token: str | None) -> None:
        self.client = client
        self.token = token

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def ask(self, query: str, **variables: Any) -> Answer:
        response = await self.client.post(
            "/graphql", json={"query": query, "variables": variables}, headers=self.headers, timeout=60
        )
        return Answer(response.status_code, response.headers, response.json())

    async def change(self, mutation: str, selection: str, /, **input: Any) -> dict[str, Any]:
        """A mutation's payload: `await admin.change("createAccount", "account { id }", name="…")`.

        `userErrors { code message field }` is always asked for as well.
        """
        name = mutation[0].upper() + mutation[1:]
        answer = await self.ask(
            f"mutation ($input: {name}Input!) {{"
            f" {mutation}(input: $input) {{ {selection} userErrors {{ code message field }} }} }}",
            input=input,
        )
        payload: dict[str, Any] = answer.only(mutation)
        return payload


def refusals(payload: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    """The code and field of each mistake in a payload."""
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


class Installation:
    """The started application."""

    def __init__(self, app: Starlette, world: World, client: httpx.AsyncClient, settings: Settings) -> None:
        self.app = app
        self.world = world
        self.client = client
        self.settings = settings
        self._database: TortoiseContext | None = None
        self._opening = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def started(cls, world: World, folder: Path, url: str, **changed: Any) -> AsyncIterator["Installation"]:
        chosen = settings_of(world, folder, url, **changed)
        app = create_app(chosen)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://accounts.test") as client,
        ):
            started = cls(app, world, client, chosen)
            try:
                yield started
            finally:
                if started._database is not None:
                    await started._database.close_connections()

    def person(self, name: str | None) -> Person:
        return Person(self.client, self.world.tokens[name] if name else None)

    def holder(self, token: str) -> Person:
        """A caller with this token."""
        return Person(self.client, token)

    @property
    def resources(self) -> Resources:
        server: Server = self.app.state.server
        assert server.state is not None
        return server.state.resources

    def forget_uses(self) -> None:
        """Discards pending last uses and secret reads, so that the shutdown writes nothing."""
        server: Server = self.app.state.server
        assert server.state is not None
        used = server.state.authentication._last_use
        for noted in (used._current, used._previous, used._sessions, self.resources.clients[SecretReads]._waiting):
            noted.clear()

    @asynccontextmanager
    async def database(self) -> AsyncIterator[BaseDBAsyncClient]:
        """The database without the application, on connections of the test's own."""
        async with self._opening:
            if self._database is None:
                context = TortoiseContext()
                await context.init(config=database.configuration(self.settings))
                self._database = context
        # Not `async with`, which closes the connections at the end of each block.
        token = _current_context.set(self._database)
        try:
            yield self._database.db()
        finally:
            _current_context.reset(token)


def settings_of(world: World, folder: Path, url: str, **changed: Any) -> Settings:
    values: dict[str, Any] = {
        "data_dir": folder,
        "database_url": url,
        "encryption_keys": world.encryption_keys,
        "hash_key": world.hash_key,
        "database_pool_size": 8,
        "anonymous_introspection": True,
        "outbound_allowed_hosts": ["127.0.0.1"],
    }
    return Settings(**{**values, **changed})


async def _webhook(account: Account) -> str:
    """Gives an account a registration webhook without a new version, and returns the id of a delivery to it."""
    url, method = "https://hooks.example.com/registration", WebhookMethod.POST
    await Account.filter(id=account.id).update(registration_webhook_url=url, registration_webhook_method=method)
    made = await WebhookDelivery.create(
        account_id=account.id,
        kind=WebhookKind.REGISTRATION,
        method=method,
        url=url,
        request_headers=[{"name": "Host", "value": "hooks.example.com"}],
        request_body="{}",
        status=204,
        duration_ms=25,
        reply="",
        reply_truncated=False,
    )
    return sid_of(Kind.WEBHOOK_DELIVERY, made.id)


async def seed(folder: Path, url: str) -> World:
    """Migrates and fills a database: two providers; an own, a sibling and a foreign account; keys and recording."""
    world = World(folder, f"test:{new_key_text()}", new_key_text())
    chosen = settings_of(world, folder, url)
    await migrate.migrate(chosen)
    async with database.opened(chosen):
        keyring = chosen.keyring()
        opened = Resources(chosen, keyring, {OutboundGate: OutboundGate(["127.0.0.1"])})
        context = Context(Viewer(Scope.ADMIN, ALL, new_id()), "seed", opened)
        world.tokens["admin"] = await api_keys.create_first_admin(keyring, "admin")

        async def key(person: str, level: AccessLevel = AccessLevel.FULL, **owner: Any) -> None:
            made, text = await api_keys.create(context, api_keys.NewApiKey(person, level, owner=OwnerChoice(**owner)))
            assert text is not None
            world.ids[f"{person}_key"], world.tokens[person] = sid_of(Kind.API_KEY, made.id), text

        for person, name in (("provider", "Northern Voice"), ("other_provider", "Southern Voice")):
            made = await providers.create(context, name)
            world.ids[person] = sid_of(Kind.SERVICE_PROVIDER, made.id)
            await key(person, service_provider_id=world.ids[person])
        for place, owner, person in (
            ("own", "provider", "account_user"),
            ("sibling", "provider", "sibling_user"),
            ("foreign", "other_provider", "foreign_user"),
        ):
            account = await accounts.create(
                context,
                NewAccount(f"{place.title()} customer", world[owner], f"{place}.sip.example.com"),
            )
            world.ids[place] = sid_of(Kind.ACCOUNT, account.id)
            await key(person, account_id=world.ids[place])
            config = await recording.update(
                context,
                world.ids[place],
                RecordingConfigPatch(
                    enabled=Some(True),
                    bucket_vendor=Some(BucketVendor.AWS_S3),
                    bucket_name=Some(f"{place}-recordings"),
                    region=Some("eu-central-1"),
                    access_key_id=Some("AKIAIOSFODNN7EXAMPLE"),
                    secret_access_key=Some(f"secret-of-{place}-recordings"),
                    s3_tags=Some((Tag("customer", place),)),
                ),
            )
            world.ids[f"{place}_recording"] = sid_of(Kind.RECORDING_CONFIG, config.id)
            application = await applications.create(
                context,
                applications.NewApplication(
                    world.ids[place],
                    applications.ApplicationPatch(
                        name=Some(f"{place.title()} hotline"),
                        calling_webhook=Some(WebhookChange(f"https://{place}.example.com/calls")),
                    ),
                ),
            )
            world.ids[f"{place}_application"] = sid_of(Kind.APPLICATION, application.id)
            world.ids[f"{place}_delivery"] = await _webhook(account)
        for event in await AuditEvent.filter(object_kind=Kind.ACCOUNT.value):
            place = next(
                name
                for name in ("own", "sibling", "foreign")
                if parse_sid(Kind.ACCOUNT, world[name]) == event.object_id
            )
            world.ids[f"{place}_event"] = sid_of(Kind.AUDIT_EVENT, event.id)
        await key("read_only", AccessLevel.READ_ONLY, account_id=world.ids["own"])
    return world
