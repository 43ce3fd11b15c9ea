"""The rules of mutations on the recording of a call, and the lookup of that call."""

from app.audit.rows import Rows
from app.calls.model import Call
from app.foundation.identifiers import Kind
from app.foundation.user_errors import UserErrorCode, UserErrorRule

CALLS = Rows(Call, Kind.CALL, "call")


class RecordingRule(UserErrorRule):
    NOT_RECORDED = UserErrorCode.CONFLICT, "The call was not recorded."
    RECORDING_NOT_ENDED = UserErrorCode.CONFLICT, "The call is still being recorded: try again when it has ended."
    RECORDING_STORED = UserErrorCode.CONFLICT, "The recording is stored already."
    RECORDING_DELETED = UserErrorCode.CONFLICT, "The recording was deleted."
    RECORDING_SET_ASIDE = (
        UserErrorCode.CONFLICT,
        "The audio is set aside in this server's spool. For its operator: `python -m app spool --adopt {call}`.",
    )
    RECORDING_LOST = (
        UserErrorCode.CONFLICT,
        "This server's spool no longer has the audio: there is nothing left to store.",
    )
    RECORDING_KEYS_REMOVED = (
        UserErrorCode.STORAGE_REFUSED,
        "The keys it was stored with were removed, and the account uses another bucket now.",
    )
    RECORDING_NOT_DELETED = (
        UserErrorCode.STORAGE_REFUSED,
        "The storage did not delete the recording ({code}: {answer}). {advice}",
    )
