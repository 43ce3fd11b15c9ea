"""What is shown of recording configurations, and of the proof that their storage works.

Long because the contract of one noun stays in one place: its types, inputs, payloads and root fields, nearly all declarations.
"""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import Maybe, Some

from app.accounts.model import Account as AccountRow
from app.foundation.context import Info
from app.foundation.errors import BadUserInput, UserError
from app.foundation.graphql import fields
from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.storage import model, policy, regions, rules, service
from app.storage.inputs import RecordingConfigPatch
from app.storage.verification import StorageVerdict, VerificationResult, VerificationStepName, VerificationStepStatus


@strawberry.type(description="A name and value that S3 keeps with each recording.")
class S3Tag:
    """A value."""

    name: str = strawberry.field(description="The tag's key, unique among the tags.")
    value: str = strawberry.field(description="The tag's value; may be empty.")


@strawberry.type(description="What one step of a storage test found.")
class VerificationStep:
    """Stands over probe.StepResult."""

    step: VerificationStepName = strawberry.field(description="Which of the eight steps.")
    status: VerificationStepStatus = strawberry.field(description="What became of it.")
    duration_ms: int = strawberry.field(description="How long it took, in milliseconds.")
    s3_code: str | None = strawberry.field(description="The error code that S3 answered, such as `AccessDenied`.")
    http_status: int | None = strawberry.field(description="The HTTP status that S3 answered.")
    request_id: str | None = strawberry.field(description="S3's id of the request, for its support.")
    advice: str | None = strawberry.field(
        description="What to fix, or why the step was skipped; of the step SETTINGS all that `settingsErrors` has by input field."
    )


@strawberry.type(description="The proof that a storage works, or why it does not: eight steps against the real server.")
class StorageVerification(fields.Backed[VerificationResult]):
    verdict: StorageVerdict = strawberry.field(description="Whether recordings can be stored.")
    can_play: bool = strawberry.field(description="Whether recordings can be read back.")
    can_erase: bool = strawberry.field(description="Whether recordings can be deleted.")
    fingerprint: str = strawberry.field(
        description="Of exactly what was tested, keys included; `RecordingConfig.fingerprint` is that of what is stored."
    )
    verified_at: datetime = strawberry.field(description="When the test ended.")
    duration_ms: int = strawberry.field(description="How long the test took, in milliseconds.")
    waited_ms: int = strawberry.field(description="How long it waited for its turn before that, in milliseconds.")
    steps: list[VerificationStep] = strawberry.field(description="All eight steps, in order.")
    leftover_key: str | None = strawberry.field(
        description="The key of the test's object if it stayed in the bucket, or may have."
    )
    warnings: list[str] = strawberry.field(description="What may be right but deserves a look.")
    settings_errors: list[UserError] = strawberry.field(
        description="What is wrong with the values, by input field, so that a form can mark them; "
        "empty unless the step SETTINGS failed."
    )


def _ending(access_key_id: str | None) -> str | None:
    return access_key_id[-4:] if access_key_id else None


@fields.node(
    Kind.RECORDING_CONFIG,
    description="How an account's calls are recorded, and where to. "
    "A call is recorded when `enabled` and either `recordAllCalls` or its application's switch is on.",
)
class RecordingConfig(fields.Node[model.RecordingConfig]):
    enabled: bool = fields.column("Whether storage is configured and in use. It alone records nothing.")
    audio_format: model.AudioFormat = fields.column("What recordings are stored as.")
    bucket_vendor: model.BucketVendor | None = fields.column("Whose object storage holds the bucket.")
    endpoint_url: str | None = fields.column("Where the S3-compatible server is; null for Amazon S3.")
    bucket_name: str | None = fields.column("The bucket that recordings go to.")
    region: str | None = fields.column("The bucket's region, such as `eu-central-1`.")
    access_key_id_ending: str | None = fields.computed(
        _ending, ["access_key_id"], "The last four characters of the access key ID; null when none is stored."
    )
    secret_access_key_set_at: datetime | None = fields.column(
        "When the secret access key was entered; null when none is stored. The key itself is never shown."
    )
    s3_tags: list[S3Tag] = fields.computed(
        lambda tags: [S3Tag(name=tag["name"], value=tag["value"]) for tag in tags],
        ["s3_tags"],
        "The tags that each recording gets, at most 10.",
        name="s3Tags",
    )
    record_all_calls: bool = fields.column("Whether calls of all applications are recorded, while `enabled`.")
    fingerprint: str = fields.column("Of the stored storage settings, keys included; compare it with a verification's.")
    storage_status: model.StorageStatus = fields.column("What the newest test of the stored settings says.")
    storage_status_since: datetime = fields.column("Since when it says so.")
    last_verification: StorageVerification | None = fields.computed(
        lambda stored, fingerprint: StorageVerification.of(service.last_verification(stored, fingerprint)),
        ["last_verification", "fingerprint"],
        "The newest test of exactly what is stored; null when there was none since it was changed.",
    )
    warnings: list[str] = fields.computed(
        lambda vendor, region: rules.warnings(rules.StorageDraft(vendor=vendor, region=region)),
        ["bucket_vendor", "region"],
        "What may be right but deserves a look, such as a region that the list does not have.",
    )
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The account it belongs to."
    )
    created_at: datetime = fields.column("When it was saved first.")
    updated_at: datetime = fields.column("When it was changed last; tests do not count.")
    version: int = fields.column(
        "Grows by one with each change; send it as `ifVersion` to be safe from others' changes."
    )


@strawberry.type(description="A region of Amazon S3.")
class S3Region(fields.Backed[regions.Region]):
    code: str = strawberry.field(description="What goes into `region`, such as `eu-central-1`.")
    name: str = strawberry.field(description="Its name for people, such as `Europe (Frankfurt)`.")
    partition: str = strawberry.field(
        description="`aws`, `aws-us-gov`, `aws-cn` or `aws-eusc`; keys belong to one of them."
    )
    opt_in: bool = strawberry.field(description="Whether an AWS account must enable the region before it can be used.")
    endpoint: str = fields.computed(regions.endpoint, ["code"], "The address of S3 there.")


@strawberry.type(description="An audio format to choose from.")
class AudioFormatOption:
    """For forms."""

    value: model.AudioFormat = strawberry.field(description="What goes into `audioFormat`.")
    name: str = strawberry.field(description="Its name for people.")
    content_type: str = strawberry.field(description="The media type of its recordings.")


@strawberry.type(description="A bucket vendor to choose from.")
class BucketVendorOption:
    """For forms."""

    value: model.BucketVendor = strawberry.field(description="What goes into `bucketVendor`.")
    name: str = strawberry.field(description="Its name for people.")
    needs_endpoint_url: bool = strawberry.field(
        description="Whether `endpointUrl` is needed; otherwise it must be null."
    )


_FORMATS = [
    AudioFormatOption(
        value=model.AudioFormat.MP3, name="MP3 (.mp3)", content_type=model.CONTENT_TYPES[model.AudioFormat.MP3]
    ),
    AudioFormatOption(
        value=model.AudioFormat.WAV, name="WAV (.wav)", content_type=model.CONTENT_TYPES[model.AudioFormat.WAV]
    ),
]
_VENDORS = [
    BucketVendorOption(value=model.BucketVendor.AWS_S3, name="Amazon S3", needs_endpoint_url=False),
    BucketVendorOption(value=model.BucketVendor.S3_COMPATIBLE, name="S3-compatible", needs_endpoint_url=True),
]


@strawberry.type(description="One statement of an IAM policy.")
class RecordingPolicyStatement(fields.Backed[policy.Statement]):
    sid: str = strawberry.field(description="Its name in the JSON.")
    purpose: str = strawberry.field(description="What it is for.")
    actions: list[str] = strawberry.field(description="What it allows.")
    resource: str = strawberry.field(description="On what.")


@strawberry.type(description="The least-privilege IAM policy of the access key that stores recordings.")
class RecordingPolicy:
    """A value."""

    bucket_name: str = strawberry.field(description="The bucket that it is for.")
    json: str = strawberry.field(description="The policy, ready to paste into AWS.")
    statements: list[RecordingPolicyStatement] = strawberry.field(description="What each statement is for.")


@strawberry.type(description="The limits of a recording configuration's inputs.")
class RecordingLimits:
    """Constants."""

    endpoint_url_maximum: int = strawberry.field(
        default=rules.MAX_ENDPOINT_URL, description="Characters of `endpointUrl`."
    )
    bucket_name_minimum: int = strawberry.field(default=rules.MIN_BUCKET, description="Characters of `bucketName`.")
    bucket_name_maximum: int = strawberry.field(default=rules.MAX_BUCKET, description="Characters of `bucketName`.")
    region_maximum: int = strawberry.field(default=rules.MAX_REGION, description="Characters of `region`.")
    access_key_id_maximum: int = strawberry.field(
        default=rules.MAX_ACCESS_KEY_ID, description="Characters of `accessKeyId`; Amazon S3 has 16 to 128."
    )
    secret_access_key_maximum: int = strawberry.field(
        default=rules.MAX_SECRET, description="Characters of `secretAccessKey`."
    )
    s3_tags_maximum: int = strawberry.field(
        default=rules.MAX_TAGS, name="s3TagsMaximum", description="How many `s3Tags` there may be."
    )
    s3_tag_name_maximum: int = strawberry.field(
        default=rules.MAX_TAG_NAME_UNITS, name="s3TagNameMaximum", description="UTF-16 units of a tag's name."
    )
    s3_tag_value_maximum: int = strawberry.field(
        default=rules.MAX_TAG_VALUE_UNITS, name="s3TagValueMaximum", description="UTF-16 units of a tag's value."
    )


@strawberry.type
class RecordingQueries:
    """Root fields."""

    @fields.resolver(
        "The regions of Amazon S3 to choose from. A newer one is accepted too, with a warning.", name="s3Regions"
    )
    def s3_regions(self) -> list[S3Region]:
        return [S3Region.of(region) for region in regions.REGIONS]

    @fields.resolver("The audio formats to choose from, the default first.")
    def audio_formats(self) -> list[AudioFormatOption]:
        return _FORMATS

    @fields.resolver("The bucket vendors to choose from.")
    def bucket_vendors(self) -> list[BucketVendorOption]:
        return _VENDORS

    @fields.resolver("The IAM policy for an account's bucket; null when there is no such account within reach.")
    async def recording_policy(
        self,
        info: Info,
        account_id: Annotated[strawberry.ID, strawberry.argument(description="The account.")],
        bucket_name: Annotated[
            str | None, strawberry.argument(description="A bucket that is not saved yet; by default the stored one.")
        ] = None,
        region: Annotated[
            str | None,
            strawberry.argument(description="Its region, which tells the partition; by default the stored one."),
        ] = None,
    ) -> RecordingPolicy | None:
        row_id = parse_sid(Kind.ACCOUNT, account_id)
        account = await info.context.viewer.visible(AccountRow).get_or_none(id=row_id) if row_id else None
        if account is None:
            return None
        stored = await model.RecordingConfig.get_or_none(account_id=account.id)
        given = rules.StorageDraft(bucket=bucket_name, region=region)
        bucket, region = given.bucket or (stored.bucket_name if stored else None), given.region
        if bucket is None:
            raise BadUserInput("The account has no bucket yet; say which in `bucketName`.", argument="bucketName")
        for _path, _code, message in rules.errors(rules.StorageDraft(bucket=bucket)):
            raise BadUserInput(message, argument="bucketName")
        if region is not None and not regions.has_region_shape(region):
            raise BadUserInput("`region` must be an AWS region such as eu-central-1.", argument="region")
        parts = policy.statements(bucket, region or (stored.region if stored else None))
        return RecordingPolicy(
            bucket_name=bucket,
            json=policy.document(parts),
            statements=[RecordingPolicyStatement.of(part) for part in parts],
        )


@strawberry.input(name="S3TagInput", description="A tag that each recording gets.")
class S3TagInput:
    """Letters, digits, spaces and `_ . : / = + - @`; not beginning with `aws:`."""

    name: str = strawberry.field(description="Its key: 1 to 128 UTF-16 units, unique among the tags.")
    value: str = strawberry.field(description="Its value: 0 to 256 UTF-16 units.")

    def tag(self) -> rules.Tag:
        return rules.Tag(self.name, self.value)


_KEYS = "Leave out both keys to use the stored ones, as long as vendor and endpoint are the stored ones."


@strawberry.input(description="Changes to how an account's calls are recorded; what is left out stays as it is.")
class AccountRecordingConfigInput:
    """A part of the input of updateAccount, and all but the account of that of updateRecordingConfig."""

    enabled: Maybe[bool | None] = strawberry.field(
        default=None,
        description="Put storage to use: needs vendor, bucket, region and both keys (and the endpoint); a test is not required.",
    )
    audio_format: Maybe[model.AudioFormat | None] = strawberry.field(default=None, description="MP3 at first.")
    bucket_vendor: Maybe[model.BucketVendor | None] = strawberry.field(default=None, description="Null clears it.")
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
        default=None, name="s3Tags", description="At most 10; the whole list is replaced. Null clears it."
    )
    record_all_calls: Maybe[bool | None] = strawberry.field(
        default=None, description="Record the calls of all applications."
    )
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the configuration's version."
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


@strawberry.input(description="Changes to how an account's calls are recorded; what is left out stays as it is.")
class UpdateRecordingConfigInput(AccountRecordingConfigInput):
    """Input of updateRecordingConfig."""

    account_id: strawberry.ID = strawberry.field(description="The account.")


@fields.payload()
class UpdateRecordingConfigPayload(fields.Payload):
    recording_config: RecordingConfig | None = strawberry.field(
        default=None, description="The configuration as it is now."
    )


@strawberry.input(description="An account whose recording configuration is removed.")
class RemoveRecordingConfigInput:
    """Input of removeRecordingConfig."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the configuration's version."
    )


@fields.payload("Recordings in the bucket stay where they are.")
class RemoveRecordingConfigPayload(fields.Payload):
    deleted_id: strawberry.ID | None = strawberry.field(default=None, description="The id that is no more.")


@strawberry.input(description="Storage settings to be tested before they are saved. Nothing is stored.")
class VerifyRecordingStorageInput:
    """Input of verifyRecordingStorage: what the form shows. What is missing fails the step SETTINGS."""

    account_id: strawberry.ID = strawberry.field(description="The account that they are for.")
    bucket_vendor: model.BucketVendor | None = strawberry.field(default=None, description="Whose object storage it is.")
    endpoint_url: str | None = strawberry.field(default=None, description="Where it is, for S3_COMPATIBLE.")
    bucket_name: str | None = strawberry.field(default=None, description="The bucket.")
    region: str | None = strawberry.field(default=None, description="The bucket's region.")
    access_key_id: str | None = strawberry.field(default=None, description=_KEYS)
    secret_access_key: str | None = strawberry.field(default=None, description=_KEYS)
    s3_tags: list[S3TagInput] | None = strawberry.field(
        default=None, name="s3Tags", description="The tags to write and read back."
    )


@fields.payload(
    errors="Why nothing was tested. Wrong values are no such reason: they fail the step SETTINGS, and "
    "`verification.settingsErrors` has each with its input field."
)
class VerifyRecordingStoragePayload(fields.Payload):
    verification: StorageVerification | None = strawberry.field(default=None, description="What the test found.")


@strawberry.input(description="An account whose stored storage settings are tested.")
class VerifyStoredRecordingStorageInput:
    """Input of verifyStoredRecordingStorage."""

    account_id: strawberry.ID = strawberry.field(description="The account.")


@fields.payload(errors="Why nothing was tested.")
class VerifyStoredRecordingStoragePayload(fields.Payload):
    verification: StorageVerification | None = strawberry.field(default=None, description="What the test found.")
    recording_config: RecordingConfig | None = strawberry.field(
        default=None, description="The configuration with its new `storageStatus`."
    )


_TOO_MANY_TESTS = "RATE_LIMITED while too many tests run: of the account, of its service provider, or in the worker."


@strawberry.type
class RecordingMutations:
    """Root fields."""

    @fields.mutation(
        "Configures how an account's calls are recorded, and where to. The first save makes the configuration."
    )
    async def update_recording_config(
        self,
        info: Info,
        input: Annotated[UpdateRecordingConfigInput, strawberry.argument(description="The changes.")],
    ) -> UpdateRecordingConfigPayload:
        config = await service.update(info.context, input.account_id, input.patch())
        return UpdateRecordingConfigPayload(recording_config=RecordingConfig.of(config))

    @fields.mutation("Removes an account's recording configuration, keys included.")
    async def remove_recording_config(
        self,
        info: Info,
        input: Annotated[RemoveRecordingConfigInput, strawberry.argument(description="Which account.")],
    ) -> RemoveRecordingConfigPayload:
        config = await service.remove(info.context, input.account_id, input.if_version)
        return RemoveRecordingConfigPayload(deleted_id=strawberry.ID(sid_of(Kind.RECORDING_CONFIG, config.id)))

    @fields.mutation(
        f"Tests storage settings that are not saved yet, step by step, within 10 seconds. Stores nothing. {_TOO_MANY_TESTS}"
    )
    async def verify_recording_storage(
        self,
        info: Info,
        input: Annotated[VerifyRecordingStorageInput, strawberry.argument(description="What to test.")],
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
        f"Tests the stored storage settings, step by step, within 10 seconds, and keeps the result. {_TOO_MANY_TESTS}"
    )
    async def verify_stored_recording_storage(
        self,
        info: Info,
        input: Annotated[VerifyStoredRecordingStorageInput, strawberry.argument(description="Which account.")],
    ) -> VerifyStoredRecordingStoragePayload:
        config, result = await service.verify_stored(info.context, input.account_id)
        return VerifyStoredRecordingStoragePayload(
            verification=StorageVerification.of(result), recording_config=RecordingConfig.of(config)
        )
