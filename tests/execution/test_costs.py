"""The maximum cost of operations, and the refusal of too expensive ones before they run."""

import re
from contextlib import nullcontext
from typing import Any

import pytest

from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.execution.documents import Documents
from app.execution.executor.permissions import metadata_of
from app.execution.limits import cost as costs
from app.execution.limits.cost import Cost
from app.foundation.access import Scope
from app.foundation.graphql import declarations, fields
from app.foundation.identifiers import new_id
from app.server.schema import schema
from tests.calls.conftest import gateway
from tests.clients.example import operations
from tests.clients.test_documents import TABS
from tests.execution.test_compiled import reference_executor
from tests.support.concurrency import fill
from tests.support.installation import Installation, Person, World
from tests.support.statements import recorded
from tests.support.tracked_files import ROOT

__all__ = ["gateway"]

KEYS = "nodes { apiKeys(first: %d) { nodes { id } } }"
TOO_DEEP = "accounts(first: 100) { nodes { apiKeys(first: 100) { nodes { account { apiKeys(first: 100) { nodes { id } } } } } } }"
RELATED = "apiKeyCount recordingConfig { id } serviceProvider { id }"
BOTH_SIZES = (
    "query ($outer: Int!, $inner: Int! = 50) { accounts(first: $outer) { nodes {"
    " keys: apiKeys(first: $inner) { nodes { account { id } serviceProvider { id } } } } } }"
)


def cost(text: str) -> Cost:
    document = Documents(schema._schema).read(text)
    assert not document.errors
    return next(iter(document.operations.values())).cost


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("{ __typename viewer { scope } s3Regions { code } }", 0),
        ("{ __schema { types { fields { type { name } } } } }", 0),
        ("{ viewer { account { id } apiKey { id } } }", 2),
        ('{ node(id: "x") { id } account(id: "x") { name } }', 2),
        ("{ accounts { nodes { id } } }", 20),
        ("{ accounts(first: 10) { edges { node { name } cursor } pageInfo { endCursor } } }", 10),
        ("{ accounts(first: 10) { totalCount } }", 10 + 1 + 400),
        ("{ accounts(first: 10) { nodes { apiKeyCount serviceProvider { id } } } }", 10 + 10 * 5 + 10),
        (
            "{ accounts(first: 10) { nodes { applications(first: 5) { nodes { name usedFor recording { reason } } } } } }",
            10 + 10 * 5 * 3,
        ),
        ("{ accounts(first: 10) { nodes { recordingConfig { lastVerification { steps { step } } } } } }", 10 + 10),
        (f"{{ accounts(first: 10) {{ {KEYS % 5} }} }}", 10 + 10 * 5),
        (
            "{ accounts(first: 10) { nodes { apiKeys(first: 5) { totalCount nodes { account { id } } } } } }",
            10 + 10 + 100,
        ),
        (f"{{ {TOO_DEEP} }}", 100 + 100**2 + 100**2 + 100**3),
        (f"{{ {TOO_DEEP.replace('id', 'account { apiKeys(first: 100) { nodes { id } } }')} }}", 102_020_100),
        ("{ a: accounts(first: 3) { nodes { id } } b: accounts(first: 4) { nodes { id } } }", 3 + 4),
        ("{ ...f ...f } fragment f on Query { accounts(first: 3) { nodes { id } } }", 3 + 3),
        ("{ accounts(first: 3) { ...f } } fragment f on AccountConnection { " + KEYS % 5 + " }", 3 + 3 * 5),
        ('{ node(id: "x") { ... on Account { apiKeys(first: 7) { nodes { id } } } } }', 1 + 7),
        ('mutation { updateAccount(input: {id: "x"}) { account { apiKeys(first: 7) { nodes { id } } } } }', 50 + 1 + 7),
        ("{ accounts(first: 9) @skip(if: true) { nodes { id } } }", 9),
        ("{ accounts(first: 0) { nodes { id } } }", 1),
        ("{ accounts(first: 101) { nodes { id } } }", 100),
    ],
)
def test_a_row_counts_each_time_it_can_be_loaded(text: str, rows: int) -> None:
    assert cost(text).total() == rows


@pytest.mark.parametrize(
    ("declared", "given", "first"),
    [
        ("$n: Int!", {"n": 30}, 30),
        ("$n: Int!", {"n": 30.0}, 30),
        ("$n: Int! = 7", {}, 7),
        ("$n: Int! = 7", None, 7),
        ("$n: Int! = 7", {"n": 8}, 8),
        ("$n: Int", {}, 20),
        ("$n: Int!", {"n": 0}, 1),
        ("$n: Int!", {"n": -5}, 1),
        ("$n: Int!", {"n": 101}, 100),
        ("$n: Int!", {"n": 1e300}, 100),
        *[("$n: Int!", {"n": wrong}, 1) for wrong in (None, "100", [100], {"first": 100})],
    ],
)
def test_the_size_of_a_page_comes_from_its_variable(declared: str, given: dict[str, Any] | None, first: int) -> None:
    asked = cost(f"query ({declared}) {{ accounts(first: $n) {{ {KEYS % 2} }} }}")
    assert asked.total(given) == first + first * 2


@pytest.mark.parametrize("executor", ["compiled", "reference"])
@pytest.mark.parametrize("media", ["application/json", "application/graphql-response+json"])
async def test_an_operation_that_can_cost_too_much_is_refused_before_it_runs(
    shared: Installation, executor: str, media: str
) -> None:
    admin = shared.person("admin")
    await admin.ask("{ viewer { scope } }")  # from now on the key is cached
    with nullcontext() if executor == "compiled" else reference_executor(shared), recorded() as statements:
        response = await shared.client.post(
            "/graphql", json={"query": f"{{ {TOO_DEEP} }}"}, headers={**admin.headers, "Accept": media}
        )
    assert statements == []
    assert response.status_code == (200 if media == "application/json" else 400)
    body = response.json()
    assert "data" not in body
    (error,) = body["errors"]
    del error["extensions"]["requestId"]
    assert error == {
        "message": "The operation can cost 1,020,100; at most 25,000 are allowed. Lower `first` of "
        "accounts.nodes.apiKeys.nodes.account.apiKeys (100 for each of 10,000).",
        "locations": [{"line": 1, "column": 2 + TOO_DEEP.rindex("apiKeys") + 1}],
        "extensions": {"code": "BAD_USER_INPUT", "cost": 1_020_100, "maximumCost": costs.MAXIMUM_COST},
    }


@pytest.mark.parametrize("executor", ["compiled", "reference"])
async def test_a_full_page_within_a_full_page_is_answered(shared: Installation, executor: str) -> None:
    query = (
        "{ accounts(first: 100) { nodes { apiKeyCount apiKeys(first: 100) { totalCount nodes { account { id } } } } } }"
    )
    with nullcontext() if executor == "compiled" else reference_executor(shared):
        nodes = (await shared.person("admin").ask(query)).only("accounts")["nodes"]
    assert len(nodes) == 3


async def test_the_same_operation_may_run_with_smaller_pages(shared: Installation) -> None:
    admin = shared.person("admin")
    answer = await admin.ask(BOTH_SIZES, outer=100, inner=100)
    assert answer.errors[0]["message"] == (
        "The operation can cost 30,100; at most 25,000 are allowed. Lower `first` of accounts.nodes.keys (100 for each of 100)."
    )
    assert (await admin.ask(BOTH_SIZES, outer=100, inner=80)).only("accounts")
    assert (await admin.ask(BOTH_SIZES, outer=100)).only("accounts")


async def test_the_error_names_the_largest_page(shared: Installation) -> None:
    small = " ".join(f"a{number}: accounts(first: 100) {{ {KEYS % 2} }}" for number in range(50))
    answer = await shared.person("admin").ask(f"{{ {small} wide: accounts(first: 100) {{ {KEYS % 100} }} }}")
    assert answer.errors[0]["message"].endswith("Lower `first` of wide.nodes.apiKeys (100 for each of 100).")
    several = " ".join(f"a{number}: accounts(first: 90) {{ nodes {{ {RELATED} }} }}" for number in range(70))
    answer = await shared.person("admin").ask(f"{{ long: accounts(first: 100) {{ totalCount }} {several} }}")
    assert answer.errors[0]["message"].endswith("Lower `first` of a0 (90).")


async def test_a_mutation_that_can_cost_too_much_changes_nothing(admin: Person, world: World) -> None:
    answer = await admin.ask(
        "mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) { account { apiKeys(first: 100) { nodes {"
        " account { apiKeys(first: 100) { nodes { account { apiKeys(first: 100) { nodes { id } } } } } } } } } } }",
        input={"id": world["own"], "name": "Changed"},
    )
    assert ("data" in answer.body, answer.codes) == (False, ["BAD_USER_INPUT"])
    found = await admin.ask("query ($id: ID!) { account(id: $id) { name } }", id=world["own"])
    assert found.only("account") == {"name": "Own customer"}


@pytest.mark.parametrize("wrong", [0, 101, None, "many"])
async def test_an_invalid_page_size_has_its_own_error(shared: Installation, wrong: Any) -> None:
    answer = await shared.person("admin").ask(BOTH_SIZES, outer=wrong, inner=10)
    assert answer.errors
    assert {"cost"} & answer.errors[0]["extensions"].keys() == set()


async def test_an_unauthenticated_caller_gets_no_error_about_costs(shared: Installation) -> None:
    assert (await shared.person(None).ask(f"{{ {TOO_DEEP} }}")).codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("text", [*operations().values(), *(tab.read_text() for tab in TABS)])
@pytest.mark.parametrize("scope", list(Scope))
def test_published_operations_may_run_with_the_largest_pages(text: str, scope: Scope) -> None:
    variables = re.findall(r"\$(\w+)", text)
    assert cost(text).refusal(dict.fromkeys(variables, 100), scope) is None


SEARCH = 'accounts(first: 1, filter: {search: "x"}) { totalCount }'
MISSED = "recentCalls(first: 100, filter: {answered: false}) { totalCount nodes { id } }"


def many(field: str, times: int = 90) -> str:
    return "{ " + " ".join(f"a{number}: {field}" for number in range(times)) + " }"


@pytest.mark.parametrize(
    ("person", "text", "message"),
    [
        (
            "admin",
            many(SEARCH),
            "The operation can cost 216,180; at most 25,000 are allowed. Query.accounts costs 216,000 in addition "
            "to its rows, in 90 selections: "
            "select it less often, or without `totalCount` and `filter.search`.",
        ),
        (
            "provider",
            many("recentCalls(first: 100) { nodes { id } }"),
            "The operation can cost 1,089,000; at most 25,000 are allowed. Query.recentCalls costs 1,080,000 in "
            "addition to its rows, in 90 selections: select it less often.",
        ),
    ],
)
async def test_expensive_statements_are_refused_and_the_costly_field_is_named(
    shared: Installation, person: str, text: str, message: str
) -> None:
    asker = shared.person(person)
    await asker.ask("{ viewer { scope } }")
    with recorded() as statements:
        answer = await asker.ask(text)
    assert statements == []
    assert ("data" in answer.body, [error["message"] for error in answer.errors]) == (False, [message])


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize(
    "text",
    [
        'accounts(first: 100, filter: {search: "x", storageStatus: WORKING}) { totalCount nodes { id apiKeyCount } }',
        'recentCalls(first: 100, filter: {fromPrefix: "+4930", since: "2026-11-01T00:00:00Z"}) { totalCount nodes { id } }',
        'recentCalls(first: 100, filter: {gatewayCallId: "x"}) { totalCount nodes { id } }',
        MISSED,
        "recentCalls(first: 100) { totalCount nodes { id account { id } application { id } } }",
        'users(first: 100, filter: {emailContains: "x"}) { totalCount nodes { id } }',
        'auditEvents(first: 100, filter: {operation: "updateAccount"}) { totalCount nodes { id } }',
        'auditEvents(first: 100, filter: {actorId: "x", excludeOperations: ["login"]}) { totalCount nodes { id } }',
        "serviceProviders(first: 100) { totalCount nodes { accountCount apiKeyCount userCount } }",
    ],
)
def test_one_full_page_of_everything_with_its_count_may_run(scope: Scope, text: str) -> None:
    assert cost(f"{{ {text} }}").refusal({}, scope) is None


@pytest.mark.parametrize("condition", ['operation: "login"', 'excludeOperations: ["login"]', 'actorId: "x"'])
def test_filters_of_events_that_read_many_of_them_cost_as_much_as_reading_them(condition: str) -> None:
    listed = cost(many(f"auditEvents(first: 1, filter: {{{condition}}}) {{ nodes {{ id }} }}", 9))
    assert listed.refusal({}, Scope.ADMIN) is not None
    assert listed.refusal({}, Scope.ACCOUNT) is None


def test_objects_by_ids_cost_one_row_for_each_id() -> None:
    listed = cost('query ($ids: [ID!]! = ["a", "b"]) { nodes(ids: $ids) { id } few: nodes(ids: ["a"]) { id } }')
    assert listed.total({}) == 3
    assert listed.total({"ids": ["a"] * 40}) == 41
    assert listed.total({"ids": ["a"] * 1_000}) == 101


def test_a_query_of_one_account_has_no_fixed_cost_for_lists() -> None:
    listed = cost(many("recentCalls(first: 100) { nodes { id } }"))
    assert listed.refusal({}, Scope.ACCOUNT) is None
    assert listed.refusal({}, Scope.SERVICE_PROVIDER) is not None
    assert cost(many(SEARCH)).refusal({}, Scope.ACCOUNT) is None


@pytest.mark.parametrize(
    ("declared", "filter", "given"),
    [
        ("", '{accountId: "AC1"}', {}),
        ("($id: ID)", "{accountId: $id}", {"id": "AC1"}),
        ("($f: AllCallsFilter)", "$f", {"f": {"accountId": "AC1"}}),
    ],
)
def test_the_calls_of_one_account_cost_a_provider_as_much_as_that_account(
    declared: str, filter: str, given: dict[str, Any]
) -> None:
    listed = cost(f"query {declared} {many(f'recentCalls(filter: {filter}) {{ nodes {{ id }} }}', 50)}")
    assert listed.total(given, Scope.SERVICE_PROVIDER) == listed.total(given, Scope.ACCOUNT) == 50 * 20
    # Without the variable it lists the calls of all accounts.
    assert (listed.refusal({}, Scope.SERVICE_PROVIDER) is not None) == bool(given)


@pytest.mark.parametrize(
    ("declared", "filter", "given", "is_searched"),
    [
        ("$s: String", "{search: $s}", {"s": "x"}, True),
        ("$s: String", "{search: $s}", {"s": None}, False),
        ("$s: String", "{search: $s}", {}, False),
        ('$s: String = "x"', "{search: $s}", {}, True),
        ('$s: String = "x"', "{search: $s}", {"s": None}, False),
        ("$f: AccountFilter", "$f", {"f": {"search": "x"}}, True),
        ("$f: AccountFilter", "$f", {"f": {"search": None, "active": True}}, False),
        ("$f: AccountFilter", "$f", {"f": None}, False),
        ("$f: AccountFilter", "$f", {"f": "wrong"}, False),
        ('$f: AccountFilter = {search: "x"}', "$f", {}, True),
        ('$f: AccountFilter = {search: "x"}', "$f", {"f": {}}, False),
        ("$f: AccountFilter = {search: null, active: true}", "$f", {}, False),
        ("$s: Boolean", "{search: null, active: $s}", {"s": True}, False),
    ],
)
def test_a_condition_costs_only_where_it_is_set(
    declared: str, filter: str, given: dict[str, Any], is_searched: bool
) -> None:
    asked = cost(f"query ({declared}) {{ accounts(first: 1, filter: {filter}) {{ nodes {{ id }} }} }}")
    assert asked.total(given) == 1 + 1_000 * is_searched


def test_only_the_costliest_of_several_conditions_counts() -> None:
    both = 'accounts(first: 1, filter: {search: "x", nameContains: "x", storageStatus: WORKING}) { totalCount nodes { id } }'
    assert cost(f"{{ {both} }}").total() == 1 + 1 + 400 + 2 * 2_500


async def test_one_operation_cannot_repeat_a_batch_of_reports_without_limit(gateway: Person, world: World) -> None:
    changes = " ".join(f"a{number}: reportCalls(input: {{calls: $calls}}) {{ acceptedCount }}" for number in range(6))
    answer = await gateway.ask(f"mutation ($calls: [CallReportInput!]!) {{ {changes} }}", calls=[])
    assert answer.errors[0]["message"].endswith(
        "Mutation.reportCalls costs 30,000 in addition to its rows, in 6 selections: select it less often."
    )


@pytest.mark.parametrize("type_", [schema._schema.query_type, schema._schema.type_map["Account"]])
def test_every_weight_of_a_filter_belongs_to_a_condition(type_: Any) -> None:
    for name, made in type_.fields.items():
        declared = metadata_of(made).get(declarations.DECLARED)
        for weights in declared.weights.values() if isinstance(declared, fields.Listed) else ():
            assert weights.conditions.keys() <= made.args["filter"].type.fields.keys(), name


DENIED = "apiKeys { nodes { id } }"


async def test_rows_that_become_orm_objects_count_as_work(shared: Installation) -> None:
    provider = shared.person("provider")
    pages = many("accounts(first: 100) { nodes { id } }")
    if shared.settings.compiled_operations:
        assert (await provider.ask(pages)).only("a0")
    with recorded() as statements:
        answer = await provider.ask(pages.replace("{", f"{{ {DENIED}", 1))
    assert (answer.data, [error["message"] for error in answer.errors]) == (
        None,
        ["The operation selects too much: select fewer fields or rows."],
    )
    assert len(statements) < 60
    some = await provider.ask(many("accounts(first: 100) { nodes { id } }", 45).replace("{", f"{{ {DENIED}", 1))
    assert (some.codes, len(some.data["a44"]["nodes"])) == (["FORBIDDEN"], 2)


async def test_twenty_rows_of_each_of_a_hundred_are_answered_with_a_denied_field(
    installation: Installation, provider: Person, world: World
) -> None:
    async with installation.database() as connection:
        await fill(connection, world, providers=1, accounts=100)
        owners = await Account.filter(name__startswith="Crowd").values_list("id", flat=True)
        await ApiKey.bulk_create(
            ApiKey(
                scope="ACCOUNT",
                access_level="FULL",
                account_id=owner,
                name="key",
                public_id=f"x{place:03}{number:08}",
                secret_hash=new_id().bytes * 2,
            )
            for place, owner in enumerate(owners)
            for number in range(20)
        )
    keys = "apiKeys(first: 20) { nodes { id name account { id } serviceProvider { id } } }"
    answer = await provider.ask(f"{{ accounts(first: 100) {{ nodes {{ licensedSessions {keys} }} }} }}")
    assert answer.codes == ["FORBIDDEN"]
    nodes = answer.data["accounts"]["nodes"]
    assert [node["licensedSessions"] for node in nodes] == [None] * 100
    assert sum(len(node["apiKeys"]["nodes"]) for node in nodes) == 2_000


def test_the_guide_states_the_limit() -> None:
    assert f"may cost {costs.MAXIMUM_COST:,}" in (ROOT / "docs" / "api.md").read_text()
