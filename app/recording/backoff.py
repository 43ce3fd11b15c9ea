"""Why a recording is not in its bucket yet, and when the next try is: every constant of trying again stands here."""

import random
from datetime import UTC, datetime, timedelta

from app.foundation.outbound.failure_kind import FailureKind
from app.storage.failures import StorageFailure, advice, wrong_region_advice
from app.storage.model import RecordingError

# The waits between tries; the last one again and again.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900, 3600))
# What mends itself (a busy storage, a line that is down) is tried for so long.
PATIENCE = timedelta(hours=24)
# What only a person mends is tried so often: the settings may be put right in these twenty minutes.
TRIES_FOR_A_PERSON = len(WAITS)
# So that what has failed together does not come back together.
_JITTER = 0.2
# While the database is away nothing is tried, and nothing counts as a try.
WITHOUT_DATABASE = timedelta(seconds=15)


class Fault(Exception):
    """Why a recording could not be stored, for the person who reads the call."""

    def __init__(
        self, message: str, advice: str, *, code: str | None = None, http_status: int | None = None, mends: bool = False
    ) -> None:
        self.message = message
        self.advice = advice
        self.code = code
        self.http_status = http_status
        self.mends_itself = mends
        super().__init__(message)

    @classmethod
    def of(cls, failure: StorageFailure, region: str) -> "Fault":
        """What S3 has answered, or not; `region` is the one that was spoken to."""
        what = f"HTTP {failure.http_status}"
        if failure.code:
            what = f"{failure.code} (HTTP {failure.http_status})" if failure.http_status else failure.code
        answered = failure.kind is FailureKind.ANSWERED
        message = f"The storage answered {what}." if answered else f"No storage was reached: {failure.kind.value}."
        told = wrong_region_advice(region, failure.region) if failure.is_wrong_region else advice(failure)
        return cls(message, told, code=failure.code, http_status=failure.http_status, mends=_mends_itself(failure))

    def to_json(self, at: datetime) -> RecordingError:
        """For the call's row."""
        return {
            "code": self.code,
            "http_status": self.http_status,
            "message": self.message,
            "advice": self.advice,
            "at": at.astimezone(UTC).isoformat(),
        }


def next_try(tries: int, mends_itself: bool, first_failed_at: datetime, now: datetime) -> datetime | None:
    """When to try again after so many tries, the last of which failed; None: no more."""
    wait = WAITS[min(tries, len(WAITS)) - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  no secret
    if not mends_itself:
        return now + wait if tries < TRIES_FOR_A_PERSON else None
    return now + wait if now + wait - first_failed_at <= PATIENCE else None


def is_due(due: datetime, now: datetime) -> bool:
    """Whether it is time; also when it is further ahead than any wait is, by a clock that was wrong."""
    return not now < due <= now + WAITS[-1] * (1 + _JITTER)


def _mends_itself(failure: StorageFailure) -> bool:
    if failure.kind is FailureKind.ANSWERED:
        return (
            failure.is_busy
            or failure.is_clock_difference
            or (failure.http_status or 500) >= 500
            or failure.code in _PASSING
        )
    # A host name that is wrong and a name server that is down look the same, as do a closed port and a restart.
    return failure.kind not in {FailureKind.REFUSED_ADDRESS, FailureKind.NOT_S3}


# Of the uploads themselves: one that was given up by somebody else, a body that came in pieces.
_PASSING = frozenset({"NoSuchUpload", "InvalidPart", "IncompleteBody", "BadDigest", "OperationAborted"})
