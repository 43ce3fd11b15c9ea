"""How an outbound call fails. Imports no library: a worker loads aiohttp with its first outbound call."""

import enum


class FailureKind(enum.Enum):
    ANSWERED = "the server answered, with an error"
    REFUSED_ADDRESS = "the outbound gate refuses this address"
    UNKNOWN_HOST = "the host name does not resolve"
    CONNECTION_REFUSED = "nothing listens there"
    UNREACHABLE = "the address is unreachable"
    CONNECT_TIMEOUT = "the connection attempt timed out"
    TLS = "no trusted TLS certificate"
    CLOSED = "the server closed the connection without an answer"
    NO_ANSWER = "the server accepted the request but did not answer"
    NOT_S3 = "the answer is not S3's"
