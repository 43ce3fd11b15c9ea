"""The cost of an operation that is not cached yet, and of a refusal."""

import json
import statistics
import time
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, parse, visit
from graphql.language import Visitor

from app.execution.compiler.arguments import arguments_of
from app.execution.compiler.compile import compile_query
from app.server.schema import schema
from tests.bench.client import DATA, ERRORS, load, request
from tests.bench.finding import Finding
from tests.bench.installation import SHIPPED, Installation
from tests.bench.workloads import ACCOUNT, ACCOUNTS

COMPILE_MS, DENIED_MS = 15, 2
_FIELDS, _TIMES = 60, 50
# More texts than requests in a turn: none is cached when it arrives.
_TEXTS = 4_000
# This many fields.
_WIDE = ACCOUNT.replace("serviceProvider { id name }", "serviceProvider { id name active createdAt updatedAt version }")


async def measure(installation: Installation) -> Finding:
    """Milliseconds of CPU."""
    seeded, account_id = installation.seeded, installation.seeded.read_account_ids[0]
    texts: list[dict[str, Any]] = [
        {"query": f"{_WIDE}#{number}", "variables": {"id": account_id}} for number in range(_TEXTS)
    ]
    denied: list[dict[str, Any]] = [{"query": ACCOUNTS, "variables": {"first": 50}}]
    compile_ms = _compile_ms()
    first_ms = await _request_ms(installation, seeded.admin_key, texts, DATA)
    denied_ms = await _request_ms(installation, seeded.account_key, denied, ERRORS)
    lines = [
        f"compiling an operation of {_FIELDS} fields: {compile_ms:.1f} ms, target under {COMPILE_MS} ms",
        f"its whole request, its text never seen before: {first_ms:.1f} ms",
        f"a request of which three fields are denied: {denied_ms:.2f} ms, target under {DENIED_MS} ms",
    ]
    over = (compile_ms >= COMPILE_MS, False, denied_ms >= DENIED_MS)
    missed = [line for line, is_over in zip(lines, over, strict=True) if is_over]
    numbers = {"compileMs": compile_ms, "firstRequestMs": first_ms, "deniedMs": denied_ms}
    return Finding(numbers, lines, missed)


def _compile_ms() -> float:
    """The median of many runs in this process, after parsing and validation."""
    operation = parse(_WIDE).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert _count(operation) == _FIELDS, _count(operation)
    taken = []
    for _ in range(_TIMES):
        begun = time.process_time()
        compile_query(schema._schema, operation, {}, lambda _node: True, arguments_of)
        taken.append(time.process_time() - begun)
    return statistics.median(taken) * 1000


def _count(operation: OperationDefinitionNode) -> int:
    found: list[FieldNode] = []

    class Finder(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            found.append(node)

    visit(operation, Finder())
    return len(found)


async def _request_ms(installation: Installation, key: str, requests: list[dict[str, Any]], expected: bytes) -> float:
    server = installation.server(SHIPPED)
    raws = [request(server.port, key, json.dumps(each).encode()) for each in requests]
    await load(server.port, raws, 0.2, expected=expected)
    before = server.cpu_seconds()
    done = await load(server.port, raws, installation.seconds, expected=expected)
    return (server.cpu_seconds() - before) / done.count * 1000
