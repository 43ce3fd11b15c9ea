"""Sessions: listing, use, expiry, and revocation in all workers within the cache time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.foundation.identifiers import Kind, parse_sid
from app.server import authentication
from app.service_providers.model import ServiceProvider
from app.users.model import Session
from app.users.token import FORM
from tests.audit.test_audit import events
from tests.support.installation import Installation, Person, World, refusals
from tests.support.personas import PASSWORD, People, add_people
from tests.support.statements import recorded

WHO = "{ viewer { scope } }"
Wait = Callable[[float], None]


async def statuses(people: People, *names: str) -> list[int]:
    return [(await people[name].ask(WHO)).status for name in names]


async def test_each_person_sees_only_their_own_sessions(people: People) -> None:
    other = await people.session("ann", user_agent="curl/8.5.0", address="192.0.2.7")
    query = "{ viewer { session { id current } } sessions { totalCount nodes { id device address current } } }"
    answer = await people["ann"].ask(query)
    nodes = answer.only("sessions")["nodes"]
    assert [(node["device"], node["address"], node["current"]) for node in nodes] == [
        ("curl", "192.0.2.7", False),
        ("Unknown device", "", True),
    ]
    assert answer.only("viewer")["session"] == {"id": people.sessions["ann"], "current": True}
    assert [node["current"] for node in (await other.ask(query)).only("sessions")["nodes"]] == [True, False]


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36",
            "Chrome on Windows",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14.6) Gecko/20100101 Firefox/132.0", "Firefox on macOS"),
        ("python-requests/2.32", "python-requests"),
        ("/", "Unknown device"),
        ("", "Unknown device"),
    ],
)
async def test_a_device_is_named_by_browser_and_system(people: People, agent: str, device: str) -> None:
    person = await people.session("ann", user_agent=agent)
    answer = await person.ask("{ viewer { session { device } } }")
    assert answer.only("viewer")["session"] == {"device": device}


async def test_a_logged_out_session_is_rejected(people: People, wait: Wait) -> None:
    other = await people.session("ann")
    answer = await people["ann"].ask("mutation { logout { loggedOut userErrors { code } } }")
    assert answer.only("logout") == {"loggedOut": True, "userErrors": []}
    wait(4.01)
    assert await statuses(people, "ann") == [401]
    assert (await other.ask(WHO)).status == 200


@pytest.mark.usefixtures("unheard")
async def test_a_logged_out_session_creates_no_credential_while_cached(people: People) -> None:
    """A worker's cache accepts it for up to four seconds."""
    ann = people["ann"]
    await ann.ask("mutation { logout { loggedOut } }")
    key = await ann.ask('mutation { createApiKey(input: {name: "lasting"}) { token } }')
    assert (key.codes, key.data) == (["UNAUTHENTICATED"], {"createApiKey": None})
    user = await ann.ask(
        'mutation { createUser(input: {role: MANAGER, name: "Eve", email: "eve@x.example"}) { temporaryPassword } }'
    )
    assert (user.codes, user.data) == (["UNAUTHENTICATED"], {"createUser": None})


@pytest.mark.parametrize(("keep", "left", "ended"), [(False, 401, 3), (True, 200, 2)])
async def test_logout_everywhere_ends_all_sessions(
    people: People, wait: Wait, keep: bool, left: int, ended: int
) -> None:
    others = [await people.session("ann") for _ in range(2)]
    assert (await people["ann"].change("logoutEverywhere", "ended", keepCurrent=keep))["ended"] == ended
    wait(4.01)
    assert await statuses(people, "ann", "bob") == [left, 200]
    assert [(await other.ask(WHO)).status for other in others] == [401, 401]


async def test_a_session_is_revoked_by_its_user_and_by_callers_who_see_them(people: People, wait: Wait) -> None:
    for name, by in (("ann", "ann"), ("bob", "boss"), ("boss", "root")):
        payload = await people[by].change("revokeSession", "revokedId", id=people.sessions[name])
        assert payload == {"revokedId": people.sessions[name], "userErrors": []}
    wait(4.01)
    assert await statuses(people, "ann", "bob", "boss", "sue", "root") == [401, 401, 401, 200, 200]


@pytest.mark.parametrize(("by", "whose"), [("ann", "sue"), ("ann", "boss"), ("boss", "rival"), ("boss", "root")])
async def test_a_session_that_is_not_visible_cannot_be_read_or_ended(people: People, by: str, whose: str) -> None:
    payload = await people[by].change("revokeSession", "revokedId", id=people.sessions[whose])
    assert refusals(payload) == [("NOT_FOUND", ["id"])]
    answer = await people[by].ask("query ($id: ID!) { node(id: $id) { id } }", id=people.sessions[whose])
    assert answer.only("node") is None
    assert await statuses(people, whose) == [200]


async def test_an_idle_session_ends_and_is_no_longer_listed(people: People) -> None:
    minutes = people.installation.settings.session_idle_minutes
    now = datetime.now(UTC)
    idle = await people.session("ann", last_used_at=now - timedelta(minutes=minutes, seconds=1))
    fresh = await people.session("ann", last_used_at=now - timedelta(minutes=minutes - 1))
    over = await people.session("ann", expires_at=now - timedelta(seconds=1))
    assert [(await one.ask(WHO)).status for one in (idle, fresh, over)] == [401, 200, 401]
    assert (await fresh.ask("{ sessions { totalCount } }")).only("sessions") == {"totalCount": 2}


async def test_a_session_says_when_it_ends_if_it_is_not_used(people: People) -> None:
    used = datetime.now(UTC) - timedelta(minutes=2)
    await people.session("ann", last_used_at=used, user_agent="curl/8.5.0")
    answer = await people["ann"].ask("{ sessions { nodes { device idleEndsAt } } }")
    (unused,) = [one for one in answer.only("sessions")["nodes"] if one["device"] == "curl"]
    idle = timedelta(minutes=people.installation.settings.session_idle_minutes)
    assert datetime.fromisoformat(unused["idleEndsAt"]) == used + idle


async def test_a_cached_session_is_rejected_from_the_second_it_expires(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    person = await people.session("ann", expires_at=ends)
    assert (await person.ask(WHO)).status == 200

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return ends

    monkeypatch.setattr(authentication, "datetime", Clock)
    assert (await person.ask(WHO)).status == 401


async def test_use_is_written_off_the_request_path_and_keeps_a_session_open(people: People) -> None:
    before = datetime.now(UTC) - timedelta(hours=2)
    person = await people.session("ann", last_used_at=before)
    with recorded() as statements:
        for _ in range(5):
            assert (await person.ask(WHO)).status == 200
    assert [one for one in statements if "UPDATE" in one] == []
    server = people.installation.app.state.server
    async with people.installation.database():
        await server.state.authentication._last_use.flush()
        session = await Session.all().order_by("-id").first()
    assert session is not None
    assert datetime.now(UTC) - session.last_used_at < timedelta(minutes=2)


async def test_a_session_is_cached_for_at_most_four_seconds(people: People, wait: Wait) -> None:
    counts = []
    for seconds in (0, 1, 2.9, 0.2):
        wait(seconds)
        with recorded() as statements:
            assert await statuses(people, "ann") == [200]
        counts.append(len(statements))
    assert counts == [1, 0, 0, 1]


async def test_an_unknown_session_costs_the_same_query_as_a_known_one(people: People) -> None:
    counts = []
    known = FORM.read(people.tokens["ann"])
    assert known is not None
    for shown in (FORM.make().text, FORM.make(known.public_id).text, people.tokens["bob"]):
        with recorded() as statements:
            await people.installation.holder(shown).ask(WHO)
        counts.append(len(statements))
    assert counts == [1, 1, 1]


async def test_an_api_key_is_not_accepted_as_a_session_nor_a_session_as_a_key(people: People, world: World) -> None:
    for text in (people.tokens["ann"].replace("vgs_", "vgk_"), world.tokens["admin"].replace("vgk_", "vgs_")):
        assert (await people.installation.holder(text).ask(WHO)).status == 401
    answer = await people.installation.person("account_user").ask("{ sessions { totalCount } }")
    assert answer.codes == ["FORBIDDEN"]
    assert answer.errors[0]["extensions"]["requiredCaller"] == "USER"


async def test_deactivating_a_user_permanently_ends_their_sessions(people: People, wait: Wait) -> None:
    assert await statuses(people, "ann") == [200]
    for mutation in ("deactivateUser", "reactivateUser"):
        payload = await people["boss"].change(mutation, "user { active }", id=people.ids["ann"])
        assert payload["user"] == {"active": mutation == "reactivateUser"}
        wait(4.01)
        assert await statuses(people, "ann", "bob") == [401, 200]
    assert (await people.login("ann"))["token"]


async def test_sessions_of_a_suspended_account_are_rejected(people: People, world: World, wait: Wait) -> None:
    for active, status in ((False, 401), (True, 200)):
        await people["boss"].change("setAccountActive", "account { id }", id=world["own"], active=active)
        wait(4.01)
        assert await statuses(people, "ann", "bob", "sue", "boss") == [status, status, 200, 200]


async def test_sessions_of_a_suspended_provider_and_its_accounts_are_rejected(people: People, world: World) -> None:
    async with people.installation.database():
        await ServiceProvider.filter(id=parse_sid(Kind.SERVICE_PROVIDER, world["provider"])).update(active=False)
    assert await statuses(people, "boss", "ann", "sue", "rival", "fay", "root") == [401, 401, 401, 200, 200, 200]


async def test_keys_of_a_deactivated_person_are_rejected_until_another_person_rotates_them(
    people: People, wait: Wait
) -> None:
    made = await people["bob"].change("createApiKey", "apiKey { id } token", name="Bob's own")
    installation = people.installation

    async def after(token: str) -> int:
        wait(4.01)
        return (await installation.holder(token).ask(WHO)).status

    assert await after(made["token"]) == 200
    await people["boss"].change("deactivateUser", "user { id }", id=people.ids["bob"], force=True)
    assert await after(made["token"]) == 401
    await people["boss"].change("reactivateUser", "user { id }", id=people.ids["bob"])
    assert await after(made["token"]) == 200
    rotated = await people["ann"].change(
        "rotateApiKey", "apiKey { createdBy { userId } } token", id=made["apiKey"]["id"]
    )
    assert rotated["apiKey"]["createdBy"] == {"userId": people.ids["ann"]}
    await people["boss"].change("deleteUser", "deletedId", id=people.ids["bob"])
    assert await after(rotated["token"]) == 200
    await people["boss"].change("deleteUser", "deletedId", id=people.ids["ann"], force=True)
    assert await after(rotated["token"]) == 401


@pytest.mark.usefixtures("unheard")
async def test_a_key_of_a_deactivated_person_creates_no_credential_while_cached(people: People) -> None:
    """A worker's cache accepts it for up to four seconds."""
    made = await people["bob"].change("createApiKey", "token", name="Bob's own")
    key = people.installation.holder(made["token"])
    assert (await key.ask(WHO)).status == 200
    await people["boss"].change("deactivateUser", "user { id }", id=people.ids["bob"], force=True)
    answer = await key.ask('mutation { createApiKey(input: { name: "Another" }) { token } }')
    assert answer.codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("how", ["createApiKey", "rotateApiKey"])
@pytest.mark.parametrize("end", ["deactivateUser", "deleteUser"])
async def test_a_key_created_or_rotated_through_a_persons_key_is_rejected_with_the_person(
    people: People, world: World, wait: Wait, how: str, end: str
) -> None:
    """Otherwise a deactivated person keeps access through a key created by a key."""
    first = await people["bob"].change("createApiKey", "apiKey { id } token", name="Bob's own")
    asker, shown = people.installation.holder(first["token"]), "apiKey { createdBy { scope apiKeyId userId } } token"
    given = {"name": "Another"} if how == "createApiKey" else {"id": world["account_user_key"]}
    second = await asker.change(how, shown, **given)
    creator = {"scope": "ACCOUNT", "apiKeyId": first["apiKey"]["id"], "userId": people.ids["bob"]}
    assert second["apiKey"]["createdBy"] == creator
    third = await people.installation.holder(second["token"]).change("createApiKey", shown, name="A third")
    assert third["apiKey"]["createdBy"]["userId"] == people.ids["bob"]
    await people["boss"].change(end, "__typename", id=people.ids["bob"], force=True)
    wait(4.01)
    holders = [people.installation.holder(made["token"]) for made in (first, second, third)]
    assert [(await holder.ask(WHO)).status for holder in holders] == [401] * 3


async def test_a_key_that_rotates_itself_keeps_its_creator(people: People) -> None:
    first = await people["bob"].change("createApiKey", "apiKey { id } token", name="Bob's own")
    asker = people.installation.holder(first["token"])
    rotated = await asker.change("rotateApiKey", "apiKey { createdBy { userId } }", id=first["apiKey"]["id"])
    assert rotated["apiKey"]["createdBy"] == {"userId": people.ids["bob"]}


async def test_an_account_does_not_see_which_person_of_its_provider_created_a_key(people: People, world: World) -> None:
    """This holds for a key the provider's person created, and for keys created by that key."""
    shown = "apiKey { createdBy { scope apiKeyId userId } } token"
    first = await people["boss"].change("createApiKey", shown, name="A first", owner={"accountId": world["own"]})
    assert first["apiKey"]["createdBy"]["userId"] == people.ids["boss"]
    second = await people.installation.holder(first["token"]).change("createApiKey", shown, name="A second")
    hidden = {"scope": "SERVICE_PROVIDER", "apiKeyId": None, "userId": None}
    assert second["apiKey"]["createdBy"] == hidden
    query = "{ viewer { account { apiKeys(first: 2) { nodes { name createdBy { scope apiKeyId userId } } } } } }"
    listed = (await people["ann"].ask(query)).only("viewer")["account"]["apiKeys"]["nodes"]
    assert [(one["name"], one["createdBy"]) for one in listed] == [("A second", hidden), ("A first", hidden)]
    for name in ("boss", "root"):
        query = "query ($id: ID!) { account(id: $id) { apiKeys(first: 2) { nodes { createdBy { userId } } } } }"
        listed = (await people[name].ask(query, id=world["own"])).only("account")["apiKeys"]["nodes"]
        assert [one["createdBy"] for one in listed] == [{"userId": people.ids["boss"]}] * 2


@pytest.mark.usefixtures("unheard")
async def test_a_session_that_is_logged_out_twice_leaves_one_event(people: People) -> None:
    """A worker's cache accepts it for up to four seconds after its end."""
    for _ in range(3):
        assert (await people["ann"].ask("mutation { logout { loggedOut } }")).only("logout") == {"loggedOut": True}
    assert [event["operation"] for event in await events(people["bob"])] == ["logout"]


async def test_revocations_take_effect_in_another_worker_within_the_cache_time(
    installation: Installation, world: World, tmp_path: Path, wait: Wait
) -> None:
    people = await add_people(installation)
    async with Installation.started(world, tmp_path, installation.settings.database_url) as other_worker:

        async def there(*names: str) -> list[int]:
            return [(await other_worker.holder(people.tokens[name]).ask(WHO)).status for name in names]

        assert await there("ann", "bob", "sue", "fay", "boss") == [200] * 5
        await people["ann"].ask("mutation { logout { loggedOut } }")
        await people["boss"].change("deactivateUser", "user { id }", id=people.ids["bob"])
        await people["boss"].change("setAccountActive", "account { id }", id=world["sibling"], active=False)
        await people["root"].change("resetPassword", "user { id }", id=people.ids["fay"])
        wait(4.01)
        assert await there("ann", "bob", "sue", "fay", "boss") == [401, 401, 401, 401, 200]


async def test_a_suspended_provider_and_its_accounts_are_rejected_by_another_worker(
    installation: Installation, world: World, tmp_path: Path, wait: Wait
) -> None:
    people = await add_people(installation)
    keys = ("provider", "account_user", "sibling_user", "read_only", "other_provider", "foreign_user")
    tokens = {**world.tokens, **people.tokens}
    names = (*keys, "boss", "ann", "sue", "rival", "fay", "root")
    async with Installation.started(world, tmp_path, installation.settings.database_url) as other_worker:

        async def there() -> list[int]:
            return [(await other_worker.holder(tokens[name]).ask(WHO)).status for name in names]

        assert await there() == [200] * 12
        given = {"id": world["provider"], "active": False}
        await people["root"].change("setServiceProviderActive", "serviceProvider { id }", **given)
        wait(4.01)
        assert await there() == [401] * 4 + [200] * 2 + [401] * 3 + [200] * 3


async def test_after_the_password_change_everything_is_allowed(people: People, stranger: Person) -> None:
    shown = (await people["boss"].change("resetPassword", "temporaryPassword", id=people.ids["ann"]))[
        "temporaryPassword"
    ]
    entered = await people.login("ann", shown)
    ann = people.installation.holder(entered["token"])
    assert (await ann.ask("{ accounts { totalCount } }")).codes == ["FORBIDDEN"]
    changed = await ann.change(
        "changePassword", "user { id }", currentPassword=shown, newPassword="four words make one"
    )
    assert changed["userErrors"] == []
    assert (await ann.ask("{ accounts { totalCount } }")).only("accounts") == {"totalCount": 1}


@pytest.mark.usefixtures("unheard")
async def test_an_ended_session_changes_no_password_while_cached(people: People) -> None:
    """A worker's cache accepts it for up to four seconds; a new password would give access back."""
    ann, new = people["ann"], "the passphrase of a thief"
    assert (await ann.ask(WHO)).status == 200
    await people["boss"].change("revokeSession", "revokedId", id=people.sessions["ann"])
    for mutation in (
        f'changePassword(input: {{currentPassword: "{PASSWORD}", newPassword: "{new}"}})',
        f'resetPassword(input: {{id: "{people.ids["bob"]}", password: "{new}"}})',
    ):
        answer = await ann.ask(f"mutation {{ {mutation} {{ userErrors {{ code }} }} }}")
        assert answer.codes == ["UNAUTHENTICATED"], mutation
    for name in ("ann", "bob"):
        assert (await people.login(name))["token"]


SESSION = "query ($id: ID!) { node(id: $id) { ... on Session { address userAgent lastUsedAt current } } }"


async def test_only_a_caller_who_manages_users_sees_sessions_of_others(installation: Installation) -> None:
    staff = await add_people(installation, "ann", "edda", "vic")
    for name in ("edda", "vic"):
        answer = await staff[name].ask(SESSION, id=staff.sessions["ann"])
        assert (answer.codes, answer.data) == ([], {"node": None})
        several = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        ids = [staff.sessions["ann"], staff.sessions[name]]
        assert (await staff[name].ask(several, ids=ids)).data == {"nodes": [None, {"id": ids[1]}]}
        own = await staff[name].ask(SESSION, id=staff.sessions[name])
        assert own.only("node")["current"] is True
    assert (await staff["ann"].ask(SESSION, id=staff.sessions["vic"])).only("node")["current"] is False
