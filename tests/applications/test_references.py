"""What an account uses its applications for: only its own, under any concurrency."""

import asyncio
from typing import Any

import pytest

from app.foundation.database import orm
from app.foundation.identifiers import Kind, parse_sid
from tests.applications.test_applications import created
from tests.support.installation import Installation, Person, World, refusals

POINTERS = ("deviceCallingApplication", "siprecApplication")
USED = "account { version deviceCallingApplication { id } siprecApplication { id } }"
DELETED = "deletedId blockers { kind }"
UNKNOWN = f"AP{'0' * 32}"


async def point(person: Person, account_id: str, **changes: Any) -> dict[str, Any]:
    return await person.change("updateAccount", USED, id=account_id, **changes)


async def pointers(person: Person, account_id: str) -> dict[str, Any]:
    answer = await person.ask(f"query ($id: ID!) {{ {USED.replace('account', 'account(id: $id)', 1)} }}", id=account_id)
    account: dict[str, Any] = answer.only("account")
    return account


async def point_at_own(person: Person, world: World) -> None:
    id_ = world["own_application"]
    payload = await point(person, world["own"], deviceCallingApplicationId=id_, siprecApplicationId=id_)
    assert payload["userErrors"] == []


async def test_an_account_sets_and_clears_its_applications(account_user: Person, world: World) -> None:
    one, two = world["own_application"], (await created(account_user, world["own"]))["id"]
    both = await point(account_user, world["own"], deviceCallingApplicationId=one, siprecApplicationId=two)
    assert both["account"] == {"version": 2, "deviceCallingApplication": {"id": one}, "siprecApplication": {"id": two}}
    await account_user.change("updateAccount", "account { id }", id=world["own"], name="Renamed")
    assert (await pointers(account_user, world["own"]))["siprecApplication"] == {"id": two}
    cleared = await point(account_user, world["own"], deviceCallingApplicationId=None)
    assert cleared["account"] == {"version": 4, "deviceCallingApplication": None, "siprecApplication": {"id": two}}


@pytest.mark.parametrize("pointer", POINTERS)
@pytest.mark.parametrize("theirs", ["sibling_application", "foreign_application"])
async def test_another_accounts_application_gets_the_same_error_as_an_unknown_one(
    account_user: Person, provider: Person, admin: Person, world: World, pointer: str, theirs: str
) -> None:
    for person in (account_user, provider, admin):
        answers = [
            await point(person, world["own"], **{f"{pointer}Id": id_})
            for id_ in (world[theirs], UNKNOWN, "AP", world["own"], "")
        ]
        assert answers == [answers[0]] * 5
        assert refusals(answers[0]) == [("NOT_FOUND", [f"{pointer}Id"])]
    assert (await pointers(admin, world["own"]))["version"] == 1


async def test_an_unknown_application_is_returned_with_all_other_errors_and_nothing_is_changed(
    account_user: Person, world: World
) -> None:
    wrong = {"deviceCallingApplicationId": world["sibling_application"], "siprecApplicationId": "nonsense"}
    payload = await point(account_user, world["own"], name="", **wrong)
    assert sorted(refusals(payload)) == [
        ("NOT_FOUND", ["deviceCallingApplicationId"]),
        ("NOT_FOUND", ["siprecApplicationId"]),
        ("REQUIRED", ["name"]),
    ]
    payload = await point(account_user, world["own"], name="Better", siprecApplicationId=world["foreign_application"])
    assert refusals(payload) == [("NOT_FOUND", ["siprecApplicationId"])]
    assert (await pointers(account_user, world["own"]))["version"] == 1


async def test_an_application_shows_its_uses(account_user: Person, world: World) -> None:
    await point(account_user, world["own"], siprecApplicationId=world["own_application"])
    query = "query ($id: ID!) { application(id: $id) { usedFor } }"
    answer = await account_user.ask(query, id=world["own_application"])
    assert answer.only("application") == {"usedFor": ["SIPREC_CALLS"]}


async def test_an_unused_application_is_deleted(account_user: Person, world: World) -> None:
    payload = await account_user.change("deleteApplication", DELETED, id=world["own_application"])
    assert payload == {"deletedId": world["own_application"], "blockers": [], "userErrors": []}
    again = await account_user.change("deleteApplication", DELETED, id=world["own_application"])
    assert refusals(again) == [("NOT_FOUND", ["id"])]


async def test_an_application_in_use_is_not_deleted_and_the_payload_lists_its_uses(
    account_user: Person, world: World
) -> None:
    await point_at_own(account_user, world)
    blockers = [{"kind": "DEVICE_CALLS"}, {"kind": "SIPREC_CALLS"}]
    payload = await account_user.change("deleteApplication", DELETED, id=world["own_application"])
    assert (payload["deletedId"], payload["blockers"]) == (None, blockers)
    assert refusals(payload) == [("IN_USE", ["id"])]
    uses = "SIP device calls and SIPREC calls"
    message = f"The account uses the application for {uses}. Delete it anyway with `force: true`."
    assert payload["userErrors"][0]["message"] == message
    for force in (False, True):
        dry = await account_user.change(
            "deleteApplication", DELETED, id=world["own_application"], dryRun=True, force=force
        )
        assert dry == {"deletedId": None, "blockers": blockers, "userErrors": []}
    assert (await pointers(account_user, world["own"]))["version"] == 2


async def test_a_forced_deletion_clears_the_uses_by_the_account(account_user: Person, world: World) -> None:
    other = (await created(account_user, world["own"]))["id"]
    await point(
        account_user, world["own"], deviceCallingApplicationId=world["own_application"], siprecApplicationId=other
    )
    payload = await account_user.change("deleteApplication", DELETED, id=world["own_application"], force=True)
    assert payload["deletedId"] == world["own_application"]
    assert payload["blockers"] == [{"kind": "DEVICE_CALLS"}]
    # The account's version is incremented, so concurrent edits of it get a conflict.
    assert await pointers(account_user, world["own"]) == {
        "version": 3,
        "deviceCallingApplication": None,
        "siprecApplication": {"id": other},
    }


async def test_a_deletion_of_an_older_version_is_rejected(account_user: Person, world: World) -> None:
    await account_user.change("updateApplication", "application { id }", id=world["own_application"], name="New")
    payload = await account_user.change(
        "deleteApplication", DELETED, id=world["own_application"], force=True, ifVersion=1
    )
    assert refusals(payload) == [("CONFLICT", ["ifVersion"])]


async def test_an_account_that_uses_its_applications_is_deleted_with_them(provider: Person, world: World) -> None:
    await point_at_own(provider, world)
    payload = await provider.change("deleteAccount", "deletedId blockers { kind count }", id=world["own"])
    assert {"kind": "APPLICATIONS", "count": 1} in payload["blockers"]
    blockers = "2 API key(s) and 1 application(s)"
    message = f"The account still has {blockers}. Delete them too with `force: true`."
    assert payload["userErrors"][0]["message"] == message
    payload = await provider.change("deleteAccount", "deletedId", id=world["own"], force=True)
    assert payload == {"deletedId": world["own"], "userErrors": []}


async def test_a_use_set_during_a_deletion_is_rejected_or_cleared(
    account_user: Person, provider: Person, world: World
) -> None:
    for _ in range(5):
        id_ = (await created(account_user, world["own"]))["id"]
        deletion = provider.change("deleteApplication", "deletedId", id=id_, force=True)
        pointing = [point(account_user, world["own"], **{f"{pointer}Id": id_}) for pointer in POINTERS * 3]
        *pointed, deleted = await asyncio.gather(*pointing, deletion)
        assert deleted == {"deletedId": id_, "userErrors": []}
        assert {str([code for code, _ in refusals(each)]) for each in pointed} <= {"[]", "['NOT_FOUND']"}
        now = await pointers(account_user, world["own"])
        assert (now["deviceCallingApplication"], now["siprecApplication"]) == (None, None)


async def test_a_deletion_waits_for_an_account_that_is_about_to_use_the_application(
    installation: Installation, account_user: Person, world: World
) -> None:
    other = await orm.single_connection(installation.settings)
    async with other.transaction():
        await other.execute(
            "UPDATE accounts SET siprec_application_id = $1 WHERE id = $2",
            parse_sid(Kind.APPLICATION, world["own_application"]),
            parse_sid(Kind.ACCOUNT, world["own"]),
        )
        deletion = asyncio.create_task(account_user.change("deleteApplication", DELETED, id=world["own_application"]))
        await asyncio.wait([deletion], timeout=0.3)
        assert not deletion.done()
    await other.close()
    assert refusals(await deletion) == [("IN_USE", ["id"])]
    assert (await pointers(account_user, world["own"]))["siprecApplication"] == {"id": world["own_application"]}
