"""The cost of requests in an installation of 1,000 accounts and in one of 100,000.

Measures the CPU time of the server process and of PostgreSQL per request. A ratio is the median over rounds in which both
installations, or both pages, take turns.
"""

import json
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil

from app.accounts import service as accounts
from app.accounts.inputs import NewAccount
from app.api_keys import service as api_keys
from app.commands import migrate
from app.foundation.access import Scope, Viewer
from app.foundation.context import Context, Resources
from app.foundation.database import orm
from app.foundation.encryption import new_key_text
from app.foundation.identifiers import Kind, new_id, sid_of
from app.foundation.permissions import ALL
from app.foundation.settings import Settings
from app.service_providers import service as providers
from tests.bench.client import Connection, request
from tests.bench.finding import Finding
from tests.bench.serving import OURS, ServerProcess
from tests.support.concurrency import moved, multiply
from tests.support.servers.postgres import Postgres

SMALL, LARGE = 1_000, 100_000
ROUNDS, SECONDS = 9, 0.5

_ONE = """query ($id: ID!) { account(id: $id) { id name active sipRealm createdAt version serviceProvider { name }
    apiKeys { nodes { id name accessLevel status createdAt } pageInfo { hasNextPage endCursor } }
    recordingConfig { id enabled audioFormat bucketName region storageStatus version } } }"""
_PAGE = """query ($after: String) { accounts(first: 50, after: $after) { nodes { id name active version apiKeyCount
    serviceProvider { name } } pageInfo { hasNextPage endCursor } } }"""
_KEYS = """query ($id: ID!, $after: String) { account(id: $id) { apiKeys(first: 100, after: $after) {
    nodes { id name accessLevel status createdAt } pageInfo { hasNextPage endCursor } } } }"""
_UPDATE = """mutation ($id: ID!) { updateAccount(input: {id: $id, licensedSessions: 7}) {
    account { id version } userErrors { code } } }"""

GROWTH = {
    "one": ("one account with its keys, recording configuration and provider's name", 1.15),
    "page": ("a page of 50 accounts with their providers' names and numbers of keys", 2.0),
    "keys": ("a page of 100 keys of an account that has as many as there are accounts", 1.15),
    "update": ("an account is changed", 1.15),
}
PAGES = {
    "page": ("the 1,000th page of 50 accounts, by name, against the first", 1.2),
    "keys": ("the 1,000th page of 100 keys of an account against the first", 1.2),
}


@dataclass
class Measured:
    """A served installation, and its request bodies by name."""

    server: ServerProcess
    key: str
    postmaster: psutil.Process
    bodies: dict[str, dict[str, Any]]

    async def cost(self, name: str, seconds: float) -> float:
        """CPU seconds of a request, in the server and in PostgreSQL."""
        raw = request(self.server.port, self.key, json.dumps(self.bodies[name]).encode())
        async with Connection(self.server.port) as connection:
            await _ask(connection, raw, seconds / 5)
            before = self._used()
            count = await _ask(connection, raw, seconds)
            return (self._used() - before) / count

    def _used(self) -> float:
        times = [each.cpu_times() for each in (self.postmaster, *self.postmaster.children())]
        return self.server.cpu_seconds() + float(sum(each.user + each.system for each in times))


async def measure() -> Finding:
    """Each ratio and its target."""
    found = await _measured()
    lines, missed = ["CPU of server and PostgreSQL per request, ratio of the larger to the smaller:"], []
    for title, each in found.items():
        compared = ", ".join(f"{name}: {cost:.2f} ms" for name, cost in each["cpu_ms"].items())
        lines.append(f"{title:75} {each['ratio']:5.2f}× (target: at most {each['at_most']})   {compared}")
        if each["ratio"] > each["at_most"]:
            missed.append(f"{title}: {each['ratio']:.2f}×, target {each['at_most']}×")
    return Finding({"growth": found}, lines, missed)


async def _measured(rounds: int = ROUNDS, seconds: float = SECONDS) -> dict[str, Any]:
    """By title: `ratio`, `at_most`, and `cpu_ms` of both sides. `seconds` is the length of one turn."""
    async with AsyncExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        # Otherwise it would clean up changed rows during another measurement.
        postgres.run("ALTER SYSTEM SET autovacuum = off")
        postgres.run("SELECT pg_reload_conf()")
        small = await stack.enter_async_context(_installation(postgres, SMALL))
        large = await stack.enter_async_context(_installation(postgres, LARGE))
        results = {}
        for name, (title, at_most) in GROWTH.items():
            pair = {f"{SMALL:,}": (small, name), f"{LARGE:,}": (large, name)}
            results[title] = {**await _compare(pair, rounds, seconds), "at_most": at_most}
        for name, (title, at_most) in PAGES.items():
            pair = {"first": (large, f"first {name}"), "1,000th": (large, f"thousandth {name}")}
            results[title] = {**await _compare(pair, rounds, seconds), "at_most": at_most}
        return results


async def _compare(pair: dict[str, tuple[Measured, str]], rounds: int, seconds: float) -> dict[str, Any]:
    order, costs = random.Random(1), []
    for _ in range(rounds):
        turns = list(pair)
        order.shuffle(turns)
        costs.append({turn: await pair[turn][0].cost(pair[turn][1], seconds) for turn in turns})
    one, other = pair
    return {
        "ratio": statistics.median(each[other] / each[one] for each in costs),
        "cpu_ms": {turn: statistics.median(each[turn] for each in costs) * 1000 for turn in pair},
    }


async def _ask(connection: Connection, raw: bytes, seconds: float) -> int:
    """The number of sequential requests that were answered."""
    end, count = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        status, body = await connection.ask(raw)
        assert status == 200, (status, body[:500])
        assert b'"errors"' not in body, body[:500]
        assert b'"userErrors":[{' not in body, body[:500]
        count += 1
    return count


@asynccontextmanager
async def _installation(postgres: Postgres, size: int) -> AsyncIterator[Measured]:
    with tempfile.TemporaryDirectory(prefix="accounts-growth-") as name:
        folder = Path(name)
        keys: dict[str, Any] = {"encryption_keys": f"bench:{new_key_text()}", "hash_key": new_key_text()}
        url = postgres.create(f"growth_{size}")
        settings = Settings(data_dir=folder, database_url=url, **keys)
        key, account = await _seed(settings, size)
        environment = {"DATABASE_URL": url, "DATA_DIR": name, **{each.upper(): text for each, text in keys.items()}}
        connection = await asyncpg.connect(url)
        backend = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
        postmaster = backend.parent()
        assert postmaster is not None
        with ServerProcess(f"of {size}", OURS, environment, folder / "server.log") as server:
            measured = Measured(server, key, postmaster, {})
            measured.bodies = await _bodies(measured, connection, account, size)
            await connection.close()
            yield measured


async def _seed(settings: Settings, size: int) -> tuple[str, UUID]:
    """The key of an admin, and an account with many keys."""
    await migrate.migrate(settings)
    keyring = settings.keyring()
    async with orm.opened(settings, migrating=True) as connection:
        key = await api_keys.create_first_admin(keyring, "bench")
        context = Context(Viewer(Scope.ADMIN, ALL, new_id()), "bench", Resources(settings, keyring, {}))
        provider = await providers.create(context, "Provider")
        new = NewAccount("Of many keys", sid_of(Kind.SERVICE_PROVIDER, provider.id))
        account = await accounts.create(context, new)
        await multiply(connection, provider.id, account.id, accounts=size, providers=size // 10)
    return key, account.id


async def _bodies(measured: Measured, connection: Any, account: UUID, size: int) -> dict[str, dict[str, Any]]:
    """The request bodies; cursors are computed instead of paged to."""
    owner = sid_of(Kind.ACCOUNT, account)
    one = await connection.fetchval(
        "SELECT id FROM accounts WHERE name LIKE 'Crowd %' ORDER BY id OFFSET $1", size // 2
    )
    bodies = {
        "one": _body(_ONE, id=sid_of(Kind.ACCOUNT, one)),
        "page": _body(_PAGE),
        "keys": _body(_KEYS, id=owner),
        "update": _body(_UPDATE, id=sid_of(Kind.ACCOUNT, one)),
    }
    bodies["first page"], bodies["first keys"] = bodies["page"], bodies["keys"]
    ends = {}
    async with Connection(measured.server.port) as client:
        for name in ("page", "keys"):
            raw = request(measured.server.port, measured.key, json.dumps(bodies[name]).encode())
            data = json.loads((await client.ask(raw))[1])["data"]
            listed = data["accounts"] if name == "page" else data["account"]["apiKeys"]
            ends[name] = listed["pageInfo"]["endCursor"]
    by_name = "SELECT id, name_key FROM accounts ORDER BY name_key, id OFFSET $1 LIMIT 1"
    newest = "SELECT id FROM api_keys WHERE account_id = $2 ORDER BY id DESC OFFSET $1 LIMIT 1"
    bodies["keys"] = _body(
        _KEYS, id=owner, after=moved(ends["keys"], await connection.fetchval(newest, size // 2, account))
    )
    if size >= LARGE:
        place = await connection.fetchrow(by_name, 999 * 50 - 1)
        bodies["thousandth page"] = _body(_PAGE, after=moved(ends["page"], place["id"], place["name_key"]))
        key = await connection.fetchval(newest, 999 * 100 - 1, account)
        bodies["thousandth keys"] = _body(_KEYS, id=owner, after=moved(ends["keys"], key))
    return bodies


def _body(query: str, **variables: Any) -> dict[str, Any]:
    return {"query": query, "variables": variables}
