"""What an upstream, or somebody who pretends to be one, may send back: nobody is signed in by it, and every page leads
on (OIDC Core sections 3.1.2.7, 3.1.3.5 and 3.1.3.7; RFC 9700 section 4.4).
"""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jws, jwt
from joserfc.jwk import OctKey
from sqlalchemy import func, select

from provider.accounts.store.users import users
from provider.federation.store.used_states import used_states
from provider.sessions.store import sessions
from provider.work import Installation
from provider.worker.jobs import purge
from tests.federation.conftest import EXAMPLE, NewTraveller
from tests.federation.fake_provider import CLIENT_ID, CLIENT_SECRET, TOKEN, FakeProvider, Traveller, ec_key, rsa_key
from tests.support.browser import Browser, Page
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.limits import Lower
from tests.support.people import is_signed_in


def nobody_came_in(work: Work, browser: Browser) -> bool:
    """No account, no session; and the browser holds nothing that opens anything."""
    with work() as w:
        counts = [w.read.scalar(select(func.count()).select_from(table)) for table in (users, sessions)]
    return counts == [0, 0] and not is_signed_in(browser)


def leads_on(page: Page) -> bool:
    """The same again, and another way."""
    return any("Example again" in label for form in page.forms for each in form.buttons for label in each.labels) and (
        "/login" in {urlsplit(link).path for link in page.links.values()}
    )


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


NOW: dict[str, Callable[[Clock], Any]] = {
    "an hour old": lambda clock: int(clock.now.timestamp()) - 3600,
    "two minutes old": lambda clock: int(clock.now.timestamp()) - 120,
    "of in two minutes": lambda clock: int(clock.now.timestamp()) + 120,
}


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example.test"},
        {"iss": "https://op.example.test/"},
        {"iss": None},
        {"aud": "another client"},
        {"aud": [CLIENT_ID, "another client"]},
        {"aud": []},
        {"aud": None},
        {"aud": {CLIENT_ID: 1}},
        {"azp": "another client"},
        {"nonce": "another nonce"},
        {"nonce": None},
        {"nonce": 5},
        {"nonce": ""},
        {"exp": "two minutes old"},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1e300},
        {"iat": "an hour old"},
        {"iat": "of in two minutes"},
        {"iat": None},
        {"nbf": "of in two minutes"},
        {"auth_time": "yesterday"},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "ada\x00"},
        {"sub": "ädä"},
        {"sub": 5.5},
        {"sub": ["ada-at-example"]},
    ],
    ids=str,
)
def test_an_id_token_that_is_not_about_this_sign_in_is_refused(
    traveller: Traveller, work: Work, clock: Clock, claims: dict[str, Any]
) -> None:
    """OIDC Core section 3.1.3.7."""
    when = {name: NOW[value](clock) for name, value in claims.items() if isinstance(value, str) and value in NOW}
    traveller.provider.claims |= claims | when
    page = traveller.sign_in()
    assert page.status == 502
    assert leads_on(page)
    assert nobody_came_in(work, traveller.browser)


@pytest.mark.parametrize(
    "claims", [{"aud": [CLIENT_ID]}, {"azp": CLIENT_ID}, {"amr": 5, "acr": []}, {"nbf": 0}], ids=str
)
def test_what_the_specification_allows_is_taken(traveller: Traveller, claims: dict[str, Any]) -> None:
    traveller.provider.claims |= claims
    assert traveller.sign_in().path == "/account"


@pytest.mark.parametrize("name", ["email", "name", "sid", "acr", "preferred_username", "picture", "locale", "hd"])
def test_text_that_nothing_can_hold_is_no_crash(traveller: Traveller, new_traveller: NewTraveller, name: str) -> None:
    """N-624: RFC 8259 section 8.2. It may be in a claim that is not needed."""
    provider, head = traveller.provider, {"alg": "RS256", "kid": "first"}
    provider.sign = lambda claims: jws.serialize_compact(head, json.dumps(claims), provider.key, algorithms=["RS256"])
    for odd in ("\ud800@example.test", "a\x00@example.test"):
        traveller.provider.claims |= {name: odd}
        assert new_traveller().sign_in().status < 500, odd


SIGNATURES: dict[str, Callable[[dict[str, Any]], str]] = {
    "none at all": lambda claims: f"{part({'alg': 'none'})}.{part(claims)}.",
    "none with a kid": lambda claims: f"{part({'alg': 'none', 'kid': 'first'})}.{part(claims)}.",
    "nOnE": lambda claims: f"{part({'alg': 'nOnE', 'kid': 'first'})}.{part(claims)}.",
    "our own secret": lambda claims: jwt.encode(
        {"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET), algorithms=["HS256"]
    ),
    "their public key as a secret": lambda claims: jwt.encode(
        {"alg": "HS256", "kid": "first"},
        claims,
        OctKey.import_key(base64.b64encode(rsa_key("first").as_pem(private=False)).decode()),
        algorithms=["HS256"],
    ),
    "a key of the forger": lambda claims: jwt.encode({"alg": "RS256", "kid": "first"}, claims, rsa_key("forged")),
    "a key that the token brings": lambda claims: jwt.encode(
        {"alg": "RS256", "jwk": rsa_key("forged").as_dict(private=False)}, claims, rsa_key("forged")
    ),
    "a key at a URL that the token names": lambda claims: jwt.encode(
        {"alg": "RS256", "kid": "first", "jku": "https://evil.example.test/jwks"}, claims, rsa_key("forged")
    ),
    "a key nobody knows": lambda claims: jwt.encode({"alg": "RS256", "kid": "unknown"}, claims, rsa_key("forged")),
    "an algorithm that was not announced": lambda claims: jwt.encode(
        {"alg": "PS256", "kid": "first"}, claims, rsa_key("first"), algorithms=["PS256"]
    ),
    "an extension that is critical": lambda claims: (
        f"{part({'alg': 'RS256', 'kid': 'first', 'crit': ['x'], 'x': 1})}.{part(claims)}.AAAA"
    ),
    "another type of key": lambda claims: jwt.encode({"alg": "ES256", "kid": "first"}, claims, ec_key("first")),
    "a kid that is no text": lambda claims: f"{part({'alg': 'RS256', 'kid': ['first']})}.{part(claims)}.AAAA",
    "an alg that is no text": lambda claims: f"{part({'alg': ['RS256'], 'kid': 'first'})}.{part(claims)}.AAAA",
    "claims that are no object": lambda _: f"{part({'alg': 'RS256', 'kid': 'first'})}.{part([])}.AAAA",
    "nothing": lambda _: "",
    "no token": lambda _: "not.a.token",
    "half a surrogate": lambda _: "\ud800.\ud800.\ud800",
    "a lot": lambda _: "x" * 200_000,
    "an encrypted token": lambda _: "a.b.c.d.e",
}


@in_one_world("kind", SIGNATURES)
def test_a_signature_that_is_not_the_upstreams_is_refused(traveller: Traveller, work: Work, kind: str) -> None:
    """RFC 8725 sections 3.1, 3.2 and 3.8: the header picks one of the published keys and announced algorithms."""
    traveller.provider.sign = SIGNATURES[kind]
    page = traveller.sign_in()
    assert page.status == 502
    assert leads_on(page)
    assert nobody_came_in(work, traveller.browser)
    assert not any("evil" in url for url in traveller.provider.asked)


class TestTheTokenEndpoint:
    @in_one_world(
        "reply",
        [
            "there was no whole answer within 3 seconds",
            "the answer is longer than 64 KiB",
            "it answered 302; redirects are not followed",
            (500, b"{}"),
            (503, b"<h1>Maintenance</h1>"),
            (404, b""),
            (400, b"<h1>Bad request</h1>"),
            (200, b"<h1>Welcome</h1>"),
            (200, b"[]"),
            (200, b"null"),
            (200, b"\xff"),
            (200, b""),
        ],
    )
    def test_that_does_not_answer_as_one_is_an_outage(self, traveller: Traveller, work: Work, reply: Any) -> None:
        """F-5: 503, never a verdict."""
        traveller.provider.replies[TOKEN] = reply
        page = traveller.sign_in()
        assert page.status == 503
        assert "retry-after" in page.response.headers
        assert leads_on(page)
        assert nobody_came_in(work, traveller.browser)

    @in_one_world("reply", [{"access_token": "x"}, {"id_token": None}, {"id_token": {}}, {"id_token": "x"}])
    def test_that_brings_no_id_token_is_not_trusted(self, traveller: Traveller, work: Work, reply: Any) -> None:
        traveller.provider.replies[TOKEN] = reply
        page = traveller.sign_in()
        assert page.status == 502
        assert nobody_came_in(work, traveller.browser)

    def test_that_refuses_is_quoted_as_text(self, traveller: Traveller, work: Work) -> None:
        body = {"error": "invalid_client", "error_description": "<script>alert(1)</script>"}
        traveller.provider.replies[TOKEN] = (401, json.dumps(body).encode())
        page = traveller.sign_in()
        assert page.status == 403
        assert "<script>alert" not in page.html
        assert "&lt;script&gt;alert(1)" in page.html
        assert CLIENT_SECRET not in page.html
        assert leads_on(page)
        assert nobody_came_in(work, traveller.browser)

    def test_that_wants_the_secret_in_the_form_gets_it_there(self, traveller: Traveller) -> None:
        """OIDC Core section 9."""
        traveller.provider.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
        assert traveller.sign_in().path == "/account"
        [(form, headers)] = traveller.provider.forms
        assert (form["client_id"], form["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
        assert "Authorization" not in headers


class TestTheAnswer:
    @pytest.mark.parametrize("error", ["access_denied", "invalid_scope", "<b>", "x" * 5000])
    def test_that_is_an_error_is_quoted_as_text(self, traveller: Traveller, work: Work, error: str) -> None:
        page = traveller.sign_in(code=None, error=error, error_description='"><img src=x onerror=alert(1)>\u202e')
        assert page.status == 403
        assert "<img" not in page.html
        assert "&lt;img" in page.html
        assert "x" * 201 not in page.html
        assert leads_on(page)
        assert traveller.provider.forms == []
        assert nobody_came_in(work, traveller.browser)

    @pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
    def test_that_tells_of_an_outage_is_one(self, traveller: Traveller, error: str) -> None:
        assert traveller.sign_in(code=None, error=error).status == 503

    @pytest.mark.parametrize("issuer", ["https://other.example.test", "https://op.example.test/", " "])
    def test_that_is_of_another_provider_is_a_mix_up(self, traveller: Traveller, work: Work, issuer: str) -> None:
        """A-28, RFC 9207 section 2.4: the code goes nowhere."""
        page = traveller.sign_in(iss=issuer)
        assert page.status == 502
        assert traveller.provider.forms == []
        assert nobody_came_in(work, traveller.browser)

    def test_must_name_its_provider_where_that_says_it_does(self, traveller: Traveller, work: Work) -> None:
        """A-28, RFC 9207 section 2.4."""
        traveller.provider.metadata["authorization_response_iss_parameter_supported"] = True
        assert traveller.sign_in().status == 502
        assert traveller.provider.forms == []
        assert traveller.sign_in(iss="https://op.example.test").path == "/account"

    def test_that_brings_nothing_is_refused(self, traveller: Traveller) -> None:
        page = traveller.sign_in(code=None)
        assert page.status == 502
        assert leads_on(page)

    def test_that_says_something_twice_is_refused(self, traveller: Traveller) -> None:
        """RFC 6749 section 3.1."""
        url = traveller.provider.authorize(traveller.leave())
        assert traveller.browser.open(f"{url}&code=another").status == 400
        assert traveller.provider.forms == []

    def test_nobody_signs_in_by_looking_at_it(self, traveller: Traveller) -> None:
        """RFC 9110 section 9.2.1."""
        url = traveller.provider.authorize(traveller.leave())
        assert traveller.browser.client.head(url).status_code == 405
        assert traveller.provider.forms == []
        assert traveller.browser.open(url).path == "/account"


class TestTheState:
    @pytest.mark.both_databases
    def test_counts_once(self, traveller: Traveller, work: Work) -> None:
        """A-113: the code goes out once; nobody comes in by the second answer."""
        url = traveller.provider.authorize(traveller.leave())
        assert traveller.browser.open(url).path == "/account"
        assert traveller.browser.open(url).path == "/account"  # back, or reload: on to where they were going
        traveller.browser.submit(action="/sign-out")
        page = traveller.browser.open(url)
        assert page.status == 400
        assert leads_on(page)
        assert len(traveller.provider.forms) == 1
        assert not is_signed_in(traveller.browser)

    @pytest.mark.both_databases
    def test_counts_once_also_when_it_failed(self, traveller: Traveller, work: Work) -> None:
        url = traveller.leave()
        assert traveller.come_back(url, code=None, error="access_denied").status == 403
        assert traveller.come_back(url).status == 400
        assert traveller.provider.forms == []
        assert nobody_came_in(work, traveller.browser)

    @pytest.mark.both_databases
    def test_counts_once_of_many_at_once(self, traveller: Traveller, work: Work) -> None:
        url = traveller.provider.authorize(traveller.leave())
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: traveller.browser.client.get(url), range(8)))
        assert len(traveller.provider.forms) == 1

    def test_is_good_for_the_browser_that_was_sent(
        self, traveller: Traveller, new_traveller: NewTraveller, work: Work
    ) -> None:
        """A-48, OIDC Core section 15.5.2: nobody is signed in to somebody else's account by a link."""
        url = traveller.provider.authorize(traveller.leave())
        victim = new_traveller().browser
        for _ in range(2):  # without any cookie, then with one of its own
            page = victim.open(url)
            assert page.status == 400
            assert leads_on(page)
            victim.open("/login")
        assert traveller.provider.forms == []
        assert nobody_came_in(work, victim)
        assert traveller.browser.open(url).path == "/account"  # not even spoilt

    @in_one_world("state", [None, "", "x", "x.y", "f3006a25.AAAA", "é", "x" * 10_000])
    def test_that_is_not_ours_is_refused(self, traveller: Traveller, state: str | None) -> None:
        page = traveller.sign_in(state=state)
        assert page.status == 400
        assert leads_on(page)
        assert traveller.provider.forms == []

    def test_is_over_after_ten_minutes(self, traveller: Traveller, clock: Clock) -> None:
        url = traveller.leave()
        clock.advance(minutes=10)
        assert traveller.come_back(url).status == 400
        assert traveller.provider.forms == []

    @pytest.mark.both_databases
    def test_is_forgotten_when_it_is_too_old_anyway(
        self, traveller: Traveller, installation: Installation, clock: Clock
    ) -> None:
        traveller.sign_in()
        for left, minutes in ((1, 9), (0, 2)):
            clock.advance(minutes=minutes)
            purge(installation)
            with installation.database.engine.connect() as db:
                assert db.scalar(select(func.count()).select_from(used_states)) == left

    def test_tells_nobody_what_is_in_it(self, traveller: Traveller) -> None:
        asked = dict(parse_qsl(urlsplit(traveller.leave("/login?return_to=/account/sessions")).query))
        assert "sessions" not in asked["state"]
        assert len(asked["state"]) < 800  # some upstreams cut long ones


class TestTwoUpstreams:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        return {"example": EXAMPLE, "other": {**EXAMPLE, "issuer": "https://other.example.test", "name": "Other"}}

    def test_an_answer_is_of_the_one_that_was_asked(self, traveller: Traveller, work: Work) -> None:
        """RFC 9700 section 4.4.2.2: a redirect URI for each."""
        url = traveller.provider.authorize(traveller.leave())
        page = traveller.browser.open(url.replace("/upstream/example/", "/upstream/other/"))
        assert page.status == 400
        assert traveller.provider.forms == []
        assert nobody_came_in(work, traveller.browser)


def test_failures_of_one_network_are_limited_and_successes_are_not(
    new_traveller: NewTraveller, provider: FakeProvider, clock: Clock, lower: Lower
) -> None:
    """Each costs the upstream a request, so nobody makes us send as many as they like."""
    lower(upstream="4/5minutes")
    traveller = new_traveller()
    assert {traveller.sign_in("/login?prompt=login").status for _ in range(6)} == {200}
    provider.claims["nonce"] = "wrong"
    statuses = [traveller.sign_in("/login?prompt=login").status for _ in range(5)]
    assert statuses == [502] * 4 + [429]
    asked = len(provider.asked)
    page = traveller.sign_in("/login?prompt=login")
    assert page.status == 429
    assert len(provider.asked) == asked


def test_nothing_secret_is_logged(traveller: Traveller, capsys: pytest.CaptureFixture[str]) -> None:
    traveller.provider.claims["nonce"] = "wrong"
    url = traveller.leave()
    traveller.come_back(url)
    told = "".join(capsys.readouterr())
    [(form, _)] = traveller.provider.forms
    for secret in (CLIENT_SECRET, form["code"], form["code_verifier"], dict(parse_qsl(urlsplit(url).query))["state"]):
        assert secret not in told
