"""What the README says of the code is what the code says."""

import re
from pathlib import Path

from graphql import build_schema, parse, validate

from app.demo_data import PASSWORD, PEOPLE, email_of
from app.schema import printed
from app.settings import table

README = Path(__file__).parents[1] / "README.md"
TYPESCRIPT = README.parent / "tests" / "clients" / "typescript"


def test_the_table_of_settings_is_the_one_that_the_code_prints() -> None:
    assert table() in README.read_text(), "to fix this: python -m app.settings, and paste its output into the README"


def test_every_file_that_the_readme_points_to_is_there() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text())
    missing = [target for target in targets if not (README.parent / target).exists()]
    assert targets
    assert missing == []


def test_every_operation_that_the_readme_shows_is_valid() -> None:
    blocks = re.findall(r"^ *```graphql\n(.*?)^ *```", README.read_text(), re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`((?:\{|mutation \{)[^`]*\})`", README.read_text())
    operations = [text for text in (*blocks, *inline) if re.match(r"\s*(\{|query|mutation)", text)]
    assert len(operations) > 8
    contract = build_schema(printed())
    wrong = {text: [error.message for error in validate(contract, parse(text))] for text in operations}
    assert {text: messages for text, messages in wrong.items() if messages} == {}


def test_the_account_form_of_the_readme_is_the_one_that_is_compiled_and_run() -> None:
    form, program = ((TYPESCRIPT / name).read_text() for name in ("account-form.ts", "rename-account.ts"))
    shown = re.findall(r"^```ts\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    assert form in shown, "to fix this: paste tests/clients/typescript/account-form.ts into the README"
    assert any("await save(server" in text and text in program for text in shown)


def test_the_readme_names_the_people_of_the_demo() -> None:
    names = [email_of(person) for person in (*PEOPLE, "newcomer")]
    assert [name for name in (*names, PASSWORD) if f"`{name}`" not in README.read_text()] == []
