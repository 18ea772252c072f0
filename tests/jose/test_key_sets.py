"""Which public keys a client may register (RFC 7517, RFC 8725 section 3.5; A-101)."""

from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from provider.jose.key_sets import MOST_KEYS, InvalidKey, parse_jwks, parse_usable
from tests.support.client_keys import ALGORITHMS, Signatory, public, usual_key

EC: dict[str, Any] = public(usual_key("ES256"))
RSA: dict[str, Any] = public(usual_key("RS256"))
OKP: dict[str, Any] = public(usual_key("EdDSA"))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_of_every_algorithm_is_taken(alg: str) -> None:
    (key,) = parse_jwks(Signatory.of(alg).jwks)
    assert (key.kid, key.use, key.alg) == ("key-1", "sig", alg)


def test_keys_to_encrypt_to_are_taken_too() -> None:
    keys = [
        public(ECKey.generate_key("P-384"), use="enc"),
        public(ECKey.generate_key("P-521"), use="enc"),
        public(OKPKey.generate_key("X25519"), use="enc", alg="ECDH-ES"),
    ]
    assert [key.crv for key in parse_jwks({"keys": keys})] == ["P-384", "P-521", "X25519"]


def test_what_a_key_does_not_say_is_none() -> None:
    (key,) = parse_jwks({"keys": [EC]})
    assert (key.kid, key.use, key.alg, key.key_ops) == (None, None, None, None)


def with_members(jwk: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {name: value for name, value in {**jwk, **members}.items() if value is not None}


WEAK = RSA | {"n": "v" * 170 + "s"}  # 1024 bits, and well-formed: no other check rejects it
INVALID = [
    usual_key("ES256").as_dict(private=True),
    usual_key("RS256").as_dict(private=True),
    usual_key("EdDSA").as_dict(private=True),
    with_members(RSA, oth=[]),
    {"kty": "oct", "k": "x" * 43},
    {"kty": "AKP", "pub": "x"},
    {"kty": ["RSA"]},
    {"kty": None},
    with_members(EC, kty=None),
    with_members(EC, x=None),
    with_members(EC, y="AAAA"),
    with_members(EC, crv="secp256k1"),
    with_members(EC, crv="P-384"),
    with_members(EC, crv=7),
    with_members(OKP, crv="Ed448"),
    with_members(OKP, x="AA"),
    with_members(RSA, n=None),
    with_members(RSA, n=7),
    with_members(RSA, n="not base64url!"),
    with_members(RSA, n=RSA["n"] + "="),
    WEAK,
    with_members(RSA, n="v" * 1000),
    with_members(RSA, e="AQ"),
    with_members(RSA, e="AQAAAAAAAAAB"),
    with_members(RSA, e="A" * 9),
    with_members(EC, kid=7),
    with_members(EC, kid=""),
    with_members(EC, kid="x" * 257),
    with_members(EC, use=["sig"]),
    with_members(EC, alg={}),
    with_members(EC, key_ops="verify"),
    "key",
    None,
]


@pytest.mark.parametrize("jwk", INVALID)
def test_a_key_that_is_private_symmetric_weak_or_none_is_not_registered(jwk: Any) -> None:
    with pytest.raises(InvalidKey):
        parse_jwks({"keys": [EC, jwk]})


@pytest.mark.parametrize("jwk", INVALID)
def test_in_a_published_set_such_a_key_is_passed_over(jwk: Any) -> None:
    """RFC 7517 section 5: what is not understood is ignored."""
    assert [key.kid for key in parse_usable({"keys": [jwk, with_members(EC, kid="good")]})] == ["good"]


@pytest.mark.parametrize(
    "given", [None, [], [EC], {}, {"keys": None}, {"keys": {}}, {"keys": []}, {"keys": [EC] * (MOST_KEYS + 1)}]
)
def test_what_is_no_set_is_refused(given: Any) -> None:
    for parse in (parse_jwks, parse_usable):
        with pytest.raises(InvalidKey):
            parse(given)


def test_more_keys_may_be_published_where_that_is_allowed() -> None:
    assert len(parse_usable({"keys": [EC] * 21}, most=21)) == 21
    with pytest.raises(InvalidKey):
        parse_usable({"keys": [EC] * 22}, most=21)


def test_the_reason_does_not_quote_the_key() -> None:
    private = RSAKey.generate_key(2048).as_dict(private=True)
    with pytest.raises(InvalidKey) as refused:
        parse_jwks({"keys": [private]})
    assert str(private["d"]) not in str(refused.value)
