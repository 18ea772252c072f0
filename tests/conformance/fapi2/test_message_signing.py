"""The modules of fapi2-message-signing-final-test-plan beyond those of the Security Profile.

They run with signed_non_repudiation and jarm. Each test is named after its module, `fapi2-message-signing-final-...`.
Those in which the client authentication or the sender constraint matters run with each variant that is certified: the
discovery document, the whole flow, and which key signs. The others look at the request object or the response alone,
after the client authentication, and run with private_key_jwt and dpop.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.util import json_b64encode

from provider.oauth.clients.choices import FAPI2_MESSAGE_SIGNING
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from tests.conformance.fapi2.plan import CERTIFIED, HOLDER_ERRORS, Fapi, open_plan, with_variants
from tests.support.client_certificates import Shown
from tests.support.client_keys import Signatory, public, sign, usual_key
from tests.support.installation import ISSUER
from tests.support.relying_party import PAR, Answer, RelyingParty, Tokens

REFUSED = {"invalid_request_object", "invalid_request"}
Make = Callable[[dict[str, Any]], str]
with_each_variant = with_variants(CERTIFIED)


@pytest.fixture(scope="module", params=CERTIFIED[:1], ids="+".join)
def fapi(
    request: pytest.FixtureRequest,
    sqlite_template: Path,
    suite_authority: Shown,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fapi]:
    folder = tmp_path_factory.mktemp("message-signing")
    with open_plan(request.param, sqlite_template, suite_authority, folder, profile=FAPI2_MESSAGE_SIGNING) as fapi:
        yield fapi


def push(fapi: Fapi, rp: RelyingParty | None = None, *, make: Make | None = None, **changes: Any) -> tuple[Any, str]:
    """Push a request object whose claims are the request and what is said; one given as None is left out."""
    rp = rp or fapi.first
    parameters, verifier = rp.request(response_mode="jwt")
    now = int(fapi.clock.now.timestamp())
    times = {"iat": now, "nbf": now, "exp": now + 300}
    claims = {**parameters, "iss": rp.client_id, "aud": ISSUER, **times, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    signed = (make or rp.signatory.sign)(claims)
    return rp.post(PAR, client_id=rp.client_id, request=signed), verifier


def refused(response: Any) -> bool:
    return response.status_code == 400 and response.json()["error"] in REFUSED


def sign_in(fapi: Fapi, rp: RelyingParty | None = None, **changes: Any) -> Answer:
    rp = rp or fapi.first
    pushed, verifier = push(fapi, rp, **changes)
    assert pushed.status_code == 201, pushed.text
    return Answer(fapi.come(rp, pushed.json()["request_uri"]).response, {}, verifier)


def response_of(fapi: Fapi, rp: RelyingParty, answer: Answer) -> dict[str, Any]:
    """The claims of the response: one parameter in the query, a JWT for this client (JARM section 2.1)."""
    assert answer.mode == "query"
    registered = dict(parse_qsl(urlsplit(rp.client.metadata.redirect_uris[0]).query))
    assert answer.parameters == registered | {"response": answer.parameters["response"]}
    token = jwt.decode(answer.parameters["response"], KeySet.import_key_set(rp.jwks()), algorithms=["PS256"])  # type: ignore[arg-type]
    assert token.header["kid"]
    assert token.claims["iss"] == ISSUER
    assert token.claims["aud"] == rp.client_id
    assert fapi.clock.now.timestamp() < token.claims["exp"] <= fapi.clock.now.timestamp() + 600
    return token.claims


@with_each_variant
def test_happy_flow(fapi: Fapi) -> None:
    """With both types of the object, each parameter inside it, and a second client."""
    for typ, rp in (("JWT", fapi.first), ("oauth-authz-req+jwt", fapi.first), (None, fapi.second)):
        answer = sign_in(fapi, rp, make=lambda claims, typ=typ, rp=rp: rp.signatory.sign(claims, typ=typ))
        redirect_uri = rp.client.metadata.redirect_uris[0]
        given = {"code": response_of(fapi, rp, answer)["code"], "redirect_uri": redirect_uri}
        tokens = rp.redeem(answer, code_verifier=answer.verifier, **given)
        assert tokens.status == 200, tokens.body
        assert tokens.body["token_type"] == ("DPoP" if fapi.uses_dpop else "Bearer")
        rp.verify(Tokens(tokens.response))
        assert fapi.resource(rp, tokens.access_token) == 200
    assert fapi.resource(fapi.first, tokens.access_token) == 401, "client 1's proof or certificate"


@with_each_variant
def test_ensure_holder_of_key_required(fapi: Fapi) -> None:
    """Without a proof or certificate, nothing is issued."""
    rp = fapi.first
    answer, bare = sign_in(fapi), fapi.unbound(rp)
    if not fapi.uses_assertions:
        bare.certificate = None
    given = {"redirect_uri": rp.client.metadata.redirect_uris[0], "code_verifier": answer.verifier}
    given["code"] = response_of(fapi, rp, answer)["code"]
    refused = bare.redeem(answer, **given)
    assert 400 <= refused.status < 500
    assert refused.error in HOLDER_ERRORS
    assert rp.redeem(answer, **given).status == 200


@with_each_variant
def test_ensure_client_id_in_token_endpoint(fapi: Fapi) -> None:
    """Client 1's credentials with client 2's client_id."""
    refused = fapi.first.redeem(sign_in(fapi), code="x", client_id=fapi.second.client_id)
    assert refused.error in {"invalid_client", "invalid_grant"}


@with_each_variant
def test_discovery_end_point_verification(fapi: Fapi) -> None:
    found = fapi.http.get("/.well-known/openid-configuration").json()
    assert "jwt" in found["response_modes_supported"]
    assert {"PS256", "ES256"} <= set(found["authorization_signing_alg_values_supported"])
    assert {"PS256", "ES256"} <= set(found["request_object_signing_alg_values_supported"])
    methods = {rp.client.metadata.token_endpoint_auth_method for rp in (fapi.first, fapi.second)}
    assert methods <= set(found["token_endpoint_auth_methods_supported"])
    assert found["tls_client_certificate_bound_access_tokens"] is True


def test_user_rejects_authentication_is_signed_too(fapi: Fapi) -> None:
    """JARM section 2.1: errors are in the JWT."""
    rp = fapi.register(first_party=False)
    answer = sign_in(fapi, rp, prompt="none")
    assert response_of(fapi, rp, answer)["error"] == "consent_required"


def test_ensure_request_object_with_multiple_aud_succeeds(fapi: Fapi) -> None:
    assert push(fapi, aud=["https://other.example.test", ISSUER])[0].status_code == 201


def test_ensure_request_object_without_exp_fails(fapi: Fapi) -> None:
    assert refused(push(fapi, exp=None)[0])


def test_ensure_request_object_without_nbf_fails(fapi: Fapi) -> None:
    assert refused(push(fapi, nbf=None)[0])


def test_ensure_expired_request_object_fails(fapi: Fapi) -> None:
    now = fapi.clock.now
    begun, ended = (int((now - timedelta(minutes=minutes)).timestamp()) for minutes in (10, 5))
    past: dict[str, Any] = {"nbf": begun, "exp": ended}
    assert refused(push(fapi, **past)[0])


@pytest.mark.parametrize("aud", ["https://other.example.test", f"{ISSUER}/oauth2/par", [], None])
def test_ensure_request_object_with_bad_aud_fails(fapi: Fapi, aud: Any) -> None:
    assert refused(push(fapi, aud=aud)[0])


def test_ensure_request_object_with_exp_over_60_fails(fapi: Fapi) -> None:
    assert refused(push(fapi, exp=int((fapi.clock.now + timedelta(minutes=70)).timestamp()))[0])


def test_ensure_request_object_with_nbf_over_60_fails(fapi: Fapi) -> None:
    assert refused(push(fapi, nbf=int((fapi.clock.now - timedelta(minutes=70)).timestamp()))[0])


def test_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(fapi: Fapi) -> None:
    assert push(fapi, nbf=int(fapi.clock.now.timestamp()) + 8)[0].status_code == 201


def test_ensure_signed_request_object_with_rs256_fails(fapi: Fapi) -> None:
    keys = Signatory("PS256", key=usual_key("PS256"))
    rp = fapi.register(signatory=keys, jwks={"keys": [public(keys.key, kid="key-1", use="sig")]})
    assert push(fapi, rp)[0].status_code == 201
    assert refused(push(fapi, rp, make=lambda claims: sign(claims, keys.key, alg="RS256", kid="key-1"))[0])


def test_ensure_request_object_signature_algorithm_is_not_none(fapi: Fapi) -> None:
    def unsigned(claims: dict[str, Any]) -> str:
        return (json_b64encode({"alg": "none"}) + b"." + json_b64encode(claims) + b".").decode()

    assert refused(push(fapi, make=unsigned)[0])


def test_ensure_request_object_with_invalid_signature_fails(fapi: Fapi) -> None:
    def broken(claims: dict[str, Any]) -> str:
        signed = fapi.first.signatory.sign(claims)
        return signed[:-10] + ("A" * 10 if signed[-10:] != "A" * 10 else "B" * 10)

    assert refused(push(fapi, make=broken)[0])


@with_each_variant
def test_ensure_matching_key_in_authorization_request(fapi: Fapi) -> None:
    assert refused(push(fapi, make=fapi.second.signatory.sign)[0])


@with_each_variant
def test_ensure_unsigned_request_at_par_endpoint_fails(fapi: Fapi) -> None:
    parameters, _ = fapi.first.request(response_mode="jwt")
    assert refused(fapi.first.post(PAR, **parameters))


def test_par_authorization_request_containing_request_uri(fapi: Fapi) -> None:
    assert refused(push(fapi, request_uri="urn:ietf:params:oauth:request_uri:" + "x" * 43)[0])


def test_parameters_beside_the_object_do_not_count(fapi: Fapi) -> None:
    """RFC 9126 section 3: without a signed response_type there is none."""
    rp = fapi.first
    parameters, _ = rp.request(response_mode="jwt")
    now = int(fapi.clock.now.timestamp())
    response_type = parameters.pop("response_type")
    claims = {**parameters, "iss": rp.client_id, "aud": ISSUER, "nbf": now, "exp": now + 60}
    signed = rp.signatory.sign(claims)
    assert refused(rp.post(PAR, client_id=rp.client_id, request=signed, response_type=response_type))


def test_a_response_that_is_not_signed_is_refused(fapi: Fapi) -> None:
    """FAPI 2.0 Message Signing section 5.4."""
    for mode in (None, "query", "form_post"):
        answer = push(fapi, response_mode=mode)[0]
        assert refused(answer)
        assert "response_mode must be jwt" in answer.json()["error_description"]


@with_each_variant
def test_introspection_responses_are_always_signed(fapi: Fapi) -> None:
    """FAPI 2.0 Message Signing section 5.5, RFC 9701 section 5."""
    rp = fapi.first
    response = rp.post("/oauth2/introspect", token="unknown")
    assert response.headers["content-type"] == "application/token-introspection+jwt"
    token = jwt.decode(response.text, KeySet.import_key_set(rp.jwks()), algorithms=["PS256"])  # type: ignore[arg-type]
    assert token.header["typ"] == "token-introspection+jwt"
    assert token.claims["token_introspection"] == {"active": False}
    assert token.claims["aud"] == rp.client_id


KEYS = {"keys": [Signatory().jwk]}
VALID: dict[str, Any] = {
    "profile": FAPI2_MESSAGE_SIGNING,
    "token_endpoint_auth_method": "private_key_jwt",
    "id_token_signed_response_alg": "ES256",
    "jwks": KEYS,
    "redirect_uris": ["https://app.example.test/cb"],
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"token_endpoint_auth_method": "client_secret_basic"}, "private_key_jwt"),
        ({"require_pkce": False}, "require_pkce"),
        ({"request_object_signing_alg": "RS256"}, "RS256"),
        ({"response_modes": ["query", "form_post"]}, "query.jwt"),
        ({"grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"]}, "device_code"),
        ({"authorization_challenge": True, "first_party": True}, "authorization_challenge"),
    ],
)
def test_a_client_that_cannot_keep_the_profile_is_refused_with_the_reason(changes: dict[str, Any], said: str) -> None:
    assert parse_metadata(VALID).signs_messages
    with pytest.raises(InvalidMetadata) as refusal:
        parse_metadata(VALID | changes)
    assert said in str(refusal.value)


def test_any_client_can_be_required_to_sign_its_requests(fapi: Fapi) -> None:
    """RFC 9101 section 10.5, also with profile fapi2 and plain responses."""
    rp = fapi.register(profile="fapi2", require_signed_request_object=True)
    parameters, _ = rp.request()
    assert refused(rp.post(PAR, **parameters))
    assert sign_in(fapi, rp, response_mode=None).code
    web = fapi.register(profile="none", require_signed_request_object=True)
    assert web.ask(fapi.browser()).error == "invalid_request"
    with pytest.raises(InvalidMetadata, match="jwks"):
        parse_metadata({"redirect_uris": ["https://app.example.test/cb"], "require_signed_request_object": True})
