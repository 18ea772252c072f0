"""The OAuth errors: what each code means, where it is answered, and what to do about it.

Statuses come from the classes in `provider.oauth.errors`. tests/docs/test_errors.py compares the codes with those that
the code raises, and `tests/support/documented.py` the endpoints with those where a test meets a code.
"""

from dataclasses import dataclass

from authlib.oauth2 import OAuth2Error

from provider.oauth import errors
from provider.oauth.authorize import errors as of_openid
from provider.oauth.errors import AccessDeniedError, RegistrationForbiddenError
from tests.docs.generate.markdown import table


@dataclass(frozen=True)
class Code:
    """An error code: what it means, the section that defines it, and what the developer does about it."""

    meaning: str
    section: str
    fix: str


CODES = {
    "access_denied": Code(
        "The user declined, or is not allowed to.",
        "RFC 6749 section 4.1.2.1",
        "Tell the user that nothing was connected, and let them try again.",
    ),
    "account_selection_required": Code(
        "`prompt=none` was sent, and the user must choose an account.",
        "OIDC Core section 3.1.2.6",
        "Send the request again without `prompt=none`.",
    ),
    "authorization_pending": Code(
        "The user has not answered yet.",
        "RFC 8628 section 3.5",
        "Wait for `interval` seconds and ask again. Do not show it as an error.",
    ),
    "consent_required": Code(
        "`prompt=none` was sent, and the user must allow access first.",
        "OIDC Core section 3.1.2.6",
        "Send the request again without `prompt=none`.",
    ),
    "expired_token": Code(
        "The device code has expired.",
        "RFC 8628 section 3.5",
        "Start again with a new device authorization request.",
    ),
    "insufficient_authorization": Code(
        "The sign-in is not complete. The description says what is missing.",
        "First-Party Applications section 5.2",
        "Ask the user for it, and send it with the `auth_session` of the response.",
    ),
    "insufficient_scope": Code(
        "The access token was issued without the scope that is needed here.",
        "RFC 6750 section 3.1",
        "Request the scope when the user signs in, and send the access token issued then.",
    ),
    "insufficient_user_authentication": Code(
        "The user must confirm the password, or use a second factor, for this operation of the account API.",
        "RFC 9470 section 3",
        "Call confirm-password, or request authorization with the `max_age` and `acr_values` of the challenge.",
    ),
    "interaction_required": Code(
        "`prompt=none` was sent, and the user must do something on a page first.",
        "OIDC Core section 3.1.2.6",
        "Send the request again without `prompt=none`.",
    ),
    "invalid_client": Code(
        "Client authentication failed: the client is unknown or disabled, or its credentials are wrong or missing.",
        "RFC 6749 section 5.2",
        "Check the `client_id`, the secret or key, and `token_endpoint_auth_method` of the client.",
    ),
    "invalid_client_metadata": Code(
        "A member of the client metadata is invalid. The description names it.",
        "RFC 7591 section 3.2.2",
        "Correct the member and send the metadata again.",
    ),
    "invalid_grant": Code(
        "The code or token is wrong, expired, used or revoked, or was issued to another client.",
        "RFC 6749 section 5.2",
        "Start again with a new authorization request. Retrying does not help.",
    ),
    "invalid_redirect_uri": Code(
        "A redirect URI of the client metadata is not allowed.",
        "RFC 7591 section 3.2.2",
        "Use an https URI, a loopback URI, or a private-use scheme with a dot.",
    ),
    "invalid_request": Code(
        "The request has missing, repeated or invalid parameters. The description names them.",
        "RFC 6749 sections 4.1.2.1 and 5.2",
        "Correct the request. `signet explain` shows what was expected.",
    ),
    "invalid_request_object": Code(
        "The request object has an invalid signature, time, audience or content.",
        "RFC 9101 section 7",
        "Sign a new request object with the registered key and algorithm.",
    ),
    "invalid_request_uri": Code(
        "The `request_uri` is not registered, or no request object can be fetched there.",
        "RFC 9101 section 7",
        "Register the URI in `request_uris`, and make it reachable from Signet.",
    ),
    "invalid_scope": Code(
        "A scope is unknown, or the client is not registered for it.",
        "RFC 6749 section 5.2",
        "Request registered scopes only, or add the scope to the client.",
    ),
    "invalid_session": Code(
        "The `auth_session` is unknown, expired or used, or belongs to another client.",
        "First-Party Applications section 5.2",
        "Begin again with the username and password.",
    ),
    "invalid_software_statement": Code(
        "The software statement is not a JWT.",
        "RFC 7591 section 3.2.2",
        "Register without `software_statement`.",
    ),
    "invalid_target": Code(
        "The `resource` or `audience` is not a registered API, or the client may not request it.",
        "RFC 8707 section 2",
        "Use a URI in `resource_identifiers` of an API that is registered here.",
    ),
    "invalid_token": Code(
        "The access token is missing, malformed, expired or revoked, or is for another API.",
        "RFC 6750 section 3.1",
        "Refresh, and send the new access token. If that fails, let the user sign in again.",
    ),
    "login_required": Code(
        "`prompt=none` was sent, and the user is not signed in, or not recently enough.",
        "OIDC Core section 3.1.2.6",
        "Send the request again without `prompt=none`.",
    ),
    "redirect_to_web": Code(
        "The sign-in can only continue in a browser.",
        "First-Party Applications section 5.2",
        "Start an authorization request in a browser.",
    ),
    "registration_not_supported": Code(
        "The parameter `registration` was sent.",
        "OIDC Core section 3.1.2.6",
        "Leave `registration` out, and register the client beforehand.",
    ),
    "request_uri_not_supported": Code(
        "A `request_uri` was sent that is not from the PAR endpoint, and `SIGNET_REQUEST_URI` is off.",
        "OIDC Core section 3.1.2.6",
        "Push the request to the PAR endpoint instead.",
    ),
    "server_error": Code(
        "Something went wrong on the server.",
        "RFC 6749 section 4.1.2.1",
        "Try again later. Give the operator the error ID.",
    ),
    "slow_down": Code(
        "The device asked too early.",
        "RFC 8628 section 3.5",
        "Wait five seconds longer between requests from now on.",
    ),
    "temporarily_unavailable": Code(
        "The server, or a server that it depends on, is not available, or too many requests were sent.",
        "RFC 6749 section 4.1.2.1",
        "Retry after the seconds in `Retry-After`.",
    ),
    "unapproved_software_statement": Code(
        "Signet trusts no issuer of software statements.",
        "RFC 7591 section 3.2.2",
        "Register without `software_statement`.",
    ),
    "unauthorized_client": Code(
        "The client is not registered for this grant type, response type or endpoint.",
        "RFC 6749 section 5.2",
        "Register the client for it: `signet client update`.",
    ),
    "unmet_authentication_requirements": Code(
        "The requested `acr` or claim cannot be reached by this user.",
        "OpenID Connect Core Error Code unmet_authentication_requirements section 2",
        "Request an `acr` that the user can reach, or let them set up a second factor.",
    ),
    "unsupported_grant_type": Code(
        "The `grant_type` is not one that Signet supports.",
        "RFC 6749 section 5.2",
        "Use a grant type of `grant_types_supported` in the discovery document.",
    ),
    "unsupported_response_type": Code(
        "The `response_type` is not one that Signet supports.",
        "RFC 6749 section 4.1.2.1",
        "Use `response_type=code`.",
    ),
}
"""Every code, in the order of the alphabet."""

CLIENT = {
    "invalid_request": "The body is not a form, a parameter is missing or invalid, or secrets are in the URL.",
    "invalid_client": "",
}
"""What every endpoint for authenticated clients answers."""
REQUEST = {
    "invalid_request": "A parameter, or PKCE, is missing or invalid, or the redirect URI is not registered.",
    "invalid_request_object": "",
    "invalid_request_uri": "",
    "invalid_scope": "",
    "invalid_target": "",
    "unauthorized_client": "The client is not registered for this `response_type`.",
    "unsupported_response_type": "",
    "registration_not_supported": "",
    "request_uri_not_supported": "",
}
"""What can be wrong with an authorization request."""
ENCRYPTION = {
    "invalid_client_metadata": "The response must be encrypted, and the client has no key for its algorithm.",
    "temporarily_unavailable": "The response must be encrypted, and the keys of the client cannot be fetched.",
}
"""What an endpoint answers that encrypts a response for the client (OIDC Core section 10.2)."""
BEARER = {
    "invalid_request": "More than one access token was sent.",
    "invalid_token": "",
    "insufficient_scope": "",
}
METADATA = {
    "invalid_request": "More than one token was sent.",
    "invalid_token": "The initial access token, or registration access token, is missing or wrong, or has expired.",
    "invalid_client_metadata": "",
    "invalid_redirect_uri": "",
    "invalid_software_statement": "",
    "unapproved_software_statement": "",
}


@dataclass(frozen=True)
class Endpoint:
    """An endpoint: its heading, its path, and its codes with what each means there, if that is narrower."""

    heading: str
    path: str
    codes: dict[str, str]


ENDPOINTS = {
    "authorization": Endpoint(
        "Authorization",
        "/oauth2/authorize",
        REQUEST
        | {
            "access_denied": "The user declined or cancelled.",
            "account_selection_required": "",
            "consent_required": "",
            "interaction_required": "",
            "login_required": "",
            "unmet_authentication_requirements": "",
        }
        | ENCRYPTION,
    ),
    "token": Endpoint(
        "Token",
        "/oauth2/token",
        CLIENT
        | {
            "invalid_grant": "",
            "unauthorized_client": "The client is not registered for this `grant_type`.",
            "unsupported_grant_type": "",
            "invalid_scope": "More scope than was granted, or than the client is registered for.",
            "invalid_target": "",
            "authorization_pending": "",
            "slow_down": "",
            "expired_token": "",
            "access_denied": "The user declined on the device page.",
        }
        | ENCRYPTION,
    ),
    "pushed_authorization_request": Endpoint("Pushed authorization requests", "/oauth2/par", CLIENT | REQUEST),
    "device authorization": Endpoint(
        "Device authorization",
        "/oauth2/device_authorization",
        CLIENT
        | {
            "unauthorized_client": "The client is not registered for the device flow.",
            "invalid_scope": "",
            "invalid_target": "A `resource` other than the issuer was requested.",
        },
    ),
    "authorization challenge": Endpoint(
        "Authorization challenge",
        "/oauth2/authorize-challenge",
        CLIENT
        | {
            "unauthorized_client": "The client is not registered for `authorization_challenge`.",
            "access_denied": "The email address or the password is wrong, or the account is suspended.",
            "insufficient_authorization": "",
            "invalid_session": "",
            "redirect_to_web": "",
            "invalid_scope": "",
        },
    ),
    "introspection": Endpoint(
        "Introspection",
        "/oauth2/introspect",
        CLIENT
        | {
            "access_denied": 'Never sent: the response is `{"active": false}`. `signet explain` says that the token is '
            "not for the caller.",
        }
        | ENCRYPTION,
    ),
    "revocation": Endpoint(
        "Revocation",
        "/oauth2/revoke",
        CLIENT | {"invalid_grant": "The token was issued to another client."},
    ),
    "userinfo": Endpoint("Userinfo", "/oauth2/userinfo", BEARER | ENCRYPTION),
    "registration": Endpoint("Registration", "/oauth2/register", METADATA),
    "client_configuration": Endpoint(
        "Client configuration",
        "/oauth2/register/{client_id}",
        METADATA | {"access_denied": "An operator disabled the client."},
    ),
    "logout": Endpoint(
        "Logout",
        "/oauth2/logout",
        {
            "invalid_request": "The `id_token_hint`, `client_id` or `post_logout_redirect_uri` is invalid.",
        },
    ),
}
"""By the name of the endpoint in explanations and metrics."""
OF_THE_APIS = BEARER | {"invalid_client": "", "unauthorized_client": ""}
STEP_UP = "insufficient_user_authentication"
"""The code in the challenge of the problems confirmation-needed and second-factor-needed."""
OUTSIDE = {"server_error": {500}, "temporarily_unavailable": {429}}
"""The statuses of what is no error of the protocol (`web.errors.as_json`)."""
AT = {name: frozenset(endpoint.codes) for name, endpoint in ENDPOINTS.items()} | {
    "account API": frozenset(OF_THE_APIS),
    "admin API": frozenset(BEARER),
    "encryption": frozenset(ENCRYPTION),
}
"""The codes that can be explained, by the name that `oauth.checks.Checks` has of the endpoint."""


def oauth_endpoints() -> str:
    return "\n".join(_endpoint(name, endpoint) for name, endpoint in ENDPOINTS.items())


def _endpoint(name: str, endpoint: Endpoint) -> str:
    rows = [
        (f"[`{code}`](#{code})", _status(name, code), when or CODES[code].meaning)
        for code, when in endpoint.codes.items()
    ]
    return f"### {endpoint.heading}\n\n`{endpoint.path}`\n\n" + table(("error", "status", "when"), rows)


def _status(endpoint: str, code: str) -> str:
    if endpoint == "authorization":
        return "redirect or page" if code.startswith("invalid_request") else "redirect"
    if endpoint == "logout":
        return "400, on a page"
    return status_of(code, RegistrationForbiddenError if endpoint == "client_configuration" else AccessDeniedError)


def status_of(code: str, denied: type[OAuth2Error] | None = None) -> str:
    """Return the status of the responses with an error code, or all of them if several classes have it.

    `denied` is the class with the code `access_denied` that is meant.
    """
    classes = {each for each in classes_of_errors() if each.error == code}
    if denied in classes:
        classes = {denied}
    found = {each.status_code for each in classes} | (OUTSIDE | {STEP_UP: {401}}).get(code, set())
    return ", ".join(map(str, sorted(found)))


def classes_of_errors() -> set[type[OAuth2Error]]:
    """Return the classes of errors that the code can raise."""
    found = {getattr(module, name) for module in (errors, of_openid) for name in module.__all__}
    return found - {OAuth2Error, errors.ChallengeError}


def oauth_codes() -> str:
    return "\n".join(
        f"### {code}\n\n{of.meaning}\n\n**What to do**: {of.fix}\n\n*Status {status_of(code)}. {of.section}.*\n"
        for code, of in CODES.items()
    )
