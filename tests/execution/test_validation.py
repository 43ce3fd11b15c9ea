"""Validation finds the same errors as graphql-core's rules one by one, and as its check of values."""

import pytest
from graphql import (
    GraphQLInputType,
    build_schema,
    parse,
    parse_value,
    validate,
    validate_input_literal,
)

from app.execution import validation
from app.execution.invalid_values import invalid_parts
from app.server.schema import schema
from tests.execution.invalid_inputs import ANONYMOUS, invalid

DOCUMENTS = {
    **{name: body["query"] for name, body in invalid(ANONYMOUS, ("misspelt",)).items()},
    "a valid document": "query ($first: Int) { accounts(first: $first) { nodes { id ... on Account { name } } } }",
    "several rules": "query a($b: X, $b: Int) { x ...y account { id } } fragment z on Int { a } { viewer }",
    "what a rule skips": '{ accounts(filter: {storageStatus: "x", y: {z: $a}}) { nodes(a: $b) @skip { id { id } } } }',
}


@pytest.mark.parametrize("stage", validation.STAGES, ids=lambda stage: stage.__name__)
def test_a_stage_finds_the_same_errors_as_its_rules_one_by_one(stage: type[validation.Stage]) -> None:
    most = 30
    for name, text in DOCUMENTS.items():
        try:
            document = parse(text)
        except Exception:  # noqa: BLE001  not validated
            continue
        if stage is validation.StrawberryRules and validation.errors_of(schema._schema, document, 1):
            continue  # its rules rely on what the other stages check
        together = validate(schema._schema, document, [stage], most, hide_suggestions=True)
        alone = validate(schema._schema, document, stage.rules, most, hide_suggestions=True)
        assert [(error.message, error.locations) for error in together] == [
            (error.message, error.locations) for error in alone
        ], name


def test_unused_fragments_are_reported_and_not_validated() -> None:
    document = parse(
        "{ __typename ...used } fragment used on Query { ...a } fragment a on Query { b } fragment c on D { e }"
    )
    errors = validation.errors_of(schema._schema, document, 10)
    assert [error.message for error in errors] == ["Fragment 'c' is never used."]


NAMES = ("Int", "Float", "String", "Boolean", "ID", "Kind", "Part")
LITERALS = (
    """
    1 -1 1.5 2147483648 "" "x" "1" true false null ONE THREE $a [] [1] [null] [[1]] [[1.5],null] ["a",1] {} {a:1} {id:1}
    {id:"a"} {id:null} {id:a} {id:$a} {id:1,kind:ONE} {id:1,kind:"ONE"} {id:1,kind:null} {id:1,number:null} {id:1,x:1}
    {id:1,parts:[]} {id:1,parts:{id:2}} {id:1,parts:[{id:2},{id:true},null]} {id:1,matrix:1} {id:1,matrix:[[1],2,[a]]}
    {id:1,parts:[{id:1,parts:[{kind:NONE}]}]} 1e300 1e400 """
    + '"""block"""'
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrapped", ["{}", "{}!", "[{}]", "[{}!]!", "[[{}]!]"])
def test_a_literal_is_valid_where_graphql_core_accepts_it(name: str, wrapped: str) -> None:
    field = build_schema(schema_with(wrapped.format(name))).query_type.fields["f"]  # type: ignore[union-attr]
    type_: GraphQLInputType = field.args["a"].type
    for literal in LITERALS.split():
        node = parse_value(literal)
        expected: list[list[str | int]] = []
        validate_input_literal(node, type_, lambda _error, path, found=expected: found.append(list(path)))  # type: ignore[misc]
        found = [list(path) for _, _, path in invalid_parts(node, type_)]
        assert bool(found) is bool(expected), (literal, found, expected)
        assert {tuple(path) for path in found} == {tuple(path) for path in expected}, literal


def schema_with(type_: str) -> str:
    return f"""
        type Query {{ f(a: {type_}): Int }}
        enum Kind {{ ONE TWO }}
        input Part {{ id: ID! kind: Kind number: Int! = 5 parts: [Part!] matrix: [[Float]] }}
    """
