"""Creates, updates, moves, suspends and deletes accounts."""

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
from app.api_keys.creators import release_keys
from app.api_keys.model import ApiKey
from app.applications.model import Application
from app.audit import trail
from app.audit.audited_update import Columns, update_row
from app.audit.conflicts import not_found
from app.calls.model import Call, CallAccount, CallKey
from app.calls.partitions import hold_months
from app.foundation import quotas
from app.foundation.access import Scope, Viewer
from app.foundation.context import Context
from app.foundation.database.errors import violated_constraint
from app.foundation.idempotency.run_once import run_once
from app.foundation.identifiers import Kind, new_id, parse_sid
from app.foundation.outbound.guard import OutboundGate
from app.foundation.permissions import ALL
from app.foundation.revocations import Revocations
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule, UserErrors
from app.service_providers.lookup import SERVICE_PROVIDERS
from app.service_providers.model import ServiceProvider
from app.storage import service as recording
from app.storage.inputs import RecordingConfigPatch
from app.storage.model import RecordingConfig, StoredCredential
from app.users import service as users
from app.users import uniqueness
from app.users.credential_check import creator_columns, require_valid_credential
from app.users.model import User
from app.users.uniqueness import UniqueConstraint
from app.webhooks import rules
from app.webhooks.model import WebhookDelivery, WebhookKind

# Rows per DELETE, to stay below the statement timeout.
_DELETE_BATCH = 10_000


class AccountRule(UserErrorRule):
    ACCOUNT_NAME_TAKEN = (
        UserErrorCode.NAME_TAKEN,
        "The service provider already has an account named “{value}” (upper and lower case count as the same).",
    )
    SIP_REALM_TAKEN = UserErrorCode.SIP_REALM_TAKEN, "The SIP realm {value} belongs to another account."
    ACCOUNT_QUOTA = (
        UserErrorCode.LIMIT_REACHED,
        "The service provider has {maximum:,} accounts, as many as this server allows. Delete one first.",
    )
    MOVED_ACCOUNT_NAME_TAKEN = (
        UserErrorCode.NAME_TAKEN,
        "That service provider already has an account named “{value}”. Rename one of them first.",
    )
    SERVICE_PROVIDER_REQUIRED = (
        UserErrorCode.REQUIRED,
        "A service provider is required: an admin belongs to none.",
    )
    RECORDING_CONFIG_NULL = (
        UserErrorCode.REQUIRED,
        "This cannot be null. Use removeRecordingConfig to remove the configuration, or omit it to keep it.",
    )
    OWNER_OR_MANAGER_REQUIRED = (
        UserErrorCode.PERMISSION_MISSING,
        "Only the owner of the account, and managers of its service provider or of the installation, can transfer its ownership.",
    )
    OWNER_OUTSIDE = (
        UserErrorCode.INVALID,
        "The owner must be an active user of the account, of its service provider or of the installation.",
    )
    ACCOUNT_IN_USE = UserErrorCode.IN_USE, "The account still has {contents}. Delete them too with `force: true`."


_NAME = UniqueConstraint(
    "accounts_name_unique",
    "name",
    "name_key",
    AccountRule.ACCOUNT_NAME_TAKEN,
    hidden_from=frozenset({Scope.ACCOUNT}),
)
_SIP_REALM = UniqueConstraint(
    "accounts_sip_realm_unique",
    "sip_realm",
    "sip_realm",
    AccountRule.SIP_REALM_TAKEN,
    hidden_from=frozenset({Scope.ACCOUNT, Scope.SERVICE_PROVIDER}),
)
_UNIQUE = (_NAME, _SIP_REALM)


async def create(context: Context, new: NewAccount, idempotency_key: str | None = None) -> Account:
    """Creates an account of the caller's provider; an admin has to name one. Raises UserErrors, all errors at once."""
    errors = ErrorCollector()
    values = inputs.plain_columns(new.patch(), errors)
    visible = context.viewer.visible(Account)
    async with uniqueness.report_violations(context, Account, _UNIQUE, values):
        account, _ = await run_once(
            context, idempotency_key, new, lambda: _create(context, new, values, errors), visible
        )
    if account.owner_id is not None:
        context.use(Revocations).announce(account.owner_id)
    return account


async def _create(context: Context, new: NewAccount, values: Columns, errors: ErrorCollector) -> Account:
    provider_id = await _provider(context, new.service_provider_id, errors)
    errors.raise_if_any()
    account_id, maximum = new_id(), context.resources.settings.accounts_per_provider
    async with in_transaction():
        if await SERVICE_PROVIDERS.lock(context.viewer, provider_id) is None:
            raise SERVICE_PROVIDERS.not_found("serviceProviderId")
        await require_valid_credential(context.viewer)
        existing = Account.filter(service_provider_id=provider_id)
        await quotas.check(existing, maximum, AccountRule.ACCOUNT_QUOTA)
        account = await Account.create(
            id=account_id,
            service_provider_id=provider_id,
            owner_id=context.viewer.user_id,
            webhook_secret=webhook_secret.encrypt(context.keyring, account_id, webhook_secret.generate()),
            **await creator_columns(context.viewer),
            **values,
            **trail.updated_by(context),
        )
        owner = {"owner_id": account.owner_id} if account.owner_id is not None else {}
        await trail.record(context, account, after=values | owner)
    return account


async def update(context: Context, account_id: str, patch: AccountPatch) -> Account:
    """Changes the given settings, including the recording configuration: all of them or none.

    Raises UserErrors: NOT_FOUND, CONFLICT and all invalid values; a taken name or SIP realm only if nothing else is wrong.
    Raises RateLimited after too many replies that a value is taken.
    """
    errors = ErrorCollector()
    values = inputs.plain_columns(patch, errors)

    async def stored() -> Account:
        return await ACCOUNTS.get(context, account_id)

    async with uniqueness.report_violations(context, Account, _UNIQUE, values, stored):
        if patch.has_only_plain_columns and values and not errors.found:
            changed = await ACCOUNTS.try_update(context, account_id, values, if_version=patch.if_version)
            if changed is not None:
                return changed
        async with in_transaction():
            return await _update_locked(context, account_id, patch, values, errors)


async def _update_locked(
    context: Context, account_id: str, patch: AccountPatch, values: Columns, errors: ErrorCollector
) -> Account:
    """Validates against the locked row and updates it; runs in a transaction, which an error rolls back."""
    account = await ACCOUNTS.get_locked(context, account_id)
    reader = rules.WebhookValidator(context.keyring, context.use(OutboundGate), account.id, account, errors)
    for kind, webhook in (
        (WebhookKind.REGISTRATION, patch.registration_webhook),
        (WebhookKind.QUEUE_EVENT, patch.queue_event_webhook),
    ):
        if webhook is not None:
            values |= reader.columns(rules.ACCOUNT_WEBHOOKS[kind], webhook.value)
    await ACCOUNTS.check_version(context, account, patch.if_version, errors)
    for column, field, given in (
        ("device_calling_application_id", "deviceCallingApplicationId", patch.device_calling_application_id),
        ("siprec_application_id", "siprecApplicationId", patch.siprec_application_id),
    ):
        if given is not None:
            values[column] = await _application(account.id, given.value, field, errors)
    if patch.recording_config is not None:
        await _save_recording(context, account.id, patch.recording_config, errors)
    errors.raise_if_any()
    return ACCOUNTS.require(await update_row(context, Account, account.id, values)) if values else account


async def _application(account_id: UUID, given: ID | None, field: str, errors: ErrorCollector) -> UUID | None:
    """Accepts applications of this account only. Those of other accounts are reported as unknown."""
    if given is None:
        return None
    row_id = parse_sid(Kind.APPLICATION, given)
    if row_id is None or not await Application.filter(account_id=account_id, id=row_id).exists():
        errors.found += not_found("application", field).errors
    return row_id


async def _save_recording(
    context: Context, account_id: UUID, given: Some[RecordingConfigPatch | None], errors: ErrorCollector
) -> None:
    if given.value is None:
        errors.add(AccountRule.RECORDING_CONFIG_NULL, "recordingConfig")
        return
    try:
        await recording.save(context, account_id, given.value)
    except UserErrors as invalid:
        errors.found += [replace(each, field=["recordingConfig", *(each.field or ())]) for each in invalid.errors]


async def move(
    context: Context, account_id: str, service_provider_id: str, if_version: int | None
) -> tuple[Account, bool]:
    """Moves an account and its contents to another service provider. Its valid keys and sessions stay valid.

    An owner who is a user of the old provider is no longer the owner. Returns the account, and whether it lost its owner. Moving
    it to its current provider changes nothing. Raises UserErrors: NOT_FOUND, CONFLICT, NAME_TAKEN.
    """
    errors, name = ErrorCollector(), ""
    try:
        async with in_transaction():
            account = await ACCOUNTS.get_locked(context, account_id, no_key=False)
            name = account.name
            await ACCOUNTS.check_version(context, account, if_version, errors)
            provider_id = parse_sid(Kind.SERVICE_PROVIDER, service_provider_id)
            if await SERVICE_PROVIDERS.lock(context.viewer, provider_id) is None:
                errors.found += SERVICE_PROVIDERS.not_found("serviceProviderId").errors
            errors.raise_if_any()
            await release_keys(context, account.id, provider_id)
            values: Columns = {"service_provider_id": provider_id}
            is_removed = provider_id != account.service_provider_id and await _is_of_provider(account)
            if is_removed:
                values["owner_id"] = None
            moved = ACCOUNTS.require(await update_row(context, Account, account.id, values))
    except IntegrityError as error:
        if violated_constraint(error) != _NAME.constraint:
            raise
        raise UserErrors.one(AccountRule.MOVED_ACCOUNT_NAME_TAKEN, "serviceProviderId", value=name) from None
    # The new provider may be suspended, and cached credentials of the account do not depend on it.
    context.use(Revocations).announce(moved.id)
    if is_removed:
        context.use(Revocations).announce(account.owner_id)
    return moved, is_removed


async def _is_of_provider(account: Account) -> bool:
    """Whether the owner is a user of the account's provider."""
    if account.owner_id is None:
        return False
    return await User.filter(id=account.owner_id, service_provider_id=account.service_provider_id).exists()


async def transfer_ownership(context: Context, account_id: str, owner_id: str, if_version: int | None) -> Account:
    """Makes another user the owner: effective within 5 seconds for both of them. The same user changes nothing.

    Raises UserErrors: NOT_FOUND, CONFLICT, PERMISSION_MISSING, and INVALID for a user who cannot own the account.
    """
    viewer, errors = context.viewer, ErrorCollector()
    async with in_transaction():
        account = await ACCOUNTS.get_locked(context, account_id)
        await require_valid_credential(viewer)
        found = await viewer.visible(User).get_or_none(id=parse_sid(Kind.USER, owner_id))
        # The lock keeps the user from being deactivated or deleted.
        user = await User.filter(id=found.id).select_for_update(no_key=True).get_or_none() if found else None
        user = users.USERS.require(user, "ownerId")
        if not may_transfer_ownership(viewer, account.owner_id):
            raise UserErrors.one(AccountRule.OWNER_OR_MANAGER_REQUIRED, "id")
        await ACCOUNTS.check_version(context, account, if_version, errors)
        if not user.active or not _may_own(user, account):
            errors.add(AccountRule.OWNER_OUTSIDE, "ownerId")
        errors.raise_if_any()
        values = {"owner_id": user.id}
        changed = ACCOUNTS.require(await update_row(context, Account, account.id, values))
    for one in (account.owner_id, changed.owner_id):
        context.use(Revocations).announce(one)
    return changed


def may_transfer_ownership(viewer: Viewer, owner_id: UUID | None) -> bool:
    """The owner may, and callers outside the account that have every permission, as the new owner gets them all."""
    is_owner = viewer.user_id is not None and viewer.user_id == owner_id
    return is_owner or (viewer.scope is not Scope.ACCOUNT and viewer.permissions >= ALL)


def _may_own(user: User, account: Account) -> bool:
    if user.scope is Scope.ADMIN:
        return True
    return user.account_id == account.id or user.service_provider_id == account.service_provider_id


async def set_active(context: Context, account_id: str, active: bool, if_version: int | None) -> Account:
    """Suspends or resumes an account. Suspension locks out its keys and sessions within 5 seconds.

    Raises UserErrors: NOT_FOUND, CONFLICT.
    """
    account = await ACCOUNTS.update(context, account_id, {"active": active}, if_version)
    context.use(Revocations).announce(account.id)
    return account


# Contents that block a deletion without `force`.
DELETION_BLOCKERS = {
    AccountContentKind.API_KEYS,
    AccountContentKind.APPLICATIONS,
    AccountContentKind.USERS,
    AccountContentKind.CALLS,
}


async def delete(
    context: Context, account_id: str, *, dry_run: bool, force: bool, if_version: int | None
) -> tuple[UUID | None, Contents]:
    """Deletes an account with its contents in one transaction. Contents in DELETION_BLOCKERS need `force`.

    Returns the deleted id (None if nothing was deleted) and the contents. Recordings stay in the customer's bucket.
    Raises UserErrors: NOT_FOUND, CONFLICT.
    """
    async with in_transaction():
        await hold_months()
        # These locks block inserts of new keys, applications and calls, whose foreign keys refer to the locked rows.
        account = await ACCOUNTS.get_locked(context, account_id, no_key=False)
        await CallAccount.filter(id=account.id).select_for_update().get()
        await ACCOUNTS.check_version(context, account, if_version)
        held = await contents.count_contents(account.id)
        if dry_run or (not force and held.counts.keys() & DELETION_BLOCKERS):
            return None, held
        await _delete_calls(account.id)
        await ApiKey.filter(account_id=account.id).delete()
        await Account.filter(id=account.id).update(owner_id=None)  # it may be one of the users
        await users.delete_all(Q(account_id=account.id))
        await RecordingConfig.filter(account_id=account.id).delete()
        # Accounts and applications refer to each other.
        await Account.filter(id=account.id).update(device_calling_application_id=None, siprec_application_id=None)
        await Application.filter(account_id=account.id).delete()
        await WebhookDelivery.filter(account_id=account.id).delete()
        await trail.record(context, account, before={"name": account.name, "sip_realm": account.sip_realm})
        await Account.filter(id=account.id).delete()
    context.use(Revocations).announce(account.id)
    context.use(Revocations).announce(account.owner_id)
    return account.id, held


async def _delete_calls(account_id: UUID) -> None:
    """Deletes the calls and the storage keys of their recordings."""
    for model in (Call, CallKey):
        of_account = model.filter(account_id=account_id)
        while ids := await of_account.limit(_DELETE_BATCH).values_list("id", flat=True):
            await of_account.filter(id__in=list(ids)).delete()
    await StoredCredential.filter(account_id=account_id).delete()


async def _provider(context: Context, given: str | None, errors: ErrorCollector) -> UUID | None:
    viewer = context.viewer
    if given is None:
        if viewer.scope is Scope.ADMIN:
            errors.add(AccountRule.SERVICE_PROVIDER_REQUIRED, "serviceProviderId")
        return viewer.service_provider_id
    provider_id = parse_sid(Kind.SERVICE_PROVIDER, given)
    if provider_id is None or not await viewer.visible(ServiceProvider).filter(id=provider_id).exists():
        errors.found += SERVICE_PROVIDERS.not_found("serviceProviderId").errors
        return None
    return provider_id
