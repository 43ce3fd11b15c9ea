"""Limits the size of a document. Checked before validation, whose rules take more than linear time.

Each fragment is measured once, and its size is added at every spread: the check is linear even for 26 fragments that each spread
the next one twice. Only when the expanded size is known to be small are fragments expanded, to count the fields with the same
response path, which validation compares in pairs.

Depth does not count below `__schema` and `__type`, since common introspection queries are deep. The reference executor limits the
work of such a query.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
)

MAXIMUM_CHARACTERS = 65_536
# Locating an error takes time in proportion to the lines before it.
MAXIMUM_LINES = 5_000
MAXIMUM_TOKENS = 2_000
# For unauthenticated callers: `login` takes less than 100, introspection with every option 300.
MAXIMUM_UNAUTHENTICATED_TOKENS = 500
MAXIMUM_ERRORS = 20
MAXIMUM_OPERATIONS = 50
MAXIMUM_FRAGMENTS = 100
# Generated clients define one variable for each argument.
MAXIMUM_VARIABLES = 100
# Per field or directive; the schema has at most four.
MAXIMUM_ARGUMENTS = 30
# For unauthenticated callers: introspection by common tools has three fragments and no variable.
MAXIMUM_UNAUTHENTICATED_FRAGMENTS = 10
MAXIMUM_UNAUTHENTICATED_VARIABLES = 20
# Pairs of fields with the same response path; 90 fields at one path make this many.
MAXIMUM_REPEATED_PAIRS = 4_000

# Values in variables: lists and objects count, and so do their items.
MAXIMUM_VARIABLE_VALUES = 2_000
# For voice gateways: a report has up to 1,000 calls of 14 values each.
MAXIMUM_VALUES_OF_GATEWAYS = 16_000

_INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(slots=True)
class Size:
    """The size of a selection set with all fragments expanded; `fragments` counts the spreads.

    `introspections` counts `__schema`, `__type` and the aliases below them: tools select one of them, without aliases.
    """

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    fragments: int = 0
    introspections: int = 0

    def add(self, other: "Size") -> None:
        """Adds a selection on the same level."""
        self.depth = max(self.depth, other.depth)
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        self.fragments += other.fragments
        self.introspections += other.introspections


LIMITS = Size(depth=15, fields=1_000, aliases=100, directives=100, fragments=500, introspections=2)


def check_text(text: str) -> str | None:
    """The error message for a text that is too long to parse; None if it is not."""
    if len(text) > MAXIMUM_CHARACTERS:
        return f"The document has {len(text)} characters; at most {MAXIMUM_CHARACTERS} are allowed."
    if text.count("\n") + text.count("\r") > MAXIMUM_LINES:
        return f"The document has more than {MAXIMUM_LINES} lines."
    return None


def has_too_many_values(variables: Mapping[str, object] | None, most: int = MAXIMUM_VARIABLE_VALUES) -> bool:
    """Whether variables hold more than `most` values, at any depth."""
    waiting: list[object] = [variables]
    count = 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            value = value.values()
        elif not isinstance(value, list):
            continue
        count += len(value)
        if count > most:
            return True
        waiting.extend(value)
    return False


def check(document: DocumentNode) -> list[GraphQLError]:
    """One error for each limit that is exceeded. All operations of the document count together."""
    operations, fragments = _definitions(document)
    for found, most, what in (
        (len(operations), MAXIMUM_OPERATIONS, "operations"),
        (len(fragments), MAXIMUM_FRAGMENTS, "fragments"),
        (_variables(operations, fragments), MAXIMUM_VARIABLES, "variables"),
    ):
        if found > most:
            return [GraphQLError(f"The document has {found} {what}; at most {most} are allowed.")]
    try:
        return _check(operations, fragments)
    except RecursionError:  # a long chain of deep fragments
        return [GraphQLError("The document is nested too deeply.")]


def needs_authentication(document: DocumentNode) -> bool:
    """Whether the document is larger than unauthenticated callers may send."""
    operations, fragments = _definitions(document)
    return (
        len(fragments) > MAXIMUM_UNAUTHENTICATED_FRAGMENTS
        or _variables(operations, fragments) > MAXIMUM_UNAUTHENTICATED_VARIABLES
    )


def _definitions(document: DocumentNode) -> tuple[list[OperationDefinitionNode], list[FragmentDefinitionNode]]:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    return operations, fragments


def _variables(operations: list[OperationDefinitionNode], fragments: list[FragmentDefinitionNode]) -> int:
    return sum(len(node.variable_definitions or ()) for node in (*operations, *fragments))


def _check(operations: list[OperationDefinitionNode], fragments: list[FragmentDefinitionNode]) -> list[GraphQLError]:
    measure = _Measure(fragments)
    size = Size()
    for node in (*operations, *fragments):
        for part in (node, *(node.variable_definitions or ())):
            size.directives += measure.directives(part)
    for operation in operations:
        size.add(measure.selections(operation.selection_set))
    # Validation visits unused fragments too.
    unused = [node for node in fragments if node.name.value not in measure.known]
    for fragment in unused:
        size.add(measure.fragment(fragment.name.value))
    if measure.cycle is not None:
        message = f"The fragment {measure.cycle.name.value!r} spreads itself, directly or through others."
        return [GraphQLError(message, measure.cycle)]
    # The message has the limit only: expanded sizes can have dozens of digits.
    errors = [
        GraphQLError(f"The document exceeds the limit of {getattr(LIMITS, limit.name)} for {limit.name}.")
        for limit in fields(LIMITS)
        if getattr(size, limit.name) > getattr(LIMITS, limit.name)
    ]
    if measure.has_many_arguments:
        errors.append(GraphQLError(f"A field or directive has more than {MAXIMUM_ARGUMENTS} arguments."))
    if not errors:
        pairs = sum(measure.repeated_pairs([node.selection_set]) for node in (*operations, *unused))
        if pairs > MAXIMUM_REPEATED_PAIRS:
            errors.append(GraphQLError("The document selects the same fields at the same path too often."))
    return errors


class _Measure:
    def __init__(self, fragments: list[FragmentDefinitionNode]) -> None:
        self._fragments = {node.name.value: node for node in fragments}
        self._open: set[str] = set()
        self.known: dict[str, Size] = {}
        # A fragment that spreads itself; then nothing may be expanded.
        self.cycle: FragmentDefinitionNode | None = None
        self.has_many_arguments = False

    def selections(self, selection_set: SelectionSetNode | None) -> Size:
        size = Size()
        for node in selection_set.selections if selection_set else ():
            size.directives += self.directives(node)
            if isinstance(node, FieldNode):
                self._add_field(size, node)
            else:
                size.fragments += 1
                if isinstance(node, FragmentSpreadNode):
                    size.add(self.fragment(node.name.value))
                else:
                    size.add(self.selections(node.selection_set))  # type: ignore[attr-defined]
        return size

    def directives(self, node: Node) -> int:
        """Counts the directives of a node. Notes too many arguments of the node or of a directive."""
        directives: tuple[DirectiveNode, ...] = getattr(node, "directives", None) or ()
        for part in (node, *directives):
            if len(getattr(part, "arguments", None) or ()) > MAXIMUM_ARGUMENTS:
                self.has_many_arguments = True
        return len(directives)

    def _add_field(self, size: Size, node: FieldNode) -> None:
        below = self.selections(node.selection_set) if node.selection_set else Size()
        introspects = node.name.value in _INTROSPECTION
        below.depth = 1 if introspects else below.depth + 1
        below.introspections += 1 + below.aliases if introspects else 0
        below.fields += 1
        below.aliases += node.alias is not None
        size.add(below)

    def fragment(self, name: str) -> Size:
        """The size of a fragment; zero for an unknown one, which validation reports."""
        known, node = self.known.get(name), self._fragments.get(name)
        if known is not None or node is None:
            return known or Size()
        if name in self._open:
            self.cycle = node
            return Size()
        self._open.add(name)
        self.known[name] = self.selections(node.selection_set)
        self._open.remove(name)
        return self.known[name]

    def repeated_pairs(self, selection_sets: list[SelectionSetNode]) -> int:
        """The number of pairs of fields with the same response path, in selection sets that are merged."""
        groups: dict[str, list[FieldNode]] = {}
        for selection_set in selection_sets:
            self._collect(selection_set, groups)
        pairs = 0
        for nodes in groups.values():
            pairs += len(nodes) * (len(nodes) - 1) // 2
            below = [node.selection_set for node in nodes if node.selection_set]
            if below:
                pairs += self.repeated_pairs(below)
        return pairs

    def _collect(self, selection_set: SelectionSetNode, groups: dict[str, list[FieldNode]]) -> None:
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                groups.setdefault((node.alias or node.name).value, []).append(node)
            elif not isinstance(node, FragmentSpreadNode):
                self._collect(node.selection_set, groups)  # type: ignore[attr-defined]
            elif node.name.value in self._fragments:
                self._collect(self._fragments[node.name.value].selection_set, groups)
