"""Compiled operations give exactly the responses of the reference executor, and their SQL contains no value of a caller.

`SEED=7 N=2000 pytest tests/execution/test_compiled.py` asks other and more questions.
"""

import asyncio
import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import orjson
import pytest
from graphql import OperationDefinitionNode, parse
from tortoise import Tortoise

from app.execution.compiler.arguments import arguments_of
from app.execution.compiler.compile import compile_query
from app.execution.compiler.plans import MAXIMUM_PLANS
from app.execution.compiler.run import CompiledPlan
from app.execution.limits import deadline
from app.execution.operations import Operations
from app.server.lifespan import Server
from app.server.schema import schema
from tests.execution.random_queries import VARIABLES, RandomQueries
from tests.support.installation import Answer, Installation, Person, World
from tests.support.statements import recorded

SEED, N = int(os.environ.get("SEED", "20261122")), int(os.environ.get("N", "120"))
# Fields that requests themselves change.
LEFT_OUT = {"lastUsedAt", "lastUsedAddress", "previousSecretLastUsedAt"}
# Selecting the one adds rows to the other.
READS, TRAIL = {"webhookSecret"}, {"auditEvents"}
DENIED = {
    "admin": set[str](),
    "provider": {"usageLimit", "licensedSessions", "apiKeys"},
    "account_user": {"usageLimit", "licensedSessions", "serviceProvider", "serviceProviders"},
    "read_only": {"usageLimit", "licensedSessions", "serviceProvider", "serviceProviders", "webhookSecret"},
}


def operations_of(installation: Installation) -> Operations:
    server: Server = installation.app.state.server
    return server._operations


@contextmanager
def reference_executor(installation: Installation) -> Iterator[None]:
    """Sets COMPILED_OPERATIONS=off for the block."""
    operations = operations_of(installation)
    compiles, operations._compiles = operations._compiles, False
    try:
        yield
    finally:
        operations._compiles = compiles


async def ask_both(installation: Installation, person: Person, query: str, **variables: Any) -> tuple[Answer, Answer]:
    compiled = await person.ask(query, **variables)
    with reference_executor(installation):
        return compiled, await person.ask(query, **variables)


def plans(installation: Installation) -> list[Any]:
    """All plans that were compiled."""
    documents = operations_of(installation)._admission.documents.cache.entries()
    return [plan for each in documents for operation in each.operations.values() for plan in operation.plans.all()]


async def cursors(person: Person) -> dict[str, list[str]]:
    query = """{
        accounts(first: 1) { edges { cursor } }
        created: accounts(first: 1, orderBy: {field: CREATED_AT}) { edges { cursor } }
        below: accounts(first: 1) {
            nodes { apiKeys(first: 1) { edges { cursor } } applications(first: 1) { edges { cursor } } }
        }
    }"""
    data = (await person.ask(query)).data
    below = data["below"]["nodes"][0]
    return {
        "accounts": [edge["cursor"] for edge in data["accounts"]["edges"]],
        "apiKeys": [edge["cursor"] for edge in below["apiKeys"]["edges"]],
        "applications": [edge["cursor"] for edge in below["applications"]["edges"]],
    }


@pytest.mark.parametrize("name", list(DENIED))
async def test_random_queries_have_the_same_response_from_both_executors(
    installation: Installation, world: World, name: str
) -> None:
    person, alike = installation.person(name), 0
    ids, found = [*world.ids.values(), f"AC{'0' * 32}", ""], await cursors(person)
    left_out = LEFT_OUT | DENIED[name]
    some = [
        RandomQueries(schema._schema, SEED, ids=ids, without=frozenset(left_out | other), cursors=found).some(count)
        for other, count in ((READS, N // 3), (TRAIL, N - N // 3))
    ]
    for query in itertools.chain(*some):
        compiled, expected = await ask_both(installation, person, query, **VARIABLES)
        # As text, since the order of the keys matters too.
        assert orjson.dumps(compiled.data) == orjson.dumps(expected.data), query
        assert [error["message"] for error in compiled.errors] == [error["message"] for error in expected.errors], query
        alike += not expected.errors
    assert alike > N / 4, "too few questions had an answer for this to compare much"
    assert len(plans(installation)) > N / 4, "too few of them were compiled"


async def test_a_statement_holds_names_of_the_models_keywords_and_placeholders_alone(
    installation: Installation, admin: Person, world: World
) -> None:
    random = RandomQueries(schema._schema, SEED, ids=list(world.ids.values()), cursors=await cursors(admin))
    for query in random.some(N):
        await admin.ask(query, **VARIABLES)
    injected = "Robert'); DROP TABLE accounts;--"
    await admin.ask("query ($s: String) { accounts(filter: {nameContains: $s}) { nodes { id } } }", s=injected)
    statements = [each for plan in plans(installation) for pair in plan._statements.values() for each in pair if each]
    assert len(statements) > N / 2
    models = list(Tortoise.apps["models"].values())
    names = {model._meta.db_table for model in models} | {name for model in models for name in model._meta.db_fields}
    for statement in statements:
        assert unknown_words(statement.text, names) == set(), statement.text


KEYWORDS = frozenset(
    "SELECT FROM WHERE AND OR LEFT OUTER JOIN ON ORDER BY ASC DESC LIMIT COUNT AS IS NULL LIKE ESCAPE CAST VARCHAR "  # noqa: SIM905
    "ANY IN JSON_EACH GROUP UNNEST ::UUID[] CROSS LATERAL NOT "
    "TRUE FALSE WITH MATERIALIZED UNION ALL CASE WHEN THEN ELSE END LEAST OFFSET COALESCE".split()
)
# Our aliases: of a subquery, the owner of its rows, a joined row, a counted one and their count, and of what decides
# how rows of many owners are found; `p` is the page below an object.
ALIASES = re.compile(r"b|c|m|n|p|r|month|few|dense|last|is|total|o\d*|n\d+|owner|value|\d+|[a-z_]+__[a-z_]+")


def unknown_words(text: str, names: set[str]) -> set[str]:
    words = re.findall(r"'[^']*'|\"[^\"]*\"|\$\d+|\?|::\w+\[\]|\w+|[^\s\w]", text)
    return {
        word
        for word in words
        if not (
            word.strip('"') in names
            or word.upper() in KEYWORDS
            or ALIASES.fullmatch(word.strip('"'))
            or re.fullmatch(r"\$\d+|\?|[(),.=<>*]", word)
            or word == "'\\'"  # the character that LIKE escapes with
            or word == f"'{UUID(int=0)}'"  # smaller than any id
        )
    }


def test_the_check_of_statements_finds_foreign_tokens() -> None:
    assert unknown_words(
        "SELECT b.\"id\" FROM accounts WHERE name = 'x'; DROP TABLE y", {"accounts", "id", "name"}
    ) == {
        "'x'",
        ";",
        "DROP",
        "TABLE",
        "y",
    }


async def test_a_plan_is_shared_by_callers_and_holds_no_data_of_them(
    installation: Installation, account_user: Person, sibling_user: Person, foreign_user: Person, provider: Person
) -> None:
    query = "{ accounts { nodes { id name apiKeyCount } } }"
    seen = [
        (await person.ask(query)).only("accounts")["nodes"] for person in (account_user, sibling_user, foreign_user)
    ]
    assert len({node["id"] for nodes in seen for node in nodes}) == 3
    assert len((await provider.ask(query)).only("accounts")["nodes"]) == 2
    (plan,) = plans(installation)
    assert len(plan._statements) == 2, "one for each scope, not for each caller"


async def test_a_query_with_a_denied_field_runs_in_the_reference_executor(
    installation: Installation, account_user: Person
) -> None:
    compiled, expected = await ask_both(installation, account_user, "{ accounts { nodes { name licensedSessions } } }")
    assert compiled.codes == expected.codes == ["FORBIDDEN"]
    assert compiled.data == expected.data


@pytest.mark.parametrize("arguments", ["first: 0", "first: 101", 'after: "nonsense"', 'after: "\u0000"'])
async def test_errors_have_the_messages_of_the_reference_executor(
    installation: Installation, admin: Person, arguments: str
) -> None:
    compiled, expected = await ask_both(installation, admin, f"{{ accounts({arguments}) {{ nodes {{ id }} }} }}")
    assert compiled.codes == ["BAD_USER_INPUT"]
    assert [error["message"] for error in compiled.errors] == [error["message"] for error in expected.errors]


async def test_plans_of_one_operation_are_bounded(installation: Installation, admin: Person) -> None:
    switches = 6
    variables = ", ".join(f"$v{number}: Boolean!" for number in range(switches))
    fields = " ".join(f"f{number}: name @include(if: $v{number})" for number in range(switches))
    query = f"query ({variables}) {{ accounts {{ nodes {{ id {fields} }} }} }}"
    for combination in range(2**switches):
        given = {f"v{number}": bool(combination >> number & 1) for number in range(switches)}
        nodes = (await admin.ask(query, **given)).only("accounts")["nodes"]
        assert {name for name in nodes[0] if name != "id"} == {f"f{n}" for n in range(switches) if given[f"v{n}"]}
    assert len(plans(installation)) <= MAXIMUM_PLANS


@pytest.mark.settings(compiled_operations=False)
async def test_compiling_can_be_turned_off(installation: Installation, admin: Person) -> None:
    assert len((await admin.ask("{ accounts { nodes { id } } }")).only("accounts")["nodes"]) == 3
    assert plans(installation) == []


@pytest.mark.parametrize(("first", "after"), [(2, None), (100, None), (1, "last")])
async def test_an_object_and_the_page_below_it_are_one_statement(
    installation: Installation, admin: Person, world: World, first: int, after: str | None
) -> None:
    for number in range(3):
        await admin.change("createApiKey", "apiKey { id }", name=f"key {number}", owner={"accountId": world["own"]})
    query = """query ($id: ID!, $first: Int!, $after: String) { account(id: $id) {
        name serviceProvider { name } apiKeys(first: $first, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } }
    } }"""
    if after is not None:
        whole = await admin.ask(query, id=world["own"], first=100)
        after = whole.only("account")["apiKeys"]["pageInfo"]["endCursor"]
    with recorded() as statements:
        compiled = await admin.ask(query, id=world["own"], first=first, after=after)
    assert len(statements) == 1
    with reference_executor(installation):
        assert (await admin.ask(query, id=world["own"], first=first, after=after)).data == compiled.data
    assert bool(compiled.only("account")["apiKeys"]["nodes"]) is (after is None)
    unknown = f"AC{'0' * 32}"
    assert (await admin.ask(query, id=unknown, first=first, after=after)).data == {"account": None}


async def test_wide_pages_within_pages_are_left_to_the_reference_executor(
    installation: Installation, admin: Person
) -> None:
    fields = " ".join(f"a{number}: name" for number in range(11))
    query = f"{{ accounts(first: 100) {{ nodes {{ apiKeys(first: 100) {{ nodes {{ {fields} }} }} }} }} }}"
    compiled, expected = await ask_both(installation, admin, query)
    assert (compiled.codes, compiled.data) == (expected.codes, expected.data)
    assert plans(installation)[0]._statements == {}, "it was compiled, and not run"


@pytest.mark.parametrize(
    ("inner", "least"),
    [
        ("edges { a: cursor b: cursor }", 10),
        ("nodes { name }", 1),
        ("nodes { status }", 5),
        ("nodes { account { webhookSecret } }", 50),
        ("nodes { account { recordingConfig { lastVerification { steps { step advice } } } } }", 20),
    ],
)
def test_computed_values_are_weighted_by_their_time(inner: str, least: int) -> None:
    operation = parse(f"{{ apiKeys {{ {inner} }} }}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    plan = compile_query(schema._schema, operation, {}, lambda _: True, arguments_of)
    assert plan.selects[0].values_per_row >= least


@pytest.mark.parametrize("directive", ["skip", "include"])
async def test_null_for_a_directive_variable_with_a_default_is_refused(
    installation: Installation, admin: Person, directive: str
) -> None:
    for operation in (
        f"query ($d: Boolean = true) {{ viewer {{ scope @{directive}(if: $d) }} }}",
        f'mutation ($d: Boolean = true) {{ createServiceProvider(input: {{name: "x"}}) @{directive}(if: $d)'
        " { serviceProvider { id } } }",
    ):
        compiled, expected = await ask_both(installation, admin, operation, d=None)
        assert compiled.codes == expected.codes == ["BAD_USER_INPUT"]
        assert compiled.data == expected.data
    assert (await admin.ask("{ serviceProviders { totalCount } }")).only("serviceProviders") == {"totalCount": 2}


async def test_a_compiled_operation_has_a_time_limit_too(
    installation: Installation, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(deadline, "REQUEST_SECONDS", 0.05)
    monkeypatch.setattr(CompiledPlan, "run", hang)
    answer = await admin.ask("{ accounts { totalCount } }")
    assert (answer.data, answer.codes) == (None, ["SERVICE_UNAVAILABLE"])
