"""The page a user goes to after a sign-in, a sign-up or a reset: a parked authorization request, or a page of ours.

It is carried in the query string from page to page. The only values are a `request_uri` with its `client_id`, a
`return_to` path, a `prompt`, and the `ui_locales` that an app requested. The `client_id` leads the user back to the
app if the request expires on the way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlencode

HOME = "/account"
CONSOLE = "/admin/"
START_AGAIN = "/start-again"
LONGEST_LOCALES = 200
"""The longest `ui_locales` that pages carry on, in characters. The rest is cut off."""


class BrowserSession(Protocol):
    """A session of a browser, for what leads the browser on (`sessions.store.Session`)."""

    @property
    def id(self) -> str: ...

    @property
    def user_id(self) -> str: ...


@dataclass(frozen=True)
class App:
    """The application that the user is on the way to."""

    client_id: str
    name: str
    host: str
    form_targets: tuple[str, ...] = ()
    """The CSP sources where the forms of the pages in between may end."""
    is_waiting: bool = True
    """Whether its request can still be answered. If not, the user starts again there."""
    login_hint: str | None = None
    accepts_session: Callable[[Any], bool] | None = None
    """Returns whether a session is new enough for an app that asked for a new sign-in. None if it did not ask."""
    max_age: str | None = None
    logo_uri: str | None = None
    logo_source: str | None = None
    """The logo's CSP source."""
    policy_uri: str | None = None
    tos_uri: str | None = None
    is_vouched_for: bool = True
    """Whether an operator has reviewed the client's metadata."""
    first_seen: datetime | None = None
    """When the app came here first, if its client_id is the URL of a metadata document."""
    return_host: str = ""
    """The host, or the scheme, of its redirect URI if that is not `host`."""
    is_local: bool = False
    """Whether its redirect URI leads to the user's own device, where no one can tell apps apart."""
    required_factor: str = "none"
    """What its users must sign in with, whatever a request asks for."""


@dataclass(frozen=True)
class Destination:
    """The next page for the user. If there is an `app`, pages name it."""

    request_uri: str | None = None
    client_id: str | None = None
    """The client that sent the request of the `request_uri` (RFC 9126 section 4)."""
    return_to: str | None = None
    """A page of ours. With a `request_uri`, one that the user visits first, and that leads on to the app."""
    app: App | None = None
    ui_locales: str | None = None
    again: bool = False
    """Whether the user must sign in even if already signed in: again, or with another account."""
    another: bool = False
    """Whether the user wants to sign in with another account: `again` is true as well."""

    @property
    def location(self) -> str:
        """The URL to go to when this step is done."""
        if self.return_to is not None:
            return self.return_to
        if self.app is not None and not self.app.is_waiting:
            return f"{START_AGAIN}?{urlencode({'client_id': self.app.client_id})}"
        if self.request_uri is not None:
            carried = {name: value for name, value in self.parameters.items() if name != "prompt"}
            return f"/oauth2/authorize?{urlencode(carried)}"
        return HOME

    def through(self, path: str, **parameters: str) -> str:
        """Return the URL of a page of ours on the way there."""
        parameters |= {name: value for name, value in self.parameters.items() if name not in parameters}
        return f"{path}?{urlencode(parameters)}" if parameters else path

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters that a link to a page of ours, or in an email, needs in order to lead here in the end."""
        given = {
            "client_id": self.client_id,
            "request_uri": self.request_uri,
            "return_to": self.return_to,
            "prompt": "select_account" if self.another else "login" if self.again else None,
            "ui_locales": self.ui_locales,
        }
        return {name: value for name, value in given.items() if value is not None}

    def accepts(self, session: Any) -> bool:
        """Return whether the user of this session may skip the sign-in or sign-up page."""
        return self.app is None or self.app.accepts_session is None or self.app.accepts_session(session)

    @property
    def is_console(self) -> bool:
        """Whether the next page is one of the operators' console."""
        return self.return_to is not None and f"{self.return_to.partition('?')[0]}/".startswith(CONSOLE)

    @property
    def form_targets(self) -> tuple[str, ...]:
        return self.app.form_targets if self.app else ()

    @property
    def image_sources(self) -> tuple[str, ...]:
        return (self.app.logo_source,) if self.app and self.app.logo_source else ()


def local_path(value: str | None) -> str | None:
    """Return a path on this site, or None: never another host (`//evil`, a backslash), never a control character."""
    if not value or not value.startswith("/") or value.startswith("//") or len(value) > 2000:
        return None
    if any(ord(character) <= 0x20 or ord(character) == 0x7F or character == "\\" for character in value):
        return None
    return value
