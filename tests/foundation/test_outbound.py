"""The outbound gate: which hosts may be called for a tenant."""

import socket
from typing import Any

import aiohttp
import pytest

from app.foundation.outbound.guard import OutboundGate, OutboundRefused, OutboundRule

LOOPBACK = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001",
    "127.0.0.1.", "①②⑦.0.0.1", "127。0。0。1", "::1", "[::1]", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1",
    "::127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::", "2001:0:5ef5:79fb::80ff:fffe", "fe80::5efe:127.0.0.1",
    "0", "0.0.0.0", "::", "127.255.255.254",
]  # fmt: skip
PRIVATE = [
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fc00::1", "fd12:3456::1", "fec0::1",
    "169.254.1.1", "fe80::1", "fe80::1%eth0", "0.1.2.3", "10.1", "0xa000001",
]  # fmt: skip
METADATA = ["169.254.169.254", "2852039166", "0xa9fea9fe", "::ffff:169.254.169.254", "fd00:ec2::254",
            "100.100.100.200", "192.0.0.192", "168.63.129.16", "169.254.170.2"]  # fmt: skip
RESERVED = ["224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1", "203.0.113.9", "ff02::1",
            "2001:db8::1", "100::1", "5f00::1", "64:ff9b:1::1", "3fff::1"]  # fmt: skip
INNER_NAMES = ["localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain", "minio", "metadata",
               "metadata.google.internal", "instance-data.ec2.internal", "nas.local", "s3.default.svc",
               "router.home.arpa"]  # fmt: skip
NO_HOSTS = ["", "a..b", "127%2e0.0.1", "a b", "host:80", "1.2.3.4.5", "256.1.1.1", "1.2.3.0x", "bücher.example",
            "-a.example", "x" * 64 + ".example", "9" * 5000]  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK + PRIVATE + METADATA + RESERVED + INNER_NAMES + NO_HOSTS)
def test_a_host_that_is_not_public_is_refused_by_its_text(host: str) -> None:
    refusal = OutboundGate().judge_text(host)
    assert refusal is not None
    assert refusal.reason.endswith(".")


@pytest.mark.parametrize(
    "host", ["s3.eu-central-1.amazonaws.com", "8.8.8.8", "2606:4700::1111", "s3.example.com.", "64:ff9b::808:808"]
)
def test_a_public_host_passes(host: str) -> None:
    assert OutboundGate().judge_text(host) is None


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        ("https://s3.example.com:9000", True),
        ("http://127.1:80/", False),
        ("http://[::1]:9000", False),
        ("http://[fe80::1%25eth0]/", False),
        ("http://s3.example.com@127.0.0.1/", False),
    ],
)
def test_a_url_is_checked_by_its_host(url: str, passes: bool) -> None:
    assert (OutboundGate().judge_text(url) is None) is passes


def test_an_odd_spelling_of_a_public_address_is_refused_too() -> None:
    refusal = OutboundGate().judge_text("010.8.8.8")
    assert refusal is not None
    assert refusal.reason == "Write the address 010.8.8.8 in its plain form, 8.8.8.8."


def test_a_refusal_names_the_kind_of_address() -> None:
    gate = OutboundGate()
    for host, word in (
        ("127.1", "loopback"),
        ("10.1", "private"),
        ("fe80::1", "link-local"),
        ("169.254.169.254", "metadata"),
        ("100.64.0.1", "carrier"),
        ("ff02::1", "multicast"),
        ("240.0.0.1", "reserved"),
    ):
        refusal = gate.judge_text(host)
        assert refusal is not None
        assert refusal.rule is OutboundRule.HOST_NOT_PUBLIC
        assert word in refusal.reason


def test_an_allowed_host_passes_on_every_port_and_an_allowed_port_only_on_that_one() -> None:
    gate = OutboundGate(["Minio.Local", "127.0.0.1:9000", "[::1]:9000"])
    assert gate.judge_text("https://minio.local:1") is None
    assert gate.judge_text("http://127.0.0.1:9000") is None
    assert gate.judge_text("http://[::1]:9000") is None
    assert gate.judge_text("http://127.0.0.1:9001") is not None
    assert gate.judge_text("http://127.0.0.1") is not None
    assert gate.judge_text("http://[::1]:9001") is not None
    # 127.1 is the same machine, but the operator has not allowed it.
    assert gate.judge_text("http://127.1:9000") is not None


async def _connect(gate: OutboundGate, url: str) -> None:
    connector = aiohttp.TCPConnector(resolver=gate.resolver())  # type: ignore[arg-type]
    async with aiohttp.ClientSession(connector=connector) as session:
        await session.get(url)


def _resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def lookup(_host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["10.0.0.7"], ["169.254.169.254"], ["::1"], ["8.8.8.8", "10.0.0.7"], ["fe80::1%eth0"]]
)
async def test_a_name_that_resolves_to_a_private_address_is_refused_when_connecting(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    _resolve_to(monkeypatch, *addresses)
    with pytest.raises(OutboundRefused) as refused:
        await _connect(OutboundGate(), "http://storage.example.com:9")
    assert "storage.example.com resolves to" in refused.value.reason
    assert addresses[-1] not in refused.value.reason


async def test_an_allowed_host_may_resolve_to_a_private_address(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve_to(monkeypatch, "127.0.0.1")
    with pytest.raises(aiohttp.ClientConnectorError):
        await _connect(OutboundGate(["storage.example.com:9"]), "http://storage.example.com:9")
    with pytest.raises(OutboundRefused):
        await _connect(OutboundGate(["storage.example.com:9"]), "http://storage.example.com:10")


async def test_the_resolver_checks_the_text_of_the_host_too() -> None:
    with pytest.raises(OutboundRefused):
        await OutboundGate().resolver().resolve("localhost", 80)
