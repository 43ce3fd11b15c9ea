"""Fields that lead to other rows: one, a page of them, their number, or a value computed from them.

Each loads the rows of all objects of an operation together, so the number of statements does not grow with the objects.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from strawberry.dataloader import DataLoader
from strawberry.types.base import StrawberryOptional

from app.foundation.access import Scope, TenantScoped
from app.foundation.context import Context, Info
from app.foundation.graphql.declarations import (
    COUNT_WEIGHT,
    DECLARED,
    LOAD,
    WEIGHT,
    CountOf,
    FromRelated,
    Related,
    Requirements,
    ToOne,
)
from app.foundation.graphql.lists import PageOf, Weights
from app.foundation.graphql.page_loading import count_of_each
from app.foundation.graphql.pagination import DEFAULT_FIRST, AfterArgument, Connection, FirstArgument, Order
from app.foundation.graphql.registry import Named
from app.foundation.graphql.resolvers import make_field


def to_one(
    target: str, key: str, *, row: type[TenantScoped], description: str, by: str = "id", permissions: Requirements = ()
) -> Any:
    """The object of model `row` whose column `by` holds this row's `key`. Null when there is none, or it is not visible.

    `target` is the name of the GraphQL type, which may contain this one.
    """
    read_key = attrgetter(key)

    def load(source: Any, context: Context) -> Awaitable[Any] | None:
        value = read_key(source)
        return None if value is None else _one(context, row, by).load(value)

    async def resolve(root: Any, info: Info) -> Any:
        found = load(root, info.context)
        return None if found is None else await found

    metadata = {LOAD: load, DECLARED: ToOne(key, row, by)}
    return make_field(
        resolve,
        description,
        permissions,
        metadata,
        graphql_type=StrawberryOptional(Named(target)),  # type: ignore[arg-type]
    )


def from_related(
    make: Callable[..., Any],
    columns: Sequence[str],
    related: Sequence[Related],
    *,
    description: str,
    permissions: Requirements = (),
) -> Any:
    """A value computed from the named columns and from columns of related rows.

    `make` gets the values of `columns`, then for each related row an object that has its columns, or None when there is none.
    """

    async def resolve(root: Any, info: Info) -> Any:
        rows = [await _at_end_of(info.context, root, one.path) for one in related]
        return make(*(getattr(root, column) for column in columns), *rows)

    declared = FromRelated(tuple(columns), tuple(related), make)
    return make_field(resolve, description, permissions, {DECLARED: declared, WEIGHT: 1})


def page(
    by: str,
    *,
    row: type[TenantScoped],
    order: Order,
    description: str,
    permissions: Requirements = (),
    target: str | None = None,
    weights: Mapping[Scope, Weights] | None = None,
) -> Any:
    """A page of the rows of model `row` whose column `by` holds this row's id.

    `target` names the GraphQL type of the rows where the field's annotation cannot.
    """
    declared = PageOf(row, lambda _given: order, (order.column,) if order.column else (), by=by, weights=weights or {})

    async def resolve(root: Any, info: Info, first: FirstArgument = DEFAULT_FIRST, after: AfterArgument = None) -> Any:
        return await declared.answer(info.context, root.id, first, after)

    made: Any = Connection[Named(target)] if target else None  # type: ignore[misc]
    return make_field(resolve, description, permissions, {DECLARED: declared}, graphql_type=made)


def count(
    by: str, *, row: type[TenantScoped], description: str, permissions: Requirements = (), weight: int = COUNT_WEIGHT
) -> Any:
    """The number of rows of model `row` whose column `by` holds this row's id."""

    async def resolve(root: Any, info: Info) -> Any:
        return await count_of_each(info.context, row, by, root.id)

    return make_field(resolve, description, permissions, {DECLARED: CountOf(row, by), WEIGHT: weight})


async def _at_end_of(context: Context, row: Any, path: Sequence[ToOne]) -> Any:
    for to in path:
        value = getattr(row, to.key)
        row = None if value is None else await _one(context, to.row, to.by).load(value)
        if row is None:
            return None
    return row


def _one(context: Context, model: type[TenantScoped], by: str) -> DataLoader[Any, Any]:
    async def load(keys: list[Any]) -> list[Any]:
        context.count_rows(len(keys))
        rows = await context.viewer.visible(model).filter(**{f"{by}__in": keys})
        found = {getattr(row, by): row for row in rows}
        return [found.get(key) for key in keys]

    return context.loader((model, by), load)
