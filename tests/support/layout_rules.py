"""The rules of the house, by `ast` alone: who may import whom, what a module may be called, and that the map tells all."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.tracked_files import tracked

FOUNDATION = {
    *("access", "context", "database", "database_url", "encryption", "errors", "graph"),
    *(
        "identifiers",
        "logs",
        "metrics",
        "names",
        "networks",
        "outbound",
        "paging",
        "postgres_pool",
        "settings",
        "spanning",
        "statements",
    ),
    *("tokens", "exchange", "live", "live_exchange", "masks", "revocations", "valkey_connection"),
    *("local_postgres", "local_postgres_place"),
}
ASSEMBLY = {
    *("main", "worker_process", "schema", "viewer", "form_limits", "authentication", "execution", "graphiql"),
    *(
        "migrating",
        "rewrapping",
        "discarding",
        "drafting",
        "serving",
        "connections",
        "websocket_connections",
        "waiting_connections",
    ),
    *("forwarded", "demo", "demo_calls", "demo_data", "simulator"),
    *("local_receiver", "local_s3", "local_valkey", "__main__"),
}
# The floors of a room; a module with another name stands on the second.
FLOORS = {"model": 0, "service": 2, "schema": 3, "routes": 3}
NAMED_MODULE = 1
S3_LIBRARIES = {"aioboto3", "aiobotocore", "botocore", "boto3"}
S3_OWNER = "app.storage.aws_sdk"
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "misc", "shared"}
Sources = dict[str, str]
"""The text of each module by its dotted name; a package goes by the name of its folder."""


@dataclass(frozen=True)
class Import:
    """One name that a module imports: `target` is a module of ours where it is one, else the library's module."""

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


def place_of(module: str) -> tuple[str, str]:
    """The kind of place (`foundation`, `assembly`, `room` or `nowhere`) and the name of its first part."""
    first = module.split(".")[1] if "." in module else ""
    if first in FOUNDATION:
        return "foundation", first
    if first in ASSEMBLY:
        return "assembly", first
    return ("room" if module.count(".") >= 1 else "nowhere"), first


def floor_of(module: str) -> int:
    parts = module.split(".")
    # `credential_schema` stands where `schema` does.
    return FLOORS.get(parts[2].rpartition("_")[2], NAMED_MODULE) if len(parts) > 2 else 0


def wrong(module: str, line: int, what: str, why: str, *steps: str) -> str:
    numbered = " ".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    return f"{module}, line {line}: {what}.\n  Why it matters: {why}.\n  To fix this: {numbered}"


def wrong_arrows(sources: Sources) -> Iterator[str]:
    """Imports between modules of ours that point the wrong way."""
    for module in sources:
        kind, room = place_of(module)
        for found in imports_of(module, sources):
            if found.target.startswith("."):
                yield wrong(
                    module,
                    found.line,
                    "imports by a relative path",
                    "the arrows are checked and read by full names",
                    f"write `from app…` instead of `{found.target}`.",
                )
                continue
            if not found.target.startswith("app.") or module == found.target:
                continue
            target_kind, _ = place_of(found.target)
            if kind == "foundation" and target_kind != "foundation":
                yield wrong(
                    module,
                    found.line,
                    f"the foundation imports {found.target}",
                    "every room stands on the foundation, so it can stand on none of them",
                    "pass what is needed in as an argument, or",
                    "move the code into the room whose noun it is about.",
                )
            if kind == "room" and target_kind == "assembly":
                yield wrong(
                    module,
                    found.line,
                    f"a room imports {found.target}, which puts the rooms together",
                    "a room must be readable and testable without the whole house",
                    "move what both need into the foundation, or",
                    "let the assembly hand it to the room (see `Context.use`).",
                )
            if kind == "room" and target_kind == "room":
                if found.target == "app.accounts.schema" and room != "accounts":
                    yield wrong(
                        module,
                        found.line,
                        "contents import their container, accounts/schema.py",
                        "accounts show what they contain, so this closes a circle",
                        'name the type by string: `graph.to_one("Account", …)`,',
                        "or move the field to accounts/schema.py.",
                    )
                if floor_of(found.target) > floor_of(module):
                    yield wrong(
                        module,
                        found.line,
                        f"imports {found.target}, which stands on a higher floor",
                        "model < named modules < service < schema, routes: what is stored knows nothing of how it is "
                        "done, and what is done nothing of how it is shown",
                        "move the code that is needed down to the lower floor, or",
                        "move the code that needs it up.",
                    )


def circles(sources: Sources) -> Iterator[str]:
    """Modules that import each other, by any number of steps."""
    arrows = {
        module: sorted({found.target for found in imports_of(module, sources)} & sources.keys() - {module})
        for module in sources
    }
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> Iterator[str]:
        if module in way:
            circle = " → ".join([*way[way.index(module) :], module])
            yield wrong(
                module,
                1,
                f"is part of a circle: {circle}",
                "modules of a circle can only be understood, tested and loaded all at once",
                "find the one name in the circle that the lower module needs, and move it down to that module, or",
                "name a type by string where the arrow points outwards (`graph.to_one`).",
            )
        elif module not in done:
            for target in arrows[module]:
                yield from walk(target, [*way, module])
            done.add(module)

    for module in sources:
        yield from walk(module, [])


def dodges(sources: Sources) -> Iterator[str]:
    """Ways around the arrows: lazy types, and imports inside functions without a reason."""
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
                    "it hides an arrow that points the wrong way, and breaks when the module moves",
                    'name the type by string: `graph.to_one("Account", …)` looks it up when the graph is put together.',
                )
        for found in imports_of(module, sources):
            if found.inside_function and not re.search(r"# noqa: (F401, )?PLC0415\s+\S+ \S+", lines[found.line - 1]):
                yield wrong(
                    module,
                    found.line,
                    f"imports {found.target} inside a function",
                    "it hides an arrow from the reader of the first lines",
                    "move it to the top of the module; if that closes a circle, move the code instead;",
                    "where the library is only there sometimes, end the line with `# noqa: PLC0415  <the reason>`.",
                )


def s3_elsewhere(sources: Sources) -> Iterator[str]:
    for module in sources:
        for found in imports_of(module, sources):
            if found.target.split(".")[0] in S3_LIBRARIES and module != S3_OWNER:
                yield wrong(
                    module,
                    found.line,
                    f"imports {found.target}",
                    "recording/aws_sdk.py is where hosts are checked, credentials are given and answers are bounded; "
                    "another way to S3 has none of it",
                    "ask `ObjectStorage` for what is needed, and if it cannot do it yet, teach it there.",
                )


def vague_names(sources: Sources) -> Iterator[str]:
    for module in sources:
        for name in VAGUE_NAMES & set(module.split(".")):
            yield wrong(
                module,
                1,
                f"is called {name}",
                "a drawer called things fills with things, and nobody finds them",
                "name it for what it does (encryption.py, identifiers.py), or",
                "move each part to the room whose noun it is about.",
            )


def lost_modules(sources: Sources) -> Iterator[str]:
    """Modules that the map does not tell, and lines of the map that lead nowhere."""
    map_ = ast.get_docstring(ast.parse(sources["app"])) or ""
    told = set(re.findall(r"\b(\w+\.py|\w+/)", map_))
    for module in sources:
        parts = module.split(".")[1:]
        if not parts or (len(parts) == 2 and parts[1] in FLOORS):
            continue
        is_package = any(other.startswith(f"{module}.") for other in sources)
        sign = f"{parts[-1]}/" if is_package else f"{parts[-1]}.py"
        own_map = ast.get_docstring(ast.parse(sources[module.rpartition(".")[0]])) or ""
        if sign not in told and sign not in own_map:
            yield wrong(
                module,
                1,
                f"is not on the map in app/__init__.py (as `{sign}`)",
                "the map is where everybody starts to read",
                f"add `{sign}` there, beside its neighbours, with what it is for in a few words.",
            )
    exists = {f"{part}{end}" for module in sources for part in module.split(".") for end in (".py", "/")}
    for sign in sorted(told - exists):
        yield wrong(
            "app",
            1,
            f"the map shows `{sign}`, which is not there",
            "a map that is wrong in one place is trusted in none",
            "take it off the map, or correct its name.",
        )


RULES = [wrong_arrows, circles, dodges, s3_elsewhere, vague_names, lost_modules]


def broken_rules(sources: Sources) -> list[str]:
    return [problem for rule in RULES for problem in rule(sources)]
