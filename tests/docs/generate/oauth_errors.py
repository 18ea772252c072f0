"""The OAuth errors: where each code is answered, and with which status.

Statuses come from the classes in `provider.oauth.errors`. tests/docs/test_errors.py compares the codes with those that
the code raises, and `tests/support/documented.py` the endpoints with those where a test meets a code.
"""

from dataclasses import dataclass

from authlib.oauth2 import OAuth2Error

from provider.oauth import errors
from provider.oauth.authorize import errors as of_openid
from provider.oauth.errors import AccessDeniedError, RegistrationForbiddenError, RequestDeniedError
from tests.docs.generate.markdown import table
from tests.docs.generate.oauth_codes import CODES

CLIENT = {
    "invalid_request": "The body is not a form, a parameter is missing or invalid, or secrets are in the URL.",
    "invalid_client": "",
}
"""What every endpoint for authenticated clients answers."""
PROOF = {"invalid_dpop_proof": "", "use_dpop_nonce": ""}
"""What every endpoint answers that takes DPoP proofs."""
REQUEST = {
    "invalid_request": "A parameter, or PKCE, is missing or invalid, or the redirect URI is not registered.",
    "invalid_request_object": "",
    "invalid_request_uri": "",
    "invalid_scope": "",
    "invalid_target": "",
    "invalid_authorization_details": "",
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
} | PROOF
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


STREAM = {"invalid_request": "More than one access token was sent, or a member of the request is invalid."}
ENDPOINTS = {
    "authorization": Endpoint(
        "Authorization",
        "/oauth2/authorize",
        REQUEST
        | {
            "access_denied": "The user declined or canceled.",
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
            "invalid_authorization_details": "More than was granted, or than the client is registered for.",
            "authorization_pending": "",
            "slow_down": "",
            "expired_token": "",
            "access_denied": "The user declined the request of a device or app.",
        }
        | PROOF
        | ENCRYPTION,
    ),
    "pushed_authorization_request": Endpoint("Pushed authorization requests", "/oauth2/par", CLIENT | REQUEST | PROOF),
    "device authorization": Endpoint(
        "Device authorization",
        "/oauth2/device_authorization",
        CLIENT
        | {
            "unauthorized_client": "The client is not registered for the device flow.",
            "invalid_scope": "",
            "invalid_target": "A `resource` other than the issuer was requested.",
            "invalid_authorization_details": "",
        },
    ),
    "backchannel authentication": Endpoint(
        "Backchannel authentication",
        "/oauth2/bc-authorize",
        CLIENT
        | {
            "unauthorized_client": "The client is not registered for CIBA.",
            "invalid_scope": "",
            "invalid_target": "",
            "invalid_binding_message": "",
            "invalid_request_object": "`request` is not a JWT.",
            "unknown_user_id": "",
            "access_denied": "The user denied several requests of the client lately.",
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
            "invalid_authorization_details": "",
        }
        | PROOF,
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
    "shared signals": Endpoint(
        "Shared signals", "/ssf/streams, /ssf/status, /ssf/verify, /ssf/poll/{stream_id}", BEARER
    ),
    "global token revocation": Endpoint("Global token revocation", "/oauth2/global-token-revocation", BEARER),
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
    "SCIM": frozenset(BEARER | {"invalid_client": ""}),
    "encryption": frozenset(ENCRYPTION),
    "forward auth": frozenset({"access_denied"}),
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
    denied = {"client_configuration": RegistrationForbiddenError, "backchannel authentication": RequestDeniedError}
    return status_of(code, denied.get(endpoint, AccessDeniedError))


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
