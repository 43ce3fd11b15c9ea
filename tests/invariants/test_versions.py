"""Optimistic concurrency on every editable object: a change of another version is a CONFLICT."""

from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type

from tests.invariants.schema_walk import (
    MUTATIONS,
    SCHEMA,
    Input,
    input_type,
    inputs,
    send,
    user_errors_of,
    with_everything,
)
from tests.support.database_contents import Tables, changed, contents
from tests.support.installation import Installation
from tests.support.personas import add_people

VERSIONED = sorted(
    type_.name
    for type_ in SCHEMA.type_map.values()
    if isinstance(type_, GraphQLObjectType) and "version" in type_.fields and not type_.name.startswith("__")
)
# These change nothing that was loaded into a form, and repeating them loses nothing.
WITHOUT_A_VERSION = {
    "rotateApiKey": "the old secret stays valid for the overlap; concurrent rotations run one after the other",
    "revokeApiKey": "to revoke again changes nothing",
    "adoptApiKey": "nothing is edited; the last person who adopts it is its creator",
    "changeName": "only the person themselves changes it",
    "resetPassword": "a new password replaces whatever there was",
    "changePassword": "the current password is required",
    "revokeSession": "a session ends once",
    "logout": "a session ends once",
    "logoutEverywhere": "a session ends once",
    "login": "nothing is edited",
    "clearTtsCache": "nothing is edited",
    "sendTestWebhook": "nothing is edited",
    "verifyRecordingStorage": "nothing is edited",
    "deleteRecording": "a recording is deleted once",
    "retryRecording": "to try again what is tried changes nothing",
    "removeStoredCredential": "keys are removed once",
    "verifyStoredRecordingStorage": "the result is kept only for the values that were tested",
}


def takes_a_version(mutation: str) -> bool:
    type_ = input_type(mutation)
    return type_ is not None and "ifVersion" in type_.fields


CHANGES = sorted(name for name in MUTATIONS if takes_a_version(name))


def test_every_object_with_a_version_has_an_update_that_takes_it() -> None:
    for type_name in VERSIONED:
        assert takes_a_version(f"update{type_name}"), type_name
    editable = {get_named_type(one.type).name for name in MUTATIONS for one in _payload(name) if name in CHANGES}
    assert {name for name in editable if name in VERSIONED} == set(VERSIONED)


def _payload(mutation: str) -> list[Any]:
    return list(get_named_type(MUTATIONS[mutation].type).fields.values())


def test_every_mutation_of_an_existing_object_takes_a_version_or_is_exempt() -> None:
    without = {name for name in MUTATIONS if not name.startswith("create")} - set(CHANGES)
    assert without == set(WITHOUT_A_VERSION)
    assert all(not name.startswith("update") for name in without)


def versions_in(given: Input) -> list[tuple[str, ...]]:
    nested = [("recordingConfig", "ifVersion")] if "recordingConfig" in given else []
    return [("ifVersion",), *nested]


@pytest.mark.parametrize("mutation", CHANGES)
async def test_a_mutation_of_another_version_is_rejected_and_changes_nothing(
    installation: Installation, mutation: str
) -> None:
    world, people = await with_everything(installation), await add_people(installation)
    (given,) = inputs(world, people)[mutation]
    if mutation == "reactivateUser":
        await send(people["root"], "deactivateUser", {"id": people.ids["bob"]})
    if mutation == "updatePasswordPolicy":
        await send(people["root"], mutation, {"needsDigit": True})
    async with installation.database() as connection:
        before = await contents(connection)
        for path in versions_in(given):
            for version in (0, 4, 2**31 - 1, -1):
                old = {**given, "ifVersion": version}
                if len(path) == 2:
                    old = {**given, path[0]: {**given[path[0]], "ifVersion": version}}
                answer = await send(people["root"], mutation, old)
                assert user_errors_of(answer, mutation) == [("CONFLICT", list(path))], (path, version, answer.body)
        assert changed(before, await contents(connection)) == {}


@pytest.mark.parametrize("type_name", VERSIONED)
async def test_each_update_increments_the_version_and_needs_the_previous_one(
    installation: Installation, type_name: str
) -> None:
    world, people = await with_everything(installation), await add_people(installation)
    mutation, object_ = f"update{type_name}", type_name[0].lower() + type_name[1:]
    (given,) = inputs(world, people)[mutation]
    given = {name: value for name, value in given.items() if name not in ("recordingConfig", "ifVersion")}
    first = (await send(people["root"], mutation, given, f"{object_} {{ version }}")).only(mutation)
    seen = first[object_]["version"]
    changes = {"needsDigit": True} if "minimumLength" in given else {"name": "Newer"}
    if type_name == "RecordingConfig":
        changes = {"recordAllCalls": False}
    ids: dict[str, Any] = {name: given[name] for name in ("id", "accountId") if name in given}
    again = await send(people["root"], mutation, {**ids, **changes, "ifVersion": seen}, f"{object_} {{ version }}")
    assert again.only(mutation)[object_]["version"] == seen + 1
    late = await send(people["root"], mutation, {**given, "ifVersion": seen})
    assert user_errors_of(late, mutation) == [("CONFLICT", ["ifVersion"])]


@pytest.mark.parametrize("mutation", sorted(MUTATIONS))
async def test_each_new_version_of_an_object_has_an_audit_event(installation: Installation, mutation: str) -> None:
    world, people = await with_everything(installation), await add_people(installation)
    pointers = dict.fromkeys(("deviceCallingApplicationId", "siprecApplicationId"), world["own_application"])
    await send(people["root"], "updateAccount", {"id": world["own"], **pointers})
    async with installation.database() as connection:
        before = await contents(connection)
        await send(people["root"], mutation, inputs(world, people)[mutation][0])
        after = await contents(connection)
    audited = [event["object_id"] for event in after["audit_events"] if event not in before["audit_events"]]
    old, new = versions_of(before), versions_of(after)
    increments = {row_id: new[row_id] - old[row_id] for row_id in old.keys() & new.keys() if new[row_id] != old[row_id]}
    assert increments == {row_id: audited.count(row_id) for row_id in increments}


def versions_of(tables: Tables) -> dict[Any, int]:
    """The versions of all objects by id."""
    return {
        row["id"]: row["version"] for rows in tables.values() for row in rows if {"version", "updated_at"} <= row.keys()
    }
