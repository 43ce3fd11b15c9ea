"""Subscriptions: what happens to an account's calls, as it happens.

An event says that a call has changed; what is shown is read then, within the reach that the caller has then.
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
from app.foundation.context import Context, Info
from app.foundation.errors import BadUserInput, for_client
from app.foundation.events import Change, LiveEvent, LiveEvents
from app.foundation.graphql import fields
from app.foundation.identifiers import Kind, parse_sid

# How often a listener's reach is looked at. With the 4 s that a key is remembered, whoever is closed hears nothing after 5.
ACCESS_CHECK_SECONDS = 4.0

AccountId = Annotated[strawberry.ID, strawberry.argument(description="The account: `AC` and 32 hex digits.")]


async def _call_of(context: Context, event: LiveEvent) -> model.Call | None:
    """None when it is gone, or out of reach."""
    calls = context.viewer.visible(model.Call)
    return await calls.get_or_none(account_id=event.account_id, id=event.call_id)


@strawberry.type
class CallSubscriptions:
    """Root fields."""

    @fields.subscription(
        "A call of the account that was reported or has changed, its recording included, as it is when this is sent. Ends "
        "with an error when the account is out of the caller's reach.",
        Call,
        _call_of,
    )
    def call_changed(self, info: Info, account_id: AccountId) -> AsyncIterator[LiveEvent]:
        return _events(info.context, account_id, {Change.CALL, Change.RECORDING})

    @fields.subscription(
        "A call of the account whose recording has come to another state, likewise; nothing else that changes is told.",
        Call,
        _call_of,
    )
    def recording_state_changed(self, info: Info, account_id: AccountId) -> AsyncIterator[LiveEvent]:
        return _events(info.context, account_id, {Change.RECORDING})


async def _events(context: Context, account_id: str, changes: set[Change]) -> AsyncIterator[LiveEvent]:
    """Without end. Raises BadUserInput for an account out of reach, from the beginning or later, and EventsLost."""
    row_id = parse_sid(Kind.ACCOUNT, account_id)
    if row_id is None:
        raise _no_such_account()
    # It listens before it looks, so that nothing is missed in between.
    with context.use(LiveEvents).listening(row_id, changes) as listener:
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
    if not await context.viewer.visible(Account).filter(id=account_id).exists():
        raise _no_such_account()


async def _recheck_access(context: Context, account_id: UUID | None) -> None:
    """While the database is away nothing is known; nor can anything be read that might be out of reach."""
    try:
        await _check_access(context, account_id)
    except BadUserInput:
        raise
    except Exception as error:
        if for_client(error) is None:
            raise


def _no_such_account() -> BadUserInput:
    return BadUserInput("There is no such account.")
