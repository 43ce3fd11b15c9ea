"""What is done with accounts.

Long because an account has every setting of its page, and all that one form sends is saved together or not at all.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from strawberry import ID, Some
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from app import quotas
from app.access import Scope
from app.accounts import contents, inputs
from app.accounts.contents import AccountContentKind, Contents
from app.accounts.finding import lock, not_found
from app.accounts.finding import within_reach as within_reach  # noqa: PLC0414  what other rooms know it by
from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.applications.model import Application
from app.audit import trail
from app.audit.changing import change, conflict
from app.audit.reads import SecretReads
from app.calls.model import Call, CallAccount, CallKey
from app.context import Context
from app.database import lacks_owner, violated_constraint
from app.encryption import Keyring
from app.errors import Mistakes, Problems, RateLimited, UserError, UserErrorCode
from app.idempotency.once import once
from app.identifiers import Kind, new_id, read
from app.outbound import OutboundGate
from app.recording import service as recording
from app.recording.model import RecordingConfig, StoredCredential
from app.revocations import Revocations
from app.service_providers import finding as service_providers
from app.service_providers.model import ServiceProvider
from app.users import service as users
from app.users import taken
from app.webhooks import rules
from app.webhooks.model import WebhookDelivery, WebhookKind
from app.webhooks.rules import WebhookChange

MAXIMUM_OVERLAP_HOURS = 720
# How often a change that needs what is stored is worked out again because somebody else's came in between.
_TRIES = 5
# Rows of one statement, so that each ends in time.
_DELETED_AT_ONCE = 10_000
Webhooks = Mapping[WebhookKind, WebhookChange | None]
# The columns that point at the account's applications, with their input fields.
_APPLICATION_FIELDS = {
    "device_calling_application_id": "deviceCallingApplicationId",
    "siprec_application_id": "siprecApplicationId",
}
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True)
class RecordingChanges:
    """Changes to the recording configuration that are saved together with the account's."""

    if_version: int | None
    changes: recording.Changes


async def create(
    context: Context,
    *,
    service_provider_id: str | None,
    name: str,
    sip_realm: str | None,
    usage_limit: inputs.Limit | None,
    licensed_sessions: int | None,
    idempotency_key: str | None = None,
) -> Account:
    """An account of the caller's own provider; an admin says of which. Raises Mistakes, all of them at once."""
    given: dict[str, Any] = {
        "service_provider_id": service_provider_id,
        "name": name,
        "sip_realm": sip_realm,
        "usage_limit": usage_limit,
        "licensed_sessions": licensed_sessions,
    }
    reachable = context.viewer.within_reach(Account)
    asked, _ = inputs.read_changes(Some(name), Some(sip_realm) if sip_realm is not None else None, None, None)
    await _check_taken(context, None, asked)
    try:
        account, _ = await once(context, idempotency_key, given, lambda: _create(context, **given), reachable)
    except Mistakes as mistakes:
        await _note_taken(context, None, asked, mistakes)
        raise
    return account


async def _create(
    context: Context,
    *,
    service_provider_id: str | None,
    name: str,
    sip_realm: str | None,
    usage_limit: inputs.Limit | None,
    licensed_sessions: int | None,
) -> Account:
    problems = Problems()
    provider_id = await _provider(context, service_provider_id, problems)
    values: dict[str, Any] = {}
    inputs.read_name(name, values, problems)
    if sip_realm is not None:
        inputs.read_sip_realm(sip_realm, values, problems)
    if usage_limit is not None:
        inputs.read_limit(usage_limit, values, problems)
    if licensed_sessions is not None:
        inputs.read_licensed_sessions(licensed_sessions, values, problems)
    problems.raise_if_any()
    if provider_id is not None:
        await _refuse_taken(values, provider_id, None)
    account_id, settings = new_id(), context.opened.settings
    try:
        async with in_transaction():
            if await service_providers.lock(context.viewer, provider_id) is None:
                raise _no_provider()
            there, maximum = Account.filter(service_provider_id=provider_id), settings.accounts_per_provider
            await quotas.check(there, maximum, f"The service provider has {maximum:,} accounts", "Delete one first.")
            account = await Account.create(
                id=account_id,
                service_provider_id=provider_id,
                webhook_secret=_sealed(context.keyring, account_id, new_webhook_secret()),
                **values,
            )
            await trail.note(context, account, after=values)
        return account
    except IntegrityError as error:
        raise _taken(error, values) from None


async def update(
    context: Context,
    account_id: str,
    if_version: int | None,
    *,
    name: Some[str | None] | None,
    sip_realm: Some[str | None] | None,
    usage_limit: Some[inputs.Limit | None] | None,
    licensed_sessions: Some[int | None] | None,
    webhooks: Webhooks,
    device_calling_application_id: Some[ID | None] | None = None,
    siprec_application_id: Some[ID | None] | None = None,
    recording_config: Some[RecordingChanges | None] | None = None,
) -> Account:
    """Changes what is given and nothing else, the recording configuration with it or nothing at all.

    A webhook that is None is cleared.

    Raises Mistakes: NOT_FOUND, CONFLICT, or all that is wrong with the values. A concurrent change loses nothing: without
    `if_version`, what depends on the stored webhooks is worked out again on top of it.
    """
    values, problems = inputs.read_changes(name, sip_realm, usage_limit, licensed_sessions)
    _read_application(device_calling_application_id, "device_calling_application_id", values, problems)
    _read_application(siprec_application_id, "siprec_application_id", values, problems)
    await _check_taken(context, account_id, values)
    try:
        if recording_config is not None:
            return await _update_with_recording(
                context, account_id, if_version, values, webhooks, recording_config.value, problems
            )
        if webhooks:
            return await _update_with_webhooks(context, account_id, if_version, values, problems, webhooks)
        return await _update(context, account_id, if_version, values, problems)
    except Mistakes as mistakes:
        await _note_taken(context, account_id, values, mistakes)
        raise


# What a scope would learn of accounts that it does not see, when it is told that this is taken.
_UNSEEN = {
    Scope.ADMIN: {},
    Scope.SERVICE_PROVIDER: {"sip_realm": UserErrorCode.SIP_REALM_TAKEN},
    Scope.ACCOUNT: {"sip_realm": UserErrorCode.SIP_REALM_TAKEN, "name": UserErrorCode.NAME_TAKEN},
}


async def _check_taken(context: Context, account_id: str | None, values: Mapping[str, Any]) -> None:
    """Raises RateLimited when the caller was told so often what is taken that no more is tried, but for what stays as it is."""
    asked = {column: values[column] for column in _UNSEEN[context.viewer.scope] if values.get(column)}
    if not asked:
        return
    try:
        await taken.check(context)
    except RateLimited:
        # A form sends what is stored with whatever else is changed.
        stored = await within_reach(context, account_id) if account_id is not None else None
        if any(getattr(stored, column, None) != value for column, value in asked.items()):
            raise


async def _note_taken(context: Context, account_id: str | None, values: Mapping[str, Any], mistakes: Mistakes) -> None:
    """Audits and counts what was found taken. Raises RateLimited in place of what would be told."""
    viewer, codes = context.viewer, {error.code for error in mistakes.errors}
    if codes.isdisjoint(_UNSEEN[viewer.scope].values()):
        return
    realm = values.get("sip_realm")
    if UserErrorCode.NAME_TAKEN not in codes and await viewer.within_reach(Account).filter(sip_realm=realm).exists():
        return  # the caller may list it
    tried = {column: values[column] for column in ("name", "sip_realm") if values.get(column)}
    await taken.note(context, tried, await within_reach(context, account_id) if account_id is not None else None)


async def _update_with_webhooks(
    context: Context,
    account_id: str,
    if_version: int | None,
    values: dict[str, Any],
    problems: Problems,
    webhooks: Webhooks,
) -> Account:
    # A stored password stays only with the server that it was entered for: what was looked at must be what is changed.
    for _ in range(_TRIES):
        account, found = await within_reach(context, account_id), Problems(list(problems.found))
        reader = rules.Reader(context.keyring, context.use(OutboundGate), account.id, account, found)
        changes = dict(values)
        for kind, webhook in webhooks.items():
            changes |= reader.columns(rules.OF_ACCOUNT[kind], webhook)
        if found.found or if_version not in (None, account.version):
            await _explained(context, account_id, if_version, changes, found)
            raise _conflict(if_version)
        try:
            return await _update(context, account_id, account.version, changes, found)
        except Mistakes as mistakes:
            is_conflict = any(error.code is UserErrorCode.CONFLICT for error in mistakes.errors)
            if if_version is not None or not is_conflict:
                raise
    raise _conflict(None)


async def _update(
    context: Context, account_id: str, if_version: int | None, values: dict[str, Any], problems: Problems
) -> Account:
    """Writes what was read, in one statement; when that changes nothing, finds out why."""
    refusal: Exception | None = None
    if values and not problems.found:
        try:
            changed = await _change(context, account_id, if_version, values)
            if changed is not None:
                return changed
        except IntegrityError as error:
            refusal = _taken(error, values)
    account = await _explained(context, account_id, if_version, values, problems)
    if values:  # what stood in the way when it was tried is gone since
        raise refusal or _conflict(if_version)
    return account


async def move(context: Context, account_id: str, service_provider_id: str, if_version: int | None) -> Account:
    """To another service provider, with all that is inside; to the one that runs it already changes nothing.

    Nothing is closed. Raises Mistakes: NOT_FOUND, CONFLICT, NAME_TAKEN when the provider has an account of that name.
    """
    for _ in range(_TRIES):
        account, problems = await within_reach(context, account_id, "accountId"), Problems()
        _check_version(account, if_version, problems)
        provider_id = await _provider(context, service_provider_id, problems)
        if provider_id is not None and provider_id != account.service_provider_id and not problems.found:
            problems.found += await _name_in_the_way(account, provider_id)
        problems.raise_if_any()
        if provider_id == account.service_provider_id:
            return account
        try:
            where_to = {"service_provider_id": provider_id}
            moved = await change(context, Account, account.id, where_to, if_version=account.version)
        except IntegrityError as error:
            if violated_constraint(error) != "accounts_name_unique" and not lacks_owner(error):
                raise
            continue  # the name was taken, or the provider deleted, since it was looked at
        if moved is not None:
            # Its new provider may be suspended, and what was looked up before does not rest on that one.
            context.use(Revocations).announce(moved.id)
            return moved
    raise _conflict(if_version)


async def set_active(context: Context, account_id: str, active: bool, if_version: int | None) -> Account:
    """Suspends or resumes; suspended, every key under the account is closed within 5 s. Raises Mistakes: NOT_FOUND, CONFLICT."""
    changed = await _change(context, account_id, if_version, {"active": active}, where={"active": not active})
    if changed is not None:
        context.use(Revocations).announce(changed.id)
        return changed
    account = await within_reach(context, account_id)
    if if_version not in (None, account.version):
        raise _conflict(if_version)
    if account.active != active:  # somebody has turned it since it was tried
        return await set_active(context, account_id, active, if_version)
    return account


async def rotate_webhook_secret(
    context: Context, account_id: str, if_version: int | None, overlap_hours: int
) -> Account:
    """A new secret; the old one signs too for `overlap_hours` (0: nothing any more), and one from before it no longer.

    Raises Mistakes: NOT_FOUND, CONFLICT, OUT_OF_RANGE.
    """
    if not 0 <= overlap_hours <= MAXIMUM_OVERLAP_HOURS:
        message = f"The overlap is 0 to {MAXIMUM_OVERLAP_HOURS} hours."
        raise Mistakes.one(UserErrorCode.OUT_OF_RANGE, message, "overlapHours")
    for _ in range(_TRIES):
        account = await within_reach(context, account_id, "accountId")
        if if_version not in (None, account.version):
            break
        # Of two that rotate at once, the second replaces the first one's secret, so that both are told the truth.
        changed = await _change(context, account_id, account.version, _rotated(context, account, overlap_hours))
        if changed is not None:
            return changed
    raise _conflict(if_version)


def _rotated(context: Context, account: Account, overlap_hours: int) -> dict[str, Any]:
    previous, expires_at = None, None
    if overlap_hours:
        old = opened_webhook_secret(context.keyring, account.id, account.webhook_secret)
        previous = _sealed(context.keyring, account.id, old, "previous_webhook_secret")
        expires_at = datetime.now(UTC) + timedelta(hours=overlap_hours)
    return {
        "webhook_secret": _sealed(context.keyring, account.id, new_webhook_secret()),
        "previous_webhook_secret": previous,
        "previous_webhook_secret_expires_at": expires_at,
    }


def webhook_secret(context: Context, account_id: UUID, sealed: bytes) -> str:
    """Opens the secret to be shown, which the audit trail is told."""
    context.use(SecretReads).note(context, Account, account_id, "webhookSecret")
    return opened_webhook_secret(context.keyring, account_id, sealed)


def opened_webhook_secret(keyring: Keyring, account_id: UUID, sealed: bytes) -> str:
    return keyring.open(sealed, table="accounts", column="webhook_secret", row=account_id)


def previous_webhook_secret(keyring: Keyring, account_id: UUID, sealed: bytes) -> str:
    return keyring.open(sealed, table="accounts", column="previous_webhook_secret", row=account_id)


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
    bucket are not touched. Raises Mistakes: NOT_FOUND, CONFLICT.
    """
    async with in_transaction():
        # The locks keep new keys, applications and calls from coming in between count and deletion: their foreign keys wait.
        account = await _locked(context, read(Kind.ACCOUNT, account_id), no_key=False)
        await CallAccount.filter(id=account.id).select_for_update().get()
        problems = Problems()
        _check_version(account, if_version, problems)
        problems.raise_if_any()
        held = await contents.of_account(account.id)
        if dry_run or (not force and held.counts.keys() & IN_THE_WAY):
            return None, held
        await _delete_calls(account.id)
        await ApiKey.filter(account_id=account.id).delete()
        await users.delete_all(Q(account_id=account.id))
        await RecordingConfig.filter(account_id=account.id).delete()
        # The two point at each other.
        await Account.filter(id=account.id).update(**dict.fromkeys(_APPLICATION_FIELDS))
        await Application.filter(account_id=account.id).delete()
        await WebhookDelivery.filter(account_id=account.id).delete()
        await trail.note(context, account, before={"name": account.name, "sip_realm": account.sip_realm})
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


async def _provider(context: Context, given: str | None, problems: Problems) -> UUID | None:
    viewer = context.viewer
    if given is None:
        if viewer.scope is Scope.ADMIN:
            message = "Say which service provider runs the account; an admin belongs to none."
            problems.add(UserErrorCode.REQUIRED, message, "serviceProviderId")
        return viewer.service_provider_id
    provider_id = read(Kind.SERVICE_PROVIDER, given)
    if provider_id is None or not await viewer.within_reach(ServiceProvider).filter(id=provider_id).exists():
        problems.found += _no_provider().errors
        return None
    return provider_id


def _no_provider() -> Mistakes:
    return Mistakes.one(UserErrorCode.NOT_FOUND, "There is no such service provider.", "serviceProviderId")


async def _update_with_recording(
    context: Context,
    account_id: str,
    if_version: int | None,
    values: dict[str, Any],
    webhooks: Webhooks,
    given: RecordingChanges | None,
    problems: Problems,
) -> Account:
    """Both or neither, in one transaction; what is wrong with either is told at once."""
    if given is None:
        message = "This cannot be null; remove the configuration with removeRecordingConfig, or leave it out."
        problems.add(UserErrorCode.REQUIRED, message, "recordingConfig")
    row_id = read(Kind.ACCOUNT, account_id)
    for _ in range(_TRIES):
        try:
            async with in_transaction():
                return await _write_both(context, row_id, if_version, values, webhooks, given, problems)
        except recording.SavedMeanwhile:
            continue
        except IntegrityError as error:
            raise _taken(error, values) from None
    raise _conflict(if_version)


async def _write_both(
    context: Context,
    row_id: UUID | None,
    if_version: int | None,
    values: dict[str, Any],
    webhooks: Webhooks,
    given: RecordingChanges | None,
    problems: Problems,
) -> Account:
    """Raises Mistakes, and SavedMeanwhile and IntegrityError, which both end the transaction."""
    account, found = await _locked(context, row_id), Problems([*problems.found])
    reader = rules.Reader(context.keyring, context.use(OutboundGate), account.id, account, found)
    for kind, webhook in webhooks.items():
        values = values | reader.columns(rules.OF_ACCOUNT[kind], webhook)
    _check_version(account, if_version, found)
    if if_version in (None, account.version):
        await _find_missing_applications(values, account.id, found)
    save, mistakes = await _prepared(context, account.id, given)
    Problems([*found.found, *mistakes]).raise_if_any()
    await _refuse_taken(values, account.service_provider_id, account.id)
    # The configuration first: whoever makes one at the same time then asks for the account, which must not be held yet as
    # a change of its name holds it.
    if save is not None:
        await recording.write(context, save)
    changed = await change(context, Account, account.id, values) if values else account
    if changed is None:
        raise not_found("id")
    return changed


async def _locked(context: Context, row_id: UUID | None, *, no_key: bool = True) -> Account:
    """Raises Mistakes NOT_FOUND."""
    account = await lock(context.viewer, row_id, no_key=no_key)
    if account is None:
        raise not_found("id")
    return account


async def _prepared(
    context: Context, account_id: UUID, given: RecordingChanges | None
) -> tuple[recording.Save | None, list[UserError]]:
    """What is to be written, or what is wrong with it."""
    if given is None:
        return None, []
    try:
        return await recording.prepare(context, account_id, given.if_version, given.changes), []
    except Mistakes as mistakes:
        return None, [replace(each, field=["recordingConfig", *(each.field or ())]) for each in mistakes.errors]


async def _name_in_the_way(account: Account, provider_id: UUID) -> list[UserError]:
    problems = Problems()
    # Another one: of two moves at once, the second finds the account itself there.
    there = Account.filter(service_provider_id=provider_id, name_key=account.name_key).exclude(id=account.id)
    if await there.exists():
        message = f"That service provider has an account named “{account.name}” already; rename one of them first."
        problems.add(UserErrorCode.NAME_TAKEN, message, "serviceProviderId")
    return problems.found


def _read_application(given: Some[ID | None] | None, column: str, values: dict[str, Any], problems: Problems) -> None:
    """Whether it is one of the account's is left to the foreign key, and explained when that refuses it."""
    if given is None:
        return
    row_id = read(Kind.APPLICATION, given.value) if given.value is not None else None
    if row_id is None and given.value is not None:
        problems.found += _no_application(column).errors
    else:
        values[column] = row_id


async def _change(
    context: Context,
    account_id: str,
    if_version: int | None,
    values: dict[str, Any],
    where: dict[str, Any] | None = None,
) -> Account | None:
    """None when no account matched: see `app/audit/changing.py`."""
    row_id = read(Kind.ACCOUNT, account_id)
    if row_id is None:
        return None
    return await change(context, Account, row_id, values, if_version=if_version, where=where)


async def _explained(
    context: Context, account_id: str, if_version: int | None, values: dict[str, Any], problems: Problems
) -> Account:
    """Raises Mistakes with all that is wrong with a change; answers the account when nothing is."""
    account = await within_reach(context, account_id)
    _check_version(account, if_version, problems)
    if if_version in (None, account.version):
        await _find_missing_applications(values, account.id, problems)
    problems.raise_if_any()
    await _refuse_taken(values, account.service_provider_id, account.id)
    return account


def _check_version(account: Account, if_version: int | None, problems: Problems) -> None:
    if if_version is not None and if_version != account.version:
        problems.found += _conflict(if_version).errors


async def _refuse_taken(values: dict[str, Any], provider_id: UUID, account_id: UUID | None) -> None:
    """Raises Mistakes for a name or realm that is taken, of a change that would be made otherwise; the constraints hold it
    all the same.

    Alone: beside another mistake they would tell what others have, while what is free changes nothing and leaves no trace.
    """
    others = Account.exclude(id=account_id) if account_id else Account.all()
    key, realm = values.get("name_key"), values.get("sip_realm")
    if key and await others.filter(service_provider_id=provider_id, name_key=key).exists():
        raise _name_taken(values["name"])
    if realm and await others.filter(sip_realm=realm).exists():
        raise _realm_taken(realm)


async def _find_missing_applications(values: dict[str, Any], account_id: UUID, problems: Problems) -> None:
    """In the same words for an application of another account as for one that is not there."""
    wanted = {column: values[column] for column in _APPLICATION_FIELDS if values.get(column) is not None}
    if wanted:
        owned = Application.filter(account_id=account_id, id__in=list(wanted.values()))
        there = set(await owned.values_list("id", flat=True))
        for column, row_id in wanted.items():
            if row_id not in there:
                problems.found += _no_application(column).errors


def _no_application(column: str) -> Mistakes:
    message = "The account has no such application."
    return Mistakes.one(UserErrorCode.NOT_FOUND, message, _APPLICATION_FIELDS[column])


def _taken(error: IntegrityError, values: dict[str, Any]) -> Exception:
    constraint = violated_constraint(error)
    if constraint == "accounts_name_unique":
        return _name_taken(values["name"])
    if constraint == "accounts_sip_realm_unique":
        return _realm_taken(values["sip_realm"])
    return error


def _name_taken(name: str) -> Mistakes:
    message = f"The service provider has an account named “{name}” already (upper and lower case count as the same)."
    return Mistakes.one(UserErrorCode.NAME_TAKEN, message, "name")


def _realm_taken(realm: str) -> Mistakes:
    return Mistakes.one(UserErrorCode.SIP_REALM_TAKEN, f"The SIP realm {realm} belongs to another account.", "sipRealm")


def _conflict(if_version: int | None) -> Mistakes:
    return conflict("account", if_version)


def new_webhook_secret() -> str:
    """A random one."""
    return "wh_secret_" + "".join(secrets.choice(_BASE58) for _ in range(22))


def _sealed(keyring: Keyring, account_id: UUID, secret: str, column: str = "webhook_secret") -> bytes:
    return keyring.seal(secret, table="accounts", column=column, row=account_id)
