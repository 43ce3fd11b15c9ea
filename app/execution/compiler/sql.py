"""Writes the SELECTs of a level, for one scope and one shape of its arguments."""

from typing import Any

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from app.execution.compiler.query_plan import Join, Level
from app.foundation.access import Viewer
from app.foundation.database.owner_pages import OneByOne, Source
from app.foundation.database.sql_templates import Placeholders, Sql, Statement, any_of, placeholder
from app.foundation.graphql import declarations, lists
from app.foundation.graphql.page_loading import EACH_OWNER, count_up_to, given_owners
from app.foundation.graphql.pagination import Order

Asked = tuple[tuple[str, object], ...]
"""The conditions of a filter that are set: by their kinds, or by their values where these are few."""
Query = QuerySet[Any]


class Writer:
    """Writes the statements of a level for one scope and one shape of arguments."""

    def __init__(self, level: Level, viewer: Viewer) -> None:
        self._level = level
        self._stand_ins = Placeholders()
        self._viewer = self._stand_ins.viewer(viewer.scope)

    def statements(
        self, order: Order | None, asked: Asked, is_after: bool, single: bool, many_owners: bool
    ) -> tuple[Statement | None, Statement | None]:
        level = self._level
        number = self._number(asked, self._stand_ins.uuid(f"{level.slot}.owners")) if level.wants_count else None
        rows = Statement.of(self.rows(order, asked, is_after, single, many_owners)) if level.wants_rows else None
        return rows, number

    def rows(self, order: Order | None, asked: Asked, is_after: bool, single: bool, many_owners: bool) -> Sql:
        level, beyond = self._level, None
        if is_after and order is not None:
            value = self._stand_ins.text(f"{level.slot}.value")
            beyond = order.beyond(value, self._stand_ins.uuid(f"{level.slot}.after"))
        of_each = isinstance(level.root, lists.PageOf) and not single
        source: Source | None = None
        query = self._query(asked, EACH_OWNER if of_each else self._stand_ins.uuid(f"{level.slot}.owner"))
        if isinstance(level.root, lists.PageOfAll):
            valued = tuple(self._valued(asked))
            source = one_by_one = self._one_by_one(level.root, valued, beyond)
            if many_owners and one_by_one is not None:
                source = level.root.spanning(one_by_one, self._viewer, valued, beyond)
        return self._rows(query.filter(beyond) if beyond else query, order, of_each=of_each, source=source)

    def many_owners(self, is_first: bool) -> Statement | None:
        """Selects a row when the owners that are asked for a page are many; `is_first`: without a cursor and conditions."""
        root = self._level.root
        one_by_one = (
            self._one_by_one(root, (), None if is_first else Q()) if isinstance(root, lists.PageOfAll) else None
        )
        return Statement.of(one_by_one.beyond_few()) if one_by_one is not None else None

    def _one_by_one(self, root: lists.PageOfAll, asked: tuple[Any, ...], beyond: Q | None) -> OneByOne | None:
        return root.one_by_one(self._stand_ins, self._viewer, asked, beyond, placeholder(f"{self._level.slot}.limit"))

    def _query(self, asked: Asked, owner: object) -> Query:
        level, slot, root = self._level, self._level.slot, self._level.root
        query = self._viewer.visible(level.model)
        if root is None:
            return query.filter(**{level.by: self._stand_ins.uuid(f"{slot}.owner")})
        if isinstance(root, declarations.OneById):
            return query.filter(id=self._stand_ins.uuid(f"{slot}.id"))
        query = query.filter(
            **{level.by: owner} if isinstance(root, lists.PageOf) else {**root.always, **root.scan_predicate}
        )
        for name, value in self._valued(asked):
            query = query.filter(root.conditions[name].of(value))
        return query

    def _valued(self, asked: Asked) -> list[tuple[str, object]]:
        """The conditions with their values, or stand-ins for these."""
        made = {"str": self._stand_ins.text, "UUID": self._stand_ins.uuid}
        return [(name, made[kind](f"{self._level.slot}.{name}") if kind in made else kind) for name, kind in asked]

    def _number(self, asked: Asked, owner: object) -> Statement:
        level = self._level
        owners = f"{level.slot}.owners"
        limit = level.root.count_limit if isinstance(level.root, lists.Listed) else None
        if isinstance(level.root, lists.PageOf) and limit is not None:
            of_each = self._stand_ins.render(self._query(asked, EACH_OWNER).limit(limit).values(id="id"))
            return Statement.of(count_up_to(of_each, level.model, owners))
        query = self._query(asked, owner)
        query = query if limit is None else query.limit(limit)
        if isinstance(level.root, lists.PageOf):
            inner = any_of(self._stand_ins.render(query.values(owner=level.by)), owners)
            sql = Sql.join('SELECT b."owner", COUNT(*) FROM (', inner, ') b GROUP BY b."owner"')
        else:
            inner = self._stand_ins.render(query.values(owner="id"))
            sql = Sql.join("SELECT NULL, COUNT(*) FROM (", inner, ") b")
        return Statement.of(sql)

    def _rows(self, query: Query, order: Order | None, *, of_each: bool, source: Source | None) -> Sql:
        level = self._level
        if of_each:
            level.index("b", level.by)
        order_by = [column.lstrip("-") for column in order.by] if order else []
        if order is not None:
            query = query.order_by(*order.by).limit(self._stand_ins.number(f"{level.slot}.limit"))
        if not (level.joins or level.counts or of_each or source is not None):
            shown = {column: column for _, column in level.items}
            return self._stand_ins.render(query.values(**(shown or {"id": "id"})))
        columns = [*level.columns("b"), *(join.key for join in level.joins if join.owner == "b"), *order_by]
        names = {column: column for column in columns}
        if source is not None:
            base: list[Sql | str] = [" FROM ", source.rows(names), " b"]
        else:
            base = self._base(query, names, of_each=of_each)
        pieces = ["SELECT ", *self._items(), *base]
        for join in level.joins:
            pieces += self._join(join)
        if order_by:
            direction = " DESC" if order and order.descending else ""
            pieces.append(" ORDER BY " + ", ".join(f'b."{column}"{direction}' for column in order_by))
        if source is not None:
            pieces += [" LIMIT ", placeholder(f"{level.slot}.limit")]
        return Sql.join(*pieces)

    def _base(self, query: Query, names: dict[str, str], *, of_each: bool) -> list[Sql | str]:
        """The rows that the query selects, or those that it selects for each of many owners, who is `EACH_OWNER` in it."""
        if not of_each:
            return [" FROM (", self._stand_ins.render(query.values(**names)), ") b"]
        owners = given_owners(self._level.model, f"{self._level.slot}.owners")
        rows = self._stand_ins.render(query.values(**names))
        return [" FROM ", owners, " CROSS JOIN LATERAL (", rows, ") b"]

    def _items(self) -> list[Sql | str]:
        pieces: list[Sql | str] = []
        for alias, column in self._level.items:
            pieces.append(", " if pieces else "")
            if alias:
                pieces.append(f'{alias}."{column}"')
            else:
                declared, owner = self._level.counts[column]
                inner = self._stand_ins.render(self._viewer.visible(declared.row).values(**{declared.by: declared.by}))
                pieces += [
                    "(SELECT COUNT(*) FROM (",
                    inner,
                    f') {column} WHERE {column}."{declared.by}" = {owner}."id")',
                ]
        return pieces or ["1"]

    def _join(self, join: Join) -> list[Sql | str]:
        keys = [other.key for other in self._level.joins if other.owner == join.alias]
        columns = dict.fromkeys([*self._level.columns(join.alias), join.by, *keys])
        inner = self._stand_ins.render(
            self._viewer.visible(join.model).values(**{column: column for column in columns})
        )
        return [
            " LEFT JOIN (",
            inner,
            f') {join.alias} ON {join.alias}."{join.by}" = {join.owner}."{join.key}"',
        ]


def with_page(
    level: Level, page: Level, viewer: Viewer, order: Order | None, asked: Asked, is_after: bool
) -> Statement:
    """Selects the object and a page of its at once: in the object's row the page's columns come first, and are null, and the
    last column is true; in the others the object's are null. Which come first PostgreSQL does not promise."""
    one = Writer(level, viewer).rows(None, (), False, True, False)
    rows = Writer(page, viewer).rows(order, asked, is_after, True, False)
    before, behind = ", ".join(["NULL"] * page.row_width), ", ".join(["NULL"] * (level.row_width + 1))
    pieces = "SELECT ", before, ", o.*, TRUE FROM (", one, ") o UNION ALL SELECT p.*, ", behind, " FROM (", rows, ") p"
    return Statement.of(Sql.join(*pieces))
