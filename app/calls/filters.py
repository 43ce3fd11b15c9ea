"""The filters of calls: conditions on columns, and the checks that keep them cheap."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import not_
from typing import Any

from tortoise.expressions import Q

from app.calls.keys import GATEWAY_CALL_ID
from app.calls.model import RecordingState
from app.foundation.errors import BadUserInput
from app.foundation.graphql.lists import Condition
from app.foundation.identifiers import Kind, first_at, parse_sid

MINIMUM_PREFIX, MAXIMUM_PREFIX = 4, 255
MAXIMUM_SPAN = timedelta(days=31)
# The month in which clocks are set back is longer, and a request for the last 31 days arrives a moment later.
_MORE = timedelta(hours=2)
# With no other filter, calls of all accounts are read in the order of their ids.
WALKED = frozenset({"since", "until", "direction", "answered"})
# A condition that holds for all calls and matches the predicate of the index `calls_walked`. Only a statement that
# includes it may walk over the calls of all accounts. Otherwise the planner, which assumes an average account, would
# use this index for the newest call of an account without calls in a month, and read that whole month.
WALK = {"recording_attempts__gte": 0}
FOUND = frozenset({"id", "gateway_call_id"})
# The greatest character: an upper bound for texts with a prefix.
_LAST = "\U0010ffff"
_PREFIXES = {"from_prefix": "fromPrefix", "to_prefix": "toPrefix"}


def check(given: Mapping[str, Any]) -> None:
    """Raises BadUserInput for prefixes that would search too many calls."""
    since, until = given["since"], given["until"]
    for name, argument in _PREFIXES.items():
        prefix = given[name]
        if prefix is None:
            continue
        if not MINIMUM_PREFIX <= len(prefix) <= MAXIMUM_PREFIX:
            message = f"`{argument}` must have {MINIMUM_PREFIX} to {MAXIMUM_PREFIX} characters."
            raise BadUserInput(message, argument=f"filter.{argument}")
        if since is None or (until or datetime.now(UTC)) - since > MAXIMUM_SPAN + _MORE:
            message = (
                f"`{argument}` needs a time range of at most {MAXIMUM_SPAN.days} days: `since`, and `until` where that is "
                "not now."
            )
            raise BadUserInput(message, argument=f"filter.{argument}")


def _prefixed(column: str) -> Callable[[str], Q]:
    return lambda prefix: Q(**{f"{column}__gte": prefix, f"{column}__lt": prefix + _LAST})


def _without_nul(text: str) -> str | None:
    return None if "\0" in text else text


def _is_recorded(wanted: bool) -> Q:
    # List the states instead of excluding some: Tortoise's `not_in` includes nulls, which disables the index of
    # recorded calls.
    without = {RecordingState.NONE, RecordingState.DELETED}
    return Q(recording_state__in=[state for state in RecordingState if (state in without) is not wanted])


def _gateway_call_id(text: str) -> str | None:
    return text if GATEWAY_CALL_ID.fullmatch(text) else None


CONDITIONS = {
    "id": Condition("id", partial(parse_sid, Kind.CALL)),
    "gateway_call_id": Condition("gateway_call_id", _gateway_call_id),
    "application_id": Condition("application_id", partial(parse_sid, Kind.APPLICATION)),
    # Ids begin with the start time of the call.
    "since": Condition("id__gte", first_at),
    "until": Condition("id__lt", first_at),
    "direction": Condition("direction"),
    "answered": Condition("answered_at__isnull", not_),
    "has_recording": Condition(_is_recorded),
    "from_prefix": Condition(_prefixed("from_number"), _without_nul),
    "to_prefix": Condition(_prefixed("to_number"), _without_nul),
}
