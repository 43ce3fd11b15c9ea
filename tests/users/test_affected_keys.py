"""API keys that stop or lose permissions when the person who created them is deactivated, demoted or deleted."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.api_keys.model import ApiKey
from app.users import affected_keys
from tests.support.concurrency import fill
from tests.support.installation import Installation, Person, World, refusals
from tests.support.personas import People, add_people
from tests.support.statements import plan, recorded

AFFECTED = "affectedApiKeys { apiKey { name } stops missingPermissions } affectedApiKeyCount"
WHO = "{ viewer { permissions } }"
IN_USE = [("IN_USE", ["id"])]


@pytest.fixture
async def people(installation: Installation) -> People:
    return await add_people(installation, "ann", "bob", "boss", "root")


async def key_of(person: Person, name: str, level: str = "READ_ONLY", **given: Any) -> str:
    made = await person.change("createApiKey", "token", name=name, accessLevel=level, **given)
    assert made["userErrors"] == []
    token: str = made["token"]
    return token


def stopped(name: str, *permissions: str) -> dict[str, Any]:
    return {"apiKey": {"name": name}, "stops": True, "missingPermissions": list(permissions)}


@pytest.mark.parametrize(("mutation", "done"), [("deactivateUser", "user { active }"), ("deleteUser", "deletedId")])
async def test_a_person_with_keys_goes_only_by_force(people: People, mutation: str, done: str) -> None:
    ann, bob = people["ann"], people["bob"]
    direct = await key_of(ann, "Direct", "CUSTOM", permissions=["MANAGE_API_KEYS", "VIEW_CALLS"])
    token = await key_of(people.installation.holder(direct), "By a key", "CUSTOM", permissions=["VIEW_CALLS"])
    await key_of(ann, "Gateway", "GATEWAY")
    await key_of(bob, "Another's")
    expected = [
        stopped("Gateway", "ACT_AS_GATEWAY"),
        stopped("By a key", "VIEW_CALLS"),
        stopped("Direct", "VIEW_CALLS", "MANAGE_API_KEYS"),
    ]
    refused = await bob.change(mutation, f"{done} {AFFECTED}", id=people.ids["ann"])
    assert refusals(refused) == IN_USE
    assert (refused["affectedApiKeys"], refused["affectedApiKeyCount"]) == (expected, 3)
    assert refused[done.split(maxsplit=1)[0]] is None
    for caller in (ann, people.installation.holder(token)):
        assert (await caller.ask(WHO)).status == 200
    forced = await bob.change(mutation, f"{done} {AFFECTED}", id=people.ids["ann"], force=True)
    assert (forced["affectedApiKeys"], forced["userErrors"]) == (expected, [])
    for caller in (ann, people.installation.holder(token)):
        assert (await caller.ask(WHO)).status == 401


async def test_keys_that_have_ended_do_not_count(people: People) -> None:
    await key_of(people["ann"], "Revoked")
    await key_of(people["ann"], "Expired", expiresAt="2099-01-01T00:00:00Z")
    async with people.installation.database():
        await ApiKey.filter(name="Revoked").update(revoked_at=datetime.now(UTC))
        await ApiKey.filter(name="Expired").update(expires_at=datetime.now(UTC))
    assert refusals(await people["bob"].change("deactivateUser", "user { id }", id=people.ids["ann"])) == []


async def test_the_keys_of_an_inactive_person_have_stopped_already(people: People) -> None:
    await key_of(people["ann"], "Key")
    forced = {"id": people.ids["ann"], "force": True}
    assert refusals(await people["bob"].change("deactivateUser", "user { id }", **forced)) == []
    assert refusals(await people["bob"].change("deactivateUser", "user { id }", id=people.ids["ann"])) == []
    assert refusals(await people["bob"].change("deleteUser", "deletedId", id=people.ids["ann"])) == []


async def test_a_role_is_lowered_only_by_force_where_a_key_loses_permissions(people: People) -> None:
    token = await key_of(people["ann"], "Reader")
    await key_of(people["ann"], "Secrets", "CUSTOM", permissions=["VIEW_SECRETS", "EDIT_SETTINGS"])
    await key_of(people["ann"], "Calls", "CUSTOM", permissions=["VIEW_CALLS"])
    await key_of(people["ann"], "Gateway", "GATEWAY")
    change = {"id": people.ids["ann"], "role": "EDITOR"}
    shrinks = {"apiKey": {"name": "Secrets"}, "stops": False, "missingPermissions": ["VIEW_SECRETS"]}
    refused = await people["bob"].change("updateUser", f"user {{ role }} {AFFECTED}", **change)
    assert refusals(refused) == IN_USE
    assert (refused["user"], refused["affectedApiKeys"], refused["affectedApiKeyCount"]) == (None, [shrinks], 1)
    forced = await people["bob"].change("updateUser", f"user {{ role }} {AFFECTED}", **change, force=True)
    assert (forced["user"], forced["affectedApiKeys"]) == ({"role": "EDITOR"}, [shrinks])
    raised = await people["bob"].change("updateUser", f"user {{ role }} {AFFECTED}", **{**change, "role": "MANAGER"})
    assert (raised["user"], raised["affectedApiKeys"]) == ({"role": "MANAGER"}, [])
    lowered = await people["bob"].change("updateUser", AFFECTED, **{**change, "role": "VIEWER"})
    assert [(one["apiKey"]["name"], one["missingPermissions"]) for one in lowered["affectedApiKeys"]] == [
        ("Secrets", ["EDIT_SETTINGS", "VIEW_SECRETS"]),
        ("Reader", ["LISTEN_TO_RECORDINGS", "VIEW_AUDIT_TRAIL"]),
    ]
    assert "VIEW_AUDIT_TRAIL" in str((await people.installation.holder(token).ask(WHO)).body)


async def test_an_affected_key_reports_what_it_loses_now(people: People) -> None:
    """Not what it has lost already."""
    await key_of(people["ann"], "Reader")
    change = {"id": people.ids["ann"], "force": True}
    await people["bob"].change("updateUser", AFFECTED, **change, role="LISTENER")
    lowered = await people["bob"].change("updateUser", AFFECTED, **change, role="VIEWER")
    assert [one["missingPermissions"] for one in lowered["affectedApiKeys"]] == [["LISTEN_TO_RECORDINGS"]]


async def test_keys_in_accounts_that_the_person_owns_keep_their_permissions(people: People, world: World) -> None:
    for account in ("own", "sibling"):
        await key_of(people["boss"], account, owner={"accountId": world[account]})
    owner = {"id": world["own"], "ownerId": people.ids["boss"]}
    assert refusals(await people["root"].change("transferAccountOwnership", "account { id }", **owner)) == []
    lowered = await people["root"].change("updateUser", AFFECTED, id=people.ids["boss"], role="VIEWER")
    assert (refusals(lowered), lowered["affectedApiKeyCount"]) == (IN_USE, 1)
    assert [one["apiKey"]["name"] for one in lowered["affectedApiKeys"]] == ["sibling"]


async def test_a_key_of_an_owner_with_a_lesser_role_loses_all_that_it_can_do(people: People, world: World) -> None:
    owner = {"id": world["own"], "ownerId": people.ids["boss"]}
    assert refusals(await people["root"].change("transferAccountOwnership", "account { id }", **owner)) == []
    assert (
        refusals(await people["root"].change("updateUser", "user { id }", id=people.ids["boss"], role="VIEWER")) == []
    )
    for account, allowed in (("own", []), ("sibling", ["FORBIDDEN"])):
        given = '{name: "K", accessLevel: READ_ONLY, owner: {accountId: $id}}'
        query = f"mutation ($id: ID!) {{ createApiKey(input: {given}) {{ token }} }}"
        assert (await people["boss"].ask(query, id=world[account])).codes == allowed
    stopping = await people["root"].change("deactivateUser", AFFECTED, id=people.ids["boss"])
    assert stopping["affectedApiKeys"] == [stopped("K", "VIEW_CALLS", "LISTEN_TO_RECORDINGS", "VIEW_AUDIT_TRAIL")]


async def test_other_changes_of_a_person_need_no_force(people: People) -> None:
    await key_of(people["ann"], "Key")
    for given in ({"name": "Anna"}, {"role": "MANAGER"}, {"email": "anna@example.com"}):
        assert refusals(await people["bob"].change("updateUser", "user { id }", id=people.ids["ann"], **given)) == []


async def test_keys_of_an_account_that_moved_no_longer_depend_on_the_person(people: People, world: World) -> None:
    await key_of(people["boss"], "Moved", owner={"accountId": world["sibling"]})
    move = {"id": world["sibling"], "serviceProviderId": world["other_provider"]}
    assert refusals(await people["root"].change("moveAccount", "account { id }", **move)) == []
    payload = await people["root"].change("deactivateUser", AFFECTED, id=people.ids["boss"])
    assert (payload["affectedApiKeyCount"], refusals(payload)) == (0, [])


async def test_the_newest_keys_are_listed_and_all_are_counted(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affected_keys, "MAXIMUM", 2)
    for number in range(3):
        await key_of(people["ann"], f"Key {number}")
    refused = await people["bob"].change("deactivateUser", AFFECTED, id=people.ids["ann"])
    assert [one["apiKey"]["name"] for one in refused["affectedApiKeys"]] == ["Key 2", "Key 1"]
    assert refused["affectedApiKeyCount"] == 3


async def test_the_last_admin_is_named_before_the_keys(people: People) -> None:
    await key_of(people["root"], "Key")
    for mutation, given in (("updateUser", {"role": "VIEWER"}), ("deactivateUser", {}), ("deleteUser", {})):
        payload = await people["root"].change(mutation, "__typename", id=people.ids["root"], **given)
        assert refusals(payload) == [("LAST_ADMIN", ["id"])]


@pytest.mark.parametrize("mutation", ["deactivateUser", "updateUser"])
async def test_the_keys_of_a_person_are_found_by_an_index(people: People, world: World, mutation: str) -> None:
    given = {"role": "VIEWER"} if mutation == "updateUser" else {}
    with recorded() as sent:
        await people["boss"].change(mutation, "userErrors { code }", id=people.ids["ann"], **given)
    (statement,) = (one for one in sent if one[0].startswith("SELECT") and '"created_by_user_id"=' in one[0])
    async with people.installation.database() as connection:
        await fill(connection, world)
        assert "api_keys_by_creator" in await plan(connection, statement)
