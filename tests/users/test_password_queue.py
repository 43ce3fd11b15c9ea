"""The password queues: no caller, account, provider or network takes all slots."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.foundation.concurrency_limits import FairSlots
from app.users import password
from tests.support.installation import Person
from tests.support.personas import PASSWORD, People, email_of
from tests.users.test_login import stranger_at

LOGIN = f'mutation {{ login(input: {{ email: "{email_of("sue")}", password: "{PASSWORD}" }}) {{ token }} }}'
RESET = "mutation ($id: ID!) { resetPassword(input: { id: $id }) { userErrors { code } } }"

Codes = list[str]
Ask = Coroutine[Any, Any, Codes]


class Held:
    """Holds passwords until the block ends. Of five slots a caller gets two, an account three, a provider four."""

    def __init__(self) -> None:
        self.waiting = 0
        self._tasks: list[asyncio.Task[Codes]] = []

    async def add(self, ask: Callable[[], Ask]) -> Codes | None:
        """The codes of the immediate answer; None while the password waits."""
        before, task = self.waiting, asyncio.create_task(ask())
        while self.waiting == before and not task.done():
            await asyncio.sleep(0)
        self._tasks.append(task)
        return await task if task.done() else None

    async def answers(self) -> list[Codes]:
        return list(await asyncio.gather(*self._tasks))


@pytest.fixture
async def held(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[], Any]]:
    gate, before = threading.Event(), password._in_thread

    @asynccontextmanager
    async def holding() -> AsyncIterator[Held]:
        found = Held()

        async def in_thread(claim: Any, function: Any, *given: Any) -> Any:
            def held(*given: Any) -> Any:
                gate.wait()
                return function(*given)

            running = asyncio.ensure_future(before(claim, held, *given))
            await asyncio.sleep(0)  # it has its slot, or was rejected
            found.waiting += not running.done()
            return await running

        monkeypatch.setattr(password, "_in_thread", in_thread)
        for queue in ("LOGINS", "CHANGES"):
            monkeypatch.setattr(password, queue, FairSlots(5))
        try:
            yield found
        finally:
            gate.set()
            await found.answers()

    yield holding
    gate.set()


def login(person: Person) -> Callable[[], Ask]:
    async def ask() -> Codes:
        return (await person.ask(LOGIN)).codes

    return ask


def reset(people: People, by: str) -> Callable[[], Ask]:
    """A change that each of them may make: resetting another user's password."""
    whom = {"boss": "ann", "ann": "bob", "bob": "ann", "rival": "fay", "fay": "rival", "root": "fay"}

    async def ask() -> Codes:
        answer = await people[by].ask(RESET, id=people.ids[whom.get(by, "sue")])
        return answer.codes

    return ask


async def test_logins_take_no_slots_of_password_changes(people: People, held: Any) -> None:
    async with held() as waiting:
        for number in range(5):
            async with stranger_at(people, f"203.0.113.{number}") as stranger:
                assert await waiting.add(login(stranger)) is None
        async with stranger_at(people, "198.51.100.1") as stranger:
            assert await waiting.add(login(stranger)) == ["RATE_LIMITED"]
        assert await waiting.add(reset(people, "ann")) is None


async def test_password_changes_take_no_slots_of_logins(people: People, held: Any) -> None:
    async with held() as waiting:
        for by in ("ann", "ann", "bob", "rival", "rival"):
            assert await waiting.add(reset(people, by)) is None, by
        assert await waiting.add(login(people.installation.person(None))) is None


@pytest.mark.parametrize(
    ("taken", "refused", "has_room"),
    [
        (("ann", "ann"), ("ann",), ("bob", "rival")),
        (("ann", "ann", "bob"), ("bob", "ann"), ("boss", "rival")),
        (("ann", "bob", "boss", "boss"), ("bob", "ann"), ("rival",)),
    ],
    ids=["a caller", "an account", "a provider with its accounts"],
)
async def test_part_of_the_slots_for_changes_is_reserved_for_others_than(
    people: People, held: Any, taken: tuple[str, ...], refused: tuple[str, ...], has_room: tuple[str, ...]
) -> None:
    async with held() as waiting:
        for by in taken:
            assert await waiting.add(reset(people, by)) is None
        for by in refused:
            assert await waiting.add(reset(people, by)) == ["RATE_LIMITED"], by
        for by in has_room:
            assert await waiting.add(reset(people, by)) is None, by


async def test_part_of_the_slots_for_logins_is_reserved_for_other_networks_and_sites(people: People, held: Any) -> None:
    """One IPv6 network gets two slots, one site of 256 networks three."""

    async def add(address: str) -> Codes | None:
        async with stranger_at(people, address) as stranger:
            found: Codes | None = await waiting.add(login(stranger))
            return found

    async with held() as waiting:
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"):
            assert await add(address) is None
        assert await add("2001:db8:0:ff::1") == ["RATE_LIMITED"]
        assert await add("2001:db8:0:100::1") is None
