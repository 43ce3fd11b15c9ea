"""What the README says of the code is what the code says."""

import re
from pathlib import Path

from app.settings import table

README = Path(__file__).parents[1] / "README.md"


def test_the_table_of_settings_is_the_one_that_the_code_prints() -> None:
    assert table() in README.read_text(), "to fix this: python -m app.settings, and paste its output into the README"


def test_every_file_that_the_readme_points_to_is_there() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text())
    missing = [target for target in targets if not (README.parent / target).exists()]
    assert targets
    assert missing == []
