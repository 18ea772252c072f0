"""Whatever is sent, each endpoint answers with a verdict of its own: never a 5xx, never a redirect to a stranger.

`WatchedClient` checks every answer; these tests only make many of them.
"""

import json
import string
import time
from typing import Any
from urllib.parse import quote_from_bytes

import httpx2
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from provider.config.settings import Settings
from provider.oauth.authorize.parameters import PARAMETERS
from provider.oauth.clients.metadata import REGISTRABLE
from provider.oauth.grants.token_exchange import ACCESS_TOKEN
from provider.oauth.grants.token_exchange import GRANT_TYPE as TOKEN_EXCHANGE
from tests.oauth.approvals import BACKCHANNEL, CIBA
from tests.oauth.conftest import Register
from tests.oauth.devices import DEVICE_AUTHORIZATION, DEVICE_CODE
from tests.oauth.watched_http import WatchedClient, csrf_of
from tests.support.client_keys import ASSERTION_TYPE, Signatory
from tests.support.effort import effort
from tests.support.installation import settings_for
from tests.support.relying_party import AUTHORIZE, INTROSPECT, LOGOUT, REVOKE, TOKEN, USERINFO, RelyingParty

many = examples(max_examples=effort(20, 60))
fewer = examples(max_examples=effort(8, 20))
FORM = "application/x-www-form-urlencoded"

ODD = (
    *(b"\x00", b"\xff", b"", b"0", b"-1", b"1e999", b"[" * 500, b"{}", b"null", b"..", b"a.b.c", b"%00"),
    *(b"javascript:alert(1)", b"https://evil.test/", b"//evil.test", b"\r\nlocation: https://evil.test"),
    *(b"none login", b"urn:ietf:params:oauth:request_uri:x", "\u202e\U0001f600".encode()),
    *(b"' OR 1=1 --", b'"><svg onload=x>'),
)
nasty = st.one_of(
    st.binary(max_size=30),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from(ODD),
)


def encoded(parameters: dict[str, bytes]) -> bytes:
    return "&".join(f"{name}={quote_from_bytes(value)}" for name, value in parameters.items()).encode()


def some(*names: str) -> st.SearchStrategy[dict[str, bytes]]:
    return st.dictionaries(st.sampled_from(names), nasty, max_size=4)


@many
@given(changes=some(*PARAMETERS, "request", "request_uri", "x"))
def test_authorize(rp: RelyingParty, browser: WatchedClient, changes: dict[str, bytes]) -> None:
    """RFC 6749 section 4.1.2.1; A-5, A-89."""
    parameters = {name: value.encode() for name, value in rp.request()[0].items()}
    raw = encoded({**parameters, **changes})
    assert browser.get(f"{AUTHORIZE}?{raw.decode()}").status_code in {303, 400}
    assert browser.post(AUTHORIZE, content=raw, headers={"content-type": FORM}).status_code in {303, 400}


@many
@given(changes=some("grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "client_id", "x"))
@pytest.mark.parametrize("grant_type", ["authorization_code", "refresh_token", "client_credentials"])
def test_token(rp: RelyingParty, grant_type: str, changes: dict[str, bytes]) -> None:
    """RFC 6749 section 5.2; A-89, A-90."""
    given_values = {"grant_type": grant_type.encode(), "code": b"x", "refresh_token": b"x"}
    headers, _ = rp.authentication()
    raw = encoded({**given_values, **changes})
    response = rp.http.post(TOKEN, content=raw, headers={**headers, "content-type": FORM})
    assert response.status_code in {400, 401, 429}


@many
@given(changes=some("token", "token_type_hint", "client_id", "client_secret", "x"))
@pytest.mark.parametrize("url", [INTROSPECT, REVOKE])
def test_introspect_and_revoke(rp: RelyingParty, url: str, changes: dict[str, bytes]) -> None:
    """RFC 7662 section 2.3, RFC 7009 section 2.2.1."""
    headers, _ = rp.authentication()
    raw = encoded({"token": b"x", **changes})
    response = rp.http.post(url, content=raw, headers={**headers, "content-type": FORM})
    assert response.status_code in {200, 400, 401, 429}


@many
@given(token=st.text(string.printable.strip(), max_size=40), form=nasty)
def test_userinfo(rp: RelyingParty, token: str, form: bytes) -> None:
    """RFC 6750 section 3.1."""
    assert rp.http.get(USERINFO, headers={"authorization": f"Bearer {token}"}).status_code == 401
    response = rp.http.post(USERINFO, content=encoded({"access_token": form}), headers={"content-type": FORM})
    assert response.status_code in {400, 401}


@many
@given(changes=some("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "decision", "csrf_token"))
def test_logout(browser: WatchedClient, changes: dict[str, bytes]) -> None:
    """RP-Initiated Logout section 4."""
    raw = encoded(changes)
    assert browser.get(f"{LOGOUT}?{raw.decode()}").status_code in {200, 400}
    assert browser.post(LOGOUT, content=raw, headers={"content-type": FORM}).status_code in {200, 303, 400, 403}


@many
@given(request_uri=nasty, decision=nasty)
@pytest.mark.parametrize("path", ["/consent", "/access-denied", "/select-account", f"{AUTHORIZE}/cancel"])
def test_the_pages_on_the_way(browser: WatchedClient, path: str, request_uri: bytes, decision: bytes) -> None:
    """A-49, A-79."""
    url = f"{path}?request_uri={quote_from_bytes(request_uri)}"
    shown = {200} if path == "/select-account" and not request_uri else set()  # the chooser needs no request
    assert browser.get(url).status_code in {303, 400, 405} | shown
    raw = encoded({"decision": decision, "csrf_token": decision})
    assert browser.post(url, content=raw, headers={"content-type": FORM}).status_code in {303, 400, 403}


@many
@given(cookie=st.text(string.printable.strip(), max_size=60), agent=st.text(string.printable.strip(), max_size=60))
def test_cookies_and_headers(rp: RelyingParty, http: WatchedClient, cookie: str, agent: str) -> None:
    """A-47, A-92."""
    headers = {"cookie": f"__Host-signet={cookie}; {cookie}", "user-agent": agent, "accept-language": agent}
    assert http.get(AUTHORIZE, params=rp.request()[0], headers=headers).status_code == 303


# What came later: pushed requests, devices, exchange, registration


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url, registration="open")


@pytest.fixture
def api(register: Register) -> RelyingParty:
    """It may push, ask for devices and approvals, and exchange."""
    grant_types = ("authorization_code", "refresh_token", DEVICE_CODE, CIBA, TOKEN_EXCHANGE)
    films = "https://films.example.test"
    register(resource_identifiers=(films,), grant_types=(), redirect_uris=(), post_logout_redirect_uris=())
    return register(grant_types=grant_types, exchange_targets=(films,))


def send(http: httpx2.Client, method: str, url: str, **request: Any) -> httpx2.Response:
    """No answer takes a second of our own work, whatever else the machine does."""
    begun = time.process_time()
    response = http.request(method, url, **request)
    assert time.process_time() - begun < 1, f"{method} {url} is slow: {request}"
    return response


@fewer
@given(changes=some(*PARAMETERS, "request", "request_uri", "registration", "client_id", "client_assertion", "x"))
def test_par(api: RelyingParty, changes: dict[str, bytes]) -> None:
    """RFC 9126 section 2.3; A-79, A-89."""
    parameters = {name: value.encode() for name, value in api.request()[0].items()}
    headers = {**api.authentication()[0], "content-type": FORM}
    response = send(api.http, "POST", "/oauth2/par", content=encoded({**parameters, **changes}), headers=headers)
    assert response.status_code in {201, 400, 401, 429}


@fewer
@given(changes=some("scope", "resource", "client_id", "client_secret", "client_assertion", "client_assertion_type"))
def test_device_authorization(api: RelyingParty, changes: dict[str, bytes]) -> None:
    """RFC 8628 section 3.2; RFC 8707 section 2."""
    headers = {**api.authentication()[0], "content-type": FORM}
    raw = encoded({"scope": b"openid", **changes})
    response = send(api.http, "POST", DEVICE_AUTHORIZATION, content=raw, headers=headers)
    assert response.status_code in {200, 400, 401, 429}


HINTED = ("login_hint", "id_token_hint", "login_hint_token", "binding_message", "requested_expiry", "acr_values")


@fewer
@given(changes=some(*HINTED, "scope", "resource", "request", "client_notification_token", "client_id"))
def test_backchannel_authentication(api: RelyingParty, ada: str, changes: dict[str, bytes]) -> None:
    """CIBA section 13; RFC 8707 section 2."""
    assert ada
    headers = {**api.authentication()[0], "content-type": FORM}
    raw = encoded({"scope": b"openid", "login_hint": b"ada@example.test", **changes})
    response = send(api.http, "POST", BACKCHANNEL, content=raw, headers=headers)
    assert response.status_code in {200, 400, 401, 429}


@fewer
@given(request=nasty, decision=nasty)
def test_approve(browser: WatchedClient, request: bytes, decision: bytes) -> None:
    """CIBA section 8; A-95, A-130."""
    url = f"/approve?request={quote_from_bytes(request)}"
    assert send(browser, "GET", url).status_code in {303, 400, 404}
    raw = encoded({"decision": decision, "csrf_token": csrf_of(browser).encode()})
    headers = {"content-type": FORM, "sec-fetch-site": "same-origin"}
    assert send(browser, "POST", url, content=raw, headers=headers).status_code in {303, 400, 404}


EXCHANGED = ("subject_token", "subject_token_type", "actor_token", "actor_token_type", "requested_token_type")


@fewer
@given(changes=some(*EXCHANGED, "device_code", "auth_req_id", "resource", "audience", "scope"))
@pytest.mark.parametrize("grant_type", [TOKEN_EXCHANGE, DEVICE_CODE, CIBA])
def test_token_exchange_and_device_codes(api: RelyingParty, grant_type: str, changes: dict[str, bytes]) -> None:
    """RFC 8693 section 2.2.2, RFC 8628 section 3.5: with a live token of nobody's and a code that nobody has."""
    given_values = {
        "grant_type": grant_type.encode(),
        "subject_token": b"x.y.z",
        "subject_token_type": ACCESS_TOKEN.encode(),
        "resource": b"https://films.example.test",
        "device_code": b"x",
        "auth_req_id": b"x",
    }
    headers = {**api.authentication()[0], "content-type": FORM}
    response = send(api.http, "POST", TOKEN, content=encoded({**given_values, **changes}), headers=headers)
    assert response.status_code == 400


def jwts(name: str) -> list[str]:
    """JWTs that nobody signed, with values of a claim that no database, URL or header can hold."""
    odd = ("\ud800", "a\x00", 5, True, [5], {"\ud800": 1})
    return [Signatory().sign({"iss": "a", "sub": "a", "jti": "a", "exp": 1e9, name: value}) for value in odd]


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "jti"])
def test_jwts(api: RelyingParty, browser: WatchedClient, name: str) -> None:
    """RFC 8259 section 8.2: where each comes in. What is checked after a signature has tests beside it."""
    headers = {**api.authentication()[0], "content-type": FORM}
    exchange = {"grant_type": TOKEN_EXCHANGE, "subject_token_type": ACCESS_TOKEN}
    for jwt in jwts(name):
        for path, form in (
            (TOKEN, {"client_assertion_type": ASSERTION_TYPE, "client_assertion": jwt, "grant_type": "refresh_token"}),
            (TOKEN, {**exchange, "subject_token": jwt}),
            (BACKCHANNEL, {"request": jwt}),
            (BACKCHANNEL, {"scope": "openid", "id_token_hint": jwt}),
            (INTROSPECT, {"token": jwt}),
            ("/oauth2/par", {**api.request()[0], "request": jwt}),
        ):
            own = {} if "client_assertion" in form else headers
            raw = encoded({key: value.encode() for key, value in form.items()})
            answer = send(api.http, "POST", path, content=raw, headers={"content-type": FORM, **own})
            assert answer.status_code in {400, 401} or (path == INTROSPECT and answer.json() == {"active": False}), path
        proof = {**headers, "dpop": jwt}
        assert send(api.http, "POST", TOKEN, content=b"grant_type=refresh_token", headers=proof).status_code == 400
        bearer = {"authorization": f"Bearer {jwt}"}
        assert send(api.http, "GET", USERINFO, headers=bearer).status_code == 401
        assert browser.get(LOGOUT, params={"id_token_hint": jwt}).status_code == 400
        asked = {"client_id": api.client_id, "request": jwt}
        assert browser.get(AUTHORIZE, params=asked).status_code == 400


@fewer
@given(user_code=nasty, decision=nasty)
def test_device(browser: WatchedClient, user_code: bytes, decision: bytes) -> None:
    """RFC 8628 section 3.3; A-95, A-130."""
    url = f"/device?user_code={quote_from_bytes(user_code)}"
    assert send(browser, "GET", url).status_code in {200, 400, 429}
    raw = encoded({"decision": decision, "csrf_token": csrf_of(browser).encode()})
    headers = {"content-type": FORM, "sec-fetch-site": "same-origin"}
    assert send(browser, "POST", url, content=raw, headers=headers).status_code in {200, 400, 429}
    assert send(browser, "GET", f"/device/answered?answer={quote_from_bytes(decision)}").status_code in {200, 400}


members = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=8), max_size=2)
urls = st.sampled_from(
    ("https://[", "https://a:x/", "https://a\u2100/", "https://127.0.0.1/", "https://app.example.test/")
)
wishes = st.dictionaries(
    st.sampled_from([*REGISTRABLE, "software_statement", "client_secret", "first_party"]),
    st.one_of(urls, st.lists(urls, max_size=2), members),
    max_size=3,
)


@examples(max_examples=effort(3, 8))
@given(wished=wishes, token=st.text(string.printable.strip(), max_size=20), elsewhere=nasty)
def test_managing_a_registration(http: WatchedClient, wished: dict[str, Any], token: str, elsewhere: bytes) -> None:
    """RFC 7592 section 2; how one is made is in `endpoints/test_registration.py`."""
    base = {"redirect_uris": ["https://app.example.test/callback"]}
    told = http.post("/oauth2/register", json=base).json()
    url, others = told["registration_client_uri"], f"/oauth2/register/{quote_from_bytes(elsewhere, safe='')}"
    own = {"authorization": f"Bearer {told['registration_access_token']}", "content-type": "application/json"}
    update = json.dumps({**base, **wished, "client_id": told["client_id"]}).encode()
    for method in ("GET", "PUT", "DELETE"):
        wrong = {**own, "authorization": f"Bearer {token}"}
        assert send(http, method, url, headers=wrong, content=update).status_code in {400, 401}
        assert send(http, method, others, headers=own).status_code in {401, 404, 405}
    changed = send(http, "PUT", url, content=update, headers=own)
    assert changed.status_code in {200, 400}
    if changed.status_code == 200:
        own["authorization"] = f"Bearer {changed.json()['registration_access_token']}"
    assert send(http, "DELETE", url, headers=own).status_code == 204
    assert send(http, "GET", url, headers=own).status_code == 401
