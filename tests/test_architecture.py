"""The shape of the code: every route named and called, every endpoint citing its section, no file without use."""

import ast
import importlib
import re
from pathlib import Path

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.routes import routes
from provider.web.endpoint import Endpoint
from provider.web.errors import as_page
from tests.server_process import REPOSITORY

PROVIDER = REPOSITORY / "provider"
TESTS = REPOSITORY / "tests"
EVERY_ROUTE = [route for route in routes(Settings()) if isinstance(route, Route)]


PROTOCOL_ENDPOINTS = sorted(
    {route.endpoint.__module__ for route in EVERY_ROUTE if route.endpoint.__module__.startswith("provider.oauth.")}
)


def sources(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.py") if "__pycache__" not in path.parts]


def test_every_route_has_a_name_of_its_own() -> None:
    names = [route.name for route in EVERY_ROUTE]
    assert len(names) == len(set(names))


CALLS = [(method, route.path) for route in EVERY_ROUTE for method in sorted(route.methods or ()) if method != "HEAD"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("method", "path"), CALLS, ids=[" ".join(call) for call in CALLS])
def test_a_stranger_with_nothing_in_hand_gets_an_answer_everywhere(client: TestClient, method: str, path: str) -> None:
    """Never a 5xx; and nothing that a page's form does can be done without the page."""
    answer = client.request(method, path.replace("{name}", "signet.css"), headers={"accept": "text/html"})
    assert answer.status_code < 500
    if path.startswith("/api/") and not path.endswith("/openapi.json"):
        assert answer.status_code == 401
    elif method == "POST" and not path.startswith("/oauth2/") and path != "/language":  # gives and takes nothing
        assert answer.status_code == 403


@pytest.mark.parametrize("module", PROTOCOL_ENDPOINTS)
def test_every_protocol_endpoint_cites_what_it_implements(module: str) -> None:
    said = importlib.import_module(module).__doc__ or ""
    assert re.search(r"RFC \d{4}|OIDC|OpenID Connect|ours", said), said


@pytest.mark.parametrize("file", sources(PROVIDER), ids=lambda file: str(file.relative_to(PROVIDER)))
def test_every_file_says_what_it_is_and_is_about_one_thing(file: Path) -> None:
    text = file.read_text()
    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert len(text.splitlines()) <= 300, "look for the second concept"
    assert file.stem not in {"utils", "helpers", "common", "manager", "misc"}


def test_every_template_is_used() -> None:
    folder = REPOSITORY / "templates"
    python = "\n".join(source.read_text() for source in sources(PROVIDER))
    templates = {path: path.read_text() for path in folder.rglob("*") if path.suffix in {".html", ".txt"}}
    for path in templates:
        name = str(path.relative_to(folder))
        others = "\n".join(text for other, text in templates.items() if other != path)
        # A letter is named by its folder.
        used = name in python or f'"{path.parent.name}"' in python or name in others or f'"{path.name}"' in others
        assert used, f"{name} is not used"


def test_samples_know_nothing_of_the_provider() -> None:
    for source in sources(REPOSITORY / "clients"):
        assert not re.search(r"^\s*(from|import) provider\b", source.read_text(), re.MULTILINE), source


def test_pins_are_names_and_versions_and_nothing_else() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in lines)


ONLY_FORMS = [
    route
    for route in EVERY_ROUTE
    if route.methods == {"POST"} and isinstance(route.endpoint, Endpoint) and route.endpoint.render is as_page
    if all(other.path != route.path for other in EVERY_ROUTE if "GET" in (other.methods or ()))
    and route.path != "/language"  # its form is on every page
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("route", ONLY_FORMS, ids=[route.path for route in ONLY_FORMS])
def test_an_address_that_only_takes_a_form_leads_to_the_page_with_the_form(client: TestClient, route: Route) -> None:
    """When it is typed or reloaded, and when the form has expired."""
    assert isinstance(route.endpoint, Endpoint)
    page = route.endpoint.form_on
    assert any(other.path == page and "GET" in (other.methods or ()) for other in EVERY_ROUTE)
    asked = client.get(f"{route.path}?return_to=/account", headers={"accept": "text/html"})
    assert asked.headers["location"] == f"{page}?return_to=/account"
    expired = client.post(f"{route.path}?return_to=/account", headers={"accept": "text/html"})
    assert expired.status_code == 403
    assert f'href="{page}?return_to=/account"' in expired.text


def test_stores_import_only_stores_and_the_database() -> None:
    """The innermost layer: SQL and rows. Whoever decides something calls it, never the other way round."""
    below = ("provider.database.base", "provider.database.dialect", "provider.database.rows", "provider.database.types")
    strangers = {
        f"{path.relative_to(PROVIDER)} imports {module}"
        for path in sources(PROVIDER)
        if "store" in {*path.parent.parts, path.stem}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (module := node.module or "").startswith("provider.")
        and ".store" not in module
        and module not in below
    }
    assert not strangers


def test_no_package_has_more_than_thirty_files_at_one_level() -> None:
    crowded = {
        str(folder.relative_to(PROVIDER)): count
        for folder in PROVIDER.rglob("*")
        if folder.is_dir() and (count := len(list(folder.glob("*.py")))) > 30
    }
    assert not crowded
