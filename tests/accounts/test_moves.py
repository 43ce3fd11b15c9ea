"""Moving an account to another service provider changes one column, and who sees all its contents."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from app.accounts.model import Account
from app.foundation.identifiers import Kind, new_id, parse_sid, sid_of
from tests.server.test_revocation_delay import WHO
from tests.support.catalogue import contents
from tests.support.installation import Installation, Person, World, refusals
from tests.support.personas import People, add_people
from tests.support.statements import recorded
from tests.support.waiting import until

SHOWN = "account { id name version serviceProvider { id } }"
SEEN = (
    "query ($account: ID!, $key: ID!, $recording: ID!) { account(id: $account) { id }"
    " key: node(id: $key) { id } recording: node(id: $recording) { id } }"
)


async def move(admin: Person, account: str, provider: str, **given: Any) -> dict[str, Any]:
    return await admin.change("moveAccount", SHOWN, id=account, serviceProviderId=provider, **given)


async def seen(person: Person, world: World) -> list[bool]:
    ids = {"account": world["own"], "key": world["account_user_key"], "recording": world["own_recording"]}
    return [found is not None for found in (await person.ask(SEEN, **ids)).data.values()]


async def test_the_contents_of_an_account_become_visible_to_the_new_provider_only(
    admin: Person, provider: Person, other_provider: Person, world: World
) -> None:
    assert (await seen(provider, world), await seen(other_provider, world)) == ([True] * 3, [False] * 3)
    payload = await move(admin, world["own"], world["other_provider"], ifVersion=1)
    assert payload["account"]["serviceProvider"] == {"id": world["other_provider"]}
    assert payload["account"]["version"] == 2
    assert (await seen(provider, world), await seen(other_provider, world)) == ([False] * 3, [True] * 3)
    renamed = await other_provider.change("updateAccount", "account { name }", id=world["own"], name="Ours now")
    assert renamed["account"] == {"name": "Ours now"}
    for mutation, given in (
        ("updateAccount", {"id": world["own"], "name": "Still mine"}),
        ("updateRecordingConfig", {"accountId": world["own"], "enabled": False}),
        ("revokeApiKey", {"id": world["account_user_key"]}),
    ):
        assert [code for code, _ in refusals(await provider.change(mutation, "__typename", **given))] == ["NOT_FOUND"]


async def test_a_move_revokes_no_key_and_ends_no_session(
    admin: Person, account_user: Person, read_only: Person, world: World, wait: Callable[[float], None]
) -> None:
    await move(admin, world["own"], world["other_provider"])
    wait(4.01)
    for person in (account_user, read_only):
        assert (await person.ask(WHO)).status == 200
        answer = await person.ask("{ viewer { account { id } } }")
        assert answer.only("viewer") == {"account": {"id": world["own"]}}


async def test_a_move_changes_only_the_provider_of_the_account(
    installation: Installation, admin: Person, world: World
) -> None:
    async with installation.database() as connection:
        before = await contents(connection)
        await move(admin, world["own"], world["other_provider"])
        after = await contents(connection)
    changed = {
        (table, column)
        for table in before.keys() - {"audit_events"}
        for old, new in zip(before[table], after[table], strict=True)
        for column in old
        if old[column] != new[column] and not column.endswith("last_used_at")
    }
    providers = {("accounts", "service_provider_id"), ("call_accounts", "service_provider_id")}
    last_change = ("version", "updated_at", "updated_by_key_id", "updated_by_name")
    assert changed == providers | {("accounts", name) for name in last_change}


async def test_moving_to_the_current_provider_changes_nothing(admin: Person, world: World) -> None:
    for version in (None, 1):
        payload = await move(admin, world["own"], world["provider"], ifVersion=version)
        assert (payload["account"]["version"], payload["userErrors"]) == (1, [])


async def test_an_unknown_provider_or_account_is_an_error_of_its_field(admin: Person, world: World) -> None:
    for unknown in (sid_of(Kind.SERVICE_PROVIDER, new_id()), "SP", "\0", world["own"]):
        assert refusals(await move(admin, world["own"], unknown)) == [("NOT_FOUND", ["serviceProviderId"])]
        payload = await move(admin, world["own"], unknown, ifVersion=4)
        assert refusals(payload) == [("CONFLICT", ["ifVersion"]), ("NOT_FOUND", ["serviceProviderId"])]
    for nothing in (sid_of(Kind.ACCOUNT, new_id()), "AC", "\0", world["provider"]):
        assert refusals(await move(admin, nothing, world["other_provider"])) == [("NOT_FOUND", ["id"])]


async def test_a_name_taken_at_the_new_provider_prevents_the_move(
    admin: Person, other_provider: Person, world: World
) -> None:
    await other_provider.change("createAccount", "account { id }", name="OWN ｃustomer")
    payload = await move(admin, world["own"], world["other_provider"])
    assert refusals(payload) == [("NAME_TAKEN", ["serviceProviderId"])]
    message = "That service provider already has an account named “Own customer”. Rename one of them first."
    assert payload["userErrors"][0]["message"] == message
    found = await admin.ask("query ($id: ID!) { account(id: $id) { serviceProvider { id } version } }", id=world["own"])
    assert found.only("account") == {"serviceProvider": {"id": world["provider"]}, "version": 1}


@pytest.mark.parametrize("person", ["provider", "account_user"])
async def test_only_an_admin_moves_an_account(installation: Installation, world: World, person: str) -> None:
    asker = installation.person(person)
    answer = await asker.ask(
        "mutation ($i: MoveAccountInput!) { moveAccount(input: $i) { account { id } } }",
        i={"id": world["own"], "serviceProviderId": world["other_provider"]},
    )
    assert (answer.codes, answer.data) == (["FORBIDDEN"], {"moveAccount": None})
    shown = await asker.ask("query ($id: ID!) { account(id: $id) { viewerCanMove } }", id=world["own"])
    assert shown.only("account") == {"viewerCanMove": False}


async def test_concurrent_moves_each_return_their_own_result(admin: Person, world: World) -> None:
    goals = [world["provider"], world["other_provider"]] * 5
    payloads = await asyncio.gather(*(move(admin, world["own"], goal) for goal in goals))
    for goal, payload in zip(goals, payloads, strict=True):
        if payload["account"]:
            assert payload["account"]["serviceProvider"] == {"id": goal}
        else:
            assert refusals(payload) == [("CONFLICT", ["ifVersion"])], goal
    by_version = await asyncio.gather(
        *(move(admin, world["foreign"], world["provider"], ifVersion=1) for _ in range(2)),
        admin.change("updateAccount", SHOWN, id=world["foreign"], name="Renamed", ifVersion=1),
    )
    assert sorted(refusals(payload) for payload in by_version) == [[], *[[("CONFLICT", ["ifVersion"])]] * 2]


async def test_of_a_concurrent_move_and_rename_to_one_name_one_succeeds(
    admin: Person, other_provider: Person, world: World
) -> None:
    moved, renamed = await asyncio.gather(
        move(admin, world["own"], world["other_provider"]),
        other_provider.change("updateAccount", SHOWN, id=world["foreign"], name="own CUSTOMER"),
    )
    assert sorted([refusals(moved), refusals(renamed)]) in (
        [[], [("NAME_TAKEN", ["name"])]],
        [[], [("NAME_TAKEN", ["serviceProviderId"])]],
    )


async def test_a_move_to_a_provider_during_its_deletion_fails_or_prevents_the_deletion(
    admin: Person, world: World
) -> None:
    for number in range(6):
        goal = (await admin.change("createServiceProvider", "serviceProvider { id }", name=f"Goal {number}"))[
            "serviceProvider"
        ]["id"]
        moved, gone = await asyncio.gather(
            move(admin, world["own"], goal), admin.change("deleteServiceProvider", "deletedId", id=goal)
        )
        if gone["deletedId"]:
            assert refusals(moved) == [("NOT_FOUND", ["serviceProviderId"])]
        else:
            assert (refusals(gone), refusals(moved)) == ([("IN_USE", ["id"])], [])


async def test_a_move_takes_a_constant_number_of_statements(admin: Person, world: World) -> None:
    await admin.ask(WHO)
    with recorded() as statements:
        payload = await admin.change(
            "moveAccount", "account { id }", id=world["own"], serviceProviderId=world["other_provider"]
        )
    assert payload["account"]
    assert [text.split()[0] for text, _ in statements] == ["SELECT", "SELECT", "SELECT", "WITH"]


async def test_an_account_that_moves_away_during_its_deletion_is_not_deleted(
    installation: Installation, provider: Person, world: World
) -> None:
    """Visibility is checked with the lock held; before it, the account was still the caller's."""
    own, there = parse_sid(Kind.ACCOUNT, world["own"]), parse_sid(Kind.SERVICE_PROVIDER, world["other_provider"])
    connection = await asyncpg.connect(installation.settings.database_url)
    try:
        async with connection.transaction():
            await connection.execute("UPDATE accounts SET service_provider_id = $1 WHERE id = $2", there, own)
            asked = asyncio.create_task(provider.change("deleteAccount", "deletedId", id=world["own"], force=True))
            await until(lambda: connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    finally:
        await connection.close()
    payload = await asked
    assert (payload["deletedId"], refusals(payload)) == (None, [("NOT_FOUND", ["id"])])
    async with installation.database():
        assert await Account.exists(id=own)


PERMISSIONS = "{ viewer { permissions } }"


@pytest.fixture
async def staff(installation: Installation) -> People:
    return await add_people(installation, "boss", "root")


async def key_of_boss(staff: People, world: World) -> tuple[str, Person]:
    """The id of a key that a person of the provider has created for the account, and its holder."""
    made = await staff["boss"].change(
        "createApiKey", "apiKey { id } token", name="K", owner={"accountId": world["own"]}
    )
    return made["apiKey"]["id"], staff.installation.holder(made["token"])


async def test_a_person_of_the_former_provider_gains_nothing_in_a_moved_account(
    staff: People, world: World, admin: Person, provider: Person
) -> None:
    id_, key = await key_of_boss(staff, world)
    await staff["root"].change("updateUser", "__typename", id=staff.ids["boss"], role="VIEWER")
    await move(admin, world["own"], world["other_provider"])
    for _ in range(2):
        assert (await key.ask(PERMISSIONS)).only("viewer") == {"permissions": ["VIEW_CALLS"]}
        await provider.change("updateUser", "__typename", id=staff.ids["boss"], role="MANAGER")
    shown = "query ($id: ID!) { node(id: $id) { ... on ApiKey { accessLevel permissions createdBy { userId } } } }"
    expected = {"accessLevel": "CUSTOM", "permissions": ["VIEW_CALLS"], "createdBy": None}
    assert (await admin.ask(shown, id=id_)).only("node") == expected
    events = "query ($id: ID!) { auditEvents(filter: {objectId: $id}) { nodes { operation changes { field after } } } }"
    moved = (await admin.ask(events, id=id_)).only("auditEvents")["nodes"][0]
    assert (moved["operation"], [one["field"] for one in moved["changes"]]) == (
        "moveAccount",
        ["accessLevel", "permissions"],
    )


async def test_a_key_of_a_person_of_the_former_provider_outlives_that_provider(
    staff: People, world: World, admin: Person
) -> None:
    _, key = await key_of_boss(staff, world)
    before = (await key.ask(PERMISSIONS)).only("viewer")
    await move(admin, world["own"], world["other_provider"])
    await admin.change("setServiceProviderActive", "__typename", id=world["provider"], active=False)
    assert (await staff["boss"].ask(PERMISSIONS)).codes == ["UNAUTHENTICATED"]
    assert (await key.ask(PERMISSIONS)).only("viewer") == before


async def test_a_move_revokes_the_keys_of_deactivated_people_of_the_former_provider(
    staff: People, world: World, admin: Person, provider: Person
) -> None:
    _, key = await key_of_boss(staff, world)
    await admin.change("deactivateUser", "__typename", id=staff.ids["boss"])
    await move(admin, world["own"], world["other_provider"])
    for _ in range(2):
        assert (await key.ask(PERMISSIONS)).codes == ["UNAUTHENTICATED"]
        await provider.change("reactivateUser", "__typename", id=staff.ids["boss"])


async def test_a_key_of_an_admin_stays_theirs_after_a_move(staff: People, world: World, admin: Person) -> None:
    made = await staff["root"].change("createApiKey", "token", name="K", owner={"accountId": world["own"]})
    await move(admin, world["own"], world["other_provider"])
    await staff["root"].change(
        "createUser", "user { id }", name="R", email="r@example.com", role="MANAGER", owner={"installation": True}
    )
    await admin.change("updateUser", "__typename", id=staff.ids["root"], role="VIEWER")
    key = staff.installation.holder(made["token"])
    assert (await key.ask(PERMISSIONS)).only("viewer") == {"permissions": ["VIEW_CALLS"]}
