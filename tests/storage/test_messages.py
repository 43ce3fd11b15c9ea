"""The messages for users about recording configurations."""

from pathlib import Path
from typing import Any

import pytest

from app.demo.local_s3 import LocalS3
from tests.recording.recorded import recorded, target_in
from tests.support.installation import Installation, Person, World
from tests.support.messages import SELECTION, check_messages

OTHER: dict[str, Any] = {"bucketVendor": "S3_COMPATIBLE"}
KEYS = {"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "secret"}
BUCKETS = ("a" * 64, "Calls", "ca..lls", "192.168.0.1", "xn--calls", "calls--x-s3")
TAGS = (
    [{"name": str(number), "value": ""} for number in range(11)],
    [{"name": "", "value": ""}],
    [{"name": "n" * 129, "value": "v" * 257}],
    [{"name": "a,b", "value": "a,b"}],
    [{"name": "aws:team", "value": ""}],
    [{"name": "team", "value": "1"}, {"name": "team", "value": "2"}],
)
CHANGES: tuple[dict[str, Any], ...] = (
    {"enabled": True, **OTHER},
    {"enabled": True, "bucketVendor": None},
    {"enabled": None, "audioFormat": None, "recordAllCalls": None},
    {"bucketVendor": "AWS_S3", "endpointUrl": "https://s3.example.com", "region": "mars"},
    {**OTHER, "endpointUrl": f"https://{'a' * 2048}", "region": "a.b"},
    {**OTHER, "endpointUrl": "https://s3.example.com/path"},
    {**OTHER, "endpointUrl": "http://127.0.0.2:9000"},
    *({"bucketName": bucket} for bucket in BUCKETS),
    *({"s3Tags": tags} for tags in TAGS),
    {"accessKeyId": "AKIAIOSFODNN7EXAMPLE"},
    {"secretAccessKey": "secret"},
    {**OTHER, **KEYS, "accessKeyId": "k" * 257},
    {**OTHER, **KEYS, "accessKeyId": "a,b"},
    {"bucketVendor": "AWS_S3", **KEYS, "accessKeyId": "A" * 129},
    {"bucketVendor": "AWS_S3", **KEYS, "accessKeyId": "short"},
    {"bucketVendor": "AWS_S3", **KEYS, "accessKeyId": "ASIAIOSFODNN7EXAMPLE"},
    {**KEYS, "accessKeyId": "********", "secretAccessKey": "********"},
    {**KEYS, "secretAccessKey": ""},
    {**KEYS, "secretAccessKey": "s" * 513},
    {**KEYS, "secretAccessKey": " secret"},
    {**KEYS, "secretAccessKey": "a\tb"},
    {"ifVersion": 7},
)


@pytest.mark.settings(stored_credentials_per_account=1)
async def test_messages_for_users(
    provider: Person, installation: Installation, local_s3: LocalS3, world: World
) -> None:
    made = await provider.change("createAccount", "account { id }", name="Blank")
    errors: list[dict[str, Any]] = []

    async def change(mutation: str, account_id: str = made["account"]["id"], **input: Any) -> list[dict[str, Any]]:
        payload = await provider.change(mutation, SELECTION, accountId=account_id, **input)
        found: list[dict[str, Any]] = payload["userErrors"]
        return found

    for given in CHANGES:
        errors += await change("updateRecordingConfig", **given)
    for mutation in ("removeRecordingConfig", "verifyStoredRecordingStorage"):
        errors += await change(mutation)
        errors += await change(mutation, world["foreign"])
    assert await change("updateRecordingConfig", bucketVendor="AWS_S3", **KEYS) == []
    errors += await change("updateRecordingConfig", **OTHER)
    await recorded(installation, target_in(local_s3))
    errors += await change("updateRecordingConfig", world["own"], **KEYS)
    check_messages(Path(__file__).parent, errors)
