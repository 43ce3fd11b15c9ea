"""Changing one row: one UPDATE, within the caller's reach, that answers the row as it is now.

Reach, table, columns and conditions come from Tortoise alone, which renders the statement once for each model, scope and set
of columns, with slots for the values (`app/statements.py`): building it anew costs more than running it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from tortoise import connections, fields
from tortoise.expressions import F, Subquery, Value
from tortoise.models import Model
from tortoise.queryset import QuerySet

from app.access import Scope, Viewer
from app.statements import Sql, StandIns, Statement, values_of

# Of all models; the least used go first. An account's four settings alone make 15 sets of columns for each scope, with and
# without a version.
MAXIMUM_STATEMENTS = 512

M = TypeVar("M", bound=Model)


async def change(
    viewer: Viewer,
    model: type[M],
    row_id: UUID,
    values: Mapping[str, Any],
    *,
    if_version: int | None = None,
    where: Mapping[str, Any] | None = None,
) -> M | None:
    """Sets columns of one row, and its `version` and `updated_at` where it has them; answers the row as it is now.

    `where` are more conditions on columns of the row itself (`revoked_at__isnull=True`), as constants in the statement: never
    what a client sent. Returns None when nothing matched: the row is not there, or out of reach, or of another version, or
    not as `where` says; ordinary queries tell which. Raises IntegrityError when a constraint refuses the values. Takes part in
    a surrounding transaction, which on PostgreSQL an IntegrityError ends.
    """
    client = connections.get("default")
    update = _update(
        client.capabilities.dialect,
        model,
        viewer.scope,
        tuple(values),
        if_version is not None,
        tuple((where or {}).items()),
    )
    rows = await client.execute_query_dict(
        update.statement.text, update.arguments(viewer, values, {"row.id": row_id, "row.version": if_version})
    )
    return model._init_from_db(**rows[0]) if rows else None


@dataclass(frozen=True)
class _Update:
    """A rendered UPDATE of one row."""

    statement: Statement
    columns: tuple[tuple[str, fields.Field[Any]], ...]
    is_dated: bool

    def arguments(self, viewer: Viewer, values: Mapping[str, Any], row: Mapping[str, Any]) -> list[Any]:
        """What belongs in the statement's places, converted as Tortoise does for each column."""
        given = {**values, "updated_at": datetime.now(UTC)} if self.is_dated else values
        converted = {name: field.to_db_value(given[name], field.model) for name, field in self.columns}
        return self.statement.arguments({**values_of(viewer), **row, **converted})


@lru_cache(MAXIMUM_STATEMENTS)
def _update(
    dialect: str,
    model: type[Model],
    scope: Scope,
    names: tuple[str, ...],
    is_versioned: bool,
    where: tuple[tuple[str, Any], ...],
) -> _Update:
    stand_ins, columns = StandIns(dialect), model._meta.fields_db_projection
    rows = _row_within_reach(stand_ins, model, scope).filter(**dict(where))
    if is_versioned:
        rows = rows.filter(version=stand_ins.number("row.version"))
    if is_dated := "updated_at" in columns:
        names = (*names, "updated_at")
    changes: dict[str, Any] = {name: Value(stand_ins.text(name)) for name in names}
    if "version" in columns:
        changes["version"] = F("version") + 1
    returned = ", ".join(f'"{column}"' for column in columns.values())
    sql = Sql.join(stand_ins.render(rows.update(**changes)), f" RETURNING {returned}")
    converted = tuple((name, model._meta.fields_map[name]) for name in names)
    return _Update(Statement.of(sql, dialect), converted, is_dated)


def _row_within_reach(stand_ins: StandIns, model: type[M], scope: Scope) -> QuerySet[M]:
    row_id = stand_ins.uuid("row.id")
    row = stand_ins.viewer(scope).within_reach(model).filter(id=row_id)
    if " JOIN " not in row.sql():
        return row
    # An UPDATE cannot join. All other conditions stay outside of the subquery: PostgreSQL checks those again, and not the
    # ones inside, when another's change of the row that it waited for is done.
    return model.filter(id=row_id, id__in=Subquery(row.values("id")))
