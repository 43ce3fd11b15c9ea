"""The cases of the access matrix: every root field, guarded field, guarded input field and type of object, on each row."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type, is_leaf_type

from app.execution.executor.permissions import permissions_of
from app.server.schema import schema as strawberry_schema
from tests.support.personas import PASSWORD, People, email_of

SCHEMA = strawberry_schema._schema


@dataclass(frozen=True, eq=False)
class Case:
    """One line: an operation on one row, run as each persona."""

    covers: str
    row: str
    document: str
    path: tuple[str, ...]
    variables: dict[str, Any] = field(default_factory=dict)
    needs: str = ""
    changes: bool = False
    event: tuple[str, str] | None = None
    """For a subscription: the account and the call of its event."""


USER_ROWS = {
    "own": "bob",
    "sibling": "sue",
    "foreign": "fay",
    "provider": "boss",
    "other provider": "rival",
    "installation": "root",
}
NEW_PASSWORD = "a password nobody has"


class Ids:
    """The ids of the installation's objects by row."""

    def __init__(
        self, world: Any, installation_key: str, people: People, calls: dict[str, str], credentials: dict[str, str]
    ) -> None:
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
        self.applications = {name: world[f"{name}_application"] for name in self.accounts}
        self.calls = calls
        self.credentials = credentials
        self.users = {row: people.ids[name] for row, name in USER_ROWS.items()}
        self.sessions = {row: people.sessions[name] for row, name in USER_ROWS.items()}
        # For every type with an id, the rows for `node(id:)` and the type's guarded fields.
        self.nodes = {
            "Account": self.accounts,
            "ServiceProvider": self.providers,
            "ApiKey": self.keys,
            "RecordingConfig": self.recordings,
            "AuditEvent": {name: world[f"{name}_event"] for name in self.accounts},
            "WebhookDelivery": {name: world[f"{name}_delivery"] for name in self.accounts},
            "Application": self.applications,
            "Call": self.calls,
            "StoredCredential": self.credentials,
            "User": self.users,
            "Session": self.sessions,
        }


Inputs = dict[str, dict[str, Any]]
"""The input of a mutation or the arguments of a query, by row; `""` without a row."""


def on(rows: dict[str, str], name: str, /, **rest: Any) -> Inputs:
    return {row: {name: id_, **rest} for row, id_ in rows.items()}


def queries(ids: Ids) -> dict[str, Inputs]:
    """The arguments of each root query field except `node`, which runs on every type."""
    return {
        "viewer": {"": {}},
        "account": on(ids.accounts, "id"),
        "accounts": {"": {}},
        "serviceProvider": on(ids.providers, "id"),
        "serviceProviders": {"": {}},
        "apiKeys": {"": {}},
        # Events of the seeded world: the matrix itself adds events.
        "auditEvents": {
            "": {"filter": {"operation": "server"}},
            **{row: {"filter": {"operation": "server", "accountId": id_}} for row, id_ in ids.accounts.items()},
        },
        "application": on(ids.applications, "id"),
        "call": on(ids.calls, "id"),
        "recentCalls": {"": {}, **{row: {"filter": {"accountId": id_}} for row, id_ in ids.accounts.items()}},
        "limits": {"": {}},
        "users": {"": {}},
        "roles": {"": {}},
        "sessions": {"": {}},
        "passwordPolicy": {"": {}},
        "s3Regions": {"": {}},
        "audioFormats": {"": {}},
        "bucketVendors": {"": {}},
        "nodes": {row: {"ids": [id_, ids.calls[row]]} for row, id_ in ids.accounts.items()},
        "recordingPolicy": on(ids.accounts, "accountId"),
    }


def mutations(ids: Ids) -> dict[str, Inputs]:
    """The input of each mutation."""
    webhook = {"url": "https://hooks.example.com/calls"}
    return {
        "createAccount": {
            "by default": {"name": "A new customer"},
            **on(ids.providers, "serviceProviderId", name="A new customer"),
        },
        "updateAccount": on(ids.accounts, "id", name="A better name"),
        "moveAccount": on(ids.accounts, "id", serviceProviderId=ids.providers["other provider"]),
        "transferAccountOwnership": {row: {"id": id_, "ownerId": ids.users[row]} for row, id_ in ids.accounts.items()},
        "setAccountActive": on(ids.accounts, "id", active=False),
        "rotateWebhookSecret": on(ids.accounts, "id"),
        "sendTestWebhook": on(ids.accounts, "accountId", kind="REGISTRATION"),
        "deleteAccount": on(ids.accounts, "id", force=True),
        "createServiceProvider": {"": {"name": "Western Voice"}},
        "createApplication": on(ids.accounts, "accountId", name="A new application", callingWebhook=webhook),
        "updateApplication": on(ids.applications, "id", name="A better name"),
        "deleteApplication": on(ids.applications, "id"),
        "updateServiceProvider": on(ids.providers, "id", name="A better name"),
        "setServiceProviderActive": on(ids.providers, "id", active=False),
        "deleteServiceProvider": on(ids.providers, "id", dryRun=True),
        "createApiKey": {
            "by default": {"name": "for myself"},
            **{row: {"name": "for an account", "owner": {"accountId": id_}} for row, id_ in ids.accounts.items()},
        },
        "updateApiKey": on(ids.keys, "id", name="A better name"),
        "revokeApiKey": on(ids.keys, "id"),
        "rotateApiKey": on(ids.keys, "id"),
        "adoptApiKey": on(ids.keys, "id"),
        "login": {"": {"email": email_of("bob"), "password": PASSWORD}},
        "logout": {"": {}},
        "logoutEverywhere": {"": {"keepCurrent": False}},
        "revokeSession": on(ids.sessions, "id"),
        "changePassword": {"": {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}},
        "changeName": {"": {"name": "A better name"}},
        "createUser": {
            "by default": {"role": "VIEWER", "email": "new@people.example.com", "name": "New"},
            **{
                row: {"role": "VIEWER", "email": "new@people.example.com", "name": "New", "owner": {"accountId": id_}}
                for row, id_ in ids.accounts.items()
            },
        },
        "updateUser": on(ids.users, "id", name="A better name"),
        "deactivateUser": on(ids.users, "id"),
        "reactivateUser": on(ids.users, "id"),
        "deleteUser": on(ids.users, "id"),
        "resetPassword": on(ids.users, "id", password=NEW_PASSWORD),
        "updatePasswordPolicy": {"": {"needsDigit": True}},
        "updateRecordingConfig": on(ids.accounts, "accountId", recordAllCalls=True),
        "removeRecordingConfig": on(ids.accounts, "accountId"),
        "verifyRecordingStorage": on(ids.accounts, "accountId"),
        "verifyStoredRecordingStorage": on(ids.accounts, "accountId"),
        "deleteRecording": on(ids.calls, "id"),
        "retryRecording": on(ids.calls, "id"),
        "removeStoredCredential": on(ids.credentials, "id", force=True),
        "clearTtsCache": on(ids.accounts, "accountId"),
        "reportCalls": {row: {"calls": [{"accountId": id_, "callId": "new"}]} for row, id_ in ids.accounts.items()},
    }


def guarded_inputs(ids: Ids) -> dict[str, tuple[str, Inputs]]:
    """For each guarded input field, a mutation that sends it, otherwise with permitted fields only."""
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
        "UserOwnerInput.serviceProviderId": (
            "createUser",
            {
                row: {
                    "role": "VIEWER",
                    "email": "new@people.example.com",
                    "name": "New",
                    "owner": {"serviceProviderId": id_},
                }
                for row, id_ in ids.providers.items()
            },
        ),
        "UserOwnerInput.installation": (
            "createUser",
            {
                "installation": {
                    "role": "VIEWER",
                    "email": "new@people.example.com",
                    "name": "New",
                    "owner": {"installation": True},
                }
            },
        ),
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
    yield "Subscriptions", list(_subscription_cases(ids))
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


def _subscription_cases(ids: Ids) -> Iterator[Case]:
    assert SCHEMA.subscription_type is not None
    for name, one in SCHEMA.subscription_type.fields.items():
        document = f"subscription($accountId: ID!) {{ {name}(accountId: $accountId) {{ id }} }}"
        for row, account in ids.accounts.items():
            event = (account, ids.calls[row])
            yield Case(f"Subscription.{name}", row, document, (name,), {"accountId": account}, _needs(one), event=event)


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
    recording = SCHEMA.type_map["CallRecording"]
    assert isinstance(recording, GraphQLObjectType)
    for name, one in recording.fields.items():
        if permissions_of(one):
            for row, id_ in ids.calls.items():
                document = f"query ($id: ID!) {{ call(id: $id) {{ recording {{ {name} }} }} }}"
                yield Case(
                    f"CallRecording.{name}", row, document, ("call", "recording", name), {"id": id_}, _needs(one)
                )


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
    more = " rejected { errors { code } }" if name == "reportCalls" else ""
    document = f"mutation ($input: {type_name}Input!) {{ {name}(input: $input) {{ userErrors {{ code }}{more} }} }}"
    if not values:
        document = f"mutation {{ {name} {{ userErrors {{ code }} }} }}"
    return Case(covers, row, document, (name,), {"input": values} if values else {}, needs, changes=True)


def _below(one: Any) -> str:
    named = get_named_type(one.type)
    if is_leaf_type(named):
        return ""
    return " { totalCount }" if named.name.endswith("Connection") else " { __typename }"


def _needs(one: Any) -> str:
    words = []
    for permission in permissions_of(one):
        scopes, permissions = permission.refusal.get("requiredScopes"), permission.refusal.get("requiredPermissions")
        if isinstance(scopes, list):
            words.append("|".join(scope[0] for scope in scopes))
        elif isinstance(permissions, list):
            words += permissions
        else:
            words.append("USER")
    return " ".join(words)
