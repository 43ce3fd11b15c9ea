"""What a plan consists of: calls and levels; a level is one SELECT, with what is joined to its rows and nested below.

Names in plans, statements and generated code: `l3` is a level and `l3n` the number of its rows; `c1` is a call; `f4` a generated
function, `k5` a constant of it; `r` is a row or an object, `o` the owner of a page. In a SELECT `b` are the level's own rows,
`o6` what is joined to them, `n7` what is counted; `p` is a mutation's payload. `Plan.source` is the generated code: print it
to see what an operation became.
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
# From a field and its node: what reads its arguments when the operation runs.
ArgumentsOf = Callable[[GraphQLField, FieldNode], ReadArguments]
Found = dict[str, Any]
"""What a run has found, by slots: a call's answer, the answers of a call for each row, a level's rows by their owners."""
PAYLOAD = "p"


Root = declarations.OneById | lists.PageOfAll | lists.PageOf | None
"""What a level selects; None: the one row whose column holds the id of its owner."""


class NotCompilable(Exception):
    """The operation needs something that is not declared; the ordinary executor answers it."""


@dataclass(eq=False)
class Join:
    """A to-one of a level: the row of `model` whose column `by` holds the column `key` of the row at `owner`."""

    alias: str
    model: type[TenantScoped]
    by: str
    owner: str
    key: str


@dataclass(frozen=True)
class Owner:
    """Where the id that a level hangs from is found when it hangs from no row: by attributes, from what a call answered.

    Without a call it is the viewer that they begin at.
    """

    call: str | None
    path: tuple[str, ...] = ()

    def __truediv__(self, name: str) -> "Owner":
        return Owner(self.call, (*self.path, name))


@dataclass(eq=False)
class Call:
    """An ordinary resolver of a root field of a query, and what reads its arguments. Its answer is kept by the slot."""

    slot: str
    resolver: Resolver
    arguments: ReadArguments


@dataclass(eq=False)
class Effect:
    """The resolver of a root field of a mutation, with the field's nodes, and what reads and may refuse its arguments."""

    resolver: Resolver
    arguments: ReadArguments
    nodes: list[FieldNode]
    made: GraphQLField
    guarded: frozenset[type[Requirement]]
    """The permissions on what may be given."""

    def refuses(self, viewer: Viewer, given: Arguments) -> bool:
        """Whether something is given that the caller may not send."""
        if viewer.may(self.guarded):
            return False
        types = {name: argument.type for name, argument in self.made.args.items()}
        return any(True for name, value in given.items() for _ in refused_inputs(types[name], value, viewer, ()))


@dataclass(eq=False)
class CallForEach:
    """An ordinary resolver of a field of rows, called for all rows of its level together."""

    slot: str
    resolver: Resolver
    arguments: ReadArguments
    source: Callable[[Row], object]
    """From a row to what the resolver gets as its object: the columns that it says it needs, as the ORM would give them."""
    key_index: int
    """Where the row holds the id by which its answer is kept."""


@dataclass(eq=False)
class Level:
    """One SELECT: rows of one model with the columns asked for, and what is joined to each of them."""

    model: type[TenantScoped]
    root: Root
    slot: str
    by: str = "id"
    owner: Owner | None = None
    arguments: ReadArguments | None = None
    joins: list[Join] = field(default_factory=list)
    counts: dict[str, tuple[declarations.CountOf, str]] = field(default_factory=dict)
    """By their names in the SELECT: what is counted, and of which of the level's rows."""
    items: dict[tuple[str, str], int] = field(default_factory=dict)
    children: list["Level"] = field(default_factory=list)
    calls: list[CallForEach] = field(default_factory=list)
    parent_index: int = 0
    """For a nested page: where the parent's row holds the owner's id."""
    width: int = 0
    """How many values of the answer are made of each row."""
    wants_rows: bool = True
    wants_count: bool = False

    def index(self, alias: str, column: str) -> int:
        """Where the level's rows hold a column; asking for it is what puts it into the SELECT."""
        return self.items.setdefault((alias, column), len(self.items))

    @property
    def row_width(self) -> int:
        """How many columns a row has."""
        return len(self.items) or 1

    @cached_property
    def page(self) -> "Level | None":
        """A page that is all there is below one object found by its id: both are selected by one statement."""
        page = self.children[0] if len(self.children) == 1 and isinstance(self.root, declarations.OneById) else None
        if page is None or not isinstance(page.root, lists.PageOf) or page.wants_count or not page.wants_rows:
            return None
        return page if page.parent_index == self.items.get(("b", "id")) else None

    def columns(self, alias: str) -> list[str]:
        return [column for found, column in self.items if found == alias]


@dataclass
class Plan:
    """What is read: first by calls, then by levels; `shape` makes the answer of what they found."""

    calls: list[Call]
    levels: list[Level]
    permissions: frozenset[type[Requirement]]
    shape: Callable[[Viewer, Context, Found, dict[str, Arguments]], Any]
    source: str
    effect: Effect | None = None
    """Of a mutation's field, whose payload the plan reads."""
