"""Permissions of API keys: what each access level may do, and who gives them."""

import pytest

from app.foundation.permissions import LEVELS, AccessLevel, in_order
from tests.support.installation import Installation, Person, World, refusals

KEY = "apiKey { id accessLevel permissions } token"
MISSING = "PERMISSION_MISSING"


async def narrow(installation: Installation, creator: Person, *permissions: str) -> Person:
    made = await creator.change("createApiKey", KEY, name="Narrow", accessLevel="CUSTOM", permissions=list(permissions))
    assert made["apiKey"]["permissions"] == list(permissions)
    return installation.holder(made["token"])


@pytest.mark.parametrize("level", list(LEVELS))
async def test_a_named_level_is_a_set_of_permissions(
    installation: Installation, account_user: Person, level: AccessLevel
) -> None:
    made = await account_user.change("createApiKey", KEY, name="Key", accessLevel=level.name)
    expected = [one.name for one in in_order(LEVELS[level])]
    assert made["apiKey"]["permissions"] == expected
    viewer = (await installation.holder(made["token"]).ask("{ viewer { role permissions } }")).only("viewer")
    assert viewer == {"role": None, "permissions": expected}


async def test_a_key_for_calls_alone_sees_calls_and_no_recordings(
    installation: Installation, account_user: Person, world: World
) -> None:
    key = await narrow(installation, account_user, "VIEW_CALLS")
    assert (await key.ask("{ recentCalls { totalCount } }")).only("recentCalls") == {"totalCount": 0}
    for document in ("{ auditEvents { totalCount } }", f'{{ account(id: "{world["own"]}") {{ webhookSecret }} }}'):
        assert (await key.ask(document)).codes == ["FORBIDDEN"]


async def test_a_key_gives_no_permission_that_it_lacks(installation: Installation, account_user: Person) -> None:
    key = await narrow(installation, account_user, "VIEW_CALLS", "MANAGE_API_KEYS")
    assert refusals(await key.change("createApiKey", KEY, name="Wider")) == [(MISSING, ["accessLevel"])]
    payload = await key.change("createApiKey", KEY, name="Wider", accessLevel="CUSTOM", permissions=["VIEW_SECRETS"])
    assert refusals(payload) == [(MISSING, ["permissions"])]
    await narrow(installation, key, "VIEW_CALLS")


async def test_whoever_manages_keys_makes_keys_for_gateways(installation: Installation, account_user: Person) -> None:
    key = await narrow(installation, account_user, "MANAGE_API_KEYS")
    made = await key.change("createApiKey", KEY, name="Gateway", accessLevel="GATEWAY")
    assert made["apiKey"]["permissions"] == ["ACT_AS_GATEWAY"]
    assert refusals(await key.change("rotateApiKey", KEY, id=made["apiKey"]["id"])) == []


@pytest.mark.parametrize(
    ("mutation", "given"), [("updateApiKey", {"name": "Renamed"}), ("rotateApiKey", {}), ("revokeApiKey", {})]
)
async def test_a_key_with_more_permissions_is_left_alone(
    installation: Installation, account_user: Person, world: World, mutation: str, given: dict[str, str]
) -> None:
    key = await narrow(installation, account_user, "VIEW_CALLS", "MANAGE_API_KEYS")
    payload = await key.change(mutation, "apiKey { id }", id=world["account_user_key"], **given)
    assert refusals(payload) == [(MISSING, ["id"])]
    assert (await account_user.ask("{ viewer { scope } }")).codes == []
