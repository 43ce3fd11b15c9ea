"""What an operation can cost at most: read off the document once, refused before anything runs.

A row costs 1. A page counts as many rows as its `first` allows for each row that it hangs from, so pages within pages multiply.
A related object (an account's provider), what is made of one (an application's `recording`) and a count (`apiKeyCount`,
`totalCount`) cost 1 for each row, or the weight that is declared for them; a `totalCount` that ends at a limit costs by that
limit. Aliases and fragments count each time that they stand there; `@skip` and `@include` are not looked at.

What takes the database longer than its rows tell has a weight at its declaration (`graph.Weights`): a page that spans owners, a
count over all of a table, a filter that no index serves. It is paid once for each place in the document, since one statement
answers for all rows that a page hangs from. A unit is 40 µs of the database with 60,000 accounts and 2 million calls, so that
an operation takes about a second of it at most: `python -m tests.bench --only costs` prints what the worst ones take.

Three bounds lie behind each other. This one knows the cost before there are any rows, and so bounds what is loaded. The plans'
MAXIMUM_VALUES (`run.py`) knows how wide the rows are: what is shaped at once, or left to the ordinary executor. The
executor's MAXIMUM_WORK and MAXIMUM_ROWS (`reference.py`) count what is really done: introspection, errors,
wide rows, objects of the ORM.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    assert_composite_type,
    get_named_type,
)

from app.execution.executor.permissions import metadata_of
from app.foundation.access import Scope
from app.foundation.errors import ErrorCode
from app.foundation.graphql import declarations, lists
from app.foundation.graphql.pagination import MAXIMUM_FIRST

# A page of 100 in each of 100 rows, with an object beside each of its rows, is 20,100; one level more is over a million.
# Below 32,767, which is how many values a statement takes: the ordinary executor names the rows of a level by their ids.
MAXIMUM_COST = 25_000
# Where a list is counted up to a limit, so many counted rows take as long as one that is loaded.
COUNTED_AS_ONE = 100

_NOTHING: dict[str, object] = {}


@dataclass(slots=True)
class _Filter:
    """Which conditions a page's filter sets."""

    names: set[str] = field(default_factory=set)
    """Those that stand in the document."""
    variables: dict[str, str] = field(default_factory=dict)
    """Names of conditions by the variables that hold their values."""
    whole: str | None = None
    """The variable that holds the filter."""

    def conditions(self, given: Mapping[str, object]) -> set[str]:
        """The names of those that are set, with these variables."""
        whole = given.get(self.whole) if self.whole is not None else None
        of_whole = [name for name, value in whole.items() if value is not None] if isinstance(whole, dict) else ()
        return self.names | {name for each, name in self.variables.items() if given.get(each) is not None} | {*of_whole}


@dataclass(slots=True)
class _Page:
    """A page of the operation, or a root field with a weight, as a page of one.

    The first one stands for the operation itself: one row, from which its root fields hang.
    """

    above: int
    """The place, among the operation's pages, of the one from whose rows it hangs; they stand before it."""
    path: tuple[str, ...]
    name: str
    """In the schema: `Query.accounts`."""
    node: FieldNode | None
    first: int
    """How many rows; with a variable: without a value for it."""
    variable: str | None = None
    each: int = 1
    """What each of its rows costs: itself, and what is related to it."""
    counting: int = 1
    """What its `totalCount` costs for each row that it hangs from."""
    weights: Mapping[Scope, lists.Weights] = field(default_factory=dict)
    filter: _Filter = field(default_factory=_Filter)
    is_counted: bool = False

    def walking(self, given: Mapping[str, object] | None, scope: Scope) -> str | None:
        """The costliest condition of its filter; None when none has a weight. Without variables: the costliest there is."""
        weights = self._weights(given, scope).conditions
        if given is None:
            is_open = self.filter.whole is not None
            names = {*weights} if is_open else self.filter.names | {*self.filter.variables.values()}
        else:
            names = self.filter.conditions(given)
        return max(sorted(names & weights.keys()), key=lambda name: weights[name], default=None)

    def once(self, given: Mapping[str, object] | None, scope: Scope) -> int:
        """What it costs beside its rows: to find the page, and to count it."""
        weights = self._weights(given, scope)
        walking = self.walking(given, scope)
        walk = weights.conditions[walking] if walking is not None else 0
        return weights.page + walk + (weights.count + walk if self.is_counted else 0)

    def _weights(self, given: Mapping[str, object] | None, scope: Scope) -> lists.Weights:
        weights = self.weights.get(scope, lists.NO_WEIGHTS)
        if weights.of_one_owner is None:
            return weights
        name, of_one = weights.of_one_owner
        return of_one if name in (self.filter.names if given is None else self.filter.conditions(given)) else weights


class Cost:
    """The pages of one operation, and what they come to."""

    def __init__(self, pages: list[_Page], defaults: Mapping[str, object]) -> None:
        self._pages = pages
        self._defaults = defaults
        most = {page.variable: MAXIMUM_FIRST for page in pages if page.variable is not None}
        rows = sum([count * page.each for count, page in zip(self._counts(most), pages, strict=True)])
        # Then no variable has to be looked at when the operation runs.
        once = max(sum(page.once(None, scope) for page in pages) for scope in Scope)
        self._is_always_allowed = rows + once <= MAXIMUM_COST

    def total(self, variables: Mapping[str, object] | None = None, scope: Scope = Scope.ADMIN) -> int:
        """The cost at most, with these variables. Those that do not fit count as 1: their own error comes later."""
        counts, given = self._counts(variables), self._given(variables)
        rows = sum([count * page.each for count, page in zip(counts, self._pages, strict=True)])
        return rows + sum([page.once(given, scope) for page in self._pages])

    def refusal(self, variables: Mapping[str, object] | None, scope: Scope) -> GraphQLError | None:
        """What is said when these variables let the operation cost too much; None when a caller of this scope may run it."""
        if self._is_always_allowed:
            return None
        cost = self.total(variables, scope)
        if cost <= MAXIMUM_COST:
            return None
        counts = self._counts(variables)
        largest = max(range(len(counts)), key=lambda place: counts[place] * self._pages[place].each)
        page, (name, together) = self._pages[largest], self._costliest(variables, scope)
        if together > counts[largest] * page.each:
            node, advice = self._fewer(name, together, variables, scope)
        else:
            above = counts[page.above]
            for_each = f"{counts[largest] // above}" + (f" for each of {above:,}" if page.above else "")
            node, advice = page.node, f"Lower `first` of {'.'.join(page.path)} ({for_each})."
        return GraphQLError(
            f"The operation can cost {cost:,}; {MAXIMUM_COST:,} are allowed. {advice}",
            node,
            extensions={"code": str(ErrorCode.BAD_USER_INPUT), "cost": cost, "maximumCost": MAXIMUM_COST},
        )

    def _costliest(self, variables: Mapping[str, object] | None, scope: Scope) -> tuple[str, int]:
        """The field whose places cost most together beside their rows, and how much."""
        given, costs = self._given(variables), Counter[str]()
        for page in self._pages:
            costs[page.name] += page.once(given, scope)
        return costs.most_common(1)[0]

    def _fewer(
        self, name: str, together: int, variables: Mapping[str, object] | None, scope: Scope
    ) -> tuple[FieldNode | None, str]:
        given = self._given(variables)
        pages = [page for page in self._pages if page.name == name]
        without = ["`totalCount`"] if any(page.is_counted for page in pages) else []
        without += sorted(
            {f"`filter.{walking}`" for page in pages if (walking := page.walking(given, scope)) is not None}
        )
        places = "1 place" if len(pages) == 1 else f"{len(pages)} places"
        advice = f"{name} costs {together:,} beside its rows, in {places}: ask for it less often"
        return pages[0].node, f"{advice}, or without {' and '.join(without)}." if without else f"{advice}."

    def _given(self, variables: Mapping[str, object] | None) -> Mapping[str, object]:
        return {**self._defaults, **(variables or _NOTHING)}

    def _counts(self, variables: Mapping[str, object] | None) -> list[int]:
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
    reader = _Reader(schema, operation, fragments)
    return Cost(reader.pages, reader.defaults)


class _Reader:
    """Walks an operation once and notes its pages, each after the one that it hangs from."""

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._default_nodes = {
            definition.variable.name.value: definition.default_value
            for definition in operation.variable_definitions or ()
            if definition.default_value is not None
        }
        # Of an object, which of its fields are set; what the values are is of no matter.
        self.defaults = {name: _set_in(node) for name, node in self._default_nodes.items()}
        self.pages = [_Page(above=0, path=(), name="", node=None, first=1, each=0)]
        root = schema.get_root_type(operation.operation)
        if root is not None:
            self._walk(operation.selection_set, root, 0, ())

    def _walk(
        self, selection_set: SelectionSetNode, parent: GraphQLCompositeType, inside: int, path: tuple[str, ...]
    ) -> None:
        """Notes what stands in a selection set of rows (or a part of rows) of the page at the place `inside`."""
        for on, node in self._fields(selection_set, parent):
            field = self._schema.get_field(on, node.name.value)
            if field is None or node.name.value.startswith("__"):
                continue
            below, here = inside, (*path, (node.alias or node.name).value)
            name, weight = f"{on.name}.{node.name.value}", _weight(field)
            if _is_page(field):
                below = self._page(field, node, inside, here, name)
            elif node.name.value == "totalCount" and _is_of_page(on):
                # Counted once for each row that the page hangs from.
                page = self.pages[inside]
                page.is_counted = True
                self.pages[page.above].each += page.counting
            elif inside == 0 and weight:
                weights = dict.fromkeys(Scope, lists.Weights(page=weight))
                self.pages.append(_Page(inside, here, name, node, 1, each=int(_is_row(field)), weights=weights))
                below = len(self.pages) - 1
            elif weight or (_is_row(field) and not _is_of_page(on)):
                self.pages[inside].each += weight or 1
            if node.selection_set is not None:
                self._walk(node.selection_set, assert_composite_type(get_named_type(field.type)), below, here)

    def _fields(
        self, selection_set: SelectionSetNode, parent: GraphQLCompositeType
    ) -> Iterator[tuple[GraphQLCompositeType, FieldNode]]:
        """The fields of a selection set, fragments written out, each with the type that it is a field of."""
        waiting: list[tuple[GraphQLCompositeType, SelectionNode]]
        waiting = [(parent, node) for node in reversed(selection_set.selections)]
        while waiting:
            on, node = waiting.pop()
            if isinstance(node, FieldNode):
                yield on, node
                continue
            fragment = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if isinstance(fragment, FragmentDefinitionNode | InlineFragmentNode):
                if fragment.type_condition is not None:
                    on = assert_composite_type(self._schema.type_map[fragment.type_condition.name.value])
                waiting.extend((on, each) for each in reversed(fragment.selection_set.selections))

    def _page(self, field: GraphQLField, node: FieldNode, above: int, path: tuple[str, ...], name: str) -> int:
        page = _Page(above, path, name, node, _within(field.args["first"].default_value))
        for argument in node.arguments or ():
            if argument.name.value == "first" and isinstance(argument.value, VariableNode):
                page.variable = argument.value.name.value
                if (default := self._default_nodes.get(page.variable)) is not None:
                    page.first = _literal(default)
            elif argument.name.value == "first":
                page.first = _literal(argument.value)
            elif argument.name.value == "filter":
                page.filter = _filter(argument.value)
        declared = metadata_of(field).get(declarations.DECLARED)
        if isinstance(declared, lists.Listed):
            page.weights = declared.weights
            page.counting = 1 if declared.count_limit is None else declared.count_limit // COUNTED_AS_ONE
        self.pages.append(page)
        return len(self.pages) - 1


def _filter(value: ValueNode) -> _Filter:
    if isinstance(value, VariableNode):
        return _Filter(whole=value.name.value)
    found = _Filter()
    for each in value.fields if isinstance(value, ObjectValueNode) else ():
        if isinstance(each.value, VariableNode):
            found.variables[each.value.name.value] = each.name.value
        elif not isinstance(each.value, NullValueNode):
            found.names.add(each.name.value)
    return found


def _set_in(value: ValueNode) -> object:
    if isinstance(value, NullValueNode):
        return None
    return (
        {each.name.value: _set_in(each.value) for each in value.fields} if isinstance(value, ObjectValueNode) else True
    )


def _literal(value: ValueNode) -> int:
    return _within(int(value.value)) if isinstance(value, IntValueNode) else 1


def _within(value: object) -> int:
    """A `first` as it counts: one that is wrong is refused where it stands, and lets nothing be loaded."""
    # JSON writes 100 as 100.0 too.
    return int(min(max(value, 1), MAXIMUM_FIRST)) if isinstance(value, int | float) else 1


def _is_page(field: GraphQLField) -> bool:
    return "first" in field.args and get_named_type(field.type).name.endswith("Connection")


def _is_of_page(type_: GraphQLNamedType) -> bool:
    """Whether a type is a page or an edge: its rows are counted with the page."""
    return type_.name.endswith(("Connection", "Edge"))


def _is_row(field: GraphQLField) -> bool:
    named = get_named_type(field.type)
    return named.name == "Node" or any(each.name == "Node" for each in getattr(named, "interfaces", ()))


def _weight(field: GraphQLField) -> int:
    """What a value costs that needs more than the row that it is shown of: a count, something of a related row, a call."""
    return int(metadata_of(field).get(declarations.WEIGHT, 0))
