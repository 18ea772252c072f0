"""The router: the first route that fits answers, also when it is asked again."""

import asyncio
import time
from collections.abc import Callable

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Scope

from provider.app import create_app
from provider.web.routing import RememberingRouter, RoutesOnDemand
from provider.work import Installation


def refuse(scope: Scope, status: int) -> Response:
    return PlainTextResponse(f"refused {getattr(scope.get('route'), 'name', 'nothing')}", status)


def route(path: str, name: str, methods: list[str]) -> Route:
    async def answer(request: Request) -> Response:
        return PlainTextResponse(f"{name} {request.scope['route'].name} {request.path_params}")

    return Route(path, answer, methods=methods, name=name)


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "/users/new", (200, "user user {'name': 'new'}")),  # the order of the routes decides
        ("POST", "/users/new", (200, "add add {}")),
        ("GET", "/users/ada", (200, "user user {'name': 'ada'}")),
        ("GET", "/plain", (200, "plain plain {}")),
        ("PUT", "/plain", (405, "refused plain")),
        ("GET", "/plain/", (404, "refused nothing")),
        ("GET", "/nowhere", (404, "refused nothing")),
    ],
)
def test_the_same_request_gets_the_same_route_every_time(method: str, path: str, answer: tuple[int, str]) -> None:
    routes = [
        route("/users/{name}", "user", ["GET"]),
        route("/users/new", "add", ["GET", "POST"]),
        route("/plain", "plain", ["GET"]),
    ]
    app = Starlette()
    app.router = RememberingRouter(routes, lifespan=app.router.lifespan_context, refuse=refuse)
    http = TestClient(app)
    for _ in range(3):
        answered = http.request(method, path)
        assert (answered.status_code, answered.text) == answer
    assert not [asked for asked in app.router._known if asked[1] not in {"/users/new", "/plain"}]


def on_demand(load: Callable[[], list[Route]]) -> Starlette:
    app = Starlette()
    place = RoutesOnDemand(("/late", "/elsewhere"), load)
    app.router = RememberingRouter([place], lifespan=app.router.lifespan_context, refuse=refuse)
    return app


def test_simultaneous_first_requests_for_routes_on_demand_are_all_answered() -> None:
    """N-559."""
    loaded: list[str] = []

    def load() -> list[Route]:
        time.sleep(0.05)
        loaded.append("once")
        return [route(path, path[1:5], ["GET"]) for path in ("/late/a", "/late/b", "/elsewhere")]

    app = on_demand(load)

    async def ask(path: str) -> str:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as http:
            return (await http.get(path)).text

    async def ask_all() -> list[str]:
        return await asyncio.gather(*map(ask, ["/late/a", "/late/b", "/elsewhere", "/later", "/late/a"]))

    assert [text.split()[0] for text in asyncio.run(ask_all())] == ["late", "late", "else", "refused", "late"]
    assert loaded


def test_routes_on_demand_that_cannot_be_loaded_are_tried_again() -> None:
    """N-561."""
    failures = [ImportError("the file is away")]

    def load() -> list[Route]:
        if failures:
            raise failures.pop()
        return [route("/late", "late", ["GET"])]

    http = TestClient(on_demand(load), raise_server_exceptions=False)
    assert [http.get("/late").status_code for _ in range(2)] == [500, 200]


def test_a_bug_outside_of_every_endpoint_is_answered_like_any_other(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the security headers, and with the id that the log has."""
    app = create_app(installation)

    def broken(*_given: object) -> object:
        raise RuntimeError("broken")

    monkeypatch.setattr(app.router, "_find", broken)
    answer = TestClient(app, raise_server_exceptions=False, base_url=installation.settings.issuer).get("/nowhere")
    app.state.threads.close()
    assert answer.status_code == 500
    assert answer.json()["error_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
