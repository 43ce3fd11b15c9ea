"""Request bodies: how long one may be and may take, and how much memory all that are incomplete may hold together.

Callers without valid credentials send short bodies only. Long bodies that are incomplete share one budget per worker. When it is
exhausted, the owner that holds the most of it loses the body that began first, with 503: an owner with many slow uploads ends
its own, and never those of others.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from starlette.types import Receive

from app.access import Viewer
from app.execution.http import BadRequest

# A body that trickles in slower is given up: a request must not hold its place for ever.
BODY_SECONDS = 20.0
UNAUTHENTICATED_BYTES = 16_384
"""Bodies up to this length are not counted: the number of connections bounds them."""
BUDGET_BYTES = 33_554_432
_RETRY_AFTER_SECONDS = "5"
_ENDED = "Too many long bodies arrive slowly. Try again, and send the body at once."


@dataclass(eq=False)
class _Incomplete:
    """A body of which more is to come."""

    owner: UUID | None
    patience: asyncio.Timeout
    pieces: bytearray
    counted: int = 0
    is_ended: bool = False


class Bodies:
    """Of one worker. Changed by the event loop alone."""

    def __init__(self, maximum_bytes: int) -> None:
        """`maximum_bytes` is the longest body of an authenticated caller."""
        self._maximum_bytes = maximum_bytes
        self._budget = max(BUDGET_BYTES, 4 * maximum_bytes)
        # Those that are counted, the oldest first.
        self._counted: dict[_Incomplete, None] = {}
        self._bytes_of: Counter[UUID | None] = Counter()

    async def read(self, receive: Receive, caller: Viewer | None, length: bytes | None) -> bytes:
        """The whole body; `length` is its Content-Length. Raises BadRequest."""
        maximum, hint = self._maximum_bytes, ""
        if caller is None and maximum > UNAUTHENTICATED_BYTES:
            maximum, hint = UNAUTHENTICATED_BYTES, " without an API key or a session"
        too_large = BadRequest(413, f"The body may have {maximum} bytes at most{hint}.")
        if length is not None and (not length.isdigit() or int(length) > maximum):
            raise too_large
        # Nearly always the whole body has arrived with the head, and needs no timer, which costs as much as to read it. How
        # long a body may take to begin is bounded by `app/connections.py`.
        message = await receive()
        body = message.get("body", b"")
        if message.get("more_body", False) and len(body) <= maximum:
            owner = (caller.account_id or caller.service_provider_id) if caller is not None else None
            body = await self._rest(body, receive, maximum, owner)
        elif message["type"] == "http.disconnect":
            raise _ended_early()
        if len(body) > maximum:
            raise too_large
        return bytes(body)

    async def _rest(self, begun: bytes, receive: Receive, maximum: int, owner: UUID | None) -> bytearray:
        """The body that begins so, whole or longer than the maximum. Raises BadRequest."""
        try:
            async with asyncio.timeout(BODY_SECONDS) as patience:
                body = _Incomplete(owner, patience, bytearray(begun))
                try:
                    while len(body.pieces) <= maximum:
                        self._count(body)
                        message = await receive()
                        body.pieces += message.get("body", b"")
                        if not message.get("more_body", False):
                            break
                finally:
                    self._forget(body)
        except TimeoutError:
            if body.is_ended:
                headers = {"Connection": "close", "Retry-After": _RETRY_AFTER_SECONDS}
                raise BadRequest(503, _ENDED, **headers) from None
            raise BadRequest(408, f"The body did not arrive within {BODY_SECONDS:g} s.", Connection="close") from None
        if message["type"] == "http.disconnect":
            raise _ended_early()
        return body.pieces

    def _count(self, body: _Incomplete) -> None:
        if len(body.pieces) <= UNAUTHENTICATED_BYTES or body.is_ended:
            return
        self._counted[body] = None
        self._bytes_of[body.owner] += len(body.pieces) - body.counted
        body.counted = len(body.pieces)
        while self._bytes_of.total() > self._budget:
            self._end_one()

    def _end_one(self) -> None:
        (owner, _), *_ = self._bytes_of.most_common(1)
        oldest = next(body for body in self._counted if body.owner == owner)
        self._forget(oldest)
        if not oldest.patience.expired():
            oldest.is_ended = True
            oldest.patience.reschedule(asyncio.get_running_loop().time())

    def _forget(self, body: _Incomplete) -> None:
        if body in self._counted:
            del self._counted[body]
            self._bytes_of[body.owner] -= body.counted
            if not self._bytes_of[body.owner]:
                del self._bytes_of[body.owner]


def _ended_early() -> BadRequest:
    return BadRequest(400, "The body ended early.")
