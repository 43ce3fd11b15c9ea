"""The layout of the repository: which module imports which, and what the top level holds. No code of `app` runs."""

import subprocess
from pathlib import Path

import pytest

from tests.support.layout_rules import broken_rules, sources_of
from tests.support.tracked_files import ROOT, is_repository, tracked

TOP_LEVEL = {
    *("pyproject.toml", "app", "schema.graphql", "migrations", "tests", "Makefile"),
    *("README.md", "CHANGELOG.md", "LICENSE", "constraints.txt", "docs"),
}


def test_every_import_keeps_the_rules() -> None:
    problems = broken_rules(sources_of(ROOT))
    assert not problems, "\n\n" + "\n\n".join(problems)


@pytest.mark.skipif(not is_repository(ROOT), reason="without a git repository nothing says what belongs to it")
def test_the_top_level_contains_only_the_expected_entries() -> None:
    strangers = strangers_in(ROOT)
    assert not strangers, (
        f"{sorted(strangers)} on the top level.\n  Why it matters: a newcomer reads this list first; it stays short.\n"
        "  To fix this: 1. move it to app/, tests/, docs/ or .github/ 2. take what is made by a program out of git."
    )


def strangers_in(root: Path) -> set[str]:
    names = {path.relative_to(root).parts[0] for path in tracked(root, "**/*")}
    return {name for name in names - TOP_LEVEL if not name.startswith(".")}


def test_the_rules_look_at_tracked_files_alone(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path)]
    (tmp_path / "app" / "foundation").mkdir(parents=True)
    (tmp_path / "app" / "foundation" / "names.py").write_text("")
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    (tmp_path / "server.log").write_text("")
    (tmp_path / "venv" / "lib").mkdir(parents=True)
    (tmp_path / "venv" / "lib" / "module.py").write_text("")
    (tmp_path / "app" / "utils.py").write_text("import app.foundation")
    assert strangers_in(tmp_path) == set()
    assert broken_rules(sources_of(tmp_path)) == []
    subprocess.run([*git, "add", "."], check=True)
    assert strangers_in(tmp_path) == {"server.log", "venv"}
    assert broken_rules(sources_of(tmp_path)) != []


def test_in_an_unpacked_archive_all_files_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "names.py").write_text("")
    assert sources_of(tmp_path) == {"app.names": ""}


HOUSE = {
    "app": "",
    "app.foundation": "",
    "app.foundation.names": "",
    "app.execution": "",
    "app.execution.operations": "from app.foundation import names",
    "app.server": "",
    "app.commands": "",
    "app.commands.serve": "from app.server import asgi",
    "app.demo": "",
    "app.demo.data": "from app.server import asgi\nfrom app.commands import serve",
    "app.server.asgi": "from app.accounts import schema\nfrom app.calls import schema as calls",
    "app.accounts": "",
    "app.accounts.model": "from app.foundation import names",
    "app.accounts.service": "from app.accounts.model import Account",
    "app.accounts.schema": "from app.accounts import service\nfrom app.calls.schema import Call",
    "app.calls": "",
    "app.calls.model": "",
    "app.calls.filters": "from app.calls.model import Call",
    "app.calls.service": "from app.accounts import service",
    "app.calls.schema": "from app.calls import service, filters",
    "app.recording": "",
    "app.recording.audio": "from app.calls.model import Call",
}


def test_a_house_that_keeps_the_rules_passes() -> None:
    assert broken_rules(HOUSE) == []


@pytest.mark.parametrize(
    ("module", "text", "words"),
    [
        ("app.foundation.names", "from app.calls import model", "foundation imports app.calls.model"),
        ("app.foundation.names", "import app.server.asgi", "foundation imports app.server.asgi"),
        ("app.foundation.names", "from app.execution import operations", "foundation imports app.execution.operations"),
        ("app.execution.operations", "from app.calls import model", "execution imports app.calls.model"),
        ("app.calls.service", "from app.server import asgi", "a domain imports app.server.asgi"),
        ("app.server.asgi", "from app.demo import data", "server imports app.demo.data"),
        ("app.server.asgi", "def f():\n    from app.commands import serve  # noqa: PLC0415  why not", "server imports"),
        ("app.calls.schema", "from app.accounts.schema import Account", "contents import their container"),
        ("app.calls.model", "from app.calls.filters import check", "stands on a higher floor"),
        ("app.calls.filters", "from app.accounts import service", "stands on a higher floor"),
        ("app.calls.service", "from app.accounts import schema", "stands on a higher floor"),
        ("app.calls.service", "from app.recording import audio", "recording imports calls"),
        ("app.accounts.service", "from app.calls import service", "cycle: app.accounts.service → app.calls.service"),
        ("app.calls.schema", "a: Annotated['A', strawberry.lazy('app.accounts.schema')]", "uses strawberry.lazy"),
        ("app.calls.schema", "from strawberry import lazy", "uses strawberry.lazy"),
        ("app.calls.service", "def f():\n    from app.calls import model", "inside a function"),
        ("app.calls.service", "def f():\n    import json  # noqa: PLC0415", "inside a function"),
        ("app.calls.service", "from . import model", "by a relative path"),
        ("app.calls.service", "import aioboto3", "imports aioboto3"),
        ("app.calls.filters", "from botocore.config import Config", "imports botocore.config"),
        ("app.calls.helpers", "", "is called helpers"),
        ("app.parking", "", "`app/parking` has no rank"),
    ],
)
def test_a_broken_rule_is_found_and_explained(module: str, text: str, words: str) -> None:
    problems = broken_rules({**HOUSE, module: text})
    assert any(words in problem and "To fix this: 1. " in problem for problem in problems), problems


def test_a_reason_excuses_an_import_inside_a_function() -> None:
    excused = "def f():\n    import lameenc  # noqa: PLC0415  only there where calls are encoded"
    assert broken_rules({**HOUSE, "app.recording.audio": excused}) == []
