"""A prompt cache behind TLS: its certificate and its host name are verified."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.foundation.errors import ServiceUnavailable
from app.tts_cache.cache import PromptCache
from tests.support.servers.valkey import PromptServer

OWN = f"AC{1:032x}"


def certificate(folder: Path, name: x509.GeneralName) -> Path:
    """A self-signed certificate and its key, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cache")])
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "cache.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(signed.public_bytes(pem) + private)
    return file


@asynccontextmanager
async def behind_tls(server: PromptServer, file: Path) -> AsyncIterator[str]:
    """A TLS proxy in front of the server, whose wheel has no TLS. Yields its `valkeys` URL."""
    port = int(server.url.rsplit(":", 1)[1].split("/")[0])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                sink.write(data)
        sink.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, inner_writer), carry(inner_reader, writer))

    listening = await asyncio.start_server(connect, "127.0.0.1", ssl=context)
    async with listening:
        outer = listening.sockets[0].getsockname()[1]
        yield server.url.replace("valkey://", "valkeys://").replace(f":{port}/", f":{outer}/")


async def test_a_cache_behind_tls_needs_a_known_authority_and_the_right_host_name(
    valkey: PromptServer, tmp_path: Path
) -> None:
    valkey.fill(OWN, 3)
    file = certificate(tmp_path, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    async with behind_tls(valkey, file) as url:
        assert await PromptCache(f"{url}?ssl_ca_certs={quote(str(file))}").count([OWN]) == {OWN: 3}
        with pytest.raises(ServiceUnavailable):
            await PromptCache(url).count([OWN])


async def test_a_cache_with_a_certificate_for_another_host_is_rejected(valkey: PromptServer, tmp_path: Path) -> None:
    file = certificate(tmp_path, x509.DNSName("another.example.com"))
    async with behind_tls(valkey, file) as url:
        with pytest.raises(ServiceUnavailable):
            await PromptCache(f"{url}?ssl_ca_certs={quote(str(file))}").count([OWN])
