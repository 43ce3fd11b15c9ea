"""The AWS regions that recordings can be stored in, and the endpoint of each.

Kept as data instead of asking the SDK: its list lags behind, and for an unknown region it builds an address in the
wrong partition. The isolated partitions (aws-iso*) are left out.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Region:
    """One AWS region with S3."""

    code: str
    name: str
    partition: str
    dns_suffix: str
    opt_in: bool
    """Whether an AWS account must enable the region before use; always false outside the partition `aws`."""


def _load() -> tuple[Region, ...]:
    stored = json.loads(Path(__file__).with_name("s3_regions.json").read_text())
    return tuple(
        Region(
            code=row["code"],
            name=row["name"],
            partition=row["partition"],
            dns_suffix=row["dns_suffix"],
            opt_in=bool(row["opt_in"]),
        )
        for row in stored["regions"]
    )


REGIONS = _load()
_BY_CODE = {region.code: region for region in REGIONS}


def find(code: str) -> Region | None:
    """The region with this code; None if the list does not have it (AWS may have added it since)."""
    return _BY_CODE.get(code)


def has_region_shape(code: str) -> bool:
    """Whether a code could be a region of the supported partitions, by its form."""
    return _SHAPE.fullmatch(code) is not None and "-iso" not in code


def endpoint(code: str) -> str:
    """The regional S3 endpoint of AWS, always https; never the global one, which hides a wrong region."""
    region = find(code)
    suffix = region.dns_suffix if region else _suffix_by_prefix(code)
    return f"https://s3.{code}.{suffix}"


def partition(code: str) -> str:
    """The region's partition, as in ARNs; an estimate for regions that are not in the list."""
    region = find(code)
    if region:
        return region.partition
    return next((name for prefix, name, _ in _PARTITIONS if code.startswith(prefix)), "aws")


def _suffix_by_prefix(code: str) -> str:
    return next((suffix for prefix, _, suffix in _PARTITIONS if code.startswith(prefix)), "amazonaws.com")


_SHAPE = re.compile(r"[a-z]{2,4}(-[a-z]{2,12}){1,2}-[1-9][0-9]?", re.ASCII)
_PARTITIONS = (
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
)
