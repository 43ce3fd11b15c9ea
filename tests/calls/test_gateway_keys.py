"""The permissions of a voice gateway's key: identify itself and report calls, and nothing else."""

from typing import Any

import pytest
from graphql import get_named_type, is_leaf_type

from app.server.schema import schema
from tests.calls.conftest import REPORT, gateway_of
from tests.support.installation import Installation, Person, World

SCHEMA = schema._schema
ROOTS = [
    (kind, name)
    for kind, root in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type))
    for name in (root.fields if root else ())
]
OPEN = {("query", "viewer"), ("mutation", "reportCalls")}
OWNERS = {
    "ACCOUNT": {"accountId": "own"},
    "SERVICE_PROVIDER": {"serviceProviderId": "provider"},
    "ADMIN": {"installation": ""},
}


def document(kind: str, name: str) -> str:
    """A valid operation on a root field, with arbitrary arguments."""
    root = SCHEMA.query_type if kind == "query" else SCHEMA.mutation_type
    assert root is not None
    one = root.fields[name]
    required = {
        argument: each for argument, each in one.args.items() if str(each.type).endswith("!") and argument != "first"
    }
    declared = ", ".join(f"${argument}: {each.type}" for argument, each in required.items())
    given = ", ".join(f"{argument}: ${argument}" for argument in required)
    below = "" if is_leaf_type(get_named_type(one.type)) else " { __typename }"
    return f"{kind}{f'({declared})' if declared else ''} {{ {name}{f'({given})' if given else ''}{below} }}"


@pytest.mark.parametrize("scope", OWNERS)
async def test_keys_of_each_scope_can_have_the_access_level_gateway(
    installation: Installation, world: World, scope: str
) -> None:
    ((owner, whose),) = OWNERS[scope].items()
    gateway = await gateway_of(installation, **{owner: world[whose] if whose else True})
    assert (await gateway.ask("{ viewer { scope permissions } }")).only("viewer") == {
        "scope": scope,
        "permissions": ["ACT_AS_GATEWAY"],
    }
    answer = await gateway.ask(REPORT, input={"calls": [{"accountId": world["own"], "callId": "one"}]})
    assert answer.only("reportCalls")["acceptedCount"] == 1


async def test_a_gateways_key_is_refused_at_other_root_fields(gateway: Person) -> None:
    for kind, name in ROOTS:
        if (kind, name) not in OPEN:
            answer = await gateway.ask(document(kind, name))
            assert answer.codes == ["FORBIDDEN"], name
            assert "data" not in answer.body, name


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { account { id } } }",
        "{ viewer { serviceProvider { name } } }",
        "{ viewer { apiKey { name } } }",
        "{ viewer { ...more } } fragment more on Viewer { serviceProvider { accounts { nodes { webhookSecret } } } }",
        "{ viewer { scope } accounts { nodes { id } } }",
        "{ viewer { scope } __schema { types { name } } }",
    ],
)
async def test_viewer_gives_a_gateway_no_further_access(gateway: Person, query: str) -> None:
    answer = await gateway.ask(query)
    if "__schema" in query:  # introspection is decided alike for all
        assert set(answer.codes) <= {"FORBIDDEN"}
    else:
        assert answer.codes == ["FORBIDDEN"]
        assert "data" not in answer.body


@pytest.mark.parametrize("person", ["admin", "provider", "account_user", "read_only"])
async def test_only_gateways_report_calls(installation: Installation, world: World, person: str) -> None:
    answer = await installation.person(person).ask(
        REPORT, input={"calls": [{"accountId": world["own"], "callId": "one"}]}
    )
    assert answer.codes == ["FORBIDDEN"]
    assert answer.errors[0]["extensions"]["requiredPermissions"] == ["ACT_AS_GATEWAY"]


async def test_a_gateways_key_cannot_create_keys(gateway: Person) -> None:
    query = "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token } }"
    answer: Any = await gateway.ask(query, input={"name": "another"})
    assert answer.codes == ["FORBIDDEN"]
