"""`python -m app simulate-calls`, against a real server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy
import pytest

from app.commands import simulate_calls
from app.commands.simulate_calls import Simulation
from tests.recording.gateways import Gateway, gateway_of
from tests.support.installation import Installation, Person, World


@pytest.fixture
async def gateway(installation: Installation, world: World, provider: Person) -> AsyncIterator[Gateway]:
    async with gateway_of(installation, world, provider) as made:
        yield made


@pytest.fixture
def simulation(gateway: Gateway, world: World) -> Simulation:
    """Two calls of one second, at ten times real time."""
    address = f"ws://127.0.0.1:{gateway.port}"
    return Simulation(
        address,
        gateway.key,
        gateway.account,
        world["own_application"],
        streams=2,
        seconds=1,
        speed=10,
        sample_rate=16_000,
    )


async def test_simulated_calls_are_recorded(
    gateway: Gateway, simulation: Simulation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await simulate_calls.run(simulation) == 0
    await gateway.idle()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("sim-")]
    assert [line.split("  ")[1] for line in lines] == ["1.00 s recorded"] * 2
    for line in lines:
        recording = await gateway.spooled(line.split("  ")[0])
        assert recording.audio_bytes == 44 + 16_000 * 4
        assert recording.read(44, 16_000 * 4) == simulate_calls.conversation(16_000, 1)


async def test_the_output_says_why_calls_were_not_recorded(
    simulation: Simulation, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = replace(simulation, account=world["foreign"], streams=1)
    assert await simulate_calls.run(foreign) == 1
    assert "4404 accountSid: there is no such account" in capsys.readouterr().out
    assert await simulate_calls.run(replace(simulation, key="vgk_wrong", streams=1)) == 1
    assert "HTTP 401" in capsys.readouterr().out
    unreachable = replace(simulation, url="ws://127.0.0.1:1", streams=1)
    assert await asyncio.wait_for(simulate_calls.run(unreachable), 10) == 1
    assert "connection rejected: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "url", ["https://api.example.com", "wss://api.example.com/record", "https://api.example.com/graphql/"]
)
def test_the_url_may_be_any_address_of_the_server(url: str) -> None:
    simulation = Simulation(url, "key", "AC")
    assert simulate_calls._address(simulation, "ws", "record") == "wss://api.example.com/record"
    assert simulate_calls._address(simulation, "http", "graphql") == "https://api.example.com/graphql"


def test_the_two_voices_alternate() -> None:
    heard = numpy.frombuffer(simulate_calls.conversation(8_000, 4), "<i2").reshape(-1, 2)
    assert numpy.abs(heard[:16_000]).max(axis=0).tolist()[1] == 0
    assert numpy.abs(heard[16_000:]).max(axis=0).tolist()[0] == 0
    assert numpy.abs(heard).max() > 5_000
