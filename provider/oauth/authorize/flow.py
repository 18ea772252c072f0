"""The flow of an authorization request: its response type, its response mode, and what each requires.

See OIDC Core sections 3.1 to 3.3 and OAuth 2.0 Multiple Response Type Encoding Practices.
"""

from provider.config.settings import Settings
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InvalidRequestError, UnauthorizedClientError, UnsupportedResponseTypeError
from provider.oauth.response_types import (
    ID_TOKEN,
    ResponseMode,
    ResponseType,
    default_mode,
    grant_types_of,
    is_one_of,
    parse_response_type,
    response_types_supported,
)
from provider.oauth.scopes import OPENID
from provider.parameters import Parameters


def read_response_type(checks: Checks, settings: Settings, client: Client, given: Parameters) -> ResponseType:
    text = checks.found(
        given.get("response_type"),
        "response_type is present",
        section="RFC 6749 section 3.1.1",
        error=InvalidRequestError,
        description="response_type is missing",
        got="nothing",
        fix="Send response_type=code in the authorization request.",
    )
    response_type = parse_response_type(text)
    supported = response_types_supported(settings)
    checks.require(
        is_one_of(response_type, supported),
        "The response type is supported",
        section="RFC 6749 section 3.1.1",
        error=UnsupportedResponseTypeError,
        description="This response_type is not supported",
        expected=", ".join(supported),
        got=text,
        fix="Use response_type code with PKCE.",
    )
    missing = grant_types_of(response_type) - set(client.metadata.grant_types)
    checks.require(
        is_one_of(response_type, client.metadata.response_types) and not missing,
        "The client is registered for this response type",
        section="RFC 6749 section 4.1.2.1",
        error=UnauthorizedClientError,
        description="The client may not use this response_type",
        expected=", ".join(client.metadata.response_types),
        got=f"{text}, which needs the grant type {' and '.join(sorted(missing))}" if missing else text,
        fix="Use a registered response_type, or change response_types and grant_types with `signet client update "
        "CLIENT_ID --metadata FILE`.",
    )
    return response_type


def require_response_mode(checks: Checks, client: Client, given: Parameters) -> None:
    """Check that the client may use the requested response mode, or the default mode of the response type."""
    default = default_mode(given.get("response_type", ""))
    mode = given.get("response_mode", default)
    checks.require(
        mode in set(ResponseMode),
        "The response mode is supported",
        section="OAuth 2.0 Multiple Response Types section 2.1",
        error=InvalidRequestError,
        description="This response_mode is not supported",
        expected=", ".join(ResponseMode),
        got=mode,
        fix="Send one of the expected values, or omit response_mode.",
    )
    checks.require(
        mode != ResponseMode.QUERY or default is ResponseMode.QUERY,
        "Tokens do not travel in the query",
        section="OAuth 2.0 Multiple Response Types section 5",
        error=InvalidRequestError,
        description="response_mode query cannot carry tokens",
        expected="fragment or form_post",
        got=mode,
        fix="Send response_mode=form_post or fragment, or use response_type=code.",
    )
    checks.require(
        mode in client.metadata.response_modes,
        "The client is registered for this response mode",
        section="OAuth 2.0 Multiple Response Types section 2.1",
        error=InvalidRequestError,
        description="The client may not use this response_mode",
        expected=", ".join(client.metadata.response_modes),
        got=mode,
        fix="Use a registered response_mode, or change response_modes with `signet client update CLIENT_ID "
        "--metadata FILE`.",
    )


def require_id_token_can_be_used(
    checks: Checks, response_type: ResponseType, given: Parameters, scope: tuple[str, ...]
) -> None:
    """Check that a front-channel ID token belongs to an OpenID request and that the request has a nonce."""
    if ID_TOKEN not in response_type:
        return
    checks.require(
        OPENID in scope,
        "The scope openid is asked for",
        section="OIDC Core section 3.2.2.1",
        error=InvalidRequestError,
        description="An ID token needs the scope openid",
        expected=OPENID,
        got=" ".join(scope) or "nothing",
        fix="Add openid to the scope of the request, or leave id_token out of response_type.",
    )
    checks.require(
        "nonce" in given,
        "nonce is present",
        section="OIDC Core section 3.2.2.11",
        error=InvalidRequestError,
        description="nonce is missing",
        got="nothing",
        fix="Send a nonce of its own with each request, and compare it with the ID token's.",
    )
