"""Service providers are created by admins, visible to themselves, and not visible to accounts."""

import asyncio

from app.foundation.identifiers import Kind, new_id, sid_of
from tests.support.installation import Installation, Person, World, refusals

MADE = "serviceProvider { id name active version }"


async def test_an_admin_creates_a_service_provider(admin: Person) -> None:
    payload = await admin.change("createServiceProvider", MADE, name="  Östliche Stimme 🎙️ ")
    made = payload["serviceProvider"]
    assert made == {"id": made["id"], "name": "Östliche Stimme 🎙️", "active": True, "version": 1}
    assert made["id"].startswith("SP")


async def test_only_an_admin_creates_a_service_provider(installation: Installation, admin: Person) -> None:
    for person in ("provider", "account_user", "read_only"):
        answer = await installation.person(person).ask(
            'mutation { createServiceProvider(input: {name: "Mine"}) { serviceProvider { id } } }'
        )
        assert answer.data == {"createServiceProvider": None}
        assert answer.errors[0]["extensions"]["requiredScopes"] == ["ADMIN"]
    assert (await admin.ask("{ serviceProviders { totalCount } }")).only("serviceProviders") == {"totalCount": 2}


async def test_a_providers_name_is_unique_in_the_installation(admin: Person) -> None:
    payload = await admin.change("createServiceProvider", MADE, name="ＮＯＲＴＨＥＲＮ voice")
    assert payload["serviceProvider"] is None
    assert refusals(payload) == [("NAME_TAKEN", ["name"])]


async def test_a_providers_name_follows_the_rules_of_names(admin: Person) -> None:
    for name, code in ((" ", "REQUIRED"), ("n" * 65, "TOO_LONG"), ("a\0b", "INVALID"), ("a\nb", "INVALID")):
        assert refusals(await admin.change("createServiceProvider", MADE, name=name)) == [(code, ["name"])]


async def test_of_twenty_concurrent_creations_one_gets_the_name(admin: Person) -> None:
    payloads = await asyncio.gather(*(admin.change("createServiceProvider", MADE, name="Wanted") for _ in range(20)))
    assert sorted(refusals(payload) for payload in payloads) == [[]] + [[("NAME_TAKEN", ["name"])]] * 19


async def test_a_provider_sees_only_itself(provider: Person, world: World) -> None:
    answer = await provider.ask("{ serviceProviders { totalCount nodes { id name viewerCanCreateAccount } } }")
    itself = {"id": world["provider"], "name": "Northern Voice", "viewerCanCreateAccount": True}
    assert answer.only("serviceProviders") == {"totalCount": 1, "nodes": [itself]}


async def test_an_admin_sees_all_providers_by_name(admin: Person) -> None:
    await admin.change("createServiceProvider", MADE, name="eastern voice")
    answer = await admin.ask("{ serviceProviders { nodes { name } } }")
    assert [node["name"] for node in answer.only("serviceProviders")["nodes"]] == [
        "eastern voice",
        "Northern Voice",
        "Southern Voice",
    ]


async def test_another_provider_reads_as_null_like_an_unknown_one(provider: Person, world: World) -> None:
    query = "query ($id: ID!) { serviceProvider(id: $id) { id } node(id: $id) { id } }"
    for someone in (sid_of(Kind.SERVICE_PROVIDER, new_id()), world["other_provider"], "SP", "", "\0"):
        answer = await provider.ask(query, id=someone)
        assert answer.body == {"data": {"serviceProvider": None, "node": None}}
    assert (await provider.ask(query, id=world["provider"])).only("node") == {"id": world["provider"]}


async def test_an_account_user_sees_no_provider_at_all(account_user: Person, world: World) -> None:
    answer = await account_user.ask(
        "query ($id: ID!) { serviceProviders { totalCount } serviceProvider(id: $id) { id } node(id: $id) { id }"
        " viewer { serviceProvider { id } } }",
        id=world["provider"],
    )
    nothing = {"serviceProviders": None, "serviceProvider": None, "node": None, "viewer": {"serviceProvider": None}}
    assert answer.data == nothing
    assert answer.codes == ["FORBIDDEN", "FORBIDDEN"]


async def test_providers_are_paged_by_name(admin: Person) -> None:
    for number in range(5):
        await admin.change("createServiceProvider", MADE, name=f"Provider {number}")
    query = (
        "query ($after: String) { serviceProviders(first: 3, after: $after) {"
        " nodes { name } pageInfo { hasNextPage endCursor } } }"
    )
    names, after, more = [], None, True
    while more:
        found = (await admin.ask(query, after=after)).only("serviceProviders")
        names += [node["name"] for node in found["nodes"]]
        more, after = found["pageInfo"]["hasNextPage"], found["pageInfo"]["endCursor"]
    assert names == ["Northern Voice", *(f"Provider {number}" for number in range(5)), "Southern Voice"]
