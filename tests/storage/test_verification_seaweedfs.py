"""The storage test against a real S3 server that checks signatures and identities."""

import asyncio
import dataclasses
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from app.demo.local_s3 import Identity, LocalS3
from app.foundation.encryption import Keyring
from app.storage.model import BucketVendor
from app.storage.rules import StorageDraft, Tag
from app.storage.s3 import Bucket
from app.storage.verification import StorageVerdict, StorageVerifier, VerificationResult, fingerprint
from tests.storage.conftest import statuses, step
from tests.support.servers.fixtures import ADMIN, EARLY, NEIGHBOUR, READER, RECORDER


def draft_of(server: LocalS3, who: Identity = RECORDER, **changes: Any) -> StorageDraft:
    draft = StorageDraft(
        vendor=BucketVendor.S3_COMPATIBLE,
        endpoint_url=server.endpoint,
        bucket="calls",
        region="us-east-1",
        access_key_id=who.access_key_id,
        secret_access_key=who.secret_access_key,
        tags=(Tag("team", "voice"), Tag("Größe", "")),
    )
    return dataclasses.replace(draft, **changes)


@pytest.fixture(autouse=True)
def is_clean(local_s3: LocalS3) -> Iterator[None]:
    client = boto3.client(
        "s3",
        endpoint_url=local_s3.endpoint,
        region_name="us-east-1",
        aws_access_key_id=ADMIN.access_key_id,
        aws_secret_access_key=ADMIN.secret_access_key,
    )

    def there() -> dict[str, tuple[list[str], list[str]]]:
        """The objects and uploads of each bucket, including those of other tests."""
        return {
            bucket: (
                [found["Key"] for found in client.list_objects_v2(Bucket=bucket).get("Contents", [])],
                [found["UploadId"] for found in client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])],
            )
            for bucket in sorted(bucket["Name"] for bucket in client.list_buckets()["Buckets"])
        }

    before = there()
    yield
    assert there() == before


async def test_working_storage_passes_every_step(verifier: StorageVerifier, local_s3: LocalS3) -> None:
    result = await verifier.verify(draft_of(local_s3))
    assert statuses(result) == "PPSPPPPP"
    assert result.verdict is StorageVerdict.WORKING
    assert result.can_play
    assert result.can_erase
    assert result.leftover_key is None
    assert step(result, "WRITE").http_status == 200
    assert step(result, "WRITE").request_id
    assert result.duration_ms >= max(found.duration_ms for found in result.steps)


async def test_without_tags_the_tag_step_is_skipped(verifier: StorageVerifier, local_s3: LocalS3) -> None:
    result = await verifier.verify(draft_of(local_s3, tags=()))
    assert statuses(result) == "PPSPSPPP"
    assert result.verdict is StorageVerdict.WORKING


async def test_tags_at_the_utf16_limits_are_stored(verifier: StorageVerifier, local_s3: LocalS3) -> None:
    tags = (Tag("𝒳" * 64, "𝒳" * 128), Tag("ü" * 128, "大" * 256), Tag("a b+c/d=e:@", " & "[:1] + "+-_."))
    result = await verifier.verify(draft_of(local_s3, tags=tags))
    assert statuses(result) == "PPSPPPPP"


async def test_an_unknown_key_id_is_reported(verifier: StorageVerifier, local_s3: LocalS3) -> None:
    result = await verifier.verify(draft_of(local_s3, access_key_id="nobody"))
    assert result.verdict is StorageVerdict.FAILING
    assert statuses(result) == "PPSFSSSS"
    assert step(result, "WRITE").s3_code == "InvalidAccessKeyId"
    assert "does not know this access key ID" in (step(result, "WRITE").advice or "")


async def test_a_wrong_secret_is_reported_without_repeating_it(
    verifier: StorageVerifier, local_s3: LocalS3, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        result = await verifier.verify(draft_of(local_s3, secret_access_key="wrong-hunter2"))
    assert step(result, "WRITE").s3_code == "SignatureDoesNotMatch"
    assert "secret access key" in (step(result, "WRITE").advice or "")
    assert "AWS4-HMAC" not in caplog.text
    assert "hunter2" not in json.dumps(result.to_json()) + caplog.text + repr(result)


async def test_the_servers_own_credentials_never_replace_wrong_ones(
    make_verifier: Callable[..., Any], local_s3: LocalS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    own = f"[default]\naws_access_key_id={ADMIN.access_key_id}\naws_secret_access_key={ADMIN.secret_access_key}\n"
    (tmp_path / "aws").write_text(own)
    for name, value in (
        ("AWS_ACCESS_KEY_ID", ADMIN.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", ADMIN.secret_access_key),
        ("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws")),
        ("AWS_CONFIG_FILE", str(tmp_path / "aws")),
    ):
        monkeypatch.setenv(name, value)
    verifier = await make_verifier(fresh=True)
    result = await verifier.verify(draft_of(local_s3, access_key_id="nobody", secret_access_key="nothing"))
    assert step(result, "WRITE").s3_code == "InvalidAccessKeyId"
    missing = await verifier.verify(draft_of(local_s3, access_key_id=None, secret_access_key=None))
    assert statuses(missing) == "FSSSSSSS"


async def test_the_servers_environment_has_no_influence(
    make_verifier: Callable[..., Any], local_s3: LocalS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name, value in (
        ("AWS_PROFILE", "missing-profile"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1"),
        ("AWS_CA_BUNDLE", "/nowhere"),
        ("REQUESTS_CA_BUNDLE", "/nowhere"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_MAX_ATTEMPTS", "9"),
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        ("AWS_DEFAULTS_MODE", "auto"),
        ("AWS_DATA_PATH", str(tmp_path)),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
        ("BOTOCORE_EXPERIMENTAL__PLUGINS", "x=no_such_module"),
    ):
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)
    result = await (await make_verifier(fresh=True)).verify(draft_of(local_s3))
    assert statuses(result) == "PPSPPPPP"


async def test_an_identity_that_may_only_read_fails_to_write(verifier: StorageVerifier, local_s3: LocalS3) -> None:
    result = await verifier.verify(draft_of(local_s3, READER))
    assert statuses(result) == "PPSFSSSS"
    assert step(result, "WRITE").s3_code == "AccessDenied"
    assert "s3:PutObject" in (step(result, "WRITE").advice or "")


async def test_an_identity_of_another_bucket_fails_to_write(verifier: StorageVerifier, local_s3: LocalS3) -> None:
    result = await verifier.verify(draft_of(local_s3, NEIGHBOUR))
    assert statuses(result) == "PPSFSSSS"
    assert "may not write to this bucket" in (step(result, "WRITE").advice or "")


async def test_a_missing_bucket_is_reported_and_not_created(verifier: StorageVerifier, local_s3: LocalS3) -> None:
    result = await verifier.verify(draft_of(local_s3, EARLY, bucket="nowhere"))
    assert statuses(result) == "PFSSSSSS"
    assert "There is no bucket with this name" in (step(result, "REACH").advice or "")


async def test_an_incomplete_draft_fails_the_settings_and_names_what_is_missing(verifier: StorageVerifier) -> None:
    result = await verifier.verify(StorageDraft(vendor=BucketVendor.AWS_S3, region="mars"))
    assert statuses(result) == "FSSSSSSS"
    sentence = step(result, "SETTINGS").advice or ""
    for words in ("name of the bucket", "access key ID", "secret access key", "eu-central-1"):
        assert words in sentence


async def test_loopback_addresses_are_refused_unless_allowed(
    make_verifier: Callable[..., Any], local_s3: LocalS3
) -> None:
    strict = await make_verifier(allowed=())
    result = await strict.verify(draft_of(local_s3))
    assert statuses(result) == "FSSSSSSS"
    assert "loopback" in (step(result, "SETTINGS").advice or "")
    other_port = await make_verifier(allowed=("127.0.0.1:1",))
    assert statuses(await other_port.verify(draft_of(local_s3))) == "FSSSSSSS"
    this_port = await make_verifier(allowed=(local_s3.endpoint.removeprefix("http://"),))
    assert statuses(await this_port.verify(draft_of(local_s3))) == "PPSPPPPP"


@pytest.mark.parametrize("last", range(1, 10))
async def test_a_cancelled_test_cleans_up(
    make_verifier: Callable[..., Any], local_s3: LocalS3, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    verifier, call, begun, is_last = await make_verifier(), Bucket.call, 0, asyncio.Event()

    async def counted(*given: Any, **parameters: Any) -> Any:
        nonlocal begun
        begun += 1
        if begun == last:
            is_last.set()
        return await call(*given, **parameters)

    monkeypatch.setattr(Bucket, "call", counted)
    task = asyncio.create_task(verifier.verify(draft_of(local_s3)))
    await is_last.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_a_result_survives_the_database(verifier: StorageVerifier, local_s3: LocalS3) -> None:
    result = await verifier.verify(draft_of(local_s3, READER))
    stored = json.loads(json.dumps(result.to_json()))
    assert VerificationResult.from_json(stored) == result
    assert READER.secret_access_key not in json.dumps(stored)


def test_a_fingerprint_changes_with_every_tested_setting(keyring: Keyring, local_s3: LocalS3) -> None:
    draft = draft_of(local_s3)
    changes: list[dict[str, Any]] = [
        {"vendor": BucketVendor.AWS_S3},
        {"endpoint_url": "https://s3.example.com"},
        {"bucket": "other"},
        {"region": "eu-west-1"},
        {"access_key_id": "x"},
        {"secret_access_key": "x"},
        {"tags": ()},
        {"tags": (Tag("team", "other"),)},
        {"bucket": None},
    ]
    prints = [fingerprint(keyring, dataclasses.replace(draft, **change)) for change in [{}, *changes]]
    assert len(set(prints)) == len(prints)
    assert all(len(found) == 32 for found in prints)
    assert fingerprint(keyring, draft) == fingerprint(keyring, dataclasses.replace(draft, tags=draft.tags[::-1]))
    assert fingerprint(Keyring({"k1": b"e" * 32}, b"i" * 32), draft) != prints[0]
