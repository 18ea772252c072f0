"""DPoP (RFC 9449) at our endpoints: which tokens are bound to a key, and what they are worth without it."""

from typing import Any

import pytest

from provider.accounts.factors.store import totp
from provider.accounts.factors.store.totp import TotpCredential
from provider.accounts.factors.totp import SEED
from provider.config.settings import Settings
from provider.oauth.clients.choices import TOKEN_EXCHANGE
from provider.oauth.sender_constraint.nonces import WINDOW
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.devices import FOR_DEVICES, allow, start
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.dpop import Prover
from tests.support.factories import PASSWORD
from tests.support.installation import ISSUER, Work
from tests.support.people import code_of
from tests.support.relying_party import PAR, TOKEN, USERINFO, Answer, RelyingParty, Tokens

KEY = "JBSWY3DPEHPK3PXP" * 2
OFFLINE = "openid profile offline_access"
ACCOUNT = "/api/account/profile"


@pytest.fixture
def rp(register: Register) -> RelyingParty:
    """A confidential client that uses DPoP."""
    rp = register(scope=OFFLINE + " account", grant_types=("authorization_code", "refresh_token", "client_credentials"))
    rp.prover = Prover()
    return rp


@pytest.fixture
def spa(register: Register) -> RelyingParty:
    """A public client that uses DPoP."""
    rp = register(public=True, grant_types=("authorization_code", "refresh_token"))
    rp.prover = Prover()
    return rp


def use(rp: RelyingParty, prover: Prover | None) -> RelyingParty:
    rp.prover = prover
    return rp


def prover_of(rp: RelyingParty) -> Prover:
    assert rp.prover is not None
    return rp.prover


# Tokens that are bound to a key


@pytest.mark.both_databases
def test_the_tokens_of_a_sign_in_are_bound_to_the_key_of_the_proof(
    rp: RelyingParty, browser: WatchedClient, ada: str
) -> None:
    """RFC 9449 sections 5, 6.1, 6.2 and 7.1."""
    tokens = rp.sign_in(browser, scope=OFFLINE)
    assert tokens.body["token_type"] == "DPoP"
    shown = rp.introspect(tokens.access_token)
    assert (shown["token_type"], shown["cnf"]) == ("DPoP", {"jkt": prover_of(rp).thumbprint})
    assert rp.userinfo(tokens).json()["sub"] == ada
    refreshed = rp.refresh(tokens)
    assert refreshed.body["token_type"] == "DPoP"
    assert rp.userinfo(refreshed).status_code == 200


def test_without_a_proof_tokens_are_bearer_tokens(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9449 section 5: a client may use DPoP or not, unless it is registered for it."""
    tokens = use(rp, None).sign_in(browser)
    shown = rp.introspect(tokens.access_token)
    assert (tokens.body["token_type"], shown["token_type"], "cnf" in shown) == ("Bearer", "Bearer", False)


def test_a_client_has_bound_tokens_for_itself(rp: RelyingParty) -> None:
    """RFC 6749 section 4.4, RFC 9449 section 5."""
    tokens = rp.client_credentials()
    assert tokens.body["token_type"] == "DPoP"
    assert rp.introspect(tokens.access_token)["cnf"] == {"jkt": prover_of(rp).thumbprint}


def test_a_confidential_client_may_refresh_with_a_new_key(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9449 section 5: it proves who it is. refresh-token of the FAPI 2.0 plan."""
    tokens = rp.sign_in(browser, scope=OFFLINE)
    refreshed = use(rp, Prover()).refresh(tokens)
    assert rp.introspect(refreshed.access_token)["cnf"] == {"jkt": prover_of(rp).thumbprint}


@pytest.mark.both_databases
def test_refresh_tokens_of_public_clients_are_bound(
    spa: RelyingParty, browser: WatchedClient, unchanged: Unchanged, explain: Explain
) -> None:
    """N-96: RFC 9449 section 5, A-75. Without the key nothing happens, and the family lives on."""
    tokens, prover = spa.sign_in(browser, scope=OFFLINE), prover_of(spa)
    for other in (None, Prover()):
        refused = use(spa, other).refresh(tokens)
        assert (refused.status, refused.error) == (400, "invalid_grant")
        assert explain(refused.error_id).checks[-1]["section"] == "RFC 9449 section 5"
    second = use(spa, prover).refresh(tokens)
    third = spa.refresh(second)
    assert use(spa, None).refresh(third).error == "invalid_grant"
    assert use(spa, prover).refresh(third).status == 200


def test_a_refresh_token_is_bound_from_the_first_proof_on(spa: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9449 section 5: an app that is updated to use DPoP signs no one out."""
    prover = prover_of(spa)
    tokens = use(spa, None).sign_in(browser, scope=OFFLINE)
    bound = use(spa, prover).refresh(tokens)
    assert use(spa, Prover()).refresh(bound).error == "invalid_grant"
    assert use(spa, prover).refresh(bound).status == 200


def test_a_device_can_use_dpop(register: Register, browser: WatchedClient) -> None:
    """RFC 8628 section 3.4, RFC 9449 section 5: a poll with an invalid proof is no poll, and takes nothing."""
    tv = register(public=True, **FOR_DEVICES)
    tv.prover = Prover()
    device = start(tv, scope=OFFLINE)
    allow(browser, device)
    mine = prover_of(tv)
    assert device.poll(_with_broken_proofs(tv)).error == "invalid_dpop_proof"
    tokens = device.poll(use(tv, mine))
    assert tokens.body["token_type"] == "DPoP"
    assert tv.userinfo(tokens).status_code == 200
    assert use(tv, Prover()).refresh(tokens).error == "invalid_grant"
    assert use(tv, mine).refresh(tokens).status == 200


def test_an_exchanged_token_is_bound_to_the_key_of_the_api(register: Register, browser: WatchedClient) -> None:
    """RFC 8693 section 2.2, RFC 9449 section 5."""
    app = register(scope="openid")
    api = register(
        redirect_uris=(),
        grant_types=(TOKEN_EXCHANGE,),
        scope="openid",
        resource_identifiers=("https://api.example.test/",),
        exchange_targets=("https://other.example.test/",),
    )
    register(redirect_uris=(), grant_types=(), resource_identifiers=("https://other.example.test/",))
    tokens = use(app, Prover()).sign_in(browser, resource="https://api.example.test/")
    api.prover = Prover()
    exchanged = Tokens(
        api.post(
            TOKEN,
            grant_type=TOKEN_EXCHANGE,
            subject_token=tokens.access_token,
            subject_token_type="urn:ietf:params:oauth:token-type:access_token",
            resource="https://other.example.test/",
        )
    )
    assert exchanged.body["token_type"] == "DPoP", exchanged.body


# What a bound token is worth without its key


APIS = {
    "userinfo": ("GET", USERINFO),
    "account API": ("GET", ACCOUNT),
}


@pytest.mark.parametrize("name", APIS)
def test_a_bound_token_is_no_bearer_token(
    rp: RelyingParty, browser: WatchedClient, explain: Explain, name: str
) -> None:
    """N-97: RFC 9449 section 7.2, A-75: also with a proof beside it."""
    tokens, (method, path) = rp.sign_in(browser, scope=OFFLINE + " account"), APIS[name]
    header = {"authorization": f"Bearer {tokens.access_token}"}
    proof = prover_of(rp).headers(method, ISSUER + path, tokens.access_token)["dpop"]
    for headers in (header, {**header, "dpop": proof}):
        refused = rp.http.request(method, path, headers=headers)
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
        assert "DPoP algs=" in refused.headers["www-authenticate"]
    in_body = rp.http.post(USERINFO, data={"access_token": tokens.access_token})
    assert (in_body.status_code, in_body.json()["error"]) == (401, "invalid_token")
    assert explain(in_body.json()["error_id"]).checks[-1]["got"] == "a bearer token"


@pytest.mark.parametrize("name", APIS)
def test_a_bound_token_needs_a_proof_of_its_key(rp: RelyingParty, browser: WatchedClient, name: str) -> None:
    """N-98: RFC 9449 sections 4.3 number 12 and 7.1."""
    tokens, (method, path) = rp.sign_in(browser, scope=OFFLINE + " account"), APIS[name]
    token, url = tokens.access_token, ISSUER + path
    stranger = Prover().headers(method, url, token)
    refused = rp.http.request(method, path, headers=stranger)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("DPoP ")
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    mine = prover_of(rp)
    for headers in (
        {"authorization": f"DPoP {token}"},
        mine.headers("POST", url, token),
        mine.headers(method, ISSUER + TOKEN, token),
        {**mine.headers(method, url, "another"), "authorization": f"DPoP {token}"},
        mine.headers(method, url, token, ath=None),
    ):
        refused = rp.http.request(method, path, headers=headers)
        assert refused.status_code == 401
        assert 'error="invalid_dpop_proof"' in refused.headers["www-authenticate"]
        assert 'algs="PS256 ES256' in refused.headers["www-authenticate"]
    good = mine.headers(method, url, token)
    assert rp.http.request(method, path, headers=good).status_code == 200
    assert rp.http.request(method, path, headers=good).status_code == 401


def test_operators_programs_can_use_dpop(register: Register, http: WatchedClient) -> None:
    """RFC 9449 section 7: the admin API, also where the address has characters that are encoded."""
    job = register(redirect_uris=(), grant_types=("client_credentials",), scope="admin:read")
    job.prover, path = Prover(), "/api/admin/clients/a%20b"
    token = job.client_credentials().access_token
    assert http.get(path, headers=job.prover.headers("GET", ISSUER + path, token)).status_code == 404
    refused = http.get(path, headers={"authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:signet:problem:invalid_token")
    refused = http.get(path, headers={"authorization": f"DPoP {token}"})
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:signet:problem:invalid_dpop_proof")


def test_a_token_without_a_key_is_not_sent_with_dpop(rp: RelyingParty, browser: WatchedClient) -> None:
    """N-99: RFC 9449 section 7.1: a proof adds nothing to it."""
    prover = prover_of(rp)
    token = use(rp, None).sign_in(browser).access_token
    refused = rp.http.get(USERINFO, headers=prover.headers("GET", ISSUER + USERINFO, token))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize("scheme", ["dPOP", "DPOP", "dpop"])
def test_the_scheme_is_not_case_sensitive(rp: RelyingParty, browser: WatchedClient, scheme: str) -> None:
    """RFC 9110 section 11.1; access-token-type-header-case-sensitivity."""
    token = rp.sign_in(browser).access_token
    headers = prover_of(rp).headers("GET", ISSUER + USERINFO, token)
    assert rp.http.get(USERINFO, headers={**headers, "authorization": f"{scheme} {token}"}).status_code == 200


def test_the_url_of_a_proof_is_below_the_issuer_whatever_host_is_asked(
    rp: RelyingParty, browser: WatchedClient
) -> None:
    """N-100: RFC 9449 section 4.3 number 9: another server cannot pass on the proofs it got."""
    token = rp.sign_in(browser).access_token
    elsewhere = prover_of(rp).headers("GET", "https://evil.example.test" + USERINFO, token)
    assert rp.http.get(USERINFO, headers={**elsewhere, "host": "evil.example.test"}).status_code in {400, 401, 421}


def test_a_challenge_names_both_schemes(rp: RelyingParty) -> None:
    """RFC 9449 sections 7.1 and 7.2."""
    about = f"{ISSUER}/.well-known/oauth-protected-resource/oauth2/userinfo"
    challenge = rp.http.get(USERINFO).headers["www-authenticate"]
    algorithms = 'DPoP algs="PS256 ES256 EdDSA Ed25519"'
    assert challenge == f'Bearer realm="signet", resource_metadata="{about}", {algorithms}'


# Before a grant is touched


def test_an_invalid_proof_leaves_the_grant_untouched(rp: RelyingParty, browser: WatchedClient) -> None:
    """N-101: RFC 9449 section 5: neither the code nor the refresh token is used up."""
    answer, mine = rp.ask(browser, scope=OFFLINE), prover_of(rp)
    broken = _with_broken_proofs(rp)
    assert (broken.redeem(answer).status, broken.redeem(answer).error) == (400, "invalid_dpop_proof")
    tokens = use(rp, mine).redeem(answer)
    for _ in range(3):
        assert _with_broken_proofs(rp).refresh(tokens).error == "invalid_dpop_proof"
    assert use(rp, mine).refresh(tokens).status == 200


class _Broken(Prover):
    def proof(self, method: str, url: str, *arguments: Any, **changes: Any) -> str:
        return super().proof("GET", url, *arguments, **changes)


def _with_broken_proofs(rp: RelyingParty) -> RelyingParty:
    return use(rp, _Broken())


def test_a_proof_for_another_endpoint_is_refused(rp: RelyingParty) -> None:
    """N-102: RFC 9449 section 4.3 number 9."""
    headers, body = rp.authentication()
    for url, path in ((TOKEN, PAR), (PAR, TOKEN), (USERINFO, TOKEN)):
        proof = prover_of(rp).proof("POST", ISSUER + url)
        form = {**body, **rp.request()[0], "grant_type": "client_credentials"}
        refused = rp.http.post(path, data=form, headers={**headers, "dpop": proof})
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")


def test_other_jwts_are_no_proofs_and_proofs_are_nothing_else(rp: RelyingParty, browser: WatchedClient) -> None:
    """N-103: RFC 8725 section 3.11."""
    tokens = rp.sign_in(browser)
    headers, body = rp.authentication()
    for text in (tokens.access_token, tokens.id_token):
        form = {**body, "grant_type": "client_credentials"}
        refused = rp.http.post(TOKEN, data=form, headers={**headers, "dpop": text})
        assert refused.json()["error"] == "invalid_dpop_proof"
    proof = prover_of(rp).proof("GET", ISSUER + USERINFO)
    assert rp.http.get(USERINFO, headers={"authorization": f"Bearer {proof}"}).status_code == 401
    assert rp.introspect(proof) == {"active": False}


def test_a_client_that_is_registered_for_dpop_must_use_it(
    register: Register, browser: WatchedClient, explain: Explain
) -> None:
    """N-104: RFC 9449 section 5.2; ensure-holder-of-key-required."""
    rp = register(dpop_bound_access_tokens=True, grant_types=("authorization_code", "refresh_token"))
    answer = rp.ask(browser, scope=OFFLINE)
    refused = rp.redeem(answer)
    assert (refused.status, refused.error) == (400, "invalid_dpop_proof")
    assert explain(refused.error_id).checks[-1]["section"] == "RFC 9449 section 5.2"
    rp.prover = Prover()
    tokens = rp.redeem(answer)
    assert use(rp, None).refresh(tokens).error == "invalid_dpop_proof"


# Codes that are bound to a key (RFC 9449 section 10)


def _pushed(rp: RelyingParty, browser: WatchedClient, **changes: str) -> Answer:
    """The answer to a request that was pushed with a proof, if the client has a key."""
    parameters, verifier = rp.request(**changes)
    pushed = rp.post(PAR, **parameters)
    assert pushed.status_code == 201, pushed.text
    answer = rp.ask(browser, request_uri=pushed.json()["request_uri"])
    return Answer(answer.response, parameters, verifier)


@pytest.mark.parametrize("how", ["dpop_jkt", "proof", "both"])
def test_a_code_is_bound_to_the_key_that_was_named_or_proven(
    rp: RelyingParty, browser: WatchedClient, how: str
) -> None:
    """N-105: RFC 9449 sections 10 and 10.1; ensure-dpop-auth-code-binding-success,
    ensure-token-endpoint-fails-with-mismatched-dpop-jkt, -dpop-proof-jkt.
    """
    mine = prover_of(rp)
    named = {} if how == "proof" else {"dpop_jkt": mine.thumbprint}
    answer = rp.ask(browser, **named) if how == "dpop_jkt" else _pushed(rp, browser, **named)
    for other in (None, Prover()):
        assert use(rp, other).redeem(answer).error == "invalid_grant"
    assert use(rp, mine).redeem(answer).status == 200


def test_the_key_of_a_pushed_request_cannot_be_changed_in_the_browser(rp: RelyingParty, browser: WatchedClient) -> None:
    """N-106: RFC 9449 section 10.1, RFC 9126 section 4."""
    parameters, verifier = rp.request()
    pushed = rp.post(PAR, **parameters).json()
    stranger = Prover()
    answer = rp.ask(browser, request_uri=pushed["request_uri"], dpop_jkt=stranger.thumbprint)
    mine, answer = prover_of(rp), Answer(answer.response, parameters, verifier)
    assert use(rp, stranger).redeem(answer).error == "invalid_grant"
    assert use(rp, mine).redeem(answer).status == 200


def test_a_pushed_request_cannot_name_another_key_than_it_proves(rp: RelyingParty, unchanged: Unchanged) -> None:
    """N-107: RFC 9449 section 10.1; ensure-mismatched-dpop-jkt-fails."""
    parameters, _ = rp.request(dpop_jkt=Prover().thumbprint)
    refused = rp.post(PAR, **parameters)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")


@in_one_world("thumbprint", ["x", "A" * 42, "A" * 44, "é" * 43, " " * 43])
def test_what_is_no_thumbprint_is_refused(rp: RelyingParty, browser: WatchedClient, thumbprint: str) -> None:
    """N-108: RFC 9449 section 10."""
    assert rp.ask(browser, dpop_jkt=thumbprint).error == "invalid_request"


# Nonces (RFC 9449 sections 8 and 9)


def test_each_response_to_a_proof_has_the_next_nonce(rp: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """RFC 9449 section 8.2: also an error has it, and no response to a request without a proof."""
    answer, mine = rp.ask(browser), prover_of(rp)
    broken = _with_broken_proofs(rp).redeem(answer)
    tokens = use(rp, mine).redeem(answer)
    nonces = {broken.response.headers["dpop-nonce"], tokens.response.headers["dpop-nonce"]}
    mine.nonce = nonces.pop()
    assert not nonces
    found = rp.userinfo(tokens)
    assert (found.status_code, found.headers["dpop-nonce"]) == (200, mine.nonce)
    clock.advance(WINDOW)
    assert rp.userinfo(tokens).headers["dpop-nonce"] != mine.nonce
    assert "dpop-nonce" not in use(rp, None).client_credentials().response.headers


class TestWithRequiredNonces:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"dpop_nonce_required": True})

    def test_a_client_learns_the_nonce_at_each_endpoint(self, rp: RelyingParty, browser: WatchedClient) -> None:
        """N-109: RFC 9449 sections 8 and 9."""
        mine, (parameters, _) = prover_of(rp), rp.request()
        pushed, token = rp.post(PAR, **parameters), rp.client_credentials().response
        for refused in (pushed, token):
            assert (refused.status_code, refused.json()["error"]) == (400, "use_dpop_nonce")
            assert "www-authenticate" not in refused.headers
        mine.nonce = token.headers["dpop-nonce"]
        tokens, mine.nonce = rp.sign_in(browser), None
        refused = rp.userinfo(tokens)
        assert (refused.status_code, refused.json()["error"]) == (401, "use_dpop_nonce")
        assert 'error="use_dpop_nonce"' in refused.headers["www-authenticate"]
        mine.nonce = refused.headers["dpop-nonce"]
        assert rp.userinfo(tokens).status_code == 200


# First-party apps


def test_a_sign_in_in_the_app_is_bound_to_its_key(
    register: Register, ada: str, http: WatchedClient, work: Work, clock: Clock
) -> None:
    """N-110: RFC 9449 section 10, First-Party Applications: the code, and the `auth_session` between the steps."""
    with work() as w:
        seed = w.vault.encrypt(KEY.encode(), purpose=SEED, context=ada)
        totp.add(w.db, TotpCredential(ada, seed, w.now, 0))
    rp = register(authorization_challenge=True)
    mine, path = Prover(), "/oauth2/authorize-challenge"
    parameters, verifier = rp.request(redirect_uri=None)
    asked = {name: parameters[name] for name in ("scope", "code_challenge", "code_challenge_method")}

    def ask(prover: Prover | None, **form: str) -> dict[str, Any]:
        headers, body = rp.authentication()
        if prover is not None:
            headers["dpop"] = prover.proof("POST", ISSUER + path)
        found: dict[str, Any] = http.post(path, data={**body, **form}, headers=headers).json()
        return found

    begun = ask(mine, **asked, username="ada@example.test", password=PASSWORD)["auth_session"]
    for other in (None, Prover()):
        assert ask(other, auth_session=begun, otp=code_of(KEY, clock.now))["error"] == "invalid_session"
    code = ask(mine, auth_session=begun, otp=code_of(KEY, clock.now))["authorization_code"]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    assert Tokens(use(rp, Prover()).post(TOKEN, **form)).error == "invalid_grant"
    assert Tokens(use(rp, mine).post(TOKEN, **form)).body["token_type"] == "DPoP"


# Metadata, registration and browsers


def test_discovery_names_the_algorithms(http: WatchedClient) -> None:
    """RFC 9449 section 5.1, RFC 9728 section 2; discovery-end-point-verification."""
    for path in ("openid-configuration", "oauth-authorization-server", "oauth-protected-resource/oauth2/userinfo"):
        found = http.get(f"/.well-known/{path}").json()["dpop_signing_alg_values_supported"]
        assert found == ["PS256", "ES256", "EdDSA", "Ed25519"]


def test_pages_of_other_sites_can_use_dpop(spa: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9449 section 8: a page reads the nonce, and sends a header that the browser asks about first."""
    tokens = spa.sign_in(browser)
    headers = prover_of(spa).headers("GET", ISSUER + USERINFO, tokens.access_token)
    answer = spa.http.get(USERINFO, headers={**headers, "origin": "https://app.example.test"})
    assert "DPoP-Nonce" in answer.headers["access-control-expose-headers"]
