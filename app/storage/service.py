"""Creates, changes, removes and tests recording configurations."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from tortoise.transactions import in_transaction

from app.accounts.lookup import ACCOUNTS
from app.accounts.model import Account
from app.audit import trail
from app.audit.audited_update import update_row
from app.audit.rows import Rows
from app.foundation import quotas
from app.foundation.context import Context
from app.foundation.errors import ServiceUnavailable
from app.foundation.identifiers import Kind, new_id
from app.foundation.outbound.guard import OutboundGate
from app.foundation.user_errors import UserErrorCode, UserErrorRule, UserErrors
from app.storage import inputs
from app.storage.failures import CLOCK_DIFFERENCE
from app.storage.inputs import RecordingConfigPatch
from app.storage.model import RecordingConfig, StorageStatus, StoredCredential
from app.storage.rules import StorageDraft
from app.storage.settings import stored_draft
from app.storage.verification import StorageVerdict, StorageVerifier, VerificationResult

_CONFIGS = Rows(RecordingConfig, Kind.RECORDING_CONFIG, "recording configuration")


class RecordingConfigRule(UserErrorRule):
    NO_RECORDING_CONFIG = (
        UserErrorCode.NOT_FOUND,
        "The account has no recording configuration: create one with updateRecordingConfig.",
    )
    STORED_CREDENTIAL_QUOTA = (
        UserErrorCode.LIMIT_REACHED,
        "The account has {maximum:,} stored credentials, as many as this server allows. "
        "Remove some with removeStoredCredential before you enter other keys.",
    )


# Columns that are audited when a configuration is created or removed.
_AUDITED = (
    *("enabled", "audio_format", "bucket_vendor", "endpoint_url", "bucket_name", "region", "access_key_id"),
    *("secret_access_key", "s3_tags", "record_all_calls"),
)
_STATUS = {StorageVerdict.WORKING: StorageStatus.WORKING, StorageVerdict.FAILING: StorageStatus.FAILING}


async def update(context: Context, account_id: str, patch: RecordingConfigPatch) -> RecordingConfig:
    """Changes the given fields; the first call creates the configuration.

    Raises UserErrors: NOT_FOUND, CONFLICT, or all errors of the input.
    """
    async with in_transaction():
        account = await ACCOUNTS.get_locked(context, account_id, "accountId")
        return await save(context, account.id, patch)


async def save(context: Context, account_id: UUID, patch: RecordingConfigPatch) -> RecordingConfig:
    """As `update`, within the transaction that holds the account's lock, which prevents concurrent changes."""
    stored = await RecordingConfig.filter(account_id=account_id).select_for_update().get_or_none()
    await _CONFIGS.check_version(context, stored, patch.if_version)
    row_id = stored.id if stored is not None else new_id()
    values = inputs.columns(context.keyring, context.use(OutboundGate), row_id, stored, patch)
    if values.get("access_key_id") is not None:
        await _check_quota(context, account_id)
    if stored is None:
        made = await RecordingConfig.create(id=row_id, account_id=account_id, **values, **trail.updated_by(context))
        await trail.record(context, made, after={name: values[name] for name in _AUDITED if name in values})
        return made
    saved = await update_row(context, RecordingConfig, row_id, values)
    if saved is None:
        raise ACCOUNTS.not_found("accountId")
    return saved


async def _check_quota(context: Context, account_id: UUID) -> None:
    """The quota of stored credentials applies to new keys here, so that recordings never fail by it.

    Raises UserErrors LIMIT_REACHED.
    """
    maximum = context.resources.settings.stored_credentials_per_account
    stored = StoredCredential.filter(account_id=account_id)
    await quotas.check(stored, maximum, RecordingConfigRule.STORED_CREDENTIAL_QUOTA, "accessKeyId")


async def remove(context: Context, account_id: str, if_version: int | None) -> RecordingConfig:
    """Returns the configuration as it was. Recordings in the bucket stay. Raises UserErrors: NOT_FOUND, CONFLICT."""
    async with in_transaction():
        account = await ACCOUNTS.get_locked(context, account_id, "accountId")
        stored = await RecordingConfig.filter(account_id=account.id).select_for_update().get_or_none()
        if stored is None:
            raise _no_config()
        await _CONFIGS.check_version(context, stored, if_version)
        await stored.delete()
        await trail.record(context, stored, before={name: getattr(stored, name) for name in _AUDITED})
    return stored


async def verify_draft(context: Context, account_id: str, draft: StorageDraft) -> VerificationResult:
    """Tests settings without saving them. Without keys, uses the stored ones at the stored vendor and endpoint.

    Raises UserErrors: NOT_FOUND; RateLimited.
    """
    account = await ACCOUNTS.get(context, account_id, "accountId")
    if draft.access_key_id is None and draft.secret_access_key is None:
        stored = await RecordingConfig.get_or_none(account_id=account.id)
        if stored is not None and _same_server(draft, stored):
            keys = stored_draft(context.keyring, stored)
            draft = replace(draft, access_key_id=keys.access_key_id, secret_access_key=keys.secret_access_key)
    result = await _run_test(context, account, draft)
    await _audit_test(context, account.id, None, result)
    return result


async def verify_stored(context: Context, account_id: str) -> tuple[RecordingConfig, VerificationResult]:
    """Tests the stored settings and saves the result, unless they changed during the test.

    Raises UserErrors: NOT_FOUND; RateLimited.
    """
    account = await ACCOUNTS.get(context, account_id, "accountId")
    stored = await RecordingConfig.get_or_none(account_id=account.id)
    if stored is None:
        raise _no_config()
    draft = stored_draft(context.keyring, stored)
    result = await _run_test(context, account, draft)
    await _audit_test(context, stored.account_id, stored, result)
    status = _STATUS[result.verdict]
    # Hold no lock while S3 responds; a result for settings that have changed since is returned but not saved.
    unchanged = RecordingConfig.filter(id=stored.id, fingerprint=result.fingerprint)
    async with in_transaction():
        if await ACCOUNTS.lock(context.viewer, stored.account_id) is None:
            raise _no_config()
        await unchanged.filter(storage_status=status).update(last_verification=result.to_json())
        await unchanged.exclude(storage_status=status).update(
            last_verification=result.to_json(), storage_status=status, storage_status_since=result.verified_at
        )
        now = await RecordingConfig.get_or_none(id=stored.id)
    if now is None:
        raise _no_config()
    return now, result


async def _run_test(context: Context, account: Account, draft: StorageDraft) -> VerificationResult:
    """Raises RateLimited, since tests have their own slots, and ServiceUnavailable when this server's clock is wrong."""
    async with context.without_slot():
        result = await context.use(StorageVerifier).verify(draft, account.id, account.service_provider_id)
    if any(step.s3_code == CLOCK_DIFFERENCE for step in result.steps):
        raise ServiceUnavailable(
            "The clocks of this server and the storage differ by more than 15 minutes, so the settings cannot be tested. "
            "The operator of this server was alerted."
        )
    return result


async def _audit_test(
    context: Context, account_id: UUID, tested: RecordingConfig | None, result: VerificationResult
) -> None:
    """`tested` is the configuration with the tested settings; None if they are not saved."""
    after = {
        "verification.verdict": result.verdict,
        "verification.fingerprint": result.fingerprint,
        "verification.leftover_key": result.leftover_key,
    }
    await trail.record(context, tested, after=after, account_id=account_id)


def last_verification(stored: dict[str, Any] | None, fingerprint: str) -> VerificationResult | None:
    """The saved result if it is for this fingerprint; else None."""
    if stored is None or stored["fingerprint"] != fingerprint:
        return None
    return VerificationResult.from_json(stored)


def _same_server(draft: StorageDraft, stored: RecordingConfig) -> bool:
    return (draft.vendor, draft.endpoint_url) == (stored.bucket_vendor, stored.endpoint_url)


def _no_config() -> UserErrors:
    return UserErrors.one(RecordingConfigRule.NO_RECORDING_CONFIG, "accountId")
