"""Request objects (RFC 9101, OIDC Core section 6): an authorization request as a JWT that the client signed.

It is sent by value in `request`. Where SIGNET_REQUEST_URI allows it, it is sent by reference in `request_uri`, which
must be registered. The parameters inside it are the request; those beside it must agree with them.
"""

import json
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from provider.jose.algorithms import FAPI_SIGNATURES, SIGNATURES
from provider.jose.json_objects import is_whole_number
from provider.jose.signed_jwts import InvalidJwt, SignedJwt, read_jwt
from provider.jose.times import CLIENT_LEEWAY, problem_with_times
from provider.oauth.authorize.parameters import PARAMETERS
from provider.oauth.authorize.request import find_client
from provider.oauth.checks import Checks
from provider.oauth.client_authentication.client_jwts import (
    Kind,
    require_algorithm,
    require_client_signature,
)
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InvalidRequestError, InvalidRequestObjectError, InvalidRequestUriError
from provider.oauth.scopes import requested_scope
from provider.oauth.syntax import require_syntax
from provider.oauth.tokens.server import AuthorizationServer
from provider.outbound.answers import OutboundFailed
from provider.parameters import Parameters
from provider.work import UnitOfWork

REFUSED = "The request object is not signed by this client with a registered algorithm and key"
KIND = Kind("request object", "oauth-authz-req+jwt", InvalidRequestObjectError, REFUSED)
CONTENT_TYPES = ("application/oauth-authz-req+jwt", "application/jwt", "application/jose", "text/plain")
"""Media types of a fetched request object. RFC 9101 section 10.2 defines the first; earlier there was none."""
BESIDE = ("response_type", "client_id", "scope")
"""Parameters that OIDC Core section 6.1 requires outside the object too. Then they need not be inside."""
LONGEST_LIFE = timedelta(minutes=60)
"""The longest lifetime of a request object under FAPI 2.0 Message Signing section 5.3.1."""


def unwrap(work: UnitOfWork, server: AuthorizationServer, checks: Checks, given: Parameters) -> Parameters:
    """Return the parameters of the request object, or the given ones if there is none.

    Raises an OAuth2Error about the object, whose sender is not known yet. Errors in the request itself, and
    unregistered clients, are found by the functions that read it.
    """
    by_value = "request" in given
    by_reference = "request_uri" in given and work.settings.request_uri
    if given.repeated or not (by_value or by_reference):
        return given
    client = find_client(work, server, checks, given.get("client_id"))
    if client is None or client.disabled:
        return given
    checks.client_id = client.client_id
    require_syntax(checks, given, ("request", "request_uri"))
    checks.require(
        not (by_value and "request_uri" in given),
        "The request has request or request_uri, not both",
        section="RFC 9101 section 5",
        error=InvalidRequestError,
        description="request and request_uri cannot be sent together",
        expected="one of them",
        got="both",
        fix="Leave out request or request_uri.",
    )
    text = given["request"] if by_value else _fetch(work, checks, client, given["request_uri"])
    claims = _verified(work, server, checks, client, text)
    inside = _parameters(checks, claims)
    _require_agreement(checks, client, given, inside)
    # A client that must sign its requests repeats them unsigned at most (RFC 9126 section 3).
    outside = ("client_id",) if client.metadata.must_sign_requests else BESIDE
    beside = {name: given[name] for name in outside if name in given}
    return Parameters([*(beside | inside).items()])


def require_signed(checks: Checks, client: Client, given: Mapping[str, str]) -> None:
    """Check that the request is a request object, if the client must sign its requests."""
    metadata = client.metadata
    checks.require(
        not metadata.must_sign_requests or "request" in given or "request_uri" in given,
        "The request is a signed request object",
        section="FAPI 2.0 Message Signing section 5.3.1" if metadata.signs_messages else "RFC 9101 section 10.5",
        error=InvalidRequestError,
        description="This client must send its authorization requests as a signed request object (request)",
        expected="request, a JWT that the client signed",
        got="unsigned parameters",
        fix="Sign the parameters as a JWT with the client's key, and send it as request.",
    )


def _fetch(work: UnitOfWork, checks: Checks, client: Client, uri: str) -> str:
    checks.require(
        uri in client.metadata.request_uris,
        "request_uri is registered for the client",
        section="OIDC Registration section 2",
        error=InvalidRequestUriError,
        description="request_uri is not registered for this client. It must match exactly",
        expected=" or ".join(client.metadata.request_uris) or "none is registered",
        got=uri,
        fix="Add the exact URI to request_uris: `signet client update CLIENT_ID --metadata FILE`.",
    )
    text, problem = "", ""
    try:
        text = work.outbound.fetch(uri.partition("#")[0], accept=CONTENT_TYPES).body.decode("ascii").strip()
    except OutboundFailed as failed:
        problem = failed.reason
    except UnicodeDecodeError:
        problem = "it is not a JWT"
    checks.require(
        not problem,
        "The request object can be fetched from request_uri",
        section="RFC 9101 section 5.2.3",
        error=InvalidRequestUriError,
        description="The request object cannot be fetched from request_uri",
        expected="a JWT at request_uri",
        got=problem,
        fix="Check that the client's own server answers at request_uri with the request object.",
    )
    return text


def _verified(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client: Client, text: str
) -> Mapping[str, Any]:
    """Return the claims of the object after checking its signature, audience and time (RFC 9101 sections 4, 6, 10)."""
    metadata = client.metadata
    usual = FAPI_SIGNATURES if metadata.is_fapi2 else SIGNATURES
    registered = metadata.request_object_signing_alg
    algorithms = usual if registered is None else (registered,)
    claims = read_signed(work, server, checks, client, text, kind=KIND, algorithms=algorithms)
    problem = _problem_with_times(work, client, claims)
    checks.require(
        problem is None,
        "The request object is valid now",
        section="FAPI 2.0 Message Signing section 5.3.1" if metadata.is_fapi2 else "RFC 7519 section 4.1",
        error=InvalidRequestObjectError,
        description=f"The request object is not valid now: {problem}",
        expected="exp and nbf within 60 minutes"
        if metadata.is_fapi2
        else "exp in the future; nbf and iat not in the future",
        got=problem,
        fix="Check the client's clock, and sign a new request object with a current exp (and nbf) for each request.",
    )
    return claims


def read_signed(
    work: UnitOfWork,
    server: AuthorizationServer,
    checks: Checks,
    client: Client,
    text: str,
    *,
    kind: Kind,
    algorithms: Collection[str],
) -> Mapping[str, Any]:
    """Return the claims of a request that the client signed for this server with one of these algorithms.

    Raises the error of its kind. The caller checks the times.
    """
    jwt = _read(checks, text, kind)
    require_algorithm(checks, kind, jwt, algorithms)
    require_client_signature(work, server, checks, client, kind=kind, jwt=jwt)
    claims, audience = jwt.claims, jwt.claims.get("aud")
    for_us = server.issuer in (audience if isinstance(audience, list) else [audience])
    # With its own name as `sub` it could be sent as a client assertion, and such an assertion as a request object.
    its_own = claims.get("iss") == client.client_id and claims.get("sub") != client.client_id
    checks.require(
        for_us and its_own,
        f"iss, sub and aud of the {kind.name} are right",
        section="RFC 9101 sections 4, 10.8",
        error=kind.error,
        description=f"The {kind.name} must have the client_id as iss, this issuer as aud, and no client_id as sub",
        expected=f"iss {client.client_id}, aud {server.issuer}, and another sub or none",
        got=f"iss {claims.get('iss')}, sub {claims.get('sub')}, aud {audience}",
        fix="Set iss to the client_id and aud to this server's issuer, and remove sub.",
    )
    return claims


def _read(checks: Checks, text: str, kind: Kind) -> SignedJwt:
    jwt, problem = None, ""
    try:
        jwt = read_jwt(text)
    except InvalidJwt as invalid:
        problem = invalid.reason
    return checks.found(
        jwt,
        f"The {kind.name} is a signed JWT",
        section="RFC 9101 section 4",
        error=kind.error,
        description=f"The {kind.name} is not a signed JWT",
        expected="a signed JWT",
        got=problem,
        fix=f"Sign the {kind.name} with the client's registered key and algorithm. Register new keys "
        "with `signet client update CLIENT_ID --jwks FILE`.",
    )


def _problem_with_times(work: UnitOfWork, client: Client, claims: Mapping[str, Any]) -> str | None:
    if not client.metadata.is_fapi2:
        return problem_with_times(claims, work.now, leeway=CLIENT_LEEWAY)
    problem = problem_with_times(claims, work.now, leeway=CLIENT_LEEWAY, required=("exp", "nbf"), longest=LONGEST_LIFE)
    if problem is not None:
        return problem
    oldest = work.now.timestamp() - LONGEST_LIFE.total_seconds()
    return None if claims["nbf"] >= oldest else "its nbf is older than 60 minutes"


def _parameters(checks: Checks, claims: Mapping[str, Any]) -> dict[str, str]:
    """Return the claims that are parameters, as text.

    `max_age` is a number in the object, `claims` an object and `authorization_details` a list (RFC 9101 section 4, OIDC
    Core section 6.1, RFC 9396 section 3).
    """
    known = {name: value for name, value in claims.items() if name in (*PARAMETERS, "registration")}
    texts = {name: _as_text(name, value) for name, value in known.items()}
    invalid = [name for name, text in texts.items() if text is None]
    invalid += [name for name in ("request", "request_uri") if name in claims]
    checks.require(
        not invalid,
        "The request object contains parameters of the right types",
        section="RFC 9101 section 4",
        error=InvalidRequestObjectError,
        description=f"Not valid in the request object: {', '.join(invalid)}",
        expected="text; a number for max_age; an object for claims; a list for authorization_details; text or a "
        "list for resource; no request or request_uri",
        got=", ".join(invalid),
        fix="Correct the type of these parameters, and remove request and request_uri from the request object.",
    )
    return {name: text for name, text in texts.items() if text}


def _as_text(name: str, value: object) -> str | None:
    if isinstance(value, str):
        return value
    if name == "resource" and isinstance(value, list) and all(isinstance(uri, str) for uri in value):
        return " ".join(value)
    if name == "max_age" and is_whole_number(value):
        return str(value)
    if name == "authorization_details" and isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if name in {"claims", "registration"} and isinstance(value, dict) else None


def _require_agreement(checks: Checks, client: Client, given: Parameters, inside: Mapping[str, str]) -> None:
    """Check the parameters beside the object against those inside (OIDC Core section 6.1).

    Client and response type must be equal, and every scope must be inside too.
    """
    offline = client.metadata.may_refresh
    outside, scope = (
        requested_scope(text, default=(), offline=offline)
        for text in (given.get("scope"), inside.get("scope", given.get("scope")))
    )
    differing = [
        name
        for name, value in (("client_id", client.client_id), ("response_type", given.get("response_type")))
        if value is not None and inside.get(name, value) != value
    ]
    if not set(outside) <= set(scope):
        differing.append("scope")
    checks.require(
        not differing,
        "The parameters beside the request object agree with it",
        section="RFC 9101 section 5",
        error=InvalidRequestObjectError,
        description=f"Different in the request object: {', '.join(differing)}",
        expected="the same client_id and response_type, and no additional scope",
        got=", ".join(differing),
        fix="Put every parameter into the request object, and repeat the same client_id, response_type "
        "and scope beside it.",
    )
