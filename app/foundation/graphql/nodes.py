"""GraphQL types that are backed by rows: their fields read the row itself, so nothing is copied into the type."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Generic, Self, cast, get_args, overload

import strawberry
from typing_extensions import TypeVar, get_original_bases

from app.foundation.graphql.columns import computed
from app.foundation.graphql.declarations import (
    CALLERS_OWN,
    DECLARED,
    CountOf,
    FromRelated,
    Requirements,
    ResolvedFrom,
    ToOne,
    check_column,
    columns_of,
)
from app.foundation.graphql.lists import PageOf
from app.foundation.graphql.pagination import Connection, Page
from app.foundation.graphql.registry import registry
from app.foundation.graphql.resolvers import with_permissions
from app.foundation.identifiers import Kind, sid_of

Source = TypeVar("Source", default=Any)
N = TypeVar("N", bound="Node")


class Backed(Generic[Source]):
    """A GraphQL type whose fields read an object of another class: a row, or a value that a service returns."""

    source: ClassVar[type]

    def __init_subclass__(cls) -> None:
        """Raises TypeError when a declared field names a column that its model does not have."""
        super().__init_subclass__()
        (source,) = get_args(get_original_bases(cls)[0])
        if isinstance(source, type):
            cls.source = source
            for name, declared in vars(cls).items():
                for model, column in _named_columns(source, getattr(declared, "metadata", {}).get(DECLARED)):
                    check_column(f"{cls.__name__}.{name}", model, column)

    @overload
    @classmethod
    def of(cls, source: Source) -> Self: ...

    @overload
    @classmethod
    def of(cls, source: Source | None) -> Self | None: ...

    @classmethod
    def of(cls, source: Any) -> Any:
        """Types a source as this GraphQL type: a cast, since the fields read the source itself."""
        return source

    @classmethod
    def connection(cls, page: Page[Source]) -> Connection[Self]:
        """Types a page of sources as a connection of this GraphQL type."""
        return cast(Connection[Self], page)


@strawberry.interface(description="An object with a globally unique id.")
class Node(Backed[Source]):
    """The base of every GraphQL object with an id; `node(id:)` finds any of them."""

    id: strawberry.ID = strawberry.field(
        description="The SID: two letters for the type and 32 hex digits of a UUIDv7. Never changes."
    )

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, cls.source)


def node(
    kind: Kind,
    *,
    description: str,
    is_callers_own: bool = False,
    permissions: Requirements = (),
    of_others: Requirements = (),
) -> Callable[[type[N]], type[N]]:
    """Registers a subclass of Node as the GraphQL type of a kind, and gives it its `id`.

    `node(id:)` needs the `permissions` for such an object, and so must every other field that leads to it. Without the
    permissions `of_others` it finds only the objects of the caller's own user (`user_id`).
    `is_callers_own`: restricted callers may read such an object where a root field that is open to them returns it.
    """

    def declare(cls: type[N]) -> type[N]:
        setattr(cls, CALLERS_OWN, is_callers_own)
        cls.__annotations__ = {"id": strawberry.ID, **cls.__annotations__}
        cls.id = computed(
            functools.partial(sid_of, kind), ["id"], f"The SID: `{kind.value}` and 32 hex digits. Never changes."
        )
        declared = strawberry.type(cls, description=with_permissions(description, permissions))
        registry.types[cls.__name__] = declared
        registry.rows[kind] = cls.source
        registry.names[kind] = cls.__name__
        registry.permissions[kind] = permissions
        registry.of_others[kind] = of_others
        return declared

    return declare


def _named_columns(model: type, declared: object) -> Iterator[tuple[type, str]]:
    """The columns that a declared field names, with their models; `model` is that of its own row."""
    for own in (*columns_of(declared), *(declared.columns if isinstance(declared, ResolvedFrom) else ())):
        yield model, own
    if isinstance(declared, ToOne | CountOf | PageOf):
        yield declared.row, declared.by
    if isinstance(declared, PageOf):
        yield from ((declared.row, one) for one in declared.order_columns)
    for related in declared.related if isinstance(declared, FromRelated) else ():
        at = model
        for to in related.path:
            yield from ((at, to.key), (to.row, to.by))
            at = to.row
        yield from ((at, one) for one in related.columns)
