"""The AWS regions for recordings."""

import pytest

from app.foundation.outbound.guard import OutboundGate
from app.storage import regions
from app.storage.model import BucketVendor
from app.storage.s3 import ObjectStorage, StorageTarget


def test_the_list_has_regions_of_the_supported_partitions() -> None:
    assert {region.partition for region in regions.REGIONS} == {"aws", "aws-cn", "aws-us-gov", "aws-eusc"}
    assert len([region for region in regions.REGIONS if region.partition == "aws"]) == 34
    assert len({region.code for region in regions.REGIONS}) == len(regions.REGIONS) == 39


@pytest.fixture(scope="module")
async def storage() -> ObjectStorage:
    storage = ObjectStorage(OutboundGate())
    await storage.open()
    return storage


@pytest.mark.parametrize("region", regions.REGIONS, ids=lambda region: region.code)
async def test_the_endpoint_of_each_region_is_its_own(storage: ObjectStorage, region: regions.Region) -> None:
    target = StorageTarget(BucketVendor.AWS_S3, None, "calls", region.code, "AKIA0000000000000000", "secret")
    async with storage.new_client(target) as bucket:
        url = await bucket.client.generate_presigned_url("put_object", {"Bucket": "calls", "Key": "k"})
    assert url.startswith(f"https://calls.s3.{region.code}.{region.dns_suffix}/k?")
    assert f"%2F{region.code}%2Fs3%2Faws4_request" in url


@pytest.mark.parametrize(
    ("code", "endpoint"),
    [
        ("eu-atlantis-7", "https://s3.eu-atlantis-7.amazonaws.com"),
        ("cn-west-9", "https://s3.cn-west-9.amazonaws.com.cn"),
        ("us-gov-north-1", "https://s3.us-gov-north-1.amazonaws.com"),
        ("eusc-fr-west-1", "https://s3.eusc-fr-west-1.amazonaws.eu"),
    ],
)
def test_an_unlisted_region_gets_the_endpoint_of_its_partition(code: str, endpoint: str) -> None:
    assert regions.find(code) is None
    assert regions.has_region_shape(code)
    assert regions.endpoint(code) == endpoint


def test_every_listed_region_has_a_valid_form() -> None:
    assert all(regions.has_region_shape(region.code) for region in regions.REGIONS)


@pytest.mark.parametrize(
    "code",
    ["", "eu", "EU-WEST-1", "eu-west", "eu-west-1.a", "us-iso-east-1", "us-isob-east-1", "eu-west-1\n", "eu_west_1"],
)
def test_invalid_regions_are_recognized_by_their_form(code: str) -> None:
    assert not regions.has_region_shape(code)


def test_regions_name_their_partition_for_policies() -> None:
    assert regions.partition("cn-north-1") == "aws-cn"
    assert regions.partition("us-gov-north-9") == "aws-us-gov"
    assert regions.partition("eu-central-1") == "aws"
