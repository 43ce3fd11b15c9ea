"""The costliest accepted operations: time in the database, and a worker's CPU.

An operation repeats one kind of field as often as the cost limit allows. The database is `spread.py`'s: 60,000 accounts and two
million calls. Its time is from pg_stat_statements, planning included. On a busy machine its CPU time (of all backends, parallel
workers included) says more.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from app.execution.documents import Documents
from app.execution.limits.cost import Cost
from app.foundation.access import Scope
from app.foundation.encryption import new_key_text
from app.foundation.settings import Settings
from app.server.schema import schema
from tests.bench.client import Connection, request
from tests.bench.finding import Finding
from tests.bench.serving import OURS, ServerProcess
from tests.bench.spread import Spread, spread
from tests.support.servers.postgres import Postgres

DATABASE_MS, CPU_MS = 1_000, 500
# One operation has at most 100 aliases.
_MOST, _TIMES = 90, 3
_DOCUMENTS = Documents(schema._schema)
_SCOPES = {"admin": Scope.ADMIN, "account": Scope.ACCOUNT}
TAKEN = "SELECT COALESCE(SUM(total_exec_time + total_plan_time), 0) FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat%'"


@dataclass(frozen=True)
class Kind:
    """A field to repeat in an operation: its caller, and fields that are selected once."""

    who: str
    field: str
    once: str = ""

    def text(self, times: int) -> str:
        fields = " ".join(f"a{number}: {self.field}" for number in range(times))
        return f"{{ {self.once} {fields} }}"

    def worst(self) -> str:
        """The operation with as many repetitions as are accepted."""
        scope = _SCOPES.get(self.who, Scope.SERVICE_PROVIDER)
        times = _MOST
        while times > 1 and _is_refused(self.text(times), scope):
            times -= 1
        return self.text(times)


def kinds(spread: Spread) -> dict[str, Kind]:
    """All kinds by name."""
    month = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    account, provider = f'account(id: "{spread.account}")', f'serviceProviderId: "{spread.provider}"'
    found: dict[str, Kind] = {}
    for who in ("admin", "provider"):
        for given in ('search: "zzzz"', "storageStatus: UNVERIFIED", "recordingEnabled: false", "active: true"):
            asked = f"accounts(first: 1, filter: {{{given}}})"
            found[f"{who}: accounts, {given}, counted"] = Kind(who, f"{asked} {{ totalCount nodes {{ id }} }}")
        for given in ('operation: "x"', 'excludeOperations: ["createAccount"]', f'actorId: "US{0:032x}"'):
            asked = f"auditEvents(first: 1, filter: {{{given}}})"
            found[f"{who}: events, {given[:24]}"] = Kind(who, f"{asked} {{ totalCount nodes {{ id }} }}")
    for who in ("admin", "provider", "few", "silent", "old", "account"):
        found[f"{who}: recent calls"] = Kind(who, "recentCalls(first: 100) { nodes { id } }")
        for given in (
            "answered: false",
            f'since: "{month}", fromPrefix: "+9999"',
            'gatewayCallId: "none"',
            "hasRecording: true",
            'applicationId: "AP019aaaaaaaaa7aaa8aaaaaaaaaaaaaaa"',
        ):
            asked = f"recentCalls(first: 100, filter: {{{given}}})"
            found[f"{who}: recent calls, {given[:24]}, counted"] = Kind(who, f"{asked} {{ totalCount nodes {{ id }} }}")
    found["account: its calls, answered: false, counted"] = Kind(
        "account",
        f"{account} {{ recentCalls(first: 100, filter: {{answered: false}}) {{ totalCount nodes {{ id }} }} }}",
    )
    found["admin: numbers of accounts of providers"] = Kind(
        "admin", f"accounts(first: 100, filter: {{{provider}}}) {{ nodes {{ serviceProvider {{ accountCount }} }} }}"
    )
    found["admin: numbers of keys of an account"] = Kind(
        "admin", f"{account} {{ apiKeys(first: 100) {{ nodes {{ account {{ apiKeyCount }} }} }} }}"
    )
    found["admin: users, counted"] = Kind(
        "admin", 'users(first: 1, filter: {emailContains: "zz"}) { totalCount nodes { id } }'
    )
    found["admin: pages of 100"] = Kind("admin", "accounts(first: 100) { nodes { id name } }")
    denied = "apiKeys { nodes { id } }"
    found["provider: pages of 100 with a denied field"] = Kind(
        "provider", "accounts(first: 100) { nodes { id } }", denied
    )
    found["account: calls with a denied field"] = Kind("account", "recentCalls(first: 100) { nodes { id } }", denied)
    found["provider: pages in pages with a denied field"] = Kind(
        "provider", "accounts(first: 100) { nodes { recentCalls(first: 100) { nodes { account { id } } } } }", denied
    )
    return found


@contextmanager
def counting_postgres() -> Iterator[Postgres]:
    """A PostgreSQL with pg_stat_statements, including planning."""
    with Postgres() as postgres:
        postgres.run("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
        postgres.run("ALTER SYSTEM SET pg_stat_statements.track_planning = on")
        postgres.stop()
        postgres.start()
        yield postgres


async def measure() -> Finding:
    """The costliest accepted operation of each kind; the costliest first."""
    with counting_postgres() as postgres, tempfile.TemporaryDirectory(prefix="accounts-costs-") as name:
        folder = Path(name)
        keys: dict[str, Any] = {"encryption_keys": f"bench:{new_key_text()}", "hash_key": new_key_text()}
        url = postgres.create("costs")
        filled = await spread(Settings(data_dir=folder, database_url=url, database_timeout_seconds=120, **keys))
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE EXTENSION pg_stat_statements")
        environment = {"DATABASE_URL": url, "DATA_DIR": name, **{each.upper(): text for each, text in keys.items()}}
        with ServerProcess("costs", OURS, environment, folder / "server.log") as server:
            results = {each: await _worst(server, connection, filled, kind) for each, kind in kinds(filled).items()}
        await connection.close()
    results = dict(sorted(results.items(), key=lambda each: -each[1]["database_ms"]))
    return Finding({"costs": results}, list(_lines(results)), list(_missed(results)))


async def _worst(server: ServerProcess, connection: Any, filled: Spread, kind: Kind) -> dict[str, Any]:
    """The best of some runs: the rest is other work of the machine."""
    text = kind.worst()
    raw = request(server.port, filled.keys[kind.who], json.dumps({"query": text}).encode())
    postmaster = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()")).parent()
    taken = []
    async with Connection(server.port) as client:
        await client.ask(raw)
        for _ in range(_TIMES):
            await connection.execute("SELECT pg_stat_statements_reset()")
            cpu, of_database = server.cpu_seconds(), _cpu(postmaster)
            await client.ask(raw)
            found = (await connection.fetchval(TAKEN), _cpu(postmaster) - of_database, server.cpu_seconds() - cpu)
            taken.append(found)
    scope = _SCOPES.get(kind.who, Scope.SERVICE_PROVIDER)
    return {
        "times": text.count(f": {kind.field}"),
        "cost": _cost(text).total(None, scope),
        "database_ms": min(each[0] for each in taken),
        "database_cpu_ms": min(each[1] for each in taken) * 1000,
        "cpu_ms": min(each[2] for each in taken) * 1000,
    }


def _cpu(postmaster: Any) -> float:
    """CPU seconds of the database, including ended backends."""
    times = [each.cpu_times() for each in postmaster.children()]
    ended = postmaster.cpu_times()
    return float(ended.children_user + ended.children_system + sum(each.user + each.system for each in times))


def _is_refused(text: str, scope: Scope) -> bool:
    """Whether it is refused for its cost or the size of its document."""
    return bool(_DOCUMENTS.read(text).errors) or _cost(text).refusal(None, scope) is not None


def _cost(text: str) -> Cost:
    return next(iter(_DOCUMENTS.read(text).operations.values())).cost


def _lines(results: dict[str, Any]) -> Iterator[str]:
    columns = f"{'times':>5} {'cost':>7} {'database ms':>12} {'its CPU ms':>11} {'CPU ms':>7}"
    yield f"{'the costliest accepted operation of a kind':70} {columns}"
    for name, each in results.items():
        numbers = f"{each['database_ms']:12.0f} {each['database_cpu_ms']:11.0f} {each['cpu_ms']:7.0f}"
        yield f"{name:70} {each['times']:5} {each['cost']:7,} {numbers}"
    yield f"{'targets, at most':70} {'':5} {'':7} {DATABASE_MS:12} {'':11} {CPU_MS:7}"


def _missed(results: dict[str, Any]) -> Iterator[str]:
    for name, each in results.items():
        if each["database_ms"] > DATABASE_MS or each["cpu_ms"] > CPU_MS:
            yield f"costs: {name}: {each['database_ms']:.0f} ms of the database, {each['cpu_ms']:.0f} ms of CPU"
