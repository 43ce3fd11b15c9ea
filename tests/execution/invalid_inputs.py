"""Requests with every kind of invalid input, as large as the limits allow: as literals and as variables, by names of all kinds.

The tests count the work that each of them makes, the benchmark measures its time.
"""

import itertools
import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from app.execution.limits import document_size
from app.server.schema import schema

Body = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """The limits of a request."""

    characters: int
    tokens: int
    values: int
    variables_characters: int
    variables: int = document_size.MAXIMUM_VARIABLES
    fragments: int = document_size.MAXIMUM_FRAGMENTS
    arguments: int = document_size.MAXIMUM_ARGUMENTS


_VALUES, _CHARACTERS = document_size.MAXIMUM_VARIABLE_VALUES - 10, document_size.MAXIMUM_CHARACTERS - 500
ANONYMOUS = Size(
    14_000,
    document_size.MAXIMUM_UNAUTHENTICATED_TOKENS - 30,
    _VALUES,
    14_000,
    variables=document_size.MAXIMUM_UNAUTHENTICATED_VARIABLES,
    fragments=document_size.MAXIMUM_UNAUTHENTICATED_FRAGMENTS,
)
CALLER = Size(_CHARACTERS, document_size.MAXIMUM_TOKENS - 30, _VALUES, 500_000)
GATEWAY = Size(_CHARACTERS, CALLER.tokens, document_size.MAXIMUM_VALUES_OF_GATEWAYS - 10, 500_000)


def _random_names() -> Iterator[str]:
    letters = random.Random(5107)
    while True:
        yield "".join(letters.choices(string.ascii_lowercase, k=22))


def _misspelt_names() -> Iterator[str]:
    """The schema's names with one letter more: the most expensive ones to find suggestions for."""
    known = sorted({name for type_ in schema._schema.type_map.values() for name in getattr(type_, "fields", ())})
    for number in itertools.count():
        yield from (f"{name}{'x' * (number + 1)}" for name in known)


NAMES: dict[str, Callable[[], Iterator[str]]] = {
    "short": lambda: (f"n{number}" for number in itertools.count()),
    "random": _random_names,
    "misspelt": _misspelt_names,
    "long": lambda: (letter * 13_000 for letter in string.ascii_lowercase),
}


def _repeated(names: Iterator[str], template: str, tokens: int, size: Size, most: int = 10_000) -> str:
    """The template with one name after another, up to a limit."""
    found: list[str] = []
    left = size.characters
    for number, name in enumerate(itertools.islice(names, min(size.tokens // tokens, most))):
        part = template.format(n=name[: size.characters - 300], i=number)
        left -= len(part) + 1
        if left < 0 and found:
            break
        found.append(part)
    return " ".join(found)


# Of a document: what it is filled into, what stands for each name, its tokens, and how many are allowed (or which limit says so).
_LOGIN = 'email:"a@b.example" password:"x"'
_LITERALS: dict[str, tuple[str, str, int, int | str]] = {
    "types of variables": ("query(%s){{__typename}}", "$v{i}:{n}", 4, "variables"),
    "types of fragments": ("{{%s}}", "...on {n}{{__typename}}", 6, 490),
    "root fields": ("{{%s}}", "{n}", 1, 1_000),
    "fields of what is open": ("{{passwordPolicy{{%s}}}}", "{n}", 1, 990),
    "fields of a payload": ("mutation{{login(input:{{" + _LOGIN + "}}){{%s}}}}", "{n}", 1, 990),
    "fields of rows": ("{{accounts{{nodes{{%s}}}}}}", "{n}", 1, 990),
    "arguments": ("{{passwordPolicy(%s){{__typename}}}}", "{n}:1", 3, "arguments"),
    "arguments of rows": ("{{accounts(%s){{totalCount}}}}", "{n}:1", 3, "arguments"),
    "arguments in many places": (
        "{{%s}}",
        "a{i}:accounts(" + " ".join(f"{{n}}{number}:1" for number in range(6)) + "){{totalCount}}",
        26,
        100,
    ),
    "arguments of directives": ("{{__typename @skip(%s)}}", "{n}:1", 3, "arguments"),
    "input fields": ("mutation{{login(input:{{%s}}){{__typename}}}}", "{n}:1", 3, 10_000),
    "input fields of a configuration": (
        "mutation{{updateRecordingConfig(input:{{%s}}){{__typename}}}}",
        "{n}:1",
        3,
        10_000,
    ),
    "input fields in lists": ("mutation{{reportCalls(input:{{calls:[%s]}}){{__typename}}}}", "{{{n}:1}}", 5, 10_000),
    "enum values": ("{{%s}}", "a{i}:accounts(filter:{{storageStatus:{n}}}){{totalCount}}", 14, 100),
    "enum values in lists": (
        "mutation{{reportCalls(input:{{calls:[%s]}}){{__typename}}}}",
        "{{direction:{n}}}",
        5,
        10_000,
    ),
    "directives": ("{{__typename %s}}", "@{n}", 2, 100),
    "fragments": ("{{%s}}", "...{n}", 2, 500),
    "variables": ("{{%s}}", "a{i}:account(id:${n}){{id}}", 11, 100),
    "unused variables": ("query(%s){{__typename}}", "${n}:ID", 4, "variables"),
    "more variables than allowed": ("query(%s){{__typename}}", "${n}:ID", 4, 10_000),
    "more arguments than allowed": ("{{accounts(%s){{totalCount}}}}", "{n}:1", 3, 10_000),
    "unused fragments": ("{{__typename}}%s", "fragment {n} on Query{{__typename}}", 7, "fragments"),
    "more fragments than allowed": ("{{__typename}}%s", "fragment {n} on Query{{__typename}}", 7, 10_000),
    "values of ids": ("mutation{{reportCalls(input:{{calls:[%s]}}){{__typename}}}}", "{{accountId:{n}}}", 5, 10_000),
    "operations": ("%s", "query {n}{{{n}}}", 5, 50),
    "a syntax error at the end": ("{{%s", "{n}", 1, 10_000),
    "strings in place of a name": ("{{accounts %s}}", '"{n}"', 1, 10_000),
}


def _literals(size: Size, kinds: tuple[str, ...]) -> Iterator[tuple[str, Body]]:
    for (what, (around, template, tokens, most)), kind in itertools.product(_LITERALS.items(), kinds):
        parts = _repeated(NAMES[kind](), template, tokens, size, most if isinstance(most, int) else getattr(size, most))
        yield f"{what}, {kind} names", {"query": around.replace("{{", "{").replace("}}", "}") % parts}
    texts = {
        "quotes that look like an enum's value": "Value '" * (size.characters // 8),
        "text that looks like a value": ", found: " * (size.characters // 10),
        "a value": "x" * (size.characters - 200),
    }
    for what, text in texts.items():
        yield f"{what} for an input", {"query": f'mutation{{login(input:"{text}"){{__typename}}}}'}
        yield f"{what} for an enum", {"query": f'{{accounts(filter:{{storageStatus:"{text}"}}){{totalCount}}}}'}
        yield f"{what} for a name", {"query": f'{{accounts "{text}"'}
    numbers = "1 " * (size.tokens - 20)
    yield "a list of numbers for an id", {"query": f"{{account(id:[{numbers}]){{id}}}}"}
    yield "a list of numbers for an input", {"query": f"mutation{{login(input:[{numbers}]){{__typename}}}}"}
    yield "an argument again and again", {"query": "{accounts(" + "first:1 " * size.arguments + "){totalCount}}"}
    yield (
        "a variable again and again",
        {"query": "query(" + "$first:Int " * size.variables + "){accounts(first:$first){totalCount}}"},
    )
    yield (
        "an input field again and again",
        {"query": "mutation{login(input:{" + 'email:"" ' * (size.tokens // 4) + "}){__typename}}"},
    )
    long = "b" * (size.characters // 2 - 200)
    yield (
        "a long operation with undefined variables",
        {"query": f"query {long}{{" + " ".join(f"a{i}:account(id:$v{i}){{id}}" for i in range(40)) + "}"},
    )
    yield (
        "many lines above unknown fields",
        {"query": "\n" * 4_900 + "{passwordPolicy{" + " ".join(f"field{i}" for i in range(400)) + "}}"},
    )


_QUERY = {
    "login": "mutation($v:LoginInput!){login(input:$v){__typename}}",
    "configuration": "mutation($v:UpdateRecordingConfigInput!){updateRecordingConfig(input:$v){__typename}}",
    "reports": "mutation($v:[CallReportInput!]!){reportCalls(input:{calls:$v}){__typename}}",
    "enum": "query($v:StorageStatus){accounts(filter:{storageStatus:$v}){totalCount}}",
    "id": "query($v:ID!){account(id:$v){id}}",
}


def _variables(size: Size, kinds: tuple[str, ...]) -> Iterator[tuple[str, Body]]:
    def bodies(what: str, query: str, value: Any) -> tuple[str, Body]:
        return what, {"query": _QUERY[query], "variables": {"v": value}}

    for kind in kinds:
        found = list(_within(NAMES[kind](), size))
        halves = found[: len(found) // 2 + 1]
        named = dict.fromkeys(found, 1)
        yield bodies(f"input fields in variables, {kind} names", "login", named)
        yield bodies(f"input fields of a configuration in variables, {kind} names", "configuration", named)
        yield bodies(f"input fields of one report in variables, {kind} names", "reports", named)
        yield bodies(f"input fields of reports in variables, {kind} names", "reports", [{name: 1} for name in halves])
        yield bodies(f"enum values in variables, {kind} names", "reports", [{"direction": name} for name in halves])
        yield f"variables without a definition, {kind} names", {"query": _QUERY["id"], "variables": named}
    most = min(size.variables_characters, 65_000)
    for query in _QUERY:
        yield bodies(
            f"quotes that look like an enum's value, for {query}, in variables", query, "Value '" * (most // 7)
        )
        yield bodies(f"a long value for {query} in variables", query, "x" * most)
        yield bodies(f"a list of numbers for {query} in variables", query, [1] * size.values)
        yield bodies(f"lists in lists for {query} in variables", query, json.loads("[" * 150 + "]" * 150))


def _within(names: Iterator[str], size: Size) -> Iterator[str]:
    left = size.variables_characters
    for name in itertools.islice(names, size.values):
        left -= len(name) + 24  # the text around it
        if left < 0:
            return
        yield name


def invalid(size: Size, kinds: tuple[str, ...] = tuple(NAMES)) -> dict[str, Body]:
    """By what they are."""
    return dict(_literals(size, kinds)) | invalid_variables(size, kinds)


def invalid_variables(size: Size, kinds: tuple[str, ...] = tuple(NAMES)) -> dict[str, Body]:
    return dict(_variables(size, kinds))
