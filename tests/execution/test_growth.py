"""The cost of a page in a large installation: the rows that are read grow with the page, not with the table.

Rows and blocks are counted, which is the same on every machine; that an index is walked is in
`tests/foundation/test_pagination_costs.py`.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from app.foundation.identifiers import Kind, parse_sid
from tests.execution.test_compiled import reference_executor
from tests.support.concurrency import moved, multiply
from tests.support.installation import Installation, World
from tests.support.statements import Work, recorded, work

# The number of accounts and of providers; three times as many keys, and as many again of one account, one provider, and
# the installation.
CROWD = 20_000
FIRST = 20
# The rows that one statement for a page may read, including joined rows and those that a condition excludes.
ROWS = 400
EXECUTORS = ["compiled", "reference"]


@dataclass(frozen=True)
class Listed:
    """A list: its query, and the rows and the table that it has."""

    query: str
    table: str
    rows: str = "true"
    by_name: bool = False
    direction: str = "DESC"


_ACCOUNT = "id name recordingConfig { bucketName } viewerCanUpdate"
_KEYS = "apiKeys(%s) { nodes { id name account { name } } pageInfo { endCursor } }"
_FILTERS = {
    "": "true",
    "active: true": "active",
    "active: false": "NOT active",
    'nameContains: "0"': "name_key LIKE '%0%'",
    'serviceProviderId: "$provider"': "service_provider_id = '$provider'",
    'serviceProviderId: "$provider" active: false': "service_provider_id = '$provider' AND NOT active",
}
ACCOUNTS = {
    f"accounts by {field} {direction} {given}": Listed(
        f"{{ accounts(%s orderBy: {{field: {field}, direction: {direction}}} filter: {{{given}}})"
        f" {{ nodes {{ {_ACCOUNT} serviceProvider {{ name }} }} pageInfo {{ endCursor }} }} }}",
        "accounts",
        rows,
        field == "NAME",
        direction,
    )
    for field in ("NAME", "CREATED_AT")
    for direction in ("ASC", "DESC")
    for given, rows in _FILTERS.items()
}
# Conditions without an index that also has the order: where few rows match, they are found by an index of their own
# and sorted; where most rows match, a scan in the order finds them.
_RECORDED = "id IN (SELECT account_id FROM recording_configs WHERE {})"
NARROWED = {
    'search: "0"': "(name_key LIKE '%0%' OR sip_realm LIKE '%0%')",
    "recordingEnabled: true": _RECORDED.format("enabled"),
    "recordingEnabled: false": f"NOT {_RECORDED.format('enabled')}",
    "storageStatus: FAILING": _RECORDED.format("storage_status = 'FAILING'"),
    "storageStatus: UNVERIFIED": _RECORDED.format("storage_status = 'UNVERIFIED'"),
    "hasSipRealm: true": "sip_realm IS NOT NULL",
    "hasSipRealm: false": "sip_realm IS NULL",
}
COUNTED = {
    "accounts with the numbers of their keys": Listed(
        "{ accounts(%s) { nodes { apiKeyCount } pageInfo { endCursor } } }", "accounts", "true", True, "ASC"
    ),
    "accounts with the numbers of their keys, next to lists": Listed(
        "{ accounts(%s) { nodes { apiKeys(first: 1) { totalCount nodes { id } } } pageInfo { endCursor } } }",
        "accounts",
        "true",
        True,
        "ASC",
    ),
}
KEYS = {
    "keys of an account": Listed(f'{{ account(id: "$own") {{ {_KEYS} }} }}', "api_keys", "account_id = '$own'"),
    "keys of a provider": Listed(
        f'{{ serviceProvider(id: "$provider") {{ {_KEYS} }} }}', "api_keys", "service_provider_id = '$provider'"
    ),
    # By name descending, the account with many keys is among the first.
    "keys of accounts": Listed(
        f"{{ accounts(first: 20, orderBy: {{field: NAME, direction: DESC}}) {{ nodes {{ name {_KEYS} }} }} }}",
        "api_keys",
        "account_id = '$own'",
    ),
}
OF_ADMINS = {
    "keys of the installation": Listed(
        "{ apiKeys(%s) { nodes { id name } pageInfo { endCursor } } }", "api_keys", "scope = 'ADMIN'"
    ),
    "service providers": Listed(
        "{ serviceProviders(%s) { nodes { id name } pageInfo { endCursor } } }",
        "service_providers",
        "true",
        True,
        "ASC",
    ),
    "keys of service providers": Listed(
        f"{{ serviceProviders(first: 20) {{ nodes {{ {_KEYS} }} }} }}", "api_keys", "service_provider_id = '$provider'"
    ),
}
ASKED = [
    *(("admin", each) for each in (ACCOUNTS | COUNTED | KEYS | OF_ADMINS).items()),
    *(("provider", each) for each in (ACCOUNTS | COUNTED | KEYS).items()),
    ("account_user", ("keys of an account", KEYS["keys of an account"])),
]


@pytest.fixture(scope="module")
async def database(shared: Installation, template: World) -> AsyncIterator[Any]:
    """The database of the shared installation, with all rows."""
    async with shared.database() as connection:
        await multiply(
            connection,
            _uuid(template["provider"], Kind.SERVICE_PROVIDER),
            _uuid(template["own"], Kind.ACCOUNT),
            accounts=CROWD,
            providers=CROWD,
        )
        yield connection


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(("who", "listed"), [pytest.param(who, each[1], id=f"{who}: {each[0]}") for who, each in ASKED])
async def test_a_page_costs_the_same_at_any_position(
    shared: Installation, template: World, database: Any, who: str, listed: Listed, executor: str
) -> None:
    first, end = await cost(shared, template, database, who, listed, executor)
    place = await middle(database, template, listed, end)
    later, _ = await cost(shared, template, database, who, listed, executor, f'after: "{place}"')
    for done in (*first, *later):
        assert not done.of("Seq Scan"), done.shape
        assert done.rows <= ROWS, done.shape
        assert done.sorted_rows <= ROWS, done.shape
    # PostgreSQL chooses one of two ways to fetch twenty rows by id; they cost the same.
    assert len(first) == len(later)
    assert sum(done.blocks for done in later) <= 1.5 * sum(done.blocks for done in first) + 20


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("who", ["admin", "provider"])
@pytest.mark.parametrize("given", NARROWED)
@pytest.mark.parametrize(
    ("field", "direction"), [(field, direction) for field in ("NAME", "CREATED_AT") for direction in ("ASC", "DESC")]
)
async def test_a_condition_of_few_or_most_accounts_costs_at_most_a_page(
    shared: Installation,
    template: World,
    database: Any,
    field: str,
    direction: str,
    given: str,
    who: str,
    executor: str,
) -> None:
    narrowed = Listed(
        f"{{ accounts(%s orderBy: {{field: {field}, direction: {direction}}} filter: {{{given}}})"
        f" {{ nodes {{ {_ACCOUNT} serviceProvider {{ name }} }} pageInfo {{ endCursor }} }} }}",
        "accounts",
        NARROWED[given],
        field == "NAME",
        direction,
    )
    all_of_them = (
        f"{{ accounts(first: 1, orderBy: {{field: {field}, direction: {direction}}}) {{ pageInfo {{ endCursor }} }} }}"
    )
    end = end_cursor((await shared.person(who).ask(all_of_them)).data)
    place = await middle(database, template, narrowed, end)
    for more in ("", f'after: "{place}"'):
        done, _ = await cost(shared, template, database, who, narrowed, executor, more)
        for each in done:
            assert not each.of("Seq Scan"), each.shape
            assert each.rows <= ROWS, each.shape


async def test_a_condition_of_some_accounts_costs_less_than_a_full_scan(shared: Installation, database: Any) -> None:
    """One in twenty accounts matches, so that a page is found among several times as many."""
    query = "{ accounts(first: 20, filter: {storageStatus: WORKING}) { nodes { id } } }"
    (done,) = await done_for(shared, database, "admin", query, "compiled")
    assert done.rows <= CROWD / 8, done.shape


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("who", ["admin", "provider"])
async def test_a_page_of_each_owner_reads_only_the_rows_it_returns(
    shared: Installation, template: World, database: Any, who: str, executor: str
) -> None:
    query = (
        "{ accounts(first: 100, orderBy: {field: NAME, direction: DESC})"
        " { nodes { apiKeys(first: 1) { nodes { id } pageInfo { hasNextPage } } } } }"
    )
    done = await done_for(shared, database, who, query, executor)
    of_keys = [each for each in done if each.rows_of("api_keys")]
    assert of_keys
    assert max(each.rows_of("api_keys") for each in of_keys) <= 100 * 2


@pytest.mark.parametrize("listed", list(ACCOUNTS))
async def test_an_account_user_reads_only_its_own_row(
    shared: Installation, template: World, database: Any, listed: str
) -> None:
    query = of_world(ACCOUNTS[listed].query, template).replace(" serviceProvider { name }", "")
    for done in await done_for(shared, database, "account_user", query % f"first: {FIRST}", "compiled"):
        assert not done.of("Seq Scan"), done.shape
        assert done.rows <= 5, done.shape


@pytest.mark.parametrize("condition", ["nameContains", "search"])
@pytest.mark.parametrize("order", ["NAME", "CREATED_AT"])
async def test_a_search_without_matches_reads_each_name_once(
    shared: Installation, template: World, database: Any, order: str, condition: str
) -> None:
    """The worst case: plain PostgreSQL has no index for substrings."""
    query = f'{{ accounts(filter: {{{condition}: "zzzz"}}, orderBy: {{field: {order}}}) {{ nodes {{ id }} }} }}'
    (done,) = await done_for(shared, database, "admin", query, "compiled")
    assert CROWD <= done.rows <= CROWD + 10
    assert done.sorted_rows == 0


async def cost(
    installation: Installation, world: World, database: Any, who: str, listed: Listed, executor: str, more: str = ""
) -> tuple[list[Work], str]:
    """The work for a page, and its end cursor."""
    query = of_world(listed.query, world) % f"first: {FIRST} {more}"
    with contextlib.nullcontext() if executor == "compiled" else reference_executor(installation):
        answer = await installation.person(who).ask(query)
    assert not answer.errors, answer.errors
    return await done_for(installation, database, who, query, executor), end_cursor(answer.data)


async def done_for(installation: Installation, database: Any, who: str, query: str, executor: str) -> list[Work]:
    person = installation.person(who)
    await person.ask("{ viewer { scope } }")  # from now on its key is cached
    with (
        contextlib.nullcontext() if executor == "compiled" else reference_executor(installation),
        recorded() as statements,
    ):
        answer = await person.ask(query)
    assert not answer.errors, answer.errors
    # When the caller's key was used last is written as well.
    asked = [statement for statement in statements if not statement[0].startswith("UPDATE")]
    assert asked
    return [await work(database, statement) for statement in asked]


async def middle(database: Any, world: World, listed: Listed, cursor: str) -> str:
    """A cursor of the same order as the given one, from the middle of the list."""
    rows = listed.rows.replace("$own", str(_uuid(world["own"], Kind.ACCOUNT))).replace(
        "$provider", str(_uuid(world["provider"], Kind.SERVICE_PROVIDER))
    )
    columns = ["name_key", "id"] if listed.by_name else ["id"]
    by = ", ".join(f"{column} {listed.direction}" for column in columns)
    found = await database.execute_query_dict(
        f"WITH listed AS (SELECT * FROM {listed.table} WHERE {rows}) SELECT * FROM listed ORDER BY {by}"
        " OFFSET (SELECT COUNT(*) / 2 FROM listed) LIMIT 1"
    )
    return moved(cursor, found[0]["id"], found[0]["name_key"] if listed.by_name else None)


def end_cursor(data: Any) -> str:
    """The first end cursor in a response."""
    if isinstance(data, dict):
        for name, value in data.items():
            found = value if name == "endCursor" else end_cursor(value)
            if found:
                return str(found)
    for value in data if isinstance(data, list) else ():
        if found := end_cursor(value):
            return found
    return ""


def of_world(query: str, world: World) -> str:
    return query.replace("$own", world["own"]).replace("$provider", world["provider"])


def _uuid(sid: str, kind: Kind) -> UUID:
    found = parse_sid(kind, sid)
    assert found is not None
    return found
