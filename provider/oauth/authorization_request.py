"""An authorization request, checked (RFC 6749 section 4.1.1, RFC 7636, OIDC Core section 3.1.2.1).

Two phases, never mixed: until client and redirect_uri are verified a refusal is a page (`Unredirectable`); from then
on it
goes back to the app (`Redirectable`). Nothing is ever redirected to a URI that was not registered.
"""

import re
from dataclasses import dataclass, field

from provider.oauth.checks import Checks
from provider.oauth.claims import NOTHING, RequestedClaims, parse_claims, scopes_of_claims
from provider.oauth.clients import Client
from provider.oauth.errors import (
    InvalidRequestError,
    InvalidScopeError,
    RegistrationNotSupportedError,
    RequestNotSupportedError,
    RequestURINotSupportedError,
    UnauthorizedClientError,
    UnsupportedResponseTypeError,
)
from provider.oauth.keys import SignatureRefused
from provider.oauth.redirect_uris import is_registered
from provider.oauth.scopes import OFFLINE_ACCESS, SCOPES, parse_scope
from provider.oauth.server import AuthorizationServer
from provider.web.forms import Parameters
from provider.work import UnitOfWork

LONGEST_VALUE = 2000
"""Characters a state, nonce or other parameter may have; longer ones are refused, never cut."""
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
PARAMETERS = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "prompt",
    "max_age",
    "acr_values",
    "login_hint",
    "id_token_hint",
    "ui_locales",
    "claims_locales",
    "display",
    "claims",
)
"""What is kept when a request is parked; anything else is unknown and ignored."""


@dataclass(frozen=True)
class Target:
    """A client and a redirect URI of its own: from here on answers go there."""

    client: Client
    redirect_uri: str
    redirect_uri_given: bool
    state: str | None


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """Everything the request asks for."""

    client: Client
    redirect_uri: str
    redirect_uri_given: bool
    scope: tuple[str, ...]
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    acr_essential: bool = False
    expected_sub: str | None = None
    claims: RequestedClaims = field(default=NOTHING)

    @property
    def offline(self) -> bool:
        return OFFLINE_ACCESS in self.scope


def find_target(work: UnitOfWork, server: AuthorizationServer, checks: Checks, given: Parameters) -> Target:
    """Phase one. Raises InvalidRequestError, to be shown as a page."""
    client_id = given.get("client_id")
    checks.client_id = client_id
    repeated = sorted(given.repeated & {"client_id", "redirect_uri", "request_uri"})
    checks.require(
        not repeated,
        "client_id and redirect_uri are given once",
        section="RFC 6749 section 3.1",
        error=InvalidRequestError,
        description="A parameter is repeated",
        got=", ".join(repeated),
    )
    client = None if client_id is None else server.clients.find(work, client_id)
    checks.require(
        client is not None and not client.disabled,
        "The client is registered and not disabled",
        section="RFC 6749 section 4.1.2.1",
        error=InvalidRequestError,
        description="The app is not registered here",
        got="no client_id" if client_id is None else client_id,
        fix="Check client_id; `signet client list` shows the registered ones.",
    )
    assert client is not None  # noqa: S101  # just required
    registered = client.metadata.redirect_uris
    redirect_uri = given.get("redirect_uri")
    if redirect_uri is None:
        checks.require(
            len(registered) == 1 and "redirect_uri" not in given.repeated,
            "redirect_uri is given, or there is only one",
            section="RFC 6749 section 3.1.2.3",
            error=InvalidRequestError,
            description="The app did not say where to go back to",
            expected="redirect_uri",
            got=f"none, and {len(registered)} are registered",
        )
        return Target(client, registered[0], redirect_uri_given=False, state=given.get("state"))
    checks.require(
        is_registered(redirect_uri, registered, native=client.metadata.application_type == "native"),
        "redirect_uri is a registered one, character for character",
        section="RFC 9700 section 2.1",
        error=InvalidRequestError,
        description="The app asked to go back to an address that is not registered for it",
        expected=" or ".join(registered),
        got=redirect_uri,
        fix="Register exactly the URI the app sends: scheme, host, port, path, query and trailing slash.",
    )
    return Target(client, redirect_uri, redirect_uri_given=True, state=given.get("state"))


def read_request(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, target: Target, given: Parameters
) -> AuthorizationRequest:
    """Phase two. Raises an OAuth2Error, to be sent back to the app."""
    client = target.client
    _require_sound(checks, given)
    _require_code_flow(checks, client, given)
    code_challenge = _challenge(checks, client, given)
    claims = _claims(checks, client, given)
    return AuthorizationRequest(
        client=client,
        redirect_uri=target.redirect_uri,
        redirect_uri_given=target.redirect_uri_given,
        scope=_scope(checks, client, given),
        state=target.state,
        nonce=given.get("nonce"),
        code_challenge=code_challenge,
        prompt=_prompt(checks, given),
        max_age=_max_age(checks, client, given),
        acr_values=claims.acr_values or parse_scope(given.get("acr_values")),
        acr_essential=claims.acr_essential,
        expected_sub=claims.sub or _hinted_sub(work, server, checks, client, given),
        claims=claims,
    )


def _require_sound(checks: Checks, given: Parameters) -> None:
    repeated = sorted(given.repeated)
    checks.require(
        not repeated,
        "No parameter is repeated",
        section="RFC 6749 section 3.1",
        error=InvalidRequestError,
        description="A parameter is repeated",
        got=", ".join(repeated),
    )
    too_long = [name for name in PARAMETERS if name != "id_token_hint" and len(given.get(name, "")) > LONGEST_VALUE]
    unstorable = [name for name in PARAMETERS if "\x00" in given.get(name, "")]
    checks.require(
        not too_long and not unstorable,
        "Every value is of a sensible length and without NUL",
        section="RFC 6749 section 4.1.2.1",
        error=InvalidRequestError,
        description="A parameter is too long or holds a NUL",
        expected=f"at most {LONGEST_VALUE} characters",
        got=", ".join(too_long + unstorable),
    )
    checks.require(
        "request" not in given,
        "No request object is sent by value",
        section="OIDC Core section 6.1",
        error=RequestNotSupportedError,
        description="Request objects are not supported",
        got="request",
    )
    checks.require(
        "request_uri" not in given,
        "No request object is sent by reference",
        section="OIDC Core section 6.2",
        error=RequestURINotSupportedError,
        description="Request objects by reference are not supported",
        got="request_uri",
    )
    checks.require(
        "registration" not in given,
        "No registration is sent along",
        section="OIDC Core section 7.2.1",
        error=RegistrationNotSupportedError,
        description="The registration parameter is not supported",
        got="registration",
    )


def _require_code_flow(checks: Checks, client: Client, given: Parameters) -> None:
    response_type = given.get("response_type")
    checks.require(
        response_type is not None,
        "response_type is present",
        section="RFC 6749 section 3.1.1",
        error=InvalidRequestError,
        description="response_type is missing",
        got="nothing",
    )
    checks.require(
        response_type == "code",
        "The response type is supported",
        section="RFC 6749 section 3.1.1",
        error=UnsupportedResponseTypeError,
        description="Only response_type code is supported",
        expected="code",
        got=response_type,
    )
    checks.require(
        "authorization_code" in client.metadata.grant_types,
        "The client is registered for the authorization code grant",
        section="RFC 6749 section 4.1.2.1",
        error=UnauthorizedClientError,
        description="The client may not use the authorization code grant",
        expected="authorization_code",
        got=", ".join(client.metadata.grant_types),
    )
    response_mode = given.get("response_mode", "query")
    checks.require(
        response_mode == "query",
        "The response mode is supported",
        section="OAuth 2.0 Multiple Response Types section 2.1",
        error=InvalidRequestError,
        description="Only response_mode query is supported",
        expected="query",
        got=response_mode,
    )


def _challenge(checks: Checks, client: Client, given: Parameters) -> str | None:
    challenge, method = given.get("code_challenge"), given.get("code_challenge_method")
    if challenge is None and method is None and not client.metadata.require_pkce:
        return None
    checks.require(
        challenge is not None,
        "code_challenge is present",
        section="RFC 7636 section 4.3",
        error=InvalidRequestError,
        description="PKCE is required: code_challenge is missing",
        got="nothing",
        fix="Turn on PKCE (S256) in the app's OIDC library.",
    )
    checks.require(
        method == "S256",
        "code_challenge_method is S256",
        section="RFC 7636 section 4.2",
        error=InvalidRequestError,
        description="code_challenge_method must be S256",
        expected="S256",
        got=method or "nothing, which means plain",
    )
    checks.require(
        CHALLENGE.fullmatch(str(challenge)) is not None,
        "code_challenge is a SHA-256 in base64url",
        section="RFC 7636 section 4.2",
        error=InvalidRequestError,
        description="code_challenge is not 43 characters of base64url",
        expected="43 characters of base64url, no padding",
        got=f"{len(str(challenge))} characters",
    )
    return challenge


def _scope(checks: Checks, client: Client, given: Parameters) -> tuple[str, ...]:
    """Scopes nobody knows are ignored (OIDC Core section 3.1.2.1); known ones the client may not ask for are
    refused.
    """
    allowed = client.metadata.scopes
    asked = parse_scope(given.get("scope"))
    scope = tuple(token for token in asked if token in allowed)
    forbidden = [token for token in asked if token not in allowed and token in SCOPES]
    checks.require(
        not forbidden,
        "The client is registered for every scope it asks for",
        section="RFC 6749 section 3.3",
        error=InvalidScopeError,
        description="The client may not ask for this scope",
        expected=client.metadata.scope,
        got=" ".join(forbidden),
    )
    checks.require(
        scope,
        "At least one known scope is asked for",
        section="RFC 6749 section 3.3",
        error=InvalidScopeError,
        description="No known scope is asked for",
        expected=client.metadata.scope,
        got=given.get("scope", "nothing"),
    )
    if OFFLINE_ACCESS in scope and "refresh_token" not in client.metadata.grant_types:
        # OIDC Core section 11: ignored when there is no refresh token to give.
        return tuple(token for token in scope if token != OFFLINE_ACCESS)
    return scope


def _prompt(checks: Checks, given: Parameters) -> frozenset[str]:
    prompt = frozenset(parse_scope(given.get("prompt")))
    checks.require(
        not ("none" in prompt and len(prompt) > 1),
        "prompt=none stands alone",
        section="OIDC Core section 3.1.2.1",
        error=InvalidRequestError,
        description="prompt none cannot be combined",
        got=" ".join(sorted(prompt)),
    )
    return prompt & PROMPTS


def _max_age(checks: Checks, client: Client, given: Parameters) -> int | None:
    text = given.get("max_age")
    if text is None:
        return client.metadata.default_max_age
    checks.require(
        text.isascii() and text.isdigit() and len(text) <= 10,
        "max_age is a number of seconds",
        section="OIDC Core section 3.1.2.1",
        error=InvalidRequestError,
        description="max_age must be a number of seconds",
        got=text,
    )
    return int(text)


def _claims(checks: Checks, client: Client, given: Parameters) -> RequestedClaims:
    try:
        claims = parse_claims(given.get("claims"))
        problem = ""
    except ValueError as error:
        claims, problem = NOTHING, str(error)
    checks.require(
        not problem,
        "The claims parameter is a JSON object",
        section="OIDC Core section 5.5",
        error=InvalidRequestError,
        description="The claims parameter cannot be read",
        got=problem,
    )
    # A claim is part of its scope: one the client may not ask for as a scope it may not ask for by name either.
    allowed = {name for name in claims.names if scopes_of_claims([name]) <= client.metadata.scopes}
    return RequestedClaims(
        id_token=tuple(name for name in claims.id_token if name in allowed),
        userinfo=tuple(name for name in claims.userinfo if name in allowed),
        acr_values=claims.acr_values,
        acr_essential=claims.acr_essential,
        sub=claims.sub,
    )


def _hinted_sub(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client: Client, given: Parameters
) -> str | None:
    """Who the app thinks is there. An expired hint still says so; a forged one is refused (OIDC Core section
    3.1.2.1).
    """
    hint = given.get("id_token_hint")
    if hint is None:
        return None
    sub, problem = read_hint(work, server, hint, client)
    checks.require(
        not problem,
        "id_token_hint is an ID token of ours, for this client",
        section="OIDC Core section 3.1.2.1",
        error=InvalidRequestError,
        description="The id_token_hint is not valid",
        expected="an ID token, expired or not",
        got=problem,
    )
    return sub


def read_hint(
    work: UnitOfWork, server: AuthorizationServer, hint: str, client: Client | None
) -> tuple[str | None, str]:
    """(sub, "") of an ID token we issued (to this client, when one is named), or (None, what is wrong with it)."""
    try:
        claims = server.keys.verify(work, hint, typ="jwt")
    except SignatureRefused as refused:
        return None, str(refused)
    if claims.get("iss") != server.issuer:
        return None, "another issuer"
    if client is not None and claims.get("aud") != client.client_id:
        return None, "issued to another client"
    return str(claims["sub"]), ""
