"""Updates keep omitted fields, and a mutation with a failing statement changes nothing."""

from collections.abc import Iterator

import pytest

from app.audit.model import AuditEvent
from app.users.model import LoginFailure
from tests.invariants.schema_walk import (
    MUTATIONS,
    Input,
    inputs,
    send,
    tells_of_the_database,
    user_errors_of,
    with_everything,
)
from tests.support.access_matrix import AcceptingVerifier, EmptyPromptCache, SuccessfulSender
from tests.support.database_contents import Tables, changed, contents
from tests.support.fault_injection import failing
from tests.support.installation import Installation
from tests.support.personas import People, add_people

UPDATES = sorted(name for name in MUTATIONS if name.startswith("update"))
# Encrypted columns, and the fields that set them: encrypting the same secret again yields another ciphertext.
SEALED = ("_password", "secret_access_key", "secret_access_key_set_at")


def part(given: Input, name: str) -> Input:
    """The input with one of its fields, and the ids."""
    kept = {key: value for key, value in given.items() if key in ("id", "accountId")}
    value = given[name]
    if isinstance(value, dict) and "url" in value:
        value = {"url": value["url"]}
    # Both storage keys or none.
    keys = ("accessKeyId", "secretAccessKey")
    return {**kept, **({key: given[key] for key in keys} if name in keys else {name: value})}


def parts(given: Input) -> Iterator[Input]:
    """The input with its ids only, and with each single field added, also within objects."""
    if "id" in given or "accountId" in given:
        yield {key: value for key, value in given.items() if key in ("id", "accountId")}
    for name, value in given.items():
        if name in ("id", "accountId", "ifVersion"):
            continue
        yield part(given, name)
        if name == "recordingConfig":
            ids = {"id": given["id"]}
            yield from ({**ids, name: one} for one in parts(value))


def settings_of(tables: Tables, *, sealed: bool) -> Tables:
    """All rows, without the columns that every change increments."""
    left_out = {"version", "updated_at"}
    return {
        table: [
            {
                name: value
                for name, value in row.items()
                if name not in left_out and not (sealed and name.endswith(SEALED))
            }
            for row in rows
        ]
        for table, rows in tables.items()
        if table != "audit_events"
    }


@pytest.mark.parametrize("mutation", UPDATES)
async def test_an_update_that_omits_fields_erases_nothing(installation: Installation, mutation: str) -> None:
    world, people = await with_everything(installation), await add_people(installation)
    (whole,) = inputs(world, people)[mutation]
    assert user_errors_of(await send(people["root"], mutation, whole), mutation) == []
    async with installation.database() as connection:
        before = await contents(connection)
        for given in parts(whole):
            answer = await send(people["root"], mutation, given)
            assert user_errors_of(answer, mutation) == [], (given, answer.body)
            assert not answer.errors
            sends_secrets = "secretAccessKey" in str(given)
            now = settings_of(await contents(connection), sealed=sends_secrets)
            assert changed(settings_of(before, sealed=sends_secrets), now) == {}, given


# Attempts are counted before a password is checked, so that concurrent ones count each other. The first change of the
# policy first stores its defaults.
WRITTEN_FIRST = frozenset({"login_failures", "password_policies"})
# A storage test is audited even if its result cannot be stored.
AUDITED_FIRST = {"verifyStoredRecordingStorage": frozenset({"audit_events"})}
# The account and its recording configuration are two objects.
EVENTS = {"updateAccount": 2}


async def fail_each_statement(installation: Installation, people: People, mutation: str, given: Input) -> None:
    """Fails each statement of a mutation in turn. Nothing may have changed before all of them succeed."""
    person = installation.person(None) if mutation == "login" else people["root"]
    async with installation.database() as connection:
        uncounted = WRITTEN_FIRST | AUDITED_FIRST.get(mutation, frozenset())
        before, events = await contents(connection, without=uncounted), await AuditEvent.all().count()
        for number in range(1, 100):
            await person.ask("{ __typename }")  # fills the authentication cache
            await LoginFailure.all().delete()
            with failing(number) as left:
                answer = await send(person, mutation, given)
            if left[0] > 0:
                break
            assert tells_of_the_database(answer) == [], (mutation, number)
            assert set(answer.codes) == {"INTERNAL_SERVER_ERROR"}, (mutation, number, answer.body)
            assert changed(before, await contents(connection, without=uncounted)) == {}, (mutation, number)
        assert number > 1, f"{mutation} sends no statement"
        assert (answer.errors, user_errors_of(answer, mutation)) == ([], []), (mutation, answer.body)
        if mutation not in AUDITED_FIRST:
            assert await AuditEvent.all().count() == events + EVENTS.get(mutation, 1), mutation


@pytest.mark.parametrize("mutation", sorted(MUTATIONS))
async def test_a_mutation_with_a_failing_statement_changes_nothing(installation: Installation, mutation: str) -> None:
    world, people = await with_everything(installation), await add_people(installation)
    for client in (AcceptingVerifier, EmptyPromptCache, SuccessfulSender):
        installation.resources.clients.update({_place_of(installation, client): client()})  # type: ignore[attr-defined]
    if mutation == "reactivateUser":
        await send(people["root"], "deactivateUser", {"id": people.ids["bob"]})
    given = inputs(world, people)[mutation][0]
    if mutation == "moveAccount":
        given = {**given, "serviceProviderId": world["other_provider"]}
    await fail_each_statement(installation, people, mutation, given)


def _place_of(installation: Installation, stand_in: type) -> type:
    names: dict[type, str] = {
        AcceptingVerifier: "StorageVerifier",
        EmptyPromptCache: "PromptCache",
        SuccessfulSender: "WebhookSender",
    }
    return next(client for client in installation.resources.clients if client.__name__ == names[stand_in])
