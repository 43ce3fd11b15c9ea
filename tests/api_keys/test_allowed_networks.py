"""Networks from which a key may be used: on every way in, refused like a wrong key, and audited."""

from typing import Any

import pytest

from app.api_keys import allowed_networks, token
from app.audit.secret_reads import SecretReads
from app.demo.local_s3 import LocalS3
from tests.api_keys.test_rotation import write_uses
from tests.recording.recorded import recorded, target_in
from tests.support.installation import Installation, Person, World, refusals
from tests.support.statements import recorded as statements
from tests.support.websocket_clients import Client, opened, served

INSIDE, OUTSIDE = "192.0.2.7", "203.0.113.9"
WHO = "{ viewer { scope } }"
EVENTS = (
    '{ auditEvents(filter: {operation: "refuseApiKey"}) { nodes { actor { apiKeyId } objectId accountId address } } }'
)
behind_a_proxy = pytest.mark.settings(trusted_proxies=["127.0.0.1"])


async def limited(account_user: Person, *networks: str, **given: Any) -> dict[str, Any]:
    """A key for these networks, by default for that of INSIDE."""
    given = {"name": "Limited", "allowedNetworks": networks or ("192.0.2.0/24",), **given}
    made = await account_user.change("createApiKey", "apiKey { id allowedNetworks } token", **given)
    assert made["userErrors"] == []
    return made


async def status(installation: Installation, text: str, address: str, path: str = "") -> tuple[int, Any]:
    """The status and the body, without the request's id, of a request from this address."""
    headers = {"Authorization": f"Bearer {text}", "X-Forwarded-For": address}
    client = installation.client
    answer = await (
        client.get(path, headers=headers) if path else client.post("/graphql", json={"query": WHO}, headers=headers)
    )
    body = answer.json() if "json" in answer.headers["content-type"] else answer.text
    for error in body.get("errors", []) if isinstance(body, dict) else ():
        error["extensions"].pop("requestId")
    return answer.status_code, body


async def events(installation: Installation, reader: Person) -> list[dict[str, Any]]:
    async with installation.database():
        await installation.resources.clients[SecretReads].flush()
    nodes: list[dict[str, Any]] = (await reader.ask(EVENTS)).only("auditEvents")["nodes"]
    return nodes


async def test_a_key_is_used_everywhere_by_default(account_user: Person) -> None:
    made = await account_user.change("createApiKey", "apiKey { allowedNetworks }", name="Key")
    assert made["apiKey"] == {"allowedNetworks": []}


@behind_a_proxy
async def test_a_key_with_networks_is_refused_elsewhere_like_a_wrong_key(
    installation: Installation, account_user: Person
) -> None:
    key = await limited(account_user, "192.0.2.0/24", "2001:db8::/32")
    wrong = await status(installation, token.make(key["token"][4:16]).text, OUTSIDE)
    assert wrong[0] == 401
    for address in (OUTSIDE, "2001:db9::1"):
        assert await status(installation, key["token"], address) == wrong
    for address in (INSIDE, "2001:db8::1", f"::ffff:{INSIDE}"):
        assert (await status(installation, key["token"], address))[0] == 200
    assert await status(installation, key["token"], OUTSIDE) == wrong, "also while the key is cached"


@behind_a_proxy
async def test_a_refused_key_costs_the_statements_of_a_wrong_one_even_while_it_is_cached(
    installation: Installation, account_user: Person
) -> None:
    key = await limited(account_user)
    await status(installation, key["token"], INSIDE)
    costs = []
    for text in (token.make(key["token"][4:16]).text, key["token"]):
        with statements() as sent:
            assert (await status(installation, text, OUTSIDE))[0] == 401
        costs.append(len(sent))
    assert costs == [1, 1]


@behind_a_proxy
async def test_the_networks_hold_for_the_other_routes(
    installation: Installation, admin: Person, account_user: Person, local_s3: LocalS3
) -> None:
    call = await recorded(installation, target_in(local_s3))
    key = await limited(account_user)
    signed = await call.address(account_user)
    assert (await status(installation, key["token"], OUTSIDE, signed))[0] == 200, "signed for another key"
    for path in (f"{call.path}.wav", "/schema.graphql"):
        assert (await status(installation, key["token"], OUTSIDE, path))[0] == 401
        assert (await status(installation, key["token"], INSIDE, path))[0] == 200
    made = await limited(admin)
    assert (await status(installation, made["token"], OUTSIDE, "/metrics"))[0] == 401
    assert (await status(installation, made["token"], INSIDE, "/metrics"))[0] == 200


@behind_a_proxy
async def test_a_signed_url_of_a_key_with_networks_works_in_them_alone(
    installation: Installation, account_user: Person, local_s3: LocalS3, world: World
) -> None:
    call = await recorded(installation, target_in(local_s3))
    key = await limited(account_user, "127.0.0.0/8", "192.0.2.0/24")
    address = await call.address(installation.holder(key["token"]))
    for client, expected in ((INSIDE, 200), (OUTSIDE, 403)):
        answer = await installation.client.get(address, headers={"X-Forwarded-For": client})
        assert answer.status_code == expected


async def test_the_networks_hold_for_websockets(installation: Installation, account_user: Person) -> None:
    refused, accepted = await limited(account_user), await limited(account_user, "127.0.0.0/8")
    async with served(installation) as port:
        async with opened(port) as client:
            await client.begin(accepted["token"])
        async with opened(port) as client:
            await _init(client, refused["token"])
            assert await client.closed() == (4401, "Invalid API key: unknown, expired, revoked or mistyped.")


async def _init(client: Client, token: str) -> None:
    await client.say(type="connection_init", payload={"authorization": f"Bearer {token}"})


async def test_a_connection_ends_when_its_address_is_no_longer_allowed(
    installation: Installation, account_user: Person
) -> None:
    key = await limited(account_user, "127.0.0.0/8")
    async with served(installation) as port, opened(port) as client:
        await client.begin(key["token"])
        payload = await account_user.change(
            "updateApiKey", "apiKey { allowedNetworks version }", id=key["apiKey"]["id"], allowedNetworks=["192.0.2.1"]
        )
        assert payload["apiKey"] == {"allowedNetworks": ["192.0.2.1/32"], "version": 2}
        assert (await client.closed())[0] == 4401


@behind_a_proxy
async def test_a_change_of_networks_is_audited_and_null_clears_them(
    installation: Installation, account_user: Person
) -> None:
    key = await limited(account_user)
    changed = ("updateApiKey", "apiKey { allowedNetworks }")
    assert (await account_user.change(*changed, id=key["apiKey"]["id"], name="Kept"))["apiKey"] == {
        "allowedNetworks": ["192.0.2.0/24"]
    }
    nothing: tuple[list[str] | None, ...] = (None, [])
    for given in nothing:
        cleared = await account_user.change(*changed, id=key["apiKey"]["id"], allowedNetworks=given)
        assert cleared["apiKey"] == {"allowedNetworks": []}
    assert (await status(installation, key["token"], OUTSIDE))[0] == 200
    answer = await account_user.ask(
        '{ auditEvents(filter: {operation: "updateApiKey"}) { nodes { changes { field before after } } } }'
    )
    (cleared, _) = answer.only("auditEvents")["nodes"]
    assert cleared["changes"] == [{"field": "allowedNetworks", "before": '["192.0.2.0/24"]', "after": "null"}]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("192.0.2.1", "192.0.2.1/32"),
        (" 2001:DB8:0::/32 ", "2001:db8::/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("::/0", "::/0"),
    ],
)
async def test_networks_are_stored_in_one_form(account_user: Person, given: str, stored: str) -> None:
    assert (await limited(account_user, given, given))["apiKey"]["allowedNetworks"] == [stored]


@pytest.mark.parametrize(
    "given", ["", "nowhere", "192.0.2.0/33", "10.0.0.1/8", "2001:db8::1/32", "fe80::1%eth0", "x" * 5_000]
)
async def test_an_invalid_network_is_an_error_of_its_place(account_user: Person, given: str) -> None:
    payload = await account_user.change("createApiKey", "token", name="Key", allowedNetworks=["192.0.2.1", given])
    assert refusals(payload) == [("INVALID", ["allowedNetworks", "1"])]


async def test_a_key_has_at_most_twenty_networks(account_user: Person) -> None:
    networks = [f"192.0.2.{number}" for number in range(21)]
    payload = await account_user.change("createApiKey", "token", name="Key", allowedNetworks=networks)
    assert refusals(payload) == [("OUT_OF_RANGE", ["allowedNetworks"])]
    assert len((await limited(account_user, *networks[:20]))["apiKey"]["allowedNetworks"]) == 20


@behind_a_proxy
async def test_refused_uses_are_audited_once_for_each_network(
    installation: Installation, account_user: Person, world: World
) -> None:
    key = await limited(account_user)
    for address in (OUTSIDE, "2001:db8::1", OUTSIDE, "2001:db8::2"):
        await status(installation, key["token"], address)
    event = {"actor": {"apiKeyId": key["apiKey"]["id"]}, "objectId": key["apiKey"]["id"], "accountId": world["own"]}
    assert sorted(await events(installation, account_user), key=lambda one: str(one["address"])) == [
        {**event, "address": "2001:db8::1"},
        {**event, "address": OUTSIDE},
    ]


@behind_a_proxy
async def test_an_hour_later_a_refused_use_is_audited_again(
    installation: Installation, account_user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await limited(account_user)
    monkeypatch.setattr(allowed_networks, "MAXIMUM_EVENTS", 2)
    for number in range(4):
        await status(installation, key["token"], f"203.0.113.{number}")
    assert len(await events(installation, account_user)) == 2
    monkeypatch.setattr(installation.app.state.server.state.authentication._refused_uses, "_hour", 0)
    await status(installation, key["token"], "203.0.113.0")
    assert len(await events(installation, account_user)) == 3


@behind_a_proxy
async def test_the_address_of_the_last_use_is_shown(
    installation: Installation, account_user: Person, provider: Person
) -> None:
    made = await account_user.change("createApiKey", "apiKey { id } token", name="Key")
    shown = "query ($id: ID!) { node(id: $id) { ... on ApiKey { lastUsedAddress } } }"
    seen = []
    for address in ("", OUTSIDE, "2001:db8::1"):
        if address:
            assert (await status(installation, made["token"], address))[0] == 200
        await write_uses(installation)
        seen.append((await provider.ask(shown, id=made["apiKey"]["id"])).only("node")["lastUsedAddress"])
    assert seen == [None, OUTSIDE, "2001:db8::1"]


async def test_the_last_uses_of_a_minute_are_written_by_one_statement(
    installation: Installation, account_user: Person, provider: Person
) -> None:
    for person in (account_user, provider):
        await person.ask(WHO)
    with statements() as sent:
        await write_uses(installation)
    assert len([one for one in sent if "UNNEST" in str(one)]) in (1, 2)  # 2 at the turn of a minute
