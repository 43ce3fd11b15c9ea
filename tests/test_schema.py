"""The contract: what `schema.graphql` says, and the forms that all of it keeps."""

import difflib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    is_leaf_type,
    is_required_input_field,
    is_specified_directive,
    is_specified_scalar_type,
)

from app.execution.executor.permissions import permissions_of
from app.execution.restrictions import open_root_fields
from app.foundation.access import MayViewAuditTrail, MayViewCalls, MayViewSecrets, OpenTo, Requirement, directives_of
from app.foundation.graphql.registry import registry
from app.server.schema import printed, schema

SCHEMA = schema._schema
SDL = Path(__file__).parent.parent / "schema.graphql"

TYPES = [type_ for name, type_ in sorted(SCHEMA.type_map.items()) if not name.startswith("__")]
OBJECTS = [type_ for type_ in TYPES if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)]
INPUTS = [type_ for type_ in TYPES if isinstance(type_, GraphQLInputObjectType)]
ROOTS = [type_ for type_ in (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type) if type_]

DATE_TIME: Any = SCHEMA.type_map["DateTime"]

# Lists of objects that are no connections, since they have a fixed size or a small limit.
SHORT_LISTS = {
    "AuditEvent.changes": "one for each setting of the object",
    **dict.fromkeys(
        (f"{name}UserPayload.affectedApiKeys" for name in ("Update", "Deactivate", "Delete")), "the newest 100"
    ),
    "DeleteAccountPayload.blockers": "one for each kind of content",
    "DeleteAccountPayload.contents": "one for each kind of content",
    "DeleteApplicationPayload.blockers": "one for each use",
    "DeleteServiceProviderPayload.blockers": "one for each kind of object",
    "DeleteUserPayload.ownedAccounts": "at most 100",
    "Query.audioFormats": "one for each format",
    "Query.bucketVendors": "one for each vendor",
    "Query.nodes": "one for each of at most 100 ids",
    "Query.roles": "one for each role",
    "Query.s3Regions": "one for each region of Amazon S3",
    "RecordingConfig.s3Tags": "at most 10",
    "RejectedCall.errors": "one for each rule that an input field breaks",
    "ReportCallsPayload.rejected": "at most 1,000, one for each report of the batch",
    "RecordingPolicy.statements": "one for each permission",
    "StorageVerification.settingsErrors": "one for each rule that an input field breaks",
    "StorageVerification.steps": "always eight",
    "UserError.arguments": "one for each value in the message",
    "WebhookDelivery.requestHeaders": "those of one request",
}
# Mutations without an input; inputs of a singleton.
WITHOUT_INPUT, OF_ONE_OBJECT = {"logout"}, {"UpdatePasswordPolicyInput"}
ROOT_NAMES = {root.name for root in ROOTS}
_OWN, _SETTINGS, _CONSTANT = "the caller's own", "reading settings, users and keys needs none", "constant"
# Root fields and guarded fields that need no permission.
EXEMPT = {
    "Query.viewer": _OWN,
    **dict.fromkeys(("Query.node", "Query.nodes"), "the type of the object names its permission: `fields.node`"),
    "Query.sessions": _OWN,
    **dict.fromkeys(
        ("Query.limits", "Query.roles", "Query.s3Regions", "Query.audioFormats", "Query.bucketVendors"), _CONSTANT
    ),
    **dict.fromkeys(("Query.account", "Query.accounts", "Query.application", "Query.recordingPolicy"), _SETTINGS),
    **dict.fromkeys(("Query.serviceProvider", "Query.serviceProviders", "Query.users", "Query.apiKeys"), _SETTINGS),
    "Query.passwordPolicy": "open to unauthenticated callers",
    "Mutation.login": "open to unauthenticated callers",
    **dict.fromkeys(
        ("Mutation.logout", "Mutation.logoutEverywhere", "Mutation.changePassword", "Mutation.changeName"), _OWN
    ),
    "Mutation.revokeSession": "the caller's own; the service checks MANAGE_USERS for another user's",
    **dict.fromkeys(("Account.usageLimit", "Account.licensedSessions", "Account.serviceProvider"), _SETTINGS),
    **dict.fromkeys(("ApiKey.serviceProvider", "User.serviceProvider"), _SETTINGS),
    **dict.fromkeys(("ServiceProvider.apiKeys", "ServiceProvider.users", "ServiceProvider.userCount"), _SETTINGS),
    **dict.fromkeys(("AuditEvent.serviceProviderId", "AuditEvent.formerServiceProviderId"), "the event needs it"),
}
# The only fields that return a secret.
SECRETS_SHOWN = {
    *("Account.webhookSecret", "CreateApiKeyPayload.token", "RotateApiKeyPayload.token", "LoginPayload.token"),
    *("CreateUserPayload.temporaryPassword", "ResetPasswordPayload.temporaryPassword"),
}
# The only input fields that accept one.
SECRETS_TAKEN = {
    "AccountRecordingConfigInput.secretAccessKey",
    "UpdateRecordingConfigInput.secretAccessKey",
    "VerifyRecordingStorageInput.secretAccessKey",
    "WebhookInput.password",
    *("LoginInput.password", "ChangePasswordInput.currentPassword", "ChangePasswordInput.newPassword"),
    *("CreateUserInput.password", "ResetPasswordInput.password"),
}
SECRET_WORDS = ("secret", "token", "password", "credential", "privatekey")


def fields() -> Iterator[tuple[str, GraphQLField]]:
    for type_ in OBJECTS:
        for name, one in type_.fields.items():
            yield f"{type_.name}.{name}", one


def input_fields() -> Iterator[tuple[str, Any]]:
    for type_ in INPUTS:
        for name, one in type_.fields.items():
            yield f"{type_.name}.{name}", one


def is_permission(one: type[Requirement]) -> bool:
    return "requiredPermissions" in one.refusal


def is_list_of_objects(type_: Any) -> bool:
    while isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    return isinstance(type_, GraphQLList) and not is_leaf_type(get_named_type(type_))


def test_the_printed_schema_is_what_the_code_says() -> None:
    expected, now = SDL.read_text().splitlines(keepends=True), printed().splitlines(keepends=True)
    changes = "".join(difflib.unified_diff(expected, now, "schema.graphql", "the code"))
    assert not changes, (
        f"{changes}\n\nschema.graphql is not what the code says.\n"
        "  Why it matters: clients are generated from the file, and reviewers read the contract there.\n"
        "  To fix this: 1. if the change is not intended, revert it; 2. if it is, run `make schema` and commit the file; "
        "a removed field must have been @deprecated for a release."
    )


def test_everything_in_the_contract_has_a_description() -> None:
    silent = [type_.name for type_ in TYPES if not type_.description and not is_specified_scalar_type(type_)]
    silent += [name for name, one in fields() if not one.description]
    silent += [
        f"{name}({argument})" for name, one in fields() for argument, it in one.args.items() if not it.description
    ]
    silent += [name for name, one in input_fields() if not one.description]
    for type_ in TYPES:
        if isinstance(type_, GraphQLEnumType):
            silent += [f"{type_.name}.{name}" for name, value in type_.values.items() if not value.description]
    for directive in SCHEMA.directives:
        if not is_specified_directive(directive):
            silent += [] if directive.description else [f"@{directive.name}"]
            silent += [f"@{directive.name}({name})" for name, it in directive.args.items() if not it.description]
    assert not silent, (
        f"{silent} have no description.\n  Why it matters: explorers and generated clients show the description, and often "
        "nothing else.\n  To fix this: 1. say what it is for, with units, in `description=`; not its name again."
    )


def test_scalars_of_our_own_say_where_they_are_specified() -> None:
    own = [type_ for type_ in TYPES if isinstance(type_, GraphQLScalarType) and not is_specified_scalar_type(type_)]
    assert {scalar.name: scalar.specified_by_url for scalar in own if not scalar.specified_by_url} == {}


def test_a_guarded_field_is_nullable_and_says_who_may_use_it() -> None:
    guarded = [(name, one) for name, one in [*fields(), *input_fields()] if permissions_of(one)]
    assert len(guarded) > 20
    for name, one in guarded:
        assert not isinstance(one.type, GraphQLNonNull), f"{name}: a denied field is null, with an error"
        for permission in permissions_of(one):
            sentence = f"Needs {permission.words}."
            assert sentence in (one.description or ""), f"{name}: introspection shows no directives; say {sentence!r}"


def test_the_printed_schema_shows_each_permission_at_its_field() -> None:
    marks = sum(len(directives_of(permissions_of(one))) for _, one in [*fields(), *input_fields()])
    lines = [line for line in printed().splitlines() if not line.startswith("directive ")]
    assert sum(line.count(" @requires") for line in lines) == marks


def test_every_mutation_has_one_input_and_a_payload_with_user_errors() -> None:
    assert SCHEMA.mutation_type is not None
    for name, one in SCHEMA.mutation_type.fields.items():
        named = name[0].upper() + name[1:]
        assert {argument: str(it.type) for argument, it in one.args.items()} == (
            {} if name in WITHOUT_INPUT else {"input": f"{named}Input!"}
        ), name
        assert str(one.type) == f"{named}Payload", name
        payload = get_named_type(one.type)
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["userErrors"].type) == "[UserError!]!", name
        results = [field for field in payload.fields.values() if not is_list_of_objects(field.type)]
        assert results, name
        assert not any(isinstance(field.type, GraphQLNonNull) for field in results), f"{name}: refused, all are null"


def test_every_root_field_and_guarded_field_needs_a_permission_or_has_a_reason_for_none() -> None:
    found = [(name, one) for name, one in fields() if permissions_of(one) or name.partition(".")[0] in ROOT_NAMES]
    without = {name for name, one in found if not any(map(is_permission, permissions_of(one)))}
    assert without == EXEMPT.keys(), (
        "What may a caller without this permission not do?\n"
        "  Why it matters: a field without a permission class is open to every role and every key of its scope.\n"
        "  To fix this: 1. add a `May…` class to its `permissions`; 2. if everybody within the scope may use it, say why in "
        "EXEMPT."
    )


def test_every_way_to_calls_and_audit_events_needs_their_permission() -> None:
    needed: dict[str, type[Requirement]] = {"Call": MayViewCalls, "AuditEvent": MayViewAuditTrail}
    for name, one in fields():
        shown = get_named_type(one.type).name.removesuffix("Connection")
        owner = name.partition(".")[0]
        if shown in needed and not owner.endswith(("Connection", "Edge", "Payload")):
            assert needed[shown] in permissions_of(one), name
        if shown in needed and owner.endswith("Payload"):
            mutation = owner[0].lower() + owner.removesuffix("Payload")[1:]
            assert needed[shown] in permissions_of(SCHEMA.mutation_type.fields[mutation]), name  # type: ignore[union-attr]
    assert {registry.names[kind]: [*of] for kind, of in registry.permissions.items() if of} == {
        name: [one] for name, one in needed.items()
    }


def test_restricted_callers_may_use_only_these_root_fields() -> None:
    entering = {"__typename", "login", "passwordPolicy"}
    assert open_root_fields(SCHEMA, OpenTo.UNAUTHENTICATED) == entering
    assert open_root_fields(SCHEMA, OpenTo.PASSWORD_CHANGE) == entering | {"viewer", "changePassword", "logout"}
    assert open_root_fields(SCHEMA, OpenTo.GATEWAYS) == {"__typename", "viewer", "reportCalls"}


def test_the_name_of_an_input_type_ends_in_its_kind() -> None:
    assert [one.name for one in INPUTS if not one.name.endswith(("Input", "Filter", "Order"))] == []


def test_a_patch_can_leave_out_every_field_but_the_id() -> None:
    patches = [one for one in INPUTS if one.name.startswith("Update")]
    assert patches
    for patch in patches:
        needed = [name for name, one in patch.fields.items() if is_required_input_field(one)]
        assert needed in ([[]] if patch.name in OF_ONE_OBJECT else [["id"], ["accountId"]]), patch.name
        # A default would make an absent field count as set.
        defaults = [name for name, one in patch.fields.items() if one.default_value is None and name != "ifVersion"]
        assert defaults == [], patch.name


def test_lists_are_connections_or_short() -> None:
    lists = {name for name, one in fields() if is_list_of_objects(one.type)}
    lists = {name for name in lists if not name.endswith(("Connection.edges", "Connection.nodes", ".userErrors"))}
    assert lists == SHORT_LISTS.keys(), (
        "A list of objects must be a connection or have a small maximum length.\n"
        "  Why it matters: a list grows with its customer, and answers grow with it until they time out.\n"
        "  To fix this: 1. `fields.page(…)` or `Connection[…]`; 2. if its length has a small limit, say which in SHORT_LISTS."
    )


def test_a_connection_is_paged_forward_by_bounded_pages() -> None:
    connections = [(name, one) for name, one in fields() if get_named_type(one.type).name.endswith("Connection")]
    assert connections
    for name, one in connections:
        assert {"first", "after"} <= one.args.keys(), name
        assert one.args["first"].default_value == 20, name


def test_only_the_listed_fields_return_or_accept_secrets() -> None:
    shown = {
        name
        for name, one in fields()
        if any(word in name.partition(".")[2].lower() for word in SECRET_WORDS)
        and get_named_type(one.type).name in ("String", "ID")
    }
    assert shown == SECRETS_SHOWN
    taken = {name for name, _ in input_fields() if any(word in name.partition(".")[2].lower() for word in SECRET_WORDS)}
    assert taken == SECRETS_TAKEN


def test_a_secret_that_can_be_read_again_needs_view_secrets() -> None:
    for name in SECRETS_SHOWN:
        type_name, _, field = name.partition(".")
        if not type_name.endswith("Payload"):  # payloads are of mutations, which need it themselves
            permissions = permissions_of(SCHEMA.type_map[type_name].fields[field])  # type: ignore[attr-defined]
            assert permissions == (MayViewSecrets,)


def test_times_are_of_type_datetime_and_durations_name_their_unit() -> None:
    for name, one in [*fields(), *input_fields()]:
        if name.endswith("At") and not name.endswith("Format"):
            assert get_named_type(one.type).name == "DateTime", name
        if "duration" in name.lower() or "waited" in name.lower():
            assert name.endswith(("Ms", "Seconds", "Hours")), name


def test_every_object_with_an_id_is_a_node() -> None:
    for type_ in OBJECTS:
        if isinstance(type_, GraphQLObjectType) and "id" in type_.fields:
            assert [one.name for one in type_.interfaces] == ["Node"], type_.name
            assert str(type_.fields["id"].type) == "ID!", type_.name


@pytest.mark.parametrize("text", ["2026-01-31T13:37:00Z", "2026-01-31T13:37:00.25+02:00", "2026-01-31t13:37:00z"])
def test_a_time_is_read_with_its_offset(text: str) -> None:
    assert DATE_TIME.parse_value(text) == datetime.fromisoformat(text.upper())


@pytest.mark.parametrize("value", ["2026-01-31T13:37:00", "2026-01-31", "2026", "2026-02-30T00:00:00Z", "", 1769866620])
def test_a_time_without_its_offset_is_refused(value: Any) -> None:
    with pytest.raises(GraphQLError, match="with its offset"):
        DATE_TIME.parse_value(value)
