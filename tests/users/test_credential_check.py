"""A worker's cache accepts a revoked credential for up to four seconds, in which it must not change users."""

import asyncio
from typing import Any

import asyncpg
import pytest

from app.foundation.identifiers import Kind, parse_sid
from app.users.model import User
from tests.support.installation import Person, World
from tests.support.personas import PASSWORD, People
from tests.support.waiting import until

# Changes with a lasting effect, on Bob, who belongs to the same account.
CHANGES = {
    "createUser": '{role: MANAGER, name: "Eve", email: "eve@example.com"}',
    "updateUser": '{id: "%(bob)s", email: "eve@example.com"}',
    "deactivateUser": '{id: "%(bob)s"}',
    "reactivateUser": '{id: "%(bob)s"}',
    "deleteUser": '{id: "%(bob)s"}',
    "resetPassword": '{id: "%(bob)s"}',
    "revokeSession": '{id: "%(bobs_session)s"}',
    "changePassword": f'{{currentPassword: "{PASSWORD}", newPassword: "the passphrase of a thief"}}',
    "logoutEverywhere": "{keepCurrent: false}",
    "createApiKey": '{name: "lasting"}',
    "adoptApiKey": '{id: "%(key)s"}',
}


async def close(people: People, world: World, how: str) -> None:
    ends: dict[str, tuple[str, dict[str, Any]]] = {
        "revoked": ("revokeSession", {"id": people.sessions["ann"]}),
        "deactivated": ("deactivateUser", {"id": people.ids["ann"]}),
        "account suspended": ("setAccountActive", {"id": world["own"], "active": False}),
        "provider deactivated": ("setServiceProviderActive", {"id": world["provider"], "active": False}),
    }
    mutation, given = ends[how]
    assert (await people["root"].change(mutation, "__typename", **given))["userErrors"] == []


async def stored(people: People) -> list[Any]:
    """The rows that these changes would affect."""
    async with people.installation.database() as db:
        return [
            await db.execute_query_dict("SELECT id, version, active, email, password_hash FROM users ORDER BY id"),
            await db.execute_query_dict("SELECT id FROM sessions ORDER BY id"),
            await db.execute_query_dict("SELECT id, created_by_user_id FROM api_keys ORDER BY id"),
        ]


@pytest.mark.parametrize("how", ["revoked", "deactivated", "account suspended", "provider deactivated"])
@pytest.mark.usefixtures("unheard")
async def test_a_deactivated_or_logged_out_person_changes_no_user_while_cached(
    people: People, world: World, how: str
) -> None:
    ann = people["ann"]
    assert (await ann.ask("{ viewer { scope } }")).status == 200
    await close(people, world, how)
    before = await stored(people)
    given = {"bob": people.ids["bob"], "bobs_session": people.sessions["bob"], "key": world["account_user_key"]}
    for mutation, text in CHANGES.items():
        answer = await ann.ask(f"mutation {{ {mutation}(input: {text % given}) {{ __typename }} }}")
        assert (answer.codes, answer.data) == (["UNAUTHENTICATED"], {mutation: None}), mutation
        assert await stored(people) == before, mutation


@pytest.mark.usefixtures("unheard")
async def test_a_key_of_a_suspended_account_changes_no_user_while_cached(
    people: People, account_user: Person, world: World
) -> None:
    assert (await account_user.ask("{ viewer { scope } }")).status == 200
    await close(people, world, "account suspended")
    before = await stored(people)
    for mutation in ("updateUser", "deactivateUser", "deleteUser", "revokeSession"):
        text = CHANGES[mutation] % {"bob": people.ids["bob"], "bobs_session": people.sessions["bob"]}
        answer = await account_user.ask(f"mutation {{ {mutation}(input: {text}) {{ __typename }} }}")
        assert (answer.codes, answer.data) == (["UNAUTHENTICATED"], {mutation: None}), mutation
    assert await stored(people) == before


async def test_a_person_who_waited_for_their_own_deactivation_cannot_reactivate_themselves(people: People) -> None:
    """The credential is checked with the lock held; before it, the deactivation had not been committed."""
    ann, ann_id = people["ann"], people.ids["ann"]
    assert (await ann.ask("{ viewer { scope } }")).status == 200
    connection = await asyncpg.connect(people.installation.settings.database_url)
    try:
        async with connection.transaction():
            await connection.execute("UPDATE users SET active = false WHERE id = $1", parse_sid(Kind.USER, ann_id))
            text = f'mutation {{ reactivateUser(input: {{id: "{ann_id}"}}) {{ __typename }} }}'
            asked = asyncio.create_task(ann.ask(text))
            await until(lambda: connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    finally:
        await connection.close()
    assert (await asked).codes == ["UNAUTHENTICATED"]
    async with people.installation.database():
        assert not (await User.get(id=parse_sid(Kind.USER, ann_id))).active


async def test_deleting_an_account_deletes_the_session_of_a_concurrent_login(
    people: People, admin: Person, world: World
) -> None:
    """The deletion waits for the login, which has locked the user, before it deletes the user's sessions."""
    ann_id = parse_sid(Kind.USER, people.ids["ann"])
    new = "jsonb_populate_record(session, jsonb_build_object('id', gen_random_uuid(), 'public_id', 'of the login'))"
    connection = await asyncpg.connect(people.installation.settings.database_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", ann_id)
            deleting = asyncio.create_task(admin.change("deleteAccount", "deletedId", id=world["own"], force=True))
            await until(lambda: connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
            await connection.execute(
                f"INSERT INTO sessions SELECT ({new}).* FROM sessions session WHERE user_id = $1", ann_id
            )
    finally:
        await connection.close()
    assert (await deleting)["deletedId"] == world["own"]
