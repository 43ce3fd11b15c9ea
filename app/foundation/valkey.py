"""Clients of the Valkey (or Redis) server behind CACHE_URL, all made alike: the one module that imports its library's client."""

from typing import Any
from urllib.parse import urlsplit

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

# What a client raises when the server is away, refuses or does not answer.
VALKEY_AWAY = (ValkeyError, OSError, TimeoutError)


def valkey_client(url: str, *, answer_seconds: float) -> Valkey:
    """A client with one connection, made at its first command; `answer_seconds` is the longest wait for it and for each answer.

    Raises nothing before it is used, and then one of VALKEY_AWAY.
    """
    # Nothing is sent twice: an UNLINK whose answer was lost has removed what the second one would not count.
    options: dict[str, Any] = {
        "socket_timeout": answer_seconds,
        "socket_connect_timeout": answer_seconds,
        "single_connection_client": True,
        # It would say its version by a command that a user of few rights may not send.
        "lib_name": None,
        "lib_version": None,
    }
    if urlsplit(url).scheme in {"rediss", "valkeys"}:
        options["ssl_check_hostname"] = True
    client: Valkey = Valkey.from_url(url, **options)
    return client
