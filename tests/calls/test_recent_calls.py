"""Recent calls: newest first, in pages, by all filters, and visible calls only."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.calls import schema
from app.calls.keys import advance_newest_month, id_at
from app.calls.model import Call, CallDirection, CallKey, RecordingState
from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.storage.model import AudioFormat, BucketVendor
from tests.calls.conftest import at
from tests.execution.test_compiled import reference_executor
from tests.support.installation import Answer, Installation, Person, World

OF_ACCOUNT = """query ($id: ID!, $filter: CallFilter, $first: Int!, $after: String) { account(id: $id) {
    recentCalls(filter: $filter, first: $first, after: $after) { totalCount nodes { gatewayCallId }
        pageInfo { hasNextPage endCursor } } } }"""
OF_ALL = """query ($filter: AllCallsFilter, $first: Int!, $after: String) {
    recentCalls(filter: $filter, first: $first, after: $after) { totalCount nodes { gatewayCallId account { id } }
        pageInfo { hasNextPage endCursor } } }"""
STORED = {
    "recording_state": RecordingState.STORED,
    "recording_format": AudioFormat.MP3,
    "recording_size_bytes": 44,
    "recording_duration_ms": 1500,
    "recording_vendor": BucketVendor.AWS_S3,
    "recording_bucket": "calls",
    "recording_region": "eu-central-1",
    "recording_key": "key",
}
# By the gateway's id, newest last: owner, start in minutes ago, and known fields.
CALLS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "old": ("own", 60 * 24 * 40, {"from_number": "+4930111"}),
    "sibling's": ("sibling", 50, {"from_number": "+4930222"}),
    "in": ("own", 40, {"direction": CallDirection.INBOUND, "from_number": "+4930111", "to_number": "+4989_1"}),
    "out": ("own", 30, {"direction": CallDirection.OUTBOUND, "from_number": "+4930112", "to_number": "+4989x1"}),
    "foreign": ("foreign", 25, {"from_number": "+4930111"}),
    "answered": ("own", 20, {"answered_at": datetime.now(UTC), "from_number": "sip:Ann@example.com"}),
    "recorded": ("own", 10, STORED),
    "deleted": ("own", 5, {**STORED, "recording_state": RecordingState.DELETED}),
}
OWN = ["deleted", "recorded", "answered", "out", "in", "old"]


@pytest.fixture
async def ids(installation: Installation, world: World) -> dict[str, str]:
    """Call ids by the gateway's ids."""
    made = {}
    async with installation.database():
        for name, (whose, minutes, values) in CALLS.items():
            account_id, began = parse_sid(Kind.ACCOUNT, world[whose]), datetime.now(UTC) - timedelta(minutes=minutes)
            row_id = id_at(began)
            application = parse_sid(Kind.APPLICATION, world["own_application"]) if name == "in" else None
            known_as = name.replace("'", ".")
            await Call.create(
                id=row_id,
                account_id=account_id,
                gateway_call_id=known_as,
                started_at=began,
                application_id=application,
                **values,
            )
            await CallKey.create(id=row_id, account_id=account_id, gateway_call_id=known_as)
            assert account_id is not None
            await advance_newest_month(account_id, row_id, None)
            made[name] = sid_of(Kind.CALL, row_id)
    return made


@pytest.fixture(params=["compiled", "reference"])
async def executor(request: pytest.FixtureRequest, installation: Installation) -> AsyncIterator[str]:
    if request.param == "compiled":
        yield "compiled"
    else:
        with reference_executor(installation):
            yield "reference"


async def of_account(person: Person, account_id: str, **filter: Any) -> Answer:
    return await person.ask(OF_ACCOUNT, id=account_id, filter=filter, first=20)


def names(answer: Answer) -> list[str]:
    """Newest first."""
    assert not answer.errors, answer.errors
    found = answer.data.get("account", answer.data)["recentCalls"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["gatewayCallId"] for node in found["nodes"]]


@pytest.mark.usefixtures("executor", "ids")
async def test_calls_are_listed_newest_first_page_by_page(account_user: Person, world: World) -> None:
    found, after = [], None
    while True:
        page = (await account_user.ask(OF_ACCOUNT, id=world["own"], first=2, after=after)).only("account")[
            "recentCalls"
        ]
        found += [node["gatewayCallId"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == OWN


@pytest.mark.usefixtures("executor")
async def test_calls_are_filtered_by_their_fields(account_user: Person, world: World, ids: dict[str, str]) -> None:
    lately = {"since": at(days=2)}
    for given, expected in (
        ({}, OWN),
        ({"applicationId": world["own_application"]}, ["in"]),
        ({"applicationId": world["sibling_application"]}, []),
        ({"applicationId": "AP"}, []),
        ({"since": at(minutes=35)}, ["deleted", "recorded", "answered", "out"]),
        ({"until": at(minutes=35)}, ["in", "old"]),
        ({"since": at(minutes=45), "until": at(minutes=25)}, ["out", "in"]),
        ({"direction": "INBOUND"}, ["in"]),
        ({"answered": True}, ["answered"]),
        ({"answered": False}, [name for name in OWN if name != "answered"]),
        ({"hasRecording": True}, ["recorded"]),
        ({"hasRecording": False}, [name for name in OWN if name != "recorded"]),
        ({"id": ids["out"]}, ["out"]),
        ({"id": ids["foreign"]}, []),
        ({"id": "CA"}, []),
        ({"gatewayCallId": "in"}, ["in"]),
        ({"gatewayCallId": "foreign"}, []),
        ({"gatewayCallId": "no id"}, []),
        ({"fromPrefix": "+4930"} | lately, ["out", "in"]),
        ({"fromPrefix": "+4930111"} | lately, ["in"]),
        ({"fromPrefix": "+4930111", "since": at(days=41), "until": at(days=39)}, ["old"]),
        ({"fromPrefix": "sip:Ann"} | lately, ["answered"]),
        ({"fromPrefix": "sip:ann"} | lately, []),
        ({"fromPrefix": "4930"} | lately, []),
        ({"toPrefix": "+4989_"} | lately, ["in"]),
        ({"toPrefix": "+498%"} | lately, []),
        ({"toPrefix": "a\0bcd"} | lately, []),
        ({"fromPrefix": "+4930", "toPrefix": "+4989", "direction": "OUTBOUND"} | lately, ["out"]),
        ({"applicationId": world["own_application"], "answered": True}, []),
    ):
        assert names(await of_account(account_user, world["own"], **given)) == expected, given


@pytest.mark.usefixtures("executor", "ids")
async def test_each_caller_sees_the_calls_of_its_scope(
    admin: Person, provider: Person, other_provider: Person, account_user: Person, world: World
) -> None:
    all_of_them = ["deleted", "recorded", "answered", "foreign", "out", "in", "sibling.s", "old"]
    of_provider = [name for name in all_of_them if name != "foreign"]
    for person, expected in (
        (admin, all_of_them),
        (provider, of_provider),
        (other_provider, ["foreign"]),
        (account_user, OWN),
    ):
        assert names(await person.ask(OF_ALL, first=20)) == expected
        assert names(await person.ask(OF_ALL, first=20, filter={"accountId": world["own"]})) == (
            OWN if person is not other_provider else []
        )
        recent = {"fromPrefix": "+4930", "since": at(days=2)}
        assert names(await person.ask(OF_ALL, first=20, filter=recent)) == [
            name for name in expected if name in ("out", "in", "foreign", "sibling.s")
        ]
        assert names(await person.ask(OF_ALL, first=20, filter={"gatewayCallId": "in"})) == [
            name for name in expected if name == "in"
        ]
        assert names(await person.ask(OF_ALL, first=20, filter={"since": at(minutes=45), "until": at(minutes=22)})) == [
            name for name in expected if name in ("foreign", "out", "in")
        ]


@pytest.mark.usefixtures("executor", "ids")
async def test_the_calls_of_all_accounts_are_paged_as_well(provider: Person, admin: Person) -> None:
    for person, given in ((provider, {}), (admin, {}), (admin, {"hasRecording": False})):
        expected = names(await person.ask(OF_ALL, first=20, filter=given))
        found, after = [], None
        while True:
            page = (await person.ask(OF_ALL, first=3, after=after, filter=given)).only("recentCalls")
            found += [node["gatewayCallId"] for node in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert found == expected


@pytest.mark.usefixtures("executor", "ids")
async def test_the_calls_of_several_accounts_are_listed_together(provider: Person) -> None:
    query = """{ accounts { nodes { name recentCalls(first: 2) { totalCount nodes { gatewayCallId } } } } }"""
    found = (await provider.ask(query)).only("accounts")["nodes"]
    assert {each["name"]: each["recentCalls"] for each in found} == {
        "Own customer": {"totalCount": 6, "nodes": [{"gatewayCallId": "deleted"}, {"gatewayCallId": "recorded"}]},
        "Sibling customer": {"totalCount": 1, "nodes": [{"gatewayCallId": "sibling.s"}]},
    }


@pytest.mark.usefixtures("executor")
@pytest.mark.parametrize(
    ("filter", "argument", "words"),
    [
        ({"fromPrefix": "+49", "since": 1}, "filter.fromPrefix", "4 to 255 characters"),
        ({"toPrefix": "x" * 256, "since": 1}, "filter.toPrefix", "4 to 255 characters"),
        ({"fromPrefix": "+4930"}, "filter.fromPrefix", "at most 31 days"),
        ({"fromPrefix": "+4930", "until": 1}, "filter.fromPrefix", "at most 31 days"),
        ({"toPrefix": "+4930", "since": 32}, "filter.toPrefix", "at most 31 days"),
        ({"toPrefix": "+4930", "since": 64, "until": 32}, "filter.toPrefix", "at most 31 days"),
    ],
)
async def test_a_prefix_requires_a_limited_time_range(
    account_user: Person, world: World, filter: dict[str, Any], argument: str, words: str
) -> None:
    given = {name: at(days=value) if isinstance(value, int) else value for name, value in filter.items()}
    for answer in (
        await of_account(account_user, world["own"], **given),
        await account_user.ask(OF_ALL, first=20, filter=given),
    ):
        assert answer.codes == ["BAD_USER_INPUT"]
        assert answer.errors[0]["extensions"]["argument"] == argument
        assert words in answer.errors[0]["message"]


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"),  # a month in which clocks are set back
        ("31 days ago", None),  # some milliseconds before it is read
    ],
)
async def test_a_prefix_filter_accepts_any_month_and_the_last_31_days(
    account_user: Person, world: World, since: str, until: str | None
) -> None:
    since = at(days=31) if since == "31 days ago" else since
    answer = await of_account(account_user, world["own"], fromPrefix="+4930", since=since, until=until)
    assert answer.codes == []


@pytest.mark.usefixtures("executor", "ids")
async def test_calls_are_counted_up_to_a_limit(
    admin: Person, provider: Person, account_user: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(schema.OF_ACCOUNT.__dict__, "count_limit", 3)
    monkeypatch.setitem(schema._CALLS.__dict__, "count_limit", 3)
    # New documents: compiled ones already contain the limit.
    answer = await account_user.ask(
        "query ($id: ID!) { account(id: $id) { recentCalls { totalCount } } }", id=world["own"]
    )
    assert answer.only("account")["recentCalls"] == {"totalCount": 3}
    for person in (admin, provider):
        assert (await person.ask("{ recentCalls { totalCount } }")).only("recentCalls") == {"totalCount": 3}
    answer = await provider.ask("{ accounts { nodes { recentCalls { totalCount } } } }")
    counts = [each["recentCalls"]["totalCount"] for each in answer.only("accounts")["nodes"]]
    assert counts == [3, 1]


async def test_a_call_is_found_by_its_id(account_user: Person, ids: dict[str, str]) -> None:
    query = "query ($id: ID!) { call(id: $id) { gatewayCallId recording { state durationSeconds format } } }"
    assert (await account_user.ask(query, id=ids["recorded"])).only("call") == {
        "gatewayCallId": "recorded",
        "recording": {"state": "STORED", "durationSeconds": 1.5, "format": "MP3"},
    }
    for unknown in (ids["foreign"], ids["sibling's"], "CA"):
        assert (await account_user.ask(query, id=unknown)).only("call") is None


@pytest.mark.usefixtures("executor")
async def test_a_recording_that_failed_says_why(
    installation: Installation, account_user: Person, ids: dict[str, str]
) -> None:
    time = datetime(2026, 1, 31, 13, 37, tzinfo=UTC)
    error = {
        "code": "ACCESS_DENIED",
        "s3_code": "AccessDenied",
        "http_status": 403,
        "message": "The storage refused it.",
        "advice": "Give the key the right s3:PutObject.",
        "at": time.isoformat(),
    }
    async with installation.database():
        await Call.filter(id=parse_sid(Kind.CALL, ids["recorded"])).update(
            recording_state=RecordingState.FAILED, recording_error=error
        )
    query = "query ($id: ID!) { call(id: $id) { recording { state url error { code s3Code httpStatus message advice at } } } }"
    recording = (await account_user.ask(query, id=ids["recorded"])).only("call")["recording"]
    assert (recording["state"], recording["url"]) == ("FAILED", None)
    assert datetime.fromisoformat(recording["error"].pop("at")) == time
    assert recording["error"] == {
        "code": "ACCESS_DENIED",
        "s3Code": "AccessDenied",
        "httpStatus": 403,
        "message": error["message"],
        "advice": error["advice"],
    }
