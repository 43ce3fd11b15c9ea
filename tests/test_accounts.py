"""Accounts: listed, created, changed, suspended, deleted."""

from tests.installation import Person, World, refusals


async def test_an_account_user_sees_its_own_account_alone(account_user: Person, world: World) -> None:
    answer = await account_user.ask("{ accounts { totalCount nodes { id name } } }")
    assert answer.only("accounts") == {"totalCount": 1, "nodes": [{"id": world["own"], "name": "Own customer"}]}


async def test_a_provider_creates_an_account_in_its_own_provider(provider: Person, world: World) -> None:
    payload = await provider.change("createAccount", "account { name serviceProvider { id } }", name="  Émile & 🎧 ")
    assert payload["account"] == {"name": "Émile & 🎧", "serviceProvider": {"id": world["provider"]}}


async def test_all_mistakes_are_told_at_once(provider: Person) -> None:
    payload = await provider.change("createAccount", "account { id }", name=" ", sipRealm="localhost")
    assert payload["account"] is None
    assert refusals(payload) == [("REQUIRED", ["name"]), ("INVALID", ["sipRealm"])]
