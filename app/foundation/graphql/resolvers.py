"""Fields with a resolver, and what all fields share: permissions in the directives, the description and the metadata."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.permission import PermissionExtension

from app.foundation.access import NOT_MARKED, OpenTo, directives_of
from app.foundation.graphql.declarations import (
    DECLARED,
    OPEN_TO,
    PERMISSIONS,
    WEIGHT,
    AnyById,
    CurrentCaller,
    OneById,
    Requirements,
    ResolvedFrom,
)
from app.foundation.graphql.lists import PageOf, PageOfAll

F = TypeVar("F", bound=Callable[..., Any])


def resolver(
    description: str,
    *,
    permissions: Requirements = (),
    name: str | None = None,
    declared: OneById | AnyById | PageOfAll | PageOf | CurrentCaller | ResolvedFrom | None = None,
    weight: int = 0,
    open_to: OpenTo = NOT_MARKED,
) -> Callable[[F], F]:
    """A Strawberry resolver with its permissions in the contract.

    `declared` says what data it returns or, on a type that is backed by rows, which columns it needs. A resolver uses only
    `info.context` of `info`: compiled operations call it too.
    """

    metadata = {WEIGHT: weight, OPEN_TO: open_to, **({DECLARED: declared} if declared else {})}

    def declare(resolve: F) -> F:
        made: F = make_field(resolve, description, permissions, metadata, name)
        return made

    return declare


def guarded(description: str, *, permissions: Requirements, default: Any = None) -> Any:
    """An input field with permissions, which are checked once per operation for all fields that are present, null included."""
    return strawberry.field(
        description=with_permissions(description, permissions),
        default=default,
        directives=directives_of(permissions),
        metadata={PERMISSIONS: tuple(permissions)},
    )


def make_field(
    resolve: Callable[..., Any],
    description: str,
    permissions: Requirements,
    metadata: dict[str, Any],
    name: str | None = None,
    graphql_type: Any = None,
) -> Any:
    return strawberry.field(
        resolver=resolve,
        name=name,
        description=with_permissions(description, permissions),
        directives=directives_of(permissions),
        extensions=_checks(permissions),
        metadata={**metadata, PERMISSIONS: tuple(permissions)},
        graphql_type=graphql_type,
    )


def _checks(permissions: Requirements) -> list[FieldExtension]:
    # Without its directives: it prints one for each permission.
    return [PermissionExtension([one() for one in permissions], use_directives=False)] if permissions else []


def with_permissions(description: str, permissions: Requirements) -> str:
    # Introspection shows no directives, so the description says it too.
    return " ".join([description, *(f"Needs {permission.words}." for permission in permissions)])
