"""The key ring of a process: what it signs and verifies with, and when it looks again."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import delete, update

from provider.app import create_app
from provider.config.environment import SettingsError
from provider.jose.algorithms import ES256, SIGNING_ALGORITHMS
from provider.jose.signed_jwts import read_jwt
from provider.oauth.keys import key_ring as keys
from provider.oauth.keys import requested_algorithms, rotation
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys.key_ring import SignatureRefused
from provider.oauth.tokens.server import AuthorizationServer
from provider.work import Installation
from tests.oauth.conftest import Person, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import RelyingParty

pytestmark = [pytest.mark.also_on_postgresql, pytest.mark.usefixtures("rsa_keys_made_before")]


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text: str) -> int:
    return int.from_bytes(raw(text))


def verify_rsa(jwk: dict[str, str], signature: bytes, signed: bytes, how: padding.AsymmetricPadding) -> None:
    rsa.RSAPublicNumbers(number(jwk["e"]), number(jwk["n"])).public_key().verify(signature, signed, how, SHA256())


def verify_rs256(jwk: dict[str, str], signature: bytes, signed: bytes) -> None:
    verify_rsa(jwk, signature, signed, padding.PKCS1v15())


def verify_ps256(jwk: dict[str, str], signature: bytes, signed: bytes) -> None:
    verify_rsa(jwk, signature, signed, padding.PSS(padding.MGF1(SHA256()), salt_length=32))


def verify_es256(jwk: dict[str, str], signature: bytes, signed: bytes) -> None:
    public = ec.EllipticCurvePublicNumbers(number(jwk["x"]), number(jwk["y"]), ec.SECP256R1()).public_key()
    assert len(signature) == 64
    both = utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    public.verify(both, signed, ec.ECDSA(SHA256()))


def verify_ed25519(jwk: dict[str, str], signature: bytes, signed: bytes) -> None:
    assert (jwk["kty"], jwk["crv"]) == ("OKP", "Ed25519")
    ed25519.Ed25519PublicKey.from_public_bytes(raw(jwk["x"])).verify(signature, signed)


VERIFIERS: dict[str, Callable[[dict[str, str], bytes, bytes], None]] = {
    "RS256": verify_rs256,
    "PS256": verify_ps256,
    "ES256": verify_es256,
    "EdDSA": verify_ed25519,
    "Ed25519": verify_ed25519,
}
"""Written from RFC 7518 and RFC 8037 alone, without the library that signs."""


@pytest.mark.parametrize("alg", SIGNING_ALGORITHMS)
def test_a_signature_verifies_by_the_specification_with_the_published_key(
    server: AuthorizationServer, rp: RelyingParty, work: Work, alg: str
) -> None:
    """RFC 7518 sections 3.3 to 3.5, RFC 8037 section 3.1, RFC 9864 section 2.2; decision 23."""
    with work() as w:
        token = server.keys.signer(w, alg).sign({"sub": "ada"}, typ="JWT")
    head, body, signature = token.split(".")
    header = json.loads(raw(head))
    (jwk,) = (key for key in rp.jwks()["keys"] if key["kid"] == header["kid"])
    assert header["alg"] == alg == jwk["alg"]
    VERIFIERS[alg](jwk, raw(signature), f"{head}.{body}".encode())
    with pytest.raises(InvalidSignature):
        VERIFIERS[alg](jwk, raw(signature), f"{head}.{body}x".encode())


@pytest.mark.parametrize("alg", SIGNING_ALGORITHMS)
def test_a_key_is_good_for_its_one_algorithm(server: AuthorizationServer, work: Work, alg: str) -> None:
    """RFC 8725 section 3.1; A-40, A-41: the key decides, whatever else its material could do."""
    with work() as w:
        signer = server.keys.signer(w, alg)
        token = signer.sign({"sub": "ada"}, typ="JWT")
        assert server.keys.verify(w, token, typ="jwt") == {"sub": "ada"}
        for other in SIGNING_ALGORITHMS:
            sold_as = keys.Signer(signer.kid, other, server.keys.signer(w, other).key)
            if other != alg:
                with pytest.raises(SignatureRefused):
                    server.keys.verify(w, sold_as.sign({"sub": "ada"}, typ="JWT"), typ="jwt")


def test_another_node_sees_a_new_key_at_once(
    rp: RelyingParty, browser: WatchedClient, work: Work, installation: Installation, clock: Clock
) -> None:
    """A-108: two nodes serve the same set; an unknown kid is looked up, whatever the cache says."""
    node = create_app(installation)
    other = WatchedClient(node, ISSUER)
    assert other.get("/oauth2/jwks").status_code == 200
    object.__setattr__(node.state.oauth.keys.installation.settings, "key_cache", 300.0)
    clock.advance(seconds=1)
    with work() as w:
        rotation.rotate(w, at_once=True)
    rp.http.app.state.oauth.keys._ring = None  # type: ignore[attr-defined]  # the node that rotated
    token = rp.sign_in(browser).access_token
    response = other.get("/oauth2/userinfo", headers={"authorization": f"Bearer {token}"})
    assert response.status_code == 200
    node.state.threads.close()


def test_without_a_current_key_nothing_is_signed(work: Work, installation: Installation) -> None:
    """A-128: a clear line instead of a token nobody can verify."""
    with work() as w:
        w.db.execute(update(signing_keys.signing_keys).values(state="retired"))
    with work() as w, pytest.raises(SettingsError, match="no current signing key for RS256, ES256, EdDSA"):
        keys.Keys(installation).ring(w)


def test_a_key_of_a_later_version_is_left_alone(work: Work, installation: Installation) -> None:
    """Migrations are safe while the version before still runs."""
    with work() as w:
        row = rotation.list_keys(w)[0]
        later = {**row.__dict__, "kid": "later", "alg": "ML-DSA-44", "public": {"kty": "AKP"}, "private": "?"}
        w.db.execute(signing_keys.signing_keys.insert(), later)
    with work() as w:
        ring = keys.Keys(installation).ring(w)
    assert "AKP" not in {key["kty"] for key in json.loads(ring.jwks)["keys"]}


def test_a_key_is_parsed_once(
    work: Work, installation: Installation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import costs 27 ms (decision 60)."""
    ring = keys.Keys(installation)
    with work() as w:
        first = ring.signer(w).key
    monkeypatch.setattr("provider.oauth.keys.key_pairs.import_key", None)
    clock.advance(hours=1)
    with work() as w:
        assert ring.signer(w).key is first


@pytest.mark.parametrize("alg", SIGNING_ALGORITHMS)
def test_a_client_gets_the_algorithm_it_is_registered_for(register: Register, browser: WatchedClient, alg: str) -> None:
    """OIDC Registration section 2, id_token_signed_response_alg; RFC 9068 section 2.1: access tokens stay RS256."""
    rp = register(id_token_signed_response_alg=alg)
    tokens = rp.sign_in(browser, scope="openid offline_access")
    assert read_jwt(tokens.id_token).alg == alg
    assert read_jwt(tokens.access_token).alg == "RS256"
    assert rp.verify(rp.refresh(tokens), refreshed=True)
    assert rp.ask(browser, prompt="none", id_token_hint=tokens.id_token).error is None
    assert rp.log_out(browser, tokens).status_code == 303


def test_the_store_lists_keys_in_order(work: Work, clock: Clock) -> None:
    for _ in range(3):
        clock.advance(days=1)
        with work() as w:
            rotation.rotate(w, alg=ES256)
    with work() as w:
        made: list[Any] = [row.created_at for row in rotation.list_keys(w)]
    assert made == sorted(made)


# Algorithms on request


def published_algorithms(http: WatchedClient) -> set[str]:
    return {key["alg"] for key in http.get("/oauth2/jwks").json()["keys"]}


def test_a_key_is_published_as_ed25519_once_a_client_is_registered_for_it(
    http: WatchedClient, register: Register, person: Person, ada: str
) -> None:
    """RFC 9864 section 2.2: MinIO rejects a whole key set in which it does not know the name of an algorithm."""
    assert published_algorithms(http) == {"RS256", "PS256", "ES256", "EdDSA"}
    rp = register(id_token_signed_response_alg="Ed25519")
    assert "Ed25519" in published_algorithms(http)
    rp.sign_in(person(ada))


def test_a_client_of_an_earlier_release_gets_its_key_published_with_its_first_token(
    http: WatchedClient, register: Register, person: Person, ada: str, work: Work
) -> None:
    """While an upgrade runs, a node of the release before registers clients and notes no algorithm."""
    rp = register(id_token_signed_response_alg="Ed25519")
    with work() as w:
        w.db.execute(delete(requested_algorithms.requested_algorithms))
    assert "Ed25519" not in published_algorithms(http)
    rp.sign_in(person(ada))
    assert "Ed25519" in published_algorithms(http)


@pytest.mark.both_databases
def test_the_first_signature_of_an_algorithm_leaves_the_way_to_other_servers_open(
    server: AuthorizationServer, work: Work
) -> None:
    """What is signed is then encrypted or delivered, perhaps with another server."""
    with work() as w:
        server.keys.signer(w, "Ed25519")
        assert w.outbound
    with work() as w:
        assert requested_algorithms.find_all(w.read) == {"Ed25519"}
        w.db.execute(delete(requested_algorithms.requested_algorithms))
        server.keys.signer(w, "Ed25519")
        assert requested_algorithms.find_all(w.read) == {"Ed25519"}
