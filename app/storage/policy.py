"""The least that AWS must allow the access key: the IAM policy for a bucket, and what each statement is for."""

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
    """Recording, playback, erasing and diagnosis, each to be left out by whoever does not want it.

    The actions are those of AWS's Service Authorization Reference for Amazon S3.
    """
    arn = f"arn:{regions.partition(region) if region else 'aws'}:s3:::{bucket}"
    return (
        Statement(
            "Record",
            "Store recordings with their tags, in one piece or in parts. Without it nothing can be recorded.",
            ("s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload"),
            f"{arn}/*",
        ),
        Statement("Play", "Play and download recordings.", ("s3:GetObject",), f"{arn}/*"),
        Statement("Erase", "Delete recordings, and what a storage test leaves.", ("s3:DeleteObject",), f"{arn}/*"),
        Statement(
            "DiagnoseBucket",
            "Tell a missing bucket from a missing right when the storage is tested.",
            ("s3:ListBucket",),
            arn,
        ),
        Statement(
            "DiagnoseTags",
            "Prove that the tags arrive when the storage is tested.",
            ("s3:GetObjectTagging",),
            f"{arn}/*",
        ),
    )


def document(parts: tuple[Statement, ...]) -> str:
    """The policy as AWS takes it."""
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
