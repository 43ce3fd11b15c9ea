"""Updates one row within the caller's tenant scope and writes its audit event, in one statement.

Tortoise renders the statement once per model, scope and set of columns, with placeholders for the values
(`app/foundation/database/sql_templates.py`): rendering it for each request would cost more than running it.

Values equal to the stored ones change nothing: no event is written and `version` stays.
"""

# ruff: noqa: S608  names come from the models, and values are placeholders

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
from app.audit.model import ACTOR_COLUMNS, Versioned
from app.foundation.access import M, Scope, TenantScoped
from app.foundation.context import Context
from app.foundation.database.sql_templates import Placeholders, Sql, Statement, placeholder, values_of

# Size of the LRU cache for all models together. The four plain settings of an account alone make 15 sets of columns
# per scope, each with and without a version.
MAXIMUM_STATEMENTS = 512

Columns = dict[str, Any]
"""Values to store, by column name."""


async def update_row(
    context: Context,
    model: type[M],
    row_id: UUID,
    values: Mapping[str, object],
    *,
    if_version: int | None = None,
    where: Mapping[str, object] | None = None,
    account_id: UUID | None = None,
) -> M | None:
    """Sets columns of one row, its `updated_at`, and its `version` if it has one. Returns the row as it is afterwards.

    `where` adds conditions on the row's own columns (`revoked_at__isnull=True`). They become constants of the statement, so
    they must never come from a client. Pass `account_id` for tables that may be distributed by account (`calls/model.py`).

    Returns None when no row matched: missing, not visible, of another version, or excluded by `where`. Raises IntegrityError
    when a constraint is violated, which ends a surrounding transaction.
    """
    client = require_context().connections.get("default")
    rendered = _render(
        model,
        context.viewer.scope,
        tuple(values),
        if_version is not None,
        tuple(where.items()) if where else (),
        account_id is not None,
    )
    arguments = rendered.arguments(context, row_id, values, if_version) | {"row.account": account_id}
    rows = await client.execute_query_dict(rendered.statement.text, rendered.statement.arguments(arguments))
    return rendered.row_of(model, rows[0]) if rows else None


@dataclass(frozen=True)
class _Update:
    """A rendered update of one row."""

    model: type[TenantScoped]
    statement: Statement
    columns: tuple[tuple[str, str, fields.Field[Any]], ...]
    """The columns to set: placeholder, name and Tortoise field."""
    audited: tuple[tuple[str, str, bool], ...]
    """Those in the event: name, audit name, and whether the value is hidden."""
    converters: tuple[tuple[str, Callable[[Any], object]], ...]
    """Columns whose Python value differs from the driver's."""

    def arguments(
        self,
        context: Context,
        row_id: UUID,
        values: Mapping[str, object],
        if_version: int | None,
    ) -> dict[str, object]:
        """The values of the statement's placeholders, converted by Tortoise's fields."""
        arguments = trail.new_event(context, self.model, row_id)
        for slot, name, column in self.columns:
            arguments[slot] = column.to_db_value(values[name], self.model)
        arguments |= values_of(context.viewer)
        arguments["row.id"], arguments["row.version"] = row_id, if_version
        after = {}
        for name, audit_name, is_hidden in self.audited:
            value = values[name]
            after[audit_name] = trail.HIDDEN if is_hidden and value is not None else value
        arguments["after"] = trail.to_json(after)
        return arguments

    def row_of(self, model: type[M], found: dict[str, object]) -> M:
        """A model instance from a result row, three times as fast as Tortoise builds it. Takes ownership of `found`."""
        for name, convert in self.converters:
            found[name] = convert(found[name])
        row = model.__new__(model)
        found |= {
            "_partial": False,
            "_saved_in_db": True,
            "_custom_generated_pk": True,
            "_await_when_save": {},
        }
        # Past Tortoise's `__setattr__`, which looks for relations.
        object.__setattr__(row, "__dict__", found)
        return row


@lru_cache(MAXIMUM_STATEMENTS)
def _render(
    model: type[TenantScoped],
    scope: Scope,
    names: tuple[str, ...],
    is_versioned: bool,
    where: tuple[tuple[str, object], ...],
    by_account: bool,
) -> _Update:
    projection = model._meta.fields_db_projection
    placeholders = Placeholders()
    row = placeholders.viewer(scope).visible(model).filter(id=placeholders.uuid("row.id"), **dict(where))
    if by_account:
        row = row.filter(account_id=placeholders.uuid("row.account"))
    if is_versioned:
        row = row.filter(version=placeholders.number("row.version"))
    old = placeholders.render(row.values(**{column: name for name, column in projection.items()}))
    return _Update(
        model,
        Statement.sharing(_statement(model, names, old, _account(model, scope, placeholders, by_account), by_account)),
        tuple((f"set.{name}", name, model._meta.fields_map[name]) for name in names),
        tuple((name, *trail.audit_name(model, name)) for name in names if trail.is_audited(name)),
        tuple(_converters(model)),
    )


def _moves(model: type[TenantScoped], names: tuple[str, ...]) -> bool:
    return "service_provider_id" in names and "service_provider_id" in model.tenant_scope.service_provider


def _account(model: type[TenantScoped], scope: Scope, placeholders: Placeholders, by_account: bool) -> Sql | None:
    """Selects the row's account if moving it to another provider would change whether the caller sees the row."""
    tenant_scope = model.tenant_scope
    if scope is not Scope.SERVICE_PROVIDER or "account__service_provider_id" not in tenant_scope.service_provider:
        return None
    of_row = model.filter(id=placeholders.uuid("row.id")).values("account_id")
    condition = {"id": placeholders.uuid("row.account")} if by_account else {"id__in": Subquery(of_row)}
    account = placeholders.viewer(scope).visible(Account).filter(**condition)
    return placeholders.render(account.values("id"))


def _converters(model: type[TenantScoped]) -> Iterator[tuple[str, Callable[[Any], object]]]:
    """Enum and JSON columns: the driver returns them as text."""
    for name, column in model._meta.fields_map.items():
        if isinstance(column, fields.JSONField):
            yield name, column.to_python_value
        elif hasattr(column, "enum_type"):
            yield name, {None: None, **{member.value: member for member in column.enum_type}}.__getitem__


def _assignments(model: type[TenantScoped], names: tuple[str, ...]) -> Sql:
    projection, table = model._meta.fields_db_projection, model._meta.db_table
    assignments = [Sql.join(f'"{projection[name]}"=', placeholder(f"set.{name}")) for name in names]
    assignments.append(Sql.join(f'"{projection["updated_at"]}"=', placeholder("at")))
    if issubclass(model, Versioned):
        actor = (placeholder(name) for name in ("scope", "key_id", "user_id", "actor_name"))
        assignments += [Sql.join(f'"{column}"=', value) for column, value in zip(ACTOR_COLUMNS, actor, strict=True)]
    if "version" in projection:
        assignments.append(Sql(f'"version"="{table}"."version"+1'))
    return Sql.listed(assignments)


def _statement(
    model: type[TenantScoped], names: tuple[str, ...], old: Sql, account: Sql | None, by_account: bool
) -> Sql:
    """Reads, compares, updates and audits the row, and returns it, changed or not.

    After a wait for the row's lock PostgreSQL re-checks conditions on the row itself, but not on its account, which may have
    moved to another provider. So the statement locks the account first, which serializes it with moves.
    """
    projection, table = model._meta.fields_db_projection, model._meta.db_table
    every = projection.values()
    returned = ", ".join(f'"{table}"."{column}"' for column in every)
    olds = "".join(f', old."{projection[name]}" AS "old {name}"' for name in names)
    answered = ", ".join(f'"{column}"' for column in every)
    stored = ", ".join(f'old."{projection[name]}"' for name in names)
    given = Sql.listed([placeholder(f"set.{name}") for name in names])
    differs = Sql.join(f"({stored}) IS DISTINCT FROM (", given, ")") if names else "FALSE"
    locked, account_is_visible = Sql(""), ""
    if account is not None:
        locked = Sql.join("account AS MATERIALIZED (", account, " FOR SHARE), ")
        account_is_visible = f' AND ("{table}"."account_id" IS NULL OR EXISTS (SELECT FROM account))'
    return Sql.join(
        "WITH ",
        locked,
        # Lock the row before comparing: a transaction that waited for another one then sees its values.
        "old AS (",
        old,
        f'{account_is_visible} FOR UPDATE OF "{table}"), changed AS (UPDATE "{table}" SET ',
        _assignments(model, names),
        f' FROM old WHERE "{table}"."id"=old."id" AND ',
        *((f'"{table}"."account_id"=', placeholder("row.account"), " AND ") if by_account else ()),
        differs,
        f" RETURNING {returned}{olds}), audited AS (",
        _event(model, [name for name in names if trail.is_audited(name)], moves=_moves(model, names)),
        f") SELECT {answered} FROM changed UNION ALL SELECT {answered} FROM old WHERE NOT EXISTS (SELECT FROM changed)",
    )


def _event(model: type[TenantScoped], names: list[str], *, moves: bool) -> Sql:
    """The INSERT of the event, which selects from the changed row."""
    tenant_scope, projection = model.tenant_scope, model._meta.fields_db_projection
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
        "object_name": 'changed."name"' if "name" in projection else "NULL",
        "object_version": 'changed."version"' if "version" in projection else "NULL",
        "account_id": account,
        "service_provider_id": f'COALESCE(changed."{own}", {provider})' if own else provider,
        "former_service_provider_id": 'changed."old service_provider_id"' if moves else "NULL",
        "before": f"JSONB_BUILD_OBJECT({', '.join(_old_value(model, name) for name in names)})",
    }
    selected = Sql.listed(list(values.values()))
    return Sql.join(f"INSERT INTO audit_events ({', '.join(values)}) SELECT ", selected, " FROM changed")


def _old_value(model: type[TenantScoped], name: str) -> str:
    value = f'changed."old {name}"'
    if trail.is_secret(model._meta.fields_map[name], name):
        value = f"CASE WHEN {value} IS NOT NULL THEN '{trail.HIDDEN}' END"
    return f"'{to_camel_case(name)}', {value}"
