"""Who may call the admin API and see the operators' pages, address by address; one that nobody listed fails."""

import json
import re
from functools import partial

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.api import openapi
from provider.config.settings import Settings
from provider.routes import routes
from provider.web import cookies, csrf
from provider.work import Installation
from tests.admin import needs
from tests.admin.conftest import API, calls, filled, person_token, program, with_token
from tests.support.browser import Browser
from tests.support.effort import effort
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.relying_party import TWO_FACTORS, sign_in_person
from tests.support.server_process import REPOSITORY

PUBLIC = {"GET /api/admin/openapi.json", "OPTIONS /api/admin/openapi.json"}


def test_the_copy_in_docs_is_current() -> None:
    kept = (REPOSITORY / "docs/reference/admin-api.json").read_text()
    assert kept == openapi.text(Settings(), routes(Settings()), openapi.ADMIN_API), "run: make api-documents"
    assert json.loads(kept)["components"]["securitySchemes"].keys() == {"operator"}


def test_every_address_of_the_api_is_listed(app: Starlette) -> None:
    listed = {f"{method} {path}" for method, path in needs.API}
    assert {f"{method} {path}" for method, path in calls(app, API)} == listed | PUBLIC


def test_each_operation_is_for_operators_and_only_reading_is_for_readers(
    app: Starlette, client: TestClient, work: Work, installation: Installation
) -> None:
    """Nobody 401; a person without the role or with one factor, another program, a reader who writes 403."""

    def person(roles: tuple[str, ...], amr: str, scope: str) -> str:
        return person_token(client, work, installation, roles=roles, amr=amr, scope=scope)

    both = "admin:read admin:write"
    refused = {
        "a person without the role": person((), TWO_FACTORS, both),
        "a person with a role of one client": person(("shop:admin",), TWO_FACTORS, both + " email"),
        "an operator with one factor": person(("admin",), "pwd", both),
        "another program": program(work, client, "orders:read").token,
        "a token for the account API": person(("admin",), TWO_FACTORS, "account"),
    }
    readers = {
        "a reading program": program(work, client, "admin:read").token,
        "a reading operator": person(("admin",), TWO_FACTORS, "admin:read"),
    }
    admitted = {
        "a writing program": program(work, client, "admin:write").token,
        "a writing operator": person(("admin",), TWO_FACTORS, both),
    }
    client.cookies.clear()
    always = "a person without the role"
    others = [who for who in refused if who != always]
    for number, (method, path) in enumerate(calls(app, API)):
        if f"{method} {path}" in PUBLIC:
            continue
        ask = partial(with_token, client, (method, filled(path)))
        stranger = ask("")
        assert (stranger.status_code, stranger.headers["www-authenticate"][:6]) == (401, "Bearer"), (method, path)
        assert ask("nonsense").status_code == 401
        for who in effort([always, others[number % len(others)]], list(refused)):
            answer = ask(refused[who])
            kind = answer.json().get("type")
            assert (answer.status_code, kind) == (403, "urn:signet:problem:insufficient_scope"), (who, method, path)
        for who, token in readers.items():
            reads = method == "GET" or path == f"{API}/inspections"  # what is inspected must not be in a URL
            assert needs.API[method, path].endswith(":read") == reads
            assert (ask(token).status_code == 403) == (not reads), (who, method, path)
        for who in effort([list(admitted)[number % 2]], list(admitted)):
            assert ask(admitted[who]).status_code not in {401, 403, 500, 503}, (who, method, path)


def test_each_page_of_the_console_is_for_operators(
    app: Starlette, browser: Browser, work: Work, installation: Installation
) -> None:
    """Without a session the sign-in, without the role 403, with one factor never the page; forms as well as pages."""
    http = browser.client
    pages = list(calls(app, "/admin"))
    assert pages

    def ask(method: str, path: str, secret: str) -> httpx2.Response:
        form = {csrf.FIELD: csrf.csrf_token(installation.vault, secret)}
        data = None if method == "GET" else form
        headers = {"origin": installation.settings.issuer}
        return http.request(method, filled(path), data=data, headers=headers, follow_redirects=False)

    name = cookies.cookie_name(installation.settings, cookies.BROWSER)
    http.cookies.set(name, "b" * 43, domain="id.example.test", path="/")
    for method, path in pages:
        answer = ask(method, path, "b" * 43)
        assert (answer.status_code, answer.headers.get("location", "")[:6]) == (303, "/login"), (method, path)
    with work() as w:
        nobody, one_factor = make_user(w), make_user(w, "op@example.test", roles=("admin",))
    for user_id, amr, statuses in ((nobody, TWO_FACTORS, {403}), (one_factor, "pwd", {303})):
        session = sign_in_person(http, installation, user_id, amr=amr)
        for method, path in pages:
            answer = ask(method, path, session)
            assert answer.status_code in statuses, (method, path)
            assert not answer.headers.get("location", "").startswith("/admin"), (method, path)


def test_what_is_not_there_or_breaks_says_nothing_of_us(
    client: TestClient, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-51; A-96: unknown addresses, wrong methods and a bug are answered with an id and no more."""
    operator = program(work, client, "admin:write")
    monkeypatch.setattr("provider.audit.store.find", lambda *_, **__: 1 / 0)
    answers = [operator(*call) for call in (
        ("GET", "/nothing"), ("GET", "/.env"), ("GET", "/docs"), ("GET", "/%2e%2e/%2e%2e/etc/passwd"),
        ("DELETE", "/users"),
        ("POST", "/audit"), ("TRACE", "/users"), ("GET", "/../../admin/nothing"), ("GET", "/audit"),
    )]  # fmt: skip
    assert [answer.status_code for answer in answers] == [404, 404, 404, 404, 405, 405, 405, 404, 500]
    for answer in answers:
        assert not re.search(r"Traceback|ZeroDivision|provider[./]|site-packages|starlette", answer.text, re.IGNORECASE)
        assert answer.headers["x-request-id"] in answer.text, answer.text
    assert answers[-1].headers["content-type"] == "application/problem+json"
