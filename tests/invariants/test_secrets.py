"""Expired and revoked credentials are rejected; secrets are returned once or never."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import get_named_type, is_object_type, is_required_argument
from tortoise import Tortoise, fields

from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.foundation.identifiers import Kind, parse_sid
from app.users.model import Session, User
from tests.invariants.schema_walk import (
    MUTATIONS,
    NEW_PASSWORD,
    QUERIES,
    SCHEMA,
    SECRET,
    fields_of,
    input_type,
    inputs,
    selection,
    send,
    texts,
    user_errors_of,
    with_everything,
)
from tests.support.installation import Answer, Installation, Person, World
from tests.support.personas import PASSWORD, People, add_people, email_of

pytestmark = pytest.mark.long

WHO = "{ viewer { scope } }"


async def test_expired_keys_do_not_work(installation: Installation, admin: Person, world: World) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    for name in ("account_user", "provider", "read_only"):
        async with installation.database():
            await ApiKey.filter(id=parse_sid(Kind.API_KEY, world[f"{name}_key"])).update(expires_at=past)
        answer = await installation.person(name).ask(WHO)
        assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"]), name


@pytest.mark.parametrize("ended", ["expires_at", "last_used_at"])
async def test_expired_and_idle_sessions_do_not_work(installation: Installation, ended: str) -> None:
    people = await add_people(installation, "ann")
    long_ago = datetime.now(UTC) - timedelta(days=60)
    async with installation.database():
        await Session.all().update(**{ended: long_ago})
    answer = await people["ann"].ask(WHO)
    assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])


# The inactive object: the user, or an owner of the user.
CLOSED: dict[str, tuple[str, dict[str, Any]]] = {
    "the user": ("deactivateUser", {}),
    "the account": ("setAccountActive", {"active": False}),
    "the provider": ("setServiceProviderActive", {"active": False}),
}


@pytest.mark.parametrize("who", CLOSED)
async def test_inactive_users_do_not_log_in(installation: Installation, admin: Person, world: World, who: str) -> None:
    people = await add_people(installation, "ann")
    wrong = await people.login("ann", "not the password")
    mutation, given = CLOSED[who]
    id_ = {"the user": people.ids["ann"], "the account": world["own"], "the provider": world["provider"]}[who]
    assert user_errors_of(await send(admin, mutation, {"id": id_, **given}), mutation) == []
    refused = await people.login("ann")
    assert refused == wrong, "the error differs from that of a wrong password"
    assert refused["userErrors"][0]["code"] == "WRONG_CREDENTIALS"
    assert (await people["ann"].ask(WHO)).status == 401


async def _fill_with_secrets(installation: Installation, people: People) -> list[str]:
    """Stores a secret in every secret field. Returns the secrets that are returned only once."""
    world, root, shown = installation.world, people["root"], []
    given = inputs(world, people)
    for mutation in ("updateAccount", "updateApplication"):
        assert user_errors_of(await send(root, mutation, given[mutation][0]), mutation) == []
    for mutation, more, selected in (
        ("createApiKey", {"name": "New", "owner": {"accountId": world["own"]}}, "token"),
        ("rotateApiKey", {"id": world["sibling_user_key"]}, "token"),
        (
            "createUser",
            {"role": "MANAGER", "name": "N", "email": "n@x.example", "owner": {"accountId": world["own"]}},
            "temporaryPassword",
        ),
        ("resetPassword", {"id": people.ids["bob"]}, "temporaryPassword"),
        ("login", {"email": email_of("sue"), "password": PASSWORD}, "token"),
    ):
        asker = installation.person(None) if mutation == "login" else root
        shown.append((await send(asker, mutation, more, selected)).only(mutation)[selected])
    return [*shown, *(token.split("_")[2][:32] for token in shown if "_" in token)]


async def _stored_secrets(installation: Installation) -> tuple[list[str], set[str]]:
    """Texts that no response may contain (stored bytes, hashes, decrypted secrets), and the webhook secrets."""
    found, signing, keyring = [PASSWORD, SECRET, NEW_PASSWORD], set(), installation.resources.keyring
    for model in Tortoise.apps["models"].values():
        columns = [name for name, one in model._meta.fields_map.items() if isinstance(one, fields.BinaryField)]
        for row in await model.all():
            for name in columns:
                value = getattr(row, name)
                if value is None:
                    continue
                found += [bytes(value).hex(), base64.b64encode(bytes(value)).decode()]
                if name in getattr(model, "sealed", ()):
                    text = keyring.open(bytes(value), table=model._meta.db_table, column=name, row=row.pk)
                    if name.endswith("webhook_secret"):
                        signing.add(text)
                    else:
                        found.append(text)
    found += [user.password_hash for user in await User.all()]
    return found, signing


def _reads(installation: Installation, people: People) -> list[tuple[str, dict[str, Any]]]:
    """Every root field with two levels of objects, and every object by its id."""
    asked: list[tuple[str, dict[str, Any]]] = []
    for name, one in QUERIES.items():
        if not any(is_required_argument(argument) for argument in one.args.values()):
            for depth in (1, 2):
                page = "(first: 3)" if "first" in one.args else ""
                asked += [(f"{{ {name}{page}{part} }}", {}) for part in _split(one.type, depth)]
    ids = [*installation.world.ids.values(), *people.ids.values(), *people.sessions.values()]
    for type_ in SCHEMA.get_possible_types(SCHEMA.type_map["Node"]):  # type: ignore[arg-type]
        for part in _split(type_, 2):
            document = f"query ($id: ID!) {{ node(id: $id) {{ ... on {type_.name}{part} }} }}"
            asked += [(document, {"id": id_}) for id_ in ids if id_[:2] == _prefix(type_.name)]
    return asked


def _split(type_: Any, depth: int) -> list[str]:
    """Selections with one nested object each, since all together exceed the limit of a document."""
    named = get_named_type(type_)
    if not hasattr(named, "fields"):
        return [""]
    node = get_named_type(named.fields["nodes"].type) if "nodes" in named.fields else named
    objects = [name for name, one in node.fields.items() if hasattr(get_named_type(one.type), "fields")]
    return [
        selection(named, depth, without=frozenset(objects) - {one} - {"nodes", "pageInfo"}) for one in objects or [""]
    ]


def _prefix(type_name: str) -> str:
    return next(kind.value for kind in Kind if kind.name == _snake(type_name))


def _snake(name: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in name).lstrip("_")


def _showing(answer: Answer, secrets: list[str]) -> list[str]:
    said = json.dumps(answer.body, ensure_ascii=False)
    return [secret for secret in secrets if secret in said]


async def test_no_query_returns_a_secret_in_clear(installation: Installation) -> None:
    world, people = await with_everything(installation), await add_people(installation)
    shown_once = await _fill_with_secrets(installation, people)
    async with installation.database():
        secrets, signing = await _stored_secrets(installation)
    secrets += [*shown_once, *world.tokens.values(), *people.tokens.values()]
    askers = {"root": people["root"], "ann": people["ann"], "read_only": installation.person("read_only")}
    shown_to = set()
    for document, variables in _reads(installation, people):
        for name, person in askers.items():
            answer = await person.ask(document, **variables)
            assert set(answer.codes) <= {"FORBIDDEN"}, (document, answer.errors)
            assert _showing(answer, secrets) == [], (name, document)
            for field, text in texts(answer.data):
                if any(secret in text for secret in signing):
                    assert field == "webhookSecret", (name, field, document)
                    shown_to.add(name)
    assert shown_to == {"root", "ann"}, "read-only callers see no secret, full callers do"


async def test_only_mutations_that_create_a_secret_return_it(installation: Installation) -> None:
    world, people = await with_everything(installation), await add_people(installation)
    await _fill_with_secrets(installation, people)
    shown_by = set()
    # Mutations that delete objects needed by others come last.
    order = sorted(
        MUTATIONS, key=lambda name: (name.startswith(("delete", "remove", "deactivate", "set", "logout")), name)
    )
    for mutation in order:
        async with installation.database():
            secrets, _ = await _stored_secrets(installation)
        person = installation.person(None) if mutation == "login" else people["root"]
        payload = get_named_type(MUTATIONS[mutation].type)
        asked = selection(payload, 1).strip(" {}").removeprefix("__typename")
        for given in inputs(world, people)[mutation][:1]:
            answer = await send(person, mutation, given, asked)
            assert _showing(answer, [*secrets, *people.tokens.values(), *world.tokens.values()]) == [], mutation
        shown_by |= {mutation for name in payload.fields if name in ("token", "temporaryPassword")}
    assert shown_by == {"createApiKey", "rotateApiKey", "createUser", "resetPassword", "login"}


SECRET_INPUTS = {"password", "currentPassword", "newPassword", "secretAccessKey", "accessKeyId"}


def test_input_fields_for_secrets_have_no_readable_counterpart() -> None:
    readable = {
        name
        for type_ in SCHEMA.type_map.values()
        if is_object_type(type_) and not type_.name.startswith("__")
        for name in type_.fields
    }
    typed_in = {path.rpartition(".")[2] for name in MUTATIONS for path in fields_of(input_type(name))}
    assert typed_in >= SECRET_INPUTS
    assert readable & SECRET_INPUTS == set()
    # A readable secret cannot be written.
    assert "webhookSecret" in readable - typed_in


FORM = """query ($id: ID!) { account(id: $id) { name sipRealm
  registrationWebhook { url method username } queueEventWebhook { url method username }
  recordingConfig { enabled audioFormat bucketVendor endpointUrl bucketName region s3Tags { name value } recordAllCalls }
} }"""


async def test_a_masked_secret_cannot_be_saved_over_the_real_one(installation: Installation, world: World) -> None:
    people = await add_people(installation)
    await _fill_with_secrets(installation, people)

    async def stored() -> tuple[list[Any], dict[str, Any] | None]:
        async with installation.database():
            secrets, _ = await _stored_secrets(installation)
            row = await Account.filter(id=parse_sid(Kind.ACCOUNT, world["own"])).values("registration_webhook_password")
            return secrets, row[0]

    before = await stored()
    # A form that is loaded and saved unchanged, including user names.
    shown = (await people["ann"].ask(FORM, id=world["own"])).only("account")
    assert shown["registrationWebhook"]["username"] == "user"
    answer = await send(people["ann"], "updateAccount", {"id": world["own"], **shown})
    assert user_errors_of(answer, "updateAccount") == [], answer.body
    assert await stored() == before
    # The text shown in place of a secret is not a secret.
    ending = (
        await people["ann"].ask(
            "query ($id: ID!) { account(id: $id) { recordingConfig { accessKeyIdEnding } } }", id=world["own"]
        )
    ).only("account")["recordingConfig"]["accessKeyIdEnding"]
    keys = {"accessKeyId": ending, "secretAccessKey": "•" * 20}
    for given in ({"accessKeyId": ending}, {"secretAccessKey": "********"}, keys):
        refused = await send(people["ann"], "updateRecordingConfig", {"accountId": world["own"], **given})
        assert user_errors_of(refused, "updateRecordingConfig") != [], given
    assert await stored() == before
