"""What is done with accounts: created, changed, moved, suspended and deleted."""

from dataclasses import replace
from uuid import UUID

from strawberry import ID, Some
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from app.accounts import contents, inputs, webhook_secret
from app.accounts.contents import AccountContentKind, Contents
from app.accounts.inputs import AccountPatch, NewAccount
from app.accounts.lookup import ACCOUNTS
from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.applications.model import Application
from app.audit import trail
from app.audit.audited_update import Columns, change
from app.calls.model import Call, CallAccount, CallKey
from app.calls.partitions import hold_months
from app.foundation import quotas
from app.foundation.access import Scope
from app.foundation.context import Context
from app.foundation.database.orm import violated_constraint
from app.foundation.errors import ErrorCollector, UserErrorCode, UserErrors
from app.foundation.idempotency.run_once import once
from app.foundation.identifiers import Kind, new_id, parse_sid
from app.foundation.outbound.guard import OutboundGate
from app.foundation.revocations import Revocations
from app.service_providers.lookup import SERVICE_PROVIDERS
from app.service_providers.model import ServiceProvider
from app.storage import service as recording
from app.storage.inputs import RecordingConfigPatch
from app.storage.model import RecordingConfig, StoredCredential
from app.users import service as users
from app.users import uniqueness
from app.users.uniqueness import Unique
from app.webhooks import rules
from app.webhooks.model import WebhookDelivery, WebhookKind

# Rows of one statement, so that each ends in time.
_DELETED_AT_ONCE = 10_000
_NAME = Unique(
    "accounts_name_unique",
    "name",
    "name_key",
    UserErrorCode.NAME_TAKEN,
    "The service provider has an account named “{}” already (upper and lower case count as the same).",
    hidden_from=frozenset({Scope.ACCOUNT}),
)
_SIP_REALM = Unique(
    "accounts_sip_realm_unique",
    "sip_realm",
    "sip_realm",
    UserErrorCode.SIP_REALM_TAKEN,
    "The SIP realm {} belongs to another account.",
    hidden_from=frozenset({Scope.ACCOUNT, Scope.SERVICE_PROVIDER}),
)
_UNIQUE = (_NAME, _SIP_REALM)


async def create(context: Context, new: NewAccount, idempotency_key: str | None = None) -> Account:
    """An account of the caller's own provider; an admin says of which. Raises UserErrors, all of them at once."""
    problems = ErrorCollector()
    values = inputs.plain_columns(new.patch(), problems)
    reachable = context.viewer.visible(Account)
    async with uniqueness.answered(context, Account, _UNIQUE, values):
        account, _ = await once(
            context, idempotency_key, new, lambda: _create(context, new, values, problems), reachable
        )
    return account


async def _create(context: Context, new: NewAccount, values: Columns, problems: ErrorCollector) -> Account:
    provider_id = await _provider(context, new.service_provider_id, problems)
    problems.raise_if_any()
    account_id, maximum = new_id(), context.opened.settings.accounts_per_provider
    async with in_transaction():
        if await SERVICE_PROVIDERS.lock(context.viewer, provider_id) is None:
            raise _no_provider()
        there = Account.filter(service_provider_id=provider_id)
        await quotas.check(there, maximum, f"The service provider has {maximum:,} accounts", "Delete one first.")
        account = await Account.create(
            id=account_id,
            service_provider_id=provider_id,
            webhook_secret=webhook_secret.sealed(context.keyring, account_id, webhook_secret.new()),
            **values,
        )
        await trail.record(context, account, after=values)
    return account


async def update(context: Context, account_id: str, patch: AccountPatch) -> Account:
    """Changes what is given and nothing else, the recording configuration with it or nothing at all.

    Raises UserErrors: NOT_FOUND, CONFLICT, or all that is wrong with the values; a name or SIP realm that is taken when nothing
    else is wrong. And RateLimited.
    """
    problems = ErrorCollector()
    values = inputs.plain_columns(patch, problems)

    async def stored() -> Account:
        return await ACCOUNTS.get(context, account_id)

    async with uniqueness.answered(context, Account, _UNIQUE, values, stored):
        if patch.has_plain_columns_alone and values and not problems.found:
            changed = await ACCOUNTS.change(context, account_id, values, if_version=patch.if_version)
            if changed is not None:
                return changed
        async with in_transaction():
            return await _update_locked(context, account_id, patch, values, problems)


async def _update_locked(
    context: Context, account_id: str, patch: AccountPatch, values: Columns, problems: ErrorCollector
) -> Account:
    """Reads what is stored with a lock, so that nothing comes in between; what is wrong rolls all of it back."""
    account = await ACCOUNTS.locked(context, account_id)
    reader = rules.WebhookValidator(context.keyring, context.use(OutboundGate), account.id, account, problems)
    for kind, webhook in (
        (WebhookKind.REGISTRATION, patch.registration_webhook),
        (WebhookKind.QUEUE_EVENT, patch.queue_event_webhook),
    ):
        if webhook is not None:
            values |= reader.columns(rules.ACCOUNT_WEBHOOKS[kind], webhook.value)
    ACCOUNTS.check_version(account.version, patch.if_version, problems)
    for column, field, given in (
        ("device_calling_application_id", "deviceCallingApplicationId", patch.device_calling_application_id),
        ("siprec_application_id", "siprecApplicationId", patch.siprec_application_id),
    ):
        if given is not None:
            values[column] = await _application(account.id, given.value, field, problems)
    if patch.recording_config is not None:
        await _save_recording(context, account.id, patch.recording_config, problems)
    problems.raise_if_any()
    return ACCOUNTS.there(await change(context, Account, account.id, values)) if values else account


async def _application(account_id: UUID, given: ID | None, field: str, problems: ErrorCollector) -> UUID | None:
    """An application of this account; one of another account is not there."""
    if given is None:
        return None
    row_id = parse_sid(Kind.APPLICATION, given)
    if row_id is None or not await Application.filter(account_id=account_id, id=row_id).exists():
        problems.add(UserErrorCode.NOT_FOUND, "The account has no such application.", field)
    return row_id


async def _save_recording(
    context: Context, account_id: UUID, given: Some[RecordingConfigPatch | None], problems: ErrorCollector
) -> None:
    if given.value is None:
        message = "This cannot be null; remove the configuration with removeRecordingConfig, or leave it out."
        problems.add(UserErrorCode.REQUIRED, message, "recordingConfig")
        return
    try:
        await recording.save(context, account_id, given.value)
    except UserErrors as mistakes:
        problems.found += [replace(each, field=["recordingConfig", *(each.field or ())]) for each in mistakes.errors]


async def move(context: Context, account_id: str, service_provider_id: str, if_version: int | None) -> Account:
    """To another service provider, with all that is inside; to the one that runs it already changes nothing.

    Nothing is closed. Raises UserErrors: NOT_FOUND, CONFLICT, NAME_TAKEN when the provider has an account of that name.
    """
    problems, name = ErrorCollector(), ""
    try:
        async with in_transaction():
            account = await ACCOUNTS.locked(context, account_id, "accountId", no_key=False)
            name = account.name
            ACCOUNTS.check_version(account.version, if_version, problems)
            provider_id = parse_sid(Kind.SERVICE_PROVIDER, service_provider_id)
            if await SERVICE_PROVIDERS.lock(context.viewer, provider_id) is None:
                problems.found += _no_provider().errors
            problems.raise_if_any()
            values = {"service_provider_id": provider_id}
            moved = ACCOUNTS.there(await change(context, Account, account.id, values), "accountId")
    except IntegrityError as error:
        if violated_constraint(error) != _NAME.constraint:
            raise
        message = f"That service provider has an account named “{name}” already; rename one of them first."
        raise UserErrors.one(UserErrorCode.NAME_TAKEN, message, "serviceProviderId") from None
    # Its new provider may be suspended, and what was looked up before does not rest on that one.
    context.use(Revocations).announce(moved.id)
    return moved


async def set_active(context: Context, account_id: str, active: bool, if_version: int | None) -> Account:
    """Suspends or resumes; suspended, every key under the account is closed within 5 s.

    Raises UserErrors: NOT_FOUND, CONFLICT.
    """
    account = await ACCOUNTS.changed(context, account_id, {"active": active}, if_version)
    context.use(Revocations).announce(account.id)
    return account


# What somebody may still need, and only goes when it is wished.
IN_THE_WAY = {
    AccountContentKind.API_KEYS,
    AccountContentKind.APPLICATIONS,
    AccountContentKind.USERS,
    AccountContentKind.CALLS,
}


async def delete(
    context: Context, account_id: str, *, dry_run: bool, force: bool, if_version: int | None
) -> tuple[UUID | None, Contents]:
    """Deletes an account in one transaction; without `force` only when nothing in it stands in the way.

    Answers the id that was deleted (None: nothing was) and what went or would go with it. Recordings in the customer's
    bucket are not touched. Raises UserErrors: NOT_FOUND, CONFLICT.
    """
    async with in_transaction():
        await hold_months()
        # The locks keep new keys, applications and calls from coming in between count and deletion: their foreign keys wait.
        account = await ACCOUNTS.locked(context, account_id, no_key=False)
        await CallAccount.filter(id=account.id).select_for_update().get()
        ACCOUNTS.check_version(account.version, if_version)
        held = await contents.of_account(account.id)
        if dry_run or (not force and held.counts.keys() & IN_THE_WAY):
            return None, held
        await _delete_calls(account.id)
        await ApiKey.filter(account_id=account.id).delete()
        await users.delete_all(Q(account_id=account.id))
        await RecordingConfig.filter(account_id=account.id).delete()
        # The two point at each other.
        await Account.filter(id=account.id).update(device_calling_application_id=None, siprec_application_id=None)
        await Application.filter(account_id=account.id).delete()
        await WebhookDelivery.filter(account_id=account.id).delete()
        await trail.record(context, account, before={"name": account.name, "sip_realm": account.sip_realm})
        await Account.filter(id=account.id).delete()
    context.use(Revocations).announce(account.id)
    return account.id, held


async def _delete_calls(account_id: UUID) -> None:
    """With the keys that their recordings were stored with; takes part in a surrounding transaction."""
    for model in (Call, CallKey):
        of_account = model.filter(account_id=account_id)
        while ids := await of_account.limit(_DELETED_AT_ONCE).values_list("id", flat=True):
            await of_account.filter(id__in=list(ids)).delete()
    await StoredCredential.filter(account_id=account_id).delete()


async def _provider(context: Context, given: str | None, problems: ErrorCollector) -> UUID | None:
    viewer = context.viewer
    if given is None:
        if viewer.scope is Scope.ADMIN:
            message = "Say which service provider runs the account; an admin belongs to none."
            problems.add(UserErrorCode.REQUIRED, message, "serviceProviderId")
        return viewer.service_provider_id
    provider_id = parse_sid(Kind.SERVICE_PROVIDER, given)
    if provider_id is None or not await viewer.visible(ServiceProvider).filter(id=provider_id).exists():
        problems.found += _no_provider().errors
        return None
    return provider_id


def _no_provider() -> UserErrors:
    return UserErrors.one(UserErrorCode.NOT_FOUND, "There is no such service provider.", "serviceProviderId")
