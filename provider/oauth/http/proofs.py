"""DPoP proofs in requests (RFC 9449): at our endpoints for clients, and with access tokens at our own APIs."""

from dataclasses import replace

from provider.oauth.checks import Checks
from provider.oauth.errors import (
    InvalidDpopProofError,
    InvalidResourceProofError,
    InvalidTokenError,
    UseResourceNonceError,
)
from provider.oauth.grants.request import TokenRequest
from provider.oauth.http.certificate_bound_tokens import refuse_proof, require_certificate, with_certificate
from provider.oauth.sender_constraint.confirmation import Confirmation, is_certificate
from provider.oauth.sender_constraint.dpop import CheckedProof, ProvenRequest, check_proof, spend_proof
from provider.oauth.sender_constraint.nonces import current_nonce
from provider.web.call import Call
from provider.web.call_values import CallValue

CHECKED = CallValue[CheckedProof]("checked_proof")
"""The DPoP proof of the request. It stays when the call is answered again: it may be spent."""
BOUND = "The access token is bound to a key. Send it with the scheme DPoP, and with a DPoP proof"


def with_key(call: Call, request: TokenRequest, *, spends: bool = True) -> TokenRequest:
    """Return the request of a client with the key of its DPoP proof, if it has one.

    The proof is spent here, or by the caller if not `spends`. Raises InvalidDpopProofError or UseDpopNonceError.
    """
    if "dpop" not in call.headers:
        return request
    refuse_proof(request)
    asked = ProvenRequest(method=call.method, url=call.settings.issuer + call.path, alias=_alias_of(call))
    checked = (_check_and_spend if spends else _check)(call, request.checks, asked)
    return replace(request, confirmation=checked.confirmation, proof=checked.proof)


def with_required_key(call: Call, request: TokenRequest, *, spends: bool) -> TokenRequest:
    """Return the request as `with_key` does. A client whose tokens must be bound must send a proof (RFC 9449 section
    5.2), or show its certificate (RFC 8705 section 3).
    """
    if "dpop" in call.headers:
        return with_key(call, request, spends=spends)
    metadata = request.client.metadata
    if metadata.may_bind_certificate:
        return with_certificate(call, request)
    if metadata.dpop_bound_access_tokens:
        request.checks.refuse(
            "The request has a DPoP proof",
            section="RFC 9449 section 5.2",
            error=InvalidDpopProofError,
            description="This client must send a DPoP proof with each token request",
            expected="a DPoP proof, because dpop_bound_access_tokens is true",
            got="no DPoP header",
            fix="Turn on DPoP in the app's OIDC library. An operator can turn off what requires it: "
            "dpop_bound_access_tokens.",
        )
    return request


def require_holder(
    call: Call, checks: Checks, access_token: str, *, bound: Confirmation | None, has_scheme: bool
) -> None:
    """Check that the caller holds the key or shows the certificate that the access token is bound to (RFC 9449 sections
    4.3 and 7, RFC 8705 section 3).

    `has_scheme`: the token was sent with the scheme DPoP. Raises InvalidTokenError if it was but is bound to no key, or
    is bound to one and was sent as a bearer token.
    """
    if bound is not None and is_certificate(bound):
        require_certificate(call, checks, bound=bound, has_scheme=has_scheme)
        return
    checks.require(
        has_scheme == (bound is not None),
        "The access token is sent with the right scheme",
        section="RFC 9449 section 7.1",
        error=InvalidTokenError,
        description=BOUND if bound is not None else "The access token is not bound to a key. Send it as Bearer",
        expected="Bearer TOKEN" if bound is None else "DPoP TOKEN, with a DPoP proof",
        got="a bearer token" if bound is not None else "the scheme DPoP",
        fix="Send the token_type of the token response as the scheme of the Authorization header.",
    )
    checked = _check_and_spend(
        call,
        checks,
        ProvenRequest(
            method=call.method,
            url=call.settings.issuer + call.path,
            alias=_alias_of(call),
            access_token=access_token,
            error=InvalidResourceProofError,
            nonce_error=UseResourceNonceError,
        ),
    )
    checks.require(
        checked.confirmation == bound,
        "The DPoP proof has the key that the access token is bound to",
        section="RFC 9449 section 4.3",
        error=InvalidTokenError,
        description="The access token is bound to another key than that of the DPoP proof",
        expected="a DPoP proof with the key of the token request",
        got=checked.confirmation,
        fix="Sign the proofs of token requests and of API requests with the same key.",
    )


def _check_and_spend(call: Call, checks: Checks, asked: ProvenRequest) -> CheckedProof:
    checked = _check(call, checks, asked)
    spend_proof(call.work, checks, checked.proof, error=asked.error)
    return checked


def _check(call: Call, checks: Checks, asked: ProvenRequest) -> CheckedProof:
    call.set_header("dpop-nonce", current_nonce(call.installation.vault, call.work.now))
    if not CHECKED.is_on(call):
        CHECKED.put(call, check_proof(call.work, checks, call.headers.getlist("dpop"), asked))
    return CHECKED.of(call)


def _alias_of(call: Call) -> str | None:
    """Return the URL of the endpoint in `mtls_endpoint_aliases`."""
    base = call.settings.mtls_url
    return None if base is None else base + call.path
