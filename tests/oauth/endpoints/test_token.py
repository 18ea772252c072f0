"""The token endpoint as such: what a request must look like."""

from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from provider.oauth.store import refusals
from tests.oauth.conftest import Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.installation import ISSUER, Work
from tests.support.limits import Lower
from tests.support.relying_party import INTROSPECT, REVOKE, TOKEN, RelyingParty

FORM_ENDPOINTS = [TOKEN, INTROSPECT, REVOKE]
FORM = "application/x-www-form-urlencoded"


@in_one_world("url", FORM_ENDPOINTS)
@in_one_world(
    ("content_type", "body"),
    [
        ("application/json", b'{"grant_type":"client_credentials"}'),
        ("application/xml", b"<grant_type/>"),
        ("text/plain", b"grant_type=client_credentials"),
        ("multipart/form-data; boundary=x", b"--x--"),
        (None, b"grant_type=client_credentials"),
        (None, b""),
    ],
)
def test_the_body_must_be_a_form(
    rp: RelyingParty, http: WatchedClient, unchanged: Unchanged, url: str, content_type: str | None, body: bytes
) -> None:
    """RFC 6749 section 3.2; A-90."""
    headers, _ = rp.authentication()
    if content_type is not None:
        headers["content-type"] = content_type
    with unchanged():
        response = http.post(url, content=body, headers=headers)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("url", FORM_ENDPOINTS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "HEAD"])
def test_only_post_is_answered(http: WatchedClient, url: str, method: str) -> None:
    """RFC 6749 section 3.2; A-90."""
    response = http.request(method, url)
    assert response.status_code == 405
    allowed = response.headers["allow"].split(", ")
    assert "POST" in allowed
    assert {*allowed} <= {"POST", "OPTIONS"}, "OPTIONS is for pages of other sites, where they may ask"


def test_a_method_override_is_ignored(http: WatchedClient) -> None:
    """A-90."""
    assert http.get(TOKEN, headers={"x-http-method-override": "POST"}).status_code == 405


@pytest.mark.parametrize("url", FORM_ENDPOINTS)
def test_a_body_too_large_is_refused(rp: RelyingParty, http: WatchedClient, unchanged: Unchanged, url: str) -> None:
    """A-92."""
    headers, _ = rp.authentication()
    with unchanged():
        response = http.post(url, content=b"x" * 70_000, headers={**headers, "content-type": FORM})
    assert response.status_code == 413


@in_one_world("url", FORM_ENDPOINTS)
@in_one_world("body", [b"a=1&" * 10_000, b"grant_type=%ff", b"\xff\xfe=1", b"grant_type=x&grant_type=y"])
def test_a_form_that_cannot_be_read_is_refused(
    rp: RelyingParty, http: WatchedClient, unchanged: Unchanged, url: str, body: bytes
) -> None:
    """RFC 6749 section 3.2; A-89, A-92."""
    headers, _ = rp.authentication()
    with unchanged():
        response = http.post(url, content=body, headers={**headers, "content-type": FORM})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@in_one_world("name", ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "scope", "x"])
@in_one_world("same", [True, False])
def test_a_repeated_parameter_is_refused(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, name: str, *, same: bool
) -> None:
    """RFC 6749 section 3.2; A-89: and the code is not spent."""
    answer = rp.ask(browser)
    form = [
        ("grant_type", "authorization_code"),
        ("code", answer.code),
        ("redirect_uri", answer.asked["redirect_uri"]),
        ("code_verifier", answer.verifier),
        ("client_id", rp.client_id),
        ("scope", "openid"),
        ("x", "1"),
    ]
    repeated = [*form, (name, dict(form)[name] if same else "other")]
    headers, _ = rp.authentication()
    with unchanged():
        body = urlencode(repeated).encode()
        response = rp.http.post(TOKEN, content=body, headers={**headers, "content-type": FORM})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert rp.redeem(answer).status == 200


@in_one_world("name", ["code", "grant_type", "client_id", "client_secret", "scope"])
def test_what_belongs_in_the_body_is_refused_in_the_url(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, name: str
) -> None:
    """RFC 6749 section 2.3.1; A-90."""
    answer = rp.ask(browser)
    headers, _ = rp.authentication()
    with unchanged():
        form = {"grant_type": "authorization_code", "code": answer.code, "code_verifier": answer.verifier}
        response = rp.http.post(f"{TOKEN}?{name}=x", data=form, headers=headers)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_an_unknown_parameter_is_ignored(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 3.2."""
    assert rp.redeem(rp.ask(browser), extra="foobar", **{"a[]": "b"}).status == 200


def test_an_empty_parameter_is_absent(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 3.2."""
    assert rp.redeem(rp.ask(browser), scope="", client_secret="").status == 200


@in_one_world(
    ("grant_type", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("password", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
        ("AUTHORIZATION_CODE", "unsupported_grant_type"),
        ("\x00", "unsupported_grant_type"),
        ("x" * 5000, "unsupported_grant_type"),
        ("client_credentials", "unauthorized_client"),
    ],
)
def test_a_grant_type_nobody_may_use(
    rp: RelyingParty, unchanged: Unchanged, grant_type: str | None, error: str
) -> None:
    """RFC 6749 section 5.2."""
    with unchanged():
        response = rp.post(TOKEN, grant_type=grant_type)
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_an_error_says_what_a_developer_needs_and_nothing_else(rp: RelyingParty) -> None:
    """RFC 6749 section 5.2."""
    response = rp.post(TOKEN, grant_type='"\\<script>ä')
    assert set(response.json()) == {"error", "error_description", "error_id"}
    assert response.json()["error_id"] == response.headers["x-request-id"]
    assert response.headers["pragma"] == "no-cache"


@pytest.mark.parametrize("origin", ["https://evil.test", "null", ISSUER])
def test_no_other_site_may_read_an_answer(rp: RelyingParty, origin: str) -> None:
    """A-100: `WatchedClient` checks that no CORS header is sent."""
    headers, _ = rp.authentication()
    response = rp.http.post(TOKEN, data={"grant_type": "x"}, headers={**headers, "origin": origin})
    assert "access-control-allow-credentials" not in response.headers


def test_explanations_are_limited_per_network(rp: RelyingParty, work: Work, lower: Lower) -> None:
    """docs/reference/throttling.md: explanations are kept best-effort, bounded per network."""
    lower(explanation="10/minute")
    for _ in range(15):
        rp.post(TOKEN, grant_type="x")
    with work() as w:
        assert w.read.scalar(select(func.count()).select_from(refusals)) == 10
