"""Attempts that fail on the server's side do not count: logins, password changes and disclosures."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from app.users import login_throttle
from app.users.model import LoginFailure, Session, User
from tests.support.installation import Answer, Person
from tests.support.personas import PASSWORD, People, email_of

Later = Callable[[float], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Moves the clock of the throttle."""
    passed = timedelta()
    clock = SimpleNamespace(now=lambda zone=UTC: datetime.now(zone) + passed)
    monkeypatch.setattr(login_throttle, "datetime", clock)

    def pass_(seconds: float) -> None:
        nonlocal passed
        passed += timedelta(seconds=seconds)

    return pass_


def disk_is_full(*_: Any, **__: Any) -> Any:
    raise asyncpg.DiskFullError("could not extend file: No space left on device")


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Makes chosen functions fail like a database with a full disk."""
    with monkeypatch.context() as patch:
        yield patch


async def log_in(stranger: Person, password: str) -> Answer:
    document = "mutation ($input: LoginInput!) { login(input: $input) { token userErrors { code } } }"
    return await stranger.ask(document, input={"email": email_of("bob"), "password": password})


@pytest.mark.parametrize("where", ["the session", "the user"])
async def test_logins_that_failed_on_the_server_do_not_lock_out_the_right_password(
    people: People, stranger: Person, later: Later, full_disk: pytest.MonkeyPatch, where: str
) -> None:
    if where == "the session":
        full_disk.setattr(Session, "create", disk_is_full)
    else:
        full_disk.setattr(User, "filter", disk_is_full)
    for _ in range(login_throttle.MAXIMUM_BY_EMAIL_AND_NETWORK):
        assert (await log_in(stranger, PASSWORD)).codes == ["SERVICE_UNAVAILABLE"]
    full_disk.undo()
    later(15)
    assert (await log_in(stranger, PASSWORD)).only("login")["token"]


async def test_password_changes_that_failed_on_the_server_do_not_lock_out_the_right_password(
    people: People, later: Later, full_disk: pytest.MonkeyPatch
) -> None:
    document = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { userErrors { code } } }"
    given = {"currentPassword": PASSWORD, "newPassword": "a password nobody has"}
    full_disk.setattr(login_throttle, "withdraw", disk_is_full)
    for _ in range(login_throttle.MAXIMUM_BY_SESSION):
        assert (await people["bob"].ask(document, input=given)).codes == ["SERVICE_UNAVAILABLE"]
    full_disk.undo()
    later(15)
    assert (await people["bob"].ask(document, input=given)).only("changePassword")["userErrors"] == []


async def test_wrong_passwords_count_for_15_minutes(people: People, stranger: Person, later: Later) -> None:
    for _ in range(login_throttle.MAXIMUM_BY_EMAIL_AND_NETWORK):
        assert (await log_in(stranger, "wrong")).only("login")["userErrors"] == [{"code": "WRONG_CREDENTIALS"}]
    later(880)
    assert (await log_in(stranger, PASSWORD)).codes == ["RATE_LIMITED"]
    later(30)
    assert (await log_in(stranger, PASSWORD)).only("login")["token"]


async def test_wrong_passwords_count_even_if_another_worker_deletes_the_pending_attempt(
    people: People, stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = login_throttle.fail

    async def delete_and_fail(tried: Any) -> None:
        clock_ahead = datetime.now(UTC) + timedelta(seconds=20)
        await LoginFailure.filter(tried_at__lt=clock_ahead - login_throttle.WINDOW).delete()
        await fail(tried)

    monkeypatch.setattr(login_throttle, "fail", delete_and_fail)
    for _ in range(login_throttle.MAXIMUM_BY_EMAIL_AND_NETWORK):
        assert (await log_in(stranger, "wrong")).only("login")["userErrors"] == [{"code": "WRONG_CREDENTIALS"}]
    assert (await log_in(stranger, "wrong")).codes == ["RATE_LIMITED"]


async def test_a_disclosure_that_failed_does_not_count(
    people: People, later: Later, full_disk: pytest.MonkeyPatch
) -> None:
    document = "mutation ($input: CreateUserInput!) { createUser(input: $input) { userErrors { code } } }"
    given = {"role": "MANAGER", "email": email_of("sue"), "name": "Sue"}
    full_disk.setattr(login_throttle, "_wait_ends", _fails_once_counted(login_throttle._wait_ends))
    for _ in range(login_throttle.MAXIMUM_DISCLOSURES):
        assert (await people["ann"].ask(document, input=given)).codes == ["SERVICE_UNAVAILABLE"]
    full_disk.undo()
    later(15)
    assert (await people["ann"].ask(document, input=given)).only("createUser")["userErrors"] == [
        {"code": "EMAIL_TAKEN"}
    ]


def _fails_once_counted(ends_of_wait: Any) -> Any:
    async def fails(limits: Any, now: Any, own: Any = None) -> Any:
        return await (disk_is_full() if own is not None else ends_of_wait(limits, now))

    return fails
