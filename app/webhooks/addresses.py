"""Addresses of the tenant's that we call: what can be judged by their text, when they are saved."""

import re
from urllib.parse import urlsplit

from app.errors import Problems, UserErrorCode
from app.outbound import OutboundGate

MAXIMUM_URL = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def checked_url(text: str, problems: Problems, *path: str, schemes: tuple[str, ...], gate: OutboundGate) -> str:
    """The trimmed URL: absolute, of one of these schemes, without credentials, of a host that the gate lets through.

    What is wrong goes to `problems` under `path`.
    """
    url = text.strip()
    if len(url) > MAXIMUM_URL:
        message = f"The URL has {len(url)} characters; at most {MAXIMUM_URL} are allowed."
        problems.add(UserErrorCode.TOO_LONG, message, *path)
        return url
    reason = _refusal(url, schemes) or gate.judge_text(url)
    if reason:
        problems.add(UserErrorCode.INVALID, reason, *path)
    return url


def origin(url: str) -> tuple[str, str, int]:
    """The server that a URL leads to, the port written out. Raises ValueError for what `checked_url` refuses."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").removesuffix("."), parts.port or _DEFAULT_PORTS[parts.scheme]


def _refusal(url: str, schemes: tuple[str, ...]) -> str | None:
    words = f"{', '.join(schemes[:-1])} or {schemes[-1]}"
    # urlsplit leaves out line breaks and tabs by itself.
    if _NOT_IN_A_URL.search(url):
        return "The URL holds a space, a control character or a backslash; write those percent-encoded."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "The address cannot be read as a URL."
    if parts.scheme not in schemes or not host:
        return f"The URL must begin with {words}, such as {schemes[0]}://hooks.example.com/calls."
    if "@" in parts.netloc:
        return "The URL holds credentials; give them as username and password instead."
    return None


_NOT_IN_A_URL = re.compile(r"[\s\x00-\x20\x7f-\x9f\\\ud800-\udfff]")
