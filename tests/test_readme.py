"""What the README says of the code is what the code says."""

import json
import re
from pathlib import Path

from graphql import GraphQLSyntaxError, OperationDefinitionNode, build_schema, parse, validate
from graphql.execution.values import get_variable_values

from app.demo_data import NEWCOMER, PASSWORD, PEOPLE, email_of
from app.schema import printed
from app.settings import table
from tests.tracked import tracked

README = Path(__file__).parents[1] / "README.md"
CONTRACT = build_schema(printed())
TABS = tracked(README.parent, "app/graphiql/tabs/*.graphql")
TYPESCRIPT = README.parent / "tests" / "clients" / "typescript"


def test_the_table_of_settings_is_the_one_that_the_code_prints() -> None:
    assert table() in README.read_text(), "to fix this: python -m app.settings, and paste its output into the README"


def test_every_file_that_the_readme_points_to_is_there() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text())
    missing = [target for target in targets if not (README.parent / target).exists()]
    assert targets
    assert missing == []


def test_every_block_of_graphql_in_the_readme_is_a_whole_and_valid_operation() -> None:
    blocks = re.findall(r"^ *```graphql\n(.*?)^ *```", README.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 8
    assert {text: wrong for text in blocks if (wrong := mistakes_of(text))} == {}


def test_every_operation_within_a_sentence_of_the_readme_is_valid() -> None:
    operations = re.findall(r"`((?:\{|query|mutation)[ \n][^`]*\})`", README.read_text())
    assert len(operations) > 2
    assert {text: wrong for text in operations if (wrong := mistakes_of(text))} == {}


def test_every_request_in_the_readme_has_a_valid_query_and_its_variables() -> None:
    bodies = re.findall(r"<<'EOF'\n( *\{\n.*?)^ *EOF", README.read_text(), re.MULTILINE | re.DOTALL)
    assert bodies
    for body in map(json.loads, bodies):
        assert mistakes_of(body["query"]) == []
        [definition] = parse(body["query"]).definitions
        assert isinstance(definition, OperationDefinitionNode)
        given = get_variable_values(CONTRACT, definition.variable_definitions or (), body["variables"])
        assert not isinstance(given, list), given


def mistakes_of(text: str) -> list[str]:
    """Why a text cannot be sent as it stands."""
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        return [error.message]
    return [error.message for error in validate(CONTRACT, document)]


def test_the_account_form_of_the_readme_is_the_one_that_is_compiled_and_run() -> None:
    form, program = ((TYPESCRIPT / name).read_text() for name in ("account-form.ts", "rename-account.ts"))
    shown = re.findall(r"^```ts\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    assert form in shown, "to fix this: paste tests/clients/typescript/account-form.ts into the README"
    assert any("await save(server" in text and text in program for text in shown)
    watcher = (TYPESCRIPT / "watch-calls.ts").read_text()
    assert any("of subscribe(server" in text and text in watcher for text in shown)


def test_the_readme_names_every_tab_of_graphiql() -> None:
    [section] = re.findall(r"^## GraphiQL\n(.*?)^## ", README.read_text(), re.MULTILINE | re.DOTALL)
    tabs = {
        name for tab in TABS for name in re.findall(r"^(?:query|mutation|subscription) (\w+)", tab.read_text(), re.M)
    }
    assert tabs
    assert {name for name in tabs if not re.search(rf"\b{name}\b", section)} == set()


def test_the_readme_names_the_people_of_the_demo() -> None:
    names = [email_of(person) for person in (*PEOPLE, NEWCOMER)]
    assert [name for name in (*names, PASSWORD) if f"`{name}`" not in README.read_text()] == []
