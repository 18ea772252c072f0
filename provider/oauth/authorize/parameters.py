"""The parameters of an authorization request, one by one: the values each may have, and how it is parsed.

Each reader notes its checks and raises an OAuth2Error that is sent to the app. `authorization_request` calls them in
order.
"""

from collections.abc import Mapping

from provider.config.settings import Settings
from provider.oauth.authorize.errors import RegistrationNotSupportedError, RequestURINotSupportedError
from provider.oauth.checks import WIDEN_SCOPE, Checks
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InvalidDpopProofError, InvalidRequestError, InvalidScopeError
from provider.oauth.response_types import CODE, ResponseType
from provider.oauth.scopes import OFFLINE_ACCESS, SCOPES, parse_scope, requested_scope
from provider.oauth.sender_constraint.confirmation import KEY, Confirmation, as_claim
from provider.oauth.syntax import require_sent_once, require_syntax
from provider.oauth.tokens.claims import NOTHING, RequestedClaims, parse_claims, scopes_of_claims
from provider.oauth.tokens.id_tokens import read_hint
from provider.oauth.tokens.server import AuthorizationServer
from provider.parameters import Parameters
from provider.work import UnitOfWork

PROMPTS = ("none", "login", "consent", "select_account")
CREATE = "create"
"""The prompt with which the user creates an account (Initiating User Registration via OpenID Connect 1.0)."""
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
    "resource",
    "dpop_jkt",
    "authorization_details",
)
"""The parameters that are stored when a request is parked. Others are unknown and ignored."""


def require_supported(checks: Checks, given: Parameters) -> None:
    require_sent_once(checks, given.repeated, section="RFC 6749 section 3.1")
    require_syntax(checks, given, PARAMETERS)
    checks.require(
        "request_uri" not in given,
        "request_uri was returned by the pushed authorization request endpoint",
        section="OIDC Core section 6.2",
        error=RequestURINotSupportedError,
        description="request_uri must be one that the pushed authorization request endpoint returned",
        expected="no request_uri, or one from the pushed authorization request endpoint",
        got="another request_uri",
        fix="Send the parameters themselves, or push them first and send the request_uri that was "
        "returned. An operator can allow request objects by reference with SIGNET_REQUEST_URI.",
    )
    checks.require(
        "registration" not in given,
        "The request has no registration parameter",
        section="OIDC Core section 7.2.1",
        error=RegistrationNotSupportedError,
        description="registration is not supported in an authorization request. Register the client first",
        expected="no registration",
        got="registration",
        fix="Register the client first, and remove registration from the request.",
    )


def read_challenge(checks: Checks, client: Client, response_type: ResponseType, given: Parameters) -> str | None:
    """Return the PKCE challenge. Returns None if the response type has no code, or if the client need not use PKCE and
    sent no challenge.
    """
    if CODE not in response_type:
        return None
    challenge, method = given.get("code_challenge"), given.get("code_challenge_method")
    if challenge is None and method is None and not client.metadata.require_pkce:
        return None
    challenge = checks.found(
        challenge,
        "The request has a code_challenge (PKCE)",
        section="RFC 7636 section 4.3",
        error=InvalidRequestError,
        description="code_challenge is missing. This client must use PKCE with S256",
        expected="a code_challenge",
        got="no code_challenge",
        fix="Turn on PKCE (S256) in the app's OIDC library. An operator can make PKCE optional for a "
        "confidential client: `signet client update CLIENT_ID --no-pkce`.",
    )
    checks.require(
        method == "S256",
        "code_challenge_method is S256",
        section="RFC 7636 section 4.2",
        error=InvalidRequestError,
        description="code_challenge_method must be S256",
        expected="S256",
        got=method or "no code_challenge_method, which means plain",
        fix="Send code_challenge_method=S256 and a code_challenge computed with SHA-256.",
    )
    return challenge


def with_proven_key(checks: Checks, given: Parameters, shown: Confirmation | None) -> Parameters:
    """Return the parameters of a request that its client sent itself, with the key of its DPoP proof as `dpop_jkt` (RFC
    9449 section 10.1).
    """
    if shown is None:
        return given
    thumbprint, asked = as_claim(shown)[KEY], given.get("dpop_jkt")
    checks.require(
        asked in {None, thumbprint},
        "dpop_jkt is the thumbprint of the key of the DPoP proof",
        section="RFC 9449 section 10.1",
        error=InvalidDpopProofError,
        description="dpop_jkt must be the thumbprint of the key that signed the DPoP proof",
        expected=thumbprint,
        got=asked,
        fix="Leave out dpop_jkt, or send the thumbprint of the key of the proof.",
    )
    return Parameters([*(dict(given) | {"dpop_jkt": thumbprint}).items()])


def read_scope(
    checks: Checks, settings: Settings, client: Client, response_type: ResponseType, given: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the scopes that are requested and allowed, or all that the client is registered for if none is requested.

    With `authorization_details`, none are requested by leaving out scope. Unknown scopes are ignored (OIDC Core section
    3.1.2.1). Known scopes that the client may not request are rejected.
    If the settings assume it, offline_access is added for an app that no operator registered.
    """
    allowed = client.metadata.scopes
    offline = CODE in response_type and client.metadata.may_refresh
    default = () if "authorization_details" in given else parse_scope(client.metadata.scope)
    asked = requested_scope(given.get("scope"), default=default, offline=offline)
    scope = tuple(token for token in asked if token in allowed)
    forbidden = [token for token in asked if token not in allowed and token in SCOPES]
    checks.require(
        not forbidden,
        "Each requested scope is registered for the client",
        section="RFC 6749 section 3.3",
        error=InvalidScopeError,
        description=f"This client is not registered for the scope {' '.join(forbidden)}",
        expected=client.metadata.scope,
        got=" ".join(forbidden),
        fix=WIDEN_SCOPE,
    )
    checks.require(
        scope or not asked,
        "scope includes a known scope",
        section="RFC 6749 section 3.3",
        error=InvalidScopeError,
        description="scope includes no scope that this client is registered for",
        expected=client.metadata.scope,
        got=" ".join(asked) or "no scope",
        fix=WIDEN_SCOPE,
    )
    assumed = settings.assume_offline_access and not client.is_vouched_for and offline and OFFLINE_ACCESS in allowed
    return (*scope, OFFLINE_ACCESS) if assumed and OFFLINE_ACCESS not in scope else scope


def prompts_supported(settings: Settings) -> tuple[str, ...]:
    """Return the supported prompts, published as `prompt_values_supported`."""
    return (*PROMPTS, CREATE) if settings.has("registration") else PROMPTS


def read_prompt(checks: Checks, settings: Settings, given: Parameters) -> frozenset[str]:
    """Return the prompts that are requested.

    Unknown values are ignored (OIDC Core section 3.1.2.1). `create` is rejected where users cannot sign up.
    """
    prompt = frozenset(parse_scope(given.get("prompt")))
    checks.require(
        not ("none" in prompt and len(prompt) > 1),
        "prompt=none is the only prompt",
        section="OIDC Core section 3.1.2.1",
        error=InvalidRequestError,
        description="prompt=none cannot be combined with other values",
        expected="none alone, or other values without none",
        got=" ".join(sorted(prompt)),
        fix="Send prompt=none alone, or remove none.",
    )
    supported = prompts_supported(settings)
    checks.require(
        CREATE not in prompt or CREATE in supported,
        "prompt=create is supported",
        section="OpenID Connect Initiating User Registration section 4.1",
        error=InvalidRequestError,
        description="prompt=create is not supported because sign-up is turned off",
        expected=", ".join(supported),
        got=CREATE,
        fix="Remove create from prompt. An operator can turn on sign-up by adding registration to SIGNET_FEATURES.",
    )
    return prompt.intersection(supported)


def read_max_age(client: Client, given: Parameters) -> int | None:
    text = given.get("max_age")
    return client.metadata.default_max_age if text is None else int(text)


def read_claims(checks: Checks, client: Client, given: Parameters) -> RequestedClaims:
    try:
        claims = parse_claims(given.get("claims"))
        problem = ""
    except ValueError as error:
        claims, problem = NOTHING, str(error)
    checks.require(
        not problem,
        "claims is a JSON object",
        section="OIDC Core section 5.5",
        error=InvalidRequestError,
        description="claims must be a JSON object as in OIDC Core section 5.5",
        expected="a JSON object with userinfo or id_token",
        got=problem,
        fix="Send claims as one URL-encoded JSON object.",
    )
    # A claim is part of its scope: one the client may not ask for as a scope it may not ask for by name either.
    return claims.only(name for name in claims.names if scopes_of_claims([name]) <= client.metadata.scopes)


def read_hinted_sub(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client: Client, given: Mapping[str, str]
) -> str | None:
    """Return the subject in the id_token_hint, the user whom the app expects; None without a hint.

    An expired hint is accepted; a forged one is rejected (OIDC Core section 3.1.2.1).
    """
    hint = given.get("id_token_hint")
    if hint is None:
        return None
    claims, problem = read_hint(work, server.keys, hint)
    if not problem and claims["aud"] != client.client_id:
        problem = "it was issued to another client"
    checks.require(
        not problem,
        "id_token_hint is an ID token of this client",
        section="OIDC Core section 3.1.2.1",
        error=InvalidRequestError,
        description="id_token_hint must be an ID token that this server issued to this client",
        expected="an ID token of this client; it may be expired",
        got=problem,
        fix="Send an ID token that this server issued to this client, or leave out id_token_hint.",
    )
    return str(claims["sub"])


def require_same_user(checks: Checks, claimed: str | None, hinted: str | None) -> None:
    checks.require(
        None in {claimed, hinted} or claimed == hinted,
        "claims and id_token_hint name the same user",
        section="OIDC Core section 3.1.2.2",
        error=InvalidRequestError,
        description="claims and id_token_hint name different users",
        expected="the same sub in both",
        got="two different users",
        fix="Send the same sub in both, or leave out one of them.",
    )
