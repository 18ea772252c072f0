"""Which algorithms we sign with, and what goes with each."""

import base64
import hashlib

import pytest

from provider.jose.algorithms import KEY_PAIRS, SIGNING_ALGORITHMS, find_pair, half_hash

ACCESS_TOKEN = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"


@pytest.mark.parametrize("alg", SIGNING_ALGORITHMS)
def test_a_half_hash_is_made_with_the_hash_of_the_signature(alg: str) -> None:
    """OIDC Core sections 3.1.3.6, 3.3.2.11; RFC 7518 section 3.1, RFC 8032 section 5.1."""
    name = "sha512" if alg in {"EdDSA", "Ed25519"} else f"sha{alg[2:]}"
    whole = hashlib.new(name, ACCESS_TOKEN.encode()).digest()
    half = base64.urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=").decode()
    assert half_hash(ACCESS_TOKEN, alg) == half


def test_the_half_hash_of_the_example_is_the_one_of_the_specification() -> None:
    """OIDC Core appendix A.3: at_hash and c_hash of its examples, signed with RS256."""
    assert half_hash(ACCESS_TOKEN, "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"
    assert half_hash("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk", "RS256") == "LDktKdoQak3Pk0cnXxCltA"


def test_every_algorithm_has_one_key_pair() -> None:
    """Decision 23: PS256 with the same RSA key as RS256."""
    assert len(set(SIGNING_ALGORITHMS)) == len(SIGNING_ALGORITHMS)
    assert {alg: find_pair(alg) for alg in SIGNING_ALGORITHMS} == {
        "RS256": "RS256",
        "PS256": "RS256",
        "ES256": "ES256",
        "EdDSA": "EdDSA",
        "Ed25519": "EdDSA",
    }
    assert set(KEY_PAIRS) <= set(SIGNING_ALGORITHMS)


@pytest.mark.parametrize("alg", ["none", "HS256", "RS512", "ES384", "Ed448", "rs256", ""])
def test_no_other_algorithm_has_a_key_pair(alg: str) -> None:
    """RFC 8725 section 3.2."""
    assert find_pair(alg) is None
