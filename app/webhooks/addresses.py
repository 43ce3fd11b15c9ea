"""The addresses that a tenant gives us to call: which are allowed, and which lead to the same server."""

import unicodedata
from urllib.parse import SplitResult, urlsplit

from app.foundation.errors import ErrorCollector, UserErrorCode
from app.foundation.outbound.guard import OutboundGate

MAXIMUM_URL = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
Origin = tuple[str, str, int]
"""Scheme, host and port."""


def checked_url(text: str, errors: ErrorCollector, *path: str, schemes: tuple[str, ...], gate: OutboundGate) -> str:
    """The trimmed URL: absolute, of one of the `schemes`, without credentials, at most 2048 characters.

    The gate judges the host by its text alone; what it leads to is judged when it is called. What is wrong goes to
    `problems` under `path`, one problem at most.
    """
    url = text.strip()
    if not url:
        errors.add(UserErrorCode.REQUIRED, f"A URL is needed, such as {schemes[-1]}://hooks.example.com/calls.", *path)
    elif len(url) > MAXIMUM_URL:
        message = f"The URL has {len(url)} characters; at most {MAXIMUM_URL} are allowed."
        errors.add(UserErrorCode.TOO_LONG, message, *path)
    elif reason := _invalid_reason(url, schemes, gate):
        errors.add(UserErrorCode.INVALID, reason, *path)
    return url


def origin(url: str) -> Origin:
    """The server that a URL leads to, the port written out. Raises ValueError for what `checked_url` refuses."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").removesuffix("."), _port(parts) or _DEFAULT_PORTS[scheme]


def _invalid_reason(url: str, schemes: tuple[str, ...], gate: OutboundGate) -> str | None:
    """One sentence on what is wrong with a URL; None when nothing is."""
    # Parsers read these differently, and what is judged must be what is called.
    if any(character in '\\<>"^`{|}' or unicodedata.category(character) in _INVISIBLE for character in url):
        return 'The URL holds a space, a control character or one of \\ < > " ^ ` { | }; percent-encode it.'
    try:
        parts = urlsplit(url)
        port = _port(parts)
    except ValueError:
        return "The address cannot be read as a URL."
    scheme = parts.scheme.lower()
    if scheme not in schemes:
        return f"The URL must begin with {' or '.join(f'{one}://' for one in schemes)}."
    if "@" in parts.netloc:
        return "The URL holds a user name or password; take them out of it."
    if not parts.hostname:
        return "The URL names no host."
    # A host alone, since the gate knows the default ports of http and https only.
    return gate.judge_text(parts.hostname, port or _DEFAULT_PORTS[scheme])


def _port(parts: SplitResult) -> int | None:
    """Raises ValueError for a port that is none."""
    if parts.port == 0:
        raise ValueError("port 0")
    return parts.port


_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
