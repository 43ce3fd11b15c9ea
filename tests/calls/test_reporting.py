"""Call reports of gateways: in any order, repeated, and in batches whose valid reports are stored."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tortoise.transactions import in_transaction

from app.calls import keys, reporting
from app.calls.model import Call, CallKey
from app.foundation.events import Change, LiveEvent, LiveEvents
from app.foundation.identifiers import Kind, new_id, parse_sid, sid_of
from tests.calls.conftest import at, bare, gateway_of, report, send
from tests.support.installation import Installation, Person, World
from tests.support.statements import recorded

CALL = """id gatewayCallId direction from to startedAt answeredAt endedAt durationSeconds sipStatus terminationReason
    trunk traceId account { id } application { name } recording { state url playerUrl storageUrl sizeBytes error { code } }"""


async def calls_of(person: Person, account_id: str) -> list[dict[str, Any]]:
    query = f"query ($id: ID!) {{ account(id: $id) {{ recentCalls(first: 100) {{ nodes {{ {CALL} }} }} }} }}"
    found: list[dict[str, Any]] = (await person.ask(query, id=account_id)).only("account")["recentCalls"]["nodes"]
    return found


def whole(world: World) -> dict[str, Any]:
    """A report of a call that has ended."""
    return {
        "accountId": world["own"],
        "callId": "a4f1@gateway-1",
        "applicationId": world["own_application"],
        "direction": "INBOUND",
        "from": "+493012345",
        "to": "sip:hotline@own.sip.example.com",
        "startedAt": at(minutes=10),
        "answeredAt": at(minutes=9),
        "endedAt": at(minutes=7),
        "sipStatus": 200,
        "terminationReason": "caller hung up",
        "trunk": "Carrier é",
        "traceId": "0af7651916cd43dd8448eb211c80319c",
    }


async def test_a_reported_call_is_visible_to_all_callers_who_see_its_account(
    gateway: Person, admin: Person, provider: Person, account_user: Person, world: World
) -> None:
    given = whole(world)
    assert await report(gateway, given) == {"acceptedCount": 1, "rejected": [], "userErrors": []}
    for person in (admin, provider, account_user):
        (call,) = await calls_of(person, world["own"])
        same = ("direction", "from", "to", "sipStatus", "terminationReason", "trunk", "traceId")
        assert {name: call[name] for name in same} == {name: given[name] for name in same}
        assert call["gatewayCallId"] == given["callId"]
        for name in ("startedAt", "answeredAt", "endedAt"):
            assert datetime.fromisoformat(call[name]) == datetime.fromisoformat(given[name])
        assert 119 < call["durationSeconds"] < 121
        assert call["application"] == {"name": "Own hotline"}
        assert call["account"] == {"id": world["own"]}
        assert call["recording"] == {
            **dict.fromkeys(("url", "playerUrl", "storageUrl", "sizeBytes", "error")),
            "state": "NONE",
        }


async def test_a_call_is_reported_to_its_end_though_its_application_was_deleted(
    gateway: Person, account_user: Person, sibling_user: Person, world: World
) -> None:
    given = whole(world)
    await report(gateway, {name: given[name] for name in ("accountId", "callId", "applicationId", "startedAt")})
    deleted = await account_user.change("deleteApplication", "deletedId", id=world["own_application"], force=True)
    assert deleted["deletedId"] == world["own_application"]
    assert (await report(gateway, given))["rejected"] == []
    (call,) = await calls_of(account_user, world["own"])
    assert (call["sipStatus"], call["application"]) == (200, None)
    # It never belonged to another account.
    elsewhere = await report(gateway, {**given, "accountId": world["sibling"]})
    assert [error["field"][-1] for error in elsewhere["rejected"][0]["errors"]] == ["applicationId"]
    assert await calls_of(sibling_user, world["sibling"]) == []


async def test_a_repeated_report_changes_nothing(gateway: Person, account_user: Person, world: World) -> None:
    await report(gateway, whole(world))
    before = await calls_of(account_user, world["own"])
    await report(gateway, whole(world) | {"startedAt": before[0]["startedAt"]})
    after = await calls_of(account_user, world["own"])
    assert [call["id"] for call in after] == [call["id"] for call in before]
    assert len(after) == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
@pytest.mark.parametrize("together", [True, False])
async def test_ringing_answered_and_ended_may_come_in_any_order(
    gateway: Person, account_user: Person, world: World, order: tuple[int, ...], together: bool
) -> None:
    call = {"accountId": world["own"], "callId": "one"}
    started, answered, ended = at(minutes=3), at(minutes=2), at(minutes=1)
    parts: list[dict[str, Any]] = [
        {**call, "startedAt": started, "from": "+4930", "sipStatus": 180},
        {**call, "answeredAt": answered, "sipStatus": 200, "to": None},
        {**call, "endedAt": ended, "terminationReason": "done", "from": None},
    ]
    sent = [parts[number] for number in order]
    for batch in [sent] if together else [[each] for each in sent]:
        assert (await report(gateway, *batch))["rejected"] == []
    (found,) = await calls_of(account_user, world["own"])
    times = [datetime.fromisoformat(found[name]) for name in ("startedAt", "answeredAt", "endedAt")]
    assert times == [datetime.fromisoformat(each) for each in (started, answered, ended)]
    assert (found["from"], found["to"], found["sipStatus"], found["terminationReason"]) == ("+4930", None, 200, "done")


async def test_a_call_without_a_start_begins_at_the_earliest_known_time(
    gateway: Person, account_user: Person, world: World
) -> None:
    answered = at(minutes=5)
    await report(
        gateway, {"accountId": world["own"], "callId": "one", "answeredAt": answered, "endedAt": at(minutes=1)}
    )
    (found,) = await calls_of(account_user, world["own"])
    assert datetime.fromisoformat(found["startedAt"]) == datetime.fromisoformat(answered)
    row_id = parse_sid(Kind.CALL, found["id"])
    assert row_id is not None
    assert abs((row_id.int >> 80) / 1000 - datetime.fromisoformat(answered).timestamp()) < 0.01
    await report(gateway, {"accountId": world["own"], "callId": "one", "sipStatus": 200})
    assert (await calls_of(account_user, world["own"]))[0]["startedAt"] == found["startedAt"]


async def test_a_call_that_ended_without_an_answer_lasted_0_seconds(
    gateway: Person, account_user: Person, world: World
) -> None:
    await report(gateway, {"accountId": world["own"], "callId": "busy", "endedAt": at(minutes=1), "sipStatus": 486})
    await report(
        gateway, {"accountId": world["own"], "callId": "goes on", "startedAt": at(minutes=1)} | {"callId": "on"}
    )
    assert {call["gatewayCallId"]: call["durationSeconds"] for call in await calls_of(account_user, world["own"])} == {
        "busy": 0,
        "on": None,
    }


WRONG: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"accountId": "AC"}, [("NOT_FOUND", "accountId")]),
    ({"callId": ""}, [("INVALID", "callId")]),
    ({"callId": "../../etc"}, [("INVALID", "callId")]),
    ({"callId": "x" * 129}, [("INVALID", "callId")]),
    ({"callId": "a\n"}, [("INVALID", "callId")]),
    ({"applicationId": "AP"}, [("NOT_FOUND", "applicationId")]),
    ({"from": "x" * 256}, [("TOO_LONG", "from")]),
    ({"from": "a\n"}, [("INVALID", "from")]),
    ({"to": "a\0b"}, [("INVALID", "to")]),
    ({"trunk": "a\nb"}, [("INVALID", "trunk")]),
    ({"terminationReason": "x" * 256}, [("TOO_LONG", "terminationReason")]),
    ({"traceId": "x" * 129}, [("TOO_LONG", "traceId")]),
    ({"sipStatus": 99}, [("OUT_OF_RANGE", "sipStatus")]),
    ({"sipStatus": 700}, [("OUT_OF_RANGE", "sipStatus")]),
    ({"startedAt": at(hours=-2)}, [("OUT_OF_RANGE", "startedAt")]),
    ({"startedAt": at(days=401)}, [("OUT_OF_RANGE", "startedAt")]),
    ({"startedAt": at(minutes=1), "answeredAt": at(minutes=2)}, [("OUT_OF_RANGE", "answeredAt")]),
    ({"answeredAt": at(minutes=1), "endedAt": at(minutes=2)}, [("OUT_OF_RANGE", "endedAt")]),
    ({"startedAt": at(minutes=1), "endedAt": at(minutes=2)}, [("OUT_OF_RANGE", "endedAt")]),
    (
        {"callId": "", "sipStatus": 1, "from": "a\n"},
        [("INVALID", "callId"), ("OUT_OF_RANGE", "sipStatus"), ("INVALID", "from")],
    ),
]


async def test_invalid_reports_are_rejected_and_valid_ones_stored(
    gateway: Person, account_user: Person, world: World
) -> None:
    good = {"accountId": world["own"], "callId": "good"}
    rows = [
        row for number, (wrong, _) in enumerate(WRONG) for row in (good | wrong, good | {"callId": f"good{number}"})
    ]
    payload = await report(gateway, *rows)
    assert payload["acceptedCount"] == len(WRONG)
    assert payload["userErrors"] == []
    told = {
        each["index"]: [(error["code"], error["field"]) for error in each["errors"]] for each in payload["rejected"]
    }
    assert told == {
        2 * number: [(code, ["calls", str(2 * number), name]) for code, name in expected]
        for number, (_, expected) in enumerate(WRONG)
    }
    assert len(await calls_of(account_user, world["own"])) == len(WRONG)


async def test_an_empty_text_means_unknown_like_null(gateway: Person, account_user: Person, world: World) -> None:
    texts = ("applicationId", "from", "to", "trunk", "terminationReason", "traceId")
    first = {"accountId": world["own"], "callId": "one", **dict.fromkeys(texts, "")}
    assert await report(gateway, first) == {"acceptedCount": 1, "rejected": [], "userErrors": []}
    (call,) = await calls_of(account_user, world["own"])
    assert [call[name] for name in ("application", "from", "to", "trunk", "terminationReason", "traceId")] == [None] * 6
    # Known values stay.
    known = {name: whole(world)[name] for name in texts}
    for given in (known, dict.fromkeys(texts, "")):
        await report(gateway, {"accountId": world["own"], "callId": "one", **given})
    (call,) = await calls_of(account_user, world["own"])
    assert call["application"] == {"name": "Own hotline"}
    assert {name: call[name] for name in texts[1:]} == {name: known[name] for name in texts[1:]}


async def test_another_tenants_account_is_rejected_like_a_missing_one(
    installation: Installation, gateway: Person, foreign_user: Person, world: World
) -> None:
    of_account = await gateway_of(installation, accountId=world["own"])
    for person, theirs in ((gateway, world["foreign"]), (of_account, world["sibling"]), (of_account, world["foreign"])):
        payload = await report(
            person,
            {"accountId": theirs, "callId": "one"},
            {"accountId": world["foreign"][:-4] + "0000", "callId": "one"},
        )
        first, second = ([error | {"field": None} for error in each["errors"]] for each in payload["rejected"])
        assert first == second
        assert payload["acceptedCount"] == 0
    assert await calls_of(foreign_user, world["foreign"]) == []


async def test_a_gateway_of_the_installation_reports_calls_of_all_accounts(
    installation: Installation, admin: Person, world: World
) -> None:
    gateway = await gateway_of(installation, installation=True)
    rows = [{"accountId": world[name], "callId": "one"} for name in ("own", "sibling", "foreign")]
    assert (await report(gateway, *rows))["acceptedCount"] == 3
    assert [len(await calls_of(admin, world[name])) for name in ("own", "sibling", "foreign")] == [1, 1, 1]


async def test_the_same_gateway_id_in_two_accounts_names_two_calls(
    gateway: Person, provider: Person, world: World
) -> None:
    await report(gateway, *({"accountId": world[name], "callId": "one", "from": name} for name in ("own", "sibling")))
    (own,), (sibling,) = [await calls_of(provider, world[name]) for name in ("own", "sibling")]
    assert own["id"] != sibling["id"]
    assert (own["from"], sibling["from"]) == ("own", "sibling")


async def test_ids_may_be_sids_or_bare_uuids(gateway: Person, account_user: Person, world: World) -> None:
    row = {"callId": "one", "applicationId": bare(world, "own_application", Kind.APPLICATION)}
    await report(gateway, row | {"accountId": bare(world, "own")}, {"accountId": world["own"], "callId": "one"})
    await report(gateway, row | {"accountId": bare(world, "own").upper()})
    (call,) = await calls_of(account_user, world["own"])
    assert call["application"] == {"name": "Own hotline"}


async def test_a_call_cannot_be_of_another_account_s_application(gateway: Person, world: World) -> None:
    row = {"accountId": world["own"], "callId": "one", "applicationId": world["sibling_application"]}
    (rejected,) = (await report(gateway, row))["rejected"]
    assert [error["code"] for error in rejected["errors"]] == ["NOT_FOUND"]


async def test_calls_outlive_their_application(gateway: Person, account_user: Person, world: World) -> None:
    await report(gateway, whole(world))
    await account_user.change("deleteApplication", "deletedId", id=world["own_application"], force=True)
    (call,) = await calls_of(account_user, world["own"])
    assert call["application"] is None


async def test_a_batch_has_1_to_1000_calls(gateway: Person, account_user: Person, world: World) -> None:
    rows = [{"accountId": world["own"], "callId": f"call{number}"} for number in range(1001)]
    for batch in ([], rows):
        payload = await report(gateway, *batch)
        assert [error["code"] for error in payload["userErrors"]] == ["OUT_OF_RANGE"]
        assert payload["acceptedCount"] is None
    full = [whole(world) | {"callId": f"call{number}", "from": "+49301234567" * 5} for number in range(1000)]
    assert (await report(gateway, *full))["acceptedCount"] == 1000
    query = "query ($id: ID!) { account(id: $id) { recentCalls { totalCount } } }"
    assert (await account_user.ask(query, id=world["own"])).only("account")["recentCalls"] == {"totalCount": 1000}


@pytest.mark.parametrize("again", [False, True])
async def test_a_batch_takes_a_constant_number_of_statements(gateway: Person, world: World, again: bool) -> None:
    async def statements(size: int) -> int:
        rows = [
            whole(world) | {"callId": f"call{size}-{number}", "accountId": world[("own", "sibling")[number % 2]]}
            for number in range(size)
        ]
        for row in rows[1::2]:
            del row["applicationId"], row["startedAt"]
        if again:
            await report(gateway, *rows)
        with recorded() as sent:
            assert (await report(gateway, *rows))["rejected"] == []
        return len([sql for sql, _ in sent if not sql.startswith("UPDATE")])

    await gateway.ask("{ viewer { scope } }")  # its key is cached from now on
    assert await statements(2) == await statements(200) <= 6


async def test_a_batch_that_names_many_unknown_applications_takes_no_more_statements_than_one(
    gateway: Person, world: World
) -> None:
    async def statements(size: int) -> int:
        rows = [
            {"accountId": world["own"], "callId": f"call{number}", "applicationId": sid_of(Kind.APPLICATION, new_id())}
            for number in range(size)
        ]
        with recorded() as sent:
            assert len((await report(gateway, *rows))["rejected"]) == size
        return len(sent)

    await gateway.ask("{ viewer { scope } }")  # its key is cached from now on
    assert await statements(1) == await statements(20)


async def test_concurrent_batches_with_the_same_calls_create_each_once(
    gateway: Person, account_user: Person, world: World
) -> None:
    rows = [{"accountId": world["own"], "callId": f"call{number}"} for number in range(50)]
    batches = [
        [row | {"trunk": f"trunk {turn}"} for row in (rows if turn % 2 else reversed(rows))] for turn in range(6)
    ]
    answers = await asyncio.gather(*(send(gateway, *batch) for batch in batches))
    assert [answer.only("reportCalls")["acceptedCount"] for answer in answers] == [50] * 6
    assert len(await calls_of(account_user, world["own"])) == 50


async def test_concurrent_batches_with_different_starts_do_not_deadlock(gateway: Person, world: World) -> None:
    rows = [{"accountId": world["own"], "callId": f"call{number}"} for number in range(200)]
    await report(gateway, *rows)
    for _ in range(3):
        batches = [
            [
                row | ({"startedAt": at(minutes=5)} if (place < 100) is is_first else {})
                for place, row in enumerate(rows)
            ]
            for is_first in (True, False) * 2
        ]
        answers = await asyncio.gather(*(send(gateway, *batch) for batch in batches))
        assert [answer.only("reportCalls")["acceptedCount"] for answer in answers] == [200] * 4


@pytest.mark.parametrize("text", ["Zoë 👨‍👩‍👧", "می‌خواهم", "1\u00a0000", "\U000e0fff"])
async def test_a_report_may_hold_any_text_without_control_characters(
    gateway: Person, account_user: Person, world: World, text: str
) -> None:
    assert (await report(gateway, whole(world) | {"from": text}))["rejected"] == []
    assert [call["from"] for call in await calls_of(account_user, world["own"])] == [text]


@pytest.mark.parametrize("wrong", [{"endedAt": "yesterday"}, {"sipStatus": 2**31}, {"from": 1}, {"direction": "UP"}])
async def test_a_report_of_the_wrong_type_rejects_the_batch_and_is_named(
    gateway: Person, account_user: Person, world: World, wrong: dict[str, Any]
) -> None:
    answer = await send(gateway, whole(world), whole(world) | {"callId": "wrong"} | wrong)
    (error,) = answer.errors
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert f".calls[1].{next(iter(wrong))}: " in error["message"]
    assert await calls_of(account_user, world["own"]) == []


async def test_a_report_does_not_change_the_recording(
    installation: Installation, gateway: Person, account_user: Person, world: World
) -> None:
    await report(gateway, whole(world))
    stored = {
        "recording_state": "STORED",
        "recording_format": "WAV",
        "recording_size_bytes": 5_000_000_000,
        "recording_duration_ms": 1500,
        "recording_vendor": "AWS_S3",
        "recording_bucket": "calls",
        "recording_region": "eu-central-1",
        "recording_key": "2026/01/31/CA.wav",
    }
    async with installation.database():
        await Call.all().update(**stored)
    await report(gateway, whole(world) | {"sipStatus": 603})
    (call,) = await calls_of(account_user, world["own"])
    assert call["sipStatus"] == 603
    assert call["recording"]["state"] == "STORED"
    assert call["recording"]["sizeBytes"] == 5_000_000_000
    assert call["recording"]["url"].startswith(f"http://127.0.0.1:8000/recordings/{call['id']}")
    assert "/player" in call["recording"]["playerUrl"]


async def test_subscribers_get_an_event_for_each_stored_call(
    installation: Installation, gateway: Person, account_user: Person, world: World
) -> None:
    live = installation.resources.clients[LiveEvents]
    own = parse_sid(Kind.ACCOUNT, world["own"])
    assert own is not None
    with live.subscribe(own) as listener:
        rows = [{"accountId": world[name], "callId": "one"} for name in ("own", "sibling")]
        await report(gateway, *rows, {"accountId": world["own"], "callId": ""})
        event = await listener.next()
        assert listener._waiting.empty()
    (call,) = await calls_of(account_user, world["own"])
    call_id = parse_sid(Kind.CALL, call["id"])
    assert call_id is not None
    assert event == LiveEvent(own, call_id, Change.CALL)


async def test_an_account_deleted_during_a_report_is_rejected(
    installation: Installation, gateway: Person, provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = reporting._store

    async def after_a_deletion(*given: Any) -> Any:
        await provider.change("deleteAccount", "deletedId", id=world["own"], force=True)
        return await store(*given)

    monkeypatch.setattr(reporting, "_store", after_a_deletion)
    rows = [{"accountId": world[name], "callId": "one"} for name in ("own", "sibling")]
    payload = await report(gateway, *rows)
    assert (payload["acceptedCount"], [each["index"] for each in payload["rejected"]]) == (1, [0])


async def test_concurrent_lookups_of_a_gateway_id_give_the_same_call(installation: Installation, world: World) -> None:
    own = parse_sid(Kind.ACCOUNT, world["own"])
    assert own is not None
    async with installation.database():
        async with in_transaction():
            first = await keys.get_or_create_call_ids(own, {"one": datetime.now(UTC), "two": datetime.now(UTC)})
        second = await keys.get_or_create_call_ids(own, {"one": datetime.now(UTC) + timedelta(days=1)})
        assert second["one"] == first["one"]
        assert await CallKey.all().count() == 2


def test_a_call_id_carries_the_start_time() -> None:
    time = datetime(2026, 1, 31, 13, 37, tzinfo=UTC)
    made = {keys.id_at(time) for _ in range(100)}
    assert len(made) == 100
    assert {(each.version, each.variant, each.int >> 80) for each in made} == {
        (7, "specified in RFC 4122", int(time.timestamp() * 1000))
    }
    assert sid_of(Kind.CALL, next(iter(made))).startswith("CA")
