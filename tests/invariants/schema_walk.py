"""Walks through the whole schema: every input with all of its fields, and every readable field."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from app.execution.executor.permissions import permissions_of
from app.foundation.access import Scope, Viewer
from app.foundation.permissions import ALL
from app.server.schema import schema as strawberry_schema
from tests.support.access_matrix import add_calls, add_failed_recordings
from tests.support.installation import Answer, Installation, Person
from tests.support.personas import PASSWORD, People, email_of

SCHEMA = strawberry_schema._schema
# Sent by gateways only: tests/calls/test_reporting.py.
OF_GATEWAYS = {"reportCalls"}
MUTATIONS: Any = {name: one for name, one in SCHEMA.mutation_type.fields.items() if name not in OF_GATEWAYS}  # type: ignore[union-attr]
QUERIES: Any = SCHEMA.query_type.fields  # type: ignore[union-attr]

Path = tuple[str, ...]
Input = dict[str, Any]

SECRET = "hunter2-and-a-half"
NEW_PASSWORD = "quite another battery"
_HOOK = {"url": "https://hooks.example.com/x", "method": "POST", "username": "user", "password": SECRET}
STORAGE = {
    "bucketVendor": "S3_COMPATIBLE",
    # Nothing listens there, so connections fail immediately.
    "endpointUrl": "http://127.0.0.1:9",
    "bucketName": "calls",
    "region": "eu-central-1",
    "accessKeyId": "AKIAIOSFODNN7EXAMPLF",
    "secretAccessKey": SECRET,
    "s3Tags": [{"name": "customer", "value": "own"}],
}
_CONFIG = {**STORAGE, "enabled": True, "audioFormat": "WAV", "recordAllCalls": True}


def inputs(world: Any, people: People) -> dict[str, list[Input]]:
    """For each mutation, valid inputs for the own account, which together contain every field of its input."""
    own, provider, application = world["own"], world["provider"], world["own_application"]
    limit = {"usageLimit": {"unit": "MINUTES", "maximum": 5}, "licensedSessions": 7}
    version = {"ifVersion": None}
    once = {"idempotencyKey": "to be replaced"}
    custom = {"role": "CUSTOM", "permissions": ["VIEW_CALLS"]}
    user = {"email": "new@people.example.com", "name": "New", **custom, "password": NEW_PASSWORD, **once}
    expires = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    networks = {"allowedNetworks": ["127.0.0.0/8"]}
    key = {
        "name": "New",
        "accessLevel": "CUSTOM",
        "permissions": ["VIEW_CALLS"],
        "expiresAt": expires,
        **networks,
        **once,
    }
    owners: list[Input] = [{"accountId": own}, {"serviceProviderId": provider}, {"installation": True}]
    pointers = {"deviceCallingApplicationId": application, "siprecApplicationId": application}
    hooks = {"callingWebhook": _HOOK, "callStatusWebhook": _HOOK}
    policy = {"minimumLength": 9, "needsDigit": False, "needsSymbol": False, "refusesCommon": True}
    return {
        "createAccount": [
            {"name": "New", "serviceProviderId": provider, "sipRealm": "new.example.com", **limit, **once},
        ],
        "updateAccount": [
            {
                "id": own,
                "name": "New",
                "sipRealm": "new.example.com",
                **limit,
                **pointers,
                **version,
                "registrationWebhook": _HOOK,
                "queueEventWebhook": _HOOK,
                "recordingConfig": {**_CONFIG, **version},
            }
        ],
        "moveAccount": [{"id": own, "serviceProviderId": provider, **version}],
        "transferAccountOwnership": [{"id": own, "ownerId": people.ids["bob"], **version}],
        "setAccountActive": [{"id": own, "active": False, **version}],
        "rotateWebhookSecret": [{"id": own, "overlapHours": 1, **version}],
        "deleteAccount": [{"id": own, "dryRun": False, "force": True, **version}],
        "createServiceProvider": [{"name": "New", **once}],
        "updateServiceProvider": [{"id": provider, "name": "New", **version}],
        "setServiceProviderActive": [{"id": provider, "active": False, **version}],
        "deleteServiceProvider": [{"id": world["empty_provider"], "dryRun": False, "force": True, **version}],
        "createApplication": [{"accountId": own, "name": "New", **hooks, "recordAllCalls": True, **once}],
        "updateApplication": [{"id": application, "name": "New", **hooks, "recordAllCalls": True, **version}],
        "deleteApplication": [{"id": application, "dryRun": False, "force": True, **version}],
        "createApiKey": [{**key, "owner": owner} for owner in owners],
        "updateApiKey": [{"id": world["account_user_key"], "name": "New", **networks, **version}],
        "revokeApiKey": [{"id": world["account_user_key"]}],
        "rotateApiKey": [{"id": world["account_user_key"], "overlapHours": 1}],
        "adoptApiKey": [{"id": world["account_user_key"]}],
        "updateRecordingConfig": [{"accountId": own, **_CONFIG, **version}],
        "removeRecordingConfig": [{"accountId": own, **version}],
        "verifyRecordingStorage": [{"accountId": own, **STORAGE}],
        "verifyStoredRecordingStorage": [{"accountId": own}],
        "login": [{"email": email_of("bob"), "password": PASSWORD}],
        "logout": [{}],
        "logoutEverywhere": [{"keepCurrent": True}],
        "revokeSession": [{"id": people.sessions["bob"]}],
        "changePassword": [{"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}],
        "changeName": [{"name": "New"}],
        "createUser": [{**user, "owner": owner} for owner in owners],
        "updateUser": [
            {
                "id": people.ids["bob"],
                "email": "b@people.example.com",
                "name": "New",
                **custom,
                "force": True,
                **version,
            }
        ],
        "deactivateUser": [{"id": people.ids["bob"], "force": True, **version}],
        "reactivateUser": [{"id": people.ids["bob"], **version}],
        "deleteUser": [{"id": people.ids["bob"], "force": True, **version}],
        "resetPassword": [{"id": people.ids["bob"], "password": NEW_PASSWORD}],
        "updatePasswordPolicy": [{**policy, **version}],
        "clearTtsCache": [{"accountId": own}],
        "sendTestWebhook": [{"accountId": own, "kind": "REGISTRATION"}],
        "deleteRecording": [{"id": world["own_call"]}],
        "retryRecording": [{"id": world["own_call"]}],
        "removeStoredCredential": [{"id": world["own_credential"], "force": True}],
    }


async def with_everything(installation: Installation) -> Any:
    """The world with an additional empty provider, and calls with failed recordings."""
    calls = await add_calls(installation)
    for place, credential_id in (await add_failed_recordings(installation, calls)).items():
        installation.world.ids |= {f"{place}_call": calls[place], f"{place}_credential": credential_id}
    made = await installation.person("admin").change("createServiceProvider", "serviceProvider { id }", name="Empty")
    installation.world.ids["empty_provider"] = made["serviceProvider"]["id"]
    return installation.world


def input_type(mutation: str) -> Any:
    argument = MUTATIONS[mutation].args.get("input")
    return get_named_type(argument.type) if argument is not None else None


def fields_of(type_: Any) -> set[str]:
    """The paths of all fields of an input type, however deep; lists are passed through."""
    if not isinstance(type_, GraphQLInputObjectType):
        return {""}
    return {
        f"{name}.{below}".rstrip(".")
        for name, one in type_.fields.items()
        for below in fields_of(get_named_type(one.type))
    }


def leaves(type_: Any, value: Any, path: Path = ()) -> Iterator[tuple[Path, str, Any]]:
    """Each scalar that an input holds: its path, the name of its type, and the value."""
    if isinstance(type_, GraphQLNonNull):
        yield from leaves(type_.of_type, value, path)
    elif isinstance(value, list) and isinstance(type_, GraphQLList):
        for index, item in enumerate(value):
            yield from leaves(type_.of_type, item, (*path, str(index)))
    elif isinstance(type_, GraphQLInputObjectType) and isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(type_.fields[name].type, one, (*path, name))
    elif type_ is not None and not isinstance(type_, GraphQLInputObjectType):
        yield path, get_named_type(type_).name, value


def replaced(value: Any, path: Path, new: Any) -> Any:
    """A copy with another value at the path, and a new idempotency key."""
    if not path:
        return new
    head, *rest = path
    if isinstance(value, list):
        return [replaced(item, tuple(rest), new) if str(n) == head else item for n, item in enumerate(value)]
    fresh = {"idempotencyKey": str(uuid4())} if "idempotencyKey" in value else {}
    return {**value, **fresh, head: replaced(value.get(head), tuple(rest), new)}


def allowed(type_: Any, value: Any, scope: Scope) -> Any:
    """The part of an input that a full caller of this scope may send."""
    named = get_named_type(type_) if type_ is not None else None
    if isinstance(value, list):
        return [allowed(named, item, scope) for item in value]
    if not isinstance(named, GraphQLInputObjectType) or not isinstance(value, dict):
        return value
    viewer = Viewer(scope, ALL)
    return {
        name: allowed(named.fields[name].type, one, scope)
        for name, one in value.items()
        if viewer.may(permissions_of(named.fields[name]))
    }


async def send(person: Person, mutation: str, given: Input, selection: str = "") -> Answer:
    """Sends a mutation that always selects its user errors."""
    declared, argument = (
        (f"($input: {mutation[0].upper()}{mutation[1:]}Input!)", "(input: $input)") if given else ("",) * 2
    )
    document = f"mutation {declared} {{ {mutation}{argument} {{ {selection} userErrors {{ code field message }} }} }}"
    return await person.ask(document, **({"input": given} if given else {}))


def user_errors_of(answer: Answer, mutation: str) -> list[tuple[str, list[str] | None]]:
    """The code and field of each user error; none if the mutation itself was refused."""
    payload = (answer.data or {}).get(mutation)
    return [(error["code"], error["field"]) for error in payload["userErrors"]] if payload else []


def selection(type_: Any, depth: int, *, without: frozenset[str] = frozenset()) -> str:
    """All fields of a type that need no argument, with objects down to `depth` levels and pages of two rows."""
    named = get_named_type(type_)
    if not isinstance(named, GraphQLObjectType):
        return ""
    chosen = []
    for name, one in named.fields.items():
        below = get_named_type(one.type)
        if name in without or any(is_required_argument(argument) for argument in one.args.values()):
            continue
        if is_leaf_type(below):
            chosen.append(name)
        elif name in ("nodes", "pageInfo"):
            chosen.append(name + selection(below, depth, without=without))
        elif name != "edges" and depth:
            page = "(first: 2)" if "first" in one.args else ""
            chosen.append(name + page + selection(below, depth - 1, without=without))
    return f" {{ __typename {' '.join(chosen)} }}"


def texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text of an answer, with the name of its field."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from texts(one, key)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one, name)
    elif isinstance(value, str):
        yield name, value


def tells_of_the_database(answer: Answer) -> list[str]:
    """Words in an answer that come from a database or a traceback."""
    said = json.dumps([answer.errors, [error for _, error in texts(answer.data, "") if "constraint" in error.lower()]])
    return [word for word in DATABASE_WORDS if word.lower() in said.lower()]


DATABASE_WORDS = (
    *("sqlite", "postgres", "asyncpg", "tortoise", "Traceback", "IntegrityError", "OperationalError", "constraint"),
    *(
        "INSERT INTO",
        "UPDATE ",
        "SELECT ",
        "DELETE FROM",
        "syntax error",
        "_unique",
        "secret_hash",
        "character varying",
    ),
)
