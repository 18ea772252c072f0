"""Request objects: what the client signed is the request, and whatever is not signed right is nothing (RFC 9101)."""

import socket
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from joserfc.util import json_b64encode
from sqlalchemy import select

from provider.config.settings import Settings
from provider.oauth.authorize.store.authorization_requests import authorization_requests
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.browser import attributes_of
from tests.support.cases import in_one_world
from tests.support.client_keys import (
    ALGORITHMS,
    Signatory,
    asserting,
    assertion_claims,
    mac,
    new_key,
    public,
    sign,
    usual_key,
)
from tests.support.clock import Clock
from tests.support.foreign_server import Behaviour, ForeignServer, Request, answer, raw
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.relying_party import AUTHORIZE, TOKEN, Answer, RelyingParty

EVIL = "https://evil.test/cb"


@pytest.fixture
def rp(register: Register) -> RelyingParty:
    """A client that signs its requests with ES256."""
    return register(jwks=Signatory().jwks)


def object_of(rp: RelyingParty, parameters: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Claims: the request, for us, from the client. A claim given as None is left out."""
    claims = {**parameters, "iss": rp.client_id, "aud": ISSUER, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def ask(
    rp: RelyingParty,
    browser: httpx2.Client,
    *,
    beside: dict[str, str] | None = None,
    make: Callable[[dict[str, Any]], str] | None = None,
    **changes: Any,
) -> Answer:
    """The whole request inside the object; beside it `client_id` and what is said."""
    parameters, verifier = rp.request()
    claims = object_of(rp, parameters, **changes)
    signed = (make or rp.signatory.sign)(claims)
    query = {"client_id": rp.client_id, "request": signed, **(beside or {})}
    response = browser.get(AUTHORIZE, params=query, follow_redirects=False)
    return Answer(response, {**parameters, **{k: v for k, v in changes.items() if isinstance(v, str)}}, verifier)


def assert_page(answer: Answer) -> None:
    """No redirect anywhere; the person sees a page."""
    assert answer.response.status_code == 400
    assert "location" not in answer.response.headers
    assert "evil.test" not in attributes_of(answer.response.text)


class TestWhatIsInside:
    def test_a_request_object_replaces_the_parameters(self, rp: RelyingParty, browser: WatchedClient) -> None:
        """RFC 9101 section 5; OIDC Core section 6.1: state, nonce, redirect_uri and PKCE are only inside."""
        found = ask(rp, browser)
        assert found.parameters["state"] == found.asked["state"]
        tokens = rp.redeem(found)
        assert rp.verify(tokens)["nonce"] == found.asked["nonce"]

    @pytest.mark.parametrize("alg", ALGORITHMS)
    def test_each_algorithm_works(self, register: Register, browser: WatchedClient, alg: str) -> None:
        """oidcc-request-uri-signed-rs256 by value, and FAPI 2.0 Message Signing section 5.3.1."""
        rp = register(jwks=Signatory.of(alg).jwks)
        rp.signatory = Signatory.of(alg)
        assert ask(rp, browser).code

    def test_parameters_only_outside_the_request_object_are_ignored(
        self, rp: RelyingParty, browser: WatchedClient
    ) -> None:
        """RFC 9101 section 6.3; fapi2-...-state-only-outside-request-object-not-used."""
        beside = {"state": "outside", "nonce": "outside", "redirect_uri": EVIL, "prompt": "login", "max_age": "0"}
        found = ask(rp, browser, beside=beside, state=None)
        assert "state" not in found.parameters
        assert found.code
        assert rp.verify(rp.redeem(found))["nonce"] == found.asked["nonce"]

    def test_the_redirect_uri_inside_wins(self, rp: RelyingParty, browser: WatchedClient) -> None:
        """oidcc-ensure-request-object-with-redirect-uri."""
        assert ask(rp, browser, beside={"redirect_uri": EVIL}).code
        assert_page(ask(rp, browser, beside={"redirect_uri": rp.client.metadata.redirect_uris[0]}, redirect_uri=EVIL))

    def test_a_loopback_redirect_uri_inside_may_have_any_port(
        self, register: Register, browser: WatchedClient, hosts: set[str]
    ) -> None:
        """RFC 8252 section 7.3."""
        rp, uri = register(jwks=Signatory().jwks, redirect_uris=("http://[::1]/cb",)), "http://[::1]:49152/cb"
        hosts.add("[::1]:49152")
        assert ask(rp, browser, redirect_uri=uri).location.startswith(f"{uri}?code=")

    def test_openid_connect_has_three_parameters_outside_too(self, rp: RelyingParty, browser: WatchedClient) -> None:
        """OIDC Core section 6.1: then they need not be inside."""
        beside = {"response_type": "code", "scope": "openid"}
        assert ask(rp, browser, beside=beside, response_type=None, client_id=None, scope=None).code
        assert ask(rp, browser, beside=beside, scope="openid email").code

    @pytest.mark.parametrize(
        ("beside", "inside"),
        [
            ({"response_type": "token"}, {}),
            ({"response_type": "code"}, {"response_type": "token"}),
            ({"scope": "openid email"}, {"scope": "openid"}),
            ({}, {"client_id": "another"}),
        ],
    )
    def test_parameters_outside_the_request_object_must_agree(
        self, rp: RelyingParty, browser: WatchedClient, beside: dict[str, str], inside: dict[str, Any]
    ) -> None:
        target = {"redirect_uri": rp.client.metadata.redirect_uris[0]}
        assert ask(rp, browser, beside={**target, **beside}, **inside).error == "invalid_request_object"

    def test_numbers_and_objects_may_be_what_they_are(self, rp: RelyingParty, browser: WatchedClient) -> None:
        """OIDC Core section 6.1: max_age as a number, claims as an object."""
        wanted = {"userinfo": {"name": {"essential": True}}}
        for max_age in (10_000, 10_000.0):  # which is the same number (RFC 8259 section 6)
            tokens = rp.redeem(ask(rp, browser, max_age=max_age, claims=wanted))
            assert "auth_time" in rp.verify(tokens)
        assert rp.userinfo(tokens).json()["name"] == "Ada Lovelace"

    @in_one_world(
        "changes",
        [
            {"state": 5},
            {"state": "\ud800"},
            {"nonce": "a\x00"},
            {"claims": {"userinfo": {"\ud800": None}}},
            {"state": ["x"]},
            {"nonce": {"a": "b"}},
            {"max_age": 1.5},
            {"max_age": True},
            {"scope": ["openid"]},
            {"claims": ["name"]},
            {"redirect_uri": [EVIL]},
            {"request": "x.y.z"},
            {"request_uri": "https://app.example.test/r"},
        ],
    )
    def test_a_request_object_with_wrong_types_is_rejected(
        self, rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, changes: dict[str, Any]
    ) -> None:
        """RFC 9101 section 4: nothing nested."""
        target = {"redirect_uri": rp.client.metadata.redirect_uris[0]}
        with unchanged():
            assert ask(rp, browser, beside=target, **changes).error == "invalid_request_object"

    def test_the_request_inside_is_checked_like_any_other(self, rp: RelyingParty, browser: WatchedClient) -> None:
        """A-17, A-18, A-30: at the redirect_uri inside, with the state inside."""
        for changes, error in (
            ({"code_challenge": None}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"state": "x" * 2001}, "invalid_request"),
            ({"registration": {}}, "registration_not_supported"),
        ):
            found = ask(rp, browser, **changes)
            assert found.error == error
            assert found.parameters["state"] == found.asked["state"]

    def test_the_parked_request_holds_the_parameters_inside_the_request_object(
        self, rp: RelyingParty, browser: WatchedClient, work: Work, clock: Clock
    ) -> None:
        """Decision 67: parked as merged, so it is good after the object expired, and nothing outside comes back."""
        now = int(clock.now.timestamp())
        parked = ask(rp, browser, beside={"state": "outside"}, prompt="login", exp=now + 30)
        assert parked.page == "/login"
        with work() as w:
            (parameters,) = w.read.scalars(select(authorization_requests.c.parameters))
        assert parameters == parked.asked
        clock.advance(minutes=5)
        assert rp.resume(browser, parked).page == "/login"

    def test_a_request_object_can_be_posted_in_a_form(self, rp: RelyingParty, browser: WatchedClient) -> None:
        """OIDC Core section 3.1.2.1."""
        parameters, verifier = rp.request()
        form = {"client_id": rp.client_id, "request": rp.signatory.sign(object_of(rp, parameters))}
        response = browser.post(AUTHORIZE, data=form, follow_redirects=False)
        found = Answer(browser.get(response.headers["location"], follow_redirects=False), parameters, verifier)
        assert rp.redeem(found).status == 200


class TestWhoseItIs:
    """Refused with invalid_request_object: at a registered redirect_uri beside it, or else on a page."""

    @pytest.fixture
    def refused(self, rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged) -> Callable[..., None]:
        def check(**how: Any) -> None:
            target = rp.client.metadata.redirect_uris[0]
            with unchanged():
                back = ask(rp, browser, beside={"redirect_uri": target, "state": "mine"}, **how)
                assert (back.error, back.parameters["state"]) == ("invalid_request_object", "mine")
                assert_page(ask(rp, browser, **how))
                assert_page(ask(rp, browser, beside={"redirect_uri": EVIL}, **how))

        return check

    @pytest.mark.parametrize("alg", ["none", "None", "NONE"])
    def test_an_unsigned_request_object_is_rejected(
        self, rp: RelyingParty, refused: Callable[..., None], alg: str
    ) -> None:
        """A-40; oidcc-unsigned-request-object-...: not offered, and never taken."""

        def bare(claims: dict[str, Any]) -> str:
            return (json_b64encode({"alg": alg}) + b"." + json_b64encode(claims) + b".").decode()

        def with_old_signature(claims: dict[str, Any]) -> str:
            return bare(claims) + rp.signatory.sign(claims).split(".")[2]

        refused(make=bare)
        refused(make=with_old_signature)

    def test_a_secret_or_a_public_key_is_no_signing_key(self, rp: RelyingParty, refused: Callable[..., None]) -> None:
        """A-41; HS256 is not offered."""
        secret = rp.secret
        assert secret
        refused(make=lambda claims: mac(claims, secret))
        refused(make=lambda claims: mac(claims, usual_key().as_pem(private=False)))

    def test_keys_the_header_brings_are_not_looked_at(
        self, refused: Callable[..., None], foreign_server: ForeignServer
    ) -> None:
        """A-43."""
        attacker = new_key()
        for header in ({"jwk": public(attacker)}, {"jku": foreign_server.url()}, {"x5u": foreign_server.url()}):
            refused(make=lambda claims, header=header: sign(claims, attacker, kid="key-1", **header))
        assert foreign_server.connections == 0

    def test_critical_headers_are_refused(self, rp: RelyingParty, refused: Callable[..., None]) -> None:
        """A-43."""
        for header in ({"crit": ["x"], "x": 1}, {"b64": False}, {"zip": "DEF"}):
            refused(make=lambda claims, header=header: rp.signatory.sign(claims, **header))

    def test_another_clients_key_is_not_this_ones(self, register: Register, refused: Callable[..., None]) -> None:
        """fapi2-...-ensure-matching-key-in-authorization-request."""
        other = Signatory(key=new_key())
        register(jwks=other.jwks)
        refused(make=other.sign)

    @in_one_world("text", ["x", "x.y.z", "a.b.c.d.e", "e30.e30.", "\x00", "ä"])
    def test_a_request_object_that_is_not_a_jwt_is_rejected(self, refused: Callable[..., None], text: str) -> None:
        refused(make=lambda _claims: text)

    @in_one_world("typ", ["at+jwt", "client-authentication+jwt", "logout+jwt", "dpop+jwt", ""])
    def test_a_request_object_with_another_typ_is_rejected(
        self, rp: RelyingParty, refused: Callable[..., None], typ: str
    ) -> None:
        """RFC 9101 section 10.8."""
        refused(make=lambda claims: rp.signatory.sign(claims, typ=typ))

    @pytest.mark.parametrize("typ", ["JWT", "jwt", "oauth-authz-req+jwt", "application/oauth-authz-req+jwt", None])
    def test_its_own_kind_is(self, rp: RelyingParty, browser: WatchedClient, typ: str | None) -> None:
        assert ask(rp, browser, make=lambda claims: rp.signatory.sign(claims, typ=typ)).code

    @in_one_world(
        "changes",
        [
            {"iss": None},
            {"iss": "another"},
            {"aud": None},
            {"aud": "https://other.example.test"},
            {"aud": ISSUER + "/"},
            {"aud": ISSUER + AUTHORIZE},
            {"aud": []},
            {"aud": {"iss": ISSUER}},
            {"exp": "soon"},
            {"exp": 10.5},
            {"exp": lambda now: now - 11},
            {"nbf": lambda now: now + 61},
            {"iat": lambda now: now + 61},
        ],
    )
    def test_a_request_object_with_wrong_audience_or_times_is_rejected(
        self, clock: Clock, refused: Callable[..., None], changes: dict[str, Any]
    ) -> None:
        """RFC 9101 sections 4, 6.3; FAPI 2.0 Message Signing: bad aud, expired, nbf over 60 seconds ahead."""
        now = int(clock.now.timestamp())
        refused(**{name: value(now) if callable(value) else value for name, value in changes.items()})

    @in_one_world(
        "changes",
        [
            {"aud": [ISSUER, "https://other.example.test"]},
            {"exp": lambda now: now + 86400},
            {"exp": lambda now: now - 8},
            {"nbf": lambda now: now + 8},
            {"jti": "x", "iat": lambda now: now},
        ],
    )
    def test_a_request_object_with_valid_audience_and_times_is_accepted(
        self, rp: RelyingParty, browser: WatchedClient, clock: Clock, changes: dict[str, Any]
    ) -> None:
        """ensure-request-object-with-multiple-aud-succeeds, -nbf-8-seconds-in-the-future-is-accepted."""
        now = int(clock.now.timestamp())
        made = {name: value(now) if callable(value) else value for name, value in changes.items()}
        assert ask(rp, browser, **made).code

    def test_request_objects_and_client_assertions_are_not_interchangeable(
        self, register: Register, browser: WatchedClient
    ) -> None:
        """RFC 9101 section 10.8, RFC 8725 section 3.12."""
        rp = register(jwks=Signatory().jwks, token_endpoint_auth_method="private_key_jwt")
        request = rp.signatory.sign(object_of(rp, rp.request()[0], exp=assertion_claims("", "")["exp"], jti="x"))
        form = {"grant_type": "refresh_token", "refresh_token": "x", **asserting(request)}
        assert rp.http.post(TOKEN, data=form).json()["error"] == "invalid_client"
        assertion = assertion_claims(rp.client_id, ISSUER)
        assert_page(ask(rp, browser, make=lambda claims: rp.signatory.sign({**claims, **assertion})))

    def test_only_the_registered_algorithm_counts(self, register: Register, browser: WatchedClient) -> None:
        """OIDC Registration section 2, request_object_signing_alg."""
        key = usual_key("RS256")
        rp = register(jwks={"keys": [public(key, kid="k")]}, request_object_signing_alg="PS256")
        assert_page(ask(rp, browser, make=lambda claims: sign(claims, key, alg="RS256", kid="k")))
        assert ask(rp, browser, make=lambda claims: sign(claims, key, alg="PS256", kid="k")).code

    def test_a_client_without_keys_signs_nothing(self, register: Register, browser: WatchedClient) -> None:
        assert_page(ask(register(), browser))

    def test_an_unknown_client_cannot_sign_a_request_object(self, rp: RelyingParty, browser: WatchedClient) -> None:
        for client_id in ("unknown", ""):
            assert_page(ask(rp, browser, beside={"client_id": client_id}))

    def test_a_refusal_is_explained_without_the_object(
        self, rp: RelyingParty, browser: WatchedClient, explain: Explain
    ) -> None:
        found = ask(rp, browser, make=Signatory(key=new_key()).sign)
        row = explain(found.response.headers["x-request-id"])
        assert row.checks[-1]["got"] == "its signature is wrong"
        assert found.asked["state"] not in str(row)


class TestFapi:
    """FAPI 2.0 Message Signing section 5.3.1."""

    @pytest.fixture
    def rp(self, register: Register) -> RelyingParty:
        return register(
            jwks=Signatory().jwks,
            profile="fapi2",
            token_endpoint_auth_method="private_key_jwt",
            id_token_signed_response_alg="ES256",
        )

    def push(self, rp: RelyingParty, make: Callable[[dict[str, Any]], str] | None = None, **changes: Any) -> str | None:
        """The error; None when it was taken. These clients must push (FAPI 2.0 Security Profile section 5.3.2.2)."""
        parameters, _ = rp.request()
        response = rp.post("/oauth2/par", request=(make or rp.signatory.sign)(object_of(rp, parameters, **changes)))
        error: str | None = response.json().get("error")
        return error

    def test_a_fapi_request_object_lives_at_most_an_hour(self, rp: RelyingParty, clock: Clock) -> None:
        """-without-exp-fails, -without-nbf-fails, -with-exp-over-60-fails, -with-nbf-over-60-fails."""
        now = int(clock.now.timestamp())
        assert self.push(rp, exp=now + 300, nbf=now) is None
        wrong: list[dict[str, Any]] = [
            {"nbf": now},
            {"exp": now + 300},
            {"exp": now + 70 * 60, "nbf": now},
            {"exp": now + 300, "nbf": now - 70 * 60},
        ]
        for times in wrong:
            assert self.push(rp, **times) == "invalid_request_object"

    def test_rs256_is_refused(self, register: Register, clock: Clock) -> None:
        """-ensure-signed-request-object-with-RS256-fails."""
        now, key = int(clock.now.timestamp()), usual_key("RS256")
        rp = register(
            jwks={"keys": [public(key, kid="k")]},
            profile="fapi2",
            token_endpoint_auth_method="private_key_jwt",
            id_token_signed_response_alg="ES256",
        )
        rp.signatory = Signatory("PS256", "k", key)
        times: dict[str, Any] = {"exp": now + 300, "nbf": now}
        assert self.push(rp, lambda claims: sign(claims, key, alg="RS256"), **times) == "invalid_request_object"
        assert self.push(rp, lambda claims: sign(claims, key, alg="PS256"), **times) is None


class TestByReference:
    """SIGNET_REQUEST_URI."""

    @pytest.fixture
    def settings(self, database_url: str, outbound_settings: dict[str, Any]) -> Settings:
        return settings_for(database_url, request_uri=True, **outbound_settings)

    @pytest.fixture
    def uri(self, foreign_server: ForeignServer) -> str:
        """With a fragment, as OIDC Core section 6.2 has it: a hash of what is there."""
        return foreign_server.url("/request.jwt#GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM")

    @pytest.fixture
    def rp(self, register: Register, uri: str) -> RelyingParty:
        return register(jwks=Signatory().jwks, request_uris=(uri,))

    def send(self, rp: RelyingParty, browser: WatchedClient, uri: str, **beside: str) -> Answer:
        query = {"client_id": rp.client_id, "request_uri": uri, **beside}
        return Answer(browser.get(AUTHORIZE, params=query, follow_redirects=False), {}, "")

    def test_the_registered_one_is_fetched(
        self, rp: RelyingParty, browser: WatchedClient, uri: str, foreign_server: ForeignServer
    ) -> None:
        """oidcc-request-uri-signed-rs256."""
        parameters, verifier = rp.request()
        signed = rp.signatory.sign(object_of(rp, parameters))
        foreign_server.behaviour = answer(signed + "\n", "application/oauth-authz-req+jwt")
        found = self.send(rp, browser, uri, scope="openid", response_type="code")
        assert rp.redeem(Answer(found.response, parameters, verifier)).status == 200
        assert [request.target for request in foreign_server.requests] == ["/request.jwt"]

    def test_an_unregistered_request_uri_is_never_fetched(
        self, rp: RelyingParty, browser: WatchedClient, uri: str, foreign_server: ForeignServer
    ) -> None:
        """A-101: character for character, and nobody is asked."""
        target = rp.client.metadata.redirect_uris[0]
        for other in (uri.partition("#")[0], uri + "x", uri.replace("/request", "/other"), "https://evil.test/r"):
            assert self.send(rp, browser, other, redirect_uri=target).error == "invalid_request_uri"
            assert_page(self.send(rp, browser, other))
        assert foreign_server.connections == 0

    @pytest.mark.parametrize(
        "behaviour",
        [
            answer(b"", status="404 Not Found"),
            answer(b"", status="302 Found", Location="https://localhost/"),
            answer(b"x.y.z", "text/html"),
            answer(b"\xff", "application/jwt"),
            raw(b""),
        ],
    )
    def test_what_cannot_be_fetched_is_refused(
        self, rp: RelyingParty, browser: WatchedClient, uri: str, foreign_server: ForeignServer, behaviour: Behaviour
    ) -> None:
        """A-103."""
        foreign_server.behaviour = behaviour
        target = rp.client.metadata.redirect_uris[0]
        assert self.send(rp, browser, uri, redirect_uri=target).error == "invalid_request_uri"

    def test_what_is_there_must_be_signed_all_the_same(
        self, rp: RelyingParty, browser: WatchedClient, uri: str, foreign_server: ForeignServer
    ) -> None:
        claims = object_of(rp, rp.request()[0])
        for text in (Signatory(key=new_key()).sign(claims), mac(claims, rp.secret or "")):
            foreign_server.behaviour = answer(text, "application/jwt")
            found = self.send(rp, browser, uri, redirect_uri=rp.client.metadata.redirect_uris[0])
            assert found.error == "invalid_request_object"

    def test_request_and_request_uri_together_are_rejected(
        self, rp: RelyingParty, browser: WatchedClient, uri: str, foreign_server: ForeignServer
    ) -> None:
        """RFC 9101 section 5."""
        signed = rp.signatory.sign(object_of(rp, rp.request()[0]))
        target = rp.client.metadata.redirect_uris[0]
        assert self.send(rp, browser, uri, request=signed, redirect_uri=target).error == "invalid_request"
        assert foreign_server.connections == 0

    def test_a_slow_request_uri_delays_no_other_user(
        self, rp: RelyingParty, register: Register, browser: WatchedClient, uri: str, foreign_server: ForeignServer
    ) -> None:
        """A-103: it runs in the threads that may wait; other apps' people are elsewhere."""
        other, seen = register(), []

        def meanwhile(connection: socket.socket, request: Request) -> None:
            seen.append(other.ask(browser).response.status_code)
            answer(b"", status="404 Not Found")(connection, request)

        foreign_server.behaviour = meanwhile
        with browser:
            assert_page(self.send(rp, browser, uri))
        assert seen == [303]

    def test_the_document_says_so(self, http: WatchedClient) -> None:
        """OIDC Discovery section 3."""
        metadata = http.get("/.well-known/openid-configuration").json()
        assert metadata["request_uri_parameter_supported"] is True
        assert metadata["require_request_uri_registration"] is True


def test_by_reference_it_is_off_unless_an_operator_turns_it_on(
    register: Register, browser: WatchedClient, foreign_server: ForeignServer
) -> None:
    """oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported."""
    rp = register(jwks=Signatory().jwks)
    assert rp.ask(browser, request_uri=foreign_server.url()).error == "request_uri_not_supported"
    signed = rp.signatory.sign(object_of(rp, rp.request()[0]))
    assert rp.ask(browser, request_uri=foreign_server.url(), request=signed).error == "invalid_request"
    assert foreign_server.connections == 0
