"""GraphQL types and queries for the form of a recording configuration: its choices, its limits and the bucket's IAM policy."""

from typing import Annotated

import strawberry

from app.accounts.model import Account as AccountRow
from app.foundation.context import Info
from app.foundation.errors import BadUserInput
from app.foundation.graphql import fields
from app.foundation.identifiers import Kind, parse_sid
from app.storage import model, policy, regions, rules


@strawberry.type(description="A region of Amazon S3.")
class S3Region(fields.Backed[regions.Region]):
    code: str = strawberry.field(description="The value of `region`, such as `eu-central-1`.")
    name: str = strawberry.field(description="Display name, such as `Europe (Frankfurt)`.")
    partition: str = strawberry.field(
        description="`aws`, `aws-us-gov`, `aws-cn` or `aws-eusc`; keys are valid in one partition."
    )
    opt_in: bool = strawberry.field(description="Whether an AWS account must enable the region before it can be used.")
    endpoint: str = fields.computed(regions.endpoint, ["code"], "The URL of S3 in the region.")


@strawberry.type(description="An available audio format.")
class AudioFormatOption:
    value: model.AudioFormat = strawberry.field(description="The value of `audioFormat`.")
    name: str = strawberry.field(description="Display name.")
    content_type: str = strawberry.field(description="The media type of its recordings.")


@strawberry.type(description="An available bucket vendor.")
class BucketVendorOption:
    value: model.BucketVendor = strawberry.field(description="The value of `bucketVendor`.")
    name: str = strawberry.field(description="Display name.")
    needs_endpoint_url: bool = strawberry.field(
        description="Whether `endpointUrl` is required; otherwise it must be null."
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
    purpose: str = strawberry.field(description="Its purpose.")
    actions: list[str] = strawberry.field(description="The allowed actions.")
    resource: str = strawberry.field(description="The resource of the actions.")


@strawberry.type(description="The least-privilege IAM policy of the access key that stores recordings.")
class RecordingPolicy:
    bucket_name: str = strawberry.field(description="The bucket of the policy.")
    json: str = strawberry.field(description="The policy, ready to paste into AWS.")
    statements: list[RecordingPolicyStatement] = strawberry.field(description="The statements with their purposes.")


@strawberry.type(description="The limits of a recording configuration's inputs.")
class RecordingLimits:
    endpoint_url_maximum: int = strawberry.field(
        default=rules.MAX_ENDPOINT_URL, description="Maximum characters of `endpointUrl`."
    )
    bucket_name_minimum: int = strawberry.field(
        default=rules.MIN_BUCKET, description="Minimum characters of `bucketName`."
    )
    bucket_name_maximum: int = strawberry.field(
        default=rules.MAX_BUCKET, description="Maximum characters of `bucketName`."
    )
    region_maximum: int = strawberry.field(default=rules.MAX_REGION, description="Maximum characters of `region`.")
    access_key_id_maximum: int = strawberry.field(
        default=rules.MAX_ACCESS_KEY_ID, description="Maximum characters of `accessKeyId`; 16 to 128 for Amazon S3."
    )
    secret_access_key_maximum: int = strawberry.field(
        default=rules.MAX_SECRET, description="Maximum characters of `secretAccessKey`."
    )
    s3_tags_maximum: int = strawberry.field(
        default=rules.MAX_TAGS, name="s3TagsMaximum", description="Maximum number of `s3Tags`."
    )
    s3_tag_name_maximum: int = strawberry.field(
        default=rules.MAX_TAG_NAME_UNITS, name="s3TagNameMaximum", description="Maximum UTF-16 units of a tag's name."
    )
    s3_tag_value_maximum: int = strawberry.field(
        default=rules.MAX_TAG_VALUE_UNITS,
        name="s3TagValueMaximum",
        description="Maximum UTF-16 units of a tag's value.",
    )


@strawberry.type
class RecordingQueries:
    @fields.resolver(
        "The known regions of Amazon S3. Newer regions are accepted too, with a warning.", name="s3Regions"
    )
    def s3_regions(self) -> list[S3Region]:
        return [S3Region.of(region) for region in regions.REGIONS]

    @fields.resolver("The audio formats, the default first.")
    def audio_formats(self) -> list[AudioFormatOption]:
        return _FORMATS

    @fields.resolver("The bucket vendors.")
    def bucket_vendors(self) -> list[BucketVendorOption]:
        return _VENDORS

    @fields.resolver("The IAM policy for an account's bucket; null if no such account is visible to the caller.")
    async def recording_policy(
        self,
        info: Info,
        account_id: Annotated[strawberry.ID, strawberry.argument(description="The account.")],
        bucket_name: Annotated[
            str | None, strawberry.argument(description="A bucket that is not saved yet; by default the stored one.")
        ] = None,
        region: Annotated[
            str | None,
            strawberry.argument(description="Its region, which determines the partition; by default the stored one."),
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
            raise BadUserInput("The account has no bucket yet: name one in `bucketName`.", argument="bucketName")
        for error in rules.errors(rules.StorageDraft(bucket=bucket)):
            raise BadUserInput(error.message, argument="bucketName")
        if region is not None and not regions.has_region_shape(region):
            raise BadUserInput("`region` must be an AWS region, such as eu-central-1.", argument="region")
        parts = policy.statements(bucket, region or (stored.region if stored else None))
        return RecordingPolicy(
            bucket_name=bucket,
            json=policy.document(parts),
            statements=[RecordingPolicyStatement.of(part) for part in parts],
        )
