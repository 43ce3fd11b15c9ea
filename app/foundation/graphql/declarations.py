"""What a field is, as data: the metadata from which the compiler, the cost limit and the tests read a field.

Lists are declared in `lists.py`; `fields.py` makes Strawberry fields of declarations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NewType
from uuid import UUID

from tortoise.models import Model
from typing_extensions import TypeVar

from app.foundation.access import Requirement, TenantScoped, account_of
from app.foundation.context import Context
from app.foundation.errors import BadUserInput, Forbidden
from app.foundation.graphql.registry import registry
from app.foundation.identifiers import Kind, kind_of, parse_sid

Requirements = Sequence[type[Requirement]]
Row = TypeVar("Row", bound=TenantScoped, default=Any)
# A count of bytes: the scalar of this name, since GraphQL's Int ends at 2^31.
BigInt = NewType("BigInt", int)

# Keys of a field's metadata, read by the executors and by the access matrix.
READ = "read"
PER_VIEWER = "per_viewer"
LOAD = "load"
PERMISSIONS = "permissions"
# The restricted callers to which a root field is open (`OpenTo`).
OPEN_TO = "open_to"
# The declaration, for the compiler.
DECLARED = "declared"
# The cost of a value on top of its row, or of a call (`execution/limits/cost.py`).
WEIGHT = "weight"
# On a type: whether restricted callers may read it.
CALLERS_OWN = "is_callers_own"
# How a subscription resolves an event.
OF_EVENT = "of_event"

# Counting 1,000 rows of an owner takes 0.2 ms; a mutation runs several statements.
COUNT_WEIGHT = 5
MUTATION_WEIGHT = 50
# The most ids of one `nodes`: as many as rows of a page.
MAXIMUM_IDS = 100


@dataclass(frozen=True)
class Value:
    """A field computed from columns of the row, and from what it `needs` as well."""

    columns: tuple[str, ...]
    make: Callable[..., Any] | None = None
    """None: the one column as it is. Otherwise called with the columns' values, `needs` first."""
    needs: Literal["", "viewer", "context", "now"] = ""


@dataclass(frozen=True)
class Part:
    """A field that is an object whose fields are columns of the row itself."""

    columns: Mapping[str, str]
    """By the Python names of the object's fields."""


@dataclass(frozen=True)
class ToOne:
    """A field that is the object of `row` whose column `by` holds this row's column `key`."""

    key: str
    row: type[TenantScoped]
    by: str


@dataclass(frozen=True)
class Related:
    """Columns of the row at the end of a path of to-ones."""

    path: tuple[ToOne, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class FromRelated:
    """A field computed from columns of the row and of related rows."""

    columns: tuple[str, ...]
    related: tuple[Related, ...]
    make: Callable[..., Any]
    """Called with the values of `columns`, then for each related row an object with its columns, or None when there is no such
    row or it is not visible."""


@dataclass(frozen=True)
class CountOf:
    """A field that is the number of rows of `row` whose column `by` holds this row's id."""

    row: type[TenantScoped]
    by: str


@dataclass(frozen=True)
class CurrentCaller:
    """A root field that is the caller."""


@dataclass(frozen=True)
class ResolvedFrom:
    """A field whose resolver needs these columns of its row, and of `info` only the context."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class AnyById:
    """A root field that is the object of any type with the id in the argument `id`."""

    async def answer(self, context: Context, id: str) -> TenantScoped | None:
        kind = kind_of(id)
        if kind is None:
            return None
        row: TenantScoped | None = await OneById(registry.rows[kind], kind).answer(context, id)
        _check_type(context, kind, row)
        return row if row is not None and _is_visible(context, kind, row) else None


async def objects_by_ids(context: Context, ids: Sequence[str]) -> list[TenantScoped | Forbidden | None]:
    """The visible objects of any types with these ids, in their order: one statement for each type.

    In place of an object whose type needs a permission that the caller lacks: the error for its field. Raises BadUserInput.
    """
    if len(ids) > MAXIMUM_IDS:
        raise BadUserInput(f"`ids` takes at most {MAXIMUM_IDS} ids.", argument="ids")
    keys = [_key_of(each) for each in ids]
    by_kind: dict[Kind, set[UUID]] = {}
    for kind, row_id in filter(None, keys):
        by_kind.setdefault(kind, set()).add(row_id)
    found: dict[tuple[Kind, UUID] | None, TenantScoped | Forbidden | None] = {}
    for kind, row_ids in by_kind.items():
        context.count_rows(len(row_ids))
        found_rows = await context.viewer.visible(registry.rows[kind]).filter(id__in=row_ids)
        rows = {row.pk: row for row in found_rows if _is_visible(context, kind, row)}
        for row_id in row_ids:
            try:
                _check_type(context, kind, rows.get(row_id))
            except Forbidden as refusal:
                found[kind, row_id] = refusal
            else:
                found[kind, row_id] = rows.get(row_id)
    return [found.get(key) for key in keys]


def _check_type(context: Context, kind: Kind, row: TenantScoped | None) -> None:
    """Raises Forbidden when objects of this type need a permission that the caller lacks, in the account of this row."""
    viewer = context.viewer.within_account(account_of(row))
    for permission in registry.permissions[kind]:
        permission.check(viewer, f"The type {registry.names[kind]}")


def _is_visible(context: Context, kind: Kind, row: TenantScoped) -> bool:
    """False for another user's object that the caller may not see."""
    return context.viewer.may(registry.of_others[kind]) or vars(row)["user_id"] == context.viewer.user_id


def _key_of(sid: str) -> tuple[Kind, UUID] | None:
    kind = kind_of(sid)
    row_id = parse_sid(kind, sid) if kind is not None else None
    return None if kind is None or row_id is None else (kind, row_id)


@dataclass(frozen=True)
class OneById(Generic[Row]):
    """A root field that is the row with the id in the argument `id`."""

    row: type[Row]
    kind: Kind

    async def answer(self, context: Context, id: str) -> Row | None:
        row_id = parse_sid(self.kind, id)
        context.count_rows(1)
        return await context.viewer.visible(self.row).get_or_none(id=row_id) if row_id else None


def columns_of(declared: object) -> tuple[str, ...]:
    """The columns of its own row that a declared field shows."""
    if isinstance(declared, Part):
        return tuple(declared.columns.values())
    if isinstance(declared, ToOne):
        return (declared.key,)
    return declared.columns if isinstance(declared, Value | FromRelated) else ()


def check_column(field_name: str, model: type, column: str) -> None:
    """Raises TypeError when the model has no such column."""
    if not issubclass(model, Model):
        return
    # Tortoise adds the columns of foreign keys when it starts.
    known = model._meta.fields_map.keys() | {f"{key}_id" for key in model._meta.fk_fields | model._meta.o2o_fields}
    if column not in known:
        raise TypeError(f"{field_name}: {model.__module__}.{model.__name__} has no column {column!r}")
