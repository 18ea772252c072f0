"""The error codes of OpenID Connect Core sections 3.1.2.6 and 6, from Authlib.

They are apart from `oauth.errors` because importing them loads joserfc, which most commands do not need.
"""

from authlib.oidc.core.errors import (
    AccountSelectionRequiredError,
    ConsentRequiredError,
    InteractionRequiredError,
    LoginRequiredError,
    RegistrationNotSupportedError,
    RequestURINotSupportedError,
)

__all__ = [
    "AccountSelectionRequiredError",
    "ConsentRequiredError",
    "InteractionRequiredError",
    "LoginRequiredError",
    "RegistrationNotSupportedError",
    "RequestURINotSupportedError",
]
