"""The modules of the FAPI 2.0 Security Profile plan about sender constraints, with private_key_jwt and DPoP.

Each is named after its module, `fapi2-security-profile-final-...`. What they have in common with other clients is in
`test_flows.py`.
"""

import pytest

from tests.oauth.conftest import Register
from tests.oauth.watched_http import WatchedClient
from tests.support.client_keys import Signatory, new_key
from tests.support.clock import Clock
from tests.support.dpop import Prover
from tests.support.installation import ISSUER
from tests.support.relying_party import PAR, USERINFO, Answer, RelyingParty, Tokens

MEMBERS = {
    "profile": "fapi2",
    "token_endpoint_auth_method": "private_key_jwt",
    "id_token_signed_response_alg": "ES256",
    "grant_types": ("authorization_code", "refresh_token"),
}


def new_client(register: Register, *, redirect_uri: str) -> RelyingParty:
    keys = Signatory(key=new_key())
    rp = register(jwks=keys.jwks, redirect_uris=(redirect_uri,), **MEMBERS)
    rp.signatory, rp.prover = keys, Prover()
    return rp


@pytest.fixture
def first(register: Register) -> RelyingParty:
    return new_client(register, redirect_uri="https://app.example.test/callback")


@pytest.fixture
def second(register: Register) -> RelyingParty:
    return new_client(register, redirect_uri="https://app.example.test/callback?dummy1=lorem&dummy2=ipsum")


def prover_of(rp: RelyingParty) -> Prover:
    assert rp.prover is not None
    return rp.prover


def push(rp: RelyingParty, browser: WatchedClient, *, with_proof: bool = True, **changes: str | None) -> Answer:
    parameters, verifier = rp.request(**changes)
    prover, rp.prover = rp.prover, rp.prover if with_proof else None
    pushed = rp.post(PAR, **parameters)
    rp.prover = prover
    assert pushed.status_code == 201, pushed.text
    query = {"client_id": rp.client_id, "request_uri": pushed.json()["request_uri"]}
    return Answer(browser.get("/oauth2/authorize", params=query), parameters, verifier)


def test_happy_flow(first: RelyingParty, second: RelyingParty, browser: WatchedClient) -> None:
    """Both clients, each with its key. The second names it with dpop_jkt only, and its token is not for the first."""
    for rp, answer in (
        (first, push(first, browser)),
        (second, push(second, browser, with_proof=False, dpop_jkt=prover_of(second).thumbprint)),
    ):
        assert answer.parameters["iss"] == ISSUER
        tokens = rp.redeem(answer)
        assert (tokens.status, tokens.body["token_type"]) == (200, "DPoP")
        assert rp.verify(tokens)["nonce"] == answer.asked["nonce"]
        assert rp.userinfo(tokens).status_code == 200
    stranger = prover_of(first).headers("GET", ISSUER + USERINFO, tokens.access_token)
    assert first.http.get(USERINFO, headers=stranger).status_code == 401


def test_ensure_holder_of_key_required(first: RelyingParty, browser: WatchedClient) -> None:
    answer, first.prover = push(first, browser), None
    assert first.redeem(answer).error == "invalid_dpop_proof"


def test_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(
    first: RelyingParty, browser: WatchedClient
) -> None:
    answer, first.prover = push(first, browser), Prover()
    assert (first.redeem(answer).status, first.redeem(answer).error) == (400, "invalid_grant")


def test_check_dpop_proof_nbf_exp(first: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """Claims that other JWTs have do not matter in a proof."""
    now = int(clock.now.timestamp())
    token = first.redeem(push(first, browser)).access_token
    for changes in ({"nbf": now - 10, "exp": now + 60}, {"nbf": now + 60}, {"exp": now - 60}):
        headers = prover_of(first).headers("GET", ISSUER + USERINFO, token, **changes)
        assert first.http.get(USERINFO, headers=headers).status_code == 200


@pytest.mark.parametrize("seconds", [-10, 10])
def test_ensure_dpopproof_with_iat_10seconds_before_and_after_succeeds(
    first: RelyingParty, browser: WatchedClient, clock: Clock, seconds: int
) -> None:
    token = first.redeem(push(first, browser)).access_token
    headers = prover_of(first).headers("GET", ISSUER + USERINFO, token, iat=int(clock.now.timestamp()) + seconds)
    assert first.http.get(USERINFO, headers=headers).status_code == 200


def test_refresh_token(first: RelyingParty, second: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """It works with another key, and still 30 seconds later; not without a proof, without the client, or by another."""
    tokens = first.redeem(push(first, browser, scope="openid offline_access"))
    clock.advance(seconds=30)
    first.prover = Prover()
    refreshed = first.refresh(tokens)
    assert first.userinfo(refreshed).status_code == 200
    assert first.refresh(tokens).status == 200
    assert second.refresh(tokens).error == "invalid_grant"
    unauthenticated = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    headers = {"dpop": prover_of(first).proof("POST", ISSUER + "/oauth2/token")}
    answer = Tokens(first.http.post("/oauth2/token", data=unauthenticated, headers=headers))
    assert (answer.status, answer.error) == (401, "invalid_client")
    first.prover = None
    assert first.refresh(tokens).error == "invalid_dpop_proof"
