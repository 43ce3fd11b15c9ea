"""The engine runs a schema of its own, without any domain."""

import subprocess
import sys

from tests.execution import own_schema
from tests.support.servers.postgres import Postgres


def test_the_engine_runs_a_schema_of_its_own_by_both_executors_without_any_domain(postgres: Postgres) -> None:
    url = postgres.create("own_schema")
    command = [sys.executable, "-m", own_schema.__name__, url]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    finally:
        postgres.drop(url)
    assert done.returncode == 0, done.stderr
