"""Users: who creates, changes and deletes them, and the protection of the last admin."""

import asyncio

import pytest

from app.api_keys.model import ApiKey
from app.foundation.access import Scope
from app.foundation.identifiers import Kind, parse_sid
from app.users.model import Session, User
from tests.support.installation import Installation, Person, World, refusals
from tests.support.personas import PASSWORD, People, add_people, email_of, log_in
from tests.support.statements import recorded

USER = "user { id name email scope active mustChangePassword version account { id } }"


async def test_a_user_is_created_with_a_temporary_password_returned_once(
    people: People, stranger: Person, world: World
) -> None:
    payload = await people["boss"].change(
        "createUser",
        f"temporaryPassword {USER}",
        role="MANAGER",
        name=" Zoë 🎧 ",
        email=" Zoe@Example.com ",
        owner={"accountId": world["own"]},
    )
    assert payload["userErrors"] == []
    made = payload["user"]
    assert {**made, "id": None} == {
        "id": None,
        "name": "Zoë 🎧",
        "email": "Zoe@Example.com",
        "scope": "ACCOUNT",
        "active": True,
        "mustChangePassword": True,
        "version": 1,
        "account": {"id": world["own"]},
    }
    entered = await log_in(stranger, "zoe@example.com", payload["temporaryPassword"])
    assert (entered["user"], entered["mustChangePassword"]) == ({"id": made["id"]}, True)


async def test_a_user_belongs_to_the_callers_owner_by_default(people: People, world: World) -> None:
    for by, scope, account in (
        ("root", "ADMIN", None),
        ("boss", "SERVICE_PROVIDER", None),
        ("ann", "ACCOUNT", world["own"]),
    ):
        payload = await people[by].change("createUser", USER, role="MANAGER", name="New", email=f"new-{by}@example.com")
        assert payload["user"]["scope"] == scope
        assert (payload["user"]["account"] or {}).get("id") == account


@pytest.mark.parametrize("owner", ["serviceProviderId", "installation"])
async def test_an_account_creates_no_user_of_a_wider_scope(people: People, world: World, owner: str) -> None:
    """A user created without a provider once became an admin."""
    given = {"installation": True} if owner == "installation" else {owner: world["provider"]}
    answer = await people["ann"].ask(
        "mutation ($input: CreateUserInput!) { createUser(input: $input) { user { id } } }",
        input={"role": "MANAGER", "name": "Eve", "email": "eve@example.com", "owner": given},
    )
    assert (answer.codes, answer.data) == (["FORBIDDEN"], {"createUser": None})
    async with people.installation.database():
        assert not await User.filter(email_key="eve@example.com").exists()


@pytest.mark.parametrize(
    ("by", "owner", "code"),
    [
        ("boss", {"serviceProviderId": "other_provider"}, "NOT_FOUND"),
        ("boss", {"accountId": "foreign"}, "NOT_FOUND"),
        ("ann", {"accountId": "sibling"}, "NOT_FOUND"),
        ("root", {"serviceProviderId": "own"}, "NOT_FOUND"),
    ],
)
async def test_no_caller_creates_a_user_in_another_tenant(
    people: People, world: World, by: str, owner: dict[str, str], code: str
) -> None:
    given = {name: world[place] for name, place in owner.items()}
    payload = await people[by].change(
        "createUser", USER, role="MANAGER", name="Eve", email="eve@example.com", owner=given
    )
    assert refusals(payload) == [(code, ["owner", *owner])]


@pytest.mark.parametrize("owner", [{}, {"accountId": None}, {"installation": False}])
async def test_an_empty_owner_is_rejected(people: People, owner: dict[str, object]) -> None:
    answer = await people["root"].ask(
        "mutation ($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { code } } }",
        input={"role": "MANAGER", "name": "Eve", "email": "eve@example.com", "owner": owner},
    )
    assert answer.codes == ["BAD_USER_INPUT"] or answer.data["createUser"]["userErrors"] == [{"code": "INVALID"}]
    async with people.installation.database():
        assert await User.all().count() == len(people.ids)


@pytest.mark.parametrize("by", ["admin", "provider", "account_user", "read_only"])
async def test_an_api_key_cannot_create_users(people: People, world: World, by: str) -> None:
    """With the new user's password it could reset the passwords of all users of the owner."""
    key = people.installation.person(by)
    answer = await key.ask(
        "mutation ($input: CreateUserInput!) { createUser(input: $input) { temporaryPassword } }",
        input={
            "role": "MANAGER",
            "name": "Eve",
            "email": "eve@example.com",
            "password": PASSWORD,
            "owner": {"accountId": world["own"]},
        },
    )
    assert (answer.codes, answer.data) == (["FORBIDDEN"], {"createUser": None})
    assert answer.errors[0]["extensions"]["requiredCaller"] == "USER"
    assert not (await key.ask("{ viewer { canCreateUser } }")).only("viewer")["canCreateUser"]
    async with people.installation.database():
        assert not await User.filter(email_key="eve@example.com").exists()


async def test_all_user_errors_are_returned_together(people: People, world: World) -> None:
    payload = await people["boss"].change(
        "createUser",
        USER,
        role="MANAGER",
        name="\x07",
        email="nobody",
        password="short",
        owner={"accountId": world["foreign"]},
    )
    assert refusals(payload) == [
        ("INVALID", ["email"]),
        ("INVALID", ["name"]),
        ("INVALID", ["password"]),
        ("NOT_FOUND", ["owner", "accountId"]),
    ]


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("", "REQUIRED"),
        ("  ", "REQUIRED"),
        ("ann", "INVALID"),
        ("ann@example", "INVALID"),
        ("@example.com", "INVALID"),
        ("ann@@example.com", "INVALID"),
        ("ann bee@example.com", "INVALID"),
        ("ann\u200b@example.com", "INVALID"),
        ("ann@example..com", "INVALID"),
        ("ann@example.com.", "INVALID"),
        ("a\0n@example.com", "INVALID"),
        ("ann@example.com, eve@example.com", "INVALID"),
        ("a" * 65 + "@example.com", "INVALID"),
        ("a@" + "b" * 250 + ".com", "TOO_LONG"),
        ("x" * 100_000, "TOO_LONG"),
    ],
)
async def test_an_invalid_address_is_rejected(people: People, email: str, code: str) -> None:
    payload = await people["boss"].change("createUser", USER, role="MANAGER", name="Ann", email=email)
    assert refusals(payload) == [(code, ["email"])]


@pytest.mark.parametrize("email", ["ann+tag@example.co.uk", "ånn@exämple.com", "o'neil@example.com", "🎧@example.com"])
async def test_international_addresses_are_accepted(people: People, email: str) -> None:
    payload = await people["boss"].change("createUser", "user { email }", role="MANAGER", name="Ann", email=email)
    assert payload["user"] == {"email": email}


async def test_an_address_is_unique_in_the_whole_installation(people: People) -> None:
    for by in ("ann", "rival", "root"):
        payload = await people[by].change("createUser", USER, role="MANAGER", name="Eve", email=email_of("bob").upper())
        assert refusals(payload) == [("EMAIL_TAKEN", ["email"])]
    payload = await people["ann"].change("updateUser", USER, id=people.ids["ann"], email=email_of("fay").lower())
    assert refusals(payload) == [("EMAIL_TAKEN", ["email"])]


async def test_of_many_concurrent_creations_one_gets_the_address(people: People) -> None:
    boss = people["boss"]
    made = await asyncio.gather(
        *(
            boss.change("createUser", "user { id }", role="MANAGER", name=f"N{n}", email="one@example.com")
            for n in range(4)
        )
    )
    assert sum(payload["user"] is not None for payload in made) == 1
    assert [code for payload in made for code, _ in refusals(payload)] == ["EMAIL_TAKEN"] * 3


async def test_an_update_keeps_omitted_fields(people: People) -> None:
    payload = await people["boss"].change("updateUser", USER, id=people.ids["ann"], name="Anne")
    user = payload["user"]
    assert (user["name"], user["email"], user["version"]) == ("Anne", email_of("ann"), 2)
    payload = await people["boss"].change(
        "updateUser", USER, id=people.ids["ann"], email="Anne@example.com", ifVersion=2
    )
    assert (payload["user"]["email"], payload["user"]["name"]) == ("Anne@example.com", "Anne")
    assert (await log_in(people.installation.person(None), "anne@example.com", PASSWORD))["token"]
    payload = await people["boss"].change("updateUser", USER, id=people.ids["ann"])
    assert payload["user"]["version"] == 3


@pytest.mark.parametrize("given", [{"scope": "ADMIN"}, {"owner": {"installation": True}}, {"accountId": None}])
async def test_no_update_changes_the_scope_or_owner_of_a_user(people: People, given: dict[str, object]) -> None:
    answer = await people["root"].ask(
        "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }",
        input={"id": people.ids["ann"], **given},
    )
    assert answer.codes == ["BAD_USER_INPUT"]
    assert (await people["ann"].ask("{ viewer { scope } }")).only("viewer") == {"scope": "ACCOUNT"}


async def test_all_errors_of_an_update_are_returned_together(people: People) -> None:
    payload = await people["boss"].change("updateUser", USER, id=people.ids["ann"], name=None, email=None, ifVersion=9)
    assert refusals(payload) == [("REQUIRED", ["email"]), ("REQUIRED", ["name"]), ("CONFLICT", ["ifVersion"])]
    payload = await people["boss"].change(
        "updateUser", USER, id=people.ids["ann"], name="x" * 65, email="Ann@x.example"
    )
    assert refusals(payload) == [("TOO_LONG", ["name"])]
    payload = await people["boss"].change("updateUser", USER, id=people.ids["ann"], name="Anna", ifVersion=9)
    assert refusals(payload) == [("CONFLICT", ["ifVersion"])]


@pytest.mark.parametrize(
    ("by", "whose"), [("ann", "sue"), ("ann", "boss"), ("boss", "root"), ("boss", "fay"), ("rival", "ann")]
)
@pytest.mark.parametrize("mutation", ["updateUser", "deactivateUser", "reactivateUser", "deleteUser"])
async def test_users_that_are_not_visible_are_not_found(people: People, by: str, whose: str, mutation: str) -> None:
    given = {"name": "Mine"} if mutation == "updateUser" else {}
    payload = await people[by].change(mutation, "__typename", id=people.ids[whose], **given)
    unknown = await people[by].change(mutation, "__typename", id="US" + "0" * 32, **given)
    assert payload == unknown
    assert refusals(payload) == [("NOT_FOUND", ["id"])]
    assert (await people[whose].ask("{ viewer { user { name } } }")).only("viewer")["user"]["name"] == whose.title()


async def test_a_user_is_deleted_with_their_sessions(people: People) -> None:
    payload = await people["boss"].change("deleteUser", "deletedId", id=people.ids["ann"])
    assert payload == {"deletedId": people.ids["ann"], "userErrors": []}
    assert (await people["ann"].ask("{ viewer { scope } }")).status == 401
    async with people.installation.database():
        assert not await User.filter(id=parse_sid(Kind.USER, people.ids["ann"])).exists()
        assert await Session.all().count() == len(people.ids) - 1
    assert refusals(await people["boss"].change("deleteUser", "deletedId", id=people.ids["ann"])) == [
        ("NOT_FOUND", ["id"])
    ]


async def test_a_deletion_of_an_older_version_is_rejected(people: People) -> None:
    await people["boss"].change("updateUser", USER, id=people.ids["ann"], name="Anne")
    for mutation in ("deleteUser", "deactivateUser"):
        payload = await people["boss"].change(mutation, "__typename", id=people.ids["ann"], ifVersion=1)
        assert refusals(payload) == [("CONFLICT", ["ifVersion"])]


@pytest.mark.parametrize("mutation", ["deactivateUser", "deleteUser"])
async def test_the_last_active_admin_cannot_be_deactivated_or_deleted(
    people: People, admin: Person, mutation: str
) -> None:
    second = await people["root"].change(
        "createUser", "user { id }", role="MANAGER", name="Second", email="second@example.com"
    )
    for step in ("deactivateUser", mutation):
        if step == mutation:
            await admin.change("reactivateUser", "__typename", id=second["user"]["id"])
        assert refusals(await admin.change(step, "__typename", id=second["user"]["id"])) == []
    for by in (admin, people["root"]):
        assert refusals(await by.change(mutation, "__typename", id=people.ids["root"])) == [("LAST_ADMIN", ["id"])]
    assert (await people["root"].ask("{ viewer { scope } }")).status == 200


@pytest.mark.parametrize("mutation", ["deactivateUser", "deleteUser"])
async def test_admins_who_concurrently_remove_each_other_leave_one(
    installation: Installation, admin: Person, mutation: str
) -> None:
    people = await add_people(installation, "root")
    ids = [people.ids["root"]]
    for number in range(3):
        made = await people["root"].change(
            "createUser", "user { id }", role="MANAGER", name="Admin", email=f"admin{number}@example.com"
        )
        ids.append(made["user"]["id"])
    done = await asyncio.gather(*(admin.change(mutation, "__typename", id=one) for one in ids))
    assert sorted(code for payload in done for code, _ in refusals(payload)) == ["LAST_ADMIN"]
    async with installation.database():
        assert await User.filter(scope=Scope.ADMIN, active=True).count() == 1


async def test_owners_list_their_users_and_admins_list_all(people: People, world: World) -> None:
    query = "query ($id: ID!) { account(id: $id) { userCount users { totalCount nodes { name } } } }"
    account = (await people["boss"].ask(query, id=world["own"])).only("account")
    assert account == {"userCount": 2, "users": {"totalCount": 2, "nodes": [{"name": "Bob"}, {"name": "Ann"}]}}
    query = "query ($id: ID!) { serviceProvider(id: $id) { userCount users { nodes { name } } } }"
    provider = (await people["boss"].ask(query, id=world["provider"])).only("serviceProvider")
    assert provider == {"userCount": 1, "users": {"nodes": [{"name": "Boss"}]}}
    query = "query ($filter: UserFilter) { users(filter: $filter) { nodes { name } } }"
    for given, names in (
        ({"scope": "ADMIN"}, ["Root"]),
        ({"emailContains": "RIVAL@"}, ["Rival"]),
        ({"scope": "ACCOUNT", "emailContains": "@people"}, ["Fay", "Sue", "Bob", "Ann"]),
        ({"emailContains": "x" * 5000}, []),
        ({"emailContains": "\0"}, []),
    ):
        found = (await people["root"].ask(query, filter=given)).only("users")["nodes"]
        assert [user["name"] for user in found] == names


async def test_statements_do_not_grow_with_the_users_shown(people: People, admin: Person) -> None:
    query = "query ($n: Int!) { users(first: $n) { nodes { name account { name } serviceProvider { name } } } }"
    counts = []
    for number in (5, 7, 5, 7):
        with recorded() as statements:
            assert len((await admin.ask(query, n=number)).only("users")["nodes"]) == number
        counts.append(len(statements))
    assert counts[2] == counts[3]


async def test_an_account_with_users_is_deleted_with_all_of_them_or_not_at_all(people: People, world: World) -> None:
    fields = "deletedId blockers { kind count }"
    refused = await people["boss"].change("deleteAccount", fields, id=world["own"])
    assert refusals(refused) == [("IN_USE", ["id"])]
    assert {"kind": "USERS", "count": 2} in refused["blockers"]
    deleted = await people["boss"].change("deleteAccount", fields, id=world["own"], force=True)
    assert deleted["deletedId"] == world["own"]
    async with people.installation.database():
        assert not await User.filter(account_id=parse_sid(Kind.ACCOUNT, world["own"])).exists()
        assert await Session.all().count() == len(people.ids) - 2


async def test_a_key_names_the_person_who_created_it(people: People) -> None:
    made = await people["ann"].change(
        "createApiKey", "apiKey { id expiresAt createdBy { scope apiKeyId userId } }", name="mine"
    )
    assert made["apiKey"]["createdBy"] == {"scope": "ACCOUNT", "apiKeyId": None, "userId": people.ids["ann"]}
    # The creator is the person, not the session.
    assert made["apiKey"]["expiresAt"] is None
    async with people.installation.database():
        key = await ApiKey.get(id=parse_sid(Kind.API_KEY, made["apiKey"]["id"]))
        assert key.created_by_key_id is None


async def test_a_login_during_a_deactivation_leaves_no_session_behind(people: People) -> None:
    done = await asyncio.gather(
        people["boss"].change("deactivateUser", "user { id }", id=people.ids["ann"]),
        *(people.login("ann") for _ in range(4)),
    )
    assert done[0]["userErrors"] == []
    async with people.installation.database():
        assert await Session.filter(user_id=parse_sid(Kind.USER, people.ids["ann"])).count() == 0
