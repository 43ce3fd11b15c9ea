"""The log: one JSON object per line, and never a secret, a variable's value or a header.

A server of its own process answers everything that can go wrong with secrets in it, at the level DEBUG, and all that it
wrote (both streams) is read afterwards.
"""

import asyncio
import contextlib
import io
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from app.foundation import logging
from tests.support.installation import Person, seed
from tests.support.log_traffic import SERVER, Caller, Heard, everything, garbage
from tests.support.servers.postgres import Postgres
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
async def heard(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Heard:
    folder = tmp_path_factory.mktemp("logged")
    url = postgres.create("logged")
    world = await seed(folder, url)
    found = Heard()
    found.secrets |= {*world.tokens.values(), world.hash_key, world.encryption_keys.partition(":")[2]}
    found.secrets |= {f"secret-of-{place}-recordings" for place in ("own", "sibling", "foreign")}
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(folder),
        "DATABASE_URL": url,
        "ENCRYPTION_KEYS": world.encryption_keys,
        "HASH_KEY": world.hash_key,
        "PORT": str(free_port()),
        "LOG_LEVEL": "DEBUG",
        "ALLOWED_ORIGINS": "https://portal.example.com",
        "OUTBOUND_ALLOWED_HOSTS": "127.0.0.1",
    }
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SERVER), stdout=log, stderr=log, env=environment, cwd=ROOT
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{environment['PORT']}", timeout=30) as client:
                await listening(client, process)
                await everything(Caller(client, found), world)
                await garbage(int(environment["PORT"]), found)
            # The error of the abandoned task is logged.
            await until(lambda: b"never retrieved" in (folder / "log").read_bytes())
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            await process.wait()
    found.text = (folder / "log").read_text(errors="replace")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def listening(client: httpx.AsyncClient, process: Any) -> None:
    async def answers() -> bool:
        assert process.returncode is None, "the server did not start"
        with contextlib.suppress(httpx.TransportError):
            await client.get("/schema.graphql", headers={"Authorization": "Basic bm9ib2R5"})
            return True
        return False

    await until(answers)


async def test_no_line_holds_a_secret_or_a_value_that_was_sent(heard: Heard) -> None:
    assert len(heard.secrets) > 50
    leaked = {secret: line for line in heard.lines for secret in heard.secrets if secret.lower() in line.lower()}
    assert leaked == {}, "log what happened and where, not with what (see app/foundation/logging.py)"


async def test_the_log_covers_errors_with_secrets(heard: Heard) -> None:
    assert {"INTERNAL_SERVER_ERROR", "UNAUTHENTICATED", "BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED"} <= set(heard.codes)
    errors = {entry["error"] for entry in heard.events("masked error")}
    assert {"RuntimeError", "IntegrityError"} <= errors
    assert {entry.get("logger") for entry in heard.entries} >= {"library", "asyncio", "uvicorn.error", "botocore.auth"}
    assert heard.events("python warning")
    assert heard.events("unraisable exception")
    assert heard.events("Task exception was never retrieved")


async def test_a_masked_error_says_where_it_happened(heard: Heard) -> None:
    for entry in heard.events("masked error"):
        assert entry["path"] == "createAccount"
        assert entry["frames"]
        assert entry["request_id"] in heard.request_ids


async def test_every_line_is_a_json_object_with_its_time_and_level(heard: Heard) -> None:
    assert len(heard.lines) > 50
    for line in heard.lines:
        entry = json.loads(line)
        assert {"event", "level", "at"} <= entry.keys(), line


async def test_each_request_has_one_line_with_the_id_of_its_response(heard: Heard) -> None:
    logged = [entry["request_id"] for entry in heard.events("request")]
    assert len(set(logged)) == len(logged)
    assert set(heard.request_ids) <= set(logged)
    assert len(set(heard.request_ids)) == len(heard.request_ids)


async def test_a_line_has_the_id_of_the_callers_key(heard: Heard) -> None:
    asked = [entry for entry in heard.events("request") if entry.get("scope")]
    assert {entry["scope"] for entry in asked} == {"ADMIN", "ACCOUNT"}
    assert all(entry["key"] and entry["duration_ms"] >= 0 for entry in asked)


@contextlib.contextmanager
def written(level: str) -> Iterator[io.BytesIO]:
    """The standard output at a log level."""
    out = io.BytesIO()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stdout", SimpleNamespace(buffer=out))
        logging.configure(level)
        yield out
    logging.configure("INFO")


async def logged(level: str, app: ASGIApp, path: str = "/somewhere") -> tuple[httpx.Response, list[dict[str, Any]]]:
    """The response to a request, and its log lines."""
    transport = httpx.ASGITransport(logging.RequestLog(logging.InternalErrors(app)))
    with written(level) as out:
        async with httpx.AsyncClient(transport=transport, base_url="http://accounts.test") as client:
            answer = await client.get(path)
    return answer, [json.loads(line) for line in out.getvalue().splitlines()]


async def test_only_operations_of_authenticated_callers_are_named_in_the_log(admin: Person, stranger: Person) -> None:
    named = []
    for person, field in ((admin, "viewer { scope }"), (stranger, "passwordPolicy { minimumLength }")):
        with written("INFO") as out:
            for text in (f"query Mine{'e' * 100} {{ {field} }}", f"{{ {field} }}"):
                assert (await person.ask(text)).errors == []
        named += [json.loads(line).get("operation") for line in out.getvalue().splitlines()]
    assert named == ["Mine" + "e" * 60, None, None, None]


@pytest.mark.parametrize(("level", "lines"), [("DEBUG", 1), ("INFO", 1), ("WARNING", 0), ("ERROR", 0)])
async def test_requests_have_lines_from_the_level_info_on(level: str, lines: int) -> None:
    answer, entries = await logged(level, PlainTextResponse("ok"))
    assert (answer.status_code, len(answer.headers["x-request-id"])) == (200, 32)
    assert len(entries) == lines
    for entry in entries:
        assert entry["request_id"] == answer.headers["x-request-id"]
        shown = entry["event"], entry["level"], entry["status"], entry["path"]
        assert shown == ("request", "info", 200, "/somewhere")
        assert abs(datetime.fromisoformat(entry["at"]) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
async def test_internal_errors_are_logged_at_every_log_level(level: str) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError

    for app, status in ((PlainTextResponse("away", 503), 503), (broken, 500)):
        answer, entries = await logged(level, app)
        assert answer.status_code == status
        assert [(entry["level"], entry["status"]) for entry in entries] == [("error", status)]


async def test_a_failing_websocket_is_logged_as_an_error() -> None:
    async def broken(_: Any, __: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        raise RuntimeError

    async def nothing(*_: Any) -> Any: ...

    with written("ERROR") as out:
        await logging.RequestLog(broken)({"type": "websocket", "path": "/record"}, nothing, nothing)
    [entry] = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (entry["level"], entry["status"], entry["error"]) == ("error", 101, "RuntimeError")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/wp-login.php", "/wp-login.php"),
        ("/nowhere?signature=abc&access_token=def", "/nowhere"),
        ("/a%0A%7B%22event%22:%22forged%22%7D", "/a%0A%7B%22event%22%3A%22forged%22%7D"),
        ("/gr%C3%B6%C3%9Fe", "/gr%C3%B6%C3%9Fe"),
        ("/%ff%fe", "/%EF%BF%BD%EF%BF%BD"),
        (f"/keys/vgk_{'A' * 12}_{'b' * 49}/rest", "/keys/***/rest"),
        (f"/{'ab/' * 1_000}", f"/{'ab/' * 66}a..."),
        (f"/recordings/CA{'0' * 32}.mp3", f"/recordings/CA{'0' * 32}.mp3"),
    ],
)
async def test_an_unknown_path_is_logged_bounded_escaped_and_without_secrets(path: str, shown: str) -> None:
    _, [entry] = await logged("INFO", PlainTextResponse("nothing", 404), path)
    assert (entry["status"], entry["path"]) == (404, shown)


@pytest.mark.parametrize(
    "wrong",
    [
        {"DATABASE_URL": "postgres://somebody:Zq7hidden@127.0.0.1:9/none"},
        {"DATABASE_URL": "mysql://somebody:Zq7hidden@127.0.0.1:9/none"},
        {"ENCRYPTION_KEYS": "Zq7hidden"},
        {"ENCRYPTION_KEYS": "k1:Zq7hidden"},
        {"HASH_KEY": "Zq7hidden"},
    ],
    ids=["database away", "wrong scheme", "key without id", "short key", "short hash key"],
)
async def test_a_server_that_cannot_start_logs_why_without_secrets(wrong: dict[str, str], tmp_path: Path) -> None:
    keys = {"ENCRYPTION_KEYS": f"k1:{'A' * 43}=", "HASH_KEY": f"{'A' * 43}="}
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), **keys, **wrong, "LOG_LEVEL": "DEBUG"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "serve"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        cwd=ROOT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode in (1, 2), out
    assert out.strip()
    assert b"Zq7hidden" not in out
    assert b"Traceback" not in out, out.decode()
