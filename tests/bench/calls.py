"""Calls: how fast gateways report them, and the cost of a page among a million calls (CALLS=10M: ten million).

Measures the CPU time of the server, or of a script that inserts by hand, and of PostgreSQL. A ratio is the median over rounds in
which both take turns.
"""

import gc
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil
from strawberry import Some

from app.accounts import service as accounts
from app.accounts.inputs import NewAccount
from app.api_keys import service as api_keys
from app.api_keys.owner import OwnerChoice
from app.applications import service as applications
from app.calls.keys import id_at
from app.commands import migrate
from app.foundation.access import Scope, Viewer
from app.foundation.context import Context, Resources
from app.foundation.database import orm
from app.foundation.encryption import new_key_text
from app.foundation.identifiers import Kind, new_id, sid_of
from app.foundation.outbound.guard import OutboundGate
from app.foundation.permissions import ALL, AccessLevel
from app.foundation.settings import Settings
from app.service_providers import service as providers
from app.webhooks.rules import WebhookChange
from tests.bench.client import Connection, request
from tests.bench.finding import Finding
from tests.bench.serving import OURS, ServerProcess
from tests.calls.many_calls import DAYS, add_calls, make_past_months
from tests.support.concurrency import moved
from tests.support.servers.postgres import Postgres

BATCH, ROUNDS, BATCHES = 1_000, 9, 4
PAGE_ROUNDS, PAGE_SECONDS = 15, 0.4
AT_LEAST, AT_MOST = 0.4, 1.2
_REPORT = """mutation ($input: ReportCallsInput!) { reportCalls(input: $input) { acceptedCount rejected { index }
    userErrors { code } } }"""
_PAGE = """query ($id: ID!, $after: String, $filter: CallFilter) { account(id: $id) {
    recentCalls(first: 20, after: $after, filter: $filter) { nodes { id direction from to startedAt durationSeconds sipStatus
    application { name } recording { state } } pageInfo { hasNextPage endCursor } } } }"""
_COLUMNS = (
    *("id", "account_id", "application_id", "gateway_call_id", "direction", "from_number", "to_number", "started_at"),
    *("answered_at", "ended_at", "sip_status", "termination_reason", "trunk", "trace_id"),
    *("recording_state", "recording_attempts", "updated_at"),
)
_INSERT = (
    f"INSERT INTO calls ({', '.join(_COLUMNS)}) VALUES ({', '.join(f'${n}' for n in range(1, len(_COLUMNS) + 1))})"
)


def count_of_calls() -> int:
    """From the environment: `CALLS=10M`."""
    text = os.environ.get("CALLS", "1M")
    return int(text.removesuffix("M")) * 1_000_000 if text.endswith("M") else int(text)


@dataclass
class Served:
    """A server over a database with many calls."""

    server: ServerProcess
    connection: asyncpg.Connection
    postmaster: psutil.Process
    key: str
    gateway: str
    account: UUID
    application: UUID

    def used(self) -> float:
        """CPU seconds of the server and PostgreSQL so far."""
        return self.server.cpu_seconds() + self.used_by_postgres()

    def used_by_postgres(self) -> float:
        times = [each.cpu_times() for each in (self.postmaster, *self.postmaster.children())]
        return float(sum(each.user + each.system for each in times))


async def measure() -> Finding:
    """Both ratios and their targets."""
    calls = count_of_calls()
    async with _served(calls) as served:
        reports, pages = await _reports(served), await _pages(served, calls)
    lines = [
        f"reportCalls: {reports['rows_per_cpu_second']:,.0f} rows per CPU second in batches of {BATCH}, asyncpg's executemany "
        f"{reports['by_hand_rows_per_cpu_second']:,.0f}: {reports['ratio']:.2f}× (target: at least {AT_LEAST})",
        f"by wall clock {reports['rows_per_second']:,.0f} and {reports['by_hand_rows_per_second']:,.0f} rows per second: "
        f"{reports['ratio_by_clock']:.2f}×",
        f"a page of 20 of {calls:,} calls, the 1,000th against the first:",
    ]
    missed = [lines[0]] if reports["ratio"] < AT_LEAST else []
    for name, found in pages.items():
        line = f"{name:20} {found['ratio']:5.2f}× (target: at most {AT_MOST})   {found['first_ms']:.2f} ms of CPU for the first"
        lines.append(line)
        missed += [line] if found["ratio"] > AT_MOST else []
    return Finding({"recording": {"report_calls": reports, "recent_calls": {"calls": calls, **pages}}}, lines, missed)


async def _reports(served: Served) -> dict[str, Any]:
    order, rounds = random.Random(1), []
    ways = {"ours": _report, "by_hand": _insert}
    for number in range(ROUNDS + 1):
        turns = list(ways)
        order.shuffle(turns)
        taken = {turn: await ways[turn](served, number) for turn in turns}
        if number:  # the first one warms up what both need
            rounds.append(taken)
    rows = BATCH * BATCHES

    def median(of: Any) -> float:
        return float(statistics.median(of(each) for each in rounds))

    return {
        "ratio": median(lambda each: each["by_hand"][0] / each["ours"][0]),
        "ratio_by_clock": median(lambda each: each["by_hand"][1] / each["ours"][1]),
        "at_least": AT_LEAST,
        "rows_per_cpu_second": median(lambda each: rows / each["ours"][0]),
        "by_hand_rows_per_cpu_second": median(lambda each: rows / each["by_hand"][0]),
        "rows_per_second": median(lambda each: rows / each["ours"][1]),
        "by_hand_rows_per_second": median(lambda each: rows / each["by_hand"][1]),
    }


async def _report(served: Served, number: int) -> tuple[float, float]:
    """CPU seconds and seconds of some batches."""
    bodies = []
    for batch in range(BATCHES):
        rows = [_reported(served, f"{number}-{batch}-{row}@gateway") for row in range(BATCH)]
        bodies.append(json.dumps({"query": _REPORT, "variables": {"input": {"calls": rows}}}).encode())
    raws = [request(served.server.port, served.gateway, body) for body in bodies]
    async with Connection(served.server.port) as client:
        begun, used = time.perf_counter(), served.used()
        for raw in raws:
            status, body = await client.ask(raw)
            assert status == 200, body[:500]
            assert f'"acceptedCount":{BATCH}'.encode() in body, body[:500]
        return served.used() - used, time.perf_counter() - begun


async def _insert(served: Served, number: int) -> tuple[float, float]:
    """Inserts the same rows directly, without the keys that make reports idempotent."""
    batches = [
        [_row(served, _reported(served, f"by hand {number}-{batch}-{row}")) for row in range(BATCH)]
        for batch in range(BATCHES)
    ]
    gc.collect()
    begun, used = time.perf_counter(), served.used_by_postgres() + time.process_time()
    for batch in batches:
        await served.connection.executemany(_INSERT, batch)
    return served.used_by_postgres() + time.process_time() - used, time.perf_counter() - begun


def _reported(served: Served, known_as: str) -> dict[str, Any]:
    began = datetime.now(UTC) - timedelta(seconds=100)
    return {
        "accountId": sid_of(Kind.ACCOUNT, served.account),
        "callId": known_as,
        "applicationId": sid_of(Kind.APPLICATION, served.application),
        "direction": "INBOUND",
        "from": f"+4930{random.randrange(10**7):07}",
        "to": f"+4989{random.randrange(10**7):07}",
        "startedAt": began.isoformat(),
        "answeredAt": (began + timedelta(seconds=5)).isoformat(),
        "endedAt": (began + timedelta(seconds=90)).isoformat(),
        "sipStatus": 200,
        "terminationReason": "caller hung up",
        "trunk": "Carrier 1",
        "traceId": random.randbytes(16).hex(),
    }


def _row(served: Served, given: dict[str, Any]) -> tuple[Any, ...]:
    began, answered, ended = (datetime.fromisoformat(given[name]) for name in ("startedAt", "answeredAt", "endedAt"))
    return (
        *(id_at(began), served.account, served.application, given["callId"], "INBOUND", given["from"], given["to"]),
        *(began, answered, ended, 200, given["terminationReason"], given["trunk"], given["traceId"]),
        *("NONE", 0, datetime.now(UTC)),
    )


async def _pages(served: Served, calls: int) -> dict[str, Any]:
    """By the name of a filter: the ratio of the thousandth page's cost to the first one's."""
    now = datetime.now(UTC)
    filters = {
        "unfiltered": (None, "true"),
        "by application": (
            {"applicationId": sid_of(Kind.APPLICATION, served.application)},
            f"application_id = '{served.application}'",
        ),
        "by time range": (
            {
                "since": (now - timedelta(days=DAYS * 0.9)).isoformat(),
                "until": (now - timedelta(days=DAYS * 0.1)).isoformat(),
            },
            f"id < '{UUID(int=int((now - timedelta(days=DAYS * 0.1)).timestamp() * 1000) << 80)}'",
        ),
    }
    await served.connection.execute("VACUUM ANALYZE calls")
    found = {}
    for name, (given, condition) in filters.items():
        found[name] = await _compared(served, given, condition)
    return found


async def _compared(served: Served, given: dict[str, Any] | None, condition: str) -> dict[str, Any]:
    variables = {"id": sid_of(Kind.ACCOUNT, served.account), "filter": given}
    async with Connection(served.server.port) as client:
        _, body = await client.ask(_raw(served, variables))
        end = json.loads(body)["data"]["account"]["recentCalls"]["pageInfo"]["endCursor"]
        place = await served.connection.fetchval(
            f"SELECT id FROM calls WHERE account_id = $1 AND {condition} ORDER BY id DESC OFFSET $2 LIMIT 1",
            served.account,
            999 * 20 - 1,
        )
        raws = {"first": _raw(served, variables), "thousandth": _raw(served, {**variables, "after": moved(end, place)})}
        order, rounds = random.Random(1), []
        for _ in range(PAGE_ROUNDS):
            turns = list(raws)
            order.shuffle(turns)
            rounds.append({turn: await _cost(served, client, raws[turn]) for turn in turns})
    return {
        "ratio": statistics.median(each["thousandth"] / each["first"] for each in rounds),
        "at_most": AT_MOST,
        "first_ms": statistics.median(each["first"] for each in rounds) * 1000,
        "thousandth_ms": statistics.median(each["thousandth"] for each in rounds) * 1000,
    }


async def _cost(served: Served, client: Connection, raw: bytes) -> float:
    """CPU seconds of a request."""
    end, count, used = time.perf_counter() + PAGE_SECONDS, 0, served.used()
    while time.perf_counter() < end:
        status, body = await client.ask(raw)
        assert status == 200, body[:500]
        assert body.count(b'"direction"') == 20, body[:500]
        count += 1
    return (served.used() - used) / count


def _raw(served: Served, variables: dict[str, Any]) -> bytes:
    return request(served.server.port, served.key, json.dumps({"query": _PAGE, "variables": variables}).encode())


@asynccontextmanager
async def _served(calls: int) -> AsyncIterator[Served]:
    with Postgres() as postgres, tempfile.TemporaryDirectory(prefix="accounts-calls-") as name:
        # Otherwise it would clean up reported rows during another measurement.
        postgres.run("ALTER SYSTEM SET autovacuum = off")
        postgres.run("SELECT pg_reload_conf()")
        folder = Path(name)
        keys: dict[str, Any] = {"encryption_keys": f"bench:{new_key_text()}", "hash_key": new_key_text()}
        url = postgres.create("calls")
        settings = Settings(data_dir=folder, database_url=url, **keys)
        key, gateway, account, application = await _seed(settings, calls)
        environment = {"DATABASE_URL": url, "DATA_DIR": name, **{each.upper(): text for each, text in keys.items()}}
        connection = await asyncpg.connect(url)
        await connection.execute("VACUUM ANALYZE")
        backend = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
        postmaster = backend.parent()
        assert postmaster is not None
        with ServerProcess("calls", OURS, environment, folder / "server.log") as server:
            yield Served(server, connection, postmaster, key, gateway, account, application)
        await connection.close()


async def _seed(settings: Settings, calls: int) -> tuple[str, str, UUID, UUID]:
    """The keys of an admin and a gateway, an account with these calls, and its application with a tenth of them."""
    await migrate.migrate(settings)
    keyring = settings.keyring()
    async with orm.opened(settings, migrating=True) as connection:
        key = await api_keys.create_first_admin(keyring, "bench")
        opened = Resources(settings, keyring, {OutboundGate: OutboundGate([])})
        context = Context(Viewer(Scope.ADMIN, ALL, new_id()), "bench", opened)
        provider = sid_of(Kind.SERVICE_PROVIDER, (await providers.create(context, "Provider")).id)
        account = await accounts.create(context, NewAccount("Of many calls", provider))
        webhook = WebhookChange("https://hooks.example.com/calls")
        hotline = applications.ApplicationPatch(name=Some("Hotline"), calling_webhook=Some(webhook))
        new = applications.NewApplication(sid_of(Kind.ACCOUNT, account.id), hotline)
        application = await applications.create(context, new)
        _, gateway = await api_keys.create(
            context, api_keys.NewApiKey("gateway", AccessLevel.GATEWAY, owner=OwnerChoice(service_provider_id=provider))
        )
        await make_past_months()
        await add_calls(connection, account.id, calls, application=application.id)
    assert gateway is not None
    return key, gateway, account.id, application.id
