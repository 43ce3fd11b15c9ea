"""The messages for users about call reports."""

from pathlib import Path
from typing import Any

from app.calls.reporting import MAXIMUM_CALLS
from tests.calls.conftest import at
from tests.support.installation import Person, World
from tests.support.messages import SELECTION, check_messages

REPORT = f"""mutation ($input: ReportCallsInput!) {{ reportCalls(input: $input) {{
    rejected {{ {SELECTION.replace("userErrors", "errors")} }} {SELECTION} }} }}"""


async def test_messages_for_users(gateway: Person, world: World) -> None:
    reports: list[dict[str, Any]] = [
        {"accountId": world["foreign"]},
        {"callId": "a call"},
        {"applicationId": world["sibling_application"]},
        {"sipStatus": 99},
        {"startedAt": at(minutes=-90)},
        {"startedAt": at(days=10_000)},
        {"startedAt": at(minutes=1), "answeredAt": at(minutes=2)},
        {"startedAt": at(minutes=1), "endedAt": at(minutes=2)},
        {"from": "4" * 256, "to": "a\tb", "terminationReason": "r" * 256, "trunk": "t\n", "traceId": "t" * 129},
    ]
    call = {"accountId": world["own"], "callId": "one"}
    errors: list[dict[str, Any]] = []
    for report in reports:
        payload = (await gateway.ask(REPORT, input={"calls": [{**call, **report}]})).only("reportCalls")
        errors += payload["rejected"][0]["errors"]
    for calls in ([], [call] * (MAXIMUM_CALLS + 1)):
        payload = (await gateway.ask(REPORT, input={"calls": calls})).only("reportCalls")
        errors += payload["userErrors"]
    check_messages(Path(__file__).parent, errors)
