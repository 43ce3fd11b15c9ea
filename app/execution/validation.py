"""Validates documents by graphql-core's rules, in stages. The first stage that finds an error ends validation.

To graphql-core a stage is one rule. It caches per process which of its rules handle each kind of node. graphql-core looks this up
for every document, which costs more than validating a short one, and calls every rule for every node.
"""

from collections.abc import Callable, Iterable
from functools import cache

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldsOnCorrectTypeRule,
    FragmentDefinitionNode,
    FragmentsOnCompositeTypesRule,
    GraphQLError,
    GraphQLSchema,
    KnownArgumentNamesRule,
    KnownDirectivesRule,
    KnownFragmentNamesRule,
    KnownTypeNamesRule,
    NoUnusedFragmentsRule,
    OperationDefinitionNode,
    ScalarLeafsRule,
    ValidationContext,
    ValidationRule,
    ValuesOfCorrectTypeRule,
    VariablesAreInputTypesRule,
    specified_rules,
    validate,
)
from graphql.language import BREAK, Node, VisitorAction
from graphql.language.visitor import EnterLeaveVisitor, VisitorActionEnum
from graphql.validation import ASTValidationContext
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from app.execution.invalid_values import LocatedValuesRule, OneOfRule


def errors_of(schema: GraphQLSchema, document: DocumentNode, maximum_errors: int) -> list[GraphQLError]:
    """The errors of the first stage that finds any."""
    errors = _unused_fragments(document, maximum_errors)
    if errors:
        return errors
    for stage in STAGES:
        errors = validate(schema, document, [stage], maximum_errors, hide_suggestions=True)
        if errors:
            return errors
    return []


def _unused_fragments(document: DocumentNode, most: int) -> list[GraphQLError]:
    """The first errors of graphql-core's rule, without validating the fragments: that takes 7 ms for a kB."""
    context = ASTValidationContext(document, lambda _: None)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    used = {node.name.value for node in context.get_recursively_referenced_fragments_for_operations(operations)}
    fragments = (node for node in document.definitions if isinstance(node, FragmentDefinitionNode))
    unused = [node for node in fragments if node.name.value not in used][:most]
    return [GraphQLError(f"Fragment '{node.name.value}' is never used.", node) for node in unused]


Skipped = Node | VisitorActionEnum | None
"""The node whose children a rule skips, or BREAK."""
Handle = Callable[..., VisitorAction | None] | None
Handler = tuple[int, Handle, Handle]


class Stage(ValidationRule):
    """Several rules as one, with the same results as graphql-core's `ParallelVisitor`."""

    rules: tuple[type[ASTValidationRule], ...] = ()

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._rules = [rule(context) for rule in self.rules]
        # For each rule the node whose children it skips, or BREAK.
        self._skipped: list[Skipped] = [None] * len(self._rules)

    def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
        known = self.enter_leave_map.get(kind)
        if known is None:
            handlers = [
                (index, self._method(index, enter), self._method(index, leave))
                for index, enter, leave in _handlers(self.rules, kind)
            ]
            known = self.enter_leave_map[kind] = self._delegates(handlers) if handlers else _NO_HANDLERS
        return known

    def _method(self, index: int, name: str | None) -> Handle:
        found: Handle = getattr(self._rules[index], name) if name else None
        return found

    def _delegates(self, handlers: list[Handler]) -> EnterLeaveVisitor:
        skipped = self._skipped

        def enter(node: Node, *place: object) -> None:
            for index, handle, _ in handlers:
                if handle and skipped[index] is None:
                    skipped[index] = _skipped_by(handle(node, *place), node)

        def leave(node: Node, *place: object) -> None:
            for index, _, handle in handlers:
                if skipped[index] is node:
                    skipped[index] = None
                elif handle and skipped[index] is None:
                    skipped[index] = _skipped_by(handle(node, *place), None)

        return EnterLeaveVisitor(enter, leave)


def _skipped_by(action: VisitorAction | None, node: Node | None) -> Skipped:
    if action is None:
        return None
    return BREAK if action is BREAK else node


_NO_HANDLERS = EnterLeaveVisitor(None, None)


@cache
def _handlers(rules: tuple[type[ASTValidationRule], ...], kind: str) -> list[tuple[int, str | None, str | None]]:
    """The rules that handle a kind of node: their indexes, and the names of their methods."""
    found = [
        (index, _method(rule, (f"enter_{kind}", "enter")), _method(rule, (f"leave_{kind}", "leave")))
        for index, rule in enumerate(rules)
    ]
    return [(index, enter, leave) for index, enter, leave in found if enter or leave]


def _method(rule: type[ASTValidationRule], names: Iterable[str]) -> str | None:
    return next((name for name in names if getattr(rule, name, None)), None)


# These rules find most errors, and cost least.
class KnownNames(Stage):
    rules: tuple[type[ASTValidationRule], ...] = (
        KnownTypeNamesRule,
        FragmentsOnCompositeTypesRule,
        VariablesAreInputTypesRule,
        ScalarLeafsRule,
        FieldsOnCorrectTypeRule,
        KnownFragmentNamesRule,
        KnownDirectivesRule,
        KnownArgumentNamesRule,
        LocatedValuesRule,
    )


class OtherRules(Stage):
    rules = tuple(
        rule
        for rule in specified_rules
        if rule not in (*KnownNames.rules, ValuesOfCorrectTypeRule, NoUnusedFragmentsRule)
    )


class StrawberryRules(Stage):
    """Strawberry's rules rely on what the other stages check."""

    rules = (MaybeNullValidationRule, OneOfRule)


STAGES = (KnownNames, OtherRules, StrawberryRules)
