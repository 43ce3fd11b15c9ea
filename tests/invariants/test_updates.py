"""What an update leaves out stays; and no mutation stops half-way, whichever of its statements fails."""

from collections.abc import Iterator

import pytest

from app.audit.model import AuditEvent
from app.users.model import LoginFailure
from tests.invariants.schema_walk import (
    MUTATIONS,
    Input,
    inputs,
    mistakes,
    send,
    tells_of_the_database,
    with_everything,
)
from tests.support.access_matrix import AcceptingVerifier, EmptyPromptCache, SuccessfulSender
from tests.support.database_contents import Tables, changed, contents
from tests.support.fault_injection import failing
from tests.support.installation import Installation
from tests.support.personas import People, add_people

UPDATES = sorted(name for name in MUTATIONS if name.startswith("update"))
# Columns that say of a secret, and the place where a secret comes in: what is sealed again looks different.
SEALED = ("_password", "secret_access_key", "secret_access_key_set_at")


def part(given: Input, name: str) -> Input:
    """The input with one of its fields, and the ids."""
    kept = {key: value for key, value in given.items() if key in ("id", "accountId")}
    value = given[name]
    if isinstance(value, dict) and "url" in value:
        value = {"url": value["url"]}
    # Both keys or none.
    keys = ("accessKeyId", "secretAccessKey")
    return {**kept, **({key: given[key] for key in keys} if name in keys else {name: value})}


def parts(given: Input) -> Iterator[Input]:
    """The input with nothing but ids, and with each of its fields alone, those within objects too."""
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
    """All rows, without what each change counts on."""
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
async def test_an_update_that_leaves_fields_out_erases_nothing(installation: Installation, mutation: str) -> None:
    world, people = await with_everything(installation), await add_people(installation)
    (whole,) = inputs(world, people)[mutation]
    assert mistakes(await send(people["root"], mutation, whole), mutation) == []
    async with installation.database() as connection:
        before = await contents(connection)
        for given in parts(whole):
            answer = await send(people["root"], mutation, given)
            assert mistakes(answer, mutation) == [], (given, answer.body)
            assert not answer.errors
            sends_secrets = "secretAccessKey" in str(given)
            now = settings_of(await contents(connection), sealed=sends_secrets)
            assert changed(settings_of(before, sealed=sends_secrets), now) == {}, given


# Tries are counted before a password is looked at, so that tries at once count each other; a policy that nobody has changed
# is written down as it is.
BESIDE = frozenset({"login_failures", "password_policies"})
# The storage has been tested: that stays told, even when the result cannot be kept.
TOLD_BEFORE = {"verifyStoredRecordingStorage": frozenset({"audit_events"})}
# The account and its recording configuration are two objects.
EVENTS = {"updateAccount": 2}


async def fail_each_statement(installation: Installation, people: People, mutation: str, given: Input) -> None:
    """Fails one statement of a mutation after the other, until it is done; before that, nothing may have changed."""
    person = installation.person(None) if mutation == "login" else people["root"]
    async with installation.database() as connection:
        beside = BESIDE | TOLD_BEFORE.get(mutation, frozenset())
        before, events = await contents(connection, without=beside), await AuditEvent.all().count()
        for number in range(1, 100):
            await person.ask("{ __typename }")  # who asks is remembered for some seconds
            await LoginFailure.all().delete()
            with failing(number) as left:
                answer = await send(person, mutation, given)
            if left[0] > 0:
                break
            assert tells_of_the_database(answer) == [], (mutation, number)
            assert set(answer.codes) == {"INTERNAL_SERVER_ERROR"}, (mutation, number, answer.body)
            assert changed(before, await contents(connection, without=beside)) == {}, (mutation, number)
        assert number > 1, f"{mutation} sends no statement"
        assert (answer.errors, mistakes(answer, mutation)) == ([], []), (mutation, answer.body)
        if mutation not in TOLD_BEFORE:
            assert await AuditEvent.all().count() == events + EVENTS.get(mutation, 1), mutation


@pytest.mark.parametrize("mutation", sorted(MUTATIONS))
async def test_no_mutation_stops_half_way_or_tells_a_raw_sql_error(installation: Installation, mutation: str) -> None:
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
