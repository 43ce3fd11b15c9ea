"""Stream slots: no account and no service provider takes all of them, and streams without audio are ended."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from app.recording import routes
from app.recording.ingest import RecordingIngest
from app.recording.stream import FIRST_AUDIO_SECONDS, CloseCode, Refused
from tests.recording.gateways import Gateway, gateway_of
from tests.support.installation import Installation, Person, World


@pytest.fixture
async def gateway(installation: Installation, world: World, provider: Person) -> AsyncIterator[Gateway]:
    """A provider's gateway; the own, the sibling and the foreign account record all calls."""
    async with gateway_of(installation, world, provider) as made:
        for name, person in (("sibling", provider), ("foreign", installation.person("admin"))):
            payload = await person.change(
                "updateRecordingConfig", "recordingConfig { id }", accountId=world[name], recordAllCalls=True
            )
            assert payload["userErrors"] == []
        yield made


async def key_of(person: Person, **owner: str) -> str:
    made = await person.change("createApiKey", "token", name="gateway", accessLevel="GATEWAY", owner=owner)
    token: str = made["token"]
    return token


async def recorded(gateway: Gateway, held: AsyncExitStack, call: str, account: str, key: str | None = None) -> None:
    """Opens a stream, and returns when its call is recorded."""
    connection = await held.enter_async_context(gateway.opened(key))
    await connection.send(gateway.first_frame(call, accountSid=account))
    await connection.send(bytes(640))
    await (await connection.ping())
    recording_ingest = gateway.installation.resources.clients[RecordingIngest]
    while call not in {one.first.gateway_call_id for one in recording_ingest._streams}:
        await (await connection.ping())


@pytest.mark.settings(recording_streams=3)
async def test_the_keys_of_one_account_take_at_most_half_of_the_slots(
    gateway: Gateway, admin: Person, world: World
) -> None:
    key = await key_of(admin, accountId=world["own"])
    async with gateway.opened(key), gateway.opened(key):
        code, reason = await gateway.refused(key=key)
        assert (code, reason) == (
            1013,
            "this server records its maximum number of calls of one account: retry later or on another server",
        )
        async with AsyncExitStack() as held:
            await recorded(gateway, held, "another", world["sibling"])


@pytest.mark.settings(recording_streams=4)
async def test_a_providers_key_takes_at_most_half_of_the_slots_for_one_account(gateway: Gateway, world: World) -> None:
    async with AsyncExitStack() as held:
        for number in range(2):
            await recorded(gateway, held, f"own-{number}", world["own"])
        code, reason = await gateway.refused(gateway.first_frame("own-2"))
        assert (code, "of one account" in reason) == (1013, True)
        await recorded(gateway, held, "sibling", world["sibling"])


@pytest.mark.settings(recording_streams=4)
async def test_a_provider_takes_at_most_three_quarters_of_the_slots_whichever_keys_are_used(
    gateway: Gateway, admin: Person, world: World
) -> None:
    sibling, foreign = [await key_of(admin, accountId=world[name]) for name in ("sibling", "foreign")]
    async with AsyncExitStack() as held:
        for number in range(2):
            await recorded(gateway, held, f"own-{number}", world["own"])
        await recorded(gateway, held, "sibling-0", world["sibling"], sibling)
        code, reason = await gateway.refused(key=sibling)
        assert (code, "of one service provider" in reason) == (1013, True)
        await recorded(gateway, held, "foreign", world["foreign"], foreign)


@pytest.mark.settings(recording_streams=4)
async def test_a_providers_key_without_a_call_takes_at_most_three_quarters_of_the_slots(
    gateway: Gateway, admin: Person, world: World
) -> None:
    foreign = await key_of(admin, accountId=world["foreign"])
    async with gateway.opened(), gateway.opened(), gateway.opened():
        code, reason = await gateway.refused()
        assert (code, "of one service provider" in reason) == (1013, True)
        async with AsyncExitStack() as held:
            await recorded(gateway, held, "foreign", world["foreign"], foreign)


@pytest.mark.settings(recording_streams=4)
async def test_account_keys_without_a_call_count_for_their_provider(
    gateway: Gateway, admin: Person, world: World
) -> None:
    own, sibling, foreign = [await key_of(admin, accountId=world[name]) for name in ("own", "sibling", "foreign")]
    async with gateway.opened(own), gateway.opened(own), gateway.opened(sibling):
        code, reason = await gateway.refused(key=sibling)
        assert (code, "of one service provider" in reason) == (1013, True)
        async with AsyncExitStack() as held:
            await recorded(gateway, held, "foreign", world["foreign"], foreign)


@pytest.mark.settings(recording_streams=2)
async def test_a_stream_that_ends_releases_its_slot(gateway: Gateway, world: World) -> None:
    for number in range(4):
        async with AsyncExitStack() as held:
            await recorded(gateway, held, f"own-{number}", world["own"])
        await gateway.idle()
    assert gateway.installation.resources.clients[RecordingIngest]._slots.total == 0


async def test_a_stream_that_never_sends_audio_ends(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FIRST_AUDIO_SECONDS == 30
    monkeypatch.setattr(routes, "FIRST_AUDIO_SECONDS", 0.1)
    assert await gateway.refused(gateway.first_frame("silent")) == (4408, "no audio came within 0.1 s")
    await gateway.idle()
    assert (await gateway.spooled("silent")).audio_bytes == 44


async def test_a_stream_that_has_sent_audio_may_pause_without_limit(gateway: Gateway, world: World) -> None:
    async with AsyncExitStack() as held:
        await recorded(gateway, held, "on-hold", world["own"])
        (running,) = gateway.installation.resources.clients[RecordingIngest]._streams
        running.end_if_silent(Refused(CloseCode.TIMED_OUT, ""))
        assert not running.failure.done()
