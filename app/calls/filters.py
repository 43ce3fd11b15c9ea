"""By what calls can be looked for, and what that asks of the database."""

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
# A month in which clocks are set back is longer; and what is asked of the last 31 days comes a moment later.
_MORE = timedelta(hours=2)
# Without them calls are looked at one after the other in the order of their ids, whosever they are.
WALKED = frozenset({"since", "until", "direction", "answered"})
# A condition that all calls meet, and the predicate of `calls_walked`. Only a statement that says it may walk over the calls of
# all accounts: the planner, which takes each account for an average one, would look there for the newest call of an account
# that has none in a month, and read that month to its end.
WALK = {"recording_attempts__gte": 0}
FOUND = frozenset({"id", "gateway_call_id"})
# The greatest character: what begins with a prefix comes before the prefix with it.
_LAST = "\U0010ffff"
_PREFIXES = {"from_prefix": "fromPrefix", "to_prefix": "toPrefix"}


def check(given: Mapping[str, Any]) -> None:
    """Raises BadUserInput for prefixes that would be looked for among too many calls, and for times that are none."""
    since, until = given["since"], given["until"]
    for name, argument in _PREFIXES.items():
        prefix = given[name]
        if prefix is None:
            continue
        if not MINIMUM_PREFIX <= len(prefix) <= MAXIMUM_PREFIX:
            message = f"`{argument}` has {MINIMUM_PREFIX} to {MAXIMUM_PREFIX} characters."
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
    # Which states, and not which others: Tortoise's `not_in` lets nulls in, and then the index of the recorded calls is no help.
    without = {RecordingState.NONE, RecordingState.DELETED}
    return Q(recording_state__in=[state for state in RecordingState if (state in without) is not wanted])


def _gateway_call_id(text: str) -> str | None:
    return text if GATEWAY_CALL_ID.fullmatch(text) else None


CONDITIONS = {
    "id": Condition("id", partial(parse_sid, Kind.CALL)),
    "gateway_call_id": Condition("gateway_call_id", _gateway_call_id),
    "application_id": Condition("application_id", partial(parse_sid, Kind.APPLICATION)),
    # Ids begin with the time of the call's start.
    "since": Condition("id__gte", first_at),
    "until": Condition("id__lt", first_at),
    "direction": Condition("direction"),
    "answered": Condition("answered_at__isnull", not_),
    "has_recording": Condition(_is_recorded),
    "from_prefix": Condition(_prefixed("from_number"), _without_nul),
    "to_prefix": Condition(_prefixed("to_number"), _without_nul),
}
