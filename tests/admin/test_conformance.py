"""The admin API does what its document says, whatever it is sent: Schemathesis against the served document.

Each case finds a world of its own: what the path names is made a moment before.
"""

from collections.abc import Callable
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from starlette.testclient import TestClient

from provider.accounts import registration
from provider.accounts.groups.groups import GroupSettings, create_group
from provider.accounts.roles import roles
from provider.accounts.roles.permissions import EVERYTHING
from provider.database.base import new_id
from provider.database.security_stamp import FIRST
from provider.federation import managed
from provider.oauth.authorize import consent
from provider.oauth.keys import rotation
from provider.oauth.trusted_issuers import issuers
from provider.oauth.trusted_issuers.issuers import IssuerSettings
from provider.operator_names import OperatorName
from provider.operators.imports import jobs
from provider.outbox import messages
from provider.sessions import lifecycle
from provider.sessions import store as sessions
from provider.webhooks import subscriptions
from provider.work import UnitOfWork
from tests.admin.conftest import API, Program
from tests.support.factories import make_client
from tests.support.installation import ISSUER, Work

CASES = {GenerationMode.POSITIVE: 3, GenerationMode.NEGATIVE: 2}
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
load_all_checks()
CHECK_FUNCTIONS: list[Any] = [CHECKS.get_one(name) for name in CHECKED]


def make_user(work: UnitOfWork) -> str:
    address = f"{new_id()}@example.test"
    return registration.create_user(work, email=address, password=None, verified=True)


def make_session(work: UnitOfWork) -> str:
    user_id = make_user(work)
    lifecycle.open_session(work, user_id=user_id, security_stamp=FIRST, factor="pwd")
    return str(sessions.find_all(work.read, user_id)[0].id)


def make_allowed(work: UnitOfWork) -> dict[str, str]:
    """A person who allowed an application something."""
    user_id, client = make_user(work), make_client(work)[0]
    consent.grant(work, user_id=user_id, client=client, scopes=("openid",), claims=frozenset())
    return {"user_id": user_id, "client_id": client.client_id}


def make_role(work: UnitOfWork) -> str:
    name = f"role-{new_id()}"
    roles.create_role(work, name=name, description="")
    return name


def make_upstream(work: UnitOfWork) -> str:
    given = {"name": "X", "issuer": f"https://{new_id()}.example.test", "client_id": "us", "client_secret": "s"}
    return managed.create(work, f"u{new_id()[-12:]}", given).id


def make_group(work: UnitOfWork) -> str:
    name = new_id()
    create_group(work, name, GroupSettings())
    return name


def make_import(work: UnitOfWork) -> str:
    content = f"email\n{new_id()}@example.test\nwrong\n".encode()
    work.origin = work.origin.of_operator(OperatorName.client("importer"))
    return jobs.upload(work, content=content, permissions=EVERYTHING, update=False, invite=False)


MAKERS: dict[str, Callable[[UnitOfWork], str]] = {
    "user_id": make_user,
    "import_id": make_import,
    "client_id": lambda work: make_client(work)[0].client_id,
    "session_id": make_session,
    "promise_id": lambda work: messages.enqueue(work, "mail", {}, about="a letter"),
    "role": make_role,
    "group": make_group,
    "webhook_id": lambda work: subscriptions.create(work, url="https://hooks.example.test/")[0].id,
    "issuer_id": lambda work: issuers.create(work, f"https://{new_id()}.example.test", IssuerSettings()).id,
    "upstream_id": make_upstream,
    "kid": lambda work: next(key.kid for key in rotation.list_keys(work) if key.alg == "EdDSA"),
}
SHOP = {"client_name": "Shop", "redirect_uris": ["https://shop.example.test/"]}
REAL: dict[str, dict[str, Any]] = {
    "create_user": {"email": "grace@example.test"},
    "change_user": {"claims": {"name": "Grace"}, "roles": ["clerk"]},
    "request_email_change_of_user": {"email": "grace@new.example.test"},
    "create_client": SHOP,
    "replace_client": SHOP,
    "create_webhook": {"url": "https://hooks.example.test/", "events": ["account.*"]},
    "replay_webhook": {"since": "2026-01-01T00:00:00Z"},
    "create_upstream": {"key": "github", "preset": "github", "client_id": "us", "client_secret": "s"},
    "replace_upstream": {"name": "X", "issuer": "https://other.example.test", "client_id": "us", "client_secret": "s"},
    "create_trusted_issuer": {"issuer": "https://issuer.example.test", "algorithms": ["ES256"]},
    "replace_trusted_issuer": {"algorithms": ["ES256"]},
    "rotate_keys": {"alg": "ES256"},
}
"""What somebody would send who wants it to succeed, where the document does not say enough to hit upon it."""


@pytest.mark.slow
@pytest.mark.nightly
def test_answers_are_as_described(client: TestClient, operator: Program, work: Work) -> None:
    """No 5xx, and status, headers, media type and body of the answer are in the document; invalid input is refused."""
    schema: Any = schemathesis.openapi.from_dict(client.get(f"{API}/openapi.json").json())
    for found in (one.ok() for one in schema.get_all_operations()):
        examine(found, GenerationMode.POSITIVE, client, operator, work)
        if found.definition.raw["operationId"] in REAL:
            examine(found, GenerationMode.POSITIVE, client, operator, work, real=True)
        if any(body.media_type == "application/json" for body in found.body):  # any bytes can be called a picture
            examine(found, GenerationMode.NEGATIVE, client, operator, work)


def examine(
    found: Any, mode: GenerationMode, client: TestClient, operator: Program, work: Work, *, real: bool = False
) -> None:
    @settings(
        max_examples=1 if real else CASES[mode],
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(found.as_strategy(mode))
    def examine_one(case: Case[Any]) -> None:
        parameters: Any = case.path_parameters or {}
        with work() as w:
            both = make_allowed(w) if {"user_id", "client_id"} <= parameters.keys() else {}
            for name in parameters.keys() & MAKERS.keys():
                parameters[name] = both.get(name) or MAKERS[name](w)
        if real:
            case.body = REAL[found.definition.raw["operationId"]]
            case.headers.clear()
        case.headers["Authorization"] = f"Bearer {operator.token}"
        wire = case.as_transport_kwargs(base_url=ISSUER)
        wanted: Any = requests.Request(**{name: value for name, value in wire.items() if value is not None}).prepare()
        answer = client.request(wanted.method, wanted.url, content=wanted.body or b"", headers=dict(wanted.headers))
        assert answer.status_code != 401, "the token ended"
        assert not real or answer.status_code < 300, answer.text
        case.validate_response(answer, checks=CHECK_FUNCTIONS)

    examine_one()
