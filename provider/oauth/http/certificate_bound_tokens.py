"""Tokens that are bound to a client certificate (RFC 8705 section 3): at the token endpoint, and at our own APIs."""

from dataclasses import replace
from typing import NoReturn

from provider.jose.certificates import Certificate, InvalidCertificate
from provider.oauth.checks import Checks
from provider.oauth.errors import InvalidDpopProofError, InvalidRequestError, InvalidTokenError
from provider.oauth.grants.request import TokenRequest
from provider.oauth.http.client_certificates import certificate_of
from provider.oauth.sender_constraint.confirmation import Confirmation, of_certificate
from provider.web.call import Call

SECTION = "RFC 8705 section 3"
FAPI2_SECTION = "FAPI 2.0 Security Profile section 5.3.2.1"


def with_certificate(call: Call, request: TokenRequest) -> TokenRequest:
    """Return the token request, bound to the certificate of the client.

    Raises InvalidRequestError if there is none and the client is registered for bound tokens, and
    InvalidDpopProofError if its profile leaves it the choice.
    """
    certificate, got = _find(call)
    if certificate is None:
        _refuse(call, request, got)
    return replace(request, confirmation=of_certificate(certificate.thumbprint))


def _refuse(call: Call, request: TokenRequest, got: str) -> NoReturn:
    if request.client.metadata.tls_client_certificate_bound_access_tokens:
        request.checks.refuse(
            "The request has a client certificate",
            section=SECTION,
            error=InvalidRequestError,
            description="This client must show its certificate with each token request",
            expected="a client certificate, because tls_client_certificate_bound_access_tokens is true",
            got=got,
            fix="Connect to the token endpoint of mtls_endpoint_aliases, or to the usual one, with the client's "
            "certificate and key.",
        )
    also = " or a client certificate" if call.settings.has_mutual_tls else ""
    request.checks.refuse(
        "The request has a DPoP proof or a client certificate",
        section=FAPI2_SECTION,
        error=InvalidDpopProofError,
        description=f"This client must send a DPoP proof{also} with each token request",
        expected=f"a DPoP proof{also}, because its profile is fapi2",
        got="no DPoP header" if not also else f"no DPoP header, and {got}",
        fix="Turn on DPoP in the app's OIDC library, or connect with a client certificate. An operator can turn off "
        "the profile.",
    )


def refuse_proof(request: TokenRequest) -> None:
    """Check that a client whose tokens are bound to a certificate sends no DPoP proof: it cannot have both."""
    request.checks.require(
        not request.client.metadata.tls_client_certificate_bound_access_tokens,
        "The tokens of the client are not bound to a certificate",
        section=SECTION,
        error=InvalidDpopProofError,
        description="The tokens of this client are bound to its certificate. Send no DPoP proof",
        expected="no DPoP header, because tls_client_certificate_bound_access_tokens is true",
        got="a DPoP header",
        fix="Turn off DPoP in the app, or register the client with dpop_bound_access_tokens instead.",
    )


def require_certificate(call: Call, checks: Checks, *, bound: Confirmation, has_scheme: bool) -> None:
    """Check that the caller shows the certificate that the access token is bound to (RFC 8705 section 3).

    `has_scheme`: the token was sent with the scheme DPoP. Raises InvalidTokenError.
    """
    certificate, got = _find(call)
    checks.require(
        not has_scheme and certificate is not None and of_certificate(certificate.thumbprint) == bound,
        "The request has the certificate that the access token is bound to",
        section=SECTION,
        error=InvalidTokenError,
        description="The access token is bound to a client certificate. Send it as Bearer, and connect with that "
        "certificate",
        expected="Bearer TOKEN, in a connection with the certificate of the token request",
        got="the scheme DPoP" if has_scheme else got,
        fix="Use the URLs of mtls_endpoint_aliases, if discovery has them, and connect with the certificate of the "
        "token request.",
    )


def _find(call: Call) -> tuple[Certificate | None, str]:
    """Return the certificate, and what to say if it is not the right one."""
    try:
        certificate = certificate_of(call)
    except InvalidCertificate as invalid:
        return None, f"a certificate that cannot be read: {invalid}"
    return certificate, "no certificate" if certificate is None else f"another certificate: {certificate.shown}"
