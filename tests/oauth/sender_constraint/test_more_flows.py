"""DPoP (RFC 9449) at our endpoints: what the tests of node oidc-provider and Keycloak try."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from provider.oauth.clients import clients
from provider.oauth.clients.choices import TOKEN_EXCHANGE
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.grants.token_exchange import ACCESS_TOKEN
from tests.oauth import approvals
from tests.oauth.approvals import FOR_CIBA
from tests.oauth.conftest import Register
from tests.oauth.watched_http import WatchedClient
from tests.support.client_keys import Signatory
from tests.support.dpop import Prover
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import PAR, TOKEN, USERINFO, Answer, RelyingParty, Tokens

OFFLINE = "openid offline_access"


def proving(rp: RelyingParty, prover: Prover | None = None) -> RelyingParty:
    rp.prover = prover or Prover()
    return rp


def key_of(rp: RelyingParty, tokens: Tokens) -> Any:
    return rp.introspect(tokens.access_token).get("cnf")


def test_a_bound_token_is_sent_once_and_with_its_scheme(rp: RelyingParty, browser: WatchedClient) -> None:
    """N-315: RFC 9449 sections 7.1 and 7.2, RFC 6750 section 2."""
    tokens = proving(rp).sign_in(browser)
    assert rp.prover is not None
    headers = rp.prover.headers("GET", ISSUER + USERINFO, tokens.access_token)
    twice = [*headers.items(), ("authorization", headers["authorization"])]
    assert rp.http.get(USERINFO, headers=httpx2.Headers(twice)).json()["error"] == "invalid_request"
    as_bearer = {"authorization": f"BeArEr {tokens.access_token}"}
    refused = rp.http.get(USERINFO, headers=as_bearer)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    both = {**as_bearer, "dpop": headers["dpop"]}
    assert rp.http.get(USERINFO, headers=both).status_code == 401
    in_body = rp.http.post(
        USERINFO,
        data={"access_token": tokens.access_token},
        headers={"dpop": rp.prover.proof("POST", ISSUER + USERINFO, tokens.access_token)},
    )
    assert (in_body.status_code, in_body.json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize("response_type", ["token", "id_token token", "code token", "code id_token token"])
def test_tokens_in_the_front_channel_are_not_for_clients_that_must_use_dpop(
    register: Register, browser: WatchedClient, response_type: str
) -> None:
    """N-316: RFC 9449 section 5.2: nothing binds a token of the authorization endpoint."""
    given = {"grant_types": ("authorization_code", "implicit"), "response_types": ("code", response_type)}
    with pytest.raises(InvalidMetadata):
        register(dpop_bound_access_tokens=True, **given)
    rp = register(dpop_bound_access_tokens=True)
    answer = rp.ask(browser, response_type=response_type)
    assert answer.error in {"unsupported_response_type", "unauthorized_client"}
    assert "access_token" not in answer.parameters


def test_refresh_tokens_stay_bound_when_dpop_is_no_longer_required(
    register: Register, browser: WatchedClient, work: Work
) -> None:
    """N-317: RFC 9449 section 5."""
    spa = proving(register(public=True, dpop_bound_access_tokens=True))
    tokens, mine = spa.sign_in(browser, scope=OFFLINE), spa.prover
    with work() as w:
        clients.update_client(w, spa.client_id, replace(spa.client.metadata, dpop_bound_access_tokens=False))
    spa.prover = None
    assert spa.refresh(tokens).error == "invalid_grant"
    assert proving(spa).refresh(tokens).error == "invalid_grant"
    assert proving(spa, mine).refresh(tokens).body["token_type"] == "DPoP"


@pytest.fixture
def push(register: Register) -> Callable[..., tuple[RelyingParty, dict[str, str], str, httpx2.Response]]:
    """Push a signed request object with a proof."""

    def send(**claims: str) -> tuple[RelyingParty, dict[str, str], str, httpx2.Response]:
        signing = {"token_endpoint_auth_method": "private_key_jwt", "jwks": Signatory().jwks}
        rp = proving(register(**signing))
        parameters, verifier = rp.request()
        signed = rp.signatory.sign({**parameters, **claims, "iss": rp.client_id, "aud": ISSUER})
        return rp, parameters, verifier, rp.post(PAR, request=signed)

    return send


Push = Callable[..., tuple[RelyingParty, dict[str, str], str, httpx2.Response]]


def test_the_code_of_a_request_object_is_bound_to_the_proof_of_its_request(push: Push, browser: WatchedClient) -> None:
    """RFC 9449 section 10.1, RFC 9101."""
    rp, parameters, verifier, pushed = push()
    answer = rp.ask(browser, request_uri=pushed.json()["request_uri"])
    answer, mine = Answer(answer.response, parameters, verifier), rp.prover
    assert proving(rp).redeem(answer).error == "invalid_grant"
    assert proving(rp, mine).redeem(answer).status == 200


def test_a_request_object_cannot_name_another_key_than_the_proof(push: Push) -> None:
    """N-318: RFC 9449 section 10.1."""
    refused = push(dpop_jkt=Prover().thumbprint)[3]
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")


def test_an_exchange_needs_the_proof_of_the_client_that_must_use_dpop(
    register: Register, browser: WatchedClient
) -> None:
    """N-319: RFC 9449 section 5.2, RFC 8693: nothing is issued, and the token stays active."""
    api, other = "https://api.example.test/", "https://other.example.test/"
    register(redirect_uris=(), grant_types=(), resource_identifiers=(other,))
    exchanging = {"grant_types": (TOKEN_EXCHANGE,), "resource_identifiers": (api,), "exchange_targets": (other,)}
    helper = register(redirect_uris=(), scope="openid", dpop_bound_access_tokens=True, **exchanging)
    token = proving(register(scope="openid")).sign_in(browser, resource=api).access_token
    given = {"grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
    assert Tokens(helper.post(TOKEN, **given, resource=other)).error == "invalid_dpop_proof"
    exchanged = Tokens(proving(helper).post(TOKEN, **given, resource=other))
    assert helper.prover is not None
    assert key_of(helper, exchanged) == {"jkt": helper.prover.thumbprint}


def test_an_approval_on_another_device_can_use_dpop(register: Register, browser: WatchedClient) -> None:
    """CIBA section 10.1, RFC 9449 section 5."""
    rp = proving(register(**FOR_CIBA))
    approval = approvals.ask(rp)
    approvals.press(browser, approvals.waiting(browser)[0], "allow")
    assert rp.prover is not None
    assert key_of(rp, approval.poll()) == {"jkt": rp.prover.thumbprint}
