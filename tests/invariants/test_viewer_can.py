"""`viewerCan…` fields are true exactly where the caller may send the mutation or input field."""

from itertools import product
from typing import Any

from app.execution.executor.permissions import permissions_of
from app.foundation.access import Scope, Viewer
from app.foundation.graphql import declarations
from app.foundation.identifiers import new_id
from app.foundation.permissions import ALL, AccessLevel, Permission, Role
from app.server.schema import schema

# The mutations, fields or input fields behind each `viewerCan…` field.
BUTTONS = {
    "Account.viewerCanUpdate": {
        *("updateAccount", "rotateWebhookSecret", "updateRecordingConfig", "removeRecordingConfig"),
    },
    "Account.viewerCanTest": {"sendTestWebhook", "verifyRecordingStorage", "verifyStoredRecordingStorage"},
    "Account.viewerCanUpdateLicense": {"UpdateAccountInput.usageLimit", "UpdateAccountInput.licensedSessions"},
    "Account.viewerCanSetActive": {"setAccountActive"},
    "Account.viewerCanDelete": {"deleteAccount"},
    "Account.viewerCanMove": {"moveAccount"},
    "Account.viewerCanCreateApplication": {"createApplication"},
    "ApiKey.viewerCanUpdate": {"updateApiKey", "rotateApiKey", "revokeApiKey"},
    "ApiKey.viewerCanAdopt": {"adoptApiKey"},
    "Application.viewerCanUpdate": {"updateApplication"},
    "Application.viewerCanDelete": {"deleteApplication"},
    "Call.viewerCanDeleteRecording": {"deleteRecording"},
    "Call.viewerCanListen": {"CallRecording.url", "CallRecording.playerUrl", "CallRecording.storageUrl"},
    "Call.viewerCanRetryRecording": {"retryRecording"},
    "StoredCredential.viewerCanRemove": {"removeStoredCredential"},
    "ServiceProvider.viewerCanUpdate": {"updateServiceProvider"},
    "ServiceProvider.viewerCanSetActive": {"setServiceProviderActive"},
    "ServiceProvider.viewerCanDelete": {"deleteServiceProvider"},
    "ServiceProvider.viewerCanCreateAccount": {"createAccount"},
    "TtsCache.viewerCanClear": {"clearTtsCache"},
    "User.viewerCanUpdate": {"updateUser", "deactivateUser", "reactivateUser", "deleteUser"},
    "User.viewerCanResetPassword": {"resetPassword"},
    "Viewer.canCreateAccount": {"createAccount"},
    "Viewer.canCreateApiKey": {"createApiKey"},
    "Viewer.canCreateServiceProvider": {"createServiceProvider"},
    "Viewer.canCreateUser": {"createUser"},
    "Viewer.canUpdatePasswordPolicy": {"updatePasswordPolicy"},
}
# Shown by the row's owner too: `tests/accounts/test_owners.py` has its test.
OF_OWNERS = {"transferAccountOwnership": "Account.viewerCanTransferOwnership"}
# Allowed to every person with a session, for themselves.
OF_ONESELF = {"login", "logout", "logoutEverywhere", "changePassword", "changeName", "revokeSession"}
# Allowed to no person.
OF_GATEWAYS = {"reportCalls"}

# A row that every caller with the permission of the mutation may change; `users/test_roles.py` tests the others.
WITHOUT_PERMISSIONS = {
    "scope": Scope.ACCOUNT,
    "role": Role.CUSTOM,
    "access_level": AccessLevel.CUSTOM,
    "permissions": [],
}
EVERYTHING = frozenset(Permission)
PERMISSIONS = [ALL, *({one} for one in Permission), *(EVERYTHING - {one} for one in Permission)]
CALLERS = [
    Viewer(scope, frozenset(permissions), new_id())
    if kind == "key"
    else Viewer(scope, frozenset(permissions), user_id=new_id())
    for scope, permissions, kind in product(Scope, PERMISSIONS, ("key", "user"))
]
"""A key and a person of each scope: with all permissions, with one alone, and with all but one."""


def shown(path: str) -> list[bool]:
    """The value of a `viewerCan…` field for each viewer."""
    type_name, _, name = path.partition(".")
    named: Any = schema.get_type_by_name(type_name)
    (declared,) = (one for one in named.fields if schema.config.name_converter.get_graphql_name(one) == name)
    value = declared.metadata[declarations.DECLARED]
    return [value.make(caller, *(WITHOUT_PERMISSIONS[column] for column in value.columns)) for caller in CALLERS]


def works(what: str) -> list[bool]:
    """Whether each viewer may send a mutation or an input field."""
    type_name, _, name = what.rpartition(".")
    fields: Any = schema._schema.type_map[type_name or "Mutation"]
    return [caller.may(permissions_of(fields.fields[name])) for caller in CALLERS]


def test_every_mutation_has_a_viewer_can_field() -> None:
    mutations: Any = schema._schema.mutation_type
    behind = {what for whats in BUTTONS.values() for what in whats if "." not in what}
    assert behind | OF_ONESELF | OF_GATEWAYS | OF_OWNERS.keys() == set(mutations.fields)
    declared = {
        f"{type_.name}.{name}"
        for type_ in schema._schema.type_map.values()
        for name in getattr(type_, "fields", ())
        if name.startswith("can" if type_.name == "Viewer" else "viewerCan")
    }
    assert declared == {*BUTTONS, *OF_OWNERS.values()}, (
        "Which button is this for?\n  Why it matters: a button that is shown and refused is worse than none.\n"
        "  To fix this: 1. add the mutation to its `viewerCan…` in BUTTONS."
    )


def test_viewer_can_fields_agree_with_the_permissions() -> None:
    for path, mutations in BUTTONS.items():
        for what in mutations:
            # An input field also needs its mutation.
            also = works("updateAccount") if what.startswith("UpdateAccountInput.") else [True] * len(CALLERS)
            assert shown(path) == [one and other for one, other in zip(works(what), also, strict=True)], (path, what)
