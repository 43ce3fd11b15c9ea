"""What is read of S3's answers beside what was asked for; the SDK hands them over as dictionaries.

What a server says is shown only in the form that it must have: it could say anything.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from app.foundation.masks import is_mask
from app.foundation.outbound.failure_kind import FailureKind
from app.storage.failures import StorageFailure

S3Response = dict[str, Any]
"""What an operation of S3 answers, as the SDK reads it."""
_MAXIMUM_MESSAGE = 1_000


def failure(answer: Mapping[str, Any], secrets: Iterable[str] = ()) -> StorageFailure:
    """The failure that an error response stands for; `secrets` are masked in its message."""
    error, metadata = answer.get("Error", {}), answer.get("ResponseMetadata", {})
    headers = metadata.get("HTTPHeaders", {})
    message = str(error.get("Message") or "")
    expected = _EXPECTED_REGION.search(message[:500])
    hint = headers.get("x-amz-bucket-region") or error.get("Region") or (expected and (expected[1] or expected[2]))
    return StorageFailure(
        FailureKind.ANSWERED,
        code=_match(_CODE, error.get("Code")),
        message=_redact(message, secrets),
        http_status=metadata.get("HTTPStatusCode"),
        request_id=_match(_REQUEST_ID, metadata.get("RequestId") or headers.get("x-amz-request-id")),
        region=_match(_REGION, hint),
    )


def request_id(answer: S3Response) -> str | None:
    """The request id of an answer, for whoever asks the operator of the storage; None when there is none."""
    return _match(_REQUEST_ID, answer.get("ResponseMetadata", {}).get("RequestId"))


def bucket_region(answer: S3Response) -> str | None:
    """The region that the server names for the bucket, or None."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return _match(_REGION, headers.get("x-amz-bucket-region"))


def _redact(message: str, secrets: Iterable[str]) -> str | None:
    """One line of visible characters without secrets, signatures and digests; None when nothing is left that says more."""
    text = _visible(message[:_MAXIMUM_MESSAGE])
    if is_mask(text):
        return None
    for secret in sorted(secrets, key=len, reverse=True):
        for form in (_visible(secret), quote(secret, safe="")):
            text = text.replace(form, _MASK)
    return " ".join(_DIGEST.sub(_MASK, text).split()) or None


def _visible(text: str) -> str:
    return "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in text)


def _match(pattern: re.Pattern[str], text: object) -> str | None:
    return text if isinstance(text, str) and pattern.fullmatch(text) else None


# HEAD answers have no code; the SDK puts the HTTP status in its place, which is no code of S3.
_CODE = re.compile(r"(?![0-9]+$)[A-Za-z0-9._-]{1,64}", re.ASCII)
_MASK = "***"
_DIGEST = re.compile(r"[A-Za-z0-9+/=_%]{32,}", re.ASCII)
_REQUEST_ID = re.compile(r"[A-Za-z0-9+/=_.:-]{1,128}", re.ASCII)
_REGION = re.compile(r"[A-Za-z0-9-]{1,63}", re.ASCII)
_EXPECTED_REGION = re.compile(r"expecting '([A-Za-z0-9-]+)'|The ([a-z0-9-]+) location constraint is incompatible")
