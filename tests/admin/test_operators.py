"""Who may call the admin API, operation by operation; a new operation is covered because the routes are read."""

import json
import re

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from provider.api import openapi
from provider.api.callers import OPERATOR, READING_OPERATOR
from provider.api.operation import Operation
from provider.routes import routes
from provider.settings import Settings
from provider.work import Installation
from tests.admin.conftest import API, Program
from tests.conftest import Work
from tests.factories import make_client, make_user
from tests.relying_party import TWO_FACTORS, RelyingParty, sign_in_person
from tests.server_process import REPOSITORY

ROUTES = [
    route
    for route in routes(Settings())
    if isinstance(route, Route) and route.path.startswith(f"{API}/") and isinstance(route.endpoint, Operation)
]
CALLS = [
    (next(method for method in sorted(route.methods or ()) if method != "HEAD"), re.sub(r"{\w+}", "x", route.path))
    for route in ROUTES
]
READS = {"GET"}


def test_the_copy_in_docs_is_current() -> None:
    kept = (REPOSITORY / "docs/admin-api.json").read_text()
    assert kept == openapi.text(Settings(), routes(Settings()), openapi.ADMIN_API), "run: make api-documents"
    assert json.loads(kept)["components"]["securitySchemes"].keys() == {"operator"}


def test_every_operation_is_for_operators_and_only_reading_is_for_readers() -> None:
    assert ROUTES
    for route in ROUTES:
        assert isinstance(route.endpoint, Operation)
        reads = bool(READS & (route.methods or set()))
        assert route.endpoint.caller == (READING_OPERATOR if reads else OPERATOR), route.path


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("method", "path"), CALLS, ids=[" ".join(call) for call in CALLS])
def test_strangers_people_and_other_programs_are_refused(
    client: TestClient, work: Work, reader: Program, method: str, path: str
) -> None:
    assert client.request(method, path).status_code == 401
    with work() as w:
        other, secret = make_client(w, redirect_uris=(), grant_types=("client_credentials",), scope="orders:read")
    token = RelyingParty(client, other, secret).client_credentials().access_token
    answer = client.request(method, path, headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:signet:problem:insufficient_scope")
    if method not in READS:
        assert reader(method, path.removeprefix(API)).status_code == 403


@pytest.mark.parametrize(
    ("roles", "amr", "status"),
    [
        ((), TWO_FACTORS, 403),
        (("admin",), "pwd", 403),
        (("shop:admin",), TWO_FACTORS, 403),
        (("admin",), TWO_FACTORS, 200),
    ],
)
def test_a_person_needs_the_role_and_a_second_factor(
    client: TestClient, work: Work, installation: Installation, roles: tuple[str, ...], amr: str, status: int
) -> None:
    with work() as w:
        user_id = make_user(w, roles=roles)
        registered, secret = make_client(w, scope="openid admin:read", first_party=True)
    sign_in_person(client, installation, user_id, amr=amr)
    tokens = RelyingParty(client, registered, secret).sign_in(client, scope="openid admin:read")
    answer = Program(client, tokens.access_token)("GET", "/users")
    assert answer.status_code == status
