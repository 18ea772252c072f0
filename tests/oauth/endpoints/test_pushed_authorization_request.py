"""Pushed authorization requests (RFC 9126; FAPI 2.0 Security Profile section 5.3.2.2; attack A-79)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import httpx2
import pytest

from provider.oauth.clients.clients import update_client
from provider.work import Installation
from tests.oauth.conftest import Explain, Person, Register, Unchanged
from tests.oauth.endpoints.test_consent import decide
from tests.support.cases import in_one_world
from tests.support.client_keys import Signatory
from tests.support.clock import Clock
from tests.support.effort import effort
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import AUTHORIZE, Answer, RelyingParty, sign_in_person

PAR = "/oauth2/par"


def push(rp: RelyingParty, **changes: str | None) -> tuple[httpx2.Response, dict[str, str], str]:
    parameters, verifier = rp.request(**changes)
    return rp.post(PAR, **parameters), parameters, verifier


def come(browser: httpx2.Client, client_id: str | None, request_uri: str, **beside: str) -> httpx2.Response:
    given = {"client_id": client_id, "request_uri": request_uri, **beside}
    query = {name: value for name, value in given.items() if value is not None}
    return browser.get(AUTHORIZE, params=query, follow_redirects=False)


def pushed_uri(response: httpx2.Response) -> str:
    assert response.status_code == 201, response.text
    return str(response.json()["request_uri"])


@pytest.mark.parametrize("method", ["client_secret_basic", "none", "private_key_jwt"])
def test_a_pushed_request_becomes_a_code(register: Register, browser: httpx2.Client, method: str) -> None:
    """RFC 9126 sections 2.2 and 4: 201, a handle of a minute, and the browser carries nothing else."""
    keys: dict[str, Any] = {"jwks": Signatory().jwks} if method == "private_key_jwt" else {}
    rp = register(token_endpoint_auth_method=method, public=method == "none", **keys)
    response, asked, verifier = push(rp, state="kept")
    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["expires_in"] == 60
    answer = Answer(come(browser, rp.client_id, pushed_uri(response)), asked, verifier)
    assert answer.parameters["state"] == "kept"
    assert answer.parameters["iss"] == ISSUER
    rp.verify(rp.redeem(answer))


def test_parameters_beside_a_pushed_request_uri_are_ignored(rp: RelyingParty, browser: httpx2.Client) -> None:
    """OIDF state-only-outside-request-object-not-used."""
    response, asked, verifier = push(rp, state=None)
    beside = {"state": "outside", "redirect_uri": "https://evil.test/cb", "scope": "openid roles"}
    answer = Answer(come(browser, rp.client_id, pushed_uri(response), **beside), asked, verifier)
    assert "state" not in answer.parameters
    assert answer.target == asked["redirect_uri"]
    assert rp.redeem(answer).body["scope"] == "openid"


def test_a_request_uri_is_valid_until_a_code_is_issued_for_it(
    rp: RelyingParty, person: Person, ada: str, clock: Clock, browser: httpx2.Client
) -> None:
    """OIDF par-ensure-reused-request-uri-prior-to-auth-completion, par-attempt-reuse-request_uri."""
    uri = pushed_uri(push(rp, prompt="login")[0])
    clock.advance(seconds=59)
    assert come(browser, rp.client_id, uri).headers["location"].startswith("/login?")
    clock.advance(minutes=30)  # who signs in may take their time
    assert come(browser, rp.client_id, uri).headers["location"].startswith("/login?")
    done = pushed_uri(push(rp)[0])
    assert "code=" in come(browser, rp.client_id, done).headers["location"]
    again = come(browser, rp.client_id, done)
    assert again.status_code == 400
    assert "location" not in again.headers


def test_a_scope_that_was_left_out_stays_out(register: Register, browser: httpx2.Client, work: Work) -> None:
    """N-565: OIDC Core section 11. The client may ask for it only since the request was checked."""
    rp = register(scope="openid", grant_types=("authorization_code",))
    response, asked, verifier = push(rp, scope="openid offline_access")
    with work() as w:
        metadata = replace(rp.client.metadata, grant_types=("authorization_code", "refresh_token"))
        update_client(w, rp.client_id, metadata)
    tokens = rp.redeem(Answer(come(browser, rp.client_id, pushed_uri(response)), asked, verifier))
    assert tokens.body["scope"] == "openid"


def test_an_unused_request_uri_expires_after_a_minute(rp: RelyingParty, browser: httpx2.Client, clock: Clock) -> None:
    """OIDF par-attempt-to-use-expired-request_uri."""
    uri = pushed_uri(push(rp)[0])
    clock.advance(seconds=61)
    gone = come(browser, rp.client_id, uri)
    assert (gone.status_code, "location" in gone.headers) == (400, False)


def test_a_sign_in_before_the_browser_came_is_not_the_one_that_was_asked_for(
    rp: RelyingParty, person: Person, ada: str, clock: Clock
) -> None:
    """OIDC Core section 3.1.2.1: prompt=login, though somebody signed in between push and visit."""
    uri = pushed_uri(push(rp, prompt="login")[0])
    clock.advance(seconds=5)
    browser = person(ada)
    clock.advance(seconds=5)
    assert come(browser, rp.client_id, uri).headers["location"].startswith("/login?")


def test_another_client_cannot_use_it(
    rp: RelyingParty, register: Register, browser: httpx2.Client, explain: Explain
) -> None:
    """RFC 9126 section 4; OIDF par-attempt-to-use-request_uri-for-different-client."""
    other = register()
    uri = pushed_uri(push(rp)[0])
    refused = come(browser, other.client_id, uri)
    assert (refused.status_code, "location" in refused.headers) == (400, False)
    assert "code=" in come(browser, rp.client_id, uri).headers["location"]


@in_one_world(
    ("changes", "error"),
    [
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"redirect_uri": "https://evil.test/cb"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": "admin:read"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"client_secret": "beside the header"}, "invalid_request"),
    ],
)
def test_an_invalid_pushed_request_is_rejected_immediately(
    rp: RelyingParty, changes: dict[str, str | None], error: str, unchanged: Unchanged, explain: Explain
) -> None:
    """RFC 9126 section 2.3: errors of the token and of the authorization endpoint, as JSON."""
    with unchanged():
        response, _, _ = push(rp, **changes)
    assert response.status_code == 400
    assert response.json()["error"] == error
    assert explain(response.json()["error_id"]).endpoint == "pushed_authorization_request"


def test_pushed_requests_require_client_authentication(rp: RelyingParty, http: httpx2.Client) -> None:
    """RFC 9126 section 2: as at the token endpoint; and only POST."""
    parameters, _ = rp.request()
    assert http.post(PAR, data=parameters).json()["error"] == "invalid_client"
    assert http.get(PAR, params=parameters).status_code == 405


def test_a_signed_request_may_be_pushed(register: Register, browser: httpx2.Client) -> None:
    """RFC 9126 section 3: the request object alone, beside the client authentication."""
    rp = register(jwks=Signatory().jwks)
    parameters, verifier = rp.request(state="inside")
    signed = rp.signatory.sign({**parameters, "iss": rp.client_id, "aud": ISSUER})
    response = rp.post(PAR, request=signed)
    answer = Answer(come(browser, rp.client_id, pushed_uri(response)), parameters, verifier)
    assert answer.parameters["state"] == "inside"
    assert rp.post(PAR, request=signed[:-9] + "AAAAAAAAA").json()["error"] == "invalid_request_object"


@pytest.mark.parametrize("fapi2", [False, True])
def test_a_client_that_must_push_is_refused_without(register: Register, browser: httpx2.Client, fapi2: bool) -> None:
    """RFC 9126 section 6; FAPI 2.0 Security Profile section 5.3.2.2."""
    profile = {"profile": "fapi2", "token_endpoint_auth_method": "private_key_jwt", "jwks": Signatory().jwks}
    signing = {"id_token_signed_response_alg": "ES256"}
    rp = register(**profile, **signing) if fapi2 else register(require_pushed_authorization_requests=True)
    assert rp.ask(browser).error == "invalid_request"
    assert rp.ask_by_post(browser).error == "invalid_request"
    response, asked, verifier = push(rp)
    assert Answer(come(browser, rp.client_id, pushed_uri(response)), asked, verifier).code


def test_a_form_may_bring_the_handle_too(rp: RelyingParty, browser: httpx2.Client) -> None:
    """OIDC Core section 3.1.2.1: the authorization endpoint takes POST."""
    uri = pushed_uri(push(rp)[0])
    form = {"client_id": rp.client_id, "request_uri": uri}
    response = browser.post(AUTHORIZE, data=form, follow_redirects=False)
    assert response.status_code == 303
    assert "code=" in browser.get(response.headers["location"], follow_redirects=False).headers["location"]


def test_the_language_that_was_pushed_holds_on_the_way(rp: RelyingParty, person: Person) -> None:
    """OIDC Core section 3.1.2.1: ui_locales."""
    uri = pushed_uri(push(rp, ui_locales="fr")[0])
    assert "ui_locales=fr" in come(person(), rp.client_id, uri).headers["location"]


def opened_at_once(browsers: list[Any], rp: RelyingParty, request_uri: str) -> list[httpx2.Response]:
    """The answers to this handle in all of these browsers, which come at one moment."""
    line = Barrier(len(browsers))

    def open_it(browser: Any) -> httpx2.Response:
        line.wait()
        return come(browser, rp.client_id, request_uri)

    with ThreadPoolExecutor(len(browsers)) as pool:
        return list(pool.map(open_it, browsers))


@pytest.mark.also_on_postgresql
@pytest.mark.race
def test_several_browsers_that_open_it_at_once_get_one_code(rp: RelyingParty, person: Person, ada: str) -> None:
    """RFC 9126 section 4: a request_uri is used once, also by people who are signed in and asked nothing."""
    for count in effort((2, 8), (2, 8, 8, 16)):
        browsers = [person(ada) for _ in range(count)]
        answers = opened_at_once(browsers, rp, pushed_uri(push(rp)[0]))
        codes = [answer for answer in answers if "code=" in answer.headers.get("location", "")]
        assert len(codes) == 1, [(answer.status_code, answer.headers.get("location")) for answer in answers]
        assert {answer.status_code for answer in answers if answer not in codes} == {400}


@pytest.mark.also_on_postgresql
def test_browsers_that_open_it_one_after_the_other_get_one_code(
    rp: RelyingParty, person: Person, ada: str, installation: Installation, clock: Clock
) -> None:
    """RFC 9126 section 4: the second takes it over, as after a link in an email that is read on a phone."""
    desktop, phone = person(), person(ada)
    clock.advance(seconds=5)
    uri = pushed_uri(push(rp, prompt="login")[0])
    assert come(desktop, rp.client_id, uri).headers["location"].startswith("/login?")
    assert come(phone, rp.client_id, uri).headers["location"].startswith("/login?")
    for browser in (desktop, phone):
        sign_in_person(browser, installation, ada, answering=uri)
    answers = [come(browser, rp.client_id, uri) for browser in (phone, desktop)]
    assert ["code=" in answer.headers.get("location", "") for answer in answers] == [True, False]
    assert answers[1].status_code == 400


@pytest.mark.also_on_postgresql
def test_nothing_that_was_done_in_another_browser_counts_when_it_is_taken_over(
    register: Register, person: Person, ada: str, clock: Clock
) -> None:
    """RFC 9126 section 7.1: neither a sign-in nor a consent, and what the first one does from then on marks nothing."""
    rp = register(first_party=False, public=True)
    first, second = person(ada), person(ada)
    uri = pushed_uri(push(rp)[0])
    first_answer = Answer(come(first, rp.client_id, uri), {}, "")
    assert first_answer.page == "/consent"
    first.get(first_answer.location)
    decide(first, first_answer, "allow")
    assert come(second, rp.client_id, uri).headers["location"].startswith("/consent?")
    late = decide(first, first_answer, "allow")
    assert late.headers["location"].startswith("/oauth2/authorize?"), "it starts over"
    assert come(second, rp.client_id, uri).headers["location"].startswith("/consent?")
    assert come(first, rp.client_id, uri).headers["location"].startswith("/consent?")


@pytest.mark.also_on_postgresql
@pytest.mark.race
def test_a_request_that_is_allowed_and_declined_at_once_has_one_answer(
    register: Register, person: Person, ada: str
) -> None:
    """RFC 6749 section 4.1.2: of several tabs too."""
    rp = register(first_party=False)
    for _ in range(effort(2, 6)):
        browser = person(ada)
        parked = rp.ask(browser, prompt="consent")
        decide(browser, parked, "allow")
        line = Barrier(4)

        def press(number: int, browser: Any = browser, parked: Answer = parked, line: Barrier = line) -> str:
            line.wait()
            allowed = number % 2 == 0
            answer = rp.resume(browser, parked).response if allowed else decide(browser, parked, "deny")
            return str(answer.headers.get("location", ""))

        with ThreadPoolExecutor(4) as pool:
            answers = [each for each in pool.map(press, range(4)) if each.startswith("https://app.example.test/")]
        assert len(answers) == 1, answers
