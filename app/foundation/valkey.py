"""Clients of the Valkey (or Redis) server at CACHE_URL; the only place where the server makes them.

Its 3 MB are loaded with the first client: many workers have no CACHE_URL.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from valkey.asyncio import Valkey


def valkey_away() -> tuple[type[Exception], ...]:
    """What the client's commands raise when the server is away, refuses or does not answer."""
    from valkey.exceptions import ValkeyError  # noqa: PLC0415  see above

    return (ValkeyError, OSError, TimeoutError)


def valkey_client(url: str, *, answer_seconds: float) -> "Valkey":
    """A client with one connection, opened at its first command. `answer_seconds` limits the wait for it and for each answer.

    Does not raise; the client's commands raise one of `valkey_away()`.
    """
    from valkey.asyncio import Valkey  # noqa: PLC0415  see above

    # No retries: a repeated UNLINK would not count what the first one removed when its answer was lost.
    options: dict[str, Any] = {
        "socket_timeout": answer_seconds,
        "socket_connect_timeout": answer_seconds,
        "single_connection_client": True,
        # The library would send its version by a command that a restricted user may not run.
        "lib_name": None,
        "lib_version": None,
    }
    if urlsplit(url).scheme in {"rediss", "valkeys"}:
        options["ssl_check_hostname"] = True
    client: Valkey = Valkey.from_url(url, **options)
    return client
