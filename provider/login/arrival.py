"""The arrival of a user at a sign-in: what every way to sign in takes from the browser or the app."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from provider.crypto.digests import new_opaque
from provider.sessions.store import Session


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Where a user who signs in comes from, and where they are going.

    Pages get it from `login.pages.arrival.arrival_of`. A first-party app gives only its `client_id`: it has no cookies.
    """

    browser: str = field(default_factory=new_opaque)
    """The cookie of the browser (`Call.browser`), in which links and codes that are emailed now work. For an app it is
    a new value, which no browser has."""
    sessions: Sequence[Session] = ()
    """The sessions of this browser (`sessions.cookie.find_here`). Those of other users stay beside the new one, up to a
    limit. One of the same user continues under a new identifier, so that applications keep their access."""
    device: str | None = None
    """The cookie of a device that signed in before (`accounts.known_devices`)."""
    remembered: str | None = None
    """The cookie with which that device may skip the second factor (`accounts.factors.remembered_devices`)."""
    client_id: str | None = None
    """The app whose request waits for the sign-in, for the audit log."""
    link_parameters: Mapping[str, str] = field(default_factory=dict)
    """The parameters of links in emails that lead on to where the user is going (`Destination.parameters`)."""
    keep_signed_in: bool = False
    """Whether the user chose to stay signed in after closing the browser."""
