"""How a room declares the fields of its types.

A type of the graph stands over rows of one model; its fields say where their values come from:

    @graph.node(Kind.ACCOUNT, row=model.Account, description="…")
    class Account(graph.Node):
        name: str = graph.column("A unique account name.")
        licensed_sessions: int | None = graph.column("…", permissions=[IsAdmin])
        usage_limit: UsageLimit | None = graph.computed(usage_limit_of, "…", permissions=[IsAdmin])
        service_provider: Any = graph.to_one("ServiceProvider", "service_provider_id", row=ServiceProvider, …)
        api_keys: Connection[ApiKey] = graph.page("account_id", row=model.ApiKey, order=NEWEST_FIRST, …)

The source of such a field is the row itself, so nothing is copied on the way out, and a field whose `read` is known is
read by the executor directly. Types that lie outwards (an account's provider) are named by string and found in the
registry when the graph is put together, so that contents never import their container.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter
from typing import Any, ParamSpec, TypeVar

import strawberry
from strawberry.dataloader import DataLoader
from strawberry.permission import PermissionExtension
from strawberry.types.base import StrawberryOptional
from strawberry.types.lazy_type import LazyType
from tortoise.models import Model

from app.access import HasFullAccess, Requirement, Viewer
from app.context import Context, Info
from app.errors import Mistakes
from app.identifiers import Kind, show
from app.paging import DEFAULT_FIRST, AfterArgument, FirstArgument, Order, page_of_each

Permissions = Sequence[type[Requirement]]
C = TypeVar("C", bound=type)
P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])
Shown = TypeVar("Shown")

# Keys of a field's metadata, read by the executor and by the access matrix.
READ = "read"
PER_VIEWER = "per_viewer"
LOAD = "load"
PERMISSIONS = "permissions"


@strawberry.interface(description="Anything with an id.")
class Node:
    """Every object of the graph; `node(id:)` finds any of them."""

    id: strawberry.ID = strawberry.field(
        description="The SID: two letters for the type and 32 hex digits of a UUIDv7. Never changes."
    )


class Registry:
    """The types of the graph by name and by kind, filled while the rooms are imported."""

    def __init__(self) -> None:
        self.types: dict[str, type] = {}
        self.rows: dict[Kind, type[Model]] = {}


registry = Registry()


class Named(LazyType[Any, Any]):
    """A type of the graph by its name, looked up when the graph is put together."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "type_name", name)
        object.__setattr__(self, "module", __name__)
        object.__setattr__(self, "package", None)

    def resolve_type(self) -> type[Any]:
        return registry.types[self.type_name]


def node(kind: Kind, *, row: type[Model], description: str) -> Callable[[C], C]:
    """Makes a subclass of Node a type of the graph that stands over the rows of one model."""

    def declare(cls: C) -> C:
        cls.__annotations__ = {"id": strawberry.ID, **cls.__annotations__}
        cls.id = computed(  # type: ignore[attr-defined]
            lambda source: show(kind, source.id), f"The SID: `{kind.value}` and 32 hex digits. Never changes."
        )
        cls.is_type_of = classmethod(lambda _cls, source, _info: isinstance(source, row))  # type: ignore[attr-defined]
        declared: C = strawberry.type(cls, description=description)
        registry.types[cls.__name__] = declared
        registry.rows[kind] = row
        return declared

    return declare


def column(description: str, *, of: str | None = None, permissions: Permissions = ()) -> Any:
    """A column of the row, by the field's own name unless `of` names another."""
    if of is None and not permissions:
        return strawberry.field(description=description)
    return _Late(lambda name: computed(attrgetter(of or name), description, permissions=permissions))


def computed(
    read: Callable[[Any], Any], description: str, *, permissions: Permissions = (), name: str | None = None
) -> Any:
    """A value made of the row alone, without I/O."""

    def resolve(root: Any) -> Any:
        return read(root)

    return _field(resolve, description, permissions, {READ: read}, name)


def per_viewer(
    read: Callable[[Viewer, Any], Any], description: str, *, permissions: Permissions = (), name: str | None = None
) -> Any:
    """A value that depends on who asks (and on the row), without I/O: `viewerCan…`."""

    def resolve(root: Any, info: Info) -> Any:
        return read(info.context.viewer, root)

    return _field(resolve, description, permissions, {PER_VIEWER: read}, name)


def to_one(
    target: str, key: str, *, row: type[Model], description: str, by: str = "id", permissions: Permissions = ()
) -> Any:
    """The object of model `row` whose column `by` holds this row's `key`; loaded once for all rows shown.

    The type is named, since it may lie outwards. Null when there is none, or none within reach.
    """
    read_key = attrgetter(key)

    def load(source: Any, context: Context) -> Awaitable[Any] | None:
        value = read_key(source)
        return None if value is None else _one(context, row, by).load(value)

    async def resolve(root: Any, info: Info) -> Any:
        found = load(root, info.context)
        return None if found is None else await found

    return _field(resolve, description, permissions, {LOAD: load}, None, StrawberryOptional(Named(target)))  # type: ignore[arg-type]


def page(by: str, *, row: type[Model], order: Order, description: str, permissions: Permissions = ()) -> Any:
    """A page of the rows of model `row` whose column `by` holds this row's id; constant statements for all rows shown."""

    async def resolve(root: Any, info: Info, first: FirstArgument = DEFAULT_FIRST, after: AfterArgument = None) -> Any:
        return await page_of_each(info.context, row, by, root.id, order, first, after)

    return _field(resolve, description, permissions, {}, None)


def _one(context: Context, model: type[Model], by: str) -> DataLoader[Any, Any]:
    async def load(keys: list[Any]) -> list[Any]:
        rows = await context.viewer.within_reach(model).filter(**{f"{by}__in": keys})
        found = {getattr(row, by): row for row in rows}
        return [found.get(key) for key in keys]

    return context.loader((model, by), load)


def resolver(description: str, *, permissions: Permissions = (), name: str | None = None) -> Callable[[F], F]:
    """A field that is not data: an ordinary Strawberry resolver, with its permissions in the contract."""

    def declare(resolve: F) -> F:
        field: F = _field(resolve, description, permissions, {}, name)
        return field

    return declare


def mutation(description: str, *, permissions: Permissions = ()) -> Callable[[Callable[P, Awaitable[R]]], Any]:
    """A mutation: needs full access; Mistakes become the `userErrors` of its payload (the resolver's return type)."""

    def declare(resolve: Callable[P, Awaitable[R]]) -> Any:
        payload = resolve.__annotations__["return"]

        @functools.wraps(resolve)
        async def answer(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return await resolve(*args, **kwargs)
            except Mistakes as mistakes:
                refused: R = payload(user_errors=mistakes.errors)
                return refused

        # Strawberry reads the signature: the same arguments, and a payload that may be null beside an error.
        del answer.__wrapped__
        answer.__annotations__ = {**resolve.__annotations__, "return": payload | None}
        answer.__signature__ = inspect.signature(resolve).replace(return_annotation=payload | None)  # type: ignore[attr-defined]
        return _field(answer, description, (*permissions, HasFullAccess), {}, None)

    return declare


def guarded(description: str, *, permissions: Permissions, default: Any = None) -> Any:
    """An input field that not everybody may send; checked per operation on what is present, null included."""
    return strawberry.field(
        description=_with_words(description, permissions),
        default=default,
        directives=[permission._schema_directive for permission in permissions],
        metadata={PERMISSIONS: tuple(permissions)},
    )


def shown(row: Any) -> Shown:  # type: ignore[type-var]
    """A row where the contract wants the type that stands over it."""
    wanted: Shown = row
    return wanted


class _Late:
    """A field that needs its own name; Python tells it when the class body is done."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        setattr(owner, name, self._make(name))


def _field(
    resolve: Callable[..., Any],
    description: str,
    permissions: Permissions,
    metadata: dict[str, Any],
    name: str | None,
    graphql_type: Any = None,
) -> Any:
    return strawberry.field(
        resolver=resolve,
        name=name,
        description=_with_words(description, permissions),
        extensions=[PermissionExtension([permission() for permission in permissions])] if permissions else [],
        metadata={**metadata, PERMISSIONS: tuple(permissions)},
        graphql_type=graphql_type,
    )


def _with_words(description: str, permissions: Permissions) -> str:
    # Introspection shows no directives, so the description says it too.
    return " ".join([description, *(f"Needs {permission.words}." for permission in permissions)])
