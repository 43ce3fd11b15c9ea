"""Client addresses: the network that counts as one client, the trusted proxies, and networks in CIDR notation."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# 96 bits before an IPv4 address in IPv6 notation.
_MAPPED_BITS = 96


def client_address(scope: Mapping[str, Any]) -> str:
    """The client's address in an ASGI scope, as trusted proxies report it; empty for a Unix socket."""
    return (scope.get("client") or ("",))[0] or ""


def address_of(text: str) -> Address | None:
    """The address without its zone; IPv4 in IPv6 notation becomes IPv4. None for a Unix socket or a text that is no address."""
    try:
        read = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(read, ipaddress.IPv4Address):
        return read
    return read.ipv4_mapped or ipaddress.IPv6Address(int(read))  # `exploded` fails for an address with a zone


def network_of(text: str) -> str:
    """An IPv4 address, or the /64 network of an IPv6 address (one household); empty for no address.

    IPv6 networks are written at full length, so that their texts sort like their numbers.
    """
    read = address_of(text)
    if isinstance(read, ipaddress.IPv6Address):
        return f"{read.exploded[:19]}::/64"
    return str(read) if read else ""


def site_of(network: str) -> str:
    """The first 56 bits of an IPv6 network, as a prefix of its text; of IPv4 the network itself."""
    return network.removesuffix("::/64")[:-2] if network.endswith("::/64") else network


def network_in_cidr(text: str) -> Network:
    """The network, for example 192.0.2.0/24; IPv4 in IPv6 notation becomes IPv4. Host bits are dropped.

    Raises ValueError.
    """
    if "%" in text:
        raise ValueError("a network has no zone")
    read = ipaddress.ip_network(text, strict=False)
    if isinstance(read, ipaddress.IPv6Network) and read.prefixlen >= _MAPPED_BITS:
        mapped = read.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.IPv4Network((mapped, read.prefixlen - _MAPPED_BITS))
    return read


class TrustedProxies:
    """The addresses and networks of TRUSTED_PROXIES."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    def __contains__(self, text: str) -> bool:
        address = address_of(text)
        return address is not None and any(address in network for network in self._networks)
