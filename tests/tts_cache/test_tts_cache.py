"""Cached prompts of accounts on a real Valkey: exact counts and clearings, and an error on one field without it."""

import asyncio
import logging
import signal
import time
import traceback
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from valkey.asyncio import Valkey

from app.audit.model import AuditEvent
from app.demo.local_s3 import free_ports
from app.execution.limits import deadline
from app.foundation.errors import ServiceUnavailable
from app.tts_cache import cache, counts
from tests.execution.test_executors import executor_of
from tests.support.installation import Answer, Installation, Person, World, refusals
from tests.support.servers.valkey import PromptServer
from tests.support.waiting import until

ONE = "query ($id: ID!) { account(id: $id) { name ttsCache { configured promptCount viewerCanClear } } }"
PAGE = "{ accounts { nodes { id name ttsCache { promptCount } } } }"
CLEAR = "mutation ($input: ClearTtsCacheInput!) { clearTtsCache(input: $input) { clearedCount userErrors { code } } }"
UNREACHABLE = "The prompt cache does not answer. Try again in a moment."


def count_of(answer: Answer) -> Any:
    return answer.only("account")["ttsCache"]["promptCount"]


def calls(server: PromptServer, command: str) -> int:
    """How often a command has been sent to the server."""
    found = server.run("INFO", "commandstats").get(f"cmdstat_{command}")
    return int(found["calls"]) if found else 0


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Moves the clock of the cache modules."""
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + seconds)
    for module in (cache, counts):
        monkeypatch.setattr(module, "time", clock)


async def test_every_caller_of_an_account_sees_how_many_of_its_prompts_are_cached(
    valkey: PromptServer, account_user: Person, read_only: Person, provider: Person, world: World
) -> None:
    valkey.fill(world["own"], 3)
    valkey.fill(world["sibling"], 2)
    for person, may_clear in ((account_user, True), (read_only, False), (provider, True)):
        answer = await person.ask(ONE, id=world["own"])
        assert answer.only("account")["ttsCache"] == {
            "configured": True,
            "promptCount": 3,
            "viewerCanClear": may_clear,
        }
    assert count_of(await provider.ask(ONE, id=world["sibling"])) == 2


async def test_a_count_is_cached_for_ten_seconds_and_per_account(
    valkey: PromptServer, provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert count_of(await provider.ask(ONE, id=world["own"])) == 0
    valkey.fill(world["own"], 2)
    valkey.fill(world["sibling"], 1)
    assert count_of(await provider.ask(ONE, id=world["own"])) == 0
    assert count_of(await provider.ask(ONE, id=world["sibling"])) == 1
    later(monkeypatch, 9)
    assert count_of(await provider.ask(ONE, id=world["own"])) == 0
    later(monkeypatch, 11)
    assert count_of(await provider.ask(ONE, id=world["own"])) == 2


async def test_clearing_returns_the_number_removed_and_the_new_count(
    valkey: PromptServer, account_user: Person, world: World
) -> None:
    valkey.fill(world["own"], 1_234)
    assert count_of(await account_user.ask(ONE, id=world["own"])) == 1_234
    selection = "clearedCount account { id ttsCache { promptCount } }"
    for cleared in (1_234, 0):
        payload = await account_user.change("clearTtsCache", selection, accountId=world["own"])
        assert payload == {
            "clearedCount": cleared,
            "account": {"id": world["own"], "ttsCache": {"promptCount": 0}},
            "userErrors": [],
        }


async def test_an_operation_counts_again_after_it_clears(
    valkey: PromptServer, account_user: Person, world: World
) -> None:
    valkey.fill(world["own"], 3)
    answer = await account_user.ask(
        """mutation ($id: ID!) {
          before: updateAccount(input: {id: $id}) { account { ttsCache { promptCount } } }
          clearTtsCache(input: {accountId: $id}) { account { ttsCache { promptCount } } }
        }""",
        id=world["own"],
    )
    counted = [answer.only(name)["account"]["ttsCache"]["promptCount"] for name in ("before", "clearTtsCache")]
    assert counted == [3, 0]


async def test_concurrent_clearings_together_report_every_removed_prompt_once(
    valkey: PromptServer, account_user: Person, provider: Person, world: World
) -> None:
    valkey.fill(world["own"], 3_000)
    payloads = await asyncio.gather(
        *(
            person.change("clearTtsCache", "clearedCount", accountId=world["own"])
            for person in (account_user, provider, account_user)
        )
    )
    assert sum(payload["clearedCount"] for payload in payloads) == 3_000


async def test_clearing_removes_no_key_outside_the_account(
    valkey: PromptServer, account_user: Person, world: World
) -> None:
    own = world["own"]
    others = [
        *(f"tts:{world['sibling']}:a", f"tts:{own}0:a", f"tts:{own[:-1]}:a", f"tts:{own}", f"tts:{own.lower()}:a"),
        *(f"xtts:{own}:a", f"TTS:{own}:a", f"tts::{own}:a", f"call:{own}:a"),
    ]
    valkey.write(others)
    valkey.fill(own, 5)
    assert count_of(await account_user.ask(ONE, id=own)) == 5
    payload = await account_user.change("clearTtsCache", "clearedCount", accountId=own)
    assert payload["clearedCount"] == 5
    assert valkey.keys() == {key.encode() for key in others}


async def test_prompts_under_the_bare_uuid_of_an_account_are_counted_and_cleared_as_well(
    valkey: PromptServer, provider: Person, world: World
) -> None:
    uuids = {name: str(UUID(hex=world[name][2:])) for name in ("own", "sibling")}
    for name, uuid in uuids.items():
        valkey.fill(world[name], 2)
        valkey.fill(uuid, 3)
    # These belong to no account: a UUID has all of its hyphens, a SID has none.
    own = uuids["own"]
    others = [f"tts:{own.replace('-', '')}:a", f"tts:AC{own}:a", f"tts:{own.replace('-', '', 1)}:a", f"tts:x{own}:a"]
    others += [f"tts:{own.upper()}:a", f"tts:{own}"]
    valkey.write(others)
    page = (await provider.ask(PAGE)).only("accounts")["nodes"]
    assert {node["id"]: node["ttsCache"]["promptCount"] for node in page} == {world["own"]: 5, world["sibling"]: 5}
    selection = "clearedCount account { ttsCache { promptCount } }"
    payload = await provider.change("clearTtsCache", selection, accountId=world["own"])
    assert (payload["clearedCount"], payload["account"]["ttsCache"]["promptCount"]) == (5, 0)
    assert len(valkey.keys()) == 5 + len(others)
    assert {key.encode() for key in others} <= valkey.keys()


async def test_the_cache_of_an_account_that_is_not_visible_cannot_be_cleared(
    valkey: PromptServer, account_user: Person, provider: Person, world: World
) -> None:
    for person, place in ((account_user, "sibling"), (account_user, "foreign"), (provider, "foreign")):
        valkey.fill(world[place], 1)
        payload = await person.change("clearTtsCache", "clearedCount", accountId=world[place])
        assert refusals(payload) == [("NOT_FOUND", ["accountId"])]
        assert payload["clearedCount"] is None
    assert len(valkey.keys()) == 2


async def test_a_read_only_key_cannot_clear_the_cache(valkey: PromptServer, read_only: Person, world: World) -> None:
    valkey.fill(world["own"], 1)
    answer = await read_only.ask(CLEAR, input={"accountId": world["own"]})
    assert answer.codes == ["FORBIDDEN"]
    assert len(valkey.keys()) == 1


async def test_a_page_of_accounts_scans_the_cache_once(valkey: PromptServer, admin: Person, world: World) -> None:
    for number, place in enumerate(("own", "sibling", "foreign"), 1):
        valkey.fill(world[place], number)
    valkey.write(f"tts:AC{number:032x}:a" for number in range(5_000))
    before = calls(valkey, "scan")
    answer = await admin.ask(PAGE)
    counted = {node["id"]: node["ttsCache"]["promptCount"] for node in answer.only("accounts")["nodes"]}
    assert counted == {world["own"]: 1, world["sibling"]: 2, world["foreign"]: 3}
    assert 8 <= calls(valkey, "scan") - before <= 20, "5,006 keys, 500 at once"


async def test_concurrent_operations_share_a_scan(valkey: PromptServer, admin: Person, world: World) -> None:
    valkey.fill(world["own"], 3)
    answers = await asyncio.gather(*(admin.ask(ONE, id=world["own"]) for _ in range(20)))
    assert [count_of(answer) for answer in answers] == [3] * 20
    assert calls(valkey, "scan") <= 2


async def test_a_request_during_a_scan_of_the_same_account_starts_no_second_scan(
    valkey: PromptServer, installation: Installation, admin: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey.fill(world["own"], 3)
    scans, go_on, count = [], asyncio.Event(), cache.PromptCache.count

    async def held(*arguments: Any) -> dict[str, int]:
        scans.append(arguments)
        await go_on.wait()
        return await count(*arguments)

    monkeypatch.setattr(cache.PromptCache, "count", held)
    first = asyncio.create_task(admin.ask(ONE, id=world["own"]))
    await until(lambda: scans)
    second = asyncio.create_task(admin.ask(ONE, id=world["own"]))
    await until(lambda: installation.resources.clients[counts.PromptCounts]._waiting)
    go_on.set()
    assert [count_of(await each) for each in (first, second)] == [3, 3]
    assert len(scans) == 1


async def test_the_count_of_an_account_is_part_of_a_compiled_query(
    valkey: PromptServer, admin: Person, account_user: Person, world: World, installation: Installation
) -> None:
    if not installation.settings.compiled_operations:
        pytest.skip("nothing is compiled")
    clear = CLEAR.replace("clearedCount", "clearedCount account { ttsCache { promptCount } }")
    for text, given in ((ONE, {"id": world["own"]}), (PAGE, {}), (clear, {"input": {"accountId": world["own"]}})):
        assert await executor_of(admin, account_user, text, given) == "compiled"


async def test_without_a_cache_url_the_field_says_that_no_cache_is_configured(
    account_user: Person, world: World
) -> None:
    answer = await account_user.ask(ONE, id=world["own"])
    assert answer.only("account")["ttsCache"] == {"configured": False, "promptCount": None, "viewerCanClear": True}
    refused = await account_user.ask(CLEAR, input={"accountId": world["own"]})
    assert refused.codes == ["SERVICE_UNAVAILABLE"]
    message = "No prompt cache is configured. The server's operator can set CACHE_URL."
    assert refused.errors[0]["message"] == message


def assert_only_the_count_is_missing(answer: Answer) -> None:
    assert answer.status == 200
    assert answer.data == {"account": {"name": "Own customer", "ttsCache": None}}
    assert [(error["message"], error["path"]) for error in answer.errors] == [(UNREACHABLE, ["account", "ttsCache"])]
    assert answer.codes == ["SERVICE_UNAVAILABLE"]


async def test_an_unreachable_cache_is_an_error_of_its_field_only_until_it_recovers(
    valkey: PromptServer, admin: Person, account_user: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey.stop()
    assert_only_the_count_is_missing(await account_user.ask(ONE, id=world["own"]))
    page = await admin.ask(PAGE)
    assert [node["name"] for node in page.data["accounts"]["nodes"]] == [
        f"{place} customer" for place in ("Foreign", "Own", "Sibling")
    ]
    assert page.codes == ["SERVICE_UNAVAILABLE"] * 3
    refused = await account_user.ask(CLEAR, input={"accountId": world["own"]})
    assert (refused.codes, refused.data) == (["SERVICE_UNAVAILABLE"], {"clearTtsCache": None})
    valkey.start()
    later(monkeypatch, cache.BACKOFF_SECONDS)
    assert count_of(await account_user.ask(ONE, id=world["own"])) == 0


async def test_after_one_timeout_of_a_hanging_cache_requests_fail_immediately(
    valkey: PromptServer, account_user: Person, provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "BACKOFF_SECONDS", 60)
    monkeypatch.setattr(cache.PromptCache.__init__, "__kwdefaults__", {"answer_seconds": 0.5})
    valkey.send_signal(signal.SIGSTOP)
    attempts = 0
    connect = cache.PromptCache._client

    def counted(self: cache.PromptCache) -> Valkey:
        nonlocal attempts
        attempts += 1
        return connect(self)

    monkeypatch.setattr(cache.PromptCache, "_client", counted)
    began = time.monotonic()
    for person in (account_user, provider, account_user):
        assert_only_the_count_is_missing(await person.ask(ONE, id=world["own"]))
        assert (await person.ask(CLEAR, input={"accountId": world["own"]})).codes == ["SERVICE_UNAVAILABLE"]
    assert attempts == 1, "although the reference executor runs a failed operation again"
    assert time.monotonic() - began < 10
    valkey.send_signal(signal.SIGCONT)
    later(monkeypatch, 61)
    assert count_of(await account_user.ask(ONE, id=world["own"])) == 0


async def test_a_cache_that_stops_during_a_clearing_reports_how_many_prompts_were_removed(
    valkey: PromptServer, account_user: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey.fill(world["own"], 2_000)
    unlink, removed = Valkey.unlink, list[int]()

    async def and_die(self: Any, *keys: bytes) -> int:
        removed.append(await unlink(self, *keys))
        if len(removed) == 2:
            valkey.stop()
        return removed[-1]

    monkeypatch.setattr(Valkey, "unlink", and_die)
    answer = await account_user.ask(CLEAR, input={"accountId": world["own"]})
    assert answer.data == {"clearTtsCache": None}
    assert answer.codes == ["SERVICE_UNAVAILABLE"]
    assert answer.errors[0]["extensions"]["clearedCount"] == sum(removed) > 0
    rest = f"At least {sum(removed):,} prompts were removed. Clear again to remove the rest."
    assert answer.errors[0]["message"] == f"{UNREACHABLE} {rest}"


@pytest.mark.settings(cache_url="valkey://:the-pass-word@127.0.0.1:1/0")
async def test_a_cache_that_is_down_at_startup_is_only_a_field_error(
    account_user: Person, world: World, installation: Installation
) -> None:
    assert (await installation.client.get("/readyz")).status_code == 200
    assert_only_the_count_is_missing(await account_user.ask(ONE, id=world["own"]))


async def hides_the_password(url: str, password: str, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    """A count fails without the password in the error, the log or the traceback."""
    said: list[Any] = []
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(cache, "_log", SimpleNamespace(warning=lambda *words, **more: said.append((words, more))))
    with pytest.raises(ServiceUnavailable, match="does not answer") as raised:
        await cache.PromptCache(url, answer_seconds=1).count([f"AC{0:032x}"])
    assert said
    shown = "".join(traceback.format_exception(raised.value))
    assert password not in f"{said} {shown} {raised.value.__dict__} {caplog.text}"


async def test_no_password_is_logged_when_the_cache_rejects_it(
    valkey: PromptServer, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    right = valkey.url.split(":")[2].split("@")[0]
    await hides_the_password(valkey.url.replace(right, "wrong-pass-word"), "wrong-pass-word", monkeypatch, caplog)
    await hides_the_password(valkey.url.replace(f":{right}@", ""), right, monkeypatch, caplog)
    await hides_the_password(valkey.url.replace("valkey://", "valkeys://"), right, monkeypatch, caplog)


async def test_an_address_without_a_valkey_server_counts_as_an_unreachable_cache(
    monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    async def speak_http(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak_http, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        await hides_the_password(f"valkey://:pass-word@127.0.0.1:{port}", "pass-word", monkeypatch, caplog)
    for address in (f"127.0.0.1:{free_ports(1)[0]}", "nobody.invalid:6379"):
        await hides_the_password(f"valkey://:pass-word@{address}", "pass-word", monkeypatch, caplog)


async def test_a_clearing_whose_request_is_cancelled_is_audited(
    valkey: PromptServer,
    installation: Installation,
    account_user: Person,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    valkey.fill(world["own"], 3)
    removed, go_on, scan = asyncio.Event(), asyncio.Event(), cache._scan

    async def held(*arguments: Any) -> Any:
        async for keys in scan(*arguments):
            yield keys
        removed.set()
        await go_on.wait()

    monkeypatch.setattr(cache, "_scan", held)
    request = asyncio.create_task(account_user.change("clearTtsCache", "clearedCount", accountId=world["own"]))
    await removed.wait()
    request.cancel()
    await asyncio.wait([request])
    go_on.set()
    async with installation.database():
        events = await until(lambda: AuditEvent.filter(operation="clearTtsCache").all())
    assert [event.after for event in events] == [{"clearedCount": 3}]


def test_counts_and_clearings_end_before_the_request_deadline() -> None:
    assert cache.COUNT_SECONDS < cache.CLEAR_SECONDS < deadline.REQUEST_SECONDS - cache.ANSWER_SECONDS
