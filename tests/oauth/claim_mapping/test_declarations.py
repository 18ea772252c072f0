"""What a claim mapping may contain, and the claims that none can set."""

from typing import Any

import pytest

from provider.oauth.claim_mapping.declarations import InvalidMapping, attributes_read_by, parse_declaration
from provider.oauth.claim_mapping.paths import RESERVED, put_at, split_path
from provider.oauth.http.metadata import ID_TOKEN_CLAIMS
from provider.oauth.scopes import CLAIMS
from provider.oauth.tokens.introspected_claims import SHOWN

GROUPS: dict[str, Any] = {"claim": "groups", "client_id": "k8s", "source": "groups"}
OWN: dict[str, Any] = {"claim": "tier", "scope": "shop", "source": "constant", "value": 1, "description": "See it"}


def test_claims_of_ours_can_never_be_mapped() -> None:
    """N-323: registered claims and those that Signet sets are refused with the reason, nested or not."""
    ours = {*ID_TOKEN_CLAIMS, *SHOWN, *CLAIMS, "nbf", "azp", "active", "token_type", "c_hash", "grant_id"}
    assert ours - {"roles", "groups"} <= RESERVED
    for name in sorted(RESERVED):
        for claim in (name.replace(".", "\\."), name.replace(".", "\\.") + ".member"):
            with pytest.raises(InvalidMapping, match="is set by Signet"):
                parse_declaration(GROUPS | {"claim": claim})


@pytest.mark.parametrize(
    ("given", "member"),
    [
        (GROUPS | {"claim": ""}, "claim"),
        (GROUPS | {"claim": "a..b"}, "claim"),
        (GROUPS | {"claim": "a b"}, "claim"),
        (GROUPS | {"claim": "ä"}, "claim"),
        (GROUPS | {"claim": "a.b.c.d.e.f"}, "claim"),
        (GROUPS | {"claim": "groups.a"}, "claim"),
        (GROUPS | {"claim": 1}, "claim"),
        (GROUPS | {"format": "comma"}, "format"),
        (GROUPS | {"format": "xml"}, "format"),
        (GROUPS | {"source": "ldap"}, "source"),
        (GROUPS | {"client_id": None}, "scope"),
        (GROUPS | {"client_id": 1}, "client_id"),
        (GROUPS | {"places": []}, "places"),
        (GROUPS | {"places": ["logout_token"]}, "places"),
        (GROUPS | {"prefix": 1}, "prefix"),
        (GROUPS | {"strip_prefix": "yes"}, "strip_prefix"),
        (GROUPS | {"only": {"a": 1}}, "only"),
        (GROUPS | {"only": [1]}, "only"),
        (GROUPS | {"only": "a"}, "only"),
        (GROUPS | {"expression": "1"}, "expression"),
        (GROUPS | {"description": "x"}, "description"),
        (GROUPS | {"color": "red"}, "color"),
        (OWN | {"description": ""}, "description"),
        (OWN | {"scope": "openid"}, "description"),
        (OWN | {"scope": "admin:read"}, "scope"),
        (OWN | {"scope": "two words"}, "scope"),
        (OWN | {"value": None}, "value"),
        (OWN | {"value": "x" * 3000}, "value"),
        (OWN | {"prefix": "a"}, "prefix"),
        (OWN | {"source": "expression"}, "value"),
        (OWN | {"source": "expression", "value": None, "expression": "nope"}, "expression"),
        (OWN | {"source": "attribute", "value": None, "attribute": "No"}, "attribute"),
    ],
)
def test_what_is_no_mapping_is_refused_with_the_member(given: dict[str, Any], member: str) -> None:
    """N-324: an invalid declaration names the member that is wrong."""
    with pytest.raises(InvalidMapping) as refused:
        parse_declaration(given)
    assert refused.value.member == member


def test_dots_nest_and_a_backslash_keeps_them() -> None:
    assert split_path(r"https://shop\.example/claims.customer") == ("https://shop.example/claims", "customer")
    claims: dict[str, Any] = {}
    assert put_at(claims, ("a", "b"), 1)
    assert put_at(claims, ("a", "c"), 2)
    assert not put_at(claims, ("a", "b", "c"), 3)
    assert not put_at(claims, ("a",), 4)
    assert claims == {"a": {"b": 1, "c": 2}}


def test_an_expression_reads_the_attributes_that_it_names() -> None:
    one = parse_declaration(
        {
            "claim": "x",
            "client_id": "y",
            "source": "expression",
            "expression": "has(user.attributes.team) ? user.attributes['level'] : user . attributes . number",
        }
    )
    assert attributes_read_by(one) == {"team", "level", "number"}
