"""Writing the audit trail: each change leaves exactly one event, in its own transaction.

What an event shows are the columns that a client knows, by the names of the graph. Sealed secrets, hashes and other bytes are
named and never shown.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import orjson
from strawberry.utils.str_converters import to_camel_case
from tortoise import connections, fields
from tortoise.models import Model

from app.foundation.access import TenantScoped
from app.foundation.context import SERVER, Context
from app.foundation.graphql.fields import registry
from app.foundation.identifiers import Kind, new_id

HIDDEN = "•••"
# Columns that follow from others, or change with every change.
_LEFT_OUT = frozenset({"updated_at", "created_at", "version", "fingerprint"})
COLUMNS = (
    *("id", "at", "scope", "key_id", "user_id", "operation", "object_kind", "object_id", "account_id"),
    *("service_provider_id", "former_service_provider_id", "before", "after", "request_id", "address"),
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
    """Writes one event of the mutation that runs (of a command of this server, without a context), in the transaction that
    surrounds it if there is one.

    `before` and `after` are columns of the row by their names. Whom the event belongs to is read off the row; what has no row
    says it.
    """
    account, provider = owners_of(row) if row is not None else (None, None)
    model = type(row) if row is not None else None
    event = new_event(context, model, row.pk if row is not None else None)
    event |= {
        "account_id": account_id or account,
        "service_provider_id": service_provider_id or provider,
        "former_service_provider_id": former_service_provider_id,
        "before": audited_values(model, before),
        "after": audited_values(model, after),
    }
    await connections.get("default").execute_query(INSERT, [event[name] for name in COLUMNS])


def new_event(context: Context | None, model: type[Model] | None, object_id: UUID | None) -> dict[str, object]:
    """Who, when and what, of an event that happens now."""
    caller = context.caller if context is not None else None
    kind = _kind_of(model)
    return {
        "id": new_id(),
        "at": datetime.now(UTC),
        "scope": caller.scope.value if caller is not None else None,
        "key_id": caller.key_id if caller is not None else None,
        "user_id": caller.user_id if caller is not None else None,
        "operation": context.operation if context is not None else SERVER,
        "object_kind": kind.value if kind is not None else None,
        "object_id": object_id,
        "request_id": context.request_id if context is not None else None,
        "address": context.address[:64] or None if context is not None else None,
    }


_KINDS: dict[type[Model], Kind] = {}


def _kind_of(model: type[Model] | None) -> Kind | None:
    if model is not None and model not in _KINDS:
        # Rooms may come later than the first event: what is not known yet is looked for again.
        _KINDS.update((row, kind) for kind, row in registry.rows.items())
    return _KINDS.get(model) if model is not None else None


def audited_values(model: type[Model] | None, values: Mapping[str, object] | None) -> str | None:
    """Columns as an event shows them, in JSON; None without any."""
    if values is None:
        return None
    found = {}
    for name, value in values.items():
        if is_audited(name):
            stored_as, is_hidden = audit_name(model, name)
            found[stored_as] = HIDDEN if is_hidden and value is not None else value
    return to_json(found)


def to_json(values: dict[str, object]) -> str:
    """What an event keeps of columns."""
    # PostgreSQL's JSON holds no NUL.
    return orjson.dumps(values, default=str).decode().replace("\\u0000", "\\ufffd")


def audit_name(model: type[Model] | None, name: str) -> tuple[str, bool]:
    """By which name events keep a column that they tell of, and whether its value is hidden."""
    column = model._meta.fields_map.get(name) if model is not None else None
    return to_camel_case(name), is_secret(column, name)


def is_audited(name: str) -> bool:
    """Whether events tell of a column: not of those that others know themselves by (`name_key`), or that follow from others."""
    return name not in _LEFT_OUT and not name.endswith(("name_key", "email_key"))


def is_secret(column: object, name: str) -> bool:
    """Whether a column's value is named and never shown: bytes are sealed or hashes, and some hashes are texts."""
    return isinstance(column, fields.BinaryField) or name.endswith("_hash")


def owners_of(row: TenantScoped) -> tuple[UUID | None, UUID | None]:
    """The account and the provider that a row belongs to, read off its own columns by its reach."""
    tenant_scope = row.tenant_scope
    account = getattr(row, tenant_scope.account) if tenant_scope.account and "__" not in tenant_scope.account else None
    provider = next((getattr(row, path) for path in tenant_scope.service_provider if "__" not in path), None)
    return account, provider


def _insert_statement() -> str:
    """The INSERT of an event. A provider that nothing says is that of the account, at this moment."""
    places = {name: f"${number}" for number, name in enumerate(COLUMNS, 1)}
    places |= {name: f"{place}::jsonb" for name, place in places.items() if name in ("before", "after")}
    provider, account = f"{places['service_provider_id']}::uuid", f"{places['account_id']}::uuid"
    places["account_id"] = account
    places["service_provider_id"] = (
        f"COALESCE({provider}, (SELECT service_provider_id FROM accounts WHERE id = {account}))"  # noqa: S608  placeholders
    )
    return f"INSERT INTO audit_events ({', '.join(COLUMNS)}) SELECT {', '.join(places.values())}"


INSERT = _insert_statement()
