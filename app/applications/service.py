"""What is done with applications."""

import enum
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import Some
from tortoise.exceptions import IntegrityError
from tortoise.expressions import F
from tortoise.transactions import in_transaction

from app import names, quotas
from app.accounts import finding
from app.accounts.model import Account
from app.applications.model import Application
from app.audit import trail
from app.audit.changing import change, conflict
from app.context import Context
from app.database import violated_constraint
from app.errors import Mistakes, Problems, UserErrorCode
from app.idempotency.once import once
from app.identifiers import Kind, new_id, read
from app.outbound import OutboundGate
from app.webhooks.rules import Reader, WebhookChange, WebhookField

CALLING = WebhookField("callingWebhook", "applications", "calling_webhook", ("http", "https", "ws", "wss"))
CALL_STATUS = WebhookField("callStatusWebhook", "applications", "call_status_webhook")
# How often a change without `ifVersion` is worked out again because somebody else's came in between.
_TRIES = 5


@strawberry.enum(description="What an account uses one of its applications for.")
class ApplicationUse(enum.Enum):
    """Each is a pointer of the account."""

    DEVICE_CALLS = strawberry.enum_value(
        "DEVICE_CALLS", description="Calls of SIP devices: `Account.deviceCallingApplication`."
    )
    SIPREC_CALLS = strawberry.enum_value("SIPREC_CALLS", description="SIPREC calls: `Account.siprecApplication`.")


POINTERS = {
    ApplicationUse.DEVICE_CALLS: "device_calling_application_id",
    ApplicationUse.SIPREC_CALLS: "siprec_application_id",
}
"""The account's columns that point at applications."""


@dataclass(frozen=True)
class Changes:
    """What an input gives; None is what it leaves out, Some(None) is an explicit null."""

    name: Some[str | None] | None = None
    calling_webhook: Some[WebhookChange | None] | None = None
    call_status_webhook: Some[WebhookChange | None] | None = None
    record_all_calls: Some[bool | None] | None = None


async def create(
    context: Context, account_id: str, changes: Changes, idempotency_key: str | None = None
) -> Application:
    """Raises Mistakes: NOT_FOUND, or all that is wrong with the values."""
    reachable = context.viewer.within_reach(Application)
    given = {"account_id": account_id, "changes": changes}
    made, _ = await once(context, idempotency_key, given, lambda: _create(context, account_id, changes), reachable)
    return made


async def _create(context: Context, account_id: str, changes: Changes) -> Application:
    account = await finding.within_reach(context, account_id, "accountId")
    row_id, problems = new_id(), Problems()
    values = _columns(context, row_id, None, changes, problems)
    await _raise_if_any(problems, values, account.id, row_id)
    try:
        async with in_transaction():
            if await finding.lock(context.viewer, account.id) is None:
                raise finding.not_found("accountId")
            there, maximum = Application.filter(account_id=account.id), context.opened.settings.applications_per_account
            await quotas.check(there, maximum, f"The account has {maximum:,} applications", "Delete one first.")
            application = await Application.create(id=row_id, account_id=account.id, **values)
            await trail.note(context, application, after=values)
        return application
    except IntegrityError as error:
        if violated_constraint(error) == "applications_name_unique":
            raise Mistakes([_name_taken(values["name"])]) from None
        raise


async def update(context: Context, application_id: str, if_version: int | None, changes: Changes) -> Application:
    """Changes what is given and nothing else. Raises Mistakes: NOT_FOUND, CONFLICT, or all that is wrong with the values.

    A concurrent change loses nothing: without `if_version` this one is worked out again on top of it.
    """
    for _ in range(_TRIES):
        stored = await within_reach(context, application_id)
        problems = Problems()
        _check_version(stored, if_version, problems)
        values = _columns(context, stored.id, stored, changes, problems)
        await _raise_if_any(problems, values, stored.account_id, stored.id)
        if not values:
            return stored
        try:
            changed = await change(context, Application, stored.id, values, if_version=stored.version)
        except IntegrityError as error:
            if violated_constraint(error) == "applications_name_unique":
                raise Mistakes([_name_taken(values["name"])]) from None
            raise
        if changed is not None:
            return changed
    raise conflict("application", None)


async def delete(
    context: Context, application_id: str, *, dry_run: bool, force: bool, if_version: int | None
) -> tuple[UUID | None, list[ApplicationUse]]:
    """Deletes an application in one transaction, or tells what the account uses it for.

    Answers the id that was deleted (None: nothing was) and what it was or is used for; `force` clears that. Raises Mistakes:
    NOT_FOUND, CONFLICT.
    """
    found = await within_reach(context, application_id)
    async with in_transaction():
        account = await finding.lock(context.viewer, found.account_id)
        application = await Application.filter(id=found.id).select_for_update().get_or_none()
        if account is None or application is None:
            raise _not_found("id")
        problems = Problems()
        _check_version(application, if_version, problems)
        problems.raise_if_any()
        uses = uses_of(application.id, account)
        if dry_run or (uses and not force):
            return None, uses
        if uses:
            cleared: dict[str, Any] = {POINTERS[use]: None for use in uses}
            await Account.filter(id=account.id).update(
                **cleared, updated_at=datetime.now(UTC), version=F("version") + 1
            )
        told = {"name": application.name, "used_for": [use.name for use in uses]}
        await trail.note(context, application, before=told)
        await Application.filter(id=application.id).delete()
    return application.id, uses


def uses_of(application_id: UUID, account: Any) -> list[ApplicationUse]:
    """What an account uses an application for; `account` has the columns POINTERS."""
    return [use for use, column in POINTERS.items() if getattr(account, column) == application_id]


async def within_reach(context: Context, application_id: str, *path: str) -> Application:
    """The application, or Mistakes NOT_FOUND under `path` (default: `id`): in the same words for another tenant's."""
    row_id = read(Kind.APPLICATION, application_id)
    application = await context.viewer.within_reach(Application).get_or_none(id=row_id) if row_id else None
    if application is None:
        raise _not_found(*(path or ("id",)))
    return application


def _not_found(*path: str) -> Mistakes:
    return Mistakes.one(UserErrorCode.NOT_FOUND, "There is no such application.", *path)


def _check_version(application: Application, if_version: int | None, problems: Problems) -> None:
    if if_version not in (None, application.version):
        problems.found += conflict("application", if_version).errors


def _columns(
    context: Context, row_id: UUID, stored: Application | None, changes: Changes, problems: Problems
) -> dict[str, Any]:
    """The columns to write. What is wrong goes to `problems`."""
    values: dict[str, Any] = {}
    if changes.name is not None:
        checked = names.checked(changes.name.value, problems, "name")
        # Of a text that is too long, no key is made.
        values |= {"name": checked, "name_key": names.key(checked[: names.MAXIMUM])}
    if changes.record_all_calls is not None:
        values["record_all_calls"] = changes.record_all_calls.value
        if changes.record_all_calls.value is None:
            message = "This cannot be null; leave it out to keep it as it is."
            problems.add(UserErrorCode.REQUIRED, message, "recordAllCalls")
    reader = Reader(context.keyring, context.use(OutboundGate), row_id, stored, problems)
    if changes.calling_webhook is not None:
        if changes.calling_webhook.value is None:
            message = "An application needs a calling webhook; it cannot be cleared."
            problems.add(UserErrorCode.REQUIRED, message, CALLING.name)
        else:
            values |= reader.columns(CALLING, changes.calling_webhook.value)
    if changes.call_status_webhook is not None:
        values |= reader.columns(CALL_STATUS, changes.call_status_webhook.value)
    return values


async def _raise_if_any(problems: Problems, values: dict[str, Any], account_id: UUID, row_id: UUID) -> None:
    """Raises Mistakes when something is wrong, a name that is taken among it; by itself, the constraint tells that."""
    if not problems.found:
        return
    is_named = "name_key" in values and not any(error.field == ["name"] for error in problems.found)
    if is_named:
        others = Application.filter(account_id=account_id, name_key=values["name_key"]).exclude(id=row_id)
        if await others.exists():
            problems.found.append(_name_taken(values["name"]))
    problems.raise_if_any()


def _name_taken(name: str) -> Any:
    message = f"The account has an application named “{name}” already (upper and lower case count as the same)."
    return Mistakes.one(UserErrorCode.NAME_TAKEN, message, "name").errors[0]
