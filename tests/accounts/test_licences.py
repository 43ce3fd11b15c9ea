"""Usage limits and licensed sessions, which only admins may read or set."""

from typing import Any

import pytest

from tests.support.installation import Installation, Person, World, refusals

SETTINGS = "account { id name sipRealm active version usageLimit { unit maximum } licensedSessions }"
INT_MAXIMUM = 2**31 - 1


async def settings(admin: Person, account_id: str) -> dict[str, Any]:
    answer = await admin.ask(
        f"query ($id: ID!) {{ {SETTINGS.replace('account', 'account(id: $id)', 1)} }}", id=account_id
    )
    found: dict[str, Any] = answer.only("account")
    return found


async def test_errors_in_limits_are_returned_with_all_others(admin: Person, world: World) -> None:
    payload = await admin.change(
        "updateAccount",
        "account { id }",
        id=world["own"],
        name=None,
        sipRealm="",
        usageLimit={"unit": "MINUTES", "maximum": -1},
        licensedSessions=-1,
        ifVersion=7,
    )
    assert refusals(payload) == [
        ("REQUIRED", ["name"]),
        ("INVALID", ["sipRealm"]),
        ("OUT_OF_RANGE", ["usageLimit", "maximum"]),
        ("OUT_OF_RANGE", ["licensedSessions"]),
        ("CONFLICT", ["ifVersion"]),
    ]


async def test_a_limit_ranges_from_zero_to_the_largest_int(admin: Person, world: World) -> None:
    for count in (0, 1, INT_MAXIMUM):
        limit = {"unit": "MINUTES", "maximum": count}
        payload = await admin.change(
            "updateAccount", SETTINGS, id=world["own"], usageLimit=limit, licensedSessions=count
        )
        assert payload["account"]["usageLimit"] == limit
        assert payload["account"]["licensedSessions"] == count


@pytest.mark.parametrize("wrong", [INT_MAXIMUM + 1, 1.5, "7", True])
async def test_a_limit_that_is_not_an_int_is_rejected_before_execution(admin: Person, world: World, wrong: Any) -> None:
    for wanted in ({"licensedSessions": wrong}, {"usageLimit": {"unit": "MINUTES", "maximum": wrong}}):
        answer = await admin.ask(
            "mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) { account { id } } }",
            input={"id": world["own"], **wanted},
        )
        assert answer.codes == ["BAD_USER_INPUT"]
        assert "data" not in answer.body
    assert (await settings(admin, world["own"]))["version"] == 1


async def test_limits_cannot_be_cleared(admin: Person, world: World) -> None:
    payload = await admin.change(
        "updateAccount", "account { id }", id=world["own"], usageLimit=None, licensedSessions=None
    )
    assert refusals(payload) == [("REQUIRED", ["usageLimit"]), ("REQUIRED", ["licensedSessions"])]


LICENCE: list[tuple[dict[str, Any], list[str]]] = [
    ({"licensedSessions": 5}, ["licensedSessions"]),
    ({"licensedSessions": None}, ["licensedSessions"]),
    ({"usageLimit": {"unit": "MINUTES", "maximum": 1}}, ["usageLimit"]),
    ({"usageLimit": None}, ["usageLimit"]),
    (
        {"name": "Renamed", "sipRealm": "new.example.com", "usageLimit": None, "licensedSessions": 0},
        ["usageLimit", "licensedSessions"],
    ),
]


@pytest.mark.parametrize("person", ["provider", "account_user"])
async def test_only_admins_set_licences_and_a_refused_update_saves_nothing(
    installation: Installation, admin: Person, world: World, person: str
) -> None:
    before = await settings(admin, world["own"])
    for wanted, refused in LICENCE:
        answer = await installation.person(person).ask(
            "mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) { account { id } } }",
            input={"id": world["own"], **wanted},
        )
        (error,) = answer.errors
        assert answer.data == {"updateAccount": None}
        assert error["path"] == ["updateAccount"]
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert error["extensions"]["requiredScopes"] == ["ADMIN"]
        assert error["extensions"]["inputFields"] == refused
    assert await settings(admin, world["own"]) == before


async def test_a_licence_as_a_literal_or_in_its_own_variable_is_refused_too(
    account_user: Person, admin: Person, world: World
) -> None:
    for variables, value in (("", "5"), ("", "null"), ("($n: Int)", "$n")):
        query = (
            'mutation %s { updateAccount(input: {id: "%s", name: "Renamed", licensedSessions: %s}) { account { id } } }'
        )
        answer = await account_user.ask(query % (variables, world["own"], value), n=None)
        assert answer.codes == ["FORBIDDEN"]
    assert (await settings(admin, world["own"]))["name"] == "Own customer"


async def test_an_omitted_variable_is_not_written(account_user: Person, world: World) -> None:
    answer = await account_user.ask(
        'mutation ($id: ID!, $n: Int) { updateAccount(input: {id: $id, name: "Renamed", licensedSessions: $n})'
        " { account { name } } }",
        id=world["own"],
    )
    assert answer.only("updateAccount") == {"account": {"name": "Renamed"}}


async def test_a_provider_cannot_set_a_licence_on_a_new_account(provider: Person) -> None:
    answer = await provider.ask(
        'mutation { createAccount(input: {name: "New", licensedSessions: 1000000}) { account { id } } }'
    )
    assert answer.codes == ["FORBIDDEN"]
    assert answer.errors[0]["extensions"]["inputFields"] == ["licensedSessions"]
    found = await provider.ask('{ accounts(filter: {nameContains: "New"}) { totalCount } }')
    assert found.only("accounts") == {"totalCount": 0}


@pytest.mark.parametrize("person", ["provider", "account_user", "read_only"])
async def test_only_admins_read_licences_and_other_fields_are_still_returned(
    installation: Installation, world: World, person: str
) -> None:
    answer = await installation.person(person).ask(
        "query ($id: ID!) { account(id: $id) { name licensedSessions usageLimit { unit } } }", id=world["own"]
    )
    assert answer.data == {"account": {"name": "Own customer", "licensedSessions": None, "usageLimit": None}}
    assert [
        (error["path"], error["extensions"]["code"], error["extensions"]["requiredScopes"]) for error in answer.errors
    ] == [
        (["account", "licensedSessions"], "FORBIDDEN", ["ADMIN"]),
        (["account", "usageLimit"], "FORBIDDEN", ["ADMIN"]),
    ]


async def test_a_forbidden_field_on_a_page_of_rows_is_one_error_per_selection(provider: Person) -> None:
    for number in range(30):
        await provider.change("createAccount", "account { id }", name=f"Number {number}")
    answer = await provider.ask(
        "{ accounts(first: 100) { nodes { name licensedSessions more: licensedSessions usageLimit { maximum } } } }"
    )
    assert len(answer.data["accounts"]["nodes"]) == 32
    assert all(node["name"] and node["licensedSessions"] is None for node in answer.data["accounts"]["nodes"])
    assert [error["path"][-1] for error in answer.errors] == ["licensedSessions", "more", "usageLimit"]
