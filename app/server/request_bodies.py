"""Request bodies: how long one may be and may take, and how much memory all that are incomplete may hold together.

Callers without valid credentials send short bodies only. Long bodies that are incomplete share one budget per worker. When it
is exhausted, the provider that holds the most of it loses, with 503, the body that began first in its account that holds the
most: slow uploads end those of their own owner, and never those of others.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from starlette.types import Receive

from app.foundation.access import Viewer
from app.server.graphql_protocol import BadRequest

# A body that trickles in slower is given up: a request must not hold its place for ever.
BODY_SECONDS = 20.0
UNAUTHENTICATED_BYTES = 16_384
"""Bodies up to this length are not counted: the number of connections bounds them."""
BUDGET_BYTES = 33_554_432
_RETRY_AFTER_SECONDS = "5"
_ENDED = "Too many long bodies arrive slowly. Try again, and send the body at once."


_Owners = tuple[UUID | None, UUID | None]
"""The provider and the account of the caller."""


@dataclass(eq=False)
class _Incomplete:
    """A body of which more is to come."""

    provider: UUID | None
    account: UUID | None
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
        self._bytes = 0

    async def read(self, receive: Receive, caller: Viewer | None, length: bytes | None) -> bytes:
        """The whole body; `length` is its Content-Length. Raises BadRequest."""
        maximum, hint = self._maximum_bytes, ""
        if caller is None and maximum > UNAUTHENTICATED_BYTES:
            maximum, hint = UNAUTHENTICATED_BYTES, " without an API key or a session"
        too_large = BadRequest(413, f"The body may have {maximum} bytes at most{hint}.")
        if length is not None and (not length.strip().isdigit() or int(length) > maximum):
            raise too_large
        # Nearly always the whole body has arrived with the head, and needs no timer, which costs as much as to read it. How
        # long a body may take to begin is bounded by `app/server/transport/http.py`.
        message = await receive()
        body = message.get("body", b"")
        if message.get("more_body", False) and len(body) <= maximum:
            owners = (caller.provider_id, caller.account_id) if caller is not None else (None, None)
            body = await self._rest(body, receive, maximum, owners)
        elif message["type"] == "http.disconnect":
            raise _ended_early()
        if len(body) > maximum:
            raise too_large
        return bytes(body)

    async def _rest(self, begun: bytes, receive: Receive, maximum: int, owners: _Owners) -> bytearray:
        """The body that begins so, whole or longer than the maximum. Raises BadRequest."""
        try:
            async with asyncio.timeout(BODY_SECONDS) as patience:
                body = _Incomplete(*owners, patience, bytearray(begun))
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
        self._bytes += len(body.pieces) - body.counted
        body.counted = len(body.pieces)
        while self._bytes > self._budget:
            self._end_one()

    def _end_one(self) -> None:
        of_provider = _of_largest(self._counted, lambda body: body.provider)
        oldest = _of_largest(of_provider, lambda body: body.account)[0]
        self._forget(oldest)
        if not oldest.patience.expired():
            oldest.is_ended = True
            oldest.patience.reschedule(asyncio.get_running_loop().time())

    def _forget(self, body: _Incomplete) -> None:
        if body in self._counted:
            del self._counted[body]
            self._bytes -= body.counted


def _of_largest(bodies: Iterable[_Incomplete], owner_of: Callable[[_Incomplete], UUID | None]) -> list[_Incomplete]:
    """The bodies of the owner that holds the most, in the order given."""
    of = defaultdict[UUID | None, list[_Incomplete]](list)
    for body in bodies:
        of[owner_of(body)].append(body)
    return max(of.values(), key=lambda group: sum(body.counted for body in group))


def _ended_early() -> BadRequest:
    return BadRequest(400, "The body ended early.")
