"""The import rules of `app/`, checked on the syntax trees: a module's rank is the first folder of its path.

In a git repository they look at tracked files only: `git add` a new module before you check it.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.tracked_files import tracked

FOUNDATION, EXECUTION, DOMAIN, ASSEMBLY = range(1, 5)
RANKS = {"foundation": FOUNDATION, "execution": EXECUTION}
RANKS |= dict.fromkeys(("server", "commands", "demo", "__main__"), ASSEMBLY)
DOMAINS = {
    *("accounts", "service_providers", "users", "api_keys", "applications", "webhooks", "tts_cache", "audit", "calls"),
    *("storage", "recording"),
}
RANKS |= dict.fromkeys(DOMAINS, DOMAIN)
NAMES = {FOUNDATION: "foundation", EXECUTION: "execution", DOMAIN: "a domain", ASSEMBLY: "server, commands or demo"}
# Domains that may import each other; every domain and `accounts` may as well.
MUTUAL = {"users", "api_keys", "service_providers"}
# The floors of a domain; modules with other names are on floor 1.
FLOORS = {"model": 0, "service": 2, "schema": 3, "routes": 3}
NAMED_MODULE = 1
S3_LIBRARIES = {"aioboto3", "aiobotocore", "botocore", "boto3"}
S3_OWNER = "app.storage.aws_sdk"
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "misc", "shared"}
Sources = dict[str, str]
"""The text of each module by its dotted name; a package goes by the name of its folder."""


@dataclass(frozen=True)
class Import:
    """One imported name: `target` is a module of `app` where it is one, else the module of a library."""

    line: int
    target: str
    inside_function: bool


def sources_of(root: Path) -> Sources:
    found = {}
    for path in tracked(root, "app/**/*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text()
    return found


def imports_of(module: str, sources: Sources) -> list[Import]:
    found: list[Import] = []

    def target(base: str, name: str) -> str:
        return f"{base}.{name}" if f"{base}.{name}" in sources else base

    def visit(node: ast.AST, inside: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                found.extend(Import(child.lineno, alias.name, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = "." * child.level + (child.module or "")
                found.extend(Import(child.lineno, target(base, alias.name), inside) for alias in child.names)
            visit(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))

    visit(ast.parse(sources[module]), False)
    return found


def folder_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def floor_of(module: str) -> int:
    parts = module.split(".")
    # `credential_schema` is on the floor of `schema`.
    return FLOORS.get(parts[2].rpartition("_")[2], NAMED_MODULE) if len(parts) > 2 else 0


def wrong(module: str, line: int, what: str, why: str, *steps: str) -> str:
    numbered = " ".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    return f"{module}, line {line}: {what}.\n  Why it matters: {why}.\n  To fix this: {numbered}"


def unranked(sources: Sources) -> Iterator[str]:
    """Entries of `app/` that have no rank."""
    for module in sources:
        if folder_of(module) and folder_of(module) not in RANKS:
            yield wrong(
                module,
                1,
                f"`app/{folder_of(module)}` has no rank",
                "the rank of a module is the first folder of its path, and decides what it may import",
                "move the module into the folder of its noun, or",
                "add a new noun to DOMAINS in tests/support/layout_rules.py.",
            )


def wrong_imports(sources: Sources) -> Iterator[str]:
    """Imports of a higher rank, of a higher floor, by a relative path, or of the container."""
    for module in sources:
        rank = RANKS.get(folder_of(module))
        for found in imports_of(module, sources):
            target_rank = RANKS.get(folder_of(found.target)) if found.target.startswith("app.") else None
            if found.target.startswith("."):
                yield wrong(
                    module,
                    found.line,
                    "imports by a relative path",
                    "imports are checked and read by full names",
                    f"write `from app…` instead of `{found.target}`.",
                )
            elif rank is None or target_rank is None:
                continue
            elif target_rank > rank:
                yield wrong(
                    module,
                    found.line,
                    f"{NAMES[rank]} imports {found.target}",
                    "the ranks are foundation < execution < domains < server, commands, demo; a module imports its own "
                    "rank or a lower one, so that it can be read and tested without the ranks above",
                    "pass what is needed as an argument, or",
                    "move the needed code down to the rank that uses it.",
                )
            elif rank == target_rank == DOMAIN:
                yield from wrong_domain_import(module, found)
            elif target_rank == ASSEMBLY and folder_of(module) == "server" != folder_of(found.target):
                yield wrong(
                    module,
                    found.line,
                    f"server imports {found.target}",
                    "commands and demo start the server; it serves without them, and does not load demo data or local servers",
                    "pass what is needed as an argument, or",
                    "move the needed code to the server, or down to the rank that it is about.",
                )


def wrong_domain_import(module: str, found: Import) -> Iterator[str]:
    if found.target == "app.accounts.schema" and folder_of(module) != "accounts":
        yield wrong(
            module,
            found.line,
            "contents import their container, accounts/schema.py",
            "accounts show what they contain, so this closes a cycle",
            'name the type by string: `fields.to_one("Account", …)`,',
            "or move the field to accounts/schema.py.",
        )
    if floor_of(found.target) > floor_of(module):
        yield wrong(
            module,
            found.line,
            f"imports {found.target}, which stands on a higher floor",
            "model < named modules < service < schema, routes: storing does not depend on doing, nor doing on showing",
            "move the needed code down to the lower floor, or",
            "move the code that needs it up.",
        )


def mutual_imports(sources: Sources) -> Iterator[str]:
    """Pairs of domains that import each other."""
    imports: defaultdict[tuple[str, str], list[tuple[str, Import]]] = defaultdict(list)
    for module in sources:
        for found in imports_of(module, sources):
            pair = folder_of(module), folder_of(found.target) if found.target.startswith("app.") else ""
            if (
                pair[0] != pair[1]
                and DOMAINS.issuperset(pair)
                and "accounts" not in pair
                and not MUTUAL.issuperset(pair)
            ):
                imports[pair].append((module, found))
    for (first, second), places in sorted(imports.items()):
        if (second, first) in imports and len(places) <= len(imports[second, first]):
            module, found = places[0]
            yield wrong(
                module,
                found.line,
                f"imports {found.target}, and {second} imports {first}",
                "two domains that import each other can only be understood together",
                f"move the code to {second}, which may import {first}, or",
                "move the code that both need into the foundation.",
            )


def cycles(sources: Sources) -> Iterator[str]:
    """Modules that import each other, by any number of steps."""
    imports = {
        module: sorted({found.target for found in imports_of(module, sources)} & sources.keys() - {module})
        for module in sources
    }
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> Iterator[str]:
        if module in path:
            cycle = " → ".join([*path[path.index(module) :], module])
            yield wrong(
                module,
                1,
                f"is part of a cycle: {cycle}",
                "modules of a cycle can only be understood, tested and loaded all at once",
                "find the one name in the cycle that the lower module needs, and move it down to that module, or",
                "name a type by string where the import points outwards (`fields.to_one`).",
            )
        elif module not in done:
            for target in imports[module]:
                yield from walk(target, [*path, module])
            done.add(module)

    for module in sources:
        yield from walk(module, [])


def hidden_imports(sources: Sources) -> Iterator[str]:
    """Lazy types, and imports inside functions without a reason."""
    for module, text in sources.items():
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if (isinstance(node, ast.Attribute) and node.attr == "lazy" and ast.unparse(node) == "strawberry.lazy") or (
                isinstance(node, ast.ImportFrom) and any(alias.name == "lazy" for alias in node.names)
            ):
                yield wrong(
                    module,
                    node.lineno,
                    "uses strawberry.lazy",
                    "it hides an import that points the wrong way, and breaks when the module moves",
                    'name the type by string: `fields.to_one("Account", …)` finds it when the schema is built.',
                )
        for found in imports_of(module, sources):
            if found.inside_function and not re.search(r"# noqa: (F401, )?PLC0415\s+\S+ \S+", lines[found.line - 1]):
                yield wrong(
                    module,
                    found.line,
                    f"imports {found.target} inside a function",
                    "it hides an import from the reader of the first lines",
                    "move it to the top of the module; if that closes a cycle, move the code instead;",
                    "where the library is optional, end the line with `# noqa: PLC0415  <the reason>`.",
                )


def s3_elsewhere(sources: Sources) -> Iterator[str]:
    for module in sources:
        for found in imports_of(module, sources):
            if found.target.split(".")[0] in S3_LIBRARIES and module != S3_OWNER:
                yield wrong(
                    module,
                    found.line,
                    f"imports {found.target}",
                    "storage/aws_sdk.py checks hosts, gives credentials and bounds responses; a second way to S3 does not",
                    "call `ObjectStorage`, and add what it lacks there.",
                )


def vague_names(sources: Sources) -> Iterator[str]:
    for module in sources:
        for name in VAGUE_NAMES & set(module.split(".")):
            yield wrong(
                module,
                1,
                f"is called {name}",
                "a module called helpers collects unrelated code that no reader finds",
                "name it for what it does (encryption.py, identifiers.py), or",
                "move each part to the domain whose noun it is about.",
            )


RULES = [unranked, wrong_imports, mutual_imports, cycles, hidden_imports, s3_elsewhere, vague_names]


def broken_rules(sources: Sources) -> list[str]:
    return [problem for rule in RULES for problem in rule(sources)]
