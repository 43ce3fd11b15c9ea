"""What a plan consists of: levels, each of them one SELECT, with what is joined to its rows and nested below them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode
from graphql.execution.values import VariableValues
from tortoise.models import Model

from app import graph
from app.access import Requirement

# From a field and its node: what reads its arguments when the operation runs.
Arguments = Callable[[Any, FieldNode], Callable[[VariableValues], dict[str, Any]]]


class NotCompilable(Exception):
    """The operation needs something that is not declared; the ordinary executor answers it."""


@dataclass(eq=False)
class Join:
    """A to-one of a level: the row of `model` whose column `by` holds the column `key` of the row at `owner`."""

    alias: str
    model: type[Model]
    by: str
    owner: str
    key: str


@dataclass(eq=False)
class Level:
    """One SELECT: rows of one model with the columns asked for, and what is joined to each of them."""

    model: type[Model]
    root: graph.OneById | graph.PageOfAll | graph.PageOf | None
    """None: the one row whose column `by` holds an id of the viewer's, which is in the slot `owner`."""
    slot: str
    by: str = "id"
    owner: str = ""
    arguments: Callable[[VariableValues], dict[str, Any]] | None = None
    joins: list[Join] = field(default_factory=list)
    counts: dict[str, tuple[graph.CountOf, str]] = field(default_factory=dict)
    """By their names in the SELECT: what is counted, and of which of the level's rows."""
    items: dict[tuple[str, str], int] = field(default_factory=dict)
    children: list["Level"] = field(default_factory=list)
    parent_index: int = 0
    """For a nested page: where the parent's row holds the owner's id."""
    width: int = 0
    """How many values of the answer are made of each row."""
    wants_rows: bool = True
    wants_count: bool = False

    def index(self, alias: str, column: str) -> int:
        """Where the level's rows hold a column; asking for it is what puts it into the SELECT."""
        return self.items.setdefault((alias, column), len(self.items))

    def columns(self, alias: str) -> list[str]:
        return [column for found, column in self.items if found == alias]


@dataclass
class Plan:
    """What runs: levels of SELECTs, and `shape`, which makes the answer of their rows."""

    levels: list[Level]
    permissions: frozenset[type[Requirement]]
    shape: Callable[..., dict[str, Any]]
    source: str
