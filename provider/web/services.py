"""What the composition root (`provider.app`) passes to endpoints: the resources of the application, and functions of
higher packages for pages of lower ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from starlette.responses import Response

from provider.destination import App, BrowserSession, Destination
from provider.web.threads import Threads
from provider.work import Installation, UnitOfWork

if TYPE_CHECKING:
    from provider.web.call import Call


class SignInButton(Protocol):
    """An upstream provider, as the sign-in page shows it."""

    @property
    def key(self) -> str: ...

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str | None: ...

    @property
    def preset(self) -> str | None: ...


class Approval(Protocol):
    """A request of an app that waits for the user's answer. `url` is the page to answer on."""

    @property
    def url(self) -> str: ...

    @property
    def app(self) -> str: ...

    @property
    def asked_at(self) -> datetime: ...

    @property
    def expires_at(self) -> datetime: ...


class ConnectedApp(Protocol):
    """An application that a user connected."""

    @property
    def client_id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def last_used(self) -> datetime | None: ...


class PageAfterSignOut(Protocol):
    """A function that returns the URL to go to after a sign-out that ended these sessions. It leads on to `onward`, a
    page of ours on the way to the app of `client_id`, if there is one.
    """

    def __call__(
        self,
        work: UnitOfWork,
        *,
        ended: Sequence[BrowserSession],
        onward: str | None = None,
        client_id: str | None = None,
    ) -> str: ...


class WayAfterSignOut(Protocol):
    """A function that returns where a browser goes after these sessions of it ended: through the upstreams that they
    came from, where operators want that, and then `onward`.
    """

    def __call__(self, work: UnitOfWork, *, ended: Sequence[BrowserSession], onward: str | None) -> str | None: ...


class ForwardHome(Protocol):
    """A function that returns the page which continues to the upstream of an address's domain. None if the domain has
    none, or with `only_required` if its users may also sign in here.
    """

    def __call__(self, call: "Call", where: Destination, typed: str, *, only_required: bool) -> Response | None: ...


class RecordSignIn(Protocol):
    """A function that notes in a parked request that the user of a session signed in for it. With `proven_earlier`, an
    upstream did not ask the user: then the session was only chosen.
    """

    def __call__(
        self, work: UnitOfWork, request_uri: str, *, browser: str, session_id: str, proven_earlier: bool = False
    ) -> None: ...


@dataclass(frozen=True)
class Services:
    """Functions of `oauth` and `federation` for the pages of `login` and `accounts`."""

    describe_request: Callable[[UnitOfWork, str, str | None], App | None]
    """Returns the app behind a request_uri. If that is no longer waiting, the one of the client_id. Otherwise None."""
    record_sign_in: RecordSignIn
    name_app: Callable[[UnitOfWork, str], tuple[str, str]]
    """Returns name and host of the app with this client_id, as users know it. The host may be empty."""
    connected_apps: Callable[[UnitOfWork, str], Sequence[ConnectedApp]]
    """Returns the apps that a user connected."""
    export_applications: Callable[[UnitOfWork, str], Sequence[Mapping[str, object]]]
    """Returns the apps that a user connected as JSON objects, for the export of the user's data."""
    list_approvals: Callable[[UnitOfWork, str], Sequence[Approval]]
    """Returns the requests of apps that wait for this user's answer, the latest first."""
    page_after_sign_out: PageAfterSignOut
    way_after_sign_out: WayAfterSignOut
    forget_clients: Callable[[], None]
    """Forgets this process's copies of clients, because one of them was deleted."""
    address_of: Callable[[UnitOfWork, str], str]
    """Returns the email address of the user with this id. It is empty if the user has none."""
    forward_home: ForwardHome
    revoke_grants: Callable[[UnitOfWork, Sequence[str], str], object]
    """Revokes the tokens that apps got in these sessions, also with offline_access. The text is the reason."""
    sign_in_buttons: Callable[[], Sequence[SignInButton]]
    """Returns the upstream providers, in the order of their buttons."""


@dataclass
class AppState:
    """The state that the endpoints of one application share: `scope["app"].state`. `provider.app` adds to it what this
    package may not import.
    """

    installation: Installation
    threads: Threads
    services: Services
    stopping: bool = False
    """Whether the service reports that it is not ready, and closes kept connections."""
