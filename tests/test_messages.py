"""Every rule that an input can break has its message in a snapshot `tests/*/messages.txt`, for reviewers to read."""

from pathlib import Path

import app.server.schema  # noqa: F401  declares all rules
from app.foundation.user_errors import declared_rules

# Rules that no short sequence of requests breaks, with the test that asserts their whole message.
ELSEWHERE = {
    "OBJECT_BUSY": "audit/test_audited_update.py",
    "PASSWORD_CHANGED_BY_ANOTHER_REQUEST": "users/test_passwords.py",
    "RECORDING_LOST": "recording/test_missing_rows.py",
    "RECORDING_SET_ASIDE": "recording/test_missing_rows.py",
}


def test_each_rule_of_an_input_has_its_message_in_a_snapshot() -> None:
    tests = Path(__file__).parent
    lines = [line for file in tests.glob("*/messages.txt") for line in file.read_text(encoding="utf-8").splitlines()]
    shown = {line.split()[0] for line in lines if not line.startswith(" ")}
    assert shown | ELSEWHERE.keys() == declared_rules().keys(), (
        "A rule without a snapshot.\n  Why it matters: its message was read by no reviewer, and no test breaks the rule.\n"
        "  To fix this: 1. break it in tests/<domain>/test_messages.py; 2. `make messages`, and read the difference."
    )
    assert not shown & ELSEWHERE.keys()
    for rule, file in ELSEWHERE.items():
        assert rule in (tests / file).read_text(encoding="utf-8"), rule
