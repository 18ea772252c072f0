"""A key pair: its name, what of it is published, what of it is kept."""

import json

import pytest
from joserfc.jwk import RSAKey

from provider.jose.algorithms import KEY_PAIRS, ON_REQUEST
from provider.oauth.keys import key_pairs, rotation
from provider.oauth.keys.store import State
from tests.support.installation import Work

MEMBERS = {"RS256": {"n", "e"}, "ES256": {"crv", "x", "y"}, "EdDSA": {"crv", "x"}}


def test_a_kid_is_the_thumbprint_of_its_key(work: Work) -> None:
    """RFC 7638 section 3."""
    with work() as w:
        rows = rotation.list_keys(w)
        assert rows
        for row in rows:
            assert key_pairs.open_public(row).thumbprint() == row.kid


@pytest.mark.parametrize("pair", KEY_PAIRS)
def test_each_algorithm_of_a_pair_is_published_as_a_key_that_names_it(work: Work, pair: str) -> None:
    """RFC 7517 sections 4.4, 4.5; RFC 8725 section 3.1; A-104: the same material, its own name and algorithm."""
    with work() as w:
        row = next(row for row in rotation.list_keys(w) if row.alg == pair)
    published = key_pairs.published_keys(row, ON_REQUEST)
    assert [key["alg"] for key in published] == list(KEY_PAIRS[pair])
    assert len({key["kid"] for key in published}) == len(published)
    assert {key_pairs.row_of(key["kid"]) for key in published} == {row.kid}
    assert published[0]["kid"] == row.kid, "the first keeps the name it had before there was a second"
    for key in published:
        assert set(key) == {"kty", "use", "alg", "kid", *MEMBERS[pair]}
        assert {name: key[name] for name in MEMBERS[pair]} == {name: row.public[name] for name in MEMBERS[pair]}


def test_an_rsa_key_has_2048_bits_or_more(work: Work) -> None:
    """RFC 7518 section 3.3, RFC 8725 section 3.5."""
    with work() as w:
        key = key_pairs.open_public(next(row for row in rotation.list_keys(w) if row.alg == "RS256"))
    assert isinstance(key, RSAKey)
    assert key.raw_value.key_size >= 2048


def test_private_parts_are_encrypted_at_rest(work: Work) -> None:
    """A-104."""
    with work() as w:
        rows = rotation.list_keys(w)
        assert rows
        for row in rows:
            assert row.private is not None
            assert '"d"' not in row.private
            assert json.loads(w.vault.decrypt(row.private, purpose=key_pairs.PURPOSE, context=row.kid))["d"]
            assert "d" not in row.public


def test_a_new_key_has_a_name_that_no_shell_takes_for_an_option(work: Work) -> None:
    """`signet key revoke KID`."""
    with work() as w:
        made = [key_pairs.generate(w, "EdDSA", State.UPCOMING).kid for _ in range(200)]
    assert not [kid for kid in made if kid.startswith("-")]
    assert len(set(made)) == 200
