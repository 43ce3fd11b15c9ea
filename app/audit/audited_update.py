"""Changing one row within the caller's reach, with its event in the audit trail: one statement.

Reach, table, columns and conditions come from Tortoise alone, which renders the statement once for each model, scope and set
of columns, with slots for the values (`app/foundation/database/sql_templates.py`): building it anew costs more than running it.

What is given as it is stored changes nothing: no event, and `version` stays.
"""

# ruff: noqa: S608  names come from the models, and values have places

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from strawberry.utils.str_converters import to_camel_case
from tortoise import fields
from tortoise.context import require_context
from tortoise.expressions import Subquery

from app.accounts.model import Account
from app.audit import trail
from app.foundation.access import M, Scope, TenantScoped
from app.foundation.context import Context
from app.foundation.database.sql_templates import Placeholders, Sql, Statement, placeholder, values_of
from app.foundation.errors import UserErrorCode, UserErrors

# Of all models; the least used go first. An account's four settings alone make 15 sets of columns for each scope, with and
# without a version.
MAXIMUM_STATEMENTS = 512

Columns = dict[str, Any]
"""Values to be stored, by the names of their columns."""


async def change(
    context: Context,
    model: type[M],
    row_id: UUID,
    values: Mapping[str, object],
    *,
    if_version: int | None = None,
    where: Mapping[str, object] | None = None,
    account_id: UUID | None = None,
) -> M | None:
    """Sets columns of one row, and its `version` and `updated_at` where it has them; answers the row as it is now.

    When it has all these values already, it stays as it is. `where` are more conditions on columns of the row itself
    (`revoked_at__isnull=True`), as constants in the statement: never what a client sent. `account_id` is given of a row whose
    table may be distributed by account (`calls/model.py`). Returns None when nothing matched: the row is not there, or out of
    reach, or of another version, or not as `where` says; ordinary queries tell which. Raises
    IntegrityError when a constraint refuses the values. Takes part in a surrounding transaction, which an IntegrityError ends.
    """
    client = require_context().connections.get("default")
    made = _change(
        model,
        context.viewer.scope,
        tuple(values),
        if_version is not None,
        tuple(where.items()) if where else (),
        account_id is not None,
    )
    given = made.given(context, row_id, values, if_version) | {"row.account": account_id}
    rows = await client.execute_query_dict(made.statement.text, made.statement.arguments(given))
    return made.row_of(model, rows[0]) if rows else None


def conflict(what: str, if_version: int | None) -> UserErrors:
    """CONFLICT: `what` (such as `account`) is of another version than the caller's; without one, others keep changing it."""
    message = f"The {what} has changed since version {if_version}; load it again."
    if if_version is None:
        message = f"Others keep changing the {what}; try again."
    return UserErrors.one(UserErrorCode.CONFLICT, message, "ifVersion")


@dataclass(frozen=True)
class _Change:
    """A rendered change of one row."""

    model: type[TenantScoped]
    statement: Statement
    columns: tuple[tuple[str, str, fields.Field[Any]], ...]
    """What is set: the slot, the name and the column."""
    told: tuple[tuple[str, str, bool], ...]
    """What the event tells of them: the name, the name there, and whether the value is hidden."""
    read: tuple[tuple[str, Callable[[Any], object]], ...]
    """What is more than the driver's own value once it is read."""

    def given(
        self,
        context: Context,
        row_id: UUID,
        values: Mapping[str, object],
        if_version: int | None,
    ) -> dict[str, object]:
        """What belongs in the statements' places; what is set is converted as Tortoise does for each column."""
        given = trail.event_of(context, self.model, row_id)
        for place, name, column in self.columns:
            given[place] = column.to_db_value(values[name], self.model)
        given |= values_of(context.viewer)
        given["row.id"], given["row.version"] = row_id, if_version
        after = {}
        for name, shown_as, is_hidden in self.told:
            value = values[name]
            after[shown_as] = trail.HIDDEN if is_hidden and value is not None else value
        given["after"] = trail.in_json(after)
        return given

    def row_of(self, model: type[M], found: dict[str, object]) -> M:
        """The row of what the statement answered, as Tortoise makes it in three times the time. Takes `found` over."""
        for name, made_of in self.read:
            found[name] = made_of(found[name])
        row = model.__new__(model)
        found |= {
            "_partial": False,
            "_saved_in_db": True,
            "_custom_generated_pk": True,
            "_await_when_save": {},
        }
        row.__dict__ = found
        return row


@lru_cache(MAXIMUM_STATEMENTS)
def _change(
    model: type[TenantScoped],
    scope: Scope,
    names: tuple[str, ...],
    is_versioned: bool,
    where: tuple[tuple[str, object], ...],
    is_of_account: bool,
) -> _Change:
    projection = model._meta.fields_db_projection
    stand_ins = Placeholders()
    row = stand_ins.viewer(scope).visible(model).filter(id=stand_ins.uuid("row.id"), **dict(where))
    if is_of_account:
        row = row.filter(account_id=stand_ins.uuid("row.account"))
    if is_versioned:
        row = row.filter(version=stand_ins.number("row.version"))
    old = stand_ins.render(row.values(**{column: name for name, column in projection.items()}))
    return _Change(
        model,
        Statement.sharing(_whole(model, names, old, _account(model, scope, stand_ins, is_of_account), is_of_account)),
        tuple((f"set.{name}", name, model._meta.fields_map[name]) for name in names),
        tuple((name, *trail.audit_name(model, name)) for name in names if trail.is_audited(name)),
        tuple(_read(model)),
    )


def _moves(model: type[TenantScoped], names: tuple[str, ...]) -> bool:
    return "service_provider_id" in names and "service_provider_id" in model.tenant_scope.service_provider


def _account(model: type[TenantScoped], scope: Scope, stand_ins: Placeholders, is_of_account: bool) -> Sql | None:
    """The account of the row, when the caller's reach depends on it: None when it cannot change by a move."""
    tenant_scope = model.tenant_scope
    if scope is not Scope.SERVICE_PROVIDER or "account__service_provider_id" not in tenant_scope.service_provider:
        return None
    of_row = model.filter(id=stand_ins.uuid("row.id")).values("account_id")
    named = {"id": stand_ins.uuid("row.account")} if is_of_account else {"id__in": Subquery(of_row)}
    account = stand_ins.viewer(scope).visible(Account).filter(**named)
    return stand_ins.render(account.values("id"))


def _read(model: type[TenantScoped]) -> Iterator[tuple[str, Callable[[Any], object]]]:
    """The columns that the driver does not answer as Tortoise does: choices and JSON."""
    for name, column in model._meta.fields_map.items():
        if isinstance(column, fields.JSONField) or hasattr(column, "enum_type"):
            yield name, column.to_python_value


def _sets(model: type[TenantScoped], names: tuple[str, ...]) -> Sql:
    projection, table = model._meta.fields_db_projection, model._meta.db_table
    sets = [Sql.join(f'"{projection[name]}"=', placeholder(f"set.{name}")) for name in names]
    sets.append(Sql.join(f'"{projection["updated_at"]}"=', placeholder("at")))
    if "version" in projection:
        sets.append(Sql(f'"version"="{table}"."version"+1'))
    return Sql.listed(sets)


def _whole(
    model: type[TenantScoped], names: tuple[str, ...], old: Sql, account: Sql | None, is_of_account: bool
) -> Sql:
    """Reads, compares, changes and notes; answers the row as it is then, changed or not.

    A wait for the row's lock compares the conditions on the row itself once more, and not those on its account, which may have
    moved to another provider in between. So the account is locked first: the lock waits for a move, and a move for the lock.
    """
    projection, table = model._meta.fields_db_projection, model._meta.db_table
    every = projection.values()
    returned = ", ".join(f'"{table}"."{column}"' for column in every)
    olds = "".join(f', old."{projection[name]}" AS "old {name}"' for name in names)
    answered = ", ".join(f'"{column}"' for column in every)
    stored = ", ".join(f'old."{projection[name]}"' for name in names)
    given = Sql.listed([placeholder(f"set.{name}") for name in names])
    is_other = Sql.join(f"({stored}) IS DISTINCT FROM (", given, ")") if names else "FALSE"
    locked, is_within_reach = Sql(""), ""
    if account is not None:
        locked = Sql.join("account AS MATERIALIZED (", account, " FOR SHARE), ")
        is_within_reach = f' AND ("{table}"."account_id" IS NULL OR EXISTS (SELECT FROM account))'
    return Sql.join(
        "WITH ",
        locked,
        # The row is locked before it is compared and changed: whoever waited for another's change sees that one's values.
        "old AS (",
        old,
        f'{is_within_reach} FOR UPDATE OF "{table}"), changed AS (UPDATE "{table}" SET ',
        _sets(model, names),
        f' FROM old WHERE "{table}"."id"=old."id" AND ',
        *((f'"{table}"."account_id"=', placeholder("row.account"), " AND ") if is_of_account else ()),
        is_other,
        f" RETURNING {returned}{olds}), noted AS (",
        _noted(model, [name for name in names if trail.is_audited(name)], moves=_moves(model, names)),
        f") SELECT {answered} FROM changed UNION ALL SELECT {answered} FROM old WHERE NOT EXISTS (SELECT FROM changed)",
    )


def _noted(model: type[TenantScoped], names: list[str], *, moves: bool) -> Sql:
    """The INSERT of the event, from the changed row."""
    tenant_scope = model.tenant_scope
    account = (
        f'changed."{tenant_scope.account}"'
        if tenant_scope.account and "__" not in tenant_scope.account
        else "NULL::UUID"
    )
    own = next((path for path in tenant_scope.service_provider if "__" not in path), None)
    provider = f'(SELECT "service_provider_id" FROM "accounts" WHERE "id"={account})'
    values: dict[str, Sql | str] = {name: placeholder(name) for name in trail.COLUMNS}
    values |= {
        "object_id": 'changed."id"',
        "account_id": account,
        "service_provider_id": f'COALESCE(changed."{own}", {provider})' if own else provider,
        "former_service_provider_id": 'changed."old service_provider_id"' if moves else "NULL",
        "before": f"JSONB_BUILD_OBJECT({', '.join(_named(model, name) for name in names)})",
    }
    selected = Sql.listed(list(values.values()))
    return Sql.join(f"INSERT INTO audit_events ({', '.join(values)}) SELECT ", selected, " FROM changed")


def _named(model: type[TenantScoped], name: str) -> str:
    value = f'changed."old {name}"'
    if trail.is_secret(model._meta.fields_map[name], name):
        value = f"CASE WHEN {value} IS NOT NULL THEN '{trail.HIDDEN}' END"
    return f"'{to_camel_case(name)}', {value}"
