"""Live events of calls between workers (`pubsub.py`).

The channel is `live:<account id>`, the text `<call id> <change>`; both ids are SIDs.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.foundation.pubsub import Exchange

_CHANNEL = "live:"


class Change(enum.StrEnum):
    CALL = "call"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """A change of a call."""

    account_id: UUID
    call_id: UUID
    change: Change


class LiveExchange(Exchange[LiveEvent]):
    """The exchange of live events in one worker."""

    def __init__(
        self,
        url: str,
        has_listener: Callable[[UUID], bool],
        deliver: Callable[[LiveEvent], None],
        on_gap: Callable[[], None],
    ) -> None:
        """`deliver` gets other workers' events of accounts with a listener here; `on_gap` is `Exchange._on_gap`."""
        super().__init__(url, f"{_CHANNEL}*")
        self._has_listener = has_listener
        self._deliver = deliver
        self._report_gap = on_gap

    def _encode(self, event: LiveEvent) -> tuple[str, str]:
        return (
            f"{_CHANNEL}{sid_of(Kind.ACCOUNT, event.account_id)}",
            f"{sid_of(Kind.CALL, event.call_id)} {event.change}",
        )

    def _on_gap(self) -> None:
        self._report_gap()

    def _receive(self, channel: str, text: str) -> None:
        account_id = parse_sid(Kind.ACCOUNT, channel.removeprefix(_CHANNEL))
        call, change = text.split(" ")
        call_id, changed = parse_sid(Kind.CALL, call), Change(change)
        if account_id is not None and call_id is not None and self._has_listener(account_id):
            self._deliver(LiveEvent(account_id, call_id, changed))
