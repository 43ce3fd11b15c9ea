"""Pages and counts of rows that span owners, on PostgreSQL: of few owners or of many, who have few of the newest rows or most.

Of few owners each is asked, through an index that begins with the owner. Of many, their part of the newest rows of all is
enough in nearly all cases. Else PostgreSQL looks at all rows of theirs, without an order: that would tempt it to walk over
those of others. One statement decides and runs one of the three. To ask each of 30,000 owners takes a second; to walk past
2 million calls of others takes five.
"""

# ruff: noqa: S608  names are constants, and values have places

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tortoise.queryset import QuerySet

from app.statements import Sql, StandIns

FEW_OWNERS = 1_000
# Among so many of the newest rows of all, there have to be as many of the owners' as the largest page has, and one more.
NEWEST_ROWS, ENOUGH = 10_000, 101


@dataclass
class Spanning:
    """Rows that are ordered by their ids."""

    stand_ins: StandIns
    owners: QuerySet[Any]
    query: QuerySet[Any]
    """Their rows, without an order."""
    newest: QuerySet[Any]
    """The rows of all owners, narrowed by their ids alone."""

    def rows(self, of_each: QuerySet[Any], columns: Mapping[str, str]) -> Sql:
        """A subquery, to be ordered and limited; `of_each` is the query for one owner, who is `o` in it."""
        render = self.stand_ins.render
        every, owners = render(self.query.values(**columns)), render(self.owners.values(value="id"))
        by_owner = Sql.join("(", owners, ") o CROSS JOIN LATERAL (", render(of_each.values(**columns)), ") b")
        return Sql.join(
            *("(", self._decided(), "SELECT b.* FROM ", by_owner, f" WHERE {_FEW}"),
            *(" UNION ALL SELECT b.* FROM (", every, f") b WHERE NOT {_FEW} AND {_DENSE} AND {_RECENT}"),
            *(" UNION ALL SELECT b.* FROM (", every, f") b WHERE NOT {_FEW} AND NOT {_DENSE})"),
        )

    def count(self, limit: int) -> Sql:
        """How many there are, as a query for one value: at most the limit."""
        ids, counted = self.stand_ins.render(self.query.values(id="id")), "(SELECT COUNT(*) FROM ("
        return Sql.join(
            *(self._decided(), f"SELECT CASE WHEN {_DENSE} THEN ", counted, ids),
            *(f" LIMIT {limit}) n) ELSE LEAST(", counted, ids, f') n), {limit}) END AS "total"'),
        )

    def _decided(self) -> Sql:
        """What decides, found out once and only as far as it is asked for. Without so many rows none is recent."""
        render = self.stand_ins.render
        owners, ids = render(self.owners.limit(FEW_OWNERS + 1).values(id="id")), render(self.query.values(id="id"))
        last = render(self.newest.order_by("-id").offset(NEWEST_ROWS).limit(1).values(id="id"))
        return Sql.join(
            *('WITH few("is") AS MATERIALIZED (SELECT COUNT(*) <= ', str(FEW_OWNERS), " FROM (", owners, ") n), "),
            *('last("id") AS MATERIALIZED (', last, "), "),
            *(f'dense("is") AS MATERIALIZED (SELECT NOT {_FEW} AND (SELECT COUNT(*) FROM (SELECT 1 FROM (', ids),
            f") b WHERE {_RECENT} LIMIT {ENOUGH}) n) = {ENOUGH}) ",
        )


_FEW, _DENSE = '(SELECT "is" FROM few)', '(SELECT "is" FROM dense)'
_RECENT = 'b."id" >= (SELECT "id" FROM last)'
