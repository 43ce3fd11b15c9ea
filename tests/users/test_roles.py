"""Roles of users: what each may do, who gives them, and how fast they are withdrawn."""

import asyncio
from typing import Any

import pytest

from app.audit.model import AuditEvent
from app.foundation.identifiers import Kind, parse_sid
from app.foundation.permissions import ALL, ROLES, Permission, Role, in_order
from app.users.model import User
from tests.support.installation import Installation, World, refusals
from tests.support.personas import People, add_people, become
from tests.support.statements import recorded

SHOWN = "user { role permissions version }"
MISSING = "PERMISSION_MISSING"


@pytest.fixture
async def staff(installation: Installation) -> People:
    """A manager, an editor, a listener and a viewer of the own account; a manager and a viewer of the provider."""
    return await add_people(installation, "ann", "edda", "liz", "vic", "boss", "vera", "root")


@pytest.mark.parametrize(
    ("name", "role"),
    [("ann", Role.MANAGER), ("edda", Role.EDITOR), ("liz", Role.LISTENER), ("vic", Role.VIEWER), ("vera", Role.VIEWER)],
)
async def test_a_caller_sees_their_role_and_its_permissions(staff: People, name: str, role: Role) -> None:
    viewer = (await staff[name].ask("{ viewer { role permissions user { role permissions } } }")).only("viewer")
    expected = {"role": role.name, "permissions": [one.name for one in in_order(ROLES[role])]}
    assert viewer == {**expected, "user": expected}


async def test_the_roles_query_lists_what_each_role_may_do(staff: People) -> None:
    roles = (await staff["vic"].ask("{ roles { role permissions description } }")).only("roles")
    listed = {one["role"]: one["permissions"] for one in roles}
    assert listed == {role.name: [one.name for one in in_order(ROLES.get(role, ()))] for role in Role}
    assert all(one["description"].endswith(".") for one in roles)


async def test_no_role_acts_as_a_gateway() -> None:
    assert all(Permission.ACT_AS_GATEWAY not in permissions for permissions in ROLES.values())


@pytest.mark.parametrize(
    ("name", "mutation", "given", "permission"),
    [
        ("vic", "updateAccount", {"name": "Renamed"}, "EDIT_SETTINGS"),
        ("liz", "updateAccount", {"name": "Renamed"}, "EDIT_SETTINGS"),
        ("vera", "updateAccount", {"name": "Renamed"}, "EDIT_SETTINGS"),
        ("vera", "deleteAccount", {"force": True}, "DELETE_ACCOUNTS"),
    ],
)
async def test_a_mutation_without_its_permission_changes_nothing(
    staff: People, world: World, name: str, mutation: str, given: dict[str, Any], permission: str
) -> None:
    document = (
        f"mutation ($input: {mutation[0].upper()}{mutation[1:]}Input!) {{ {mutation}(input: $input) {{ __typename }} }}"
    )
    answer = await staff[name].ask(document, input={"id": world["own"], **given})
    assert (answer.codes, answer.data) == (["FORBIDDEN"], {mutation: None})
    assert answer.errors[0]["message"] == f"Mutation.{mutation} needs the permission {permission}."
    assert answer.errors[0]["extensions"]["requiredPermissions"] == [permission]
    settings = await staff["ann"].ask("query ($id: ID!) { account(id: $id) { name } }", id=world["own"])
    assert settings.only("account") == {"name": "Own customer"}


async def test_an_editor_changes_settings_and_manages_no_users(staff: People, world: World) -> None:
    edda = staff["edda"]
    changed = await edda.change("updateAccount", "account { name }", id=world["own"], name="Renamed")
    assert changed["account"] == {"name": "Renamed"}
    answer = await edda.ask(
        "query ($id: ID!) { account(id: $id) { webhookSecret users { totalCount } viewerCanUpdate viewerCanTest } }",
        id=world["own"],
    )
    shown = {"webhookSecret": None, "users": {"totalCount": 4}, "viewerCanUpdate": True, "viewerCanTest": True}
    assert (answer.codes, answer.data["account"]) == (["FORBIDDEN"], shown)
    for mutation in ("deactivateUser", "deleteUser", "resetPassword"):
        document = f"mutation ($id: ID!) {{ {mutation}(input: {{id: $id}}) {{ __typename }} }}"
        answer = await edda.ask(document, id=staff.ids["vic"])
        assert answer.errors[0]["extensions"]["requiredPermissions"] == ["MANAGE_USERS"]


async def test_only_a_caller_with_view_audit_trail_reads_events(staff: People, world: World) -> None:
    event = world["own_event"]
    for document in ("{ auditEvents { totalCount } }", f'{{ node(id: "{event}") {{ id }} }}'):
        assert (await staff["edda"].ask(document)).codes == []
        refused = await staff["vic"].ask(document)
        assert refused.codes == ["FORBIDDEN"]
        assert refused.errors[0]["extensions"]["requiredPermissions"] == ["VIEW_AUDIT_TRAIL"]


async def test_a_caller_without_view_calls_reaches_no_call(staff: People, world: World) -> None:
    caller = await become(staff, "vic")
    account = f'account(id: "{world["own"]}")'
    for document in (
        "{ recentCalls { totalCount } }",
        f"{{ {account} {{ recentCalls {{ totalCount }} }} }}",
        f'{{ call(id: "CA{"0" * 32}") {{ id }} }}',
        f'{{ node(id: "CA{"0" * 32}") {{ id }} }}',
    ):
        answer = await caller.ask(document)
        assert answer.codes == ["FORBIDDEN"], document
        assert answer.errors[0]["extensions"]["requiredPermissions"] == ["VIEW_CALLS"]


async def test_a_manager_gives_a_role_and_a_list_of_permissions(staff: People) -> None:
    ann, id_ = staff["ann"], staff.ids["vic"]
    changed = await ann.change("updateUser", SHOWN, id=id_, role="LISTENER")
    assert changed["user"] == {"role": "LISTENER", "permissions": ["VIEW_CALLS", "LISTEN_TO_RECORDINGS"], "version": 2}
    own = ["VIEW_CALLS", "EDIT_SETTINGS", "VIEW_CALLS"]
    changed = await ann.change("updateUser", SHOWN, id=id_, role="CUSTOM", permissions=own)
    assert changed["user"] == {"role": "CUSTOM", "permissions": ["EDIT_SETTINGS", "VIEW_CALLS"], "version": 3}
    changed = await ann.change("updateUser", SHOWN, id=id_, role="VIEWER")
    assert changed["user"] == {"role": "VIEWER", "permissions": ["VIEW_CALLS"], "version": 4}
    async with staff.installation.database():
        events = await AuditEvent.filter(operation="updateUser").order_by("id")
    assert [event.after for event in events] == [
        {"role": "LISTENER", "permissions": None},
        {"role": "CUSTOM", "permissions": ["EDIT_SETTINGS", "VIEW_CALLS"]},
        {"role": "VIEWER", "permissions": None},
    ]


async def test_a_change_of_a_custom_user_keeps_what_it_omits(staff: People) -> None:
    ann, id_ = staff["ann"], staff.ids["vic"]
    await ann.change("updateUser", SHOWN, id=id_, role="CUSTOM", permissions=["VIEW_CALLS"])
    kept = await ann.change("updateUser", SHOWN, id=id_, role="CUSTOM")
    assert kept["user"] == {"role": "CUSTOM", "permissions": ["VIEW_CALLS"], "version": 2}
    changed = await ann.change("updateUser", SHOWN, id=id_, permissions=["EDIT_SETTINGS"])
    assert changed["user"] == {"role": "CUSTOM", "permissions": ["EDIT_SETTINGS"], "version": 3}


async def test_a_new_user_has_the_given_role(staff: People) -> None:
    new = {"name": "New", "email": "new@example.com"}
    made = await staff["ann"].change("createUser", SHOWN, role="CUSTOM", permissions=[], **new)
    assert made["user"] == {"role": "CUSTOM", "permissions": [], "version": 1}


async def test_a_withdrawn_permission_is_gone_at_once_in_the_worker_that_withdraws_it(
    staff: People, world: World
) -> None:
    edda = staff["edda"]
    before = (await edda.ask("{ viewer { permissions } }")).only("viewer")
    assert "EDIT_SETTINGS" in before["permissions"]
    await staff["ann"].change("updateUser", SHOWN, id=staff.ids["edda"], role="VIEWER")
    assert (await edda.ask("{ viewer { permissions } }")).only("viewer") == {"permissions": ["VIEW_CALLS"]}


async def test_a_key_has_no_more_permissions_than_its_creator_now(staff: People) -> None:
    ann, shown = staff["ann"], "{ viewer { permissions apiKey { permissions } } }"
    own = ["EDIT_SETTINGS", "VIEW_CALLS", "ACT_AS_GATEWAY"]
    made = await ann.change("createApiKey", "token", name="Ann's", accessLevel="CUSTOM", permissions=own)
    key = staff.installation.holder(made["token"])
    assert (await key.ask(shown)).only("viewer") == {"permissions": own, "apiKey": {"permissions": own}}
    await staff["root"].change("updateUser", SHOWN, id=staff.ids["ann"], role="VIEWER", force=True)
    now = {"permissions": ["VIEW_CALLS", "ACT_AS_GATEWAY"], "apiKey": {"permissions": own}}
    assert (await key.ask(shown)).only("viewer") == now


async def test_nobody_gives_a_permission_that_they_lack(staff: People) -> None:
    keeper = await become(staff, "edda", "MANAGE_USERS", "VIEW_CALLS")
    new = {"name": "New", "email": "new@example.com"}
    payload = await keeper.change("createUser", "user { id }", role="LISTENER", **new)
    assert refusals(payload) == [(MISSING, ["role"])]
    payload = await keeper.change("createUser", "user { id }", role="CUSTOM", permissions=["VIEW_SECRETS"], **new)
    assert refusals(payload) == [(MISSING, ["permissions"])]
    for given in ({"role": "MANAGER"}, {"role": "CUSTOM", "permissions": ["MANAGE_USERS", "MANAGE_API_KEYS"]}):
        payload = await keeper.change("updateUser", "user { id }", id=staff.ids["edda"], **given)
        assert [code for code, _ in refusals(payload)] == [MISSING]
    assert refusals(await keeper.change("createUser", "user { id }", role="VIEWER", **new)) == []


async def test_nobody_touches_a_user_with_more_permissions(staff: People) -> None:
    keeper = await become(staff, "edda", "MANAGE_USERS", "VIEW_CALLS")
    ids = staff.ids
    for mutation, given in (
        ("updateUser", {"name": "Renamed"}),
        ("updateUser", {"role": "VIEWER"}),
        ("resetPassword", {}),
        ("deactivateUser", {}),
        ("reactivateUser", {}),
        ("deleteUser", {}),
    ):
        payload = await keeper.change(mutation, "__typename", id=ids["ann"], **given)
        assert refusals(payload) == [(MISSING, ["id"])], mutation
        assert refusals(await keeper.change(mutation, "__typename", id=ids["vic"], **given)) == [], mutation
    payload = await keeper.change("revokeSession", "revokedId", id=staff.sessions["ann"])
    assert refusals(payload) == [(MISSING, ["id"])]


async def test_ending_anothers_session_needs_manage_users_and_ones_own_does_not(staff: People) -> None:
    document = "mutation ($id: ID!) { revokeSession(input: {id: $id}) { revokedId } }"
    refused = await staff["vic"].ask(document, id=staff.sessions["liz"])
    assert refused.codes == ["FORBIDDEN"]
    assert refused.errors[0]["extensions"]["requiredPermissions"] == ["MANAGE_USERS"]
    own = await staff["vic"].ask(document, id=staff.sessions["vic"])
    assert own.only("revokeSession") == {"revokedId": staff.sessions["vic"]}


async def test_the_last_admin_that_is_a_manager_stays_one(staff: People) -> None:
    root, id_ = staff["root"], staff.ids["root"]
    second = await root.change("createUser", "user { id }", name="Second", email="second@example.com", role="EDITOR")
    for mutation, given in (("updateUser", {"role": "EDITOR"}), ("deactivateUser", {}), ("deleteUser", {})):
        assert refusals(await root.change(mutation, "__typename", id=id_, **given)) == [("LAST_ADMIN", ["id"])]
    await root.change("updateUser", "__typename", id=second["user"]["id"], role="MANAGER")
    assert refusals(await root.change("updateUser", "__typename", id=id_, role="EDITOR")) == []


async def test_of_two_managers_who_lower_each_other_one_remains(staff: People) -> None:
    root = staff["root"]
    made = await root.change("createUser", "user { id }", name="Second", email="second@example.com", role="MANAGER")
    other = made["user"]["id"]
    async with staff.installation.database():
        await User.filter(id=parse_sid(Kind.USER, other)).update(must_change_password=False)
    people = People(staff.installation, ids={"second": other})
    second = await people.session("second")
    await second.ask("{ viewer { role } }")
    await asyncio.gather(
        root.ask(
            "mutation ($id: ID!) { updateUser(input: {id: $id, role: VIEWER}) { userErrors { code } } }", id=other
        ),
        second.ask(
            "mutation ($id: ID!) { updateUser(input: {id: $id, role: VIEWER}) { userErrors { code } } }",
            id=staff.ids["root"],
        ),
    )
    async with staff.installation.database():
        assert await User.filter(scope="ADMIN", role=Role.MANAGER, active=True).count() == 1


async def test_a_caller_that_was_lowered_gives_nothing_while_the_cache_knows_the_old_role(staff: People) -> None:
    ann = staff["ann"]
    await ann.ask("{ viewer { role } }")
    async with staff.installation.database():  # as another worker does
        await User.filter(id=parse_sid(Kind.USER, staff.ids["ann"])).update(role=Role.VIEWER)
    new = 'mutation { createUser(input: {role: MANAGER, name: "Eve", email: "eve@example.com"}) { user { id } } }'
    answer = await ann.ask(new)
    assert (answer.codes, answer.data) == (["FORBIDDEN"], {"createUser": None})
    assert answer.errors[0]["message"] == "Your permissions have changed. Load the page again."
    async with staff.installation.database():
        assert not await User.filter(email_key="eve@example.com").exists()


async def test_buttons_are_shown_for_users_and_keys_with_no_more_permissions(staff: People, world: World) -> None:
    gateway = {"name": "Gateway", "accessLevel": "GATEWAY"}
    assert refusals(await staff["ann"].change("createApiKey", "apiKey { id }", **gateway)) == []
    query = """query ($id: ID!, $first: Int!) { account(id: $id) {
        users(first: $first) { nodes { name viewerCanUpdate viewerCanResetPassword } }
        apiKeys(first: $first) { nodes { name viewerCanUpdate viewerCanAdopt } } } }"""
    keeper = await become(staff, "edda", "MANAGE_USERS", "MANAGE_API_KEYS", "VIEW_CALLS", "LISTEN_TO_RECORDINGS")
    for caller, users, keys in (
        (staff["ann"], {"Ann", "Edda", "Liz", "Vic"}, {"account_user", "read_only", "Gateway"}),
        (keeper, {"Edda", "Liz", "Vic"}, {"Gateway"}),
        (staff["liz"], set(), set()),
    ):
        await caller.ask("{ viewer { scope } }")  # from now on the caller is cached
        counts = []
        for first in (1, 20):
            with recorded() as statements:
                account = (await caller.ask(query, id=world["own"], first=first)).only("account")
            counts.append(len(statements))
        assert counts[0] == counts[1], "no statement for each row"
        shown = {kind: account[kind]["nodes"] for kind in ("users", "apiKeys")}
        for kind, button, names in (
            ("users", "viewerCanUpdate", users),
            ("users", "viewerCanResetPassword", users),
            ("apiKeys", "viewerCanUpdate", keys),
            ("apiKeys", "viewerCanAdopt", keys),
        ):
            assert {one["name"] for one in shown[kind] if one[button]} == names, button


async def test_everybody_changes_their_own_name(staff: People) -> None:
    changed = await staff["vic"].change("changeName", "user { id name version }", name=" Victor ")
    assert changed["user"] == {"id": staff.ids["vic"], "name": "Victor", "version": 2}
    assert refusals(await staff["vic"].change("changeName", "user { id }", name="")) == [("REQUIRED", ["name"])]
    async with staff.installation.database():
        (event,) = await AuditEvent.filter(operation="changeName")
    assert (event.before, event.after) == ({"name": "Vic"}, {"name": "Victor"})


async def test_a_key_has_no_name_of_a_person_to_change(staff: People) -> None:
    account_user = staff.installation.person("account_user")
    answer = await account_user.ask('mutation { changeName(input: {name: "Key"}) { user { id } } }')
    assert answer.errors[0]["extensions"]["requiredCaller"] == "USER"


async def test_a_refusal_names_all_permissions_that_are_missing(staff: People) -> None:
    caller = await become(staff, "vic")
    answer = await caller.ask('mutation { deleteRecording(input: {id: "CA"}) { keptVersions } }')
    assert answer.errors[0]["extensions"]["requiredPermissions"] == ["VIEW_CALLS", "DELETE_RECORDINGS"]
    needed = "the permission VIEW_CALLS and the permission DELETE_RECORDINGS"
    assert answer.errors[0]["message"] == f"Mutation.deleteRecording needs {needed}."


async def test_a_permission_of_a_newer_version_in_a_stored_list_grants_nothing(staff: People) -> None:
    caller = await become(staff, "vic", "VIEW_CALLS", "A_NEWER_ONE")
    assert (await caller.ask("{ viewer { permissions } }")).only("viewer") == {"permissions": ["VIEW_CALLS"]}


async def test_creating_and_deleting_accounts_does_not_count_within_an_account(staff: People, world: World) -> None:
    meaningless = {Permission.CREATE_ACCOUNTS, Permission.DELETE_ACCOUNTS}
    support = await become(staff, "vera", *(one.name for one in ALL - meaningless))
    assert refusals(await support.change("resetPassword", "user { id }", id=staff.ids["ann"])) == []
    changed = await support.change("updateUser", "user { role }", id=staff.ids["vic"], role="MANAGER")
    assert changed["user"] == {"role": "MANAGER"}
    owner = {"accountId": world["own"]}
    made = await support.change("createApiKey", "apiKey { id }", name="K", owner=owner)
    assert refusals(made) == []
    new = {"name": "New", "email": "new@people.example.com", "role": "MANAGER"}
    assert refusals(await support.change("createUser", "user { id }", **new, owner=owner)) == []
    refused = await support.change("createApiKey", "apiKey { id }", name="K")
    assert refusals(refused) == [(MISSING, ["accessLevel"])]
