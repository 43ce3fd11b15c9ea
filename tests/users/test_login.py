"""Login: the same message and work for every failure, and a limited number of attempts."""

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.foundation.concurrency_limits import FairSlots, Quota
from app.foundation.errors import RateLimited
from app.foundation.identifiers import Kind, parse_sid
from app.foundation.networks import network_of, site_of
from app.service_providers.model import ServiceProvider
from app.users import login_throttle, password
from app.users.model import LoginFailure, Session, User
from tests.support.installation import Installation, Person, World, refusals
from tests.support.personas import PASSWORD, People, email_of, log_in
from tests.support.statements import recorded

WRONG = {"code": "WRONG_CREDENTIALS", "message": "The e-mail address or the password is wrong.", "field": None}


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stored hashes that Argon2 verified."""
    seen: list[str] = []
    before = password.verify

    def verify(stored: str, given: bytes) -> bool:
        seen.append(stored)
        return before(stored, given)

    monkeypatch.setattr(password, "verify", verify)
    return seen


async def test_the_right_password_opens_a_session(
    people: People, installation: Installation, stranger: Person, world: World
) -> None:
    entered = await people.login("ann")
    assert entered["user"] == {"id": people.ids["ann"]}
    assert (entered["mustChangePassword"], entered["userErrors"]) == (False, [])
    assert datetime.fromisoformat(entered["expiresAt"]) > datetime.now(UTC) + timedelta(days=29)
    ann = installation.holder(entered["token"])
    viewer = (await ann.ask("{ viewer { scope role apiKey { id } user { name } account { id } } }")).only("viewer")
    assert viewer == {
        "scope": "ACCOUNT",
        "role": "MANAGER",
        "apiKey": None,
        "user": {"name": "Ann"},
        "account": {"id": world["own"]},
    }


async def test_login_ignores_the_case_of_the_address_and_spaces_around_it(people: People, stranger: Person) -> None:
    entered = await log_in(stranger, "  ANN@People.Example.COM ", PASSWORD)
    assert entered["user"] == {"id": people.ids["ann"]}


@pytest.mark.parametrize(
    "email",
    [email_of("ann"), "nobody@people.example.com", "no address", "", "x" * 5000, "a\0b@people.example.com", "💥@x.y"],
)
async def test_an_unknown_user_and_a_wrong_password_get_the_same_error_after_the_same_work(
    people: People, stranger: Person, compared: list[str], email: str
) -> None:
    with recorded() as statements:
        answer = await log_in(stranger, email, "not the password")
    with recorded() as others:
        other = await log_in(stranger, "somebody@else.example.com", "not the password")
    assert (
        answer
        == other
        == {
            "token": None,
            "expiresAt": None,
            "mustChangePassword": None,
            "user": None,
            "userErrors": [WRONG],
        }
    )
    assert len(compared) == 2
    assert len(statements) == len(others)
    # The same parameters, so the same work.
    assert {one.rpartition("$")[0].rpartition("$")[0] for one in compared} == {"$argon2id$v=19$m=19456,t=2,p=1"}


async def test_an_inactive_user_gets_the_same_error(
    people: People, installation: Installation, provider: Person, world: World, compared: list[str]
) -> None:
    async with installation.database():
        await User.filter(email_key=email_of("root").lower()).update(active=False)
        await ServiceProvider.filter(name="Southern Voice").update(active=False)
    await provider.change("setAccountActive", "account { id }", id=world["own"], active=False)
    for name in ("root", "ann", "fay", "rival"):
        assert (await people.login(name))["userErrors"] == [WRONG]
    assert len(compared) == 4
    assert (await people.login("sue"))["token"]


@pytest.mark.parametrize("given", ["x" * 10_000, "", "\0", "correct horse battery ", "🎧" * 300])
async def test_a_password_of_any_form_gets_the_same_error(people: People, given: str) -> None:
    assert (await people.login("ann", given))["userErrors"] == [WRONG]


async def test_a_password_is_the_same_on_every_keyboard() -> None:
    stored = await password.hash_password("caf\u00e9 au lait", claim())
    assert await password.matches("cafe\u0301 au lait", stored, claim())
    assert not await password.matches("cafe au lait", stored, claim())


async def test_two_passwords_are_verified_in_parallel_and_a_limited_number_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert password._threads._max_workers == 2
    monkeypatch.setattr(password, "LOGINS", FairSlots(3))
    found = await asyncio.gather(*(password.matches("x", None, claim()) for _ in range(5)), return_exceptions=True)
    assert [one for one in found if one is False] == [False] * 3
    assert [type(one) for one in found if isinstance(one, Exception)] == [RateLimited] * 2


async def test_one_caller_takes_at_most_a_quarter_of_the_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password, "LOGINS", FairSlots(8))
    many = [password.hash_password("x", claim("one")) for _ in range(5)]
    found = await asyncio.gather(*many, password.matches("x", None, claim("another")), return_exceptions=True)
    limited = [isinstance(one, RateLimited) for one in found]
    assert limited == [False] * 2 + [True] * 3 + [False]
    assert password.LOGINS.total == 0
    assert await password.hash_password("x", claim("one"))


def claim(*owners: str) -> password.Claim:
    return password.Claim(password.LOGINS, tuple((Quota.CALLER, owner) for owner in owners))


async def test_a_caller_with_too_many_waiting_passwords_delays_no_other(people: People) -> None:
    """One person's resets must not keep others from logging in."""
    new = "a new passphrase of mine"
    mutations = (
        f'resetPassword(input: {{id: "{people.ids["fay"]}", password: "{new}"}})',
        f'changePassword(input: {{currentPassword: "{PASSWORD}", newPassword: "{new}"}})',
        'createUser(input: {role: MANAGER, name: "Eve", email: "eve@example.com"})',
    )
    share = password.MAXIMUM_WAITING // 4
    with in_work(password.CHANGES, parse_sid(Kind.USER, people.ids["root"]), share):
        for mutation in mutations:
            answer = await people["root"].ask(f"mutation {{ {mutation} {{ userErrors {{ code }} }} }}")
            assert (answer.codes, answer.errors[0]["extensions"]["retryAfterSeconds"]) == (["RATE_LIMITED"], 5)
        assert (await people["bob"].change("resetPassword", "__typename", id=people.ids["ann"]))["userErrors"] == []
        assert (await people.login("root"))["token"]
    with in_work(password.LOGINS, "203.0.113.9", share):
        async with stranger_at(people, "203.0.113.9") as attacker:
            assert (await attacker.ask(_login("sue"))).codes == ["RATE_LIMITED"]
        assert (await people.login("sue"))["token"]
    async with people.installation.database():
        assert await LoginFailure.all().count() == 0


@contextmanager
def in_work(queue: FairSlots, caller: Hashable, number: int) -> Iterator[None]:
    """Fills the queue with waiting passwords of this caller."""
    with ExitStack() as slots:
        for _ in range(number):
            slots.enter_context(queue.slot()).add(Quota.CALLER, caller)
        yield


async def test_twenty_aliases_are_twenty_attempts(people: People, stranger: Person, compared: list[str]) -> None:
    fields = " ".join(
        f'a{number}: login(input: {{email: "{email_of("ann")}", password: "guess {number}"}}) {{ userErrors {{ code }} }}'
        for number in range(20)
    )
    answer = await stranger.ask(f"mutation {{ {fields} }}")
    assert len(compared) == login_throttle.MAXIMUM_BY_EMAIL_AND_NETWORK
    assert [value is not None for value in answer.data.values()] == [True] * 10 + [False] * 10
    assert answer.codes == ["RATE_LIMITED"] * 10
    again = await stranger.ask(_login("ann"))
    assert again.codes == ["RATE_LIMITED"]
    error = again.errors[0]
    assert error["message"] == "Too many failed attempts. Try again in 15 minutes."
    assert 0 < error["extensions"]["retryAfterSeconds"] <= 901
    assert datetime.fromisoformat(error["extensions"]["retryAt"]) > datetime.now(UTC)


def _login(name: str, given: str = PASSWORD) -> str:
    return f'mutation {{ login(input: {{email: "{email_of(name)}", password: "{given}"}}) {{ token }} }}'


async def test_a_network_that_tries_many_users_is_limited_too(
    people: People, stranger: Person, compared: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAXIMUM_BY_NETWORK", 6)
    for number in range(6):
        assert (await log_in(stranger, f"user{number}@people.example.com", "guess"))["userErrors"] == [WRONG]
    assert (await stranger.ask(_login("ann"))).codes == ["RATE_LIMITED"]
    async with stranger_at(people, "2001:db8::1") as elsewhere:
        assert (await log_in(elsewhere, email_of("ann"), PASSWORD))["token"]
    assert len(compared) == 7


@asynccontextmanager
async def stranger_at(people: People, address: str) -> AsyncIterator[Person]:
    """An unauthenticated client at this network address."""
    transport = httpx.ASGITransport(people.installation.app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://accounts.test") as client:
        yield Person(client, None)


async def test_an_attacker_locks_out_only_their_own_network(people: People, stranger: Person) -> None:
    """An attacker who knows Ann's address must not lock her out."""
    async with stranger_at(people, "203.0.113.9") as attacker:
        for _ in range(login_throttle.MAXIMUM_BY_EMAIL_AND_NETWORK):
            assert (await log_in(attacker, email_of("ann"), "guess"))["userErrors"] == [WRONG]
        assert (await attacker.ask(_login("ann"))).codes == ["RATE_LIMITED"]
        assert (await people.login("ann"))["token"]
        # Her successful login does not clear the attacker's failures.
        assert (await attacker.ask(_login("ann"))).codes == ["RATE_LIMITED"]


async def test_attempts_from_many_networks_are_limited_together(
    people: People, compared: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert login_throttle.MAXIMUM_BY_EMAIL == 100
    monkeypatch.setattr(login_throttle, "MAXIMUM_BY_EMAIL", 6)
    answers = []
    for number in range(9):
        async with stranger_at(people, f"203.0.113.{number}") as attacker:
            answers.append((await attacker.ask(_login("ann", "guess"))).codes)
    assert answers == [[]] * 6 + [["RATE_LIMITED"]] * 3
    assert len(compared) == 6


async def test_the_schema_states_the_limits_of_attempts(stranger: Person) -> None:
    query = '{ __type(name: "Mutation") { fields { name description } } }'
    fields = {field["name"]: field["description"] for field in (await stranger.ask(query)).only("__type")["fields"]}
    for limit in (
        login_throttle.MAXIMUM_BY_EMAIL_AND_NETWORK,
        login_throttle.MAXIMUM_BY_EMAIL,
        login_throttle.MAXIMUM_BY_NETWORK,
    ):
        assert f" {limit} " in fields["login"]
    assert f"within 15 minutes {login_throttle.MAXIMUM_DISCLOSURES} for one caller" in fields["createUser"]
    assert f" {login_throttle.MAXIMUM_DISCLOSURES_BY_OWNER} for all callers of one account" in fields["createUser"]


@pytest.mark.parametrize("mutation", ["login", "changePassword"])
async def test_an_attempt_rejected_by_a_full_queue_does_not_count_as_a_failure(
    people: People, monkeypatch: pytest.MonkeyPatch, mutation: str
) -> None:
    change = (
        f'mutation {{ changePassword(input: {{currentPassword: "{PASSWORD}", newPassword: "x"}}) {{ __typename }} }}'
    )
    with monkeypatch.context() as busy:
        for queue in ("LOGINS", "CHANGES"):
            busy.setattr(password, queue, FairSlots(0))
        for _ in range(login_throttle.MAXIMUM_BY_EMAIL_AND_NETWORK + 1):
            answer = await people["ann"].ask(_login("ann") if mutation == "login" else change)
            assert (answer.codes, answer.errors[0]["extensions"]["retryAfterSeconds"]) == (["RATE_LIMITED"], 5)
    async with people.installation.database():
        assert await LoginFailure.all().count() == 0
    assert (await people.login("ann"))["token"]


def test_an_ipv6_prefix_of_64_bits_is_one_network() -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2:ffff::1")
    assert network_of("2001:db8:1:2:3::4") != network_of("2001:db8:1:3:3::4")
    assert site_of(network_of("2001:db8:1:2::1")) == site_of(network_of("2001:db8:1:ff::1"))
    assert site_of(network_of("2001:db8:1:2::1")) != site_of(network_of("2001:db8:1:102::1"))
    assert site_of("192.0.2.7") == "192.0.2.7"
    assert network_of("::ffff:192.0.2.7") == network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("2001:db8:1:2:3::4%eth0") == network_of("2001:db8:1:2:3::4")
    assert network_of("a socket") == ""


async def test_concurrent_attempts_count_each_other(people: People, stranger: Person, compared: list[str]) -> None:
    await asyncio.gather(*(stranger.ask(_login("ann", f"guess {number}")) for number in range(25)))
    assert len(compared) <= login_throttle.MAXIMUM_BY_EMAIL_AND_NETWORK


async def test_the_wait_ends_and_the_right_password_clears_earlier_failures(
    people: People, installation: Installation, stranger: Person
) -> None:
    for _ in range(login_throttle.MAXIMUM_BY_EMAIL_AND_NETWORK):
        await stranger.ask(_login("ann", "guess"))
    assert (await stranger.ask(_login("ann"))).codes == ["RATE_LIMITED"]
    async with installation.database():
        oldest = await LoginFailure.all().order_by("tried_at").first()
        assert oldest is not None
        await LoginFailure.filter(id=oldest.id).update(
            tried_at=datetime.now(UTC) - login_throttle.WINDOW - timedelta(seconds=1)
        )
    assert (await people.login("ann"))["token"]
    async with installation.database():
        assert await LoginFailure.all().count() == 0


async def test_neither_password_nor_address_of_a_failed_login_is_stored(
    people: People, installation: Installation, stranger: Person
) -> None:
    await log_in(stranger, "my secret passphrase@here.example", "and my password")
    async with installation.database() as db:
        rows = await db.execute_query_dict("SELECT * FROM login_failures")
    assert len(rows) == 1
    assert "secret" not in str(rows)


async def test_a_session_stores_where_it_was_opened_and_a_user_has_at_most_fifty(
    people: People, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.users.sessions.MAXIMUM_SESSIONS", 3)
    installation.client.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) Gecko Firefox/130.0" + "x" * 500
    entered = [await people.login("ann") for _ in range(5)]
    ann = installation.holder(entered[-1]["token"])
    fields = "totalCount nodes { device userAgent address current }"
    sessions = (await ann.ask(f"{{ sessions {{ {fields} }} }}")).only("sessions")
    assert sessions["totalCount"] == 3
    newest = sessions["nodes"][0]
    assert (newest["device"], newest["address"], newest["current"]) == ("Firefox on Linux", "127.0.0.1", True)
    assert len(newest["userAgent"]) == 256
    async with installation.database():
        assert await Session.all().count() == 3 + len(people.ids) - 1


async def test_a_login_sent_with_an_api_key_opens_a_session(people: People, admin: Person) -> None:
    entered = await admin.change("login", "token user { account { name } }", email=email_of("ann"), password=PASSWORD)
    assert entered["token"].startswith("vgs_")
    assert entered["user"]["account"] == {"name": "Own customer"}


async def test_a_login_error_never_shows_which_part_was_wrong(people: People, stranger: Person) -> None:
    assert refusals(await people.login("ann", "wrong")) == [("WRONG_CREDENTIALS", None)]


async def test_networks_of_one_site_are_limited_together(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """256 IPv6 networks share the same 56 bits, which many customers get."""
    monkeypatch.setattr(login_throttle, "MAXIMUM_BY_NETWORK", 3)
    for number in range(6):
        async with stranger_at(people, f"2001:db8:0:{number:x}f::1") as attacker:
            assert (await attacker.ask(_login(f"user{number}", "guess"))).codes == []
    for address, codes in (("2001:db8:0:ff::1", ["RATE_LIMITED"]), ("2001:db8:0:100::1", []), ("203.0.113.9", [])):
        async with stranger_at(people, address) as client:
            assert (await client.ask(_login("ann"))).codes == codes, address


async def test_attempts_of_one_site_for_one_address_are_limited_together(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAXIMUM_BY_EMAIL_AND_NETWORK", 2)
    for number in range(4):
        async with stranger_at(people, f"2001:db8:0:{number:x}f::1") as attacker:
            assert (await attacker.ask(_login("ann", "guess"))).codes == []
    async with stranger_at(people, "2001:db8:0:ff::1") as attacker:
        assert (await attacker.ask(_login("ann"))).codes == ["RATE_LIMITED"]
        assert (await attacker.ask(_login("bob"))).codes == []


async def test_failed_logins_of_others_do_not_limit_password_changes(
    people: People, stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAXIMUM_BY_EMAIL", 3)
    for _ in range(3):
        assert (await stranger.ask(_login("ann", "guess"))).codes == []
    assert (await stranger.ask(_login("ann"))).codes == ["RATE_LIMITED"]
    given = {"currentPassword": PASSWORD, "newPassword": "four words make one"}
    assert refusals(await people["ann"].change("changePassword", "user { id }", **given)) == []


async def test_wrong_passwords_in_an_open_session_do_not_limit_logins(people: People, stranger: Person) -> None:
    text = 'mutation { changePassword(input: {currentPassword: "guess", newPassword: "four words"}) { userErrors { code } } }'
    answers = [await people["ann"].ask(text) for _ in range(11)]
    assert [answer.codes for answer in answers] == [[]] * 10 + [["RATE_LIMITED"]]
    other = await people.session("ann")
    assert (await other.ask(text)).codes == []
    assert (await stranger.ask(_login("ann"))).codes == []


VIEWER = "viewer { scope user { name } session { id current expiresAt idleEndsAt } canCreateUser }"


async def test_login_answers_the_caller_of_the_new_session(people: People, stranger: Person) -> None:
    payload = await stranger.change("login", f"token expiresAt {VIEWER}", email=email_of("ann"), password=PASSWORD)
    asked = await people.installation.holder(payload["token"]).ask(f"{{ {VIEWER} }}")
    assert payload["viewer"] == asked.only("viewer")
    assert payload["viewer"]["session"]["current"] is True
    assert payload["viewer"]["session"]["expiresAt"] == payload["expiresAt"]


async def test_a_failed_login_answers_no_caller(stranger: Person, people: People) -> None:
    payload = await stranger.change("login", VIEWER, email=email_of("ann"), password="wrong")
    assert payload["viewer"] is None


async def test_a_login_with_another_credential_answers_no_caller(people: People, admin: Person) -> None:
    payload = await admin.change("login", f"token {VIEWER}", email=email_of("ann"), password=PASSWORD)
    assert payload["token"]
    assert payload["viewer"] is None


async def test_an_unauthenticated_login_selects_only_what_is_the_callers_own(people: People, stranger: Person) -> None:
    """Otherwise the answer would show which fields of other types there are, without authentication."""
    login = f'login(input: {{email: "{email_of("ann")}", password: "{PASSWORD}"}})'
    answer = await stranger.ask(f"mutation {{ {login} {{ viewer {{ account {{ id }} }} }} }}")
    assert answer.codes == ["UNAUTHENTICATED"]
