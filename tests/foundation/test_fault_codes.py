"""The codes of what goes wrong outside this server, and their sentences."""

import pytest

from app.calls.recording_faults import RecordingFault
from app.foundation.fault_codes import FaultCode
from app.foundation.outbound.failure_kind import FailureKind
from app.storage.faults import ProbeFault, StorageFault
from app.webhooks.faults import ReceiverFault

ENUMS = {
    "VerificationStepCode": (FailureKind, StorageFault, ProbeFault),
    "RecordingErrorCode": (FailureKind, StorageFault, RecordingFault),
    "WebhookErrorCode": (FailureKind, ReceiverFault),
}


@pytest.mark.parametrize("enum", ENUMS)
def test_each_code_of_an_enum_has_its_own_name_and_its_own_sentence(enum: str) -> None:
    codes = [code for table in ENUMS[enum] for code in table]
    assert len({code.name for code in codes}) == len({code.happened for code in codes}) == len(codes)


@pytest.mark.parametrize("table", [FailureKind, StorageFault, ProbeFault, RecordingFault, ReceiverFault])
def test_a_sentence_ends_where_the_table_ends_it(table: type[FaultCode]) -> None:
    for code in table:
        assert not code.happened.endswith(".")
        assert not code.todo.endswith(".")
        assert code.todo[:1] == code.todo[:1].lower()
