"""Compiled mutations: each resolver runs once, and the response is the same as from the reference executor."""

from typing import Any

import orjson
import pytest

from app.accounts import service as accounts
from app.execution.compiler import run
from app.foundation.errors import ServiceUnavailable
from app.server.schema import schema
from tests.execution.random_queries import VARIABLES, RandomQueries
from tests.execution.test_compiled import LEFT_OUT, SEED, N, ask_both, cursors, plans, reference_executor
from tests.support.installation import Answer, Installation, Person, World

# Fields that every change changes, and values that are new each time.
CHANGING = LEFT_OUT | {"version", "updatedAt", "secretHash", "storageStatusSince"}
RENAME = (
    "mutation ($i: UpdateAccountInput!) { updateAccount(input: $i) { account { name } userErrors { code field } } }"
)


@pytest.fixture
async def repeatable(admin: Person, world: World) -> dict[str, dict[str, Any]]:
    """Inputs that change nothing the second time, or that are refused."""
    own, unknown = world["own"], f"AC{'0' * 32}"
    made = await admin.change("createApiKey", "apiKey { id }", name="key", owner={"accountId": own})
    key = made["apiKey"]["id"]
    await admin.change("revokeApiKey", "apiKey { id }", id=key)
    await admin.change("updateRecordingConfig", "recordingConfig { id }", accountId=own, recordAllCalls=True)
    # It is not deleted, since the account uses it.
    await admin.change("updateAccount", "account { id }", id=own, deviceCallingApplicationId=world["own_application"])
    return {
        "updateAccount": {"id": own, "name": "As it was", "licensedSessions": 5, "sipRealm": None},
        "updateAccount wrong": {"id": own, "name": " ", "sipRealm": "no realm", "licensedSessions": -1},
        "updateAccount unknown": {"id": unknown, "name": "x"},
        "setAccountActive": {"id": own, "active": True},
        "deleteAccount": {"id": own, "dryRun": True},
        "revokeApiKey": {"id": key},
        "updateApiKey": {"id": key, "name": "same"},
        "rotateApiKey": {"id": key},
        "createAccount": {"name": "a" * 65},
        "updateRecordingConfig": {"accountId": own, "recordAllCalls": True},
        "updateApplication": {"id": world["own_application"]},
        "updateApplication wrong": {"id": world["own_application"], "name": "", "callingWebhook": None},
        "deleteApplication": {"id": world["own_application"]},
        "createApplication": {"accountId": unknown, "name": "x", "callingWebhook": {"url": "https://x.example.com"}},
        "updateRecordingConfig wrong": {"accountId": own, "bucketName": "A", "region": "x" * 100},
    }


@pytest.mark.parametrize("name", ["admin", "provider", "account_user"])
async def test_random_payloads_are_the_same_from_both_executors(
    installation: Installation, repeatable: dict[str, dict[str, Any]], world: World, name: str
) -> None:
    person, without_errors = installation.person(name), 0
    random = RandomQueries(
        schema._schema,
        SEED,
        ids=list(world.ids.values()),
        without=frozenset(CHANGING),
        cursors=await cursors(installation.person("admin")),
    )
    for case, given in repeatable.items():
        for query in random.payloads(case.partition(" ")[0], max(N // 12, 1)):
            variables = {"yes": True, "input": given, **({"few": VARIABLES["few"]} if "$few" in query else {})}
            compiled, expected = await ask_both(installation, person, query, **variables)
            assert orjson.dumps(compiled.data) == orjson.dumps(expected.data), (case, query)
            assert shown(compiled) == shown(expected), (case, query)
            without_errors += not compiled.errors
    assert without_errors > (N // 4 if name == "admin" else 0)
    assert len(plans(installation)) > N / 4, "too few of them were compiled"


def shown(answer: Answer) -> list[dict[str, Any]]:
    return [error | {"extensions": error["extensions"] | {"requestId": None}} for error in answer.errors]


async def test_a_mutation_does_not_run_again_when_its_payload_cannot_be_read(
    installation: Installation, admin: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise ConnectionError("the database went away after the change")

    asked = "query ($id: ID!) { account(id: $id) { name version } }"
    before = (await admin.ask(asked, id=world["own"])).only("account")
    query = """mutation ($i: UpdateAccountInput!) {
        updateAccount(input: $i) { account { name version apiKeys { nodes { name } } } userErrors { code } }
    }"""
    with monkeypatch.context() as patched:
        patched.setattr(run._PlanRun, "_load_root", away)
        answer = await admin.ask(query, i={"id": world["own"], "name": "Once"})
    assert answer.codes == ["SERVICE_UNAVAILABLE"]
    after = (await admin.ask(asked, id=world["own"])).only("account")
    assert after == {"name": "Once", "version": before["version"] + 1}


async def test_a_failing_field_is_reported_as_by_the_reference_executor_and_the_others_run_once(
    installation: Installation, admin: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []

    async def refuse(*_: Any, **__: Any) -> None:
        called.append("refused")
        raise ServiceUnavailable("Not now.")

    monkeypatch.setattr(accounts, "set_active", refuse)
    query = """mutation ($id: ID!) {
        first: createApiKey(input: {name: "first", owner: {accountId: $id}}) { apiKey { name } }
        second: setAccountActive(input: {id: $id, active: false}) { account { name } }
        third: createApiKey(input: {name: "third", owner: {accountId: $id}}) { apiKey { name account { name } } }
    }"""
    compiled = await admin.ask(query, id=world["own"])
    with reference_executor(installation):
        expected = await admin.ask(query, id=world["own"])
    assert compiled.data == expected.data
    assert shown(compiled) == shown(expected)
    assert [error["path"] for error in compiled.errors] == [["second"]]
    assert called == ["refused", "refused"], "once for each way"
    keys = await admin.ask(
        "query ($id: ID!) { account(id: $id) { apiKeys(first: 100) { nodes { name } } } }", id=world["own"]
    )
    names = [node["name"] for node in keys.only("account")["apiKeys"]["nodes"]]
    assert (names.count("first"), names.count("third")) == (2, 2), "once for each way"


async def test_errors_of_several_payloads_are_in_document_order(
    installation: Installation, admin: Person, world: World
) -> None:
    changed = 'setAccountActive(input: {id: $id, active: true}) { account { apiKeys(after: "none") { totalCount } } }'
    query = f"""fragment Second on Mutation {{ second: {changed} }}
    mutation ($id: ID!) {{ first: {changed} ...Second }}"""
    compiled, expected = await ask_both(installation, admin, query, id=world["own"])
    assert list(compiled.data or ()) == ["first", "second"]
    assert shown(compiled) == shown(expected)
    assert [error["path"][0] for error in compiled.errors] == ["second", "first"]


async def test_a_denied_input_field_is_refused_before_anything_runs(
    installation: Installation, account_user: Person, world: World
) -> None:
    compiled, expected = await ask_both(
        installation, account_user, RENAME, i={"id": world["own"], "name": "Mine", "licensedSessions": None}
    )
    assert compiled.codes == expected.codes == ["FORBIDDEN"]
    assert [error["extensions"]["inputFields"] for error in compiled.errors] == [["licensedSessions"]]
    name = await account_user.ask("query ($id: ID!) { account(id: $id) { name } }", id=world["own"])
    assert name.only("account")["name"] != "Mine"


async def test_an_account_user_with_permitted_input_is_served_by_the_plan(
    installation: Installation, account_user: Person, world: World
) -> None:
    answer = await account_user.ask(RENAME, i={"id": world["own"], "name": "Mine"})
    assert answer.only("updateAccount") == {"account": {"name": "Mine"}, "userErrors": []}
    assert len(plans(installation)) == 1


TWICE = """mutation ($id: ID!, $after: String) {
    a: createApiKey(input: {name: "a", owner: {accountId: $id}}) { apiKey { account { apiKeyCount } } }
    b: createApiKey(input: {name: "b", owner: {accountId: $id}}) {
        apiKey { account { apiKeyCount apiKeys(first: 1, after: $after) { nodes { name } } } }
    }
}"""


@pytest.mark.parametrize("after", [None, "no cursor"])
async def test_a_payload_is_read_before_the_next_mutation_runs(
    installation: Installation, admin: Person, world: World, after: str | None
) -> None:
    before = (await admin.ask("query ($id: ID!) { account(id: $id) { apiKeyCount } }", id=world["own"])).data
    count = before["account"]["apiKeyCount"]
    for answer in await ask_both(installation, admin, TWICE, id=world["own"], after=after):
        assert answer.data["a"]["apiKey"]["account"]["apiKeyCount"] == count + 1
        assert [error["path"] for error in answer.errors] == ([["b", "apiKey", "account", "apiKeys"]] if after else [])
        count += 2
