"""Scans of the prompt cache: exact, shared by concurrent requests, and never blocking the server."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from valkey.asyncio import Valkey

from app.foundation.errors import ServiceUnavailable
from app.foundation.identifiers import Kind, new_id, sid_of
from app.tts_cache import cache, counts
from app.tts_cache.cache import PromptCache
from app.tts_cache.counts import PromptCounts
from tests.support.servers.valkey import PromptServer

OTHERS = 100_000
# Run inside the server, which is faster than sending each key.
FILL = """for number = 0, ARGV[1] - 1 do
    redis.call('SET', string.format('tts:%s:%040x', ARGV[2 + number % (#ARGV - 1)], number), '{}')
end"""


def new_account() -> str:
    return sid_of(Kind.ACCOUNT, new_id())


async def test_no_command_visits_more_than_a_few_hundred_of_many_entries(
    valkey: PromptServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [new_account() for _ in range(100)]
    valkey.run("EVAL", FILL, 0, OTHERS, *others)
    own, prompts = new_account(), PromptCache(valkey.url)
    valkey.fill(own, 3_000)
    commands: list[tuple[Any, ...]] = []
    execute: Any = Valkey.execute_command

    def recorded(self: Any, *command: Any, **options: Any) -> Any:
        commands.append(command)
        return execute(self, *command, **options)

    monkeypatch.setattr(Valkey, "execute_command", recorded)
    assert await prompts.count([own]) == {own: 3_000}
    # Every key is transferred, which on a busy machine takes longer than the default limit.
    everything = await prompts.count([own, *others], seconds=120)
    assert sum(everything.values()) == OTHERS + 3_000
    assert await prompts.clear(own) == 3_000
    scans = [command for command in commands if command[0] == "SCAN"]
    removals = [command for command in commands if command[0] == "UNLINK"]
    assert len(scans) + len(removals) == len(commands)
    assert {command[command.index(b"COUNT") + 1] for command in scans} == {cache.KEYS_PER_COMMAND}
    assert len(scans) >= 3 * OTHERS / cache.KEYS_PER_COMMAND
    assert max(len(command) - 1 for command in removals) <= cache.KEYS_PER_COMMAND <= 500
    assert valkey.run("DBSIZE") == OTHERS


async def test_a_valkey_user_needs_only_scan_and_unlink_on_prompt_keys(valkey: PromptServer) -> None:
    own = new_account()
    valkey.fill(own, 700)
    valkey.run("ACL", "SETUSER", "accounts", "on", ">few-rights", "~tts:*", "+scan", "+unlink")
    port = valkey.url.rsplit(":", 1)[1]
    prompts = PromptCache(f"valkey://accounts:few-rights@127.0.0.1:{port}")
    assert await prompts.count([own]) == {own: 700}
    assert await prompts.clear(own) == 700


async def test_a_key_that_scan_returns_twice_is_counted_and_cleared_once(
    valkey: PromptServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, scan = new_account(), Valkey.scan

    async def twice(self: Any, *args: Any, **options: Any) -> Any:
        cursor, keys = await scan(self, *args, **options)
        return cursor, keys + keys

    monkeypatch.setattr(Valkey, "scan", twice)
    valkey.fill(own, 600)
    prompts = PromptCache(valkey.url)
    assert await prompts.count([own]) == {own: 600}
    assert await prompts.clear(own) == 600


async def test_a_cache_too_large_to_count_in_time_is_reported_and_does_not_start_the_backoff(
    valkey: PromptServer,
) -> None:
    own = new_account()
    valkey.fill(own, 5)
    prompts = PromptCache(valkey.url)
    with pytest.raises(ServiceUnavailable, match="too many entries to be counted in 0 seconds"):
        await prompts.count([own, new_account()], seconds=0)
    assert await prompts.count([own]) == {own: 5}


async def test_a_clearing_that_runs_out_of_time_reports_how_many_prompts_it_removed(
    valkey: PromptServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = new_account()
    valkey.fill(own, 3_000)
    prompts = PromptCache(valkey.url)
    rest = r"At least [\d,]+ prompts were removed\. Clear again to remove the rest\.$"
    with pytest.raises(ServiceUnavailable, match=rest) as raised:
        await prompts.clear(own, seconds=0)
    cleared = (raised.value.extensions or {})["clearedCount"]
    assert 0 < cleared < 3_000
    assert await prompts.clear(own) == 3_000 - cleared


class SlowCache(PromptCache):
    """Answers when a test sets the result, and records the requests."""

    def __init__(self) -> None:
        super().__init__("valkey://nowhere.invalid")
        self.asked: list[set[str]] = []
        self.answers: list[asyncio.Future[int]] = []

    async def count(self, account_ids: Sequence[str], **_: Any) -> dict[str, int]:  # type: ignore[override]
        self.asked.append(set(account_ids))
        self.answers.append(asyncio.get_running_loop().create_future())
        return dict.fromkeys(account_ids, await self.answers[-1])


@pytest.fixture
def slow() -> SlowCache:
    return SlowCache()


@pytest.fixture
def shared(slow: SlowCache) -> PromptCounts:
    return PromptCounts(slow)


async def turn() -> None:
    """Lets every task that is ready run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_requests_during_a_scan_are_counted_together_by_the_next_scan(
    slow: SlowCache, shared: PromptCounts
) -> None:
    asking = []
    for accounts in (["AC1"], ["AC2", "AC1"], ["AC3"]):
        asking.append(asyncio.create_task(shared.of(accounts)))
        await turn()
    slow.answers[0].set_result(7)
    await turn()
    slow.answers[1].set_result(8)
    assert await asyncio.gather(*asking) == [[7], [8, 7], [8]]
    assert slow.asked == [{"AC1"}, {"AC2", "AC3"}]


async def test_a_count_taken_before_a_clearing_is_not_cached(slow: SlowCache, shared: PromptCounts) -> None:
    asking = asyncio.create_task(shared.of(["AC1", "AC2"]))
    await turn()
    shared.invalidate("AC1")
    slow.answers[0].set_result(7)
    assert await asking == [7, 7]
    assert await shared.of(["AC2"]) == [7]
    again = asyncio.create_task(shared.of(["AC1"]))
    await turn()
    slow.answers[1].set_result(0)
    assert await again == [0]


async def test_a_failure_reaches_every_waiting_request_and_is_not_cached(slow: SlowCache, shared: PromptCounts) -> None:
    asking = [asyncio.create_task(shared.of(["AC1"])) for _ in range(3)]
    await turn()
    slow.answers[0].set_exception(ServiceUnavailable("Away."))
    assert [str(error) for error in await asyncio.gather(*asking, return_exceptions=True)] == ["Away."] * 3
    again = asyncio.create_task(shared.of(["AC1"]))
    await turn()
    slow.answers[1].set_result(4)
    assert await again == [4]


async def test_a_cancelled_request_does_not_end_the_scan_of_others(slow: SlowCache, shared: PromptCounts) -> None:
    impatient, patient = (asyncio.create_task(shared.of(["AC1"])) for _ in range(2))
    await turn()
    impatient.cancel()
    await turn()
    slow.answers[0].set_result(7)
    assert await patient == [7]


async def test_no_request_waits_for_a_scan_when_the_server_shuts_down(slow: SlowCache, shared: PromptCounts) -> None:
    asking = [asyncio.create_task(shared.of([account])) for account in ("AC1", "AC2")]
    await turn()
    asking.append(asyncio.create_task(shared.of(["AC2"])))
    await turn()
    await shared.close()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert {str(answer) for answer in answers} == {"The server is shutting down."}


async def test_expired_counts_are_removed(
    slow: SlowCache, shared: PromptCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "MAXIMUM_ENTRIES", 3)
    monkeypatch.setattr(counts, "TTL_SECONDS", 0)
    for number in range(10):
        asking = asyncio.create_task(shared.of([f"AC{number}"]))
        await turn()
        slow.answers[-1].set_result(1)
        await asking
    assert len(shared._counts) <= 3


def test_the_pattern_of_several_accounts_allows_at_each_position_their_digits_only() -> None:
    one, other, third = (f"AC01a22e586b7274cd89bbfe2d02f912{ending}" for ending in ("0b", "1b", "1c"))
    assert cache._pattern([one]) == "tts:*01a22e58*6b72*74cd*89bb*fe2d02f9120b:*"
    assert cache._pattern([one, other, third]) == "tts:*01a22e58*6b72*74cd*89bb*fe2d02f912[01][bc]:*"


async def test_keys_of_other_accounts_that_match_the_pattern_are_not_counted(
    valkey: PromptServer,
) -> None:
    asked = {f"AC{digits:0>32}": number for number, digits in enumerate(("12", "34"), 1)}
    for account, number in asked.items():
        valkey.fill(account, number)
    for digits in ("14", "32"):
        valkey.fill(f"AC{digits:0>32}", 5)
    assert await PromptCache(valkey.url).count(list(asked)) == asked
