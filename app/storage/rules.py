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
from app.foundation.user_errors import UserError, UserErrorCode, UserErrorRule
from app.storage import regions
from app.storage.model import BucketVendor

MAX_ENDPOINT_URL = 2048
MIN_BUCKET, MAX_BUCKET = 3, 63
MAX_REGION = 63
MAX_ACCESS_KEY_ID = 256
MAX_SECRET = 512
MAX_TAGS = 10
MAX_TAG_NAME_UNITS = 128
MAX_TAG_VALUE_UNITS = 256
MIN_AWS_KEY_ID, MAX_AWS_KEY_ID = 16, 128


class StorageRule(UserErrorRule):
    BUCKET_VENDOR_MISSING = UserErrorCode.REQUIRED, "Choose the bucket vendor."
    ENDPOINT_URL_MISSING = UserErrorCode.REQUIRED, "Enter the endpoint URL of the S3-compatible server."
    BUCKET_NAME_MISSING = UserErrorCode.REQUIRED, "Enter the name of the bucket."
    REGION_MISSING = UserErrorCode.REQUIRED, "Choose the region of the bucket."
    ACCESS_KEY_ID_MISSING = UserErrorCode.REQUIRED, "Enter the access key ID."
    SECRET_ACCESS_KEY_MISSING = UserErrorCode.REQUIRED, "Enter the secret access key."
    ENDPOINT_URL_WITH_AWS = (
        UserErrorCode.INVALID,
        "Only S3_COMPATIBLE has an endpoint URL; the endpoint of AWS S3 follows from the region.",
    )
    ENDPOINT_URL_TOO_LONG = UserErrorCode.TOO_LONG, "The endpoint URL must have at most {maximum} characters."
    ENDPOINT_URL_FORM = (
        UserErrorCode.INVALID,
        "The endpoint URL must be http:// or https:// with a host and, if needed, a port, such as {example}: "
        "no user name, path, query or fragment.",
    )
    BUCKET_NAME_TOO_LONG = UserErrorCode.TOO_LONG, "A bucket name must have {minimum} to {maximum} characters."
    BUCKET_NAME_CHARACTERS = (
        UserErrorCode.INVALID,
        "A bucket name must have {minimum} to {maximum} of {characters}, and begin and end with a letter or digit.",
    )
    BUCKET_NAME_DOTS = UserErrorCode.INVALID, "A bucket name must not have two dots in a row."
    BUCKET_NAME_IP_ADDRESS = UserErrorCode.INVALID, "A bucket name must not look like an IP address."
    BUCKET_NAME_PREFIX = UserErrorCode.INVALID, "AWS reserves names that begin with {prefixes}."
    BUCKET_NAME_SUFFIX = UserErrorCode.INVALID, "AWS reserves names that end with {suffixes}."
    REGION_FORM = (
        UserErrorCode.INVALID,
        "A region must have 1 to {maximum} letters, digits and '-', such as {examples}.",
    )
    AWS_REGION_FORM = UserErrorCode.INVALID, "An AWS region must have a form like {example}."
    ACCESS_KEY_ID_MASKED = (
        UserErrorCode.INVALID,
        "This is a placeholder for an access key ID: leave out both keys to keep the stored ones.",
    )
    ACCESS_KEY_ID_TOO_LONG = UserErrorCode.TOO_LONG, "The access key ID must have at most {maximum} characters."
    ACCESS_KEY_ID_CHARACTERS = (
        UserErrorCode.INVALID,
        "The access key ID must have visible ASCII characters only, no spaces or commas.",
    )
    AWS_ACCESS_KEY_ID_TOO_LONG = (
        UserErrorCode.TOO_LONG,
        "An AWS access key ID must have {minimum} to {maximum} characters.",
    )
    AWS_ACCESS_KEY_ID_CHARACTERS = (
        UserErrorCode.INVALID,
        "An AWS access key ID must have {minimum} to {maximum} letters, digits and '_'.",
    )
    AWS_ACCESS_KEY_ID_TEMPORARY = (
        UserErrorCode.INVALID,
        "A key that begins with {prefix} is temporary and needs a session token, which cannot be stored. "
        "Enter the long-lived key of an IAM user; it begins with {expected}.",
    )
    SECRET_ACCESS_KEY_EMPTY = UserErrorCode.INVALID, "The secret access key is empty."
    SECRET_ACCESS_KEY_TOO_LONG = UserErrorCode.TOO_LONG, "The secret access key must have at most {maximum} characters."
    SECRET_ACCESS_KEY_SPACES = (
        UserErrorCode.INVALID,
        "The secret access key begins or ends with a space or a line break: remove it.",
    )
    SECRET_ACCESS_KEY_CONTROL_CHARACTER = (
        UserErrorCode.INVALID,
        "The secret access key must not have control characters.",
    )
    SECRET_ACCESS_KEY_MASKED = (
        UserErrorCode.INVALID,
        "This is a placeholder for a secret access key: leave out both keys to keep the stored ones.",
    )
    TOO_MANY_TAGS = UserErrorCode.INVALID, "An object can have at most {maximum} tags."
    TAG_NAME_EMPTY = UserErrorCode.INVALID, "A tag must have a name."
    TAG_NAME_TOO_LONG = UserErrorCode.TOO_LONG, "A tag's name must have at most {maximum} UTF-16 units."
    TAG_NAME_CHARACTERS = UserErrorCode.INVALID, "A tag's name must have only {characters}."
    TAG_NAME_PREFIX = UserErrorCode.INVALID, "AWS reserves tag names that begin with {prefix}."
    TAG_NAME_REPEATED = UserErrorCode.INVALID, "The tag name {name} is used more than once."
    TAG_VALUE_TOO_LONG = UserErrorCode.TOO_LONG, "A tag's value must have at most {maximum} UTF-16 units."
    TAG_VALUE_CHARACTERS = UserErrorCode.INVALID, "A tag's value must have only {characters}."


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


def errors(draft: StorageDraft) -> Iterator[UserError]:
    """All errors of the values that are present; see `missing` for the others."""
    yield from _endpoint_errors(draft)
    if draft.bucket is not None:
        yield from _bucket_errors(draft.bucket)
    yield from _region_errors(draft)
    yield from _access_key_id_errors(draft)
    if draft.secret_access_key is not None:
        yield from _secret_errors(draft.secret_access_key)
    yield from _tag_errors(draft.tags)


def missing(draft: StorageDraft) -> Iterator[UserError]:
    """Values that are missing for storing recordings: required when recording is enabled, and by the test."""
    needed: list[tuple[str, object, StorageRule]] = [
        ("bucketVendor", draft.vendor, StorageRule.BUCKET_VENDOR_MISSING),
        ("bucketName", draft.bucket, StorageRule.BUCKET_NAME_MISSING),
        ("region", draft.region, StorageRule.REGION_MISSING),
        ("accessKeyId", draft.access_key_id, StorageRule.ACCESS_KEY_ID_MISSING),
        ("secretAccessKey", draft.secret_access_key, StorageRule.SECRET_ACCESS_KEY_MISSING),
    ]
    if draft.vendor is BucketVendor.S3_COMPATIBLE:
        needed.insert(1, ("endpointUrl", draft.endpoint_url, StorageRule.ENDPOINT_URL_MISSING))
    for name, value, rule in needed:
        if value is None:
            yield UserError.of(rule, name)


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


def _endpoint_errors(draft: StorageDraft) -> Iterator[UserError]:
    url, field = draft.endpoint_url, "endpointUrl"
    if url is None:
        return
    if draft.vendor is BucketVendor.AWS_S3:
        yield UserError.of(StorageRule.ENDPOINT_URL_WITH_AWS, field)
    elif len(url) > MAX_ENDPOINT_URL:
        yield UserError.of(StorageRule.ENDPOINT_URL_TOO_LONG, field, maximum=MAX_ENDPOINT_URL)
    elif not _is_endpoint(url):
        yield UserError.of(StorageRule.ENDPOINT_URL_FORM, field, example="https://s3.example.com:9000")


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


def _bucket_errors(bucket: str) -> Iterator[UserError]:
    field, bounds = "bucketName", {"minimum": MIN_BUCKET, "maximum": MAX_BUCKET}
    if len(bucket) > MAX_BUCKET:
        yield UserError.of(StorageRule.BUCKET_NAME_TOO_LONG, field, **bounds)
    elif not _BUCKET.fullmatch(bucket):
        yield UserError.of(StorageRule.BUCKET_NAME_CHARACTERS, field, **bounds, characters="a-z, 0-9, '.' and '-'")
    elif ".." in bucket:
        yield UserError.of(StorageRule.BUCKET_NAME_DOTS, field)
    elif _IPV4.fullmatch(bucket):
        yield UserError.of(StorageRule.BUCKET_NAME_IP_ADDRESS, field)
    elif bucket.startswith(_BUCKET_PREFIXES):
        yield UserError.of(StorageRule.BUCKET_NAME_PREFIX, field, prefixes=" or ".join(_BUCKET_PREFIXES))
    elif bucket.endswith(_BUCKET_SUFFIXES):
        yield UserError.of(StorageRule.BUCKET_NAME_SUFFIX, field, suffixes=" or ".join(_BUCKET_SUFFIXES))


def _region_errors(draft: StorageDraft) -> Iterator[UserError]:
    region, field = draft.region, "region"
    if region is None:
        return
    if draft.vendor is not BucketVendor.AWS_S3:
        # The SDK rewrites `fips-` names, so the test would use another region than the saved one.
        if not _ANY_REGION.fullmatch(region) or region.startswith("fips-") or region.endswith("-fips"):
            yield UserError.of(StorageRule.REGION_FORM, field, maximum=MAX_REGION, examples="us-east-1 or auto")
    elif not regions.has_region_shape(region):
        yield UserError.of(StorageRule.AWS_REGION_FORM, field, example="eu-central-1")


def _access_key_id_errors(draft: StorageDraft) -> Iterator[UserError]:
    key, field = draft.access_key_id, "accessKeyId"
    bounds = {"minimum": MIN_AWS_KEY_ID, "maximum": MAX_AWS_KEY_ID}
    if key is None:
        return
    if len(key) <= MAX_ACCESS_KEY_ID and is_mask(key):
        yield UserError.of(StorageRule.ACCESS_KEY_ID_MASKED, field)
    elif draft.vendor is not BucketVendor.AWS_S3:
        if len(key) > MAX_ACCESS_KEY_ID:
            yield UserError.of(StorageRule.ACCESS_KEY_ID_TOO_LONG, field, maximum=MAX_ACCESS_KEY_ID)
        elif not _VISIBLE_ASCII.fullmatch(key):
            yield UserError.of(StorageRule.ACCESS_KEY_ID_CHARACTERS, field)
    elif len(key) > MAX_AWS_KEY_ID:
        yield UserError.of(StorageRule.AWS_ACCESS_KEY_ID_TOO_LONG, field, **bounds)
    elif not _AWS_KEY_ID.fullmatch(key):
        yield UserError.of(StorageRule.AWS_ACCESS_KEY_ID_CHARACTERS, field, **bounds)
    elif key.startswith("ASIA"):
        yield UserError.of(StorageRule.AWS_ACCESS_KEY_ID_TEMPORARY, field, prefix="ASIA", expected="AKIA")


def _secret_errors(secret: str) -> Iterator[UserError]:
    field = "secretAccessKey"
    if not secret:
        yield UserError.of(StorageRule.SECRET_ACCESS_KEY_EMPTY, field)
    elif len(secret) > MAX_SECRET:
        yield UserError.of(StorageRule.SECRET_ACCESS_KEY_TOO_LONG, field, maximum=MAX_SECRET)
    elif secret != secret.strip():
        yield UserError.of(StorageRule.SECRET_ACCESS_KEY_SPACES, field)
    elif has_control_characters(secret):
        yield UserError.of(StorageRule.SECRET_ACCESS_KEY_CONTROL_CHARACTER, field)
    elif is_mask(secret):
        yield UserError.of(StorageRule.SECRET_ACCESS_KEY_MASKED, field)


def _tag_errors(tags: tuple[Tag, ...]) -> Iterator[UserError]:
    if len(tags) > MAX_TAGS:
        yield UserError.of(StorageRule.TOO_MANY_TAGS, "s3Tags", maximum=MAX_TAGS)
        return
    times = Counter(tag.name for tag in tags)
    for index, tag in enumerate(tags):
        path = ("s3Tags", str(index), "name")
        units = utf16_units(tag.name)
        if units == 0:
            yield UserError.of(StorageRule.TAG_NAME_EMPTY, *path)
        elif units > MAX_TAG_NAME_UNITS:
            yield UserError.of(StorageRule.TAG_NAME_TOO_LONG, *path, maximum=MAX_TAG_NAME_UNITS)
        elif not _has_tag_characters(tag.name):
            yield UserError.of(StorageRule.TAG_NAME_CHARACTERS, *path, characters=_TAG_CHARACTERS)
        elif tag.name.lower().startswith("aws:"):
            yield UserError.of(StorageRule.TAG_NAME_PREFIX, *path, prefix="aws:")
        elif times[tag.name] > 1:
            yield UserError.of(StorageRule.TAG_NAME_REPEATED, *path, name=tag.name)
        path = ("s3Tags", str(index), "value")
        if utf16_units(tag.value) > MAX_TAG_VALUE_UNITS:
            yield UserError.of(StorageRule.TAG_VALUE_TOO_LONG, *path, maximum=MAX_TAG_VALUE_UNITS)
        elif not _has_tag_characters(tag.value):
            yield UserError.of(StorageRule.TAG_VALUE_CHARACTERS, *path, characters=_TAG_CHARACTERS)


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
_AWS_KEY_ID = re.compile(rf"\w{{{MIN_AWS_KEY_ID},{MAX_AWS_KEY_ID}}}", re.ASCII)
# A comma ends the credential in the Authorization header (AWS Signature Version 4).
_VISIBLE_ASCII = re.compile(r"[!-+\--~]+")
_TAG_SIGNS = frozenset("_.:/=+-@")
_TAG_CHARACTERS = "letters, digits, spaces and _ . : / = + - @"
