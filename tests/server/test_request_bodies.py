"""Request bodies on real sockets: short without credentials, and one budget for all incomplete ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import orjson
import pytest

from app.server import request_bodies
from app.server.request_bodies import UNAUTHENTICATED_BYTES, RequestBodies
from tests.support.installation import Installation, Person
from tests.support.websocket_clients import served

QUERY = b'{"query": "{ __typename }"}'
LONG = 40_000


@pytest.fixture
async def port(installation: Installation) -> AsyncIterator[int]:
    async with served(installation) as port:
        yield port


@dataclass
class Answer:
    status: int
    head: str
    message: str


class Upload:
    """A request that is sent in part."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rest: bytes) -> None:
        self.reader = reader
        self.writer = writer
        self.rest = rest

    async def answer(self) -> Answer:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)).decode().lower()
        body = orjson.loads(await self.reader.readexactly(int(head.partition("content-length:")[2].split()[0])))
        return Answer(int(head.split()[1]), head, "".join(error["message"] for error in body.get("errors", [])))

    async def finish(self) -> Answer:
        self.writer.write(self.rest)
        return await self.answer()


@asynccontextmanager
async def upload(
    port: int, length: int, sent: int, token: str | None = None, *, chunked: bool = False
) -> AsyncIterator[Upload]:
    """A query padded to the given length, of which so many bytes are sent."""
    body = QUERY.ljust(length)
    start, rest = body[:sent], body[sent:]
    framing = f"Content-Length: {length}"
    if chunked:
        framing = "Transfer-Encoding: chunked"
        start = b"%x\r\n%b\r\n" % (len(start), start)
        rest = b"%x\r\n%b\r\n0\r\n\r\n" % (len(rest), rest) if rest else b"0\r\n\r\n"
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{authorization}{framing}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + start)
    try:
        yield Upload(reader, writer, rest)
    finally:
        writer.close()


def bodies_of(installation: Installation) -> RequestBodies:
    found: RequestBodies = installation.app.state.server.state.graphql._bodies
    return found


async def until(installation: Installation, count: int) -> None:
    """Waits until this many bodies count against the budget."""
    async with asyncio.timeout(10):
        while len(bodies_of(installation)._counted) != count:
            await asyncio.sleep(0)


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_unauthenticated_body_is_short(port: int, *, chunked: bool) -> None:
    async with upload(port, UNAUTHENTICATED_BYTES, UNAUTHENTICATED_BYTES, chunked=chunked) as allowed:
        assert (await allowed.finish()).status == 200
    async with upload(port, UNAUTHENTICATED_BYTES + 1, UNAUTHENTICATED_BYTES + 1, chunked=chunked) as refused:
        answer = await refused.answer()
        assert answer.status == 413
        assert answer.message == "The body may have 16384 bytes at most without an API key or a session."


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_long_unauthenticated_body_is_refused_before_it_has_arrived(port: int, *, chunked: bool) -> None:
    async with upload(port, 1_000_000, UNAUTHENTICATED_BYTES + 1, chunked=chunked) as refused:
        assert (await refused.answer()).status == 413


async def test_an_invalid_key_is_refused_before_a_long_body_has_arrived(port: int) -> None:
    """A short body may be a login, which needs no key."""
    async with upload(port, 16_385, 1, "vgk_unknown") as refused:
        assert (await refused.answer()).status == 401


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_authenticated_body_may_be_long(port: int, read_only: Person, *, chunked: bool) -> None:
    async with upload(port, 1_048_576, 500_000, read_only.token, chunked=chunked) as allowed:
        assert (await allowed.finish()).status == 200
    async with upload(port, 1_048_577, 1_048_577, read_only.token, chunked=chunked) as refused:
        answer = await refused.answer()
        assert (answer.status, answer.message) == (413, "The body may have 1048576 bytes at most.")


@pytest.mark.settings(max_body_bytes=LONG)
async def test_an_owner_with_many_incomplete_bodies_loses_its_oldest_and_no_other_owners(
    installation: Installation,
    port: int,
    read_only: Person,
    account_user: Person,
    sibling_user: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies_of(installation), "_budget", 5 * LONG)
    async with AsyncExitStack() as held:

        async def begun(person: Person, count: int) -> Upload:
            made = await held.enter_async_context(upload(port, LONG, LONG - 1, person.token))
            await until(installation, count)
            return made

        # The oldest body is another owner's.
        other = await begun(sibling_user, 1)
        # Two keys of one account.
        own = [await begun(person, number) for number, person in enumerate([read_only, account_user] * 2, 2)]
        for number in range(2):
            own.append(await begun(read_only, 5))
            ended = await own[number].answer()
            assert ended.status == 503
            assert "retry-after: 5\r\n" in ended.head
            assert ended.message == "Too many long bodies arrive slowly. Try again, and send the body faster."
        for kept in [other, *own[2:]]:
            assert (await kept.finish()).status == 200
    assert bodies_of(installation)._bytes == 0


@pytest.mark.settings(max_body_bytes=LONG)
async def test_bodies_of_the_largest_provider_are_refused_first(
    installation: Installation,
    port: int,
    account_user: Person,
    sibling_user: Person,
    foreign_user: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies_of(installation), "_budget", 5 * LONG)
    async with AsyncExitStack() as held:
        # The other provider's account holds more than any other one, and its bodies are the oldest.
        people = [*[foreign_user] * 2, account_user, sibling_user, sibling_user]
        begun = []
        for count, person in enumerate(people, 1):
            begun.append(await held.enter_async_context(upload(port, LONG, LONG - 1, person.token)))
            await until(installation, count)
        begun.append(await held.enter_async_context(upload(port, LONG, LONG - 1, account_user.token)))
        assert (await begun[2].answer()).status == 503
        for kept in [*begun[:2], *begun[3:]]:
            assert (await kept.finish()).status == 200


@pytest.mark.settings(max_body_bytes=LONG)
async def test_short_bodies_do_not_count_for_the_budget(
    installation: Installation, port: int, read_only: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies_of(installation), "_budget", 1)
    async with AsyncExitStack() as held:
        short = [
            await held.enter_async_context(upload(port, UNAUTHENTICATED_BYTES, 100, token))
            for token in (None, read_only.token) * 5
        ]
        for each in short:
            assert (await each.finish()).status == 200


@pytest.mark.settings(max_body_bytes=LONG)
async def test_finished_bodies_do_not_count_for_the_budget(
    installation: Installation, port: int, read_only: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with upload(port, LONG, LONG - 1, read_only.token) as whole, upload(port, LONG, LONG - 1, read_only.token):
        await until(installation, 2)
        assert bodies_of(installation)._bytes == 2 * (LONG - 1)
        assert (await whole.finish()).status == 200
        await until(installation, 1)
    # The client of the other body has disconnected.
    await until(installation, 0)
    monkeypatch.setattr(request_bodies, "BODY_SECONDS", 0.05)
    async with upload(port, LONG, LONG - 1, read_only.token) as late:
        assert (await late.answer()).status == 408
    assert bodies_of(installation)._bytes == 0
