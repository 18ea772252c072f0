"""How `signet serve` starts: what it loads before its first answer, what it does after it, and what it never looks at
again.
"""

import subprocess
import sys
from typing import Any

import pytest
from jinja2 import Environment
from starlette.routing import Route
from starlette.testclient import TestClient

from provider.app import create_app
from provider.database import prepared
from provider.routes import ON_DEMAND, routing_table
from provider.warm_up import warm_up
from provider.web.pages import environment
from provider.web.routing import RememberingRouter, RoutesOnDemand
from provider.work import Installation
from tests.support.server_process import environment as surroundings

FOR_LATER = (
    "PIL",
    "alembic",
    "authlib.oidc",
    "dramatiq",
    "email_validator",
    "httpcore2",
    "joserfc.jwt",
    "jsonschema",
    "psycopg",
    "qrcode",
    "redis",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "webauthn",
    "zxcvbn_rs_py",
)
"""What some requests need, and every start would wait for."""


ASK_LOADED = """
import sys
import provider.serve
from provider.api.bodies import Body

def built(kind):
    return [kind] * kind.__pydantic_complete__ + [each for below in kind.__subclasses__() for each in built(below)]

print(*sys.modules)
print(*built(Body))
"""


ASKED_BY_FEW = ("provider.admin.api", "provider.admin.pages", "provider.api.endpoints", "provider.scim.endpoints")
"""What only operators, account pages of apps and directories ask for."""


OURS_AT_MOST = 650
"""How many of our modules a service loads before its first answer, with room for a few. What only some requests need
belongs into `provider.routes.ON_DEMAND`.
"""


def test_a_service_starts_without_what_its_first_answers_do_not_need() -> None:
    names, bodies = _ask(ASK_LOADED).splitlines()
    loaded = names.split()
    assert not set(FOR_LATER) & set(loaded)
    assert not [module for module in loaded if module.startswith(ASKED_BY_FEW)]
    assert not {f"provider.routes.{place.partition(':')[0]}" for place in ON_DEMAND} & set(loaded)
    assert len([module for module in loaded if module.startswith("provider")]) <= OURS_AT_MOST
    assert not bodies, "bodies of requests to the APIs are built at their first use"


def test_routes_on_demand_are_loaded_by_the_first_request_for_one_of_them_or_after_the_start(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider.app.routing_table", routing_table)  # tests share one otherwise
    monkeypatch.setattr("provider.app.RememberingRouter", RememberingRouter)
    app = create_app(installation)
    places = {route.paths: route for route in app.routes if isinstance(route, RoutesOnDemand)}
    assert set(places) == set(ON_DEMAND.values())
    client = TestClient(app, base_url=installation.settings.issuer, follow_redirects=False)
    assert client.get("/admins").status_code == 404
    assert client.get("/.well-known/openid-configuration").status_code == 200
    assert not [paths for paths, place in places.items() if place.is_loaded]
    assert client.get("/admin/users").status_code == 303
    assert client.post("/api/account/profile").headers["allow"] == "GET, HEAD, PUT"
    assert [paths for paths, place in places.items() if place.is_loaded] == [("/api/account",), ("/admin",)]
    warm_up(installation, app.routes)
    assert all(place.is_loaded for place in places.values())


def test_routes_on_demand_are_below_their_path_and_no_others_are(installation: Installation) -> None:
    table = routing_table(installation.settings)
    places = [route for route in table if isinstance(route, RoutesOnDemand)]
    assert places
    for place in places:
        assert [route.path for route in place.routes if not place.has(route.path)] == []
        outside = [route.path for route in table if isinstance(route, Route) and place.has(route.path)]
        assert outside == [], place.paths


ASK_COLLECTOR = """
import gc
from provider.runtime import garbage

garbage.collect_rarely()
garbage.collect_later()
before, kept = gc.isenabled(), [[]]
garbage.keep_what_exists()
print(before, gc.isenabled(), gc.get_threshold() == garbage.USUAL, any(each is kept for each in gc.get_objects()))
"""


def test_the_collector_does_not_look_at_what_a_service_started_with() -> None:
    assert _ask(ASK_COLLECTOR).split() == ["False", "True", "True", "False"]


def test_the_pages_of_a_sign_in_are_compiled_before_they_are_asked_for(
    installation: Installation, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Environment, "bytecode_cache", None)  # that of the tests has what earlier ones compiled
    environment.cache_clear()
    warm_up(installation)
    late: list[str] = []
    compile_ = Environment.compile

    def note(self: Environment, source: Any, name: str | None = None, *rest: Any, **more: Any) -> Any:
        late.append(str(name))
        return compile_(self, source, name, *rest, **more)

    monkeypatch.setattr(Environment, "compile", note)
    assert client.get("/login").status_code == 200
    assert client.get("/nothing", headers={"accept": "text/html"}).status_code == 404
    assert late == []
    assert client.get("/forgot-password").status_code == 200
    assert late == ["accounts/forgot_password.html"]


def test_every_prepared_statement_is_worked_out_before_it_is_run(installation: Installation) -> None:
    warm_up(installation)
    dialect = installation.database.engine.dialect.name
    assert all(dialect in each._compiled for each in prepared._EVERY)
    assert len(prepared._EVERY) > 10


def _ask(code: str) -> str:
    """What a new process prints that runs this code."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=surroundings({}), capture_output=True, text=True, check=True).stdout
