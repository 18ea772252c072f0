"""The composition root: builds the web application from settings."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Scope

from provider.accounts.signed_in_accounts import address_of
from provider.api.problems import as_problem
from provider.destination import BrowserSession
from provider.federation.directories import open_directories
from provider.federation.pages.forwarding import forward_home
from provider.federation.sign_out import way_on
from provider.federation.token_fetching import TokenFetching
from provider.federation.upstreams import Upstreams, open_upstreams
from provider.oauth.authorize import connected_apps, parked_requests
from provider.oauth.ciba.requests import WaitingApprovals
from provider.oauth.keys.key_ring import KeyRing
from provider.oauth.logout import front_channel
from provider.oauth.tokens.server import AuthorizationServer, open_server
from provider.refusals import MethodNotAllowed, NotFound, Refusal
from provider.routes import routing_table
from provider.scim.error_responses import as_scim
from provider.web import errors
from provider.web.base_path import BasePath
from provider.web.call import Call
from provider.web.endpoint import Endpoint
from provider.web.measuring import Measured
from provider.web.middleware import Envelope
from provider.web.pages import go
from provider.web.routing import RememberingRouter, methods_of
from provider.web.services import AppState, Services
from provider.web.threads import Threads
from provider.work import Installation, UnitOfWork


class Background(Protocol):
    """A job that runs beside requests while the service runs (`worker.background.BackgroundWorker`)."""

    def start(self, installation: Installation) -> None: ...

    def stop(self) -> None: ...


@dataclass(kw_only=True)
class State(AppState):
    """The state of the whole application."""

    oauth: AuthorizationServer
    """See `oauth.http.server.server_of`."""
    upstreams: Upstreams
    """See `federation.pages.upstreams_of`."""


class Application(Starlette):
    """Starlette without its own middleware: `Envelope` answers errors, and the router 404 and 405."""

    state: State  # type: ignore[assignment]  # Starlette's own looks for each attribute in a dict

    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = self.router
        for middleware, arguments, options in reversed(self.user_middleware):
            app = middleware(app, *arguments, **options)
        return app


def create_app(
    installation: Installation,
    *,
    background: Background | None = None,
    known_keys: KeyRing | None = None,
    further: Sequence[BaseRoute] = (),
) -> Application:
    """Create the web application of an installation. `known_keys` are published until the database is asked. `further`
    are routes beside the usual ones.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        for saved in (installation.branding, installation.upstreams):
            await asyncio.get_running_loop().run_in_executor(None, saved.refresh, installation.database)
        if background is not None:
            background.start(installation)
        yield
        app.state.threads.close()
        if background is not None:
            await asyncio.get_running_loop().run_in_executor(None, background.stop)
        installation.database.close()
        if installation.replica is not None:
            installation.replica.close()

    settings = installation.settings
    table = [*routing_table(settings), *further]
    based = [Middleware(BasePath, settings.base_path, table)] if settings.base_path else []
    measured = [] if settings.metrics_address is None else [Middleware(Measured)]
    app = Application(middleware=[*based, *measured, Middleware(Envelope, settings=settings, last_resort=_last_resort)])
    app.router = RememberingRouter(table, lifespan=lifespan, refuse=_no_route)
    upstreams = open_upstreams(settings, installation.upstreams, installation.vault)
    open_directories(upstreams, installation.upstreams)
    server = open_server(installation, known=known_keys, fetch_upstream_token=TokenFetching(upstreams))
    way_after_sign_out = partial(way_on, upstreams=upstreams)

    def page_after_sign_out(
        work: UnitOfWork, *, ended: Sequence[BrowserSession], onward: str | None = None, client_id: str | None = None
    ) -> str:
        onward = way_after_sign_out(work, ended=ended, onward=onward)
        return front_channel.page_after(server, work, ended=ended, onward=onward, client_id=client_id)

    services = Services(
        describe_request=partial(parked_requests.describe, server),
        record_sign_in=parked_requests.record_sign_in,
        name_app=partial(connected_apps.name_and_host, server),
        connected_apps=lambda work, user_id: connected_apps.find_connected(work, server, user_id),
        export_applications=partial(connected_apps.export, server),
        list_approvals=WaitingApprovals(server).find,
        page_after_sign_out=page_after_sign_out,
        way_after_sign_out=way_after_sign_out,
        address_of=address_of,
        forget_clients=server.clients.forget,
        forward_home=forward_home,
        revoke_grants=connected_apps.revoke_grants_of_sessions,
        sign_in_buttons=lambda: upstreams.shown,
    )
    app.state = State(installation, Threads(settings), services, oauth=server, upstreams=upstreams)
    return app


def _no_route(scope: Scope, status: int) -> Response:
    """Return the response for 404 and 405, before any endpoint runs."""
    call = Call(scope, b"", scope["app"].state.installation)
    endpoint = scope.get("endpoint")
    if call.method in {"GET", "HEAD"} and isinstance(endpoint, Endpoint) and endpoint.form_on:
        return go(call.page_url)  # somebody typed, or reloaded, what a form was sent to
    refusal: Refusal = MethodNotAllowed() if status == 405 else NotFound()
    wants_page = "text/html" in call.header_list("accept")
    render = errors.as_page if wants_page else errors.as_json
    for below, own in (("/api/", as_problem), ("/scim/", as_scim)):
        render = own if call.path.startswith(below) else render
    response = render(call, refusal)
    if status == 405:
        response.headers["allow"] = ", ".join(methods_of(scope))
    return response


def _last_resort(scope: Scope, error: Exception) -> Response:
    return errors.as_json(Call(scope, b"", scope["app"].state.installation), error)
