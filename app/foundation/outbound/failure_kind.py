"""How an outbound call fails without a response. Imports no HTTP library: a worker loads aiohttp with its first outbound call."""

from app.foundation.fault_codes import FaultCode


class FailureKind(FaultCode):
    """Values: `server` is `storage` or `receiver`, `address` the setting with its address; the others are what to do."""

    ADDRESS_NOT_PUBLIC = "The address is not public", "use a public host"
    UNKNOWN_HOST = "The host name of the {server} cannot be resolved", "check the {address}"
    CONNECTION_REFUSED = "Nothing listens at the host and port of the {server}", "check both"
    UNREACHABLE = "The host of the {server} is unreachable", "check the {address}, and firewalls in between"
    CONNECT_TIMEOUT = (
        "Connecting to the {server} timed out",
        "check host and port, whether it expects http or https, and firewalls in between",
    )
    TLS = (
        "The TLS handshake with the {server} failed",
        "check that it uses https, and that its certificate is valid, for this host name and from a public authority",
    )
    CONNECTION_CLOSED = (
        "The {server} closed the connection without a response",
        "check host and port, and whether it expects http or https",
    )
    NO_RESPONSE = "The {server} accepted the request and did not respond in time", "{after_no_response}"
    INVALID_RESPONSE = "The response of the {server} is not {protocol}", "{after_invalid_response}"
