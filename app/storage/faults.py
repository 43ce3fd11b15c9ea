"""What goes wrong with a storage, and the advice for it.

Advice repeats the server's message only if its error code has no advice of its own. `responses.py` sanitizes both.
"""

import re
from dataclasses import dataclass

from app.foundation.fault_codes import FaultCode, members
from app.foundation.outbound.failure_kind import FailureKind
from app.storage.failures import BUSY_CODES, CLOCK_DIFFERENCE, MALFORMED_HEADER, WRONG_REGION_CODES, StorageFailure

MAX_MESSAGE = 200
"""Maximum length of a server's message in advice."""

STORAGE_WORDS = {
    "server": "storage",
    "address": "endpoint URL or the region",
    "protocol": "S3's",
    "after_no_response": "check that an S3 server listens there, or try again",
    "after_invalid_response": "check that the endpoint is that of an S3 server, and not of its web page",
}
"""The values of `FailureKind`."""


class StorageFault(FaultCode):
    """What a storage says, and what its responses show."""

    BUCKET_NOT_FOUND = "There is no bucket with this name", "check the spelling, or create it"
    BUCKET_NAME_REFUSED = "The storage does not accept this bucket name", "check its spelling"
    BUCKET_DISABLED = "The owner of the bucket has disabled all access", "ask its operator"
    WRONG_REGION = "The bucket is not in the configured region", "choose {actual} instead of {configured}"
    REGION_REFUSED = (
        "The storage does not have this region",
        "choose one of its regions; for Cloudflare R2, choose auto",
    )
    ACCESS_KEY_ID_UNKNOWN = (
        "The storage does not know this access key ID",
        "check that it is complete, belongs to this storage, and was not deleted",
    )
    ACCESS_KEY_ID_REFUSED = "The storage does not accept this access key ID", "enter it again"
    WRONG_SECRET_ACCESS_KEY = (
        "The secret access key does not belong to this access key ID",
        "enter the secret again",
    )
    TEMPORARY_KEY = (
        "The key is temporary: it has expired or needs a session token",
        "enter the long-lived key of an IAM user",
    )
    ACCESS_DENIED = "The key is valid but lacks the permission on this bucket", "extend its policy"
    EXPLICITLY_DENIED = (
        "A policy explicitly denies the request, which overrides permissions",
        "change the Deny of {action} in {policy}",
    )
    ENCRYPTION_KEY_DENIED = (
        "The access key may not use the bucket's encryption key",
        "allow it kms:GenerateDataKey and kms:Decrypt, in its own policy and in that of the encryption key "
        "({action} is denied)",
    )
    ENCRYPTION_KEY_UNUSABLE = (
        "The bucket's encryption key cannot be used",
        "allow the key's owner kms:GenerateDataKey and kms:Decrypt",
    )
    STORAGE_ACCOUNT_SUSPENDED = "The storage account is suspended or unpaid", "ask its owner"
    STORAGE_ACCOUNT_WITHOUT_S3 = "The account of this key has not signed up for S3", "sign up, or enter another key"
    CLOCK_SKEW = (
        "The clocks of this server and of the storage differ by more than 15 minutes",
        "set this server's clock; the settings are not at fault",
    )
    BUSY = (
        "The storage is overloaded or failing at the moment",
        "try again in a minute; this says nothing about the settings",
    )
    STORAGE_FULL = "The storage is full, or the quota is used up", "ask its operator"
    TAGS_REFUSED = "The storage does not accept these S3 tags", "change or remove them"
    TAGS_TOO_LONG = (
        "The S3 tags are too long for one request",
        "shorten them (S3 accepts 8 KB, and a character beyond ASCII counts up to nine bytes)",
    )
    TAGS_UNSUPPORTED = "The storage does not support S3 tags", "remove them"
    CALL_UNSUPPORTED = (
        "The server does not support this S3 call",
        "try without S3 tags, or ask its operator which calls it supports",
    )
    REDIRECTED = (
        "The server redirects to another address, and redirects are not followed",
        "enter the address it redirects to",
    )
    REDIRECTED_FOR_NOW = (
        "The storage redirects requests for now, as for a bucket that was just created",
        "try again in an hour",
    )
    OBJECT_ARCHIVED = "The object is in an archive", "choose a bucket without immediate archiving"
    DATA_LOST = "The storage lost data that it had confirmed", "ask its operator"
    REFUSED = "The storage refused the request", "look up {answer} in its documentation, or ask its operator"


class ProbeFault(FaultCode):
    """What the steps of a storage test find beyond that."""

    SETTINGS_INVALID = "The settings are incomplete or invalid", ""
    NOT_TRIED = "Not tried, because an earlier step failed", ""
    STEP_TIMED_OUT = "This step did not finish in time", "try again; the whole test ends after {seconds} seconds"
    REGION_NOT_STATED = "The server does not say which region the bucket is in", ""
    OTHER_REGION_STATED = (
        "The server names another region than the configured one",
        "choose {actual} instead of {configured}, unless the server's documentation says otherwise",
    )
    WRITE_DENIED = (
        "The key is valid but may not write to this bucket",
        "allow it s3:PutObject on the bucket's objects",
    )
    TAGGING_DENIED = (
        "The key may write to the bucket but not set S3 tags",
        "allow it s3:PutObjectTagging, or remove the tags",
    )
    READ_DENIED = "The key may not read objects, so recordings could not be played", "allow it s3:GetObject"
    MULTIPART_DENIED = "The key may not upload in parts, which long recordings need", "allow it {actions}"
    ABORT_DENIED = (
        "The key may not abort a multipart upload, so interrupted ones would stay and be billed",
        "allow it s3:AbortMultipartUpload",
    )
    DELETE_DENIED = "The key may not delete objects", "allow it s3:DeleteObject"
    TAGS_IGNORED = "The object was stored without the S3 tags that were sent", "remove them: this storage ignores tags"
    NO_TAGS = "No S3 tags are configured", ""
    TAG_READ_DENIED = (
        "The key may not read tags, which recording does not need",
        "allow it s3:GetObjectTagging to check them",
    )
    CONTENT_DIFFERS = (
        "The object read back differs from the one written",
        "check that the endpoint is an S3 server",
    )


STEP_CODES = members(FailureKind, StorageFault, ProbeFault)


@dataclass(frozen=True)
class Diagnosis:
    """What went wrong, and one or two sentences on what to fix."""

    code: FaultCode
    advice: str

    @classmethod
    def of(cls, code: FaultCode, more: str = "", **values: str) -> "Diagnosis":
        """`more` is a second sentence."""
        return cls(code, f"{code.advice(**values)} {more}".rstrip())


def diagnose(failure: StorageFailure, configured: str | None = None) -> Diagnosis:
    """What went wrong, for failures that mean the same in every step; `configured` is the region that was used."""
    if failure.kind is not None:
        found = Diagnosis.of(failure.kind, **STORAGE_WORDS)
        return Diagnosis(found.code, failure.reason) if failure.reason else found
    if failure.is_busy:
        return Diagnosis.of(StorageFault.BUSY)
    if failure.is_wrong_region:
        return wrong_region(configured, failure.region)
    return _by_message(failure) or Diagnosis.of(_code(failure), answer=failure.answer)


def denial(failure: StorageFailure) -> Diagnosis | None:
    """What to fix when access is denied for a reason other than a missing S3 permission; None if no reason is given."""
    message = failure.message or ""
    action = _ACTION.search(message)
    denied = _EXPLICIT_DENY.search(message)
    if denied:
        what = f"{action[0]} for this access key" if action else "this access key"
        return Diagnosis.of(StorageFault.EXPLICITLY_DENIED, action=what, policy=denied[1] or "a policy")
    if action and action[0].startswith("kms:"):
        return Diagnosis.of(StorageFault.ENCRYPTION_KEY_DENIED, action=action[0])
    return None


def wrong_region(configured: str | None, actual: str | None) -> Diagnosis:
    known = actual if actual not in {None, configured} else None
    return Diagnosis.of(
        StorageFault.WRONG_REGION,
        actual=known or "the region in which it was created",
        configured=configured or "the configured one",
    )


def _by_message(failure: StorageFailure) -> Diagnosis | None:
    """For S3 codes that stand for several errors."""
    message = failure.message or ""
    if failure.is_denied:
        return denial(failure)
    if failure.code in _PARAMETER_CODES and "tagging" in message.lower():
        return Diagnosis.of(StorageFault.TAGS_UNSUPPORTED)
    if failure.code == "InvalidArgument" and _KEY_LENGTH.search(message):
        return Diagnosis.of(StorageFault.ACCESS_KEY_ID_REFUSED, _says(message))
    if _code(failure) is StorageFault.REFUSED and message:
        return Diagnosis.of(StorageFault.REFUSED, _says(message), answer=failure.answer)
    return None


def _code(failure: StorageFailure) -> StorageFault:
    """By S3's code, or else by the HTTP status."""
    status = failure.http_status or 0
    if failure.code in _S3_CODES:
        return _S3_CODES[failure.code]
    if failure.code and failure.code.startswith("KMS."):
        return StorageFault.ENCRYPTION_KEY_UNUSABLE
    if 300 <= status < 400:
        return StorageFault.REDIRECTED
    return _STATUSES.get(status, StorageFault.REFUSED)


def _says(message: str) -> str:
    return f"The storage says: “{message[:MAX_MESSAGE]}{'…' if len(message) > MAX_MESSAGE else ''}”"


_S3_CODES = {
    "NoSuchBucket": StorageFault.BUCKET_NOT_FOUND,
    "InvalidBucketName": StorageFault.BUCKET_NAME_REFUSED,
    "InvalidAccessKeyId": StorageFault.ACCESS_KEY_ID_UNKNOWN,
    "SignatureDoesNotMatch": StorageFault.WRONG_SECRET_ACCESS_KEY,
    "AccessDenied": StorageFault.ACCESS_DENIED,
    "AllAccessDisabled": StorageFault.BUCKET_DISABLED,
    "AccountProblem": StorageFault.STORAGE_ACCOUNT_SUSPENDED,
    "NotSignedUp": StorageFault.STORAGE_ACCOUNT_WITHOUT_S3,
    CLOCK_DIFFERENCE: StorageFault.CLOCK_SKEW,
    "ExpiredToken": StorageFault.TEMPORARY_KEY,
    "InvalidToken": StorageFault.TEMPORARY_KEY,
    "TokenRefreshRequired": StorageFault.TEMPORARY_KEY,
    "InvalidRegionName": StorageFault.REGION_REFUSED,
    "InvalidTag": StorageFault.TAGS_REFUSED,
    "RequestHeaderSectionTooLarge": StorageFault.TAGS_TOO_LONG,
    "NotImplemented": StorageFault.CALL_UNSUPPORTED,
    "TemporaryRedirect": StorageFault.REDIRECTED_FOR_NOW,
    "QuotaExceeded": StorageFault.STORAGE_FULL,
    "XMinioStorageFull": StorageFault.STORAGE_FULL,
    "InvalidObjectState": StorageFault.OBJECT_ARCHIVED,
}
_STATUSES = {
    405: StorageFault.CALL_UNSUPPORTED,
    431: StorageFault.TAGS_TOO_LONG,
    501: StorageFault.CALL_UNSUPPORTED,
}
_ACTION = re.compile(r"\bkms:[A-Za-z]+|(?<=perform: )[a-z0-9-]+:[A-Za-z]+")
_EXPLICIT_DENY = re.compile(
    r"explicit deny(?: in (an? (?:[a-z]+(?:[ -][a-z]+){0,3} policy|permissions boundary)))?", re.IGNORECASE
)
_KEY_LENGTH = re.compile(r"access key.*length", re.IGNORECASE)
_PARAMETER_CODES = frozenset({"InvalidArgument", "InvalidRequest", "NotImplemented", "NotSupported"})

CODES_FOR_METRICS = (
    *sorted({*_S3_CODES, *BUSY_CODES, *WRONG_REGION_CODES, MALFORMED_HEADER}),
    "none",
    "other",
    "disk",
    "files",
)
"""All results of `code_for_metrics`, and the faults of this server's disk."""


def code_for_metrics(code: str | None) -> str:
    """One of a fixed set: servers may respond with any code, and each label stays in memory."""
    if code is None:
        return "none"
    return code if code in CODES_FOR_METRICS else "other"
