"""How a room declares the fields of its types. Long because it holds every kind of field there is, each in a few lines.

A type of the graph stands over rows of one model; its fields say where their values come from:

    @graph.node(Kind.ACCOUNT, description="…")
    class Account(graph.Node[model.Account]):
        name: str = graph.column("A unique account name.")
        licensed_sessions: int | None = graph.column("…", permissions=[IsAdmin])
        usage_limit: UsageLimit | None = graph.part(
            UsageLimit, {"unit": "usage_unit", "maximum": "usage_maximum"}, "…", permissions=[IsAdmin]
        )
        service_provider: graph.Node | None = graph.to_one("ServiceProvider", "service_provider_id", row=ServiceProvider, …)
        api_keys: Connection[ApiKey] = graph.page("account_id", row=model.ApiKey, order=NEWEST_FIRST, …)

The source of such a field is the row itself, so nothing is copied on the way out, and a field whose `read` is known is
read by the executor directly. Types that lie outwards (an account's provider) are named by string and found in the
registry when the graph is put together, so that contents never import their container.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import (
    Any,
    ClassVar,
    Generic,
    Literal,
    NewType,
    ParamSpec,
    Self,
    cast,
    dataclass_transform,
    get_args,
    overload,
)
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader
from strawberry.permission import PermissionExtension
from strawberry.types.base import StrawberryOptional, get_object_definition
from strawberry.types.lazy_type import LazyType
from strawberry.utils.str_converters import to_camel_case
from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet
from typing_extensions import TypeVar, get_original_bases

from app.foundation.access import NOT_MARKED, HasFullAccess, OpenTo, Requirement, Scope, TenantScoped, Viewer
from app.foundation.context import Context, Info
from app.foundation.database.owner_pages import OneByOne, Spanning
from app.foundation.database.sql_templates import Placeholders, Sql
from app.foundation.errors import UserError, UserErrors
from app.foundation.graphql.pagination import (
    DEFAULT_FIRST,
    EACH_OWNER,
    NEWEST_FIRST,
    NO_CONDITION,
    AfterArgument,
    Connection,
    FirstArgument,
    Order,
    Page,
    checked_first,
    count_of_each,
    page_of_each,
    page_of_owners,
    rows_of,
)
from app.foundation.graphql.pagination import page as page_of
from app.foundation.identifiers import Kind, kind_of, parse_sid, sid_of

Permissions = Sequence[type[Requirement]]
P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])
Event = TypeVar("Event")
Source = TypeVar("Source", default=Any)
Row = TypeVar("Row", bound=TenantScoped, default=Any)
N = TypeVar("N", bound="Node")
Answer = TypeVar("Answer", bound="Payload")
# A count of bytes: the scalar of this name, since GraphQL's Int ends at 2^31.
BigInt = NewType("BigInt", int)

# Keys of a field's metadata, read by the executor and by the access matrix.
READ = "read"
PER_VIEWER = "per_viewer"
LOAD = "load"
PERMISSIONS = "permissions"
# Which callers a root field is open to that may use marked fields only.
OPEN_TO = "open_to"
# What a field is, for the compiling of operations.
DECLARED = "declared"
# What a value costs beside the row that it is shown of, or what a call costs (`execution/costs.py`).
WEIGHT = "weight"
# On a type: whether restricted callers may read it.
CALLERS_OWN = "is_callers_own"
# How a subscription makes what it shows of an event.
OF_EVENT = "of_event"

# To count a thousand things of an owner takes 0.2 ms, and a change some statements.
COUNT_WEIGHT = 5
MUTATION_WEIGHT = 50


class Backed(Generic[Source]):
    """A type of the graph whose fields read an object of another class: a row, or a value that a service answers."""

    source: ClassVar[type]

    def __init_subclass__(cls) -> None:
        """Raises TypeError when a declared field names a column that its model does not have."""
        super().__init_subclass__()
        (source,) = get_args(get_original_bases(cls)[0])
        if isinstance(source, type):
            cls.source = source
            for name, declared in vars(cls).items():
                for model, column in _named_columns(source, getattr(declared, "metadata", {}).get(DECLARED)):
                    _check_column(f"{cls.__name__}.{name}", model, column)

    @overload
    @classmethod
    def of(cls, source: Source) -> Self: ...

    @overload
    @classmethod
    def of(cls, source: Source | None) -> Self | None: ...

    @classmethod
    def of(cls, source: Any) -> Any:
        """The source where the contract wants this type, whose fields read it."""
        return source

    @classmethod
    def connection(cls, page: Page[Source]) -> Connection[Self]:
        """A page of sources where the contract wants a connection of this type."""
        return cast(Connection[Self], page)


@strawberry.interface(description="Anything with an id.")
class Node(Backed[Source]):
    """Every object of the graph; `node(id:)` finds any of them."""

    id: strawberry.ID = strawberry.field(
        description="The SID: two letters for the type and 32 hex digits of a UUIDv7. Never changes."
    )

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, cls.source)


class Registry:
    """The types of the graph by name and by kind, filled while the rooms are imported."""

    def __init__(self) -> None:
        self.types: dict[str, type] = {}
        self.rows: dict[Kind, type[TenantScoped]] = {}
        self.names: dict[Kind, str] = {}


registry = Registry()


class Named(LazyType[Any, Any]):
    """A type of the graph by its name, looked up when the graph is put together."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "type_name", name)
        object.__setattr__(self, "module", __name__)
        object.__setattr__(self, "package", None)

    def resolve_type(self) -> type[Any]:
        return registry.types[self.type_name]


def node(kind: Kind, *, description: str, is_callers_own: bool = False) -> Callable[[type[N]], type[N]]:
    """Makes a subclass of Node a type of the graph.

    `is_callers_own`: a caller that may use marked root fields only reads such an object where one of these fields answers it.
    """

    def declare(cls: type[N]) -> type[N]:
        setattr(cls, CALLERS_OWN, is_callers_own)
        cls.__annotations__ = {"id": strawberry.ID, **cls.__annotations__}
        cls.id = computed(
            functools.partial(sid_of, kind), ["id"], f"The SID: `{kind.value}` and 32 hex digits. Never changes."
        )
        declared = strawberry.type(cls, description=description)
        registry.types[cls.__name__] = declared
        registry.rows[kind] = cls.source
        registry.names[kind] = cls.__name__
        return declared

    return declare


@dataclass(frozen=True)
class Value:
    """Declares a field whose value is made of columns of the row, and of what it `needs` as well."""

    columns: tuple[str, ...]
    make: Callable[..., Any] | None = None
    """None: the one column as it is. Otherwise called with the columns' values, `needs` first."""
    needs: Literal["", "viewer", "context", "now"] = ""


@dataclass(frozen=True)
class Part:
    """Declares a field that is an object whose fields are columns of the row itself."""

    columns: Mapping[str, str]
    """By the names of its fields in Python."""


@dataclass(frozen=True)
class ToOne:
    """Declares a field that is the object of `row` whose column `by` holds this row's column `key`."""

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
    """Declares a field whose value is made of columns of the row and of related rows."""

    columns: tuple[str, ...]
    related: tuple[Related, ...]
    make: Callable[..., Any]
    """Called with the values of `columns`, then for each related row an object with its columns, or None when there is no such
    row within reach."""


@dataclass(frozen=True)
class CountOf:
    """Declares a field that is the number of the rows of `row` whose column `by` holds this row's id."""

    row: type[TenantScoped]
    by: str


@dataclass(frozen=True)
class Itself:
    """Declares a root field that is the caller."""


@dataclass(frozen=True)
class Called:
    """Declares a field whose ordinary resolver needs these columns of its row, and of `info` the context alone."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class AnyById:
    """Declares a root field that is the object of any type with the id in the argument `id`."""

    async def answer(self, context: Context, id: str) -> TenantScoped | None:
        kind = kind_of(id)
        return None if kind is None else await OneById(registry.rows[kind], kind).answer(context, id)


@dataclass(frozen=True)
class OneById(Generic[Row]):
    """Declares a root field that is the row with the id in the argument `id`."""

    row: type[Row]
    kind: Kind

    async def answer(self, context: Context, id: str) -> Row | None:
        row_id = parse_sid(self.kind, id)
        context.loading(1)
        return await context.viewer.visible(self.row).get_or_none(id=row_id) if row_id else None


@dataclass(frozen=True)
class Condition:
    """What a field of a filter asks of the rows, with the value that `prepare` makes; when that is None, nothing matches.

    A column with its lookup in Tortoise's notation, or what makes a condition of the value.
    """

    asks: str | Callable[[Any], Q]
    prepare: Callable[[Any], Any] = lambda value: value

    def of(self, value: Any) -> Q:
        return Q(**{self.asks: value}) if isinstance(self.asks, str) else self.asks(value)


@dataclass(frozen=True)
class Weights:
    """What a list costs the database beside its rows, in units of `execution/costs.py`: what was measured, and a quarter more."""

    page: int = 0
    """To find a page."""
    count: int = 0
    """To count all rows."""
    conditions: Mapping[str, int] = field(default_factory=dict)
    """By the fields of the argument `filter`, as the graph names them: to look for what few rows or none have. The costliest
    of those that are set counts, for the page and for the count."""
    of_one_owner: "tuple[str, Weights] | None" = None
    """The field of `filter` that names the owner of all rows, and the weights instead of these where it is set."""


NO_WEIGHTS = Weights()


def across_owners(weights: Weights) -> Mapping[Scope, Weights]:
    """The weights of a list that is long for those who reach many accounts, and short for an account."""
    return {Scope.ADMIN: weights, Scope.SERVICE_PROVIDER: weights}


@dataclass(frozen=True)
class Listed(Generic[Row]):
    """Declares rows of a model: in which orders they can be had, and by what they can be filtered."""

    row: type[Row]
    order: Callable[[Any], Order] = lambda _given: NEWEST_FIRST
    """From the argument `orderBy`; None without it."""
    order_columns: tuple[str, ...] = ()
    """The columns that any of the orders compares, beside the id."""
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    """By the fields of the argument `filter`."""
    check: Callable[[Mapping[str, Any]], None] = lambda _given: None
    """Gets all fields of the filter, None where one is absent, and raises BadUserInput when they do not go together."""
    count_limit: int | None = None
    """Where `totalCount` stops to count."""
    weights: Mapping[Scope, Weights] = field(default_factory=dict)
    """By the caller's scope; none where it has none."""

    def __post_init__(self) -> None:
        """Raises TypeError when the model does not have one of the columns."""
        for column in self._named():
            _check_column(f"The list of {self.row.__name__}", self.row, column.partition("__")[0])

    def _named(self) -> tuple[str, ...]:
        """The columns that are named, with their lookups."""
        return (*self.order_columns, *(one.asks for one in self.conditions.values() if isinstance(one.asks, str)))

    def asked(self, filter: Any) -> tuple[tuple[str, Any], ...]:
        """Which conditions the argument `filter` sets, with their prepared values. Raises BadUserInput."""
        given = {name: getattr(filter, name, None) for name in self.conditions}
        self.check(given)
        return tuple((name, self.conditions[name].prepare(value)) for name, value in given.items() if value is not None)

    def condition(self, asked: tuple[tuple[str, Any], ...]) -> Q:
        """What `asked` comes to: nothing matches a value that is none."""
        return Q(*(self.conditions[name].of(value) if value is not None else Q(id__in=[]) for name, value in asked))


@dataclass(frozen=True)
class Owners:
    """Those that rows belong to."""

    row: type[TenantScoped]
    by: str
    """The rows' column that holds their ids."""
    newest_month: str
    """Their own column with the least id of the month of their newest row; null while they have none."""


@dataclass(frozen=True)
class PageOfAll(Listed[Row]):
    """Declares a root field that is a page of the rows within reach."""

    always: Mapping[str, Any] = field(default_factory=dict)
    owners: Owners | None = None
    """Those that the rows belong to, where the rows of many owners are many more than the owners: then the newest of each owner
    are looked for, and of those the newest, unless the owners are many (`owner_pages.py`). Ordered by id alone."""
    walk: Mapping[str, Any] = field(default_factory=dict)
    """What is true of all rows, and the predicate of the index in which they may be walked over, whosever they are."""
    found: frozenset[str] = frozenset()
    """The conditions that few rows meet, which an index finds whosever they are."""
    walked: frozenset[str] = frozenset()
    """The conditions under which somebody who reaches all rows walks over them as they come, whosever they are."""

    def _named(self) -> tuple[str, ...]:
        return (*super()._named(), *self.always, *((self.owners.by,) if self.owners else ()))

    def is_by_owner(self, scope: Scope, asked: tuple[tuple[str, Any], ...]) -> bool:
        """Whether the page is put together from the owners within reach."""
        if self.owners is None or scope is Scope.ACCOUNT or any(name in self.found for name, _ in asked):
            return False
        return scope is Scope.SERVICE_PROVIDER or any(name not in self.walked for name, _ in asked)

    def may_have_many_owners(self, scope: Scope, asked: Sequence[tuple[str, Any]]) -> bool:
        """Whether the page is put together from owners of whom none is named."""
        return self.is_by_owner(scope, tuple(asked)) and not self._naming(asked)

    def owners_within(self, viewer: Viewer, asked: Sequence[tuple[str, Any]]) -> QuerySet[Any]:
        """The owners whose rows are looked for: all within reach, or the one that a condition names."""
        named = [Q(id=value) for _, value in self._naming(asked) if value is not None]
        return viewer.visible(self.owners.row if self.owners else self.row).filter(*named)

    def _naming(self, asked: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """The conditions that name an owner."""
        return [each for each in asked if self.owners is not None and self.conditions[each[0]].asks == self.owners.by]

    def one_by_one(
        self,
        stand_ins: Placeholders,
        viewer: Viewer,
        asked: tuple[tuple[str, Any], ...],
        beyond: Q | None,
        limit: Sql,
    ) -> OneByOne | None:
        """The rows of a page that is put together from owners, else None; `beyond` are those after a cursor."""
        owners = self.owners
        if owners is None or not self.is_by_owner(viewer.scope, asked):
            return None
        each = self.row.filter(self.condition(asked), beyond or NO_CONDITION, **self.always, **{owners.by: EACH_OWNER})
        month = owners.newest_month if beyond is None and not asked else None
        return OneByOne(stand_ins, self.owners_within(viewer, asked), month, each, limit)

    def spanning(
        self, one_by_one: OneByOne, viewer: Viewer, asked: tuple[tuple[str, Any], ...], beyond: Q | None
    ) -> Spanning:
        """The same rows, of owners who are many."""
        # The ids are the order: from when on and until when.
        of_ids = tuple(one for one in asked if str(self.conditions[one[0]].asks).startswith("id__"))
        beyond = beyond or NO_CONDITION
        newest = self.row.filter(self.condition(of_ids), beyond, **self.walk)
        rows = viewer.visible(self.row).filter(self.condition(asked), beyond, **self.always, **self.walk)
        return Spanning(one_by_one.stand_ins, rows, newest, one_by_one if of_ids == asked else None)

    async def answer(
        self, context: Context, first: int, after: str | None, filter: Any = None, order_by: Any = None
    ) -> Page[Row]:
        asked, order = self.asked(filter), self.order(order_by)
        context.loading(checked_first(first))
        viewer = context.viewer
        query = viewer.visible(self.row).filter(self.condition(asked), **self.always, **self.walk)
        beyond = order.after(after) if after is not None else None
        one_by_one = self.one_by_one(Placeholders(), viewer, asked, beyond, Sql(str(first + 1)))
        if one_by_one is None:
            return await page_of(query, order, first, after, self.count_limit)
        is_many = self.may_have_many_owners(viewer.scope, asked) and await rows_of(one_by_one.beyond_few())
        source = self.spanning(one_by_one, viewer, asked, beyond) if is_many else one_by_one
        return await page_of_owners(source, query, order, first, after, self.count_limit)


@dataclass(frozen=True)
class PageOf(Listed[Row]):
    """Declares a field that is a page of the rows whose column `by` holds this row's id."""

    by: str = field(kw_only=True)

    async def answer(
        self, context: Context, owner: UUID, first: int, after: str | None, filter: Any = None, order_by: Any = None
    ) -> Page[Row]:
        """Constant statements for all owners shown."""
        order, asked = self.order(order_by), self.asked(filter)
        return await page_of_each(
            context, self.row, self.by, owner, order, first, after, asked, self.condition(asked), self.count_limit
        )


def columns_of(declared: object) -> tuple[str, ...]:
    """The columns of its own row that a declared field shows something of."""
    if isinstance(declared, Part):
        return tuple(declared.columns.values())
    if isinstance(declared, ToOne):
        return (declared.key,)
    return declared.columns if isinstance(declared, Value | FromRelated) else ()


def _named_columns(model: type, declared: object) -> Iterator[tuple[type, str]]:
    """The columns that a declared field names, with their models; `model` is that of its own row."""
    for own in (*columns_of(declared), *(declared.columns if isinstance(declared, Called) else ())):
        yield model, own
    if isinstance(declared, ToOne | CountOf | PageOf):
        yield declared.row, declared.by
    if isinstance(declared, PageOf):
        yield from ((declared.row, one) for one in declared.order_columns)
    for related in declared.related if isinstance(declared, FromRelated) else ():
        at = model
        for to in related.path:
            yield from ((at, to.key), (to.row, to.by))
            at = to.row
        yield from ((at, one) for one in related.columns)


def _check_column(field_name: str, model: type, column: str) -> None:
    if not issubclass(model, Model):
        return
    # Tortoise adds the columns of foreign keys when it starts.
    known = model._meta.fields_map.keys() | {f"{key}_id" for key in model._meta.fk_fields | model._meta.o2o_fields}
    if column not in known:
        raise TypeError(f"{field_name}: {model.__module__}.{model.__name__} has no column {column!r}")


def column(description: str, *, of: str | None = None, permissions: Permissions = (), name: str | None = None) -> Any:
    """A column of the row, by the field's own name unless `of` names another; `name` is what the graph calls it."""
    return _Late(lambda own: _value(Value((of or own,)), description, permissions, name))


def computed(
    make: Callable[..., Any],
    columns: Sequence[str],
    description: str,
    *,
    permissions: Permissions = (),
    name: str | None = None,
) -> Any:
    """A value made of the named columns of the row, without I/O."""
    return _value(Value(tuple(columns), make), description, permissions, name)


def part(
    made: Callable[..., Any], columns: Mapping[str, str], description: str, *, permissions: Permissions = ()
) -> Any:
    """An object, never null, that `made` makes of columns of the row: they are named by its fields."""

    def of_row(row: Any) -> Any:
        return made(**{name: getattr(row, column) for name, column in columns.items()})

    def resolve(root: Any) -> Any:
        return of_row(root)

    return _field(resolve, description, permissions, {DECLARED: Part(columns), READ: of_row}, None)


def per_viewer(make: Callable[[Viewer], Any], description: str, *, permissions: Permissions = ()) -> Any:
    """A value that depends on who asks alone: `viewerCan…`."""
    return _value(Value((), make, "viewer"), description, permissions, None)


def timed(make: Callable[..., Any], columns: Sequence[str], description: str, *, permissions: Permissions = ()) -> Any:
    """A value made of the present time (a datetime in UTC) and the named columns."""
    return _value(Value(tuple(columns), make, "now"), description, permissions, None)


def decrypted(
    make: Callable[..., Any], columns: Sequence[str], description: str, *, permissions: Permissions = ()
) -> Any:
    """A value made of the context and the named columns: a secret that is opened with the keyring."""
    return _value(Value(tuple(columns), make, "context"), description, permissions, None)


def to_one(
    target: str, key: str, *, row: type[TenantScoped], description: str, by: str = "id", permissions: Permissions = ()
) -> Any:
    """The object of model `row` whose column `by` holds this row's `key`; loaded once for all rows shown.

    The type is named, since it may lie outwards. Null when there is none, or none within reach.
    """
    read_key = attrgetter(key)

    def load(source: Any, context: Context) -> Awaitable[Any] | None:
        value = read_key(source)
        return None if value is None else _one(context, row, by).load(value)

    async def resolve(root: Any, info: Info) -> Any:
        found = load(root, info.context)
        return None if found is None else await found

    metadata = {LOAD: load, DECLARED: ToOne(key, row, by)}
    return _field(resolve, description, permissions, metadata, None, StrawberryOptional(Named(target)))  # type: ignore[arg-type]


def from_related(
    make: Callable[..., Any],
    columns: Sequence[str],
    related: Sequence[Related],
    *,
    description: str,
    permissions: Permissions = (),
) -> Any:
    """A value made of the named columns and of columns of related rows.

    `make` gets the values of `columns`, then for each related row an object that has its columns, or None when there is none.
    """

    async def resolve(root: Any, info: Info) -> Any:
        rows = [await _at_end_of(info.context, root, one.path) for one in related]
        return make(*(getattr(root, column) for column in columns), *rows)

    declared = FromRelated(tuple(columns), tuple(related), make)
    return _field(resolve, description, permissions, {DECLARED: declared, WEIGHT: 1}, None)


async def _at_end_of(context: Context, row: Any, path: Sequence[ToOne]) -> Any:
    for to in path:
        value = getattr(row, to.key)
        row = None if value is None else await _one(context, to.row, to.by).load(value)
        if row is None:
            return None
    return row


def page(
    by: str,
    *,
    row: type[TenantScoped],
    order: Order,
    description: str,
    permissions: Permissions = (),
    target: str | None = None,
    weights: Mapping[Scope, Weights] | None = None,
) -> Any:
    """A page of the rows of model `row` whose column `by` holds this row's id; constant statements for all rows shown.

    `target` names the type of the rows where it lies outwards; otherwise the field's annotation says it.
    """
    declared = PageOf(row, lambda _given: order, (order.column,) if order.column else (), by=by, weights=weights or {})

    async def resolve(root: Any, info: Info, first: FirstArgument = DEFAULT_FIRST, after: AfterArgument = None) -> Any:
        return await declared.answer(info.context, root.id, first, after)

    made: Any = Connection[Named(target)] if target else None  # type: ignore[misc]
    return _field(resolve, description, permissions, {DECLARED: declared}, None, made)


def count(
    by: str, *, row: type[TenantScoped], description: str, permissions: Permissions = (), weight: int = COUNT_WEIGHT
) -> Any:
    """How many rows of model `row` hold this row's id in the column `by`; counted once for all rows shown."""

    async def resolve(root: Any, info: Info) -> Any:
        return await count_of_each(info.context, row, by, root.id)

    return _field(resolve, description, permissions, {DECLARED: CountOf(row, by), WEIGHT: weight}, None)


def _value(value: Value, description: str, permissions: Permissions, name: str | None) -> Any:
    """The Strawberry field of a declared value. What the ordinary executor runs reads the same columns off the row."""
    make, columns = value.make, value.columns

    def of_row(row: Any, *first: Any) -> Any:
        values = [getattr(row, column) for column in columns]
        return make(*first, *values) if make else values[0]

    metadata: dict[str, Any] = {DECLARED: value}
    if value.needs == "context":

        def resolve(root: Any, info: Info) -> Any:
            return of_row(root, info.context)

    elif value.needs == "viewer":
        metadata[PER_VIEWER] = lambda viewer, row: of_row(row, viewer)

        def resolve(root: Any, info: Info) -> Any:
            return of_row(root, info.context.viewer)

    elif value.needs == "now":
        metadata[READ] = lambda row: of_row(row, datetime.now(UTC))

        def resolve(root: Any) -> Any:  # type: ignore[misc]
            return of_row(root, datetime.now(UTC))

    else:
        metadata[READ] = attrgetter(columns[0]) if make is None else of_row

        def resolve(root: Any) -> Any:  # type: ignore[misc]
            return of_row(root)

    return _field(resolve, description, permissions, metadata, name)


def _one(context: Context, model: type[TenantScoped], by: str) -> DataLoader[Any, Any]:
    async def load(keys: list[Any]) -> list[Any]:
        context.loading(len(keys))
        rows = await context.viewer.visible(model).filter(**{f"{by}__in": keys})
        found = {getattr(row, by): row for row in rows}
        return [found.get(key) for key in keys]

    return context.loader((model, by), load)


def resolver(
    description: str,
    *,
    permissions: Permissions = (),
    name: str | None = None,
    declared: OneById | AnyById | PageOfAll | PageOf | Itself | Called | None = None,
    weight: int = 0,
    open_to: OpenTo = NOT_MARKED,
) -> Callable[[F], F]:
    """An ordinary Strawberry resolver, with its permissions in the contract.

    `declared` says what it answers, if it is data; on a type that stands over rows, which columns it needs. Resolvers use
    `info.context` and nothing else of `info`: compiled operations call them too.
    """

    metadata = {WEIGHT: weight, OPEN_TO: open_to, **({DECLARED: declared} if declared else {})}

    def declare(resolve: F) -> F:
        made: F = _field(resolve, description, permissions, metadata, name)
        return made

    return declare


@strawberry.type
class Payload:
    """What a mutation answers."""

    user_errors: list[UserError] = strawberry.field(default_factory=list)


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def payload(
    more: str = "", *, errors: str = "What is wrong with the input; empty when it was done."
) -> Callable[[type[Answer]], type[Answer]]:
    """Makes a subclass of Payload the answer of the mutation that it is named after, its `userErrors` last."""

    def declare(cls: type[Answer]) -> type[Answer]:
        cls.__annotations__ |= {"user_errors": list[UserError]}
        cls.user_errors = strawberry.field(default_factory=list, description=errors)
        name = cls.__name__[0].lower() + cls.__name__[1:].removesuffix("Payload")
        declared = strawberry.type(cls, description=" ".join(filter(None, [f"What {name} answers.", more])))
        get_object_definition(declared, strict=True).fields.sort(key=lambda one: one.python_name == "user_errors")
        return declared

    return declare


def mutation(
    description: str,
    *,
    permissions: Permissions = (),
    open_to: OpenTo = NOT_MARKED,
    weight: int = MUTATION_WEIGHT,
) -> Callable[[Callable[P, Awaitable[Answer]]], Any]:
    """A mutation: needs full access, unless it is open to unauthenticated callers; a permission of its own may ask for another
    access level instead.

    UserErrors become the `userErrors` of its payload (the resolver's return type).
    """
    says_level = any("requiredAccess" in permission.refusal for permission in permissions)
    needed: Permissions = (
        permissions if OpenTo.UNAUTHENTICATED in open_to or says_level else (*permissions, HasFullAccess)
    )

    def declare(resolve: Callable[P, Awaitable[Answer]]) -> Any:
        answers: type[Answer] = resolve.__annotations__["return"]
        name = to_camel_case(resolve.__name__)

        @functools.wraps(resolve)
        async def answer(*args: P.args, **kwargs: P.kwargs) -> Answer:
            info: Any = kwargs["info"]
            info.context.begin(name)
            try:
                return await resolve(*args, **kwargs)
            except UserErrors as mistakes:
                return answers(user_errors=mistakes.errors)

        # Strawberry reads the signature: the same arguments, and a payload that may be null beside an error.
        del answer.__wrapped__
        answer.__annotations__ = {**resolve.__annotations__, "return": answers | None}
        answer.__signature__ = inspect.signature(resolve).replace(return_annotation=answers | None)  # type: ignore[attr-defined]
        return _field(answer, description, needed, {WEIGHT: weight, OPEN_TO: open_to}, None)

    return declare


def subscription(
    description: str, shows: type[Node[Row]], of_event: Callable[[Context, Event], Awaitable[Row | None]]
) -> Callable[[Callable[P, AsyncIterator[Event]]], Any]:
    """A subscription: its resolver is an asynchronous generator of events, without end.

    `of_event` makes the row that is shown of an event, with a context of its own, as the caller is then; what it makes None of
    is told nobody.
    """

    def declare(resolve: Callable[P, AsyncIterator[Event]]) -> Any:
        return strawberry.field(
            resolver=resolve,
            is_subscription=True,
            description=description,
            metadata={OF_EVENT: of_event, PERMISSIONS: ()},
            graphql_type=StrawberryOptional(shows),
        )

    return declare


def guarded(description: str, *, permissions: Permissions, default: Any = None) -> Any:
    """An input field that not everybody may send; checked per operation on what is present, null included."""
    return strawberry.field(
        description=_with_words(description, permissions),
        default=default,
        directives=[permission._schema_directive for permission in permissions],
        metadata={PERMISSIONS: tuple(permissions)},
    )


class _Late:
    """A field that needs its own name; Python tells it when the class body is done."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        setattr(owner, name, self._make(name))


def _field(
    resolve: Callable[..., Any],
    description: str,
    permissions: Permissions,
    metadata: dict[str, Any],
    name: str | None,
    graphql_type: Any = None,
) -> Any:
    return strawberry.field(
        resolver=resolve,
        name=name,
        description=_with_words(description, permissions),
        extensions=[PermissionExtension([permission() for permission in permissions])] if permissions else [],
        metadata={**metadata, PERMISSIONS: tuple(permissions)},
        graphql_type=graphql_type,
    )


def _with_words(description: str, permissions: Permissions) -> str:
    # Introspection shows no directives, so the description says it too.
    return " ".join([description, *(f"Needs {permission.words}." for permission in permissions)])
