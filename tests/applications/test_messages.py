"""The messages that users read."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Person, World
from tests.support.messages import SELECTION, check_messages

HOOK = {"url": "https://hooks.example.com/calls"}


@pytest.mark.settings(applications_per_account=2)
async def test_messages_for_users(account_user: Person, world: World) -> None:
    own, hotline = world["own"], world["own_application"]
    asked: list[tuple[str, dict[str, Any]]] = [
        ("createApplication", {"accountId": world["foreign"], "name": "Queue", "callingWebhook": HOOK}),
        ("createApplication", {"accountId": own, "name": "Own hotline", "callingWebhook": HOOK}),
        ("createApplication", {"accountId": own, "name": "Queue", "callingWebhook": HOOK}),
        ("createApplication", {"accountId": own, "name": "One more", "callingWebhook": HOOK}),
        ("updateApplication", {"id": hotline, "callingWebhook": None}),
        ("updateApplication", {"id": hotline, "recordAllCalls": None}),
        ("updateApplication", {"id": hotline, "ifVersion": 7}),
        ("updateApplication", {"id": world["foreign_application"]}),
        ("deleteApplication", {"id": world["foreign_application"]}),
        ("updateAccount", {"id": own, "deviceCallingApplicationId": hotline, "siprecApplicationId": hotline}),
        ("deleteApplication", {"id": hotline}),
    ]
    errors: list[dict[str, Any]] = []
    for mutation, given in asked:
        errors += (await account_user.change(mutation, SELECTION, **given))["userErrors"]
    check_messages(Path(__file__).parent, errors)
