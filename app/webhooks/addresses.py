"""Validation of the URLs that tenants configure, and their origins."""

import unicodedata
from urllib.parse import SplitResult, urlsplit

from app.foundation.outbound.guard import OutboundGate
from app.foundation.user_errors import ErrorCollector, UserErrorCode

MAXIMUM_URL = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
Origin = tuple[str, str, int]
"""Scheme, host and port."""


def checked_url(text: str, errors: ErrorCollector, *path: str, schemes: tuple[str, ...], gate: OutboundGate) -> str:
    """The trimmed URL: absolute, of one of the `schemes`, without credentials, at most 2048 characters.

    The gate checks the host's text here, and its addresses when it is called. Adds at most one error to `errors`
    under `path`.
    """
    url = text.strip()
    if not url:
        errors.add(
            UserErrorCode.REQUIRED, f"A URL is required, such as {schemes[-1]}://hooks.example.com/calls.", *path
        )
    elif len(url) > MAXIMUM_URL:
        message = f"The URL has {len(url)} characters; at most {MAXIMUM_URL} are allowed."
        errors.add(UserErrorCode.TOO_LONG, message, *path)
    elif reason := _invalid_reason(url, schemes, gate):
        errors.add(UserErrorCode.INVALID, reason, *path)
    return url


def origin(url: str) -> Origin:
    """Scheme, host and port of a URL, with the default port filled in. Raises ValueError for what `checked_url` refuses."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").removesuffix("."), _port(parts) or _DEFAULT_PORTS[scheme]


def _invalid_reason(url: str, schemes: tuple[str, ...], gate: OutboundGate) -> str | None:
    """What is wrong with a URL, as a sentence; None if nothing is."""
    # URL parsers disagree on these characters, and the checked URL must be the called one.
    if any(character in '\\<>"^`{|}' or unicodedata.category(character) in _INVISIBLE for character in url):
        return 'The URL contains a space, a control character or one of \\ < > " ^ ` { | }; percent-encode it.'
    try:
        parts = urlsplit(url)
        port = _port(parts)
    except ValueError:
        return "The URL is invalid."
    scheme = parts.scheme.lower()
    if scheme not in schemes:
        return f"The URL must begin with {' or '.join(f'{one}://' for one in schemes)}."
    if "@" in parts.netloc:
        return "The URL contains a user name or password; remove them."
    if not parts.hostname:
        return "The URL has no host."
    # Pass the host alone, since the gate knows the default ports of http and https only.
    return gate.judge_text(parts.hostname, port or _DEFAULT_PORTS[scheme])


def _port(parts: SplitResult) -> int | None:
    """Raises ValueError for an invalid port."""
    if parts.port == 0:
        raise ValueError("port 0")
    return parts.port


_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
