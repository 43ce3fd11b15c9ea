"""Random valid queries over a schema, the same ones for the same seed."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
)

VARIABLES = {"yes": True, "no": False, "few": 2}
_HEADER = "query Random($yes: Boolean!, $no: Boolean! = false, $few: Int = 3)"


class RandomQueries:
    """`ids` is where ids are taken from, `cursors` those of pages; fields named in `without` are never asked.

    Without `cursors`, what stands in their place is none; with them, pages have a size that they may have.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        seed: int,
        *,
        ids: Sequence[str],
        without: frozenset[str] = frozenset(),
        cursors: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._schema = schema
        self._random = random.Random(seed)
        self._ids = ids
        self._without = without
        self._cursors = cursors
        self._number = 0
        self._fragments: list[str] = []

    def some(self, count: int) -> Iterator[str]:
        for _ in range(count):
            self._number, self._fragments = 0, []
            query = self._selections(self._schema.query_type, 4)
            # The variables are used in every query, since unused ones are refused.
            used = "yes: __typename @include(if: $yes) no: __typename @skip(if: $no) few: accounts(first: $few) { __typename }"
            if "accounts" not in self._schema.query_type.fields:  # type: ignore[union-attr]
                used = "yes: __typename @include(if: $yes) no: __typename @skip(if: $no)"
                yield f"{_HEADER.replace(', $few: Int = 3', '')} {{ {used} {query} }} {' '.join(self._fragments)}"
            else:
                yield f"{_HEADER} {{ {used} {query} }} {' '.join(self._fragments)}"

    def payloads(self, mutation: str, count: int) -> Iterator[str]:
        """Documents of one mutation with the input `$input`, each with another selection of its payload."""
        field = self._schema.mutation_type.fields[mutation]  # type: ignore[union-attr]
        for _ in range(count):
            self._number, self._fragments = 0, []
            asked = self._selections(get_named_type(field.type), 4)
            fragments = " ".join(self._fragments)
            few = ", $few: Int = 3" if "$few" in asked + fragments else ""  # unused variables are refused
            yield (
                f"mutation Random($yes: Boolean!, $no: Boolean! = false{few}, $input: {field.args['input'].type}) {{"
                " yes: __typename @include(if: $yes) no: __typename @skip(if: $no)"
                f" {mutation}(input: $input) {{ {asked} }} }} {fragments}"
            )

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _selections(self, type_: Any, depth: int) -> str:
        chosen = []
        fields = [name for name in type_.fields if name not in self._without]
        for _ in range(self._random.randint(1, 5)):
            name = self._random.choice(fields)
            written = self._field(type_.fields[name], name, depth)
            if written:
                chosen.append(written)
        if self._chance(0.2) or not chosen:
            chosen.append("__typename")
        if isinstance(type_, GraphQLInterfaceType) and depth > 0:
            below = self._random.choice(sorted(self._schema.get_possible_types(type_), key=lambda each: each.name))
            chosen.append(f"... on {below.name} {{ {self._selections(below, depth - 1)} }}")
        elif depth > 0 and self._chance(0.25):
            chosen.append(self._fragment(type_, depth))
        return " ".join(chosen)

    def _field(self, field: GraphQLField, name: str, depth: int) -> str:
        named = get_named_type(field.type)
        if not is_leaf_type(named) and depth <= 0:
            return ""
        arguments = self._arguments(field.args, name)
        alias = ""
        # Fields with arguments get unique aliases: two of one name could differ in their arguments.
        if arguments or self._chance(0.15):
            self._number += 1
            alias = f"x{self._number}: "
        below = "" if is_leaf_type(named) else f" {{ {self._selections(named, depth - 1)} }}"
        return f"{alias}{name}{arguments}{self._directive()}{below}"

    def _directive(self) -> str:
        if not self._chance(0.12):
            return ""
        condition = self._random.choice(["$yes", "$no", "true", "false"])
        return f" @{self._random.choice(['skip', 'include'])}(if: {condition})"

    def _fragment(self, type_: GraphQLObjectType, depth: int) -> str:
        body = f"{{ {self._selections(type_, depth - 1)} }}"
        if self._chance(0.5):
            return f"... on {type_.name}{self._directive()} {body}"
        name = f"F{len(self._fragments)}"
        self._fragments.append("")  # reserves the index, since its selections may add further fragments
        self._fragments[int(name[1:])] = f"fragment {name} on {type_.name} {body}"
        return f"...{name}{self._directive()}"

    def _arguments(self, arguments: dict[str, GraphQLArgument], field: str) -> str:
        written = [
            f"{name}: {self._page_argument(field, name) or self._value(argument.type, name)}"
            for name, argument in arguments.items()
            if (isinstance(argument.type, GraphQLNonNull) or self._chance(0.4))
            and not (name == "orderBy" and "after" in arguments and self._cursors is not None and self._chance(0.5))
        ]
        return f"({', '.join(written)})" if written else ""

    def _page_argument(self, field: str, name: str) -> str | None:
        if self._cursors is None or name not in ("first", "after"):
            return None
        if name == "first":
            return self._random.choice(["1", "2", "3", "20", "$few"])
        return self._random.choice(["null", *(f'"{cursor}"' for cursor in self._cursors.get(field, ()))])

    def _value(self, type_: Any, name: str) -> str:
        if isinstance(type_, GraphQLNonNull):
            return self._value(type_.of_type, name)
        if isinstance(type_, GraphQLList):
            return f"[{self._value(type_.of_type, name)}]"
        if isinstance(type_, GraphQLEnumType):
            return str(self._random.choice(sorted(type_.values)))
        if isinstance(type_, GraphQLInputObjectType):
            chosen = [each for each in type_.fields if self._chance(0.4)]
            return f"{{{', '.join(f'{each}: {self._value(type_.fields[each].type, each)}' for each in chosen)}}}"
        return {
            "ID": lambda: f'"{self._random.choice(self._ids)}"',
            "Int": lambda: str(self._random.choice([0, 1, 1, 2, 2, 20, 100, 100])),
            "Boolean": lambda: self._random.choice(["true", "false"]),
            "DateTime": lambda: self._random.choice(['"2020-01-31T13:37:00Z"', '"2030-01-31T13:37:00+01:00"']),
        }.get(type_.name, lambda: self._random.choice(['"customer"', '"Own"', '"a"', '""', '"+4930"']))()
