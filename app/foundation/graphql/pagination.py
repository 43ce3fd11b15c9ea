"""Lists: Relay connections, forward only, paged by key and not by offset.

A cursor holds the place of the last row in an order (its sort value and its id), so a page costs the same wherever it
lies, and rows that come or go between two pages neither repeat nor hide others.

Long because a page is asked in three ways (of all, of one owner, of many) that have to agree.
"""

import base64
import binascii
import enum
import functools
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
import strawberry
from pypika_tortoise.enums import SqlTypes
from pypika_tortoise.functions import Cast
from pypika_tortoise.terms import Tuple, ValueWrapper
from tortoise import connections
from tortoise.expressions import Q, RawSQL, ResolveContext
from tortoise.filters import Like
from tortoise.functions import Count
from tortoise.query_utils import QueryModifier
from tortoise.queryset import QuerySet

from app.foundation.access import M, TenantScoped
from app.foundation.context import Context
from app.foundation.database.owner_pages import Source
from app.foundation.database.sql_templates import Placeholders, Sql, Statement, pattern_of, placeholder
from app.foundation.errors import BadUserInput

DEFAULT_FIRST = 20
MAXIMUM_FIRST = 100
# The key of a name of 64 characters has up to 2112 bytes (64 times U+FDFA), and base64 makes 4 of 3.
_MAXIMUM_CURSOR = 4096
NO_CONDITION = Q()

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

FirstArgument = Annotated[
    int,
    strawberry.argument(description=f"How many rows at most: 1 to {MAXIMUM_FIRST}."),
]
AfterArgument = Annotated[
    str | None,
    strawberry.argument(description="The `endCursor` of the page before; the first page without it."),
]


@strawberry.enum(description="Which way a list is ordered.")
class OrderDirection(enum.Enum):
    """Up or down."""

    ASC = strawberry.enum_value("ASC", description="Smallest or oldest first.")
    DESC = strawberry.enum_value("DESC", description="Largest or newest first.")


@dataclass(frozen=True)
class Order:
    """A sort order that an index serves: one column (None: the id alone, which is the order of creation), then the id."""

    name: str
    column: str | None = None
    descending: bool = False

    @classmethod
    def by_name_or_creation(cls, noun: str, field: enum.Enum, direction: OrderDirection) -> "Order":
        column = "name_key" if field.name == "NAME" else None
        return cls(f"{noun} {field.name} {direction.name}", column, descending=direction is OrderDirection.DESC)

    @property
    def by(self) -> list[str]:
        sign = "-" if self.descending else ""
        return [f"{sign}{column}" for column in (self.column, "id") if column]

    def cursor(self, row: Any) -> str:
        return self.cursor_of({self.column: getattr(row, self.column)} if self.column else {}, row.id)

    def cursor_of(self, values: Mapping[str, Any], row_id: UUID) -> str:
        value = values[self.column] if self.column else None
        return base64.urlsafe_b64encode(orjson.dumps([self.name, value, row_id.hex])).decode().rstrip("=")

    def after(self, cursor: str) -> Q:
        """The rows behind a cursor. Raises BadUserInput for one that is not of this order."""
        return self.beyond(*self.read(cursor))

    def beyond(self, value: Any, row_id: UUID) -> Q:
        """The rows behind a place in this order."""
        if self.column is None:
            return Q(id__lt=row_id) if self.descending else Q(id__gt=row_id)
        return _RowBeyond({self.column: value, "id": row_id}, descending=self.descending)

    def read(self, cursor: str) -> tuple[Any, UUID]:
        """The place that a cursor holds. Raises BadUserInput for one that is not of this order."""
        try:
            if len(cursor) > _MAXIMUM_CURSOR:
                raise ValueError
            name, value, row_id = orjson.loads(
                base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
            )
            if name != self.name or isinstance(value, str) != bool(self.column) or "\0" in (value or ""):
                raise ValueError
            return value, UUID(hex=row_id)
        except (ValueError, TypeError, AttributeError, binascii.Error):
            raise BadUserInput(
                "`after` is not a cursor of this list and order. Use the endCursor of the page before.",
                argument="after",
            ) from None


class _RowBeyond(Q):
    """A comparison of rows, `(name_key, id) > (…, …)`: an index on these columns is entered right at the place.

    Said with AND and OR, PostgreSQL enters it at the first row of the same value and walks over those before the place.
    """

    def __init__(self, place: dict[str, Any], *, descending: bool) -> None:
        super().__init__(**place)
        self._descending = descending

    def resolve(self, resolve_context: ResolveContext) -> QueryModifier:
        table, columns = resolve_context.table, resolve_context.model._meta.fields_map
        row = Tuple(*(table[name] for name in self.filters))
        place = Tuple(
            *(columns[name].to_db_value(value, resolve_context.model) for name, value in self.filters.items())
        )
        return QueryModifier(where_criterion=row < place if self._descending else row > place)


class Containing(Q):
    """The rows whose column contains a text; Tortoise's `__contains` takes no stand-ins."""

    def __init__(self, column: str, text: str) -> None:
        super().__init__(**{column: text})
        self._column, self._text = column, text

    def resolve(self, resolve_context: ResolveContext) -> QueryModifier:
        column = Cast(resolve_context.table[self._column], SqlTypes.VARCHAR)
        contained = Like(column, ValueWrapper(pattern_of(self._text)))
        return QueryModifier(where_criterion=contained)


NEWEST_FIRST = Order("newest", descending=True)
# In a query that is asked for many owners at once: the one whose turn it is.
EACH_OWNER = RawSQL('o."value"')


@dataclass
class Page(Generic[T]):
    """What a connection stands over."""

    rows: list[T]
    order: Order
    has_next_page: bool
    after: str | None
    count: Callable[[], Awaitable[int]]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Forward only: `hasPreviousPage` is true when the page was asked for with `after`."""

    has_next_page: bool = strawberry.field(description="Whether more rows follow; ask with `after: endCursor`.")
    has_previous_page: bool = strawberry.field(description="Whether the page was asked for with `after`.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first row; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last row; null on an empty page.")


@strawberry.type(description="One row of a page, with its cursor.")
class Edge(Generic[T]):
    """Relay's edge."""

    cursor: str = strawberry.field(description="The place of this row in the list's order.")
    node: T = strawberry.field(description="The row.")


def _page_info(page: Page[Any]) -> PageInfo:
    cursor, rows = page.order.cursor, page.rows
    return PageInfo(
        has_next_page=page.has_next_page,
        has_previous_page=page.after is not None,
        start_cursor=cursor(rows[0]) if rows else None,
        end_cursor=cursor(rows[-1]) if rows else None,
    )


def _field(description: str) -> Callable[[F], F]:
    declared: Callable[[F], F] = strawberry.field(description=description)
    return declared


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """Stands over a Page."""

    @_field(description="The rows with their cursors.")
    def edges(self, page: strawberry.Parent[Page[T]]) -> list[Edge[T]]:
        return [Edge(cursor=page.order.cursor(row), node=row) for row in page.rows]

    @_field(description="The rows.")
    def nodes(self, page: strawberry.Parent[Page[T]]) -> list[T]:
        return page.rows

    @_field(description="Where this page lies.")
    def page_info(self, page: strawberry.Parent[Page[T]]) -> PageInfo:
        return _page_info(page)

    @_field(description="How many rows the whole list has, counted when asked for.")
    async def total_count(self, page: strawberry.Parent[Page[T]]) -> int:
        return await page.count()


def checked_first(first: int) -> int:
    if not 1 <= first <= MAXIMUM_FIRST:
        raise BadUserInput(f"`first` is {first}; a page has 1 to {MAXIMUM_FIRST} rows.", argument="first")
    return first


async def page(
    query: QuerySet[M], order: Order, first: int, after: str | None, count_limit: int | None = None
) -> Page[M]:
    """One page of a query. Raises BadUserInput for a wrong `first` or `after`."""
    checked_first(first)
    narrowed = query.filter(order.after(after)) if after is not None else query
    # One row more than asked tells whether a page follows.
    rows = await narrowed.order_by(*order.by).limit(first + 1)
    counting = functools.partial(_count, query, count_limit)
    return Page(rows[:first], order, len(rows) > first, after, counting)


async def page_of_owners(
    source: Source, query: QuerySet[M], order: Order, first: int, after: str | None, count_limit: int | None
) -> Page[M]:
    """One page of the rows of several owners; `query` are the same rows, to be counted."""
    end = f' b ORDER BY b."id" DESC LIMIT {first + 1}'
    ids = [row["id"] for row in await rows_of(Sql.join("SELECT b.id FROM ", source.rows({"id": "id"}), end))]
    shown = await query.model.filter(id__in=ids).order_by(*order.by) if ids else []
    counting = functools.partial(_count, query, count_limit)
    return Page(shown[:first], order, len(shown) > first, after, counting)


async def rows_of(sql: Sql) -> list[dict[str, Any]]:
    """What a statement without slots selects."""
    statement = Statement.of(sql)
    rows: list[dict[str, Any]] = await connections.get("default").execute_query_dict(
        statement.text, statement.arguments({})
    )
    return rows


async def _count(query: QuerySet[Any], limit: int | None) -> int:
    """How many rows a query has; with a limit no more are counted, and no more told."""
    if limit is None:
        return await query.count()
    inner = Placeholders().render(query.limit(limit).values(id="id"))
    rows = await rows_of(Sql.join('SELECT COUNT(*) AS "total" FROM (', inner, ") b"))
    return int(rows[0]["total"])


def given_owners(model: type[TenantScoped], owners: str) -> Sql:
    """The owners in the slot `owners`, of whom each is `EACH_OWNER` in turn."""
    if model.tenant_scope.owners:
        table = f'(SELECT "id" AS "value" FROM "{model.tenant_scope.owners}" WHERE "id"=ANY('  # noqa: S608  a name of ours
        return Sql.join(table, placeholder(owners), "::UUID[])) o")
    return Sql.join("UNNEST(", placeholder(owners), '::UUID[]) o("value")')


def count_up_to(of_each: Sql, model: type[TenantScoped], owners: str) -> Sql:
    """How many rows `of_each`, which has a limit, selects of each owner in the slot `owners`."""
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
    asked: Hashable = (),
    condition: Q = NO_CONDITION,
    count_limit: int | None = None,
) -> Page[M]:
    """The page of one owner, loaded together with those of all owners that the operation shows: constant statements.

    `condition` is one on the rows; the same `asked` means the same one.
    """
    checked_first(first)
    beyond = order.after(after) if after is not None else Q()

    async def load(owners: list[UUID]) -> list[list[Any]]:
        of_each = context.viewer.visible(model).filter(**{owner_column: EACH_OWNER})
        one = of_each.filter(beyond, condition).order_by(*order.by)
        ids = await _first_of_each(one.limit(first + 1), owners)
        context.loading(len(ids))
        rows: dict[UUID, list[Any]] = {one: [] for one in owners}
        for row in await model.filter(id__in=ids).order_by(*order.by):
            rows[getattr(row, owner_column)].append(row)
        return [rows[one] for one in owners]

    key = (model, owner_column, order, first, after, asked)
    rows = await context.loader(key, load).load(owner)
    counting = functools.partial(count_of_each, context, model, owner_column, owner, asked, condition, count_limit)
    return Page(rows[:first], order, len(rows) > first, after, counting)


async def count_of_each(
    context: Context,
    model: type[M],
    owner_column: str,
    owner: UUID,
    asked: Hashable = (),
    condition: Q = NO_CONDITION,
    limit: int | None = None,
) -> int:
    """How many rows an owner has, counted together with those of all owners that the operation shows.

    With a limit no more of each are counted, and no more told.
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

    number: int = await context.loader((model, owner_column, "count", asked), load).load(owner)
    return number


async def _count_of_each_up_to(of_each: QuerySet[Any], owners: list[UUID]) -> list[int]:
    inner = Placeholders().render(of_each.values(id="id"))
    statement = Statement.of(count_up_to(inner, of_each.model, "owners"))
    rows = await connections.get("default").execute_query_dict(statement.text, statement.arguments({"owners": owners}))
    totals = {row["owner"]: row["total"] for row in rows}
    return [totals.get(one, 0) for one in owners]


async def _first_of_each(one: QuerySet[Any], owners: list[UUID]) -> list[UUID]:
    """The ids of the rows that `one` selects for each owner: no other rows of theirs are read, however many there are."""
    found, ids = given_owners(one.model, "owners"), Placeholders().render(one.values(id="id"))
    statement = Statement.of(Sql.join("SELECT b.id FROM ", found, " CROSS JOIN LATERAL (", ids, ") b"))
    rows = await connections.get("default").execute_query_dict(statement.text, statement.arguments({"owners": owners}))
    return [row["id"] for row in rows]
