"""Any value in any field of any mutation is accepted or is an error of its field, and never a database error."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import GraphQLNonNull, GraphQLObjectType

from tests.invariants.schema_walk import (
    QUERIES,
    Input,
    Path,
    fields_of,
    input_type,
    inputs,
    leaves,
    replaced,
    selection,
    send,
    tells_of_the_database,
    user_errors_of,
    with_everything,
)
from tests.support.access_matrix import RowSnapshot
from tests.support.database_contents import changed, contents
from tests.support.installation import Answer, Installation, Person, World
from tests.support.personas import People, add_people
from tests.support.servers.postgres import Postgres

pytestmark = pytest.mark.long

EMOJI = "👩‍👩‍👧 Zoë 🎧"
LONG = "x" * 10_000
ODD_TEXTS = [
    *("", " ", "a\0b", "\x07bell", "\u202eright to left", "ﷺ" * 64, EMOJI, "'; DROP TABLE accounts; --", "%_\\"),
    *("../../etc/passwd", "https://[", "http://xn--a.example.com", "https://h.example.com:99999999", "AC" + "0" * 32),
]
# A failed login does not say which of them was wrong.
CREDENTIALS = {"email", "password", "currentPassword"}
NUMBERS = [-(2**31), -1, 0, 1, 2**31 - 1]
TIMES = [
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"),
    *("1969-12-31T23:59:59.999999Z", "2038-01-19T03:14:08Z", "2100-02-28T24:00:00Z"),
]


class Walk:
    """Sends one mutation after the other as an admin, and undoes what each changed."""

    def __init__(self, installation: Installation, people: People, kept: RowSnapshot, connection: Any) -> None:
        self.inputs = inputs(installation.world, people)
        self.connection = connection
        self.person, self._kept, self._nobody = people["root"], kept, installation.person(None)

    def places(self, *types: str) -> list[tuple[str, Input, Path]]:
        return [
            (mutation, given, path)
            for mutation, values in self.inputs.items()
            for given in values
            for path, name, _ in leaves(input_type(mutation), given)
            if name in types
        ]

    async def send(self, mutation: str, given: Input) -> Answer:
        person = self._nobody if mutation == "login" else self.person
        answer = await send(person, mutation, given)
        if not user_errors_of(answer, mutation) or mutation in ("login", "changePassword"):
            # Accounts and applications refer to each other.
            pointers = "device_calling_application_id = NULL, siprec_application_id = NULL"
            await self.connection.execute_query(f"UPDATE accounts SET {pointers}")
            await self._kept.put_back()
        return answer


@pytest.fixture(scope="module")
async def walk(template: World, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Walk]:
    """One for all tests of this file, since it leaves everything as it was."""
    url = postgres.copy("template_world")
    async with Installation.started(template, tmp_path_factory.mktemp("walk"), url) as installation:
        await with_everything(installation)
        people = await add_people(installation)
        async with installation.database() as connection:
            kept = RowSnapshot(connection)
            await kept.keep()
            yield Walk(installation, people, kept, connection)
    postgres.drop(url)


def assert_named(answer: Answer, mutation: str, path: Path, value: Any) -> None:
    """A user error names the field, or the object that contains it, and no other error occurs."""
    what = (mutation, path, value[:40] if isinstance(value, str) else value, answer.body)
    assert not answer.errors, what
    for _, field in user_errors_of(answer, mutation):
        is_credential = mutation == "login" and path[-1] in CREDENTIALS
        assert is_credential or (field is not None and field == list(path[: len(field)])), what
    assert tells_of_the_database(answer) == [], what


async def test_overlong_input_is_an_error_of_its_field_and_not_a_database_error(walk: Walk) -> None:
    tested = {"verifyRecordingStorage"}  # an invalid draft fails the first step instead
    unchanged = frozenset({"login_failures", "audit_events"})
    for mutation, given, path in walk.places("String", "ID"):
        before = await contents(walk.connection, without=unchanged)
        for text in (LONG, lengthened(value_at(given, path))):
            answer = await walk.send(mutation, replaced(given, path, text))
            assert_named(answer, mutation, path, text)
            assert user_errors_of(answer, mutation) or mutation in tested, (mutation, path, "was taken")
        assert changed(before, await contents(walk.connection, without=unchanged)) == {}, (mutation, path)


def value_at(given: Any, path: Path) -> str:
    for step in path:
        given = given[int(step)] if isinstance(given, list) else given[step]
    return str(given)


def lengthened(text: str) -> str:
    """A text of the same form, valid except for its length."""
    if "://" in text:
        return f"{text}/{LONG}"
    return f"{'x.' * 5_000}{text}" if text.endswith(".example.com") and "@" not in text else f"{LONG}{text}"


@pytest.mark.parametrize("text", ODD_TEXTS, ids=lambda text: ascii(text)[:24])
async def test_unusual_text_is_accepted_or_an_error_of_its_field(walk: Walk, text: str) -> None:
    for mutation, given, path in walk.places("String", "ID"):
        assert_named(await walk.send(mutation, replaced(given, path, text)), mutation, path, text)


async def test_extreme_numbers_are_accepted_or_an_error_of_their_field(walk: Walk) -> None:
    for mutation, given, path in walk.places("Int"):
        for number in NUMBERS:
            answer = await walk.send(mutation, replaced(given, path, number))
            assert_named(answer, mutation, path, number)


async def test_extreme_times_are_accepted_or_an_error_of_their_field(walk: Walk) -> None:
    for mutation, given, path in walk.places("DateTime"):
        for time in TIMES:
            answer = await walk.send(mutation, replaced(given, path, time))
            if answer.codes != ["BAD_USER_INPUT"]:  # not a valid time
                assert_named(answer, mutation, path, time)


NAMED = {
    "changeName",
    "createAccount",
    "updateAccount",
    "createServiceProvider",
    "updateServiceProvider",
    "createApiKey",
} | {*("updateApiKey", "createApplication", "updateApplication", "createUser", "updateUser")}


async def test_a_name_with_emoji_works(walk: Walk) -> None:
    walked = set()
    for mutation, given, path in walk.places("String"):
        if path == ("name",):
            answer = await walk.send(mutation, replaced(given, path, EMOJI))
            assert user_errors_of(answer, mutation) == [], (mutation, answer.body)
            walked.add(mutation)
    assert walked == NAMED


async def test_a_name_with_emoji_is_returned_unchanged(installation: Installation, admin: Person) -> None:
    world = installation.world
    for mutation, object_, id_ in (
        ("updateAccount", "account", world["own"]),
        ("updateServiceProvider", "serviceProvider", world["provider"]),
        ("updateApiKey", "apiKey", world["account_user_key"]),
        ("updateApplication", "application", world["own_application"]),
    ):
        answer = await send(admin, mutation, {"id": id_, "name": EMOJI}, f"{object_} {{ name }}")
        assert answer.only(mutation)[object_]["name"] == EMOJI
    found = (await admin.ask("query ($t: String!) { accounts(filter: {search: $t}) { totalCount } }", t="🎧")).only(
        "accounts"
    )
    assert found["totalCount"] == 1


def query_places() -> list[tuple[str, str, Path]]:
    """Each text, number and time argument of the queries: the field, the argument and the path within it."""
    return [
        (name, argument, tuple(field.split(".")) if field else ())
        for name, one in QUERIES.items()
        for argument, declared in one.args.items()
        for field in sorted(fields_of(_named(declared.type)))
    ]


def _named(type_: Any) -> Any:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


ODD_VALUES = [*ODD_TEXTS, LONG, *NUMBERS, *TIMES, True, [], {}]


async def test_unusual_arguments_of_queries_cause_no_database_error(walk: Walk) -> None:
    for name, argument, path in query_places():
        one = QUERIES[name]
        needed = {arg: "AC" for arg, declared in one.args.items() if isinstance(declared.type, GraphQLNonNull)}
        needed = {arg: value for arg, value in needed.items() if str(one.args[arg].type) == "ID!"}
        below = selection(one.type, 1) if isinstance(_bare(one.type), GraphQLObjectType) else " { __typename }"
        for value in ODD_VALUES:
            given = {**needed, argument: replaced({}, path, value) if path else value}
            declared = ", ".join(f"${arg}: {one.args[arg].type}" for arg in given)
            passed = ", ".join(f"{arg}: ${arg}" for arg in given)
            answer = await walk.person.ask(f"query ({declared}) {{ {name}({passed}){below} }}", **given)
            what = (name, argument, path, str(value)[:40], answer.errors)
            assert set(answer.codes) <= {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}, what
            assert tells_of_the_database(answer) == [], what


def _bare(type_: Any) -> Any:
    while hasattr(type_, "of_type"):
        type_ = type_.of_type
    return type_
