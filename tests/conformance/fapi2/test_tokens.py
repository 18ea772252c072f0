"""fapi2-security-profile-final-test-plan, the modules about tokens and resources. Each test is named after its module,
`fapi2-security-profile-final-...`, and runs with each client authentication and sender constraint that it is for.
"""

from dataclasses import replace
from typing import Any

import pytest

from tests.conformance.fapi2.plan import (
    HOLDER_ERRORS,
    Fapi,
    token_request,
    with_bound_certificate,
    with_dpop,
    with_private_key_jwt,
)
from tests.support.cases import in_one_world
from tests.support.client_certificates import issue
from tests.support.client_keys import asserting, assertion_claims, public, sign, usual_key
from tests.support.installation import ISSUER
from tests.support.relying_party import PAR, TOKEN, USERINFO


def test_happy_flow(fapi: Fapi) -> None:
    for rp in (fapi.first, fapi.second):
        request_uri, pushed = fapi.push(rp, nonce="n" * 43)
        assert len(request_uri.rpartition(":")[2]) >= 16
        assert 5 <= pushed.response.json()["expires_in"] <= 600
        answer = replace(pushed, response=fapi.come(rp, request_uri).response)
        assert (answer.mode, answer.parameters["iss"]) == ("query", ISSUER)
        assert answer.parameters["state"] == pushed.asked["state"]
        tokens = rp.redeem(answer)
        assert tokens.body["token_type"] == ("DPoP" if fapi.uses_dpop else "Bearer")
        assert rp.verify(tokens)["nonce"] == "n" * 43
        assert rp.introspect(tokens.access_token)["cnf"].keys() == {"jkt" if fapi.uses_dpop else "x5t#S256"}
        for accept in ("application/json; charset=utf-8", "application/jwt, text/html;q=0.5, */*;q=0.1"):
            assert fapi.resource(rp, tokens.access_token, accept=accept) == 200
        assert rp.http.get(USERINFO, params={"access_token": tokens.access_token}).status_code in {400, 401}
    assert fapi.resource(fapi.first, tokens.access_token) == 401, "client 1's proof or certificate"


@in_one_world("scheme", ["dPOP", "bEARER"])
def test_access_token_type_header_case_sensitivity(fapi: Fapi, scheme: str) -> None:
    token = fapi.sign_in(fapi.first).access_token
    expected = 200 if (scheme == "dPOP") == fapi.uses_dpop else 401
    assert fapi.resource(fapi.first, token, authorization=f"{scheme} {token}") == expected


def test_ensure_client_id_in_token_endpoint(fapi: Fapi) -> None:
    """Client 1's credentials with client 2's client_id."""
    answer = fapi.ask(fapi.first)
    assert fapi.first.redeem(answer, client_id=fapi.second.client_id).error in {"invalid_client", "invalid_grant"}


def test_ensure_holder_of_key_required(fapi: Fapi) -> None:
    """Without a proof or certificate, nothing is issued, and the code is not used up."""
    answer, bare = fapi.ask(fapi.first), fapi.unbound(fapi.first)
    if (bare.prover, bare.certificate) == (fapi.first.prover, fapi.first.certificate):  # it authenticates with it
        bare.certificate = None
    refused = bare.redeem(answer)
    assert 400 <= refused.status < 500
    assert refused.error in HOLDER_ERRORS
    assert fapi.first.redeem(answer).status == 200


def test_ensure_authorization_code_is_bound_to_client(fapi: Fapi) -> None:
    refused = fapi.second.redeem(fapi.ask(fapi.first))
    assert (refused.status, refused.error) == (400, "invalid_grant")


def test_attempt_reuse_authorization_code_after_one_second(fapi: Fapi) -> None:
    answer = fapi.ask(fapi.first)
    token = fapi.first.redeem(answer).access_token
    fapi.clock.advance(seconds=1)
    again = fapi.first.redeem(answer)
    assert (again.status, again.error) == (400, "invalid_grant")
    assert fapi.resource(fapi.first, token) == 401


def test_ensure_token_endpoint_fails_with_expired_auth_code(fapi: Fapi) -> None:
    answer = fapi.ask(fapi.first)
    fapi.clock.advance(seconds=62)
    refused = fapi.first.redeem(answer)
    assert (refused.status, refused.error) == (400, "invalid_grant")


def test_ensure_pkce_code_verifier_required(fapi: Fapi) -> None:
    refused = fapi.first.redeem(fapi.ask(fapi.first), code_verifier=None)
    assert (refused.status, refused.error) == (400, "invalid_grant")


def test_incorrect_pkce_code_verifier_rejected(fapi: Fapi) -> None:
    refused = fapi.first.redeem(fapi.ask(fapi.first), code_verifier="v" * 43)
    assert (refused.status, refused.error) == (400, "invalid_grant")


def test_refresh_token(fapi: Fapi) -> None:
    """It works with another key or certificate, and still 30 seconds later; not without the client, without a proof or
    certificate, or by another client.
    """
    rp = fapi.copy(fapi.first)
    tokens = fapi.sign_in(rp, scope="openid offline_access")
    fapi.clock.advance(seconds=30)
    if fapi.uses_dpop:
        rp.prover = fapi.new_prover()
    elif fapi.uses_assertions:
        rp.certificate = issue("CN=new")
    refreshed = rp.refresh(tokens)
    assert fapi.resource(rp, refreshed.access_token) == 200
    assert rp.refresh(tokens).status == 200
    assert fapi.second.refresh(tokens).error == "invalid_grant"
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    assert rp.http.post(TOKEN, data=form).status_code in {400, 401}
    bare = fapi.copy(rp)
    bare.prover = bare.certificate = None
    assert bare.refresh(tokens).error in HOLDER_ERRORS


# With private_key_jwt


@with_private_key_jwt
def test_ensure_client_assertion_in_token_endpoint(fapi: Fapi) -> None:
    nothing = {"client_assertion": None, "client_assertion_type": None, "client_id": fapi.first.client_id}
    refused = fapi.first.redeem(fapi.ask(fapi.first), **nothing)
    assert refused.error in {"invalid_client", "invalid_request"}


@with_private_key_jwt
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"exp": -300, "iat": -360, "nbf": -360}, id="with-exp-is-5-minutes-in-past-fails"),
        pytest.param({"aud": "https://other.example.test"}, id="with-wrong-aud-fails"),
        pytest.param({"sub": None}, id="with-no-sub-fails"),
    ],
)
def test_ensure_client_assertion(fapi: Fapi, changes: dict[str, Any]) -> None:
    """ensure-client-assertion-with-exp-is-5-minutes-in-past-fails, -with-wrong-aud-fails, -with-no-sub-fails."""
    now = int(fapi.clock.now.timestamp())
    given = {name: now + value if isinstance(value, int) else value for name, value in changes.items()}
    for url in (TOKEN, PAR):
        assert fapi.assert_with(fapi.first, url, **given) == (401, "invalid_client")


@with_private_key_jwt
def test_ensure_signed_client_assertion_with_rs256_fails(fapi: Fapi) -> None:
    """By its algorithm: also with the very key that signs with PS256."""
    key = usual_key("RS256")
    claims = assertion_claims(fapi.first.client_id, ISSUER)
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    refused = token_request(fapi, fapi.first, **form, **asserting(sign(claims, key, alg="RS256", kid="key-1")))
    assert (refused.status, refused.error) == (401, "invalid_client")


# With DPoP


@with_dpop
def test_check_dpop_proof_nbf_exp(fapi: Fapi) -> None:
    now, token = int(fapi.clock.now.timestamp()), fapi.sign_in(fapi.first).access_token
    prover = fapi.first.prover
    assert prover is not None
    for changes in ({"nbf": now - 10, "exp": now + 60}, {"nbf": now + 60}, {"exp": now - 60}):
        headers = prover.headers("GET", ISSUER + USERINFO, token, **changes)
        assert fapi.resource(fapi.first, token, **headers) == 200


@with_dpop
@pytest.mark.parametrize("seconds", [-10, 10], ids=["before", "after"])
def test_ensure_dpopproof_with_iat_10seconds_succeeds(fapi: Fapi, seconds: int) -> None:
    """ensure-dpopproof-with-iat-10seconds-before-succeeds, -after-succeeds."""
    token, prover = fapi.sign_in(fapi.first).access_token, fapi.first.prover
    assert prover is not None
    iat = int(fapi.clock.now.timestamp()) + seconds
    assert fapi.resource(fapi.first, token, **prover.headers("GET", ISSUER + USERINFO, token, iat=iat)) == 200


@with_dpop
def test_dpop_negative_tests(fapi: Fapi) -> None:
    """Proofs that the resource refuses, and unusual ones that it accepts."""
    rp, url = fapi.first, ISSUER + USERINFO
    token, prover, now = fapi.sign_in(rp).access_token, rp.prover, int(fapi.clock.now.timestamp())
    assert prover is not None
    scheme = {"authorization": f"DPoP {token}"}
    rsa = usual_key("RS256")
    private = prover.key.as_dict(private=True)
    bad: list[str] = [
        "x",
        prover.proof("GET", url, token)[:-4] + "AAAA",
        *(prover.proof("GET", url, token, header={name: None}) for name in ("typ", "jwk")),
        *(prover.proof("GET", url, token, **{name: None}) for name in ("jti", "htm", "htu", "iat", "ath")),
        prover.proof("GET", url, token, header={"typ": "JWT"}),
        prover.proof("GET", url, token, header={"jwk": private}),
        sign({"htm": "GET"}, rsa, alg="RS256", typ="dpop+jwt", jwk=public(rsa)),
        "eyJhbGciOiJub25lIiwidHlwIjoiZHBvcCtqd3QifQ.e30.",
        prover.proof("POST", url, token),
        prover.proof("GET", ISSUER + TOKEN, token),
        prover.proof("GET", url, "another"),
        prover.proof("GET", url, token, iat=now - 3600),
        prover.proof("GET", url, token, iat=now + 3600),
        fapi.new_prover().proof("GET", url, token),
    ]
    for proof in bad:
        assert rp.http.get(USERINFO, headers=scheme | {"dpop": proof}).status_code in {400, 401}, proof
    two = [("authorization", f"DPoP {token}"), *(("dpop", prover.proof("GET", url, token)) for _ in range(2))]
    for headers in (scheme, {"authorization": f"Bearer {token}"}, two):
        assert rp.http.get(USERINFO, headers=headers).status_code in {400, 401}
    good = [
        prover.proof("GET", url, token, extra="claim"),
        prover.proof("GET", url, token, header={"extra": "member"}),
        prover.proof("GET", url + "?a=b#c", token),
        prover.proof("GET", url.replace("https://id.", "HTTPS://ID."), token),
        prover.proof("GET", url.replace(".test/", ".test:443/"), token),
    ]
    for proof in good:
        assert rp.http.get(USERINFO, headers=scheme | {"DPOP": proof}).status_code == 200
        assert rp.http.get(USERINFO, headers=scheme | {"dpop": proof}).status_code == 401, "jti was used"


# With certificate-bound tokens


@with_bound_certificate
def test_a_bound_token_is_refused_with_each_other_certificate(fapi: Fapi) -> None:
    """ensure-holder-of-key-required at the resource."""
    token, rp = fapi.sign_in(fapi.first).access_token, fapi.copy(fapi.first)
    assert fapi.resource(rp, token) == 200
    for certificate in (None, fapi.second.certificate, issue("CN=other")):
        rp.certificate = certificate
        assert fapi.resource(rp, token) == 401
