"""Converts the input of a recording configuration to its columns, and validates it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from strawberry import Some

from app.audit.audited_update import Columns
from app.foundation.encryption import Keyring
from app.foundation.outbound.guard import OutboundGate
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule, ValueRule
from app.storage import rules
from app.storage.model import AudioFormat, BucketVendor, RecordingConfig, StorageStatus
from app.storage.rules import StorageDraft, Tag
from app.storage.settings import seal_secret, stored_draft
from app.storage.verification import fingerprint

T = TypeVar("T")


class RecordingKeysRule(UserErrorRule):
    KEYS_OF_OTHER_STORAGE = (
        UserErrorCode.REQUIRED,
        "The stored keys belong to another vendor or endpoint: enter both keys again, or send null for both.",
    )
    KEYS_INCOMPLETE = (
        UserErrorCode.REQUIRED,
        "Enter the access key ID and the secret access key together; leave out both to keep the stored ones.",
    )


@dataclass(frozen=True)
class RecordingConfigPatch:
    """The fields of an input; None for an absent field, Some(None) for an explicit null."""

    enabled: Some[bool | None] | None = None
    audio_format: Some[AudioFormat | None] | None = None
    bucket_vendor: Some[BucketVendor | None] | None = None
    endpoint_url: Some[str | None] | None = None
    bucket_name: Some[str | None] | None = None
    region: Some[str | None] | None = None
    access_key_id: Some[str | None] | None = None
    secret_access_key: Some[str | None] | None = field(default=None, repr=False)
    s3_tags: Some[tuple[Tag, ...] | None] | None = None
    record_all_calls: Some[bool | None] | None = None
    if_version: int | None = None


def columns(
    keyring: Keyring, gate: OutboundGate, row_id: UUID, stored: RecordingConfig | None, patch: RecordingConfigPatch
) -> Columns:
    """The columns to write. Raises UserErrors with all errors."""
    errors = ErrorCollector()
    now = datetime.now(UTC)
    old = stored_draft(keyring, stored) if stored else StorageDraft()
    draft = _merge(old, patch, errors)
    before = stored or RecordingConfig()
    values: Columns = {
        "enabled": _not_null(patch.enabled, before.enabled, "enabled", errors),
        "audio_format": _not_null(patch.audio_format, before.audio_format, "audioFormat", errors),
        "record_all_calls": _not_null(patch.record_all_calls, before.record_all_calls, "recordAllCalls", errors),
    }
    for error in (*rules.errors(draft), *(rules.missing(draft) if values["enabled"] else ())):
        # Do not report a field twice, such as a key without its other half.
        if not _has_error(error.field, errors):
            errors.found.append(error)
    if draft.vendor is BucketVendor.S3_COMPATIBLE and draft.endpoint_url and not _has_error(["endpointUrl"], errors):
        refusal = gate.judge_text(draft.endpoint_url)
        if refusal:
            errors.add(refusal.rule, "endpointUrl", **refusal.arguments)
    errors.raise_if_any()
    values |= {
        "bucket_vendor": draft.vendor,
        "endpoint_url": draft.endpoint_url,
        "bucket_name": draft.bucket,
        "region": draft.region,
        "s3_tags": [{"name": tag.name, "value": tag.value} for tag in draft.tags],
        "fingerprint": fingerprint(keyring, draft),
    }
    if stored is None or (draft.access_key_id, draft.secret_access_key) != (old.access_key_id, old.secret_access_key):
        values |= _keys(keyring, row_id, draft, now)
        if stored and draft.secret_access_key == old.secret_access_key:
            del values["secret_access_key"]  # encrypting it again would count as a change
    if stored is None or values["fingerprint"] != stored.fingerprint:
        values |= {"storage_status": StorageStatus.UNVERIFIED, "storage_status_since": now, "last_verification": None}
    return values


def _merge(old: StorageDraft, patch: RecordingConfigPatch, errors: ErrorCollector) -> StorageDraft:
    draft = replace(
        old,
        vendor=patch.bucket_vendor.value if patch.bucket_vendor else old.vendor,
        endpoint_url=patch.endpoint_url.value if patch.endpoint_url else old.endpoint_url,
        bucket=patch.bucket_name.value if patch.bucket_name else old.bucket,
        region=patch.region.value if patch.region else old.region,
        tags=(patch.s3_tags.value or ()) if patch.s3_tags else old.tags,
    )
    key_id, secret = patch.access_key_id, patch.secret_access_key
    if key_id is None and secret is None:
        if old.secret_access_key is not None and (draft.vendor, draft.endpoint_url) != (old.vendor, old.endpoint_url):
            # A stored secret is never sent to a server that it was not entered for.
            for name in ("accessKeyId", "secretAccessKey"):
                errors.add(RecordingKeysRule.KEYS_OF_OTHER_STORAGE, name)
        return draft
    given_id, given_secret = key_id.value if key_id else None, secret.value if secret else None
    if (given_id is None) != (given_secret is None):
        missing = "accessKeyId" if given_id is None else "secretAccessKey"
        errors.add(RecordingKeysRule.KEYS_INCOMPLETE, missing)
        return draft
    return replace(draft, access_key_id=given_id, secret_access_key=given_secret)


def _not_null(change: Some[T | None] | None, stored: T, name: str, errors: ErrorCollector) -> T:
    if change is None:
        return stored
    if change.value is None:
        errors.add(ValueRule.NULL_NOT_ALLOWED, name)
        return stored
    return change.value


def _keys(keyring: Keyring, row_id: UUID, draft: StorageDraft, now: datetime) -> Columns:
    secret = draft.secret_access_key
    if secret is None:
        return {"access_key_id": None, "secret_access_key": None, "secret_access_key_set_at": None}
    sealed = seal_secret(keyring, row_id, secret)
    return {"access_key_id": draft.access_key_id, "secret_access_key": sealed, "secret_access_key_set_at": now}


def _has_error(path: list[str] | None, errors: ErrorCollector) -> bool:
    return any(error.field == path for error in errors.found)
