"""Reads request bodies within limits of size and time, and limits the memory of all incomplete bodies together.

Unauthenticated callers may send short bodies only. Incomplete long bodies share one budget of memory per worker. When it is
exhausted, one body is refused with 503: the oldest of the account with the most memory, of the provider with the most memory.
Slow uploads therefore never end those of another provider.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from starlette.types import Receive

from app.foundation.access import Viewer
from app.server.graphql_protocol import BadRequest

# A slower body is refused: otherwise its request would hold a connection forever.
BODY_SECONDS = 20.0
UNAUTHENTICATED_BYTES = 16_384
"""The longest body of an unauthenticated caller. Bodies up to this length do not count against the budget."""
BUDGET_BYTES = 33_554_432
_RETRY_AFTER_SECONDS = "5"
_REFUSED = "Too many long bodies arrive slowly. Try again, and send the body faster."


_Owners = tuple[UUID | None, UUID | None]
"""The provider and the account of the caller."""


@dataclass(eq=False)
class _Incomplete:
    """A body that has not arrived completely."""

    provider: UUID | None
    account: UUID | None
    timeout: asyncio.Timeout
    data: bytearray
    counted: int = 0
    is_refused: bool = False


class RequestBodies:
    """The request bodies of one worker. Used from the event loop only."""

    def __init__(self, maximum_bytes: int) -> None:
        """`maximum_bytes` is the longest body of an authenticated caller."""
        self._maximum_bytes = maximum_bytes
        self._budget = max(BUDGET_BYTES, 4 * maximum_bytes)
        # The bodies that count against the budget, oldest first.
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
        # Most bodies arrive whole with the head and need no timer, which costs as much as reading them. How long a body may
        # take to begin is limited in `app/server/transport/http.py`.
        message = await receive()
        body = message.get("body", b"")
        if message.get("more_body", False) and len(body) <= maximum:
            owners = (caller.provider_id, caller.account_id) if caller is not None else (None, None)
            body = await self._rest(body, receive, maximum, owners)
        elif message["type"] == "http.disconnect":
            raise _incomplete()
        if len(body) > maximum:
            raise too_large
        return bytes(body)

    async def _rest(self, begun: bytes, receive: Receive, maximum: int, owners: _Owners) -> bytearray:
        """The body that begins with `begun`: complete, or longer than the maximum. Raises BadRequest."""
        try:
            async with asyncio.timeout(BODY_SECONDS) as timeout:
                body = _Incomplete(*owners, timeout, bytearray(begun))
                try:
                    while len(body.data) <= maximum:
                        self._count(body)
                        message = await receive()
                        body.data += message.get("body", b"")
                        if not message.get("more_body", False):
                            break
                finally:
                    self._forget(body)
        except TimeoutError:
            if body.is_refused:
                headers = {"Connection": "close", "Retry-After": _RETRY_AFTER_SECONDS}
                raise BadRequest(503, _REFUSED, **headers) from None
            raise BadRequest(408, f"The body did not arrive within {BODY_SECONDS:g} s.", Connection="close") from None
        if message["type"] == "http.disconnect":
            raise _incomplete()
        return body.data

    def _count(self, body: _Incomplete) -> None:
        if len(body.data) <= UNAUTHENTICATED_BYTES or body.is_refused:
            return
        self._counted[body] = None
        self._bytes += len(body.data) - body.counted
        body.counted = len(body.data)
        while self._bytes > self._budget:
            self._refuse_one()

    def _refuse_one(self) -> None:
        of_provider = _of_largest(self._counted, lambda body: body.provider)
        oldest = _of_largest(of_provider, lambda body: body.account)[0]
        self._forget(oldest)
        if not oldest.timeout.expired():
            oldest.is_refused = True
            oldest.timeout.reschedule(asyncio.get_running_loop().time())

    def _forget(self, body: _Incomplete) -> None:
        if body in self._counted:
            del self._counted[body]
            self._bytes -= body.counted


def _of_largest(bodies: Iterable[_Incomplete], owner_of: Callable[[_Incomplete], UUID | None]) -> list[_Incomplete]:
    """The bodies of the owner with the most memory, in the given order."""
    of = defaultdict[UUID | None, list[_Incomplete]](list)
    for body in bodies:
        of[owner_of(body)].append(body)
    return max(of.values(), key=lambda group: sum(body.counted for body in group))


def _incomplete() -> BadRequest:
    return BadRequest(400, "The body ended early.")
