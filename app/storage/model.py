"""How an account's calls are recorded, and where to. At most one row per account."""

import enum
from typing import Any, ClassVar, TypedDict
from uuid import UUID

import strawberry
from tortoise import fields
from tortoise.models import Model

from app.foundation.access import TenantScope, TenantScoped
from app.foundation.identifiers import new_id


class RecordingError(TypedDict, total=False):
    """Why a recording was not stored, as its call's row keeps it."""

    code: str | None
    http_status: int | None
    message: str
    advice: str
    at: str
    next_attempt_at: str | None
    spool: str | None
    """Of the server that has tried."""


@strawberry.enum(description="What recordings are stored as.")
class AudioFormat(enum.Enum):
    """WAV keeps every sample; MP3 is a fraction of the size."""

    WAV = strawberry.enum_value("WAV", description="Uncompressed 16-bit PCM; about 1.9 MB a minute at 8 kHz stereo.")
    MP3 = strawberry.enum_value("MP3", description="MP3 at 128 kbit/s; about 1 MB a minute.")


CONTENT_TYPES = {AudioFormat.WAV: "audio/wav", AudioFormat.MP3: "audio/mpeg"}


@strawberry.enum(description="Whose object storage holds the bucket.")
class BucketVendor(enum.Enum):
    """Amazon S3, or a server that speaks its protocol."""

    AWS_S3 = strawberry.enum_value("AWS_S3", description="Amazon S3; the endpoint follows from the region.")
    S3_COMPATIBLE = strawberry.enum_value(
        "S3_COMPATIBLE", description="Another server that speaks S3's protocol, at an endpoint URL."
    )


@strawberry.enum(description="What the newest proof of the stored storage settings says.")
class StorageStatus(enum.Enum):
    """A change of what was proved makes it UNVERIFIED again."""

    UNVERIFIED = strawberry.enum_value("UNVERIFIED", description="Not proved since the settings were changed.")
    WORKING = strawberry.enum_value("WORKING", description="Recordings can be stored.")
    FAILING = strawberry.enum_value("FAILING", description="Recordings would be lost; the last verification says why.")


class RecordingConfig(TenantScoped):
    """`fingerprint` is that of the stored storage settings; a proof counts only while it carries the same one.

    `secret_access_key` is sealed; it and `access_key_id` are both there or both not (CHECK), and `enabled` needs vendor,
    bucket, region and both of them (CHECK).
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
    updated_at = fields.DatetimeField(auto_now=True)
    version = fields.IntField(default=1)

    sealed: ClassVar[tuple[str, ...]] = ("secret_access_key",)
    # Not as it is stored: `storage_status` goes with it.
    audit_names: ClassVar[dict[str, str | None]] = {"last_verification": None}
    tenant_scope: ClassVar[TenantScope] = TenantScope(
        account="account_id", service_provider=("account__service_provider_id",)
    )

    class Meta:
        table = "recording_configs"


class StoredCredential(TenantScoped):
    """Keys that a recording was stored with, kept as long as a recording needs them: the account may use others since.

    `fingerprint` is a keyed hash of vendor, endpoint and both keys, unique in the account: what is stored with the same
    keys shares one row. The primary key is (account_id, id).
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
