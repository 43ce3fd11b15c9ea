"""Validation of the URLs that tenants configure, and their origins."""

import unicodedata
from urllib.parse import SplitResult, urlsplit

from app.foundation.outbound.guard import OutboundGate
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule

MAXIMUM_URL = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
Origin = tuple[str, str, int]
"""Scheme, host and port."""
# URL parsers disagree on these characters, and the checked URL must be the called one.
_FORBIDDEN = '\\<>"^`{|}'
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})


class UrlRule(UserErrorRule):
    URL_REQUIRED = UserErrorCode.REQUIRED, "A URL is required, such as {example}."
    URL_TOO_LONG = UserErrorCode.TOO_LONG, "The URL has {length} characters; at most {maximum} are allowed."
    URL_CHARACTERS = (
        UserErrorCode.INVALID,
        "The URL contains a space, a control character or one of {characters}; percent-encode it.",
    )
    URL_INVALID = UserErrorCode.INVALID, "The URL is invalid."
    URL_SCHEME = UserErrorCode.INVALID, "The URL must begin with {schemes}."
    URL_WITH_CREDENTIALS = UserErrorCode.INVALID, "The URL contains a user name or password; remove them."
    URL_WITHOUT_HOST = UserErrorCode.INVALID, "The URL has no host."


def checked_url(text: str, errors: ErrorCollector, *path: str, schemes: tuple[str, ...], gate: OutboundGate) -> str:
    """The trimmed URL: absolute, of one of the `schemes`, without credentials, at most 2048 characters.

    The gate checks the host's text here, and its addresses when it is called. Adds at most one error to `errors`
    under `path`.
    """
    url = text.strip()
    if not url:
        errors.add(UrlRule.URL_REQUIRED, *path, example=f"{schemes[-1]}://hooks.example.com/calls")
    elif len(url) > MAXIMUM_URL:
        errors.add(UrlRule.URL_TOO_LONG, *path, length=len(url), maximum=MAXIMUM_URL)
    else:
        _check(url, errors, *path, schemes=schemes, gate=gate)
    return url


def origin(url: str) -> Origin:
    """Scheme, host and port of a URL, with the default port filled in. Raises ValueError for what `checked_url` refuses."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").removesuffix("."), _port(parts) or _DEFAULT_PORTS[scheme]


def _check(url: str, errors: ErrorCollector, *path: str, schemes: tuple[str, ...], gate: OutboundGate) -> None:
    if any(character in _FORBIDDEN or unicodedata.category(character) in _INVISIBLE for character in url):
        errors.add(UrlRule.URL_CHARACTERS, *path, characters=" ".join(_FORBIDDEN))
        return
    try:
        parts = urlsplit(url)
        port = _port(parts)
    except ValueError:
        errors.add(UrlRule.URL_INVALID, *path)
        return
    scheme = parts.scheme.lower()
    if scheme not in schemes:
        errors.add(UrlRule.URL_SCHEME, *path, schemes=" or ".join(f"{one}://" for one in schemes))
    elif "@" in parts.netloc:
        errors.add(UrlRule.URL_WITH_CREDENTIALS, *path)
    elif not parts.hostname:
        errors.add(UrlRule.URL_WITHOUT_HOST, *path)
    # Pass the host alone, since the gate knows the default ports of http and https only.
    elif refusal := gate.judge_text(parts.hostname, port or _DEFAULT_PORTS[scheme]):
        errors.add(refusal.rule, *path, **refusal.arguments)


def _port(parts: SplitResult) -> int | None:
    """Raises ValueError for an invalid port."""
    if parts.port == 0:
        raise ValueError("port 0")
    return parts.port
