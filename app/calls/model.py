"""A call of an account, with what became of its recording."""

import enum
from typing import ClassVar
from uuid import UUID

import strawberry
from tortoise import fields
from tortoise.models import Model

from app.foundation.access import TenantScope, TenantScoped
from app.foundation.identifiers import new_id
from app.storage.model import AudioFormat, BucketVendor, RecordingError


@strawberry.enum(description="Who called: seen from the voice gateway.")
class CallDirection(enum.Enum):
    """As the gateway reports it."""

    INBOUND = strawberry.enum_value("INBOUND", description="Somebody called the gateway.")
    OUTBOUND = strawberry.enum_value("OUTBOUND", description="The gateway called somebody.")


@strawberry.enum(description="What became of a call's recording.")
class RecordingState(enum.Enum):
    """NONE; or RECORDING, then STORING, then STORED or FAILED; DELETED at last."""

    NONE = strawberry.enum_value(
        "NONE", description="The call was not recorded, or not a single sample was heard: then `error` says so."
    )
    RECORDING = strawberry.enum_value("RECORDING", description="The gateway is sending its audio.")
    STORING = strawberry.enum_value("STORING", description="All audio is here, and on its way to the bucket.")
    STORED = strawberry.enum_value("STORED", description="It is in the bucket.")
    FAILED = strawberry.enum_value("FAILED", description="It could not be stored; `error` says why.")
    DELETED = strawberry.enum_value("DELETED", description="Somebody has deleted it.")


class CallAccount(TenantScoped):
    """An account, as far as its calls need it: the row that calls, their keys and stored credentials refer to.

    On a distributed PostgreSQL, where `accounts` stays on the coordinator, it lies on the same node as its account's calls. So
    statements across accounts join calls with this table only. Triggers keep it equal to `accounts`. `newest_month` is the
    least id of the month of the account's newest call; null before its first call.
    """

    id = fields.UUIDField(primary_key=True)
    service_provider_id = fields.UUIDField()
    newest_month = fields.UUIDField(null=True)

    tenant_scope: ClassVar[TenantScope] = TenantScope(account="id", service_provider=("service_provider_id",))

    class Meta:
        table = "call_accounts"


class Call(TenantScoped):
    """Partitioned by month of `id`, whose time is that of the call's start as far as the first report knew it.

    The primary key is (account_id, id): calls can be distributed by account. `started_at` is a guess until `start_reported`.
    `application_id` is no foreign key: calls outlive their application. Where the recording was stored is kept here and
    never computed again, so that it is found after the account's configuration has changed; the credential is held by a
    composite foreign key. A CHECK ties a recording to its place.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    account: fields.ForeignKeyRelation[Model] = fields.ForeignKeyField(
        "models.CallAccount", related_name="calls", on_delete=fields.RESTRICT
    )
    account_id: UUID
    application_id = fields.UUIDField(null=True)
    gateway_call_id = fields.CharField(max_length=128)
    direction = fields.CharEnumField(CallDirection, max_length=8, null=True)
    from_number = fields.CharField(max_length=255, null=True)
    to_number = fields.CharField(max_length=255, null=True)
    started_at = fields.DatetimeField()
    answered_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)
    sip_status = fields.IntField(null=True)
    termination_reason = fields.CharField(max_length=255, null=True)
    trunk = fields.CharField(max_length=255, null=True)
    trace_id = fields.CharField(max_length=128, null=True)
    recording_state = fields.CharEnumField(RecordingState, max_length=16, default=RecordingState.NONE)
    recording_format = fields.CharEnumField(AudioFormat, max_length=8, null=True)
    recording_size_bytes = fields.BigIntField(null=True)
    recording_duration_ms = fields.BigIntField(null=True)
    recording_vendor = fields.CharEnumField(BucketVendor, max_length=16, null=True)
    recording_endpoint_url = fields.CharField(max_length=2048, null=True)
    recording_bucket = fields.CharField(max_length=63, null=True)
    recording_region = fields.CharField(max_length=64, null=True)
    recording_key = fields.CharField(max_length=64, null=True)
    recording_credential_id = fields.UUIDField(null=True)
    recording_error: fields.JSONField[RecordingError | None] = fields.JSONField(null=True)
    recording_attempts = fields.IntField(default=0)
    start_reported = fields.BooleanField(default=False)
    updated_at = fields.DatetimeField(auto_now=True)

    audit_names: ClassVar[dict[str, str | None]] = {
        "from_number": "from",
        "to_number": "to",
        "recording_state": "recording.state",
        "recording_format": "recording.format",
        "recording_size_bytes": "recording.sizeBytes",
        "recording_error": "recording.error",
        # Known to clients in another unit, or not at all.
        **dict.fromkeys(
            (
                *("recording_duration_ms", "recording_vendor", "recording_endpoint_url", "recording_bucket"),
                *(
                    "recording_region",
                    "recording_key",
                    "recording_credential_id",
                    "recording_attempts",
                    "start_reported",
                ),
            )
        ),
    }
    tenant_scope: ClassVar[TenantScope] = TenantScope(
        "account_id", ("account__service_provider_id",), owners="call_accounts"
    )

    class Meta:
        table = "calls"


class CallKey(TenantScoped):
    """Which call of an account the gateway knows by which id: what makes reports idempotent.

    The primary key is both of them.
    """

    id = fields.UUIDField(primary_key=True)
    account: fields.ForeignKeyRelation[Model] = fields.ForeignKeyField(
        "models.CallAccount", related_name="call_keys", on_delete=fields.RESTRICT
    )
    account_id: UUID
    gateway_call_id = fields.CharField(max_length=128)

    tenant_scope: ClassVar[TenantScope] = TenantScope(
        "account_id", ("account__service_provider_id",), owners="call_accounts"
    )

    class Meta:
        table = "call_keys"
