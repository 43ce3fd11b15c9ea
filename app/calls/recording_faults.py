"""Why a recording is not stored, apart from what its storage says."""

from app.foundation.fault_codes import FaultCode, members
from app.foundation.outbound.failure_kind import FailureKind
from app.storage.faults import StorageFault


class RecordingFault(FaultCode):
    KEYS_REMOVED = (
        "The keys for this recording's bucket were removed",
        "enter keys for this bucket in the recording configuration, then call `retryRecording`",
    )
    SPOOL_UNREADABLE = (
        "This server could not read the recording from its spool",
        "for the operator of this server: check its log and the disk of its spool",
    )
    AUDIO_LOST = (
        "The call's audio was lost on this server: it stopped, or its disk failed, before any audio was saved",
        "for the operator of this server: check its log and the disk of its spool. The audio has no other copy",
    )
    SERVER_SILENT = (
        "The server that holds the audio no longer reports",
        "ask the operator to restore that server with the disk of its spool; then `retryRecording` stores the audio. "
        "If the disk is lost, so is the audio",
    )
    NO_AUDIO = (
        "The gateway ended the stream without sending any audio: there is nothing to store",
        "if the call was answered, check that the gateway sends its audio as binary frames",
    )


RECORDING_CODES = members(FailureKind, StorageFault, RecordingFault)
