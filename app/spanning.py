"""Pages of rows of many owners, on PostgreSQL.

Few owners are asked one by one, through an index that begins with the owner (`paging.page_of_owners`). For many owners that
takes too long: 30,000 take over a second. Their part of the newest rows of all fills the page in nearly all cases. Otherwise
PostgreSQL reads all of their rows without an order, which would tempt it to walk past those of others.
"""

# ruff: noqa: S608  names are constants, and values have slots

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tortoise.queryset import QuerySet

from app.statements import Sql, StandIns

FEW_OWNERS = 1_000
# Among so many of the newest rows of all, there have to be as many of the owners' as the largest page has, and one more.
NEWEST_ROWS, ENOUGH = 10_000, 101


def beyond_few(owners: QuerySet[Any]) -> QuerySet[Any]:
    """One of the owners when they are many, otherwise none."""
    return owners.offset(FEW_OWNERS).limit(1)


async def are_many(owners: QuerySet[Any]) -> bool:
    """Whether the owners are too many to be asked one by one."""
    return bool(await beyond_few(owners).values_list("id"))


@dataclass
class Spanning:
    """Rows of many owners that are ordered by their ids."""

    stand_ins: StandIns
    query: QuerySet[Any]
    """Their rows, without an order."""
    newest: QuerySet[Any]
    """The rows of all owners, narrowed by their ids alone."""

    def rows(self, columns: Mapping[str, str]) -> Sql:
        """A subquery, to be ordered and limited: the recent rows when they fill the largest page, otherwise all of them.

        What decides is found out once. With fewer rows than `NEWEST_ROWS` in all, none is recent.
        """
        render = self.stand_ins.render
        every, ids = render(self.query.values(**columns)), render(self.query.values(id="id"))
        last = render(self.newest.order_by("-id").offset(NEWEST_ROWS).limit(1).values(id="id"))
        return Sql.join(
            *('(WITH last("id") AS MATERIALIZED (', last, '), dense("is") AS MATERIALIZED (SELECT COUNT(*) = '),
            *(f"{ENOUGH} FROM (SELECT 1 FROM (", ids, f") b WHERE {_RECENT} LIMIT {ENOUGH}) n) "),
            *("SELECT b.* FROM (", every, f") b WHERE {_DENSE} AND {_RECENT}"),
            *(" UNION ALL SELECT b.* FROM (", every, f") b WHERE NOT {_DENSE})"),
        )


_DENSE = '(SELECT "is" FROM dense)'
_RECENT = 'b."id" >= (SELECT "id" FROM last)'
