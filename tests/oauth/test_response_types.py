"""Response types and modes, as tables of cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.oauth.response_types import (
    RESPONSE_TYPES,
    ResponseMode,
    effective_response_mode,
    grant_types_of,
    is_one_of,
    parse_response_type,
)

ALL = tuple(ResponseMode)


@pytest.mark.parametrize("text", [*RESPONSE_TYPES, "token id_token", "id_token code", "token id_token code"])
def test_the_order_of_words_in_a_response_type_does_not_matter(text: str) -> None:
    """RFC 6749 section 3.1.1."""
    assert is_one_of(parse_response_type(text), RESPONSE_TYPES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "none",
        "token",
        "code code",
        "code  id_token",
        " code",
        "code none",
        "CODE",
        "code\tid_token",
        "token token id_token",
    ],
)
def test_nothing_else_is_a_response_type(text: str) -> None:
    """RFC 9700 section 2.1.2; A-30."""
    assert not is_one_of(parse_response_type(text), RESPONSE_TYPES)


@pytest.mark.parametrize(
    ("response_type", "grant_types"),
    [
        ("code", {"authorization_code"}),
        ("id_token", {"implicit"}),
        ("id_token token", {"implicit"}),
        ("code id_token", {"authorization_code", "implicit"}),
        ("code token", {"authorization_code", "implicit"}),
        ("code id_token token", {"authorization_code", "implicit"}),
    ],
)
def test_each_response_type_has_its_grant_types(response_type: str, grant_types: set[str]) -> None:
    """OIDC Registration section 2."""
    assert grant_types_of(parse_response_type(response_type)) == grant_types


@pytest.mark.parametrize(
    ("given_parameters", "mode"),
    [
        ({}, "query"),
        ({"response_type": "code"}, "query"),
        ({"response_type": "none"}, "query"),
        ({"response_type": "unheard-of"}, "query"),
        ({"response_type": "id_token"}, "fragment"),
        ({"response_type": "token"}, "fragment"),
        ({"response_type": "token id_token"}, "fragment"),
        ({"response_type": "code token"}, "fragment"),
        ({"response_type": "code id_token unheard-of"}, "fragment"),
        ({"response_mode": "form_post"}, "form_post"),
        ({"response_mode": "fragment"}, "fragment"),
        ({"response_mode": "query"}, "query"),
        ({"response_mode": "web_message"}, "query"),
        ({"response_type": "code", "response_mode": "fragment"}, "fragment"),
        ({"response_type": "code", "response_mode": "form_post"}, "form_post"),
        ({"response_type": "id_token", "response_mode": "form_post"}, "form_post"),
        ({"response_type": "id_token", "response_mode": "query"}, "fragment"),
        ({"response_type": "id_token", "response_mode": "web_message"}, "fragment"),
    ],
)
def test_an_answer_travels_as_asked_or_as_its_response_type_does(given_parameters: dict[str, str], mode: str) -> None:
    """Multiple Response Types sections 2.1 and 5; docs/reference/protocol.md, response modes: the query by default."""
    assert effective_response_mode(given_parameters, ALL) == mode


def test_a_response_mode_the_client_may_not_use_is_not_used_for_errors() -> None:
    """ASVS 10.4.12; A-30: then the error goes where such answers go by default."""
    assert effective_response_mode({"response_type": "code", "response_mode": "fragment"}, ("query",)) == "query"
    assert effective_response_mode({"response_type": "code"}, ("form_post",)) == "query"


words = st.text(alphabet="cdeiknopt_ ", max_size=20) | st.sampled_from([*ALL, *RESPONSE_TYPES])


@given(st.dictionaries(st.sampled_from(["response_type", "response_mode"]), words))
def test_there_is_always_a_mode(given_parameters: dict[str, str]) -> None:
    assert effective_response_mode(given_parameters, ALL) in ALL
