"""Who asks, and where to go back to: while that is unproven a refusal is a page, and nobody is redirected."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import pytest

from provider.oauth.clients import clients
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.browser import attributes_of
from tests.support.cases import in_one_world
from tests.support.installation import Work
from tests.support.relying_party import AUTHORIZE, Answer, RelyingParty

EVIL = "https://evil.test/cb"
pytestmark = pytest.mark.usefixtures("browser")


def assert_page(response: httpx2.Response, foreign: str = "evil.test") -> None:
    """A-1: a page for the person, no redirect, and the foreign address in no link."""
    assert response.status_code == 400
    assert "location" not in response.headers
    assert response.headers["content-type"].startswith("text/html")
    assert foreign not in attributes_of(response.text)


@in_one_world(
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


@in_one_world("name", BROKEN)
def test_no_other_mistake_redirects_to_an_unregistered_uri(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, name: str
) -> None:
    """RFC 6749 section 4.1.2.1; A-5."""
    with unchanged():
        assert_page(rp.ask(browser, **{"redirect_uri": EVIL, name: BROKEN[name]}).response)


@in_one_world("client_id", [None, "", "unknown", "x" * 5000, "\x00", "ä", "' OR 1=1 --", "\ud83d"])
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


@in_one_world("name", ["client_id", "redirect_uri"])
@in_one_world("same", [True, False])
def test_client_id_and_redirect_uri_are_sent_only_once(
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


def test_with_two_registered_redirect_uris_one_must_be_sent(register: Register, browser: WatchedClient) -> None:
    """RFC 6749 section 3.1.2.3; A-11."""
    rp = register(redirect_uris=("https://a.example.test/cb", "https://b.example.test/cb"))
    assert_page(rp.ask(browser, redirect_uri=None).response, foreign="example.test/cb")


LOOPBACK_CLIENTS: dict[str, dict[str, Any]] = {
    "a command line beside a web app": {"redirect_uris": ("https://app.example.test/cb", "http://127.0.0.1/cb")},
    "a public client without application_type": {"public": True, "redirect_uris": ("http://127.0.0.1/cb",)},
    "a client with the port of another day": {"public": True, "redirect_uris": ("http://127.0.0.1:8400/cb",)},
    "a native client": {"public": True, "application_type": "native", "redirect_uris": ("http://127.0.0.1/cb",)},
}


@pytest.mark.parametrize("kind", LOOPBACK_CLIENTS)
def test_an_app_is_answered_at_the_loopback_port_it_listens_on(
    register: Register, browser: WatchedClient, hosts: set[str], kind: str
) -> None:
    """RFC 8252 section 7.3; A-8: at authorize, in a pushed request, and no other port at the token endpoint."""
    rp, uri = register(**LOOPBACK_CLIENTS[kind]), "http://127.0.0.1:49152/cb"
    hosts.add("127.0.0.1:49152")
    answer = rp.ask(browser, redirect_uri=uri)
    assert answer.location.startswith(f"{uri}?code=")
    assert rp.redeem(answer, redirect_uri="http://127.0.0.1:49153/cb").error == "invalid_grant"
    assert rp.redeem(answer).status == 200
    asked, verifier = rp.request(redirect_uri=uri)
    pushed = rp.post("/oauth2/par", **asked)
    assert pushed.status_code == 201, pushed.text
    back = browser.get(AUTHORIZE, params={"client_id": rp.client_id, "request_uri": pushed.json()["request_uri"]})
    assert rp.redeem(Answer(back, asked, verifier)).status == 200


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


@in_one_world(
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
    """The refusal is explained: the check, what was expected, what came and what to do."""
    answer = rp.ask(browser, code_challenge_method="plain")
    row = explain(answer.response.headers["x-request-id"])
    assert row.error_id in answer.parameters["error_description"]
    assert (row.endpoint, row.client_id, row.error) == ("authorization", rp.client_id, "invalid_request")
    assert [check["passed"] for check in row.checks] == [True] * (len(row.checks) - 1) + [False]
    names = [check["name"] for check in row.checks]
    assert names[:3] == [
        "Each parameter is sent once",
        "The client is registered and enabled",
        "redirect_uri is registered for the client",
    ]
    failed = row.checks[-1]
    assert (failed["expected"], failed["got"], failed["section"]) == ("S256", "plain", "RFC 7636 section 4.2")


def test_a_refusal_on_a_page_shows_the_id_of_its_explanation(
    rp: RelyingParty, browser: WatchedClient, explain: Explain
) -> None:
    """The refusal is explained: the check, what was expected, what came and what to do."""
    response = rp.ask(browser, redirect_uri=EVIL).response
    row = explain(response.headers["x-request-id"])
    assert row.error_id in response.text
    assert row.checks[-1]["got"] == EVIL


def test_a_client_id_of_any_length_is_explained(
    rp: RelyingParty, browser: WatchedClient, explain: Explain, person: Callable[..., WatchedClient]
) -> None:
    response = rp.ask(person(), client_id="x" * 3000).response
    assert len(explain(response.headers["x-request-id"]).client_id or "") == 128
