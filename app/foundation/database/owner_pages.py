"""Pages of the rows of many owners, newest first (by id).

`OneByOne`: with few owners, read each owner's newest row through an index that begins with the owner, then the rows of the owners
with the newest ones. `Spanning`: with many owners, filter the newest rows of the whole table, which nearly always fill the page.
"""

# ruff: noqa: S608  names are constants, and values are placeholders

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tortoise.queryset import QuerySet

from app.foundation.database.sql_templates import Placeholders, Sql

FEW_OWNERS = 3_000
# `Spanning` reads NEWEST_ROWS rows and is used when ENOUGH of them belong to the owners: the largest page and one more.
NEWEST_ROWS, ENOUGH = 10_000, 101
_NO_ID = "'00000000-0000-0000-0000-000000000000'"


class Source(Protocol):
    """A source of the rows of a page."""

    def rows(self, columns: Mapping[str, str]) -> Sql:
        """A subquery; the caller orders and limits it."""


@dataclass
class OneByOne:
    """Reads the owners one by one.

    With a month of each owner's newest row, owners without a recent row are skipped: when more than `limit` owners have a row in
    a month or later, all rows of the first page are of that month or later.
    """

    placeholders: Placeholders
    owners: QuerySet[Any]
    newest_month: str | None
    """The owners' column with the least id of that month; None for a later page or one with conditions."""
    each: QuerySet[Any]
    """The rows of the owner `EACH_OWNER`."""
    limit: Sql
    """The page size plus one."""

    def rows(self, columns: Mapping[str, str]) -> Sql:
        render, table = self.placeholders.render, self.owners.model._meta.db_table
        rows = render(self.each.order_by("-id").values(**columns))
        nearest = Sql.join(f'(SELECT "id" AS "value" FROM "{table}" WHERE "id" IN (', self._nearest(), ")) o")
        return Sql.join("(SELECT b.* FROM ", nearest, " CROSS JOIN LATERAL (", rows, " LIMIT ", self.limit, ") b)")

    def beyond_few(self) -> Sql:
        """Returns a row if there are more than FEW_OWNERS owners."""
        return Sql.join("SELECT 1 FROM ", *self._candidates(), f" OFFSET {FEW_OWNERS} LIMIT 1")

    def _nearest(self) -> Sql:
        """The owners with the newest rows: only they have any of the newest `limit` rows."""
        since = (' WHERE r."id" >= ', self._since()) if self.newest_month else ()
        newest = Sql.join('SELECT r."id" FROM (', self.placeholders.render(self.each.values(id="id")), ") r", *since)
        lateral = (" CROSS JOIN LATERAL (", newest, ' ORDER BY r."id" DESC LIMIT 1) n ORDER BY n."id" DESC LIMIT ')
        return Sql.join('SELECT o."value" FROM ', *self._candidates(), *lateral, self.limit)

    def _candidates(self) -> tuple[Sql | str, ...]:
        """The owners to read, as `o`."""
        since = (' WHERE o."month" >= ', self._since()) if self.newest_month else ()
        return ("(SELECT * FROM (", self._owners(), ") o", *since, ") o")

    def _since(self) -> Sql:
        months = Sql.join('SELECT m."month" FROM (', self._owners(), ') m WHERE m."month" IS NOT NULL')
        end = (' ORDER BY m."month" DESC OFFSET ', self.limit, f" LIMIT 1), {_NO_ID}))")
        return Sql.join("(SELECT COALESCE((", months, *end)

    def _owners(self) -> Sql:
        month = {"month": self.newest_month} if self.newest_month else {}
        return self.placeholders.render(self.owners.values(value="id", **month))


@dataclass
class Spanning:
    """Reads the rows of many owners together."""

    placeholders: Placeholders
    query: QuerySet[Any]
    """The owners' rows, without an order."""
    newest: QuerySet[Any]
    """The rows of all owners in the table, filtered by id alone."""
    one_by_one: OneByOne | None
    """Reads the owners when they have few of the newest rows. None: all their rows are read without an order, since with one
    PostgreSQL may scan the rows of other owners."""

    def rows(self, columns: Mapping[str, str]) -> Sql:
        """The recent rows when they fill the largest page, otherwise all rows or those of `one_by_one`.

        The statement decides once (MATERIALIZED). With fewer than `NEWEST_ROWS` rows in the table, none is recent.
        """
        render = self.placeholders.render
        every, ids = render(self.query.values(**columns)), render(self.query.values(id="id"))
        last = render(self.newest.order_by("-id").offset(NEWEST_ROWS).limit(1).values(id="id"))
        others = self.one_by_one.rows(columns) if self.one_by_one else Sql.join("(", every, ")")
        return Sql.join(
            *('(WITH last("id") AS MATERIALIZED (', last, '), dense("is") AS MATERIALIZED (SELECT COUNT(*) = '),
            *(f"{ENOUGH} FROM (SELECT 1 FROM (", ids, f") b WHERE {_RECENT} LIMIT {ENOUGH}) n) "),
            *("SELECT b.* FROM (", every, f") b WHERE {_DENSE} AND {_RECENT}"),
            *(" UNION ALL SELECT b.* FROM ", others, f" b WHERE NOT {_DENSE})"),
        )


_DENSE = '(SELECT "is" FROM dense)'
_RECENT = 'b."id" >= (SELECT "id" FROM last)'
