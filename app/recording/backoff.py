"""Why a recording is not in its bucket yet, and when the next try is: every constant of trying again stands here."""

import random
from datetime import UTC, datetime, timedelta

from app.foundation.outbound.failure_kind import FailureKind
from app.storage.failures import StorageFailure, advice, wrong_region_advice
from app.storage.model import RecordingError

# The waits between tries; the last one again and again.
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900, 3600))
# What mends itself (a busy storage, a line that is down) is tried for so long.
GIVE_UP_AFTER = timedelta(hours=24)
# What only a person mends is tried so often: the settings may be put right in these twenty minutes.
PERMANENT_FAULT_ATTEMPTS = len(DELAYS)
# So that what has failed together does not come back together.
_JITTER = 0.2
# While the database is away nothing is tried, and nothing counts as a try.
DATABASE_DELAY = timedelta(seconds=15)


class UploadFault(Exception):
    """Why a recording could not be stored, for the person who reads the call."""

    def __init__(
        self,
        message: str,
        advice: str,
        *,
        code: str | None = None,
        http_status: int | None = None,
        transient: bool = False,
    ) -> None:
        self.message = message
        self.advice = advice
        self.code = code
        self.http_status = http_status
        self.is_transient = transient
        super().__init__(message)

    @classmethod
    def of(cls, failure: StorageFailure, region: str) -> "UploadFault":
        """What S3 has answered, or not; `region` is the one that was spoken to."""
        what = f"HTTP {failure.http_status}"
        if failure.code:
            what = f"{failure.code} (HTTP {failure.http_status})" if failure.http_status else failure.code
        answered = failure.kind is FailureKind.ANSWERED
        message = f"The storage answered {what}." if answered else f"No storage was reached: {failure.kind.value}."
        hint = wrong_region_advice(region, failure.region) if failure.is_wrong_region else advice(failure)
        return cls(message, hint, code=failure.code, http_status=failure.http_status, transient=_is_transient(failure))

    def to_json(self, at: datetime) -> RecordingError:
        """For the call's row."""
        return {
            "code": self.code,
            "http_status": self.http_status,
            "message": self.message,
            "advice": self.advice,
            "at": at.astimezone(UTC).isoformat(),
        }


def next_attempt_at(tries: int, is_transient: bool, first_failed_at: datetime, now: datetime) -> datetime | None:
    """When to try again after so many tries, the last of which failed; None: no more."""
    wait = DELAYS[min(tries, len(DELAYS)) - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  no secret
    if not is_transient:
        return now + wait if tries < PERMANENT_FAULT_ATTEMPTS else None
    return now + wait if now + wait - first_failed_at <= GIVE_UP_AFTER else None


def is_due(due: datetime, now: datetime) -> bool:
    """Whether it is time; also when it is further ahead than any wait is, by a clock that was wrong."""
    return not now < due <= now + DELAYS[-1] * (1 + _JITTER)


def _is_transient(failure: StorageFailure) -> bool:
    if failure.kind is FailureKind.ANSWERED:
        return (
            failure.is_busy
            or failure.is_clock_difference
            or (failure.http_status or 500) >= 500
            or failure.code in _TRANSIENT_CODES
        )
    # A host name that is wrong and a name server that is down look the same, as do a closed port and a restart.
    return failure.kind not in {FailureKind.REFUSED_ADDRESS, FailureKind.NOT_S3}


# Of the uploads themselves: one that was given up by somebody else, a body that came in pieces.
_TRANSIENT_CODES = frozenset({"NoSuchUpload", "InvalidPart", "IncompleteBody", "BadDigest", "OperationAborted"})
