"""The shape of the code: every route named and called, every endpoint citing its section, no file without use."""

import ast
import importlib
import re
from pathlib import Path

from starlette.routing import Route
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.routes import routes
from provider.web.endpoint import Endpoint
from provider.web.errors import as_page
from tests.support.server_process import REPOSITORY

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


GIVING_NOTHING = {"/language", "/health/echo"}
"""Where forms are accepted from anywhere, because they give and take nothing."""


def test_an_anonymous_request_is_answered_everywhere(client: TestClient) -> None:
    """Never a 5xx; and nothing that a page's form does can be done without the page."""
    wrong = []
    for_programs = ("/oauth2/", "/login/upstream/{key}/backchannel-logout", "/login/upstream/{key}/signals")
    for method, path in ((method, route.path) for route in EVERY_ROUTE for method in sorted(route.methods or ())):
        answer = client.request(method, path.replace("{name}", "signet.css"), headers={"accept": "text/html"})
        if path.startswith(("/api/", "/scim/", "/ssf/")) and not path.endswith("/openapi.json"):
            fits = answer.status_code == 401
        elif method == "POST" and not path.startswith(for_programs) and path not in GIVING_NOTHING:
            fits = answer.status_code == 403
        else:
            fits = answer.status_code < 500
        if not fits:
            wrong.append(f"{method} {path}: {answer.status_code}")
    assert wrong == []


def test_every_protocol_endpoint_cites_what_it_implements() -> None:
    docs = {module: importlib.import_module(module).__doc__ or "" for module in PROTOCOL_ENDPOINTS}
    assert [module for module, doc in docs.items() if not re.search(r"RFC \d{4}|OIDC|OpenID Connect|ours", doc)] == []


NO_BEGINNING = re.compile(r'(?:\) -> .*|class .*):\n +"""((?:Of|The same|For|As|What)\b.*)')
"""A docstring of a function or a class that begins with no verb and no noun."""


def test_every_file_has_a_docstring_and_is_about_one_thing() -> None:
    """Above 300 lines, look for the second concept."""
    wrong = []
    for file in sources(PROVIDER):
        text = file.read_text()
        name, lines = file.relative_to(PROVIDER), len(text.splitlines())
        if not text.startswith(('"""', 'r"""')):
            wrong.append(f"{name} has no docstring")
        if lines > 300:
            wrong.append(f"{name} has {lines} lines")
        wrong += [f"{name}: {begins!r} begins no sentence that stands alone" for begins in NO_BEGINNING.findall(text)]
        if file.stem in {"utils", "helpers", "common", "manager", "misc"}:
            wrong.append(f"{name} is named for nothing")
    assert wrong == []


def test_every_template_is_used() -> None:
    folder = REPOSITORY / "templates"
    python = "\n".join(source.read_text() for source in sources(PROVIDER))
    of_emails = "\n".join(source.read_text() for source in sources(PROVIDER / "mail"))
    templates = {path: path.read_text() for path in folder.rglob("*") if path.suffix in {".html", ".txt", ".jinja"}}
    assert templates
    for path in templates:
        name = str(path.relative_to(folder))
        if path.parent == folder / "mail":  # named without its folder, and an email without its suffix
            used = f'"{path.stem}"' in of_emails or f'"{path.name}"' in of_emails
        else:
            others = "\n".join(text for other, text in templates.items() if other != path)
            used = f'"{name}"' in python + others
        assert used, f"{name} is not used"


def test_samples_know_nothing_of_the_provider() -> None:
    kit = REPOSITORY / "clients/pytest_signet"  # no sample: it runs the provider in the tests of apps
    samples = [path for path in sources(REPOSITORY / "clients") if kit not in path.parents]
    assert samples
    for source in samples:
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


def test_an_address_that_only_takes_a_form_leads_to_the_page_with_the_form(client: TestClient) -> None:
    """When it is typed or reloaded, and when the form has expired."""
    assert [route.path for route in ONLY_FORMS if not leads_to_its_page(client, route)] == []


def leads_to_its_page(client: TestClient, route: Route) -> bool:
    assert isinstance(route.endpoint, Endpoint)
    page = route.endpoint.form_on
    asked = client.get(f"{route.path}?return_to=/account", headers={"accept": "text/html"})
    expired = client.post(f"{route.path}?return_to=/account", headers={"accept": "text/html"})
    return (
        any(other.path == page and "GET" in (other.methods or ()) for other in EVERY_ROUTE)
        and asked.headers["location"] == f"{page}?return_to=/account"
        and expired.status_code == 403
        and f'href="{page}?return_to=/account"' in expired.text
    )


def test_stores_import_only_stores_and_the_database() -> None:
    """The innermost layer: SQL and rows. Rules call it, never the other way round."""
    strangers = {
        f"{path.relative_to(PROVIDER)} imports {node.module}"
        for path in sources(PROVIDER)
        if "store" in {*path.parent.parts, path.stem}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and re.match(r"provider\b(?!\.database\b)(?!.*\.store\b)", node.module or "")
    }
    assert not strangers


def test_no_package_has_more_than_thirty_files_at_one_level() -> None:
    crowded = {
        str(folder.relative_to(PROVIDER)): count
        for folder in (PROVIDER, *PROVIDER.rglob("*"))
        if folder.is_dir() and (count := len(list(folder.glob("*.py")))) > 30
    }
    assert not crowded
