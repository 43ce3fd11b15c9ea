"""Validation rules for storage settings that need no network.

Saving a configuration and the `settings` step of the storage test use the same rules, so a test never passes for
settings that cannot be saved. An error names its input field by the GraphQL path below `input`.
"""

import ipaddress
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.foundation.masks import is_mask
from app.foundation.names import has_control_characters
from app.foundation.user_errors import UserErrorCode
from app.storage import regions
from app.storage.model import BucketVendor

RuleError = tuple[tuple[str, ...], UserErrorCode, str]
"""Path to the input field, code, sentence."""

MAX_ENDPOINT_URL = 2048
MIN_BUCKET, MAX_BUCKET = 3, 63
MAX_REGION = 63
MAX_ACCESS_KEY_ID = 256
MAX_SECRET = 512
MAX_TAGS = 10
MAX_TAG_NAME_UNITS = 128
MAX_TAG_VALUE_UNITS = 256


@dataclass(frozen=True)
class Tag:
    """An S3 object tag."""

    name: str
    value: str


@dataclass(frozen=True)
class StorageDraft:
    """Storage settings, possibly incomplete: None for a missing value.

    Strips whitespace around pasted values. In the secret, `errors` reports it instead.
    """

    vendor: BucketVendor | None = None
    endpoint_url: str | None = None
    bucket: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    tags: tuple[Tag, ...] = ()

    def __post_init__(self) -> None:
        for name in ("endpoint_url", "bucket", "region", "access_key_id"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, value.strip())


def errors(draft: StorageDraft) -> Iterator[RuleError]:
    """All errors of the values that are present; see `missing` for the others."""
    yield from _endpoint_errors(draft)
    if draft.bucket is not None:
        yield from _bucket_errors(draft.bucket)
    yield from _region_errors(draft)
    yield from _access_key_id_errors(draft)
    if draft.secret_access_key is not None:
        yield from _secret_errors(draft.secret_access_key)
    yield from _tag_errors(draft.tags)


def missing(draft: StorageDraft) -> Iterator[RuleError]:
    """Values that are missing for storing recordings: required when recording is enabled, and by the test."""
    needed = [
        ("bucketVendor", draft.vendor, "Choose the bucket vendor."),
        ("bucketName", draft.bucket, "Enter the name of the bucket."),
        ("region", draft.region, "Choose the region of the bucket."),
        ("accessKeyId", draft.access_key_id, "Enter the access key ID."),
        ("secretAccessKey", draft.secret_access_key, "Enter the secret access key."),
    ]
    if draft.vendor is BucketVendor.S3_COMPATIBLE:
        sentence = "Enter the endpoint URL of the S3-compatible server."
        needed.insert(1, ("endpointUrl", draft.endpoint_url, sentence))
    for name, value, sentence in needed:
        if value is None:
            yield (name,), UserErrorCode.REQUIRED, sentence


def warnings(draft: StorageDraft) -> list[str]:
    """Warnings about accepted values, as sentences."""
    found = []
    if draft.vendor is BucketVendor.AWS_S3 and draft.region and regions.find(draft.region) is None:
        found.append(f"The region {draft.region} is not in the list of known AWS regions: check its spelling.")
    if draft.endpoint_url and draft.endpoint_url.lower().startswith("http:"):
        found.append("The endpoint uses http: recordings travel to it unencrypted.")
    if draft.endpoint_url and draft.bucket and _host_of(draft.endpoint_url).startswith(f"{draft.bucket}."):
        found.append(
            f"The endpoint's host begins with the bucket's name: keys of objects would get the prefix {draft.bucket}/, or "
            f"another bucket would be used. Enter the endpoint without {draft.bucket}."
        )
    return found


def _endpoint_errors(draft: StorageDraft) -> Iterator[RuleError]:
    url, path = draft.endpoint_url, ("endpointUrl",)
    if url is None:
        return
    if draft.vendor is BucketVendor.AWS_S3:
        yield (
            path,
            UserErrorCode.INVALID,
            "Only S3_COMPATIBLE has an endpoint URL; the endpoint of AWS S3 follows from the region.",
        )
    elif len(url) > MAX_ENDPOINT_URL:
        yield path, UserErrorCode.TOO_LONG, f"The endpoint URL must have at most {MAX_ENDPOINT_URL} characters."
    elif not _is_endpoint(url):
        yield (
            path,
            UserErrorCode.INVALID,
            "The endpoint URL must be http:// or https:// with a host and, if needed, a port, such as "
            "https://s3.example.com:9000: no user name, path, query or fragment.",
        )


def _is_endpoint(url: str) -> bool:
    match = _ENDPOINT.fullmatch(url)
    if match is None:
        return False
    try:
        parts = urlsplit(url)
        if match["v6"]:
            ipaddress.IPv6Address(match["v6"])
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _host_of(url: str) -> str:
    """Empty for an invalid URL, which `errors` reports."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _bucket_errors(bucket: str) -> Iterator[RuleError]:
    path = ("bucketName",)
    if len(bucket) > MAX_BUCKET:
        yield path, UserErrorCode.TOO_LONG, f"A bucket name must have {MIN_BUCKET} to {MAX_BUCKET} characters."
        return
    if not _BUCKET.fullmatch(bucket):
        yield (
            path,
            UserErrorCode.INVALID,
            "A bucket name must have 3 to 63 of a-z, 0-9, '.' and '-', and begin and end with a letter or digit.",
        )
    elif ".." in bucket:
        yield path, UserErrorCode.INVALID, "A bucket name must not have two dots in a row."
    elif _IPV4.fullmatch(bucket):
        yield path, UserErrorCode.INVALID, "A bucket name must not look like an IP address."
    elif bucket.startswith(_BUCKET_PREFIXES):
        yield (
            path,
            UserErrorCode.INVALID,
            f"AWS reserves names that begin with {' or '.join(_BUCKET_PREFIXES)}.",
        )
    elif bucket.endswith(_BUCKET_SUFFIXES):
        yield path, UserErrorCode.INVALID, f"AWS reserves names that end with {' or '.join(_BUCKET_SUFFIXES)}."


def _region_errors(draft: StorageDraft) -> Iterator[RuleError]:
    region, path = draft.region, ("region",)
    if region is None:
        return
    if draft.vendor is not BucketVendor.AWS_S3:
        # The SDK rewrites `fips-` names, so the test would use another region than the saved one.
        if not _ANY_REGION.fullmatch(region) or region.startswith("fips-") or region.endswith("-fips"):
            yield (
                path,
                UserErrorCode.INVALID,
                "A region must have 1 to 63 letters, digits and '-', such as us-east-1 or auto.",
            )
    elif not regions.has_region_shape(region):
        yield path, UserErrorCode.INVALID, "An AWS region must have a form like eu-central-1."


def _access_key_id_errors(draft: StorageDraft) -> Iterator[RuleError]:
    key, path = draft.access_key_id, ("accessKeyId",)
    if key is None:
        return
    if len(key) <= MAX_ACCESS_KEY_ID and is_mask(key):
        message = "This is a placeholder for an access key ID: leave out both keys to keep the stored ones."
        yield path, UserErrorCode.INVALID, message
    elif draft.vendor is not BucketVendor.AWS_S3:
        if len(key) > MAX_ACCESS_KEY_ID:
            yield path, UserErrorCode.TOO_LONG, f"The access key ID must have at most {MAX_ACCESS_KEY_ID} characters."
        elif not _VISIBLE_ASCII.fullmatch(key):
            yield (
                path,
                UserErrorCode.INVALID,
                "The access key ID must have visible ASCII characters only, no spaces or commas.",
            )
    elif len(key) > 128:
        yield path, UserErrorCode.TOO_LONG, "An AWS access key ID must have 16 to 128 characters."
    elif not _AWS_KEY_ID.fullmatch(key):
        yield path, UserErrorCode.INVALID, "An AWS access key ID must have 16 to 128 letters, digits and '_'."
    elif key.startswith("ASIA"):
        yield (
            path,
            UserErrorCode.INVALID,
            "A key that begins with ASIA is temporary and needs a session token, which cannot be stored. "
            "Enter the long-lived key of an IAM user; it begins with AKIA.",
        )


def _secret_errors(secret: str) -> Iterator[RuleError]:
    path = ("secretAccessKey",)
    if not secret:
        yield path, UserErrorCode.INVALID, "The secret access key is empty."
    elif len(secret) > MAX_SECRET:
        yield path, UserErrorCode.TOO_LONG, f"The secret access key must have at most {MAX_SECRET} characters."
    elif secret != secret.strip():
        yield (
            path,
            UserErrorCode.INVALID,
            "The secret access key begins or ends with a space or a line break: remove it.",
        )
    elif has_control_characters(secret):
        yield path, UserErrorCode.INVALID, "The secret access key must not have control characters."
    elif is_mask(secret):
        message = "This is a placeholder for a secret access key: leave out both keys to keep the stored ones."
        yield path, UserErrorCode.INVALID, message


def _tag_errors(tags: tuple[Tag, ...]) -> Iterator[RuleError]:
    if len(tags) > MAX_TAGS:
        yield ("s3Tags",), UserErrorCode.INVALID, f"An object can have at most {MAX_TAGS} tags."
        return
    times = Counter(tag.name for tag in tags)
    for index, tag in enumerate(tags):
        path = ("s3Tags", str(index), "name")
        units = utf16_units(tag.name)
        if units == 0:
            yield path, UserErrorCode.INVALID, "A tag must have a name."
        elif units > MAX_TAG_NAME_UNITS:
            yield path, UserErrorCode.TOO_LONG, f"A tag's name must have at most {MAX_TAG_NAME_UNITS} UTF-16 units."
        elif not _has_tag_characters(tag.name):
            yield path, UserErrorCode.INVALID, f"A tag's name must have only {_TAG_CHARACTERS}."
        elif tag.name.lower().startswith("aws:"):
            yield path, UserErrorCode.INVALID, "AWS reserves tag names that begin with aws:."
        elif times[tag.name] > 1:
            yield path, UserErrorCode.INVALID, f"The tag name {tag.name} is used more than once."
        path = ("s3Tags", str(index), "value")
        if utf16_units(tag.value) > MAX_TAG_VALUE_UNITS:
            yield path, UserErrorCode.TOO_LONG, f"A tag's value must have at most {MAX_TAG_VALUE_UNITS} UTF-16 units."
        elif not _has_tag_characters(tag.value):
            yield path, UserErrorCode.INVALID, f"A tag's value must have only {_TAG_CHARACTERS}."


def utf16_units(text: str) -> int:
    """Length as S3 counts it: characters beyond U+FFFF count twice."""
    return len(text) + sum(character > "\uffff" for character in text)


def _has_tag_characters(text: str) -> bool:
    return all(character in _TAG_SIGNS or unicodedata.category(character)[0] in "LZN" for character in text)


# Hosts that the SDK accepts: labels of letters, digits and hyphens, no underscores.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ENDPOINT = re.compile(
    rf"https?://(?:\[(?P<v6>[0-9a-f:.]{{2,45}})\]|(?=[^:/]{{1,254}}(?:[:/]|$))(?:{_LABEL}\.)*{_LABEL}\.?)(:[0-9]{{1,5}})?/?",
    re.IGNORECASE | re.ASCII,
)
_BUCKET = re.compile(rf"(?=.{{{MIN_BUCKET},{MAX_BUCKET}}}$)[a-z0-9][a-z0-9.-]*[a-z0-9]", re.ASCII)
_IPV4 = re.compile(r"[0-9]+(\.[0-9]+){3}", re.ASCII)
_BUCKET_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_BUCKET_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
# Regions that the SDK accepts: they become part of host names.
_ANY_REGION = re.compile(rf"(?![0-9]+$)(?!-)[A-Za-z0-9-]{{1,{MAX_REGION}}}(?<!-)", re.ASCII)
_AWS_KEY_ID = re.compile(r"\w{16,128}", re.ASCII)
# A comma ends the credential in the Authorization header (AWS Signature Version 4).
_VISIBLE_ASCII = re.compile(r"[!-+\--~]+")
_TAG_SIGNS = frozenset("_.:/=+-@")
_TAG_CHARACTERS = "letters, digits, spaces and _ . : / = + - @"
