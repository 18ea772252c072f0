"""Random values are long enough, and found by digest."""

from provider.crypto.digests import (
    OPAQUE_BYTES,
    RECOVERY_ALPHABET,
    digest,
    new_handle,
    new_number_code,
    new_opaque,
    new_recovery_code,
    same,
)


def test_opaque_values_are_256_bits_and_never_twice() -> None:
    """RFC 6749 section 10.10."""
    assert OPAQUE_BYTES * 8 == 256
    values = {new_opaque() for _ in range(1000)}
    assert len(values) == 1000
    assert {len(value) for value in values} == {43}


def test_a_code_to_type_has_its_digits_also_the_leading_zeros() -> None:
    codes = [new_number_code() for _ in range(2000)]
    assert all(len(code) == 6 and code.isdecimal() and code.isascii() for code in codes)
    assert any(code.startswith("0") for code in codes)


def test_a_recovery_code_is_readable_and_has_more_than_64_bits() -> None:
    """NIST SP 800-63B section 3.1.2."""
    code = new_recovery_code()
    assert len(code) == 19
    assert set(code) <= set(RECOVERY_ALPHABET) | {"-"}
    assert len(RECOVERY_ALPHABET) ** 16 > 2**64
    assert not set("il1o0") & set(RECOVERY_ALPHABET)


def test_a_handle_can_stand_in_a_shell() -> None:
    assert new_handle().isalnum()


def test_digests_are_compared_whole_and_take_any_text() -> None:
    assert same(digest("a"), digest("a"))
    assert not same(digest("a"), digest("b"))
    assert len(digest("\ud800")) == 32  # what a JSON body may smuggle in
