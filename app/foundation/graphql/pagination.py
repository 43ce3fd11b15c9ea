"""Lists: Relay connections, forward only, keyset-paged.

A cursor holds the sort value and the id of the last row, so every page costs the same, and rows that are created or deleted
between two pages neither repeat nor hide others. `page_loading.py` loads pages.
"""

import base64
import binascii
import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
import strawberry
from pypika_tortoise.enums import SqlTypes
from pypika_tortoise.functions import Cast
from pypika_tortoise.terms import Tuple, ValueWrapper
from tortoise.expressions import Q, ResolveContext
from tortoise.filters import Like
from tortoise.query_utils import QueryModifier

from app.foundation.database.sql_templates import pattern_of
from app.foundation.errors import BadUserInput

DEFAULT_FIRST = 20
MAXIMUM_FIRST = 100
# The key of a name of 64 characters has up to 2112 bytes (64 times U+FDFA), and base64 makes 4 of 3.
_MAXIMUM_CURSOR = 4096

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

FirstArgument = Annotated[
    int,
    strawberry.argument(description=f"The largest number of rows to return: 1 to {MAXIMUM_FIRST}."),
]
AfterArgument = Annotated[
    str | None,
    strawberry.argument(description="The `endCursor` of the previous page; without it, the first page."),
]


@strawberry.enum(description="The direction of a list's order.")
class OrderDirection(enum.Enum):
    ASC = strawberry.enum_value("ASC", description="Smallest or oldest first.")
    DESC = strawberry.enum_value("DESC", description="Largest or newest first.")


@dataclass(frozen=True)
class Order:
    """A sort order that an index serves: one column, then the id. Column None: the id alone, the order of creation."""

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
        """Selects the rows after a cursor. Raises BadUserInput for a cursor of another order."""
        return self.beyond(*self.read(cursor))

    def beyond(self, value: Any, row_id: UUID) -> Q:
        """Selects the rows after a position in this order."""
        if self.column is None:
            return Q(id__lt=row_id) if self.descending else Q(id__gt=row_id)
        return _RowBeyond({self.column: value, "id": row_id}, descending=self.descending)

    def read(self, cursor: str) -> tuple[Any, UUID]:
        """The position that a cursor holds. Raises BadUserInput for a cursor of another order."""
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
    """A row comparison, `(name_key, id) > (…, …)`: PostgreSQL starts an index scan exactly at the position.

    With AND and OR, the scan would start at the first row with the same value and skip the rows before the position.
    """

    def __init__(self, position: dict[str, Any], *, descending: bool) -> None:
        super().__init__(**position)
        self._descending = descending

    def resolve(self, resolve_context: ResolveContext) -> QueryModifier:
        table, columns = resolve_context.table, resolve_context.model._meta.fields_map
        row = Tuple(*(table[name] for name in self.filters))
        position = Tuple(
            *(columns[name].to_db_value(value, resolve_context.model) for name, value in self.filters.items())
        )
        return QueryModifier(where_criterion=row < position if self._descending else row > position)


class Containing(Q):
    """Selects the rows whose column contains a text. Tortoise's `__contains` takes no placeholders."""

    def __init__(self, column: str, text: str) -> None:
        super().__init__(**{column: text})
        self._column, self._text = column, text

    def resolve(self, resolve_context: ResolveContext) -> QueryModifier:
        column = Cast(resolve_context.table[self._column], SqlTypes.VARCHAR)
        contained = Like(column, ValueWrapper(pattern_of(self._text)))
        return QueryModifier(where_criterion=contained)


NEWEST_FIRST = Order("newest", descending=True)


@dataclass
class Page(Generic[T]):
    """The data behind a connection."""

    rows: list[T]
    order: Order
    has_next_page: bool
    after: str | None
    count: Callable[[], Awaitable[int]]


@strawberry.type(description="The position of a page in its list.")
class PageInfo:
    """Relay's PageInfo, forward only."""

    has_next_page: bool = strawberry.field(
        description="Whether more rows follow: request them with `after: endCursor`."
    )
    has_previous_page: bool = strawberry.field(description="Whether the page was requested with `after`.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first row; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last row; null on an empty page.")


@strawberry.type(description="One row of a page, with its cursor.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="The position of this row in the list's order.")
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
    """Backed by a Page."""

    @_field(description="The rows with their cursors.")
    def edges(self, page: strawberry.Parent[Page[T]]) -> list[Edge[T]]:
        return [Edge(cursor=page.order.cursor(row), node=row) for row in page.rows]

    @_field(description="The rows.")
    def nodes(self, page: strawberry.Parent[Page[T]]) -> list[T]:
        return page.rows

    @_field(description="The position of this page in the list.")
    def page_info(self, page: strawberry.Parent[Page[T]]) -> PageInfo:
        return _page_info(page)

    @_field(description="The number of rows in the whole list, counted only when requested.")
    async def total_count(self, page: strawberry.Parent[Page[T]]) -> int:
        return await page.count()


def checked_first(first: int) -> int:
    if not 1 <= first <= MAXIMUM_FIRST:
        raise BadUserInput(f"`first` is {first}; a page has 1 to {MAXIMUM_FIRST} rows.", argument="first")
    return first
