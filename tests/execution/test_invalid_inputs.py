"""The work for invalid input is limited by its length. It is counted here; `make bench` measures the time."""

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import graphql
import pytest
from graphql.pyutils import inspect, suggestion_list

from app.execution import documents
from app.execution.limits import document_size
from app.foundation import errors
from app.foundation.errors import MAXIMUM_MESSAGE_CHARACTERS, without_values
from tests.execution.invalid_inputs import ANONYMOUS, CALLER, GATEWAY, Body, invalid, invalid_variables
from tests.support.installation import Installation, Person

# The errors that graphql-core creates to report one, and those that Strawberry and this server create for each.
ERRORS = 4 * (document_size.MAXIMUM_ERRORS + 1)


@dataclass
class Work:
    """The work since the last reset."""

    errors: int = 0
    suggestions: int = 0
    scanned: int = 0
    printed: int = 0
    validated: int = 0


class Counted:
    """A pattern that counts the characters it scans."""

    def __init__(self, pattern: re.Pattern[str], work: Work) -> None:
        self._pattern, self._work = pattern, work

    def sub(self, instead: str, text: str) -> str:
        self._work.scanned += len(text)
        return self._pattern.sub(instead, text)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    done = Work()

    def counted(function: Callable[..., Any], count: Callable[[Any], None]) -> None:
        """Patches every module of graphql-core and of this server that has imported it."""

        def counting(*args: Any, **options: Any) -> Any:
            result = function(*args, **options)
            count(result)
            return result

        for module in list(_modules()):
            for name, value in list(vars(module).items()):
                if value is function:
                    monkeypatch.setattr(module, name, counting)

    def add(name: str, of: Callable[[Any], int] = lambda _: 1) -> Callable[[Any], None]:
        return lambda result: setattr(done, name, getattr(done, name) + of(result))

    made = graphql.GraphQLError.__init__

    def making(self: Any, *args: Any, **options: Any) -> None:
        done.errors += 1
        made(self, *args, **options)

    monkeypatch.setattr(graphql.GraphQLError, "__init__", making)
    counted(suggestion_list, add("suggestions"))
    counted(inspect, add("printed", len))
    counted(graphql.language.printer.print_for_error, add("printed", len))
    counted(graphql.validate, add("validated"))
    monkeypatch.setattr(errors, "_VALUES", [(Counted(pattern, done), instead) for pattern, instead in errors._VALUES])
    return done


def _modules() -> Iterator[Any]:
    return (module for name, module in list(sys.modules.items()) if name.startswith(("graphql.", "app.execution.")))


# The kinds of the benchmark that cause the most work.
NAMES = ("short", "misspelt", "long")
PATTERNS = len(errors._VALUES)


async def assert_bounded(person: Person, bodies: dict[str, Body], work: Work) -> None:
    """Each causes little work; its messages have a path and repeat no long value."""
    for name, body in bodies.items():
        work.__init__()  # type: ignore[misc]
        response = await person.client.post("/graphql", json=body, headers=person.headers)
        assert response.status_code < 500, name
        length = len(str(body))
        assert work.suggestions == 0, name
        assert work.errors <= ERRORS, (name, work)
        assert work.scanned <= ERRORS * PATTERNS * (MAXIMUM_MESSAGE_CHARACTERS + 1), (name, work)
        assert work.printed <= 2 * length + ERRORS * MAXIMUM_MESSAGE_CHARACTERS, (name, work)
        for error in response.json().get("errors", ()):
            assert len(error["message"]) <= MAXIMUM_MESSAGE_CHARACTERS + 100, name
            assert len(error.get("locations") or ()) <= documents.MAXIMUM_LOCATIONS, name


async def test_invalid_input_of_unauthenticated_callers_costs_little(shared: Installation, work: Work) -> None:
    await assert_bounded(shared.person(None), invalid(ANONYMOUS, NAMES), work)


async def test_invalid_input_of_authenticated_callers_costs_little(shared: Installation, work: Work) -> None:
    await assert_bounded(shared.person("admin"), invalid(CALLER, NAMES), work)


async def test_invalid_reports_of_a_gateway_cost_little(admin: Person, work: Work) -> None:
    # A gateway's documents have the same limits as those of other callers.
    made = await admin.change(
        "createApiKey", "token", name="gateway", accessLevel="GATEWAY", owner={"installation": True}
    )
    await assert_bounded(Person(admin.client, made["token"]), invalid_variables(GATEWAY, NAMES), work)


@pytest.mark.settings(anonymous_introspection=False)
async def test_an_unauthenticated_document_is_validated_only_if_all_of_it_is_open(
    installation: Installation, work: Work
) -> None:
    stranger = installation.person(None)
    for query in (
        "{ accounts { totalCount } }",
        "{ unknown }",
        "{ __schema { types { name } } }",
        "{ ...f } fragment f on Query { passwordPolicy { minimumLength } accounts { totalCount } }",
        "query a { __typename } query b { viewer { scope } }",
        "subscription { callEvents { at } }",
    ):
        assert (await stranger.ask(query)).codes == ["UNAUTHENTICATED"]
    assert work.validated == 0
    assert not (await stranger.ask("{ __typename passwordPolicy { minimumLength } }")).errors
    assert work.validated > 0


@pytest.mark.parametrize("times", [1, 10, 1_000, 20_000])
def test_a_long_value_that_looks_like_a_message_is_removed(times: int) -> None:
    text = "Value 'secret" * times
    for message in (f"Value '{text}' does not exist in 'Kind' enum.", f"String cannot represent value: {text}"):
        assert "secret" not in without_values(message)


async def test_an_undefined_variable_of_a_one_of_input_is_named(admin: Person) -> None:
    answer = await admin.ask(
        'mutation { createUser(input: {role: VIEWER, email: "a@b.example", name: "A", owner: {accountId: $x}}) { __typename } }'
    )
    assert [error["message"] for error in answer.errors] == ["Variable '$x' is not defined."]


async def test_a_one_of_input_may_be_in_a_fragment_before_the_operation(admin: Person) -> None:
    answer = await admin.ask(
        "fragment f on Mutation"
        ' { createUser(input: {role: VIEWER, email: "a", name: "A", owner: {accountId: $x}}) { __typename } }'
        " mutation ($x: ID) { ...f }",
        x="AC",
    )
    assert [error["message"] for error in answer.errors] == [
        "Variable 'x' must be non-nullable to be used for OneOf Input Object 'UserOwnerInput'."
    ]
