"""What an operation can touch at most, in rows: read off the document once, refused before anything runs.

A page counts as many rows as its `first` allows for each row that it hangs from, so pages within pages multiply. An object
beside a row (an account's provider), what is made of one (an application's `recording`) and a count (`apiKeyCount`,
`totalCount`) count one for each row; a `totalCount` that ends at a limit counts by that limit. Aliases and fragments
count each time that they stand there; `@skip` and `@include` are not looked at.

Three bounds lie behind each other. This one knows rows before there are any, and so bounds what is loaded. The plans'
MAXIMUM_VALUES (`running.py`) knows how wide the rows are: what is shaped at once, or left to the ordinary executor. The
executor's MAXIMUM_WORK (`executor.py`) counts what is really done, which rows do not tell: introspection, errors, wide rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)

from app import graph
from app.errors import ErrorCode
from app.execution.guards import DEFINITION
from app.paging import MAXIMUM_FIRST

# A page of 100 in each of 100 rows, with an object beside each of its rows, is 20,100; one level more is over a million.
# Below 32,767, which is how many values a statement takes: the ordinary executor names the rows of a level by their ids.
MAXIMUM_ROWS = 25_000
# Where a list is counted up to a limit, so many counted rows take as long as one that is loaded.
COUNTED_AS_ONE = 200

_NOTHING: dict[str, Any] = {}


@dataclass(slots=True)
class _Page:
    """A page of the operation. The first one stands for the operation itself: one row, from which its root fields hang."""

    above: int
    """The place, among the operation's pages, of the one from whose rows it hangs; they stand before it."""
    path: tuple[str, ...]
    node: FieldNode | None
    first: int
    """How many rows; with a variable: without a value for it."""
    variable: str | None
    each: int = 1
    """What each of its rows counts: itself, and what stands beside it."""
    counting: int = 1
    """What its `totalCount` counts, for each row that it hangs from."""


class Cost:
    """The pages of one operation, and what they come to."""

    def __init__(self, pages: list[_Page]) -> None:
        self._pages = pages
        most = {page.variable: MAXIMUM_FIRST for page in pages if page.variable is not None}
        # Then no variable has to be looked at when the operation runs.
        self._is_always_allowed = self.rows(most) <= MAXIMUM_ROWS

    def rows(self, variables: Mapping[str, Any] | None = None) -> int:
        """How many rows at most, with these variables. Those that do not fit count as 1: their own error comes later."""
        counts = self._counts(variables)
        return sum([count * page.each for count, page in zip(counts, self._pages, strict=True)])

    def refusal(self, variables: Mapping[str, Any] | None) -> GraphQLError | None:
        """What is said when these variables let the operation touch too much; None when it may run."""
        if self._is_always_allowed:
            return None
        rows = self.rows(variables)
        if rows <= MAXIMUM_ROWS:
            return None
        counts = self._counts(variables)
        largest = max(range(1, len(counts)), key=lambda place: counts[place] * self._pages[place].each)
        page = self._pages[largest]
        above = counts[page.above]
        for_each = f"{counts[largest] // above}" + (f" for each of {above:,}" if page.above else "")
        return GraphQLError(
            f"The operation can touch {rows:,} rows at most; {MAXIMUM_ROWS:,} are allowed. "
            f"Lower `first` of {'.'.join(page.path)} ({for_each}).",
            page.node,
            extensions={"code": str(ErrorCode.BAD_USER_INPUT), "cost": rows, "maximumCost": MAXIMUM_ROWS},
        )

    def _counts(self, variables: Mapping[str, Any] | None) -> list[int]:
        """How many rows each of the pages has, all of its repetitions together."""
        given = variables or _NOTHING
        counts: list[int] = []
        for page in self._pages:
            first = page.first
            if page.variable is not None and page.variable in given:
                first = _within(given[page.variable])
            counts.append(first * counts[page.above] if counts else first)
        return counts


def cost_of(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Cost:
    """The cost of an operation of a valid document within the limits.

    Fragments are written out here: `limits.py` has seen that this comes to 1,000 fields and 500 fragments at most.
    """
    return Cost(_Reader(schema, operation, fragments).pages)


class _Reader:
    """Walks an operation once and notes its pages, each after the one that it hangs from."""

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._defaults = {
            definition.variable.name.value: _literal(definition.default_value)
            for definition in operation.variable_definitions or ()
            if definition.default_value is not None
        }
        self.pages = [_Page(above=0, path=(), node=None, first=1, variable=None, each=0)]
        root = schema.get_root_type(operation.operation)
        self._walk(operation.selection_set, root, 0, ())

    def _walk(self, selection_set: SelectionSetNode, parent: Any, inside: int, path: tuple[str, ...]) -> None:
        """Notes what stands in a selection set of rows (or a part of rows) of the page at the place `inside`."""
        for on, node in self._fields(selection_set, parent):
            field = self._schema.get_field(on, node.name.value)
            if field is None or node.name.value.startswith("__"):
                continue
            below, here = inside, (*path, (node.alias or node.name).value)
            if _is_page(field):
                below = self._page(field, node, inside, here)
            elif node.name.value == "totalCount" and _is_of_page(on):
                # Counted once for each row that the page hangs from.
                self.pages[self.pages[inside].above].each += self.pages[inside].counting
            elif _is_beside(field) or (_is_row(field) and not _is_of_page(on)):
                self.pages[inside].each += 1
            if node.selection_set is not None:
                self._walk(node.selection_set, get_named_type(field.type), below, here)

    def _fields(self, selection_set: SelectionSetNode, parent: Any) -> Iterator[tuple[Any, FieldNode]]:
        """The fields of a selection set, fragments written out, each with the type that it is a field of."""
        waiting: list[tuple[Any, Any]] = [(parent, node) for node in reversed(selection_set.selections)]
        while waiting:
            on, node = waiting.pop()
            if isinstance(node, FieldNode):
                yield on, node
                continue
            fragment = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if fragment.type_condition is not None:
                on = self._schema.get_type(fragment.type_condition.name.value)
            waiting.extend((on, each) for each in reversed(fragment.selection_set.selections))

    def _page(self, field: GraphQLField, node: FieldNode, above: int, path: tuple[str, ...]) -> int:
        first, variable = _within(field.args["first"].default_value), None
        for argument in node.arguments or ():
            if argument.name.value == "first" and isinstance(argument.value, VariableNode):
                variable = argument.value.name.value
                first = self._defaults.get(variable, first)
            elif argument.name.value == "first":
                first = _literal(argument.value)
        declared = _declared(field)
        limit = declared.count_limit if isinstance(declared, graph.Listed) else None
        counting = 1 if limit is None else limit // COUNTED_AS_ONE
        self.pages.append(_Page(above, path, node, first, variable, counting=counting))
        return len(self.pages) - 1


def _literal(value: ValueNode) -> int:
    return _within(int(value.value)) if isinstance(value, IntValueNode) else 1


def _within(value: Any) -> int:
    """A `first` as it counts: one that is wrong is refused where it stands, and lets nothing be loaded."""
    # JSON writes 100 as 100.0 too.
    return int(min(max(value, 1), MAXIMUM_FIRST)) if isinstance(value, int | float) else 1


def _is_page(field: GraphQLField) -> bool:
    return "first" in field.args and get_named_type(field.type).name.endswith("Connection")


def _is_of_page(type_: Any) -> bool:
    """Whether a type is a page or an edge: its rows are counted with the page."""
    found: bool = type_.name.endswith(("Connection", "Edge"))
    return found


def _is_row(field: GraphQLField) -> bool:
    named = get_named_type(field.type)
    return named.name == "Node" or any(each.name == "Node" for each in getattr(named, "interfaces", ()))


def _is_beside(field: GraphQLField) -> bool:
    """Whether a value needs more than the row that it is shown of: a count, or something of a row beside."""
    return isinstance(_declared(field), graph.CountOf | graph.Beside)


def _declared(field: GraphQLField) -> Any:
    definition = field.extensions.get(DEFINITION)
    return definition.metadata.get(graph.DECLARED) if definition is not None else None
