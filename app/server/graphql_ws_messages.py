"""Messages and close codes of graphql-transport-ws: what clients may send, and why the server closes a connection."""

import enum

import orjson

from app.execution.values import JsonObject

# The maximum length of an operation's id, in characters.
_LONGEST_ID = 200
# The maximum length of a close reason (RFC 6455, 5.5).
_REASON_BYTES = 123


class CloseCode(enum.IntEnum):
    """Clients of graphql-ws reconnect only after 1012 (also when the server stops), 1013 and 4408."""

    TOO_LARGE = 1009
    LIST_AGAIN = 1012
    TRY_AGAIN_LATER = 1013
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    NO_SUBPROTOCOL = 4406
    NO_INIT = 4408
    DUPLICATE_ID = 4409
    INIT_AGAIN = 4429


class Closed(Exception):
    """The server closes the connection."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_REASON_BYTES].decode(errors="ignore")


def parsed(text: str | None, maximum_length: int) -> JsonObject:
    """A client's message, with all that its type requires. Raises Closed."""
    if text is None:
        raise Closed(CloseCode.BAD_MESSAGE, "Messages are JSON texts")
    if len(text) > maximum_length:
        raise Closed(CloseCode.TOO_LARGE, f"A message may have {maximum_length} bytes at most")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Closed(CloseCode.BAD_MESSAGE, "The message is not valid JSON") from None
    error = _error(message)
    if error is not None:
        raise Closed(CloseCode.BAD_MESSAGE, error)
    valid: JsonObject = message
    return valid


def _error(message: object) -> str | None:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message is an object with a type"
    type_, payload = message["type"], message.get("payload")
    if type_ not in ("connection_init", "ping", "pong", "subscribe", "complete"):
        return "Clients send connection_init, ping, pong, subscribe and complete"
    if type_ in ("subscribe", "complete"):
        id_ = message.get("id")
        if not isinstance(id_, str) or not 0 < len(id_) <= _LONGEST_ID:
            return f"{type_} needs an id of 1 to {_LONGEST_ID} characters"
    if type_ == "subscribe" and not isinstance(payload, dict):
        return "subscribe needs a payload"
    if type_ != "complete" and payload is not None and not isinstance(payload, dict):
        return "A payload is an object"
    return None


def authorization_of(payload: JsonObject | None) -> bytes:
    """The Authorization header in the payload of connection_init, in any case; empty without one."""
    for name, value in (payload or {}).items():
        if name.lower() == "authorization" and isinstance(value, str):
            return value.encode("latin-1", "replace")
    return b""


def pong(ping: JsonObject) -> JsonObject:
    payload = {"payload": ping["payload"]} if ping.get("payload") is not None else {}
    return {"type": "pong", **payload}
