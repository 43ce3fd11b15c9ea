"""Variables are read with the same results as graphql-core's."""

import json
import random
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    is_required_input_field,
)
from graphql.utilities import coerce_input_value

from app.execution.compiler.arguments import Unsupported, reader
from app.server.schema import schema

INPUTS = [type_ for type_ in schema._schema.type_map.values() if isinstance(type_, GraphQLInputObjectType)]
USUAL = {"String": "x", "ID": "AC00", "Int": 7, "Boolean": True, "DateTime": "2027-01-31T13:37:00Z"}
UNUSUAL = ["", 0, 2**31, 1.0, 1.5, "1", False, None, [], {}, [None], ["x"], "AWS_S3", "no time"]


def some(type_: GraphQLInputObjectType, chance: random.Random) -> dict[str, Any]:
    """An object that is mostly valid for the type."""
    found: dict[str, Any] = {}
    for name, field in type_.fields.items():
        if chance.random() < (0.9 if is_required_input_field(field) else 0.5):
            found[name] = chance.choice(UNUSUAL) if chance.random() < 0.1 else usual(field.type, chance)
    if chance.random() < 0.05:
        found["unknown"] = 1
    return found


def usual(type_: Any, chance: random.Random) -> Any:
    if isinstance(type_, GraphQLNonNull):
        return usual(type_.of_type, chance)
    if isinstance(type_, GraphQLList):
        return [usual(type_.of_type, chance) for _ in range(chance.randint(0, 3))]
    if isinstance(type_, GraphQLInputObjectType):
        return some(type_, chance)
    return chance.choice(list(type_.values)) if isinstance(type_, GraphQLEnumType) else USUAL[type_.name]


@pytest.mark.parametrize("type_", INPUTS, ids=str)
def test_plain_values_are_read_as_by_graphql_core(type_: GraphQLInputObjectType) -> None:
    chance, read = random.Random(7), 0
    for _ in range(400):
        value = some(type_, chance)
        try:
            found = reader(type_)(value)
        except Unsupported:
            continue
        read += 1
        expected = coerce_input_value(value, type_)
        assert expected is not Undefined, value
        assert found == expected
        assert json.dumps(found, default=str) == json.dumps(expected, default=str), "the order counts too"
    assert read > 20, "nearly all were left to graphql-core"
