"""Loads pages in three ways that have to agree: of all rows (`page`), of each owner on display (`page_of_each`), and merged from
many owners (`page_of_owners`).
"""

import functools
from collections.abc import Hashable
from typing import Any
from uuid import UUID

from tortoise import connections
from tortoise.expressions import Q, RawSQL
from tortoise.functions import Count
from tortoise.queryset import QuerySet

from app.foundation.access import M, TenantScoped
from app.foundation.context import Context
from app.foundation.database.owner_pages import Source
from app.foundation.database.sql_templates import Placeholders, Sql, Statement, placeholder
from app.foundation.graphql.pagination import Order, Page, checked_first

NO_CONDITION = Q()
# In a query that runs for many owners at once: the current owner.
EACH_OWNER = RawSQL('o."value"')


async def page(
    query: QuerySet[M], order: Order, first: int, after: str | None, count_limit: int | None = None
) -> Page[M]:
    """One page of a query. Raises BadUserInput for a wrong `first` or `after`."""
    checked_first(first)
    narrowed = query.filter(order.after(after)) if after is not None else query
    # One more row than requested shows whether a page follows.
    rows = await narrowed.order_by(*order.by).limit(first + 1)
    counting = functools.partial(_count, query, count_limit)
    return Page(rows[:first], order, len(rows) > first, after, counting)


async def page_of_owners(
    source: Source, query: QuerySet[M], order: Order, first: int, after: str | None, count_limit: int | None
) -> Page[M]:
    """One page of the rows of several owners. `query` selects the same rows, for the count."""
    end = f' b ORDER BY b."id" DESC LIMIT {first + 1}'
    ids = [row["id"] for row in await rows_of(Sql.join("SELECT b.id FROM ", source.rows({"id": "id"}), end))]
    shown = await query.model.filter(id__in=ids).order_by(*order.by) if ids else []
    counting = functools.partial(_count, query, count_limit)
    return Page(shown[:first], order, len(shown) > first, after, counting)


async def rows_of(sql: Sql) -> list[dict[str, Any]]:
    """The rows of a statement without placeholders."""
    statement = Statement.of(sql)
    rows: list[dict[str, Any]] = await connections.get("default").execute_query_dict(
        statement.text, statement.arguments({})
    )
    return rows


async def _count(query: QuerySet[Any], limit: int | None) -> int:
    """The number of rows of a query; counting stops at the limit."""
    if limit is None:
        return await query.count()
    inner = Placeholders().render(query.limit(limit).values(id="id"))
    rows = await rows_of(Sql.join('SELECT COUNT(*) AS "total" FROM (', inner, ") b"))
    return int(rows[0]["total"])


def given_owners(model: type[TenantScoped], owners: str) -> Sql:
    """FROM clause of the owners in the placeholder `owners`; the current one is `EACH_OWNER`."""
    if model.tenant_scope.owners:
        table = f'(SELECT "id" AS "value" FROM "{model.tenant_scope.owners}" WHERE "id"=ANY('  # noqa: S608  a constant
        return Sql.join(table, placeholder(owners), "::UUID[])) o")
    return Sql.join("UNNEST(", placeholder(owners), '::UUID[]) o("value")')


def count_up_to(of_each: Sql, model: type[TenantScoped], owners: str) -> Sql:
    """The number of rows that `of_each`, which has a limit, selects of each owner in the placeholder `owners`."""
    counted = Sql.join('SELECT o."value" AS "owner", (SELECT COUNT(*) FROM (', of_each, ') c) AS "total" FROM ')
    return Sql.join(counted, given_owners(model, owners))


async def page_of_each(
    context: Context,
    model: type[M],
    owner_column: str,
    owner: UUID,
    order: Order,
    first: int,
    after: str | None,
    active: Hashable = (),
    condition: Q = NO_CONDITION,
    count_limit: int | None = None,
) -> Page[M]:
    """The page of one owner. Pages of all owners of an operation are loaded together, in a constant number of statements.

    `condition` filters the rows; `active` is its key: equal keys mean equal conditions.
    """
    checked_first(first)
    beyond = order.after(after) if after is not None else Q()

    async def load(owners: list[UUID]) -> list[list[Any]]:
        of_each = context.viewer.visible(model).filter(**{owner_column: EACH_OWNER})
        one = of_each.filter(beyond, condition).order_by(*order.by)
        ids = await _first_of_each(one.limit(first + 1), owners)
        context.count_rows(len(ids))
        rows: dict[UUID, list[Any]] = {one: [] for one in owners}
        for row in await model.filter(id__in=ids).order_by(*order.by):
            rows[getattr(row, owner_column)].append(row)
        return [rows[one] for one in owners]

    key = (model, owner_column, order, first, after, active)
    rows = await context.loader(key, load).load(owner)
    counting = functools.partial(count_of_each, context, model, owner_column, owner, active, condition, count_limit)
    return Page(rows[:first], order, len(rows) > first, after, counting)


async def count_of_each(
    context: Context,
    model: type[M],
    owner_column: str,
    owner: UUID,
    active: Hashable = (),
    condition: Q = NO_CONDITION,
    limit: int | None = None,
) -> int:
    """The number of rows of an owner; counting stops at the limit.

    The rows of all owners of an operation are counted together.
    """

    async def load(owners: list[UUID]) -> list[int]:
        query = context.viewer.visible(model)
        if limit is not None:
            of_each = query.filter(condition, **{owner_column: EACH_OWNER}).limit(limit)
            return await _count_of_each_up_to(of_each, owners)
        query = query.filter(condition, **{f"{owner_column}__in": owners})
        counted = await query.annotate(total=Count("id")).group_by(owner_column).values_list(owner_column, "total")
        totals = dict(counted)
        return [totals.get(one, 0) for one in owners]

    number: int = await context.loader((model, owner_column, "count", active), load).load(owner)
    return number


async def _count_of_each_up_to(of_each: QuerySet[Any], owners: list[UUID]) -> list[int]:
    inner = Placeholders().render(of_each.values(id="id"))
    statement = Statement.of(count_up_to(inner, of_each.model, "owners"))
    rows = await connections.get("default").execute_query_dict(statement.text, statement.arguments({"owners": owners}))
    totals = {row["owner"]: row["total"] for row in rows}
    return [totals.get(one, 0) for one in owners]


async def _first_of_each(one: QuerySet[Any], owners: list[UUID]) -> list[UUID]:
    """The ids of the rows that `one` selects for each owner. Reads no other rows, however many the owners have."""
    found, ids = given_owners(one.model, "owners"), Placeholders().render(one.values(id="id"))
    statement = Statement.of(Sql.join("SELECT b.id FROM ", found, " CROSS JOIN LATERAL (", ids, ") b"))
    rows = await connections.get("default").execute_query_dict(statement.text, statement.arguments({"owners": owners}))
    return [row["id"] for row in rows]
