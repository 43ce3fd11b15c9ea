"""The recording stream protocol: the first frame, and the close codes of refused streams. Does no I/O.

The protocol is that of the open-source gateway jambonz: the sub-protocol below, one JSON text frame about the
call, then binary frames of 16-bit little-endian PCM with interleaved channels (the caller first). Text frames in
between are events and are not kept. Closing the connection ends the recording. Pauses have no limit: a call on hold
is silent, and the server's pings detect a lost gateway.
"""

import enum
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from app.calls.keys import GATEWAY_CALL_ID
from app.calls.model import CallDirection
from app.foundation.identifiers import Kind, parse_either_sid
from app.foundation.names import has_control_characters
from app.recording.audio import SAMPLE_BYTES, SAMPLE_RATES

SUBPROTOCOL = "audio.jambonz.org"
DIVERT = "voice_gateway.divert"
"""Connection extension that passes its audio to a function (`app/server/transport/websocket.py`)."""
HOLD_CLOSE = "voice_gateway.hold_close"
"""Connection extension: once called, the application answers the client's close with a code of its choice."""
FIRST_FRAME_SECONDS = 5.0
# Counted from the first frame.
FIRST_AUDIO_SECONDS = 30.0
_FIRST_FRAME_CHARACTERS = 65_536
# Maximum length of a close frame's reason (RFC 6455, 5.5).
_REASON_BYTES = 123
_MAXIMUM_NUMBER, _MAXIMUM_TRACE_ID = 255, 128


class CloseCode(enum.IntEnum):
    """Why a stream is closed. 1000 promises that its audio is in the spool; other codes say why it is not, or only in part."""

    SAVED = 1000
    INTERNAL_ERROR = 1011
    TRY_AGAIN_LATER = 1013
    BAD_FRAME = 4400
    NOT_FOUND = 4404
    NOT_RECORDED = 4406
    TIMED_OUT = 4408
    ALREADY_RECORDED = 4409
    SUSPENDED = 4423


class Refused(Exception):
    """The stream is closed with this code and reason."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = _cut(reason)


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """The call of a stream, and the format of its audio."""

    gateway_call_id: str
    account_id: UUID
    sample_rate: int = 8_000
    """In Hz."""
    channels: int = 2
    application_id: UUID | None = None
    direction: CallDirection | None = None
    from_number: str | None = None
    to_number: str | None = None
    trace_id: str | None = None

    @property
    def frame_bytes(self) -> int:
        """One sample of each channel."""
        return self.channels * SAMPLE_BYTES

    @classmethod
    def read(cls, text: str) -> "FirstFrame":
        """Raises Refused with every invalid field, cut to the length of a close reason. Ignores unknown fields."""
        fields = _Fields(_object(text))
        found = cls(
            gateway_call_id=fields.gateway_call_id("callSid"),
            account_id=fields.id("accountSid", Kind.ACCOUNT) or fields.missing("accountSid", UUID(int=0)),
            sample_rate=fields.choice("sampleRate", {rate: rate for rate in SAMPLE_RATES}, 8_000),
            channels=fields.choice("mixType", {"mono": 1, "stereo": 2}, 2),
            application_id=fields.id("applicationSid", Kind.APPLICATION),
            direction=fields.choice("direction", {one.name.lower(): one for one in CallDirection}, None),
            from_number=fields.text("from", _MAXIMUM_NUMBER),
            to_number=fields.text("to", _MAXIMUM_NUMBER),
            trace_id=fields.text("traceId", _MAXIMUM_TRACE_ID),
        )
        if fields.errors:
            raise Refused(CloseCode.BAD_FRAME, "; ".join(fields.errors.values()))
        return found


class _Fields:
    """Fields by name. Null counts as absent, and so does an empty text for optional fields: gateways send both.

    Errors by field are collected in `errors`.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values
        self.errors: dict[str, str] = {}

    def missing(self, name: str, instead: Any) -> Any:
        self.errors.setdefault(name, f"{name} is missing")
        return instead

    def gateway_call_id(self, name: str) -> str:
        value = self._values.get(name)
        if value is None:
            return str(self.missing(name, ""))
        if not isinstance(value, str) or not GATEWAY_CALL_ID.fullmatch(value):
            self.errors[name] = f"{name} must have 1 to 128 of A-Z a-z 0-9 . _ @ -"
        return str(value)

    def id(self, name: str, kind: Kind) -> UUID | None:
        """A SID or the bare UUID."""
        value = self._values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str) and (found := parse_either_sid(kind, value)) is not None:
            return found
        self.errors[name] = f"{name} must be {kind.value} and 32 hex digits, or a UUID"
        return None

    def choice(self, name: str, choices: dict[Any, Any], default: Any) -> Any:
        value = self._values.get(name)
        if value is None or (value == "" and default is None):
            return default
        known = value.lower() if isinstance(value, str) else value
        if isinstance(known, str | int) and not isinstance(known, bool) and known in choices:
            return choices[known]
        self.errors[name] = f"{name} must be one of {', '.join(map(str, choices))}"
        return default

    def text(self, name: str, maximum: int) -> str | None:
        value = self._values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or len(value) > maximum:
            self.errors[name] = f"{name} must be a text of at most {maximum} characters"
        elif has_control_characters(value):
            self.errors[name] = f"{name} must not have control characters"
        return str(value)


def _object(text: str) -> dict[str, Any]:
    """Raises Refused."""
    if len(text) > _FIRST_FRAME_CHARACTERS:
        raise Refused(CloseCode.BAD_FRAME, f"the first frame must have at most {_FIRST_FRAME_CHARACTERS} characters")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise Refused(CloseCode.BAD_FRAME, "the first frame must be a JSON object about the call")
    return value


def _cut(reason: str) -> str:
    data = reason.encode()
    return reason if len(data) <= _REASON_BYTES else data[: _REASON_BYTES - 3].decode(errors="ignore") + "…"
