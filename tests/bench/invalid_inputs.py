"""The cost of invalid requests, by kind: CPU per kB, total CPU, and how long another client waits.

Short tokens make a kB expensive, in valid documents too: lexer and parser of graphql-core take their time for each token. So
a kB may cost more than the target where a valid document of as many tokens does; the table shows the ratio.

`make test` counts the work that the same requests make.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLSyntaxError, Lexer, Source, TokenKind

from app.execution.limits import document_size
from tests.bench.client import Bystander, Connection, request
from tests.bench.finding import Finding
from tests.bench.installation import SHIPPED, Installation
from tests.bench.serving import ServerProcess
from tests.execution.invalid_inputs import ANONYMOUS, CALLER, Body, invalid

MS_PER_KB, ANONYMOUS_MS, WAIT_MS = 2, 60, 150
# Ratio to the CPU of a valid document with as many tokens.
TIMES_VALID = 1.5
# The system counts CPU in steps of 10 ms.
TIMES_FOR_CPU, TIMES_FOR_WAITS = 10, 2
_SHOWN = 15
# A valid document of these fields, with a missing operation name: it is validated, but not executed.
_VALID = {
    False: ("a{i}:passwordPolicy{{minimumLength}}", 66),
    True: ("a{i}:accounts(first:1){{nodes{{id name sipRealm active}}}}", 90),
}


async def measure(installation: Installation) -> Finding:
    """The requests to a shipped server, without a key and as an admin."""
    server, key = installation.server(SHIPPED), installation.seeded.admin_key
    kinds: dict[str, tuple[str | None, dict[str, Any]]] = {
        f"{name}, no key": (None, body) for name, body in invalid(ANONYMOUS).items()
    }
    kinds |= {name: (key, body) for name, body in invalid(CALLER).items()}
    valid = {has_key: await _valid(server, key if has_key else None) for has_key in (False, True)}
    found = [await _cpu(server, name, *kind) for name, kind in kinds.items()]
    for each in found:
        each["validMs"] = valid[each["hasKey"]].ms(each["tokens"])
        each["timesValid"] = each["ms"] / each["validMs"]
    async with _bystander(server, key) as bystander:
        for each in found:
            await _ask(server, *kinds[each["input"]], TIMES_FOR_WAITS)
            each["waitMs"] = max(bystander.take(), default=0) * 1000
    found.sort(key=_excess, reverse=True)
    lines = [
        f"{f'invalid input, {len(found)} kinds':58} {'kB':>6} {'tokens':>6} {'CPU ms':>7} {'per kB':>7} {'of valid':>8} "
        f"{'another waits ms':>16}"
    ]
    lines += [
        f"{each['input']:58} {each['kB']:6.1f} {each['tokens']:6} {each['ms']:7.1f} {each['msPerKb']:7.2f} "
        f"{each['timesValid']:8.2f} {each['waitMs']:16.1f}"
        for each in found[:_SHOWN]
    ]
    for has_key, whose in ((False, "without a key"), (True, "with a key")):
        ours = [each for each in found if each["hasKey"] is has_key]
        most = [max(each[name] for each in ours) for name in ("ms", "msPerKb", "waitMs")]
        lines.append(f"{f'the most {whose}':72} {most[0]:7.1f} {most[1]:7.2f} {'':8} {most[2]:16.1f}")
        line = valid[has_key]
        lines.append(f"{f'a valid document {whose}, {line.tokens} tokens':72} {line.ms(line.tokens):7.1f}")
    lines.append(
        f"{'targets (in all: without a key; either per kB, or of valid)':72} {ANONYMOUS_MS:>7} {MS_PER_KB:>7} "
        f"{TIMES_VALID:>8} {WAIT_MS:>16}"
    )
    return Finding({"invalidInputs": found}, lines, [missed for each in found for missed in _missed(each)])


@dataclass(frozen=True)
class _Valid:
    """CPU of valid documents: the shortest, and one with this many tokens."""

    shortest_ms: float
    longest_ms: float
    tokens: int

    def ms(self, tokens: int) -> float:
        return self.shortest_ms + (self.longest_ms - self.shortest_ms) * tokens / self.tokens


async def _valid(server: ServerProcess, key: str | None) -> _Valid:
    part, most = _VALID[key is not None]
    found = []
    for count in (1, most):
        text = " ".join(part.format(i=i) for i in range(count))
        found.append(await _cpu(server, "valid", key, {"query": f"{{{text}}}", "operationName": "other"}))
    return _Valid(found[0]["ms"], found[1]["ms"], found[1]["tokens"])


async def _cpu(server: ServerProcess, name: str, key: str | None, body: Body) -> dict[str, Any]:
    before = server.cpu_seconds()
    size = await _ask(server, key, body, TIMES_FOR_CPU)
    ms = (server.cpu_seconds() - before) * 1000 / TIMES_FOR_CPU
    return {
        "input": name,
        "hasKey": key is not None,
        "kB": size / 1024,
        "tokens": _tokens(
            body["query"], document_size.MAXIMUM_UNAUTHENTICATED_TOKENS if key is None else document_size.MAXIMUM_TOKENS
        ),
        "ms": ms,
        "msPerKb": ms / max(1, size / 1024),
    }


def _tokens(text: str, most: int) -> int:
    """The number of tokens that the server reads: up to the limit, or to an invalid character."""
    lexer = Lexer(Source(text))
    for count in range(most):
        try:
            if lexer.advance().kind is TokenKind.EOF:
                return count
        except GraphQLSyntaxError:
            return count
    return most


async def _ask(server: ServerProcess, key: str | None, body: Body, times: int) -> int:
    """Sends the body with another text each time, so that no response comes from a cache. Returns its length."""
    async with Connection(server.port) as connection:
        for number in range(times):
            raw = json.dumps({**body, "query": f"{body['query']}#{times}.{number}"}).encode()
            sent = request(server.port, key or "", raw)
            if key is None:
                sent = sent.replace(b"Authorization: Bearer \r\n", b"", 1)
            status, _ = await connection.ask(sent)
            assert status < 500, status
    return len(raw)


@contextlib.asynccontextmanager
async def _bystander(server: ServerProcess, key: str) -> Any:
    bystander = Bystander(server.port, request(server.port, key, b'{"query":"{viewer{scope}}"}'))
    asking = asyncio.create_task(bystander.run())
    try:
        yield bystander
    finally:
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking


def _excess(each: dict[str, Any]) -> float:
    """The ratio of the CPU to its limit."""
    return float(each["ms"] / max(MS_PER_KB * max(1, each["kB"]), TIMES_VALID * each["validMs"]))


def _missed(each: dict[str, Any]) -> list[str]:
    over = {
        f"{each['msPerKb']:.2f} ms of CPU per kB, {each['timesValid']:.2f} times a valid document": _excess(each) > 1,
        f"{each['ms']:.1f} ms of CPU": not each["hasKey"] and each["ms"] > ANONYMOUS_MS,
        f"another waits {each['waitMs']:.1f} ms": each["waitMs"] > WAIT_MS,
    }
    return [f"invalid input: {each['input']}: {what}" for what, is_over in over.items() if is_over]
