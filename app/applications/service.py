"""What is done with applications."""

import enum
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import strawberry
from strawberry import Some
from tortoise.transactions import in_transaction

from app.accounts.lookup import ACCOUNTS
from app.accounts.model import Account
from app.applications.model import Application
from app.audit import trail
from app.audit.audited_update import Columns, change
from app.audit.rows import Rows
from app.foundation import names, quotas
from app.foundation.context import Context
from app.foundation.errors import ErrorCollector, UserErrorCode
from app.foundation.idempotency.run_once import once
from app.foundation.identifiers import Kind, new_id
from app.foundation.outbound.guard import OutboundGate
from app.users import uniqueness
from app.users.uniqueness import Unique
from app.webhooks.rules import WebhookChange, WebhookField, WebhookValidator

CALLING = WebhookField("callingWebhook", "applications", "calling_webhook", ("http", "https", "ws", "wss"))
CALL_STATUS = WebhookField("callStatusWebhook", "applications", "call_status_webhook")
APPLICATIONS = Rows(Application, Kind.APPLICATION, "application")
_NAME = Unique(
    "applications_name_unique",
    "name",
    "name_key",
    UserErrorCode.NAME_TAKEN,
    "The account has an application named “{}” already (upper and lower case count as the same).",
)


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
class ApplicationPatch:
    """What an input changes; None is what it leaves out, Some(None) an explicit null."""

    name: Some[str | None] | None = None
    calling_webhook: Some[WebhookChange | None] | None = None
    call_status_webhook: Some[WebhookChange | None] | None = None
    record_all_calls: Some[bool | None] | None = None
    if_version: int | None = None


@dataclass(frozen=True)
class NewApplication:
    """An application to be created; its settings are those of one that has none, changed."""

    account_id: str
    settings: ApplicationPatch


async def create(context: Context, new: NewApplication, idempotency_key: str | None = None) -> Application:
    """Raises UserErrors: NOT_FOUND, or all that is wrong with the values."""
    reachable = context.viewer.visible(Application)
    made, _ = await once(context, idempotency_key, new, lambda: _create(context, new), reachable)
    return made


async def _create(context: Context, new: NewApplication) -> Application:
    account = await ACCOUNTS.get(context, new.account_id, "accountId")
    row_id, problems = new_id(), ErrorCollector()
    values = _columns(context, row_id, None, new.settings, problems)
    problems.raise_if_any()
    async with uniqueness.answered(context, Application, [_NAME], values), in_transaction():
        ACCOUNTS.there(await ACCOUNTS.lock(context.viewer, account.id), "accountId")
        there, maximum = Application.filter(account_id=account.id), context.opened.settings.applications_per_account
        await quotas.check(there, maximum, f"The account has {maximum:,} applications", "Delete one first.")
        application = await Application.create(id=row_id, account_id=account.id, **values)
        await trail.record(context, application, after=values)
    return application


async def update(context: Context, application_id: str, patch: ApplicationPatch) -> Application:
    """Changes what is given and nothing else. Raises UserErrors: NOT_FOUND, CONFLICT, or all that is wrong with the values."""
    found, problems = await APPLICATIONS.get(context, application_id), ErrorCollector()
    values: Columns = {}
    async with uniqueness.answered(context, Application, [_NAME], values), in_transaction():
        _, stored = await _locked(context, found)
        APPLICATIONS.check_version(stored.version, patch.if_version, problems)
        values |= _columns(context, stored.id, stored, patch, problems)
        problems.raise_if_any()
        return APPLICATIONS.there(await change(context, Application, stored.id, values)) if values else stored


async def delete(
    context: Context, application_id: str, *, dry_run: bool, force: bool, if_version: int | None
) -> tuple[UUID | None, list[ApplicationUse]]:
    """Deletes an application in one transaction, or tells what the account uses it for.

    Answers the id that was deleted (None: nothing was) and what it was or is used for; `force` clears that. Raises UserErrors:
    NOT_FOUND, CONFLICT.
    """
    found = await APPLICATIONS.get(context, application_id)
    async with in_transaction():
        account, application = await _locked(context, found)
        APPLICATIONS.check_version(application.version, if_version)
        uses = uses_of(application.id, account)
        if dry_run or (uses and not force):
            return None, uses
        if uses:
            cleared: Columns = {POINTERS[use]: None for use in uses}
            await change(context, Account, account.id, cleared)
        told = {"name": application.name, "used_for": [use.name for use in uses]}
        await trail.record(context, application, before=told)
        await Application.filter(id=application.id).delete()
    return application.id, uses


class _Pointing(Protocol):
    """What has the columns POINTERS."""

    device_calling_application_id: UUID | None
    siprec_application_id: UUID | None


def uses_of(application_id: UUID, account: _Pointing) -> list[ApplicationUse]:
    return [use for use, column in POINTERS.items() if getattr(account, column) == application_id]


async def _locked(context: Context, found: Application) -> tuple[Account, Application]:
    """An application with its account, which no other transaction changes until this one ends. Raises UserErrors NOT_FOUND."""
    account = await ACCOUNTS.lock(context.viewer, found.account_id)
    application = await Application.filter(id=found.id).select_for_update().get_or_none()
    if account is None or application is None:
        raise APPLICATIONS.not_found()
    return account, application


def _columns(
    context: Context, row_id: UUID, stored: Application | None, patch: ApplicationPatch, problems: ErrorCollector
) -> Columns:
    """The columns to write. What is wrong goes to `problems`."""
    values: Columns = {}
    if patch.name is not None:
        checked = names.checked(patch.name.value, problems, "name")
        # Of a text that is too long, no key is made.
        values |= {"name": checked, "name_key": names.key(checked[: names.MAXIMUM])}
    if patch.record_all_calls is not None:
        values["record_all_calls"] = patch.record_all_calls.value
        if patch.record_all_calls.value is None:
            message = "This cannot be null; leave it out to keep it as it is."
            problems.add(UserErrorCode.REQUIRED, message, "recordAllCalls")
    reader = WebhookValidator(context.keyring, context.use(OutboundGate), row_id, stored, problems)
    if patch.calling_webhook is not None:
        if patch.calling_webhook.value is None:
            message = "An application needs a calling webhook; it cannot be cleared."
            problems.add(UserErrorCode.REQUIRED, message, CALLING.name)
        else:
            values |= reader.columns(CALLING, patch.calling_webhook.value)
    if patch.call_status_webhook is not None:
        values |= reader.columns(CALL_STATUS, patch.call_status_webhook.value)
    return values
