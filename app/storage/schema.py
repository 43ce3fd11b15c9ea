"""The GraphQL types of recording configurations and storage tests."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import Maybe, Some

from app.accounts.model import Account as AccountRow
from app.audit.actor_schema import AuditActor, updated_by
from app.foundation.access import MayEditSettings, MayTestAndCallOut
from app.foundation.context import Info
from app.foundation.fault_codes import FaultCode, graphql_enum
from app.foundation.graphql import fields
from app.foundation.identifiers import Kind, sid_of
from app.foundation.outbound.failure_kind import FailureKind
from app.foundation.user_errors import UserError
from app.storage import model, rules, service
from app.storage.faults import STORAGE_WORDS, ProbeFault, StorageFault
from app.storage.inputs import RecordingConfigPatch
from app.storage.verification import StorageVerdict, VerificationResult, VerificationStepName, VerificationStepStatus


@strawberry.type(description="An S3 object tag of recordings.")
class S3Tag:
    name: str = strawberry.field(description="The tag's key, unique among the tags.")
    value: str = strawberry.field(description="The tag's value; may be empty.")


VerificationStepCode = graphql_enum(
    "VerificationStepCode",
    "Why a step of a storage test failed or was skipped.",
    *(FailureKind, StorageFault, ProbeFault),
    **STORAGE_WORDS,
)


@strawberry.type(description="The result of one step of a storage test.")
class VerificationStep:
    step: VerificationStepName = strawberry.field(description="The step.")
    status: VerificationStepStatus = strawberry.field(description="The result.")
    duration_ms: int = strawberry.field(description="Duration in milliseconds.")
    s3_code: str | None = strawberry.field(description="S3's error code, such as `AccessDenied`.")
    http_status: int | None = strawberry.field(description="S3's HTTP status.")
    request_id: str | None = strawberry.field(description="S3's id of the request, for the storage's support.")
    code: FaultCode | None = strawberry.field(
        graphql_type=VerificationStepCode | None, description="What went wrong; null if the step passed."
    )
    advice: str | None = strawberry.field(
        description="What went wrong and what to fix, or why the step was skipped. For SETTINGS, all messages of "
        "`settingsErrors`."
    )


@strawberry.type(description="The result of a storage test: eight steps against the real server.")
class StorageVerification(fields.Backed[VerificationResult]):
    verdict: StorageVerdict = strawberry.field(description="Whether recordings can be stored.")
    can_play: bool = strawberry.field(description="Whether recordings can be read back.")
    can_erase: bool = strawberry.field(description="Whether recordings can be deleted.")
    fingerprint: str = strawberry.field(
        description="Identifies the tested settings, keys included. Compare with `RecordingConfig.fingerprint`."
    )
    verified_at: datetime = strawberry.field(description="When the test ended.")
    duration_ms: int = strawberry.field(description="How long the test took, in milliseconds.")
    waited_ms: int = strawberry.field(description="How long the test waited for a slot before that, in milliseconds.")
    steps: list[VerificationStep] = strawberry.field(description="All eight steps, in order.")
    leftover_key: str | None = strawberry.field(
        description="The key of the test's object, if it remains or may remain in the bucket."
    )
    warnings: list[str] = strawberry.field(description="Accepted values that may be wrong.")
    settings_errors: list[UserError] = strawberry.field(
        description="Errors of the settings by input field, so that a form can mark them; "
        "empty unless the step SETTINGS failed."
    )


def _ending(access_key_id: str | None) -> str | None:
    return access_key_id[-4:] if access_key_id else None


@fields.node(
    Kind.RECORDING_CONFIG,
    description="How and where an account's calls are recorded. "
    "A call is recorded if `enabled` is true, and either `recordAllCalls` or its application's `recordAllCalls` is too.",
)
class RecordingConfig(fields.Node[model.RecordingConfig]):
    enabled: bool = fields.column(
        "Whether the storage may be used. Which calls are recorded depends on `recordAllCalls`."
    )
    audio_format: model.AudioFormat = fields.column("The format of stored recordings.")
    bucket_vendor: model.BucketVendor | None = fields.column("The vendor of the object storage.")
    endpoint_url: str | None = fields.column("The URL of the S3-compatible server; null for Amazon S3.")
    bucket_name: str | None = fields.column("The bucket for recordings.")
    region: str | None = fields.column("The bucket's region, such as `eu-central-1`.")
    access_key_id_ending: str | None = fields.computed(
        _ending, ["access_key_id"], "The last four characters of the access key ID; null when none is stored."
    )
    secret_access_key_set_at: datetime | None = fields.column(
        "When the secret access key was entered; null when none is stored. The key is never shown."
    )
    s3_tags: list[S3Tag] = fields.computed(
        lambda tags: [S3Tag(name=tag["name"], value=tag["value"]) for tag in tags],
        ["s3_tags"],
        "The tags of each recording, at most 10.",
        name="s3Tags",
    )
    record_all_calls: bool = fields.column("Whether calls of all applications are recorded, while `enabled`.")
    fingerprint: str = fields.column(
        "Identifies the stored storage settings, keys included. Compare with a verification's `fingerprint`."
    )
    storage_status: model.StorageStatus = fields.column("The latest result for the stored settings.")
    storage_status_since: datetime = fields.column("When the status last changed.")
    last_verification: StorageVerification | None = fields.computed(
        lambda stored, fingerprint: StorageVerification.of(service.last_verification(stored, fingerprint)),
        ["last_verification", "fingerprint"],
        "The latest test of the stored settings; null when there was none since they changed.",
    )
    warnings: list[str] = fields.computed(
        lambda vendor, region: rules.warnings(rules.StorageDraft(vendor=vendor, region=region)),
        ["bucket_vendor", "region"],
        "Accepted values that may be wrong, such as a region that is not in the list.",
    )
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The account that owns it."
    )
    created_at: datetime = fields.column("When it was created.")
    updated_at: datetime = fields.column("When it was last changed; tests do not count.")
    updated_by: AuditActor | None = updated_by()
    version: int = fields.column(
        "Incremented by each change. Send it as `ifVersion` to avoid overwriting concurrent changes."
    )


@strawberry.input(
    name="S3TagInput",
    description="An S3 object tag: letters, digits, spaces and `_ . : / = + - @`; not beginning with `aws:`.",
)
class S3TagInput:
    name: str = strawberry.field(description="Its key: 1 to 128 UTF-16 units, unique among the tags.")
    value: str = strawberry.field(description="Its value: 0 to 256 UTF-16 units.")

    def tag(self) -> rules.Tag:
        return rules.Tag(self.name, self.value)


_KEYS = "Omit both keys to use the stored ones, which requires the stored vendor and endpoint."


@strawberry.input(description="Changes to a recording configuration; absent fields keep their values.")
class AccountRecordingConfigInput:
    """Part of the input of updateAccount, and base of the input of updateRecordingConfig."""

    enabled: Maybe[bool | None] = strawberry.field(
        default=None,
        description="True: use the storage. Requires vendor, bucket, region and both keys; for S3_COMPATIBLE the endpoint too.",
    )
    audio_format: Maybe[model.AudioFormat | None] = strawberry.field(
        default=None, description="The format of stored recordings. Default: MP3."
    )
    bucket_vendor: Maybe[model.BucketVendor | None] = strawberry.field(
        default=None, description="The vendor of the object storage. Null clears it."
    )
    endpoint_url: Maybe[str | None] = strawberry.field(
        default=None, description="For S3_COMPATIBLE: http or https, host and port, no path. Null clears it."
    )
    bucket_name: Maybe[str | None] = strawberry.field(
        default=None, description="3 to 63 of a-z, 0-9, `.` and `-`. Null clears it."
    )
    region: Maybe[str | None] = strawberry.field(
        default=None, description="One of `s3Regions`, or the S3-compatible server's own. Null clears it."
    )
    access_key_id: Maybe[str | None] = strawberry.field(default=None, description=f"{_KEYS} Null for both clears them.")
    secret_access_key: Maybe[str | None] = strawberry.field(
        default=None, description=f"Stored encrypted, never shown. {_KEYS}"
    )
    s3_tags: Maybe[list[S3TagInput] | None] = strawberry.field(
        default=None, name="s3Tags", description="At most 10; replaces the whole list. Null clears it."
    )
    record_all_calls: Maybe[bool | None] = strawberry.field(
        default=None, description="Record the calls of all applications."
    )
    if_version: int | None = strawberry.field(
        default=None, description="Fail with CONFLICT unless this is the configuration's current version."
    )

    def patch(self) -> RecordingConfigPatch:
        tags = self.s3_tags
        return RecordingConfigPatch(
            enabled=self.enabled,
            audio_format=self.audio_format,
            bucket_vendor=self.bucket_vendor,
            endpoint_url=self.endpoint_url,
            bucket_name=self.bucket_name,
            region=self.region,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            s3_tags=Some(tuple(tag.tag() for tag in tags.value or ())) if tags else None,
            record_all_calls=self.record_all_calls,
            if_version=self.if_version,
        )


@strawberry.input(description="Changes to a recording configuration; absent fields keep their values.")
class UpdateRecordingConfigInput(AccountRecordingConfigInput):
    account_id: strawberry.ID = strawberry.field(description="The account.")


@fields.payload()
class UpdateRecordingConfigPayload(fields.Payload):
    recording_config: RecordingConfig | None = strawberry.field(
        default=None, description="The configuration after the change."
    )


@strawberry.input(description="The account whose recording configuration to remove.")
class RemoveRecordingConfigInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    if_version: int | None = strawberry.field(
        default=None, description="Fail with CONFLICT unless this is the configuration's current version."
    )


@fields.payload("Recordings stay in the bucket.")
class RemoveRecordingConfigPayload(fields.Payload):
    deleted_id: strawberry.ID | None = strawberry.field(default=None, description="Id of the removed configuration.")


@strawberry.input(description="Storage settings to test before they are saved. Nothing is stored.")
class VerifyRecordingStorageInput:
    """A missing value fails the step SETTINGS."""

    account_id: strawberry.ID = strawberry.field(description="The account of the settings.")
    bucket_vendor: model.BucketVendor | None = strawberry.field(
        default=None, description="The vendor of the object storage."
    )
    endpoint_url: str | None = strawberry.field(default=None, description="The URL of the server, for S3_COMPATIBLE.")
    bucket_name: str | None = strawberry.field(default=None, description="The bucket.")
    region: str | None = strawberry.field(default=None, description="The bucket's region.")
    access_key_id: str | None = strawberry.field(default=None, description=_KEYS)
    secret_access_key: str | None = strawberry.field(default=None, description=_KEYS)
    s3_tags: list[S3TagInput] | None = strawberry.field(
        default=None, name="s3Tags", description="The tags to write and read back."
    )


@fields.payload(
    errors="Why there was no test. Invalid values are not reported here: they fail the step SETTINGS, and "
    "`verification.settingsErrors` lists them by input field."
)
class VerifyRecordingStoragePayload(fields.Payload):
    verification: StorageVerification | None = strawberry.field(default=None, description="The result of the test.")


@strawberry.input(description="The account whose stored storage settings to test.")
class VerifyStoredRecordingStorageInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")


@fields.payload(errors="Why there was no test.")
class VerifyStoredRecordingStoragePayload(fields.Payload):
    verification: StorageVerification | None = strawberry.field(default=None, description="The result of the test.")
    recording_config: RecordingConfig | None = strawberry.field(
        default=None, description="The configuration with its new `storageStatus`."
    )


_TOO_MANY_TESTS = (
    "RATE_LIMITED while too many tests of the account, of its service provider or in the worker are running."
)


@strawberry.type
class RecordingMutations:
    @fields.mutation(
        "Changes how and where an account's calls are recorded. The first call creates the configuration.",
        permissions=[MayEditSettings],
    )
    async def update_recording_config(
        self,
        info: Info,
        input: Annotated[UpdateRecordingConfigInput, strawberry.argument(description="The changes.")],
    ) -> UpdateRecordingConfigPayload:
        config = await service.update(info.context, input.account_id, input.patch())
        return UpdateRecordingConfigPayload(recording_config=RecordingConfig.of(config))

    @fields.mutation("Removes an account's recording configuration, keys included.", permissions=[MayEditSettings])
    async def remove_recording_config(
        self,
        info: Info,
        input: Annotated[RemoveRecordingConfigInput, strawberry.argument(description="The account.")],
    ) -> RemoveRecordingConfigPayload:
        config = await service.remove(info.context, input.account_id, input.if_version)
        return RemoveRecordingConfigPayload(deleted_id=strawberry.ID(sid_of(Kind.RECORDING_CONFIG, config.id)))

    @fields.mutation(
        f"Tests storage settings that are not saved yet, step by step, within 10 seconds. Stores nothing. {_TOO_MANY_TESTS}",
        permissions=[MayTestAndCallOut],
    )
    async def verify_recording_storage(
        self,
        info: Info,
        input: Annotated[VerifyRecordingStorageInput, strawberry.argument(description="The settings to test.")],
    ) -> VerifyRecordingStoragePayload:
        draft = rules.StorageDraft(
            vendor=input.bucket_vendor,
            endpoint_url=input.endpoint_url,
            bucket=input.bucket_name,
            region=input.region,
            access_key_id=input.access_key_id,
            secret_access_key=input.secret_access_key,
            tags=tuple(tag.tag() for tag in input.s3_tags or ()),
        )
        return VerifyRecordingStoragePayload(
            verification=StorageVerification.of(await service.verify_draft(info.context, input.account_id, draft))
        )

    @fields.mutation(
        f"Tests the stored storage settings, step by step, within 10 seconds, and keeps the result. {_TOO_MANY_TESTS}",
        permissions=[MayTestAndCallOut],
    )
    async def verify_stored_recording_storage(
        self,
        info: Info,
        input: Annotated[VerifyStoredRecordingStorageInput, strawberry.argument(description="The account.")],
    ) -> VerifyStoredRecordingStoragePayload:
        config, result = await service.verify_stored(info.context, input.account_id)
        return VerifyStoredRecordingStoragePayload(
            verification=StorageVerification.of(result), recording_config=RecordingConfig.of(config)
        )
