"""Call reports of voice gateways: validated one by one, stored as a batch.

A batch takes a constant number of statements. Reports are not audited: no person makes them, and the calls
hold their content.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from tortoise import BaseDBAsyncClient, connections
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from app.applications.model import Application
from app.audit.conflicts import not_found
from app.calls.keys import GATEWAY_CALL_ID, MAXIMUM_GATEWAY_CALL_ID, advance_newest_month, id_at
from app.calls.model import CallAccount, CallDirection
from app.foundation.access import Scope, Viewer
from app.foundation.context import Context
from app.foundation.events import Change, LiveEvent, LiveEvents
from app.foundation.identifiers import Kind, parse_either_sid
from app.foundation.names import has_control_characters
from app.foundation.user_errors import ErrorCollector, UserError, UserErrorCode, UserErrorRule, UserErrors

MAXIMUM_CALLS = 1_000
MAXIMUM_TEXT, MAXIMUM_TRACE_ID = 255, 128
MINIMUM_SIP_STATUS, MAXIMUM_SIP_STATUS = 100, 699
# A gateway's clock may be ahead of ours.
MAXIMUM_AHEAD = timedelta(hours=1)
# Attempts to store a batch when an account moves or a partition appears concurrently.
_ATTEMPTS = 3


class CallReportRule(UserErrorRule):
    BATCH_SIZE = UserErrorCode.OUT_OF_RANGE, "A batch must have {minimum} to {maximum} calls; this one has {count}."
    GATEWAY_CALL_ID_FORM = (
        UserErrorCode.INVALID,
        "A gateway's call id must have 1 to {maximum} of {characters}.",
    )
    SIP_STATUS_RANGE = UserErrorCode.OUT_OF_RANGE, "A SIP status must be from {minimum} to {maximum}."
    ANSWERED_BEFORE_START = UserErrorCode.OUT_OF_RANGE, "A call cannot be answered before it begins."
    ENDED_BEFORE_START = UserErrorCode.OUT_OF_RANGE, "A call cannot end before it begins or is answered."
    TIME_IN_FUTURE = UserErrorCode.OUT_OF_RANGE, "The time is in the future."
    TIME_TOO_LONG_AGO = UserErrorCode.OUT_OF_RANGE, "The time is too long ago: such calls are not kept."
    TEXT_TOO_LONG = UserErrorCode.TOO_LONG, "At most {maximum} characters; these are {length}."
    TEXT_CONTROL_CHARACTER = (
        UserErrorCode.INVALID,
        "It contains a control character (a line break, a tab, …); remove it.",
    )


class Report(Protocol):
    """A gateway's report of a call; None and an empty text mean unknown."""

    account_id: str
    call_id: str
    application_id: str | None
    direction: CallDirection | None
    from_: str | None
    to: str | None
    started_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    sip_status: int | None
    termination_reason: str | None
    trunk: str | None
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class RejectedReport:
    """A report that was rejected."""

    index: int
    errors: list[UserError]


@dataclass(frozen=True, slots=True)
class ReportResult:
    """The outcome of a batch."""

    accepted: int
    rejected: list[RejectedReport]


Key = tuple[UUID, str]
"""The account, and the gateway's id of the call."""
Values = list[Any]
"""Values of `_COLUMNS`, in their order."""
# Columns that reports fill, with their PostgreSQL types.
_COLUMNS = {
    "application_id": "uuid",
    "direction": "text",
    "from_number": "text",
    "to_number": "text",
    "started_at": "timestamptz",
    "answered_at": "timestamptz",
    "ended_at": "timestamptz",
    "sip_status": "int",
    "termination_reason": "text",
    "trunk": "text",
    "trace_id": "text",
}
_STARTED, _ANSWERED, _ENDED, _SIP = (
    list(_COLUMNS).index(name) for name in ("started_at", "answered_at", "ended_at", "sip_status")
)


async def report(context: Context, reports: Sequence[Report]) -> ReportResult:
    """Stores the valid reports and returns the rejected ones. Raises UserErrors for a batch that is empty or too large."""
    if not 1 <= len(reports) <= MAXIMUM_CALLS:
        bounds = {"minimum": 1, "maximum": MAXIMUM_CALLS}
        raise UserErrors.one(CallReportRule.BATCH_SIZE, "calls", **bounds, count=len(reports))
    for attempts_left in reversed(range(_ATTEMPTS)):
        validator = await _load_validator(context, reports)
        calls, rejected = _validate_all(validator, reports)
        try:
            ids = await _store(context.viewer, calls, validator.newest_months)
            break
        except (IntegrityError, _AccountMoved):
            if not attempts_left:
                raise
    changed = (LiveEvent(account, ids[account, gateway_call_id], Change.CALL) for account, gateway_call_id in calls)
    context.use(LiveEvents).publish(*changed)
    return ReportResult(len(reports) - len(rejected), rejected)


def _validate_all(
    validator: "_ReportValidator", reports: Sequence[Report]
) -> tuple[dict[Key, Values], list[RejectedReport]]:
    """Merged values by call, and the rejected reports."""
    calls: dict[Key, Values] = {}
    rejected = []
    for index, each in enumerate(reports):
        errors = ErrorCollector()
        account_id = validator.accounts.get(each.account_id)
        values = validator.values(each, account_id, errors, str(index))
        if account_id is None or errors.found:
            rejected.append(RejectedReport(index, errors.found))
        else:
            key = (account_id, each.call_id)
            known = calls.get(key)
            calls[key] = values if known is None else _merged(known, values)
    return calls, rejected


def _merged(known: Values, values: Values) -> Values:
    merged = [old if new is None else new for old, new in zip(known, values, strict=True)]
    if _is_final(known[_SIP]) and not _is_final(merged[_SIP]):
        merged[_SIP] = known[_SIP]
    return merged


def _is_final(sip_status: int | None) -> bool:
    return sip_status is not None and sip_status >= 200


async def _load_validator(context: Context, reports: Sequence[Report]) -> "_ReportValidator":
    """Loads all accounts and applications that the reports name and the caller can see."""
    viewer = context.viewer
    accounts = _parse_ids(Kind.ACCOUNT, (each.account_id for each in reports))
    applications = _parse_ids(Kind.APPLICATION, (each.application_id or None for each in reports))
    visible = viewer.visible(CallAccount).filter(id__in=set(accounts.values()))
    found_accounts = dict(await visible.values_list("id", "newest_month"))
    owners: dict[UUID, UUID] = {}
    if applications:
        found_applications = viewer.visible(Application).filter(id__in=set(applications.values()))
        owners = dict(await found_applications.values_list("id", "account_id"))
    unknown = {
        (accounts[each.account_id], applications[each.application_id])
        for each in reports
        if each.application_id in applications
        and applications[each.application_id] not in owners
        and accounts.get(each.account_id) in found_accounts
    }
    now = datetime.now(UTC)
    return _ReportValidator(
        accounts={text: found for text, found in accounts.items() if found in found_accounts},
        newest_months=found_accounts,
        applications=applications,
        account_applications={(account_id, row_id) for row_id, account_id in owners.items()}
        | await _past_applications(unknown),
        earliest=now - timedelta(days=context.resources.settings.call_days),
        latest=now + MAXIMUM_AHEAD,
    )


async def _past_applications(applications: set[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Filters pairs of an account and a missing application to those with known calls: the application was deleted."""
    if not applications:
        return set()
    statement = (
        f"SELECT a.id, g.application_id FROM {_unnest({'account_id': 'uuid', 'application_id': 'uuid'})} g "  # noqa: S608
        "JOIN call_accounts a ON a.id = g.account_id "
        "WHERE EXISTS (SELECT FROM calls c WHERE c.account_id = a.id AND c.application_id = g.application_id)"
    )
    rows = await connections.get("default").execute_query_dict(statement, _column_arrays(list(applications)))
    return {(row["id"], row["application_id"]) for row in rows}


def _parse_ids(kind: Kind, texts: Iterable[str | None]) -> dict[str, UUID]:
    named = {text: parse_either_sid(kind, text) for text in set(texts) if text is not None}
    return {text: found for text, found in named.items() if found is not None}


@dataclass(frozen=True, slots=True)
class _ReportValidator:
    """Validates reports against the accounts and applications that they name."""

    accounts: Mapping[str, UUID]
    newest_months: Mapping[UUID, UUID | None]
    """By account."""
    applications: Mapping[str, UUID]
    account_applications: Set[tuple[UUID, UUID]]
    """Pairs of an account and an application that it has or had."""
    earliest: datetime
    latest: datetime

    def values(self, given: Report, account_id: UUID | None, errors: ErrorCollector, index: str) -> Values:
        """The values of a report; adds its errors to `errors`."""
        at = ("calls", index)
        if account_id is None:
            errors.found += not_found("account", *at, "accountId").errors
        if not GATEWAY_CALL_ID.fullmatch(given.call_id):
            rule, allowed = CallReportRule.GATEWAY_CALL_ID_FORM, "A-Z, a-z, 0-9, '.', '_', '@' and '-'"
            errors.add(rule, *at, "callId", maximum=MAXIMUM_GATEWAY_CALL_ID, characters=allowed)
        if given.sip_status is not None and not MINIMUM_SIP_STATUS <= given.sip_status <= MAXIMUM_SIP_STATUS:
            bounds = {"minimum": MINIMUM_SIP_STATUS, "maximum": MAXIMUM_SIP_STATUS}
            errors.add(CallReportRule.SIP_STATUS_RANGE, *at, "sipStatus", **bounds)
        started_at, answered_at, ended_at = given.started_at, given.answered_at, given.ended_at
        self._check_time(started_at, errors, *at, "startedAt")
        self._check_time(answered_at, errors, *at, "answeredAt")
        self._check_time(ended_at, errors, *at, "endedAt")
        if started_at is not None and answered_at is not None and answered_at < started_at:
            errors.add(CallReportRule.ANSWERED_BEFORE_START, *at, "answeredAt")
        before = answered_at or started_at
        if ended_at is not None and before is not None and ended_at < before:
            errors.add(CallReportRule.ENDED_BEFORE_START, *at, "endedAt")
        return [
            self._application(given.application_id, account_id, errors, *at),
            None if given.direction is None else given.direction.value,
            _text(given.from_, MAXIMUM_TEXT, errors, *at, "from"),
            _text(given.to, MAXIMUM_TEXT, errors, *at, "to"),
            started_at,
            answered_at,
            ended_at,
            given.sip_status,
            _text(given.termination_reason, MAXIMUM_TEXT, errors, *at, "terminationReason"),
            _text(given.trunk, MAXIMUM_TEXT, errors, *at, "trunk"),
            _text(given.trace_id, MAXIMUM_TRACE_ID, errors, *at, "traceId"),
        ]

    def _application(self, text: str | None, account_id: UUID | None, errors: ErrorCollector, *at: str) -> UUID | None:
        if not text or account_id is None:
            return None
        application_id = self.applications.get(text)
        if application_id is None or (account_id, application_id) not in self.account_applications:
            errors.found += not_found("application", *at, "applicationId").errors
        return application_id

    def _check_time(self, time: datetime | None, errors: ErrorCollector, *path: str) -> None:
        if time is not None and not self.earliest <= time <= self.latest:
            is_future = time > self.latest
            errors.add(CallReportRule.TIME_IN_FUTURE if is_future else CallReportRule.TIME_TOO_LONG_AGO, *path)


def _text(value: str | None, maximum: int, errors: ErrorCollector, *path: str) -> str | None:
    if not value:
        return None
    if len(value) > maximum:
        errors.add(CallReportRule.TEXT_TOO_LONG, *path, maximum=maximum, length=len(value))
    elif has_control_characters(value):
        errors.add(CallReportRule.TEXT_CONTROL_CHARACTER, *path)
    return value


class _AccountMoved(Exception):
    """An account moved to another provider after the reports were validated."""


async def _store(
    viewer: Viewer, calls: Mapping[Key, Values], newest_months: Mapping[UUID, UUID | None]
) -> dict[Key, UUID]:
    """Stores all calls in one transaction; returns their ids. Raises IntegrityError and _AccountMoved."""
    if not calls:
        return {}
    now = datetime.now(UTC)
    async with in_transaction() as client:
        await _lock_accounts(client, viewer, {account_id for account_id, _ in calls})
        ids = await _get_or_create_ids(client, calls, now)
        # One order and one statement, so that two batches do not deadlock.
        keys = sorted(calls, key=lambda key: (key[0], ids[key]))
        for account_id, newest in {
            account_id: ids[account_id, gateway_call_id] for account_id, gateway_call_id in keys
        }.items():
            await advance_newest_month(account_id, newest, newest_months[account_id])
        rows = [(ids[key], *key, *_with_start(calls[key], now), calls[key][_STARTED] is not None) for key in keys]
        await _UPSERT_CALLS.run(client, rows, now)
    return ids


async def _lock_accounts(client: BaseDBAsyncClient, viewer: Viewer, account_ids: Set[UUID]) -> None:
    """Locks accounts so that they stay visible until the transaction ends. Raises _AccountMoved if one is not visible.

    The lock is that of a foreign key check, so reports do not wait for each other. A move does wait: it changes
    a column of the unique constraint `accounts_name_unique`.
    """
    if viewer.scope is not Scope.SERVICE_PROVIDER:
        return
    statement = "SELECT id FROM accounts WHERE id = ANY($1) AND service_provider_id = $2 ORDER BY id FOR KEY SHARE"
    locked = await client.execute_query_dict(statement, [list(account_ids), viewer.service_provider_id])
    if len(locked) < len(account_ids):
        raise _AccountMoved


def _with_start(values: Values, now: datetime) -> Values:
    return [*values[:_STARTED], _start_time(values, now), *values[_STARTED + 1 :]]


def _start_time(values: Values, now: datetime) -> datetime:
    """The best known start of a call."""
    start: datetime = values[_STARTED] or min(
        (each for each in (values[_ANSWERED], values[_ENDED]) if each), default=now
    )
    return start


async def _get_or_create_ids(client: BaseDBAsyncClient, calls: Mapping[Key, Values], now: datetime) -> dict[Key, UUID]:
    """Ids of all calls; missing ones are created. Concurrent callers get the same id for a new call."""
    found = await _find_ids(client, calls)
    missing = sorted(key for key in calls if key not in found)
    if missing:
        made = {key: id_at(_start_time(calls[key], now)) for key in missing}
        taken = {row["id"] for row in await _INSERT_KEYS.run(client, [(made[key], *key) for key in missing])}
        found |= {key: row_id for key, row_id in made.items() if row_id in taken}
        if len(taken) < len(missing):
            found |= await _find_ids(client, [key for key in missing if key not in found])
    return found


async def _find_ids(client: BaseDBAsyncClient, keys: Iterable[Key]) -> dict[Key, UUID]:
    source = _unnest({"account_id": "uuid", "gateway_call_id": "text"})
    statement = (
        f"SELECT k.account_id, k.gateway_call_id, k.id FROM {source} g JOIN call_keys k "  # noqa: S608  names of ours
        "ON k.account_id = g.account_id AND k.gateway_call_id = g.gateway_call_id"
    )
    rows = await client.execute_query_dict(statement, _column_arrays(list(keys)))
    return {(row["account_id"], row["gateway_call_id"]): row["id"] for row in rows}


def _unnest(types: Mapping[str, str]) -> str:
    """A table expression of parameters: one array per column."""
    arrays = ", ".join(f"${number}::{type_}[]" for number, type_ in enumerate(types.values(), 1))
    return f"(SELECT * FROM unnest({arrays}) u({', '.join(types)}))"  # noqa: S608


def _column_arrays(rows: Sequence[Sequence[object]], *more: datetime) -> list[object]:
    return [*map(list, zip(*rows, strict=True)), *more]


class _Insert:
    """An INSERT of rows. A single row uses VALUES, which is faster."""

    def __init__(self, table: str, types: Mapping[str, str], constants: Mapping[str, str], ending: str) -> None:
        names, values = (
            ", ".join((*types, *constants)),
            [f"${number}::{each}" for number, each in enumerate(types.values(), 1)],
        )
        one, many = ", ".join((*values, *constants.values())), ", ".join(("g.*", *constants.values()))
        self._one = f"INSERT INTO {table} ({names}) VALUES ({one}) {ending}"  # noqa: S608  names of ours
        self._many = f"INSERT INTO {table} ({names}) SELECT {many} FROM {_unnest(types)} g WHERE true {ending}"  # noqa: S608

    async def run(
        self, client: BaseDBAsyncClient, rows: Sequence[Sequence[object]], *more: datetime
    ) -> list[dict[str, Any]]:
        """`more` are values after those of the rows."""
        if len(rows) == 1:
            return await client.execute_query_dict(self._one, [*rows[0], *more])
        return await client.execute_query_dict(self._many, _column_arrays(rows, *more))


_KEY = {"id": "uuid", "account_id": "uuid", "gateway_call_id": "text"}
_INSERT_KEYS = _Insert("call_keys", _KEY, {}, "ON CONFLICT DO NOTHING RETURNING id")


def _upsert_calls() -> _Insert:
    """Takes id, account, gateway's id, `_COLUMNS` and whether a start was reported; then the current time."""
    types = {**_KEY, **_COLUMNS, "start_reported": "boolean"}
    kept = {name: f"COALESCE(excluded.{name}, calls.{name})" for name in _COLUMNS}
    kept["sip_status"] = (
        "CASE WHEN excluded.sip_status < 200 AND calls.sip_status >= 200 THEN calls.sip_status "
        f"ELSE {kept['sip_status']} END"
    )
    # A report without a start must not change a known start.
    kept["started_at"] = "CASE WHEN excluded.start_reported THEN excluded.started_at ELSE calls.started_at END"
    kept["start_reported"] = "calls.start_reported OR excluded.start_reported"
    changes = ", ".join(f"{name} = {value}" for name, value in kept.items())
    constants = {"recording_state": "'NONE'", "recording_attempts": "0", "updated_at": f"${len(types) + 1}"}
    ending = f"ON CONFLICT (account_id, id) DO UPDATE SET {changes}, updated_at = excluded.updated_at"
    return _Insert("calls", types, constants, ending)


_UPSERT_CALLS = _upsert_calls()
