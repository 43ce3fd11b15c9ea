"""A query plan: resolver calls and SELECTs. A SELECT has joins, counts, and SELECTs nested below its rows.

Names in plans, SQL and generated code:

* `l3` is a SELECT and `l3n` its row count; `c1` is a call; `p` is the payload of a mutation.
* `f4` is a generated function and `k5` a constant of it; `r` is a row or an object; `o` is the owner of a page.
* In SQL, `b` are the SELECT's own rows, `o6` is a joined row and `n7` a count.

`Plan.source` is the generated code: print it to see what an operation compiles to.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphql import FieldNode, GraphQLField
from graphql.execution.values import VariableValues

from app.execution.executor.permissions import refused_inputs
from app.execution.executor.resolvers import Resolver
from app.execution.values import Arguments, Row
from app.foundation.access import Requirement, TenantScoped, Viewer
from app.foundation.context import Context
from app.foundation.graphql import declarations, lists

ReadArguments = Callable[[VariableValues], Arguments]
ArgumentsOf = Callable[[GraphQLField, FieldNode], ReadArguments]
"""Returns, for a field and its node, the function that reads its arguments at run time."""
Found = dict[str, Any]
"""Results of a run, by label: a call's result, a call's results by row id, or the rows of a SELECT by owner."""
PAYLOAD = "p"
# The time to compute a value, in plain values.
COMPUTED_VALUES = 5


Root = declarations.OneById | lists.PageOfAll | lists.PageOf | None
"""The declaration at the root of a SELECT. None: it selects the one row whose column holds the owner's id."""


class NotCompilable(Exception):
    """The operation needs something that is not declared; the reference executor runs it."""


@dataclass(eq=False)
class Join:
    """A to-one relation: the row of `model` whose column `by` equals the column `key` of the row `owner`."""

    alias: str
    model: type[TenantScoped]
    by: str
    owner: str
    key: str


@dataclass(frozen=True)
class Owner:
    """Where a top-level SELECT finds the id of its owner: a path of attributes from a call's result, or from the viewer."""

    call: str | None
    """None: the path begins at the viewer."""
    path: tuple[str, ...] = ()

    def __truediv__(self, name: str) -> "Owner":
        return Owner(self.call, (*self.path, name))


@dataclass(eq=False)
class Call:
    """A call of a query's root field that is not declared as data."""

    label: str
    resolver: Resolver
    arguments: ReadArguments


@dataclass(eq=False)
class Effect:
    """The resolver of a mutation's field, and the permissions on its input fields."""

    resolver: Resolver
    arguments: ReadArguments
    nodes: list[FieldNode]
    field: GraphQLField
    guarded: frozenset[type[Requirement]]

    def refuses(self, viewer: Viewer, given: Arguments) -> bool:
        """Whether the input contains a field that the caller may not set."""
        if viewer.may(self.guarded):
            return False
        types = {name: argument.type for name, argument in self.field.args.items()}
        return any(True for name, value in given.items() for _ in refused_inputs(types[name], value, viewer, ()))


@dataclass(eq=False)
class CallForEach:
    """A resolver of a field of rows, called for all rows of its SELECT together."""

    label: str
    resolver: Resolver
    arguments: ReadArguments
    source: Callable[[Row], object]
    """From a row to the object that the resolver receives: the declared columns, with the ORM's Python values."""
    key_index: int
    """The index, in the row, of the id that identifies its result."""


@dataclass(eq=False)
class Select:
    """One SELECT: rows of one model with the selected columns, and what is joined to each of them."""

    model: type[TenantScoped]
    root: Root
    label: str
    by: str = "id"
    owner: Owner | None = None
    arguments: ReadArguments | None = None
    joins: list[Join] = field(default_factory=list)
    counts: dict[str, tuple[declarations.CountOf, str]] = field(default_factory=dict)
    """By name in the SELECT: the counted relation, and the alias of the row that owns it."""
    items: dict[tuple[str, str], int] = field(default_factory=dict)
    children: list["Select"] = field(default_factory=list)
    calls: list[CallForEach] = field(default_factory=list)
    parent_index: int = 0
    """Of a nested page: the index of the owner's id in the parent's row."""
    values_per_row: int = 0
    """Number of response values built from each row."""
    wants_rows: bool = True
    wants_count: bool = False

    def index(self, alias: str, column: str) -> int:
        """The index of a column in the rows; adds the column to the SELECT."""
        return self.items.setdefault((alias, column), len(self.items))

    @property
    def column_count(self) -> int:
        return len(self.items) or 1

    @cached_property
    def page(self) -> "Select | None":
        """The only page below one object found by id: one statement selects both."""
        page = self.children[0] if len(self.children) == 1 and isinstance(self.root, declarations.OneById) else None
        if page is None or not isinstance(page.root, lists.PageOf) or page.wants_count or not page.wants_rows:
            return None
        return page if page.parent_index == self.items.get(("b", "id")) else None

    def columns(self, alias: str) -> list[str]:
        return [column for found, column in self.items if found == alias]


@dataclass
class Plan:
    """Resolver calls run first, then SELECTs; `shape` builds the response from their results."""

    calls: list[Call]
    selects: list[Select]
    permissions: frozenset[type[Requirement]]
    shape: Callable[[Viewer, Context, Found, dict[str, Arguments]], Any]
    source: str
    effect: Effect | None = None
    """The resolver of the mutation field whose payload the plan reads; None for queries."""

    @property
    def reads_payload_alone(self) -> bool:
        """Whether the response needs nothing but the payload."""
        return not (self.calls or self.selects)
