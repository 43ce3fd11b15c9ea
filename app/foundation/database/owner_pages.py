"""Pages of rows of many owners, ordered by their ids, the newest first.

Few owners are asked one by one for their newest row, through an index that begins with the owner; only those with the newest
rows of all are then asked for more. For many owners that takes too long. Their part of the newest rows of all fills the page in
nearly all cases.
"""

# ruff: noqa: S608  names are constants, and values have slots

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tortoise.queryset import QuerySet

from app.foundation.database.sql_templates import Placeholders, Sql

FEW_OWNERS = 3_000
# Among so many of the newest rows of all, there have to be as many of the owners' as the largest page has, and one more.
NEWEST_ROWS, ENOUGH = 10_000, 101
_NO_ID = "'00000000-0000-0000-0000-000000000000'"


class Source(Protocol):
    """Where the rows of a page come from."""

    def rows(self, columns: Mapping[str, str]) -> Sql:
        """A subquery, to be ordered and limited."""


@dataclass
class OneByOne:
    """The owners are asked one by one.

    With a month of each owner's newest row, owners without a recent row are not asked: where one more than `limit` owners have a
    row in a month or later, all rows of the first page are of that month or later.
    """

    stand_ins: Placeholders
    owners: QuerySet[Any]
    newest_month: str | None
    """The owners' column with the least id of that month; None of a page that is not the first, or has conditions."""
    each: QuerySet[Any]
    """The rows of one of them, who is `EACH_OWNER`."""
    limit: Sql
    """How many rows are shown at most, and one more."""

    def rows(self, columns: Mapping[str, str]) -> Sql:
        render, table = self.stand_ins.render, self.owners.model._meta.db_table
        rows = render(self.each.order_by("-id").values(**columns))
        nearest = Sql.join(f'(SELECT "id" AS "value" FROM "{table}" WHERE "id" IN (', self._nearest(), ")) o")
        return Sql.join("(SELECT b.* FROM ", nearest, " CROSS JOIN LATERAL (", rows, " LIMIT ", self.limit, ") b)")

    def beyond_few(self) -> Sql:
        """Selects a row when more than few owners are asked."""
        return Sql.join("SELECT 1 FROM ", *self._asked(), f" OFFSET {FEW_OWNERS} LIMIT 1")

    def _nearest(self) -> Sql:
        """The owners with the newest rows: no other has one of the newest `limit` rows."""
        since = (' WHERE r."id" >= ', self._since()) if self.newest_month else ()
        newest = Sql.join('SELECT r."id" FROM (', self.stand_ins.render(self.each.values(id="id")), ") r", *since)
        lateral = (" CROSS JOIN LATERAL (", newest, ' ORDER BY r."id" DESC LIMIT 1) n ORDER BY n."id" DESC LIMIT ')
        return Sql.join('SELECT o."value" FROM ', *self._asked(), *lateral, self.limit)

    def _asked(self) -> tuple[Sql | str, ...]:
        """The owners that are asked, as `o`."""
        since = (' WHERE o."month" >= ', self._since()) if self.newest_month else ()
        return ("(SELECT * FROM (", self._owners(), ") o", *since, ") o")

    def _since(self) -> Sql:
        months = Sql.join('SELECT m."month" FROM (', self._owners(), ') m WHERE m."month" IS NOT NULL')
        end = (' ORDER BY m."month" DESC OFFSET ', self.limit, f" LIMIT 1), {_NO_ID}))")
        return Sql.join("(SELECT COALESCE((", months, *end)

    def _owners(self) -> Sql:
        month = {"month": self.newest_month} if self.newest_month else {}
        return self.stand_ins.render(self.owners.values(value="id", **month))


@dataclass
class Spanning:
    """Rows of owners who are many."""

    stand_ins: Placeholders
    query: QuerySet[Any]
    """Their rows, without an order."""
    newest: QuerySet[Any]
    """The rows of all owners, narrowed by their ids alone."""
    one_by_one: OneByOne | None
    """How the owners are asked when they have few of the newest rows; None: all of their rows are read without an order, which
    would tempt PostgreSQL to walk past those of others."""

    def rows(self, columns: Mapping[str, str]) -> Sql:
        """The recent rows when they fill the largest page, otherwise others.

        What decides is found out once. With fewer rows than `NEWEST_ROWS` in all, none is recent.
        """
        render = self.stand_ins.render
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
