"""aiohttp's connections to tenants' servers: which certificates are trusted, and an end to what a server may say first.

Interim answers (1xx) are passed over, however many come: whoever sent nothing else would keep this process busy, since each is
taken apart and kept until it is passed over. Loaded with aiohttp, by those who call tenants' addresses.
"""

import functools
import ssl
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import StreamReader

# In a row; in earnest it is one, to a request that waits for it before it sends its body.
MAXIMUM_INTERIM_ANSWERS = 16


@functools.cache
def tls_context() -> ssl.SSLContext:
    """The trust of every outgoing call: the operating system's authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    return ssl.create_default_context()


class BoundedConnector(aiohttp.TCPConnector):
    """For what calls addresses that tenants give."""

    def __init__(self, **options: Any) -> None:
        super().__init__(ssl=tls_context(), **options)
        self._factory = functools.partial(_Handler, loop=self._loop)  # type: ignore[assignment]


class _Handler(ResponseHandler):
    _interim = 0

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """The head of an answer, with what gives its body."""
        message, _ = data
        if 100 <= message.code < 200:
            self._interim += 1
        elif self._interim <= MAXIMUM_INTERIM_ANSWERS:
            self._interim = 0
        if self._interim <= MAXIMUM_INTERIM_ANSWERS:
            super().feed_data(data, size)
            return
        if self.transport is not None:
            self.transport.close()
        if self.exception() is None:
            self.set_exception(BadHttpMessage("interim answers do not end"))
