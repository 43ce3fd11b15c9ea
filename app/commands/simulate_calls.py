"""`python -m app simulate-calls`: acts as a voice gateway against a running server, for trying out.

Each call rings, is answered, streams two voices of tones in real time and ends; it is reported at each of these steps. One line
a call tells what came of it.
"""

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

from app.recording.stream import SUBPROTOCOL

Json = dict[str, Any]

_FRAMES_A_SECOND = 50
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


@dataclass(frozen=True)
class Simulation:
    """What is simulated, and where."""

    url: str
    """Of the server, such as http://127.0.0.1:8000; of its `/graphql` or `/record` will do."""
    key: str
    account: str
    application: str | None = None
    streams: int = 5
    seconds: float = 10.0
    """How long each call is talked."""
    sample_rate: int = 8_000
    faster: float = 1.0
    """How many times as fast as in reality."""


async def run(simulation: Simulation) -> int:
    """Prints a line for each call. Answers how many were not recorded."""
    run_id, audio = secrets.token_hex(4), conversation(simulation.sample_rate, LOOP_SECONDS)
    calls = (_call(simulation, f"sim-{run_id}-{number}", number, audio) for number in range(1, simulation.streams + 1))
    return sum([not await each for each in asyncio.as_completed(list(calls))])


def conversation(sample_rate: int, seconds: float) -> bytes:
    """Two voices that take turns every two seconds, the caller first: 16-bit little-endian PCM of two channels."""
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
    """From its ringing to its end. False when it was not recorded."""
    begun = datetime.now(UTC)
    metadata = {
        "accountId": simulation.account,
        "callId": name,
        "direction": "INBOUND",
        "from": f"+4930{number:06d}",
        "to": "+493012345",
        "startedAt": begun.isoformat(),
        "traceId": secrets.token_hex(16),
        **({"applicationId": simulation.application} if simulation.application else {}),
    }
    problems = [await reported(simulation, {**metadata, "sipStatus": 180})]
    await asyncio.sleep(_RING_SECONDS / simulation.faster)
    answered = {**metadata, "sipStatus": 200, "answeredAt": _now()}
    problems.append(await reported(simulation, answered))
    is_recorded, outcome = await streamed(simulation, metadata, audio)
    problems.append(await reported(simulation, {**answered, "endedAt": _now(), "terminationReason": "caller hung up"}))
    told = sorted({f"report refused: {problem}" for problem in problems if problem})
    print(name, outcome, *told, sep="  ", flush=True)
    return is_recorded


async def streamed(simulation: Simulation, metadata: Json, audio: bytes) -> tuple[bool, str]:
    """Whether all of the call was taken, and what to say of it. `audio` is of `conversation`, and is played in a loop."""
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
            await connection.send(json.dumps(_first_frame(simulation, metadata)))
            began = time.monotonic()
            frame_bytes = len(audio) // (LOOP_SECONDS * _FRAMES_A_SECOND)
            for number in range(int(simulation.seconds * _FRAMES_A_SECOND)):
                start = number * frame_bytes % len(audio)
                await connection.send(audio[start : start + frame_bytes])
                sent = (number + 1) / _FRAMES_A_SECOND
                await asyncio.sleep(max(began + sent / simulation.faster - time.monotonic(), 0))
    except ConnectionClosed as closed:
        why = f"{closed.rcvd.code} {closed.rcvd.reason}" if closed.rcvd else "the connection was lost"
        return False, f"ended by the server after {sent:.2f} s: {why}"
    except (OSError, InvalidHandshake, InvalidURI) as error:
        return False, f"not let in: {error}"
    if connection.close_code != 1000:
        return False, f"ended by the server: {connection.close_code} {connection.close_reason}"
    return True, f"{sent:.2f} s recorded"


def _first_frame(simulation: Simulation, metadata: Json) -> Json:
    return {
        "sampleRate": simulation.sample_rate,
        "mixType": "stereo",
        "callSid": metadata["callId"],
        "direction": metadata["direction"].lower(),
        "from": metadata["from"],
        "to": metadata["to"],
        "callId": f"{metadata['callId']}@gateway.invalid",
        "sipStatus": 200,
        "callStatus": "in-progress",
        "accountSid": simulation.account,
        "applicationSid": simulation.application,
        "traceId": metadata["traceId"],
    }


async def reported(simulation: Simulation, *calls: Json) -> str | None:
    """Why reports were refused; None when all were taken."""
    try:
        answer = await asked(simulation, _REPORT, calls=calls)
    except (OSError, ValueError) as error:
        return str(error)
    payload = (answer.get("data") or {}).get("reportCalls") or {}
    rejected = [error for each in payload.get("rejected", ()) for error in each["errors"]]
    told = [error["message"] for error in (*answer.get("errors", ()), *payload.get("userErrors", ()), *rejected)]
    return "; ".join(told) or None


async def asked(simulation: Simulation, query: str, **variables: object) -> Json:
    """What the API answers. Raises OSError and ValueError when that is no answer."""
    address = _address(simulation, "http", "graphql")
    body = json.dumps({"query": query, "variables": variables}).encode()
    headers = {"Authorization": f"Bearer {simulation.key}", "Content-Type": "application/json"}
    request = urllib.request.Request(address, body, headers)  # noqa: S310  the address is the operator's own
    return await asyncio.to_thread(_answer, request)


def _address(simulation: Simulation, scheme: str, path: str) -> str:
    """Of the server, whichever of its addresses was given."""
    given, _, rest = simulation.url.partition("://")
    server = rest.rstrip("/").removesuffix("/record").removesuffix("/graphql")
    return f"{scheme}{'s' if given in {'https', 'wss'} else ''}://{server}/{path}"


def _answer(request: urllib.request.Request) -> Json:
    """Errors come with a body too. Raises OSError and ValueError."""
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return dict(json.load(response))
    except urllib.error.HTTPError as refused:
        return dict(json.load(refused))


def _now() -> str:
    return datetime.now(UTC).isoformat()
