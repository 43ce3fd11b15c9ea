"""Changing one row within the caller's reach, with its event in the audit trail: one statement on PostgreSQL.

Reach, table, columns and conditions come from Tortoise alone, which renders the statement once for each model, scope and set
of columns, with slots for the values (`app/statements.py`): building it anew costs more than running it.
"""

# ruff: noqa: S608  names come from the models, and values have places

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from strawberry.utils.str_converters import to_camel_case
from tortoise import connections, fields
from tortoise.models import Model
from tortoise.transactions import in_transaction

from app.access import Reach, Scope
from app.audit import trail
from app.context import Context
from app.statements import Sql, StandIns, Statement, slot, values_of

# Of all models; the least used go first. An account's four settings alone make 15 sets of columns for each scope, with and
# without a version.
MAXIMUM_STATEMENTS = 512

M = TypeVar("M", bound=Model)


async def change(
    context: Context,
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
    made = _change(
        client.capabilities.dialect,
        model,
        context.viewer.scope,
        tuple(values),
        if_version is not None,
        tuple((where or {}).items()),
    )
    given = made.given(context, row_id, values, if_version)
    if made.selection is None:
        rows = await client.execute_query_dict(made.statement.text, made.statement.arguments(given))
        return model._init_from_db(**rows[0]) if rows else None
    async with in_transaction() as transaction:
        old = await transaction.execute_query_dict(made.selection.text, made.selection.arguments(given))
        if not old:
            return None
        rows = await transaction.execute_query_dict(made.statement.text, made.statement.arguments(given))
        row = model._init_from_db(**rows[0])
        before = model._init_from_db(**{**rows[0], **{name: old[0][name] for name in old[0] if name in rows[0]}})
        await trail.note(
            context,
            row,
            before={name: getattr(before, name) for name in values},
            after=values,
            former_service_provider_id=getattr(before, "service_provider_id", None) if made.moves else None,
        )
        return row


@dataclass(frozen=True)
class _Change:
    """A rendered change of one row."""

    model: type[Model]
    statement: Statement
    selection: Statement | None
    """What is read before; None when the statement reads, changes and notes all at once."""
    columns: tuple[tuple[str, fields.Field[Any]], ...]
    is_dated: bool
    moves: bool
    """Whether it gives the row to another provider."""

    def given(
        self,
        context: Context,
        row_id: UUID,
        values: Mapping[str, Any],
        if_version: int | None,
    ) -> dict[str, Any]:
        """What belongs in the statements' places; what is set is converted as Tortoise does for each column."""
        now = {**values, "updated_at": datetime.now(UTC)} if self.is_dated else values
        converted = {f"set.{name}": field.to_db_value(now[name], field.model) for name, field in self.columns}
        given = {**values_of(context.viewer), **converted, "row.id": row_id, "row.version": if_version}
        if self.selection is None:
            event = trail.event_of(context, self.model, row_id)
            event["after"] = trail.shown(self.model, values)
            given |= {f"event.{name}": value for name, value in event.items()}
        return given


@lru_cache(MAXIMUM_STATEMENTS)
def _change(
    dialect: str,
    model: type[Model],
    scope: Scope,
    names: tuple[str, ...],
    is_versioned: bool,
    where: tuple[tuple[str, Any], ...],
) -> _Change:
    projection = model._meta.fields_db_projection
    stand_ins = StandIns(dialect)
    row = stand_ins.viewer(scope).within_reach(model).filter(id=stand_ins.uuid("row.id"), **dict(where))
    if is_versioned:
        row = row.filter(version=stand_ins.number("row.version"))
    moves = "service_provider_id" in names and "service_provider_id" in model.reach.service_provider  # type: ignore[attr-defined]
    old = stand_ins.render(row.values(**{name: name for name in dict.fromkeys(("id", *names))}))
    if is_dated := "updated_at" in projection:
        names = (*names, "updated_at")
    columns = tuple((name, model._meta.fields_map[name]) for name in names)
    table = model._meta.db_table
    sets: list[Sql | str] = []
    for name in names:
        sets += [f'"{projection[name]}"=', slot(f"set.{name}"), ", "]
    sets.append(f'"version"="{table}"."version"+1' if "version" in projection else "")
    if not sets[-1]:
        sets = sets[:-2]
    returned = ", ".join(f'"{table}"."{column}"' for column in projection.values())
    answered = ", ".join(f'changed."{column}"' for column in projection.values())
    if dialect != "postgres":
        update = Sql.join(f'UPDATE "{table}" SET ', *sets, ' WHERE "id"=', slot("row.id"), f" RETURNING {returned}")
        return _Change(model, Statement.of(update, dialect), Statement.of(old, dialect), columns, is_dated, moves)
    olds = "".join(f', old."{name}" AS "old {name}"' for name in names if name != "updated_at")
    whole = Sql.join(
        # The row is locked before it is compared and changed: whoever waited for another's change sees that one's values.
        "WITH old AS (",
        old,
        f' FOR UPDATE OF "{table}"), changed AS (UPDATE "{table}" SET ',
        *sets,
        f' FROM old WHERE "{table}"."id"=old."id" RETURNING {returned}{olds}), noted AS (',
        _noted(model, [name for name in names if trail.is_shown(name)], moves=moves),
        f") SELECT {answered} FROM changed",
    )
    return _Change(model, Statement.of(whole, dialect), None, columns, is_dated, moves)


def _noted(model: type[Model], names: list[str], *, moves: bool) -> Sql:
    """The INSERT of the event, from the changed row."""
    reach: Reach = model.reach  # type: ignore[attr-defined]
    account = f'changed."{reach.account}"' if reach.account and "__" not in reach.account else "NULL::UUID"
    own = next((path for path in reach.service_provider if "__" not in path), None)
    provider = f'(SELECT "service_provider_id" FROM "accounts" WHERE "id"={account})'
    values: dict[str, Sql | str] = {name: slot(f"event.{name}") for name in trail.COLUMNS}
    values |= {
        "account_id": account,
        "service_provider_id": f'COALESCE(changed."{own}", {provider})' if own else provider,
        "former_service_provider_id": 'changed."old service_provider_id"' if moves else "NULL",
        "before": f"JSONB_BUILD_OBJECT({', '.join(_named(model, name) for name in names)})",
    }
    pieces: list[Sql | str] = []
    for value in values.values():
        pieces += [value, ", "]
    return Sql.join(f"INSERT INTO audit_events ({', '.join(values)}) SELECT ", *pieces[:-1], " FROM changed")


def _named(model: type[Model], name: str) -> str:
    value = f'changed."old {name}"'
    if trail.is_secret(model._meta.fields_map[name], name):
        value = f"CASE WHEN {value} IS NOT NULL THEN '{trail.HIDDEN}' END"
    return f"'{to_camel_case(name)}', {value}"
