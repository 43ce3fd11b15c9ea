"""For how long a replaced secret stays valid: at most 30 days."""

from datetime import datetime

from app.foundation.user_errors import UserErrorCode, UserErrorRule, UserErrors

MAXIMUM_OVERLAP_HOURS = 720


class OverlapRule(UserErrorRule):
    OVERLAP_RANGE = UserErrorCode.OUT_OF_RANGE, "The overlap is 0 to {maximum} hours."


def check_overlap(hours: int) -> None:
    """Raises UserErrors OUT_OF_RANGE."""
    if not 0 <= hours <= MAXIMUM_OVERLAP_HOURS:
        raise UserErrors.one(OverlapRule.OVERLAP_RANGE, "overlapHours", maximum=MAXIMUM_OVERLAP_HOURS)


def overlap_end(now: datetime, expires_at: datetime | None) -> datetime | None:
    """When the replaced secret stops being valid; None once it has."""
    return expires_at if expires_at is not None and expires_at > now else None
