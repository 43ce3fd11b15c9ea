"""The messages that users read."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Person, World
from tests.support.messages import SELECTION, check_messages


@pytest.mark.settings(idempotency_keys_per_caller=2)
async def test_messages_for_users(provider: Person, world: World) -> None:
    updates: list[dict[str, Any]] = [{"name": name} for name in ("", None, "x" * 65, "\u200b", "a\nb")]
    creates = [
        {"name": "New", "idempotencyKey": "a\nb"},
        {"name": "New", "idempotencyKey": "one"},
        {"name": "Newer", "idempotencyKey": "one"},
        {"name": "Newer", "idempotencyKey": "two"},
        {"name": "Newest", "idempotencyKey": "three"},
    ]
    errors: list[dict[str, Any]] = []
    for given in updates:
        errors += (await provider.change("updateAccount", SELECTION, id=world["own"], **given))["userErrors"]
    accounts = []
    for given in creates:
        payload = await provider.change("createAccount", f"account {{ id }} {SELECTION}", **given)
        errors += payload["userErrors"]
        accounts += [payload["account"]["id"]] if payload["account"] else []
    await provider.change("deleteAccount", "deletedId", id=accounts[0])
    errors += (await provider.change("createAccount", SELECTION, **creates[1]))["userErrors"]
    check_messages(Path(__file__).parent, errors)
