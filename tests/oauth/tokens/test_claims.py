"""The claims request parameter, and which of a person's claims are released."""

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.oauth.scopes import SCOPES
from provider.oauth.tokens.claims import (
    NOTHING,
    RequestedClaims,
    claims_of,
    names_for,
    parse_claims,
    released,
    roles_for,
)
from provider.oauth.tokens.store.people import Person

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
requested = st.dictionaries(
    st.sampled_from(["name", "email", "acr", "sub", "auth_time", "x"]),
    st.none() | st.dictionaries(st.sampled_from(["essential", "value", "values", "y"]), json_values) | json_values,
)


def person(**claims: Any) -> Person:
    return Person(
        claims=claims, roles=["admin"], updated_at=WHEN, email="a@b.test", email_verified_at=None, attributes=None
    )


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        (None, NOTHING),
        ("", NOTHING),
        ("{}", NOTHING),
        ('{"userinfo":{"name":{"essential":true}}}', RequestedClaims(userinfo=("name",))),
        ('{"id_token":{"email":null}}', RequestedClaims(id_token=("email",))),
        ('{"id_token":{"unheard_of":null}}', NOTHING),
        ('{"elsewhere":{"name":null}}', NOTHING),
        ('{"id_token":null,"userinfo":null}', NOTHING),
        ('{"id_token":{"acr":{"values":["aal2"]}}}', RequestedClaims(acr_values=("aal2",))),
        (
            '{"id_token":{"acr":{"essential":true,"value":"aal2"}}}',
            RequestedClaims(acr_values=("aal2",), acr_essential=True),
        ),
        ('{"id_token":{"acr":{"essential":"yes","values":"aal2"}}}', NOTHING),
        ('{"id_token":{"acr":{"values":[1,null,"aal1"]}}}', RequestedClaims(acr_values=("aal1",))),
        ('{"id_token":{"sub":{"value":"u1"}}}', RequestedClaims(sub="u1")),
        ('{"id_token":{"sub":{"value":5}}}', NOTHING),
        ('{"userinfo":{"sub":{"value":"u1"}}}', RequestedClaims(sub="u1")),
        (
            '{"userinfo":{"zoneinfo":{"values":["UTC",null,{"a":1}]},"name":{"value":"Ada"},"email":null}}',
            RequestedClaims(
                userinfo=("zoneinfo", "name", "email"), values={"userinfo": {"zoneinfo": ["UTC"], "name": ["Ada"]}}
            ),
        ),
        ('{"userinfo":{"name":{"values":"Ada"}}}', RequestedClaims(userinfo=("name",))),
    ],
)
def test_the_claims_parameter_is_reduced_to_what_we_act_on(text: str | None, claims: RequestedClaims) -> None:
    """OIDC Core section 5.5."""
    assert parse_claims(text) == claims


@pytest.mark.parametrize(
    "text", ["x", "[]", '"x"', "5", "null", '{"id_token":[]}', '{"userinfo":{"name":5}}', "[" * 100_000, "9" * 5000]
)
def test_what_is_no_object_of_claims_is_an_error(text: str) -> None:
    """OIDC Core section 5.5."""
    with pytest.raises(ValueError):
        parse_claims(text)


@given(st.text(max_size=80) | st.builds(json.dumps, json_values))
def test_no_text_raises_anything_else(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_claims(text)


@given(st.builds(json.dumps, st.fixed_dictionaries({}, optional={"id_token": requested, "userinfo": requested})))
def test_no_claims_object_raises_anything_else(text: str) -> None:
    try:
        claims = parse_claims(text)
    except ValueError:
        return
    assert claims.names <= {"name", "email"}


def test_absent_claims_are_left_out() -> None:
    """OIDC Core section 5.3.2: never null, never empty."""
    somebody = person(name="Ada", nickname="", website=None, address={}, zoneinfo="UTC")
    names = ["name", "nickname", "website", "address", "zoneinfo", "gender"]
    assert claims_of(somebody, names, client_id="app") == {"name": "Ada", "zoneinfo": "UTC"}


def test_false_is_a_value() -> None:
    """OIDC Core section 5.1."""
    assert claims_of(person(), ["email_verified"], client_id="app") == {"email_verified": False}


def test_updated_at_is_a_number_of_seconds() -> None:
    """OIDC Core section 5.1."""
    assert claims_of(person(), ["updated_at"], client_id="app") == {"updated_at": int(WHEN.timestamp())}


def test_profile_claims_cannot_replace_verified_claims() -> None:
    """A-59: `email_verified` is true only after our own check."""
    somebody = person(email="other@b.test", email_verified=True, roles=["root"], groups=["root"], updated_at=0)
    known = claims_of(somebody, ["email", "email_verified", "roles", "groups", "updated_at"], client_id="app")
    assert known == {
        "email": "a@b.test",
        "email_verified": False,
        "roles": ["admin"],
        "updated_at": int(WHEN.timestamp()),
    }


def test_a_user_without_a_verified_address_has_no_email_claim() -> None:
    """A-59."""
    somebody = Person({"email": "x@y.test", "email_verified": True}, [], WHEN, None, None, None)
    assert claims_of(somebody, ["email", "email_verified"], client_id="app") == {}


def test_scopes_and_single_requests_release_each_claim_once() -> None:
    """OIDC Core sections 5.4 and 5.5."""
    requested = parse_claims('{"userinfo":{"email":null,"name":{"essential":true}}}').as_json()
    names = names_for(("openid", "email"))
    assert names == ["sub", "email", "email_verified"]
    claims = released(person(name="Ada"), names, requested, "userinfo", client_id="app", scopes=SCOPES)
    assert claims == {"email": "a@b.test", "email_verified": False, "name": "Ada"}
    assert released(person(name="Ada"), [], requested, "id_token", client_id="app", scopes=SCOPES) == {}


@pytest.mark.parametrize(
    ("wanted", "claims"),
    [
        (None, {"name": "Ada"}),
        ({"essential": True}, {"name": "Ada"}),
        ({"value": "Ada"}, {"name": "Ada"}),
        ({"value": "Bob"}, {}),
        ({"values": ["Bob", "Ada"]}, {"name": "Ada"}),
        ({"values": []}, {}),
        ({"value": None}, {}),
    ],
)
def test_a_claim_wanted_with_a_value_is_released_only_with_it(wanted: Any, claims: dict[str, Any]) -> None:
    """OIDC Core section 5.5.1; never an error."""
    requested = parse_claims(json.dumps({"userinfo": {"name": wanted}})).as_json()
    assert released(person(name="Ada"), [], requested, "userinfo", client_id="app", scopes=SCOPES) == claims
    assert released(person(name="Ada"), ["name"], requested, "userinfo", client_id="app", scopes=SCOPES) == {
        "name": "Ada"
    }


@pytest.mark.parametrize(
    ("name", "wanted", "is_released"),
    [
        ("email_verified", "false", True),
        ("email_verified", "true", False),
        ("email_verified", "0", False),
        ("email_verified", "0.0", False),
        ("email_verified", '"false"', False),
        ("updated_at", str(int(WHEN.timestamp())), True),
        ("updated_at", f"{int(WHEN.timestamp())}.0", True),
        ("updated_at", f"{int(WHEN.timestamp())}.5", False),
        ("updated_at", f'"{int(WHEN.timestamp())}"', False),
        ("updated_at", "1" * 400, False),
    ],
)
def test_a_wanted_value_is_compared_as_json(name: str, wanted: str, is_released: bool) -> None:
    """OIDC Core section 5.5.1, RFC 8259 section 3: false is not 0, and a number has one value in every spelling."""
    requested = parse_claims(f'{{"userinfo":{{"{name}":{{"value":{wanted}}}}}}}').as_json()
    found = released(person(), [], requested, "userinfo", client_id="app", scopes=SCOPES)
    assert (name in found) == is_released


def test_what_may_not_be_asked_for_leaves_nothing() -> None:
    """A-59."""
    claims = parse_claims('{"userinfo":{"name":{"value":"Ada"},"email":{"value":"a@b.test"}}}').only({"name"})
    assert claims.as_json() == {"id_token": [], "userinfo": ["name"], "values": {"userinfo": {"name": ["Ada"]}}}


@pytest.mark.parametrize(
    ("roles", "seen"),
    [
        (["admin"], ["admin"]),
        (["admin", "shop:clerk"], ["admin", "clerk"]),
        (["other:admin"], []),
        (["shop:admin", "admin"], ["admin"]),
        (["shop:a:b"], ["a:b"]),
        ([], []),
    ],
)
def test_a_client_sees_global_roles_and_its_own(roles: list[str], seen: list[str]) -> None:
    """A role written `client_id:role` is for that client only. Replaces: roles and permissions."""
    assert roles_for(roles, "shop") == seen
