"""New API keys: who creates them for which owner, their token, and their expiry."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.api_keys import token
from app.api_keys.model import ApiKey
from app.foundation.identifiers import Kind, new_id, sid_of
from tests.support.installation import Installation, Person, World, refusals

KEY = "apiKey { id name publicId scope accessLevel status expiresAt createdBy { scope apiKeyId } } token"


async def made(person: Person, name: str = "Made", **settings: Any) -> dict[str, Any]:
    payload = await person.change("createApiKey", KEY, name=name, **settings)
    assert payload["userErrors"] == []
    return payload


async def scope_of(installation: Installation, text: str) -> str | None:
    """The scope of a key; None if it is rejected."""
    answer = await installation.holder(text).ask("{ viewer { scope } }")
    return answer.only("viewer")["scope"] if answer.status == 200 else None


async def test_a_key_belongs_to_its_creators_owner_by_default(installation: Installation, world: World) -> None:
    query = "{ viewer { scope account { id } serviceProvider { id } apiKey { name } } }"
    for person, owner in (("admin", None), ("provider", "provider"), ("account_user", "own")):
        key = await made(installation.person(person))
        viewer = (await installation.holder(key["token"]).ask(query)).only("viewer")
        assert viewer["apiKey"] == {"name": "Made"}
        assert (viewer["account"] or viewer["serviceProvider"] or {"id": None})["id"] == (owner and world[owner])


async def test_each_scope_creates_keys_for_the_owners_it_sees(installation: Installation, world: World) -> None:
    owners: dict[str, list[dict[str, Any]]] = {
        "admin": [{"accountId": world["foreign"]}, {"serviceProviderId": world["provider"]}, {"installation": True}],
        "provider": [
            {"accountId": world["own"]},
            {"accountId": world["sibling"]},
            {"serviceProviderId": world["provider"]},
        ],
        "account_user": [{"accountId": world["own"]}],
    }
    scopes = {"accountId": "ACCOUNT", "serviceProviderId": "SERVICE_PROVIDER", "installation": "ADMIN"}
    for person, reached in owners.items():
        for owner in reached:
            key = await made(installation.person(person), owner=owner)
            assert key["apiKey"]["scope"] == scopes[next(iter(owner))] == await scope_of(installation, key["token"])


async def test_an_owner_that_is_not_visible_gets_the_same_error_as_an_unknown_one(
    provider: Person, world: World
) -> None:
    for field, someone, nowhere in (
        ("accountId", world["foreign"], sid_of(Kind.ACCOUNT, new_id())),
        ("serviceProviderId", world["other_provider"], sid_of(Kind.SERVICE_PROVIDER, new_id())),
    ):
        payloads = [
            await provider.change("createApiKey", KEY, name="Made", owner={field: owner})
            for owner in (nowhere, someone, "garbage", "")
        ]
        assert refusals(payloads[0]) == [("NOT_FOUND", ["owner", field])]
        assert payloads == [payloads[0]] * 4


async def test_an_account_user_cannot_create_a_key_for_a_sibling(account_user: Person, world: World) -> None:
    payload = await account_user.change("createApiKey", KEY, name="Made", owner={"accountId": world["sibling"]})
    assert refusals(payload) == [("NOT_FOUND", ["owner", "accountId"])]


async def test_no_caller_creates_a_key_of_a_wider_scope(
    installation: Installation, admin: Person, world: World
) -> None:
    above = [
        ("account_user", {"serviceProviderId": world["provider"]}, "serviceProviderId"),
        ("account_user", {"installation": True}, "installation"),
        ("provider", {"installation": True}, "installation"),
        ("provider", {"installation": False}, "installation"),
    ]
    for person, owner, field in above:
        answer = await installation.person(person).ask(
            "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token } }",
            input={"name": "Above", "owner": owner},
        )
        assert answer.data == {"createApiKey": None}
        assert answer.codes == ["FORBIDDEN"]
        assert answer.errors[0]["extensions"]["inputFields"] == [f"owner.{field}"]
    async with installation.database():
        assert not await ApiKey.filter(name="Above").exists()


async def test_a_key_has_exactly_one_owner(admin: Person, world: World) -> None:
    mutation = "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token } }"
    for owner in ({"accountId": world["own"], "serviceProviderId": world["provider"]}, {}, {"accountId": None}):
        answer = await admin.ask(mutation, input={"name": "Made", "owner": owner})
        assert answer.codes == ["BAD_USER_INPUT"]


async def test_a_read_only_key_cannot_create_keys(read_only: Person) -> None:
    answer = await read_only.ask('mutation { createApiKey(input: {name: "Made"}) { token } }')
    assert answer.data == {"createApiKey": None}
    assert answer.errors[0]["extensions"]["requiredPermissions"] == ["MANAGE_API_KEYS"]


async def test_the_token_of_a_key_is_returned_once_and_stored_nowhere(
    installation: Installation, admin: Person, provider: Person
) -> None:
    key = await made(provider)
    assert key["token"].startswith(f"vgk_{key['apiKey']['publicId']}_")
    rotated = await provider.change("rotateApiKey", "token", id=key["apiKey"]["id"])
    secrets = [shown.secret for text in (key["token"], rotated["token"]) if (shown := token.read(text))]
    assert len(secrets) == 2
    everything = await stored(installation)
    assert key["apiKey"]["publicId"].encode() in everything
    assert not any(secret.encode() in everything for secret in secrets)


async def stored(installation: Installation) -> bytes:
    """Every value in the tables."""
    seen: list[bytes] = []
    async with installation.database() as connection:
        for table in ("service_providers", "accounts", "api_keys", "recording_configs", "aerich"):
            for row in await connection.execute_query_dict(f"SELECT * FROM {table}"):
                seen += [value if isinstance(value, bytes) else str(value).encode() for value in dict(row).values()]
    return b"\n".join(seen)


async def test_a_keys_name_follows_the_rules_of_names(provider: Person) -> None:
    for name, code in (("", "REQUIRED"), ("n" * 65, "TOO_LONG"), ("a\0b", "INVALID")):
        assert refusals(await provider.change("createApiKey", KEY, name=name)) == [(code, ["name"])]
    assert (await made(provider, name=" 👨‍👩‍👧‍👦 "))["apiKey"]["name"] == "👨‍👩‍👧‍👦"


async def test_all_errors_of_a_new_key_are_returned_together(provider: Person, world: World) -> None:
    payload = await provider.change(
        "createApiKey", KEY, name="", expiresAt="2020-01-01T00:00:00Z", owner={"accountId": world["foreign"]}
    )
    assert payload["apiKey"] is payload["token"] is None
    assert refusals(payload) == [
        ("REQUIRED", ["name"]),
        ("OUT_OF_RANGE", ["expiresAt"]),
        ("NOT_FOUND", ["owner", "accountId"]),
    ]


async def test_a_key_with_an_expiry_returns_it(provider: Person) -> None:
    key = await made(provider, expiresAt="2040-01-01T02:00:00+02:00")
    assert datetime.fromisoformat(key["apiKey"]["expiresAt"]) == datetime(2040, 1, 1, tzinfo=UTC)
    assert key["apiKey"]["status"] == "ACTIVE"


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_an_expiry_out_of_range_is_rejected(provider: Person, at: str) -> None:
    payload = await provider.change("createApiKey", KEY, name="Made", expiresAt=at)
    assert refusals(payload) == [("OUT_OF_RANGE", ["expiresAt"])]


@pytest.mark.parametrize("at", ["tomorrow", "", "2040-13-01T00:00:00Z", 5])
async def test_an_expiry_that_is_not_a_time_is_rejected_before_execution(provider: Person, at: Any) -> None:
    mutation = "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token } }"
    answer = await provider.ask(mutation, input={"name": "Made", "expiresAt": at})
    assert answer.codes == ["BAD_USER_INPUT"]


async def test_no_key_outlives_its_creator(installation: Installation, provider: Person, world: World) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    creator = installation.holder((await made(provider, expiresAt=ends.isoformat()))["token"])
    for settings in ({}, {"owner": {"accountId": world["own"]}}, {"accessLevel": "READ_ONLY"}):
        by_default = await made(creator, **settings)
        assert datetime.fromisoformat(by_default["apiKey"]["expiresAt"]) == ends
    later = await creator.change("createApiKey", KEY, name="Later", expiresAt=(ends + timedelta(seconds=1)).isoformat())
    assert refusals(later) == [("OUT_OF_RANGE", ["expiresAt"])]
    sooner = await made(creator, expiresAt=(ends - timedelta(hours=1)).isoformat())
    assert datetime.fromisoformat(sooner["apiKey"]["expiresAt"]) == ends - timedelta(hours=1)


async def test_a_key_names_its_creator(
    installation: Installation, provider: Person, account_user: Person, world: World
) -> None:
    key = await made(provider, owner={"accountId": world["own"]})
    assert key["apiKey"]["createdBy"] == {"scope": "SERVICE_PROVIDER", "apiKeyId": world["provider_key"]}
    answer = await account_user.ask("{ viewer { account { apiKeys { nodes { id createdBy { scope } } } } } }")
    listed = {node["id"]: node["createdBy"] for node in answer.only("viewer")["account"]["apiKeys"]["nodes"]}
    assert listed[key["apiKey"]["id"]] == {"scope": "SERVICE_PROVIDER"}


async def test_the_first_admin_key_has_no_creator(admin: Person) -> None:
    answer = await admin.ask("{ viewer { apiKey { createdBy { scope } expiresAt } } }")
    assert answer.only("viewer")["apiKey"] == {"createdBy": None, "expiresAt": None}


async def test_a_read_only_key_reads_everything_but_secrets(read_only: Person, world: World) -> None:
    query = "query ($id: ID!) { account(id: $id) { name apiKeys { totalCount } recordingConfig { bucketName } %s } }"
    answer = await read_only.ask(query % "", id=world["own"])
    assert answer.only("account")["recordingConfig"] == {"bucketName": "own-recordings"}
    answer = await read_only.ask(query % "webhookSecret", id=world["own"])
    assert answer.data["account"]["webhookSecret"] is None
    assert answer.data["account"]["name"] == "Own customer"
    assert answer.errors[0]["extensions"]["requiredPermissions"] == ["VIEW_SECRETS"]


async def test_the_owner_installation_accepts_only_true(admin: Person) -> None:
    payload = await admin.change("createApiKey", "apiKey { id } token", name="x", owner={"installation": False})
    assert (payload["apiKey"], payload["token"]) == (None, None)
    assert refusals(payload) == [("INVALID", ["owner", "installation"])]
