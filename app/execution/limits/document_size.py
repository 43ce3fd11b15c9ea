"""How large a document may be. Checked before validation, whose own rules are not linear in it.

Each fragment is measured once and its measure is added at every spread, so the check takes time in proportion to the text
even for fragments that double each other 26 times over. Only then, when the size written out is known to be small, is the
document walked written out: for the fields that answer under the same path, which validation compares pair by pair.

Depth does not count below `__schema` and `__type`, since introspection by common clients is deep; how far such a query
multiplies is bounded by the work that the executor does for it (`reference.py`).
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
# Telling where an error lies takes time in proportion to the lines before it.
MAXIMUM_LINES = 5_000
MAXIMUM_TOKENS = 2_000
# Of an unauthenticated caller: logging in takes less than 100, reading the schema with every option 300.
MAXIMUM_OPEN_TOKENS = 500
MAXIMUM_ERRORS = 20
MAXIMUM_OPERATIONS = 50
MAXIMUM_FRAGMENTS = 100
# Generated clients define one for each argument that they send.
MAXIMUM_VARIABLES = 100
# Of one field or directive; the schema's have at most four.
MAXIMUM_ARGUMENTS = 30
# Of an unauthenticated caller: the introspection of common tools has three fragments and no variable.
MAXIMUM_OPEN_FRAGMENTS = 10
MAXIMUM_OPEN_VARIABLES = 20
# 90 fields of one name in one place, or as many pairs in several.
MAXIMUM_REPEATED_PAIRS = 4_000

# Of variables, as the tokens of a document: lists and objects count as well as what is in them.
MAXIMUM_VARIABLE_VALUES = 2_000
# Of a voice gateway, which can do nothing with them but report 1,000 calls of 14 values each.
MAXIMUM_VALUES_OF_GATEWAYS = 16_000

_INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(slots=True)
class Size:
    """What a selection set comes to when all its fragments are written out; `fragments` counts where they stood.

    `introspections` are `__schema` and `__type`, and the aliases below them: tools ask once, and by no other names.
    """

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    fragments: int = 0
    introspections: int = 0

    def add(self, other: "Size") -> None:
        """What stands side by side with it."""
        self.depth = max(self.depth, other.depth)
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        self.fragments += other.fragments
        self.introspections += other.introspections


LIMITS = Size(depth=15, fields=1_000, aliases=100, directives=100, fragments=500, introspections=5)


def check_text(text: str) -> str | None:
    """What is wrong with the mere length of a document, before it is parsed; None: nothing."""
    if len(text) > MAXIMUM_CHARACTERS:
        return f"The document has {len(text)} characters; at most {MAXIMUM_CHARACTERS} are allowed."
    if text.count("\n") + text.count("\r") > MAXIMUM_LINES:
        return f"The document has more than {MAXIMUM_LINES} lines."
    return None


def has_too_many_values(variables: Mapping[str, object] | None, most: int = MAXIMUM_VARIABLE_VALUES) -> bool:
    """Whether variables hold more values than may be sent, however they are nested."""
    waiting: list[object] = [variables]
    count = 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            count += len(value)
            if count > most:
                return True
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return False


def check(document: DocumentNode) -> list[GraphQLError]:
    """What exceeds the limits; one error for each measure. All operations of a document count together."""
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
    except RecursionError:  # a long chain of fragments, each of them deep
        return [GraphQLError("The document is nested too deeply.")]


def needs_authentication(document: DocumentNode) -> bool:
    """Whether the document is larger than operations that need no authentication."""
    operations, fragments = _definitions(document)
    return len(fragments) > MAXIMUM_OPEN_FRAGMENTS or _variables(operations, fragments) > MAXIMUM_OPEN_VARIABLES


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
        for place in (node, *(node.variable_definitions or ())):
            size.directives += measure.directives(place)
    for operation in operations:
        size.add(measure.selections(operation.selection_set))
    # Validation looks at fragments that nothing uses as well.
    unused = [node for node in fragments if node.name.value not in measure.known]
    for fragment in unused:
        size.add(measure.fragment(fragment.name.value))
    if measure.circle is not None:
        message = f"The fragment {measure.circle.name.value!r} spreads itself, directly or through others."
        return [GraphQLError(message, measure.circle)]
    # Written-out sizes can have dozens of digits; the limit is what helps.
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
            errors.append(GraphQLError("The document asks for the same fields in the same place too often."))
    return errors


class _Measure:
    def __init__(self, fragments: list[FragmentDefinitionNode]) -> None:
        self._fragments = {node.name.value: node for node in fragments}
        self._open: set[str] = set()
        self.known: dict[str, Size] = {}
        # A fragment that spreads itself; nothing may be written out then.
        self.circle: FragmentDefinitionNode | None = None
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
        """How many directives a node has; looks at the number of arguments of each, and of the node."""
        directives: tuple[DirectiveNode, ...] = getattr(node, "directives", None) or ()
        for place in (node, *directives):
            if len(getattr(place, "arguments", None) or ()) > MAXIMUM_ARGUMENTS:
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
        """The size of a fragment; nothing for one that there is not, which validation refuses afterwards."""
        known, node = self.known.get(name), self._fragments.get(name)
        if known is not None or node is None:
            return known or Size()
        if name in self._open:
            self.circle = node
            return Size()
        self._open.add(name)
        self.known[name] = self.selections(node.selection_set)
        self._open.remove(name)
        return self.known[name]

    def repeated_pairs(self, selection_sets: list[SelectionSetNode]) -> int:
        """How many pairs of fields answer under the same path, for selection sets whose fields are merged."""
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
