"""Accounts: who sees, creates and changes them, and what is out of reach."""

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


async def test_an_account_user_sees_its_own_account_alone(account_user: Person, world: World) -> None:
    answer = await account_user.ask("{ accounts { totalCount nodes { id name } } }")
    assert answer.only("accounts") == {"totalCount": 1, "nodes": [{"id": world["own"], "name": "Own customer"}]}


async def test_a_provider_sees_the_accounts_that_it_runs(provider: Person, world: World) -> None:
    answer = await provider.ask("{ accounts { nodes { id } } }")
    assert answer.only("accounts") == {"nodes": [{"id": world["own"]}, {"id": world["sibling"]}]}


async def test_a_provider_does_not_see_others_by_asking_for_their_provider(provider: Person, world: World) -> None:
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


async def test_an_admin_says_whose_account_it_creates(admin: Person) -> None:
    payload = await admin.change("createAccount", "account { id }", name="New")
    assert refusals(payload) == [("REQUIRED", ["serviceProviderId"])]


async def test_a_provider_may_name_itself_but_nobody_else(provider: Person, world: World) -> None:
    own = await provider.change("createAccount", "account { id }", name="New", serviceProviderId=world["provider"])
    assert own["userErrors"] == []
    unknown = sid_of(Kind.SERVICE_PROVIDER, new_id())
    answers = [
        await provider.change("createAccount", "account { id }", name="Other", serviceProviderId=someone)
        for someone in (world["other_provider"], unknown, world["own"], "SP", "")
    ]
    assert refusals(answers[0]) == [("NOT_FOUND", ["serviceProviderId"])]
    assert answers == [answers[0]] * 5


async def test_all_mistakes_are_told_at_once(provider: Person) -> None:
    payload = await provider.change("createAccount", "account { id }", name=" ", sipRealm="localhost")
    assert payload["account"] is None
    assert refusals(payload) == [("REQUIRED", ["name"]), ("INVALID", ["sipRealm"])]


async def test_what_an_update_leaves_out_stays_as_it_is(admin: Person, account_user: Person, world: World) -> None:
    limit = {"unit": "MINUTES", "maximum": 500}
    await admin.change("updateAccount", "account { id }", id=world["own"], usageLimit=limit, licensedSessions=9)
    before = await settings(admin, world["own"])
    await account_user.change("updateAccount", "account { id }", id=world["own"], name="Renamed")
    assert await settings(admin, world["own"]) == {**before, "name": "Renamed", "version": before["version"] + 1}
    await account_user.change("updateAccount", "account { id }", id=world["own"])
    assert (await settings(admin, world["own"]))["version"] == before["version"] + 1


async def test_an_account_user_does_not_see_who_runs_its_account(account_user: Person, world: World) -> None:
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
    ("updateAccount", "account { id }", {"name": "Taken over"}, "id"),
    ("setAccountActive", "account { id }", {"active": False}, "id"),
    ("deleteAccount", "deletedId blockers { count }", {"force": True}, "id"),
    ("rotateWebhookSecret", "account { id webhookSecret }", {}, "accountId"),
]


@pytest.mark.parametrize(("mutation", "selection", "input", "field"), CHANGES)
async def test_out_of_reach_looks_like_missing(
    provider: Person, admin: Person, world: World, mutation: str, selection: str, input: dict[str, Any], field: str
) -> None:
    nowhere = sid_of(Kind.ACCOUNT, new_id())
    payloads = [
        await provider.change(mutation, selection, **{field: someone}, **input)
        for someone in (nowhere, world["foreign"], world["provider"], world["own"].lower(), "garbage", "", "AC\0")
    ]
    assert refusals(payloads[0]) == [("NOT_FOUND", [field])]
    assert payloads == [payloads[0]] * 7
    assert (await settings(admin, world["foreign"]))["version"] == 1


async def test_an_account_user_reaches_no_sibling(account_user: Person, admin: Person, world: World) -> None:
    payloads = [
        await account_user.change("updateAccount", "account { id }", id=someone, name="Taken over")
        for someone in (world["sibling"], world["foreign"], sid_of(Kind.ACCOUNT, new_id()))
    ]
    assert payloads == [payloads[0]] * 3
    assert refusals(payloads[0]) == [("NOT_FOUND", ["id"])]


async def test_what_is_out_of_reach_is_null_as_what_does_not_exist(account_user: Person, world: World) -> None:
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


async def test_an_update_of_an_older_version_is_refused(provider: Person, world: World) -> None:
    first = await provider.change("updateAccount", "account { version }", id=world["own"], name="First", ifVersion=1)
    late = await provider.change("updateAccount", "account { version }", id=world["own"], name="Late", ifVersion=1)
    assert first["account"] == {"version": 2}
    assert late["account"] is None
    assert refusals(late) == [("CONFLICT", ["ifVersion"])]


async def test_of_two_writers_who_saw_the_same_version_one_wins(provider: Person, admin: Person, world: World) -> None:
    payloads = await asyncio.gather(
        *(
            provider.change("updateAccount", "account { name version }", id=world["own"], name=name, ifVersion=1)
            for name in ("One", "Two")
        )
    )
    assert sorted(refusals(payload) for payload in payloads) == [[], [("CONFLICT", ["ifVersion"])]]
    (winner,) = [payload["account"] for payload in payloads if payload["account"]]
    assert winner == {"name": (await settings(admin, world["own"]))["name"], "version": 2}


async def test_every_change_counts_the_version_even_at_once(provider: Person, world: World, admin: Person) -> None:
    await asyncio.gather(
        *(provider.change("updateAccount", "account { id }", id=world["own"], name=f"Number {n}") for n in range(10))
    )
    assert (await settings(admin, world["own"]))["version"] == 11


async def test_an_update_moves_the_time_of_the_last_change(account_user: Person, world: World) -> None:
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
    assert answer.errors[0]["extensions"]["requiredAccess"] == "FULL"
    assert (await settings(admin, world["own"]))["name"] == "Own customer"


async def test_front_ends_are_told_what_the_caller_may_do(installation: Installation, world: World) -> None:
    query = "query ($id: ID!) { account(id: $id) { viewerCanUpdate viewerCanUpdateLicense viewerCanSetActive viewerCanDelete } }"
    told = {}
    for person in ("admin", "provider", "account_user", "read_only"):
        answer = await installation.person(person).ask(query, id=world["own"])
        told[person] = [name.removeprefix("viewerCan") for name, may in answer.only("account").items() if may]
    assert told == {
        "admin": ["Update", "UpdateLicense", "SetActive", "Delete"],
        "provider": ["Update", "SetActive", "Delete"],
        "account_user": ["Update"],
        "read_only": [],
    }


async def test_a_change_that_cannot_be_made_does_not_tell_others_names(account_user: Person, world: World) -> None:
    """Otherwise names could be tried out without leaving a trace."""
    answers = [
        refusals(await account_user.change("updateAccount", "account { id }", id=world["own"], name=name, ifVersion=-1))
        for name in ("Sibling customer", "No such customer")
    ]
    assert answers == [[("CONFLICT", ["ifVersion"])]] * 2


async def test_who_suspends_and_who_resumes_at_once_each_get_what_they_asked_for(
    provider: Person, world: World
) -> None:
    asked = [False, True] * 4
    payloads = await asyncio.gather(
        *(provider.change("setAccountActive", "account { active }", id=world["own"], active=active) for active in asked)
    )
    assert [payload["account"]["active"] for payload in payloads] == asked
