"""The error of a request to a protected site that is rejected."""

from authlib.oauth2 import OAuth2Error

from provider.languages.text import Text
from provider.oauth.checks import Checks


class SiteRejected(OAuth2Error):  # type: ignore[misc]
    """A request to a protected site, or the end of a sign-in there, that is rejected."""

    error = "access_denied"

    def __init__(self, text: Text, checks: Checks, why: str, *, is_stored: bool = True) -> None:
        super().__init__(description=why)
        self.text, self.checks, self.is_stored = text, checks, is_stored
        """What the user reads, the checks of the explanation, and whether it is stored."""
