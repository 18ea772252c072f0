"""The modules of fapi-ciba-id1-test-plan in which the client authentication or the sender constraint matters.

They run in the mode poll with each variant that is certified. The others, and the mode ping, are in
`test_fapi_ciba.py`, with private_key_jwt and dpop. The clients have the members that docs/guides/ciba.md names for the
plan, whose assertions name the endpoint that they are for as `aud`.
"""

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conformance.fapi2.plan import CERTIFIED, HOLDER_ERRORS, Fapi, open_plan, with_mtls, with_private_key_jwt
from tests.conformance.suite import EMAIL
from tests.oauth.approvals import BACKCHANNEL, CIBA, answer
from tests.support.cases import in_one_world
from tests.support.client_certificates import Shown, issue
from tests.support.client_keys import asserting, assertion_claims, sign
from tests.support.installation import ISSUER
from tests.support.relying_party import TOKEN, RelyingParty, Tokens
from tests.support.services import ROOT

CHAPTER = (ROOT / "docs/guides/ciba.md").read_text().partition("\n## FAPI-CIBA\n")[2].partition("\n## ")[0]
DOCUMENTED: dict[str, Any] = json.loads(re.findall(r"```json\n(.*?)```", CHAPTER, re.DOTALL)[0])
OF_VARIANTS = {"token_endpoint_auth_method", "tls_client_certificate_bound_access_tokens", "jwks"}
"""The documented members that are another in another variant."""
REFUSED = (401, "invalid_client")


@pytest.fixture(scope="module", params=CERTIFIED, ids="+".join)
def fapi(
    request: pytest.FixtureRequest,
    sqlite_template: Path,
    suite_authority: Shown,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fapi]:
    members = {name: value for name, value in DOCUMENTED.items() if name not in OF_VARIANTS}
    if request.param[0] == "mtls":
        del members["token_endpoint_auth_signing_alg"]
        members["profile"] = "fapi2"
    given: dict[str, Any] = {"profile": "none", "first_party": False, "redirect_uris": (), **members}
    folder = tmp_path_factory.mktemp("ciba")
    with open_plan(request.param, sqlite_template, suite_authority, folder, alg="PS256", **given) as fapi:
        yield fapi


def claims(fapi: Fapi, rp: RelyingParty, **changes: Any) -> dict[str, Any]:
    now = int(fapi.clock.now.timestamp())
    times = {"iat": now, "nbf": now, "exp": now + 300}
    scope = "openid email offline_access"
    given = {"scope": scope, "login_hint": EMAIL, "binding_message": "1234", "iss": rp.client_id, "aud": ISSUER}
    return {**given, **times, "jti": secrets.token_urlsafe(16), **changes}


def send(fapi: Fapi, rp: RelyingParty, url: str, **form: str | None) -> httpx2.Response:
    """A request whose assertion, if it has one, names the endpoint."""
    if fapi.uses_assertions:
        form = {**asserting(rp.signatory.sign(assertion_claims(rp.client_id, ISSUER + url))), **form}
    return rp.post(url, **form)


def ask(fapi: Fapi, rp: RelyingParty, **form: str | None) -> httpx2.Response:
    fapi.clock.advance(seconds=10)
    return send(fapi, rp, BACKCHANNEL, **{"request": rp.signatory.sign(claims(fapi, rp)), **form})


def begin(fapi: Fapi, rp: RelyingParty, **form: str | None) -> str:
    response = ask(fapi, rp, **form)
    assert response.status_code == 200, response.text
    return str(response.json()["auth_req_id"])


def poll(fapi: Fapi, rp: RelyingParty, auth_req_id: str, **form: str | None) -> Tokens:
    return Tokens(send(fapi, rp, TOKEN, grant_type=CIBA, auth_req_id=auth_req_id, **form))


def error_of(response: httpx2.Response) -> tuple[int, str]:
    return response.status_code, str(response.json()["error"])


def approved(fapi: Fapi, rp: RelyingParty, **form: str | None) -> str:
    auth_req_id = begin(fapi, rp, **form)
    answer(fapi.browser())
    return auth_req_id


def test_discovery_end_point_verification(fapi: Fapi) -> None:
    found = fapi.http.get("/.well-known/openid-configuration").json()
    methods = {rp.client.metadata.token_endpoint_auth_method for rp in (fapi.first, fapi.second)}
    assert methods <= set(found["token_endpoint_auth_methods_supported"])
    assert found["tls_client_certificate_bound_access_tokens"] is True


def test_fapi_ciba_id1(fapi: Fapi) -> None:
    """With both clients, the second of which names the type of the signed request."""
    for rp, typ in ((fapi.first, {}), (fapi.second, {"typ": "oauth-authz-req+jwt"})):
        auth_req_id = begin(fapi, rp, request=rp.signatory.sign(claims(fapi, rp), **typ))
        assert poll(fapi, rp, auth_req_id).error == "authorization_pending"
        answer(fapi.browser())
        fapi.clock.advance(seconds=6)
        tokens = poll(fapi, rp, auth_req_id)
        assert tokens.status == 200, tokens.body
        assert tokens.body["token_type"] == ("DPoP" if fapi.uses_dpop else "Bearer")
        rp.verify(tokens)
        assert rp.introspect(tokens.access_token)["cnf"].keys() == {"jkt" if fapi.uses_dpop else "x5t#S256"}
        assert fapi.resource(rp, tokens.access_token) == 200
        again = poll(fapi, rp, auth_req_id)
        assert (again.status, again.error) == (400, "invalid_grant")


def test_ensure_request_object_signed_by_other_client_fails(fapi: Fapi) -> None:
    signed = fapi.second.signatory.sign(claims(fapi, fapi.first))
    assert error_of(ask(fapi, fapi.first, request=signed)) == (400, "invalid_request")


def test_ensure_unsigned_backchannel_authorization_request_fails(fapi: Fapi) -> None:
    form = {"scope": "openid", "login_hint": EMAIL, "binding_message": "1234", "request": None}
    assert error_of(ask(fapi, fapi.first, **form)) == (400, "invalid_request")


def test_ensure_wrong_auth_req_id_in_token_endpoint_request(fapi: Fapi) -> None:
    auth_req_id = approved(fapi, fapi.first)
    refused = poll(fapi, fapi.second, auth_req_id)
    assert (refused.status, refused.error) == (400, "invalid_grant")
    assert poll(fapi, fapi.first, auth_req_id).status == 200


def test_refresh_token(fapi: Fapi) -> None:
    """For the client alone, and with its proof or certificate."""
    rp = fapi.first
    tokens = poll(fapi, rp, approved(fapi, rp))
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    assert error_of(send(fapi, fapi.second, TOKEN, **form)) == (400, "invalid_grant")
    bare = fapi.copy(rp)
    bare.prover = bare.certificate = None
    assert error_of(send(fapi, bare, TOKEN, **form))[1] in HOLDER_ERRORS
    refreshed = Tokens(send(fapi, rp, TOKEN, **form))
    assert rp.verify(refreshed, refreshed=True)["sub"] == rp.verify(tokens)["sub"]
    assert fapi.resource(rp, refreshed.access_token) == 200


def test_ensure_mtls_holder_of_key_required(fapi: Fapi) -> None:
    """Without the certificate, or a proof, nothing is issued, and the approval is not used up."""
    auth_req_id, bare = approved(fapi, fapi.first), fapi.copy(fapi.first)
    bare.prover = bare.certificate = None
    refused = poll(fapi, bare, auth_req_id)
    assert refused.status in {400, 401}
    assert refused.error in HOLDER_ERRORS
    tokens = poll(fapi, fapi.first, auth_req_id)
    assert tokens.status == 200, tokens.body
    other = fapi.copy(fapi.first)
    if fapi.uses_dpop:
        other.prover = fapi.new_prover()
    else:
        other.certificate = issue("CN=other")
    for rp in (bare, other):
        assert fapi.resource(rp, tokens.access_token) == 401


# With mutual TLS as the client authentication


@with_mtls
def test_ensure_different_client_id_and_issuer_in_backchannel_authorization_request(fapi: Fapi) -> None:
    """Client 1's certificate and signed request with client 2's client_id."""
    assert error_of(ask(fapi, fapi.first, client_id=fapi.second.client_id)) == REFUSED


@with_mtls
def test_ensure_wrong_client_id_in_backchannel_authorization_request(fapi: Fapi) -> None:
    """Client 1's certificate and keys with client 2's client_id, which the request has too."""
    signed = fapi.first.signatory.sign(claims(fapi, fapi.first, iss=fapi.second.client_id))
    assert error_of(ask(fapi, fapi.first, client_id=fapi.second.client_id, request=signed)) == REFUSED


@with_mtls
def test_ensure_wrong_client_id_in_token_endpoint_request(fapi: Fapi) -> None:
    auth_req_id = approved(fapi, fapi.first)
    refused = poll(fapi, fapi.first, auth_req_id, client_id=fapi.second.client_id)
    assert (refused.status, refused.error) == REFUSED
    assert poll(fapi, fapi.first, auth_req_id).status == 200


@with_mtls
def test_a_certificate_of_another_client_does_not_authenticate(fapi: Fapi) -> None:
    """RFC 8705 section 2, at the backchannel and the token endpoint."""
    auth_req_id, stranger = approved(fapi, fapi.first), fapi.copy(fapi.first)
    stranger.certificate = fapi.second.certificate
    assert error_of(ask(fapi, stranger)) == REFUSED
    assert poll(fapi, stranger, auth_req_id).error == "invalid_client"


# With private_key_jwt


@with_private_key_jwt
def test_ensure_without_client_assertion_fails(fapi: Fapi) -> None:
    """-in-token-endpoint-fails, -in-backchannel-authorization-request-fails: a certificate does not authenticate."""
    nothing = {"client_assertion": None, "client_assertion_type": None, "client_id": fapi.first.client_id}
    assert error_of(ask(fapi, fapi.first, **nothing)) == REFUSED
    refused = poll(fapi, fapi.first, begin(fapi, fapi.first), **nothing)
    assert (refused.status, refused.error) == REFUSED


@with_private_key_jwt
def test_ensure_client_assertion_signature_algorithm_is_rs256_fails(fapi: Fapi) -> None:
    """-in-backchannel-authorization-request-is-RS256-fails, -in-token-endpoint-request-is-RS256-fails."""
    keys = fapi.first.signatory

    def with_rs256(url: str) -> dict[str, str]:
        given = assertion_claims(fapi.first.client_id, ISSUER + url)
        return asserting(sign(given, keys.key, alg="RS256", kid=keys.kid))

    assert error_of(ask(fapi, fapi.first, **with_rs256(BACKCHANNEL))) == REFUSED
    refused = poll(fapi, fapi.first, begin(fapi, fapi.first), **with_rs256(TOKEN))
    assert (refused.status, refused.error) == REFUSED


@with_private_key_jwt
@in_one_world("aud", ["", TOKEN, BACKCHANNEL])
def test_each_audience_of_ciba_is_accepted_without_the_profile_and_the_issuer_with_it(fapi: Fapi, aud: str) -> None:
    """ensure-client-assertion-with-iss-aud-succeeds, and CIBA section 7.1: the issuer, the token endpoint or the
    backchannel endpoint. FAPI 2.0 Security Profile section 5.3.2.1: the issuer only.
    """
    strict = fapi.register(profile="fapi2")
    for rp in (fapi.first, strict):
        assertion = asserting(rp.signatory.sign(assertion_claims(rp.client_id, ISSUER + aud)))
        response = ask(fapi, rp, **assertion)
        if rp is strict and aud:
            assert error_of(response) == REFUSED
        else:
            assert response.status_code == 200, response.text
