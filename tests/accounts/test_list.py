"""The account list: search, filters, and all its columns in one query."""

from contextlib import nullcontext
from typing import Any

import pytest

from tests.accounts.test_form import STORAGE
from tests.clients.example import operations
from tests.execution.test_compiled import reference_executor
from tests.foundation.test_pagination import ORDERS, create, page, walked
from tests.support.installation import Installation, Person, World
from tests.support.statements import recorded

STATEMENTS = {"compiled": 2, "reference": 6}


async def names(person: Person, **given: Any) -> list[str]:
    found = await page(person, 100, filter=given)
    assert found["totalCount"] == len(found["nodes"])
    return [node["name"] for node in found["nodes"]]


@pytest.fixture
async def five(provider: Person, admin: Person, world: World) -> None:
    """The own and the sibling account record. Adds accounts without a configuration, with a disabled one, and a failing one."""
    bare, off, failing = await create(provider, "Bare", "Off", "Failing", sipRealm=None)
    await provider.change("updateAccount", "__typename", id=bare, sipRealm="phones.bäckerei.example")
    await provider.change("updateRecordingConfig", "__typename", accountId=off, **{**STORAGE, "enabled": False})
    # Requests to that address are forbidden, so its test fails immediately.
    nowhere = {**STORAGE, "bucketVendor": "S3_COMPATIBLE", "endpointUrl": "http://127.0.0.1:1"}
    await provider.change("updateRecordingConfig", "__typename", accountId=failing, **nowhere)
    await provider.change("verifyStoredRecordingStorage", "__typename", accountId=failing)


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["Bare", "Failing", "Off", "Own customer", "Sibling customer"]),
        ({"recordingEnabled": True}, ["Failing", "Own customer", "Sibling customer"]),
        ({"recordingEnabled": False}, ["Bare", "Off"]),
        ({"storageStatus": "FAILING"}, ["Failing"]),
        ({"storageStatus": "UNVERIFIED"}, ["Off", "Own customer", "Sibling customer"]),
        ({"storageStatus": "WORKING"}, []),
        ({"storageStatus": "UNVERIFIED", "recordingEnabled": False}, ["Off"]),
        ({"hasSipRealm": True}, ["Bare", "Own customer", "Sibling customer"]),
        ({"hasSipRealm": False, "recordingEnabled": True, "active": True}, ["Failing"]),
        ({"search": "CUSTOMER"}, ["Own customer", "Sibling customer"]),
        ({"search": "Own.SIP"}, ["Own customer"]),
        ({"search": "xn--bckerei"}, ["Bare"]),
        ({"search": "example"}, ["Bare", "Own customer", "Sibling customer"]),
        ({"search": "o"}, ["Bare", "Off", "Own customer", "Sibling customer"]),
        ({"search": "o", "nameContains": "w"}, ["Own customer"]),
        ({"search": "%"}, []),
        ({"search": "_"}, []),
        ({"search": "\0"}, []),
        ({"search": "x" * 2000}, []),
        ({"search": "🎧"}, []),
        ({"search": None, "storageStatus": None, "hasSipRealm": None, "recordingEnabled": None}, None),
        ({"search": ""}, None),
    ],
)
@pytest.mark.parametrize("executor", list(STATEMENTS))
async def test_the_list_is_filtered(
    installation: Installation, provider: Person, given: dict[str, Any], expected: list[str] | None, executor: str
) -> None:
    with nullcontext() if executor == "compiled" else reference_executor(installation):
        assert await names(provider, **given) == (await names(provider) if expected is None else expected)


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize("order", ORDERS)
async def test_every_row_of_a_filtered_list_is_on_exactly_one_page(admin: Person, order: dict[str, str]) -> None:
    for given in ({"recordingEnabled": True}, {"recordingEnabled": False}, {"search": "o"}, {"hasSipRealm": True}):
        whole = await walked(admin, 100, orderBy=order, filter=given)
        assert len(whole) > 1
        assert await walked(admin, 1, orderBy=order, filter=given) == whole


async def test_no_filter_finds_accounts_that_are_not_visible(
    account_user: Person, other_provider: Person, world: World
) -> None:
    for given in (
        {"search": "customer"},
        {"recordingEnabled": True},
        {"storageStatus": "UNVERIFIED"},
        {"hasSipRealm": True},
    ):
        assert await names(account_user, **given) == ["Own customer"]
        assert await names(other_provider, **given) == ["Foreign customer"]
        assert await names(other_provider, **given, serviceProviderId=world["provider"]) == []


@pytest.mark.parametrize("executor", list(STATEMENTS))
@pytest.mark.parametrize("person", ["admin", "provider"])
async def test_the_whole_list_is_one_query_with_the_same_statements_for_any_number_of_rows(
    installation: Installation, provider: Person, person: str, executor: str
) -> None:
    asker = installation.person(person)
    for account in await create(provider, *(f"Customer {n}" for n in range(10))):
        await provider.change("updateAccount", "__typename", id=account, recordingConfig=STORAGE)
    query, counts = operations()["ListAccounts"], []
    given = {"search": "cust", "recordingEnabled": True, "asAdmin": person == "admin"}
    await asker.ask("{ viewer { scope } }")
    for first in (1, 12):
        with nullcontext() if executor == "compiled" else reference_executor(installation), recorded() as statements:
            rows = (await asker.ask(query, first=first, **given)).only("accounts")["nodes"]
        assert len(rows) == first
        counts.append(len(statements))
    assert counts == [STATEMENTS[executor]] * 2
    columns = {"id", "name", "sipRealm", "active", "recordingConfig", "createdAt"}
    columns |= {"apiKeyCount", "applicationCount", "userCount"}
    assert rows[0].keys() == (columns | {"usageLimit", "licensedSessions"} if person == "admin" else columns)
    assert rows[0]["recordingConfig"] == {"enabled": True, "storageStatus": "UNVERIFIED"}
