"""What tests get: a user, a client, an email. Plain values."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class User:
    """A user with the password to sign in with."""

    sub: str
    email: str
    password: str
    authenticator: str | None = None
    """The key of the user's authenticator app, if there is one."""

    @property
    def id(self) -> str:
        return self.sub


@dataclass(frozen=True)
class Client:
    """A registered client. `client_secret` is None for a public one."""

    client_id: str
    client_secret: str | None
    redirect_uris: tuple[str, ...]
    issuer: str

    @property
    def redirect_uri(self) -> str:
        """The first redirect URI."""
        return self.redirect_uris[0]

    @property
    def discovery_url(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"


@dataclass(frozen=True)
class Email:
    """An email that Signet would have sent."""

    to: str
    subject: str
    text: str
    html: str

    @property
    def code(self) -> str | None:
        """The six digits to type, or None."""
        found = re.search(r"(?<!\d)(\d{3})[ -]?(\d{3})(?!\d)", re.sub(r"https?://\S+", "", self.text))
        return found[1] + found[2] if found else None

    @property
    def link(self) -> str | None:
        """The first link, or None."""
        found = re.search(r"https?://\S+", self.text)
        return found[0] if found else None
