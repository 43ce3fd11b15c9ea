"""Subscriptions: a stream of events, each of which is resolved to a row when it is sent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

import strawberry
from strawberry.types.base import StrawberryOptional

from app.foundation.context import Context
from app.foundation.graphql.declarations import OF_EVENT, PERMISSIONS, Row
from app.foundation.graphql.nodes import Node

P = ParamSpec("P")
Event = TypeVar("Event")


def subscription(
    description: str, shows: type[Node[Row]], of_event: Callable[[Context, Event], Awaitable[Row | None]]
) -> Callable[[Callable[P, AsyncIterator[Event]]], Any]:
    """A subscription: its resolver is an endless asynchronous generator of events.

    `of_event` resolves an event to the row to send, in a fresh context with the caller's current permissions. Returns None to
    send nothing.
    """

    def declare(resolve: Callable[P, AsyncIterator[Event]]) -> Any:
        return strawberry.field(
            resolver=resolve,
            is_subscription=True,
            description=description,
            metadata={OF_EVENT: of_event, PERMISSIONS: ()},
            graphql_type=StrawberryOptional(shows),
        )

    return declare
