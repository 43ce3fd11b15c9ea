"""`make run`, as a process of its own: what it shows, and that a second start leaves alone what people did to it."""

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

from app.demo_data import PASSWORD, TRY_HERE, email_of
from tests.commands import is_ready
from tests.waiting import until

_START_SECONDS = 60


class Demo:
    """A demo that serves."""

    def __init__(self, folder: Path, printed: str, more: asyncio.StreamReader) -> None:
        self.printed = printed
        self._folder, self._more = folder, more

    @property
    def notes(self) -> dict[str, Any]:
        """`demo.json` as it is now."""
        noted: dict[str, Any] = json.loads((self._folder / "demo.json").read_text())
        return noted

    async def says(self, beginning: str) -> str:
        """The next line that begins so."""
        async with asyncio.timeout(_START_SECONDS):
            while line := (await self._more.readline()).decode():
                if line.startswith(beginning):
                    return line
        raise AssertionError(f"it ended without saying: {beginning}")

    async def ask(self, query: str, token: str | None = None, **variables: Any) -> Any:
        """What is answered, without an error; as the admin unless a token is given."""
        headers = {"Authorization": f"Bearer {token or self.notes['keys']['admin']}"}
        async with httpx.AsyncClient(headers=headers) as client:
            answer = (await client.post(self.notes["graphql"], json={"query": query, "variables": variables})).json()
        assert "errors" not in answer, answer
        return answer["data"]


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Demo]:
    """The demo in this folder, at a free port, until the end of the block."""
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
                assert line, f"it ended by itself:\n{printed}"
                printed += line
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                await until(lambda: is_ready(client))
        yield Demo(folder, printed, process.stdout)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.communicate()


SEEN = "{ accounts { nodes { id name serviceProvider { name } } } auditEvents { totalCount } }"
RENAME = 'mutation ($id: ID!) { updateAccount(input: {id: $id, name: "Mine now"}) { userErrors { message } } }'
MOVE = """mutation ($id: ID!, $to: ID!) {
  moveAccount(input: {accountId: $id, serviceProviderId: $to}) { userErrors { message } }
}"""
DELETE = "mutation ($id: ID!) { deleteAccount(input: {id: $id, force: true}) { deletedId userErrors { message } } }"
REVOKE = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { message } } }"


async def test_a_second_start_leaves_everything_as_people_have_made_it(tmp_path: Path) -> None:
    async with started(tmp_path) as demo:
        accounts = {node["name"]: node for node in (await demo.ask(SEEN))["accounts"]["nodes"]}
        clinic, other = accounts[TRY_HERE]["id"], accounts["Tidal Bank"]["id"]
        providers = (await demo.ask("{ serviceProviders { nodes { id name } } }"))["serviceProviders"]["nodes"]
        south = next(node["id"] for node in providers if node["name"] == "Southern Cross Telecom")
        own = "{ viewer { apiKey { id } } }"
        revoked = (await demo.ask(own, demo.notes["keys"]["readOnly"]))["viewer"]["apiKey"]["id"]
        for change, variables in (
            (RENAME, {"id": clinic}),
            (MOVE, {"id": clinic, "to": south}),
            (DELETE, {"id": other}),
            (REVOKE, {"id": revoked}),
        ):
            [payload] = (await demo.ask(change, **variables)).values()
            assert payload["userErrors"] == [], payload
        left = await demo.ask(SEEN)
    async with started(tmp_path) as again:
        assert await again.ask(SEEN) == left
        assert again.notes["keys"] == demo.notes["keys"]
        assert clinic in again.printed, "what is to be tried is found by its id, whatever it is called"


async def test_the_demo_prints_everybody_who_may_log_in_and_whom_it_has_told_to_choose_a_password(
    tmp_path: Path,
) -> None:
    login = "mutation ($input: LoginInput!) { login(input: $input) { mustChangePassword } }"
    async with started(tmp_path) as demo:
        for person in ("admin", "provider", "account", "newcomer"):
            assert email_of(person) in demo.printed
            entered = await demo.ask(login, input={"email": email_of(person), "password": PASSWORD})
            assert entered["login"]["mustChangePassword"] is (person == "newcomer")


async def test_a_folder_that_the_demo_has_not_filled_to_the_end_is_refused_in_one_line(tmp_path: Path) -> None:
    async with started(tmp_path):
        pass
    (tmp_path / "demo.json").unlink()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "demo"),
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert "DATA_DIR" in said.decode()
    assert "Traceback" not in said.decode()


CALLS = """{ recentCalls(first: 100) { nodes {
  id account { name } startedAt answeredAt recording { state format durationSeconds url playerUrl }
} } }"""
DELETE_RECORDING = """mutation ($id: ID!) {
  deleteRecording(input: {callId: $id}) { call { recording { state } } userErrors { message } }
}"""


async def test_two_of_its_calls_are_recorded_and_a_second_start_makes_no_more(tmp_path: Path) -> None:
    async with started(tmp_path) as demo:
        await demo.says("Recorded calls")
        calls = (await demo.ask(CALLS, demo.notes["keys"]["serviceProvider"]))["recentCalls"]["nodes"]
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
    async with started(tmp_path) as again:
        await again.says("Recorded calls")
        left = (await again.ask(CALLS))["recentCalls"]["nodes"]
        assert [(call["id"], call["startedAt"]) for call in left] == [(call["id"], call["startedAt"]) for call in calls]
        assert again.notes["calls"] == noted


async def test_calls_that_cannot_be_made_are_told_and_made_at_the_next_start(tmp_path: Path) -> None:
    async with started(tmp_path) as demo:
        await demo.says("Recorded calls")
        whole = demo.notes
    wrong = {**whole["keys"], "gateway": whole["keys"]["readOnly"]}
    unmade = {name: value for name, value in whole.items() if name != "calls"}
    (tmp_path / "demo.json").write_text(json.dumps({**unmade, "keys": wrong}))
    async with started(tmp_path) as failing:
        assert "GATEWAY" in await failing.says("The demo's calls are not as they should be")
        assert "calls" not in failing.notes
    (tmp_path / "demo.json").write_text(json.dumps(unmade))
    async with started(tmp_path) as again:
        await again.says("Recorded calls")
        assert again.notes["calls"] == whole["calls"]
