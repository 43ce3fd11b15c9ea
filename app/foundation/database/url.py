"""DATABASE_URL: its validation, the drivers' options from it, and its display name without the password."""

import ssl
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from tortoise.backends.base.config_generator import expand_db_url

# libpq's spelling. `host` is the folder of a Unix socket.
_OPTIONS = ("sslmode", "sslrootcert", "host")
_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_POSTGRES_PORT = 5432


def problem(url: str) -> str | None:
    """What is wrong with the URL, without repeating any of it, or None."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in {"postgres", "postgresql"} and (parts.port or 1) > 0 and len(parts.path) > 1
        options = _options(parts)
    except ValueError:  # a port that is no number, a bracket that does not close, an option without a value
        is_one, options = False, {}
    if not is_one:
        return (
            "must be like postgres://user:password@host:5432/name, with special characters percent-encoded "
            "(or empty for an embedded PostgreSQL)"
        )
    if not options.keys() <= set(_OPTIONS):
        return f"after the `?` come only: {', '.join(_OPTIONS)}"
    if options.get("sslmode", "prefer") not in _MODES:
        return f"sslmode must be one of: {', '.join(_MODES)}"
    return _problem_of_authorities(options)


def _problem_of_authorities(options: dict[str, str]) -> str | None:
    if "sslrootcert" not in options:
        return None
    if options.get("sslmode") not in {"require", "verify-ca", "verify-full"}:
        return "sslrootcert checks nothing unless sslmode is require, verify-ca or verify-full"
    try:
        ssl.create_default_context(cafile=options["sslrootcert"])
    except OSError as error:  # ssl.SSLError is one: a file without certificates
        return f"sslrootcert names a file that holds no certificates or cannot be read ({error.strerror or error})"
    return None


def connection(url: str) -> dict[str, Any]:
    """Tortoise's engine and credentials for a URL without a problem."""
    parts = urlsplit(url)
    found: dict[str, Any] = expand_db_url(parts._replace(query="").geturl())
    options = _options(parts)
    if "host" in options:
        found["credentials"]["host"] = found["credentials"]["host"] or options["host"]
    if "sslmode" in options:
        found["credentials"]["ssl"] = _tls(options["sslmode"], options.get("sslrootcert"))
    return found


def _tls(mode: str, authorities: str | None) -> str | ssl.SSLContext:
    """asyncpg's `ssl` option. Certificates are checked against `authorities`, by default the operating system's."""
    if mode in {"disable", "allow", "prefer"}:
        return mode
    context = ssl.create_default_context(cafile=authorities)
    context.check_hostname = mode == "verify-full"
    if mode == "require" and authorities is None:  # with authorities, libpq checks at `require` too
        context.verify_mode = ssl.CERT_NONE
    return context


def display_name(url: str) -> str:
    """`PostgreSQL accounts at db:5432`."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    at = f"{host}:{parts.port or _POSTGRES_PORT}" if host else _options(parts).get("host", "this machine")
    return f"PostgreSQL {parts.path[1:]} at {at}"


def _options(parts: SplitResult) -> dict[str, str]:
    """Raises ValueError for an option that is not written name=value."""
    given = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    return {name: values[-1] for name, values in given.items()}
