"""The sample API: which tokens it takes, and what it says to those it does not."""

from datetime import timedelta
from typing import Any

import pytest
from signet_testing.changes import foreign_key
from signet_testing.signet import Signet
from starlette.testclient import TestClient

from tests.clients.conftest import AUDIENCE, Call, Issue, sample
from tests.support.cases import in_one_world


def wait(api: TestClient, seconds: float) -> None:
    """Let so much time pass for the API since it looked at the keys."""
    tokens = api.app.state.tokens  # type: ignore[attr-defined]
    tokens._fetched_at -= seconds
    tokens._tried_at -= seconds


def test_a_good_token_opens_the_route(signet: Signet, call: Call) -> None:
    """Replaces: services verify tokens."""
    ada = signet.user()
    answer = call("/hello", signet.token(ada, scope="profile", audience=AUDIENCE))
    assert answer.status_code == 200
    assert answer.json()["sub"] == ada.sub


def test_the_token_of_a_service_opens_what_its_scope_is_for(signet: Signet, call: Call) -> None:
    """RFC 6749 section 4.4."""
    assert call("/reports", signet.client_token(scope="reports:read", audience=AUDIENCE)).status_code == 200


def test_without_a_token_the_challenge_names_no_error(api: TestClient) -> None:
    """RFC 6750 section 3.1."""
    answer = api.get("/hello")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="sample API"'


@in_one_world(
    "changes",
    [
        {"header": {"typ": "JWT"}},  # an ID Token is no access token
        {"wrong_issuer": True},
        {"wrong_audience": True},
        {"expired": True},
        {"not_yet_valid": True},
        {"foreign_key": True},
        {"unsigned": True},
        {"claims": {"exp": None}},
        {"claims": {"sub": None}},
        {"claims": {"client_id": None}},
        {"claims": {"cnf": {"jkt": "of-a-key"}}},  # stolen: without a proof, it is no bearer token
    ],
)
def test_a_token_that_is_not_for_this_api_is_refused(issue: Issue, call: Call, changes: dict[str, Any]) -> None:
    """RFC 9068 section 4, RFC 8725 section 3.1, RFC 9449 section 7.2."""
    answer = call("/hello", issue(**changes))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("token", ["x", "a.b.c", "ey.ey.ey", "é", " ", "." * 50])
def test_what_is_no_jwt_is_refused(call: Call, api: TestClient, token: str) -> None:
    answer = api.get("/hello", headers={b"authorization": f"Bearer {token}".encode()})
    assert answer.status_code == 401


def test_a_signature_of_nothing_is_refused(issue: Issue, call: Call) -> None:
    """RFC 8725 section 3.1."""
    header, claims, _ = issue().split(".")
    assert call("/hello", f"{header}.{claims}.AAAA").status_code == 401
    assert call("/hello", f"{header}.{claims}.").status_code == 401


def test_a_key_in_the_token_itself_is_not_believed(issue: Issue, call: Call) -> None:
    """N-564. RFC 8725 section 3.10."""
    token = issue(foreign_key=True, header={"jwk": foreign_key().as_dict(private=False)})
    assert call("/hello", token).status_code == 401


def test_a_missing_scope_is_named(issue: Issue, call: Call) -> None:
    """RFC 6750 section 3.1."""
    answer = call("/reports", issue())
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert 'scope="reports:read"' in answer.headers["www-authenticate"]
    assert call("/reports", issue(scope="reports:read")).status_code == 200


def test_a_role_is_needed_where_the_route_says_so(signet: Signet, issue: Issue, call: Call) -> None:
    """Replaces: roles and permissions."""
    editor, admin = signet.user(roles=("editor",)), signet.user(roles=("admin",))
    assert call("/admin", issue(scope="roles")).status_code == 403
    assert call("/admin", issue(scope="roles", user=editor)).status_code == 403
    assert call("/admin", issue(scope="roles", user=admin)).status_code == 200


@pytest.mark.parametrize(
    "changes", [{"acr": "aal1"}, {"claims": {"acr": None}}, {"acr": "aal2", "auth_time": timedelta(minutes=6)}], ids=str
)
def test_a_weak_or_old_sign_in_is_told_what_is_needed(issue: Issue, call: Call, changes: dict[str, Any]) -> None:
    """RFC 9470 section 3. Replaces: second factor inside the token."""
    answer = call("/vault", issue(**changes))
    challenge = answer.headers["www-authenticate"]
    assert answer.status_code == 401
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'acr_values="aal2"' in challenge
    assert 'max_age="300"' in challenge


def test_a_recent_second_factor_opens_the_vault(issue: Issue, call: Call) -> None:
    """Replaces: second factor inside the token."""
    assert call("/vault", issue(acr="aal2")).status_code == 200


def test_keys_are_fetched_once_for_many_tokens(signet: Signet, issue: Issue, call: Call) -> None:
    for _ in range(3):
        assert call("/hello", issue()).status_code == 200
    assert len(signet.requests.to("jwks")) == 1


def test_unknown_kids_do_not_hammer_the_issuer(signet: Signet, issue: Issue, call: Call) -> None:
    call("/hello", issue())
    for kid in "12345":
        assert call("/hello", issue(foreign_key=True, header={"kid": kid})).status_code == 401
    assert len(signet.requests.to("jwks")) == 1


def test_a_new_key_is_found_after_a_minute(signet: Signet, issue: Issue, call: Call, api: TestClient) -> None:
    call("/hello", issue())
    signet.rotate_keys(unknown=True)
    assert call("/hello", issue()).status_code == 401
    wait(api, 61)
    assert call("/hello", issue()).status_code == 200


def test_the_next_key_is_known_before_it_signs(signet: Signet, issue: Issue, call: Call) -> None:
    call("/hello", issue())
    signet.rotate_keys()
    assert call("/hello", issue()).status_code == 200
    assert len(signet.requests.to("jwks")) == 1


def test_a_revoked_key_is_noticed_when_the_copy_is_as_old_as_its_answer_allowed(
    signet: Signet, issue: Issue, call: Call, api: TestClient
) -> None:
    """N-628. OIDC Core section 10.1.1: nothing newer has to arrive for it."""
    forged = issue()
    assert call("/hello", forged).status_code == 200
    signet.rotate_keys(revoke=True)
    wait(api, 299)
    assert call("/hello", forged).status_code == 200
    wait(api, 2)
    assert call("/hello", forged).status_code == 401
    assert call("/hello", issue()).status_code == 200
    assert len(signet.requests.to("jwks")) == 2


def test_the_answer_says_how_long_keys_are_fresh_within_bounds() -> None:
    """RFC 9111 section 5.2.2.1."""
    fresh_for = sample("resource_server.tokens").fresh_for
    assert [fresh_for(said) for said in ("max-age=120", "", "public, max-age=99999")] == [120, 300, 3600]


def test_in_an_outage_the_last_keys_are_used_for_an_hour_and_asked_for_once_a_minute(
    signet: Signet, issue: Issue, call: Call, api: TestClient
) -> None:
    token, unknown = issue(), issue(foreign_key=True, header={"kid": "unknown"})
    assert call("/hello", token).status_code == 200
    with signet.faults.fail("jwks"):
        wait(api, 301)
        for _ in range(3):
            assert call("/hello", token).status_code == 200
            assert call("/hello", unknown).status_code == 503, "an outage is no verdict"
        assert len(signet.requests.to("jwks")) == 2
        wait(api, 3300)
        assert call("/hello", token).status_code == 503
    wait(api, 6)
    assert call("/hello", token).status_code == 200
    assert call("/hello", unknown).status_code == 401


@pytest.mark.parametrize("endpoint", ["discovery", "jwks"])
def test_an_issuer_that_is_away_is_an_outage_and_no_verdict(
    signet: Signet, issue: Issue, call: Call, api: TestClient, endpoint: str
) -> None:
    with signet.faults.fail(endpoint, status=500):
        for _ in range(2):
            answer = call("/hello", issue())
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "5"
        assert len(signet.requests.to(endpoint)) == 1
    wait(api, 6)
    assert call("/hello", issue()).status_code == 200


def test_keys_of_another_issuer_are_not_taken(signet: Signet, issue: Issue, call: Call) -> None:
    """OIDC Discovery section 4.3."""
    with signet.faults.discovery():
        assert call("/hello", issue()).status_code == 503


def test_pages_of_sites_it_knows_may_call_it_and_no_others(signet: Signet, issue: Issue) -> None:
    """The Fetch standard's CORS protocol: with a token, never with cookies."""
    page = "https://pocket.example.test"
    app = sample("resource_server.app").create_app(signet.issuer, AUDIENCE, [page])
    asks = {"access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    with TestClient(app) as client:
        for origin, allowed in ((page, page), ("https://evil.test", None), ("null", None)):
            token = {"authorization": f"Bearer {issue()}", "origin": origin}
            for answer in (
                client.get("/hello", headers=token),
                client.options("/hello", headers={**asks, "origin": origin}),
            ):
                assert answer.headers.get("access-control-allow-origin") == allowed
                assert "access-control-allow-credentials" not in answer.headers
            assert client.get("/hello", headers={"origin": origin}).status_code == 401
