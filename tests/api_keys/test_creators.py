"""What becomes of a key when the person who created it loses permissions, and when another person rotates it."""

from collections.abc import Sequence
from typing import Any

import pytest

from app.foundation.identifiers import Kind, parse_sid
from app.foundation.permissions import ALL, Role
from app.users.model import User
from tests.support.installation import Installation, Person, World
from tests.support.personas import People, add_people, become

KEY = "apiKey { id previousSecretExpiresAt } token"


@pytest.fixture
async def staff(installation: Installation) -> People:
    """A manager and an editor of the own account, who has all permissions by a list of their own."""
    people = await add_people(installation, "ann", "edda", "boss", "root")
    await become(people, "edda", *(one.name for one in ALL))
    return people


async def key_of(people: People, name: str, **settings: Any) -> tuple[str, Person]:
    """The id of a key that this person has created, and its holder."""
    made = await people[name].change("createApiKey", KEY, name="Program", **settings)
    return made["apiKey"]["id"], people.installation.holder(made["token"])


async def permissions(key: Person) -> Sequence[str] | None:
    """None if the key is rejected."""
    answer = await key.ask("{ viewer { permissions } }")
    return None if answer.codes == ["UNAUTHENTICATED"] else answer.only("viewer")["permissions"]


async def test_the_old_token_of_a_demoted_creator_ends_when_another_person_rotates_the_key(staff: People) -> None:
    key, old = await key_of(staff, "edda")
    await staff["ann"].change("updateUser", "__typename", id=staff.ids["edda"], role="VIEWER", force=True)
    assert await permissions(old) == ["VIEW_CALLS"]
    rotated = await staff["ann"].change("rotateApiKey", KEY, id=key, overlapHours=24)
    assert rotated["apiKey"]["previousSecretExpiresAt"] is None
    assert await permissions(old) is None


async def test_the_old_token_of_a_deactivated_creator_stays_rejected_when_another_person_rotates_the_key(
    staff: People,
) -> None:
    key, old = await key_of(staff, "edda")
    await staff["ann"].change("deactivateUser", "__typename", id=staff.ids["edda"], force=True)
    assert await permissions(old) is None
    await staff["ann"].change("rotateApiKey", KEY, id=key)
    assert await permissions(old) is None


async def test_the_old_token_of_a_creator_with_all_of_the_keys_permissions_stays_valid_when_another_person_rotates_it(
    staff: People,
) -> None:
    key, old = await key_of(staff, "edda", accessLevel="READ_ONLY")
    rotated = await staff["ann"].change("rotateApiKey", KEY, id=key)
    assert rotated["apiKey"]["previousSecretExpiresAt"] is not None
    assert await permissions(old) == ["VIEW_CALLS", "LISTEN_TO_RECORDINGS", "VIEW_AUDIT_TRAIL"]


async def test_the_old_token_stays_valid_when_a_person_rotates_a_key_of_their_own(staff: People) -> None:
    key, old = await key_of(staff, "edda")
    await staff["edda"].change("rotateApiKey", KEY, id=key)
    assert set(await permissions(old) or ()) == {one.name for one in ALL}


@pytest.mark.parametrize("mutation", ["updateApiKey", "revokeApiKey", "rotateApiKey"])
async def test_a_demoted_caller_changes_no_key_while_its_old_role_is_cached(
    staff: People, world: World, mutation: str
) -> None:
    ann = staff["ann"]
    await ann.ask("{ viewer { role } }")
    async with staff.installation.database():  # as another worker does
        await User.filter(id=parse_sid(Kind.USER, staff.ids["ann"])).update(role=Role.VIEWER)
    document = f"mutation ($id: ID!) {{ {mutation}(input: {{id: $id}}) {{ apiKey {{ status }} }} }}"
    assert (await ann.ask(document, id=world["account_user_key"])).codes == ["FORBIDDEN"]
    shown = await staff["root"].ask(
        "query ($id: ID!) { node(id: $id) { ... on ApiKey { status version } } }", id=world["account_user_key"]
    )
    assert shown.only("node") == {"status": "ACTIVE", "version": 1}


@pytest.mark.parametrize("more", [[], ["VIEW_CALLS"]])
async def test_every_key_that_acts_as_a_gateway_reports_a_whole_batch(
    staff: People, world: World, more: list[str]
) -> None:
    _, key = await key_of(staff, "ann", accessLevel="CUSTOM", permissions=[*more, "ACT_AS_GATEWAY"])
    call = {"accountId": world["own"], "from": "+1", "to": "+2", "trunk": "t"}
    answer = await key.ask(
        "mutation ($input: ReportCallsInput!) { reportCalls(input: $input) { acceptedCount } }",
        input={"calls": [{**call, "callId": f"c{number}"} for number in range(1_000)]},
    )
    assert answer.errors == []


async def test_a_key_that_is_left_with_act_as_gateway_alone_still_reads_settings(staff: People, world: World) -> None:
    _, key = await key_of(staff, "edda", accessLevel="CUSTOM", permissions=["VIEW_CALLS", "ACT_AS_GATEWAY"])
    await staff["ann"].change(
        "updateUser", "__typename", id=staff.ids["edda"], role="CUSTOM", permissions=[], force=True
    )
    assert await permissions(key) == ["ACT_AS_GATEWAY"]
    assert (await key.ask("query ($id: ID!) { account(id: $id) { name } }", id=world["own"])).codes == []
