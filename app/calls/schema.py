"""The GraphQL types of calls and their recordings, and the mutation for call reports."""

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
from app.calls.recording_faults import RECORDING_CODES, RecordingFault
from app.foundation.access import (
    MayActAsGateway,
    MayDeleteRecordings,
    MayListenToRecordings,
    MayTestAndCallOut,
    MayViewCalls,
    OpenTo,
    Scope,
)
from app.foundation.context import Context, Info
from app.foundation.fault_codes import FaultCode, graphql_enum
from app.foundation.graphql import fields
from app.foundation.graphql.declarations import BigInt
from app.foundation.graphql.pagination import DEFAULT_FIRST, AfterArgument, Connection, FirstArgument
from app.foundation.identifiers import Kind, parse_sid
from app.foundation.outbound.failure_kind import FailureKind
from app.foundation.user_errors import UserError
from app.storage.faults import STORAGE_WORDS, StorageFault
from app.storage.model import AudioFormat, RecordingError

# Counting is limited: a page should not wait for it.
COUNT_LIMIT = 10_000


RecordingErrorCode = graphql_enum(
    "RecordingErrorCode",
    "Why a recording could not be stored.",
    *(FailureKind, StorageFault, RecordingFault),
    **STORAGE_WORDS,
)


@strawberry.type(description="Why the last attempt to store a recording failed.")
class CallRecordingError:
    code: FaultCode = strawberry.field(graphql_type=RecordingErrorCode, description="What went wrong.")
    s3_code: str | None = strawberry.field(description="The storage's own error code, such as `AccessDenied`.")
    http_status: int | None = strawberry.field(description="The storage's HTTP status.")
    message: str = strawberry.field(description="What happened, as a sentence.")
    advice: str | None = strawberry.field(description="What to do about it.")
    at: datetime | None = strawberry.field(description="When the last attempt was made.")
    next_try_at: datetime | None = strawberry.field(
        description="When the next attempt starts; null if only retryRecording starts one."
    )


def _error(error: RecordingError | None) -> CallRecordingError | None:
    if error is None:
        return None
    at, next_try_at = error.get("at"), error.get("next_attempt_at")
    return CallRecordingError(
        code=RECORDING_CODES[error["code"]],
        s3_code=error.get("s3_code"),
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


# Columns of the recording's signed URLs and of the storage's own URL.
_OF_STORAGE = (
    *("id", "account_id", "started_at", "from_number", "to_number"),
    *("recording_state", "recording_format", "recording_vendor", "recording_endpoint_url"),
    *("recording_bucket", "recording_region", "recording_key", "recording_credential_id"),
)
_OF_RECORDING = (*_OF_STORAGE, "recording_size_bytes", "recording_duration_ms", "recording_error")


@strawberry.type(description="The recording of a call. Its audio stays in the account's bucket.")
class CallRecording(fields.Backed[model.Call]):
    state: model.RecordingState = fields.column("The state of the recording.", of="recording_state")
    size_bytes: BigInt | None = fields.column(
        "Size of the object in bytes; null before it is stored.", of="recording_size_bytes"
    )
    duration_seconds: float | None = fields.computed(
        _seconds, ["recording_duration_ms"], "Length of the audio in seconds; null before it is known."
    )
    format: AudioFormat | None = fields.column(
        "The audio format; null when the call is not recorded.", of="recording_format"
    )
    url: str | None = fields.decrypted(
        _url,
        ["recording_state", "id", "account_id", "recording_format"],
        "A signed URL of the audio, valid for at most an hour for any client that has it; null unless STORED.",
        permissions=[MayListenToRecordings],
    )
    player_url: str | None = fields.decrypted(
        _player_url,
        ["recording_state", "id", "account_id"],
        "A signed URL of a page that plays it, valid as long as `url`; null unless STORED.",
        permissions=[MayListenToRecordings],
    )
    error: CallRecordingError | None = fields.computed(
        _error, ["recording_error"], "Why storing it has failed so far; null unless an attempt failed."
    )

    @fields.resolver(
        "A presigned URL of the storage, valid for 15 minutes; null unless STORED and its storage keys are kept.",
        permissions=[MayListenToRecordings],
        declared=fields.ResolvedFrom(_OF_STORAGE),
        weight=10,
    )
    async def storage_url(self, info: Info, row: strawberry.Parent[model.Call]) -> str | None:
        return await signed_urls.storage_url(info.context, row)


def _duration(answered_at: datetime | None, ended_at: datetime | None) -> float | None:
    if ended_at is None:
        return None
    return 0.0 if answered_at is None else max((ended_at - answered_at).total_seconds(), 0.0)


@fields.node(
    Kind.CALL,
    description="A call of an account as reported by its voice gateway, with its recording.",
    permissions=[MayViewCalls],
)
class Call(fields.Node[model.Call]):
    gateway_call_id: str = fields.column("The gateway's own id of the call, unique in the account.")
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The account that owns it."
    )
    application: fields.Node | None = fields.to_one(
        "Application",
        "application_id",
        row=ApplicationRow,
        description="The application that answered it; null when there was none, or when it was deleted.",
    )
    direction: model.CallDirection | None = fields.column("The direction, seen from the gateway; null if not reported.")
    from_: str | None = fields.column(
        "The caller: a number or a SIP address; null if not reported.", of="from_number", name="from"
    )
    to: str | None = fields.column("The callee: a number or a SIP address; null if not reported.", of="to_number")
    started_at: datetime = fields.column(
        "When it began. Until reported: the earliest time in the first report, or when that report arrived."
    )
    answered_at: datetime | None = fields.column("When it was answered; null if it was not.")
    ended_at: datetime | None = fields.column("When it ended; null while it continues, or if not reported.")
    duration_seconds: float | None = fields.computed(
        _duration,
        ["answered_at", "ended_at"],
        "Seconds from answer to end; 0 when it ended without an answer, null before it has ended.",
    )
    sip_status: int | None = fields.column("The newest SIP status, 100 to 699; null if not reported.")
    termination_reason: str | None = fields.column("Why it ended, in the gateway's words; null if not reported.")
    trunk: str | None = fields.column("The trunk of the call; null if not reported.")
    trace_id: str | None = fields.column("The trace id of the call; null if not reported.")
    recording: CallRecording = fields.part(SimpleNamespace, {name: name for name in _OF_RECORDING}, "Its recording.")
    viewer_can_listen: bool = fields.per_viewer(
        lambda viewer: viewer.may([MayListenToRecordings]), "Whether the caller may play and download the recording."
    )
    viewer_can_delete_recording: bool = fields.per_viewer(
        lambda viewer: viewer.may([MayViewCalls, MayDeleteRecordings]), "Whether the caller may delete the recording."
    )
    viewer_can_retry_recording: bool = fields.per_viewer(
        lambda viewer: viewer.may([MayViewCalls, MayTestAndCallOut]), "Whether the caller may retry the recording."
    )


@strawberry.input(description="Which calls to list. Conditions are combined with AND; null means no condition.")
class CallFilter:
    id: strawberry.ID | None = strawberry.field(default=None, description="The call with this id.")
    gateway_call_id: str | None = strawberry.field(default=None, description="Calls with this `gatewayCallId`.")
    application_id: strawberry.ID | None = strawberry.field(
        default=None, description="Calls answered by this application."
    )
    since: datetime | None = strawberry.field(
        default=None,
        description="Calls that began at this time or later, by the start known at their first report.",
    )
    until: datetime | None = strawberry.field(
        default=None, description="Calls that began before this time, by the start known at their first report."
    )
    direction: model.CallDirection | None = strawberry.field(default=None, description="Calls in this direction.")
    answered: bool | None = strawberry.field(default=None, description="True: answered calls; false: unanswered calls.")
    has_recording: bool | None = strawberry.field(
        default=None,
        description="True: calls with a recording in any state but DELETED; false: all other calls.",
    )
    from_prefix: str | None = strawberry.field(
        default=None,
        description=f"Calls whose `from` begins with this text of at least {filters.MINIMUM_PREFIX} characters, case-sensitive. "
        f"Needs `since`, and at most {filters.MAXIMUM_SPAN.days} days between `since` and `until` (or now); "
        "the end of daylight saving time adds an hour.",
    )
    to_prefix: str | None = strawberry.field(
        default=None, description="Calls whose `to` begins with this text, under the same rules as `fromPrefix`."
    )


@strawberry.input(
    description="Which calls to list across accounts. Conditions are combined with AND; null means no condition."
)
class AllCallsFilter(CallFilter):
    account_id: strawberry.ID | None = strawberry.field(default=None, description="Calls of this account.")


@strawberry.type(description="The limits of call filters and call reports.")
class CallLimits:
    prefix_minimum: int = strawberry.field(
        default=filters.MINIMUM_PREFIX, description="Minimum characters (code points) of `fromPrefix` and `toPrefix`."
    )
    prefix_maximum: int = strawberry.field(
        default=filters.MAXIMUM_PREFIX, description="Maximum characters (code points) of `fromPrefix` and `toPrefix`."
    )
    prefix_days_maximum: int = strawberry.field(
        default=filters.MAXIMUM_SPAN.days,
        description="Maximum days between `since` and `until` in a filter with a prefix.",
    )
    counted_maximum: int = strawberry.field(default=COUNT_LIMIT, description="Maximum value of `totalCount`.")
    gateway_call_id_maximum: int = strawberry.field(
        default=MAXIMUM_GATEWAY_CALL_ID, description="Maximum characters of a gateway's own call id; the minimum is 1."
    )
    reports_maximum: int = strawberry.field(
        default=reporting.MAXIMUM_CALLS, description="Maximum reports per batch; the minimum is 1."
    )
    text_maximum: int = strawberry.field(
        default=reporting.MAXIMUM_TEXT,
        description="Maximum characters (code points) of a report's `from`, `to`, `trunk` and `terminationReason`.",
    )
    trace_id_maximum: int = strawberry.field(
        default=reporting.MAXIMUM_TRACE_ID, description="Maximum characters (code points) of a report's `traceId`."
    )
    sip_status_minimum: int = strawberry.field(
        default=reporting.MINIMUM_SIP_STATUS,
        description="Minimum `sipStatus` (RFC 3261, section 21).",
    )
    sip_status_maximum: int = strawberry.field(
        default=reporting.MAXIMUM_SIP_STATUS,
        description="Maximum `sipStatus` (RFC 3261, section 21).",
    )


# Filters without an index search all visible calls if few or none match.
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
"""The calls of an account."""
# A provider's page is merged from the newest calls of each of its accounts: walking over all calls of the
# installation could read any number of other providers' calls first. An admin's page is merged in the same way for
# filters with an index per account; otherwise it is read from the index of all ids (calls_walked).
_CALLS = fields.PageOfAll(
    model.Call,
    conditions={"account_id": fields.Condition("account_id", partial(parse_sid, Kind.ACCOUNT)), **filters.CONDITIONS},
    check=filters.check,
    count_limit=COUNT_LIMIT,
    owners=fields.Owners(model.CallAccount, "account_id", "newest_month"),
    scan_predicate=filters.WALK,
    scanned=filters.WALKED,
    selective=filters.FOUND,
    weights={
        Scope.ADMIN: fields.Weights(100, 200, {**_ACROSS_ACCOUNTS, **dict.fromkeys(_WALKING, 11_000)}, _NAMED),
        # Two pages per operation: many accounts without recent calls make all calls be read.
        Scope.SERVICE_PROVIDER: fields.Weights(12_000, 4_000, dict.fromkeys(_ACROSS_ACCOUNTS, 3_500), _NAMED),
        Scope.ACCOUNT: _OF_ACCOUNT,
    },
)
_CALL = fields.OneById(model.Call, Kind.CALL)
_COUNTED = f"`totalCount` counts up to {COUNT_LIMIT:,}."


@strawberry.type
class CallQueries:
    @fields.resolver("One call by its id; null if not found.", declared=_CALL, permissions=[MayViewCalls])
    async def call(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="`CA` and 32 hex digits.")]
    ) -> Call | None:
        return Call.of(await _CALL.answer(info.context, id))

    @fields.resolver(
        f"The calls of all visible accounts, newest first. {_COUNTED}", declared=_CALLS, permissions=[MayViewCalls]
    )
    async def recent_calls(
        self,
        info: Info,
        first: FirstArgument = DEFAULT_FIRST,
        after: AfterArgument = None,
        filter: Annotated[AllCallsFilter | None, strawberry.argument(description="Which calls to list.")] = None,
    ) -> Connection[Call] | None:
        return Call.connection(await _CALLS.answer(info.context, first, after, filter))


@strawberry.input(
    description="What is known about a call now. Reports may come in any order and more than once. Absent and null fields are "
    "unknown and keep the reported value; a report cannot clear a value. A value of the wrong type (an invalid time, a "
    "number beyond 32 bits) rejects the whole batch with an error that names index and field. A value that breaks a "
    "field's rule rejects this report only."
)
class CallReportInput:
    account_id: strawberry.ID = strawberry.field(description="The account: its id, or the UUID in it.")
    call_id: strawberry.ID = strawberry.field(
        description="The gateway's own id of the call: 1 to 128 of `A-Z a-z 0-9 . _ @ -`."
    )
    application_id: strawberry.ID | None = strawberry.field(
        default=None, description="The account's application that answers the call: its id, or the UUID in it."
    )
    direction: model.CallDirection | None = strawberry.field(
        default=None, description="The direction, seen from the gateway."
    )
    from_: str | None = strawberry.field(
        default=None, name="from", description="The caller: at most 255 characters, no control characters."
    )
    to: str | None = strawberry.field(
        default=None, description="The callee: at most 255 characters, no control characters."
    )
    started_at: datetime | None = strawberry.field(
        default=None, description="When it began; the first report decides its position in lists."
    )
    answered_at: datetime | None = strawberry.field(default=None, description="When it was answered.")
    ended_at: datetime | None = strawberry.field(default=None, description="When it ended.")
    sip_status: int | None = strawberry.field(
        default=None, description="100 to 699. A provisional status (below 200) never replaces a final one."
    )
    termination_reason: str | None = strawberry.field(
        default=None, description="Why it ended: at most 255 characters, no control characters."
    )
    trunk: str | None = strawberry.field(
        default=None, description="The trunk of the call: at most 255 characters, no control characters."
    )
    trace_id: str | None = strawberry.field(
        default=None, description="The trace id of the call: at most 128 characters, no control characters."
    )


@strawberry.input(description="Call reports. An empty text means unknown, like null.")
class ReportCallsInput:
    calls: list[CallReportInput] = strawberry.field(
        description=f"1 to {reporting.MAXIMUM_CALLS} reports. Several reports of one call apply in order."
    )


@strawberry.type(description="A rejected report.")
class RejectedCall:
    index: int = strawberry.field(description="Its index in `calls`, from 0.")
    errors: list[UserError] = strawberry.field(description="All its errors.")


@fields.payload(errors="Errors of the batch as a whole; empty when it was accepted.")
class ReportCallsPayload(fields.Payload):
    accepted_count: int | None = strawberry.field(
        default=None, description="Number of stored reports; null when the batch was rejected."
    )
    rejected: list[RejectedCall] = strawberry.field(
        default_factory=list,
        description="The rejected reports, which changed nothing. Sending them again has the same result.",
    )


@strawberry.type
class CallMutations:
    @fields.mutation(
        "Stores a voice gateway's call reports. Valid reports are stored even if others are rejected.",
        permissions=[MayActAsGateway],
        open_to=OpenTo.GATEWAYS,
        weight=5_000,
    )
    async def report_calls(
        self, info: Info, input: Annotated[ReportCallsInput, strawberry.argument(description="The reports.")]
    ) -> ReportCallsPayload:
        reported = await reporting.report(info.context, cast("list[reporting.Report]", input.calls))
        rejected = [RejectedCall(index=each.index, errors=each.errors) for each in reported.rejected]
        return ReportCallsPayload(accepted_count=reported.accepted, rejected=rejected)
