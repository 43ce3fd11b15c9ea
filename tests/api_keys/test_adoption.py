"""Adoption: a key depends on the person who adopted it, and no longer on its former creator."""

import pytest

from app.audit.model import AuditEvent
from app.foundation.identifiers import Kind, parse_sid
from tests.support.installation import Installation, Person, World, refusals
from tests.support.personas import People, add_people

WHO = "{ viewer { permissions } }"
ADOPTED = "apiKey { id createdBy { scope userId apiKeyId } }"


@pytest.fixture
async def people(installation: Installation) -> People:
    return await add_people(installation, "ann", "bob", "edda", "boss", "root")


async def key_of(person: Person, level: str = "FULL", **given: object) -> tuple[str, str]:
    made = await person.change("createApiKey", "apiKey { id } token", name="Key", accessLevel=level, **given)
    return made["apiKey"]["id"], made["token"]


async def test_an_adopted_key_keeps_working_when_its_former_creator_goes(people: People) -> None:
    id_, token = await key_of(people["ann"])
    holder = people.installation.holder(token)
    assert (await holder.ask(WHO)).status == 200
    adopted = await people["bob"].change("adoptApiKey", ADOPTED, id=id_)
    creator = {"scope": "ACCOUNT", "userId": people.ids["bob"], "apiKeyId": None}
    assert adopted["apiKey"] == {"id": id_, "createdBy": creator}
    deleted = await people["bob"].change("deleteUser", "deletedId affectedApiKeyCount", id=people.ids["ann"])
    assert deleted == {"deletedId": people.ids["ann"], "affectedApiKeyCount": 0, "userErrors": []}
    assert (await holder.ask(WHO)).status == 200


async def test_adoption_gives_back_what_the_former_creator_lost(people: People) -> None:
    id_, token = await key_of(people["ann"], "READ_ONLY")
    holder = people.installation.holder(token)
    await people["root"].change("updateUser", "user { id }", id=people.ids["ann"], role="VIEWER", force=True)
    assert (await holder.ask(WHO)).only("viewer") == {"permissions": ["VIEW_CALLS"]}
    await people["bob"].change("adoptApiKey", ADOPTED, id=id_)
    granted = ["VIEW_CALLS", "LISTEN_TO_RECORDINGS", "VIEW_AUDIT_TRAIL"]
    assert (await holder.ask(WHO)).only("viewer") == {"permissions": granted}


async def test_nobody_adopts_a_key_with_more_permissions(people: People) -> None:
    id_, _ = await key_of(people["ann"])
    own = ["MANAGE_API_KEYS", "VIEW_CALLS"]
    await people["ann"].change("updateUser", "user { id }", id=people.ids["edda"], role="CUSTOM", permissions=own)
    assert refusals(await people["edda"].change("adoptApiKey", ADOPTED, id=id_)) == [("PERMISSION_MISSING", ["id"])]
    gateway, _ = await key_of(people["ann"], "GATEWAY")
    assert refusals(await people["edda"].change("adoptApiKey", ADOPTED, id=gateway)) == []


async def test_no_key_adopts_keys(people: People) -> None:
    id_, _ = await key_of(people["ann"])
    _, token = await key_of(people["bob"])
    document = "mutation ($id: ID!) { adoptApiKey(input: {id: $id}) { apiKey { id } } }"
    answer = await people.installation.holder(token).ask(document, id=id_)
    assert answer.errors[0]["extensions"]["requiredCaller"] == "USER"


async def test_keys_that_are_not_visible_are_not_found(people: People, world: World) -> None:
    for key in (world["sibling_user_key"], "AK" + "0" * 32, world["own"]):
        assert refusals(await people["ann"].change("adoptApiKey", ADOPTED, id=key)) == [("NOT_FOUND", ["id"])]


async def test_an_adoption_is_audited_once(people: People) -> None:
    id_, _ = await key_of(people["ann"])
    for _ in range(2):
        assert refusals(await people["bob"].change("adoptApiKey", ADOPTED, id=id_)) == []
    async with people.installation.database():
        (event,) = await AuditEvent.filter(operation="adoptApiKey")
    assert (event.object_id, event.user_id) == (parse_sid(Kind.API_KEY, id_), parse_sid(Kind.USER, people.ids["bob"]))
