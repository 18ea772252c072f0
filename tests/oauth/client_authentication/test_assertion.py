"""private_key_jwt and client_secret_jwt: signed by the client, for us, now, once (RFC 7523, OIDC Core section 9)."""

import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from joserfc.jwk import RSAKey
from joserfc.util import json_b64encode
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from provider.app import create_app
from provider.installation import open_installation
from provider.oauth.client_authentication.store import used_assertions
from provider.oauth.clients import clients, secret_rotation
from provider.oauth.clients.metadata import InvalidMetadata, load_metadata
from provider.oauth.clients.store.client_secrets import client_secrets
from provider.oauth.http.authenticated import authenticated
from provider.oauth.http.refused import protocol_endpoint
from provider.ratelimits.counter import LimitCounter
from provider.web.call import Call
from provider.work import Installation
from provider.worker.jobs import purge
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.watched_http import WatchedClient
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
from tests.support.dpop import Prover
from tests.support.foreign_server import ForeignServer
from tests.support.installation import ISSUER, Work
from tests.support.limits import Lower
from tests.support.relying_party import INTROSPECT, REVOKE, TOKEN, RelyingParty, basic

SERVICE: dict[str, Any] = {"grant_types": ("client_credentials",), "redirect_uris": (), "scope": "api"}
PRIVATE_KEY: dict[str, Any] = SERVICE | {"token_endpoint_auth_method": "private_key_jwt"}
SECRET: dict[str, Any] = SERVICE | {"token_endpoint_auth_method": "client_secret_jwt"}
FAPI: dict[str, Any] = PRIVATE_KEY | {"profile": "fapi2", "id_token_signed_response_alg": "ES256"}
TOKEN_URL = ISSUER + TOKEN


@pytest.fixture
def service(register: Register) -> RelyingParty:
    """A client that signs with ES256."""
    return register(**PRIVATE_KEY, jwks=Signatory().jwks)


def send(rp: RelyingParty, assertion: str, url: str = TOKEN, **body: str) -> httpx2.Response:
    form = {"grant_type": "client_credentials", **asserting(assertion), **body}
    headers = {} if rp.prover is None else {"dpop": rp.prover.proof("POST", ISSUER + url)}
    return rp.http.post(url, data=form, headers=headers)


def claims(rp: RelyingParty, **changes: Any) -> dict[str, Any]:
    return assertion_claims(rp.client_id, ISSUER, **changes)


def assert_invalid_client(response: httpx2.Response) -> None:
    """RFC 7521 section 4.2.1."""
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_each_algorithm_works(register: Register, alg: str) -> None:
    signatory = Signatory.of(alg)
    rp = register(**PRIVATE_KEY, jwks=signatory.jwks)
    assert send(rp, signatory.sign(claims(rp))).status_code == 200


def test_a_secret_can_key_the_signature(register: Register) -> None:
    """OIDC Core section 9, client_secret_jwt."""
    rp = register(**SECRET)
    assert rp.client_credentials().status == 200


def test_every_endpoint_that_asks_for_the_client_takes_it(register: Register) -> None:
    """Token, introspection and revocation; `aud` is the issuer, the token endpoint, or the endpoint called."""
    rp = register(**PRIVATE_KEY, jwks=Signatory().jwks)
    token = rp.client_credentials().access_token
    for url in (INTROSPECT, REVOKE):
        for audience in (ISSUER, TOKEN_URL, ISSUER + url):
            answer = send(rp, rp.signatory.sign(claims(rp, aud=audience)), url, token=token)
            assert answer.status_code == 200, (url, audience)


@pytest.mark.parametrize("aud", [ISSUER, TOKEN_URL, [ISSUER], [ISSUER, TOKEN_URL]])
def test_the_audience_may_be_any_name_of_ours(service: RelyingParty, aud: Any) -> None:
    """OIDC Core section 9; oidcc-server and oidcc-ensure-client-assertion-with-iss-aud-succeeds."""
    assert send(service, service.signatory.sign(claims(service, aud=aud))).status_code == 200


FOREIGN = [
    None,
    "",
    [],
    "https://other.example.test",
    ISSUER + "/",
    ISSUER[:-1],
    ISSUER.upper(),
    ISSUER + ".evil.test",
    TOKEN_URL + "/",
    ISSUER + INTROSPECT,
    [ISSUER, "https://other.example.test"],
    [[ISSUER]],
    {"iss": ISSUER},
    7,
]


@in_one_world("aud", FOREIGN)
def test_an_assertion_for_somebody_else_is_refused(service: RelyingParty, unchanged: Unchanged, aud: Any) -> None:
    """A-38."""
    with unchanged():
        assert_invalid_client(send(service, service.signatory.sign(claims(service, aud=aud))))


def test_dates_may_have_a_fraction(service: RelyingParty, clock: Clock) -> None:
    """N-623: RFC 7519 section 2, NumericDate; the assertion still counts once, as long as it is valid."""
    now = int(clock.now.timestamp())
    assertion = service.signatory.sign(claims(service, exp=now + 60.1, iat=now - 0.5, nbf=now - 0.5))
    assert [send(service, assertion).status_code for _ in range(2)] == [200, 401]
    clock.advance(seconds=70.5)
    assert send(service, assertion).status_code == 401


class TestFapi:
    """FAPI 2.0 Security Profile Final, section 5.3.2.1 (fapi2-security-profile-final-par-test-*-as-audience-fails)."""

    def test_the_audience_is_the_issuer_as_one_string(self, register: Register) -> None:
        rp = register(**FAPI, jwks=Signatory().jwks)
        rp.prover = Prover()
        assert send(rp, rp.signatory.sign(claims(rp))).status_code == 200
        for aud in (TOKEN_URL, [ISSUER], *FOREIGN):
            assert_invalid_client(send(rp, rp.signatory.sign(claims(rp, aud=aud))))

    def test_rs256_is_refused_and_ps256_works(self, register: Register) -> None:
        """ensure-signed-client-assertion-with-RS256-fails, with the very same key."""
        key = usual_key("RS256")
        rp = register(**FAPI, jwks={"keys": [public(key, kid="k")]})
        rp.prover = Prover()
        assert_invalid_client(send(rp, sign(claims(rp), key, alg="RS256", kid="k")))
        assert send(rp, sign(claims(rp), key, alg="PS256", kid="k")).status_code == 200


@in_one_world(
    "changes",
    [
        {"iss": None},
        {"sub": None},
        {"iss": "somebody"},
        {"sub": "somebody"},
        {"iss": ["x"]},
        {"sub": 7},
        {"exp": None},
        {"exp": lambda now: now - 300},
        {"exp": lambda now: now + 611},  # ten minutes and the leeway
        {"exp": lambda now: str(now + 60)},
        {"exp": lambda now: now - 10.5},
        {"exp": lambda _now: True},
        {"iat": lambda now: now + 61},
        {"nbf": lambda now: now + 61},
        {"nbf": str},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": ["x"]},
    ],
)
def test_claims_that_are_wrong_are_refused(
    service: RelyingParty, unchanged: Unchanged, clock: Clock, changes: dict[str, Any]
) -> None:
    """RFC 7523 section 3; A-39. Nothing is stored: a refused assertion uses no jti up."""
    now = int(clock.now.timestamp())
    made = {name: value(now) if callable(value) else value for name, value in changes.items()}
    with unchanged():
        assert_invalid_client(send(service, service.signatory.sign(claims(service, **made))))


def test_a_clock_eight_seconds_ahead_is_forgiven(service: RelyingParty, clock: Clock) -> None:
    """A-39; fapi2-...-nbf-8-seconds-in-the-future-is-accepted."""
    ahead = int(clock.now.timestamp()) + 8
    assert send(service, service.signatory.sign(claims(service, iat=ahead, nbf=ahead))).status_code == 200


class TestOnce:
    """A-39: the same jti at any endpoint, on any node, after any restart."""

    def test_a_second_use_is_refused_wherever_it_comes(
        self, service: RelyingParty, installation: Installation, unchanged: Unchanged
    ) -> None:
        assertion = service.signatory.sign(claims(service))
        assert send(service, assertion).status_code == 200
        with unchanged():
            for url in (TOKEN, INTROSPECT, REVOKE):
                assert_invalid_client(send(service, assertion, url, token="x"))
            restarted = open_installation(installation.settings, clock=installation.clock, counter=LimitCounter())
            other = create_app(restarted)
            answer = WatchedClient(other, ISSUER).post(
                TOKEN, data={"grant_type": "client_credentials", **asserting(assertion)}
            )
            assert_invalid_client(answer)
            other.state.threads.close()
            restarted.database.close()

    def test_an_assertion_is_used_up_even_if_the_request_fails(self, service: RelyingParty) -> None:
        assertion = service.signatory.sign(claims(service))
        assert send(service, assertion, grant_type="password").json()["error"] == "unsupported_grant_type"
        assert_invalid_client(send(service, assertion))

    @pytest.mark.both_databases
    def test_two_clients_may_have_the_same_one(self, service: RelyingParty, register: Register) -> None:
        """A-76: no client can use up another's."""
        other = register(**PRIVATE_KEY, jwks=Signatory().jwks)
        for rp in (service, other):
            assert send(rp, rp.signatory.sign(claims(rp, jti="the same"))).status_code == 200

    @pytest.mark.both_databases
    def test_it_is_forgotten_when_it_could_not_be_used_again(
        self, service: RelyingParty, clock: Clock, installation: Installation, work: Work
    ) -> None:
        assertion = service.signatory.sign(claims(service))
        assert send(service, assertion).status_code == 200
        clock.advance(seconds=65)
        purge(installation)
        assert_invalid_client(send(service, assertion))
        clock.advance(seconds=70)
        purge(installation)
        with work() as w:
            assert w.read.scalar(select(func.count()).select_from(used_assertions)) == 0
        assert_invalid_client(send(service, assertion))

    def test_the_same_jti_in_a_later_assertion_is_another_one(self, service: RelyingParty, clock: Clock) -> None:
        """Unique until it could no longer be accepted, and no longer."""
        now = int(clock.now.timestamp())
        assert send(service, service.signatory.sign(claims(service, jti="x", exp=now + 60))).status_code == 200
        clock.advance(seconds=120)
        later = service.signatory.sign(claims(service, jti="x", exp=now + 180, iat=now + 120))
        assert send(service, later).status_code == 200
        assert_invalid_client(send(service, later))

    @pytest.mark.both_databases
    def test_a_request_that_begins_anew_for_the_network_is_not_its_own_replay(
        self, service: RelyingParty, app: Starlette
    ) -> None:
        """`work.outbound` after the client was authenticated: the function runs twice, the assertion counts once."""
        runs: list[str] = []

        @protocol_endpoint
        def asks_somebody(call: Call) -> Response:
            request = authenticated(call, "token")
            runs.append(request.client.client_id)
            _ = request.work.outbound
            return PlainTextResponse(f"{len(request.checks.done)} checks", headers={"cache-control": "no-store"})

        app.router.routes.insert(0, Route("/test/asks", asks_somebody, methods=["POST"]))
        assertion = service.signatory.sign(claims(service))
        answer = send(service, assertion, "/test/asks")
        assert (answer.status_code, runs) == (200, [service.client_id] * 2)
        assert_invalid_client(send(service, assertion, "/test/asks"))


NONE_SPELLINGS = ["none", "None", "NONE", "nOnE"]


class TestSignature:
    @in_one_world("alg", NONE_SPELLINGS)
    def test_an_assertion_without_signature_is_rejected(self, service: RelyingParty, alg: str) -> None:
        """A-40: alg none in every spelling, with an empty signature and with that of another token."""
        head, body, signature = service.signatory.sign(claims(service)).split(".")
        other = service.signatory.sign(claims(service)).split(".")[1]
        header = json_b64encode({"alg": alg, "kid": "key-1"}).decode()
        for assertion in (f"{header}.{body}.", f"{header}.{body}.{signature}", f"{head}.{other}.{signature}"):
            assert_invalid_client(send(service, assertion))

    @pytest.mark.parametrize(
        "material",
        [
            lambda key: key.as_pem(private=False),
            lambda key: key.as_der(private=False),
            lambda key: str(key.as_dict(private=False)["n"]).encode(),
        ],
    )
    def test_a_public_key_is_not_accepted_as_an_hmac_secret(
        self, register: Register, material: Callable[[RSAKey], bytes]
    ) -> None:
        """A-41: HS256 with what everybody knows."""
        key = usual_key("RS256")
        assert isinstance(key, RSAKey)
        rp = register(**PRIVATE_KEY, jwks={"keys": [public(key, kid="k")]})
        assert_invalid_client(send(rp, mac(claims(rp), material(key), kid="k")))

    def test_a_client_secret_is_not_accepted_for_private_key_jwt(self, register: Register) -> None:
        """A-41: an RS256 assertion of an HMAC client."""
        rp = register(**SECRET)
        assert_invalid_client(send(rp, Signatory.of("RS256").sign(claims(rp))))
        assert_invalid_client(send(rp, mac(claims(rp), "x" * 43)))
        assert rp.secret
        assert_invalid_client(send(rp, mac(claims(rp), rp.secret, alg="HS512")))

    def test_keys_that_the_header_brings_are_not_looked_at(
        self, service: RelyingParty, foreign_server: ForeignServer
    ) -> None:
        """A-43: and nobody is asked for any."""
        attacker = new_key()
        for header in (
            {"jwk": public(attacker)},
            {"jku": foreign_server.url("/jwks.json")},
            {"x5u": foreign_server.url("/cert.pem")},
            {"x5c": ["MIIB"]},
            {"jwk": public(attacker), "kid": None},
            {"jku": foreign_server.url(), "kid": "another"},
        ):
            given: dict[str, Any] = {"kid": "key-1", **header}
            assert_invalid_client(send(service, sign(claims(service), attacker, **given)))
        for extra in ({"crit": ["x"], "x": 1}, {"b64": False}):
            assert_invalid_client(send(service, service.signatory.sign(claims(service), **extra)))
        assert foreign_server.connections == 0

    def test_another_clients_key_is_not_this_ones(self, service: RelyingParty, register: Register) -> None:
        other = Signatory(key=new_key())
        register(**PRIVATE_KEY, jwks=other.jwks)
        assert_invalid_client(send(service, other.sign(claims(service))))

    def test_a_key_is_for_what_it_says(self, register: Register) -> None:
        """RFC 8725 section 3.1: `use`, `alg` and `kid` of the key decide, not the header."""
        rsa = usual_key("RS256")
        for about, alg in (({"use": "enc"}, "RS256"), ({"alg": "PS256"}, "RS256"), ({"alg": "RSA-OAEP"}, "RS256")):
            rp = register(**PRIVATE_KEY, jwks={"keys": [public(rsa, kid="k", **about)]})
            assert_invalid_client(send(rp, sign(claims(rp), rsa, alg=alg, kid="k")))
        rp = register(**PRIVATE_KEY, jwks={"keys": [public(rsa, kid="k")]})
        assert_invalid_client(send(rp, sign(claims(rp), rsa, alg="RS256", kid="other")))
        assert send(rp, sign(claims(rp), rsa, alg="RS256")).status_code == 200

    def test_only_the_registered_algorithm_counts(self, register: Register) -> None:
        """OIDC Registration section 2, token_endpoint_auth_signing_alg."""
        rsa = usual_key("RS256")
        given = {"jwks": {"keys": [public(rsa, kid="k")]}, "token_endpoint_auth_signing_alg": "PS256"}
        rp = register(**PRIVATE_KEY, **given)
        assert_invalid_client(send(rp, sign(claims(rp), rsa, alg="RS256", kid="k")))
        assert send(rp, sign(claims(rp), rsa, alg="PS256", kid="k")).status_code == 200

    @pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "oauth-authz-req+jwt", "logout+jwt", ""])
    def test_another_kind_of_jwt_is_no_assertion(self, service: RelyingParty, typ: str) -> None:
        """RFC 8725 section 3.11."""
        assert_invalid_client(send(service, service.signatory.sign(claims(service), typ=typ)))

    @pytest.mark.parametrize(
        "typ", ["JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"]
    )
    def test_its_own_kind_is(self, service: RelyingParty, typ: str) -> None:
        assert send(service, service.signatory.sign(claims(service), typ=typ)).status_code == 200


class TestOneWay:
    """A-35."""

    def test_two_client_authentication_methods_are_rejected(self, service: RelyingParty, register: Register) -> None:
        other = register(**SERVICE)
        assert other.secret
        assertion = service.signatory.sign(claims(service))
        headers = {"authorization": basic(other.client_id, other.secret)}
        form = {"grant_type": "client_credentials", **asserting(assertion)}
        for answer in (
            service.http.post(TOKEN, data=form, headers=headers),
            send(service, assertion, client_secret="x" * 43),
            service.http.post(TOKEN, data=form, headers={"authorization": "Bearer x"}),
        ):
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        twice = f"grant_type=client_credentials&client_assertion={assertion}&client_assertion={assertion}"
        content_type = {"content-type": "application/x-www-form-urlencoded"}
        answer = service.http.post(TOKEN, content=twice, headers=content_type)
        assert answer.json()["error"] == "invalid_request"
        assert send(service, assertion).status_code == 200

    def test_the_body_may_name_the_client_and_no_other(self, service: RelyingParty, register: Register) -> None:
        """RFC 7521 section 4.2; fapi2-...-ensure-client-id-in-token-endpoint."""
        other = register(**PRIVATE_KEY, jwks=Signatory().jwks)
        assertion = service.signatory.sign(claims(service))
        assert_invalid_client(send(service, assertion, client_id=other.client_id))
        assert send(service, assertion, client_id=service.client_id).status_code == 200

    @pytest.mark.parametrize(
        "body",
        [
            {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
            {"client_assertion_type": ""},
            {"client_assertion": ""},
            {"client_assertion": "x.y.z"},
        ],
    )
    def test_what_is_no_jwt_assertion_is_refused(self, service: RelyingParty, body: dict[str, str]) -> None:
        form = {"grant_type": "client_credentials", **asserting(service.signatory.sign(claims(service))), **body}
        assert_invalid_client(service.http.post(TOKEN, data=form))

    def test_the_registered_method_and_no_other(self, service: RelyingParty, register: Register) -> None:
        """A client with keys that shows a secret or nothing, and one with a secret that signs."""
        for body in ({"client_id": service.client_id}, {"client_id": service.client_id, "client_secret": "x" * 43}):
            answer = service.http.post(TOKEN, data={"grant_type": "client_credentials", **body})
            assert_invalid_client(answer)
        for method in ("client_secret_basic", "client_secret_post"):
            rp = register(**SERVICE, token_endpoint_auth_method=method, jwks=Signatory().jwks)
            assert rp.secret
            assert_invalid_client(send(rp, rp.signatory.sign(claims(rp))))
            assert_invalid_client(send(rp, mac(claims(rp), rp.secret)))
        rp = register(**SECRET)
        assert rp.secret
        for shown in ({"authorization": basic(rp.client_id, rp.secret)}, {}):
            form = {} if shown else {"client_id": rp.client_id, "client_secret": rp.secret}
            answer = rp.http.post(TOKEN, data={"grant_type": "client_credentials", **form}, headers=shown)
            assert_invalid_client(answer)

    def test_an_assertion_in_the_url_is_never_honoured(self, service: RelyingParty) -> None:
        assertion = service.signatory.sign(claims(service))
        url = f"{TOKEN}?client_assertion={assertion}"
        answer = service.http.post(url, data={"grant_type": "client_credentials", "client_id": service.client_id})
        assert answer.json()["error"] == "invalid_request"


class TestSecretsAsKeys:
    """A secret that keys an HMAC is kept encrypted; every other one only as a digest."""

    def stored(self, work: Work, client_id: str) -> list[str | None]:
        with work() as w:
            query = select(client_secrets.c.sealed).where(client_secrets.c.client_id == client_id)
            return list(w.read.scalars(query.order_by(client_secrets.c.created_at, client_secrets.c.id)))

    def test_it_is_encrypted_and_only_where_it_is_needed(self, register: Register, work: Work) -> None:
        rp = register(**SECRET)
        (sealed,) = self.stored(work, rp.client_id)
        assert sealed is not None
        assert rp.secret
        assert rp.secret not in sealed
        for method in ("client_secret_basic", "client_secret_post"):
            assert self.stored(work, register(**SERVICE, token_endpoint_auth_method=method).client_id) == [None]
        assert self.stored(work, register(**PRIVATE_KEY, jwks=Signatory().jwks).client_id) == []

    def test_after_a_rotation_both_work_until_the_old_one_ends(
        self, register: Register, work: Work, clock: Clock, installation: Installation
    ) -> None:
        rp = register(**SECRET)
        old = rp.secret
        with work() as w:
            new = secret_rotation.rotate_secret(w, rp.client_id)
        assert None not in self.stored(work, rp.client_id)
        for secret in (old, new):
            rp.secret = secret
            assert rp.client_credentials().status == 200
        clock.advance(secret_rotation.ROTATION_OVERLAP)
        now = int(clock.now.timestamp())
        for secret, status in ((old, 401), (new, 200)):
            assert secret
            made = mac(claims(rp, iat=now, exp=now + 60), secret)
            assert send(rp, made).status_code == status
        clock.advance(seconds=1)
        purge(installation)
        assert len(self.stored(work, rp.client_id)) == 1

    def test_a_client_that_changes_its_method_leaves_no_secret_behind(self, register: Register, work: Work) -> None:
        rp = register(**SECRET)
        metadata = rp.client.metadata
        for change in ({"token_endpoint_auth_method": "client_secret_basic"}, {}):
            given = metadata.as_json() | change
            with work() as w:
                clients.update_client(w, rp.client_id, load_metadata(given))
            sealed = self.stored(work, rp.client_id)
            assert sealed == [None]
        # Back at client_secret_jwt there is a secret of which only the digest is known.
        answer = rp.client_credentials()
        assert answer.status == 401
        with work() as w:
            rp.secret = secret_rotation.rotate_secret(w, rp.client_id)
        assert rp.client_credentials().status == 200

    def test_the_explanation_says_what_to_do(self, register: Register, work: Work, explain: Explain) -> None:
        rp = register(**SERVICE)
        with work() as w:
            given = rp.client.metadata.as_json() | {"token_endpoint_auth_method": "client_secret_jwt"}
            clients.update_client(w, rp.client_id, load_metadata(given))
        assert rp.secret
        answer = send(rp, mac(claims(rp), rp.secret))
        assert "rotate-secret" in explain(answer.json()["error_id"]).checks[-1]["fix"]

    def test_a_client_without_a_secret_has_none_to_rotate(self, service: RelyingParty, work: Work) -> None:
        assert service.secret is None
        with work() as w, pytest.raises(InvalidMetadata):
            secret_rotation.rotate_secret(w, service.client_id)


def test_wrong_assertions_are_counted_like_wrong_secrets(service: RelyingParty, lower: Lower) -> None:
    """A-36: 429 from this network, for this client."""
    lower(client_secret="4/5minutes")
    stranger = Signatory(key=new_key())
    statuses = [send(service, stranger.sign(claims(service))).status_code for _ in range(5)]
    assert statuses == [401] * 4 + [429]


def test_a_refusal_is_explained_and_quotes_no_assertion(service: RelyingParty, explain: Explain) -> None:
    assertion = service.signatory.sign(claims(service, exp=int(time.time()) - 300))
    answer = send(service, assertion)
    row = explain(answer.json()["error_id"])
    assert row.checks[-1]["got"].startswith("it expired")
    assert assertion.split(".")[2] not in str(row)
