"""Passwords: the policy, who changes whose, and what a session with a temporary password may do."""

import asyncio
import json
from typing import Any

import pytest
from tortoise import connections
from tortoise.backends.base.client import TransactionalDBClient

from app.foundation.identifiers import Kind, parse_sid
from app.foundation.user_errors import ErrorCollector
from app.users import password, policy
from app.users.model import PasswordPolicy, Session, User
from tests.audit.test_audit import events
from tests.support.installation import Installation, Person, refusals
from tests.support.messages import SELECTION
from tests.support.personas import PASSWORD, People, email_of, stored

POLICY = "{ passwordPolicy { minimumLength maximumLength needsDigit needsSymbol refusesCommon rules version } }"
NEW = "a new passphrase of mine"
CLAIM = password.Claim(password.CHANGES)


async def test_the_policy_is_readable_without_authentication(stranger: Person) -> None:
    assert (await stranger.ask(POLICY)).only("passwordPolicy") == {
        "minimumLength": 10,
        "maximumLength": 256,
        "needsDigit": False,
        "needsSymbol": False,
        "refusesCommon": True,
        "rules": [
            "At least 10 and at most 256 characters.",
            "Not one of the most common passwords.",
            "Not the e-mail address.",
        ],
        "version": 1,
    }


@pytest.mark.settings(anonymous_introspection=False)
async def test_without_introspection_unauthenticated_clients_can_still_log_in_and_read_the_policy(
    people: People, stranger: Person
) -> None:
    assert (await people.login("ann"))["token"]
    assert (await stranger.ask(POLICY)).only("passwordPolicy")["version"] == 1
    for query in ("{ __schema { types { name } } passwordPolicy { version } }", "{ viewer { scope } }", "{ nonsense }"):
        assert (await stranger.ask(query)).codes == ["UNAUTHENTICATED"]


async def test_an_unauthenticated_operation_with_a_login_reads_only_the_new_user(
    people: People, stranger: Person
) -> None:
    """Other root fields of the operation still need authentication."""
    given = f'input: {{email: "{email_of("ann")}", password: "{PASSWORD}"}}'
    for query in (
        f"mutation {{ login({given}) {{ user {{ account {{ webhookSecret }} }} }} }}",
        f"mutation {{ login({given}) {{ ...p }} }} fragment p on LoginPayload {{ user {{ ... {{ account {{ id }} }} }} }}",
        f"mutation {{ login({given}) {{ user {{ ... on Node {{ ... on Account {{ id }} }} }} }} }}",
        f'mutation {{ login({given}) {{ token }} createApiKey(input: {{name: "x"}}) {{ token }} }}',
        f"mutation {{ login({given}) {{ token }} logout {{ loggedOut }} }}",
        "{ passwordPolicy { version } accounts { totalCount } }",
    ):
        answer = await stranger.ask(query)
        assert (answer.codes, answer.data) == (["UNAUTHENTICATED"], None), query
    async with people.installation.database():
        assert await Session.all().count() == len(people.ids)


async def test_the_payload_of_login_has_the_new_users_viewer_can_fields(people: People, stranger: Person) -> None:
    answer = await stranger.ask(
        f'mutation {{ login(input: {{email: "{email_of("boss")}", password: "{PASSWORD}"}}) '
        "{ user { name viewerCanUpdate viewerCanResetPassword scope } } }"
    )
    assert answer.only("login")["user"] == {
        "name": "Boss",
        "viewerCanUpdate": True,
        "viewerCanResetPassword": True,
        "scope": "SERVICE_PROVIDER",
    }


async def test_admins_set_the_policy_and_it_applies_to_the_next_password(people: People, stranger: Person) -> None:
    fields = "passwordPolicy { minimumLength needsDigit needsSymbol version rules }"
    payload = await people["root"].change(
        "updatePasswordPolicy", fields, minimumLength=12, needsDigit=True, needsSymbol=True, ifVersion=1
    )
    assert payload["passwordPolicy"]["version"] == 2
    assert len(payload["passwordPolicy"]["rules"]) == 5
    again = await people["root"].change("updatePasswordPolicy", fields, needsDigit=False, ifVersion=1)
    assert refusals(again) == [("CONFLICT", ["ifVersion"])]
    assert (await stranger.ask(POLICY)).only("passwordPolicy")["needsDigit"] is True
    refused = await people["ann"].change(
        "changePassword", "user { id }", currentPassword=PASSWORD, newPassword="shortone"
    )
    assert [error["message"] for error in refused["userErrors"]] == [
        "The password needs at least 12 characters.",
        "The password needs a digit.",
        "The password needs a character that is neither a letter nor a digit.",
    ]


@pytest.mark.parametrize("minimum", [7, 65, -1, 2**31 - 1])
async def test_a_minimum_length_out_of_range_is_rejected(people: People, minimum: int) -> None:
    payload = await people["root"].change("updatePasswordPolicy", "passwordPolicy { version }", minimumLength=minimum)
    assert refusals(payload) == [("OUT_OF_RANGE", ["minimumLength"])]


async def test_a_rule_of_the_policy_cannot_be_null(people: People) -> None:
    payload = await people["root"].change("updatePasswordPolicy", "__typename", needsDigit=None, minimumLength=None)
    assert refusals(payload) == [("REQUIRED", ["minimumLength"]), ("REQUIRED", ["needsDigit"])]


async def test_two_concurrent_first_changes_of_the_policy_both_succeed(people: People) -> None:
    made = await asyncio.gather(
        people["root"].change("updatePasswordPolicy", "passwordPolicy { version }", needsDigit=True),
        people["root"].change("updatePasswordPolicy", "passwordPolicy { version }", needsSymbol=True),
    )
    assert sorted(payload["passwordPolicy"]["version"] for payload in made) == [2, 3]
    async with people.installation.database():
        assert await PasswordPolicy.all().count() == 1


@pytest.mark.parametrize(
    ("new", "codes"),
    [
        ("sunshine", ["INVALID", "INVALID"]),
        ("QwertyUiop", ["INVALID"]),
        ("x" * 257, ["TOO_LONG"]),
        ("x" * 10_000, ["TOO_LONG"]),
        ("", ["INVALID"]),
        (PASSWORD, ["INVALID"]),
        (email_of("ann").upper(), ["INVALID"]),
        ("🎧" * 10, []),
        ("pass phrase\twith\0all", []),
    ],
)
async def test_a_new_password_must_satisfy_the_policy(people: People, new: str, codes: list[str]) -> None:
    payload = await people["ann"].change("changePassword", "user { id }", currentPassword=PASSWORD, newPassword=new)
    assert refusals(payload) == [(code, ["newPassword"]) for code in codes]
    assert "sunshine" not in json.dumps(payload)
    assert bool((await people.login("ann", new))["token"]) == (not codes or new == PASSWORD)


async def test_all_errors_of_a_password_change_are_returned_together(people: People) -> None:
    payload = await people["ann"].change("changePassword", "user { id }", currentPassword="wrong", newPassword="short")
    assert refusals(payload) == [("WRONG_CREDENTIALS", ["currentPassword"]), ("INVALID", ["newPassword"])]


async def test_wrong_current_passwords_in_one_session_are_limited(people: People) -> None:
    ask = 'mutation { changePassword(input: {currentPassword: "guess", newPassword: "whatever it is"}) { userErrors { code } } }'
    answers = [await people["ann"].ask(ask) for _ in range(11)]
    assert [answer.codes for answer in answers] == [[]] * 10 + [["RATE_LIMITED"]]


async def test_a_password_change_ends_all_other_sessions(people: People, installation: Installation) -> None:
    other = await people.session("ann")
    payload = await people["ann"].change(
        "changePassword", "user { id mustChangePassword version }", currentPassword=PASSWORD, newPassword=NEW
    )
    assert payload["user"] == {"id": people.ids["ann"], "mustChangePassword": False, "version": 2}
    assert (await other.ask("{ viewer { scope } }")).status == 401
    assert (await people["ann"].ask("{ viewer { scope } }")).status == 200
    assert refusals(await people.login("ann")) == [("WRONG_CREDENTIALS", None)]
    assert (await people.login("ann", NEW))["token"]


async def test_of_two_concurrent_password_changes_one_gets_a_conflict(people: People) -> None:
    other = await people.session("ann")
    made = await asyncio.gather(
        people["ann"].change(
            "changePassword", "user { id }", currentPassword=PASSWORD, newPassword="the first passphrase"
        ),
        other.ask(
            f'mutation {{ changePassword(input: {{currentPassword: "{PASSWORD}", newPassword: "the other passphrase"}}) '
            "{ userErrors { code } } }"
        ),
    )
    worked = [
        bool((await people.login("ann", new))["token"]) for new in ("the first passphrase", "the other passphrase")
    ]
    assert sorted(worked) == [False, True], made


async def test_a_password_that_another_request_changes_first_is_a_conflict(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    hash_password = password.hash_password

    async def late(new: str, claim: password.Claim) -> str:
        await User.filter(id=parse_sid(Kind.USER, people.ids["ann"])).update(
            password_hash=stored("the first passphrase")
        )
        return await hash_password(new, claim)

    monkeypatch.setattr(password, "hash_password", late)
    payload = await people["ann"].change(
        "changePassword", SELECTION, currentPassword=PASSWORD, newPassword="the other passphrase"
    )
    assert payload["userErrors"] == [
        {
            "rule": "PASSWORD_CHANGED_BY_ANOTHER_REQUEST",
            "code": "CONFLICT",
            "field": None,
            "message": "The password was changed by another request. Try again.",
            "arguments": [],
        }
    ]


async def test_a_session_with_a_temporary_password_can_only_change_it(people: People, world_of_ann: Person) -> None:
    ann = world_of_ann
    for query in (
        "{ accounts { totalCount } }",
        "{ viewer { account { name } } }",
        "{ viewer { user { account { webhookSecret } } } }",
        "{ viewer { scope } accounts { totalCount } }",
        "{ sessions { totalCount } }",
        f'{{ node(id: "{people.ids["ann"]}") {{ id }} }}',
        'mutation { createApiKey(input: {name: "x"}) { token } }',
        "mutation { logoutEverywhere(input: {}) { ended } }",
        'mutation { logout { loggedOut } createApiKey(input: {name: "x"}) { token } }',
    ):
        answer = await ann.ask(query)
        assert (answer.codes, answer.data) == (["FORBIDDEN"], None), query
        assert answer.errors[0]["extensions"]["reason"] == "PASSWORD_CHANGE_REQUIRED"
        assert all(f"`{name}`" in answer.errors[0]["message"] for name in ("viewer", "passwordPolicy", "logout"))
    allowed = "{ viewer { scope mustChangePassword user { name email } session { device } } passwordPolicy { rules } }"
    viewer = (await ann.ask(allowed)).only("viewer")
    assert viewer["mustChangePassword"] is True
    assert viewer["user"]["name"] == "Ann"
    assert (await ann.ask("mutation { logout { loggedOut } }")).only("logout") == {"loggedOut": True}
    assert (await ann.ask("{ viewer { scope } }")).status == 401


@pytest.fixture
async def world_of_ann(people: People) -> Person:
    """Ann, who must change her password."""
    async with people.installation.database():
        await User.filter(email_key=email_of("ann").lower()).update(must_change_password=True)
    return people["ann"]


@pytest.mark.parametrize("name", ["admin", "provider", "account_user"])
async def test_an_api_key_cannot_change_or_reset_a_password(
    people: People, installation: Installation, name: str
) -> None:
    key = installation.person(name)
    for mutation in (
        f'resetPassword(input: {{id: "{people.ids["ann"]}", password: "{NEW}"}})',
        f'changePassword(input: {{currentPassword: "{PASSWORD}", newPassword: "{NEW}"}})',
    ):
        answer = await key.ask(f"mutation {{ {mutation} {{ userErrors {{ code }} }} }}")
        assert answer.codes == ["FORBIDDEN"]
        assert answer.errors[0]["extensions"]["requiredCaller"] == "USER"
    assert (await people.login("ann"))["token"]


async def test_a_reset_returns_a_temporary_password_once_and_ends_the_sessions(people: People) -> None:
    payload = await people["boss"].change(
        "resetPassword", "temporaryPassword user { mustChangePassword }", id=people.ids["ann"]
    )
    assert payload["user"] == {"mustChangePassword": True}
    assert (await people["ann"].ask("{ viewer { scope } }")).status == 401
    assert (await people.login("ann"))["token"] is None
    assert (await people.login("ann", payload["temporaryPassword"]))["mustChangePassword"] is True


async def test_a_reset_with_a_given_password_does_not_return_it(people: People) -> None:
    payload = await people["bob"].change("resetPassword", "temporaryPassword", id=people.ids["ann"], password=NEW)
    assert payload == {"temporaryPassword": None, "userErrors": []}
    assert (await people.login("ann", NEW))["mustChangePassword"] is True
    short = await people["bob"].change("resetPassword", "temporaryPassword", id=people.ids["ann"], password="short")
    assert refusals(short) == [("INVALID", ["password"])]


@pytest.mark.parametrize(
    ("by", "whose"), [("ann", "sue"), ("ann", "boss"), ("ann", "root"), ("boss", "rival"), ("boss", "fay")]
)
async def test_no_caller_resets_a_password_outside_their_tenant_scope(people: People, by: str, whose: str) -> None:
    payload = await people[by].change("resetPassword", "temporaryPassword", id=people.ids[whose], password=NEW)
    assert refusals(payload) == [("NOT_FOUND", ["id"])]
    assert (await people.login(whose))["token"]


async def test_no_person_resets_their_own_password(people: People) -> None:
    """Otherwise a stolen session could take over the user."""
    payload = await people["ann"].change("resetPassword", "temporaryPassword", id=people.ids["ann"])
    assert refusals(payload) == [("INVALID", ["id"])]


@pytest.mark.parametrize("minimum", range(8, 65, 8))
def test_a_temporary_password_satisfies_every_policy(minimum: int) -> None:
    rules = PasswordPolicy(minimum_length=minimum, needs_digit=True, needs_symbol=True)
    made = {policy.temporary_password(rules) for _ in range(50)}
    assert len(made) == 50
    for one in made:
        problems = ErrorCollector()
        policy.check(rules, one, "ann@example.com", problems)
        assert problems.found == []


def test_the_common_passwords_are_the_long_ones_of_a_published_list() -> None:
    assert len(policy._common()) > 1900
    assert all(len(one) >= policy.LOWEST_MINIMUM_LENGTH for one in policy._common())
    assert {"password", "12345678", "iloveyou", "passw0rd"} <= policy._common()


async def test_the_stored_hash_is_argon2id_with_the_recommended_parameters() -> None:
    first, second = await password.hash_password(NEW, CLAIM), await password.hash_password(NEW, CLAIM)
    assert first != second
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_wrong_current_password_is_audited(people: People) -> None:
    payload = await people["ann"].change("changePassword", "user { id }", currentPassword="guess", newPassword=NEW)
    assert refusals(payload) == [("WRONG_CREDENTIALS", ["currentPassword"])]
    (event,) = await events(people["bob"])
    assert (event["operation"], event["objectId"]) == ("changePassword", people.ids["ann"])
    assert event["changes"] == [{"field": "refused", "before": None, "after": "true"}]


@pytest.mark.parametrize(
    ("mutation", "given"),
    [
        ("createUser", {"role": "MANAGER", "name": "New", "email": "new@example.com", "idempotencyKey": "one"}),
        ("changePassword", {"currentPassword": PASSWORD, "newPassword": NEW}),
        ("resetPassword", {"id": "bob"}),
        ("login", {"email": email_of("ann"), "password": PASSWORD}),
    ],
)
async def test_no_password_is_hashed_inside_a_transaction(
    people: People, monkeypatch: pytest.MonkeyPatch, mutation: str, given: dict[str, str]
) -> None:
    """Hashing takes 30 ms, during which other requests need the connection."""
    within: list[bool] = []
    before = password._in_thread

    async def in_thread(*given: Any) -> Any:
        within.append(isinstance(connections.get("default"), TransactionalDBClient))
        return await before(*given)

    monkeypatch.setattr(password, "_in_thread", in_thread)
    given = {name: people.ids.get(value, value) for name, value in given.items()}
    assert (await people["ann"].change(mutation, "__typename", **given))["userErrors"] == []
    assert within
    assert not any(within)
