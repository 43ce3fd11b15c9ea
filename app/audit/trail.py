"""Writes audit events: of a change in its own transaction, and of logins, tests and playbacks. Call reports have none.

`secret_reads.py` writes those of read secrets in batches.

An event holds the changed columns by their camel-case names. Of secrets, hashes and other bytes it holds the name only.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from strawberry.utils.str_converters import to_camel_case
from tortoise import connections, fields
from tortoise.models import Model

from app.audit.model import ACTOR_COLUMNS
from app.foundation.access import TenantScoped
from app.foundation.context import SERVER, Context
from app.foundation.graphql.registry import registry
from app.foundation.identifiers import Kind, new_id

HIDDEN = "•••"
# Columns derived from others, or changed by every update.
_UNAUDITED = frozenset({"updated_at", *ACTOR_COLUMNS, "created_at", "version", "fingerprint"})
COLUMNS = (
    *("id", "at", "scope", "key_id", "user_id", "actor_name", "operation", "object_kind", "object_id", "object_name"),
    *("object_version", "account_id", "service_provider_id", "former_service_provider_id", "before", "after"),
    *("request_id", "address"),
)


async def record(
    context: Context | None,
    row: TenantScoped | None = None,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    account_id: UUID | None = None,
    service_provider_id: UUID | None = None,
    former_service_provider_id: UUID | None = None,
) -> None:
    """Writes one event of the current mutation (without a context: of a server command), in the surrounding transaction.

    `before` and `after` map column names of the row to values. The row names the account and provider of the event; pass their
    ids for an event without a row.
    """
    account, provider = owners_of(row) if row is not None else (None, None)
    model = type(row) if row is not None else None
    event = new_event(context, model, row.pk if row is not None else None)
    event |= {
        "object_name": name_of(row),
        "account_id": account_id or account,
        "service_provider_id": service_provider_id or provider,
        "former_service_provider_id": former_service_provider_id,
        "before": audited_values(model, before),
        "after": audited_values(model, after),
    }
    await connections.get("default").execute_query(INSERT, [event[name] for name in COLUMNS])


def new_event(context: Context | None, model: type[Model] | None, object_id: UUID | None) -> dict[str, object]:
    """The columns of an event that happens now, without owners, values and the object's name."""
    caller = context.caller if context is not None else None
    kind = _kind_of(model)
    return {
        "id": new_id(),
        "at": datetime.now(UTC),
        "scope": caller.scope.value if caller is not None else None,
        "key_id": caller.key_id if caller is not None else None,
        "user_id": caller.user_id if caller is not None else None,
        "actor_name": caller.name if caller is not None else None,
        "operation": context.operation if context is not None else SERVER,
        "object_kind": kind.value if kind is not None else None,
        "object_id": object_id,
        "object_name": None,
        "object_version": None,
        "request_id": context.request_id if context is not None else None,
        "address": context.address[:64] or None if context is not None else None,
    }


_KINDS: dict[type[Model], Kind] = {}


def _kind_of(model: type[Model] | None) -> Kind | None:
    if model is not None and model not in _KINDS:
        # Types may register after the first event: refresh on a miss.
        _KINDS.update((row, kind) for kind, row in registry.rows.items())
    return _KINDS.get(model) if model is not None else None


def updated_by(context: Context | None) -> dict[str, Any]:
    """The columns for a row that this caller creates (without a context: a command of the server)."""
    caller = context.caller if context is not None else None
    if caller is None:
        return dict.fromkeys(ACTOR_COLUMNS)
    return dict(zip(ACTOR_COLUMNS, (caller.scope, caller.key_id, caller.user_id, caller.name), strict=True))


def name_of(row: TenantScoped | None) -> str | None:
    """The row's name now; None for an object without names."""
    name: str | None = getattr(row, "name", None)
    return name


def audited_values(model: type[Model] | None, values: Mapping[str, object] | None) -> str | None:
    """The audited columns as JSON, with secrets hidden; None without values."""
    if values is None:
        return None
    audited = {}
    for name, value in values.items():
        if is_audited(name):
            stored_as, is_hidden = audit_name(model, name)
            audited[stored_as] = HIDDEN if is_hidden and value is not None else value
    return to_json(audited)


def to_json(values: dict[str, object]) -> str:
    # PostgreSQL's JSON holds no NUL.
    return orjson.dumps(values, default=str).decode().replace("\\u0000", "\\ufffd")


def changed_names(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """The names of an event's values that differ. Forms also send what they did not change."""
    # A secret is in the event only if it changed.
    same = {name for name in before.keys() & after.keys() if before[name] == after[name] != HIDDEN}
    return [name for name in dict.fromkeys([*before, *after]) if name not in same]


def audit_name(model: type[Model] | None, name: str) -> tuple[str, bool]:
    """The name of a column in events, and whether they hide its value."""
    column = model._meta.fields_map.get(name) if model is not None else None
    return to_camel_case(name), is_secret(column, name)


def is_audited(name: str) -> bool:
    """Whether events contain a column. Keys for comparison (`name_key`) and other derived columns are left out."""
    return name not in _UNAUDITED and not name.endswith(("name_key", "email_key"))


def is_secret(column: object, name: str) -> bool:
    """Whether events hide a column's value: all bytes are ciphertexts or hashes, and some hashes are text."""
    return isinstance(column, fields.BinaryField) or name.endswith("_hash")


def owners_of(row: TenantScoped) -> tuple[UUID | None, UUID | None]:
    """The ids of a row's account and provider, as far as its own columns hold them."""
    tenant_scope = row.tenant_scope
    account = getattr(row, tenant_scope.account) if tenant_scope.account and "__" not in tenant_scope.account else None
    provider = next((getattr(row, path) for path in tenant_scope.service_provider if "__" not in path), None)
    return account, provider


def _insert_statement() -> str:
    """The INSERT of an event. Its provider defaults to the account's current one."""
    values = {name: f"${number}" for number, name in enumerate(COLUMNS, 1)}
    values |= {name: f"{value}::jsonb" for name, value in values.items() if name in ("before", "after")}
    provider, account = f"{values['service_provider_id']}::uuid", f"{values['account_id']}::uuid"
    values["account_id"] = account
    values["service_provider_id"] = (
        f"COALESCE({provider}, (SELECT service_provider_id FROM accounts WHERE id = {account}))"  # noqa: S608  placeholders
    )
    return f"INSERT INTO audit_events ({', '.join(COLUMNS)}) SELECT {', '.join(values.values())}"


INSERT = _insert_statement()
