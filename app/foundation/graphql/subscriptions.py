"""Subscriptions: a stream of events, each of which is resolved to a row when it is sent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

import strawberry
from strawberry.types.base import StrawberryOptional

from app.foundation.access import directives_of
from app.foundation.context import Context
from app.foundation.graphql.declarations import OF_EVENT, PERMISSIONS, Requirements, Row
from app.foundation.graphql.nodes import Node
from app.foundation.graphql.resolvers import with_permissions

P = ParamSpec("P")
Event = TypeVar("Event")


def subscription(
    description: str,
    shows: type[Node[Row]],
    of_event: Callable[[Context, Event], Awaitable[Row | None]],
    *,
    permissions: Requirements,
) -> Callable[[Callable[P, AsyncIterator[Event]]], Any]:
    """A subscription: its resolver is an endless asynchronous generator of events.

    `of_event` resolves an event to the row to send, in a fresh context with the caller's current permissions. Returns None to
    send nothing. The executor checks the permissions for each event, the resolver when it begins.
    """

    def declare(resolve: Callable[P, AsyncIterator[Event]]) -> Any:
        return strawberry.field(
            resolver=resolve,
            is_subscription=True,
            description=with_permissions(description, permissions),
            directives=directives_of(permissions),
            metadata={OF_EVENT: of_event, PERMISSIONS: tuple(permissions)},
            graphql_type=StrawberryOptional(shows),
        )

    return declare
