"""Whatever is sent, each endpoint answers with a verdict of its own: never a 5xx, never a redirect to a stranger.

`WatchedClient` checks every answer; these tests only make many of them.
"""

import string
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provider.oauth.authorization_parameters import PARAMETERS
from tests.oauth.watched_http import WatchedClient
from tests.relying_party import AUTHORIZE, INTROSPECT, LOGOUT, REVOKE, TOKEN, USERINFO, RelyingParty

many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
@pytest.mark.parametrize("path", ["/consent", "/select-account", f"{AUTHORIZE}/cancel"])
def test_the_pages_on_the_way(browser: WatchedClient, path: str, request_uri: bytes, decision: bytes) -> None:
    """A-49, A-79."""
    url = f"{path}?request_uri={quote_from_bytes(request_uri)}"
    assert browser.get(url).status_code in {303, 400, 405}
    raw = encoded({"decision": decision, "csrf_token": decision})
    assert browser.post(url, content=raw, headers={"content-type": FORM}).status_code in {303, 400, 403}


@many
@given(cookie=st.text(string.printable.strip(), max_size=60), agent=st.text(string.printable.strip(), max_size=60))
def test_cookies_and_headers(rp: RelyingParty, http: WatchedClient, cookie: str, agent: str) -> None:
    """A-47, A-92."""
    headers = {"cookie": f"__Host-signet={cookie}; {cookie}", "user-agent": agent, "accept-language": agent}
    assert http.get(AUTHORIZE, params=rp.request()[0], headers=headers).status_code == 303
