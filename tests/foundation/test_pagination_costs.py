"""The cost of a page: a constant number of statements, and an index for each order."""

import re
from contextlib import nullcontext

import pytest

from tests.execution.test_compiled import reference_executor
from tests.foundation.test_pagination import ORDERS, create, page
from tests.support.concurrency import fill
from tests.support.installation import Installation, Person, World
from tests.support.statements import plan, recorded

NESTED = (
    "query ($first: Int!) { accounts(first: $first) { totalCount nodes { name serviceProvider { name }"
    " recordingConfig { bucketName } apiKeys(first: 5) { totalCount nodes { name account { name } } } } } }"
)

STATEMENTS = {"compiled": 4, "reference": 8}


@pytest.mark.parametrize("executor", list(STATEMENTS))
async def test_more_rows_need_no_more_statements(
    installation: Installation, admin: Person, provider: Person, other_provider: Person, executor: str
) -> None:
    for person in (provider, other_provider):
        for account in await create(person, *(f"Number {n}" for n in range(15))):
            await person.change("createApiKey", "apiKey { id }", name="key", owner={"accountId": account})
            await person.change("updateRecordingConfig", "recordingConfig { id }", accountId=account, enabled=False)
    counts = []
    await admin.ask(NESTED, first=1)  # from now on its key is known
    for first in (1, 30):
        with nullcontext() if executor == "compiled" else reference_executor(installation), recorded() as statements:
            answer = await admin.ask(NESTED, first=first)
        assert len(answer.only("accounts")["nodes"]) == first
        counts.append(len(statements))
    assert counts[0] == counts[1] <= STATEMENTS[executor]


async def test_a_page_without_total_count_runs_no_count(provider: Person) -> None:
    await provider.ask("{ viewer { scope } }")
    with recorded() as statements:
        await provider.ask("{ accounts { nodes { name } } }")
    assert len(statements) == 1
    assert "COUNT" not in statements[0][0]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("person", ["admin", "provider"])
async def test_a_page_scans_an_index_without_a_sort(
    installation: Installation, world: World, person: str, order: dict[str, str]
) -> None:
    asker = installation.person(person)
    async with installation.database() as connection:
        await fill(connection, world)
        first = await page(asker, 20, orderBy=order)
        for after in (None, first["pageInfo"]["endCursor"]):
            with recorded() as statements:
                await asker.ask(
                    "query ($o: AccountOrder, $a: String) { accounts(orderBy: $o, after: $a) { nodes { name } } }",
                    o=order,
                    a=after,
                )
            told = await plan(connection, statements[-1])
            assert "index" in told.lower(), told
            assert "temp b-tree" not in told.lower(), told
            assert "seq scan" not in told.lower(), told
            assert "sort" not in told.lower().replace("incremental sort", ""), told
            if person == "admin" and after and order["field"] == "NAME":
                # The index is entered exactly at the position, however many rows have the same name.
                assert re.search(r"Index Cond: \(ROW\(name_key, id\)|\(\(name_key,id\)[<>]", told), told


@pytest.mark.parametrize("person", ["admin", "provider"])
async def test_suspended_accounts_have_an_index_of_their_own(
    installation: Installation, world: World, person: str
) -> None:
    asker = installation.person(person)
    async with installation.database() as connection:
        await fill(connection, world)
        for order in ORDERS:
            await page(asker, 20, orderBy=order, filter={"active": False})
            with recorded() as statements:
                await page(asker, 20, orderBy=order, filter={"active": False})
            told = await plan(connection, next(each for each in statements if "ORDER BY" in each[0]))
            assert "accounts_suspended" in told, told


@pytest.mark.parametrize("executor", list(STATEMENTS))
async def test_keys_of_many_accounts_are_read_from_an_index(
    installation: Installation, provider: Person, world: World, executor: str
) -> None:
    async with installation.database() as connection:
        await fill(connection, world)
        query = "{ accounts(first: 50) { nodes { apiKeys(first: 1) { nodes { name } } } } }"
        with nullcontext() if executor == "compiled" else reference_executor(installation), recorded() as statements:
            await provider.ask(query)
        plans = [await plan(connection, each) for each in statements if 'FROM "api_keys"' in each[0]]
    assert plans
    for told in plans:
        lines = [line.strip(" ->").lower() for line in told.splitlines()]
        assert not [line for line in lines if line.startswith(("scan api_keys", "seq scan on api_keys"))], told


async def test_keys_of_an_account_are_read_from_an_index(
    installation: Installation, provider: Person, world: World
) -> None:
    async with installation.database() as connection:
        await fill(connection, world)
        with recorded() as statements:
            await provider.ask("query ($id: ID!) { account(id: $id) { apiKeys { nodes { name } } } }", id=world["own"])
        plans = [await plan(connection, statement) for statement in statements if '"api_keys"' in statement[0]]
    assert plans
    for told in plans:
        lines = [line.strip(" ->").lower() for line in told.splitlines()]
        assert not [line for line in lines if line.startswith(("scan api_keys", "seq scan on api_keys"))], told
