"""Calls of many accounts by each of three plans: by owner, among the newest of all, or among all of theirs."""

from contextlib import nullcontext
from typing import Any

import pytest

from app.foundation.database import owner_pages
from app.foundation.graphql import pagination
from tests.calls.conftest import at, gateway_of, report
from tests.execution.test_compiled import reference_executor
from tests.support.installation import Installation, Person, World
from tests.support.statements import recorded

FIRST = 3
# By the way: how many owners are few, how many calls are the newest, and how many of them are enough.
WAYS = {"by owner": (1_000, 10_000, 101), "among the newest": (0, 6, FIRST + 1), "all of theirs": (0, 6, 101)}


@pytest.fixture
async def calls(installation: Installation, world: World) -> None:
    """Twelve calls: of the own, the sibling and the foreign account in turn, newest first."""
    gateway = await gateway_of(installation, installation=True)
    for number in range(12):
        account = ("own", "sibling", "foreign")[number % 3]
        reported = {"accountId": world[account], "callId": f"call{number}", "startedAt": at(hours=number + 1)}
        await report(gateway, reported | ({"answeredAt": at(hours=number + 1)} if number % 2 else {}))


async def listed(person: Person, given: str, note: str) -> tuple[list[str], int]:
    """All pages of three, and the count; one plan per note."""
    found: list[str] = []
    after, total = None, 0
    while True:
        query = f"query {note}($after: String) {{ recentCalls(first: {FIRST}, after: $after, filter: {{{given}}}) {{"
        query += " totalCount nodes { gatewayCallId account { name } } pageInfo { hasNextPage endCursor } } }"
        page: Any = (await person.ask(query, after=after)).only("recentCalls")
        found += [node["gatewayCallId"] for node in page["nodes"]]
        after, total = page["pageInfo"]["endCursor"], page["totalCount"]
        if not page["pageInfo"]["hasNextPage"]:
            return found, total


def test_a_candidate_set_fills_the_largest_page_and_shows_whether_another_follows() -> None:
    assert owner_pages.ENOUGH == pagination.MAXIMUM_FIRST + 1


@pytest.mark.parametrize("executor", ["compiled", "reference"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("", {0, 1, 3, 4, 6, 7, 9, 10}),
        ("answered: true", {1, 3, 7, 9}),
        ("hasRecording: true", set()),
        ('accountId: "$sibling"', {1, 4, 7, 10}),
        ('accountId: "$foreign"', set()),
        ('until: "$until"', {4, 6, 7, 9, 10}),
    ],
)
async def test_calls_of_many_accounts_are_the_same_for_every_plan(
    installation: Installation,
    world: World,
    provider: Person,
    calls: None,
    monkeypatch: pytest.MonkeyPatch,
    given: str,
    wanted: set[int],
    way: str,
    executor: str,
) -> None:
    for name, value in zip(("FEW_OWNERS", "NEWEST_ROWS", "ENOUGH"), WAYS[way], strict=True):
        monkeypatch.setattr(owner_pages, name, value)
    given = given.replace("$sibling", world["sibling"]).replace("$foreign", world["foreign"])
    given = given.replace("$until", at(hours=4, minutes=30))
    with nullcontext() if executor == "compiled" else reference_executor(installation):
        found, total = await listed(provider, given, "Listed")
    assert found == [f"call{number}" for number in sorted(wanted)]
    assert total == len(wanted)


@pytest.mark.parametrize("executor", ["compiled", "reference"])
async def test_a_first_page_misses_no_call_of_accounts_that_called_last_in_different_months(
    installation: Installation, world: World, provider: Person, executor: str
) -> None:
    gateway = await gateway_of(installation, serviceProviderId=world["provider"])
    for number in range(6):
        made = await provider.change("createAccount", "account { id }", name=f"Account {number}")
        for days in (40 * number, 40 * number + 70):
            reported = {"accountId": made["account"]["id"], "callId": f"{days:03}", "startedAt": at(days=days, hours=1)}
            assert (await report(gateway, reported))["acceptedCount"] == 1
    with nullcontext() if executor == "compiled" else reference_executor(installation):
        found, total = await listed(provider, "", "Listed")
    assert (found, total) == (sorted(found), 12)


async def test_a_report_updates_the_accounts_newest_month_once_a_month(
    installation: Installation, world: World
) -> None:
    gateway = await gateway_of(installation, serviceProviderId=world["provider"])
    written = []
    for days in (0, 0, 40, 80):
        with recorded() as statements:
            await report(
                gateway, {"accountId": world["own"], "callId": str(days), "startedAt": at(days=days, seconds=1)}
            )
        written.append(sum(sql.startswith('UPDATE "call_accounts"') for sql, _ in statements))
    assert written == [1, 0, 0, 0]
