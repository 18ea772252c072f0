"""The error codes Authlib lacks, or gives another status, and the ones we use, from one place."""

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
from authlib.oidc.core.errors import (
    AccountSelectionRequiredError,
    ConsentRequiredError,
    InteractionRequiredError,
    LoginRequiredError,
    RegistrationNotSupportedError,
    RequestURINotSupportedError,
)


class InvalidClientError(_InvalidClientError):
    """401 always, so that the WWW-Authenticate header has its meaning (RFC 6749 section 5.2)."""

    status_code = 401


class UnsupportedGrantTypeError(OAuth2Error):
    error = _UnsupportedGrantTypeError.error


class UnsupportedResponseTypeError(OAuth2Error):
    error = _UnsupportedResponseTypeError.error


class InvalidTargetError(OAuth2Error):
    """RFC 8707 section 2, RFC 8693 section 2.2.2."""

    error = "invalid_target"


class InvalidRequestUriError(OAuth2Error):
    """RFC 9126 section 2.3: unknown, expired, or used up; RFC 9101 section 7: it leads to no request object."""

    error = "invalid_request_uri"


class InvalidRequestObjectError(OAuth2Error):
    """RFC 9101 section 7."""

    error = "invalid_request_object"


class UnmetAuthenticationRequirementsError(OAuth2Error):
    """OpenID Connect Core Error Code unmet_authentication_requirements: an essential acr that cannot be reached."""

    error = "unmet_authentication_requirements"


class AuthorizationPendingError(OAuth2Error):
    """RFC 8628 section 3.5: ask again."""

    error = "authorization_pending"


class SlowDownError(OAuth2Error):
    """RFC 8628 section 3.5: ask again, and leave five seconds more in between from now on."""

    error = "slow_down"


class ExpiredTokenError(OAuth2Error):
    """RFC 8628 section 3.5: begin anew."""

    error = "expired_token"


class InvalidTokenError(OAuth2Error):
    """RFC 6750 section 3.1."""

    error = "invalid_token"
    status_code = 401


class MissingTokenError(InvalidTokenError):
    """RFC 6750 section 3: nothing was sent, so the challenge holds no error code."""


class InsufficientScopeError(OAuth2Error):
    """RFC 6750 section 3.1."""

    error = "insufficient_scope"
    status_code = 403


class ChallengeError(OAuth2Error):
    """Of the authorization challenge endpoint; `members` go beside the error (First-Party Applications section 5.2)."""

    members: dict[str, Any] = {}  # noqa: RUF012  # replaced, never changed

    def __init__(self, description: str, **members: Any) -> None:
        self.members = members
        super().__init__(description=description)


class InsufficientAuthorizationError(ChallengeError):
    """Right so far; the app is to go on with what the description asks for."""

    error = "insufficient_authorization"
    status_code = 403


class InvalidSessionError(ChallengeError):
    """The auth_session is unknown, over, or another client's."""

    error = "invalid_session"


class RedirectToWebError(ChallengeError):
    """Only a browser gets any further."""

    error = "redirect_to_web"


class InvalidClientMetadataError(OAuth2Error):
    """RFC 7591 section 3.2.2: what the client is registered with does not do."""

    error = "invalid_client_metadata"


class InvalidRedirectUriError(OAuth2Error):
    """RFC 7591 section 3.2.2."""

    error = "invalid_redirect_uri"


class InvalidSoftwareStatementError(OAuth2Error):
    """RFC 7591 section 3.2.2: it is none."""

    error = "invalid_software_statement"


class UnapprovedSoftwareStatementError(OAuth2Error):
    """RFC 7591 section 3.2.2: nobody here trusts whoever made it."""

    error = "unapproved_software_statement"


class RegistrationForbiddenError(OAuth2Error):
    """RFC 7592 section 2.1: the token is right, and yet the client may not see or change what it is registered as."""

    error = "access_denied"
    status_code = 403


class ClientKeysUnavailableError(OAuth2Error):
    """RFC 6749 section 4.1.2.1: nothing that was asked is wrong, and asking again may help."""

    error = "temporarily_unavailable"
    status_code = 503


class UnsupportedTokenTypeError(OAuth2Error):
    """RFC 7009 section 2.2.1."""

    error = "unsupported_token_type"


__all__ = [
    "AccessDeniedError",
    "AccountSelectionRequiredError",
    "AuthorizationPendingError",
    "ChallengeError",
    "ClientKeysUnavailableError",
    "ConsentRequiredError",
    "ExpiredTokenError",
    "InsufficientAuthorizationError",
    "InsufficientScopeError",
    "InteractionRequiredError",
    "InvalidClientError",
    "InvalidClientMetadataError",
    "InvalidGrantError",
    "InvalidRedirectUriError",
    "InvalidRequestError",
    "InvalidRequestObjectError",
    "InvalidRequestUriError",
    "InvalidScopeError",
    "InvalidSessionError",
    "InvalidSoftwareStatementError",
    "InvalidTokenError",
    "LoginRequiredError",
    "MissingTokenError",
    "OAuth2Error",
    "RedirectToWebError",
    "RegistrationForbiddenError",
    "RegistrationNotSupportedError",
    "RequestURINotSupportedError",
    "SlowDownError",
    "UnapprovedSoftwareStatementError",
    "UnauthorizedClientError",
    "UnmetAuthenticationRequirementsError",
    "UnsupportedGrantTypeError",
    "UnsupportedResponseTypeError",
    "UnsupportedTokenTypeError",
]
