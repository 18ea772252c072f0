"""What waits (a pushed request, a device code, a code, a logout token) while something else changes, and what one flow
gave that another is shown.
"""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from joserfc import jws

from provider.accounts import suspension
from provider.config.settings import Settings
from provider.oauth.authorize.store import given_access
from provider.oauth.clients import clients
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.grants.token_exchange import ACCESS_TOKEN
from provider.oauth.grants.token_exchange import GRANT_TYPE as TOKEN_EXCHANGE
from provider.oauth.keys import rotation
from provider.work import Installation
from tests.oauth.conftest import Explain, Person, Register, Unchanged
from tests.oauth.devices import DEVICE_AUTHORIZATION, DEVICE_CODE, FOR_DEVICES, allow, page_of, start, words
from tests.oauth.endpoints.test_consent import allow as consent_to
from tests.oauth.endpoints.test_consent import decide, show
from tests.oauth.endpoints.test_pushed_authorization_request import PAR, come, push, pushed_uri
from tests.oauth.watched_http import WatchedClient
from tests.support.client_keys import Signatory
from tests.support.clock import Clock
from tests.support.deliveries import deliver_due
from tests.support.foreign_server import ForeignServer
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.relying_party import AUTHORIZE, LOGOUT, TOKEN, Answer, RelyingParty, Tokens

OUT = "https://app.example.test/signed-out"
BOOKS, FILMS, MAPS = "https://books.example.test", "https://films.example.test", "https://maps.example.test"
FAPI2: dict[str, Any] = {
    "profile": "fapi2",
    "token_endpoint_auth_method": "private_key_jwt",
    "id_token_signed_response_alg": "ES256",
    "jwks": Signatory().jwks,
}


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, Any]) -> Settings:
    return settings_for(database_url, registration="open", legacy_response_types=True, **outbound_settings)


def change(work: Work, rp: RelyingParty, **changes: Any) -> None:
    with work() as w:
        clients.update_client(w, rp.client_id, replace(rp.client.metadata, **changes))


def register_api(register: Register, identifier: str, *targets: str, **changes: Any) -> RelyingParty:
    """An API, which may exchange what it is shown for tokens for these others."""
    exchanging = {"grant_types": (TOKEN_EXCHANGE,), "exchange_targets": targets} if targets else {"grant_types": ()}
    nobody: dict[str, Any] = {"redirect_uris": (), "post_logout_redirect_uris": (), "scope": "openid read"}
    return register(resource_identifiers=(identifier,), **nobody, **exchanging, **changes)


def exchange(api: RelyingParty, subject_token: str, target: str) -> Tokens:
    given = {"subject_token": subject_token, "subject_token_type": ACCESS_TOKEN, "resource": target}
    return Tokens(api.post(TOKEN, grant_type=TOKEN_EXCHANGE, **given))


def claims_of(access_token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(jws.extract_compact(access_token.encode()).payload)
    return found


def kid_of(token: str) -> str:
    return str(jws.extract_compact(token.encode()).headers()["kid"])


class TestTheClientChanges:
    @pytest.mark.parametrize(
        "how", ["disabled", "deleted", "another redirect_uri", "another scope", "for devices only"]
    )
    def test_a_pushed_request_is_judged_again_when_somebody_comes_with_it(
        self, register: Register, browser: WatchedClient, work: Work, how: str
    ) -> None:
        """RFC 9126 section 4, RFC 9700 section 2.1; A-26: nobody is sent to what is no longer registered."""
        rp = register()
        uri = pushed_uri(push(rp, scope="openid email", redirect_uri=None, prompt="login")[0])
        # It also waits at the page where people sign in.
        at_login = come(browser, rp.client_id, uri).headers["location"]
        if how in {"disabled", "deleted"}:
            with work() as w:
                (clients.disable if how == "disabled" else clients.delete_client)(w, rp.client_id)
        elif how == "another redirect_uri":
            change(work, rp, redirect_uris=("https://app.example.test/a", "https://app.example.test/b"))
        elif how == "another scope":
            change(work, rp, scope="openid")
        else:
            change(work, rp, **FOR_DEVICES)
        assert browser.get(at_login).status_code in {200, 303, 400}
        answer = come(browser, rp.client_id, uri)
        if how == "another scope":
            assert "error=invalid_scope" in answer.headers["location"]
        else:
            assert (answer.status_code, "location" in answer.headers) == (400, False)

    def test_what_it_is_no_longer_registered_for_is_not_given(
        self, register: Register, browser: WatchedClient, work: Work
    ) -> None:
        """A-59: to no code, refresh token, device code or exchange of before."""
        rp = register(grant_types=("authorization_code", "refresh_token", DEVICE_CODE))
        answer, device = rp.ask(browser, scope="openid email"), start(rp, scope="openid email")
        allow(browser, device)
        old = rp.redeem(rp.ask(browser, scope="openid email offline_access"))
        both = json.dumps({place: {"phone_number": None, "email": None} for place in ("userinfo", "id_token")})
        single = rp.redeem(rp.ask(browser, claims=both))
        assert rp.userinfo(single).json()["email"] == "ada@example.test"
        change(work, rp, scope="openid offline_access")
        assert "email" not in rp.userinfo(single).json()
        assert "email" not in rp.verify(rp.refresh(single), refreshed=True)
        for tokens in (rp.redeem(answer), device.poll(), rp.refresh(old)):
            assert "email" not in tokens.body["scope"], tokens.body
        assert rp.refresh(old, scope="openid email").error == "invalid_scope"

    def test_a_code_goes_where_it_was_sent_and_nowhere_else(
        self, http: WatchedClient, person: Person, ada: str, hosts: set[str], work: Work
    ) -> None:
        """RFC 7592 section 2.2, RFC 6749 section 4.1.3; A-12: the client moves while a code is out."""
        hosts.add("app.example.test")
        old, new = "https://app.example.test/old", "https://app.example.test/new"
        told = http.post("/oauth2/register", json={"redirect_uris": [old], "scope": "openid"}).json()
        with work() as w:
            client = clients.find_client(w, told["client_id"])
        assert client is not None
        rp, browser = RelyingParty(http, client, told["client_secret"]), person(ada)
        answers = [consent_to(rp, browser), rp.ask(browser)]
        url, bearer = told["registration_client_uri"], {"authorization": f"Bearer {told['registration_access_token']}"}
        update = {"client_id": client.client_id, "redirect_uris": [new], "scope": "openid"}
        assert http.put(url, json=update, headers=bearer).status_code == 200
        assert rp.redeem(answers[0], redirect_uri=new).error == "invalid_grant"
        assert rp.redeem(answers[0]).status == 200
        assert rp.ask(browser).response.status_code == 400
        assert http.delete(url, headers=bearer).status_code == 401  # by the token of before
        assert rp.redeem(answers[1]).status == 200

    @pytest.mark.both_databases
    @pytest.mark.parametrize("pushed", [True, False])
    def test_what_the_person_was_not_shown_is_not_allowed(
        self, http: WatchedClient, person: Person, ada: str, hosts: set[str], work: Work, pushed: bool
    ) -> None:
        """A-50, A-59: the client comes to be registered for more while the consent page is looked at."""
        hosts.add("app.example.test")
        wished: dict[str, Any] = {"redirect_uris": ["https://app.example.test/cb"], "scope": "openid profile"}
        told = http.post("/oauth2/register", json=wished).json()
        with work() as w:
            client = clients.find_client(w, told["client_id"])
        assert client is not None
        rp, browser = RelyingParty(http, client, told["client_secret"]), person(ada)
        claims = json.dumps(
            {"userinfo": {"email": None, "given_name": None}, "id_token": {"email": {"essential": True}}}
        )
        wanted = {"scope": "openid books:write", "claims": claims, "prompt": "consent"}
        if pushed:
            response, asked, verifier = push(rp, **wanted)
            answer = Answer(come(browser, rp.client_id, pushed_uri(response)), asked, verifier)
        else:
            answer = rp.ask(browser, **wanted)
        assert answer.page == "/consent", answer.location
        shown = words(show(browser, answer))
        assert "your given names" in shown
        assert "email address" not in shown
        with work() as w:
            scope = "openid profile email offline_access books:write"
            more = replace(client.metadata, scope=scope, grant_types=("authorization_code", "refresh_token"))
            clients.update_client(w, client.client_id, more)
        assert decide(browser, answer, "allow").status_code == 303
        tokens = rp.redeem(rp.resume(browser, answer))
        assert tokens.body["scope"] == "openid"
        assert rp.userinfo(tokens).json() == {"sub": ada, "given_name": "Ada"}
        assert "email" not in rp.verify(tokens)
        with work() as w:
            (kept,) = given_access.find_of_user(w.read, ada)[0]
        assert (set(kept.scopes), set(kept.claims)) == ({"openid"}, {"given_name"})

    def test_nobody_waits_for_a_device_whose_app_is_no_longer_for_devices(
        self, register: Register, browser: WatchedClient, work: Work
    ) -> None:
        """RFC 8628 section 3.1."""
        rp = register(grant_types=("authorization_code", DEVICE_CODE))
        device, allowed = start(rp), start(rp)
        allow(browser, allowed)
        change(work, rp, grant_types=("authorization_code",))
        assert page_of(browser, device.user_code).status_code == 400
        assert allowed.poll().error == "unauthorized_client"


class TestAStaleCopy:
    """SIGNET_CLIENT_CACHE: another process deletes the client while this one keeps its copy of it."""

    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url, client_cache=60)

    @pytest.mark.both_databases
    def test_a_deleted_client_begins_nothing_new(
        self, register: Register, browser: WatchedClient, work: Work, unchanged: Unchanged, explain: Explain
    ) -> None:
        """A-105, R-1: the row would refer to nothing, so the request is read again."""
        rps = [register(public=True, grant_types=("authorization_code", DEVICE_CODE), first_party=False) for _ in "123"]
        for rp in rps:
            assert push(rp)[0].status_code == 201
        with work() as w:
            for rp in rps:
                clients.delete_client(w, rp.client_id)
        with unchanged():
            pushed = push(rps[0])[0]
            device = rps[1].post(DEVICE_AUTHORIZATION, scope="openid")
            page = browser.get(AUTHORIZE, params=rps[2].request()[0])
        assert [each.status_code for each in (pushed, device, page)] == [401, 401, 400]
        assert [each.json()["error"] for each in (pushed, device)] == ["invalid_client"] * 2
        assert "location" not in page.headers
        assert explain(pushed.json()["error_id"]).endpoint == "pushed_authorization_request"

    @pytest.mark.parametrize("asked", [{"prompt": "none"}, {"scope": "nothing-known"}, {"response_type": "token"}])
    def test_a_deleted_client_gets_no_redirect(
        self, register: Register, person: Person, work: Work, asked: dict[str, str]
    ) -> None:
        """RFC 9700 section 4.11.2; A-105: not with an error either, nor after a sign-out."""
        rp, nobody = register(), person()
        assert rp.ask(nobody, **asked).error
        with work() as w:
            clients.delete_client(w, rp.client_id)
        for response in (
            rp.ask(nobody, **asked).response,
            nobody.get(LOGOUT, params={"client_id": rp.client_id, "post_logout_redirect_uri": OUT}),
        ):
            assert (response.status_code, "location" in response.headers) == (400, False)

    @pytest.mark.both_databases
    @pytest.mark.parametrize("how", [clients.delete_client, clients.disable])
    def test_a_deleted_client_gets_nothing_for_what_it_holds(
        self, register: Register, browser: WatchedClient, work: Work, how: Any
    ) -> None:
        """A-105: at the token endpoint, whatever it sends, and at introspection and revocation."""
        grants = ("authorization_code", "refresh_token", "client_credentials", TOKEN_EXCHANGE)
        films = register_api(register, FILMS)
        other = register(scope="openid read")
        other_token = other.sign_in(browser, scope="openid read").access_token
        exchanging: dict[str, Any] = {"resource_identifiers": (BOOKS,), "exchange_targets": (FILMS,)}
        rp = register(grant_types=grants, scope="openid offline_access read", **exchanging)
        tokens = rp.sign_in(browser, scope="openid offline_access read")
        code, own = rp.ask(browser, scope="openid"), rp.client_credentials(scope="read")
        exchanged = exchange(rp, other_token, FILMS).access_token
        assert rp.is_active(own.access_token)
        assert films.is_active(exchanged)
        assert films.is_active(own.access_token)
        with work() as w:
            how(w, rp.client_id)
        refused = [
            rp.client_credentials(scope="read").response,
            rp.redeem(code).response,
            rp.refresh(tokens).response,
            exchange(rp, other_token, FILMS).response,
            rp.post("/oauth2/introspect", token=other_token),
            rp.post("/oauth2/introspect", token=tokens.refresh_token),
            rp.post("/oauth2/introspect", token=own.access_token),
            rp.post("/oauth2/revoke", token=own.access_token),
        ]
        assert [each.json().get("error") for each in refused] == ["invalid_client"] * len(refused)
        assert {each.status_code for each in refused} == {401}
        assert rp.userinfo(tokens).status_code == 401
        assert not films.is_active(own.access_token)
        assert not films.is_active(exchanged)

    def test_an_api_that_was_deleted_is_told_nothing_of_the_tokens_for_it(
        self, register: Register, browser: WatchedClient, work: Work
    ) -> None:
        """RFC 7662 section 2.1; A-105."""
        films, app = register_api(register, FILMS), register(scope="openid read")
        tokens = app.sign_in(browser, scope="openid read", resource=FILMS)
        assert films.is_active(tokens.access_token)
        with work() as w:
            clients.delete_client(w, films.client_id)
        assert films.post("/oauth2/introspect", token=tokens.access_token).status_code == 401


class TestWhatOneFlowGaveAndAnotherIsShown:
    def test_a_devices_token_may_be_exchanged_and_dies_with_what_was_allowed(
        self, register: Register, browser: WatchedClient, work: Work, ada: str, clock: Clock
    ) -> None:
        """RFC 8693 section 2.1 after RFC 8628; A-105."""
        tv = register(public=True, scope="openid read offline_access", **FOR_DEVICES)
        books, films = register_api(register, BOOKS, FILMS), register_api(register, FILMS)
        device, waiting = start(tv, scope="openid read offline_access"), start(tv, scope="openid")
        allow(browser, device)
        allow(browser, waiting)
        tokens = device.poll()
        exchanged = exchange(books, tokens.access_token, FILMS)
        assert (exchanged.status, exchanged.body["scope"]) == (200, "read")
        assert films.introspect(exchanged.access_token)["active"]
        clock.advance(seconds=1)
        with work() as w:
            suspension.suspend(w, user_id=ada, reason=None)
        clock.advance(seconds=1)
        with work() as w:
            suspension.restore(w, user_id=ada)
        assert films.introspect(exchanged.access_token) == {"active": False}
        assert exchange(books, tokens.access_token, FILMS).error == "invalid_request"
        assert waiting.poll().error == "invalid_grant"
        assert tv.refresh(tokens).error == "invalid_grant"

    def test_whoever_acted_before_counts_too(self, register: Register, browser: WatchedClient, work: Work) -> None:
        """RFC 8693 section 4.1: an API that was stopped, in the middle of a chain."""
        books, films = register_api(register, BOOKS, FILMS), register_api(register, FILMS, MAPS)
        maps, app = register_api(register, MAPS), register(scope="openid read")
        shown = app.redeem(app.ask(browser, scope="read", resource=BOOKS))
        last = exchange(films, exchange(books, shown.access_token, FILMS).access_token, MAPS).access_token
        assert maps.introspect(last)["active"]
        with work() as w:
            clients.disable(w, books.client_id)
        assert maps.introspect(last) == {"active": False}

    def test_nobody_is_told_who_a_person_is_to_others(
        self,
        register: Register,
        browser: WatchedClient,
        ada: str,
        foreign_server: ForeignServer,
        installation: Installation,
    ) -> None:
        """OIDC Core section 8.1: pairwise in pushed, device, exchanged, introspected and logout tokens alike."""
        sector = "https://device.example.test/uris.json"
        pairwise: dict[str, Any] = {"subject_type": "pairwise", "scope": "openid read"}
        app = register(backchannel_logout_uri=foreign_server.url("/app"), **pairwise)
        tv = register(
            backchannel_logout_uri=foreign_server.url("/tv"), sector_identifier_uri=sector, **pairwise, **FOR_DEVICES
        )
        films = register_api(register, FILMS)
        books = register(
            resource_identifiers=(BOOKS,),
            exchange_targets=(FILMS,),
            backchannel_logout_uri=foreign_server.url("/books"),
            sector_identifier_uri="https://books.example.test/uris.json",
            **pairwise,
            **FOR_DEVICES | {"grant_types": (TOKEN_EXCHANGE,)},
        )
        response, asked, verifier = push(app, scope="openid read")
        tokens = app.redeem(Answer(come(browser, app.client_id, pushed_uri(response)), asked, verifier))
        device = start(tv, scope="openid read")
        allow(browser, device)
        device_tokens = device.poll()
        exchanged = exchange(books, tokens.access_token, FILMS)
        told: dict[str, set[tuple[str, str]]] = {}
        for rp, found in ((app, tokens), (tv, device_tokens)):
            id_token, introspected = rp.verify(found), rp.introspect(found.access_token)
            seen = [id_token, introspected, claims_of(found.access_token)]
            told[rp.client_id] = {(one["sub"], one["sid"]) for one in seen}
            assert rp.userinfo(found).json()["sub"] == id_token["sub"]
        seen = [claims_of(exchanged.access_token), films.introspect(exchanged.access_token)]
        told[books.client_id] = {(one["sub"], one["sid"]) for one in seen}
        assert [len(one) for one in told.values()] == [1, 1, 1]
        assert len(set.union(*told.values())) == 3
        assert ada not in str(told)
        app.log_out(browser, tokens)
        deliver_due(installation)
        heard = {
            request.target: parse_qs(request.body.decode())["logout_token"][0] for request in foreign_server.requests
        }
        assert set(heard) == {"/app", "/tv"}, "whoever only exchanged a token signed nobody in"
        for rp, target in ((app, "/app"), (tv, "/tv")):
            claims = claims_of(heard[target])
            assert {(claims["sub"], claims["sid"])} == told[rp.client_id]

    def test_a_logout_token_that_waits_is_signed_with_the_key_of_then(
        self,
        register: Register,
        browser: WatchedClient,
        foreign_server: ForeignServer,
        installation: Installation,
        work: Work,
        rsa_keys_made_before: None,
    ) -> None:
        """Back-Channel Logout section 2.6: keys may be gone by the time an app is told."""
        rp = register(backchannel_logout_uri=foreign_server.url())
        tokens = rp.sign_in(browser)
        rp.log_out(browser, tokens)
        with work() as w:
            rotation.revoke(w, kid=kid_of(tokens.id_token))
        deliver_due(installation)
        (request,) = foreign_server.requests
        kid = kid_of(parse_qs(request.body.decode())["logout_token"][0])
        assert kid != kid_of(tokens.id_token)
        assert kid in {key["kid"] for key in rp.jwks()["keys"]}

    def test_tokens_of_the_front_channel_are_for_what_was_asked(
        self, register: Register, browser: WatchedClient
    ) -> None:
        """RFC 8707 section 2: with openid, userinfo is among it, as at the token endpoint."""
        register_api(register, BOOKS)
        rp = register(grant_types=("implicit",), response_types=("id_token token",), scope="openid read")
        asked = {"response_type": "id_token token", "code_challenge": None, "code_challenge_method": None}
        answer = rp.ask(browser, scope="openid read", resource=BOOKS, **asked)
        token = answer.parameters["access_token"]
        assert claims_of(token)["aud"] == [BOOKS, ISSUER]
        assert rp.userinfo(token).status_code == 200

    def test_a_device_is_told_that_it_gets_no_tokens_for_other_apis(
        self, register: Register, unchanged: Unchanged
    ) -> None:
        """RFC 8707 section 2: rather than a token that is good elsewhere."""
        tv = register(public=True, **FOR_DEVICES)
        register_api(register, BOOKS)
        for resource in (BOOKS, "https://nobody.example.test", "books"):
            with unchanged():
                response = tv.post(DEVICE_AUTHORIZATION, scope="openid", resource=resource)
            assert (response.status_code, response.json()["error"]) == (400, "invalid_target")
        assert start(tv, resource=f"{ISSUER}/api/account").user_code


class TestPushed:
    def test_what_is_inside_a_pushed_request_object_is_no_other_request(
        self, register: Register, unchanged: Unchanged
    ) -> None:
        """RFC 9126 section 3, RFC 9101 section 4; A-79."""
        rp, other = register(jwks=Signatory().jwks), register(jwks=Signatory().jwks)
        handle = pushed_uri(push(rp)[0])
        plain, _ = rp.request()
        inside: list[dict[str, Any]] = [
            {"request_uri": handle},
            {"request": "x.y.z"},
            {"client_id": other.client_id},
            {"iss": other.client_id},
            {"sub": rp.client_id},
            {"aud": "https://other.example.test"},
        ]
        for changes in inside:
            signed = rp.signatory.sign({**plain, "iss": rp.client_id, "aud": ISSUER, **changes})
            with unchanged():
                response = rp.post(PAR, request=signed)
            assert (response.status_code, response.json()["error"]) == (400, "invalid_request_object"), changes
        theirs = other.signatory.sign({**other.request()[0], "iss": other.client_id, "aud": ISSUER})
        assert rp.post(PAR, request=theirs).json()["error"] == "invalid_request_object"

    def test_create_asks_for_an_account_made_since(
        self, rp: RelyingParty, person: Person, ada: str, clock: Clock
    ) -> None:
        """Initiating User Registration section 4: pushed long before anybody came, too."""
        uri = pushed_uri(push(rp, prompt="create")[0])
        clock.advance(seconds=5)
        browser = person(ada)
        clock.advance(seconds=5)
        assert come(browser, rp.client_id, uri).headers["location"].startswith("/signup?")

    def test_a_fapi_client_says_where_to_go_back_to_and_asks_for_codes_alone(self, register: Register) -> None:
        """FAPI 2.0 Security Profile section 5.3.2.2; ensure-redirect-uri-in-authorization-request."""
        rp = register(**FAPI2)
        refused = push(rp, redirect_uri=None)[0]
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
        with pytest.raises(InvalidMetadata, match="implicit"):
            register(**FAPI2, grant_types=("authorization_code", "implicit"))


def test_a_device_of_an_app_nobody_vouched_for_cannot_say_where_it_is_from(
    http: WatchedClient, browser: WatchedClient
) -> None:
    """RFC 8628 section 5.4, decision 46; A-95: no host it names is proven by a redirect."""
    wished = {
        "grant_types": ["authorization_code", DEVICE_CODE],
        "redirect_uris": ["https://bank.example.test/callback"],
        "client_uri": "https://bank.example.test/",
        "client_name": "Bank",
        "token_endpoint_auth_method": "none",
    }
    client_id = http.post("/oauth2/register", json=wished).json()["client_id"]
    asked: httpx2.Response = http.post(DEVICE_AUTHORIZATION, data={"client_id": client_id, "scope": "openid"})
    page = page_of(browser, asked.json()["user_code"])
    assert page.status_code == 200
    assert "bank.example.test" not in page.text
    assert "Neither the app nor its name has been reviewed" in words(page)
