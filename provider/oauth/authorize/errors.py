"""The error codes of OpenID Connect Core sections 3.1.2.6 and 6.

Authlib has them too, but loads all of its OpenID Connect with them.
"""

from authlib.oauth2 import OAuth2Error

__all__ = [
    "AccountSelectionRequiredError",
    "ConsentRequiredError",
    "InteractionRequiredError",
    "LoginRequiredError",
    "RegistrationNotSupportedError",
    "RequestURINotSupportedError",
]


class InteractionRequiredError(OAuth2Error):
    error = "interaction_required"


class LoginRequiredError(OAuth2Error):
    error = "login_required"


class AccountSelectionRequiredError(OAuth2Error):
    error = "account_selection_required"


class ConsentRequiredError(OAuth2Error):
    error = "consent_required"


class RequestURINotSupportedError(OAuth2Error):
    error = "request_uri_not_supported"


class RegistrationNotSupportedError(OAuth2Error):
    error = "registration_not_supported"
