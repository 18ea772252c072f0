"""Password hashes: neither 72 bytes nor NUL nor the form of an umlaut matters."""

import base64
import hashlib

import bcrypt
import pytest

from provider.crypto.passwords import cost_of, decoy, hash_password, is_own_hash, is_password

COST = 4


@pytest.mark.parametrize("password", ["correct horse", "x" * 200, "a\0b", "pä\u0308sswörd", "\ud800", "🔑" * 30])
def test_a_password_is_recognised_and_another_is_not(password: str) -> None:
    hashed = hash_password(password, cost=COST)
    assert is_password(password, hashed)
    assert not is_password(password + "x", hashed)
    assert not is_password(password[:-1], hashed)


def test_bytes_after_the_72nd_count() -> None:
    assert not is_password("x" * 72 + "b", hash_password("x" * 72 + "a", cost=COST))


def test_a_nul_does_not_end_a_password() -> None:
    assert not is_password("a\0c", hash_password("a\0b", cost=COST))


def test_the_same_password_typed_on_another_keyboard_is_the_same() -> None:
    """NFC, frozen with this scheme."""
    assert is_password("Zo\u00eb", hash_password("Zoe\u0308", cost=COST))


def test_a_hash_tells_its_cost_so_that_it_can_be_upgraded() -> None:
    assert cost_of(hash_password("x", cost=5)) == 5


def test_the_decoy_costs_as_much_and_is_nobodys() -> None:
    assert cost_of(decoy(6)) == 6
    assert not is_password("", decoy(COST))


@pytest.mark.parametrize(("typed", "normal"), [("correct horse", b"correct horse"), ("Zoe\u0308", b"Zo\xc3\xab")])
def test_the_scheme_is_frozen(typed: str, normal: bytes) -> None:
    """It is bcrypt over base64(SHA-384(NFC)): whoever holds the hashes of an installation relies on it."""
    prehash = base64.b64encode(hashlib.sha384(normal).digest())
    assert len(prehash) == 64  # of the 72 bytes that bcrypt takes
    assert b"\0" not in prehash
    assert bcrypt.checkpw(prehash, hash_password(typed, cost=COST).encode())
    assert is_password(typed, bcrypt.hashpw(prehash, bcrypt.gensalt(COST)).decode())


def test_a_hash_made_long_ago_still_works() -> None:
    hashed = "$2b$04$8ak02VdZnqJqUz3qhZErz.u81/68XYHeYb1MDDDHhVHE1aNTDvdjC"
    assert is_password("correct horse battery staple", hashed)


def test_two_hashes_of_one_password_differ() -> None:
    """NIST SP 800-63B section 3.1.1.2: each has a salt of its own. At a cost at which tests make their own, too."""
    assert hash_password("a", cost=COST + 1) != hash_password("a", cost=COST + 1)


def test_a_given_salt_gives_one_hash_for_one_password() -> None:
    """Its bytes reach bcrypt unchanged, whichever they are: `_OWN_HASH` reads what bcrypt itself would write."""
    for salt, written in ((bytes(16), "." * 22), (bytes([255] * 16), "9" * 21 + "u"), (bytes(range(16)), "")):
        hashed = hash_password("a", cost=COST, salt=salt)
        assert is_own_hash(hashed)
        assert hashed.startswith(f"$2b$04${written}")
        assert hashed == hash_password("a", cost=COST, salt=salt)
        assert is_password("a", hashed)
        assert not is_password("b", hashed)
