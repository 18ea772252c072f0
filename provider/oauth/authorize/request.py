"""The checked authorization request (RFC 6749 section 4.1.1, RFC 7636, OIDC Core section 3.1.2.1).

There are two separate phases. Until client and redirect_uri are verified (`find_target`) an error is shown as a page.
From then on (`read_request`) it is sent to the app. Nothing is ever redirected to a URI that is not registered.
"""

from dataclasses import dataclass, field

from provider.oauth.authorization_details.parsing import NO_DETAILS, RequestedDetails, read_details
from provider.oauth.authorize.flow import read_response_type, require_id_token_can_be_used, require_response_mode
from provider.oauth.authorize.parameters import (
    read_challenge,
    read_claims,
    read_hinted_sub,
    read_max_age,
    read_prompt,
    read_scope,
    require_same_user,
    require_supported,
)
from provider.oauth.authorize.trials import is_trial
from provider.oauth.checks import FIND_CLIENT, Checks, with_value
from provider.oauth.clients.clients import Client
from provider.oauth.clients.document_urls import SCHEME
from provider.oauth.clients.redirect_uris import is_registered
from provider.oauth.clients.resources import read_resources
from provider.oauth.errors import InvalidRequestError
from provider.oauth.response_types import CODE_FLOW, ResponseMode, ResponseType, effective_response_mode
from provider.oauth.scopes import OFFLINE_ACCESS, parse_scope
from provider.oauth.sender_constraint.confirmation import Confirmation, of_key
from provider.oauth.syntax import require_sent_once, require_syntax
from provider.oauth.tokens.claims import NOTHING, RequestedClaims
from provider.oauth.tokens.server import AuthorizationServer
from provider.parameters import Parameters
from provider.work import UnitOfWork


@dataclass(frozen=True)
class Target:
    """A client and one of its redirect URIs, to which responses are sent from here on, in this mode."""

    client: Client
    redirect_uri: str
    redirect_uri_given: bool
    state: str | None
    response_mode: ResponseMode = ResponseMode.QUERY


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """The contents of a checked authorization request."""

    client: Client
    redirect_uri: str
    redirect_uri_given: bool
    scope: tuple[str, ...]
    response_type: ResponseType = CODE_FLOW
    nonce: str | None = None
    code_challenge: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    acr_essential: bool = False
    expected_user_id: str | None = None
    claims: RequestedClaims = field(default=NOTHING)
    resources: tuple[str, ...] = ()
    details: RequestedDetails = NO_DETAILS
    """The authorization details it asks for (RFC 9396)."""
    confirmation: Confirmation | None = None
    """The key that its code is to be bound to (RFC 9449 section 10)."""

    @property
    def offline(self) -> bool:
        return OFFLINE_ACCESS in self.scope


def find_target(work: UnitOfWork, server: AuthorizationServer, checks: Checks, given: Parameters) -> Target:
    """Return the client and the redirect URI (phase one). Raises InvalidRequestError, which is shown as a page."""
    client_id = given.get("client_id")
    checks.client_id = client_id
    require_sent_once(
        checks, given.repeated & {"client_id", "redirect_uri", "request_uri"}, section="RFC 6749 section 3.1"
    )
    require_syntax(checks, given, ("client_id", "redirect_uri"), error=InvalidRequestError)
    client = _require_registered(checks, find_client(work, server, checks, client_id), client_id)
    registered = client.metadata.redirect_uris
    redirect_uri = given.get("redirect_uri")
    state, mode = given.get("state"), effective_response_mode(given, client.metadata.usable_response_modes)
    if redirect_uri is None:
        checks.require(
            len(registered) == 1 and "redirect_uri" not in given.repeated and not client.metadata.is_fapi2,
            "redirect_uri is present, or the client has only one",
            section="FAPI 2.0 Security Profile section 5.3.2.2"
            if client.metadata.is_fapi2
            else "RFC 6749 section 3.1.2.3",
            error=InvalidRequestError,
            description="redirect_uri is missing",
            expected=" or ".join(registered) or "a registered redirect URI",
            got=f"no redirect_uri, with {len(registered)} registered",
            fix="Send one of the client's registered redirect URIs as redirect_uri.",
        )
        return Target(client, registered[0], redirect_uri_given=False, state=state, response_mode=mode)
    checks.require(
        is_registered(redirect_uri, registered) or is_trial(work, given),
        "redirect_uri is registered for the client",
        section="RFC 9700 section 2.1",
        error=InvalidRequestError,
        description="redirect_uri is not registered for this client. It must match exactly",
        expected=" or ".join(registered) or "none is registered",
        got=redirect_uri,
        fix="Register the exact URI the app sends, with scheme, host, port, path, query and trailing "
        "slash: `signet client update CLIENT_ID --redirect-uri URI`, once for each URI the app "
        "needs. Only the port of a loopback URI may differ.",
    )
    return Target(client, redirect_uri, redirect_uri_given=True, state=state, response_mode=mode)


def find_client(work: UnitOfWork, server: AuthorizationServer, checks: Checks, client_id: str | None) -> Client | None:
    """Return the client that a request names, or None. Its metadata document, if it has one, is fetched if it is old.

    Raises an OAuth2Error if the document cannot be used.
    """
    if client_id is None:
        return None
    known = server.clients.find(work, client_id)
    if SCHEME not in client_id:
        return known
    return server.client_documents.find(
        work, server.clients, known, checks, client_id, error=InvalidRequestError, must_be_fresh=True
    )


def require_still_registered(work: UnitOfWork, server: AuthorizationServer, checks: Checks, target: Target) -> None:
    """Check that the client of the target was not deleted or disabled a moment ago, before an error is sent to it.

    A successful response needs no such check: it is stored with a reference to the client.
    """
    client_id = target.client.client_id
    _require_registered(checks, target.client if server.clients.is_enabled(work, client_id) else None, client_id)


def _require_registered(checks: Checks, client: Client | None, client_id: str | None) -> Client:
    return checks.found(
        None if client is None or client.disabled else client,
        "The client is registered and enabled",
        section="RFC 6749 section 4.1.2.1",
        error=InvalidRequestError,
        description="client_id is missing"
        if client_id is None
        else f"{with_value('client_id', client_id)} is not registered or is disabled",
        expected="the client_id of an enabled client",
        got="no client_id" if client_id is None else client_id,
        fix=FIND_CLIENT,
    )


def require_unpushed_allowed(checks: Checks, client: Client) -> None:
    """Check that the client need not push its requests (RFC 9126 section 6)."""
    checks.require(
        not client.metadata.must_push,
        "The request was pushed (PAR)",
        section="FAPI 2.0 Security Profile section 5.3.2.2" if client.metadata.is_fapi2 else "RFC 9126 section 6",
        error=InvalidRequestError,
        description="This client must use pushed authorization requests (PAR)",
        expected="a request_uri from the pushed authorization request endpoint",
        got="parameters in the URL",
        fix="Turn on pushed authorization requests (PAR) in the app's OIDC library.",
    )


def read_request(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, target: Target, given: Parameters
) -> AuthorizationRequest:
    """Check and return the request (phase two). Raises an OAuth2Error, which is sent to the app."""
    client = target.client
    require_supported(checks, given)
    response_type = read_response_type(checks, work.settings, client, given)
    if not is_trial(work, given):
        require_response_mode(checks, client, given)
    scope = read_scope(checks, work.settings, client, response_type, given)
    require_id_token_can_be_used(checks, response_type, given, scope)
    code_challenge = read_challenge(checks, client, response_type, given)
    claims, hinted_sub = read_claims(checks, client, given), read_hinted_sub(work, server, checks, client, given)
    require_same_user(checks, claims.sub, hinted_sub)
    expected_sub, thumbprint = claims.sub or hinted_sub, given.get("dpop_jkt")
    return AuthorizationRequest(
        client=client,
        redirect_uri=target.redirect_uri,
        redirect_uri_given=target.redirect_uri_given,
        scope=scope,
        response_type=response_type,
        nonce=given.get("nonce"),
        code_challenge=code_challenge,
        prompt=read_prompt(checks, work.settings, given),
        max_age=read_max_age(client, given),
        acr_values=claims.acr_values or parse_scope(given.get("acr_values")) or client.metadata.default_acr_values,
        acr_essential=claims.acr_essential,
        expected_user_id=None if expected_sub is None else server.subjects.user_id_of(work, client, expected_sub),
        claims=claims,
        resources=read_resources(work, checks, given.get("resource")),
        details=read_details(work, checks, client, given.get("authorization_details")),
        confirmation=None if thumbprint is None else of_key(thumbprint),
    )
