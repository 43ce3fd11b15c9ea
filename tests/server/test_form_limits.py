"""`limits`: one for every input of a form, and only limits that are checked."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLInputObjectType,
    GraphQLObjectType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    concat_ast,
    get_named_type,
    parse,
    visit,
)

from app.server.schema import printed
from tests.support.installation import Installation, Person, World, refusals
from tests.support.personas import add_people
from tests.support.tracked_files import ROOT, tracked

CONTRACT = build_schema(printed())
DOCUMENTS = "tests/clients/documents/*.graphql"

# The input fields of a storage, which three inputs have.
_STORAGES = ("AccountRecordingConfigInput", "UpdateRecordingConfigInput", "VerifyRecordingStorageInput")
_MADE = ("Account", "ApiKey", "Application", "ServiceProvider", "User")
# By their limit: a path below `limits`, or of `passwordPolicy`.
_FILTERS = ("CallFilter", "AllCallsFilter")
LIMITED = {
    "call.prefixMaximum": {f"{one}.{name}" for one in _FILTERS for name in ("fromPrefix", "toPrefix")},
    "call.gatewayCallIdMaximum": {f"{one}.gatewayCallId" for one in _FILTERS},
    "call.textMaximum": {f"CallReportInput.{name}" for name in ("from", "to", "trunk", "terminationReason")},
    "call.traceIdMaximum": {"CallReportInput.traceId"},
    "call.sipStatusMaximum": {"CallReportInput.sipStatus"},
    "account.nameMaximum": {"CreateAccountInput.name", "UpdateAccountInput.name"},
    "account.sipRealmMaximum": {"CreateAccountInput.sipRealm", "UpdateAccountInput.sipRealm"},
    "account.usageLimitMaximum": {"UsageLimitInput.maximum"},
    "account.licensedSessionsMaximum": {"CreateAccountInput.licensedSessions", "UpdateAccountInput.licensedSessions"},
    "account.webhookSecretOverlapHoursMaximum": {"RotateWebhookSecretInput.overlapHours"},
    "apiKey.nameMaximum": {"CreateApiKeyInput.name", "UpdateApiKeyInput.name"},
    "apiKey.overlapHoursMaximum": {"RotateApiKeyInput.overlapHours"},
    "application.nameMaximum": {"CreateApplicationInput.name", "UpdateApplicationInput.name"},
    "idempotencyKey.maximum": {f"Create{one}Input.idempotencyKey" for one in _MADE},
    "paging.nameContainsMaximum": {
        *("AccountFilter.search", "AccountFilter.nameContains", "ApplicationFilter.nameContains")
    },
    "paging.emailContainsMaximum": {"UserFilter.emailContains"},
    "recordingConfig.endpointUrlMaximum": {f"{one}.endpointUrl" for one in _STORAGES},
    "recordingConfig.bucketNameMaximum": {f"{one}.bucketName" for one in _STORAGES},
    "recordingConfig.regionMaximum": {f"{one}.region" for one in _STORAGES},
    "recordingConfig.accessKeyIdMaximum": {f"{one}.accessKeyId" for one in _STORAGES},
    "recordingConfig.secretAccessKeyMaximum": {f"{one}.secretAccessKey" for one in _STORAGES},
    "recordingConfig.s3TagNameMaximum": {"S3TagInput.name"},
    "recordingConfig.s3TagValueMaximum": {"S3TagInput.value"},
    "serviceProvider.nameMaximum": {"CreateServiceProviderInput.name", "UpdateServiceProviderInput.name"},
    "user.emailMaximum": {"CreateUserInput.email", "UpdateUserInput.email", "LoginInput.email"},
    "user.nameMaximum": {"CreateUserInput.name", "UpdateUserInput.name", "ChangeNameInput.name"},
    "user.passwordMinimumLengthGreatest": {"UpdatePasswordPolicyInput.minimumLength"},
    "webhook.urlMaximum": {"WebhookInput.url"},
    "webhook.usernameMaximum": {"WebhookInput.username"},
    "webhook.passwordMaximum": {"WebhookInput.password"},
    "passwordPolicy.maximumLength": {
        *("CreateUserInput.password", "ResetPasswordInput.password", "LoginInput.password"),
        *("ChangePasswordInput.currentPassword", "ChangePasswordInput.newPassword"),
    },
}
# Texts and numbers that no user chooses freely.
NEEDS_NONE = {
    "allowedNetworks": "addresses and networks in a fixed notation",
    "ifVersion": "the `version` that was read",
    "operation": "the name of a mutation",
    "excludeOperations": "the names of mutations",
}
# Fields of `limits` that are not the maximum of a text or a number.
OTHERS = {
    *("account.webhookSchemes", "account.registrationWebhookMethods", "account.queueEventWebhookMethods"),
    *("application.callingWebhookSchemes", "application.callStatusWebhookSchemes"),
    *(
        "call.prefixMinimum",
        "call.prefixDaysMaximum",
        "call.countedMaximum",
        "call.reportsMaximum",
        "call.sipStatusMinimum",
    ),
    *(
        "apiKey.allowedNetworksMaximum",
        "apiKey.expiresAtMaximum",
        "idempotencyKey.keptHours",
        "paging.firstDefault",
        "paging.firstMaximum",
    ),
    *("quota.accountsPerProvider", "quota.applicationsPerAccount", "quota.apiKeysPerOwner", "quota.usersPerOwner"),
    *("quota.storedCredentialsPerAccount", "quota.idempotencyKeysPerCaller"),
    *("recordingConfig.bucketNameMinimum", "recordingConfig.s3TagsMaximum", "user.passwordMinimumLengthLeast"),
}


def filled_in() -> Iterator[str]:
    """Every input field that holds a text or a number."""
    for type_ in CONTRACT.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            for name, one in type_.fields.items():
                if get_named_type(one.type).name in ("String", "Int", "Float", "BigInt"):
                    yield f"{type_.name}.{name}"


def descriptions() -> dict[str, str | None]:
    """Every limit by its path, with its description."""
    limits: Any = CONTRACT.type_map["Limits"]
    groups = {group: get_named_type(one.type) for group, one in limits.fields.items()}
    return {f"{group}.{name}": one.description for group, of in groups.items() for name, one in of.fields.items()}


def test_every_input_of_a_form_has_a_limit() -> None:
    limited = set().union(*LIMITED.values())
    unsaid = {name for name in filled_in() if name.partition(".")[2] not in NEEDS_NONE} - limited
    assert not unsaid, (
        f"{sorted(unsaid)}: no limit is published for them.\n"
        "  Why it matters: a form can show a limit before it is exceeded only if the API publishes it.\n"
        "  To fix this: 1. put the constant that the code checks with into a `…Limits` type of the group; 2. name the input "
        "next to it in LIMITED; 3. if no user chooses its value freely, add it to NEEDS_NONE."
    )
    assert limited <= set(filled_in())


def test_every_limit_belongs_to_an_input_and_names_it() -> None:
    policy: Any = CONTRACT.type_map["PasswordPolicy"]
    known = descriptions().keys() | {f"passwordPolicy.{name}" for name in policy.fields}
    assert LIMITED.keys() | OTHERS <= known
    assert descriptions().keys() <= LIMITED.keys() | OTHERS
    units = (
        "characters",
        "units",
        "days",
        "number of",
        "per batch",
        "`totalcount`",
        "`sipstatus`",
        "hours",
        "rows",
        "how many",
        "`maximum`",
        "`licensedsessions`",
        "schemes",
        "methods",
    )
    for path, description in descriptions().items():
        if path.startswith("quota."):  # numbers of objects, as their type says
            continue
        assert any(unit in (description or "").lower() for unit in (*units, "`expiresat`")), path


def test_the_forms_of_the_clients_select_every_limit() -> None:
    """The limits of lists and of calls are for search fields."""
    asked, types = set(), TypeInfo(CONTRACT)

    class Asked(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = types.get_parent_type()
            if isinstance(parent, GraphQLObjectType):
                asked.add(f"{parent.name}.{node.name.value}")

    documents = concat_ast([parse(path.read_text()) for path in tracked(ROOT, DOCUMENTS)])
    visit(documents, TypeInfoVisitor(types, Asked()))
    limits: Any = CONTRACT.type_map["Limits"]
    groups = [get_named_type(one.type) for group, one in limits.fields.items() if group not in ("paging", "call")]
    assert {f"{of.name}.{name}" for of in groups for name in of.fields} <= asked


Asks = Callable[[World, int], tuple[str, dict[str, Any]]]
WEBHOOK = {"url": "https://hooks.example.com/"}


def url_of(length: int, scheme: str = "https") -> str:
    return f"{scheme}://hooks.example.com/".ljust(length, "x")


def signed(name: str, length: int) -> dict[str, Any]:
    return {**WEBHOOK, "username": "user", "password": "word", name: "x" * length}


# By limit: inputs with a text of the given length, or the given number, and its path.
ASKS: list[tuple[str, list[str], Asks]] = [
    ("account.nameMaximum", ["name"], lambda world, n: ("createAccount", {"name": "n" * n})),
    (
        "account.usageLimitMaximum",
        ["usageLimit", "maximum"],
        lambda world, n: ("updateAccount", {"id": world["own"], "usageLimit": {"unit": "MINUTES", "maximum": n}}),
    ),
    (
        "account.licensedSessionsMaximum",
        ["licensedSessions"],
        lambda world, n: ("updateAccount", {"id": world["own"], "licensedSessions": n}),
    ),
    (
        "account.webhookSecretOverlapHoursMaximum",
        ["overlapHours"],
        lambda world, n: ("rotateWebhookSecret", {"id": world["own"], "overlapHours": n}),
    ),
    ("apiKey.nameMaximum", ["name"], lambda world, n: ("createApiKey", {"name": "🎧" * n})),
    (
        "application.nameMaximum",
        ["name"],
        lambda world, n: ("updateApplication", {"id": world["own_application"], "name": "n" * n}),
    ),
    (
        "idempotencyKey.maximum",
        ["idempotencyKey"],
        lambda world, n: ("createApiKey", {"name": "once", "idempotencyKey": "k" * n}),
    ),
    (
        "recordingConfig.endpointUrlMaximum",
        ["endpointUrl"],
        lambda world, n: (
            "updateRecordingConfig",
            {"accountId": world["own"], "bucketVendor": "S3_COMPATIBLE", "endpointUrl": url_of(n)},
        ),
    ),
    ("serviceProvider.nameMaximum", ["name"], lambda world, n: ("createServiceProvider", {"name": "n" * n})),
    (
        "user.emailMaximum",
        ["email"],
        lambda world, n: ("createUser", {"role": "MANAGER", "email": f"a@{'b' * (n - 6)}.com", "name": "Ann"}),
    ),
    (
        "user.nameMaximum",
        ["name"],
        lambda world, n: ("createUser", {"role": "MANAGER", "email": "a@example.com", "name": "n" * n}),
    ),
    (
        "user.passwordMinimumLengthGreatest",
        ["minimumLength"],
        lambda world, n: ("updatePasswordPolicy", {"minimumLength": n}),
    ),
    (
        "webhook.urlMaximum",
        ["registrationWebhook", "url"],
        lambda world, n: ("updateAccount", {"id": world["own"], "registrationWebhook": {"url": url_of(n)}}),
    ),
    (
        "webhook.urlMaximum",
        ["callingWebhook", "url"],
        lambda world, n: (
            "updateApplication",
            {"id": world["own_application"], "callingWebhook": {"url": url_of(n, "wss")}},
        ),
    ),
    *(
        (
            f"webhook.{name}Maximum",
            ["queueEventWebhook", name],
            lambda world, n, name=name: ("updateAccount", {"id": world["own"], "queueEventWebhook": signed(name, n)}),
        )
        for name in ("username", "password")
    ),
    *(
        (
            f"webhook.{name}Maximum",
            ["callStatusWebhook", name],
            lambda world, n, name=name: (
                "updateApplication",
                {"id": world["own_application"], "callStatusWebhook": signed(name, n)},
            ),
        )
        for name in ("username", "password")
    ),
]
# Their values are shorter than the field for another reason, or another test covers them.
ELSEWHERE = {
    "account.sipRealmMaximum": "tests/accounts/test_form.py",
    "apiKey.overlapHoursMaximum": "tests/accounts/test_form.py",
    **{
        f"recordingConfig.{name}Maximum": "tests/accounts/test_form.py"
        for name in ("bucketName", "region", "accessKeyId", "secretAccessKey", "s3TagName", "s3TagValue")
    },
    **dict.fromkeys(("call.prefixMaximum", "call.gatewayCallIdMaximum"), "tests/calls/test_recent_calls.py"),
    **dict.fromkeys(
        ("call.textMaximum", "call.traceIdMaximum", "call.sipStatusMaximum"), "tests/calls/test_reporting.py"
    ),
    "paging.nameContainsMaximum": "below",
    "paging.emailContainsMaximum": "below",
    "passwordPolicy.maximumLength": "tests/users/test_passwords.py",
}


def test_every_limit_is_tested() -> None:
    assert {path for path, *_ in ASKS} | ELSEWHERE.keys() == LIMITED.keys()


@pytest.mark.parametrize(("limit", "field", "ask"), ASKS, ids=[f"{path} {field[0]}" for path, field, _ in ASKS])
async def test_the_limit_is_accepted_and_one_more_is_not(
    installation: Installation, admin: Person, provider: Person, world: World, limit: str, field: list[str], ask: Asks
) -> None:
    group, _, name = limit.partition(".")
    asker = provider if limit == "account.nameMaximum" else admin
    if group == "user":  # no key may create one
        asker = (await add_people(installation, "root"))["root"]
    maximum = (await asker.ask(f"{{ limits {{ {group} {{ {name} }} }} }}")).only("limits")[group][name]
    mutation, fits = ask(world, maximum)
    payload = await asker.change(mutation, "__typename", **fits)
    # An endpoint of so many characters is invalid for another reason.
    assert [one for one in refusals(payload) if one[0] in ("TOO_LONG", "OUT_OF_RANGE")] == []
    if maximum < 2**31 - 1:  # a greater number is not an Int
        mutation, exceeds = ask(world, maximum + 1)
        refused = refusals(await asker.change(mutation, "__typename", **exceeds))
        assert [code in ("TOO_LONG", "OUT_OF_RANGE", "INVALID") for code, path in refused if path == field] == [True]


async def test_the_schemes_and_methods_are_those_that_are_accepted(provider: Person, world: World) -> None:
    asked = (
        "{ limits { account { webhookSchemes registrationWebhookMethods queueEventWebhookMethods }"
        " application { callingWebhookSchemes callStatusWebhookSchemes } } }"
    )
    limits = (await provider.ask(asked)).only("limits")
    account, application = limits["account"], limits["application"]
    for mutation, target, field, schemes in (
        ("updateAccount", "own", "registrationWebhook", account["webhookSchemes"]),
        ("updateAccount", "own", "queueEventWebhook", account["webhookSchemes"]),
        ("updateApplication", "own_application", "callingWebhook", application["callingWebhookSchemes"]),
        ("updateApplication", "own_application", "callStatusWebhook", application["callStatusWebhookSchemes"]),
    ):
        for scheme in ("http", "https", "ws", "wss", "ftp"):
            given = {"id": world[target], field: {"url": url_of(40, scheme)}}
            expected = [] if scheme in schemes else [("INVALID", [field, "url"])]
            assert refusals(await provider.change(mutation, "__typename", **given)) == expected
    for field in ("registrationWebhook", "queueEventWebhook"):
        for method in ("GET", "POST"):
            given = {"id": world["own"], field: {**WEBHOOK, "method": method}}
            expected = [] if method in account[f"{field}Methods"] else [("INVALID", [field, "method"])]
            assert refusals(await provider.change("updateAccount", "__typename", **given)) == expected


async def test_the_latest_expiry_of_a_key_is_that_of_its_creator(
    installation: Installation, admin: Person, provider: Person
) -> None:
    query = "{ limits { apiKey { expiresAtMaximum } } }"
    assert (await provider.ask(query)).only("limits") == {"apiKey": {"expiresAtMaximum": None}}
    made = await provider.change("createApiKey", "token", name="Ends", expiresAt="2099-12-31T23:59:59+00:00")
    ending = installation.holder(made["token"])
    latest = (await ending.ask(query)).only("limits")["apiKey"]["expiresAtMaximum"]
    assert latest == "2099-12-31T23:59:59+00:00"
    later = (datetime.fromisoformat(latest) + timedelta(seconds=1)).isoformat()
    for given, expected in ((latest, []), (later, [("OUT_OF_RANGE", ["expiresAt"])])):
        assert refusals(await ending.change("createApiKey", "token", name="Next", expiresAt=given)) == expected


async def test_a_page_has_the_stated_number_of_rows(admin: Person) -> None:
    limits = (await admin.ask("{ limits { paging { firstMaximum firstDefault } } }")).only("limits")["paging"]
    query = "query ($first: Int!) { accounts(first: $first) { nodes { id } } }"
    assert (await admin.ask(query, first=limits["firstMaximum"])).codes == []
    assert (await admin.ask(query, first=limits["firstMaximum"] + 1)).codes == ["BAD_USER_INPUT"]
    for number in range(limits["firstDefault"]):
        await admin.change("createApiKey", "token", name=f"Key {number}")
    assert len((await admin.ask("{ apiKeys { nodes { id } } }")).only("apiKeys")["nodes"]) == limits["firstDefault"]


async def test_a_search_text_may_be_as_long_as_the_longest_name(provider: Person, world: World) -> None:
    longest = (await provider.ask("{ limits { paging { nameContainsMaximum } } }")).only("limits")["paging"]
    text = "ﷺ" * 64
    await provider.change("updateAccount", "__typename", id=world["own"], name=text)
    shown = await provider.ask(
        "query ($text: String!) { accounts(filter: { search: $text }) { nodes { name } } }",
        text="صلى الله عليه وسلم" * 64,
    )
    assert longest == {"nameContainsMaximum": len("صلى الله عليه وسلم" * 64)}
    assert shown.only("accounts")["nodes"] == [{"name": text}]
