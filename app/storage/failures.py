"""Failures of object storages, and advice on how to fix them.

Advice includes the server's error code, and the server's message if that code has no specific advice. `responses.py`
sanitizes both.
"""

import re

import structlog

from app.foundation import metrics
from app.foundation.outbound.failure_kind import FailureKind

MAX_MESSAGE = 200
"""Maximum length of a server's message in advice."""
CLOCK_DIFFERENCE = "RequestTimeTooSkewed"

_log = structlog.get_logger("recording")


class StorageFailure(Exception):
    """A failed call to the storage. `code`, `http_status` and `request_id` are set when S3 responded with them."""

    def __init__(
        self,
        kind: FailureKind,
        *,
        code: str | None = None,
        message: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        region: str | None = None,
        reason: str | None = None,
    ) -> None:
        self.kind = kind
        self.code = code
        self.message = message
        """The server's message, cleaned."""
        self.http_status = http_status
        self.request_id = request_id
        self.region = region
        """The bucket's region, according to the server."""
        self.reason = reason
        """The gate's reason, when it refused the address."""
        super().__init__(code or kind.value)
        if self.is_clock_difference:  # counted here, because every failure is created here
            metrics.storage_clock_difference()
            _log.error("clocks of this server and a storage differ by more than 15 minutes")

    @property
    def is_busy(self) -> bool:
        """The server is overloaded or failing at the moment; this says nothing about the settings."""
        return self.code in _BUSY_CODES or (self.code is None and self.http_status in {429, 500, 502, 503, 504})

    @property
    def is_clock_difference(self) -> bool:
        """The operator must fix it; this says nothing about the settings."""
        return self.code == CLOCK_DIFFERENCE

    @property
    def is_denied(self) -> bool:
        """The key is valid but lacks a permission."""
        return self.code in {"AccessDenied", "AllAccessDisabled"}

    @property
    def is_definite_refusal(self) -> bool:
        """Whether the server certainly refused the call, so that it left nothing behind."""
        return self.kind is FailureKind.ANSWERED and (self.http_status or 500) < 500

    @property
    def is_wrong_region(self) -> bool:
        """One of the three ways in which S3 says that the bucket is in another region."""
        if self.code == _MALFORMED_HEADER:
            # Also used for other errors in the header, without a region.
            return self.region is not None
        return self.code in _WRONG_REGION_CODES


def advice(failure: StorageFailure) -> str:
    """One sentence on what to fix, for failures that mean the same in every step."""
    if failure.kind is FailureKind.REFUSED_ADDRESS and failure.reason:
        return failure.reason
    if failure.kind is not FailureKind.ANSWERED:
        return _UNANSWERED[failure.kind]
    if failure.is_busy:
        return _BUSY
    specific = _advice_by_message(failure)
    if specific:
        return specific
    if failure.code in _ADVICE:
        return _ADVICE[failure.code]
    if failure.code and failure.code.startswith("KMS."):
        return "The bucket's encryption key cannot be used: allow the key's owner kms:GenerateDataKey and kms:Decrypt."
    if failure.http_status is not None and 300 <= failure.http_status < 400:
        return _REDIRECTED
    if failure.http_status == 431:
        return _ADVICE["RequestHeaderSectionTooLarge"]
    if failure.http_status in {405, 501}:
        return "The server does not support this S3 call: ask its operator which calls it supports."
    answer = f"{failure.code} (HTTP {failure.http_status})" if failure.code else f"HTTP {failure.http_status}"
    if failure.message:
        return f"The storage refused the request with {answer} and says: {_quoted(failure.message)}"
    return (
        f"The storage refused the request with {answer}. Look up this code in its documentation, or ask its operator."
    )


def denial(failure: StorageFailure) -> str | None:
    """What to fix when access is denied for a reason other than a missing S3 permission; None if no reason is given."""
    message = failure.message or ""
    action = _ACTION.search(message)
    denied = _EXPLICIT_DENY.search(message)
    if denied:
        policy = denied[1] or "a policy"
        subject = f"{action[0]} for this access key" if action else "this access key"
        return f"{policy[0].upper()}{policy[1:]} explicitly denies {subject}, which overrides permissions: change its Deny."
    if action and action[0].startswith("kms:"):
        return (
            f"The access key may not use the bucket's encryption key ({action[0]} is denied): allow it kms:GenerateDataKey "
            "and kms:Decrypt, in its own policy and in that of the encryption key."
        )
    return None


def _advice_by_message(failure: StorageFailure) -> str | None:
    """Advice for codes that stand for several errors."""
    message = failure.message or ""
    if failure.is_denied:
        return denial(failure)
    if failure.code in _PARAMETER_CODES and "tagging" in message.lower():
        return "The storage does not support S3 tags: remove them."
    if failure.code == "InvalidArgument" and _KEY_LENGTH.search(message):
        return f"The storage does not accept this access key ID: enter it again. The storage says: {_quoted(message)}"
    return None


def _quoted(message: str) -> str:
    return f"“{message}”" if len(message) <= MAX_MESSAGE else f"“{message[:MAX_MESSAGE]}…”"


def code_for_metrics(code: str | None) -> str:
    """One of a fixed set: servers may respond with any code, and each label stays in memory."""
    if code is None:
        return "none"
    return code if code in CODES_FOR_METRICS else "other"


def wrong_region_advice(configured: str, actual: str | None) -> str:
    """Names both regions, or only the configured one if the server does not say."""
    if actual is None or actual == configured:
        return f"The bucket is not in the configured region {configured}. Choose the region in which it was created."
    return f"The bucket is in the region {actual}, but {configured} is configured. Choose {actual}."


_BUSY = (
    "The storage is overloaded or failing at the moment. Try again in a minute; this says nothing about the settings."
)
_REDIRECTED = (
    "The server redirects to another address, and redirects are not followed. Enter the address it redirects to."
)
_BUSY_CODES = frozenset(
    {"SlowDown", "InternalError", "ServiceUnavailable", "Busy", "RequestTimeout", "Throttling", "TooManyRequests"}
)

LOSES_DATA = "Ask the operator of the storage: it lost data that it had confirmed."

_ACTION = re.compile(r"\bkms:[A-Za-z]+|(?<=perform: )[a-z0-9-]+:[A-Za-z]+")
_EXPLICIT_DENY = re.compile(
    r"explicit deny(?: in (an? (?:[a-z]+(?:[ -][a-z]+){0,3} policy|permissions boundary)))?", re.IGNORECASE
)
_KEY_LENGTH = re.compile(r"access key.*length", re.IGNORECASE)
_PARAMETER_CODES = frozenset({"InvalidArgument", "InvalidRequest", "NotImplemented", "NotSupported"})

_MALFORMED_HEADER = "AuthorizationHeaderMalformed"
_WRONG_REGION_CODES = frozenset({"PermanentRedirect", "IllegalLocationConstraintException"})

_UNANSWERED = {
    FailureKind.REFUSED_ADDRESS: "The address is not public. Use a public host.",
    FailureKind.UNKNOWN_HOST: "The host name of the storage cannot be resolved: check the endpoint URL or the region.",
    FailureKind.CONNECTION_REFUSED: "Nothing listens at the storage's address: check the host and the port.",
    FailureKind.UNREACHABLE: "The storage's address is unreachable: check the host, and firewalls in between.",
    FailureKind.CONNECT_TIMEOUT: "Connecting to the storage timed out: check the host, the port, "
    "whether it expects http or https, and firewalls in between.",
    FailureKind.TLS: "The TLS handshake failed: check that the endpoint uses https, "
    "and that its certificate is valid, for this host name and from a public authority.",
    FailureKind.CLOSED: "The server closed the connection without a response: check that an S3 server listens at this "
    "host and port, and whether it expects http or https.",
    FailureKind.NO_ANSWER: "The server accepted the request and did not respond in time: check that an S3 server listens "
    "there, or try again.",
    FailureKind.NOT_S3: "The response is not from S3: check that the endpoint is that of an S3 server, "
    "and not of its web page.",
}

_ADVICE = {
    "NoSuchBucket": "There is no bucket with this name: check the spelling, or create it.",
    "InvalidBucketName": "The storage does not accept this bucket name: check its spelling.",
    "InvalidAccessKeyId": "The storage does not know this access key ID: check that it is complete, belongs to this "
    "storage, and was not deleted.",
    "SignatureDoesNotMatch": "The secret access key does not belong to this access key ID: enter the secret again.",
    "AccessDenied": "The key is valid but lacks the permission on this bucket: extend its policy.",
    "AllAccessDisabled": "The owner of the bucket has disabled all access: ask its operator.",
    "AccountProblem": "The storage account is suspended or unpaid: ask its owner.",
    "NotSignedUp": "The account of this key has not signed up for S3.",
    "RequestTimeTooSkewed": "The clocks of this server and of the storage differ by more than 15 minutes: set this "
    "server's clock. The settings are not at fault.",
    "ExpiredToken": "The key is temporary and has expired: enter the long-lived key of an IAM user.",
    "InvalidToken": "The key is temporary and needs a session token: enter the long-lived key of an IAM user.",
    "TokenRefreshRequired": "The key is temporary and has expired: enter the long-lived key of an IAM user.",
    "InvalidRegionName": "The storage does not have this region: choose one of its regions; for Cloudflare R2, choose auto.",
    "InvalidTag": "The storage does not accept these S3 tags: check their names and values.",
    "RequestHeaderSectionTooLarge": "The S3 tags are too long for one request (S3 accepts 8 KB, and a character "
    "beyond ASCII counts up to nine bytes): shorten them.",
    "NotImplemented": "The server does not support this S3 call, or does not support S3 tags: try without tags, or ask "
    "its operator.",
    "TemporaryRedirect": "The storage redirects requests for now, as for a bucket that was just created. "
    "Try again in an hour.",
    "QuotaExceeded": "The storage is full or the quota is used up: ask its operator.",
    "XMinioStorageFull": "The storage is full: ask its operator.",
    "InvalidObjectState": "The object is in an archive: choose a bucket without immediate archiving.",
}

CODES_FOR_METRICS = (
    *sorted({*_ADVICE, *_BUSY_CODES, *_WRONG_REGION_CODES, _MALFORMED_HEADER}),
    "none",
    "other",
    "disk",
    "files",
)
"""All results of `code_for_metrics`, and the faults of this server's disk."""
