"""The storage test against a server that enforces IAM policies: each missing permission has its own advice."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.storage.model import BucketVendor
from app.storage.rules import StorageDraft, Tag
from app.storage.verification import StorageVerdict, StorageVerifier
from tests.storage.conftest import statuses, step
from tests.support.servers.iam_s3 import BUCKET, IamS3

RECORD = ("PutObject", "PutObjectTagging", "AbortMultipartUpload")
EVERYTHING = (*RECORD, "GetObject", "GetObjectTagging", "DeleteObject", "ListBucket")


def draft_of(server: IamS3, *actions: str, **changes: Any) -> StorageDraft:
    key_id, secret = server.key_that_may(*actions)
    values: dict[str, Any] = {"tags": (Tag("team", "voice"),), **changes}
    return StorageDraft(
        BucketVendor.S3_COMPATIBLE, server.endpoint, BUCKET, values.pop("region", "us-east-1"), key_id, secret, **values
    )


def without(right: str) -> tuple[str, ...]:
    return tuple(action for action in EVERYTHING if action != right)


def remains(server: IamS3) -> tuple[list[str], list[str]]:
    client = server.admin()
    objects = [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return objects, [found["UploadId"] for found in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]


@pytest.fixture(autouse=True)
def is_clean(iam_s3: IamS3) -> Iterator[None]:
    client = iam_s3.admin()
    listed = client.list_object_versions(Bucket=BUCKET)
    for found in [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]:  # left by other tests
        client.delete_object(Bucket=BUCKET, Key=found["Key"], VersionId=found["VersionId"])
    yield
    assert remains(iam_s3) == ([], [])


async def test_the_recommended_policy_is_sufficient(verifier: StorageVerifier, iam_s3: IamS3) -> None:
    result = await verifier.verify(draft_of(iam_s3, *EVERYTHING))
    assert result.verdict is StorageVerdict.WORKING
    assert "F" not in statuses(result)


async def test_without_the_right_to_delete_the_answer_names_the_key_left_behind(
    verifier: StorageVerifier, iam_s3: IamS3
) -> None:
    result = await verifier.verify(draft_of(iam_s3, *without("DeleteObject")))
    assert result.verdict is StorageVerdict.WORKING
    assert result.can_play
    assert not result.can_erase
    assert step(result, "DELETE").s3_code == "AccessDenied"
    assert "s3:DeleteObject" in (step(result, "DELETE").advice or "")
    assert remains(iam_s3) == ([result.leftover_key], [])
    iam_s3.admin().delete_object(Bucket=BUCKET, Key=result.leftover_key)


async def test_without_the_tagging_permission_the_advice_names_it(verifier: StorageVerifier, iam_s3: IamS3) -> None:
    result = await verifier.verify(draft_of(iam_s3, *without("PutObjectTagging")))
    assert statuses(result)[3:] == "FSSSS"
    assert step(result, "WRITE").s3_code == "AccessDenied"
    assert "s3:PutObjectTagging" in (step(result, "WRITE").advice or "")
    assert (await verifier.verify(draft_of(iam_s3, *without("PutObjectTagging"), tags=()))).can_erase


async def test_without_the_right_to_write_the_sentence_is_about_writing(
    verifier: StorageVerifier, iam_s3: IamS3
) -> None:
    result = await verifier.verify(draft_of(iam_s3, *without("PutObject")))
    assert "may not write to this bucket" in (step(result, "WRITE").advice or "")


async def test_without_the_right_to_read_tags_that_step_is_skipped(verifier: StorageVerifier, iam_s3: IamS3) -> None:
    result = await verifier.verify(draft_of(iam_s3, *without("GetObjectTagging")))
    assert statuses(result)[3:] == "PSPPP"
    assert "s3:GetObjectTagging" in (step(result, "TAGS").advice or "")
    assert result.verdict is StorageVerdict.WORKING


async def test_without_the_right_to_read_recordings_cannot_be_played(verifier: StorageVerifier, iam_s3: IamS3) -> None:
    result = await verifier.verify(draft_of(iam_s3, *without("GetObject")))
    assert result.verdict is StorageVerdict.WORKING
    assert not result.can_play
    assert "s3:GetObject" in (step(result, "READ").advice or "")


async def test_without_the_right_to_abort_the_storage_fails_and_the_open_upload_is_named(
    verifier: StorageVerifier, iam_s3: IamS3
) -> None:
    result = await verifier.verify(draft_of(iam_s3, *without("AbortMultipartUpload")))
    assert result.verdict is StorageVerdict.FAILING
    assert statuses(result)[3:] == "PPPFP"
    assert "s3:AbortMultipartUpload" in (step(result, "MULTIPART").advice or "")
    assert any("multipart upload" in warning for warning in result.warnings)
    client = iam_s3.admin()
    (upload,) = client.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert upload["Key"] in result.warnings[-1]
    client.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])


async def test_without_the_right_to_list_the_bucket_is_still_proved_by_writing(
    verifier: StorageVerifier, iam_s3: IamS3
) -> None:
    result = await verifier.verify(draft_of(iam_s3, *without("ListBucket")))
    assert step(result, "REACH").http_status == 403
    assert result.verdict is StorageVerdict.WORKING


async def test_a_versioned_bucket_gives_a_warning_and_is_left_without_versions(
    verifier: StorageVerifier, iam_s3: IamS3
) -> None:
    client = iam_s3.admin()
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    try:
        may_delete = await verifier.verify(draft_of(iam_s3, *EVERYTHING, "DeleteObjectVersion"))
        assert any("old versions" in warning for warning in may_delete.warnings)
        listed = client.list_object_versions(Bucket=BUCKET)
        assert listed.get("Versions", []) + listed.get("DeleteMarkers", []) == []
        may_not = await verifier.verify(draft_of(iam_s3, *EVERYTHING))
        assert may_not.verdict is StorageVerdict.WORKING
        assert any("may not delete them" in warning for warning in may_not.warnings)
        listed = client.list_object_versions(Bucket=BUCKET)
        for left in listed.get("Versions", []) + listed.get("DeleteMarkers", []):
            client.delete_object(Bucket=BUCKET, Key=left["Key"], VersionId=left["VersionId"])
    finally:
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
