"""`python -m app simulate-calls`: simulates a voice gateway against a running server, for trials.

Each call rings, is answered, streams two synthetic voices in real time and ends. Each step is reported to the server, and a
line per call is printed with its outcome.
"""

import argparse
import array
import asyncio
import base64
import json
import math
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from app.commands.operator_context import Commands
from app.recording.stream import SUBPROTOCOL
from app.server.transport.serve import CannotStart

Json = dict[str, Any]

_FRAMES_PER_SECOND = 50
LOOP_SECONDS = 4
_RING_SECONDS = 1.0
_REPORT = """
mutation Report($calls: [CallReportInput!]!) {
  reportCalls(input: {calls: $calls}) {
    rejected { errors { message } }
    userErrors { message }
  }
}
"""


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("simulate-calls", help="act as a voice gateway against a running server")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the server (default: http://127.0.0.1:8000)")
    parser.add_argument("--key", required=True, help="an API key of the access level GATEWAY")
    parser.add_argument("--account", required=True, help="the id of the account whose calls these are")
    parser.add_argument("--application", help="the id of the application that answers them")
    parser.add_argument("--streams", type=int, default=5, help="number of concurrent calls (default: 5)")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each call's audio (default: 10)")
    parser.add_argument("--rate", type=int, default=8000, help="sample rate in Hz (default: 8000)")
    parser.add_argument("--faster", type=float, default=1.0, help="speed as a multiple of real time (default: 1)")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    simulation = Simulation(
        url=options.url,
        key=options.key,
        account=options.account,
        application=options.application,
        streams=options.streams,
        seconds=options.seconds,
        sample_rate=options.rate,
        speed=options.faster,
    )
    failed = asyncio.run(run(simulation))
    if failed:
        raise CannotStart(f"{failed} of {options.streams} calls were not recorded.")


@dataclass(frozen=True)
class Simulation:
    url: str
    """The server, such as http://127.0.0.1:8000; the address of `/graphql` or `/record` works too."""
    key: str
    account: str
    application: str | None = None
    streams: int = 5
    seconds: float = 10.0
    """Length of each call's audio."""
    sample_rate: int = 8_000
    """In Hz."""
    speed: float = 1.0
    """As a multiple of real time."""


async def run(simulation: Simulation) -> int:
    """Prints a line for each call. Returns how many were not recorded."""
    run_id, audio = secrets.token_hex(4), conversation(simulation.sample_rate, LOOP_SECONDS)
    calls = (_call(simulation, f"sim-{run_id}-{number}", number, audio) for number in range(1, simulation.streams + 1))
    return sum([not await each for each in asyncio.as_completed(list(calls))])


def conversation(sample_rate: int, seconds: float) -> bytes:
    """Two voices that alternate every two seconds, the caller first: 16-bit little-endian PCM with two channels."""
    samples = array.array("h")
    for index in range(int(sample_rate * seconds)):
        at = index / sample_rate
        turn = int(at / 2) % 2
        voice = _voice(at, (130.0, 210.0)[turn])
        samples.extend((0, voice) if turn else (voice, 0))
    return samples.tobytes()


def _voice(at: float, pitch: float) -> int:
    """A tone with overtones, in three syllables a second."""
    loudness = max(math.sin(2 * math.pi * 3 * at), 0.0)
    tone = sum(math.sin(2 * math.pi * pitch * overtone * at) / overtone for overtone in (1, 2, 3, 5))
    return int(7_000 * loudness * tone)


async def _call(simulation: Simulation, name: str, number: int, audio: bytes) -> bool:
    """Returns False when the call was not recorded."""
    begun = datetime.now(UTC)
    about = {
        "accountId": simulation.account,
        "callId": name,
        "direction": "INBOUND",
        "from": f"+4930{number:06d}",
        "to": "+493012345",
        "startedAt": begun.isoformat(),
        "traceId": secrets.token_hex(16),
        **({"applicationId": simulation.application} if simulation.application else {}),
    }
    problems = [await report(simulation, {**about, "sipStatus": 180})]
    await asyncio.sleep(_RING_SECONDS / simulation.speed)
    answered = {**about, "sipStatus": 200, "answeredAt": _now()}
    problems.append(await report(simulation, answered))
    is_recorded, outcome = await stream_call(simulation, about, audio)
    problems.append(await report(simulation, {**answered, "endedAt": _now(), "terminationReason": "caller hung up"}))
    rejections = sorted({f"report rejected: {problem}" for problem in problems if problem})
    print(name, outcome, *rejections, sep="  ", flush=True)
    return is_recorded


async def stream_call(simulation: Simulation, about: Json, audio: bytes) -> tuple[bool, str]:
    """Streams a call, repeating `audio` (from `conversation`). Returns whether all was accepted, and the outcome in words."""
    credentials = base64.b64encode(f"gateway:{simulation.key}".encode()).decode()
    address = _address(simulation, "ws", "record")
    sent = 0.0
    try:
        async with connect(
            address,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            additional_headers={"Authorization": f"Basic {credentials}"},
            compression=None,
        ) as connection:
            await connection.send(json.dumps(_first_frame(simulation, about)))
            began = time.monotonic()
            frame_bytes = len(audio) // (LOOP_SECONDS * _FRAMES_PER_SECOND)
            for number in range(int(simulation.seconds * _FRAMES_PER_SECOND)):
                start = number * frame_bytes % len(audio)
                await connection.send(audio[start : start + frame_bytes])
                sent = (number + 1) / _FRAMES_PER_SECOND
                await asyncio.sleep(max(began + sent / simulation.speed - time.monotonic(), 0))
    except ConnectionClosed as closed:
        why = f"{closed.rcvd.code} {closed.rcvd.reason}" if closed.rcvd else "the connection was lost"
        return False, f"ended by the server after {sent:.2f} s: {why}"
    except (OSError, InvalidHandshake, InvalidURI) as error:
        return False, f"connection rejected: {error}"
    if connection.close_code != 1000:
        return False, f"ended by the server: {connection.close_code} {connection.close_reason}"
    return True, f"{sent:.2f} s recorded"


def _first_frame(simulation: Simulation, about: Json) -> Json:
    return {
        "sampleRate": simulation.sample_rate,
        "mixType": "stereo",
        "callSid": about["callId"],
        "direction": about["direction"].lower(),
        "from": about["from"],
        "to": about["to"],
        "callId": f"{about['callId']}@gateway.invalid",
        "sipStatus": 200,
        "callStatus": "in-progress",
        "accountSid": simulation.account,
        "applicationSid": simulation.application,
        "traceId": about["traceId"],
    }


async def report(simulation: Simulation, *calls: Json) -> str | None:
    """Reports calls. Returns why they were rejected; None when all were accepted."""
    try:
        answer = await ask(simulation, _REPORT, calls=calls)
    except (OSError, ValueError) as error:
        return str(error)
    payload = (answer.get("data") or {}).get("reportCalls") or {}
    rejected = [error for each in payload.get("rejected", ()) for error in each["errors"]]
    messages = [error["message"] for error in (*answer.get("errors", ()), *payload.get("userErrors", ()), *rejected)]
    return "; ".join(messages) or None


async def ask(simulation: Simulation, query: str, **variables: object) -> Json:
    """Returns the API's response. Raises OSError, or ValueError when it is not JSON."""
    address = _address(simulation, "http", "graphql")
    body = json.dumps({"query": query, "variables": variables}).encode()
    headers = {"Authorization": f"Bearer {simulation.key}", "Content-Type": "application/json"}
    request = urllib.request.Request(address, body, headers)  # noqa: S310  the address is the operator's own
    return await asyncio.to_thread(_answer, request)


def _address(simulation: Simulation, scheme: str, path: str) -> str:
    """The address of a path of the server."""
    given, _, rest = simulation.url.partition("://")
    server = rest.rstrip("/").removesuffix("/record").removesuffix("/graphql")
    return f"{scheme}{'s' if given in {'https', 'wss'} else ''}://{server}/{path}"


def _answer(request: urllib.request.Request) -> Json:
    """Returns the JSON body, also with an error status. Raises OSError and ValueError."""
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return dict(json.load(response))
    except urllib.error.HTTPError as refused:
        return dict(json.load(refused))


def _now() -> str:
    return datetime.now(UTC).isoformat()
