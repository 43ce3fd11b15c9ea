"""Who acted and on what, by name: in the audit trail, in `updatedBy`, and in conflicts of versions."""

from typing import Any

import pytest

from app.audit.secret_reads import SecretReads
from tests.support.installation import Installation, Person, World, refusals
from tests.support.personas import People, add_people
from tests.support.statements import plan, recorded

EVENTS = """query ($filter: AuditEventFilter) { auditEvents(first: 100, filter: $filter) { totalCount nodes {
    operation actor { scope apiKeyId userId name } objectId objectName
} } }"""
UPDATED_BY = "updatedBy { scope apiKeyId userId name }"
BOB_WROTE = {"scope": "ACCOUNT", "apiKeyId": None, "name": "Bob"}


@pytest.fixture
async def people(installation: Installation) -> People:
    return await add_people(installation)


async def events(person: Person, **filter: Any) -> list[dict[str, Any]]:
    """The visible events of requests, newest first."""
    found: list[dict[str, Any]] = (await person.ask(EVENTS, filter=filter)).only("auditEvents")["nodes"]
    return [event for event in found if event["operation"] != "server"]


async def rename(person: Person, id: str, name: str, **more: Any) -> Any:
    return await person.change("updateAccount", "account { version } userErrors { message }", id=id, name=name, **more)


async def test_an_event_keeps_the_names_of_its_actor_and_its_object(people: People, world: World) -> None:
    ann, root = people["ann"], people["root"]
    await rename(ann, world["own"], "First")
    await root.change("updateUser", "user { id }", id=people.ids["ann"], name="Anna")
    await rename(await people.session("ann"), world["own"], "Second")  # the first session is cached for seconds
    await root.change("deleteAccount", "deletedId", id=world["own"], force=True)
    shown = [(event["operation"], event["actor"]["name"], event["objectName"]) for event in await events(root)]
    assert shown == [
        ("deleteAccount", "Root", "Second"),
        ("updateAccount", "Anna", "Second"),
        ("updateUser", "Root", "Anna"),
        ("updateAccount", "Ann", "First"),
    ]


async def test_an_event_of_a_key_has_the_keys_name(admin: Person, account_user: Person, world: World) -> None:
    await rename(account_user, world["own"], "Renamed")
    await admin.change("revokeApiKey", "apiKey { id }", id=world["account_user_key"])
    revoked, renamed = await events(admin)
    assert renamed["actor"]["name"] == revoked["objectName"] != ""


async def test_an_object_without_a_name_has_none_in_its_events(admin: Person, world: World) -> None:
    await admin.change("updateRecordingConfig", "recordingConfig { id }", accountId=world["foreign"], enabled=False)
    await admin.change("removeRecordingConfig", "__typename", accountId=world["foreign"])
    assert {event["objectName"] for event in await events(admin)} == {None}


async def test_logins_failed_logins_and_reads_of_secrets_are_named(
    installation: Installation, people: People, world: World
) -> None:
    await people.login("ann")
    await people.login("ann", "wrong")
    await people["bob"].ask("query ($id: ID!) { account(id: $id) { webhookSecret } }", id=world["own"])
    async with installation.database():
        await installation.resources.clients[SecretReads].flush()
    shown = {(one["operation"], one["actor"]["name"], one["objectName"]) for one in await events(people["root"])}
    assert shown == {
        ("login", "Ann", "Ann"),
        ("login", None, "Ann"),
        ("read webhookSecret", "Bob", "Own customer"),
    }


async def test_commands_have_no_actor(people: People) -> None:
    answer = await people["root"].ask(EVENTS, filter={"operation": "server"})
    assert {event["actor"]["name"] for event in answer.only("auditEvents")["nodes"]} == {None}


async def test_an_actor_of_a_wider_scope_has_no_name(people: People, world: World) -> None:
    await rename(people["boss"], world["own"], "Renamed")
    hidden = {"scope": "SERVICE_PROVIDER", "apiKeyId": None, "userId": None, "name": None}
    (event,) = await events(people["ann"])
    assert event["actor"] == hidden
    query = f"query ($id: ID!) {{ account(id: $id) {{ {UPDATED_BY} }} }}"
    assert (await people["ann"].ask(query, id=world["own"])).only("account")["updatedBy"] == hidden
    assert (await people["root"].ask(query, id=world["own"])).only("account")["updatedBy"]["name"] == "Boss"


async def test_events_are_filtered_by_actor(people: People, account_user: Person, world: World) -> None:
    await rename(people["ann"], world["own"], "Of Ann")
    await rename(people["bob"], world["own"], "Of Bob")
    await rename(account_user, world["own"], "Of a key")
    for actor, expected in (
        (people.ids["ann"], ["Of Ann"]),
        (world["account_user_key"], ["Of a key"]),
        (people.ids["sue"], []),
        (world["own"], []),
        ("nonsense", []),
    ):
        for person in (people["root"], people["boss"], people["ann"]):
            assert [event["objectName"] for event in await events(person, actorId=actor)] == expected


async def test_the_filter_by_actor_does_not_disclose_an_actor_of_a_wider_scope(people: People, world: World) -> None:
    await rename(people["boss"], world["own"], "Renamed")
    assert len(await events(people["ann"])) == 1
    assert await events(people["ann"], actorId=people.ids["boss"]) == []
    assert len(await events(people["root"], actorId=people.ids["boss"])) == 1


async def test_operations_are_excluded(people: People, world: World) -> None:
    root = people["root"]
    await rename(root, world["own"], "Renamed")
    await root.change("setAccountActive", "account { id }", id=world["foreign"], active=False)
    await root.change("rotateWebhookSecret", "account { id }", id=world["own"])

    async def operations(*excluded: str) -> list[str]:
        return [event["operation"] for event in await events(root, excludeOperations=list(excluded))]

    assert await operations("updateAccount") == ["rotateWebhookSecret", "setAccountActive"]
    assert await operations("updateAccount", "setAccountActive", "x" * 100, "\0") == ["rotateWebhookSecret"]
    assert len(await operations()) == 3
    answer = await root.ask(EVENTS, filter={"excludeOperations": ["x"] * 21})
    assert answer.codes == ["BAD_USER_INPUT"]
    assert "at most 20" in answer.errors[0]["message"]


async def test_the_filter_by_actor_uses_an_index_for_each_kind(people: People) -> None:
    with recorded() as statements:
        await events(people["root"], actorId=people.ids["ann"])
    (listed,) = [one for one in statements if 'FROM "audit_events"' in one[0] and "COUNT" not in one[0]]
    async with people.installation.database() as connection:
        await connection.execute_query("SET enable_seqscan = off")
        await connection.execute_query("SET enable_indexscan = off")
        walked = await plan(connection, listed)
    assert {"audit_events_of_key", "audit_events_of_user"} <= set(walked.split())


CREATED: list[tuple[str, str, dict[str, Any]]] = [
    ("createServiceProvider", "serviceProvider", {"name": "Third Voice"}),
    ("createAccount", "account", {"name": "New", "serviceProviderId": "provider"}),
    ("createApiKey", "apiKey", {"name": "New", "owner": {"installation": True}}),
    ("createUser", "user", {"email": "new@example.com", "name": "New", "role": "VIEWER"}),
    (
        "createApplication",
        "application",
        {"name": "New", "accountId": "own", "callingWebhook": {"url": "https://a.example.com"}},
    ),
    ("updateRecordingConfig", "recordingConfig", {"accountId": "empty"}),
]


@pytest.mark.parametrize(("mutation", "shown", "given"), CREATED, ids=[mutation for mutation, *_ in CREATED])
async def test_who_creates_an_object_has_updated_it(
    people: People, world: World, mutation: str, shown: str, given: dict[str, Any]
) -> None:
    root = people["root"]
    made = await root.change("createAccount", "account { id }", name="Empty", serviceProviderId=world["provider"])
    ids = {**world.ids, "empty": made["account"]["id"]}
    values = {name: ids.get(value, value) if isinstance(value, str) else value for name, value in given.items()}
    payload = await root.change(mutation, f"{shown} {{ {UPDATED_BY} }}", **values)
    by = {"scope": "ADMIN", "apiKeyId": None, "userId": people.ids["root"], "name": "Root"}
    assert payload[shown]["updatedBy"] == by


async def test_the_last_change_names_its_actor_also_after_they_are_deleted(people: People, world: World) -> None:
    query = f"query ($id: ID!) {{ account(id: $id) {{ {UPDATED_BY} }} }}"
    await rename(people["ann"], world["own"], "Of Ann")
    await rename(people["bob"], world["own"], "Of Bob")
    await rename(people["ann"], world["own"], "Of Bob")  # changes nothing
    await people["root"].change("deleteUser", "deletedId", id=people.ids["bob"])
    by = (await people["ann"].ask(query, id=world["own"])).only("account")["updatedBy"]
    assert by == {**BOB_WROTE, "userId": people.ids["bob"]}


async def test_a_page_with_actors_takes_one_statement(people: People) -> None:
    await people["root"].ask("{ viewer { scope } }")  # fills the authentication cache
    with recorded() as statements:
        answer = await people["root"].ask(f"{{ accounts(first: 100) {{ nodes {{ {UPDATED_BY} }} }} }}")
    assert len(answer.only("accounts")["nodes"]) > 1
    assert len(statements) == 1


async def conflict(person: Person, id: str, version: int, **given: Any) -> dict[str, Any]:
    """The CONFLICT of an update, with its arguments by name."""
    selection = "userErrors { code rule field message arguments { name value } }"
    (error,) = (await person.change("updateAccount", selection, id=id, ifVersion=version, **given))["userErrors"]
    assert (error["code"], error["rule"], error["field"]) == ("CONFLICT", "VERSION_CHANGED", ["ifVersion"])
    return {"message": error["message"], **{one["name"]: one["value"] for one in error["arguments"]}}


async def test_a_conflict_says_who_changed_which_fields_and_when(people: People, world: World) -> None:
    own, read = world["own"], "query ($id: ID!) { account(id: $id) { updatedAt } }"
    await rename(people["bob"], own, "Of Bob")
    await people["bob"].change("updateAccount", "account { id }", id=own, name="Again", sipRealm="b.example.com")
    await people["bob"].ask("query ($id: ID!) { account(id: $id) { webhookSecret } }", id=own)
    at = (await people["ann"].ask(read, id=own)).only("account")["updatedAt"]
    found = await conflict(people["ann"], own, 2, name="Of Ann")
    minute = at[:16].replace("T", " ")
    assert found == {
        "message": f"The account has changed since version 2 (name, sipRealm), last by Bob on {minute} UTC; load it again.",
        "object": "account",
        "version": "2",
        "changedBy": "Bob",
        "changedAt": f"{at[:19]}+00:00",
        "fields": "name, sipRealm",
    }
    # The earlier changes are older than version 3, and a form sends what it did not change.
    await rename(people["bob"], own, "Third", sipRealm="b.example.com")
    assert (await conflict(people["ann"], own, 3, name="x"))["fields"] == "name"


async def test_a_conflict_names_of_a_wider_scope_the_scope_alone(people: People, world: World) -> None:
    await rename(people["boss"], world["own"], "Renamed")
    found = await conflict(people["ann"], world["own"], 1, name="Of Ann")
    assert found["changedBy"] == "a caller of the scope SERVICE_PROVIDER"
    assert "Boss" not in found["message"]


async def test_a_conflict_names_no_field_that_the_caller_may_not_read(people: People, world: World) -> None:
    await people["root"].change("updateAccount", "account { id }", id=world["own"], licensedSessions=77)
    found = await conflict(people["ann"], world["own"], 1, name="Of Ann")
    assert found["fields"] == ""
    assert "last by a caller of the scope ADMIN on" in found["message"]
    assert (await conflict(people["root"], world["own"], 1, name="x"))["fields"] == "licensedSessions"


async def test_a_removed_configuration_is_a_conflict(people: People, world: World) -> None:
    payload = await people["root"].change(
        "updateRecordingConfig", "recordingConfig { id }", accountId=world["foreign"], ifVersion=4, enabled=False
    )
    assert refusals(payload) == [("CONFLICT", ["ifVersion"])]
    await people["root"].change("removeRecordingConfig", "__typename", accountId=world["own"])
    payload = await people["root"].change(
        "updateRecordingConfig", "userErrors { message }", accountId=world["own"], ifVersion=1, enabled=False
    )
    (error,) = payload["userErrors"]
    assert error["message"] == "The recording configuration of version 1 has been removed; load it again."
