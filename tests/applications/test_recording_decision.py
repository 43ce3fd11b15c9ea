"""The recording decision of an application: by its own switch and the account's configuration, in one statement."""

from typing import Any

import pytest

from tests.execution.test_compiled import reference_executor
from tests.support.installation import Installation, Person, World
from tests.support.statements import recorded

QUERY = "query ($id: ID!) { application(id: $id) { recordAllCalls recording { recorded reason message } } }"


async def decision_of(person: Person, world: World) -> dict[str, Any]:
    answer = await person.ask(QUERY, id=world["own_application"])
    found: dict[str, Any] = answer.only("application")["recording"]
    return found


@pytest.mark.parametrize(
    ("enabled", "account", "application", "recorded", "reason"),
    [
        (True, True, True, True, "ACCOUNT_RECORDS_ALL"),
        (True, True, False, True, "ACCOUNT_RECORDS_ALL"),
        (True, False, True, True, "APPLICATION_RECORDS_ALL"),
        (True, False, False, False, "SWITCHED_OFF"),
        (False, True, True, False, "STORAGE_NOT_ENABLED"),
        (False, True, False, False, "STORAGE_NOT_ENABLED"),
        (False, False, True, False, "STORAGE_NOT_ENABLED"),
        (False, False, False, False, "STORAGE_NOT_ENABLED"),
    ],
)
async def test_calls_are_recorded_if_storage_is_enabled_and_the_account_or_the_application_records_all(
    installation: Installation,
    account_user: Person,
    world: World,
    enabled: bool,
    account: bool,
    application: bool,
    recorded: bool,
    reason: str,
) -> None:
    changes = {"accountId": world["own"], "enabled": enabled, "recordAllCalls": account}
    await account_user.change("updateRecordingConfig", "recordingConfig { id }", **changes)
    payload = await account_user.change(
        "updateApplication",
        "application { recording { recorded reason message } }",
        id=world["own_application"],
        recordAllCalls=application,
    )
    found = await decision_of(account_user, world)
    assert (found["recorded"], found["reason"]) == (recorded, reason)
    assert ("not recorded" in found["message"]) is not recorded
    assert payload["application"]["recording"] == found
    with reference_executor(installation):
        assert await decision_of(account_user, world) == found


async def test_without_a_bucket_nothing_is_recorded(account_user: Person, world: World) -> None:
    await account_user.change("removeRecordingConfig", "deletedId", accountId=world["own"])
    assert (await decision_of(account_user, world))["reason"] == "STORAGE_NOT_CONFIGURED"
    await account_user.change(
        "updateRecordingConfig", "recordingConfig { id }", accountId=world["own"], recordAllCalls=True
    )
    assert (await decision_of(account_user, world))["reason"] == "STORAGE_NOT_CONFIGURED"


async def test_another_accounts_switches_have_no_effect(provider: Person, world: World) -> None:
    changes = {"accountId": world["sibling"], "recordAllCalls": True}
    await provider.change("updateRecordingConfig", "recordingConfig { id }", **changes)
    assert (await decision_of(provider, world))["reason"] == "SWITCHED_OFF"


async def test_a_failing_storage_adds_a_warning_to_the_message(
    installation: Installation, account_user: Person, world: World
) -> None:
    await account_user.change(
        "updateRecordingConfig", "recordingConfig { id }", accountId=world["own"], recordAllCalls=True
    )
    message = "Calls are recorded: the account records the calls of all its applications."
    assert (await decision_of(account_user, world))["message"] == message
    async with installation.database() as db:
        await db.execute_query("UPDATE recording_configs SET storage_status = 'FAILING'")
    found = await decision_of(account_user, world)
    assert (found["recorded"], found["reason"]) == (True, "ACCOUNT_RECORDS_ALL")
    assert found["message"] == f"{message} But the latest storage test failed, so recordings may be lost."


@pytest.mark.parametrize("is_configured", [True, False])
async def test_the_recording_decision_is_read_with_the_application_in_one_statement(
    account_user: Person, world: World, is_configured: bool
) -> None:
    if not is_configured:
        await account_user.change("removeRecordingConfig", "deletedId", accountId=world["own"])
    query = "query ($id: ID!) { application(id: $id) { name usedFor account { name } recording { reason } } }"
    await account_user.ask(query, id=world["own_application"])
    with recorded() as statements:
        await account_user.ask(query, id=world["own_application"])
    assert len(statements) == 1


async def test_nothing_is_recorded_while_the_account_or_provider_is_suspended(
    installation: Installation, admin: Person, provider: Person, world: World
) -> None:
    for mutation in ("updateRecordingConfig", "updateApplication"):
        given = {"accountId": world["own"]} if mutation == "updateRecordingConfig" else {"id": world["own_application"]}
        await provider.change(mutation, "__typename", **given, recordAllCalls=True)
    said = []
    for person, mutation, id_ in (
        (provider, "setAccountActive", world["own"]),
        (admin, "setServiceProviderActive", world["provider"]),
    ):
        await person.change(mutation, "__typename", id=id_, active=False)
        said.append(await decision_of(person, world))
        with reference_executor(installation):
            assert await decision_of(person, world) == said[-1]
        # In the payload of a mutation.
        same = "application { recording { recorded reason message } }"
        payload = await person.change("updateApplication", same, id=world["own_application"], recordAllCalls=True)
        assert payload["application"]["recording"] == said[-1]
        await person.change(mutation, "__typename", id=id_, active=True)
    assert said == [
        {
            "recorded": False,
            "reason": "ACCOUNT_SUSPENDED",
            "message": "Calls are not recorded: the account is suspended.",
        },
        {
            "recorded": False,
            "reason": "SERVICE_PROVIDER_SUSPENDED",
            "message": "Calls are not recorded: the account's service provider is suspended.",
        },
    ]
    assert (await decision_of(provider, world))["recorded"]
