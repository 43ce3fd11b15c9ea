"""The messages that users read."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Installation, Person, World
from tests.support.messages import SELECTION, check_messages
from tests.support.personas import add_people

UNKNOWN = {"account": "AC" + "0" * 32, "provider": "SP" + "0" * 32, "user": "US" + "0" * 32}


@pytest.mark.settings(accounts_per_provider=2)
async def test_messages_for_users(
    installation: Installation, provider: Person, admin: Person, account_user: Person, world: World
) -> None:
    own = world["own"]
    updates: list[dict[str, Any]] = [
        {"name": ""},
        {"name": "Sibling customer"},
        {"sipRealm": "x" * 133},
        {"sipRealm": ".".join(["ä" * 20] * 6)},
        {"sipRealm": "nowhere"},
        {"sipRealm": "foreign.sip.example.com"},
        {"usageLimit": None},
        {"usageLimit": {"unit": "SESSIONS", "maximum": -1}},
        {"licensedSessions": None},
        {"licensedSessions": -1},
        {"deviceCallingApplicationId": world["sibling_application"]},
        {"recordingConfig": None},
        {"ifVersion": 7},
    ]
    people = await add_people(installation, "ann", "sue")
    transfers: list[dict[str, Any]] = [
        {"id": own, "ownerId": people.ids["sue"]},
        {"id": own, "ownerId": UNKNOWN["user"]},
        {"id": own, "ownerId": people.ids["ann"], "ifVersion": 7},
    ]
    asked: list[tuple[Person, str, dict[str, Any]]] = [
        *((admin, "updateAccount", {"id": own, **given}) for given in updates),
        (provider, "updateAccount", {"id": world["foreign"]}),
        (provider, "setAccountActive", {"id": world["foreign"], "active": False}),
        (provider, "rotateWebhookSecret", {"id": own, "overlapHours": 721}),
        (provider, "rotateWebhookSecret", {"id": world["foreign"]}),
        (provider, "deleteAccount", {"id": own}),
        (provider, "createAccount", {"name": "One more"}),
        (admin, "createAccount", {"name": "Of no provider"}),
        (admin, "createAccount", {"name": "Of no provider", "serviceProviderId": UNKNOWN["provider"]}),
        (admin, "updateAccount", {"id": own, "name": "Foreign customer"}),
        *((admin, "transferAccountOwnership", given) for given in transfers),
        (account_user, "transferAccountOwnership", transfers[2]),
        (admin, "moveAccount", {"id": own, "serviceProviderId": world["other_provider"]}),
        (admin, "moveAccount", {"id": own, "serviceProviderId": UNKNOWN["provider"]}),
        (admin, "moveAccount", {"id": UNKNOWN["account"], "serviceProviderId": world["other_provider"]}),
    ]
    errors: list[dict[str, Any]] = []
    for person, mutation, given in asked:
        errors += (await person.change(mutation, SELECTION, **given))["userErrors"]
    check_messages(Path(__file__).parent, errors)
