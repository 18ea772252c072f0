"""The flow of an authorization request: its response type, its response mode, and what each requires.

See OIDC Core sections 3.1 to 3.3 and OAuth 2.0 Multiple Response Type Encoding Practices.
"""

from provider.config.settings import Settings
from provider.oauth.checks import Checks, with_value
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InvalidRequestError, UnauthorizedClientError, UnsupportedResponseTypeError
from provider.oauth.response_types import (
    ID_TOKEN,
    RESPONSE_MODES,
    ResponseMode,
    ResponseType,
    default_mode,
    grant_types_of,
    is_one_of,
    parse_response_type,
    requested_mode,
    response_types_supported,
)
from provider.oauth.scopes import OPENID
from provider.parameters import Parameters


def read_response_type(checks: Checks, settings: Settings, client: Client, given: Parameters) -> ResponseType:
    text = checks.found(
        given.get("response_type"),
        "The request has a response_type",
        section="RFC 6749 section 3.1.1",
        error=InvalidRequestError,
        description="response_type is missing. Use response_type=code",
        expected="a response_type, for example code",
        got="no response_type",
        fix="Send response_type=code in the authorization request.",
    )
    response_type = parse_response_type(text)
    supported = response_types_supported(settings)
    checks.require(
        is_one_of(response_type, supported),
        "response_type is supported",
        section="RFC 6749 section 3.1.1",
        error=UnsupportedResponseTypeError,
        description=f"{with_value('response_type', text)} is not supported. Supported: {', '.join(supported)}",
        expected=", ".join(supported),
        got=text,
        fix="Send response_type=code with PKCE. An operator can allow the implicit and hybrid flows with "
        "SIGNET_LEGACY_RESPONSE_TYPES.",
    )
    missing = grant_types_of(response_type) - set(client.metadata.grant_types)
    checks.require(
        is_one_of(response_type, client.metadata.response_types) and not missing,
        "response_type is registered for the client",
        section="RFC 6749 section 4.1.2.1",
        error=UnauthorizedClientError,
        description=f"{with_value('response_type', text)} is not registered for this client",
        expected=", ".join(client.metadata.response_types),
        got=f"{text}, which needs the grant type {' and '.join(sorted(missing))}" if missing else text,
        fix="Use a registered response_type, or register this one in response_types and grant_types: "
        "`signet client update CLIENT_ID --metadata FILE`.",
    )
    return response_type


def require_response_mode(checks: Checks, client: Client, given: Parameters) -> None:
    """Check that the client may use the requested response mode, or the default mode of the response type."""
    default, signs = default_mode(given.get("response_type", "")), client.metadata.signs_messages
    asked = given.get("response_mode", default)
    mode = checks.found(
        requested_mode(given),
        "response_mode is supported",
        section="OAuth 2.0 Multiple Response Types section 2.1",
        error=InvalidRequestError,
        description=f"{with_value('response_mode', asked)} is not supported. Supported: {', '.join(RESPONSE_MODES)}",
        expected=", ".join(RESPONSE_MODES),
        got=asked,
        fix="Send one of the expected values, or leave out response_mode.",
    )
    checks.require(
        mode.way != ResponseMode.QUERY or default is ResponseMode.QUERY,
        "response_mode keeps tokens out of the query",
        section="JARM section 2.3.1" if mode.is_jwt else "OAuth 2.0 Multiple Response Types section 5",
        error=InvalidRequestError,
        description=f"response_mode {mode} cannot return tokens. Use fragment or form_post",
        expected="fragment or form_post",
        got=mode,
        fix="Send response_mode=form_post or fragment, or use response_type=code.",
    )
    allowed = client.metadata.usable_response_modes
    checks.require(
        mode in allowed,
        "response_mode is one of signed responses" if signs else "response_mode is registered for the client",
        section="FAPI 2.0 Message Signing section 5.4" if signs else "OAuth 2.0 Multiple Response Types section 2.1",
        error=InvalidRequestError,
        description="response_mode must be jwt, because this client uses FAPI 2.0 Message Signing"
        if signs
        else f"{with_value('response_mode', mode)} is not registered for this client",
        expected=", ".join(allowed),
        got=mode,
        fix="Send response_mode=jwt, and verify the JWT in the parameter response."
        if signs
        else "Use a registered response_mode, or register this one in response_modes: `signet client "
        "update CLIENT_ID --metadata FILE`.",
    )


def require_id_token_can_be_used(
    checks: Checks, response_type: ResponseType, given: Parameters, scope: tuple[str, ...]
) -> None:
    """Check that a front-channel ID token belongs to an OpenID request and that the request has a nonce."""
    if ID_TOKEN not in response_type:
        return
    checks.require(
        OPENID in scope,
        "scope includes openid, which an ID token requires",
        section="OIDC Core section 3.2.2.1",
        error=InvalidRequestError,
        description="scope must include openid when response_type includes id_token",
        expected="a scope that includes openid",
        got=" ".join(scope) or "no scope",
        fix="Add openid to scope, or use response_type=code.",
    )
    checks.require(
        "nonce" in given,
        "The request has a nonce",
        section="OIDC Core section 3.2.2.11",
        error=InvalidRequestError,
        description="nonce is missing. It is required when response_type includes id_token",
        expected="a nonce",
        got="no nonce",
        fix="Send a new random nonce with each request, and compare it with the nonce in the ID token.",
    )
