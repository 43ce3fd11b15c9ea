"""python -m tests.bench: measures the server against a handwritten one, prints tables, writes var/bench.json.

Ratios are from one run on one machine, in CPU per request, which other work on the machine disturbs least.
Exits with 1 when a target is missed. `docs/architecture.md` says with which options its numbers were made.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import uvloop

from tests.bench import (
    attacking,
    costs,
    growth,
    holding,
    invalid_inputs,
    latency,
    limits,
    many_accounts,
    memory,
    one_byte,
    ratios,
    recording,
    verifying,
)
from tests.bench.finding import Finding
from tests.bench.installation import Installation, opened
from tests.bench.seeding import ACCOUNTS, KEYS_EACH
from tests.bench.serving import ROOT

_PACKAGES = (
    "strawberry-graphql",
    "graphql-core",
    "starlette",
    "uvicorn",
    "uvloop",
    "tortoise-orm",
    "asyncpg",
    "orjson",
    "aioboto3",
)
# The parts on the installation, in this order. A new part is a module with `measure`, and a line here.
_ON_SERVERS: dict[str, Callable[[Installation], Awaitable[Finding]]] = {
    "read": ratios.measure,
    "p99": latency.measure,
    "limits": limits.measure,
    "memory": memory.measure,
    "attacks": attacking.measure,
    "invalid": invalid_inputs.measure,
}
_ALONE: dict[str, Callable[[], Awaitable[Finding]]] = {
    "growth": growth.measure,
    "costs": costs.measure,
    "many-accounts": many_accounts.measure,
    "verification": verifying.measure,
    "recording": recording.measure,
    "one-byte": one_byte.measure,
    "holding": holding.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one server's turn (default: 1.5)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server for each number (default: 5)")
    parser.add_argument("--only", choices=(*_ON_SERVERS, *_ALONE), help="measure only this part")
    options = parser.parse_args()
    results = uvloop.run(_run(options.seconds, options.rounds, options.only))
    path = ROOT / "var" / "bench.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=2))
    for missed in results["missed"]:
        print(f"MISSED  {missed}")
    print(f"written to {path.relative_to(ROOT)}")
    return 1 if results["missed"] else 0


async def _run(seconds: float, rounds: int, only: str | None) -> dict[str, Any]:
    """Prints each finding as soon as it is there, and returns all of them."""
    results = _circumstances(seconds, rounds)
    if only is None or only in _ON_SERVERS:
        async with opened(seconds, rounds) as installation:
            results["postgresql"] = installation.postgresql
            print(f"PostgreSQL {installation.postgresql}; {ACCOUNTS} accounts with {KEYS_EACH} keys each; one worker")
            for name, measure in _ON_SERVERS.items():
                if only in (None, name) or name == "memory":  # which costs little
                    _add(results, await measure(installation))
    for name, alone in _ALONE.items():
        if only in (None, name):
            _add(results, await alone())
    return results


def _circumstances(seconds: float, rounds: int) -> dict[str, Any]:
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    versions = {name: version(name) for name in _PACKAGES}
    print(f"{machine['cores']} cores, Python {machine['python']}; turns of {seconds:g} s, medians of {rounds} rounds")
    print(", ".join(f"{name} {number}" for name, number in versions.items()))
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": seconds,
        "rounds": rounds,
        "machine": machine,
        "versions": versions,
        "missed": [],
    }


def _add(results: dict[str, Any], finding: Finding) -> None:
    results |= finding.numbers
    results["missed"] += finding.missed
    print("", *finding.lines, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
