"""JWE: to which key of a client, and what is said in the open."""

import base64
import json
from typing import Any

import pytest
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from provider.jose.algorithms import A256GCM, CURVES_OF, ENCRYPTION_ALGORITHMS
from provider.jose.encryption import choose_key, encrypt
from provider.jose.key_sets import parse_jwks
from tests.support.cases import in_one_world

Private = RSAKey | ECKey | OKPKey
SIGNED = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"


@pytest.fixture(scope="module")
def rsa() -> RSAKey:
    return RSAKey.generate_key(2048)


@pytest.fixture(scope="module")
def private(rsa: RSAKey) -> dict[str, Private]:
    """By what an algorithm calls them."""
    made: dict[str, Private] = {curve: ECKey.generate_key(curve) for curve in ("P-256", "P-384", "P-521")}
    return made | {"RSA": rsa, "X25519": OKPKey.generate_key("X25519"), "Ed25519": OKPKey.generate_key("Ed25519")}


def public(key: Private, **about: str) -> dict[str, Any]:
    return {**key.as_dict(private=False), **about}


CASES = [(alg, curve or "RSA") for alg, curves in CURVES_OF.items() for curve in curves]


@in_one_world(("alg", "kind"), CASES)
def test_only_the_holder_of_the_key_reads_it(private: dict[str, Private], alg: str, kind: str) -> None:
    """RFC 7516 section 5, RFC 7518 sections 4.3, 4.6, 5.3."""
    key = choose_key(parse_jwks({"keys": [public(private[kind], kid="1")]}), alg)
    assert key is not None
    token = encrypt(SIGNED, key, alg=alg, enc=A256GCM, nested=True)
    assert jwe.decrypt_compact(token, private[kind], algorithms=[alg, A256GCM]).plaintext == SIGNED.encode()
    other = type(private[kind]).generate_key(2048 if kind == "RSA" else kind)  # type: ignore[arg-type]
    with pytest.raises((JoseError, ValueError)):
        jwe.decrypt_compact(token, other, algorithms=[alg, A256GCM])


@pytest.mark.parametrize("nested", [True, False])
def test_the_header_says_what_is_in_it_and_nothing_is_compressed(rsa: RSAKey, *, nested: bool) -> None:
    """RFC 7519 section 5.2, cty of a nested JWT; RFC 8725 section 3.6, no zip."""
    key = choose_key(parse_jwks({"keys": [public(rsa, kid="one")]}), "RSA-OAEP-256")
    assert key is not None
    token = encrypt(SIGNED, key, alg="RSA-OAEP-256", enc=A256GCM, nested=nested)
    assert token.count(".") == 4
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    expected = {"alg": "RSA-OAEP-256", "enc": A256GCM, "typ": "JWT", "kid": "one"}
    assert header == expected | ({"cty": "JWT"} if nested else {})


def test_a_key_without_a_name_is_named_by_nobody(private: dict[str, Private]) -> None:
    """RFC 7516 section 4.1.6: kid is optional."""
    key = choose_key(parse_jwks({"keys": [public(private["P-256"])]}), "ECDH-ES")
    assert key is not None
    header = encrypt(SIGNED, key, alg="ECDH-ES", enc=A256GCM, nested=True).split(".")[0]
    assert "kid" not in json.loads(base64.urlsafe_b64decode(header + "=="))


@pytest.mark.parametrize(
    ("keys", "alg", "chosen"),
    [
        ([("RSA", {"kid": "a", "use": "sig"}), ("RSA", {"kid": "b", "use": "enc"})], "RSA-OAEP-256", "b"),
        ([("RSA", {"kid": "a"}), ("RSA", {"kid": "b", "use": "enc"})], "RSA-OAEP-256", "b"),
        ([("RSA", {"kid": "a"})], "RSA-OAEP-256", "a"),
        ([("RSA", {"kid": "a", "use": "sig"})], "RSA-OAEP-256", None),
        ([("RSA", {"kid": "a", "alg": "RS256"})], "RSA-OAEP-256", None),
        ([("RSA", {"kid": "a", "use": "enc", "alg": "RSA-OAEP"})], "RSA-OAEP-256", None),
        (
            [("RSA", {"kid": "a", "use": "enc"}), ("RSA", {"kid": "b", "use": "enc", "alg": "RSA-OAEP-256"})],
            "RSA-OAEP-256",
            "b",
        ),
        ([("P-256", {"kid": "a", "use": "enc"})], "RSA-OAEP-256", None),
        ([("RSA", {"kid": "a", "use": "enc"}), ("X25519", {"kid": "b", "use": "enc"})], "ECDH-ES", "b"),
        ([("Ed25519", {"kid": "a"})], "ECDH-ES", None),
        ([("P-256", {"kid": "a", "use": "enc"}), ("P-384", {"kid": "b", "use": "enc"})], "ECDH-ES", "a"),
    ],
)
def test_the_key_is_one_that_may_be_encrypted_to(
    private: dict[str, Private], keys: list[tuple[str, dict[str, str]]], alg: str, chosen: str | None
) -> None:
    """RFC 7517 sections 4.2, 4.4; OIDC Core section 10.2: by kty, use and alg."""
    found = choose_key(parse_jwks({"keys": [public(private[kind], **about) for kind, about in keys]}), alg)
    assert (None if found is None else found.kid) == chosen


def test_nothing_weak_is_among_the_algorithms() -> None:
    """RFC 8725 section 3.2."""
    assert ENCRYPTION_ALGORITHMS == ("RSA-OAEP-256", "ECDH-ES")
