"""The audit trail: each change leaves exactly one event with actor, time and values, and without secrets."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import get_named_type
from strawberry.utils.str_converters import to_snake_case
from tortoise.exceptions import BaseORMException
from tortoise.fields import JSONField

from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.audit import service, setting_names, trail
from app.audit.model import AuditEvent
from app.audit.secret_reads import SecretReads
from app.calls.model import Call
from app.demo.local_s3 import LocalS3
from app.foundation.access import TenantScoped
from app.foundation.graphql import declarations
from app.foundation.graphql.registry import registry
from app.foundation.identifiers import Kind, kind_of, parse_sid, sid_of
from app.foundation.settings import Settings
from app.recording.spool import Spool
from app.server.schema import schema
from app.storage.model import RecordingConfig
from app.users.model import PasswordPolicy, User
from tests.recording.recorded import recorded, target_in
from tests.support.access_matrix import RemoteSpool, add_failed_recordings
from tests.support.catalogue import empty, make_settings, migrated
from tests.support.commands import ended, environment_of
from tests.support.installation import Installation, Person, World, refusals
from tests.support.personas import PASSWORD, People, add_people, become, email_of, log_in

__all__ = ["empty", "make_settings", "migrated"]

EVENTS = """query ($filter: AuditEventFilter) { auditEvents(first: 100, filter: $filter) { totalCount nodes {
    id at operation actor { scope apiKeyId userId } objectId accountId serviceProviderId formerServiceProviderId
    changes { field before after } requestId
} } }"""
STORAGE = {
    "bucketVendor": "AWS_S3",
    "bucketName": "calls",
    "region": "eu-central-1",
    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "secretAccessKey": "not-to-be-shown",
}

Inputs = Callable[[World], dict[str, Any]]
# The mutations and their inputs, in an order in which all of them succeed.
CHANGES: list[tuple[str, Inputs]] = [
    ("createServiceProvider", lambda _: {"name": "Third Voice"}),
    ("updateServiceProvider", lambda world: {"id": world["provider"], "name": "Renamed Voice"}),
    ("setServiceProviderActive", lambda world: {"id": world["other_provider"], "active": False}),
    ("createAccount", lambda world: {"name": "New", "serviceProviderId": world["provider"]}),
    ("updateAccount", lambda world: {"id": world["own"], "name": "Renamed", "sipRealm": None}),
    ("setAccountActive", lambda world: {"id": world["sibling"], "active": False}),
    ("rotateWebhookSecret", lambda world: {"id": world["own"]}),
    ("createApiKey", lambda world: {"name": "key", "owner": {"accountId": world["own"]}}),
    ("updateApiKey", lambda world: {"id": world["account_user_key"], "name": "Renamed"}),
    ("rotateApiKey", lambda world: {"id": world["account_user_key"]}),
    ("revokeApiKey", lambda world: {"id": world["account_user_key"]}),
    ("updateRecordingConfig", lambda world: {"accountId": world["own"], **STORAGE}),
    ("verifyRecordingStorage", lambda world: {"accountId": world["own"], "bucketName": "."}),
    ("verifyStoredRecordingStorage", lambda world: {"accountId": world["foreign"]}),
    (
        "createApplication",
        lambda world: {
            "accountId": world["own"],
            "name": "New",
            "callingWebhook": {"url": "https://a.example.com", "username": "u", "password": STORAGE["secretAccessKey"]},
        },
    ),
    ("updateApplication", lambda world: {"id": world["own_application"], "name": "Renamed"}),
    ("deleteApplication", lambda world: {"id": world["own_application"], "force": True}),
    ("sendTestWebhook", lambda world: {"accountId": world["own"], "kind": "REGISTRATION"}),
    ("retryRecording", lambda world: {"id": world["own_call"]}),
    ("deleteRecording", lambda world: {"id": world["own_call"]}),
    ("removeStoredCredential", lambda world: {"id": world["own_credential"]}),
    ("clearTtsCache", lambda world: {"accountId": world["own"]}),
    ("removeRecordingConfig", lambda world: {"accountId": world["own"]}),
    ("moveAccount", lambda world: {"id": world["own"], "serviceProviderId": world["other_provider"]}),
    ("deleteAccount", lambda world: {"id": world["own"], "force": True}),
    ("deleteServiceProvider", lambda world: {"id": world["empty_provider"], "force": True}),
]


# Mutations whose events name no object, and why.
WITHOUT_OBJECT = {
    "verifyRecordingStorage": "the tested draft is stored nowhere",
    "updatePasswordPolicy": "there is one policy, and it has no id",
}
# The audited object without an id: its type and its model.
POLICY = ("PasswordPolicy", PasswordPolicy)
# Never the object of an event: events of a session belong to its user, and events never change.
NOT_AUDITED = {Kind.SESSION, Kind.AUDIT_EVENT}


OTHER_PASSWORD = "quite another battery"
# The mutations of people, with the person: as above.
OF_PEOPLE: list[tuple[str, str, Callable[[People], dict[str, Any]]]] = [
    ("login", "", lambda _: {"email": email_of("ann"), "password": PASSWORD}),
    ("createUser", "root", lambda people: {"role": "MANAGER", "email": "new@people.example.com", "name": "New"}),
    ("updateUser", "root", lambda people: {"id": people.ids["ann"], "name": "Anna"}),
    (
        "transferAccountOwnership",
        "root",
        lambda people: {"id": people.installation.world["own"], "ownerId": people.ids["ann"]},
    ),
    ("changeName", "boss", lambda _: {"name": "The boss"}),
    ("adoptApiKey", "boss", lambda people: {"id": people.installation.world["account_user_key"]}),
    ("changePassword", "boss", lambda _: {"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD}),
    ("resetPassword", "root", lambda people: {"id": people.ids["bob"]}),
    ("deactivateUser", "root", lambda people: {"id": people.ids["sue"]}),
    ("reactivateUser", "root", lambda people: {"id": people.ids["sue"]}),
    ("deleteUser", "root", lambda people: {"id": people.ids["fay"]}),
    ("revokeSession", "root", lambda people: {"id": people.sessions["rival"]}),
    ("updatePasswordPolicy", "root", lambda _: {"minimumLength": 12}),
    ("logoutEverywhere", "ann", lambda _: {"keepCurrent": True}),
    ("logout", "boss", lambda _: {}),
]


# Reports of voice gateways are frequent and no changes by a caller; the calls themselves show them.
UNAUDITED = {"reportCalls"}


async def events(person: Person, **filter: Any) -> list[dict[str, Any]]:
    """Events of requests, without those of the server, which created the world."""
    answer = await person.ask(EVENTS, filter=filter)
    assert set(answer.codes) <= {"FORBIDDEN"}  # accounts do not see who runs them
    found: list[dict[str, Any]] = answer.data["auditEvents"]["nodes"]
    return [event for event in found if event["operation"] != "server"]


async def operations() -> list[str]:
    return [event.operation for event in await AuditEvent.exclude(operation="server")]


async def made_empty(admin: Person, world: World) -> None:
    """A provider without accounts."""
    made = await admin.change("createServiceProvider", "serviceProvider { id }", name="Without accounts")
    world.ids["empty_provider"] = made["serviceProvider"]["id"]


async def made_recording(installation: Installation, world: World) -> None:
    """A call with a failed recording, and the storage keys of the attempt."""
    installation.resources.clients[Spool] = RemoteSpool()  # type: ignore[index]
    async with installation.database():
        call = await Call.create(
            account_id=parse_sid(Kind.ACCOUNT, world["own"]), gateway_call_id="one", started_at=datetime.now(UTC)
        )
    world.ids["own_call"] = sid_of(Kind.CALL, call.id)
    world.ids["own_credential"] = (await add_failed_recordings(installation, {"own": world["own_call"]}))["own"]


async def change(person: Person, mutation: str, given: dict[str, Any]) -> dict[str, Any]:
    return await person.change(mutation, "__typename", **given)


async def test_every_change_leaves_exactly_one_event(
    installation: Installation, admin: Person, world: World, valkey: Any
) -> None:
    changes = {name for name, _ in CHANGES} | {name for name, _, _ in OF_PEOPLE}
    assert changes | UNAUDITED == set(schema._schema.mutation_type.fields)  # type: ignore[union-attr]
    viewer = (await admin.ask("{ viewer { apiKey { id } } }")).only("viewer")
    await made_empty(admin, world)
    await made_recording(installation, world)
    for number, (mutation, given) in enumerate(CHANGES, 2):
        payload = await change(admin, mutation, given(world))
        assert refusals(payload) == [], mutation
        found = await events(admin)
        assert [event["operation"] for event in found[:1]] == [mutation]
        assert len(found) == number, mutation
        assert found[0]["actor"] == {"scope": "ADMIN", "apiKeyId": viewer["apiKey"]["id"], "userId": None}
        assert (found[0]["objectId"] is None) == (mutation in WITHOUT_OBJECT), mutation
        assert found[0]["objectId"] is None or kind_of(found[0]["objectId"]) not in NOT_AUDITED


async def test_every_mutation_of_people_leaves_exactly_one_event(installation: Installation, admin: Person) -> None:
    people = await add_people(installation)
    for number, (mutation, name, given) in enumerate(OF_PEOPLE, 1):
        person = installation.person(None) if name == "" else people[name]
        if mutation == "logout":
            answer = (await person.ask("mutation { logout { userErrors { code field } } }")).only("logout")
        else:
            answer = await change(person, mutation, given(people))
        assert refusals(answer) == [], mutation
        found = await events(admin)
        assert [event["operation"] for event in found[:1]] == [mutation]
        assert len(found) == number, mutation
        assert found[0]["actor"]["userId"] == people.ids["ann" if name == "" else name]
        assert (found[0]["objectId"] is None) == (mutation in WITHOUT_OBJECT), mutation
    shown = json.dumps(await events(admin))
    assert not any(secret in shown for secret in (PASSWORD, OTHER_PASSWORD, "$argon2id"))


async def test_an_event_shows_a_recordings_error_with_the_names_of_the_contract(
    installation: Installation, admin: Person, world: World
) -> None:
    await made_recording(installation, world)
    error = {
        "code": "ACCESS_DENIED",
        "s3_code": "AccessDenied",
        "http_status": 403,
        "message": "It could not be stored.",
        "advice": "Allow it.",
        "at": "2026-01-31T13:37:00+00:00",
        "next_attempt_at": None,
        "spool": "of another machine",
    }
    async with installation.database():
        await Call.filter(id=parse_sid(Kind.CALL, world["own_call"])).update(recording_error=error)
    await admin.change("retryRecording", "call { id }", id=world["own_call"])
    (event,) = await events(admin)
    changes = {each["field"]: (each["before"], each["after"]) for each in event["changes"]}
    before, after = changes.pop("recording.error")
    shown = (await admin.ask('{ __type(name: "CallRecordingError") { fields { name } } }')).only("__type")["fields"]
    assert json.loads(before) == {
        "code": "ACCESS_DENIED",
        "s3Code": "AccessDenied",
        "httpStatus": 403,
        "message": "It could not be stored.",
        "advice": "Allow it.",
        "at": "2026-01-31T13:37:00+00:00",
        "nextTryAt": None,
    }
    assert json.loads(before).keys() == {each["name"] for each in shown}
    assert after == "null"
    assert changes == {"recording.state": ('"FAILED"', '"STORING"')}


def test_a_kind_registered_after_the_first_event_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server command may write events before every domain has registered its types."""
    monkeypatch.setattr(trail, "_KINDS", {})
    with monkeypatch.context() as earlier:
        earlier.setattr(registry, "rows", {Kind.ACCOUNT: Account})
        assert trail._kind_of(Account) is Kind.ACCOUNT
        assert trail._kind_of(RecordingConfig) is None
    assert trail._kind_of(RecordingConfig) is Kind.RECORDING_CONFIG


async def test_reports_of_voice_gateways_leave_no_event(
    installation: Installation, admin: Person, world: World
) -> None:
    made = await admin.change(
        "createApiKey", "token", name="gateway", accessLevel="GATEWAY", owner={"accountId": world["own"]}
    )
    before = await events(admin)
    rows = [{"accountId": world[name], "callId": "one"} for name in ("own", "foreign")]
    payload = await installation.holder(made["token"]).change("reportCalls", "acceptedCount", calls=rows)
    assert payload["acceptedCount"] == 1
    assert await events(admin) == before


async def test_a_failed_login_is_visible_to_the_users_owner(
    installation: Installation, admin: Person, account_user: Person, sibling_user: Person
) -> None:
    people = await add_people(installation, "ann")
    assert refusals(await people.login("ann", "not it")) == [("WRONG_CREDENTIALS", None)]
    assert refusals(await log_in(installation.person(None), "nobody@people.example.com", "x")) != []
    assert [len(await events(person)) for person in (admin, account_user, sibling_user)] == [2, 1, 0]
    (event,) = await events(account_user)
    assert {each["field"]: each["after"] for each in event["changes"]} == {
        "email": f'"{email_of("ann")}"',
        "refused": "true",
    }


async def test_a_text_that_is_not_an_address_is_hidden_in_the_event_of_a_failed_login(
    installation: Installation, admin: Person
) -> None:
    """It may be a password typed into the wrong field."""
    assert refusals(await log_in(installation.person(None), PASSWORD, "")) != []
    (event,) = await events(admin)
    assert {each["field"]: each["after"] for each in event["changes"]} == {"email": '"•••"', "refused": "true"}


async def test_no_event_shows_a_secret(installation: Installation, admin: Person, world: World, valkey: Any) -> None:
    shown_once = []
    await made_empty(admin, world)
    await made_recording(installation, world)
    for mutation, given in CHANGES:
        selection = "token" if mutation in ("createApiKey", "rotateApiKey") else "__typename"
        payload = await admin.change(mutation, selection, **given(world))
        shown_once += [payload["token"]] if "token" in payload else []
    async with installation.database():
        stored = json.dumps([dict(row) for row in await AuditEvent.all().values("before", "after")], default=str)
    assert STORAGE["secretAccessKey"] not in stored
    assert not any(token in stored or token.rpartition("_")[0] in stored for token in shown_once)
    assert "•••" in json.dumps(await events(admin), ensure_ascii=False)


async def test_an_event_shows_old_and_new_values(provider: Person, world: World) -> None:
    await provider.change("updateAccount", "account { id }", id=world["own"], name="Renamed", sipRealm=None)
    ((event),) = await events(provider)
    assert event["objectId"] == event["accountId"] == world["own"]
    assert event["serviceProviderId"] == world["provider"]
    assert {each["field"]: (each["before"], each["after"]) for each in event["changes"]} == {
        "name": ('"Own customer"', '"Renamed"'),
        "sipRealm": ('"own.sip.example.com"', "null"),
    }
    assert abs(datetime.fromisoformat(event["at"]) - datetime.now(UTC)) < timedelta(minutes=1)


async def test_settings_and_ids_have_the_names_and_forms_of_the_contract(admin: Person, world: World) -> None:
    given = {
        "usageLimit": {"unit": "MINUTES", "maximum": 99},
        "registrationWebhook": {"url": "https://a.example.com/in", "username": "u", "password": "not-to-be-shown"},
        "deviceCallingApplicationId": world["own_application"],
    }
    keys = {"accessKeyId": "AKIAANOTHEREXAMPLE1", "secretAccessKey": "not-to-be-shown"}
    await admin.change("updateAccount", "account { id }", id=world["own"], **given)
    await admin.change("moveAccount", "account { id }", id=world["own"], serviceProviderId=world["other_provider"])
    await admin.change("updateRecordingConfig", "recordingConfig { id }", accountId=world["foreign"], **keys)
    found = [{each["field"]: (each["before"], each["after"]) for each in e["changes"]} for e in await events(admin)]
    config, moved, updated = found
    assert moved == {"serviceProvider": (f'"{world["provider"]}"', f'"{world["other_provider"]}"')}
    assert updated["usageLimit.maximum"] == ("0", "99")
    assert updated["usageLimit.unit"] == ('"SESSIONS"', '"MINUTES"')
    assert updated["registrationWebhook.url"][1] == '"https://a.example.com/in"'
    assert updated["registrationWebhook.password"][1] == '"•••"'
    assert updated["deviceCallingApplication"] == ("null", f'"{world["own_application"]}"')
    # No more of the key id than the configuration shows.
    assert config["accessKeyIdEnding"][1] == '"PLE1"'
    assert config["secretAccessKey"][1] == '"•••"'
    assert "accessKeyId" not in config


WEBHOOKS = [
    ("updateAccount", "own", "registrationWebhook"),
    ("updateAccount", "own", "queueEventWebhook"),
    ("updateApplication", "own_application", "callingWebhook"),
    ("updateApplication", "own_application", "callStatusWebhook"),
]
CREDENTIALS = {"username": "gateway", "password": "not-to-be-shown"}


@pytest.mark.parametrize(("mutation", "place", "webhook"), WEBHOOKS)
async def test_a_password_that_is_kept_or_sent_again_is_not_audited_as_changed(
    admin: Person, world: World, mutation: str, place: str, webhook: str
) -> None:
    async def changed_fields(**given: str) -> set[str]:
        await admin.change(mutation, "__typename", id=world[place], **{webhook: given})
        return {each["field"].removeprefix(f"{webhook}.") for each in (await events(admin))[0]["changes"]}

    assert await changed_fields(url="https://a.example.com/1", **CREDENTIALS) >= {"url", "password"}
    assert await changed_fields(url="https://a.example.com/2") == {"url"}
    assert await changed_fields(url="https://a.example.com/3", **CREDENTIALS) == {"url"}
    assert await changed_fields(url="https://b.example.com/", **CREDENTIALS) == {"url"}
    assert await changed_fields(url="https://b.example.com/", **CREDENTIALS | {"username": "other"}) == {"username"}
    assert await changed_fields(url="https://b.example.com/", **CREDENTIALS | {"password": "new"}) >= {"password"}
    before = len(await events(admin))
    await admin.change(
        mutation,
        "__typename",
        id=world[place],
        **{webhook: {"url": "https://b.example.com/", "username": "gateway", "password": "new"}},
    )
    assert len(await events(admin)) == before  # nothing has changed


async def test_storage_keys_that_are_kept_or_sent_again_are_not_audited_as_changed(admin: Person, world: World) -> None:
    async def changed_fields(**given: str) -> set[str]:
        payload = await admin.change(
            "updateRecordingConfig", "recordingConfig { id }", accountId=world["foreign"], **given
        )
        assert payload["userErrors"] == []
        return {each["field"] for each in (await events(admin))[0]["changes"]}

    keys = {name: STORAGE[name] for name in ("accessKeyId", "secretAccessKey")}
    await changed_fields(**STORAGE)
    for given in ({"bucketName": "other"}, {"bucketName": "another", **keys}):
        changed = await changed_fields(**given)
        assert "bucketName" in changed
        assert not changed & {"accessKeyIdEnding", "secretAccessKey", "secretAccessKeySetAt"}
    changed = await changed_fields(**keys | {"accessKeyId": "AKIAANOTHEREXAMPLE1"})
    assert "accessKeyIdEnding" in changed
    assert "secretAccessKey" not in changed
    assert "secretAccessKey" in await changed_fields(**keys | {"secretAccessKey": "not-to-be-shown-either"})


async def test_every_audited_column_has_a_name_in_the_contract(installation: Installation) -> None:
    async with installation.database():  # initializes the ORM's models
        audited: list[tuple[str | None, str, type[TenantScoped]]] = [(None, *POLICY)]
        for kind, model in registry.rows.items():
            audited += [(kind.value, registry.names[kind], model)] if kind not in NOT_AUDITED else []
        assert len(audited) == 10
        for kind_text, type_name, model in audited:
            for column in setting_names.columns(model):
                setting = setting_names.setting(kind_text, trail.audit_name(model, column)[0])
                if setting is None:
                    assert model.audit_names[column] is None  # type: ignore[attr-defined]
                    continue
                place = f"{type_name}: {column}, audited as {setting.name}"
                found = [field for owner in owners(type_name) if (field := field_at(owner, setting.name.split(".")))]
                assert found, f"{place}: neither the type has it nor the input"
                for first, last in found:
                    is_json = isinstance(model._meta.fields_map[column], JSONField)
                    is_object = hasattr(get_named_type(last.type), "fields") and not is_json
                    is_id = column == f"{to_snake_case(setting.name)}_id" and setting.convert is not None
                    assert is_object == is_id, place
                    needed = set(first.extensions["strawberry-definition"].metadata.get(declarations.PERMISSIONS, ()))
                    assert needed <= setting.permissions, place


def owners(type_name: str) -> list[Any]:
    """A type of the contract and its create and update inputs."""
    names = (type_name, f"Create{type_name}Input", f"Update{type_name}Input")
    return [found for name in names if (found := schema._schema.type_map.get(name))]


def field_at(owner: Any, path: list[str]) -> tuple[Any, Any] | None:
    """The first and the last field of a path from a type; None if the path does not exist."""
    first = last = None
    for name in path:
        last = getattr(owner, "fields", {}).get(name)
        if last is None:
            return None
        first, owner = first or last, get_named_type(last.type)
    return first, last


UNCHANGED: list[tuple[str, str, Inputs]] = [
    ("updateServiceProvider", "serviceProvider", lambda world: {"id": world["provider"]}),
    ("updateServiceProvider", "serviceProvider", lambda world: {"id": world["provider"], "name": "Northern Voice"}),
    ("updateAccount", "account", lambda world: {"id": world["own"]}),
    ("updateAccount", "account", lambda world: {"id": world["own"], "name": "Own customer"}),
    ("updateAccount", "account", lambda world: {"id": world["own"], "ifVersion": 1, "sipRealm": "own.sip.example.com"}),
    ("updateAccount", "account", lambda world: {"id": world["own"], "recordingConfig": {}}),
    (
        "updateAccount",
        "account",
        lambda world: {"id": world["own"], "siprecApplicationId": None, "queueEventWebhook": None},
    ),
    ("updateApiKey", "apiKey", lambda world: {"id": world["account_user_key"]}),
    ("updateApplication", "application", lambda world: {"id": world["own_application"]}),
    ("updateApplication", "application", lambda world: {"id": world["own_application"], "recordAllCalls": False}),
    ("updateRecordingConfig", "recordingConfig", lambda world: {"accountId": world["own"]}),
    ("updateRecordingConfig", "recordingConfig", lambda world: {"accountId": world["own"], "enabled": True}),
    ("updatePasswordPolicy", "passwordPolicy", lambda _: {}),
    ("updatePasswordPolicy", "passwordPolicy", lambda _: {"minimumLength": 10}),
]


@pytest.mark.parametrize(("mutation", "what", "given"), UNCHANGED)
async def test_an_update_that_changes_nothing_leaves_no_event_and_no_new_version(
    installation: Installation, admin: Person, world: World, mutation: str, what: str, given: Inputs
) -> None:
    config_id = parse_sid(Kind.RECORDING_CONFIG, world["own_recording"])
    payload = await admin.change(mutation, f"{what} {{ version }}", **given(world))
    assert payload == {what: {"version": 1}, "userErrors": []}
    assert await events(admin) == []
    async with installation.database():
        assert (await RecordingConfig.get(id=config_id)).version == 1
    stale = {**given(world), "ifVersion": 7}
    assert refusals(await admin.change(mutation, "__typename", **stale)) == [("CONFLICT", ["ifVersion"])]


async def test_a_user_saved_unchanged_keeps_its_version_and_leaves_no_event(
    installation: Installation, admin: Person
) -> None:
    people = await add_people(installation, "ann")
    for given in ({}, {"name": "Ann"}, {"email": email_of("ann")}):
        payload = await admin.change("updateUser", "user { version }", id=people.ids["ann"], **given)
        assert payload == {"user": {"version": 1}, "userErrors": []}
    assert await events(admin) == []


async def test_a_refused_mutation_leaves_no_event(provider: Person, admin: Person, world: World) -> None:
    for given in ({"name": " "}, {"name": "Sibling customer"}, {"name": "x", "ifVersion": 7}):
        assert refusals(await provider.change("updateAccount", "account { id }", id=world["own"], **given))
    assert refusals(await provider.change("updateAccount", "account { id }", id=world["foreign"], name="x"))
    assert refusals(await provider.change("createApiKey", "token", name="", owner={"accountId": world["own"]}))
    await provider.change("deleteAccount", "deletedId", id=world["own"], dryRun=True)
    assert await events(admin) == []


async def test_each_caller_sees_the_events_of_its_tenant_scope(
    admin: Person, provider: Person, other_provider: Person, account_user: Person, sibling_user: Person, world: World
) -> None:
    await admin.change("updateAccount", "account { id }", id=world["own"], name="One")
    await admin.change("updateAccount", "account { id }", id=world["foreign"], name="Two")
    await admin.change("createServiceProvider", "serviceProvider { id }", name="Third")
    assert [len(await events(person)) for person in (admin, provider, other_provider)] == [3, 1, 1]
    assert [len(await events(person)) for person in (account_user, sibling_user)] == [1, 0]
    assert [event["accountId"] for event in await events(account_user)] == [world["own"]]
    assert await events(account_user, accountId=world["foreign"]) == []


async def test_events_are_filtered_by_object_operation_and_time(admin: Person, world: World) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    await admin.change("updateAccount", "account { id }", id=world["own"], name="One")
    await admin.change("setAccountActive", "account { id }", id=world["foreign"], active=False)
    assert len(await events(admin, objectId=world["own"])) == 1
    assert len(await events(admin, operation="setAccountActive")) == 1
    assert len(await events(admin, since=began.isoformat())) == 2
    assert await events(admin, until=began.isoformat()) == []
    assert await events(admin, objectId="nonsense") == []
    assert await events(admin, operation="x" * 10_000) == []


async def test_parallel_changes_leave_an_event_each(admin: Person, world: World) -> None:
    payloads = await asyncio.gather(
        *(admin.change("updateAccount", "account { version }", id=world["own"], name=f"Name {n}") for n in range(8))
    )
    assert sorted(payload["account"]["version"] for payload in payloads) == list(range(2, 10))
    names = [each for event in await events(admin) for each in event["changes"]]
    assert len(names) == 8
    assert {each["before"] for each in names} - {each["after"] for each in names} == {'"Own customer"'}


async def test_events_cannot_be_changed_or_deleted(installation: Installation, admin: Person, world: World) -> None:
    await admin.change("updateAccount", "account { id }", id=world["own"], name="One")
    async with installation.database() as connection:
        attempts: list[Callable[[], Awaitable[Any]]] = [
            lambda: AuditEvent.all().update(operation="nothing"),
            lambda: AuditEvent.all().delete(),
            lambda: connection.execute_query("TRUNCATE audit_events"),
        ]
        for attempt in attempts:
            with pytest.raises(BaseORMException):
                await attempt()
        assert await operations() == ["updateAccount"]


async def test_only_old_events_are_pruned(installation: Installation, admin: Person, world: World) -> None:
    await admin.change("updateAccount", "account { id }", id=world["own"], name="One")
    async with installation.database():
        await AuditEvent.create(at=datetime.now(UTC) - timedelta(days=401), operation="old")
        assert await service.prune(400) == 1
        assert await operations() == ["updateAccount"]
        with pytest.raises(BaseORMException):
            await AuditEvent.all().delete()


async def test_events_outlive_their_objects(installation: Installation, admin: Person, world: World) -> None:
    await admin.change("updateRecordingConfig", "recordingConfig { id }", accountId=world["own"], enabled=False)
    await admin.change("deleteAccount", "deletedId", id=world["own"], force=True)
    async with installation.database():
        assert not await RecordingConfig.filter(account_id=world["own"][2:]).exists()
    assert [event["operation"] for event in await events(admin)] == ["deleteAccount", "updateRecordingConfig"]


async def test_reading_a_secret_is_audited_once_per_operation_and_account(
    installation: Installation, provider: Person, world: World
) -> None:
    for query in (
        "{ accounts { nodes { webhookSecret again: webhookSecret } } }",
        '{ a: accounts(filter: {nameContains: "own"}) { nodes { webhookSecret } } }',
        "{ accounts { nodes { name } } }",
    ):
        assert not (await provider.ask(query)).errors
    async with installation.database():
        await installation.resources.clients[SecretReads].flush()
    found = await events(provider, operation="read webhookSecret")
    assert sorted(event["accountId"] for event in found) == sorted([world["own"], world["own"], world["sibling"]])
    assert all(event["actor"]["scope"] == "SERVICE_PROVIDER" and event["changes"] == [] for event in found)
    assert all(event["serviceProviderId"] == world["provider"] for event in found)


async def test_secret_reads_are_kept_while_the_database_is_unreachable(
    installation: Installation, provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = installation.resources.clients[SecretReads]
    async with installation.database() as connection:
        await reads.flush()
        assert not (await provider.ask("{ accounts { nodes { webhookSecret } } }")).errors
        with monkeypatch.context() as patched:

            async def away(*_: Any) -> None:
                raise ConnectionError("away")

            patched.setattr(type(connection), "execute_many", away)
            with pytest.raises(ConnectionError):
                await reads.flush()
        await reads.flush()
        assert await AuditEvent.filter(operation="read webhookSecret").count() == 2


async def test_both_providers_see_the_event_of_a_moved_account(
    admin: Person, provider: Person, other_provider: Person, world: World
) -> None:
    await admin.change("moveAccount", "account { id }", id=world["own"], serviceProviderId=world["other_provider"])
    for person in (provider, other_provider):
        (event,) = await events(person)
        assert event["operation"] == "moveAccount"
        assert event["serviceProviderId"] == world["other_provider"]
        assert event["formerServiceProviderId"] == world["provider"]


async def test_events_hide_settings_that_the_caller_may_not_read(
    admin: Person, provider: Person, account_user: Person, world: World
) -> None:
    limit = {"unit": "MINUTES", "maximum": 99}
    await admin.change(
        "updateAccount", "account { id }", id=world["own"], name="Renamed", licensedSessions=4711, usageLimit=limit
    )
    await admin.change("moveAccount", "account { id }", id=world["own"], serviceProviderId=world["other_provider"])
    seen = {}
    for name, person in (("admin", admin), ("provider", provider), ("account", account_user)):
        query = EVENTS if name != "account" else EVENTS.replace("serviceProviderId formerServiceProviderId", "")
        answer = (await person.ask(query, filter={})).only("auditEvents")["nodes"]
        changed = [event for event in answer if event["operation"] != "server"]
        seen[name] = {change["field"] for event in changed for change in event["changes"]}
        assert all((event["actor"]["apiKeyId"] is None) == (name != "admin") for event in changed)
    assert seen["admin"] >= {"name", "licensedSessions", "usageLimit.maximum", "serviceProvider"}
    assert seen["provider"] == {"name", "serviceProvider"}
    assert seen["account"] == {"name"}
    denied = await account_user.ask("{ auditEvents { nodes { serviceProviderId } } }")
    assert denied.codes == ["FORBIDDEN"]


async def test_an_admin_created_on_the_command_line_is_audited(migrated: Any, empty: Settings) -> None:
    for options in ([], ["--email", "ann@example.com"]):
        status, _, wrong = await ended(environment_of(empty), "create-admin", *options)
        assert status == 0, wrong
    key, user = await AuditEvent.all().order_by("id")
    made = [(await model.get()).id for model in (ApiKey, User)]
    assert [(one.operation, one.object_kind) for one in (key, user)] == [("server", "AK"), ("server", "US")]
    assert key.scope is None
    assert user.scope is None
    assert [key.object_id, user.object_id] == made
    assert key.after == {"name": "admin", "accessLevel": "FULL", "scope": "ADMIN"}
    assert user.after == {"email": "ann@example.com", "name": "admin", "role": "MANAGER", "scope": "ADMIN"}


async def test_changes_of_calls_need_the_permission_to_view_calls(
    installation: Installation, local_s3: LocalS3
) -> None:
    staff = await add_people(installation, "ann", "vic")
    call = await recorded(installation, target_in(local_s3))
    await staff["ann"].change("deleteRecording", "keptVersions", id=call.id)
    auditor = await become(staff, "vic", "VIEW_AUDIT_TRAIL")
    document = "query ($id: ID!) { auditEvents(filter: {objectId: $id}) { nodes { changes { field before after } } } }"
    assert (await staff["ann"].ask(document, id=call.id)).only("auditEvents")["nodes"][0]["changes"] != []
    nodes = (await auditor.ask(document, id=call.id)).only("auditEvents")["nodes"]
    assert [one["changes"] for one in nodes] == [[]]
