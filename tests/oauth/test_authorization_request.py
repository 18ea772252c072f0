"""Broken authorization requests: a page while the redirect URI is unproven, back to the app from then on."""

import json
from collections.abc import Callable
from urllib.parse import quote, urlencode

import httpx2
import pytest

from provider.oauth import clients
from tests.conftest import Work
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.relying_party import AUTHORIZE, ISSUER, RelyingParty, challenge_of

EVIL = "https://evil.test/cb"
pytestmark = pytest.mark.usefixtures("browser")


def assert_page(response: httpx2.Response, foreign: str = "evil.test") -> None:
    """A-1: a page for the person, no redirect, and the foreign address in no link."""
    assert response.status_code == 400
    assert "location" not in response.headers
    assert response.headers["content-type"].startswith("text/html")
    assert f'href="{foreign}' not in response.text
    assert foreign not in response.text


# Phase one: the client and its redirect URI


@pytest.mark.parametrize(
    "uri",
    [
        EVIL,
        "https://app.example.test.evil.test/callback",
        "https://app.example.test@evil.test/callback",
        "https://app.example.test/callback/",
        "https://app.example.test/callback?evil.test",
        "https://app.example.test/callback#evil.test",
        "//evil.test/cb",
        "javascript:alert('evil.test')",
        "data:text/html,evil.test",
        "evil.test",
        "https://evil.test/" + "a" * 40_000,
        "\x00",
        "\r\nLocation: https://evil.test",
        '"><script>evil.test</script>',
    ],
)
def test_an_unregistered_redirect_uri_gets_a_page(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, uri: str
) -> None:
    """RFC 6749 section 4.1.2.1; A-1, A-2, A-3, A-7, A-10, A-11."""
    with unchanged():
        assert_page(rp.ask(browser, redirect_uri=uri).response)


BROKEN = {
    "response_type": "token",
    "scope": "nothing-known",
    "code_challenge": "short",
    "code_challenge_method": "plain",
    "request_uri": "https://evil.test/request",
    "prompt": "none login",
    "max_age": "soon",
    "claims": "[]",
    "request": "x",
}


@pytest.mark.parametrize("name", BROKEN)
def test_no_other_mistake_redirects_to_an_unregistered_uri(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, name: str
) -> None:
    """RFC 6749 section 4.1.2.1; A-5."""
    with unchanged():
        assert_page(rp.ask(browser, **{"redirect_uri": EVIL, name: BROKEN[name]}).response)


@pytest.mark.parametrize("client_id", [None, "", "unknown", "x" * 5000, "\x00", "ä", "' OR 1=1 --", "\ud83d"])
def test_an_unknown_client_gets_a_page(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, client_id: str | None
) -> None:
    """RFC 6749 section 4.1.2.1; A-5."""
    parameters, _ = rp.request(client_id=client_id, redirect_uri=EVIL)
    query = urlencode(parameters, errors="replace")
    with unchanged():
        assert_page(browser.get(f"{AUTHORIZE}?{query}"))


def test_a_disabled_client_gets_a_page(rp: RelyingParty, browser: WatchedClient, work: Work) -> None:
    """RFC 6749 section 4.1.2.1; A-26."""
    with work() as w:
        clients.disable(w, rp.client_id)
    assert_page(rp.ask(browser).response, foreign="app.example.test")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
@pytest.mark.parametrize("same", [True, False])
def test_who_asks_and_where_to_go_are_said_once(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, name: str, *, same: bool
) -> None:
    """RFC 6749 section 3.1; A-11, A-89."""
    parameters, _ = rp.request()
    again = quote(parameters[name]) if same else "https%3A%2F%2Fevil.test"
    with unchanged():
        assert_page(browser.get(f"{AUTHORIZE}?{urlencode(parameters)}&{name}={again}"))


def test_an_empty_repetition_is_a_repetition(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 3.1; A-11."""
    parameters, _ = rp.request()
    assert_page(browser.get(f"{AUTHORIZE}?redirect_uri=&{urlencode(parameters)}"))


def test_without_redirect_uri_the_only_one_is_used(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 3.1.2.3."""
    answer = rp.ask(browser, redirect_uri=None)
    assert answer.location.startswith("https://app.example.test/callback?code=")
    assert rp.redeem(answer).status == 200


def test_with_two_registered_redirect_uris_one_must_be_said(register: Register, browser: WatchedClient) -> None:
    """RFC 6749 section 3.1.2.3; A-11."""
    rp = register(redirect_uris=("https://a.example.test/cb", "https://b.example.test/cb"))
    assert_page(rp.ask(browser, redirect_uri=None).response, foreign="example.test/cb")


def test_a_native_app_is_answered_at_the_port_it_listens_on(
    register: Register, browser: WatchedClient, hosts: set[str]
) -> None:
    """RFC 8252 section 7.3; A-8."""
    rp = register(public=True, application_type="native", redirect_uris=("http://127.0.0.1/cb",))
    hosts.add("127.0.0.1:49152")
    answer = rp.ask(browser, redirect_uri="http://127.0.0.1:49152/cb")
    assert answer.location.startswith("http://127.0.0.1:49152/cb?code=")
    assert rp.redeem(answer).status == 200


def test_the_query_of_a_registered_redirect_uri_is_kept(register: Register, browser: WatchedClient) -> None:
    """RFC 6749 section 3.1.2; oidcc-redirect-uri-query-OK."""
    uri = "https://app.example.test/cb?tenant=%7e1&x="
    rp = register(redirect_uris=(uri,))
    assert rp.ask(browser, redirect_uri=uri).location.startswith(uri + "&code=")


@pytest.mark.parametrize("uri", ["https://app.example.test/cb?tenant=2", "https://app.example.test/cb?tenant=1&y=2"])
def test_another_query_is_another_uri(register: Register, browser: WatchedClient, uri: str) -> None:
    """RFC 9700 section 2.1; oidcc-redirect-uri-query-mismatch, -query-added."""
    rp = register(redirect_uris=("https://app.example.test/cb?tenant=1",))
    assert_page(rp.ask(browser, redirect_uri=uri).response, foreign="tenant")


# Phase two: everything else goes back to the app


def refused(rp: RelyingParty, browser: WatchedClient, **changes: str | None) -> str | None:
    """The error sent back to the app, after the checks every such answer must pass."""
    answer = rp.ask(browser, **changes)
    assert answer.response.status_code == 303
    assert answer.location.startswith("https://app.example.test/callback?")
    assert set(answer.parameters) <= {"error", "error_description", "state", "iss"}
    assert answer.parameters["iss"] == ISSUER
    assert answer.parameters.get("state") == answer.asked.get("state")
    assert set(answer.parameters["error_description"]) <= {chr(i) for i in range(0x20, 0x7F)} - set('"\\')
    return answer.error


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"response_type": "code code"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"response_mode": "web_message"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
        ({"code_challenge": "x" * 42 + "="}, "invalid_request"),
        ({"code_challenge": "ä" * 43}, "invalid_request"),
        ({"code_challenge": "x" * 42 + "\n"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "unheard-of"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"max_age": "9" * 11}, "invalid_request"),
        ({"claims": "x"}, "invalid_request"),
        ({"claims": "[" * 1999}, "invalid_request"),
        ({"request": "x.y.z"}, "request_not_supported"),
        ({"request_uri": "https://app.example.test/request"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"nonce": "x" * 2001}, "invalid_request"),
        ({"nonce": "a\x00b"}, "invalid_request"),
        ({"state": "x" * 2001}, "invalid_request"),
        ({"login_hint": "\x00"}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
    ],
)
def test_a_broken_request_goes_back_with_its_error(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, changes: dict[str, str | None], error: str
) -> None:
    """RFC 6749 section 4.1.2.1, RFC 7636 section 4.4.1, OIDC Core section 3.1.2.6; A-17, A-18, A-30."""
    with unchanged():
        assert refused(rp, browser, **changes) == error


@pytest.mark.parametrize("public", [True, False])
def test_pkce_is_required_of_every_client(register: Register, browser: WatchedClient, *, public: bool) -> None:
    """RFC 9700 section 2.1.1; A-17."""
    rp = register(public=public)
    assert refused(rp, browser, code_challenge=None, code_challenge_method=None) == "invalid_request"


def test_a_confidential_client_may_be_registered_without_pkce(register: Register, browser: WatchedClient) -> None:
    """Our policy (protocol.md section 11); a challenge that comes is still checked."""
    rp = register(require_pkce=False)
    assert rp.sign_in(browser, code_challenge=None, code_challenge_method=None).status == 200
    assert refused(rp, browser, code_challenge_method="plain") == "invalid_request"


@pytest.mark.parametrize(
    "name",
    ["response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "prompt", "x", "a[]"],
)
@pytest.mark.parametrize("same", [True, False])
def test_a_repeated_parameter_is_refused(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, name: str, *, same: bool
) -> None:
    """RFC 6749 section 3.1; A-18, A-89."""
    parameters, _ = rp.request(**{} if name in rp.request()[0] else {name: "1"})
    again = parameters[name] if same else "other"
    with unchanged():
        response = browser.get(f"{AUTHORIZE}?{urlencode(parameters)}&{name}={quote(again)}")
    assert "error=invalid_request" in response.headers["location"]


def test_a_scope_the_client_is_not_registered_for_is_refused(register: Register, browser: WatchedClient) -> None:
    """RFC 6749 section 3.3; A-59."""
    assert refused(register(scope="openid"), browser, scope="openid email") == "invalid_scope"


def test_a_scope_nobody_knows_is_ignored(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 3.1.2.1."""
    assert rp.sign_in(browser, scope="openid unheard-of").body["scope"] == "openid"


def test_a_claim_the_client_is_not_registered_for_is_ignored(register: Register, browser: WatchedClient) -> None:
    """A-59: the claims parameter cannot widen what a client may ask for."""
    rp = register(scope="openid")
    claims = json.dumps({"userinfo": {"email": {"essential": True}}, "id_token": {"email": None}})
    tokens = rp.sign_in(browser, claims=claims)
    assert set(rp.userinfo(tokens).json()) == {"sub"}
    assert "email" not in rp.verify(tokens)


def test_a_client_without_the_code_grant_is_refused(register: Register, browser: WatchedClient) -> None:
    """RFC 6749 section 4.1.2.1."""
    rp = register(grant_types=("client_credentials",))
    assert refused(rp, browser) == "unauthorized_client"


@pytest.mark.parametrize(
    "changes",
    [
        {"extra": "foobar"},
        {"display": "popup"},
        {"display": "unheard-of"},
        {"login_hint": "buffy@id.example.test"},
        {"login_hint": '"><svg onload=alert(1)>'},
        {"ui_locales": "se"},
        {"ui_locales": "not a locale"},
        {"claims_locales": "se"},
        {"acr_values": "1 2"},
        {"prompt": "unheard-of"},
        {"response_mode": "query"},
        {"claims": "{}"},
        {"nonce": None},
        {"state": None},
        {"state": ""},
        {"max_age": "10000"},
        {"code_challenge": challenge_of("x" * 43), "x[]": "1"},
    ],
)
def test_what_is_unknown_or_a_mere_hint_does_no_harm(
    rp: RelyingParty, browser: WatchedClient, changes: dict[str, str | None]
) -> None:
    """OIDC Core section 3.1.2.1; the Basic OP modules of the certification; A-89."""
    assert rp.ask(browser, **changes).code


def test_the_order_of_the_parameters_does_not_matter(rp: RelyingParty, browser: WatchedClient) -> None:
    """oidcc-alternate-happy-flow."""
    parameters, _ = rp.request(scope="email openid")
    response = browser.get(AUTHORIZE, params=dict(sorted(parameters.items(), reverse=True)))
    assert "code=" in response.headers["location"]


@pytest.mark.parametrize(
    "query",
    [
        "%ff",
        "client_id=%ff",
        "=",
        "&&&",
        "client_id",
        "%",
        "a=1&" * 200,
        "client_id=%00",
        "request_uri=%00",
        "x=" + "y" * 9000,
    ],
)
def test_a_query_that_cannot_be_read_gets_a_page(browser: WatchedClient, unchanged: Unchanged, query: str) -> None:
    """RFC 6749 appendix B; A-89."""
    with unchanged():
        assert_page(browser.get(f"{AUTHORIZE}?{query}"))


def test_a_refusal_is_explained_with_every_check_in_order(
    rp: RelyingParty, browser: WatchedClient, explain: Explain
) -> None:
    """product.md, explained refusals."""
    answer = rp.ask(browser, code_challenge_method="plain")
    row = explain(answer.response.headers["x-request-id"])
    assert row.error_id in answer.parameters["error_description"]
    assert (row.endpoint, row.client_id, row.error) == ("authorization", rp.client_id, "invalid_request")
    assert [check["passed"] for check in row.checks] == ["True"] * (len(row.checks) - 1) + ["False"]
    names = [check["name"] for check in row.checks]
    assert names[:3] == [
        "client_id and redirect_uri are given once",
        "The client is registered and not disabled",
        "redirect_uri is a registered one, character for character",
    ]
    failed = row.checks[-1]
    assert (failed["expected"], failed["got"], failed["section"]) == ("S256", "plain", "RFC 7636 section 4.2")


def test_a_refusal_on_a_page_shows_the_id_of_its_explanation(
    rp: RelyingParty, browser: WatchedClient, explain: Explain
) -> None:
    """product.md, explained refusals."""
    response = rp.ask(browser, redirect_uri=EVIL).response
    row = explain(response.headers["x-request-id"])
    assert row.error_id in response.text
    assert row.checks[-1]["got"] == EVIL


def test_a_client_id_of_any_length_is_explained(
    rp: RelyingParty, browser: WatchedClient, explain: Explain, person: Callable[..., WatchedClient]
) -> None:
    response = rp.ask(person(), client_id="x" * 3000).response
    assert len(explain(response.headers["x-request-id"]).client_id or "") == 128
