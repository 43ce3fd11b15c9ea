"""README and guides: queries, bodies, settings, commands, listings, links and tables agree with the code."""

import ast
import json
import re
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    build_schema,
    get_named_type,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from app.commands import command_line
from app.demo.data import NEWCOMER, PASSWORD, PEOPLE, email_of
from app.foundation.errors import ErrorCode
from app.foundation.permissions import LEVELS, ROLES, Permission
from app.foundation.settings import Settings, table
from app.foundation.user_errors import UserErrorCode
from app.recording import stream
from app.server.graphql_ws_messages import CloseCode
from app.server.schema import printed
from tests.support.tracked_files import ROOT, tracked

README = ROOT / "README.md"
API, OPERATIONS, RECORDING = (ROOT / "docs" / f"{name}.md" for name in ("api", "operations", "recording"))
PAGES = [
    page for pattern in ("README.md", "CHANGELOG.md", "docs/*.md", ".github/*.md") for page in tracked(ROOT, pattern)
]
CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"
BY_NAME = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
CONTRACT = build_schema(printed())
TABS = tracked(ROOT, "app/server/graphiql/tabs/*.graphql")
TYPESCRIPT = ROOT / "tests" / "clients" / "typescript"
OTHER_VARIABLES = {
    "ACCOUNT_ID",
    "ADMIN_URL",
    "API_KEY",
    "GRAPHQL_URL",
    "PATH",
    "PGSSLROOTCERT",
    "PROMETHEUS_MULTIPROC_DIR",
    "SSL_CERT_FILE",
}
"""Environment variables that are read by libraries, by the clients' examples, or by the reader's shell alone."""


OTHER_FOLDERS = {"var/"}
"""Folders that git does not track."""


def blocks(page: Path, language: str) -> list[str]:
    """The listings of a language, also those within lists."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def test_the_readme_is_short() -> None:
    lines = len(README.read_text().splitlines())
    assert lines <= 180, f"README.md has {lines} lines.\n  To fix this: move details to docs/, and link to them."


@BY_NAME
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    missing = []
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(page)):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            missing.append(target)
    assert missing == []


@BY_NAME
def test_every_path_of_the_repository_exists(page: Path) -> None:
    words = re.findall(r"[`\s](?:app/)?((?:\w+/)+(?:\w+\.py)?|\w+\.py)(?=[`\s,;:)])", page.read_text())
    files = {path.relative_to(ROOT).as_posix() for path in tracked(ROOT, "**/*")}
    known = {f"/{file}" for file in files} | {
        f"/{folder.as_posix()}/" for file in files for folder in Path(file).parents
    }
    missing = {word for word in words if not any(path.endswith(f"/{word}") for path in known)}
    assert missing <= OTHER_FOLDERS


def anchors(page: Path) -> list[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ +(.+?) *$", prose(page), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@BY_NAME
def test_every_operation_is_valid(page: Path) -> None:
    in_sentences = re.findall(r"`((?:\{|query|mutation)[ \n][^`]*\})`", prose(page))
    operations = [*blocks(page, "graphql"), *in_sentences]
    assert {text: wrong for text in operations if (wrong := mistakes_of(text))} == {}


@BY_NAME
def test_every_body_of_a_request_has_a_valid_query_and_its_variables(page: Path) -> None:
    bodies = re.findall(r"<<'EOF'\n( *\{\n.*?)^ *EOF|-d '(\{.*?\})'", page.read_text(), re.MULTILINE | re.DOTALL)
    for body in (json.loads(long or short) for long, short in bodies):
        assert mistakes_of(body["query"]) == []
        [definition] = parse(body["query"]).definitions
        assert isinstance(definition, OperationDefinitionNode)
        given = get_variable_values(CONTRACT, definition.variable_definitions or (), body.get("variables", {}))
        assert not isinstance(given, list), given


@BY_NAME
def test_every_program_in_python_compiles_and_its_queries_are_valid(page: Path) -> None:
    for program in re.findall(r"python3 - <<'EOF'\n(.*?)^ *EOF", page.read_text(), re.MULTILINE | re.DOTALL):
        texts = [node.value for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Constant)]
        queries = [text for text in texts if isinstance(text, str) and re.match(r"\{ \w|mutation.*\}$", text)]
        assert queries
        assert {text: wrong for text in queries if (wrong := mistakes_of(text))} == {}


def mistakes_of(text: str) -> list[str]:
    """Why a text cannot be sent as it stands."""
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        return [error.message]
    return [error.message for error in validate(CONTRACT, document)]


@BY_NAME
def test_every_variable_is_a_setting_and_every_other_name_in_capitals_is_in_the_contract(page: Path) -> None:
    settings = {name.upper() for name in Settings.model_fields}
    contract = {
        name for type_ in CONTRACT.type_map.values() if isinstance(type_, GraphQLEnumType) for name in type_.values
    }
    set_by_hand = {name for text in blocks(page, "sh") for name in re.findall(r"\b([A-Z][A-Z_]+)=", text)}
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)[`=]", prose(page)))
    assert set_by_hand - settings - OTHER_VARIABLES == set()
    assert named - settings - OTHER_VARIABLES - contract - {str(code) for code in ErrorCode} == set()


@BY_NAME
def test_every_command_and_make_target_exists(page: Path) -> None:
    subcommands = command_line.parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    for name, rest in re.findall(r"python -m app ([a-z-]+)((?:[^`#\n\\]|\\\n)*)", page.read_text()):
        known = {option for action in subcommands[name]._actions for option in action.option_strings}  # type: ignore[index]
        assert set(re.findall(r"(?<!\S)\[?(--[a-z-]+)", rest)) <= known, name
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"`make ([a-z ]+?)(?: [A-Z]+=.*?)?`", prose(page))
    assert {target for names in named for target in names.split()} <= targets


def test_the_table_of_settings_is_the_one_that_the_code_prints() -> None:
    assert table() in OPERATIONS.read_text(), (
        f"to fix this: python -m app.foundation.settings, and paste its output into {OPERATIONS}"
    )


def test_every_error_code_has_a_row() -> None:
    section = API.read_text().partition("\n## Error codes")[2]
    rows = re.findall(r"^\| `([A-Z_]+)` \| ", section, re.MULTILINE)
    assert rows == [*sorted(map(str, ErrorCode), key=rows.index), *(code.value for code in UserErrorCode)]


def test_the_codes_of_each_mutation_fit_the_contract() -> None:
    section = API.read_text().partition("### Codes of each mutation")[2].partition("\n### ")[0]
    listed: dict[str, set[str]] = {}
    for names, codes in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (.+) \|$", section, re.MULTILINE):
        listed |= {name: set(re.findall(r"`([A-Z_]+)`", codes)) for name in re.findall(r"`(\w+)`", names)}
    assert CONTRACT.mutation_type is not None
    mutations = CONTRACT.mutation_type.fields
    assert listed.keys() <= mutations.keys()
    assert set().union(*listed.values()) <= {code.value for code in UserErrorCode}
    for name, field in mutations.items():
        inputs = {each for argument in field.args.values() for each in get_named_type(argument.type).fields}
        expected = {"CONFLICT"} if inputs & {"ifVersion", "idempotencyKey"} else set()
        expected |= {"LIMIT_REACHED"} if "idempotencyKey" in inputs else set()
        expected |= {"IN_USE"} if "force" in inputs else set()
        expected |= {"OUT_OF_RANGE"} if "overlapHours" in inputs else set()
        assert expected <= listed.get(name, set()), name


def test_every_close_code_is_explained() -> None:
    live = API.read_text().partition("## Live calls")[2].partition("\n## ")[0]
    assert [code for code in CloseCode if str(int(code)) not in live] == []
    rows = {int(code) for code in re.findall(r"^ *\| (\d{4}) \| ", RECORDING.read_text(), re.MULTILINE)}
    assert {int(code) for code in stream.CloseCode} - {stream.CloseCode.SAVED} <= rows


def test_the_account_form_of_the_api_guide_is_the_one_that_is_compiled_and_run() -> None:
    form, program, watcher = (
        (TYPESCRIPT / name).read_text() for name in ("account-form.ts", "rename-account.ts", "watch-calls.ts")
    )
    shown = blocks(API, "ts")
    assert form in shown, "to fix this: paste tests/clients/typescript/account-form.ts into docs/api.md"
    assert any("await save(server" in text and text in program for text in shown)
    assert any("of subscribe(server" in text and text in watcher for text in shown)


def test_the_api_guide_names_every_tab_of_graphiql() -> None:
    [section] = re.findall(r"^## GraphiQL\n(.*?)^## ", API.read_text(), re.MULTILINE | re.DOTALL)
    tabs = {
        name for tab in TABS for name in re.findall(r"^(?:query|mutation|subscription) (\w+)", tab.read_text(), re.M)
    }
    assert tabs
    assert {name for name in tabs if not re.search(rf"\b{name}\b", section)} == set()


def table_of_permissions() -> str:
    """Which role and access level has which permission, in Markdown."""
    columns = {**{role.name: had for role, had in ROLES.items()}, **{level.name: had for level, had in LEVELS.items()}}
    names = [*columns]
    lines = [["permission", "a caller may", *names], ["---"] * (len(names) + 2)]
    permissions = CONTRACT.type_map["Permission"]
    assert isinstance(permissions, GraphQLEnumType)
    for one in Permission:
        sentence = (permissions.values[one.name].description or "").rstrip(".")
        words = sentence[0].lower() + sentence[1:]
        lines.append([f"`{one.name}`", words, *("yes" if one in columns[name] else "" for name in names)])
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |").replace("|  |", "| |") for line in lines)


def test_the_api_guide_says_which_role_has_which_permission() -> None:
    table = table_of_permissions()
    assert table in API.read_text(), f"To fix this: paste into docs/api.md, at “Who may do what”:\n\n{table}"


def test_the_readme_names_the_people_of_the_demo() -> None:
    names = [email_of(person) for person in (*PEOPLE, NEWCOMER)]
    assert [name for name in (*names, PASSWORD) if f"`{name}`" not in README.read_text()] == []


@BY_NAME
def test_every_listing_begins_with_its_language_and_ends(page: Path) -> None:
    fences = re.findall(r"^ *```(.*)$", page.read_text(), re.MULTILINE)
    assert all(fences[::2])
    assert not any(fences[1::2])
    assert len(fences) % 2 == 0


def test_every_name_of_code_in_the_guide_for_contributors_exists() -> None:
    code = "".join(path.read_text() for folder in ("app", "tests") for path in tracked(ROOT, f"{folder}/**/*.py"))
    names = re.findall(r"`(?:graph\.)?([A-Z][a-z]+[A-Z]\w+|[a-z]+_[a-z_]+)[`(]", prose(CONTRIBUTING))
    assert len(names) > 5
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []


def test_the_pages_have_listings_of_each_kind() -> None:
    assert {page.name for page in PAGES} >= {"README.md", "api.md", "operations.md", "recording.md"}
    assert sum(len(blocks(page, "graphql")) for page in PAGES) > 8
