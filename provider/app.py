"""The composition root: builds the web application from settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from provider.api.problems import as_problem
from provider.federation.upstreams import open_upstreams
from provider.oauth.authorize import connected_apps, parked_requests
from provider.oauth.keys.key_ring import KeyRing
from provider.oauth.logout import front_channel
from provider.oauth.tokens.server import open_server
from provider.refusals import MethodNotAllowed, NotFound, Refusal
from provider.routes import routes
from provider.web import errors
from provider.web.base_path import BasePath
from provider.web.call import Call
from provider.web.endpoint import Endpoint
from provider.web.measuring import Measured
from provider.web.methods import methods_of
from provider.web.middleware import Envelope
from provider.web.pages import go
from provider.web.services import Services
from provider.web.threads import Threads
from provider.work import Installation


class Background(Protocol):
    """A job that runs beside requests while the service runs (`worker.background.BackgroundWorker`)."""

    def start(self, installation: Installation) -> None: ...

    def stop(self) -> None: ...


def create_app(
    installation: Installation, *, background: Background | None = None, known_keys: KeyRing | None = None
) -> Starlette:
    """Create the web application of an installation. `known_keys` are published until the database is asked."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await asyncio.get_running_loop().run_in_executor(None, installation.branding.refresh, installation.database)
        if background is not None:
            background.start(installation)
        yield
        app.state.threads.close()
        if background is not None:
            await asyncio.get_running_loop().run_in_executor(None, background.stop)
        installation.database.close()

    settings = installation.settings
    table = routes(settings)
    based = [Middleware(BasePath, settings.base_path, table)] if settings.base_path else []
    measured = [] if settings.metrics_address is None else [Middleware(Measured)]
    app = Starlette(
        routes=table,
        middleware=[*based, *measured, Middleware(Envelope, settings=settings)],
        exception_handlers={HTTPException: _no_route, Exception: _last_resort},
        lifespan=lifespan,
    )
    # A slash too many is another address: a redirect would repeat a form with its secrets (RFC 9700 section 4.12).
    app.router.redirect_slashes = False
    app.state.installation = installation
    app.state.threads = Threads(settings)
    app.state.oauth = server = open_server(installation, known=known_keys)
    app.state.upstreams = upstreams = open_upstreams(settings)
    app.state.services = Services(
        describe_request=partial(parked_requests.describe, server),
        record_sign_in=parked_requests.record_sign_in,
        name_app=partial(connected_apps.name_and_host, server),
        export_applications=partial(connected_apps.export, server),
        page_after_sign_out=partial(front_channel.page_after, server),
        forget_clients=server.clients.forget,
        sign_in_buttons=upstreams.shown,
    )
    return app


async def _no_route(request: Request, error: Exception) -> Response:
    """Answer 404 and 405, which the router raises before any endpoint runs."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class
    call = Call(request.scope, b"", request.app.state.installation)
    endpoint = request.scope.get("endpoint")
    if call.method in {"GET", "HEAD"} and isinstance(endpoint, Endpoint) and endpoint.form_on:
        return go(call.page_url)  # somebody typed, or reloaded, what a form was sent to
    refusal: Refusal = MethodNotAllowed() if error.status_code == 405 else NotFound()
    wants_page = "text/html" in call.header_list("accept")
    render = as_problem if call.path.startswith("/api/") else errors.as_page if wants_page else errors.as_json
    response = render(call, refusal)
    if error.status_code == 405:
        response.headers["allow"] = ", ".join(methods_of(request.scope))
    return response


async def _last_resort(request: Request, error: Exception) -> Response:
    call = Call(request.scope, b"", request.app.state.installation)
    return errors.as_json(call, error)
