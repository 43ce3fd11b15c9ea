"""The server permits exactly what `tests/access.txt` states, for the whole schema. Read that file first on permissions."""

import difflib
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.access_cases import Ids, cases, to_be_covered
from tests.support.access_matrix import matrix
from tests.support.installation import Installation, World

pytestmark = pytest.mark.long

PRINTED = Path(__file__).parent / "access.txt"


# Thousands of requests, which take minutes on a busy machine.
@pytest.mark.timeout(600)
async def test_each_persona_may_do_exactly_what_the_printed_matrix_states(installation: Installation) -> None:
    found, expected = await matrix(installation), PRINTED.read_text()
    changes = "\n".join(
        difflib.unified_diff(expected.splitlines(), found.splitlines(), "printed", "now", n=1, lineterm="")
    )
    assert not changes, (
        f"{changes}\n\nPermissions are not what tests/access.txt says.\n"
        "  Why it matters: each changed word grants or removes a permission that was agreed on.\n"
        "  To fix this: 1. if the change is not intended, correct the permission class on the field, or what "
        "`visible` starts from; 2. if it is intended, run `make access`, read the difference word by word, commit it."
    )


def test_the_matrix_covers_every_root_field_guarded_field_and_type(world: World) -> None:
    nobody: Any = SimpleNamespace(ids=defaultdict(str), sessions=defaultdict(str))
    covered = {
        case.covers
        for _, chapter in cases(
            Ids(world, "AK", nobody, dict.fromkeys(("own", "sibling", "foreign"), "CA"), {"own": "SC"})
        )
        for case in chapter
    }
    missing, gone = sorted(to_be_covered() - covered), sorted(covered - to_be_covered())
    assert not missing, (
        f"{missing}: no case covers it.\n"
        "  Why it matters: its permissions are untested, and a change of them goes unnoticed.\n"
        "  To fix this, in tests/support/access_cases.py: 1. a root field: add it to `queries` or `mutations`, with its input on "
        "own, sibling and foreign rows; 2. a guarded input field: to `guarded_inputs`; 3. a type with an id: its rows to "
        "`Ids.nodes`, which covers its guarded fields too; then run `make access`."
    )
    assert not gone, (
        f"{gone} is in tests/support/access_cases.py and not in the schema. To fix this: 1. remove its case there."
    )


@pytest.mark.timeout(600)
async def test_no_cell_of_the_matrix_depends_on_those_before_it(installation: Installation) -> None:
    assert await matrix(installation, last_first=True) == PRINTED.read_text()
