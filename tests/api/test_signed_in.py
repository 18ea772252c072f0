"""What a person may do through an app: confirm-password, password, sessions, consents; and what a token must be."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from provider.accounts import suspension
from provider.oauth.authorize import consent
from provider.oauth.clients.clients import find_client
from provider.oauth.first_party import store as own_sessions
from provider.oauth.tokens.store.grants import grants
from provider.sessions import store
from provider.sessions.idle import idle_since
from tests.api.conftest import API, App, Caller, problem
from tests.support.browser import Browser
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, is_signed_in, sign_in

NEW = "another quiet afternoon"


def test_the_window_opens_by_the_sign_in_and_by_the_password(as_ada: Caller, clock: Clock) -> None:
    """Replaces: profile, password, confirm-password."""
    window = as_ada.get("/confirm-password")
    assert window["confirmed"]
    assert window["acr"] == "aal1"
    clock.advance(minutes=15)
    assert as_ada.get("/confirm-password")["confirmed"]
    clock.advance(seconds=1)
    assert not as_ada.get("/confirm-password")["confirmed"]
    assert problem(as_ada("POST", "/two-factor")) == "confirmation-needed"
    assert problem(as_ada("POST", "/confirm-password", password="wrong")) == "not-the-password"
    assert not as_ada.get("/confirm-password")["confirmed"]
    opened = as_ada("POST", "/confirm-password", password=PASSWORD)
    assert opened.json()["confirmed"]
    assert opened.json() == as_ada.get("/confirm-password")
    assert as_ada("POST", "/two-factor").status_code == 201


def test_the_window_is_open_for_one_app_only(
    register_app: Callable[..., App], as_ada: Caller, browser: Browser, clock: Clock
) -> None:
    """Neither another app of the person nor their browser gains anything."""
    other = register_app().sign_in()
    sign_in(browser)
    clock.advance(minutes=16)
    as_ada("POST", "/confirm-password", password=PASSWORD)
    assert not other.get("/confirm-password")["confirmed"]
    assert browser.open("/account/two-factor").path == "/login"
    assert is_signed_in(browser)


def test_guessing_at_the_window_waits_like_guessing_at_the_sign_in(
    app_of_ours: App, as_ada: Caller, unlimited: None
) -> None:
    """A-62: one counter for every place a password is typed."""
    for _ in range(5):
        assert problem(as_ada("POST", "/confirm-password", password="wrong")) == "not-the-password"
    waits = as_ada("POST", "/confirm-password", password=PASSWORD)
    assert problem(waits) == "too-many-requests"
    assert int(waits.headers["retry-after"]) > 0
    assert app_of_ours.challenge().status_code == 429


def test_a_new_password_ends_everything_else(
    app_of_ours: App, register_app: Callable[..., App], as_ada: Caller, browser: Browser, inbox: Inbox
) -> None:
    """A-84. Replaces: profile, password, confirm-password."""
    other = register_app().sign_in()
    sign_in(browser)
    refused = as_ada("PUT", "/password", current_password="wrong", new_password=NEW)
    assert problem(refused) == "not-the-password"
    refused = as_ada("PUT", "/password", current_password=PASSWORD, new_password="password")
    assert problem(refused) == "unfit-password"
    assert as_ada("PUT", "/password", current_password=PASSWORD, new_password=NEW).status_code == 204
    assert not is_signed_in(browser)
    assert problem(other("GET", "/sessions")) == "invalid_token"
    assert problem(as_ada("GET", "/sessions")) == "invalid_token"
    assert "password" in inbox.latest(ADDRESS).subject
    assert app_of_ours.challenge().json()["error"] == "access_denied"
    assert app_of_ours.challenge(password=NEW).status_code == 200


def test_sessions_are_listed_and_ended_one_by_one(as_ada: Caller, browser: Browser, ada: str) -> None:
    sign_in(browser)
    sessions = as_ada.get("/sessions")["sessions"]
    assert [one["current"] for one in sessions].count(True) == 1
    [other] = [one for one in sessions if not one["current"]]
    assert other.keys() == {"id", "device", "network", "created_at", "last_seen", "expires_at", "kept", "current"}
    assert as_ada("DELETE", f"/sessions/{other['id']}").status_code == 204
    assert not is_signed_in(browser)
    assert problem(as_ada("DELETE", f"/sessions/{other['id']}")) == "no-such-session"
    assert len(as_ada.get("/sessions")["sessions"]) == 1


def test_all_other_sessions_end_at_once(
    as_ada: Caller, browser: Browser, new_browser: Callable[[], Browser], clock: Clock
) -> None:
    other = new_browser()
    sign_in(browser)
    sign_in(other)
    as_ada("POST", "/confirm-password", password=PASSWORD)
    assert as_ada("DELETE", "/sessions").status_code == 204
    assert not is_signed_in(browser)
    assert not is_signed_in(other)
    assert as_ada.get("/confirm-password")["confirmed"]


@pytest.mark.parametrize("session_id", ["x", "00000000-0000-7000-8000-000000000000", "%00", "..", "a" * 500])
def test_nobody_ends_what_is_not_theirs(as_ada: Caller, session_id: str) -> None:
    assert as_ada("DELETE", f"/sessions/{session_id}").status_code in {404, 405}


def test_nobody_sees_or_ends_the_sessions_of_others(
    app_of_ours: App, as_ada: Caller, browser: Browser, work: Work
) -> None:
    with work() as w:
        make_user(w, "bob@example.test")
    sign_in(browser)
    bob = app_of_ours.sign_in(username="bob@example.test")
    mine = {one["id"] for one in as_ada.get("/sessions")["sessions"]}
    assert mine.isdisjoint(one["id"] for one in bob.get("/sessions")["sessions"])
    for session_id in mine:
        assert problem(bob("DELETE", f"/sessions/{session_id}")) == "no-such-session"
    assert bob("DELETE", "/sessions").status_code == 204
    assert is_signed_in(browser)


def test_a_consent_is_listed_and_withdrawn_with_its_tokens(
    register_app: Callable[..., App], as_ada: Caller, ada: str, work: Work
) -> None:
    app = register_app(client_name="Quill")
    quill = app.sign_in()
    with work() as w:
        client = find_client(w, app.rp.client_id)
        assert client is not None
        consent.grant(w, user_id=ada, client=client, scopes=("openid", "email"), claims=frozenset())
    own, listed = as_ada.get("/consents")["consents"]
    assert (own["name"], own["token_families"]) == ("Example app", 1)
    assert "granted_at" not in own
    assert (listed["client_id"], listed["name"], listed["token_families"]) == (app.rp.client_id, "Quill", 1)
    assert {"openid", "email"} <= set(listed["scope"].split())
    assert "granted_at" in listed
    assert as_ada("DELETE", f"/consents/{app.rp.client_id}").status_code == 204
    assert as_ada.get("/consents") == {"consents": [own]}
    assert problem(quill("GET", "/sessions")) == "invalid_token"
    assert problem(as_ada("DELETE", f"/consents/{app.rp.client_id}")) == "not-connected"
    assert as_ada("DELETE", f"/consents/{own['client_id']}").status_code == 204
    assert problem(as_ada("GET", "/sessions")) == "invalid_token"


@in_one_world("client_id", ["nobody", "%00", "%ff", "a/b", "a" * 500, "%F0%9F%92%A9"])
def test_a_consent_nobody_gave_cannot_be_withdrawn(as_ada: Caller, client_id: str) -> None:
    assert problem(as_ada("DELETE", f"/consents/{client_id}")) == "not-connected"


def test_a_suspended_person_can_do_nothing(as_ada: Caller, app_of_ours: App, work: Work, ada: str) -> None:
    """A-105: at once; and being let in again revives no token."""
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    assert problem(as_ada("GET", "/sessions")) == "invalid_token"
    assert (
        app_of_ours.challenge(password="wrong").json()["error_description"]
        != (app_of_ours.challenge().json()["error_description"])
    )
    assert app_of_ours.challenge().json()["error"] == "access_denied"
    with work() as w:
        suspension.restore(w, user_id=ada)
    assert problem(as_ada("GET", "/sessions")) == "invalid_token"


def test_only_the_scope_account_opens_the_door(app_of_ours: App, ada: str) -> None:
    token = app_of_ours.sign_in(scope="openid profile email")
    refused = token("GET", "/sessions")
    assert refused.status_code == 403
    assert problem(refused) == "insufficient_scope"
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]


def test_a_client_must_be_registered_for_the_scope(register_app: Callable[..., App], ada: str) -> None:
    refused = register_app(scope="openid").challenge(scope="openid account")
    assert refused.json()["error"] == "invalid_scope"


def test_a_client_of_itself_has_no_account(register_app: Callable[..., App]) -> None:
    app = register_app(grant_types=("authorization_code", "client_credentials"))
    tokens = app.rp.post("/oauth2/token", grant_type="client_credentials", scope="account").json()
    assert problem(Caller(app.http, tokens["access_token"])("GET", "/sessions")) == "insufficient_scope"


def test_only_an_access_token_of_ours_will_do(as_ada: Caller, app_of_ours: App) -> None:
    """A-56, A-60."""
    tokens = app_of_ours.redeem(app_of_ours.challenge())
    for token in (tokens["id_token"], tokens["refresh_token"], "", "x", as_ada.token[:-2]):
        refused = Caller(as_ada.http, token)("GET", "/sessions")
        assert refused.status_code == 401
        assert problem(refused) == "invalid_token"
    assert problem(as_ada.http.get(f"{API}/sessions", params={"access_token": as_ada.token})) == "invalid_token"
    headers = [("authorization", f"Bearer {as_ada.token}")] * 2
    assert problem(as_ada.http.get(f"{API}/sessions", headers=headers)) == "invalid_request"


def test_a_browser_signed_in_is_nobody_here(browser: Browser, ada: str) -> None:
    """No cookie counts, so no other site can call it for somebody (A-49, A-100)."""
    sign_in(browser)
    answer = browser.client.get(f"{API}/sessions", headers={"origin": "https://evil.test"})
    assert problem(answer) == "invalid_token"
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_session_that_ended_takes_the_token_along(register_app: Callable[..., App], as_ada: Caller) -> None:
    """Without offline_access the token hangs on the app's own session."""
    app = register_app()
    online = app.sign_in(scope="openid account")
    [own] = [one for one in online.get("/sessions")["sessions"] if one["current"]]
    assert as_ada("DELETE", f"/sessions/{own['id']}").status_code == 204
    assert problem(online("GET", "/sessions")) == "invalid_token"


@pytest.mark.both_databases
def test_two_first_calls_at_once_share_one_family(as_ada: Caller, work: Work, ada: str) -> None:
    """Whichever session of its own an app made last is its own; the other harms nobody."""
    with work() as w:
        [grant_id] = w.read.scalars(select(grants.c.id).where(grants.c.user_id == ada))
        [session] = store.find_live(w.read, ada, now=w.now, idle_since=idle_since(w))
        own_sessions.put(w.db, grant_id, session.id)
        own_sessions.put(w.db, grant_id, session.id)
        found = own_sessions.find(w.read, grant_id)
    assert found == session


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("PATCH", "/profile", "method-not-allowed"),
        ("GET", "/register", "method-not-allowed"),
        ("GET", "/x", "not-found"),
    ],
)
def test_what_is_not_there_is_a_problem_too(as_ada: Caller, method: str, path: str, kind: str) -> None:
    """RFC 9457; RFC 9110 section 15.5.6."""
    answer = as_ada(method, path)
    assert problem(answer) == kind
    assert ("allow" in answer.headers) == (kind == "method-not-allowed")


def test_an_app_sees_its_own_roles_and_the_global_ones(register_app: Callable[..., App], work: Work) -> None:
    """A role with a colon is for one client."""
    app, other = register_app(), register_app()
    with work() as w:
        make_user(w, ADDRESS, roles=("admin", f"{app.rp.client_id}:clerk"))
    for one, roles in ((app, ["admin", "clerk"]), (other, ["admin"])):
        tokens = one.redeem(one.challenge(scope="openid roles"))
        assert one.rp.userinfo(tokens["access_token"]).json()["roles"] == roles
        assert claims_in(tokens["access_token"])["roles"] == roles
        assert claims_in(tokens["id_token"])["roles"] == roles


def claims_in(token: str) -> dict[str, Any]:
    """Unverified: other tests do that."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


@in_one_world(
    "disguise",
    [
        "{}/",
        "{}%2f",
        "{}%00",
        "{}%20",
        "%20{}",
        "{{{}}}",
        "urn:uuid:{}",
        "./{}",
        "../sessions/{}",
        "{};x=1",
        "{}.json",
        "{}?x",
        "%7b{}%7d",
    ],
)
def test_a_session_has_one_name(as_ada: Caller, browser: Browser, disguise: str) -> None:
    """N-30: the own session of the person under another spelling is nobody's. A query is no part of it."""
    sign_in(browser)
    [other] = [one["id"] for one in as_ada.get("/sessions")["sessions"] if not one["current"]]
    for name in (other, other.upper(), other.replace("-", "")):
        if disguise.format(name) in {f"./{other}", f"../sessions/{other}", f"{other}?x"}:
            continue  # the same address, after the client resolved it
        assert as_ada("DELETE", f"/sessions/{disguise.format(name)}").status_code in {404, 405}
    assert is_signed_in(browser)


@in_one_world("client_id", ["%00", "x%00y", "%2e%2e", "a%2fb", "%25", "'--", "x" * 5000, "%ff", "%c3%bc"])
def test_a_consent_of_no_client_is_none(as_ada: Caller, client_id: str) -> None:
    """N-31: whatever stands in the path; PostgreSQL keeps no NUL in a text."""
    assert problem(as_ada("DELETE", f"/consents/{client_id}")) == "not-connected"
    assert as_ada.get("/consents")["consents"]


def test_the_window_is_open_for_one_sign_in_of_an_app_only(app_of_ours: App, as_ada: Caller, clock: Clock) -> None:
    """N-32: another token family of the same client and person, another device perhaps, must prove it itself."""
    other = app_of_ours.sign_in()
    clock.advance(minutes=16)
    assert as_ada("POST", "/confirm-password", password=PASSWORD).status_code == 200
    assert not other.get("/confirm-password")["confirmed"]
    assert problem(other("POST", "/two-factor")) == "confirmation-needed"
    assert as_ada("POST", "/two-factor").status_code == 201


def test_a_token_is_shown_in_the_header_and_nowhere_else(as_ada: Caller, ada: str) -> None:
    """N-33: not in the address, a cookie, the body or under another name; and none says who the caller is besides."""
    http, path = as_ada.http, f"{API}/profile"
    for shown in (
        http.get(f"{path}?access_token={as_ada.token}"),
        http.get(path, headers={"cookie": f"access_token={as_ada.token}; __Host-signet={as_ada.token}"}),
        http.get(path, headers={"x-access-token": as_ada.token, "x-user": ada, "proxy-authorization": as_ada.token}),
        http.request("GET", path, data={"access_token": as_ada.token}),
        http.get(path, headers={"authorization": as_ada.token}),
    ):
        assert problem(shown) == "invalid_token"


@pytest.mark.parametrize("name", ["x-http-method-override", "x-http-method", "x-method-override"])
def test_no_header_makes_it_another_method(as_ada: Caller, browser: Browser, name: str) -> None:
    """N-34."""
    sign_in(browser)
    headers = {"authorization": f"Bearer {as_ada.token}", name: "DELETE"}
    assert as_ada.http.get(f"{API}/sessions?_method=DELETE", headers=headers).status_code == 200
    assert problem(as_ada.http.post(f"{API}/sessions", headers=headers)) == "method-not-allowed"
    assert is_signed_in(browser)
