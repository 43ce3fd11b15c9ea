"""Subscriptions to the calls of an account.

An event only says that a call has changed. The call is read when the event is sent, with the caller's current
permissions.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import strawberry

from app.accounts.model import Account
from app.calls import model
from app.calls.schema import Call
from app.foundation.access import MayViewCalls
from app.foundation.context import Context, Info
from app.foundation.errors import BadUserInput, Forbidden, for_client
from app.foundation.events import Change, LiveEvent, LiveEvents
from app.foundation.graphql import fields
from app.foundation.identifiers import Kind, parse_sid

# How often a subscriber's access is checked. With the 4 s for which a key is cached, events end within 5 s of a
# revocation.
ACCESS_CHECK_SECONDS = 4.0

AccountId = Annotated[strawberry.ID, strawberry.argument(description="The account: `AC` and 32 hex digits.")]


async def _call_of(context: Context, event: LiveEvent) -> model.Call | None:
    """None when it is deleted or not visible."""
    calls = context.viewer.visible(model.Call)
    return await calls.get_or_none(account_id=event.account_id, id=event.call_id)


@strawberry.type
class CallSubscriptions:
    @fields.subscription(
        "Calls of the account that were reported or have changed, including their recordings, in their current state. Ends "
        "with an error when the account is no longer visible to the caller.",
        Call,
        _call_of,
        permissions=[MayViewCalls],
    )
    def call_changed(self, info: Info, account_id: AccountId) -> AsyncIterator[LiveEvent]:
        return _events(info.context, account_id, {Change.CALL, Change.RECORDING})

    @fields.subscription(
        "Like callChanged, but only when the state of a call's recording changes.",
        Call,
        _call_of,
        permissions=[MayViewCalls],
    )
    def recording_state_changed(self, info: Info, account_id: AccountId) -> AsyncIterator[LiveEvent]:
        return _events(info.context, account_id, {Change.RECORDING})


async def _events(context: Context, account_id: str, changes: set[Change]) -> AsyncIterator[LiveEvent]:
    """Events until the caller leaves.

    Raises BadUserInput as soon as the account is not visible, Forbidden as soon as the caller may not see calls, and EventsLost.
    """
    row_id = parse_sid(Kind.ACCOUNT, account_id)
    if row_id is None:
        raise _no_such_account()
    # Subscribe before the check, so that no event in between is lost.
    with context.use(LiveEvents).subscribe(row_id, changes) as listener:
        await _check_access(context, row_id)
        checked_at = time.monotonic()
        while True:
            if time.monotonic() - checked_at >= ACCESS_CHECK_SECONDS:
                await _recheck_access(context, row_id)
                checked_at = time.monotonic()
            try:
                async with asyncio.timeout(max(checked_at + ACCESS_CHECK_SECONDS - time.monotonic(), 0)):
                    event = await listener.next()
            except TimeoutError:
                continue
            yield event


async def _check_access(context: Context, account_id: UUID | None) -> None:
    MayViewCalls.check(context.viewer.within_account(account_id), "This subscription")
    if not await context.viewer.visible(Account).filter(id=account_id).exists():
        raise _no_such_account()


async def _recheck_access(context: Context, account_id: UUID | None) -> None:
    """Ignores an unavailable database: events cannot be resolved then either, so nothing is disclosed."""
    try:
        await _check_access(context, account_id)
    except (BadUserInput, Forbidden):
        raise
    except Exception as error:
        if for_client(error) is None:
            raise


def _no_such_account() -> BadUserInput:
    return BadUserInput("There is no such account.")
