"""signet doctor on TLS: certificates, versions and HSTS."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from provider.doctor.examination import Case
from provider.doctor.findings import Finding
from provider.doctor.http2 import NotSpoken
from provider.doctor.old_tls import VERSIONS, client_hello, is_accepted
from provider.doctor.tls import TLS
from provider.doctor.transport import Handshake, NetworkTransport, Unreachable
from tests.support.certificates import Authority
from tests.support.doctor import FakeResolver, FakeTransport, found_by, respond

NOW = datetime(2026, 11, 30, tzinfo=UTC)
HOST = "id.example.com"
YEAR = "max-age=31536000"


def certificate(
    *, host: str = HOST, begins: timedelta = -timedelta(days=30), ends: timedelta = timedelta(days=60), **other: Any
) -> bytes:
    key = other.get("key") or ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, other.get("issuer", "An authority"))])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW + begins)
        .not_valid_after(NOW + ends)
        .add_extension(names, critical=False)
    )
    return built.sign(key, SHA256()).public_bytes(Encoding.DER)


FIT = Handshake("TLSv1.3", "h2", certificate(), 2)


def examined(shaken: Handshake, **changes: Any) -> dict[str, Finding]:
    hsts = changes.pop("hsts", respond(200, b"", strict_transport_security=YEAR))
    transport = FakeTransport(lambda *_: hsts, tls=shaken, **changes)
    case = Case(
        url=f"https://{HOST}", transport=transport, resolver=FakeResolver({HOST: ["198.51.100.7"]}), now=lambda: NOW
    )
    return found_by(case, TLS)


def refused(code: int, why: str, der: bytes | None = None, chain: int = 2) -> Handshake:
    return replace(FIT, certificate=der or FIT.certificate, chain_length=chain, problem=why, problem_code=code)


def test_fit_tls_has_no_finding() -> None:
    assert examined(FIT) == {}


@pytest.mark.parametrize(
    ("shaken", "name", "severity"),
    [
        (replace(FIT, certificate=certificate(ends=-timedelta(days=1))), "tls.expired", "problem"),
        (refused(10, "certificate has expired"), "tls.expired", "problem"),
        (replace(FIT, certificate=certificate(begins=timedelta(days=1))), "tls.not-yet-valid", "problem"),
        (replace(FIT, certificate=certificate(ends=timedelta(days=10))), "tls.expires-soon", "warning"),
        (replace(FIT, certificate=certificate(ends=timedelta(days=2))), "tls.expires-soon", "problem"),
        (refused(62, "hostname mismatch", certificate(host="www.example.com")), "tls.other-name", "problem"),
        (refused(20, "unable to get local issuer", chain=1), "tls.incomplete-chain", "problem"),
        (refused(20, "unable to get local issuer", chain=2), "tls.not-trusted", "problem"),
        (refused(18, "self-signed certificate"), "tls.not-trusted", "problem"),
        (refused(20, "no issuer", certificate(issuer=HOST), chain=1), "tls.not-trusted", "problem"),
        (refused(68, "CA md too weak"), "tls.not-accepted", "problem"),
        (replace(FIT, version="TLSv1.2"), "tls.no-1.3", "warning"),
        (replace(FIT, alpn="http/1.1"), "tls.no-http2", "warning"),
    ],
)
def test_a_broken_handshake_is_named(shaken: Handshake, name: str, severity: str) -> None:
    assert {each.id: each.severity for each in examined(shaken).values()} == {name: severity}


@pytest.mark.parametrize("said", [NotSpoken("closes the connection"), b"<h1>Welcome to nginx!</h1>"])
def test_http2_that_is_offered_and_does_not_work_is_named(said: bytes | Exception) -> None:
    assert {each.id: each.severity for each in examined(FIT, http2=said).values()} == {"tls.http2-is-broken": "problem"}


def test_a_name_is_reported_that_the_certificate_has_instead() -> None:
    found = examined(refused(62, "hostname mismatch", certificate(host="www.example.com")))
    assert found["tls.other-name"].what.endswith(f"is for www.example.com, not for {HOST}.")


def test_a_weak_key_is_named() -> None:
    key = rsa.generate_private_key(65537, 1024)
    assert list(examined(replace(FIT, certificate=certificate(key=key)))) == ["tls.weak-key"]


def test_a_weak_signature_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # The library does not sign with SHA-1 any more.
    real = x509.load_der_x509_certificate

    class Weak:
        def __init__(self, der: bytes) -> None:
            self._real = real(der)
            self.signature_hash_algorithm = SHA1()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

    monkeypatch.setattr(x509, "load_der_x509_certificate", Weak)
    assert list(examined(FIT)) == ["tls.weak-signature"]


def test_an_old_version_that_is_accepted_is_named() -> None:
    """RFC 8996."""
    assert examined(FIT, old_tls="TLS 1.1")["tls.old-version"].what == f"{HOST}:443 at 198.51.100.7 accepts TLS 1.1."


def test_weak_suites_that_are_accepted_are_named() -> None:
    """RFC 9325 section 4.1."""
    found = examined(FIT, weak_suites=("use RC4", "use DES or 3DES"))
    assert found["tls.weak-suites"].what.endswith("accepts suites that use RC4, that use DES or 3DES.")


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ([], "tls.hsts-is-lost"),
        (["max-age=300"], "tls.hsts-is-short"),
        (["max-age=0"], "tls.hsts-is-short"),
        (["includeSubDomains"], "tls.hsts-is-short"),
        ([YEAR, "max-age=63072000; preload"], "tls.hsts-twice"),
    ],
)
def test_broken_hsts_is_named(lines: list[str], name: str) -> None:
    response = replace(respond(), headers=tuple(("Strict-Transport-Security", line) for line in lines))
    assert list(examined(FIT, hsts=response)) == [name]


# With the real network: a server of TLS on loopback.


@contextmanager
def server(context: ssl.SSLContext | None, answer: bytes = b"") -> Iterator[int]:
    """A server that shakes hands, or sends an answer as it is. Yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            try:
                with sock if context is None else context.wrap_socket(sock, server_side=True) as stream:
                    stream.settimeout(5)
                    if answer:
                        stream.recv(4096)
                        stream.sendall(answer)
            except OSError:
                sock.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # wakes the thread
        listener.close()


def real_case(port: int, authorities: str | None, host: str = "localhost") -> Case:
    transport = NetworkTransport(authorities)
    resolver = FakeResolver({host: ["127.0.0.1"]})
    return Case(url=f"https://{host}:{port}", transport=transport, resolver=resolver)


def ids(case: Case) -> set[str]:
    return {name for name in found_by(case, TLS[:2]) if name not in {"tls.no-http2", "tls.expires-soon"}}


def test_real_certificates_are_judged(authority: Authority, tmp_path: Path) -> None:
    trusted = str(authority.file)
    other = Authority(tmp_path, "Another authority")
    with server(authority.issue("localhost")) as port:
        assert ids(real_case(port, trusted)) == set()
        assert ids(real_case(port, str(other.file))) <= {"tls.not-trusted", "tls.incomplete-chain"}
        assert ids(real_case(port, None))
    weak = authority.issue("localhost")
    weak.set_ciphers("ECDHE-ECDSA-NULL-SHA:AECDH-AES128-SHA:ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0")
    with server(weak) as port:
        (found,) = [each for each in found_by(real_case(port, trusted), TLS).values() if each.id == "tls.weak-suites"]
        assert "encrypt nothing (NULL), that authenticate no server" in found.what
    with server(authority.issue("other.example")) as port:
        assert ids(real_case(port, trusted)) == {"tls.other-name"}
    with server(authority.issue("localhost", expires=-timedelta(hours=1))) as port:
        assert ids(real_case(port, trusted)) == {"tls.expired"}


def test_a_port_without_tls_is_named() -> None:
    with server(None, b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert ids(real_case(port, None)) == {"tls.not-spoken"}


def test_a_real_answer_is_read_with_all_its_headers(authority: Authority) -> None:
    answer = b"HTTP/1.1 301 Moved\r\nLocation: /x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok"
    with server(authority.issue("localhost"), answer) as port:
        trusting, doubting = NetworkTransport(str(authority.file)), NetworkTransport()
        url = f"https://localhost:{port}/"
        got = trusting.send("GET", url)
        assert (got.status, got.header("location"), got.lines("set-cookie")) == (301, "/x", ["a=1", "b=2"])
        assert (got.body, got.is_verified) == (b"ok", True)
        assert not doubting.send("GET", url, address="127.0.0.1").is_verified
        with pytest.raises(Unreachable, match="certificate is not valid"):
            doubting.send("GET", url, verified=True)
    with pytest.raises(Unreachable, match="refused"):
        trusting.send("GET", url)


@pytest.mark.parametrize("version", VERSIONS.values())
def test_a_hello_of_an_old_version_has_its_form(version: int) -> None:
    """RFC 4346 section 7.4.1."""
    hello = client_hello(version, HOST)
    assert hello[0] == 22
    assert int.from_bytes(hello[3:5], "big") == len(hello) - 5
    assert int.from_bytes(hello[9:11], "big") == version
    assert HOST.encode() in hello
    accepted = bytes((22, 3, 1, 0, 50, 2, 0, 0, 46)) + version.to_bytes(2, "big")
    assert is_accepted(accepted, version)
    assert not is_accepted(accepted, 0x0303)
    assert not is_accepted(bytes((21, 3, 1, 0, 2, 2, 70)), version), "an alert is a refusal"
    assert not is_accepted(b"", version)
