"""Replies that an e-mail address is taken are needed, but they are audited and limited."""

import asyncio
from typing import Any

import pytest

from app.users import login_throttle
from app.users.model import LoginFailure
from tests.audit.test_audit import events
from tests.support.installation import Person, refusals
from tests.support.personas import PASSWORD, People, email_of

TAKEN = ("EMAIL_TAKEN", ["email"])


async def ask_for(person: Person, email: str, **more: Any) -> dict[str, Any]:
    return await person.change(
        "createUser", "user { id }", **{"role": "MANAGER", "name": "Eve", "email": email, **more}
    )


@pytest.mark.parametrize("more", [{}, {"idempotencyKey": "one"}, {"name": "", "password": "short"}])
async def test_a_disclosed_address_is_audited(people: People, admin: Person, more: dict[str, str]) -> None:
    assert TAKEN in refusals(await ask_for(people["ann"], email_of("fay").upper(), **more))
    for person in (admin, people["bob"]):
        (event,) = await events(person)
        assert (event["operation"], event["actor"]["userId"]) == ("createUser", people.ids["ann"])
        values = {change["field"]: change["after"] for change in event["changes"]}
        assert values == {"email": f'"{email_of("fay").upper()}"', "refused": "true"}
    assert await events(people["fay"]) == []


async def test_a_disclosed_address_in_an_update_is_audited(people: People, account_user: Person) -> None:
    for caller in (people["ann"], account_user):
        payload = await caller.change("updateUser", "user { id }", id=people.ids["ann"], email=email_of("fay"))
        assert refusals(payload) == [TAKEN]
    assert [event["operation"] for event in await events(people["bob"])] == ["updateUser"] * 2


def _renamed(people: People, email: str) -> str:
    text = f'id: "{people.ids["ann"]}", name: "", email: "{email}"'
    return f"mutation {{ updateUser(input: {{{text}}}) {{ userErrors {{ code }} }} }}"


@pytest.mark.parametrize("free", ["eve@example.com", "no address"])
async def test_a_caller_who_enumerates_addresses_is_limited_and_others_are_not(
    people: People, monkeypatch: pytest.MonkeyPatch, free: str
) -> None:
    """Then free addresses get the same error, whatever else is wrong."""
    monkeypatch.setattr(login_throttle, "MAXIMUM_DISCLOSURES", 3)
    for name in ("fay", "root", "sue"):
        assert refusals(await ask_for(people["ann"], email_of(name))) == [TAKEN]
    for email in (email_of("fay"), free):
        assert (await people["ann"].ask(_renamed(people, email))).codes == ["RATE_LIMITED"]
    renamed = await people["ann"].change("updateUser", "user { name }", id=people.ids["ann"], name="Anna")
    assert renamed["user"] == {"name": "Anna"}
    for person in (people["bob"], people.installation.person("account_user"), people["sue"]):
        payload = await person.change("updateUser", "user { id }", id=people.ids["bob"], email=email_of("fay"))
        assert refusals(payload) in ([TAKEN], [("NOT_FOUND", ["id"])])
    assert refusals(await ask_for(people["bob"], "eve@example.com")) == []


async def test_all_callers_of_one_owner_are_limited_together(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (login_throttle.MAXIMUM_DISCLOSURES, login_throttle.MAXIMUM_DISCLOSURES_BY_OWNER) == (20, 200)
    monkeypatch.setattr(login_throttle, "MAXIMUM_DISCLOSURES_BY_OWNER", 3)
    for caller in ("ann", "bob", "ann"):
        assert refusals(await ask_for(people[caller], email_of("fay"))) == [TAKEN]
    for person in (people["ann"], people["bob"], people.installation.person("account_user")):
        assert (await person.ask(_renamed(people, email_of("fay")))).codes == ["RATE_LIMITED"]
    assert refusals(await ask_for(people["sue"], email_of("fay"))) == [TAKEN]


async def test_concurrent_requests_disclose_no_more_than_the_limit(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAXIMUM_DISCLOSURES", 2)
    answers = await asyncio.gather(*(people["ann"].ask(_renamed(people, email_of("fay"))) for _ in range(8)))
    disclosures = [answer for answer in answers if not answer.codes]
    assert len(disclosures) <= 2
    assert all(answer.codes == ["RATE_LIMITED"] for answer in answers if answer not in disclosures)


async def test_many_users_with_free_addresses_can_be_created_concurrently(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAXIMUM_DISCLOSURES", 1)
    made = await asyncio.gather(*(ask_for(people["ann"], f"new{number}@example.com") for number in range(6)))
    assert [refusals(payload) for payload in made] == [[]] * 6


async def test_an_unchanged_address_neither_counts_nor_is_rejected(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forms send it along with other changes."""
    monkeypatch.setattr(login_throttle, "MAXIMUM_DISCLOSURES", 1)
    assert refusals(await ask_for(people["ann"], email_of("fay"))) == [TAKEN]
    for email in (email_of("bob"), email_of("bob").upper()):
        given = {"id": people.ids["bob"], "email": email, "name": "Robert"}
        payload = await people["ann"].change("updateUser", "user { name email }", **given)
        assert payload["user"] == {"name": "Robert", "email": email}
    answer = await people["ann"].ask(_renamed(people, email_of("bob")))
    assert answer.codes == ["RATE_LIMITED"]


async def test_admins_who_see_all_users_are_not_limited(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_throttle, "MAXIMUM_DISCLOSURES", 1)
    for _ in range(3):
        assert refusals(await ask_for(people["root"], email_of("fay"))) == [TAKEN]


async def test_created_users_do_not_count(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_throttle, "MAXIMUM_DISCLOSURES", 1)
    for number in range(3):
        assert refusals(await ask_for(people["boss"], f"new{number}@example.com")) == []
        assert refusals(await ask_for(people["boss"], "no address")) == [("INVALID", ["email"])]
    async with people.installation.database():
        assert await LoginFailure.all().count() == 0


async def test_a_repeat_with_its_idempotency_key_succeeds_after_the_limit_was_reached(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAXIMUM_DISCLOSURES", 1)
    given = {"email": "eve@example.com", "password": PASSWORD, "idempotencyKey": "one"}
    made = await ask_for(people["ann"], **given)
    assert refusals(await ask_for(people["ann"], email_of("fay"))) == [TAKEN]
    again = await ask_for(people["ann"], **given)
    assert (again["user"], refusals(again)) == (made["user"], [])
