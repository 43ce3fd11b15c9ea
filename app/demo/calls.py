"""The calls of the demo: two recorded ones, and older ones without a recording.

A background thread creates them once, through the server's interfaces for gateways, and prints the outcome.
"""

import asyncio
import json
import os
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from app.commands import simulate_calls
from app.commands.simulate_calls import Json, Simulation
from app.demo.data import BANK, CARD_LOST, HOTLINE, TRY_HERE

_START_SECONDS, _STORED_SECONDS = 60, 60
_LOOK_EVERY_SECONDS = 0.2
_SPEED = 20.0
_FIND = """query Find($gatewayCallId: String!) {
  recentCalls(first: 1, filter: {gatewayCallId: $gatewayCallId}) {
    nodes { id from to account { name } recording { state playerUrl error { message advice } } }
  }
}"""
# Calls of the accounts that the provider's gateway serves. The numbers are reserved for fiction.
_OLDER: tuple[tuple[str, str, str, int, int | None], ...] = (
    # account, direction, remote number, SIP status, seconds between answer and end
    (TRY_HERE, "INBOUND", "+493023125001", 200, 95),
    (TRY_HERE, "INBOUND", "+493023125002", 487, None),
    (BANK, "INBOUND", "+442079460301", 200, 240),
    (TRY_HERE, "OUTBOUND", "+493023125003", 486, None),
    (BANK, "OUTBOUND", "+442079460302", 200, 31),
    ("Café Ångström 🎧", "INBOUND", "+46850010100", 404, None),
)
_ROUNDS = 4
_OWN_NUMBERS = {TRY_HERE: "+493023125100", BANK: "+442079460300", "Café Ångström 🎧": "+46850010199"}
_ENDS = {200: "caller hung up", 404: "no such number", 486: "busy", 487: "caller hung up before an answer"}


class CallsFailed(Exception):
    """The message says why calls are missing."""


@dataclass(frozen=True)
class _RecordedCall:
    """A call whose audio is streamed to the server."""

    name: str
    """The gateway's id of the call."""
    account: str
    application: str
    caller: str
    seconds: int
    ago: timedelta
    sample_rate: int


_RECORDED = (
    _RecordedCall("demo-recorded-1", TRY_HERE, HOTLINE, "+493023125004", 24, timedelta(minutes=3), 8_000),
    _RecordedCall("demo-recorded-2", BANK, CARD_LOST, "+442079460303", 32, timedelta(minutes=12), 16_000),
)


class DemoCalls:
    """`url` is the server's, with ws://. The ids of the recorded calls are added to the file `notes`."""

    def __init__(self, url: str, notes: Path) -> None:
        self._notes = notes
        self._noted: Json = json.loads(notes.read_text())
        self._gateway = Simulation(url, self._noted["keys"]["gateway"], "", speed=_SPEED)
        self._provider = replace(self._gateway, key=self._noted["keys"]["serviceProvider"])

    def start(self) -> None:
        """Returns at once. The next start creates what is missing when the process ends."""
        threading.Thread(target=self._run, name="demo calls", daemon=True).start()

    def _run(self) -> None:
        try:
            print(asyncio.run(self._create()), flush=True)
        except (CallsFailed, OSError, ValueError) as error:
            print(f"The demo's calls could not be created: {error}", flush=True)

    async def _create(self) -> str:
        """Creates missing calls and returns the text to print. Raises CallsFailed, OSError and ValueError."""
        await self._until_ready()
        if "calls" not in self._noted:
            await self._report(*_older(self._noted["ids"], datetime.now(UTC)))
            await asyncio.gather(*(self._record(call) for call in _RECORDED))
            self._note({call.account: (await self._stored(call))["id"] for call in _RECORDED})
        found = [(call, await self._find(call)) for call in _RECORDED]
        lines = [
            text
            for call, node in found
            if node and node["recording"]["playerUrl"]
            for text in self._lines_of(call, node)
        ]
        return "\n".join(["Recorded calls; these addresses play them for an hour:", *lines, ""]) if lines else ""

    def _lines_of(self, call: _RecordedCall, node: Json) -> Iterator[str]:
        yield f"  {_words(node)}\n    {node['recording']['playerUrl']}"
        if call.account == TRY_HERE:
            ids = urlencode({"accountId": self._noted["ids"][TRY_HERE], "callId": node["id"]})
            yield f"    GraphiQL, with its id filled in: {self._noted['graphql']}#{ids}"

    async def _until_ready(self) -> None:
        address, end = self._gateway.url.replace("ws", "http", 1) + "/readyz", time.monotonic() + _START_SECONDS
        while not await asyncio.to_thread(_answers, address):
            if time.monotonic() > end:
                raise CallsFailed(f"{address} does not answer.")
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def _record(self, call: _RecordedCall) -> None:
        """Reports and streams a call as a gateway does, unless an earlier start has recorded it."""
        known = await self._find(call)
        if known is not None and known["recording"]["state"] != "NONE":
            return
        ids = self._noted["ids"]
        started = datetime.now(UTC) - call.ago
        about = {
            "accountId": ids[call.account],
            "callId": call.name,
            "applicationId": ids[call.application],
            "direction": "INBOUND",
            "from": call.caller,
            "to": _OWN_NUMBERS[call.account],
            "startedAt": started.isoformat(),
            "trunk": "demo trunk",
        }
        answered = {**about, "sipStatus": 200, "answeredAt": (started + timedelta(seconds=4)).isoformat()}
        await self._report({**about, "sipStatus": 180})
        await self._report(answered)
        simulation = replace(
            self._gateway,
            account=ids[call.account],
            application=ids[call.application],
            seconds=call.seconds,
            sample_rate=call.sample_rate,
        )
        audio = await asyncio.to_thread(simulate_calls.conversation, call.sample_rate, simulate_calls.LOOP_SECONDS)
        is_recorded, outcome = await simulate_calls.stream_call(simulation, {**about, "traceId": None}, audio)
        ended = started + timedelta(seconds=4 + call.seconds)
        await self._report({**answered, "endedAt": ended.isoformat(), "terminationReason": _ENDS[200]})
        if not is_recorded:
            raise CallsFailed(f"The call of {call.account}: {outcome}")

    async def _report(self, *calls: Json) -> None:
        if problem := await simulate_calls.report(self._gateway, *calls):
            raise CallsFailed(f"A report was rejected: {problem}")

    async def _stored(self, call: _RecordedCall) -> Json:
        """Waits until the recording is in the bucket or deleted, and returns the call."""
        end = time.monotonic() + _STORED_SECONDS
        while True:
            found = await self._find(call)
            recording: Json = found["recording"] if found else {"state": "missing", "error": None}
            if found and recording["state"] in {"STORED", "DELETED"}:
                return found
            if recording["state"] == "FAILED" or time.monotonic() > end:
                why = recording["error"] or {"message": f"It is {recording['state']}.", "advice": ""}
                raise CallsFailed(
                    f"The recording of {call.account} is not stored. {why['message']} {why['advice'] or ''}"
                )
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def _find(self, call: _RecordedCall) -> Json | None:
        answer = await simulate_calls.ask(self._provider, _FIND, gatewayCallId=call.name)
        if answer.get("errors"):
            raise CallsFailed(answer["errors"][0]["message"])
        nodes: list[Json] = answer["data"]["recentCalls"]["nodes"]
        return nodes[0] if nodes else None

    def _note(self, calls: dict[str, str]) -> None:
        new = self._notes.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps({**self._noted, "calls": calls}, indent=2) + "\n")
        os.replace(new, self._notes)


def _older(ids: Mapping[str, str], now: datetime) -> Iterator[Json]:
    """Reports of calls of the last six weeks, more frequent towards now."""
    for number in range(_ROUNDS * len(_OLDER)):
        account, direction, other, sip_status, seconds = _OLDER[number % len(_OLDER)]
        started = now - timedelta(hours=1 + 2 * number**2)
        answered = None if seconds is None else started + timedelta(seconds=6)
        ended = started + timedelta(seconds=6 + (seconds or 0))
        own = _OWN_NUMBERS[account]
        caller, called = (other, own) if direction == "INBOUND" else (own, other)
        yield {
            "accountId": ids[account],
            "callId": f"demo-{number + 1}",
            "direction": direction,
            "from": caller,
            "to": called,
            "startedAt": started.isoformat(),
            "answeredAt": answered.isoformat() if answered else None,
            "endedAt": ended.isoformat(),
            "sipStatus": sip_status,
            "terminationReason": _ENDS[sip_status],
            "trunk": "demo trunk",
        }


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):  # noqa: S310  the local server
            return True
    except OSError:
        return False


def _words(call: Json) -> str:
    return f"{call['account']['name']}, {call['from']} to {call['to']}"
