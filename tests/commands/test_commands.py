"""Commands for operators: what they change, print and reject."""

import importlib.metadata
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.accounts.model import Account
from app.audit.model import AuditEvent
from app.calls.model import Call, RecordingState
from app.commands import reencrypt
from app.demo.local_s3 import free_ports
from app.foundation.encryption import Keyring, key_from_text, new_key_text
from app.foundation.idempotency.model import IdempotencyRecord
from app.foundation.identifiers import Kind, new_id, parse_sid, sid_of
from app.storage import credentials
from app.storage.model import AudioFormat
from tests.commands.test_reencrypt import opened
from tests.recording.recorded import target_in
from tests.server.test_metrics import metrics, number
from tests.support.commands import ended, ended_process, environment_of, run, serving
from tests.support.installation import Installation, Person, World


async def test_maintain_deletes_audit_events_after_400_days_or_after_audit_days(installation: Installation) -> None:
    now = datetime.now(UTC)
    async with installation.database():
        for days in (401, 399, 31, 29):
            await AuditEvent.create(at=now - timedelta(days=days), operation=f"{days} days")
        for hours in (25, 23):
            old: dict[str, Any] = {
                "actor_id": new_id(),
                "operation": "createAccount",
                "key": str(hours),
                "input_hash": b"",
            }
            await IdempotencyRecord.create(**old, created_at=now - timedelta(hours=hours))
    printed = (await run(installation, "maintain")).splitlines()
    assert {"1 audit events deleted", "1 idempotency records deleted", "0 calls deleted"} <= set(printed)
    async with installation.database():
        assert await AuditEvent.filter(operation__contains="days").count() == 3
    assert "2 audit events deleted" in (await run(installation, "maintain", AUDIT_DAYS="30")).splitlines()
    async with installation.database():
        assert [event.operation for event in await AuditEvent.filter(operation__contains="days")] == ["29 days"]


async def test_reencrypt_secrets_encrypts_with_the_first_key_and_a_second_run_has_nothing_to_do(
    installation: Installation, world: World
) -> None:
    newer = new_key_text()
    keys = {"ENCRYPTION_KEYS": f"newer:{newer},{world.encryption_keys}"}
    assert (await run(installation, "reencrypt-secrets", **keys)).startswith("6 secrets")
    assert (await run(installation, "reencrypt-secrets", **keys)).startswith("0 secrets")
    async with installation.database():
        alone = Keyring({"newer": key_from_text(newer)}, b"h" * 32)
        assert len(await opened(alone)) == 6


@pytest.mark.parametrize("command", ["migrate", "serve", "create-admin", "maintain", "reencrypt-secrets"])
@pytest.mark.parametrize(
    ("place", "reason"),
    [("127.0.0.1:9", "Connect call failed"), ("no.such.host.invalid:5432", "Name or service not known")],
)
async def test_an_unreachable_database_is_named_in_one_line_without_its_password(
    tmp_path: Path, command: str, place: str, reason: str
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": f"postgres://someone:pass-word@{place}/accounts",
        "ENCRYPTION_KEYS": f"k1:{new_key_text()}",
        "HASH_KEY": new_key_text(),
    }
    status, printed, errors = await ended(environment, command)
    *named, said = errors.splitlines()
    # `serve` names the database in the first line of its log.
    assert named == ([] if command == "serve" else [f"Database: PostgreSQL accounts at {place}"])
    assert (status, printed) == (1, "")
    assert said.startswith(f"PostgreSQL accounts at {place} does not answer (")
    assert reason in said
    assert said.endswith("Check DATABASE_URL.")
    assert "pass-word" not in said


async def test_create_admin_names_its_database(tmp_path: Path) -> None:
    _, printed, said = await ended({"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)}, "create-admin")
    assert said.startswith(f"Database: PostgreSQL embedded in {tmp_path}\n")
    assert printed.startswith("vgk_")


@pytest.mark.parametrize("options", [[], ["--email", "ann@example.com"]])
async def test_create_admin_rejects_an_invalid_name(tmp_path: Path, options: list[str]) -> None:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)}
    status, printed, said = await ended(environment, "create-admin", "--name", "x" * 65, *options)
    assert (status, printed) == (1, "")
    assert said.endswith("The name has 65 characters; at most 64 are allowed.\n")


@pytest.mark.parametrize("command", ["maintain", "reencrypt-secrets"])
async def test_commands_that_change_data_name_their_database(installation: Installation, command: str) -> None:
    status, printed, said = await ended(environment_of(installation.settings), command)
    assert (status, said) == (0, f"Database: {installation.settings.database_display_name}\n")
    assert printed


async def test_reencrypt_secrets_names_a_missing_key_in_one_line(installation: Installation) -> None:
    other = f"other:{new_key_text()}"
    status, printed, said = await ended(
        environment_of(installation.settings, ENCRYPTION_KEYS=other), "reencrypt-secrets"
    )
    assert (status, printed) == (1, "")
    assert said.splitlines()[1:] == [
        "ENCRYPTION_KEYS lacks keys of secrets in the database: 'test'. "
        "Add them behind the others; if one is lost, see: python -m app discard-secrets --help"
    ]


async def test_a_server_without_a_key_of_stored_secrets_does_not_start(installation: Installation) -> None:
    other = f"other:{new_key_text()}"
    status, printed, said = await ended(environment_of(installation.settings, ENCRYPTION_KEYS=other), "serve")
    assert (status, printed) == (1, "")
    assert said == (
        "ENCRYPTION_KEYS lacks keys of secrets in the database: 'test'. "
        "Add them behind the others; if one is lost, see: python -m app discard-secrets --help\n"
    )


async def test_missing_keys_are_found_at_both_ends_of_a_table(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reencrypt, "_SAMPLE_ROWS", 1)
    keyring = Keyring({"newer": b"n" * 32}, b"h" * 32)
    async with installation.database():
        assert await reencrypt.missing_keys(installation.resources.keyring) == []
        rows = await Account.all().order_by("id").values_list("id", flat=True)
        for row_id, key_id in ((rows[0], "first"), (rows[1], "between"), (rows[-1], "last")):
            location: dict[str, Any] = {"table": "accounts", "column": "webhook_secret", "row": row_id}
            blob = Keyring({key_id: b"k" * 32}, b"h" * 32).seal("secret", **location)
            await Account.filter(id=row_id).update(webhook_secret=blob)
        assert await reencrypt.missing_keys(keyring) == ["first", "last", "test"]
        await Account.all().update(webhook_secret=b"damaged")
        assert await reencrypt.missing_keys(installation.resources.keyring) == []


async def test_the_version_of_the_command_the_first_log_line_and_the_metrics_is_that_of_the_package(
    installation: Installation, admin: Person
) -> None:
    version = importlib.metadata.version("voice-gateway-accounts")
    assert await ended_process({}, "--version") == (0, f"{version}\n", "")
    (port,) = free_ports(1)
    async with serving(environment_of(installation.settings), port) as (_, lines):
        pass
    first = json.loads(lines[0])
    assert (first["event"], first["version"]) == ("serving", version)
    assert number((await metrics(admin)).text, f'vga_build_info{{version="{version}"}}') == 1


async def test_the_demo_command_of_an_installed_wheel_names_the_repository(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "app.demo", None)
    assert await ended(environment_of(installation.settings), "demo") == (
        1,
        "",
        "The demo is not part of the installed package. Run `make run` in a checkout of the repository.\n",
    )


async def stored_call(installation: Installation) -> str:
    """The id of a call that claims a recording in a bucket."""
    account_id, target = parse_sid(Kind.ACCOUNT, installation.world["own"]), target_in("https://s3.example.com")
    assert account_id is not None
    async with installation.database():
        call = await Call.create(
            account_id=account_id,
            gateway_call_id="stored",
            started_at=datetime.now(UTC),
            recording_state=RecordingState.STORED,
            recording_format=AudioFormat.WAV,
            recording_size_bytes=1,
            recording_duration_ms=1,
            recording_vendor=target.vendor,
            recording_endpoint_url=target.endpoint_url,
            recording_bucket=target.bucket,
            recording_region=target.region,
            recording_key="2026/01/31/call.wav",
            recording_credential_id=await credentials.get_or_create(installation.resources.keyring, account_id, target),
        )
    return sid_of(Kind.CALL, call.id)


async def test_the_metrics_show_when_maintain_last_succeeded(installation: Installation, admin: Person) -> None:
    name = "vga_maintain_last_success_timestamp_seconds"
    assert number((await metrics(admin)).text, name) == 0
    before = time.time()
    await run(installation, "maintain")
    assert before - 1 < number((await metrics(admin)).text, name) < time.time() + 1


async def test_maintain_fails_when_it_cannot_record_its_success(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    status, printed, said = await ended(environment_of(installation.settings, DATA_DIR=str(file)), "maintain")
    assert (status, printed != "") == (1, True)
    assert said.splitlines()[1:] == [
        "The maintenance is done, but its time could not be written for the metrics "
        f"(File exists: {file}). Check DATA_DIR."
    ]


async def test_only_serve_writes_metrics(installation: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    environment = environment_of(installation.settings, PROMETHEUS_MULTIPROC_DIR=str(folder))
    for command in ("migrate", "create-admin", "maintain", "reencrypt-secrets"):
        status, _, wrong = await ended_process(environment, command)
        assert status == 0, wrong
        assert list(folder.iterdir()) == [], command


@pytest.mark.parametrize("public", ["", "https://api.example.com"])
async def test_recording_urls_follow_the_options_of_the_command_in_every_worker(
    installation: Installation, public: str
) -> None:
    call_id = await stored_call(installation)
    (port,) = free_ports(1)
    workers = ["--workers", "2"]
    environment = environment_of(installation.settings, PUBLIC_URL=public)
    async with serving(environment, port, "--host", "0.0.0.0", *workers) as (client, lines):
        admin = Person(client, installation.world.tokens["admin"])
        answer = await admin.ask("query ($id: ID!) { call(id: $id) { recording { url } } }", id=call_id)
    url = answer.only("call")["recording"]["url"]
    assert url.startswith(f"{public or f'http://127.0.0.1:{port}'}/recordings/")
    warnings = [entry for line in lines if "PUBLIC_URL" in (entry := json.loads(line))["event"]]
    assert [entry["base_url"] for entry in warnings] == ([] if public else [f"http://127.0.0.1:{port}"])


async def test_adopting_all_recordings_starts_the_embedded_database(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)}
    assert (await ended(environment, "migrate"))[0] == 0
    status, _, said = await ended(environment, "spool", "--adopt", "all")
    assert status == 0, said
