"""A real Signet for tests: users, clients, tokens, sign-ins, faults and what the app sent.

with Signet() as signet:
    client = signet.client("http://localhost/callback")
    redirect = signet.sign_in(authorization_url, signet.user())
"""

import shutil
import socket
import tempfile
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from starlette.types import ASGIApp

from provider.accounts import suspension
from provider.app import create_app
from provider.jose.algorithms import RS256
from provider.oauth.keys import rotation
from provider.oauth.keys.store import State
from provider.sessions import lifecycle
from provider.work import unit_of_work
from signet_testing import playwright
from signet_testing.clock import MovableClock
from signet_testing.faults import Faults
from signet_testing.installation import open_new
from signet_testing.logs import REDIRECTED
from signet_testing.outbox import Outbox
from signet_testing.records import Client, Email, Logout, User
from signet_testing.registering import Registering
from signet_testing.rejections import explainer
from signet_testing.requests import Requests
from signet_testing.second_factor import current_code
from signet_testing.serving import transports
from signet_testing.serving.loopback import NotLoopback, listen, require_loopback
from signet_testing.serving.middleware import Observed
from signet_testing.serving.server import Server
from signet_testing.storage import Snapshot, Storage, folder_in_memory
from signet_testing.tokens import Tokens
from signet_testing.user_browser import Redirect, RequestRejected, SignInFailed, UserBrowser

__all__ = ["Client", "Email", "Logout", "NotLoopback", "Redirect", "RequestRejected", "SignInFailed", "Signet", "User"]

SETTLE_WITHIN = 5.0
"""How long messages to apps may take, in seconds, before a test continues without them."""


class Signet(Registering):
    """A Signet that listens on a loopback port until it is closed. Each has its own database, keys and clock.

    `settings` are those of docs/reference/settings.md, without `SIGNET_` and in lower case. The environment is not
    read. It closes `listening`, a socket that has this address already. Raises NotLoopback for a host that other
    machines could reach.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        settings: Mapping[str, Any] | None = None,
        listening: socket.socket | None = None,
    ) -> None:
        require_loopback(host)
        super().__init__()
        self.clock = MovableClock()
        self.faults = Faults()
        self.requests = Requests()
        self._outbox = Outbox(self.faults)
        self._folder = Path(tempfile.mkdtemp(prefix="signet-testing-", dir=folder_in_memory()))
        self._server = Server(listening or listen(host, port))
        shown = f"[{host}]" if ":" in host else host
        self.issuer = f"http://{shown}:{self._server.port}"
        try:
            self._installation = open_new(
                self.issuer, self._folder, clock=self.clock, wake=self._outbox.wake, changes=settings or {}
            )
        except BaseException:
            self._server.stop()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._app = create_app(self._installation)
        self._tokens = Tokens(self._installation, self._app.state.oauth)
        self._outbox.open(self._installation, self._app.state.oauth, self._tokens.sign)
        self._observed = Observed(self._app, self.requests, self.faults, self.issuer, self._tokens.sign)
        self._storage = Storage(self._folder / "signet.db")
        REDIRECTED.start()
        self._server.start(self._observed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and delete the database."""
        self._server.stop()
        self._outbox.stop()
        REDIRECTED.stop()
        self._app.state.threads.close()
        self._storage.close()
        self._installation.database.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    # State: what one test leaves must not reach the next.

    def save(self) -> Snapshot:
        """Return all that Signet has stored now, for `restore`."""
        return self._storage.save()

    def restore(self, snapshot: Snapshot) -> None:
        """Put back what was stored, end all faults, reset the clock, and forget requests and emails."""
        self._outbox.settle(SETTLE_WITHIN)
        self.faults.clear()
        self.clock.reset()
        if self._storage.restore(snapshot):
            for saved in (self._installation.branding, self._installation.upstreams):
                saved.refresh(self._installation.database)
        self._installation.outbound.forget_failures()
        self._app.state.oauth.forget()
        self._app.state.upstreams.forget()
        self.requests.clear()
        self._outbox.forget()

    # Accounts.

    def suspend(self, user: User) -> None:
        """Suspend the account. Its sessions and tokens end, and apps are notified."""
        with unit_of_work(self._installation) as work:
            suspension.suspend(work, user_id=user.sub, reason=None)
        self.settle()

    def sign_out(self, user: User) -> None:
        """End all sessions of the user. Returns once apps were notified (back-channel logout, `logouts`)."""
        with unit_of_work(self._installation) as work:
            lifecycle.end_all_sessions(work, user_id=user.sub, reason="test")
        self.settle()

    # Tokens and keys.

    def token(
        self, user: User | None = None, *, sub: str | None = None, client: Client | None = None, **asked: Any
    ) -> str:
        """Return an access token, as the app would get it for this user: `scope`, `audience`, `acr`, `claims`.

        Without a user, one is created; `sub` only replaces the claim. `expired`, `not_yet_valid`, `wrong_issuer`,
        `wrong_audience`, `foreign_key`, `unsigned` and `header` say what is wrong with it.
        """
        user = user or self.user()
        claims = dict(asked.pop("claims", None) or {})
        if sub is not None:
            claims["sub"] = sub
        return self._tokens.for_user(user.sub, self._client_id(client), claims=claims, **asked)

    def client_token(self, client: Client | None = None, *, scope: str = "", **asked: Any) -> str:
        """Return an access token that a client has for itself (client credentials). Options as for `token`."""
        return self._tokens.for_client(self._client_id(client), scope=scope, **asked)

    def rotate_keys(self, *, unknown: bool = False, late: int = 0, revoke: bool = False) -> str:
        """Sign with the next key from now on; return its `kid`. Apps know it already, because it was published before.

        With `unknown` it is a new one, as after an emergency, which apps have to fetch. With `late` it is too, and the
        first answers with the key set do not have it yet. With `revoke`, the old key leaves the key set and tokens that
        it signed are no longer valid.
        """
        with unit_of_work(self._installation) as work:
            keys = rotation.list_keys(work)
        old = next(row.kid for row in keys if row.alg == RS256 and row.state == State.CURRENT)
        kid = old
        for _ in range(2 if unknown or late else 1):
            with unit_of_work(self._installation) as work:
                kid, _upcoming = rotation.rotate(work, at_once=True)
        if revoke:
            with unit_of_work(self._installation) as work:
                rotation.revoke(work, kid=old)
        if late:
            self.faults.hide_keys(kid, times=late)
        return kid

    # Signing in.

    def sign_in(self, url: str, user: User, *, consent: bool = True) -> Redirect:
        """Follow the URL that the app redirects to, through Signet's pages, in a new browser without scripts.

        Returns the redirect back to the app. `consent` is the user's answer, if Signet asks. Raises SignInFailed, and
        RequestRejected if Signet rejects what the app asked for.
        """
        return self.browser().sign_in(
            url, email=user.email, password=user.password, consent=consent, code=self._code_of(user)
        )

    def sign_in_with(self, page: Any, user: User, *, consent: bool = True) -> None:
        """Sign a user in on Playwright's `page`, which the app has sent to Signet, until it is back at the app."""
        playwright.sign_in(
            page,
            self.issuer,
            email=user.email,
            password=user.password,
            consent=consent,
            code=self._code_of(user),
        )

    def browser(self) -> UserBrowser:
        """Return a browser that keeps its cookies, for several sign-ins of one user."""
        return UserBrowser(self._server, self.issuer, explainer(self._installation))

    def _code_of(self, user: User) -> Callable[[], str] | None:
        return None if user.authenticator is None else partial(current_code, self._installation, user)

    def authorization_url(self, client: Client, **parameters: str) -> str:
        """Return the URL of an authorization request, for tests without an app. PKCE is the caller's."""
        given = {
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "response_type": "code",
            "scope": "openid",
            **parameters,
        }
        return f"{self.issuer}/oauth2/authorize?{urlencode(given)}"

    # Around it.

    @property
    def emails(self) -> list[Email]:
        """The emails that Signet would have sent since the test began, oldest first."""
        self.settle()
        return list(self._outbox.emails)

    @property
    def logouts(self) -> list[Logout]:
        """The back-channel logout requests since the test began, oldest first, also those that no app received."""
        self.settle()
        return list(self._outbox.logouts)

    def settle(self, seconds: float = SETTLE_WITHIN) -> bool:
        """Wait until emails, back-channel logout and webhooks were tried. Returns False if that took longer."""
        return self._outbox.settle(seconds)

    @property
    def discovery_url(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    @cached_property
    def app(self) -> ASGIApp:
        """Signet as an ASGI application, for clients with event loops of their own. Requests run in Signet's loop."""
        return self._server.asgi()

    def transport(self, library: str = "httpx2") -> Any:
        """Return a transport for `httpx2.Client`, or that of another library (`httpx`). It needs no socket."""
        return transports.transport(self._server, library)

    def async_transport(self, library: str = "httpx2") -> Any:
        """Return a transport for `httpx2.AsyncClient`, in asyncio and trio."""
        return transports.async_transport(self._server, library)

    def control(self, app: ASGIApp) -> None:
        """Serve a control API below `/_testing/`. `signet test-server` uses it."""
        self._observed.control = app
