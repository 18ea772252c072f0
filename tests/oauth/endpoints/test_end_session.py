"""RP-initiated logout: who is signed out, who is asked, and who is sent where."""

import base64
import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select

from provider.oauth.clients import clients, registration
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.keys import rotation
from provider.sessions.store import sessions
from provider.work import Installation
from tests.oauth.conftest import Explain, Person, Register, Unchanged
from tests.oauth.watched_http import WatchedClient, csrf_of
from tests.support.browser import Page, attributes_of
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.relying_party import ISSUER, LOGOUT, RelyingParty, Tokens, sign_in_person

OUT = "https://app.example.test/signed-out"


@pytest.fixture
def tokens(rp: RelyingParty, browser: WatchedClient) -> Tokens:
    return rp.sign_in(browser)


def is_signed_in(rp: RelyingParty, browser: WatchedClient) -> bool:
    return rp.ask(browser, prompt="none").error != "login_required"


def test_the_app_signs_the_person_out_and_gets_them_back(
    rp: RelyingParty, browser: WatchedClient, tokens: Tokens
) -> None:
    """RP-Initiated Logout section 2; oidcc-rp-initiated-logout: same state, nothing else."""
    response = rp.log_out(browser, tokens, state="a b&c")
    location = urlsplit(response.headers["location"])
    assert response.headers["location"].startswith(OUT + "?")
    assert dict(parse_qsl(location.query)) == {"state": "a b&c"}
    assert not is_signed_in(rp, browser)


def test_without_state_the_uri_is_the_registered_one(rp: RelyingParty, browser: WatchedClient, tokens: Tokens) -> None:
    """oidcc-rp-initiated-logout-no-state: byte for byte."""
    assert rp.log_out(browser, tokens, state=None).headers["location"] == OUT


def test_the_old_cookie_is_dead_and_forgotten(rp: RelyingParty, browser: WatchedClient, tokens: Tokens) -> None:
    """A-53, A-97: deleted with the attributes it was set with."""
    value = browser.cookies["__Host-signet"]
    response = rp.log_out(browser, tokens)
    cookie = response.headers["set-cookie"]
    assert "Max-Age=0" in cookie
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=lax"} <= set(cookie.split("; "))
    browser.cookies.set("__Host-signet", value, domain="id.example.test", path="/")
    assert not is_signed_in(rp, browser)


def test_tokens_bound_to_the_session_die(rp: RelyingParty, browser: WatchedClient) -> None:
    """A-26, A-53."""
    tokens = rp.sign_in(browser)
    rp.log_out(browser, tokens)
    assert rp.refresh(tokens).error == "invalid_grant"
    assert rp.userinfo(tokens).status_code == 401


def test_an_expired_hint_is_accepted(rp: RelyingParty, browser: WatchedClient, tokens: Tokens, clock: Clock) -> None:
    """RP-Initiated Logout section 2."""
    clock.advance(minutes=50)
    is_signed_in(rp, browser)
    clock.advance(minutes=50)
    assert rp.log_out(browser, tokens).headers["location"].startswith(OUT)


def test_a_hint_outlives_the_key_that_signed_it(
    rp: RelyingParty, browser: WatchedClient, tokens: Tokens, work: Work, clock: Clock
) -> None:
    """RP-Initiated Logout section 2: apps sign out with the ID token of the morning, whatever was rotated since."""
    with work() as w:
        rotation.rotate(w, at_once=True)
    clock.advance(minutes=50)
    is_signed_in(rp, browser)
    clock.advance(minutes=50)
    assert len([key for key in rp.jwks()["keys"] if key["alg"] == "RS256"]) == 2, "the old key is out of the key set"
    assert rp.log_out(browser, tokens).headers["location"].startswith(OUT)


def test_a_revoked_key_makes_no_hint(
    rp: RelyingParty, browser: WatchedClient, tokens: Tokens, work: Work, unchanged: Unchanged
) -> None:
    with work() as w:
        rotation.revoke(w, kid=json.loads(base64.urlsafe_b64decode(str(tokens.id_token).split(".")[0] + "=="))["kid"])
    with unchanged():
        assert rp.log_out(browser, tokens).status_code == 400


def test_a_head_request_does_not_sign_out(
    rp: RelyingParty, browser: WatchedClient, tokens: Tokens, unchanged: Unchanged
) -> None:
    """RFC 9110 section 9.2.1."""
    with unchanged():
        assert browser.head(f"{LOGOUT}?id_token_hint={tokens.id_token}").status_code == 405
    is_signed_in(rp, browser)


@in_one_world(
    "uri",
    [
        "https://evil.test/",
        OUT + "/",
        OUT + "?foo=bar",
        OUT + "#x",
        OUT.upper(),
        "javascript:alert(1)",
        "//evil.test",
        "https://app.example.test/callback",
        "\x00",
    ],
)
def test_an_unregistered_address_is_never_redirected_to(
    rp: RelyingParty, browser: WatchedClient, tokens: Tokens, unchanged: Unchanged, uri: str
) -> None:
    """RP-Initiated Logout section 3; oidcc-rp-initiated-logout-bad-post-logout-redirect-uri, -query-added."""
    with unchanged():
        response = rp.log_out(browser, tokens, post_logout_redirect_uri=uri)
    assert response.status_code == 400
    assert "location" not in response.headers
    assert "evil.test" not in attributes_of(response.text)
    assert is_signed_in(rp, browser)


@pytest.mark.parametrize(
    ("uri", "is_back"),
    [
        ("http://127.0.0.1:49152/bye", True),
        ("http://localhost:49152/", True),
        ("http://127.0.0.1:49152/other", False),
        ("http://[::1]:49152/bye", False),
    ],
)
def test_an_app_on_the_users_machine_gets_them_back_at_its_port(
    register: Register, browser: WatchedClient, hosts: set[str], uri: str, is_back: bool
) -> None:
    """RFC 8252 section 7.3, RP-Initiated Logout section 3."""
    rp = register(public=True, post_logout_redirect_uris=("http://127.0.0.1/bye", "http://localhost"))
    hosts.add(urlsplit(uri).netloc)
    response = rp.log_out(browser, rp.sign_in(browser), post_logout_redirect_uri=uri)
    assert (response.headers.get("location") == f"{uri}?state=bye") == is_back
    assert response.status_code == (303 if is_back else 400)


def _forged(tokens: Tokens, how: str) -> str:
    head, body, signature = tokens.id_token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    if how == "alg none":
        head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
        return f"{head}.{body}."
    if how == "signed by the app":
        key = RSAKey.generate_key(2048, private=True, auto_kid=True)
        claims["iss"], claims["aud"] = claims["aud"], claims["iss"]
        return jwt.encode({"alg": "RS256", "kid": key.kid or "", "typ": "JWT"}, claims, key)
    if how == "changed":
        changed = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "x"}).encode()).decode().rstrip("=")
        return f"{head}.{changed}.{signature}"
    return {"an access token": tokens.access_token, "nonsense": "x", "empty parts": "..", "nul": "\x00"}[how]


@in_one_world("how", ["alg none", "signed by the app", "changed", "an access token", "nonsense", "empty parts", "nul"])
def test_a_forged_hint_is_refused(
    rp: RelyingParty, browser: WatchedClient, tokens: Tokens, unchanged: Unchanged, how: str
) -> None:
    """RP-Initiated Logout section 2; A-40, oidcc-rp-initiated-logout-modified-id-token-hint, -bad-id-token-hint."""
    with unchanged():
        response = rp.log_out(browser, tokens, id_token_hint=_forged(tokens, how))
    assert response.status_code == 400
    assert "location" not in response.headers
    assert is_signed_in(rp, browser)


def test_a_hint_for_another_client_than_the_one_named_is_refused(
    rp: RelyingParty, register: Register, browser: WatchedClient, tokens: Tokens
) -> None:
    """RP-Initiated Logout section 2."""
    assert rp.log_out(browser, tokens, client_id=register().client_id).status_code == 400
    assert rp.log_out(browser, tokens, client_id=rp.client_id).status_code == 303


@pytest.mark.parametrize(
    "parameters",
    [{}, {"state": "x"}, {"post_logout_redirect_uri": OUT}],
)
def test_without_a_hint_the_person_is_asked_and_stays_here(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, parameters: dict[str, str]
) -> None:
    """RP-Initiated Logout sections 2 and 3; oidcc-rp-initiated-logout-no-id-token-hint, -no-params, -only-state."""
    with unchanged():
        response = browser.get(LOGOUT, params=parameters)
    assert response.status_code == 200
    assert OUT not in response.text
    form = {**parameters, "decision": "sign_out", "csrf_token": csrf_of(browser)}
    answer = browser.post(LOGOUT, data=form, headers={"origin": ISSUER})
    assert answer.headers["location"] == "/signed-out"
    assert not is_signed_in(rp, browser)


def test_an_app_that_only_names_itself_gets_the_person_back_if_they_want_to_sign_out(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged
) -> None:
    """RP-Initiated Logout sections 2, 3: a registered address of a client named is a means of its own to confirm it."""
    parameters = {"post_logout_redirect_uri": OUT, "client_id": rp.client_id, "state": "s"}
    with unchanged():
        page = Page(browser.get(LOGOUT, params=parameters))
    assert "Example app (app.example.test) wants to sign you out" in page.text
    form = {**parameters, "decision": "sign_out", "csrf_token": csrf_of(browser)}
    assert browser.post(LOGOUT, data=form, headers={"origin": ISSUER}).headers["location"] == f"{OUT}?state=s"
    assert not is_signed_in(rp, browser)
    assert browser.get(LOGOUT, params=parameters).headers["location"] == f"{OUT}?state=s", "nobody is left to be asked"


def test_an_app_that_registered_itself_is_shown_by_its_host(browser: WatchedClient, work: Work) -> None:
    """Its name is what it says of itself."""
    with work() as w:
        given = ClientMetadata(client_name="Your bank", redirect_uris=("https://shop.example.test/callback",))
        client = registration.register(w, given).client
    page = Page(browser.get(LOGOUT, params={"client_id": client.client_id}))
    assert "shop.example.test wants to sign you out" in page.text
    assert "Your bank" not in page.text


@pytest.mark.parametrize("changes", [{"client_id": "c"}, {"post_logout_redirect_uri": "https://evil.test/"}])
def test_an_app_that_only_names_itself_is_taken_at_its_registration(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, changes: dict[str, str]
) -> None:
    """RP-Initiated Logout sections 2, 3. A-10."""
    parameters = {"post_logout_redirect_uri": OUT, "client_id": rp.client_id, **changes}
    with unchanged():
        response = browser.get(LOGOUT, params=parameters)
    assert response.status_code == 400
    assert "location" not in response.headers


def test_a_disabled_app_that_only_names_itself_gets_no_one_back(
    rp: RelyingParty, browser: WatchedClient, work: Work, unchanged: Unchanged
) -> None:
    """RP-Initiated Logout section 3; A-26."""
    with work() as w:
        clients.disable(w, rp.client_id)
    with unchanged():
        response = browser.get(LOGOUT, params={"post_logout_redirect_uri": OUT, "client_id": rp.client_id})
    assert response.status_code == 400
    assert "location" not in response.headers


def test_the_hint_of_an_app_that_was_disabled_since_still_signs_the_user_out(
    rp: RelyingParty, browser: WatchedClient, tokens: Tokens, work: Work
) -> None:
    """RP-Initiated Logout section 2."""
    with work() as w:
        clients.disable(w, rp.client_id)
    assert rp.log_out(browser, tokens, state=None).headers["location"] == OUT
    with work() as w:
        assert w.read.scalars(select(sessions.c.id).where(sessions.c.ended_at.is_(None))).all() == []


def test_the_session_that_the_hint_means_ends_with_the_one_at_this_browser(
    rp: RelyingParty, browser: WatchedClient, ada: str, tokens: Tokens, installation: Installation
) -> None:
    """RP-Initiated Logout section 2: somebody signed in anew since, in another session."""
    sign_in_person(browser, installation, ada)
    rp.log_out(browser, tokens)
    assert rp.refresh(tokens).error == "invalid_grant"
    assert not is_signed_in(rp, browser)


def test_a_user_who_declines_to_sign_out_stays_signed_in(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged
) -> None:
    """RP-Initiated Logout section 2."""
    with unchanged():
        form = {"decision": "stay", "csrf_token": csrf_of(browser)}
        browser.post(LOGOUT, data=form, headers={"origin": ISSUER})
    assert is_signed_in(rp, browser)


@in_one_world(
    ("token", "headers"),
    [
        (None, {}),
        ("wrong", {}),
        ("right", {"origin": "https://evil.test"}),
        ("right", {"sec-fetch-site": "cross-site"}),
        ("right", {"sec-fetch-site": "same-site"}),
    ],
)
def test_another_site_cannot_press_the_button(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, token: str | None, headers: dict[str, str]
) -> None:
    """A-49: logout CSRF."""
    form = {"decision": "sign_out"}
    if token is not None:
        form["csrf_token"] = csrf_of(browser) if token == "right" else token
    with unchanged():
        assert browser.post(LOGOUT, data=form, headers=headers).status_code == 403
    assert is_signed_in(rp, browser)


def test_a_hint_of_somebody_else_asks(
    rp: RelyingParty, browser: WatchedClient, person: Person, work: Work, unchanged: Unchanged
) -> None:
    """RP-Initiated Logout section 2."""
    with work() as w:
        bob = make_user(w, "bob@example.test")
    theirs = rp.sign_in(person(bob))
    with unchanged():
        response = rp.log_out(browser, theirs)
    assert response.status_code == 200
    assert "ada@example.test" in response.text
    assert is_signed_in(rp, browser)


def post_from_app(person: Person, browser: WatchedClient, **form: str) -> httpx2.Response:
    """A form on the app's site: the POST brings no cookie (SameSite=Lax), and what it leads to does."""
    response = person().post(LOGOUT, data=form, headers={"origin": "https://app.example.test"})
    assert response.status_code == 303
    assert urlsplit(response.headers["location"]).path == LOGOUT
    return browser.get(response.headers["location"])


def test_a_form_from_the_apps_site_ends_the_session_of_the_hint(
    rp: RelyingParty, browser: WatchedClient, tokens: Tokens, person: Person
) -> None:
    """RP-Initiated Logout section 2: POST too, also by a program that does not follow redirects."""
    form = {"id_token_hint": tokens.id_token, "post_logout_redirect_uri": OUT, "state": "s"}
    response = person().post(LOGOUT, data=form, headers={"origin": "https://app.example.test"})
    assert not is_signed_in(rp, browser)
    assert tokens.id_token not in response.headers["location"], "addresses are logged"
    for _ in range(2):
        assert browser.get(response.headers["location"]).headers["location"] == OUT + "?state=s"


@pytest.mark.parametrize("says", ["nothing", "a client"])
def test_a_form_from_the_apps_site_without_a_hint_asks_the_user(
    rp: RelyingParty, browser: WatchedClient, person: Person, says: str
) -> None:
    """N-619: RP-Initiated Logout sections 2, 3. It must not report a sign-out that did not happen."""
    form = {"client_id": rp.client_id, "post_logout_redirect_uri": OUT, "state": "s"} if says == "a client" else {}
    response = post_from_app(person, browser, **form)
    assert response.status_code == 200
    assert is_signed_in(rp, browser)
    asked = Page(response)
    assert ("wants to sign you out" in asked.text) == bool(form)
    ticket = parse_qsl(urlsplit(str(response.url)).query)
    answer = {**dict(ticket), "decision": "sign_out", "csrf_token": csrf_of(browser)}
    end = browser.post(LOGOUT, data=answer, headers={"origin": ISSUER})
    assert end.headers["location"] == (f"{OUT}?state=s" if form else "/signed-out")
    assert not is_signed_in(rp, browser)
    assert post_from_app(person, browser, **form).headers["location"] == end.headers["location"], "no loop"


@pytest.mark.parametrize("is_over", [True, False])
def test_a_form_with_the_hint_of_another_session_ends_the_one_at_this_browser(
    rp: RelyingParty, browser: WatchedClient, person: Person, ada: str, installation: Installation, is_over: bool
) -> None:
    """RP-Initiated Logout section 2: as GET does, whether the session of the hint is over or not."""
    tokens = rp.sign_in(browser)
    if is_over:
        rp.log_out(browser, tokens)
    sign_in_person(browser, installation, ada)
    response = post_from_app(person, browser, id_token_hint=str(tokens.id_token), post_logout_redirect_uri=OUT)
    assert response.headers["location"] == OUT
    assert not is_signed_in(rp, browser)


def test_a_form_with_the_hint_of_somebody_else_asks(
    rp: RelyingParty, browser: WatchedClient, person: Person, work: Work
) -> None:
    """RP-Initiated Logout section 2: only if it ended nothing."""
    with work() as w:
        bob = make_user(w, "bob@example.test")
    theirs = person(bob)
    form = {"id_token_hint": str(rp.sign_in(theirs).id_token), "post_logout_redirect_uri": OUT}
    assert post_from_app(person, browser, **form).headers["location"] == OUT
    assert post_from_app(person, browser, **form).status_code == 200
    assert is_signed_in(rp, browser)


@pytest.mark.parametrize("change", ["address removed", "disabled", "forged"])
def test_a_ticket_counts_only_as_far_as_the_client_still_says_so(
    rp: RelyingParty, browser: WatchedClient, person: Person, work: Work, change: str
) -> None:
    """RP-Initiated Logout section 3."""
    response = person().post(LOGOUT, data={"client_id": rp.client_id, "post_logout_redirect_uri": OUT})
    location = response.headers["location"]
    with work() as w:
        if change == "address removed":
            metadata = replace(rp.client.metadata, post_logout_redirect_uris=())
            clients.update_client(w, rp.client_id, metadata)
        elif change == "disabled":
            clients.disable(w, rp.client_id)
        else:
            location = f"{LOGOUT}?ticket=%00x"
    page = browser.get(location)
    assert page.status_code == 200
    assert OUT not in page.text
    assert ("Example app" in page.text) == (change == "address removed")
    form = {"decision": "sign_out", "csrf_token": csrf_of(browser), **dict(parse_qsl(urlsplit(location).query))}
    assert browser.post(LOGOUT, data=form, headers={"origin": ISSUER}).headers["location"] == "/signed-out"


def test_the_hint_of_an_ended_session_still_leads_back(
    rp: RelyingParty, browser: WatchedClient, tokens: Tokens
) -> None:
    """RP-Initiated Logout section 4: logging out twice is no error."""
    assert rp.log_out(browser, tokens).status_code == rp.log_out(browser, tokens).status_code == 303


def test_a_session_of_the_same_person_elsewhere_goes_on(
    rp: RelyingParty, browser: WatchedClient, person: Person, ada: str, tokens: Tokens
) -> None:
    """A-53."""
    other = person(ada)
    rp.log_out(browser, tokens)
    assert is_signed_in(rp, other)


def test_a_repeated_parameter_is_refused(browser: WatchedClient, tokens: Tokens, unchanged: Unchanged) -> None:
    """A-89."""
    query = urlencode({"id_token_hint": tokens.id_token, "post_logout_redirect_uri": OUT})
    with unchanged():
        assert browser.get(f"{LOGOUT}?{query}&post_logout_redirect_uri=https://evil.test").status_code == 400


def test_a_refusal_is_explained_without_the_hint(
    rp: RelyingParty, browser: WatchedClient, tokens: Tokens, explain: Explain
) -> None:
    """The refusal is explained: the check, what was expected, what came and what to do."""
    response = rp.log_out(browser, tokens, post_logout_redirect_uri="https://evil.test/")
    row = explain(response.headers["x-request-id"])
    assert row.error_id in response.text
    assert row.checks[-1]["section"] == "RP-Initiated Logout section 3"
    assert tokens.id_token not in str(row)
