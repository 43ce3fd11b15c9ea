"""Who may do what: every root field, every guarded field and every kind of object, tried as each person on each row.

    python -m tests.access_matrix > tests/access.txt

makes an installation of its own (SQLite, in a temporary folder) and prints the matrix; `tests/test_access.py` runs the
same on both databases and compares. Where a storage would be dialled, a stand-in answers: what is tried here is who
gets that far.
"""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
)

from app.execution.executor import permissions_of
from app.recording.probe import StepResult, VerificationStepName, VerificationStepStatus
from app.recording.verification import StorageVerdict, StorageVerifier, VerificationResult
from app.schema import schema as strawberry_schema
from tests.installation import Answer, Installation, Person, seed

SCHEMA = strawberry_schema._schema

PERSONAS = {
    "nobody": None,
    "account user": "account_user",
    "read-only key": "read_only",
    "provider": "provider",
    "admin": "admin",
}

LEGEND = """\
Who may do what. Printed by `make access` from what the running server answers; never edited by hand.

Persons (columns)
  nobody          no key
  account user    a key of one account ("own"), FULL
  read-only key   a key of the same account, READ_ONLY
  provider        a key of the service provider that runs the own and the sibling account, FULL
  admin           a key of the installation, FULL

Rows
  own             the account of the account user, or what belongs to it
  sibling         another account of the same service provider
  foreign         an account of another service provider
  provider        the service provider of the own account, or what belongs to it; "other": the one of the foreign account
  installation    what belongs to no provider and no account
  by default      the input does not say whose it shall be

Answers
  ok              the value, or the change was made        n=2   a list with two rows
  null            not there: out of reach looks like missing        -     the object itself was null, so was its field
  NOT_FOUND …     a code of `userErrors`; nothing was changed
  FORBIDDEN …     a code of the top-level `errors`; "FORBIDDEN input": because of an input field; nothing was changed

"needs" is what the contract says beside the field: one of the scopes (A = ADMIN, S = SERVICE_PROVIDER), the level FULL.
"""


@dataclass(frozen=True, eq=False)
class Case:
    """One line: an operation on one row, asked by everybody."""

    covers: str
    row: str
    document: str
    path: tuple[str, ...]
    variables: dict[str, Any] = field(default_factory=dict)
    needs: str = ""
    changes: bool = False


class Ids:
    """What the cases name: ids of the installation's objects by row."""

    def __init__(self, world: Any, installation_key: str) -> None:
        self.accounts = {"own": world["own"], "sibling": world["sibling"], "foreign": world["foreign"]}
        self.providers = {"provider": world["provider"], "other provider": world["other_provider"]}
        self.keys = {
            "own": world["account_user_key"],
            "sibling": world["sibling_user_key"],
            "foreign": world["foreign_user_key"],
            "provider": world["provider_key"],
            "other provider": world["other_provider_key"],
            "installation": installation_key,
        }
        self.recordings = {name: world[f"{name}_recording"] for name in self.accounts}
        # For every type with an id, the rows on which `node(id:)` and the guarded fields of the type are tried.
        self.nodes = {
            "Account": self.accounts,
            "ServiceProvider": self.providers,
            "ApiKey": self.keys,
            "RecordingConfig": self.recordings,
        }


Inputs = dict[str, dict[str, Any]]
"""The input of a mutation or the arguments of a query, by the row it is about; `""` where no row is involved."""


def on(rows: dict[str, str], name: str, /, **rest: Any) -> Inputs:
    return {row: {name: id_, **rest} for row, id_ in rows.items()}


def queries(ids: Ids) -> dict[str, Inputs]:
    """The arguments of each root query field, but `node`, which is tried on every type."""
    return {
        "viewer": {"": {}},
        "account": on(ids.accounts, "id"),
        "accounts": {"": {}},
        "serviceProvider": on(ids.providers, "id"),
        "serviceProviders": {"": {}},
        "apiKeys": {"": {}},
        "s3Regions": {"": {}},
        "audioFormats": {"": {}},
        "bucketVendors": {"": {}},
        "recordingPolicy": on(ids.accounts, "accountId"),
    }


def mutations(ids: Ids) -> dict[str, Inputs]:
    """The input of each mutation."""
    return {
        "createAccount": {
            "by default": {"name": "A new customer"},
            **on(ids.providers, "serviceProviderId", name="A new customer"),
        },
        "updateAccount": on(ids.accounts, "id", name="A better name"),
        "setAccountActive": on(ids.accounts, "id", active=False),
        "rotateWebhookSecret": on(ids.accounts, "accountId"),
        "deleteAccount": on(ids.accounts, "id", force=True),
        "createServiceProvider": {"": {"name": "Western Voice"}},
        "createApiKey": {
            "by default": {"name": "for myself"},
            **{row: {"name": "for an account", "owner": {"accountId": id_}} for row, id_ in ids.accounts.items()},
        },
        "updateApiKey": on(ids.keys, "id", name="A better name"),
        "revokeApiKey": on(ids.keys, "id"),
        "rotateApiKey": on(ids.keys, "id"),
        "updateRecordingConfig": on(ids.accounts, "accountId", recordAllCalls=True),
        "removeRecordingConfig": on(ids.accounts, "accountId"),
        "verifyRecordingStorage": on(ids.accounts, "accountId"),
        "verifyStoredRecordingStorage": on(ids.accounts, "accountId"),
    }


def guarded_inputs(ids: Ids) -> dict[str, tuple[str, Inputs]]:
    """For each guarded input field, a mutation that sends it and otherwise only what its sender may send."""
    limit = {"unit": "MINUTES", "maximum": 5}
    own_provider = {"provider": ids.providers["provider"]}
    return {
        "CreateAccountInput.usageLimit": (
            "createAccount",
            on(own_provider, "serviceProviderId", name="A new customer", usageLimit=limit),
        ),
        "CreateAccountInput.licensedSessions": (
            "createAccount",
            on(own_provider, "serviceProviderId", name="A new customer", licensedSessions=7),
        ),
        "UpdateAccountInput.usageLimit": ("updateAccount", on(ids.accounts, "id", usageLimit=limit)),
        "UpdateAccountInput.licensedSessions": ("updateAccount", on(ids.accounts, "id", licensedSessions=7)),
        "ApiKeyOwnerInput.serviceProviderId": (
            "createApiKey",
            {
                row: {"name": "for a provider", "owner": {"serviceProviderId": id_}}
                for row, id_ in ids.providers.items()
            },
        ),
        "ApiKeyOwnerInput.installation": (
            "createApiKey",
            {"installation": {"name": "for the installation", "owner": {"installation": True}}},
        ),
    }


def cases(ids: Ids) -> Iterator[tuple[str, list[Case]]]:
    """The chapters of the matrix."""
    yield "Queries", list(_query_cases(ids))
    yield "Any object by its id: node(id:)", list(_node_cases(ids))
    yield "Guarded fields", list(_guarded_field_cases(ids))
    yield "Mutations", list(_mutation_cases(ids))
    yield "Guarded input fields", list(_guarded_input_cases(ids))


def to_be_covered() -> set[str]:
    """Every root field, guarded field, guarded input field and type with an id of the schema."""
    wanted = set()
    for type_ in SCHEMA.type_map.values():
        if type_.name.startswith("__") or not isinstance(type_, GraphQLObjectType | GraphQLInputObjectType):
            continue
        is_root = type_ in (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type)
        if any(interface.name == "Node" for interface in getattr(type_, "interfaces", ())):
            wanted.add(type_.name)
        wanted |= {f"{type_.name}.{name}" for name, one in type_.fields.items() if is_root or permissions_of(one)}
    return wanted


def _query_cases(ids: Ids) -> Iterator[Case]:
    assert SCHEMA.query_type is not None
    for name, inputs in queries(ids).items():
        one = SCHEMA.query_type.fields[name]
        for row, arguments in inputs.items():
            declared = ", ".join(f"${argument}: {one.args[argument].type}" for argument in arguments)
            given = ", ".join(f"{argument}: ${argument}" for argument in arguments)
            document = (
                f"query{f'({declared})' if declared else ''} {{ {name}{f'({given})' if given else ''}{_below(one)} }}"
            )
            yield Case(f"Query.{name}", row, document, (name,), arguments, _needs(one))


def _node_cases(ids: Ids) -> Iterator[Case]:
    for type_name, rows in ids.nodes.items():
        for row, id_ in rows.items():
            document = f"query ($id: ID!) {{ node(id: $id) {{ ... on {type_name} {{ id }} }} }}"
            yield Case(type_name, row, document, ("node",), {"id": id_})
    yield Case("Query.node", "no such id", '{ node(id: "AC") { id } }', ("node",))


def _guarded_field_cases(ids: Ids) -> Iterator[Case]:
    for type_name, rows in ids.nodes.items():
        type_ = SCHEMA.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        for name, one in type_.fields.items():
            if permissions_of(one):
                for row, id_ in rows.items():
                    document = (
                        f"query ($id: ID!) {{ node(id: $id) {{ ... on {type_name} {{ {name}{_below(one)} }} }} }}"
                    )
                    yield Case(f"{type_name}.{name}", row, document, ("node", name), {"id": id_}, _needs(one))


def _mutation_cases(ids: Ids) -> Iterator[Case]:
    assert SCHEMA.mutation_type is not None
    for name, inputs in mutations(ids).items():
        needs = _needs(SCHEMA.mutation_type.fields[name])
        for row, values in inputs.items():
            yield _mutation(f"Mutation.{name}", row, name, values, needs)


def _guarded_input_cases(ids: Ids) -> Iterator[Case]:
    for covers, (mutation, inputs) in guarded_inputs(ids).items():
        type_name, _, name = covers.partition(".")
        type_ = SCHEMA.type_map[type_name]
        assert isinstance(type_, GraphQLInputObjectType)
        for row, values in inputs.items():
            yield _mutation(covers, row, mutation, values, _needs(type_.fields[name]))


def _mutation(covers: str, row: str, name: str, values: dict[str, Any], needs: str) -> Case:
    type_name = name[0].upper() + name[1:]
    document = f"mutation ($input: {type_name}Input!) {{ {name}(input: $input) {{ userErrors {{ code }} }} }}"
    return Case(covers, row, document, (name,), {"input": values}, needs, changes=True)


def _below(one: Any) -> str:
    named = get_named_type(one.type)
    if is_leaf_type(named):
        return ""
    return " { totalCount }" if named.name.endswith("Connection") else " { __typename }"


def _needs(one: Any) -> str:
    words = []
    for permission in permissions_of(one):
        scopes = permission.refusal.get("requiredScopes")
        words.append("|".join(scope[0] for scope in scopes) if scopes else permission.refusal["requiredAccess"])
    return " ".join(words)


def outcome(case: Case, answer: Answer) -> str:
    """What became of it, in a word."""
    if answer.errors:
        error = answer.errors[0]["extensions"]
        assert len(answer.errors) == 1, answer.errors
        assert error["code"] != "INTERNAL_SERVER_ERROR", (case, answer.errors)
        return f"{error['code']} input" if "inputFields" in error else str(error["code"])
    value = answer.data
    for step in case.path[:-1]:
        value = value[step]
        if value is None:
            return "-"
    value = value[case.path[-1]]
    if value is None:
        return "null"
    if isinstance(value, dict):
        if value.get("userErrors"):
            return " ".join(sorted({error["code"] for error in value["userErrors"]}))
        if "totalCount" in value:
            return f"n={value['totalCount']}"
    return "ok"


class StandIn:
    """In the place of the verifier: every storage works."""

    async def verify(self, _draft: Any) -> VerificationResult:
        steps = [StepResult(name, VerificationStepStatus.PASSED) for name in VerificationStepName]
        return VerificationResult(StorageVerdict.WORKING, True, True, steps, "0" * 32, datetime.now(UTC), 1, 0)


class Kept:
    """All rows as they are now, to be put back after each change, so that no cell depends on another."""

    TABLES = ("service_providers", "accounts", "api_keys", "recording_configs")
    """Owners before what they own."""

    def __init__(self, db: Any) -> None:
        self._db = db

    async def keep(self) -> None:
        for table in self.TABLES:
            await self._db.execute_query(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")

    async def put_back(self) -> None:
        async with self._db._in_transaction() as transaction:
            for table in reversed(self.TABLES):
                await transaction.execute_query(f"DELETE FROM {table}")
            for table in self.TABLES:
                await transaction.execute_query(f"INSERT INTO {table} SELECT * FROM kept_{table}")


async def matrix(installation: Installation, *, last_first: bool = False) -> str:
    """Tries everything, and prints it; in the order of the page, or from its end."""
    admin = installation.person("admin")
    keys = (await admin.ask("{ apiKeys { nodes { id } } }")).only("apiKeys")["nodes"]
    ids = Ids(installation.world, keys[0]["id"])
    installation.opened.clients[StorageVerifier] = StandIn()  # type: ignore[index]
    people = {persona: installation.person(name) for persona, name in PERSONAS.items()}
    parts = [LEGEND]
    chapters = list(cases(ids))
    tries = [case for _, chapter in chapters for case in chapter]
    answers: dict[Case, list[str]] = {}
    async with installation.database() as db:
        kept = Kept(db)
        await kept.keep()
        for case in reversed(tries) if last_first else tries:
            answers[case] = [outcome(case, await _ask(person, case, kept)) for person in people.values()]
    for title, chapter in chapters:
        lines = [[case.covers, case.needs, case.row, *answers[case]] for case in chapter]
        parts.append(_table(title, ["", "needs", "row", *people], lines))
    return "\n".join(parts)


async def _ask(person: Person, case: Case, kept: Kept) -> Answer:
    answer = await person.ask(case.document, **case.variables)
    if case.changes:
        await kept.put_back()
    return answer


# Fixed, so that a new long answer in one line does not move all others. Longer words push only their own line.
_WIDTHS = (39, 10, 15, 16, 18, 18, 18, 18)


def _table(title: str, head: list[str], lines: list[list[str]]) -> str:
    printed = [_line([title, *head[1:]]), "-" * (sum(_WIDTHS[:-1]) + 5)]
    before = ""
    for line in lines:
        # A field is named once, so that its rows stand together.
        printed.append(_line([*(line[:2] if line[0] != before else ("", "")), *line[2:]]))
        before = line[0]
    return "\n".join(printed) + "\n"


def _line(words: Any) -> str:
    return "".join(f"{word or '':<{width - 1}} " for word, width in zip(words, _WIDTHS, strict=True)).rstrip()


async def _printed() -> str:
    with tempfile.TemporaryDirectory() as folder:
        world = await seed(Path(folder), "")
        async with Installation.started(world, Path(folder), "", log_level="ERROR") as installation:
            return await matrix(installation)


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        text = asyncio.run(_printed())
    sys.stdout.write(text)
