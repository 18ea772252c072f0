"""The OpenAPI document: computed from the code, served, kept in docs; and an operation of a feature that is off is not
in it.
"""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import Route
from starlette.testclient import TestClient

from provider.api import openapi
from provider.api.operation import Operation
from provider.config.general import FEATURES
from provider.config.settings import Settings
from provider.routes import routes
from tests.api.conftest import API, App, Caller
from tests.support.cases import in_one_world
from tests.support.effort import effort
from tests.support.server_process import REPOSITORY

DOCUMENT = openapi.document(Settings(), routes(Settings()))
OPERATIONS = [
    (path, method, described) for path, methods in DOCUMENT["paths"].items() for method, described in methods.items()
]


def test_the_copy_in_docs_is_current() -> None:
    """`make api-documents` writes it."""
    kept = (REPOSITORY / "docs/reference/account-api.json").read_text()
    assert kept == openapi.text(Settings(), routes(Settings())), "run: make api-documents"


def test_it_is_served(client: TestClient) -> None:
    answer = client.get(f"{API}/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert "etag" in answer.headers
    assert answer.json()["openapi"] == "3.1.1"
    assert answer.json()["servers"] == [{"url": "https://id.example.test"}]


def test_every_operation_is_in_it_once() -> None:
    there = [
        route
        for route in routes(Settings())
        if isinstance(route, Route) and isinstance(route.endpoint, Operation) and route.path.startswith(f"{API}/")
    ]
    assert {route.name for route in there} == {described["operationId"] for _, _, described in OPERATIONS}
    assert len(there) == len(OPERATIONS)
    assert all(described["summary"] and described["responses"] for _, _, described in OPERATIONS)


VERBS = frozenset(
    """
    Add Cancel Change Check Confirm Count Create Delete Disable Email Enable End Export Find Get Issue Link List Open
    Pause Register Remove Replace Replay Request Resend Reset Restore Retry Revoke Rotate Send Shorten Sign Start
    Suspend Turn Unlink Update Upload Use Withdraw
    """.split()  # noqa: SIM905  # read as a list of words
)
SAID_OTHERWISE = {
    "admin/refusals": "rejected",
    "admin/refusals/{error_id}": "rejected",
    "account/consents": "application",
    "account/consents/{client_id}": "application",
    "account/register": "Create an account",
    "admin/registration-tokens": "initial access token",
}
"""Paths whose word is not the one people use."""


@pytest.mark.parametrize("api", [openapi.ACCOUNT_API, openapi.ADMIN_API], ids=lambda api: api.path)
def test_every_schema_member_and_parameter_is_described_and_summaries_are_short(api: openapi.Api) -> None:
    document = openapi.document(Settings(), routes(Settings()), api)
    bare = [name for name, schema in document["components"]["schemas"].items() if not schema.get("description")]
    for name, schema in document["components"]["schemas"].items():
        bare += [f"{name}.{member}" for member, said in schema["properties"].items() if not said.get("description")]
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            assert len(described["summary"]) <= 45, described["summary"]
            bare += [
                f"{method} {path} {one['name']}" for one in described.get("parameters", ()) if not one["description"]
            ]
    assert not bare


@pytest.mark.parametrize("api", [openapi.ACCOUNT_API, openapi.ADMIN_API], ids=lambda api: api.path)
def test_a_summary_is_a_sentence_of_a_verb_and_what_the_path_names(api: openapi.Api) -> None:
    """It is read alone, in a list: "Delete a user", not "At once"."""
    wrong = []
    for path, methods in openapi.document(Settings(), routes(Settings()), api)["paths"].items():
        named = {part[:4] for part in path.replace("-", "/").split("/")[3:] if part and not part.startswith("{")}
        for method, described in methods.items():
            summary = described["summary"]
            word = SAID_OTHERWISE.get(path.removeprefix("/api/"))
            names_it = word in summary if word else any(stem in summary.lower() for stem in named)
            if summary.split()[0] not in VERBS or not names_it or not described["description"].endswith("."):
                wrong.append(f"{method} {path}: {summary}")
    assert not wrong, "\n".join(wrong)


def test_every_reference_in_it_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    names = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= DOCUMENT["components"]["schemas"].keys()


@in_one_world(
    ("feature", "path"),
    [
        ("registration", "/register"),
        ("email-verification", "/verify-email/letter"),
        ("email-verification", "/verify-email/confirm"),
        ("email-verification", "/email"),
        ("update-profile", "/email/confirm"),
        ("reset-passwords", "/forgot-password"),
        ("reset-passwords", "/reset-password/check"),
        ("reset-passwords", "/reset-password"),
        ("update-passwords", "/password"),
        ("two-factor", "/two-factor"),
        ("two-factor", "/two-factor/confirm"),
        ("two-factor", "/recovery-codes"),
    ],
)
def test_an_operation_of_a_feature_that_is_off_does_not_exist(feature: str, path: str) -> None:
    """A-86. Replaces: feature flags."""
    off = Settings(features=frozenset(name for name in FEATURES if name != feature))
    assert API + path in DOCUMENT["paths"]
    assert API + path not in openapi.document(off, routes(off))["paths"]
    assert API + path not in {route.path for route in routes(off) if isinstance(route, Route)}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
TAKING = [one for one in OPERATIONS if "application/json" in one[2].get("requestBody", {}).get("content", {})]


def members(described: dict[str, object]) -> list[str]:
    body = described["requestBody"]
    assert isinstance(body, dict)
    name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return list(DOCUMENT["components"]["schemas"][name]["properties"])


@pytest.mark.parametrize(("path", "method", "described"), TAKING, ids=[f"{one[1]} {one[0]}" for one in TAKING])
def test_no_body_crashes_an_operation(
    app_of_ours: App, as_ada: Caller, unlimited: None, path: str, method: str, described: dict[str, object]
) -> None:
    """Whatever comes, the answer is one of those described. Replaces: limits, sessions, headers, validation, log."""
    names = members(described)
    by_client = described["security"] == [{"client": []}]
    headers = app_of_ours.rp.authentication()[0] if by_client else {"authorization": f"Bearer {as_ada.token}"}
    expected = described["responses"]
    assert isinstance(expected, dict)

    @settings(max_examples=effort(10, 25), deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.dictionaries(st.sampled_from([*names, "x"]), JSON | st.text(max_size=60)) | JSON)
    def try_one(body: object) -> None:
        content = json.dumps(body).encode()
        answer = app_of_ours.http.request(
            method, path, content=content, headers={**headers, "content-type": "application/json"}
        )
        assert str(answer.status_code) in expected, answer.text
        assert answer.status_code < 500

    try_one()
