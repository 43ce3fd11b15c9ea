"""Recording configurations (at most one per account) and stored credentials."""

import enum
from typing import Any, ClassVar, TypedDict
from uuid import UUID

import strawberry
from tortoise import fields
from tortoise.models import Model

from app.audit.model import Versioned
from app.foundation.access import TenantScope, TenantScoped
from app.foundation.identifiers import new_id


class RecordingError(TypedDict, total=False):
    """Why a recording was not stored, as in its call's row."""

    code: str
    """The name of a code in `calls/recording_faults.py`."""
    s3_code: str | None
    http_status: int | None
    message: str
    advice: str
    at: str
    next_attempt_at: str | None
    spool: str | None
    """The spool of the server that made the attempt."""


@strawberry.enum(description="The format of stored recordings.")
class AudioFormat(enum.Enum):
    WAV = strawberry.enum_value("WAV", description="Uncompressed 16-bit PCM; about 1.9 MB per minute at 8 kHz stereo.")
    MP3 = strawberry.enum_value("MP3", description="MP3 at 128 kbit/s; about 1 MB per minute.")


CONTENT_TYPES = {AudioFormat.WAV: "audio/wav", AudioFormat.MP3: "audio/mpeg"}


@strawberry.enum(description="The vendor of the object storage.")
class BucketVendor(enum.Enum):
    AWS_S3 = strawberry.enum_value("AWS_S3", description="Amazon S3; the region determines the endpoint.")
    S3_COMPATIBLE = strawberry.enum_value(
        "S3_COMPATIBLE", description="Another server with the S3 API, at an endpoint URL."
    )


@strawberry.enum(description="The latest result for the stored storage settings.")
class StorageStatus(enum.Enum):
    """Changing the tested settings resets it to UNVERIFIED."""

    UNVERIFIED = strawberry.enum_value("UNVERIFIED", description="Not tested since the settings were changed.")
    WORKING = strawberry.enum_value("WORKING", description="Recordings can be stored.")
    FAILING = strawberry.enum_value(
        "FAILING",
        description="The last verification failed, or a recording could not be stored in this bucket. `lastVerification` says "
        "why the verification failed; `recording { error }` of the call says why the recording failed.",
    )


class RecordingConfig(Versioned):
    """`fingerprint` identifies the stored storage settings; a verification counts only while it has the same one.

    `secret_access_key` is encrypted. It and `access_key_id` are both set or both null (CHECK), and `enabled` requires
    vendor, bucket, region and both keys (CHECK).
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    account: fields.ForeignKeyRelation[Model] = fields.ForeignKeyField(
        "models.Account", related_name="recording_configs", on_delete=fields.RESTRICT
    )
    account_id: UUID
    enabled = fields.BooleanField(default=False)
    audio_format = fields.CharEnumField(AudioFormat, max_length=8, default=AudioFormat.MP3)
    bucket_vendor = fields.CharEnumField(BucketVendor, max_length=16, null=True)
    endpoint_url = fields.CharField(max_length=2048, null=True)
    bucket_name = fields.CharField(max_length=63, null=True)
    region = fields.CharField(max_length=64, null=True)
    access_key_id = fields.CharField(max_length=256, null=True)
    secret_access_key = fields.BinaryField(null=True)
    secret_access_key_set_at = fields.DatetimeField(null=True)
    s3_tags: fields.JSONField[list[dict[str, str]]] = fields.JSONField(default=list)
    record_all_calls = fields.BooleanField(default=False)
    fingerprint = fields.CharField(max_length=32)
    storage_status = fields.CharEnumField(StorageStatus, max_length=16, default=StorageStatus.UNVERIFIED)
    storage_status_since = fields.DatetimeField()
    last_verification: fields.JSONField[dict[str, Any] | None] = fields.JSONField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    sealed: ClassVar[tuple[str, ...]] = ("secret_access_key",)
    # Not audited: `storage_status` changes with it.
    audit_names: ClassVar[dict[str, str | None]] = {"last_verification": None}
    tenant_scope: ClassVar[TenantScope] = TenantScope(
        account="account_id", service_provider=("account__service_provider_id",)
    )

    class Meta:
        table = "recording_configs"


class StoredCredential(TenantScoped):
    """Keys that recordings were stored with, kept while recordings use them: the account may use other keys by now.

    `fingerprint` is a keyed hash of vendor, endpoint and both keys, unique in the account, so that equal keys share
    one row. The primary key is (account_id, id).
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    account: fields.ForeignKeyRelation[Model] = fields.ForeignKeyField(
        "models.CallAccount", related_name="stored_credentials", on_delete=fields.RESTRICT
    )
    account_id: UUID
    vendor = fields.CharEnumField(BucketVendor, max_length=16)
    endpoint_url = fields.CharField(max_length=2048, null=True)
    access_key_id = fields.CharField(max_length=256)
    secret_access_key = fields.BinaryField()
    fingerprint = fields.BinaryField()
    created_at = fields.DatetimeField(auto_now_add=True)

    audit_names: ClassVar[dict[str, str | None]] = {"secret_access_key": None}
    sealed: ClassVar[tuple[str, ...]] = ("secret_access_key",)
    tenant_scope: ClassVar[TenantScope] = TenantScope(
        "account_id", ("account__service_provider_id",), owners="call_accounts"
    )

    class Meta:
        table = "stored_credentials"
