"""Events of calls between workers (`pubsub.py`).

The channel is `live:<account id>`; the text is `<call id> <change>`, with the ids as the graph shows them.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.foundation.pubsub import Exchange

_CHANNEL = "live:"


class Change(enum.StrEnum):
    """What has changed."""

    CALL = "call"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """A call that has changed."""

    account_id: UUID
    call_id: UUID
    change: Change


class LiveExchange(Exchange[LiveEvent]):
    """One worker's part in it."""

    def __init__(
        self,
        url: str,
        is_heard: Callable[[UUID], bool],
        hear: Callable[[LiveEvent], None],
        missed: Callable[[], None],
    ) -> None:
        """`hear` gets what other workers tell of accounts that anybody here listens to; `missed` is called as `Exchange` says."""
        super().__init__(url, f"{_CHANNEL}*")
        self._is_heard = is_heard
        self._hear_event = hear
        self._on_missed = missed

    def _written(self, event: LiveEvent) -> tuple[str, str]:
        return (
            f"{_CHANNEL}{sid_of(Kind.ACCOUNT, event.account_id)}",
            f"{sid_of(Kind.CALL, event.call_id)} {event.change}",
        )

    def _missed(self) -> None:
        self._on_missed()

    def _take(self, channel: str, text: str) -> None:
        account_id = parse_sid(Kind.ACCOUNT, channel.removeprefix(_CHANNEL))
        call, change = text.split(" ")
        call_id, changed = parse_sid(Kind.CALL, call), Change(change)
        if account_id is not None and call_id is not None and self._is_heard(account_id):
            self._hear_event(LiveEvent(account_id, call_id, changed))
