"""Renaming, suspending and deleting service providers; each reads and changes only itself."""

import asyncio
from collections.abc import Callable

import pytest

from app.foundation.identifiers import Kind, new_id, sid_of
from tests.server.test_revocation_delay import WHO
from tests.support.installation import Installation, Person, World, refusals
from tests.support.statements import recorded

SHOWN = "serviceProvider { name active version }"
DELETED = "deletedId blockers { kind count }"


async def made(admin: Person, name: str = "Western Voice") -> str:
    payload = await admin.change("createServiceProvider", "serviceProvider { id }", name=name)
    return str(payload["serviceProvider"]["id"])


async def test_a_provider_renames_itself(provider: Person, world: World) -> None:
    payload = await provider.change("updateServiceProvider", SHOWN, id=world["provider"], name=" Neue Stimme 🎙️ ")
    assert payload["serviceProvider"] == {"name": "Neue Stimme 🎙️", "active": True, "version": 2}


async def test_updating_another_provider_gets_the_same_error_as_an_unknown_one(
    provider: Person, admin: Person, world: World
) -> None:
    answers = []
    for someone in (world["other_provider"], sid_of(Kind.SERVICE_PROVIDER, new_id()), "SP", "\0", world["own"]):
        payload = await provider.change("updateServiceProvider", SHOWN, id=someone, name="Mine", ifVersion=7)
        assert refusals(payload) == [("NOT_FOUND", ["id"])]
        answers.append(payload)
    assert all(answer == answers[0] for answer in answers)
    found = await admin.ask("query ($id: ID!) { serviceProvider(id: $id) { name } }", id=world["other_provider"])
    assert found.only("serviceProvider") == {"name": "Southern Voice"}


async def test_an_empty_update_changes_nothing(provider: Person, world: World) -> None:
    payload = await provider.change("updateServiceProvider", SHOWN, id=world["provider"])
    assert payload == {"serviceProvider": {"name": "Northern Voice", "active": True, "version": 1}, "userErrors": []}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (None, "REQUIRED"),
        (" ", "REQUIRED"),
        ("n" * 65, "TOO_LONG"),
        ("a\0b", "INVALID"),
        ("SOUTHERN voice", "NAME_TAKEN"),
    ],
)
async def test_a_new_name_follows_the_rules_of_names(
    provider: Person, world: World, name: str | None, code: str
) -> None:
    payload = await provider.change("updateServiceProvider", SHOWN, id=world["provider"], name=name)
    assert refusals(payload) == [(code, ["name"])]


async def test_a_version_conflict_is_returned_with_all_other_errors(provider: Person, world: World) -> None:
    payload = await provider.change("updateServiceProvider", SHOWN, id=world["provider"], name="", ifVersion=9)
    assert refusals(payload) == [("REQUIRED", ["name"]), ("CONFLICT", ["ifVersion"])]
    payload = await provider.change("updateServiceProvider", SHOWN, id=world["provider"], name="Fine", ifVersion=9)
    assert refusals(payload) == [("CONFLICT", ["ifVersion"])]
    payload = await provider.change("updateServiceProvider", SHOWN, id=world["provider"], name="Fine", ifVersion=1)
    assert payload["serviceProvider"]["version"] == 2


async def test_of_ten_concurrent_renames_of_one_version_one_succeeds(admin: Person, world: World) -> None:
    payloads = await asyncio.gather(
        *(
            admin.change("updateServiceProvider", SHOWN, id=world["provider"], name=f"Voice {n}", ifVersion=1)
            for n in range(10)
        )
    )
    assert sorted(refusals(payload) for payload in payloads) == [[]] + [[("CONFLICT", ["ifVersion"])]] * 9


async def test_of_two_concurrent_renames_to_one_name_one_succeeds(admin: Person, world: World) -> None:
    payloads = await asyncio.gather(
        *(
            admin.change("updateServiceProvider", SHOWN, id=world[owner], name="Wanted")
            for owner in ("provider", "other_provider")
        )
    )
    assert sorted(refusals(payload) for payload in payloads) == [[], [("NAME_TAKEN", ["name"])]]


async def test_an_admin_suspends_a_provider_with_all_its_accounts_and_resumes_it(
    installation: Installation, admin: Person, world: World, wait: Callable[[float], None]
) -> None:
    people = ("provider", "account_user", "sibling_user", "read_only", "other_provider", "foreign_user", "admin")
    for active, statuses in ((False, [401] * 4 + [200] * 3), (True, [200] * 7)):
        payload = await admin.change("setServiceProviderActive", SHOWN, id=world["provider"], active=active)
        assert payload["serviceProvider"]["active"] is active
        wait(4.01)
        assert [(await installation.person(person).ask(WHO)).status for person in people] == statuses


async def test_suspending_a_suspended_provider_changes_nothing(admin: Person, world: World) -> None:
    for _ in range(2):
        payload = await admin.change("setServiceProviderActive", SHOWN, id=world["provider"], active=False)
        assert payload["serviceProvider"] == {"name": "Northern Voice", "active": False, "version": 2}
    payload = await admin.change("setServiceProviderActive", SHOWN, id=world["provider"], active=False, ifVersion=1)
    assert refusals(payload) == [("CONFLICT", ["ifVersion"])]


async def test_a_provider_cannot_suspend_or_delete_itself(provider: Person, world: World) -> None:
    for mutation in ("setServiceProviderActive", "deleteServiceProvider"):
        given = ", active: false" if mutation.startswith("set") else ", force: true"
        answer = await provider.ask(
            f'mutation {{ {mutation}(input: {{id: "{world["provider"]}"{given}}}) {{ __typename }} }}'
        )
        assert (answer.codes, answer.data) == (["FORBIDDEN"], {mutation: None})
    shown = await provider.ask("{ viewer { serviceProvider { viewerCanUpdate viewerCanSetActive viewerCanDelete } } }")
    assert shown.only("viewer") == {
        "serviceProvider": {"viewerCanUpdate": True, "viewerCanSetActive": False, "viewerCanDelete": False}
    }


async def test_a_provider_with_accounts_is_not_deleted_even_by_force(admin: Person, world: World) -> None:
    blockers = [{"kind": "ACCOUNTS", "count": 2}, {"kind": "API_KEYS", "count": 1}]
    for force in (False, True):
        payload = await admin.change("deleteServiceProvider", DELETED, id=world["provider"], force=force)
        assert (payload["deletedId"], payload["blockers"]) == (None, blockers)
        assert refusals(payload) == [("IN_USE", ["id"])]
        message = "The service provider still runs 2 account(s). Move or delete them first."
        assert payload["userErrors"][0]["message"] == message
    payload = await admin.change("deleteServiceProvider", DELETED, id=world["provider"], dryRun=True, force=True)
    assert payload == {"deletedId": None, "blockers": blockers, "userErrors": []}
    query = "query ($id: ID!) { serviceProvider(id: $id) { accountCount apiKeyCount } }"
    assert (await admin.ask(query, id=world["provider"])).only("serviceProvider") == {
        "accountCount": 2,
        "apiKeyCount": 1,
    }


async def test_a_providers_keys_are_deleted_only_by_force(admin: Person) -> None:
    doomed = await made(admin)
    await admin.change("createApiKey", "token", name="Portal", owner={"serviceProviderId": doomed})
    keys = [{"kind": "API_KEYS", "count": 1}]
    payload = await admin.change("deleteServiceProvider", DELETED, id=doomed)
    assert (payload["deletedId"], payload["blockers"], refusals(payload)) == (None, keys, [("IN_USE", ["id"])])
    payload = await admin.change("deleteServiceProvider", DELETED, id=doomed, dryRun=True)
    assert payload == {"deletedId": None, "blockers": keys, "userErrors": []}
    payload = await admin.change("deleteServiceProvider", DELETED, id=doomed, force=True, ifVersion=1)
    assert payload == {"deletedId": doomed, "blockers": keys, "userErrors": []}
    assert refusals(await admin.change("deleteServiceProvider", DELETED, id=doomed)) == [("NOT_FOUND", ["id"])]


async def test_deleting_an_empty_provider_frees_its_name(admin: Person) -> None:
    doomed = await made(admin)
    payload = await admin.change("deleteServiceProvider", DELETED, id=doomed, ifVersion=2)
    assert refusals(payload) == [("CONFLICT", ["ifVersion"])]
    payload = await admin.change("deleteServiceProvider", DELETED, id=doomed)
    assert payload == {"deletedId": doomed, "blockers": [], "userErrors": []}
    assert await made(admin) != doomed


async def test_objects_created_during_a_deletion_are_rejected_or_block_it(admin: Person) -> None:
    """No account or key is left without a provider, and every error is a user error."""
    for number in range(8):
        doomed = await made(admin, f"Doomed {number}")
        account, key, gone = await asyncio.gather(
            admin.change("createAccount", "account { id }", name="Late", serviceProviderId=doomed),
            admin.change("createApiKey", "token", name="Late", owner={"serviceProviderId": doomed}),
            admin.change("deleteServiceProvider", DELETED, id=doomed, force=True),
        )
        if gone["deletedId"]:
            assert refusals(account) == [("NOT_FOUND", ["serviceProviderId"])]
            assert refusals(key) in ([], [("NOT_FOUND", ["owner", "serviceProviderId"])])
        else:
            assert refusals(gone) == [("IN_USE", ["id"])]
            assert refusals(account) == []
        there = await admin.ask("query ($id: ID!) { serviceProvider(id: $id) { id } }", id=doomed)
        assert (there.only("serviceProvider") is None) is bool(gone["deletedId"])


async def test_a_provider_lists_its_accounts_by_name(admin: Person, provider: Person, world: World) -> None:
    query = (
        "query ($id: ID!, $after: String) { serviceProvider(id: $id) { accountCount accounts(first: 1, after: $after)"
        " { totalCount nodes { name } pageInfo { hasNextPage endCursor } } } }"
    )
    for person in (admin, provider):
        names, after, more = [], None, True
        while more:
            found = (await person.ask(query, id=world["provider"], after=after)).only("serviceProvider")
            assert (found["accountCount"], found["accounts"]["totalCount"]) == (2, 2)
            names += [node["name"] for node in found["accounts"]["nodes"]]
            more, after = found["accounts"]["pageInfo"]["hasNextPage"], found["accounts"]["pageInfo"]["endCursor"]
        assert names == ["Own customer", "Sibling customer"]


async def test_more_providers_need_no_more_statements(admin: Person) -> None:
    for number in range(10):
        await made(admin, f"Voice {number}")
    counts = []
    for first in (1, 12):
        with recorded() as statements:
            answer = await admin.ask(
                "query ($first: Int!) { serviceProviders(first: $first) { nodes { name accountCount apiKeyCount"
                " accounts(first: 5) { nodes { name } } } } }",
                first=first,
            )
        assert len(answer.only("serviceProviders")["nodes"]) == first
        counts.append(len(statements))
    assert counts == [2, 2]
