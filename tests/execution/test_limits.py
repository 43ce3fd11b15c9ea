"""Documents and bodies that attack the server: each gets a response with a message. `make bench` measures the time."""

from typing import Any

import pytest
from graphql import GraphQLObjectType, get_introspection_query, graphql_sync, parse

from app.execution.executor import reference
from app.execution.limits import document_size
from app.server.schema import schema
from tests.execution import attacks
from tests.support.installation import Installation, Person, World


@pytest.mark.parametrize("name", attacks.REFUSED)
async def test_an_attack_is_refused_before_it_runs(shared: Installation, name: str) -> None:
    answer = await shared.person("admin").ask(attacks.REFUSED[name])
    assert "data" not in answer.body
    assert set(answer.codes) <= {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"}
    assert 1 <= len(answer.errors) <= document_size.MAXIMUM_ERRORS + 1


@pytest.mark.parametrize("name", attacks.ALLOWED)
async def test_a_large_but_allowed_document_is_served(shared: Installation, name: str) -> None:
    name_of_operation = {"operationName": "wanted"} if "operations" in name else {}
    response = await shared.client.post(
        "/graphql",
        json={"query": attacks.ALLOWED[name], **name_of_operation},
        headers=shared.person("admin").headers,
    )
    body = response.json()
    assert "errors" not in body, body["errors"][:1]
    assert body["data"]


@pytest.mark.parametrize("name", attacks.ENDED)
async def test_an_operation_that_exceeds_its_work_ends_without_data(shared: Installation, name: str) -> None:
    answer = await shared.person("admin").ask(attacks.ENDED[name])
    assert answer.body["data"] is None
    assert [error["message"].partition(":")[0] for error in answer.errors] == ["The operation selects too much"]
    assert answer.codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("fragments", [10, 20, 26, 100])
def test_fragments_that_double_are_measured_in_linear_time(fragments: int) -> None:
    # Expanded these are 2 to the power of 100 fields; walking them would never end.
    text = "{ ...f0 } " + " ".join(
        f"fragment f{i} on Query {{ ...f{i + 1} ...f{i + 1} }}" for i in range(fragments - 1)
    )
    errors = document_size.check(parse(f"{text} fragment f{fragments - 1} on Query {{ a }}"))
    assert [error.message for error in errors] == [
        *(["The document exceeds the limit of 1000 for fields."] if fragments > 10 else []),
        "The document exceeds the limit of 500 for fragments.",
    ]


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("{" + " ".join(f"f{i}" for i in range(1_000)) + "}", True),
        ("{" + " ".join(f"f{i}" for i in range(1_001)) + "}", False),
        ("{" + "f{" * 14 + "f" + "}" * 15, True),
        ("{" + "f{" * 15 + "f" + "}" * 16, False),
        ("{ ...a } fragment a on Q {" + "f{" * 15 + "f" + "}" * 16, False),
        ("query @a {" + "f " + "@a " * 99 + "}", True),
        ("query @a {" + "f " + "@a " * 100 + "}", False),
        ("{ ...a @a } fragment a on Q { f " + "@a " * 100 + "}", False),
        ("{" + "f " * 89 + "}", True),
        ("{" + "f " * 90 + "}", False),
        ("{" + "... { f } " * 90 + "}", False),
        ("{" + "x: f " * 90 + "}", False),
        ("{ __schema {" + "f {" * 15 + "f" + "}" * 15 + "} }", True),
        ("{ __schema {" + " ".join(f"a{i}: f" for i in range(101)) + "} }", False),
        ("{ __schema {" + " ".join(f"f{i}" for i in range(1_001)) + "} }", False),
        ("{ ...missing }", True),
        ("query(" + "$a: A " * 100 + ") { f }", True),
        ("query(" + "$a: A " * 101 + ") { f }", False),
        ("query a(" + "$a: A " * 51 + ") { f } query b(" + "$a: A " * 50 + ") { f }", False),
        ("query(" + "$a: A " + "@a " * 101 + ") { f }", False),
        ("{ f } fragment a on Q " + "@a " * 101 + " { f }", False),
        ("{ f(" + "a: 1 " * 30 + ") }", True),
        ("{ f(" + "a: 1 " * 31 + ") }", False),
        ("{ f { ...a } } fragment a on Q { ... @a(" + "a: 1 " * 31 + ") { f } }", False),
        ("query @a(" + "a: 1 " * 31 + ") { f }", False),
        ("query($a: A @a(" + "a: 1 " * 31 + ")) { f }", False),
    ],
)
def test_each_limit_applies_at_its_stated_value(text: str, within: bool) -> None:
    assert bool(document_size.check(parse(text))) is not within


def test_a_field_of_the_schema_has_fewer_arguments_than_are_allowed() -> None:
    roots = [type_ for type_ in schema._schema.type_map.values() if isinstance(type_, GraphQLObjectType)]
    most = max(len(field.args) for type_ in roots for field in type_.fields.values())
    assert 4 <= most <= document_size.MAXIMUM_ARGUMENTS / 3


@pytest.mark.parametrize(
    "query",
    [
        "{ passwordPolicy { " + "minimumLength " * 500 + "} }",
        "{" + " ".join(f"a{i}: accounts {{ totalCount }}" for i in range(90)) + "}",
        "{ __typename ...a }" + " ".join(f"fragment a{i} on Query {{ __typename }}" for i in range(11)),
        "query(" + "$a: ID " * 21 + ") { passwordPolicy { minimumLength } }",
    ],
)
async def test_a_document_too_large_for_unauthenticated_callers_needs_authentication(
    shared: Installation, query: str
) -> None:
    answer = await shared.person(None).ask(query)
    assert answer.codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    ("variables", "within"),
    [
        (None, True),
        ({}, True),
        ({"a": [1] * 1_999}, True),
        ({"a": [1] * 2_000}, False),
        ({"a": [[1, 2]] * 667}, False),
        ({"a": {"b": [{"c": 1}] * 1_000}}, False),
        ({f"a{number}": 1 for number in range(2_001)}, False),
    ],
)
async def test_variables_have_a_limit_too(shared: Installation, variables: dict[str, Any] | None, within: bool) -> None:
    assert document_size.has_too_many_values(variables) is not within
    answer = await shared.client.post("/graphql", json={"query": "{ __typename }", "variables": variables})
    assert ("errors" in answer.json()) is not within


async def test_the_introspection_of_common_tools_fits_with_room_for_a_larger_schema(
    shared: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The introspection of GraphiQL and graphql-codegen: everything that graphql-js can select.
    query = get_introspection_query(
        descriptions=True,
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    monkeypatch.setattr(reference, "MAXIMUM_WORK", reference.MAXIMUM_WORK * 2 // 3)
    answer = await shared.person(None).ask(query)
    assert not answer.errors
    assert len(answer.data["__schema"]["types"]) > 50


async def test_introspection_equals_that_of_graphql_core(shared: Installation) -> None:
    query = get_introspection_query(input_value_deprecation=True)
    answer = await shared.person(None).ask(query)
    assert answer.data == graphql_sync(schema._schema, query).data


async def test_the_number_of_row_errors_is_limited(admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "{ accounts { nodes { " + " ".join(f"a{i}: apiKeys(first: 0) {{ nodes {{ id }} }}" for i in range(20))
    answer = await admin.ask(query + " } } }")
    assert len(answer.errors) <= 3 * 20
    monkeypatch.setattr(reference, "MAXIMUM_WORK", 150)
    answer = await admin.ask(query + " } } }")
    assert (answer.data, len(answer.errors)) == (None, 1)


@pytest.mark.settings(compiled_operations=False)
async def test_a_mutation_with_too_large_a_payload_reports_it(
    provider: Person, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "MAXIMUM_WORK", 10)
    answer = await provider.ask('mutation { createAccount(input: {name: "Made"}) { account { id name active } } }')
    assert (answer.data, answer.codes) == (None, ["BAD_USER_INPUT"])
    monkeypatch.undo()
    found = await admin.ask('{ accounts(filter: {nameContains: "Made"}) { totalCount } }')
    assert found.only("accounts") == {"totalCount": 1}


@pytest.mark.parametrize("limit", [("MAXIMUM_WORK", 1_000), ("MAXIMUM_ROWS", 10)], ids=["work", "rows"])
async def test_payloads_read_by_the_reference_executor_share_one_work_budget(
    admin: Person, world: World, monkeypatch: pytest.MonkeyPatch, limit: tuple[str, int]
) -> None:
    pages = 'serviceProvider { accounts(after: "none") { nodes { id } } }'
    changes = [f"a{number}: updateAccount(input: $input) {{ account {{ {pages} }} }}" for number in range(20)]
    query = "mutation ($input: UpdateAccountInput!) {{ {} }}"
    given = {"id": world["own"], "licensedSessions": 7}
    monkeypatch.setattr(reference, *limit)
    assert (await admin.ask(query.format(changes[0]), input=given)).data is not None
    answer = await admin.ask(query.format(" ".join(changes)), input=given)
    assert (answer.data, answer.codes) == (None, ["BAD_USER_INPUT"])
