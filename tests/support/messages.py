"""Snapshots of the messages that users read: a file `messages.txt` in the tests of each domain, which `make messages` writes."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

SELECTION = "userErrors { rule code field message arguments { name value } }"


def check_messages(directory: Path, errors: Iterable[Mapping[str, Any]]) -> None:
    """Compares `errors`, read with SELECTION, with the snapshot in `directory`: each error once, sorted by rule and field."""
    printed = "".join(sorted({_line(error) for error in errors}))
    snapshot = directory / "messages.txt"
    if os.environ.get("UPDATE_MESSAGES"):
        snapshot.write_text(printed, encoding="utf-8")
    expected = snapshot.read_text(encoding="utf-8") if snapshot.exists() else ""
    assert printed == expected, f"Run `make messages` and read the difference of {snapshot.name} in {directory.name}."


def _line(error: Mapping[str, Any]) -> str:
    arguments = " ".join(f"{one['name']}={one['value']}" for one in error["arguments"])
    place = ".".join(error["field"] or []) or "(no field)"
    line = f"{error['rule']} {error['code']} {place} [{arguments}]\n    {error['message']}\n"
    # The time of the change differs from run to run.
    line = re.sub(r"changedAt=\S+", "changedAt=2026-01-31T13:37:00+00:00", line)
    return re.sub(r"on \d{4}-\d\d-\d\d \d\d:\d\d UTC", "on 2026-01-31 13:37 UTC", line)
