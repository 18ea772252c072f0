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
from provider.oauth.sender_constraint.confirmation import Confirmation
from provider.oauth.sender_constraint.dpop import ProvenRequest, require_proof
from provider.oauth.sender_constraint.nonces import current_nonce
from provider.web.call import Call
from provider.web.call_values import CallValue

PROVEN = CallValue[Confirmation]("proven")
"""The key whose proof was checked. It stays when the call is answered again: its proof is spent."""
BOUND = "The access token is bound to a key. Send it with the scheme DPoP, and with a DPoP proof"


def proven(call: Call, request: TokenRequest) -> TokenRequest:
    """Return the request of a client with the key that its DPoP proof shows. A proof is optional.

    Raises InvalidDpopProofError or UseDpopNonceError.
    """
    return _with_key(call, request) if "dpop" in call.headers else request


def require_proven(call: Call, request: TokenRequest) -> TokenRequest:
    """Return the same. A client whose tokens must be bound to a key must send a proof (RFC 9449 section 5.2)."""
    if "dpop" in call.headers:
        return _with_key(call, request)
    metadata = request.client.metadata
    if metadata.must_prove_key:
        why = (
            "dpop_bound_access_tokens is true"
            if metadata.dpop_bound_access_tokens
            else f"its profile is {metadata.profile}"
        )
        request.checks.refuse(
            "The request has a DPoP proof",
            section="RFC 9449 section 5.2"
            if metadata.dpop_bound_access_tokens
            else "FAPI 2.0 Security Profile section 5.3.2.1",
            error=InvalidDpopProofError,
            description="This client must send a DPoP proof with each token request",
            expected=f"a DPoP proof, because {why}",
            got="no DPoP header",
            fix="Turn on DPoP in the app's OIDC library. An operator can turn off what requires it: "
            "dpop_bound_access_tokens, or the profile.",
        )
    return request


def require_holder(
    call: Call, checks: Checks, access_token: str, *, bound: Confirmation | None, has_scheme: bool
) -> None:
    """Check that the caller holds the key that the access token is bound to (RFC 9449 sections 4.3 and 7).

    `has_scheme`: the token was sent with the scheme DPoP. Raises InvalidTokenError if it was but is bound to no key, or
    is bound to one and was sent as a bearer token.
    """
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
    shown = _prove(
        call,
        checks,
        ProvenRequest(
            method=call.method,
            url=call.settings.issuer + call.path,
            access_token=access_token,
            error=InvalidResourceProofError,
            nonce_error=UseResourceNonceError,
        ),
    )
    checks.require(
        shown == bound,
        "The DPoP proof has the key that the access token is bound to",
        section="RFC 9449 section 4.3",
        error=InvalidTokenError,
        description="The access token is bound to another key than that of the DPoP proof",
        expected="a DPoP proof with the key of the token request",
        got=shown,
        fix="Sign the proofs of token requests and of API requests with the same key.",
    )


def _with_key(call: Call, request: TokenRequest) -> TokenRequest:
    asked = ProvenRequest(method=call.method, url=call.settings.issuer + call.path)
    return replace(request, confirmation=_prove(call, request.checks, asked))


def _prove(call: Call, checks: Checks, asked: ProvenRequest) -> Confirmation:
    call.set_header("dpop-nonce", current_nonce(call.installation.vault, call.work.now))
    if not PROVEN.is_on(call):
        PROVEN.put(call, require_proof(call.work, checks, call.headers.getlist("dpop"), asked))
    return PROVEN.of(call)
