"""The worker that revokes a credential rejects it from the next request on, whatever it has cached."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.foundation.identifiers import Kind, parse_sid
from app.service_providers.model import ServiceProvider
from tests.support.installation import Installation, Person, World
from tests.support.personas import PASSWORD, People, add_people, email_of

WHO = "{ viewer { scope } }"
WRITE = 'mutation ($id: ID!) { updateAccount(input: { id: $id, name: "Written" }) { account { id } } }'


@pytest.fixture
async def people(installation: Installation) -> People:
    return await add_people(installation)


async def closed(person: Person, world: World) -> bool:
    """Whether they can neither read nor write. Fails if only one of them works."""
    codes = [(await person.ask(WHO)).codes, (await person.ask(WRITE, id=world["own"])).codes]
    assert codes in ([["UNAUTHENTICATED"]] * 2, [[], []]), codes
    return codes != [[], []]


async def done(person: Person, mutation: str, **given: Any) -> dict[str, Any]:
    payload = await person.change(mutation, "__typename", **given)
    assert payload["userErrors"] == []
    return payload


async def test_logout_ends_the_current_session(people: People, world: World) -> None:
    other = await people.session("ann")
    for person in (people["ann"], other):
        assert not await closed(person, world)
    await people["ann"].ask("mutation { logout { loggedOut } }")
    assert await closed(people["ann"], world)
    assert not await closed(other, world)


@pytest.mark.parametrize("keep", [True, False])
async def test_logout_everywhere_ends_the_others_and_this_one_where_it_is_not_kept(
    people: People, world: World, keep: bool
) -> None:
    other = await people.session("ann")
    for person in (people["ann"], other, people["bob"]):
        assert not await closed(person, world)
    text = f"mutation {{ logoutEverywhere(input: {{ keepCurrent: {str(keep).lower()} }}) {{ ended }} }}"
    assert (await people["ann"].ask(text)).only("logoutEverywhere") == {"ended": 1 if keep else 2}
    assert [await closed(person, world) for person in (other, people["ann"], people["bob"])] == [True, not keep, False]


async def test_a_new_password_ends_the_other_sessions(people: People, world: World) -> None:
    other = await people.session("ann")
    for person in (people["ann"], other):
        assert not await closed(person, world)
    await done(people["ann"], "changePassword", currentPassword=PASSWORD, newPassword="four words make one")
    assert await closed(other, world)
    assert not await closed(people["ann"], world)


async def test_a_login_beyond_the_limit_ends_the_oldest_session(
    people: People, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.users.sessions.MAXIMUM_SESSIONS", 1)
    assert not await closed(people["ann"], world)
    assert (await people.login("ann"))["token"]
    assert await closed(people["ann"], world)
    assert not await closed(people["bob"], world)


Ends = dict[str, tuple[str, Callable[[People, World], dict[str, Any]]]]

OF_PEOPLE: Ends = {
    "their session is revoked": ("revokeSession", lambda people, _: {"id": people.sessions["ann"]}),
    "their password is reset": ("resetPassword", lambda people, _: {"id": people.ids["ann"]}),
    "they are deactivated": ("deactivateUser", lambda people, _: {"id": people.ids["ann"]}),
    "they are deleted": ("deleteUser", lambda people, _: {"id": people.ids["ann"]}),
}
OF_OWNERS: Ends = {
    "their account is suspended": ("setAccountActive", lambda _, world: {"id": world["own"], "active": False}),
    "their account is deleted": ("deleteAccount", lambda _, world: {"id": world["own"], "force": True}),
    "their provider is suspended": (
        "setServiceProviderActive",
        lambda _, world: {"id": world["provider"], "active": False},
    ),
}


@pytest.mark.parametrize("end", [*OF_PEOPLE, *OF_OWNERS])
async def test_a_session_ends_when(people: People, world: World, end: str) -> None:
    mutation, given = {**OF_PEOPLE, **OF_OWNERS}[end]
    for name in ("ann", "rival"):
        assert (await people[name].ask(WHO)).status == 200
    await done(people["root"], mutation, **given(people, world))
    assert [(await people[name].ask(WHO)).status for name in ("ann", "rival")] == [401, 200]
    assert (await people["ann"].ask(WRITE, id=world["own"])).codes == ["UNAUTHENTICATED"]


OF_KEYS: Ends = {
    "it is revoked": ("revokeApiKey", lambda _, world: {"id": world["account_user_key"]}),
    "it is rotated without an overlap": (
        "rotateApiKey",
        lambda _, world: {"id": world["account_user_key"], "overlapHours": 0},
    ),
}


@pytest.mark.parametrize("end", [*OF_KEYS, *OF_OWNERS])
async def test_a_key_ends_when(
    people: People, account_user: Person, foreign_user: Person, world: World, end: str
) -> None:
    mutation, given = {**OF_KEYS, **OF_OWNERS}[end]
    for person in (account_user, foreign_user):
        assert (await person.ask(WHO)).status == 200
    await done(people["root"], mutation, **given(people, world))
    assert [(await person.ask(WHO)).status for person in (account_user, foreign_user)] == [401, 200]
    assert (await account_user.ask(WRITE, id=world["own"])).codes == ["UNAUTHENTICATED"]


async def test_a_key_that_rotates_itself_without_an_overlap_ends(account_user: Person, world: World) -> None:
    assert not await closed(account_user, world)
    await done(account_user, "rotateApiKey", id=world["account_user_key"], overlapHours=0)
    assert await closed(account_user, world)


async def test_an_old_secret_in_its_overlap_ends_with_the_next_rotation(
    installation: Installation, account_user: Person, provider: Person, world: World
) -> None:
    given = {"id": world["account_user_key"], "overlapHours": 24}
    rotated = installation.holder((await provider.change("rotateApiKey", "token", **given))["token"])
    for person in (account_user, rotated):
        assert not await closed(person, world)
    await done(provider, "rotateApiKey", **given)
    assert await closed(account_user, world)
    assert not await closed(rotated, world)


async def test_a_deleted_provider_ends_its_keys(installation: Installation, admin: Person) -> None:
    made = await admin.change("createServiceProvider", "serviceProvider { id }", name="Short")
    id_ = made["serviceProvider"]["id"]
    key = await admin.change("createApiKey", "token", name="short", owner={"serviceProviderId": id_})
    holder = installation.holder(key["token"])
    assert (await holder.ask(WHO)).status == 200
    await done(admin, "deleteServiceProvider", id=id_, force=True)
    assert (await holder.ask(WHO)).status == 401


async def test_a_key_of_a_moved_account_outlives_the_former_provider(people: People, world: World) -> None:
    owner = {"accountId": world["own"]}
    made = await people["boss"].change("createApiKey", "token", name="Boss's own", owner=owner)
    key = people.installation.holder(made["token"])
    for account in ("own", "sibling"):
        where_to = {"id": world[account], "serviceProviderId": world["other_provider"]}
        await done(people["root"], "moveAccount", **where_to)
    assert not await closed(key, world)
    deleted = await people["root"].change("deleteServiceProvider", "deletedId", id=world["provider"], force=True)
    assert deleted["userErrors"] == []
    assert not await closed(key, world)


@pytest.mark.parametrize("end", ["deactivateUser", "deleteUser"])
async def test_a_key_ends_with_its_creator(people: People, world: World, end: str) -> None:
    made = await people["bob"].change("createApiKey", "token", name="Bob's own")
    key = people.installation.holder(made["token"])
    assert not await closed(key, world)
    await done(people["boss"], end, id=people.ids["bob"], force=True)
    assert await closed(key, world)


async def test_an_account_moved_to_a_suspended_provider_is_locked_out(
    people: People, account_user: Person, world: World
) -> None:
    async with people.installation.database():
        await ServiceProvider.filter(id=parse_sid(Kind.SERVICE_PROVIDER, world["other_provider"])).update(active=False)
    for person in (account_user, people["ann"]):
        assert not await closed(person, world)
    await done(people["root"], "moveAccount", id=world["own"], serviceProviderId=world["other_provider"])
    for person in (account_user, people["ann"]):
        assert await closed(person, world)


async def test_a_provider_no_longer_sees_an_account_that_moved_away(
    people: People, provider: Person, world: World
) -> None:
    query = "query ($id: ID!) { account(id: $id) { id } }"
    assert (await provider.ask(query, id=world["own"])).only("account") == {"id": world["own"]}
    await done(people["root"], "moveAccount", id=world["own"], serviceProviderId=world["other_provider"])
    assert (await provider.ask(query, id=world["own"])).only("account") is None


async def _key(people: People, world: World) -> tuple[str, str, dict[str, Any]]:
    return world["account_user_key"], "revokeApiKey", {"id": world["account_user_key"]}


async def _session(people: People, world: World) -> tuple[str, str, dict[str, Any]]:
    return people.sessions["ann"], "revokeSession", {"id": people.sessions["ann"]}


async def _key_of_bob(people: People, world: World) -> tuple[str, str, dict[str, Any]]:
    made = await people["bob"].change("createApiKey", "apiKey { id }", name="Bob's own")
    return made["apiKey"]["id"], "deactivateUser", {"id": people.ids["bob"], "force": True}


@pytest.mark.parametrize("of", [_key, _session, _key_of_bob])
async def test_a_signed_url_ends_with_its_caller(
    people: People, world: World, of: Callable[[People, World], Awaitable[tuple[str, str, dict[str, Any]]]]
) -> None:
    actor, mutation, given = await of(people, world)
    authentication = people.installation.app.state.server.state.authentication
    assert (await authentication.named(actor, "127.0.0.1")).scope.name == "ACCOUNT"
    await done(people["root"], mutation, **given)
    with pytest.raises(Exception, match="Send an API key"):
        await authentication.named(actor, "127.0.0.1")


async def test_a_new_session_is_valid_at_once(people: People, world: World) -> None:
    """Earlier revocations do not matter."""
    await people["ann"].ask("mutation { logout { loggedOut } }")
    entered = await people.login("ann")
    assert not await closed(people.installation.holder(entered["token"]), world)
    assert email_of("ann")
