"""How large a document may be. Checked before validation, whose own rules are not linear in it.

Each fragment is measured once and its measure is added at every spread, so the check takes time in proportion to the text
even for fragments that double each other 26 times over. `__schema` and `__type` are left out: introspection by common
clients is deep, and it reads no data.
"""

from dataclasses import dataclass, fields

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
)

MAXIMUM_CHARACTERS = 65_536
MAXIMUM_TOKENS = 2_000


@dataclass(frozen=True)
class Size:
    """What a selection set comes to when all its fragments are written out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def beside(self, other: "Size") -> "Size":
        return Size(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
        )


LIMITS = Size(depth=15, fields=1_000, aliases=100, directives=100)
MAXIMUM_OPERATIONS = 50


def check(document: DocumentNode) -> list[GraphQLError]:
    """What exceeds the limits; one error for each measure."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) > MAXIMUM_OPERATIONS:
        return [
            GraphQLError(f"The document has {len(operations)} operations; at most {MAXIMUM_OPERATIONS} are allowed.")
        ]
    measure = _Measure(document)
    errors = []
    for operation in operations:
        size = measure.selections(operation.selection_set).beside(Size(directives=len(operation.directives or ())))
        for limit in fields(LIMITS):
            found, allowed = getattr(size, limit.name), getattr(LIMITS, limit.name)
            if found > allowed:
                # Written-out sizes can have dozens of digits; the limit is what helps.
                errors.append(
                    GraphQLError(f"The operation exceeds the limit of {allowed} for {limit.name}.", operation)
                )
    return errors


class _Measure:
    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        # A fragment being measured counts nothing, which ends cycles; validation refuses them afterwards.
        self._known: dict[str, Size] = {}

    def selections(self, selection_set: SelectionSetNode | None) -> Size:
        size = Size()
        for node in selection_set.selections if selection_set else ():
            directives = Size(directives=len(node.directives or ()))
            if isinstance(node, FieldNode):
                size = size.beside(directives).beside(self._field(node))
            elif isinstance(node, FragmentSpreadNode):
                size = size.beside(directives).beside(self._fragment(node.name.value))
            else:
                size = size.beside(directives).beside(self.selections(node.selection_set))  # type: ignore[attr-defined]
        return size

    def _field(self, node: FieldNode) -> Size:
        if node.name.value in ("__schema", "__type"):
            return Size(depth=1, fields=1)
        below = self.selections(node.selection_set)
        return Size(below.depth + 1, below.fields + 1, below.aliases + (node.alias is not None), below.directives)

    def _fragment(self, name: str) -> Size:
        if name not in self._known:
            self._known[name] = Size()
            fragment = self._fragments.get(name)
            if fragment is not None:
                self._known[name] = self.selections(fragment.selection_set)
        return self._known[name]
