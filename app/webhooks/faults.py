"""Why a webhook call failed, and what to fix."""

from dataclasses import dataclass

from app.foundation.fault_codes import FaultCode, members
from app.foundation.outbound.failure_kind import FailureKind

RECEIVER_WORDS = {
    "server": "receiver",
    "address": "URL",
    "protocol": "HTTP",
    "after_no_response": "respond before processing the event",
    "after_invalid_response": "check the port, and whether it expects http or https",
}
"""The values of the placeholders in `FailureKind`'s sentences."""


class ReceiverFault(FaultCode):
    REDIRECTED = (
        "The receiver redirects to another address, and redirects are not followed",
        "enter the address it redirects to",
    )
    CREDENTIALS_REFUSED = (
        "The receiver refused the credentials",
        "check the user name and the password, or how it checks the signature",
    )
    PATH_NOT_FOUND = "The receiver has nothing at this address", "check the path of the URL"
    METHOD_REFUSED = (
        "The receiver does not accept this method",
        "choose the other one, or check the path of the URL",
    )
    JSON_REFUSED = "The receiver does not accept JSON", "check the path of the URL, and what it expects there"
    TOO_MANY_CALLS = "The receiver got too many calls", "try again later"
    CALL_REFUSED = "The receiver refused the call", "check its log"
    RECEIVER_FAILED = "The receiver failed", "check its log"
    REPLY_UNFINISHED = "The reply of the receiver does not end", "send its length, or close the connection"


RECEIVER_CODES = members(FailureKind, ReceiverFault)


@dataclass(frozen=True)
class DeliveryFault:
    """Why a call failed, with a sentence for the user."""

    code: FaultCode
    reason: str

    @classmethod
    def of(cls, code: FaultCode, note: str = "") -> "DeliveryFault":
        return cls(code, code.advice(note, **RECEIVER_WORDS))

    @classmethod
    def of_status(cls, status: int) -> "DeliveryFault | None":
        """None for a success."""
        if 200 <= status < 300:
            return None
        code = _STATUSES.get(status, ReceiverFault.CALL_REFUSED)
        if 300 <= status < 400:
            code = ReceiverFault.REDIRECTED
        elif status >= 500:
            code = ReceiverFault.RECEIVER_FAILED
        return cls.of(code, f" (HTTP {status})")


_STATUSES = {
    401: ReceiverFault.CREDENTIALS_REFUSED,
    403: ReceiverFault.CREDENTIALS_REFUSED,
    404: ReceiverFault.PATH_NOT_FOUND,
    405: ReceiverFault.METHOD_REFUSED,
    410: ReceiverFault.PATH_NOT_FOUND,
    415: ReceiverFault.JSON_REFUSED,
    429: ReceiverFault.TOO_MANY_CALLS,
}
