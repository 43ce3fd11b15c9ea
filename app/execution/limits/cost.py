"""Computes the maximum cost of an operation from its document, and refuses it before anything runs.

A row costs 1. A page has `first` rows for each of its parent rows, so pages within pages multiply; `nodes` is a page of its ids.
A related object (an account's provider), a value made of one (an application's `recording`) and a count (`apiKeyCount`,
`totalCount`) cost 1 for each row, or their declared weight; a `totalCount` that ends at a limit costs by that limit. Aliases and
fragments count at each occurrence; `@skip` and `@include` are ignored.

Fields that take the database longer than their rows suggest have a declared weight (`lists.Weights`): a page that spans owners,
a count over a whole table, a filter without an index. A weight is a fixed cost for each occurrence in the document, since one
statement serves all parent rows. A unit is 40 µs of the database with 60,000 accounts and 2 million calls, so an operation takes
about a second of it at most: `python -m tests.bench --only costs` prints the worst ones.

Three limits apply in turn. This one needs no rows, and limits what is loaded. MAXIMUM_VALUES (`compiler/run.py`)
includes the width of rows, and limits what is shaped in one go. MAXIMUM_WORK and MAXIMUM_ROWS (`executor/reference.py`) count
the actual work: introspection, errors, wide rows, ORM objects.
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
    ListValueNode,
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

# A page of 100 in each of 100 rows, with a related object in each of its rows, costs 20,100; one more level costs over a million.
# Below 32,767, the maximum number of parameters of a statement: the reference executor passes the ids of all parent rows.
MAXIMUM_COST = 25_000
# Where `totalCount` stops at a limit, this many counted rows cost as much as one loaded row.
COUNTED_ROWS_PER_ROW = 100

_NOTHING: dict[str, object] = {}


@dataclass(slots=True)
class _Filter:
    """The conditions that a page's filter sets."""

    names: set[str] = field(default_factory=set)
    """Conditions with a literal value."""
    variables: dict[str, str] = field(default_factory=dict)
    """By variable: the condition whose value it holds."""
    whole: str | None = None
    """The variable that holds the whole filter."""

    def conditions(self, given: Mapping[str, object]) -> set[str]:
        """The conditions that are set with these variables."""
        whole = given.get(self.whole) if self.whole is not None else None
        of_whole = [name for name, value in whole.items() if value is not None] if isinstance(whole, dict) else ()
        return self.names | {name for each, name in self.variables.items() if given.get(each) is not None} | {*of_whole}


@dataclass(slots=True)
class _Page:
    """A page that the operation selects. A root field with a weight counts as a page of one row.

    The first page of an operation is the operation itself: one row, the parent of the root fields.
    """

    parent: int
    """The index of its parent page, always smaller than its own."""
    path: tuple[str, ...]
    name: str
    """Its type and field in the schema, such as `Query.accounts`."""
    node: FieldNode | None
    first: int
    """The number of rows, or the fallback when `variable` has no value."""
    variable: str | None = None
    each: int = 1
    """The cost of each of its rows, including related objects."""
    counting: int = 1
    """The cost of its `totalCount` for each parent row."""
    weights: Mapping[Scope, lists.Weights] = field(default_factory=dict)
    filter: _Filter = field(default_factory=_Filter)
    is_counted: bool = False

    def weighted_condition(self, given: Mapping[str, object] | None, scope: Scope) -> str | None:
        """The condition of its filter with the largest weight, or None. Without variables, any condition may be set."""
        weights = self._weights(given, scope).conditions
        if given is None:
            is_open = self.filter.whole is not None
            names = {*weights} if is_open else self.filter.names | {*self.filter.variables.values()}
        else:
            names = self.filter.conditions(given)
        return max(sorted(names & weights.keys()), key=lambda name: weights[name], default=None)

    def fixed_cost(self, given: Mapping[str, object] | None, scope: Scope) -> int:
        """The cost apart from its rows: to find the page, and to count it."""
        weights = self._weights(given, scope)
        weighted_condition = self.weighted_condition(given, scope)
        condition_cost = weights.conditions[weighted_condition] if weighted_condition is not None else 0
        return weights.page + condition_cost + (weights.count + condition_cost if self.is_counted else 0)

    def _weights(self, given: Mapping[str, object] | None, scope: Scope) -> lists.Weights:
        weights = self.weights.get(scope, lists.NO_WEIGHTS)
        if weights.of_one_owner is None:
            return weights
        name, of_one = weights.of_one_owner
        return of_one if name in (self.filter.names if given is None else self.filter.conditions(given)) else weights


class Cost:
    """The cost of one operation, as a function of its variables."""

    def __init__(self, pages: list[_Page], defaults: Mapping[str, object]) -> None:
        self._pages = pages
        self._defaults = defaults
        most = {page.variable: MAXIMUM_FIRST for page in pages if page.variable is not None}
        rows = sum([count * page.each for count, page in zip(self._counts(most), pages, strict=True)])
        # If even the largest variables are within the limit, they need not be read at run time.
        fixed_cost = max(sum(page.fixed_cost(None, scope) for page in pages) for scope in Scope)
        self._is_always_allowed = rows + fixed_cost <= MAXIMUM_COST

    def total(self, variables: Mapping[str, object] | None = None, scope: Scope = Scope.ADMIN) -> int:
        """The maximum cost with these variables. Invalid variables count as 1; they are reported later."""
        counts, given = self._counts(variables), self._given(variables)
        rows = sum([count * page.each for count, page in zip(counts, self._pages, strict=True)])
        return rows + sum([page.fixed_cost(given, scope) for page in self._pages])

    def refusal(self, variables: Mapping[str, object] | None, scope: Scope) -> GraphQLError | None:
        """The error for an operation that costs too much with these variables; None when a caller of this scope may run it."""
        if self._is_always_allowed:
            return None
        cost = self.total(variables, scope)
        if cost <= MAXIMUM_COST:
            return None
        counts = self._counts(variables)
        largest = max(range(len(counts)), key=lambda index: counts[index] * self._pages[index].each)
        page, (name, total) = self._pages[largest], self._costliest(variables, scope)
        if total > counts[largest] * page.each:
            node, advice = self._advice(name, total, variables, scope)
        else:
            parent_rows = counts[page.parent]
            for_each = f"{counts[largest] // parent_rows}" + (f" for each of {parent_rows:,}" if page.parent else "")
            node, advice = page.node, f"Lower `first` of {'.'.join(page.path)} ({for_each})."
        return GraphQLError(
            f"The operation can cost {cost:,}; at most {MAXIMUM_COST:,} are allowed. {advice}",
            node,
            extensions={"code": str(ErrorCode.BAD_USER_INPUT), "cost": cost, "maximumCost": MAXIMUM_COST},
        )

    def _costliest(self, variables: Mapping[str, object] | None, scope: Scope) -> tuple[str, int]:
        """The field with the largest fixed cost over all its occurrences, and that cost."""
        given, costs = self._given(variables), Counter[str]()
        for page in self._pages:
            costs[page.name] += page.fixed_cost(given, scope)
        return costs.most_common(1)[0]

    def _advice(
        self, name: str, total: int, variables: Mapping[str, object] | None, scope: Scope
    ) -> tuple[FieldNode | None, str]:
        given = self._given(variables)
        pages = [page for page in self._pages if page.name == name]
        without = ["`totalCount`"] if any(page.is_counted for page in pages) else []
        without += sorted(
            {
                f"`filter.{weighted_condition}`"
                for page in pages
                if (weighted_condition := page.weighted_condition(given, scope)) is not None
            }
        )
        selections = "1 selection" if len(pages) == 1 else f"{len(pages)} selections"
        advice = f"{name} costs {total:,} in addition to its rows, in {selections}: select it less often"
        return pages[0].node, f"{advice}, or without {' and '.join(without)}." if without else f"{advice}."

    def _given(self, variables: Mapping[str, object] | None) -> Mapping[str, object]:
        return {**self._defaults, **(variables or _NOTHING)}

    def _counts(self, variables: Mapping[str, object] | None) -> list[int]:
        """The number of rows of each page, over all its parent rows."""
        given = variables or _NOTHING
        counts: list[int] = []
        for page in self._pages:
            first = page.first
            if page.variable is not None and page.variable in given:
                first = _within(given[page.variable])
            counts.append(first * counts[page.parent] if counts else first)
        return counts


def cost_of(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Cost:
    """The cost of an operation of a valid document within the limits.

    Fragments are expanded here: `document_size` has checked that this gives at most 1,000 fields and 500 spreads.
    """
    reader = _Reader(schema, operation, fragments)
    return Cost(reader.pages, reader.defaults)


class _Reader:
    """Walks an operation once and collects its pages, each after its parent."""

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
        # Of an object, only the names of the fields that are set matter.
        self.defaults = {name: _set_in(node) for name, node in self._default_nodes.items()}
        self.pages = [_Page(parent=0, path=(), name="", node=None, first=1, each=0)]
        root = schema.get_root_type(operation.operation)
        if root is not None:
            self._walk(operation.selection_set, root, 0, ())

    def _walk(
        self, selection_set: SelectionSetNode, parent: GraphQLCompositeType, inside: int, path: tuple[str, ...]
    ) -> None:
        """Collects the pages of a selection set on the rows of page `inside`, or on a part of those rows."""
        for on, node in self._fields(selection_set, parent):
            field = self._schema.get_field(on, node.name.value)
            if field is None or node.name.value.startswith("__"):
                continue
            below, here = inside, (*path, (node.alias or node.name).value)
            name, weight = f"{on.name}.{node.name.value}", _weight(field)
            if _is_page(field):
                below = self._page(field, node, inside, here, name)
            elif _is_list_by_ids(field):
                below = self._list_by_ids(node, inside, here, name)
            elif node.name.value == "totalCount" and _is_of_page(on):
                # Counted once for each parent row of the page.
                page = self.pages[inside]
                page.is_counted = True
                self.pages[page.parent].each += page.counting
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
        """The fields of a selection set with fragments expanded, each with its parent type."""
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

    def _page(self, field: GraphQLField, node: FieldNode, parent: int, path: tuple[str, ...], name: str) -> int:
        page = _Page(parent, path, name, node, _within(field.args["first"].default_value))
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
            page.counting = 1 if declared.count_limit is None else declared.count_limit // COUNTED_ROWS_PER_ROW
        self.pages.append(page)
        return len(self.pages) - 1

    def _list_by_ids(self, node: FieldNode, parent: int, path: tuple[str, ...], name: str) -> int:
        """A list of the rows with given ids is a page of that many rows."""
        page = _Page(parent, path, name, node, 1)
        given = next(argument.value for argument in node.arguments or () if argument.name.value == "ids")
        page.first = _number_of(given)
        if isinstance(given, VariableNode):
            page.variable = given.name.value
            if (default := self._default_nodes.get(page.variable)) is not None:
                page.first = _number_of(default)
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


def _number_of(ids: ValueNode) -> int:
    return _within(len(ids.values)) if isinstance(ids, ListValueNode) else 1


def _within(value: object) -> int:
    """The number of rows for a value of `first` or `ids`, clamped to the limits: invalid values are refused later."""
    if isinstance(value, list):
        value = len(value)
    # JSON's 100.0 is a valid Int.
    return int(min(max(value, 1), MAXIMUM_FIRST)) if isinstance(value, int | float) else 1


def _is_page(field: GraphQLField) -> bool:
    return "first" in field.args and get_named_type(field.type).name.endswith("Connection")


def _is_list_by_ids(field: GraphQLField) -> bool:
    return "ids" in field.args and _is_row(field)


def _is_of_page(type_: GraphQLNamedType) -> bool:
    """Whether a type is a connection or an edge, whose rows are counted with the page."""
    return type_.name.endswith(("Connection", "Edge"))


def _is_row(field: GraphQLField) -> bool:
    named = get_named_type(field.type)
    return named.name == "Node" or any(each.name == "Node" for each in getattr(named, "interfaces", ()))


def _weight(field: GraphQLField) -> int:
    """The weight of a value that needs more than its row: a count, a related row, a call."""
    return int(metadata_of(field).get(declarations.WEIGHT, 0))
