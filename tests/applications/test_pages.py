"""Lists of an account's applications: filters, orders and pages, for one account and for many."""

import re
from contextlib import nullcontext
from typing import Any

import pytest

from app.accounts.model import Account
from app.applications.model import Application
from app.foundation import names
from app.foundation.identifiers import Kind, new_id, parse_sid
from tests.applications.test_applications import created
from tests.execution.test_compiled import ask_both, reference_executor
from tests.support.concurrency import fill
from tests.support.installation import Installation, Person, World
from tests.support.statements import plan, recorded

QUERY = (
    "query ($id: ID!, $first: Int!, $after: String, $filter: ApplicationFilter, $orderBy: ApplicationOrder) {"
    " account(id: $id) { applicationCount applications(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {"
    " totalCount nodes { name recordAllCalls } pageInfo { hasNextPage endCursor } } } }"
)
NAMES = ["Zebra", "ångström", "Émile 🎧", "alpha", "Beta"]
ORDERS = [{"field": field, "direction": direction} for field in ("NAME", "CREATED_AT") for direction in ("ASC", "DESC")]


async def page(
    person: Person, account_id: str, *, first: int = 20, **more: Any
) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    """The names on a page, the page and the account."""
    account = (await person.ask(QUERY, id=account_id, first=first, **more)).only("account")
    found = account["applications"]
    return [node["name"] for node in found["nodes"]], found, account


async def make(person: Person, world: World) -> None:
    for number, name in enumerate(NAMES):
        await created(person, world["own"], name=name, recordAllCalls=number % 2 == 0)


async def test_applications_are_listed_by_name_and_counted(account_user: Person, world: World) -> None:
    await make(account_user, world)
    listed, found, account = await page(account_user, world["own"])
    assert listed == ["alpha", "Beta", "Own hotline", "Zebra", "ångström", "Émile 🎧"]
    assert found["totalCount"] == account["applicationCount"] == 6


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"nameContains": "TA"}, ["Beta"]),
        ({"nameContains": "É"}, ["Émile 🎧"]),
        ({"nameContains": "🎧"}, ["Émile 🎧"]),
        ({"recordAllCalls": True}, ["Beta", "Zebra", "Émile 🎧"]),
        ({"recordAllCalls": False, "nameContains": "a"}, ["alpha"]),
        ({"nameContains": "%"}, []),
        ({"nameContains": "\0"}, []),
        ({"nameContains": "a" * 5000}, []),
        ({"nameContains": None, "recordAllCalls": None}, None),
    ],
)
async def test_a_filter_returns_only_matching_applications(
    installation: Installation, account_user: Person, world: World, filter: dict[str, Any], expected: list[str] | None
) -> None:
    await make(account_user, world)
    wanted = await page(account_user, world["own"], filter=filter)
    if expected is not None:
        assert wanted[0] == expected
        assert wanted[1]["totalCount"] == len(expected)
    assert wanted[2]["applicationCount"] == 6
    with reference_executor(installation):
        assert await page(account_user, world["own"], filter=filter) == wanted


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order['field']} {order['direction']}")
@pytest.mark.parametrize("executor", ["compiled", "reference"])
async def test_pages_of_any_order_and_size_contain_each_application_once(
    installation: Installation, account_user: Person, world: World, order: dict[str, str], executor: str
) -> None:
    await make(account_user, world)
    whole, _, _ = await page(account_user, world["own"], orderBy=order)
    assert len(whole) == 6
    expected = sorted(whole, key=names.key) if order["field"] == "NAME" else ["Own hotline", *NAMES]
    assert whole == (expected if order["direction"] == "ASC" else expected[::-1])
    walked: list[str] = []
    after = None
    with reference_executor(installation) if executor == "reference" else nullcontext():
        for _ in range(3):
            some, found, _ = await page(account_user, world["own"], first=2, after=after, orderBy=order)
            walked += some
            after = found["pageInfo"]["endCursor"]
    assert walked == whole
    assert found["pageInfo"]["hasNextPage"] is False


async def test_a_cursor_of_another_order_is_rejected(account_user: Person, world: World) -> None:
    _, found, _ = await page(account_user, world["own"], first=1, orderBy=ORDERS[0])
    after = found["pageInfo"]["endCursor"]
    answer = await account_user.ask(QUERY, id=world["own"], first=1, after=after, orderBy=ORDERS[3])
    assert answer.codes == ["BAD_USER_INPUT"]


async def test_each_account_lists_only_its_own_applications(
    installation: Installation, admin: Person, provider: Person, account_user: Person, world: World
) -> None:
    query = (
        '{ accounts { nodes { name applications(filter: {nameContains: "HOT"}, orderBy: {direction: DESC}) {'
        " totalCount nodes { name account { name } } } } } }"
    )
    for person, count in ((admin, 3), (provider, 2), (account_user, 1)):
        compiled, expected = await ask_both(installation, person, query)
        assert compiled.data == expected.data
        nodes = compiled.only("accounts")["nodes"]
        assert len(nodes) == count
        for node in nodes:
            assert node["applications"]["totalCount"] == 1
            assert [each["account"]["name"] for each in node["applications"]["nodes"]] == [node["name"]]


@pytest.mark.parametrize(("executor", "most"), [("compiled", 3), ("reference", 8)])
async def test_more_accounts_need_no_more_statements(
    installation: Installation, provider: Person, executor: str, most: int
) -> None:
    for number in range(8):
        made = await provider.change("createAccount", "account { id }", name=f"Account {number}")
        await created(provider, made["account"]["id"])
    query = (
        "query ($first: Int!) { accounts(first: $first) { nodes { applicationCount deviceCallingApplication { name }"
        ' applications(first: 2, filter: {nameContains: "d"}) { totalCount'
        " nodes { name usedFor recording { reason } } } } } }"
    )
    counts = []
    await provider.ask(query, first=1)
    for first in (1, 9):
        with reference_executor(installation) if executor == "reference" else nullcontext(), recorded() as statements:
            assert len((await provider.ask(query, first=first)).only("accounts")["nodes"]) == first
        counts.append(len(statements))
    assert counts[0] == counts[1] <= most


async def test_a_page_uses_an_index_of_its_account(
    installation: Installation, account_user: Person, world: World
) -> None:
    query = (
        "query ($id: ID!, $o: ApplicationOrder, $a: String) {"
        " account(id: $id) { applications(orderBy: $o, after: $a) { nodes { name } } } }"
    )
    async with installation.database() as connection:
        await fill(connection, world, providers=10, accounts=200)
        own, others = parse_sid(Kind.ACCOUNT, world["own"]), await Account.all().values_list("id", flat=True)
        # Interleaved, as accounts of one installation create theirs: 100 of the own account, 50 of each other one.
        await Application.bulk_create(
            _application(account_id, turn) for turn in range(100) for account_id in (others if turn % 2 == 0 else [own])
        )
        await connection.execute_query("ANALYZE")
        for order in ORDERS:
            _, found, _ = await page(account_user, world["own"], orderBy=order)
            for after in (None, found["pageInfo"]["endCursor"]):
                with recorded() as statements:
                    await account_user.ask(query, id=world["own"], o=order, a=after)
                plan_text = await plan(connection, statements[-1])
                assert "applications_name_unique" in plan_text or "applications_by_account" in plan_text, plan_text
                # The same statement reads the account, for which a scan of this small table may be cheapest.
                assert "seq scan on applications" not in plan_text.lower(), plan_text
                # Names are unique, so only the id could be left to sort by.
                assert re.search(r"->  Sort |^Sort |USE TEMP B-TREE FOR ORDER BY", plan_text) is None, plan_text


def _application(account_id: Any, number: int) -> Application:
    return Application(
        id=new_id(),
        account_id=account_id,
        name=f"A {number:04}",
        name_key=f"a {number:04}",
        calling_webhook_url="https://hooks.example.com",
        calling_webhook_method="POST",
    )
