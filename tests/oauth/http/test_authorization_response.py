"""Answers that travel through the browser: state, nonce, iss and code arrive as they should, and nothing else does."""

import math
import re
import string
from collections import Counter
from urllib.parse import unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.crypto.digests import new_opaque
from provider.oauth.http.authorization_response import location_of
from provider.web.assets import find_asset
from provider.work import Installation
from tests.oauth.conftest import Person, Register, Unchanged
from tests.oauth.endpoints.test_consent import decide
from tests.oauth.watched_http import WatchedClient, csrf_of
from tests.support.browser import Page, attributes_of
from tests.support.cases import in_one_world
from tests.support.relying_party import AUTHORIZE, ISSUER, Answer, RelyingParty, sign_in_person


@in_one_world(
    "state",
    [
        "x",
        "x" * 2000,
        "a&b=c\"d<e>'f#g+h%i",
        string.printable.strip(),
        "-._~" * 32,
        "code=stolen&iss=https://evil.test",
    ],
)
def test_state_comes_back_as_it_was(rp: RelyingParty, browser: WatchedClient, state: str) -> None:
    """RFC 6749 section 4.1.2; A-29."""
    answer = rp.ask(browser, state=state)
    assert answer.parameters["state"] == state
    assert set(answer.parameters) == {"code", "state", "iss"}
    assert answer.location.isascii()


@given(state=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=200))
def test_any_state_comes_back_byte_for_byte(rp: RelyingParty, browser: WatchedClient, state: str) -> None:
    """RFC 6749 sections 4.1.2, 4.1.2.1: also one that is refused, because it is no state."""
    for changes in ({}, {"response_type": "none"}):
        location = rp.ask(browser, state=state, **changes).location
        sent = next(part for part in location.partition("?")[2].split("&") if part.startswith("state="))
        assert unquote_plus(sent.removeprefix("state="), errors="strict") == state


def test_a_request_without_state_is_answered_without(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 4.1.2."""
    assert set(rp.ask(browser, state=None).parameters) == {"code", "iss"}


def test_a_nul_in_state_is_refused_and_sent_back(rp: RelyingParty, browser: WatchedClient) -> None:
    """A-29."""
    answer = rp.ask(browser, state="a\x00b")
    assert (answer.error, answer.parameters["state"]) == ("invalid_request", "a\x00b")


@pytest.mark.parametrize("nonce", ["n", "x" * 384, '\U0001f600 " & <', "n" * 2000])
def test_the_nonce_is_in_the_id_token_only(rp: RelyingParty, browser: WatchedClient, nonce: str) -> None:
    """OIDC Core section 3.1.3.6; A-29."""
    tokens = rp.sign_in(browser, nonce=nonce)
    assert rp.verify(tokens)["nonce"] == nonce
    assert tokens.answer is not None
    assert "nonce" not in tokens.answer.parameters
    assert "nonce" not in rp.introspect(tokens.access_token)


def test_a_request_without_nonce_gets_a_token_without(rp: RelyingParty, browser: WatchedClient) -> None:
    """oidcc-ensure-request-without-nonce-succeeds-for-code-flow."""
    assert "nonce" not in rp.verify(rp.sign_in(browser, nonce=None))


@pytest.mark.parametrize(
    "changes",
    [{}, {"prompt": "none", "max_age": "0"}, {"response_type": "token"}, {"scope": "x"}, {"code_challenge": None}],
)
def test_every_answer_names_the_issuer(
    rp: RelyingParty, browser: WatchedClient, changes: dict[str, str | None]
) -> None:
    """RFC 9207 section 2; A-28."""
    answer = rp.ask(browser, **changes)
    assert answer.parameters["iss"] == ISSUER
    assert answer.location.count("iss=") == 1


def test_a_redirect_is_see_other(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9700 section 4.12: never 307; A-33."""
    answer = rp.ask(browser)
    assert answer.response.status_code == 303
    assert answer.response.text == ""


def test_no_token_is_in_a_redirect(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9700 section 4.3; A-34."""
    tokens = rp.sign_in(browser, scope="openid offline_access")
    assert tokens.answer is not None
    for value in (tokens.access_token, tokens.refresh_token, tokens.id_token, rp.secret or ""):
        assert value not in tokens.answer.location


def test_a_code_has_enough_entropy(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 10.10; section 1 of the certification: 128 bits, random."""
    codes = {rp.ask(browser).code for _ in range(5)}
    assert len(codes) == 5
    assert all(len(code) == 43 for code in codes)
    # The last of 43 letters holds only four of the 256 bits.
    letters = Counter("".join(new_opaque()[:42] for _ in range(500)))
    total = letters.total()
    assert -sum(count / total * math.log2(count / total) for count in letters.values()) > 5.9


@pytest.mark.parametrize(
    ("uri", "parameters", "location"),
    [
        ("https://a.test/cb", {"state": "s"}, "https://a.test/cb?state=s"),
        ("https://a.test/cb?x=1", {"state": "s"}, "https://a.test/cb?x=1&state=s"),
        ("https://a.test/cb?", {"state": "s"}, "https://a.test/cb?state=s"),
        ("https://a.test/cb?x=1&", {"state": "s"}, "https://a.test/cb?x=1&state=s"),
        ("https://a.test/cb", {"state": None}, "https://a.test/cb"),
        ("com.example:/cb", {"state": "a b+c"}, "com.example:/cb?state=a+b%2Bc"),
    ],
)
def test_parameters_are_added_to_the_registered_uri(uri: str, parameters: dict[str, str | None], location: str) -> None:
    """RFC 6749 section 3.1.2: its own query is retained."""
    assert location_of(uri, parameters) == location


# Modes

MODES = ["query", "fragment", "form_post"]
modes = pytest.mark.parametrize("mode", MODES)


@modes
def test_a_code_comes_in_the_mode_that_was_asked_for(rp: RelyingParty, browser: WatchedClient, mode: str) -> None:
    """Multiple Response Types section 2.1, Form Post Response Mode section 2; RFC 9207."""
    answer = rp.ask(browser, response_mode=mode)
    assert (answer.mode, answer.target) == (mode, "https://app.example.test/callback")
    assert set(answer.parameters) == {"code", "state", "iss"}
    assert (answer.parameters["state"], answer.parameters["iss"]) == (answer.asked["state"], ISSUER)
    rp.verify(rp.redeem(answer))


@modes
@in_one_world(
    ("changes", "error"),
    [
        ({"prompt": "none", "max_age": "1"}, "login_required"),
        ({"code_challenge": None}, "invalid_request"),
        ({"scope": "unheard-of"}, "invalid_scope"),
        ({"response_type": None}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
    ],
)
def test_an_error_comes_in_the_same_mode(
    rp: RelyingParty, browser: WatchedClient, mode: str, changes: dict[str, str | None], error: str
) -> None:
    """Form Post Response Mode section 2; A-28: nothing in the URL's query but where it belongs."""
    answer = rp.ask(browser, response_mode=mode, **changes)
    assert (answer.mode, answer.error) == (mode, error)
    assert set(answer.parameters) == {"error", "error_description", "state", "iss"}
    assert answer.parameters["state"] == answer.asked["state"]


@modes
def test_the_mode_is_kept_while_the_person_signs_in_and_decides(
    register: Register, person: Person, ada: str, installation: Installation, mode: str
) -> None:
    """Decision 67: through sign-in and consent, by GET and POST."""
    rp, browser = register(first_party=False), person()
    parked = rp.ask(browser, response_mode=mode)
    sign_in_person(browser, installation, ada)
    assert rp.resume(browser, parked).page == "/consent"
    assert rp.ask(browser, response_mode=mode, prompt="none").mode == mode
    decide(browser, parked, "allow")
    answer = rp.resume(browser, parked)
    assert (answer.mode, rp.redeem(answer).status) == (mode, 200)


@modes
def test_a_declined_request_returns_in_the_requested_response_mode(
    register: Register, browser: WatchedClient, person: Person, mode: str
) -> None:
    """RFC 6749 section 4.1.2.1: at the consent page and before."""
    rp = register(first_party=False)
    parked = rp.ask(browser, response_mode=mode)
    denied = Answer(decide(browser, parked, "deny"), parked.asked, parked.verifier)
    assert (denied.mode, denied.error) == (mode, "access_denied")
    stranger = person()
    parked = rp.ask(stranger, response_mode=mode)
    response = stranger.post(
        f"{AUTHORIZE}/cancel",
        params={"request_uri": parked.request_uri},
        data={"csrf_token": csrf_of(stranger)},
        headers={"origin": ISSUER},
    )
    cancelled = Answer(response, parked.asked, parked.verifier)
    assert (cancelled.mode, cancelled.error) == (mode, "access_denied")


@modes
def test_before_the_redirect_uri_is_proven_no_mode_goes_anywhere(
    rp: RelyingParty, browser: WatchedClient, mode: str
) -> None:
    """RFC 6749 section 4.1.2.1; A-5, A-10: no form either."""
    for redirect_uri in ("https://evil.test/cb", "javascript:alert(1)", "https://app.example.test/callback/"):
        answer = rp.ask(browser, response_mode=mode, redirect_uri=redirect_uri)
        assert (answer.response.status_code, answer.mode) == (400, None)
        assert "evil.test" not in attributes_of(answer.response.text)
        assert "javascript:" not in attributes_of(answer.response.text)


def test_the_page_sends_itself_to_the_app_and_nowhere_else(rp: RelyingParty, browser: WatchedClient) -> None:
    """Form Post Response Mode section 2; A-52, A-98."""
    answer = rp.ask(browser, response_mode="form_post")
    page, policy = answer.response, answer.response.headers["content-security-policy"]
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "form-action https://app.example.test; " in policy
    assert "frame-ancestors 'none'" in policy
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    script = f'<script nonce="{nonce}" src="{find_asset("form_post.js").url}">'
    assert re.findall("<script[^>]*>", page.text) == [script]
    assert page.text.index("</form>") < page.text.index("<script"), "it runs when the form is there"


def test_without_scripts_there_is_a_button(rp: RelyingParty, browser: WatchedClient) -> None:
    """Form Post Response Mode appendix A."""
    answer = rp.ask(browser, response_mode="form_post")
    page = Page(answer.response)
    assert page.title.startswith("Back to Example app")
    assert "If nothing happens, select Continue." in page.text
    form = page.form(button="Continue")
    assert (form.method, form.action) == ("post", "https://app.example.test/callback")
    assert {each.kind for each in form.fields} == {"hidden"}
    assert [each.name for each in form.buttons] == [""], "the app gets the answer and nothing of the page"


def test_the_script_is_one_that_any_browser_understands() -> None:
    """The conformance suite browses with HtmlUnit, which knows no modern JavaScript."""
    script = find_asset("form_post.js").content.decode()
    code = [line for line in script.splitlines() if line and not line.startswith("//")]
    assert code == ['document.getElementById("answer").submit();']


@pytest.mark.parametrize("state", ["a&b=c\"d<e>'f#g+h%i", "tab\t", "emoji \U0001f600 ä", "&lt;", "x" * 2000, " "])
def test_a_posted_state_comes_back_as_it_was(rp: RelyingParty, browser: WatchedClient, state: str) -> None:
    """Form Post Response Mode section 2; A-29, A-95."""
    assert rp.ask(browser, response_mode="form_post", state=state).parameters["state"] == state


@pytest.mark.parametrize(
    ("uri", "registered", "source"),
    [
        ("com.example.app:/cb", "com.example.app:/cb", "com.example.app:"),
        ("http://127.0.0.1:49152/cb", "http://127.0.0.1/cb", "http://127.0.0.1:49152"),
        ("http://[::1]:49152/cb", "http://[::1]/cb", "http:"),
        (
            "https://app.example.test:8443/cb?a=1&b=2",
            "https://app.example.test:8443/cb?a=1&b=2",
            "https://app.example.test:8443",
        ),
    ],
)
def test_any_redirect_uri_may_be_posted_to(
    register: Register, browser: WatchedClient, uri: str, registered: str, source: str
) -> None:
    """RFC 8252 section 7; RFC 6749 section 3.1.2: the URI's own query stays."""
    rp = register(public=True, application_type="native", redirect_uris=(registered,))
    answer = rp.ask(browser, response_mode="form_post", redirect_uri=uri)
    assert answer.target == uri
    assert f"form-action {source}; " in answer.response.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("https://a.test/cb", "https://a.test/cb#state=s"),
        ("https://a.test/cb?x=1", "https://a.test/cb?x=1#state=s"),
        ("com.example:/cb", "com.example:/cb#state=s"),
    ],
)
def test_a_fragment_is_added_behind_the_query(uri: str, location: str) -> None:
    """Multiple Response Types section 2.1; a registered URI has no fragment of its own."""
    assert location_of(uri, {"state": "s"}, in_fragment=True) == location


@pytest.mark.parametrize("response_type", ["id_token", "id_token token", "code id_token", "code token"])
def test_where_old_response_types_are_off_they_do_not_exist(
    register: Register, browser: WatchedClient, unchanged: Unchanged, response_type: str
) -> None:
    """SIGNET_LEGACY_RESPONSE_TYPES, RFC 9700 section 2.1.2; A-30: whatever a client is registered for."""
    rp = register(
        grant_types=("authorization_code", "implicit"),
        response_types=("code", "id_token", "id_token token", "code id_token", "code token"),
    )
    with unchanged():
        answer = rp.ask(browser, response_type=response_type)
    assert (answer.mode, answer.error) == ("fragment", "unsupported_response_type")


def test_the_error_of_a_private_use_scheme_goes_to_that_scheme(
    register: Register, browser: WatchedClient, hosts: set[str]
) -> None:
    """RFC 8252 section 7.1."""
    rp = register(public=True, application_type="native", redirect_uris=("com.example.app:/cb",))
    assert rp.ask(browser, response_type="none").location.startswith("com.example.app:/cb?error=")
