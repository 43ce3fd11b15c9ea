"""Fields whose values are columns of their own row, or computed from them without I/O."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from app.foundation.access import Viewer, account_of
from app.foundation.context import Info
from app.foundation.graphql.declarations import DECLARED, PER_VIEWER, READ, Part, Requirements, Value
from app.foundation.graphql.resolvers import make_field


def column(description: str, *, of: str | None = None, permissions: Requirements = (), name: str | None = None) -> Any:
    """A column of the row, by default the one with the field's own name. `name` is the field's name in GraphQL."""
    return _Late(lambda own: _value(Value((of or own,)), description, permissions, name))


def computed(
    make: Callable[..., Any],
    columns: Sequence[str],
    description: str,
    *,
    permissions: Requirements = (),
    name: str | None = None,
) -> Any:
    """A value computed from the named columns, without I/O."""
    return _value(Value(tuple(columns), make), description, permissions, name)


def part(
    made: Callable[..., Any], columns: Mapping[str, str], description: str, *, permissions: Requirements = ()
) -> Any:
    """An object, never null, that `made` builds from columns of the row; `columns` has them by the object's fields."""

    def of_row(row: Any) -> Any:
        return made(**{name: getattr(row, column) for name, column in columns.items()})

    def resolve(root: Any) -> Any:
        return of_row(root)

    return make_field(resolve, description, permissions, {DECLARED: Part(columns), READ: of_row})


def per_viewer(
    make: Callable[..., Any], description: str, *, columns: Sequence[str] = (), permissions: Requirements = ()
) -> Any:
    """A value computed from the caller, who may own the row's account, and from the named columns if any: `viewerCan…`."""
    return _value(Value(tuple(columns), make, "viewer"), description, permissions, None)


def time_dependent(
    make: Callable[..., Any], columns: Sequence[str], description: str, *, permissions: Requirements = ()
) -> Any:
    """A value computed from the present time (a datetime in UTC) and the named columns."""
    return _value(Value(tuple(columns), make, "now"), description, permissions, None)


def decrypted(
    make: Callable[..., Any], columns: Sequence[str], description: str, *, permissions: Requirements = ()
) -> Any:
    """A secret: a value computed from the context, which has the keyring, and the named columns."""
    return _value(Value(tuple(columns), make, "context"), description, permissions, None)


def _value(value: Value, description: str, permissions: Requirements, name: str | None) -> Any:
    """The Strawberry field of a declared value. The reference executor reads the same columns from the row."""
    make, columns = value.make, value.columns

    def of_row(row: Any, *first: Any) -> Any:
        values = [getattr(row, column) for column in columns]
        return make(*first, *values) if make else values[0]

    metadata: dict[str, Any] = {DECLARED: value}
    if value.needs == "context":

        def resolve(root: Any, info: Info) -> Any:
            return of_row(root, info.context)

    elif value.needs == "viewer":

        def of_viewer(viewer: Viewer, row: Any) -> Any:
            return of_row(row, viewer.within_account(account_of(row)) if viewer.owned_account_ids else viewer)

        metadata[PER_VIEWER] = of_viewer

        def resolve(root: Any, info: Info) -> Any:
            return of_viewer(info.context.viewer, root)

    elif value.needs == "now":
        metadata[READ] = lambda row: of_row(row, datetime.now(UTC))

        def resolve(root: Any) -> Any:  # type: ignore[misc]
            return of_row(root, datetime.now(UTC))

    else:
        metadata[READ] = attrgetter(columns[0]) if make is None else of_row

        def resolve(root: Any) -> Any:  # type: ignore[misc]
            return of_row(root)

    return make_field(resolve, description, permissions, metadata, name)


class _Late:
    """A field that needs its own name, which Python passes on when the class body ends."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        setattr(owner, name, self._make(name))
