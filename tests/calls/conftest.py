"""Voice gateways, and their reports."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.foundation.identifiers import Kind, parse_sid
from tests.support.installation import Answer, Installation, Person, World

REPORT = """mutation ($input: ReportCallsInput!) { reportCalls(input: $input) {
    acceptedCount rejected { index errors { code message field } } userErrors { code message field } } }"""


async def gateway_of(installation: Installation, /, **owner: Any) -> Person:
    """A voice gateway with a key of this owner."""
    made = await installation.person("admin").change(
        "createApiKey", "token", name="gateway", accessLevel="GATEWAY", owner=owner
    )
    assert made["userErrors"] == []
    return installation.holder(made["token"])


@pytest.fixture
async def gateway(installation: Installation, world: World) -> Person:
    """The voice gateway of the provider of the own and the sibling account."""
    return await gateway_of(installation, serviceProviderId=world["provider"])


async def send(gateway: Person, *calls: dict[str, Any]) -> Answer:
    return await gateway.ask(REPORT, input={"calls": list(calls)})


async def report(gateway: Person, *calls: dict[str, Any]) -> dict[str, Any]:
    """The payload of reportCalls."""
    payload: dict[str, Any] = (await send(gateway, *calls)).only("reportCalls")
    return payload


def at(**ago: float) -> str:
    """A time this long ago, as sent."""
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def bare(world: World, name: str, kind: Kind = Kind.ACCOUNT) -> str:
    """The UUID in an id."""
    return str(parse_sid(kind, world[name]))
