"""The modules of fapi2-message-signing-final-test-plan beyond those of the Security Profile.

They run with private_key_jwt, dpop, signed_non_repudiation and jarm. Each test is named after its module,
`fapi2-message-signing-final-...`.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.util import json_b64encode
from starlette.applications import Starlette

from provider.config.settings import Settings
from provider.installation import open_installation
from provider.oauth.clients.choices import FAPI2_MESSAGE_SIGNING
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.ratelimit_counter import LimitCounter
from provider.work import Installation, unit_of_work
from tests.oauth.sender_constraint.conftest import StoppedTime
from tests.oauth.watched_http import WatchedClient
from tests.support import client_keys, dpop
from tests.support.client_keys import Signatory, new_key, sign, usual_key
from tests.support.clock import Clock
from tests.support.dpop import Prover
from tests.support.factories import make_client, make_user
from tests.support.installation import ISSUER
from tests.support.relying_party import PAR, Answer, RelyingParty, sign_in_person

REFUSED = {"invalid_request_object", "invalid_request"}
MEMBERS: dict[str, Any] = {
    "profile": FAPI2_MESSAGE_SIGNING,
    "token_endpoint_auth_method": "private_key_jwt",
    "id_token_signed_response_alg": "ES256",
    "grant_types": ("authorization_code", "refresh_token"),
    "post_logout_redirect_uris": (),
}
Make = Callable[[dict[str, Any]], str]
Register = Callable[..., RelyingParty]


@pytest.fixture(autouse=True)
def _time(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (client_keys, dpop):
        monkeypatch.setattr(module, "time", StoppedTime(clock))


@pytest.fixture
def installation(settings: Settings, clock: Clock) -> Iterator[Installation]:
    """An installation in this process for each test, with its own clock: objects are signed minutes ago."""
    installation = open_installation(settings, clock=clock, counter=LimitCounter())
    yield installation
    installation.database.close()


@pytest.fixture
def http(app: Starlette) -> WatchedClient:
    return WatchedClient(app, ISSUER)


@pytest.fixture
def browser(app: Starlette, installation: Installation) -> WatchedClient:
    """A browser in which a user is signed in."""
    browser = WatchedClient(app, ISSUER)
    with unit_of_work(installation) as work:
        user_id = make_user(work, "suite@example.test")
    sign_in_person(browser, installation, user_id)
    return browser


@pytest.fixture
def register(installation: Installation, http: WatchedClient, browser: WatchedClient) -> Register:
    """`register(profile=...)`: a client of the suite."""

    def make(**members: Any) -> RelyingParty:
        with unit_of_work(installation) as work:
            client, secret = make_client(work, **{"first_party": True, **members})
        http.may_go_to = browser.may_go_to = {"app.example.test"}
        return RelyingParty(http, client, secret)

    return make


def new_client(register: Register, **members: Any) -> RelyingParty:
    keys = Signatory(key=new_key())
    rp = register(jwks=keys.jwks, **MEMBERS | members)
    rp.signatory, rp.prover = keys, Prover()
    return rp


@pytest.fixture
def rp(register: Register) -> RelyingParty:
    return new_client(register)


def push(rp: RelyingParty, clock: Clock, *, make: Make | None = None, **changes: Any) -> tuple[Any, str]:
    """Push a request object whose claims are the request and what is said; one given as None is left out."""
    parameters, verifier = rp.request(response_mode="jwt")
    now = int(clock.now.timestamp())
    times = {"iat": now, "nbf": now, "exp": now + 300}
    claims = {**parameters, "iss": rp.client_id, "aud": ISSUER, **times, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    signed = (make or rp.signatory.sign)(claims)
    return rp.post(PAR, client_id=rp.client_id, request=signed), verifier


def refused(response: Any) -> bool:
    return response.status_code == 400 and response.json()["error"] in REFUSED


def sign_in(rp: RelyingParty, browser: WatchedClient, clock: Clock, **changes: Any) -> Answer:
    pushed, verifier = push(rp, clock, **changes)
    assert pushed.status_code == 201, pushed.text
    query = {"client_id": rp.client_id, "request_uri": pushed.json()["request_uri"]}
    return Answer(browser.get("/oauth2/authorize", params=query), {}, verifier)


def response_of(rp: RelyingParty, answer: Answer, clock: Clock) -> dict[str, Any]:
    """The claims of the response: one parameter in the query, a JWT for this client (JARM section 2.1)."""
    assert answer.mode == "query"
    assert set(answer.parameters) == {"response"}
    token = jwt.decode(answer.parameters["response"], KeySet.import_key_set(rp.jwks()), algorithms=["PS256"])  # type: ignore[arg-type]
    assert token.header["kid"]
    assert token.claims["iss"] == ISSUER
    assert token.claims["aud"] == rp.client_id
    assert clock.now.timestamp() < token.claims["exp"] <= clock.now.timestamp() + 600
    return token.claims


def test_happy_flow(rp: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """With both types of the object, and each parameter inside it."""
    for typ in ("JWT", "oauth-authz-req+jwt", None):
        answer = sign_in(rp, browser, clock, make=lambda claims, typ=typ: rp.signatory.sign(claims, typ=typ))
        claims = response_of(rp, answer, clock)
        tokens = rp.post(
            "/oauth2/token",
            grant_type="authorization_code",
            code=claims["code"],
            redirect_uri=rp.client.metadata.redirect_uris[0],
            code_verifier=answer.verifier,
        )
        assert tokens.status_code == 200, tokens.text
        assert tokens.json()["token_type"] == "DPoP"


def test_discovery_end_point_verification(http: WatchedClient) -> None:
    found = http.get("/.well-known/openid-configuration").json()
    assert "jwt" in found["response_modes_supported"]
    assert {"PS256", "ES256"} <= set(found["authorization_signing_alg_values_supported"])
    assert {"PS256", "ES256"} <= set(found["request_object_signing_alg_values_supported"])


def test_user_rejects_authentication_is_signed_too(
    register: Register,
    browser: WatchedClient,
    clock: Clock,
) -> None:
    """JARM section 2.1: errors are in the JWT."""
    rp = new_client(register, first_party=False)
    answer = sign_in(rp, browser, clock, prompt="none")
    assert response_of(rp, answer, clock)["error"] == "consent_required"


def test_ensure_request_object_with_multiple_aud_succeeds(rp: RelyingParty, clock: Clock) -> None:
    assert push(rp, clock, aud=["https://other.example.test", ISSUER])[0].status_code == 201


def test_ensure_request_object_without_exp_fails(rp: RelyingParty, clock: Clock) -> None:
    assert refused(push(rp, clock, exp=None)[0])


def test_ensure_request_object_without_nbf_fails(rp: RelyingParty, clock: Clock) -> None:
    assert refused(push(rp, clock, nbf=None)[0])


def test_ensure_expired_request_object_fails(rp: RelyingParty, clock: Clock) -> None:
    now = clock.now
    begun, ended = (int((now - timedelta(minutes=minutes)).timestamp()) for minutes in (10, 5))
    past: dict[str, Any] = {"nbf": begun, "exp": ended}
    assert refused(push(rp, clock, **past)[0])


@pytest.mark.parametrize("aud", ["https://other.example.test", f"{ISSUER}/oauth2/par", [], None])
def test_ensure_request_object_with_bad_aud_fails(rp: RelyingParty, clock: Clock, aud: Any) -> None:
    assert refused(push(rp, clock, aud=aud)[0])


def test_ensure_request_object_with_exp_over_60_fails(rp: RelyingParty, clock: Clock) -> None:
    assert refused(push(rp, clock, exp=int((clock.now + timedelta(minutes=70)).timestamp()))[0])


def test_ensure_request_object_with_nbf_over_60_fails(rp: RelyingParty, clock: Clock) -> None:
    assert refused(push(rp, clock, nbf=int((clock.now - timedelta(minutes=70)).timestamp()))[0])


def test_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(rp: RelyingParty, clock: Clock) -> None:
    assert push(rp, clock, nbf=int(clock.now.timestamp()) + 8)[0].status_code == 201


def test_ensure_signed_request_object_with_rs256_fails(register: Register, clock: Clock) -> None:
    keys = Signatory("PS256", key=usual_key("PS256"))
    rp = register(jwks={"keys": [client_keys.public(keys.key, kid="key-1", use="sig")]}, **MEMBERS)
    rp.signatory, rp.prover = keys, Prover()
    assert push(rp, clock)[0].status_code == 201
    assert refused(push(rp, clock, make=lambda claims: sign(claims, keys.key, alg="RS256", kid="key-1"))[0])


def test_ensure_request_object_signature_algorithm_is_not_none(rp: RelyingParty, clock: Clock) -> None:
    def unsigned(claims: dict[str, Any]) -> str:
        return (json_b64encode({"alg": "none"}) + b"." + json_b64encode(claims) + b".").decode()

    assert refused(push(rp, clock, make=unsigned)[0])


def test_ensure_request_object_with_invalid_signature_fails(rp: RelyingParty, clock: Clock) -> None:
    def broken(claims: dict[str, Any]) -> str:
        signed = rp.signatory.sign(claims)
        return signed[:-10] + ("A" * 10 if signed[-10:] != "A" * 10 else "B" * 10)

    assert refused(push(rp, clock, make=broken)[0])


def test_ensure_matching_key_in_authorization_request(
    rp: RelyingParty,
    register: Register,
    clock: Clock,
) -> None:
    other = new_client(register)
    assert refused(push(rp, clock, make=other.signatory.sign)[0])


def test_ensure_unsigned_request_at_par_endpoint_fails(rp: RelyingParty, clock: Clock) -> None:
    parameters, _ = rp.request(response_mode="jwt")
    assert refused(rp.post(PAR, **parameters))


def test_par_authorization_request_containing_request_uri(rp: RelyingParty, clock: Clock) -> None:
    assert refused(push(rp, clock, request_uri="urn:ietf:params:oauth:request_uri:" + "x" * 43)[0])


def test_parameters_beside_the_object_do_not_count(rp: RelyingParty, clock: Clock) -> None:
    """RFC 9126 section 3: without a signed response_type there is none."""
    parameters, _ = rp.request(response_mode="jwt")
    now = int(clock.now.timestamp())
    response_type = parameters.pop("response_type")
    claims = {**parameters, "iss": rp.client_id, "aud": ISSUER, "nbf": now, "exp": now + 60}
    signed = rp.signatory.sign(claims)
    assert refused(rp.post(PAR, client_id=rp.client_id, request=signed, response_type=response_type))


def test_a_response_that_is_not_signed_is_refused(rp: RelyingParty, clock: Clock) -> None:
    """FAPI 2.0 Message Signing section 5.4."""
    for mode in (None, "query", "form_post"):
        answer = push(rp, clock, response_mode=mode)[0]
        assert refused(answer)
        assert "response_mode must be jwt" in answer.json()["error_description"]


def test_introspection_responses_are_always_signed(
    rp: RelyingParty,
    browser: WatchedClient,
    clock: Clock,
) -> None:
    """FAPI 2.0 Message Signing section 5.5, RFC 9701 section 5."""
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


def test_any_client_can_be_required_to_sign_its_requests(
    register: Register,
    browser: WatchedClient,
    clock: Clock,
) -> None:
    """RFC 9101 section 10.5, also with profile fapi2 and plain responses."""
    rp = new_client(register, profile="fapi2", require_signed_request_object=True)
    parameters, _ = rp.request()
    assert refused(rp.post(PAR, **parameters))
    assert sign_in(rp, browser, clock, response_mode=None).code
    web = register(require_signed_request_object=True, jwks=KEYS)
    assert web.ask(browser).error == "invalid_request"
    with pytest.raises(InvalidMetadata, match="jwks"):
        parse_metadata({"redirect_uris": ["https://app.example.test/cb"], "require_signed_request_object": True})
