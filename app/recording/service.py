"""What is done with recording configurations: saved, removed, proved."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from strawberry import Some
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from app import quotas
from app.accounts import finding as accounts
from app.accounts.model import Account
from app.audit import trail
from app.audit.changing import change
from app.context import Context
from app.database import violated_constraint
from app.encryption import Keyring
from app.errors import Mistakes, Problems, ServiceUnavailable, UserErrorCode
from app.identifiers import Kind, new_id, read
from app.outbound import OutboundGate
from app.recording import rules
from app.recording.failures import CLOCK_DIFFERENCE
from app.recording.model import AudioFormat, BucketVendor, RecordingConfig, StorageStatus, StoredCredential
from app.recording.rules import StorageDraft, Tag
from app.recording.stored import stored_draft
from app.recording.verification import StorageVerdict, StorageVerifier, VerificationResult, fingerprint

# How often a change without `ifVersion` is worked out again because somebody else's came in between.
_TRIES = 5
# What the audit trail tells of a configuration that comes or goes.
_TOLD = (
    *("enabled", "audio_format", "bucket_vendor", "endpoint_url", "bucket_name", "region", "access_key_id"),
    *("secret_access_key", "s3_tags", "record_all_calls"),
)
_STATUS = {StorageVerdict.WORKING: StorageStatus.WORKING, StorageVerdict.FAILING: StorageStatus.FAILING}


@dataclass(frozen=True)
class Changes:
    """What an update gives; None is what it leaves out, Some(None) is an explicit null."""

    enabled: Some[bool | None] | None = None
    audio_format: Some[AudioFormat | None] | None = None
    bucket_vendor: Some[BucketVendor | None] | None = None
    endpoint_url: Some[str | None] | None = None
    bucket_name: Some[str | None] | None = None
    region: Some[str | None] | None = None
    access_key_id: Some[str | None] | None = None
    secret_access_key: Some[str | None] | None = None
    s3_tags: Some[tuple[Tag, ...] | None] | None = None
    record_all_calls: Some[bool | None] | None = None


async def update(context: Context, account_id: str, if_version: int | None, changes: Changes) -> RecordingConfig:
    """Changes what is given; the first save makes the configuration. Raises Mistakes: NOT_FOUND, CONFLICT, or all that is wrong.

    A concurrent change loses nothing: without `if_version` this one is worked out again on top of it.
    """
    for _ in range(_TRIES):
        owner_id, stored = await _found(context, account_id)
        try:
            return await write(context, await _save(context, owner_id, stored, if_version, changes))
        except SavedMeanwhile:
            continue
    raise _conflict(if_version)


@dataclass(frozen=True)
class Save:
    """Columns that were found right, to be written over what was stored then."""

    account_id: UUID
    row_id: UUID
    stored_version: int | None
    """None: there was no configuration."""
    values: dict[str, Any]


class SavedMeanwhile(Exception):
    """Somebody else saved or removed the configuration between `prepare` and `write`."""


async def prepare(context: Context, account_id: UUID, if_version: int | None, changes: Changes) -> Save:
    """For a transaction that writes more than this: locks the configuration of an account that was found within reach.

    Raises Mistakes: CONFLICT, or all that is wrong.
    """
    stored = await RecordingConfig.filter(account_id=account_id).select_for_update().get_or_none()
    return await _save(context, account_id, stored, if_version, changes)


async def write(context: Context, save: Save) -> RecordingConfig:
    """Raises SavedMeanwhile, and Mistakes NOT_FOUND; on PostgreSQL both end a surrounding transaction."""
    if save.stored_version is not None:
        saved = await change(context, RecordingConfig, save.row_id, save.values, if_version=save.stored_version)
        if saved is None:
            raise SavedMeanwhile
        return saved
    try:
        async with in_transaction():
            if await accounts.lock(context.viewer, save.account_id) is None:
                raise accounts.not_found("accountId")
            config = await RecordingConfig.create(id=save.row_id, account_id=save.account_id, **save.values)
            await trail.note(context, config, after={name: save.values[name] for name in _TOLD if name in save.values})
        return config
    except IntegrityError as error:
        if violated_constraint(error) == "recording_configs_account_unique":
            raise SavedMeanwhile from None
        raise


async def _check_quota(context: Context, account_id: UUID) -> None:
    """New keys become stored credentials with the first recording. They are refused here: a recording never is.

    Raises Mistakes LIMIT_REACHED.
    """
    maximum = context.opened.settings.stored_credentials_per_account
    fact = f"The account has {maximum:,} stored credentials"
    advice = "Remove some with removeStoredCredential before you enter other keys."
    await quotas.check(StoredCredential.filter(account_id=account_id), maximum, fact, advice, "accessKeyId")


async def remove(context: Context, account_id: str, if_version: int | None) -> RecordingConfig:
    """The configuration as it was. Recordings in the bucket stay. Raises Mistakes: NOT_FOUND, CONFLICT."""
    stored = await _stored(context, account_id)
    rows = RecordingConfig.filter(id=stored.id)
    if if_version is not None:
        rows = rows.filter(version=if_version)
    async with in_transaction():
        if await accounts.lock(context.viewer, stored.account_id) is None:
            raise _no_config()
        if not await rows.delete():
            raise _conflict(if_version)
        await trail.note(context, stored, before={name: getattr(stored, name) for name in _TOLD})
    return stored


async def verify_draft(context: Context, account_id: str, draft: StorageDraft) -> VerificationResult:
    """Tests values that are not saved; stores nothing. Without both keys, the stored pair is used where it belongs.

    Raises Mistakes: NOT_FOUND; RateLimited.
    """
    account = await accounts.within_reach(context, account_id, "accountId")
    if draft.access_key_id is None and draft.secret_access_key is None:
        stored = await RecordingConfig.get_or_none(account_id=account.id)
        if stored is not None and _same_server(draft, stored):
            keys = stored_draft(context.keyring, stored)
            draft = replace(draft, access_key_id=keys.access_key_id, secret_access_key=keys.secret_access_key)
    result = await _tested(context, account, draft)
    await _note_test(context, account.id, None, result)
    return result


async def verify_stored(context: Context, account_id: str) -> tuple[RecordingConfig, VerificationResult]:
    """Tests the stored values and keeps the result, unless they were changed meanwhile.

    Raises Mistakes: NOT_FOUND; RateLimited.
    """
    account = await accounts.within_reach(context, account_id, "accountId")
    stored = await RecordingConfig.get_or_none(account_id=account.id)
    if stored is None:
        raise _no_config()
    draft = stored_draft(context.keyring, stored)
    result = await _tested(context, account, draft)
    await _note_test(context, stored.account_id, stored, result)
    status = _STATUS[result.verdict]
    # Nothing is locked while S3 answers; a result of other values than the stored ones is answered but not kept.
    unchanged = RecordingConfig.filter(id=stored.id, fingerprint=result.fingerprint)
    async with in_transaction():
        if await accounts.lock(context.viewer, stored.account_id) is None:
            raise _no_config()
        await unchanged.filter(storage_status=status).update(last_verification=result.to_json())
        await unchanged.exclude(storage_status=status).update(
            last_verification=result.to_json(), storage_status=status, storage_status_since=result.verified_at
        )
        now = await RecordingConfig.get_or_none(id=stored.id)
    if now is None:
        raise _no_config()
    return now, result


async def _tested(context: Context, account: Account, draft: StorageDraft) -> VerificationResult:
    """Raises RateLimited: tests have slots of their own; and ServiceUnavailable when our clock is at fault."""
    async with context.without_slot():
        result = await context.use(StorageVerifier).verify(draft, account.id, account.service_provider_id)
    if any(step.s3_code == CLOCK_DIFFERENCE for step in result.steps):
        raise ServiceUnavailable(
            "The clock of this server and that of the storage differ by more than 15 minutes, so the settings cannot be tested. "
            "The operator of this server was alerted."
        )
    return result


async def _note_test(
    context: Context, account_id: UUID, tested: RecordingConfig | None, result: VerificationResult
) -> None:
    """`tested` is the configuration with the tested values; None: they are not saved."""
    after = {
        "verification.verdict": result.verdict,
        "verification.fingerprint": result.fingerprint,
        "verification.leftover_key": result.leftover_key,
    }
    await trail.note(context, tested, after=after, account_id=account_id)


def last_verification(stored: dict[str, Any] | None, fingerprint: str) -> VerificationResult | None:
    """The newest result of what has this fingerprint; None when there is none, or only one of other values."""
    if stored is None or stored["fingerprint"] != fingerprint:
        return None
    return VerificationResult.from_json(stored)


async def _save(
    context: Context, account_id: UUID, stored: RecordingConfig | None, if_version: int | None, changes: Changes
) -> Save:
    """Raises Mistakes: CONFLICT, LIMIT_REACHED, or all that is wrong."""
    if if_version is not None and (stored is None or stored.version != if_version):
        raise _conflict(if_version)
    row_id = stored.id if stored else new_id()
    values = _checked(context, row_id, stored, changes)
    if values.get("access_key_id") is not None:
        await _check_quota(context, account_id)
    return Save(account_id, row_id, stored.version if stored else None, values)


def _checked(context: Context, row_id: Any, stored: RecordingConfig | None, changes: Changes) -> dict[str, Any]:
    """The columns to write. Raises Mistakes with all that is wrong."""
    problems = Problems()
    now = datetime.now(UTC)
    old = stored_draft(context.keyring, stored) if stored else StorageDraft()
    draft = _merged(old, changes, problems)
    values = {
        "enabled": _required(changes.enabled, stored.enabled if stored else False, "enabled", problems),
        "audio_format": _required(
            changes.audio_format, stored.audio_format if stored else AudioFormat.MP3, "audioFormat", problems
        ),
        "record_all_calls": _required(
            changes.record_all_calls, stored.record_all_calls if stored else False, "recordAllCalls", problems
        ),
    }
    for path, code, message in (*rules.problems(draft), *(rules.missing(draft) if values["enabled"] else ())):
        # A problem told already (a key without its other half) is not told again in other words.
        if not any(error.field == list(path) for error in problems.found):
            problems.add(code, message, *path)
    if draft.vendor is BucketVendor.S3_COMPATIBLE and draft.endpoint_url and not _is_told("endpointUrl", problems):
        reason = context.use(OutboundGate).judge_text(draft.endpoint_url)
        if reason:
            problems.add(UserErrorCode.INVALID, reason, "endpointUrl")
    problems.raise_if_any()
    values |= {
        "bucket_vendor": draft.vendor,
        "endpoint_url": draft.endpoint_url,
        "bucket_name": draft.bucket,
        "region": draft.region,
        "s3_tags": [{"name": tag.name, "value": tag.value} for tag in draft.tags],
        "fingerprint": fingerprint(context.keyring, draft),
    }
    if stored is None or (draft.access_key_id, draft.secret_access_key) != (old.access_key_id, old.secret_access_key):
        values |= _keys(context.keyring, row_id, draft, now)
        if stored and draft.secret_access_key == old.secret_access_key:
            del values["secret_access_key"]  # sealed anew, it would count as changed
    if stored is None or values["fingerprint"] != stored.fingerprint:
        values |= {"storage_status": StorageStatus.UNVERIFIED, "storage_status_since": now, "last_verification": None}
    return values


def _merged(old: StorageDraft, changes: Changes, problems: Problems) -> StorageDraft:
    draft = replace(
        old,
        vendor=changes.bucket_vendor.value if changes.bucket_vendor else old.vendor,
        endpoint_url=changes.endpoint_url.value if changes.endpoint_url else old.endpoint_url,
        bucket=changes.bucket_name.value if changes.bucket_name else old.bucket,
        region=changes.region.value if changes.region else old.region,
        tags=(changes.s3_tags.value or ()) if changes.s3_tags else old.tags,
    )
    key_id, secret = changes.access_key_id, changes.secret_access_key
    if key_id is None and secret is None:
        if old.secret_access_key is not None and (draft.vendor, draft.endpoint_url) != (old.vendor, old.endpoint_url):
            # A stored secret never goes to a server that it was not entered for.
            for name in ("accessKeyId", "secretAccessKey"):
                message = (
                    "The stored keys belong to another vendor or endpoint; enter both keys again, or null for none."
                )
                problems.add(UserErrorCode.REQUIRED, message, name)
        return draft
    given_id, given_secret = key_id.value if key_id else None, secret.value if secret else None
    if (given_id is None) != (given_secret is None):
        missing = "accessKeyId" if given_id is None else "secretAccessKey"
        message = (
            "The access key ID and the secret access key are given together; leave out both to keep the stored ones."
        )
        problems.add(UserErrorCode.REQUIRED, message, missing)
        return draft
    return replace(draft, access_key_id=given_id, secret_access_key=given_secret)


def _required(change: Some[Any] | None, stored: Any, name: str, problems: Problems) -> Any:
    if change is None:
        return stored
    if change.value is None:
        problems.add(UserErrorCode.REQUIRED, "This cannot be null; leave it out to keep it as it is.", name)
        return stored
    return change.value


def _keys(keyring: Keyring, row_id: Any, draft: StorageDraft, now: datetime) -> dict[str, Any]:
    secret = draft.secret_access_key
    if secret is None:
        return {"access_key_id": None, "secret_access_key": None, "secret_access_key_set_at": None}
    sealed = keyring.seal(secret, table="recording_configs", column="secret_access_key", row=row_id)
    return {"access_key_id": draft.access_key_id, "secret_access_key": sealed, "secret_access_key_set_at": now}


def _same_server(draft: StorageDraft, stored: RecordingConfig) -> bool:
    return (draft.vendor, draft.endpoint_url) == (stored.bucket_vendor, stored.endpoint_url)


def _is_told(name: str, problems: Problems) -> bool:
    return any(error.field == [name] for error in problems.found)


async def _stored(context: Context, account_id: str) -> RecordingConfig:
    _, stored = await _found(context, account_id)
    if stored is None:
        raise _no_config()
    return stored


async def _found(context: Context, account_id: str) -> tuple[UUID, RecordingConfig | None]:
    """The account's id, and its configuration if it has one. Raises Mistakes NOT_FOUND."""
    row_id = read(Kind.ACCOUNT, account_id)
    stored = await context.viewer.within_reach(RecordingConfig).get_or_none(account_id=row_id) if row_id else None
    if stored is not None:
        return stored.account_id, stored
    account = await accounts.within_reach(context, account_id, "accountId")
    return account.id, None


def _no_config() -> Mistakes:
    message = "The account has no recording configuration; save one with updateRecordingConfig."
    return Mistakes.one(UserErrorCode.NOT_FOUND, message, "accountId")


def _conflict(if_version: int | None) -> Mistakes:
    if if_version is None:
        message = "Others keep changing the recording configuration; try again."
    else:
        message = f"The recording configuration has changed since version {if_version}; load it again."
    return Mistakes.one(UserErrorCode.CONFLICT, message, "ifVersion")
