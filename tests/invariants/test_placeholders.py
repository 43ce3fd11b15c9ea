"""Values that look like placeholders of SQL statements are ordinary values, in every text and id."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type, is_composite_type, is_required_argument

from app.foundation.identifiers import Kind
from app.server.schema import schema
from tests.invariants.schema_walk import replaced
from tests.invariants.test_inputs import Walk, assert_named, walk  # noqa: F401  a fixture
from tests.support.installation import Person

TEXTS = ["slot0zz", "slot10zz", "viewer.account_id"]
IDS = [f"{kind}5107{'0' * 28}" for kind in Kind]
WAYS = [
    pytest.param(marks=pytest.mark.settings(compiled_operations=True), id="compiled"),
    pytest.param(marks=pytest.mark.settings(compiled_operations=False), id="not compiled"),
]
# Lists of objects whose fields take arguments.
AROUND = {"Query": "{%s}", "Account": "{accounts{nodes{%s}}}", "ServiceProvider": "{serviceProviders{nodes{%s}}}"}


def asked(name: str, declared: Any) -> Iterator[str]:
    """A field with each of its text and id arguments in turn, once per value; calls are limited to the last day."""
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    needed = {argument for argument, one in declared.args.items() if is_required_argument(one)}
    for argument, one in declared.args.items():
        if needed - {argument}:
            continue
        type_ = get_named_type(one.type)
        within = type_.fields if isinstance(type_, GraphQLInputObjectType) else {}
        for path, leaf in {argument: type_, **{key: get_named_type(each.type) for key, each in within.items()}}.items():
            for value in IDS if leaf.name == "ID" else TEXTS if leaf.name == "String" else ():
                given = f'"{value}"'
                if path in within:
                    more = f'since: "{since}"' if "since" in within else ""
                    given = f"{{{path}: {given} {more}}}"
                yield f"{name}({argument}: {given}){below(declared.type)}"


def below(type_: Any) -> str:
    named = get_named_type(type_)
    if not is_composite_type(named):
        return ""
    return "{totalCount nodes{id}}" if "totalCount" in getattr(named, "fields", ()) else "{__typename}"


QUERIES = [
    AROUND[parent] % one
    for parent in AROUND
    for name, declared in schema._schema.type_map[parent].fields.items()  # type: ignore[attr-defined]
    for one in asked(name, declared)
]


async def failing(person: Person) -> list[str]:
    """The queries that fail with a server error or are invalid."""
    answers = [(query, await person.ask(query)) for query in QUERIES]
    return [query for query, answer in answers if not set(answer.codes) <= {"BAD_USER_INPUT", "FORBIDDEN"}]


@pytest.mark.parametrize((), WAYS)
async def test_queries_accept_values_that_look_like_placeholders(admin: Person) -> None:
    assert await failing(admin) == []


async def test_a_tenant_finds_nothing_by_values_that_look_like_placeholders(provider: Person) -> None:
    assert await failing(provider) == []


@pytest.mark.parametrize((), WAYS)
async def test_mutations_accept_values_that_look_like_placeholders(walk: Walk) -> None:  # noqa: F811
    places = {(mutation, path): given for mutation, given, path in walk.places("ID", "String")}
    for (mutation, path), given in places.items():
        kept = reduce(lambda value, name: value[int(name) if isinstance(value, list) else name], path, given)
        # An id of another kind is rejected before any statement.
        value = next((one for one in IDS if isinstance(kept, str) and one[:2] == kept[:2]), TEXTS[0])
        assert_named(await walk.send(mutation, replaced(given, path, value)), mutation, path, value)


@pytest.mark.parametrize((), WAYS)
async def test_an_account_named_like_a_placeholder_is_found_by_its_name(provider: Person) -> None:
    made = await provider.ask('mutation { createAccount(input: {name: "Slot0zz"}) { userErrors { message } } }')
    assert made.only("createAccount") == {"userErrors": []}
    found = await provider.ask('{ accounts(filter: {nameContains: "slot0zz"}) { totalCount nodes { name } } }')
    assert found.only("accounts") == {"totalCount": 1, "nodes": [{"name": "Slot0zz"}]}
