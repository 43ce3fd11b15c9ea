"""Calls, their keys, and the accounts they refer to."""

import enum
from typing import ClassVar
from uuid import UUID

import strawberry
from tortoise import fields
from tortoise.models import Model

from app.foundation.access import TenantScope, TenantScoped
from app.foundation.identifiers import new_id
from app.storage.model import AudioFormat, BucketVendor, RecordingError


@strawberry.enum(description="The direction of a call, seen from the voice gateway.")
class CallDirection(enum.Enum):
    INBOUND = strawberry.enum_value("INBOUND", description="A caller called the gateway.")
    OUTBOUND = strawberry.enum_value("OUTBOUND", description="The gateway placed the call.")


@strawberry.enum(description="The state of a call's recording.")
class RecordingState(enum.Enum):
    """NONE; or RECORDING, then STORING, then STORED or FAILED; finally DELETED."""

    NONE = strawberry.enum_value(
        "NONE", description="The call was not recorded, or its stream had no audio, which `error` then says."
    )
    RECORDING = strawberry.enum_value("RECORDING", description="The gateway streams the audio.")
    STORING = strawberry.enum_value(
        "STORING", description="The call has ended, and its audio is being uploaded to the bucket."
    )
    STORED = strawberry.enum_value("STORED", description="The recording is in the bucket.")
    FAILED = strawberry.enum_value("FAILED", description="The recording could not be stored; `error` says why.")
    DELETED = strawberry.enum_value("DELETED", description="The recording was deleted.")


class CallAccount(TenantScoped):
    """The row of an account that its calls, call keys and stored credentials refer to.

    On a distributed PostgreSQL, `accounts` stays on the coordinator, while this row is on the node of its account's
    calls. Statements across accounts therefore join calls with this table only. Triggers keep it equal to `accounts`.
    `newest_month` is the least id of the month of the account's newest call; null before its first call.
    """

    id = fields.UUIDField(primary_key=True)
    service_provider_id = fields.UUIDField()
    newest_month = fields.UUIDField(null=True)

    tenant_scope: ClassVar[TenantScope] = TenantScope(account="id", service_provider=("service_provider_id",))

    class Meta:
        table = "call_accounts"


class Call(TenantScoped):
    """A call with its recording, partitioned by month of `id`, which carries the start time known at the first report.

    The primary key is (account_id, id), so that calls can be distributed by account. `started_at` is an estimate until
    `start_reported`. `application_id` is no foreign key, because calls outlive their application. The recording's location is
    stored here, so that it stays valid when the account's configuration changes. A composite foreign key protects its
    credential. A CHECK ties a recording to its location.
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
        # In other units or not at all in the API.
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
    """Maps a gateway's id of a call to ours, which makes reports idempotent.

    The primary key is both ids.
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
