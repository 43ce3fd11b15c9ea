"""How an outbound call fails. Imports nothing: a worker loads aiohttp with its first outbound call."""

import enum


class FailureKind(enum.Enum):
    """How a call to the storage failed."""

    ANSWERED = "the server answered, with an error"
    REFUSED_ADDRESS = "the gate does not let us call this address"
    UNKNOWN_HOST = "the host name does not resolve"
    CONNECTION_REFUSED = "nothing listens there"
    UNREACHABLE = "no way to the address"
    CONNECT_TIMEOUT = "nobody takes the connection"
    TLS = "no trusted encryption"
    CLOSED = "the server ends the connection without an answer"
    NO_ANSWER = "the server takes the request and stays silent"
    NOT_S3 = "the answer is not one of S3"
