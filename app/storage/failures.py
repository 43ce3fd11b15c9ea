"""Failures of object storages; `faults.py` says what went wrong and what to fix."""

import structlog

from app.foundation import metrics
from app.foundation.outbound.failure_kind import FailureKind

CLOCK_DIFFERENCE = "RequestTimeTooSkewed"
BUSY_CODES = frozenset(
    {"SlowDown", "InternalError", "ServiceUnavailable", "Busy", "RequestTimeout", "Throttling", "TooManyRequests"}
)
MALFORMED_HEADER = "AuthorizationHeaderMalformed"
WRONG_REGION_CODES = frozenset({"PermanentRedirect", "IllegalLocationConstraintException"})

_log = structlog.get_logger("recording")


class StorageFailure(Exception):
    """A failed call to the storage: `kind` without a response; else S3's `code`, `http_status` and `request_id`."""

    def __init__(
        self,
        kind: FailureKind | None = None,
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
        super().__init__(kind.name if kind else self.answer)
        if self.is_clock_difference:  # counted here, because every failure is created here
            metrics.storage_clock_difference()
            _log.error("clocks of this server and a storage differ by more than 15 minutes")

    @property
    def answer(self) -> str:
        """S3's code and the HTTP status, as far as there are any."""
        status = f"HTTP {self.http_status}"
        return (f"{self.code} ({status})" if self.http_status else self.code) if self.code else status

    @property
    def is_busy(self) -> bool:
        """The server is overloaded or failing at the moment; this says nothing about the settings."""
        return self.code in BUSY_CODES or (self.code is None and self.http_status in {429, 500, 502, 503, 504})

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
        return self.kind is None and (self.http_status or 500) < 500

    @property
    def is_wrong_region(self) -> bool:
        """One of the three ways in which S3 says that the bucket is in another region."""
        if self.code == MALFORMED_HEADER:
            # Also used for other errors in the header, without a region.
            return self.region is not None
        return self.code in WRONG_REGION_CODES
