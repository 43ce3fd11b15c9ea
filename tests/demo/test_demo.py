"""`make run` in its own process: the data it shows, and that later starts keep the users' changes."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.demo.data import NEWCOMER, PASSWORD, PEOPLE, TRY_HERE, email_of
from tests.support.commands import ended_process, is_ready
from tests.support.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

_START_SECONDS = 60


class Demo:
    def __init__(self, folder: Path, printed: str, more: asyncio.StreamReader) -> None:
        self.printed = printed
        self._folder, self._more = folder, more

    @property
    def notes(self) -> dict[str, Any]:
        """The present content of `demo.json`."""
        noted: dict[str, Any] = json.loads((self._folder / "demo.json").read_text())
        return noted

    async def line(self, beginning: str) -> str:
        """The next line of output with this beginning."""
        async with asyncio.timeout(_START_SECONDS):
            while line := (await self._more.readline()).decode():
                if line.startswith(beginning):
                    return line
        raise AssertionError(f"it ended without the line: {beginning}")

    async def ask(self, query: str, token: str | None = None, **variables: Any) -> Any:
        """The data of a response without errors; as the admin unless a token is given."""
        headers = {"Authorization": f"Bearer {token or self.notes['keys']['admin']}"}
        async with httpx.AsyncClient(headers=headers) as client:
            answer = (await client.post(self.notes["graphql"], json={"query": query, "variables": variables})).json()
        assert "errors" not in answer, answer
        return answer["data"]


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Demo]:
    """The demo with its data in this folder, at a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder), "PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "demo"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    printed = ""
    try:
        async with asyncio.timeout(_START_SECONDS):
            while "Stop with Ctrl-C." not in printed:
                line = (await process.stdout.readline()).decode()
                assert line, f"it ended:\n{printed}"
                printed += line
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                await until(lambda: is_ready(client))
        yield Demo(folder, printed, process.stdout)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.communicate()


LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { mustChangePassword } }"
SEEN = "{ accounts { nodes { id name serviceProvider { name } } } auditEvents { totalCount } }"
RENAME = 'mutation ($id: ID!) { updateAccount(input: {id: $id, name: "Mine now"}) { userErrors { message } } }'
MOVE = """mutation ($id: ID!, $to: ID!) {
  moveAccount(input: {id: $id, serviceProviderId: $to}) { userErrors { message } }
}"""
DELETE = "mutation ($id: ID!) { deleteAccount(input: {id: $id, force: true}) { deletedId userErrors { message } } }"
REVOKE = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { message } } }"


CALLS = """{ recentCalls(first: 100) { nodes {
  id account { name } startedAt answeredAt recording { state format durationSeconds url playerUrl }
} } }"""
DELETE_RECORDING = """mutation ($id: ID!) {
  deleteRecording(input: {id: $id}) { call { recording { state } } userErrors { message } }
}"""


async def test_the_demo_creates_its_data_once_and_later_starts_keep_the_changes_of_its_users(tmp_path: Path) -> None:
    """A later start completes or rejects what an interrupted one has left. One test, because each start takes seconds."""
    async with started(tmp_path) as demo:
        await all_users_log_in(demo)
        await demo.line("Recorded calls")
        whole = demo.notes
    wrong = {**whole["keys"], "gateway": whole["keys"]["readOnly"]}
    unmade = {name: value for name, value in whole.items() if name != "calls"}
    (tmp_path / "demo.json").write_text(json.dumps({**unmade, "keys": wrong}))
    async with started(tmp_path) as failing:
        assert "GATEWAY" in await failing.line("The demo's calls could not be created")
        assert "calls" not in failing.notes
    (tmp_path / "demo.json").write_text(json.dumps(unmade))
    async with started(tmp_path) as again:
        await again.line("Recorded calls")
        assert kept_of(again.notes) == kept_of(whole)
        calls = await two_calls_are_recorded(again)
        clinic = await change_data(again)
        left = await again.ask(SEEN)
    async with started(tmp_path) as later:
        await later.line("Recorded calls")
        assert await later.ask(SEEN) == left
        assert kept_of(later.notes) == kept_of(whole)
        assert clinic in later.printed, "the account to try is found by its id, not by its name"
        assert await started_at(later) == [(call["id"], call["startedAt"]) for call in calls]
    (tmp_path / "demo.json").unlink()
    status, _, said = await ended_process({"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)}, "demo")
    assert status == 1
    assert "DATA_DIR" in said
    assert "Traceback" not in said


def kept_of(notes: dict[str, Any]) -> dict[str, Any]:
    """The part of `demo.json` that later starts keep; addresses change with the free ports."""
    return {name: notes[name] for name in ("keys", "ids", "people", "calls")}


async def all_users_log_in(demo: Demo) -> None:
    """The output lists the users, and one of them must change the password."""
    for person in (*PEOPLE, NEWCOMER):
        assert email_of(person) in demo.printed
        entered = await demo.ask(LOGIN, input={"email": email_of(person), "password": PASSWORD})
        assert entered["login"]["mustChangePassword"] is (person == NEWCOMER)


async def started_at(demo: Demo) -> list[tuple[str, str]]:
    return [(call["id"], call["startedAt"]) for call in (await demo.ask(CALLS))["recentCalls"]["nodes"]]


async def two_calls_are_recorded(demo: Demo) -> list[dict[str, Any]]:
    """Plays one recording in each format, deletes one of them, and returns all calls."""
    calls: list[dict[str, Any]] = (await demo.ask(CALLS))["recentCalls"]["nodes"]
    recorded = {call["recording"]["format"]: call for call in calls if call["recording"]["state"] == "STORED"}
    assert recorded.keys() == {"WAV", "MP3"}
    assert len(calls) == 26
    assert 0 < len([call for call in calls if call["answeredAt"] is None]) < 20
    async with httpx.AsyncClient() as listener:
        audio = {form: (await listener.get(call["recording"]["url"])).content for form, call in recorded.items()}
        page = await listener.get(recorded["WAV"]["recording"]["playerUrl"])
    assert len(audio["WAV"]) == 44 + recorded["WAV"]["recording"]["durationSeconds"] * 8_000 * 4
    assert len(audio["MP3"]) // 16_000 == recorded["MP3"]["recording"]["durationSeconds"]
    assert page.status_code == 200
    noted = demo.notes["calls"]
    assert noted == {call["account"]["name"]: call["id"] for call in recorded.values()}
    deleted = await demo.ask(DELETE_RECORDING, id=noted["Tidal Bank"])
    assert deleted["deleteRecording"]["call"] == {"recording": {"state": "DELETED"}}
    return calls


async def change_data(demo: Demo) -> str:
    """Renames, moves and deletes accounts and revokes a key; returns the id of the renamed account."""
    accounts = {node["name"]: node for node in (await demo.ask(SEEN))["accounts"]["nodes"]}
    clinic = accounts[TRY_HERE]["id"]
    providers = (await demo.ask("{ serviceProviders { nodes { id name } } }"))["serviceProviders"]["nodes"]
    south = next(node["id"] for node in providers if node["name"] == "Southern Cross Telecom")
    own = "{ viewer { apiKey { id } } }"
    revoked = (await demo.ask(own, demo.notes["keys"]["readOnly"]))["viewer"]["apiKey"]["id"]
    for change, variables in (
        (RENAME, {"id": clinic}),
        (MOVE, {"id": accounts["Café Ångström 🎧"]["id"], "to": south}),
        (DELETE, {"id": accounts["Kiwi Couriers"]["id"]}),
        (REVOKE, {"id": revoked}),
    ):
        [payload] = (await demo.ask(change, **variables)).values()
        assert payload["userErrors"] == [], payload
    return str(clinic)
