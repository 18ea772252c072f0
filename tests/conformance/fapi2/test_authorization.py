"""fapi2-security-profile-final-test-plan, the modules about authorization requests. Each is named after its module,
`fapi2-security-profile-final-...`, and runs with each client authentication and sender constraint that it is for.
"""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.conformance.conftest import EVERY_CLAIM
from tests.conformance.fapi2.plan import Fapi, new_http, with_dpop, with_private_key_jwt
from tests.oauth.watched_http import csrf_of
from tests.support.browser import Page
from tests.support.cases import in_one_world
from tests.support.client_keys import asserting, assertion_claims
from tests.support.installation import ISSUER
from tests.support.relying_party import PAR, Answer


def is_error_page(answer: Answer) -> bool:
    return answer.response.status_code == 400 and not answer.location


def test_discovery_end_point_verification(fapi: Fapi) -> None:
    found = fapi.http.get("/.well-known/openid-configuration").json()
    assert "code" in found["response_types_supported"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert found["pushed_authorization_request_endpoint"] == ISSUER + PAR
    assert "authorization_code" in found["grant_types_supported"]
    assert "S256" in found["code_challenge_methods_supported"]
    assert isinstance(found["require_pushed_authorization_requests"], bool)
    methods = {rp.client.metadata.token_endpoint_auth_method for rp in (fapi.first, fapi.second)}
    assert methods <= set(found["token_endpoint_auth_methods_supported"])
    strong = {"PS256", "ES256", "EdDSA"}
    for name in ("token_endpoint_auth", "id_token"):
        assert strong & set(found[f"{name}_signing_alg_values_supported"])
    assert strong & set(found["dpop_signing_alg_values_supported"])
    assert found["tls_client_certificate_bound_access_tokens"] is True


def test_user_rejects_authentication(fapi: Fapi) -> None:
    request_uri, pushed = fapi.push(fapi.first)
    browser = new_http(fapi.app)
    query = {"client_id": fapi.first.client_id, "request_uri": request_uri}
    page = Page(browser.get("/oauth2/authorize", params=query, follow_redirects=True))
    form = page.form(button="Cancel and go back to Example app")
    assert form is not None
    data = dict(form.values()) | {"csrf_token": csrf_of(browser)}
    answer = Answer(browser.post(form.action, data=data, headers={"sec-fetch-site": "same-origin"}), {}, "")
    assert (answer.error, answer.parameters["state"]) == ("access_denied", pushed.asked["state"])


def test_ensure_authorization_request_without_state_success(fapi: Fapi) -> None:
    answer = fapi.ask(fapi.first, state=None)
    assert "state" not in answer.parameters
    assert "s_hash" not in fapi.first.verify(fapi.first.redeem(answer))


@in_one_world("nonce", [None, "n" * 64])
def test_ensure_authorization_request_nonce_success(fapi: Fapi, nonce: str | None) -> None:
    """-without-nonce-success, -with-64-char-nonce-success."""
    assert fapi.first.verify(fapi.sign_in(fapi.first, nonce=nonce)).get("nonce") == nonce


def test_ensure_other_scope_order_succeeds(fapi: Fapi) -> None:
    assert set(fapi.sign_in(fapi.first, scope="email openid").body["scope"].split()) == {"email", "openid"}


def test_claims_parameter_identity_claims(fapi: Fapi) -> None:
    """test-claims-parameter-identity-claims: each listed claim can be had, unknown ones are ignored."""
    wanted = [name for name in EVERY_CLAIM if name != "phone_number_verified"]
    asked = "{" + ", ".join(f'"{name}": null' for name in [*wanted, "unknown"]) + "}"
    tokens = fapi.sign_in(fapi.first, claims='{"userinfo": ' + asked + "}")
    assert set(wanted) <= fapi.first.userinfo(tokens).json().keys()


@in_one_world(("name", "length"), [("nonce", 384), ("state", 1000)])
def test_ensure_authorization_request_with_long_values(fapi: Fapi, name: str, length: int) -> None:
    """-with-long-nonce, -with-long-state: whole or refused, never shortened."""
    answer = fapi.ask(fapi.first, **{name: "x" * length})
    found = answer.parameters | fapi.first.verify(fapi.first.redeem(answer))
    assert found[name] == "x" * length


@in_one_world("name", ["nonce", "state"])
def test_ensure_different_values_inside_and_outside_request_object(fapi: Fapi, name: str) -> None:
    """ensure-different-nonce-inside-and-outside-request-object, ensure-different-state-...: the pushed one counts."""
    request_uri, pushed = fapi.push(fapi.first)
    come = fapi.come(fapi.first, request_uri, **{name: "outside"})
    answer = Answer(come.response, pushed.asked, pushed.verifier)
    found = answer.parameters | fapi.first.verify(fapi.first.redeem(answer))
    assert found[name] == pushed.asked[name]


def test_state_only_outside_request_object_not_used(fapi: Fapi) -> None:
    request_uri, _ = fapi.push(fapi.first, state=None)
    answer = fapi.come(fapi.first, request_uri, state="outside")
    assert "code" in answer.parameters
    assert "state" not in answer.parameters


def test_ensure_request_object_without_redirect_uri_fails(fapi: Fapi) -> None:
    """And ensure-redirect-uri-in-authorization-request."""
    assert fapi.refused_at_par(fapi.first, redirect_uri=None) == "invalid_request"
    request_uri, pushed = fapi.push(fapi.first)
    elsewhere = fapi.come(fapi.first, request_uri, redirect_uri="https://evil.test/callback")
    assert elsewhere.target == pushed.asked["redirect_uri"]


def test_plain_fapi_tolerate_unregistered_redirect_uri(fapi: Fapi) -> None:
    assert fapi.refused_at_par(fapi.first, redirect_uri="https://app.example.test/other") == "invalid_request"


def test_ensure_unsigned_authorization_request_without_using_par_fails(fapi: Fapi) -> None:
    answer = fapi.first.ask(fapi.browser())
    assert is_error_page(answer) or answer.error == "invalid_request"


@pytest.mark.parametrize("response_type", ["code id_token", "token"])
def test_ensure_response_type_fails(fapi: Fapi, response_type: str) -> None:
    """ensure-response-type-code-idtoken-fails, ensure-response-type-token-fails."""
    error = fapi.refused_at_par(fapi.first, response_type=response_type)
    assert error in {"unsupported_response_type", "invalid_request", "unauthorized_client"}


def test_par_without_duplicate_parameters(fapi: Fapi) -> None:
    assert "code" in fapi.ask(fapi.first).parameters


def test_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(fapi: Fapi) -> None:
    request_uri, _ = fapi.push(fapi.first)
    query = {"client_id": fapi.first.client_id, "request_uri": request_uri}
    for _ in range(2):
        assert new_http(fapi.app).get("/oauth2/authorize", params=query).headers["location"].startswith("/login")
    assert "code" in fapi.come(fapi.first, request_uri).parameters


def test_par_attempt_reuse_request_uri(fapi: Fapi) -> None:
    request_uri, _ = fapi.push(fapi.first)
    assert "code" in fapi.come(fapi.first, request_uri).parameters
    assert is_error_page(fapi.come(fapi.first, request_uri))


def test_a_pushed_request_expires_in_less_than_600_seconds(fapi: Fapi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Section 5.3.2.2. The setting may be 10 minutes, for clients without the profile."""
    monkeypatch.setitem(fapi.installation.settings.__dict__, "pushed_request_lifetime", timedelta(minutes=10))
    _, pushed = fapi.push(fapi.first)
    assert pushed.response.json()["expires_in"] == 599
    without = fapi.register(profile="none")
    assert fapi.push(without)[1].response.json()["expires_in"] == 600


def test_par_attempt_to_use_expired_request_uri(fapi: Fapi) -> None:
    request_uri, pushed = fapi.push(fapi.first)
    fapi.clock.advance(seconds=pushed.response.json()["expires_in"] + 1)
    assert is_error_page(fapi.come(fapi.first, request_uri))


def test_par_attempt_to_use_request_uri_for_different_client(fapi: Fapi) -> None:
    request_uri, _ = fapi.push(fapi.first)
    assert is_error_page(fapi.come(fapi.second, request_uri))


def test_par_authorization_request_containing_request_uri_form_param(fapi: Fapi) -> None:
    request_uri, _ = fapi.push(fapi.first)
    assert fapi.refused_at_par(fapi.first, request_uri=request_uri) == "invalid_request"


@in_one_world("method", ["GET", "PUT", "DELETE"])
def test_par_attempt_invalid_http_method(fapi: Fapi, method: str) -> None:
    assert fapi.http.request(method, PAR, params=fapi.first.request()[0]).status_code == 405


def test_par_ensure_pkce_required(fapi: Fapi) -> None:
    nothing = {"code_challenge": None, "code_challenge_method": None}
    assert fapi.refused_at_par(fapi.first, **nothing) == "invalid_request"


def test_par_plain_pkce_rejected(fapi: Fapi) -> None:
    assert fapi.refused_at_par(fapi.first, code_challenge_method="plain") == "invalid_request"


def test_the_registered_query_of_a_redirect_uri_comes_back(fapi: Fapi) -> None:
    """The second client of happy-flow."""
    given = dict(parse_qsl(urlsplit(fapi.ask(fapi.second).location).query))
    assert (given["dummy1"], given["dummy2"]) == ("lorem", "ipsum")


# With private_key_jwt


@with_private_key_jwt
def test_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(fapi: Fapi) -> None:
    now = int(fapi.clock.now.timestamp())
    assert fapi.assert_with(fapi.first, nbf=now + 8, iat=now + 8) == (201, None)


@with_private_key_jwt
def test_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(fapi: Fapi) -> None:
    now = int(fapi.clock.now.timestamp())
    for name in ("nbf", "iat"):
        changes: dict[str, Any] = {name: now + 70}
        assert fapi.assert_with(fapi.first, **changes) == (401, "invalid_client")


@with_private_key_jwt
@pytest.mark.parametrize("aud", [[ISSUER], ISSUER + PAR, ISSUER + "/oauth2/token"], ids=["array", "par", "token"])
def test_par_test_audience_fails(fapi: Fapi, aud: str | list[str]) -> None:
    """par-test-array-as-audience-fails, par-test-par-endpoint-url-as-..., par-test-token-endpoint-url-as-..."""
    assert fapi.assert_with(fapi.first, aud=aud) == (401, "invalid_client")


@with_private_key_jwt
def test_an_assertion_is_not_accepted_in_another_name(fapi: Fapi) -> None:
    """Client 2's assertion for client 1 (ensure-client-id-in-token-endpoint, at PAR)."""
    claims = assertion_claims(fapi.first.client_id, ISSUER)
    refused = fapi.first.post(PAR, **fapi.first.request()[0], **asserting(fapi.second.signatory.sign(claims)))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


# With DPoP


@with_dpop
def test_ensure_mismatched_dpop_jkt_fails(fapi: Fapi) -> None:
    assert fapi.refused_at_par(fapi.first, dpop_jkt=fapi.new_prover().thumbprint) in {
        "invalid_request",
        "invalid_dpop_proof",
    }


@with_dpop
@pytest.mark.parametrize("how", ["proof", "jkt"])
def test_ensure_token_endpoint_fails_with_mismatched_dpop(fapi: Fapi, how: str) -> None:
    """ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt, -with-mismatched-dpop-jkt; with the right key
    ensure-dpopproof-at-par-endpoint-binding-success, ensure-dpop-auth-code-binding-success.
    """
    prover = fapi.first.prover
    assert prover is not None
    pushing = fapi.copy(fapi.first)
    pushing.prover = prover if how == "proof" else None
    request_uri, pushed = fapi.push(pushing, **({} if how == "proof" else {"dpop_jkt": prover.thumbprint}))
    answer = Answer(fapi.come(fapi.first, request_uri).response, pushed.asked, pushed.verifier)
    stranger = fapi.copy(fapi.first)
    stranger.prover = fapi.new_prover()
    assert stranger.redeem(answer).error in {"invalid_dpop_proof", "invalid_grant", "invalid_request"}
    assert fapi.first.redeem(answer).status == 200
