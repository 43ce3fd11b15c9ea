"""aiohttp's connector for tenants' servers: trusted certificates, and a limit on interim responses (1xx).

aiohttp skips any number of interim responses. A server that sends nothing else would keep this process busy parsing them.
"""

import functools
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import StreamReader

# In a row. In practice there is one, to a request that waits for it before it sends its body.
MAXIMUM_INTERIM_RESPONSES = 16


class BoundedConnector(aiohttp.TCPConnector):
    """The connector for URLs that tenants give.

    TLS by aiohttp's own context, which it loads when it is imported: it trusts the operating system's authorities, or
    SSL_CERT_FILE and SSL_CERT_DIR. A second context would take 1 MB.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(ssl=True, **options)
        self._factory = functools.partial(_Handler, loop=self._loop)  # type: ignore[assignment]


class _Handler(ResponseHandler):
    _interim = 0

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Gets the head of a response, and the stream of its body."""
        message, _ = data
        if 100 <= message.code < 200:
            self._interim += 1
        elif self._interim <= MAXIMUM_INTERIM_RESPONSES:
            self._interim = 0
        if self._interim <= MAXIMUM_INTERIM_RESPONSES:
            super().feed_data(data, size)
            return
        if self.transport is not None:
            self.transport.close()
        if self.exception() is None:
            self.set_exception(BadHttpMessage("too many interim responses"))
