"""The messages that users read."""

from pathlib import Path
from typing import Any

import pytest

from app.foundation.identifiers import Kind, parse_sid
from app.foundation.permissions import Role
from app.users.model import User
from tests.support.installation import Installation, Person
from tests.support.messages import SELECTION, check_messages
from tests.support.personas import PASSWORD, People, make_owner

UNKNOWN, UNKNOWN_SESSION = "US" + "0" * 32, "SE" + "0" * 32
STRICT = {"minimumLength": 10, "needsDigit": True, "needsSymbol": True, "refusesCommon": True}


@pytest.mark.settings(users_per_owner=3)
async def test_messages_for_users(installation: Installation, stranger: Person, people: People) -> None:
    root, ann = people["root"], people["ann"]
    assert (await ann.change("createApiKey", "token", name="Key"))["userErrors"] == []
    limited = await _with_less_than_a_manager(installation, people)
    new = {"role": "MANAGER", "name": "New", "email": "new@example.com"}
    asked: list[tuple[Person, str, dict[str, Any]]] = [
        (stranger, "login", {"email": "Ann@people.example.com", "password": "wrong"}),
        (root, "updatePasswordPolicy", dict.fromkeys(STRICT)),
        (root, "updatePasswordPolicy", {"minimumLength": 7}),
        (root, "updatePasswordPolicy", {"ifVersion": 7}),
        (root, "updatePasswordPolicy", STRICT),
        *(
            (ann, "createUser", {**new, **given})
            for given in (
                {"name": "", "email": ""},
                {"email": "x" * 255},
                {"email": "nobody"},
                {"email": "bob@people.example.com"},
                {"password": ""},
                {"password": "x" * 300},
                {"password": "password123"},
                {"password": "new@example.com"},
                {"password": "••••••••••"},
            )
        ),
        (ann, "createUser", {**new, "idempotencyKey": "one"}),
        (ann, "createUser", {**new, "idempotencyKey": "one"}),
        (ann, "createUser", {"role": "MANAGER", "name": "Newer", "email": "newer@example.com"}),
        (ann, "changePassword", {"currentPassword": "wrong", "newPassword": "wrong"}),
        (ann, "changePassword", {"currentPassword": PASSWORD, "newPassword": PASSWORD}),
        (ann, "resetPassword", {"id": people.ids["ann"]}),
        (ann, "resetPassword", {"id": UNKNOWN}),
        (ann, "updateUser", {"id": people.ids["bob"], "ifVersion": 7}),
        (ann, "updateUser", {"id": UNKNOWN}),
        (ann, "deactivateUser", {"id": UNKNOWN}),
        (root, "deactivateUser", {"id": people.ids["ann"]}),
        (ann, "reactivateUser", {"id": UNKNOWN}),
        (ann, "deleteUser", {"id": UNKNOWN}),
        (ann, "revokeSession", {"id": UNKNOWN_SESSION}),
        (root, "deactivateUser", {"id": people.ids["root"]}),
        (root, "updateUser", {"id": people.ids["root"], "role": "EDITOR"}),
        (ann, "updateUser", {"id": people.ids["ann"], "role": None}),
        (ann, "updateUser", {"id": people.ids["ann"], "role": "CUSTOM"}),
        (ann, "updateUser", {"id": people.ids["ann"], "role": "EDITOR", "permissions": []}),
        (ann, "updateUser", {"id": people.ids["ann"], "role": "CUSTOM", "permissions": ["ACT_AS_GATEWAY"]}),
        (limited, "updateUser", {"id": people.ids["ann"], "name": "Renamed"}),
        (limited, "updateUser", {"id": people.ids["bob"], "role": "EDITOR"}),
        (limited, "updateUser", {"id": people.ids["bob"], "role": "CUSTOM", "permissions": ["VIEW_SECRETS"]}),
    ]
    await make_owner(people, "sue", "sibling")
    asked.append((root, "deleteUser", {"id": people.ids["sue"]}))
    errors: list[dict[str, Any]] = []
    for person, mutation, given in asked:
        errors += (await person.change(mutation, SELECTION, **given))["userErrors"]
    check_messages(Path(__file__).parent, errors)


async def _with_less_than_a_manager(installation: Installation, people: People) -> Person:
    """A person of the own account who manages users and sees calls."""
    permissions = ["MANAGE_USERS", "VIEW_CALLS"]
    async with installation.database():
        await User.filter(id=parse_sid(Kind.USER, people.ids["bob"])).update(role=Role.CUSTOM, permissions=permissions)
    return people["bob"]
