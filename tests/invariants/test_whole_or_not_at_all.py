"""Deletions are all or nothing, the cache server is never blocked, and no database error reaches a client."""

from typing import Any

import pytest
from graphql import is_required_argument

from tests.invariants.schema_walk import (
    QUERIES,
    inputs,
    selection,
    send,
    tells_of_the_database,
    user_errors_of,
    with_everything,
)
from tests.support.database_contents import changed, contents
from tests.support.fault_injection import failing
from tests.support.installation import Installation, Person, World
from tests.support.personas import add_people
from tests.support.servers.valkey import PromptServer

OF_THE_ACCOUNT = {
    "accounts",
    "api_keys",
    "applications",
    "recording_configs",
    "sessions",
    "users",
    "webhook_deliveries",
    "calls",
    "call_accounts",
    "call_keys",
    "stored_credentials",
}


async def test_deleting_an_account_is_all_or_nothing(installation: Installation, world: World) -> None:
    people = await add_people(installation)
    full = inputs(await with_everything(installation), people)["updateAccount"][0]
    assert user_errors_of(await send(people["root"], "updateAccount", full), "updateAccount") == []
    async with installation.database() as connection:
        before = await contents(connection)
        for number in range(1, 100):
            await people["boss"].ask("{ __typename }")  # fills the authentication cache
            with failing(number) as left:
                answer = await send(people["boss"], "deleteAccount", {"id": world["own"], "force": True}, "deletedId")
            if left[0] > 0:
                break
            assert answer.codes == ["INTERNAL_SERVER_ERROR"], number
            assert tells_of_the_database(answer) == [], number
            assert changed(before, await contents(connection)) == {}, number
        assert number > len(OF_THE_ACCOUNT), "each table needs a statement"
        assert answer.only("deleteAccount")["deletedId"] == world["own"]
        gone = changed(before, await contents(connection))
        assert set(gone) == OF_THE_ACCOUNT | {"audit_events"}


async def test_counting_the_cache_does_not_block_the_cache_server(
    valkey: PromptServer, account_user: Person, world: World
) -> None:
    valkey.fill(world["own"], 700)
    valkey.write(f"tts:AC{number:032x}:a" for number in range(20_000))
    valkey.run("CONFIG", "RESETSTAT")
    query = "query ($id: ID!) { account(id: $id) { ttsCache { promptCount } } }"
    answer = await account_user.ask(query, id=world["own"])
    assert answer.only("account")["ttsCache"]["promptCount"] == 700
    cleared = await send(account_user, "clearTtsCache", {"accountId": world["own"]}, "clearedCount")
    assert cleared.only("clearTtsCache")["clearedCount"] == 700
    sent = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in valkey.run("INFO", "commandstats").items()}
    # Commands that scan or free everything at once are never sent.
    holding_up = {"keys", "del", "flushdb", "flushall", "eval", "fcall", "mget", "dbsize", "sort", "smembers"}
    assert set(sent) & holding_up == set()
    # Two scans of 20,700 keys, about 500 per command, freed in batches by a background thread of the server.
    assert sent["scan"] >= 2 * 20_700 / 600
    assert sent["unlink"] >= 2
    assert len(valkey.keys()) == 20_000


def _asked(name: str) -> str:
    one: Any = QUERIES[name]
    page = "(first: 2)" if "first" in one.args else ""
    return f"{{ {name}{page}{selection(one.type, 1)} }}"


OPEN_QUERIES = [name for name, one in QUERIES.items() if not any(map(is_required_argument, one.args.values()))]


@pytest.mark.parametrize("name", OPEN_QUERIES)
async def test_no_sql_error_reaches_a_client(installation: Installation, name: str) -> None:
    people = await add_people(installation, "root")
    for number in range(1, 100):
        await people["root"].ask("{ __typename }")  # fills the authentication cache
        # The reference executor retries a failed statement.
        with failing(number, onwards=True) as left:
            answer = await people["root"].ask(_asked(name))
        if left[0] > 0:
            break
        assert tells_of_the_database(answer) == [], number
        assert set(answer.codes) == {"INTERNAL_SERVER_ERROR"}, number
    assert answer.errors == []
    assert number > 1 or name in ("limits", "roles", "s3Regions", "audioFormats", "bucketVendors")
