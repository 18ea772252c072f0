"""The rules for clients that show a certificate (RFC 8705 sections 2 and 3). Pure."""

import re
from ipaddress import ip_address
from typing import Any

from provider.config.settings import Settings
from provider.jose.certificates import InvalidCertificate, read_x5c
from provider.jose.distinguished_names import InvalidName, parse_name
from provider.oauth.clients.choices import (
    AUTH_METHODS,
    CERTIFICATE_METHODS,
    SELF_SIGNED_TLS_CLIENT_AUTH,
    SUBJECTS,
    TLS_CLIENT_AUTH,
)
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.response_types import IMPLICIT

LONGEST_SUBJECT = 1000
_EMAIL = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_][A-Za-z0-9_-]{0,62}(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*")


def check_certificates(metadata: ClientMetadata) -> None:
    """Check the members about certificates. Raises InvalidMetadata."""
    method = metadata.token_endpoint_auth_method
    named = [name for name in SUBJECTS if getattr(metadata, name) is not None]
    if method == TLS_CLIENT_AUTH and len(named) != 1:
        raise InvalidMetadata(
            f"token_endpoint_auth_method {TLS_CLIENT_AUTH} requires exactly one of {', '.join(SUBJECTS)}, "
            f"not {len(named)}."
        )
    if named and method != TLS_CLIENT_AUTH:
        raise InvalidMetadata(f"{named[0]} requires token_endpoint_auth_method {TLS_CLIENT_AUTH}.")
    for name in named:
        _check_subject(name, getattr(metadata, name))
    if method == SELF_SIGNED_TLS_CLIENT_AUTH:
        if metadata.jwks is None and metadata.jwks_uri is None:
            raise InvalidMetadata(f"token_endpoint_auth_method {method} requires jwks or jwks_uri.")
        if metadata.jwks is not None:
            _check_own_certificates(metadata.jwks)
    if metadata.tls_client_certificate_bound_access_tokens:
        if metadata.dpop_bound_access_tokens:
            raise InvalidMetadata(
                "tls_client_certificate_bound_access_tokens cannot be used with dpop_bound_access_tokens: a token is "
                "bound to a certificate or to a key."
            )
        if IMPLICIT in metadata.grant_types:
            raise InvalidMetadata(
                "tls_client_certificate_bound_access_tokens does not allow the grant type implicit, whose tokens are "
                "bound to no certificate."
            )


def supported_methods(settings: Settings) -> tuple[str, ...]:
    """Return the methods of client authentication on this installation: those with a certificate need mutual TLS."""
    configured = settings.certificate_methods
    return tuple(method for method in AUTH_METHODS if method not in CERTIFICATE_METHODS or method in configured)


def check_configured(metadata: ClientMetadata, configured: tuple[str, ...]) -> None:
    """Check that this installation can see the client's certificate. Raises InvalidMetadata.

    `configured` is `Settings.certificate_methods`: it is empty without mutual TLS.
    """
    method = metadata.token_endpoint_auth_method
    if method in CERTIFICATE_METHODS and method not in configured:
        needed = "SIGNET_CLIENT_CERTIFICATE_CA" if configured else "mutual TLS"
        raise InvalidMetadata(
            f"token_endpoint_auth_method {method} requires {needed}, which is not configured on this server."
        )
    if metadata.tls_client_certificate_bound_access_tokens and not configured:
        raise InvalidMetadata(
            "tls_client_certificate_bound_access_tokens requires mutual TLS, which is not configured on this server."
        )


def _check_subject(name: str, value: str) -> None:
    problem = "" if 0 < len(value) <= LONGEST_SUBJECT else f"must have 1 to {LONGEST_SUBJECT} characters"
    if not problem:
        problem = _problem_with(name, value)
    if problem:
        raise InvalidMetadata(f"{name} {problem}.")


def _problem_with(name: str, value: str) -> str:
    if name == "tls_client_auth_subject_dn":
        try:
            parse_name(value)
        except InvalidName as invalid:
            return str(invalid)
    elif name == "tls_client_auth_san_dns":
        if _HOST.fullmatch(value) is None:
            return "must be a host name such as client.example.com, without a wildcard"
    elif name == "tls_client_auth_san_ip":
        try:
            ip_address(value)
        except ValueError:
            return "must be an IP address such as 192.0.2.1 or 2001:db8::1"
    elif name == "tls_client_auth_san_uri":
        if _URI.fullmatch(value) is None:
            return "must be a URI such as spiffe://example.com/client"
    elif _EMAIL.fullmatch(value) is None:
        return "must be an email address such as client@example.com"
    return ""


def _check_own_certificates(jwks: dict[str, Any]) -> None:
    """Check that each `x5c` is a certificate of its key (RFC 7517 section 4.7)."""
    from provider.jose.key_sets import InvalidKey, parse_key  # noqa: PLC0415  # loads joserfc

    for jwk in jwks.get("keys", ()):
        if not isinstance(jwk, dict) or "x5c" not in jwk:
            continue
        chain = jwk["x5c"]
        try:
            certificate = read_x5c(chain[0] if isinstance(chain, list | tuple) and chain else None)
            key = parse_key(jwk)
        except (InvalidCertificate, InvalidKey) as invalid:
            raise InvalidMetadata(f"jwks contains an x5c that cannot be used: {invalid}.") from None
        if certificate.public_key is None or key.key.public_key != certificate.public_key:
            raise InvalidMetadata("jwks contains an x5c whose certificate has another key than its JWK.")
