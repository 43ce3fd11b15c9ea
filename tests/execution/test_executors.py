"""What clients send is compiled: the reference executor is for what is unusual."""

import json
import re
from typing import Any

import pytest

from tests.clients.example import operations, reserved
from tests.clients.test_documents import TABS
from tests.server.test_metrics import metrics, number
from tests.support.installation import Installation, Person, World
from tests.support.personas import PASSWORD, add_people, email_of

# The input of a form. No server listens at the storage's address, so that its tests end at once.
NO_ACCOUNT, NO_PROVIDER = f"AC{'0' * 32}", f"SP{'0' * 32}"
STORAGE = {
    "bucketVendor": "S3_COMPATIBLE",
    "bucketName": "calls",
    "region": "us-east-1",
    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "secretAccessKey": "only-for-this-test",
    "s3Tags": [{"name": "customer", "value": "Bakery"}],
}


def variables_of(world: World, endpoint: str, person: str) -> dict[str, Any]:
    """The variables of the clients' operations, by name; an operation that is missing here has none."""
    storage = {"accountId": world["own"], "endpointUrl": endpoint, **STORAGE}
    return {
        "ConfigureRecording": {"input": {**storage, "enabled": True, "audioFormat": "WAV", "recordAllCalls": True}},
        "ClearTtsCache": {"input": {"accountId": world["own"]}},
        "CreateAccount": {"input": {"name": "Bakery", "serviceProviderId": world["provider"]}},
        "CreateApiKey": {"input": {"name": "Portal", "owner": {"accountId": world["own"]}, "accessLevel": "READ_ONLY"}},
        "CreateApplication": {
            "input": {"accountId": world["own"], "name": person, "callingWebhook": {"url": "https://example.com/"}}
        },
        "CreateUser": {
            "input": {
                "role": "VIEWER",
                "email": f"{person}@new.example.com",
                "name": "New",
                "owner": {"accountId": world["own"]},
            }
        },
        "CreateServiceProvider": {"input": {"name": "Western Voice"}},
        "DeleteServiceProvider": {"input": {"id": world["provider"], "dryRun": True}},
        "FillAccountForm": {"id": world["own"]},
        "ListApplications": {"id": world["own"]},
        "ListUsers": {"id": world["own"]},
        "ListCalls": {"first": 20},
        "ListStoredCredentials": {"accountId": world["own"]},
        "ReadCall": {"id": f"CA{0:032x}"},
        "Login": {"input": {"email": email_of("ann"), "password": PASSWORD}},
        "SendTestWebhook": {"input": {"accountId": world["own"], "kind": "REGISTRATION"}},
        "ListAccounts": {"first": 50, "search": "customer"},
        "MoveAccount": {"input": {"id": world["own"], "serviceProviderId": world["provider"]}},
        "ReadAccount": {"id": world["own"]},
        "SaveAccountForm": {
            "input": {"id": world["own"], "name": "Own customer", "recordingConfig": {"recordAllCalls": False}}
        },
        "ShowWebhookSecret": {"id": world["own"]},
        "SetServiceProviderActive": {"input": {"id": world["provider"], "active": True}},
        "TestStorage": {"input": storage},
        "TestStoredStorage": {"input": {"accountId": world["own"]}},
        "UpdateAccount": {"input": {"id": world["own"], "sipRealm": "bakery.example.com"}},
        "UpdateServiceProvider": {"input": {"id": world["provider"], "name": "Northern Voice"}},
    }


# Operations that users of accounts may not run.
NOT_FOR_ACCOUNTS = {
    *("CreateAccount", "CreateServiceProvider", "DeleteServiceProvider", "ListServiceProviders"),
    *("MoveAccount", "SetServiceProviderActive", "UpdateServiceProvider"),
}

# Not tested here: gateways' operations and subscriptions, which have no plan; operations that need a recording, a password or a
# person's id.
NOT_HERE = {
    "AdoptApiKey",
    "DeactivateUser",
    "TransferOwnership",
    "ReportCalls",
    "WatchCalls",
    "DeleteRecording",
    "RetryRecording",
    "RemoveStoredCredential",
    "ChangePassword",
}
# Operations with a field that a resolver reads: the password policy, and the accounts that a person owns.
RESOLVED = {"ListUsers", "WhoAmI"}
# The user that runs an operation that keys may not run.
PEOPLE = {"admin": "root", "provider": "boss", "account_user": "ann"}


def tabs(world: World, endpoint: str) -> list[tuple[str, str, dict[str, Any]]]:
    """GraphiQL's tabs: name, text and variables, with the test's account and storage."""
    found = []
    for tab in TABS:
        file = tab.with_suffix(".json")
        text = file.read_text() if file.exists() else "{}"
        text = text.replace(NO_ACCOUNT, world["own"]).replace("https://s3.example.com", endpoint)
        text = text.replace(NO_PROVIDER, world["provider"])
        text = text.replace("you@example.com", email_of("ann")).replace("YOUR-PASSWORD", PASSWORD)
        text = text.replace('"secretAccessKey": ""', f'"secretAccessKey": "{STORAGE["secretAccessKey"]}"')
        if not any(f" {name}" in tab.read_text() for name in NOT_HERE):
            found.append((f"tab {tab.stem}", tab.read_text(), json.loads(text)))
    return found


async def executor_of(admin: Person, person: Person, text: str, variables: dict[str, Any]) -> str:
    """Which executor ran an operation, by the metrics: `compiled` or `reference`."""
    type_ = "mutation" if re.search(r"^mutation", text, re.MULTILINE) else "query"
    names = {
        executor: f'vga_graphql_operations_total{{executor="{executor}",operation_type="{type_}"}}'
        for executor in ("compiled", "reference")
    }
    before = (await metrics(admin)).text
    answer = await person.ask(text, **variables)
    assert not answer.errors, (text, answer.errors)
    assert [payload["userErrors"] for payload in answer.data.values() if payload and "userErrors" in payload] in (
        [],
        [[]],
    )
    after = (await metrics(admin)).text
    (taken,) = [executor for executor, name in names.items() if number(after, name) - number(before, name) == 1]
    return taken


@pytest.mark.settings(compiled_operations=True)
@pytest.mark.usefixtures("valkey")
async def test_published_operations_are_compiled(installation: Installation, admin: Person, world: World) -> None:
    taken = {}
    people = await add_people(installation)
    with reserved() as port:
        endpoint = f"http://127.0.0.1:{port}"
        for person in ("admin", "account_user"):
            variables = variables_of(world, endpoint, person)
            for name, text in operations().items():
                if name not in NOT_HERE and (person == "admin" or name not in NOT_FOR_ACCOUNTS):
                    given = variables.get(name, {})
                    caller = people[PEOPLE[person]] if name == "CreateUser" else installation.person(person)
                    taken[f"{name} as {person}"] = await executor_of(admin, caller, text, given)
        for name, text, given in tabs(world, endpoint):
            person = "admin" if name.endswith("move-account") else "provider"
            caller = people[PEOPLE[person]] if name.endswith("create-user") else installation.person(person)
            taken[f"{name} as {person}"] = await executor_of(admin, caller, text, given)
    assert {name.partition(" as ")[0] for name, executor in taken.items() if executor != "compiled"} == RESOLVED


@pytest.mark.settings(compiled_operations=False)
async def test_nothing_is_compiled_when_compiling_is_off(admin: Person) -> None:
    assert await executor_of(admin, admin, operations()["WhoAmI"], {}) == "reference"
