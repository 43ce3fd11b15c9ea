"""The cost of listing calls among very many: it grows with the page, not with the table."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.foundation.database import orm as app_database
from app.foundation.identifiers import Kind, parse_sid, sid_of
from tests.calls.conftest import at
from tests.calls.many_calls import add_calls, make_past_months
from tests.execution.test_growth import EXECUTORS, done_for, end_cursor
from tests.support.concurrency import moved
from tests.support.installation import Installation, World
from tests.support.statements import Work

CALLS = 60_000
FIRST = 20
# Rows read for a page: one of each month is read before the months of the newest calls are known.
ROWS = 120
_NODES = "nodes { id from to startedAt recording { state } application { name } } pageInfo { endCursor }"
OF_ACCOUNT = f'{{ account(id: "$own") {{ recentCalls(%s filter: {{$filter}}) {{ {_NODES} }} }} }}'
OF_ALL = f"{{ recentCalls(%s filter: {{$filter}}) {{ {_NODES} }} }}"
LISTED = {
    "unfiltered": "",
    "of an application": 'applicationId: "$own_application"',
    "of a time": f'since: "{at(days=150)}" until: "{at(days=10)}"',
    "of a month": f'since: "{at(days=80)}" until: "{at(days=50)}"',
    "of an application and a time": f'applicationId: "$own_application" since: "{at(days=150)}" until: "{at(days=10)}"',
}
# The maximum read for each prefix: its calls in the months of the span, from one index.
FOUND = {
    "from": (f'fromPrefix: "+49301234" since: "{at(days=30)}"', 200),
    "to": (f'toPrefix: "+49891234" since: "{at(days=80)}" until: "{at(days=50)}"', 200),
    "the gateway's id": ('gatewayCallId: "call777"', 60),
    "recorded": ("hasRecording: true", 40),
}


def uuid(sid: str, kind: Kind) -> UUID:
    found = parse_sid(kind, sid)
    assert found is not None
    return found


@pytest.fixture(scope="module")
async def database(shared: Installation, template: World) -> AsyncIterator[Any]:
    """The database of the shared installation, with many calls of two accounts."""
    # Like a migration, without a timeout: filling takes longer than a request may.
    async with app_database.opened(shared.settings, migrating=True) as connection:
        await make_past_months()
        application = uuid(template["own_application"], Kind.APPLICATION)
        await add_calls(connection, uuid(template["own"], Kind.ACCOUNT), CALLS, application=application)
        await add_calls(connection, uuid(template["foreign"], Kind.ACCOUNT), CALLS)
        await connection.execute_query("ANALYZE")
    async with shared.database() as connection:
        yield connection


def of_world(query: str, world: World) -> str:
    return query.replace("$own_application", world["own_application"]).replace("$own", world["own"])


async def pages(
    installation: Installation, world: World, database: Any, who: str, query: str, executor: str, span: str
) -> tuple[list[Work], list[Work]]:
    """The cost of the first page, and of one in the middle of the list."""
    asked = of_world(query, world)
    answer = await installation.person(who).ask(asked % f"first: {FIRST}")
    assert not answer.errors, answer.errors
    days = 65 if span == "of a month" else 90
    place = moved(end_cursor(answer.data), show_uuid(datetime.now(UTC) - timedelta(days=days)))
    first = await done_for(installation, database, who, asked % f"first: {FIRST}", executor)
    return first, await done_for(installation, database, who, asked % f'first: {FIRST} after: "{place}"', executor)


def walked(done: Work) -> list[str]:
    """Months with calls that were read completely; empty ones may be."""
    scans = [node for node in done.of("Seq Scan") if node["Relation Name"].startswith("calls")]
    return [node["Relation Name"] for node in scans if node["Actual Rows"] or node.get("Rows Removed by Filter")]


def show_uuid(time: datetime) -> UUID:
    return UUID(int=int(time.timestamp() * 1000) << 80)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("span", LISTED)
@pytest.mark.parametrize("who", ["account_user", "provider", "admin"])
async def test_every_page_of_an_accounts_calls_costs_the_same(
    shared: Installation, template: World, database: Any, who: str, span: str, executor: str
) -> None:
    query = OF_ACCOUNT.replace("$filter", LISTED[span])
    first, later = await pages(shared, template, database, who, query, executor, span)
    for done in (*first, *later):
        assert not walked(done), done.shape
        assert done.rows <= ROWS, done.shape
    assert sum(done.blocks for done in later) <= 1.2 * sum(done.blocks for done in first) + 10


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("span", ["unfiltered", "of a time", "of a month", "of an application"])
@pytest.mark.parametrize("who", ["account_user", "provider", "other_provider", "admin"])
async def test_every_page_across_accounts_costs_the_same(
    shared: Installation, template: World, database: Any, who: str, span: str, executor: str
) -> None:
    query = OF_ALL.replace("$filter", LISTED[span])
    if who == "other_provider" and span == "of an application":
        return
    first, later = await pages(shared, template, database, who, query, executor, span)
    for done in (*first, *later):
        assert not walked(done), done.shape
        assert done.rows <= 3 * ROWS, done.shape
    assert sum(done.blocks for done in later) <= 1.5 * sum(done.blocks for done in first) + 20


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("wanted", FOUND)
@pytest.mark.parametrize("who", ["account_user", "provider", "admin"])
async def test_rare_values_are_found_by_an_index(
    shared: Installation, template: World, database: Any, who: str, wanted: str, executor: str
) -> None:
    given, rows = FOUND[wanted]
    for query in (OF_ACCOUNT, OF_ALL):
        asked = of_world(query.replace("$filter", given), template) % f"first: {FIRST}"
        for done in await done_for(shared, database, who, asked, executor):
            assert not walked(done), done.shape
            assert done.rows <= rows + ROWS, (done.rows, done.shape)


@pytest.mark.parametrize("executor", EXECUTORS)
async def test_months_outside_a_time_range_are_not_read(
    shared: Installation, template: World, database: Any, executor: str
) -> None:
    query = of_world(OF_ACCOUNT.replace("$filter", LISTED["of a month"]), template) % f"first: {FIRST}"
    for done in await done_for(shared, database, "account_user", query, executor):
        read_months = {index for _, index in done.shape if index.startswith("calls_")}
        assert len(read_months) <= 3, done.shape  # two months, and the default partition


async def test_a_call_is_found_by_its_id_in_one_month(shared: Installation, template: World, database: Any) -> None:
    rows = await database.execute_query_dict("SELECT id FROM calls ORDER BY id OFFSET 1000 LIMIT 1")
    query = f'{{ call(id: "{sid_of(Kind.CALL, rows[0]["id"])}") {{ id }} }}'
    for who in ("admin", "provider"):
        (done,) = await done_for(shared, database, who, query, "compiled")
        assert len([index for _, index in done.shape if index.startswith("calls_")]) == 1, done.shape


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(
    "query",
    [
        pytest.param(f"{{ recentCalls(first: {FIRST}) {{ {_NODES} }} }}", id="a page across accounts"),
        pytest.param(
            f"{{ accounts {{ nodes {{ recentCalls(first: {FIRST}) {{ {_NODES} }} }} }} }}", id="pages of accounts"
        ),
    ],
)
async def test_an_account_without_calls_causes_no_read_of_a_month(
    shared: Installation, template: World, database: Any, query: str, executor: str
) -> None:
    """For an average account of two, walking over all calls is a short way to its newest one."""
    idle = uuid(template["sibling"], Kind.ACCOUNT)
    assert not await database.execute_query_dict("SELECT FROM calls WHERE account_id = $1", [idle])
    for done in await done_for(shared, database, "provider", query, executor):
        assert not walked(done), done.shape
        assert done.rows <= 3 * ROWS, done.shape


async def test_counting_ends_at_its_limit(shared: Installation, template: World, database: Any) -> None:
    query = of_world('{ account(id: "$own") { recentCalls { totalCount } } }', template)
    answer = await shared.person("account_user").ask(query)
    assert answer.only("account") == {"recentCalls": {"totalCount": 10_000}}
    *_, done = await done_for(shared, database, "account_user", query, "compiled")
    assert done.rows <= 2 * 10_000, done.rows
