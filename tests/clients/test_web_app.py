"""The sample web application's own parts: sessions on the server, reading a challenge, believing a logout token. Its
flows are journeys.
"""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from joserfc.errors import JoseError
from signet_testing.signet import Signet
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.clients.conftest import sample


def answer(challenge: str | None) -> httpx2.Response:
    return httpx2.Response(401, headers={} if challenge is None else {"www-authenticate": challenge})


def test_a_step_up_challenge_becomes_authorization_parameters() -> None:
    """RFC 9470 sections 3 and 4."""
    header = 'Bearer realm="x", error="insufficient_user_authentication", acr_values="aal2", max_age="300"'
    challenge = sample("web_app.steps").challenge_of(answer(header))
    assert challenge.is_step_up
    assert challenge.as_authorization_parameters() == {"acr_values": "aal2", "max_age": "300"}


def test_an_expired_token_is_no_step_up() -> None:
    """RFC 6750 section 3.1."""
    challenge = sample("web_app.steps").challenge_of(answer('Bearer error="invalid_token"'))
    assert not challenge.is_step_up
    assert challenge.as_authorization_parameters() == {}


@pytest.mark.parametrize("header", [None, "", "Basic realm=x"])
def test_other_answers_carry_no_challenge(header: str | None) -> None:
    assert sample("web_app.steps").challenge_of(answer(header)) is None


@pytest.fixture
def browser() -> Iterator[TestClient]:
    def write(request: Request) -> Response:
        request.session["word"] = request.query_params["word"]
        return PlainTextResponse("written")

    def read(request: Request) -> Response:
        return PlainTextResponse(request.session.get("word", "-"))

    def sign_in(request: Request) -> Response:
        request.scope["session"].renew()
        request.session["word"] = "in"
        return PlainTextResponse("in")

    routes = [Route("/write", write), Route("/read", read), Route("/sign-in", sign_in)]
    middleware = [Middleware(sample("web_app.sessions").ServerSessions, cookie="quill", secure=False)]
    with TestClient(Starlette(routes=routes, middleware=middleware)) as client:
        yield client


def test_a_session_lives_on_the_server_and_the_cookie_only_names_it(browser: TestClient) -> None:
    cookie = browser.get("/write?word=secret").headers["set-cookie"]
    assert "secret" not in cookie
    assert "HttpOnly; SameSite=Lax" in cookie
    assert browser.get("/read").text == "secret"


def test_nobody_gets_a_session_for_looking(browser: TestClient) -> None:
    assert "set-cookie" not in browser.get("/read").headers


def test_signing_in_gives_the_session_a_new_id(browser: TestClient) -> None:
    browser.get("/write?word=before")
    before = browser.cookies["quill"]
    browser.get("/sign-in")
    assert browser.cookies["quill"] != before
    assert browser.get("/read").text == "in"
    browser.cookies.clear()
    assert browser.get("/read", headers={"cookie": f"quill={before}"}).text == "-"


def test_a_made_up_session_id_is_not_taken_over(browser: TestClient) -> None:
    browser.get("/write?word=mine", headers={"cookie": "quill=chosen-by-somebody-else"})
    browser.cookies.clear()
    assert browser.get("/read", headers={"cookie": "quill=chosen-by-somebody-else"}).text == "-"


@pytest.mark.parametrize(
    "changes",
    [
        {"header": {"typ": "JWT"}},
        {"wrong_issuer": True},
        {"wrong_audience": True},
        {"expired": True},
        {"claims": {"iat": 9999999999}},
        {"claims": {"events": {}}},
        {"claims": {"nonce": "n"}},
        {"claims": {"sub": None, "sid": None}},
        {"foreign_key": True},
        {"unsigned": True},
    ],
    ids=str,
)
def test_a_logout_token_is_believed_only_when_everything_about_it_is_right(
    signet: Signet, changes: dict[str, Any]
) -> None:
    """N-562. Back-Channel Logout section 2.6."""
    verify, ada = sample("web_app.logout").verify_logout_token, signet.user()
    client = signet.client(backchannel_logout_uri="http://localhost/backchannel-logout")
    keys = httpx2.get(f"{signet.issuer}/oauth2/jwks").json()

    def sign_out() -> str:
        signet.token(ada, client=client)
        signet.sign_out(ada)
        return signet.logouts[-1].token

    assert verify(sign_out(), keys, signet.issuer, client.client_id)["sub"] == ada.sub
    signet.faults.logout_token(**changes)
    with pytest.raises((JoseError, ValueError)):
        verify(sign_out(), keys, signet.issuer, client.client_id)


def test_a_logout_ends_the_sessions_it_names_and_no_other() -> None:
    """Back-Channel Logout section 2.7."""
    kept = sample("web_app.sessions")
    store = kept.ServerSessions(None, cookie="quill", secure=False)
    for key, sub, sid in (("a", "ada", "1"), ("b", "ada", "2"), ("c", "bob", "3")):
        store.sessions[key] = (0.0, kept.Session(claims={"sub": sub, "sid": sid}))
    store.sessions["d"] = (0.0, kept.Session())
    store.end({"sub": "ada", "sid": "1"})
    assert set(store.sessions) == {"b", "c", "d"}
    store.end({"sub": "ada"})
    assert set(store.sessions) == {"c", "d"}
