"""The messages that users read."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Installation, Person, World
from tests.support.messages import SELECTION, check_messages

UNKNOWN = "AK" + "0" * 32


@pytest.mark.settings(api_keys_per_owner=3)
async def test_messages_for_users(
    installation: Installation, provider: Person, account_user: Person, admin: Person, world: World
) -> None:
    made = await account_user.change("createApiKey", "token", name="Third", expiresAt="2099-01-01T00:00:00Z")
    permissions = ["MANAGE_API_KEYS", "VIEW_CALLS"]
    narrow = await provider.change("createApiKey", "token", name="Keys", accessLevel="CUSTOM", permissions=permissions)
    limited = installation.holder(narrow["token"])
    expiring, own_key = installation.holder(made["token"]), world["account_user_key"]
    asked: list[tuple[Person, str, dict[str, Any]]] = [
        (account_user, "createApiKey", {"name": "", "expiresAt": "2020-01-01T00:00:00Z"}),
        (account_user, "createApiKey", {"name": "Key", "expiresAt": "9999-12-31T23:59:59-01:00"}),
        (account_user, "createApiKey", {"name": "Key", "owner": {"accountId": world["foreign"]}}),
        (provider, "createApiKey", {"name": "Key", "owner": {"serviceProviderId": world["other_provider"]}}),
        (admin, "createApiKey", {"name": "Key", "owner": {"installation": False}}),
        (provider, "createApiKey", {"name": "Key", "idempotencyKey": "one"}),
        (provider, "createApiKey", {"name": "Key", "idempotencyKey": "one"}),
        (expiring, "createApiKey", {"name": "Key", "expiresAt": "2100-01-01T00:00:00Z"}),
        (expiring, "rotateApiKey", {"id": own_key}),
        (account_user, "rotateApiKey", {"id": own_key, "overlapHours": -1}),
        (account_user, "rotateApiKey", {"id": UNKNOWN}),
        (account_user, "updateApiKey", {"id": own_key, "ifVersion": 7}),
        (account_user, "updateApiKey", {"id": UNKNOWN}),
        (account_user, "updateApiKey", {"id": own_key, "allowedNetworks": ["nowhere", "10.0.0.1/8"]}),
        (account_user, "updateApiKey", {"id": own_key, "allowedNetworks": ["192.0.2.1"] * 21}),
        (account_user, "revokeApiKey", {"id": UNKNOWN}),
        (account_user, "createApiKey", {"name": "Fourth"}),
        (account_user, "revokeApiKey", {"id": world["read_only_key"]}),
        (account_user, "rotateApiKey", {"id": world["read_only_key"]}),
        (account_user, "createApiKey", {"name": "Fourth"}),
        (account_user, "createApiKey", {"name": "Fourth", "accessLevel": "CUSTOM"}),
        (account_user, "createApiKey", {"name": "Fourth", "accessLevel": "FULL", "permissions": ["VIEW_CALLS"]}),
        (limited, "createApiKey", {"name": "Fourth"}),
        (limited, "createApiKey", {"name": "Fourth", "accessLevel": "CUSTOM", "permissions": ["MANAGE_USERS"]}),
        (limited, "revokeApiKey", {"id": own_key}),
    ]
    errors: list[dict[str, Any]] = []
    for person, mutation, given in asked:
        errors += (await person.change(mutation, SELECTION, **given))["userErrors"]
    check_messages(Path(__file__).parent, errors)
