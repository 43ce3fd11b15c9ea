"""Renders the SQL of a SELECT, for one scope and one shape of its arguments."""

from typing import Any

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from app.execution.compiler.query_plan import Join, Select
from app.foundation.access import Viewer
from app.foundation.database.owner_pages import OneByOne, Source
from app.foundation.database.sql_templates import Placeholders, Sql, Statement, any_of, placeholder
from app.foundation.graphql import declarations, lists
from app.foundation.graphql.page_loading import EACH_OWNER, count_up_to, given_owners
from app.foundation.graphql.pagination import Order

Conditions = tuple[tuple[str, object], ...]
"""The conditions of a filter that are set, each with the class of its value, or with the value where there are few."""
Query = QuerySet[Any]


class Renderer:
    def __init__(self, select: Select, viewer: Viewer) -> None:
        self._select = select
        self._placeholders = Placeholders()
        self._viewer = self._placeholders.viewer(viewer.scope)

    def statements(
        self, order: Order | None, conditions: Conditions, is_after: bool, single: bool, many_owners: bool
    ) -> tuple[Statement | None, Statement | None]:
        select = self._select
        number = (
            self._number(conditions, self._placeholders.uuid(f"{select.label}.owners")) if select.wants_count else None
        )
        rows = Statement.of(self.rows(order, conditions, is_after, single, many_owners)) if select.wants_rows else None
        return rows, number

    def rows(self, order: Order | None, conditions: Conditions, is_after: bool, single: bool, many_owners: bool) -> Sql:
        select, beyond = self._select, None
        if is_after and order is not None:
            value = self._placeholders.text(f"{select.label}.value")
            beyond = order.beyond(value, self._placeholders.uuid(f"{select.label}.after"))
        of_each = isinstance(select.root, lists.PageOf) and not single
        source: Source | None = None
        query = self._query(conditions, EACH_OWNER if of_each else self._placeholders.uuid(f"{select.label}.owner"))
        if isinstance(select.root, lists.PageOfAll):
            valued = tuple(self._valued(conditions))
            source = one_by_one = self._one_by_one(select.root, valued, beyond)
            if many_owners and one_by_one is not None:
                source = select.root.spanning(one_by_one, self._viewer, valued, beyond)
        return self._rows(query.filter(beyond) if beyond else query, order, of_each=of_each, source=source)

    def many_owners(self, is_first: bool) -> Statement | None:
        """Returns a row if a page spans many owners. `is_first`: the page has no cursor and no conditions."""
        root = self._select.root
        one_by_one = (
            self._one_by_one(root, (), None if is_first else Q()) if isinstance(root, lists.PageOfAll) else None
        )
        return Statement.of(one_by_one.beyond_few()) if one_by_one is not None else None

    def _one_by_one(self, root: lists.PageOfAll, conditions: tuple[Any, ...], beyond: Q | None) -> OneByOne | None:
        return root.one_by_one(
            self._placeholders, self._viewer, conditions, beyond, placeholder(f"{self._select.label}.limit")
        )

    def _query(self, conditions: Conditions, owner: object) -> Query:
        select, label, root = self._select, self._select.label, self._select.root
        query = self._viewer.visible(select.model)
        if root is None:
            return query.filter(**{select.by: self._placeholders.uuid(f"{label}.owner")})
        if isinstance(root, declarations.OneById):
            return query.filter(id=self._placeholders.uuid(f"{label}.id"))
        query = query.filter(
            **{select.by: owner} if isinstance(root, lists.PageOf) else {**root.always, **root.scan_predicate}
        )
        for name, value in self._valued(conditions):
            query = query.filter(root.conditions[name].of(value, self._viewer.scope))
        return query

    def _valued(self, conditions: Conditions) -> list[tuple[str, object]]:
        """The conditions with their values, or with placeholders."""
        by_class = {"str": self._placeholders.text, "UUID": self._placeholders.uuid}
        return [
            (name, by_class[kind](f"{self._select.label}.{name}") if kind in by_class else kind)
            for name, kind in conditions
        ]

    def _number(self, conditions: Conditions, owner: object) -> Statement:
        select = self._select
        owners = f"{select.label}.owners"
        limit = select.root.count_limit if isinstance(select.root, lists.Listed) else None
        if isinstance(select.root, lists.PageOf) and limit is not None:
            of_each = self._placeholders.render(self._query(conditions, EACH_OWNER).limit(limit).values(id="id"))
            return Statement.of(count_up_to(of_each, select.model, owners))
        query = self._query(conditions, owner)
        query = query if limit is None else query.limit(limit)
        if isinstance(select.root, lists.PageOf):
            inner = any_of(self._placeholders.render(query.values(owner=select.by)), owners)
            sql = Sql.join('SELECT b."owner", COUNT(*) FROM (', inner, ') b GROUP BY b."owner"')
        else:
            inner = self._placeholders.render(query.values(owner="id"))
            sql = Sql.join("SELECT NULL, COUNT(*) FROM (", inner, ") b")
        return Statement.of(sql)

    def _rows(self, query: Query, order: Order | None, *, of_each: bool, source: Source | None) -> Sql:
        select = self._select
        if of_each:
            select.index("b", select.by)
        order_by = [column.lstrip("-") for column in order.by] if order else []
        if order is not None:
            query = query.order_by(*order.by).limit(self._placeholders.number(f"{select.label}.limit"))
        if not (select.joins or select.counts or of_each or source is not None):
            shown = {column: column for _, column in select.items}
            return self._placeholders.render(query.values(**(shown or {"id": "id"})))
        columns = [*select.columns("b"), *(join.key for join in select.joins if join.owner == "b"), *order_by]
        names = {column: column for column in columns}
        if source is not None:
            base: list[Sql | str] = [" FROM ", source.rows(names), " b"]
        else:
            base = self._base(query, names, of_each=of_each)
        pieces = ["SELECT ", *self._items(), *base]
        for join in select.joins:
            pieces += self._join(join)
        if order_by:
            direction = " DESC" if order and order.descending else ""
            pieces.append(" ORDER BY " + ", ".join(f'b."{column}"{direction}' for column in order_by))
        if source is not None:
            pieces += [" LIMIT ", placeholder(f"{select.label}.limit")]
        return Sql.join(*pieces)

    def _base(self, query: Query, names: dict[str, str], *, of_each: bool) -> list[Sql | str]:
        """The FROM clause: the query itself, or the query for each of many owners (`EACH_OWNER` in it)."""
        if not of_each:
            return [" FROM (", self._placeholders.render(query.values(**names)), ") b"]
        owners = given_owners(self._select.model, f"{self._select.label}.owners")
        rows = self._placeholders.render(query.values(**names))
        return [" FROM ", owners, " CROSS JOIN LATERAL (", rows, ") b"]

    def _items(self) -> list[Sql | str]:
        pieces: list[Sql | str] = []
        for alias, column in self._select.items:
            pieces.append(", " if pieces else "")
            if alias:
                pieces.append(f'{alias}."{column}"')
            else:
                declared, owner = self._select.counts[column]
                inner = self._placeholders.render(
                    self._viewer.visible(declared.row).values(**{declared.by: declared.by})
                )
                pieces += [
                    "(SELECT COUNT(*) FROM (",
                    inner,
                    f') {column} WHERE {column}."{declared.by}" = {owner}."id")',
                ]
        return pieces or ["1"]

    def _join(self, join: Join) -> list[Sql | str]:
        keys = [other.key for other in self._select.joins if other.owner == join.alias]
        columns = dict.fromkeys([*self._select.columns(join.alias), join.by, *keys])
        inner = self._placeholders.render(
            self._viewer.visible(join.model).values(**{column: column for column in columns})
        )
        return [
            " LEFT JOIN (",
            inner,
            f') {join.alias} ON {join.alias}."{join.by}" = {join.owner}."{join.key}"',
        ]


def with_page(
    select: Select, page: Select, viewer: Viewer, order: Order | None, conditions: Conditions, is_after: bool
) -> Statement:
    """Selects an object and its page in one statement.

    In the object's row the page's columns are null and the last column is true; in the page's rows the object's columns are
    null. The object's row may come anywhere: PostgreSQL does not promise an order.
    """
    one = Renderer(select, viewer).rows(None, (), False, True, False)
    rows = Renderer(page, viewer).rows(order, conditions, is_after, True, False)
    before, behind = ", ".join(["NULL"] * page.column_count), ", ".join(["NULL"] * (select.column_count + 1))
    pieces = "SELECT ", before, ", o.*, TRUE FROM (", one, ") o UNION ALL SELECT p.*, ", behind, " FROM (", rows, ") p"
    return Statement.of(Sql.join(*pieces))
