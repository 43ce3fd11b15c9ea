"""What is shown of calls: who called whom, how it went, and the recording; and what voice gateways report of them.

Long because the contract of one noun stays in one place, nearly all declarations.
"""

from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Annotated, cast
from uuid import UUID

import strawberry

from app.accounts.model import Account as AccountRow
from app.applications.model import Application as ApplicationRow
from app.calls import filters, model, reporting, signed_urls
from app.calls.keys import MAXIMUM_GATEWAY_CALL_ID
from app.foundation.access import HasFullAccess, IsGateway, OpenTo, Scope
from app.foundation.context import Context, Info
from app.foundation.errors import UserError
from app.foundation.graphql import fields
from app.foundation.graphql.fields import BigInt
from app.foundation.graphql.pagination import DEFAULT_FIRST, AfterArgument, Connection, FirstArgument
from app.foundation.identifiers import Kind, parse_sid
from app.storage.model import AudioFormat, RecordingError

# Beyond this nobody counts calls one by one, and a page should not wait for it.
COUNT_LIMIT = 10_000


@strawberry.type(description="Why a recording could not be stored when that was tried last.")
class CallRecordingError:
    """A value."""

    code: str | None = strawberry.field(description="The storage's own code, such as `AccessDenied`.")
    http_status: int | None = strawberry.field(description="The storage's HTTP status.")
    message: str = strawberry.field(description="What happened, in a sentence for a person.")
    advice: str | None = strawberry.field(description="What to do about it.")
    at: datetime | None = strawberry.field(description="When it was tried last.")
    next_try_at: datetime | None = strawberry.field(
        description="When it is tried again by itself; null when only retryRecording tries again."
    )


def _error(error: RecordingError | None) -> CallRecordingError | None:
    if error is None:
        return None
    at, next_try_at = error.get("at"), error.get("next_attempt_at")
    return CallRecordingError(
        code=error.get("code"),
        http_status=error.get("http_status"),
        message=error.get("message") or "The recording could not be stored.",
        advice=error.get("advice"),
        at=datetime.fromisoformat(at) if at else None,
        next_try_at=datetime.fromisoformat(next_try_at) if next_try_at else None,
    )


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _url(
    context: Context, state: model.RecordingState, call_id: UUID, account_id: UUID, audio_format: AudioFormat | None
) -> str | None:
    if state is not model.RecordingState.STORED:
        return None
    return signed_urls.recording_url(context, call_id, account_id, audio_format)


def _player_url(context: Context, state: model.RecordingState, call_id: UUID, account_id: UUID) -> str | None:
    return signed_urls.player_url(context, call_id, account_id) if state is model.RecordingState.STORED else None


# What the recording's own addresses and the storage's are made of, beside what is shown.
_OF_STORAGE = (
    *("id", "account_id", "started_at", "from_number", "to_number"),
    *("recording_state", "recording_format", "recording_vendor", "recording_endpoint_url"),
    *("recording_bucket", "recording_region", "recording_key", "recording_credential_id"),
)
_OF_RECORDING = (*_OF_STORAGE, "recording_size_bytes", "recording_duration_ms", "recording_error")


@strawberry.type(description="The recording of a call. Its audio is in the account's bucket and stays there.")
class CallRecording(fields.Backed[model.Call]):
    state: model.RecordingState = fields.column("What became of it.", of="recording_state")
    size_bytes: BigInt | None = fields.column(
        "Bytes in the bucket; null before it is stored.", of="recording_size_bytes"
    )
    duration_seconds: float | None = fields.computed(
        _seconds, ["recording_duration_ms"], "Length of the audio in seconds; null before it is known."
    )
    format: AudioFormat | None = fields.column(
        "What it is stored as; null when the call is not recorded.", of="recording_format"
    )
    url: str | None = fields.decrypted(
        _url,
        ["recording_state", "id", "account_id", "recording_format"],
        "Where it can be heard, by anybody who has the address, for at most an hour; null unless STORED.",
    )
    player_url: str | None = fields.decrypted(
        _player_url,
        ["recording_state", "id", "account_id"],
        "Where a page plays it, as long; null unless STORED.",
    )
    error: CallRecordingError | None = fields.computed(
        _error, ["recording_error"], "Why it could not be stored, or not yet; null unless something went wrong."
    )

    @fields.resolver(
        "The storage's own address of it, for some minutes; null unless STORED, or when no key for it is kept.",
        declared=fields.Called(_OF_STORAGE),
        weight=10,
    )
    async def storage_url(self, info: Info, row: strawberry.Parent[model.Call]) -> str | None:
        return await signed_urls.storage_url(info.context, row)


def _duration(answered_at: datetime | None, ended_at: datetime | None) -> float | None:
    if ended_at is None:
        return None
    return 0.0 if answered_at is None else max((ended_at - answered_at).total_seconds(), 0.0)


@fields.node(Kind.CALL, description="A call of an account, as its voice gateway reported it, with its recording.")
class Call(fields.Node[model.Call]):
    gateway_call_id: str = fields.column("The gateway's own id of it, unique in the account.")
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The account it belongs to."
    )
    application: fields.Node | None = fields.to_one(
        "Application",
        "application_id",
        row=ApplicationRow,
        description="What answered it; null when none did, and when the application is no more.",
    )
    direction: model.CallDirection | None = fields.column("Who called, seen from the gateway; null: not reported.")
    from_: str | None = fields.column(
        "Who called: a number or a SIP address; null: not reported.", of="from_number", name="from"
    )
    to: str | None = fields.column("Who was called: a number or a SIP address; null: not reported.", of="to_number")
    started_at: datetime = fields.column(
        "When it began; until that is reported, the earliest time in the first report, or when that came."
    )
    answered_at: datetime | None = fields.column("When it was answered; null: it was not, or not yet.")
    ended_at: datetime | None = fields.column("When it ended; null: it goes on, or that was not reported.")
    duration_seconds: float | None = fields.computed(
        _duration,
        ["answered_at", "ended_at"],
        "Seconds from answer to end; 0 when it ended without an answer, null before it has ended.",
    )
    sip_status: int | None = fields.column("The newest status of SIP, 100 to 699; null: not reported.")
    termination_reason: str | None = fields.column("Why it ended, in the gateway's words; null: not reported.")
    trunk: str | None = fields.column("The trunk that it came or went by; null: not reported.")
    trace_id: str | None = fields.column("The id by which traces know it; null: not reported.")
    recording: CallRecording = fields.part(
        SimpleNamespace, {name: name for name in _OF_RECORDING}, "Its recording, and what became of it."
    )
    viewer_can_change_recording: bool = fields.per_viewer(
        lambda viewer: viewer.may([HasFullAccess]),
        "Whether the caller may delete the recording, or have it stored again.",
    )


@strawberry.input(description="Which calls to list; conditions are joined with and.")
class CallFilter:
    """Absent or null: no condition."""

    id: strawberry.ID | None = strawberry.field(default=None, description="The call with this id.")
    gateway_call_id: str | None = strawberry.field(
        default=None, description="Calls that their account's gateway knows by this id."
    )
    application_id: strawberry.ID | None = strawberry.field(
        default=None, description="Calls that this application answered."
    )
    since: datetime | None = strawberry.field(
        default=None,
        description="Calls that began at this time or later, as far as that was known at the first report.",
    )
    until: datetime | None = strawberry.field(default=None, description="Calls that began before this time, likewise.")
    direction: model.CallDirection | None = strawberry.field(default=None, description="Calls of this direction.")
    answered: bool | None = strawberry.field(
        default=None, description="Calls that were answered, or those that were not."
    )
    has_recording: bool | None = strawberry.field(
        default=None,
        description="Calls with a recording, wherever on its way it is, or those without; a deleted one is none.",
    )
    from_prefix: str | None = strawberry.field(
        default=None,
        description=f"Calls whose `from` begins so: {filters.MINIMUM_PREFIX} characters or more, upper and lower case "
        f"apart. Needs `since`, and at most {filters.MAXIMUM_SPAN.days} days between `since` and `until` (or now); "
        "a month in which clocks are set back may be an hour longer.",
    )
    to_prefix: str | None = strawberry.field(
        default=None, description="Calls whose `to` begins so, as with `fromPrefix`; both together may be given."
    )


@strawberry.input(description="Which calls to list across accounts; conditions are joined with and.")
class AllCallsFilter(CallFilter):
    """Absent or null: no condition."""

    account_id: strawberry.ID | None = strawberry.field(default=None, description="Calls of this account.")


@strawberry.type(description="The limits of the filters of calls, and of what gateways report.")
class CallLimits:
    """Constants."""

    prefix_minimum: int = strawberry.field(
        default=filters.MINIMUM_PREFIX, description="Characters (code points) of `fromPrefix` and `toPrefix`, at least."
    )
    prefix_maximum: int = strawberry.field(
        default=filters.MAXIMUM_PREFIX, description="Characters (code points) of `fromPrefix` and `toPrefix`, at most."
    )
    prefix_days_maximum: int = strawberry.field(
        default=filters.MAXIMUM_SPAN.days,
        description="How many days lie between `since` and `until` at most, where a prefix is looked for.",
    )
    counted_maximum: int = strawberry.field(
        default=COUNT_LIMIT, description="How many calls `totalCount` counts at most; it answers no greater number."
    )
    gateway_call_id_maximum: int = strawberry.field(
        default=MAXIMUM_GATEWAY_CALL_ID, description="Characters of a gateway's own id of a call; the least is 1."
    )
    reports_maximum: int = strawberry.field(
        default=reporting.MAXIMUM_CALLS, description="How many reports one batch holds at most; the least is 1."
    )
    text_maximum: int = strawberry.field(
        default=reporting.MAXIMUM_TEXT,
        description="Characters (code points) of a report's `from`, `to`, `trunk` and `terminationReason`.",
    )
    trace_id_maximum: int = strawberry.field(
        default=reporting.MAXIMUM_TRACE_ID, description="Characters (code points) of a report's `traceId`."
    )
    sip_status_minimum: int = strawberry.field(
        default=reporting.MINIMUM_SIP_STATUS,
        description="The least number that is a `sipStatus` (RFC 3261, section 21).",
    )
    sip_status_maximum: int = strawberry.field(
        default=reporting.MAXIMUM_SIP_STATUS,
        description="The greatest number that is a `sipStatus` (RFC 3261, section 21).",
    )


# What no index serves is looked for in all calls within reach, if few or none have it.
_WALKING = ("direction", "answered", "hasRecording")
_OF_ACCOUNT = fields.Weights(conditions={**dict.fromkeys(_WALKING, 7_500), "fromPrefix": 1_500, "toPrefix": 1_500})
_NAMED = ("accountId", _OF_ACCOUNT)
_ACROSS_ACCOUNTS = {
    **dict.fromkeys(_WALKING, 8_000),
    "fromPrefix": 4_000,
    "toPrefix": 4_000,
    "applicationId": 1_000,
    "gatewayCallId": 7_000,
    "id": 500,
}
OF_ACCOUNT = fields.PageOf(
    model.Call,
    conditions=filters.CONDITIONS,
    check=filters.check,
    count_limit=COUNT_LIMIT,
    weights=dict.fromkeys(Scope, _OF_ACCOUNT),
    by="account_id",
)
"""The calls of an account, on which the field stands."""
# A provider's page is put together from the newest calls of each of its accounts: walking over all calls of the installation
# would read any number of others' before it finds 20 of an account that rarely calls. So is an admin's when it asks for what
# only an index of each account finds; otherwise all calls are an admin's, and are read off an index of ids (calls_walked).
_CALLS = fields.PageOfAll(
    model.Call,
    conditions={"account_id": fields.Condition("account_id", partial(parse_sid, Kind.ACCOUNT)), **filters.CONDITIONS},
    check=filters.check,
    count_limit=COUNT_LIMIT,
    owners=fields.Owners(model.CallAccount, "account_id", "newest_month"),
    walk=filters.WALK,
    walked=filters.WALKED,
    found=filters.FOUND,
    weights={
        Scope.ADMIN: fields.Weights(100, 200, {**_ACROSS_ACCOUNTS, **dict.fromkeys(_WALKING, 11_000)}, _NAMED),
        # Two pages an operation: of many accounts that have not called lately, all calls are read.
        Scope.SERVICE_PROVIDER: fields.Weights(12_000, 4_000, dict.fromkeys(_ACROSS_ACCOUNTS, 3_500), _NAMED),
        Scope.ACCOUNT: _OF_ACCOUNT,
    },
)
_CALL = fields.OneById(model.Call, Kind.CALL)
_COUNTED = f"`totalCount` counts to {COUNT_LIMIT:,} and no further."


@strawberry.type
class CallQueries:
    """Root fields."""

    @fields.resolver("One call by its id; null when there is none within reach.", declared=_CALL)
    async def call(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="`CA` and 32 hex digits.")]
    ) -> Call | None:
        return Call.of(await _CALL.answer(info.context, id))

    @fields.resolver(f"The calls of all accounts within reach, newest first. {_COUNTED}", declared=_CALLS)
    async def recent_calls(
        self,
        info: Info,
        first: FirstArgument = DEFAULT_FIRST,
        after: AfterArgument = None,
        filter: Annotated[AllCallsFilter | None, strawberry.argument(description="Which calls.")] = None,
    ) -> Connection[Call]:
        return Call.connection(await _CALLS.answer(info.context, first, after, filter))


@strawberry.input(
    description="What is known of a call now. Reports may come in any order, and more than once: what is absent or null is "
    "not known and keeps what was reported before; no report takes anything back. What is not of a field's type (a time that "
    "is none, a number beyond 32 bits) refuses the whole batch, with an error that names index and field; what only breaks a "
    "field's rule refuses this report alone."
)
class CallReportInput:
    """One row of a batch."""

    account_id: strawberry.ID = strawberry.field(description="The account: its id, or the UUID in it.")
    call_id: strawberry.ID = strawberry.field(
        description="The gateway's own id of the call: 1 to 128 of `A-Z a-z 0-9 . _ @ -`."
    )
    application_id: strawberry.ID | None = strawberry.field(
        default=None, description="The account's application that answers it: its id, or the UUID in it."
    )
    direction: model.CallDirection | None = strawberry.field(default=None, description="Who called.")
    from_: str | None = strawberry.field(
        default=None, name="from", description="Who called: at most 255 characters, no control characters."
    )
    to: str | None = strawberry.field(default=None, description="Who was called, likewise.")
    started_at: datetime | None = strawberry.field(
        default=None, description="When it began; the first report decides where it stands in lists."
    )
    answered_at: datetime | None = strawberry.field(default=None, description="When it was answered.")
    ended_at: datetime | None = strawberry.field(default=None, description="When it ended.")
    sip_status: int | None = strawberry.field(
        default=None, description="100 to 699. A provisional status (below 200) never replaces a final one."
    )
    termination_reason: str | None = strawberry.field(
        default=None, description="Why it ended: at most 255 characters, no control characters."
    )
    trunk: str | None = strawberry.field(default=None, description="The trunk that it came or went by, likewise.")
    trace_id: str | None = strawberry.field(
        default=None, description="The id by which traces know it: at most 128 characters, no control characters."
    )


@strawberry.input(description="Calls to be reported. An empty text means the same as null: unknown.")
class ReportCallsInput:
    """Input of reportCalls."""

    calls: list[CallReportInput] = strawberry.field(
        description=f"1 to {reporting.MAXIMUM_CALLS} reports. Several of one call are taken in their order."
    )


@strawberry.type(description="A report that was refused.")
class RejectedCall:
    """Stands over reporting.Rejected."""

    index: int = strawberry.field(description="Its place in `calls`, from 0 on.")
    errors: list[UserError] = strawberry.field(description="All that is wrong with it.")


@fields.payload(errors="What is wrong with the batch as a whole; empty when it was taken.")
class ReportCallsPayload(fields.Payload):
    accepted_count: int | None = strawberry.field(
        default=None, description="How many of the reports are stored now; null when the batch itself was refused."
    )
    rejected: list[RejectedCall] = strawberry.field(
        default_factory=list, description="The others, which change nothing; the same reports would be refused again."
    )


@strawberry.type
class CallMutations:
    """Root fields."""

    @fields.mutation(
        "Takes a voice gateway's reports of calls; good ones are kept although others are refused.",
        permissions=[IsGateway],
        open_to=OpenTo.GATEWAYS,
        weight=5_000,
    )
    async def report_calls(
        self, info: Info, input: Annotated[ReportCallsInput, strawberry.argument(description="The reports.")]
    ) -> ReportCallsPayload:
        reported = await reporting.report(info.context, cast("list[reporting.Report]", input.calls))
        rejected = [RejectedCall(index=each.index, errors=each.errors) for each in reported.rejected]
        return ReportCallsPayload(accepted_count=reported.accepted, rejected=rejected)
