"""Where a person goes on to when a sign-in, a sign-up or a reset is done: back to a parked authorization request, or to
a page of ours. Carried in the query string from page to page; the only values are a `request_uri`, a `return_to` path,
`prompt=login`, and the `ui_locales` an app wished for.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

HOME = "/account"
LONGEST_LOCALES = 200
"""Of what an app wishes for, pages carry on no more."""


@dataclass(frozen=True)
class App:
    """The application a person is on the way to."""

    name: str
    host: str
    form_target: str
    """A CSP source: the forms of the pages in between end here."""
    login_hint: str | None = None
    signed_in_since: datetime | None = None
    """It wants a sign-in no older than this: who is signed in from earlier is still asked."""
    max_age: str | None = None
    logo_uri: str | None = None
    logo_source: str | None = None
    """The same as a CSP source."""
    policy_uri: str | None = None
    tos_uri: str | None = None
    is_vouched_for: bool = True
    """Did an operator look at what it says of itself?"""


@dataclass(frozen=True)
class Destination:
    """Where next. With an `app`, pages say so."""

    request_uri: str | None = None
    return_to: str | None = None
    app: App | None = None
    ui_locales: str | None = None
    again: bool = False
    """A sign-in is wanted whoever is signed in here: by somebody else, or anew."""

    @property
    def location(self) -> str:
        """The URL to go on to when this step is done."""
        if self.request_uri is not None:
            carried = {name: value for name, value in self.parameters.items() if name != "prompt"}
            return f"/oauth2/authorize?{urlencode(carried)}"
        return self.return_to or HOME

    def through(self, path: str, **parameters: str) -> str:
        """A page of ours on the way there."""
        parameters |= self.parameters
        return f"{path}?{urlencode(parameters)}" if parameters else path

    @property
    def parameters(self) -> dict[str, str]:
        """What a link to a page of ours must carry to lead here in the end; letters carry it too."""
        given = {
            "request_uri": self.request_uri,
            "return_to": self.return_to,
            "prompt": "login" if self.again else None,
            "ui_locales": self.ui_locales,
        }
        return {name: value for name, value in given.items() if value is not None}

    def is_content_with(self, auth_time: datetime) -> bool:
        """May somebody who signed in then skip the page where people sign in or up?"""
        return self.app is None or self.app.signed_in_since is None or auth_time >= self.app.signed_in_since

    @property
    def form_targets(self) -> tuple[str, ...]:
        return (self.app.form_target,) if self.app else ()

    @property
    def image_sources(self) -> tuple[str, ...]:
        return (self.app.logo_source,) if self.app and self.app.logo_source else ()


def local_path(value: str | None) -> str | None:
    """A path on this site, or None: never another host (`//evil`, a backslash), never a control character."""
    if not value or not value.startswith("/") or value.startswith("//") or len(value) > 2000:
        return None
    if any(ord(character) <= 0x20 or ord(character) == 0x7F or character == "\\" for character in value):
        return None
    return value
