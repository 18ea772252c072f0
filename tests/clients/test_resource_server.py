"""The sample API: which tokens it takes, and what it says to those it does not."""

import base64
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.clients.conftest import Call, Issuer, new_key, sample
from tests.support.one_world import in_one_world


def test_a_good_token_opens_the_route(issuer: Issuer, call: Call) -> None:
    """Replaces: services verify tokens."""
    answer = call("/hello", issuer.sign())
    assert answer.status_code == 200
    assert answer.json()["sub"] == "0198-ada"


def test_without_a_token_the_challenge_names_no_error(api: TestClient) -> None:
    """RFC 6750 section 3.1."""
    answer = api.get("/hello")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="sample API"'


@in_one_world(
    "changes",
    [
        {"typ": "JWT"},  # an ID Token is no access token
        {"iss": "https://elsewhere.example"},
        {"aud": "https://another-api.example"},
        {"exp": 1_700_000_000},  # years ago
        {"exp": None},
        {"sub": None},
        {"client_id": None},
    ],
)
def test_a_token_that_is_not_for_this_api_is_refused(issuer: Issuer, call: Call, changes: dict[str, Any]) -> None:
    """RFC 9068 section 4."""
    answer = call("/hello", issuer.sign(**changes))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("token", ["x", "a.b.c", "ey.ey.ey", "é", " ", "." * 50])
def test_what_is_no_jwt_is_refused(call: Call, api: TestClient, token: str) -> None:
    answer = api.get("/hello", headers={b"authorization": f"Bearer {token}".encode()})
    assert answer.status_code == 401


def test_an_unsigned_token_is_refused(issuer: Issuer, call: Call) -> None:
    """RFC 8725 section 3.1."""
    header, claims, _ = issuer.sign().split(".")
    unsigned = json.dumps({"alg": "none", "typ": "at+jwt", "kid": issuer.keys[0].kid}).encode()
    assert call("/hello", f"{base64.urlsafe_b64encode(unsigned).decode().rstrip('=')}.{claims}.").status_code == 401
    assert call("/hello", f"{header}.{claims}.AAAA").status_code == 401


def test_a_key_in_the_token_itself_is_not_believed(issuer: Issuer, call: Call) -> None:
    """RFC 8725 section 3.10."""
    stranger = new_key()
    header = {"kid": issuer.keys[0].kid, "jwk": stranger.as_dict(private=False)}
    assert call("/hello", issuer.sign(key=stranger, header=header)).status_code == 401


def test_a_missing_scope_is_named(issuer: Issuer, call: Call) -> None:
    """RFC 6750 section 3.1."""
    answer = call("/reports", issuer.sign())
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert 'scope="reports:read"' in answer.headers["www-authenticate"]
    assert call("/reports", issuer.sign(scope="reports:read")).status_code == 200


def test_a_role_is_needed_where_the_route_says_so(issuer: Issuer, call: Call) -> None:
    """Replaces: roles and permissions."""
    assert call("/admin", issuer.sign(scope="roles")).status_code == 403
    assert call("/admin", issuer.sign(scope="roles", roles=["editor"])).status_code == 403
    assert call("/admin", issuer.sign(scope="roles", roles=["admin"])).status_code == 200


@pytest.mark.parametrize("changes", [{"acr": "aal1"}, {"acr": None}, {"acr": "aal2", "auth_time": 1}], ids=str)
def test_a_weak_or_old_sign_in_is_told_what_is_needed(issuer: Issuer, call: Call, changes: dict[str, Any]) -> None:
    """RFC 9470 section 3. Replaces: second factor inside the token."""
    answer = call("/vault", issuer.sign(**changes))
    challenge = answer.headers["www-authenticate"]
    assert answer.status_code == 401
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'acr_values="aal2"' in challenge
    assert 'max_age="300"' in challenge


def test_a_recent_second_factor_opens_the_vault(issuer: Issuer, call: Call) -> None:
    """Replaces: second factor inside the token."""
    assert call("/vault", issuer.sign(acr="aal2")).status_code == 200


def test_keys_are_fetched_once_for_many_tokens(issuer: Issuer, call: Call) -> None:
    for _ in range(3):
        assert call("/hello", issuer.sign()).status_code == 200
    assert issuer.jwks_fetched == 1


def test_unknown_kids_do_not_hammer_the_issuer(issuer: Issuer, call: Call) -> None:
    call("/hello", issuer.sign())
    for _ in range(5):
        assert call("/hello", issuer.sign(key=new_key())).status_code == 401
    assert issuer.jwks_fetched == 1


def test_a_new_key_is_found_after_a_minute(issuer: Issuer, call: Call, api: TestClient) -> None:
    call("/hello", issuer.sign())
    issuer.keys.append(new_key())
    assert call("/hello", issuer.sign()).status_code == 401
    api.app.state.tokens._fetched_at -= 61  # type: ignore[attr-defined]
    assert call("/hello", issuer.sign()).status_code == 200


def test_an_issuer_that_is_away_is_an_outage_and_no_verdict(issuer: Issuer, call: Call) -> None:
    issuer.down = True
    answer = call("/hello", issuer.sign())
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    issuer.down = False
    assert call("/hello", issuer.sign()).status_code == 200


def test_pages_of_sites_it_knows_may_call_it_and_no_others(issuer: Issuer) -> None:
    """The Fetch standard's CORS protocol: with a token, never with cookies."""
    page = "https://pocket.example.test"
    app = sample("resource_server.app").create_app(issuer.url, issuer.url, [page])
    asks = {"access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    with TestClient(app) as client:
        for origin, allowed in ((page, page), ("https://evil.test", None), ("null", None)):
            token = {"authorization": f"Bearer {issuer.sign()}", "origin": origin}
            for answer in (
                client.get("/hello", headers=token),
                client.options("/hello", headers={**asks, "origin": origin}),
            ):
                assert answer.headers.get("access-control-allow-origin") == allowed
                assert "access-control-allow-credentials" not in answer.headers
            assert client.get("/hello", headers={"origin": origin}).status_code == 401
