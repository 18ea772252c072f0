"""The router: the first route that fits answers, also when it is asked again."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Scope

from provider.app import create_app
from provider.web.routing import RememberingRouter
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
