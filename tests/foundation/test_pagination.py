"""Lists: each row on one page, also with changes between two pages; wrong cursors; filters."""

import base64
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from app.foundation import names
from app.foundation.graphql.pagination import NEWEST_FIRST, Order
from app.foundation.identifiers import new_id
from tests.support.installation import Person, World

PAGE = (
    "query ($first: Int!, $after: String, $orderBy: AccountOrder, $filter: AccountFilter) {"
    " accounts(first: $first, after: $after, orderBy: $orderBy, filter: $filter) {"
    " totalCount nodes { id name } edges { cursor node { id } }"
    " pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
)
ORDERS = [{"field": field, "direction": way} for field in ("NAME", "CREATED_AT") for way in ("ASC", "DESC")]


async def page(person: Person, first: int = 2, **variables: Any) -> dict[str, Any]:
    answer = await person.ask(PAGE, first=first, **variables)
    found: dict[str, Any] = answer.only("accounts")
    return found


async def walked(
    person: Person, first: int = 2, between: Callable[[], Any] | None = None, **variables: Any
) -> list[str]:
    """The names on all pages in order."""
    names: list[str] = []
    after = None
    while True:
        found = await page(person, first, after=after, **variables)
        names += [node["name"] for node in found["nodes"]]
        assert len(names) < 200, "the pages never end"
        if not found["pageInfo"]["hasNextPage"]:
            return names
        after = found["pageInfo"]["endCursor"]
        if between is not None:
            await between()


async def create(person: Person, *names: str, **settings: Any) -> list[str]:
    payloads = [await person.change("createAccount", "account { id }", name=name, **settings) for name in names]
    return [payload["account"]["id"] for payload in payloads]


@pytest.mark.parametrize("order", ORDERS)
async def test_every_row_is_on_exactly_one_page(
    admin: Person, provider: Person, other_provider: Person, order: dict[str, str]
) -> None:
    for person in (provider, other_provider):
        await create(person, "Straße", "straße 2", "Beta", "alpha", "ﷺ" * 64, "日本", "😀")
    whole = await walked(admin, 100, orderBy=order)
    assert len(whole) == 17
    for first in (1, 2, 3, 16, 17):
        assert await walked(admin, first, orderBy=order) == whole


async def test_names_are_ordered_without_regard_to_case(provider: Person) -> None:
    await create(provider, "beta", "Alpha", "GAMMA", "alpha 2")
    assert await walked(provider) == ["Alpha", "alpha 2", "beta", "GAMMA", "Own customer", "Sibling customer"]
    down = await walked(provider, orderBy={"field": "NAME", "direction": "DESC"})
    assert down == ["Sibling customer", "Own customer", "GAMMA", "beta", "alpha 2", "Alpha"]


async def test_the_order_by_creation_is_chronological(provider: Person) -> None:
    await create(provider, "Z", "A", "M")
    up = await walked(provider, orderBy={"field": "CREATED_AT"})
    assert up == ["Own customer", "Sibling customer", "Z", "A", "M"]
    assert await walked(provider, orderBy={"field": "CREATED_AT", "direction": "DESC"}) == up[::-1]


async def test_rows_created_between_two_pages_hide_and_repeat_no_others(provider: Person) -> None:
    await create(provider, "B", "D", "F")
    coming = iter(["A", "A2", "Zeta", "E"])

    async def one_comes() -> None:
        for name in (next(coming, None),):
            if name:
                await create(provider, name)

    names = await walked(provider, 1, one_comes)
    assert [name for name in names if name not in ("A", "A2", "Zeta", "E")] == [
        "B",
        "D",
        "F",
        "Own customer",
        "Sibling customer",
    ]
    assert len(names) == len(set(names))
    assert "Zeta" in names


async def test_a_cursor_survives_the_deletion_of_its_row(provider: Person) -> None:
    ids = await create(provider, "A", "B", "C", "D")
    for order in ORDERS:
        first = await page(provider, 2, orderBy=order)
        rest = await walked(provider, 2, orderBy=order)
        assert first["pageInfo"]["endCursor"] == first["edges"][1]["cursor"]
        assert [node["name"] for node in first["nodes"]] == rest[:2]
    first = await page(provider, 2)
    await provider.change("deleteAccount", "deletedId", id=ids[1])
    second = await page(provider, 2, after=first["pageInfo"]["endCursor"])
    assert [node["name"] for node in second["nodes"]] == ["C", "D"]


async def test_page_info_has_the_position_of_the_page(provider: Person) -> None:
    await create(provider, "A")
    first = await page(provider, 2)
    assert first["totalCount"] == 3
    assert [edge["node"]["id"] for edge in first["edges"]] == [node["id"] for node in first["nodes"]]
    assert first["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": first["edges"][0]["cursor"],
        "endCursor": first["edges"][1]["cursor"],
    }
    last = await page(provider, 2, after=first["pageInfo"]["endCursor"])
    assert (last["pageInfo"]["hasNextPage"], last["pageInfo"]["hasPreviousPage"]) == (False, True)
    beyond = await page(provider, 2, after=last["pageInfo"]["endCursor"])
    assert (beyond["nodes"], beyond["totalCount"]) == ([], 3)
    assert beyond["pageInfo"]["startCursor"] is beyond["pageInfo"]["endCursor"] is None


async def test_a_page_has_1_to_100_rows(provider: Person) -> None:
    for first in (0, 101, -1, 2**31 - 1):
        answer = await provider.ask(PAGE, first=first)
        assert answer.codes == ["BAD_USER_INPUT"]
        assert answer.errors[0]["extensions"]["argument"] == "first"
        nested = await provider.ask(
            "query ($n: Int!) { accounts { nodes { apiKeys(first: $n) { totalCount } } } }", n=first
        )
        assert {error["extensions"]["argument"] for error in nested.errors} == {"first"}
    assert len((await page(provider, 100))["nodes"]) == 2


async def test_a_page_has_20_rows_by_default(provider: Person) -> None:
    await create(provider, *(f"Number {n}" for n in range(20)))
    answer = await provider.ask("{ accounts { nodes { id } pageInfo { hasNextPage } } }")
    assert len(answer.only("accounts")["nodes"]) == 20
    assert answer.only("accounts")["pageInfo"] == {"hasNextPage": True}


def cursor(*parts: Any) -> str:
    """A forged cursor."""
    return base64.urlsafe_b64encode(orjson.dumps(parts[0] if len(parts) == 1 else list(parts))).decode().rstrip("=")


ROW = new_id().hex
WRONG = [
    "",
    "garbage",
    "é",
    "\0",
    "====",
    "A" * 100_000,
    cursor("account NAME ASC", "own customer"),
    cursor("account NAME ASC", "own customer", "not an id"),
    cursor("account NAME ASC", "own customer", None),
    cursor("account NAME ASC", None, ROW),
    cursor("account NAME ASC", 5, ROW),
    cursor("account NAME ASC", ["\0"], ROW),
    cursor("account NAME ASC", "a\0b", ROW),
    cursor("account NAME ASC", "own customer", ROW, "more"),
    cursor("account NAME DESC", "own customer", ROW),
    cursor("account CREATED_AT ASC", None, ROW),
    cursor("newest", None, ROW),
    cursor({"account NAME ASC": 1, "b": 2, "c": 3}),
    cursor(5),
    cursor("x" * 5000, "own customer", ROW),
]


async def test_a_wrong_cursor_is_refused_and_names_its_argument(provider: Person) -> None:
    for wrong in WRONG:
        answer = await provider.ask(PAGE, first=2, after=wrong)
        assert answer.codes == ["BAD_USER_INPUT"], wrong[:200]
        assert answer.errors[0]["extensions"]["argument"] == "after"
        assert "cursor" in answer.errors[0]["message"]


async def test_a_cursor_of_another_list_is_refused(provider: Person, admin: Person) -> None:
    accounts = (await page(provider, 1))["pageInfo"]["endCursor"]
    answer = await provider.ask(
        "query ($after: String) { serviceProviders(after: $after) { totalCount } }", after=accounts
    )
    assert answer.codes == ["BAD_USER_INPUT"]
    nested = await provider.ask(
        "query ($after: String) { accounts { nodes { apiKeys(after: $after) { nodes { id } } } } }", after=accounts
    )
    assert set(nested.codes) == {"BAD_USER_INPUT"}
    providers = await admin.ask("{ serviceProviders { pageInfo { endCursor } } }")
    after = providers.only("serviceProviders")["pageInfo"]["endCursor"]
    assert (await admin.ask(PAGE, first=2, after=after)).codes == ["BAD_USER_INPUT"]


async def test_a_forged_cursor_shows_no_row_that_is_not_visible(account_user: Person, world: World) -> None:
    forged = cursor("account NAME ASC", "", "0" * 32)
    found = await page(account_user, 100, after=forged)
    assert [node["id"] for node in found["nodes"]] == [world["own"]]


FILTERS = {
    "%": ["50 % off"],
    "_": ["under_score"],
    "\\": ["back\\slash"],
    "'": ["it's"],
    "😀": ["😀 smile"],
    "STRASSE": ["Straße"],
    "ｆｆ": ["50 % off"],
    "cust": ["Own customer", "Sibling customer"],
    "r_s": ["under_score"],
    "u%e": [],
    "\0": [],
    "a\0": [],
    "x" * 65: [],
    "%" * 100_000: [],
}


async def test_a_filter_matches_its_text_literally(provider: Person) -> None:
    await create(provider, "50 % off", "under_score", "back\\slash", "it's", "😀 smile", "Straße")
    found = {}
    for text in FILTERS:
        answer = await provider.ask(PAGE, first=100, filter={"nameContains": text})
        found[text] = [node["name"] for node in answer.only("accounts")["nodes"]]
        assert answer.only("accounts")["totalCount"] == len(found[text])
    assert found == FILTERS


async def test_an_empty_filter_is_no_filter(provider: Person) -> None:
    for nothing in ({}, {"nameContains": ""}, {"nameContains": None, "active": None, "serviceProviderId": None}, None):
        assert (await page(provider, 100, filter=nothing))["totalCount"] == 2


async def test_filters_combine_with_and(admin: Person, provider: Person, world: World) -> None:
    await provider.change("setAccountActive", "account { id }", id=world["own"], active=False)
    wanted = {"serviceProviderId": world["provider"], "active": True, "nameContains": "customer"}
    found = await page(admin, 100, filter=wanted)
    assert [node["id"] for node in found["nodes"]] == [world["sibling"]]
    found = await page(admin, 100, filter={"active": False})
    assert [node["id"] for node in found["nodes"]] == [world["own"]]


async def test_nested_lists_are_paged_like_others(provider: Person, world: World) -> None:
    for person in ("own", "sibling"):
        for number in range(5):
            owner = {"accountId": world[person]}
            await provider.change("createApiKey", "apiKey { id }", name=f"{person} {number}", owner=owner)
    query = (
        "query ($id: ID!, $after: String) { account(id: $id) { apiKeys(first: 3, after: $after) {"
        " totalCount nodes { name } pageInfo { hasNextPage endCursor } } } }"
    )
    names, after = [], None
    for _ in range(3):
        keys = (await provider.ask(query, id=world["own"], after=after)).only("account")["apiKeys"]
        names += [node["name"] for node in keys["nodes"]]
        after = keys["pageInfo"]["endCursor"]
        assert keys["totalCount"] == 7
    assert not keys["pageInfo"]["hasNextPage"]
    assert names == ["own 4", "own 3", "own 2", "own 1", "own 0", "read_only", "account_user"]


async def test_nested_lists_of_several_owners_have_a_page_each(provider: Person, world: World) -> None:
    for place in ("own", "own", "own", "sibling"):
        await provider.change("createApiKey", "apiKey { id }", name=f"more {place}", owner={"accountId": world[place]})
    answer = await provider.ask(
        "{ accounts { nodes { name few: apiKeys(first: 2) { nodes { name } pageInfo { hasNextPage } }"
        " all: apiKeys { totalCount nodes { name } } } } }"
    )
    own, sibling = answer.only("accounts")["nodes"]
    assert own["few"] == {"nodes": [{"name": "more own"}] * 2, "pageInfo": {"hasNextPage": True}}
    assert sibling["few"]["pageInfo"] == {"hasNextPage": False}
    assert (own["all"]["totalCount"], len(own["all"]["nodes"])) == (5, 5)
    assert [key["name"] for key in sibling["all"]["nodes"]] == ["more sibling", "sibling_user"]


def test_the_cursor_of_the_longest_name_is_a_cursor() -> None:
    class Row:
        id = new_id()
        name_key = "صلى الله عليه وسلم" * 64

    order = Order("account NAME ASC", "name_key")
    assert order.after(order.cursor(Row())) is not None
    assert NEWEST_FIRST.after(NEWEST_FIRST.cursor(Row())) is not None


async def test_a_filter_of_many_combining_marks_is_fast(account_user: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Normalization takes quadratic time in the marks on a letter: 65,000 take 13 seconds."""
    normalised: list[int] = []
    real = names.key

    def counted(text: str) -> str:
        normalised.append(len(text))
        return real(text)

    monkeypatch.setattr(names, "key", counted)
    answer = await account_user.ask(
        "query ($s: String) { accounts(filter: {nameContains: $s}) { totalCount } }", s="\u0301\u0316" * 30_000
    )
    assert answer.only("accounts") == {"totalCount": 0}
    assert normalised == []
