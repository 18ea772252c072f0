"""What each OAuth error code means, and what to do about it. tests/docs/test_errors.py compares them with the code."""

from dataclasses import dataclass


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
        "`prompt=none` was sent, and the user must choose an account. Several are signed in in the browser.",
        "OIDC Core section 3.1.2.6",
        "Send `id_token_hint`, which names the account. Or send the request again without `prompt=none`.",
    ),
    "authorization_pending": Code(
        "The user has not answered yet.",
        "RFC 8628 section 3.5, CIBA section 11",
        "Wait for `interval` seconds and ask again. Do not show it as an error.",
    ),
    "consent_required": Code(
        "`prompt=none` was sent, and the user must allow access first.",
        "OIDC Core section 3.1.2.6",
        "Send the request again without `prompt=none`.",
    ),
    "expired_token": Code(
        "The device code or `auth_req_id` has expired.",
        "RFC 8628 section 3.5, CIBA section 11",
        "Start again with a new device authorization request or backchannel authentication request.",
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
    "invalid_authorization_details": Code(
        "The `authorization_details` are malformed or too large, of a type that is not declared here or not registered "
        "for the client, do not conform to its schema, or were not granted.",
        "RFC 9396 section 5",
        "Send what the schema of the type asks for. At the token endpoint, send some of the granted objects, or none "
        "to get all of them.",
    ),
    "invalid_binding_message": Code(
        "The `binding_message` is too long, or has a character that cannot be shown on one line.",
        "CIBA section 13",
        "Send a short text, such as a transaction number.",
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
    "invalid_dpop_proof": Code(
        "The DPoP proof is missing or invalid, or was used before. The description says what is wrong.",
        "RFC 9449 sections 5 and 7.1",
        "Create a new proof for each request: for its method and URL, and at an API with the hash of the access token.",
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
        "The client asked too early.",
        "RFC 8628 section 3.5, CIBA section 11",
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
    "unknown_user_id": Code(
        "The hint names no user who can sign in here.",
        "CIBA section 13",
        "Check the hint. The user needs an active account with a verified email address.",
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
    "use_dpop_nonce": Code(
        "The DPoP proof needs a nonce, or a newer one. Or its `iat` is not the current time, and a nonce is needed.",
        "RFC 9449 sections 8 and 9",
        "Send the request again, with a new proof that has the nonce of the `DPoP-Nonce` header.",
    ),
}
"""Every code, in the order of the alphabet."""
