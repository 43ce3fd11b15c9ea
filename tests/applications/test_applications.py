"""Applications: creating, updating and reading them, and the validation of their webhooks."""

import asyncio
from typing import Any

import pytest

from app.applications.model import Application
from app.foundation.encryption import CannotOpen
from app.foundation.identifiers import Kind, parse_sid
from tests.support.installation import Installation, Person, World, refusals

WEBHOOK = {"url": "https://hooks.example.com/calls"}
ALL = (
    "application { id name recordAllCalls version callingWebhook { url method username hasPassword }"
    " callStatusWebhook { url method username hasPassword } account { id } }"
)
CREDENTIALS = {"username": "gateway", "password": "corréct horse 🐎"}


async def create(person: Person, account_id: str, **more: Any) -> dict[str, Any]:
    given = {"name": "Front desk", "callingWebhook": WEBHOOK, **more}
    return await person.change("createApplication", ALL, accountId=account_id, **given)


async def created(person: Person, account_id: str, **more: Any) -> dict[str, Any]:
    payload = await create(person, account_id, **more)
    assert payload["userErrors"] == []
    application: dict[str, Any] = payload["application"]
    return application


async def update(person: Person, application_id: str, **changes: Any) -> dict[str, Any]:
    return await person.change("updateApplication", ALL, id=application_id, **changes)


async def read_one(person: Person, application_id: str) -> Any:
    query = f"query ($id: ID!) {{ {ALL.replace('application', 'application(id: $id)', 1)} }}"
    return (await person.ask(query, id=application_id)).only("application")


async def test_an_account_user_creates_an_application_of_the_account(account_user: Person, world: World) -> None:
    made = await created(account_user, world["own"])
    assert made == {
        "id": made["id"],
        "name": "Front desk",
        "recordAllCalls": False,
        "version": 1,
        "callingWebhook": {**WEBHOOK, "method": "POST", "username": None, "hasPassword": False},
        "callStatusWebhook": None,
        "account": {"id": world["own"]},
    }
    assert made["id"].startswith("AP")
    assert await read_one(account_user, made["id"]) == made


async def test_every_setting_of_an_application_is_stored(account_user: Person, world: World) -> None:
    made = await created(
        account_user,
        world["own"],
        name="  Hotline 🎧 Café  ",
        callingWebhook={"url": " wss://hooks.example.com/ws ", "method": "GET", **CREDENTIALS},
        callStatusWebhook={"url": "http://status.example.com:8080/?a=b", "method": "GET"},
        recordAllCalls=True,
    )
    assert (made["name"], made["recordAllCalls"]) == ("Hotline 🎧 Café", True)
    assert made["callingWebhook"] == {
        "url": "wss://hooks.example.com/ws",
        "method": "GET",
        "username": "gateway",
        "hasPassword": True,
    }
    assert made["callStatusWebhook"]["url"] == "http://status.example.com:8080/?a=b"


async def test_a_password_is_stored_encrypted_and_bound_to_its_row_and_column(
    installation: Installation, account_user: Person, world: World
) -> None:
    made = await created(account_user, world["own"], callingWebhook={**WEBHOOK, **CREDENTIALS})
    assert CREDENTIALS["password"] not in str(made)
    keyring = installation.settings.keyring()
    async with installation.database():
        row = await Application.get(id=parse_sid(Kind.APPLICATION, made["id"]))
    sealed = row.calling_webhook_password
    assert sealed is not None
    assert CREDENTIALS["password"].encode() not in sealed
    place: dict[str, Any] = {"table": "applications", "row": row.id}
    assert keyring.open(sealed, column="calling_webhook_password", **place) == CREDENTIALS["password"]
    with pytest.raises(CannotOpen):
        keyring.open(sealed, column="call_status_webhook_password", **place)


async def test_an_update_changes_only_the_given_fields(account_user: Person, world: World) -> None:
    made = await created(
        account_user,
        world["own"],
        callingWebhook={**WEBHOOK, "method": "GET", **CREDENTIALS},
        callStatusWebhook={"url": "https://status.example.com"},
        recordAllCalls=True,
    )
    changed = (await update(account_user, made["id"], name="Back office"))["application"]
    assert changed == {**made, "name": "Back office", "version": 2}
    elsewhere = f"{WEBHOOK['url']}/other"
    changed = (await update(account_user, made["id"], callingWebhook={"url": elsewhere}))["application"]
    assert changed == {
        **made,
        "name": "Back office",
        "version": 3,
        "callingWebhook": {**made["callingWebhook"], "url": elsewhere},
    }


async def test_an_empty_update_changes_nothing(account_user: Person, world: World) -> None:
    assert (await update(account_user, world["own_application"]))["application"]["version"] == 1


async def test_null_clears_a_call_status_webhook_with_its_credentials(account_user: Person, world: World) -> None:
    made = await created(account_user, world["own"], callStatusWebhook={**WEBHOOK, **CREDENTIALS})
    changed = (await update(account_user, made["id"], callStatusWebhook=None))["application"]
    assert changed["callStatusWebhook"] is None
    again = (await update(account_user, made["id"], callStatusWebhook=WEBHOOK))["application"]
    assert again["callStatusWebhook"]["hasPassword"] is False


async def test_null_for_user_name_and_password_clears_the_credentials(account_user: Person, world: World) -> None:
    made = await created(account_user, world["own"], callingWebhook={**WEBHOOK, **CREDENTIALS})
    none = {"username": None, "password": None}
    changed = (await update(account_user, made["id"], callingWebhook={**WEBHOOK, **none}))["application"]
    assert changed["callingWebhook"] == {**made["callingWebhook"], "username": None, "hasPassword": False}


@pytest.mark.parametrize("given", [{}, {"username": "gateway"}], ids=["left out", "name sent back"])
async def test_an_update_without_the_password_keeps_the_stored_one(
    installation: Installation, account_user: Person, world: World, given: dict[str, str]
) -> None:
    made = await created(account_user, world["own"], callingWebhook={**WEBHOOK, **CREDENTIALS})

    async def sealed() -> Any:
        async with installation.database():
            return (await Application.get(id=parse_sid(Kind.APPLICATION, made["id"]))).calling_webhook_password

    before = await sealed()
    changed = await update(account_user, made["id"], callingWebhook={**WEBHOOK, "method": "GET", **given})
    assert changed["application"]["callingWebhook"] == {**made["callingWebhook"], "method": "GET"}
    assert await sealed() == before


@pytest.mark.parametrize(
    "url", ["https://evil.example.net/", "http://hooks.example.com/calls", "https://hooks.example.com:8443/"]
)
async def test_a_stored_password_is_never_sent_to_another_server(account_user: Person, world: World, url: str) -> None:
    made = await created(account_user, world["own"], callingWebhook={**WEBHOOK, **CREDENTIALS})
    for given in ({}, {"username": "gateway"}):
        refused = await update(account_user, made["id"], callingWebhook={"url": url, **given})
        assert refusals(refused) == [
            ("REQUIRED", ["callingWebhook", "username"]),
            ("REQUIRED", ["callingWebhook", "password"]),
        ]
    assert await read_one(account_user, made["id"]) == made
    entered = await update(account_user, made["id"], callingWebhook={"url": url, **CREDENTIALS})
    assert entered["application"]["callingWebhook"]["hasPassword"] is True


@pytest.mark.parametrize(
    ("webhook", "code", "field"),
    [
        ({"url": " "}, None, "url"),
        ({"url": "hooks.example.com"}, "INVALID", "url"),
        ({"url": "ftp://hooks.example.com"}, "INVALID", "url"),
        ({"url": "https://user:secret@hooks.example.com"}, "INVALID", "url"),
        ({"url": "https://hooks.example.com/a b"}, "INVALID", "url"),
        ({"url": "https://hooks.example.com/\na"}, "INVALID", "url"),
        ({"url": f"https://hooks.example.com/{'a' * 2048}"}, "TOO_LONG", "url"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "INVALID", "url"),
        ({"url": "ws://10.0.0.1/"}, "INVALID", "url"),
        ({"url": "wss://[::1]/"}, "INVALID", "url"),
        ({"url": "https://localhost/"}, "INVALID", "url"),
        ({**WEBHOOK, "method": None}, "REQUIRED", "method"),
        ({**WEBHOOK, "username": "gateway"}, "REQUIRED", "password"),
        ({**WEBHOOK, "username": "gateway", "password": None}, "REQUIRED", "password"),
        ({**WEBHOOK, "password": "secret"}, "REQUIRED", "username"),
        ({**WEBHOOK, "username": "", "password": "secret"}, "INVALID", "username"),
        ({**WEBHOOK, "username": "gateway", "password": ""}, "INVALID", "password"),
        ({**WEBHOOK, "username": "a:b", "password": "secret"}, "INVALID", "username"),
        ({**WEBHOOK, "username": "a\nb", "password": "secret"}, "INVALID", "username"),
        ({**WEBHOOK, "username": "a" * 256, "password": "secret"}, "TOO_LONG", "username"),
        ({**WEBHOOK, "username": "gateway", "password": "a" * 256}, "TOO_LONG", "password"),
    ],
)
async def test_an_invalid_webhook_is_an_error_of_its_field(
    account_user: Person, world: World, webhook: dict[str, Any], code: str | None, field: str
) -> None:
    for name in ("callingWebhook", "callStatusWebhook"):
        for payload in (
            await create(account_user, world["own"], **{name: webhook}),
            await update(account_user, world["own_application"], **{name: webhook}),
        ):
            ((found, path),) = refusals(payload)
            assert path == [name, field]
            assert found == code or code is None  # REQUIRED or INVALID
            assert "secret" not in str(payload["userErrors"])


async def test_a_call_status_webhook_cannot_be_a_web_socket(account_user: Person, world: World) -> None:
    for scheme in ("ws", "wss"):
        url = f"{scheme}://hooks.example.com"
        assert refusals(await create(account_user, world["own"], callStatusWebhook={"url": url})) == [
            ("INVALID", ["callStatusWebhook", "url"])
        ]


async def test_all_user_errors_are_returned_together(account_user: Person, world: World) -> None:
    payload = await create(
        account_user,
        world["own"],
        name="a" * 65,
        callingWebhook={"url": "https://127.0.0.2", "username": "x"},
        callStatusWebhook={"url": "ws://hooks.example.com"},
    )
    assert sorted(path or [] for _, path in refusals(payload)) == [
        ["callStatusWebhook", "url"],
        ["callingWebhook", "password"],
        ["callingWebhook", "url"],
        ["name"],
    ]
    assert payload["application"] is None


async def test_a_taken_name_is_reported_only_when_nothing_else_is_wrong(account_user: Person, world: World) -> None:
    made = await created(account_user, world["own"])
    for save, target in ((create, world["own"]), (update, made["id"])):
        wrong = await save(account_user, target, name="OWN HOTLINE", callingWebhook={"url": "ftp://x"})
        assert refusals(wrong) == [("INVALID", ["callingWebhook", "url"])]
        taken = await save(account_user, target, name="OWN HOTLINE", callingWebhook=WEBHOOK)
        assert refusals(taken) == [("NAME_TAKEN", ["name"])]


@pytest.mark.parametrize("name", ["name", "callingWebhook", "recordAllCalls"])
async def test_null_for_a_required_setting_is_rejected(account_user: Person, world: World, name: str) -> None:
    before = await read_one(account_user, world["own_application"])
    assert refusals(await update(account_user, world["own_application"], **{name: None})) == [("REQUIRED", [name])]
    assert await read_one(account_user, world["own_application"]) == before


@pytest.mark.parametrize(
    ("name", "code"),
    [("", "REQUIRED"), (" ", "REQUIRED"), ("a\nb", "INVALID"), ("a\0", "INVALID"), ("🎧" * 65, "TOO_LONG")],
)
async def test_an_invalid_name_is_rejected(account_user: Person, world: World, name: str, code: str) -> None:
    assert refusals(await create(account_user, world["own"], name=name)) == [(code, ["name"])]
    assert refusals(await update(account_user, world["own_application"], name=name)) == [(code, ["name"])]


async def test_a_name_of_64_unicode_characters_is_accepted(account_user: Person, world: World) -> None:
    for name in ("🎧" * 64, "\ufdfa" * 64):
        made = await created(account_user, world["own"], name=name)
        assert (await read_one(account_user, made["id"]))["name"] == name


async def test_a_name_is_unique_within_its_account_only(provider: Person, world: World) -> None:
    await created(provider, world["own"], name="Straße")
    assert refusals(await create(provider, world["own"], name="STRASSE")) == [("NAME_TAKEN", ["name"])]
    assert refusals(await update(provider, world["own_application"], name="strasse")) == [("NAME_TAKEN", ["name"])]
    await created(provider, world["sibling"], name="Straße")


async def test_of_two_concurrent_creations_one_gets_the_name(account_user: Person, world: World) -> None:
    payloads = await asyncio.gather(*(create(account_user, world["own"], name="Same") for _ in range(4)))
    assert sorted(str(refusals(payload)) for payload in payloads) == sorted(
        ["[]", *[str([("NAME_TAKEN", ["name"])])] * 3]
    )


async def test_an_update_of_an_older_version_is_rejected(account_user: Person, world: World) -> None:
    id_ = world["own_application"]
    assert (await update(account_user, id_, name="New", ifVersion=1))["application"]["version"] == 2
    refused = await update(account_user, id_, recordAllCalls=True, ifVersion=1)
    assert refusals(refused) == [("CONFLICT", ["ifVersion"])]
    assert (await read_one(account_user, id_))["recordAllCalls"] is False


async def test_concurrent_updates_lose_no_change(account_user: Person, world: World) -> None:
    id_ = world["own_application"]
    changes: list[dict[str, Any]] = [
        {"name": "Renamed"},
        {"recordAllCalls": True},
        {"callStatusWebhook": WEBHOOK},
        {"callingWebhook": {**WEBHOOK, "method": "GET"}},
    ]
    payloads = await asyncio.gather(*(update(account_user, id_, **change) for change in changes))
    assert [refusals(payload) for payload in payloads] == [[]] * 4
    now = await read_one(account_user, id_)
    assert (now["name"], now["recordAllCalls"], now["version"]) == ("Renamed", True, 5)
    assert (now["callStatusWebhook"]["url"], now["callingWebhook"]["method"]) == (WEBHOOK["url"], "GET")


async def test_another_tenants_application_gets_the_same_error_as_an_unknown_one(
    account_user: Person, provider: Person, world: World
) -> None:
    unknown = f"AP{'0' * 32}"
    for person, theirs in ((account_user, "sibling"), (account_user, "foreign"), (provider, "foreign")):
        id_ = world[f"{theirs}_application"]
        assert await read_one(person, id_) is None
        assert await update(person, id_, name="Mine") == await update(person, unknown, name="Mine")
        deletions = [
            await person.change("deleteApplication", "deletedId", id=each, force=True) for each in (id_, unknown)
        ]
        assert deletions[0] == deletions[1]
        assert refusals(deletions[0]) == [("NOT_FOUND", ["id"])]
        made = [await create(person, each) for each in (world[theirs], f"AC{'0' * 32}")]
        assert made[0] == made[1]
        assert refusals(made[0]) == [("NOT_FOUND", ["accountId"])]


async def test_an_application_is_found_only_by_its_own_id(provider: Person, world: World) -> None:
    query = "query ($id: ID!) { node(id: $id) { __typename id ... on Application { name } } }"
    answer = await provider.ask(query, id=world["own_application"])
    assert answer.only("node") == {"__typename": "Application", "id": world["own_application"], "name": "Own hotline"}
    for wrong in (f"AC{world['own_application'][2:]}", "AP", f"{world['own_application']}0"):
        assert await read_one(provider, wrong) is None


async def test_a_read_only_key_reads_applications_and_changes_none(read_only: Person, world: World) -> None:
    query = "query ($id: ID!) { application(id: $id) { name viewerCanUpdate viewerCanDelete } }"
    answer = await read_only.ask(query, id=world["own_application"])
    assert answer.only("application") == {"name": "Own hotline", "viewerCanUpdate": False, "viewerCanDelete": False}
