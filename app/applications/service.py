"""Creates, updates and deletes applications."""

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
from app.audit.audited_update import Columns, update_row
from app.audit.rows import Rows
from app.foundation import names, quotas
from app.foundation.context import Context
from app.foundation.idempotency.run_once import run_once
from app.foundation.identifiers import Kind, new_id
from app.foundation.outbound.guard import OutboundGate
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule, ValueRule
from app.users import uniqueness
from app.users.uniqueness import UniqueConstraint
from app.webhooks.rules import WebhookChange, WebhookField, WebhookValidator

CALLING = WebhookField("callingWebhook", "applications", "calling_webhook", ("http", "https", "ws", "wss"))
CALL_STATUS = WebhookField("callStatusWebhook", "applications", "call_status_webhook")
APPLICATIONS = Rows(Application, Kind.APPLICATION, "application")


class ApplicationRule(UserErrorRule):
    APPLICATION_NAME_TAKEN = (
        UserErrorCode.NAME_TAKEN,
        "The account already has an application named “{value}” (upper and lower case count as the same).",
    )
    CALLING_WEBHOOK_REQUIRED = (
        UserErrorCode.REQUIRED,
        "The calling webhook cannot be cleared: an application needs one.",
    )
    APPLICATION_IN_USE = (
        UserErrorCode.IN_USE,
        "The account uses the application for {uses}. Delete it anyway with `force: true`.",
    )
    APPLICATION_QUOTA = (
        UserErrorCode.LIMIT_REACHED,
        "The account has {maximum:,} applications, as many as this server allows. Delete one first.",
    )


_NAME = UniqueConstraint(
    "applications_name_unique",
    "name",
    "name_key",
    ApplicationRule.APPLICATION_NAME_TAKEN,
)


@strawberry.enum(description="What an account uses an application for.")
class ApplicationUse(enum.Enum):
    DEVICE_CALLS = strawberry.enum_value(
        "DEVICE_CALLS", description="Calls of SIP devices: `Account.deviceCallingApplication`."
    )
    SIPREC_CALLS = strawberry.enum_value("SIPREC_CALLS", description="SIPREC calls: `Account.siprecApplication`.")


POINTERS = {
    ApplicationUse.DEVICE_CALLS: "device_calling_application_id",
    ApplicationUse.SIPREC_CALLS: "siprec_application_id",
}
"""The account's columns that refer to applications."""


@dataclass(frozen=True)
class ApplicationPatch:
    """The fields to change. None keeps a field, Some(None) is an explicit null."""

    name: Some[str | None] | None = None
    calling_webhook: Some[WebhookChange | None] | None = None
    call_status_webhook: Some[WebhookChange | None] | None = None
    record_all_calls: Some[bool | None] | None = None
    if_version: int | None = None


@dataclass(frozen=True)
class NewApplication:
    account_id: str
    settings: ApplicationPatch


async def create(context: Context, new: NewApplication, idempotency_key: str | None = None) -> Application:
    """Raises UserErrors: NOT_FOUND and all invalid values."""
    visible = context.viewer.visible(Application)
    application, _ = await run_once(context, idempotency_key, new, lambda: _create(context, new), visible)
    return application


async def _create(context: Context, new: NewApplication) -> Application:
    account = await ACCOUNTS.get(context, new.account_id, "accountId")
    row_id, errors = new_id(), ErrorCollector()
    values = _columns(context, row_id, None, new.settings, errors)
    errors.raise_if_any()
    async with uniqueness.report_violations(context, Application, [_NAME], values), in_transaction():
        ACCOUNTS.require(await ACCOUNTS.lock(context.viewer, account.id), "accountId")
        existing, maximum = (
            Application.filter(account_id=account.id),
            context.resources.settings.applications_per_account,
        )
        await quotas.check(existing, maximum, ApplicationRule.APPLICATION_QUOTA)
        application = await Application.create(id=row_id, account_id=account.id, **values, **trail.updated_by(context))
        await trail.record(context, application, after=values)
    return application


async def update(context: Context, application_id: str, patch: ApplicationPatch) -> Application:
    """Changes the given fields. Raises UserErrors: NOT_FOUND, CONFLICT and all invalid values."""
    found, errors = await APPLICATIONS.get(context, application_id), ErrorCollector()
    values: Columns = {}
    async with uniqueness.report_violations(context, Application, [_NAME], values), in_transaction():
        _, stored = await _locked(context, found)
        await APPLICATIONS.check_version(context, stored, patch.if_version, errors)
        values |= _columns(context, stored.id, stored, patch, errors)
        errors.raise_if_any()
        return APPLICATIONS.require(await update_row(context, Application, stored.id, values)) if values else stored


async def delete(
    context: Context, application_id: str, *, dry_run: bool, force: bool, if_version: int | None
) -> tuple[UUID | None, list[ApplicationUse]]:
    """Deletes an application in one transaction. An application in use needs `force`, which clears the uses.

    Returns the deleted id (None if nothing was deleted) and the uses. Raises UserErrors: NOT_FOUND, CONFLICT.
    """
    found = await APPLICATIONS.get(context, application_id)
    async with in_transaction():
        account, application = await _locked(context, found)
        await APPLICATIONS.check_version(context, application, if_version)
        uses = uses_of(application.id, account)
        if dry_run or (uses and not force):
            return None, uses
        if uses:
            cleared: Columns = {POINTERS[use]: None for use in uses}
            await update_row(context, Account, account.id, cleared)
        before = {"name": application.name, "used_for": [use.name for use in uses]}
        await trail.record(context, application, before=before)
        await Application.filter(id=application.id).delete()
    return application.id, uses


class _HasPointers(Protocol):
    """Has the columns POINTERS."""

    device_calling_application_id: UUID | None
    siprec_application_id: UUID | None


def uses_of(application_id: UUID, account: _HasPointers) -> list[ApplicationUse]:
    return [use for use, column in POINTERS.items() if getattr(account, column) == application_id]


async def _locked(context: Context, found: Application) -> tuple[Account, Application]:
    """Locks an application and its account until the transaction ends. Raises UserErrors NOT_FOUND."""
    account = await ACCOUNTS.lock(context.viewer, found.account_id)
    application = await Application.filter(id=found.id).select_for_update().get_or_none()
    if account is None or application is None:
        raise APPLICATIONS.not_found()
    return account, application


def _columns(
    context: Context, row_id: UUID, stored: Application | None, patch: ApplicationPatch, errors: ErrorCollector
) -> Columns:
    """The columns to write."""
    values: Columns = {}
    if patch.name is not None:
        checked = names.checked(patch.name.value, errors, "name")
        # Cut, because computing the key of an overlong text is expensive.
        values |= {"name": checked, "name_key": names.key(checked[: names.MAXIMUM])}
    if patch.record_all_calls is not None:
        values["record_all_calls"] = patch.record_all_calls.value
        if patch.record_all_calls.value is None:
            errors.add(ValueRule.NULL_NOT_ALLOWED, "recordAllCalls")
    reader = WebhookValidator(context.keyring, context.use(OutboundGate), row_id, stored, errors)
    if patch.calling_webhook is not None:
        if patch.calling_webhook.value is None:
            errors.add(ApplicationRule.CALLING_WEBHOOK_REQUIRED, CALLING.name)
        else:
            values |= reader.columns(CALLING, patch.calling_webhook.value)
    if patch.call_status_webhook is not None:
        values |= reader.columns(CALL_STATUS, patch.call_status_webhook.value)
    return values
