"""What tests get: a user, a client, an email, a logout request. Plain values."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit


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
class Logout:
    """A back-channel logout request that Signet sent to an app."""

    url: str
    token: str
    status: int | None
    """The status of the app's answer; None if nothing answered there, as for an app without a port."""

    @property
    def path(self) -> str:
        """The path and the query, for a test client that takes no whole URL."""
        return path_of(self.url)

    @property
    def form(self) -> dict[str, str]:
        """What is posted there."""
        return {"logout_token": self.token}


def path_of(url: str) -> str:
    """Return the path and the query of a URL."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


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
