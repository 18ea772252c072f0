"""JWTs that others sign are read strictly, and verified with keys that fit them (RFC 7515, RFC 7519, RFC 8725)."""

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from provider.jose.key_sets import PublicKey, parse_usable
from provider.jose.signed_jwts import LONGEST, InvalidJwt, read_jwt, require_signature
from tests.support.client_keys import ALGORITHMS, Signatory, mac, new_key, public, sign, usual_key

CLAIMS = {"iss": "me"}


def refusal(text: str) -> str:
    with pytest.raises(InvalidJwt) as refused:
        read_jwt(text)
    return refused.value.reason


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


HEADER = b64(b'{"alg":"ES256"}')


def test_header_and_claims_are_read() -> None:
    jwt = read_jwt(Signatory().sign(CLAIMS, typ="JWT"))
    assert (jwt.alg, jwt.kid, jwt.typ, jwt.claims) == ("ES256", "key-1", "JWT", CLAIMS)


@pytest.mark.parametrize("odd", ["\ud800", "a\x00", ["\x00"], {"a": [{"\ud83d": 1}]}])
def test_text_that_nothing_can_hold_is_refused(odd: Any) -> None:
    """RFC 8259 section 8.2: JSON can escape it. Only who cleans each text may ask for it."""
    assert "surrogate" in refusal(Signatory().sign({"iss": odd}))
    assert read_jwt(Signatory().sign({"iss": odd}), any_text=True).claims == {"iss": odd}
    for name in ("kid", "typ", "other"):
        with pytest.raises(InvalidJwt, match="surrogate"):
            read_jwt(Signatory().sign(CLAIMS, **{name: odd}), any_text=True)
    fine = {"iss": "ä \U0001f600 \u202e"}
    assert read_jwt(Signatory().sign(fine)).claims == fine


@pytest.mark.parametrize("extra", [{"crit": ["exp"], "exp": 1}, {"crit": []}, {"b64": False}, {"zip": "DEF"}])
def test_what_would_change_the_meaning_is_refused(extra: dict[str, Any]) -> None:
    """RFC 7515 section 4.1.11, RFC 7797, RFC 8725 section 3.6; A-43."""
    assert "header" in refusal(Signatory().sign(CLAIMS, **extra))


@pytest.mark.parametrize("header", [{}, {"alg": 7}, {"alg": None}, {"alg": "ES256", "kid": 7}, {"alg": "X", "typ": []}])
def test_a_header_says_its_algorithm_in_text(header: dict[str, Any]) -> None:
    refusal(f"{b64(json.dumps(header).encode())}.{b64(b'{}')}.AAAA")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c",
        "e30.e30.",
        f"{b64(b'[]')}.e30.",
        b64(b'{"alg":"none","alg":"none"}') + ".e30.",
        HEADER + "." + b64(b'{"sub":"a","sub":"b"}') + ".AAAA",
        f"{HEADER}.A.AAAA",
        f"{HEADER}.e30.AAAA.AAAA.AAAA",
        f"{HEADER}.e30.AAAA\n",
        f" {HEADER}.e30.AAAA",
        f"{HEADER}==.e30.AAAA",
        '{"payload": "e30", "signatures": []}',
    ],
)
def test_what_is_no_jwt_in_the_compact_form_is_refused(text: str) -> None:
    """RFC 8725 sections 3.3, 3.7: nothing nested, encrypted or with members twice."""
    refusal(text)


@given(st.text(alphabet='abcAZ019_-.=+/{}" \n', max_size=200))
def test_no_text_is_more_than_refused(text: str) -> None:
    with contextlib.suppress(InvalidJwt):
        read_jwt(text)


def test_a_jwt_that_is_too_long_is_refused() -> None:
    longest = f"{HEADER}.e30.".ljust(LONGEST, "A")
    assert read_jwt(longest).claims == {}
    refusal(longest + "AAAA")


@pytest.mark.parametrize("alg", ["none", "HS256", "RS512", "ES384"])
def test_an_algorithm_that_is_not_allowed_is_refused(alg: str) -> None:
    """RFC 8725 section 3.1."""
    text = f"{b64(json.dumps({'alg': alg}).encode())}.e30.AAAA"
    assert read_jwt(text).alg == alg
    for allowed in ((), ("ES256", "RS256")):
        with pytest.raises(InvalidJwt):
            read_jwt(text, algorithms=allowed)


def keys_of(*jwks: dict[str, Any]) -> tuple[PublicKey, ...]:
    return parse_usable({"keys": list(jwks)})


def verdict(text: str, *jwks: dict[str, Any], newer: tuple[PublicKey, ...] = (), **options: bool) -> str:
    """Why it is refused, or nothing; `newer` are the keys when they are asked for again."""

    def find(**asked: bool) -> tuple[PublicKey, ...]:
        return newer if newer and asked else keys_of(*jwks)

    try:
        require_signature(read_jwt(text), find, **options)
    except InvalidJwt as invalid:
        return invalid.reason
    return ""


WRONG = "its signature is wrong"
NO_KEY = "its signer has no key with this kid and alg"
SEVERAL = "it has no kid, and several keys could have signed it"
EC = public(usual_key())
OTHER = public(new_key())


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_key_of_the_signer_verifies(alg: str) -> None:
    signatory = Signatory.of(alg)
    assert verdict(signatory.sign(CLAIMS), signatory.jwk) == ""
    assert verdict(signatory.sign(CLAIMS)[:-6] + "AAAAAA", signatory.jwk) == WRONG


@pytest.mark.parametrize(("alg", "curve"), [("ES384", "P-384"), ("ES512", "P-521")])
def test_a_key_verifies_only_the_algorithm_of_its_curve(alg: str, curve: str) -> None:
    """RFC 7518 section 3.4."""
    key = ECKey.generate_key(curve)
    assert verdict(sign(CLAIMS, key, alg=alg), public(key)) == ""
    assert verdict(sign(CLAIMS, key, alg="ES256"), public(key)) == NO_KEY


def test_neither_none_nor_an_hmac_has_a_key() -> None:
    """RFC 8725 section 3.1: a public key is never taken for a secret."""
    assert verdict(b64(b'{"alg":"none"}') + ".e30.", EC) == NO_KEY
    pem = usual_key("RS256").as_pem(private=False)
    assert verdict(mac(CLAIMS, pem), public(usual_key("RS256"))) == NO_KEY


@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"},
        {"alg": "ES384"},
        {"alg": "ECDH-ES"},
        {"key_ops": ["deriveKey"]},
        {"key_ops": []},
        {"kid": "another"},
    ],
)
def test_a_key_that_is_for_something_else_is_not_used(members: dict[str, Any]) -> None:
    """RFC 7517 sections 4.2 to 4.5."""
    text = Signatory().sign(CLAIMS)
    assert verdict(text, {**EC, "kid": "key-1"}) == ""
    assert verdict(text, {**EC, "kid": "key-1", **members}) == NO_KEY


@pytest.mark.parametrize("members", [{"use": "sig"}, {"alg": "ES256"}, {"key_ops": ["verify"]}, {"key_ops": ["sign"]}])
def test_a_key_that_says_it_is_for_signatures_is_used(members: dict[str, Any]) -> None:
    assert verdict(Signatory().sign(CLAIMS), {**EC, "kid": "key-1", **members}) == ""


def test_newer_keys_are_asked_for_only_when_the_key_may_be_missing() -> None:
    right, other, old = ({**EC, "kid": "key-1"}, {**OTHER, "kid": "key-1"}, {**OTHER, "kid": "old"})
    newer = keys_of(right)
    text = Signatory().sign(CLAIMS)
    assert verdict(text, other, newer=newer) == WRONG
    assert verdict(text, old, newer=newer) == ""
    assert verdict(text, old) == NO_KEY
    assert verdict(text, right, newer=keys_of(old)) == ""
    assert verdict(Signatory(kid=None).sign(CLAIMS), OTHER, newer=newer) == ""
    assert verdict(Signatory(kid=None).sign(CLAIMS), OTHER) == WRONG


def test_without_a_kid_every_key_that_fits_is_tried_unless_it_must_be_the_only_one() -> None:
    """OIDC Core section 10.1."""
    text = Signatory(kid=None).sign(CLAIMS)
    assert verdict(text, OTHER, EC) == ""
    assert verdict(text, OTHER, EC, one_without_kid=True) == SEVERAL
    assert verdict(text, public(usual_key("RS256")), EC, one_without_kid=True) == ""
    assert verdict(text, OTHER, newer=keys_of(OTHER, EC), one_without_kid=True) == SEVERAL
