"""The first frame of a stream."""

import json
from typing import Any
from uuid import UUID

import pytest

from app.calls.model import CallDirection
from app.recording.stream import CloseCode, FirstFrame, Refused

ACCOUNT = "0190b5c8-e5f0-7a3f-9c1d-2e3f4a5b6c7d"
GOOD = {"callSid": "a-1", "accountSid": ACCOUNT}


def reason(text: str) -> str:
    with pytest.raises(Refused) as refused:
        FirstFrame.read(text)
    assert refused.value.code is CloseCode.BAD_FRAME
    assert len(refused.value.reason.encode()) <= 123
    return refused.value.reason


def test_absent_fields_of_the_first_frame_have_defaults() -> None:
    assert FirstFrame.read(json.dumps(GOOD)) == FirstFrame("a-1", UUID(ACCOUNT), 8_000, 2)


@pytest.mark.parametrize("name", [ACCOUNT, ACCOUNT.replace("-", ""), "AC" + ACCOUNT.replace("-", ""), ACCOUNT.upper()])
def test_accounts_are_named_by_sid_or_bare_uuid(name: str) -> None:
    assert FirstFrame.read(json.dumps({**GOOD, "accountSid": name})).account_id == UUID(ACCOUNT)


def test_known_fields_are_read_and_others_ignored() -> None:
    told: dict[str, Any] = {
        **GOOD,
        "sampleRate": 16_000,
        "mixType": "mono",
        "direction": "outbound",
        "from": "anonymous",
        "to": "",
        "applicationSid": "AP" + "1" * 32,
        "traceId": "t",
        "callStatus": {"odd": []},
        "parentCallSid": None,
    }
    found = FirstFrame.read(json.dumps(told))
    assert (found.sample_rate, found.channels, found.direction) == (16_000, 1, CallDirection.OUTBOUND)
    assert (found.application_id, found.from_number, found.to_number) == (UUID("1" * 32), "anonymous", None)


def test_null_and_empty_fields_are_unknown() -> None:
    for unknown in ("", None):
        told = dict.fromkeys(("from", "to", "applicationSid", "direction", "traceId"), unknown)
        assert FirstFrame.read(json.dumps({**GOOD, **told})) == FirstFrame.read(json.dumps(GOOD)), unknown


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("callSid", value) for value in ("", "a/b", "../x", "a b", "ä", "x" * 129, 7, ["a"], "a\n")),
        *(("accountSid", value) for value in ("", "AP" + "0" * 32, "x", 7, {"a": 1}, ACCOUNT + "0")),
        *(("applicationSid", value) for value in ("AC" + "0" * 32, 7)),
        *(("sampleRate", value) for value in (0, 44_100, "fast", True, 8_000.5, [8_000])),
        *(("mixType", value) for value in ("", "left", 2, ["mono"])),
        ("direction", "sideways"),
        ("direction", 1),
        ("direction", {}),
        *(("from", value) for value in ("x" * 256, 7, "a\x00b", ["+1"])),
        *(("to", value) for value in ("x" * 256, 7, "a\rb")),
        *(("traceId", value) for value in ("x" * 129, 7)),
    ],
)
def test_an_invalid_field_is_named(field: str, value: Any) -> None:
    assert reason(json.dumps({**GOOD, field: value})).startswith(field)


def test_all_invalid_fields_are_named_within_the_length_of_a_close_reason() -> None:
    assert reason('{"sampleRate": 1}') == (
        "callSid is missing; accountSid is missing; sampleRate must be one of 8000, 16000, 24000, 48000"
    )
    assert reason(json.dumps({name: [] for name in ("callSid", "accountSid", "sampleRate", "from", "to")})).endswith(
        "…"
    )


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"a": NaN}', "[" * 60_000, '"x"', "x" * 70_000])
def test_a_first_frame_that_is_no_json_object_is_refused(text: str) -> None:
    assert "first frame" in reason(text)
