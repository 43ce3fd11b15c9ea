"""The commands that an operator runs beside the servers: `maintain` and `rewrap-secrets`, as processes of their own."""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.audit.model import AuditEvent
from app.encryption import Keyring, key_from_text, new_key_text
from app.idempotency.model import IdempotencyRecord
from app.identifiers import new_id
from tests.installation import Installation, World
from tests.test_rewrapping import opened


async def run(installation: Installation, command: str, **changed: str) -> str:
    """What a command prints, on the installation's database."""
    settings, world = installation.settings, installation.world
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "ENCRYPTION_KEYS": world.encryption_keys,
        "HASH_KEY": world.hash_key,
        **changed,
    }
    arguments = [sys.executable, "-m", "app", command]
    process = await asyncio.create_subprocess_exec(
        *arguments, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    return printed.decode()


async def test_maintain_forgets_what_is_older_than_400_days_unless_told_otherwise(installation: Installation) -> None:
    now = datetime.now(UTC)
    async with installation.database():
        for days in (401, 399, 31, 29):
            await AuditEvent.create(at=now - timedelta(days=days), operation=f"{days} days")
        for hours in (25, 23):
            old = {"actor_id": new_id(), "operation": "createAccount", "key": str(hours), "input_hash": b""}
            await IdempotencyRecord.create(**old, created_at=now - timedelta(hours=hours))
    told = (await run(installation, "maintain")).splitlines()
    assert {"1 audit events forgotten", "1 idempotency records forgotten", "0 calls forgotten"} <= set(told)
    async with installation.database():
        assert await AuditEvent.filter(operation__contains="days").count() == 3
    assert "2 audit events forgotten" in (await run(installation, "maintain", AUDIT_DAYS="30")).splitlines()
    async with installation.database():
        assert [event.operation for event in await AuditEvent.filter(operation__contains="days")] == ["29 days"]


async def test_rewrap_secrets_seals_with_the_first_key_and_finds_nothing_to_do_again(
    installation: Installation, world: World
) -> None:
    newer = new_key_text()
    keys = {"ENCRYPTION_KEYS": f"newer:{newer},{world.encryption_keys}"}
    assert (await run(installation, "rewrap-secrets", **keys)).startswith("6 secrets")
    assert (await run(installation, "rewrap-secrets", **keys)).startswith("0 secrets")
    async with installation.database():
        alone = Keyring({"newer": key_from_text(newer)}, b"h" * 32)
        assert len(await opened(alone)) == 6


@pytest.mark.parametrize("command", ["migrate", "serve", "create-admin"])
@pytest.mark.parametrize(
    ("place", "reason"),
    [("127.0.0.1:9", "Connect call failed"), ("no.such.host.invalid:5432", "Name or service not known")],
)
async def test_a_database_that_is_not_there_is_named_in_one_line_without_its_password(
    tmp_path: Path, command: str, place: str, reason: str
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": f"postgres://someone:pass-word@{place}/accounts",
        "ENCRYPTION_KEYS": f"k1:{new_key_text()}",
        "HASH_KEY": new_key_text(),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", command),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, wrong = await process.communicate()
    *named, said = wrong.decode().splitlines()
    # A server's lines are all JSON: its own names the database in the log's first.
    assert named == ([] if command == "serve" else [f"Database: PostgreSQL accounts at {place}"])
    assert (process.returncode, printed) == (1, b"")
    assert said.startswith(f"PostgreSQL accounts at {place} does not answer (")
    assert reason in said
    assert said.endswith("Check DATABASE_URL.")
    assert "pass-word" not in said


async def test_whoever_makes_an_admin_is_told_in_which_database(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "create-admin"),
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, said = await process.communicate()
    assert said.decode().startswith(f"Database: SQLite {tmp_path}/accounts.sqlite3\n")
    assert printed.decode().startswith("vgk_")


@pytest.mark.parametrize("options", [[], ["--email", "ann@example.com"]])
async def test_a_name_that_nobody_can_have_is_refused_to_whoever_makes_an_admin(
    tmp_path: Path, options: list[str]
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "create-admin", "--name", "x" * 65, *options),
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, said = await process.communicate()
    assert (process.returncode, printed) == (1, b"")
    assert said.decode().endswith("The name has 65 characters; at most 64 are allowed.\n")
