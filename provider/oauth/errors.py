"""The OAuth error codes, from one place: those we use, and those that Authlib lacks or gives another status."""

from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AccessDeniedError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749 import InvalidClientError as _InvalidClientError
from authlib.oauth2.rfc6749 import UnsupportedGrantTypeError as _UnsupportedGrantTypeError
from authlib.oauth2.rfc6749 import UnsupportedResponseTypeError as _UnsupportedResponseTypeError


class InvalidClientError(_InvalidClientError):
    """Failed client authentication: always 401, so that the WWW-Authenticate header has its meaning (RFC 6749 section
    5.2).
    """

    status_code = 401


class UnsupportedGrantTypeError(OAuth2Error):
    error = _UnsupportedGrantTypeError.error


class UnsupportedResponseTypeError(OAuth2Error):
    error = _UnsupportedResponseTypeError.error


class InvalidTargetError(OAuth2Error):
    """An invalid or unknown resource (RFC 8707 section 2, RFC 8693 section 2.2.2)."""

    error = "invalid_target"


class InvalidAuthorizationDetailsError(OAuth2Error):
    """Authorization details that are invalid, of an unknown type, or not granted (RFC 9396 sections 5, 6)."""

    error = "invalid_authorization_details"


class InvalidRequestUriError(OAuth2Error):
    """An invalid request_uri: unknown, expired, or used (RFC 9126 section 2.3).

    Also one that leads to no request object (RFC 9101 section 7).
    """

    error = "invalid_request_uri"


class InvalidRequestObjectError(OAuth2Error):
    """An invalid request object (RFC 9101 section 7)."""

    error = "invalid_request_object"


class UnmetAuthenticationRequirementsError(OAuth2Error):
    """An essential acr that cannot be reached.

    See OpenID Connect Core Error Code unmet_authentication_requirements.
    """

    error = "unmet_authentication_requirements"


class AuthorizationPendingError(OAuth2Error):
    """A device code or auth_req_id without an answer yet: the client asks again (RFC 8628 section 3.5, CIBA section
    11).
    """

    error = "authorization_pending"


class SlowDownError(OAuth2Error):
    """A client that asks too often: from now on it waits five seconds longer between polls (RFC 8628 section 3.5, CIBA
    section 11).
    """

    error = "slow_down"


class ExpiredTokenError(OAuth2Error):
    """An expired device code or auth_req_id: the client starts over (RFC 8628 section 3.5, CIBA section 11)."""

    error = "expired_token"


class UnknownUserIdError(OAuth2Error):
    """A hint that names no user (CIBA section 13)."""

    error = "unknown_user_id"


class InvalidBindingMessageError(OAuth2Error):
    """A binding_message that cannot be shown to the user (CIBA section 13)."""

    error = "invalid_binding_message"


class RequestDeniedError(AccessDeniedError):
    """A backchannel authentication request that is denied without asking the user (CIBA section 13)."""

    status_code = 403


class InvalidTokenError(OAuth2Error):
    """An invalid bearer token (RFC 6750 section 3.1)."""

    error = "invalid_token"
    status_code = 401


class MissingTokenError(InvalidTokenError):
    """A request without a token: the challenge has no error code (RFC 6750 section 3)."""


class InvalidDpopProofError(OAuth2Error):
    """A missing or invalid DPoP proof (RFC 9449 section 5)."""

    error = "invalid_dpop_proof"


class UseDpopNonceError(OAuth2Error):
    """A DPoP proof without a current nonce, which the response has: the client sends another proof (RFC 9449 section
    8).
    """

    error = "use_dpop_nonce"


class InvalidResourceProofError(InvalidDpopProofError):
    """An invalid proof at one of our own APIs (RFC 9449 section 7.1)."""

    status_code = 401


class UseResourceNonceError(UseDpopNonceError):
    """A proof without a current nonce at one of our own APIs (RFC 9449 section 9)."""

    status_code = 401


class InsufficientScopeError(OAuth2Error):
    """A token without the scope that is needed (RFC 6750 section 3.1). `scope` is that scope, for the challenge."""

    error = "insufficient_scope"
    status_code = 403
    scope = ""


class ChallengeError(OAuth2Error):
    """An error of the authorization challenge endpoint. `members` are added to the response (First-Party Applications
    section 5.2).
    """

    members: dict[str, Any] = {}  # noqa: RUF012  # replaced, never changed

    def __init__(self, description: str, **members: Any) -> None:
        self.members = members
        super().__init__(description=description)


class InsufficientAuthorizationError(ChallengeError):
    """An incomplete authorization without a mistake: the app continues with what the description asks for."""

    error = "insufficient_authorization"
    status_code = 403


class InvalidSessionError(ChallengeError):
    """An auth_session that is unknown, expired, or another client's."""

    error = "invalid_session"


class RedirectToWebError(ChallengeError):
    """A sign-in that can only continue in a browser."""

    error = "redirect_to_web"


class InvalidClientMetadataError(OAuth2Error):
    """Invalid client metadata (RFC 7591 section 3.2.2)."""

    error = "invalid_client_metadata"


class InvalidRedirectUriError(OAuth2Error):
    """An invalid redirect URI (RFC 7591 section 3.2.2)."""

    error = "invalid_redirect_uri"


class InvalidSoftwareStatementError(OAuth2Error):
    """An invalid software statement (RFC 7591 section 3.2.2)."""

    error = "invalid_software_statement"


class UnapprovedSoftwareStatementError(OAuth2Error):
    """A software statement by an issuer that is not trusted here (RFC 7591 section 3.2.2)."""

    error = "unapproved_software_statement"


class RegistrationForbiddenError(OAuth2Error):
    """A valid registration access token whose client may not read or change its registration (RFC 7592 section 2.1)."""

    error = "access_denied"
    status_code = 403


class ClientKeysUnavailableError(OAuth2Error):
    """A client's keys that cannot be fetched; the request is valid and may be retried (RFC 6749 section 4.1.2.1)."""

    error = "temporarily_unavailable"
    status_code = 503


class IssuerUnavailableError(OAuth2Error):
    """A trusted issuer whose keys cannot be fetched; the request may be retried (RFC 6749 section 4.1.2.1)."""

    error = "temporarily_unavailable"
    status_code = 503


class UpstreamUnavailableError(OAuth2Error):
    """An upstream provider that did not answer; the request may be retried (RFC 6749 section 4.1.2.1)."""

    error = "temporarily_unavailable"
    status_code = 503


class UnsupportedTokenTypeError(OAuth2Error):
    """A token of a type that cannot be revoked (RFC 7009 section 2.2.1)."""

    error = "unsupported_token_type"


__all__ = [
    "AccessDeniedError",
    "AuthorizationPendingError",
    "ChallengeError",
    "ClientKeysUnavailableError",
    "ExpiredTokenError",
    "InsufficientAuthorizationError",
    "InsufficientScopeError",
    "InvalidAuthorizationDetailsError",
    "InvalidBindingMessageError",
    "InvalidClientError",
    "InvalidClientMetadataError",
    "InvalidDpopProofError",
    "InvalidGrantError",
    "InvalidRedirectUriError",
    "InvalidRequestError",
    "InvalidRequestObjectError",
    "InvalidRequestUriError",
    "InvalidResourceProofError",
    "InvalidScopeError",
    "InvalidSessionError",
    "InvalidSoftwareStatementError",
    "InvalidTargetError",
    "InvalidTokenError",
    "IssuerUnavailableError",
    "MissingTokenError",
    "OAuth2Error",
    "RedirectToWebError",
    "RegistrationForbiddenError",
    "RequestDeniedError",
    "SlowDownError",
    "UnapprovedSoftwareStatementError",
    "UnauthorizedClientError",
    "UnknownUserIdError",
    "UnmetAuthenticationRequirementsError",
    "UnsupportedGrantTypeError",
    "UnsupportedResponseTypeError",
    "UnsupportedTokenTypeError",
    "UpstreamUnavailableError",
    "UseDpopNonceError",
    "UseResourceNonceError",
]
