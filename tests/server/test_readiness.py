"""Health and readiness of a worker, and a worker without one of its keys."""

import asyncio
from typing import Any

import pytest

from app.execution import responses as answers
from app.foundation.encryption import Keyring
from app.foundation.settings import Settings
from app.server import asgi, lifespan
from tests.support.installation import Installation, Person, World


async def test_a_worker_whose_database_answers_is_ready(installation: Installation) -> None:
    answer = await installation.client.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ready\n")


async def test_a_running_worker_is_healthy(installation: Installation) -> None:
    answer = await installation.client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


@pytest.mark.parametrize("are_in_a_file", [True, False])
async def test_a_server_with_keys_in_a_file_next_to_its_database_warns_at_its_start(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, *, are_in_a_file: bool
) -> None:
    said: list[str] = []
    monkeypatch.setattr(lifespan._log, "warning", said.append, raising=False)
    monkeypatch.setattr(Settings, "uses_key_file", are_in_a_file)
    app = asgi.create_app(installation.settings)
    async with app.router.lifespan_context(app):
        pass
    assert any(text.startswith("the encryption keys come from a file") for text in said) == are_in_a_file


async def test_a_secret_whose_key_is_missing_is_unavailable_and_logged(
    installation: Installation, world: World, provider: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def note(event: str, **more: Any) -> None:
        said.append(f"{event} {more['error']} {more['path']}")

    monkeypatch.setattr(answers._log, "error", note, raising=False)
    keyring = installation.resources.keyring
    monkeypatch.setattr(keyring, "_ciphers", Keyring({"other": b"o" * 32}, b"h" * 32)._ciphers)
    answer = await provider.ask("query ($id: ID!) { account(id: $id) { name webhookSecret } }", id=world["own"])
    assert [(error["extensions"]["code"], error["message"]) for error in answer.errors] == [
        (
            "SERVICE_UNAVAILABLE",
            "A stored secret cannot be read: its key is missing in ENCRYPTION_KEYS. Tell the operator of this server.",
        )
    ]
    assert said == ["masked error KeyMissing account.webhookSecret"]


async def test_concurrent_probes_share_one_statement(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answers = [], asyncio.Event()

    async def execute(_: Any, query: str) -> tuple[int, list[dict[str, str]]]:
        asked.append(query)
        await answers.wait()
        return 1, [{"transaction_read_only": "off"}]

    running = installation.app.state.server.state
    monkeypatch.setattr(type(running.database.db()), "execute_query", execute)
    probes = [asyncio.create_task(installation.client.get("/readyz")) for _ in range(20)]
    for _ in range(100):
        await asyncio.sleep(0)
    probes[0].cancel()  # another probe ends early
    answers.set()
    assert [(await probe).status_code for probe in probes[1:]] == [200] * 19
    assert len(asked) == 1
    assert (await installation.client.get("/readyz")).status_code == 200
    assert len(asked) == 2
