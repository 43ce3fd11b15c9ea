"""The client's address and scheme as reported by trusted proxies: uvicorn's middleware, with a check of addresses."""

from collections.abc import Sequence

from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware, _TrustedHosts

from app.foundation.networks import TrustedProxies, address_of


class ForwardedHeaders(ProxyHeadersMiddleware):
    """Ignores an X-Forwarded-For without a valid client address; the client is then the proxy."""

    def __init__(self, app: ASGIApp, trusted_proxies: Sequence[str]) -> None:
        super().__init__(app)  # type: ignore[arg-type]
        self.trusted_hosts = _TrustedAddresses(trusted_proxies)


class _TrustedAddresses(_TrustedHosts):
    """TRUSTED_PROXIES instead of uvicorn's lists, which match neither 10.1.2.3/8 nor ::ffff:10.1.2.3 with 10.0.0.0/8."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        super().__init__([])
        self._proxies = TrustedProxies(trusted_proxies)

    def _compute_trust(self, host: str) -> bool:
        return host in self._proxies

    def get_trusted_client_address(self, x_forwarded_for: str) -> tuple[str, int]:
        """The host is empty without a valid address."""
        host, port = super().get_trusted_client_address(x_forwarded_for)
        return (host, port) if address_of(host) else ("", 0)
