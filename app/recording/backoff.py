"""Faults of uploads, and when to try again. All retry constants are here."""

import random
from datetime import UTC, datetime, timedelta

from app.foundation.fault_codes import FaultCode
from app.foundation.outbound.failure_kind import FailureKind
from app.storage.failures import StorageFailure
from app.storage.faults import diagnose
from app.storage.model import RecordingError

# Delays between attempts; the last one repeats.
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900, 3600))
# How long transient faults (busy storage, lost connection) are retried.
GIVE_UP_AFTER = timedelta(hours=24)
# Attempts with other faults: a person has these twenty minutes to correct the settings.
PERMANENT_FAULT_ATTEMPTS = len(DELAYS)
# Spreads retries of recordings that failed together.
_JITTER = 0.2
# Delay while the database does not answer; this does not count as an attempt.
DATABASE_DELAY = timedelta(seconds=15)


class UploadFault(Exception):
    """Why a recording could not be stored, in words for the user of the call."""

    def __init__(
        self,
        code: FaultCode,
        *,
        message: str | None = None,
        advice: str | None = None,
        s3_code: str | None = None,
        http_status: int | None = None,
        transient: bool = False,
    ) -> None:
        """`message` and `advice` default to those of the code."""
        self.code = code
        self.message = message or code.message()
        self.advice = advice or code.remedy()
        self.s3_code = s3_code
        self.http_status = http_status
        self.is_transient = transient
        super().__init__(self.message)

    @classmethod
    def of(cls, failure: StorageFailure, region: str) -> "UploadFault":
        """The fault for a failed call to the storage; `region` is the one that was used."""
        found = diagnose(failure, region)
        return cls(
            found.code,
            message="The storage could not be reached." if failure.kind else f"The storage answered {failure.answer}.",
            advice=found.advice,
            s3_code=failure.code,
            http_status=failure.http_status,
            transient=_is_transient(failure),
        )

    def to_json(self, at: datetime) -> RecordingError:
        """For the call's row."""
        return {
            "code": self.code.name,
            "s3_code": self.s3_code,
            "http_status": self.http_status,
            "message": self.message,
            "advice": self.advice,
            "at": at.astimezone(UTC).isoformat(),
            "next_attempt_at": None,
        }


def next_attempt_at(attempts: int, is_transient: bool, first_failed_at: datetime, now: datetime) -> datetime | None:
    """When to try again after this many failed attempts; None for no more attempts."""
    delay = DELAYS[min(attempts, len(DELAYS)) - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  no secret
    if not is_transient:
        return now + delay if attempts < PERMANENT_FAULT_ATTEMPTS else None
    return now + delay if now + delay - first_failed_at <= GIVE_UP_AFTER else None


def is_due(due: datetime, now: datetime) -> bool:
    """Whether the time has come. Also true beyond the longest delay, which only a wrong clock produces."""
    return not now < due <= now + DELAYS[-1] * (1 + _JITTER)


def _is_transient(failure: StorageFailure) -> bool:
    if failure.kind is None:
        return (
            failure.is_busy
            or failure.is_clock_difference
            or (failure.http_status or 500) >= 500
            or failure.code in _TRANSIENT_CODES
        )
    # A wrong host name looks like a name server that is down, and a closed port like a restart.
    return failure.kind not in {FailureKind.ADDRESS_NOT_PUBLIC, FailureKind.INVALID_RESPONSE}


# Errors of single uploads: aborted by another process, or an incomplete body.
_TRANSIENT_CODES = frozenset({"NoSuchUpload", "InvalidPart", "IncompleteBody", "BadDigest", "OperationAborted"})
