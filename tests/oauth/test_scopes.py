"""Scope tokens and what each releases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.oauth.scopes import CLAIMS, CLAIMS_OF_SCOPE, IN_WORDS, SCOPES, format_scope, is_scope_token, parse_scope


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        (None, ()),
        ("", ()),
        ("openid", ("openid",)),
        ("openid email openid", ("openid", "email")),
        ("email openid", ("email", "openid")),
    ],
)
def test_scope_tokens_keep_their_order_and_come_once(text: str | None, tokens: tuple[str, ...]) -> None:
    """RFC 6749 section 3.3."""
    assert parse_scope(text) == tokens


@pytest.mark.parametrize("token", ["a", "!", "#", "[", "]", "~", "api:read", "https://api.test/read"])
def test_valid_scope_tokens_are_recognized(token: str) -> None:
    """RFC 6749 section 3.3."""
    assert is_scope_token(token)


@pytest.mark.parametrize("token", ["", " ", '"', "\\", "ä", "\x7f", "a b", "a\n", "\x00"])
def test_invalid_scope_tokens_are_recognized(token: str) -> None:
    """RFC 6749 section 3.3."""
    assert not is_scope_token(token)


@given(st.lists(st.from_regex(r"\A[!#-\[\]-~]{1,8}\Z"), unique=True))
def test_what_is_formatted_is_read_back(tokens: list[str]) -> None:
    assert list(parse_scope(format_scope(tokens))) == tokens


def test_the_standard_scopes_release_the_claims_of_the_specification() -> None:
    """OIDC Core section 5.4."""
    assert len(CLAIMS_OF_SCOPE["profile"]) == 14
    assert CLAIMS_OF_SCOPE["email"] == ("email", "email_verified")
    assert CLAIMS_OF_SCOPE["phone"] == ("phone_number", "phone_number_verified")
    assert CLAIMS_OF_SCOPE["address"] == ("address",)


def test_a_claim_belongs_to_one_scope() -> None:
    assert len(CLAIMS) == sum(len(claims) for claims in CLAIMS_OF_SCOPE.values())


def test_every_scope_has_a_description() -> None:
    assert set(IN_WORDS) == set(SCOPES)
