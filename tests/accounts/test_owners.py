"""Owners of accounts: what they may do whatever their role, who transfers ownership, and how it ends."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from app.audit.model import AuditEvent
from app.foundation.identifiers import Kind, parse_sid
from app.foundation.permissions import ALL, in_order
from tests.support.installation import Installation, Person, World, refusals
from tests.support.personas import People, add_people, make_owner

OWNER = "account { owner { id } version }"
ALL_NAMES = [one.name for one in in_order(ALL)]
SECRET = "query ($id: ID!) { account(id: $id) { webhookSecret viewerCanUpdate } }"


@pytest.fixture
async def people(installation: Installation) -> People:
    """People of the own account, its provider and the installation; two of them see everything and change nothing."""
    return await add_people(installation, "ann", "bob", "vic", "sue", "fay", "boss", "vera", "rival", "root")


async def transfer(person: Person, account: str, owner: str, **more: Any) -> dict[str, Any]:
    return await person.change("transferAccountOwnership", OWNER, id=account, ownerId=owner, **more)


async def owner_of(admin: Person, account: str) -> Any:
    found = (await admin.ask("query ($id: ID!) { account(id: $id) { owner { id } } }", id=account)).only("account")
    return found["owner"] and found["owner"]["id"]


async def test_a_person_who_creates_an_account_owns_it(people: People, world: World) -> None:
    shown = "account { id owner { id } createdBy { scope apiKeyId userId } }"
    made = (await people["boss"].change("createAccount", shown, name="New"))["account"]
    boss = people.ids["boss"]
    assert made["owner"] == {"id": boss}
    assert made["createdBy"] == {"scope": "SERVICE_PROVIDER", "apiKeyId": None, "userId": boss}
    async with people.installation.database():
        event = await AuditEvent.get(operation="createAccount", object_id=parse_sid(Kind.ACCOUNT, made["id"]))
    assert event.after is not None
    assert event.after["ownerId"] == str(parse_sid(Kind.USER, boss))


async def test_an_account_that_a_key_creates_has_no_owner(provider: Person, world: World) -> None:
    shown = "account { owner { id } createdBy { scope apiKeyId userId } }"
    made = (await provider.change("createAccount", shown, name="New"))["account"]
    created_by = {"scope": "SERVICE_PROVIDER", "apiKeyId": world["provider_key"], "userId": None}
    assert made == {"owner": None, "createdBy": created_by}


async def test_users_of_the_account_do_not_see_which_person_of_the_provider_created_or_owns_it(people: People) -> None:
    made = (await people["boss"].change("createAccount", "account { id }", name="New"))["account"]["id"]
    new = {"name": "New", "email": "new@example.com", "role": "MANAGER", "owner": {"accountId": made}}
    user = (await people["boss"].change("createUser", "user { id }", **new))["user"]["id"]
    people.ids["new"] = user
    async with people.installation.database() as db:
        await db.execute_query("UPDATE users SET must_change_password = FALSE")
    answer = await (await people.session("new")).ask(
        "query ($id: ID!) { account(id: $id) { owner { id } createdBy { scope userId } } }", id=made
    )
    assert answer.only("account") == {"owner": None, "createdBy": {"scope": "SERVICE_PROVIDER", "userId": None}}


async def test_a_viewer_who_owns_their_account_has_all_permissions(people: People, world: World) -> None:
    await make_owner(people, "vic")
    vic = people["vic"]
    viewer = (await vic.ask("{ viewer { role permissions } }")).only("viewer")
    assert viewer == {"role": "VIEWER", "permissions": ALL_NAMES}
    shown = (await vic.ask(SECRET, id=world["own"])).only("account")
    assert shown["webhookSecret"] is not None
    assert shown["viewerCanUpdate"]
    assert refusals(await vic.change("updateUser", "__typename", id=people.ids["ann"], role="VIEWER")) == []
    made = await vic.change("createApiKey", "token", name="Vic's")
    key = people.installation.holder(made["token"])
    assert (await key.ask("{ viewer { permissions } }")).only("viewer") == {"permissions": ALL_NAMES}


async def test_a_provider_viewer_has_all_permissions_in_the_account_that_they_own(people: People, world: World) -> None:
    await make_owner(people, "vera")
    vera, id_ = people["vera"], world["own"]
    shown = (await vera.ask(SECRET, id=id_)).only("account")
    assert shown["webhookSecret"] is not None
    assert shown["viewerCanUpdate"]
    changed = await vera.change("updateAccount", "account { name webhookSecret }", id=id_, name="Mine")
    assert changed["account"]["name"] == "Mine"
    assert changed["account"]["webhookSecret"] is not None
    application = await vera.change("updateApplication", "application { name }", id=world["own_application"], name="A")
    assert application["application"] == {"name": "A"}
    config = await vera.change("updateRecordingConfig", "recordingConfig { enabled }", accountId=id_, enabled=False)
    assert config["recordingConfig"] == {"enabled": False}
    new = {"name": "New", "email": "new@example.com", "role": "MANAGER", "owner": {"accountId": id_}}
    assert refusals(await vera.change("createUser", "user { id }", **new)) == []
    assert refusals(await vera.change("revokeSession", "revokedId", id=people.sessions["ann"])) == []


async def test_elsewhere_a_provider_viewer_who_owns_an_account_is_a_viewer(people: People, world: World) -> None:
    await make_owner(people, "vera")
    vera = people["vera"]
    assert (await vera.ask("{ viewer { permissions } }")).only("viewer") == {"permissions": ["VIEW_CALLS"]}
    answer = await vera.ask(SECRET, id=world["sibling"])
    assert (answer.codes, answer.data["account"]) == (["FORBIDDEN"], {"webhookSecret": None, "viewerCanUpdate": False})
    assert answer.errors[0]["extensions"]["requiredPermissions"] == ["VIEW_SECRETS"]
    assert (await vera.ask("{ auditEvents { totalCount } }")).codes == ["FORBIDDEN"]
    new = {"name": "New", "email": "new@example.com", "role": "VIEWER"}
    for mutation, given in (
        ("updateAccount", {"id": world["sibling"], "name": "Mine"}),
        ("updateApplication", {"id": world["sibling_application"], "name": "Mine"}),
        ("updateRecordingConfig", {"accountId": world["sibling"], "enabled": False}),
        ("revokeApiKey", {"id": world["provider_key"]}),
        ("createApiKey", {"name": "Wide"}),
        ("createUser", new),
        ("createUser", {**new, "owner": {"accountId": world["sibling"]}}),
        ("deactivateUser", {"id": people.ids["boss"]}),
        ("createAccount", {"name": "Mine"}),
        ("updateServiceProvider", {"id": world["provider"], "name": "Mine"}),
    ):
        type_ = f"{mutation[0].upper()}{mutation[1:]}Input"
        document = f"mutation ($input: {type_}!) {{ {mutation}(input: $input) {{ __typename }} }}"
        assert (await vera.ask(document, input=given)).codes == ["FORBIDDEN"], (mutation, given)


async def test_a_list_shows_secrets_of_the_owned_account_only_with_one_error(people: People, world: World) -> None:
    await make_owner(people, "vera")
    answer = await people["vera"].ask(
        "{ accounts { nodes { id webhookSecret viewerCanUpdate ttsCache { viewerCanClear } } } }"
    )
    rows = {one.pop("id"): one for one in answer.data["accounts"]["nodes"]}
    assert rows[world["own"]].pop("webhookSecret") is not None
    assert rows[world["own"]] == {"viewerCanUpdate": True, "ttsCache": {"viewerCanClear": True}}
    sibling = {"webhookSecret": None, "viewerCanUpdate": False, "ttsCache": {"viewerCanClear": False}}
    assert rows[world["sibling"]] == sibling
    assert answer.codes == ["FORBIDDEN"]


async def test_the_payload_of_an_owners_mutation_shows_no_secret_of_another_account(
    people: People, world: World
) -> None:
    await make_owner(people, "vera")
    answer = await people["vera"].ask(
        'mutation ($id: ID!) { updateAccount(input: {id: $id, name: "Mine"}) { account { serviceProvider {'
        " accounts { nodes { id webhookSecret } } } } } }",
        id=world["own"],
    )
    nodes = answer.data["updateAccount"]["account"]["serviceProvider"]["accounts"]["nodes"]
    assert {one["id"]: one["webhookSecret"] is not None for one in nodes} == {
        world["own"]: True,
        world["sibling"]: False,
    }
    assert answer.codes == ["FORBIDDEN"]


async def test_node_finds_events_of_the_owned_account_only(people: People, world: World) -> None:
    await make_owner(people, "vera")
    document = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await people["vera"].ask(document, id=world["own_event"])).only("node") == {"id": world["own_event"]}
    assert (await people["vera"].ask(document, id=world["sibling_event"])).codes == ["FORBIDDEN"]
    both = [world["own_event"], world["sibling_event"]]
    answer = await people["vera"].ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=both)
    assert (answer.codes, answer.data["nodes"]) == (["FORBIDDEN"], [{"id": world["own_event"]}, None])


async def test_an_admin_who_is_a_viewer_owns_accounts_likewise(people: People, world: World) -> None:
    await make_owner(people, "root", "foreign")
    async with people.installation.database() as db:
        await db.execute_query("UPDATE users SET role = 'VIEWER' WHERE name = 'Root'")
    root = await people.session("root")
    changed = await root.change("updateAccount", "account { name }", id=world["foreign"], name="Mine")
    assert changed["account"] == {"name": "Mine"}
    answer = await root.ask(SECRET, id=world["own"])
    assert answer.codes == ["FORBIDDEN"]


async def test_a_key_of_the_owned_account_keeps_what_its_creator_has_there(people: People, world: World) -> None:
    await make_owner(people, "vera")
    made = await people["vera"].change("createApiKey", "token", name="Key", owner={"accountId": world["own"]})
    key, shown = people.installation.holder(made["token"]), "{ viewer { permissions } }"
    assert (await key.ask(shown)).only("viewer") == {"permissions": ALL_NAMES}
    assert refusals(await transfer(people["boss"], world["own"], people.ids["vic"])) == []
    assert (await key.ask(shown)).only("viewer") == {"permissions": ["VIEW_CALLS"]}


@pytest.mark.parametrize("caller", ["vic", "boss", "root"])
async def test_the_owner_managers_of_the_provider_and_admins_transfer_ownership(
    people: People, world: World, caller: str
) -> None:
    await make_owner(people, "vic")
    payload = await transfer(people[caller], world["own"], people.ids["ann"], ifVersion=1)
    assert payload["account"] == {"owner": {"id": people.ids["ann"]}, "version": 2}
    async with people.installation.database():
        event = await AuditEvent.get(operation="transferAccountOwnership")
    before, after = ({"ownerId": str(parse_sid(Kind.USER, people.ids[name]))} for name in ("vic", "ann"))
    assert (event.before, event.after) == (before, after)
    viewer = (await people["vic"].ask("{ viewer { permissions } }")).only("viewer")
    assert viewer == {"permissions": ["VIEW_CALLS"]}, "withdrawn at once"


async def test_a_provider_viewer_transfers_the_account_that_they_own_and_no_other(people: People, world: World) -> None:
    await make_owner(people, "vera")
    document = (
        "mutation ($input: TransferAccountOwnershipInput!) { transferAccountOwnership(input: $input) { __typename } }"
    )
    given = {"id": world["sibling"], "ownerId": people.ids["vera"]}
    assert (await people["vera"].ask(document, input=given)).codes == ["FORBIDDEN"]
    assert refusals(await transfer(people["vera"], world["own"], people.ids["boss"])) == []
    assert (await people["vera"].ask(SECRET, id=world["own"])).codes == ["FORBIDDEN"], "withdrawn at once"


async def test_a_manager_of_the_account_who_is_not_its_owner_transfers_nothing(people: People, world: World) -> None:
    await make_owner(people, "vic")
    refused = [("PERMISSION_MISSING", ["id"])]
    assert refusals(await transfer(people["ann"], world["own"], people.ids["ann"])) == refused
    assert await owner_of(people["root"], world["own"]) == people.ids["vic"]


async def test_a_caller_of_the_provider_without_every_permission_transfers_nothing(
    people: People, world: World
) -> None:
    async with people.installation.database() as db:
        await db.execute_query(
            "UPDATE users SET role = 'CUSTOM', permissions = '[\"MANAGE_USERS\"]' WHERE name IN ('Vera', 'Root')"
        )
    for name in ("vera", "root"):
        payload = await transfer(await people.session(name), world["own"], people.ids[name])
        assert refusals(payload) == [("PERMISSION_MISSING", ["id"])]


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("vic", []),
        ("vera", []),
        ("root", []),
        ("sue", [("INVALID", ["ownerId"])]),
        ("rival", [("INVALID", ["ownerId"])]),
    ],
)
async def test_a_user_of_the_account_its_provider_or_the_installation_may_own_it(
    people: People, world: World, name: str, refused: list[Any]
) -> None:
    assert refusals(await transfer(people["root"], world["own"], people.ids[name])) == refused


async def test_an_inactive_or_invisible_user_becomes_no_owner(people: People, world: World) -> None:
    await people["boss"].change("deactivateUser", "__typename", id=people.ids["vic"])
    payload = await transfer(people["boss"], world["own"], people.ids["vic"], ifVersion=7)
    assert refusals(payload) == [("CONFLICT", ["ifVersion"]), ("INVALID", ["ownerId"])]
    for name in ("root", "rival"):
        assert refusals(await transfer(people["boss"], world["own"], people.ids[name])) == [("NOT_FOUND", ["ownerId"])]
    assert refusals(await transfer(people["boss"], world["foreign"], people.ids["boss"])) == [("NOT_FOUND", ["id"])]


async def test_the_button_for_a_transfer_is_shown_to_whoever_may_transfer(people: People, world: World) -> None:
    await make_owner(people, "vic")
    document = "query ($id: ID!) { account(id: $id) { viewerCanTransferOwnership } }"
    shown = {
        name: (await people[name].ask(document, id=world["own"])).only("account")["viewerCanTransferOwnership"]
        for name in ("vic", "ann", "vera", "boss", "root")
    }
    assert shown == {"vic": True, "ann": False, "vera": False, "boss": True, "root": True}


async def test_an_owner_counts_as_a_manager_when_others_change_them(people: People, world: World) -> None:
    await make_owner(people, "vic")
    async with people.installation.database() as db:
        await db.execute_query(
            "UPDATE users SET role = 'CUSTOM', permissions = '[\"MANAGE_USERS\", \"VIEW_CALLS\"]' WHERE name = 'Bob'"
        )
    keeper = await people.session("bob")
    for mutation, given in (
        ("deactivateUser", {}),
        ("resetPassword", {}),
        ("deleteUser", {}),
        ("updateUser", {"name": "Renamed"}),
    ):
        payload = await keeper.change(mutation, "__typename", id=people.ids["vic"], **given)
        assert refusals(payload) == [("PERMISSION_MISSING", ["id"])], mutation
    payload = await keeper.change("revokeSession", "revokedId", id=people.sessions["vic"])
    assert refusals(payload) == [("PERMISSION_MISSING", ["id"])]


async def test_a_new_role_lowers_nothing_of_an_owner_in_the_account(people: People, world: World) -> None:
    await make_owner(people, "bob")
    assert refusals(await people["ann"].change("updateUser", "__typename", id=people.ids["bob"], role="VIEWER")) == []
    assert (await people["bob"].ask("{ viewer { permissions } }")).only("viewer") == {"permissions": ALL_NAMES}


async def test_an_owner_is_deactivated_like_anybody(people: People, world: World) -> None:
    await make_owner(people, "vic")
    assert refusals(await people["ann"].change("deactivateUser", "__typename", id=people.ids["vic"])) == []
    assert (await people["vic"].ask("{ viewer { scope } }")).codes == ["UNAUTHENTICATED"]
    assert await owner_of(people["root"], world["own"]) == people.ids["vic"]


async def test_a_user_is_deleted_only_after_their_accounts_have_another_owner(people: People, world: World) -> None:
    await make_owner(people, "vera")
    await make_owner(people, "vera", "sibling")
    boss, id_ = people["boss"], people.ids["vera"]
    selection = "deletedId ownedAccounts { id name }"
    refused = await boss.change("deleteUser", selection, id=id_)
    assert refusals(refused) == [("IN_USE", ["id"])]
    assert refused["userErrors"][0]["message"].startswith("The user owns accounts (2).")
    assert refused["ownedAccounts"] == [
        {"id": world["own"], "name": "Own customer"},
        {"id": world["sibling"], "name": "Sibling customer"},
    ]
    for place in ("own", "sibling"):
        await transfer(boss, world[place], people.ids["boss"])
    deleted = await boss.change("deleteUser", selection, id=id_)
    assert deleted == {"deletedId": id_, "ownedAccounts": [], "userErrors": []}


async def test_an_owner_is_never_deleted_while_ownership_is_transferred_to_them(people: People, world: World) -> None:
    deleted, transferred = await asyncio.gather(
        people["boss"].change("deleteUser", "deletedId", id=people.ids["vic"]),
        transfer(people["root"], world["own"], people.ids["vic"]),
    )
    outcomes = ([code for code, _ in refusals(deleted)], [code for code, _ in refusals(transferred)])
    assert outcomes in ((["IN_USE"], []), ([], ["NOT_FOUND"]))


@pytest.mark.parametrize(("name", "is_removed"), [("vera", True), ("vic", False), ("root", False)])
async def test_an_owner_of_the_old_provider_ceases_to_be_the_owner(
    people: People, world: World, name: str, is_removed: bool
) -> None:
    await make_owner(people, name)
    moved = await people["root"].change(
        "moveAccount",
        "ownerRemoved account { owner { id } }",
        id=world["own"],
        serviceProviderId=world["other_provider"],
    )
    kept = None if is_removed else {"id": people.ids[name]}
    assert (moved["ownerRemoved"], moved["account"]["owner"]) == (is_removed, kept)
    document = '{ auditEvents(filter: {operation: "moveAccount"}) { nodes { changes { field before after } } } }'
    for caller in ("boss", "rival"):
        (event,) = (await people[caller].ask(document)).only("auditEvents")["nodes"]
        changes = {one["field"]: (one["before"], one["after"]) for one in event["changes"]}
        expected = (f'"{people.ids[name]}"', "null") if is_removed else None
        assert changes.get("owner") == expected
    again = {"id": world["own"], "serviceProviderId": world["other_provider"]}
    assert (await people["root"].change("moveAccount", "ownerRemoved", **again))["ownerRemoved"] is False


async def test_moving_an_account_to_its_own_provider_keeps_the_owner(people: People, world: World) -> None:
    await make_owner(people, "vera")
    moved = await people["root"].change(
        "moveAccount", "ownerRemoved", id=world["own"], serviceProviderId=world["provider"]
    )
    assert moved["ownerRemoved"] is False
    assert await owner_of(people["root"], world["own"]) == people.ids["vera"]


async def test_an_account_is_deleted_together_with_the_user_who_owns_it(people: People, world: World) -> None:
    await make_owner(people, "vic")
    deleted = await people["boss"].change("deleteAccount", "deletedId", id=world["own"], force=True)
    assert deleted == {"deletedId": world["own"], "userErrors": []}


async def test_an_owner_from_the_provider_deletes_the_account(people: People, world: World) -> None:
    await make_owner(people, "vera")
    deleted = await people["vera"].change("deleteAccount", "deletedId", id=world["own"], force=True)
    assert deleted["deletedId"] == world["own"]


async def test_a_person_lists_the_accounts_that_they_own(people: People, world: World) -> None:
    await make_owner(people, "vera")
    await make_owner(people, "vera", "sibling")
    document = "{ viewer { ownedAccounts(first: 1) { totalCount nodes { id } pageInfo { hasNextPage } } } }"
    page = (await people["vera"].ask(document)).only("viewer")["ownedAccounts"]
    assert page == {"totalCount": 2, "nodes": [{"id": world["sibling"]}], "pageInfo": {"hasNextPage": True}}
    of_key = (await people.installation.person("provider").ask(document)).only("viewer")["ownedAccounts"]
    assert of_key["totalCount"] == 0
    listed = await people["root"].ask(
        "query ($id: ID!) { accounts(filter: {ownerId: $id}) { nodes { id } } }", id=people.ids["vera"]
    )
    assert listed.only("accounts")["nodes"] == [{"id": world["own"]}, {"id": world["sibling"]}]


async def test_an_ownership_that_another_worker_ends_is_gone_within_5_seconds(
    people: People, world: World, wait: Callable[[float], None]
) -> None:
    await make_owner(people, "vera")
    vera = people["vera"]
    assert (await vera.ask(SECRET, id=world["own"])).codes == []
    await make_owner(people, "boss")
    wait(4.01)
    assert (await vera.ask(SECRET, id=world["own"])).codes == ["FORBIDDEN"]


async def test_a_caller_whose_ownership_ended_grants_nothing_while_the_cache_knows_it(
    people: People, world: World
) -> None:
    await make_owner(people, "vera")
    vera = people["vera"]
    await vera.ask("{ viewer { role } }")
    await make_owner(people, "boss")  # as another worker does
    answer = await vera.ask(
        'mutation ($id: ID!) { createApiKey(input: {name: "Late", owner: {accountId: $id}}) { token } }',
        id=world["own"],
    )
    assert (answer.codes, answer.data) == (["FORBIDDEN"], {"createApiKey": None})
