"""Declarations of lists: their filters, orders and costs, and how a page of them is loaded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from app.foundation.access import Scope, TenantScoped, Viewer
from app.foundation.context import Context
from app.foundation.database.owner_pages import OneByOne, Spanning
from app.foundation.database.sql_templates import Placeholders, Sql
from app.foundation.graphql.declarations import Row, check_column
from app.foundation.graphql.page_loading import EACH_OWNER, NO_CONDITION, page, page_of_each, page_of_owners, rows_of
from app.foundation.graphql.pagination import NEWEST_FIRST, Order, Page, checked_first


@dataclass(frozen=True)
class Condition:
    """How a field of a filter selects rows, with the value that `prepare` makes; a prepared None matches no row."""

    lookup: str | Callable[[Any], Q]
    """A column with its lookup in Tortoise's notation, or a function from the value to a Q."""
    prepare: Callable[[Any], Any] = lambda value: value
    within: Callable[[Scope], Q] = lambda _scope: NO_CONDITION
    """From the caller's scope: the rows that the condition can match at all."""

    def of(self, value: Any, scope: Scope) -> Q:
        return (Q(**{self.lookup: value}) if isinstance(self.lookup, str) else self.lookup(value)) & self.within(scope)


@dataclass(frozen=True)
class Weights:
    """The database's cost of a list on top of its rows, in units of `execution/limits/cost.py`: as measured, plus a quarter."""

    page: int = 0
    """To find a page."""
    count: int = 0
    """To count all rows."""
    conditions: Mapping[str, int] = field(default_factory=dict)
    """By the GraphQL fields of the argument `filter`: to look for rows when few or none match. The costliest of the set
    conditions counts, for the page and for the count."""
    of_one_owner: "tuple[str, Weights] | None" = None
    """The field of `filter` that names the owner of all rows, and the weights instead of these where it is set."""


NO_WEIGHTS = Weights()


def across_owners(weights: Weights) -> Mapping[Scope, Weights]:
    """The weights of a list that is long for scopes with many accounts, and short for one account."""
    return {Scope.ADMIN: weights, Scope.SERVICE_PROVIDER: weights}


@dataclass(frozen=True)
class Listed(Generic[Row]):
    """Rows of a model with their orders and filters."""

    row: type[Row]
    order: Callable[[Any], Order] = lambda _given: NEWEST_FIRST
    """From the argument `orderBy`; None without it."""
    order_columns: tuple[str, ...] = ()
    """The columns that any of the orders compares, without the id."""
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    """By the fields of the argument `filter`."""
    check: Callable[[Mapping[str, Any]], None] = lambda _given: None
    """Gets all fields of the filter, None where one is absent. Raises BadUserInput for fields that exclude each other."""
    count_limit: int | None = None
    """The largest `totalCount`: counting stops there."""
    weights: Mapping[Scope, Weights] = field(default_factory=dict)
    """By the caller's scope; a missing scope has no weights."""

    def __post_init__(self) -> None:
        """Raises TypeError when the model lacks one of the columns."""
        for column in self._named():
            check_column(f"The list of {self.row.__name__}", self.row, column.partition("__")[0])

    def _named(self) -> tuple[str, ...]:
        """The columns that are named, with their lookups."""
        return (*self.order_columns, *(one.lookup for one in self.conditions.values() if isinstance(one.lookup, str)))

    def active_conditions(self, filter: Any) -> tuple[tuple[str, Any], ...]:
        """The conditions that the argument `filter` sets, with their prepared values. Raises BadUserInput."""
        given = {name: getattr(filter, name, None) for name in self.conditions}
        self.check(given)
        return tuple((name, self.conditions[name].prepare(value)) for name, value in given.items() if value is not None)

    def condition(self, active: tuple[tuple[str, Any], ...], scope: Scope) -> Q:
        """All active conditions together. A value that was prepared to None matches no row."""
        return Q(
            *(self.conditions[name].of(value, scope) if value is not None else Q(id__in=[]) for name, value in active)
        )


@dataclass(frozen=True)
class Owners:
    """The owners of rows."""

    row: type[TenantScoped]
    by: str
    """The rows' column that holds their ids."""
    newest_month: str
    """Their own column with the least id of the month of their newest row; null while they have none."""


@dataclass(frozen=True)
class PageOfAll(Listed[Row]):
    """A root field that is a page of all visible rows."""

    always: Mapping[str, Any] = field(default_factory=dict)
    """Lookups that hold for every row of the list."""
    owners: Owners | None = None
    """For lists ordered by id with far more rows than owners: `owner_pages.py` merges the newest rows of each owner."""
    scan_predicate: Mapping[str, Any] = field(default_factory=dict)
    """Lookups that hold for all rows, and the predicate of the index over the rows of all owners."""
    selective: frozenset[str] = frozenset()
    """Conditions that few rows meet and that an index serves across owners."""
    scanned: frozenset[str] = frozenset()
    """Conditions under which an admin's page is scanned in order, across owners."""

    def _named(self) -> tuple[str, ...]:
        return (*super()._named(), *self.always, *((self.owners.by,) if self.owners else ()))

    def is_by_owner(self, scope: Scope, active: tuple[tuple[str, Any], ...]) -> bool:
        """Whether the page is merged from pages of the visible owners."""
        if self.owners is None or scope is Scope.ACCOUNT or any(name in self.selective for name, _ in active):
            return False
        return scope is Scope.SERVICE_PROVIDER or any(name not in self.scanned for name, _ in active)

    def may_have_many_owners(self, scope: Scope, active: Sequence[tuple[str, Any]]) -> bool:
        """Whether the page is merged from owners and no condition names one of them."""
        return self.is_by_owner(scope, tuple(active)) and not self._naming(active)

    def owners_within(self, viewer: Viewer, active: Sequence[tuple[str, Any]]) -> QuerySet[Any]:
        """The owners whose rows are read: all visible ones, or the one that a condition names."""
        named = [Q(id=value) for _, value in self._naming(active) if value is not None]
        return viewer.visible(self.owners.row if self.owners else self.row).filter(*named)

    def _naming(self, active: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """The conditions that name an owner."""
        return [
            each for each in active if self.owners is not None and self.conditions[each[0]].lookup == self.owners.by
        ]

    def one_by_one(
        self,
        placeholders: Placeholders,
        viewer: Viewer,
        active: tuple[tuple[str, Any], ...],
        beyond: Q | None,
        limit: Sql,
    ) -> OneByOne | None:
        """The rows of a page that is merged from owners, else None; `beyond` selects the rows after a cursor."""
        owners = self.owners
        if owners is None or not self.is_by_owner(viewer.scope, active):
            return None
        of_each = {**self.always, owners.by: EACH_OWNER}
        each = self.row.filter(self.condition(active, viewer.scope), beyond or NO_CONDITION, **of_each)
        month = owners.newest_month if beyond is None and not active else None
        return OneByOne(placeholders, self.owners_within(viewer, active), month, each, limit)

    def spanning(
        self, one_by_one: OneByOne, viewer: Viewer, active: tuple[tuple[str, Any], ...], beyond: Q | None
    ) -> Spanning:
        """The same rows, when there are many owners."""
        # Conditions on ids bound the order itself.
        of_ids = tuple(one for one in active if str(self.conditions[one[0]].lookup).startswith("id__"))
        beyond = beyond or NO_CONDITION
        newest = self.row.filter(self.condition(of_ids, viewer.scope), beyond, **self.scan_predicate)
        rows = viewer.visible(self.row).filter(
            self.condition(active, viewer.scope), beyond, **self.always, **self.scan_predicate
        )
        return Spanning(one_by_one.placeholders, rows, newest, one_by_one if of_ids == active else None)

    async def answer(
        self, context: Context, first: int, after: str | None, filter: Any = None, order_by: Any = None
    ) -> Page[Row]:
        active, order = self.active_conditions(filter), self.order(order_by)
        context.count_rows(checked_first(first))
        viewer = context.viewer
        query = viewer.visible(self.row).filter(
            self.condition(active, viewer.scope), **self.always, **self.scan_predicate
        )
        beyond = order.after(after) if after is not None else None
        one_by_one = self.one_by_one(Placeholders(), viewer, active, beyond, Sql(str(first + 1)))
        if one_by_one is None:
            return await page(query, order, first, after, self.count_limit)
        is_many = self.may_have_many_owners(viewer.scope, active) and await rows_of(one_by_one.beyond_few())
        source = self.spanning(one_by_one, viewer, active, beyond) if is_many else one_by_one
        return await page_of_owners(source, query, order, first, after, self.count_limit)


@dataclass(frozen=True)
class PageOf(Listed[Row]):
    """A field that is a page of the rows whose column `by` holds this row's id."""

    by: str = field(kw_only=True)

    async def answer(
        self, context: Context, owner: UUID, first: int, after: str | None, filter: Any = None, order_by: Any = None
    ) -> Page[Row]:
        """Loads the pages of all shown owners with a constant number of statements."""
        order, active = self.order(order_by), self.active_conditions(filter)
        condition = self.condition(active, context.viewer.scope)
        return await page_of_each(
            context, self.row, self.by, owner, order, first, after, active, condition, self.count_limit
        )
