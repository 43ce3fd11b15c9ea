"""The index of the session lookup, the log line of a person, and the first admin from the command line."""

import pytest

from app.commands import migrate
from app.foundation.logging import RequestLog
from app.foundation.settings import Settings
from app.users.email_addresses import email_key
from tests.support.catalogue import empty, make_settings
from tests.support.commands import ended, environment_of
from tests.support.installation import Installation, Person
from tests.support.personas import PASSWORD, People, add_people, email_of, log_in
from tests.support.statements import plan, recorded

__all__ = ["empty", "make_settings"]

WHO = "{ viewer { scope } }"


async def test_the_session_lookup_uses_an_index(people: People) -> None:
    with recorded() as statements:
        assert (await people["ann"].ask(WHO)).status == 200
    async with people.installation.database() as connection:
        await connection.execute_query("SET enable_seqscan = off")
        walked = await plan(connection, statements[0])
    assert "sessions_public_id_unique" in walked
    assert not [line for line in walked.splitlines() if line.strip(" ->").lower().startswith("scan")]


async def test_a_log_line_names_the_user(people: People) -> None:

    lines: list[bytes] = []

    class Kept:
        def info(self, line: bytes) -> None:
            lines.append(line)

    before, RequestLog.lines = RequestLog.lines, Kept()  # type: ignore[assignment]
    try:
        await people["ann"].ask(WHO)
        await log_in(people.installation.person(None), email_of("ann"), PASSWORD)
    finally:
        RequestLog.lines = before
    text = b"".join(lines).decode()
    assert f'"user":"{people.ids["ann"]}"' in text
    assert '"key"' not in text
    for secret in (people.tokens["ann"], PASSWORD, email_of("ann"), "vgs_"):
        assert secret not in text


@pytest.mark.parametrize("same", ["ANN@EXAMPLE.COM", "ann@example.com", " Ａnn@example.com "])
def test_addresses_that_differ_only_in_case_are_equal(same: str) -> None:
    assert email_key(same) == "ann@example.com"


async def test_the_command_line_creates_the_first_admin_who_must_change_the_password(empty: Settings) -> None:
    create_admin = (environment_of(empty), "create-admin", "--name", "Ann", "--email")
    await migrate.migrate(empty)
    status, printed, said = await ended(*create_admin, "ann@example.com")
    assert status == 0, said
    assert len(printed.strip()) >= 20
    assert "Log in with it" in said
    for email, problem in (
        ("Ann@Example.com", "Another user already has this e-mail address (upper and lower case count as the same)."),
        ("ann", "This is not an e-mail address such as ann@example.com."),
    ):
        status, printed, said = await ended(*create_admin, email)
        assert (status, printed) == (1, "")
        assert problem in said


async def test_a_deactivated_user_cannot_reactivate_themselves_while_cached(
    installation: Installation, admin: Person
) -> None:
    people = await add_people(installation, "ann")
    assert (await people["ann"].ask("{ viewer { scope } }")).only("viewer")
    await admin.change("deactivateUser", "user { id }", id=people.ids["ann"])
    answer = await people["ann"].ask(
        "mutation ($i: ReactivateUserInput!) { reactivateUser(input: $i) { user { active } } }",
        i={"id": people.ids["ann"]},
    )
    assert answer.codes == ["UNAUTHENTICATED"]
    assert not (await people.login("ann"))["token"]
