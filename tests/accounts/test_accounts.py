"""Accounts: who reads, creates and changes them, and which are not visible."""

import asyncio
from typing import Any

import pytest

from app.foundation.identifiers import Kind, new_id, sid_of
from tests.support.installation import Installation, Person, World, refusals

SETTINGS = "account { id name sipRealm active version usageLimit { unit maximum } licensedSessions }"


async def settings(admin: Person, account_id: str) -> dict[str, Any]:
    answer = await admin.ask(
        f"query ($id: ID!) {{ {SETTINGS.replace('account', 'account(id: $id)', 1)} }}", id=account_id
    )
    found: dict[str, Any] = answer.only("account")
    return found


async def test_an_account_user_sees_only_its_own_account(account_user: Person, world: World) -> None:
    answer = await account_user.ask("{ accounts { totalCount nodes { id name } } }")
    assert answer.only("accounts") == {"totalCount": 1, "nodes": [{"id": world["own"], "name": "Own customer"}]}


async def test_a_provider_sees_the_accounts_that_it_runs(provider: Person, world: World) -> None:
    answer = await provider.ask("{ accounts { nodes { id } } }")
    assert answer.only("accounts") == {"nodes": [{"id": world["own"]}, {"id": world["sibling"]}]}


async def test_a_provider_does_not_see_accounts_of_another_provider_by_a_filter(provider: Person, world: World) -> None:
    query = "query ($id: ID!) { accounts(filter: {serviceProviderId: $id}) { totalCount nodes { id } } }"
    for someone in (world["other_provider"], sid_of(Kind.SERVICE_PROVIDER, new_id()), world["foreign"], "x", "\0"):
        answer = await provider.ask(query, id=someone)
        assert answer.only("accounts") == {"totalCount": 0, "nodes": []}


async def test_an_admin_sees_every_account(admin: Person, world: World) -> None:
    answer = await admin.ask("{ accounts { nodes { id } } }")
    assert {node["id"] for node in answer.only("accounts")["nodes"]} == {
        world["own"],
        world["sibling"],
        world["foreign"],
    }


async def test_a_provider_creates_an_account_in_its_own_provider(provider: Person, world: World) -> None:
    payload = await provider.change("createAccount", "account { name serviceProvider { id } }", name="  Émile & 🎧 ")
    assert payload["account"] == {"name": "Émile & 🎧", "serviceProvider": {"id": world["provider"]}}


async def test_a_new_account_is_active_and_unlimited(admin: Person, world: World) -> None:
    payload = await admin.change("createAccount", SETTINGS, name="New", serviceProviderId=world["provider"])
    assert payload["account"] == {
        "id": payload["account"]["id"],
        "name": "New",
        "sipRealm": None,
        "active": True,
        "version": 1,
        "usageLimit": {"unit": "SESSIONS", "maximum": 0},
        "licensedSessions": 0,
    }


async def test_an_admin_must_name_the_service_provider_of_a_new_account(admin: Person) -> None:
    payload = await admin.change("createAccount", "account { id }", name="New")
    assert refusals(payload) == [("REQUIRED", ["serviceProviderId"])]


async def test_a_provider_may_name_only_itself_as_the_service_provider(provider: Person, world: World) -> None:
    own = await provider.change("createAccount", "account { id }", name="New", serviceProviderId=world["provider"])
    assert own["userErrors"] == []
    unknown = sid_of(Kind.SERVICE_PROVIDER, new_id())
    answers = [
        await provider.change("createAccount", "account { id }", name="Other", serviceProviderId=someone)
        for someone in (world["other_provider"], unknown, world["own"], "SP", "")
    ]
    assert refusals(answers[0]) == [("NOT_FOUND", ["serviceProviderId"])]
    assert answers == [answers[0]] * 5


async def test_all_user_errors_are_returned_together(provider: Person) -> None:
    payload = await provider.change("createAccount", "account { id }", name=" ", sipRealm="localhost")
    assert payload["account"] is None
    assert refusals(payload) == [("REQUIRED", ["name"]), ("INVALID", ["sipRealm"])]


async def test_an_update_keeps_omitted_fields(admin: Person, account_user: Person, world: World) -> None:
    limit = {"unit": "MINUTES", "maximum": 500}
    await admin.change("updateAccount", "account { id }", id=world["own"], usageLimit=limit, licensedSessions=9)
    before = await settings(admin, world["own"])
    await account_user.change("updateAccount", "account { id }", id=world["own"], name="Renamed")
    assert await settings(admin, world["own"]) == {**before, "name": "Renamed", "version": before["version"] + 1}
    await account_user.change("updateAccount", "account { id }", id=world["own"])
    assert (await settings(admin, world["own"]))["version"] == before["version"] + 1


async def test_an_account_user_does_not_see_the_service_provider(account_user: Person, world: World) -> None:
    answer = await account_user.ask(
        "query ($id: ID!) { account(id: $id) { id serviceProvider { name } } }", id=world["own"]
    )
    assert answer.data == {"account": {"id": world["own"], "serviceProvider": None}}
    assert answer.errors[0]["extensions"]["requiredScopes"] == ["ADMIN", "SERVICE_PROVIDER"]


@pytest.mark.parametrize("mutation", ["createAccount", "deleteAccount", "setAccountActive"])
async def test_an_account_user_never_creates_deletes_or_suspends(
    account_user: Person, admin: Person, world: World, mutation: str
) -> None:
    wanted = {"createAccount": '{name: "New"}', "deleteAccount": '{id: "%s", force: true}'}.get(
        mutation, '{id: "%s", active: false}'
    )
    answer = await account_user.ask(
        f"mutation {{ {mutation}(input: {wanted.replace('%s', world['own'])}) {{ userErrors {{ code }} }} }}"
    )
    assert answer.data == {mutation: None}
    assert answer.errors[0]["extensions"]["requiredScopes"] == ["ADMIN", "SERVICE_PROVIDER"]
    found = await admin.ask("{ accounts(filter: {active: true}) { totalCount } }")
    assert found.only("accounts") == {"totalCount": 3}


CHANGES = [
    ("updateAccount", "account { id }", {"name": "Taken over"}),
    ("setAccountActive", "account { id }", {"active": False}),
    ("deleteAccount", "deletedId blockers { count }", {"force": True}),
    ("rotateWebhookSecret", "account { id webhookSecret }", {}),
]


@pytest.mark.parametrize(("mutation", "selection", "input"), CHANGES)
async def test_an_account_that_is_not_visible_gets_the_same_error_as_an_unknown_one(
    provider: Person, admin: Person, world: World, mutation: str, selection: str, input: dict[str, Any]
) -> None:
    nowhere = sid_of(Kind.ACCOUNT, new_id())
    payloads = [
        await provider.change(mutation, selection, id=someone, **input)
        for someone in (nowhere, world["foreign"], world["provider"], world["own"].lower(), "garbage", "", "AC\0")
    ]
    assert refusals(payloads[0]) == [("NOT_FOUND", ["id"])]
    assert payloads == [payloads[0]] * 7
    assert (await settings(admin, world["foreign"]))["version"] == 1


async def test_an_account_user_cannot_change_a_sibling_account(
    account_user: Person, admin: Person, world: World
) -> None:
    payloads = [
        await account_user.change("updateAccount", "account { id }", id=someone, name="Taken over")
        for someone in (world["sibling"], world["foreign"], sid_of(Kind.ACCOUNT, new_id()))
    ]
    assert payloads == [payloads[0]] * 3
    assert refusals(payloads[0]) == [("NOT_FOUND", ["id"])]


async def test_an_account_that_is_not_visible_reads_as_null_like_an_unknown_one(
    account_user: Person, world: World
) -> None:
    query = "query ($id: ID!) { account(id: $id) { id } node(id: $id) { id } }"
    for someone in (
        world["sibling"],
        world["foreign"],
        sid_of(Kind.ACCOUNT, new_id()),
        "AC",
        "",
        "\0",
        "ＡＣ" + "0" * 32,
    ):
        answer = await account_user.ask(query, id=someone)
        assert answer.body == {"data": {"account": None, "node": None}}


async def test_an_update_of_an_older_version_is_rejected(provider: Person, world: World) -> None:
    first = await provider.change("updateAccount", "account { version }", id=world["own"], name="First", ifVersion=1)
    late = await provider.change("updateAccount", "account { version }", id=world["own"], name="Late", ifVersion=1)
    assert first["account"] == {"version": 2}
    assert late["account"] is None
    assert refusals(late) == [("CONFLICT", ["ifVersion"])]


async def test_of_two_concurrent_updates_of_one_version_one_succeeds(
    provider: Person, admin: Person, world: World
) -> None:
    payloads = await asyncio.gather(
        *(
            provider.change("updateAccount", "account { name version }", id=world["own"], name=name, ifVersion=1)
            for name in ("One", "Two")
        )
    )
    assert sorted(refusals(payload) for payload in payloads) == [[], [("CONFLICT", ["ifVersion"])]]
    (winner,) = [payload["account"] for payload in payloads if payload["account"]]
    assert winner == {"name": (await settings(admin, world["own"]))["name"], "version": 2}


async def test_concurrent_changes_each_increment_the_version(provider: Person, world: World, admin: Person) -> None:
    await asyncio.gather(
        *(provider.change("updateAccount", "account { id }", id=world["own"], name=f"Number {n}") for n in range(10))
    )
    assert (await settings(admin, world["own"]))["version"] == 11


async def test_an_update_sets_the_time_of_the_last_change(account_user: Person, world: World) -> None:
    query = "query ($id: ID!) { account(id: $id) { createdAt updatedAt } }"
    before = (await account_user.ask(query, id=world["own"])).only("account")
    await account_user.change("updateAccount", "account { id }", id=world["own"], name="Renamed")
    after = (await account_user.ask(query, id=world["own"])).only("account")
    assert after["createdAt"] == before["createdAt"]
    assert after["updatedAt"] > before["updatedAt"]
    assert after["updatedAt"].endswith(("Z", "+00:00"))


async def test_a_read_only_key_changes_nothing(read_only: Person, admin: Person, world: World) -> None:
    answer = await read_only.ask(
        'mutation ($id: ID!) { updateAccount(input: {id: $id, name: "Renamed"}) { account { id } } }', id=world["own"]
    )
    assert answer.data == {"updateAccount": None}
    assert answer.errors[0]["extensions"]["requiredPermissions"] == ["EDIT_SETTINGS"]
    assert (await settings(admin, world["own"]))["name"] == "Own customer"


async def test_viewer_can_fields_say_what_the_caller_may_do(installation: Installation, world: World) -> None:
    query = "query ($id: ID!) { account(id: $id) { viewerCanUpdate viewerCanUpdateLicense viewerCanSetActive viewerCanDelete } }"
    allowed = {}
    for person in ("admin", "provider", "account_user", "read_only"):
        answer = await installation.person(person).ask(query, id=world["own"])
        allowed[person] = [name.removeprefix("viewerCan") for name, may in answer.only("account").items() if may]
    assert allowed == {
        "admin": ["Update", "UpdateLicense", "SetActive", "Delete"],
        "provider": ["Update", "SetActive", "Delete"],
        "account_user": ["Update"],
        "read_only": [],
    }


async def test_an_update_that_fails_for_another_reason_does_not_disclose_taken_names(
    account_user: Person, world: World
) -> None:
    """Otherwise callers could enumerate names without a trace."""
    answers = [
        refusals(await account_user.change("updateAccount", "account { id }", id=world["own"], name=name, ifVersion=-1))
        for name in ("Sibling customer", "No such customer")
    ]
    assert answers == [[("CONFLICT", ["ifVersion"])]] * 2


async def test_concurrent_suspending_and_resuming_each_return_their_own_result(provider: Person, world: World) -> None:
    asked = [False, True] * 4
    payloads = await asyncio.gather(
        *(provider.change("setAccountActive", "account { active }", id=world["own"], active=active) for active in asked)
    )
    assert [payload["account"]["active"] for payload in payloads] == asked
