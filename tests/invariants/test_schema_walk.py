"""The schema walks leave nothing out."""

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

from tests.invariants.schema_walk import MUTATIONS, fields_of, input_type, inputs, leaves


def test_the_walked_inputs_contain_every_field_of_every_mutation() -> None:
    no_people: Any = SimpleNamespace(ids=defaultdict(str), sessions=defaultdict(str))
    given = inputs(defaultdict(str), no_people)
    assert set(given) == set(MUTATIONS), "add the mutation to `inputs`, with all of its fields"
    for mutation, values in given.items():
        type_ = input_type(mutation)
        walked = {
            ".".join(step for step in path if not step.isdigit()) for one in values for path, _, _ in leaves(type_, one)
        }
        wanted = fields_of(type_) if type_ is not None else set()
        assert walked == wanted, f"{mutation}: {wanted ^ walked}: add the field to `inputs`"
