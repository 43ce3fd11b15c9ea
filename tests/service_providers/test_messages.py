"""The messages that users read."""

from pathlib import Path
from typing import Any

from tests.support.installation import Person, World
from tests.support.messages import SELECTION, check_messages

UNKNOWN = "SP" + "0" * 32


async def test_messages_for_users(admin: Person, world: World) -> None:
    made = await admin.change("createServiceProvider", "serviceProvider { id }", name="Third")
    third = made["serviceProvider"]["id"]
    asked: list[tuple[str, dict[str, Any]]] = [
        ("createServiceProvider", {"name": "northern voice"}),
        ("createServiceProvider", {"name": ""}),
        ("updateServiceProvider", {"id": third, "name": "Northern Voice"}),
        ("updateServiceProvider", {"id": third, "ifVersion": 7}),
        ("updateServiceProvider", {"id": UNKNOWN}),
        ("setServiceProviderActive", {"id": UNKNOWN, "active": False}),
        ("deleteServiceProvider", {"id": world["provider"]}),
        ("deleteServiceProvider", {"id": UNKNOWN}),
        ("createApiKey", {"name": "Key", "owner": {"serviceProviderId": third}}),
        ("deleteServiceProvider", {"id": third}),
    ]
    errors: list[dict[str, Any]] = []
    for mutation, given in asked:
        errors += (await admin.change(mutation, SELECTION, **given))["userErrors"]
    check_messages(Path(__file__).parent, errors)
