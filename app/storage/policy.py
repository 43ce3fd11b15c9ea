"""The IAM policy with the minimal AWS permissions of the access key, and the purpose of each statement."""

import json
from dataclasses import dataclass

from app.storage import regions


@dataclass(frozen=True)
class Statement:
    """One statement of the policy. `sid` is its name in the JSON."""

    sid: str
    purpose: str
    actions: tuple[str, ...]
    resource: str


def statements(bucket: str, region: str | None) -> tuple[Statement, ...]:
    """Recording, playback, deletion and diagnosis; statements that are not wanted can be left out.

    The actions are those of AWS's Service Authorization Reference for Amazon S3.
    """
    arn = f"arn:{regions.partition(region) if region else 'aws'}:s3:::{bucket}"
    return (
        Statement(
            "Record",
            "Store recordings with their tags, in one request or in parts. Required for recording.",
            ("s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload"),
            f"{arn}/*",
        ),
        Statement("Play", "Play and download recordings.", ("s3:GetObject",), f"{arn}/*"),
        Statement("Erase", "Delete recordings, and the objects of storage tests.", ("s3:DeleteObject",), f"{arn}/*"),
        Statement(
            "DiagnoseBucket",
            "Distinguish a missing bucket from a missing permission in storage tests.",
            ("s3:ListBucket",),
            arn,
        ),
        Statement(
            "DiagnoseTags",
            "Check in storage tests that tags are stored.",
            ("s3:GetObjectTagging",),
            f"{arn}/*",
        ),
    )


def document(parts: tuple[Statement, ...]) -> str:
    """The policy as JSON."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Sid": part.sid, "Effect": "Allow", "Action": list(part.actions), "Resource": part.resource}
                for part in parts
            ],
        },
        indent=2,
    )
