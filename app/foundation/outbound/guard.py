"""The outbound gate: which hosts this server may call for a tenant (protection against SSRF).

A host is checked twice: by its text (`judge_text`, when it is saved and before each call, since an IP literal never reaches a
resolver), and by every address that its name resolves to (`resolver`, at the moment of connecting, which prevents DNS
rebinding). Callers must not follow redirects.
"""

import asyncio
import ipaddress
import re
import socket
import unicodedata
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.foundation.user_errors import UserErrorCode, UserErrorRule

if TYPE_CHECKING:
    from aiohttp.abc import ResolveResult

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutboundRule(UserErrorRule):
    """The hosts that a tenant may name."""

    HOST_NOT_PUBLIC = UserErrorCode.INVALID, "The host {host} is {kind}. Use a public host."
    HOST_SPELLING = UserErrorCode.INVALID, "Write the address {host} in its plain form, {address}."
    HOST_FORM = (
        UserErrorCode.INVALID,
        "The host is not a DNS name or an IP address (international names are written in their xn-- form).",
    )
    HOST_NO_IP_ADDRESS = UserErrorCode.INVALID, "The host {host} looks like an IP address but is not valid."


@dataclass(frozen=True)
class Refusal:
    """Why the gate refuses a host: the rule, and the values in its message."""

    rule: OutboundRule
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        return self.rule.message.format(**self.arguments)


class OutboundRefused(Exception):
    """The gate refuses a host; `reason` is a sentence for the tenant."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class OutboundGate:
    """Allows public hosts, and hosts that the operator has named."""

    def __init__(self, allowed_hosts: Iterable[str] = ()) -> None:
        """`allowed_hosts` are `host` (any port) or `host:port`; an IPv6 literal with a port is in brackets."""
        self._allowed = frozenset(entry.strip().lower() for entry in allowed_hosts)
        # A separate thread pool: name servers can hang, and the default pool serves the rest of the server.
        self._threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolve")

    def judge_text(self, address: str, port: int | None = None) -> Refusal | None:
        """Checks a URL or a host by its text, without resolving it. Returns None when it is allowed.

        Raises ValueError for an invalid URL.
        """
        if "://" in address:
            parts = urlsplit(address)
            host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        else:
            host = address
        # Browsers and resolvers read ① as 1 and 。 as a dot.
        host = unicodedata.normalize("NFKC", host).replace("。", ".").lower().strip("[]")
        if self.allows(host, port):
            return None
        return _judge_host(host.removesuffix("."))

    def judge_resolved(self, host: str, port: int | None, address: str) -> str | None:
        """Checks one address of a host's name. The message omits the address, which would reveal our network."""
        if self.allows(host, port):
            return None
        kind = _refused_kind(ipaddress.ip_address(address.partition("%")[0]))
        return f"The name {host} resolves to {kind}. Use a public host." if kind else None

    def allows(self, host: str, port: int | None) -> bool:
        """Whether the operator allows this host without checks."""
        host = host.lower().strip("[]").removesuffix(".")
        named = {host, f"[{host}]"}
        if port is not None:
            named |= {f"{host}:{port}", f"[{host}]:{port}"}
        return not named.isdisjoint(self._allowed)

    def resolver(self) -> "JudgingResolver":
        """For aiohttp's TCPConnector, which connects only to addresses from this resolver."""
        return JudgingResolver(self, self._threads)


class JudgingResolver:
    """Resolves like aiohttp's own resolver. Raises OutboundRefused when any address of the name is refused.

    One refused address is enough: a name with a public and a private address would bypass the gate.
    It does not inherit aiohttp's AbstractResolver, which would load aiohttp before the first call.
    """

    def __init__(self, gate: OutboundGate, threads: ThreadPoolExecutor) -> None:
        self._gate = gate
        self._threads = threads

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> "list[ResolveResult]":
        refusal = self._gate.judge_text(host, port)
        if refusal:
            raise OutboundRefused(refusal.reason)
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads,
            lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG),
        )
        results: list[ResolveResult] = []
        for family_found, _, protocol, _, peer in found:
            address = str(peer[0])
            reason = self._gate.judge_resolved(host, port, address)
            if reason:
                raise OutboundRefused(reason)
            results.append(
                {
                    "hostname": host,
                    "host": address,
                    "port": int(peer[1]),
                    "family": family_found,
                    "proto": protocol,
                    "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                }
            )
        return results

    async def close(self) -> None:
        """Does nothing: the threads belong to the gate."""


def _judge_host(host: str) -> Refusal | None:
    address = _read_ip(host)
    if address is not None:
        kind = _refused_kind(address)
        if kind:
            return Refusal(OutboundRule.HOST_NOT_PUBLIC, {"host": host[:253], "kind": kind})
        if str(address) != host and isinstance(address, ipaddress.IPv4Address):
            return Refusal(OutboundRule.HOST_SPELLING, {"host": host, "address": str(address)})
        return None
    if not _HOST_NAME.fullmatch(host):
        return Refusal(OutboundRule.HOST_FORM)
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return Refusal(OutboundRule.HOST_NO_IP_ADDRESS, {"host": host})
    if len(labels) == 1 or labels[-1] in _PRIVATE_NAMES or ".".join(labels[-2:]) == "home.arpa":
        return Refusal(OutboundRule.HOST_NOT_PUBLIC, {"host": host, "kind": "a name in a private network"})
    return None


def _read_ip(host: str) -> IPAddress | None:
    """An IP address in any spelling that resolvers accept: 127.1, 2130706433, 0x7f.0.0.1, 0177.0.0.1, fe80::1%eth0.

    Returns None for text that no resolver parses as an address.
    """
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host.partition("%")[0])
        except ValueError:
            return None
    parts = host.split(".")
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    try:
        *head, last = [_read_number(part) for part in parts]
    except ValueError:
        return None
    # As in inet_aton(3), the last part fills the remaining bytes.
    if any(number > 255 for number in head) or last >= 256 ** (4 - len(head)):
        return None
    value = last
    for position, number in enumerate(head):
        value += number << (8 * (3 - position))
    return ipaddress.IPv4Address(value)


def _read_number(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if len(text) > 1 and text.startswith("0") else int(text)


def _refused_kind(address: IPAddress) -> str | None:
    """The kind of a refused address, in words; None when it is public."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return _refused_kind(inner)
    if address in _METADATA:
        return "the metadata service of a cloud"
    if address.is_unspecified or address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    for network, kind in _REFUSED_NETWORKS:
        if address.version == network.version and address in network:
            return kind
    if address.is_private or address.is_reserved or not address.is_global:
        return "an address that is not public"
    return None


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address in an IPv6 address, or None: mapped, compatible, NAT64, 6to4, Teredo, ISATAP."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    low = int(address) & 0xFFFFFFFF
    is_compatible = int(address) >> 32 == 0 and low > 1
    if is_compatible or address in _NAT64 or (int(address) >> 32) & 0xFDFFFFFF == 0x5EFE:
        return ipaddress.IPv4Address(low)
    return None


_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PRIVATE_NAMES = frozenset({"localhost", "localdomain", "internal", "intranet", "local", "lan", "corp", "home", "svc"})
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Google, Azure, and most others
        "169.254.170.2",  # AWS, credentials of containers
        "fd00:ec2::254",  # AWS over IPv6
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure; the only public one
    )
)
_REFUSED_NETWORKS = [
    (ipaddress.ip_network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "an address of this network (RFC 1122)"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's private address (RFC 6598)"),
        ("172.16.0.0/12", "a private address"),
        ("192.168.0.0/16", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.88.99.0/24", "a reserved address"),
        ("198.18.0.0/15", "a reserved address"),
        ("240.0.0.0/4", "a reserved address"),
        ("64:ff9b:1::/48", "a private address"),
        ("fc00::/7", "a private address"),
        ("fec0::/10", "a private address"),
        ("::/3", "a reserved address"),  # public IPv6 is 2000::/3; NAT64 addresses have been unwrapped before
        ("4000::/2", "a reserved address"),
        ("8000::/1", "a reserved address"),
        ("3fff::/20", "a reserved address"),
    )
]
