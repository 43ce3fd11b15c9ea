"""The house: who may import whom, where files may lie, and that the map tells all of them. Nothing of it runs."""

import fnmatch
from pathlib import Path

import pytest

from tests.layout_rules import broken_rules, sources_of

ROOT = Path(__file__).parent.parent
TOP_LEVEL = {
    *("pyproject.toml", "app", "schema.graphql", "migrations", "tests", "Makefile"),
    *("README.md", "CHANGELOG.md", "constraints.txt"),
}


def test_every_import_points_the_right_way_and_every_module_is_on_the_map() -> None:
    problems = broken_rules(sources_of(ROOT))
    assert not problems, "\n\n" + "\n\n".join(problems)


def test_the_top_level_holds_what_belongs_there_and_nothing_else() -> None:
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()]
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    strangers = {name for name in names - TOP_LEVEL if not any(fnmatch.fnmatch(name, one) for one in ignored)}
    assert not strangers, (
        f"{sorted(strangers)} on the top level.\n  Why it matters: a newcomer reads this list first; it stays short.\n"
        "  To fix this: 1. move it to app/, tests/ or .github/ 2. add what is made by a program to .gitignore."
    )


HOUSE = {
    "app": "'''accounts/ calls/ names.py main.py audio.py'''",
    "app.names": "",
    "app.main": "from app.accounts import schema\nfrom app.calls import schema as calls",
    "app.accounts": "",
    "app.accounts.model": "from app import names",
    "app.accounts.service": "from app.accounts.model import Account",
    "app.accounts.schema": "from app.accounts import service\nfrom app.calls.schema import Call",
    "app.calls": "",
    "app.calls.model": "",
    "app.calls.audio": "from app.calls.model import Call",
    "app.calls.service": "from app.accounts import service",
    "app.calls.schema": "from app.calls import service, audio",
}


def test_the_rules_let_a_well_built_house_stand() -> None:
    assert broken_rules(HOUSE) == []


@pytest.mark.parametrize(
    ("module", "text", "words"),
    [
        ("app.names", "from app.calls import model", "the foundation imports app.calls.model"),
        ("app.names", "import app.main", "the foundation imports app.main"),
        ("app.calls.service", "from app import main", "a room imports app.main"),
        ("app.calls.schema", "from app.accounts.schema import Account", "contents import their container"),
        ("app.calls.model", "from app.calls.audio import encode", "stands on a higher floor"),
        ("app.calls.audio", "from app.accounts import service", "stands on a higher floor"),
        ("app.calls.service", "from app.accounts import schema", "stands on a higher floor"),
        ("app.accounts.service", "from app.calls import service", "circle: app.accounts.service → app.calls.service"),
        ("app.calls.schema", "a: Annotated['A', strawberry.lazy('app.accounts.schema')]", "uses strawberry.lazy"),
        ("app.calls.schema", "from strawberry import lazy", "uses strawberry.lazy"),
        ("app.calls.service", "def f():\n    from app.calls import model", "inside a function"),
        ("app.calls.service", "def f():\n    import json  # noqa: PLC0415", "inside a function"),
        ("app.calls.service", "from . import model", "by a relative path"),
        ("app.calls.service", "import aioboto3", "imports aioboto3"),
        ("app.calls.audio", "from botocore.config import Config", "imports botocore.config"),
        ("app.calls.helpers", "", "is called helpers"),
        ("app.calls.player", "", "not on the map"),
        ("app", "'''accounts/ calls/ names.py main.py audio.py cellar.py'''", "shows `cellar.py`, which is not there"),
    ],
)
def test_the_rules_find_what_is_built_wrong(module: str, text: str, words: str) -> None:
    problems = broken_rules({**HOUSE, module: text})
    assert any(words in problem and "To fix this: 1. " in problem for problem in problems), problems


def test_a_reason_excuses_an_import_inside_a_function() -> None:
    excused = "def f():\n    import lameenc  # noqa: PLC0415  only there where calls are encoded"
    assert broken_rules({**HOUSE, "app.calls.audio": excused}) == []
