"""Tenants are isolated: in every id of every input, in lists, and against missing owners."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import get_named_type
from tortoise.exceptions import IntegrityError

from app.api_keys.model import ApiKey
from app.foundation.access import Scope
from app.foundation.identifiers import new_id
from app.foundation.permissions import Role
from app.users.model import User
from tests.invariants.schema_walk import (
    MUTATIONS,
    NEW_PASSWORD,
    SCHEMA,
    Input,
    Path,
    allowed,
    input_type,
    inputs,
    leaves,
    replaced,
    send,
    user_errors_of,
    with_everything,
)
from tests.support.database_contents import changed, contents
from tests.support.installation import Answer, Installation, Person, World
from tests.support.personas import PASSWORD, People, add_people, email_of, stored


def of_another(world: World, people: People, place: str) -> dict[str, str]:
    """Another tenant's ids, by their prefixes."""
    name, key = ("fay", "foreign_user_key") if place == "foreign" else ("sue", "sibling_user_key")
    ids = [
        world[f"{place}_call"],
        world[f"{place}_credential"],
        world[place],
        world[f"{place}_application"],
        world[key],
        people.ids[name],
        people.sessions[name],
    ]
    return {id_[:2]: id_ for id_ in [*ids, world["other_provider"]]}


def id_places(mutation: str, values: list[Input], scope: Scope) -> Iterator[tuple[Input, Path, str]]:
    """Each input that this scope may send, with the path of each id in it."""
    type_ = input_type(mutation)
    for value in values:
        given = allowed(type_, value, scope)
        yield from ((given, path, id_) for path, name, id_ in leaves(type_, given) if name == "ID")


async def no_mutation_reaches(
    installation: Installation, asker: str, scope: Scope, place: str, admins_alone: frozenset[str]
) -> None:
    """Another tenant's id at each path of each input gets the same answer as an unknown id and changes nothing."""
    world, people = await with_everything(installation), await add_people(installation)
    others, walked = of_another(world, people, place), set()
    async with installation.database() as connection:
        for mutation, values in inputs(world, people).items():
            for given, path, own in id_places(mutation, values, scope):
                before = await contents(connection)
                theirs, unknown = [
                    await send(people[asker], mutation, replaced(given, path, id_))
                    for id_ in (others[own[:2]], f"{own[:2]}{new_id().hex}")
                ]
                assert said(theirs) == said(unknown), (mutation, path)
                assert changed(before, await contents(connection)) == {}, (mutation, path)
                if theirs.codes == ["FORBIDDEN"]:
                    assert mutation in admins_alone, mutation
                else:
                    assert user_errors_of(theirs, mutation) == [("NOT_FOUND", list(path))], (
                        mutation,
                        path,
                        theirs.body,
                    )
                walked.add(mutation)
    assert walked == {name for name in MUTATIONS if "ID" in {id_ for _, id_, _ in _leaves_of(world, people, name)}}


def said(answer: Answer) -> Any:
    """An answer without the id of its request."""
    for error in answer.errors:
        error["extensions"].pop("requestId", None)
    return answer.status, answer.body


def _leaves_of(world: World, people: People, mutation: str) -> Iterator[tuple[Path, str, Any]]:
    for value in inputs(world, people)[mutation]:
        yield from leaves(input_type(mutation), value)


OF_ADMINS = frozenset({"moveAccount", "setServiceProviderActive", "deleteServiceProvider"})
OF_PROVIDERS = frozenset({"createAccount", "setAccountActive", "deleteAccount", "updateServiceProvider"})


async def test_provider_a_cannot_create_change_or_delete_anything_of_provider_b(installation: Installation) -> None:
    await no_mutation_reaches(installation, "boss", Scope.SERVICE_PROVIDER, "foreign", OF_ADMINS)


@pytest.mark.parametrize("place", ["sibling", "foreign"])
async def test_an_account_user_reads_and_changes_no_other_account(installation: Installation, place: str) -> None:
    # Inputs leave out fields that the scope ACCOUNT may not send, such as a provider as owner.
    await no_mutation_reaches(installation, "ann", Scope.ACCOUNT, place, OF_ADMINS | OF_PROVIDERS)


def node_types() -> list[str]:
    return sorted(type_.name for type_ in SCHEMA.get_possible_types(SCHEMA.type_map["Node"]))  # type: ignore[arg-type]


async def test_no_object_of_another_tenant_can_be_read_by_its_id(installation: Installation, world: World) -> None:
    people, ids = await add_people(installation), dict((await with_everything(installation)).ids)
    theirs = [id_ for name, id_ in ids.items() if name.startswith(("foreign", "other_provider"))]
    theirs += [people.ids["fay"], people.sessions["fay"], people.ids["rival"], people.sessions["rival"]]
    assert {id_[:2] for id_ in theirs} == {"AC", "AE", "AK", "AP", "CA", "RC", "SC", "SN", "SP", "US", "WD"}
    assert len(node_types()) == 11, "a new type: give the other tenant one"
    for id_ in theirs:
        for name in ("boss", "ann"):
            answer = await people[name].ask("query ($id: ID!) { node(id: $id) { __typename id } }", id=id_)
            assert answer.body == {"data": {"node": None}}, (name, id_)


# Each list of an account, and the id of each row's owner.
LISTS = {
    "apiKeys": "account { id }",
    "applications": "account { id }",
    "users": "account { id }",
    "webhookDeliveries": "account { id }",
    "recentCalls": "account { id }",
    "storedCredentials": "account { id }",
}


async def test_a_list_filtered_by_account_contains_only_that_account(installation: Installation, world: World) -> None:
    people = await add_people(installation)
    await with_everything(installation)
    account: Any = SCHEMA.type_map["Account"]
    connections = {name for name, one in account.fields.items() if get_named_type(one.type).name.endswith("Connection")}
    assert connections == set(LISTS), "a new list of an account: add it to LISTS"
    asked = " ".join(f"{name}(first: 50) {{ totalCount nodes {{ {owner} }} }}" for name, owner in LISTS.items())
    query = f"query ($id: ID!) {{ account(id: $id) {{ {asked} }} }}"
    for asker in ("root", "boss"):
        found = (await people[asker].ask(query, id=world["own"])).only("account")
        for name, page in found.items():
            assert page["nodes"], name
            assert {node["account"]["id"] for node in page["nodes"]} == {world["own"]}, name
            assert page["totalCount"] == len(page["nodes"])
        events = "query ($id: ID!) { auditEvents(first: 100, filter: {accountId: $id}) { nodes { accountId } } }"
        nodes = (await people[asker].ask(events, id=world["own"])).only("auditEvents")["nodes"]
        assert {event["accountId"] for event in nodes} == {world["own"]}
    listed = "query ($id: ID!) { accounts(filter: {serviceProviderId: $id}) { nodes { serviceProvider { id } } } }"
    nodes = (await people["root"].ask(listed, id=world["provider"])).only("accounts")["nodes"]
    assert [node["serviceProvider"]["id"] for node in nodes] == [world["provider"]] * 2


OWNERLESS: list[Input] = [{}, {"owner": None}]
WITHOUT_AN_ID: list[Input] = [
    *({"owner": owner} for owner in ({}, {"accountId": None}, {"serviceProviderId": None}, {"installation": False})),
    *({"owner": {name: ""}} for name in ("accountId", "serviceProviderId")),
    *({"owner": {name: "SP"}} for name in ("accountId", "serviceProviderId")),
]


@pytest.mark.parametrize("asker", ["boss", "ann"])
async def test_a_missing_owner_id_never_creates_an_admin(installation: Installation, asker: str) -> None:
    people = await add_people(installation)
    async with installation.database():
        admins = [await User.filter(scope=Scope.ADMIN).count(), await ApiKey.filter(scope=Scope.ADMIN).count()]
        for number, owner in enumerate([*OWNERLESS, *WITHOUT_AN_ID]):
            user = {"role": "VIEWER", "email": f"n{number}@people.example.com", "name": "New", "password": NEW_PASSWORD}
            for mutation, given in (("createUser", user), ("createApiKey", {"name": "New"})):
                answer = await send(people[asker], mutation, {**given, **owner})
                was_refused = bool(answer.errors or user_errors_of(answer, mutation))
                assert was_refused == (owner not in OWNERLESS), (mutation, owner)
        assert [await User.filter(scope=Scope.ADMIN).count(), await ApiKey.filter(scope=Scope.ADMIN).count()] == admins
        own_scope = Scope.SERVICE_PROVIDER if asker == "boss" else Scope.ACCOUNT
        assert {user.scope for user in await User.filter(email__startswith="n")} == {own_scope}


async def test_the_database_rejects_users_and_keys_without_their_owner(installation: Installation) -> None:
    values: dict[str, Any] = {
        "name": "New",
        "email": "n@x.example",
        "email_key": "n@x.example",
        "password_hash": stored(),
        "role": Role.MANAGER,
    }
    async with installation.database():
        existing = await ApiKey.first()
        assert existing is not None
        for scope in (Scope.SERVICE_PROVIDER, Scope.ACCOUNT):
            with pytest.raises(IntegrityError, match="users_owner_check"):
                await User.create(
                    **values, scope=scope, password_set_at=existing.created_at, must_change_password=False
                )
            with pytest.raises(IntegrityError, match="api_keys_owner_check"):
                await ApiKey.filter(id=existing.id).update(scope=scope, account_id=None, service_provider_id=None)


LIMITS: list[Input] = [
    {"usageLimit": {"unit": "MINUTES", "maximum": 0}},
    {"licensedSessions": 2_000_000_000},
    {"name": "Renamed", "licensedSessions": 1},
]


async def test_an_account_key_cannot_change_its_limits_or_another_tenants_webhook(
    installation: Installation, account_user: Person, provider: Person, world: World
) -> None:
    webhook = {"registrationWebhook": {"url": "https://hooks.attacker.example"}}
    async with installation.database() as connection:
        before = await contents(connection)
        for person in (account_user, provider):
            for limit in LIMITS:
                answer = await send(person, "updateAccount", {"id": world["own"], **limit})
                assert answer.codes == ["FORBIDDEN"], limit
                named = next(name for name in limit if name != "name")
                assert [named] in answer.errors[0]["extensions"]["inputFields"] or named in str(answer.errors)
            answer = await send(person, "setServiceProviderActive", {"id": world["provider"], "active": True})
            assert answer.codes == ["FORBIDDEN"]
        for place in ("sibling", "foreign"):
            answer = await send(account_user, "updateAccount", {"id": world[place], **webhook})
            assert user_errors_of(answer, "updateAccount") == [("NOT_FOUND", ["id"])]
            hooks = {"callingWebhook": {"url": "https://hooks.attacker.example"}}
            answer = await send(account_user, "updateApplication", {"id": world[f"{place}_application"], **hooks})
            assert user_errors_of(answer, "updateApplication") == [("NOT_FOUND", ["id"])]
        assert changed(before, await contents(connection)) == {}


async def test_an_account_key_cannot_reset_a_password(installation: Installation, account_user: Person) -> None:
    people = await add_people(installation)
    for name, id_ in people.ids.items():
        answer = await send(account_user, "resetPassword", {"id": id_, "password": NEW_PASSWORD})
        assert answer.codes == ["FORBIDDEN"], name
    for asker, above in (("ann", ("root", "boss", "rival", "sue", "fay")), ("boss", ("root", "rival", "fay"))):
        for name in above:
            answer = await send(people[asker], "resetPassword", {"id": people.ids[name], "password": NEW_PASSWORD})
            assert user_errors_of(answer, "resetPassword") == [("NOT_FOUND", ["id"])], (asker, name)
    opened = await send(installation.person(None), "login", {"email": email_of("root"), "password": PASSWORD})
    assert user_errors_of(opened, "login") == []
