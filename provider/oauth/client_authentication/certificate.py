"""tls_client_auth and self_signed_tls_client_auth: the certificate in the TLS handshake (RFC 8705 section 2)."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from provider.jose.certificate_chains import AuthoritiesUnavailable, find_problem
from provider.jose.certificates import Certificate, InvalidCertificate
from provider.jose.distinguished_names import parse_name, subject_of
from provider.jose.key_sets import PublicKey
from provider.jose.remote_key_sets import KeySetUnavailable
from provider.oauth.checks import Checks
from provider.oauth.client_authentication.credentials import REFUSED
from provider.oauth.clients.choices import SUBJECTS, TLS_CLIENT_AUTH
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InvalidClientError
from provider.oauth.tokens.server import AuthorizationServer
from provider.refusals import Unavailable
from provider.work import UnitOfWork

if TYPE_CHECKING:
    from cryptography import x509

FindCertificate = Callable[[], Certificate | None]
"""Returns the certificate of the request, or None. Raises InvalidCertificate."""
SHOW = "Connect with the client's certificate and its private key"


def no_certificate() -> Certificate | None:
    """Return None: the request came without TLS that could have had one."""
    return None


def require_certificate(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client: Client, find: FindCertificate
) -> None:
    """Check that the client showed the certificate that it is registered for.

    Raises InvalidClientError, or Unavailable if the file of the authorities cannot be read.
    """
    certificate, got = None, "no certificate"
    try:
        certificate = find()
    except InvalidCertificate as invalid:
        got = f"a certificate that cannot be read: {invalid}"
    certificate = checks.found(
        certificate,
        "The request has a client certificate",
        section="RFC 8705 section 2",
        error=InvalidClientError,
        description=REFUSED,
        expected="a client certificate in the TLS handshake",
        got=got,
        fix=f"{SHOW}. If Signet is behind a proxy, configure the proxy to ask for it and to send it in "
        "SIGNET_CLIENT_CERTIFICATE_HEADER.",
    )
    if client.metadata.token_endpoint_auth_method == TLS_CLIENT_AUTH:
        _require_issued(work, checks, client, certificate)
    else:
        _require_registered(work, server, checks, client, certificate)


def _require_issued(work: UnitOfWork, checks: Checks, client: Client, certificate: Certificate) -> None:
    """Check that a trusted authority issued the certificate, for this client (RFC 8705 section 2.1)."""
    authorities = work.settings.client_certificate_ca
    try:
        problem = (
            "no authority is configured" if authorities is None else find_problem(certificate, authorities, work.now)
        )
    except AuthoritiesUnavailable as unavailable:
        raise Unavailable from unavailable
    checks.require(
        problem is None,
        "A trusted authority issued the client certificate",
        section="RFC 8705 section 2.1",
        error=InvalidClientError,
        description=REFUSED,
        expected="a certificate that is valid now, from an authority in SIGNET_CLIENT_CERTIFICATE_CA",
        got=f"{certificate.shown}: {problem}",
        fix="Replace the certificate, or add its authority and the intermediate ones to SIGNET_CLIENT_CERTIFICATE_CA.",
    )
    member = next((name for name in SUBJECTS if getattr(client.metadata, name) is not None), None)
    expected = None if member is None else getattr(client.metadata, member)
    checks.require(
        member is not None and expected is not None and _has_subject(certificate, member, expected),
        "The client certificate has the registered subject",
        section="RFC 8705 section 2.1.2",
        error=InvalidClientError,
        description=REFUSED,
        expected=f"{member} {expected}",
        got=certificate.shown if member == SUBJECTS[0] else _shown_names(certificate),
        fix="Use the certificate of this client, or register its subject: `signet client update CLIENT_ID "
        "--metadata FILE`.",
    )


def _has_subject(certificate: Certificate, member: str, expected: str) -> bool:
    if member == SUBJECTS[0]:
        return subject_of(certificate) == parse_name(expected)
    return any(_is_named(name, member, expected) for name in certificate.other_names)


def _is_named(name: "x509.GeneralName", member: str, expected: str) -> bool:
    """Return whether this entry of subjectAltName is the registered one. There are no wildcards."""
    from cryptography import x509  # noqa: PLC0415

    if member == "tls_client_auth_san_dns":
        return isinstance(name, x509.DNSName) and name.value.lower() == expected.lower()
    if member == "tls_client_auth_san_uri":
        return isinstance(name, x509.UniformResourceIdentifier) and name.value == expected
    if member == "tls_client_auth_san_ip":  # compared in binary form (RFC 5952 section 8)
        return isinstance(name, x509.IPAddress) and name.value == ip_address(expected)
    return isinstance(name, x509.RFC822Name) and _email(name.value) == _email(expected)


def _email(address: str) -> tuple[str, str]:
    """Return an address for comparison: only the case of the host does not matter (RFC 5280 section 7.5)."""
    local, _, host = address.rpartition("@")
    return local, host.lower()


def _shown_names(certificate: Certificate) -> str:
    return ", ".join(str(name.value) for name in certificate.other_names) or "a certificate without subjectAltName"


def _require_registered(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client: Client, certificate: Certificate
) -> None:
    """Check that the certificate is one of the client's keys (RFC 8705 section 2.2). May ask the client's server.

    Its times, its names and its issuer do not matter: the client vouches for it by its key set.
    """
    problem, fix = "", "Register the certificate in x5c of a key: `signet client update CLIENT_ID --jwks FILE`."
    try:
        known = any(_is_of(certificate, key) for key in server.client_keys.find(work, client))
        known = known or any(_is_of(certificate, key) for key in server.client_keys.find(work, client, newer=True))
        problem = "" if known else certificate.shown
    except KeySetUnavailable as unavailable:
        problem = f"the key set at jwks_uri is not available: {unavailable.reason}"
        fix = "Check that the client's own server answers at its jwks_uri."
    checks.require(
        not problem,
        "The client certificate is registered",
        section="RFC 8705 section 2.2",
        error=InvalidClientError,
        description=REFUSED,
        expected="a certificate in x5c of one of the client's keys, or one with the same public key as a key without",
        got=problem,
        fix=fix,
    )


def _is_of(certificate: Certificate, key: PublicKey) -> bool:
    if key.certificate is not None:
        return key.certificate == certificate.digest
    public_key = certificate.public_key
    return public_key is not None and bool(key.key.public_key == public_key)
