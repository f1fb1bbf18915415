"""Certificates of real TLS servers: good, soon over, over, of another name, of nobody known."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.account import Account
from adapters.sites import Site
from federator.doctor.checks import g_tls
from federator.doctor.patient import Finding, Heard, Patient
from federator.doctor.ward import Ward


def certificate(folder: Path, days: int, address: str = "127.0.0.1") -> Path:
    """A file with a key and a certificate by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "site")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{days}-{address}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@asynccontextmanager
async def serving(pem: Path | None) -> AsyncIterator[int]:
    """A server with this certificate; without one it speaks no TLS. Its port."""
    tls = None
    if pem is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(pem)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def findings(port: int, verify: bool | str) -> list[Finding]:
    """What is said of home, if it were there."""
    site = Site("home", f"https://127.0.0.1:{port}/v3", "password", {}, verify=verify)

    async def ask(where: Site, url: str) -> Heard:
        raise AssertionError

    async def fetch(where: str, url: str) -> tuple[int, bytes]:
        raise AssertionError

    account = Account(site)
    try:
        patient = Patient(site, site, account, account, {}, ask, Ward({}, {}, fetch))
        return [finding async for finding in g_tls.check(patient)]
    finally:
        account.close()


@pytest.mark.parametrize(
    ("days", "address", "level", "said"),
    [
        (90, "127.0.0.1", "good", "holds for 90 days"),
        (29, "127.0.0.1", "note", "ends in 29 days"),
        (-1, "127.0.0.1", "wrong", "certificate has expired"),
        (90, "127.0.0.2", "wrong", "IP address mismatch"),
    ],
)
async def test_what_is_said(tmp_path: Path, days: int, address: str, level: str, said: str) -> None:
    pem = certificate(tmp_path, days, address)
    async with serving(pem) as port:
        (finding,) = await findings(port, str(pem))
    assert finding.level == level
    assert said in finding.what
    assert f"127.0.0.1:{port}" in finding.what
    assert bool(finding.cure) is (level != "good")


async def test_one_that_nobody_knows_does_not_hold(tmp_path: Path) -> None:
    async with serving(certificate(tmp_path, 90)) as port:
        (finding,) = await findings(port, True)
    assert finding.level == "wrong"
    assert "self-signed certificate" in finding.what


async def test_what_is_no_tls_is_told(tmp_path: Path) -> None:
    async with serving(None) as port:
        (finding,) = await findings(port, True)
    assert (finding.level, finding.what[:6]) == ("wrong", "no TLS")


async def test_who_does_not_check_or_does_not_answer_gets_none(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    async with serving(certificate(tmp_path, -1)) as port:
        assert await findings(port, False) == []
    assert await findings(unused_tcp_port, True) == []
