"""Reads error details and metadata from S3 responses, which the SDK returns as dictionaries.

Servers can respond with anything: values are used only if they match the expected form.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from app.foundation.masks import is_mask
from app.storage.failures import StorageFailure

S3Response = dict[str, Any]
"""The response of an S3 operation, as parsed by the SDK."""
_MAXIMUM_MESSAGE = 1_000


def failure(answer: Mapping[str, Any], secrets: Iterable[str] = ()) -> StorageFailure:
    """The failure for an error response; masks `secrets` in its message."""
    error, metadata = answer.get("Error", {}), answer.get("ResponseMetadata", {})
    headers = metadata.get("HTTPHeaders", {})
    message = str(error.get("Message") or "")
    expected = _EXPECTED_REGION.search(message[:500])
    hint = headers.get("x-amz-bucket-region") or error.get("Region") or (expected and (expected[1] or expected[2]))
    return StorageFailure(
        code=_match(_CODE, error.get("Code")),
        message=_redact(message, secrets),
        http_status=metadata.get("HTTPStatusCode"),
        request_id=_match(_REQUEST_ID, metadata.get("RequestId") or headers.get("x-amz-request-id")),
        region=_match(_REGION, hint),
    )


def request_id(answer: S3Response) -> str | None:
    """The request id of a response, for the storage's support; None if there is none."""
    return _match(_REQUEST_ID, answer.get("ResponseMetadata", {}).get("RequestId"))


def bucket_region(answer: S3Response) -> str | None:
    """The bucket's region according to the server, or None."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return _match(_REGION, headers.get("x-amz-bucket-region"))


def _redact(message: str, secrets: Iterable[str]) -> str | None:
    """One line of printable text without secrets, signatures and digests; None if nothing useful is left."""
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


# HEAD responses have no code; the SDK substitutes the HTTP status, which is not an S3 code.
_CODE = re.compile(r"(?![0-9]+$)[A-Za-z0-9._-]{1,64}", re.ASCII)
_MASK = "***"
_DIGEST = re.compile(r"[A-Za-z0-9+/=_%]{32,}", re.ASCII)
_REQUEST_ID = re.compile(r"[A-Za-z0-9+/=_.:-]{1,128}", re.ASCII)
_REGION = re.compile(r"[A-Za-z0-9-]{1,63}", re.ASCII)
_EXPECTED_REGION = re.compile(r"expecting '([A-Za-z0-9-]+)'|The ([a-z0-9-]+) location constraint is incompatible")
